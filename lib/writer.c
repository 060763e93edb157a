/* A segment on its way to a file, a descriptor or a caller's function: appends packed
 * blocks, keeps the books about them, and cuts back what went wrong where that can be
 * done. What a block holds is pack's. */
#include "writer.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "status.h"

struct flowan_writer {
    flowan_write_function write; /* NULL: into fd */
    void *context;
    int fd;
    bool owns_fd;
    bool cuts;     /* a file that ends where we write: failures can be cut off */
    uint64_t base; /* where in the file the segment begins */
    char *name;
    flowan_level level;
    uint64_t size;      /* of the segment: header and whole blocks */
    uint64_t synced;    /* of it, on disk for good */
    const char *closed; /* why no block can follow, or NULL */
    fl_segment_block *blocks;
    size_t block_count;
    size_t blocks_room;
    fl_buffer summaries; /* of the blocks, as the footer has them */
    flowan_segment_stats stats;
    fl_buffer head; /* of the block that is being written, or the footer */
    fl_pack pack;   /* of flowan_writer_write */
};

static flowan_status fail_errno(const flowan_writer *writer, int number,
                                flowan_error *error)
{
    if (!writer->write)
        return fl_status_errno(error, number, "write", writer->name);
    fl_status_describe_errno(error, FLOWAN_ERROR_IO, number, "write", writer->name);
    if (error)
        error->offset = (uint64_t)number;
    return FLOWAN_ERROR_IO;
}

static flowan_writer *writer_new(const char *name, flowan_level level)
{
    flowan_writer *writer = fl_memory_zalloc(1, sizeof *writer);
    if (!writer)
        return NULL;
    writer->fd = -1;
    writer->level = level;
    writer->stats = fl_segment_stats_none();
    writer->name = fl_memory_alloc(strlen(name) + 1, 1);
    if (!writer->name) {
        flowan_writer_free(writer);
        return NULL;
    }
    memcpy(writer->name, name, strlen(name) + 1);
    return writer;
}

/* A writer that does not write anywhere yet. */
static flowan_status prepare(flowan_writer **out, const char *name,
                             const flowan_writer_options *options, flowan_error *error)
{
    *out = NULL;
    if (!fl_status_options_fit(options, sizeof *options))
        return fl_status_fail(error, FLOWAN_ERROR_ARGUMENT, FL_NO_OFFSET,
                              "writer options: unknown members");
    *out = writer_new(name, options ? options->level : 0);
    if (!*out)
        return fl_status_memory(error);
    (*out)->pack.index = options && options->nat_index;
    return FLOWAN_OK;
}

static int put(flowan_writer *writer, const void *data, size_t size)
{
    return writer->write ? writer->write(writer->context, data, size)
                         : fl_file_write(writer->fd, data, size);
}

/* Returns 0 or an errno value. */
static int put_header(flowan_writer *writer, const flowan_writer_options *options)
{
    fl_segment_header header = {0};
    if (options) {
        header.serial = options->serial;
        header.interval_start_ns = options->interval_start_ns;
        header.interval_ns = options->interval_ns;
        header.last_serial = options->last_serial;
    }
    unsigned char bytes[FL_SEGMENT_HEADER_SIZE];
    fl_segment_put_header(bytes, &header);
    writer->size = sizeof bytes;
    return put(writer, bytes, sizeof bytes);
}

flowan_status flowan_writer_open(flowan_writer **out, const char *path,
                                 const flowan_writer_options *options,
                                 flowan_error *error)
{
    flowan_writer *writer;
    flowan_status status = prepare(&writer, path, options, error);
    *out = writer;
    if (status != FLOWAN_OK)
        return status;
    writer->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    writer->owns_fd = true;
    writer->cuts = true;
    int number = writer->fd < 0 ? errno : put_header(writer, options);
    if (number == 0)
        return FLOWAN_OK;
    if (number == EEXIST)
        status = fl_status_fail(error, FLOWAN_ERROR_EXISTS, FL_NO_OFFSET,
                                "cannot create %s: it is already there", path);
    else
        status = fail_errno(writer, number, error);
    if (writer->fd >= 0)
        unlink(path);
    flowan_writer_free(writer);
    *out = NULL;
    return status;
}

