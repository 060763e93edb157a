/* All that is read ends in the sets of a test: as ranges of numbers or of addresses, or as
 * a text; and what cannot be read ends in a sentence that says what was expected. */
#include "filter_values.h"

#include <string.h>

#include "filter_prefix.h"
#include "status.h"

/* The text of a value, without its quotes. */
typedef struct literal {
    const char *text;
    size_t size;
    bool quoted;
} literal;

void fl_values_free(fl_values_context *context)
{
    fl_hash_free(&context->names);
}

/* --- messages --- */

static flowan_status refuse(const fl_values_context *context, const fl_values *values,
                            const fl_token *token)
{
    static const char *const all[FL_NOTATION_COUNT] = {
        [FL_NOTATION_DURATION] = "a duration such as 300ms, 5s or 2h",
        [FL_NOTATION_TIME] = "a time from 1970 on such as 2025-03-15T17:10:51Z",
        [FL_NOTATION_FLAGS] = "letters of UAPRSFEC, X for the first six, or a number",
        [FL_NOTATION_MAC] = "a MAC address such as 2c:c8:1b:ac:cf:81",
        [FL_NOTATION_ADDRESS] = "an IPv4 or IPv6 address or prefix",
        [FL_NOTATION_NETWORK] = "a prefix, or the name of a local network",
        [FL_NOTATION_DIRECTION] = "out, in, internal or transit",
        [FL_NOTATION_TEXT] = "a text",
        [FL_NOTATION_ANY] = "a value such as 7 or \"text\""};
    const char *expected = all[values->notation];
    if (values->notation == FL_NOTATION_TIME && context->now_ns == 0)
        expected = "a time such as 2025-03-15T17:10:51Z (what now is, is not known)";
    if (expected)
        return fl_tokens_expected(context->tokens, token, "%s", expected);
    if (values->notation == FL_NOTATION_NAMED)
        return fl_tokens_expected(context->tokens, token,
                                  "the name or the number of %s", values->what);
    return fl_tokens_expected(context->tokens, token, "%s from 0 to %llu", values->what,
                              (unsigned long long)values->max);
}

static flowan_status done(const fl_values_context *context, bool enough_memory)
{
    return enough_memory ? FLOWAN_OK : fl_status_memory(context->tokens->error);
}

/* --- numbers --- */

static flowan_status add_numbers(fl_values_context *context, const fl_values *values,
                                 const literal *value, const fl_token *token,
                                 fl_test *test)
{
    uint64_t low;
    uint64_t high;
    if (!fl_notation_get_range(values, context->now_ns, value->text, value->size, &low,
                               &high))
        return refuse(context, values, token);
    if (low > high)
        return fl_tokens_expected(context->tokens, token,
                                  "a range whose first value is not above its last");
    return done(context, fl_numbers_add(&test->numbers, low, high));
}

/* --- addresses --- */

static flowan_status add_addresses(fl_values_context *context, const fl_values *values,
                                   const literal *value, const fl_token *token,
                                   fl_test *test)
{
    fl_wide low;
    fl_wide high;
    if (!fl_prefix_get(value->text, value->size, &low, &high))
        return refuse(context, values, token);
    if (low.high > high.high || (low.high == high.high && low.low > high.low))
        return fl_tokens_expected(context->tokens, token,
                                  "a range whose first address is not above its last");
    return done(context, fl_prefix_add(&test->addresses, low, high));
}

/* --- networks: by name, or by addresses --- */

/* All names into the key table: entry i is network i. */
static bool learn_names(fl_values_context *context)
{
    if (!fl_filter_need_networks(context->filter))
        return false;
    const flowan_networks *networks = context->filter->networks;
    size_t count = flowan_networks_count(networks);
    while (context->names.count < count) {
        const char *name =
            flowan_networks_name(networks, (uint32_t)context->names.count);
        if (fl_hash_put(&context->names, name, strlen(name), NULL) < 0)
            return false;
    }
    return true;
}

/* Some names that there are, for a message. */
static void list_names(const fl_values_context *context, char *out, size_t room)
{
    size_t size = 0;
    *out = '\0';
    for (uint32_t i = 0; i < 5; i++) {
        const char *name = flowan_networks_name(context->filter->networks, i);
        size_t name_size = name ? strlen(name) : 0;
        if (!name || size + name_size + 3 > room)
            break;
        if (i)
            size += (size_t)(memcpy(out + size, ", ", 2), 2);
        memcpy(out + size, name, name_size + 1);
        size += name_size;
    }
}

static flowan_status add_network(fl_values_context *context, const literal *value,
                                 const fl_token *token, fl_test *test)
{
    fl_wide low;
    fl_wide high;
    if (!value->quoted && fl_prefix_get(value->text, value->size, &low, &high))
        return done(context, fl_prefix_add(&test->addresses, low, high));
    if (!learn_names(context))
        return fl_status_memory(context->tokens->error);
    int64_t entry = fl_hash_find(&context->names, value->text, value->size);
    if (entry < 0) {
        char names[160];
        list_names(context, names, sizeof names);
        return fl_tokens_expected(
            context->tokens, token, "a prefix, or the name of a local network (%s%s)",
            *names ? names : "there is none", context->names.count > 5 ? ", ..." : "");
    }
    return done(context,
                fl_numbers_add(&test->numbers, (uint64_t)entry, (uint64_t)entry));
}

