/* Layer 4: a block's stored sections back to numbers, cell by cell, reading only what is
 * asked for. What the directory says was checked when it was read (lib/layout.c); what the
 * parts say is checked here. */
#ifndef FL_UNPACK_H
#define FL_UNPACK_H

#include "layout.h"
#include "reader.h"

/* A stream, as far as it was needed. */
typedef struct fl_unpack_stream {
    uint64_t *numbers; /* NULL: not yet */
    bool busy;         /* it is being read */
    uint32_t *codes;   /* RANKS: ranks, beside the numbers */
    size_t listed;     /* RANKS: different numbers */
    size_t count;
    size_t first_use; /* in fl_unpack.uses */
    size_t use_count;
} fl_unpack_stream;

typedef struct fl_unpack_use {
    uint32_t stream;
    uint32_t class;
    uint32_t cell;
    uint32_t first; /* number of the stream */
} fl_unpack_use;

typedef struct fl_unpack {
    flowan_reader *reader;
    const fl_segment_head *head;
    uint64_t block; /* its offset in the file */
    fl_integers integers;
    fl_layout layout;
    fl_buffer directory;
    fl_buffer small; /* the section of small parts, loaded when first asked for */
    bool has_small;
    fl_buffer part;    /* the section of a large one */
    uint64_t *part_at; /* per part: its place in the small section, or its section */
    uint16_t *class_of_row;
    uint32_t *rows;  /* in order of classes */
    uint32_t *first; /* class_count + 1 */
    uint32_t *run_of_row;
    uint16_t *labels; /* per run */
    uint32_t *lengths;
    uint64_t *run_numbers[FL_LAYOUT_PER_RUN_MAX];
    fl_unpack_stream *streams;
    fl_unpack_use *uses; /* by stream, then class */
    size_t use_count;
    size_t cached;  /* numbers that are held by streams */
    uint64_t spent; /* numbers that streams were filled with, also those forgotten */
    flowan_error *error;
} fl_unpack;

/* Reads the directory. fl_unpack_free in any case. */
flowan_status fl_unpack_open(fl_unpack *unpack, flowan_reader *reader,
                             const fl_segment_head *head, uint64_t block,
                             flowan_error *error);

/* Which rows are of which class, and of which run: before any cell is asked for. */
flowan_status fl_unpack_rows(fl_unpack *unpack);

/* The cell's numbers in the rows of a class that has it, in their order. */
flowan_status fl_unpack_cell(fl_unpack *unpack, size_t cell, size_t class,
                             uint64_t *out);

/* Where the cell is told by runs or labels: its number in these rows; `rows` NULL: in so
 * many from the first on. False where it is not. */
bool fl_unpack_told(const fl_unpack *unpack, size_t cell, const uint32_t *rows,
                    size_t count, uint64_t *out);

/* The bytes of a part; borrowed until the next call. */
flowan_status fl_unpack_part(fl_unpack *unpack, size_t part, fl_cursor *out);

/* A part holds what no part can. */
flowan_status fl_unpack_damage(const fl_unpack *unpack, size_t part, const char *what);

/* Forgets what streams hold when that is much. */
void fl_unpack_trim(fl_unpack *unpack);

void fl_unpack_free(fl_unpack *unpack);

/* --- between unpack.c, unpack_rows.c and unpack_cells.c --- */

/* `memory`; where it is NULL, fl_unpack_damage will say that it was short. */
void *fl_unpack_need(fl_unpack *unpack, void *memory);

/* Runs and classes of the rows. `numbers` has room for one a row, and for one a label. */
flowan_status fl_unpack_runs(fl_unpack *unpack, uint64_t *numbers);
flowan_status fl_unpack_classes(fl_unpack *unpack, uint64_t *numbers);

/* Which class takes what from which stream. After the classes. */
flowan_status fl_unpack_place_uses(fl_unpack *unpack);

/* Forgets what a stream holds. */
void fl_unpack_forget(fl_unpack *unpack, fl_unpack_stream *stream);

/* Numbers of a part, checked to be below a limit. */
bool fl_unpack_get_below(fl_unpack *unpack, fl_cursor *in, uint64_t *out, size_t count,
                         uint64_t limit);

static inline size_t fl_unpack_class_rows(const fl_unpack *unpack, size_t class)
{
    return unpack->first[class + 1] - unpack->first[class];
}

#endif
