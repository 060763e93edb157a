#include "compare.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "batch.h"
#include "memory.h"
#include "render.h"

/* --- what goes wrong --- */

void compare_fail(const char *label, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fprintf(stderr, "%s: ", label);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    abort();
}

void compare_say(const char *what, const char *data, size_t size)
{
    fprintf(stderr, "%s (%zu bytes): ", what, size);
    for (size_t i = 0; i < size && i < 2000; i++) {
        unsigned char c = (unsigned char)data[i];
        if (c >= ' ' && c < 0x7f && c != '\\')
            fputc(c, stderr);
        else
            fprintf(stderr, "\\x%02x", c);
    }
    fputc('\n', stderr);
}

static void say_row(const compare_view *v, size_t row)
{
    fl_buffer text = {0};
    fl_render_row(&text, v->batch, row);
    compare_say(v->label, text.data, text.size);
    fl_buffer_free(&text);
}

void *compare_need(void *memory)
{
    COMPARE_EXPECT(memory, "compare", "no memory");
    return memory;
}

/* --- a batch by itself --- */

static bool is_present(const flowan_column *column, size_t row)
{
    return column->present[row / 64] >> (row % 64) & 1;
}

static bool is_zero(const void *data, size_t size)
{
    const unsigned char *bytes = data;
    for (size_t i = 0; i < size; i++)
        if (bytes[i])
            return false;
    return true;
}

/* The bytes of a row's value: one cell, or a run of items. */
static const void *value_of(const flowan_column *column, size_t row, size_t *size)
{
    size_t width = fl_type_width(column->type);
    const char *base = column->u32       ? (const char *)column->u32
                       : column->u64     ? (const char *)column->u64
                       : column->address ? (const char *)column->address
                                         : column->text;
    if (!column->offset) {
        *size = width;
        return base + row * width;
    }
    *size = (column->offset[row + 1] - column->offset[row]) * width;
    return *size ? base + column->offset[row] * width : NULL;
}

static void check_column(const compare_view *v, size_t index)
{
    const flowan_column *column = &v->columns[index];
    size_t rows = flowan_batch_rows(v->batch);
    COMPARE_EXPECT(column->rows == rows, v->label, "column %s: %zu rows, not %zu",
                   column->name, column->rows, rows);
    COMPARE_EXPECT(strlen(column->name) <= column->name_size &&
                       column->name[column->name_size] == 0,
                   v->label, "column %s: its name does not end", column->name);
    COMPARE_EXPECT(!column->offset || column->offset[0] == 0, v->label,
                   "column %s: items before the first row", column->name);
    size_t present = 0;
    for (size_t row = 0; row < rows; row++) {
        COMPARE_EXPECT(
            !column->offset || column->offset[row] <= column->offset[row + 1], v->label,
            "column %s: row %zu has an end before its begin", column->name, row);
        if (is_present(column, row)) {
            present++;
            continue;
        }
        size_t size;
        const void *data = value_of(column, row, &size);
        COMPARE_EXPECT(column->offset ? size == 0 : is_zero(data, size), v->label,
                       "column %s: row %zu is absent and not 0", column->name, row);
    }
    COMPARE_EXPECT(present == column->present_count, v->label,
                   "column %s: %zu rows present, it says %zu", column->name, present,
                   column->present_count);
    COMPARE_EXPECT(rows % 64 == 0 || column->present[rows / 64] >> rows % 64 == 0,
                   v->label, "column %s: rows present behind the last", column->name);
}

static void load_columns(compare_view *v)
{
    v->count = flowan_batch_columns(v->batch);
    if (v->count > v->room) {
        v->room = v->count * 2;
        v->columns = compare_need(realloc(v->columns, v->room * sizeof *v->columns));
    }
    for (size_t i = 0; i < v->count; i++) {
        flowan_column *column = &v->columns[i];
        COMPARE_EXPECT(flowan_batch_column(v->batch, i, column), v->label,
                       "no column %zu", i);
        check_column(v, i);
        flowan_column field;
        if (column->field >= 0)
            COMPARE_EXPECT(
                flowan_batch_field(v->batch, (flowan_field)column->field, &field) &&
                    field.present == column->present,
                v->label, "%s is another column by its field", column->name);
    }
    flowan_column none;
    COMPARE_EXPECT(!flowan_batch_column(v->batch, v->count, &none), v->label,
                   "a column behind the last");
}

/* Shapes and columns say the same of presence; together with the counts of the columns
 * that settles every row's every bit. */
static void check_shapes(const compare_view *v, bool in_order)
{
    size_t present = 0;
    size_t met = 0;
    for (size_t row = 0; row < flowan_batch_rows(v->batch); row++) {
        size_t count;
        const fl_shape_field *shape =
            fl_batch_shape(v->batch, v->batch->shape_of_row[row], &count);
        for (size_t i = 0; i < count; i++) {
            size_t index = FL_SHAPE_COLUMN(shape[i]);
            COMPARE_EXPECT(index < v->count, v->label, "row %zu has a column of none",
                           row);
            COMPARE_EXPECT(!in_order || index <= met, v->label,
                           "column %s is not in order of first appearance",
                           v->columns[index].name);
            met += index == met;
            fl_kind kind = FL_SHAPE_KIND(shape[i]);
            COMPARE_EXPECT(fl_value_fits(v->columns[index].type, kind), v->label,
                           "row %zu, %s: kind %d in a column of type %s", row,
                           v->columns[index].name, kind,
                           flowan_type_name(v->columns[index].type));
            COMPARE_EXPECT(
                is_present(&v->columns[index], row) == fl_kind_has_value(kind),
                v->label, "row %zu, %s: kind %d, but %s", row, v->columns[index].name,
                kind, fl_kind_has_value(kind) ? "absent" : "present");
            present += fl_kind_has_value(kind);
        }
    }
    COMPARE_EXPECT(!in_order || met == v->count, v->label,
                   "%zu columns that no record has", v->count - met);
    for (size_t i = 0; i < v->count; i++)
        present -= v->columns[i].present_count;
    COMPARE_EXPECT(present == 0, v->label, "columns have rows that no shape knows");
}

