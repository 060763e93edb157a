/* Layer 3: how values of a filter's text are written that end as numbers. */
#ifndef FL_FILTER_NOTATION_H
#define FL_FILTER_NOTATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How the values of a field are written. */
typedef enum fl_notation {
    FL_NOTATION_NUMBER,   /* 443, 1000-2000, 10k, 0x1f */
    FL_NOTATION_NAMED,    /* tcp: the names of a field, or a number */
    FL_NOTATION_DURATION, /* 300ms, 5s, a bare number is ms */
    FL_NOTATION_TIME,
    FL_NOTATION_FLAGS, /* SA, or a number */
    FL_NOTATION_MAC,
    FL_NOTATION_ADDRESS, /* 192.0.2.1, 192.0.2.0/24, 192.0.2.1-192.0.2.9 */
    FL_NOTATION_NETWORK, /* a name of the table */
    FL_NOTATION_DIRECTION,
    FL_NOTATION_TEXT,
    FL_NOTATION_ANY, /* of a key that the field table does not know */
    FL_NOTATION_COUNT
} fl_notation;

/* What values are read by. */
typedef struct fl_values {
    fl_notation notation;
    int field;        /* NAMED: of these names */
    uint64_t max;     /* NUMBER, NAMED */
    const char *what; /* "a port number", for messages */
} fl_values;

/* The number that a text is in the notation of these values; false when it is none.
 * `now_ns` is what times may be relative to, 0 to refuse these. */
bool fl_notation_get(const fl_values *values, uint64_t now_ns, const char *text,
                     size_t size, uint64_t *out);
/* A single number, or two with '-' between, in whatever order. Times have such signs
 * themselves, so each is tried. */
bool fl_notation_get_range(const fl_values *values, uint64_t now_ns, const char *text,
                           size_t size, uint64_t *low, uint64_t *high);
/* Whether values are more or less than each other. */
bool fl_notation_has_order(const fl_values *values);

/* The TCP flags that letters stand for; false when one stands for none. */
bool fl_notation_get_flags(const char *text, size_t size, uint64_t *out);

#endif
