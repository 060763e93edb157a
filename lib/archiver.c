/* Writing an archive: the lock, the open segment, recovery, and how far each log was read.
 * When a segment ends is plan's. */
#include "archiver.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "archive.h"
#include "file.h"
#include "listing.h"
#include "lock.h"
#include "seal.h"
#include "status.h"
#include "writer.h"

enum { TAKE_UP_MAX = 100, SMALL_MIN = 4 };
#define ROTATE_MIN_NS UINT64_C(1000000000)

struct flowan_archiver {
    char *directory;
    int lock;
    uint64_t rotate_ns;
    uint64_t segment_rows;
    flowan_level level;
    uint64_t next_serial;
    flowan_writer *writer;  /* the open segment, or NULL */
    bool sealed;            /* has its footer, but not yet its final name */
    fl_buffer open_path;    /* its path, with ".open", NUL behind */
    fl_plan_state written;  /* as of the last row; `open` and `rows` are the writer's */
    flowan_log_state *logs; /* all known; paths owned */
    size_t log_count;
    size_t logs_room;
    size_t current;                /* the log that batches come from, or log_count */
    uint64_t modified_ns;          /* of that log */
    flowan_archiver_counts counts; /* without the open segment's bytes */
    fl_sealer *sealer;             /* NULL: segments stay as they were written */
    fl_pack pack;                  /* of flowan_archiver_write */
};

/* --- logs --- */

static bool set_log(flowan_log_state *to, const flowan_log_state *from)
{
    char *path = fl_memory_alloc(strlen(from->path) + 1, 1);
    if (!path)
        return false;
    memcpy(path, from->path, strlen(from->path) + 1);
    char *old = (char *)to->path;
    *to = *from;
    to->path = path;
    fl_memory_free(old);
    return true;
}

/* One file is one log, unless it was truncated and began anew; so is the same content
 * under another inode, once it was read as far. */
static bool is_same(const flowan_log_state *known, const flowan_log_state *log)
{
    return fl_segment_same_head(known, log) &&
           ((known->inode == log->inode &&
             known->position.offset <= log->position.offset) ||
            known->position.content_hash == log->position.content_hash);
}

/* Index of the entry for this log, which is added when new; -1 when memory is short. */
static int64_t put_log(flowan_archiver *archiver, const flowan_log_state *log)
{
    size_t at = archiver->log_count;
    while (at > 0 && !is_same(&archiver->logs[at - 1], log))
        at--;
    at = at > 0 ? at - 1 : archiver->log_count;
    if (at == archiver->log_count) {
        if (!fl_memory_grow((void **)&archiver->logs, &archiver->logs_room, at + 1,
                            sizeof *archiver->logs))
            return -1;
        archiver->logs[at] = (flowan_log_state){0};
        if (!set_log(&archiver->logs[at], log))
            return -1;
        archiver->log_count++;
        return (int64_t)at;
    }
    return set_log(&archiver->logs[at], log) ? (int64_t)at : -1;
}

static flowan_status learn_logs(flowan_archiver *archiver, const flowan_reader *reader,
                                flowan_error *error)
{
    flowan_log_state log;
    for (size_t i = 0; flowan_reader_log(reader, i, &log); i++)
        if (put_log(archiver, &log) < 0)
            return fl_status_memory(error);
    return FLOWAN_OK;
}

static bool head_matches(const flowan_log_state *log, const void *head, size_t size)
{
    return log->head_size > 0 && log->head_size <= size &&
           log->head_hash == XXH3_64bits(head, log->head_size);
}

bool flowan_archiver_find_log(const flowan_archiver *archiver, const void *head,
                              size_t size, size_t n, flowan_log_state *out)
{
    /* n is small: how many logs share their first bytes */
    const flowan_log_state *last = NULL;
    for (size_t round = 0; round <= n; round++) {
        const flowan_log_state *best = NULL;
        for (size_t i = 0; i < archiver->log_count; i++) {
            const flowan_log_state *log = &archiver->logs[i];
            bool later = !last || log->position.offset < last->position.offset ||
                         (log->position.offset == last->position.offset && log > last);
            if (later && head_matches(log, head, size) &&
                (!best || log->position.offset > best->position.offset))
                best = log;
        }
        if (!best)
            return false;
        last = best;
    }
    *out = *last;
    return true;
}

