/* The layout of a segment's parts, in memory: what is put is got, what is damaged or forged
 * is refused. */
#include "segment.h"

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

/* Three sections, of a block of two rows that came from two logs. */
static fl_segment_section three_sections[] = {{.size = 7, .checksum = 97},
                                              {.size = 0, .checksum = 98},
                                              {.size = 16, .checksum = 99}};
static flowan_log_state two_logs[2];

static fl_segment_head small_head(void)
{
    two_logs[0] = log_one;
    two_logs[1] = log_two;
    fl_segment_head head = {.stats = {2, 20, 1, 2, 3, 4, 1},
                            .directory_size = 70,
                            .sections = three_sections,
                            .section_count = 3,
                            .logs = two_logs,
                            .log_count = 2};
    return head;
}

static fl_buffer put_head(const fl_segment_head *head)
{
    fl_buffer bytes = {0};
    fl_segment_put_head(&bytes, head);
    ck_assert(!bytes.failed);
    return bytes;
}

START_TEST(head_holds)
{
    fl_segment_head head = small_head();
    fl_buffer bytes = put_head(&head);
    const unsigned char *at = (const unsigned char *)bytes.data;
    uint32_t head_size;
    uint64_t block_size;
    ck_assert(fl_segment_peek_head(at, &head_size, &block_size));
    ck_assert_uint_eq(head_size, bytes.size);
    ck_assert_uint_eq(block_size, bytes.size + 23);
    fl_segment_head out;
    ck_assert_int_eq(fl_segment_get_head(at, bytes.size, &out), FLOWAN_OK);
    ck_assert_uint_eq(out.head_size, head_size);
    ck_assert_uint_eq(out.block_size, block_size);
    ck_assert_mem_eq(&out.stats, &head.stats, sizeof head.stats);
    ck_assert_uint_eq(out.directory_size, 70);
    ck_assert_uint_eq(out.section_count, 3);
    uint64_t offset = bytes.size;
    for (size_t i = 0; i < 3; i++) {
        ck_assert_uint_eq(out.sections[i].offset, offset);
        ck_assert_uint_eq(out.sections[i].size, three_sections[i].size);
        ck_assert_uint_eq(out.sections[i].checksum, three_sections[i].checksum);
        offset += out.sections[i].size;
    }
    ck_assert_uint_eq(out.log_count, 2);
    assert_log(&out.logs[0], &log_one);
    assert_log(&out.logs[1], &log_two);
    fl_segment_head_free(&out);
    for (size_t size = 0; size < bytes.size; size++)
        ck_assert_int_lt(fl_segment_get_head(at, size, &out), 0);
    for (size_t bit = 0; bit < bytes.size * 8; bit++) {
        bytes.data[bit / 8] = (char)(bytes.data[bit / 8] ^ 1 << bit % 8);
        ck_assert_int_lt(fl_segment_get_head(at, bytes.size, &out), 0);
        ck_assert_ptr_null(out.sections);
        ck_assert_ptr_null(out.logs);
        bytes.data[bit / 8] = (char)(bytes.data[bit / 8] ^ 1 << bit % 8);
    }
    fl_buffer_free(&bytes);
}
END_TEST

/* A block that was joined of blocks of many logs says so of each. */
START_TEST(heads_have_any_number_of_logs)
{
    enum { LOGS = 1000 };
    static flowan_log_state logs[LOGS];
    static char paths[LOGS][20];
    for (size_t i = 0; i < LOGS; i++) {
        snprintf(paths[i], sizeof paths[i], "log-%zu", i);
        logs[i] = (flowan_log_state){.path = paths[i], .inode = i, .rows_after = 1};
    }
    for (size_t count = 0; count <= LOGS; count += 500) {
        fl_segment_head head = small_head();
        head.logs = logs;
        head.log_count = count;
        fl_buffer bytes = put_head(&head);
        fl_segment_head out;
        ck_assert_int_eq(
            fl_segment_get_head((const unsigned char *)bytes.data, bytes.size, &out),
            FLOWAN_OK);
        ck_assert_uint_eq(out.log_count, count);
        for (size_t i = 0; i < count; i++)
            assert_log(&out.logs[i], &logs[i]);
        fl_segment_head_free(&out);
        fl_buffer_free(&bytes);
    }
}
END_TEST

