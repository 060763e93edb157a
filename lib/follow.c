/* The follower's time: when to look, when to write, when to wait. */
#include "follow.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "status.h"

enum {
    LATENCY_MS = 1000,
    SCAN_MS = 1000, /* the globs are looked at that often whatever happens */
    LOOK_MS = 250,  /* and the open logs */
    NAP_MS = 20,    /* so long what is written gathers before it is read */
    DRAIN_SETTLED_S =
        10 /* a drained log that was not written to for so long has ended */
};

uint64_t fl_follow_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    /* 0 stands for never */
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000 + 1;
}

uint64_t fl_follow_wall_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

void fl_follow_tell(const flowan_follower *follower, flowan_follow_event event,
                    const char *format, ...)
{
    if (!follower->options.event)
        return;
    char text[FLOWAN_ERROR_MESSAGE_SIZE];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    flowan_error clean; /* names of files are hostile too */
    fl_status_describe(&clean, FLOWAN_OK, FL_NO_OFFSET, "%s", text);
    follower->options.event(follower->options.context, event, clean.message);
}

/* --- a round over all logs --- */

static flowan_status visit(flowan_follower *follower, size_t index,
                           fl_follow_taken *taken, flowan_error *error)
{
    fl_trail *trail = follower->trails[index];
    bool over = !trail->packed && fl_follow_is_over(follower, index);
    flowan_status status = fl_follow_take(follower, trail, taken, error);
    if (status != FLOWAN_OK)
        return status;
    if (*taken == FL_FOLLOW_CHANGED)
        return fl_follow_lose(follower, index, error);
    bool ended = *taken == FL_FOLLOW_NOTHING || *taken == FL_FOLLOW_SOME;
    if (*taken != FL_FOLLOW_BROKEN && !(ended && (over || trail->packed)))
        return FLOWAN_OK;
    status = fl_follow_end(follower, trail, error);
    if (status != FLOWAN_OK)
        return status;
    follower->stirred = true;
    if (*taken != FL_FOLLOW_BROKEN) {
        fl_follow_tell(follower, FLOWAN_FOLLOW_DONE, "%s is read to its end, byte %llu",
                       trail->path, (unsigned long long)trail->read_to);
        fl_follow_remove_done(follower, trail);
    }
    if (trail->fd >= 0)
        fl_globs_fstat(trail->fd, &trail->id);
    fl_trail_close(trail);
    return FLOWAN_OK;
}

typedef struct round_result {
    bool more;  /* a log has more than one visit takes */
    size_t fed; /* logs of which something was taken */
    bool lost;  /* something is still being looked for */
} round_result;

static flowan_status make_round(flowan_follower *follower, round_result *result,
                                flowan_error *error)
{
    flowan_status status = FLOWAN_OK;
    *result = (round_result){0};
    follower->awaits = false;
    for (size_t i = 0; status == FLOWAN_OK && i < follower->count; i++) {
        const fl_trail *trail = follower->trails[i];
        fl_follow_taken taken = FL_FOLLOW_NOTHING;
        if (trail->phase == FL_TRAIL_LOST) {
            status = fl_follow_hunt(follower, i, error);
        } else if (trail->phase == FL_TRAIL_SEEN && !result->more && !follower->awaits) {
            /* only behind all that is older */
            status = fl_follow_begin(follower, i, error);
        }
        if (status != FLOWAN_OK || i >= follower->count)
            break;
        trail = follower->trails[i];
        if (trail->phase == FL_TRAIL_LOST)
            result->lost = true;
        if (trail->phase == FL_TRAIL_OPEN)
            status = visit(follower, i, &taken, error);
        result->more = result->more || taken == FL_FOLLOW_MORE;
        result->fed += taken == FL_FOLLOW_SOME || taken == FL_FOLLOW_MORE;
    }
    return status;
}

/* In a drain: what is incomplete at the end of a log that nobody writes to will stay so. */
static flowan_status end_settled(flowan_follower *follower, flowan_error *error)
{
    flowan_status status = FLOWAN_OK;
    time_t now = time(NULL);
    for (size_t i = 0; status == FLOWAN_OK && i < follower->count; i++) {
        fl_trail *trail = follower->trails[i];
        fl_file_id id;
        if (trail->phase != FL_TRAIL_OPEN || !trail->unfinished ||
            !fl_globs_fstat(trail->fd, &id) ||
            (uint64_t)now < id.modified_ns / UINT64_C(1000000000) + DRAIN_SETTLED_S)
            continue;
        status = fl_follow_end(follower, trail, error);
        trail->id = id;
        fl_trail_close(trail);
    }
    return status;
}

