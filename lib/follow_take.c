/* The bytes of trails into the archive: one parser that goes from trail to trail, one
 * batch, and when that is written. */
#include "follow.h"

#include "archiver.h"
#include "status.h"

/* At one go, so that no log waits long for its turn. */
enum { TAKE_BYTES = 16 << 20 };

/* --- writing --- */

/* The batch's rows come from the current trail: the archiver must know. */
static flowan_status begin_log(flowan_follower *follower, flowan_error *error)
{
    fl_trail *trail = follower->current;
    if (follower->begun)
        return FLOWAN_OK;
    fl_trail_settle(trail);
    fl_file_id id = trail->id;
    fl_globs_fstat(trail->fd, &id);
    flowan_status status = flowan_archiver_begin_log(follower->archiver, &trail->log,
                                                     id.modified_ns, error);
    if (status == FLOWAN_OK)
        follower->begun = true;
    return status;
}

static flowan_status put(flowan_follower *follower, const flowan_batch *batch,
                         flowan_position position, flowan_error *error)
{
    fl_trail *trail = follower->current;
    flowan_status status = begin_log(follower, error);
    if (status != FLOWAN_OK)
        return status;
    size_t rows = flowan_batch_rows(batch);
    size_t first = trail->rows_known < rows ? trail->rows_known : rows;
    trail->rows_known -= first;
    trail->log.position = position;
    trail->log.rows_after = (uint32_t)trail->rows_known;
    follower->batch_since_ms = 0;
    follower->unsynced = true;
    return fl_pipeline_put(follower->pipeline, first, position, 0, error);
}

flowan_status fl_follow_flush(flowan_follower *follower, flowan_error *error)
{
    if (!follower->current)
        return FLOWAN_OK;
    flowan_batch *batch;
    flowan_status status = fl_pipeline_batch(follower->pipeline, &batch, error);
    if (status == FLOWAN_OK &&
        (flowan_batch_rows(batch) > 0 || flowan_batch_rejects(batch) > 0))
        status = put(follower, batch, flowan_parser_position(follower->parser), error);
    if (status == FLOWAN_OK)
        status = fl_pipeline_write_all(follower->pipeline, error);
    follower->batch_since_ms = 0;
    return status;
}

flowan_status fl_follow_sync(flowan_follower *follower, flowan_error *error)
{
    flowan_status status = FLOWAN_OK;
    if (follower->unsynced)
        status = flowan_archiver_sync(follower->archiver, error);
    if (status == FLOWAN_OK)
        follower->unsynced = false;
    follower->synced_ms = fl_follow_now_ms();
    return status;
}

/* --- turning from trail to trail --- */

flowan_status fl_follow_leave(flowan_follower *follower, flowan_error *error)
{
    fl_trail *trail = follower->current;
    if (!trail)
        return FLOWAN_OK;
    flowan_status status = fl_follow_flush(follower, error);
    if (status == FLOWAN_OK && !fl_parser_leave(follower->parser, &trail->mark))
        status = fl_status_memory(error);
    if (status == FLOWAN_OK)
        follower->current = NULL;
    return status;
}

static flowan_status turn(flowan_follower *follower, fl_trail *trail,
                          flowan_error *error)
{
    if (follower->current == trail)
        return FLOWAN_OK;
    flowan_status status = fl_follow_leave(follower, error);
    if (status != FLOWAN_OK)
        return status;
    if (!fl_parser_return(follower->parser, &trail->mark))
        return fl_status_memory(error);
    fl_pipeline_turn(follower->pipeline);
    follower->current = trail;
    follower->turned = true;
    follower->begun = false;
    return FLOWAN_OK;
}

/* --- taking --- */

static flowan_status feed(flowan_follower *follower, const char *data, size_t size,
                          flowan_error *error)
{
    flowan_batch *batch = NULL;
    flowan_status status = FLOWAN_OK;
    while (status == FLOWAN_OK && size > 0) {
        size_t used = 0;
        status = fl_pipeline_batch(follower->pipeline, &batch, error);
        if (status != FLOWAN_OK)
            return status;
        status = flowan_parser_feed(follower->parser, data, size, batch, &used, error);
        data += used;
        size -= used;
        follower->counts.bytes += used;
        if (status == FLOWAN_FULL)
            status =
                put(follower, batch, flowan_parser_position(follower->parser), error);
        else if (status == FLOWAN_OK && follower->batch_since_ms == 0 &&
                 (flowan_batch_rows(batch) > 0 || flowan_batch_rejects(batch) > 0))
            follower->batch_since_ms = fl_follow_now_ms();
    }
    return status;
}

