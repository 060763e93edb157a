#include "runs.h"

#include <string.h>

#include "hash.h"

/* So many labels at the most, and none when a label would have few rows: exporters that
 * come and go are better stored as any other cell. */
enum { LABELS_MAX = 32768, ROWS_PER_LABEL = 32, LABELS_FEW = 16, SHAPE_MIXED = 0xffff };

/* Whether half of the rows have the column. In the others it is told to be as before. */
static bool is_common(const fl_slice *s, const uint32_t *rows_of_shape, size_t column)
{
    size_t rows = 0;
    for (size_t i = 0; i < s->shape_count; i++)
        rows += fl_slice_has(s, i, column) ? rows_of_shape[i] : 0;
    return rows >= s->rows / 2;
}

static bool choose_cells(fl_runs *runs, const fl_slice *s)
{
    uint32_t *rows_of_shape = fl_memory_zalloc(s->shape_count, sizeof *rows_of_shape);
    if (!rows_of_shape)
        return false;
    for (size_t row = 0; row < s->rows; row++)
        rows_of_shape[s->shapes[row]]++;
    for (size_t i = 0; i < s->cell_count; i++) {
        const fl_cell *cell = &s->cells[i];
        int field = cell->column->field;
        bool run = field == FLOWAN_FIELD_TIME_RECEIVED_NS ||
                   field == FLOWAN_FIELD_SEQUENCE_NUM;
        if ((!run && field != FLOWAN_FIELD_SAMPLER_ADDRESS) ||
            !is_common(s, rows_of_shape, cell->number))
            continue;
        if (run)
            runs->per_run[runs->per_run_count++] = cell;
        else
            runs->per_label[runs->per_label_count++] = cell;
    }
    fl_memory_free(rows_of_shape);
    return true;
}

/* The cell's number in each row; as in the row before where a row has none. */
static void list_numbers(const fl_slice *s, const fl_cell *cell, uint64_t *out)
{
    uint64_t last = 0;
    if (fl_slice_has_everywhere(s, cell->number)) {
        fl_cell_gather_all(s, cell, 0, s->rows, out);
        return;
    }
    for (size_t row = 0; row < s->rows; row++) {
        uint32_t at = (uint32_t)row;
        if (fl_slice_has(s, s->shapes[row], cell->number))
            fl_cell_gather(s, cell, &at, 1, &last);
        out[row] = last;
    }
}

static bool cut_runs(fl_runs *runs, const fl_slice *s)
{
    for (size_t row = 0; row < s->rows; row++) {
        bool changes = row == 0;
        for (size_t i = 0; i < runs->per_run_count + runs->per_label_count; i++)
            changes = changes || runs->numbers[i][row] != runs->numbers[i][row - 1];
        runs->count += changes;
        runs->of_row[row] = (uint32_t)(runs->count - 1);
    }
    runs->lengths = fl_memory_zalloc(runs->count, sizeof *runs->lengths);
    runs->labels = fl_memory_zalloc(runs->count, sizeof *runs->labels);
    if (!runs->lengths || !runs->labels)
        return false;
    for (size_t row = 0; row < s->rows; row++)
        runs->lengths[runs->of_row[row]]++;
    /* a number a run is what is kept of the numbers of rows */
    for (size_t i = 0; i < runs->per_run_count; i++)
        for (size_t row = 0; row < s->rows; row++)
            runs->numbers[i][runs->of_row[row]] = runs->numbers[i][row];
    return true;
}

/* Runs none of whose rows has the second cell may have any number for it: best that which
 * others have that go with the same number of the first. */
static bool fill_second(fl_runs *runs, const fl_slice *s)
{
    uint8_t *known = fl_memory_zalloc(runs->count, 1);
    fl_hash second = {0}; /* of a number of the first: a run that has both */
    uint32_t *example = fl_memory_alloc(runs->count, sizeof *example);
    bool sound = known && example;
    size_t missing = runs->count;
    for (size_t row = 0; sound && row < s->rows; row++)
        if (!known[runs->of_row[row]] &&
            fl_slice_has(s, s->shapes[row], runs->per_run[1]->number)) {
            known[runs->of_row[row]] = 1;
            missing--;
        }
    for (size_t i = 0; sound && missing && i < runs->count; i++) {
        bool added;
        int64_t at = known[i] ? fl_hash_put(&second, &runs->numbers[0][i],
                                            sizeof(uint64_t), &added)
                              : 0;
        sound = at >= 0;
        if (sound && known[i] && added)
            example[at] = (uint32_t)i;
    }
    for (size_t i = 0; sound && missing && i < runs->count; i++) {
        int64_t at =
            known[i] ? -1
                     : fl_hash_find(&second, &runs->numbers[0][i], sizeof(uint64_t));
        if (at >= 0)
            runs->numbers[1][i] = runs->numbers[1][example[at]];
    }
    fl_hash_free(&second);
    fl_memory_free(known);
    fl_memory_free(example);
    return sound;
}

