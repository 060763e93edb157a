/* Appends rows of a batch to another. What a batch is, batch.c says; here is only what two
 * of them have in common: each has its own numbers for columns, spellings and shapes. */
#include "splice.h"

#include <string.h>

typedef struct splice {
    flowan_batch *to;
    const flowan_batch *from;
    size_t first;
    size_t end;
    size_t rows;     /* of `to`, then */
    uint16_t *order; /* shapes of `from` that the rows have, by first appearance … */
    size_t shape_count;
    size_t shapes_size;
    uint16_t *columns; /* … and the columns and spellings of those, likewise */
    size_t column_count;
    uint16_t *spellings;
    size_t spelling_count;
    uint32_t *shape_of;    /* shape of `from` → of `to`; while surveyed: 1 is seen */
    uint16_t *spelling_of; /* likewise; 0 → 0 */
    fl_column **column_of; /* column of `from` → of `to`, NULL: none yet */
    bool *column_seen;
} splice;

/* --- what the rows bring --- */

static bool splice_init(splice *s)
{
    const flowan_batch *from = s->from;
    s->order = fl_memory_alloc(from->shapes.count, sizeof *s->order);
    s->shape_of = fl_memory_zalloc(from->shapes.count, sizeof *s->shape_of);
    s->columns = fl_memory_alloc(from->column_count, sizeof *s->columns);
    s->column_of = fl_memory_zalloc(from->column_count, sizeof(fl_column *));
    s->column_seen = fl_memory_zalloc(from->column_count, sizeof *s->column_seen);
    s->spellings = fl_memory_alloc(from->spellings.count, sizeof *s->spellings);
    s->spelling_of =
        fl_memory_zalloc(from->spellings.count + 1, sizeof *s->spelling_of);
    return s->order && s->shape_of && s->columns && s->column_of && s->column_seen &&
           s->spellings && s->spelling_of;
}

static void splice_free(splice *s)
{
    fl_memory_free(s->order);
    fl_memory_free(s->shape_of);
    fl_memory_free(s->columns);
    fl_memory_free(s->column_of);
    fl_memory_free(s->column_seen);
    fl_memory_free(s->spellings);
    fl_memory_free(s->spelling_of);
}

static void survey_shape(splice *s, size_t shape)
{
    size_t fields;
    const fl_shape_field *field = fl_batch_shape(s->from, shape, &fields);
    s->order[s->shape_count++] = (uint16_t)shape;
    s->shapes_size += fields * sizeof *field;
    for (size_t i = 0; i < fields; i++) {
        size_t column = FL_SHAPE_COLUMN(field[i]);
        size_t spelling = FL_SHAPE_SPELLING(field[i]);
        if (!s->column_seen[column])
            s->columns[s->column_count++] = (uint16_t)column;
        s->column_seen[column] = true;
        if (spelling && !s->spelling_of[spelling])
            s->spellings[s->spelling_count++] = (uint16_t)spelling;
        s->spelling_of[spelling] = spelling != 0;
    }
}

/* Also which of the columns `to` has already. False when memory is short. */
static bool survey(splice *s)
{
    for (size_t row = s->first; row < s->end; row++) {
        size_t shape = s->from->shape_of_row[row];
        if (!s->shape_of[shape])
            survey_shape(s, shape);
        s->shape_of[shape] = 1;
    }
    for (size_t i = 0; i < s->column_count; i++)
        if (!fl_batch_find_column(s->to, s->from->columns[s->columns[i]],
                                  &s->column_of[s->columns[i]]))
            return false;
    return true;
}

/* --- whether it fits --- */

/* The last row + 1 that has an item, of those before `end`. */
static size_t filled_end(const fl_column *column, size_t end)
{
    return column->filled < end ? column->filled : end;
}

/* Items of a column's rows [first, end), which follow one another. */
static size_t items_of(const fl_column *column, size_t first, size_t end)
{
    end = filled_end(column, end);
    return first < end ? column->offset[end] - column->offset[first] : 0;
}

static uint64_t rows_memory(const fl_column *column, size_t rows)
{
    bool runs = fl_type_is_run(column->type);
    uint64_t width = runs ? sizeof *column->offset : fl_type_width(column->type);
    return rows * width + rows / 8;
}

static uint64_t items_memory(const fl_column *column, size_t items)
{
    return fl_type_is_run(column->type) ? items * fl_type_width(column->type) : 0;
}

