/* Inputs one after another. A directory is an archive, what begins as a segment is one,
 * all else is a log. Blocks and segments whose times are outside the window are not read.
 */
#include "flowan/scan.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "archive.h"
#include "clock.h"
#include "flowan/source.h"
#include "memory.h"
#include "segment.h"
#include "status.h"

/* How often an archive may change while a segment of it is looked for. */
enum { REFRESHES_MAX = 100 };

typedef enum input_kind { INPUT_ARCHIVE, INPUT_SEGMENT, INPUT_LOG } input_kind;

/* How many rows came from a segment. */
typedef struct passed {
    uint64_t serial;
    uint64_t rows;
} passed;

typedef struct input {
    input_kind kind;
    const char *path;
    flowan_archive *archive;
    passed *passed; /* of an archive, in order of serials */
    size_t passed_count;
    size_t passed_room;
} input;

struct flowan_scan {
    flowan_scan_options options;
    const char **columns; /* those of the options and, for a window, the times */
    size_t column_count;
    input *inputs;
    size_t input_count;
    size_t at;             /* input that is being read */
    size_t segment;        /* of its archive */
    flowan_reader *reader; /* of its segment */
    size_t block;
    uint64_t skip; /* rows of it that came before, from what it was merged from */
    flowan_source *source; /* or of its log */
    flowan_parser *parser;
    const char *data; /* of a run of bytes, what is not parsed yet */
    size_t data_size;
    bool source_ended;
    flowan_status held_status; /* a failure told when the rows before it are through */
    flowan_error held;
    bool stopped;
    flowan_batch *batch;
    uint32_t *rows; /* selected */
    size_t rows_room;
    flowan_selection selection;
    flowan_scan_counts counts;
    const char *name;
};

/* --- opening --- */

static const char *const time_columns[] = {"time_received_ns", "time_flow_start_ns",
                                           "time_flow_end_ns"};
enum { TIME_COLUMNS = 3 };

static bool has_window(const flowan_scan *scan)
{
    return scan->options.has_start || scan->options.has_end;
}

static flowan_status choose_columns(flowan_scan *scan, flowan_error *error)
{
    if (!scan->options.columns)
        return FLOWAN_OK;
    scan->columns = fl_memory_alloc(scan->options.column_count + TIME_COLUMNS,
                                    sizeof *scan->columns);
    if (!scan->columns)
        return fl_status_memory(error);
    for (size_t i = 0; i < scan->options.column_count; i++)
        scan->columns[scan->column_count++] = scan->options.columns[i];
    if (has_window(scan))
        for (size_t i = 0; i < TIME_COLUMNS; i++)
            scan->columns[scan->column_count++] = time_columns[i];
    return FLOWAN_OK;
}

static flowan_status classify(input *in, const char *path, flowan_error *error)
{
    *in = (input){.kind = INPUT_LOG, .path = path};
    struct stat info;
    if (strcmp(path, "-") == 0)
        return FLOWAN_OK;
    if (stat(path, &info) != 0)
        return fl_status_errno(error, errno, "open", path);
    if (S_ISDIR(info.st_mode)) {
        in->kind = INPUT_ARCHIVE;
        return flowan_archive_open(&in->archive, path, error);
    }
    /* opening a named pipe twice would end its writer */
    if (!S_ISREG(info.st_mode))
        return FLOWAN_OK;
    flowan_source *source;
    const void *data;
    size_t size;
    flowan_status status = flowan_source_open(&source, path, error);
    if (status == FLOWAN_OK &&
        flowan_source_peek(source, FL_SEGMENT_HEADER_SIZE, &data, &size, NULL) ==
            FLOWAN_OK &&
        fl_segment_is(data, size))
        in->kind = INPUT_SEGMENT;
    flowan_source_free(source);
    return status;
}

