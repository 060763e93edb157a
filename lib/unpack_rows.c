/* Which rows of a block are of which run, and of which class. */
#include <string.h>

#include "status.h"
#include "tables.h"
#include "unpack.h"

/* --- runs --- */

/* Numbers of a part, one a row at the most, checked to be below a limit. */
bool fl_unpack_get_below(fl_unpack *u, fl_cursor *in, uint64_t *out, size_t count,
                         uint64_t limit)
{
    if (!fl_integers_get(&u->integers, in, out, count))
        return false;
    for (size_t i = 0; i < count; i++)
        if (out[i] >= limit)
            return false;
    return true;
}

/* The ranks of the cell that others of the runs may hang on. */
typedef struct first_ranks {
    uint32_t *codes; /* per run; NULL: there is none */
    size_t listed;
} first_ranks;

static void add_steps(const fl_unpack *u, unsigned mode, uint64_t *values,
                      uint64_t *last)
{
    uint64_t before = 0;
    for (size_t i = 0; i < u->layout.run_count; i++) {
        size_t parent =
            mode >= FL_RUN_STEP_OF_PARENT ? u->layout.parents[u->labels[i]] : 0;
        before = mode >= FL_RUN_STEP_OF_PARENT ? last[parent] : before;
        values[i] += before;
        before = values[i] + (mode == FL_RUN_COUNTED ? u->lengths[i] : 0);
        last[parent] = before;
    }
}

/* What hangs on the ranks of the first cell. */
static bool get_hanging(fl_unpack *u, fl_cursor *in, const first_ranks *first,
                        uint64_t *out)
{
    size_t count = u->layout.run_count;
    uint64_t *table =
        first->codes ? fl_unpack_need(u, fl_pool_take(u->integers.pool, first->listed,
                                                      sizeof *table))
                     : NULL;
    bool sound = table && fl_table_get(&u->integers, in, table, first->listed);
    for (size_t i = 0; sound && i < count; i++)
        out[i] = table[first->codes[i]];
    fl_pool_give(u->integers.pool, table);
    return sound && fl_table_get_exceptions(&u->integers, in, out, count);
}

/* The numbers of a cell, or where they are given by rank, the ranks in `first` too. */
static bool get_run_cell(fl_unpack *u, fl_cursor *in, first_ranks *first, uint64_t *out)
{
    const fl_layout *l = &u->layout;
    size_t count = l->run_count;
    unsigned mode = (unsigned)fl_cursor_get(in, 1);
    unsigned scale = (unsigned)fl_cursor_get(in, 1);
    uint64_t *list = NULL;
    bool sound = !in->failed && scale <= FL_LAYOUT_SCALE_MAX;
    if (sound && mode == FL_RUN_RANKS) {
        size_t listed;
        uint32_t *codes =
            fl_unpack_need(u, fl_pool_take(u->integers.pool, count, sizeof *codes));
        sound = codes && fl_ranks_get(&u->integers, in, count, &list, &listed) &&
                fl_unpack_get_below(u, in, out, count, listed);
        for (size_t i = 0; sound && i < count; i++) {
            codes[i] = (uint32_t)out[i];
            out[i] = list[out[i]];
        }
        if (sound && !first->codes) {
            *first = (first_ranks){codes, listed};
            codes = NULL;
        }
        fl_pool_give(u->integers.pool, codes);
    } else if (sound && mode == FL_RUN_HANGING) {
        sound = get_hanging(u, in, first, out);
    } else {
        uint64_t *last = fl_unpack_need(
            u, fl_pool_take_zeroed(u->integers.pool, l->label_count, sizeof *last));
        sound = sound && last && mode < FL_RUN_RANKS &&
                (mode == FL_RUN_PLAIN || u->labels) &&
                fl_integers_get(&u->integers, in, out, count);
        if (sound && mode != FL_RUN_PLAIN)
            add_steps(u, mode, out, last);
        fl_pool_give(u->integers.pool, last);
    }
    fl_pool_give(u->integers.pool, list);
    uint64_t power = sound ? fl_layout_power(scale) : 1;
    for (size_t i = 0; sound && i < count; i++)
        out[i] *= power;
    return sound;
}

