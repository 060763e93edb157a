/* A system that refuses: the linker sends the library's system calls through the wrappers
 * here. */
#ifndef FL_REFUSALS_H
#define FL_REFUSALS_H

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef enum call {
    CALL_NONE,
    CALL_WRITE,
    CALL_SHORT_WRITE, /* the n-th takes half, and those behind it nothing */
    CALL_FSYNC,
    CALL_RENAME,
    CALL_MKDIR,
    CALL_TRUNCATE, /* with the write before it that makes it necessary */
    CALLS
} call;

static call failing;
static unsigned calls_left; /* that succeed before */
static bool failing_on;     /* all that follow too */
static bool failed_once;
static const char *in_archive; /* only there; Check writes files too */

static inline bool is_ours(int fd)
{
    char link[64], target[512];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t size = readlink(link, target, sizeof target - 1);
    return in_archive && size > 0 &&
           strncmp(target, in_archive, strlen(in_archive)) == 0;
}

static inline bool fails(call which)
{
    if (failing != which)
        return false;
    if (failed_once)
        return failing_on;
    if (calls_left-- > 0)
        return false;
    return failed_once = true;
}

ssize_t __real_write(int fd, const void *data, size_t size);
ssize_t __wrap_write(int fd, const void *data, size_t size);
int __wrap_fsync(int fd);
int __wrap_fdatasync(int fd);
int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);
int __real_mkdir(const char *name, mode_t mode);
int __wrap_mkdir(const char *name, mode_t mode);
int __real_ftruncate(int fd, off_t size);
int __wrap_ftruncate(int fd, off_t size);
int __real_ftruncate64(int fd, off_t size);
int __wrap_ftruncate64(int fd, off_t size);

ssize_t __wrap_write(int fd, const void *data, size_t size)
{
    if (!is_ours(fd))
        return __real_write(fd, data, size);
    bool first = !failed_once;
    if (fails(CALL_WRITE) || fails(CALL_TRUNCATE)) {
        errno = ENOSPC;
        return -1;
    }
    if (fails(CALL_SHORT_WRITE)) {
        if (first && size > 1)
            return __real_write(fd, data, size / 2);
        errno = ENOSPC;
        return -1;
    }
    return __real_write(fd, data, size);
}

/* Real ones would only be slow. */
int __wrap_fsync(int fd)
{
    if (is_ours(fd) && fails(CALL_FSYNC)) {
        errno = EIO;
        return -1;
    }
    return 0;
}

int __wrap_fdatasync(int fd)
{
    return __wrap_fsync(fd);
}

int __wrap_rename(const char *from, const char *to)
{
    if (fails(CALL_RENAME)) {
        errno = EACCES;
        return -1;
    }
    return __real_rename(from, to);
}

int __wrap_mkdir(const char *name, mode_t mode)
{
    if (fails(CALL_MKDIR)) {
        errno = ENOSPC;
        return -1;
    }
    return __real_mkdir(name, mode);
}

static inline bool truncation_fails(int fd)
{
    if (failing != CALL_TRUNCATE || !failed_once || !failing_on || !is_ours(fd))
        return false;
    errno = EIO;
    return true;
}

int __wrap_ftruncate(int fd, off_t size)
{
    return truncation_fails(fd) ? -1 : __real_ftruncate(fd, size);
}

int __wrap_ftruncate64(int fd, off_t size)
{
    return truncation_fails(fd) ? -1 : __real_ftruncate64(fd, size);
}

/* Only files below `directory` count; nothing is refused yet. */
static inline void system_begins(const char *directory)
{
    failing = CALL_NONE;
    in_archive = directory;
}

static inline void system_ends(void)
{
    failing = CALL_NONE;
}

#endif
