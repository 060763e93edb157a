/* Questions to a block of which nothing need be true: whatever its bounds and summaries
 * say, asking reads no byte that is not there; and where they hold, the rows that it gives
 * are those that filter and window choose of the whole block. */
#ifndef FL_FUZZ_ASK_H
#define FL_FUZZ_ASK_H

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "compare.h"
#include "index.h"
#include "pick.h"
#include "summary.h"

/* All kinds of tests, of columns that records of goflow2 have and of such that they do
 * not. */
static const char *const ask_texts[] = {
    "proto tcp or bytes > 1000",
    "not src port 443 and not dst port in [53 80 8080]",
    "src ip 10.0.0.0/8 or dst ip 2001:db8::/32 or exporter 192.0.2.1",
    "field type exists and not (flags S or packets 1)",
    "field icmp_name = unknown or field as_path 64500 or bps > 1000",
    "duration > 1s and sampling > 0 or field odd exists",
    "field \"\" exists or field new_text = text or field new_number > 7"};
enum { ASK_TEXTS = sizeof ask_texts / sizeof *ask_texts };

typedef struct ask_filter {
    flowan_filter *filter;
    flowan_matcher *of_whole;
    flowan_matcher *of_answer;
} ask_filter;

static ask_filter ask_filters[ASK_TEXTS]; /* compiled once, and never freed */

static inline void ask_begin(void)
{
    for (size_t i = 0; i < ASK_TEXTS && !ask_filters[i].filter; i++) {
        ask_filter *f = &ask_filters[i];
        flowan_error error = {0};
        bool made =
            flowan_filter_compile(&f->filter, ask_texts[i], strlen(ask_texts[i]), NULL,
                                  &error) == FLOWAN_OK &&
            flowan_matcher_new(&f->of_whole, f->filter, NULL, &error) == FLOWAN_OK &&
            flowan_matcher_new(&f->of_answer, f->filter, NULL, &error) == FLOWAN_OK;
        COMPARE_EXPECT(made, ask_texts[i], "%s", error.message);
    }
}

/* --- what is true of a block --- */

static inline bool ask_cell_holds(fl_unpack *u, size_t cell, size_t class,
                                  uint64_t *numbers)
{
    size_t rows = fl_unpack_class_rows(u, class);
    uint64_t low;
    uint64_t high;
    if (!fl_layout_bounds(&u->layout, cell, class, &low, &high))
        return true;
    if (fl_unpack_cell(u, cell, class, NULL, rows, numbers) != FLOWAN_OK)
        return false;
    for (size_t i = 0; i < rows; i++)
        if (numbers[i] < low || numbers[i] > high)
            return false;
    return true;
}

static inline bool ask_bounds_hold(fl_unpack *u)
{
    const fl_layout *l = &u->layout;
    if (fl_unpack_bounds(u) != FLOWAN_OK || fl_unpack_rows(u) != FLOWAN_OK ||
        fl_unpack_order(u) != FLOWAN_OK)
        return false;
    uint64_t *numbers = compare_need(malloc((l->rows + 1) * sizeof *numbers));
    bool hold = true;
    for (size_t i = 0; hold && i < l->column_count; i++)
        for (size_t c = 0; hold && c < l->class_count; c++)
            for (size_t k = 0; hold && k < l->columns[i].cells; k++)
                if (fl_layout_has(l, l->class_shapes[c], i))
                    hold = ask_cell_holds(u, l->columns[i].first_cell + k, c, numbers);
    free(numbers);
    return hold;
}

