/* Scans that choose rows, and sums over them: the same from logs, segments and archives, by
 * however many threads, with damage between; and what they count adds up. */
#include "asked.h"
#include "flowan/import.h"
#include "flowan/scan.h"
#include "sum.h"
#include "unit.h"

enum { BLOCK_ROWS = 200, BLOCKS = (ASKED_ROWS + BLOCK_ROWS - 1) / BLOCK_ROWS };

#define T0 UINT64_C(1742058649000000000) /* the first flow's start */
#define MS UINT64_C(1000000)

static char large_path[128]; /* a segment of two blocks that have bounds and summaries */
static char log_path[128];
static char archive_path[128];
static flowan_batch *batch;

static void write_log(void)
{
    fl_buffer text = {0};
    put_texts(&text, batch);
    write_file(log_path, text.data, text.size);
    fl_buffer_free(&text);
}

static void begin(void)
{
    set_up();
    snprintf(large_path, sizeof large_path, "%s/b.seg", directory);
    snprintf(log_path, sizeof log_path, "%s/log", directory);
    snprintf(archive_path, sizeof archive_path, "%s/archive", directory);
    batch = asked_batch();
    fl_buffer small = asked_file(batch, BLOCK_ROWS, FLOWAN_LEVEL_FAST);
    fl_buffer large = asked_file(batch, ASKED_ROWS / 2, FLOWAN_LEVEL_DEFAULT);
    write_file(path, small.data, small.size);
    write_file(large_path, large.data, large.size);
    fl_buffer_free(&small);
    fl_buffer_free(&large);
    write_log();
    flowan_archiver *archiver;
    ck_assert_int_eq(flowan_archiver_open(&archiver, archive_path, NULL, NULL), 0);
    ck_assert_int_eq(flowan_import_log(archiver, log_path, NULL, NULL, NULL), 0);
    ck_assert_int_eq(flowan_archiver_finish(archiver, NULL), 0);
    flowan_archiver_free(archiver);
}

static void end(void)
{
    flowan_batch_free(batch);
    tear_down();
}

/* --- what a scan gives --- */

typedef struct result {
    fl_buffer text;  /* of rows, or of one column of them; failures between */
    uint64_t *bytes; /* of each row */
    size_t count;
    size_t room;
    size_t failures;
    flowan_scan_sums sums; /* added up */
    flowan_scan_counts counts;
} result;

static void result_free(result *r)
{
    fl_buffer_free(&r->text);
    fl_memory_free(r->bytes);
}

static void take(result *r, const flowan_batch *from, const flowan_selection *rows,
                 bool texts)
{
    flowan_column bytes;
    flowan_column packets;
    size_t count = rows ? rows->count : flowan_batch_rows(from);
    if (count == 0)
        return;
    ck_assert(flowan_batch_field(from, FLOWAN_FIELD_BYTES, &bytes));
    bool has_packets = flowan_batch_field(from, FLOWAN_FIELD_PACKETS, &packets);
    ck_assert(fl_memory_grow((void **)&r->bytes, &r->room, r->count + count,
                             sizeof *r->bytes));
    fl_clock clock;
    fl_clock_init(&clock, from);
    for (size_t i = 0; i < count; i++) {
        size_t row = rows ? rows->rows[i] : i;
        if (texts)
            fl_render_row(&r->text, from, row);
        fl_buffer_format(&r->text, "%llu\n", (unsigned long long)bytes.u64[row]);
        r->bytes[r->count++] = bytes.u64[row];
        fl_sum_add(&r->sums.bytes, fl_sum_of(bytes.u64[row]));
        fl_sum_add(&r->sums.packets, fl_sum_of(has_packets ? packets.u64[row] : 0));
        fl_span span = fl_clock_span(&clock, row);
        r->sums.flows++;
        if (span.known && (!r->sums.has_span || span.start_ns < r->sums.first_ns))
            r->sums.first_ns = span.start_ns;
        if (span.known && span.end_ns > r->sums.last_ns)
            r->sums.last_ns = span.end_ns;
        r->sums.has_span = r->sums.has_span || span.known;
    }
}

static flowan_scan *open_scan(const char *const *paths, size_t count,
                              const flowan_scan_options *options)
{
    flowan_scan *scan;
    flowan_error error;
    if (flowan_scan_open(&scan, paths, count, options, &error) != FLOWAN_OK)
        ck_abort_msg("%s", error.message);
    return scan;
}

