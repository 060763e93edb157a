/* The key table: entries dense and in order, whatever the bytes of the keys. */
#include "hash.h"

#include <stdio.h>
#include <string.h>

#include "unit.h"

#define EXPECT(condition, ...)                                                         \
    do {                                                                               \
        if (!(condition))                                                              \
            ck_abort_msg(__VA_ARGS__);                                                 \
    } while (0)

START_TEST(empty)
{
    fl_hash table = {0};
    ck_assert_int_eq(fl_hash_find(&table, "a", 1), FL_HASH_NONE);
    ck_assert_int_eq(fl_hash_find(&table, "", 0), FL_HASH_NONE);
    ck_assert_uint_eq(table.slot_count, 0);
    fl_hash_clear(&table);
    fl_hash_free(&table);
    fl_hash_free(&table);
}
END_TEST

START_TEST(odd_keys)
{
    fl_hash table = {0};
    static const struct {
        const char *data;
        size_t size;
    } keys[] = {
        {"", 0}, {"\0", 1}, {"\0\0", 2}, {"a", 1}, {"a\0", 2}, {"a\0b", 3}, {"\xff", 1},
    };
    enum { KEYS = sizeof keys / sizeof *keys };
    for (size_t i = 0; i < KEYS; i++) {
        bool added = false;
        ck_assert_int_eq(fl_hash_put(&table, keys[i].data, keys[i].size, &added), i);
        ck_assert(added);
        added = true;
        ck_assert_int_eq(fl_hash_put(&table, keys[i].data, keys[i].size, &added), i);
        ck_assert(!added);
        ck_assert_int_eq(fl_hash_put(&table, keys[i].data, keys[i].size, NULL), i);
    }
    ck_assert_uint_eq(table.count, KEYS);
    for (size_t i = 0; i < KEYS; i++) {
        size_t size;
        const char *data = fl_hash_key(&table, i, &size);
        ck_assert_uint_eq(size, keys[i].size);
        ck_assert_mem_eq(data, keys[i].data, size);
        ck_assert_int_eq(fl_hash_find(&table, keys[i].data, keys[i].size), i);
    }
    ck_assert_int_eq(fl_hash_find(&table, "b", 1), FL_HASH_NONE);
    ck_assert_int_eq(fl_hash_find(&table, "a\0b\0", 4), FL_HASH_NONE);
    fl_hash_free(&table);
}
END_TEST

START_TEST(only_the_empty_key)
{
    fl_hash table = {0};
    size_t size = 1;
    ck_assert_int_eq(fl_hash_put(&table, "", 0, NULL), 0);
    ck_assert_int_eq(fl_hash_find(&table, "", 0), 0);
    ck_assert_ptr_nonnull(fl_hash_key(&table, 0, &size));
    ck_assert_uint_eq(size, 0);
    fl_hash_free(&table);
}
END_TEST

/* Through many rehashes, cleared and filled a second time with other numbers. */
START_TEST(many)
{
    enum { MANY = 100000 };
    fl_hash table = {0};
    char key[32];
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < MANY; i++) {
            int size = snprintf(key, sizeof key, "%d", i * (round + 1));
            EXPECT(fl_hash_put(&table, key, (size_t)size, NULL) == i, "put %d", i);
        }
        for (int i = 0; i < MANY; i++) {
            int size = snprintf(key, sizeof key, "%d", i * (round + 1));
            EXPECT(fl_hash_find(&table, key, (size_t)size) == i, "find %d", i);
            size_t have;
            const char *data = fl_hash_key(&table, (size_t)i, &have);
            EXPECT(have == (size_t)size && memcmp(data, key, have) == 0, "key %d", i);
        }
        ck_assert_uint_eq(table.count, MANY);
        ck_assert_int_eq(fl_hash_find(&table, "x", 1), FL_HASH_NONE);
        size_t memory = table.slot_count;
        ck_assert_uint_ge(memory, MANY * 2);
        fl_hash_clear(&table);
        ck_assert_uint_eq(table.slot_count, memory);
        ck_assert_uint_eq(table.count, 0);
        ck_assert_int_eq(fl_hash_find(&table, "0", 1), FL_HASH_NONE);
    }
    fl_hash_free(&table);
    ck_assert_uint_eq(table.slot_count, 0);
}
END_TEST

static Suite *suite_of(void)
{
    Suite *suite = suite_create("hash");
    TCase *tests = tcase_create("hash");
    tcase_add_test(tests, empty);
    tcase_add_test(tests, odd_keys);
    tcase_add_test(tests, only_the_empty_key);
    tcase_add_test(tests, many);
    suite_add_tcase(suite, tests);
    return suite;
}

FL_UNIT_MAIN(suite_of)
