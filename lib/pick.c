#include "pick.h"

#include <string.h>

#include "clock.h"
#include "status.h"

enum {
    VERDICTS_MAX = 1 << 20,
    KNOWN_MAX = 1024,   /* dictionaries that are looked into; the list is searched */
    NAMESAKES_MAX = 12, /* columns of a name: one a type, but in hostile files */
    LOOK_MAX = 4096     /* values of a dictionary that are looked at together */
};

/* Whether any value of a stream's dictionary passes a test. */
typedef struct fl_pick_known {
    const fl_test *test;
    size_t stream;
    uint64_t high; /* of addresses: their first half */
    fl_verdict verdict;
} fl_pick_known;

static size_t class_rows(const fl_pick *p, size_t class)
{
    return fl_unpack_class_rows(p->unpack, class);
}

/* --- which column is meant --- */

/* For each test the columns of its name, one a type. */
static bool find_columns(fl_pick *p)
{
    const fl_layout *l = &p->unpack->layout;
    const flowan_filter *filter = p->question->filter;
    size_t count = 0;
    size_t room = 0;
    p->first_column = fl_pool_take(p->unpack->integers.pool, filter->test_count + 1,
                                   sizeof *p->first_column);
    if (!p->first_column)
        return false;
    for (size_t t = 0; t < filter->test_count; t++) {
        const fl_test *test = &filter->tests[t];
        p->first_column[t] = (uint32_t)count;
        for (size_t i = 0; test->subject == FL_SUBJECT_COLUMN && i < l->column_count;
             i++) {
            if (l->columns[i].name_size != test->name_size ||
                memcmp(l->columns[i].name, test->name, test->name_size) != 0 ||
                count - p->first_column[t] == NAMESAKES_MAX)
                continue;
            if (!fl_memory_grow((void **)&p->columns, &room, count + 1,
                                sizeof *p->columns))
                return false;
            p->columns[count++] = (uint32_t)i;
        }
    }
    p->first_column[filter->test_count] = (uint32_t)count;
    return true;
}

/* The column of a test that rows of the class have a value in. */
static const fl_layout_column *column_of(const fl_pick *p, size_t test, size_t class)
{
    const fl_layout *l = &p->unpack->layout;
    for (size_t i = p->first_column[test]; i < p->first_column[test + 1]; i++)
        if (fl_layout_has(l, l->class_shapes[class], p->columns[i]))
            return &l->columns[p->columns[i]];
    return NULL;
}

/* --- verdicts on classes --- */

static void widen(uint64_t number, uint64_t *low, uint64_t *high)
{
    *low = number < *low ? number : *low;
    *high = number > *high ? number : *high;
}

/* For each class the labels whose rows can be of it: between which numbers these are. Of
 * all labels, as long as it is not known which. */
static bool bound_labels(fl_pick *p)
{
    const fl_unpack *u = p->unpack;
    const fl_layout *l = &u->layout;
    size_t count = l->per_label_count * l->class_count;
    if (!p->label_low)
        p->label_low = fl_pool_take(u->integers.pool, count, sizeof *p->label_low);
    if (!p->label_high)
        p->label_high = fl_pool_take(u->integers.pool, count, sizeof *p->label_high);
    if (!p->label_low || !p->label_high)
        return false;
    for (size_t k = 0; k < l->per_label_count; k++) {
        const uint64_t *numbers = l->label_numbers + k * l->label_count;
        uint64_t *low = p->label_low + k * l->class_count;
        uint64_t *high = p->label_high + k * l->class_count;
        uint64_t least = UINT64_MAX;
        uint64_t most = 0;
        for (size_t i = 0; !u->label_lists && i < l->label_count; i++)
            widen(numbers[i], &least, &most);
        for (size_t c = 0; c < l->class_count; c++) {
            low[c] = least;
            high[c] = most;
        }
        for (size_t i = 0; u->label_lists && i < l->label_count; i++)
            for (size_t n = u->label_lists[i]; n < u->label_lists[i + 1]; n++)
                widen(numbers[i], &low[u->listed[n]], &high[u->listed[n]]);
    }
    return true;
}

