/* Segment by segment, block by block. What the window or the filter rule out by statistics
 * is passed over. */
#include <string.h>

#include "archive.h"
#include "reader.h"
#include "scan.h"
#include "status.h"
#include "summary.h"

/* How often an archive may change while a segment of it is looked for. */
enum { REFRESHES_MAX = 100 };

void fl_scan_release(fl_scan_segment *segment)
{
    if (!segment || --segment->holders > 0)
        return;
    flowan_reader_free(segment->reader);
    fl_memory_free(segment->name);
    fl_memory_free(segment);
}

/* --- what statistics rule out --- */

/* Whether rows of these statistics can be in the window. */
static bool may_overlap(const flowan_scan *scan, const flowan_segment_stats *stats)
{
    const fl_question *question = &scan->question;
    return !question->has_window || (stats->rows > stats->rows_without_time &&
                                     stats->span_min_ns < question->to_ns &&
                                     stats->span_max_ns >= question->from_ns);
}

static bool may_match(const flowan_scan *scan, const fl_segment_block *block)
{
    return !scan->question.filter ||
           fl_summary_judge(block->summary, block->summary_size,
                            scan->question.filter) != FL_NONE;
}

/* --- segments --- */

static void close_segment(flowan_scan *scan)
{
    fl_scan_release(scan->open);
    scan->open = NULL;
    scan->block = 0;
    scan->skip = 0;
    scan->segment++;
}

/* Rows of the segments from `serial` on that came before. */
static uint64_t rows_passed(const fl_scan_input *in, uint64_t serial)
{
    uint64_t rows = 0;
    for (size_t i = in->passed_count; i-- > 0 && in->passed[i].serial >= serial;)
        rows += in->passed[i].rows;
    return rows;
}

/* Notes the segment, in place of those that it was merged from. */
static bool pass(fl_scan_input *in, uint64_t serial, uint64_t rows)
{
    while (in->passed_count > 0 && in->passed[in->passed_count - 1].serial >= serial)
        in->passed_count--;
    if (!fl_memory_grow((void **)&in->passed, &in->passed_room, in->passed_count + 1,
                        sizeof *in->passed))
        return false;
    in->passed[in->passed_count++] = (fl_scan_passed){serial, rows};
    return true;
}

/* Opens the archive's next segment. One that is gone since the listing was merged with
 * others, of whose rows those that came before are skipped, or has expired. FLOWAN_END:
 * nothing is left behind those. */
static flowan_status open_listed(flowan_scan *scan, fl_scan_input *in,
                                 flowan_reader **reader, flowan_error *error)
{
    flowan_status status =
        flowan_archive_reader(in->archive, scan->segment, reader, error);
    for (int i = 0; status == FLOWAN_ERROR_NOT_FOUND && i < REFRESHES_MAX; i++) {
        status = flowan_archive_refresh(in->archive, &scan->segment, error);
        if (status == FLOWAN_OK && scan->segment == flowan_archive_segments(in->archive))
            return FLOWAN_END;
        if (status == FLOWAN_OK)
            status = flowan_archive_reader(in->archive, scan->segment, reader, error);
    }
    if (status != FLOWAN_OK)
        return status;
    uint64_t serial = fl_archive_serial(in->archive, scan->segment);
    scan->skip = rows_passed(in, serial);
    if (pass(in, serial, flowan_reader_info(*reader).stats.rows))
        return FLOWAN_OK;
    flowan_reader_free(*reader);
    *reader = NULL;
    return fl_status_memory(error);
}

/* A segment gets its final name when its footer is on disk. One without a footer under
 * such a name was cut, and what its lost part held is not known. */
static bool has_lost_its_end(const fl_scan_segment *segment)
{
    size_t size = strlen(segment->name);
    size_t tail = strlen(FL_ARCHIVE_OPEN);
    return !flowan_reader_info(segment->reader).finished &&
           !(size > tail && strcmp(segment->name + size - tail, FL_ARCHIVE_OPEN) == 0);
}

