/* Looking into a file for the first time: which log it is, and whether it is its turn. */
#include "follow.h"

#include <string.h>
#include <xxhash.h>

#include "status.h"

/* Gives back the descriptors of logs that have not grown for longest. */
static void spare_descriptors(flowan_follower *follower)
{
    for (;;) {
        size_t open = 0;
        fl_trail *idle = NULL;
        for (size_t i = 0; i < follower->count; i++) {
            fl_trail *trail = follower->trails[i];
            open += trail->fd >= 0;
            if (trail->phase == FL_TRAIL_OPEN && trail != follower->current &&
                !trail->packed && fl_follow_size_of(trail) == trail->read_to &&
                (!idle || trail->grew_at_ms < idle->grew_at_ms))
                idle = trail;
        }
        if (open < FL_FOLLOW_OPEN_MAX || !idle)
            return;
        fl_follow_put_aside(follower, idle);
    }
}

/* Whether an earlier log of this name is not yet at its end. One that was renamed before
 * anything was in it is at its end when this one has something. */
static bool is_blocked(const flowan_follower *follower, size_t index)
{
    const fl_trail *trail = follower->trails[index];
    for (size_t i = 0; i < index; i++) {
        const fl_trail *earlier = follower->trails[i];
        bool empty = earlier->phase == FL_TRAIL_SEEN && fl_follow_size_of(earlier) == 0;
        if (earlier->phase != FL_TRAIL_DONE && earlier->phase != FL_TRAIL_ASIDE &&
            !empty && strcmp(earlier->live, trail->live) == 0)
            return true;
    }
    return false;
}

/* The open trail that reads this log already. */
static fl_trail *find_owner(const flowan_follower *follower, const fl_trail *trail,
                            const flowan_log_state *known)
{
    for (size_t i = 0; i < follower->count; i++) {
        fl_trail *other = follower->trails[i];
        if (other != trail && other->phase == FL_TRAIL_OPEN &&
            fl_follow_is_at(other, known))
            return other;
    }
    return NULL;
}

/* A file begins with all that was read of a log whose own file is open: it is a copy, and
 * of use only where the log itself has less. */
static void begin_copy(flowan_follower *follower, fl_trail *trail, fl_trail *owner)
{
    uint64_t length;
    fl_file_id id;
    bool told = fl_trail_length(trail, &length);
    bool intact = fl_trail_is_intact(owner);
    if (!intact)
        return; /* its own turn will tell; this is looked into again */
    if (!told || owner->packed || !fl_globs_fstat(owner->fd, &id) ||
        length <= id.size) {
        fl_follow_put_aside(follower, trail);
        return;
    }
    if (follower->current == owner)
        follower->current = NULL;
    fl_follow_put_aside(follower, owner);
    fl_follow_set_phase(follower, trail, FL_TRAIL_OPEN);
}

/* A log that is known by another name of the same file was renamed; by another file, it
 * was copied, which says nothing of the other. */
static bool settle_live(const flowan_follower *follower, fl_trail *trail,
                        const flowan_log_state *known)
{
    if (known->device != trail->id.device || known->inode != trail->id.inode ||
        !fl_globs_match((const char *const *)follower->globs, follower->glob_count,
                        known->path))
        return true;
    return fl_trail_set_live(trail, known->path);
}

static flowan_status begin_known(flowan_follower *follower, fl_trail *trail,
                                 const flowan_log_state *known, flowan_error *error)
{
    fl_trail *owner = find_owner(follower, trail, known);
    if (owner) {
        begin_copy(follower, trail, owner);
        return FLOWAN_OK;
    }
    size_t lost = fl_follow_find_lost(follower, known);
    if (lost < follower->count)
        return fl_follow_replace_lost(follower, lost, trail) ? FLOWAN_OK
                                                             : fl_status_memory(error);
    if (!settle_live(follower, trail, known))
        return fl_status_memory(error);
    flowan_log_state last;
    if (fl_follow_last_of(follower, trail->live, &last) &&
        fl_follow_is_at(trail, &last) && !fl_follow_set_checked(follower, trail->live))
        return fl_status_memory(error);
    fl_follow_set_phase(follower, trail, FL_TRAIL_OPEN);
    if (!trail->packed)
        fl_follow_tell(follower, FLOWAN_FOLLOW_FOUND, "%s is taken up at byte %llu",
                       trail->path, (unsigned long long)known->position.offset);
    return FLOWAN_OK;
}

/* A log was listed, and since then perhaps renamed or truncated, and what we now see under
 * its name may be younger than files that were not yet there to be listed. Whatever is
 * older than these bytes is in the next listing. */