/* Numbers between which those of the cell are. False where nothing is known. */
static bool find_bounds(const fl_pick *p, size_t cell, size_t class, uint64_t *low,
                        uint64_t *high)
{
    const fl_layout *l = &p->unpack->layout;
    for (size_t k = 0; k < l->per_label_count; k++) {
        size_t at = k * l->class_count + class;
        if (l->per_label[k] != cell)
            continue;
        if (p->label_low[at] > p->label_high[at])
            return false;
        *low = p->label_low[at];
        *high = p->label_high[at];
        return true;
    }
    return fl_layout_bounds(l, cell, class, low, high);
}

static fl_verdict judge_numbers(const fl_test *test, uint64_t low, uint64_t high)
{
    if (test->kind == FL_TEST_IN)
        return fl_numbers_judge(&test->numbers, low, high);
    if (low != high)
        return FL_SOME;
    return ((low & test->mask) == test->mask) != test->mask_outside ? FL_ALL : FL_NONE;
}

static fl_verdict judge_addresses(const fl_pick *p, const fl_test *test, size_t cell,
                                  size_t class)
{
    fl_wide low = {0, 0};
    fl_wide high = {UINT64_MAX, UINT64_MAX};
    if (!find_bounds(p, cell, class, &low.high, &high.high))
        return FL_SOME;
    if (low.high == high.high)
        find_bounds(p, cell + 1, class, &low.low, &high.low);
    return fl_addresses_judge(&test->addresses, low, high);
}

/* --- dictionaries --- */

static void match_bits(const fl_test *test, const uint64_t *numbers, size_t count,
                       uint64_t *mask)
{
    fl_mask_fill(mask, count, false);
    for (size_t i = 0; i < count; i++)
        mask[i / 64] |=
            (uint64_t)(((numbers[i] & test->mask) == test->mask) != test->mask_outside)
            << (i % 64);
}

/* Whether any number passes; of addresses they are the second halves. */
static bool any_passes(const fl_test *test, bool address, uint64_t high,
                       const uint64_t *numbers, size_t count)
{
    uint64_t mask[LOOK_MAX / 64];
    for (size_t at = 0; at < count; at += LOOK_MAX) {
        size_t here = count - at < LOOK_MAX ? count - at : LOOK_MAX;
        if (address)
            fl_addresses_match_low(&test->addresses, high, numbers + at, here, mask);
        else if (test->kind == FL_TEST_IN)
            fl_numbers_match(&test->numbers, numbers + at, here, mask);
        else
            match_bits(test, numbers + at, here, mask);
        if (!fl_mask_is_empty(mask, fl_mask_words(here)))
            return true;
    }
    return false;
}

static flowan_status look_into(fl_pick *p, const fl_test *test, size_t stream,
                               bool address, uint64_t high, fl_verdict *verdict)
{
    for (size_t i = 0; i < p->known_count; i++) {
        const fl_pick_known *known = &p->known[i];
        if (known->test == test && known->stream == stream && known->high == high) {
            *verdict = known->verdict;
            return FLOWAN_OK;
        }
    }
    *verdict = FL_SOME;
    if (p->known_count == KNOWN_MAX)
        return FLOWAN_OK;
    fl_unpack_list list;
    flowan_status status = fl_unpack_values(p->unpack, stream, &list);
    if (status != FLOWAN_OK)
        return status;
    if (list.values && !any_passes(test, address, high, list.values, list.count) &&
        !any_passes(test, address, high, list.others, list.other_count))
        *verdict = FL_NONE;
    fl_pool_give(p->unpack->integers.pool, list.others);
    if (!fl_memory_grow((void **)&p->known, &p->known_room, p->known_count + 1,
                        sizeof *p->known))
        return fl_status_memory(p->unpack->error);
    p->known[p->known_count++] = (fl_pick_known){test, stream, high, *verdict};
    return FLOWAN_OK;
}

/* By what the stream of the cell can have at all. */
static flowan_status judge_by_dictionary(fl_pick *p, const fl_test *test,
                                         const fl_layout_column *column, size_t class,
                                         fl_verdict *verdict)
{
    bool address = column->type == FLOWAN_TYPE_ADDRESS;
    size_t cell = column->first_cell;
    uint64_t high = 0;
    uint64_t top = 0;
    if (address && (!find_bounds(p, cell, class, &high, &top) || high != top))
        return FLOWAN_OK;
    const fl_source *source =
        fl_layout_source(&p->unpack->layout, cell + address, class);
    if (!source || source->op != FL_SOURCE_STREAM || source->scale != 0)
        return FLOWAN_OK;
    return look_into(p, test, source->stream, address, high, verdict);
}