static result scan_all(const char *const *paths, size_t count,
                       const flowan_scan_options *options)
{
    result r = {0};
    flowan_scan *scan = open_scan(paths, count, options);
    const flowan_batch *some;
    const flowan_selection *rows;
    flowan_status status;
    flowan_error error;
    while ((status = flowan_scan_next(scan, &some, &rows, &error)) != FLOWAN_END) {
        if (status == FLOWAN_OK) {
            take(&r, some, rows, !options->columns);
            continue;
        }
        assert_sentence(&error, status);
        fl_buffer_format(&r.text, "failed: %s\n", error.message);
        r.failures++;
    }
    r.counts = flowan_scan_count(scan);
    flowan_scan_free(scan);
    ck_assert(!r.text.failed);
    fl_buffer_byte(&r.text, 0);
    return r;
}

static const char *const filters[] = {"any",
                                      "in if 8",
                                      "proto udp",
                                      "bytes < 200 or bytes > 2100",
                                      "bytes in [700 900 1900]",
                                      "exporter 192.0.2.2 and field mine exists",
                                      "not field note = n4",
                                      "field note = n4 and field as_path < 1000",
                                      "bpp > 300 and not dst port 53",
                                      "not proto tcp and packets 2"};
enum { FILTERS = sizeof filters / sizeof *filters };
static const char *const columns[] = {"bytes", "packets", "time_flow_start_ns",
                                      "time_flow_end_ns", "time_received_ns"};

static flowan_scan_options options_of(const flowan_filter *filter, size_t window)
{
    return (flowan_scan_options){.size = sizeof(flowan_scan_options),
                                 .filter = filter,
                                 .has_start = window > 0,
                                 .has_end = window > 1,
                                 .inside = window > 2,
                                 .start_ns = T0 + 50 * MS,
                                 .end_ns = T0 + (window > 2 ? 1180 : 190) * MS};
}

/* --- the same --- */

START_TEST(threads_change_nothing)
{
    static const uint32_t threads[] = {2, 5, 1000};
    const char *paths[] = {path, log_path, large_path, archive_path};
    flowan_filter *filter = filter_of(filters[_i]);
    for (size_t window = 0; window < 4; window++) {
        flowan_scan_options options = options_of(filter, window);
        if (window % 2)
            options.columns = columns, options.column_count = 1;
        result want = scan_all(paths, 4, &options);
        ck_assert_uint_eq(want.failures, 0);
        for (size_t i = 0; i < (window ? 2 : 3); i++) {
            options.threads = threads[i];
            result got = scan_all(paths, 4, &options);
            ck_assert_str_eq(got.text.data, want.text.data);
            ck_assert_mem_eq(&got.counts, &want.counts, sizeof got.counts);
            result_free(&got);
        }
        result_free(&want);
    }
    flowan_filter_free(filter);
}
END_TEST

START_TEST(logs_segments_and_archives_agree)
{
    const char *paths[] = {log_path, path, large_path, archive_path};
    flowan_filter *filter = filter_of(filters[_i]);
    for (size_t window = 0; window < 4; window++) {
        flowan_scan_options options = options_of(filter, window);
        result want = scan_all(paths, 1, &options);
        for (size_t i = 1; i < 4; i++) {
            result got = scan_all(paths + i, 1, &options);
            ck_assert_str_eq(got.text.data, want.text.data);
            result_free(&got);
        }
        result_free(&want);
    }
    flowan_filter_free(filter);
}
END_TEST

static int by_value(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left;
    uint64_t b = *(const uint64_t *)right;
    return a < b ? -1 : a > b;
}

START_TEST(any_order_is_the_same_set)
{
    const char *paths[] = {path, large_path, log_path};
    flowan_filter *filter = filter_of(filters[_i]);
    for (size_t i = 0; i < 8; i++) {
        flowan_scan_options options = options_of(filter, i % 4);
        options.columns = i < 4 ? columns : NULL;
        options.column_count = 2;
        result want = scan_all(paths, 3, &options);
        options.any_order = true;
        options.threads = i % 3;
        result got = scan_all(paths, 3, &options);
        ck_assert_uint_eq(got.count, want.count);
        if (want.count) {
            qsort(got.bytes, got.count, sizeof *got.bytes, by_value);
            qsort(want.bytes, want.count, sizeof *want.bytes, by_value);
            ck_assert_mem_eq(got.bytes, want.bytes, want.count * sizeof *want.bytes);
        }
        result_free(&got);
        result_free(&want);
    }
    flowan_filter_free(filter);
}
END_TEST