static bool is_noted(flowan_follower *follower, fl_trail *trail)
{
    if (trail->noted_size > 0 && trail->noted_size <= trail->head_size &&
        trail->noted_hash == XXH3_64bits(trail->head, trail->noted_size))
        return true;
    trail->noted_size = trail->head_size;
    trail->noted_hash = XXH3_64bits(trail->head, trail->head_size);
    follower->next_scan_ms = 0;
    follower->awaits = follower->stirred = true;
    return false;
}

static flowan_status begin_new(flowan_follower *follower, size_t index,
                               flowan_error *error)
{
    fl_trail *trail = follower->trails[index];
    bool found;
    if (!is_noted(follower, trail))
        return FLOWAN_OK;
    flowan_status status =
        fl_follow_look_back(follower, index, trail->live, &found, error);
    if (status != FLOWAN_OK || found)
        return status;
    fl_follow_set_phase(follower, trail, FL_TRAIL_OPEN);
    fl_follow_tell(follower, FLOWAN_FOLLOW_FOUND, "%s is read from its beginning",
                   trail->path);
    return FLOWAN_OK;
}

static void begin_unreadable(flowan_follower *follower, fl_trail *trail,
                             const flowan_error *why)
{
    bool doubtful =
        !follower->options.drain && fl_follow_age_ns(trail) < FL_FOLLOW_SETTLED_NS;
    if (!trail->told && !doubtful)
        fl_follow_tell(follower, FLOWAN_FOLLOW_ASIDE, "%s", why->message);
    trail->told = trail->told || !doubtful;
    fl_follow_put_aside(follower, trail);
    trail->doubtful = doubtful;
}

/* Whether the plain file that this one is, or was, made from is there. */
static bool has_original(const fl_trail *trail)
{
    fl_file_id id;
    fl_buffer path = {0};
    const char *dot = strrchr(trail->path, '.');
    fl_buffer_append(&path, trail->path,
                     dot ? (size_t)(dot - trail->path) : strlen(trail->path));
    fl_buffer_byte(&path, 0);
    bool found = dot && !path.failed && fl_globs_stat(path.data, &id);
    fl_buffer_free(&path);
    return found;
}

/* Whether a compressed file is still being written. Later logs wait for it, unless what it
 * is made from is still there. */
static bool is_partial(flowan_follower *follower, fl_trail *trail)
{
    uint64_t length;
    if (follower->options.drain || fl_follow_age_ns(trail) >= FL_FOLLOW_SETTLED_NS ||
        !fl_trail_is_packed(trail))
        return false;
    fl_file_id id = trail->id;
    fl_globs_fstat(trail->fd, &id);
    bool looked = trail->partial && !fl_follow_has_changed(&trail->id, &id);
    trail->id = id;
    if (!looked)
        trail->partial = !fl_trail_length(trail, &length);
    if (!trail->partial)
        return false;
    if (has_original(trail)) {
        fl_follow_put_aside(follower, trail);
        trail->doubtful = true;
    } else {
        follower->awaits = true;
    }
    return true;
}

flowan_status fl_follow_begin(flowan_follower *follower, size_t index,
                              flowan_error *error)
{
    fl_trail *trail = follower->trails[index];
    flowan_error why = {0};
    fl_trail_kind kind = FL_TRAIL_EMPTY;
    flowan_log_state known = {0};
    if (fl_follow_size_of(trail) == 0 || is_blocked(follower, index))
        return FLOWAN_OK;
    spare_descriptors(follower);
    flowan_status status = fl_trail_open(trail, &why);
    if (status == FLOWAN_ERROR_NOT_FOUND) {
        fl_follow_drop(follower, index);
        return FLOWAN_OK;
    }
    if (status != FLOWAN_OK) {
        begin_unreadable(follower, trail, &why);
        return FLOWAN_OK;
    }
    if (is_partial(follower, trail))
        return FLOWAN_OK;
    /* what is known must be all that was read */
    status = fl_follow_leave(follower, error);
    if (status == FLOWAN_OK)
        status =
            fl_trail_identify(trail, follower->archiver, NULL, &kind, &known, &why);
    if (status != FLOWAN_OK) {
        if (error && why.status == status)
            *error = why;
        return status;
    }
    switch (kind) {
    case FL_TRAIL_EMPTY: break;
    case FL_TRAIL_NEW: return begin_new(follower, index, error);
    case FL_TRAIL_KNOWN: return begin_known(follower, trail, &known, error);
    case FL_TRAIL_SHORTER: fl_follow_put_aside(follower, trail); break;
    case FL_TRAIL_UNREADABLE: begin_unreadable(follower, trail, &why); break;
    }
    return FLOWAN_OK;
}
