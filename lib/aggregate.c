/* Keys to measures: one probe of the key table for each row and side. What a key is
 * stands in key.c; how rows look on paper in the reports. */
#include "aggregate.h"

#include <string.h>

#include "spread.h"
#include "status.h"
#include "sum.h"

/* --- the handle --- */

flowan_status fl_aggregate_check_times(flowan_clock clock, flowan_scheme scheme,
                                       flowan_error *error)
{
    if ((unsigned)clock <= FLOWAN_CLOCK_END && (unsigned)scheme <= FLOWAN_SCHEME_MIDDLE)
        return FLOWAN_OK;
    return fl_status_fail(error, FLOWAN_ERROR_ARGUMENT, FL_NO_OFFSET,
                          "no clock has the number %d, or no scheme %d", (int)clock,
                          (int)scheme);
}

flowan_status fl_aggregate_new(flowan_aggregator **out, fl_enrich *enrich,
                               const char *by, uint64_t bin_ns, flowan_scheme scheme,
                               bool skip_internal, flowan_error *error)
{
    *out = NULL;
    flowan_aggregator *aggregator = fl_memory_zalloc(1, sizeof *aggregator);
    if (!aggregator)
        return fl_status_memory(error);
    aggregator->enrich = enrich ? enrich : &aggregator->own_enrich;
    aggregator->scheme = scheme;
    aggregator->skip_internal = skip_internal;
    flowan_status status = fl_keys_init(&aggregator->keys, by, bin_ns, error);
    if (status < 0)
        flowan_aggregator_free(aggregator);
    else
        *out = aggregator;
    return status;
}

/* The public struct and the internal one are the same words in two layers. */
static flowan_status init_enrich(flowan_aggregator *aggregator,
                                 const flowan_aggregator_options *options,
                                 flowan_error *error)
{
    fl_enrich_rules rules = {
        .networks = options->networks,
        .asdb = options->asdb,
        .prefer_asdb = options->prefer_asdb,
        .raw_counts = options->raw_counts,
        .clock = options->clock,
        .default_rate = options->default_sampling,
        .rates = options->exporters,
        .rate_count = options->exporter_count,
    };
    return fl_enrich_init(&aggregator->own_enrich, &rules, error);
}

flowan_status flowan_aggregator_new(flowan_aggregator **out,
                                    const flowan_aggregator_options *options,
                                    flowan_error *error)
{
    flowan_aggregator_options known = {.size = sizeof known};
    *out = NULL;
    if (!fl_status_options_fit(options, sizeof known))
        return fl_status_fail(error, FLOWAN_ERROR_ARGUMENT, FL_NO_OFFSET,
                              "aggregator options: unknown bytes are set");
    if (options)
        memcpy(&known, options,
               options->size < sizeof known ? options->size : sizeof known);
    flowan_aggregator *aggregator;
    flowan_status status = fl_aggregate_check_times(known.clock, known.scheme, error);
    if (status >= 0)
        status = fl_aggregate_new(&aggregator, NULL, known.by, known.bin_ns,
                                  known.scheme, false, error);
    if (status < 0)
        return status;
    status = init_enrich(aggregator, &known, error);
    if (status < 0)
        flowan_aggregator_free(aggregator);
    else
        *out = aggregator;
    return status;
}

void flowan_aggregator_free(flowan_aggregator *aggregator)
{
    if (!aggregator)
        return;
    fl_enrich_free(&aggregator->own_enrich);
    fl_keys_free(&aggregator->keys);
    fl_hash_free(&aggregator->table);
    fl_memory_free(aggregator->measures);
    fl_buffer_free(&aggregator->key[0]);
    fl_buffer_free(&aggregator->key[1]);
    fl_memory_free(aggregator->order);
    fl_memory_free(aggregator);
}

/* --- counting --- */

static bool build(flowan_aggregator *aggregator, size_t i, bool local_is_source,
                  uint64_t bin)
{
    fl_buffer *key = &aggregator->key[!local_is_source];
    key->size = 0;
    return fl_keys_build(&aggregator->keys, aggregator->enrich, i, local_is_source, bin,
                         key);
}

static bool count(flowan_aggregator *aggregator, const fl_buffer *key,
                  const flowan_measures *flow)
{
    bool added;
    if (key->failed)
        return false;
    int64_t entry =
        fl_hash_put(&aggregator->table, key->data ? key->data : "", key->size, &added);
    if (entry < 0)
        return false;
    if (added) {
        if (!fl_memory_grow((void **)&aggregator->measures, &aggregator->measures_room,
                            aggregator->table.count, sizeof *aggregator->measures))
            return false;
        aggregator->measures[entry] = (flowan_measures){0};
    }
    fl_measures_add(&aggregator->measures[entry], flow);
    return true;
}

