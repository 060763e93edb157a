#include "summary.h"

#include <stdlib.h>
#include <string.h>

enum {
    RANGES_MAX = 8, /* of a column */
    ENTRIES_MAX =
        4096 /* that are looked at for them; of more only the outermost count */
};

/* What stands before the ranges of a column. */
enum { EVERYWHERE = 1, RANGES_KNOWN = 2 };

/* --- ranges --- */

static int compare(fl_wide a, fl_wide b)
{
    if (a.high != b.high)
        return a.high < b.high ? -1 : 1;
    return a.low < b.low ? -1 : a.low > b.low;
}

static int by_low(const void *left, const void *right)
{
    return compare(((const fl_wide_range *)left)->low,
                   ((const fl_wide_range *)right)->low);
}

static fl_wide distance(fl_wide from, fl_wide to)
{
    return (fl_wide){to.high - from.high - (to.low < from.low), to.low - from.low};
}

/* Joins what overlaps or touches, then what is nearest, until few enough are left. */
static size_t join(fl_wide_range *ranges, size_t count)
{
    size_t kept = 0;
    qsort(ranges, count, sizeof *ranges, by_low);
    for (size_t i = 0; i < count; i++) {
        if (kept && compare(ranges[i].low, ranges[kept - 1].high) <= 0) {
            if (compare(ranges[i].high, ranges[kept - 1].high) > 0)
                ranges[kept - 1].high = ranges[i].high;
        } else {
            ranges[kept++] = ranges[i];
        }
    }
    while (kept > RANGES_MAX) {
        size_t nearest = 1;
        fl_wide least = {UINT64_MAX, UINT64_MAX};
        for (size_t i = 1; i < kept; i++) {
            fl_wide gap = distance(ranges[i - 1].high, ranges[i].low);
            if (compare(gap, least) < 0) {
                least = gap;
                nearest = i;
            }
        }
        ranges[nearest - 1].high = ranges[nearest].high;
        memmove(ranges + nearest, ranges + nearest + 1,
                (kept - nearest - 1) * sizeof *ranges);
        kept--;
    }
    return kept;
}

/* --- writing --- */

/* What a column has in a class; false where nothing is known. */
static bool class_range(const fl_layout *l, const fl_layout_column *column,
                        size_t class, fl_wide_range *out)
{
    uint64_t low;
    uint64_t high;
    size_t cell = column->first_cell;
    if (!fl_layout_bounds(l, cell, class, &low, &high))
        return false;
    if (column->type != FLOWAN_TYPE_ADDRESS) {
        *out = (fl_wide_range){{0, low}, {0, high}};
        return true;
    }
    *out = (fl_wide_range){{low, 0}, {high, UINT64_MAX}};
    if (low == high)
        fl_layout_bounds(l, cell + 1, class, &out->low.low, &out->high.low);
    return true;
}

/* Of a column that labels tell. */
static bool label_ranges(const fl_layout *l, const fl_layout_column *column,
                         fl_wide_range *ranges, size_t *count)
{
    const uint64_t *halves[2] = {NULL, NULL};
    for (size_t k = 0; k < l->per_label_count; k++)
        for (size_t half = 0; half < column->cells; half++)
            if (l->per_label[k] == column->first_cell + half)
                halves[half] = l->label_numbers + k * l->label_count;
    bool address = column->type == FLOWAN_TYPE_ADDRESS;
    if (!halves[0] || (address && !halves[1]) || l->label_count > ENTRIES_MAX)
        return false;
    for (size_t i = 0; i < l->label_count; i++) {
        fl_wide value = {address ? halves[0][i] : 0, halves[address][i]};
        ranges[(*count)++] = (fl_wide_range){value, value};
    }
    return true;
}

/* The ranges of a column; false where not all of its values are known to be in any. */
static bool find_ranges(const fl_layout *l, size_t number, fl_wide_range *ranges,
                        size_t *count)
{
    const fl_layout_column *column = &l->columns[number];
    *count = 0;
    if (fl_type_is_run(column->type))
        return false;
    if (fl_layout_is_told(l, column->first_cell))
        return label_ranges(l, column, ranges, count);
    size_t cell = column->first_cell;
    for (size_t i = l->first_entry[cell]; i < l->first_entry[cell + 1]; i++) {
        if (*count == ENTRIES_MAX)
            *count = join(ranges, *count);
        if (!class_range(l, column, l->entries[i].class, &ranges[(*count)++]))
            return false;
    }
    return true;
}

/* Each number is what it is more than the one before. */
static void put_ranges(fl_buffer *out, const fl_wide_range *ranges, size_t count,
                       bool address)
{
    fl_wide last = {0, 0};
    for (size_t i = 0; i < 2 * count; i++) {
        fl_wide next = i % 2 ? ranges[i / 2].high : ranges[i / 2].low;
        if (address)
            fl_bytes_put_varint(out, next.high - last.high);
        fl_bytes_put_varint(out,
                            next.high == last.high ? next.low - last.low : next.low);
        last = next;
    }
}

bool fl_summary_put(const fl_layout *l, fl_buffer *out)
{
    fl_wide_range *ranges = fl_memory_alloc(ENTRIES_MAX, sizeof *ranges);
    fl_buffer bytes = {0};
    if (!ranges)
        return false;
    fl_bytes_put_varint(out, l->column_count);
    for (size_t i = 0; i < l->column_count; i++) {
        const fl_layout_column *column = &l->columns[i];
        size_t count;
        bool known = find_ranges(l, i, ranges, &count);
        fl_bytes_put_varint(out, column->name_size);
        fl_buffer_append(out, column->name, column->name_size);
        fl_buffer_byte(out, (char)column->type);
        fl_buffer_byte(out, (char)((column->present == l->rows ? EVERYWHERE : 0) |
                                   (known ? RANGES_KNOWN : 0)));
        if (!known)
            continue;
        fl_buffer_clear(&bytes);
        put_ranges(&bytes, ranges, join(ranges, count),
                   column->type == FLOWAN_TYPE_ADDRESS);
        fl_bytes_put_varint(out, bytes.size);
        fl_buffer_append(out, bytes.data, bytes.size);
    }
    bool sound = !out->failed && !bytes.failed;
    fl_buffer_free(&bytes);
    fl_memory_free(ranges);
    return sound;
}

