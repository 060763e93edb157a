/* Inputs one after another. A directory is an archive, what begins as a segment is one,
 * all else is a log. */
#include "scan.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "clock.h"
#include "segment.h"
#include "status.h"

/* --- opening --- */

static const char *const time_columns[] = {"time_received_ns", "time_flow_start_ns",
                                           "time_flow_end_ns"};
enum { TIME_COLUMNS = 3 };

/* All that choosing among rows of a batch takes, behind what was asked for. */
static flowan_status list_columns(flowan_scan *scan, flowan_error *error)
{
    const flowan_scan_options *options = &scan->options;
    size_t more = 0;
    const char *const *of_filter =
        options->filter ? flowan_filter_columns(options->filter, &more) : NULL;
    if (!options->columns)
        return FLOWAN_OK;
    scan->columns = fl_memory_alloc(options->column_count + more + TIME_COLUMNS,
                                    sizeof *scan->columns);
    if (!scan->columns)
        return fl_status_memory(error);
    for (size_t i = 0; i < options->column_count; i++)
        scan->columns[scan->column_count++] = options->columns[i];
    for (size_t i = 0; i < more; i++)
        scan->columns[scan->column_count++] = of_filter[i];
    for (size_t i = 0; i < TIME_COLUMNS; i++)
        scan->columns[scan->column_count++] = time_columns[i];
    return FLOWAN_OK;
}

