/* Finds the blocks of a segment and tells what they hold; decode.c reads them. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "file.h"
#include "reader.h"
#include "status.h"

enum { WALK_CHUNK = 1 << 20, WALK_IN_VAIN = 256 << 20 };

flowan_status fl_reader_fail(const flowan_reader *reader, flowan_status status,
                             uint64_t offset, const char *what, flowan_error *error)
{
    if (status == FLOWAN_ERROR_MEMORY)
        return fl_status_memory(error);
    return fl_status_fail(error, status, offset, "%s: %s at byte %llu: %s",
                          reader->path, what, (unsigned long long)offset,
                          flowan_status_text(status));
}

flowan_status fl_reader_load(const flowan_reader *reader, fl_buffer *buffer,
                             uint64_t offset, uint64_t size, flowan_error *error)
{
    fl_buffer_clear(buffer);
    if (offset > reader->file_size || size > reader->file_size - offset)
        return fl_status_fail(error, FLOWAN_ERROR_FORMAT, offset,
                              "%s: ends at byte %llu, inside what begins at %llu",
                              reader->path, (unsigned long long)reader->file_size,
                              (unsigned long long)offset);
    if (!fl_buffer_reserve(buffer, size ? (size_t)size : 1))
        return fl_status_memory(error);
    int number = reader->read
                     ? reader->read(reader->context, buffer->data, (size_t)size, offset)
                     : fl_file_pread(reader->fd, buffer->data, (size_t)size, offset);
    if (number != 0) {
        fl_status_describe_errno(error, FLOWAN_ERROR_IO, number, "read", reader->path);
        return FLOWAN_ERROR_IO;
    }
    buffer->size = (size_t)size;
    return FLOWAN_OK;
}

/* --- finding the blocks --- */

flowan_status fl_reader_head(const flowan_reader *reader, fl_buffer *bytes,
                             uint64_t offset, fl_segment_head *head,
                             flowan_error *error)
{
    uint32_t head_size;
    uint64_t block_size;
    flowan_status status =
        fl_reader_load(reader, bytes, offset, FL_SEGMENT_BLOCK_FIXED_SIZE, error);
    if (status != FLOWAN_OK)
        return status;
    if (!fl_segment_peek_head((const unsigned char *)bytes->data, &head_size,
                              &block_size) ||
        block_size > reader->file_size - offset)
        return fl_reader_fail(reader, FLOWAN_ERROR_FORMAT, offset, "head of a block",
                              error);
    status = fl_reader_load(reader, bytes, offset, head_size, error);
    if (status != FLOWAN_OK)
        return status;
    status = fl_segment_get_head((const unsigned char *)bytes->data, head_size, head);
    if (status != FLOWAN_OK)
        return fl_reader_fail(reader, status, offset, "head of a block", error);
    return FLOWAN_OK;
}

void fl_workspace_free(fl_workspace *space)
{
    fl_codec_free(space->codec);
    fl_buffer_free(&space->head);
    fl_buffer_free(&space->stored);
    for (size_t i = 0; i < sizeof space->spares / sizeof *space->spares; i++)
        fl_buffer_free(&space->spares[i]);
    fl_pool_free(&space->pool);
    fl_pool_free(&space->sparse);
}

static bool add_block(flowan_reader *reader, uint64_t offset,
                      const fl_segment_head *head)
{
    if (!fl_memory_grow((void **)&reader->blocks, &reader->blocks_room,
                        reader->block_count + 1, sizeof *reader->blocks))
        return false;
    reader->blocks[reader->block_count++] = (fl_segment_block){
        .offset = offset, .size = head->block_size, .stats = head->stats};
    return true;
}

/* Notes how far a block says that its log was read. */
static bool add_log(flowan_reader *reader, const flowan_log_state *log)
{
    if (!log->path)
        return true;
    /* A file that was truncated and began anew is another log, with another position. */
    size_t at = reader->log_count;
    while (at > 0 && !(fl_segment_same_log(&reader->logs[at - 1], log) &&
                       reader->logs[at - 1].position.offset <= log->position.offset))
        at--;
    at = at > 0 ? at - 1 : reader->log_count;
    if (!fl_memory_grow((void **)&reader->logs, &reader->logs_room, at + 1,
                        sizeof *reader->logs))
        return false;
    /* The buffer moves as it grows: until the walk ends, path is an offset into it. */
    size_t start = reader->walk_paths.size;
    if (at < reader->log_count)
        start = (size_t)(uintptr_t)reader->logs[at].path;
    else
        fl_buffer_append(&reader->walk_paths, log->path, strlen(log->path) + 1);
    if (reader->walk_paths.failed)
        return false;
    reader->logs[at] = *log;
    reader->logs[at].path = (const char *)(uintptr_t)start;
    if (at == reader->log_count)
        reader->log_count++;
    return true;
}