static bool get_labels(fl_unpack *u, fl_cursor *in, const first_ranks *first,
                       uint64_t *numbers)
{
    const fl_layout *l = &u->layout;
    unsigned mode = (unsigned)fl_cursor_get(in, 1);
    bool sound = mode == FL_RUN_HANGING
                     ? get_hanging(u, in, first, numbers)
                     : mode == FL_RUN_PLAIN &&
                           fl_integers_get(&u->integers, in, numbers, l->run_count);
    uint16_t *labels =
        sound ? fl_unpack_need(
                    u, fl_pool_take(u->integers.pool, l->run_count, sizeof *labels))
              : NULL;
    for (size_t i = 0; labels && i < l->run_count; i++) {
        sound = sound && numbers[i] < l->label_count;
        labels[i] = (uint16_t)numbers[i];
    }
    u->labels = labels;
    return sound && labels;
}

/* A cell by rank comes before the labels, which may hang on it; all others behind, as
 * they may step by exporter. */
static bool get_run_numbers(fl_unpack *u, fl_cursor *in, uint64_t *numbers)
{
    const fl_layout *l = &u->layout;
    first_ranks first = {0};
    bool sound = true;
    for (size_t i = 0; i < l->per_run_count; i++) {
        u->run_numbers[i] = fl_unpack_need(
            u, fl_pool_take(u->integers.pool, l->run_count, sizeof(uint64_t)));
        sound = sound && u->run_numbers[i];
    }
    size_t next = 0;
    if (sound && l->per_run_count && in->left && in->at[0] == FL_RUN_RANKS)
        sound = get_run_cell(u, in, &first, u->run_numbers[next++]);
    else if (sound && l->per_run_count)
        fl_cursor_get(in, 1); /* 0: it comes behind the labels */
    sound = sound && get_labels(u, in, &first, numbers);
    for (; sound && next < l->per_run_count; next++)
        sound = get_run_cell(u, in, &first, u->run_numbers[next]);
    fl_pool_give(u->integers.pool, first.codes);
    return sound && in->left == 0;
}

static flowan_status get_runs(fl_unpack *u)
{
    const fl_layout *l = &u->layout;
    fl_cursor in;
    flowan_status status = fl_unpack_part(u, FL_PART_RUNS, &in);
    if (status != FLOWAN_OK)
        return status;
    size_t most = l->run_count > l->label_count ? l->run_count : l->label_count;
    uint64_t *numbers = fl_pool_take(u->integers.pool, most, sizeof *numbers);
    u->lengths = fl_pool_take(u->integers.pool, l->run_count, sizeof *u->lengths);
    if (!numbers || !u->lengths) {
        fl_pool_give(u->integers.pool, numbers);
        return fl_status_memory(u->error);
    }
    size_t row = 0;
    bool sound =
        fl_unpack_get_below(u, &in, numbers, l->run_count, (uint64_t)l->rows + 1);
    for (size_t i = 0; sound && i < l->run_count; i++) {
        u->lengths[i] = (uint32_t)numbers[i];
        sound = numbers[i] <= l->rows - row;
        row += u->lengths[i];
    }
    sound = sound && row == l->rows && get_run_numbers(u, &in, numbers);
    fl_pool_give(u->integers.pool, numbers);
    return sound ? FLOWAN_OK : fl_unpack_damage(u, FL_PART_RUNS, "runs of a block");
}

flowan_status fl_unpack_runs(fl_unpack *u)
{
    return u->lengths ? FLOWAN_OK : get_runs(u);
}

/* Where each label's rows begin, in order of labels; label_count + 1 entries. */
static void count_labels(const fl_unpack *u, size_t *starts)
{
    const fl_layout *l = &u->layout;
    memset(starts, 0, (l->label_count + 1) * sizeof *starts);
    for (size_t i = 0; i < l->run_count; i++)
        starts[u->labels[i] + 1] += u->lengths[i];
    for (size_t i = 0; i < l->label_count; i++)
        starts[i + 1] += starts[i];
}

/* How long each label's list of classes is, as where they begin. */
static bool get_list_sizes(fl_unpack *u, fl_cursor *in)
{
    const fl_layout *l = &u->layout;
    size_t total = 0;
    uint64_t *numbers = fl_unpack_need(
        u, fl_pool_take(u->integers.pool, l->label_count, sizeof *numbers));
    bool sound = numbers && fl_unpack_get_below(u, in, numbers, l->label_count,
                                                (uint64_t)l->class_count + 1);
    for (size_t i = 0; sound && i < l->label_count; i++) {
        u->label_lists[i] = total;
        total += (size_t)numbers[i];
    }
    u->label_lists[l->label_count] = total;
    fl_pool_give(u->integers.pool, numbers);
    return sound && total <= l->rows; /* each is there for a row */
}

/* The largest of `count` numbers; 0 of none. */
static unsigned most_of(const uint16_t *numbers, size_t count)
{
    unsigned most = 0;
    for (size_t i = 0; i < count; i++)
        most = numbers[i] > most ? numbers[i] : most;
    return most;
}

