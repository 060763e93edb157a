/* The field table: every key is found, and nothing else is. */
#include "unit.h"

#include <string.h>

#include "flowan/field.h"

/* In a block of just its size, so that a sanitizer sees a step beyond. */
static int find(const char *name, size_t size)
{
    char *copy = malloc(size ? size : 1);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, name, size);
    int found = flowan_field_find(copy, size);
    free(copy);
    return found;
}

START_TEST(rows_are_in_order)
{
    for (int i = 0; i < FLOWAN_FIELD_COUNT; i++) {
        const flowan_field_info *info = flowan_field_info_of((flowan_field)i);
        ck_assert_ptr_nonnull(info);
        ck_assert_int_eq((int)info->field, i);
        ck_assert_ptr_nonnull(info->unit);
        ck_assert_uint_gt(strlen(info->name), 0);
        ck_assert_uint_gt(strlen(info->description), 0);
        ck_assert_str_ne(flowan_type_name(info->type), "unknown");
    }
    ck_assert_ptr_null(flowan_field_info_of(FLOWAN_FIELD_COUNT));
    ck_assert_ptr_null(flowan_field_info_of((flowan_field)-1));
    ck_assert_ptr_null(flowan_field_info_of((flowan_field)INT32_MAX));
}
END_TEST

START_TEST(some_rows)
{
    const flowan_field_info *info = flowan_field_info_of(FLOWAN_FIELD_BYTES);
    ck_assert_str_eq(info->name, "bytes");
    ck_assert_int_eq((int)info->type, FLOWAN_TYPE_U64);
    ck_assert_str_eq(info->unit, "B");
    ck_assert_uint_eq(info->ipfix_element, 1);
    info = flowan_field_info_of(FLOWAN_FIELD_POST_NAPT_DST_TRANSPORT_PORT);
    ck_assert_str_eq(info->name, "post_napt_dst_transport_port");
    ck_assert_int_eq((int)info->type, FLOWAN_TYPE_U32);
    ck_assert_uint_eq(info->ipfix_element, 228);
    info = flowan_field_info_of(FLOWAN_FIELD_TYPE);
    ck_assert_str_eq(info->name, "type");
    ck_assert_int_eq((int)info->type, FLOWAN_TYPE_ENUM);
}
END_TEST

START_TEST(every_key_is_found)
{
    for (int i = 0; i < FLOWAN_FIELD_COUNT; i++) {
        const char *name = flowan_field_info_of((flowan_field)i)->name;
        ck_assert_msg(find(name, strlen(name)) == i, "%s", name);
    }
}
END_TEST

/* One byte changed, taken away or added makes another key of the table or none. */
START_TEST(neighbours_are_told_apart)
{
    for (int i = 0; i < FLOWAN_FIELD_COUNT; i++) {
        const char *name = flowan_field_info_of((flowan_field)i)->name;
        size_t size = strlen(name);
        char text[64] = "";
        memcpy(text, name, size);
        for (size_t at = 0; at < size; at++) {
            for (int byte = 0; byte < 256; byte++) {
                text[at] = (char)byte;
                int found = flowan_field_find(text, size);
                if (found < 0 || found == i)
                    continue;
                const char *other = flowan_field_info_of((flowan_field)found)->name;
                if (strlen(other) != size || memcmp(other, text, size) != 0)
                    ck_abort_msg("%.*s was taken for %s", (int)size, text, other);
            }
            text[at] = name[at];
        }
        ck_assert_int_eq(find(name, size - 1), -1);
        ck_assert_int_eq(find(text, size + 1), -1);
    }
}
END_TEST

START_TEST(not_keys)
{
    static const char *const names[] = {
        "",
        "t",
        "b",
        "Bytes",
        "BYTES",
        " bytes",
        "bytes ",
        "byte",
        "src_adr",
        "addr",
        "csum",
        "SrcAddr",
        "flow_start_ms_raw",
        "user_name",
        "\xff",
        "\xff\xff\xff\xff",
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        ck_assert_msg(find(names[i], strlen(names[i])) == -1, "%s", names[i]);
    ck_assert_int_eq(flowan_field_find(NULL, 0), -1);
    static char long_name[100000];
    for (size_t size = 1; size < sizeof long_name; size += 997)
        ck_assert_int_eq(find(long_name, size), -1);
    memset(long_name, 'a', sizeof long_name);
    for (size_t size = 1; size < sizeof long_name; size += 997)
        ck_assert_int_eq(find(long_name, size), -1);
    ck_assert_msg(flowan_field_find("bytes_in", 5) == FLOWAN_FIELD_BYTES,
                  "no NUL needed");
}
END_TEST

START_TEST(type_names)
{
    ck_assert_str_eq(flowan_type_name(FLOWAN_TYPE_U32), "u32");
    ck_assert_str_eq(flowan_type_name(FLOWAN_TYPE_TIME), "time");
    ck_assert_str_eq(flowan_type_name(FLOWAN_TYPE_LIST_ADDRESS), "list_address");
    ck_assert_str_eq(flowan_type_name((flowan_type)0), "unknown");
    ck_assert_str_eq(flowan_type_name((flowan_type)13), "unknown");
    for (int i = FLOWAN_TYPE_U32; i <= FLOWAN_TYPE_LIST_ADDRESS; i++)
        for (int j = FLOWAN_TYPE_U32; j < i; j++)
            ck_assert_str_ne(flowan_type_name((flowan_type)i),
                             flowan_type_name((flowan_type)j));
}
END_TEST

static Suite *suite_of(void)
{
    Suite *suite = suite_create("field");
    TCase *table = tcase_create("table");
    tcase_add_test(table, rows_are_in_order);
    tcase_add_test(table, some_rows);
    tcase_add_test(table, type_names);
    suite_add_tcase(suite, table);
    TCase *finding = tcase_create("find");
    tcase_add_test(finding, every_key_is_found);
    tcase_add_test(finding, neighbours_are_told_apart);
    tcase_add_test(finding, not_keys);
    suite_add_tcase(suite, finding);
    return suite;
}

FL_UNIT_MAIN(suite_of)
