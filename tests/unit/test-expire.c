/* Expiring: which segments go, what holds them, and that nobody forgets how far logs were
 * read. */
#include "flowan/care.h"

#include "archives.h"
#include "care.h"
#include "flowan/scan.h"
#include "holds.h"
#include "killed.h"
#include "unit.h"

#define HOUR (3600 * SECOND)

/* --- fixtures --- */

static fl_buffer
    removed; /* serials, in order; with '!' those that failed, '=' those held */
static char message[600];

static void on_event(void *context, const flowan_expire_event *event)
{
    (void)context;
    const char *name = strrchr(event->path, '/');
    if (removed.size)
        fl_buffer_byte(&removed, ' ');
    fl_buffer_format(&removed, "%s%.2s",
                     event->kind == FLOWAN_EXPIRE_FAILED ? "!"
                     : event->kind == FLOWAN_EXPIRE_HELD ? "="
                                                         : "",
                     name + strlen("/flowan.20250315T000000Z.000000"));
    if (event->message)
        snprintf(message, sizeof message, "%s", event->message);
}

static flowan_expire_options expire_options(uint64_t now_ns, uint64_t keep_ns,
                                            uint64_t keep_bytes)
{
    return (flowan_expire_options){.size = sizeof(flowan_expire_options),
                                   .now_ns = now_ns,
                                   .keep_ns = keep_ns,
                                   .keep_bytes = keep_bytes,
                                   .tell = on_event};
}

static flowan_expire_result expire_with(const flowan_expire_options *options)
{
    flowan_expire_result result;
    flowan_error error;
    fl_buffer_clear(&removed);
    message[0] = 0;
    if (flowan_archive_expire(home, options, &result, &error) != FLOWAN_OK)
        ck_abort_msg("%s", error.message);
    fl_buffer_byte(&removed, 0);
    return result;
}

static flowan_expire_result expire(uint64_t now_ns, uint64_t keep_ns,
                                   uint64_t keep_bytes)
{
    flowan_expire_options options = expire_options(now_ns, keep_ns, keep_bytes);
    return expire_with(&options);
}

static void assert_removed(const char *want)
{
    ck_assert_str_eq(removed.data, want);
}

static fl_buffer log_text;

static void make_archive(uint64_t rotate_ns)
{
    flowan_archiver_options options = {.size = sizeof options, .rotate_ns = rotate_ns};
    flowan_archiver *archiver = open_archiver(&options);
    import_all(archiver, &log_text, 10);
    finish(archiver);
}

/* A day a segment, two records each, at 6:00 and 18:00: serials 01 to 05. */
static void set_up_days(void)
{
    set_up();
    for (size_t i = 0; i < 10; i++)
        put_record(&log_text, MARCH_15 + 6 * HOUR + i * 12 * HOUR, (unsigned)i + 1);
    make_archive(DAY);
}

static void tear_down_days(void)
{
    fl_buffer_free(&log_text);
    fl_buffer_free(&removed);
    tear_down();
}

/* The records from the n-th on. */
static void assert_left_from(size_t n)
{
    const char *at = log_text.data;
    while (n-- > 0)
        at = strchr(at, '\n') + 1;
    fl_buffer texts = archived();
    assert_bytes(&texts, at, (size_t)(log_text.data + log_text.size - at));
    fl_buffer_free(&texts);
    assert_all_finished();
}

static void assert_log_known(void)
{
    flowan_archiver *archiver = open_archiver(NULL);
    flowan_log_state state;
    ck_assert(
        flowan_archiver_find_log(archiver, log_text.data, log_text.size, 0, &state));
    ck_assert_uint_eq(state.position.offset, log_text.size);
    flowan_archiver_free(archiver);
}

static uint64_t all_bytes(void)
{
    uint64_t bytes = 0;
    flowan_archive *archive = open_archive();
    for (size_t i = 0; i < flowan_archive_segments(archive); i++) {
        struct stat info;
        ck_assert_int_eq(stat(flowan_archive_path(archive, i), &info), 0);
        bytes += (uint64_t)info.st_size;
    }
    flowan_archive_free(archive);
    return bytes;
}

