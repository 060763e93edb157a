/* Merging: the same records in the same order, at every instant, for those who read, those
 * who begin to write, and those who come after a crash. */
#include "flowan/care.h"

#include "archives.h"
#include "care.h"
#include "filters.h"
#include "flowan/scan.h"
#include "killed.h"
#include "unit.h"
#include "writer.h"

/* --- fixtures --- */

#define HOUR (3600 * SECOND)

/* `count` records, `apart_ns` from each other. */
static fl_buffer log_of(uint64_t start_ns, size_t count, uint64_t apart_ns)
{
    fl_buffer log = {0};
    for (size_t i = 0; i < count; i++)
        put_record(&log, start_ns + i * apart_ns, (unsigned)i + 1);
    return log;
}

/* Into segments of an hour, blocks of `rows`. */
static void import_hourly(const fl_buffer *log, uint32_t rows)
{
    flowan_archiver_options options = {.size = sizeof options, .rotate_ns = HOUR};
    flowan_archiver *archiver = open_archiver(&options);
    import_all(archiver, log, rows);
    finish(archiver);
}

static flowan_merge_options merge_options(uint64_t now_ns)
{
    return (flowan_merge_options){.size = sizeof(flowan_merge_options),
                                  .now_ns = now_ns};
}

static flowan_merge_result merge(const flowan_merge_options *options)
{
    flowan_merge_result result;
    flowan_error error;
    if (flowan_archive_merge(home, options, &result, &error) != FLOWAN_OK)
        ck_abort_msg("%s", error.message);
    return result;
}

static flowan_merge_result merge_all(void)
{
    flowan_merge_options options = merge_options(MARCH_15 + 1000 * DAY);
    return merge(&options);
}

/* No file but those that the listing has, the locks, and what else is named. */
static void assert_tidy(void)
{
    flowan_archive *archive = open_archive();
    const char *by;
    ck_assert_ptr_null(fl_archive_hidden(archive, 0, &by));
    flowan_archive_free(archive);
    char command[256];
    snprintf(command, sizeof command, "find %s -name '*.care' -print -quit | grep -q .",
             home);
    ck_assert_int_ne(system(command), 0);
}

/* --- what becomes of a day --- */

static size_t told;

static void tell(void *context, const flowan_merged *merged)
{
    fl_buffer *said = context;
    told++;
    fl_buffer_format(
        said, "%s: %llu segments, %llu rows, %llu blocks in %llu\n",
        merged->path + strlen(home) + 1, (unsigned long long)merged->segments,
        (unsigned long long)merged->rows, (unsigned long long)merged->blocks_before,
        (unsigned long long)merged->blocks);
    ck_assert_uint_lt(merged->bytes, merged->bytes_before);
}