flowan_status flowan_scan_open(flowan_scan **out, const char *const *paths,
                               size_t count, const flowan_scan_options *options,
                               flowan_error *error)
{
    *out = NULL;
    if (!fl_status_options_fit(options, sizeof *options))
        return fl_status_fail(error, FLOWAN_ERROR_ARGUMENT, FL_NO_OFFSET,
                              "scan options: unknown members");
    flowan_scan *scan = fl_memory_zalloc(1, sizeof *scan);
    if (!scan)
        return fl_status_memory(error);
    if (options)
        memcpy(&scan->options, options,
               options->size < sizeof *options ? options->size : sizeof *options);
    if (!scan->options.has_end)
        scan->options.end_ns = UINT64_MAX;
    if (!scan->options.has_start)
        scan->options.start_ns = 0;
    flowan_parser_options parser_options = {.size = sizeof parser_options,
                                            .record_limit = scan->options.record_limit,
                                            .map = scan->options.map,
                                            .map_count = scan->options.map_count,
                                            .no_content_hash = true};
    flowan_status status = choose_columns(scan, error);
    scan->inputs = fl_memory_zalloc(count, sizeof *scan->inputs);
    if (status == FLOWAN_OK && !scan->inputs)
        status = fl_status_memory(error);
    if (status == FLOWAN_OK)
        status = flowan_batch_new(&scan->batch, NULL, error);
    if (status == FLOWAN_OK)
        status = flowan_parser_new(&scan->parser, &parser_options, error);
    for (size_t i = 0; status == FLOWAN_OK && i < count; i++) {
        status = classify(&scan->inputs[i], paths[i], error);
        scan->input_count++;
    }
    if (status == FLOWAN_OK)
        *out = scan;
    else
        flowan_scan_free(scan);
    return status;
}

void flowan_scan_free(flowan_scan *scan)
{
    if (!scan)
        return;
    for (size_t i = 0; i < scan->input_count; i++) {
        flowan_archive_free(scan->inputs[i].archive);
        fl_memory_free(scan->inputs[i].passed);
    }
    fl_memory_free(scan->inputs);
    fl_memory_free(scan->columns);
    flowan_reader_free(scan->reader);
    flowan_source_free(scan->source);
    flowan_parser_free(scan->parser);
    flowan_batch_free(scan->batch);
    fl_memory_free(scan->rows);
    fl_memory_free(scan);
}

/* --- the window --- */

/* Whether rows of these statistics can be in the window. */
static bool may_overlap(const flowan_scan *scan, const flowan_segment_stats *stats)
{
    if (!has_window(scan))
        return true;
    return stats->rows > stats->rows_without_time &&
           stats->span_min_ns < scan->options.end_ns &&
           stats->span_max_ns >= scan->options.start_ns;
}

static bool in_window(const flowan_scan *scan, const fl_span *span)
{
    uint64_t from = scan->options.start_ns;
    uint64_t to = scan->options.end_ns;
    if (!span->known || !fl_clock_overlaps(span, from, to))
        return false;
    return !scan->options.inside || (span->start_ns >= from && span->end_ns <= to);
}

static flowan_status select_rows(flowan_scan *scan, const flowan_selection **selection,
                                 flowan_error *error)
{
    size_t rows = flowan_batch_rows(scan->batch);
    size_t first = scan->skip < rows ? (size_t)scan->skip : rows;
    scan->skip -= first;
    scan->counts.rows += rows;
    *selection = NULL;
    if (!has_window(scan) && first == 0) {
        scan->counts.rows_selected += rows;
        return FLOWAN_OK;
    }
    if (!fl_memory_grow((void **)&scan->rows, &scan->rows_room, rows ? rows : 1,
                        sizeof *scan->rows))
        return fl_status_memory(error);
    fl_clock clock;
    fl_clock_init(&clock, scan->batch);
    size_t count = 0;
    for (size_t row = first; row < rows; row++) {
        fl_span span = fl_clock_span(&clock, row);
        if (!has_window(scan) || in_window(scan, &span))
            scan->rows[count++] = (uint32_t)row;
    }
    scan->selection = (flowan_selection){scan->rows, count};
    scan->counts.rows_selected += count;
    if (count < rows)
        *selection = &scan->selection;
    return FLOWAN_OK;
}

/* --- segments --- */

static void close_segment(flowan_scan *scan)
{
    flowan_reader_free(scan->reader);
    scan->reader = NULL;
    scan->block = 0;
    scan->skip = 0;
    scan->segment++;
}

/* Rows of the segments from `serial` on that came before. */
static uint64_t rows_passed(const input *in, uint64_t serial)
{
    uint64_t rows = 0;
    for (size_t i = in->passed_count; i-- > 0 && in->passed[i].serial >= serial;)
        rows += in->passed[i].rows;
    return rows;
}