/* --- what goes --- */

START_TEST(by_age)
{
    uint64_t latest = MARCH_15 + 18 * HOUR; /* of the first */
    flowan_expire_result result = expire(latest + 5 * DAY, 5 * DAY, 0);
    assert_removed(""); /* exactly so old stays */
    ck_assert_uint_eq(result.bytes_left, all_bytes());
    uint64_t before = all_bytes();
    flowan_expire_options dry = expire_options(latest + 5 * DAY + 1, 4 * DAY, 0);
    dry.dry_run = true;
    result = expire_with(&dry);
    assert_removed("01 02");
    ck_assert_uint_eq(result.rows, 4);
    ck_assert_uint_eq(all_bytes(), before);
    ck_assert_uint_eq(result.bytes_left, before - result.bytes);
    assert_left_from(0);
    result = expire(latest + 5 * DAY + 1, 4 * DAY, 0);
    assert_removed("01 02");
    ck_assert_uint_eq(result.removed, 2);
    char day[200];
    snprintf(day, sizeof day, "%s/2025/03/15", home);
    ck_assert_int_ne(access(day, F_OK), 0); /* empty directories go too */
    ck_assert_uint_eq(result.bytes, before - all_bytes());
    ck_assert_uint_eq(result.bytes_left, all_bytes());
    assert_left_from(4);
    assert_log_known();
    expire(latest, UINT64_MAX, 0); /* more than there is time */
    assert_removed("");
    expire(0, 1, 0);
    assert_removed("");
}
END_TEST

START_TEST(by_size)
{
    uint64_t all = all_bytes();
    expire(MARCH_15, 0, all);
    assert_removed("");
    flowan_expire_result result = expire(MARCH_15, 0, all - 1);
    assert_removed("01");
    ck_assert_uint_eq(result.bytes_left, all_bytes());
    /* what is open counts, but stays */
    fl_buffer more = {0};
    put_record(&more, MARCH_15 + 9 * DAY, 1);
    flowan_archiver *archiver = open_archiver(NULL);
    import_all(archiver, &more, 1);
    result = expire(MARCH_15, 0, 1);
    assert_removed("02 03 04 05");
    ck_assert_uint_eq(result.bytes_left, all_bytes());
    ck_assert_uint_eq(segments(), 2); /* the open one, and what knows the logs */
    finish(archiver);
    assert_archived(&more);
    assert_log_known();
    fl_buffer_free(&more);
}
END_TEST

/* The latest receive time in it is what a segment is as old as. */
/* A directory that goes while a writer makes a segment in it is made again. */
static bool day_goes;

int __wrap_open(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...);
int __real_open(const char *path, int flags, ...);

static int open_after_all(const char *path, int flags, mode_t mode)
{
    if (day_goes && (flags & O_CREAT) && strstr(path, ".seg")) {
        day_goes = false;
        fl_care_prune(path);
    }
    return __real_open(path, flags, mode);
}

int __wrap_open(const char *path, int flags, ...)
{
    return open_after_all(path, flags, 0644);
}

int __wrap_open64(const char *path, int flags, ...)
{
    return open_after_all(path, flags, 0644);
}

START_TEST(a_directory_goes_before_its_use)
{
    fl_buffer more = {0};
    put_record(&more, MARCH_15 + 400 * DAY, 1);
    flowan_archiver *archiver = open_archiver(NULL);
    day_goes = true;
    import_all(archiver, &more, 10);
    ck_assert(!day_goes);
    finish(archiver);
    ck_assert_uint_eq(segments(), 6);
    fl_buffer_free(&more);
}
END_TEST

START_TEST(late_records_do_not_make_a_segment_older)
{
    fl_buffer more = {0};
    put_record(&more, MARCH_15 - DAY, 1); /* 06 */
    put_record(&more, MARCH_15 - 9 * DAY, 2);
    flowan_archiver *archiver = open_archiver(NULL);
    import_all(archiver, &more, 10);
    finish(archiver);
    expire(MARCH_15 + DAY, 30 * HOUR, 0);
    assert_removed("06"); /* though its serial is the highest */
    expire(MARCH_15 + 2 * DAY, DAY, 0);
    assert_removed("01");
    assert_log_known();
    fl_buffer_free(&more);
}
END_TEST

