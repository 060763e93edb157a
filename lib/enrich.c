/* Direction, local side, ASNs, scaled measures and start times of the rows of a batch.
 * The rules are those of doc/semantics.md; grouping and counting are the aggregator's.
 * */
#include "enrich.h"

#include <string.h>

#include "batch.h"
#include "memory.h"
#include "status.h"
#include "sum.h"
#include "text.h"

enum {
    DONE_SIDES = 1,
    DONE_ASNS = 2,
    DONE_REMOTE = 4,
    DONE_MEASURES = 8,
    DONE_TIMES = 16
};

flowan_status fl_enrich_init(fl_enrich *enrich, const fl_enrich_rules *rules,
                             flowan_error *error)
{
    *enrich = (fl_enrich){.rules = *rules};
    if (rules->default_rate == 0)
        enrich->rules.default_rate = 1;
    if (!rules->networks) {
        flowan_status status = flowan_networks_new(&enrich->own_networks, error);
        if (status < 0)
            return status;
        enrich->rules.networks = enrich->own_networks;
    }
    enrich->own_rates = fl_memory_alloc(rules->rate_count, sizeof *enrich->own_rates);
    if (!enrich->own_rates)
        return fl_status_memory(error);
    if (rules->rate_count)
        memcpy(enrich->own_rates, rules->rates,
               rules->rate_count * sizeof *enrich->own_rates);
    enrich->rules.rates = enrich->own_rates;
    return FLOWAN_OK;
}

static void free_arrays(fl_enrich *enrich)
{
    fl_memory_free(enrich->direction);
    fl_memory_free(enrich->src_network);
    fl_memory_free(enrich->dst_network);
    fl_memory_free(enrich->dst_local);
    fl_memory_free(enrich->own_src_as);
    fl_memory_free(enrich->own_dst_as);
    fl_memory_free(enrich->remote_as[0]);
    fl_memory_free(enrich->remote_as[1]);
    fl_memory_free(enrich->packets);
    fl_memory_free(enrich->bytes);
    fl_memory_free(enrich->start_ns);
    fl_memory_free(enrich->end_ns);
    enrich->direction = NULL;
    enrich->src_network = enrich->dst_network = NULL;
    enrich->dst_local = NULL;
    enrich->own_src_as = enrich->own_dst_as = NULL;
    enrich->remote_as[0] = enrich->remote_as[1] = NULL;
    enrich->packets = enrich->bytes = NULL;
    enrich->start_ns = enrich->end_ns = NULL;
    enrich->room = 0;
}

void fl_enrich_free(fl_enrich *enrich)
{
    free_arrays(enrich);
    flowan_networks_free(enrich->own_networks);
    fl_memory_free(enrich->own_rates);
    *enrich = (fl_enrich){0};
}

void fl_enrich_find(fl_enrich_column *column, const flowan_batch *batch,
                    flowan_field field)
{
    column->there = flowan_batch_field(batch, field, &column->view);
}

static bool present(const fl_enrich_column *column, size_t row)
{
    return column->there && (column->view.present[row / 64] >> (row % 64) & 1);
}

const flowan_address *fl_enrich_address(const fl_enrich_column *column, size_t row)
{
    return present(column, row) ? &column->view.address[row] : NULL;
}

static bool selection_fits(const flowan_selection *selection, size_t rows)
{
    uint32_t highest = 0;
    for (size_t i = 0; i < selection->count; i++)
        if (selection->rows[i] > highest)
            highest = selection->rows[i];
    return selection->count == 0 || highest < rows;
}

flowan_status fl_enrich_begin(fl_enrich *enrich, const flowan_batch *batch,
                              const flowan_selection *selection, flowan_error *error)
{
    size_t rows = flowan_batch_rows(batch);
    if (selection && !selection_fits(selection, rows))
        return fl_status_fail(error, FLOWAN_ERROR_ARGUMENT, FL_NO_OFFSET,
                              "the selection has a row beyond the batch of %zu rows",
                              rows);
    enrich->batch = batch;
    enrich->rows = selection ? selection->rows : NULL;
    enrich->count = selection ? selection->count : rows;
    enrich->done = 0;
    if (enrich->count > enrich->room) {
        free_arrays(enrich);
        enrich->room = enrich->count;
    }
    fl_clock_init(&enrich->clock, batch);
    fl_enrich_find(&enrich->src_addr, batch, FLOWAN_FIELD_SRC_ADDR);
    fl_enrich_find(&enrich->dst_addr, batch, FLOWAN_FIELD_DST_ADDR);
    fl_enrich_find(&enrich->src_as, batch, FLOWAN_FIELD_SRC_AS);
    fl_enrich_find(&enrich->dst_as, batch, FLOWAN_FIELD_DST_AS);
    return FLOWAN_OK;
}