/* Each label's list of classes. */
static bool get_lists(fl_unpack *u, fl_cursor *in)
{
    const fl_layout *l = &u->layout;
    if (!get_list_sizes(u, in))
        return false;
    size_t total = u->label_lists[l->label_count];
    u->listed =
        fl_unpack_need(u, fl_pool_take(u->integers.pool, total, sizeof *u->listed));
    return u->listed && fl_integers_get_narrow(&u->integers, in, u->listed, total) &&
           (total == 0 || most_of(u->listed, total) < l->class_count);
}

/* The classes of rows, label by label: first by their places in the label's list. */
static bool get_codes(fl_unpack *u, fl_cursor *in, const size_t *starts)
{
    if (!fl_integers_get_narrow(&u->integers, in, u->classes, u->layout.rows) ||
        in->left != 0)
        return false;
    for (size_t label = 0; label < u->layout.label_count; label++) {
        const uint16_t *list = u->listed + u->label_lists[label];
        size_t size = u->label_lists[label + 1] - u->label_lists[label];
        size_t count = starts[label + 1] - starts[label];
        uint16_t *classes = u->classes + starts[label];
        if (count > 0 && most_of(classes, count) >= size)
            return false;
        for (size_t i = 0; i < count; i++)
            classes[i] = list[classes[i]];
    }
    return true;
}

/* Whether classes have as many rows as their bounds say, by which streams have room. */
static bool sizes_hold(fl_unpack *u)
{
    const fl_layout *l = &u->layout;
    if (!u->class_rows)
        return true;
    uint32_t *counts = fl_unpack_need(
        u, fl_pool_take_zeroed(u->integers.pool, l->class_count, sizeof *counts));
    bool hold = counts != NULL;
    for (size_t i = 0; hold && i < l->rows; i++)
        counts[u->classes[i]]++;
    for (size_t i = 0; hold && i < l->class_count; i++)
        hold = counts[i] == u->class_rows[i];
    fl_pool_give(u->integers.pool, counts);
    return hold;
}

/* Reads the part; `codes` false: only its lists. */
static flowan_status get_classes(fl_unpack *u, bool codes)
{
    const fl_layout *l = &u->layout;
    fl_cursor in;
    flowan_status status = codes ? fl_unpack_runs(u) : FLOWAN_OK;
    if (status == FLOWAN_OK)
        status = fl_unpack_part(u, FL_PART_CLASSES, &in);
    if (status != FLOWAN_OK)
        return status;
    fl_pool *pool = u->integers.pool;
    size_t *starts = fl_pool_take(pool, l->label_count + 1, sizeof *starts);
    fl_pool_give(pool, u->label_lists);
    fl_pool_give(pool, u->listed);
    u->listed = NULL;
    u->label_lists = fl_pool_take(pool, l->label_count + 1, sizeof *u->label_lists);
    if (codes)
        u->classes = fl_pool_take(pool, l->rows, sizeof *u->classes);
    bool memory = starts && u->label_lists && (!codes || u->classes);
    bool sound = memory && get_lists(u, &in);
    if (sound && codes) {
        count_labels(u, starts);
        sound = get_codes(u, &in, starts) && sizes_hold(u);
    }
    fl_pool_give(pool, starts);
    if (!sound) {
        fl_pool_give(pool, u->classes);
        u->classes = NULL;
    }
    if (!memory)
        return fl_status_memory(u->error);
    return sound ? FLOWAN_OK
                 : fl_unpack_damage(u, FL_PART_CLASSES, "classes of a block");
}

static flowan_status need_classes(fl_unpack *u)
{
    return u->classes || u->layout.rows == 0 ? FLOWAN_OK : get_classes(u, true);
}

flowan_status fl_unpack_labels(fl_unpack *u)
{
    return u->label_lists || u->layout.rows == 0 ? FLOWAN_OK : get_classes(u, false);
}

flowan_status fl_unpack_sizes(fl_unpack *u)
{
    const fl_layout *l = &u->layout;
    flowan_status status = u->class_rows ? FLOWAN_OK : need_classes(u);
    if (status != FLOWAN_OK)
        return status;
    u->first =
        fl_pool_take_zeroed(u->integers.pool, l->class_count + 1, sizeof *u->first);
    if (!u->first)
        return fl_status_memory(u->error);
    const uint16_t *classes = u->class_rows ? NULL : u->classes;
    for (size_t i = 0; classes && i < l->rows; i++)
        u->first[classes[i] + 1]++;
    for (size_t i = 0; i < l->class_count; i++)
        u->first[i + 1] = u->first[i] + (u->class_rows ? (uint32_t)u->class_rows[i]
                                                       : u->first[i + 1]);
    return FLOWAN_OK;
}