void compare_load(compare_view *v, const flowan_batch *batch, bool in_order)
{
    v->batch = batch;
    load_columns(v);
    check_shapes(v, in_order);
}

void compare_unload(compare_view *v)
{
    free(v->columns);
    *v = (compare_view){.label = v->label};
}

/* --- two rows --- */

static void differ_in(const compare_view *a, size_t row_a, const compare_view *b,
                      size_t row_b, const char *format, ...)
    __attribute__((format(printf, 5, 6), noreturn));

static void differ_in(const compare_view *a, size_t row_a, const compare_view *b,
                      size_t row_b, const char *format, ...)
{
    say_row(a, row_a);
    say_row(b, row_b);
    va_list args;
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    compare_fail(b->label, ", other than %s (rows %zu and %zu of their batches)",
                 a->label, row_b, row_a);
}

static void compare_values(const compare_view *a, size_t row_a, const compare_view *b,
                           size_t row_b)
{
    size_t count, count_b;
    const fl_shape_field *shape =
        fl_batch_shape(a->batch, a->batch->shape_of_row[row_a], &count);
    const fl_shape_field *shape_b =
        fl_batch_shape(b->batch, b->batch->shape_of_row[row_b], &count_b);
    if (count != count_b)
        differ_in(a, row_a, b, row_b, "%zu fields, not %zu", count_b, count);
    for (size_t i = 0; i < count; i++) {
        const flowan_column *x = &a->columns[FL_SHAPE_COLUMN(shape[i])];
        const flowan_column *y = &b->columns[FL_SHAPE_COLUMN(shape_b[i])];
        if (x->name_size != y->name_size || memcmp(x->name, y->name, x->name_size) != 0)
            differ_in(a, row_a, b, row_b, "field %zu is %s, not %s", i, y->name,
                      x->name);
        if (x->field != y->field || x->type != y->type)
            differ_in(a, row_a, b, row_b, "%s is a %s (field %d), not a %s (%d)",
                      x->name, flowan_type_name(y->type), y->field,
                      flowan_type_name(x->type), x->field);
        if (FL_SHAPE_KIND(shape[i]) != FL_SHAPE_KIND(shape_b[i]))
            differ_in(a, row_a, b, row_b, "%s is of kind %d, not %d", x->name,
                      FL_SHAPE_KIND(shape_b[i]), FL_SHAPE_KIND(shape[i]));
        if (!fl_kind_has_value(FL_SHAPE_KIND(shape[i])))
            continue;
        size_t size, size_b;
        const void *value = value_of(x, row_a, &size);
        const void *value_b = value_of(y, row_b, &size_b);
        if (size != size_b || (size && memcmp(value, value_b, size) != 0)) {
            compare_say(x->name, value, size);
            compare_say(y->name, value_b, size_b);
            differ_in(a, row_a, b, row_b, "%s has another value", x->name);
        }
    }
}

static void compare_raw(const compare_view *a, size_t row_a, const compare_view *b,
                        size_t row_b)
{
    size_t size, size_b;
    const char *raw = fl_batch_raw(a->batch, row_a, &size);
    const char *raw_b = fl_batch_raw(b->batch, row_b, &size_b);
    if (!raw != !raw_b)
        differ_in(a, row_a, b, row_b, "its text is %s", raw_b ? "kept" : "not kept");
    if (size != size_b || (size && memcmp(raw, raw_b, size) != 0))
        differ_in(a, row_a, b, row_b, "another text is kept");
}

void compare_rows(const compare_view *a, size_t row_a, const compare_view *b,
                  size_t row_b)
{
    compare_raw(a, row_a, b, row_b);
    compare_values(a, row_a, b, row_b);
}

static void compare_texts(const compare_view *a, size_t row_a, const compare_view *b,
                          size_t row_b)
{
    fl_buffer text = {0}, text_b = {0};
    fl_render_row(&text, a->batch, row_a);
    fl_render_row(&text_b, b->batch, row_b);
    if (text.size != text_b.size || memcmp(text.data, text_b.data, text.size) != 0)
        differ_in(a, row_a, b, row_b, "another text");
    fl_buffer_free(&text);
    fl_buffer_free(&text_b);
}

void compare_batches(const flowan_batch *want, size_t first, size_t count,
                     const flowan_batch *got)
{
    compare_view a = {.label = "wanted"};
    compare_view b = {.label = "got"};
    compare_load(&a, want, false);
    compare_load(&b, got, false);
    COMPARE_EXPECT(flowan_batch_rows(got) == count, b.label, "%zu rows, not %zu",
                   flowan_batch_rows(got), count);
    for (size_t row = 0; row < count; row++) {
        compare_rows(&a, first + row, &b, row);
        compare_texts(&a, first + row, &b, row);
    }
    compare_unload(&a);
    compare_unload(&b);
}
