/* Two walks: the first takes what statistics tell, the second reads the blocks around the
 * time whose records may lie a gap apart and that no other block covers. Where statistics
 * show a receipt in the time already, the question whether there was one is answered, and
 * no block is read: a month would be read for gaps that nobody asked for. */
#include "receipts.h"

#include "gaps.h"
#include "status.h"

/* How often an archive may change under us. */
enum { REFRESHES_MAX = 100 };

typedef struct walk {
    flowan_gaps *gaps;
    uint64_t from_ns;
    uint64_t to_ns;
    bool second;
    bool left;       /* by the first: blocks that the second is to look at */
    bool any;        /* a receipt in the time is known */
    bool incomplete; /* something could not be read */
    flowan_batch *batch;
    flowan_error *error;
} walk;

/* By runs of records, where these tell all: there are few beside the records. */
static flowan_status add_runs(walk *w, flowan_reader *reader, size_t block, bool *told)
{
    uint64_t *times;
    size_t count;
    flowan_status status =
        fl_reader_received(reader, &reader->space, block, &times, &count, w->error);
    *told = times != NULL;
    for (size_t i = 0; i < count; i++)
        *told = *told && times[i] > 0 && times[i] <= INT64_MAX;
    for (size_t i = 0; *told && status == FLOWAN_OK && i < count; i++)
        if (!fl_gaps_cover(w->gaps, times[i], times[i]))
            status = fl_status_memory(w->error);
    fl_memory_free(times);
    return status;
}

static flowan_status read_block(walk *w, flowan_reader *reader, size_t block)
{
    static const char *const columns[] = {"time_received_ns", "time_flow_start_ns"};
    bool told;
    flowan_status status = add_runs(w, reader, block, &told);
    if (status == FLOWAN_OK && !told)
        status = flowan_reader_read(reader, block, columns, 2, w->batch, w->error);
    if (status == FLOWAN_OK)
        return told ? status : flowan_gaps_add(w->gaps, w->batch, w->error);
    w->incomplete = true;
    return status == FLOWAN_ERROR_MEMORY ? status : FLOWAN_OK;
}

static flowan_status add_block(walk *w, flowan_reader *reader, size_t block)
{
    flowan_segment_stats stats;
    flowan_status status;
    flowan_reader_block(reader, block, &stats);
    bool known = flowan_gaps_add_stats(w->gaps, &stats, &status);
    if (status != FLOWAN_OK)
        return fl_status_memory(w->error);
    uint64_t first = stats.received_min_ns;
    uint64_t last = stats.received_max_ns;
    bool timed = stats.rows > 0 && first <= last;
    w->any = w->any || (timed && ((first >= w->from_ns && first < w->to_ns) ||
                                  (last >= w->from_ns && last < w->to_ns)));
    if (known)
        return FLOWAN_OK;
    bool far = timed && (last < w->from_ns || first >= w->to_ns);
    if (far || (w->second && timed && w->any))
        return fl_gaps_cover(w->gaps, first, last) ? FLOWAN_OK
                                                   : fl_status_memory(w->error);
    if (w->second)
        return read_block(w, reader, block);
    w->left = true;
    return FLOWAN_OK;
}

static flowan_status add_blocks(walk *w, flowan_reader *reader)
{
    flowan_status status = FLOWAN_OK;
    size_t count = flowan_reader_info(reader).blocks;
    for (size_t i = 0; status == FLOWAN_OK && i < count; i++)
        status = add_block(w, reader, i);
    return status;
}

/* A segment that is gone was merged into another, which is looked at instead, or expired. */
static flowan_status open_segment(fl_scan_input *in, size_t *segment,
                                  flowan_reader **reader, flowan_error *error)
{
    flowan_status status = flowan_archive_reader(in->archive, *segment, reader, error);
    for (int i = 0; status == FLOWAN_ERROR_NOT_FOUND && i < REFRESHES_MAX; i++) {
        status = flowan_archive_refresh(in->archive, segment, error);
        if (status == FLOWAN_OK && *segment == flowan_archive_segments(in->archive))
            return FLOWAN_END;
        if (status == FLOWAN_OK)
            status = flowan_archive_reader(in->archive, *segment, reader, error);
    }
    return status;
}

static flowan_status add_input(walk *w, fl_scan_input *in)
{
    flowan_status status = FLOWAN_OK;
    size_t count = in->kind == FL_SCAN_SEGMENT ? 1 : 0;
    for (size_t i = 0; status == FLOWAN_OK &&
                       i < (in->archive ? flowan_archive_segments(in->archive) : count);
         i++) {
        flowan_reader *reader = NULL;
        status = in->archive ? open_segment(in, &i, &reader, w->error)
                             : flowan_reader_open(&reader, in->path, w->error);
        if (status == FLOWAN_END)
            return FLOWAN_OK;
        if (status == FLOWAN_OK)
            status = add_blocks(w, reader);
        else if (status != FLOWAN_ERROR_MEMORY) {
            w->incomplete = true;
            status = FLOWAN_OK;
        }
        flowan_reader_free(reader);
    }
    return status;
}

static flowan_status add_inputs(walk *w, flowan_scan *scan)
{
    flowan_status status = FLOWAN_OK;
    for (size_t i = 0; status == FLOWAN_OK && i < scan->input_count; i++)
        status = add_input(w, &scan->inputs[i]);
    return status;
}

flowan_status fl_receipts_add(flowan_scan *scan, uint64_t from_ns, uint64_t to_ns,
                              flowan_gaps *gaps, bool *incomplete, flowan_error *error)
{
    walk w = {.gaps = gaps, .from_ns = from_ns, .to_ns = to_ns, .error = error};
    flowan_status status = add_inputs(&w, scan);
    if (status == FLOWAN_OK && w.left) {
        w.second = true;
        status = flowan_batch_new(&w.batch, NULL, error);
        if (status == FLOWAN_OK)
            status = add_inputs(&w, scan);
    }
    flowan_batch_free(w.batch);
    *incomplete = *incomplete || w.incomplete;
    return status;
}
