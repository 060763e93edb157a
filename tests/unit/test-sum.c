/* 128-bit sums: carry, saturation, products and quotients, at their edges. */
#include "sum.h"

#include <stdio.h>

#include "unit.h"

static const char *text_of(flowan_sum sum)
{
    static char text[FLOWAN_SUM_TEXT_SIZE + 1];
    text[flowan_sum_text(sum, text)] = '\0';
    return text;
}

START_TEST(decimal)
{
    ck_assert_str_eq(text_of((flowan_sum){0, 0}), "0");
    ck_assert_str_eq(text_of((flowan_sum){UINT64_MAX, 0}), "18446744073709551615");
    ck_assert_str_eq(text_of((flowan_sum){0, 1}), "18446744073709551616");
    /* A group of nine zeros inside must not get lost. */
    ck_assert_str_eq(text_of(fl_sum_product(UINT64_C(10000000000000000000), 1000000000)),
                     "10000000000000000000000000000");
    ck_assert_str_eq(text_of((flowan_sum){UINT64_MAX, UINT64_MAX}),
                     "340282366920938463463374607431768211455");
}
END_TEST

START_TEST(addition)
{
    flowan_sum sum = {UINT64_MAX, 0};
    fl_sum_add(&sum, fl_sum_of(1));
    ck_assert_str_eq(text_of(sum), "18446744073709551616");
    fl_sum_subtract(&sum, fl_sum_of(1));
    ck_assert_uint_eq(sum.low, UINT64_MAX);
    ck_assert_uint_eq(sum.high, 0);
    sum = (flowan_sum){UINT64_MAX - 1, UINT64_MAX};
    fl_sum_add(&sum, fl_sum_of(1));
    ck_assert_uint_eq(sum.low, UINT64_MAX);
    fl_sum_add(&sum, fl_sum_of(1));
    ck_assert_uint_eq(sum.low, UINT64_MAX);
    ck_assert_uint_eq(sum.high, UINT64_MAX);
    sum = (flowan_sum){UINT64_MAX, UINT64_MAX - 1}; /* the carry itself overflows */
    fl_sum_add(&sum, (flowan_sum){1, 1});
    ck_assert_uint_eq(sum.low, UINT64_MAX);
    ck_assert_uint_eq(sum.high, UINT64_MAX);
    sum = (flowan_sum){0, UINT64_C(1) << 63};
    fl_sum_add(&sum, sum);
    ck_assert_uint_eq(sum.low, UINT64_MAX);
}
END_TEST

START_TEST(products)
{
    ck_assert_str_eq(text_of(fl_sum_product(UINT64_MAX, 0)), "0");
    ck_assert_str_eq(text_of(fl_sum_product(UINT64_MAX, 1)), "18446744073709551615");
    ck_assert_str_eq(text_of(fl_sum_product(UINT64_MAX, UINT32_MAX)),
                     "79228162495817593515539431425");
    ck_assert_str_eq(text_of(fl_sum_product(UINT64_MAX, UINT64_MAX)),
                     "340282366920938463426481119284349108225");
    ck_assert_str_eq(text_of(fl_sum_product(UINT32_MAX, UINT32_MAX)),
                     "18446744065119617025");
}
END_TEST

static const char *rate_of(flowan_sum sum, uint64_t multiplier, uint64_t divisor)
{
    static char text[FL_SUM_DECIMAL_SIZE + 1];
    uint32_t millionths;
    flowan_sum whole = fl_sum_rate(sum, multiplier, divisor, &millionths);
    text[fl_sum_put_decimal(text, whole, millionths)] = '\0';
    return text;
}

START_TEST(rates)
{
    ck_assert_str_eq(rate_of(fl_sum_of(0), 8, 60), "0");
    ck_assert_str_eq(rate_of(fl_sum_of(60), 8, 60), "8");
    ck_assert_str_eq(rate_of(fl_sum_of(1), 1, 3), "0.333333");
    ck_assert_str_eq(rate_of(fl_sum_of(2), 1, 3), "0.666667");
    ck_assert_str_eq(rate_of(fl_sum_of(1), 1, 2), "0.5");
    ck_assert_str_eq(rate_of(fl_sum_of(1), 1, 2000000), "0.000001");
    ck_assert_str_eq(rate_of(fl_sum_of(1), 1, 2000001), "0");
    ck_assert_str_eq(rate_of(fl_sum_of(19999999), 1, 10000000), "2");
    ck_assert_str_eq(rate_of(fl_sum_of(UINT64_MAX), 8, 60), "2459565876494606882");
    ck_assert_str_eq(rate_of(fl_sum_of(1), 1, UINT64_MAX), "0");
    ck_assert_str_eq(rate_of((flowan_sum){UINT64_MAX, UINT64_MAX}, 8, 8),
                     "340282366920938463463374607431768211455");
    ck_assert_str_eq(rate_of((flowan_sum){UINT64_MAX, UINT64_MAX}, 9, 8),
                     "340282366920938463463374607431768211455");
    ck_assert_str_eq(rate_of((flowan_sum){0, 1}, 10, UINT64_MAX), "10");
}
END_TEST

START_TEST(shares)
{
    flowan_sum most = {UINT64_MAX, UINT64_MAX};
    ck_assert_uint_eq(fl_sum_share(fl_sum_of(0), fl_sum_of(0)), 0);
    ck_assert_uint_eq(fl_sum_share(fl_sum_of(5), fl_sum_of(5)), 1000000);
    ck_assert_uint_eq(fl_sum_share(fl_sum_of(2), fl_sum_of(3)), 666667);
    ck_assert_uint_eq(fl_sum_share(fl_sum_of(1), fl_sum_of(2000000)), 1);
    ck_assert_uint_eq(fl_sum_share(fl_sum_of(1), fl_sum_of(2000001)), 0);
    ck_assert_uint_eq(fl_sum_share(most, most), 1000000);
    ck_assert_uint_eq(fl_sum_share((flowan_sum){0, UINT64_C(1) << 63}, most), 500000);
    ck_assert_uint_eq(fl_sum_share(fl_sum_of(1), most), 0);
}
END_TEST

static const char *si_of(flowan_sum sum)
{
    static char text[FL_SUM_DECIMAL_SIZE + 1];
    text[fl_sum_put_si(text, sum)] = '\0';
    return text;
}

START_TEST(prefixes)
{
    ck_assert_str_eq(si_of(fl_sum_of(0)), "0");
    ck_assert_str_eq(si_of(fl_sum_of(999)), "999");
    ck_assert_str_eq(si_of(fl_sum_of(1000)), "1.00 k");
    ck_assert_str_eq(si_of(fl_sum_of(45678)), "45.7 k");
    ck_assert_str_eq(si_of(fl_sum_of(999999)), "1.00 M");
    ck_assert_str_eq(si_of(fl_sum_of(UINT64_MAX)), "18.4 E");
    ck_assert_str_eq(si_of(fl_sum_product(UINT64_MAX, UINT32_MAX)), "79.2 R");
    ck_assert_str_eq(si_of((flowan_sum){UINT64_MAX, UINT64_MAX}),
                     "340282366920938463463374607431768211455");
}
END_TEST

static Suite *suite_of(void)
{
    Suite *suite = suite_create("sum");
    TCase *cases = tcase_create("all");
    tcase_add_test(cases, decimal);
    tcase_add_test(cases, addition);
    tcase_add_test(cases, products);
    tcase_add_test(cases, rates);
    tcase_add_test(cases, shares);
    tcase_add_test(cases, prefixes);
    suite_add_tcase(suite, cases);
    return suite;
}

FL_UNIT_MAIN(suite_of)
