/* Layer 3: a set of 64-bit hashes that tells "surely not in" from "maybe in", in nine bits
 * a hash: a binary fuse filter with three places and fingerprints of eight bits (Graefe and
 * Lemire, "Binary Fuse Filters: Fast and Smaller Than Xor Filters", ACM JEA 27, 2022). One
 * of 256 hashes that are not in passes for one that is. doc/format.md has the bytes. */
#ifndef FL_FUSE_H
#define FL_FUSE_H

#include "bytes.h"

/* Hashes, each once. Zeroed is empty. */
typedef struct fl_fuse_keys {
    uint64_t *slots;   /* 0: empty */
    size_t slot_count; /* a power of two, or 0 */
    size_t count;
} fl_fuse_keys;

/* False when memory is short; the set is as before. */
bool fl_fuse_add(fl_fuse_keys *keys, uint64_t hash);
/* Forgets the hashes, keeps the memory. */
void fl_fuse_clear(fl_fuse_keys *keys);
void fl_fuse_free(fl_fuse_keys *keys);

/* Appends the filter of the hashes; nothing where none could be made, which somebody would
 * have to work for. False when memory is short. */
bool fl_fuse_put(const fl_fuse_keys *keys, fl_buffer *out);

/* A filter in stored bytes. */
typedef struct fl_fuse {
    const unsigned char *prints; /* borrowed */
    uint64_t seed;
    uint32_t segments;     /* in which a hash can begin; 0: nothing is in */
    unsigned segment_bits; /* log2 of the prints in each */
} fl_fuse;

/* False when the bytes are no sound filter. */
bool fl_fuse_get(fl_fuse *fuse, const void *data, size_t size);
/* False: it is surely not in. */
bool fl_fuse_has(const fl_fuse *fuse, uint64_t hash);

#endif
