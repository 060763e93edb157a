/* Reports for people: UTF-8 text fitted to a width, numbers right with SI prefixes,
 * names left and cut, a bar for the share of all. Nothing of a record reaches the
 * terminal but printable characters. */
#include "report.h"

#include <string.h>

#include "screen.h"
#include "text.h"

enum {
    GAP_WIDTH = 2,  /* between columns */
    NAME_WIDTH = 8, /* names are cut no shorter */
    BAR_WIDTH = 20, /* of the bar, at most; below the least there is none */
    BAR_WIDTH_LEAST = 5,
    BAR_WIDTH_KEPT = 10 /* names are cut for that much of it */
};

typedef struct table {
    fl_report_view *view;
    fl_report_out *out;
    bool colour;
    size_t width[FL_REPORT_COLUMNS_MAX];
    size_t bar; /* width; 0: none */
    fl_buffer cell;
} table;

static void put_style(table *to, const char *code)
{
    if (to->colour)
        fl_buffer_format(&to->out->buffer, "\x1b[%sm", code);
}

/* --- the text of a cell --- */

static void put_as(fl_buffer *out, uint64_t as, const char *name)
{
    if (as == 0) {
        fl_buffer_text(out, "unknown");
        return;
    }
    fl_buffer_format(out, "AS%llu%s", (unsigned long long)as, *name ? " " : "");
    fl_screen_put(out, name, strlen(name));
}

static void put_peers(fl_buffer *out, const flowan_report *report, const fl_cell *cell)
{
    for (size_t i = 0; i < cell->peer_count; i++) {
        uint32_t as = cell->peers[i].as;
        if (i)
            fl_buffer_text(out, ", ");
        put_as(out, as, fl_report_organization(report, as));
    }
}

static void put_number(fl_buffer *out, flowan_sum number, bool si)
{
    char text[FL_SUM_DECIMAL_SIZE];
    fl_buffer_append(out, text,
                     si ? fl_sum_put_si(text, number) : flowan_sum_text(number, text));
}

/* Three digits of a rate, where it is small. */
static void put_rate(fl_buffer *out, flowan_sum whole, uint32_t millionths)
{
    uint64_t value = whole.low * 1000000 + millionths;
    if (whole.high || whole.low >= 100)
        put_number(out, whole, true);
    else if (value >= 9995000)
        fl_buffer_format(out, "%u.%u", (unsigned)((value + 50000) / 1000000),
                         (unsigned)((value + 50000) / 100000 % 10));
    else
        fl_buffer_format(out, "%u.%02u", (unsigned)((value + 5000) / 1000000),
                         (unsigned)((value + 5000) / 10000 % 100));
}

static void put_cell(fl_buffer *out, const flowan_report *report, size_t index,
                     const fl_cell *cell)
{
    bool si = report->columns[index].flags & FL_COLUMN_SI;
    switch (cell->kind) {
    case FL_CELL_NULL: fl_buffer_text(out, "-"); return;
    case FL_CELL_NUMBER: put_number(out, cell->number, si); return;
    case FL_CELL_DECIMAL: put_rate(out, cell->number, cell->millionths); return;
    case FL_CELL_SHARE:
        fl_buffer_format(out, "%u.%u %%", (cell->millionths + 500) / 10000,
                         (cell->millionths + 500) / 1000 % 10);
        return;
    case FL_CELL_BOOL:
        if (strcmp(report->columns[index].name, "gap") == 0)
            fl_buffer_text(out, cell->number.low ? "gap" : "");
        else
            fl_buffer_text(out, cell->number.low ? "true" : "false");
        return;
    case FL_CELL_TEXT:
    case FL_CELL_JSON: fl_screen_put(out, cell->text, cell->text_size); return;
    case FL_CELL_AS: put_as(out, cell->number.low, cell->text); return;
    case FL_CELL_PEERS: put_peers(out, report, cell); return;
    }
}

