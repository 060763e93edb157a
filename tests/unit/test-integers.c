/* Arrays of numbers to stored bytes and back: each width, magnitude and sign, and nothing
 * that a hostile file says is believed. */
#include "integers.h"

#include "bits.h"
#include "unit.h"

/* --- there and back --- */

static fl_integers pack_only = {.pack_only = true};
static fl_integers tokens;

static void set_up(void)
{
    pack_only.codec = fl_codec_new(1);
    tokens.codec = fl_codec_new(1);
    ck_assert(pack_only.codec && tokens.codec);
}

static void tear_down(void)
{
    fl_integers *both[] = {&pack_only, &tokens};
    for (size_t i = 0; i < 2; i++) {
        fl_integers_free(both[i]);
        fl_codec_free(both[i]->codec);
    }
}

/* The stored bytes in a block of just their size and the padding that readers may look at,
 * so that a sanitizer sees a step beyond. */
static unsigned char *padded(const fl_buffer *stored, size_t size)
{
    unsigned char *bytes = fl_memory_zalloc(size + FL_BITS_PADDING, 1);
    ck_assert_ptr_nonnull(bytes);
    if (size)
        memcpy(bytes, stored->data, size);
    return bytes;
}

static size_t trip(fl_integers *integers, const uint64_t *values, size_t count,
                   const uint32_t *cuts, size_t cut_count)
{
    fl_buffer stored = {0};
    uint64_t *back = fl_memory_zalloc(count + 1, sizeof *back);
    back[count] = 0x5a5a;
    fl_integers_put(integers, &stored, values, count, cuts, cut_count);
    ck_assert(!stored.failed);
    unsigned char *bytes = padded(&stored, stored.size);
    fl_cursor in = {bytes, stored.size, false};
    ck_assert(fl_integers_get(integers, &in, back, count));
    ck_assert_uint_eq(in.left, 0);
    ck_assert_uint_eq(back[count], 0x5a5a);
    for (size_t i = 0; i < count; i++)
        ck_assert_uint_eq(back[i], values[i]);
    /* what follows is another's */
    fl_buffer_text(&stored, "more");
    fl_memory_free(bytes);
    bytes = padded(&stored, stored.size);
    in = (fl_cursor){bytes, stored.size, false};
    ck_assert(fl_integers_get(integers, &in, back, count));
    ck_assert_uint_eq(in.left, 4);
    fl_memory_free(bytes);
    fl_memory_free(back);
    size_t size = stored.size - 4;
    fl_buffer_free(&stored);
    return size;
}

static void check(const uint64_t *values, size_t count)
{
    trip(&pack_only, values, count, NULL, 0);
    trip(&tokens, values, count, NULL, 0);
}

static uint64_t random_state = 1;

static uint64_t random_number(void)
{
    random_state = random_state * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (random_state ^ random_state >> 32) * UINT64_C(0x9E3779B97F4A7C15);
}

START_TEST(none_and_one)
{
    static const uint64_t odd[] = {0,
                                   1,
                                   15,
                                   16,
                                   127,
                                   128,
                                   UINT32_MAX,
                                   INT64_MAX,
                                   UINT64_MAX,
                                   (uint64_t)INT64_MAX + 1,
                                   UINT64_C(1) << 57};
    fl_buffer stored = {0};
    fl_integers_put(&tokens, &stored, NULL, 0, NULL, 0);
    ck_assert_uint_eq(stored.size, 0);
    fl_cursor in = {NULL, 0, false};
    ck_assert(fl_integers_get(&tokens, &in, NULL, 0));
    fl_buffer_free(&stored);
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        check(&odd[i], 1);
        for (size_t k = 0; k < sizeof odd / sizeof *odd; k++) {
            uint64_t pair[2] = {odd[i], odd[k]};
            check(pair, 2);
        }
    }
}
END_TEST

/* Each width, from each base, also where base and number add up beyond 2^64. */
START_TEST(every_width)
{
    unsigned width = (unsigned)_i;
    static const uint64_t bases[] = {0,
                                     1,
                                     UINT64_MAX,
                                     (uint64_t)INT64_MAX,
                                     UINT64_C(1) << 63,
                                     UINT64_C(1742058651000000000)};
    uint64_t values[300];
    for (size_t b = 0; b < sizeof bases / sizeof *bases; b++)
        for (size_t count = 1; count < 300; count += 1 + count / 3) {
            for (size_t i = 0; i < count; i++)
                values[i] = bases[b] + (random_number() & fl_bits_mask(width));
            if (width == 0)
                for (size_t i = 0; i < count; i++)
                    values[i] = bases[b];
            values[count - 1] = bases[b] + fl_bits_mask(width) * (width > 0);
            check(values, count);
        }
}
END_TEST

