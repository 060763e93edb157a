#include "segment.h"

#include <xxhash.h>

#include "codec.h"

static const char segment_magic[8] = "\x89"
                                     "FLOWAN\n";
static const char block_magic[8] = "FLBLOCK\n";
static const char footer_magic[8] = "FLINDEX\n";
static const char trailer_magic[8] = "FLOWEND\n";

enum { PATH_MAX_SIZE = 65535, STATS_SIZE = 7 * 8 };

uint64_t fl_segment_checksum(const void *data, size_t size)
{
    return XXH3_64bits(data, size);
}

/* A column has a cell or an offset for each row, also where the row has no value. */
uint64_t fl_segment_decoded_size(const fl_segment_column *column, uint64_t rows)
{
    if (column->role == FL_ROLE_SHAPES)
        return rows * 2;
    uint64_t width = fl_type_width(column->type);
    if (column->role == FL_ROLE_VALUES && !fl_type_is_run(column->type))
        return rows * width;
    return rows * 4 + column->items * width;
}

/* --- statistics --- */

flowan_segment_stats fl_segment_stats_none(void)
{
    return (flowan_segment_stats){.received_min_ns = UINT64_MAX,
                                  .span_min_ns = UINT64_MAX};
}

static uint64_t lesser(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t greater(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

void fl_segment_stats_add(flowan_segment_stats *to, const flowan_segment_stats *more)
{
    to->rows += more->rows;
    to->text_bytes += more->text_bytes;
    to->received_min_ns = lesser(to->received_min_ns, more->received_min_ns);
    to->received_max_ns = greater(to->received_max_ns, more->received_max_ns);
    to->span_min_ns = lesser(to->span_min_ns, more->span_min_ns);
    to->span_max_ns = greater(to->span_max_ns, more->span_max_ns);
    to->rows_without_time += more->rows_without_time;
}

static void put_stats(fl_buffer *out, const flowan_segment_stats *stats)
{
    fl_bytes_put(out, stats->rows, 8);
    fl_bytes_put(out, stats->text_bytes, 8);
    fl_bytes_put(out, stats->received_min_ns, 8);
    fl_bytes_put(out, stats->received_max_ns, 8);
    fl_bytes_put(out, stats->span_min_ns, 8);
    fl_bytes_put(out, stats->span_max_ns, 8);
    fl_bytes_put(out, stats->rows_without_time, 8);
}

static flowan_segment_stats get_stats(fl_cursor *in)
{
    flowan_segment_stats stats;
    stats.rows = fl_cursor_get(in, 8);
    stats.text_bytes = fl_cursor_get(in, 8);
    stats.received_min_ns = fl_cursor_get(in, 8);
    stats.received_max_ns = fl_cursor_get(in, 8);
    stats.span_min_ns = fl_cursor_get(in, 8);
    stats.span_max_ns = fl_cursor_get(in, 8);
    stats.rows_without_time = fl_cursor_get(in, 8);
    return stats;
}

/* --- checksums behind a run of bytes --- */

static void put_checksum(fl_buffer *out, size_t from)
{
    if (!out->failed)
        fl_bytes_put(out, fl_segment_checksum(out->data + from, out->size - from), 8);
}

/* Whether the last eight bytes are the checksum of those before. */
static bool checksum_holds(const unsigned char *in, size_t size)
{
    size_t covered = size - FL_SEGMENT_CHECKSUM_SIZE;
    return fl_bytes_load(in + covered, 8) == fl_segment_checksum(in, covered);
}

/* --- header --- */

void fl_segment_put_header(unsigned char out[FL_SEGMENT_HEADER_SIZE],
                           const fl_segment_header *header)
{
    memset(out, 0, FL_SEGMENT_HEADER_SIZE);
    memcpy(out, segment_magic, 8);
    fl_bytes_store(out + 8, FL_SEGMENT_VERSION, 4);
    fl_bytes_store(out + 12, FL_SEGMENT_HEADER_SIZE, 4);
    fl_bytes_store(out + 16, header->serial, 8);
    fl_bytes_store(out + 24, header->interval_start_ns, 8);
    fl_bytes_store(out + 32, header->interval_ns, 8);
    fl_bytes_store(out + 56, fl_segment_checksum(out, 56), 8);
}

flowan_status fl_segment_get_header(const unsigned char in[FL_SEGMENT_HEADER_SIZE],
                                    fl_segment_header *out)
{
    if (!fl_segment_is(in, FL_SEGMENT_HEADER_SIZE))
        return FLOWAN_ERROR_FORMAT;
    out->version = (uint32_t)fl_bytes_load(in + 8, 4);
    if (!checksum_holds(in, FL_SEGMENT_HEADER_SIZE))
        return FLOWAN_ERROR_CHECKSUM;
    if (out->version > FL_SEGMENT_VERSION)
        return FLOWAN_ERROR_VERSION;
    out->serial = fl_bytes_load(in + 16, 8);
    out->interval_start_ns = fl_bytes_load(in + 24, 8);
    out->interval_ns = fl_bytes_load(in + 32, 8);
    return FLOWAN_OK;
}

bool fl_segment_is(const void *data, size_t size)
{
    return size >= sizeof segment_magic &&
           memcmp(data, segment_magic, sizeof segment_magic) == 0;
}

/* --- log states --- */

static void put_log(fl_buffer *out, const flowan_log_state *log)
{
    size_t size = log->path ? strlen(log->path) : 0;
    size = size > PATH_MAX_SIZE ? PATH_MAX_SIZE : size;
    /* with its NUL, so that a reader can lend it */
    fl_bytes_put(out, log->path ? size + 1 : 0, 4);
    fl_buffer_append(out, log->path, size);
    if (!log->path)
        return;
    fl_buffer_byte(out, 0);
    fl_bytes_put(out, log->device, 8);
    fl_bytes_put(out, log->inode, 8);
    fl_bytes_put(out, log->head_hash, 8);
    fl_bytes_put(out, log->head_size, 4);
    fl_bytes_put(out, log->position.offset, 8);
    fl_bytes_put(out, log->position.content_hash, 8);
    fl_bytes_put(out, log->rows_after, 4);
}

static flowan_log_state get_log(fl_cursor *in)
{
    flowan_log_state log = {0};
    size_t size = fl_cursor_get(in, 4);
    if (size == 0)
        return log;
    const char *path = fl_cursor_take(in, size);
    if (!path || path[size - 1] != 0 || memchr(path, 0, size - 1)) {
        in->failed = true;
        return log;
    }
    log.path = path;
    log.device = fl_cursor_get(in, 8);
    log.inode = fl_cursor_get(in, 8);
    log.head_hash = fl_cursor_get(in, 8);
    log.head_size = (uint32_t)fl_cursor_get(in, 4);
    log.position.offset = fl_cursor_get(in, 8);
    log.position.content_hash = fl_cursor_get(in, 8);
    log.rows_after = (uint32_t)fl_cursor_get(in, 4);
    return log;
}

/* --- block heads --- */

static void put_column(fl_buffer *out, const fl_segment_column *column)
{
    fl_bytes_put(out, column->role, 1);
    fl_bytes_put(out, (uint64_t)column->type, 1);
    fl_bytes_put(out, column->codec, 1);
    fl_bytes_put(out, column->name_size, 2);
    fl_buffer_append(out, column->name, column->name_size);
    fl_bytes_put(out, column->present, 4);
    fl_bytes_put(out, column->items, 4);
    fl_bytes_put(out, column->plain_size, 8);
    fl_bytes_put(out, column->stored_size, 8);
    fl_bytes_put(out, column->checksum, 8);
}

void fl_segment_put_head(fl_buffer *out, const fl_segment_head *head)
{
    size_t from = out->size;
    uint64_t stored = 0;
    fl_buffer_append(out, block_magic, 8);
    fl_bytes_put(out, 0, 4); /* head size, below */
    fl_bytes_put(out, 0, 4); /* reserved */
    fl_bytes_put(out, 0, 8); /* block size, below */
    put_stats(out, &head->stats);
    fl_bytes_put(out, head->column_count, 4);
    fl_bytes_put(out, head->shape_count, 4);
    fl_bytes_put(out, head->shapes_size, 4);
    fl_bytes_put(out, head->spelling_count, 4);
    for (size_t i = 0; i < head->column_count; i++) {
        put_column(out, &head->columns[i]);
        stored += head->columns[i].stored_size;
    }
    fl_buffer_append(out, head->spellings, head->spellings_size);
    fl_buffer_append(out, head->shapes, head->shapes_size);
    put_log(out, &head->log);
    if (out->failed)
        return;
    size_t size = out->size - from + FL_SEGMENT_CHECKSUM_SIZE;
    fl_bytes_store((unsigned char *)out->data + from + 8, size, 4);
    fl_bytes_store((unsigned char *)out->data + from + 16, size + stored, 8);
    put_checksum(out, from);
}

bool fl_segment_peek_head(const unsigned char in[FL_SEGMENT_BLOCK_FIXED_SIZE],
                          uint32_t *head_size, uint64_t *block_size)
{
    *head_size = (uint32_t)fl_bytes_load(in + 8, 4);
    *block_size = fl_bytes_load(in + 16, 8);
    return memcmp(in, block_magic, 8) == 0 &&
           *head_size >= FL_SEGMENT_BLOCK_FIXED_SIZE + FL_SEGMENT_CHECKSUM_SIZE &&
           *head_size <= FL_SEGMENT_HEAD_MAX && *block_size >= *head_size &&
           *block_size <= INT64_MAX;
}

/* The shapes' column, the texts', then those of values. */
static fl_role role_at(size_t index)
{
    return index == 0 ? FL_ROLE_SHAPES : index == 1 ? FL_ROLE_TEXTS : FL_ROLE_VALUES;
}

/* The type and sizes of a stored column must agree with each other before any memory is
 * taken for it. */
static bool column_is_sound(const fl_segment_column *column, uint64_t rows)
{
    if (!fl_codec_fits(column->codec, column->stored_size, column->plain_size))
        return false;
    if (column->role == FL_ROLE_SHAPES)
        return column->type == 0 && column->present == 0 && column->items == 0 &&
               column->plain_size == rows * 2;
    if (column->present > rows)
        return false;
    if (column->role == FL_ROLE_TEXTS) /* row numbers, lengths, bytes */
        return column->type == FLOWAN_TYPE_TEXT &&
               column->plain_size == (uint64_t)column->present * 8 + column->items;
    size_t width = fl_type_width(column->type);
    if (width == 0)
        return false;
    if (fl_type_is_run(column->type))
        return column->plain_size ==
               (uint64_t)column->present * 4 + (uint64_t)column->items * width;
    return column->items == 0 &&
           column->plain_size == (uint64_t)column->present * width;
}

static bool get_columns(fl_cursor *in, fl_segment_head *out)
{
    uint64_t offset = out->head_size;
    uint64_t decoded = 0;
    for (size_t i = 0; i < out->column_count; i++) {
        fl_segment_column *column = &out->columns[i];
        column->role = (fl_role)fl_cursor_get(in, 1);
        column->type = (flowan_type)fl_cursor_get(in, 1);
        column->codec = (uint8_t)fl_cursor_get(in, 1);
        column->name_size = fl_cursor_get(in, 2);
        column->name = fl_cursor_take(in, column->name_size);
        column->present = (uint32_t)fl_cursor_get(in, 4);
        column->items = (uint32_t)fl_cursor_get(in, 4);
        column->plain_size = fl_cursor_get(in, 8);
        column->stored_size = fl_cursor_get(in, 8);
        column->checksum = fl_cursor_get(in, 8);
        column->offset = offset;
        if (in->failed || column->stored_size > out->block_size - offset ||
            column->role != role_at(i) || !column_is_sound(column, out->stats.rows))
            return false;
        offset += column->stored_size;
        decoded += fl_segment_decoded_size(column, out->stats.rows);
        if (decoded > FL_SEGMENT_DECODED_MAX)
            return false;
    }
    return offset == out->block_size;
}

/* Keys that no log can have been read with are refused: of no bytes, or with a NUL. */
static bool get_spellings(fl_cursor *in, fl_segment_head *out)
{
    out->spellings = in->at;
    for (size_t i = 0; i < out->spelling_count; i++) {
        size_t size = fl_cursor_get(in, 2);
        const char *key = fl_cursor_take(in, size);
        if (!key || size == 0 || memchr(key, 0, size))
            return false;
    }
    out->spellings_size = (size_t)(in->at - out->spellings);
    return true;
}

/* Each field of each shape must name a column of values that its kind fits, and none or
 * one of the spellings. */
static bool shapes_are_sound(const fl_segment_head *head)
{
    fl_cursor in = {head->shapes, head->shapes_size, false};
    for (size_t i = 0; i < head->shape_count; i++) {
        size_t fields = fl_cursor_get(&in, 2);
        if (fields > FL_RECORD_FIELDS_MAX)
            return false;
        for (size_t k = 0; k < fields; k++) {
            size_t column = fl_cursor_get(&in, 2);
            fl_kind kind = (fl_kind)fl_cursor_get(&in, 1);
            size_t spelling = fl_cursor_get(&in, 2);
            if (in.failed || column >= head->column_count ||
                spelling > head->spelling_count ||
                head->columns[column].role != FL_ROLE_VALUES ||
                !fl_value_fits(head->columns[column].type, kind))
                return false;
        }
    }
    return !in.failed && in.left == 0;
}

flowan_status fl_segment_get_head(const unsigned char *in, size_t size,
                                  fl_segment_head *out)
{
    *out = (fl_segment_head){0};
    if (size < FL_SEGMENT_BLOCK_FIXED_SIZE + FL_SEGMENT_CHECKSUM_SIZE ||
        !fl_segment_peek_head(in, &out->head_size, &out->block_size) ||
        out->head_size != size)
        return FLOWAN_ERROR_FORMAT;
    if (!checksum_holds(in, size))
        return FLOWAN_ERROR_CHECKSUM;
    fl_cursor cursor = {in + 24, size - 24 - FL_SEGMENT_CHECKSUM_SIZE, false};
    out->stats = get_stats(&cursor);
    out->column_count = fl_cursor_get(&cursor, 4);
    out->shape_count = fl_cursor_get(&cursor, 4);
    out->shapes_size = fl_cursor_get(&cursor, 4);
    out->spelling_count = fl_cursor_get(&cursor, 4);
    if (out->stats.rows > FL_BATCH_ROWS_MAX || out->column_count < 2 ||
        out->column_count > FL_SEGMENT_COLUMNS_MAX + 2 ||
        out->shape_count > FL_BATCH_SHAPES_MAX ||
        out->spelling_count > FL_BATCH_SPELLINGS_MAX)
        return FLOWAN_ERROR_FORMAT;
    out->columns = fl_memory_zalloc(out->column_count, sizeof *out->columns);
    if (!out->columns)
        return FLOWAN_ERROR_MEMORY;
    if (get_columns(&cursor, out) && get_spellings(&cursor, out)) {
        out->shapes = fl_cursor_take(&cursor, out->shapes_size);
        out->log = get_log(&cursor);
        if (!cursor.failed && cursor.left == 0 && shapes_are_sound(out))
            return FLOWAN_OK;
    }
    fl_segment_head_free(out);
    return FLOWAN_ERROR_FORMAT;
}

void fl_segment_head_free(fl_segment_head *head)
{
    fl_memory_free(head->columns);
    head->columns = NULL;
    head->column_count = 0;
}

/* --- footer --- */

void fl_segment_put_footer(fl_buffer *out, uint64_t offset,
                           const fl_segment_block *blocks, size_t block_count,
                           const flowan_log_state *logs, size_t log_count)
{
    size_t from = out->size;
    fl_buffer_append(out, footer_magic, 8);
    fl_bytes_put(out, block_count, 4);
    fl_bytes_put(out, log_count, 4);
    for (size_t i = 0; i < block_count; i++) {
        fl_bytes_put(out, blocks[i].offset, 8);
        fl_bytes_put(out, blocks[i].size, 8);
        put_stats(out, &blocks[i].stats);
    }
    for (size_t i = 0; i < log_count; i++)
        put_log(out, &logs[i]);
    put_checksum(out, from);
    size_t size = out->size - from;
    size_t trailer = out->size;
    fl_bytes_put(out, offset, 8);
    fl_bytes_put(out, size, 8);
    fl_buffer_append(out, trailer_magic, 8);
    put_checksum(out, trailer);
}

bool fl_segment_get_trailer(const unsigned char in[FL_SEGMENT_TRAILER_SIZE],
                            uint64_t file_size, uint64_t *offset, uint64_t *size)
{
    *offset = fl_bytes_load(in, 8);
    *size = fl_bytes_load(in + 8, 8);
    return memcmp(in + 16, trailer_magic, 8) == 0 &&
           checksum_holds(in, FL_SEGMENT_TRAILER_SIZE) &&
           *size <= FL_SEGMENT_FOOTER_MAX &&
           *offset <= file_size - FL_SEGMENT_TRAILER_SIZE &&
           *size == file_size - FL_SEGMENT_TRAILER_SIZE - *offset;
}

/* Blocks must follow one another from the header to the footer without a hole: no byte
 * of the file is outside a checksum. */
static bool get_blocks(fl_cursor *in, fl_segment_block *blocks, size_t count)
{
    uint64_t expected = FL_SEGMENT_HEADER_SIZE;
    for (size_t i = 0; i < count; i++) {
        blocks[i].offset = fl_cursor_get(in, 8);
        blocks[i].size = fl_cursor_get(in, 8);
        blocks[i].stats = get_stats(in);
        if (in->failed || blocks[i].offset != expected || blocks[i].size > INT64_MAX ||
            blocks[i].stats.rows > FL_BATCH_ROWS_MAX)
            return false;
        expected += blocks[i].size;
    }
    return true;
}

flowan_status fl_segment_get_footer(const unsigned char *in, size_t size,
                                    fl_segment_block **blocks, size_t *block_count,
                                    flowan_log_state **logs, size_t *log_count)
{
    *blocks = NULL;
    *logs = NULL;
    *block_count = *log_count = 0;
    if (size < 16 + FL_SEGMENT_CHECKSUM_SIZE || memcmp(in, footer_magic, 8) != 0)
        return FLOWAN_ERROR_FORMAT;
    if (!checksum_holds(in, size))
        return FLOWAN_ERROR_CHECKSUM;
    fl_cursor cursor = {in + 8, size - 8 - FL_SEGMENT_CHECKSUM_SIZE, false};
    *block_count = fl_cursor_get(&cursor, 4);
    *log_count = fl_cursor_get(&cursor, 4);
    /* each takes bytes of its own: the counts cannot make us allocate more than 64 times
     * what is there */
    if (*block_count > cursor.left / (16 + STATS_SIZE) ||
        *log_count > cursor.left / 4) {
        *block_count = *log_count = 0;
        return FLOWAN_ERROR_FORMAT;
    }
    *blocks = fl_memory_alloc(*block_count, sizeof **blocks);
    *logs = fl_memory_alloc(*log_count, sizeof **logs);
    flowan_status status = *blocks && *logs ? FLOWAN_OK : FLOWAN_ERROR_MEMORY;
    if (status == FLOWAN_OK && !get_blocks(&cursor, *blocks, *block_count))
        status = FLOWAN_ERROR_FORMAT;
    for (size_t i = 0; status == FLOWAN_OK && i < *log_count; i++) {
        (*logs)[i] = get_log(&cursor);
        if (cursor.failed || !(*logs)[i].path)
            status = FLOWAN_ERROR_FORMAT;
    }
    if (status == FLOWAN_OK && cursor.left != 0)
        status = FLOWAN_ERROR_FORMAT;
    if (status != FLOWAN_OK) {
        fl_memory_free(*blocks);
        fl_memory_free(*logs);
        *blocks = NULL;
        *logs = NULL;
        *block_count = *log_count = 0;
    }
    return status;
}
