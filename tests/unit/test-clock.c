/* When a flow was: the rules about broken clocks, boundary by boundary. */
#include "clock.h"

#include <stdio.h>
#include <string.h>

#include "flowan/parser.h"
#include "unit.h"

#define EXPECT(condition, ...)                                                         \
    do {                                                                               \
        if (!(condition))                                                              \
            ck_abort_msg(__VA_ARGS__);                                                 \
    } while (0)

#define NONE UINT64_C(0xfffffffffffffffe) /* the record has no such field */
#define Y2000 FL_CLOCK_2000_NS
#define DAY FL_CLOCK_DAY_NS
#define MAX UINT64_C(0x7fffffffffffffff)
#define T UINT64_C(1742000400000000000)

static const struct {
    const char *label;
    uint64_t received;
    uint64_t start;
    uint64_t end;
    fl_span want;
} rows[] = {
    {"a flow", T, T - 20, T - 10, {T - 20, T - 10, true, false}},
    {"an instant", T, T, T, {T, T, true, false}},
    {"no receipt", NONE, T, T + 5, {T, T + 5, true, false}},
    {"a receipt of 0", 0, T, T + 5, {T, T + 5, true, false}},
    {"no end", T, T - 5, NONE, {T - 5, T - 5, true, false}},
    {"no start", T, NONE, T - 5, {T - 5, T - 5, true, false}},
    {"neither", T, NONE, NONE, {T, T, true, true}},
    {"nothing", NONE, NONE, NONE, {0, 0, false, true}},
    {"all zero", 0, 0, 0, {0, 0, false, true}},
    {"zero times", T, 0, 0, {T, T, true, true}},
    /* before 2000 */
    {"2000", NONE, Y2000, Y2000, {Y2000, Y2000, true, false}},
    {"start before 2000", NONE, Y2000 - 1, Y2000, {0, 0, false, true}},
    {"both before 2000", NONE, Y2000 - 1, Y2000 - 1, {0, 0, false, true}},
    {"start before 2000, received", T, Y2000 - 1, Y2000, {T, T, true, true}},
    {"end before 2000", NONE, Y2000, Y2000 - 1, {Y2000, Y2000, true, true}},
    {"end 0", NONE, T, 0, {T, T, true, true}},
    {"end 0, received", T + 9, T, 0, {T + 9, T + 9, true, true}},
    {"start 0", NONE, 0, T, {0, 0, false, true}},
    {"uptime only", T, 512000000000, 515000000000, {T, T, true, true}},
    /* 2^63 */
    {"2^63 - 1", NONE, MAX, MAX, {MAX, MAX, true, false}},
    {"end 2^63", NONE, MAX, MAX + 1, {MAX, MAX, true, true}},
    {"both 2^63", NONE, MAX + 1, MAX + 1, {0, 0, false, true}},
    {"2^64 - 1", T, UINT64_MAX, UINT64_MAX, {T, T, true, true}},
    {"receipt 2^63", MAX + 1, T, T, {T, T, true, false}},
    {"receipt 2^63, no flow", MAX + 1, 0, 0, {0, 0, false, true}},
    {"receipt 2^63 - 1", MAX, MAX, MAX, {MAX, MAX, true, false}},
    {"receipt 2^63 - 1, broken", MAX, MAX + 1, MAX, {MAX, MAX, true, true}},
    /* more than a day after receipt */
    {"a day ahead", T, T + DAY, T + DAY, {T + DAY, T + DAY, true, false}},
    {"over a day ahead", T, T + DAY + 1, T + DAY + 1, {T, T, true, true}},
    {"end a day ahead", T, T + 1, T + DAY, {T + 1, T + DAY, true, false}},
    {"end over a day ahead", T, T + 2, T + DAY + 1, {T, T, true, true}},
    {"years before receipt", T, Y2000, Y2000 + 5, {Y2000, Y2000 + 5, true, false}},
    {"receipt before 2000", 5, T, T, {5, 5, true, true}},
    /* the order and the length */
    {"end before start", T, T - 5, T - 6, {T, T, true, true}},
    {"end before start, no receipt", NONE, T, T - 1, {T, T, true, true}},
    {"24 hours", T, T - DAY, T, {T - DAY, T, true, false}},
    {"over 24 hours", T, T - DAY - 1, T, {T, T, true, true}},
    {"over 24 hours, no receipt", NONE, T, T + DAY + 1, {T, T, true, true}},
    {"24 hours, no receipt", NONE, T, T + DAY, {T, T + DAY, true, false}},
    {"49 days", T, T - 49 * DAY, T, {T, T, true, true}},
};

enum { ROWS = sizeof rows / sizeof *rows };

static void put(char *text, size_t room, const char *key, uint64_t value)
{
    size_t size = strlen(text);
    if (value != NONE)
        snprintf(text + size, room - size, "%s\"%s\":%llu", size > 1 ? "," : "", key,
                 (unsigned long long)value);
}

static void append_row(flowan_parser *parser, flowan_batch *batch, size_t i)
{
    char text[256] = "{";
    put(text, sizeof text - 1, "time_received_ns", rows[i].received);
    put(text, sizeof text - 1, "time_flow_start_ns", rows[i].start);
    put(text, sizeof text - 1, "time_flow_end_ns", rows[i].end);
    strcat(text, "}");
    size_t used;
    EXPECT(flowan_parser_feed(parser, text, strlen(text), batch, &used, NULL) ==
                   FLOWAN_OK &&
               used == strlen(text),
           "%s", text);
}

