/* Old segments removed. What is held is told by holds. */
#include "flowan/care.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "care.h"
#include "holds.h"
#include "reader.h"
#include "status.h"
#include "writer.h"

typedef struct candidate {
    size_t index; /* in the listing */
    uint64_t latest_ns;
    uint64_t bytes;
    flowan_segment_stats stats;
    bool sound;  /* else nobody knows what would go with it */
    bool newest; /* knows all logs: only its records may go */
} candidate;

typedef struct expire {
    flowan_expire_options options;
    flowan_expire_result result;
    fl_care care;
    candidate *candidates;
    size_t count;
    flowan_batch *batch; /* made when a hold is looked for */
    fl_buffer temporary;
} expire;

/* --- what there is --- */

static uint64_t file_size(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 ? (uint64_t)info.st_size : 0;
}

static bool holds_records(const candidate *c)
{
    return c->stats.rows > 0;
}

/* The latest receive time in a segment; where no record has one, its interval's end. */
static uint64_t latest_of(const flowan_segment_info *info)
{
    if (info->stats.received_min_ns <= info->stats.received_max_ns)
        return info->stats.received_max_ns;
    return info->interval_start_ns > INT64_MAX || info->interval_ns > INT64_MAX
               ? UINT64_MAX
               : info->interval_start_ns + info->interval_ns;
}

static void tell(expire *e, flowan_expire_kind kind, const candidate *c,
                 const char *message)
{
    flowan_expire_event event = {.kind = kind,
                                 .path = flowan_archive_path(e->care.archive, c->index),
                                 .message = message,
                                 .bytes = c->bytes,
                                 .stats = c->stats};
    e->result.failed += kind == FLOWAN_EXPIRE_FAILED;
    e->result.held += kind == FLOWAN_EXPIRE_HELD;
    if (e->options.tell)
        e->options.tell(e->options.context, &event);
}

/* Fills the next candidate; one that cannot be opened is told and left out. */
static flowan_status look_at(expire *e, size_t index, flowan_error *error)
{
    candidate *c = &e->candidates[e->count];
    *c = (candidate){.index = index,
                     .bytes = file_size(flowan_archive_path(e->care.archive, index))};
    e->result.bytes_left += c->bytes;
    if (fl_archive_is_open(e->care.archive, index))
        return FLOWAN_OK;
    flowan_reader *reader;
    flowan_error why;
    flowan_status status = flowan_archive_reader(e->care.archive, index, &reader, &why);
    if (status == FLOWAN_ERROR_MEMORY)
        return fl_status_memory(error);
    if (status != FLOWAN_OK) {
        c->stats = fl_segment_stats_none();
        tell(e, FLOWAN_EXPIRE_FAILED, c, why.message);
        return FLOWAN_OK;
    }
    flowan_segment_info info = flowan_reader_info(reader);
    c->sound = reader->finished && reader->header_status == FLOWAN_OK;
    c->stats = info.stats;
    c->latest_ns = latest_of(&info);
    flowan_reader_free(reader);
    e->count++;
    return FLOWAN_OK;
}

static int by_age(const void *left, const void *right)
{
    const candidate *a = left;
    const candidate *b = right;
    if (a->latest_ns != b->latest_ns)
        return a->latest_ns < b->latest_ns ? -1 : 1;
    return a->index < b->index ? -1 : 1;
}

static flowan_status survey(expire *e, flowan_error *error)
{
    size_t count = flowan_archive_segments(e->care.archive);
    e->candidates = fl_memory_alloc(count + 1, sizeof *e->candidates);
    if (!e->candidates)
        return fl_status_memory(error);
    flowan_status status = FLOWAN_OK;
    for (size_t i = 0; status == FLOWAN_OK && i < count; i++)
        status = look_at(e, i, error);
    for (size_t i = e->count; i-- > 0;)
        if (e->candidates[i].sound) {
            e->candidates[i].newest = true;
            break;
        }
    if (e->count)
        qsort(e->candidates, e->count, sizeof *e->candidates, by_age);
    return status;
}

/* --- what goes --- */

static bool is_due(const expire *e, const candidate *c)
{
    const flowan_expire_options *o = &e->options;
    /* an empty one only kept the states of logs until a newer one had them */
    if (!holds_records(c))
        return !c->newest;
    return (o->keep_ns && o->now_ns >= o->keep_ns &&
            c->latest_ns < o->now_ns - o->keep_ns) ||
           (o->keep_bytes && e->result.bytes_left > o->keep_bytes);
}

/* FLOWAN_END: stopped. */
static flowan_status find_hold(expire *e, const candidate *c, const char **held,
                               flowan_error *error)
{
    *held = NULL;
    if (!e->options.holds)
        return FLOWAN_OK;
    flowan_status status =
        e->batch ? FLOWAN_OK : flowan_batch_new(&e->batch, NULL, error);
    flowan_reader *reader = NULL;
    if (status == FLOWAN_OK)
        status = flowan_archive_reader(e->care.archive, c->index, &reader, error);
    if (status == FLOWAN_OK)
        status = fl_holds_find(e->options.holds, reader, e->batch, e->options.progress,
                               e->options.context, held, error);
    flowan_reader_free(reader);
    return status;
}