flowan_status fl_follow_take(flowan_follower *follower, fl_trail *trail,
                             fl_follow_taken *taken, flowan_error *error)
{
    size_t total = 0;
    *taken = FL_FOLLOW_NOTHING;
    while (total < TAKE_BYTES) {
        const char *data = NULL;
        size_t size = 0;
        flowan_error why;
        fl_trail_look look = fl_trail_read(trail, follower->buffer, &data, &size, &why);
        if (look == FL_TRAIL_LOOK_END) {
            *taken = total > 0 ? FL_FOLLOW_SOME : FL_FOLLOW_NOTHING;
            return FLOWAN_OK;
        }
        if (look == FL_TRAIL_LOOK_CHANGED) {
            *taken = FL_FOLLOW_CHANGED;
            return FLOWAN_OK;
        }
        if (look == FL_TRAIL_LOOK_BROKEN) {
            *taken = FL_FOLLOW_BROKEN;
            fl_follow_tell(follower, FLOWAN_FOLLOW_ASIDE, "%s", why.message);
            return FLOWAN_OK;
        }
        flowan_status status = turn(follower, trail, error);
        if (status == FLOWAN_OK)
            status = feed(follower, data, size, error);
        if (status != FLOWAN_OK)
            return status;
        trail->unfinished =
            flowan_parser_position(follower->parser).offset < trail->read_to;
        trail->grew_at_ms = fl_follow_now_ms();
        total += size;
    }
    *taken = FL_FOLLOW_MORE;
    return FLOWAN_OK;
}

flowan_status fl_follow_end(flowan_follower *follower, fl_trail *trail,
                            flowan_error *error)
{
    flowan_batch *batch;
    flowan_status status = turn(follower, trail, error);
    if (status == FLOWAN_OK)
        status = fl_pipeline_batch(follower->pipeline, &batch, error);
    if (status != FLOWAN_OK)
        return status;
    /* What an unfinished object begins with is not behind us: the log may grow after all,
     * and is then taken up there. */
    flowan_position position = flowan_parser_position(follower->parser);
    status = flowan_parser_finish(follower->parser, batch, error);
    if (status == FLOWAN_OK &&
        (flowan_batch_rows(batch) > 0 || flowan_batch_rejects(batch) > 0))
        status = put(follower, batch, position, error);
    if (status == FLOWAN_OK)
        status = fl_pipeline_write_all(follower->pipeline, error);
    if (status == FLOWAN_OK)
        status = fl_follow_sync(follower, error);
    if (status != FLOWAN_OK)
        return status;
    follower->current = NULL;
    follower->batch_since_ms = 0;
    trail->phase = FL_TRAIL_DONE;
    return FLOWAN_OK;
}

/* --- what the pipeline calls --- */

static flowan_status on_begin(void *context, const flowan_batch *batch, uint64_t tag,
                              flowan_error *error)
{
    flowan_follower *follower = context;
    flowan_reject reject;
    (void)tag;
    for (size_t i = 0; flowan_batch_reject(batch, i, &reject); i++) {
        if (!reject.continued)
            follower->counts.rejects[reject.reason]++;
        if (!follower->options.reject)
            continue;
        flowan_status status = follower->options.reject(
            follower->options.context, &follower->current->log, &reject, error);
        if (status != FLOWAN_OK)
            return status;
    }
    return FLOWAN_OK;
}

static void on_end(void *context, size_t rows)
{
    flowan_follower *follower = context;
    follower->counts.records += rows;
    follower->counts.last_written_ns = fl_follow_wall_ns();
    uint64_t received = fl_archiver_state(follower->archiver).last_received;
    if (received)
        follower->counts.last_received_ns = received;
}

fl_pipeline_owner fl_follow_owner(flowan_follower *follower)
{
    return (fl_pipeline_owner){follower, on_begin, on_end};
}
