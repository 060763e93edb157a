/* Layer 3: what values of a filter's text mean: numbers, times, addresses, names, as
 * sets. */
#ifndef FL_FILTER_VALUES_H
#define FL_FILTER_VALUES_H

#include "filter.h"
#include "filter_notation.h"
#include "filter_tokens.h"

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

#endif
