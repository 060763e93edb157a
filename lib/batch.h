/* Layer 1: inside the batch: columns, shapes, rejects. */
#ifndef FL_BATCH_H
#define FL_BATCH_H

#include "flowan/batch.h"
#include "hash.h"
#include "memory.h"
#include "value.h"

enum {
    FL_BATCH_ROWS_MAX = 1 << 20,
    FL_BATCH_COLUMNS_MAX = 4096, /* per batch; more and the batch is full */
    FL_BATCH_SHAPES_MAX = 65535,
    FL_BATCH_SHAPES_SIZE = 16 << 20, /* bytes of all shapes, likewise */
    FL_BATCH_SPELLINGS_MAX = 4095,   /* keys other than their field's own, likewise */
    FL_RECORD_FIELDS_MAX = 1024, /* per record; further keys live in its text only */
    FL_REJECT_PIECE_SIZE = 65536,
    FL_REJECTS_SIZE = 4 << 20 /* a batch with this much of rejects is full */
};

typedef struct fl_column {
    char *name; /* NUL behind */
    size_t name_size;
    int field;
    flowan_type type;
    uint64_t epoch; /* the batch's, when this column is in use */
    uint32_t index; /* in batch->columns, then */
    size_t room;    /* rows that `cells`/`offset` and `present` have memory for */
    uint64_t *present;
    size_t present_count;
    void *cells;      /* one item a row; NULL for runs */
    void *block;      /* the memory that they are in */
    size_t dirty;     /* cells that an earlier fill may have left other than zero … */
    size_t tidied;    /* … of which these are zero again where they are not present */
    uint32_t *offset; /* runs: room + 1 entries, valid up to `filled` */
    size_t filled;
    void *items; /* runs */
    size_t items_count;
    size_t items_room;
} fl_column;

/* A field of a shape: 12 bits of spelling, 12 of column index, 8 of kind. The spelling is
 * 0 where the key is the column's name. */
typedef uint32_t fl_shape_field;
#define FL_SHAPE_FIELD(column, kind, spelling)                                         \
    ((fl_shape_field)(spelling) << 20 | (fl_shape_field)(column) << 8 |                \
     (fl_shape_field)(kind))
#define FL_SHAPE_COLUMN(field) ((field) >> 8 & 0xfff)
#define FL_SHAPE_KIND(field) ((fl_kind)((field)&0xff))
#define FL_SHAPE_SPELLING(field) ((field) >> 20)

typedef struct fl_reject {
    flowan_reject_reason reason;
    bool continued;
    uint64_t offset;
    size_t start; /* in batch->reject_text */
    size_t size;
} fl_reject;

struct flowan_batch {
    size_t capacity;
    size_t memory_limit;
    size_t memory; /* held by columns, about */
    size_t rows;
    size_t settled; /* rows whose presence the columns know */
    uint64_t epoch;
    fl_column **columns; /* in use, in order of first appearance */
    size_t column_count;
    size_t columns_room;
    fl_column *known[FLOWAN_FIELD_COUNT]; /* all that were ever made */
    fl_hash extra_keys;                   /* type byte + key → index of `extra` */
    fl_column **extra;
    size_t extra_room;
    fl_hash spellings; /* key → its number in shapes, less one */
    fl_hash shapes;    /* bytes of fl_shape_field[] → shape id */
    uint16_t *shape_of_row;
    fl_column *raw;          /* texts of records that their shape does not give back */
    uint64_t *offset_of_row; /* in the source; set by the parser */
    uint32_t *size_of_row;   /* of the record's text, bytes */
    size_t rows_room;        /* of the three arrays above */
    fl_reject *rejects;
    size_t reject_count;
    size_t rejects_room;
    fl_buffer reject_text;
    fl_shape_field *scratch; /* FL_RECORD_FIELDS_MAX */
    fl_column **scratch_columns;
};

/* Appends one record. `raw` (NULL for none) is its text, kept because the values do not
 * give it back. FLOWAN_FULL leaves the batch as it was; so does a failure. */
