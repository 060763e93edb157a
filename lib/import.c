#include "import.h"

#include <string.h>
#include <xxhash.h>

#include "pipeline.h"
#include "segment.h"
#include "source.h"
#include "status.h"

/* So much of a log's beginning tells it from others: a dozen records or so. */
enum { HEAD_SIZE = 4096 };
/* While input is awaited, what others have packed is looked for so often. */
enum { LOOK_MS = 10 };

typedef struct job {
    flowan_archiver *archiver;
    const char *path;
    flowan_import_options options;
    flowan_import_result *result;
    flowan_source *source;
    flowan_parser *parser;
    fl_pipeline *pipeline;
    flowan_log_state log;
    size_t rows_known;   /* rows at the front of what comes that are in already */
    uint64_t bytes_here; /* as of the batch that is being written */
} job;

static flowan_status open_source(job *j, flowan_error *error)
{
    flowan_source_free(j->source);
    j->source = NULL;
    flowan_parser_reset(j->parser);
    return flowan_source_open(&j->source, j->path, error);
}

static flowan_status look_at_head(job *j, char head[HEAD_SIZE], size_t *size,
                                  flowan_error *error)
{
    const void *data;
    flowan_status status = flowan_source_peek(j->source, HEAD_SIZE, &data, size, error);
    if (status != FLOWAN_OK)
        return status;
    if (*size)
        memcpy(head, data, *size);
    if (fl_segment_is(head, *size))
        return fl_status_fail(error, FLOWAN_ERROR_FORMAT, FL_NO_OFFSET,
                              "%s is a segment of an archive, not a log",
                              flowan_source_name(j->source));
    j->log = (flowan_log_state){.path = flowan_source_name(j->source),
                                .head_size = (uint32_t)*size,
                                .head_hash = XXH3_64bits(head, *size),
                                .position = flowan_parser_position(j->parser)};
    flowan_source_stat(j->source, &j->log.device, &j->log.inode, NULL, NULL);
    return FLOWAN_OK;
}

/* Reads up to `known`'s position without parsing. FLOWAN_OK: the contents are the same,
 * the parser stands there. FLOWAN_END: they are others. FLOWAN_ERROR_EXISTS: the log
 * ends before. The bytes read beyond come back in *rest. */
static flowan_status pass_known(job *j, const flowan_log_state *known,
                                const char **rest, size_t *rest_size,
                                flowan_error *error)
{
    uint64_t left = known->position.offset;
    *rest_size = 0;
    while (left > 0) {
        const void *data;
        size_t size;
        flowan_status status = flowan_source_read(j->source, &data, &size, error);
        if (status == FLOWAN_END)
            return fl_status_fail(
                error, FLOWAN_ERROR_EXISTS, FL_NO_OFFSET,
                "%s: begins as %s, of which more is in the archive already (%llu bytes)",
                j->log.path, known->path, (unsigned long long)known->position.offset);
        if (status != FLOWAN_OK)
            return status;
        size_t part = size < left ? size : (size_t)left;
        status = flowan_parser_skip(j->parser, data, part, error);
        if (status != FLOWAN_OK)
            return status;
        left -= part;
        *rest = (const char *)data + part;
        *rest_size = size - part;
    }
    return flowan_parser_position(j->parser).content_hash ==
                   known->position.content_hash
               ? FLOWAN_OK
               : FLOWAN_END;
}

