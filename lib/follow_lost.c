/* What is no more where it was: what an earlier run left unfinished, and the rest of a log
 * that was truncated. */
#include "follow.h"
#include "segment.h"

#include <string.h>

#include "status.h"

enum {
    LOST_MS = 1000,        /* so long the rest of a log is looked for */
    TELLING_HEAD_MIN = 256 /* bytes that tell a log of which nothing is known beyond */
};

/* Whether a trail is at what the archive knows: by its file, or as far as the contents that
 * were read. */
bool fl_follow_is_at(const fl_trail *trail, const flowan_log_state *known)
{
    const flowan_log_state *log = &trail->log;
    return trail->settled && fl_segment_same_head(log, known) &&
           ((log->device == known->device && log->inode == known->inode) ||
            (log->position.offset == known->position.offset &&
             log->position.content_hash == known->position.content_hash));
}

/* A trail whose file cannot be what it was: the log's rest is elsewhere. */
static fl_trail *make_lost(const flowan_log_state *log, const char *live)
{
    fl_trail *trail = fl_trail_new(live, live, &(fl_file_id){0});
    if (!trail)
        return NULL;
    char *path = fl_memory_alloc(strlen(log->path) + 1, 1);
    if (!path) {
        fl_trail_free(trail);
        return NULL;
    }
    memcpy(path, log->path, strlen(log->path) + 1);
    trail->log = *log;
    trail->log.path = path;
    trail->settled = true;
    trail->phase = FL_TRAIL_LOST;
    trail->lost_since_ms = fl_follow_now_ms();
    return trail;
}

static bool is_checked(const flowan_follower *follower, const char *live)
{
    for (size_t i = 0; i < follower->checked_count; i++)
        if (strcmp(follower->checked[i], live) == 0)
            return true;
    return false;
}

bool fl_follow_set_checked(flowan_follower *follower, const char *live)
{
    char *copy = fl_memory_alloc(strlen(live) + 1, 1);
    if (!copy || !fl_memory_grow((void **)&follower->checked, &follower->checked_room,
                                 follower->checked_count + 1, sizeof copy)) {
        fl_memory_free(copy);
        return false;
    }
    memcpy(copy, live, strlen(live) + 1);
    follower->checked[follower->checked_count++] = copy;
    return true;
}

/* Whether a trail of this run reads that log, or has read it. */
static bool is_covered(const flowan_follower *follower, const flowan_log_state *log)
{
    for (size_t i = 0; i < follower->count; i++) {
        const fl_trail *trail = follower->trails[i];
        if (trail->settled && !trail->doubtful &&
            fl_segment_same_head(&trail->log, log) &&
            trail->log.position.offset >= log->position.offset)
            return true;
    }
    return false;
}

/* The archive may know a log twice, by its own file and by a copy that has the rest. */
static bool is_superseded(const flowan_archiver *archiver, const flowan_log_state *log)
{
    flowan_log_state other;
    for (size_t i = 0; flowan_archiver_log(archiver, i, &other); i++)
        if (fl_segment_same_head(&other, log) &&
            other.position.offset > log->position.offset)
            return true;
    return false;
}

/* The state of the log that was begun last under a name; false when there is none. */
bool fl_follow_last_of(const flowan_follower *follower, const char *live,
                       flowan_log_state *last)
{
    flowan_log_state log;
    bool found = false;
    for (size_t i = 0; flowan_archiver_log(follower->archiver, i, &log); i++)
        if (strcmp(log.path, live) == 0 && !is_superseded(follower->archiver, &log)) {
            *last = log;
            found = true;
        }
    return found;
}

/* The log that an earlier run read last under that name comes at `index`, if no trail has
 * it: it may not be at its end. Once a name. */
flowan_status fl_follow_look_back(flowan_follower *follower, size_t index,
                                  const char *live, bool *found, flowan_error *error)
{
    flowan_log_state last;
    *found = false;
    if (is_checked(follower, live))
        return FLOWAN_OK;
    if (!fl_follow_set_checked(follower, live))
        return fl_status_memory(error);
    if (!fl_follow_last_of(follower, live, &last) || is_covered(follower, &last))
        return FLOWAN_OK;
    fl_trail *lost = make_lost(&last, live);
    if (!lost || !fl_follow_insert(follower, index, lost)) {
        fl_trail_free(lost);
        return fl_status_memory(error);
    }
    *found = true;
    return FLOWAN_OK;
}

/* A log that is named without a wildcard and not there was perhaps renamed just now, and
 * is still being written to under a name that no glob has. */
flowan_status fl_follow_look_for_absent(flowan_follower *follower, flowan_error *error)
{
    fl_file_id id;
    flowan_status status = FLOWAN_OK;
    for (size_t i = 0; status == FLOWAN_OK && i < follower->glob_count; i++) {
        bool found;
        if (!fl_globs_stat(follower->globs[i], &id))
            status =
                fl_follow_look_back(follower, 0, follower->globs[i], &found, error);
    }
    return status;
}

/* --- finding --- */

