/* Layer 1: the open-addressing key table: byte strings to dense indices 0, 1, 2, …
 *
 * Keys are copied into one arena and never move in number: entry i was the i-th distinct
 * key put in. Callers keep their values in arrays of their own, indexed by entry. */
#ifndef FL_HASH_H
#define FL_HASH_H

#include "memory.h"

typedef struct fl_hash {
    uint32_t *slots;   /* entry + 1, 0 empty */
    size_t slot_count; /* a power of two, or 0 */
    uint64_t *hashes;  /* per entry */
    size_t hashes_room;
    size_t *starts; /* per entry: first byte in the arena */
    size_t starts_room;
    size_t count;
    fl_buffer arena;
} fl_hash;

enum { FL_HASH_NONE = -1 };

/* Entry of the key, which is added when it is new (*added then true; `added` may be
 * NULL). FL_HASH_NONE when memory is short or 2^31 entries are reached. */
int64_t fl_hash_put(fl_hash *table, const void *key, size_t size, bool *added);
/* Entry of the key, or FL_HASH_NONE. */
int64_t fl_hash_find(const fl_hash *table, const void *key, size_t size);
/* The key of an entry, borrowed until the next put. */
const char *fl_hash_key(const fl_hash *table, size_t entry, size_t *size);
/* Forgets the keys, keeps the memory. */
void fl_hash_clear(fl_hash *table);
void fl_hash_free(fl_hash *table);

#endif
