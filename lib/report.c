/* What each report counts: its aggregators, its columns, and for series when records
 * were received. The rows are made in report_rows.c when the report is written. */
#include "report.h"

#include <string.h>

#include "status.h"

#define MINUTE_NS UINT64_C(60000000000)

const char *fl_report_kind_name(flowan_report_kind kind)
{
    switch (kind) {
    case FLOWAN_REPORT_NETWORKS: return "networks";
    case FLOWAN_REPORT_ASNS: return "asns";
    case FLOWAN_REPORT_MATRIX: return "matrix";
    case FLOWAN_REPORT_TOP: return "top";
    case FLOWAN_REPORT_SERIES: return "series";
    }
    return "";
}

/* --- columns --- */

static void add_column(flowan_report *report, const char *group, const char *name,
                       const char *heading, unsigned flags)
{
    report->columns[report->column_count++] =
        (fl_report_column){group, name, heading, flags};
}

static void add_way(flowan_report *report, const char *group)
{
    add_column(report, group, "flows", NULL, FL_COLUMN_DATA);
    add_column(report, group, "packets", NULL, FL_COLUMN_DATA);
    add_column(report, group, "bytes", group,
               FL_COLUMN_DATA | FL_COLUMN_TABLE | FL_COLUMN_SI);
}

static void add_key_columns(flowan_report *report)
{
    for (size_t i = 0; i < report->rows->keys.count; i++)
        add_column(report, NULL, report->rows->keys.specs[i].name,
                   report->rows->keys.specs[i].name,
                   FL_COLUMN_DATA | FL_COLUMN_TABLE | FL_COLUMN_LEFT);
}

static void add_bar(flowan_report *report)
{
    add_column(report, NULL, "", "", FL_COLUMN_TABLE | FL_COLUMN_BAR);
}

static void add_columns(flowan_report *report)
{
    const unsigned data = FL_COLUMN_DATA;
    const unsigned number = FL_COLUMN_TABLE | FL_COLUMN_SI;
    const unsigned left = FL_COLUMN_TABLE | FL_COLUMN_LEFT;
    switch (report->kind) {
    case FLOWAN_REPORT_NETWORKS:
        add_column(report, NULL, "local_net", "network", data | left);
        add_column(report, NULL, "prefix", NULL, data);
        add_column(report, NULL, "flows", "flows", number);
        add_way(report, "in");
        add_way(report, "out");
        add_way(report, "internal");
        add_column(report, NULL, "local_addresses", "addresses", data | number);
        add_column(report, NULL, "share", "share", FL_COLUMN_TABLE);
        add_bar(report);
        add_column(report, NULL, "top_remote_as", "top remote ASNs", data | left);
        return;
    case FLOWAN_REPORT_ASNS:
        add_column(report, NULL, "remote_as", "remote AS", data | left);
        add_column(report, NULL, "organization", NULL, data);
        add_column(report, NULL, "flows", "flows", number);
        add_way(report, "in");
        add_way(report, "out");
        add_column(report, NULL, "remote_addresses", "addresses", data | number);
        add_column(report, NULL, "share", "share", FL_COLUMN_TABLE);
        add_bar(report);
        return;
    case FLOWAN_REPORT_MATRIX:
    case FLOWAN_REPORT_TOP:
        add_key_columns(report);
        if (report->rows->keys.has_source[FL_KEY_REMOTE_AS])
            add_column(report, NULL, "organization", NULL, data);
        add_column(report, NULL, "flows", "flows", data | number);
        add_column(report, NULL, "packets", "packets", data | number);
        add_column(report, NULL, "bytes", "bytes", data | number);
        add_column(report, NULL, "share", "share", data | FL_COLUMN_TABLE);
        add_bar(report);
        return;
    case FLOWAN_REPORT_SERIES:
        add_key_columns(report);
        add_column(report, NULL, "flows", "flows", data | number);
        add_column(report, NULL, "packets", "packets", data | number);
        add_column(report, NULL, "bytes", "bytes", data | number);
        add_column(report, NULL, "bits_per_second", "bit/s", data | number);
        add_column(report, NULL, "packets_per_second", "packets/s", data | number);
        add_column(report, NULL, "gap", "", data | left);
        add_bar(report);
        return;
    }
}

