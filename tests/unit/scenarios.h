/* What test-faults and test-powercut do to an archive while the system fails under it. A
 * new way to change archives is a function here and a line in the table.
 *
 * A scenario begins with what `prepare` left, and `run` may fail anywhere in it. Run again,
 * until nothing fails, it must come to the same end: the records of `expected`, each once,
 * in order. disk.written counts the records that calls returned for. */
#ifndef FL_SCENARIOS_H
#define FL_SCENARIOS_H

#include <sys/mman.h>

#include "disk.h"

#include "archives.h"
#include "flowan/care.h"
#include "flowan/follow.h"
#include "import.h"
#include "status.h"

typedef struct scenario {
    const char *name;
    void (*prepare)(void); /* nothing fails in it, and it lasts; may be NULL */
    flowan_status (*run)(flowan_error *error);
    /* What holds before it is run again, and after that; NULL: assert_recovers, … */
    void (*recovers)(size_t acknowledged);
    void (*completes)(void);
} scenario;

static fl_buffer expected;
static char logs[2][128]; /* files with the two halves of it */

static const flowan_archiver_options scenario_options = {
    .size = sizeof scenario_options, .segment_rows = 6};

enum { SCENARIO_ROWS = 26 };

static inline void scenario_begins(void)
{
    if (access("/dev/shm", W_OK) == 0)
        directories = "/dev/shm"; /* thousands of small files */
    set_up();
    char directory[64];
    make_directory(directory);
    size_t half = 0;
    for (unsigned i = 0; i < SCENARIO_ROWS; i++) {
        /* two days, a late record, one without a time, and some that fill sectors */
        put_record(&expected, i == 9 ? 0 : MARCH_15 + (i / 12 - i / 20) * DAY, i);
        if (i % 5 == 0) {
            expected.size -= 2;
            fl_buffer_text(&expected, ",\"note\":\"");
            for (unsigned k = 0; k < 700; k++)
                fl_buffer_byte(&expected, (char)('a' + (k * k + k / 7 * i) % 23));
            fl_buffer_text(&expected, "\"}\n");
        }
        if (i == SCENARIO_ROWS / 2)
            half = expected.size;
    }
    for (int i = 0; i < 2; i++)
        snprintf(logs[i], sizeof logs[i], "%s/%c.json", directory, 'a' + i);
    write_file(logs[0], expected.data, half);
    write_file(logs[1], expected.data + half, expected.size - half);
}

static inline void scenario_ends(void)
{
    char *slash = strrchr(logs[0], '/');
    *slash = 0;
    remove_tree(logs[0]);
    fl_buffer_free(&expected);
    tear_down();
}

/* --- parts --- */

/* What opening, writing and finishing come to; the archiver is freed in any case. */
static inline flowan_status scenario_end(flowan_archiver *archiver,
                                         flowan_status status, flowan_error *error)
{
    if (status == FLOWAN_OK)
        status = flowan_archiver_finish(archiver, error);
    if (status == FLOWAN_OK)
        disk_acknowledge();
    flowan_archiver_free(archiver);
    return status;
}

/* The beginning of the log, of so many bytes, in blocks of some rows. */
static inline flowan_status scenario_write(flowan_archiver *archiver, size_t size,
                                           uint32_t rows, flowan_error *error)
{
    fl_buffer part = {.data = expected.data, .size = size};
    flowan_log_state known;
    if (flowan_archiver_find_log(archiver, part.data, size, 0, &known) &&
        known.position.offset > size)
        return FLOWAN_OK; /* an earlier run came further */
    return import(archiver, &part, rows, &disk.written, error);
}

/* Bytes of the first lines. */
static inline size_t first_lines(size_t count)
{
    size_t size = 0;
    while (count > 0)
        count -= expected.data[size++] == '\n';
    return size;
}

static inline flowan_status scenario_import(flowan_archiver *archiver, const char *path,
                                            size_t records, flowan_error *error)
{
    flowan_batch_options batch_options = {.size = sizeof batch_options, .capacity = 4};
    flowan_status status =
        fl_import_run(archiver, path, NULL, &batch_options, NULL, error);
    if (status == FLOWAN_ERROR_EXISTS)
        status = FLOWAN_OK;
    if (status == FLOWAN_OK)
        disk.written = records;
    return status;
}

