/* Layer 0: filling a caller's flowan_error. */
#ifndef FL_STATUS_H
#define FL_STATUS_H

#include "flowan/status.h"

#define FL_NO_OFFSET UINT64_MAX

/* Fills *error (which may be NULL) and returns `status`, so that a failure is one
 * statement: return fl_status_fail(error, ...). Line feeds and control bytes of the
 * message, which may quote hostile input, become '?'. */
flowan_status fl_status_fail(flowan_error *error, flowan_status status, uint64_t offset,
                             const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* FLOWAN_ERROR_MEMORY with its sentence. */
flowan_status fl_status_memory(flowan_error *error);

/* FLOWAN_ERROR_IO (NOT_FOUND for ENOENT) from an errno value: "WHAT PATH: reason". */
flowan_status fl_status_errno(flowan_error *error, int number, const char *what,
                              const char *path);

/* Options structs begin with their size. False when `options` (may be NULL: all
 * defaults) claims a size below 8 or has a non-zero byte beyond `known`. */
int fl_status_options_fit(const void *options, size_t known);

#endif