static flowan_status find_verdict(fl_pick *p, size_t number, size_t class,
                                  fl_verdict *verdict)
{
    const fl_test *test = &p->question->filter->tests[number];
    *verdict = FL_SOME;
    if (test->subject != FL_SUBJECT_COLUMN)
        return FLOWAN_OK;
    const fl_layout_column *column = column_of(p, number, class);
    if (!column || test->kind == FL_TEST_EXISTS) {
        *verdict = column ? FL_ALL : FL_NONE;
        return FLOWAN_OK;
    }
    if (fl_type_is_run(column->type))
        return FLOWAN_OK;
    uint64_t low;
    uint64_t high;
    if (column->type == FLOWAN_TYPE_ADDRESS)
        *verdict = test->kind == FL_TEST_IN
                       ? judge_addresses(p, test, column->first_cell, class)
                       : FL_NONE;
    else if (find_bounds(p, column->first_cell, class, &low, &high))
        *verdict = judge_numbers(test, low, high);
    if (*verdict != FL_SOME || !p->by_dictionary)
        return FLOWAN_OK;
    return judge_by_dictionary(p, test, column, class, verdict);
}

/* Each is found once, as far as that goes now. */
static flowan_status judge_test(fl_pick *p, size_t number, size_t class,
                                fl_verdict *verdict)
{
    uint8_t *kept = p->verdicts
                        ? &p->verdicts[number * p->unpack->layout.class_count + class]
                        : NULL;
    if (kept && *kept) {
        *verdict = (fl_verdict)(*kept - 1);
        return FLOWAN_OK;
    }
    flowan_status status = find_verdict(p, number, class, verdict);
    if (kept && status == FLOWAN_OK && (*verdict != FL_SOME || p->by_dictionary))
        *kept = (uint8_t)(*verdict + 1);
    return status;
}

static flowan_status judge_node(fl_pick *p, size_t number, size_t class,
                                fl_verdict *verdict)
{
    const flowan_filter *filter = p->question->filter;
    const fl_node *node = &filter->nodes[number];
    flowan_status status = FLOWAN_OK;
    fl_verdict of_child;
    switch (node->kind) {
    case FL_NODE_ALL: *verdict = FL_ALL; return FLOWAN_OK;
    case FL_NODE_TEST: return judge_test(p, node->first, class, verdict);
    case FL_NODE_NOT:
        status = judge_node(p, node->first, class, &of_child);
        *verdict = of_child == FL_ALL    ? FL_NONE
                   : of_child == FL_NONE ? FL_ALL
                                         : FL_SOME;
        return status;
    case FL_NODE_AND:
    case FL_NODE_OR: break;
    }
    bool all = node->kind == FL_NODE_AND;
    *verdict = all ? FL_ALL : FL_NONE;
    for (size_t i = 0; i < node->count; i++) {
        status = judge_node(p, node->first + i, class, &of_child);
        if (status != FLOWAN_OK)
            return status;
        if (of_child == (all ? FL_NONE : FL_ALL)) {
            *verdict = of_child;
            return FLOWAN_OK;
        }
        if (of_child == FL_SOME)
            *verdict = FL_SOME;
    }
    return FLOWAN_OK;
}

/* Leaves out the classes none of whose rows can pass; false in *any when none is left. */
static flowan_status judge_classes(fl_pick *p, bool *any)
{
    const fl_layout *l = &p->unpack->layout;
    *any = false;
    for (size_t c = 0; c < l->class_count; c++) {
        fl_verdict verdict;
        if (!p->wanted.left[c])
            continue;
        flowan_status status = judge_node(p, p->question->filter->root, c, &verdict);
        if (status != FLOWAN_OK)
            return status;
        if (verdict == FL_NONE)
            p->wanted.left[c] = 0;
        else
            *any = true;
    }
    return FLOWAN_OK;
}

/* --- rows of a class --- */

