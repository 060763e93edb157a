/* Archives: which segment a record goes to, what is listed, what a lock is worth, and where
 * a log is taken up. */
#include "flowan/archive.h"

#include <sys/wait.h>

#include "archives.h"
#include "flowan/import.h"
#include "unit.h"

/* --- rotation --- */

START_TEST(a_day_is_a_segment)
{
    fl_buffer log = {0};
    put_record(&log, MARCH_15 - 1, 1);
    put_record(&log, MARCH_15, 2);
    put_record(&log, MARCH_15 + DAY - 1, 3);
    put_record(&log, MARCH_15 - 5 * DAY, 4); /* late: stays in the open segment */
    put_record(&log, 0, 5);                  /* as the one before it */
    put_record(&log, MARCH_15 + DAY, 6);
    put_record(&log, MARCH_15 + 30 * DAY, 7); /* days without records have no segment */
    flowan_archiver *archiver = open_archiver(NULL);
    import_all(archiver, &log, 100);
    ck_assert_str_eq(name_at(3),
                     "2025/04/14/flowan.20250414T000000Z.00000004.seg.open");
    finish(archiver);
    assert_archived(&log);
    ck_assert_uint_eq(segments(), 4);
    ck_assert_str_eq(name_at(0), "2025/03/14/flowan.20250314T000000Z.00000001.seg");
    ck_assert_str_eq(name_at(1), "2025/03/15/flowan.20250315T000000Z.00000002.seg");
    ck_assert_str_eq(name_at(2), "2025/03/16/flowan.20250316T000000Z.00000003.seg");
    ck_assert_str_eq(name_at(3), "2025/04/14/flowan.20250414T000000Z.00000004.seg");
    ck_assert_uint_eq(rows_at(0), 1);
    ck_assert_uint_eq(rows_at(1), 4);
    ck_assert_uint_eq(rows_at(2), 1);
    flowan_archive *archive = open_archive();
    flowan_reader *reader = open_segment_at(archive, 1);
    flowan_segment_info info = flowan_reader_info(reader);
    ck_assert_uint_eq(info.serial, 2);
    ck_assert_uint_eq(info.interval_start_ns, MARCH_15);
    ck_assert_uint_eq(info.interval_ns, DAY);
    ck_assert(info.finished);
    flowan_reader_free(reader);
    ck_assert_int_eq(flowan_archive_reader(archive, 4, &reader, NULL),
                     FLOWAN_ERROR_ARGUMENT);
    flowan_archive_free(archive);
    fl_buffer_free(&log);
}
END_TEST

START_TEST(intervals_are_as_asked)
{
    flowan_archiver_options options = {.size = sizeof options,
                                       .rotate_ns = 90 * SECOND};
    fl_buffer log = {0};
    put_record(&log, MARCH_15, 1);
    put_record(&log, MARCH_15 + 89 * SECOND, 2);
    put_record(&log, MARCH_15 + 90 * SECOND, 3);
    flowan_archiver *archiver = open_archiver(&options);
    import_all(archiver, &log, 100);
    finish(archiver);
    assert_archived(&log);
    ck_assert_uint_eq(segments(), 2);
    ck_assert_str_eq(name_at(1), "2025/03/15/flowan.20250315T000130Z.00000002.seg");
    options.rotate_ns = SECOND - 1;
    ck_assert_int_eq(flowan_archiver_open(&archiver, home, &options, NULL),
                     FLOWAN_ERROR_ARGUMENT);
    fl_buffer_free(&log);
}
END_TEST

START_TEST(records_without_receive_time)
{
    fl_buffer log = {0};
    /* its flow's start, then that of the log's modification */
    fl_buffer_format(&log, "{\"time_flow_start_ns\":%llu}\n",
                     (unsigned long long)(MARCH_15 - DAY));
    put_record(&log, 0, 1);
    put_record(&log, MARCH_15 + DAY, 2);
    put_record(&log, 0, 3);
    flowan_archiver *archiver = open_archiver(NULL);
    import_all(archiver, &log, 1);
    finish(archiver);
    assert_archived(&log);
    ck_assert_uint_eq(segments(), 3);
    ck_assert_str_eq(name_at(0), "2025/03/14/flowan.20250314T000000Z.00000001.seg");
    ck_assert_str_eq(name_at(1), "2025/03/15/flowan.20250315T000000Z.00000002.seg");
    ck_assert_str_eq(name_at(2), "2025/03/16/flowan.20250316T000000Z.00000003.seg");
    ck_assert_uint_eq(rows_at(2), 2);
    fl_buffer_free(&log);
}
END_TEST

