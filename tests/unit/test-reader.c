/* Writer and reader: what goes into a segment comes out, whole or in columns, with its
 * statistics and logs. What is cut, damaged or forged is test-damage.c's. */
#include "reader.h"
#include "segment-files.h"
#include "unit.h"
#include "unpack.h"

START_TEST(every_kind_and_type_comes_back)
{
    flowan_batch *batch = all_kinds_batch();
    unsigned kinds = 0, types = 0;
    for (size_t row = 0; row < batch->rows; row++) {
        size_t count;
        const fl_shape_field *shape =
            fl_batch_shape(batch, batch->shape_of_row[row], &count);
        for (size_t i = 0; i < count; i++) {
            kinds |= 1U << FL_SHAPE_KIND(shape[i]);
            types |= 1U << batch->columns[FL_SHAPE_COLUMN(shape[i])]->type;
        }
    }
    /* a kind or type that is new must be added to the records above */
    ck_assert_uint_eq(kinds, (1U << FL_KIND_COUNT) - 1);
    ck_assert_uint_eq(types, (1U << 13) - 2);

    flowan_writer *writer = new_writer();
    write_block(writer, batch, 0, ALL_KINDS_ROWS, NULL);
    finish(writer, NULL, 0);
    flowan_reader *reader = open_reader(path);
    assert_sound(reader);
    flowan_batch *back = empty_batch();
    /* twice: a batch that held something is filled anew */
    for (int i = 0; i < 2; i++) {
        read_block(reader, 0, back);
        fl_buffer texts = {0};
        put_texts(&texts, back);
        assert_bytes(&texts, all_kinds, sizeof all_kinds - 1);
        fl_buffer_free(&texts);
    }
    /* the columns are the same, in values and presence */
    ck_assert_uint_eq(flowan_batch_columns(back), flowan_batch_columns(batch));
    for (size_t i = 0; i < flowan_batch_columns(batch); i++) {
        flowan_column a, b;
        ck_assert(flowan_batch_column(batch, i, &a) && flowan_batch_column(back, i, &b));
        ck_assert_str_eq(a.name, b.name);
        ck_assert_int_eq(a.type, b.type);
        ck_assert_int_eq(a.field, b.field);
        ck_assert_uint_eq(a.present_count, b.present_count);
        ck_assert_uint_eq(a.present[0], b.present[0]);
        if (a.offset)
            ck_assert_mem_eq(a.offset, b.offset, (ALL_KINDS_ROWS + 1) * 4);
        else if (a.u32)
            ck_assert_mem_eq(a.u32, b.u32, ALL_KINDS_ROWS * 4);
        else if (a.u64)
            ck_assert_mem_eq(a.u64, b.u64, ALL_KINDS_ROWS * 8);
        else
            ck_assert_mem_eq(a.address, b.address, ALL_KINDS_ROWS * 16);
    }
    flowan_reader_free(reader);
    flowan_batch_free(back);
    flowan_batch_free(batch);
}
END_TEST

START_TEST(slices_are_blocks)
{
    flowan_batch *batch = all_kinds_batch();
    flowan_batch *back = empty_batch();
    for (size_t first = 0; first <= ALL_KINDS_ROWS; first++)
        for (size_t count = 0; first + count <= ALL_KINDS_ROWS; count++) {
            flowan_writer *writer = new_writer();
            write_block(writer, batch, first, count, &log_one);
            finish(writer, NULL, 0);
            flowan_reader *reader = open_reader(path);
            ck_assert_uint_eq(flowan_reader_info(reader).blocks, 1);
            assert_sound(reader);
            read_block(reader, 0, back);
            fl_buffer texts = {0};
            put_texts(&texts, back);
            size_t size;
            const char *from = line_at(all_kinds, first, &size);
            size = 0;
            for (size_t i = 0; i < count; i++)
                size += strcspn(from + size, "\n") + 1;
            assert_bytes(&texts, from, size);
            fl_buffer_free(&texts);
            flowan_reader_free(reader);
        }
    flowan_batch_free(back);
    flowan_batch_free(batch);
}
END_TEST