/* Numbers of the class, of those rows that are wanted where these are few. */
typedef struct some_rows {
    uint32_t *places; /* NULL: all */
    size_t count;
} some_rows;

static flowan_status begin_rows(fl_pick *p, size_t class, some_rows *r)
{
    size_t all = class_rows(p, class);
    *r = (some_rows){NULL, all};
    if (!fl_wanted_few(&p->wanted, class, all))
        return FLOWAN_OK;
    r->places = fl_pool_take(p->unpack->integers.pool, p->wanted.left[class],
                             sizeof *r->places);
    if (!r->places)
        return fl_status_memory(p->unpack->error);
    r->count = fl_wanted_places(p->wanted.masks[class], all, r->places);
    return FLOWAN_OK;
}

/* Bits of these rows become bits of all. */
static void end_rows(fl_pick *p, size_t class, some_rows *r, uint64_t *mask)
{
    size_t words = fl_mask_words(class_rows(p, class));
    if (!r->places)
        return;
    uint64_t *few = p->others; /* it has room for a number a row */
    memcpy(few, mask, fl_mask_words(r->count) * sizeof *few);
    memset(mask, 0, words * sizeof *mask);
    for (size_t i = 0; i < r->count; i++)
        mask[r->places[i] / 64] |= (few[i / 64] >> (i % 64) & 1) << (r->places[i] % 64);
    fl_pool_give(p->unpack->integers.pool, r->places);
}

static flowan_status match_addresses(fl_pick *p, const fl_test *test, size_t cell,
                                     size_t class, const some_rows *r, uint64_t *mask)
{
    uint64_t low;
    uint64_t high;
    flowan_status status =
        fl_unpack_cell(p->unpack, cell + 1, class, r->places, r->count, p->numbers);
    if (status != FLOWAN_OK)
        return status;
    if (find_bounds(p, cell, class, &low, &high) && low == high) {
        fl_addresses_match_low(&test->addresses, low, p->numbers, r->count, mask);
        return FLOWAN_OK;
    }
    status = fl_unpack_cell(p->unpack, cell, class, r->places, r->count, p->others);
    if (status != FLOWAN_OK)
        return status;
    fl_mask_fill(mask, r->count, false);
    for (size_t i = 0; i < r->count; i++)
        mask[i / 64] |= (uint64_t)fl_addresses_has(
                            &test->addresses, (fl_wide){p->others[i], p->numbers[i]})
                        << (i % 64);
    return FLOWAN_OK;
}

/* The rows that pass, and maybe more: *exact tells. */
static flowan_status match_test(fl_pick *p, size_t number, size_t class, uint64_t *mask,
                                bool *exact)
{
    const fl_test *test = &p->question->filter->tests[number];
    const fl_layout_column *column = column_of(p, number, class);
    *exact = test->subject == FL_SUBJECT_COLUMN && !fl_type_is_run(column->type);
    if (!*exact) {
        fl_mask_fill(mask, class_rows(p, class), true);
        return FLOWAN_OK;
    }
    some_rows r;
    flowan_status status = begin_rows(p, class, &r);
    if (status != FLOWAN_OK)
        return status;
    if (column->type == FLOWAN_TYPE_ADDRESS) {
        status = match_addresses(p, test, column->first_cell, class, &r, mask);
    } else {
        status = fl_unpack_cell(p->unpack, column->first_cell, class, r.places, r.count,
                                p->numbers);
        if (status == FLOWAN_OK && test->kind == FL_TEST_IN)
            fl_numbers_match(&test->numbers, p->numbers, r.count, mask);
        else if (status == FLOWAN_OK)
            match_bits(test, p->numbers, r.count, mask);
    }
    if (status == FLOWAN_OK)
        end_rows(p, class, &r, mask);
    else
        fl_pool_give(p->unpack->integers.pool, r.places);
    return status;
}

static flowan_status match_node(fl_pick *p, size_t number, size_t class, uint64_t *mask,
                                bool *exact);

