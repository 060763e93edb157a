/* The list of trails: what matches the globs, what became of those that did, and when one
 * is over. */
#include "follow.h"

#include <string.h>
#include <unistd.h>

#include "status.h"

/* --- the list --- */

bool fl_follow_insert(flowan_follower *follower, size_t at, fl_trail *trail)
{
    if (!fl_memory_grow((void **)&follower->trails, &follower->room,
                        follower->count + 1, sizeof(fl_trail *)))
        return false;
    memmove(follower->trails + at + 1, follower->trails + at,
            (follower->count - at) * sizeof *follower->trails);
    follower->trails[at] = trail;
    follower->count++;
    follower->stirred = true;
    return true;
}

void fl_follow_drop(flowan_follower *follower, size_t at)
{
    fl_trail_free(follower->trails[at]);
    follower->count--;
    memmove(follower->trails + at, follower->trails + at + 1,
            (follower->count - at) * sizeof *follower->trails);
    follower->stirred = true;
}

void fl_follow_set_phase(flowan_follower *follower, fl_trail *trail,
                         fl_trail_phase phase)
{
    trail->phase = phase;
    follower->stirred = true;
}

static bool has_file(const fl_trail *trail)
{
    return trail->phase != FL_TRAIL_LOST;
}

fl_trail *fl_follow_find_file(const flowan_follower *follower, const fl_file_id *id)
{
    for (size_t i = 0; i < follower->count; i++)
        if (has_file(follower->trails[i]) &&
            fl_globs_same_file(&follower->trails[i]->id, id))
            return follower->trails[i];
    return NULL;
}

size_t fl_follow_index_of(const flowan_follower *follower, const fl_trail *trail)
{
    size_t i = 0;
    while (i < follower->count && follower->trails[i] != trail)
        i++;
    return i;
}

/* For how long the file was not written to. */
uint64_t fl_follow_age_ns(const fl_trail *trail)
{
    uint64_t now = fl_follow_wall_ns();
    return now > trail->id.modified_ns ? now - trail->id.modified_ns : 0;
}

/* What the file has now, as far as that is known. */
uint64_t fl_follow_size_of(const fl_trail *trail)
{
    fl_file_id id = trail->id;
    if (trail->fd >= 0)
        fl_globs_fstat(trail->fd, &id);
    return id.size;
}

/* Puts it aside as it is now: only a change brings it back. */
void fl_follow_put_aside(flowan_follower *follower, fl_trail *trail)
{
    if (trail->fd >= 0)
        fl_globs_fstat(trail->fd, &trail->id);
    fl_trail_close(trail);
    fl_follow_set_phase(follower, trail, FL_TRAIL_ASIDE);
}

/* --- scanning --- */

bool fl_follow_has_changed(const fl_file_id *was, const fl_file_id *is)
{
    return was->size != is->size || was->modified_ns != is->modified_ns;
}

static bool take_match(flowan_follower *follower, const fl_match *match)
{
    const flowan_follow_options *options = &follower->options;
    fl_trail *trail = fl_follow_find_file(follower, &match->id);
    if (!trail) {
        if (options->skip &&
            options->skip(options->context, match->path, match->id.modified_ns))
            return true;
        trail = fl_trail_new(match->path, match->path, &match->id);
        if (trail && fl_follow_insert(follower, follower->count, trail))
            return true;
        fl_trail_free(trail);
        return false;
    }
    if (trail->phase == FL_TRAIL_SEEN)
        trail->id = match->id;
    bool ripe = trail->doubtful && fl_follow_age_ns(trail) >= FL_FOLLOW_SETTLED_NS;
    if ((trail->phase == FL_TRAIL_ASIDE || trail->phase == FL_TRAIL_DONE) &&
        (ripe || fl_follow_has_changed(&trail->id, &match->id))) {
        trail->id = match->id;
        if (!fl_trail_restart(trail) || !fl_trail_set_live(trail, match->path))
            return false;
        follower->stirred = true;
    }
    /* a name that is still its own is as good as another */
    fl_file_id id;
    if (strcmp(trail->path, match->path) == 0 ||
        (fl_globs_stat(trail->path, &id) && fl_globs_same_file(&id, &match->id)))
        return true;
    if (trail->phase == FL_TRAIL_OPEN)
        fl_follow_tell(follower, FLOWAN_FOLLOW_RENAMED, "%s was renamed to %s",
                       trail->path, match->path);
    return fl_trail_set_path(trail, match->path);
}

/* An open log that matches no more may have been renamed all the same. */
static void look_for_name(flowan_follower *follower, fl_trail *trail)
{
    fl_file_id id;
    if (trail->fd < 0 ||
        (fl_globs_stat(trail->path, &id) && fl_globs_same_file(&id, &trail->id)))
        return;
    fl_buffer old = {0};
    fl_buffer_text(&old, trail->path);
    fl_buffer_byte(&old, 0);
    if (!old.failed && fl_trail_find_path(trail))
        fl_follow_tell(follower, FLOWAN_FOLLOW_RENAMED, "%s was renamed to %s",
                       old.data, trail->path);
    fl_buffer_free(&old);
}