/* The array at *array with room for every chosen row; NULL when memory is short. */
static bool ensure(const fl_enrich *enrich, void **array, size_t width)
{
    if (!*array)
        *array = fl_memory_alloc(enrich->room, width);
    return *array != NULL;
}

/* --- sides --- */

/* The translated destination: IPv4 before IPv6; all zeros are none. */
static const flowan_address *translated(const fl_enrich_column nat[2], size_t row)
{
    for (int i = 0; i < 2; i++) {
        const flowan_address *address = fl_enrich_address(&nat[i], row);
        if (address && !fl_text_is_zero(address))
            return address;
    }
    return NULL;
}

/* The local address of the destination's side: of dst_addr and its translation those
 * that are local, one that is not public first, then the translation. */
static bool find_destination(const fl_enrich *enrich, size_t i, size_t row,
                             const fl_enrich_column nat[2])
{
    const flowan_networks *networks = enrich->rules.networks;
    const flowan_address *plain = fl_enrich_address(&enrich->dst_addr, row);
    const flowan_address *after = translated(nat, row);
    flowan_network_match plain_match = {FL_ENRICH_NO_NETWORK, false};
    flowan_network_match match = {FL_ENRICH_NO_NETWORK, false};
    bool plain_local = plain && flowan_networks_find(networks, plain, &plain_match);
    bool after_local = after && flowan_networks_find(networks, after, &match);
    if (plain_local && (!after_local || (match.is_public && !plain_match.is_public))) {
        after = plain;
        match = plain_match;
    }
    enrich->dst_network[i] = match.network;
    if (!plain_local && !after_local)
        return false;
    enrich->dst_local[i] = *after;
    return true;
}

bool fl_enrich_sides(fl_enrich *enrich)
{
    if (enrich->done & DONE_SIDES)
        return true;
    if (!ensure(enrich, (void **)&enrich->direction, sizeof *enrich->direction) ||
        !ensure(enrich, (void **)&enrich->src_network, sizeof *enrich->src_network) ||
        !ensure(enrich, (void **)&enrich->dst_network, sizeof *enrich->dst_network) ||
        !ensure(enrich, (void **)&enrich->dst_local, sizeof *enrich->dst_local))
        return false;
    fl_enrich_column nat[2];
    fl_enrich_find(&nat[0], enrich->batch, FLOWAN_FIELD_POST_NAT_DST_IPV4_ADDRESS);
    fl_enrich_find(&nat[1], enrich->batch, FLOWAN_FIELD_POST_NAT_DST_IPV6_ADDRESS);
    for (size_t i = 0; i < enrich->count; i++) {
        size_t row = fl_enrich_row(enrich, i);
        const flowan_address *source = fl_enrich_address(&enrich->src_addr, row);
        flowan_network_match match = {FL_ENRICH_NO_NETWORK, false};
        bool from_local =
            source && flowan_networks_find(enrich->rules.networks, source, &match);
        bool to_local = find_destination(enrich, i, row, nat);
        enrich->src_network[i] = match.network;
        enrich->direction[i] =
            (uint8_t)((from_local ? FL_DIRECTION_OUT : FL_DIRECTION_TRANSIT) |
                      (to_local ? FL_DIRECTION_IN : FL_DIRECTION_TRANSIT));
    }
    enrich->done |= DONE_SIDES;
    return true;
}

/* --- autonomous systems --- */

static uint32_t find_as(const fl_enrich *enrich, size_t row, bool source)
{
    const fl_enrich_column *column = source ? &enrich->src_as : &enrich->dst_as;
    uint32_t own = present(column, row) ? column->view.u32[row] : 0;
    if (!enrich->rules.asdb || (own && !enrich->rules.prefer_asdb))
        return own;
    const flowan_address *address =
        fl_enrich_address(source ? &enrich->src_addr : &enrich->dst_addr, row);
    uint32_t found = address ? flowan_asdb_lookup(enrich->rules.asdb, address) : 0;
    return found ? found : own;
}

bool fl_enrich_asns(fl_enrich *enrich)
{
    if (enrich->done & DONE_ASNS)
        return true;
    if (!ensure(enrich, (void **)&enrich->own_src_as, sizeof *enrich->own_src_as) ||
        !ensure(enrich, (void **)&enrich->own_dst_as, sizeof *enrich->own_dst_as))
        return false;
    for (size_t i = 0; i < enrich->count; i++) {
        size_t row = fl_enrich_row(enrich, i);
        enrich->own_src_as[i] = find_as(enrich, row, true);
        enrich->own_dst_as[i] = find_as(enrich, row, false);
    }
    enrich->done |= DONE_ASNS;
    return true;
}

