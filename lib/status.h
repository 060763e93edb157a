/* Layer 0: filling a caller's flowan_error. */
#ifndef FL_STATUS_H
#define FL_STATUS_H

#include <errno.h>

#include "flowan/status.h"

#define FL_NO_OFFSET UINT64_MAX

/* Fills *error, which may be NULL. Line feeds and control bytes of the message, which may
 * quote hostile input, become '?'. */
void fl_status_describe(flowan_error *error, flowan_status status, uint64_t offset,
                        const char *format, ...) __attribute__((format(printf, 4, 5)));
/* "cannot WHAT PATH: reason" of an errno value. */
void fl_status_describe_errno(flowan_error *error, flowan_status status, int number,
                              const char *what, const char *path);

/* Describes, and is `status`, so that a failure is one statement: return
 * fl_status_fail(error, status, offset, format, ...). A macro, so that a static analyser
 * sees that what comes back is no success. */
#define fl_status_fail(error, status, ...)                                             \
    (fl_status_describe(error, status, __VA_ARGS__), (status))

/* FLOWAN_ERROR_MEMORY with its sentence. */
static inline flowan_status fl_status_memory(flowan_error *error)
{
    return fl_status_fail(error, FLOWAN_ERROR_MEMORY, FL_NO_OFFSET, "out of memory");
}

/* FLOWAN_ERROR_IO, or NOT_FOUND for ENOENT, with its sentence. */
static inline flowan_status fl_status_errno(flowan_error *error, int number,
                                            const char *what, const char *path)
{
    flowan_status status = number == ENOENT ? FLOWAN_ERROR_NOT_FOUND : FLOWAN_ERROR_IO;
    fl_status_describe_errno(error, status, number, what, path);
    return status;
}

/* Options structs begin with their size. False when `options` (may be NULL: all
 * defaults) claims a size below 8 or has a non-zero byte beyond `known`. */
int fl_status_options_fit(const void *options, size_t known);

#endif
