/* Text in JSON: what is escaped, what is no UTF-8, and texts of more than one piece. */
#include "quote.h"

#include <stdlib.h>
#include <string.h>

#include "unit.h"

#define BAD "\xef\xbf\xbd"

/* The text in a block of just its size, so that a sanitizer sees a step beyond. */
static void check(const char *text, size_t size, const char *json, const char *valid)
{
    fl_buffer out = {0};
    char *copy = malloc(size ? size : 1);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, text, size);
    fl_quote_json(&out, copy, size);
    fl_buffer_byte(&out, 0);
    ck_assert_str_eq(out.data, json);
    fl_buffer_clear(&out);
    fl_quote_valid(&out, copy, size);
    ck_assert_uint_eq(out.size, strlen(valid));
    ck_assert_int_eq(memcmp(out.data ? out.data : "", valid, out.size), 0);
    free(copy);
    fl_buffer_free(&out);
}

START_TEST(texts)
{
    static const char *const cases[][3] = {
        {"", "\"\"", ""},
        {"plain", "\"plain\"", "plain"},
        {"a\"b\\c/", "\"a\\\"b\\\\c/\"", "a\"b\\c/"},
        {"\b\f\n\r\t", "\"\\b\\f\\n\\r\\t\"", "\b\f\n\r\t"},
        {"\x01\x1f\x7f", "\"\\u0001\\u001f\x7f\"", "\x01\x1f\x7f"},
        {"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80",
         "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"",
         "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"},
        {"\xff\xfe\x80", "\"" BAD BAD BAD "\"", BAD BAD BAD},
        {"a\xe2\x82", "\"a" BAD BAD "\"", "a" BAD BAD},
        {"\xed\xa0\x80", "\"" BAD BAD BAD "\"", BAD BAD BAD},
        {"\xc0\xaf\"", "\"" BAD BAD "\\\"\"", BAD BAD "\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check(cases[i][0], strlen(cases[i][0]), cases[i][1], cases[i][2]);
    fl_buffer out = {0};
    fl_quote_json(&out, "a\0b", 3);
    fl_buffer_byte(&out, 0);
    ck_assert_str_eq(out.data, "\"a\\u0000b\"");
    fl_buffer_free(&out);
}
END_TEST

/* A character of four bytes, and an escape, at every place around the ends of pieces. */
START_TEST(long_texts)
{
    enum { LONGEST = 8200 };
    char *text = malloc(LONGEST + 8);
    char *want = malloc(LONGEST + 16);
    ck_assert(text && want);
    for (size_t at = 4090; at < LONGEST; at += at == 4102 ? 4080 : 1) {
        memset(text, 'x', at);
        strcpy(text + at, "\xf0\x9f\x98\x80\n\xff");
        want[0] = '"';
        memset(want + 1, 'x', at);
        strcpy(want + 1 + at, "\xf0\x9f\x98\x80\\n" BAD "\"");
        fl_buffer out = {0};
        fl_quote_json(&out, text, at + 6);
        ck_assert_uint_eq(out.size, strlen(want));
        ck_assert_int_eq(memcmp(out.data, want, out.size), 0);
        fl_buffer_free(&out);
    }
    free(text);
    free(want);
}
END_TEST

static Suite *suite_of(void)
{
    Suite *suite = suite_create("quote");
    TCase *tests = tcase_create("quote");
    tcase_add_test(tests, texts);
    tcase_add_test(tests, long_texts);
    suite_add_tcase(suite, tests);
    return suite;
}

FL_UNIT_MAIN(suite_of)
