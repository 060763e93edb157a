/* Layer 4: which rows of a block somebody still wants, class by class: what pick.c narrows
 * down, and what streams are read by. */
#ifndef FL_WANTED_H
#define FL_WANTED_H

#include "mask.h"

typedef struct fl_wanted {
    uint32_t *left;   /* per class: how many of its rows */
    uint64_t **masks; /* per class: which, a bit each; NULL: all, or none */
} fl_wanted;

/* So few of a class that its streams are read only where they are: what is elsewhere may be
 * anything. Rows get fewer only, so what was once few stays so. */
static inline bool fl_wanted_few(const fl_wanted *wanted, size_t class, size_t rows)
{
    return wanted->masks[class] && wanted->left[class] < rows / 8;
}

/* The places that a mask has; `mask` NULL: so many from the first on. */
static inline size_t fl_wanted_places(const uint64_t *mask, size_t rows, uint32_t *out)
{
    size_t count = 0;
    for (size_t i = 0; !mask && i < rows; i++)
        out[count++] = (uint32_t)i;
    for (size_t w = 0; mask && w < fl_mask_words(rows); w++)
        for (uint64_t bits = mask[w]; bits; bits &= bits - 1)
            out[count++] = (uint32_t)(w * 64 + (size_t)__builtin_ctzll(bits));
    return count;
}

#endif
