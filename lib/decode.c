/* Reading a block: its numbers into the columns of a batch. Only columns that are asked
 * for, and those that these are told from, are read, checked and unpacked, and only rows
 * that were chosen become rows of the batch. */
#include "chosen.h"
#include "pick.h"
#include "reader.h"
#include "status.h"
#include "unpack.h"

/* One block on its way into a batch. */
typedef struct decode {
    fl_unpack unpack;
    fl_pick pick;
    flowan_batch *batch;
    fl_column **columns;    /* of the batch, by number in the block; NULL: not wanted */
    uint16_t *shape_map;    /* block shape → batch shape */
    uint16_t *spelling_map; /* block spelling → batch spelling; 0 → 0 */
    uint64_t *numbers;      /* of a cell, a chosen row each at the most */
    uint32_t *codes;        /* of a column of runs, per chosen row */
} decode;

/* --- shapes --- */

static flowan_status intern_spellings(decode *d)
{
    const fl_layout *l = &d->unpack.layout;
    fl_cursor in = {l->spellings, l->spellings_size, false};
    d->spelling_map[0] = 0;
    for (size_t i = 1; i <= l->spelling_count; i++) {
        size_t size = fl_cursor_get(&in, 2);
        int spelling =
            fl_batch_intern_spelling(d->batch, fl_cursor_take(&in, size), size);
        if (spelling < 0)
            return FLOWAN_ERROR_MEMORY;
        d->spelling_map[i] = (uint16_t)spelling;
    }
    return FLOWAN_OK;
}

/* The shapes with only the wanted columns, interned in the batch. */
static flowan_status intern_shapes(decode *d)
{
    const fl_layout *l = &d->unpack.layout;
    fl_cursor in = {l->shapes, l->shapes_size, false};
    for (size_t i = 0; i < l->shape_count; i++) {
        size_t fields = fl_cursor_get(&in, 2);
        size_t count = 0;
        for (size_t k = 0; k < fields; k++) {
            size_t column = fl_cursor_get(&in, 2);
            fl_kind kind = (fl_kind)fl_cursor_get(&in, 1);
            size_t spelling = fl_cursor_get(&in, 2);
            if (d->columns[column])
                d->batch->scratch[count++] = FL_SHAPE_FIELD(
                    d->columns[column]->index, kind, d->spelling_map[spelling]);
        }
        int id = fl_batch_intern_shape(d->batch, d->batch->scratch, count);
        if (id < 0)
            return FLOWAN_ERROR_MEMORY;
        d->shape_map[i] = (uint16_t)id;
    }
    return FLOWAN_OK;
}

/* --- cells --- */

/* The chosen rows of a class: which rows of the batch they become. */
typedef struct targets {
    const uint32_t *rows; /* NULL: those from `first` on */
    size_t first;
    size_t count;
} targets;

static targets class_rows(const decode *d, size_t class)
{
    const fl_chosen *chosen = &d->pick.chosen;
    size_t first = chosen->first[class];
    return (targets){chosen->out ? chosen->out + first : NULL, first,
                     chosen->first[class + 1] - first};
}

#define ROW(to, i) ((to).rows ? (to).rows[i] : (to).first + (i))

static void mark_present(decode *d, fl_column *column, size_t number)
{
    const fl_layout *l = &d->unpack.layout;
    size_t all = d->pick.chosen.count;
    size_t missing = 0;
    memset(column->present, 0xff, all / 64 * 8);
    if (all % 64)
        column->present[all / 64] = ((uint64_t)1 << (all % 64)) - 1;
    for (size_t c = 0; c < l->class_count; c++) {
        if (fl_layout_has(l, l->class_shapes[c], number))
            continue;
        targets to = class_rows(d, c);
        for (size_t i = 0; i < to.count; i++)
            column->present[ROW(to, i) / 64] &= ~((uint64_t)1 << (ROW(to, i) % 64));
        missing += to.count;
    }
    column->present_count = all - missing;
}