static bool is_older(const fl_trail *a, const fl_trail *b)
{
    fl_match one = {a->path, a->id};
    fl_match other = {b->path, b->id};
    return fl_globs_compare_age(&one, &other) < 0;
}

/* What is not yet begun, in order of age as it is now. */
static void sort_seen(flowan_follower *follower)
{
    for (size_t i = 0; i < follower->count; i++)
        if (follower->trails[i]->phase == FL_TRAIL_SEEN && follower->trails[i]->fd >= 0)
            fl_globs_fstat(follower->trails[i]->fd, &follower->trails[i]->id);
    for (size_t i = 0; i < follower->count; i++) {
        fl_trail **first = &follower->trails[i];
        if ((*first)->phase != FL_TRAIL_SEEN)
            continue;
        for (size_t k = i + 1; k < follower->count; k++) {
            fl_trail *other = follower->trails[k];
            if (other->phase != FL_TRAIL_SEEN || !is_older(other, *first))
                continue;
            follower->trails[k] = *first;
            *first = other;
        }
    }
}

static bool is_matched(const fl_matches *matches, const fl_trail *trail)
{
    for (size_t i = 0; i < matches->count; i++)
        if (fl_globs_same_file(&matches->entries[i].id, &trail->id))
            return true;
    return false;
}

/* Whether nothing about the trail will be asked again. */
static bool is_spent(const fl_matches *matches, const fl_trail *trail)
{
    if (trail->phase == FL_TRAIL_SEEN)
        return (trail->fd < 0 || fl_follow_size_of(trail) == 0) &&
               !is_matched(matches, trail);
    return (trail->phase == FL_TRAIL_DONE || trail->phase == FL_TRAIL_ASIDE) &&
           !is_matched(matches, trail);
}

/* Keeps descriptors of what is about to be read, so that no renaming hides it. */
static void hold_descriptors(flowan_follower *follower)
{
    size_t open = 0;
    for (size_t i = 0; i < follower->count; i++)
        open += follower->trails[i]->fd >= 0;
    for (size_t i = 0; i < follower->count && open < FL_FOLLOW_OPEN_MAX; i++)
        if (follower->trails[i]->phase == FL_TRAIL_SEEN && follower->trails[i]->fd < 0)
            open += fl_trail_open(follower->trails[i], NULL) == FLOWAN_OK;
}

static void watch_directories(flowan_follower *follower)
{
    fl_buffer directory = {0};
    for (size_t i = 0; i < follower->glob_count + follower->count; i++) {
        const char *path = i < follower->glob_count
                               ? follower->globs[i]
                               : follower->trails[i - follower->glob_count]->path;
        if (fl_globs_directory_of(&directory, path))
            fl_watch_add(follower->watch, directory.data);
    }
    fl_buffer_free(&directory);
}

flowan_status fl_follow_scan(flowan_follower *follower, flowan_error *error)
{
    fl_matches matches;
    if (!fl_globs_expand((const char *const *)follower->globs, follower->glob_count,
                         &matches))
        return fl_status_memory(error);
    bool ok = true;
    for (size_t i = 0; ok && i < matches.count; i++)
        ok = take_match(follower, &matches.entries[i]);
    for (size_t i = follower->count; ok && i-- > 0;) {
        fl_trail *trail = follower->trails[i];
        if (is_spent(&matches, trail))
            fl_follow_drop(follower, i);
        else if (trail->phase == FL_TRAIL_OPEN)
            look_for_name(follower, trail);
    }
    fl_matches_free(&matches);
    if (!ok)
        return fl_status_memory(error);
    hold_descriptors(follower);
    sort_seen(follower);
    watch_directories(follower);
    return fl_follow_look_for_absent(follower, error);
}

/* --- over and done --- */

bool fl_follow_is_over(const flowan_follower *follower, size_t index)
{
    const fl_trail *trail = follower->trails[index];
    fl_file_id id;
    for (size_t i = index + 1; i < follower->count; i++) {
        const fl_trail *later = follower->trails[i];
        if (later->fd >= 0 && strcmp(later->live, trail->live) == 0 &&
            fl_globs_fstat(later->fd, &id) && id.size > 0)
            return true;
    }
    return fl_globs_stat(trail->live, &id) && !fl_globs_same_file(&id, &trail->id) &&
           id.size > 0;
}

void fl_follow_remove_done(const flowan_follower *follower, fl_trail *trail)
{
    fl_file_id id;
    fl_file_id live;
    if (!follower->options.remove_done || trail->unfinished || trail->fd < 0 ||
        !fl_trail_find_path(trail) || !fl_globs_fstat(trail->fd, &id))
        return;
    bool is_live = fl_globs_stat(trail->live, &live) && fl_globs_same_file(&live, &id);
    if (!trail->packed && (is_live || id.size != trail->read_to))
        return;
    if (unlink(trail->path) == 0)
        fl_follow_tell(follower, FLOWAN_FOLLOW_REMOVED,
                       "%s was removed: all of it is in the archive", trail->path);
    else
        fl_follow_tell(follower, FLOWAN_FOLLOW_ASIDE, "cannot remove %s: %s",
                       trail->path, strerror(errno));
}
