/* Layer 6: inside the aggregator, for reports that compose several over one enrichment.
 * */
#ifndef FL_AGGREGATE_H
#define FL_AGGREGATE_H

#include "flowan/aggregate.h"
#include "hash.h"
#include "key.h"

enum { FL_AGGREGATE_BINS_MAX = 1000000 }; /* that one flow is shared out over */

struct flowan_aggregator {
    fl_enrich *enrich; /* own_enrich, or one that a report shares out */
    fl_enrich own_enrich;
    fl_keys keys;
    flowan_scheme scheme;
    bool skip_internal; /* internal flows have no row */
    fl_hash table;
    flowan_measures *measures; /* per entry of the table */
    size_t measures_room;
    flowan_totals totals;
    fl_buffer key[2]; /* of the row in hand, from either side */
    uint32_t *order;
};

/* An aggregator over an enrichment that the caller owns and that outlives it. */
flowan_status fl_aggregate_new(flowan_aggregator **out, fl_enrich *enrich,
                               const char *by, uint64_t bin_ns, flowan_scheme scheme,
                               bool skip_internal, flowan_error *error);

/* Counts what the enrichment has in hand. */
flowan_status fl_aggregate_push(flowan_aggregator *aggregator, flowan_error *error);

static inline const char *fl_aggregate_key(const flowan_aggregator *aggregator,
                                           size_t row, size_t *size)
{
    return fl_hash_key(&aggregator->table, row, size);
}

/* The measure that an order looks at. */
flowan_sum fl_aggregate_measure(const flowan_measures *measures, flowan_order order);

/* Whether there are such a clock and scheme; else a sentence. */
flowan_status fl_aggregate_check_times(flowan_clock clock, flowan_scheme scheme,
                                       flowan_error *error);

/* Whether `a` comes before `b` in an order that never says equal. */
typedef bool (*fl_before_function)(void *context, uint32_t a, uint32_t b);

/* The first `limit` of 0 … count-1, in order: *out (to be freed by fl_memory_free) has
 * room for all that are asked for, *selected of them. False when memory is short. */
bool fl_aggregate_select(size_t count, size_t limit, fl_before_function before,
                         void *context, uint32_t **out, size_t *selected);

#endif
