/* The rows of a report, one at a time, as typed cells. How a cell looks is up to the
 * writers. */
#include "report.h"

#include <string.h>

#include "text.h"

const char *fl_report_organization(const flowan_report *report, uint32_t as)
{
    flowan_asdb *asdb = report->enrich.rules.asdb;
    return asdb && as ? flowan_asdb_name(asdb, as) : "";
}

/* --- cells --- */

static fl_cell *set_number(fl_cell *cell, flowan_sum number)
{
    cell->kind = FL_CELL_NUMBER;
    cell->number = number;
    return cell + 1;
}

static fl_cell *set_measures(fl_cell *cell, const flowan_measures *measures)
{
    cell = set_number(cell, fl_sum_of(measures->flows));
    cell = set_number(cell, measures->packets);
    return set_number(cell, measures->bytes);
}

static fl_cell *set_text(fl_cell *cell, const char *text)
{
    cell->kind = FL_CELL_TEXT;
    cell->text = text;
    cell->text_size = strlen(text);
    return cell + 1;
}

static fl_cell *set_share(fl_report_view *view, fl_cell *cell, flowan_sum bytes)
{
    cell->kind = FL_CELL_SHARE;
    cell->millionths = fl_sum_share(bytes, view->totals.total.bytes);
    return cell + 1;
}

