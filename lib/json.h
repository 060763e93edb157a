/* Layer 2: JSON's grammar over bytes that come in pieces, and the members of one object.
 *
 * The grammar is RFC 8259 with two liberties that the logs need: strings are bytes (no
 * UTF-8 check, any \uXXXX), and depth and numbers are bounded only by the object's size.
 * One liberty less: a line feed ends the object, since goflow2 writes one object a line.
 */
#ifndef FL_JSON_H
#define FL_JSON_H

#include "memory.h"

typedef enum fl_json_result {
    FL_JSON_MORE, /* the object goes on behind the bytes given */
    FL_JSON_DONE, /* complete */
    FL_JSON_BAD,  /* the byte looked at cannot stand there */
    FL_JSON_TORN, /* a line feed came before the end */
    FL_JSON_MEMORY
} fl_json_result;

typedef struct fl_json_scan {
    uint8_t state;
    uint8_t hex_left;
    size_t at;       /* bytes of the object looked at and accepted, in all calls */
    size_t token;    /* where the last string, number or literal began */
    size_t depth;    /* open containers */
    fl_buffer stack; /* a bit for each: 1 object, 0 array */
} fl_json_scan;

/* Begins a new object; keeps the stack's memory. */
void fl_json_scan_begin(fl_json_scan *scan);

/* Looks at the next `size` bytes of the object, whose first is its '{'. Adds what it
 * accepted to scan->at: with DONE the closing brace is the last of these; with BAD and
 * TORN the offending byte is the next. */
fl_json_result fl_json_scan_run(fl_json_scan *scan, const char *data, size_t size);

void fl_json_scan_free(fl_json_scan *scan);

/* A walk over the members of an object, or the elements of an array, whose grammar was
 * checked. */
typedef struct fl_json_cursor {
    const char *at;
    const char *end;
} fl_json_cursor;

typedef struct fl_json_span {
    const char *data; /* a string's span includes its quotes */
    size_t size;
} fl_json_span;

fl_json_cursor fl_json_open(const char *text, size_t size);
/* The next member; false at the end. */
bool fl_json_next_member(fl_json_cursor *cursor, fl_json_span *key,
                         fl_json_span *value);
bool fl_json_next_element(fl_json_cursor *cursor, fl_json_span *value);

/* The bytes that a string stands for: between the quotes where there is no escape, else
 * decoded into `scratch`, which must have room for `string.size` bytes at `used`. What
 * jansson refuses to decode (a lone surrogate, escapes beside bytes that are no UTF-8)
 * stays as it stands between the quotes. */
fl_json_span fl_json_string(fl_json_span string, char *scratch, size_t *used);

#endif