/* Finds how much of the log is in the archive and stands behind it. */
static flowan_status take_up(job *j, const char **rest, size_t *rest_size,
                             flowan_error *error)
{
    char head[HEAD_SIZE];
    size_t size;
    *rest_size = 0;
    flowan_status status = look_at_head(j, head, &size, error);
    flowan_log_state known;
    for (size_t n = 0; status == FLOWAN_OK && !j->options.again &&
                       flowan_archiver_find_log(j->archiver, head, size, n, &known);
         n++) {
        status = pass_known(j, &known, rest, rest_size, error);
        if (status == FLOWAN_OK) {
            j->log.position = known.position;
            j->rows_known = known.rows_after;
            j->log.rows_after = known.rows_after;
            break;
        }
        if (status != FLOWAN_END)
            return status;
        /* other contents after all: from the beginning, which a pipe has lost */
        if (strcmp(j->path, "-") == 0)
            return fl_status_fail(error, FLOWAN_ERROR_EXISTS, FL_NO_OFFSET,
                                  "standard input begins as %s, which is in the "
                                  "archive, and then differs: import it from a file",
                                  known.path);
        *rest_size = 0;
        status = open_source(j, error);
        if (status == FLOWAN_OK)
            status = look_at_head(j, head, &size, error);
    }
    j->result->resumed_at = j->log.position.offset;
    return status;
}

static flowan_status begin_batch(void *context, const flowan_batch *batch,
                                 uint64_t bytes, flowan_error *error)
{
    job *j = context;
    flowan_reject reject;
    j->bytes_here = bytes;
    for (size_t i = 0; flowan_batch_reject(batch, i, &reject); i++) {
        if (!reject.continued)
            j->result->rejects[reject.reason]++;
        if (!j->options.reject)
            continue;
        flowan_status status =
            j->options.reject(j->options.context, &j->log, &reject, error);
        if (status != FLOWAN_OK)
            return status;
    }
    return FLOWAN_OK;
}

static void end_batch(void *context, size_t rows)
{
    job *j = context;
    j->result->records += rows;
}

static flowan_status put(job *j, const flowan_batch *batch, flowan_position position,
                         flowan_error *error)
{
    size_t rows = flowan_batch_rows(batch);
    size_t first = j->rows_known < rows ? j->rows_known : rows;
    j->rows_known -= first;
    return fl_pipeline_put(j->pipeline, first, position, j->result->bytes, error);
}

static flowan_status parse(job *j, const char *data, size_t size, flowan_error *error)
{
    while (size > 0) {
        size_t used;
        flowan_batch *batch;
        flowan_status status = fl_pipeline_batch(j->pipeline, &batch, error);
        if (status != FLOWAN_OK)
            return status;
        status = flowan_parser_feed(j->parser, data, size, batch, &used, error);
        data += used;
        size -= used;
        j->result->bytes += used;
        if (status == FLOWAN_FULL)
            status = put(j, batch, flowan_parser_position(j->parser), error);
        if (status != FLOWAN_OK)
            return status;
    }
    if (j->options.progress && j->options.progress(j->options.context, j->result) != 0)
        j->result->stopped = true;
    return FLOWAN_OK;
}

/* The next run of bytes. What is packed meanwhile does not wait for a slow input. */
static flowan_status read_more(job *j, const void **data, size_t *size,
                               flowan_error *error)
{
    flowan_status status = fl_pipeline_write_packed(j->pipeline, error);
    while (status == FLOWAN_OK && fl_pipeline_is_busy(j->pipeline) &&
           !fl_source_wait(j->source, LOOK_MS))
        status = fl_pipeline_write_packed(j->pipeline, error);
    return status == FLOWAN_OK ? flowan_source_read(j->source, data, size, error)
                               : status;
}

/* Writes the batch that the end of the input left, or of what was read before
 * `status` failed. */
static flowan_status write_last(job *j, flowan_status status, flowan_error *error)
{
    /* What an unfinished object begins with is not behind us: the log may grow. */
    flowan_position position = flowan_parser_position(j->parser);
    flowan_batch *batch;
    flowan_error late;
    flowan_status written = fl_pipeline_batch(j->pipeline, &batch, &late);
    if (written == FLOWAN_OK && status == FLOWAN_END)
        status = flowan_parser_finish(j->parser, batch, error);
    if (written == FLOWAN_OK)
        written = put(j, batch, position, &late);
    if (written == FLOWAN_OK)
        written = fl_pipeline_write_all(j->pipeline, &late);
    if (written != FLOWAN_OK && status >= FLOWAN_OK && error)
        *error = late;
    return status >= FLOWAN_OK ? written : status;
}

