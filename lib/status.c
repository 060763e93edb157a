/* strerror_r has two faces; this asks for the one of POSIX, which returns an int. */
#undef _GNU_SOURCE
#undef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L

#include "status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *flowan_status_text(flowan_status status)
{
    switch (status) {
    case FLOWAN_OK: return "done";
    case FLOWAN_FULL: return "batch full";
    case FLOWAN_END: return "end";
    case FLOWAN_ERROR_MEMORY: return "out of memory";
    case FLOWAN_ERROR_ARGUMENT: return "wrong argument";
    case FLOWAN_ERROR_IO: return "input or output failed";
    case FLOWAN_ERROR_FORMAT: return "not in the expected format";
    case FLOWAN_ERROR_CHECKSUM: return "checksum mismatch";
    case FLOWAN_ERROR_VERSION: return "written by a newer version";
    case FLOWAN_ERROR_LIMIT: return "over a limit";
    case FLOWAN_ERROR_EXISTS: return "already there";
    case FLOWAN_ERROR_LOCKED: return "locked by another process";
    case FLOWAN_ERROR_NOT_FOUND: return "not found";
    }
    return "unknown status";
}

const char *flowan_version(void)
{
    return FLOWAN_VERSION;
}

void fl_status_describe(flowan_error *error, flowan_status status, uint64_t offset,
                        const char *format, ...)
{
    if (!error)
        return;
    error->status = status;
    error->offset = offset;
    va_list args;
    va_start(args, format);
    vsnprintf(error->message, sizeof error->message, format, args);
    va_end(args);
    for (unsigned char *c = (unsigned char *)error->message; *c; c++)
        if (*c < 0x20 || *c == 0x7f)
            *c = '?';
}

void fl_status_describe_errno(flowan_error *error, flowan_status status, int number,
                              const char *what, const char *path)
{
    char reason[128];
    if (strerror_r(number, reason, sizeof reason) != 0)
        snprintf(reason, sizeof reason, "error %d", number);
    fl_status_describe(error, status, FL_NO_OFFSET, "cannot %s %s: %s", what, path,
                       reason);
}

int fl_status_options_fit(const void *options, size_t known)
{
    if (!options)
        return 1;
    size_t size;
    memcpy(&size, options, sizeof size);
    if (size < sizeof size || size > 65536)
        return 0;
    for (size_t i = known; i < size; i++)
        if (((const unsigned char *)options)[i])
            return 0;
    return 1;
}
