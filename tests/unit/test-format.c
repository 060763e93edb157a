/* doc/format.md holds: its examples are what the library writes and reads, and its tables
 * of numbers are the library's. */
#include "names.h"
#include "segment.h"
#include "segments.h"
#include "unit.h"

static fl_buffer page;
static char directory[64];
static char path[128];

static void set_up(void)
{
    const char *data = getenv("FLOWAN_TEST_DATA");
    ck_assert_msg(data != NULL, "FLOWAN_TEST_DATA is not set");
    char name[1024];
    snprintf(name, sizeof name, "%s/../../doc/format.md", data);
    page = read_file(name);
    fl_buffer_byte(&page, 0);
    make_directory(directory);
    snprintf(path, sizeof path, "%s/a.seg", directory);
}

static void tear_down(void)
{
    fl_buffer_free(&page);
    remove_tree(directory);
}

/* What stands in the fenced block with that info string. */
static fl_buffer fence(const char *info)
{
    char open[64];
    snprintf(open, sizeof open, "\n```%s\n", info);
    const char *at = strstr(page.data, open);
    ck_assert_msg(at != NULL, "no block '%s'", info);
    at += strlen(open);
    const char *end = strstr(at, "\n```\n");
    ck_assert_ptr_nonnull(end);
    fl_buffer block = {0};
    fl_buffer_append(&block, at, (size_t)(end + 1 - at));
    fl_buffer_byte(&block, 0);
    block.size--;
    return block;
}

static unsigned digit(char c)
{
    const char *digits = "0123456789abcdef";
    const char *at = strchr(digits, c);
    ck_assert_msg(c && at, "'%c' is no hex digit", c);
    return (unsigned)(at - digits);
}

static fl_buffer hex(const char *info)
{
    fl_buffer text = fence(info);
    fl_buffer bytes = {0};
    for (const char *at = text.data; *at;) {
        if (*at == '#') {
            at += strcspn(at, "\n");
        } else if (*at == ' ' || *at == '\n') {
            at++;
        } else {
            fl_buffer_byte(&bytes, (char)(digit(at[0]) << 4 | digit(at[1])));
            at += 2;
        }
    }
    fl_buffer_free(&text);
    return bytes;
}

START_TEST(the_header_is_read)
{
    fl_buffer header = hex("hex header");
    fl_segment_header got;
    ck_assert_uint_eq(header.size, FL_SEGMENT_HEADER_SIZE);
    ck_assert_int_eq(fl_segment_get_header((unsigned char *)header.data, &got),
                     FLOWAN_OK);
    ck_assert_uint_eq(got.version, FL_SEGMENT_VERSION);
    ck_assert_uint_eq(got.serial, 1);
    ck_assert_uint_eq(got.interval_start_ns, UINT64_C(1741996800000000000));
    ck_assert_uint_eq(got.interval_ns, UINT64_C(86400000000000));
    fl_buffer_free(&header);
}
END_TEST

START_TEST(the_segment_is_read)
{
    fl_buffer segment = hex("hex segment");
    fl_buffer records = fence("json");
    write_file(path, segment.data, segment.size);
    flowan_reader *reader;
    flowan_error error;
    if (flowan_reader_open(&reader, path, &error) != FLOWAN_OK)
        ck_abort_msg("%s", error.message);
    ck_assert(flowan_reader_info(reader).finished);
    ck_assert_uint_eq(flowan_reader_info(reader).blocks, 1);
    ck_assert_int_eq(flowan_reader_verify(reader, NULL, NULL), FLOWAN_OK);
    flowan_batch *batch = empty_batch();
    ck_assert_int_eq(flowan_reader_read(reader, 0, NULL, 0, batch, NULL), FLOWAN_OK);
    fl_buffer texts = {0};
    put_texts(&texts, batch);
    assert_bytes(&texts, records.data, records.size);
    size_t size;
    ck_assert_ptr_null(fl_batch_raw(batch, 0, &size));
    ck_assert_ptr_nonnull(fl_batch_raw(batch, 1, &size));
    ck_assert_ptr_null(fl_batch_raw(batch, 2, &size));
    fl_buffer_free(&texts);
    flowan_batch_free(batch);
    flowan_reader_free(reader);
    fl_buffer_free(&records);
    fl_buffer_free(&segment);
}
END_TEST

START_TEST(the_segment_is_written)
{
    fl_buffer segment = hex("hex segment");
    fl_buffer records = fence("json");
    flowan_batch *batch = batch_of(records.data, records.size);
    uint64_t hash = fl_segment_checksum(records.data, records.size);
    flowan_log_state log = {.path = "flows.json",
                            .device = 2049,
                            .inode = 131074,
                            .head_hash = hash,
                            .head_size = (uint32_t)records.size,
                            .position = {records.size, hash}};
    flowan_writer_options options = {.size = sizeof options,
                                     .serial = 1,
                                     .interval_start_ns = UINT64_C(1741996800000000000),
                                     .interval_ns = UINT64_C(86400000000000)};
    flowan_writer *writer;
    ck_assert_int_eq(flowan_writer_open(&writer, path, &options, NULL), FLOWAN_OK);
    ck_assert_int_eq(flowan_writer_write(writer, batch, 0, 3, &log, NULL), FLOWAN_OK);
    ck_assert_int_eq(flowan_writer_finish(writer, &log, 1, NULL), FLOWAN_OK);
    flowan_writer_free(writer);
    fl_buffer written = read_file(path);
    assert_bytes(&written, segment.data, segment.size);
    fl_buffer_free(&written);
    flowan_batch_free(batch);
    fl_buffer_free(&records);
    fl_buffer_free(&segment);
}
END_TEST

