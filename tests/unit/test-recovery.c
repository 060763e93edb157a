/* What was acknowledged survives: a writer that is killed, a file that is cut or damaged,
 * and a system that refuses at any call. */
#include "archives.h"
#include "unit.h"

/* --- recovery --- */

/* An archive with one finished segment and an open one of several blocks, as a writer that
 * was killed leaves it. The bytes of the open one, and its path. */
static fl_buffer killed_writer(fl_buffer *log, char path[512])
{
    for (unsigned i = 0; i < 12; i++)
        put_record(log, MARCH_15 + (i < 3 ? 0 : DAY), i);
    flowan_archiver *archiver = open_archiver(NULL);
    import_all(archiver, log, 3);
    flowan_archiver_free(archiver);
    ck_assert_uint_eq(segments(), 2);
    snprintf(path, 512, "%s/%s", home, name_at(1));
    return read_file(path);
}

START_TEST(an_open_segment_cut_at_every_byte)
{
    fl_buffer log = {0};
    char path[512], final[512];
    fl_buffer whole = killed_writer(&log, path);
    snprintf(final, sizeof final, "%.*s", (int)(strlen(path) - 5), path);
    size_t last = 3;
    for (size_t size = 0; size <= whole.size; size++) {
        unlink(final);
        write_file(path, whole.data, size);
        flowan_archiver *archiver = open_archiver(NULL);
        assert_all_finished();
        ck_assert_uint_eq(segments(), size <= FL_SEGMENT_HEADER_SIZE ? 1 : 2);
        size_t kept = prefix_archived(&log);
        ck_assert_uint_ge(kept, last);
        ck_assert_uint_le(kept - last, 3); /* block by block */
        last = kept;
        /* and the log is taken up exactly behind them */
        import_all(archiver, &log, 3 + (uint32_t)size % 3);
        ck_assert_int_eq(flowan_archiver_finish(archiver, NULL), FLOWAN_OK);
        assert_archived(&log);
        flowan_archiver_free(archiver);
        /* only the first segment stays for the next round */
        for (size_t i = segments(); i-- > 1;) {
            char name[512];
            snprintf(name, sizeof name, "%s/%s", home, name_at(i));
            unlink(name);
        }
    }
    ck_assert_uint_eq(last, 12);
    fl_buffer_free(&whole);
    fl_buffer_free(&log);
}
END_TEST

START_TEST(finished_but_not_renamed)
{
    fl_buffer log = {0};
    char path[512], final[512];
    fl_buffer whole = killed_writer(&log, path);
    finish(open_archiver(NULL));
    snprintf(final, sizeof final, "%.*s", (int)(strlen(path) - 5), path);
    ck_assert_int_eq(rename(final, path), 0);
    fl_buffer sealed = read_file(path);
    flowan_archiver *archiver = open_archiver(NULL);
    assert_all_finished();
    fl_buffer after = read_file(final);
    assert_bytes(&after, sealed.data, sealed.size);
    import_all(archiver, &log, 5);
    finish(archiver);
    assert_archived(&log);
    fl_buffer_free(&after);
    fl_buffer_free(&sealed);
    fl_buffer_free(&whole);
    fl_buffer_free(&log);
}
END_TEST

/* What is not ours is not ours to delete, and stops nobody. */
START_TEST(garbage_named_open_stays)
{
    fl_buffer log = {0};
    char path[512];
    fl_buffer whole = killed_writer(&log, path);
    char garbage[1000];
    memset(garbage, 'g', sizeof garbage);
    write_file(path, garbage, sizeof garbage);
    flowan_archiver *archiver = open_archiver(NULL);
    fl_buffer after = read_file(path);
    assert_bytes(&after, garbage, sizeof garbage);
    fl_buffer_free(&after);
    import_all(archiver, &log, 100);
    finish(archiver);
    ck_assert_uint_eq(segments(), 3);
    ck_assert_str_eq(name_at(2), "2025/03/16/flowan.20250316T000000Z.00000003.seg");
    /* so does a segment whose first byte is damaged */
    whole.data[0] ^= 1;
    write_file(path, whole.data, whole.size);
    finish(open_archiver(NULL));
    after = read_file(path);
    assert_bytes(&after, whole.data, whole.size);
    fl_buffer_free(&after);
    unlink(path);
    assert_archived(&log);
    fl_buffer_free(&whole);
    fl_buffer_free(&log);
}
END_TEST

/* Sound blocks behind damage: the file stays as it is, later runs go on after it and do
 * not forget how far the log was read. */