/* The limit of rows ends a segment in the middle of a batch; the next has the same
 * interval and the next serial. */
START_TEST(rows_are_limited)
{
    for (uint32_t batch_rows = 1; batch_rows <= 12; batch_rows++) {
        flowan_archiver_options options = {.size = sizeof options, .segment_rows = 4};
        fl_buffer log = {0};
        for (unsigned i = 0; i < 10; i++)
            put_record(&log, MARCH_15 + (i < 5 ? DAY : 0), i);
        flowan_archiver *archiver = open_archiver(&options);
        import_all(archiver, &log, batch_rows);
        finish(archiver);
        assert_archived(&log);
        ck_assert_uint_eq(segments(), 3);
        ck_assert_uint_eq(rows_at(0), 4);
        ck_assert_uint_eq(rows_at(1), 4);
        ck_assert_uint_eq(rows_at(2), 2);
        /* late records do not make the next segment older than the last */
        ck_assert_str_eq(name_at(2), "2025/03/16/flowan.20250316T000000Z.00000003.seg");
        fl_buffer_free(&log);
        remove_tree(home);
    }
}
END_TEST

START_TEST(serials_go_on)
{
    fl_buffer log = {0};
    for (unsigned i = 0; i < 3; i++) {
        put_record(&log, MARCH_15 + i * DAY, i);
        flowan_archiver *archiver = open_archiver(NULL);
        import_all(archiver, &log, 10);
        finish(archiver);
    }
    assert_archived(&log);
    ck_assert_uint_eq(segments(), 3);
    ck_assert_str_eq(name_at(2), "2025/03/17/flowan.20250317T000000Z.00000003.seg");
    /* nothing new makes no segment */
    flowan_archiver *archiver = open_archiver(NULL);
    import_all(archiver, &log, 10);
    ck_assert_int_eq(flowan_archiver_finish(archiver, NULL), FLOWAN_OK);
    finish(archiver);
    ck_assert_uint_eq(segments(), 3);
    fl_buffer_free(&log);
}
END_TEST

/* --- listing --- */

static void touch(const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", home, name);
    for (char *slash = path + strlen(top) + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = 0;
        mkdir(path, 0755);
        *slash = '/';
    }
    write_file(path, "", 0);
}

START_TEST(names_are_listed_by_serial)
{
    touch("2025/03/15/flowan.20250315T000000Z.00000010.seg");
    touch("2025/03/16/flowan.20250316T000000Z.00000009.seg.open");
    touch("2024/03/16/flowan.20240316T000000Z.123456789.seg");
    touch("2025/03/15/flowan.20250315T000000Z.00000002.seg");
    /* seen twice while it was renamed */
    touch("2025/03/15/flowan.20250315T000000Z.00000002.seg.open");
    /* none of these is a segment */
    touch("2025/03/15/flowan.20250315T000000Z.0000000x.seg");
    touch("2025/03/15/flowan.20250315T000000Z..seg");
    touch("2025/03/15/flowan.20250315T000000Z.99999999999999999999.seg");
    touch("2025/03/15/flowan.seg");
    touch("2025/03/15/flowan.20250315T000000Z.00000003.seg.part");
    touch("2025/03/15/other.20250315T000000Z.00000003.seg");
    touch("2025/03/flowan.20250315T000000Z.00000004.seg");
    touch("lost/03/15/flowan.20250315T000000Z.00000005.seg");
    touch("2026"); /* a file with a directory's name */
    ck_assert_uint_eq(segments(), 4);
    ck_assert_str_eq(name_at(0), "2025/03/15/flowan.20250315T000000Z.00000002.seg");
    ck_assert_str_eq(name_at(1),
                     "2025/03/16/flowan.20250316T000000Z.00000009.seg.open");
    ck_assert_str_eq(name_at(2), "2025/03/15/flowan.20250315T000000Z.00000010.seg");
    ck_assert_str_eq(name_at(3), "2024/03/16/flowan.20240316T000000Z.123456789.seg");
    ck_assert_str_eq(name_at(4), "");
}
END_TEST