/* Line `n`, with its line feed. */
static inline const char *line_of(size_t n, size_t *size)
{
    size_t at = first_lines(n);
    *size = first_lines(n + 1) - at;
    return expected.data + at;
}

/* --- scenarios --- */

static inline flowan_status run_write(flowan_error *error)
{
    flowan_archiver *archiver;
    flowan_status status =
        flowan_archiver_open(&archiver, home, &scenario_options, error);
    if (status == FLOWAN_OK)
        status = scenario_write(archiver, expected.size, 4, error);
    return scenario_end(archiver, status, error);
}

/* Two logs, with segments that end inside a batch. */
static inline flowan_status run_import(flowan_error *error)
{
    flowan_archiver *archiver;
    flowan_status status =
        flowan_archiver_open(&archiver, home, &scenario_options, error);
    if (status == FLOWAN_OK)
        status = scenario_import(archiver, logs[0], SCENARIO_ROWS - SCENARIO_ROWS / 2,
                                 error);
    if (status == FLOWAN_OK)
        status = scenario_import(archiver, logs[1], SCENARIO_ROWS, error);
    return scenario_end(archiver, status, error);
}

/* A follower takes what is there. */
static inline flowan_status follow_all(flowan_archiver *archiver, flowan_error *error)
{
    char glob[160];
    snprintf(glob, sizeof glob, "%.*s*.json", (int)(strlen(logs[0]) - 6), logs[0]);
    const char *const globs[] = {glob};
    flowan_follow_options options = {.size = sizeof options, .drain = true};
    flowan_follower *follower;
    flowan_status status =
        flowan_follower_new(&follower, archiver, globs, 1, &options, error);
    while (status == FLOWAN_OK)
        status = flowan_follower_step(follower, 0, error);
    if (status == FLOWAN_END) {
        disk.written = SCENARIO_ROWS;
        disk_acknowledge();
        status = FLOWAN_OK;
    }
    flowan_follower_free(follower);
    return status;
}

static inline flowan_status run_follow(flowan_error *error)
{
    flowan_archiver *archiver;
    flowan_status status =
        flowan_archiver_open(&archiver, home, &scenario_options, error);
    if (status == FLOWAN_OK)
        status = follow_all(archiver, error);
    return scenario_end(archiver, status, error);
}

/* Writers that are killed leave segments open for the next. */
static inline flowan_status run_killed(flowan_error *error)
{
    static const size_t lines[] = {2, 5, 5, 17, 24};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        flowan_archiver *archiver;
        flowan_status status = flowan_archiver_open(&archiver, home, NULL, error);
        if (status == FLOWAN_OK)
            status = scenario_write(archiver, first_lines(lines[i]), 3, error);
        flowan_archiver_free(archiver);
        if (status != FLOWAN_OK)
            return status;
    }
    return run_write(error);
}

/* A killed writer left a block half written. */
static inline void prepare_torn(void)
{
    flowan_archiver *archiver = open_archiver(NULL);
    ck_assert_int_eq(scenario_write(archiver, first_lines(11), 3, NULL), FLOWAN_OK);
    flowan_archiver_free(archiver);
    char path[512];
    snprintf(path, sizeof path, "%s/%s", home, name_at(0));
    fl_buffer bytes = read_file(path);
    write_file(path, bytes.data, bytes.size - 9);
    fl_buffer_free(&bytes);
    disk.written = 9; /* that much is there for good */
}

/* --- care: finished segments in an archive that nobody writes --- */

static inline void prepare_segments(void)
{
    flowan_error error;
    if (run_write(&error) != FLOWAN_OK)
        ck_abort_msg("%s", error.message);
    disk.written = SCENARIO_ROWS;
}

static inline flowan_status run_merge(flowan_error *error)
{
    flowan_merge_options options = {.size = sizeof options,
                                    .now_ns = MARCH_15 + 9 * DAY};
    return flowan_archive_merge(home, &options, NULL, error);
}

/* Half of what is merged already is damaged in its footer, which costs no record. */
static inline void prepare_damaged(void)
{
    prepare_segments();
    for (size_t i = 0; i < segments(); i += 2) {
        char path[512];
        snprintf(path, sizeof path, "%s/%s", home, name_at(i));
        fl_buffer bytes = read_file(path);
        bytes.data[bytes.size - 40] ^= 1;
        write_file(path, bytes.data, bytes.size);
        fl_buffer_free(&bytes);
    }
}