START_TEST(damage_in_the_middle_stays_open)
{
    fl_buffer log = {0};
    char path[512];
    fl_buffer whole = killed_writer(&log, path);
    size_t second = FL_SEGMENT_HEADER_SIZE +
                    fl_bytes_load((unsigned char *)whole.data + 64 + 16, 8);
    for (size_t round = 0; round < 2; round++) {
        /* in the data of the second block, then in its head */
        size_t size = fl_bytes_load((unsigned char *)whole.data + second + 16, 8);
        size_t at = round ? second + 40 : second + size - 1;
        whole.data[at] ^= 4;
        write_file(path, whole.data, whole.size);
        finish(open_archiver(NULL));
        fl_buffer after = read_file(path);
        assert_bytes(&after, whole.data, whole.size);
        fl_buffer_free(&after);
        whole.data[at] ^= 4;
    }
    /* later segments are newer than the one that stays open */
    for (unsigned i = 0; i < 3; i++) {
        put_record(&log, MARCH_15 + (2 + i) * DAY, 100 + i);
        flowan_archiver *archiver = open_archiver(NULL);
        flowan_log_state known;
        ck_assert(flowan_archiver_find_log(archiver, log.data, log.size, 0, &known));
        import_all(archiver, &log, 2);
        finish(archiver);
        ck_assert_uint_eq(segments(), 3 + i);
        ck_assert_uint_eq(rows_at(2 + i), 1);
    }
    write_file(path, whole.data, whole.size); /* repaired */
    finish(open_archiver(NULL));
    assert_archived(&log);
    assert_all_finished();
    fl_buffer_free(&whole);
    fl_buffer_free(&log);
}
END_TEST

/* A block at the end that was not all written when the power failed: its bytes are there,
 * but not what they should be. It is read again from the log. */
START_TEST(a_damaged_last_block_is_cut)
{
    fl_buffer log = {0};
    char path[512];
    fl_buffer whole = killed_writer(&log, path);
    whole.data[whole.size - 1] ^= 1;
    write_file(path, whole.data, whole.size);
    flowan_archiver *archiver = open_archiver(NULL);
    assert_all_finished();
    ck_assert_uint_eq(prefix_archived(&log), 9);
    import_all(archiver, &log, 2);
    finish(archiver);
    assert_archived(&log);
    fl_buffer_free(&whole);
    fl_buffer_free(&log);
}
END_TEST

/* The newest segment's footer is damaged: its blocks say how far the logs were read, and
 * an older footer does not take that back. */
START_TEST(a_damaged_footer_costs_no_position)
{
    fl_buffer log = {0};
    for (unsigned i = 0; i < 3; i++)
        put_record(&log, MARCH_15 + i * DAY, i);
    flowan_archiver *archiver = open_archiver(NULL);
    import_all(archiver, &log, 1);
    finish(archiver);
    char path[512];
    snprintf(path, sizeof path, "%s/%s", home, name_at(2));
    fl_buffer bytes = read_file(path);
    bytes.data[bytes.size - 1] ^= 1;
    write_file(path, bytes.data, bytes.size);
    archiver = open_archiver(NULL);
    import_all(archiver, &log, 1);
    finish(archiver);
    ck_assert_uint_eq(segments(), 3);
    assert_archived(&log);
    fl_buffer_free(&bytes);
    fl_buffer_free(&log);
}
END_TEST

/* --- a system that refuses --- */

/* A single write that takes a part is nothing but gone on with. */
static bool is_harmless(call which, bool on)
{
    return which == CALL_SHORT_WRITE && !on;
}

/* One run with the n-th call of a kind failing; true while it did fail. Resumes with the
 * same handle or, if that is what `anew` says, as the next process does. */
static bool run_against(call which, unsigned n, bool on, bool anew,
                        const fl_buffer *log)
{
    flowan_archiver_options options = {.size = sizeof options, .segment_rows = 6};
    flowan_archiver *archiver = NULL;
    flowan_error error = {0};
    size_t acknowledged = 0;
    failing = which;
    failing_on = on;
    failed_once = false;
    calls_left = n;
    flowan_status status = flowan_archiver_open(&archiver, home, &options, &error);
    if (status == FLOWAN_OK)
        status = import(archiver, log, 4, &acknowledged, &error);
    if (status == FLOWAN_OK)
        status = flowan_archiver_finish(archiver, &error);
    bool failed = failed_once;
    ck_assert(failed == (status != FLOWAN_OK) || is_harmless(which, on));
    if (status != FLOWAN_OK)
        assert_sentence(&error, status);
    if (which == CALL_FSYNC)
        acknowledged = 0; /* what was not synced before: test-faults knows */
    if (status != FLOWAN_OK && archiver) {
        /* while it still refuses, all that was acknowledged can be read */
        ck_assert_uint_ge(prefix_archived(log), acknowledged);
        /* and to try again, in vain or not, makes nothing worse */
        for (int i = 0; i < 2; i++)
            if (import(archiver, log, 3, which == CALL_FSYNC ? NULL : &acknowledged,
                       NULL) == FLOWAN_OK)
                flowan_archiver_finish(archiver, NULL);
        ck_assert_uint_ge(prefix_archived(log), acknowledged);
    }
    failing = CALL_NONE;
    if (anew || !archiver) {
        flowan_archiver_free(archiver);
        archiver = open_archiver(&options);
    }
    status = import(archiver, log, 5, NULL, &error);
    if (status == FLOWAN_OK)
        status = flowan_archiver_finish(archiver, &error);
    if (status != FLOWAN_OK) {
        /* a segment that could not even be cut back, or not synced, takes nothing more */
        ck_assert(which == CALL_TRUNCATE || which == CALL_FSYNC);
        flowan_archiver_free(archiver);
        archiver = open_archiver(&options);
        import_all(archiver, log, 5);
    }
    finish(archiver);
    assert_archived(log);
    finish(open_archiver(&options));
    assert_archived(log);
    assert_all_finished();
    remove_tree(home);
    return failed;
}