/* Notes the segment, in place of those that it was merged from. */
static bool pass(input *in, uint64_t serial, uint64_t rows)
{
    while (in->passed_count > 0 && in->passed[in->passed_count - 1].serial >= serial)
        in->passed_count--;
    if (!fl_memory_grow((void **)&in->passed, &in->passed_room, in->passed_count + 1,
                        sizeof *in->passed))
        return false;
    in->passed[in->passed_count++] = (passed){serial, rows};
    return true;
}

/* Opens the archive's next segment. One that is gone since the listing was merged with
 * others, of whose rows those that came before are skipped, or has expired. FLOWAN_END:
 * nothing is left behind those. */
static flowan_status open_listed(flowan_scan *scan, input *in, flowan_error *error)
{
    flowan_status status =
        flowan_archive_reader(in->archive, scan->segment, &scan->reader, error);
    for (int i = 0; status == FLOWAN_ERROR_NOT_FOUND && i < REFRESHES_MAX; i++) {
        status = flowan_archive_refresh(in->archive, &scan->segment, error);
        if (status == FLOWAN_OK && scan->segment == flowan_archive_segments(in->archive))
            return FLOWAN_END;
        if (status == FLOWAN_OK)
            status =
                flowan_archive_reader(in->archive, scan->segment, &scan->reader, error);
    }
    scan->name = flowan_archive_path(in->archive, scan->segment);
    if (status != FLOWAN_OK)
        return status;
    uint64_t serial = fl_archive_serial(in->archive, scan->segment);
    scan->skip = rows_passed(in, serial);
    if (pass(in, serial, flowan_reader_info(scan->reader).stats.rows))
        return FLOWAN_OK;
    flowan_reader_free(scan->reader);
    scan->reader = NULL;
    return fl_status_memory(error);
}

/* A segment gets its final name when its footer is on disk. One without a footer under
 * such a name was cut, and what its lost part held is not known. */
static bool has_lost_its_end(const flowan_scan *scan)
{
    size_t size = strlen(scan->name);
    size_t tail = strlen(FL_ARCHIVE_OPEN);
    return !flowan_reader_info(scan->reader).finished &&
           !(size > tail && strcmp(scan->name + size - tail, FL_ARCHIVE_OPEN) == 0);
}

/* FLOWAN_END: the input has no more segments. */
static flowan_status open_segment(flowan_scan *scan, flowan_error *error)
{
    input *in = &scan->inputs[scan->at];
    while (scan->segment < (in->archive ? flowan_archive_segments(in->archive) : 1)) {
        scan->name = in->path;
        flowan_status status = in->archive
                                   ? open_listed(scan, in, error)
                                   : flowan_reader_open(&scan->reader, in->path, error);
        if (status == FLOWAN_END)
            return status;
        if (status != FLOWAN_OK) {
            scan->segment++;
            return status;
        }
        flowan_segment_info info = flowan_reader_info(scan->reader);
        if (info.blocks == 0 || has_lost_its_end(scan) ||
            may_overlap(scan, &info.stats)) {
            scan->counts.segments_read++;
            return FLOWAN_OK;
        }
        scan->counts.segments_skipped++;
        scan->counts.blocks_skipped += info.blocks;
        close_segment(scan);
    }
    return FLOWAN_END;
}

/* So many rows of the segment will not be selected from. */
static void pass_over(flowan_scan *scan, uint64_t rows)
{
    scan->skip -= rows < scan->skip ? rows : scan->skip;
}

static flowan_status next_block(flowan_scan *scan, flowan_error *error)
{
    for (;;) {
        flowan_status status = scan->reader ? FLOWAN_OK : open_segment(scan, error);
        if (status != FLOWAN_OK)
            return status;
        flowan_segment_stats stats;
        while (flowan_reader_block(scan->reader, scan->block, &stats)) {
            size_t block = scan->block++;
            bool came_before = scan->skip > 0 && stats.rows <= scan->skip;
            if (came_before || !may_overlap(scan, &stats)) {
                pass_over(scan, stats.rows);
                scan->counts.blocks_skipped++;
                continue;
            }
            scan->counts.blocks_read++;
            status = flowan_reader_read(scan->reader, block, scan->columns,
                                        scan->column_count, scan->batch, error);
            if (status != FLOWAN_OK)
                pass_over(scan, stats.rows);
            return status;
        }
        if (has_lost_its_end(scan))
            status = fl_status_fail(
                error, FLOWAN_ERROR_FORMAT, FL_NO_OFFSET,
                "%s: the end of the segment is missing or damaged, "
                "so that records may be lost: %llu bytes are left",
                scan->name,
                (unsigned long long)flowan_reader_info(scan->reader).file_bytes);
        close_segment(scan);
        if (status != FLOWAN_OK)
            return status;
    }
}