/* The next place at or behind `offset` where a block's magic stands; the file's size
 * when there is none. */
static flowan_status find_magic(flowan_reader *reader, uint64_t *offset,
                                flowan_error *error)
{
    while (reader->file_size - *offset >= FL_SEGMENT_BLOCK_FIXED_SIZE) {
        uint64_t size = reader->file_size - *offset;
        size = size < WALK_CHUNK ? size : WALK_CHUNK;
        flowan_status status =
            fl_reader_load(reader, &reader->space.stored, *offset, size, error);
        if (status != FLOWAN_OK)
            return status;
        const char *found =
            memmem(reader->space.stored.data, (size_t)size, "FLBLOCK\n", 8);
        if (found) {
            *offset += (uint64_t)(found - reader->space.stored.data);
            return FLOWAN_OK;
        }
        *offset += size > 7 ? size - 7 : size;
    }
    *offset = reader->file_size;
    return FLOWAN_OK;
}

/* Block by block from the header on. A place that holds no sound block is searched for
 * the next one: damage costs only what it hit. */
static flowan_status walk(flowan_reader *reader, flowan_error *error)
{
    uint64_t offset = FL_SEGMENT_HEADER_SIZE;
    /* Bytes read in vain: a file made of what looks like heads must not hold us up. */
    uint64_t spent = 0;
    const uint64_t limit = 4 * reader->file_size + WALK_IN_VAIN;
    while (offset < reader->file_size) {
        fl_segment_head head = {0};
        flowan_status status =
            fl_reader_head(reader, &reader->space.head, offset, &head, NULL);
        if (status == FLOWAN_OK) {
            bool added = add_block(reader, offset, &head);
            for (size_t i = 0; added && i < head.log_count; i++)
                added = add_log(reader, &head.logs[i]);
            offset += head.block_size;
            fl_segment_head_free(&head);
            if (!added)
                return fl_status_memory(error);
            continue;
        }
        if (status == FLOWAN_ERROR_MEMORY || status == FLOWAN_ERROR_IO)
            return fl_reader_fail(reader, status, offset, "block", error);
        if (spent > limit)
            break;
        spent += reader->space.head.size + WALK_CHUNK;
        offset++;
        status = find_magic(reader, &offset, error);
        if (status != FLOWAN_OK)
            return status;
    }
    for (size_t i = 0; i < reader->log_count; i++)
        reader->logs[i].path =
            reader->walk_paths.data + (uintptr_t)reader->logs[i].path;
    return FLOWAN_OK;
}

/* FLOWAN_END when the file has no sound footer. */
static flowan_status read_footer(flowan_reader *reader, flowan_error *error)
{
    if (reader->file_size < FL_SEGMENT_HEADER_SIZE + FL_SEGMENT_TRAILER_SIZE)
        return FLOWAN_END;
    uint64_t offset;
    uint64_t size;
    flowan_status status = fl_reader_load(reader, &reader->footer,
                                          reader->file_size - FL_SEGMENT_TRAILER_SIZE,
                                          FL_SEGMENT_TRAILER_SIZE, error);
    if (status != FLOWAN_OK)
        return status;
    if (!fl_segment_get_trailer((const unsigned char *)reader->footer.data,
                                reader->file_size, &offset, &size))
        return FLOWAN_END;
    status = fl_reader_load(reader, &reader->footer, offset, size, error);
    if (status != FLOWAN_OK)
        return status;
    status = fl_segment_get_footer(
        (const unsigned char *)reader->footer.data, reader->footer.size,
        &reader->blocks, &reader->block_count, &reader->logs, &reader->log_count);
    if (status == FLOWAN_ERROR_MEMORY)
        return fl_status_memory(error);
    if (status != FLOWAN_OK)
        return FLOWAN_END;
    uint64_t end = FL_SEGMENT_HEADER_SIZE;
    if (reader->block_count > 0)
        end = reader->blocks[reader->block_count - 1].offset +
              reader->blocks[reader->block_count - 1].size;
    if (end == offset)
        return FLOWAN_OK;
    /* bytes between the blocks and the footer, under no checksum: what the footer says
     * is not believed */
    fl_memory_free(reader->blocks);
    fl_memory_free(reader->logs);
    reader->blocks = NULL;
    reader->logs = NULL;
    reader->block_count = reader->log_count = 0;
    return FLOWAN_END;
}

