/* Layer 3: what values of a filter's text mean: numbers, times, addresses, names, as
 * sets. */
#ifndef FL_FILTER_VALUES_H
#define FL_FILTER_VALUES_H

#include "filter.h"
#include "filter_tokens.h"

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
    FL_NOTATION_ANY /* of a key that the field table does not know */
} fl_notation;

/* What values are read by. */
typedef struct fl_values {
    fl_notation notation;
    int field;        /* NAMED: of these names */
    uint64_t max;     /* NUMBER, NAMED */
    const char *what; /* "a port number", for messages */
} fl_values;

/* What is needed beside a value's own text. */
typedef struct fl_values_context {
    fl_tokens *tokens;
    uint64_t now_ns;
    flowan_filter *filter; /* NETWORK: its networks */
    fl_hash names;         /* of these, entry by entry; made when asked for */
} fl_values_context;

void fl_values_free(fl_values_context *context);

/* Adds the value that a token is. The sets are to be settled afterwards. */
flowan_status fl_values_add(fl_values_context *context, const fl_values *values,
                            const fl_token *token, fl_test *test);
/* Adds the one in hand, and goes to the next token. */
flowan_status fl_values_read(fl_values_context *context, const fl_values *values,
                             fl_test *test);

/* Adds the numbers that are below, above … the value in hand, and goes to the next
 * token. */
flowan_status fl_values_compare(fl_values_context *context, const fl_values *values,
                                fl_token_kind sign, fl_test *test);

/* Whether values are more or less than each other. */
bool fl_values_ordered(const fl_values *values);

/* The TCP flags that letters stand for; false when one stands for none. */
bool fl_values_get_flags(const char *text, size_t size, uint64_t *out);

/* The octets of IPv4, and those of IPv6 that are not IPv4's. */
bool fl_values_add_ipv4(fl_addresses *set);
bool fl_values_add_ipv6(fl_addresses *set);

#endif
