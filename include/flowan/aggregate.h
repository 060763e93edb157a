/* The aggregator: batches in, one row of measures for each distinct key out.
 *
 * `by` names the keys, separated by commas. A key is
 *
 *   any field by its JSON name, also a name that the field table does not know;
 *   an address with a prefix length ("src_addr/24": IPv4 at most /32, IPv6 the same
 *     number; "dst_addr/24,64": a length for each);
 *   local_net, local_ip, remote_ip, remote_as: the two ends of a flow, seen from here;
 *   src_as, dst_as: after the ASN order: the record's own when it is not 0, else the
 *     database's (prefer_asdb: the other way round), else 0;
 *   direction ("out", "in", "internal", "transit"), exporter (sampler_address), service
 *     (the lower of the ports in 1 to 1023), hour, day (of the flow's start, UTC).
 *
 * A field that a record does not have is a key of its own, NULL. With local_net or
 * local_ip among the keys an internal flow counts once for each of its sides (once,
 * where both give the same key) and transit has no row; with remote_ip or remote_as, but
 * no local key, neither internal nor transit flows have a row. What has no row is in
 * `outside`, so that always: rows + outside - counted_twice = total.
 *
 * One thread a handle. After a failed push the sums are of a part: only free it. */
#ifndef FLOWAN_AGGREGATE_H
#define FLOWAN_AGGREGATE_H

#include "flowan/asdb.h"
#include "flowan/batch.h"
#include "flowan/key.h"
#include "flowan/networks.h"
#include "flowan/status.h"
#include "flowan/sum.h"
#include "flowan/time.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct flowan_aggregator flowan_aggregator;

typedef struct flowan_aggregator_options {
    size_t size;     /* sizeof(flowan_aggregator_options) */
    const char *by;  /* keys as above; NULL or "": none, a single row of everything */
    uint64_t bin_ns; /* not 0: the time bin [k*bin, (k+1)*bin) is the first key, and a
                        flow that crosses bins is shared out; one without a usable time
                        has no row, one in more than 1,000,000 bins is a failure */
    const flowan_networks *networks; /* borrowed; NULL: the default private space */
    flowan_asdb *asdb;               /* borrowed, used by this thread; may be NULL */
    bool prefer_asdb;
    bool raw_counts;           /* as exported, not scaled by the sampling rate */
    uint64_t default_sampling; /* of records that state none (0 or absent); 0: 1 */
    const flowan_default_sampling *exporters; /* before default_sampling; copied */
    size_t exporter_count;
    flowan_clock clock; /* also of hour and day */
    flowan_scheme scheme;
} flowan_aggregator_options;

/* FLOWAN_ERROR_ARGUMENT for a `by` that does not parse: the sentence names the column
 * of the text, error->offset is the byte. `options` may be NULL. */
FLOWAN_API flowan_status flowan_aggregator_new(flowan_aggregator **out,
                                               const flowan_aggregator_options *options,
                                               flowan_error *error);
FLOWAN_API void flowan_aggregator_free(flowan_aggregator *aggregator);

/* Counts the chosen rows (NULL: all). The batch is not kept. */
FLOWAN_API flowan_status flowan_aggregator_push(flowan_aggregator *aggregator,
                                                const flowan_batch *batch,
                                                const flowan_selection *selection,
                                                flowan_error *error);

/* Parts of each key, the time bin included. */
FLOWAN_API size_t flowan_aggregator_keys(const flowan_aggregator *aggregator);
/* A key as it was asked for ("src_addr/24"; "time" for the bin); NULL out of range. */
FLOWAN_API const char *flowan_aggregator_key_name(const flowan_aggregator *aggregator,
                                                  size_t index);

/* Distinct keys so far. */
FLOWAN_API size_t flowan_aggregator_rows(const flowan_aggregator *aggregator);

/* Row `index` (rows are numbered as their keys first came). `parts` has room for
 * flowan_aggregator_keys; both may be NULL. False out of range. */
FLOWAN_API bool flowan_aggregator_row(flowan_aggregator *aggregator, size_t index,
                                      flowan_key_part *parts,
                                      flowan_measures *measures);

typedef enum flowan_order {
    FLOWAN_ORDER_BYTES = 0,
    FLOWAN_ORDER_PACKETS = 1,
    FLOWAN_ORDER_FLOWS = 2,
    FLOWAN_ORDER_KEY = 3
} flowan_order;

/* The `limit` first rows by a measure, descending, ties by key ascending (or all by
 * key). *rows, borrowed until the next call on the handle, are indices for
 * flowan_aggregator_row, *count of them. SIZE_MAX: all rows. */
FLOWAN_API flowan_status flowan_aggregator_order(flowan_aggregator *aggregator,
                                                 flowan_order order, size_t limit,
                                                 const uint32_t **rows, size_t *count,
                                                 flowan_error *error);

typedef struct flowan_totals {
    flowan_measures total;
    flowan_measures outside;       /* flows that have no row */
    flowan_measures counted_twice; /* flows that are in two rows, once each */
    uint64_t clock_faults;         /* flows whose exporter's clock was not believed */
    bool has_span;                 /* any usable time: earliest start, latest end */
    uint64_t first_ns;
    uint64_t last_ns;
} flowan_totals;

FLOWAN_API void flowan_aggregator_totals(const flowan_aggregator *aggregator,
                                         flowan_totals *out);

#ifdef __cplusplus
}
#endif

#endif
