#include "globs.h"

#include <dirent.h>
#include <fnmatch.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static bool read_stat(const struct stat *about, fl_file_id *out)
{
    if (!S_ISREG(about->st_mode))
        return false;
    uint64_t seconds = about->st_mtim.tv_sec > 0 ? (uint64_t)about->st_mtim.tv_sec : 0;
    uint64_t fraction =
        about->st_mtim.tv_sec >= 0 ? (uint64_t)about->st_mtim.tv_nsec : 0;
    *out = (fl_file_id){.device = (uint64_t)about->st_dev,
                        .inode = (uint64_t)about->st_ino,
                        .size = (uint64_t)about->st_size,
                        .modified_ns = seconds > UINT64_MAX / 1000000000 - 1
                                           ? UINT64_MAX
                                           : seconds * UINT64_C(1000000000) + fraction};
    return true;
}

bool fl_globs_fstat(int fd, fl_file_id *out)
{
    struct stat about;
    return fstat(fd, &about) == 0 && read_stat(&about, out);
}

bool fl_globs_stat(const char *path, fl_file_id *out)
{
    struct stat about;
    return stat(path, &about) == 0 && read_stat(&about, out);
}

bool fl_globs_same_file(const fl_file_id *a, const fl_file_id *b)
{
    return a->device == b->device && a->inode == b->inode;
}

int fl_globs_compare_age(const fl_match *a, const fl_match *b)
{
    if (a->id.modified_ns != b->id.modified_ns)
        return a->id.modified_ns < b->id.modified_ns ? -1 : 1;
    /* The file system's clock ticks seldom enough for a log to be rotated within a tick:
     * a rotated one has the longer name. */
    size_t a_size = strlen(a->path);
    size_t b_size = strlen(b->path);
    if (a_size != b_size)
        return a_size > b_size ? -1 : 1;
    return strcmp(a->path, b->path);
}

static int by_age(const void *left, const void *right)
{
    return fl_globs_compare_age(left, right);
}

/* Passes over what is no regular file, or gone again. */
static bool add(fl_matches *matches, const char *path)
{
    fl_file_id id;
    if (!fl_globs_stat(path, &id))
        return true;
    char *copy = fl_memory_alloc(strlen(path) + 1, 1);
    if (!copy || !fl_memory_grow((void **)&matches->entries, &matches->room,
                                 matches->count + 1, sizeof *matches->entries)) {
        fl_memory_free(copy);
        return false;
    }
    memcpy(copy, path, strlen(path) + 1);
    matches->entries[matches->count++] = (fl_match){copy, id};
    return true;
}

static bool add_glob(fl_matches *matches, const char *pattern)
{
    fl_file_id id;
    if (fl_globs_stat(pattern, &id))
        return add(matches, pattern);
    glob_t found;
    bool ok = true;
    int status = glob(pattern, GLOB_NOSORT, NULL, &found);
    for (size_t i = 0; ok && status == 0 && i < found.gl_pathc; i++)
        ok = add(matches, found.gl_pathv[i]);
    if (status == 0 || status == GLOB_NOSPACE)
        globfree(&found);
    return ok && status != GLOB_NOSPACE;
}

static int by_file(const void *left, const void *right)
{
    const fl_match *a = left;
    const fl_match *b = right;
    if (a->id.device != b->id.device)
        return a->id.device < b->id.device ? -1 : 1;
    if (a->id.inode != b->id.inode)
        return a->id.inode < b->id.inode ? -1 : 1;
    return strcmp(a->path, b->path);
}

/* Several globs, or hard links, may name one file: the first name stands for it. */
static void keep_one_each(fl_matches *matches)
{
    size_t kept = 0;
    if (matches->count == 0)
        return;
    qsort(matches->entries, matches->count, sizeof *matches->entries, by_file);
    for (size_t i = 0; i < matches->count; i++) {
        fl_match *this = &matches->entries[i];
        if (kept > 0 && fl_globs_same_file(&matches->entries[kept - 1].id, &this->id))
            fl_memory_free(this->path);
        else
            matches->entries[kept++] = *this;
    }
    matches->count = kept;
    qsort(matches->entries, kept, sizeof *matches->entries, by_age);
}

bool fl_globs_expand(const char *const *globs, size_t count, fl_matches *out)
{
    *out = (fl_matches){0};
    bool ok = true;
    for (size_t i = 0; ok && i < count; i++)
        ok = add_glob(out, globs[i]);
    keep_one_each(out);
    if (!ok)
        fl_matches_free(out);
    return ok;
}

bool fl_globs_directory(const char *directory, fl_matches *out)
{
    *out = (fl_matches){0};
    DIR *list = opendir(directory);
    if (!list)
        return true;
    bool ok = true;
    fl_buffer path = {0};
    struct dirent *item;
    while (ok && (item = readdir(list))) {
        fl_buffer_clear(&path);
        if (strcmp(directory, ".") != 0)
            fl_buffer_text(&path, directory);
        if (path.size > 0)
            fl_buffer_byte(&path, '/');
        fl_buffer_text(&path, item->d_name);
        fl_buffer_byte(&path, 0);
        ok = !path.failed && add(out, path.data);
    }
    closedir(list);
    fl_buffer_free(&path);
    keep_one_each(out);
    if (!ok)
        fl_matches_free(out);
    return ok;
}

bool fl_globs_match(const char *const *globs, size_t count, const char *path)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(globs[i], path) == 0 ||
            fnmatch(globs[i], path, FNM_PATHNAME | FNM_PERIOD) == 0)
            return true;
    return false;
}

void fl_matches_free(fl_matches *matches)
{
    for (size_t i = 0; i < matches->count; i++)
        fl_memory_free(matches->entries[i].path);
    fl_memory_free(matches->entries);
    *matches = (fl_matches){0};
}

bool fl_globs_directory_of(fl_buffer *out, const char *path)
{
    const char *slash = strrchr(path, '/');
    fl_buffer_clear(out);
    if (!slash)
        fl_buffer_text(out, ".");
    else
        fl_buffer_append(out, path, slash == path ? 1 : (size_t)(slash - path));
    fl_buffer_byte(out, 0);
    return !out->failed;
}