/* All records can go; the logs stay known, and the serials go on. */
START_TEST(the_newest_keeps_the_logs)
{
    expire(MARCH_15 + 100 * DAY, DAY, 0);
    assert_removed("01 02 03 04 05");
    ck_assert_uint_eq(segments(), 1);
    assert_left_from(10);
    assert_log_known();
    flowan_expire_result result = expire(MARCH_15 + 1000 * DAY, DAY, 1);
    assert_removed("");
    ck_assert_uint_eq(result.removed, 0);
    fl_buffer more = {0};
    put_record(&more, MARCH_15 + 100 * DAY, 1);
    flowan_archiver *archiver = open_archiver(NULL);
    import_all(archiver, &more, 10);
    finish(archiver);
    ck_assert_str_eq(name_at(1), "2025/06/23/flowan.20250623T000000Z.00000006.seg");
    result = expire(MARCH_15 + 101 * DAY, 2 * DAY, 0);
    assert_removed("05"); /* another knows what it knew */
    ck_assert_uint_eq(result.rows, 0);
    ck_assert_uint_eq(segments(), 1);
    assert_archived(&more);
    assert_log_known();
    fl_buffer_free(&more);
}
END_TEST

START_TEST(what_is_damaged_stays)
{
    char path[400];
    snprintf(path, sizeof path, "%s/%s", home, name_at(0));
    fl_buffer bytes = read_file(path);
    bytes.data[bytes.size - 1] ^= 1;
    write_file(path, bytes.data, bytes.size);
    flowan_expire_result result = expire(MARCH_15 + 100 * DAY, 99 * DAY, 0);
    assert_removed("!01");
    ck_assert_ptr_nonnull(strstr(message, "repair"));
    ck_assert_uint_eq(result.failed, 1);
    write_file(path, "junk", 4);
    expire(MARCH_15 + 100 * DAY, 98 * DAY, 0);
    assert_removed("!01 02");
    fl_buffer_free(&bytes);
}
END_TEST

START_TEST(one_at_a_time)
{
    flowan_expire_options options = expire_options(MARCH_15, DAY, 0);
    fl_care care;
    flowan_error error;
    ck_assert_int_eq(fl_care_begin(&care, home, "merged", NULL), FLOWAN_OK);
    ck_assert_int_eq(flowan_archive_expire(home, &options, NULL, &error),
                     FLOWAN_ERROR_LOCKED);
    options.dry_run = true; /* needs no lock */
    ck_assert_int_eq(flowan_archive_expire(home, &options, NULL, &error), FLOWAN_OK);
    fl_care_end(&care);
    options.size += 8;
    ck_assert_int_eq(flowan_archive_expire(home, NULL, NULL, &error),
                     FLOWAN_ERROR_ARGUMENT);
    options.size = sizeof options;
    options.dry_run = false;
    failing = CALL_RENAME;
    failing_on = true;
    failed_once = false;
    calls_left = 0;
    flowan_expire_result result = expire(MARCH_15 + 100 * DAY, DAY, 0);
    failing = CALL_NONE;
    assert_removed("01 02 03 04 !05");
    ck_assert_uint_eq(result.failed, 1);
    assert_left_from(8);
    assert_log_known();
}
END_TEST

static bool expire_well(void)
{
    flowan_expire_options options = expire_options(MARCH_15 + 100 * DAY, DAY, 0);
    return flowan_archive_expire(home, &options, NULL, NULL) == FLOWAN_OK;
}

