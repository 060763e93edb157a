#include "clock.h"

#include "batch.h"

void fl_clock_init(fl_clock *clock, const flowan_batch *batch)
{
    clock->has_received =
        flowan_batch_field(batch, FLOWAN_FIELD_TIME_RECEIVED_NS, &clock->received);
    clock->has_start =
        flowan_batch_field(batch, FLOWAN_FIELD_TIME_FLOW_START_NS, &clock->start);
    clock->has_end =
        flowan_batch_field(batch, FLOWAN_FIELD_TIME_FLOW_END_NS, &clock->end);
    clock->full = clock->has_received && clock->has_start && clock->has_end &&
                  fl_column_is_full(&clock->received) &&
                  fl_column_is_full(&clock->start) && fl_column_is_full(&clock->end);
}

static bool get(bool has, const flowan_column *column, size_t row, uint64_t *out)
{
    *out = 0;
    if (!has || !(column->present[row / 64] >> (row % 64) & 1))
        return false;
    *out = column->u64[row];
    return true;
}

uint64_t fl_clock_received(const fl_clock *clock, size_t row)
{
    uint64_t received;
    get(clock->has_received, &clock->received, row, &received);
    return received <= INT64_MAX ? received : 0;
}

static bool plausible(uint64_t ns)
{
    return ns >= FL_CLOCK_2000_NS && ns <= INT64_MAX;
}

fl_span fl_clock_judge(uint64_t received, const uint64_t *own_start,
                       const uint64_t *own_end)
{
    uint64_t start = own_start ? *own_start : own_end ? *own_end : 0;
    uint64_t end = own_end ? *own_end : start;
    received = received <= INT64_MAX ? received : 0;
    uint64_t latest = received ? received + FL_CLOCK_DAY_NS : INT64_MAX;
    if (plausible(start) && plausible(end) && start <= latest && end <= latest &&
        end >= start && end - start <= FL_CLOCK_DAY_NS)
        return (fl_span){start, end, true, false};
    uint64_t instant = received ? received : plausible(start) ? start : 0;
    return (fl_span){instant, instant, instant != 0, true};
}

fl_span fl_clock_look(const fl_clock *clock, size_t row)
{
    uint64_t start;
    uint64_t end;
    bool has_start = get(clock->has_start, &clock->start, row, &start);
    bool has_end = get(clock->has_end, &clock->end, row, &end);
    return fl_clock_judge(fl_clock_received(clock, row), has_start ? &start : NULL,
                          has_end ? &end : NULL);
}

fl_span fl_clock_by(flowan_clock which, const fl_span *span, uint64_t received)
{
    fl_span by = *span;
    if (which == FLOWAN_CLOCK_RECEIVED && received)
        by.start_ns = received;
    else if (which == FLOWAN_CLOCK_END)
        by.start_ns = by.end_ns;
    if (which != FLOWAN_CLOCK_START_END)
        by.end_ns = by.start_ns;
    return by;
}

bool fl_clock_range(const fl_clock *clock, const flowan_selection *rows, size_t count,
                    uint64_t *first_ns, uint64_t *last_ns)
{
    uint64_t first = UINT64_MAX;
    uint64_t last = 0;
    for (size_t i = 0; i < count; i++) {
        size_t row = rows ? rows->rows[i] : i;
        fl_span span = fl_clock_span(clock, row);
        if (!span.known)
            continue;
        first = span.start_ns < first ? span.start_ns : first;
        last = span.end_ns > last ? span.end_ns : last;
    }
    *first_ns = first;
    *last_ns = last;
    return first <= last;
}

bool fl_clock_overlaps(const fl_span *span, uint64_t from_ns, uint64_t to_ns)
{
    if (span->start_ns == span->end_ns)
        return from_ns <= span->start_ns && span->start_ns < to_ns;
    return span->start_ns < to_ns && span->end_ns > from_ns;
}
