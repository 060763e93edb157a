/* The file of a segment: appends packed blocks, keeps the books about them, and cuts back
 * what went wrong. What a block holds is pack's. */
#include "writer.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "file.h"
#include "status.h"

struct flowan_writer {
    int fd;
    char *path;
    int zstd_level;
    uint64_t size; /* of the file: header and whole blocks */
    bool finished; /* or broken: no block can follow */
    fl_segment_block *blocks;
    size_t block_count;
    size_t blocks_room;
    flowan_segment_stats stats;
    fl_buffer head; /* of the block that is being written, or the footer */
    fl_pack pack;   /* of flowan_writer_write */
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
    writer->zstd_level = zstd_level;
    writer->stats = fl_segment_stats_none();
    writer->path = fl_memory_alloc(strlen(path) + 1, 1);
    if (!writer->path) {
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
    fl_memory_free(writer->blocks);
    fl_buffer_free(&writer->head);
    fl_pack_free(&writer->pack);
    fl_memory_free(writer);
}

/* Cuts the file back to its last whole block after a failure. */
static void cut_back(flowan_writer *writer)
{
    if (ftruncate(writer->fd, (off_t)writer->size) != 0 ||
        lseek(writer->fd, (off_t)writer->size, SEEK_SET) < 0)
        writer->finished = true;
}

/* Appends the head and what stands behind it, or leaves the file as it was. */
static flowan_status append(flowan_writer *writer, const fl_buffer *stored,
                            flowan_error *error)
{
    int number = fl_file_write(writer->fd, writer->head.data, writer->head.size);
    if (number == 0 && stored)
        number = fl_file_write(writer->fd, stored->data, stored->size);
    if (number == 0)
        return FLOWAN_OK;
    cut_back(writer);
    return fail_errno(writer, number, error);
}

static flowan_status refuse_block(const flowan_writer *writer, flowan_error *error)
{
    return fl_status_fail(error, FLOWAN_ERROR_ARGUMENT, FL_NO_OFFSET,
                          "segment %s takes no more blocks", writer->path);
}

flowan_status fl_writer_append(flowan_writer *writer, const fl_pack *pack,
                               const flowan_log_state *log, flowan_error *error)
{
    if (writer->finished)
        return refuse_block(writer, error);
    if (pack->status == FLOWAN_ERROR_LIMIT)
        return fl_status_fail(error, FLOWAN_ERROR_LIMIT, FL_NO_OFFSET,
                              "%llu rows are too large for one block of %s",
                              (unsigned long long)pack->head.stats.rows, writer->path);
    fl_segment_head head = pack->head;
    if (log)
        head.log = *log;
    fl_buffer_clear(&writer->head);
    if (pack->status == FLOWAN_OK)
        fl_segment_put_head(&writer->head, &head);
    if (pack->status != FLOWAN_OK || writer->head.failed ||
        !fl_memory_grow((void **)&writer->blocks, &writer->blocks_room,
                        writer->block_count + 1, sizeof *writer->blocks))
        return fl_status_memory(error);
    flowan_status status = append(writer, &pack->stored, error);
    if (status != FLOWAN_OK)
        return status;
    uint64_t size = writer->head.size + pack->stored.size;
    writer->blocks[writer->block_count++] =
        (fl_segment_block){writer->size, size, head.stats};
    writer->size += size;
    fl_segment_stats_add(&writer->stats, &head.stats);
    return FLOWAN_OK;
}

flowan_status flowan_writer_write(flowan_writer *writer, const flowan_batch *batch,
                                  size_t first, size_t count,
                                  const flowan_log_state *log, flowan_error *error)
{
    if (writer->finished)
        return refuse_block(writer, error);
    if (first > batch->rows || count > batch->rows - first)
        return fl_status_fail(error, FLOWAN_ERROR_ARGUMENT, FL_NO_OFFSET,
                              "rows asked of a batch that does not have them, for "
                              "segment %s",
                              writer->path);
    if (count == 0 && !log)
        return FLOWAN_OK;
    fl_clock clock;
    fl_clock_init(&clock, batch);
    fl_pack_rows(&writer->pack, batch, &clock, first, count, writer->zstd_level);
    return fl_writer_append(writer, &writer->pack, log, error);
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
    fl_segment_put_footer(&writer->head, writer->size, writer->blocks,
                          writer->block_count, logs, count);
    if (writer->head.failed)
        return fl_status_memory(error);
    flowan_status status = append(writer, NULL, error);
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