START_TEST(a_day_becomes_a_segment)
{
    fl_buffer log = log_of(MARCH_15, 60, HOUR / 2); /* 24 hours and 6 */
    fl_buffer said = {0};
    import_hourly(&log, 1);
    ck_assert_uint_eq(segments(), 30);
    flowan_merge_options options = merge_options(MARCH_15 + 3 * DAY);
    options.merged = tell;
    options.context = &said;
    flowan_merge_result result = merge(&options);
    ck_assert_uint_eq(result.made, 2);
    ck_assert_uint_eq(result.merged, 30);
    ck_assert_uint_eq(result.damaged, 0);
    fl_buffer_byte(&said, 0);
    ck_assert_str_eq(
        said.data,
        "2025/03/15/flowan.20250315T000000Z.00000001-00000024.seg: 24 segments, "
        "48 rows, 48 blocks in 1\n"
        "2025/03/16/flowan.20250316T000000Z.00000025-00000030.seg: 6 segments, "
        "12 rows, 12 blocks in 1\n");
    ck_assert_uint_eq(segments(), 2);
    ck_assert_str_eq(name_at(0),
                     "2025/03/15/flowan.20250315T000000Z.00000001-00000024.seg");
    assert_archived(&log);
    assert_all_finished();
    assert_tidy();
    flowan_archive *archive = open_archive();
    flowan_reader *reader = open_segment_at(archive, 0);
    flowan_segment_info info = flowan_reader_info(reader);
    ck_assert_uint_eq(info.serial, 1);
    ck_assert_uint_eq(info.last_serial, 24);
    ck_assert_uint_eq(info.interval_start_ns, MARCH_15);
    ck_assert_uint_eq(info.interval_ns, DAY);
    ck_assert_uint_eq(info.stats.rows, 48);
    ck_assert_uint_gt(info.stats.text_bytes, 48);
    flowan_reader_free(reader);
    flowan_archive_free(archive);
    /* once more there is nothing to do */
    result = merge(&options);
    ck_assert_uint_eq(result.made, 0);
    ck_assert_uint_eq(segments(), 2);
    /* serials go on, and the log is known to its end */
    flowan_archiver *archiver = open_archiver(NULL);
    flowan_log_state state;
    ck_assert(flowan_archiver_find_log(archiver, log.data, log.size, 0, &state));
    ck_assert_uint_eq(state.position.offset, log.size);
    fl_buffer more = log_of(MARCH_15 + 5 * DAY, 61, SECOND);
    import_all(archiver, &more, 10);
    finish(archiver);
    ck_assert_str_eq(name_at(2), "2025/03/20/flowan.20250320T000000Z.00000031.seg");
    fl_buffer_append(&log, more.data, more.size);
    assert_archived(&log);
    fl_buffer_free(&more);
    fl_buffer_free(&said);
    fl_buffer_free(&log);
}
END_TEST

START_TEST(only_days_that_are_old_enough)
{
    fl_buffer log = log_of(MARCH_15, 60, HOUR / 2);
    import_hourly(&log, 100);
    flowan_merge_options options = merge_options(MARCH_15 + 2 * DAY - 1);
    options.older_than_ns = DAY;
    ck_assert_uint_eq(merge(&options).made, 0);
    options.now_ns = MARCH_15 + DAY - 1;
    options.older_than_ns = 0;
    ck_assert_uint_eq(merge(&options).made, 0);
    options.now_ns = 0;
    ck_assert_uint_eq(merge(&options).made, 0);
    options.older_than_ns = UINT64_MAX;
    options.now_ns = UINT64_MAX;
    ck_assert_uint_eq(merge(&options).made, 0);
    ck_assert_uint_eq(segments(), 30);
    options.now_ns = MARCH_15 + 2 * DAY;
    options.older_than_ns = DAY;
    ck_assert_uint_eq(merge(&options).made, 1);
    ck_assert_uint_eq(segments(), 7);
    assert_archived(&log);
    fl_buffer_free(&log);
}
END_TEST

/* What was merged and what came later for the same day are merged again; a day that comes
 * back after another keeps its place. */
START_TEST(order_counts_more_than_days)
{
    fl_buffer log = log_of(MARCH_15, 10, HOUR);
    import_hourly(&log, 100);
    ck_assert_uint_eq(merge_all().made, 1);
    fl_buffer same = log_of(MARCH_15 + 12 * HOUR, 5, HOUR);
    import_hourly(&same, 100);
    ck_assert_uint_eq(merge_all().made, 1);
    ck_assert_uint_eq(segments(), 1);
    ck_assert_str_eq(name_at(0),
                     "2025/03/15/flowan.20250315T000000Z.00000001-00000015.seg");
    fl_buffer later = log_of(MARCH_15 + DAY, 4, HOUR);
    fl_buffer back = log_of(MARCH_15 + 2 * HOUR, 3, HOUR);
    import_hourly(&later, 100);
    import_hourly(&back, 100);
    ck_assert_uint_eq(merge_all().made, 2);
    ck_assert_uint_eq(segments(), 3);
    fl_buffer_append(&log, same.data, same.size);
    fl_buffer_append(&log, later.data, later.size);
    fl_buffer_append(&log, back.data, back.size);
    assert_archived(&log);
    fl_buffer_free(&back);
    fl_buffer_free(&later);
    fl_buffer_free(&same);
    fl_buffer_free(&log);
}
END_TEST