/* By which blocks are passed over: times, and bounds of the numbers. */
static inline bool ask_is_true(const flowan_reader *reader, size_t block,
                               const flowan_batch *whole)
{
    flowan_segment_stats stats;
    fl_clock clock;
    uint64_t first = UINT64_MAX;
    uint64_t last = 0;
    uint64_t without = 0;
    flowan_reader_block(reader, block, &stats);
    fl_clock_init(&clock, whole);
    for (size_t row = 0; row < flowan_batch_rows(whole); row++) {
        fl_span span = fl_clock_span(&clock, row);
        without += !span.known;
        if (span.known && span.start_ns < first)
            first = span.start_ns;
        if (span.known && span.end_ns > last)
            last = span.end_ns;
    }
    fl_workspace space = {0};
    fl_unpack unpack = {0};
    fl_segment_head head = {0};
    size_t count;
    uint64_t at = fl_reader_blocks(reader, &count)[block].offset;
    bool is_true = fl_reader_head(reader, &space.head, at, &head, NULL) == FLOWAN_OK;
    if (is_true) {
        const flowan_segment_stats *own = &head.stats;
        is_true =
            own->rows_without_time == without && own->span_min_ns == first &&
            own->span_max_ns == last &&
            fl_unpack_open(&unpack, reader, &space, &head, at, NULL) == FLOWAN_OK &&
            ask_bounds_hold(&unpack);
        fl_unpack_free(&unpack);
    }
    fl_segment_head_free(&head);
    fl_workspace_free(&space);
    return is_true;
}

/* --- asking --- */

static inline bool ask_has(const fl_question *q, const fl_clock *clock, size_t row)
{
    fl_span span = fl_clock_span(clock, row);
    return !q->has_window ||
           (span.known && fl_clock_overlaps(&span, q->from_ns, q->to_ns) &&
            (!q->inside || (span.start_ns >= q->from_ns && span.end_ns <= q->to_ns)));
}

static inline const flowan_selection *ask_match(flowan_matcher *matcher,
                                                const flowan_batch *batch)
{
    const flowan_selection *rows;
    COMPARE_EXPECT(flowan_matcher_apply(matcher, batch, NULL, &rows, NULL) == FLOWAN_OK,
                   "match", "failed");
    return rows;
}

/* The rows of the answer are those of the whole block that are asked for. */
static inline void ask_compare(const ask_filter *f, const fl_question *q,
                               const fl_answer *answer, const flowan_batch *whole,
                               const flowan_batch *got)
{
    const flowan_selection *want = ask_match(f->of_whole, whole);
    const flowan_selection *left = answer->exact ? NULL : ask_match(f->of_answer, got);
    size_t rows = left ? left->count : flowan_batch_rows(got);
    compare_view a = {.label = "the whole block"};
    compare_view b = {.label = "the answer"};
    compare_load(&a, whole, false);
    compare_load(&b, got, false);
    fl_clock clock;
    fl_clock_init(&clock, whole);
    size_t count = 0;
    for (size_t i = 0; i < want->count; i++) {
        if (!ask_has(q, &clock, want->rows[i]))
            continue;
        if (count < rows && !q->any_order)
            compare_rows(&a, want->rows[i], &b, left ? left->rows[count] : count);
        count++;
    }
    COMPARE_EXPECT(count == rows, "ask", "%zu rows, not %zu", rows, count);
    compare_unload(&a);
    compare_unload(&b);
}

/* Each of the questions. `whole`: the block, where it could be read. */
static inline void ask_block(const flowan_reader *reader, size_t block,
                             const flowan_batch *whole,
                             void (*check)(const char *what, flowan_status status,
                                           const flowan_error *error))
{
    flowan_batch *got;
    fl_workspace space = {0};
    flowan_segment_stats stats;
    bool is_true = whole && ask_is_true(reader, block, whole);
    ask_begin();
    flowan_reader_block(reader, block, &stats);
    COMPARE_EXPECT(flowan_batch_new(&got, NULL, NULL) == FLOWAN_OK, "batch", "none");
    uint64_t middle = stats.span_min_ns + (stats.span_max_ns - stats.span_min_ns) / 2;
    for (size_t i = 0; i < 2 * ASK_TEXTS; i++) {
        const ask_filter *f = &ask_filters[i % ASK_TEXTS];
        fl_question question = {.filter = f->filter,
                                .has_window = i >= ASK_TEXTS || i % 3 == 1,
                                .from_ns = i % 2 ? 0 : middle,
                                .to_ns = i % 2 ? middle : UINT64_MAX,
                                .inside = i % 4 > 1,
                                .any_order = i % 5 == 4};
        fl_answer answer;
        flowan_error error = {0};
        flowan_status status = fl_reader_ask(reader, &space, block, &question, NULL, 0,
                                             got, &answer, &error);
        if (status != FLOWAN_OK)
            check("ask", status, &error);
        COMPARE_EXPECT(status == FLOWAN_OK || flowan_batch_rows(got) == 0, "ask",
                       "failed, and left rows");
        COMPARE_EXPECT(status == FLOWAN_OK || !is_true, "ask",
                       "all can be read, and '%s' not be asked: %s",
                       ask_texts[i % ASK_TEXTS], error.message);
        if (status == FLOWAN_OK && is_true)
            ask_compare(f, &question, &answer, whole, got);
    }
    flowan_batch_free(got);
    fl_workspace_free(&space);
}