/* What the numbers of a cell become. False when one does not fit. */
static bool put_numbers(const decode *d, fl_column *column, size_t half, targets to)
{
    const uint64_t *numbers = d->numbers;
    uint64_t over = 0;
    if (column->type == FLOWAN_TYPE_ADDRESS) {
        flowan_address *cells = column->cells;
        for (size_t i = 0; i < to.count; i++)
            fl_bytes_store_big(cells[ROW(to, i)].octet + 8 * half, numbers[i]);
    } else if (fl_type_is_run(column->type)) {
        for (size_t i = 0; i < to.count; i++) {
            d->codes[ROW(to, i)] = (uint32_t)numbers[i];
            over |= numbers[i] >> 32;
        }
    } else if (fl_type_width(column->type) == 4) {
        uint32_t *cells = column->cells;
        for (size_t i = 0; i < to.count; i++) {
            cells[ROW(to, i)] = (uint32_t)numbers[i];
            over |= numbers[i] >> 32;
        }
    } else {
        uint64_t *cells = column->cells;
        for (size_t i = 0; i < to.count; i++)
            cells[ROW(to, i)] = numbers[i];
    }
    return over == 0;
}

static flowan_status decode_cell(decode *d, fl_column *column, size_t number,
                                 size_t half)
{
    fl_unpack *u = &d->unpack;
    const fl_layout *l = &u->layout;
    const fl_chosen *chosen = &d->pick.chosen;
    bool words = !fl_type_is_run(column->type) && fl_type_width(column->type) == 8;
    for (size_t c = 0; c < l->class_count; c++) {
        targets to = class_rows(d, c);
        if (to.count == 0 || !fl_layout_has(l, l->class_shapes[c], number))
            continue;
        bool direct = words && !to.rows;
        flowan_status status = fl_unpack_cell(
            u, l->columns[number].first_cell + half, c,
            chosen->places ? chosen->places + chosen->first[c] : NULL, to.count,
            direct ? (uint64_t *)column->cells + to.first : d->numbers);
        if (status != FLOWAN_OK)
            return status;
        if (!direct && !put_numbers(d, column, half, to))
            return fl_reader_fail(u->reader, FLOWAN_ERROR_FORMAT, u->block,
                                  "column of a block", u->error);
    }
    return FLOWAN_OK;
}

/* --- runs of items --- */

/* The values that a part holds: starts[i] is where value i begins in `items`. */
typedef struct values {
    uint64_t *starts; /* count + 1 */
    size_t count;
    void *items;
} values;

static void values_free(decode *d, values *v)
{
    fl_pool_give(d->unpack.integers.pool, v->starts);
    fl_pool_give(d->unpack.integers.pool, v->items);
}

/* Reads `count` values of a type, of at most `limit` items. */
static bool get_values(decode *d, fl_cursor *in, flowan_type type, size_t count,
                       uint64_t limit, values *v)
{
    fl_integers *integers = &d->unpack.integers;
    size_t width = fl_type_width(type);
    v->count = count;
    v->starts = fl_pool_take(d->unpack.integers.pool, count + 1, sizeof *v->starts);
    if (!v->starts)
        integers->no_memory = true;
    if (!v->starts || !fl_integers_get(integers, in, v->starts + 1, count))
        return false;
    v->starts[0] = 0;
    for (size_t i = 1; i <= count; i++) {
        if (v->starts[i] > limit - v->starts[i - 1])
            return false;
        v->starts[i] += v->starts[i - 1];
    }
    size_t items = (size_t)v->starts[count];
    if (type != FLOWAN_TYPE_LIST_U64 && !fl_codec_fits(in, (uint64_t)items * width))
        return false;
    v->items = fl_pool_take(d->unpack.integers.pool, items, width);
    if (!v->items) {
        integers->no_memory = true;
        return false;
    }
    return (type == FLOWAN_TYPE_LIST_U64
                ? fl_integers_get(integers, in, v->items, items)
                : fl_codec_get(integers->codec, in, v->items, items * width)) &&
           in->left == 0;
}

/* Each present row's value behind those before it; `codes` says which it is. False when
 * they are more items than the directory says, or, of all rows, fewer. */