/* A listing outlives the renaming of the open segment. */
START_TEST(a_renamed_segment_is_found)
{
    fl_buffer log = {0};
    put_record(&log, MARCH_15, 1);
    flowan_archiver *archiver = open_archiver(NULL);
    import_all(archiver, &log, 1);
    flowan_archive *before = open_archive();
    ck_assert_uint_eq(flowan_archive_segments(before), 1);
    assert_archived(&log); /* while it is being written */
    finish(archiver);
    flowan_reader *reader = open_segment_at(before, 0);
    ck_assert(flowan_reader_info(reader).finished);
    flowan_reader_free(reader);
    /* and tells when there is none any more */
    char path[512];
    snprintf(path, sizeof path, "%s/%s", home, name_at(0));
    unlink(path);
    ck_assert_int_eq(flowan_archive_reader(before, 0, &reader, NULL),
                     FLOWAN_ERROR_NOT_FOUND);
    flowan_archive_free(before);
    fl_buffer_free(&log);
}
END_TEST

START_TEST(what_is_no_archive)
{
    flowan_archive *archive;
    flowan_archiver *archiver;
    flowan_error error;
    flowan_status status = flowan_archive_open(&archive, home, &error);
    ck_assert_int_eq(status, FLOWAN_ERROR_NOT_FOUND);
    assert_sentence(&error, status);
    ck_assert_int_eq(mkdir(home, 0750), 0);
    status = flowan_archive_open(&archive, home, &error);
    ck_assert_int_eq(status, FLOWAN_ERROR_FORMAT);
    assert_sentence(&error, status);
    ck_assert_ptr_null(archive);
    /* a directory with something in it */
    char path[512];
    snprintf(path, sizeof path, "%s/photo.jpg", home);
    write_file(path, "x", 1);
    status = flowan_archiver_open(&archiver, home, NULL, &error);
    ck_assert_int_eq(status, FLOWAN_ERROR_FORMAT);
    assert_sentence(&error, status);
    ck_assert_ptr_null(archiver);
    /* a file */
    status = flowan_archiver_open(&archiver, path, NULL, &error);
    ck_assert_int_eq(status, FLOWAN_ERROR_FORMAT);
    status = flowan_archive_open(&archive, path, &error);
    ck_assert_int_eq(status, FLOWAN_ERROR_FORMAT);
    status = flowan_archiver_open(&archiver, "", NULL, &error);
    ck_assert_int_eq(status, FLOWAN_ERROR_ARGUMENT);
    unlink(path);
    /* an empty one stays what it is, permissions and all, and becomes an archive */
    struct stat was, is;
    ck_assert_int_eq(stat(home, &was), 0);
    finish(open_archiver(NULL));
    ck_assert_int_eq(stat(home, &is), 0);
    ck_assert_uint_eq(was.st_ino, is.st_ino);
    ck_assert_uint_eq(was.st_mode, is.st_mode);
    archive = open_archive();
    ck_assert_uint_eq(flowan_archive_segments(archive), 0);
    ck_assert_ptr_null(flowan_archive_path(archive, 0));
    flowan_archive_free(archive);
    flowan_archive_free(NULL);
    flowan_archiver_free(NULL);
    remove_tree(home);
    /* and so does one behind a link, and one whose parents are missing */
    char real[128];
    snprintf(real, sizeof real, "%s/real", top);
    ck_assert_int_eq(mkdir(real, 0755), 0);
    ck_assert_int_eq(symlink(real, home), 0);
    finish(open_archiver(NULL));
    unlink(home);
    snprintf(home, sizeof home, "%s/a/b//c/", top);
    fl_buffer log = {0};
    put_record(&log, MARCH_15, 1);
    archiver = open_archiver(NULL);
    import_all(archiver, &log, 1);
    finish(archiver);
    assert_archived(&log);
    fl_buffer_free(&log);
}
END_TEST

