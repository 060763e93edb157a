/* Filters of hashes: none that is in is ever denied, few that are not pass, and hostile
 * bytes are refused. */
#include "fuse.h"

#include "memory.h"
#include "unit.h"

static uint64_t state;

static uint64_t draw(void)
{
    uint64_t z = state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* The filter of `count` hashes from those that follow. */
static fl_buffer make(size_t count)
{
    fl_fuse_keys keys = {0};
    fl_buffer bytes = {0};
    for (size_t i = 0; i < count; i++)
        ck_assert(fl_fuse_add(&keys, draw()));
    ck_assert_uint_eq(keys.count, count);
    ck_assert(fl_fuse_put(&keys, &bytes));
    fl_fuse_free(&keys);
    return bytes;
}

static const size_t sizes[] = {0, 1, 2, 3, 5, 10, 100, 1000, 30000, 100000, 262144};

START_TEST(no_false_negatives)
{
    size_t count = sizes[_i];
    for (uint64_t seed = 0; seed < (count < 1000 ? 200 : 2); seed++) {
        fl_fuse fuse;
        state = seed << 32;
        fl_buffer bytes = make(count);
        ck_assert_uint_gt(bytes.size, 0);
        ck_assert(fl_fuse_get(&fuse, bytes.data, bytes.size));
        state = seed << 32;
        for (size_t i = 0; i < count; i++)
            ck_assert(fl_fuse_has(&fuse, draw()));
        fl_buffer_free(&bytes);
    }
}
END_TEST

START_TEST(false_positives)
{
    enum { ASKED = 200000 };
    fl_fuse fuse;
    size_t passed = 0;
    state = 7;
    fl_buffer bytes = make(sizes[_i]);
    ck_assert(fl_fuse_get(&fuse, bytes.data, bytes.size));
    for (size_t i = 0; i < ASKED; i++)
        passed += fl_fuse_has(&fuse, draw());
    ck_assert_uint_lt(passed, ASKED / 200);
    if (sizes[_i] == 0)
        ck_assert_uint_eq(passed, 0);
    /* and it is small */
    if (sizes[_i] >= 30000)
        ck_assert_uint_lt(bytes.size, sizes[_i] * 13 / 10);
    fl_buffer_free(&bytes);
}
END_TEST

START_TEST(hashes_count_once)
{
    fl_fuse_keys keys = {0};
    fl_buffer bytes = {0};
    fl_fuse fuse;
    for (size_t i = 0; i < 10000; i++)
        ck_assert(fl_fuse_add(&keys, i % 10)); /* 0, and 1, which stands for it */
    ck_assert_uint_eq(keys.count, 9);
    ck_assert(fl_fuse_put(&keys, &bytes));
    ck_assert(fl_fuse_get(&fuse, bytes.data, bytes.size));
    for (uint64_t i = 0; i < 10; i++)
        ck_assert(fl_fuse_has(&fuse, i));
    fl_fuse_clear(&keys);
    ck_assert_uint_eq(keys.count, 0);
    fl_buffer_clear(&bytes);
    ck_assert(fl_fuse_put(&keys, &bytes));
    ck_assert(fl_fuse_get(&fuse, bytes.data, bytes.size));
    ck_assert(!fl_fuse_has(&fuse, 3));
    fl_fuse_free(&keys);
    fl_buffer_free(&bytes);
}
END_TEST

/* Whatever the bytes: refused, or asked without a look beyond them. */
START_TEST(hostile_bytes)
{
    fl_fuse fuse;
    state = 1;
    fl_buffer bytes = make(50);
    size_t size = bytes.size;
    for (size_t cut = 0; cut < size; cut++) {
        char *copy = fl_memory_alloc(cut, 1);
        ck_assert_ptr_nonnull(copy);
        memcpy(copy, bytes.data, cut);
        ck_assert(!fl_fuse_get(&fuse, copy, cut));
        fl_memory_free(copy);
    }
    fl_buffer_byte(&bytes, 0);
    ck_assert(!fl_fuse_get(&fuse, bytes.data, size + 1));
    size_t sound = 0;
    for (size_t i = 0; i < 200000; i++) {
        char *copy = fl_memory_alloc(size, 1);
        ck_assert_ptr_nonnull(copy);
        memcpy(copy, bytes.data, size);
        for (uint64_t k = draw() % 4; k < 4; k++)
            copy[draw() % 16] = (char)draw();
        if (fl_fuse_get(&fuse, copy, size)) {
            sound++;
            for (int k = 0; k < 8; k++)
                fl_fuse_has(&fuse, draw());
        }
        fl_memory_free(copy);
    }
    ck_assert_uint_gt(sound, 0);
    fl_buffer_free(&bytes);
}
END_TEST

static Suite *suite_of(void)
{
    Suite *suite = suite_create("fuse");
    TCase *cases = tcase_create("all");
    int all = (int)(sizeof sizes / sizeof *sizes);
    tcase_add_loop_test(cases, no_false_negatives, 0, all);
    tcase_add_loop_test(cases, false_positives, 0, all);
    tcase_add_test(cases, hashes_count_once);
    tcase_add_test(cases, hostile_bytes);
    tcase_set_timeout(cases, 60);
    suite_add_tcase(suite, cases);
    return suite;
}

FL_UNIT_MAIN(suite_of)
