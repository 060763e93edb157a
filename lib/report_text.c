/* Reports for programs: JSON (RFC 8259, always UTF-8) and CSV (RFC 4180). */
#include "report.h"

#include <string.h>

#include "quote.h"
#include "text.h"

/* --- JSON --- */

static void put_sum(fl_buffer *out, flowan_sum sum)
{
    char text[FLOWAN_SUM_TEXT_SIZE];
    fl_buffer_append(out, text, flowan_sum_text(sum, text));
}

static void put_decimal(fl_buffer *out, flowan_sum whole, uint32_t millionths)
{
    char text[FL_SUM_DECIMAL_SIZE];
    fl_buffer_append(out, text, fl_sum_put_decimal(text, whole, millionths));
}

static void put_share(fl_buffer *out, uint32_t millionths)
{
    fl_buffer_format(out, "%u.%06u", millionths / 1000000, millionths % 1000000);
}

static void put_time(fl_buffer *out, bool there, uint64_t ns)
{
    char text[FL_TEXT_TIME_SIZE];
    if (there)
        fl_quote_json(out, text, fl_text_put_time(text, ns));
    else
        fl_buffer_text(out, "null");
}

static void put_peers(fl_buffer *out, const flowan_report *report, const fl_cell *cell)
{
    fl_buffer_byte(out, '[');
    for (size_t i = 0; i < cell->peer_count; i++) {
        const fl_report_peer *peer = &cell->peers[i];
        const char *name = fl_report_organization(report, peer->as);
        fl_buffer_format(out, "%s{\"remote_as\":%lu,\"organization\":", i ? "," : "",
                         (unsigned long)peer->as);
        fl_quote_json(out, name, strlen(name));
        fl_buffer_text(out, ",\"bytes\":");
        put_sum(out, peer->measures.bytes);
        fl_buffer_byte(out, '}');
    }
    fl_buffer_byte(out, ']');
}

static void put_json_cell(fl_buffer *out, const flowan_report *report,
                          const fl_cell *cell)
{
    switch (cell->kind) {
    case FL_CELL_NULL: fl_buffer_text(out, "null"); return;
    case FL_CELL_NUMBER:
    case FL_CELL_AS: put_sum(out, cell->number); return;
    case FL_CELL_DECIMAL: put_decimal(out, cell->number, cell->millionths); return;
    case FL_CELL_SHARE: put_share(out, cell->millionths); return;
    case FL_CELL_BOOL: fl_buffer_text(out, cell->number.low ? "true" : "false"); return;
    case FL_CELL_TEXT: fl_quote_json(out, cell->text, cell->text_size); return;
    case FL_CELL_JSON: fl_quote_valid(out, cell->text, cell->text_size); return;
    case FL_CELL_PEERS: put_peers(out, report, cell); return;
    }
}

typedef struct text_writer {
    fl_report_view *view;
    fl_report_out *out;
    size_t rows;
} text_writer;

