/* Imports by several threads: the archive, the calls and the result are those of one, also
 * where something fails. */
#include "import.h"

#include <pthread.h>
#include <sys/wait.h>

#include "archives.h"
#include "status.h"
#include "unit.h"

static const uint32_t threads_of[] = {1, 2, 3, 8};
enum { THREADS = sizeof threads_of / sizeof *threads_of };

/* --- a log, and what an import of it came to --- */

static char log_path[128];

static void set_up_log(void)
{
    set_up();
    snprintf(log_path, sizeof log_path, "%s/log.json", top);
}

/* Records of three days, late ones and timeless ones among them, lists and texts, spellings
 * that shapes do not give back, and rejects in between. */
static fl_buffer mixed_log(unsigned records)
{
    fl_buffer log = {0};
    for (unsigned i = 0; i < records; i++) {
        uint64_t day = i < records / 3 ? 0 : i < records / 2 ? 1 : 2;
        uint64_t received = MARCH_15 + (i % 11 == 7 ? 0 : day) * DAY + i * SECOND;
        if (i % 5 == 0)
            fl_buffer_format(&log,
                             "{\"bytes\": %u,\"as_path\":[%u,2],\"note\":\"%u\"}\n", i,
                             i % 9, i * 7919);
        else if (i % 13 == 0)
            fl_buffer_format(&log, "{\"key_%u\":%u}\n", i % 40, i);
        else
            put_record(&log, received, i);
        if (i % 17 == 3)
            fl_buffer_format(&log, "junk %u\n", i);
        if (i % 29 == 4)
            fl_buffer_format(&log, "{\"torn\":%u,\n", i);
    }
    ck_assert(!log.failed);
    return log;
}

/* What it came to: the archive's names and bytes, the rejects, status and counts. */
typedef struct outcome {
    fl_buffer said;
    flowan_status status;
    flowan_import_result result;
} outcome;

typedef struct witness {
    fl_buffer *said;
    pthread_t owner;
    unsigned refused; /* the reject that is not taken, from 1; 0: none */
    unsigned rejects;
    unsigned progresses;
    uint64_t bytes;   /* when it was last called */
    unsigned stop_at; /* the call of progress that stops, likewise */
} witness;

static flowan_status on_reject(void *context, const flowan_log_state *log,
                               const flowan_reject *reject, flowan_error *error)
{
    witness *w = context;
    ck_assert(pthread_equal(w->owner, pthread_self()));
    ck_assert_str_eq(log->path, log_path);
    fl_buffer_format(w->said, "reject %d at %llu, %zu bytes\n", reject->reason,
                     (unsigned long long)reject->offset, reject->size);
    if (++w->rejects != w->refused)
        return FLOWAN_OK;
    return fl_status_fail(error, FLOWAN_ERROR_LIMIT, reject->offset,
                          "enough of these rejects");
}

static int on_progress(void *context, const flowan_import_result *so_far)
{
    witness *w = context;
    ck_assert(pthread_equal(w->owner, pthread_self()));
    ck_assert_uint_ge(so_far->bytes, w->bytes);
    w->bytes = so_far->bytes;
    return ++w->progresses == w->stop_at;
}

static void say_archive(fl_buffer *said)
{
    flowan_archive *archive = open_archive();
    for (size_t i = 0; i < flowan_archive_segments(archive); i++) {
        const char *path = flowan_archive_path(archive, i);
        fl_buffer bytes = read_file(path);
        fl_buffer_format(said, "%s, %zu bytes: ", path + strlen(home), bytes.size);
        fl_buffer_append(said, bytes.data, bytes.size);
        fl_buffer_free(&bytes);
    }
    flowan_archive_free(archive);
}

typedef struct setting {
    uint32_t threads;
    uint32_t batch_rows;
    uint64_t segment_rows;
    unsigned refused;
    unsigned stop_at;
    call which; /* the n-th such call fails */
    unsigned n;
} setting;

static flowan_archiver *archiver_of(const setting *s)
{
    flowan_archiver_options options = {.size = sizeof options,
                                       .segment_rows = s->segment_rows};
    return open_archiver(&options);
}