bool flowan_archiver_log(const flowan_archiver *archiver, size_t index,
                         flowan_log_state *out)
{
    if (index >= archiver->log_count)
        return false;
    *out = archiver->logs[index];
    return true;
}

flowan_status flowan_archiver_begin_log(flowan_archiver *archiver,
                                        const flowan_log_state *log,
                                        uint64_t modified_ns, flowan_error *error)
{
    int64_t at = put_log(archiver, log);
    if (at < 0)
        return fl_status_memory(error);
    archiver->current = (size_t)at;
    archiver->modified_ns = modified_ns;
    archiver->written.last_received = 0;
    return FLOWAN_OK;
}

/* --- opening --- */

/* A new directory lasts once the one that it is in is on disk. */
static flowan_status sync_parent(char *path, flowan_error *error)
{
    char *slash = strrchr(path, '/');
    const char *parent = !slash ? "." : slash == path ? "/" : path;
    if (slash && slash != path)
        *slash = 0;
    int number = fl_file_sync_directory(parent);
    /* what others keep us from reading, they have made */
    flowan_status status = number == 0 || number == EACCES
                               ? FLOWAN_OK
                               : fl_status_errno(error, number, "sync", parent);
    if (slash)
        *slash = '/';
    return status;
}

static flowan_status make_directories(const char *path, size_t from,
                                      flowan_error *error)
{
    char *copy = fl_memory_alloc(strlen(path) + 1, 1);
    if (!copy)
        return fl_status_memory(error);
    memcpy(copy, path, strlen(path) + 1);
    flowan_status status = FLOWAN_OK;
    for (char *at = copy + from; status == FLOWAN_OK && *at; at++) {
        at += strcspn(at, "/");
        char end = *at;
        *at = 0;
        int number = !copy[0] || mkdir(copy, 0755) == 0 ? 0 : errno;
        /* what is there may be so new that it does not last yet; not our directories,
         * where `from` is 0, are not ours to sync */
        if (copy[0] && (number == 0 || (number == EEXIST && from > 0)))
            status = sync_parent(copy, error);
        else if (number != 0 && number != EEXIST)
            status = fl_status_errno(error, number, "create", copy);
        *at = end;
        if (!end)
            break;
    }
    fl_memory_free(copy);
    return status;
}

static bool is_foreign(const char *name)
{
    /* the last is what a new file system has in it */
    return strcmp(name, ".") != 0 && strcmp(name, "..") != 0 &&
           strcmp(name, "lost+found") != 0;
}

/* A directory with other things in it must not be strewn with segments. */
static flowan_status check_directory(const char *directory, bool has_segments,
                                     flowan_error *error)
{
    if (has_segments || fl_archive_is_one(directory))
        return FLOWAN_OK;
    DIR *list = opendir(directory);
    if (!list && errno == ENOENT)
        return make_directories(directory, 0, error);
    if (!list)
        return fl_status_errno(error, errno, "use", directory);
    bool foreign = false;
    struct dirent *item;
    while (!foreign && (item = readdir(list)))
        foreign = is_foreign(item->d_name);
    closedir(list);
    return foreign ? fl_status_fail(error, FLOWAN_ERROR_FORMAT, FL_NO_OFFSET,
                                    "%s is no archive and is not empty: name a new "
                                    "directory",
                                    directory)
                   : FLOWAN_OK;
}

