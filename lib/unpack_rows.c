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
        first->codes ? fl_unpack_need(u, fl_memory_alloc(first->listed, sizeof *table))
                     : NULL;
    bool sound = table && fl_table_get(&u->integers, in, table, first->listed);
    for (size_t i = 0; sound && i < count; i++)
        out[i] = table[first->codes[i]];
    fl_memory_free(table);
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
        uint32_t *codes = fl_unpack_need(u, fl_memory_alloc(count, sizeof *codes));
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
        fl_memory_free(codes);
    } else if (sound && mode == FL_RUN_HANGING) {
        sound = get_hanging(u, in, first, out);
    } else {
        uint64_t *last =
            fl_unpack_need(u, fl_memory_zalloc(l->label_count, sizeof *last));
        sound = sound && last && mode < FL_RUN_RANKS &&
                (mode == FL_RUN_PLAIN || u->labels) &&
                fl_integers_get(&u->integers, in, out, count);
        if (sound && mode != FL_RUN_PLAIN)
            add_steps(u, mode, out, last);
        fl_memory_free(last);
    }
    fl_memory_free(list);
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
        sound ? fl_unpack_need(u, fl_memory_alloc(l->run_count, sizeof *labels)) : NULL;
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
        u->run_numbers[i] =
            fl_unpack_need(u, fl_memory_alloc(l->run_count, sizeof(uint64_t)));
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
    fl_memory_free(first.codes);
    return sound && in->left == 0;
}

flowan_status fl_unpack_runs(fl_unpack *u, uint64_t *numbers)
{
    const fl_layout *l = &u->layout;
    fl_cursor in;
    flowan_status status = fl_unpack_part(u, FL_PART_RUNS, &in);
    if (status != FLOWAN_OK)
        return status;
    u->lengths = fl_memory_alloc(l->run_count, sizeof *u->lengths);
    u->run_of_row = fl_memory_alloc(l->rows, sizeof *u->run_of_row);
    if (!u->lengths || !u->run_of_row)
        return fl_status_memory(u->error);
    size_t row = 0;
    bool sound =
        fl_unpack_get_below(u, &in, numbers, l->run_count, (uint64_t)l->rows + 1);
    for (size_t i = 0; sound && i < l->run_count; i++) {
        u->lengths[i] = (uint32_t)numbers[i];
        sound = numbers[i] <= l->rows - row;
        for (size_t k = 0; sound && k < numbers[i]; k++)
            u->run_of_row[row++] = (uint32_t)i;
    }
    sound = sound && row == l->rows && get_run_numbers(u, &in, numbers);
    return sound ? FLOWAN_OK : fl_unpack_damage(u, FL_PART_RUNS, "runs of a block");
}

/* Where each label's rows begin, in order of labels. */
static void count_labels(const fl_unpack *u, size_t *next)
{
    const fl_layout *l = &u->layout;
    size_t first = 0;
    memset(next, 0, l->label_count * sizeof *next);
    for (size_t i = 0; i < l->run_count; i++)
        next[u->labels[i]] += u->lengths[i];
    for (size_t i = 0; i < l->label_count; i++) {
        size_t size = next[i];
        next[i] = first;
        first += size;
    }
}

/* Each label's list of classes: places[label] is where it begins in `list`. */
static bool get_lists(fl_unpack *u, fl_cursor *in, uint64_t *numbers, size_t *places,
                      uint16_t **list)
{
    const fl_layout *l = &u->layout;
    size_t total = 0;
    *list = NULL;
    if (!fl_unpack_get_below(u, in, numbers, l->label_count,
                             (uint64_t)l->class_count + 1))
        return false;
    for (size_t i = 0; i < l->label_count; i++) {
        places[i] = total;
        total += (size_t)numbers[i];
    }
    places[l->label_count] = total;
    if (total > l->rows) /* each is there for a row */
        return false;
    *list = fl_unpack_need(u, fl_memory_alloc(total, sizeof **list));
    if (!*list || !fl_unpack_get_below(u, in, numbers, total, l->class_count))
        return false;
    for (size_t i = 0; i < total; i++)
        (*list)[i] = (uint16_t)numbers[i];
    return true;
}

flowan_status fl_unpack_classes(fl_unpack *u, uint64_t *numbers)
{
    const fl_layout *l = &u->layout;
    fl_cursor in;
    flowan_status status = fl_unpack_part(u, FL_PART_CLASSES, &in);
    if (status != FLOWAN_OK)
        return status;
    size_t *places = fl_memory_alloc(l->label_count + 1, sizeof *places);
    size_t *next = fl_memory_alloc(l->label_count, sizeof *next);
    uint16_t *list = NULL;
    u->class_of_row = fl_memory_alloc(l->rows, sizeof *u->class_of_row);
    u->first = fl_memory_zalloc(l->class_count + 1, sizeof *u->first);
    u->rows = fl_memory_alloc(l->rows, sizeof *u->rows);
    if (!places || !next || !u->class_of_row || !u->first || !u->rows) {
        status = fl_status_memory(u->error);
        goto out;
    }
    bool sound = get_lists(u, &in, numbers, places, &list) &&
                 fl_integers_get(&u->integers, &in, numbers, l->rows) && in.left == 0;
    if (sound)
        count_labels(u, next);
    for (size_t row = 0; sound && row < l->rows; row++) {
        size_t label = u->labels[u->run_of_row[row]];
        uint64_t code = numbers[next[label]++];
        sound = code < places[label + 1] - places[label];
        if (sound) {
            u->class_of_row[row] = list[places[label] + code];
            u->first[u->class_of_row[row] + 1]++;
        }
    }
    if (!sound) {
        status = fl_unpack_damage(u, FL_PART_CLASSES, "classes of a block");
        goto out;
    }
    for (size_t i = 0; i < l->class_count; i++)
        u->first[i + 1] += u->first[i];
    for (size_t row = 0; row < l->rows; row++)
        u->rows[u->first[u->class_of_row[row]]++] = (uint32_t)row;
    memmove(u->first + 1, u->first, l->class_count * sizeof *u->first);
    u->first[0] = 0;
out:
    fl_memory_free(places);
    fl_memory_free(next);
    fl_memory_free(list);
    return status;
}
