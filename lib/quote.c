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

static void put_escape(fl_buffer *out, unsigned char c)
{
    static const char digits[] = "0123456789abcdef";
    static const char names[] = "\"\"\\\\\bb\ff\nn\rr\tt";
    const char *name = c ? strchr(names, c) : NULL;
    if (name) {
        char text[2] = {'\\', name[1]};
        fl_buffer_append(out, text, sizeof text);
        return;
    }
    char text[6] = {'\\', 'u', '0', '0', digits[c >> 4], digits[c & 15]};
    fl_buffer_append(out, text, sizeof text);
}

/* Appends text up to `special` bytes, which `escape` then takes care of. */
static void put_text(fl_buffer *out, const char *text, size_t size, bool escape)
{
    size_t run = 0; /* [run, i) is fine as it stands */
    size_t i = 0;
    while (i < size) {
        unsigned char c = (unsigned char)text[i];
        bool special = escape && (c < 0x20 || c == '"' || c == '\\');
        size_t step = special ? 0 : fl_quote_utf8(text + i, size - i);
        if (step > 0) {
            i += step;
            continue;
        }
        fl_buffer_append(out, text + run, i - run);
        if (special)
            put_escape(out, c);
        else
            fl_buffer_append(out, replacement, 3);
        run = ++i;
    }
    fl_buffer_append(out, text + run, i - run);
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