/* Where in a regular file writing goes on, and whether all before and nothing behind is
 * other people's, so that it can be cut back to there. */
static void look_at_file(flowan_writer *writer)
{
    struct stat info;
    if (fstat(writer->fd, &info) != 0 || !S_ISREG(info.st_mode))
        return;
    int flags = fcntl(writer->fd, F_GETFL);
    bool appends = flags >= 0 && (flags & O_APPEND);
    off_t at = lseek(writer->fd, 0, appends ? SEEK_END : SEEK_CUR);
    writer->cuts = at >= 0 && at == info.st_size;
    writer->base = at >= 0 ? (uint64_t)at : 0;
}

/* The header goes out; a writer that could not even write that is none. */
static flowan_status begin(flowan_writer **out, flowan_writer *writer,
                           const flowan_writer_options *options, flowan_error *error)
{
    int number = put_header(writer, options);
    if (number == 0) {
        *out = writer;
        return FLOWAN_OK;
    }
    flowan_status status = fail_errno(writer, number, error);
    if (writer->cuts && ftruncate(writer->fd, (off_t)writer->base) == 0)
        lseek(writer->fd, (off_t)writer->base, SEEK_SET);
    flowan_writer_free(writer);
    return status;
}

flowan_status flowan_writer_open_fd(flowan_writer **out, int fd, const char *name,
                                    const flowan_writer_options *options,
                                    flowan_error *error)
{
    *out = NULL;
    flowan_writer *writer;
    flowan_status status = prepare(&writer, name, options, error);
    if (status != FLOWAN_OK)
        return status;
    writer->fd = fd;
    look_at_file(writer);
    return begin(out, writer, options, error);
}

flowan_status flowan_writer_new(flowan_writer **out, flowan_write_function write,
                                void *context, const char *name,
                                const flowan_writer_options *options,
                                flowan_error *error)
{
    *out = NULL;
    flowan_writer *writer;
    if (!write)
        return fl_status_fail(error, FLOWAN_ERROR_ARGUMENT, FL_NO_OFFSET,
                              "a writer of %s needs a function to write with", name);
    flowan_status status = prepare(&writer, name, options, error);
    if (status != FLOWAN_OK)
        return status;
    writer->write = write;
    writer->context = context;
    return begin(out, writer, options, error);
}

/* Cuts what stands behind the last block, and writes that, or the header, once more: what a
 * sync failed for before can be read, and will never be on disk by itself. Returns 0 or an
 * errno value. */
static int renew(flowan_writer *writer)
{
    uint64_t from =
        writer->block_count > 0 ? writer->blocks[writer->block_count - 1].offset : 0;
    size_t size = (size_t)(writer->size - from);
    fl_buffer_clear(&writer->head);
    char *bytes = fl_buffer_reserve(&writer->head, size);
    if (!bytes)
        return ENOMEM;
    int number = ftruncate(writer->fd, (off_t)writer->size) != 0
                     ? errno
                     : fl_file_pread(writer->fd, bytes, size, from);
    if (number == 0 && lseek(writer->fd, (off_t)from, SEEK_SET) < 0)
        number = errno;
    return number == 0 ? fl_file_write(writer->fd, bytes, size) : number;
}

static void put_summary(flowan_writer *writer, const fl_segment_block *block)
{
    fl_bytes_put_varint(&writer->summaries, block->summary_size);
    fl_buffer_append(&writer->summaries, block->summary, block->summary_size);
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
        put_summary(writer, &blocks[i]);
        fl_segment_stats_add(&writer->stats, &blocks[i].stats);
    }
    if (writer->summaries.failed) {
        flowan_writer_free(writer);
        return fl_status_memory(error);
    }
    writer->block_count = count;
    writer->size = end;
    /* a failure costs the footer; a header alone is to be synced before it */
    writer->synced = count > 0 ? end : 0;
    writer->fd = open(path, O_RDWR | O_CLOEXEC);
    writer->owns_fd = true;
    writer->cuts = true;
    int number = writer->fd < 0 ? errno : renew(writer);
    if (number != 0) {
        flowan_status status = number == ENOMEM ? fl_status_memory(error)
                                                : fail_errno(writer, number, error);
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
    if (writer->owns_fd && writer->fd >= 0)
        close(writer->fd);
    fl_memory_free(writer->name);
    fl_memory_free(writer->blocks);
    fl_buffer_free(&writer->head);
    fl_buffer_free(&writer->summaries);
    fl_pack_free(&writer->pack);
    fl_memory_free(writer);
}

