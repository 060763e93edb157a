/* The layout of a segment's parts, in memory: what is put is got, what is damaged or forged
 * is refused. */
#include "segment.h"

#include "codec.h"
#include "segment-files.h"
#include "unit.h"

START_TEST(header_holds)
{
    fl_segment_header in = {
        .serial = UINT64_MAX, .interval_start_ns = UINT64_MAX - 1, .interval_ns = 1};
    unsigned char bytes[FL_SEGMENT_HEADER_SIZE];
    fl_segment_put_header(bytes, &in);
    fl_segment_header out;
    ck_assert_int_eq(fl_segment_get_header(bytes, &out), FLOWAN_OK);
    ck_assert_uint_eq(out.version, FL_SEGMENT_VERSION);
    ck_assert_uint_eq(out.serial, in.serial);
    ck_assert_uint_eq(out.interval_start_ns, in.interval_start_ns);
    ck_assert_uint_eq(out.interval_ns, in.interval_ns);
    for (size_t bit = 0; bit < sizeof bytes * 8; bit++) {
        bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
        ck_assert_int_eq(fl_segment_get_header(bytes, &out),
                         bit < 64 ? FLOWAN_ERROR_FORMAT : FLOWAN_ERROR_CHECKSUM);
        bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
    fl_bytes_store(bytes + 8, FL_SEGMENT_VERSION + 1, 4);
    fl_bytes_store(bytes + 56, fl_segment_checksum(bytes, 56), 8);
    ck_assert_int_eq(fl_segment_get_header(bytes, &out), FLOWAN_ERROR_VERSION);
}
END_TEST

START_TEST(stats_add_up)
{
    flowan_segment_stats sum = fl_segment_stats_none();
    ck_assert_uint_gt(sum.received_min_ns, sum.received_max_ns);
    ck_assert_uint_gt(sum.span_min_ns, sum.span_max_ns);
    flowan_segment_stats a = {1, 10, 5, 6, 3, 9, 0};
    flowan_segment_stats b = {2, 20, 4, 5, 4, 8, 1};
    fl_segment_stats_add(&sum, &a);
    fl_segment_stats_add(&sum, &b);
    ck_assert_uint_eq(sum.rows, 3);
    ck_assert_uint_eq(sum.text_bytes, 30);
    ck_assert_uint_eq(sum.received_min_ns, 4);
    ck_assert_uint_eq(sum.received_max_ns, 6);
    ck_assert_uint_eq(sum.span_min_ns, 3);
    ck_assert_uint_eq(sum.span_max_ns, 9);
    ck_assert_uint_eq(sum.rows_without_time, 1);
}
END_TEST

/* A head of a block of two rows with a column of every role, in `columns`. */
static fl_segment_head small_head(fl_segment_column columns[3])
{
    static const unsigned char spellings[] = {5, 0, 'B', 'y', 't', 'e', 's', 1, 0, 'b'};
    static const unsigned char shapes[] = {
        2, 0, 2, 0, FL_KIND_INT, 0, 0, 2, 0, FL_KIND_NULL, 2, 0};
    columns[0] =
        (fl_segment_column){.role = FL_ROLE_SHAPES, .plain_size = 4, .stored_size = 4};
    columns[1] = (fl_segment_column){.role = FL_ROLE_TEXTS, .type = FLOWAN_TYPE_TEXT};
    columns[2] = (fl_segment_column){.role = FL_ROLE_VALUES,
                                     .name = "bytes",
                                     .name_size = 5,
                                     .type = FLOWAN_TYPE_U64,
                                     .present = 2,
                                     .plain_size = 16,
                                     .stored_size = 16,
                                     .checksum = 99};
    fl_segment_head head = {.stats = fl_segment_stats_none(),
                            .columns = columns,
                            .column_count = 3,
                            .spellings = spellings,
                            .spellings_size = sizeof spellings,
                            .spelling_count = 2,
                            .shapes = shapes,
                            .shapes_size = sizeof shapes,
                            .shape_count = 1};
    head.stats.rows = 2;
    return head;
}

/* What the encoded head is when read. */
static flowan_status reread(const fl_segment_head *head)
{
    fl_buffer bytes = {0};
    fl_segment_head out;
    fl_segment_put_head(&bytes, head);
    ck_assert(!bytes.failed);
    flowan_status status =
        fl_segment_get_head((const unsigned char *)bytes.data, bytes.size, &out);
    if (status == FLOWAN_OK)
        fl_segment_head_free(&out);
    ck_assert_ptr_null(out.columns);
    fl_buffer_free(&bytes);
    return status;
}

START_TEST(head_holds)
{
    fl_segment_column columns[3];
    fl_segment_head head = small_head(columns);
    head.log = log_one;
    fl_buffer bytes = {0};
    fl_segment_put_head(&bytes, &head);
    const unsigned char *at = (const unsigned char *)bytes.data;
    uint32_t head_size;
    uint64_t block_size;
    ck_assert(fl_segment_peek_head(at, &head_size, &block_size));
    ck_assert_uint_eq(head_size, bytes.size);
    ck_assert_uint_eq(block_size, bytes.size + 20);
    fl_segment_head out;
    ck_assert_int_eq(fl_segment_get_head(at, bytes.size, &out), FLOWAN_OK);
    ck_assert_uint_eq(out.column_count, 3);
    ck_assert_uint_eq(out.columns[2].offset, bytes.size + 4);
    ck_assert_uint_eq(out.columns[2].checksum, 99);
    ck_assert_mem_eq(out.columns[2].name, "bytes", 5);
    ck_assert_uint_eq(out.spelling_count, 2);
    ck_assert_uint_eq(out.spellings_size, 10);
    ck_assert_mem_eq(out.spellings, head.spellings, 10);
    ck_assert_uint_eq(out.shape_count, 1);
    ck_assert_mem_eq(out.shapes, head.shapes, head.shapes_size);
    assert_log(&out.log, &log_one);
    fl_segment_head_free(&out);
    for (size_t size = 0; size < bytes.size; size++)
        ck_assert_int_lt(fl_segment_get_head(at, size, &out), 0);
    for (size_t bit = 0; bit < bytes.size * 8; bit++) {
        bytes.data[bit / 8] = (char)(bytes.data[bit / 8] ^ 1 << bit % 8);
        ck_assert_int_lt(fl_segment_get_head(at, bytes.size, &out), 0);
        bytes.data[bit / 8] = (char)(bytes.data[bit / 8] ^ 1 << bit % 8);
    }
    fl_buffer_free(&bytes);
}
END_TEST

/* Heads with sound checksums that must not be believed. */
START_TEST(head_is_not_believed)
{
    fl_segment_column columns[3];
    fl_segment_head head = small_head(columns);
    ck_assert_int_eq(reread(&head), FLOWAN_OK);
#define REFUSED(change)                                                                \
    do {                                                                               \
        head = small_head(columns);                                                    \
        change;                                                                        \
        ck_assert_msg(reread(&head) == FLOWAN_ERROR_FORMAT, "%s", #change);            \
    } while (0)
    REFUSED(head.column_count = 0);
    REFUSED(head.column_count = 1);
    REFUSED(head.stats.rows = FL_BATCH_ROWS_MAX + 1);
    REFUSED(head.stats.rows = UINT64_MAX);
    REFUSED(head.stats.rows = 1);
    REFUSED(head.shape_count = 2);
    REFUSED(head.shape_count = 0);
    REFUSED(head.shapes_size = 11);
#define SHAPE(bytes)                                                                   \
    REFUSED(head.shapes = (const unsigned char *)(bytes); head.shapes_size = 7)
    SHAPE("\1\0\1\0\4\0\0");  /* names the texts */
    SHAPE("\1\0\3\0\4\0\0");  /* names no column */
    SHAPE("\1\0\2\0\10\0\0"); /* an address in it */
    SHAPE("\1\0\2\0\35\0\0"); /* no kind */
    SHAPE("\1\4\2\0\4\0\0");  /* 1025 fields */
    SHAPE("\1\0\2\0\4\3\0");  /* no spelling */
    SHAPE("\1\0\2\0\4\0\1");  /* no spelling */
#undef SHAPE
    REFUSED(head.spelling_count = 3);
    REFUSED(head.spelling_count = 1);
    REFUSED(head.spelling_count = 0);
    REFUSED(head.spelling_count = FL_BATCH_SPELLINGS_MAX + 1);
    REFUSED(head.spelling_count = UINT32_MAX);
    REFUSED(head.spellings_size = 9);
#define SPELLINGS(bytes, size)                                                         \
    REFUSED(head.spellings = (const unsigned char *)(bytes);                           \
            head.spellings_size = (size))
    SPELLINGS("\5\0Bytes\0\0", 9);       /* one of no bytes */
    SPELLINGS("\5\0B\0tes\1\0b", 10);    /* a NUL in one */
    SPELLINGS("\5\0Bytes\1\0", 10);      /* a NUL is one */
    SPELLINGS("\5\0Bytes\377\377b", 10); /* longer than all */
#undef SPELLINGS
    REFUSED(columns[0].role = FL_ROLE_VALUES);
    REFUSED(columns[1].role = FL_ROLE_SHAPES);
    REFUSED(columns[2].role = FL_ROLE_TEXTS);
    REFUSED(columns[2].role = (fl_role)3);
    REFUSED(columns[1] = columns[2]);
    REFUSED(columns[2] = columns[1]; head.shapes = (const unsigned char *)"\0\0";
            head.shapes_size = 2);
    REFUSED(columns[0].items = 1);
    REFUSED(columns[0].present = 1);
    REFUSED(columns[1].type = FLOWAN_TYPE_JSON);
    REFUSED(columns[1].items = 1);
    REFUSED(columns[1].present = 3;
            columns[1].plain_size = columns[1].stored_size = 24);
    REFUSED(columns[2].type = (flowan_type)0);
    REFUSED(columns[2].type = (flowan_type)13);
    REFUSED(columns[2].type = FLOWAN_TYPE_U32);
    REFUSED(columns[2].present = 1);
    REFUSED(columns[2].present = 3;
            columns[2].plain_size = columns[2].stored_size = 24);
    REFUSED(columns[2].items = 1);
    REFUSED(columns[2].codec = 2);
    REFUSED(columns[2].codec = 255);
    REFUSED(columns[2].codec = FL_CODEC_ZSTD); /* not smaller than plain */
    REFUSED(columns[2].plain_size = 17);
    REFUSED(columns[2].stored_size = 15);
    REFUSED(columns[2].stored_size = UINT64_MAX);
    /* more bytes than so small a frame can hold */
    REFUSED(columns[2].type = FLOWAN_TYPE_TEXT; columns[2].codec = FL_CODEC_ZSTD;
            columns[2].items = 1 << 30; columns[2].plain_size = (1 << 30) + 8;
            columns[2].stored_size = 1 << 14);
#undef REFUSED
}
END_TEST

/* The limit counts what columns take in memory, where absent rows have cells too. */
START_TEST(head_is_kept_small)
{
    enum { COLUMNS = 200, ROWS = FL_BATCH_ROWS_MAX };
    fl_segment_column columns[COLUMNS + 2];
    fl_segment_head head = small_head(columns);
    char names[COLUMNS][4];
    for (size_t i = 0; i < COLUMNS; i++) {
        snprintf(names[i], sizeof names[i], "%zu", i);
        columns[i + 2] = (fl_segment_column){.role = FL_ROLE_VALUES,
                                             .name = names[i],
                                             .name_size = strlen(names[i]),
                                             .type = FLOWAN_TYPE_ADDRESS};
    }
    head.shapes = (const unsigned char *)"\0\0";
    head.shapes_size = 2;
    head.stats.rows = ROWS;
    columns[0].plain_size = ROWS * 2;
    columns[0].codec = FL_CODEC_ZSTD;
    columns[0].stored_size = 100;
    head.column_count = 100 + 2;
    ck_assert_int_eq(reread(&head), FLOWAN_OK);
    head.column_count = COLUMNS + 2;
    ck_assert_int_eq(reread(&head), FLOWAN_ERROR_FORMAT);
}
END_TEST

START_TEST(footer_holds)
{
    fl_segment_block blocks[2] = {{64, 100, {1, 2, 3, 4, 5, 6, 7}},
                                  {164, 1000, fl_segment_stats_none()}};
    flowan_log_state logs[2] = {log_one, log_two};
    fl_buffer bytes = {0};
    fl_segment_put_footer(&bytes, 1164, blocks, 2, logs, 2);
    const unsigned char *at = (const unsigned char *)bytes.data;
    uint64_t file_size = 1164 + bytes.size;
    uint64_t offset, size;
    const unsigned char *trailer = at + bytes.size - FL_SEGMENT_TRAILER_SIZE;
    ck_assert(fl_segment_get_trailer(trailer, file_size, &offset, &size));
    ck_assert_uint_eq(offset, 1164);
    ck_assert_uint_eq(size, bytes.size - FL_SEGMENT_TRAILER_SIZE);
    ck_assert(!fl_segment_get_trailer(trailer, file_size + 1, &offset, &size));
    ck_assert(!fl_segment_get_trailer(trailer, file_size - 1, &offset, &size));
    ck_assert(!fl_segment_get_trailer(trailer, FL_SEGMENT_TRAILER_SIZE, &offset, &size));
    fl_segment_block *got;
    flowan_log_state *got_logs;
    size_t count, log_count;
    size = bytes.size - FL_SEGMENT_TRAILER_SIZE;
    ck_assert_int_eq(
        fl_segment_get_footer(at, size, &got, &count, &got_logs, &log_count),
        FLOWAN_OK);
    ck_assert_uint_eq(count, 2);
    ck_assert_uint_eq(log_count, 2);
    ck_assert_mem_eq(got, blocks, sizeof blocks);
    assert_log(&got_logs[0], &log_one);
    assert_log(&got_logs[1], &log_two);
    fl_memory_free(got);
    fl_memory_free(got_logs);
    for (size_t cut = 0; cut < size; cut++) {
        ck_assert_int_lt(
            fl_segment_get_footer(at, cut, &got, &count, &got_logs, &log_count), 0);
        ck_assert_uint_eq(count + log_count, 0);
    }
    for (size_t bit = 0; bit < bytes.size * 8; bit++) {
        bytes.data[bit / 8] = (char)(bytes.data[bit / 8] ^ 1 << bit % 8);
        if (bit / 8 < size)
            ck_assert_int_lt(
                fl_segment_get_footer(at, size, &got, &count, &got_logs, &log_count),
                0);
        else
            ck_assert(!fl_segment_get_trailer(trailer, file_size, &offset, &size));
        bytes.data[bit / 8] = (char)(bytes.data[bit / 8] ^ 1 << bit % 8);
        size = bytes.size - FL_SEGMENT_TRAILER_SIZE;
    }
    /* counts that the bytes cannot hold, blocks with a hole or in a wrong place */
    struct {
        size_t at;
        uint64_t value;
        size_t width;
    } forged[] = {{8, UINT32_MAX, 4}, {12, UINT32_MAX, 4}, {8, 3, 4},
                  {12, 1, 4},         {12, 3, 4},          {16, 65, 8},
                  {16, 0, 8},         {24, 101, 8},        {24, UINT64_MAX, 8},
                  {88, 163, 8},       {32, UINT64_MAX, 8}};
    for (size_t i = 0; i < sizeof forged / sizeof *forged; i++) {
        unsigned char *copy = fl_memory_alloc(size, 1);
        memcpy(copy, at, size);
        fl_bytes_store(copy + forged[i].at, forged[i].value, forged[i].width);
        fl_bytes_store(copy + size - 8, fl_segment_checksum(copy, size - 8), 8);
        ck_assert_int_eq(
            fl_segment_get_footer(copy, size, &got, &count, &got_logs, &log_count),
            FLOWAN_ERROR_FORMAT);
        ck_assert_uint_eq(count + log_count, 0);
        fl_memory_free(copy);
    }
    fl_buffer_free(&bytes);
}
END_TEST

static Suite *suite_of(void)
{
    Suite *suite = suite_create("segment");
    TCase *layout = tcase_create("layout");
    tcase_add_test(layout, header_holds);
    tcase_add_test(layout, stats_add_up);
    tcase_add_test(layout, head_holds);
    tcase_add_test(layout, head_is_not_believed);
    tcase_add_test(layout, head_is_kept_small);
    tcase_add_test(layout, footer_holds);
    tcase_set_timeout(layout, 60);
    suite_add_tcase(suite, layout);
    return suite;
}

FL_UNIT_MAIN(suite_of)