static bool same_column(const fl_report_column *a, const fl_report_column *b)
{
    return !a->group && !b->group && (a->flags & b->flags & FL_COLUMN_DATA) &&
           strcmp(a->name, b->name) == 0;
}

/* A JSON object of two members of one name, or a CSV with two such columns, could not
 * be read by name. */
static flowan_status check_columns(const flowan_report *report, flowan_error *error)
{
    for (size_t i = 0; i < report->column_count; i++)
        for (size_t k = 0; k < i; k++)
            if (same_column(&report->columns[i], &report->columns[k]))
                return fl_status_fail(error, FLOWAN_ERROR_ARGUMENT, FL_NO_OFFSET,
                                      "the %s report would have two columns '%s'",
                                      fl_report_kind_name(report->kind),
                                      report->columns[i].name);
    return FLOWAN_OK;
}

/* --- the handle --- */

static flowan_status init_enrich(flowan_report *report,
                                 const flowan_report_options *options,
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
    return fl_enrich_init(&report->enrich, &rules, error);
}

static flowan_status check_options(const flowan_report_options *options,
                                   flowan_error *error)
{
    const char *kind = fl_report_kind_name(options->kind);
    const char *wrong = NULL;
    bool has_keys = options->by && *options->by;
    if (*kind == '\0')
        wrong = "a kind that does not exist";
    else if ((unsigned)options->order > FLOWAN_ORDER_FLOWS)
        wrong = "an order that is no measure";
    else if (has_keys && options->kind <= FLOWAN_REPORT_ASNS)
        wrong = "keys are asked for, but this report has its own";
    else if (!has_keys && options->kind == FLOWAN_REPORT_TOP)
        wrong = "it needs keys to count by";
    else if (options->has_start && options->has_end &&
             options->end_ns <= options->start_ns)
        wrong = "the window ends before it begins";
    else if ((options->has_start && options->start_ns > INT64_MAX) ||
             (options->has_end && options->end_ns > INT64_MAX) ||
             options->bin_ns > INT64_MAX || options->gap_ns > INT64_MAX)
        wrong = "a time beyond the year 2262";
    if (!wrong)
        return fl_aggregate_check_times(options->clock, options->scheme, error);
    return fl_status_fail(error, FLOWAN_ERROR_ARGUMENT, FL_NO_OFFSET, "report%s%s: %s",
                          *kind ? " " : "", kind, wrong);
}

static flowan_status check_matrix(const flowan_report *report, flowan_error *error)
{
    for (size_t i = 0; i < report->rows->keys.count; i++) {
        const fl_key_spec *spec = &report->rows->keys.specs[i];
        if (spec->source != FL_KEY_LOCAL_NET && spec->source != FL_KEY_LOCAL_IP &&
            spec->source != FL_KEY_REMOTE_AS)
            return fl_status_fail(error, FLOWAN_ERROR_ARGUMENT, FL_NO_OFFSET,
                                  "the matrix is of local_net, remote_as and local_ip, "
                                  "not of '%s'",
                                  spec->name);
    }
    return FLOWAN_OK;
}

