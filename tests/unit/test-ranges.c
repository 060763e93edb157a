#include "ranges.h"

#include <stdlib.h>
#include <string.h>

#include "unit.h"

/* --- draws --- */

static uint64_t state;

static uint64_t draw(void)
{
    state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = state;
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* Numbers where things happen: small ones, the ends, and what lies about powers of two. */
static uint64_t edge(void)
{
    static const uint64_t near[] = {
        0, 64, 65536, UINT32_MAX, UINT64_C(1) << 32, UINT64_C(1) << 63, UINT64_MAX - 4};
    switch (draw() % 3) {
    case 0: return draw() % 256;
    case 1: return near[draw() % 7] + draw() % 9 - 4;
    default: return draw() >> draw() % 64;
    }
}

/* --- numbers --- */

enum { RANGES_MAX = 40, VALUES = 200 };

/* Ranges as they were given; what the set must be equal to. */
typedef struct given {
    fl_range ranges[RANGES_MAX];
    size_t count;
} given;

static bool given_has(const given *g, uint64_t number)
{
    for (size_t i = 0; i < g->count; i++)
        if (g->ranges[i].low <= number && number <= g->ranges[i].high)
            return true;
    return false;
}

static void draw_given(given *g, fl_numbers *set)
{
    g->count = draw() % 8 < 5 ? draw() % 4 : draw() % RANGES_MAX;
    for (size_t i = 0; i < g->count; i++) {
        uint64_t low = edge();
        uint64_t more = draw() % 4 ? draw() % 16 : draw() >> draw() % 64;
        uint64_t high = low + more < low ? UINT64_MAX : low + more;
        g->ranges[i] = (fl_range){low, high};
        ck_assert(fl_numbers_add(set, low, high));
        /* nothing, and so nothing added */
        if (low > 0)
            ck_assert(fl_numbers_add(set, low, low - 1));
    }
    ck_assert(fl_numbers_settle(set));
}

static void check_order(const fl_numbers *set)
{
    for (size_t i = 0; i < set->count; i++) {
        ck_assert_uint_le(set->ranges[i].low, set->ranges[i].high);
        if (i)
            ck_assert(set->ranges[i].low - 1 > set->ranges[i - 1].high);
    }
}

static bool bit(const uint64_t *mask, size_t i)
{
    return mask[i / 64] >> (i % 64) & 1;
}

static void check_numbers(const fl_numbers *set, const given *g, bool inverted)
{
    uint64_t values[VALUES];
    uint32_t small[VALUES];
    uint64_t mask[4];
    uint64_t small_mask[4];
    check_order(set);
    for (size_t i = 0; i < VALUES; i++) {
        values[i] = edge();
        if (g->count && i % 3 == 0) /* about the ends of ranges */
            values[i] = g->ranges[draw() % g->count].low + draw() % 3 - 1;
        if (g->count && i % 3 == 1)
            values[i] = g->ranges[draw() % g->count].high + draw() % 3 - 1;
        small[i] = (uint32_t)values[i];
    }
    size_t count = draw() % (VALUES + 1);
    memset(mask, 0xa5, sizeof mask);
    memset(small_mask, 0xa5, sizeof small_mask);
    fl_numbers_match(set, values, count, mask);
    fl_numbers_match_u32(set, small, count, small_mask);
    for (size_t i = 0; i < count; i++) {
        ck_assert_int_eq(fl_numbers_has(set, values[i]),
                         given_has(g, values[i]) != inverted);
        ck_assert_int_eq(bit(mask, i), given_has(g, values[i]) != inverted);
        ck_assert_int_eq(bit(small_mask, i), given_has(g, small[i]) != inverted);
    }
    for (size_t i = count; i % 64 && i < VALUES; i++)
        ck_assert(!bit(mask, i) && !bit(small_mask, i));
}

START_TEST(numbers_are_those_given)
{
    state = (uint64_t)_i;
    for (int n = 0; n < 120; n++) {
        fl_numbers set = {0};
        given g;
        draw_given(&g, &set);
        check_numbers(&set, &g, false);
        ck_assert(fl_numbers_invert(&set));
        check_numbers(&set, &g, true);
        ck_assert(fl_numbers_invert(&set));
        check_numbers(&set, &g, false);
        fl_numbers_free(&set);
    }
}
END_TEST

START_TEST(numbers_settle_again)
{
    fl_numbers set = {0};
    for (uint64_t i = 0; i < 100; i++)
        ck_assert(fl_numbers_add(&set, i * 3, i * 3 + 1));
    ck_assert(fl_numbers_settle(&set));
    ck_assert_uint_eq(set.count, 100);
    ck_assert_ptr_nonnull(set.bits);
    ck_assert(fl_numbers_add(&set, 2, 400));
    ck_assert(fl_numbers_settle(&set));
    ck_assert_uint_eq(set.count, 1);
    ck_assert_ptr_null(set.bits);
    ck_assert_uint_eq(set.ranges[0].low, 0);
    ck_assert_uint_eq(set.ranges[0].high, 400);
    fl_numbers_free(&set);
}
END_TEST

START_TEST(all_numbers_and_none)
{
    fl_numbers set = {0};
    ck_assert(fl_numbers_settle(&set));
    ck_assert(!fl_numbers_has(&set, 0));
    ck_assert_int_eq(fl_numbers_judge(&set, 0, UINT64_MAX), FL_NONE);
    ck_assert(fl_numbers_invert(&set));
    ck_assert_uint_eq(set.count, 1);
    ck_assert(fl_numbers_has(&set, UINT64_MAX));
    ck_assert_int_eq(fl_numbers_judge(&set, 0, UINT64_MAX), FL_ALL);
    ck_assert(fl_numbers_invert(&set));
    ck_assert_uint_eq(set.count, 0);
    fl_numbers_free(&set);
}
END_TEST

START_TEST(numbers_are_judged)
{
    state = 99;
    for (int n = 0; n < 500; n++) {
        fl_numbers set = {0};
        for (int i = 0; i < 6; i++) {
            uint64_t low = draw() % 60;
            ck_assert(fl_numbers_add(&set, low, low + draw() % 5));
        }
        ck_assert(fl_numbers_settle(&set));
        uint64_t low = draw() % 64;
        uint64_t high = low + draw() % 8;
        bool any = false;
        bool all = true;
        for (uint64_t i = low; i <= high; i++) {
            any = any || fl_numbers_has(&set, i);
            all = all && fl_numbers_has(&set, i);
        }
        ck_assert_int_eq(fl_numbers_judge(&set, low, high), all   ? FL_ALL
                                                            : any ? FL_SOME
                                                                  : FL_NONE);
        fl_numbers_free(&set);
    }
}
END_TEST

/* --- addresses --- */

static int compare(fl_wide a, fl_wide b)
{
    if (a.high != b.high)
        return a.high < b.high ? -1 : 1;
    return (a.low > b.low) - (a.low < b.low);
}

/* Few first halves, so that there are several ranges in one, and some over several. */
static fl_wide wide_edge(void)
{
    static const uint64_t highs[] = {0, 1, 2, UINT64_C(0x20010db8) << 32, UINT64_MAX};
    static const uint64_t lows[] = {0, UINT64_C(0xffff00000000), UINT64_MAX - 3,
                                    UINT64_C(1) << 63};
    return (fl_wide){highs[draw() % 5], lows[draw() % 4] + draw() % 8 - 2};
}

typedef struct given_wide {
    fl_wide_range ranges[RANGES_MAX];
    size_t count;
} given_wide;

static bool given_wide_has(const given_wide *g, fl_wide address)
{
    for (size_t i = 0; i < g->count; i++)
        if (compare(g->ranges[i].low, address) <= 0 &&
            compare(address, g->ranges[i].high) <= 0)
            return true;
    return false;
}

static void draw_given_wide(given_wide *g, fl_addresses *set)
{
    size_t wanted = draw() % 3 ? draw() % 3 : draw() % RANGES_MAX;
    g->count = 0;
    while (g->count < wanted) {
        fl_wide low = wide_edge();
        fl_wide high = draw() % 2 ? wide_edge() : low;
        ck_assert(fl_addresses_add(set, low, high));
        if (compare(low, high) <= 0)
            g->ranges[g->count++] = (fl_wide_range){low, high};
    }
    ck_assert(fl_addresses_settle(set));
}

static void store(uint8_t *octet, uint64_t half)
{
    for (int i = 0; i < 8; i++)
        octet[i] = (uint8_t)(half >> (56 - 8 * i));
}

static void check_addresses(const fl_addresses *set, const given_wide *g, bool inverted)
{
    flowan_address values[VALUES];
    fl_wide wides[VALUES];
    uint64_t lows[VALUES];
    uint64_t mask[4];
    size_t count = draw() % (VALUES + 1);
    for (size_t i = 1; i < set->count; i++) {
        fl_wide behind = set->ranges[i - 1].high;
        behind.low++;
        behind.high += behind.low == 0;
        ck_assert_int_lt(compare(behind, set->ranges[i].low), 0);
    }
    for (size_t i = 0; i < VALUES; i++) {
        wides[i] = wide_edge();
        lows[i] = wides[i].low;
        store(values[i].octet, wides[i].high);
        store(values[i].octet + 8, wides[i].low);
        ck_assert_int_eq(compare(fl_wide_of(&values[i]), wides[i]), 0);
    }
    fl_addresses_match(set, values, count, mask);
    for (size_t i = 0; i < count; i++) {
        ck_assert_int_eq(fl_addresses_has(set, wides[i]),
                         given_wide_has(g, wides[i]) != inverted);
        ck_assert_int_eq(bit(mask, i), given_wide_has(g, wides[i]) != inverted);
    }
    uint64_t high = wide_edge().high;
    fl_addresses_match_low(set, high, lows, count, mask);
    for (size_t i = 0; i < count; i++)
        ck_assert_int_eq(bit(mask, i),
                         given_wide_has(g, (fl_wide){high, lows[i]}) != inverted);
    for (size_t i = count; i % 64 && i < VALUES; i++)
        ck_assert(!bit(mask, i));
}

START_TEST(addresses_are_those_given)
{
    state = (uint64_t)_i;
    for (int n = 0; n < 120; n++) {
        fl_addresses set = {0};
        given_wide g;
        draw_given_wide(&g, &set);
        check_addresses(&set, &g, false);
        ck_assert(fl_addresses_invert(&set));
        check_addresses(&set, &g, true);
        ck_assert(fl_addresses_invert(&set));
        check_addresses(&set, &g, false);
        fl_addresses_free(&set);
    }
}
END_TEST

START_TEST(addresses_are_judged)
{
    state = 7;
    for (int n = 0; n < 500; n++) {
        fl_addresses set = {0};
        /* about the border of two first halves */
        fl_wide base = {1, UINT64_MAX - 15};
        bool in[32] = {false};
        for (int i = 0; i < 4; i++) {
            uint64_t first = draw() % 28;
            uint64_t last = first + draw() % 4;
            fl_wide low = {base.high + (first > 15), base.low + first};
            fl_wide high = {base.high + (last > 15), base.low + last};
            ck_assert(fl_addresses_add(&set, low, high));
            for (uint64_t k = first; k <= last; k++)
                in[k] = true;
        }
        ck_assert(fl_addresses_settle(&set));
        uint64_t first = draw() % 28;
        uint64_t last = first + draw() % 4;
        bool any = false;
        bool all = true;
        for (uint64_t k = first; k <= last; k++) {
            any = any || in[k];
            all = all && in[k];
        }
        fl_wide low = {base.high + (first > 15), base.low + first};
        fl_wide high = {base.high + (last > 15), base.low + last};
        ck_assert_int_eq(fl_addresses_judge(&set, low, high), all   ? FL_ALL
                                                              : any ? FL_SOME
                                                                    : FL_NONE);
        fl_addresses_free(&set);
    }
}
END_TEST

static Suite *suite_of(void)
{
    Suite *suite = suite_create("ranges");
    TCase *tests = tcase_create("ranges");
    tcase_add_loop_test(tests, numbers_are_those_given, 0, 8);
    tcase_add_test(tests, numbers_settle_again);
    tcase_add_test(tests, all_numbers_and_none);
    tcase_add_test(tests, numbers_are_judged);
    tcase_add_loop_test(tests, addresses_are_those_given, 0, 8);
    tcase_add_test(tests, addresses_are_judged);
    suite_add_tcase(suite, tests);
    return suite;
}

FL_UNIT_MAIN(suite_of)
