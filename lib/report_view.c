/* From what a report has counted to its result: groups, order, what is cut off, time
 * bins and gaps. The cells of a row are filled in report_rows.c. */
#include "report.h"

#include <string.h>

#include "status.h"

bool fl_report_from(const fl_report_view *view, uint64_t *ns)
{
    *ns = view->report->has_start ? view->report->start_ns : view->totals.first_ns;
    return view->report->has_start || view->totals.has_span;
}

bool fl_report_to(const fl_report_view *view, uint64_t *ns)
{
    *ns = view->report->has_end ? view->report->end_ns : view->totals.last_ns;
    return view->report->has_end || view->totals.has_span;
}

/* --- groups --- */

/* The group of a key; a new one where there is none yet. -1 when memory is short. */
static int64_t group_of(fl_report_view *view, const char *key, size_t size)
{
    bool added;
    int64_t group = fl_hash_put(&view->keys, key, size, &added);
    if (group < 0 || !added)
        return group;
    if (!fl_memory_grow((void **)&view->groups, &view->groups_room, view->keys.count,
                        sizeof *view->groups))
        return -1;
    memset(&view->groups[group], 0, sizeof *view->groups);
    return group;
}

typedef struct group_order {
    fl_report_view *view;
    size_t first; /* parts of the aggregator's keys that are a group's key */
    size_t count;
} group_order;

static bool group_before(void *context, uint32_t a, uint32_t b)
{
    const group_order *by = context;
    fl_report_view *view = by->view;
    flowan_report *report = view->report;
    int order =
        fl_sum_compare(fl_aggregate_measure(&view->groups[a].all, report->order),
                       fl_aggregate_measure(&view->groups[b].all, report->order));
    if (order)
        return order > 0;
    size_t size;
    order = fl_keys_compare(&report->rows->keys, &report->enrich, by->first, by->count,
                            fl_hash_key(&view->keys, a, &size),
                            fl_hash_key(&view->keys, b, &size));
    return order ? order < 0 : a < b;
}

/* Orders the groups and marks the first `limit`. */
static bool choose_groups(fl_report_view *view, size_t first, size_t parts,
                          uint32_t **order, size_t *count)
{
    group_order by = {view, first, parts};
    if (!fl_aggregate_select(view->keys.count, view->report->limit, group_before, &by,
                             order, count))
        return false;
    for (size_t i = 0; i < *count; i++)
        view->groups[(*order)[i]].chosen = true;
    return true;
}

/* --- networks and asns --- */

/* Keeps the largest, ties by ASN. */
static void add_peer(fl_group *group, flowan_order order, uint32_t as,
                     const flowan_measures *measures)
{
    size_t at = group->peer_count;
    while (at > 0) {
        const fl_report_peer *above = &group->peer[at - 1];
        int compared = fl_sum_compare(fl_aggregate_measure(measures, order),
                                      fl_aggregate_measure(&above->measures, order));
        if (compared < 0 || (compared == 0 && as > above->as))
            break;
        at--;
    }
    if (at == FL_REPORT_PEERS)
        return;
    if (group->peer_count < FL_REPORT_PEERS)
        group->peer_count++;
    memmove(&group->peer[at + 1], &group->peer[at],
            (group->peer_count - at - 1) * sizeof group->peer[0]);
    group->peer[at] = (fl_report_peer){as, *measures};
}

static bool fold_rows(fl_report_view *view)
{
    const flowan_aggregator *rows = view->report->rows;
    for (size_t i = 0; i < rows->table.count; i++) {
        size_t size;
        const char *key = fl_aggregate_key(rows, i, &size);
        size_t own = fl_keys_part_size(key);
        int64_t group = group_of(view, key, own);
        if (group < 0)
            return false;
        fl_measures_add(&view->groups[group].all, &rows->measures[i]);
        fl_measures_add(&view->groups[group].way[fl_keys_direction(key + own)],
                        &rows->measures[i]);
    }
    return true;
}

static void fold_distinct(fl_report_view *view)
{
    const flowan_aggregator *distinct = view->report->distinct;
    for (size_t i = 0; i < distinct->table.count; i++) {
        size_t size;
        const char *key = fl_aggregate_key(distinct, i, &size);
        size_t own = fl_keys_part_size(key);
        int64_t group = fl_hash_find(&view->keys, key, own);
        if (group >= 0 && !fl_keys_is_null(key + own))
            view->groups[group].distinct++;
    }
}

