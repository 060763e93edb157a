/* Sums over what a scan would give. Times are read of as few blocks as settle the first and
 * the last: of those whose statistics reach beyond what is known. */
#include <string.h>

#include "scan.h"
#include "status.h"
#include "sum.h"

/* Blocks that may have the last flow, until one is looked at. */
enum { CANDIDATES = 8 };

typedef struct candidate {
    fl_scan_segment *segment; /* held */
    size_t block;
    uint64_t span_max_ns;
} candidate;

static const char *const counters[] = {"bytes", "packets"};
static const char *const times[] = {"time_received_ns", "time_flow_start_ns",
                                    "time_flow_end_ns"};
enum { COUNTERS = 2, TIMES = 3 };

struct fl_scan_sums {
    candidate list[CANDIDATES];
    size_t count;
    bool bytes; /* what is asked for */
    bool packets;
    bool span;
    const char *columns[COUNTERS + TIMES]; /* of these the counters, then the times */
    size_t counter_count;
};

/* --- what is asked for --- */

static bool asks(const flowan_scan_options *options, const char *column)
{
    if (!options->columns)
        return true;
    for (size_t i = 0; i < options->column_count; i++)
        if (strcmp(options->columns[i], column) == 0)
            return true;
    return false;
}

static void list_columns(struct fl_scan_sums *state, const flowan_scan_options *options)
{
    state->bytes = asks(options, counters[0]);
    state->packets = asks(options, counters[1]);
    for (size_t i = 0; i < COUNTERS; i++)
        if (asks(options, counters[i]))
            state->columns[state->counter_count++] = counters[i];
    for (size_t i = 0; i < TIMES; i++) {
        state->span = state->span || asks(options, times[i]);
        state->columns[state->counter_count + i] = times[i];
    }
}

/* --- rows --- */

static void add_column(flowan_sum *sum, const flowan_batch *batch, flowan_field field,
                       const flowan_selection *selection)
{
    flowan_column column;
    uint64_t low = 0;
    uint64_t high = 0; /* of the upper halves: so many rows cannot make them wrap */
    if (!flowan_batch_field(batch, field, &column))
        return;
    size_t count = selection ? selection->count : column.rows;
    for (size_t i = 0; i < count; i++) {
        uint64_t value = column.u64[selection ? selection->rows[i] : i];
        low += value & UINT32_MAX;
        high += value >> 32;
    }
    fl_sum_add(sum, fl_sum_of(low));
    fl_sum_add(sum, (flowan_sum){high << 32, high >> 32});
}

static void add_spans(flowan_scan_sums *sums, const flowan_batch *batch,
                      const flowan_selection *selection)
{
    fl_clock clock;
    fl_clock_init(&clock, batch);
    size_t count = selection ? selection->count : flowan_batch_rows(batch);
    uint64_t first;
    uint64_t last;
    if (!fl_clock_range(&clock, selection, count, &first, &last))
        return;
    if (!sums->has_span || first < sums->first_ns)
        sums->first_ns = first;
    if (!sums->has_span || last > sums->last_ns)
        sums->last_ns = last;
    sums->has_span = true;
}

static void add_rows(const struct fl_scan_sums *state, flowan_scan_sums *sums,
                     const flowan_batch *batch, const flowan_selection *selection)
{
    sums->flows += selection ? selection->count : flowan_batch_rows(batch);
    if (state->packets)
        add_column(&sums->packets, batch, FLOWAN_FIELD_PACKETS, selection);
    if (state->bytes)
        add_column(&sums->bytes, batch, FLOWAN_FIELD_BYTES, selection);
}

/* --- who may have the last flow --- */

static void drop(struct fl_scan_sums *state, size_t at)
{
    fl_scan_release(state->list[at].segment);
    state->list[at] = state->list[--state->count];
}

/* Those that end no later than what is known. */
static void drop_settled(struct fl_scan_sums *state, const flowan_scan_sums *sums)
{
    for (size_t i = state->count; i-- > 0;)
        if (sums->has_span && state->list[i].span_max_ns <= sums->last_ns)
            drop(state, i);
}

/* Reads the times of the most promising candidate. */
static flowan_status look_at_one(flowan_scan *scan, flowan_scan_sums *sums,
                                 flowan_error *error)
{
    struct fl_scan_sums *state = scan->sums;
    fl_scan_job *job = &scan->jobs[scan->job_count]; /* the spare */
    size_t best = 0;
    for (size_t i = 1; i < state->count; i++)
        if (state->list[i].span_max_ns > state->list[best].span_max_ns)
            best = i;
    job->step = (fl_scan_step){.segment = state->list[best].segment,
                               .block = state->list[best].block};
    job->columns = &state->columns[state->counter_count];
    job->column_count = TIMES;
    job->task.run(job->task.context);
    flowan_status status = job->status;
    const flowan_selection *selection = NULL;
    uint64_t selected = scan->counts.rows_selected; /* these are in it */
    if (status != FLOWAN_OK && error)
        *error = job->error;
    if (status == FLOWAN_OK) {
        scan->counts.bytes_read += job->answer.bytes_read;
        status = fl_scan_select(scan, job, &selection, error);
    }
    scan->counts.rows_selected = selected;
    if (status == FLOWAN_OK)
        add_spans(sums, job->batch, selection);
    job->step.segment = NULL;
    drop(state, best);
    return status;
}