START_TEST(killed_at_every_step)
{
    unsigned at = 1;
    for (bool alive = false; !alive; at++) {
        alive = outlives(expire_well, at);
        fl_buffer texts = archived();
        size_t rows = 0;
        for (size_t i = 0; i < texts.size; i++)
            rows += texts.data[i] == '\n';
        ck_assert_uint_eq(rows % 2, 0);
        assert_left_from(10 - rows);
        assert_log_known();
        fl_buffer_free(&texts);
        expire(MARCH_15 + 100 * DAY, DAY, 0);
        assert_left_from(10);
        assert_log_known();
        remove_tree(home);
        make_archive(DAY);
    }
    ck_assert_uint_gt(at, 12);
}
END_TEST

START_TEST(a_scan_passes_over_what_has_expired)
{
    const char *paths[] = {home};
    flowan_scan *scan;
    const flowan_batch *batch;
    const flowan_selection *selection;
    ck_assert_int_eq(flowan_scan_open(&scan, paths, 1, NULL, NULL), FLOWAN_OK);
    ck_assert_int_eq(flowan_scan_next(scan, &batch, &selection, NULL), FLOWAN_OK);
    expire(MARCH_15 + 5 * DAY, 2 * DAY, 0);
    assert_removed("01 02 03");
    uint64_t rows = 0;
    flowan_error error;
    flowan_status status;
    while ((status = flowan_scan_next(scan, &batch, &selection, &error)) == FLOWAN_OK)
        rows += flowan_batch_rows(batch);
    ck_assert_int_eq(status, FLOWAN_END);
    ck_assert_uint_eq(rows, 4);
    flowan_scan_free(scan);
    /* to the very last */
    ck_assert_int_eq(flowan_scan_open(&scan, paths, 1, NULL, NULL), FLOWAN_OK);
    expire(MARCH_15 + 50 * DAY, 2 * DAY, 0);
    ck_assert_int_eq(flowan_scan_next(scan, &batch, &selection, NULL), FLOWAN_END);
    flowan_scan_free(scan);
}
END_TEST

/* --- holds --- */

static flowan_holds *holds_of(const char *text)
{
    flowan_holds *holds;
    flowan_error error;
    if (flowan_holds_parse(&holds, text, strlen(text), "holds", &error) != FLOWAN_OK)
        ck_abort_msg("%s: %s", text, error.message);
    return holds;
}

/* Five segments of an hour with one record each, of addresses of every kind. */
static const char *const records_held[] = {
    "\"src_addr\":\"10.8.1.2\",\"dst_addr\":\"192.0.2.1\",\"sampler_address\":"
    "\"198.51.100.9\"",
    "\"src_addr\":\"2001:db8::5\",\"dst_addr\":\"2001:db8:1::1\"",
    "\"post_nat_src_ipv4_address\":\"cb007107\",\"mpls_ip\":[\"192.0.2.9\","
    "\"192.0.2.10\"]",
    "\"next_hop\":\"::ffff:203.0.113.200\",\"src_addr\":\"\"",
    "\"bytes\":1",
};

static void make_held(void)
{
    remove_tree(home);
    fl_buffer_clear(&log_text);
    for (size_t i = 0; i < 5; i++)
        fl_buffer_format(&log_text,
                         "{\"time_received_ns\":%llu,\"time_flow_start_ns\":%llu,"
                         "\"time_flow_end_ns\":%llu,%s}\n",
                         (unsigned long long)(MARCH_15 + i * HOUR + 600 * SECOND),
                         (unsigned long long)(MARCH_15 + i * HOUR - 600 * SECOND),
                         (unsigned long long)(MARCH_15 + i * HOUR + 300 * SECOND),
                         records_held[i]);
    make_archive(HOUR);
}

