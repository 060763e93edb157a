/* Layer 2: the fast way for records that look as earlier ones did.
 *
 * It learns the shapes that the general way has read: which literals stand between the
 * values, and how each value is spelled. A record that fits a learnt shape in every byte
 * goes straight into the columns of a batch, exactly as the general way would put it
 * there; of anything else not a byte is taken. The techniques, and what each earned, are
 * told in doc/performance.md. */
#ifndef FL_FASTPATH_H
#define FL_FASTPATH_H

#include "batch.h"

typedef struct fl_fastpath fl_fastpath;

/* Records whose longest spelling (texts and lists counting as 64 bytes) exceeds FL_FAST_SPAN
 * are not learnt, so that a walk over one needs no look at where the input ends. Behind
 * the last byte where a record may begin, FL_FASTPATH_PADDING bytes must be readable:
 * that span, and what is read behind a value before it is known where it ends. Behind
 * the end of an input the first FL_FASTPATH_ZEROS of them must be zero. */
enum {
    FL_FAST_SPAN = 16384,
    FL_FASTPATH_ZEROS = 160,
    FL_FASTPATH_PADDING = FL_FAST_SPAN + FL_FASTPATH_ZEROS
};

typedef enum fl_fastpath_stop {
    FL_FASTPATH_STRANGE, /* what stands there is for the general way */
    FL_FASTPATH_SHORT,   /* perhaps only because more bytes would be needed */
    FL_FASTPATH_FULL,    /* the batch takes no further record */
    FL_FASTPATH_MEMORY
} fl_fastpath_stop;

/* With the best kernel that the machine runs, unless the portable one is asked for. Longer
 * records than `record_limit` are strange. NULL when memory is short. */
fl_fastpath *fl_fastpath_new(bool portable, size_t record_limit);
void fl_fastpath_free(fl_fastpath *fast);

/* To be called for each feed, before the first run: `batch` takes the records. */
void fl_fastpath_begin(fl_fastpath *fast, flowan_batch *batch);

/* Takes records from data[0 … size) as long as they fit; size counts what may be read,
 * padding included. `offset` is that of data[0] in the input. *used bytes were taken:
 * whole records and the line feeds behind them. */
fl_fastpath_stop fl_fastpath_run(fl_fastpath *fast, const char *data, size_t size,
                                 uint64_t offset, size_t *used);

/* Learns from a record whose values spell exactly its text. What cannot be learnt is
 * passed over; so is a failure, since the general way reads everything. */
void fl_fastpath_learn(fl_fastpath *fast, const fl_value *values, size_t count);

#endif
