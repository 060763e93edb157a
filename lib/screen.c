/* Widths follow the blocks of Unicode and its East Asian widths (UAX 11), not a locale: a
 * few ranges, in which the characters that names of networks and users are made of are
 * right. */
#include "screen.h"

#include "quote.h"

typedef struct range {
    uint32_t first;
    uint32_t last;
    uint8_t width;
} range;

/* All others take one column. Ascending. */
static const range ranges[] = {
    {0x300, 0x36f, 0},     /* combining diacritical marks */
    {0x483, 0x489, 0},     /* … of Cyrillic */
    {0x591, 0x5bd, 0},     /* points of Hebrew */
    {0x610, 0x61a, 0},     /* marks of Arabic */
    {0x64b, 0x65f, 0},     /* … and its vowels */
    {0x1100, 0x115f, 2},   /* Hangul that begins a syllable */
    {0x1160, 0x11ff, 0},   /* … and that stands on it */
    {0x1ab0, 0x1aff, 0},   /* more combining marks */
    {0x1dc0, 0x1dff, 0},   /* likewise */
    {0x200b, 0x200f, 0},   /* no space, joiners, directions */
    {0x202a, 0x202e, 0},   /* directions */
    {0x2060, 0x2064, 0},   /* invisible operators */
    {0x2066, 0x2069, 0},   /* directions */
    {0x20d0, 0x20ff, 0},   /* marks for symbols */
    {0x2e80, 0x303e, 2},   /* radicals, CJK punctuation */
    {0x3041, 0x33ff, 2},   /* kana, Hangul jamo, squared words */
    {0x3400, 0x4dbf, 2},   /* CJK, extension A */
    {0x4e00, 0x9fff, 2},   /* CJK */
    {0xa000, 0xa4cf, 2},   /* Yi */
    {0xa960, 0xa97f, 2},   /* Hangul jamo */
    {0xac00, 0xd7a3, 2},   /* Hangul syllables */
    {0xf900, 0xfaff, 2},   /* CJK compatibility */
    {0xfe00, 0xfe0f, 0},   /* variation selectors */
    {0xfe20, 0xfe2f, 0},   /* half marks */
    {0xfe30, 0xfe6f, 2},   /* CJK forms */
    {0xfeff, 0xfeff, 0},   /* byte order mark */
    {0xff01, 0xff60, 2},   /* full-width forms */
    {0xffe0, 0xffe6, 2},   /* … of signs */
    {0x1f300, 0x1f64f, 2}, /* pictographs, emoticons */
    {0x1f680, 0x1f6ff, 2}, /* transport */
    {0x1f900, 0x1faff, 2}, /* more pictographs */
    {0x20000, 0x3fffd, 2}, /* CJK, further extensions */
};

/* What is no UTF-8 counts a column a byte. */
static size_t next(const char *text, size_t size, size_t *width)
{
    static const uint8_t lead[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    *width = 1;
    size_t length = fl_quote_utf8(text, size);
    if (length < 2)
        return 1;
    uint32_t c = (unsigned char)text[0] & lead[length];
    for (size_t i = 1; i < length; i++)
        c = c << 6 | ((unsigned char)text[i] & 0x3f);
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges && ranges[i].first <= c; i++)
        if (c <= ranges[i].last)
            *width = ranges[i].width;
    return length;
}

static bool is_control(const unsigned char *c, size_t length)
{
    return (length == 1 && (*c < 0x20 || *c == 0x7f)) ||
           (length == 2 && c[0] == 0xc2 && c[1] < 0xa0);
}

void fl_screen_put(fl_buffer *out, const char *text, size_t size)
{
    size_t run = 0; /* [run, at) is fine as it stands */
    size_t at = 0;
    while (at < size) {
        size_t length = fl_quote_utf8(text + at, size - at);
        if (length && !is_control((const unsigned char *)text + at, length)) {
            at += length;
            continue;
        }
        fl_buffer_append(out, text + run, at - run);
        fl_buffer_text(out, length ? "?" : "\xef\xbf\xbd"); /* U+FFFD */
        run = at += length ? length : 1;
    }
    fl_buffer_append(out, text + run, size - run);
}

size_t fl_screen_width(const char *text, size_t size)
{
    size_t total = 0;
    size_t width;
    for (size_t at = 0; at < size; total += width)
        at += next(text + at, size - at, &width);
    return total;
}

size_t fl_screen_cut(const char *text, size_t size, size_t width)
{
    size_t at = 0;
    size_t total = 0;
    while (at < size) {
        size_t own;
        size_t length = next(text + at, size - at, &own);
        if (total + own > width)
            break;
        total += own;
        at += length;
    }
    return at;
}