/* --- logs --- */

static void count_rejects(flowan_scan *scan)
{
    flowan_reject reject;
    for (size_t i = 0; flowan_batch_reject(scan->batch, i, &reject); i++)
        if (!reject.continued)
            scan->counts.rejects[reject.reason]++;
}

static flowan_status open_log(flowan_scan *scan, flowan_error *error)
{
    flowan_parser_reset(scan->parser);
    scan->data_size = 0;
    scan->source_ended = false;
    flowan_status status =
        flowan_source_open(&scan->source, scan->inputs[scan->at].path, error);
    if (status != FLOWAN_OK)
        scan->source_ended = true;
    else
        scan->name = flowan_source_name(scan->source);
    return status;
}

/* Fills the batch. FLOWAN_END: the log has no more. */
static flowan_status next_of_log(flowan_scan *scan, flowan_error *error)
{
    flowan_status status = scan->held_status;
    if (status != FLOWAN_OK) {
        scan->held_status = FLOWAN_OK;
        if (error)
            *error = scan->held;
        return status;
    }
    if (scan->source_ended)
        return FLOWAN_END;
    status = scan->source ? FLOWAN_OK : open_log(scan, error);
    if (status != FLOWAN_OK)
        return status;
    flowan_batch_reset(scan->batch);
    while (status == FLOWAN_OK) {
        if (scan->data_size == 0) {
            const void *data;
            status = flowan_source_read(scan->source, &data, &scan->data_size, error);
            scan->data = data;
            if (status != FLOWAN_OK)
                break;
            scan->counts.log_bytes += scan->data_size;
            if (scan->options.progress &&
                scan->options.progress(scan->options.context, &scan->counts) != 0)
                scan->stopped = true;
        }
        if (scan->stopped)
            status = FLOWAN_END;
        size_t used = 0;
        if (status == FLOWAN_OK)
            status = flowan_parser_feed(scan->parser, scan->data, scan->data_size,
                                        scan->batch, &used, error);
        scan->data += used;
        scan->data_size -= used;
    }
    if (status == FLOWAN_FULL)
        return FLOWAN_OK;
    scan->source_ended = true;
    if (status == FLOWAN_END)
        return scan->stopped ? FLOWAN_OK
                             : flowan_parser_finish(scan->parser, scan->batch, error);
    if (flowan_batch_rows(scan->batch) == 0 && flowan_batch_rejects(scan->batch) == 0)
        return status;
    scan->held_status = status;
    if (error)
        scan->held = *error;
    return FLOWAN_OK;
}

/* --- next --- */

static void next_input(flowan_scan *scan)
{
    flowan_source_free(scan->source);
    scan->source = NULL;
    scan->source_ended = false;
    scan->at++;
    scan->segment = 0;
}

flowan_status flowan_scan_next(flowan_scan *scan, const flowan_batch **batch,
                               const flowan_selection **selection, flowan_error *error)
{
    *batch = NULL;
    *selection = NULL;
    while (scan->at < scan->input_count && !scan->stopped) {
        flowan_status status;
        if (scan->inputs[scan->at].kind == INPUT_LOG) {
            status = next_of_log(scan, error);
            if (status == FLOWAN_OK)
                count_rejects(scan);
        } else {
            status = next_block(scan, error);
            if (scan->options.progress &&
                scan->options.progress(scan->options.context, &scan->counts) != 0)
                scan->stopped = true;
        }
        if (status == FLOWAN_END) {
            next_input(scan);
            continue;
        }
        if (status == FLOWAN_OK)
            status = select_rows(scan, selection, error);
        if (status == FLOWAN_OK)
            *batch = scan->batch;
        return status;
    }
    return FLOWAN_END;
}

flowan_scan_counts flowan_scan_count(const flowan_scan *scan)
{
    return scan->counts;
}

const char *flowan_scan_source(const flowan_scan *scan)
{
    return scan->name ? scan->name : "";
}
