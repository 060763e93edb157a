/* Splices: the texts, shapes and columns of both batches, whatever numbers they had there;
 * every bound leaves the target as it was. */
#include "splice.h"

#include "segment-files.h"
#include "unit.h"

static flowan_batch *new_batch(uint32_t capacity, uint64_t memory)
{
    flowan_batch_options options = {
        .size = sizeof options, .capacity = capacity, .memory_bytes = memory};
    flowan_batch *batch;
    ck_assert_int_eq(flowan_batch_new(&batch, &options, NULL), FLOWAN_OK);
    return batch;
}

static void take(flowan_batch *to, const flowan_batch *from, size_t first, size_t count)
{
    ck_assert_int_eq(fl_batch_splice(to, from, first, count), FLOWAN_OK);
}

static void assert_texts(const flowan_batch *batch, const char *want, size_t size)
{
    fl_buffer texts = {0};
    put_texts(&texts, batch);
    assert_bytes(&texts, want, size);
    fl_buffer_free(&texts);
}

/* The same columns in the same order, with the same cells, present or not. */
static void assert_same_columns(const flowan_batch *a, const flowan_batch *b)
{
    ck_assert_uint_eq(flowan_batch_rows(a), flowan_batch_rows(b));
    ck_assert_uint_eq(flowan_batch_columns(a), flowan_batch_columns(b));
    for (size_t i = 0; i < flowan_batch_columns(a); i++) {
        flowan_column one, other;
        ck_assert(flowan_batch_column(a, i, &one));
        ck_assert(flowan_batch_column(b, i, &other));
        size_t rows = one.rows;
        ck_assert_uint_eq(one.name_size, other.name_size);
        ck_assert_mem_eq(one.name, other.name, one.name_size + 1);
        ck_assert_int_eq(one.type, other.type);
        ck_assert_int_eq(one.field, other.field);
        ck_assert_uint_eq(one.present_count, other.present_count);
        for (size_t row = 0; row < rows; row++)
            ck_assert_uint_eq(one.present[row / 64] >> (row % 64) & 1,
                              other.present[row / 64] >> (row % 64) & 1);
        if (one.offset) {
            ck_assert_mem_eq(one.offset, other.offset, (rows + 1) * 4);
            const void *items = one.text  ? (const void *)one.text
                                : one.u64 ? (const void *)one.u64
                                          : one.address;
            const void *others = other.text  ? (const void *)other.text
                                 : other.u64 ? (const void *)other.u64
                                             : other.address;
            if (one.offset[rows])
                ck_assert_mem_eq(items, others,
                                 one.offset[rows] * fl_type_width(one.type));
        } else {
            const void *cells = one.u32   ? (const void *)one.u32
                                : one.u64 ? (const void *)one.u64
                                          : one.address;
            const void *others = other.u32   ? (const void *)other.u32
                                 : other.u64 ? (const void *)other.u64
                                             : other.address;
            ck_assert_mem_eq(cells, others, rows * fl_type_width(one.type));
        }
    }
    ck_assert_mem_eq(a->offset_of_row, b->offset_of_row,
                     a->rows * sizeof *a->offset_of_row);
    ck_assert_mem_eq(a->size_of_row, b->size_of_row, a->rows * sizeof *a->size_of_row);
}

/* Every way to cut nine rows of all kinds in three is put together again. */
START_TEST(pieces_are_the_whole)
{
    flowan_batch *whole = all_kinds_batch();
    flowan_batch *to = new_batch(0, 0);
    for (size_t a = 0; a <= ALL_KINDS_ROWS; a++)
        for (size_t b = a; b <= ALL_KINDS_ROWS; b++) {
            flowan_batch_reset(to);
            take(to, whole, 0, a);
            take(to, whole, a, b - a);
            take(to, whole, b, ALL_KINDS_ROWS - b);
            assert_texts(to, all_kinds, sizeof all_kinds - 1);
            assert_same_columns(to, whole);
        }
    flowan_batch_free(to);
    flowan_batch_free(whole);
}
END_TEST

static unsigned next_random(unsigned *state)
{
    *state = *state * 1103515245 + 12345;
    return *state >> 16;
}

/* Random pieces of thousands of rows, whose shapes and texts come and go, against a parse
 * of the same lines; the batches are used again, so what they held before must not show,
 * and some pieces begin and end at the edges of words. */