/* Numbers of one magnitude each, by token: the token's own and the most beside it. */
START_TEST(every_token)
{
    uint64_t values[64 * 3 * 40];
    size_t count = 0;
    for (unsigned top = 0; top < 64; top++)
        for (unsigned i = 0; i < 40; i++) {
            uint64_t base = UINT64_C(1) << top;
            values[count++] = base;
            values[count++] = base | (base - 1);
            values[count++] = base | (random_number() & (base - 1));
        }
    check(values, count);
    for (size_t i = 0; i < count; i++)
        values[i] = i % 2 ? 0 - values[i] : values[i];
    check(values, count);
    /* mostly small, so that tokens are chosen; a few are as large as can be */
    for (size_t i = 0; i < count; i++)
        values[i] = i % 100 == 7 ? random_number() : i * 7 % 13;
    ck_assert_uint_lt(trip(&tokens, values, count, NULL, 0),
                      trip(&pack_only, values, count, NULL, 0) / 4);
}
END_TEST

/* One far below the others: zigzag keeps them small. */
START_TEST(an_outlier_below)
{
    enum { COUNT = 5000 };
    uint64_t values[COUNT];
    for (size_t i = 0; i < COUNT; i++)
        values[i] = random_number() % 100;
    size_t alone = trip(&tokens, values, COUNT, NULL, 0);
    values[COUNT / 2] = (uint64_t)INT64_MIN;
    values[17] = 0 - UINT64_C(3);
    ck_assert_uint_lt(trip(&tokens, values, COUNT, NULL, 0), alone + alone / 2);
}
END_TEST

/* Pieces that are unlike each other are segments of their own, wherever the cuts are. */
START_TEST(pieces_unlike_each_other)
{
    enum { COUNT = 3000 };
    uint64_t values[COUNT];
    uint32_t ends[COUNT + 1];
    for (size_t i = 0; i < COUNT; i++)
        values[i] = i < COUNT / 2 ? random_number() : 5;
    uint32_t middle[] = {COUNT / 2, COUNT};
    size_t one = trip(&tokens, values, COUNT, NULL, 0);
    size_t two = trip(&tokens, values, COUNT, middle, 2);
    ck_assert_uint_lt(two, one);
    ck_assert_uint_lt(two, COUNT / 2 * 8 + 64);
    ck_assert_uint_lt(trip(&pack_only, values, COUNT, middle, 2), COUNT / 2 * 8 + 64);
    /* of no number, of one each, some of both */
    uint32_t empty[] = {0, 0, 7, 7, COUNT, COUNT};
    trip(&tokens, values, COUNT, empty, 6);
    trip(&pack_only, values, COUNT, empty, 6);
    for (uint32_t i = 0; i < COUNT; i++)
        ends[i] = i + 1;
    trip(&tokens, values, COUNT, ends, COUNT);
    trip(&pack_only, values, COUNT, ends, COUNT);
    for (int round = 0; round < 50; round++) {
        size_t cut_count = 0;
        uint32_t at = 0;
        while (at < COUNT) {
            uint64_t step = random_number() % 400;
            at = at + step < COUNT ? at + (uint32_t)step : COUNT;
            ends[cut_count++] = at;
            uint64_t mask = fl_bits_mask((unsigned)(random_number() % 65));
            for (uint32_t i = cut_count > 1 ? ends[cut_count - 2] : 0; i < at; i++)
                values[i] = random_number() & mask;
        }
        trip(&tokens, values, COUNT, ends, cut_count);
        trip(&pack_only, values, COUNT, ends, cut_count);
    }
}
END_TEST

/* The cost is about what putting takes. */
START_TEST(costs_tell)
{
    enum { COUNT = 20000 };
    static uint64_t values[COUNT];
    for (unsigned width = 0; width <= 64; width += 4) {
        for (size_t i = 0; i < COUNT; i++)
            values[i] = random_number() & fl_bits_mask(width) & random_number();
        for (int only = 0; only < 2; only++) {
            uint64_t cost = fl_integers_cost(values, COUNT, only) / 8;
            size_t size = trip(only ? &pack_only : &tokens, values, COUNT, NULL, 0);
            ck_assert_uint_le(size, cost + cost / 10 + 300);
            ck_assert_uint_le(cost, size + size / 10 + 300);
        }
    }
    ck_assert_uint_eq(fl_integers_cost(values, 0, false), 0);
}
END_TEST

