#include "pack.h"

#include "codec.h"

enum { ZSTD_LEVEL = 3 };

/* --- gathering --- */

/* The rows of a block, and how the batch's shapes and columns are numbered in it. */
typedef struct slice {
    const flowan_batch *batch;
    size_t first;
    size_t end;
    uint32_t *shape_of;  /* batch shape → block shape + 1, or 0 */
    uint32_t *column_of; /* batch column → block column, or UINT32_MAX */
    uint16_t *order;     /* block shape → batch shape */
    size_t shape_count;
    size_t column_count; /* with the shapes' and the texts' own */
} slice;

static bool slice_init(slice *s, const flowan_batch *batch, size_t first, size_t count)
{
    *s = (slice){.batch = batch, .first = first, .end = first + count};
    s->shape_of = fl_memory_zalloc(batch->shapes.count, sizeof *s->shape_of);
    s->order = fl_memory_alloc(batch->shapes.count, sizeof *s->order);
    s->column_of = fl_memory_alloc(batch->column_count, sizeof *s->column_of);
    if (!s->shape_of || !s->order || !s->column_of)
        return false;
    for (size_t row = first; row < s->end; row++) {
        size_t shape = batch->shape_of_row[row];
        if (s->shape_of[shape] == 0) {
            s->order[s->shape_count++] = (uint16_t)shape;
            s->shape_of[shape] = (uint32_t)s->shape_count;
        }
    }
    for (size_t i = 0; i < batch->column_count; i++)
        s->column_of[i] = UINT32_MAX;
    s->column_count = 2;
    for (size_t i = 0; i < s->shape_count; i++) {
        size_t fields;
        const fl_shape_field *shape = fl_batch_shape(batch, s->order[i], &fields);
        for (size_t k = 0; k < fields; k++)
            if (s->column_of[FL_SHAPE_COLUMN(shape[k])] == UINT32_MAX)
                s->column_of[FL_SHAPE_COLUMN(shape[k])] = (uint32_t)s->column_count++;
    }
    return true;
}

static void slice_free(slice *s)
{
    fl_memory_free(s->shape_of);
    fl_memory_free(s->order);
    fl_memory_free(s->column_of);
}

static void put_items(fl_buffer *out, const void *items, size_t count, size_t width)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    fl_buffer_append(out, items, count * width);
#else
    for (size_t i = 0; i < count; i++) {
        const char *item = (const char *)items + i * width;
        if (width == sizeof(uint32_t))
            fl_bytes_put(out, *(const uint32_t *)(const void *)item, width);
        else if (width == sizeof(uint64_t))
            fl_bytes_put(out, *(const uint64_t *)(const void *)item, width);
        else
            fl_buffer_append(out, item, width); /* bytes and addresses have no order */
    }
#endif
}

/* The number that a spelling of the batch has in the block, where it is listed when it
 * comes first. */
static uint16_t number_spelling(fl_pack *pack, const slice *s, uint16_t *number,
                                size_t spelling)
{
    if (spelling && number[spelling] == 0) {
        size_t size;
        const char *key = fl_batch_spelling(s->batch, spelling, &size);
        fl_bytes_put(&pack->spellings, size, 2);
        fl_buffer_append(&pack->spellings, key, size);
        number[spelling] = (uint16_t)++pack->head.spelling_count;
    }
    return number[spelling];
}

static bool put_shapes(fl_pack *pack, const slice *s)
{
    fl_buffer *out = &pack->shapes;
    fl_segment_head *head = &pack->head;
    uint16_t *number = fl_memory_zalloc(s->batch->spellings.count + 1, sizeof *number);
    if (!number)
        return false;
    for (size_t i = 0; i < s->shape_count; i++) {
        size_t fields;
        const fl_shape_field *shape = fl_batch_shape(s->batch, s->order[i], &fields);
        fl_bytes_put(out, fields, 2);
        for (size_t k = 0; k < fields; k++) {
            size_t spelling = FL_SHAPE_SPELLING(shape[k]);
            fl_bytes_put(out, s->column_of[FL_SHAPE_COLUMN(shape[k])], 2);
            fl_bytes_put(out, FL_SHAPE_KIND(shape[k]), 1);
            fl_bytes_put(out, number_spelling(pack, s, number, spelling), 2);
        }
    }
    fl_memory_free(number);
    head->spellings = (const unsigned char *)pack->spellings.data;
    head->spellings_size = pack->spellings.size;
    head->shapes = (const unsigned char *)out->data;
    head->shapes_size = out->size;
    head->shape_count = s->shape_count;
    return !pack->spellings.failed && !out->failed;
}

