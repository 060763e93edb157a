#include "integers.h"

#include "bits.h"

/* How a segment is written; bits of its first byte. */
enum { MODE_TOKENS = 1, MODE_ZIGZAG = 2, MODE_KNOWN = 3 };

/* What a segment of its own costs beside its numbers: its head, the frame's, and the
 * table of codes for the tokens that are in it. */
enum { PACK_HEAD_BITS = 8 * 8, TOKENS_HEAD_BITS = 8 * 20, TOKEN_CODE_BITS = 4 };

enum { TOKENS = 256 };

/* --- tokens --- */

/* Below 16 a number is its own token; above, a token is the highest bit's place and the
 * two bits below it: 16 + 60 * 4 make 256. */
static inline unsigned token_of(uint64_t number)
{
    if (number < 16)
        return (unsigned)number;
    unsigned top = 63 - (unsigned)__builtin_clzll(number);
    return 16 + (top - 4) * 4 + (unsigned)(number >> (top - 2) & 3);
}

/* Bits of a number that its token does not tell. */
static inline unsigned token_bits(unsigned token)
{
    return token < 16 ? 0 : token / 4 - 2;
}

static inline uint64_t token_base(unsigned token)
{
    return token < 16 ? token : (uint64_t)(4 | (token & 3)) << token_bits(token);
}

/* --- costs --- */

typedef struct histogram {
    uint32_t count[TOKENS];
    uint64_t total;
    uint64_t min; /* of the numbers themselves, as signed */
    uint64_t max;
} histogram;

static uint64_t tokens_cost(const histogram *h)
{
    uint64_t cost = 0; /* in 1/256 */
    uint64_t bits = 0;
    uint64_t whole = h->total ? fl_bits_log2_256(h->total) : 0;
    for (unsigned i = 0; i < TOKENS; i++)
        if (h->count[i]) {
            uint64_t one = whole - fl_bits_log2_256(h->count[i]);
            cost += h->count[i] * one;
            bits += (uint64_t)h->count[i] * token_bits(i) + TOKEN_CODE_BITS;
        }
    return cost / 256 + bits + TOKENS_HEAD_BITS;
}

static uint64_t pack_cost(const histogram *h)
{
    return h->total * fl_bits_width(h->max - h->min) + PACK_HEAD_BITS;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t cost_of(const histogram *h, bool pack_only)
{
    return pack_only ? pack_cost(h) : least(pack_cost(h), tokens_cost(h));
}

/* Signed order in unsigned numbers. */
#define SIGNED(number) ((number) ^ (uint64_t)1 << 63)

static void find_range(const uint64_t *values, size_t count, uint64_t *min,
                       uint64_t *max)
{
    uint64_t low = UINT64_MAX;
    uint64_t high = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t value = SIGNED(values[i]);
        low = value < low ? value : low;
        high = value > high ? value : high;
    }
    *min = SIGNED(low);
    *max = SIGNED(high);
}

static inline uint64_t to_token_number(uint64_t value, uint64_t base, bool zigzag)
{
    return zigzag ? fl_bits_zigzag(value) : value - base;
}

static void count_tokens(histogram *h, const uint64_t *values, size_t count,
                         uint64_t base, bool zigzag)
{
    memset(h->count, 0, sizeof h->count);
    if (zigzag)
        for (size_t i = 0; i < count; i++)
            h->count[token_of(fl_bits_zigzag(values[i]))]++;
    else
        for (size_t i = 0; i < count; i++)
            h->count[token_of(values[i] - base)]++;
    h->total = count;
}

/* Whether numbers that are not all positive are better told by their distance from zero
 * than by that from the least of them: one far outlier below would make all of them
 * large. */
static bool prefers_zigzag(histogram *h, const uint64_t *values, size_t count,
                           uint64_t min)
{
    if ((int64_t)min >= 0)
        return false;
    count_tokens(h, values, count, min, false);
    uint64_t from_least = tokens_cost(h);
    count_tokens(h, values, count, 0, true);
    return tokens_cost(h) < from_least;
}