/* An internal flow counts on both of its sides, once where they are the same key. */
static bool count_both(flowan_aggregator *aggregator, size_t i, uint64_t bin,
                       const flowan_measures *flow)
{
    const fl_buffer *key = aggregator->key;
    if (!build(aggregator, i, true, bin) || !build(aggregator, i, false, bin)) {
        fl_measures_add(&aggregator->totals.outside, flow);
        return true;
    }
    if (!count(aggregator, &key[0], flow))
        return false;
    if (!key[1].failed && key[0].size == key[1].size &&
        (key[0].size == 0 || memcmp(key[0].data, key[1].data, key[0].size) == 0))
        return true;
    fl_measures_add(&aggregator->totals.counted_twice, flow);
    return count(aggregator, &key[1], flow);
}

/* A flow, or what of it is in a bin. */
static bool count_row(flowan_aggregator *aggregator, size_t i, uint64_t bin,
                      const flowan_measures *flow)
{
    const fl_keys *keys = &aggregator->keys;
    bool from_here = true;
    if (keys->has_local || keys->has_remote) {
        unsigned direction = aggregator->enrich->direction[i];
        bool internal = direction == FL_DIRECTION_INTERNAL;
        if (internal && keys->has_local && !aggregator->skip_internal)
            return count_both(aggregator, i, bin, flow);
        if (internal || direction == FL_DIRECTION_TRANSIT) {
            fl_measures_add(&aggregator->totals.outside, flow);
            return true;
        }
        from_here = direction == FL_DIRECTION_OUT;
    }
    if (build(aggregator, i, from_here, bin))
        return count(aggregator, &aggregator->key[!from_here], flow);
    fl_measures_add(&aggregator->totals.outside, flow);
    return true;
}

static flowan_status tell_memory(const flowan_aggregator *aggregator,
                                 flowan_error *error)
{
    return fl_status_fail(error, FLOWAN_ERROR_MEMORY, FL_NO_OFFSET,
                          "out of memory at %zu distinct keys",
                          aggregator->table.count);
}

/* Over the bins that it is in. */
static flowan_status count_bins(flowan_aggregator *aggregator, size_t i,
                                const flowan_measures *flow, flowan_error *error)
{
    const fl_enrich *enrich = aggregator->enrich;
    const fl_span span = {enrich->start_ns[i], enrich->end_ns[i], true, false};
    fl_spread spread;
    flowan_measures share;
    uint64_t bin;
    fl_spread_begin(&spread, aggregator->scheme, aggregator->keys.bin_ns, &span, flow);
    if (spread.count > FL_AGGREGATE_BINS_MAX)
        return fl_status_fail(error, FLOWAN_ERROR_LIMIT, FL_NO_OFFSET,
                              "a flow of %llu ns is in %llu bins, more than %d",
                              (unsigned long long)(span.end_ns - span.start_ns),
                              (unsigned long long)spread.count, FL_AGGREGATE_BINS_MAX);
    while (fl_spread_next(&spread, &bin, &share))
        if (!count_row(aggregator, i, bin, &share))
            return tell_memory(aggregator, error);
    return FLOWAN_OK;
}

static void add_times(flowan_totals *totals, const fl_enrich *enrich)
{
    totals->clock_faults += enrich->clock_faults;
    if (!enrich->has_span)
        return;
    if (!totals->has_span || enrich->first_ns < totals->first_ns)
        totals->first_ns = enrich->first_ns;
    if (!totals->has_span || enrich->last_ns > totals->last_ns)
        totals->last_ns = enrich->last_ns;
    totals->has_span = true;
}

flowan_status fl_aggregate_push(flowan_aggregator *aggregator, flowan_error *error)
{
    fl_enrich *enrich = aggregator->enrich;
    flowan_status status = FLOWAN_OK;
    if (!fl_keys_begin(&aggregator->keys, enrich) || !fl_enrich_measures(enrich) ||
        !fl_enrich_times(enrich))
        return fl_status_memory(error);
    for (size_t i = 0; i < enrich->count; i++) {
        flowan_measures flow = {1, enrich->packets[i], enrich->bytes[i]};
        fl_measures_add(&aggregator->totals.total, &flow);
        if (aggregator->keys.bin_ns && enrich->start_ns[i] != FL_ENRICH_NO_TIME)
            status = count_bins(aggregator, i, &flow, error);
        else if (!count_row(aggregator, i, 0, &flow))
            status = tell_memory(aggregator, error);
        if (status < 0)
            return status;
    }
    add_times(&aggregator->totals, enrich);
    return FLOWAN_OK;
}

flowan_status flowan_aggregator_push(flowan_aggregator *aggregator,
                                     const flowan_batch *batch,
                                     const flowan_selection *selection,
                                     flowan_error *error)
{
    flowan_status status = fl_enrich_begin(aggregator->enrich, batch, selection, error);
    return status < 0 ? status : fl_aggregate_push(aggregator, error);
}