bool fl_enrich_remote_as(fl_enrich *enrich)
{
    if (enrich->done & DONE_REMOTE)
        return true;
    if (!fl_enrich_sides(enrich) ||
        !ensure(enrich, (void **)&enrich->remote_as[0], sizeof *enrich->remote_as[0]) ||
        !ensure(enrich, (void **)&enrich->remote_as[1], sizeof *enrich->remote_as[1]))
        return false;
    for (size_t i = 0; i < enrich->count; i++) {
        size_t row = fl_enrich_row(enrich, i);
        unsigned direction = enrich->direction[i];
        enrich->remote_as[0][i] =
            direction & FL_DIRECTION_OUT ? find_as(enrich, row, false) : 0;
        enrich->remote_as[1][i] =
            direction & FL_DIRECTION_IN ? find_as(enrich, row, true) : 0;
    }
    enrich->done |= DONE_REMOTE;
    return true;
}

/* --- measures and times --- */

static uint64_t default_rate(const fl_enrich *enrich, const fl_enrich_column *exporter,
                             size_t row)
{
    if (enrich->rules.rate_count == 0)
        return enrich->rules.default_rate;
    const flowan_address *address = fl_enrich_address(exporter, row);
    for (size_t i = 0; address && i < enrich->rules.rate_count; i++)
        if (memcmp(address, &enrich->rules.rates[i].exporter, sizeof *address) == 0)
            return enrich->rules.rates[i].rate ? enrich->rules.rates[i].rate : 1;
    return enrich->rules.default_rate;
}

/* 0 where the record has none. */
static inline uint64_t number_of(const fl_enrich_column *column, bool full, size_t row)
{
    return full || present(column, row) ? column->view.u64[row] : 0;
}

static bool is_full(const fl_enrich_column *column)
{
    return column->there && fl_column_is_full(&column->view);
}

bool fl_enrich_measures(fl_enrich *enrich)
{
    if (enrich->done & DONE_MEASURES)
        return true;
    if (!ensure(enrich, (void **)&enrich->packets, sizeof *enrich->packets) ||
        !ensure(enrich, (void **)&enrich->bytes, sizeof *enrich->bytes))
        return false;
    fl_enrich_column packets;
    fl_enrich_column bytes;
    fl_enrich_column sampling;
    fl_enrich_column exporter;
    fl_enrich_find(&packets, enrich->batch, FLOWAN_FIELD_PACKETS);
    fl_enrich_find(&bytes, enrich->batch, FLOWAN_FIELD_BYTES);
    fl_enrich_find(&sampling, enrich->batch, FLOWAN_FIELD_SAMPLING_RATE);
    fl_enrich_find(&exporter, enrich->batch, FLOWAN_FIELD_SAMPLER_ADDRESS);
    const bool full[] = {is_full(&packets), is_full(&bytes), is_full(&sampling)};
    const bool raw = enrich->rules.raw_counts;
    for (size_t i = 0; i < enrich->count; i++) {
        size_t row = fl_enrich_row(enrich, i);
        uint64_t rate = raw ? 1 : number_of(&sampling, full[2], row);
        if (rate == 0)
            rate = default_rate(enrich, &exporter, row);
        enrich->packets[i] = fl_sum_product(number_of(&packets, full[0], row), rate);
        enrich->bytes[i] = fl_sum_product(number_of(&bytes, full[1], row), rate);
    }
    enrich->done |= DONE_MEASURES;
    return true;
}

bool fl_enrich_times(fl_enrich *enrich)
{
    if (enrich->done & DONE_TIMES)
        return true;
    if (!ensure(enrich, (void **)&enrich->start_ns, sizeof *enrich->start_ns) ||
        !ensure(enrich, (void **)&enrich->end_ns, sizeof *enrich->end_ns))
        return false;
    enrich->first_ns = UINT64_MAX;
    enrich->last_ns = 0;
    enrich->has_span = false;
    enrich->clock_faults = 0;
    for (size_t i = 0; i < enrich->count; i++) {
        size_t row = fl_enrich_row(enrich, i);
        fl_span span = fl_clock_span(&enrich->clock, row);
        if (enrich->rules.clock != FLOWAN_CLOCK_START_END)
            span = fl_clock_by(enrich->rules.clock, &span,
                               fl_clock_received(&enrich->clock, row));
        enrich->clock_faults += span.broken;
        enrich->start_ns[i] = span.known ? span.start_ns : FL_ENRICH_NO_TIME;
        enrich->end_ns[i] = span.end_ns;
        if (!span.known)
            continue;
        enrich->has_span = true;
        if (span.start_ns < enrich->first_ns)
            enrich->first_ns = span.start_ns;
        if (span.end_ns > enrich->last_ns)
            enrich->last_ns = span.end_ns;
    }
    enrich->done |= DONE_TIMES;
    return true;
}

const char *fl_enrich_direction_name(unsigned direction)
{
    static const char *const names[] = {"transit", "out", "in", "internal"};
    return direction < FL_DIRECTION_COUNT ? names[direction] : "";
}
