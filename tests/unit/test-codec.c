/* Bytes through zstd and back. */
#include "codec.h"
#include "unit.h"

/* What is stored of some bytes gives them back, at any level. */
static void round_trip(int level, const void *plain, size_t size, bool smaller)
{
    fl_codec *codec = fl_codec_new(level);
    fl_buffer stored = {0};
    ck_assert_ptr_nonnull(codec);
    fl_codec_put(codec, &stored, plain, size);
    ck_assert(!stored.failed);
    ck_assert(smaller ? stored.size < size : stored.size == size + 1);
    fl_cursor in = {(const unsigned char *)stored.data, stored.size, false};
    ck_assert(fl_codec_fits(&in, size));
    char *back = fl_memory_alloc(size, 1);
    ck_assert(fl_codec_get(codec, &in, back, size));
    ck_assert_uint_eq(in.left, 0);
    if (size)
        ck_assert_mem_eq(back, plain, size);
    /* cut anywhere, or asked for another size, it is refused */
    for (size_t cut = 0; cut < stored.size; cut++) {
        in = (fl_cursor){(const unsigned char *)stored.data, cut, false};
        ck_assert(!fl_codec_get(codec, &in, back, size));
    }
    if (smaller && size > 1) {
        in = (fl_cursor){(const unsigned char *)stored.data, stored.size, false};
        ck_assert(!fl_codec_get(codec, &in, back, size - 1));
    }
    fl_memory_free(back);
    fl_buffer_free(&stored);
    fl_codec_free(codec);
}

START_TEST(bytes_come_back)
{
    char same[5000];
    memset(same, 'a', sizeof same);
    for (int level = 1; level < 20; level += 6)
        round_trip(level, same, sizeof same, true);
    round_trip(0, same, sizeof same, false);
    round_trip(3, "no two of these", 15, false);
    round_trip(3, "", 0, false);
}
END_TEST

/* Asked before any memory is taken on a file's word. */
START_TEST(sizes_are_not_believed)
{
    const unsigned char frame[] = {4, 0x28, 0xb5, 0x2f, 0xfd};
    fl_cursor in = {frame, sizeof frame, false};
    ck_assert(fl_codec_fits(&in, 1000));
    ck_assert(!fl_codec_fits(&in, 4)); /* not shorter */
    ck_assert(!fl_codec_fits(&in, UINT64_C(1) << 40));
    in.left = 4; /* the frame is cut */
    ck_assert(!fl_codec_fits(&in, 1000));
    const unsigned char plain[] = {0, 1, 2, 3};
    in = (fl_cursor){plain, sizeof plain, false};
    ck_assert(fl_codec_fits(&in, 3));
    ck_assert(!fl_codec_fits(&in, 4));
    in.left = 0;
    ck_assert(!fl_codec_fits(&in, 0));
}
END_TEST

static Suite *suite_of(void)
{
    Suite *suite = suite_create("codec");
    TCase *tests = tcase_create("codec");
    tcase_add_test(tests, bytes_come_back);
    tcase_add_test(tests, sizes_are_not_believed);
    suite_add_tcase(suite, tests);
    return suite;
}

FL_UNIT_MAIN(suite_of)