START_TEST(random_pieces_are_a_parse)
{
    unsigned random = (unsigned)_i + 1;
    fl_buffer text = {0};
    size_t starts[1501];
    for (size_t i = 0; i < 1500; i++) {
        starts[i] = text.size;
        unsigned what = next_random(&random) % (_i % 2 ? 40 : 9);
        size_t size;
        const char *line = line_at(all_kinds, what < 9 ? what : 2, &size);
        fl_buffer_append(&text, line, size);
    }
    starts[1500] = text.size;
    flowan_batch *from = batch_of(text.data, text.size);
    flowan_batch *to = new_batch(1 << 20, 0);
    for (int round = 0; round < 2; round++) {
        fl_buffer want = {0};
        flowan_batch_reset(to);
        for (int piece = 0; piece < 12; piece++) {
            size_t first = next_random(&random) % 1500;
            size_t count = next_random(&random) % (1501 - first);
            if (piece % 3 == 0) {
                first = first / 64 * 64;
                count = count / 64 * 64;
            }
            take(to, from, first, count);
            fl_buffer_append(&want, text.data + starts[first],
                             starts[first + count] - starts[first]);
            flowan_column column; /* what was looked at must still be right later */
            if (piece % 4 == 1 && flowan_batch_columns(to))
                flowan_batch_column(to, (size_t)piece % flowan_batch_columns(to),
                                    &column);
        }
        assert_texts(to, want.data, want.size);
        flowan_batch *parsed = batch_of(want.data, want.size);
        memcpy(parsed->offset_of_row, to->offset_of_row, to->rows * 8);
        assert_same_columns(to, parsed);
        flowan_batch_free(parsed);
        fl_buffer_free(&want);
    }
    flowan_batch_free(to);
    flowan_batch_free(from);
    fl_buffer_free(&text);
}
END_TEST

/* Records may follow a splice: rooms are as after an append. */
START_TEST(a_parse_goes_on_behind)
{
    static const size_t counts[] = {1, 2, 63, 64, 65, 127, 128, 129, 1023, 1024, 1025};
    for (size_t k = 0; k < sizeof counts / sizeof *counts; k++) {
        size_t rows = counts[k];
        fl_buffer text = {0};
        for (size_t i = 0; i < rows; i++)
            fl_buffer_format(&text, "{\"bytes\":%zu}\n", i);
        flowan_batch *from = batch_of(text.data, text.size);
        flowan_batch *to = new_batch(0, 0);
        take(to, from, 0, rows);
        flowan_parser *parser;
        ck_assert_int_eq(flowan_parser_new(&parser, NULL, NULL), FLOWAN_OK);
        size_t used;
        ck_assert_int_eq(flowan_parser_feed(parser, all_kinds, sizeof all_kinds - 1, to,
                                            &used, NULL),
                         FLOWAN_OK);
        fl_buffer_append(&text, all_kinds, sizeof all_kinds - 1);
        assert_texts(to, text.data, text.size);
        flowan_parser_free(parser);
        flowan_batch_free(to);
        flowan_batch_free(from);
        fl_buffer_free(&text);
    }
}
END_TEST

/* --- full --- */

static void assert_full(flowan_batch *to, const flowan_batch *from, size_t first,
                        size_t count)
{
    fl_buffer before = {0}, after = {0};
    size_t columns = flowan_batch_columns(to);
    size_t shapes = to->shapes.count;
    size_t spellings = to->spellings.count;
    put_texts(&before, to);
    ck_assert_int_eq(fl_batch_splice(to, from, first, count), FLOWAN_FULL);
    put_texts(&after, to);
    assert_bytes(&after, before.data, before.size);
    ck_assert_uint_eq(flowan_batch_columns(to), columns);
    ck_assert_uint_eq(to->shapes.count, shapes);
    ck_assert_uint_eq(to->spellings.count, spellings);
    fl_buffer_free(&before);
    fl_buffer_free(&after);
}

START_TEST(no_more_rows_than_the_capacity)
{
    flowan_batch *from = all_kinds_batch();
    flowan_batch *to = new_batch(5, 0);
    assert_full(to, from, 0, 6);
    take(to, from, 2, 3);
    assert_full(to, from, 0, 3);
    take(to, from, 0, 2);
    assert_full(to, from, 0, 1);
    take(to, from, 0, 0);
    flowan_batch_free(to);
    flowan_batch_free(from);
}
END_TEST

