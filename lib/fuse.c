#include "fuse.h"

#include <string.h>

#include "bits.h"

enum {
    KIND = 1,         /* three places, eight bits; stored */
    HEADER_SIZE = 16, /* kind, bits of a segment, two reserved, segments, seed */
    PLACES = 3,
    SEGMENT_BITS_MAX = 18, /* larger ones gain nothing (the paper, 4.1) */
    TRIES = 100,           /* one nearly always does */
    KEYS_FIRST = 1024      /* slots */
};

/* --- hashes, each once --- */

/* 0 stands for an empty slot, so it is kept, and asked for, as 1. */
static uint64_t kept(uint64_t hash)
{
    return hash ? hash : 1;
}

static void put_key(uint64_t *slots, size_t count, uint64_t hash, size_t *added)
{
    size_t at = (size_t)hash & (count - 1);
    while (slots[at] && slots[at] != hash)
        at = (at + 1) & (count - 1);
    *added += slots[at] == 0;
    slots[at] = hash;
}

static bool grow(fl_fuse_keys *keys)
{
    size_t count = keys->slot_count ? 2 * keys->slot_count : KEYS_FIRST;
    size_t moved = 0;
    uint64_t *slots = fl_memory_zalloc(count, sizeof *slots);
    if (!slots)
        return false;
    for (size_t i = 0; i < keys->slot_count; i++)
        if (keys->slots[i])
            put_key(slots, count, keys->slots[i], &moved);
    fl_memory_free(keys->slots);
    keys->slots = slots;
    keys->slot_count = count;
    return true;
}

bool fl_fuse_add(fl_fuse_keys *keys, uint64_t hash)
{
    if (2 * keys->count >= keys->slot_count && !grow(keys))
        return false;
    put_key(keys->slots, keys->slot_count, kept(hash), &keys->count);
    return true;
}

void fl_fuse_clear(fl_fuse_keys *keys)
{
    if (keys->slots)
        memset(keys->slots, 0, keys->slot_count * sizeof *keys->slots);
    keys->count = 0;
}

void fl_fuse_free(fl_fuse_keys *keys)
{
    fl_memory_free(keys->slots);
    *keys = (fl_fuse_keys){0};
}

/* --- places --- */

/* The finalizer of MurmurHash3: hashes of another seed are others in every bit. */
static uint64_t mix(uint64_t hash, uint64_t seed)
{
    hash += seed;
    hash ^= hash >> 33;
    hash *= UINT64_C(0xff51afd7ed558ccd);
    hash ^= hash >> 33;
    hash *= UINT64_C(0xc4ceb9fe1a85ec53);
    return hash ^ hash >> 33;
}

static unsigned char print_of(uint64_t mixed)
{
    return (unsigned char)(mixed ^ mixed >> 32);
}

/* The high half of a product of 64 and 32 bits: `mixed` brought down below `range`. */
static uint32_t scale_down(uint64_t mixed, uint32_t range)
{
    uint64_t low = (mixed & UINT32_MAX) * range >> 32;
    return (uint32_t)(((mixed >> 32) * range + low) >> 32);
}

/* One place in each of three segments that follow each other, so never one twice. */
static void find_places(uint64_t mixed, const fl_fuse *fuse, uint32_t out[PLACES])
{
    uint32_t mask = ((uint32_t)1 << fuse->segment_bits) - 1;
    out[0] = scale_down(mixed, fuse->segments << fuse->segment_bits);
    out[1] = (out[0] + mask + 1) ^ (uint32_t)(mixed >> 18 & mask);
    out[2] = (out[0] + 2 * (mask + 1)) ^ (uint32_t)(mixed & mask);
}

/* --- making one --- */

/* Segments of 2^floor(log(n) / log(3.33) + 2.25) prints, 0.875 + 0.25 log(10^6) / log(n)
 * prints a key, at least 1.125: the paper's, in integers. Any will do that works. */
static void choose_size(fl_fuse *fuse, size_t count)
{
    unsigned bits = 2;
    uint64_t from = 247; /* 100 * 3.33^0.75: where three bits begin */
    while (bits < SEGMENT_BITS_MAX && (uint64_t)count * 100 >= from) {
        bits++;
        from = from * 333 / 100;
    }
    uint64_t factor = count > 1 ? 875 + 4983 / (fl_bits_width(count) - 1) : 1125;
    factor = factor > 1125 ? factor : 1125;
    uint64_t room = (uint64_t)count * factor / 1000;
    uint64_t segments = (room + ((uint64_t)1 << bits) - 1) >> bits;
    fuse->segment_bits = bits;
    fuse->segments = (uint32_t)(segments > PLACES ? segments - (PLACES - 1) : 1);
}

/* What peeling needs, a place or a key each. */
typedef struct peeling {
    uint64_t *sums;   /* of the mixed hashes that have the place: exclusive or */
    uint32_t *counts; /* of these */
    uint32_t *queue;  /* places that one hash has alone */
    uint64_t *order;  /* hashes in the order in which they were taken off … */
    uint32_t *alone;  /* … and the place that each had alone */
    size_t places;
} peeling;

