/* What is sound of damaged segments, in new ones. What is sound, the reader says. */
#include "flowan/care.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "care.h"
#include "clock.h"
#include "file.h"
#include "listing.h"
#include "reader.h"
#include "status.h"
#include "text.h"
#include "writer.h"

enum { COPY_SIZE = 1 << 20 };

/* States of logs, paths owned. Of two for one log the later one counts: readers take them
 * in their order. */
typedef struct states {
    flowan_log_state *logs;
    size_t count;
    size_t room;
} states;

typedef struct repair {
    flowan_repair_options options;
    flowan_repair_result result;
    const char *directory;
    fl_care care;
    flowan_archiver *writer; /* holds the lock of those who write; NULL: not ours */
    states known;            /* as of the segments before */
    uint64_t interval_ns;    /* of the last that could be read */
    flowan_batch *batch;
    /* the segment that is being looked at */
    const char *path;
    bool open;
    flowan_reader *reader;
    bool has_header;
    bool *sound; /* its blocks */
    fl_buffer final;
    fl_buffer temporary;
    fl_buffer headed; /* a copy with another header, or empty */
    fl_buffer aside;
    fl_buffer bytes;
} repair;

/* --- logs --- */

static void clear_states(states *s)
{
    for (size_t i = 0; i < s->count; i++)
        fl_memory_free((char *)s->logs[i].path);
    s->count = 0;
}

static bool put_state(states *s, const flowan_log_state *log)
{
    size_t size = strlen(log->path) + 1;
    char *path = fl_memory_alloc(size, 1);
    if (!path ||
        !fl_memory_grow((void **)&s->logs, &s->room, s->count + 1, sizeof *s->logs)) {
        fl_memory_free(path);
        return false;
    }
    memcpy(path, log->path, size);
    size_t at = 0;
    while (at < s->count && !(fl_segment_same_log(&s->logs[at], log) &&
                              s->logs[at].position.offset <= log->position.offset))
        at++;
    if (at < s->count) {
        fl_memory_free((char *)s->logs[at].path);
        memmove(s->logs + at, s->logs + at + 1, (s->count - at - 1) * sizeof *s->logs);
        s->count--;
    }
    s->logs[s->count] = *log;
    s->logs[s->count++].path = path;
    return true;
}

/* A footer has the states of all before it; blocks without one have only their own. */
static flowan_status learn(repair *r, flowan_error *error)
{
    flowan_log_state log;
    if (r->reader->finished)
        clear_states(&r->known);
    for (size_t i = 0; flowan_reader_log(r->reader, i, &log); i++)
        if (!put_state(&r->known, &log))
            return fl_status_memory(error);
    return FLOWAN_OK;
}

/* --- the header --- */

/* What the name of a file says of it: flowan.20250315T000000Z.00000001-00000002.seg */
static fl_segment_header header_by_name(const repair *r, size_t index)
{
    fl_segment_header header = {.serial = fl_archive_serial(r->care.archive, index),
                                .last_serial =
                                    fl_archive_last_serial(r->care.archive, index),
                                .interval_ns = r->interval_ns};
    if (header.last_serial == header.serial)
        header.last_serial = 0;
    const char *t = strrchr(r->path, '/') + sizeof "/flowan." - 1;
    fl_buffer time = {0};
    if (strlen(t) > 16 && t[8] == 'T')
        fl_buffer_format(&time, "%.4s-%.2s-%.2sT%.2s:%.2s:%.2sZ", t, t + 4, t + 6,
                         t + 9, t + 11, t + 13);
    if (time.failed || !fl_text_get_time(time.data ? time.data : "", time.size,
                                         &header.interval_start_ns))
        header.interval_start_ns = 0;
    fl_buffer_free(&time);
    return header;
}

static fl_segment_header header_of(const repair *r, size_t index)
{
    return r->has_header ? r->reader->header : header_by_name(r, index);
}

static int copy_behind(int from, int to, uint64_t size, fl_buffer *bytes)
{
    int number = 0;
    for (uint64_t at = FL_SEGMENT_HEADER_SIZE; number == 0 && at < size;) {
        size_t piece = size - at < COPY_SIZE ? (size_t)(size - at) : COPY_SIZE;
        fl_buffer_clear(bytes);
        if (!fl_buffer_reserve(bytes, piece))
            return ENOMEM;
        number = fl_file_pread(from, bytes->data, piece, at);
        if (number == 0)
            number = fl_file_write(to, bytes->data, piece);
        at += piece;
    }
    return number;
}

/* A file that does not begin as a segment may have lost only that: a copy with a header
 * can be read. */
