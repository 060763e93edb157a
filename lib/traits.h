/* Layer 4: what tells the rows of a block apart: a cell has the number of another one, or
 * one of a few that are common. */
#ifndef FL_TRAITS_H
#define FL_TRAITS_H

#include "sample.h"

enum {
    FL_TRAITS_MAX = 64,
    FL_TRAIT_VALUES_MAX = 8,
    FL_TRAIT_SYMBOLS = FL_TRAIT_VALUES_MAX + 2 /* what a row can be by one trait */
};

typedef struct fl_trait {
    const fl_cell *cell;
    const fl_cell *copy; /* NULL: none */
    uint64_t unit;       /* what the copied number is divided by */
    uint64_t values[FL_TRAIT_VALUES_MAX];
    size_t value_count;
} fl_trait;

/* Finds traits in a sample, which is then ready for its costs. What is likely to settle
 * most else comes first. Returns how many. */
size_t fl_traits_find(fl_sample *sm, const fl_slice *s, fl_trait out[FL_TRAITS_MAX]);

/* What a row is by a trait: 0 is none of them. `copied` is what the other cell has. */
static inline unsigned fl_trait_symbol(const fl_trait *f, uint64_t number,
                                       uint64_t copied)
{
    if (f->copy && number == copied / f->unit)
        return 1;
    for (size_t i = 0; i < f->value_count; i++)
        if (number == f->values[i])
            return 2 + (unsigned)i;
    return 0;
}

/* Cells in an order in which one may be told from those before it: an end of a flow
 * from the receive time, a translated address from the one before translation. NULL when
 * memory is short; the caller's. */
uint16_t *fl_traits_cell_order(const fl_slice *slice);

#endif