/* Where what is lost is looked for, and this has it. */
size_t fl_follow_find_lost(const flowan_follower *follower,
                           const flowan_log_state *known)
{
    size_t i = 0;
    while (i < follower->count && !(follower->trails[i]->phase == FL_TRAIL_LOST &&
                                    fl_follow_is_at(follower->trails[i], known)))
        i++;
    return i;
}

/* The trail takes the place of the lost one. */
bool fl_follow_replace_lost(flowan_follower *follower, size_t lost, fl_trail *trail)
{
    if (!fl_trail_set_live(trail, follower->trails[lost]->live))
        return false;
    fl_follow_tell(follower, FLOWAN_FOLLOW_COPY,
                   "%s holds what %s was: it is taken up at byte %llu", trail->path,
                   trail->live, (unsigned long long)trail->mark.offset);
    size_t old = fl_follow_index_of(follower, trail);
    fl_trail_free(follower->trails[lost]);
    follower->trails[lost] = trail;
    if (old < follower->count) {
        follower->count--;
        memmove(follower->trails + old, follower->trails + old + 1,
                (follower->count - old) * sizeof *follower->trails);
    }
    fl_follow_set_phase(follower, trail, FL_TRAIL_OPEN);
    return true;
}

flowan_status fl_follow_lose(flowan_follower *follower, size_t index,
                             flowan_error *error)
{
    fl_trail *trail = follower->trails[index];
    flowan_status status = FLOWAN_OK;
    if (follower->current == trail)
        status = fl_follow_leave(follower, error);
    if (status != FLOWAN_OK)
        return status;
    fl_follow_tell(follower, FLOWAN_FOLLOW_TRUNCATED,
                   "%s was truncated, or written anew, after byte %llu was read",
                   trail->path, (unsigned long long)trail->read_to);
    trail->log.position = fl_parser_mark_position(&trail->mark);
    trail->log.rows_after = (uint32_t)trail->rows_known;
    fl_trail_settle(trail);
    if (trail->log.position.offset > 0 || trail->head_size >= TELLING_HEAD_MIN) {
        fl_trail *lost = make_lost(&trail->log, trail->live);
        if (!lost || !fl_follow_insert(follower, index, lost)) {
            fl_trail_free(lost);
            return fl_status_memory(error);
        }
    }
    follower->stirred = true;
    if (!fl_trail_restart(trail))
        return fl_status_memory(error);
    fl_globs_fstat(trail->fd, &trail->id);
    return FLOWAN_OK;
}

/* Whether a file holds what is lost; then it is what LOST trail `index` is from now on. */
static flowan_status try_file(flowan_follower *follower, size_t index,
                              const fl_match *match, bool *found, flowan_error *error)
{
    fl_trail *lost = follower->trails[index];
    fl_trail *other = fl_follow_find_file(follower, &match->id);
    fl_trail_kind kind = FL_TRAIL_EMPTY;
    flowan_error why = {0};
    if (other && (other->phase == FL_TRAIL_OPEN || other->phase == FL_TRAIL_DONE))
        return FLOWAN_OK;
    fl_trail *trail = fl_trail_new(match->path, lost->live, &match->id);
    if (!trail)
        return fl_status_memory(error);
    flowan_status status = FLOWAN_OK;
    if (fl_trail_open(trail, &why) == FLOWAN_OK)
        status = fl_trail_identify(trail, follower->archiver, &lost->log, &kind, NULL,
                                   error);
    if (status != FLOWAN_OK || kind != FL_TRAIL_KNOWN) {
        fl_trail_free(trail);
        return status;
    }
    if (!fl_follow_replace_lost(follower, index, trail)) {
        fl_trail_free(trail);
        return fl_status_memory(error);
    }
    *found = true;
    if (other)
        fl_follow_drop(follower, fl_follow_index_of(follower, other));
    return FLOWAN_OK;
}

flowan_status fl_follow_hunt(flowan_follower *follower, size_t index,
                             flowan_error *error)
{
    fl_trail *lost = follower->trails[index];
    fl_buffer directory = {0};
    fl_matches files = {0};
    bool found = false;
    flowan_status status = FLOWAN_OK;
    if (!fl_globs_directory_of(&directory, lost->live) ||
        !fl_globs_directory(directory.data, &files))
        status = fl_status_memory(error);
    /* The newest is the likeliest; but its own file, renamed, is it for certain. */
    for (size_t i = 0; status == FLOWAN_OK && !found && i < files.count; i++)
        if (files.entries[i].id.inode == lost->log.inode)
            status = try_file(follower, index, &files.entries[i], &found, error);
    for (size_t i = files.count; status == FLOWAN_OK && !found && i-- > 0;)
        status = try_file(follower, index, &files.entries[i], &found, error);
    fl_matches_free(&files);
    uint64_t waited = fl_follow_now_ms() - (found ? 0 : lost->lost_since_ms);
    if (status == FLOWAN_OK && !found && waited > LOST_MS) {
        fl_follow_tell(
            follower, FLOWAN_FOLLOW_GONE,
            "%s: what came behind byte %llu of the log that had this name is "
            "in no file of %s: if there was more, it is lost",
            lost->live, (unsigned long long)lost->log.position.offset, directory.data);
        fl_follow_drop(follower, index);
    }
    fl_buffer_free(&directory);
    return status;
}
