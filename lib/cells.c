#include "cells.h"

#include "bytes.h"

/* Beyond so many different values of a column of runs, one in four rows having a new one,
 * counting them gains nothing. */
enum { ENTRIES_FEW = 16, ROWS_PER_ENTRY = 4 };

/* --- shapes and columns --- */

static bool number_shapes(fl_slice *s)
{
    for (size_t row = 0; row < s->rows; row++) {
        size_t shape = s->batch->shape_of_row[s->first + row];
        if (s->shape_of[shape] == 0) {
            s->order[s->shape_count++] = (uint16_t)shape;
            s->shape_of[shape] = (uint32_t)s->shape_count;
        }
        s->shapes[row] = (uint16_t)(s->shape_of[shape] - 1);
    }
    return true;
}

static void number_columns(fl_slice *s)
{
    for (size_t i = 0; i < s->batch->column_count; i++)
        s->column_of[i] = UINT32_MAX;
    for (size_t i = 0; i < s->shape_count; i++) {
        size_t fields;
        const fl_shape_field *shape = fl_batch_shape(s->batch, s->order[i], &fields);
        for (size_t k = 0; k < fields; k++) {
            size_t column = FL_SHAPE_COLUMN(shape[k]);
            if (s->column_of[column] != UINT32_MAX)
                continue;
            s->columns[s->column_count] = s->batch->columns[column];
            s->column_of[column] = (uint32_t)s->column_count++;
        }
    }
}

static bool list_presence(fl_slice *s)
{
    s->has_width = s->column_count / 64 + 1;
    s->has = fl_memory_zalloc(s->shape_count, s->has_width * sizeof *s->has);
    if (!s->has)
        return false;
    for (size_t i = 0; i < s->shape_count; i++) {
        size_t fields;
        const fl_shape_field *shape = fl_batch_shape(s->batch, s->order[i], &fields);
        for (size_t k = 0; k < fields; k++) {
            size_t column = s->column_of[FL_SHAPE_COLUMN(shape[k])];
            if (fl_kind_has_value(FL_SHAPE_KIND(shape[k])))
                s->has[i * s->has_width + column / 64] |= (uint64_t)1 << (column % 64);
        }
    }
    return true;
}

/* --- values of runs --- */

static const char *run_of(const fl_column *column, size_t row, size_t *size)
{
    size_t width = fl_type_width(column->type);
    *size = (column->offset[row + 1] - column->offset[row]) * width;
    return *size ? (const char *)column->items + column->offset[row] * width : "";
}

static bool same_run(const fl_column *column, size_t a, size_t b)
{
    size_t size;
    size_t other;
    const char *left = run_of(column, a, &size);
    const char *right = run_of(column, b, &other);
    return size == other && memcmp(left, right, size) == 0;
}

/* Each present row is an entry of its own. */
static void list_rows(fl_slice *s, size_t number)
{
    fl_entries *entries = &s->entries[number];
    fl_memory_free(entries->codes);
    entries->codes = NULL;
    entries->count = 0;
    for (size_t row = 0; row < s->rows; row++)
        if (fl_slice_has(s, s->shapes[row], number))
            entries->rows[entries->count++] = (uint32_t)(s->first + row);
}

/* Numbers the different values, in the order in which they come. */
static bool number_entries(fl_slice *s, size_t number)
{
    const fl_column *column = s->columns[number];
    fl_entries *entries = &s->entries[number];
    fl_hash values = {0};
    bool all = true;
    size_t present = 0;
    size_t last = SIZE_MAX; /* the row before that has the column */
    entries->codes = fl_memory_zalloc(s->rows, sizeof *entries->codes);
    entries->rows = fl_memory_alloc(s->rows, sizeof *entries->rows);
    if (!entries->codes || !entries->rows)
        return false;
    for (size_t row = 0; all && row < s->rows; row++) {
        if (!fl_slice_has(s, s->shapes[row], number))
            continue;
        size_t at = s->first + row;
        present++;
        if (last != SIZE_MAX && same_run(column, at, s->first + last)) {
            entries->codes[row] = entries->codes[last];
        } else {
            size_t size;
            bool added;
            const char *value = run_of(column, at, &size);
            int64_t code = fl_hash_put(&values, value, size, &added);
            if (code < 0) {
                fl_hash_free(&values);
                return false;
            }
            if (added)
                entries->rows[entries->count++] = (uint32_t)at;
            entries->codes[row] = (uint32_t)code;
            all = entries->count <= ENTRIES_FEW + present / ROWS_PER_ENTRY;
        }
        last = row;
    }
    fl_hash_free(&values);
    if (!all)
        list_rows(s, number);
    return true;
}

/* --- cells --- */

static void add_cell(fl_slice *s, size_t number, fl_cell_form form)
{
    s->cells[s->cell_count++] =
        (fl_cell){s->columns[number], number, form, &s->entries[number]};
}

