/* Joins small blocks and copies large ones. Rows keep their order. */
#include "repack.h"

#include "listing.h"

#include "clock.h"
#include "reader.h"
#include "splice.h"
#include "status.h"
#include "writer.h"

/* A block of more JSON is copied, however few its rows. */
#define JOIN_TEXT_MAX (UINT64_C(64) << 20)

/* The blocks that are to be one. */
typedef struct pending {
    flowan_batch *batch;
    flowan_segment_stats stats;
    size_t blocks;
    bool indexed;           /* one of them is */
    flowan_log_state *logs; /* the last of each; paths owned */
    size_t log_count;
    size_t logs_room;
} pending;

struct fl_repack {
    flowan_writer *writer;
    flowan_level level;
    size_t block_rows;
    pending joined;
    flowan_batch *next; /* the block that is being added */
    fl_buffer bytes;    /* of one that is copied */
    fl_pack pack;
};

flowan_status fl_repack_new(fl_repack **out, flowan_writer *writer, flowan_level level,
                            size_t block_rows, flowan_error *error)
{
    *out = NULL;
    fl_repack *repack = fl_memory_zalloc(1, sizeof *repack);
    if (!repack)
        return fl_status_memory(error);
    repack->writer = writer;
    repack->level = level;
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

static void forget_state(pending *joined)
{
    for (size_t i = 0; i < joined->log_count; i++)
        fl_memory_free((char *)joined->logs[i].path);
    joined->stats = fl_segment_stats_none();
    joined->log_count = joined->blocks = 0;
    joined->indexed = false;
}

void fl_repack_free(fl_repack *repack)
{
    if (!repack)
        return;
    flowan_batch_free(repack->joined.batch);
    flowan_batch_free(repack->next);
    forget_state(&repack->joined);
    fl_memory_free(repack->joined.logs);
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
    for (size_t i = 0; i < head->section_count; i++) {
        const fl_segment_section *section = &head->sections[i];
        if (fl_segment_checksum(repack->bytes.data + section->offset, section->size) !=
            section->checksum)
            return fl_reader_fail(reader, FLOWAN_ERROR_CHECKSUM,
                                  block->offset + section->offset, "section of a block",
                                  error);
    }
    fl_segment_block copied = *block;
    copied.stats = head->stats;
    return fl_writer_copy(repack->writer, &copied, &repack->bytes, error);
}

/* --- joining --- */

static bool is_small(const fl_repack *repack, const fl_segment_head *head)
{
    return head->stats.rows < repack->block_rows / 2 &&
           head->stats.text_bytes <= JOIN_TEXT_MAX;
}

/* What a block says of a log is from now on what the joined one will say. */
static bool take_log(pending *joined, const flowan_log_state *log)
{
    size_t at = 0;
    while (at < joined->log_count && !fl_segment_same_log(&joined->logs[at], log))
        at++;
    if (!fl_memory_grow((void **)&joined->logs, &joined->logs_room, at + 1,
                        sizeof *joined->logs))
        return false;
    size_t size = strlen(log->path) + 1;
    char *path = fl_memory_alloc(size, 1);
    if (!path)
        return false;
    memcpy(path, log->path, size);
    if (at < joined->log_count)
        fl_memory_free((char *)joined->logs[at].path);
    else
        joined->log_count++;
    joined->logs[at] = *log;
    joined->logs[at].path = path;
    return true;
}

static bool take_state(pending *joined, const fl_segment_head *head, bool indexed)
{
    bool taken = true;
    joined->indexed = joined->indexed || indexed;
    fl_segment_stats_add(&joined->stats, &head->stats);
    joined->blocks++;
    for (size_t i = 0; taken && i < head->log_count; i++)
        taken = take_log(joined, &head->logs[i]);
    return taken;
}

static flowan_status join(fl_repack *repack, flowan_reader *reader, size_t index,
                          const fl_segment_head *head, flowan_error *error)
{
    pending *joined = &repack->joined;
    if (joined->stats.rows + head->stats.rows > repack->block_rows) {
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
    return status == FLOWAN_OK &&
                   take_state(joined, head, reader->blocks[index].indexed)
               ? FLOWAN_OK
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
    flowan_status status =
        fl_reader_head(reader, &reader->space.head, blocks[index].offset, &head, error);
    if (status != FLOWAN_OK)
        return status;
    /* the head's strings are overwritten by the reader's next head */
    fl_buffer bytes = reader->space.head;
    reader->space.head = (fl_buffer){0};
    status = fl_listing_summarize(reader, error);
    if (status != FLOWAN_OK) {
        /* memory was short */
    } else if (head.block_size != blocks[index].size) {
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
    repack->pack.index = joined->indexed;
    fl_pack_rows(&repack->pack, joined->batch, &clock, 0, joined->batch->rows,
                 repack->level);
    /* a batch that was read does not know how long its texts were */
    repack->pack.head.stats = joined->stats;
    flowan_status status = fl_writer_append(repack->writer, &repack->pack, joined->logs,
                                            joined->log_count, error);
    flowan_batch_reset(joined->batch);
    forget_state(joined);
    return status;
}
