/* Layer 4: a block's stored sections back to numbers, cell by cell, reading only what is
 * asked for. What the directory says was checked when it was read (lib/layout.c); what the
 * parts say is checked here. */
#ifndef FL_UNPACK_H
#define FL_UNPACK_H

#include "layout.h"
#include "reader.h"
#include "wanted.h"

/* A stream, as far as it was needed. */
typedef struct fl_unpack_stream {
    uint64_t *numbers; /* NULL: not yet. RANKS and TALKS: ranks, or conversations */
    fl_pool *pool;     /* that these are of */
    bool whole;        /* else only those of rows that are wanted */
    bool busy;         /* it is being read */
    uint64_t *list; /* RANKS: what they stand for; KEYED and OFFSET: the table. NULL: not
                       yet … */
    size_t listed;  /* … and how many these are; of TALKS how many conversations */
    size_t list_bytes; /* of the part, before the numbers */
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

/* Of which classes it is known which rows these are. */
typedef enum fl_placed { FL_PLACED_NONE, FL_PLACED_WANTED, FL_PLACED_ALL } fl_placed;

typedef struct fl_unpack {
    const flowan_reader *reader;
    fl_workspace *space;
    const fl_segment_head *head;
    uint64_t block; /* its offset in the file */
    fl_integers integers;
    fl_layout layout;
    fl_buffer directory;
    fl_buffer small; /* the section of small parts, loaded when first asked for */
    bool has_small;
    fl_buffer part;       /* the section of a large one */
    uint64_t *class_rows; /* per class, as its bounds say; NULL: they do not */
    uint64_t *part_at;    /* per part: its place in the small section, or its section */
    size_t *label_lists;  /* label_count + 1: where each label's begins … */
    uint16_t *listed;     /* … of the classes that its rows are of */
    uint16_t *classes;    /* per row, but label by label; NULL: not yet */
    uint32_t *first;      /* class_count + 1: rows of the classes before */
    const fl_wanted *wanted; /* the caller's; NULL: all rows are */
    uint32_t *rows;          /* in order of classes … */
    uint32_t *runs;          /* … of which run each is … */
    fl_placed placed;        /* … and which of them are filled */
    uint16_t *class_of_row;
    uint16_t *labels; /* per run, as the next two */
    uint32_t *lengths;
    uint64_t *run_numbers[FL_LAYOUT_PER_RUN_MAX]; /* of the cells in layout.per_run */
    fl_unpack_stream *streams;
    fl_unpack_use *uses; /* by stream, then class */
    size_t use_count;
    size_t cached;       /* numbers that are held by streams */
    uint64_t bytes_read; /* stored ones */
    uint64_t spent; /* numbers that streams were filled with, also those forgotten */
    flowan_error *error;
} fl_unpack;

/* Reads the directory. fl_unpack_free in any case. */
flowan_status fl_unpack_open(fl_unpack *unpack, const flowan_reader *reader,
                             fl_workspace *space, const fl_segment_head *head,
                             uint64_t block, flowan_error *error);

/* What is known of classes before any row is unpacked: bounds of their cells, and how
 * many rows they are. A block may say nothing of it. */
flowan_status fl_unpack_bounds(fl_unpack *unpack);

/* How many rows each class has: before any cell is asked for. */
flowan_status fl_unpack_rows(fl_unpack *unpack);

/* Which classes the rows of each label are of. */
flowan_status fl_unpack_labels(fl_unpack *unpack);

/* How long the runs are, and their numbers. */
flowan_status fl_unpack_runs(fl_unpack *unpack);

/* Which rows these are, and of which run each is: of classes that are wanted. Once is
 * enough, as of the next. */
flowan_status fl_unpack_order(fl_unpack *unpack);

/* Of which class each row is, in their order. */
flowan_status fl_unpack_row_classes(fl_unpack *unpack);

/* Only numbers of these rows will be asked for, so that others are passed over; NULL: of
 * all. What `wanted` says may change, to fewer rows. */
void fl_unpack_want(fl_unpack *unpack, const fl_wanted *wanted);

/* The cell's numbers in rows of a class that has it: those at `count` places of its
 * rows, ascending, or NULL: in all of them. */
flowan_status fl_unpack_cell(fl_unpack *unpack, size_t cell, size_t class,
                             const uint32_t *places, size_t count, uint64_t *out);

/* The numbers that a stream may have, some maybe more than once. */
typedef struct fl_unpack_list {
    const uint64_t *values; /* borrowed as long as the stream is not forgotten; NULL: the
                               stream's kind does not tell */
    size_t count;
    uint64_t *others; /* some more, which the caller gives back to the pool */
    size_t other_count;
} fl_unpack_list;

flowan_status fl_unpack_values(fl_unpack *unpack, size_t stream, fl_unpack_list *out);

/* The bytes of a part; borrowed until the next call. */
flowan_status fl_unpack_part(fl_unpack *unpack, size_t part, fl_cursor *out);

/* A part holds what no part can. */
flowan_status fl_unpack_damage(const fl_unpack *unpack, size_t part, const char *what);

/* Forgets what streams hold that none of these cells (1 where needed) is told from in rows
 * that are wanted. False when memory is short. */
bool fl_unpack_keep(fl_unpack *unpack, const uint8_t *cells);

/* Forgets what streams hold when that is much. */
void fl_unpack_trim(fl_unpack *unpack);

void fl_unpack_free(fl_unpack *unpack);

/* --- between unpack.c, unpack_rows.c and unpack_cells.c --- */

/* `memory`; where it is NULL, fl_unpack_damage will say that it was short. */
void *fl_unpack_need(fl_unpack *unpack, void *memory);

/* The sizes of classes. */
flowan_status fl_unpack_sizes(fl_unpack *unpack);

/* Likewise, but of a class whether it is wanted or not. */
flowan_status fl_unpack_order_of(fl_unpack *unpack, size_t class);

/* Of a cell that runs or labels tell. */
flowan_status fl_unpack_told(fl_unpack *unpack, size_t cell, size_t class,
                             const uint32_t *places, size_t count, uint64_t *out);

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