static outcome import_with(flowan_archiver *archiver, const setting *s)
{
    outcome out = {0};
    witness w = {.said = &out.said,
                 .owner = pthread_self(),
                 .refused = s->refused,
                 .stop_at = s->stop_at};
    flowan_import_options options = {.size = sizeof options,
                                     .context = &w,
                                     .reject = on_reject,
                                     .progress = on_progress,
                                     .threads = s->threads};
    flowan_batch_options batches = {.size = sizeof batches, .capacity = s->batch_rows};
    flowan_error error = {0};
    failing = s->which;
    failing_on = failed_once = false;
    calls_left = s->n;
    out.status =
        fl_import_run(archiver, log_path, &options, &batches, &out.result, &error);
    failing = CALL_NONE;
    if (out.status < FLOWAN_OK)
        assert_sentence(&error, out.status);
    say_archive(&out.said);
    return out;
}

static void assert_same(const outcome *got, const outcome *want)
{
    ck_assert_int_eq(got->status, want->status);
    ck_assert_uint_eq(got->result.records, want->result.records);
    ck_assert_uint_eq(got->result.bytes, want->result.bytes);
    ck_assert_uint_eq(got->result.resumed_at, want->result.resumed_at);
    for (int i = 0; i < FLOWAN_REJECT_REASONS; i++)
        ck_assert_uint_eq(got->result.rejects[i], want->result.rejects[i]);
    ck_assert(got->result.stopped == want->result.stopped);
    assert_bytes(&got->said, want->said.data, want->said.size);
}

/* --- the same --- */

START_TEST(the_archive_is_the_same)
{
    static const uint32_t batch_rows[] = {1, 3, 16, 100, 0};
    static const uint64_t segment_rows[] = {0, 5, 40};
    fl_buffer log = mixed_log(400);
    write_file(log_path, log.data, log.size);
    setting s = {.batch_rows = batch_rows[_i % 5],
                 .segment_rows = segment_rows[_i / 5]};
    outcome want = {0};
    for (size_t i = 0; i < THREADS; i++) {
        s.threads = threads_of[i];
        flowan_archiver *archiver = archiver_of(&s);
        outcome got = import_with(archiver, &s);
        finish(archiver);
        say_archive(&got.said);
        ck_assert_int_eq(got.status, FLOWAN_OK);
        ck_assert_uint_eq(got.result.records, 400);
        ck_assert_uint_gt(got.result.rejects[FLOWAN_REJECT_JUNK], 10);
        assert_all_finished();
        if (i == 0)
            want = got;
        else
            assert_same(&got, &want);
        if (i > 0)
            fl_buffer_free(&got.said);
        remove_tree(home);
    }
    fl_buffer_free(&want.said);
    fl_buffer_free(&log);
}
END_TEST

/* The log grows while nobody looks, and is cut inside a record: any number of threads
 * takes up what any other left. */
START_TEST(a_log_is_taken_up)
{
    fl_buffer log = mixed_log(150);
    setting s = {.batch_rows = 7, .segment_rows = 20};
    outcome want = {0};
    for (size_t i = 0; i < THREADS; i++) {
        fl_buffer said = {0};
        size_t step = 0;
        flowan_archiver *archiver = NULL;
        for (size_t end = 500; end < log.size + 1500; end += 1500) {
            write_file(log_path, log.data, end < log.size ? end : log.size);
            s.threads = threads_of[(i + step++ * i) % THREADS];
            archiver = archiver_of(&s);
            outcome got = import_with(archiver, &s);
            ck_assert_int_eq(got.status, FLOWAN_OK);
            fl_buffer_append(&said, got.said.data, got.said.size);
            fl_buffer_free(&got.said);
            finish(archiver);
        }
        ck_assert_uint_gt(step, 3);
        outcome all = {.said = said};
        if (i == 0)
            want = all;
        else
            assert_same(&all, &want);
        if (i > 0)
            fl_buffer_free(&said);
        remove_tree(home);
    }
    fl_buffer_free(&want.said);
    fl_buffer_free(&log);
}
END_TEST

/* --- failures --- */

/* The log again with an archive that the failure left, without one. */
static void complete(flowan_archiver *archiver, setting s, unsigned records)
{
    if (s.which == CALL_FSYNC) {
        /* a segment that could not be synced ends it for the archiver */
        flowan_archiver_free(archiver);
        archiver = archiver_of(&s);
    }
    s.which = CALL_NONE;
    s.refused = s.stop_at = 0;
    outcome rest = import_with(archiver, &s);
    ck_assert_int_eq(rest.status, FLOWAN_OK);
    finish(archiver);
    fl_buffer texts = archived();
    size_t lines = 0;
    for (size_t i = 0; i < texts.size; i++)
        lines += texts.data[i] == '\n';
    ck_assert_uint_eq(lines, records);
    fl_buffer_free(&texts);
    fl_buffer_free(&rest.said);
}