START_TEST(rows_stay_within_the_limit)
{
    fl_buffer log = log_of(MARCH_15, 10, HOUR); /* a row a segment */
    import_hourly(&log, 100);
    flowan_merge_options options = merge_options(MARCH_15 + 3 * DAY);
    options.segment_rows = 4;
    flowan_merge_result result = merge(&options);
    ck_assert_uint_eq(result.made, 3);
    ck_assert_uint_eq(result.merged, 10);
    ck_assert_str_eq(name_at(1),
                     "2025/03/15/flowan.20250315T000000Z.00000005-00000008.seg");
    ck_assert_str_eq(name_at(2),
                     "2025/03/15/flowan.20250315T000000Z.00000009-00000010.seg");
    ck_assert_uint_eq(merge(&options).made, 0);
    assert_archived(&log);
    fl_buffer_free(&log);
}
END_TEST

/* A segment that is open, damaged, or longer than a day stays as it is, and parts those
 * around it. */
START_TEST(what_is_not_merged)
{
    fl_buffer log = log_of(MARCH_15, 9, HOUR);
    import_hourly(&log, 100);
    char open[512], sealed[400], damaged[400];
    snprintf(sealed, sizeof sealed, "%s/%s", home, name_at(2));
    snprintf(open, sizeof open, "%s.open", sealed);
    ck_assert_int_eq(__real_rename(sealed, open), 0);
    snprintf(damaged, sizeof damaged, "%s/%s", home, name_at(5));
    fl_buffer bytes = read_file(damaged);
    bytes.data[bytes.size - 1] ^= 1;
    write_file(damaged, bytes.data, bytes.size);
    flowan_merge_result result = merge_all();
    ck_assert_uint_eq(result.made, 3);
    ck_assert_uint_eq(result.merged, 7);
    ck_assert_uint_eq(result.damaged, 1);
    ck_assert_uint_eq(segments(), 5);
    assert_archived(&log);
    /* damage inside a block is found when it is to be carried on */
    bytes.data[bytes.size - 1] ^= 1;
    bytes.data[200] ^= 1;
    write_file(damaged, bytes.data, bytes.size);
    ck_assert_int_eq(__real_rename(open, sealed), 0);
    flowan_merge_options options = merge_options(MARCH_15 + 1000 * DAY);
    flowan_error error;
    flowan_status status = flowan_archive_merge(home, &options, &result, &error);
    assert_sentence(&error, status);
    ck_assert_ptr_nonnull(strstr(error.message, damaged));
    ck_assert_uint_eq(result.made, 0);
    ck_assert_uint_eq(segments(), 5);
    assert_tidy();
    bytes.data[200] ^= 1;
    write_file(damaged, bytes.data, bytes.size);
    ck_assert_uint_eq(merge_all().made, 1);
    ck_assert_uint_eq(segments(), 1);
    assert_archived(&log);
    fl_buffer_free(&bytes);
    fl_buffer_free(&log);
}
END_TEST

static int stop_at(void *context)
{
    return --*(int *)context <= 0;
}

START_TEST(a_merge_can_be_stopped)
{
    fl_buffer log = log_of(MARCH_15, 48, HOUR);
    import_hourly(&log, 100);
    int left = 30;
    flowan_merge_options options = merge_options(MARCH_15 + 3 * DAY);
    options.progress = stop_at;
    options.context = &left;
    flowan_merge_result result = merge(&options);
    ck_assert(result.stopped);
    ck_assert_uint_eq(result.made, 1);
    ck_assert_uint_eq(segments(), 25);
    assert_archived(&log);
    assert_tidy();
    fl_buffer_free(&log);
}
END_TEST

