/* Logs that are being written, into an archive: what goflow2 appends, while the logs are
 * renamed, truncated behind a copy, and compressed.
 *
 * How far each log was read, and which log that is, stands in the archive's own blocks. So
 * a follower may end in any way at any time: the next one takes each record exactly once,
 * in order. */
#ifndef FLOWAN_FOLLOW_H
#define FLOWAN_FOLLOW_H

#include "flowan/archive.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct flowan_follower flowan_follower;

typedef enum flowan_follow_event {
    FLOWAN_FOLLOW_FOUND = 1,     /* a log is begun, or taken up */
    FLOWAN_FOLLOW_RENAMED = 2,   /* it has another name now */
    FLOWAN_FOLLOW_DONE = 3,      /* a log that will not grow was read to its end */
    FLOWAN_FOLLOW_TRUNCATED = 4, /* it was cut, or written anew */
    FLOWAN_FOLLOW_COPY = 5,      /* the rest of a log was found in another file */
    FLOWAN_FOLLOW_GONE = 6,      /* it was not: what had not been read is lost */
    FLOWAN_FOLLOW_ASIDE = 7, /* a file that matches is not read; the message says why */
    FLOWAN_FOLLOW_REMOVED = 8 /* one that was read to its end was removed */
} flowan_follow_event;

typedef struct flowan_follow_options {
    size_t size;           /* sizeof(flowan_follow_options) */
    uint32_t record_limit; /* as the parser's */
    uint32_t threads;      /* as an import's; 0: 1 */
    const flowan_key_map *map;
    size_t map_count;
    /* A record is in a block, and the block on disk, that long after it was seen in its
     * log, or sooner. 0: 1000 */
    uint32_t latency_ms;
    /* Only what is there: a log that ends counts as ended. */
    bool drain;
    /* Removes a log that was renamed, or is compressed, once all of it is in the archive
     * for good and, if it was renamed, its successor is there. */
    bool remove_done;
    void *context; /* for the callbacks, which come within flowan_follower_step */
    /* Each reject, before the rows of its batch are written. A failure is that of the
     * step; the callback fills `error`. May be NULL. */
    flowan_status (*reject)(void *context, const flowan_log_state *log,
                            const flowan_reject *reject, flowan_error *error);
    /* What befell a log; `message` is one sentence. May be NULL. */
    void (*event)(void *context, flowan_follow_event event, const char *message);
    /* Whether a file that matches is not to be read. `modified_ns`: since 1970 UTC. May be
     * NULL. */
    bool (*skip)(void *context, const char *path, uint64_t modified_ns);
} flowan_follow_options;

/* Follows the files that match `globs` (as glob(3) has them), into an archiver that is
 * used by nobody else meanwhile and outlives the follower. A directory that a glob names
 * may come later. One thread a handle. */
FLOWAN_API flowan_status flowan_follower_new(flowan_follower **out,
                                             flowan_archiver *archiver,
                                             const char *const *globs, size_t count,
                                             const flowan_follow_options *options,
                                             flowan_error *error);

/* What is read and not yet written is dropped: it will be read again. NULL is fine. */
FLOWAN_API void flowan_follower_free(flowan_follower *follower);

/* Takes what is there, a few megabytes of each log at most, and writes what is due. When
 * there is nothing, waits for something, for `wait_ms` at most; a signal ends the wait.
 * FLOWAN_END: all that is there is in the archive, and on disk. After a failure the
 * follower and its archiver can only be freed: open them anew to go on. */
FLOWAN_API flowan_status flowan_follower_step(flowan_follower *follower,
                                              uint32_t wait_ms, flowan_error *error);

/* Looks for files that match at the next step, not when it is time to. */
FLOWAN_API void flowan_follower_rescan(flowan_follower *follower);

/* Writes all that was read, and has it on disk. Before flowan_archiver_finish. */
FLOWAN_API flowan_status flowan_follower_flush(flowan_follower *follower,
                                               flowan_error *error);

typedef struct flowan_follow_counts {
    uint64_t records;                        /* written */
    uint64_t rejects[FLOWAN_REJECT_REASONS]; /* by reason; pieces not counted */
    uint64_t bytes;                          /* read, decompressed */
    uint64_t lag_bytes; /* in the logs, and not yet written, as far as is known */
    uint64_t last_received_ns; /* receive time of the last record written; 0: none */
    uint64_t last_written_ns;  /* when that was; 0: never */
    uint64_t logs;             /* that are open */
} flowan_follow_counts;

FLOWAN_API flowan_follow_counts flowan_follower_count(const flowan_follower *follower);

/* A log that is open. */
typedef struct flowan_follow_log {
    const char *path; /* borrowed until the next step */
    const char
        *name; /* the one that it is written under, before it is renamed; likewise */
    uint64_t size; /* of the file */
    uint64_t read; /* bytes of it, decompressed */
    bool live;     /* plain, and under that name */
} flowan_follow_log;

/* False when there are no more. */
FLOWAN_API bool flowan_follower_log(const flowan_follower *follower, size_t index,
                                    flowan_follow_log *out);

#ifdef __cplusplus
}
#endif

#endif
