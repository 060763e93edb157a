/* Layer 4: rows of a batch as numbers. A cell is what a row has for a column, as one number
 * of 64 bits; an address is two cells, and a text or a list is the number of its value
 * among those that the column has. All that packs a block looks at cells alone. */
#ifndef FL_CELLS_H
#define FL_CELLS_H

#include "batch.h"

/* How a cell is read from its column. */
typedef enum fl_cell_form {
    FL_CELL_U32,
    FL_CELL_U64,
    FL_CELL_HIGH, /* the first 8 octets of an address, first octet highest */
    FL_CELL_LOW,  /* the others */
    FL_CELL_CODE  /* entries->codes */
} fl_cell_form;

/* The different values of a column of runs. */
typedef struct fl_entries {
    uint32_t *codes; /* per row of the slice; NULL: each present row is an entry of its
                        own, in order */
    uint32_t *rows;  /* per entry: a row of the batch that has it */
    size_t count;
} fl_entries;

typedef struct fl_cell {
    const fl_column *column;
    size_t number; /* of the column in the block */
    fl_cell_form form;
    const fl_entries *entries;
} fl_cell;

/* Rows of a batch, and how its shapes and columns are numbered in the block. */
typedef struct fl_slice {
    const flowan_batch *batch;
    size_t first;
    size_t rows;
    uint16_t *shapes;    /* per row: its shape in the block */
    uint32_t *shape_of;  /* batch shape → block shape + 1, or 0 */
    uint32_t *column_of; /* batch column → block column, or UINT32_MAX */
    uint16_t *order;     /* block shape → batch shape */
    size_t shape_count;
    const fl_column **columns; /* by number in the block */
    size_t column_count;
    fl_entries *entries; /* per column; of runs only */
    fl_cell *cells; /* by column; two for an address, none for entries without codes */
    size_t cell_count;
    uint64_t *has; /* bit [shape * has_width * 64 + column]: a value is there */
    size_t has_width;
} fl_slice;

/* False when memory is short; fl_slice_free in any case. */
bool fl_slice_init(fl_slice *slice, const flowan_batch *batch, size_t first,
                   size_t count);
void fl_slice_free(fl_slice *slice);

/* The cell's numbers in `count` rows of the slice, all of which have it. */
void fl_cell_gather(const fl_slice *slice, const fl_cell *cell, const uint32_t *rows,
                    size_t count, uint64_t *out);

/* Likewise in all rows from `first` on, which all have it. */
void fl_cell_gather_all(const fl_slice *slice, const fl_cell *cell, size_t first,
                        size_t count, uint64_t *out);

/* Whether every row has the column. */
bool fl_slice_has_everywhere(const fl_slice *slice, size_t column);

static inline int fl_cell_field(const fl_cell *cell)
{
    return cell->column->field;
}

static inline bool fl_cell_is_address(const fl_cell *cell)
{
    return cell->form == FL_CELL_HIGH || cell->form == FL_CELL_LOW;
}

static inline bool fl_slice_has(const fl_slice *slice, size_t shape, size_t column)
{
    return slice->has[shape * slice->has_width + column / 64] >> (column % 64) & 1;
}

#endif
