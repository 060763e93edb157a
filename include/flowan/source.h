/* The bytes of a log: a file, a pipe or standard input, decompressed on the way.
 *
 * gzip (RFC 1952, any number of members) and zstd (RFC 8878, any number of frames,
 * skippable ones too) are told by the first bytes, never by the name; all else is
 * plain, also what ends before the two bytes (gzip) or four (zstd) that tell. Memory is
 * bounded whatever the input says: a zstd window over 128 MiB (2^27) is refused with
 * FLOWAN_ERROR_LIMIT.
 *
 * One thread per handle. Nothing is read before the first read or peek, which may
 * block; a blocked read starts again when a signal interrupts it. */
#ifndef FLOWAN_SOURCE_H
#define FLOWAN_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flowan/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct flowan_source flowan_source;

/* The most that flowan_source_peek can look ahead, in bytes. */
enum { FLOWAN_SOURCE_PEEK_MAX = 65536 };

/* Opens the file at `path` (not NULL), or standard input (descriptor 0, which
 * flowan_source_free leaves open) when `path` is "-". *out is the caller's, to be freed
 * by flowan_source_free, and NULL after a failure: FLOWAN_ERROR_NOT_FOUND, or
 * FLOWAN_ERROR_IO with the system's reason; a directory is FLOWAN_ERROR_IO too. */
FLOWAN_API flowan_status flowan_source_open(flowan_source **out, const char *path,
                                            flowan_error *error);

/* Reads from `fd`, from where it stands, and leaves it open: it stays the caller's and
 * must outlive the source. `name` (not NULL, copied) stands for it in messages. */
FLOWAN_API flowan_status flowan_source_open_fd(flowan_source **out, int fd,
                                               const char *name, flowan_error *error);

/* The next run of decompressed bytes: FLOWAN_OK, *size from 1 to 1 MiB and *data,
 * borrowed until the next call on the handle. Runs end anywhere, also inside a record.
 * What a pipe has is handed on without waiting for more.
 *
 * FLOWAN_END, *size 0, at the end of the input, again and again: what is appended later
 * is not seen by this handle.
 *
 * A damaged or truncated stream is FLOWAN_ERROR_FORMAT, and so are bytes behind a gzip
 * member that are no further member (padding with zero bytes is not) and bytes behind a
 * zstd frame that are no further frame. The error comes after every good byte before it
 * was handed out. Its `offset`, and the message, count compressed bytes from where the
 * source began, to within the header or block that was refused. An error is final:
 * later calls return it again. *data is NULL and *size 0 whenever the status is not
 * FLOWAN_OK. */
FLOWAN_API flowan_status flowan_source_read(flowan_source *source, const void **data,
                                            size_t *size, flowan_error *error);

/* The first `want` decompressed bytes without consuming them, borrowed until the next
 * call on the handle. Fewer only where the input ends, or turns bad, before: what is
 * good is shown with FLOWAN_OK, and the read behind it tells the rest. An empty input
 * is FLOWAN_OK with *size 0; one that is bad from its first byte is its error. May be
 * called repeatedly, but only before the first read; else, or with a `want` over
 * FLOWAN_SOURCE_PEEK_MAX, FLOWAN_ERROR_ARGUMENT, which leaves the source as it was. */
FLOWAN_API flowan_status flowan_source_peek(flowan_source *source, size_t want,
                                            const void **data, size_t *size,
                                            flowan_error *error);

/* The path or name it was opened with, "standard input" for "-"; borrowed while the
 * source lives. */
FLOWAN_API const char *flowan_source_name(const flowan_source *source);

/* What the file system says of the file now: its identity, when it was last modified
 * (ns since 1970 UTC; 0 when before) and its size, compressed. Each pointer may be
 * NULL. False, with nothing written, when it is no regular file or the system cannot
 * tell. */
FLOWAN_API bool flowan_source_stat(const flowan_source *source, uint64_t *device,
                                   uint64_t *inode, uint64_t *modified_ns,
                                   uint64_t *size_bytes);

/* NULL is fine. */
FLOWAN_API void flowan_source_free(flowan_source *source);

#ifdef __cplusplus
}
#endif

#endif