START_TEST(what_was_read_can_be_written)
{
    flowan_batch *batch = all_kinds_batch();
    flowan_writer *writer = new_writer();
    write_block(writer, batch, 0, ALL_KINDS_ROWS, NULL);
    finish(writer, NULL, 0);
    flowan_reader *reader = open_reader(path);
    flowan_batch *back = empty_batch();
    read_block(reader, 0, back);
    flowan_reader_free(reader);
    writer = new_writer();
    write_block(writer, back, 2, ALL_KINDS_ROWS - 2, NULL);
    write_block(writer, back, 0, 2, NULL);
    finish(writer, NULL, 0);
    reader = open_reader(path);
    fl_buffer texts = {0};
    read_block(reader, 1, batch);
    put_texts(&texts, batch);
    read_block(reader, 0, batch);
    put_texts(&texts, batch);
    assert_bytes(&texts, all_kinds, sizeof all_kinds - 1);
    fl_buffer_free(&texts);
    flowan_reader_free(reader);
    flowan_batch_free(back);
    flowan_batch_free(batch);
}
END_TEST

/* A block lists the spellings of its own rows, in the order in which its shapes name
 * them, whatever the batch knows. */
START_TEST(blocks_have_spellings_of_their_own)
{
    static const char text[] = "{\"Bytes\":1,\"Packets\":2}\n"
                               "{\"bytes\":3}\n"
                               "{\"SrcPort\":5,\"Packets\":4}\n";
    static const char *const keys[] = {"\5\0Bytes\7\0Packets", "",
                                       "\7\0SrcPort\7\0Packets"};
    static const size_t sizes[] = {16, 0, 18};
    flowan_batch *batch = batch_of(text, sizeof text - 1);
    flowan_writer *writer = new_writer();
    for (size_t row = 0; row < 3; row++)
        write_block(writer, batch, row, 1, NULL);
    finish(writer, NULL, 0);
    flowan_reader *reader = open_reader(path);
    assert_sound(reader);
    fl_buffer texts = {0};
    for (size_t i = 0; i < 3; i++) {
        fl_segment_head head;
        fl_unpack block;
        uint64_t at = reader->blocks[i].offset;
        ck_assert_int_eq(fl_reader_head(reader, &reader->space.head, at, &head, NULL),
                         FLOWAN_OK);
        ck_assert_int_eq(
            fl_unpack_open(&block, reader, &reader->space, &head, at, NULL), FLOWAN_OK);
        ck_assert_uint_eq(block.layout.spellings_size, sizes[i]);
        ck_assert_mem_eq(block.layout.spellings, keys[i], sizes[i]);
        fl_unpack_free(&block);
        fl_segment_head_free(&head);
        read_block(reader, i, batch);
        put_texts(&texts, batch);
    }
    assert_bytes(&texts, text, sizeof text - 1);
    fl_buffer_free(&texts);
    flowan_reader_free(reader);
    flowan_batch_free(batch);
}
END_TEST

