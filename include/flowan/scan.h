/* A stream of batches from any mixture of archives, segments and logs, in the order in
 * which they are named; of the rows in a time window, with the columns that are asked
 * for. */
#ifndef FLOWAN_SCAN_H
#define FLOWAN_SCAN_H

#include "flowan/batch.h"
#include "flowan/filter.h"
#include "flowan/status.h"
#include "flowan/sum.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct flowan_scan flowan_scan;

typedef struct flowan_scan_counts {
    uint64_t rows; /* of logs, and of blocks that were not passed over */
    uint64_t rows_selected;
    uint64_t log_bytes; /* of logs, decompressed */
    uint64_t segments_read;
    uint64_t segments_skipped;      /* by their times */
    uint64_t segments_not_matching; /* by what their footers say of columns */
    uint64_t blocks_read;           /* rows of them were looked at */
    uint64_t blocks_skipped;        /* by their times, with those of segments skipped */
    uint64_t blocks_not_matching;   /* by what footers say, likewise */
    uint64_t blocks_by_bounds;      /* no row, by what is known of classes of rows */
    uint64_t blocks_by_dictionary;  /* no row, by the lists of values */
    uint64_t blocks_by_index;       /* no row, by the index of public addresses */
    uint64_t bytes_read;            /* of blocks, as stored */
    uint64_t rejects[FLOWAN_REJECT_REASONS]; /* of logs */
} flowan_scan_counts;

typedef struct flowan_scan_options {
    size_t size; /* sizeof(flowan_scan_options) */
    /* JSON keys that are wanted; NULL: all, with the exact texts. A name that nothing has
     * is no error. Batches may have further columns. */
    const char *const *columns;
    size_t column_count;
    /* Only records whose span overlaps [start, end) (doc/semantics.md); each bound counts
     * where its flag is set. `inside`: only those that lie wholly in it. Records without
     * a usable time are in no window. */
    uint64_t start_ns;
    uint64_t end_ns;
    bool has_start;
    bool has_end;
    bool inside;
    uint32_t record_limit; /* as the parser's */
    /* Called now and then with the counts so far; not zero: the scan ends as if there
     * were no more. May be NULL. */
    int (*progress)(void *context, const flowan_scan_counts *so_far);
    void *context;
    const flowan_key_map *map; /* as the parser's, for logs: archives know theirs */
    size_t map_count;
    const flowan_filter *filter; /* only records that it holds for; borrowed. NULL: all */
    flowan_asdb *asdb;           /* of the filter's ASNs, as a matcher's */
    bool prefer_asdb;
    uint32_t threads; /* that read blocks, this one among them; 0: 1. What comes out is
                         the same, for more memory: some 30 MB a thread */
    bool any_order;   /* records of a block may come in any order, which is faster */
} flowan_scan_options;

/* A path is an archive's directory, a segment, a log (plain, gzip or zstd, told by its
 * contents), or "-". All are looked at before the first batch, so that a wrong one is
 * told at once. The strings must stay until the scan is freed. One thread a handle. */
FLOWAN_API flowan_status flowan_scan_open(flowan_scan **out, const char *const *paths,
                                          size_t count,
                                          const flowan_scan_options *options,
                                          flowan_error *error);
FLOWAN_API void flowan_scan_free(flowan_scan *scan);

/* The next batch, with the selected rows (NULL: all of them); both borrowed until the next
 * call. Of a block there are mostly only rows that the window and the filter leave. FLOWAN_END at the end. After a failure (a damaged block, a truncated log) the next
 * call goes on behind what failed: nothing sound is lost. Rejects of a log are in the
 * batch; a batch may hold nothing else. */
FLOWAN_API flowan_status flowan_scan_next(flowan_scan *scan, const flowan_batch **batch,
                                          const flowan_selection **selection,
                                          flowan_error *error);

/* What the records of a scan come to. */
typedef struct flowan_scan_sums {
    uint64_t flows;
    flowan_sum packets; /* as exported */
    flowan_sum bytes;
    bool has_span;     /* of any flow it is known when it was: … */
    uint64_t first_ns; /* … the earliest start and … */
    uint64_t last_ns;  /* … the latest end */
} flowan_scan_sums;

/* Adds up all that flowan_scan_next would give, in its place: not both for one scan. Where
 * the options name columns, packets and bytes are added up only if they are among them, and
 * there is a span only if one of "time_received_ns", "time_flow_start_ns" and
 * "time_flow_end_ns" is. *sums is zeroed by the caller, and stays where it is.
 * FLOWAN_END when all is in; after a failure the next call goes on behind it. */
FLOWAN_API flowan_status flowan_scan_sum(flowan_scan *scan, flowan_scan_sums *sums,
                                         flowan_error *error);

FLOWAN_API flowan_scan_counts flowan_scan_count(const flowan_scan *scan);

/* Name of the path that the last batch came from: a log or a segment; borrowed. */
FLOWAN_API const char *flowan_scan_source(const flowan_scan *scan);

/* --- which columns there are --- */

typedef struct flowan_schema flowan_schema;

typedef struct flowan_schema_options {
    size_t size;               /* sizeof(flowan_schema_options) */
    const flowan_key_map *map; /* as a scan's */
    size_t map_count;
} flowan_schema_options;

typedef struct flowan_schema_column {
    const char *name;
    size_t name_size;
    int field; /* flowan_field, or -1 */
    flowan_type type;
    uint64_t present; /* rows that have a value */
} flowan_schema_column;

/* Looks through all of the paths: of segments only the blocks' directories, of logs every
 * record; standard input is read to its end. `options` may be NULL. *damaged (may be NULL) counts what could not
 * be read, the first of which `error` tells while the call succeeds. */
FLOWAN_API flowan_status flowan_schema_new(flowan_schema **out,
                                           const char *const *paths, size_t count,
                                           const flowan_schema_options *options,
                                           size_t *damaged, flowan_error *error);
FLOWAN_API void flowan_schema_free(flowan_schema *schema);
FLOWAN_API uint64_t flowan_schema_rows(const flowan_schema *schema);
/* Columns of the field table come first, in its order, then others by name. */
FLOWAN_API bool flowan_schema_get(const flowan_schema *schema, size_t index,
                                  flowan_schema_column *out);

#ifdef __cplusplus
}
#endif

#endif
