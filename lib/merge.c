/* Segments of a day into one. Which rows come together in a block is repack's. */
#include "flowan/care.h"

#include <stdio.h>
#include <unistd.h>

#include "care.h"
#include "clock.h"
#include "reader.h"
#include "repack.h"
#include "status.h"

typedef struct merge {
    flowan_merge_options options;
    flowan_merge_result result;
    fl_care care;
    size_t first; /* segments [first, end) of the listing are to be one */
    size_t end;
    uint64_t day;
    flowan_merged group;  /* what they hold */
    fl_buffer path;       /* of what they become, NUL behind */
    fl_buffer temporary;  /* where that is written */
    flowan_status status; /* the first failure */
} merge;

/* --- which --- */

/* Whether all of its interval lies in a day that is old enough. */
static bool is_ripe(const merge *m, const flowan_segment_info *info)
{
    uint64_t day = info->interval_start_ns / FL_CLOCK_DAY_NS;
    uint64_t into = info->interval_start_ns % FL_CLOCK_DAY_NS;
    uint64_t ended = (day + 1) * FL_CLOCK_DAY_NS;
    return info->interval_start_ns <= INT64_MAX && info->interval_ns > 0 &&
           info->interval_ns <= FL_CLOCK_DAY_NS - into && ended <= m->options.now_ns &&
           m->options.now_ns - ended >= m->options.older_than_ns;
}

/* A segment whose name tells other serials than its header was put there by hand. */
static bool has_own_name(const merge *m, size_t index, const flowan_segment_info *info)
{
    uint64_t last = info->last_serial ? info->last_serial : info->serial;
    return fl_archive_serial(m->care.archive, index) == info->serial &&
           fl_archive_last_serial(m->care.archive, index) == last;
}

static bool is_sound(const flowan_reader *reader)
{
    return reader->finished && reader->header_status == FLOWAN_OK;
}

/* --- making one --- */

static flowan_status name_group(merge *m, flowan_error *error)
{
    uint64_t start_ns = m->day * FL_CLOCK_DAY_NS;
    const char *first = flowan_archive_path(m->care.archive, m->first);
    fl_buffer_clear(&m->path);
    /* segments of one day are in one directory */
    fl_buffer_append(&m->path, first, (size_t)(strrchr(first, '/') + 1 - first));
    fl_archive_put_range(&m->path, start_ns,
                         fl_archive_serial(m->care.archive, m->first),
                         fl_archive_last_serial(m->care.archive, m->end - 1));
    fl_buffer_byte(&m->path, 0);
    if (m->path.failed)
        return fl_status_memory(error);
    return fl_care_temporary(&m->temporary, m->path.data, error);
}

static flowan_status take_segment(merge *m, fl_repack *repack, flowan_reader *reader,
                                  flowan_error *error)
{
    flowan_status status = FLOWAN_OK;
    size_t blocks = flowan_reader_info(reader).blocks;
    for (size_t i = 0; status == FLOWAN_OK && i < blocks; i++)
        status = fl_repack_block(repack, reader, i, error);
    if (status == FLOWAN_OK && m->options.progress &&
        m->options.progress(m->options.context) != 0) {
        m->result.stopped = true;
        status = FLOWAN_END;
    }
    return status;
}

static flowan_status write_group(merge *m, flowan_error *error)
{
    flowan_writer_options options = {
        .size = sizeof options,
        .serial = fl_archive_serial(m->care.archive, m->first),
        .last_serial = fl_archive_last_serial(m->care.archive, m->end - 1),
        .interval_start_ns = m->day * FL_CLOCK_DAY_NS,
        .interval_ns = FL_CLOCK_DAY_NS,
        .level = m->options.level};
    flowan_writer *writer = NULL;
    fl_repack *repack = NULL;
    flowan_reader *reader = NULL;
    flowan_status status =
        flowan_writer_open(&writer, m->temporary.data, &options, error);
    if (status == FLOWAN_OK)
        status = fl_repack_new(&repack, writer, m->options.level, 0, error);
    for (size_t i = m->first; status == FLOWAN_OK && i < m->end; i++) {
        flowan_reader_free(reader);
        status = flowan_archive_reader(m->care.archive, i, &reader, error);
        if (status == FLOWAN_OK)
            status = take_segment(m, repack, reader, error);
    }
    if (status == FLOWAN_OK)
        status = fl_repack_flush(repack, error);
    if (status == FLOWAN_OK && reader) /* the last one's footer knows all logs */
        status = flowan_writer_finish(writer, reader->logs, reader->log_count, error);
    flowan_reader_free(reader);
    reader = NULL;
    fl_repack_free(repack);
    flowan_writer_free(writer);
    if (status == FLOWAN_OK)
        status = flowan_reader_open(&reader, m->temporary.data, error);
    if (status == FLOWAN_OK) {
        flowan_segment_info info = flowan_reader_info(reader);
        m->group.blocks = info.blocks;
        m->group.bytes = info.file_bytes;
        if (info.stats.rows != m->group.rows)
            status = fl_reader_fail(reader, FLOWAN_ERROR_FORMAT, 0,
                                    "other records than were merged", error);
    }
    flowan_reader_free(reader);
    if (status != FLOWAN_OK)
        unlink(m->temporary.data);
    return status;
}

