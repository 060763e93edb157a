/* Numbers by how often they come: ranks, buckets of like numbers, and the list of them. */
#include "ranks.h"

#include "numbers.h"

static size_t bucket_end(size_t first)
{
    size_t power = 16;
    if (first < 16)
        return first + 1;
    while (power * 2 <= first)
        power *= 2;
    return first + power / 4;
}

/* What ranks are, of any array. */
static void check(const uint64_t *values, size_t count)
{
    fl_ranks ranks;
    ck_assert(fl_ranks_make(&ranks, values, count));
    size_t *counts = fl_memory_zalloc(ranks.count, sizeof *counts);
    for (size_t i = 0; i < count; i++) {
        ck_assert_uint_lt(ranks.codes[i], ranks.count);
        ck_assert_uint_eq(ranks.numbers[ranks.codes[i]], values[i]);
        counts[ranks.codes[i]]++;
    }
    size_t before = SIZE_MAX;
    for (size_t first = 0; first < ranks.count; first = bucket_end(first)) {
        size_t end = bucket_end(first) < ranks.count ? bucket_end(first) : ranks.count;
        size_t least = SIZE_MAX;
        for (size_t i = first; i < end; i++) {
            size_t capped = counts[i] < 65535 ? counts[i] : 65535;
            ck_assert_uint_gt(counts[i], 0);
            ck_assert_uint_le(capped, before); /* no bucket before has a rarer one */
            least = capped < least ? capped : least;
            if (i > first)
                ck_assert_uint_lt(ranks.numbers[i - 1], ranks.numbers[i]);
        }
        before = least;
    }
    for (size_t k = 0; k < 2; k++) {
        fl_buffer stored = {0};
        uint64_t *list;
        size_t listed;
        fl_ranks_put(&ranks, &both[k], &stored);
        fl_cursor in = cursor_of(&stored);
        ck_assert(fl_ranks_get(&both[k], &in, count, &list, &listed));
        ck_assert_uint_eq(in.left, 0);
        ck_assert_uint_eq(listed, ranks.count);
        if (listed)
            ck_assert_mem_eq(list, ranks.numbers, listed * sizeof *list);
        fl_memory_free(list);
        if (ranks.count > 0) { /* one more than the caller allows */
            in = cursor_of(&stored);
            ck_assert(!fl_ranks_get(&both[k], &in, ranks.count - 1, &list, &listed));
            ck_assert_ptr_null(list);
        }
        for (size_t size = 0; size < stored.size && stored.size < 2000; size++) {
            in = cursor_of(&stored);
            in.left = size;
            ck_assert(!fl_ranks_get(&both[k], &in, count, &list, &listed));
        }
        fl_buffer_free(&stored);
    }
    fl_memory_free(counts);
    fl_ranks_free(&ranks);
    ck_assert_ptr_null(ranks.codes);
}

START_TEST(ranks_by_count)
{
    static const uint64_t values[] = {7, 9, 9, 5, 9, 5, 1};
    fl_ranks ranks;
    ck_assert(fl_ranks_make(&ranks, values, 7));
    ck_assert_uint_eq(ranks.count, 4);
    ck_assert_uint_eq(ranks.numbers[0], 9);
    ck_assert_uint_eq(ranks.numbers[1], 5);
    ck_assert_uint_eq(ranks.numbers[2], 1); /* as rare as 7, and less */
    ck_assert_uint_eq(ranks.numbers[3], 7);
    fl_ranks_free(&ranks);
    check(values, 7);
    check(values, 1);
    check(values, 0);
}
END_TEST

/* Sizes around where buckets begin; every number once, or in uneven measure. */
START_TEST(buckets)
{
    static uint64_t values[100000];
    for (size_t different = 1; different < 300; different += 1 + different / 20) {
        for (size_t i = 0; i < different; i++)
            values[i] = random_number();
        check(values, different);
        for (size_t i = different; i < 3000; i++)
            values[i] = values[random_number() % (1 + random_number() % different)];
        check(values, 3000);
    }
    for (size_t i = 0; i < 100000; i++)
        values[i] = random_number();
    check(values, 100000);
    for (size_t i = 0; i < 100000; i++)
        values[i] = i;
    check(values, 100000);
    for (size_t i = 0; i < 100000; i++) /* more often than counts are told apart */
        values[i] = i < 99000 ? i % 2 : i;
    check(values, 100000);
}
END_TEST

START_TEST(extremes)
{
    uint64_t values[200];
    for (size_t i = 0; i < 200; i++)
        values[i] = i % 2 ? UINT64_MAX - i / 2 : i / 2;
    check(values, 200);
    for (size_t i = 0; i < 200; i++)
        values[i] = UINT64_C(1) << i % 64;
    check(values, 200);
}
END_TEST

/* A list of so many that there is no memory for it, in a few bytes. */
START_TEST(lists_are_not_believed)
{
    static const char *const lists[] = {"\377\377\377\377\17",
                                        "\377\377\377\377\377\17",
                                        "\377\377\377\377\377\377\377\377\377\1"};
    for (size_t i = 0; i < 3; i++) {
        fl_buffer stored = {0};
        uint64_t *list;
        size_t listed;
        fl_buffer_text(&stored, lists[i]);
        fl_cursor in = cursor_of(&stored);
        ck_assert(!fl_ranks_get(&both[0], &in, 1 << 20, &list, &listed));
        ck_assert_ptr_null(list);
        ck_assert(!both[0].no_memory);
        fl_buffer_free(&stored);
    }
    /* none is a list */
    fl_buffer stored = {0};
    uint64_t *list;
    size_t listed = 1;
    fl_buffer_byte(&stored, 0);
    fl_cursor in = cursor_of(&stored);
    ck_assert(fl_ranks_get(&both[0], &in, 0, &list, &listed));
    ck_assert_uint_eq(listed, 0);
    fl_memory_free(list);
    fl_buffer_free(&stored);
}
END_TEST

static Suite *ranks_suite(void)
{
    Suite *suite = suite_create("ranks");
    TCase *ranks = tcase_create("ranks");
    tcase_set_timeout(ranks, 60);
    tcase_add_checked_fixture(ranks, set_up, tear_down);
    tcase_add_test(ranks, ranks_by_count);
    tcase_add_test(ranks, buckets);
    tcase_add_test(ranks, extremes);
    tcase_add_test(ranks, lists_are_not_believed);
    suite_add_tcase(suite, ranks);
    return suite;
}

FL_UNIT_MAIN(ranks_suite)
