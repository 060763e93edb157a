/* Plans: which rows of a batch come to which segment, told as text: '|' begins a segment,
 * with its interval. */
#include "plan.h"

#include <stdio.h>

#include "records.h"
#include "unit.h"

#define HOUR UINT64_C(3600000000000)

/* A batch of records with these receive times, in hours since 1970 (0: none). */
static flowan_batch *hours(const uint64_t *times, size_t count)
{
    char text[4096] = "";
    size_t size = 0;
    for (size_t i = 0; i < count; i++)
        size += (size_t)(times[i] ? snprintf(text + size, sizeof text - size,
                                             "{\"time_received_ns\":%llu}",
                                             (unsigned long long)(times[i] * HOUR))
                                  : snprintf(text + size, sizeof text - size, "{}"));
    return records_of(text, size);
}

/* The plan of rows [first, rows): "INTERVAL|FIRST-END", or "FIRST-END" where a step goes on
 * in the open segment. *state is as after it. */
static const char *told(const flowan_batch *batch, size_t first,
                        const fl_plan_rules *rules, fl_plan_state *state)
{
    static char text[512];
    size_t size = 0, end = first;
    fl_plan plan;
    fl_plan_step step;
    text[0] = 0;
    fl_plan_begin(&plan, batch, first, rules, state);
    while (fl_plan_next(&plan, &step)) {
        ck_assert_uint_eq(step.first, end);
        ck_assert(step.end > step.first || size == 0);
        end = step.end;
        if (step.begins)
            size += (size_t)snprintf(text + size, sizeof text - size, "%llu|",
                                     (unsigned long long)step.after.interval);
        size += (size_t)snprintf(text + size, sizeof text - size, "%zu-%zu ",
                                 step.first, step.end);
        *state = step.after;
    }
    ck_assert_uint_eq(end, flowan_batch_rows(batch));
    ck_assert(!fl_plan_next(&plan, &step));
    return text;
}

static void expect(const uint64_t *times, size_t count, const fl_plan_rules *rules,
                   const char *want)
{
    fl_plan_state whole = {0}, parts = {0};
    flowan_batch *batch = hours(times, count);
    ck_assert_str_eq(told(batch, 0, rules, &whole), want);
    flowan_batch_free(batch);
    /* batch by batch the state is the same at the end */
    for (size_t i = 0; i < count; i++) {
        batch = hours(times + i, 1);
        told(batch, 0, rules, &parts);
        flowan_batch_free(batch);
    }
    ck_assert(whole.open == parts.open && whole.interval == parts.interval &&
              whole.rows == parts.rows && whole.last_received == parts.last_received);
}

START_TEST(later_intervals_begin_segments)
{
    fl_plan_rules rules = {.rotate_ns = 2 * HOUR, .segment_rows = 100};
    static const uint64_t times[] = {20, 21, 22, 23, 3, 0, 24, 24, 100, 0, 99};
    expect(times, 11, &rules, "10|0-2 11|2-6 12|6-8 50|8-11 ");
    expect(times, 1, &rules, "10|0-1 ");
}
END_TEST

START_TEST(full_segments_end)
{
    fl_plan_rules rules = {.rotate_ns = HOUR, .segment_rows = 3};
    static const uint64_t same[] = {5, 5, 5, 5, 5, 5, 5};
    expect(same, 7, &rules, "5|0-3 5|3-6 5|6-7 ");
    /* a late record begins no older segment; a later one its own */
    static const uint64_t late[] = {9, 9, 9, 2, 9, 9, 10, 11};
    expect(late, 8, &rules, "9|0-3 9|3-6 10|6-7 11|7-8 ");
    rules.segment_rows = 1;
    expect(late, 4, &rules, "9|0-1 9|1-2 9|2-3 9|3-4 ");
}
END_TEST

START_TEST(goes_on_with_what_is_open)
{
    fl_plan_rules rules = {.rotate_ns = HOUR, .segment_rows = 4};
    static const uint64_t times[] = {7, 0, 7, 8};
    flowan_batch *batch = hours(times, 4);
    fl_plan_state state = {.open = true, .interval = 7, .rows = 2};
    ck_assert_str_eq(told(batch, 0, &rules, &state), "0-2 7|2-3 8|3-4 ");
    ck_assert_uint_eq(state.rows, 1);
    ck_assert_uint_eq(state.last_received, 8 * HOUR);
    /* what is left of a batch, and nothing of it */
    state = (fl_plan_state){.open = true, .interval = 7, .rows = 2};
    ck_assert_str_eq(told(batch, 2, &rules, &state), "2-3 8|3-4 ");
    state = (fl_plan_state){.open = true, .interval = 7, .rows = 2, .last_received = 1};
    ck_assert_str_eq(told(batch, 4, &rules, &state), "4-4 ");
    ck_assert(state.open && state.interval == 7 && state.rows == 2 &&
              state.last_received == 1);
    /* a closed one's interval binds nobody */
    state = (fl_plan_state){.interval = 90, .rows = 4};
    ck_assert_str_eq(told(batch, 0, &rules, &state), "7|0-3 8|3-4 ");
    flowan_batch_free(batch);
}
END_TEST

START_TEST(records_without_times)
{
    fl_plan_rules rules = {
        .rotate_ns = HOUR, .segment_rows = 9, .modified_ns = 400000 * HOUR};
    flowan_batch *batch = records("{}{'time_flow_start_ns':1440000000000000001}"
                                  "{'time_received_ns':1443600000000000000}{}"
                                  "{'time_flow_start_ns':1540000000000000000}"
                                  "{'time_received_ns':18446744073709551615}");
    fl_plan_state state = {0};
    ck_assert_str_eq(told(batch, 0, &rules, &state), "400000|0-2 401000|2-6 ");
    ck_assert_uint_eq(state.last_received, UINT64_C(1443600000000000000));
    rules.modified_ns = UINT64_MAX; /* nor has the log a time that can be */
    state = (fl_plan_state){0};
    ck_assert_str_eq(told(batch, 0, &rules, &state), "0|0-1 400000|1-2 401000|2-6 ");
    flowan_batch_free(batch);
}
END_TEST

/* The last times and the longest intervals that there are. */
START_TEST(nothing_overflows)
{
    static const uint64_t rotations[] = {1, UINT64_C(1000000000), INT64_MAX,
                                         (uint64_t)INT64_MAX + 1, UINT64_MAX};
    flowan_batch *batch = records("{'time_received_ns':9223372036854775807}"
                                  "{'time_received_ns':9223372036854775806}"
                                  "{'time_received_ns':9223372036854775807}");
    for (size_t i = 0; i < 5; i++) {
        fl_plan_rules rules = {.rotate_ns = rotations[i], .segment_rows = UINT64_MAX};
        fl_plan_state state = {0};
        char want[64];
        snprintf(want, sizeof want, "%llu|0-3 ",
                 (unsigned long long)(INT64_MAX / rotations[i]));
        ck_assert_str_eq(told(batch, 0, &rules, &state), want);
    }
    flowan_batch_free(batch);
}
END_TEST

static Suite *suite_of(void)
{
    Suite *suite = suite_create("plan");
    TCase *tests = tcase_create("plan");
    tcase_add_test(tests, later_intervals_begin_segments);
    tcase_add_test(tests, full_segments_end);
    tcase_add_test(tests, goes_on_with_what_is_open);
    tcase_add_test(tests, records_without_times);
    tcase_add_test(tests, nothing_overflows);
    suite_add_tcase(suite, tests);
    return suite;
}

FL_UNIT_MAIN(suite_of)
