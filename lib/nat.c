/* A scan for the records that may answer, with a filter that passes them and some more; the
 * rules are then asked record by record. When nothing was received is looked up only when
 * nothing was found. */
#include "flowan/nat.h"

#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "index.h"
#include "names.h"
#include "receipts.h"
#include "render.h"
#include "scan.h"
#include "sides.h"
#include "status.h"
#include "text.h"

enum { FILTER_SIZE = 1024 };

struct flowan_nat {
    flowan_nat_options options;
    uint64_t from_ns; /* without skew; 0 and UINT64_MAX where there is no bound */
    uint64_t to_ns;
    flowan_filter *filter;
    flowan_scan *scan;
    /* the batch at hand */
    const flowan_batch *batch; /* NULL: none */
    const flowan_selection *selection;
    size_t at;  /* the next of its rows */
    size_t row; /* the one looked at last, and … */
    fl_sides sides;
    fl_clock clock;
    fl_side found[FL_SIDES_MAX]; /* … its sides that match, … */
    size_t found_count;
    size_t given; /* … of which so many were given */
    fl_buffer record;
    /* the answer */
    bool any;
    bool failed; /* something could not be read */
    bool ended;
    flowan_gaps *received; /* of logs from the beginning, of the rest at the end */
    flowan_gap *gaps;
    size_t gap_count;
    size_t gaps_room;
    flowan_nat_verdict verdict;
};

/* --- the question --- */

static uint64_t less(uint64_t time, uint64_t by)
{
    return time > by ? time - by : 0;
}

static uint64_t more(uint64_t time, uint64_t by)
{
    return time < UINT64_MAX - by ? time + by : UINT64_MAX;
}

/* A superset of what answers, as tests joined by and, so that each leaves fewer rows to the
 * next. `not PORT != Q` holds for Q and where there is no port. */
static flowan_status make_filter(flowan_nat *nat, flowan_error *error)
{
    char text[FILTER_SIZE];
    char address[FL_TEXT_ADDRESS_SIZE + 1];
    address[fl_text_put_address(address, &nat->options.address)] = 0;
    int size = snprintf(text, sizeof text,
                        "(field post_nat_src_ipv4_address = %s"
                        " or field post_nat_src_ipv6_address = %s"
                        " or field dst_addr = %s)",
                        address, address, address);
    if (nat->options.has_port)
        size += snprintf(text + size, sizeof text - (size_t)size,
                         " and (not field post_napt_src_transport_port != %u"
                         " or not field dst_port != %u)",
                         nat->options.port, nat->options.port);
    return flowan_filter_compile(&nat->filter, text, (size_t)size, NULL, error);
}

static flowan_status open_scan(flowan_nat *nat, const char *const *paths, size_t count,
                               flowan_error *error)
{
    const flowan_nat_options *o = &nat->options;
    const flowan_scan_options options = {
        .size = sizeof options,
        .has_start = o->has_from,
        /* a flow is in the question still at the instant of its end */
        .start_ns = less(less(o->from_ns, o->skew_ns), 1),
        .has_end = o->has_to,
        .end_ns = more(o->to_ns, o->skew_ns),
        .record_limit = o->record_limit,
        .progress = o->progress,
        .context = o->context,
        .map = o->map,
        .map_count = o->map_count,
        .filter = nat->filter,
        .threads = o->threads,
    };
    flowan_status status = flowan_scan_open(&nat->scan, paths, count, &options, error);
    if (status != FLOWAN_OK)
        return status;
    uint64_t *hashes = nat->scan->hashes;
    hashes[0] = o->has_port ? fl_index_pair(&o->address, &o->port)
                            : fl_index_address(&o->address);
    hashes[1] = fl_index_pair(&o->address, NULL);
    nat->scan->hash_count = o->has_port ? 2 : 1;
    return FLOWAN_OK;
}

flowan_status flowan_nat_open(flowan_nat **out, const char *const *paths, size_t count,
                              const flowan_nat_options *options, flowan_error *error)
{
    *out = NULL;
    if (!options || !fl_status_options_fit(options, sizeof *options))
        return fl_status_fail(error, FLOWAN_ERROR_ARGUMENT, FL_NO_OFFSET,
                              "options of a NAT lookup: none, or unknown members");
    flowan_nat *nat = fl_memory_zalloc(1, sizeof *nat);
    if (!nat)
        return fl_status_memory(error);
    memcpy(&nat->options, options,
           options->size < sizeof *options ? options->size : sizeof *options);
    nat->from_ns = nat->options.has_from ? nat->options.from_ns : 0;
    nat->to_ns = nat->options.has_to ? nat->options.to_ns : UINT64_MAX;
    flowan_status status = FLOWAN_OK;
    if (nat->from_ns >= nat->to_ns)
        status = fl_status_fail(error, FLOWAN_ERROR_ARGUMENT, FL_NO_OFFSET,
                                "a NAT lookup: its time ends before it begins");
    if (status == FLOWAN_OK)
        status = make_filter(nat, error);
    if (status == FLOWAN_OK)
        status = open_scan(nat, paths, count, error);
    if (status == FLOWAN_OK)
        status = flowan_gaps_new(&nat->received, nat->options.gap_ns, error);
    if (status == FLOWAN_OK)
        *out = nat;
    else
        flowan_nat_free(nat);
    return status;
}