static void check_row(const fl_clock *clock, size_t row, size_t i)
{
    fl_span got = fl_clock_span(clock, row);
    fl_span want = rows[i].want;
    EXPECT(got.start_ns == want.start_ns && got.end_ns == want.end_ns &&
               got.known == want.known && got.broken == want.broken,
           "%s: %llu to %llu, known %d, broken %d", rows[i].label,
           (unsigned long long)got.start_ns, (unsigned long long)got.end_ns, got.known,
           got.broken);
    uint64_t received = rows[i].received > MAX ? 0 : rows[i].received;
    EXPECT(fl_clock_received(clock, row) == received, "%s: received", rows[i].label);
}

static flowan_parser *parser;
static flowan_batch *batch;

static void setup(void)
{
    ck_assert_int_eq(flowan_parser_new(&parser, NULL, NULL), FLOWAN_OK);
    ck_assert_int_eq(flowan_batch_new(&batch, NULL, NULL), FLOWAN_OK);
}

static void teardown(void)
{
    flowan_parser_free(parser);
    flowan_batch_free(batch);
}

/* Alone in a batch, so that a column may be missing, and all in one, so that it is
 * there without the row, on both sides of a word of the bitmap. */
START_TEST(spans)
{
    fl_clock clock;
    for (size_t i = 0; i < ROWS; i++) {
        append_row(parser, batch, i);
        fl_clock_init(&clock, batch);
        check_row(&clock, 0, i);
        flowan_batch_reset(batch);
    }
    for (size_t n = 0; n < 4 * ROWS; n++)
        append_row(parser, batch, n * 7 % ROWS);
    fl_clock_init(&clock, batch);
    for (size_t n = 0; n < 4 * ROWS; n++)
        check_row(&clock, n, n * 7 % ROWS);
}
END_TEST

START_TEST(no_numbers)
{
    static const char text[] = "{\"time_received_ns\":null,\"time_flow_start_ns\":\"\","
                               "\"time_flow_end_ns\":\"soon\"}{}";
    size_t used;
    ck_assert_int_eq(
        flowan_parser_feed(parser, text, sizeof text - 1, batch, &used, NULL),
        FLOWAN_OK);
    fl_clock clock;
    fl_clock_init(&clock, batch);
    for (size_t row = 0; row < 2; row++) {
        fl_span got = fl_clock_span(&clock, row);
        ck_assert(!got.known);
        ck_assert_uint_eq(fl_clock_received(&clock, row), 0);
    }
}
END_TEST

START_TEST(texts)
{
    static const char text[] = "{\"time_received_ns\":\"2025-03-15T01:00:01Z\","
                               "\"time_flow_start_ns\":\"2025-03-15T01:00:00Z\","
                               "\"time_flow_end_ns\":\"2025-03-15T01:00:00.5Z\"}"
                               "{\"time_received_ns\":\"1969-12-31T23:59:59Z\","
                               "\"time_flow_start_ns\":\"2025-03-15T01:00:00Z\"}";
    size_t used;
    ck_assert_int_eq(
        flowan_parser_feed(parser, text, sizeof text - 1, batch, &used, NULL),
        FLOWAN_OK);
    fl_clock clock;
    fl_clock_init(&clock, batch);
    fl_span got = fl_clock_span(&clock, 0);
    ck_assert(got.known && !got.broken);
    ck_assert_uint_eq(got.start_ns, T);
    ck_assert_uint_eq(got.end_ns, T + 500000000);
    /* before 1970 is 2^63 and above: no receipt at all */
    ck_assert_uint_eq(fl_clock_received(&clock, 1), 0);
    got = fl_clock_span(&clock, 1);
    ck_assert(got.known && !got.broken);
}
END_TEST

START_TEST(overlaps)
{
    static const struct {
        uint64_t start;
        uint64_t end;
        bool want; /* overlaps [100, 200) */
    } windows[] = {
        {99, 99, false},  {100, 100, true},  {199, 199, true}, {200, 200, false},
        {0, 100, false},  {0, 101, true},    {99, 100, false}, {99, 101, true},
        {100, 200, true}, {150, 160, true},  {0, 999, true},   {199, 200, true},
        {199, 999, true}, {200, 201, false},
    };
    for (size_t i = 0; i < sizeof windows / sizeof *windows; i++) {
        fl_span span = {windows[i].start, windows[i].end, true, false};
        EXPECT(fl_clock_overlaps(&span, 100, 200) == windows[i].want, "[%llu, %llu)",
               (unsigned long long)span.start_ns, (unsigned long long)span.end_ns);
    }
    fl_span instant = {0, 0, true, false};
    ck_assert(fl_clock_overlaps(&instant, 0, UINT64_MAX));
    ck_assert(!fl_clock_overlaps(&instant, 0, 0));
}
END_TEST

static Suite *suite_of(void)
{
    Suite *suite = suite_create("clock");
    TCase *tests = tcase_create("clock");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, spans);
    tcase_add_test(tests, no_numbers);
    tcase_add_test(tests, texts);
    tcase_add_test(tests, overlaps);
    suite_add_tcase(suite, tests);
    return suite;
}

FL_UNIT_MAIN(suite_of)