/* After reading ended with `status`: all that was parsed before is written. */
static flowan_status finish(job *j, flowan_status status, flowan_error *error)
{
    flowan_error early;
    if (!fl_pipeline_has_failed(j->pipeline)) {
        /* These batches were full before anything else went wrong. */
        flowan_status written = fl_pipeline_write_all(j->pipeline, &early);
        if (written == FLOWAN_OK)
            status = write_last(j, status, error);
        else if (error)
            *error = early;
        if (written != FLOWAN_OK)
            status = written;
    }
    if (fl_pipeline_has_failed(j->pipeline)) {
        /* what others parsed ahead counts for nothing */
        j->result->bytes = j->bytes_here;
        j->result->refused = true;
    }
    return status;
}

static flowan_status run(job *j, flowan_error *error)
{
    const char *rest = NULL;
    size_t rest_size;
    flowan_status status = open_source(j, error);
    if (status == FLOWAN_OK)
        status = take_up(j, &rest, &rest_size, error);
    uint64_t modified_ns = 0;
    if (status == FLOWAN_OK) {
        flowan_source_stat(j->source, NULL, NULL, &modified_ns, NULL);
        status = flowan_archiver_begin_log(j->archiver, &j->log, modified_ns, error);
    }
    if (status != FLOWAN_OK)
        return status;
    status = parse(j, rest, rest_size, error);
    while (status == FLOWAN_OK && !j->result->stopped) {
        const void *data;
        size_t size;
        status = read_more(j, &data, &size, error);
        if (status == FLOWAN_OK)
            status = parse(j, data, size, error);
    }
    uint64_t offset = flowan_parser_position(j->parser).offset;
    status = finish(j, status, error);
    if (status == FLOWAN_OK && j->result->resumed_at > 0 && j->result->records == 0 &&
        offset == j->result->resumed_at && !j->result->stopped)
        return fl_status_fail(error, FLOWAN_ERROR_EXISTS, FL_NO_OFFSET,
                              "%s: is in the archive already, all %llu bytes",
                              j->log.path, (unsigned long long)offset);
    return status;
}

flowan_status fl_import_run(flowan_archiver *archiver, const char *path,
                            const flowan_import_options *options,
                            const flowan_batch_options *batch_options,
                            flowan_import_result *result, flowan_error *error)
{
    flowan_import_result unwanted;
    job j = {.archiver = archiver, .path = path, .result = result ? result : &unwanted};
    *j.result = (flowan_import_result){0};
    bool fits = fl_status_options_fit(options, sizeof *options);
    if (options && fits)
        memcpy(&j.options, options,
               options->size < sizeof j.options ? options->size : sizeof j.options);
    if (!fits || j.options.threads > FL_PIPELINE_THREADS_MAX)
        return fl_status_fail(error, FLOWAN_ERROR_ARGUMENT, FL_NO_OFFSET,
                              "import options: unknown members, or over %d threads",
                              FL_PIPELINE_THREADS_MAX);
    flowan_parser_options parser_options = {.size = sizeof parser_options,
                                            .record_limit = j.options.record_limit,
                                            .map = j.options.map,
                                            .map_count = j.options.map_count};
    fl_pipeline_owner owner = {&j, begin_batch, end_batch};
    uint32_t threads = j.options.threads ? j.options.threads : 1;
    flowan_status status = flowan_parser_new(&j.parser, &parser_options, error);
    if (status == FLOWAN_OK)
        status = fl_pipeline_new(&j.pipeline, archiver, &owner, threads, batch_options,
                                 error);
    if (status == FLOWAN_OK)
        status = run(&j, error);
    fl_pipeline_free(j.pipeline);
    flowan_source_free(j.source);
    flowan_parser_free(j.parser);
    return status;
}

flowan_status flowan_import_log(flowan_archiver *archiver, const char *path,
                                const flowan_import_options *options,
                                flowan_import_result *result, flowan_error *error)
{
    return fl_import_run(archiver, path, options, NULL, result, error);
}