/* --- rows --- */

size_t flowan_aggregator_keys(const flowan_aggregator *aggregator)
{
    return aggregator->keys.count;
}

const char *flowan_aggregator_key_name(const flowan_aggregator *aggregator,
                                       size_t index)
{
    return index < aggregator->keys.count ? aggregator->keys.specs[index].name : NULL;
}

size_t flowan_aggregator_rows(const flowan_aggregator *aggregator)
{
    return aggregator->table.count;
}

bool flowan_aggregator_row(flowan_aggregator *aggregator, size_t index,
                           flowan_key_part *parts, flowan_measures *measures)
{
    if (index >= aggregator->table.count)
        return false;
    if (measures)
        *measures = aggregator->measures[index];
    size_t size;
    const char *at = fl_hash_key(&aggregator->table, index, &size);
    for (size_t i = 0; parts && i < aggregator->keys.count; i++)
        fl_keys_take(&aggregator->keys, aggregator->enrich, i, &at, &parts[i]);
    return true;
}

/* --- order --- */

flowan_sum fl_aggregate_measure(const flowan_measures *measures, flowan_order order)
{
    switch (order) {
    case FLOWAN_ORDER_BYTES: return measures->bytes;
    case FLOWAN_ORDER_PACKETS: return measures->packets;
    case FLOWAN_ORDER_FLOWS: return fl_sum_of(measures->flows);
    case FLOWAN_ORDER_KEY: break;
    }
    return fl_sum_of(0);
}

/* Moves the item at `at` down until none below it comes later. */
static void sink(uint32_t *heap, size_t size, size_t at, fl_before_function before,
                 void *context)
{
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= size)
            return;
        if (child + 1 < size && before(context, heap[child], heap[child + 1]))
            child++;
        if (!before(context, heap[at], heap[child]))
            return;
        uint32_t moved = heap[at];
        heap[at] = heap[child];
        heap[child] = moved;
        at = child;
    }
}

bool fl_aggregate_select(size_t count, size_t limit, fl_before_function before,
                         void *context, uint32_t **out, size_t *selected)
{
    /* A heap of the best so far, the last of them on top: n log limit, no recursion,
     * and unlike qsort it takes a context everywhere. */
    size_t size = count < limit ? count : limit;
    uint32_t *heap = fl_memory_alloc(size, sizeof *heap);
    *out = heap;
    *selected = size;
    if (!heap)
        return false;
    for (size_t i = 0; i < size; i++)
        heap[i] = (uint32_t)i;
    for (size_t i = size / 2; i > 0; i--)
        sink(heap, size, i - 1, before, context);
    for (size_t i = size; size && i < count; i++)
        if (before(context, (uint32_t)i, heap[0])) {
            heap[0] = (uint32_t)i;
            sink(heap, size, 0, before, context);
        }
    for (size_t left = size; left > 1; left--) {
        uint32_t last = heap[0];
        heap[0] = heap[left - 1];
        heap[left - 1] = last;
        sink(heap, left - 1, 0, before, context);
    }
    return true;
}

typedef struct row_order {
    flowan_aggregator *aggregator;
    flowan_order order;
} row_order;

static bool row_before(void *context, uint32_t a, uint32_t b)
{
    const row_order *by = context;
    flowan_aggregator *aggregator = by->aggregator;
    int order =
        fl_sum_compare(fl_aggregate_measure(&aggregator->measures[a], by->order),
                       fl_aggregate_measure(&aggregator->measures[b], by->order));
    if (order)
        return order > 0;
    size_t size;
    order = fl_keys_compare(
        &aggregator->keys, aggregator->enrich, 0, aggregator->keys.count,
        fl_aggregate_key(aggregator, a, &size), fl_aggregate_key(aggregator, b, &size));
    /* Keys that look alike (two networks of one name) keep the order of arrival. */
    return order ? order < 0 : a < b;
}

flowan_status flowan_aggregator_order(flowan_aggregator *aggregator, flowan_order order,
                                      size_t limit, const uint32_t **rows,
                                      size_t *count, flowan_error *error)
{
    row_order by = {aggregator, order};
    fl_memory_free(aggregator->order);
    aggregator->order = NULL;
    *rows = NULL;
    *count = 0;
    uint32_t *selected;
    if (!fl_aggregate_select(aggregator->table.count, limit, row_before, &by, &selected,
                             count))
        return fl_status_memory(error);
    aggregator->order = selected;
    *rows = selected;
    return FLOWAN_OK;
}

void flowan_aggregator_totals(const flowan_aggregator *aggregator, flowan_totals *out)
{
    *out = aggregator->totals;
}
