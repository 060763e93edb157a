/* Layer 2: typed values back to JSON text, by their kinds. What the parser compares and
 * what the exact dump prints is made here, once. */
#ifndef FL_RENDER_H
#define FL_RENDER_H

#include "batch.h"
#include "text.h"

/* Appends the object that the values spell. */
void fl_render_values(fl_buffer *out, const fl_value *values, size_t count);

/* Shapes of a batch made ready to be printed. Zeroed is empty; one thread. */
typedef struct fl_render {
    const flowan_batch *batch;
    uint32_t *plan_of_shape; /* 0: not ready, else its number from 1 on */
    size_t shapes_room;
    struct fl_render_plan *plans;
    size_t plan_count;
    size_t plans_room;
    struct fl_render_piece *pieces;
    size_t piece_count;
    size_t pieces_room;
    fl_buffer text;
    fl_text_second second;
} fl_render;

/* The rows that follow are of this batch, which must not change meanwhile. */
bool fl_render_begin(fl_render *render, const flowan_batch *batch);
/* Appends the text of a record as it came in. When memory is short, `out` has failed. */
void fl_render_next(fl_render *render, fl_buffer *out, size_t row);
void fl_render_free(fl_render *render);

/* The same for a single record. */
void fl_render_row(fl_buffer *out, const flowan_batch *batch, size_t row);

enum { FL_RENDER_CIDR_SIZE = FL_TEXT_ADDRESS_SIZE + 1 + FL_TEXT_U64_SIZE };

/* Writes the masked prefix "10.8.0.0/16" of an address and returns the bytes that count,
 * as the put functions of text.h do. `bits` as the kind counts. */
size_t fl_render_put_cidr(char *out, const flowan_address *own, uint64_t bits,
                          bool ipv6);

#endif
