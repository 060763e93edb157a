/* A parser and a batch that have seen a log parse it again without an allocation: what
 * follows a log for weeks must not live off the allocator. */
#include <stdio.h>
#include <string.h>

#include "allocations.h"
#include "flowan/parser.h"
#include "flowan/source.h"
#include "memory.h"
#include "samples.h"
#include "unit.h"

#if defined(__SANITIZE_ADDRESS__)
enum { LOG_MAX = 2 << 20 };
#else
enum { LOG_MAX = 8 << 20 };
#endif

static fl_buffer sample_log(void)
{
    char path[4096];
    const char *directory = getenv("FLOWAN_TEST_DATA");
    snprintf(path, sizeof path, "%s/sample.json.zst",
             directory ? directory : "tests/data");
    fl_buffer log = {0};
    flowan_source *source;
    flowan_error error;
    if (flowan_source_open(&source, path, &error) != FLOWAN_OK)
        ck_abort_msg("%s", error.message);
    while (log.size < LOG_MAX) {
        const void *data;
        size_t size;
        flowan_status status = flowan_source_read(source, &data, &size, &error);
        if (status == FLOWAN_END)
            break;
        if (status != FLOWAN_OK)
            ck_abort_msg("%s", error.message);
        fl_buffer_append(&log, data, size);
    }
    ck_assert(!log.failed);
    flowan_source_free(source);
    return log;
}

/* Every set of records, also with escapes and with texts that are kept. */
static fl_buffer samples_log(void)
{
    fl_buffer log = {0};
    for (size_t i = 0; i < SAMPLES_COUNT; i++) {
        size_t size;
        const char *text = samples_text(i, &size);
        fl_buffer_append(&log, text, size);
    }
    ck_assert(!log.failed);
    return log;
}

/* The rows of all batches. (Check's assertions allocate.) */
static size_t parse_all(flowan_parser *parser, flowan_batch *batch,
                        const fl_buffer *log, size_t step)
{
    size_t rows = 0;
    flowan_batch_reset(batch);
    for (size_t at = 0; at < log->size;) {
        size_t size = log->size - at < step ? log->size - at : step;
        size_t used;
        flowan_status status =
            flowan_parser_feed(parser, log->data + at, size, batch, &used, NULL);
        if (status < 0)
            ck_abort_msg("status %d at %zu", status, at);
        at += used;
        if (status == FLOWAN_FULL) {
            rows += flowan_batch_rows(batch);
            flowan_batch_reset(batch);
        }
    }
    if (flowan_parser_finish(parser, batch, NULL) != FLOWAN_OK)
        ck_abort_msg("cannot finish");
    flowan_parser_reset(parser);
    return rows + flowan_batch_rows(batch);
}

static void check_warm(const fl_buffer *log, flowan_kernel kernel, uint32_t capacity,
                       size_t step)
{
    flowan_parser_options options = {.size = sizeof options, .kernel = kernel};
    flowan_batch_options batch_options = {.size = sizeof batch_options,
                                          .capacity = capacity};
    flowan_parser *parser;
    flowan_batch *batch;
    ck_assert_int_eq(flowan_parser_new(&parser, &options, NULL), FLOWAN_OK);
    ck_assert_int_eq(flowan_batch_new(&batch, &batch_options, NULL), FLOWAN_OK);
    allocations.calls = 0;
    size_t rows = parse_all(parser, batch, log, step);
    ck_assert_uint_gt(rows, 0);
    ck_assert_uint_gt(allocations.calls, 0);
    allocations.calls = allocations.largest = 0;
    size_t again = parse_all(parser, batch, log, step);
    size_t calls = allocations.calls;
    size_t largest = allocations.largest;
    ck_assert_uint_eq(again, rows);
    ck_assert_msg(calls == 0,
                  "kernel %d, batches of %u, feeds of %zu: %zu allocations for %zu "
                  "records, the largest of %zu bytes",
                  kernel, (unsigned)capacity, step, calls, rows, largest);
    flowan_parser_free(parser);
    flowan_batch_free(batch);
}

static void check_ways(const fl_buffer *log, flowan_kernel kernel)
{
    check_warm(log, kernel, 0, SIZE_MAX);
    check_warm(log, kernel, 0, 1 << 20);
    check_warm(log, kernel, 1000, 4097);
    check_warm(log, kernel, 3, 61);
}

START_TEST(a_log_again_allocates_nothing)
{
    fl_buffer log = sample_log();
    check_ways(&log, (flowan_kernel)_i);
    fl_buffer_free(&log);
}
END_TEST

START_TEST(odd_records_again_allocate_nothing)
{
    fl_buffer log = samples_log();
    check_ways(&log, (flowan_kernel)_i);
    check_warm(&log, (flowan_kernel)_i, 1, 1);
    fl_buffer_free(&log);
}
END_TEST

static Suite *suite_of(void)
{
    Suite *suite = suite_create("warm");
    TCase *tests = tcase_create("warm");
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, a_log_again_allocates_nothing, 0,
                        FLOWAN_KERNEL_NONE + 1);
    tcase_add_loop_test(tests, odd_records_again_allocate_nothing, 0,
                        FLOWAN_KERNEL_NONE + 1);
    suite_add_tcase(suite, tests);
    return suite;
}

FL_UNIT_MAIN(suite_of)
