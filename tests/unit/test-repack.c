/* Repacking: the same records in the same order in full blocks; statistics, logs and large
 * blocks as they were. */
#include "repack.h"

#include "reader.h"
#include "segment-files.h"
#include "unit.h"

enum { FULL = 20 }; /* rows of a full block here */

static char joined_path[140];

static void set_up_both(void)
{
    set_up();
    snprintf(joined_path, sizeof joined_path, "%s.joined", path);
}

/* A segment at `path` of blocks of so many rows, which go round the records of all kinds;
 * the n-th block says so of the n-th log. Appends the texts. */
static flowan_reader *source(const size_t *rows, const flowan_log_state *const *logs,
                             size_t count, fl_buffer *texts)
{
    flowan_writer *writer = new_writer();
    size_t line = 0;
    for (size_t i = 0; i < count; i++) {
        fl_buffer text = {0};
        for (size_t row = 0; row < rows[i]; row++, line++) {
            size_t size;
            const char *from = line_at(all_kinds, line % ALL_KINDS_ROWS, &size);
            fl_buffer_append(&text, from, size);
        }
        flowan_batch *batch = batch_of(text.data, text.size);
        flowan_log_state log = logs ? *logs[i] : log_one;
        log.position.offset = i + 1;
        write_block(writer, batch, 0, rows[i], logs && !logs[i]->path ? NULL : &log);
        fl_buffer_append(texts, text.data, text.size);
        flowan_batch_free(batch);
        fl_buffer_free(&text);
    }
    finish(writer, NULL, 0);
    return open_reader(path);
}

static flowan_reader *repack_all(flowan_reader **readers, size_t count)
{
    flowan_writer *writer;
    fl_repack *repack;
    flowan_error error = {0};
    unlink(joined_path);
    ck_assert_int_eq(flowan_writer_open(&writer, joined_path, &writer_options, NULL),
                     FLOWAN_OK);
    ck_assert_int_eq(fl_repack_new(&repack, writer, 0, FULL, NULL), FLOWAN_OK);
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < flowan_reader_info(readers[i]).blocks; k++)
            if (fl_repack_block(repack, readers[i], k, &error) != FLOWAN_OK)
                ck_abort_msg("%s", error.message);
    ck_assert_int_eq(fl_repack_flush(repack, NULL), FLOWAN_OK);
    ck_assert_int_eq(fl_repack_flush(repack, NULL), FLOWAN_OK);
    fl_repack_free(repack);
    finish(writer, NULL, 0);
    return open_reader(joined_path);
}

static void assert_holds(flowan_reader *reader, const fl_buffer *want)
{
    fl_buffer texts = {0};
    flowan_batch *batch = empty_batch();
    assert_sound(reader);
    for (size_t i = 0; i < flowan_reader_info(reader).blocks; i++) {
        read_block(reader, i, batch);
        put_texts(&texts, batch);
    }
    assert_bytes(&texts, want->data, want->size);
    flowan_batch_free(batch);
    fl_buffer_free(&texts);
}

static void assert_rows(const flowan_reader *reader, const size_t *rows, size_t count)
{
    ck_assert_uint_eq(flowan_reader_info(reader).blocks, count);
    for (size_t i = 0; i < count; i++) {
        flowan_segment_stats stats;
        ck_assert(flowan_reader_block(reader, i, &stats));
        ck_assert_uint_eq(stats.rows, rows[i]);
    }
}

/* State `at` of those in a block's head, with its path in `name` (128 bytes); how many there
 * are. */
static size_t log_of(flowan_reader *reader, size_t index, size_t at,
                     flowan_log_state *log, char *name)
{
    size_t count;
    fl_segment_head head;
    ck_assert_int_eq(fl_reader_head(reader, &reader->space.head,
                                    fl_reader_blocks(reader, &count)[index].offset,
                                    &head, NULL),
                     FLOWAN_OK);
    ck_assert_uint_lt(at, head.log_count);
    *log = head.logs[at];
    snprintf(name, 128, "%s", log->path);
    count = head.log_count;
    fl_segment_head_free(&head);
    return count;
}

/* Block sizes → those that come of them, with 20 rows a full block. */
static const struct {
    size_t from[8], from_count, to[8], to_count;
} cuts[] = {
    {{1}, 1, {1}, 1},
    {{1, 1, 1, 1, 1, 1, 1, 1}, 8, {8}, 1},
    {{9, 9, 1}, 3, {19}, 1},
    {{9, 9, 2}, 3, {20}, 1},
    {{9, 9, 3}, 3, {18, 3}, 2},
    {{9, 9, 9, 9, 9}, 5, {18, 18, 9}, 3},
    {{10}, 1, {10}, 1},
    {{1, 10, 1}, 3, {1, 10, 1}, 3}, /* half full: stays */
    {{1, 2, 25, 3, 4, 20, 19}, 7, {3, 25, 7, 20, 19}, 5},
    {{0, 3, 0, 4}, 4, {7}, 1}, /* blocks of no rows say how far a log was read */
};