/* In the place of the segment comes one without records that knows the same logs. */
static flowan_status empty(expire *e, const char *path, flowan_error *error)
{
    flowan_reader *reader = NULL;
    flowan_writer *writer = NULL;
    flowan_status status = flowan_reader_open(&reader, path, error);
    if (status == FLOWAN_OK)
        status = fl_care_temporary(&e->temporary, path, error);
    if (status == FLOWAN_OK) {
        flowan_segment_info info = flowan_reader_info(reader);
        flowan_writer_options options = {.size = sizeof options,
                                         .serial = info.serial,
                                         .last_serial = info.last_serial,
                                         .interval_start_ns = info.interval_start_ns,
                                         .interval_ns = info.interval_ns};
        status = flowan_writer_open(&writer, e->temporary.data, &options, error);
    }
    if (status == FLOWAN_OK)
        status = flowan_writer_finish(writer, reader->logs, reader->log_count, error);
    flowan_writer_free(writer);
    flowan_reader_free(reader);
    /* what is left after a failure is removed by the next who cares */
    return status == FLOWAN_OK ? fl_care_publish(e->temporary.data, path, error)
                               : status;
}

static flowan_status take_away(expire *e, const candidate *c, uint64_t *left,
                               flowan_error *error)
{
    const char *path = flowan_archive_path(e->care.archive, c->index);
    flowan_status status = FLOWAN_OK;
    *left = 0;
    if (e->options.dry_run)
        return FLOWAN_OK;
    if (c->newest) {
        status = empty(e, path, error);
        *left = file_size(path);
    } else {
        status = fl_care_remove(path, error);
        if (status == FLOWAN_OK)
            status = fl_care_sync(path, error);
        if (status == FLOWAN_OK)
            fl_care_prune(path);
    }
    return status;
}

/* FLOWAN_OK also for one that stays. */
static flowan_status expire_one(expire *e, const candidate *c)
{
    const char *held;
    uint64_t left;
    flowan_error why;
    if (!is_due(e, c))
        return FLOWAN_OK;
    if (!c->sound) {
        tell(e, FLOWAN_EXPIRE_FAILED, c, "is damaged: repair it first");
        return FLOWAN_OK;
    }
    flowan_status status = find_hold(e, c, &held, &why);
    if (status == FLOWAN_END)
        return FLOWAN_END;
    if (status == FLOWAN_OK && held) {
        tell(e, FLOWAN_EXPIRE_HELD, c, held);
        return FLOWAN_OK;
    }
    if (status == FLOWAN_OK)
        status = take_away(e, c, &left, &why);
    if (status != FLOWAN_OK) {
        tell(e, FLOWAN_EXPIRE_FAILED, c, why.message);
        return FLOWAN_OK;
    }
    e->result.removed++;
    e->result.rows += c->stats.rows;
    e->result.bytes += c->bytes - (left < c->bytes ? left : c->bytes);
    e->result.bytes_left -= c->bytes - (left < c->bytes ? left : c->bytes);
    tell(e, FLOWAN_EXPIRE_REMOVED, c, NULL);
    return FLOWAN_OK;
}

/* Without a lock, which a look needs as little as a reader does. */
static flowan_status begin(expire *e, const char *directory, flowan_error *error)
{
    if (!e->options.dry_run)
        return fl_care_begin(&e->care, directory, "expired", error);
    e->care.lock = -1;
    return flowan_archive_open(&e->care.archive, directory, error);
}

flowan_status flowan_archive_expire(const char *directory,
                                    const flowan_expire_options *options,
                                    flowan_expire_result *result, flowan_error *error)
{
    if (result)
        *result = (flowan_expire_result){0};
    if (!options || !fl_status_options_fit(options, sizeof *options))
        return fl_status_fail(error, FLOWAN_ERROR_ARGUMENT, FL_NO_OFFSET,
                              "expire options: none, or unknown members");
    expire e = {0};
    memcpy(&e.options, options,
           options->size < sizeof *options ? options->size : sizeof *options);
    flowan_status status = begin(&e, directory, error);
    if (status == FLOWAN_OK)
        status = survey(&e, error);
    for (size_t i = 0; status == FLOWAN_OK && i < e.count && !e.result.stopped; i++)
        e.result.stopped = expire_one(&e, &e.candidates[i]) == FLOWAN_END;
    if (result)
        *result = e.result;
    fl_memory_free(e.candidates);
    flowan_batch_free(e.batch);
    fl_buffer_free(&e.temporary);
    fl_care_end(&e.care);
    return status;
}