static bool begin(peeling *p, size_t places, size_t keys)
{
    p->places = places;
    p->sums = fl_memory_alloc(places, sizeof *p->sums);
    p->counts = fl_memory_alloc(places, sizeof *p->counts);
    p->queue = fl_memory_alloc(places, sizeof *p->queue);
    p->order = fl_memory_alloc(keys, sizeof *p->order);
    p->alone = fl_memory_alloc(keys, sizeof *p->alone);
    return p->sums && p->counts && p->queue && p->order && p->alone;
}

static void end(peeling *p)
{
    fl_memory_free(p->sums);
    fl_memory_free(p->counts);
    fl_memory_free(p->queue);
    fl_memory_free(p->order);
    fl_memory_free(p->alone);
}

/* Takes off hash after hash, each at a place that no other left has. False when some are
 * left that share all their places: another seed will do. */
static bool peel(peeling *p, const fl_fuse_keys *keys, const fl_fuse *fuse)
{
    uint32_t at[PLACES];
    size_t waiting = 0;
    size_t taken = 0;
    memset(p->sums, 0, p->places * sizeof *p->sums);
    memset(p->counts, 0, p->places * sizeof *p->counts);
    for (size_t i = 0; i < keys->slot_count; i++) {
        if (!keys->slots[i])
            continue;
        uint64_t mixed = mix(keys->slots[i], fuse->seed);
        find_places(mixed, fuse, at);
        for (size_t k = 0; k < PLACES; k++) {
            p->sums[at[k]] ^= mixed;
            p->counts[at[k]]++;
        }
    }
    for (size_t i = 0; i < p->places; i++)
        if (p->counts[i] == 1)
            p->queue[waiting++] = (uint32_t)i;
    while (waiting > 0) {
        uint32_t place = p->queue[--waiting];
        if (p->counts[place] != 1)
            continue;
        uint64_t mixed = p->sums[place];
        p->order[taken] = mixed;
        p->alone[taken++] = place;
        find_places(mixed, fuse, at);
        for (size_t k = 0; k < PLACES; k++) {
            p->sums[at[k]] ^= mixed;
            if (--p->counts[at[k]] == 1)
                p->queue[waiting++] = at[k];
        }
    }
    return taken == keys->count;
}

/* In the order opposite to that of peeling nobody changes what is settled. */
static void settle(const peeling *p, size_t count, const fl_fuse *fuse,
                   unsigned char *prints)
{
    uint32_t at[PLACES];
    memset(prints, 0, p->places);
    for (size_t i = count; i-- > 0;) {
        find_places(p->order[i], fuse, at);
        prints[p->alone[i]] = (unsigned char)(print_of(p->order[i]) ^ prints[at[0]] ^
                                              prints[at[1]] ^ prints[at[2]]);
    }
}

static void put_header(fl_buffer *out, const fl_fuse *fuse)
{
    fl_bytes_put(out, KIND, 1);
    fl_bytes_put(out, fuse->segment_bits, 1);
    fl_bytes_put(out, 0, 2);
    fl_bytes_put(out, fuse->segments, 4);
    fl_bytes_put(out, fuse->seed, 8);
}

bool fl_fuse_put(const fl_fuse_keys *keys, fl_buffer *out)
{
    fl_fuse fuse = {0};
    peeling p = {0};
    if (keys->count == 0) {
        put_header(out, &fuse);
        return !out->failed;
    }
    choose_size(&fuse, keys->count);
    size_t places = (size_t)(fuse.segments + PLACES - 1) << fuse.segment_bits;
    bool sound = begin(&p, places, keys->count);
    bool made = false;
    for (unsigned i = 0; sound && !made && i < TRIES; i++) {
        fuse.seed = mix(i, UINT64_C(0x9e3779b97f4a7c15));
        made = peel(&p, keys, &fuse);
    }
    if (made) {
        put_header(out, &fuse);
        char *prints = fl_buffer_reserve(out, places);
        sound = prints != NULL;
        if (sound) {
            settle(&p, keys->count, &fuse, (unsigned char *)prints);
            out->size += places;
        }
    }
    end(&p);
    return sound;
}

/* --- asking one --- */

bool fl_fuse_get(fl_fuse *fuse, const void *data, size_t size)
{
    fl_cursor in = {data, size, false};
    uint64_t kind = fl_cursor_get(&in, 1);
    fuse->segment_bits = (unsigned)fl_cursor_get(&in, 1);
    fl_cursor_get(&in, 2);
    fuse->segments = (uint32_t)fl_cursor_get(&in, 4);
    fuse->seed = fl_cursor_get(&in, 8);
    fuse->prints = in.at;
    if (in.failed || kind != KIND || fuse->segment_bits > SEGMENT_BITS_MAX)
        return false;
    uint64_t places = (uint64_t)fuse->segments + PLACES - 1;
    return fuse->segments == 0
               ? in.left == 0
               : in.left == places << fuse->segment_bits && in.left <= UINT32_MAX;
}

bool fl_fuse_has(const fl_fuse *fuse, uint64_t hash)
{
    uint32_t at[PLACES];
    uint64_t mixed = mix(kept(hash), fuse->seed);
    if (fuse->segments == 0)
        return false;
    find_places(mixed, fuse, at);
    return (unsigned char)(fuse->prints[at[0]] ^ fuse->prints[at[1]] ^
                           fuse->prints[at[2]]) == print_of(mixed);
}