static const struct {
    const char *text, *want, *line;
} held_cases[] = {
    {"", "01 02 03 04 05", ""},
    {"# nothing\n\n  \t# 10.0.0.0/8\r\n", "01 02 03 04 05", ""},
    {"10.8.1.2", "=01 02 03 04 05", "holds:1: 10.8.1.2"},
    {"10.8.0.0/16 # office\n", "=01 02 03 04 05", "holds:1: 10.8.0.0/16"},
    {"10.9.0.0/16\n192.0.2.1\n", "=01 02 03 04 05", "holds:2: 192.0.2.1"},
    {"10.8.1.3 198.51.100.0/24", "=01 02 03 04 05", "holds:1: 10.8.1.3 198.51.100.0/24"},
    {"0.0.0.0/0", "=01 02 =03 =04 05", "holds:1: 0.0.0.0/0"},
    {"2001:db8::/32", "01 =02 03 04 05", "holds:1: 2001:db8::/32"},
    {"2001:db8::/48", "01 =02 03 04 05", "holds:1: 2001:db8::/48"},
    {"2001:db8:2::/48", "01 02 03 04 05", ""},
    {"203.0.113.7", "01 02 =03 04 05", "holds:1: 203.0.113.7"},     /* behind the NAT */
    {"192.0.2.10/32", "01 02 =03 04 05", "holds:1: 192.0.2.10/32"}, /* in a list */
    {"203.0.113.128/25", "01 02 03 =04 05", "holds:1: 203.0.113.128/25"},
    {"203.0.113.9/24", "01 02 =03 =04 05", "holds:1: 203.0.113.9/24"}, /* host bits */
    /* times: received in it … */
    {"2025-03-15T00:10 2025-03-15T00:11", "=01 02 03 04 05",
     "holds:1: 2025-03-15T00:10 2025-03-15T00:11"},
    {"2025-03-15T00:10:01Z 2025-03-15T00:11", "01 02 03 04 05", ""},
    {"2025-03-15T00:09 2025-03-15T00:10", "01 02 03 04 05", ""},
    /* … or its flow overlaps it */
    {"2025-03-15T00:50 2025-03-15T00:50:01Z", "01 =02 03 04 05",
     "holds:1: 2025-03-15T00:50 2025-03-15T00:50:01Z"},
    {"2025-03-15T00:49 2025-03-15T00:50", "01 02 03 04 05", ""},
    {"2025-03-15T01:05:00Z 2025-03-15T01:10:00Z", "01 02 03 04 05", ""},
    {"2025-03-15 2025-03-16", "=01 =02 =03 =04 =05", "holds:1: 2025-03-15 2025-03-16"},
    {"1741996800 1741998000", "=01 02 03 04 05", "holds:1: 1741996800 1741998000"},
    /* both, of one record */
    {"2025-03-15T01:00 2025-03-15T02:00 10.8.1.2", "01 02 03 04 05", ""},
    {"10.8.1.2 2025-03-15T00:00 2025-03-15T02:00", "=01 02 03 04 05",
     "holds:1: 10.8.1.2 2025-03-15T00:00 2025-03-15T02:00"},
    {"2025-03-15T00:00 2025-03-15T03:00 192.0.2.0/24", "=01 02 =03 04 05",
     "holds:1: 2025-03-15T00:00 2025-03-15T03:00 192.0.2.0/24"},
};

START_TEST(what_is_held_stays)
{
    make_held();
    flowan_holds *holds = holds_of(held_cases[_i].text);
    flowan_expire_options options = expire_options(MARCH_15 + 100 * DAY, DAY, 0);
    options.holds = holds;
    flowan_expire_result result = expire_with(&options);
    assert_removed(held_cases[_i].want);
    ck_assert_str_eq(message, held_cases[_i].line);
    size_t held = 0;
    for (const char *at = held_cases[_i].want; (at = strchr(at, '=')); at++)
        held++;
    ck_assert_uint_eq(result.held, held);
    ck_assert_uint_eq(result.removed, 5 - held);
    flowan_holds_free(holds);
    assert_log_known();
}
END_TEST

START_TEST(what_cannot_be_read_is_held)
{
    make_held();
    char path[400];
    snprintf(path, sizeof path, "%s/%s", home, name_at(1));
    fl_buffer bytes = read_file(path);
    flowan_holds *holds = holds_of("10.8.1.2\n");
    flowan_expire_options options = expire_options(MARCH_15 + 100 * DAY, DAY, 0);
    options.holds = holds;
    bytes.data[80] ^= 1; /* in the block's head: the footer is sound */
    write_file(path, bytes.data, bytes.size);
    expire_with(&options);
    assert_removed("=01 !02 03 04 05");
    flowan_holds_free(holds);
    fl_buffer_free(&bytes);
}
END_TEST