/* --- sums --- */

static void assert_sums(const flowan_scan_sums *got, const flowan_scan_sums *want)
{
    ck_assert_uint_eq(got->flows, want->flows);
    ck_assert_uint_eq(got->bytes.low, want->bytes.low);
    ck_assert_uint_eq(got->bytes.high, want->bytes.high);
    ck_assert_uint_eq(got->packets.low, want->packets.low);
    ck_assert_uint_eq(got->packets.high, want->packets.high);
    ck_assert_int_eq(got->has_span, want->has_span);
    ck_assert_uint_eq(got->first_ns, want->first_ns);
    ck_assert_uint_eq(got->last_ns, want->last_ns);
}

/* Of what the columns are that are asked for; all of it at 8. */
static void forget_others(flowan_scan_sums *sums, unsigned asked)
{
    if (!(asked & 1) && asked < 8)
        sums->bytes = (flowan_sum){0};
    if (!(asked & 2) && asked < 8)
        sums->packets = (flowan_sum){0};
    if (!(asked & 4) && asked < 8) {
        sums->has_span = false;
        sums->first_ns = sums->last_ns = 0;
    }
}

static size_t ask_for(const char **names, unsigned asked, size_t which_time)
{
    static const char *const times[] = {"time_received_ns", "time_flow_start_ns",
                                        "time_flow_end_ns"};
    size_t count = 0;
    if (asked & 4)
        names[count++] = times[which_time % 3];
    if (asked & 1)
        names[count++] = "bytes";
    if (asked & 2)
        names[count++] = "packets";
    return count;
}

START_TEST(sums_are_what_next_gives)
{
    const char *paths[] = {path, log_path, large_path, archive_path, path};
    flowan_filter *filter = filter_of(filters[_i]);
    for (size_t i = 0; i < 4 * 6; i++) {
        flowan_scan_options options = options_of(filter, i % 4);
        size_t first = i / 4 < 5 ? i / 4 : 0;
        size_t count = i / 4 < 5 ? 1 : 5;
        result want = scan_all(paths + first, count, &options);
        const char *names[3];
        unsigned asked = (unsigned)(i * 5 % 9); /* in all ways beside the others */
        forget_others(&want.sums, asked);
        options.columns = asked < 8 ? names : NULL;
        options.column_count = ask_for(names, asked, i);
        options.threads = (uint32_t)(i % 3);
        flowan_scan *scan = open_scan(paths + first, count, &options);
        flowan_scan_sums got = {0};
        ck_assert_int_eq(flowan_scan_sum(scan, &got, NULL), FLOWAN_END);
        ck_assert_int_eq(flowan_scan_sum(scan, &got, NULL), FLOWAN_END);
        assert_sums(&got, &want.sums);
        ck_assert_uint_eq(flowan_scan_count(scan).rows_selected, want.sums.flows);
        ck_assert_uint_eq(flowan_scan_count(scan).rows, want.counts.rows);
        flowan_scan_free(scan);
        result_free(&want);
    }
    flowan_filter_free(filter);
}
END_TEST

/* Flows whose ends do not grow with the blocks, so that several are candidates for the
 * last, and sums that 64 bits do not hold. */