/* Whether all columns, with all rows, are within the memory that `to` may have: a column
 * that few rows have costs the others too. */
static bool memory_fits(const splice *s)
{
    const flowan_batch *to = s->to;
    uint64_t memory = to->raw->items_count;
    size_t texts = items_of(s->from->raw, s->first, s->end);
    if (to->raw->items_count + texts > UINT32_MAX)
        return false;
    memory += texts;
    for (size_t i = 0; i < to->column_count; i++)
        memory += rows_memory(to->columns[i], s->rows) +
                  items_memory(to->columns[i], to->columns[i]->items_count);
    for (size_t i = 0; i < s->column_count; i++) {
        const fl_column *column = s->from->columns[s->columns[i]];
        const fl_column *mine = s->column_of[s->columns[i]];
        size_t items =
            fl_type_is_run(column->type) ? items_of(column, s->first, s->end) : 0;
        if (!mine)
            memory += rows_memory(column, s->rows);
        else if (mine->items_count + items > UINT32_MAX)
            return false;
        memory += items_memory(column, items);
    }
    return memory <= to->memory_limit;
}

static bool fits(const splice *s)
{
    const flowan_batch *to = s->to;
    if (s->rows > to->capacity)
        return false;
    if (to->rows == 0)
        return true;
    size_t columns = 0;
    for (size_t i = 0; i < s->column_count; i++)
        columns += !s->column_of[s->columns[i]];
    size_t spellings = 0;
    for (size_t i = 0; i < s->spelling_count; i++) {
        size_t size;
        const char *key = fl_batch_spelling(s->from, s->spellings[i], &size);
        spellings += fl_hash_find(&to->spellings, key, size) < 0;
    }
    /* how many of the shapes are new is known only once they are in */
    return to->column_count + columns <= FL_BATCH_COLUMNS_MAX &&
           to->spellings.count + spellings <= FL_BATCH_SPELLINGS_MAX &&
           to->shapes.count + s->shape_count <= FL_BATCH_SHAPES_MAX &&
           to->shapes.arena.size + s->shapes_size <= FL_BATCH_SHAPES_SIZE &&
           memory_fits(s);
}

/* --- all that can fail --- */

static bool take_columns(splice *s)
{
    for (size_t i = 0; i < s->column_count; i++) {
        const fl_column *column = s->from->columns[s->columns[i]];
        fl_column *mine = fl_batch_use_column(s->to, column->name, column->name_size,
                                              column->field, column->type);
        s->column_of[s->columns[i]] = mine;
        if (!mine ||
            (fl_type_is_run(column->type) &&
             !fl_column_reserve_items(s->to, mine, items_of(column, s->first, s->end))))
            return false;
    }
    /* those that the rows do not have grow too, as in an append */
    for (size_t i = 0; i < s->to->column_count; i++)
        if (!fl_column_reserve(s->to, s->to->columns[i], s->rows))
            return false;
    return true;
}

static bool take_shapes(splice *s)
{
    for (size_t i = 0; i < s->spelling_count; i++) {
        size_t size;
        const char *key = fl_batch_spelling(s->from, s->spellings[i], &size);
        int spelling = fl_batch_intern_spelling(s->to, key, size);
        if (spelling < 0)
            return false;
        s->spelling_of[s->spellings[i]] = (uint16_t)spelling;
    }
    for (size_t i = 0; i < s->shape_count; i++) {
        size_t fields;
        const fl_shape_field *field = fl_batch_shape(s->from, s->order[i], &fields);
        for (size_t k = 0; k < fields; k++)
            s->to->scratch[k] = FL_SHAPE_FIELD(
                s->column_of[FL_SHAPE_COLUMN(field[k])]->index, FL_SHAPE_KIND(field[k]),
                s->spelling_of[FL_SHAPE_SPELLING(field[k])]);
        int shape = fl_batch_intern_shape(s->to, s->to->scratch, fields);
        if (shape < 0)
            return false;
        s->shape_of[s->order[i]] = (uint32_t)shape;
    }
    return true;
}

static bool take_texts(splice *s)
{
    size_t items = items_of(s->from->raw, s->first, s->end);
    return s->from->raw->present_count == 0 ||
           (fl_column_reserve(s->to, s->to->raw, s->rows) &&
            fl_column_reserve_items(s->to, s->to->raw, items));
}

/* --- the copy --- */

