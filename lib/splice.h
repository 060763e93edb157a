/* Layer 1: rows of one batch behind those of another, column by column. */
#ifndef FL_SPLICE_H
#define FL_SPLICE_H

#include "batch.h"

/* Appends rows [first, first + count) of `from` to `to`: values, shapes with their
 * spellings, texts, and places in the log. Rejects stay where they are. Columns and shapes
 * that these rows do not have are not taken along.
 *
 * FLOWAN_FULL leaves `to` as it was: together they would break one of its bounds, memory
 * included. To a batch without rows any fit that its capacity has room for. After
 * FLOWAN_ERROR_MEMORY it has the rows that it had. */
flowan_status fl_batch_splice(flowan_batch *to, const flowan_batch *from, size_t first,
                              size_t count);

#endif
