/* Layer 7: what the text encoders share: the handle, the fields of the output, and values
 * as text. A format is a file of its own; encode.c knows only the table of them. */
#ifndef FL_ENCODE_H
#define FL_ENCODE_H

#include "flowan/encode.h"

#include "batch.h"
#include "memory.h"

/* A field of the output, and the batch's columns of that name: one a type. */
typedef struct fl_encode_field {
    char *name;
    size_t name_size;
    fl_column **columns;
    size_t count;
    size_t room;
} fl_encode_field;

/* What a format does. All but `row` may be NULL. False is memory; a row that finds none
 * fails `out`. */
typedef struct fl_encode_format {
    const char *const *fields; /* where none are chosen; NULL: all that a record has */
    size_t field_count;
    /* A state of its own, in encoder->state; the fields are there. What it leaves when it
     * fails, `close` takes. */
    bool (*open)(flowan_encoder *encoder, const flowan_encoder_options *options);
    void (*close)(flowan_encoder *encoder);
    /* The rows that follow are of this batch. */
    bool (*begin)(flowan_encoder *encoder, const flowan_batch *batch);
    /* Once, before the first row, and then behind `begin`: `batch` is the first that has
     * rows, NULL when the end comes without one. */
    bool (*head)(flowan_encoder *encoder, const flowan_batch *batch,
                 const flowan_selection *selection);
    void (*row)(flowan_encoder *encoder, const flowan_batch *batch, size_t row);
} fl_encode_format;

extern const fl_encode_format fl_encode_json;
extern const fl_encode_format fl_encode_csv;
extern const fl_encode_format fl_encode_table;

struct flowan_encoder {
    const fl_encode_format *format;
    void *state;
    bool chosen; /* fields were named */
    fl_encode_field *fields;
    size_t field_count;
    const char **names; /* of the fields, and of what these need */
    size_t name_count;
    uint32_t columns;
    flowan_write_function write;
    void *context;
    fl_buffer out;
    fl_buffer cell; /* CSV, TABLE: one value */
    bool begun;     /* the head is written */
};

/* --- values --- */

typedef enum fl_encode_quoting { FL_ENCODE_JSON, FL_ENCODE_PLAIN } fl_encode_quoting;

/* The value of a field in a row; false where it is absent. */
bool fl_encode_value_get(const fl_encode_field *field, size_t row, fl_value *value);
/* Appends its text. */
void fl_encode_value_put(fl_buffer *out, const flowan_batch *batch,
                         const fl_value *value, size_t row, fl_encode_quoting quote);
/* Both: encoder->cell becomes the plain text of a field, empty where it is absent. */
void fl_encode_value_cell(flowan_encoder *encoder, size_t field,
                          const flowan_batch *batch, size_t row);

#endif
