/* What hangs on ranks: tables, stored in three ways, and the places where they are wrong. */
#include "tables.h"

#include "numbers.h"

/* Returns how it was stored: the first byte. */
static int table_trip(const uint64_t *table, size_t count)
{
    int how = 0;
    for (size_t k = 0; k < 2; k++) {
        fl_buffer stored = {0};
        uint64_t *back = fl_memory_alloc(count, sizeof *back);
        fl_table_put(&both[k], &stored, table, count);
        if (k == 0)
            how = stored.data[0];
        fl_cursor in = cursor_of(&stored);
        ck_assert(fl_table_get(&both[k], &in, back, count));
        ck_assert_uint_eq(in.left, 0);
        if (count)
            ck_assert_mem_eq(back, table, count * sizeof *back);
        for (size_t size = 0; size < stored.size && stored.size < 2000; size++) {
            in = cursor_of(&stored);
            in.left = size;
            ck_assert(!fl_table_get(&both[k], &in, back, count));
        }
        uint64_t cost = fl_table_cost(table, count, k == 1) / 8;
        ck_assert_uint_le(stored.size, cost + cost / 5 + 400);
        fl_memory_free(back);
        fl_buffer_free(&stored);
    }
    return how;
}

START_TEST(tables_three_ways)
{
    enum { COUNT = 4000 };
    static uint64_t table[COUNT];
    uint64_t few[20];
    for (size_t i = 0; i < 20; i++)
        few[i] = random_number();
    for (size_t i = 0; i < COUNT; i++)
        table[i] = random_number() & 0xfffff;
    ck_assert_int_eq(table_trip(table, COUNT), 0);
    for (size_t i = 0; i < COUNT; i++)
        table[i] = few[random_number() % 20];
    ck_assert_int_eq(table_trip(table, COUNT), 1);
    uint64_t at = UINT64_MAX - 100;
    for (size_t i = 0; i < COUNT; i++)
        table[i] = at += random_number() % 5;
    ck_assert_int_eq(table_trip(table, COUNT), 2);
    table_trip(table, 1);
    table_trip(table, 0);
    for (size_t i = 0; i < COUNT; i++)
        table[i] = i % 2 ? 0 : UINT64_MAX;
    table_trip(table, COUNT);
}
END_TEST

START_TEST(tables_are_not_believed)
{
    static const struct {
        char bytes[16];
        size_t size;
        bool sound;
    } tables[] = {
        {"\0\2\0\0\0", 5, true},
        {"\3\2\0\0\0", 5, false}, /* no way */
        {"\377\2\0\0\0", 5, false},
        {"\1\1\1\0\2\0\2\0\0\0", 10, true},  /* one number, rank 0 twice */
        {"\1\1\1\0\2\0\2\0\2\0", 10, false}, /* rank 1 */
        {"\1\0\2\0\0\0", 6, false},          /* a rank of no list */
        {"\1\3\3\0\0\0\2\0\0\0", 10, false}, /* a longer list than the table */
    };
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        fl_buffer stored = {0};
        uint64_t back[2];
        fl_buffer_append(&stored, tables[i].bytes, tables[i].size);
        fl_cursor in = cursor_of(&stored);
        ck_assert_msg(fl_table_get(&both[0], &in, back, 2) == tables[i].sound,
                      "table %zu", i);
        fl_buffer_free(&stored);
    }
}
END_TEST

START_TEST(votes_and_exceptions)
{
    enum { COUNT = 5000, RANKS = 50 };
    static uint64_t numbers[COUNT], back[COUNT];
    static uint32_t codes[COUNT];
    for (size_t share = 0; share <= 10; share++) {
        for (size_t i = 0; i < COUNT; i++) {
            codes[i] =
                (uint32_t)(random_number() % (RANKS - 10)); /* some have no place */
            numbers[i] =
                random_number() % 10 < share ? random_number() : UINT64_MAX - codes[i];
        }
        uint64_t *table = fl_table_vote(numbers, codes, COUNT, RANKS);
        ck_assert_ptr_nonnull(table);
        for (size_t i = 0; share < 4 && i < RANKS - 10; i++)
            ck_assert_uint_eq(table[i], UINT64_MAX - i);
        for (size_t i = RANKS - 10; i < RANKS; i++)
            ck_assert_uint_eq(table[i], table[RANKS - 11]);
        size_t exceptions = fl_table_exceptions(table, numbers, codes, COUNT);
        if (share == 0)
            ck_assert_uint_eq(exceptions, 0);
        for (size_t k = 0; k < 2; k++) {
            fl_buffer stored = {0};
            fl_table_put_exceptions(&both[k], &stored, table, numbers, codes, COUNT);
            for (size_t i = 0; i < COUNT; i++)
                back[i] = table[codes[i]];
            fl_cursor in = cursor_of(&stored);
            ck_assert(fl_table_get_exceptions(&both[k], &in, back, COUNT));
            ck_assert_uint_eq(in.left, 0);
            ck_assert_mem_eq(back, numbers, sizeof back);
            for (size_t size = 0; size < stored.size && stored.size < 3000; size++) {
                in = cursor_of(&stored);
                in.left = size;
                ck_assert(!fl_table_get_exceptions(&both[k], &in, back, COUNT));
            }
            fl_buffer_free(&stored);
        }
        fl_memory_free(table);
    }
}
END_TEST

START_TEST(exceptions_are_not_believed)
{
    static const struct {
        char bytes[16];
        size_t size;
        bool sound;
    } lists[] = {
        {"\0", 1, true},
        {"\1\1\0\2\0\1\0\0\0", 9, true},  /* place 1 */
        {"\1\1\0\4\0\1\0\0\0", 9, true},  /* place 2 */
        {"\1\1\0\6\0\1\0\0\0", 9, false}, /* place 3 of three */
        {"\1\1\0\1\0\1\0\0\0", 9, false}, /* place -1 */
        {"\2\2\0\4\0\2\0\0\0", 9, false}, /* place 2 and 4 */
        {"\2\2\0\2\0\2\0\0\0", 9, true},  /* 1 and 2 */
        {"\4\4\0\0\0\4\0\0\0", 9, false}, /* more than there are */
        {"\377\377\377\377\377\377\1", 7, false},
    };
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        fl_buffer stored = {0};
        uint64_t numbers[4] = {1, 1, 1, 99};
        fl_buffer_append(&stored, lists[i].bytes, lists[i].size);
        fl_cursor in = cursor_of(&stored);
        ck_assert_msg(fl_table_get_exceptions(&both[0], &in, numbers, 3) ==
                          lists[i].sound,
                      "list %zu", i);
        ck_assert_uint_eq(numbers[3], 99);
        fl_buffer_free(&stored);
    }
}
END_TEST

static Suite *tables_suite(void)
{
    Suite *suite = suite_create("tables");
    TCase *tables = tcase_create("tables");
    tcase_set_timeout(tables, 60);
    tcase_add_checked_fixture(tables, set_up, tear_down);
    tcase_add_test(tables, tables_three_ways);
    tcase_add_test(tables, tables_are_not_believed);
    tcase_add_test(tables, votes_and_exceptions);
    tcase_add_test(tables, exceptions_are_not_believed);
    suite_add_tcase(suite, tables);
    return suite;
}

FL_UNIT_MAIN(tables_suite)