/* What the encoded head is when some of its bytes are others, under a sound checksum. */
static flowan_status reread(const fl_segment_head *head, size_t at, uint64_t value,
                            size_t width)
{
    fl_buffer buffer = put_head(head);
    unsigned char *bytes = (unsigned char *)buffer.data;
    fl_segment_head out;
    fl_bytes_store(bytes + at, value, width);
    fl_bytes_store(bytes + buffer.size - 8, fl_segment_checksum(bytes, buffer.size - 8),
                   8);
    flowan_status status = fl_segment_get_head(bytes, buffer.size, &out);
    if (status == FLOWAN_OK)
        fl_segment_head_free(&out);
    ck_assert_ptr_null(out.sections);
    ck_assert_ptr_null(out.logs);
    fl_buffer_free(&buffer);
    return status;
}

/* Heads with sound checksums that must not be believed. */
START_TEST(head_is_not_believed)
{
    const fl_segment_head head = small_head();
    fl_buffer bytes = put_head(&head);
    size_t size = bytes.size;
    size_t log = FL_SEGMENT_BLOCK_FIXED_SIZE + 3 * 12;
    size_t path_size = strlen(log_one.path) + 1;
    const struct {
        size_t at;
        uint64_t value;
        size_t width;
    } forged[] = {
        {0, 0, 1},
        {8, size + 1, 4},
        {8, size - 1, 4},
        {8, 0, 4},
        {8, UINT32_MAX, 4},
        {16, size + 22, 8}, /* of the block: not what the sections add up to */
        {16, size + 24, 8},
        {16, size, 8},
        {16, size - 1, 8},
        {16, 0, 8},
        {16, UINT64_MAX, 8},
        {24, FL_BATCH_ROWS_MAX + 1, 8},
        {24, UINT64_MAX, 8},
        {80, 0, 4}, /* sections */
        {80, 1, 4},
        {80, 2, 4},
        {80, 4, 4},
        {80, UINT32_MAX, 4},
        {84, 0, 4}, /* logs */
        {84, 1, 4},
        {84, 3, 4},
        {84, UINT32_MAX, 4},
        {96, 6, 4}, /* the first section's size */
        {96, 8, 4},
        {96, UINT32_MAX, 4},
        {120, 0, 4},
        {log, 0, 4}, /* a log without a path */
        {log, path_size - 1, 4},
        {log, path_size + 1, 4},
        {log, UINT32_MAX, 4},
        {log + 4, 0, 1},                 /* a NUL in the path */
        {log + 4 + path_size - 1, 1, 1}, /* none at its end */
    };
    fl_buffer_free(&bytes);
    for (size_t i = 0; i < sizeof forged / sizeof *forged; i++)
        ck_assert_msg(reread(&head, forged[i].at, forged[i].value, forged[i].width) ==
                          FLOWAN_ERROR_FORMAT,
                      "change %zu", i);
    /* reserved bytes are not looked at; what the directory takes is unpack's to judge */
    ck_assert_int_eq(reread(&head, 12, UINT32_MAX, 4), FLOWAN_OK);
    ck_assert_int_eq(reread(&head, 92, UINT32_MAX, 4), FLOWAN_OK);
    ck_assert_int_eq(reread(&head, 88, UINT32_MAX, 4), FLOWAN_OK);
    ck_assert_int_eq(reread(&head, 24, FL_BATCH_ROWS_MAX, 8), FLOWAN_OK);
}
END_TEST

/* A head cannot make us take more memory than some times its bytes. */
START_TEST(head_is_kept_small)
{
    unsigned char bytes[FL_SEGMENT_BLOCK_FIXED_SIZE];
    uint32_t head_size;
    uint64_t block_size;
    memset(bytes, 0, sizeof bytes);
    memcpy(bytes, "FLBLOCK\n", 8);
    fl_bytes_store(bytes + 8, FL_SEGMENT_HEAD_MAX, 4);
    fl_bytes_store(bytes + 16, INT64_MAX, 8);
    ck_assert(fl_segment_peek_head(bytes, &head_size, &block_size));
    fl_bytes_store(bytes + 8, FL_SEGMENT_HEAD_MAX + 1, 4);
    ck_assert(!fl_segment_peek_head(bytes, &head_size, &block_size));
    fl_bytes_store(bytes + 8, FL_SEGMENT_BLOCK_FIXED_SIZE + 7, 4);
    ck_assert(!fl_segment_peek_head(bytes, &head_size, &block_size));
    fl_bytes_store(bytes + 8, FL_SEGMENT_BLOCK_FIXED_SIZE + 8, 4);
    ck_assert(fl_segment_peek_head(bytes, &head_size, &block_size));
    fl_bytes_store(bytes + 16, (uint64_t)INT64_MAX + 1, 8);
    ck_assert(!fl_segment_peek_head(bytes, &head_size, &block_size));
}
END_TEST

