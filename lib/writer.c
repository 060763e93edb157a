/* Batches to the blocks of a segment: gathers the rows of a block, column by column,
 * packs them, and appends head and columns to the file. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "clock.h"
#include "codec.h"
#include "file.h"
#include "segment.h"
#include "status.h"

enum { ZSTD_LEVEL = 3 };

struct flowan_writer {
    int fd;
    char *path;
    int zstd_level;
    uint64_t size; /* of the file: header and whole blocks */
    bool finished; /* or broken: no block can follow */
    fl_codec *codec;
    fl_segment_block *blocks;
    size_t block_count;
    size_t blocks_room;
    flowan_segment_stats stats;
    fl_buffer head;   /* the block that is being written */
    fl_buffer stored; /* its columns, packed */
    fl_buffer plain;  /* one column */
    fl_buffer spellings;
    fl_buffer shapes;
    fl_segment_column *columns;
    size_t columns_room;
};

static flowan_status fail_errno(const flowan_writer *writer, int number,
                                flowan_error *error)
{
    return fl_status_errno(error, number, "write", writer->path);
}

static flowan_writer *writer_new(const char *path, int zstd_level)
{
    flowan_writer *writer = fl_memory_zalloc(1, sizeof *writer);
    if (!writer)
        return NULL;
    writer->fd = -1;
    writer->zstd_level = zstd_level ? zstd_level : ZSTD_LEVEL;
    writer->stats = fl_segment_stats_none();
    writer->path = fl_memory_alloc(strlen(path) + 1, 1);
    writer->codec = fl_codec_new();
    if (!writer->path || !writer->codec) {
        flowan_writer_free(writer);
        return NULL;
    }
    memcpy(writer->path, path, strlen(path) + 1);
    return writer;
}

flowan_status flowan_writer_open(flowan_writer **out, const char *path,
                                 const flowan_writer_options *options,
                                 flowan_error *error)
{
    *out = NULL;
    if (!fl_status_options_fit(options, sizeof *options))
        return fl_status_fail(error, FLOWAN_ERROR_ARGUMENT, FL_NO_OFFSET,
                              "writer options: unknown members");
    fl_segment_header header = {0};
    if (options) {
        header.serial = options->serial;
        header.interval_start_ns = options->interval_start_ns;
        header.interval_ns = options->interval_ns;
    }
    unsigned char bytes[FL_SEGMENT_HEADER_SIZE];
    fl_segment_put_header(bytes, &header);
    flowan_writer *writer = writer_new(path, options ? options->zstd_level : 0);
    if (!writer)
        return fl_status_memory(error);
    writer->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    int number =
        writer->fd < 0 ? errno : fl_file_write(writer->fd, bytes, sizeof bytes);
    if (number != 0) {
        flowan_status status = fail_errno(writer, number, error);
        if (number == EEXIST)
            status = fl_status_fail(error, FLOWAN_ERROR_EXISTS, FL_NO_OFFSET,
                                    "cannot create %s: it is already there", path);
        else if (writer->fd >= 0)
            unlink(path);
        flowan_writer_free(writer);
        return status;
    }
    writer->size = sizeof bytes;
    *out = writer;
    return FLOWAN_OK;
}

flowan_status fl_writer_resume(flowan_writer **out, const char *path,
                               const fl_segment_block *blocks, size_t count,
                               uint64_t end, flowan_error *error)
{
    *out = NULL;
    flowan_writer *writer = writer_new(path, 0);
    if (!writer || !fl_memory_grow((void **)&writer->blocks, &writer->blocks_room,
                                   count + 1, sizeof *writer->blocks)) {
        flowan_writer_free(writer);
        return fl_status_memory(error);
    }
    for (size_t i = 0; i < count; i++) {
        writer->blocks[i] = blocks[i];
        fl_segment_stats_add(&writer->stats, &blocks[i].stats);
    }
    writer->block_count = count;
    writer->size = end;
    writer->fd = open(path, O_WRONLY | O_CLOEXEC);
    if (writer->fd < 0 || ftruncate(writer->fd, (off_t)end) != 0 ||
        lseek(writer->fd, (off_t)end, SEEK_SET) < 0) {
        flowan_status status = fail_errno(writer, errno, error);
        flowan_writer_free(writer);
        return status;
    }
    *out = writer;
    return FLOWAN_OK;
}