uint64_t fl_integers_cost(const uint64_t *values, size_t count, bool pack_only)
{
    histogram h;
    if (count == 0)
        return 0;
    find_range(values, count, &h.min, &h.max);
    bool zigzag = !pack_only && prefers_zigzag(&h, values, count, h.min);
    count_tokens(&h, values, count, h.min, zigzag);
    return cost_of(&h, pack_only);
}

/* --- writing --- */

static void put_packed(fl_buffer *out, const uint64_t *values, size_t count,
                       uint64_t min, uint64_t max)
{
    unsigned width = fl_bits_width(max - min);
    fl_buffer_byte(out, 0);
    fl_bytes_put_varint(out, fl_bits_zigzag(min));
    fl_buffer_byte(out, (char)width);
    if (width == 0)
        return;
    size_t size = fl_bits_bytes((uint64_t)count * width);
    char *room = fl_buffer_reserve(out, size + 8);
    if (!room)
        return;
    fl_bits_writer writer = {(unsigned char *)room, 0, 0};
    for (size_t i = 0; i < count; i++)
        fl_bits_put(&writer, values[i] - min, width);
    fl_bits_flush(&writer);
    out->size += size;
}

static void put_tokens(fl_integers *integers, fl_buffer *out, const uint64_t *values,
                       size_t count, uint64_t base, bool zigzag)
{
    fl_buffer_clear(&integers->tokens);
    unsigned char *tokens =
        (unsigned char *)fl_buffer_reserve(&integers->tokens, count);
    if (!tokens) {
        out->failed = true;
        return;
    }
    uint64_t bits = 0;
    for (size_t i = 0; i < count; i++) {
        unsigned token = token_of(to_token_number(values[i], base, zigzag));
        tokens[i] = (unsigned char)token;
        bits += token_bits(token);
    }
    fl_buffer_byte(out, (char)(MODE_TOKENS | (zigzag ? MODE_ZIGZAG : 0)));
    if (!zigzag)
        fl_bytes_put_varint(out, fl_bits_zigzag(base));
    fl_codec_put(integers->codec, out, tokens, count);
    size_t size = fl_bits_bytes(bits);
    char *room = fl_buffer_reserve(out, size + 8);
    if (!room)
        return;
    fl_bits_writer writer = {(unsigned char *)room, 0, 0};
    for (size_t i = 0; i < count; i++) {
        unsigned width = token_bits(tokens[i]);
        uint64_t number = to_token_number(values[i], base, zigzag);
        fl_bits_put(&writer, number & fl_bits_mask(width), width);
    }
    fl_bits_flush(&writer);
    out->size += size;
}

/* A run of pieces that makes one segment. */
typedef struct segment {
    size_t first;
    size_t end;
    histogram h;
    uint64_t cost;
} segment;

static void put_segment(fl_integers *integers, fl_buffer *out, const uint64_t *values,
                        const segment *s, uint64_t base, bool zigzag)
{
    size_t count = s->end - s->first;
    fl_bytes_put_varint(out, count);
    if (integers->pack_only || pack_cost(&s->h) <= tokens_cost(&s->h))
        put_packed(out, values + s->first, count, s->h.min, s->h.max);
    else
        put_tokens(integers, out, values + s->first, count, base, zigzag);
}

static void join(segment *to, const segment *next, bool pack_only)
{
    for (unsigned i = 0; i < TOKENS; i++)
        to->h.count[i] += next->h.count[i];
    to->h.total += next->h.total;
    if (SIGNED(next->h.min) < SIGNED(to->h.min))
        to->h.min = next->h.min;
    if (SIGNED(next->h.max) > SIGNED(to->h.max))
        to->h.max = next->h.max;
    to->end = next->end;
    to->cost = cost_of(&to->h, pack_only);
}

