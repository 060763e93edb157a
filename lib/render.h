/* Layer 2: typed values back to JSON text, by their kinds. What the parser compares and
 * what the exact dump prints is made here, once. */
#ifndef FL_RENDER_H
#define FL_RENDER_H

#include "batch.h"

/* Appends the object that the values spell. */
void fl_render_values(fl_buffer *out, const fl_value *values, size_t count);

/* Appends the text of a record as it came in. */
void fl_render_row(fl_buffer *out, const flowan_batch *batch, size_t row);

/* Appends a number in decimal. */
void fl_render_u64(fl_buffer *out, uint64_t value);

/* Appends the masked prefix "10.8.0.0/16" of an address. `bits` as the kind counts. */
void fl_render_cidr(fl_buffer *out, const flowan_address *own, uint64_t bits,
                    bool ipv6);

#endif
