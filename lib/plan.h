/* Layer 5: which rows of a batch go to which segment. A plan only reckons, so it may run
 * ahead of what is written; nothing is packed or written here. */
#ifndef FL_PLAN_H
#define FL_PLAN_H

#include "clock.h"

typedef struct fl_plan_rules {
    uint64_t rotate_ns; /* not 0 */
    uint64_t segment_rows;
    uint64_t modified_ns; /* of the log: the last resort of records without any time */
} fl_plan_rules;

/* What the next row's segment depends on. */
typedef struct fl_plan_state {
    bool open;              /* a segment takes rows */
    uint64_t interval;      /* its: start / rotate_ns */
    uint64_t rows;          /* in it */
    uint64_t last_received; /* of the log's rows so far; 0: none had a time */
} fl_plan_state;

/* Rows [first, end) of a batch, which come to one segment. No rows: only how far the log
 * was read changes. */
typedef struct fl_plan_step {
    size_t first;
    size_t end;
    bool begins;         /* a segment, which ends the one that is open */
    fl_plan_state after; /* …, and its interval */
} fl_plan_step;

typedef struct fl_plan {
    const flowan_batch *batch;
    fl_clock clock;
    fl_plan_rules rules;
    fl_plan_state state;
    size_t row; /* the next step's first */
    bool done;
} fl_plan;

/* Plans rows [first, rows) of the batch, whose columns are complete from here on. */
void fl_plan_begin(fl_plan *plan, const flowan_batch *batch, size_t first,
                   const fl_plan_rules *rules, const fl_plan_state *state);

/* The next step; false when there is none. Of a batch without rows to write there is one,
 * without rows; `end` of the last one is the batch's. */
bool fl_plan_next(fl_plan *plan, fl_plan_step *step);

#endif
