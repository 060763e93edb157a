/* The listing of an archive: which segments there are, in which order. */
#include "archive.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "status.h"
#include "text.h"

enum { DIRECTORY_DEPTH = 3 };

typedef struct entry {
    uint64_t serial;
    bool open;
    char *path;
} entry;

struct flowan_archive {
    entry *entries;
    size_t count;
    size_t room;
};

/* --- names --- */

void fl_archive_put_directory(fl_buffer *out, const char *directory, uint64_t start_ns)
{
    char time[FL_TEXT_TIME_SIZE];
    fl_text_put_time(time, start_ns);
    /* 2025-03-15T… */
    fl_buffer_format(out, "%s/%.4s/%.2s/%.2s", directory, time, time + 5, time + 8);
}

void fl_archive_put_name(fl_buffer *out, uint64_t start_ns, uint64_t serial)
{
    char time[FL_TEXT_TIME_SIZE];
    fl_text_put_time(time, start_ns);
    fl_buffer_format(out, "flowan.%.4s%.2s%.2sT%.2s%.2s%.2sZ.%08llu.seg", time,
                     time + 5, time + 8, time + 11, time + 14, time + 17,
                     (unsigned long long)serial);
}

static bool has_suffix(const char *name, const char *suffix)
{
    size_t size = strlen(name);
    size_t tail = strlen(suffix);
    return size > tail && strcmp(name + size - tail, suffix) == 0;
}

/* flowan.TIME.SERIAL.seg[.open] */
static bool read_name(const char *name, uint64_t *serial, bool *open)
{
    *open = has_suffix(name, ".seg" FL_ARCHIVE_OPEN);
    if (strncmp(name, "flowan.", 7) != 0 || (!*open && !has_suffix(name, ".seg")))
        return false;
    const char *digits = strchr(name + 7, '.');
    if (!digits)
        return false;
    digits++;
    size_t size = strcspn(digits, ".");
    *serial = 0;
    for (size_t i = 0; i < size; i++) {
        if (digits[i] < '0' || digits[i] > '9' || *serial > UINT64_MAX / 10 - 1)
            return false;
        *serial = *serial * 10 + (uint64_t)(digits[i] - '0');
    }
    return size > 0;
}

static bool is_number(const char *name)
{
    return name[0] != 0 && strspn(name, "0123456789") == strlen(name);
}

/* --- listing --- */

static bool add(flowan_archive *archive, const char *path, uint64_t serial, bool open)
{
    char *copy = fl_memory_alloc(strlen(path) + 1, 1);
    if (!copy || !fl_memory_grow((void **)&archive->entries, &archive->room,
                                 archive->count + 1, sizeof *archive->entries)) {
        fl_memory_free(copy);
        return false;
    }
    memcpy(copy, path, strlen(path) + 1);
    archive->entries[archive->count++] = (entry){serial, open, copy};
    return true;
}

/* `path` is the directory to look into; on return it is as it was. */
static flowan_status list(flowan_archive *archive, fl_buffer *path, int depth,
                          flowan_error *error)
{
    DIR *directory = opendir(path->data);
    /* a number that names no directory, or a day that expired just now */
    if (!directory && depth < DIRECTORY_DEPTH && (errno == ENOTDIR || errno == ENOENT))
        return FLOWAN_OK;
    if (!directory)
        return fl_status_errno(error, errno, "list", path->data);
    flowan_status status = FLOWAN_OK;
    size_t size = path->size;
    struct dirent *item;
    while (status == FLOWAN_OK && (errno = 0, item = readdir(directory))) {
        uint64_t serial;
        bool open;
        bool below = depth > 0 && is_number(item->d_name);
        bool segment = depth == 0 && read_name(item->d_name, &serial, &open);
        if (!below && !segment)
            continue;
        fl_buffer_format(path, "/%s", item->d_name);
        fl_buffer_byte(path, 0);
        path->size--;
        if (path->failed)
            status = fl_status_memory(error);
        else if (below)
            status = list(archive, path, depth - 1, error);
        else if (!add(archive, path->data, serial, open))
            status = fl_status_memory(error);
        path->size = size;
        path->data[size] = 0;
    }
    if (status == FLOWAN_OK && errno != 0)
        status = fl_status_errno(error, errno, "list", path->data);
    closedir(directory);
    return status;
}

static int by_serial(const void *left, const void *right)
{
    const entry *a = left;
    const entry *b = right;
    if (a->serial != b->serial)
        return a->serial < b->serial ? -1 : 1;
    return strcmp(a->path, b->path);
}

/* A segment that was renamed while its directory was read may have been seen under both
 * names: the final one, which sorts first, is the one that lasts. */