START_TEST(projections_hold_what_is_asked)
{
    flowan_batch *batch = all_kinds_batch();
    flowan_writer *writer = new_writer();
    write_block(writer, batch, 0, ALL_KINDS_ROWS, NULL);
    finish(writer, NULL, 0);
    flowan_reader *reader = open_reader(path);
    const char *names[] = {"bytes", "no such key", "note", "proto"};
    ck_assert_int_eq(flowan_reader_read(reader, 0, names, 4, batch, NULL), FLOWAN_OK);
    ck_assert_uint_eq(flowan_batch_rows(batch), ALL_KINDS_ROWS);
    /* bytes, note and proto; proto once more as the text that it was */
    ck_assert_uint_eq(flowan_batch_columns(batch), 4);
    flowan_column column;
    ck_assert(flowan_batch_field(batch, FLOWAN_FIELD_BYTES, &column));
    ck_assert_uint_eq(column.present[0], 0x19b);
    ck_assert_uint_eq(column.u64[0], UINT64_MAX);
    ck_assert_uint_eq(column.u64[1], 17);
    ck_assert_uint_eq(column.u64[2], 0);
    ck_assert_uint_eq(column.u64[3], 40);
    ck_assert_uint_eq(column.u64[4], 2);    /* the last of two counts */
    ck_assert_uint_eq(column.u64[7], 1500); /* spelt Bytes */
    ck_assert_uint_eq(column.u64[8], 1);    /* that of its own name counts */
    ck_assert(!flowan_batch_field(batch, FLOWAN_FIELD_PACKETS, &column));
    for (size_t row = 0; row < ALL_KINDS_ROWS; row++) {
        size_t size;
        ck_assert_ptr_null(fl_batch_raw(batch, row, &size));
    }
    ck_assert_int_eq(flowan_reader_read(reader, 0, names, 0, batch, NULL), FLOWAN_OK);
    ck_assert_uint_eq(flowan_batch_rows(batch), ALL_KINDS_ROWS);
    ck_assert_uint_eq(flowan_batch_columns(batch), 0);

    flowan_error error;
    flowan_status status = flowan_reader_read(reader, 1, NULL, 0, batch, &error);
    ck_assert_int_eq(status, FLOWAN_ERROR_ARGUMENT);
    assert_sentence(&error, status);
    ck_assert_uint_eq(flowan_batch_rows(batch), 0);

    /* the directory */
    size_t count = 0;
    while (flowan_reader_column(reader, 0, count, &column, NULL) == FLOWAN_OK) {
        ck_assert_uint_eq(column.rows, ALL_KINDS_ROWS);
        count++;
    }
    flowan_batch *all = all_kinds_batch();
    ck_assert_uint_eq(count, flowan_batch_columns(all));
    ck_assert_int_eq(flowan_reader_column(reader, 0, count, &column, NULL), FLOWAN_END);
    ck_assert_int_eq(flowan_reader_column(reader, 0, SIZE_MAX, &column, NULL),
                     FLOWAN_END);
    ck_assert_int_eq(flowan_reader_column(reader, 1, 0, &column, NULL),
                     FLOWAN_ERROR_ARGUMENT);
    flowan_batch_free(all);
    flowan_reader_free(reader);
    flowan_batch_free(batch);
}
END_TEST

/* As many shapes as a batch can have, nearly. */
START_TEST(many_shapes)
{
    fl_buffer text = {0};
    for (unsigned i = 0; i < 20000; i++) {
        fl_buffer_text(&text, "{\"n\":1");
        for (unsigned bit = 0; bit < 15; bit++)
            if (i >> bit & 1)
                fl_buffer_format(&text, ",\"k%u\":%u", bit, i);
        fl_buffer_text(&text, "}\n");
    }
    flowan_batch *batch = batch_of(text.data, text.size);
    ck_assert_uint_eq(batch->shapes.count, 20000);
    flowan_writer *writer = new_writer();
    write_block(writer, batch, 0, 20000, NULL);
    write_block(writer, batch, 19999, 1, NULL);
    finish(writer, NULL, 0);
    flowan_reader *reader = open_reader(path);
    assert_sound(reader);
    fl_buffer texts = {0};
    read_block(reader, 0, batch);
    put_texts(&texts, batch);
    assert_bytes(&texts, text.data, text.size);
    read_block(reader, 1, batch);
    ck_assert_uint_eq(batch->rows, 1);
    /* the slice's own shape and columns, no others */
    ck_assert_uint_eq(batch->shapes.count, 1);
    ck_assert_uint_lt(batch->column_count, 15);
    fl_buffer_free(&texts);
    fl_buffer_free(&text);
    flowan_reader_free(reader);
    flowan_batch_free(batch);
}
END_TEST

/* A record of the most fields that have columns, and one of more. */
START_TEST(many_columns)
{
    fl_buffer text = {0};
    for (unsigned line = 0; line < 5; line++) {
        unsigned fields = line == 4 ? 1100 : 1024;
        for (unsigned i = 0; i < fields; i++)
            fl_buffer_format(&text, "%c\"%s%u_%u\":%u", i ? ',' : '{', i ? "key" : "",
                             line % 4, i, i);
        fl_buffer_text(&text, "}\n");
    }
    flowan_batch *batch = batch_of(text.data, text.size);
    ck_assert_uint_eq(batch->rows, 5);
    ck_assert_uint_eq(batch->column_count, FL_BATCH_COLUMNS_MAX);
    flowan_writer *writer = new_writer();
    write_block(writer, batch, 0, 5, NULL);
    finish(writer, NULL, 0);
    flowan_reader *reader = open_reader(path);
    assert_sound(reader);
    fl_buffer texts = {0};
    read_block(reader, 0, batch);
    put_texts(&texts, batch);
    assert_bytes(&texts, text.data, text.size);
    fl_buffer_free(&texts);
    fl_buffer_free(&text);
    flowan_reader_free(reader);
    flowan_batch_free(batch);
}
END_TEST