/* With the n-th call of the system failing, for every n: the writes are those of one
 * thread, so what the failure leaves is the same to the byte. */
START_TEST(a_failure_leaves_the_same)
{
    fl_buffer log = mixed_log(60);
    write_file(log_path, log.data, log.size);
    bool failed = true;
    unsigned n = 0;
    for (; failed; n++) {
        outcome want = {0};
        for (size_t i = 0; i < THREADS; i++) {
            setting s = {.threads = threads_of[i],
                         .batch_rows = 4,
                         .segment_rows = 9,
                         .which = (call)_i,
                         .n = n};
            flowan_archiver *archiver = archiver_of(&s);
            outcome got = import_with(archiver, &s);
            failed = failed_once;
            ck_assert(failed == (got.status != FLOWAN_OK) || _i == CALL_SHORT_WRITE);
            if (i == 0)
                want = got;
            else
                assert_same(&got, &want);
            if (i > 0)
                fl_buffer_free(&got.said);
            if (got.status != FLOWAN_OK)
                complete(archiver, s, 60);
            else
                finish(archiver);
            remove_tree(home);
        }
        fl_buffer_free(&want.said);
    }
    ck_assert_uint_ge(n, 5);
    fl_buffer_free(&log);
}
END_TEST

/* A reject that is refused: nothing of its batch is written, nor of those behind. */
START_TEST(a_refused_reject_ends_it)
{
    fl_buffer log = mixed_log(200);
    write_file(log_path, log.data, log.size);
    for (unsigned refused = 1; refused < 19; refused++) {
        outcome want = {0};
        for (size_t i = 0; i < THREADS; i++) {
            setting s = {.threads = threads_of[i],
                         .batch_rows = 6,
                         .segment_rows = 25,
                         .refused = refused};
            flowan_archiver *archiver = archiver_of(&s);
            outcome got = import_with(archiver, &s);
            ck_assert_int_eq(got.status, FLOWAN_ERROR_LIMIT);
            ck_assert_uint_eq(got.result.records % 6, 0);
            if (i == 0)
                want = got;
            else
                assert_same(&got, &want);
            if (i > 0)
                fl_buffer_free(&got.said);
            complete(archiver, s, 200);
            remove_tree(home);
        }
        fl_buffer_free(&want.said);
    }
    fl_buffer_free(&log);
}
END_TEST

/* Stopped by progress: all that was parsed is in. */
START_TEST(a_stop_writes_what_was_read)
{
    fl_buffer log = mixed_log(20000);
    write_file(log_path, log.data, log.size);
    ck_assert_uint_gt(log.size, 600000);
    outcome want = {0};
    for (size_t i = 0; i < THREADS; i++) {
        setting s = {.threads = threads_of[i], .batch_rows = 1000, .stop_at = 2};
        flowan_archiver *archiver = archiver_of(&s);
        outcome got = import_with(archiver, &s);
        ck_assert_int_eq(got.status, FLOWAN_OK);
        ck_assert(got.result.stopped);
        ck_assert_uint_gt(got.result.records, 1000);
        if (i == 0)
            want = got;
        else
            assert_same(&got, &want);
        if (i > 0)
            fl_buffer_free(&got.said);
        complete(archiver, s, 20000);
        remove_tree(home);
    }
    fl_buffer_free(&want.said);
    fl_buffer_free(&log);
}
END_TEST

/* A damaged end of a compressed log is told after what came before was written; a write
 * that failed before counts more. */