/* Ends the open segment. After a failure it may be called again. */
static flowan_status seal(flowan_archiver *archiver, flowan_error *error)
{
    flowan_status status = FLOWAN_OK;
    if (!archiver->sealed)
        status = flowan_writer_finish(archiver->writer, archiver->logs,
                                      archiver->log_count, error);
    if (status != FLOWAN_OK)
        return status;
    archiver->sealed = true;
    /* A few small blocks are not worth the trouble. */
    bool packs =
        archiver->sealer && fl_writer_small_blocks(archiver->writer) >= SMALL_MIN;
    bool renamed = false;
    if (packs)
        status = fl_sealer_begin(archiver->sealer, archiver->open_path.data, error);
    else
        status = fl_seal_publish(archiver->open_path.data, &renamed, error);
    if (renamed || (packs && status == FLOWAN_OK)) {
        archiver->counts.bytes += fl_writer_size(archiver->writer);
        flowan_writer_free(archiver->writer);
        archiver->writer = NULL;
        archiver->sealed = false;
    }
    return status;
}

/* How many blocks from the first on are sound, where they end, and whether a sound one
 * stands behind damage. */
static flowan_status count_sound(flowan_reader *reader, size_t *sound, uint64_t *end,
                                 bool *more, flowan_error *error)
{
    flowan_batch *batch;
    flowan_status status = flowan_batch_new(&batch, NULL, error);
    if (status != FLOWAN_OK)
        return status;
    size_t count;
    const fl_segment_block *blocks = fl_reader_blocks(reader, &count);
    *end = FL_SEGMENT_HEADER_SIZE;
    *sound = 0;
    *more = false;
    for (size_t i = 0; i < count && !*more; i++) {
        status = flowan_reader_read(reader, i, NULL, 0, batch, error);
        if (status == FLOWAN_ERROR_MEMORY || status == FLOWAN_ERROR_IO)
            break;
        bool follows = *sound == i && blocks[i].offset == *end;
        if (status == FLOWAN_OK && follows) {
            *end += blocks[i].size;
            (*sound)++;
        } else if (status == FLOWAN_OK) {
            *more = true;
        }
        status = FLOWAN_OK;
    }
    flowan_batch_free(batch);
    return status;
}

/* Cuts what stands behind byte `end` and makes the rest a segment. */
static flowan_status finish_left(flowan_archiver *archiver, const char *path,
                                 const fl_segment_block *blocks, size_t count,
                                 uint64_t end, flowan_error *error)
{
    fl_buffer_clear(&archiver->open_path);
    fl_buffer_append(&archiver->open_path, path, strlen(path) + 1);
    if (archiver->open_path.failed)
        return fl_status_memory(error);
    flowan_status status =
        fl_writer_resume(&archiver->writer, path, blocks, count, end, error);
    if (status != FLOWAN_OK)
        return status;
    /* Only now are the states those of blocks that stay. */
    flowan_reader *reader;
    status = flowan_reader_open(&reader, path, error);
    if (status != FLOWAN_OK)
        return status;
    status = learn_logs(archiver, reader, error);
    flowan_reader_free(reader);
    return status == FLOWAN_OK ? seal(archiver, error) : status;
}

/* Removes what has no block yet, so that nothing was ever acknowledged in it. */
static flowan_status remove_stub(const char *path, bool *removed, flowan_error *error)
{
    struct stat info;
    *removed = stat(path, &info) == 0 && info.st_size <= FL_SEGMENT_HEADER_SIZE;
    return *removed && unlink(path) != 0 ? fl_status_errno(error, errno, "remove", path)
                                         : FLOWAN_OK;
}

