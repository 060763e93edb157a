#include "care.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "lock.h"
#include "reader.h"
#include "status.h"

#define CARE_LOCK "flowan.care.lock"

/* Files of one name that are kept. */
enum { NAMES_MAX = 10000 };

static bool knows(const flowan_reader *reader, const flowan_log_state *log)
{
    flowan_log_state known;
    for (size_t i = 0; flowan_reader_log(reader, i, &known); i++)
        if (known.head_size == log->head_size && known.head_hash == log->head_hash &&
            known.position.offset >= log->position.offset)
            return true;
    return false;
}

/* Whether one segment was made from the other, among more: its name says so, but may be
 * that of another archive's. */
static bool was_made_from(flowan_reader *made, flowan_reader *from)
{
    flowan_segment_info one = flowan_reader_info(made);
    flowan_segment_info other = flowan_reader_info(from);
    uint64_t last = one.last_serial ? one.last_serial : one.serial;
    flowan_log_state log;
    bool known = true;
    for (size_t i = 0; known && flowan_reader_log(from, i, &log); i++)
        known = knows(made, &log);
    bool in_range = other.serial >= one.serial && other.serial <= last;
    return known && one.finished && made->header_status == FLOWAN_OK &&
           (in_range || from->header_status != FLOWAN_OK);
}

/* What a listing only passes over must not be removed on the word of a name. */
static bool is_spare(const char *path, const char *by)
{
    flowan_reader *made = NULL;
    flowan_reader *from = NULL;
    bool spare = flowan_reader_open(&made, by, NULL) == FLOWAN_OK &&
                 flowan_reader_open(&from, path, NULL) == FLOWAN_OK &&
                 was_made_from(made, from);
    flowan_reader_free(made);
    flowan_reader_free(from);
    return spare;
}

static flowan_status remove_left(const flowan_archive *archive, flowan_error *error)
{
    flowan_status status = FLOWAN_OK;
    const char *path;
    const char *by;
    for (size_t i = 0;
         status == FLOWAN_OK && (path = fl_archive_hidden(archive, i, &by)); i++)
        if (!by || is_spare(path, by)) {
            /* the name of that may not last yet: its maker was interrupted */
            status = by ? fl_care_sync(by, error) : FLOWAN_OK;
            if (status == FLOWAN_OK)
                status = fl_care_remove(path, error);
        }
    return status;
}

flowan_status fl_care_begin(fl_care *care, const char *directory, const char *done,
                            flowan_error *error)
{
    *care = (fl_care){.lock = -1};
    /* what is no archive must not get a lock file */
    flowan_status status = flowan_archive_open(&care->archive, directory, error);
    if (status == FLOWAN_OK)
        status = fl_lock_take(&care->lock, directory, CARE_LOCK, done, error);
    if (status != FLOWAN_OK)
        return status;
    flowan_archive_free(care->archive);
    status = flowan_archive_open(&care->archive, directory, error);
    return status == FLOWAN_OK ? remove_left(care->archive, error) : status;
}

void fl_care_end(fl_care *care)
{
    flowan_archive_free(care->archive);
    if (care->lock >= 0)
        close(care->lock);
}

flowan_status fl_care_temporary(fl_buffer *out, const char *path, flowan_error *error)
{
    fl_buffer_clear(out);
    fl_buffer_format(out, "%s" FL_ARCHIVE_CARE, path);
    fl_buffer_byte(out, 0);
    return out->failed ? fl_status_memory(error) : fl_care_remove(out->data, error);
}

flowan_status fl_care_publish(const char *temporary, const char *path,
                              flowan_error *error)
{
    if (rename(temporary, path) != 0) {
        flowan_status status = fl_status_errno(error, errno, "rename", temporary);
        unlink(temporary);
        return status;
    }
    return fl_care_sync(path, error);
}

static bool same_file(const char *a, const char *b)
{
    struct stat one;
    struct stat other;
    return stat(a, &one) == 0 && stat(b, &other) == 0 && one.st_dev == other.st_dev &&
           one.st_ino == other.st_ino;
}

/* A free name for the file, or one that it has already; 0 or an errno value. */
static int link_free(fl_buffer *out, const char *path)
{
    size_t size = out->size;
    for (int i = 1; i <= NAMES_MAX; i++) {
        fl_buffer_byte(out, 0);
        if (out->failed)
            return ENOMEM;
        if (link(path, out->data) == 0)
            return 0;
        if (errno != EEXIST)
            return errno;
        if (same_file(path, out->data))
            return 0;
        out->size = size;
        fl_buffer_format(out, ".%d", i);
    }
    return EEXIST;
}

flowan_status fl_care_keep(fl_buffer *out, const char *directory, const char *path,
                           flowan_error *error)
{
    fl_buffer_clear(out);
    fl_buffer_format(out, "%s/" FL_CARE_DAMAGED, directory);
    fl_buffer_byte(out, 0);
    if (out->failed)
        return fl_status_memory(error);
    bool made = mkdir(out->data, 0755) == 0;
    if (!made && errno != EEXIST)
        return fl_status_errno(error, errno, "create", out->data);
    flowan_status status = made ? fl_care_sync(out->data, error) : FLOWAN_OK;
    if (status != FLOWAN_OK)
        return status;
    out->size--;
    fl_buffer_text(out, strrchr(path, '/'));
    int number = link_free(out, path);
    if (number == ENOMEM)
        return fl_status_memory(error);
    if (number != 0)
        return fl_status_errno(error, number, "move aside", path);
    return fl_care_sync(out->data, error);
}

flowan_status fl_care_remove(const char *path, flowan_error *error)
{
    return unlink(path) == 0 || errno == ENOENT
               ? FLOWAN_OK
               : fl_status_errno(error, errno, "remove", path);
}

void fl_care_prune(const char *path)
{
    fl_buffer directory = {0};
    fl_buffer_text(&directory, path);
    fl_buffer_byte(&directory, 0);
    /* it is no loss if one comes back after a crash, or cannot be removed */
    for (int depth = 0; depth < 3 && !directory.failed; depth++) {
        char *slash = strrchr(directory.data, '/');
        if (!slash)
            break;
        *slash = 0;
        if (rmdir(directory.data) != 0)
            break;
    }
    fl_buffer_free(&directory);
}

flowan_status fl_care_sync(const char *path, flowan_error *error)
{
    fl_buffer directory = {0};
    const char *slash = strrchr(path, '/');
    fl_buffer_append(&directory, slash ? path : ".",
                     slash ? (size_t)(slash - path) : 1);
    fl_buffer_byte(&directory, 0);
    flowan_status status;
    if (directory.failed) {
        status = fl_status_memory(error);
    } else {
        int number = fl_file_sync_directory(directory.data);
        status = number == 0 ? FLOWAN_OK
                             : fl_status_errno(error, number, "sync", directory.data);
    }
    fl_buffer_free(&directory);
    return status;
}