START_TEST(sums_of_odd_times)
{
    fl_buffer text = {0};
    for (unsigned i = 0; i < 4000; i++) {
        unsigned long long at = 1742058651000 + i * 7919ULL % 3000;
        fl_buffer_format(&text, "{\"bytes\":18446744073709551615,\"packets\":%u", i);
        if (i / 200 % 7 != 3) /* some blocks have no times */
            fl_buffer_format(&text,
                             ",\"time_received_ns\":%llu000000,"
                             "\"time_flow_start_ns\":%llu000000,"
                             "\"time_flow_end_ns\":%llu000000",
                             at + 9, at - i % 40, at);
        fl_buffer_text(&text, "}\n");
    }
    flowan_batch *odd = batch_of(text.data, text.size);
    fl_buffer file = asked_file(odd, 100, FLOWAN_LEVEL_FAST);
    write_file(path, file.data, file.size);
    const char *paths[] = {path};
    static const char *const asked[] = {"any", "packets 1500-1600", "packets 700-799"};
    for (size_t i = 0; i < 6; i++) {
        flowan_filter *filter = filter_of(asked[i % 3]);
        flowan_scan_options options = {
            .size = sizeof options, .filter = filter, .threads = i < 3 ? 1 : 4};
        result want = scan_all(paths, 1, &options);
        flowan_scan_sums got = {0};
        flowan_scan *scan = open_scan(paths, 1, &options);
        ck_assert_int_eq(flowan_scan_sum(scan, &got, NULL), FLOWAN_END);
        assert_sums(&got, &want.sums);
        ck_assert_int_eq(got.has_span, i % 3 != 2);
        ck_assert_uint_eq(flowan_scan_count(scan).rows_selected, want.sums.flows);
        flowan_scan_free(scan);
        result_free(&want);
        flowan_filter_free(filter);
    }
    fl_buffer_free(&file);
    flowan_batch_free(odd);
    fl_buffer_free(&text);
}
END_TEST

/* --- counts --- */

START_TEST(counts_add_up)
{
    const char *paths[] = {path, large_path};
    flowan_filter *filter = filter_of(filters[_i]);
    for (size_t window = 0; window < 4; window++) {
        flowan_scan_options options = options_of(filter, window);
        result r = scan_all(paths, 2, &options);
        const flowan_scan_counts *c = &r.counts;
        ck_assert_uint_eq(c->blocks_read + c->blocks_skipped + c->blocks_not_matching +
                              c->blocks_by_bounds + c->blocks_by_dictionary,
                          BLOCKS + 2);
        ck_assert_uint_eq(
            c->segments_read + c->segments_skipped + c->segments_not_matching, 2);
        ck_assert_uint_eq(c->rows_selected, r.count);
        ck_assert_uint_le(c->rows_selected, c->rows);
        ck_assert_uint_le(c->rows, 2 * ASKED_ROWS);
        ck_assert_int_eq(c->bytes_read > 0, c->rows > 0);
        result_free(&r);
    }
    flowan_filter_free(filter);
}
END_TEST