/* Finishes a segment that an interrupted writer left open. */
static flowan_status recover(flowan_archiver *archiver, const char *path,
                             flowan_error *error)
{
    flowan_reader *reader = NULL;
    bool removed = false;
    flowan_status status = fl_seal_clean(path, error);
    if (status == FLOWAN_OK)
        status = remove_stub(path, &removed, error);
    if (status != FLOWAN_OK || removed)
        return status;
    status = flowan_reader_open(&reader, path, error);
    if (status == FLOWAN_ERROR_FORMAT)
        return FLOWAN_OK; /* for a person to look at */
    if (status != FLOWAN_OK)
        return status;
    size_t count;
    const fl_segment_block *blocks = fl_reader_blocks(reader, &count);
    size_t sound = 0;
    uint64_t end = 0;
    bool more = false;
    status = count_sound(reader, &sound, &end, &more, error);
    if (status != FLOWAN_OK)
        goto out;
    /* A footer may be there, and know of other logs, while the block before it is not. */
    if (more || sound == count)
        status = learn_logs(archiver, reader, error);
    /* A block was on disk before the next was written, so sound blocks behind damage are
     * more than a torn tail: the file stays open, and readable, until it is repaired. */
    if (status == FLOWAN_OK && !more)
        status = fl_listing_summarize(reader, error);
    if (status == FLOWAN_OK && !more)
        status = finish_left(archiver, path, blocks, sound, end, error);
out:
    flowan_reader_free(reader);
    return status;
}

/* The states in a segment's footer, or in its blocks where that is damaged. What is no
 * segment any more tells nothing; one that cannot be opened for another reason holds
 * records that would be taken twice, and one that is gone was merged or has expired. */
static flowan_status learn_segment(flowan_archiver *archiver, const char *path,
                                   flowan_error *error)
{
    flowan_reader *reader;
    flowan_status status = flowan_reader_open(&reader, path, error);
    if (status != FLOWAN_OK)
        return status == FLOWAN_ERROR_FORMAT ? FLOWAN_OK : status;
    status = learn_logs(archiver, reader, error);
    flowan_reader_free(reader);
    return status;
}

/* The last segment with a final name and a sound footer, which knows all logs up to it;
 * the number of segments where there is none. */
static flowan_status newest_footer(const flowan_archive *listing, size_t *newest,
                                   flowan_error *error)
{
    *newest = flowan_archive_segments(listing);
    for (size_t i = *newest; i-- > 0;) {
        flowan_reader *reader;
        if (fl_archive_is_open(listing, i))
            continue;
        flowan_status status =
            flowan_reader_open(&reader, flowan_archive_path(listing, i), error);
        if (status == FLOWAN_ERROR_NOT_FOUND || status == FLOWAN_ERROR_MEMORY)
            return status;
        if (status != FLOWAN_OK)
            continue;
        bool finished = flowan_reader_info(reader).finished;
        flowan_reader_free(reader);
        if (finished) {
            *newest = i;
            break;
        }
    }
    return FLOWAN_OK;
}

/* Whether a finished segment has all that an open one beside it has. */
static bool has_all_of(const char *final, const char *open_path)
{
    flowan_reader *made = NULL;
    flowan_reader *from = NULL;
    bool has = false;
    if (flowan_reader_open(&made, final, NULL) == FLOWAN_OK &&
        flowan_reader_open(&from, open_path, NULL) == FLOWAN_OK) {
        flowan_segment_info whole = flowan_reader_info(made);
        flowan_segment_info part = flowan_reader_info(from);
        has = whole.finished && whole.serial == part.serial &&
              whole.stats.rows >= part.stats.rows;
    }
    flowan_reader_free(made);
    flowan_reader_free(from);
    return has;
}

/* An open segment beside the final one that was made of it is done with. */
static flowan_status remove_hidden(const flowan_archive *listing, flowan_error *error)
{
    const char *path;
    const char *by;
    for (size_t i = 0; (path = fl_archive_hidden(listing, i, &by)) != NULL; i++) {
        size_t size = by ? strlen(by) : 0;
        if (by && strncmp(path, by, size) == 0 &&
            strcmp(path + size, FL_ARCHIVE_OPEN) == 0 && has_all_of(by, path) &&
            unlink(path) != 0 && errno != ENOENT)
            return fl_status_errno(error, errno, "remove", path);
    }
    return FLOWAN_OK;
}

/* Takes up where the last writer stopped. In order of serials: what a later segment says
 * of a log is the newer state. */