/* When its records were received, where runs tell: between the same times as by records. */
static inline void ask_received(const flowan_reader *reader, size_t block,
                                const flowan_batch *whole,
                                void (*check)(const char *what, flowan_status status,
                                              const flowan_error *error))
{
    fl_workspace space = {0};
    flowan_error error = {0};
    uint64_t *times;
    size_t count;
    flowan_column received;
    uint64_t bounds[2][2] = {{UINT64_MAX, 0}, {UINT64_MAX, 0}};
    flowan_status status =
        fl_reader_received(reader, &space, block, &times, &count, &error);
    if (status != FLOWAN_OK)
        check("received", status, &error);
    COMPARE_EXPECT(status == FLOWAN_OK || !times, "received", "failed, and left times");
    if (times && whole && flowan_batch_rows(whole) > 0) {
        COMPARE_EXPECT(
            flowan_batch_field(whole, FLOWAN_FIELD_TIME_RECEIVED_NS, &received) &&
                received.present_count == flowan_batch_rows(whole),
            "received", "of records that do not have it");
        for (size_t k = 0; k < 2; k++)
            for (size_t i = 0; i < (k ? count : received.rows); i++) {
                uint64_t time = k ? times[i] : received.u64[i];
                bounds[k][0] = time < bounds[k][0] ? time : bounds[k][0];
                bounds[k][1] = time > bounds[k][1] ? time : bounds[k][1];
            }
        COMPARE_EXPECT(memcmp(bounds[0], bounds[1], sizeof bounds[0]) == 0, "received",
                       "between %llu and %llu by runs",
                       (unsigned long long)bounds[1][0],
                       (unsigned long long)bounds[1][1]);
    }
    fl_memory_free(times);
    fl_workspace_free(&space);
}

/* Whatever an index is, it answers. */
static inline void ask_index(const flowan_reader *reader, size_t block)
{
    static const flowan_address address = {{[10] = 0xff, [11] = 0xff, 203, 0, 113, 2}};
    const uint64_t hashes[] = {fl_index_address(&address),
                               fl_index_pair(&address, NULL)};
    fl_workspace space = {0};
    uint64_t bytes_read = 0;
    bool may;
    COMPARE_EXPECT(fl_index_ask(reader, &space, block, hashes, 2, &may, &bytes_read) ==
                       FLOWAN_OK,
                   "index", "gives no answer");
    fl_workspace_free(&space);
}

/* What a summary says, be it forged, is one of three things. */
static inline void ask_summary(const fl_segment_block *block)
{
    ask_begin();
    /* of just that size, so that a sanitizer sees a step beyond */
    unsigned char *copy = compare_need(malloc(block->summary_size + 1));
    if (block->summary_size)
        memcpy(copy + 1, block->summary, block->summary_size);
    for (size_t i = 0; i < ASK_TEXTS; i++) {
        fl_verdict verdict =
            fl_summary_judge(copy + 1, block->summary_size, ask_filters[i].filter);
        COMPARE_EXPECT(verdict == FL_NONE || verdict == FL_SOME || verdict == FL_ALL,
                       "summary", "verdict %d", verdict);
    }
    free(copy);
}

#endif
