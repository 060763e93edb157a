#include "care.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "lock.h"
#include "status.h"

#define CARE_LOCK "flowan.care.lock"

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
    for (size_t i = 0;
         status == FLOWAN_OK && fl_archive_hidden(care->archive, i) != NULL; i++)
        status = fl_care_remove(fl_archive_hidden(care->archive, i), error);
    return status;
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

flowan_status fl_care_remove(const char *path, flowan_error *error)
{
    return unlink(path) == 0 || errno == ENOENT
               ? FLOWAN_OK
               : fl_status_errno(error, errno, "remove", path);
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
