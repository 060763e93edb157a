/* Archives: which segment a record goes to, what a lock is worth, and above all that what
 * was acknowledged survives: cuts, damage, and a system that refuses at any call. The
 * linker sends the library's system calls through the wrappers here. */
#include "flowan/archive.h"

#include <errno.h>
#include <sys/wait.h>
#include <xxhash.h>

#include "archive.h"
#include "clock.h"
#include "flowan/import.h"
#include "segment.h"
#include "segments.h"
#include "unit.h"

/* --- the wrapped system --- */

typedef enum call {
    CALL_NONE,
    CALL_WRITE,
    CALL_SHORT_WRITE, /* the n-th takes half, and those behind it nothing */
    CALL_FSYNC,
    CALL_RENAME,
    CALL_MKDIR,
    CALL_TRUNCATE, /* with the write before it that makes it necessary */
    CALLS
} call;

static call failing;
static unsigned calls_left; /* that succeed before */
static bool failing_on;     /* all that follow too */
static bool failed_once;
static const char *in_archive; /* only there; Check writes files too */

static bool is_ours(int fd)
{
    char link[64], target[512];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t size = readlink(link, target, sizeof target - 1);
    return in_archive && size > 0 &&
           strncmp(target, in_archive, strlen(in_archive)) == 0;
}

static bool fails(call which)
{
    if (failing != which)
        return false;
    if (failed_once)
        return failing_on;
    if (calls_left-- > 0)
        return false;
    return failed_once = true;
}

ssize_t __real_write(int fd, const void *data, size_t size);
ssize_t __wrap_write(int fd, const void *data, size_t size);
int __wrap_fsync(int fd);
int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);
int __real_mkdir(const char *name, mode_t mode);
int __wrap_mkdir(const char *name, mode_t mode);
int __real_ftruncate(int fd, off_t size);
int __wrap_ftruncate(int fd, off_t size);
int __real_ftruncate64(int fd, off_t size);
int __wrap_ftruncate64(int fd, off_t size);

ssize_t __wrap_write(int fd, const void *data, size_t size)
{
    if (!is_ours(fd))
        return __real_write(fd, data, size);
    bool first = !failed_once;
    if (fails(CALL_WRITE) || fails(CALL_TRUNCATE)) {
        errno = ENOSPC;
        return -1;
    }
    if (fails(CALL_SHORT_WRITE)) {
        if (first && size > 1)
            return __real_write(fd, data, size / 2);
        errno = ENOSPC;
        return -1;
    }
    return __real_write(fd, data, size);
}

/* Real ones would only be slow. */
int __wrap_fsync(int fd)
{
    if (is_ours(fd) && fails(CALL_FSYNC)) {
        errno = EIO;
        return -1;
    }
    return 0;
}

int __wrap_rename(const char *from, const char *to)
{
    if (fails(CALL_RENAME)) {
        errno = EACCES;
        return -1;
    }
    return __real_rename(from, to);
}

int __wrap_mkdir(const char *name, mode_t mode)
{
    if (fails(CALL_MKDIR)) {
        errno = ENOSPC;
        return -1;
    }
    return __real_mkdir(name, mode);
}

static bool truncation_fails(int fd)
{
    if (failing != CALL_TRUNCATE || !failed_once || !failing_on || !is_ours(fd))
        return false;
    errno = EIO;
    return true;
}

int __wrap_ftruncate(int fd, off_t size)
{
    return truncation_fails(fd) ? -1 : __real_ftruncate(fd, size);
}

int __wrap_ftruncate64(int fd, off_t size)
{
    return truncation_fails(fd) ? -1 : __real_ftruncate64(fd, size);
}

/* --- fixtures --- */

#define DAY FL_CLOCK_DAY_NS
/* 2025-03-15T00:00:00Z */
#define MARCH_15 UINT64_C(1741996800000000000)
#define SECOND UINT64_C(1000000000)

static char top[64];   /* a directory of the test's own */
static char home[128]; /* the archive in it */

static void set_up(void)
{
    make_directory(top);
    snprintf(home, sizeof home, "%s/archive", top);
    failing = CALL_NONE;
    in_archive = top;
}

static void tear_down(void)
{
    failing = CALL_NONE;
    remove_tree(top);
}

static void assert_sentence(const flowan_error *error, flowan_status status)
{
    ck_assert_int_lt(status, 0);
    ck_assert_int_eq(error->status, status);
    ck_assert_uint_gt(strlen(error->message), 10);
}

static flowan_archiver *open_archiver(const flowan_archiver_options *options)
{
    flowan_archiver *archiver;
    flowan_error error;
    if (flowan_archiver_open(&archiver, home, options, &error) != FLOWAN_OK)
        ck_abort_msg("%s", error.message);
    return archiver;
}

static flowan_archive *open_archive(void)
{
    flowan_archive *archive;
    flowan_error error;
    if (flowan_archive_open(&archive, home, &error) != FLOWAN_OK)
        ck_abort_msg("%s", error.message);
    return archive;
}