static flowan_status take_up(flowan_archiver *archiver, const flowan_archive *listing,
                             flowan_error *error)
{
    size_t count = flowan_archive_segments(listing);
    if (count > 0)
        archiver->next_serial = fl_archive_last_serial(listing, count - 1) + 1;
    archiver->counts.segments = count;
    flowan_status status = remove_hidden(listing, error);
    if (status != FLOWAN_OK)
        return status;
    size_t newest;
    status = newest_footer(listing, &newest, error);
    for (size_t i = 0; status == FLOWAN_OK && i < count; i++) {
        const char *path = flowan_archive_path(listing, i);
        if (fl_archive_is_open(listing, i))
            status = recover(archiver, path, error);
        else if (newest == count || i >= newest)
            status = learn_segment(archiver, path, error);
    }
    archiver->counts.bytes = 0; /* what recovery sealed was counted by its writer */
    return status;
}

flowan_status flowan_archiver_open(flowan_archiver **out, const char *directory,
                                   const flowan_archiver_options *options,
                                   flowan_error *error)
{
    *out = NULL;
    if (directory[0] == 0)
        return fl_status_fail(error, FLOWAN_ERROR_ARGUMENT, FL_NO_OFFSET,
                              "the name of an archive's directory is empty");
    if (!fl_status_options_fit(options, sizeof *options) ||
        (options && options->rotate_ns && options->rotate_ns < ROTATE_MIN_NS))
        return fl_status_fail(error, FLOWAN_ERROR_ARGUMENT, FL_NO_OFFSET,
                              "archiver options: unknown members, or an interval below "
                              "a second");
    flowan_archiver *archiver = fl_memory_zalloc(1, sizeof *archiver);
    if (!archiver)
        return fl_status_memory(error);
    archiver->lock = -1;
    archiver->rotate_ns =
        options && options->rotate_ns ? options->rotate_ns : FL_CLOCK_DAY_NS;
    archiver->segment_rows = options && options->segment_rows ? options->segment_rows
                                                              : FL_ARCHIVE_SEGMENT_ROWS;
    archiver->level = options ? options->level : FLOWAN_LEVEL_DEFAULT;
    archiver->pack.index = options && options->nat_index;
    archiver->next_serial = 1;
    archiver->current = SIZE_MAX;
    archiver->directory = fl_memory_alloc(strlen(directory) + 1, 1);
    flowan_archive *listing = NULL;
    flowan_status status = FLOWAN_ERROR_MEMORY;
    if (!archiver->directory) {
        fl_status_memory(error);
        goto out;
    }
    memcpy(archiver->directory, directory, strlen(directory) + 1);
    status = fl_archive_list(&listing, directory, error);
    if (status == FLOWAN_OK)
        status =
            check_directory(directory, flowan_archive_segments(listing) > 0, error);
    /* one that a killed process made may not last yet */
    if (status == FLOWAN_OK && flowan_archive_segments(listing) == 0)
        status = sync_parent(archiver->directory, error);
    if (status == FLOWAN_OK)
        status =
            fl_lock_take(&archiver->lock, directory, FL_ARCHIVE_LOCK, "written", error);
    /* a directory with something else in it and without the lock is no archive */
    int number = status == FLOWAN_OK ? fl_file_sync_directory(directory) : 0;
    if (number != 0)
        status = fl_status_errno(error, number, "sync", directory);
    /* Only what is seen under the lock counts; segments that are merged meanwhile are
     * looked for again. */
    for (int i = 0; status == FLOWAN_OK; i++) {
        flowan_archive_free(listing);
        status = fl_archive_list(&listing, directory, error);
        if (status == FLOWAN_OK)
            status = take_up(archiver, listing, error);
        if (status != FLOWAN_ERROR_NOT_FOUND || i == TAKE_UP_MAX)
            break;
        status = FLOWAN_OK;
    }
    if (status == FLOWAN_OK && options && options->pack) {
        archiver->sealer = fl_sealer_new(archiver->level);
        if (!archiver->sealer)
            status = fl_status_memory(error);
    }
out:
    flowan_archive_free(listing);
    if (status == FLOWAN_OK)
        *out = archiver;
    else
        flowan_archiver_free(archiver);
    return status;
}