/* The block, of which rows were counted, may have the last one. */
static flowan_status propose(flowan_scan *scan, const fl_scan_job *job,
                             uint64_t span_max_ns, flowan_scan_sums *sums,
                             flowan_error *error)
{
    struct fl_scan_sums *state = scan->sums;
    flowan_status status = FLOWAN_OK;
    if (state->count == CANDIDATES)
        drop_settled(state, sums);
    if (state->count == CANDIDATES)
        status = look_at_one(scan, sums, error);
    if (sums->has_span && span_max_ns <= sums->last_ns)
        return status;
    job->step.segment->holders++;
    state->list[state->count++] =
        (candidate){job->step.segment, job->step.block, span_max_ns};
    return status;
}

/* --- blocks and logs --- */

/* Whether the walk has come to its last block: in most archives that has the last flow. */
static bool is_last(const flowan_scan *scan)
{
    const fl_scan_input *in = &scan->inputs[scan->at];
    return scan->at + 1 == scan->input_count && scan->open &&
           scan->block == flowan_reader_info(scan->open->reader).blocks &&
           (!in->archive || scan->segment + 1 == flowan_archive_segments(in->archive));
}

/* Which columns a block is asked for: times only where it can have the first flow, or is
 * likely to have the last. */
static void choose_columns(const flowan_scan *scan, fl_scan_job *job, void *context)
{
    const struct fl_scan_sums *state = scan->sums;
    const flowan_scan_sums *sums = context;
    flowan_segment_stats stats;
    flowan_reader_block(job->step.segment->reader, job->step.block, &stats);
    bool promising = !sums->has_span || stats.span_min_ns < sums->first_ns;
    job->columns = state->columns;
    job->column_count = state->counter_count;
    if (state->span && (promising || is_last(scan)))
        job->column_count += TIMES;
}

static flowan_status sum_block(flowan_scan *scan, flowan_scan_sums *sums,
                               flowan_error *error)
{
    const struct fl_scan_sums *state = scan->sums;
    fl_scan_job *job;
    flowan_status status = fl_scan_next_block(scan, &job, error);
    if (status != FLOWAN_OK)
        return status;
    flowan_segment_stats stats;
    const flowan_selection *selection = NULL;
    flowan_reader_block(job->step.segment->reader, job->step.block, &stats);
    scan->counts.rows += stats.rows;
    status = fl_scan_select(scan, job, &selection, error);
    size_t rows = selection ? selection->count : flowan_batch_rows(job->batch);
    if (status != FLOWAN_OK || rows == 0)
        return status;
    add_rows(state, sums, job->batch, selection);
    if (!state->span)
        return FLOWAN_OK;
    if (job->column_count > state->counter_count || job->step.skip > 0)
        add_spans(sums, job->batch, selection);
    else if (stats.span_max_ns > sums->last_ns)
        status = propose(scan, job, stats.span_max_ns, sums, error);
    return status;
}

static flowan_status sum_log(flowan_scan *scan, flowan_scan_sums *sums,
                             flowan_error *error)
{
    const flowan_batch *batch;
    const flowan_selection *selection = NULL;
    flowan_status status = fl_scan_next_of_log(scan, &batch, &selection, error);
    if (status != FLOWAN_OK)
        return status;
    add_rows(scan->sums, sums, batch, selection);
    if (scan->sums->span)
        add_spans(sums, batch, selection);
    return FLOWAN_OK;
}

flowan_status flowan_scan_sum(flowan_scan *scan, flowan_scan_sums *sums,
                              flowan_error *error)
{
    flowan_status status = FLOWAN_OK;
    if (!scan->sums) {
        scan->sums = fl_memory_zalloc(1, sizeof *scan->sums);
        if (!scan->sums)
            return fl_status_memory(error);
        list_columns(scan->sums, &scan->options);
        scan->question.any_order = true; /* later on, blocks are read by it meanwhile */
    }
    scan->choose = choose_columns;
    scan->choose_context = sums;
    while (status == FLOWAN_OK && scan->at < scan->input_count && !scan->stopped) {
        bool log = scan->inputs[scan->at].kind == FL_SCAN_LOG;
        if (!log)
            status = fl_scan_prepare_blocks(scan, error);
        if (status == FLOWAN_OK)
            status = log ? sum_log(scan, sums, error) : sum_block(scan, sums, error);
        fl_scan_show_progress(scan);
        if (status == FLOWAN_END) {
            fl_scan_next_input(scan);
            status = FLOWAN_OK;
        }
    }
    for (drop_settled(scan->sums, sums); status == FLOWAN_OK && scan->sums->count > 0;
         drop_settled(scan->sums, sums))
        status = look_at_one(scan, sums, error);
    return status == FLOWAN_OK ? FLOWAN_END : status;
}

void fl_scan_free_sums(flowan_scan *scan)
{
    while (scan->sums && scan->sums->count > 0)
        drop(scan->sums, 0);
    fl_memory_free(scan->sums);
}
