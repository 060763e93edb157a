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
    flowan_level level;
    void *context; /* for the callbacks */
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

/* --- repair --- */

typedef enum flowan_repair_kind {
    FLOWAN_REPAIR_LOST = 1,   /* what follows names bytes that no sound block holds */
    FLOWAN_REPAIR_MENDED = 2, /* the segment was made anew of its sound blocks */
    FLOWAN_REPAIR_ASIDE = 3,  /* no segment at all: it was only moved */
    FLOWAN_REPAIR_FAILED = 4  /* nothing was done, `message` says why */
} flowan_repair_kind;

/* What is known of something that was lost, or of all that was lost in a segment that was
 * mended, whose LOST events come first. */
typedef struct flowan_repair_event {
    flowan_repair_kind kind;
    const char *path;  /* of the segment, as it was named */
    const char *aside; /* MENDED, ASIDE: where the damaged file is now */
    const char *message;
    uint64_t
        from; /* LOST: bytes [from, to) of the damaged file; none: its end is missing */
    uint64_t to;
    flowan_segment_stats lost; /* rows and times as far as they are known */
    bool rows_unknown;         /* there may be more of them */
    uint64_t blocks;           /* MENDED: that were kept */
    uint64_t rows;             /* MENDED: in them */
} flowan_repair_event;

typedef struct flowan_repair_options {
    size_t size;   /* sizeof(flowan_repair_options) */
    void *context; /* for the callbacks */
    /* May be NULL, like the other. */
    void (*tell)(void *context, const flowan_repair_event *event);
    /* After each block that was read. Not zero: stop; what was mended stays so. */
    int (*progress)(void *context);
} flowan_repair_options;

typedef struct flowan_repair_result {
    uint64_t segments; /* that were looked at */
    uint64_t mended;
    uint64_t aside;
    uint64_t failed; /* are still as they were */
    uint64_t rows_lost;
    bool rows_unknown; /* and perhaps more */
    bool stopped;
} flowan_repair_result;

/* Reads all segments. Each that is damaged is made anew, of its sound blocks byte for byte
 * and a new footer, in one step; the damaged file goes to DIRECTORY/damaged/ under its
 * name. How far logs were read stays known: of what was lost the log is not asked again.
 * The segment that a process has open for writing is left alone. FLOWAN_OK also when some
 * segment failed. */
FLOWAN_API flowan_status flowan_archive_repair(const char *directory,
                                               const flowan_repair_options *options,
                                               flowan_repair_result *result,
                                               flowan_error *error);

/* --- expire --- */

/* What must be kept. The text of it:
 *
 *     # case 4711
 *     2025-03-15T10:00 2025-03-15T12:00
 *     100.64.0.0/10 2001:db8::1
 *     2025-03-01 2025-04-01 198.51.100.7     # both: of that address, in that month
 *
 * A line names a time, from its first to before its second word (as flowan_time_parse has
 * them, but none that hangs on now), or prefixes or addresses, any of which counts, or
 * both. A record is in a time when it was received in it or its span overlaps it, and of a
 * prefix when any of its addresses is. '#' begins a comment. Does not change once it is
 * made: threads may share it. */
typedef struct flowan_holds flowan_holds;

/* FLOWAN_ERROR_FORMAT names file and line. `text` need not last; `name` stands for the file
 * in messages. */
FLOWAN_API flowan_status flowan_holds_load(flowan_holds **out, const char *path,
                                           flowan_error *error);
FLOWAN_API flowan_status flowan_holds_parse(flowan_holds **out, const char *text,
                                            size_t size, const char *name,
                                            flowan_error *error);
FLOWAN_API void flowan_holds_free(flowan_holds *holds);

typedef enum flowan_expire_kind {
    FLOWAN_EXPIRE_REMOVED = 1, /* or would be */
    FLOWAN_EXPIRE_HELD = 2,    /* is due, but `message` is the line that holds it */
    FLOWAN_EXPIRE_FAILED = 3   /* is due, or may be, and stays: `message` says why */
} flowan_expire_kind;

typedef struct flowan_expire_event {
    flowan_expire_kind kind;
    const char *path;
    const char *message;
    uint64_t bytes;
    flowan_segment_stats stats;
} flowan_expire_event;

typedef struct flowan_expire_options {
    size_t size;      /* sizeof(flowan_expire_options) */
    uint64_t now_ns;  /* the time */
    uint64_t keep_ns; /* what was received so long before it, or later, stays; 0: no such
                            bound */
    uint64_t keep_bytes;       /* so much of files may stay; 0: no such bound */
    const flowan_holds *holds; /* may be NULL */
    bool dry_run;              /* remove nothing, only tell */
    void *context;
    /* For each segment that is due. May be NULL. */
    void (*tell)(void *context, const flowan_expire_event *event);
    /* Now and then while records are looked at for a hold. Not zero: stop. May be NULL. */
    int (*progress)(void *context);
} flowan_expire_options;

typedef struct flowan_expire_result {
    uint64_t removed; /* segments */
    uint64_t rows;    /* in them */
    uint64_t bytes;
    uint64_t held;
    uint64_t failed;
    uint64_t bytes_left; /* of all segments, also those that are being written */
    bool stopped;
} flowan_expire_result;

/* Removes whole segments, the one that was received longest ago first, by the latest
 * receive time in it: all that are older than `keep_ns`, and as many as leave `keep_bytes`.
 * Never one that is open. How far logs were read stays known: of the newest segment only
 * its records go, and the empty one with the states of the logs goes when a newer one is
 * there. FLOWAN_OK also when some segment failed. */
FLOWAN_API flowan_status flowan_archive_expire(const char *directory,
                                               const flowan_expire_options *options,
                                               flowan_expire_result *result,
                                               flowan_error *error);

#ifdef __cplusplus
}
#endif

#endif