/* The shape that all rows of a run have. */
static uint16_t shape_of(const fl_slice *s, size_t row, size_t length)
{
    for (size_t i = 1; i < length; i++)
        if (s->shapes[row + i] != s->shapes[row])
            return SHAPE_MIXED;
    return s->shapes[row];
}

/* One label for all: then no cell is told by it. */
static bool label_none(fl_runs *runs)
{
    memset(runs->labels, 0, runs->count * sizeof *runs->labels);
    runs->per_label_count = 0;
    runs->label_count = runs->count ? 1 : 0;
    if (runs->count)
        runs->parents[0] = 0;
    return true;
}

static bool label_runs(fl_runs *runs, const fl_slice *s)
{
    fl_hash parents = {0};
    fl_hash labels = {0};
    size_t limit = s->rows / ROWS_PER_LABEL + LABELS_FEW;
    limit = limit < LABELS_MAX ? limit : LABELS_MAX;
    runs->parents = fl_memory_alloc(limit + 1, sizeof *runs->parents);
    runs->label_numbers =
        fl_memory_alloc((limit + 1) * FL_RUNS_CELLS_MAX, sizeof *runs->label_numbers);
    bool sound = runs->parents && runs->label_numbers;
    size_t row = 0;
    for (size_t run = 0; sound && run < runs->count; row += runs->lengths[run++]) {
        uint64_t exporter[FL_RUNS_CELLS_MAX] = {0};
        for (size_t i = 0; i < runs->per_label_count; i++)
            exporter[i] = runs->numbers[runs->per_run_count + i][row];
        int64_t parent = fl_hash_put(&parents, exporter, sizeof exporter, NULL);
        uint64_t key[2] = {(uint64_t)parent, shape_of(s, row, runs->lengths[run])};
        bool added;
        int64_t label = fl_hash_put(&labels, key, sizeof key, &added);
        sound = parent >= 0 && label >= 0;
        if (!sound)
            break;
        if (labels.count > limit) {
            sound = label_none(runs);
            goto out;
        }
        if (added) {
            runs->parents[label] = (uint16_t)parent;
            memcpy(runs->label_numbers + (size_t)label * FL_RUNS_CELLS_MAX, exporter,
                   sizeof exporter);
        }
        runs->labels[run] = (uint16_t)label;
    }
    runs->label_count = labels.count;
out:
    fl_hash_free(&parents);
    fl_hash_free(&labels);
    return sound;
}

bool fl_runs_make(fl_runs *runs, const fl_slice *slice)
{
    *runs = (fl_runs){0};
    runs->of_row = fl_memory_alloc(slice->rows, sizeof *runs->of_row);
    if (!runs->of_row || !choose_cells(runs, slice))
        return false;
    for (size_t i = 0; i < runs->per_run_count + runs->per_label_count; i++) {
        runs->numbers[i] = fl_memory_alloc(slice->rows, sizeof *runs->numbers[i]);
        if (!runs->numbers[i])
            return false;
        list_numbers(slice,
                     i < runs->per_run_count ? runs->per_run[i]
                                             : runs->per_label[i - runs->per_run_count],
                     runs->numbers[i]);
    }
    return cut_runs(runs, slice) && label_runs(runs, slice) &&
           (runs->per_run_count < 2 || fill_second(runs, slice));
}

void fl_runs_free(fl_runs *runs)
{
    fl_memory_free(runs->lengths);
    fl_memory_free(runs->of_row);
    fl_memory_free(runs->labels);
    fl_memory_free(runs->parents);
    fl_memory_free(runs->label_numbers);
    for (size_t i = 0; i < 2 * FL_RUNS_CELLS_MAX; i++)
        fl_memory_free(runs->numbers[i]);
}