flowan_status fl_batch_append(flowan_batch *batch, const fl_value *values, size_t count,
                              const char *raw, uint64_t source_offset, size_t text_size,
                              size_t raw_size);

/* The first half of an append: finds room for one more record of these keys and kinds (the
 * values are not looked at), puts its columns into use and gives the id of its shape.
 * `columns` has an entry for each value; they stay valid until the batch is reset, and
 * have room up to fl_batch_room. */
flowan_status fl_batch_admit(flowan_batch *batch, const fl_value *values, size_t count,
                             fl_column **columns, uint16_t *shape);
/* Room for one more row in all columns in use and in the arrays that have an entry a row. */
bool fl_batch_grow(flowan_batch *batch);
/* Rows up to which that holds, right after a grow or an admit. */
size_t fl_batch_room(const flowan_batch *batch);
/* Writes an admitted value. Items of runs need room: fl_column_reserve_items. */
void fl_column_set(fl_column *column, size_t row, const fl_value *value);
/* Rows that skipped a column of runs up to `rows` get empty ones. */
void fl_column_fill_offsets(fl_column *column, size_t rows);
/* Tells the columns which of the rows since the last call they are present in: what rows
 * have in common is marked for all of them at once. */
void fl_batch_settle(flowan_batch *batch);

/* Appends a reject, in pieces where it is long. */
flowan_status fl_batch_append_reject(flowan_batch *batch, flowan_reject_reason reason,
                                     bool continued, uint64_t offset, const char *data,
                                     size_t size);
bool fl_batch_rejects_full(const flowan_batch *batch);

/* --- for the reader and for splices, which fill whole columns --- */

/* The column in use for the key, field and type of one of another batch: *out, NULL when
 * there is none. False when memory is short. */
bool fl_batch_find_column(const flowan_batch *batch, const fl_column *like,
                          fl_column **out);

/* Puts a column into use; NULL when memory is short. The same (key, type) again gives
 * the same column. */
fl_column *fl_batch_use_column(flowan_batch *batch, const char *key, size_t size,
                               int field, flowan_type type);
/* Room for `rows` rows; cells zeroed. */
bool fl_column_reserve(flowan_batch *batch, fl_column *column, size_t rows);
bool fl_column_reserve_items(flowan_batch *batch, fl_column *column, size_t count);
/* Number of a spelling from 1 on, or -1. */
int fl_batch_intern_spelling(flowan_batch *batch, const char *key, size_t size);
/* Id of a shape, or -1. */
int fl_batch_intern_shape(flowan_batch *batch, const fl_shape_field *fields,
                          size_t count);
/* Room in the arrays that have an entry a row. */
bool fl_batch_reserve_rows(flowan_batch *batch, size_t rows);

/* --- reading --- */

const fl_shape_field *fl_batch_shape(const flowan_batch *batch, size_t shape,
                                     size_t *count);
/* The key that a spelling's number, from 1 on, stands for; borrowed until the batch
 * changes. */
const char *fl_batch_spelling(const flowan_batch *batch, size_t spelling, size_t *size);
/* The raw text of a row, or NULL. */
const char *fl_batch_raw(const flowan_batch *batch, size_t row, size_t *size);
/* The column of a field if any record of the batch has it, else NULL. */
fl_column *fl_batch_known(const flowan_batch *batch, int field);
void fl_column_view(fl_column *column, size_t rows, flowan_column *out);

/* Whether all rows have a value. */
static inline bool fl_column_is_full(const flowan_column *view)
{
    return view->present_count == view->rows;
}

static inline bool fl_column_present(const fl_column *column, size_t row)
{
    return column->present[row / 64] >> (row % 64) & 1;
}

/* The value of a row as the record had it; `kind` from its shape. A kind with a value
 * asks for a row where the column is present. */
void fl_column_value(fl_column *column, size_t row, fl_kind kind, fl_value *out);

#endif
