/* lib/layout.c: a directory comes back as it was put; parts that a later writer may add are
 * left out; what would have a reader go astray is refused. */
#include <check.h>

#include "bits.h"
#include "layout.h"
#include "unit.h"

enum { ROWS = 3, STREAM_NUMBERS = 0, STREAM_TALKS = 1 };

/* The directory of three rows of two numbers, the second so many times the first; there is
 * a stream of conversations. */
typedef struct plan {
    fl_layout layout;
    fl_layout_column columns[2];
    fl_source sources[2];
    fl_layout_entry entries[2];
    size_t first_entry[3];
    fl_layout_stream streams[2];
    fl_layout_part parts[FL_PART_STREAMS + 2];
    uint16_t parents[1];
    uint16_t class_shapes[1];
    uint8_t class_talks[1];
} plan;

static const unsigned char shape[] = {2, 0, 0, 0,           FL_KIND_INT, 0,
                                      0, 1, 0, FL_KIND_INT, 0,           0};

static fl_integers integers;

static void make(plan *p)
{
    *p = (plan){
        .columns = {{.name = "packets",
                     .name_size = 7,
                     .type = FLOWAN_TYPE_U64,
                     .present = ROWS,
                     .cells = 1},
                    {.name = "bytes",
                     .name_size = 5,
                     .type = FLOWAN_TYPE_U64,
                     .present = ROWS,
                     .first_cell = 1,
                     .cells = 1}},
        .sources = {{.op = FL_SOURCE_CONSTANT},
                    {.op = FL_SOURCE_TIMES, .cell = 0, .stream = STREAM_NUMBERS}},
        .entries = {{.source = 0, .constant = 7}, {.source = 1}},
        .first_entry = {0, 1, 2},
        .streams = {{.kind = FL_STREAM_NUMBERS}, {.kind = FL_STREAM_TALKS}},
        .parts = {{5, false}, {6, false}, {0, false}, {70000, true}, {4, false}}};
    p->layout = (fl_layout){.rows = ROWS,
                            .columns = p->columns,
                            .column_count = 2,
                            .cell_count = 2,
                            .shapes = shape,
                            .shapes_size = sizeof shape,
                            .shape_count = 1,
                            .run_count = 1,
                            .parents = p->parents,
                            .label_count = 1,
                            .class_shapes = p->class_shapes,
                            .class_talks = p->class_talks,
                            .class_count = 1,
                            .sources = p->sources,
                            .source_count = 2,
                            .entries = p->entries,
                            .first_entry = p->first_entry,
                            .streams = p->streams,
                            .stream_count = 2,
                            .parts = p->parts,
                            .part_count = FL_PART_STREAMS + 2};
}

/* With the room behind it that readers need. */
static fl_buffer bytes_of(const plan *p)
{
    fl_buffer bytes = {0};
    fl_layout_put(&p->layout, &integers, &bytes);
    ck_assert_ptr_nonnull(fl_buffer_reserve(&bytes, FL_BITS_PADDING));
    memset(bytes.data + bytes.size, 0, FL_BITS_PADDING);
    return bytes;
}

static void set_up(void)
{
    integers = (fl_integers){.codec = fl_codec_new(0), .pack_only = true};
    ck_assert_ptr_nonnull(integers.codec);
}

static void tear_down(void)
{
    fl_codec_free(integers.codec);
    fl_integers_free(&integers);
}

static void assert_refused(const plan *p)
{
    fl_layout got;
    fl_buffer bytes = bytes_of(p);
    ck_assert_int_eq(fl_layout_get(&got, &integers, ROWS, bytes.data, bytes.size),
                     FLOWAN_ERROR_FORMAT);
    fl_buffer_free(&bytes);
}