void fl_integers_put(fl_integers *integers, fl_buffer *out, const uint64_t *values,
                     size_t count, const uint32_t *cuts, size_t cut_count)
{
    const uint32_t all = (uint32_t)count;
    if (count == 0)
        return;
    if (!cuts) {
        cuts = &all;
        cut_count = 1;
    }
    segment now = {0};
    uint64_t base;
    uint64_t max;
    find_range(values, count, &base, &max);
    bool zigzag = !integers->pack_only && prefers_zigzag(&now.h, values, count, base);
    for (size_t i = 0; i < cut_count; i++) {
        segment next = {.first = now.end, .end = cuts[i]};
        if (next.first == next.end)
            continue;
        const uint64_t *piece = values + next.first;
        size_t size = next.end - next.first;
        find_range(piece, size, &next.h.min, &next.h.max);
        count_tokens(&next.h, piece, size, base, zigzag);
        next.cost = cost_of(&next.h, integers->pack_only);
        if (now.first == now.end) {
            now = next;
            continue;
        }
        segment both = now;
        join(&both, &next, integers->pack_only);
        if (both.cost <= now.cost + next.cost) {
            now = both;
            continue;
        }
        put_segment(integers, out, values, &now, base, zigzag);
        now = next;
    }
    put_segment(integers, out, values, &now, base, zigzag);
}

/* --- reading --- */

static bool get_packed(fl_cursor *in, uint64_t *values, size_t count)
{
    uint64_t base = fl_bits_unzigzag(fl_cursor_varint(in));
    unsigned width = (unsigned)fl_cursor_get(in, 1);
    if (in->failed || width > 64)
        return false;
    if (width == 0) {
        for (size_t i = 0; i < count; i++)
            values[i] = base;
        return true;
    }
    const unsigned char *bits =
        fl_cursor_take(in, fl_bits_bytes((uint64_t)count * width));
    if (!bits)
        return false;
    if (width <= 57)
        for (size_t i = 0; i < count; i++)
            values[i] = base + fl_bits_get_short(bits, (uint64_t)i * width, width);
    else
        for (size_t i = 0; i < count; i++)
            values[i] = base + fl_bits_get(bits, (uint64_t)i * width, width);
    return true;
}

static bool get_tokens(fl_integers *integers, fl_cursor *in, uint64_t *values,
                       size_t count, bool zigzag)
{
    uint64_t base = zigzag ? 0 : fl_bits_unzigzag(fl_cursor_varint(in));
    fl_buffer_clear(&integers->tokens);
    if (!fl_codec_fits(in, count))
        return false;
    unsigned char *tokens =
        (unsigned char *)fl_buffer_reserve(&integers->tokens, count);
    if (!tokens)
        integers->no_memory = true;
    if (!tokens || !fl_codec_get(integers->codec, in, tokens, count))
        return false;
    uint64_t total = 0;
    for (size_t i = 0; i < count; i++)
        total += token_bits(tokens[i]);
    const unsigned char *bits = fl_cursor_take(in, fl_bits_bytes(total));
    if (!bits)
        return false;
    uint64_t at = 0;
    for (size_t i = 0; i < count; i++) {
        unsigned width = token_bits(tokens[i]);
        values[i] =
            token_base(tokens[i]) | (width <= 57 ? fl_bits_get_short(bits, at, width)
                                                 : fl_bits_get(bits, at, width));
        at += width;
    }
    if (zigzag)
        for (size_t i = 0; i < count; i++)
            values[i] = fl_bits_unzigzag(values[i]);
    else if (base)
        for (size_t i = 0; i < count; i++)
            values[i] += base;
    return true;
}

bool fl_integers_get(fl_integers *integers, fl_cursor *in, uint64_t *values,
                     size_t count)
{
    size_t done = 0;
    while (done < count) {
        uint64_t part = fl_cursor_varint(in);
        unsigned mode = (unsigned)fl_cursor_get(in, 1);
        if (in->failed || part == 0 || part > count - done || mode > MODE_KNOWN ||
            mode == MODE_ZIGZAG)
            return false;
        bool sound = mode & MODE_TOKENS ? get_tokens(integers, in, values + done,
                                                     (size_t)part, mode & MODE_ZIGZAG)
                                        : get_packed(in, values + done, (size_t)part);
        if (!sound)
            return false;
        done += (size_t)part;
    }
    return true;
}

void fl_integers_free(fl_integers *integers)
{
    fl_buffer_free(&integers->tokens);
}
