/* Layer 6: inside a scan: the walk over segments (scan_walk.c), blocks that are read ahead
 * by several threads (scan_blocks.c), logs (scan_log.c), and the choice of rows (scan.c). */
#ifndef FL_SCAN_H
#define FL_SCAN_H

#include "crew.h"
#include "flowan/archive.h"
#include "flowan/scan.h"
#include "flowan/source.h"
#include "pick.h"

typedef enum fl_scan_kind {
    FL_SCAN_ARCHIVE,
    FL_SCAN_SEGMENT,
    FL_SCAN_LOG
} fl_scan_kind;

/* How many rows came from a segment. */
typedef struct fl_scan_passed {
    uint64_t serial;
    uint64_t rows;
} fl_scan_passed;

typedef struct fl_scan_input {
    fl_scan_kind kind;
    const char *path;
    flowan_archive *archive;
    fl_scan_passed *passed; /* of an archive, in order of serials */
    size_t passed_count;
    size_t passed_room;
} fl_scan_input;

/* A segment that blocks are read from, by whoever holds it. */
typedef struct fl_scan_segment {
    flowan_reader *reader;
    char *name;
    size_t holders;
} fl_scan_segment;

void fl_scan_release(fl_scan_segment *segment);

/* What comes next of the segments of an input: a block, or a failure. */
typedef struct fl_scan_step {
    flowan_status status;     /* not FLOWAN_OK: … */
    flowan_error error;       /* … what failed */
    fl_scan_segment *segment; /* held; NULL with a failure to open one */
    size_t block;
    uint64_t skip; /* rows of it that came before, from what it was merged from */
} fl_scan_step;

/* A block on its way: read by the thread that does the task. */
typedef struct fl_scan_job {
    fl_task task;
    flowan_scan *scan;
    fl_scan_step step;
    const char *const *columns; /* NULL: all */
    size_t column_count;
    fl_workspace space;
    flowan_batch *batch;
    flowan_status status;
    flowan_error error;
    fl_answer answer;
} fl_scan_job;

struct flowan_scan {
    flowan_scan_options options;
    fl_question question;
    const char *
        *columns; /* all that choosing rows of a batch takes, and those asked for */
    size_t column_count;
    fl_scan_input *inputs;
    size_t input_count;
    size_t at; /* input that is being read */
    bool stopped;
    flowan_scan_counts counts;
    const char *name;

    /* walk: over the segments of the input */
    size_t segment; /* of its archive */
    fl_scan_segment *open;
    size_t block;
    uint64_t skip;
    bool walked; /* nothing is left of the input */

    /* blocks: a ring of jobs, those from `first` on under way */
    fl_crew *crew;
    fl_scan_job *jobs; /* job_count, and a spare one */
    size_t job_count;
    size_t first;
    size_t under_way;
    fl_scan_job *given; /* the one whose batch is out */
    /* chooses a job's columns; NULL: they are those of the options */
    void (*choose)(const flowan_scan *scan, fl_scan_job *job, void *context);
    void *choose_context;

    /* log */
    flowan_source *source;
    flowan_parser *parser;
    const char *data; /* of a run of bytes, what is not parsed yet */
    size_t data_size;
    bool source_ended;
    flowan_status held_status; /* a failure told when the rows before it are through */
    flowan_error held;
    flowan_batch *batch;

    /* choice */
    flowan_matcher *matcher;
    uint32_t *rows;
    size_t rows_room;
    flowan_selection selection;

    /* of a NAT lookup: blocks that have an index are read only if it may have one */
    uint64_t hashes[2];
    size_t hash_count;

    struct fl_scan_sums *sums; /* scan_sum.c's */
};

/* The next block or failure of the input. FLOWAN_END: there is none. */
flowan_status fl_scan_walk(flowan_scan *scan, fl_scan_step *step);

/* The next block of the input, read: *job is lent until the next call. Its failures come in
 * their turn. FLOWAN_END: there is none. */
flowan_status fl_scan_next_block(flowan_scan *scan, fl_scan_job **job,
                                 flowan_error *error);
/* Makes the jobs; before the first block. */
flowan_status fl_scan_prepare_blocks(flowan_scan *scan, flowan_error *error);
void fl_scan_free_blocks(flowan_scan *scan);

/* The rows of a job's batch that the window and the filter leave; NULL: all. */
flowan_status fl_scan_select(flowan_scan *scan, const fl_scan_job *job,
                             const flowan_selection **selection, flowan_error *error);

/* The next batch of the log and its selected rows. FLOWAN_END: it has no more. */
flowan_status fl_scan_next_of_log(flowan_scan *scan, const flowan_batch **batch,
                                  const flowan_selection **selection,
                                  flowan_error *error);
void fl_scan_next_input(flowan_scan *scan);
void fl_scan_show_progress(flowan_scan *scan);
void fl_scan_free_sums(flowan_scan *scan);

/* Fills scan->batch from the log. FLOWAN_END: it has no more. */
flowan_status fl_scan_next_log(flowan_scan *scan, flowan_error *error);

#endif