/* Copies `count` bits; how many of them are set. */
static size_t copy_bits(uint64_t *to, size_t at, const uint64_t *from, size_t first,
                        size_t count)
{
    size_t set = 0;
    while (count > 0) {
        size_t take = 64 - (at % 64 > first % 64 ? at % 64 : first % 64);
        take = take < count ? take : count;
        uint64_t bits = from[first / 64] >> (first % 64) & UINT64_MAX >> (64 - take);
        to[at / 64] |= bits << (at % 64);
        set += (size_t)__builtin_popcountll(bits);
        at += take;
        first += take;
        count -= take;
    }
    return set;
}

/* Only what is present: cells where nothing is may hold what an earlier fill left. */
static void copy_cells(fl_column *to, size_t at, const fl_column *from, size_t first,
                       size_t end)
{
    size_t width = fl_type_width(from->type);
    const char *cells = (const char *)from->cells;
    char *out = (char *)to->cells + at * width;
    size_t run = first; /* rows [run, row) are present and not yet copied */
    for (size_t row = first; row <= end; row++) {
        if (row < end && fl_column_present(from, row))
            continue;
        if (run < row)
            memcpy(out + (run - first) * width, cells + run * width,
                   (row - run) * width);
        run = row + 1;
    }
}

static void copy_runs(fl_column *to, size_t at, const fl_column *from, size_t first,
                      size_t end)
{
    end = filled_end(from, end);
    if (first >= end)
        return;
    size_t width = fl_type_width(from->type);
    size_t start = from->offset[first];
    size_t items = from->offset[end] - start;
    fl_column_fill_offsets(to, at);
    for (size_t row = first; row < end; row++)
        to->offset[at + row - first + 1] =
            (uint32_t)(to->items_count + from->offset[row + 1] - start);
    if (items)
        memcpy((char *)to->items + to->items_count * width,
               (const char *)from->items + start * width, items * width);
    to->items_count += items;
    to->filled = at + end - first;
}

static void copy_column(const splice *s, fl_column *to, const fl_column *from)
{
    size_t end = s->end < from->room ? s->end : from->room;
    size_t at = s->to->rows;
    if (s->first >= end)
        return;
    size_t present =
        copy_bits(to->present, at, from->present, s->first, end - s->first);
    to->present_count += present;
    if (present && fl_type_is_run(from->type))
        copy_runs(to, at, from, s->first, end);
    else if (present == end - s->first)
        memcpy((char *)to->cells + at * fl_type_width(from->type),
               (const char *)from->cells + s->first * fl_type_width(from->type),
               present * fl_type_width(from->type));
    else if (present)
        copy_cells(to, at, from, s->first, end);
}

static void copy_rows(const splice *s)
{
    flowan_batch *to = s->to;
    size_t count = s->end - s->first;
    for (size_t i = 0; i < s->column_count; i++)
        copy_column(s, s->column_of[s->columns[i]], s->from->columns[s->columns[i]]);
    if (s->from->raw->present_count > 0)
        copy_column(s, to->raw, s->from->raw);
    for (size_t i = 0; i < count; i++)
        to->shape_of_row[to->rows + i] =
            (uint16_t)s->shape_of[s->from->shape_of_row[s->first + i]];
    memcpy(to->offset_of_row + to->rows, s->from->offset_of_row + s->first,
           count * sizeof *to->offset_of_row);
    memcpy(to->size_of_row + to->rows, s->from->size_of_row + s->first,
           count * sizeof *to->size_of_row);
    to->rows = to->settled = s->rows;
}

flowan_status fl_batch_splice(flowan_batch *to, const flowan_batch *from, size_t first,
                              size_t count)
{
    if (count == 0)
        return FLOWAN_OK;
    fl_batch_settle(to);
    splice s = {.to = to,
                .from = from,
                .first = first,
                .end = first + count,
                .rows = to->rows + count};
    flowan_status status = FLOWAN_ERROR_MEMORY;
    if (!splice_init(&s) || !survey(&s))
        goto out;
    status = FLOWAN_FULL;
    if (!fits(&s))
        goto out;
    status = FLOWAN_ERROR_MEMORY;
    if (!fl_batch_reserve_rows(to, s.rows) || !take_columns(&s) || !take_shapes(&s) ||
        !take_texts(&s))
        goto out;
    copy_rows(&s);
    status = FLOWAN_OK;
out:
    splice_free(&s);
    return status;
}