static const struct {
    const char *text, *want;
} bad_holds[] = {
    {"10.0.0.0/33", "holds:1: neither a time nor a prefix: '10.0.0.0/33'"},
    {"\n# x\n 10.0.0/8\n", "holds:3: neither a time nor a prefix: '10.0.0/8'"},
    {"now 2025-03-15", "holds:1: neither a time nor a prefix: 'now'"},
    {"-2h 2025-03-15", "holds:1: neither a time nor a prefix: '-2h'"},
    {"2025-03-15", "holds:1: a time without an end: '2025-03-15'"},
    {"10.0.0.1 2025-03-15", "holds:1: a time without an end"},
    {"2025-03-15 2025-03-15", "holds:1: ends before it begins"},
    {"2025-03-16 2025-03-15", "holds:1: ends before it begins"},
    {"2025-03-15 2025-03-16 2025-03-17", "holds:1: a third time: '2025-03-17'"},
    {"2025-02-30 2025-03-16", "holds:1: neither a time nor a prefix: '2025-02-30'"},
    {"office", "holds:1: neither a time nor a prefix: 'office'"},
};

START_TEST(errors_name_the_line)
{
    flowan_holds *holds;
    flowan_error error;
    flowan_status status = flowan_holds_parse(
        &holds, bad_holds[_i].text, strlen(bad_holds[_i].text), "holds", &error);
    ck_assert_int_eq(status, FLOWAN_ERROR_FORMAT);
    assert_sentence(&error, status);
    ck_assert_ptr_null(holds);
    if (strncmp(error.message, bad_holds[_i].want, strlen(bad_holds[_i].want)) != 0)
        ck_abort_msg("%s", error.message);
}
END_TEST

START_TEST(holds_come_from_files)
{
    char path[100];
    flowan_holds *holds;
    flowan_error error;
    snprintf(path, sizeof path, "%s/holds", top);
    ck_assert_int_eq(flowan_holds_load(&holds, path, &error), FLOWAN_ERROR_NOT_FOUND);
    write_file(path, "10.0.0.1\nx\n", 11);
    ck_assert_int_eq(flowan_holds_load(&holds, path, &error), FLOWAN_ERROR_FORMAT);
    ck_assert_ptr_nonnull(strstr(error.message, "/holds:2: "));
    ck_assert_uint_eq(error.offset, 9);
    write_file(path, "10.0.0.1\n", 9);
    ck_assert_int_eq(flowan_holds_load(&holds, path, &error), FLOWAN_OK);
    flowan_holds_free(holds);
    flowan_holds_free(NULL);
    ck_assert_int_lt(flowan_holds_load(&holds, top, &error), 0);
}
END_TEST

static Suite *expire_suite(void)
{
    Suite *suite = suite_create("expire");
    TCase *tests = tcase_create("expire");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, set_up_days, tear_down_days);
    tcase_add_test(tests, by_age);
    tcase_add_test(tests, by_size);
    tcase_add_test(tests, a_directory_goes_before_its_use);
    tcase_add_test(tests, late_records_do_not_make_a_segment_older);
    tcase_add_test(tests, the_newest_keeps_the_logs);
    tcase_add_test(tests, what_is_damaged_stays);
    tcase_add_test(tests, one_at_a_time);
    tcase_add_test(tests, killed_at_every_step);
    tcase_add_test(tests, a_scan_passes_over_what_has_expired);
    tcase_add_loop_test(tests, what_is_held_stays, 0,
                        sizeof held_cases / sizeof *held_cases);
    tcase_add_test(tests, what_cannot_be_read_is_held);
    tcase_add_loop_test(tests, errors_name_the_line, 0,
                        sizeof bad_holds / sizeof *bad_holds);
    tcase_add_test(tests, holds_come_from_files);
    suite_add_tcase(suite, tests);
    return suite;
}

FL_UNIT_MAIN(expire_suite)