static flowan_status hold(flowan_scan *scan, flowan_reader *reader, const char *name,
                          flowan_error *error)
{
    fl_scan_segment *segment = fl_memory_zalloc(1, sizeof *segment);
    size_t size = strlen(name) + 1;
    char *own = fl_memory_alloc(size, 1);
    if (!segment || !own) {
        fl_memory_free(segment);
        fl_memory_free(own);
        flowan_reader_free(reader);
        return fl_status_memory(error);
    }
    memcpy(own, name, size);
    *segment = (fl_scan_segment){reader, own, 1};
    scan->open = segment;
    return FLOWAN_OK;
}

/* Whether all of the segment can be passed over, and by what. */
static bool is_ruled_out(flowan_scan *scan)
{
    flowan_segment_info info = flowan_reader_info(scan->open->reader);
    size_t count;
    const fl_segment_block *blocks = fl_reader_blocks(scan->open->reader, &count);
    if (count == 0 || has_lost_its_end(scan->open))
        return false;
    bool by_time = !may_overlap(scan, &info.stats);
    for (size_t i = 0; !by_time && i < count; i++)
        if (may_match(scan, &blocks[i]))
            return false;
    *(by_time ? &scan->counts.segments_skipped : &scan->counts.segments_not_matching) +=
        1;
    *(by_time ? &scan->counts.blocks_skipped : &scan->counts.blocks_not_matching) +=
        count;
    return true;
}

/* FLOWAN_END: the input has no more segments. */
static flowan_status open_segment(flowan_scan *scan, flowan_error *error)
{
    fl_scan_input *in = &scan->inputs[scan->at];
    while (scan->segment < (in->archive ? flowan_archive_segments(in->archive) : 1)) {
        flowan_reader *reader = NULL;
        flowan_status status = in->archive
                                   ? open_listed(scan, in, &reader, error)
                                   : flowan_reader_open(&reader, in->path, error);
        if (status == FLOWAN_OK)
            status = hold(scan, reader,
                          in->archive ? flowan_archive_path(in->archive, scan->segment)
                                      : in->path,
                          error);
        if (status == FLOWAN_END)
            return status;
        if (status != FLOWAN_OK) {
            scan->segment++;
            return status;
        }
        if (!is_ruled_out(scan)) {
            scan->counts.segments_read++;
            return FLOWAN_OK;
        }
        close_segment(scan);
    }
    return FLOWAN_END;
}

/* --- blocks --- */

/* So many rows of the segment are behind us. Gives those of them that came before. */
static uint64_t pass_over(flowan_scan *scan, uint64_t rows)
{
    uint64_t before = rows < scan->skip ? rows : scan->skip;
    scan->skip -= before;
    return before;
}

/* The next block of the open segment; false: it has no more. */
static bool next_block(flowan_scan *scan, fl_scan_step *step)
{
    size_t count;
    const fl_segment_block *blocks = fl_reader_blocks(scan->open->reader, &count);
    while (scan->block < count) {
        const fl_segment_block *block = &blocks[scan->block++];
        uint64_t before = pass_over(scan, block->stats.rows);
        if ((before > 0 && before == block->stats.rows) ||
            !may_overlap(scan, &block->stats)) {
            scan->counts.blocks_skipped++;
            continue;
        }
        if (!may_match(scan, block)) {
            scan->counts.blocks_not_matching++;
            continue;
        }
        scan->open->holders++;
        *step = (fl_scan_step){
            .segment = scan->open, .block = scan->block - 1, .skip = before};
        return true;
    }
    return false;
}

flowan_status fl_scan_walk(flowan_scan *scan, fl_scan_step *step)
{
    for (;;) {
        *step = (fl_scan_step){0};
        if (!scan->open)
            step->status = open_segment(scan, &step->error);
        if (step->status == FLOWAN_END)
            return FLOWAN_END;
        if (step->status != FLOWAN_OK || next_block(scan, step))
            return FLOWAN_OK;
        bool lost = has_lost_its_end(scan->open);
        if (lost)
            step->status = fl_status_fail(
                &step->error, FLOWAN_ERROR_FORMAT, FL_NO_OFFSET,
                "%s: the end of the segment is missing or damaged, "
                "so that records may be lost: %llu bytes are left",
                scan->open->name,
                (unsigned long long)flowan_reader_info(scan->open->reader).file_bytes);
        close_segment(scan);
        if (lost)
            return FLOWAN_OK;
    }
}
