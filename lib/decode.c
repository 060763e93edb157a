/* A block to a batch: only the columns that are asked for are read, checked and decoded.
 * The head was checked by segment.c; what its columns hold is checked here. */
#include "reader.h"
#include "status.h"

/* The plain bytes of a stored column, in reader->plain. */
static flowan_status unpack(flowan_reader *reader, uint64_t block,
                            const fl_segment_column *column, flowan_error *error)
{
    uint64_t offset = block + column->offset;
    flowan_status status =
        fl_reader_load(reader, &reader->stored, offset, column->stored_size, error);
    if (status != FLOWAN_OK)
        return status;
    if (fl_segment_checksum(reader->stored.data, reader->stored.size) !=
        column->checksum)
        return fl_reader_fail(reader, FLOWAN_ERROR_CHECKSUM, offset,
                              "column of a block", error);
    fl_buffer_clear(&reader->plain);
    if (!fl_buffer_reserve(&reader->plain,
                           column->plain_size ? (size_t)column->plain_size : 1))
        return fl_status_memory(error);
    status = fl_codec_unpack(reader->codec, column->codec, reader->stored.data,
                             reader->stored.size, reader->plain.data,
                             (size_t)column->plain_size);
    if (status != FLOWAN_OK)
        return fl_reader_fail(reader, status, offset, "column of a block", error);
    reader->plain.size = (size_t)column->plain_size;
    return FLOWAN_OK;
}

static void load_items(void *to, const unsigned char *from, size_t count, size_t width)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    if (count)
        memcpy(to, from, count * width);
#else
    for (size_t i = 0; i < count; i++) {
        uint64_t value = width <= 8 ? fl_bytes_load(from + i * width, width) : 0;
        if (width == sizeof(uint32_t))
            ((uint32_t *)to)[i] = (uint32_t)value;
        else if (width == sizeof(uint64_t))
            ((uint64_t *)to)[i] = value;
        else
            memcpy((char *)to + i * width, from + i * width, width);
    }
#endif
}

/* One block on its way into a batch. */
typedef struct decode {
    flowan_reader *reader;
    flowan_batch *batch;
    const fl_segment_head *head;
    uint64_t block;      /* its offset in the file */
    fl_column **columns; /* of the batch, by number in the block; NULL: not wanted */
    uint32_t *first; /* column i is given a value by shapes[first[i] … first[i + 1]) */
    uint16_t *shapes;
    uint8_t *has;           /* for one column: per shape, whether it has a value */
    uint16_t *shape_map;    /* block shape → batch shape */
    uint16_t *spelling_map; /* block spelling → batch spelling; 0 → 0 */
} decode;

