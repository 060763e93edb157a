#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

int fl_file_write(int fd, const void *data, size_t size)
{
    const char *at = data;
    while (size > 0) {
        ssize_t done = write(fd, at, size);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            struct pollfd wait = {.fd = fd, .events = POLLOUT};
            poll(&wait, 1, -1);
            continue;
        }
        if (done <= 0)
            return done < 0 ? errno : ENOSPC;
        at += done;
        size -= (size_t)done;
    }
    return 0;
}

int fl_file_pread(int fd, void *data, size_t size, uint64_t offset)
{
    char *at = data;
    while (size > 0) {
        ssize_t done = pread(fd, at, size, (off_t)offset);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return done < 0 ? errno : EIO;
        at += done;
        size -= (size_t)done;
        offset += (uint64_t)done;
    }
    return 0;
}

int fl_file_size(int fd, uint64_t *size)
{
    struct stat info;
    if (fstat(fd, &info) != 0)
        return errno;
    *size = (uint64_t)info.st_size;
    return 0;
}

int fl_file_sync_directory(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return errno;
    int result = fsync(fd) == 0 ? 0 : errno;
    close(fd);
    return result;
}
