/* The listing of an archive: which segments there are, in which order. */
#include "archive.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "status.h"
#include "text.h"

enum { DIRECTORY_DEPTH = 3, LISTINGS_MAX = 100 };

/* Segments that were merged are one with a range of serials. */
typedef struct entry {
    uint64_t serial;
    uint64_t last_serial;
    bool open;
    char *path;
} entry;

/* One that another stands for, whose path is lent; NULL: one that is being made. */
typedef struct hidden {
    char *path;
    const char *by;
} hidden;

struct flowan_archive {
    char *directory;
    entry *entries;
    size_t count;
    size_t room;
    hidden *hidden;
    size_t hidden_count;
    size_t hidden_room;
};

/* --- names --- */

void fl_archive_put_directory(fl_buffer *out, const char *directory, uint64_t start_ns)
{
    char time[FL_TEXT_TIME_SIZE];
    fl_text_put_time(time, start_ns);
    /* 2025-03-15T… */
    fl_buffer_format(out, "%s/%.4s/%.2s/%.2s", directory, time, time + 5, time + 8);
}

static void put_time(fl_buffer *out, uint64_t start_ns)
{
    char time[FL_TEXT_TIME_SIZE];
    fl_text_put_time(time, start_ns);
    fl_buffer_format(out, "flowan.%.4s%.2s%.2sT%.2s%.2s%.2sZ", time, time + 5, time + 8,
                     time + 11, time + 14, time + 17);
}

void fl_archive_put_name(fl_buffer *out, uint64_t start_ns, uint64_t serial)
{
    put_time(out, start_ns);
    fl_buffer_format(out, ".%08llu.seg", (unsigned long long)serial);
}

void fl_archive_put_range(fl_buffer *out, uint64_t start_ns, uint64_t serial,
                          uint64_t last_serial)
{
    put_time(out, start_ns);
    fl_buffer_format(out, ".%08llu-%08llu.seg", (unsigned long long)serial,
                     (unsigned long long)last_serial);
}

static bool has_suffix(const char *name, const char *suffix)
{
    size_t size = strlen(name);
    size_t tail = strlen(suffix);
    return size > tail && strcmp(name + size - tail, suffix) == 0;
}

static bool read_serial(const char **at, uint64_t *out)
{
    const char *digit = *at;
    *out = 0;
    for (; *digit >= '0' && *digit <= '9'; digit++) {
        if (*out > UINT64_MAX / 10 - 1)
            return false;
        *out = *out * 10 + (uint64_t)(*digit - '0');
    }
    bool found = digit > *at;
    *at = digit;
    return found;
}

/* flowan.TIME.SERIAL[-LAST].seg[.open] */
static bool read_name(const char *name, entry *out)
{
    out->open = has_suffix(name, ".seg" FL_ARCHIVE_OPEN);
    if (strncmp(name, "flowan.", 7) != 0 || (!out->open && !has_suffix(name, ".seg")))
        return false;
    const char *at = strchr(name + 7, '.');
    if (!at++ || !read_serial(&at, &out->serial))
        return false;
    out->last_serial = out->serial;
    if (*at == '-' && (at++, !read_serial(&at, &out->last_serial)))
        return false;
    return *at == '.' && out->last_serial >= out->serial;
}

static bool is_unfinished(const char *name)
{
    return strncmp(name, "flowan.", 7) == 0 && has_suffix(name, ".seg" FL_ARCHIVE_CARE);
}

static bool is_number(const char *name)
{
    return name[0] != 0 && strspn(name, "0123456789") == strlen(name);
}

/* --- listing --- */

static char *copy_text(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = fl_memory_alloc(size, 1);
    return copy ? memcpy(copy, text, size) : NULL;
}

static bool add_hidden(flowan_archive *archive, char *path)
{
    if (!path || !fl_memory_grow((void **)&archive->hidden, &archive->hidden_room,
                                 archive->hidden_count + 1, sizeof *archive->hidden))
        return false;
    archive->hidden[archive->hidden_count++] = (hidden){path, NULL};
    return true;
}

static bool add(flowan_archive *archive, const char *path, entry found)
{
    char *copy = copy_text(path);
    if (!copy || !fl_memory_grow((void **)&archive->entries, &archive->room,
                                 archive->count + 1, sizeof *archive->entries)) {
        fl_memory_free(copy);
        return false;
    }
    found.path = copy;
    archive->entries[archive->count++] = found;
    return true;
}

static bool add_unfinished(flowan_archive *archive, const char *path)
{
    char *copy = copy_text(path);
    if (add_hidden(archive, copy))
        return true;
    fl_memory_free(copy);
    return false;
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
        entry found = {0};
        bool below = depth > 0 && is_number(item->d_name);
        bool segment = depth == 0 && read_name(item->d_name, &found);
        bool unfinished = depth == 0 && is_unfinished(item->d_name);
        if (!below && !segment && !unfinished)
            continue;
        fl_buffer_format(path, "/%s", item->d_name);
        fl_buffer_byte(path, 0);
        path->size--;
        if (path->failed)
            status = fl_status_memory(error);
        else if (unfinished && !add_unfinished(archive, path->data))
            status = fl_status_memory(error);
        else if (below)
            status = list(archive, path, depth - 1, error);
        else if (segment && !add(archive, path->data, found))
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
    if (a->last_serial != b->last_serial)
        return a->last_serial > b->last_serial ? -1 : 1;
    return strcmp(a->path, b->path);
}

