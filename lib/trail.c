#include "trail.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "segment.h"
#include "status.h"

/* So few bytes do not tell whether a file is compressed. */
enum { MAGIC_SIZE = 4 };

/* --- making, opening --- */

static bool set_text(char **to, const char *text)
{
    char *copy = fl_memory_alloc(strlen(text) + 1, 1);
    if (!copy)
        return false;
    memcpy(copy, text, strlen(text) + 1);
    fl_memory_free(*to);
    *to = copy;
    return true;
}

bool fl_trail_set_path(fl_trail *trail, const char *path)
{
    return strcmp(trail->path, path) == 0 || set_text(&trail->path, path);
}

bool fl_trail_set_live(fl_trail *trail, const char *path)
{
    return strcmp(trail->live, path) == 0 || set_text(&trail->live, path);
}

fl_trail *fl_trail_new(const char *path, const char *live, const fl_file_id *id)
{
    fl_trail *trail = fl_memory_zalloc(1, sizeof *trail);
    if (!trail)
        return NULL;
    trail->phase = FL_TRAIL_SEEN;
    trail->fd = -1;
    trail->id = *id;
    if (set_text(&trail->path, path) && set_text(&trail->live, live) &&
        fl_parser_mark_init(&trail->mark))
        return trail;
    fl_trail_free(trail);
    return NULL;
}

void fl_trail_free(fl_trail *trail)
{
    if (!trail)
        return;
    fl_trail_close(trail);
    fl_parser_mark_free(&trail->mark);
    fl_memory_free((char *)trail->log.path);
    fl_memory_free(trail->path);
    fl_memory_free(trail->live);
    fl_memory_free(trail);
}

