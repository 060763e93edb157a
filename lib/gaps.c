/* Receive times as spans that have no gap inside. Two times that are less than a gap apart
 * are in one span, for no gap can lie between them: so a block whose first and last time are
 * near is one span, whatever is in it, and nothing is lost by knowing no more. */
#include "gaps.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "memory.h"
#include "status.h"

typedef struct span {
    uint64_t first;
    uint64_t last;
} span;

struct flowan_gaps {
    uint64_t gap_ns;
    span *spans;
    size_t count;
    size_t room;
    size_t joined; /* the first of them are in order and a gap apart */
};

flowan_status flowan_gaps_new(flowan_gaps **out, uint64_t gap_ns, flowan_error *error)
{
    *out = fl_memory_zalloc(1, sizeof **out);
    if (!*out)
        return fl_status_memory(error);
    (*out)->gap_ns = !gap_ns ? FLOWAN_GAP_DEFAULT_NS
                     : gap_ns > INT64_MAX
                         ? INT64_MAX /* sums with times do not overflow */
                         : gap_ns;
    return FLOWAN_OK;
}

void flowan_gaps_free(flowan_gaps *gaps)
{
    if (!gaps)
        return;
    fl_memory_free(gaps->spans);
    fl_memory_free(gaps);
}

static int by_first(const void *left, const void *right)
{
    const span *a = left;
    const span *b = right;
    return a->first < b->first ? -1 : a->first > b->first;
}

/* Joins what is less than a gap apart. */
static void join(flowan_gaps *gaps)
{
    if (gaps->joined == gaps->count)
        return;
    qsort(gaps->spans, gaps->count, sizeof *gaps->spans, by_first);
    size_t kept = 0;
    for (size_t i = 1; i < gaps->count; i++) {
        span *last = &gaps->spans[kept];
        const span *this = &gaps->spans[i];
        if (this->first > last->last && this->first - last->last >= gaps->gap_ns)
            gaps->spans[++kept] = *this;
        else if (this->last > last->last)
            last->last = this->last;
    }
    gaps->count = gaps->joined = kept + 1;
}

/* Mostly the next time is near the one before. */
static bool add(flowan_gaps *gaps, uint64_t first, uint64_t last)
{
    if (gaps->count > gaps->joined) {
        span *before = &gaps->spans[gaps->count - 1];
        if (first < before->last + gaps->gap_ns && before->first < last + gaps->gap_ns) {
            before->first = first < before->first ? first : before->first;
            before->last = last > before->last ? last : before->last;
            return true;
        }
    }
    /* what lies apart for good stays; the rest must not pile up */
    if (gaps->count == gaps->room)
        join(gaps);
    if (gaps->count > gaps->room / 2 || gaps->room == 0)
        if (!fl_memory_grow((void **)&gaps->spans, &gaps->room, 2 * gaps->count + 64,
                            sizeof *gaps->spans))
            return false;
    gaps->spans[gaps->count++] = (span){first, last};
    return true;
}

/* Whether both lie in one span. */
static bool is_covered(flowan_gaps *gaps, uint64_t first, uint64_t last)
{
    join(gaps);
    size_t low = 0;
    size_t high = gaps->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (gaps->spans[middle].last < first)
            low = middle + 1;
        else
            high = middle;
    }
    return low < gaps->count && gaps->spans[low].first <= first &&
           last <= gaps->spans[low].last;
}

bool flowan_gaps_add_stats(flowan_gaps *gaps, const flowan_segment_stats *stats,
                           flowan_status *status)
{
    if (status)
        *status = FLOWAN_OK;
    if (stats->rows == 0)
        return true;
    uint64_t first = stats->received_min_ns;
    uint64_t last = stats->received_max_ns;
    if (first > last)
        return false;
    if (last - first >= gaps->gap_ns)
        return is_covered(gaps, first, last);
    if (add(gaps, first, last))
        return true;
    if (status)
        *status = FLOWAN_ERROR_MEMORY;
    return false;
}

flowan_status flowan_gaps_add(flowan_gaps *gaps, const flowan_batch *batch,
                              flowan_error *error)
{
    fl_clock clock;
    uint64_t last = 0;
    fl_clock_init(&clock, batch);
    for (size_t row = 0; row < flowan_batch_rows(batch); row++) {
        uint64_t time = fl_clock_received(&clock, row);
        if (!time && !last && clock.has_start &&
            clock.start.u64[row] >= FL_CLOCK_2000_NS &&
            clock.start.u64[row] <= INT64_MAX)
            time = clock.start.u64[row];
        else if (!time)
            continue;
        else
            last = time;
        if (!add(gaps, time, time))
            return fl_status_memory(error);
    }
    return FLOWAN_OK;
}

bool fl_gaps_cover(flowan_gaps *gaps, uint64_t first_ns, uint64_t last_ns)
{
    return add(gaps, first_ns, last_ns);
}

bool flowan_gaps_get(flowan_gaps *gaps, size_t index, flowan_gap *out)
{
    join(gaps);
    if (gaps->count == 0 || index >= gaps->count - 1)
        return false;
    *out = (flowan_gap){gaps->spans[index].last, gaps->spans[index + 1].first};
    return true;
}

bool flowan_gaps_span(flowan_gaps *gaps, uint64_t *first_ns, uint64_t *last_ns)
{
    join(gaps);
    if (gaps->count == 0)
        return false;
    *first_ns = gaps->spans[0].first;
    *last_ns = gaps->spans[gaps->count - 1].last;
    return true;
}
