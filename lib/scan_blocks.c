/* Blocks, read ahead. Jobs are given out in the order of the walk and taken back in it, so
 * that the number of threads changes nothing but the time. */
#include "index.h"
#include "scan.h"
#include "status.h"

enum { JOBS_PER_THREAD = 2, THREADS_MAX = 256 };

/* Whether the index of the job's block, if it has one, lets a lookup pass over it. */
static flowan_status ask_index(fl_scan_job *job, bool *may, uint64_t *bytes_read)
{
    const flowan_scan *scan = job->scan;
    const flowan_reader *reader = job->step.segment->reader;
    *may = true;
    *bytes_read = 0;
    if (scan->hash_count == 0 || job->step.skip > 0 ||
        !reader->blocks[job->step.block].indexed)
        return FLOWAN_OK;
    flowan_status status =
        fl_index_ask(reader, &job->space, job->step.block, scan->hashes,
                     scan->hash_count, may, bytes_read);
    return status == FLOWAN_OK ? status : fl_status_memory(&job->error);
}

static void read_block(void *context)
{
    fl_scan_job *job = context;
    const flowan_scan *scan = job->scan;
    const fl_question all = {0};
    bool whole = job->step.skip > 0; /* rows are told by their place then */
    bool may;
    uint64_t of_index;
    job->status = ask_index(job, &may, &of_index);
    if (job->status != FLOWAN_OK || !may) {
        flowan_batch_reset(job->batch);
        job->answer = (fl_answer){FL_PICKED_BY_INDEX, true, of_index};
        return;
    }
    job->status =
        fl_reader_ask(job->step.segment->reader, &job->space, job->step.block,
                      whole ? &all : &scan->question, job->columns, job->column_count,
                      job->batch, &job->answer, &job->error);
    job->answer.bytes_read += of_index;
}

static void free_jobs(flowan_scan *scan)
{
    fl_crew_free(scan->crew); /* ends what is under way */
    for (size_t i = 0; scan->jobs && i <= scan->job_count; i++) {
        fl_scan_job *job = &scan->jobs[i];
        fl_scan_release(job->step.segment);
        flowan_batch_free(job->batch);
        fl_workspace_free(&job->space);
    }
    fl_memory_free(scan->jobs);
    scan->jobs = NULL;
    scan->crew = NULL;
}

flowan_status fl_scan_prepare_blocks(flowan_scan *scan, flowan_error *error)
{
    size_t threads = scan->options.threads ? scan->options.threads : 1;
    threads = threads < THREADS_MAX ? threads : THREADS_MAX;
    if (scan->jobs)
        return FLOWAN_OK;
    scan->job_count = threads > 1 ? threads * JOBS_PER_THREAD : 1;
    scan->jobs = fl_memory_zalloc(scan->job_count + 1, sizeof *scan->jobs);
    scan->crew = fl_crew_new(threads - 1);
    bool memory = scan->jobs && scan->crew;
    for (size_t i = 0; memory && i <= scan->job_count; i++) {
        fl_scan_job *job = &scan->jobs[i];
        job->scan = scan;
        job->task = (fl_task){.run = read_block, .context = job};
        memory = flowan_batch_new(&job->batch, NULL, NULL) == FLOWAN_OK;
    }
    if (memory)
        return FLOWAN_OK;
    free_jobs(scan); /* the next call tries again */
    return fl_status_memory(error);
}

void fl_scan_free_blocks(flowan_scan *scan)
{
    free_jobs(scan);
    fl_scan_release(scan->open);
}

/* Of a block of which rows came before, those that are left are chosen by its batch, which
 * takes more columns. */
static void choose_columns(const flowan_scan *scan, fl_scan_job *job)
{
    bool whole = job->step.skip > 0;
    job->columns = whole ? scan->columns : scan->options.columns;
    job->column_count = whole ? scan->column_count : scan->options.column_count;
    if (!whole && scan->choose)
        scan->choose(scan, job, scan->choose_context);
}

/* Gives out jobs as long as there are some that are free. */
static void give_out(flowan_scan *scan)
{
    while (!scan->walked && scan->under_way < scan->job_count) {
        fl_scan_job *job =
            &scan->jobs[(scan->first + scan->under_way) % scan->job_count];
        if (fl_scan_walk(scan, &job->step) == FLOWAN_END) {
            scan->walked = true;
            return;
        }
        if (job->step.status == FLOWAN_OK) {
            choose_columns(scan, job);
            fl_crew_submit(scan->crew, &job->task);
        }
        scan->under_way++;
    }
}

static void count_answer(flowan_scan *scan, const fl_scan_job *job)
{
    scan->counts.bytes_read += job->answer.bytes_read;
    switch (job->answer.how) {
    case FL_PICKED_BY_BOUNDS: scan->counts.blocks_by_bounds++; return;
    case FL_PICKED_BY_DICTIONARY: scan->counts.blocks_by_dictionary++; return;
    case FL_PICKED_BY_INDEX: scan->counts.blocks_by_index++; return;
    case FL_PICKED_ALL:
    case FL_PICKED_BY_ROWS: scan->counts.blocks_read++; return;
    }
}

flowan_status fl_scan_next_block(flowan_scan *scan, fl_scan_job **job,
                                 flowan_error *error)
{
    if (scan->given) { /* its batch is ours again */
        fl_scan_release(scan->given->step.segment);
        scan->given->step.segment = NULL;
        scan->given = NULL;
        scan->first = (scan->first + 1) % scan->job_count;
        scan->under_way--;
    }
    give_out(scan);
    if (scan->under_way == 0)
        return FLOWAN_END;
    scan->given = *job = &scan->jobs[scan->first];
    const flowan_error *failed = &(*job)->step.error;
    flowan_status status = (*job)->step.status;
    if (status == FLOWAN_OK) {
        fl_crew_wait(scan->crew, &(*job)->task);
        status = (*job)->status;
        failed = &(*job)->error;
    }
    if (status == FLOWAN_OK)
        count_answer(scan, *job);
    else if (error)
        *error = *failed;
    return status;
}
