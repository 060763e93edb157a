/* A process that is killed: the linker sends some of the library's calls here, and the
 * n-th ends the process before it is made. Behind archives.h. */
#ifndef FL_KILLED_H
#define FL_KILLED_H

#include <check.h>
#include <sys/wait.h>
#include <unistd.h>

static bool counting;
static unsigned steps;
static unsigned killed_at; /* before the step of this number, from 1; 0: never */

static inline void step(void)
{
    if (counting && ++steps == killed_at)
        _exit(9);
}

int __real_fl_file_write(int fd, const void *data, size_t size);
int __wrap_fl_file_write(int fd, const void *data, size_t size);
int __real_fl_file_sync_directory(const char *path);
int __wrap_fl_file_sync_directory(const char *path);
int __real_unlink(const char *path);
int __wrap_unlink(const char *path);
int __real_link(const char *from, const char *to);
int __wrap_link(const char *from, const char *to);

int __wrap_fl_file_write(int fd, const void *data, size_t size)
{
    step();
    return __real_fl_file_write(fd, data, size);
}

int __wrap_fl_file_sync_directory(const char *path)
{
    step();
    return __real_fl_file_sync_directory(path);
}

int __wrap_unlink(const char *path)
{
    step();
    return __real_unlink(path);
}

int __wrap_link(const char *from, const char *to)
{
    step();
    return __real_link(from, to);
}

/* Runs `care`, which says whether all went well, in a process that is killed before step
 * `at`; whether it came to its end before. */
static inline bool outlives(bool (*care)(void), unsigned at)
{
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        counting = true;
        killed_at = at;
        _exit(care() ? 0 : 1);
    }
    int state;
    ck_assert_int_eq(waitpid(child, &state, 0), child);
    ck_assert(WIFEXITED(state));
    ck_assert(WEXITSTATUS(state) == 0 || WEXITSTATUS(state) == 9);
    return WEXITSTATUS(state) == 0;
}

#endif