/* Children of and, or. */
static flowan_status match_children(fl_pick *p, const fl_node *node, size_t class,
                                    uint64_t *mask, bool *exact)
{
    size_t rows = class_rows(p, class);
    size_t words = fl_mask_words(rows);
    bool all = node->kind == FL_NODE_AND;
    uint64_t *one = fl_pool_take(p->unpack->integers.pool, words, sizeof *one);
    flowan_status status = one ? FLOWAN_OK : fl_status_memory(p->unpack->error);
    fl_mask_fill(mask, rows, all);
    *exact = true;
    for (size_t i = 0; status == FLOWAN_OK && i < node->count; i++) {
        bool exact_one;
        status = match_node(p, node->first + i, class, one, &exact_one);
        *exact = *exact && exact_one;
        for (size_t w = 0; status == FLOWAN_OK && w < words; w++)
            mask[w] = all ? mask[w] & one[w] : mask[w] | one[w];
        if (all && fl_mask_is_empty(mask, words))
            break;
    }
    fl_pool_give(p->unpack->integers.pool, one);
    return status;
}

static flowan_status match_node(fl_pick *p, size_t number, size_t class, uint64_t *mask,
                                bool *exact)
{
    const fl_node *node = &p->question->filter->nodes[number];
    size_t rows = class_rows(p, class);
    fl_verdict verdict;
    flowan_status status = judge_node(p, number, class, &verdict);
    *exact = true;
    if (status != FLOWAN_OK || verdict != FL_SOME) {
        fl_mask_fill(mask, rows, verdict == FL_ALL);
        return status;
    }
    if (node->kind == FL_NODE_TEST)
        return match_test(p, node->first, class, mask, exact);
    if (node->kind != FL_NODE_NOT)
        return match_children(p, node, class, mask, exact);
    status = match_node(p, node->first, class, mask, exact);
    if (status != FLOWAN_OK)
        return status;
    if (!*exact) { /* of what may be more than it is, the rest may be less */
        fl_mask_fill(mask, rows, true);
        return FLOWAN_OK;
    }
    fl_mask_invert(mask, rows);
    return FLOWAN_OK;
}

/* Leaves of the class only rows that are in the mask. */
static flowan_status narrow(fl_pick *p, size_t class, const uint64_t *mask)
{
    size_t all = class_rows(p, class);
    size_t words = fl_mask_words(all);
    uint64_t **own = &p->wanted.masks[class];
    if (!*own) {
        *own = fl_pool_take(p->unpack->integers.pool, words, sizeof **own);
        if (!*own)
            return fl_status_memory(p->unpack->error);
        fl_mask_fill(*own, all, true);
    }
    for (size_t i = 0; i < words; i++)
        (*own)[i] &= mask[i];
    p->wanted.left[class] = (uint32_t)fl_mask_count(*own, words);
    return FLOWAN_OK;
}

static flowan_status match_class(fl_pick *p, size_t node, size_t class, uint64_t *mask)
{
    fl_verdict verdict;
    bool exact;
    flowan_status status = judge_node(p, node, class, &verdict);
    if (status != FLOWAN_OK || verdict == FL_ALL)
        return status;
    status = match_node(p, node, class, mask, &exact);
    p->exact = p->exact && exact;
    return status == FLOWAN_OK ? narrow(p, class, mask) : status;
}

/* Test by test, as far as they are joined by and, so that each has fewer rows to look at. */
static flowan_status match_classes(fl_pick *p)
{
    const flowan_filter *filter = p->question->filter;
    const fl_node *root = &filter->nodes[filter->root];
    bool all = root->kind == FL_NODE_AND;
    size_t classes = p->unpack->layout.class_count;
    size_t most = 0;
    for (size_t c = 0; c < classes; c++)
        most = class_rows(p, c) > most ? class_rows(p, c) : most;
    uint64_t *mask =
        fl_pool_take(p->unpack->integers.pool, fl_mask_words(most), sizeof *mask);
    flowan_status status = mask ? FLOWAN_OK : fl_status_memory(p->unpack->error);
    for (size_t i = 0; i < (all ? root->count : 1); i++)
        for (size_t c = 0; status == FLOWAN_OK && c < classes; c++)
            if (p->wanted.left[c] > 0)
                status = match_class(p, all ? root->first + i : filter->root, c, mask);
    fl_pool_give(p->unpack->integers.pool, mask);
    return status;
}

/* --- the window --- */