/* --- hostile --- */

/* What is stored, cut at every byte and with each bit turned: refused, or other numbers,
 * but not beyond the padding. */
static void abuse(const uint64_t *values, size_t count, fl_integers *integers,
                  const uint32_t *cuts, size_t cut_count)
{
    fl_buffer stored = {0};
    uint64_t *back = fl_memory_alloc(count, sizeof *back);
    fl_integers_put(integers, &stored, values, count, cuts, cut_count);
    for (size_t size = 0; size < stored.size; size++) {
        unsigned char *bytes = padded(&stored, size);
        fl_cursor in = {bytes, size, false};
        ck_assert(!fl_integers_get(integers, &in, back, count));
        fl_memory_free(bytes);
    }
    unsigned char *bytes = padded(&stored, stored.size);
    for (size_t bit = 0; bit < stored.size * 8; bit++) {
        bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
        fl_cursor in = {bytes, stored.size, false};
        fl_integers_get(integers, &in, back, count);
        bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
    ck_assert(!integers->no_memory);
    fl_memory_free(bytes);
    fl_memory_free(back);
    fl_buffer_free(&stored);
}

START_TEST(cut_and_turned)
{
    enum { COUNT = 300 };
    uint64_t values[COUNT];
    uint32_t thirds[] = {100, 200, COUNT};
    for (unsigned width = 0; width <= 64; width += 8) {
        for (size_t i = 0; i < COUNT; i++)
            values[i] = (random_number() & fl_bits_mask(width)) >> i % 3 * 10;
        abuse(values, COUNT, &pack_only, NULL, 0);
        abuse(values, COUNT, &tokens, NULL, 0);
        abuse(values, COUNT, &tokens, thirds, 3);
    }
}
END_TEST

static bool gets(const char *data, size_t size, size_t count)
{
    fl_buffer stored = {0};
    uint64_t back[64];
    fl_buffer_append(&stored, data, size);
    unsigned char *bytes = padded(&stored, size);
    fl_cursor in = {bytes, size, false};
    bool got = fl_integers_get(&tokens, &in, back, count) && in.left == 0;
    fl_memory_free(bytes);
    fl_buffer_free(&stored);
    return got;
}
#define GETS(text, count) gets(text, sizeof(text) - 1, count)

START_TEST(refused)
{
    ck_assert(GETS("\2\0\0\0", 2)); /* two zeros */
    ck_assert(GETS("\1\0\0\0\1\0\0\0", 2));
    ck_assert(!GETS("\0\0\0\0\2\0\0\0", 2)); /* a segment of none */
    ck_assert(!GETS("\3\0\0\0", 2));         /* of more than there are */
    ck_assert(!GETS("\1\0\0\0", 2));         /* of fewer */
    ck_assert(!GETS("\377\377\377\377\377\377\377\377\377\1\0\0\0", 2));
    ck_assert(!GETS("\377\377\377\377\377\377\377\377\377\2\0\0\0", 2)); /* 65 bits */
    ck_assert(!GETS("\2\2\0\0", 2)); /* zigzag without tokens */
    ck_assert(!GETS("\2\4\0\0", 2)); /* no mode */
    ck_assert(!GETS("\2\377\0\0", 2));
    ck_assert(GETS("\1\0\0\100\1\2\3\4\5\6\7\10", 1)); /* 64 bits */
    ck_assert(!GETS("\1\0\0\101\1\2\3\4\5\6\7\10\11", 1));
    ck_assert(!GETS("\1\0\0\377\1\2\3\4\5\6\7\10\11", 1));
    ck_assert(!GETS("\2\0\0\10\1", 2));  /* a byte is missing */
    ck_assert(GETS("\2\1\0\0\7\10", 2)); /* tokens as they are */
    ck_assert(!GETS("\2\1\0\0\7", 2));
    ck_assert(!GETS("\2\1\0\5\7\10", 2)); /* a frame of five bytes */
    ck_assert(!GETS("\2\1\0\0\7\30", 2)); /* a token whose bits are not there */
    ck_assert(GETS("\2\1\0\0\7\24\1", 2));
    ck_assert(GETS("\2\3\0\7\10", 2));
    ck_assert(!GETS("\2\3\0\7\377", 2)); /* 61 bits */
}
END_TEST

/* A count costs no memory before the bytes could hold so many. */
START_TEST(no_memory_on_its_word)
{
    /* 2^40 tokens, in four bytes */
    static const char data[] = "\200\200\200\200\200\40\1\0\4abcd";
    unsigned char bytes[sizeof data + FL_BITS_PADDING] = {0};
    memcpy(bytes, data, sizeof data - 1);
    fl_cursor in = {bytes, sizeof data - 1, false};
    ck_assert(!fl_integers_get(&tokens, &in, NULL, (size_t)1 << 40));
    ck_assert_uint_lt(tokens.tokens.capacity, 1 << 20);
    ck_assert(!tokens.no_memory);
}
END_TEST

/* --- pieces --- */

/* Numbers of pieces are as among all, and other places stay as they were. */
START_TEST(pieces_of_an_array)
{
    enum { COUNT = 3000, ROUNDS = 40 };
    static const uint64_t masks[] = {0, 15, 255, 65535, (1 << 20) - 1, UINT64_MAX};
    uint64_t *values = fl_memory_alloc(COUNT, sizeof *values);
    uint64_t *got = fl_memory_alloc(COUNT + 1, sizeof *got);
    fl_piece *pieces = fl_memory_alloc(COUNT, sizeof *pieces);
    fl_integers *integers = _i % 2 ? &tokens : &pack_only;
    uint32_t cuts[] = {100, 101, 1500, 2999, COUNT};
    uint64_t signs = _i & 2 ? UINT64_MAX : 0;
    for (size_t i = 0; i < COUNT;
         i++) { /* pieces unlike each other, so of several modes */
        values[i] = random_number() & masks[i / 500 % 6];
        values[i] =
            i % 3 == 0 ? values[i] ^ (signs & (0 - (values[i] & 1))) : values[i];
    }
    fl_buffer stored = {0};
    fl_integers_put(integers, &stored, values, COUNT, cuts, 5);
    unsigned char *bytes = padded(&stored, stored.size);
    for (size_t round = 0; round < ROUNDS; round++) {
        size_t count = 0;
        size_t longest = round % 4 == 0 ? 2 : round % 4 == 1 ? 20 : 700;
        for (size_t at = 0; round > 0;) {
            size_t first = at + (size_t)(random_number() >> 32) % longest;
            size_t end = first + 1 + (size_t)(random_number() >> 32) % longest;
            if (end > COUNT)
                break;
            pieces[count++] = (fl_piece){first, end};
            at = end;
        }
        for (size_t i = 0; i <= COUNT; i++)
            got[i] = 0x5a5a5a5a5a5a5a5a;
        fl_cursor in = {bytes, stored.size, false};
        ck_assert(fl_integers_get_pieces(integers, &in, got, COUNT, pieces, count));
        ck_assert_uint_eq(in.left, 0);
        size_t next = 0;
        for (size_t i = 0; i <= COUNT; i++) {
            while (next < count && pieces[next].end <= i)
                next++;
            bool asked = next < count && pieces[next].first <= i;
            ck_assert_uint_eq(got[i], asked ? values[i] : 0x5a5a5a5a5a5a5a5a);
        }
    }
    fl_memory_free(bytes);
    fl_buffer_free(&stored);
    fl_memory_free(values);
    fl_memory_free(got);
    fl_memory_free(pieces);
}
END_TEST

/* --- 16 bits --- */

/* They are what the others are, of any number of any mode; larger ones are refused. */
START_TEST(narrow_numbers)
{
    enum { COUNT = 5000 };
    static const uint64_t masks[] = {0, 1, 15, 255, 65535};
    static const size_t counts[] = {0, 1, 1023, 1024, 1025, COUNT};
    static uint64_t values[COUNT];
    static uint16_t got[COUNT + 1];
    fl_integers *integers = _i % 2 ? &tokens : &pack_only;
    for (size_t n = 0; n < 6; n++)
        for (size_t large = 0; large < 3; large++) {
            size_t count = counts[n];
            uint32_t cuts[] = {700, 1300, COUNT};
            for (size_t i = 0; i < COUNT; i++)
                values[i] = random_number() & masks[(i / 700 + n) % 5];
            if (large)
                values[count / 2] = large == 1 ? 65536 : UINT64_MAX;
            fl_buffer stored = {0};
            bool cut = count == COUNT;
            fl_integers_put(integers, &stored, values, count, cut ? cuts : NULL,
                            cut ? 3 : 0);
            unsigned char *bytes = padded(&stored, stored.size);
            fl_cursor in = {bytes, stored.size, false};
            got[count] = 0xa5a5;
            ck_assert_int_eq(fl_integers_get_narrow(integers, &in, got, count),
                             !large || count == 0);
            ck_assert_uint_eq(got[count], 0xa5a5);
            for (size_t i = 0; !large && i < count; i++)
                ck_assert_uint_eq(got[i], values[i]);
            fl_memory_free(bytes);
            fl_buffer_free(&stored);
        }
}
END_TEST

/* What no piece asks for is checked all the same, up to the last. */
START_TEST(pieces_of_damaged_bytes)
{
    static const char *const damaged[] = {"\2\0\0\10\1", "\2\1\0\0\7", "\2\2\0\0\7\10"};
    static const size_t sizes[] = {5, 5, 6};
    uint64_t numbers[2];
    for (size_t i = 0; i < 3; i++) {
        unsigned char bytes[8 + FL_BITS_PADDING] = {0};
        memcpy(bytes, damaged[i], sizes[i]);
        fl_cursor in = {bytes, sizes[i], false};
        const fl_piece last = {1, 2};
        ck_assert(!fl_integers_get_pieces(&tokens, &in, numbers, 2, &last, 1));
        in = (fl_cursor){bytes, sizes[i], false};
        ck_assert(fl_integers_get_pieces(&tokens, &in, numbers, 2, NULL, 0));
        ck_assert_uint_eq(in.left, 0);
    }
}
END_TEST

/* --- bits --- */

START_TEST(bits_hold)
{
    ck_assert_uint_eq(fl_bits_width(0), 0);
    ck_assert_uint_eq(fl_bits_width(1), 1);
    ck_assert_uint_eq(fl_bits_width(UINT64_MAX), 64);
    static const uint64_t zigzag[][2] = {{0, 0},
                                         {UINT64_MAX, 1},
                                         {1, 2},
                                         {INT64_MAX, UINT64_MAX - 1},
                                         {(uint64_t)INT64_MIN, UINT64_MAX}};
    for (size_t i = 0; i < sizeof zigzag / sizeof *zigzag; i++) {
        ck_assert_uint_eq(fl_bits_zigzag(zigzag[i][0]), zigzag[i][1]);
        ck_assert_uint_eq(fl_bits_unzigzag(zigzag[i][1]), zigzag[i][0]);
    }
    /* numbers of any width, one behind the other, of 0 bits too */
    enum { COUNT = 1000 };
    unsigned char *bytes = fl_memory_zalloc(COUNT * 8 + 8, 1);
    uint64_t numbers[COUNT];
    unsigned widths[COUNT];
    fl_bits_writer writer = {bytes, 0, 0};
    uint64_t total = 0;
    for (size_t i = 0; i < COUNT; i++) {
        widths[i] = (unsigned)(random_number() >> 40) % 65;
        numbers[i] = random_number() & fl_bits_mask(widths[i]);
        if (widths[i] == 0)
            numbers[i] = 0;
        fl_bits_put(&writer, numbers[i], widths[i]);
        total += widths[i];
    }
    fl_bits_flush(&writer);
    ck_assert_uint_eq((size_t)(writer.at - bytes), fl_bits_bytes(total));
    uint64_t at = 0;
    for (size_t i = 0; i < COUNT; i++) {
        ck_assert_uint_eq(fl_bits_get(bytes, at, widths[i]), numbers[i]);
        if (widths[i] <= 57)
            ck_assert_uint_eq(fl_bits_get_short(bytes, at, widths[i]), numbers[i]);
        at += widths[i];
    }
    fl_memory_free(bytes);
}
END_TEST

static Suite *integers_suite(void)
{
    Suite *suite = suite_create("integers");
    TCase *tests = tcase_create("integers");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, none_and_one);
    tcase_add_loop_test(tests, every_width, 0, 65);
    tcase_add_test(tests, every_token);
    tcase_add_test(tests, an_outlier_below);
    tcase_add_test(tests, pieces_unlike_each_other);
    tcase_add_test(tests, costs_tell);
    tcase_add_test(tests, cut_and_turned);
    tcase_add_test(tests, refused);
    tcase_add_test(tests, no_memory_on_its_word);
    tcase_add_loop_test(tests, pieces_of_an_array, 0, 4);
    tcase_add_test(tests, pieces_of_damaged_bytes);
    tcase_add_loop_test(tests, narrow_numbers, 0, 2);
    tcase_add_test(tests, bits_hold);
    suite_add_tcase(suite, tests);
    return suite;
}

FL_UNIT_MAIN(integers_suite)