static flowan_status copy_with_header(repair *r, size_t index, flowan_error *error)
{
    const char *slash = strrchr(r->path, '/');
    fl_buffer_clear(&r->headed);
    fl_buffer_append(&r->headed, r->path, (size_t)(slash + 1 - r->path));
    fl_buffer_text(&r->headed, "flowan.header.seg" FL_ARCHIVE_CARE);
    fl_buffer_byte(&r->headed, 0);
    if (r->headed.failed)
        return fl_status_memory(error);
    fl_segment_header header = header_by_name(r, index);
    unsigned char bytes[FL_SEGMENT_HEADER_SIZE];
    fl_segment_put_header(bytes, &header);
    uint64_t size = 0;
    int from = open(r->path, O_RDONLY | O_CLOEXEC);
    int number = from < 0 ? errno : fl_file_size(from, &size);
    int to = number ? -1 : open(r->headed.data, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (number == 0)
        number = to < 0 ? errno : fl_file_write(to, bytes, sizeof bytes);
    if (number == 0)
        number = copy_behind(from, to, size, &r->bytes);
    if (from >= 0)
        close(from);
    if (to >= 0 && close(to) != 0 && number == 0)
        number = errno;
    if (number == ENOMEM)
        return fl_status_memory(error);
    return number == 0 ? FLOWAN_OK : fl_status_errno(error, number, "copy", r->path);
}

/* --- what is sound --- */

/* *damaged: something of it is not as it was written. */
static flowan_status check_blocks(repair *r, bool *damaged, flowan_error *error)
{
    const flowan_reader *reader = r->reader;
    uint64_t expected = FL_SEGMENT_HEADER_SIZE;
    *damaged = !r->has_header || !reader->finished;
    fl_memory_free(r->sound);
    r->sound = fl_memory_zalloc(reader->block_count, sizeof *r->sound);
    if (!r->sound)
        return fl_status_memory(error);
    for (size_t i = 0; i < reader->block_count; i++) {
        flowan_status status =
            flowan_reader_read(r->reader, i, NULL, 0, r->batch, error);
        if (status == FLOWAN_ERROR_MEMORY || status == FLOWAN_ERROR_IO)
            return status;
        r->sound[i] = status == FLOWAN_OK;
        *damaged |= !r->sound[i] || reader->blocks[i].offset != expected;
        expected = reader->blocks[i].offset + reader->blocks[i].size;
        if (r->options.progress && r->options.progress(r->options.context) != 0) {
            r->result.stopped = true;
            return FLOWAN_END;
        }
    }
    return FLOWAN_OK;
}

/* Where the footer began at or behind `from`, or would have: the file's size. *found is
 * false when nothing is left of it. */
static uint64_t footer_begin(repair *r, uint64_t from, bool *found)
{
    flowan_reader *reader = r->reader;
    uint64_t offset;
    uint64_t size;
    *found = true;
    if (reader->file_size >= from + FL_SEGMENT_TRAILER_SIZE &&
        fl_reader_load(reader, &r->bytes, reader->file_size - FL_SEGMENT_TRAILER_SIZE,
                       FL_SEGMENT_TRAILER_SIZE, NULL) == FLOWAN_OK &&
        fl_segment_get_trailer((const unsigned char *)r->bytes.data, reader->file_size,
                               &offset, &size) &&
        offset >= from)
        return offset;
    for (uint64_t at = from; reader->file_size - at >= 8;) {
        size = reader->file_size - at;
        size = size < COPY_SIZE ? size : COPY_SIZE;
        if (fl_reader_load(reader, &r->bytes, at, size, NULL) != FLOWAN_OK)
            break;
        const char *magic = memmem(r->bytes.data, (size_t)size, "FLINDEX\n", 8);
        if (magic)
            return at + (uint64_t)(magic - r->bytes.data);
        at += size - 7;
    }
    *found = false;
    return reader->file_size;
}

/* --- telling --- */

static flowan_repair_event event_of(const repair *r, flowan_repair_kind kind)
{
    return (flowan_repair_event){
        .kind = kind, .path = r->path, .lost = fl_segment_stats_none()};
}

static void tell(const repair *r, const flowan_repair_event *event)
{
    if (r->options.tell)
        r->options.tell(r->options.context, event);
}

static void tell_failure(repair *r, const flowan_error *why)
{
    flowan_repair_event event = event_of(r, FLOWAN_REPAIR_FAILED);
    event.message = why->message;
    r->result.failed++;
    tell(r, &event);
}

/* Bytes of which nothing more is known. */
static void tell_gap(const repair *r, flowan_repair_event *all, uint64_t from,
                     uint64_t to)
{
    flowan_repair_event event = event_of(r, FLOWAN_REPAIR_LOST);
    event.from = from;
    event.to = to;
    event.rows_unknown = all->rows_unknown = true;
    tell(r, &event);
}

static void tell_block(const repair *r, flowan_repair_event *all,
                       const fl_segment_block *block)
{
    flowan_repair_event event = event_of(r, FLOWAN_REPAIR_LOST);
    event.from = block->offset;
    event.to = block->offset + block->size;
    event.lost = block->stats;
    fl_segment_stats_add(&all->lost, &block->stats);
    tell(r, &event);
}

static void tell_losses(repair *r, flowan_repair_event *all)
{
    const flowan_reader *reader = r->reader;
    uint64_t expected = FL_SEGMENT_HEADER_SIZE;
    for (size_t i = 0; i < reader->block_count; i++) {
        const fl_segment_block *block = &reader->blocks[i];
        if (block->offset > expected)
            tell_gap(r, all, expected, block->offset);
        if (r->sound[i]) {
            all->blocks++;
            all->rows += block->stats.rows;
        } else {
            tell_block(r, all, block);
        }
        expected = block->offset + block->size;
    }
    if (reader->finished)
        return;
    bool found;
    uint64_t footer = footer_begin(r, expected, &found);
    if (footer > expected)
        tell_gap(r, all, expected, footer);
    else if (!found && !r->open)
        tell_gap(r, all, footer, footer);
}

static void tell_mended(repair *r)
{
    flowan_repair_event all = event_of(r, FLOWAN_REPAIR_MENDED);
    tell_losses(r, &all);
    all.aside = r->aside.data;
    r->result.mended++;
    r->result.rows_lost += all.lost.rows;
    r->result.rows_unknown |= all.rows_unknown;
    tell(r, &all);
}

/* --- making it anew --- */

static flowan_status write_anew(repair *r, size_t index, flowan_error *error)
{
    fl_segment_header header = header_of(r, index);
    flowan_writer_options options = {.size = sizeof options,
                                     .serial = header.serial,
                                     .last_serial = header.last_serial,
                                     .interval_start_ns = header.interval_start_ns,
                                     .interval_ns = header.interval_ns};
    flowan_writer *writer = NULL;
    flowan_reader *reader = NULL;
    flowan_status status =
        flowan_writer_open(&writer, r->temporary.data, &options, error);
    if (status == FLOWAN_OK)
        status = fl_listing_summarize(r->reader, error);
    for (size_t i = 0; status == FLOWAN_OK && i < r->reader->block_count; i++) {
        const fl_segment_block *block = &r->reader->blocks[i];
        if (!r->sound[i])
            continue;
        status =
            fl_reader_load(r->reader, &r->bytes, block->offset, block->size, error);
        if (status == FLOWAN_OK)
            status = fl_writer_copy(writer, block, &r->bytes, error);
    }
    if (status == FLOWAN_OK)
        status = flowan_writer_finish(writer, r->known.logs, r->known.count, error);
    flowan_writer_free(writer);
    /* nothing takes another's place unless it is sound */
    if (status == FLOWAN_OK)
        status = flowan_reader_open(&reader, r->temporary.data, error);
    if (status == FLOWAN_OK)
        status = flowan_reader_verify(reader, NULL, error);
    flowan_reader_free(reader);
    if (status != FLOWAN_OK)
        unlink(r->temporary.data);
    return status;
}

static flowan_status mend(repair *r, size_t index, flowan_error *error)
{
    size_t size = strlen(r->path) - (r->open ? strlen(FL_ARCHIVE_OPEN) : 0);
    fl_buffer_clear(&r->final);
    fl_buffer_append(&r->final, r->path, size);
    fl_buffer_byte(&r->final, 0);
    if (r->final.failed)
        return fl_status_memory(error);
    flowan_status status = fl_care_temporary(&r->temporary, r->final.data, error);
    if (status == FLOWAN_OK)
        status = write_anew(r, index, error);
    /* The damaged file has a second name before it loses the first. */
    if (status == FLOWAN_OK)
        status = fl_care_keep(&r->aside, r->directory, r->path, error);
    if (status == FLOWAN_OK)
        status = fl_care_publish(r->temporary.data, r->final.data, error);
    if (status == FLOWAN_OK && r->open)
        status = fl_care_remove(r->path, error);
    return status == FLOWAN_OK && r->open ? fl_care_sync(r->path, error) : status;
}

static flowan_status move_aside(repair *r, flowan_error *error)
{
    flowan_status status = fl_care_keep(&r->aside, r->directory, r->path, error);
    if (status == FLOWAN_OK)
        status = fl_care_remove(r->path, error);
    if (status == FLOWAN_OK)
        status = fl_care_sync(r->path, error);
    if (status != FLOWAN_OK)
        return status;
    flowan_repair_event event = event_of(r, FLOWAN_REPAIR_ASIDE);
    event.aside = r->aside.data;
    event.rows_unknown = r->result.rows_unknown = true;
    r->result.aside++;
    tell(r, &event);
    return FLOWAN_OK;
}

/* --- one after another --- */

static flowan_status open_segment(repair *r, size_t index, flowan_error *error)
{
    flowan_status status = flowan_reader_open(&r->reader, r->path, error);
    if (status == FLOWAN_OK) {
        r->has_header = r->reader->header_status == FLOWAN_OK;
        return FLOWAN_OK;
    }
    if (status != FLOWAN_ERROR_FORMAT)
        return status;
    r->has_header = false;
    status = copy_with_header(r, index, error);
    if (status == FLOWAN_OK)
        status = flowan_reader_open(&r->reader, r->headed.data, error);
    if (status == FLOWAN_OK && !r->reader->finished && r->reader->block_count == 0)
        status = FLOWAN_ERROR_FORMAT;
    return status;
}

/* Nobody begins a segment while an earlier one is open: the last may be in work. */
static bool is_in_work(const repair *r, size_t index)
{
    return r->open && !r->writer &&
           index + 1 == flowan_archive_segments(r->care.archive);
}

static flowan_status look_at(repair *r, size_t index, flowan_error *error)
{
    r->path = flowan_archive_path(r->care.archive, index);
    r->open = fl_archive_is_open(r->care.archive, index);
    if (is_in_work(r, index))
        return FLOWAN_OK;
    r->result.segments++;
    bool damaged = false;
    flowan_status status = open_segment(r, index, error);
    if (status == FLOWAN_ERROR_FORMAT)
        return move_aside(r, error);
    if (status == FLOWAN_OK)
        status = check_blocks(r, &damaged, error);
    if (status == FLOWAN_OK)
        status = learn(r, error);
    if (status == FLOWAN_OK && r->has_header)
        r->interval_ns = r->reader->header.interval_ns;
    if (status != FLOWAN_OK || !damaged)
        return status;
    status = mend(r, index, error);
    if (status == FLOWAN_OK)
        tell_mended(r);
    return status;
}

static void close_segment(repair *r)
{
    flowan_reader_free(r->reader);
    r->reader = NULL;
    if (r->headed.size > 0)
        unlink(r->headed.data);
    fl_buffer_clear(&r->headed);
}

/* An open segment is nobody's work while we could write ourselves; recovery finishes it
 * where that costs nothing. */
static flowan_status take_writer(repair *r, flowan_error *error)
{
    bool open = false;
    for (size_t i = 0; i < flowan_archive_segments(r->care.archive); i++)
        open |= fl_archive_is_open(r->care.archive, i);
    if (!open)
        return FLOWAN_OK;
    flowan_status status = flowan_archiver_open(&r->writer, r->directory, NULL, error);
    if (status != FLOWAN_OK)
        return status == FLOWAN_ERROR_LOCKED ? FLOWAN_OK : status;
    flowan_archive_free(r->care.archive);
    return flowan_archive_open(&r->care.archive, r->directory, error);
}

flowan_status flowan_archive_repair(const char *directory,
                                    const flowan_repair_options *options,
                                    flowan_repair_result *result, flowan_error *error)
{
    if (result)
        *result = (flowan_repair_result){0};
    if (!fl_status_options_fit(options, sizeof *options))
        return fl_status_fail(error, FLOWAN_ERROR_ARGUMENT, FL_NO_OFFSET,
                              "repair options: unknown members");
    repair r = {.directory = directory, .interval_ns = FL_CLOCK_DAY_NS};
    if (options)
        memcpy(&r.options, options,
               options->size < sizeof *options ? options->size : sizeof *options);
    flowan_status status = fl_care_begin(&r.care, directory, "repaired", error);
    if (status == FLOWAN_OK)
        status = take_writer(&r, error);
    if (status == FLOWAN_OK)
        status = flowan_batch_new(&r.batch, NULL, error);
    size_t count = status == FLOWAN_OK ? flowan_archive_segments(r.care.archive) : 0;
    for (size_t i = 0; status == FLOWAN_OK && i < count && !r.result.stopped; i++) {
        flowan_error why;
        flowan_status one = look_at(&r, i, &why);
        if (one < 0)
            tell_failure(&r, &why);
        close_segment(&r);
    }
    if (result)
        *result = r.result;
    flowan_batch_free(r.batch);
    flowan_archiver_free(r.writer);
    fl_care_end(&r.care);
    clear_states(&r.known);
    fl_memory_free(r.known.logs);
    fl_memory_free(r.sound);
    fl_buffer_free(&r.final);
    fl_buffer_free(&r.temporary);
    fl_buffer_free(&r.headed);
    fl_buffer_free(&r.aside);
    fl_buffer_free(&r.bytes);
    return status;
}