/* The table of names has all of the library's and no other. */
START_TEST(the_names_are_ours)
{
    fl_buffer ours = {0};
    static const struct {
        const char *table;
        flowan_field field;
        const char *(*name)(flowan_field field, uint64_t value);
    } tables[] = {{"type", FLOWAN_FIELD_TYPE, fl_names_of},
                  {"etype", FLOWAN_FIELD_ETYPE, fl_names_of},
                  {"layer_stack", FLOWAN_FIELD_LAYER_STACK, fl_names_of},
                  {"proto", FLOWAN_FIELD_PROTO, fl_names_of},
                  {"proto-old", FLOWAN_FIELD_PROTO, fl_names_old}};
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        for (unsigned value = 0; value <= UINT16_MAX; value++) {
            const char *name = tables[i].name(tables[i].field, value);
            if (name)
                fl_buffer_format(&ours, "%s %u %s\n", tables[i].table, value, name);
        }
    for (int field = 0; field < (int)FLOWAN_FIELD_COUNT; field++)
        if (fl_names_of((flowan_field)field, 1))
            ck_assert(field == FLOWAN_FIELD_TYPE || field == FLOWAN_FIELD_PROTO ||
                      field == FLOWAN_FIELD_LAYER_STACK);
    fl_buffer names = fence("names");
    assert_bytes(&names, ours.data, ours.size);
    fl_buffer_free(&names);
    fl_buffer_free(&ours);
}
END_TEST

/* "| u32 | 1 | number | 4 | |" */
START_TEST(the_types_are_ours)
{
    for (int type = FLOWAN_TYPE_U32; type <= FLOWAN_TYPE_LIST_ADDRESS; type++) {
        char row[64];
        snprintf(row, sizeof row, "\n| %s | %d | ", flowan_type_name((flowan_type)type),
                 type);
        const char *at = strstr(page.data, row);
        ck_assert_msg(at != NULL, "no row '%s'", row + 1);
        snprintf(row, sizeof row, " | %zu | %s|\n", fl_type_width((flowan_type)type),
                 fl_type_is_run((flowan_type)type) ? "yes " : "");
        const char *end = strstr(at, row);
        ck_assert_msg(end && end < strchr(at + 1, '\n'), "no '%s' in it", row);
    }
}
END_TEST

/* "| int | 4 | 1 to 7 | … | yes |": of which types a kind is, and whether it has a value. */
START_TEST(the_kinds_are_ours)
{
    const char *at = strstr(page.data, "\n| opaque | 0 |");
    ck_assert_ptr_nonnull(at);
    for (unsigned kind = 0; kind < FL_KIND_COUNT; kind++) {
        char types[32];
        unsigned number;
        at++;
        ck_assert_int_eq(
            sscanf(at, "| %*[a-z0-9-] | %u | %31[a-z0-9_ -] |", &number, types), 2);
        ck_assert_uint_eq(number, kind);
        types[strcspn(types, " ")] = 0;
        for (int type = FLOWAN_TYPE_U32; type <= FLOWAN_TYPE_LIST_ADDRESS; type++) {
            bool told = strcmp(types, "any") == 0 ||
                        (strcmp(types, "1") == 0 && type <= 7) ||
                        strcmp(types, flowan_type_name((flowan_type)type)) == 0;
            ck_assert_msg(told == fl_value_fits((flowan_type)type, (fl_kind)kind),
                          "kind %u, type %d", kind, type);
        }
        const char *end = strchr(at, '\n');
        ck_assert_str_eq(fl_kind_has_value((fl_kind)kind) ? "yes" : "no",
                         strncmp(end - 6, " yes |", 6) == 0 ? "yes" : "no");
        at = end;
    }
    ck_assert(at[1] != '|');
}
END_TEST

static Suite *suite_of(void)
{
    Suite *suite = suite_create("format");
    TCase *page_case = tcase_create("doc/format.md");
    tcase_add_checked_fixture(page_case, set_up, tear_down);
    tcase_add_test(page_case, the_header_is_read);
    tcase_add_test(page_case, the_segment_is_read);
    tcase_add_test(page_case, the_segment_is_written);
    tcase_add_test(page_case, the_names_are_ours);
    tcase_add_test(page_case, the_types_are_ours);
    tcase_add_test(page_case, the_kinds_are_ours);
    suite_add_tcase(suite, page_case);
    return suite;
}

FL_UNIT_MAIN(suite_of)