void flowan_archiver_free(flowan_archiver *archiver)
{
    if (!archiver)
        return;
    fl_sealer_free(archiver->sealer);
    flowan_writer_free(archiver->writer);
    for (size_t i = 0; i < archiver->log_count; i++)
        fl_memory_free((char *)archiver->logs[i].path);
    fl_memory_free(archiver->logs);
    fl_buffer_free(&archiver->open_path);
    fl_memory_free(archiver->directory);
    fl_pack_free(&archiver->pack);
    if (archiver->lock >= 0)
        close(archiver->lock);
    fl_memory_free(archiver);
}

/* --- writing --- */

static flowan_status open_segment(flowan_archiver *archiver, uint64_t interval,
                                  flowan_error *error)
{
    uint64_t start_ns = interval * archiver->rotate_ns;
    fl_buffer *path = &archiver->open_path;
    fl_buffer_clear(path);
    fl_archive_put_directory(path, archiver->directory, start_ns);
    fl_buffer_byte(path, 0);
    if (path->failed)
        return fl_status_memory(error);
    flowan_status status =
        make_directories(path->data, strlen(archiver->directory) + 1, error);
    if (status != FLOWAN_OK)
        return status;
    path->size--;
    fl_buffer_byte(path, '/');
    fl_archive_put_name(path, start_ns, archiver->next_serial);
    fl_buffer_text(path, FL_ARCHIVE_OPEN);
    fl_buffer_byte(path, 0);
    if (path->failed)
        return fl_status_memory(error);
    flowan_writer_options options = {.size = sizeof options,
                                     .serial = archiver->next_serial,
                                     .interval_start_ns = start_ns,
                                     .interval_ns = archiver->rotate_ns,
                                     .level = archiver->level};
    status = flowan_writer_open(&archiver->writer, path->data, &options, error);
    /* a name that an earlier failure could not remove is not tried again */
    if (status == FLOWAN_OK || status == FLOWAN_ERROR_EXISTS)
        archiver->next_serial++;
    if (status != FLOWAN_OK)
        return status;
    archiver->written.interval = interval;
    archiver->counts.segments++;
    return sync_parent(path->data, error);
}

/* Each block is on disk before the next is written: recovery knows by that what a power
 * cut has torn, and no more than the last block is read from the log again. */
static flowan_status sync_blocks(flowan_archiver *archiver, flowan_error *error)
{
    int number = fl_writer_sync(archiver->writer);
    return number == 0
               ? FLOWAN_OK
               : fl_status_errno(error, number, "sync", archiver->open_path.data);
}

/* An expiry may remove an empty directory between its making and its use. */
static flowan_status begin_segment(flowan_archiver *archiver, uint64_t interval,
                                   flowan_error *error)
{
    flowan_status status = FLOWAN_ERROR_NOT_FOUND;
    for (int i = 0; status == FLOWAN_ERROR_NOT_FOUND && i < TAKE_UP_MAX; i++)
        status = open_segment(archiver, interval, error);
    return status;
}

/* Writes the rows of a step; all of the batch is then known up to its end. */
static flowan_status write_rows(flowan_archiver *archiver, const fl_plan_step *step,
                                const flowan_batch *batch, const fl_pack *packed,
                                flowan_position position, flowan_error *error)
{
    flowan_log_state log = archiver->logs[archiver->current];
    if (step->end == batch->rows) {
        log.position = position;
        log.rows_after = 0;
    } else {
        /* the block before this batch stands at its beginning, and a resumed batch
         * began `rows_after` rows later */
        log.rows_after = (uint32_t)step->end;
    }
    flowan_status status = sync_blocks(archiver, error);
    if (status == FLOWAN_OK)
        status = fl_writer_append(archiver->writer, packed, &log, 1, error);
    if (status == FLOWAN_OK)
        archiver->logs[archiver->current] = log;
    return status;
}

