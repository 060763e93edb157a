/* Layer 0: JSON written into room that is there, for what is written once for each of very
 * many records. Every member has a comma behind, which what closes the object around takes
 * back. Each returns where to go on. */
#ifndef FL_PUT_H
#define FL_PUT_H

#include <string.h>

#include "quote.h"
#include "text.h"

static inline char *fl_put(char *at, const char *text, size_t size)
{
    memcpy(at, text, size);
    return at + size;
}

#define FL_PUT(at, literal) fl_put((at), (literal), sizeof(literal) - 1)

/* Behind the members of an object that began at `start` with its key: "}," in the place of
 * their last comma, or nothing at all where there is none. */
static inline char *fl_put_close(char *start, char *at)
{
    if (at[-1] == '{')
        return start;
    at[-1] = '}';
    *at++ = ',';
    return at;
}

/* A key that needs no escape. */
static inline char *fl_put_key(char *at, const char *key)
{
    *at++ = '"';
    at = fl_put(at, key, strlen(key));
    return FL_PUT(at, "\":");
}

static inline char *fl_put_number(char *at, uint64_t number)
{
    at += fl_text_put_u64(at, number);
    *at++ = ',';
    return at;
}

static inline char *fl_put_quoted_number(char *at, uint64_t number)
{
    *at++ = '"';
    at += fl_text_put_u64(at, number);
    return FL_PUT(at, "\",");
}

/* A text in quotes at the end of `out`, whose room begins with `at` and is
 * FL_PUT_TEXT_SIZE(size) at least: what quoting reserves, so that nothing moves. */
#define FL_PUT_TEXT_SIZE(size) (6 * (size) + 8)
static inline char *fl_put_text(fl_buffer *out, char *at, const char *text, size_t size)
{
    out->size = (size_t)(at - out->data);
    fl_quote_json(out, text, size);
    out->data[out->size++] = ',';
    return out->data + out->size;
}

/* A date in UTC with milliseconds, further digits cut off: what Elasticsearch keeps of one.
 * `last` as fl_text_put_next_time has it, whose room is needed here too. */
static inline char *fl_put_date(char *at, uint64_t ns, fl_text_second *last)
{
    int64_t behind = (int64_t)ns % 1000000000;
    uint32_t ms = (uint32_t)((behind < 0 ? behind + 1000000000 : behind) / 1000000);
    *at++ = '"';
    fl_text_put_next_time(at, ns, last);
    at += sizeof "2025-03-15T17:10:51" - 1;
    *at++ = '.';
    *at++ = (char)('0' + ms / 100);
    *at++ = (char)('0' + ms / 10 % 10);
    *at++ = (char)('0' + ms % 10);
    return FL_PUT(at, "Z\",");
}

#endif
