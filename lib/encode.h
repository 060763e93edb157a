/* Layer 7: what the text encoders share: the handle, the fields of the output, and the
 * rows of a batch as values between texts. A format is a file of its own; encode.c knows
 * only the table of them. */
#ifndef FL_ENCODE_H
#define FL_ENCODE_H

#include "flowan/encode.h"

#include "batch.h"
#include "memory.h"

/* --- formats --- */

/* How text stands in its surroundings. */
typedef enum fl_encode_quoting {
    FL_ENCODE_QUOTE_NONE,
    FL_ENCODE_QUOTE_JSON,
    FL_ENCODE_QUOTE_CSV
} fl_encode_quoting;

/* What a format does. All but `row` may be NULL. False is memory; a row or a reject that
 * finds none fails encoder->out. */
typedef struct fl_encode_format {
    const char *const *fields; /* where none are chosen; NULL: all that a record has */
    size_t field_count;
    /* Says what a row of the shape is, by text appended to encoder->rows.text and calls of
     * fl_encode_rows_value, in the order of the output. NULL: its rows are made otherwise. */
    bool (*plan)(flowan_encoder *encoder, const fl_shape_field *shape, size_t count);
    fl_encode_quoting quote;
    /* A state of its own, in encoder->state; the fields are there. What it leaves when it
     * fails, `close` takes. */
    flowan_status (*open)(flowan_encoder *encoder,
                          const flowan_encoder_options *options, flowan_error *error);
    void (*close)(flowan_encoder *encoder);
    /* The rows that follow are those of this batch and selection, in order. */
    flowan_status (*begin)(flowan_encoder *encoder, const flowan_batch *batch,
                           const flowan_selection *selection, flowan_error *error);
    /* Once, before the first row, and then behind `begin`: `batch` is the first that has
     * rows, NULL when the end comes without one. */
    bool (*head)(flowan_encoder *encoder, const flowan_batch *batch,
                 const flowan_selection *selection);
    void (*row)(flowan_encoder *encoder, size_t row);
    void (*reject)(flowan_encoder *encoder, const flowan_reject *reject);
} fl_encode_format;

extern const fl_encode_format fl_encode_json;
extern const fl_encode_format fl_encode_csv;
extern const fl_encode_format fl_encode_table;
extern const fl_encode_format fl_encode_ecs;

/* --- rows --- */

/* One value of the rows of a shape: its type and the place of its cells. */
typedef struct fl_encode_piece {
    uint32_t text_size; /* of what stands before it */
    uint8_t type;       /* flowan_type; 0: the shape has no such value */
    uint8_t last_size;  /* of last_text; 0: there is none */
    int16_t field;
    const void *cells;         /* of runs: their items */
    const uint32_t *offset;    /* of runs */
    const flowan_address *own; /* of a prefix; NULL: the record has none */
    flowan_address last;       /* of an address: the one before, as text too */
    char last_text[48];
} fl_encode_piece;

/* The shapes of a batch made ready. Zeroed is empty. */
typedef struct fl_encode_rows {
    const flowan_batch *batch;
    fl_encode_quoting quote;
    uint32_t *plan_of_shape; /* 0: not ready, else its number from 1 on */
    size_t shapes_room;
    uint32_t *plan_of_column; /* the last that has the column */
    size_t columns_room;
    uint32_t plans_ever; /* in this batch */
    struct fl_encode_ready *plans;
    size_t plan_count;
    size_t plans_room;
    fl_encode_piece *pieces;
    size_t piece_count;
    size_t pieces_room;
    fl_buffer text;
    size_t open;    /* where the text began that no value has taken yet */
    fl_buffer cell; /* a value of JSON on its way into CSV */
} fl_encode_rows;

/* The rows that follow are of this batch, which must not change meanwhile. */
bool fl_encode_rows_begin(flowan_encoder *encoder, const flowan_batch *batch);
/* Appends a row to encoder->out. */
void fl_encode_rows_put(flowan_encoder *encoder, size_t row);
void fl_encode_rows_free(fl_encode_rows *rows);

/* For plans: a value, of a column that the shape has, or NULL for one that it has not. */
bool fl_encode_rows_value(flowan_encoder *encoder, fl_column *column);
/* The column that a chosen field has its value in, or NULL. */
fl_column *fl_encode_rows_find(const flowan_encoder *encoder, size_t field);

/* For rows that are laid out otherwise: the pieces of one, NULL when memory is short.
 * Borrowed until the next row. */
const fl_encode_piece *fl_encode_rows_pieces(flowan_encoder *encoder, size_t row);
/* Appends one value. */
void fl_encode_rows_cell(flowan_encoder *encoder, fl_buffer *out,
                         const fl_encode_piece *piece, size_t row);

static inline uint64_t fl_encode_piece_number(const fl_encode_piece *piece, size_t row)
{
    return fl_type_width((flowan_type)piece->type) == sizeof(uint32_t)
               ? ((const uint32_t *)piece->cells)[row]
               : ((const uint64_t *)piece->cells)[row];
}

static inline const flowan_address *fl_encode_piece_address(const fl_encode_piece *piece,
                                                            size_t row)
{
    return (const flowan_address *)piece->cells + row;
}

/* --- the handle --- */

/* A field of the output, and the batch's columns of that name: one a type. */
typedef struct fl_encode_field {
    char *name;
    size_t name_size;
    fl_column **columns;
    size_t count;
    size_t room;
} fl_encode_field;

struct flowan_encoder {
    const fl_encode_format *format;
    void *state;
    bool chosen; /* fields were named */
    fl_encode_field *fields;
    size_t field_count;
    const char **names; /* of the fields, and of what these need */
    size_t name_count;
    uint32_t columns; /* of the terminal */
    flowan_write_function write;
    void *context;
    fl_encode_rows rows;
    fl_buffer out;
    bool begun; /* the head is written */
};

#endif