/* From the moment that the merged one has its name the others do not count; it must last
 * before they go. */
static flowan_status replace(merge *m, flowan_error *error)
{
    flowan_status status = fl_care_publish(m->temporary.data, m->path.data, error);
    for (size_t i = m->first; status == FLOWAN_OK && i < m->end; i++)
        status = fl_care_remove(flowan_archive_path(m->care.archive, i), error);
    return status == FLOWAN_OK ? fl_care_sync(m->path.data, error) : status;
}

static void merge_group(merge *m, flowan_error *error)
{
    flowan_error detail;
    if (m->end - m->first < 2 || m->result.stopped)
        return;
    flowan_status status = name_group(m, &detail);
    if (status == FLOWAN_OK)
        status = write_group(m, &detail);
    if (status == FLOWAN_OK)
        status = replace(m, &detail);
    if (status == FLOWAN_OK) {
        m->group.path = m->path.data;
        m->group.segments = m->end - m->first;
        m->result.made++;
        m->result.merged += m->group.segments;
        if (m->options.merged)
            m->options.merged(m->options.context, &m->group);
    } else if (status < 0 && m->status == FLOWAN_OK) {
        m->status = status;
        if (error)
            *error = detail;
    }
}

/* --- all --- */

/* Whether the segment can join those before it. */
static bool joins(const merge *m, const flowan_segment_info *info)
{
    return m->end > m->first && info->interval_start_ns / FL_CLOCK_DAY_NS == m->day &&
           info->stats.rows <= m->options.segment_rows - m->group.rows;
}

static void begin_group(merge *m, size_t index)
{
    m->first = m->end = index;
    m->group = (flowan_merged){0};
}

static void add_segment(merge *m, const flowan_segment_info *info)
{
    m->day = info->interval_start_ns / FL_CLOCK_DAY_NS;
    m->end++;
    m->group.rows += info->stats.rows;
    m->group.blocks_before += info->blocks;
    m->group.bytes_before += info->file_bytes;
}

/* Ends the group before the segment, or adds it. */
static flowan_status look_at(merge *m, size_t index, flowan_error *error)
{
    flowan_reader *reader = NULL;
    bool ripe = false;
    flowan_segment_info info = {0};
    if (!fl_archive_is_open(m->care.archive, index)) {
        flowan_status status =
            flowan_archive_reader(m->care.archive, index, &reader, error);
        if (status == FLOWAN_ERROR_MEMORY)
            return status;
        if (status == FLOWAN_OK)
            info = flowan_reader_info(reader);
        bool sound = status == FLOWAN_OK && is_sound(reader);
        m->result.damaged += !sound;
        ripe = sound && is_ripe(m, &info) && has_own_name(m, index, &info) &&
               info.stats.rows <= m->options.segment_rows;
        flowan_reader_free(reader);
    }
    if (!ripe || !joins(m, &info)) {
        merge_group(m, error);
        begin_group(m, index + !ripe);
    }
    if (ripe)
        add_segment(m, &info);
    return FLOWAN_OK;
}

flowan_status flowan_archive_merge(const char *directory,
                                   const flowan_merge_options *options,
                                   flowan_merge_result *result, flowan_error *error)
{
    if (result)
        *result = (flowan_merge_result){0};
    if (!options || !fl_status_options_fit(options, sizeof *options))
        return fl_status_fail(error, FLOWAN_ERROR_ARGUMENT, FL_NO_OFFSET,
                              "merge options: none, or unknown members");
    merge m = {.status = FLOWAN_OK};
    memcpy(&m.options, options,
           options->size < sizeof *options ? options->size : sizeof *options);
    if (m.options.segment_rows == 0)
        m.options.segment_rows = FL_ARCHIVE_SEGMENT_ROWS;
    flowan_status status = fl_care_begin(&m.care, directory, "merged", error);
    for (size_t i = 0; status == FLOWAN_OK && !m.result.stopped &&
                       i < flowan_archive_segments(m.care.archive);
         i++)
        status = look_at(&m, i, error);
    if (status == FLOWAN_OK)
        merge_group(&m, error);
    fl_care_end(&m.care);
    fl_buffer_free(&m.path);
    fl_buffer_free(&m.temporary);
    if (result)
        *result = m.result;
    return status == FLOWAN_OK ? m.status : status;
}