static bool put_runs(const decode *d, fl_column *column, const values *v, size_t items)
{
    size_t width = fl_type_width(column->type);
    size_t rows = d->pick.chosen.count;
    size_t end = 0;
    for (size_t row = 0; row < rows; row++) {
        column->offset[row] = (uint32_t)end;
        if (!fl_column_present(column, row))
            continue;
        size_t code = d->codes[row];
        if (code >= v->count)
            return false;
        size_t start = (size_t)v->starts[code];
        size_t count = (size_t)v->starts[code + 1] - start;
        if (count > items - end)
            return false;
        if (count)
            memcpy((char *)column->items + end * width,
                   (const char *)v->items + start * width, count * width);
        end += count;
    }
    column->offset[rows] = (uint32_t)end;
    column->filled = rows;
    column->items_count = end;
    return !d->pick.chosen.whole || end == items;
}

/* Values stand in order of the rows that have one: which is which. */
static flowan_status count_values(decode *d, size_t number)
{
    fl_unpack *u = &d->unpack;
    flowan_status status = fl_unpack_row_classes(u);
    if (status != FLOWAN_OK)
        return status;
    uint32_t next = 0;
    size_t chosen = 0;
    for (size_t row = 0; row < u->layout.rows && chosen < d->pick.chosen.count; row++) {
        bool is_chosen = !d->pick.chosen.rows || d->pick.chosen.rows[chosen] == row;
        if (is_chosen)
            d->codes[chosen++] = next;
        next += fl_layout_has(&u->layout, u->layout.class_shapes[u->class_of_row[row]],
                              number);
    }
    return FLOWAN_OK;
}

static size_t part_of_column(const fl_layout *l, size_t number)
{
    size_t part = FL_PART_STREAMS + l->stream_count;
    for (size_t i = 0; i < number; i++)
        part += fl_type_is_run(l->columns[i].type);
    return part;
}

static flowan_status decode_runs(decode *d, fl_column *column, size_t number)
{
    fl_unpack *u = &d->unpack;
    const fl_layout *l = &u->layout;
    const fl_layout_column *info = &l->columns[number];
    size_t part = part_of_column(l, number);
    fl_cursor in;
    values v = {0};
    if (!fl_column_reserve_items(d->batch, column, info->items))
        return fl_status_memory(u->error);
    flowan_status status = FLOWAN_OK;
    if (info->in_order)
        status = count_values(d, number);
    else
        status = decode_cell(d, column, number, 0);
    if (status == FLOWAN_OK)
        status = fl_unpack_part(u, part, &in);
    if (status != FLOWAN_OK)
        return status;
    bool sound = get_values(d, &in, info->type, info->entries, info->items, &v) &&
                 put_runs(d, column, &v, info->items);
    values_free(d, &v);
    return sound ? FLOWAN_OK : fl_unpack_damage(u, part, "column of a block");
}

static flowan_status decode_column(decode *d, size_t number)
{
    fl_unpack *u = &d->unpack;
    const fl_layout_column *info = &u->layout.columns[number];
    fl_column *column = d->columns[number];
    size_t rows = d->pick.chosen.count;
    if (!fl_column_reserve(d->batch, column, rows ? rows : 1))
        return fl_status_memory(u->error);
    mark_present(d, column, number);
    if (d->pick.chosen.whole && column->present_count != info->present)
        return fl_reader_fail(u->reader, FLOWAN_ERROR_FORMAT, u->block,
                              "column of a block", u->error);
    flowan_status status = FLOWAN_OK;
    if (fl_type_is_run(info->type))
        return decode_runs(d, column, number);
    for (size_t half = 0; status == FLOWAN_OK && half < info->cells; half++)
        status = decode_cell(d, column, number, half);
    return status;
}

/* Marks the chosen rows whose text is kept; false when the rows that are named do not
 * ascend or are none of the block's. */
