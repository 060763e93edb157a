/* Looking after an archive: small segments into large ones, what is damaged mended, what is
 * old removed.
 *
 * All three touch only finished segments, so that they run beside a process that writes;
 * one at a time does (FLOWAN_ERROR_LOCKED names the pid of the other). Processes that read
 * meanwhile see each record once, before and after. Paths and names are borrowed during a
 * callback. */
#ifndef FLOWAN_CARE_H
#define FLOWAN_CARE_H

#include "flowan/archive.h"

#ifdef __cplusplus
extern "C" {
#endif

/* --- merge --- */

typedef struct flowan_merged {
    const char *path; /* of the segment that was made */
    uint64_t segments;
    uint64_t rows;
    uint64_t blocks_before;
    uint64_t blocks;
    uint64_t bytes_before;
    uint64_t bytes;
} flowan_merged;

typedef struct flowan_merge_options {
    size_t size;            /* sizeof(flowan_merge_options) */
    uint64_t now_ns;        /* the time */
    uint64_t older_than_ns; /* only days (UTC) that ended so long before it */
    uint64_t segment_rows;  /* no more in a segment; 0: 16,000,000 */
    int zstd_level;         /* as a writer's */
    void *context;          /* for the callbacks */
    /* After each segment that was made. May be NULL. */
    void (*merged)(void *context, const flowan_merged *merged);
    /* After each segment that was read. Not zero: stop, and leave the day that is being
     * merged as it was. May be NULL. */
    int (*progress)(void *context);
} flowan_merge_options;

typedef struct flowan_merge_result {
    uint64_t merged;  /* segments that are now in others … */
    uint64_t made;    /* … which are so many */
    uint64_t damaged; /* were passed over: repair them first */
    bool stopped;     /* by `progress` */
} flowan_merge_result;

/* Makes one segment of those that follow each other and belong to one day, whole blocks in
 * their order; a segment's day is that in which its interval lies. Each is made beside the
 * others, synced, and comes true with its name: whoever lists the archive sees the one or
 * the others, whenever the process is killed or the power fails. What fails for one day is
 * tried for the next; the first failure is returned. `result` may be NULL. */
FLOWAN_API flowan_status flowan_archive_merge(const char *directory,
                                              const flowan_merge_options *options,
                                              flowan_merge_result *result,
                                              flowan_error *error);

#ifdef __cplusplus
}
#endif

#endif
