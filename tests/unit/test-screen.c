/* What a terminal shows: controls, widths, and where a text is cut. */
#include "screen.h"

#include <string.h>

#include "unit.h"

START_TEST(printable)
{
    static const struct {
        const char *text;
        size_t size;
        const char *want;
    } rows[] = {
        {"", 0, ""},
        {"plain", 5, "plain"},
        {"a\0b\n\x1b\x7f", 6, "a?b???"},
        {"\xc2\x80\xc2\x9f\xc2\xa0", 6, "??\xc2\xa0"},
        {"\xff\xc3", 2, "\xef\xbf\xbd\xef\xbf\xbd"},
        {"caf\xc3\xa9\t\xe2\x82\xac", 9, "caf\xc3\xa9?\xe2\x82\xac"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fl_buffer out = {0};
        fl_screen_put(&out, rows[i].text, rows[i].size);
        fl_buffer_byte(&out, 0);
        ck_assert_str_eq(out.data, rows[i].want);
        fl_buffer_free(&out);
    }
}
END_TEST

/* The first and last of some ranges, and their neighbours. */
START_TEST(widths)
{
    static const struct {
        const char *text;
        size_t width;
    } rows[] = {
        {"", 0},
        {"a", 1},
        {"\xff", 1},
        {"\xc3\xa9", 1},
        {"\xcb\xbf\xcc\x80\xcd\xaf\xcd\xb0", 2}, /* U+02FF 0300 036F 0370 */
        {"\xe1\x83\xbf\xe1\x84\x80\xe1\x85\x9f\xe1\x85\xa0",
         5},                                         /* 10FF 1100 115F 1160 */
        {"\xe2\x80\x8b\xef\xb8\x8f", 0},             /* 200B FE0F */
        {"\xe3\x81\x82\xe4\xb8\xad\xea\xb0\x80", 6}, /* kana, CJK, Hangul */
        {"\xef\xbc\xa1\xef\xbd\xa1", 3},             /* full and half width */
        {"\xf0\x9f\x98\x80", 2},                     /* U+1F600 */
        {"\xf0\xbf\xbf\xbd\xf0\xbf\xbf\xbe", 3},     /* 3FFFD 3FFFE */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        ck_assert_msg(fl_screen_width(rows[i].text, strlen(rows[i].text)) ==
                          rows[i].width,
                      "row %zu", i);
}
END_TEST

START_TEST(cuts)
{
    static const char text[] = "a\xe4\xb8\xad"
                               "e\xcc\x81z"; /* a, wide, e with an accent, z */
    static const size_t bytes[] = {0, 1, 1, 4, 7, 8, 8};
    for (size_t width = 0; width < 7; width++)
        ck_assert_uint_eq(fl_screen_cut(text, strlen(text), width), bytes[width]);
    ck_assert_uint_eq(fl_screen_cut("", 0, 3), 0);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("screen");
    TCase *c = tcase_create("all");
    tcase_add_test(c, printable);
    tcase_add_test(c, widths);
    tcase_add_test(c, cuts);
    suite_add_tcase(s, c);
    return s;
}

FL_UNIT_MAIN(suite)
