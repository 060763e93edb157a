/* Memory of a pool is as any other, and comes again. */
#include "pool.h"

#include <string.h>

#include "unit.h"

/* Pools hand each piece back to the system under sanitizers. */
#if defined(__SANITIZE_ADDRESS__)
enum { KEEPS = 0 };
#else
enum { KEEPS = 1 };
#endif

START_TEST(pieces_hold_what_they_are_asked_for)
{
    static const size_t sizes[] = {0,   1,   2,    63,   64,       65,
                                   127, 128, 4096, 4097, 1U << 24, (1U << 24) + 1};
    enum { SIZES = sizeof sizes / sizeof *sizes };
    fl_pool pool = {0};
    unsigned char *taken[SIZES];
    for (int again = 0; again < 3; again++) {
        for (size_t i = 0; i < SIZES; i++) {
            taken[i] = again == 1 ? fl_pool_take_zeroed(&pool, sizes[i], 1)
                                  : fl_pool_take(&pool, sizes[i], 1);
            ck_assert_ptr_nonnull(taken[i]);
            ck_assert_uint_eq((uintptr_t)taken[i] % _Alignof(max_align_t), 0);
            unsigned any = 0;
            for (size_t k = 0; again == 1 && k < sizes[i]; k++)
                any |= taken[i][k];
            ck_assert_uint_eq(any, 0);
            memset(taken[i], (int)i + 1, sizes[i]);
        }
        /* nobody's bytes are another's */
        for (size_t i = 0; i < SIZES; i++)
            for (size_t k = 0; k < sizes[i]; k += 1 + sizes[i] / 100)
                ck_assert_uint_eq(taken[i][k], i + 1);
        for (size_t i = 0; i < SIZES; i++)
            fl_pool_give(&pool, taken[i]);
    }
    fl_pool_free(&pool);
}
END_TEST

START_TEST(what_was_given_is_taken_again)
{
    fl_pool pool = {0};
    void *one = fl_pool_take(&pool, 100, 8);
    void *other = fl_pool_take(&pool, 100, 8);
    ck_assert_ptr_ne(one, other);
    fl_pool_give(&pool, one);
    void *again = fl_pool_take(&pool, 112, 8); /* of the same size, as sizes are kept */
    if (KEEPS)
        ck_assert_ptr_eq(again, one);
    fl_pool_give(&pool, again);
    fl_pool_give(&pool, other);
    fl_pool_give(&pool, NULL);
    fl_pool_free(&pool);
    fl_pool_free(&pool); /* empty, and as good as new */
    one = fl_pool_take(&pool, 1, 1);
    ck_assert_ptr_nonnull(one);
    fl_pool_give(&pool, one);
    fl_pool_free(&pool);
}
END_TEST

START_TEST(large_pieces_are_not_kept)
{
    fl_pool pool = {0};
    void *large = fl_pool_take(&pool, (1 << 24) + 1, 1);
    ck_assert_ptr_nonnull(large);
    fl_pool_give(&pool, large);
    for (size_t i = 0; i < FL_POOL_SIZES; i++)
        ck_assert_ptr_null(pool.free[i]);
}
END_TEST

START_TEST(too_much)
{
    static const size_t sizes[][2] = {{SIZE_MAX, SIZE_MAX},
                                      {SIZE_MAX / 2 + 1, 2},
                                      {(size_t)1 << 63, 8},
                                      {(size_t)1 << 61, 8}};
    fl_pool pool = {0};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (int which = 0; which < 2; which++) {
            fl_pool *from = which ? &pool : NULL;
            ck_assert_ptr_null(fl_pool_take(from, sizes[i][0], sizes[i][1]));
            ck_assert_ptr_null(fl_pool_take_zeroed(from, sizes[i][0], sizes[i][1]));
        }
    if (KEEPS) /* it says no by itself, and does not ask the system */
        ck_assert_ptr_null(fl_pool_take(&pool, SIZE_MAX, 1));
    fl_pool_free(&pool);
}
END_TEST

START_TEST(no_pool_is_the_system)
{
    char *memory = fl_pool_take_zeroed(NULL, 7, 3);
    ck_assert_ptr_nonnull(memory);
    ck_assert_int_eq(memory[20], 0);
    fl_pool_give(NULL, memory);
    fl_pool_give(NULL, NULL);
}
END_TEST

static Suite *suite_of(void)
{
    Suite *suite = suite_create("pool");
    TCase *tests = tcase_create("pool");
    tcase_add_test(tests, pieces_hold_what_they_are_asked_for);
    tcase_add_test(tests, what_was_given_is_taken_again);
    tcase_add_test(tests, large_pieces_are_not_kept);
    tcase_add_test(tests, too_much);
    tcase_add_test(tests, no_pool_is_the_system);
    suite_add_tcase(suite, tests);
    return suite;
}

FL_UNIT_MAIN(suite_of)