/* The times of some rows of a class; NULL where it has none. */
typedef struct times {
    uint64_t *received;
    uint64_t *start;
    uint64_t *end;
} times;

static flowan_status get_times(fl_pick *p, int field, size_t class,
                               const uint32_t *places, size_t count, uint64_t **out)
{
    const fl_layout *l = &p->unpack->layout;
    for (size_t i = 0; i < l->column_count; i++) {
        if (fl_reader_field(&l->columns[i]) != field ||
            !fl_layout_has(l, l->class_shapes[class], i))
            continue;
        *out = fl_pool_take(p->unpack->integers.pool, count, sizeof **out);
        return *out ? fl_unpack_cell(p->unpack, l->columns[i].first_cell, class, places,
                                     count, *out)
                    : fl_status_memory(p->unpack->error);
    }
    return FLOWAN_OK;
}

bool fl_question_holds(const fl_question *question, const fl_span *span)
{
    if (!span->known || !fl_clock_overlaps(span, question->from_ns, question->to_ns))
        return false;
    return !question->inside ||
           (span->start_ns >= question->from_ns && span->end_ns <= question->to_ns);
}

static flowan_status cut_class(fl_pick *p, size_t class, uint32_t *places,
                               uint64_t *mask)
{
    size_t count =
        fl_wanted_places(p->wanted.masks[class], class_rows(p, class), places);
    times t = {0};
    flowan_status status =
        get_times(p, FLOWAN_FIELD_TIME_RECEIVED_NS, class, places, count, &t.received);
    if (status == FLOWAN_OK)
        status = get_times(p, FLOWAN_FIELD_TIME_FLOW_START_NS, class, places, count,
                           &t.start);
    if (status == FLOWAN_OK)
        status =
            get_times(p, FLOWAN_FIELD_TIME_FLOW_END_NS, class, places, count, &t.end);
    fl_mask_fill(mask, class_rows(p, class), false);
    for (size_t i = 0; status == FLOWAN_OK && i < count; i++) {
        fl_span span =
            fl_clock_judge(t.received ? t.received[i] : 0, t.start ? &t.start[i] : NULL,
                           t.end ? &t.end[i] : NULL);
        mask[places[i] / 64] |= (uint64_t)fl_question_holds(p->question, &span)
                                << (places[i] % 64);
    }
    fl_pool_give(p->unpack->integers.pool, t.received);
    fl_pool_give(p->unpack->integers.pool, t.start);
    fl_pool_give(p->unpack->integers.pool, t.end);
    return status == FLOWAN_OK ? narrow(p, class, mask) : status;
}

/* Whether the window leaves out anything at all of a block. */
static bool window_cuts(const fl_question *question, const flowan_segment_stats *stats)
{
    return question->has_window &&
           (stats->rows_without_time > 0 || stats->span_min_ns < question->from_ns ||
            stats->span_max_ns >= question->to_ns);
}

/* --- the choice --- */

static flowan_status choose_all(fl_pick *p)
{
    bool any_order = p->question->any_order;
    flowan_status status = any_order ? FLOWAN_OK : fl_unpack_order(p->unpack);
    p->chosen = (fl_chosen){.count = p->unpack->layout.rows,
                            .whole = true,
                            .first = p->unpack->first,
                            .out = any_order ? NULL : p->unpack->rows};
    return status;
}

/* Places of the chosen rows, class by class. */
static bool list_chosen(fl_pick *p)
{
    const fl_layout *l = &p->unpack->layout;
    fl_pool *pool = p->unpack->integers.pool;
    size_t count = 0;
    for (size_t c = 0; c < l->class_count; c++)
        count += p->wanted.left[c];
    p->first = fl_pool_take(pool, l->class_count + 1, sizeof *p->first);
    p->places = fl_pool_take(pool, count, sizeof *p->places);
    if (!p->first || !p->places)
        return false;
    p->chosen.count = count;
    count = 0;
    for (size_t c = 0; c < l->class_count; c++) {
        p->first[c] = (uint32_t)count;
        if (p->wanted.left[c])
            count += fl_wanted_places(p->wanted.masks[c], class_rows(p, c),
                                      p->places + count);
    }
    p->first[l->class_count] = (uint32_t)count;
    return true;
}

