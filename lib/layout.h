/* Layer 4: how the numbers of a block are stored, as its directory tells (doc/format.md):
 * columns, shapes, runs, classes of rows, where each class has each cell from, and the
 * streams that these draw from. The directory to bytes and back; no number of a record
 * passes through here. */
#ifndef FL_LAYOUT_H
#define FL_LAYOUT_H

#include "batch.h"
#include "bits.h"
#include "integers.h"

enum {
    FL_LAYOUT_SIZE_MAX = 64 << 20, /* of a directory, unpacked */
    FL_LAYOUT_PER_RUN_MAX = 2,
    FL_LAYOUT_DEPTH_MAX = 4, /* cells told over cells: bytes by packets, start by end by
                                receipt: three */
    FL_LAYOUT_EXTRAS_MAX = 1024, /* parts that a reader does not know */
    FL_LAYOUT_SCALE_MAX = 9      /* of a source: a power of ten */
};

/* A column of values. */
typedef struct fl_layout_column {
    const char *name; /* borrowed */
    size_t name_size;
    flowan_type type;
    uint32_t present; /* rows that have a value */
    uint32_t items;   /* runs: items of all rows together */
    bool in_order;    /* runs: each present row's value is stored, in order of rows */
    uint32_t entries; /* runs: values that are stored */
    uint32_t first_cell;
    uint32_t cells; /* 0, 1, or 2 for an address */
} fl_layout_column;

/* Stored in segments: never reused. */
typedef enum fl_source_op {
    FL_SOURCE_CONSTANT = 0, /* one number for the class */
    FL_SOURCE_COPY = 1,     /* as the other cell */
    FL_SOURCE_STREAM = 2,   /* the stream's next number, times the scale */
    FL_SOURCE_BEFORE = 3,   /* the other cell's, in scales, less the stream's next */
    FL_SOURCE_TIMES = 4,    /* the other cell's times the stream's next */
    FL_SOURCE_UNIT = 5,     /* the other cell's in scales: ns as ms */
    FL_SOURCE_OPS = 6
} fl_source_op;

typedef struct fl_source {
    uint8_t op;
    uint8_t scale; /* power of ten */
    uint16_t cell; /* the other one */
    uint16_t stream;
    uint16_t second; /* TIMES: the stream of what is added, + 1; 0: nothing is */
} fl_source;

/* What a scale stands for. */
static inline uint64_t fl_layout_power(unsigned scale)
{
    uint64_t power = 1;
    while (scale-- > 0)
        power *= 10;
    return power;
}

/* The largest scale, of those that times have, by whose power all numbers divide; 0 where
 * there are none. */
unsigned fl_layout_scale(const uint64_t *numbers, size_t count);

/* Where a class has a cell from, and between which numbers: from `low` on up to `low` plus
 * the least number that has the token `width` (lib/bits.h). */
typedef struct fl_layout_entry {
    uint16_t class;
    uint16_t source;
    uint16_t width; /* FL_LAYOUT_WIDTH_ANY: nothing is known */
    uint64_t low;   /* of a constant: it */
} fl_layout_entry;

enum { FL_LAYOUT_WIDTH_ANY = FL_BITS_TOKENS };

/* Stored in segments: never reused. */
typedef enum fl_stream_kind {
    FL_STREAM_NUMBERS = 0, /* the numbers */
    FL_STREAM_RANKS = 1,   /* a list of numbers, and their ranks */
    FL_STREAM_KEYED = 2,   /* a number for each of another stream's list; exceptions */
    FL_STREAM_OFFSET = 3,  /* likewise a base for each, or the other cell's number */
    FL_STREAM_STEPS =
        4, /* what each number is more than the one before it in its class */
    FL_STREAM_TALKS = 5, /* conversations: how far back the last row of each stands */
    FL_STREAM_TALK_STEPS = 6, /* in order of rows: what each is more than the one of the
                                 last row of its conversation, or of the row before */
    FL_STREAM_KINDS = 7
} fl_stream_kind;

static inline bool fl_layout_has_key(fl_stream_kind kind)
{
    return kind == FL_STREAM_KEYED || kind == FL_STREAM_OFFSET ||
           kind == FL_STREAM_TALK_STEPS;
}

