#include "quote.h"

#include <string.h>

static const char replacement[] = "\xef\xbf\xbd"; /* U+FFFD */

static bool is_tail(unsigned char c)
{
    return (c & 0xc0) == 0x80;
}

size_t fl_quote_utf8(const char *text, size_t size)
{
    const unsigned char *c = (const unsigned char *)text;
    if (size == 0)
        return 0;
    if (c[0] < 0x80)
        return 1;
    if (c[0] >= 0xc2 && c[0] <= 0xdf)
        return size >= 2 && is_tail(c[1]) ? 2 : 0;
    if (c[0] >= 0xe0 && c[0] <= 0xef) {
        /* no overlong forms, no surrogates */
        unsigned char low = c[0] == 0xe0 ? 0xa0 : 0x80;
        unsigned char high = c[0] == 0xed ? 0x9f : 0xbf;
        return size >= 3 && c[1] >= low && c[1] <= high && is_tail(c[2]) ? 3 : 0;
    }
    if (c[0] >= 0xf0 && c[0] <= 0xf4) {
        unsigned char low = c[0] == 0xf0 ? 0x90 : 0x80;
        unsigned char high = c[0] == 0xf4 ? 0x8f : 0xbf;
        return size >= 4 && c[1] >= low && c[1] <= high && is_tail(c[2]) &&
                       is_tail(c[3])
                   ? 4
                   : 0;
    }
    return 0;
}

static char *put_escape(char *at, unsigned char c)
{
    static const char digits[] = "0123456789abcdef";
    static const char names[] = "\"\"\\\\\bb\ff\nn\rr\tt";
    const char *name = c ? strchr(names, c) : NULL;
    *at++ = '\\';
    if (name) {
        *at++ = name[1];
        return at;
    }
    memcpy(at, "u00", 3);
    at[3] = digits[c >> 4];
    at[4] = digits[c & 15];
    return at + 5;
}

static char *put_byte(char *at, unsigned char c, bool escape)
{
    if (!escape || (c >= 0x20 && c != '"' && c != '\\'))
        *at++ = (char)c;
    else
        at = put_escape(at, c);
    return at;
}

/* Piece by piece, each into room for the most that it can become. */
static void put_text(fl_buffer *out, const char *text, size_t size, bool escape)
{
    enum { PIECE = 4096, CHARACTER_MAX = 4, ESCAPE_MAX = 6 };
    for (size_t i = 0; i < size;) {
        size_t end = size - i < PIECE ? size : i + PIECE;
        char *room = fl_buffer_reserve(out, (end - i) * ESCAPE_MAX + CHARACTER_MAX);
        if (!room)
            return;
        char *at = room;
        while (i < end) {
            unsigned char c = (unsigned char)text[i];
            if (c < 0x80) {
                at = put_byte(at, c, escape);
                i++;
                continue;
            }
            size_t step = fl_quote_utf8(text + i, size - i);
            memcpy(at, step ? text + i : replacement, step ? step : 3);
            at += step ? step : 3;
            i += step ? step : 1;
        }
        out->size += (size_t)(at - room);
    }
}

void fl_quote_json(fl_buffer *out, const char *text, size_t size)
{
    fl_buffer_byte(out, '"');
    put_text(out, text, size, true);
    fl_buffer_byte(out, '"');
}

void fl_quote_valid(fl_buffer *out, const char *text, size_t size)
{
    put_text(out, text, size, false);
}

void fl_quote_csv(fl_buffer *out, const char *text, size_t size)
{
    bool quoted = false;
    for (size_t i = 0; i < size && !quoted; i++)
        quoted = text[i] == '"' || text[i] == ',' || text[i] == '\n' || text[i] == '\r';
    if (!quoted) {
        fl_buffer_append(out, text, size);
        return;
    }
    fl_buffer_byte(out, '"');
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '"')
            fl_buffer_byte(out, '"');
        fl_buffer_byte(out, text[i]);
    }
    fl_buffer_byte(out, '"');
}