static flowan_reader *open_segment_at(const flowan_archive *archive, size_t index)
{
    flowan_reader *reader;
    flowan_error error;
    if (flowan_archive_reader(archive, index, &reader, &error) != FLOWAN_OK)
        ck_abort_msg("%s", error.message);
    return reader;
}

static void finish(flowan_archiver *archiver)
{
    flowan_error error;
    if (flowan_archiver_finish(archiver, &error) != FLOWAN_OK)
        ck_abort_msg("%s", error.message);
    flowan_archiver_free(archiver);
}

static flowan_log_state state_of(const char *name, const char *text, size_t size)
{
    uint32_t head = size < 64 ? (uint32_t)size : 64;
    return (flowan_log_state){.path = name,
                              .inode = 11,
                              .head_hash = XXH3_64bits(text, head),
                              .head_size = head,
                              .position = {0, XXH3_64bits("", 0)}};
}

/* A record with its receive time (0: none) and a number that tells it. */
static void put_record(fl_buffer *log, uint64_t received_ns, unsigned number)
{
    fl_buffer_text(log, "{");
    if (received_ns)
        fl_buffer_format(log, "\"time_received_ns\":%llu,",
                         (unsigned long long)received_ns);
    fl_buffer_format(log, "\"bytes\":%u}\n", number);
}

/* Reads a log into the archive as an importer does: from where the archive knows it, in
 * batches of a few rows. *acknowledged counts the records of the whole log that writes
 * returned for. */
static flowan_status import(flowan_archiver *archiver, const fl_buffer *log,
                            uint32_t rows, size_t *acknowledged, flowan_error *error)
{
    flowan_log_state state = state_of("a.json", log->data, log->size);
    flowan_log_state known;
    if (flowan_archiver_find_log(archiver, log->data, log->size, 0, &known)) {
        ck_assert_uint_le(known.position.offset, log->size);
        ck_assert_uint_eq(known.position.content_hash,
                          XXH3_64bits(log->data, known.position.offset));
        state.position = known.position;
        state.rows_after = known.rows_after;
    }
    flowan_batch_options options = {.size = sizeof options, .capacity = rows};
    flowan_batch *batch;
    flowan_parser *parser;
    ck_assert_int_eq(flowan_batch_new(&batch, &options, NULL), FLOWAN_OK);
    ck_assert_int_eq(flowan_parser_new(&parser, NULL, NULL), FLOWAN_OK);
    ck_assert_int_eq(flowan_parser_skip(parser, log->data, state.position.offset, NULL),
                     FLOWAN_OK);
    size_t at = state.position.offset;
    size_t rows_known = state.rows_after;
    size_t before = 0;
    for (size_t i = 0; i < at; i++)
        before += log->data[i] == '\n';
    flowan_status status = flowan_archiver_begin_log(archiver, &state, MARCH_15, error);
    bool more = true;
    while (status == FLOWAN_OK && more) {
        size_t used;
        flowan_status fed = flowan_parser_feed(parser, log->data + at, log->size - at,
                                               batch, &used, NULL);
        ck_assert_int_ge(fed, FLOWAN_OK);
        at += used;
        more = fed == FLOWAN_FULL;
        size_t have = flowan_batch_rows(batch);
        size_t first = rows_known < have ? rows_known : have;
        status = flowan_archiver_write(archiver, batch, first,
                                       flowan_parser_position(parser), error);
        if (status == FLOWAN_OK) {
            rows_known -= first;
            before += have;
            if (acknowledged)
                *acknowledged = before;
            flowan_batch_reset(batch);
        }
    }
    flowan_parser_free(parser);
    flowan_batch_free(batch);
    return status;
}

static void import_all(flowan_archiver *archiver, const fl_buffer *log, uint32_t rows)
{
    flowan_error error;
    if (import(archiver, log, rows, NULL, &error) != FLOWAN_OK)
        ck_abort_msg("%s", error.message);
}

/* The texts of all records of the archive, in order. */
static fl_buffer archived(void)
{
    fl_buffer texts = {0};
    flowan_archive *archive = open_archive();
    flowan_batch *batch = empty_batch();
    for (size_t i = 0; i < flowan_archive_segments(archive); i++) {
        flowan_reader *reader = open_segment_at(archive, i);
        size_t blocks = flowan_reader_info(reader).blocks;
        for (size_t k = 0; k < blocks; k++) {
            flowan_error error;
            if (flowan_reader_read(reader, k, NULL, 0, batch, &error) != FLOWAN_OK)
                ck_abort_msg("%s", error.message);
            put_texts(&texts, batch);
        }
        flowan_reader_free(reader);
    }
    flowan_batch_free(batch);
    flowan_archive_free(archive);
    return texts;
}

static void assert_archived(const fl_buffer *log)
{
    fl_buffer texts = archived();
    assert_bytes(&texts, log->data, log->size);
    fl_buffer_free(&texts);
}