/* --- widths --- */

static bool is_bar(const flowan_report *report, size_t index)
{
    return report->columns[index].flags & FL_COLUMN_BAR;
}

/* The bar is a column that shows without a text. */
static bool shows(const flowan_report *report, size_t index)
{
    return (report->columns[index].flags & FL_COLUMN_TABLE) && !is_bar(report, index);
}

static bool is_left(const flowan_report *report, size_t index)
{
    return report->columns[index].flags & FL_COLUMN_LEFT;
}

static bool measure_row(void *context, const fl_cell *cells, flowan_sum bytes)
{
    table *to = context;
    const flowan_report *report = to->view->report;
    (void)bytes;
    for (size_t i = 0; i < report->column_count; i++) {
        if (!shows(report, i))
            continue;
        fl_buffer_clear(&to->cell);
        put_cell(&to->cell, report, i, &cells[i]);
        if (to->cell.failed)
            to->out->buffer.failed = true;
        size_t width = fl_screen_width(to->cell.data, to->cell.size);
        if (width > to->width[i])
            to->width[i] = width;
    }
    return true;
}

static size_t total_width(const table *to)
{
    const flowan_report *report = to->view->report;
    size_t total = 0;
    for (size_t i = 0; i < report->column_count; i++)
        if (shows(report, i))
            total += to->width[i] + GAP_WIDTH;
    return total;
}

static void measure_headings(table *to)
{
    const flowan_report *report = to->view->report;
    for (size_t i = 0; i < report->column_count; i++)
        if (shows(report, i)) {
            const char *heading = report->columns[i].heading;
            to->width[i] = fl_screen_width(heading, strlen(heading));
        }
}

/* Cuts the widest names until the row fits with a bar, then gives the rest to the bar.
 * */
static void fit(table *to, size_t columns)
{
    const flowan_report *report = to->view->report;
    size_t total = total_width(to);
    while (total + BAR_WIDTH_KEPT > columns) {
        size_t widest = report->column_count;
        for (size_t i = 0; i < report->column_count; i++)
            if (shows(report, i) && is_left(report, i) && to->width[i] > NAME_WIDTH &&
                (widest == report->column_count || to->width[i] > to->width[widest]))
                widest = i;
        if (widest == report->column_count)
            break;
        to->width[widest]--;
        total--;
    }
    size_t left = total < columns ? columns - total : 0;
    to->bar = left < BAR_WIDTH_LEAST ? 0 : left < BAR_WIDTH ? left : BAR_WIDTH;
}

/* --- lines --- */

/* Pads to the width; a text that is longer ends in an ellipsis. */
static void put_padded(fl_buffer *out, const char *text, size_t size, size_t width,
                       bool left)
{
    size_t have = fl_screen_width(text, size);
    if (!left)
        for (; have < width; have++)
            fl_buffer_byte(out, ' ');
    if (have <= width) {
        fl_buffer_append(out, text, size);
    } else {
        size_t end = fl_screen_cut(text, size, width - 1);
        fl_buffer_append(out, text, end);
        fl_buffer_text(out, FL_SCREEN_ELLIPSIS);
        have = fl_screen_width(text, end) + 1;
    }
    for (; left && have < width; have++)
        fl_buffer_byte(out, ' ');
}

/* part / whole of the bar's width, in eighths of a character. */
static void put_bar(table *to, flowan_sum part, flowan_sum whole)
{
    fl_buffer *out = &to->out->buffer;
    uint64_t eighths = (uint64_t)fl_sum_share(part, whole) * to->bar * 8 / 1000000;
    size_t used = (size_t)(eighths + 7) / 8;
    if (eighths)
        put_style(to, "36");
    for (uint64_t left = eighths; left >= 8; left -= 8)
        fl_buffer_text(out, "\xe2\x96\x88"); /* U+2588, the full block */
    if (eighths % 8) {
        char block[] = {'\xe2', '\x96', (char)(0x90 - (int)(eighths % 8))};
        fl_buffer_append(out, block, sizeof block);
    }
    if (eighths)
        put_style(to, "0");
    for (; used < to->bar + GAP_WIDTH; used++)
        fl_buffer_byte(out, ' ');
}