START_TEST(comes_back)
{
    plan p;
    fl_layout got;
    make(&p);
    fl_buffer bytes = bytes_of(&p);
    ck_assert_int_eq(fl_layout_get(&got, &integers, ROWS, bytes.data, bytes.size),
                     FLOWAN_OK);
    ck_assert_uint_eq(got.part_count, FL_PART_STREAMS + 2);
    ck_assert_uint_eq(got.parts[FL_PART_STREAMS].size, 70000);
    ck_assert(got.parts[FL_PART_STREAMS].own && !got.parts[0].own);
    ck_assert_uint_eq(got.entries[0].constant, 7);
    ck_assert_uint_eq(got.sources[1].op, FL_SOURCE_TIMES);
    fl_layout_free(&got);
    /* nothing of it can be missing, and nothing may follow */
    for (size_t size = 0; size < bytes.size; size++)
        ck_assert_int_eq(fl_layout_get(&got, &integers, ROWS, bytes.data, size),
                         FLOWAN_ERROR_FORMAT);
    ck_assert_int_eq(fl_layout_get(&got, &integers, ROWS, bytes.data, bytes.size + 1),
                     FLOWAN_ERROR_FORMAT);
    fl_buffer_free(&bytes);
}
END_TEST

/* "How many parts there are that this page does not know": 0 is the last byte. */
START_TEST(unknown_parts_are_left_out)
{
    plan p;
    fl_layout got;
    make(&p);
    fl_buffer bytes = bytes_of(&p);
    bytes.data[--bytes.size] = 2;
    bytes.size++;
    fl_bytes_put_varint(&bytes, 7);
    fl_bytes_put_varint(&bytes, 11 << 1);
    fl_bytes_put_varint(&bytes, UINT64_MAX);
    fl_bytes_put_varint(&bytes, 100000 << 1 | 1);
    ck_assert_ptr_nonnull(fl_buffer_reserve(&bytes, FL_BITS_PADDING));
    ck_assert_int_eq(fl_layout_get(&got, &integers, ROWS, bytes.data, bytes.size),
                     FLOWAN_OK);
    ck_assert_uint_eq(got.part_count, FL_PART_STREAMS + 4);
    ck_assert_uint_eq(got.parts[FL_PART_STREAMS + 2].size, 11);
    ck_assert_uint_eq(got.parts[FL_PART_STREAMS + 3].size, 100000);
    ck_assert(got.parts[FL_PART_STREAMS + 3].own);
    fl_layout_free(&got);
    fl_buffer_free(&bytes);
}
END_TEST

/* Conversations tell rows apart; as numbers they are nobody's. */
START_TEST(no_cell_draws_conversations)
{
    plan p;
    make(&p);
    p.sources[1].stream = STREAM_TALKS;
    assert_refused(&p);
    make(&p);
    p.sources[1].second = STREAM_TALKS + 1;
    assert_refused(&p);
    make(&p);
    p.sources[1].second = STREAM_TALKS + 2;
    assert_refused(&p);
}
END_TEST

START_TEST(streams_hang_on_what_has_ranks)
{
    static const fl_stream_kind kinds[] = {FL_STREAM_KEYED, FL_STREAM_OFFSET,
                                           FL_STREAM_TALK_STEPS};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        plan p;
        fl_layout got;
        make(&p);
        p.streams[0] = (fl_layout_stream){kinds[i], STREAM_NUMBERS};
        assert_refused(&p); /* on itself */
        p.streams[0].key = 2;
        assert_refused(&p); /* on none */
        p.streams[0].key = STREAM_TALKS;
        fl_buffer bytes = bytes_of(&p);
        ck_assert_int_eq(fl_layout_get(&got, &integers, ROWS, bytes.data, bytes.size),
                         FLOWAN_OK);
        fl_layout_free(&got);
        fl_buffer_free(&bytes);
        p.streams[1].kind = FL_STREAM_NUMBERS;
        assert_refused(&p);
        p.streams[1].kind = FL_STREAM_RANKS;
        if (kinds[i] == FL_STREAM_TALK_STEPS)
            assert_refused(&p);
    }
    plan two;
    make(&two);
    two.streams[0].kind = FL_STREAM_TALKS;
    two.sources[1].op = FL_SOURCE_COPY;
    assert_refused(&two);
}
END_TEST

static Suite *suite_of(void)
{
    Suite *suite = suite_create("layout");
    TCase *layout = tcase_create("layout");
    tcase_add_checked_fixture(layout, set_up, tear_down);
    tcase_add_test(layout, comes_back);
    tcase_add_test(layout, unknown_parts_are_left_out);
    tcase_add_test(layout, no_cell_draws_conversations);
    tcase_add_test(layout, streams_hang_on_what_has_ranks);
    suite_add_tcase(suite, layout);
    return suite;
}

FL_UNIT_MAIN(suite_of)