/* --- the lock --- */

START_TEST(one_process_writes)
{
    int ready[2], leave[2];
    char byte;
    ck_assert_int_eq(pipe(ready), 0);
    ck_assert_int_eq(pipe(leave), 0);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        flowan_archiver *held;
        close(leave[1]);
        byte = flowan_archiver_open(&held, home, NULL, NULL) == FLOWAN_OK ? 'y' : 'n';
        if (__real_write(ready[1], &byte, 1) != 1 || read(leave[0], &byte, 1) < 0)
            _exit(1);
        _exit(0); /* no clean-up: the lock goes with the process */
    }
    close(leave[0]);
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    ck_assert_int_eq(byte, 'y');
    flowan_archiver *archiver;
    flowan_error error;
    flowan_status status = flowan_archiver_open(&archiver, home, NULL, &error);
    ck_assert_int_eq(status, FLOWAN_ERROR_LOCKED);
    ck_assert_ptr_null(archiver);
    char pid[32];
    snprintf(pid, sizeof pid, "process %ld", (long)child);
    ck_assert_msg(strstr(error.message, pid) != NULL, "%s", error.message);
    /* reading needs no lock */
    flowan_archive_free(open_archive());
    close(leave[1]);
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
    archiver = open_archiver(NULL);
    flowan_archiver *second;
    status = flowan_archiver_open(&second, home, NULL, &error);
    ck_assert_int_eq(status, FLOWAN_ERROR_LOCKED);
    flowan_archiver_free(archiver);
    finish(open_archiver(NULL));
    close(ready[0]);
    close(ready[1]);
}
END_TEST

/* --- logs --- */

/* Resumed behind any block, with batches of any size: rows_after counts what a batch that
 * was cut by a rotation had brought in already. */
START_TEST(a_log_is_taken_up_exactly)
{
    flowan_archiver_options options = {.size = sizeof options, .segment_rows = 5};
    for (uint32_t first_rows = 1; first_rows <= 9; first_rows++)
        for (uint32_t then_rows = 1; then_rows <= 9; then_rows++) {
            fl_buffer log = {0};
            for (unsigned i = 0; i < 17; i++)
                put_record(&log, MARCH_15 + i / 7 * DAY, i);
            /* what goes wrong is the segment after the n-th */
            for (unsigned mkdirs = 5; mkdirs < 7; mkdirs++) {
                flowan_archiver *archiver = open_archiver(&options);
                failing = CALL_MKDIR;
                failing_on = false;
                failed_once = false;
                calls_left = mkdirs;
                import(archiver, &log, first_rows, NULL, NULL);
                failing = CALL_NONE;
                flowan_archiver_free(archiver);
                archiver = open_archiver(&options);
                prefix_archived(&log);
                import_all(archiver, &log, then_rows);
                finish(archiver);
                assert_archived(&log);
                remove_tree(home);
            }
            fl_buffer_free(&log);
        }
}
END_TEST

/* The first batch is cut by a rotation and the rest of it refused: the archive knows the
 * log at its very beginning, with rows behind that. */
START_TEST(an_import_is_taken_up_exactly)
{
    fl_buffer log = {0};
    for (unsigned i = 0; i < 5; i++)
        put_record(&log, MARCH_15 + i * DAY, i);
    char path[128];
    snprintf(path, sizeof path, "%s/log.json", top);
    write_file(path, log.data, log.size);
    for (unsigned mkdirs = 0; mkdirs < 12; mkdirs++) {
        flowan_archiver *archiver = open_archiver(NULL);
        failing = CALL_MKDIR;
        failing_on = failed_once = false;
        calls_left = mkdirs;
        flowan_status status = flowan_import_log(archiver, path, NULL, NULL, NULL);
        failing = CALL_NONE;
        ck_assert(failed_once == (status != FLOWAN_OK));
        prefix_archived(&log);
        if (mkdirs % 2) {
            flowan_archiver_free(archiver);
            archiver = open_archiver(NULL);
        }
        status = flowan_import_log(archiver, path, NULL, NULL, NULL);
        ck_assert_int_eq(status, failed_once ? FLOWAN_OK : FLOWAN_ERROR_EXISTS);
        finish(archiver);
        assert_archived(&log);
        remove_tree(home);
    }
    fl_buffer_free(&log);
}
END_TEST