static uint64_t common_divisor(uint64_t a, uint64_t b)
{
    while (b) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static fl_cell *set_nothing(fl_cell *cell)
{
    cell->kind = FL_CELL_NULL;
    return cell + 1;
}

/* sum * factor a second, over the width of a bin. */
static fl_cell *set_rate(fl_report_view *view, fl_cell *cell, flowan_sum sum,
                         uint64_t factor)
{
    uint64_t multiplier = factor * UINT64_C(1000000000);
    uint64_t divisor = common_divisor(multiplier, view->report->bin_ns);
    cell->kind = FL_CELL_DECIMAL;
    cell->number = fl_sum_rate(sum, multiplier / divisor,
                               view->report->bin_ns / divisor, &cell->millionths);
    return cell + 1;
}

static fl_cell *set_as(fl_report_view *view, fl_cell *cell, uint64_t as)
{
    set_text(cell, fl_report_organization(view->report, (uint32_t)as));
    cell->kind = FL_CELL_AS;
    cell->number = fl_sum_of(as);
    return cell + 1;
}

static bool is_as(const fl_key_spec *spec)
{
    return spec->source == FL_KEY_REMOTE_AS || spec->source == FL_KEY_SRC_AS ||
           spec->source == FL_KEY_DST_AS;
}

static fl_cell *set_key(fl_report_view *view, fl_cell *cell, const fl_key_spec *spec,
                        const flowan_key_part *part)
{
    fl_buffer text = {0};
    switch (part->type) {
    case FLOWAN_KEY_NULL: cell->kind = FL_CELL_NULL; break;
    case FLOWAN_KEY_BOOL:
        set_number(cell, fl_sum_of(part->integer));
        cell->kind = FL_CELL_BOOL;
        break;
    case FLOWAN_KEY_INTEGER:
        if (is_as(spec))
            set_as(view, cell, part->integer);
        else
            set_number(cell, fl_sum_of(part->integer));
        break;
    case FLOWAN_KEY_TEXT:
    case FLOWAN_KEY_JSON:
        cell->kind = part->type == FLOWAN_KEY_TEXT ? FL_CELL_TEXT : FL_CELL_JSON;
        cell->text = part->text;
        cell->text_size = part->text_size;
        break;
    case FLOWAN_KEY_TIME:
    case FLOWAN_KEY_ADDRESS:
    case FLOWAN_KEY_PREFIX:
        /* These texts are short; the room for them is in the cell. */
        text.data = cell->scratch;
        text.capacity = sizeof cell->scratch;
        fl_keys_put_text(&text, part);
        cell->kind = FL_CELL_TEXT;
        cell->text = cell->scratch;
        cell->text_size = text.size;
        break;
    }
    return cell + 1;
}

static fl_cell *set_keys(fl_report_view *view, fl_cell *cell, size_t row,
                         uint64_t *remote_as)
{
    flowan_aggregator *rows = view->report->rows;
    size_t size;
    const char *at = fl_aggregate_key(rows, row, &size);
    for (size_t i = 0; i < rows->keys.count; i++) {
        flowan_key_part part;
        fl_keys_take(&rows->keys, rows->enrich, i, &at, &part);
        if (rows->keys.specs[i].source == FL_KEY_REMOTE_AS)
            *remote_as = part.integer;
        cell = set_key(view, cell, &rows->keys.specs[i], &part);
    }
    return cell;
}

/* --- rows --- */

static void set_network_row(fl_report_view *view, size_t at)
{
    const fl_group *group = &view->groups[at];
    const flowan_networks *networks = view->report->enrich.rules.networks;
    size_t size;
    uint32_t network = fl_keys_network(fl_hash_key(&view->keys, at, &size));
    fl_cell *cell = set_text(view->cells, flowan_networks_name(networks, network));
    cell = set_text(cell, flowan_networks_prefixes(networks, network));
    cell = set_number(cell, fl_sum_of(group->all.flows));
    cell = set_measures(cell, &group->way[FL_DIRECTION_IN]);
    cell = set_measures(cell, &group->way[FL_DIRECTION_OUT]);
    cell = set_measures(cell, &group->way[FL_DIRECTION_INTERNAL]);
    cell = set_number(cell, fl_sum_of(group->distinct));
    cell = set_share(view, cell, group->all.bytes);
    cell = set_nothing(cell); /* the bar */
    cell->kind = FL_CELL_PEERS;
    cell->peers = group->peer;
    cell->peer_count = group->peer_count;
}

static void set_as_row(fl_report_view *view, size_t at)
{
    const fl_group *group = &view->groups[at];
    size_t size;
    const char *key = fl_hash_key(&view->keys, at, &size);
    flowan_key_part part;
    fl_keys_take(&view->report->rows->keys, &view->report->enrich, 0, &key, &part);
    fl_cell *cell = set_as(view, view->cells, part.integer);
    cell = set_text(cell, view->cells[0].text);
    cell = set_number(cell, fl_sum_of(group->all.flows));
    cell = set_measures(cell, &group->way[FL_DIRECTION_IN]);
    cell = set_measures(cell, &group->way[FL_DIRECTION_OUT]);
    cell = set_number(cell, fl_sum_of(group->distinct));
    set_nothing(set_share(view, cell, group->all.bytes));
}

static void set_top_row(fl_report_view *view, size_t row)
{
    const flowan_aggregator *rows = view->report->rows;
    uint64_t remote_as = 0;
    fl_cell *cell = set_keys(view, view->cells, row, &remote_as);
    if (rows->keys.has_source[FL_KEY_REMOTE_AS])
        cell =
            set_text(cell, fl_report_organization(view->report, (uint32_t)remote_as));
    cell = set_measures(cell, &rows->measures[row]);
    set_nothing(set_share(view, cell, rows->measures[row].bytes));
}

static void set_series_measures(fl_report_view *view, fl_cell *cell,
                                const flowan_measures *measures, bool gap)
{
    cell = set_measures(cell, measures);
    cell = set_rate(view, cell, measures->bytes, 8);
    cell = set_rate(view, cell, measures->packets, 1);
    set_nothing(set_number(cell, fl_sum_of(gap)));
    cell->kind = FL_CELL_BOOL;
}

static void set_filled_bin(fl_report_view *view, size_t row)
{
    uint64_t remote_as;
    fl_cell *cell = set_keys(view, view->cells, row, &remote_as);
    set_series_measures(view, cell, &view->report->rows->measures[row], false);
}

/* Whether a bin lies wholly between two receipts. Bins are asked for in ascending
 * order: *at is the first gap that may still hold one. */
static bool in_gap(const fl_report_view *view, uint64_t bin, size_t *at)
{
    uint64_t start = bin * view->report->bin_ns;
    uint64_t end = start + view->report->bin_ns;
    while (*at < view->gap_count && view->gaps[*at].before_ns < end)
        ++*at;
    if (*at == view->gap_count)
        return false;
    const fl_gap *gap = &view->gaps[*at];
    return gap->from_the_beginning || gap->after_ns < start;
}

static void set_empty_bin(fl_report_view *view, uint64_t bin, size_t *at)
{
    static const flowan_measures none;
    fl_cell *cell = view->cells;
    cell->kind = FL_CELL_TEXT;
    cell->text = cell->scratch;
    cell->text_size = fl_text_put_time(cell->scratch, bin * view->report->bin_ns);
    set_series_measures(view, cell + 1, &none, in_gap(view, bin, at));
}

static bool each_bin(fl_report_view *view, fl_report_row_function each, void *context)
{
    size_t next = 0;
    size_t gap = 0;
    for (uint64_t bin = view->first_bin; bin < view->end_bin; bin++) {
        flowan_sum bytes = {0, 0};
        if (next < view->count && fl_report_bin(view, view->order[next]) == bin) {
            bytes = view->report->rows->measures[view->order[next]].bytes;
            set_filled_bin(view, view->order[next++]);
        } else {
            set_empty_bin(view, bin, &gap);
        }
        if (!each(context, view->cells, bytes))
            return false;
    }
    return true;
}

bool fl_report_each_row(fl_report_view *view, fl_report_row_function each,
                        void *context)
{
    const flowan_report *report = view->report;
    if (report->kind == FLOWAN_REPORT_SERIES && report->rows->keys.count == 1)
        return each_bin(view, each, context);
    for (size_t i = 0; i < view->count; i++) {
        uint32_t at = view->order[i];
        bool groups = fl_report_has_ways(report);
        switch (report->kind) {
        case FLOWAN_REPORT_NETWORKS: set_network_row(view, at); break;
        case FLOWAN_REPORT_ASNS: set_as_row(view, at); break;
        case FLOWAN_REPORT_MATRIX:
        case FLOWAN_REPORT_TOP: set_top_row(view, at); break;
        case FLOWAN_REPORT_SERIES: set_filled_bin(view, at); break;
        }
        if (!each(context, view->cells,
                  groups ? view->groups[at].all.bytes
                         : report->rows->measures[at].bytes))
            return false;
    }
    return true;
}

/* --- the rows at the foot --- */

const flowan_measures *fl_report_sum_measures(const fl_report_view *view,
                                              fl_report_sum which)
{
    return which == FL_REPORT_OTHER ? &view->other : &view->totals.total;
}

static const flowan_measures *way_of(const fl_report_view *view, fl_report_sum which,
                                     const char *group)
{
    for (unsigned way = 0; way < FL_DIRECTION_COUNT; way++)
        if (strcmp(group, fl_enrich_direction_name(way)) == 0)
            return which == FL_REPORT_OTHER ? &view->other_way[way] : &view->way[way];
    return fl_report_sum_measures(view, which);
}

/* The measure of a column, found by its name; NULL for columns that are none. */
static void set_sum_cell(fl_report_view *view, fl_report_sum which, size_t index)
{
    const fl_report_column *column = &view->report->columns[index];
    fl_cell *cell = &view->cells[index];
    const flowan_measures *measures = column->group
                                          ? way_of(view, which, column->group)
                                          : fl_report_sum_measures(view, which);
    cell->kind = FL_CELL_NULL;
    if (strcmp(column->name, "flows") == 0)
        set_number(cell, fl_sum_of(measures->flows));
    else if (strcmp(column->name, "packets") == 0)
        set_number(cell, measures->packets);
    else if (strcmp(column->name, "bytes") == 0)
        set_number(cell, measures->bytes);
    else if (strcmp(column->name, "share") == 0)
        set_share(view, cell, measures->bytes);
}

const fl_cell *fl_report_sum_cells(fl_report_view *view, fl_report_sum which)
{
    size_t i = 0;
    set_text(view->cells, which == FL_REPORT_OTHER ? "other" : "total");
    for (i = 1; i < view->report->column_count; i++)
        set_sum_cell(view, which, i);
    return view->cells;
}