/* --- texts --- */

static flowan_status add_text(fl_values_context *context, const literal *value,
                              fl_test *test)
{
    return done(context,
                fl_hash_put(&test->texts, value->text, value->size, NULL) >= 0);
}

/* The names that goflow2 gives protocols whose number it thereby loses; NULL for another
 * text. */
static const char *lost_name(const fl_values *values, const literal *value)
{
    static const char *const lost[] = {"unknown", "unassigned", "reserved",
                                       "experimental"};
    for (size_t i = 0;
         values->field == FLOWAN_FIELD_PROTO && i < sizeof lost / sizeof *lost; i++)
        if (fl_tokens_same(value->text, value->size, lost[i]))
            return lost[i];
    return NULL;
}

/* What a key is compared with that the field table does not know. */
static const fl_values any_number = {FL_NOTATION_NUMBER, -1, UINT64_MAX, "a number"};

/* Of a key that may hold anything: a text, and whatever else it can be. */
static flowan_status add_any(fl_values_context *context, const literal *value,
                             fl_test *test)
{
    const char *text = value->text;
    size_t size = value->size;
    uint64_t low = 0;
    uint64_t high = 0;
    fl_wide first;
    fl_wide last;
    bool enough = true;
    if (!value->quoted) {
        bool truth = fl_tokens_same(text, size, "true");
        if (truth || fl_tokens_same(text, size, "false"))
            enough = fl_numbers_add(&test->numbers, truth, truth);
        else if (fl_notation_get_range(&any_number, 0, text, size, &low, &high))
            enough = fl_numbers_add(&test->numbers, low, high);
        else if (fl_prefix_get(text, size, &first, &last))
            enough = fl_prefix_add(&test->addresses, first, last);
    }
    return enough ? add_text(context, value, test) : done(context, false);
}

/* --- what is asked for --- */

static flowan_status add_value(fl_values_context *context, const fl_values *values,
                               const literal *value, const fl_token *token,
                               fl_test *test)
{
    const char *lost = NULL;
    switch (values->notation) {
    case FL_NOTATION_ADDRESS: return add_addresses(context, values, value, token, test);
    case FL_NOTATION_NETWORK: return add_network(context, value, token, test);
    case FL_NOTATION_TEXT: return add_text(context, value, test);
    case FL_NOTATION_ANY: return add_any(context, value, test);
    case FL_NOTATION_NAMED:
        lost = lost_name(values, value);
        if (lost)
            return add_text(context, &(literal){lost, value->size, true}, test);
        break;
    default: break;
    }
    return add_numbers(context, values, value, token, test);
}

/* The text of a token, decoded into `decoded` where it is quoted. */
static flowan_status take_literal(fl_values_context *context, const fl_values *values,
                                  const fl_token *token, fl_buffer *decoded,
                                  literal *out)
{
    if (token->kind == FL_TOKEN_QUOTED) {
        fl_tokens_unquote(token, decoded);
        *out = (literal){decoded->data ? decoded->data : "", decoded->size, true};
        return decoded->failed ? fl_status_memory(context->tokens->error) : FLOWAN_OK;
    }
    *out = (literal){token->data, token->size, false};
    return token->kind == FL_TOKEN_WORD ? FLOWAN_OK : refuse(context, values, token);
}

flowan_status fl_values_add(fl_values_context *context, const fl_values *values,
                            const fl_token *token, fl_test *test)
{
    fl_buffer decoded = {0};
    literal value;
    flowan_status status = take_literal(context, values, token, &decoded, &value);
    if (status >= 0)
        status = add_value(context, values, &value, token, test);
    fl_buffer_free(&decoded);
    return status;
}

flowan_status fl_values_read(fl_values_context *context, const fl_values *values,
                             fl_test *test)
{
    fl_token token = context->tokens->now;
    flowan_status status = fl_values_add(context, values, &token, test);
    return status < 0 ? status : fl_tokens_next(context->tokens);
}

flowan_status fl_values_compare(fl_values_context *context, const fl_values *values,
                                fl_token_kind sign, fl_test *test)
{
    bool any = values->notation == FL_NOTATION_ANY;
    const fl_values *as = any ? &any_number : values;
    fl_token token = context->tokens->now;
    fl_buffer decoded = {0};
    literal value;
    uint64_t number = 0;
    flowan_status status = take_literal(context, as, &token, &decoded, &value);
    if (status >= 0 &&
        ((any && value.quoted) ||
         !fl_notation_get(as, context->now_ns, value.text, value.size, &number)))
        status = refuse(context, as, &token);
    fl_buffer_free(&decoded);
    if (status < 0)
        return status;
    bool with = sign == FL_TOKEN_NOT_MORE || sign == FL_TOKEN_NOT_LESS;
    bool enough = true;
    if (sign == FL_TOKEN_LESS || sign == FL_TOKEN_NOT_MORE) {
        if (with || number > 0)
            enough = fl_numbers_add(&test->numbers, 0, number - !with);
    } else if (with || number < UINT64_MAX) {
        enough = fl_numbers_add(&test->numbers, number + !with, UINT64_MAX);
    }
    return enough ? fl_tokens_next(context->tokens) : done(context, false);
}