static inline flowan_status run_repair(flowan_error *error)
{
    flowan_repair_result result;
    flowan_status status = flowan_archive_repair(home, NULL, &result, error);
    if (status == FLOWAN_OK && result.failed > 0)
        status =
            fl_status_fail(error, FLOWAN_ERROR_IO, 0, "a segment was not repaired");
    ck_assert_uint_eq(result.rows_lost, 0);
    return status;
}

static inline void repair_recovers(size_t acknowledged)
{
    (void)acknowledged;
    ck_assert_uint_eq(prefix_archived(&expected), SCENARIO_ROWS);
}

/* All records go, and the logs stay known. */
static inline flowan_status run_expire(flowan_error *error)
{
    flowan_expire_options options = {
        .size = sizeof options, .now_ns = MARCH_15 + 9 * DAY, .keep_bytes = 1};
    flowan_expire_result result;
    flowan_status status = flowan_archive_expire(home, &options, &result, error);
    if (status == FLOWAN_OK && result.failed > 0)
        status = fl_status_fail(error, FLOWAN_ERROR_IO, 0, "a segment did not expire");
    return status == FLOWAN_OK ? run_write(error) : status;
}

static inline void expire_recovers(size_t acknowledged)
{
    (void)acknowledged;
    flowan_archiver_free(open_archiver(&scenario_options));
    assert_all_finished();
    /* whole segments are gone, in the order of age: what is left is in order */
    fl_buffer texts = archived();
    const char *left = texts.data;
    const char *end = texts.data + texts.size;
    for (size_t n = 0; left < end && n < SCENARIO_ROWS; n++) {
        size_t size;
        const char *line = line_of(n, &size);
        if (size <= (size_t)(end - left) && memcmp(left, line, size) == 0)
            left += size;
    }
    ck_assert(left == end);
    fl_buffer_free(&texts);
}

static inline void expire_completes(void)
{
    fl_buffer texts = archived();
    ck_assert_uint_eq(texts.size, 0);
    fl_buffer_free(&texts);
    assert_all_finished();
}

/* clang-format off */
static const scenario scenarios[] = {
    {"write",  NULL,             run_write,  NULL,            NULL},
    {"import", NULL,             run_import, NULL,            NULL},
    {"follow", NULL,             run_follow, NULL,            NULL},
    {"killed", NULL,             run_killed, NULL,            NULL},
    {"torn",   prepare_torn,     run_write,  NULL,            NULL},
    {"merge",  prepare_segments, run_merge,  NULL,            NULL},
    {"repair", prepare_damaged,  run_repair, repair_recovers, NULL},
    {"expire", prepare_segments, run_expire, expire_recovers, expire_completes},
};
/* clang-format on */

enum { SCENARIOS = sizeof scenarios / sizeof *scenarios };

/* --- which run it was that failed --- */

/* Shared with the processes that the tests are run in, however these end. */
typedef char running_text[256];
static running_text *running;

static inline void runs_begin(void)
{
    running = mmap(NULL, SCENARIOS * sizeof *running, PROT_READ | PROT_WRITE,
                   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(running, MAP_FAILED);
}

static inline void runs_end(void)
{
    for (size_t i = 0; i < SCENARIOS; i++)
        if (running[i][0])
            fprintf(stderr, "%s: failed at %s\n", scenarios[i].name, running[i]);
    munmap(running, SCENARIOS * sizeof *running);
}

static inline void running_is(const scenario *s, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(running[s - scenarios], sizeof *running, format, args);
    va_end(args);
}

static inline void running_is_well(const scenario *s)
{
    running[s - scenarios][0] = 0;
}

/* --- what must hold --- */

/* The archive opens, whatever befell it, its records are the first of those expected, so
 * many at least, and all its segments are finished and sound. */
static inline void assert_recovers(const scenario *s, size_t acknowledged)
{
    if (s->recovers) {
        s->recovers(acknowledged);
        return;
    }
    flowan_archiver *archiver = open_archiver(&scenario_options);
    ck_assert_uint_ge(prefix_archived(&expected), acknowledged);
    assert_all_finished();
    flowan_archiver_free(archiver);
}

static inline void assert_completes(const scenario *s)
{
    flowan_error error;
    if (s->run(&error) != FLOWAN_OK)
        ck_abort_msg("%s: %s", s->name, error.message);
    if (s->completes) {
        s->completes();
        return;
    }
    assert_archived(&expected);
    assert_all_finished();
}

#endif