static void fold_peers(fl_report_view *view)
{
    flowan_aggregator *peers = view->report->peers;
    for (size_t i = 0; peers && i < peers->table.count; i++) {
        size_t size;
        const char *key = fl_aggregate_key(peers, i, &size);
        const char *at = key + fl_keys_part_size(key);
        int64_t group = fl_hash_find(&view->keys, key, (size_t)(at - key));
        flowan_key_part as;
        fl_keys_take(&peers->keys, &view->report->enrich, 1, &at, &as);
        if (group >= 0)
            add_peer(&view->groups[group], view->report->order, (uint32_t)as.integer,
                     &peers->measures[i]);
    }
}

static void fold_ways(fl_report_view *view)
{
    const flowan_aggregator *ways = view->report->ways;
    for (size_t i = 0; i < ways->table.count; i++) {
        size_t size;
        const char *key = fl_aggregate_key(ways, i, &size);
        view->way[fl_keys_direction(key)] = ways->measures[i];
    }
    /* Flows without a row: no remote end between networks of ours, no local one in
     * transit. */
    view->other_way[FL_DIRECTION_TRANSIT] = view->way[FL_DIRECTION_TRANSIT];
    if (view->report->kind == FLOWAN_REPORT_ASNS)
        view->other_way[FL_DIRECTION_INTERNAL] = view->way[FL_DIRECTION_INTERNAL];
}

static bool make_groups(fl_report_view *view)
{
    if (!fold_rows(view))
        return false;
    fold_distinct(view);
    fold_peers(view);
    fold_ways(view);
    if (!choose_groups(view, 0, 1, &view->order, &view->count))
        return false;
    for (size_t i = 0; i < view->keys.count; i++) {
        const fl_group *group = &view->groups[i];
        if (group->chosen)
            continue;
        fl_measures_add(&view->other, &group->all);
        for (unsigned way = 0; way < FL_DIRECTION_COUNT; way++)
            fl_measures_add(&view->other_way[way], &group->way[way]);
    }
    return true;
}

/* --- matrix and top --- */

static bool take_order(fl_report_view *view, flowan_order order, size_t limit)
{
    const uint32_t *rows;
    if (flowan_aggregator_order(view->report->rows, order, limit, &rows, &view->count,
                                NULL) < 0)
        return false;
    view->order = view->report->rows->order;
    view->report->rows->order = NULL;
    return true;
}

static bool make_top(fl_report_view *view)
{
    const flowan_aggregator *rows = view->report->rows;
    bool *chosen = fl_memory_zalloc(rows->table.count, sizeof *chosen);
    bool done = chosen && take_order(view, view->report->order, view->report->limit);
    for (size_t i = 0; done && i < view->count; i++)
        chosen[view->order[i]] = true;
    for (size_t i = 0; done && i < rows->table.count; i++)
        if (!chosen[i])
            fl_measures_add(&view->other, &rows->measures[i]);
    fl_memory_free(chosen);
    return done;
}

/* --- series --- */

uint64_t fl_report_bin(const fl_report_view *view, size_t row)
{
    flowan_aggregator *rows = view->report->rows;
    size_t size;
    const char *at = fl_aggregate_key(rows, row, &size);
    flowan_key_part part;
    fl_keys_take(&rows->keys, rows->enrich, 0, &at, &part);
    return part.integer / view->report->bin_ns;
}

/* From the first to the last filled bin, or as the window has it. */
static void find_bins(fl_report_view *view)
{
    const flowan_report *report = view->report;
    uint64_t width = report->bin_ns;
    bool filled = view->count > 0;
    if (filled) {
        view->first_bin = fl_report_bin(view, view->order[0]);
        view->end_bin = fl_report_bin(view, view->order[view->count - 1]) + 1;
    }
    if (!filled && !(report->has_start && report->has_end))
        return;
    if (report->has_start)
        view->first_bin = report->start_ns / width;
    if (report->has_end)
        view->end_bin = report->end_ns / width + (report->end_ns % width != 0);
    if (view->end_bin < view->first_bin)
        view->end_bin = view->first_bin;
}

static bool in_window(fl_report_view *view, size_t row)
{
    uint64_t bin = fl_report_bin(view, row);
    return bin >= view->first_bin && bin < view->end_bin;
}

/* Groups by what stands behind the time; rows outside of the window have none. */
static bool group_bins(fl_report_view *view)
{
    const flowan_aggregator *rows = view->report->rows;
    view->group_of = fl_memory_alloc(rows->table.count, sizeof *view->group_of);
    if (!view->group_of)
        return false;
    for (size_t i = 0; i < rows->table.count; i++) {
        size_t size;
        const char *key = fl_aggregate_key(rows, i, &size);
        size_t time = fl_keys_part_size(key);
        view->group_of[i] = UINT32_MAX;
        if (!in_window(view, i))
            continue;
        int64_t group = group_of(view, key + time, size - time);
        if (group < 0)
            return false;
        view->group_of[i] = (uint32_t)group;
        fl_measures_add(&view->groups[group].all, &rows->measures[i]);
    }
    return true;
}

