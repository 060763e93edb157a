#include "hash.h"

#include <string.h>
#include <xxhash.h>

static const char *key_at(const fl_hash *table, size_t entry, size_t *size)
{
    size_t start = table->starts[entry];
    size_t end =
        entry + 1 < table->count ? table->starts[entry + 1] : table->arena.size;
    *size = end - start;
    return *size == 0 || !table->arena.data ? "" : table->arena.data + start;
}

/* The slot that holds the key, or the empty one where it would go. */
static size_t probe(const fl_hash *table, uint64_t hash, const void *key, size_t size)
{
    size_t mask = table->slot_count - 1;
    for (size_t slot = (size_t)hash & mask;; slot = (slot + 1) & mask) {
        uint32_t found = table->slots[slot];
        if (found == 0)
            return slot;
        if (table->hashes[found - 1] != hash)
            continue;
        size_t have;
        const char *data = key_at(table, found - 1, &have);
        if (have == size && (size == 0 || memcmp(data, key, size) == 0))
            return slot;
    }
}

static bool rehash(fl_hash *table, size_t slot_count)
{
    uint32_t *slots = fl_memory_zalloc(slot_count, sizeof *slots);
    if (!slots)
        return false;
    fl_memory_free(table->slots);
    table->slots = slots;
    table->slot_count = slot_count;
    for (size_t i = 0; i < table->count; i++) {
        size_t slot = (size_t)table->hashes[i] & (slot_count - 1);
        while (slots[slot])
            slot = (slot + 1) & (slot_count - 1);
        slots[slot] = (uint32_t)i + 1;
    }
    return true;
}

int64_t fl_hash_put(fl_hash *table, const void *key, size_t size, bool *added)
{
    if (added)
        *added = false;
    /* At most half full: linear probing stays short. */
    if (table->count >= table->slot_count / 2 &&
        !rehash(table, table->slot_count ? table->slot_count * 2 : 64))
        return FL_HASH_NONE;
    uint64_t hash = XXH3_64bits(key, size);
    size_t slot = probe(table, hash, key, size);
    if (table->slots[slot])
        return table->slots[slot] - 1;
    size_t entry = table->count;
    if (entry >= INT32_MAX ||
        !fl_memory_grow((void **)&table->hashes, &table->hashes_room, entry + 1,
                        sizeof *table->hashes) ||
        !fl_memory_grow((void **)&table->starts, &table->starts_room, entry + 1,
                        sizeof *table->starts))
        return FL_HASH_NONE;
    size_t start = table->arena.size;
    fl_buffer_append(&table->arena, key, size);
    if (table->arena.failed) {
        table->arena.failed = false;
        return FL_HASH_NONE;
    }
    table->hashes[entry] = hash;
    table->starts[entry] = start;
    table->slots[slot] = (uint32_t)entry + 1;
    table->count++;
    if (added)
        *added = true;
    return (int64_t)entry;
}

int64_t fl_hash_find(const fl_hash *table, const void *key, size_t size)
{
    if (table->count == 0)
        return FL_HASH_NONE;
    size_t slot = probe(table, XXH3_64bits(key, size), key, size);
    return table->slots[slot] ? (int64_t)table->slots[slot] - 1 : FL_HASH_NONE;
}

const char *fl_hash_key(const fl_hash *table, size_t entry, size_t *size)
{
    return key_at(table, entry, size);
}

void fl_hash_clear(fl_hash *table)
{
    if (table->slots)
        memset(table->slots, 0, table->slot_count * sizeof *table->slots);
    table->count = 0;
    fl_buffer_clear(&table->arena);
}

void fl_hash_free(fl_hash *table)
{
    fl_memory_free(table->slots);
    fl_memory_free(table->hashes);
    fl_memory_free(table->starts);
    fl_buffer_free(&table->arena);
    *table = (fl_hash){0};
}
