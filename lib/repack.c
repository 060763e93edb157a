/* Joins small blocks and copies large ones. Rows keep their order. */
#include "repack.h"

#include "clock.h"
#include "reader.h"
#include "splice.h"
#include "status.h"
#include "writer.h"

/* A block that decodes to more is copied, however few its rows: joined to others of other
 * columns it could grow past what a reader takes. */
#define JOIN_DECODED_MAX (UINT64_C(64) << 20)

/* The blocks that are to be one. */
typedef struct pending {
    flowan_batch *batch;
    flowan_segment_stats stats;
    size_t blocks;
    flowan_log_state log; /* path in `path`; NULL: none of them has a log */
    fl_buffer path;
} pending;

struct fl_repack {
    flowan_writer *writer;
    int zstd_level;
    size_t block_rows;
    pending joined;
    flowan_batch *next; /* the block that is being added */
    fl_buffer bytes;    /* of one that is copied */
    fl_pack pack;
};

flowan_status fl_repack_new(fl_repack **out, flowan_writer *writer, int zstd_level,
                            size_t block_rows, flowan_error *error)
{
    *out = NULL;
    fl_repack *repack = fl_memory_zalloc(1, sizeof *repack);
    if (!repack)
        return fl_status_memory(error);
    repack->writer = writer;
    repack->zstd_level = zstd_level;
    repack->block_rows = block_rows ? block_rows : FL_SEGMENT_BLOCK_ROWS;
    repack->joined.stats = fl_segment_stats_none();
    flowan_batch_options options = {.size = sizeof options,
                                    .capacity = (uint32_t)repack->block_rows};
    flowan_status status = flowan_batch_new(&repack->joined.batch, &options, error);
    if (status == FLOWAN_OK)
        status = flowan_batch_new(&repack->next, NULL, error);
    if (status != FLOWAN_OK) {
        fl_repack_free(repack);
        return status;
    }
    *out = repack;
    return FLOWAN_OK;
}

void fl_repack_free(fl_repack *repack)
{
    if (!repack)
        return;
    flowan_batch_free(repack->joined.batch);
    flowan_batch_free(repack->next);
    fl_buffer_free(&repack->joined.path);
    fl_buffer_free(&repack->bytes);
    fl_pack_free(&repack->pack);
    fl_memory_free(repack);
}

/* --- copying --- */

static flowan_status copy(fl_repack *repack, flowan_reader *reader,
                          const fl_segment_block *block, const fl_segment_head *head,
                          flowan_error *error)
{
    flowan_status status =
        fl_reader_load(reader, &repack->bytes, block->offset, block->size, error);
    if (status != FLOWAN_OK)
        return status;
    for (size_t i = 0; i < head->column_count; i++) {
        const fl_segment_column *column = &head->columns[i];
        if (fl_segment_checksum(repack->bytes.data + column->offset,
                                (size_t)column->stored_size) != column->checksum)
            return fl_reader_fail(reader, FLOWAN_ERROR_CHECKSUM,
                                  block->offset + column->offset, "column of a block",
                                  error);
    }
    fl_segment_block copied = {0, block->size, head->stats};
    return fl_writer_copy(repack->writer, &copied, &repack->bytes, error);
}

/* --- joining --- */

static bool same_log(const flowan_log_state *a, const flowan_log_state *b)
{
    return a->head_size == b->head_size && a->head_hash == b->head_hash &&
           a->device == b->device && a->inode == b->inode;
}

/* Blocks of no log join those of any. */
static bool logs_join(const pending *joined, const fl_segment_head *head)
{
    return !joined->log.path || !head->log.path || same_log(&joined->log, &head->log);
}

static bool is_small(const fl_repack *repack, const fl_segment_head *head)
{
    uint64_t decoded = 0;
    for (size_t i = 0; i < head->column_count; i++)
        decoded += fl_segment_decoded_size(&head->columns[i], head->stats.rows);
    return head->stats.rows < repack->block_rows / 2 && decoded <= JOIN_DECODED_MAX;
}

/* What the block says of its log is from now on what the joined one will say. */
static bool take_state(pending *joined, const fl_segment_head *head)
{
    fl_segment_stats_add(&joined->stats, &head->stats);
    joined->blocks++;
    if (!head->log.path)
        return true;
    fl_buffer_clear(&joined->path);
    fl_buffer_append(&joined->path, head->log.path, strlen(head->log.path) + 1);
    joined->log = head->log;
    joined->log.path = joined->path.data;
    return !joined->path.failed;
}

static flowan_status join(fl_repack *repack, flowan_reader *reader, size_t index,
                          const fl_segment_head *head, flowan_error *error)
{
    pending *joined = &repack->joined;
    if (!logs_join(joined, head) ||
        joined->stats.rows + head->stats.rows > repack->block_rows) {
        flowan_status status = fl_repack_flush(repack, error);
        if (status != FLOWAN_OK)
            return status;
    }
    flowan_status status =
        flowan_reader_read(reader, index, NULL, 0, repack->next, error);
    if (status != FLOWAN_OK)
        return status;
    status = fl_batch_splice(joined->batch, repack->next, 0, repack->next->rows);
    if (status == FLOWAN_FULL) {
        status = fl_repack_flush(repack, error);
        if (status != FLOWAN_OK)
            return status;
        status = fl_batch_splice(joined->batch, repack->next, 0, repack->next->rows);
    }
    return status == FLOWAN_OK && take_state(joined, head) ? FLOWAN_OK
                                                           : fl_status_memory(error);
}

flowan_status fl_repack_block(fl_repack *repack, flowan_reader *reader, size_t index,
                              flowan_error *error)
{
    size_t count;
    const fl_segment_block *blocks = fl_reader_blocks(reader, &count);
    if (index >= count)
        return fl_status_fail(error, FLOWAN_ERROR_ARGUMENT, FL_NO_OFFSET,
                              "%s: has no block %zu", reader->path, index);
    fl_segment_head head;
    flowan_status status = fl_reader_head(reader, blocks[index].offset, &head, error);
    if (status != FLOWAN_OK)
        return status;
    /* the head's strings are overwritten by the reader's next head */
    fl_buffer bytes = reader->head;
    reader->head = (fl_buffer){0};
    if (head.block_size != blocks[index].size) {
        status = fl_reader_fail(reader, FLOWAN_ERROR_FORMAT, blocks[index].offset,
                                "a block of another size than the footer says", error);
    } else if (is_small(repack, &head)) {
        status = join(repack, reader, index, &head, error);
    } else {
        status = fl_repack_flush(repack, error);
        if (status == FLOWAN_OK)
            status = copy(repack, reader, &blocks[index], &head, error);
    }
    fl_segment_head_free(&head);
    fl_buffer_free(&bytes);
    return status;
}

flowan_status fl_repack_flush(fl_repack *repack, flowan_error *error)
{
    pending *joined = &repack->joined;
    if (joined->blocks == 0)
        return FLOWAN_OK;
    fl_clock clock;
    fl_clock_init(&clock, joined->batch);
    fl_pack_rows(&repack->pack, joined->batch, &clock, 0, joined->batch->rows,
                 repack->zstd_level);
    /* a batch that was read does not know how long its texts were */
    repack->pack.head.stats = joined->stats;
    flowan_status status = fl_writer_append(
        repack->writer, &repack->pack, joined->log.path ? &joined->log : NULL, error);
    flowan_batch_reset(joined->batch);
    joined->stats = fl_segment_stats_none();
    joined->log = (flowan_log_state){0};
    joined->blocks = 0;
    return status;
}