static bool list_cells(fl_slice *s)
{
    s->entries = fl_memory_zalloc(s->column_count, sizeof *s->entries);
    s->cells = fl_memory_alloc(2 * s->column_count, sizeof *s->cells);
    if (!s->entries || !s->cells)
        return false;
    for (size_t i = 0; i < s->column_count; i++) {
        flowan_type type = s->columns[i]->type;
        if (type == FLOWAN_TYPE_ADDRESS) {
            add_cell(s, i, FL_CELL_HIGH);
            add_cell(s, i, FL_CELL_LOW);
        } else if (!fl_type_is_run(type)) {
            add_cell(s, i, fl_type_width(type) == 4 ? FL_CELL_U32 : FL_CELL_U64);
        } else {
            if (!number_entries(s, i))
                return false;
            if (s->entries[i].codes)
                add_cell(s, i, FL_CELL_CODE);
        }
    }
    return true;
}

bool fl_slice_init(fl_slice *s, const flowan_batch *batch, size_t first, size_t count)
{
    *s = (fl_slice){.batch = batch, .first = first, .rows = count};
    s->shapes = fl_memory_alloc(count, sizeof *s->shapes);
    s->shape_of = fl_memory_zalloc(batch->shapes.count, sizeof *s->shape_of);
    s->order = fl_memory_alloc(batch->shapes.count, sizeof *s->order);
    s->column_of = fl_memory_alloc(batch->column_count, sizeof *s->column_of);
    s->columns = fl_memory_alloc(batch->column_count, sizeof(const fl_column *));
    if (!s->shapes || !s->shape_of || !s->order || !s->column_of || !s->columns ||
        !number_shapes(s))
        return false;
    number_columns(s);
    return list_presence(s) && list_cells(s);
}

void fl_slice_free(fl_slice *s)
{
    for (size_t i = 0; s->entries && i < s->column_count; i++) {
        fl_memory_free(s->entries[i].codes);
        fl_memory_free(s->entries[i].rows);
    }
    fl_memory_free(s->entries);
    fl_memory_free(s->cells);
    fl_memory_free(s->has);
    fl_memory_free((void *)s->columns);
    fl_memory_free(s->column_of);
    fl_memory_free(s->order);
    fl_memory_free(s->shape_of);
    fl_memory_free(s->shapes);
}

static uint64_t load_big_endian(const uint8_t *octets)
{
    uint64_t value = 0;
    for (size_t i = 0; i < 8; i++)
        value = value << 8 | octets[i];
    return value;
}

void fl_cell_gather(const fl_slice *slice, const fl_cell *cell, const uint32_t *rows,
                    size_t count, uint64_t *out)
{
    size_t first = slice->first;
    switch (cell->form) {
    case FL_CELL_U32: {
        const uint32_t *values = (const uint32_t *)cell->column->cells + first;
        for (size_t i = 0; i < count; i++)
            out[i] = values[rows[i]];
        return;
    }
    case FL_CELL_U64: {
        const uint64_t *values = (const uint64_t *)cell->column->cells + first;
        for (size_t i = 0; i < count; i++)
            out[i] = values[rows[i]];
        return;
    }
    case FL_CELL_HIGH:
    case FL_CELL_LOW: {
        const uint8_t *octets =
            ((const flowan_address *)cell->column->cells + first)->octet +
            (cell->form == FL_CELL_LOW ? 8 : 0);
        for (size_t i = 0; i < count; i++)
            out[i] = load_big_endian(octets + (size_t)rows[i] * sizeof(flowan_address));
        return;
    }
    case FL_CELL_CODE:
        for (size_t i = 0; i < count; i++)
            out[i] = cell->entries->codes[rows[i]];
    }
}

void fl_cell_gather_all(const fl_slice *slice, const fl_cell *cell, size_t first,
                        size_t count, uint64_t *out)
{
    size_t row = slice->first + first;
    switch (cell->form) {
    case FL_CELL_U32: {
        const uint32_t *values = (const uint32_t *)cell->column->cells + row;
        for (size_t i = 0; i < count; i++)
            out[i] = values[i];
        return;
    }
    case FL_CELL_U64:
        if (count)
            memcpy(out, (const uint64_t *)cell->column->cells + row,
                   count * sizeof *out);
        return;
    case FL_CELL_HIGH:
    case FL_CELL_LOW: {
        const flowan_address *values =
            (const flowan_address *)cell->column->cells + row;
        size_t half = cell->form == FL_CELL_LOW ? 8 : 0;
        for (size_t i = 0; i < count; i++)
            out[i] = load_big_endian(values[i].octet + half);
        return;
    }
    case FL_CELL_CODE:
        for (size_t i = 0; i < count; i++)
            out[i] = cell->entries->codes[first + i];
    }
}

bool fl_slice_has_everywhere(const fl_slice *slice, size_t column)
{
    for (size_t i = 0; i < slice->shape_count; i++)
        if (!fl_slice_has(slice, i, column))
            return false;
    return true;
}