/* Takes back what a failure left behind the last whole block, or ends it all. */
static void cut_back(flowan_writer *writer)
{
    off_t end = (off_t)(writer->base + writer->size);
    if (!writer->cuts || ftruncate(writer->fd, end) != 0 ||
        lseek(writer->fd, end, SEEK_SET) < 0)
        writer->closed = "a write to it failed and could not be taken back";
}

/* Pipes and sockets have nothing to sync, and say so. Returns 0 or an errno value. */
static int sync_file(const flowan_writer *writer)
{
    if (writer->fd < 0 || fdatasync(writer->fd) == 0)
        return 0;
    bool none = errno == EINVAL || errno == ENOTSUP || errno == EROFS;
    return none && !writer->owns_fd ? 0 : errno;
}

/* What a sync failed for, the system may have dropped, and a second sync would not tell:
 * only what is known to be on disk stays, and it all ends. */
static void cut_to_synced(flowan_writer *writer)
{
    if (writer->cuts) {
        /* without a header it would be a segment no longer, to those who read it now */
        uint64_t size = writer->synced > FL_SEGMENT_HEADER_SIZE
                            ? writer->synced
                            : FL_SEGMENT_HEADER_SIZE;
        int result = ftruncate(writer->fd, (off_t)(writer->base + size));
        (void)result; /* then its checksums tell, or it is there after all */
    }
    writer->closed = "it could not be synced to disk";
}

int fl_writer_sync(flowan_writer *writer)
{
    if (writer->closed || writer->synced == writer->size)
        return 0;
    int number = sync_file(writer);
    if (number == 0)
        writer->synced = writer->size;
    else
        cut_to_synced(writer);
    return number;
}

/* Appends the head and what stands behind it, or leaves the segment as it was. */
static flowan_status append(flowan_writer *writer, const fl_buffer *head,
                            const fl_buffer *stored, flowan_error *error)
{
    int number = put(writer, head->data, head->size);
    if (number == 0 && stored && stored->size > 0)
        number = put(writer, stored->data, stored->size);
    if (number == 0)
        return FLOWAN_OK;
    cut_back(writer);
    return fail_errno(writer, number, error);
}

/* `block` has statistics and summary. */
static flowan_status append_block(flowan_writer *writer, const fl_buffer *head,
                                  const fl_buffer *stored,
                                  const fl_segment_block *block, flowan_error *error)
{
    /* room for the summary first: what is on disk cannot fail any more */
    if (!fl_memory_grow((void **)&writer->blocks, &writer->blocks_room,
                        writer->block_count + 1, sizeof *writer->blocks) ||
        !fl_buffer_reserve(&writer->summaries, block->summary_size + 10))
        return fl_status_memory(error);
    flowan_status status = append(writer, head, stored, error);
    if (status != FLOWAN_OK)
        return status;
    uint64_t size = head->size + (stored ? stored->size : 0);
    put_summary(writer, block);
    writer->blocks[writer->block_count++] =
        (fl_segment_block){.offset = writer->size,
                           .size = size,
                           .stats = block->stats,
                           .indexed = block->indexed};
    writer->size += size;
    fl_segment_stats_add(&writer->stats, &block->stats);
    return FLOWAN_OK;
}

static flowan_status refuse(const flowan_writer *writer, const char *what,
                            flowan_error *error)
{
    return fl_status_fail(error, FLOWAN_ERROR_ARGUMENT, FL_NO_OFFSET,
                          "segment %s takes no %s: %s", writer->name, what,
                          writer->closed);
}