void flowan_writer_free(flowan_writer *writer)
{
    if (!writer)
        return;
    if (writer->fd >= 0)
        close(writer->fd);
    fl_memory_free(writer->path);
    fl_codec_free(writer->codec);
    fl_memory_free(writer->blocks);
    fl_buffer_free(&writer->head);
    fl_buffer_free(&writer->stored);
    fl_buffer_free(&writer->plain);
    fl_buffer_free(&writer->spellings);
    fl_buffer_free(&writer->shapes);
    fl_memory_free(writer->columns);
    fl_memory_free(writer);
}

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
static uint16_t number_spelling(flowan_writer *writer, const slice *s, uint16_t *number,
                                size_t spelling, fl_segment_head *head)
{
    if (spelling && number[spelling] == 0) {
        size_t size;
        const char *key = fl_batch_spelling(s->batch, spelling, &size);
        fl_bytes_put(&writer->spellings, size, 2);
        fl_buffer_append(&writer->spellings, key, size);
        number[spelling] = (uint16_t)++head->spelling_count;
    }
    return number[spelling];
}

static bool put_shapes(flowan_writer *writer, const slice *s, fl_segment_head *head)
{
    fl_buffer *out = &writer->shapes;
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
            fl_bytes_put(out, number_spelling(writer, s, number, spelling, head), 2);
        }
    }
    fl_memory_free(number);
    head->spellings = (const unsigned char *)writer->spellings.data;
    head->spellings_size = writer->spellings.size;
    head->shapes = (const unsigned char *)out->data;
    head->shapes_size = out->size;
    head->shape_count = s->shape_count;
    return !writer->spellings.failed && !out->failed;
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

/* --- blocks --- */

/* Packs what was gathered in writer->plain. */
static bool pack_column(flowan_writer *writer, fl_segment_column *entry)
{
    size_t before = writer->stored.size;
    fl_codec_id id;
    if (writer->plain.failed ||
        !fl_codec_pack(writer->codec, &writer->stored, writer->plain.data,
                       writer->plain.size, writer->zstd_level, &id) ||
        writer->stored.failed)
        return false;
    entry->codec = (uint8_t)id;
    entry->plain_size = writer->plain.size;
    entry->stored_size = writer->stored.size - before;
    entry->checksum =
        fl_segment_checksum(writer->stored.data + before, entry->stored_size);
    return true;
}

static bool pack_slice(flowan_writer *writer, const slice *s)
{
    if (!fl_memory_grow((void **)&writer->columns, &writer->columns_room,
                        s->column_count, sizeof *writer->columns))
        return false;
    memset(writer->columns, 0, s->column_count * sizeof *writer->columns);
    fl_buffer_clear(&writer->stored);
    fl_buffer_clear(&writer->plain);
    writer->columns[0].role = FL_ROLE_SHAPES;
    gather_shape_ids(&writer->plain, s);
    if (!pack_column(writer, &writer->columns[0]))
        return false;
    fl_buffer_clear(&writer->plain);
    writer->columns[1].role = FL_ROLE_TEXTS;
    writer->columns[1].type = FLOWAN_TYPE_TEXT;
    if (s->batch->raw) /* NULL: memory was short at the last reset */
        gather_texts(&writer->plain, s->batch->raw, s, &writer->columns[1]);
    if (!pack_column(writer, &writer->columns[1]))
        return false;
    /* Columns are stored in the order of their numbers in the block. */
    const fl_column **order =
        fl_memory_alloc(s->column_count, sizeof(const fl_column *));
    if (!order)
        return false;
    for (size_t i = 0; i < s->batch->column_count; i++)
        if (s->column_of[i] != UINT32_MAX)
            order[s->column_of[i]] = s->batch->columns[i];
    bool packed = true;
    for (size_t i = 2; packed && i < s->column_count; i++) {
        fl_segment_column *entry = &writer->columns[i];
        entry->role = FL_ROLE_VALUES;
        entry->type = order[i]->type;
        entry->name = order[i]->name;
        entry->name_size = order[i]->name_size;
        fl_buffer_clear(&writer->plain);
        if (fl_type_is_run(entry->type))
            gather_runs(&writer->plain, order[i], s, entry);
        else
            gather_cells(&writer->plain, order[i], s, entry);
        packed = pack_column(writer, entry);
    }
    fl_memory_free(order);
    return packed;
}

/* A reader refuses a block that decodes to more. */
static bool is_too_large(const flowan_writer *writer, const slice *s)
{
    uint64_t decoded = 0;
    for (size_t i = 0; i < s->column_count; i++)
        decoded += fl_segment_decoded_size(&writer->columns[i], s->end - s->first);
    return decoded > FL_SEGMENT_DECODED_MAX;
}