/* --- reading --- */

/* A column of a summary. */
typedef struct entry {
    const char *name;
    size_t name_size;
    flowan_type type;
    unsigned flags;
    fl_cursor ranges;
} entry;

static bool next_range(fl_cursor *in, bool address, fl_wide *last, fl_wide_range *out)
{
    fl_wide ends[2];
    for (size_t i = 0; i < 2; i++) {
        uint64_t step = address ? fl_cursor_varint(in) : 0;
        uint64_t low = fl_cursor_varint(in);
        ends[i] = (fl_wide){last->high + step, step ? low : last->low + low};
        if (in->failed || compare(ends[i], *last) < 0)
            return false;
        *last = ends[i];
    }
    *out = (fl_wide_range){ends[0], ends[1]};
    return true;
}

static bool next_entry(fl_cursor *in, entry *out)
{
    out->name_size = (size_t)fl_cursor_varint(in);
    out->name = fl_cursor_take(in, out->name_size);
    out->type = (flowan_type)fl_cursor_get(in, 1);
    out->flags = (unsigned)fl_cursor_get(in, 1);
    if (in->failed || !(out->flags & RANGES_KNOWN))
        return !in->failed;
    size_t size = (size_t)fl_cursor_varint(in);
    out->ranges = (fl_cursor){fl_cursor_take(in, size), size, false};
    return !in->failed;
}

static fl_verdict judge_range(const fl_test *test, flowan_type type,
                              const fl_wide_range *range)
{
    if (type == FLOWAN_TYPE_ADDRESS)
        return test->kind == FL_TEST_IN
                   ? fl_addresses_judge(&test->addresses, range->low, range->high)
                   : FL_NONE;
    if (test->kind == FL_TEST_IN)
        return fl_numbers_judge(&test->numbers, range->low.low, range->high.low);
    if (range->low.low != range->high.low)
        return FL_SOME;
    bool all = (range->low.low & test->mask) == test->mask;
    return all != test->mask_outside ? FL_ALL : FL_NONE;
}

/* How a test lies to the rows that have a value in the column. */
static fl_verdict judge_entry(const fl_test *test, const entry *column)
{
    fl_cursor in = column->ranges;
    fl_wide last = {0, 0};
    fl_wide_range range;
    fl_verdict all = FL_ALL;
    fl_verdict any = FL_NONE;
    if (test->kind == FL_TEST_EXISTS)
        return FL_ALL;
    if (!(column->flags & RANGES_KNOWN))
        return FL_SOME;
    while (in.left > 0) {
        if (!next_range(&in, column->type == FLOWAN_TYPE_ADDRESS, &last, &range))
            return FL_SOME;
        fl_verdict one = judge_range(test, column->type, &range);
        all = one < all ? one : all;
        any = one > any ? one : any;
    }
    return any == FL_NONE ? FL_NONE : all == FL_ALL ? FL_ALL : FL_SOME;
}

/* What a summary is asked. */
typedef struct judge {
    const unsigned char *summary;
    size_t size;
    const flowan_filter *filter;
} judge;

static fl_verdict judge_test(const judge *j, const fl_test *test)
{
    fl_cursor in = {j->summary, j->size, false};
    size_t columns = (size_t)fl_cursor_varint(&in);
    fl_verdict verdict = FL_NONE;
    if (test->subject != FL_SUBJECT_COLUMN)
        return FL_SOME;
    for (size_t i = 0; i < columns; i++) {
        entry column;
        if (!next_entry(&in, &column))
            return FL_SOME;
        if (column.name_size != test->name_size ||
            memcmp(column.name, test->name, column.name_size) != 0)
            continue;
        fl_verdict one = judge_entry(test, &column);
        if (one == FL_ALL && (column.flags & EVERYWHERE))
            return FL_ALL;
        verdict = one == FL_NONE ? verdict : FL_SOME;
    }
    return verdict;
}

static fl_verdict judge_node(const judge *j, size_t number)
{
    const fl_node *node = &j->filter->nodes[number];
    fl_verdict verdict = FL_ALL;
    switch (node->kind) {
    case FL_NODE_ALL: return FL_ALL;
    case FL_NODE_TEST: return judge_test(j, &j->filter->tests[node->first]);
    case FL_NODE_NOT: return (fl_verdict)(FL_ALL - judge_node(j, node->first));
    case FL_NODE_AND:
        for (size_t i = 0; i < node->count && verdict != FL_NONE; i++) {
            fl_verdict one = judge_node(j, node->first + i);
            verdict = one < verdict ? one : verdict;
        }
        return verdict;
    case FL_NODE_OR:
        verdict = FL_NONE;
        for (size_t i = 0; i < node->count && verdict != FL_ALL; i++) {
            fl_verdict one = judge_node(j, node->first + i);
            verdict = one > verdict ? one : verdict;
        }
        return verdict;
    }
    return FL_SOME;
}

fl_verdict fl_summary_judge(const unsigned char *summary, size_t size,
                            const flowan_filter *filter)
{
    const judge j = {summary, size, filter};
    return size ? judge_node(&j, filter->root) : FL_SOME;
}