START_TEST(one_at_a_time)
{
    fl_buffer log = log_of(MARCH_15, 3, HOUR);
    flowan_error error;
    flowan_merge_options options = merge_options(MARCH_15 + 3 * DAY);
    ck_assert_int_eq(flowan_archive_merge(home, &options, NULL, &error),
                     FLOWAN_ERROR_NOT_FOUND);
    ck_assert_int_eq(access(home, F_OK), -1); /* and made nothing */
    import_hourly(&log, 100);
    fl_care care;
    ck_assert_int_eq(fl_care_begin(&care, home, "merged", NULL), FLOWAN_OK);
    ck_assert_int_eq(flowan_archive_merge(home, &options, NULL, &error),
                     FLOWAN_ERROR_LOCKED);
    char pid[32];
    snprintf(pid, sizeof pid, "by process %ld", (long)getpid());
    ck_assert_ptr_nonnull(strstr(error.message, pid));
    fl_care_end(&care);
    /* beside a writer */
    flowan_archiver *archiver = open_archiver(NULL);
    ck_assert_uint_eq(merge_all().made, 1);
    import_all(archiver, &log, 10);
    finish(archiver);
    options.size = sizeof options + 8;
    ck_assert_int_eq(flowan_archive_merge(home, NULL, NULL, &error),
                     FLOWAN_ERROR_ARGUMENT);
    fl_buffer_free(&log);
}
END_TEST

/* --- killed --- */

static bool merge_well(void)
{
    flowan_merge_options options = merge_options(MARCH_15 + 1000 * DAY);
    return flowan_archive_merge(home, &options, NULL, NULL) == FLOWAN_OK;
}

START_TEST(killed_at_every_step)
{
    fl_buffer log = log_of(MARCH_15, 8, 6 * HOUR); /* two days of four */
    unsigned killed = 0;
    for (unsigned at = 1;; at++) {
        import_hourly(&log, 100);
        bool alive = outlives(merge_well, at);
        /* nothing lost, nothing twice, for all who come now */
        assert_archived(&log);
        size_t now = segments();
        ck_assert(now == 8 || now == 5 || now == 2);
        flowan_archiver *archiver = open_archiver(NULL);
        flowan_log_state state;
        ck_assert(flowan_archiver_find_log(archiver, log.data, log.size, 0, &state));
        ck_assert_uint_eq(state.position.offset, log.size);
        flowan_archiver_free(archiver);
        assert_archived(&log);
        merge_all();
        ck_assert_uint_eq(segments(), 2);
        assert_archived(&log);
        assert_tidy();
        remove_tree(home);
        if (alive)
            break;
        killed++;
    }
    /* two files' header, block and footer, two names, eight files, and more */
    ck_assert_uint_gt(killed, 18);
    fl_buffer_free(&log);
}
END_TEST

/* --- read meanwhile --- */

static flowan_scan *open_scan(bool window, const flowan_filter *filter,
                              uint32_t threads)
{
    static const char *paths[1];
    paths[0] = home;
    flowan_scan_options options = {.size = sizeof options,
                                   .filter = filter,
                                   .threads = threads,
                                   .has_start = window,
                                   .has_end = window,
                                   .start_ns = MARCH_15 + 3 * HOUR,
                                   .end_ns = MARCH_15 + 21 * HOUR};
    flowan_scan *scan;
    flowan_error error;
    if (flowan_scan_open(&scan, paths, 1, &options, &error) != FLOWAN_OK)
        ck_abort_msg("%s", error.message);
    return scan;
}

/* Appends the selected rows of the next batch; false at the end. */
static bool scan_next(flowan_scan *scan, fl_buffer *texts)
{
    const flowan_batch *batch;
    const flowan_selection *selection;
    flowan_error error;
    flowan_status status = flowan_scan_next(scan, &batch, &selection, &error);
    if (status == FLOWAN_END)
        return false;
    if (status != FLOWAN_OK)
        ck_abort_msg("%s", error.message);
    size_t count = selection ? selection->count : flowan_batch_rows(batch);
    for (size_t i = 0; i < count; i++) {
        fl_render_row(texts, batch, selection ? selection->rows[i] : i);
        fl_buffer_byte(texts, '\n');
    }
    return true;
}