void flowan_nat_free(flowan_nat *nat)
{
    if (!nat)
        return;
    flowan_scan_free(nat->scan);
    flowan_filter_free(nat->filter);
    flowan_gaps_free(nat->received);
    fl_buffer_free(&nat->record);
    fl_memory_free(nat->gaps);
    fl_memory_free(nat);
}

/* --- matches --- */

/* Closed at both ends, as skew would have it. */
static bool is_in_time(const flowan_nat *nat, const fl_span *span)
{
    const flowan_nat_options *o = &nat->options;
    if (!o->has_from && !o->has_to)
        return true;
    return span->known && less(span->start_ns, o->skew_ns) < nat->to_ns &&
           more(span->end_ns, o->skew_ns) >= nat->from_ns;
}

static bool is_asked(const flowan_nat *nat, const fl_side *side)
{
    const flowan_nat_options *o = &nat->options;
    return memcmp(side->public_address, &o->address, sizeof o->address) == 0 &&
           (!o->has_port || !side->public_port || *side->public_port == o->port);
}

/* Looks at a row of the batch at hand. */
static void look_at(flowan_nat *nat, size_t row)
{
    fl_span span = fl_clock_span(&nat->clock, row);
    nat->found_count = nat->given = 0;
    if (!is_in_time(nat, &span))
        return;
    fl_side sides[FL_SIDES_MAX];
    size_t count = fl_sides_of(&nat->sides, row, sides);
    for (size_t i = 0; i < count; i++)
        if (is_asked(nat, &sides[i]))
            nat->found[nat->found_count++] = sides[i];
}

static void set_address(flowan_address *out, bool *has, const flowan_address *address)
{
    *has = address != NULL;
    if (address)
        *out = *address;
}

static void set_number(uint32_t *out, bool *has, const uint32_t *number)
{
    *has = number != NULL;
    if (number)
        *out = *number;
}

static void set_field(const flowan_nat *nat, size_t row, flowan_field field,
                      flowan_nat_match *out)
{
    flowan_column column;
    if (!flowan_batch_field(nat->batch, field, &column) ||
        !(column.present[row / 64] >> (row % 64) & 1))
        return;
    if (field == FLOWAN_FIELD_PROTO)
        set_number(&out->proto, &out->has_proto, &column.u32[row]);
    else
        set_address(&out->exporter, &out->has_exporter, &column.address[row]);
}

static flowan_status give(flowan_nat *nat, size_t row, flowan_nat_match *out,
                          flowan_error *error)
{
    const fl_side *side = &nat->found[nat->given++];
    fl_span span = fl_clock_span(&nat->clock, row);
    bool has_public;
    *out =
        (flowan_nat_match){.batch = nat->batch,
                           .row = (uint32_t)row,
                           .source = flowan_scan_source(nat->scan),
                           .has_span = span.known,
                           .start_ns = span.start_ns,
                           .end_ns = span.end_ns,
                           .clock_fault = span.broken,
                           .port_unknown = nat->options.has_port && !side->public_port,
                           .outbound = side->is_source};
    set_address(&out->public_address, &has_public, side->public_address);
    set_number(&out->public_port, &out->has_public_port, side->public_port);
    set_address(&out->local_address, &out->has_local_address, side->local_address);
    set_number(&out->local_port, &out->has_local_port, side->local_port);
    set_address(&out->remote_address, &out->has_remote_address, side->remote_address);
    set_number(&out->remote_port, &out->has_remote_port, side->remote_port);
    set_field(nat, row, FLOWAN_FIELD_PROTO, out);
    set_field(nat, row, FLOWAN_FIELD_SAMPLER_ADDRESS, out);
    if (out->has_proto)
        out->proto_name = fl_names_of(FLOWAN_FIELD_PROTO, out->proto);
    fl_buffer_clear(&nat->record);
    fl_render_row(&nat->record, nat->batch, row);
    if (nat->record.failed) {
        fl_buffer_free(&nat->record);
        nat->record = (fl_buffer){0};
        nat->given--; /* the next call tries again */
        return fl_status_memory(error);
    }
    out->record = nat->record.data;
    out->record_size = nat->record.size;
    nat->any = true;
    return FLOWAN_OK;
}

/* --- the answer --- */