/* Chosen rows in order of the block. */
static flowan_status number_chosen(fl_pick *p)
{
    const fl_unpack *u = p->unpack;
    const fl_layout *l = &u->layout;
    size_t words = fl_mask_words(l->rows);
    size_t count = p->chosen.count;
    uint64_t *bits = fl_pool_take_zeroed(p->unpack->integers.pool, words, sizeof *bits);
    uint32_t *before = fl_pool_take(p->unpack->integers.pool, words, sizeof *before);
    p->out = fl_pool_take(p->unpack->integers.pool, count, sizeof *p->out);
    p->rows = fl_pool_take(p->unpack->integers.pool, count, sizeof *p->rows);
    bool sound = bits && before && p->out && p->rows;
    for (size_t c = 0; sound && c < l->class_count; c++)
        for (size_t i = p->first[c]; i < p->first[c + 1]; i++) {
            uint32_t row = u->rows[u->first[c] + p->places[i]];
            p->out[i] = row;
            bits[row / 64] |= (uint64_t)1 << (row % 64);
        }
    uint32_t passed = 0;
    for (size_t w = 0; sound && w < words; w++) {
        before[w] = passed;
        for (uint64_t left = bits[w]; left; left &= left - 1)
            p->rows[passed++] = (uint32_t)(w * 64 + (size_t)__builtin_ctzll(left));
    }
    for (size_t i = 0; sound && i < count; i++) {
        uint32_t row = p->out[i];
        uint64_t below = bits[row / 64] & (((uint64_t)1 << (row % 64)) - 1);
        p->out[i] = before[row / 64] + (uint32_t)__builtin_popcountll(below);
    }
    fl_pool_give(p->unpack->integers.pool, bits);
    fl_pool_give(p->unpack->integers.pool, before);
    p->chosen.rows = p->rows;
    p->chosen.out = p->out;
    return sound ? FLOWAN_OK : fl_status_memory(p->unpack->error);
}

static flowan_status choose_some(fl_pick *p)
{
    if (!list_chosen(p))
        return fl_status_memory(p->unpack->error);
    p->chosen.first = p->first;
    p->chosen.places = p->places;
    if (p->chosen.count == 0 || p->question->any_order)
        return FLOWAN_OK;
    flowan_status status = fl_unpack_order(p->unpack);
    return status == FLOWAN_OK ? number_chosen(p) : status;
}

/* --- the question --- */

static bool begin(fl_pick *p)
{
    const fl_layout *l = &p->unpack->layout;
    fl_pool *pool = p->unpack->integers.pool;
    p->wanted.left = fl_pool_take(pool, l->class_count, sizeof *p->wanted.left);
    p->wanted.masks = fl_pool_take_zeroed(pool, l->class_count, sizeof(uint64_t *));
    if (!p->wanted.left || !p->wanted.masks)
        return false;
    for (size_t c = 0; c < l->class_count; c++)
        p->wanted.left[c] = 1; /* or more: how many is not known yet */
    if (!p->question->filter)
        return true;
    size_t tests = p->question->filter->test_count;
    if (tests <= VERDICTS_MAX / (l->class_count + 1)) {
        p->verdicts =
            fl_pool_take_zeroed(p->unpack->integers.pool, tests, l->class_count);
        if (!p->verdicts)
            return false;
    }
    return find_columns(p) && bound_labels(p);
}

/* Whether a test asks for what labels tell, as exporters mostly are. */
static bool asks_labels(const fl_pick *p)
{
    const fl_layout *l = &p->unpack->layout;
    for (size_t i = 0; i < p->first_column[p->question->filter->test_count]; i++)
        if (fl_layout_is_told(l, l->columns[p->columns[i]].first_cell))
            return true;
    return false;
}

static flowan_status run_filter(fl_pick *p, bool *any)
{
    flowan_status status = FLOWAN_OK;
    if (asks_labels(p)) {
        status = fl_unpack_labels(p->unpack);
        if (status == FLOWAN_OK && !bound_labels(p))
            status = fl_status_memory(p->unpack->error);
        if (status == FLOWAN_OK)
            status = judge_classes(p, any);
        if (status != FLOWAN_OK || !*any)
            return status;
    }
    p->by_dictionary = true;
    p->how = FL_PICKED_BY_DICTIONARY;
    status = judge_classes(p, any);
    if (status != FLOWAN_OK || !*any)
        return status;
    p->how = FL_PICKED_BY_ROWS;
    return match_classes(p);
}

