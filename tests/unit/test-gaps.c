/* Gaps: the same whether a block is known by its statistics or by its records, and whatever
 * the order in which they come. */
#include "flowan/gaps.h"

#include <stdio.h>
#include <stdlib.h>

#include "memory.h"
#include "records.h"
#include "unit.h"

#define SECOND UINT64_C(1000000000)
#define BEGIN UINT64_C(1742000000000000000)

static flowan_gaps *gaps;

static void set_up(void)
{
    ck_assert_int_eq(flowan_gaps_new(&gaps, 300 * SECOND, NULL), FLOWAN_OK);
}

static void tear_down(void)
{
    flowan_gaps_free(gaps);
}

static void add_seconds(const uint64_t *seconds, size_t count)
{
    fl_buffer text = {0};
    for (size_t i = 0; i < count; i++)
        fl_buffer_format(&text, "{\"time_received_ns\":%llu}\n",
                         (unsigned long long)(BEGIN + seconds[i] * SECOND));
    flowan_batch *batch = records_of(text.data, text.size);
    ck_assert_int_eq(flowan_gaps_add(gaps, batch, NULL), FLOWAN_OK);
    flowan_batch_free(batch);
    fl_buffer_free(&text);
}

static bool add_stats(uint64_t first, uint64_t last, uint64_t rows)
{
    flowan_segment_stats stats = {.rows = rows,
                                  .received_min_ns = BEGIN + first * SECOND,
                                  .received_max_ns = BEGIN + last * SECOND};
    flowan_status status;
    bool enough = flowan_gaps_add_stats(gaps, &stats, &status);
    ck_assert_int_eq(status, FLOWAN_OK);
    return enough;
}

/* "10-400 500-900", in seconds. */
static void assert_gaps(const char *want)
{
    fl_buffer got = {0};
    flowan_gap gap;
    for (size_t i = 0; flowan_gaps_get(gaps, i, &gap); i++)
        fl_buffer_format(&got, "%s%llu-%llu", i ? " " : "",
                         (unsigned long long)((gap.from_ns - BEGIN) / SECOND),
                         (unsigned long long)((gap.to_ns - BEGIN) / SECOND));
    fl_buffer_byte(&got, 0);
    ck_assert_str_eq(got.data, want);
    fl_buffer_free(&got);
}

START_TEST(of_records)
{
    assert_gaps("");
    static const uint64_t one[] = {1000};
    add_seconds(one, 1);
    assert_gaps("");
    static const uint64_t more[] = {1299, 1300, 1600, 1599, 2000, 700, 401};
    add_seconds(more, 7); /* 300 s are a gap, 299 s are none */
    assert_gaps("700-1000 1600-2000");
    static const uint64_t late[] = {100, 1800};
    add_seconds(late, 2);
    assert_gaps("100-401 700-1000");
    static const uint64_t between[] = {250};
    add_seconds(between, 1);
    assert_gaps("700-1000");
}
END_TEST

START_TEST(of_statistics)
{
    ck_assert(add_stats(0, 299, 10));
    ck_assert(!add_stats(1000, 1300, 10)); /* who knows */
    ck_assert(add_stats(1000, 1100, 10));
    ck_assert(add_stats(1300, 1310, 10));
    ck_assert(add_stats(5, 5, 0)); /* nothing */
    assert_gaps("299-1000");
    ck_assert(!add_stats(1050, 1400, 10));
    ck_assert(add_stats(1310, 1400, 10));
    ck_assert(add_stats(1050, 1400, 10)); /* covered */
    assert_gaps("299-1000");
    flowan_segment_stats none = {.rows = 3, .received_min_ns = UINT64_MAX};
    ck_assert(!flowan_gaps_add_stats(gaps, &none, NULL));
}
END_TEST

START_TEST(without_a_receive_time)
{
    static const char text[] =
        "{\"time_flow_start_ns\":1742000000000000000}\n" /* none before it */
        "{\"time_flow_start_ns\":5}\n"
        "{\"time_received_ns\":1742000400000000000}\n"
        "{\"time_flow_start_ns\":1742001000000000000}\n" /* with the one before */
        "{\"time_received_ns\":1742002000000000000}\n{}\n";
    flowan_batch *batch = records_of(text, sizeof text - 1);
    ck_assert_int_eq(flowan_gaps_add(gaps, batch, NULL), FLOWAN_OK);
    flowan_batch_free(batch);
    assert_gaps("0-400 400-2000");
}
END_TEST

static int by_number(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left;
    uint64_t b = *(const uint64_t *)right;
    return a < b ? -1 : a > b;
}

/* Random times in blocks, against a sort of them all. */
START_TEST(any_order_any_blocks)
{
    enum { COUNT = 4000, BLOCK = 50 };
    static uint64_t times[COUNT];
    unsigned random = (unsigned)_i * 77 + 3;
    uint64_t now = 0;
    for (size_t i = 0; i < COUNT; i++) {
        random = random * 1103515245 + 12345;
        unsigned what = random >> 16;
        now += what % 97 == 0 ? 250 + what % 200 : what % 5;
        times[i] = now;
    }
    for (size_t i = 0; i < COUNT; i++) { /* some are late, some very */
        random = random * 1103515245 + 12345;
        size_t other = i + (random >> 16) % (i % 500 == 0 ? 1000 : 10);
        if (other < COUNT) {
            uint64_t time = times[i];
            times[i] = times[other];
            times[other] = time;
        }
    }
    for (size_t i = 0; i < COUNT; i += BLOCK) {
        uint64_t first = UINT64_MAX, last = 0;
        for (size_t k = i; k < i + BLOCK; k++) {
            first = times[k] < first ? times[k] : first;
            last = times[k] > last ? times[k] : last;
        }
        if (_i % 2 || !add_stats(first, last, BLOCK))
            add_seconds(times + i, BLOCK);
    }
    qsort(times, COUNT, sizeof *times, by_number);
    fl_buffer want = {0};
    for (size_t i = 1; i < COUNT; i++)
        if (times[i] - times[i - 1] >= 300)
            fl_buffer_format(&want, "%s%llu-%llu", want.size ? " " : "",
                             (unsigned long long)times[i - 1],
                             (unsigned long long)times[i]);
    ck_assert_uint_gt(want.size, 20);
    fl_buffer_byte(&want, 0);
    assert_gaps(want.data);
    fl_buffer_free(&want);
}
END_TEST

START_TEST(by_default_five_minutes)
{
    flowan_gaps_free(gaps);
    ck_assert_int_eq(flowan_gaps_new(&gaps, 0, NULL), FLOWAN_OK);
    static const uint64_t times[] = {0, 299, 599};
    add_seconds(times, 3);
    assert_gaps("299-599");
    flowan_gaps_free(gaps);
    ck_assert_int_eq(flowan_gaps_new(&gaps, UINT64_MAX, NULL), FLOWAN_OK);
    add_seconds(times, 3);
    assert_gaps("");
}
END_TEST

static Suite *gaps_suite(void)
{
    Suite *suite = suite_create("gaps");
    TCase *tests = tcase_create("gaps");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, of_records);
    tcase_add_test(tests, of_statistics);
    tcase_add_test(tests, without_a_receive_time);
    tcase_add_loop_test(tests, any_order_any_blocks, 0, 8);
    tcase_add_test(tests, by_default_five_minutes);
    suite_add_tcase(suite, tests);
    return suite;
}

FL_UNIT_MAIN(gaps_suite)