START_TEST(what_is_passed_by_and_why)
{
    static const struct {
        const char *filter;
        uint64_t not_matching, by_bounds, by_dictionary, read;
    } cases[] = {{"any", 0, 0, 0, 2},
                 {"in if 8", 2, 0, 0, 0},
                 {"exporter 192.0.2.1", 1, 0, 0, 1},
                 {"field note exists and not field mine exists", 0, 2, 0, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *paths[] = {large_path};
        flowan_filter *filter = filter_of(cases[i].filter);
        flowan_scan_options options = options_of(filter, 0);
        result r = scan_all(paths, 1, &options);
        ck_assert_uint_eq(r.counts.blocks_not_matching, cases[i].not_matching);
        ck_assert_uint_eq(r.counts.blocks_by_bounds, cases[i].by_bounds);
        ck_assert_uint_eq(r.counts.blocks_by_dictionary, cases[i].by_dictionary);
        ck_assert_uint_eq(r.counts.blocks_read, cases[i].read);
        ck_assert_uint_eq(r.counts.segments_not_matching, cases[i].not_matching == 2);
        result_free(&r);
        flowan_filter_free(filter);
    }
}
END_TEST

/* --- damage --- */

/* Blocks with a byte changed in their first section: each is told once, in its turn, and
 * all else is given. */
START_TEST(damage_between)
{
    fl_buffer file = read_file(path);
    flowan_reader *reader = open_reader(path);
    size_t count;
    const fl_segment_block *blocks = fl_reader_blocks(reader, &count);
    ck_assert_uint_eq(count, BLOCKS);
    size_t damaged[] = {0, 3, BLOCKS - 1};
    for (size_t i = 0; i < 3; i++) {
        const fl_segment_block *block = &blocks[damaged[i]];
        uint32_t head_size = (uint32_t)fl_bytes_load(
            (const unsigned char *)file.data + block->offset + 8, 4);
        file.data[block->offset + head_size] ^= 1;
    }
    flowan_reader_free(reader);
    write_file(path, file.data, file.size);
    fl_buffer_free(&file);
    const char *paths[] = {path, large_path};
    flowan_filter *filter = filter_of(filters[_i]);
    flowan_scan_options options = options_of(filter, 0);
    result want = scan_all(paths, 2, &options);
    ck_assert_uint_eq(want.failures, 3);
    for (uint32_t threads = 2; threads < 6; threads++) {
        options.threads = threads;
        result got = scan_all(paths, 2, &options);
        ck_assert_str_eq(got.text.data, want.text.data);
        result_free(&got);
        flowan_scan *scan = open_scan(paths, 2, &options);
        flowan_scan_sums sums = {0};
        flowan_status status;
        flowan_error error;
        size_t failures = 0;
        while ((status = flowan_scan_sum(scan, &sums, &error)) != FLOWAN_END) {
            assert_sentence(&error, status);
            failures++;
        }
        ck_assert_uint_eq(failures, 3);
        assert_sums(&sums, &want.sums);
        flowan_scan_free(scan);
    }
    result_free(&want);
    flowan_filter_free(filter);
}
END_TEST

/* That its end is lost is told behind all that is left, whatever is asked. */
START_TEST(a_lost_end)
{
    fl_buffer file = read_file(large_path);
    write_file(large_path, file.data, file.size - 1);
    fl_buffer_free(&file);
    const char *paths[] = {large_path};
    for (size_t i = 0; i < FILTERS; i++) {
        flowan_filter *filter = filter_of(filters[i]);
        flowan_scan_options options = options_of(filter, i % 4);
        const char *log[] = {log_path};
        options.threads = i % 3;
        result want = scan_all(log, 1, &options);
        result got = scan_all(paths, 1, &options);
        ck_assert_uint_eq(got.failures, 1);
        ck_assert_int_eq(strncmp(got.text.data, want.text.data, want.text.size - 1), 0);
        ck_assert_ptr_nonnull(
            strstr(got.text.data + want.text.size - 1, "failed: /tmp"));
        result_free(&want);
        result_free(&got);
        flowan_filter_free(filter);
    }
}
END_TEST

/* --- ends --- */

static int stop(void *context, const flowan_scan_counts *so_far)
{
    size_t *calls = context;
    (void)so_far;
    return --*calls == 0;
}

START_TEST(stopped_anywhere)
{
    const char *paths[] = {path, log_path, large_path};
    for (size_t n = 1; n < 20; n++)
        for (uint32_t threads = 1; threads < 4; threads += 2) {
            size_t left = n;
            flowan_scan_options options = {.size = sizeof options,
                                           .threads = threads,
                                           .progress = stop,
                                           .context = &left};
            result r = scan_all(paths, 3, &options);
            ck_assert_uint_eq(r.failures, 0);
            result_free(&r);
            left = n;
            flowan_scan *scan = open_scan(paths, 3, &options);
            flowan_scan_sums sums = {0};
            ck_assert_int_eq(flowan_scan_sum(scan, &sums, NULL), FLOWAN_END);
            flowan_scan_free(scan);
        }
}
END_TEST

START_TEST(freed_anywhere)
{
    const char *paths[] = {path, large_path};
    for (size_t n = 0; n < 12; n++) {
        flowan_scan_options options = {.size = sizeof options, .threads = 4};
        flowan_scan *scan = open_scan(paths, 2, &options);
        const flowan_batch *some;
        const flowan_selection *rows;
        for (size_t i = 0; i < n; i++)
            flowan_scan_next(scan, &some, &rows, NULL);
        flowan_scan_free(scan);
    }
}
END_TEST

static Suite *suite_of(void)
{
    Suite *suite = suite_create("scan, choice");
    TCase *tests = tcase_create("scan, choice");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_loop_test(tests, threads_change_nothing, 0, FILTERS);
    tcase_add_loop_test(tests, logs_segments_and_archives_agree, 0, FILTERS);
    tcase_add_loop_test(tests, any_order_is_the_same_set, 0, FILTERS);
    tcase_add_loop_test(tests, sums_are_what_next_gives, 0, FILTERS);
    tcase_add_test(tests, sums_of_odd_times);
    tcase_add_loop_test(tests, counts_add_up, 0, FILTERS);
    tcase_add_test(tests, what_is_passed_by_and_why);
    tcase_add_loop_test(tests, damage_between, 0, FILTERS);
    tcase_add_test(tests, a_lost_end);
    tcase_add_test(tests, stopped_anywhere);
    tcase_add_test(tests, freed_anywhere);
    suite_add_tcase(suite, tests);
    return suite;
}

FL_UNIT_MAIN(suite_of)