/* --- order --- */

/* How far each label's rows and each class's are passed. */
typedef struct walk {
    size_t *of_label;
    uint32_t *of_class;
} walk;

static bool begin_walk(const fl_unpack *u, walk *w)
{
    const fl_layout *l = &u->layout;
    w->of_label =
        fl_pool_take(u->integers.pool, l->label_count + 1, sizeof *w->of_label);
    w->of_class = fl_pool_take(u->integers.pool, l->class_count, sizeof *w->of_class);
    if (!w->of_label || !w->of_class)
        return false;
    count_labels(u, w->of_label);
    if (l->class_count)
        memcpy(w->of_class, u->first, l->class_count * sizeof *w->of_class);
    return true;
}

static void end_walk(fl_unpack *u, walk *w)
{
    fl_pool_give(u->integers.pool, w->of_label);
    fl_pool_give(u->integers.pool, w->of_class);
}

/* The classes of the next run's rows. */
static const uint16_t *next_run(const fl_unpack *u, walk *w, size_t run)
{
    const uint16_t *classes = u->classes + w->of_label[u->labels[run]];
    w->of_label[u->labels[run]] += u->lengths[run];
    return classes;
}

/* Puts the rows of a run behind those of their classes: rows that are wanted, the others
 * are not looked for. */
static void place_run(fl_unpack *u, walk *w, const uint16_t *classes, size_t run,
                      uint32_t row)
{
    const uint32_t *left = u->wanted ? u->wanted->left : NULL;
    const uint16_t *end = classes + u->lengths[run];
    for (; classes < end; classes++, row++) {
        if (left && left[*classes] == 0)
            continue;
        uint32_t at = w->of_class[*classes]++;
        u->rows[at] = row;
        u->runs[at] = (uint32_t)run;
    }
}

static flowan_status place_rows(fl_unpack *u)
{
    const fl_layout *l = &u->layout;
    walk w = {0};
    flowan_status status = need_classes(u);
    if (status != FLOWAN_OK)
        return status;
    if (!u->rows)
        u->rows = fl_pool_take(u->integers.pool, l->rows, sizeof *u->rows);
    if (!u->runs)
        u->runs = fl_pool_take(u->integers.pool, l->rows, sizeof *u->runs);
    if (!begin_walk(u, &w) || !u->rows || !u->runs)
        status = fl_status_memory(u->error);
    uint32_t row = 0;
    for (size_t i = 0; status == FLOWAN_OK && i < l->run_count; i++) {
        place_run(u, &w, next_run(u, &w, i), i, row);
        row += u->lengths[i];
    }
    end_walk(u, &w);
    u->placed = status != FLOWAN_OK ? FL_PLACED_NONE
                : u->wanted         ? FL_PLACED_WANTED
                                    : FL_PLACED_ALL;
    return status;
}

flowan_status fl_unpack_order(fl_unpack *u)
{
    return u->placed == FL_PLACED_NONE ? place_rows(u) : FLOWAN_OK;
}

/* Streams that are told from others can need rows that nobody wants. */
flowan_status fl_unpack_order_of(fl_unpack *u, size_t class)
{
    if (u->placed == FL_PLACED_ALL || (u->wanted && u->wanted->left[class] > 0))
        return fl_unpack_order(u);
    const fl_wanted *wanted = u->wanted;
    u->wanted = NULL;
    flowan_status status = place_rows(u);
    u->wanted = wanted;
    return status;
}

flowan_status fl_unpack_row_classes(fl_unpack *u)
{
    const fl_layout *l = &u->layout;
    walk w = {0};
    if (u->class_of_row)
        return FLOWAN_OK;
    flowan_status status = need_classes(u);
    if (status != FLOWAN_OK)
        return status;
    u->class_of_row = fl_pool_take(u->integers.pool, l->rows, sizeof *u->class_of_row);
    if (!begin_walk(u, &w) || !u->class_of_row)
        status = fl_status_memory(u->error);
    uint32_t row = 0;
    for (size_t i = 0; status == FLOWAN_OK && i < l->run_count; i++) {
        memcpy(u->class_of_row + row, next_run(u, &w, i),
               u->lengths[i] * sizeof *u->class_of_row);
        row += u->lengths[i];
    }
    end_walk(u, &w);
    return status;
}
