/* Segments that a release wrote are read for ever: those of tests/golden/data, exactly, and
 * any other version is refused with a sentence. The README there says what they are. */
#include "flowan/source.h"
#include "segment.h"
#include "segments.h"
#include "unit.h"

static char data[1024];

static void set_up(void)
{
    const char *tests = getenv("FLOWAN_TEST_DATA");
    ck_assert_msg(tests != NULL, "FLOWAN_TEST_DATA is not set");
    snprintf(data, sizeof data, "%s/../golden/data", tests);
}

static bool ends_in(const char *name, const char *end)
{
    size_t size = strlen(name);
    return size > strlen(end) && strcmp(name + size - strlen(end), end) == 0;
}

/* The records of NAME-ANY.seg, from NAME.json.zst. */
static fl_buffer records_of(const char *name)
{
    char path[2048];
    fl_buffer records = {0};
    flowan_source *source;
    const void *piece;
    size_t size;
    snprintf(path, sizeof path, "%s/%.*s.json.zst", data, (int)strcspn(name, "-"),
             name);
    ck_assert_int_eq(flowan_source_open(&source, path, NULL), FLOWAN_OK);
    while (flowan_source_read(source, &piece, &size, NULL) == FLOWAN_OK)
        fl_buffer_append(&records, piece, size);
    flowan_source_free(source);
    ck_assert_uint_gt(records.size, 0);
    return records;
}

/* A column that is read alone is as it is beside the others. */
static void assert_column_alone(flowan_reader *reader, size_t block,
                                const flowan_batch *whole, const char *name)
{
    flowan_batch *alone = empty_batch();
    ck_assert_int_eq(flowan_reader_read(reader, block, &name, 1, alone, NULL),
                     FLOWAN_OK);
    ck_assert_uint_eq(flowan_batch_rows(alone), flowan_batch_rows(whole));
    flowan_column want;
    flowan_column got;
    size_t next = 0;
    for (size_t i = 0; flowan_batch_column(whole, i, &want); i++) {
        if (strcmp(want.name, name) != 0)
            continue;
        ck_assert(flowan_batch_column(alone, next++, &got));
        ck_assert_int_eq(got.type, want.type);
        ck_assert_uint_eq(got.present_count, want.present_count);
        ck_assert_mem_eq(got.present, want.present, (got.rows + 63) / 64 * 8);
        if (want.u32)
            ck_assert_mem_eq(got.u32, want.u32, got.rows * sizeof *got.u32);
        if (want.u64 && !want.offset)
            ck_assert_mem_eq(got.u64, want.u64, got.rows * sizeof *got.u64);
        if (want.address && !want.offset)
            ck_assert_mem_eq(got.address, want.address, got.rows * sizeof *got.address);
        if (want.text) {
            ck_assert_mem_eq(got.offset, want.offset,
                             (got.rows + 1) * sizeof *got.offset);
            ck_assert_mem_eq(got.text, want.text, got.offset[got.rows]);
        }
    }
    ck_assert(!flowan_batch_column(alone, next, &got));
    flowan_batch_free(alone);
}

static void assert_golden(const char *name)
{
    static const char *const columns[] = {"bytes", "src_addr", "time_flow_start_ns",
                                          "type",  "flow_id",  "sequence_num"};
    char path[2048];
    bool open = ends_in(name, ".open");
    flowan_error error;
    flowan_reader *reader;
    snprintf(path, sizeof path, "%s/%s", data, name);
    if (flowan_reader_open(&reader, path, &error) != FLOWAN_OK ||
        flowan_reader_verify(reader, NULL, &error) != FLOWAN_OK)
        ck_abort_msg("%s", error.message);
    flowan_segment_info info = flowan_reader_info(reader);
    ck_assert_uint_eq(info.format_version, 1);
    ck_assert_uint_eq(info.serial, 1);
    ck_assert_int_eq(info.finished, !open);
    ck_assert_uint_eq(info.logs, strstr(name, "merged") ? 3 : 1);
    fl_buffer texts = {0};
    flowan_batch *batch = empty_batch();
    for (size_t block = 0; block < info.blocks; block++) {
        if (flowan_reader_read(reader, block, NULL, 0, batch, &error) != FLOWAN_OK)
            ck_abort_msg("%s", error.message);
        put_texts(&texts, batch);
        for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
            assert_column_alone(reader, block, batch, columns[i]);
    }
    fl_buffer records = records_of(name);
    if (open) { /* it has the first of them */
        ck_assert_uint_gt(texts.size, 0);
        ck_assert_uint_lt(texts.size, records.size);
        records.size = texts.size;
    }
    assert_bytes(&texts, records.data, records.size);
    ck_assert_uint_eq(info.stats.text_bytes, texts.size - info.stats.rows);
    fl_buffer_free(&records);
    fl_buffer_free(&texts);
    flowan_batch_free(batch);
    flowan_reader_free(reader);
}

START_TEST(every_segment_gives_its_records)
{
    size_t count = 0;
    DIR *directory = opendir(data);
    ck_assert_msg(directory != NULL, "no %s", data);
    struct dirent *item;
    while ((item = readdir(directory)))
        if (ends_in(item->d_name, ".seg") || ends_in(item->d_name, ".seg.open")) {
            assert_golden(item->d_name);
            count++;
        }
    closedir(directory);
    ck_assert_uint_eq(count, 20);
}
END_TEST

START_TEST(another_version_is_refused)
{
    static const uint32_t versions[] = {0, 2, UINT32_MAX};
    char path[2048];
    char where[64];
    char named[64];
    make_directory(where);
    snprintf(path, sizeof path, "%s/runs-fast.seg", data);
    fl_buffer segment = read_file(path);
    unsigned char *bytes = (unsigned char *)segment.data;
    fl_bytes_store(bytes + 8, versions[_i], 4);
    fl_bytes_store(bytes + 56, fl_segment_checksum(bytes, 56), 8);
    snprintf(path, sizeof path, "%s/a.seg", where);
    write_file(path, segment.data, segment.size);
    flowan_reader *reader;
    flowan_error error;
    ck_assert_int_eq(flowan_reader_open(&reader, path, &error), FLOWAN_ERROR_VERSION);
    ck_assert_ptr_null(reader);
    assert_sentence(&error, FLOWAN_ERROR_VERSION);
    snprintf(named, sizeof named, "format %u,", (unsigned)versions[_i]);
    ck_assert_ptr_nonnull(strstr(error.message, named));
    ck_assert_ptr_nonnull(strstr(error.message, "reads format 1"));
    ck_assert_ptr_nonnull(strstr(error.message, path));
    /* what may be damage only is looked into */
    bytes[56] ^= 1;
    write_file(path, segment.data, segment.size);
    ck_assert_int_eq(flowan_reader_open(&reader, path, NULL), FLOWAN_OK);
    ck_assert_int_eq(flowan_reader_verify(reader, NULL, NULL), FLOWAN_ERROR_CHECKSUM);
    flowan_reader_free(reader);
    fl_buffer_free(&segment);
    remove_tree(where);
}
END_TEST

static Suite *suite_of(void)
{
    Suite *suite = suite_create("golden");
    TCase *golden = tcase_create("golden");
    tcase_add_checked_fixture(golden, set_up, NULL);
    tcase_set_timeout(golden, 60);
    tcase_add_test(golden, every_segment_gives_its_records);
    tcase_add_loop_test(golden, another_version_is_refused, 0, 3);
    suite_add_tcase(suite, golden);
    return suite;
}

FL_UNIT_MAIN(suite_of)