flowan_status fl_writer_append(flowan_writer *writer, const fl_pack *pack,
                               const flowan_log_state *logs, size_t log_count,
                               flowan_error *error)
{
    if (writer->closed)
        return refuse(writer, "more blocks", error);
    if (pack->status == FLOWAN_ERROR_LIMIT)
        return fl_status_fail(error, FLOWAN_ERROR_LIMIT, FL_NO_OFFSET,
                              "%llu rows are too large for one block of %s",
                              (unsigned long long)pack->head.stats.rows, writer->name);
    fl_segment_head head = pack->head;
    head.logs = (flowan_log_state *)logs; /* only looked at */
    head.log_count = log_count;
    fl_buffer_clear(&writer->head);
    if (pack->status == FLOWAN_OK)
        fl_segment_put_head(&writer->head, &head);
    if (pack->status != FLOWAN_OK || writer->head.failed)
        return fl_status_memory(error);
    const fl_segment_block block = {.stats = head.stats,
                                    .summary =
                                        (const unsigned char *)pack->summary.data,
                                    .summary_size = pack->summary.size,
                                    .indexed = pack->indexed};
    return append_block(writer, &writer->head, &pack->stored, &block, error);
}

flowan_status fl_writer_copy(flowan_writer *writer, const fl_segment_block *block,
                             const fl_buffer *bytes, flowan_error *error)
{
    if (writer->closed)
        return refuse(writer, "more blocks", error);
    return append_block(writer, bytes, NULL, block, error);
}

flowan_status flowan_writer_write(flowan_writer *writer, const flowan_batch *batch,
                                  size_t first, size_t count,
                                  const flowan_log_state *log, flowan_error *error)
{
    if (writer->closed)
        return refuse(writer, "more blocks", error);
    if (first > batch->rows || count > batch->rows - first)
        return fl_status_fail(error, FLOWAN_ERROR_ARGUMENT, FL_NO_OFFSET,
                              "rows asked of a batch that does not have them, for "
                              "segment %s",
                              writer->name);
    if (count == 0 && !log)
        return FLOWAN_OK;
    fl_clock clock;
    fl_clock_init(&clock, batch);
    fl_pack_rows(&writer->pack, batch, &clock, first, count, writer->level);
    return fl_writer_append(writer, &writer->pack, log, log && log->path ? 1 : 0,
                            error);
}

size_t fl_writer_small_blocks(const flowan_writer *writer)
{
    size_t count = 0;
    for (size_t i = 0; i < writer->block_count; i++)
        count += writer->blocks[i].stats.rows > 0 &&
                 writer->blocks[i].stats.rows < FL_SEGMENT_BLOCK_ROWS / 2;
    return count;
}

uint64_t fl_writer_size(const flowan_writer *writer)
{
    return writer->size;
}

flowan_segment_stats flowan_writer_stats(const flowan_writer *writer)
{
    return writer->stats;
}

flowan_status flowan_writer_finish(flowan_writer *writer, const flowan_log_state *logs,
                                   size_t count, flowan_error *error)
{
    if (writer->closed)
        return refuse(writer, "footer", error);
    fl_buffer_clear(&writer->head);
    fl_segment_put_footer(&writer->head, writer->size, writer->blocks,
                          writer->block_count, logs, count, &writer->summaries);
    if (writer->head.failed)
        return fl_status_memory(error);
    /* a footer without the header would be no segment, and too long to be nothing */
    int number = writer->block_count == 0 ? fl_writer_sync(writer) : 0;
    if (number != 0)
        return fail_errno(writer, number, error);
    flowan_status status = append(writer, &writer->head, NULL, error);
    if (status != FLOWAN_OK)
        return status;
    number = sync_file(writer);
    if (number != 0) {
        cut_to_synced(writer);
        return fail_errno(writer, number, error);
    }
    writer->size += writer->head.size;
    writer->closed = "it is finished";
    return FLOWAN_OK;
}