/* The aggregators that a kind is composed of. */
static flowan_status compose(flowan_report *report, const char *by, flowan_error *error)
{
    static const struct {
        const char *rows;
        const char *distinct;
        const char *peers;
    } parts[] = {
        [FLOWAN_REPORT_NETWORKS] = {"local_net,direction", "local_net,local_ip",
                                    "local_net,remote_as"},
        [FLOWAN_REPORT_ASNS] = {"remote_as,direction", "remote_as,remote_ip", NULL},
        [FLOWAN_REPORT_MATRIX] = {"local_net,remote_as,local_ip", NULL, NULL},
        [FLOWAN_REPORT_SERIES] = {NULL, NULL, NULL},
    };
    fl_enrich *enrich = &report->enrich;
    const char *distinct = parts[report->kind].distinct;
    const char *peers = parts[report->kind].peers;
    flowan_status status = fl_aggregate_new(
        &report->rows, enrich, by && *by ? by : parts[report->kind].rows,
        report->bin_ns, report->scheme, false, error);
    if (status >= 0 && distinct)
        status = fl_aggregate_new(&report->ways, enrich, "direction", 0, report->scheme,
                                  false, error);
    if (status >= 0 && distinct)
        status = fl_aggregate_new(&report->distinct, enrich, distinct, 0,
                                  report->scheme, false, error);
    if (status >= 0 && peers)
        status = fl_aggregate_new(&report->peers, enrich, peers, 0, report->scheme,
                                  true, error);
    if (status >= 0 && report->kind == FLOWAN_REPORT_MATRIX)
        status = check_matrix(report, error);
    return status;
}

static void set_options(flowan_report *report, const flowan_report_options *options)
{
    report->kind = options->kind;
    report->order = options->order;
    report->scheme = options->scheme;
    report->limit = options->top_all ? SIZE_MAX : options->top ? options->top : 20;
    report->has_start = options->has_start;
    report->has_end = options->has_end;
    report->start_ns = options->start_ns;
    report->end_ns = options->end_ns;
    if (report->kind == FLOWAN_REPORT_SERIES)
        report->bin_ns = options->bin_ns ? options->bin_ns : MINUTE_NS;
    report->gap_ns = options->gap_ns ? options->gap_ns : 5 * MINUTE_NS;
    /* No gap is shorter than a granule, so none hides inside of one. */
    report->granule_ns = report->gap_ns < MINUTE_NS ? report->gap_ns : MINUTE_NS;
}

flowan_status flowan_report_new(flowan_report **out,
                                const flowan_report_options *options,
                                flowan_error *error)
{
    flowan_report_options known = {.size = sizeof known};
    *out = NULL;
    if (!fl_status_options_fit(options, sizeof known))
        return fl_status_fail(error, FLOWAN_ERROR_ARGUMENT, FL_NO_OFFSET,
                              "report options: unknown bytes are set");
    if (options)
        memcpy(&known, options,
               options->size < sizeof known ? options->size : sizeof known);
    flowan_status status = check_options(&known, error);
    if (status < 0)
        return status;
    flowan_report *report = fl_memory_zalloc(1, sizeof *report);
    if (!report)
        return fl_status_memory(error);
    set_options(report, &known);
    status = init_enrich(report, &known, error);
    if (status >= 0)
        status = compose(report, known.by, error);
    if (status >= 0) {
        add_columns(report);
        fl_report_find_fields(report);
        status = check_columns(report, error);
    }
    if (status < 0)
        flowan_report_free(report);
    else
        *out = report;
    return status;
}

void flowan_report_free(flowan_report *report)
{
    if (!report)
        return;
    flowan_aggregator_free(report->rows);
    flowan_aggregator_free(report->ways);
    flowan_aggregator_free(report->distinct);
    flowan_aggregator_free(report->peers);
    fl_enrich_free(&report->enrich);
    fl_hash_free(&report->granules);
    fl_memory_free(report->receipts);
    fl_memory_free(report);
}

/* --- counting --- */

static bool add_receipt(flowan_report *report, uint64_t received_ns)
{
    uint64_t granule = received_ns / report->granule_ns;
    bool added;
    int64_t entry = fl_hash_put(&report->granules, &granule, sizeof granule, &added);
    if (entry < 0)
        return false;
    if (added) {
        if (!fl_memory_grow((void **)&report->receipts, &report->receipts_room,
                            report->granules.count, sizeof *report->receipts))
            return false;
        report->receipts[entry] = (fl_receipt){received_ns, received_ns};
    }
    fl_receipt *receipt = &report->receipts[entry];
    if (received_ns < receipt->first_ns)
        receipt->first_ns = received_ns;
    if (received_ns > receipt->last_ns)
        receipt->last_ns = received_ns;
    return true;
}