static flowan_status intern_spellings(decode *d)
{
    fl_cursor in = {d->head->spellings, d->head->spellings_size, false};
    d->spelling_map[0] = 0;
    for (size_t i = 1; i <= d->head->spelling_count; i++) {
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
    fl_cursor in = {d->head->shapes, d->head->shapes_size, false};
    for (size_t i = 0; i < d->head->shape_count; i++) {
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

static flowan_status decode_shape_ids(decode *d, uint16_t *ids, flowan_error *error)
{
    flowan_status status = unpack(d->reader, d->block, &d->head->columns[0], error);
    if (status != FLOWAN_OK)
        return status;
    const unsigned char *plain = (const unsigned char *)d->reader->plain.data;
    for (size_t row = 0; row < d->head->stats.rows; row++) {
        ids[row] = (uint16_t)fl_bytes_load(plain + row * 2, 2);
        if (ids[row] >= d->head->shape_count)
            return fl_reader_fail(d->reader, FLOWAN_ERROR_FORMAT,
                                  d->block + d->head->columns[0].offset,
                                  "shapes of a block", error);
    }
    return FLOWAN_OK;
}

/* Calls `each` with every field of every shape that has a value. */
static void each_value(const decode *d,
                       void (*each)(const decode *d, size_t shape, size_t column))
{
    fl_cursor in = {d->head->shapes, d->head->shapes_size, false};
    for (size_t i = 0; i < d->head->shape_count; i++) {
        size_t fields = fl_cursor_get(&in, 2);
        for (size_t k = 0; k < fields; k++) {
            size_t column = fl_cursor_get(&in, 2);
            fl_kind kind = (fl_kind)fl_cursor_get(&in, 1);
            fl_cursor_get(&in, 2); /* the spelling */
            if (fl_kind_has_value(kind))
                each(d, i, column);
        }
    }
}

static void count_shape(const decode *d, size_t shape, size_t column)
{
    (void)shape;
    d->first[column + 1]++;
}

static void list_shape(const decode *d, size_t shape, size_t column)
{
    d->shapes[d->first[column]++] = (uint16_t)shape;
}

/* Which shapes give which column a value: one pass over the shapes to count and one to
 * list them, however many columns there are. */
static bool list_shapes(decode *d)
{
    size_t columns = d->head->column_count;
    d->first = fl_memory_zalloc(columns + 1, sizeof *d->first);
    if (!d->first)
        return false;
    each_value(d, count_shape);
    for (size_t i = 0; i < columns; i++)
        d->first[i + 1] += d->first[i];
    d->shapes = fl_memory_alloc(d->first[columns], sizeof *d->shapes);
    if (!d->shapes)
        return false;
    each_value(d, list_shape);
    /* listing moved each beginning to the next one's: back */
    memmove(d->first + 1, d->first, columns * sizeof *d->first);
    d->first[0] = 0;
    return true;
}

static size_t mark_present(decode *d, fl_column *column, size_t number,
                           const uint16_t *ids)
{
    size_t present = 0;
    memset(d->has, 0, d->head->shape_count);
    for (uint32_t i = d->first[number]; i < d->first[number + 1]; i++)
        d->has[d->shapes[i]] = 1;
    for (size_t row = 0; row < d->head->stats.rows; row++)
        if (d->has[ids[row]]) {
            column->present[row / 64] |= (uint64_t)1 << (row % 64);
            present++;
        }
    column->present_count = present;
    return present;
}

static void scatter_cells(fl_column *column, size_t rows, const unsigned char *plain)
{
    size_t width = fl_type_width(column->type);
    char *cells = column->cells;
    if (column->present_count == rows) {
        load_items(cells, plain, rows, width);
        return;
    }
    for (size_t row = 0; row < rows; row++)
        if (fl_column_present(column, row)) {
            load_items(cells + row * width, plain, 1, width);
            plain += width;
        }
}

/* Lengths, then items: false when the lengths do not add up to the items there are. */
static bool scatter_runs(fl_column *column, size_t rows, const unsigned char *plain,
                         size_t items)
{
    uint64_t end = 0;
    const unsigned char *length = plain;
    for (size_t row = 0; row < rows; row++) {
        column->offset[row] = (uint32_t)end;
        if (fl_column_present(column, row)) {
            end += fl_bytes_load(length, 4);
            length += 4;
            if (end > items)
                return false;
        }
    }
    column->offset[rows] = (uint32_t)end;
    if (end != items)
        return false;
    load_items(column->items, length, items, fl_type_width(column->type));
    column->filled = rows;
    column->items_count = items;
    return true;
}

static flowan_status decode_column(decode *d, size_t number, const uint16_t *ids,
                                   flowan_error *error)
{
    const fl_segment_column *entry = &d->head->columns[number];
    fl_column *column = d->columns[number];
    size_t rows = d->head->stats.rows;
    flowan_status status = unpack(d->reader, d->block, entry, error);
    if (status != FLOWAN_OK)
        return status;
    if (!fl_column_reserve(d->batch, column, rows ? rows : 1) ||
        (fl_type_is_run(column->type) &&
         !fl_column_reserve_items(d->batch, column, entry->items)))
        return fl_status_memory(error);
    const unsigned char *plain = (const unsigned char *)d->reader->plain.data;
    bool sound = mark_present(d, column, number, ids) == entry->present;
    if (sound && fl_type_is_run(column->type))
        sound = scatter_runs(column, rows, plain, entry->items);
    else if (sound)
        scatter_cells(column, rows, plain);
    if (!sound)
        return fl_reader_fail(d->reader, FLOWAN_ERROR_FORMAT, d->block + entry->offset,
                              "column of a block", error);
    return FLOWAN_OK;
}

static flowan_status decode_texts(decode *d, flowan_error *error)
{
    const fl_segment_column *entry = &d->head->columns[1];
    size_t rows = d->head->stats.rows;
    fl_column *raw = d->batch->raw;
    flowan_status status = unpack(d->reader, d->block, entry, error);
    if (status != FLOWAN_OK || entry->plain_size == 0)
        return status;
    if (!raw || !fl_column_reserve(d->batch, raw, rows) ||
        !fl_column_reserve_items(d->batch, raw, entry->items))
        return fl_status_memory(error);
    const unsigned char *plain = (const unsigned char *)d->reader->plain.data;
    uint64_t next = 0; /* row numbers ascend */
    for (size_t i = 0; i < entry->present; i++) {
        uint64_t row = fl_bytes_load(plain + i * 4, 4);
        if (row < next || row >= rows)
            return fl_reader_fail(d->reader, FLOWAN_ERROR_FORMAT,
                                  d->block + entry->offset, "texts of a block", error);
        raw->present[row / 64] |= (uint64_t)1 << (row % 64);
        next = row + 1;
    }
    raw->present_count = entry->present;
    if (!scatter_runs(raw, rows, plain + (size_t)entry->present * 4, entry->items))
        return fl_reader_fail(d->reader, FLOWAN_ERROR_FORMAT, d->block + entry->offset,
                              "texts of a block", error);
    return FLOWAN_OK;
}

static bool is_wanted(const fl_segment_column *column, const char *const *names,
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

static flowan_status use_columns(decode *d, const char *const *names, size_t count,
                                 flowan_error *error)
{
    for (size_t i = 1; i < d->head->column_count; i++) {
        const fl_segment_column *entry = &d->head->columns[i];
        if (entry->role != FL_ROLE_VALUES || !is_wanted(entry, names, count))
            continue;
        size_t before = d->batch->column_count;
        d->columns[i] = fl_batch_use_column(d->batch, entry->name, entry->name_size,
                                            fl_reader_field(entry), entry->type);
        if (!d->columns[i])
            return fl_status_memory(error);
        if (d->batch->column_count == before)
            return fl_reader_fail(d->reader, FLOWAN_ERROR_FORMAT, d->block,
                                  "a column that stands twice in a block", error);
    }
    return FLOWAN_OK;
}

static flowan_status decode_block(decode *d, const char *const *names, size_t count,
                                  flowan_error *error)
{
    size_t rows = d->head->stats.rows;
    uint16_t *ids = fl_memory_alloc(rows, sizeof *ids);
    flowan_status status = FLOWAN_ERROR_MEMORY;
    d->columns = fl_memory_zalloc(d->head->column_count, sizeof(fl_column *));
    d->has = fl_memory_alloc(d->head->shape_count, 1);
    d->shape_map = fl_memory_alloc(d->head->shape_count, sizeof *d->shape_map);
    d->spelling_map =
        fl_memory_alloc(d->head->spelling_count + 1, sizeof *d->spelling_map);
    if (!ids || !d->columns || !d->has || !d->shape_map || !d->spelling_map ||
        !list_shapes(d) || !fl_batch_reserve_rows(d->batch, rows))
        goto out;
    status = use_columns(d, names, count, error);
    if (status == FLOWAN_OK)
        status = intern_spellings(d);
    if (status == FLOWAN_OK)
        status = intern_shapes(d);
    if (status == FLOWAN_OK)
        status = decode_shape_ids(d, ids, error);
    for (size_t i = 1; status == FLOWAN_OK && i < d->head->column_count; i++)
        if (d->columns[i])
            status = decode_column(d, i, ids, error);
    if (status == FLOWAN_OK && !names)
        status = decode_texts(d, error);
    if (status != FLOWAN_OK)
        goto out;
    for (size_t row = 0; row < rows; row++) {
        d->batch->shape_of_row[row] = d->shape_map[ids[row]];
        /* a stored record has no place in a log any more */
        d->batch->offset_of_row[row] = 0;
        d->batch->size_of_row[row] = 0;
    }
    d->batch->rows = d->batch->settled = rows;
out:
    fl_memory_free(ids);
    fl_memory_free(d->columns);
    fl_memory_free(d->first);
    fl_memory_free(d->shapes);
    fl_memory_free(d->has);
    fl_memory_free(d->shape_map);
    fl_memory_free(d->spelling_map);
    return status == FLOWAN_ERROR_MEMORY ? fl_status_memory(error) : status;
}

flowan_status flowan_reader_read(flowan_reader *reader, size_t index,
                                 const char *const *columns, size_t count,
                                 flowan_batch *batch, flowan_error *error)
{
    flowan_batch_reset(batch);
    if (index >= reader->block_count)
        return fl_status_fail(error, FLOWAN_ERROR_ARGUMENT, FL_NO_OFFSET,
                              "%s: has no block %zu", reader->path, index);
    uint64_t block = reader->blocks[index].offset;
    fl_segment_head head;
    flowan_status status = fl_reader_head(reader, block, &head, error);
    if (status != FLOWAN_OK)
        return status;
    decode d = {.reader = reader, .batch = batch, .head = &head, .block = block};
    if (head.block_size == reader->blocks[index].size)
        status = decode_block(&d, columns, count, error);
    else
        status = fl_reader_fail(reader, FLOWAN_ERROR_FORMAT, block,
                                "a block of another size than the footer says", error);
    if (status != FLOWAN_OK)
        flowan_batch_reset(batch);
    fl_segment_head_free(&head);
    return status;
}