static void gather_shape_ids(fl_buffer *out, const slice *s)
{
    for (size_t row = s->first; row < s->end; row++)
        fl_bytes_put(out, s->shape_of[s->batch->shape_of_row[row]] - 1, 2);
}

/* Rows of the slice that a column has, up to its own last row. */
static size_t rows_end(const fl_column *column, const slice *s)
{
    return s->end < column->room ? s->end : column->room;
}

static void gather_cells(fl_buffer *out, const fl_column *column, const slice *s,
                         fl_segment_column *entry)
{
    size_t width = fl_type_width(column->type);
    const char *cells = column->cells;
    size_t end = rows_end(column, s);
    size_t run = s->first; /* rows [run, row) are present and not yet copied */
    for (size_t row = s->first; row < end; row++) {
        if (fl_column_present(column, row))
            continue;
        put_items(out, cells + run * width, row - run, width);
        entry->present += (uint32_t)(row - run);
        run = row + 1;
    }
    if (run < end) {
        put_items(out, cells + run * width, end - run, width);
        entry->present += (uint32_t)(end - run);
    }
}

static void gather_runs(fl_buffer *out, const fl_column *column, const slice *s,
                        fl_segment_column *entry)
{
    size_t end = rows_end(column, s);
    for (size_t row = s->first; row < end; row++)
        if (fl_column_present(column, row)) {
            fl_bytes_put(out, column->offset[row + 1] - column->offset[row], 4);
            entry->present++;
        }
    size_t width = fl_type_width(column->type);
    for (size_t row = s->first; row < end; row++)
        if (fl_column_present(column, row)) {
            size_t count = column->offset[row + 1] - column->offset[row];
            put_items(out, (const char *)column->items + column->offset[row] * width,
                      count, width);
            entry->items += (uint32_t)count;
        }
}

static void gather_texts(fl_buffer *out, const fl_column *column, const slice *s,
                         fl_segment_column *entry)
{
    size_t end = rows_end(column, s);
    for (size_t row = s->first; row < end; row++)
        if (fl_column_present(column, row))
            fl_bytes_put(out, row - s->first, 4);
    gather_runs(out, column, s, entry);
}

/* --- packing --- */

/* Packs what was gathered in pack->plain. */
static bool pack_column(fl_pack *pack, fl_codec *codec, int zstd_level,
                        fl_segment_column *entry)
{
    size_t before = pack->stored.size;
    fl_codec_id id;
    if (pack->plain.failed ||
        !fl_codec_pack(codec, &pack->stored, pack->plain.data, pack->plain.size,
                       zstd_level, &id) ||
        pack->stored.failed)
        return false;
    entry->codec = (uint8_t)id;
    entry->plain_size = pack->plain.size;
    entry->stored_size = pack->stored.size - before;
    entry->checksum =
        fl_segment_checksum(pack->stored.data + before, entry->stored_size);
    return true;
}

/* The columns that every block has: the shapes of its rows, and the texts of those that
 * their shape does not give back. */
static bool pack_rows(fl_pack *pack, const slice *s, fl_codec *codec, int zstd_level)
{
    fl_segment_column *entries = pack->head.columns;
    fl_buffer_clear(&pack->plain);
    entries[0].role = FL_ROLE_SHAPES;
    gather_shape_ids(&pack->plain, s);
    if (!pack_column(pack, codec, zstd_level, &entries[0]))
        return false;
    fl_buffer_clear(&pack->plain);
    entries[1].role = FL_ROLE_TEXTS;
    entries[1].type = FLOWAN_TYPE_TEXT;
    if (s->batch->raw) /* NULL: memory was short at the last reset */
        gather_texts(&pack->plain, s->batch->raw, s, &entries[1]);
    return pack_column(pack, codec, zstd_level, &entries[1]);
}