static flowan_status read_header(flowan_reader *reader, flowan_error *error)
{
    flowan_status status =
        fl_reader_load(reader, &reader->space.head, 0, FL_SEGMENT_HEADER_SIZE, error);
    if (status == FLOWAN_ERROR_MEMORY || status == FLOWAN_ERROR_IO)
        return status;
    if (status == FLOWAN_OK)
        status = fl_segment_get_header((const unsigned char *)reader->space.head.data,
                                       &reader->header);
    reader->header_status = status;
    switch (status) {
    case FLOWAN_OK:
    case FLOWAN_ERROR_CHECKSUM: return FLOWAN_OK;
    case FLOWAN_ERROR_VERSION:
        return fl_status_fail(error, status, 8,
                              "%s: written in format %u, this libflowan reads format %d",
                              reader->path, reader->header.version, FL_SEGMENT_VERSION);
    default:
        return fl_status_fail(error, FLOWAN_ERROR_FORMAT, 0,
                              "%s: is no flowan segment: it does not begin as one",
                              reader->path);
    }
}

static flowan_status prepare(flowan_reader **out, const char *name, flowan_error *error)
{
    flowan_reader *reader = fl_memory_zalloc(1, sizeof *reader);
    size_t name_size = strlen(name) + 1;
    if (reader) {
        reader->fd = -1;
        reader->path = fl_memory_alloc(name_size, 1);
    }
    if (!reader || !reader->path) {
        flowan_reader_free(reader);
        return fl_status_memory(error);
    }
    memcpy(reader->path, name, name_size);
    *out = reader;
    return FLOWAN_OK;
}

/* Finds the blocks; a reader that cannot is freed. */
static flowan_status begin(flowan_reader **out, flowan_reader *reader,
                           flowan_error *error)
{
    flowan_status status = read_header(reader, error);
    if (status == FLOWAN_OK) {
        status = read_footer(reader, error);
        reader->finished = status == FLOWAN_OK;
        if (status == FLOWAN_END)
            status = walk(reader, error);
    }
    if (status < 0) {
        flowan_reader_free(reader);
        return status;
    }
    *out = reader;
    return FLOWAN_OK;
}

flowan_status flowan_reader_open(flowan_reader **out, const char *path,
                                 flowan_error *error)
{
    *out = NULL;
    flowan_reader *reader;
    flowan_status status = prepare(&reader, path, error);
    if (status != FLOWAN_OK)
        return status;
    reader->fd = open(path, O_RDONLY | O_CLOEXEC);
    int number = reader->fd < 0 ? errno : fl_file_size(reader->fd, &reader->file_size);
    if (number != 0) {
        flowan_reader_free(reader);
        return fl_status_errno(error, number, "open", path);
    }
    return begin(out, reader, error);
}

flowan_status flowan_reader_new(flowan_reader **out, flowan_read_function read,
                                void *context, uint64_t size, const char *name,
                                flowan_error *error)
{
    *out = NULL;
    if (!read)
        return fl_status_fail(error, FLOWAN_ERROR_ARGUMENT, FL_NO_OFFSET,
                              "a reader of %s needs a function to read with", name);
    flowan_reader *reader;
    flowan_status status = prepare(&reader, name, error);
    if (status != FLOWAN_OK)
        return status;
    reader->read = read;
    reader->context = context;
    reader->file_size = size;
    return begin(out, reader, error);
}

void flowan_reader_free(flowan_reader *reader)
{
    if (!reader)
        return;
    if (reader->fd >= 0)
        close(reader->fd);
    fl_memory_free(reader->path);
    fl_memory_free(reader->blocks);
    fl_memory_free(reader->logs);
    fl_buffer_free(&reader->footer);
    fl_buffer_free(&reader->walk_paths);
    fl_buffer_free(&reader->summaries);
    if (reader->listing)
        reader->forget_listing(reader);
    fl_workspace_free(&reader->space);
    fl_memory_free(reader);
}