static void drop_renamed(flowan_archive *archive)
{
    size_t kept = 0;
    for (size_t i = 0; i < archive->count; i++) {
        entry *this = &archive->entries[i];
        const entry *last = kept > 0 ? &archive->entries[kept - 1] : NULL;
        if (last && this->open && !last->open &&
            strncmp(this->path, last->path, strlen(last->path)) == 0 &&
            strcmp(this->path + strlen(last->path), FL_ARCHIVE_OPEN) == 0)
            fl_memory_free(this->path);
        else
            archive->entries[kept++] = *this;
    }
    archive->count = kept;
}

bool fl_archive_is_one(const char *directory)
{
    fl_buffer path = {0};
    struct stat info;
    fl_buffer_format(&path, "%s/" FL_ARCHIVE_LOCK, directory);
    fl_buffer_byte(&path, 0);
    bool found = !path.failed && stat(path.data, &info) == 0;
    fl_buffer_free(&path);
    return found;
}

flowan_status fl_archive_list(flowan_archive **out, const char *directory,
                              flowan_error *error)
{
    *out = NULL;
    flowan_archive *archive = fl_memory_zalloc(1, sizeof *archive);
    fl_buffer path = {0};
    fl_buffer_text(&path, directory);
    fl_buffer_byte(&path, 0);
    path.size--;
    flowan_status status = FLOWAN_OK;
    struct stat info;
    if (!archive || path.failed)
        status = fl_status_memory(error);
    else if (stat(directory, &info) != 0)
        status = errno == ENOENT ? FLOWAN_OK
                                 : fl_status_errno(error, errno, "open", directory);
    else if (!S_ISDIR(info.st_mode))
        status = fl_status_fail(error, FLOWAN_ERROR_FORMAT, FL_NO_OFFSET,
                                "%s is no archive: it is no directory", directory);
    else
        status = list(archive, &path, DIRECTORY_DEPTH, error);
    fl_buffer_free(&path);
    if (status != FLOWAN_OK) {
        flowan_archive_free(archive);
        return status;
    }
    if (archive->count)
        qsort(archive->entries, archive->count, sizeof *archive->entries, by_serial);
    drop_renamed(archive);
    *out = archive;
    return FLOWAN_OK;
}

flowan_status flowan_archive_open(flowan_archive **out, const char *directory,
                                  flowan_error *error)
{
    *out = NULL;
    struct stat info;
    if (stat(directory, &info) != 0)
        return fl_status_errno(error, errno, "open", directory);
    flowan_status status = fl_archive_list(out, directory, error);
    if (status == FLOWAN_OK && (*out)->count == 0 && !fl_archive_is_one(directory)) {
        flowan_archive_free(*out);
        *out = NULL;
        status = fl_status_fail(
            error, FLOWAN_ERROR_FORMAT, FL_NO_OFFSET,
            "%s is no archive: no segment and no " FL_ARCHIVE_LOCK " in it", directory);
    }
    return status;
}

void flowan_archive_free(flowan_archive *archive)
{
    if (!archive)
        return;
    for (size_t i = 0; i < archive->count; i++)
        fl_memory_free(archive->entries[i].path);
    fl_memory_free(archive->entries);
    fl_memory_free(archive);
}

size_t flowan_archive_segments(const flowan_archive *archive)
{
    return archive->count;
}

const char *flowan_archive_path(const flowan_archive *archive, size_t index)
{
    return index < archive->count ? archive->entries[index].path : NULL;
}

uint64_t fl_archive_serial(const flowan_archive *archive, size_t index)
{
    return archive->entries[index].serial;
}

bool fl_archive_is_open(const flowan_archive *archive, size_t index)
{
    return archive->entries[index].open;
}

flowan_status flowan_archive_reader(const flowan_archive *archive, size_t index,
                                    flowan_reader **out, flowan_error *error)
{
    *out = NULL;
    if (index >= archive->count)
        return fl_status_fail(error, FLOWAN_ERROR_ARGUMENT, FL_NO_OFFSET,
                              "the archive has no segment %zu", index);
    const entry *found = &archive->entries[index];
    flowan_status status = flowan_reader_open(out, found->path, error);
    if (status != FLOWAN_ERROR_NOT_FOUND || !found->open)
        return status;
    fl_buffer path = {0};
    fl_buffer_append(&path, found->path, strlen(found->path) - strlen(FL_ARCHIVE_OPEN));
    fl_buffer_byte(&path, 0);
    status = path.failed ? fl_status_memory(error)
                         : flowan_reader_open(out, path.data, error);
    fl_buffer_free(&path);
    return status;
}