static bool find_texts(decode *d, fl_column *raw)
{
    const fl_chosen *chosen = &d->pick.chosen;
    size_t rows = d->unpack.layout.rows;
    uint64_t row = 0;
    size_t at = 0;
    for (size_t i = 0; i < d->unpack.layout.texts; i++) {
        if (d->numbers[i] >= rows - row || (i > 0 && d->numbers[i] == 0))
            return false;
        row += d->numbers[i];
        while (chosen->rows && at < chosen->count && chosen->rows[at] < row)
            at++;
        if (!chosen->rows)
            at = (size_t)row;
        else if (at == chosen->count || chosen->rows[at] != row)
            continue;
        raw->present[at / 64] |= (uint64_t)1 << (at % 64);
        raw->present_count++;
        d->codes[at] = (uint32_t)i;
    }
    return true;
}

static flowan_status decode_texts(decode *d)
{
    fl_unpack *u = &d->unpack;
    const fl_layout *l = &u->layout;
    fl_column *raw = d->batch->raw;
    fl_cursor in;
    values v = {0};
    if (l->texts == 0) {
        flowan_status status = fl_unpack_part(u, FL_PART_TEXTS, &in);
        return status;
    }
    fl_pool_give(d->unpack.integers.pool, d->numbers);
    d->numbers = fl_pool_take(d->unpack.integers.pool, l->texts, sizeof *d->numbers);
    if (!d->numbers || !raw ||
        !fl_column_reserve(d->batch, raw, d->pick.chosen.count + 1) ||
        !fl_column_reserve_items(d->batch, raw, l->text_bytes))
        return fl_status_memory(u->error);
    flowan_status status = fl_unpack_part(u, FL_PART_TEXTS, &in);
    if (status != FLOWAN_OK)
        return status;
    bool sound = fl_integers_get(&u->integers, &in, d->numbers, l->texts) &&
                 find_texts(d, raw) &&
                 get_values(d, &in, FLOWAN_TYPE_TEXT, l->texts, l->text_bytes, &v) &&
                 put_runs(d, raw, &v, l->text_bytes);
    values_free(d, &v);
    return sound ? FLOWAN_OK : fl_unpack_damage(u, FL_PART_TEXTS, "texts of a block");
}

/* --- the block --- */

static bool is_wanted(const fl_layout_column *column, const char *const *names,
                      size_t count)
{
    if (!names)
        return true;
    for (size_t i = 0; i < count; i++)
        if (strlen(names[i]) == column->name_size &&
            memcmp(names[i], column->name, column->name_size) == 0)
            return true;
    return false;
}

static flowan_status use_columns(decode *d, const char *const *names, size_t count)
{
    const fl_unpack *u = &d->unpack;
    const flowan_filter *again = d->pick.exact ? NULL : d->pick.question->filter;
    for (size_t i = 0; i < u->layout.column_count; i++) {
        const fl_layout_column *info = &u->layout.columns[i];
        if (!is_wanted(info, names, count) &&
            !(again && is_wanted(info, again->columns, again->column_count)))
            continue;
        size_t before = d->batch->column_count;
        d->columns[i] = fl_batch_use_column(d->batch, info->name, info->name_size,
                                            fl_reader_field(info), info->type);
        if (!d->columns[i])
            return fl_status_memory(u->error);
        if (d->batch->column_count == before)
            return fl_reader_fail(u->reader, FLOWAN_ERROR_FORMAT, u->block,
                                  "a column that stands twice in a block", u->error);
    }
    return FLOWAN_OK;
}

static bool begin(decode *d)
{
    const fl_layout *l = &d->unpack.layout;
    size_t rows = d->pick.chosen.count;
    d->columns = fl_pool_take_zeroed(d->unpack.integers.pool, l->column_count,
                                     sizeof(fl_column *));
    d->shape_map =
        fl_pool_take(d->unpack.integers.pool, l->shape_count, sizeof *d->shape_map);
    d->spelling_map = fl_pool_take(d->unpack.integers.pool, l->spelling_count + 1,
                                   sizeof *d->spelling_map);
    d->numbers = fl_pool_take(d->unpack.integers.pool, rows, sizeof *d->numbers);
    d->codes = fl_pool_take_zeroed(d->unpack.integers.pool, rows, sizeof *d->codes);
    return d->columns && d->shape_map && d->spelling_map && d->numbers && d->codes &&
           fl_batch_reserve_rows(d->batch, rows);
}