START_TEST(nothing_acknowledged_is_lost)
{
    fl_buffer log = {0};
    for (unsigned i = 0; i < 30; i++)
        put_record(&log, MARCH_15 + i / 8 * DAY, i);
    call which = (call)_i;
    for (int variant = 0; variant < 4; variant++) {
        unsigned n = 0;
        while (run_against(which, n, variant & 1, variant & 2, &log))
            n++;
        ck_assert_uint_ge(n, 5);
    }
    fl_buffer_free(&log);
}
END_TEST

/* The same while a new process finishes what a killed one left. */
START_TEST(recovery_can_fail_and_be_repeated)
{
    fl_buffer log = {0};
    char path[512];
    fl_buffer whole = killed_writer(&log, path);
    flowan_archiver_free(open_archiver(NULL));
    call which = (call)_i;
    for (int variant = 0; variant < 2; variant++) {
        bool failed = true;
        for (unsigned n = 0; failed; n++) {
            remove_tree(home);
            fl_buffer again = {0};
            fl_buffer bytes = killed_writer(&again, path);
            write_file(path, bytes.data, bytes.size - (n % 2 ? 7 : 0));
            failing = which;
            failing_on = variant;
            failed_once = false;
            calls_left = n;
            flowan_archiver *archiver;
            flowan_error error;
            flowan_status status = flowan_archiver_open(&archiver, home, NULL, &error);
            failed = failed_once;
            ck_assert(failed == (status != FLOWAN_OK) || is_harmless(which, variant));
            ck_assert_uint_ge(prefix_archived(&log), n % 2 ? 9 : 12);
            flowan_archiver_free(archiver);
            failing = CALL_NONE;
            archiver = open_archiver(NULL);
            assert_all_finished();
            import_all(archiver, &log, 4);
            finish(archiver);
            assert_archived(&log);
            fl_buffer_free(&again);
            fl_buffer_free(&bytes);
        }
    }
    fl_buffer_free(&whole);
    fl_buffer_free(&log);
}
END_TEST

/* A segment that has its footer and could not be renamed takes no records: the same
 * handle renames it first. */
START_TEST(a_rename_is_made_up_for)
{
    fl_buffer log = {0};
    put_record(&log, MARCH_15, 1);
    flowan_archiver *archiver = open_archiver(NULL);
    import_all(archiver, &log, 1);
    failing = CALL_RENAME;
    failing_on = failed_once = false;
    calls_left = 0;
    ck_assert_int_eq(flowan_archiver_finish(archiver, NULL), FLOWAN_ERROR_IO);
    failing = CALL_NONE;
    put_record(&log, MARCH_15, 2);
    import_all(archiver, &log, 1);
    finish(archiver);
    ck_assert_uint_eq(segments(), 2);
    assert_archived(&log);
    assert_all_finished();
    fl_buffer_free(&log);
}
END_TEST

static Suite *suite_of(void)
{
    Suite *suite = suite_create("recovery");
    TCase *recovery = tcase_create("recovery");
    tcase_add_checked_fixture(recovery, set_up, tear_down);
    tcase_add_test(recovery, an_open_segment_cut_at_every_byte);
    tcase_add_test(recovery, finished_but_not_renamed);
    tcase_add_test(recovery, garbage_named_open_stays);
    tcase_add_test(recovery, damage_in_the_middle_stays_open);
    tcase_add_test(recovery, a_damaged_last_block_is_cut);
    tcase_add_test(recovery, a_damaged_footer_costs_no_position);
    tcase_set_timeout(recovery, 120);
    suite_add_tcase(suite, recovery);
    TCase *faults = tcase_create("faults");
    tcase_add_checked_fixture(faults, set_up, tear_down);
    tcase_add_loop_test(faults, nothing_acknowledged_is_lost, CALL_WRITE, CALLS);
    tcase_add_loop_test(faults, recovery_can_fail_and_be_repeated, CALL_WRITE,
                        CALL_MKDIR);
    tcase_add_test(faults, a_rename_is_made_up_for);
    tcase_set_timeout(faults, 240);
    suite_add_tcase(suite, faults);
    return suite;
}

FL_UNIT_MAIN(suite_of)