/* Strings are bytes: each but the control characters, the quote and the backslash. */
START_TEST(every_byte_comes_back)
{
    fl_buffer text = {0};
    fl_buffer_text(&text, "{\"text\":\"");
    for (int c = 0x20; c < 0x100; c++)
        if (c != '"' && c != '\\')
            fl_buffer_byte(&text, (char)c);
    fl_buffer_text(&text, "\"}\n{\"text\":\"");
    for (int c = 0; c < 0x100; c++)
        fl_buffer_format(&text, "\\u%04x", c);
    fl_buffer_text(&text, "\",\"k\\u0000ey\":\"nul in the key\"}\n");
    flowan_batch *batch = batch_of(text.data, text.size);
    ck_assert_uint_eq(batch->rows, 2);
    flowan_writer *writer = new_writer();
    write_block(writer, batch, 0, 2, NULL);
    finish(writer, NULL, 0);
    flowan_reader *reader = open_reader(path);
    assert_sound(reader);
    fl_buffer texts = {0};
    read_block(reader, 0, batch);
    put_texts(&texts, batch);
    assert_bytes(&texts, text.data, text.size);
    flowan_column column;
    ck_assert(flowan_batch_column(batch, 1, &column));
    ck_assert_uint_eq(column.name_size, 4);
    ck_assert_mem_eq(column.name, "k\0ey", 5);
    fl_buffer_free(&texts);
    fl_buffer_free(&text);
    flowan_reader_free(reader);
    flowan_batch_free(batch);
}
END_TEST

START_TEST(stats_tell_rows_texts_and_times)
{
    static const char lines[] =
        /* a span */
        "{\"time_received_ns\":1742058651000000000,"
        "\"time_flow_start_ns\":1742058600000000000,"
        "\"time_flow_end_ns\":1742058650000000000}\n"
        /* an exporter's clock that is not believed */
        "{\"time_received_ns\":1742058652000000000,\"time_flow_start_ns\":1}\n"
        /* no time at all */
        "{\"bytes\":1}\n"
        "{\"time_flow_start_ns\":1742058500000000000}\n";
    flowan_batch *batch = batch_of(lines, sizeof lines - 1);
    flowan_writer *writer = new_writer();
    write_block(writer, batch, 0, 2, NULL);
    write_block(writer, batch, 2, 1, NULL);
    write_block(writer, batch, 3, 1, NULL);
    flowan_segment_stats all = flowan_writer_stats(writer);
    finish(writer, NULL, 0);
    flowan_reader *reader = open_reader(path);
    flowan_segment_info info = flowan_reader_info(reader);
    ck_assert_mem_eq(&info.stats, &all, sizeof all);
    ck_assert_uint_eq(info.blocks, 3);
    ck_assert_uint_eq(info.serial, 7);
    ck_assert_uint_eq(info.interval_start_ns, writer_options.interval_start_ns);
    ck_assert_uint_eq(info.interval_ns, writer_options.interval_ns);
    ck_assert_uint_eq(info.format_version, FL_SEGMENT_VERSION);
    ck_assert(info.finished);
    ck_assert_uint_eq(all.rows, 4);
    ck_assert_uint_eq(all.text_bytes, sizeof lines - 1 - 4);
    ck_assert_uint_eq(all.received_min_ns, UINT64_C(1742058651000000000));
    ck_assert_uint_eq(all.received_max_ns, UINT64_C(1742058652000000000));
    ck_assert_uint_eq(all.span_min_ns, UINT64_C(1742058500000000000));
    ck_assert_uint_eq(all.span_max_ns, UINT64_C(1742058652000000000));
    ck_assert_uint_eq(all.rows_without_time, 1);
    flowan_segment_stats one;
    ck_assert(flowan_reader_block(reader, 0, &one));
    ck_assert_uint_eq(one.span_min_ns, UINT64_C(1742058600000000000));
    ck_assert_uint_eq(one.span_max_ns, UINT64_C(1742058652000000000));
    ck_assert(flowan_reader_block(reader, 1, &one));
    ck_assert_uint_eq(one.rows_without_time, 1);
    ck_assert_uint_gt(one.span_min_ns, one.span_max_ns);
    ck_assert_uint_gt(one.received_min_ns, one.received_max_ns);
    ck_assert(!flowan_reader_block(reader, 3, &one));
    flowan_reader_free(reader);
    flowan_batch_free(batch);
}
END_TEST

