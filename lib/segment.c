#include "segment.h"

#include <xxhash.h>

static const char segment_magic[8] = "\x89"
                                     "FLOWAN\n";
static const char block_magic[8] = "FLBLOCK\n";
static const char footer_magic[8] = "FLINDEX\n";
static const char trailer_magic[8] = "FLOWEND\n";

enum {
    PATH_MAX_SIZE = 65535,
    STATS_SIZE = 7 * 8,
    SECTION_SIZE = 12,
    LOG_SIZE_MIN = 4 + 1 + 48,
    FOOTER_FIXED_SIZE = 24
};

uint64_t fl_segment_checksum(const void *data, size_t size)
{
    return XXH3_64bits(data, size);
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
    fl_bytes_store(out + 40, header->last_serial, 8);
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
    if (out->version != FL_SEGMENT_VERSION)
        return FLOWAN_ERROR_VERSION;
    out->serial = fl_bytes_load(in + 16, 8);
    out->interval_start_ns = fl_bytes_load(in + 24, 8);
    out->interval_ns = fl_bytes_load(in + 32, 8);
    out->last_serial = fl_bytes_load(in + 40, 8);
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

void fl_segment_put_head(fl_buffer *out, const fl_segment_head *head)
{
    size_t from = out->size;
    uint64_t stored = 0;
    fl_buffer_append(out, block_magic, 8);
    fl_bytes_put(out, 0, 4); /* head size, below */
    fl_bytes_put(out, 0, 4); /* reserved */
    fl_bytes_put(out, 0, 8); /* block size, below */
    put_stats(out, &head->stats);
    fl_bytes_put(out, head->section_count, 4);
    fl_bytes_put(out, head->log_count, 4);
    fl_bytes_put(out, head->directory_size, 4);
    fl_bytes_put(out, 0, 4); /* reserved */
    for (size_t i = 0; i < head->section_count; i++) {
        fl_bytes_put(out, head->sections[i].size, 4);
        fl_bytes_put(out, head->sections[i].checksum, 8);
        stored += head->sections[i].size;
    }
    for (size_t i = 0; i < head->log_count; i++)
        put_log(out, &head->logs[i]);
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

static bool get_sections(fl_cursor *in, fl_segment_head *out)
{
    uint64_t offset = out->head_size;
    for (size_t i = 0; i < out->section_count; i++) {
        fl_segment_section *section = &out->sections[i];
        section->size = (uint32_t)fl_cursor_get(in, 4);
        section->checksum = fl_cursor_get(in, 8);
        section->offset = offset;
        if (in->failed || section->size > out->block_size - offset)
            return false;
        offset += section->size;
    }
    return offset == out->block_size;
}

static bool get_logs(fl_cursor *in, flowan_log_state *logs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        logs[i] = get_log(in);
        if (in->failed || !logs[i].path)
            return false;
    }
    return true;
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
    size_t sections = fl_cursor_get(&cursor, 4);
    size_t logs = fl_cursor_get(&cursor, 4);
    out->directory_size = (uint32_t)fl_cursor_get(&cursor, 4);
    fl_cursor_get(&cursor, 4);
    if (out->stats.rows > FL_BATCH_ROWS_MAX || sections < FL_SECTION_PARTS ||
        sections > cursor.left / SECTION_SIZE || logs > cursor.left / LOG_SIZE_MIN)
        return FLOWAN_ERROR_FORMAT;
    out->section_count = sections;
    out->log_count = logs;
    out->sections = fl_memory_alloc(sections, sizeof *out->sections);
    out->logs = fl_memory_alloc(logs, sizeof *out->logs);
    flowan_status status = out->sections && out->logs ? FLOWAN_OK : FLOWAN_ERROR_MEMORY;
    if (status == FLOWAN_OK && (!get_sections(&cursor, out) ||
                                !get_logs(&cursor, out->logs, logs) || cursor.left != 0))
        status = FLOWAN_ERROR_FORMAT;
    if (status != FLOWAN_OK)
        fl_segment_head_free(out);
    return status;
}

void fl_segment_head_free(fl_segment_head *head)
{
    fl_memory_free(head->sections);
    fl_memory_free(head->logs);
    head->sections = NULL;
    head->logs = NULL;
    head->section_count = head->log_count = 0;
}

/* --- footer --- */

/* What may stand behind the log states; never reused. */
enum { FOOTER_SUMMARIES = 1, FOOTER_INDEXED = 2 };

/* Whether any block has one: a size that is not 0. */
static bool has_summary(const fl_buffer *summaries)
{
    for (size_t i = 0; summaries && i < summaries->size; i++)
        if (summaries->data[i])
            return true;
    return false;
}

/* Summaries that are not sound are none: they are only there for speed. */
static void get_summaries(fl_cursor in, fl_segment_block *blocks, size_t count)
{
    fl_cursor look = in;
    for (size_t i = 0; i < count; i++)
        fl_cursor_take(&look, (size_t)fl_cursor_varint(&look));
    for (size_t i = 0; !look.failed && look.left == 0 && i < count; i++) {
        size_t size = (size_t)fl_cursor_varint(&in);
        blocks[i].summary = size ? fl_cursor_take(&in, size) : NULL;
        blocks[i].summary_size = size;
    }
}

static bool has_index(const fl_segment_block *blocks, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (blocks[i].indexed)
            return true;
    return false;
}

/* A bit a block, the lowest first. */
static void put_indexed(fl_buffer *out, const fl_segment_block *blocks, size_t count)
{
    fl_bytes_put_varint(out, FOOTER_INDEXED);
    fl_bytes_put_varint(out, (count + 7) / 8);
    for (size_t i = 0; i < count; i += 8) {
        unsigned byte = 0;
        for (size_t k = 0; k < 8 && i + k < count; k++)
            byte |= (unsigned)blocks[i + k].indexed << k;
        fl_buffer_byte(out, (char)byte);
    }
}

static void get_indexed(fl_cursor in, fl_segment_block *blocks, size_t count)
{
    for (size_t i = 0; in.left == (count + 7) / 8 && i < count; i++)
        blocks[i].indexed = in.at[i / 8] >> (i % 8) & 1;
}

/* Items of what stands behind the log states; what is not known is passed over. */
static void get_extra(fl_cursor in, fl_segment_block *blocks, size_t count)
{
    while (in.left > 0 && !in.failed) {
        uint64_t what = fl_cursor_varint(&in);
        size_t size = (size_t)fl_cursor_varint(&in);
        fl_cursor item = {fl_cursor_take(&in, size), size, false};
        if (!in.failed && what == FOOTER_SUMMARIES)
            get_summaries(item, blocks, count);
        else if (!in.failed && what == FOOTER_INDEXED)
            get_indexed(item, blocks, count);
    }
}

void fl_segment_put_footer(fl_buffer *out, uint64_t offset,
                           const fl_segment_block *blocks, size_t block_count,
                           const flowan_log_state *logs, size_t log_count,
                           const fl_buffer *summaries)
{
    size_t from = out->size;
    fl_buffer extra = {0};
    if (has_summary(summaries)) {
        fl_bytes_put_varint(&extra, FOOTER_SUMMARIES);
        fl_bytes_put_varint(&extra, summaries->size);
        fl_buffer_append(&extra, summaries->data, summaries->size);
    }
    if (has_index(blocks, block_count))
        put_indexed(&extra, blocks, block_count);
    fl_buffer_append(out, footer_magic, 8);
    fl_bytes_put(out, block_count, 4);
    fl_bytes_put(out, log_count, 4);
    fl_bytes_put(out, extra.size, 4);
    fl_bytes_put(out, 0, 4); /* reserved */
    for (size_t i = 0; i < block_count; i++) {
        fl_bytes_put(out, blocks[i].offset, 8);
        fl_bytes_put(out, blocks[i].size, 8);
        put_stats(out, &blocks[i].stats);
    }
    for (size_t i = 0; i < log_count; i++)
        put_log(out, &logs[i]);
    fl_buffer_append(out, extra.data, extra.size);
    out->failed = out->failed || extra.failed;
    fl_buffer_free(&extra);
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
        blocks[i].summary = NULL;
        blocks[i].summary_size = 0;
        blocks[i].indexed = false;
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
    if (size < FOOTER_FIXED_SIZE + FL_SEGMENT_CHECKSUM_SIZE ||
        memcmp(in, footer_magic, 8) != 0)
        return FLOWAN_ERROR_FORMAT;
    if (!checksum_holds(in, size))
        return FLOWAN_ERROR_CHECKSUM;
    fl_cursor cursor = {in + 8, size - 8 - FL_SEGMENT_CHECKSUM_SIZE, false};
    *block_count = fl_cursor_get(&cursor, 4);
    *log_count = fl_cursor_get(&cursor, 4);
    size_t extra = fl_cursor_get(&cursor, 4);
    fl_cursor_get(&cursor, 4);
    /* each takes bytes of its own: the counts cannot make us allocate more than 64 times
     * what is there */
    if (*block_count > cursor.left / (16 + STATS_SIZE) ||
        *log_count > cursor.left / 4) {
        *block_count = *log_count = 0;
        return FLOWAN_ERROR_FORMAT;
    }
    *blocks = fl_memory_zalloc(*block_count, sizeof **blocks);
    *logs = fl_memory_alloc(*log_count, sizeof **logs);
    flowan_status status = *blocks && *logs ? FLOWAN_OK : FLOWAN_ERROR_MEMORY;
    if (status == FLOWAN_OK && !get_blocks(&cursor, *blocks, *block_count))
        status = FLOWAN_ERROR_FORMAT;
    if (status == FLOWAN_OK && !get_logs(&cursor, *logs, *log_count))
        status = FLOWAN_ERROR_FORMAT;
    if (status == FLOWAN_OK && cursor.left != extra)
        status = FLOWAN_ERROR_FORMAT;
    if (status == FLOWAN_OK)
        get_extra(cursor, *blocks, *block_count);
    if (status != FLOWAN_OK) {
        fl_memory_free(*blocks);
        fl_memory_free(*logs);
        *blocks = NULL;
        *logs = NULL;
        *block_count = *log_count = 0;
    }
    return status;
}