/* A scan that has read n batches when the archive is merged goes on where it was; when it
 * is merged once more, too; also where several threads read, or a filter passes blocks by. */
START_TEST(a_scan_goes_on_through_merges)
{
    fl_buffer log = log_of(MARCH_15, 48, HOUR / 2); /* two a segment */
    bool window = _i % 2;
    uint32_t threads = _i / 2 == 1 ? 3 : 1;
    flowan_filter *filter =
        _i / 2 == 2 ? filter_of("not bytes in [3 4 5 20 33]") : NULL;
    fl_buffer want = {0};
    import_hourly(&log, 1);
    flowan_scan *scan = open_scan(window, filter, 1);
    while (scan_next(scan, &want))
        ;
    flowan_scan_free(scan);
    remove_tree(home);
    if (!window && !filter)
        assert_bytes(&want, log.data, log.size);
    else
        ck_assert_uint_lt(want.size, log.size);
    for (size_t first = 0; first < 50; first += 3)
        for (size_t then = 0; then < 12; then += 5) {
            import_hourly(&log, 1);
            fl_buffer texts = {0};
            scan = open_scan(window, filter, threads);
            for (size_t i = 0; i < first && scan_next(scan, &texts); i++)
                ;
            flowan_merge_options options = merge_options(MARCH_15 + 1000 * DAY);
            options.segment_rows = 14;
            merge(&options);
            for (size_t i = 0; i < then && scan_next(scan, &texts); i++)
                ;
            merge_all();
            while (scan_next(scan, &texts))
                ;
            assert_bytes(&texts, want.data, want.size);
            flowan_scan_free(scan);
            fl_buffer_free(&texts);
            remove_tree(home);
        }
    flowan_filter_free(filter);
    fl_buffer_free(&want);
    fl_buffer_free(&log);
}
END_TEST

/* A look at the columns that meets a merge begins again, and counts nothing twice. */
static unsigned opened;
static unsigned merge_at; /* before the opening of so many segments; 0: never */

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...);

static int open_beside(const char *path, int flags)
{
    if (merge_at && strstr(path, ".seg") && ++opened == merge_at) {
        merge_at = 0;
        merge_all();
    }
    return __real_open(path, flags, 0644);
}

int __wrap_open(const char *path, int flags, ...)
{
    return open_beside(path, flags);
}

int __wrap_open64(const char *path, int flags, ...)
{
    return open_beside(path, flags);
}

START_TEST(a_schema_counts_once)
{
    fl_buffer log = log_of(MARCH_15, 10, HOUR);
    for (unsigned at = 1; at <= 10; at++) {
        import_hourly(&log, 100);
        const char *paths[] = {home};
        flowan_schema *schema;
        flowan_error error;
        size_t damaged;
        opened = 0;
        merge_at = at;
        if (flowan_schema_new(&schema, paths, 1, NULL, &damaged, &error) != FLOWAN_OK)
            ck_abort_msg("%s", error.message);
        ck_assert_uint_eq(merge_at, 0);
        ck_assert_uint_eq(damaged, 0);
        ck_assert_uint_eq(flowan_schema_rows(schema), 10);
        flowan_schema_column column;
        ck_assert(flowan_schema_get(schema, 0, &column));
        ck_assert_uint_eq(column.present, 10);
        flowan_schema_free(schema);
        ck_assert_uint_eq(segments(), 1);
        remove_tree(home);
    }
    fl_buffer_free(&log);
}
END_TEST