static flowan_segment_stats slice_stats(const slice *s)
{
    flowan_segment_stats stats = fl_segment_stats_none();
    fl_clock clock;
    fl_clock_init(&clock, s->batch);
    for (size_t row = s->first; row < s->end; row++) {
        flowan_segment_stats one = fl_segment_stats_none();
        one.rows = 1;
        one.text_bytes = s->batch->size_of_row[row];
        uint64_t received = fl_clock_received(&clock, row);
        if (received)
            one.received_min_ns = one.received_max_ns = received;
        fl_span span = fl_clock_span(&clock, row);
        if (span.known) {
            one.span_min_ns = span.start_ns;
            one.span_max_ns = span.end_ns;
        }
        one.rows_without_time = !span.known;
        fl_segment_stats_add(&stats, &one);
    }
    return stats;
}

/* Cuts the file back to its last whole block after a failure. */
static void cut_back(flowan_writer *writer)
{
    if (ftruncate(writer->fd, (off_t)writer->size) != 0 ||
        lseek(writer->fd, (off_t)writer->size, SEEK_SET) < 0)
        writer->finished = true;
}

/* Appends head and columns, or leaves the file as it was. */
static flowan_status append_block(flowan_writer *writer, flowan_error *error)
{
    int number = fl_file_write(writer->fd, writer->head.data, writer->head.size);
    if (number == 0)
        number = fl_file_write(writer->fd, writer->stored.data, writer->stored.size);
    if (number == 0)
        return FLOWAN_OK;
    cut_back(writer);
    return fail_errno(writer, number, error);
}

flowan_status flowan_writer_write(flowan_writer *writer, const flowan_batch *batch,
                                  size_t first, size_t count,
                                  const flowan_log_state *log, flowan_error *error)
{
    if (writer->finished || first > batch->rows || count > batch->rows - first)
        return fl_status_fail(error, FLOWAN_ERROR_ARGUMENT, FL_NO_OFFSET,
                              writer->finished
                                  ? "segment %s takes no more blocks"
                                  : "rows asked of a batch that does not have them, "
                                    "for segment %s",
                              writer->path);
    if (count == 0 && !log)
        return FLOWAN_OK;
    slice s;
    fl_segment_head head = {0};
    flowan_status status = FLOWAN_ERROR_MEMORY;
    fl_buffer_clear(&writer->head);
    fl_buffer_clear(&writer->spellings);
    fl_buffer_clear(&writer->shapes);
    if (!slice_init(&s, batch, first, count) || !pack_slice(writer, &s))
        goto out;
    if (is_too_large(writer, &s)) {
        status = fl_status_fail(error, FLOWAN_ERROR_LIMIT, FL_NO_OFFSET,
                                "%zu rows are too large for one block of %s", count,
                                writer->path);
        goto out;
    }
    if (!put_shapes(writer, &s, &head))
        goto out;
    head.stats = slice_stats(&s);
    head.columns = writer->columns;
    head.column_count = s.column_count;
    if (log)
        head.log = *log;
    fl_segment_put_head(&writer->head, &head);
    if (writer->head.failed ||
        !fl_memory_grow((void **)&writer->blocks, &writer->blocks_room,
                        writer->block_count + 1, sizeof *writer->blocks))
        goto out;
    status = append_block(writer, error);
    if (status == FLOWAN_OK) {
        uint64_t size = writer->head.size + writer->stored.size;
        writer->blocks[writer->block_count++] =
            (fl_segment_block){writer->size, size, head.stats};
        writer->size += size;
        fl_segment_stats_add(&writer->stats, &head.stats);
    }
out:
    slice_free(&s);
    return status == FLOWAN_ERROR_MEMORY ? fl_status_memory(error) : status;
}

flowan_segment_stats flowan_writer_stats(const flowan_writer *writer)
{
    return writer->stats;
}

flowan_status flowan_writer_finish(flowan_writer *writer, const flowan_log_state *logs,
                                   size_t count, flowan_error *error)
{
    if (writer->finished)
        return fl_status_fail(error, FLOWAN_ERROR_ARGUMENT, FL_NO_OFFSET,
                              "segment %s takes no footer: it is finished, or a failed "
                              "write could not be taken back",
                              writer->path);
    fl_buffer_clear(&writer->head);
    fl_buffer_clear(&writer->stored);
    fl_segment_put_footer(&writer->head, writer->size, writer->blocks,
                          writer->block_count, logs, count);
    if (writer->head.failed)
        return fl_status_memory(error);
    flowan_status status = append_block(writer, error);
    if (status != FLOWAN_OK)
        return status;
    if (fsync(writer->fd) != 0) {
        int number = errno;
        cut_back(writer); /* a block behind a footer would not be found */
        return fail_errno(writer, number, error);
    }
    writer->finished = true;
    return FLOWAN_OK;
}