START_TEST(nothing_is_a_segment)
{
    flowan_writer *writer = new_writer();
    flowan_batch *batch = empty_batch();
    write_block(writer, batch, 0, 0, NULL); /* nothing to say: no block */
    flowan_segment_stats none = flowan_writer_stats(writer);
    ck_assert_uint_eq(none.rows, 0);
    finish(writer, NULL, 0);
    flowan_reader *reader = open_reader(path);
    assert_sound(reader);
    flowan_segment_info info = flowan_reader_info(reader);
    ck_assert(info.finished);
    ck_assert_uint_eq(info.blocks, 0);
    ck_assert_uint_eq(info.logs, 0);
    ck_assert_uint_eq(info.stats.rows, 0);
    flowan_reader_free(reader);
    /* a block without rows tells of a log */
    writer = new_writer();
    write_block(writer, batch, 0, 0, &log_one);
    flowan_writer_free(writer);
    reader = open_reader(path);
    assert_sound(reader);
    ck_assert_uint_eq(flowan_reader_info(reader).blocks, 1);
    flowan_log_state log;
    ck_assert(flowan_reader_log(reader, 0, &log));
    assert_log(&log, &log_one);
    read_block(reader, 0, batch);
    ck_assert_uint_eq(flowan_batch_rows(batch), 0);
    flowan_reader_free(reader);
    flowan_batch_free(batch);
}
END_TEST

START_TEST(logs_are_told)
{
    flowan_batch *batch = all_kinds_batch();
    flowan_writer *writer = new_writer();
    char *long_path = fl_memory_alloc(70001, 1);
    memset(long_path, 'p', 70000);
    long_path[70000] = 0;
    flowan_log_state other = {.path = long_path, .inode = 4, .head_size = 1};
    flowan_log_state early = log_one;
    early.position = (flowan_position){100, 1};
    early.rows_after = 2;
    early.path = "/var/log/before.json";
    write_block(writer, batch, 0, 1, &early);
    write_block(writer, batch, 1, 1, &other);
    write_block(writer, batch, 2, 1, &log_two);
    write_block(writer, batch, 3, 1, NULL);
    write_block(writer, batch, 4, 1, &log_one);
    /* a walk knows the last of each log, under the first name */
    flowan_reader *reader = open_reader(path);
    ck_assert(!flowan_reader_info(reader).finished);
    ck_assert_uint_eq(flowan_reader_info(reader).logs, 3);
    flowan_log_state got;
    flowan_log_state last = log_one;
    last.path = early.path;
    ck_assert(flowan_reader_log(reader, 0, &got));
    assert_log(&got, &last);
    ck_assert(flowan_reader_log(reader, 1, &got));
    long_path[65535] = 0; /* longer ones are cut */
    assert_log(&got, &other);
    ck_assert(flowan_reader_log(reader, 2, &got));
    assert_log(&got, &log_two);
    ck_assert(!flowan_reader_log(reader, 3, &got));
    flowan_reader_free(reader);
    /* a footer, what it was given */
    flowan_log_state logs[2] = {log_two, log_one};
    finish(writer, logs, 2);
    reader = open_reader(path);
    ck_assert_uint_eq(flowan_reader_info(reader).logs, 2);
    ck_assert(flowan_reader_log(reader, 0, &got));
    assert_log(&got, &log_two);
    ck_assert(flowan_reader_log(reader, 1, &got));
    assert_log(&got, &log_one);
    ck_assert(!flowan_reader_log(reader, 2, &got));
    assert_sound(reader);
    flowan_reader_free(reader);
    fl_memory_free(long_path);
    flowan_batch_free(batch);
}
END_TEST