static flowan_status note_gap(flowan_nat *nat, uint64_t from_ns, uint64_t to_ns,
                              flowan_error *error)
{
    if (!fl_memory_grow((void **)&nat->gaps, &nat->gaps_room, nat->gap_count + 1,
                        sizeof *nat->gaps))
        return fl_status_memory(error);
    nat->gaps[nat->gap_count++] = (flowan_gap){from_ns, to_ns};
    /* a receipt at either end is none in between */
    if ((from_ns == 0 || from_ns < nat->from_ns) &&
        (to_ns == UINT64_MAX || to_ns >= nat->to_ns))
        nat->verdict = FLOWAN_NAT_NO_DATA;
    return FLOWAN_OK;
}

static flowan_status find_gaps(flowan_nat *nat, flowan_error *error)
{
    flowan_status status = fl_receipts_add(nat->scan, nat->from_ns, nat->to_ns,
                                           nat->received, &nat->failed, error);
    uint64_t first;
    uint64_t last;
    flowan_gap gap;
    if (status != FLOWAN_OK)
        return status;
    if (!flowan_gaps_span(nat->received, &first, &last))
        return note_gap(nat, 0, UINT64_MAX, error);
    if (nat->from_ns < first)
        status = note_gap(nat, 0, first, error);
    for (size_t i = 0; status == FLOWAN_OK && flowan_gaps_get(nat->received, i, &gap);
         i++)
        if (gap.from_ns < nat->to_ns - 1 && gap.to_ns > nat->from_ns)
            status = note_gap(nat, gap.from_ns, gap.to_ns, error);
    if (status == FLOWAN_OK && nat->to_ns - 1 > last)
        status = note_gap(nat, last, UINT64_MAX, error);
    return status;
}

static flowan_status conclude(flowan_nat *nat, flowan_error *error)
{
    flowan_status status = FLOWAN_OK;
    nat->ended = nat->scan->stopped;
    if (nat->ended && !nat->any)
        return FLOWAN_END;
    nat->verdict = nat->any ? FLOWAN_NAT_FOUND : FLOWAN_NAT_NOBODY;
    if (!nat->any)
        status = find_gaps(nat, error);
    if (status != FLOWAN_OK) {
        nat->verdict = FLOWAN_NAT_UNDECIDED;
        nat->gap_count = 0;
        return status;
    }
    if (!nat->any && nat->failed)
        nat->verdict = FLOWAN_NAT_NO_DATA;
    nat->ended = true;
    return FLOWAN_END;
}

/* --- next --- */

static flowan_status next_batch(flowan_nat *nat, flowan_error *error)
{
    nat->batch = NULL;
    flowan_status status =
        flowan_scan_next(nat->scan, &nat->batch, &nat->selection, error);
    if (status != FLOWAN_OK) {
        nat->batch = NULL;
        nat->failed = nat->failed || status < 0;
        return status;
    }
    nat->at = 0;
    fl_clock_init(&nat->clock, nat->batch);
    fl_sides_init(&nat->sides, nat->batch);
    /* of a log all records pass by, and only once */
    const flowan_scan *scan = nat->scan;
    if (scan->inputs[scan->at].kind == FL_SCAN_LOG)
        status = flowan_gaps_add(nat->received, nat->batch, error);
    nat->failed = nat->failed || status != FLOWAN_OK;
    return status;
}

/* The next row of the batch; false behind the last. */
static bool next_row(flowan_nat *nat, size_t *row)
{
    const flowan_selection *chosen = nat->selection;
    size_t count = chosen ? chosen->count : flowan_batch_rows(nat->batch);
    if (nat->at == count)
        return false;
    *row = chosen ? chosen->rows[nat->at] : nat->at;
    nat->at++;
    return true;
}

flowan_status flowan_nat_next(flowan_nat *nat, flowan_nat_match *out,
                              flowan_error *error)
{
    size_t row;
    flowan_status status = FLOWAN_OK;
    if (nat->ended)
        return FLOWAN_END;
    while (nat->given == nat->found_count) {
        if (nat->batch && next_row(nat, &row)) {
            nat->row = row;
            look_at(nat, row);
            continue;
        }
        status = next_batch(nat, error);
        if (status == FLOWAN_END)
            return conclude(nat, error);
        if (status != FLOWAN_OK)
            return status;
    }
    return give(nat, nat->row, out, error);
}

flowan_nat_verdict flowan_nat_answer(const flowan_nat *nat)
{
    return nat->verdict;
}

bool flowan_nat_gap(const flowan_nat *nat, size_t index, flowan_gap *out)
{
    if (index >= nat->gap_count)
        return false;
    *out = nat->gaps[index];
    return true;
}

flowan_scan_counts flowan_nat_count(const flowan_nat *nat)
{
    return flowan_scan_count(nat->scan);
}