START_TEST(footer_holds)
{
    fl_segment_block blocks[2] = {
        {.offset = 64, .size = 100, .stats = {1, 2, 3, 4, 5, 6, 7}},
        {.offset = 164, .size = 1000, .stats = fl_segment_stats_none()}};
    flowan_log_state logs[2] = {log_one, log_two};
    fl_buffer bytes = {0};
    fl_segment_put_footer(&bytes, 1164, blocks, 2, logs, 2, NULL);
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
    /* counts that the bytes cannot hold, blocks with a hole or in a wrong place, bytes
     * behind the logs that are not there */
    struct {
        size_t at;
        uint64_t value;
        size_t width;
    } forged[] = {{8, UINT32_MAX, 4},  {12, UINT32_MAX, 4}, {8, 3, 4},
                  {12, 1, 4},          {12, 3, 4},          {16, 1, 4},
                  {16, UINT32_MAX, 4}, {24, 65, 8},         {24, 0, 8},
                  {32, 101, 8},        {32, UINT64_MAX, 8}, {96, 163, 8},
                  {40, UINT64_MAX, 8}};
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
    /* what later versions put behind the logs is left out */
    fl_buffer longer = {0};
    fl_buffer_append(&longer, at, size - 8);
    fl_buffer_text(&longer, "more");
    fl_bytes_store((unsigned char *)longer.data + 16, 4, 4);
    fl_bytes_put(&longer, fl_segment_checksum(longer.data, longer.size), 8);
    ck_assert_int_eq(fl_segment_get_footer((const unsigned char *)longer.data,
                                           longer.size, &got, &count, &got_logs,
                                           &log_count),
                     FLOWAN_OK);
    ck_assert_uint_eq(count, 2);
    assert_log(&got_logs[1], &log_two);
    fl_memory_free(got);
    fl_memory_free(got_logs);
    fl_buffer_free(&longer);
    fl_buffer_free(&bytes);
}
END_TEST

START_TEST(summaries_come_back)
{
    fl_segment_block blocks[2] = {
        {.offset = 64, .size = 100, .stats = fl_segment_stats_none()},
        {.offset = 164, .size = 1000, .stats = fl_segment_stats_none()}};
    fl_buffer summaries = {0};
    fl_buffer_append(&summaries, "\5first\0", 7); /* the second block has none */
    fl_segment_block *got;
    flowan_log_state *logs;
    size_t count, log_count;
    /* all of them; a byte too few, so that they are not sound and left out; an item that
     * is not known, with them behind it */
    for (int i = 0; i < 3; i++) {
        fl_buffer bytes = {0};
        summaries.size = i == 1 ? 6 : 7;
        fl_segment_put_footer(&bytes, 1164, blocks, 2, NULL, 0, &summaries);
        size_t size = bytes.size - FL_SEGMENT_TRAILER_SIZE - 8;
        fl_buffer footer = {0};
        size_t at = 24 + 2 * 72;
        fl_buffer_append(&footer, bytes.data, at);
        if (i == 2)
            fl_buffer_append(&footer, "\x7f\3xyz", 5);
        fl_buffer_append(&footer, bytes.data + at, size - at);
        fl_bytes_store((unsigned char *)footer.data + 16, footer.size - at, 4);
        fl_bytes_put(&footer, fl_segment_checksum(footer.data, footer.size), 8);
        ck_assert_int_eq(fl_segment_get_footer((const unsigned char *)footer.data,
                                               footer.size, &got, &count, &logs,
                                               &log_count),
                         FLOWAN_OK);
        ck_assert_uint_eq(count, 2);
        ck_assert_uint_eq(got[0].summary_size, i == 1 ? 0 : 5);
        if (i != 1)
            ck_assert_mem_eq(got[0].summary, "first", 5);
        ck_assert_uint_eq(got[1].summary_size, 0);
        fl_memory_free(got);
        fl_memory_free(logs);
        fl_buffer_free(&footer);
        fl_buffer_free(&bytes);
    }
    fl_buffer_free(&summaries);
}
END_TEST

static Suite *suite_of(void)
{
    Suite *suite = suite_create("segment");
    TCase *layout = tcase_create("layout");
    tcase_add_test(layout, header_holds);
    tcase_add_test(layout, stats_add_up);
    tcase_add_test(layout, head_holds);
    tcase_add_test(layout, heads_have_any_number_of_logs);
    tcase_add_test(layout, head_is_not_believed);
    tcase_add_test(layout, head_is_kept_small);
    tcase_add_test(layout, footer_holds);
    tcase_add_test(layout, summaries_come_back);
    tcase_set_timeout(layout, 60);
    suite_add_tcase(suite, layout);
    return suite;
}

FL_UNIT_MAIN(suite_of)