/* A segment that was renamed while its directory was read may have been seen under both
 * names, and one that a repair made stands beside what it was made from: the final one,
 * which sorts first, is the one that lasts. */
static bool is_renamed(const entry *this, const entry *last)
{
    size_t size = strlen(last->path);
    return this->open && !last->open && strncmp(this->path, last->path, size) == 0 &&
           strcmp(this->path + size, FL_ARCHIVE_OPEN) == 0;
}

/* Whether a wider range of serials has this one: it is what that was merged from. */
static bool is_covered(const entry *this, const entry *wide)
{
    return this->serial >= wide->serial && this->last_serial <= wide->last_serial &&
           wide->last_serial - wide->serial > this->last_serial - this->serial;
}

/* The kept one that stands for the next, or NULL. */
static const entry *stands_for(const flowan_archive *archive, const entry *next,
                               size_t kept, size_t wide)
{
    if (kept > 0 && is_renamed(next, &archive->entries[kept - 1]))
        return &archive->entries[kept - 1];
    return kept > 0 && is_covered(next, &archive->entries[wide])
               ? &archive->entries[wide]
               : NULL;
}

/* A merge comes true with the name of what it made. What it was made from is still there
 * for a while, and does not count. */
static bool hide(flowan_archive *archive)
{
    if (!fl_memory_grow((void **)&archive->hidden, &archive->hidden_room,
                        archive->hidden_count + archive->count + 1,
                        sizeof *archive->hidden))
        return false;
    size_t kept = 0;
    size_t wide = 0; /* the kept one that reaches farthest */
    for (size_t i = 0; i < archive->count; i++) {
        entry *this = &archive->entries[i];
        const entry *by = stands_for(archive, this, kept, wide);
        if (by) {
            archive->hidden[archive->hidden_count++] = (hidden){this->path, by->path};
            continue;
        }
        archive->entries[kept] = *this;
        if (kept == 0 || this->last_serial > archive->entries[wide].last_serial)
            wide = kept;
        kept++;
    }
    archive->count = kept;
    return true;
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

static flowan_status list_once(flowan_archive **out, const char *directory,
                               flowan_error *error)
{
    *out = NULL;
    flowan_archive *archive = fl_memory_zalloc(1, sizeof *archive);
    fl_buffer path = {0};
    fl_buffer_text(&path, directory);
    fl_buffer_byte(&path, 0);
    path.size--;
    if (archive)
        archive->directory = copy_text(directory);
    flowan_status status = FLOWAN_OK;
    struct stat info;
    if (!archive || !archive->directory || path.failed)
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
    *out = archive;
    return FLOWAN_OK;
}

static bool same_listing(const flowan_archive *a, const flowan_archive *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (a->entries[i].serial != b->entries[i].serial ||
            strcmp(a->entries[i].path, b->entries[i].path) != 0)
            return false;
    return true;
}

/* A directory is not read at one instant. Between its first and its last entry a merge may
 * put in what the listing is past already, and then take away what it has still to come:
 * both would be missed. The next listing, begun after that, has what was put in; so one
 * that is equal to the next missed nothing. */
flowan_status fl_archive_list(flowan_archive **out, const char *directory,
                              flowan_error *error)
{
    *out = NULL;
    flowan_archive *last;
    flowan_status status = list_once(&last, directory, error);
    for (int i = 0; status == FLOWAN_OK; i++) {
        flowan_archive *next;
        status = list_once(&next, directory, error);
        bool same = status == FLOWAN_OK && same_listing(last, next);
        flowan_archive_free(last);
        last = next;
        if (same)
            break;
        if (status == FLOWAN_OK && i == LISTINGS_MAX)
            status =
                fl_status_fail(error, FLOWAN_ERROR_IO, FL_NO_OFFSET,
                               "%s changes faster than it can be listed", directory);
    }
    if (status == FLOWAN_OK && !hide(last))
        status = fl_status_memory(error);
    if (status == FLOWAN_OK)
        *out = last;
    else
        flowan_archive_free(last);
    return status;
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
    for (size_t i = 0; i < archive->hidden_count; i++)
        fl_memory_free(archive->hidden[i].path);
    fl_memory_free(archive->hidden);
    fl_memory_free(archive->entries);
    fl_memory_free(archive->directory);
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

uint64_t fl_archive_last_serial(const flowan_archive *archive, size_t index)
{
    return archive->entries[index].last_serial;
}

const char *fl_archive_hidden(const flowan_archive *archive, size_t index,
                              const char **by)
{
    if (index >= archive->hidden_count)
        return NULL;
    *by = archive->hidden[index].by;
    return archive->hidden[index].path;
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

flowan_status flowan_archive_refresh(flowan_archive *archive, size_t *index,
                                     flowan_error *error)
{
    uint64_t serial = *index < archive->count ? archive->entries[*index].serial : 0;
    flowan_archive *now;
    flowan_status status = flowan_archive_open(&now, archive->directory, error);
    if (status != FLOWAN_OK)
        return status;
    size_t at = 0;
    while (at < now->count && now->entries[at].last_serial < serial)
        at++;
    flowan_archive old = *archive;
    *archive = *now;
    *now = old;
    flowan_archive_free(now);
    *index = at;
    return FLOWAN_OK;
}
