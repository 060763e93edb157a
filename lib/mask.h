/* Layer 0: sets of rows or places as masks: a bit each, the lowest of a word first. Bits
 * behind the last are 0. */
#ifndef FL_MASK_H
#define FL_MASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline size_t fl_mask_words(size_t bits)
{
    return (bits + 63) / 64;
}

/* The last word has no bits behind the last. */
static inline void fl_mask_trim(uint64_t *mask, size_t bits)
{
    if (bits % 64)
        mask[bits / 64] &= ((uint64_t)1 << (bits % 64)) - 1;
}

static inline void fl_mask_fill(uint64_t *mask, size_t bits, bool set)
{
    memset(mask, set ? 0xff : 0, fl_mask_words(bits) * sizeof *mask);
    if (set)
        fl_mask_trim(mask, bits);
}

static inline void fl_mask_invert(uint64_t *mask, size_t bits)
{
    for (size_t word = 0; word < fl_mask_words(bits); word++)
        mask[word] = ~mask[word];
    fl_mask_trim(mask, bits);
}

static inline bool fl_mask_is_empty(const uint64_t *mask, size_t words)
{
    uint64_t any = 0;
    for (size_t i = 0; i < words; i++)
        any |= mask[i];
    return any == 0;
}

static inline size_t fl_mask_count(const uint64_t *mask, size_t words)
{
    size_t count = 0;
    for (size_t i = 0; i < words; i++)
        count += (size_t)__builtin_popcountll(mask[i]);
    return count;
}

#endif