/* A full batch that is refused after a part of it was taken is not offered once more at
 * the end. */
START_TEST(an_import_offers_a_batch_once)
{
    fl_buffer log = {0};
    for (unsigned i = 0; i < 65600; i++)
        put_record(&log, MARCH_15 + (i < 3 ? i : 3) * DAY, i);
    char path[128];
    snprintf(path, sizeof path, "%s/log.json", top);
    write_file(path, log.data, log.size);
    flowan_archiver *archiver = open_archiver(NULL);
    failing = CALL_MKDIR;
    failing_on = failed_once = false;
    calls_left = 7; /* three a segment */
    flowan_error error;
    flowan_status status = flowan_import_log(archiver, path, NULL, NULL, &error);
    assert_sentence(&error, status);
    ck_assert_uint_eq(prefix_archived(&log), 2);
    ck_assert_int_eq(flowan_import_log(archiver, path, NULL, NULL, NULL), FLOWAN_OK);
    finish(archiver);
    assert_archived(&log);
    fl_buffer_free(&log);
}
END_TEST

START_TEST(logs_are_found_by_their_heads)
{
    flowan_archiver *archiver = open_archiver(NULL);
    static const char text[] = "0123456789";
    flowan_log_state found;
    ck_assert(!flowan_archiver_find_log(archiver, text, 10, 0, &found));
    struct {
        const char *path;
        uint32_t head;
        uint64_t offset;
    } logs[] = {{"short", 4, 100}, {"long", 10, 50},  {"other", 10, 900},
                {"far", 10, 100},  {"longer", 11, 1}, {"empty", 0, 7}};
    for (size_t i = 0; i < 6; i++) {
        flowan_log_state log = {
            .path = logs[i].path,
            .inode = i,
            .head_size = logs[i].head,
            .head_hash = XXH3_64bits(i == 2 ? "something else" : text, logs[i].head),
            .position = {logs[i].offset, i}};
        ck_assert_int_eq(flowan_archiver_begin_log(archiver, &log, 0, NULL), FLOWAN_OK);
    }
    static const char *const order[] = {"short", "far", "long"};
    for (size_t n = 0; n < 3; n++) {
        ck_assert(flowan_archiver_find_log(archiver, text, 10, n, &found));
        ck_assert_str_eq(found.path, order[n]);
    }
    ck_assert(!flowan_archiver_find_log(archiver, text, 10, 3, &found));
    ck_assert(flowan_archiver_find_log(archiver, text, 9, 0, &found));
    ck_assert_str_eq(found.path, "short");
    ck_assert(!flowan_archiver_find_log(archiver, text, 9, 1, &found));
    ck_assert(!flowan_archiver_find_log(archiver, text, 3, 0, &found));
    /* rows need a log */
    flowan_archiver_free(archiver);
    archiver = open_archiver(NULL);
    flowan_batch *batch = empty_batch();
    ck_assert_int_eq(
        flowan_archiver_write(archiver, batch, 0, (flowan_position){0, 0}, NULL),
        FLOWAN_ERROR_ARGUMENT);
    flowan_batch_free(batch);
    flowan_archiver_free(archiver);
}
END_TEST