START_TEST(contracts_are_held)
{
    flowan_error error;
    flowan_writer *writer = new_writer();
    flowan_writer *second;
    flowan_status status = flowan_writer_open(&second, path, NULL, &error);
    ck_assert_int_eq(status, FLOWAN_ERROR_EXISTS);
    assert_sentence(&error, status);
    ck_assert_ptr_null(second);
    status = flowan_writer_open(&second, "/no/such/directory/a.seg", NULL, &error);
    assert_sentence(&error, status);
    struct {
        flowan_writer_options known;
        char more;
    } newer = {{.size = sizeof newer}, 1};
    status = flowan_writer_open(&second, "x", &newer.known, &error);
    ck_assert_int_eq(status, FLOWAN_ERROR_ARGUMENT);
    flowan_batch *batch = all_kinds_batch();
    ck_assert_int_eq(
        flowan_writer_write(writer, batch, ALL_KINDS_ROWS + 1, 0, NULL, NULL),
        FLOWAN_ERROR_ARGUMENT);
    ck_assert_int_eq(flowan_writer_write(writer, batch, 1, ALL_KINDS_ROWS, NULL, &error),
                     FLOWAN_ERROR_ARGUMENT);
    assert_sentence(&error, FLOWAN_ERROR_ARGUMENT);
    ck_assert_int_eq(flowan_writer_write(writer, batch, 1, SIZE_MAX, NULL, NULL),
                     FLOWAN_ERROR_ARGUMENT);
    write_block(writer, batch, 0, 1, NULL);
    ck_assert_int_eq(flowan_writer_finish(writer, NULL, 0, NULL), FLOWAN_OK);
    ck_assert_int_eq(flowan_writer_finish(writer, NULL, 0, &error),
                     FLOWAN_ERROR_ARGUMENT);
    ck_assert_int_eq(flowan_writer_write(writer, batch, 0, 1, NULL, &error),
                     FLOWAN_ERROR_ARGUMENT);
    flowan_writer_free(writer);
    flowan_writer_free(NULL);
    flowan_reader_free(NULL);
    flowan_reader *reader;
    status = flowan_reader_open(&reader, "/no/such/file", &error);
    ck_assert_int_eq(status, FLOWAN_ERROR_NOT_FOUND);
    assert_sentence(&error, status);
    status = flowan_reader_open(&reader, directory, &error);
    assert_sentence(&error, status);
    ck_assert_ptr_null(reader);
    flowan_batch_free(batch);
}
END_TEST

START_TEST(a_newer_version_is_told)
{
    flowan_writer *writer = new_writer();
    finish(writer, NULL, 0);
    fl_buffer bytes = read_file(path);
    unsigned char *at = (unsigned char *)bytes.data;
    fl_bytes_store(at + 8, 77, 4);
    fl_bytes_store(at + 56, fl_segment_checksum(at, 56), 8);
    write_file(path, bytes.data, bytes.size);
    flowan_reader *reader;
    flowan_error error;
    flowan_status status = flowan_reader_open(&reader, path, &error);
    ck_assert_int_eq(status, FLOWAN_ERROR_VERSION);
    ck_assert_ptr_nonnull(strstr(error.message, "77"));
    fl_buffer_free(&bytes);
}
END_TEST

static Suite *suite_of(void)
{
    Suite *suite = suite_create("reader");
    TCase *trips = tcase_create("round trips");
    tcase_add_checked_fixture(trips, set_up, tear_down);
    tcase_add_test(trips, every_kind_and_type_comes_back);
    tcase_add_test(trips, slices_are_blocks);
    tcase_add_test(trips, what_was_read_can_be_written);
    tcase_add_test(trips, blocks_have_spellings_of_their_own);
    tcase_add_test(trips, projections_hold_what_is_asked);
    tcase_add_test(trips, many_shapes);
    tcase_add_test(trips, many_columns);
    tcase_add_test(trips, every_byte_comes_back);
    tcase_add_test(trips, stats_tell_rows_texts_and_times);
    tcase_add_test(trips, nothing_is_a_segment);
    tcase_add_test(trips, logs_are_told);
    tcase_add_test(trips, contracts_are_held);
    tcase_add_test(trips, a_newer_version_is_told);
    tcase_set_timeout(trips, 60);
    suite_add_tcase(suite, trips);
    return suite;
}

FL_UNIT_MAIN(suite_of)