/* Rows [0, count) with `each` new keys a row. */
static flowan_batch *keys_batch(const char *name, size_t count, size_t each)
{
    fl_buffer text = {0};
    for (size_t row = 0; row < count; row++) {
        fl_buffer_byte(&text, '{');
        for (size_t i = 0; i < each; i++)
            fl_buffer_format(&text, "%s\"%s%zu\":1", i ? "," : "", name,
                             row * each + i);
        fl_buffer_text(&text, "}\n");
    }
    flowan_batch *batch = batch_of(text.data, text.size);
    fl_buffer_free(&text);
    return batch;
}

START_TEST(no_more_columns_than_a_batch_has)
{
    flowan_batch *from = keys_batch("k", 4, 1024);
    flowan_batch *more = keys_batch("m", 1, 1);
    flowan_batch *to = new_batch(0, 0);
    take(to, from, 0, 4); /* 4096 */
    assert_full(to, more, 0, 1);
    take(to, from, 1, 2); /* that it has already */
    flowan_batch_reset(to);
    take(to, more, 0, 1);
    assert_full(to, from, 0, 4);
    take(to, from, 0, 3);
    assert_full(to, from, 3, 1);
    flowan_batch_free(to);
    flowan_batch_free(more);
    flowan_batch_free(from);
}
END_TEST

START_TEST(no_more_shapes_than_a_batch_has)
{
    /* each choice of 16 keys is a shape */
    fl_buffer text = {0};
    for (unsigned i = 1; i <= FL_BATCH_SHAPES_MAX; i++) {
        fl_buffer_byte(&text, '{');
        for (unsigned k = 0, others = 0; k < 16; k++)
            if (i >> k & 1)
                fl_buffer_format(&text, "%s\"%c\":1", others++ ? "," : "", 'a' + k);
        fl_buffer_text(&text, "}\n");
    }
    flowan_batch *from = batch_of(text.data, text.size);
    flowan_batch *one = batch_of("{\"type\":\"IPFIX\"}", 16);
    flowan_batch *to = new_batch(1 << 20, 0);
    take(to, from, 0, from->rows);
    ck_assert_uint_eq(to->shapes.count, FL_BATCH_SHAPES_MAX);
    assert_full(to, one, 0, 1);
    flowan_batch_reset(to);
    take(to, one, 0, 1);
    take(to, from, 0, FL_BATCH_SHAPES_MAX / 2);
    fl_buffer texts = {0};
    put_texts(&texts, to);
    ck_assert_mem_eq(texts.data + 17, text.data, texts.size - 17);
    fl_buffer_free(&texts);
    fl_buffer_free(&text);
    flowan_batch_free(to);
    flowan_batch_free(one);
    flowan_batch_free(from);
}
END_TEST

/* Many columns that few rows have cost every row: it is what they would take together that
 * counts. */
START_TEST(no_more_memory_than_the_limit)
{
    flowan_batch *wide = keys_batch("k", 1, 1000);
    flowan_batch *narrow = keys_batch("b", 200, 1);
    flowan_batch *to = new_batch(1 << 20, 1 << 20);
    take(to, wide, 0, 1); /* 8 kB a row */
    unsigned rounds = 0;
    while (fl_batch_splice(to, narrow, 0, 1) == FLOWAN_OK)
        rounds++;
    ck_assert_uint_gt(rounds, 100);
    ck_assert_uint_lt(rounds, 140);
    assert_full(to, narrow, 0, 1);
    flowan_batch_reset(to);
    take(to, narrow, 0, 100);
    take(to, wide, 0, 1);
    /* what is alone fits in any case */
    flowan_batch *small = new_batch(0, 1);
    take(small, wide, 0, 1);
    assert_full(small, wide, 0, 1);
    flowan_batch_free(small);
    flowan_batch_free(to);
    flowan_batch_free(wide);
    flowan_batch_free(narrow);
}
END_TEST

static Suite *splice_suite(void)
{
    Suite *suite = suite_create("splice");
    TCase *tests = tcase_create("splice");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, pieces_are_the_whole);
    tcase_add_loop_test(tests, random_pieces_are_a_parse, 0, 2);
    tcase_add_test(tests, a_parse_goes_on_behind);
    tcase_add_test(tests, no_more_rows_than_the_capacity);
    tcase_add_test(tests, no_more_columns_than_a_batch_has);
    tcase_add_test(tests, no_more_shapes_than_a_batch_has);
    tcase_add_test(tests, no_more_memory_than_the_limit);
    suite_add_tcase(suite, tests);
    return suite;
}

FL_UNIT_MAIN(splice_suite)