/* One who begins to write while segments are merged still knows every log. */
START_TEST(a_writer_begins_beside_a_merge)
{
    fl_buffer log = log_of(MARCH_15, 10, HOUR);
    for (unsigned at = 1; at <= 3; at++) {
        import_hourly(&log, 100);
        opened = 0;
        merge_at = at;
        flowan_archiver *archiver = open_archiver(NULL);
        flowan_log_state state;
        ck_assert(flowan_archiver_find_log(archiver, log.data, log.size, 0, &state));
        ck_assert_uint_eq(state.position.offset, log.size);
        flowan_archiver_free(archiver);
        merge_at = 0;
        remove_tree(home);
    }
    fl_buffer_free(&log);
}
END_TEST

/* Another process lists and reads, again and again, while days become segments. */
START_TEST(readers_beside_a_merge_see_each_record_once)
{
    enum { ROUNDS = 12 };
    fl_buffer log = log_of(MARCH_15, 96, HOUR / 4);
    for (int round = 0; round < ROUNDS; round++) {
        flowan_archiver_options options = {.size = sizeof options,
                                           .rotate_ns = HOUR / 4};
        flowan_archiver *archiver = open_archiver(&options);
        import_all(archiver, &log, 100);
        finish(archiver);
        int ends[2];
        ck_assert_int_eq(pipe(ends), 0);
        pid_t child = fork();
        ck_assert_int_ge(child, 0);
        if (child == 0) {
            close(ends[1]);
            char byte;
            fcntl(ends[0], F_SETFL, O_NONBLOCK);
            do {
                fl_buffer texts = {0};
                flowan_scan *scan = open_scan(false, NULL, 1);
                while (scan_next(scan, &texts))
                    ;
                flowan_scan_free(scan);
                if (texts.size != log.size ||
                    memcmp(texts.data, log.data, log.size) != 0)
                    _exit(1);
                fl_buffer_free(&texts);
            } while (read(ends[0], &byte, 1) < 0); /* until the merge is over */
            _exit(0);
        }
        close(ends[0]);
        flowan_merge_options merging = merge_options(MARCH_15 + 1000 * DAY);
        for (uint64_t rows = 2; rows <= 128; rows *= 2) {
            merging.segment_rows = rows;
            merge(&merging);
        }
        close(ends[1]);
        int state;
        ck_assert_int_eq(waitpid(child, &state, 0), child);
        ck_assert(WIFEXITED(state) && WEXITSTATUS(state) == 0);
        ck_assert_uint_eq(segments(), 1);
        remove_tree(home);
    }
    fl_buffer_free(&log);
}
END_TEST

/* --- a directory is not read at one instant --- */

/* While it is set, segments are missed; the third one ends that. */
static bool blind;
static unsigned missed;

struct dirent *__real_readdir(DIR *directory);
struct dirent *__wrap_readdir(DIR *directory);
struct dirent64 *__real_readdir64(DIR *directory);
struct dirent64 *__wrap_readdir64(DIR *directory);

static bool is_missed(const char *name)
{
    if (!blind || !strstr(name, ".seg"))
        return false;
    blind = ++missed < 3;
    return true;
}

struct dirent *__wrap_readdir(DIR *directory)
{
    struct dirent *item;
    do
        item = __real_readdir(directory);
    while (item && is_missed(item->d_name));
    return item;
}

struct dirent64 *__wrap_readdir64(DIR *directory)
{
    struct dirent64 *item;
    do
        item = __real_readdir64(directory);
    while (item && is_missed(item->d_name));
    return item;
}

START_TEST(what_one_listing_misses_the_next_one_has)
{
    fl_buffer log = log_of(MARCH_15, 6, HOUR);
    import_hourly(&log, 100);
    missed = 0;
    blind = true;
    assert_archived(&log);
    ck_assert(!blind);
    fl_buffer_free(&log);
}
END_TEST

/* --- names --- */