static bool same_group(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool put_json_row(void *context, const fl_cell *cells, flowan_sum bytes)
{
    text_writer *writer = context;
    const flowan_report *report = writer->view->report;
    fl_buffer *out = &writer->out->buffer;
    const char *group = NULL;
    const char *comma = "";
    (void)bytes;
    fl_buffer_text(out, writer->rows++ ? ",\n{" : "\n{");
    for (size_t i = 0; i < report->column_count; i++) {
        const fl_report_column *column = &report->columns[i];
        if (!(column->flags & FL_COLUMN_DATA))
            continue;
        if (group && !same_group(group, column->group))
            fl_buffer_byte(out, '}');
        fl_buffer_text(out, comma);
        if (column->group && !same_group(group, column->group)) {
            fl_quote_json(out, column->group, strlen(column->group));
            fl_buffer_text(out, ":{");
        }
        group = column->group;
        fl_quote_json(out, column->name, strlen(column->name));
        fl_buffer_byte(out, ':');
        put_json_cell(out, report, &cells[i]);
        comma = ",";
    }
    fl_buffer_text(out, group ? "}}" : "}");
    return fl_report_flush(writer->out, false);
}

static void put_measures(fl_buffer *out, const flowan_measures *measures)
{
    fl_buffer_text(out, "\"flows\":");
    put_sum(out, fl_sum_of(measures->flows));
    fl_buffer_text(out, ",\"packets\":");
    put_sum(out, measures->packets);
    fl_buffer_text(out, ",\"bytes\":");
    put_sum(out, measures->bytes);
}

/* A sum of everything, and of each direction where the report has them. */
static void put_sums(fl_buffer *out, const char *name, const flowan_report *report,
                     const flowan_measures *all, const flowan_measures *way)
{
    static const uint8_t ways[] = {FL_DIRECTION_IN, FL_DIRECTION_OUT,
                                   FL_DIRECTION_INTERNAL, FL_DIRECTION_TRANSIT};
    fl_buffer_format(out, ",\n\"%s\":{", name);
    put_measures(out, all);
    for (size_t i = 0; fl_report_has_ways(report) && i < sizeof ways; i++) {
        fl_buffer_format(out, ",\"%s\":{", fl_enrich_direction_name(ways[i]));
        put_measures(out, &way[ways[i]]);
        fl_buffer_byte(out, '}');
    }
    fl_buffer_byte(out, '}');
}

static void put_policy(fl_buffer *out, const flowan_report *report)
{
    static const char *const clocks[] = {"start-end", "received", "start", "end"};
    static const char *const schemes[] = {"\"proportional\"", "\"uniform\"",
                                          "\"start\"", "\"end\"", "\"middle\""};
    const fl_enrich_rules *rules = &report->enrich.rules;
    bool series = report->kind == FLOWAN_REPORT_SERIES;
    fl_buffer_format(out,
                     ",\n\"policy\":{\"clock\":\"%s\",\"scheme\":%s,"
                     "\"counts\":\"%s\",\"dedup\":null,\"asn_order\":\"%s\","
                     "\"default_sampling\":",
                     clocks[rules->clock], series ? schemes[report->scheme] : "null",
                     rules->raw_counts ? "raw" : "scaled",
                     rules->prefer_asdb ? "asdb" : "record");
    put_sum(out, fl_sum_of(rules->default_rate));
    fl_buffer_text(out, "},\n\"units\":{\"flows\":\"flows\",\"packets\":\"packets\","
                        "\"bytes\":\"B\"");
    if (series)
        fl_buffer_text(out, ",\"bits_per_second\":\"bit/s\","
                            "\"packets_per_second\":\"packets/s\"");
    fl_buffer_text(out, "}");
}

void fl_report_write_json(fl_report_view *view, fl_report_out *out)
{
    const flowan_report *report = view->report;
    fl_buffer *buffer = &out->buffer;
    text_writer writer = {view, out, 0};
    uint64_t ns;
    fl_buffer_format(buffer,
                     "{\"report\":\"%s\",\"from\":", fl_report_kind_name(report->kind));
    bool there = fl_report_from(view, &ns);
    put_time(buffer, there, ns);
    fl_buffer_text(buffer, ",\"to\":");
    there = fl_report_to(view, &ns);
    put_time(buffer, there, ns);
    put_policy(buffer, report);
    fl_buffer_text(buffer, ",\n\"rows\":[");
    if (!fl_report_each_row(view, put_json_row, &writer))
        return;
    fl_buffer_text(buffer, writer.rows ? "\n]" : "]");
    put_sums(buffer, "other", report, &view->other, view->other_way);
    put_sums(buffer, "total", report, &view->totals.total, view->way);
    fl_buffer_text(buffer, ",\n\"counted_twice\":{");
    put_measures(buffer, &view->totals.counted_twice);
    fl_buffer_text(buffer, "},\"clock_faults\":");
    put_sum(buffer, fl_sum_of(view->totals.clock_faults));
    fl_buffer_text(buffer, "}\n");
}

/* --- CSV --- */

/* "AS15169 Google;AS64500 Example" */
static void put_csv_peers(fl_buffer *out, const flowan_report *report,
                          const fl_cell *cell)
{
    fl_buffer text = {0};
    for (size_t i = 0; i < cell->peer_count; i++) {
        const char *name = fl_report_organization(report, cell->peers[i].as);
        fl_buffer_format(&text, "%sAS%lu%s%s", i ? ";" : "",
                         (unsigned long)cell->peers[i].as, *name ? " " : "", name);
    }
    if (text.failed)
        out->failed = true;
    else if (text.size)
        fl_quote_csv(out, text.data, text.size);
    fl_buffer_free(&text);
}

static void put_csv_cell(fl_buffer *out, const flowan_report *report,
                         const fl_cell *cell)
{
    switch (cell->kind) {
    case FL_CELL_NULL: return;
    case FL_CELL_TEXT:
    case FL_CELL_JSON: fl_quote_csv(out, cell->text, cell->text_size); return;
    case FL_CELL_PEERS: put_csv_peers(out, report, cell); return;
    default: put_json_cell(out, report, cell); return;
    }
}

static bool put_csv_row(void *context, const fl_cell *cells, flowan_sum bytes)
{
    text_writer *writer = context;
    const flowan_report *report = writer->view->report;
    fl_buffer *out = &writer->out->buffer;
    const char *comma = "";
    (void)bytes;
    for (size_t i = 0; i < report->column_count; i++) {
        if (!(report->columns[i].flags & FL_COLUMN_DATA))
            continue;
        fl_buffer_text(out, comma);
        put_csv_cell(out, report, &cells[i]);
        comma = ",";
    }
    fl_buffer_text(out, "\r\n");
    return fl_report_flush(writer->out, false);
}

static void put_csv_header(fl_buffer *out, const flowan_report *report)
{
    const char *comma = "";
    for (size_t i = 0; i < report->column_count; i++) {
        const fl_report_column *column = &report->columns[i];
        if (!(column->flags & FL_COLUMN_DATA))
            continue;
        fl_buffer_text(out, comma);
        if (column->group)
            fl_buffer_format(out, "%s_", column->group);
        fl_quote_csv(out, column->name, strlen(column->name));
        comma = ",";
    }
    fl_buffer_text(out, "\r\n");
}

void fl_report_write_csv(fl_report_view *view, fl_report_out *out)
{
    text_writer writer = {view, out, 0};
    put_csv_header(&out->buffer, view->report);
    fl_report_each_row(view, put_csv_row, &writer);
}