static void finish(decode *d)
{
    const fl_layout *l = &d->unpack.layout;
    for (size_t c = 0; c < l->class_count; c++) {
        targets to = class_rows(d, c);
        for (size_t i = 0; i < to.count; i++)
            d->batch->shape_of_row[ROW(to, i)] = d->shape_map[l->class_shapes[c]];
    }
    /* a stored record has no place in a log any more */
    size_t rows = d->pick.chosen.count;
    if (rows) {
        memset(d->batch->offset_of_row, 0, rows * sizeof *d->batch->offset_of_row);
        memset(d->batch->size_of_row, 0, rows * sizeof *d->batch->size_of_row);
    }
    d->batch->rows = d->batch->settled = rows;
}

/* What was only read to choose rows makes room: the next streams are where it was. */
static flowan_status keep_streams(decode *d)
{
    const fl_layout *l = &d->unpack.layout;
    if (!d->pick.question->filter)
        return FLOWAN_OK;
    fl_pool *pool = d->unpack.integers.pool;
    uint8_t *cells = fl_pool_take_zeroed(pool, l->cell_count, 1);
    if (!cells)
        return FLOWAN_ERROR_MEMORY;
    for (size_t i = 0; i < l->column_count; i++)
        if (d->columns[i])
            memset(cells + l->columns[i].first_cell, 1, l->columns[i].cells);
    bool kept = fl_unpack_keep(&d->unpack, cells);
    fl_pool_give(pool, cells);
    return kept ? FLOWAN_OK : FLOWAN_ERROR_MEMORY;
}

static flowan_status decode_block(decode *d, const char *const *names, size_t count)
{
    flowan_status status = begin(d) ? FLOWAN_OK : FLOWAN_ERROR_MEMORY;
    if (status == FLOWAN_OK)
        status = use_columns(d, names, count);
    if (status == FLOWAN_OK)
        status = intern_spellings(d);
    if (status == FLOWAN_OK)
        status = intern_shapes(d);
    if (status == FLOWAN_OK)
        status = keep_streams(d);
    for (size_t i = 0; status == FLOWAN_OK && i < d->unpack.layout.column_count; i++)
        if (d->columns[i]) {
            status = decode_column(d, i);
            fl_unpack_trim(&d->unpack);
        }
    if (status == FLOWAN_OK && !names)
        status = decode_texts(d);
    if (status == FLOWAN_OK)
        finish(d);
    return status == FLOWAN_ERROR_MEMORY ? fl_status_memory(d->unpack.error) : status;
}

static void decode_free(decode *d)
{
    fl_pool_give(d->unpack.integers.pool, d->columns);
    fl_pool_give(d->unpack.integers.pool, d->shape_map);
    fl_pool_give(d->unpack.integers.pool, d->spelling_map);
    fl_pool_give(d->unpack.integers.pool, d->numbers);
    fl_pool_give(d->unpack.integers.pool, d->codes);
    fl_pick_free(&d->pick);
    fl_unpack_free(&d->unpack);
}

/* Values and texts that stand in order of rows need that order, also those that only the
 * filter will look at. */
static bool needs_order(const fl_layout *l, const char *const *names, size_t count,
                        const flowan_filter *filter)
{
    bool needs = !names && l->texts > 0;
    for (size_t i = 0; i < l->column_count; i++) {
        const fl_layout_column *column = &l->columns[i];
        if (fl_type_is_run(column->type) && column->in_order)
            needs =
                needs || is_wanted(column, names, count) ||
                (filter && is_wanted(column, filter->columns, filter->column_count));
    }
    return needs;
}