/* By its own clock, whatever the report's is; 0 where it has none. */
static uint64_t own_start(const fl_enrich *enrich, size_t i)
{
    fl_span span = fl_clock_span(&enrich->clock, fl_enrich_row(enrich, i));
    return span.known ? span.start_ns : 0;
}

/* Records of a datagram share their receive time, so most of them bring nothing new. A
 * record without one takes the last before it, else its own start. */
static bool note_receipts(flowan_report *report)
{
    const fl_enrich *enrich = &report->enrich;
    uint64_t noted = 0;
    for (size_t i = 0; i < enrich->count; i++) {
        uint64_t received = fl_clock_received(&enrich->clock, fl_enrich_row(enrich, i));
        if (received)
            report->last_received_ns = received;
        else if (report->last_received_ns)
            received = report->last_received_ns;
        else
            received = own_start(enrich, i);
        if (received == 0 || received == noted)
            continue;
        if (!add_receipt(report, received))
            return false;
        noted = received;
    }
    return true;
}

flowan_status flowan_report_push(flowan_report *report, const flowan_batch *batch,
                                 const flowan_selection *selection, flowan_error *error)
{
    flowan_aggregator *parts[] = {report->rows, report->ways, report->distinct,
                                  report->peers};
    flowan_status status = fl_enrich_begin(&report->enrich, batch, selection, error);
    for (size_t i = 0; status >= 0 && i < sizeof parts / sizeof *parts; i++)
        if (parts[i])
            status = fl_aggregate_push(parts[i], error);
    if (status >= 0 && report->kind == FLOWAN_REPORT_SERIES && !note_receipts(report))
        status = fl_status_memory(error);
    return status;
}

/* --- writing --- */

bool fl_report_flush(fl_report_out *out, bool end)
{
    if (out->status < 0)
        return false;
    if (out->buffer.failed)
        out->status = fl_status_memory(out->error);
    else if (end ? out->buffer.size > 0 : out->buffer.size >= 65536) {
        int number = out->write(out->context, out->buffer.data, out->buffer.size);
        if (number)
            out->status = fl_status_errno(out->error, number, "write", "the report");
    } else {
        return true;
    }
    fl_buffer_clear(&out->buffer);
    return out->status >= 0;
}

flowan_status flowan_report_write(flowan_report *report, flowan_report_format format,
                                  flowan_write_function write, void *context,
                                  const flowan_report_style *style, flowan_error *error)
{
    flowan_report_style known = {.size = sizeof known};
    if (!fl_status_options_fit(style, sizeof known))
        return fl_status_fail(error, FLOWAN_ERROR_ARGUMENT, FL_NO_OFFSET,
                              "report style: unknown bytes are set");
    if (style)
        memcpy(&known, style, style->size < sizeof known ? style->size : sizeof known);
    fl_report_view view;
    fl_report_out out = {.write = write, .context = context, .error = error};
    out.status = fl_report_view_make(&view, report, error);
    if (out.status < 0)
        goto out;
    switch (format) {
    case FLOWAN_REPORT_TABLE: fl_report_write_table(&view, &out, &known); break;
    case FLOWAN_REPORT_CSV: fl_report_write_csv(&view, &out); break;
    case FLOWAN_REPORT_JSON: fl_report_write_json(&view, &out); break;
    default:
        out.status = fl_status_fail(error, FLOWAN_ERROR_ARGUMENT, FL_NO_OFFSET,
                                    "a report has no format %d", (int)format);
    }
    fl_report_flush(&out, true);
out:
    fl_buffer_free(&out.buffer);
    fl_report_view_free(&view);
    return out.status;
}