static flowan_status run_window(fl_pick *p, size_t most)
{
    const fl_layout *l = &p->unpack->layout;
    fl_pool *pool = p->unpack->integers.pool;
    uint32_t *places = fl_pool_take(pool, most, sizeof *places);
    uint64_t *mask = fl_pool_take(pool, fl_mask_words(most), sizeof *mask);
    flowan_status status =
        places && mask ? FLOWAN_OK : fl_status_memory(p->unpack->error);
    p->how = FL_PICKED_BY_ROWS;
    for (size_t c = 0; status == FLOWAN_OK && c < l->class_count; c++)
        if (p->wanted.left[c])
            status = cut_class(p, c, places, mask);
    fl_pool_give(pool, places);
    fl_pool_give(pool, mask);
    return status;
}

/* Classes and their rows, now that their sizes are known. */
static flowan_status size_classes(fl_pick *p, size_t *most)
{
    flowan_status status = fl_unpack_rows(p->unpack);
    *most = 0;
    for (size_t c = 0; status == FLOWAN_OK && c < p->unpack->layout.class_count; c++) {
        size_t rows = class_rows(p, c);
        *most = rows > *most ? rows : *most;
        p->wanted.left[c] = p->wanted.left[c] ? (uint32_t)rows : 0;
    }
    if (status != FLOWAN_OK)
        return status;
    p->numbers = fl_pool_take(p->unpack->integers.pool, *most, sizeof *p->numbers);
    p->others = fl_pool_take(p->unpack->integers.pool, *most, sizeof *p->others);
    return p->numbers && p->others ? FLOWAN_OK : fl_status_memory(p->unpack->error);
}

flowan_status fl_pick_rows(fl_pick *p, fl_unpack *unpack, const fl_question *question)
{
    *p = (fl_pick){.unpack = unpack, .question = question, .exact = true};
    bool cuts = window_cuts(question, &unpack->head->stats);
    bool any = true;
    size_t most;
    flowan_status status = begin(p) ? FLOWAN_OK : fl_status_memory(unpack->error);
    if (status == FLOWAN_OK && question->filter) {
        p->how = FL_PICKED_BY_BOUNDS;
        status = fl_unpack_bounds(unpack);
        if (status == FLOWAN_OK)
            status = judge_classes(p, &any);
    }
    if (status != FLOWAN_OK || !any)
        return status;
    status = size_classes(p, &most);
    if (status != FLOWAN_OK || !(question->filter || cuts))
        return status == FLOWAN_OK ? choose_all(p) : status;
    fl_unpack_want(unpack, &p->wanted);
    if (question->filter)
        status = run_filter(p, &any);
    if (status == FLOWAN_OK && any && cuts)
        status = run_window(p, most);
    return status == FLOWAN_OK && any ? choose_some(p) : status;
}

void fl_pick_free(fl_pick *p)
{
    if (!p->unpack)
        return;
    for (size_t c = 0; p->wanted.masks && c < p->unpack->layout.class_count; c++)
        fl_pool_give(p->unpack->integers.pool, p->wanted.masks[c]);
    fl_pool_give(p->unpack->integers.pool, p->verdicts);
    fl_pool_give(p->unpack->integers.pool, p->wanted.left);
    fl_pool_give(p->unpack->integers.pool, p->wanted.masks);
    fl_memory_free(p->columns);
    fl_pool_give(p->unpack->integers.pool, p->first_column);
    fl_pool_give(p->unpack->integers.pool, p->label_low);
    fl_pool_give(p->unpack->integers.pool, p->label_high);
    fl_pool_give(p->unpack->integers.pool, p->numbers);
    fl_pool_give(p->unpack->integers.pool, p->others);
    fl_memory_free(p->known);
    fl_pool_give(p->unpack->integers.pool, p->rows);
    fl_pool_give(p->unpack->integers.pool, p->first);
    fl_pool_give(p->unpack->integers.pool, p->places);
    fl_pool_give(p->unpack->integers.pool, p->out);
}