/* A segment of another archive that was put among ours may hide them. They are not lost. */
START_TEST(what_a_name_alone_hides_is_not_removed)
{
    fl_buffer log = log_of(MARCH_15, 6, HOUR);
    fl_buffer other = log_of(MARCH_15 + 1, 9, HOUR);
    import_hourly(&other, 100);
    merge_all();
    char path[400];
    snprintf(path, sizeof path, "%s/%s", home, name_at(0));
    fl_buffer bytes = read_file(path);
    remove_tree(home);
    import_hourly(&log, 100);
    write_file(path, bytes.data, bytes.size);
    ck_assert_uint_eq(segments(), 1);
    merge_all();
    unlink(path);
    assert_archived(&log);
    fl_buffer_free(&bytes);
    fl_buffer_free(&other);
    fl_buffer_free(&log);
}
END_TEST

static void touch(const char *name)
{
    char file[400];
    snprintf(file, sizeof file, "%s/2025/03/15/%s", home, name);
    write_file(file, "", 0);
}

START_TEST(what_a_range_hides)
{
    char day[160];
    ck_assert_int_eq(__real_mkdir(home, 0755), 0);
    for (size_t size = 4; size <= 10; size += 3) {
        snprintf(day, sizeof day, "%s/%.*s", home, (int)size, "2025/03/15");
        ck_assert_int_eq(__real_mkdir(day, 0755), 0);
    }
    touch("flowan.20250315T000000Z.00000001.seg");
    touch("flowan.20250315T000000Z.00000002-00000005.seg");
    touch("flowan.20250315T000000Z.00000002.seg"); /* hidden, like the next */
    touch("flowan.20250315T000000Z.00000003-00000004.seg");
    touch("flowan.20250315T000000Z.00000005.seg.open");
    touch("flowan.20250315T000000Z.00000006.seg");
    touch("flowan.20250315T000000Z.00000006.seg.open");          /* renamed just now */
    touch("flowan.20250315T000000Z.00000006-00000007.seg.care"); /* not there yet */
    touch("flowan.20250315T000000Z.00000008-00000007.seg");      /* no names */
    touch("flowan.20250315T000000Z.00000008-.seg");
    touch("flowan.20250315T000000Z.-00000009.seg");
    touch("flowan.20250315T000000Z.00000010-11-12.seg");
    flowan_archive *archive = open_archive();
    ck_assert_uint_eq(flowan_archive_segments(archive), 3);
    ck_assert_uint_eq(fl_archive_serial(archive, 1), 2);
    ck_assert_uint_eq(fl_archive_last_serial(archive, 1), 5);
    ck_assert_uint_eq(fl_archive_last_serial(archive, 2), 6);
    size_t hidden = 0, unfinished = 0;
    for (const char *by; fl_archive_hidden(archive, hidden, &by); hidden++)
        unfinished += by == NULL;
    ck_assert_uint_eq(hidden, 5);
    ck_assert_uint_eq(unfinished, 1);
    flowan_archive_free(archive);
}
END_TEST

static Suite *merge_suite(void)
{
    Suite *suite = suite_create("merge");
    TCase *tests = tcase_create("merge");
    tcase_set_timeout(tests, 100);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, a_day_becomes_a_segment);
    tcase_add_test(tests, only_days_that_are_old_enough);
    tcase_add_test(tests, order_counts_more_than_days);
    tcase_add_test(tests, rows_stay_within_the_limit);
    tcase_add_test(tests, what_is_not_merged);
    tcase_add_test(tests, a_merge_can_be_stopped);
    tcase_add_test(tests, one_at_a_time);
    tcase_add_test(tests, killed_at_every_step);
    tcase_add_loop_test(tests, a_scan_goes_on_through_merges, 0, 6);
    tcase_add_test(tests, a_schema_counts_once);
    tcase_add_test(tests, a_writer_begins_beside_a_merge);
    tcase_add_test(tests, readers_beside_a_merge_see_each_record_once);
    tcase_add_test(tests, what_one_listing_misses_the_next_one_has);
    tcase_add_test(tests, what_a_name_alone_hides_is_not_removed);
    tcase_add_test(tests, what_a_range_hides);
    suite_add_tcase(suite, tests);
    return suite;
}

FL_UNIT_MAIN(merge_suite)