static flowan_status classify(fl_scan_input *in, const char *path, flowan_error *error)
{
    *in = (fl_scan_input){.kind = FL_SCAN_LOG, .path = path};
    struct stat info;
    if (strcmp(path, "-") == 0)
        return FLOWAN_OK;
    if (stat(path, &info) != 0)
        return fl_status_errno(error, errno, "open", path);
    if (S_ISDIR(info.st_mode)) {
        in->kind = FL_SCAN_ARCHIVE;
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
        in->kind = FL_SCAN_SEGMENT;
    flowan_source_free(source);
    return status;
}

static flowan_status make_parts(flowan_scan *scan, size_t count, flowan_error *error)
{
    const flowan_scan_options *options = &scan->options;
    const flowan_parser_options parser_options = {.size = sizeof parser_options,
                                                  .record_limit = options->record_limit,
                                                  .map = options->map,
                                                  .map_count = options->map_count,
                                                  .no_content_hash = true};
    const flowan_matcher_options matcher_options = {.size = sizeof matcher_options,
                                                    .asdb = options->asdb,
                                                    .prefer_asdb =
                                                        options->prefer_asdb};
    scan->question = (fl_question){
        .filter = options->filter,
        .has_window = options->has_start || options->has_end,
        .from_ns = options->has_start ? options->start_ns : 0,
        .to_ns = options->has_end ? options->end_ns : UINT64_MAX,
        .inside = options->inside,
        .any_order = options->any_order,
    };
    flowan_status status = list_columns(scan, error);
    scan->inputs = fl_memory_zalloc(count, sizeof *scan->inputs);
    if (status == FLOWAN_OK && !scan->inputs)
        status = fl_status_memory(error);
    if (status == FLOWAN_OK && options->filter)
        status = flowan_matcher_new(&scan->matcher, options->filter, &matcher_options,
                                    error);
    if (status == FLOWAN_OK)
        status = flowan_batch_new(&scan->batch, NULL, error);
    if (status == FLOWAN_OK)
        status = flowan_parser_new(&scan->parser, &parser_options, error);
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
    flowan_status status = make_parts(scan, count, error);
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
    fl_scan_free_blocks(scan); /* of which some are read by what sums ask for */
    fl_scan_free_sums(scan);
    for (size_t i = 0; i < scan->input_count; i++) {
        flowan_archive_free(scan->inputs[i].archive);
        fl_memory_free(scan->inputs[i].passed);
    }
    fl_memory_free(scan->inputs);
    fl_memory_free(scan->columns);
    flowan_source_free(scan->source);
    flowan_parser_free(scan->parser);
    flowan_batch_free(scan->batch);
    flowan_matcher_free(scan->matcher);
    fl_memory_free(scan->rows);
    fl_memory_free(scan);
}

/* --- the choice of rows --- */

/* Rows from `first` on that are in the window. */
static flowan_status cut_rows(flowan_scan *scan, const flowan_batch *batch,
                              size_t first, flowan_error *error)
{
    size_t rows = flowan_batch_rows(batch);
    if (!fl_memory_grow((void **)&scan->rows, &scan->rows_room, rows ? rows : 1,
                        sizeof *scan->rows))
        return fl_status_memory(error);
    fl_clock clock;
    fl_clock_init(&clock, batch);
    size_t count = 0;
    for (size_t row = first; row < rows; row++) {
        fl_span span = fl_clock_span(&clock, row);
        if (!scan->question.has_window || fl_question_holds(&scan->question, &span))
            scan->rows[count++] = (uint32_t)row;
    }
    scan->selection = (flowan_selection){scan->rows, count};
    return FLOWAN_OK;
}

/* `exact`: only the filter is left to ask, if even that. */
static flowan_status select_rows(flowan_scan *scan, const flowan_batch *batch,
                                 size_t first, bool exact, bool matched,
                                 const flowan_selection **selection,
                                 flowan_error *error)
{
    flowan_status status = FLOWAN_OK;
    if (!exact && (scan->question.has_window || first > 0)) {
        status = cut_rows(scan, batch, first, error);
        *selection = &scan->selection;
    }
    if (status == FLOWAN_OK && scan->matcher && !matched)
        status =
            flowan_matcher_apply(scan->matcher, batch, *selection, selection, error);
    if (status != FLOWAN_OK)
        return status;
    size_t rows = flowan_batch_rows(batch);
    scan->counts.rows_selected += *selection ? (*selection)->count : rows;
    if (*selection && (*selection)->count == rows)
        *selection = NULL;
    return FLOWAN_OK;
}

/* --- next --- */

static void count_rejects(flowan_scan *scan)
{
    flowan_reject reject;
    for (size_t i = 0; flowan_batch_reject(scan->batch, i, &reject); i++)
        if (!reject.continued)
            scan->counts.rejects[reject.reason]++;
}

void fl_scan_show_progress(flowan_scan *scan)
{
    if (scan->options.progress &&
        scan->options.progress(scan->options.context, &scan->counts) != 0)
        scan->stopped = true;
}

flowan_status fl_scan_next_of_log(flowan_scan *scan, const flowan_batch **batch,
                                  const flowan_selection **selection,
                                  flowan_error *error)
{
    flowan_status status = fl_scan_next_log(scan, error);
    if (status != FLOWAN_OK)
        return status;
    count_rejects(scan);
    scan->counts.rows += flowan_batch_rows(scan->batch);
    *batch = scan->batch;
    return select_rows(scan, scan->batch, 0, false, false, selection, error);
}

flowan_status fl_scan_select(flowan_scan *scan, const fl_scan_job *job,
                             const flowan_selection **selection, flowan_error *error)
{
    bool whole = job->step.skip > 0;
    return select_rows(scan, job->batch, (size_t)job->step.skip, !whole,
                       !whole && job->answer.exact, selection, error);
}

/* A block of which nothing is left gives no batch. */
static flowan_status next_of_segments(flowan_scan *scan, const flowan_batch **batch,
                                      const flowan_selection **selection,
                                      flowan_error *error)
{
    fl_scan_job *job;
    flowan_status status = fl_scan_prepare_blocks(scan, error);
    do {
        if (status == FLOWAN_OK)
            status = fl_scan_next_block(scan, &job, error);
        fl_scan_show_progress(scan);
        if (status != FLOWAN_OK)
            return status;
        flowan_segment_stats stats;
        flowan_reader_block(job->step.segment->reader, job->step.block, &stats);
        scan->counts.rows += stats.rows;
    } while (flowan_batch_rows(job->batch) == 0 && !scan->stopped);
    scan->name = job->step.segment->name;
    *batch = job->batch;
    return fl_scan_select(scan, job, selection, error);
}

void fl_scan_next_input(flowan_scan *scan)
{
    flowan_source_free(scan->source);
    scan->source = NULL;
    scan->source_ended = false;
    scan->at++;
    scan->segment = 0;
    scan->walked = false;
}

flowan_status flowan_scan_next(flowan_scan *scan, const flowan_batch **batch,
                               const flowan_selection **selection, flowan_error *error)
{
    while (scan->at < scan->input_count && !scan->stopped) {
        *batch = NULL;
        *selection = NULL;
        flowan_status status = scan->inputs[scan->at].kind == FL_SCAN_LOG
                                   ? fl_scan_next_of_log(scan, batch, selection, error)
                                   : next_of_segments(scan, batch, selection, error);
        if (status != FLOWAN_END) {
            if (status != FLOWAN_OK)
                *batch = NULL;
            return status;
        }
        fl_scan_next_input(scan);
    }
    *batch = NULL;
    *selection = NULL;
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