/* Columns are stored in the order of their numbers in the block. */
static bool pack_values(fl_pack *pack, const slice *s, fl_codec *codec, int zstd_level)
{
    const fl_column **order =
        fl_memory_alloc(s->column_count, sizeof(const fl_column *));
    if (!order)
        return false;
    for (size_t i = 0; i < s->batch->column_count; i++)
        if (s->column_of[i] != UINT32_MAX)
            order[s->column_of[i]] = s->batch->columns[i];
    bool packed = true;
    for (size_t i = 2; packed && i < s->column_count; i++) {
        fl_segment_column *entry = &pack->head.columns[i];
        entry->role = FL_ROLE_VALUES;
        entry->type = order[i]->type;
        entry->name = order[i]->name;
        entry->name_size = order[i]->name_size;
        fl_buffer_clear(&pack->plain);
        if (fl_type_is_run(entry->type))
            gather_runs(&pack->plain, order[i], s, entry);
        else
            gather_cells(&pack->plain, order[i], s, entry);
        packed = pack_column(pack, codec, zstd_level, entry);
    }
    fl_memory_free(order);
    return packed;
}

/* A reader refuses a block that decodes to more. */
static bool is_too_large(const fl_segment_head *head, size_t rows)
{
    uint64_t decoded = 0;
    for (size_t i = 0; i < head->column_count; i++)
        decoded += fl_segment_decoded_size(&head->columns[i], rows);
    return decoded > FL_SEGMENT_DECODED_MAX;
}

static flowan_segment_stats slice_stats(const slice *s, const fl_clock *clock)
{
    flowan_segment_stats stats = fl_segment_stats_none();
    for (size_t row = s->first; row < s->end; row++) {
        flowan_segment_stats one = fl_segment_stats_none();
        one.rows = 1;
        one.text_bytes = s->batch->size_of_row[row];
        uint64_t received = fl_clock_received(clock, row);
        if (received)
            one.received_min_ns = one.received_max_ns = received;
        fl_span span = fl_clock_span(clock, row);
        if (span.known) {
            one.span_min_ns = span.start_ns;
            one.span_max_ns = span.end_ns;
        }
        one.rows_without_time = !span.known;
        fl_segment_stats_add(&stats, &one);
    }
    return stats;
}

/* Makes ready for a block of the slice: a directory of empty entries. */
static bool begin(fl_pack *pack, const slice *s)
{
    fl_segment_column *columns = pack->head.columns;
    if (!fl_memory_grow((void **)&columns, &pack->columns_room, s->column_count,
                        sizeof *columns))
        return false;
    memset(columns, 0, s->column_count * sizeof *columns);
    pack->head = (fl_segment_head){.columns = columns, .column_count = s->column_count};
    fl_buffer_clear(&pack->stored);
    fl_buffer_clear(&pack->spellings);
    fl_buffer_clear(&pack->shapes);
    return true;
}

flowan_status fl_pack_rows(fl_pack *pack, const flowan_batch *batch,
                           const fl_clock *clock, size_t first, size_t count,
                           int zstd_level)
{
    int level = zstd_level ? zstd_level : ZSTD_LEVEL;
    slice s;
    /* Anew for each block: what zstd makes of some bytes may depend on what went through
     * the same context before (its row hashes are salted), and a block must not depend
     * on the thread that packs it. */
    fl_codec *codec = fl_codec_new();
    pack->status = FLOWAN_ERROR_MEMORY;
    if (!slice_init(&s, batch, first, count) || !codec || !begin(pack, &s) ||
        !pack_rows(pack, &s, codec, level) || !pack_values(pack, &s, codec, level) ||
        !put_shapes(pack, &s))
        goto out;
    pack->head.stats = slice_stats(&s, clock);
    pack->status = is_too_large(&pack->head, count) ? FLOWAN_ERROR_LIMIT : FLOWAN_OK;
out:
    fl_codec_free(codec);
    slice_free(&s);
    return pack->status;
}

size_t fl_pack_memory(const fl_pack *pack)
{
    return pack->stored.capacity + pack->plain.capacity + pack->spellings.capacity +
           pack->shapes.capacity + pack->columns_room * sizeof *pack->head.columns;
}

void fl_pack_free(fl_pack *pack)
{
    fl_memory_free(pack->head.columns);
    fl_buffer_free(&pack->stored);
    fl_buffer_free(&pack->plain);
    fl_buffer_free(&pack->spellings);
    fl_buffer_free(&pack->shapes);
    *pack = (fl_pack){0};
}