static void trim(fl_buffer *out)
{
    while (out->size && out->data[out->size - 1] == ' ')
        out->size--;
}

static void put_cells(table *to, const fl_cell *cells, flowan_sum part,
                      flowan_sum whole)
{
    const flowan_report *report = to->view->report;
    fl_buffer *out = &to->out->buffer;
    for (size_t i = 0; i < report->column_count; i++) {
        if (is_bar(report, i) && to->bar)
            put_bar(to, part, whole);
        if (!shows(report, i))
            continue;
        fl_buffer_clear(&to->cell);
        put_cell(&to->cell, report, i, &cells[i]);
        if (to->cell.failed)
            out->failed = true;
        put_padded(out, to->cell.data, to->cell.size, to->width[i], is_left(report, i));
        fl_buffer_append(out, "  ", GAP_WIDTH);
    }
}

static bool put_row(void *context, const fl_cell *cells, flowan_sum bytes)
{
    table *to = context;
    bool series = to->view->report->kind == FLOWAN_REPORT_SERIES;
    put_cells(to, cells, bytes,
              series ? to->view->largest : to->view->totals.total.bytes);
    trim(&to->out->buffer);
    fl_buffer_byte(&to->out->buffer, '\n');
    return fl_report_flush(to->out, false);
}

static void put_sum_row(table *to, fl_report_sum which)
{
    put_style(to, which == FL_REPORT_TOTAL ? "1" : "2");
    fl_cell *cells = to->view->cells;
    fl_report_sum_cells(to->view, which);
    /* A dash says "no such value" among rows; at the foot a blank reads better. */
    for (size_t i = 0; i < to->view->report->column_count; i++)
        if (cells[i].kind == FL_CELL_NULL) {
            cells[i].kind = FL_CELL_TEXT;
            cells[i].text = "";
            cells[i].text_size = 0;
        }
    put_cells(to, cells, (flowan_sum){0, 0}, (flowan_sum){0, 0});
    trim(&to->out->buffer);
    put_style(to, "0");
    fl_buffer_byte(&to->out->buffer, '\n');
}

static void put_headings(table *to)
{
    const flowan_report *report = to->view->report;
    fl_buffer *out = &to->out->buffer;
    put_style(to, "1");
    for (size_t i = 0; i < report->column_count; i++) {
        if (is_bar(report, i) && to->bar)
            put_bar(to, (flowan_sum){0, 0}, (flowan_sum){0, 0});
        if (!shows(report, i))
            continue;
        fl_buffer_clear(&to->cell);
        fl_screen_put(&to->cell, report->columns[i].heading,
                      strlen(report->columns[i].heading));
        put_padded(out, to->cell.data, to->cell.size, to->width[i], is_left(report, i));
        fl_buffer_append(out, "  ", GAP_WIDTH);
    }
    trim(out);
    put_style(to, "0");
    fl_buffer_byte(out, '\n');
}

/* --- title and foot --- */

