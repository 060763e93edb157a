/* Layer 2: when a flow was: the span of a record by the rules of doc/semantics.md, in one
 * place, for the writer's statistics, the scan's window and the aggregator's bins. */
#ifndef FL_CLOCK_H
#define FL_CLOCK_H

#include "flowan/batch.h"
#include "flowan/time.h"

#define FL_CLOCK_2000_NS UINT64_C(946684800000000000)
#define FL_CLOCK_DAY_NS UINT64_C(86400000000000)

/* The time columns of one batch. */
typedef struct fl_clock {
    flowan_column received;
    flowan_column start;
    flowan_column end;
    bool has_received;
    bool has_start;
    bool has_end;
    bool full; /* all records have all three */
} fl_clock;

typedef struct fl_span {
    uint64_t start_ns; /* the flow occupied [start, end), or the instant start = end */
    uint64_t end_ns;
    bool known;  /* false: no usable time at all */
    bool broken; /* the exporter's clock was not believed: both are the receive time */
} fl_span;

void fl_clock_init(fl_clock *clock, const flowan_batch *batch);

/* The receive time of a record, or 0 where it has none. */
uint64_t fl_clock_received(const fl_clock *clock, size_t row);

/* What a record's span is by the rules, one by one. */
fl_span fl_clock_look(const fl_clock *clock, size_t row);

/* The span of a record: of nearly all flows it is told at a glance. */
static inline fl_span fl_clock_span(const fl_clock *clock, size_t row)
{
    if (clock->full) {
        uint64_t received = clock->received.u64[row];
        uint64_t start = clock->start.u64[row];
        uint64_t end = clock->end.u64[row];
        if (start >= FL_CLOCK_2000_NS && end >= start &&
            end - start <= FL_CLOCK_DAY_NS && end <= received && received <= INT64_MAX)
            return (fl_span){start, end, true, false};
    }
    return fl_clock_look(clock, row);
}

/* The span by another clock: `received` as fl_clock_received has it. */
fl_span fl_clock_by(flowan_clock which, const fl_span *span, uint64_t received);

/* The span of a record of these times: `received` 0 where it has none, the others NULL. */
fl_span fl_clock_judge(uint64_t received, const uint64_t *start, const uint64_t *end);

/* The earliest start and the latest end of `count` rows (NULL: the first so many) that have
 * a usable time; false when none has. */
bool fl_clock_range(const fl_clock *clock, const flowan_selection *rows, size_t count,
                    uint64_t *first_ns, uint64_t *last_ns);

/* Whether a span overlaps the window [from, to). */
bool fl_clock_overlaps(const fl_span *span, uint64_t from_ns, uint64_t to_ns);

#endif
