/* Gaps: spans in which no record was received from any exporter, over records that come in
 * any order (doc/semantics.md). */
#ifndef FLOWAN_GAPS_H
#define FLOWAN_GAPS_H

#include <stdbool.h>

#include "flowan/batch.h"
#include "flowan/segment.h"
#include "flowan/status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define FLOWAN_GAP_DEFAULT_NS UINT64_C(300000000000) /* five minutes */

/* One thread a handle. Holds 16 bytes for each span that no other touches yet. */
typedef struct flowan_gaps flowan_gaps;

/* Spans of `gap_ns` and more are gaps; 0: five minutes. */
FLOWAN_API flowan_status flowan_gaps_new(flowan_gaps **out, uint64_t gap_ns,
                                         flowan_error *error);
FLOWAN_API void flowan_gaps_free(flowan_gaps *gaps);

/* Takes a block by its statistics. False when these do not suffice, for the block's times
 * lie so far apart that a gap may be between them, or it has none: add its batch then. The
 * answer is surer the more was added before; FLOWAN_ERROR_MEMORY is told by `status` (may
 * be NULL). */
FLOWAN_API bool flowan_gaps_add_stats(flowan_gaps *gaps,
                                      const flowan_segment_stats *stats,
                                      flowan_status *status);

/* Takes the records of a batch, of which the columns time_received_ns and, for those that
 * have none, time_flow_start_ns are looked at. A record without a receive time was received
 * with the one before it. */
FLOWAN_API flowan_status flowan_gaps_add(flowan_gaps *gaps, const flowan_batch *batch,
                                         flowan_error *error);

typedef struct flowan_gap {
    uint64_t from_ns; /* of the last record before it */
    uint64_t to_ns;   /* of the first behind it */
} flowan_gap;

/* The gaps between what was added so far, in order of time; false behind the last. */
FLOWAN_API bool flowan_gaps_get(flowan_gaps *gaps, size_t index, flowan_gap *out);

/* The first and the last time that was added; false when none was. */
FLOWAN_API bool flowan_gaps_span(flowan_gaps *gaps, uint64_t *first_ns,
                                 uint64_t *last_ns);

#ifdef __cplusplus
}
#endif

#endif