/* Path of segment `index` behind the archive's directory; "" when there is none. */
static const char *name_at(size_t index)
{
    static char name[256];
    flowan_archive *archive = open_archive();
    const char *found = flowan_archive_path(archive, index);
    snprintf(name, sizeof name, "%s", found ? found + strlen(home) + 1 : "");
    flowan_archive_free(archive);
    return name;
}

static uint64_t rows_at(size_t index)
{
    flowan_archive *archive = open_archive();
    flowan_reader *reader = open_segment_at(archive, index);
    uint64_t rows = flowan_reader_info(reader).stats.rows;
    flowan_reader_free(reader);
    flowan_archive_free(archive);
    return rows;
}

static size_t segments(void)
{
    flowan_archive *archive = open_archive();
    size_t count = flowan_archive_segments(archive);
    flowan_archive_free(archive);
    return count;
}

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
    char path[256];
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
    char path[256];
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

/* --- recovery --- */

/* An archive with one finished segment and an open one of several blocks, as a writer that
 * was killed leaves it. The bytes of the open one, and its path. */
static fl_buffer killed_writer(fl_buffer *log, char path[256])
{
    for (unsigned i = 0; i < 12; i++)
        put_record(log, MARCH_15 + (i < 3 ? 0 : DAY), i);
    flowan_archiver *archiver = open_archiver(NULL);
    import_all(archiver, log, 3);
    flowan_archiver_free(archiver);
    ck_assert_uint_eq(segments(), 2);
    snprintf(path, 256, "%s/%s", home, name_at(1));
    return read_file(path);
}

/* How many whole records the archive holds, which must be the first ones of the log. */
static size_t prefix_archived(const fl_buffer *log)
{
    fl_buffer texts = archived();
    ck_assert_uint_le(texts.size, log->size);
    ck_assert(texts.size == 0 || memcmp(texts.data, log->data, texts.size) == 0);
    ck_assert(texts.size == 0 || texts.data[texts.size - 1] == '\n');
    size_t count = 0;
    for (size_t i = 0; i < texts.size; i++)
        count += texts.data[i] == '\n';
    fl_buffer_free(&texts);
    return count;
}

static void assert_all_finished(void)
{
    flowan_archive *archive = open_archive();
    for (size_t i = 0; i < flowan_archive_segments(archive); i++) {
        flowan_reader *reader = open_segment_at(archive, i);
        flowan_error error;
        ck_assert(flowan_reader_info(reader).finished);
        ck_assert(!fl_archive_is_open(archive, i));
        if (flowan_reader_verify(reader, NULL, &error) != FLOWAN_OK)
            ck_abort_msg("%s", error.message);
        flowan_reader_free(reader);
    }
    flowan_archive_free(archive);
}

START_TEST(an_open_segment_cut_at_every_byte)
{
    fl_buffer log = {0};
    char path[256], final[256];
    fl_buffer whole = killed_writer(&log, path);
    snprintf(final, sizeof final, "%.*s", (int)(strlen(path) - 5), path);
    size_t last = 3;
    for (size_t size = 0; size <= whole.size; size++) {
        unlink(final);
        write_file(path, whole.data, size);
        flowan_archiver *archiver = open_archiver(NULL);
        assert_all_finished();
        ck_assert_uint_eq(segments(), size < FL_SEGMENT_HEADER_SIZE ? 1 : 2);
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
    char path[256], final[256];
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
    char path[256];
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
    char path[256];
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
    char path[256];
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
    char path[256];
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
    char path[256];
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
    if (status != FLOWAN_OK && archiver) {
        /* while it still refuses, all that was acknowledged can be read */
        ck_assert_uint_ge(prefix_archived(log), acknowledged);
        /* and to try again, in vain or not, makes nothing worse */
        for (int i = 0; i < 2; i++)
            if (import(archiver, log, 3, &acknowledged, NULL) == FLOWAN_OK)
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
        /* a segment that could not even be cut back takes nothing more */
        ck_assert_int_eq(which, CALL_TRUNCATE);
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
    char path[256];
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

    TCase *logs = tcase_create("logs");
    tcase_add_checked_fixture(logs, set_up, tear_down);
    tcase_add_test(logs, a_log_is_taken_up_exactly);
    tcase_add_test(logs, an_import_is_taken_up_exactly);
    tcase_add_test(logs, logs_are_found_by_their_heads);
    tcase_add_test(logs, positions_outlive_segments);
    tcase_set_timeout(logs, 120);
    suite_add_tcase(suite, logs);

    TCase *faults = tcase_create("faults");
    tcase_add_checked_fixture(faults, set_up, tear_down);
    tcase_add_loop_test(faults, nothing_acknowledged_is_lost, CALL_WRITE, CALLS);
    tcase_add_loop_test(faults, recovery_can_fail_and_be_repeated, CALL_WRITE,
                        CALL_MKDIR);
    tcase_set_timeout(faults, 240);
    suite_add_tcase(suite, faults);
    return suite;
}

FL_UNIT_MAIN(suite_of)
