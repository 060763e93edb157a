/* An archive: a directory of segments in order of their serial numbers.
 *
 *     DIR/YYYY/MM/DD/flowan.YYYYmmddTHHMMSSZ.SERIAL.seg
 *
 * the time being the start of the segment's interval in UTC; `.seg.open` while it is being
 * written; FIRST-LAST for SERIAL in one that segments were merged into, which then stands
 * for all whose serials are in that range. One process writes (flowan_archiver), any number
 * read (flowan_archive). */
#ifndef FLOWAN_ARCHIVE_H
#define FLOWAN_ARCHIVE_H

#include "flowan/segment.h"

#ifdef __cplusplus
extern "C" {
#endif

/* --- reading --- */

typedef struct flowan_archive flowan_archive;

/* Lists the segments that are there now. A directory that holds neither segments nor the
 * lock file of a writer is no archive: FLOWAN_ERROR_FORMAT. One thread a handle. */
FLOWAN_API flowan_status flowan_archive_open(flowan_archive **out,
                                             const char *directory,
                                             flowan_error *error);
FLOWAN_API void flowan_archive_free(flowan_archive *archive);
FLOWAN_API size_t flowan_archive_segments(const flowan_archive *archive);

/* Path of segment `index`, by serial; NULL when there is none. Borrowed. */
FLOWAN_API const char *flowan_archive_path(const flowan_archive *archive, size_t index);

/* Opens it, also when it was finished, and so renamed, since the listing.
 * FLOWAN_ERROR_NOT_FOUND: it was merged or has expired since; see refresh. */
FLOWAN_API flowan_status flowan_archive_reader(const flowan_archive *archive,
                                               size_t index, flowan_reader **out,
                                               flowan_error *error);

/* Lists anew. *index, of a segment that was in the listing, becomes that of the first one
 * that reaches as far: itself, or what it was merged into (with those before it), or the
 * next where it has expired; as many as there are when none is left. Paths lent before are
 * void. After a failure the listing is as it was. */
FLOWAN_API flowan_status flowan_archive_refresh(flowan_archive *archive, size_t *index,
                                                flowan_error *error);

/* --- writing --- */

typedef struct flowan_archiver flowan_archiver;

typedef struct flowan_archiver_options {
    size_t size;           /* sizeof(flowan_archiver_options) */
    uint64_t rotate_ns;    /* length of a segment's interval; 0: one day */
    uint64_t segment_rows; /* a segment ends with this many; 0: 16,000,000 */
    flowan_level level;
    /* A segment that ends with small blocks in it is made anew with full ones, by another
     * thread; it is readable all the while. For those who write often. */
    bool pack;
    bool nat_index; /* as a writer's */
} flowan_archiver_options;

/* Makes the directory an archive where it is none yet (it must then be empty or missing),
 * locks it against a second writer (FLOWAN_ERROR_LOCKED names the owner's pid), and
 * finishes what an interrupted writer left: the whole blocks of an open segment are kept,
 * a torn tail is cut. */
FLOWAN_API flowan_status flowan_archiver_open(flowan_archiver **out,
                                              const char *directory,
                                              const flowan_archiver_options *options,
                                              flowan_error *error);

/* Leaves an unfinished segment as it is; flowan_archiver_finish first. */
FLOWAN_API void flowan_archiver_free(flowan_archiver *archiver);

/* The n-th log, by how far it was read, farthest first, of those whose first bytes are
 * equal to `head`: a log that is already in, in whole or in part, if its contents up to
 * position.offset are equal too. False when there are no more. */
FLOWAN_API bool flowan_archiver_find_log(const flowan_archiver *archiver,
                                         const void *head, size_t size, size_t n,
                                         flowan_log_state *out);

/* Log `index` of all that are known, the one that was begun last behind the others; false
 * when there are no more. The path is borrowed until the archiver is next given to a call
 * that writes or begins a log. */
FLOWAN_API bool flowan_archiver_log(const flowan_archiver *archiver, size_t index,
                                    flowan_log_state *out);

/* The following batches come from this log, from log->position on. `modified_ns` is its
 * modification time, the last resort for records without any time. */
FLOWAN_API flowan_status flowan_archiver_begin_log(flowan_archiver *archiver,
                                                   const flowan_log_state *log,
                                                   uint64_t modified_ns,
                                                   flowan_error *error);

/* Appends rows [first, rows) of the batch: one block, or several where a record of a later
 * interval ends the segment. `position` is the parser's, behind the batch. On failure the
 * rows that are in are those that the last written block says; resume from there. All but
 * the last block of an archive is on disk. Where a sync failed, the archiver takes nothing
 * more, and what is not known to be on disk is not in: open it anew, and read the log from
 * where it then says. */
FLOWAN_API flowan_status flowan_archiver_write(flowan_archiver *archiver,
                                               const flowan_batch *batch, size_t first,
                                               flowan_position position,
                                               flowan_error *error);

/* Makes what was written last: it is in the archive whatever happens to the machine. */
FLOWAN_API flowan_status flowan_archiver_sync(flowan_archiver *archiver,
                                              flowan_error *error);

typedef struct flowan_archiver_counts {
    uint64_t bytes;    /* written by this handle: blocks, headers and footers */
    uint64_t segments; /* in the archive, with the open one */
} flowan_archiver_counts;

FLOWAN_API flowan_archiver_counts flowan_archiver_count(const flowan_archiver *archiver);

/* Finishes the open segment: footer, fsync, final name. Further writes begin a new one. */
FLOWAN_API flowan_status flowan_archiver_finish(flowan_archiver *archiver,
                                                flowan_error *error);

#ifdef __cplusplus
}
#endif

#endif