flowan_segment_info flowan_reader_info(const flowan_reader *reader)
{
    flowan_segment_info info = {.format_version = reader->header.version,
                                .serial = reader->header.serial,
                                .interval_start_ns = reader->header.interval_start_ns,
                                .interval_ns = reader->header.interval_ns,
                                .last_serial = reader->header.last_serial,
                                .file_bytes = reader->file_size,
                                .finished = reader->finished,
                                .blocks = reader->block_count,
                                .logs = reader->log_count,
                                .stats = fl_segment_stats_none()};
    for (size_t i = 0; i < reader->block_count; i++)
        fl_segment_stats_add(&info.stats, &reader->blocks[i].stats);
    return info;
}

const fl_segment_block *fl_reader_blocks(const flowan_reader *reader, size_t *count)
{
    *count = reader->block_count;
    return reader->blocks;
}

bool flowan_reader_block(const flowan_reader *reader, size_t index,
                         flowan_segment_stats *out)
{
    if (index >= reader->block_count)
        return false;
    *out = reader->blocks[index].stats;
    return true;
}

bool flowan_reader_log(const flowan_reader *reader, size_t index, flowan_log_state *out)
{
    if (index >= reader->log_count)
        return false;
    *out = reader->logs[index];
    return true;
}

int fl_reader_field(const fl_layout_column *column)
{
    int field = flowan_field_find(column->name, column->name_size);
    return field >= 0 && flowan_field_info_of((flowan_field)field)->type == column->type
               ? field
               : -1;
}

/* --- verifying --- */

typedef struct findings {
    size_t damaged;
    flowan_status first;
    flowan_error *error; /* of the first */
} findings;

static void note(findings *found, flowan_status status, const flowan_error *detail)
{
    if (found->damaged++ > 0)
        return;
    found->first = status;
    if (found->error)
        *found->error = *detail;
}

static void note_gap(flowan_reader *reader, findings *found, uint64_t from, uint64_t to)
{
    flowan_error detail;
    if (from == to)
        return;
    note(found,
         fl_status_fail(&detail, FLOWAN_ERROR_FORMAT, from,
                        "%s: bytes %llu to %llu belong to no sound block", reader->path,
                        (unsigned long long)from, (unsigned long long)to),
         &detail);
}

/* All sections of a block, also those that no column needs. */
static flowan_status check_sections(flowan_reader *reader, size_t index,
                                    flowan_error *error)
{
    fl_segment_head head;
    uint64_t block = reader->blocks[index].offset;
    flowan_status status =
        fl_reader_head(reader, &reader->space.head, block, &head, error);
    if (status != FLOWAN_OK)
        return status;
    for (size_t i = 0; status == FLOWAN_OK && i < head.section_count; i++) {
        const fl_segment_section *section = &head.sections[i];
        status = fl_reader_load(reader, &reader->space.stored, block + section->offset,
                                section->size, error);
        if (status == FLOWAN_OK &&
            fl_segment_checksum(reader->space.stored.data, section->size) !=
                section->checksum)
            status =
                fl_reader_fail(reader, FLOWAN_ERROR_CHECKSUM, block + section->offset,
                               "section of a block", error);
    }
    fl_segment_head_free(&head);
    return status;
}

/* Each byte is read and each checksum checked, and all is unpacked. */
static void verify_blocks(flowan_reader *reader, flowan_batch *batch, findings *found)
{
    uint64_t expected = FL_SEGMENT_HEADER_SIZE;
    for (size_t i = 0; i < reader->block_count; i++) {
        flowan_error detail;
        note_gap(reader, found, expected, reader->blocks[i].offset);
        flowan_status status = check_sections(reader, i, &detail);
        if (status == FLOWAN_OK)
            status = flowan_reader_read(reader, i, NULL, 0, batch, &detail);
        if (status != FLOWAN_OK)
            note(found, status, &detail);
        expected = reader->blocks[i].offset + reader->blocks[i].size;
    }
    /* a finished file's footer was checked when it was opened, and ends the file */
    if (!reader->finished)
        note_gap(reader, found, expected, reader->file_size);
}

flowan_status flowan_reader_verify(flowan_reader *reader, size_t *damaged,
                                   flowan_error *error)
{
    findings found = {.first = FLOWAN_OK, .error = error};
    flowan_batch *batch;
    flowan_status status = flowan_batch_new(&batch, NULL, error);
    if (status != FLOWAN_OK)
        return status;
    flowan_error detail;
    if (reader->header_status != FLOWAN_OK) {
        fl_reader_fail(reader, reader->header_status, 0, "header", &detail);
        note(&found, reader->header_status, &detail);
    }
    verify_blocks(reader, batch, &found);
    flowan_batch_free(batch);
    if (damaged)
        *damaged = found.damaged;
    return found.first;
}