static void put_what(fl_buffer *out, const flowan_report *report)
{
    static const char *const measures[] = {"bytes", "packets", "flows"};
    switch (report->kind) {
    case FLOWAN_REPORT_NETWORKS: fl_buffer_text(out, "Local networks"); break;
    case FLOWAN_REPORT_ASNS: fl_buffer_text(out, "Remote ASNs"); break;
    case FLOWAN_REPORT_MATRIX: fl_buffer_text(out, "Matrix of"); break;
    case FLOWAN_REPORT_TOP: fl_buffer_text(out, "Top"); break;
    case FLOWAN_REPORT_SERIES: fl_buffer_text(out, "Series"); break;
    }
    bool series = report->kind == FLOWAN_REPORT_SERIES;
    if (series)
        fl_buffer_format(out, " in bins of %llu s",
                         (unsigned long long)(report->bin_ns / 1000000000));
    if (series && report->bin_ns % 1000000000)
        fl_buffer_format(out, " %llu ns",
                         (unsigned long long)(report->bin_ns % 1000000000));
    const char *before = series ? " of " : " ";
    for (size_t i = series; !fl_report_has_ways(report) && i < report->rows->keys.count;
         i++) {
        const char *name = report->rows->keys.specs[i].name;
        fl_buffer_text(out, before);
        fl_screen_put(out, name, strlen(name));
        before = ", ";
    }
    if (!series || report->rows->keys.count > 1)
        fl_buffer_format(out, " by %s", measures[report->order]);
}

static void put_time(fl_buffer *out, bool there, uint64_t ns)
{
    char text[FL_TEXT_TIME_SIZE];
    if (there)
        fl_buffer_append(out, text, fl_text_put_time(text, ns));
    else
        fl_buffer_byte(out, '?');
}

static void put_title(table *to)
{
    const fl_report_view *view = to->view;
    const fl_enrich_rules *rules = &view->report->enrich.rules;
    fl_buffer *out = &to->out->buffer;
    uint64_t ns;
    put_style(to, "1");
    put_what(out, view->report);
    put_style(to, "0");
    bool there = fl_report_from(view, &ns);
    if (there || view->report->has_end) {
        fl_buffer_text(out, ", ");
        put_time(out, there, ns);
        fl_buffer_text(out, " to ");
        there = fl_report_to(view, &ns);
        put_time(out, there, ns);
        fl_buffer_text(out, " (UTC)");
    }
    fl_buffer_format(out, "\n%s; flows by their start; ASNs: %s\n\n",
                     rules->raw_counts ? "counts as exported, not scaled"
                                       : "counts scaled by the sampling rate",
                     !rules->asdb         ? "of the records"
                     : rules->prefer_asdb ? "database, then record"
                                          : "record, then database");
}

static void put_foot(table *to)
{
    const fl_report_view *view = to->view;
    fl_buffer *out = &to->out->buffer;
    put_sum_row(to, FL_REPORT_OTHER);
    put_sum_row(to, FL_REPORT_TOTAL);
    if (view->totals.counted_twice.flows) {
        fl_buffer_text(out, "\nbetween two rows, and counted in both: ");
        put_number(out, fl_sum_of(view->totals.counted_twice.flows), false);
        fl_buffer_text(out, " flows, ");
        put_number(out, view->totals.counted_twice.bytes, true);
        fl_buffer_text(out, "B\n");
    }
    if (view->totals.clock_faults)
        fl_buffer_format(out,
                         "\nclock faults: %llu flows, placed by their receive time\n",
                         (unsigned long long)view->totals.clock_faults);
}

void fl_report_write_table(fl_report_view *view, fl_report_out *out,
                           const flowan_report_style *style)
{
    table to = {.view = view, .out = out, .colour = style->colour};
    put_title(&to);
    if (view->totals.total.flows == 0) {
        fl_buffer_text(&out->buffer, "no flows\n");
        return;
    }
    /* Twice through the rows: a million of them need not be kept for their widths. */
    measure_headings(&to);
    fl_report_each_row(view, measure_row, &to);
    measure_row(&to, fl_report_sum_cells(view, FL_REPORT_OTHER), (flowan_sum){0, 0});
    measure_row(&to, fl_report_sum_cells(view, FL_REPORT_TOTAL), (flowan_sum){0, 0});
    fit(&to, style->columns ? style->columns : 100);
    put_headings(&to);
    if (fl_report_each_row(view, put_row, &to))
        put_foot(&to);
    fl_buffer_free(&to.cell);
}
