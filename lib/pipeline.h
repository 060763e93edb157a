/* Layer 6: the batches of a log into an archive, in order, packed by several threads.
 *
 * The owner's thread fills batches and puts them in; helpers pack what is in; the owner's
 * thread, inside the calls here, writes what is packed, and packs too where it would have
 * to wait. What is written, and every call of the owner, is the same and in the same order
 * for any number of threads; with one there are no helpers, and a batch is written when it
 * is put in.
 *
 * Memory: batches that are filled wait to be written while they hold 64 MiB or less for
 * each thread; the one that is being filled comes on top, and what is packed. */
#ifndef FL_PIPELINE_H
#define FL_PIPELINE_H

#include "flowan/archive.h"

enum { FL_PIPELINE_THREADS_MAX = 256 };

typedef struct fl_pipeline fl_pipeline;

/* Both are called in the order in which batches were put in. */
typedef struct fl_pipeline_owner {
    void *context;
    /* Before anything of a batch is written; a failure ends it all. `tag` as put in. */
    flowan_status (*begin)(void *context, const flowan_batch *batch, uint64_t tag,
                           flowan_error *error);
    /* After all of it was: so many rows. */
    void (*end)(void *context, size_t rows);
} fl_pipeline_owner;

/* For the log that the archiver begins next, or has begun. `batch_options` (may be NULL)
 * are those of the batches. */
flowan_status fl_pipeline_new(fl_pipeline **out, flowan_archiver *archiver,
                              const fl_pipeline_owner *owner, uint32_t threads,
                              const flowan_batch_options *batch_options,
                              flowan_error *error);

/* What is in and not written is dropped. NULL is fine. */
void fl_pipeline_free(fl_pipeline *pipeline);

/* The batch to fill, the same until it is put in. This call and those below may write
 * batches that were put in before. When that fails nothing behind is written, now or
 * later, and fl_pipeline_has_failed. */
flowan_status fl_pipeline_batch(fl_pipeline *pipeline, flowan_batch **out,
                                flowan_error *error);

/* Puts rows [first, rows) of the batch in; `position` is the parser's behind it. */
flowan_status fl_pipeline_put(fl_pipeline *pipeline, size_t first,
                              flowan_position position, uint64_t tag,
                              flowan_error *error);

/* Writes what is packed, without waiting. */
flowan_status fl_pipeline_write_packed(fl_pipeline *pipeline, flowan_error *error);

/* Whether something is in that is not yet written. */
bool fl_pipeline_is_busy(const fl_pipeline *pipeline);

/* Writes all that is in. */
flowan_status fl_pipeline_write_all(fl_pipeline *pipeline, flowan_error *error);

/* Whether a batch was refused, perhaps after a part of it was taken. */
bool fl_pipeline_has_failed(const fl_pipeline *pipeline);

/* All that is in was written: what comes next is of another log, or the archiver was used
 * without the pipeline in between. */
void fl_pipeline_turn(fl_pipeline *pipeline);

#endif
