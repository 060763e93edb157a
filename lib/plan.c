#include "plan.h"

void fl_plan_begin(fl_plan *plan, const flowan_batch *batch, size_t first,
                   const fl_plan_rules *rules, const fl_plan_state *state)
{
    *plan = (fl_plan){.batch = batch, .rules = *rules, .state = *state, .row = first};
    fl_clock_init(&plan->clock, batch);
}

/* The receive time that a record counts as having, for rotation. */
static uint64_t receive_time(const fl_plan *plan, size_t row)
{
    const fl_clock *clock = &plan->clock;
    uint64_t received = fl_clock_received(clock, row);
    if (received)
        return received;
    if (plan->state.last_received)
        return plan->state.last_received;
    uint64_t start = clock->has_start ? clock->start.u64[row] : 0;
    if (start >= FL_CLOCK_2000_NS && start <= INT64_MAX)
        return start;
    return plan->rules.modified_ns <= INT64_MAX ? plan->rules.modified_ns : 0;
}

static void take_row(fl_plan *plan, size_t row)
{
    uint64_t received = fl_clock_received(&plan->clock, row);
    if (received)
        plan->state.last_received = received;
    plan->state.rows++;
}

bool fl_plan_next(fl_plan *plan, fl_plan_step *step)
{
    size_t rows = flowan_batch_rows(plan->batch);
    fl_plan_state *state = &plan->state;
    if (plan->done)
        return false;
    *step = (fl_plan_step){.first = plan->row};
    size_t row = plan->row;
    if (row < rows) {
        uint64_t interval = receive_time(plan, row) / plan->rules.rotate_ns;
        bool full = state->open && state->rows >= plan->rules.segment_rows;
        step->begins = !state->open || full || interval > state->interval;
        /* a late record does not make the next segment older than the last */
        if (step->begins && !(full && interval < state->interval))
            state->interval = interval;
        if (step->begins)
            state->rows = 0;
        state->open = true;
        take_row(plan, row++);
    }
    /* Times are below 2^63, so this does not overflow. */
    uint64_t end_ns = (state->interval + 1) * plan->rules.rotate_ns;
    while (row < rows && state->rows < plan->rules.segment_rows &&
           receive_time(plan, row) < end_ns)
        take_row(plan, row++);
    plan->row = row;
    plan->done = row == rows;
    step->end = row;
    step->after = *state;
    return true;
}
