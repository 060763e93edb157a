/* Packed columns: whichever is smaller, and no more memory than the bytes can account for. */
#include "codec.h"

#include <string.h>

#include "unit.h"

START_TEST(codec_holds)
{
    fl_codec *codec = fl_codec_new();
    char plain[1000];
    char back[1001];
    for (size_t size = 0; size <= sizeof plain; size += size < 40 ? 1 : 120) {
        fl_buffer stored = {0};
        fl_codec_id id;
        memset(plain, 'x', size);
        ck_assert(fl_codec_pack(codec, &stored, plain, size, 3, &id));
        ck_assert_int_eq(id, stored.size < size ? FL_CODEC_ZSTD : FL_CODEC_PLAIN);
        ck_assert(fl_codec_fits(id, stored.size, size));
        ck_assert_int_eq(
            fl_codec_unpack(codec, id, stored.data, stored.size, back, size),
            FLOWAN_OK);
        ck_assert(size == 0 || memcmp(back, plain, size) == 0);
        ck_assert_int_lt(
            fl_codec_unpack(codec, id, stored.data, stored.size, back, size + 1), 0);
        if (size > 0)
            ck_assert_int_lt(
                fl_codec_unpack(codec, id, stored.data, stored.size, back, size - 1),
                0);
        ck_assert_int_lt(
            fl_codec_unpack(codec, 2, stored.data, stored.size, back, size), 0);
        fl_buffer_free(&stored);
    }
    fl_codec_free(codec);
    ck_assert(!fl_codec_fits(FL_CODEC_PLAIN, 4, 5));
    ck_assert(!fl_codec_fits(FL_CODEC_ZSTD, 5, 5));
    ck_assert(!fl_codec_fits(FL_CODEC_ZSTD, 0, 1 << 20));
    ck_assert(!fl_codec_fits(7, 4, 4));
}
END_TEST

/* The bound is on zstd's side too: as dense as its frames get, they pass. */
START_TEST(codec_takes_the_densest)
{
    fl_codec *codec = fl_codec_new();
    size_t size = 64 << 20;
    char *plain = fl_memory_zalloc(size, 1);
    fl_buffer stored = {0};
    fl_codec_id id;
    ck_assert(fl_codec_pack(codec, &stored, plain, size, 19, &id));
    ck_assert_int_eq(id, FL_CODEC_ZSTD);
    ck_assert(fl_codec_fits(id, stored.size, size));
    fl_buffer_free(&stored);
    fl_memory_free(plain);
    fl_codec_free(codec);
}
END_TEST

static Suite *suite_of(void)
{
    Suite *suite = suite_create("codec");
    TCase *codec = tcase_create("pack and unpack");
    tcase_add_test(codec, codec_holds);
    tcase_add_test(codec, codec_takes_the_densest);
    tcase_set_timeout(codec, 60);
    suite_add_tcase(suite, codec);
    return suite;
}

FL_UNIT_MAIN(suite_of)