START_TEST(the_first_failure_is_told)
{
    static const unsigned char broken_gzip[] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3,
                                                /* a stored block of two records */
                                                0, 26, 0, 0xe5, 0xff};
    fl_buffer log = {0};
    fl_buffer_append(&log, broken_gzip, sizeof broken_gzip);
    for (unsigned i = 0; i < 2; i++)
        fl_buffer_format(&log, "{\"bytes\":%u}", 100 + i);
    fl_buffer_append(&log, "\xff\xff\xff\xff", 4);
    write_file(log_path, log.data, log.size);
    for (size_t i = 0; i < THREADS; i++)
        for (unsigned n = 0; n < 4; n++) {
            setting s = {.threads = threads_of[i],
                         .batch_rows = 1,
                         .which = n < 3 ? CALL_MKDIR : CALL_NONE,
                         .n = n};
            flowan_archiver *archiver = archiver_of(&s);
            outcome got = import_with(archiver, &s);
            ck_assert_int_eq(got.status, n < 3 ? FLOWAN_ERROR_IO : FLOWAN_ERROR_FORMAT);
            ck_assert_uint_eq(got.result.records, n < 3 ? 0 : 2);
            fl_buffer_free(&got.said);
            finish(archiver);
            remove_tree(home);
        }
    fl_buffer_free(&log);
}
END_TEST

/* --- manners --- */

/* While a pipe has nothing to say, what was full is written all the same. */
START_TEST(a_slow_pipe_keeps_nothing_back)
{
    fl_buffer log = {0};
    for (unsigned i = 0; i < 200; i++)
        put_record(&log, MARCH_15, i);
    ck_assert_uint_gt(log.size, 5000); /* the first 4096 bytes tell which log it is */
    ck_assert_int_eq(mkfifo(log_path, 0600), 0);
    setting s = {.threads = threads_of[_i], .batch_rows = 30};
    flowan_archiver *archiver = archiver_of(&s);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        int fd = open(log_path, O_WRONLY);
        size_t in = 0;
        if (__real_write(fd, log.data, log.size) != (ssize_t)log.size)
            _exit(2);
        for (int tries = 0; in < 180 && tries < 1000; tries++) {
            usleep(10000);
            in = prefix_archived(&log);
        }
        _exit(in == 180 ? 0 : 1);
    }
    outcome got = import_with(archiver, &s);
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    ck_assert_int_eq(got.status, FLOWAN_OK);
    finish(archiver);
    assert_archived(&log);
    fl_buffer_free(&got.said);
    fl_buffer_free(&log);
}
END_TEST

START_TEST(threads_are_limited)
{
    write_file(log_path, "{}\n", 3);
    flowan_archiver *archiver = open_archiver(NULL);
    flowan_import_options options = {.size = sizeof options, .threads = 257};
    flowan_error error;
    flowan_status status =
        flowan_import_log(archiver, log_path, &options, NULL, &error);
    ck_assert_int_eq(status, FLOWAN_ERROR_ARGUMENT);
    assert_sentence(&error, status);
    options.threads = 256;
    ck_assert_int_eq(flowan_import_log(archiver, log_path, &options, NULL, &error),
                     FLOWAN_OK);
    options.again = true;
    options.threads = 0;
    ck_assert_int_eq(flowan_import_log(archiver, log_path, &options, NULL, &error),
                     FLOWAN_OK);
    finish(archiver);
    ck_assert_uint_eq(rows_at(0), 2);
}
END_TEST

static Suite *suite_of(void)
{
    Suite *suite = suite_create("import");
    TCase *same = tcase_create("same");
    tcase_add_checked_fixture(same, set_up_log, tear_down);
    tcase_add_loop_test(same, the_archive_is_the_same, 0, 15);
    tcase_add_test(same, a_log_is_taken_up);
    tcase_set_timeout(same, 120);
    suite_add_tcase(suite, same);
    TCase *failures = tcase_create("failures");
    tcase_add_checked_fixture(failures, set_up_log, tear_down);
    tcase_add_loop_test(failures, a_failure_leaves_the_same, CALL_WRITE, CALL_TRUNCATE);
    tcase_add_test(failures, a_refused_reject_ends_it);
    tcase_add_test(failures, a_stop_writes_what_was_read);
    tcase_add_test(failures, the_first_failure_is_told);
    tcase_set_timeout(failures, 240);
    suite_add_tcase(suite, failures);
    TCase *manners = tcase_create("manners");
    tcase_add_checked_fixture(manners, set_up_log, tear_down);
    tcase_add_loop_test(manners, a_slow_pipe_keeps_nothing_back, 0, THREADS);
    tcase_add_test(manners, threads_are_limited);
    tcase_set_timeout(manners, 120);
    suite_add_tcase(suite, manners);
    return suite;
}

FL_UNIT_MAIN(suite_of)
