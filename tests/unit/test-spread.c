/* Flows shared out over time bins: the table of doc/semantics.md, and random flows against
 * remainders that are sorted one by one. */
#include "spread.h"
#include "unit.h"

enum { BINS = 400, ROUNDS = 3000 };

#define SECOND UINT64_C(1000000000)
#define NOON (UINT64_C(1742040000) * SECOND)

__extension__ typedef unsigned __int128 wide;

static uint64_t state;

static uint64_t draw(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static wide wide_of(flowan_sum sum)
{
    return (wide)sum.high << 64 | sum.low;
}

static flowan_sum sum_of(wide number)
{
    return (flowan_sum){(uint64_t)number, (uint64_t)(number >> 64)};
}

/* --- the table --- */

START_TEST(the_table)
{
    static const struct {
        uint64_t first;
        uint64_t count;
        uint64_t bytes[4];
    } want[] = {
        [FLOWAN_SCHEME_PROPORTIONAL] = {3, 4, {600, 3600, 3600, 1200}},
        [FLOWAN_SCHEME_UNIFORM] = {3, 4, {2250, 2250, 2250, 2250}},
        [FLOWAN_SCHEME_START] = {3, 1, {9000}},
        [FLOWAN_SCHEME_END] = {6, 1, {9000}},
        [FLOWAN_SCHEME_MIDDLE] = {5, 1, {9000}},
    };
    const fl_span span = {NOON + 230 * SECOND, NOON + 380 * SECOND, true, false};
    const flowan_measures flow = {1, {7, 0}, {9000, 0}};
    for (int scheme = 0; scheme <= FLOWAN_SCHEME_MIDDLE; scheme++) {
        fl_spread spread;
        flowan_measures share;
        uint64_t bin;
        fl_spread_begin(&spread, (flowan_scheme)scheme, 60 * SECOND, &span, &flow);
        for (uint64_t i = 0; i < want[scheme].count; i++) {
            ck_assert(fl_spread_next(&spread, &bin, &share));
            ck_assert_uint_eq(bin, NOON / SECOND / 60 + want[scheme].first + i);
            ck_assert_uint_eq(share.bytes.low, want[scheme].bytes[i]);
            ck_assert_uint_eq(share.flows, i == 0);
        }
        ck_assert(!fl_spread_next(&spread, &bin, &share));
        ck_assert(!fl_spread_next(&spread, &bin, &share));
    }
}
END_TEST

START_TEST(ends_and_instants)
{
    static const struct {
        uint64_t start, end;
        flowan_scheme scheme;
        uint64_t first, count;
    } cases[] = {
        {60, 60, FLOWAN_SCHEME_PROPORTIONAL, 1, 1}, /* an instant is in its bin … */
        {60, 60, FLOWAN_SCHEME_END, 1, 1},
        {0, 60, FLOWAN_SCHEME_PROPORTIONAL, 0,
         1}, /* … an end belongs to the one before */
        {0, 60, FLOWAN_SCHEME_END, 0, 1},
        {0, 60, FLOWAN_SCHEME_UNIFORM, 0, 1},
        {59, 60, FLOWAN_SCHEME_MIDDLE, 0, 1},
        {59, 61, FLOWAN_SCHEME_MIDDLE, 1, 1},
        {59, 61, FLOWAN_SCHEME_UNIFORM, 0, 2},
        {0, 61, FLOWAN_SCHEME_PROPORTIONAL, 0, 2},
        {0, 120, FLOWAN_SCHEME_UNIFORM, 0, 2},
        {0, 121, FLOWAN_SCHEME_UNIFORM, 0, 3},
    };
    const flowan_measures flow = {1, {1, 0}, {100, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const fl_span span = {cases[i].start, cases[i].end, true, false};
        fl_spread spread;
        fl_spread_begin(&spread, cases[i].scheme, 60, &span, &flow);
        ck_assert_uint_eq(spread.bin, cases[i].first);
        ck_assert_uint_eq(spread.count, cases[i].count);
    }
}
END_TEST

/* --- random flows --- */

/* number * part / whole, bit by bit where it does not fit; the remainder in *rest. */
static wide divide(wide number, uint64_t part, uint64_t whole, uint64_t *rest)
{
    wide quotient = 0;
    wide left = 0;
    /* by Horner: number is read from its highest bit on */
    for (int bit = 127; bit >= 0; bit--) {
        left = left * 2 + (number >> bit & 1 ? part : 0);
        quotient = quotient * 2 + left / whole;
        left %= whole;
    }
    *rest = (uint64_t)left;
    return quotient;
}

static void share_out(wide number, const uint64_t *parts, size_t count, uint64_t whole,
                      wide *out)
{
    static uint64_t rests[BINS];
    wide left = number;
    for (size_t i = 0; i < count; i++) {
        out[i] = divide(number, parts[i], whole, &rests[i]);
        left -= out[i];
    }
    ck_assert(left < count);
    for (; left > 0; left--) {
        size_t best = 0;
        for (size_t i = 1; i < count; i++)
            if (rests[i] > rests[best])
                best = i;
        ck_assert_uint_gt(rests[best], 0);
        out[best]++;
        rests[best] = 0;
    }
}

static void check(flowan_scheme scheme, uint64_t width, const fl_span *span,
                  const flowan_measures *flow)
{
    static uint64_t parts[BINS];
    static wide want[2][BINS];
    uint64_t first = span->start_ns / width;
    uint64_t last = (span->end_ns - (span->end_ns > span->start_ns)) / width;
    size_t count = (size_t)(last - first + 1);
    uint64_t whole =
        scheme == FLOWAN_SCHEME_UNIFORM ? count : span->end_ns - span->start_ns;
    for (size_t i = 0; i < count; i++) {
        uint64_t from = (first + i) * width;
        uint64_t to = from + width;
        from = from < span->start_ns ? span->start_ns : from;
        to = to > span->end_ns ? span->end_ns : to;
        parts[i] = scheme == FLOWAN_SCHEME_UNIFORM ? 1 : to - from;
    }
    if (count == 1)
        parts[0] = whole = 1;
    share_out(wide_of(flow->packets), parts, count, whole, want[0]);
    share_out(wide_of(flow->bytes), parts, count, whole, want[1]);
    fl_spread spread;
    flowan_measures share;
    uint64_t bin;
    fl_spread_begin(&spread, scheme, width, span, flow);
    ck_assert_uint_eq(spread.count, count);
    for (size_t i = 0; i < count; i++) {
        ck_assert(fl_spread_next(&spread, &bin, &share));
        ck_assert_uint_eq(bin, first + i);
        ck_assert_uint_eq(share.flows, i == 0);
        ck_assert(wide_of(share.packets) == want[0][i]);
        ck_assert(wide_of(share.bytes) == want[1][i]);
    }
    ck_assert(!fl_spread_next(&spread, &bin, &share));
}

/* As exported, scaled, and as large as sums get. */
static flowan_sum any_number(void)
{
    wide number = draw();
    switch (draw() % 5) {
    case 0: return sum_of(number % 10);
    case 1: return sum_of(number % 100000);
    case 2: return sum_of(number * (draw() >> 32));
    case 3: return sum_of(number << 64 | draw());
    default: return (flowan_sum){UINT64_MAX, UINT64_MAX};
    }
}

START_TEST(random_flows)
{
    state = 88172645463325252 + (uint64_t)_i;
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t width = 1 + draw() % (_i % 2 ? 20 : 86400 * SECOND);
        uint64_t bins = draw() % (BINS - 2);
        uint64_t start = NOON + draw() % width;
        fl_span span = {start, start, true, false};
        switch (draw() % 4) {
        case 0: span.end_ns += draw() % width; break;
        case 1: span.end_ns += bins * width + draw() % width; break;
        case 2: span.end_ns += draw() % 3 * width; break;
        default: /* from one edge to another */
            span.start_ns = (start / width + 1) * width;
            span.end_ns = span.start_ns + bins * width;
        }
        const flowan_measures flow = {1, any_number(), any_number()};
        check(FLOWAN_SCHEME_PROPORTIONAL, width, &span, &flow);
        check(FLOWAN_SCHEME_UNIFORM, width, &span, &flow);
    }
}
END_TEST

/* --- clocks --- */

START_TEST(clocks)
{
    const fl_span span = {100, 300, true, false};
    fl_span by = fl_clock_by(FLOWAN_CLOCK_START_END, &span, 777);
    ck_assert_uint_eq(by.start_ns, 100);
    ck_assert_uint_eq(by.end_ns, 300);
    const struct {
        flowan_clock clock;
        uint64_t received, want;
    } cases[] = {{FLOWAN_CLOCK_RECEIVED, 777, 777},
                 {FLOWAN_CLOCK_RECEIVED, 0, 100},
                 {FLOWAN_CLOCK_START, 777, 100},
                 {FLOWAN_CLOCK_END, 777, 300}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        by = fl_clock_by(cases[i].clock, &span, cases[i].received);
        ck_assert(by.known);
        ck_assert_uint_eq(by.start_ns, cases[i].want);
        ck_assert_uint_eq(by.end_ns, cases[i].want);
    }
    const fl_span unknown = {0, 0, false, true};
    ck_assert(!fl_clock_by(FLOWAN_CLOCK_RECEIVED, &unknown, 0).known);
}
END_TEST

static Suite *suite_of(void)
{
    Suite *suite = suite_create("spread");
    TCase *cases = tcase_create("all");
    tcase_set_timeout(cases, 120);
    tcase_add_test(cases, the_table);
    tcase_add_test(cases, ends_and_instants);
    tcase_add_loop_test(cases, random_flows, 0, 2);
    tcase_add_test(cases, clocks);
    suite_add_tcase(suite, cases);
    return suite;
}

FL_UNIT_MAIN(suite_of)