/* Rows behind a position that are in already can reach over several batches. */
START_TEST(known_rows_are_passed)
{
    fl_buffer log = {0};
    for (unsigned i = 0; i < 3; i++)
        put_record(&log, MARCH_15, i);
    flowan_archiver *archiver = open_archiver(NULL);
    flowan_log_state state = state_of("a.json", log.data, log.size);
    state.rows_after = 5;
    ck_assert_int_eq(flowan_archiver_begin_log(archiver, &state, 0, NULL), FLOWAN_OK);
    flowan_batch *batch = batch_of(log.data, log.size);
    static const struct {
        size_t first;
        uint32_t rows_after;
    } steps[] = {{3, 2}, {2, 0}, {3, 0}, {0, 0}};
    for (size_t i = 0; i < 4; i++) {
        flowan_position position = {100 * (i + 1), i};
        ck_assert_int_eq(
            flowan_archiver_write(archiver, batch, steps[i].first, position, NULL),
            FLOWAN_OK);
        ck_assert(flowan_archiver_find_log(archiver, log.data, log.size, 0, &state));
        ck_assert_uint_eq(state.position.offset, position.offset);
        ck_assert_uint_eq(state.rows_after, steps[i].rows_after);
    }
    finish(archiver);
    ck_assert_uint_eq(rows_at(0), 1 + 3);
    flowan_batch_free(batch);
    fl_buffer_free(&log);
}
END_TEST

/* Each footer tells of all logs, so that a position outlives the segment it came from. */
START_TEST(positions_outlive_segments)
{
    fl_buffer log = {0}, other = {0};
    put_record(&log, MARCH_15, 1);
    put_record(&other, MARCH_15 + DAY, 2);
    flowan_archiver *archiver = open_archiver(NULL);
    import_all(archiver, &log, 1);
    flowan_log_state state = state_of("b.json", other.data, other.size);
    state.inode = 12;
    ck_assert_int_eq(flowan_archiver_begin_log(archiver, &state, 0, NULL), FLOWAN_OK);
    flowan_batch *batch = batch_of(other.data, other.size);
    flowan_position end = {other.size, XXH3_64bits(other.data, other.size)};
    ck_assert_int_eq(flowan_archiver_write(archiver, batch, 0, end, NULL), FLOWAN_OK);
    finish(archiver);
    ck_assert_uint_eq(segments(), 2);
    char path[512];
    snprintf(path, sizeof path, "%s/%s", home, name_at(0));
    unlink(path);
    archiver = open_archiver(NULL);
    ck_assert(flowan_archiver_find_log(archiver, log.data, log.size, 0, &state));
    ck_assert_str_eq(state.path, "a.json");
    ck_assert_uint_eq(state.position.offset, log.size);
    ck_assert(flowan_archiver_find_log(archiver, other.data, other.size, 0, &state));
    ck_assert_str_eq(state.path, "b.json");
    flowan_archiver_free(archiver);
    flowan_batch_free(batch);
    fl_buffer_free(&log);
    fl_buffer_free(&other);
}
END_TEST

static Suite *suite_of(void)
{
    Suite *suite = suite_create("archive");
    TCase *rotation = tcase_create("rotation");
    tcase_add_checked_fixture(rotation, set_up, tear_down);
    tcase_add_test(rotation, a_day_is_a_segment);
    tcase_add_test(rotation, intervals_are_as_asked);
    tcase_add_test(rotation, records_without_receive_time);
    tcase_add_test(rotation, rows_are_limited);
    tcase_add_test(rotation, serials_go_on);
    tcase_set_timeout(rotation, 60);
    suite_add_tcase(suite, rotation);
    TCase *listing = tcase_create("listing and lock");
    tcase_add_checked_fixture(listing, set_up, tear_down);
    tcase_add_test(listing, names_are_listed_by_serial);
    tcase_add_test(listing, a_renamed_segment_is_found);
    tcase_add_test(listing, what_is_no_archive);
    tcase_add_test(listing, one_process_writes);
    suite_add_tcase(suite, listing);
    TCase *logs = tcase_create("logs");
    tcase_add_checked_fixture(logs, set_up, tear_down);
    tcase_add_test(logs, a_log_is_taken_up_exactly);
    tcase_add_test(logs, an_import_is_taken_up_exactly);
    tcase_add_test(logs, an_import_offers_a_batch_once);
    tcase_add_test(logs, logs_are_found_by_their_heads);
    tcase_add_test(logs, known_rows_are_passed);
    tcase_add_test(logs, positions_outlive_segments);
    tcase_set_timeout(logs, 120);
    suite_add_tcase(suite, logs);
    return suite;
}

FL_UNIT_MAIN(suite_of)