/* Only rejects, or only rows that are in already: still that far. Known rows that the
 * batch did not reach are yet to come. */
static void pass_rows(flowan_log_state *log, size_t rows, flowan_position position)
{
    log->position = position;
    log->rows_after = log->rows_after > rows ? log->rows_after - (uint32_t)rows : 0;
}

fl_plan_rules fl_archiver_rules(const flowan_archiver *archiver)
{
    return (fl_plan_rules){archiver->rotate_ns, archiver->segment_rows,
                           archiver->modified_ns};
}

fl_plan_state fl_archiver_state(const flowan_archiver *archiver)
{
    fl_plan_state state = archiver->written;
    /* a segment that has its footer only waits for its name */
    state.open = archiver->writer && !archiver->sealed;
    state.rows = state.open ? flowan_writer_stats(archiver->writer).rows : 0;
    return state;
}

flowan_level fl_archiver_level(const flowan_archiver *archiver)
{
    return archiver->level;
}

bool fl_archiver_has_index(const flowan_archiver *archiver)
{
    return archiver->pack.index;
}

flowan_status fl_archiver_take_step(flowan_archiver *archiver, const fl_plan_step *step,
                                    const flowan_batch *batch, const fl_pack *packed,
                                    flowan_position position, flowan_error *error)
{
    flowan_status status = FLOWAN_OK;
    if (archiver->sealed || (step->begins && archiver->writer))
        status = seal(archiver, error);
    if (status == FLOWAN_OK && step->begins)
        status = begin_segment(archiver, step->after.interval, error);
    if (status == FLOWAN_OK && step->first < step->end)
        status = write_rows(archiver, step, batch, packed, position, error);
    else if (status == FLOWAN_OK)
        pass_rows(&archiver->logs[archiver->current], batch->rows, position);
    if (status == FLOWAN_OK)
        archiver->written = step->after;
    return status;
}

flowan_status flowan_archiver_write(flowan_archiver *archiver,
                                    const flowan_batch *batch, size_t first,
                                    flowan_position position, flowan_error *error)
{
    if (archiver->current >= archiver->log_count)
        return fl_status_fail(error, FLOWAN_ERROR_ARGUMENT, FL_NO_OFFSET,
                              "no log was begun before rows were written");
    fl_plan_rules rules = fl_archiver_rules(archiver);
    fl_plan_state state = fl_archiver_state(archiver);
    fl_plan plan;
    fl_plan_step step;
    flowan_status status = FLOWAN_OK;
    fl_plan_begin(&plan, batch, first, &rules, &state);
    while (status == FLOWAN_OK && fl_plan_next(&plan, &step)) {
        if (step.first < step.end)
            fl_pack_rows(&archiver->pack, batch, &plan.clock, step.first,
                         step.end - step.first, archiver->level);
        status = fl_archiver_take_step(archiver, &step, batch, &archiver->pack,
                                       position, error);
    }
    return status;
}

flowan_status flowan_archiver_sync(flowan_archiver *archiver, flowan_error *error)
{
    if (!archiver->writer || archiver->sealed)
        return FLOWAN_OK;
    return sync_blocks(archiver, error);
}

flowan_archiver_counts flowan_archiver_count(const flowan_archiver *archiver)
{
    flowan_archiver_counts counts = archiver->counts;
    if (archiver->writer)
        counts.bytes += fl_writer_size(archiver->writer);
    return counts;
}

flowan_status flowan_archiver_finish(flowan_archiver *archiver, flowan_error *error)
{
    flowan_status status = archiver->writer ? seal(archiver, error) : FLOWAN_OK;
    if (status == FLOWAN_OK && archiver->sealer)
        status = fl_sealer_wait(archiver->sealer, error);
    return status;
}
