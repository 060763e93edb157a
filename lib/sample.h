/* Layer 4: a sample of a block's rows, and what it would cost to store them in these or those
 * classes. */
#ifndef FL_SAMPLE_H
#define FL_SAMPLE_H

#include "talks.h"

typedef struct fl_sample {
    uint32_t *rows;
    size_t count;
    uint16_t *classes;     /* per row of the sample, as far as traits are taken */
    uint64_t *numbers;     /* [cell * count + row of the sample] */
    uint32_t *slots;       /* of fl_sample_count: row of the sample + 1 */
    uint32_t *counts;      /* per slot */
    size_t slot_count;     /* a power of two */
    const uint16_t *order; /* of cells */
    uint8_t *marks;        /* [cell * count + row]: what kind of number it is, about */
    uint32_t *by_class;    /* rows in order of classes */
    uint32_t *labels;      /* per row: its shape and exporter, which runs tell */
    uint64_t cost;         /* of all cells in the classes so far, in bits */
} fl_sample;

/* `order` of cells is borrowed. False when memory is short; fl_sample_free in any case. */
bool fl_sample_init(fl_sample *sm, const fl_slice *s, const uint16_t *order);
void fl_sample_free(fl_sample *sm);

static inline bool fl_sample_has(const fl_sample *sm, const fl_slice *s,
                                 const fl_cell *cell, size_t row)
{
    return fl_slice_has(s, s->shapes[sm->rows[row]], cell->number);
}

static inline const uint64_t *fl_sample_numbers(const fl_sample *sm, const fl_slice *s,
                                                const fl_cell *cell)
{
    return sm->numbers + (size_t)(cell - s->cells) * sm->count;
}

/* How many different numbers the sample has for a cell; slots and counts then tell how
 * often each of them comes. */
size_t fl_sample_count(fl_sample *sm, const fl_slice *s, const fl_cell *cell);

/* Marks the cell's numbers by what they are. Right after they were counted. */
void fl_sample_mark(fl_sample *sm, const fl_slice *s, const fl_cell *cell);

/* Labels the rows. After the marks. */
void fl_sample_label(fl_sample *sm, const fl_slice *s);

/* Bits of all cells of the sample, and of the classes of its rows, when they are in these
 * classes. False when memory is short. */
bool fl_sample_cost(fl_sample *sm, const fl_slice *s, const fl_talks *talks,
                    const uint16_t *classes, size_t class_count, uint64_t *cost);

#endif
