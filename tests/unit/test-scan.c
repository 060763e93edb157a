/* Scans over logs and archives, the schema of them, records as text, and what people
 * type. The tools' own behaviour is tested in tests/cli. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "flowan/encode.h"
#include "flowan/import.h"
#include "flowan/notation.h"
#include "flowan/scan.h"
#include "memory.h"
#include "unit.h"

#define SECOND UINT64_C(1000000000)
#define T0 UINT64_C(1742000000000000000)

static char directory[64];
static char log_path[128];
static char archive_path[128];

/* Ten flows, one a minute, each of ten seconds; the last has no usable time. */
static void set_up(void)
{
    strcpy(directory, "/tmp/flowan-scan-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    snprintf(log_path, sizeof log_path, "%s/log", directory);
    snprintf(archive_path, sizeof archive_path, "%s/archive", directory);
    FILE *file = fopen(log_path, "w");
    ck_assert_ptr_nonnull(file);
    for (unsigned i = 0; i < 9; i++)
        fprintf(file,
                "{\"time_received_ns\":%llu,\"time_flow_start_ns\":%llu,"
                "\"time_flow_end_ns\":%llu,\"bytes\":%u,\"src_addr\":\"10.0.0.%u\"%s}\n",
                (unsigned long long)(T0 + (60 * i + 20) * SECOND),
                (unsigned long long)(T0 + 60 * i * SECOND),
                (unsigned long long)(T0 + (60 * i + 10) * SECOND), i, i,
                i % 2 ? ",\"mine\":\"x\"" : "");
    fputs("junk {\"bytes\":9,\"mine\":7}", file);
    ck_assert_int_eq(fclose(file), 0);
    flowan_archiver *archiver;
    ck_assert_int_eq(flowan_archiver_open(&archiver, archive_path, NULL, NULL), 0);
    ck_assert_int_eq(flowan_import_log(archiver, log_path, NULL, NULL, NULL), 0);
    ck_assert_int_eq(flowan_archiver_finish(archiver, NULL), 0);
    flowan_archiver_free(archiver);
}

static void tear_down(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -r '%s'", directory);
    ck_assert_int_eq(system(command), 0);
}

static int append(void *context, const void *data, size_t size)
{
    fl_buffer_append(context, data, size);
    return 0;
}

/* What a scan gives in a format, NUL behind; to be freed by fl_buffer_free. */
static fl_buffer text_of(const char *const *paths, size_t count,
                         const flowan_scan_options *options, flowan_format format,
                         const char *const *fields, size_t field_count)
{
    fl_buffer out = {0};
    flowan_encoder_options encoder_options = {.size = sizeof encoder_options,
                                              .format = format,
                                              .fields = fields,
                                              .field_count = field_count,
                                              .write = append,
                                              .context = &out};
    flowan_encoder *encoder;
    flowan_scan *scan;
    ck_assert_int_eq(flowan_encoder_new(&encoder, &encoder_options, NULL), 0);
    ck_assert_int_eq(flowan_scan_open(&scan, paths, count, options, NULL), 0);
    const flowan_batch *batch;
    const flowan_selection *selection;
    flowan_status status;
    while ((status = flowan_scan_next(scan, &batch, &selection, NULL)) == FLOWAN_OK) {
        ck_assert_ptr_nonnull(strstr(flowan_scan_source(scan), directory));
        ck_assert_int_eq(flowan_encoder_write(encoder, batch, selection, NULL), 0);
    }
    ck_assert_int_eq(status, FLOWAN_END);
    ck_assert_int_eq(flowan_encoder_finish(encoder, NULL), 0);
    flowan_encoder_free(encoder);
    flowan_scan_free(scan);
    fl_buffer_byte(&out, 0);
    return out;
}

START_TEST(log_and_archive_give_the_same)
{
    const char *log[] = {log_path};
    const char *archive[] = {archive_path};
    const char *both[] = {archive_path, log_path};
    fl_buffer a = text_of(log, 1, NULL, FLOWAN_FORMAT_EXACT, NULL, 0);
    fl_buffer b = text_of(archive, 1, NULL, FLOWAN_FORMAT_EXACT, NULL, 0);
    fl_buffer c = text_of(both, 2, NULL, FLOWAN_FORMAT_EXACT, NULL, 0);
    ck_assert_str_eq(a.data, b.data);
    ck_assert_uint_eq(c.size - 1, 2 * (a.size - 1));
    ck_assert_ptr_nonnull(strstr(a.data, "\n{\"bytes\":9,\"mine\":7}\n"));
    fl_buffer_free(&a);
    fl_buffer_free(&b);
    fl_buffer_free(&c);
}
END_TEST

/* [start, end) against flows that occupy [60 i, 60 i + 10) seconds behind T0. */
START_TEST(windows)
{
    static const struct {
        uint64_t start;
        uint64_t end;
        bool inside;
        const char *bytes;
    } cases[] = {
        {0, 600, false, "0\r\n1\r\n2\r\n3\r\n4\r\n5\r\n6\r\n7\r\n8\r\n"},
        {60, 70, false, "1\r\n"},
        {69, 120, false, "1\r\n"}, /* the end is not in */
        {70, 121, false, "2\r\n"},
        {70, 120, false, ""},
        {65, 185, true, "2\r\n"},
        {60, 70, true, "1\r\n"},
        {60, 69, true, ""},
    };
    static const char *const fields[] = {"bytes"};
    for (size_t i = 0; i < 2 * sizeof cases / sizeof *cases; i++) {
        const char *paths[] = {i % 2 ? log_path : archive_path};
        const char *expected = cases[i / 2].bytes;
        flowan_scan_options options = {.size = sizeof options,
                                       .columns = fields,
                                       .column_count = 1,
                                       .has_start = true,
                                       .has_end = true,
                                       .start_ns = T0 + cases[i / 2].start * SECOND,
                                       .end_ns = T0 + cases[i / 2].end * SECOND,
                                       .inside = cases[i / 2].inside};
        fl_buffer out = text_of(paths, 1, &options, FLOWAN_FORMAT_CSV, fields, 1);
        ck_assert_int_eq(strncmp(out.data, "bytes\r\n", 7), 0);
        ck_assert_msg(strcmp(out.data + 7, expected) == 0, "case %zu: %s", i / 2,
                      out.data);
        fl_buffer_free(&out);
    }
}
END_TEST

START_TEST(counts_tell_what_was_skipped)
{
    const char *paths[] = {archive_path};
    flowan_scan_options options = {
        .size = sizeof options, .has_start = true, .start_ns = T0 + 3600 * SECOND};
    flowan_scan *scan;
    const flowan_batch *batch;
    const flowan_selection *selection;
    ck_assert_int_eq(flowan_scan_open(&scan, paths, 1, &options, NULL), 0);
    ck_assert_int_eq(flowan_scan_next(scan, &batch, &selection, NULL), FLOWAN_END);
    flowan_scan_counts counts = flowan_scan_count(scan);
    ck_assert_uint_eq(counts.segments_skipped, 1);
    ck_assert_uint_eq(counts.blocks_skipped, 1);
    ck_assert_uint_eq(counts.rows, 0);
    flowan_scan_free(scan);
}
END_TEST

START_TEST(rejects_are_counted)
{
    const char *paths[] = {log_path};
    flowan_scan *scan;
    const flowan_batch *batch;
    const flowan_selection *selection;
    ck_assert_int_eq(flowan_scan_open(&scan, paths, 1, NULL, NULL), 0);
    while (flowan_scan_next(scan, &batch, &selection, NULL) == FLOWAN_OK)
        ck_assert_ptr_null(selection);
    flowan_scan_counts counts = flowan_scan_count(scan);
    ck_assert_uint_eq(counts.rows, 10);
    ck_assert_uint_eq(counts.rejects[FLOWAN_REJECT_JUNK], 1);
    flowan_scan_free(scan);
}
END_TEST

START_TEST(schema_of_both)
{
    for (int i = 0; i < 2; i++) {
        const char *paths[] = {i ? log_path : archive_path};
        flowan_schema *schema;
        size_t damaged;
        ck_assert_int_eq(flowan_schema_new(&schema, paths, 1, NULL, &damaged, NULL), 0);
        ck_assert_uint_eq(damaged, 0);
        ck_assert_uint_eq(flowan_schema_rows(schema), 10);
        static const struct {
            const char *name;
            flowan_type type;
            uint64_t present;
        } expected[] = {
            {"time_received_ns", FLOWAN_TYPE_TIME, 9},
            {"time_flow_start_ns", FLOWAN_TYPE_TIME, 9},
            {"time_flow_end_ns", FLOWAN_TYPE_TIME, 9},
            {"bytes", FLOWAN_TYPE_U64, 10},
            {"src_addr", FLOWAN_TYPE_ADDRESS, 9},
            {"mine", FLOWAN_TYPE_U64, 1}, /* one name, two types */
            {"mine", FLOWAN_TYPE_TEXT, 4},
        };
        flowan_schema_column column;
        for (size_t k = 0; k < sizeof expected / sizeof *expected; k++) {
            ck_assert(flowan_schema_get(schema, k, &column));
            ck_assert_str_eq(column.name, expected[k].name);
            ck_assert_int_eq(column.type, expected[k].type);
            ck_assert_uint_eq(column.present, expected[k].present);
        }
        ck_assert(!flowan_schema_get(schema, 7, &column));
        flowan_schema_free(schema);
    }
}
END_TEST

START_TEST(json_joins_the_types_of_a_name)
{
    static const char *const fields[] = {"mine", "bytes"};
    const char *paths[] = {archive_path};
    fl_buffer out = text_of(paths, 1, NULL, FLOWAN_FORMAT_JSON, fields, 2);
    static const char first[] = "{\"bytes\":0}\n{\"mine\":\"x\",\"bytes\":1}\n";
    ck_assert_int_eq(strncmp(out.data, first, sizeof first - 1), 0);
    ck_assert_ptr_nonnull(strstr(out.data, "\n{\"mine\":7,\"bytes\":9}\n"));
    fl_buffer_free(&out);
}
END_TEST

START_TEST(wrong_paths)
{
    const char *missing[] = {log_path, "/nonexistent/log"};
    const char *empty[] = {directory};
    flowan_scan *scan;
    flowan_error error;
    ck_assert_int_eq(flowan_scan_open(&scan, missing, 2, NULL, &error),
                     FLOWAN_ERROR_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(error.message, "/nonexistent/log"));
    ck_assert_ptr_null(scan);
    ck_assert_int_eq(flowan_scan_open(&scan, empty, 1, NULL, &error),
                     FLOWAN_ERROR_FORMAT);
    ck_assert_ptr_nonnull(strstr(error.message, "is no archive"));
}
END_TEST

START_TEST(what_people_type)
{
    uint64_t ns;
    flowan_address address;
    char time[FLOWAN_TIME_TEXT_SIZE];
    char text[FLOWAN_ADDRESS_TEXT_SIZE];
    flowan_error error;
    ck_assert_int_eq(flowan_time_parse("-1m", T0, &ns, NULL), FLOWAN_OK);
    ck_assert_uint_eq(ns, T0 - 60 * SECOND);
    flowan_time_format(ns, time);
    ck_assert_str_eq(time, "2025-03-15T00:52:20Z");
    ck_assert_int_eq(flowan_time_parse("yesterday", T0, &ns, &error),
                     FLOWAN_ERROR_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(error.message, "\"yesterday\" is no time"));
    ck_assert_int_eq(flowan_duration_parse("5m", &ns, NULL), FLOWAN_OK);
    ck_assert_uint_eq(ns, 300 * SECOND);
    ck_assert_int_eq(flowan_duration_parse("0s", &ns, NULL), FLOWAN_ERROR_ARGUMENT);
    ck_assert_int_eq(flowan_address_parse("2001:DB8::1", &address, NULL), FLOWAN_OK);
    flowan_address_format(&address, text);
    ck_assert_str_eq(text, "2001:db8::1");
    ck_assert_int_eq(flowan_address_parse("10.0.0", &address, NULL),
                     FLOWAN_ERROR_ARGUMENT);
}
END_TEST

static Suite *suite_of(void)
{
    Suite *suite = suite_create("scan");
    TCase *cases = tcase_create("all");
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, log_and_archive_give_the_same);
    tcase_add_test(cases, windows);
    tcase_add_test(cases, counts_tell_what_was_skipped);
    tcase_add_test(cases, rejects_are_counted);
    tcase_add_test(cases, schema_of_both);
    tcase_add_test(cases, json_joins_the_types_of_a_name);
    tcase_add_test(cases, wrong_paths);
    tcase_add_test(cases, what_people_type);
    suite_add_tcase(suite, cases);
    return suite;
}

FL_UNIT_MAIN(suite_of)