static bool granule_before(void *context, uint32_t a, uint32_t b)
{
    const flowan_report *report = context;
    return report->receipts[a].first_ns < report->receipts[b].first_ns;
}

/* The times of at least gap_ns between two receipts, and those before the first and
 * behind the last, however long. */
static bool find_gaps(fl_report_view *view)
{
    flowan_report *report = view->report;
    size_t count;
    uint32_t *order = NULL;
    if (!fl_aggregate_select(report->granules.count, SIZE_MAX, granule_before, report,
                             &order, &count)) {
        return false;
    }
    view->gaps = fl_memory_alloc(count + 1, sizeof *view->gaps);
    if (view->gaps) {
        uint64_t after = 0;
        for (size_t i = 0; i < count; i++) {
            const fl_receipt *receipt = &report->receipts[order[i]];
            if (i == 0 || receipt->first_ns - after >= report->gap_ns)
                view->gaps[view->gap_count++] =
                    (fl_gap){after, receipt->first_ns, i == 0};
            after = receipt->last_ns;
        }
        view->gaps[view->gap_count++] = (fl_gap){after, UINT64_MAX, count == 0};
    }
    fl_memory_free(order);
    return view->gaps != NULL;
}

/* Moves the chosen rows together; the others go to `other`. */
static void keep_chosen(fl_report_view *view)
{
    const flowan_aggregator *rows = view->report->rows;
    size_t kept = 0;
    for (size_t i = 0; i < view->count; i++) {
        uint32_t row = view->order[i];
        uint32_t group = view->group_of[row];
        if (group != UINT32_MAX && view->groups[group].chosen)
            view->order[kept++] = row;
        else
            fl_measures_add(&view->other, &rows->measures[row]);
    }
    view->count = kept;
}

static flowan_status make_series(fl_report_view *view, flowan_error *error)
{
    size_t parts = view->report->rows->keys.count - 1;
    uint32_t *groups = NULL;
    size_t count;
    if (!take_order(view, FLOWAN_ORDER_KEY, SIZE_MAX))
        return fl_status_memory(error);
    find_bins(view);
    bool done = group_bins(view) && choose_groups(view, 1, parts, &groups, &count) &&
                find_gaps(view);
    fl_memory_free(groups);
    if (!done)
        return fl_status_memory(error);
    keep_chosen(view);
    uint64_t rows = parts ? view->count : view->end_bin - view->first_bin;
    if (rows > FL_REPORT_ROWS_MAX)
        return fl_status_fail(error, FLOWAN_ERROR_LIMIT, FL_NO_OFFSET,
                              "the series would have %llu rows, which is more than %d: "
                              "ask for wider bins or a shorter time",
                              (unsigned long long)rows, FL_REPORT_ROWS_MAX);
    return FLOWAN_OK;
}

/* --- the view --- */

static void find_largest(fl_report_view *view)
{
    bool groups = fl_report_has_ways(view->report);
    for (size_t i = 0; i < view->count; i++) {
        uint32_t at = view->order[i];
        flowan_sum bytes = groups ? view->groups[at].all.bytes
                                  : view->report->rows->measures[at].bytes;
        if (fl_sum_compare(bytes, view->largest) > 0)
            view->largest = bytes;
    }
}

flowan_status fl_report_view_make(fl_report_view *view, flowan_report *report,
                                  flowan_error *error)
{
    *view = (fl_report_view){.report = report};
    flowan_aggregator_totals(report->rows, &view->totals);
    view->other = view->totals.outside;
    view->cells = fl_memory_zalloc(report->column_count, sizeof *view->cells);
    if (!view->cells)
        return fl_status_memory(error);
    flowan_status status = FLOWAN_OK;
    if (report->kind == FLOWAN_REPORT_SERIES)
        status = make_series(view, error);
    else if (!(fl_report_has_ways(report) ? make_groups(view) : make_top(view)))
        status = fl_status_memory(error);
    if (status >= 0)
        find_largest(view);
    return status;
}

void fl_report_view_free(fl_report_view *view)
{
    fl_hash_free(&view->keys);
    fl_memory_free(view->groups);
    fl_memory_free(view->order);
    fl_memory_free(view->group_of);
    fl_memory_free(view->gaps);
    fl_memory_free(view->cells);
}