/* How the numbers of a cell that each run has are stored: never reused. */
typedef enum fl_run_mode {
    FL_RUN_PLAIN = 0,
    FL_RUN_STEP = 1,           /* from the run before */
    FL_RUN_STEP_OF_PARENT = 2, /* from the one before of the same exporter */
    FL_RUN_COUNTED = 3,        /* from that one's number and rows together */
    FL_RUN_RANKS = 4,          /* a list of numbers, and their ranks */
    FL_RUN_HANGING = 5         /* on the ranks of the cell before */
} fl_run_mode;

typedef struct fl_layout_stream {
    fl_stream_kind kind;
    uint16_t key; /* the other stream */
} fl_layout_stream;

/* A part is stored bytes of one kind: in a section of its own, or where it is small with
 * others in section 1. */
typedef struct fl_layout_part {
    uint64_t size;
    bool own;
} fl_layout_part;

enum { FL_PART_RUNS = 0, FL_PART_CLASSES = 1, FL_PART_TEXTS = 2, FL_PART_STREAMS = 3 };
/* … then a part for each stream, then one for each column of runs, then extras. */

/* Parts that a reader may leave out, as it does with those that it does not know. Stored
 * in segments: never reused. */
typedef enum fl_extra {
    FL_EXTRA_BOUNDS = 1, /* lib/bounds.h */
    FL_EXTRA_NAT = 2     /* lib/index.h; in a section of its own, the block's last */
} fl_extra;

typedef struct fl_layout {
    size_t rows;
    fl_layout_column *columns;
    size_t column_count;
    size_t cell_count;
    const unsigned char *spellings; /* size u16 and bytes each; borrowed */
    size_t spellings_size;
    size_t spelling_count;
    const unsigned char *shapes; /* count u16, then column u16, kind u8 and spelling u16
                                    each; borrowed */
    size_t shapes_size;
    size_t shape_count;
    uint64_t *
        has; /* bit [shape * has_width * 64 + column]; made when read; the slice's when written */
    size_t has_width;
    size_t texts;      /* rows whose text is kept */
    size_t text_bytes; /* of them all */
    size_t run_count;
    uint16_t *parents; /* per label */
    size_t label_count;
    uint16_t per_run[FL_LAYOUT_PER_RUN_MAX]; /* cells that each run has */
    size_t per_run_count;
    uint16_t per_label[FL_LAYOUT_PER_RUN_MAX]; /* cells that each label has */
    size_t per_label_count;
    uint64_t *label_numbers; /* [cell of per_label * label_count + label] */
    uint16_t *class_shapes;
    uint8_t *class_talks; /* 1: the class's rows are told by the stream of conversations */
    size_t class_count;
    fl_source *sources;
    size_t source_count;
    fl_layout_entry *entries; /* by cell, then class */
    size_t *first_entry;      /* per cell, cell_count + 1 */
    fl_layout_stream *streams;
    size_t stream_count;
    fl_layout_part *parts;
    size_t part_count;
    uint64_t *extras; /* what each of the last parts is */
    size_t extra_count;
} fl_layout;

/* What the block takes in a batch, without bitmaps. */
uint64_t fl_layout_decoded_size(const fl_layout *layout);

/* Appends the directory. `integers` packs only. */
void fl_layout_put(const fl_layout *layout, fl_integers *integers, fl_buffer *out);

/* FORMAT when it is not sound: all that is read by it is checked here, but for what the
 * parts hold. Borrows from `in`, behind which FL_BITS_PADDING bytes are readable. */
flowan_status fl_layout_get(fl_layout *layout, fl_integers *integers, size_t rows,
                            const void *in, size_t size);
void fl_layout_free(fl_layout *layout);

/* Where a class has a cell from; NULL when it has no such cell. */
const fl_layout_entry *fl_layout_entry_of(const fl_layout *layout, size_t cell,
                                          size_t class);
/* The source that it is told from in the end, past copies; NULL likewise, and where runs
 * or labels tell. */
const fl_source *fl_layout_source(const fl_layout *layout, size_t cell, size_t class);
/* Numbers between which those of the class are, itself included; false where nothing is
 * known of them. */
bool fl_layout_bounds(const fl_layout *layout, size_t cell, size_t class, uint64_t *low,
                      uint64_t *high);

/* The part that is an extra of that kind; 0 where the block has none. */
size_t fl_layout_extra(const fl_layout *layout, fl_extra what);

/* Whether a run or a label tells the cell: it has no entries then. */
bool fl_layout_is_told(const fl_layout *layout, size_t cell);

static inline bool fl_layout_has(const fl_layout *layout, size_t shape, size_t column)
{
    return layout->has[shape * layout->has_width + column / 64] >> (column % 64) & 1;
}

#endif