/* --- waiting --- */

static uint64_t latency(const flowan_follower *follower)
{
    return follower->options.latency_ms ? follower->options.latency_ms : LATENCY_MS;
}

static flowan_status write_due(flowan_follower *follower, bool now, flowan_error *error)
{
    uint64_t at = fl_follow_now_ms();
    flowan_status status = FLOWAN_OK;
    if (follower->batch_since_ms &&
        (now || at - follower->batch_since_ms >= latency(follower)))
        status = fl_follow_flush(follower, error);
    if (status == FLOWAN_OK && follower->unsynced && !follower->batch_since_ms &&
        (now || at - follower->synced_ms >= latency(follower) / 2))
        status = fl_follow_sync(follower, error);
    return status;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static void wait_for_news(flowan_follower *follower, uint64_t wait_ms, size_t fed)
{
    uint64_t now = fl_follow_now_ms();
    wait_ms = least(wait_ms, LOOK_MS);
    if (follower->batch_since_ms) {
        uint64_t due = follower->batch_since_ms + latency(follower);
        wait_ms = least(wait_ms, due > now ? due - now : 0);
    }
    /* Each look at several logs that grow is a block of each. */
    uint64_t nap = follower->turned ? latency(follower) / 2 : fed > 0 ? NAP_MS : 0;
    nap = least(nap, wait_ms);
    if (nap > 0) {
        struct timespec time = {.tv_sec = (time_t)(nap / 1000),
                                .tv_nsec = (long)(nap % 1000) * 1000000};
        nanosleep(&time, NULL);
    }
    unsigned news = fl_watch_wait(follower->watch, (int)(wait_ms - nap));
    if (news & FL_WATCH_NAMES)
        follower->next_scan_ms = 0;
}

flowan_status flowan_follower_step(flowan_follower *follower, uint32_t wait_ms,
                                   flowan_error *error)
{
    flowan_status status = FLOWAN_OK;
    round_result round;
    follower->stirred = follower->turned = false;
    if (fl_follow_now_ms() >= follower->next_scan_ms) {
        status = fl_follow_scan(follower, error);
        follower->next_scan_ms = fl_follow_now_ms() + SCAN_MS;
    }
    if (status == FLOWAN_OK)
        status = make_round(follower, &round, error);
    if (status != FLOWAN_OK)
        return status;
    bool idle = !round.more && !follower->stirred && round.fed == 0;
    bool drains = follower->options.drain && idle;
    if (drains && !round.lost)
        status = end_settled(follower, error);
    if (status == FLOWAN_OK)
        status = write_due(follower, drains, error);
    if (status != FLOWAN_OK)
        return status;
    bool ended =
        idle && !round.lost && !follower->batch_since_ms && !follower->unsynced;
    if (!round.more && !follower->stirred && (!follower->options.drain || round.lost))
        wait_for_news(follower, wait_ms, round.fed);
    return ended ? FLOWAN_END : FLOWAN_OK;
}

void flowan_follower_rescan(flowan_follower *follower)
{
    follower->next_scan_ms = 0;
}

flowan_status flowan_follower_flush(flowan_follower *follower, flowan_error *error)
{
    flowan_status status = fl_follow_flush(follower, error);
    return status == FLOWAN_OK ? fl_follow_sync(follower, error) : status;
}

/* --- making --- */

static bool copy_globs(flowan_follower *follower, const char *const *globs,
                       size_t count)
{
    follower->globs = fl_memory_zalloc(count, sizeof *follower->globs);
    if (!follower->globs)
        return false;
    for (follower->glob_count = 0; follower->glob_count < count;
         follower->glob_count++) {
        size_t size = strlen(globs[follower->glob_count]) + 1;
        char *copy = fl_memory_alloc(size, 1);
        if (!copy)
            return false;
        memcpy(copy, globs[follower->glob_count], size);
        follower->globs[follower->glob_count] = copy;
    }
    return true;
}

static flowan_status make_parts(flowan_follower *follower, flowan_error *error)
{
    const flowan_follow_options *options = &follower->options;
    flowan_parser_options parser = {.size = sizeof parser,
                                    .record_limit = options->record_limit,
                                    .map = options->map,
                                    .map_count = options->map_count};
    fl_pipeline_owner owner = fl_follow_owner(follower);
    flowan_status status = flowan_parser_new(&follower->parser, &parser, error);
    if (status == FLOWAN_OK)
        status = fl_pipeline_new(&follower->pipeline, follower->archiver, &owner,
                                 options->threads ? options->threads : 1, NULL, error);
    return status;
}

flowan_status flowan_follower_new(flowan_follower **out, flowan_archiver *archiver,
                                  const char *const *globs, size_t count,
                                  const flowan_follow_options *options,
                                  flowan_error *error)
{
    *out = NULL;
    if (!fl_status_options_fit(options, sizeof *options) || count == 0 ||
        (options && options->threads > FL_PIPELINE_THREADS_MAX))
        return fl_status_fail(error, FLOWAN_ERROR_ARGUMENT, FL_NO_OFFSET,
                              "follow options: unknown members, no glob, or over %d "
                              "threads",
                              FL_PIPELINE_THREADS_MAX);
    flowan_follower *follower = fl_memory_zalloc(1, sizeof *follower);
    if (!follower)
        return fl_status_memory(error);
    if (options)
        memcpy(&follower->options, options,
               options->size < sizeof *options ? options->size : sizeof *options);
    follower->archiver = archiver;
    follower->watch = fl_watch_new();
    follower->buffer = fl_memory_alloc(FL_TRAIL_TAIL_SIZE + FL_TRAIL_RUN_SIZE, 1);
    flowan_status status = FLOWAN_OK;
    if (!follower->watch || !follower->buffer || !copy_globs(follower, globs, count))
        status = fl_status_memory(error);
    if (status == FLOWAN_OK)
        status = make_parts(follower, error);
    if (status == FLOWAN_OK)
        *out = follower;
    else
        flowan_follower_free(follower);
    return status;
}

void flowan_follower_free(flowan_follower *follower)
{
    if (!follower)
        return;
    fl_pipeline_free(follower->pipeline);
    flowan_parser_free(follower->parser);
    for (size_t i = 0; i < follower->count; i++)
        fl_trail_free(follower->trails[i]);
    fl_memory_free(follower->trails);
    for (size_t i = 0; i < follower->glob_count; i++)
        fl_memory_free(follower->globs[i]);
    fl_memory_free(follower->globs);
    for (size_t i = 0; i < follower->checked_count; i++)
        fl_memory_free(follower->checked[i]);
    fl_memory_free(follower->checked);
    fl_memory_free(follower->buffer);
    fl_watch_free(follower->watch);
    fl_memory_free(follower);
}

/* --- telling --- */

static uint64_t lag_of(const flowan_follower *follower, const fl_trail *trail)
{
    fl_file_id id = trail->id;
    if (trail->packed ||
        (trail->phase != FL_TRAIL_OPEN && trail->phase != FL_TRAIL_SEEN))
        return 0;
    if (trail->fd >= 0)
        fl_globs_fstat(trail->fd, &id);
    /* what is read and not yet written counts */
    uint64_t written = follower->current == trail && follower->begun
                           ? trail->log.position.offset
                           : trail->read_to;
    return id.size > written ? id.size - written : 0;
}

flowan_follow_counts flowan_follower_count(const flowan_follower *follower)
{
    flowan_follow_counts counts = follower->counts;
    for (size_t i = 0; i < follower->count; i++) {
        counts.lag_bytes += lag_of(follower, follower->trails[i]);
        counts.logs += follower->trails[i]->phase == FL_TRAIL_OPEN;
    }
    return counts;
}

bool flowan_follower_log(const flowan_follower *follower, size_t index,
                         flowan_follow_log *out)
{
    for (size_t i = 0; i < follower->count; i++) {
        const fl_trail *trail = follower->trails[i];
        if (trail->phase != FL_TRAIL_OPEN || index-- > 0)
            continue;
        fl_file_id id = trail->id;
        fl_globs_fstat(trail->fd, &id);
        *out = (flowan_follow_log){.path = trail->path,
                                   .name = trail->live,
                                   .size = id.size,
                                   .read = trail->read_to,
                                   .live = !trail->packed &&
                                           strcmp(trail->path, trail->live) == 0};
        return true;
    }
    return false;
}