START_TEST(blocks_are_joined_up_to_full_ones)
{
    fl_buffer texts = {0};
    flowan_reader *from = source(cuts[_i].from, NULL, cuts[_i].from_count, &texts);
    flowan_reader *to = repack_all(&from, 1);
    assert_rows(to, cuts[_i].to, cuts[_i].to_count);
    assert_holds(to, &texts);
    flowan_segment_stats a = flowan_reader_info(from).stats;
    flowan_segment_stats b = flowan_reader_info(to).stats;
    ck_assert_mem_eq(&a, &b, sizeof a);
    ck_assert_uint_gt(b.text_bytes, 0);
    /* each says of the log what the last that came into it said */
    size_t last = 0;
    for (size_t i = 0, rows = 0; i < cuts[_i].to_count; i++) {
        char name[128];
        for (rows += cuts[_i].to[i];
             last < cuts[_i].from_count && rows >= cuts[_i].from[last]; last++)
            rows -= cuts[_i].from[last];
        flowan_log_state log;
        ck_assert_uint_eq(log_of(to, i, 0, &log, name), 1);
        ck_assert_uint_eq(log.position.offset, last);
        ck_assert_str_eq(name, log_one.path);
    }
    flowan_reader_free(from);
    flowan_reader_free(to);
    fl_buffer_free(&texts);
}
END_TEST

START_TEST(several_segments_are_one_stream)
{
    static const size_t rows[] = {3, 4};
    fl_buffer texts = {0};
    flowan_reader *readers[3];
    for (size_t i = 0; i < 3; i++)
        readers[i] = source(rows, NULL, 2, &texts); /* unlinked, but open */
    flowan_reader *to = repack_all(readers, 3);
    static const size_t want[] = {17, 4};
    assert_rows(to, want, 2);
    assert_holds(to, &texts);
    for (size_t i = 0; i < 3; i++)
        flowan_reader_free(readers[i]);
    flowan_reader_free(to);
    fl_buffer_free(&texts);
}
END_TEST

/* A joined block has the last state of each log that its blocks came from. */
START_TEST(each_log_has_its_last_state)
{
    static const flowan_log_state none = {0};
    static const flowan_log_state *const logs[] = {&log_one, &log_one, &log_two,
                                                   &none,    &log_two, &log_one};
    static const size_t rows[] = {1, 2, 3, 4, 2, 1};
    static const size_t want[] = {13};
    fl_buffer texts = {0};
    flowan_reader *from = source(rows, logs, 6, &texts);
    flowan_reader *to = repack_all(&from, 1);
    assert_rows(to, want, 1);
    assert_holds(to, &texts);
    for (size_t i = 0; i < 2; i++) {
        char name[128];
        flowan_log_state log;
        ck_assert_uint_eq(log_of(to, 0, i, &log, name), 2);
        bool one = strcmp(name, log_one.path) == 0;
        ck_assert(one || strcmp(name, log_two.path) == 0);
        ck_assert_uint_eq(log.position.offset, one ? 6 : 5);
    }
    flowan_reader_free(from);
    flowan_reader_free(to);
    fl_buffer_free(&texts);
}
END_TEST

START_TEST(large_blocks_are_copied_byte_for_byte)
{
    static const size_t rows[] = {10, 30, 20};
    fl_buffer texts = {0};
    flowan_reader *from = source(rows, NULL, 3, &texts);
    flowan_reader *to = repack_all(&from, 1);
    assert_holds(to, &texts);
    fl_buffer a = read_file(path), b = read_file(joined_path);
    assert_bytes(&b, a.data, a.size);
    flowan_reader_free(from);
    flowan_reader_free(to);
    fl_buffer_free(&a);
    fl_buffer_free(&b);
    fl_buffer_free(&texts);
}
END_TEST

/* A flipped bit of any byte of a block is not carried on, joined or copied. */
START_TEST(damage_is_not_carried_on)
{
    size_t rows[] = {_i ? 12 : 5};
    fl_buffer texts = {0};
    flowan_reader_free(source(rows, NULL, 1, &texts));
    fl_buffer bytes = read_file(path);
    flowan_reader *reader = open_reader(path);
    size_t count;
    fl_segment_block block = fl_reader_blocks(reader, &count)[0];
    flowan_reader_free(reader);
    for (uint64_t at = block.offset; at < block.offset + block.size; at += 3) {
        bytes.data[at] ^= 1;
        write_file(path, bytes.data, bytes.size);
        bytes.data[at] ^= 1;
        reader = open_reader(path);
        ck_assert(flowan_reader_info(reader).finished);
        flowan_writer *writer;
        fl_repack *repack;
        flowan_error error = {0};
        unlink(joined_path);
        ck_assert_int_eq(
            flowan_writer_open(&writer, joined_path, &writer_options, NULL), FLOWAN_OK);
        ck_assert_int_eq(fl_repack_new(&repack, writer, 0, FULL, NULL), FLOWAN_OK);
        flowan_status status = fl_repack_block(repack, reader, 0, &error);
        ck_assert_msg(status < 0, "byte %llu", (unsigned long long)at);
        assert_sentence(&error, status);
        ck_assert_int_lt(fl_repack_block(repack, reader, 1, &error), 0);
        fl_repack_free(repack);
        flowan_writer_free(writer);
        flowan_reader_free(reader);
    }
    fl_buffer_free(&bytes);
    fl_buffer_free(&texts);
}
END_TEST

static Suite *repack_suite(void)
{
    Suite *suite = suite_create("repack");
    TCase *tests = tcase_create("repack");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, set_up_both, tear_down);
    tcase_add_loop_test(tests, blocks_are_joined_up_to_full_ones, 0,
                        sizeof cuts / sizeof *cuts);
    tcase_add_test(tests, several_segments_are_one_stream);
    tcase_add_test(tests, each_log_has_its_last_state);
    tcase_add_test(tests, large_blocks_are_copied_byte_for_byte);
    tcase_add_loop_test(tests, damage_is_not_carried_on, 0, 2);
    suite_add_tcase(suite, tests);
    return suite;
}

FL_UNIT_MAIN(repack_suite)