flowan_status fl_trail_open(fl_trail *trail, flowan_error *error)
{
    if (trail->fd >= 0)
        return FLOWAN_OK;
    /* not to wait for a writer where a pipe has come to stand */
    trail->fd = open(trail->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (trail->fd < 0)
        return fl_status_errno(error, errno, "open", trail->path);
    fl_file_id id;
    if (fl_globs_fstat(trail->fd, &id) && fl_globs_same_file(&id, &trail->id))
        return FLOWAN_OK;
    fl_trail_close(trail);
    return fl_status_fail(error, FLOWAN_ERROR_NOT_FOUND, FL_NO_OFFSET,
                          "%s is another file now", trail->path);
}

void fl_trail_close(fl_trail *trail)
{
    flowan_source_free(trail->source);
    trail->source = NULL;
    if (trail->fd >= 0)
        close(trail->fd);
    trail->fd = -1;
}

bool fl_trail_restart(fl_trail *trail)
{
    fl_parser_mark mark;
    if (!fl_parser_mark_init(&mark))
        return false;
    fl_parser_mark_free(&trail->mark);
    trail->mark = mark;
    flowan_source_free(trail->source);
    trail->source = NULL;
    fl_memory_free((char *)trail->log.path);
    trail->log = (flowan_log_state){0};
    trail->phase = FL_TRAIL_SEEN;
    trail->partial = trail->settled = trail->unfinished = trail->packed =
        trail->doubtful = false;
    trail->rows_known = 0;
    trail->read_to = 0;
    trail->noted_size = 0;
    trail->head_size = trail->tail_size = 0;
    return true;
}

bool fl_trail_find_path(fl_trail *trail)
{
    char link[64];
    char name[4096];
    fl_buffer text = {0};
    fl_buffer_format(&text, "/proc/self/fd/%d", trail->fd);
    fl_buffer_byte(&text, 0);
    bool ok = trail->fd >= 0 && !text.failed && text.size <= sizeof link;
    if (ok)
        memcpy(link, text.data, text.size);
    fl_buffer_free(&text);
    ssize_t size = ok ? readlink(link, name, sizeof name - 1) : -1;
    if (size <= 0)
        return false;
    name[size] = 0;
    fl_file_id id;
    /* of one that was removed, the system makes a name that is none */
    return fl_globs_stat(name, &id) && fl_globs_same_file(&id, &trail->id) &&
           set_text(&trail->path, name);
}

bool fl_trail_is_packed(fl_trail *trail)
{
    flowan_source *source;
    const void *data;
    size_t size;
    if (lseek(trail->fd, 0, SEEK_SET) != 0 ||
        flowan_source_open_fd(&source, trail->fd, trail->path, NULL) != FLOWAN_OK)
        return false;
    bool bad = flowan_source_peek(source, 1, &data, &size, NULL) != FLOWAN_OK;
    bool packed = bad || fl_source_is_packed(source);
    flowan_source_free(source);
    trail->packed = packed;
    return packed;
}

/* --- whose contents --- */

/* States of logs whose first bytes are those of the trail, the one read least first. */
typedef struct candidates {
    flowan_log_state *states;
    size_t count;
    size_t room;
} candidates;

static bool matches_head(const fl_trail *trail, const flowan_log_state *log)
{
    return log->head_size > 0 && log->head_size <= trail->head_size &&
           log->head_hash == XXH3_64bits(trail->head, log->head_size);
}

static bool gather(candidates *all, const fl_trail *trail,
                   const flowan_archiver *archiver, const flowan_log_state *only)
{
    flowan_log_state log;
    bool found = only ? matches_head(trail, only) : true;
    for (size_t n = 0; found; n++) {
        if (only)
            log = *only;
        else if (!flowan_archiver_find_log(archiver, trail->head, trail->head_size, n,
                                           &log))
            break;
        if (!fl_memory_grow((void **)&all->states, &all->room, n + 1,
                            sizeof *all->states))
            return false;
        all->states[all->count++] = log;
        found = !only;
    }
    for (size_t i = 0; i < all->count / 2; i++) {
        flowan_log_state other = all->states[i];
        all->states[i] = all->states[all->count - 1 - i];
        all->states[all->count - 1 - i] = other;
    }
    return true;
}

/* Reads up to the farthest candidate's position. *best is the farthest whose contents are
 * the same, and the trail's mark stands there. FLOWAN_END: the input ends before. */
static flowan_status pass_known(fl_trail *trail, flowan_source *source,
                                const candidates *all, fl_parser_mark *at,
                                const flowan_log_state **best, flowan_error *error)
{
    size_t next = 0;
    const char *data = NULL;
    size_t size = 0;
    for (;;) {
        while (next < all->count && all->states[next].position.offset == at->offset) {
            const flowan_log_state *log = &all->states[next++];
            if (fl_parser_mark_hash(at) != log->position.content_hash)
                continue;
            *best = log;
            fl_parser_mark_copy(&trail->mark, at);
        }
        if (next == all->count)
            return FLOWAN_OK;
        if (size == 0) {
            const void *run;
            flowan_status status = flowan_source_read(source, &run, &size, error);
            if (status != FLOWAN_OK)
                return status;
            data = run;
        }
        uint64_t left = all->states[next].position.offset - at->offset;
        size_t part = size < left ? size : (size_t)left;
        fl_parser_mark_skip(at, data, part);
        data += part;
        size -= part;
    }
}

static bool stand_behind(fl_trail *trail, const flowan_log_state *known)
{
    const char *path = known ? known->path : trail->live;
    char *copy = NULL;
    if (!set_text(&copy, path))
        return false;
    fl_memory_free((char *)trail->log.path);
    if (known)
        trail->log = *known;
    else
        trail->log =
            (flowan_log_state){.position = fl_parser_mark_position(&trail->mark)};
    trail->log.path = copy;
    trail->log.device = trail->id.device;
    trail->log.inode = trail->id.inode;
    trail->settled = known != NULL;
    trail->rows_known = trail->log.rows_after;
    trail->read_to = trail->mark.offset;
    trail->tail_size = 0;
    return true;
}

static flowan_status look_at_head(fl_trail *trail, flowan_source *source,
                                  fl_trail_kind *kind, flowan_error *error)
{
    const void *data;
    size_t size;
    flowan_status status =
        flowan_source_peek(source, FL_TRAIL_HEAD_SIZE, &data, &size, error);
    if (status != FLOWAN_OK) {
        *kind = FL_TRAIL_UNREADABLE;
        return status == FLOWAN_ERROR_MEMORY ? status : FLOWAN_END;
    }
    trail->packed = fl_source_is_packed(source);
    if (size > 0)
        memcpy(trail->head, data, size);
    trail->head_size = (uint32_t)size;
    if (!trail->packed && size < MAGIC_SIZE) {
        *kind = FL_TRAIL_EMPTY;
        return FLOWAN_END;
    }
    if (fl_segment_is(trail->head, size)) {
        *kind = FL_TRAIL_UNREADABLE;
        fl_status_describe(error, FLOWAN_ERROR_FORMAT, FL_NO_OFFSET,
                           "%s is a segment of an archive, not a log", trail->path);
        return FLOWAN_END;
    }
    return FLOWAN_OK;
}

flowan_status fl_trail_identify(fl_trail *trail, const flowan_archiver *archiver,
                                const flowan_log_state *only, fl_trail_kind *kind,
                                flowan_log_state *known, flowan_error *error)
{
    flowan_source *source = NULL;
    candidates all = {0};
    fl_parser_mark at;
    const flowan_log_state *best = NULL;
    if (!fl_parser_mark_init(&at))
        return fl_status_memory(error);
    fl_parser_mark_copy(&trail->mark, &at);
    flowan_status status = FLOWAN_OK;
    if (lseek(trail->fd, 0, SEEK_SET) != 0)
        status = fl_status_errno(error, errno, "read", trail->path);
    if (status == FLOWAN_OK)
        status = flowan_source_open_fd(&source, trail->fd, trail->path, error);
    if (status == FLOWAN_OK)
        status = look_at_head(trail, source, kind, error);
    if (status != FLOWAN_OK)
        goto out;
    if (!gather(&all, trail, archiver, only)) {
        status = fl_status_memory(error);
        goto out;
    }
    status = pass_known(trail, source, &all, &at, &best, error);
    if (status == FLOWAN_END)
        *kind = FL_TRAIL_SHORTER;
    else if (status == FLOWAN_OK)
        *kind = best ? FL_TRAIL_KNOWN : FL_TRAIL_NEW;
    if (status == FLOWAN_OK && best && known)
        *known = *best;
    if (status == FLOWAN_OK && !stand_behind(trail, best))
        status = fl_status_memory(error);
out:
    flowan_source_free(source);
    fl_parser_mark_free(&at);
    fl_memory_free(all.states);
    if (status == FLOWAN_END)
        return FLOWAN_OK;
    if (status == FLOWAN_OK || status == FLOWAN_ERROR_MEMORY)
        return status;
    *kind = FL_TRAIL_UNREADABLE;
    return FLOWAN_OK;
}

bool fl_trail_length(const fl_trail *trail, uint64_t *length)
{
    fl_file_id id;
    if (!trail->packed) {
        bool told = fl_globs_fstat(trail->fd, &id);
        *length = told ? id.size : 0;
        return told;
    }
    flowan_source *source;
    const void *data;
    size_t size;
    flowan_status status;
    if (lseek(trail->fd, 0, SEEK_SET) != 0 ||
        flowan_source_open_fd(&source, trail->fd, trail->path, NULL) != FLOWAN_OK)
        return false;
    *length = 0;
    while ((status = flowan_source_read(source, &data, &size, NULL)) == FLOWAN_OK)
        *length += size;
    flowan_source_free(source);
    return status == FLOWAN_END;
}

/* --- reading --- */

static ssize_t read_at(int fd, char *data, size_t size, uint64_t offset)
{
    ssize_t got;
    do
        got = pread(fd, data, size, (off_t)offset);
    while (got < 0 && errno == EINTR);
    return got;
}

/* Whether the file still begins as it did. */
static bool has_head(const fl_trail *trail)
{
    char head[FL_TRAIL_HEAD_SIZE];
    ssize_t got = read_at(trail->fd, head, trail->head_size, 0);
    return got == (ssize_t)trail->head_size &&
           memcmp(head, trail->head, (size_t)got) == 0;
}

bool fl_trail_is_intact(fl_trail *trail)
{
    fl_file_id id;
    if (trail->packed) /* written once, and read as one stream, which tells damage */
        return true;
    return fl_globs_fstat(trail->fd, &id) && id.size >= trail->read_to &&
           has_head(trail);
}

/* Takes note of bytes that are handed out. */
static void remember(fl_trail *trail, const char *data, size_t size)
{
    if (trail->head_size < FL_TRAIL_HEAD_SIZE && trail->read_to <= trail->head_size &&
        trail->read_to + size > trail->head_size) {
        size_t from = (size_t)(trail->head_size - trail->read_to);
        size_t part = size - from;
        if (part > FL_TRAIL_HEAD_SIZE - trail->head_size)
            part = FL_TRAIL_HEAD_SIZE - trail->head_size;
        memcpy(trail->head + trail->head_size, data + from, part);
        trail->head_size += (uint32_t)part;
    }
    trail->tail_size =
        (uint32_t)(size < FL_TRAIL_TAIL_SIZE ? size : FL_TRAIL_TAIL_SIZE);
    memcpy(trail->tail, data + size - trail->tail_size, trail->tail_size);
    trail->read_to += size;
}

/* What is read counts only when the file is, after the reading, still the one that the
 * bytes before are from: it may have been truncated, and have grown as long again, at any
 * time. */
static fl_trail_look read_plain(fl_trail *trail, char *buffer, const char **data,
                                size_t *size, flowan_error *error)
{
    fl_file_id id;
    if (!fl_globs_fstat(trail->fd, &id))
        return FL_TRAIL_LOOK_CHANGED;
    if (id.size == trail->read_to && id.size == trail->id.size &&
        id.modified_ns == trail->id.modified_ns)
        return FL_TRAIL_LOOK_END;
    if (id.size < trail->read_to)
        return FL_TRAIL_LOOK_CHANGED;
    ssize_t got =
        read_at(trail->fd, buffer, trail->tail_size + (size_t)FL_TRAIL_RUN_SIZE,
                trail->read_to - trail->tail_size);
    if (got < 0) {
        fl_status_errno(error, errno, "read", trail->path);
        return FL_TRAIL_LOOK_BROKEN;
    }
    if (got < (ssize_t)trail->tail_size ||
        memcmp(buffer, trail->tail, trail->tail_size) != 0 ||
        !fl_trail_is_intact(trail))
        return FL_TRAIL_LOOK_CHANGED;
    *data = buffer + trail->tail_size;
    *size = (size_t)got - trail->tail_size;
    if (*size == 0) {
        trail->id = id;
        return FL_TRAIL_LOOK_END;
    }
    remember(trail, *data, *size);
    return FL_TRAIL_LOOK_RUN;
}

/* The stream of a packed file, behind what was read of it before. */
static flowan_status open_stream(fl_trail *trail, const char **data, size_t *size,
                                 flowan_error *error)
{
    if (lseek(trail->fd, 0, SEEK_SET) != 0)
        return fl_status_errno(error, errno, "read", trail->path);
    flowan_status status =
        flowan_source_open_fd(&trail->source, trail->fd, trail->path, error);
    uint64_t left = trail->read_to;
    while (status == FLOWAN_OK && left > 0 && *size == 0) {
        const void *run;
        size_t run_size;
        status = flowan_source_read(trail->source, &run, &run_size, error);
        if (status != FLOWAN_OK)
            break;
        size_t part = run_size < left ? run_size : (size_t)left;
        left -= part;
        *data = (const char *)run + part;
        *size = run_size - part;
    }
    return status;
}

static fl_trail_look read_packed(fl_trail *trail, const char **data, size_t *size,
                                 flowan_error *error)
{
    flowan_status status = FLOWAN_OK;
    *size = 0;
    if (!trail->source)
        status = open_stream(trail, data, size, error);
    if (status == FLOWAN_OK && *size == 0) {
        const void *run;
        status = flowan_source_read(trail->source, &run, size, error);
        *data = run;
    }
    if (status == FLOWAN_END)
        return FL_TRAIL_LOOK_END;
    if (status != FLOWAN_OK)
        return FL_TRAIL_LOOK_BROKEN;
    trail->read_to += *size;
    return FL_TRAIL_LOOK_RUN;
}

fl_trail_look fl_trail_read(fl_trail *trail, char *buffer, const char **data,
                            size_t *size, flowan_error *error)
{
    return trail->packed ? read_packed(trail, data, size, error)
                         : read_plain(trail, buffer, data, size, error);
}

void fl_trail_settle(fl_trail *trail)
{
    if (trail->settled)
        return;
    trail->log.head_size = trail->head_size;
    trail->log.head_hash = XXH3_64bits(trail->head, trail->head_size);
    trail->settled = true;
}
