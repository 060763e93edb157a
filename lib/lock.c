#include "lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "file.h"
#include "memory.h"
#include "status.h"

static flowan_status fail_held(int fd, const char *directory, const char *done,
                               flowan_error *error)
{
    char owner[32] = "";
    ssize_t size = pread(fd, owner, sizeof owner - 1, 0);
    owner[size > 0 ? strspn(owner, "0123456789") : 0] = 0;
    return fl_status_fail(error, FLOWAN_ERROR_LOCKED, FL_NO_OFFSET,
                          "archive %s is being %s by process %s", directory, done,
                          owner[0] ? owner : "?");
}

flowan_status fl_lock_take(int *fd, const char *directory, const char *name,
                           const char *done, flowan_error *error)
{
    fl_buffer path = {0};
    fl_buffer_format(&path, "%s/%s", directory, name);
    fl_buffer_byte(&path, 0);
    *fd = -1;
    if (path.failed)
        return fl_status_memory(error);
    flowan_status status = FLOWAN_OK;
    *fd = open(path.data, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (*fd < 0) {
        status = fl_status_errno(error, errno, "open", path.data);
    } else if (flock(*fd, LOCK_EX | LOCK_NB) != 0) {
        status = errno == EWOULDBLOCK
                     ? fail_held(*fd, directory, done, error)
                     : fl_status_errno(error, errno, "lock", path.data);
    } else {
        char owner[32];
        int size = snprintf(owner, sizeof owner, "%ld\n", (long)getpid());
        int number =
            ftruncate(*fd, 0) != 0 ? errno : fl_file_write(*fd, owner, (size_t)size);
        if (number != 0)
            status = fl_status_errno(error, number, "write", path.data);
    }
    fl_buffer_free(&path);
    return status;
}