/* fl_unpack_free and fl_segment_head_free in any case. */
static flowan_status open_block(const flowan_reader *reader, fl_workspace *space,
                                size_t index, fl_unpack *unpack, fl_segment_head *head,
                                flowan_error *error)
{
    *unpack = (fl_unpack){0};
    *head = (fl_segment_head){0};
    if (index >= reader->block_count)
        return fl_status_fail(error, FLOWAN_ERROR_ARGUMENT, FL_NO_OFFSET,
                              "%s: has no block %zu", reader->path, index);
    uint64_t block = reader->blocks[index].offset;
    flowan_status status = fl_reader_head(reader, &space->head, block, head, error);
    if (status != FLOWAN_OK)
        return status;
    if (head->block_size != reader->blocks[index].size)
        return fl_reader_fail(reader, FLOWAN_ERROR_FORMAT, block,
                              "a block of another size than the footer says", error);
    return fl_unpack_open(unpack, reader, space, head, block, error);
}

flowan_status fl_reader_ask(const flowan_reader *reader, fl_workspace *space,
                            size_t index, const fl_question *question,
                            const char *const *columns, size_t count,
                            flowan_batch *batch, fl_answer *answer, flowan_error *error)
{
    flowan_batch_reset(batch);
    decode d = {.batch = batch};
    fl_segment_head head;
    flowan_status status = open_block(reader, space, index, &d.unpack, &head, error);
    fl_question own = *question;
    if (status == FLOWAN_OK &&
        needs_order(&d.unpack.layout, columns, count, question->filter))
        own.any_order = false;
    if (status == FLOWAN_OK)
        status = fl_pick_rows(&d.pick, &d.unpack, &own);
    if (status == FLOWAN_OK && (d.pick.chosen.count > 0 || head.stats.rows == 0))
        status = decode_block(&d, columns, count);
    if (status != FLOWAN_OK)
        flowan_batch_reset(batch);
    *answer =
        (fl_answer){d.pick.how, d.pick.exact, head.head_size + d.unpack.bytes_read};
    decode_free(&d);
    fl_segment_head_free(&head);
    return status;
}

flowan_status flowan_reader_read(flowan_reader *reader, size_t index,
                                 const char *const *columns, size_t count,
                                 flowan_batch *batch, flowan_error *error)
{
    const fl_question all = {0};
    fl_answer answer;
    return fl_reader_ask(reader, &reader->space, index, &all, columns, count, batch,
                         &answer, error);
}

/* The cell of a column that is told by runs, by its number in per_run, and of all rows;
 * FL_LAYOUT_PER_RUN_MAX where it is not. */
static size_t find_run_cell(const fl_layout *l, flowan_field field)
{
    for (size_t i = 0; i < l->column_count; i++) {
        bool has = fl_reader_field(&l->columns[i]) == (int)field;
        for (size_t c = 0; has && c < l->class_count; c++)
            has = fl_layout_has(l, l->class_shapes[c], i);
        for (size_t k = 0; has && k < l->per_run_count; k++)
            if (l->per_run[k] == l->columns[i].first_cell)
                return k;
    }
    return FL_LAYOUT_PER_RUN_MAX;
}

flowan_status fl_reader_received(const flowan_reader *reader, fl_workspace *space,
                                 size_t index, uint64_t **times, size_t *count,
                                 flowan_error *error)
{
    fl_unpack u;
    fl_segment_head head;
    size_t cell = FL_LAYOUT_PER_RUN_MAX;
    *times = NULL;
    *count = 0;
    flowan_status status = open_block(reader, space, index, &u, &head, error);
    if (status == FLOWAN_OK)
        cell = find_run_cell(&u.layout, FLOWAN_FIELD_TIME_RECEIVED_NS);
    if (cell < FL_LAYOUT_PER_RUN_MAX)
        status = fl_unpack_runs(&u);
    if (status == FLOWAN_OK && cell < FL_LAYOUT_PER_RUN_MAX) {
        *times = fl_memory_alloc(u.layout.run_count, sizeof **times);
        if (!*times)
            status = fl_status_memory(error);
    }
    for (size_t i = 0; *times && i < u.layout.run_count; i++)
        if (u.lengths[i] > 0)
            (*times)[(*count)++] = u.run_numbers[cell][i];
    fl_unpack_free(&u);
    fl_segment_head_free(&head);
    return status;
}
