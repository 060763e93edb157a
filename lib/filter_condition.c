/* Signs and lists; what single values mean is fl_values' business. */
#include "filter_condition.h"

#include <string.h>

#include "status.h"

/* A sign, or the word for one; without any, two values are compared as equal. */
static flowan_status take_sign(fl_values_context *context, fl_token_kind *sign,
                               bool *written)
{
    static const struct {
        const char *word;
        fl_token_kind sign;
    } words[] = {{"eq", FL_TOKEN_EQUAL},    {"ne", FL_TOKEN_UNEQUAL},
                 {"lt", FL_TOKEN_LESS},     {"gt", FL_TOKEN_MORE},
                 {"le", FL_TOKEN_NOT_MORE}, {"ge", FL_TOKEN_NOT_LESS}};
    fl_token_kind kind = context->tokens->now.kind;
    *written = kind >= FL_TOKEN_EQUAL && kind <= FL_TOKEN_NOT_LESS;
    *sign = *written ? kind : FL_TOKEN_EQUAL;
    for (size_t i = 0; i < sizeof words / sizeof *words && !*written; i++)
        if (fl_tokens_at(context->tokens, words[i].word)) {
            *sign = words[i].sign;
            *written = true;
        }
    return *written ? fl_tokens_next(context->tokens) : FLOWAN_OK;
}

/* From behind "in" on. */
static flowan_status take_list(fl_values_context *context, const fl_values *values,
                               fl_test *test)
{
    if (context->tokens->now.kind != FL_TOKEN_LIST)
        return fl_tokens_expected(context->tokens, &context->tokens->now,
                                  "'[' behind 'in'");
    flowan_status status = fl_tokens_next(context->tokens);
    bool more = true;
    while (status >= 0 && more) {
        status = fl_values_read(context, values, test);
        fl_token_kind kind = context->tokens->now.kind;
        more = kind != FL_TOKEN_LIST_END;
        if (status < 0 || kind == FL_TOKEN_WORD || kind == FL_TOKEN_QUOTED)
            continue;
        if (more && kind != FL_TOKEN_COMMA)
            return fl_tokens_expected(context->tokens, &context->tokens->now,
                                      "a value or ']'");
        status = fl_tokens_next(context->tokens);
    }
    return status;
}

static bool is_single(const fl_addresses *set)
{
    return set->count == 1 && set->ranges[0].low.high == set->ranges[0].high.high &&
           set->ranges[0].low.low == set->ranges[0].high.low;
}

/* An IPv4 address as a number of 32 bits, or more for one of IPv6. */
static uint64_t ipv4_of(fl_wide address)
{
    return address.high ? UINT64_MAX : address.low ^ UINT64_C(0xffff00000000);
}

/* "10.0.0.0 255.0.0.0": the mask behind the one address that was read. */
static flowan_status take_mask(fl_values_context *context, const fl_token *address,
                               fl_test *test)
{
    static const fl_values notation = {FL_NOTATION_ADDRESS, -1, 0, NULL};
    fl_token token = context->tokens->now;
    bool dotted = token.kind == FL_TOKEN_WORD && memchr(token.data, '.', token.size) &&
                  token.data[0] >= '0' && token.data[0] <= '9';
    if (!dotted || memchr(address->data, '/', address->size) ||
        !is_single(&test->addresses))
        return FLOWAN_OK;
    fl_test mask = {0};
    flowan_status status = fl_values_read(context, &notation, &mask);
    if (status >= 0) {
        fl_wide_range *range = &test->addresses.ranges[0];
        uint64_t rest = ipv4_of(mask.addresses.ranges[0].low) ^ UINT32_MAX;
        if (is_single(&mask.addresses) && (rest & (rest + 1)) == 0 &&
            ipv4_of(range->low) <= UINT32_MAX) {
            range->low.low &= ~rest;
            range->high.low |= rest;
        } else {
            status = fl_tokens_expected(context->tokens, &token,
                                        "an IPv4 netmask behind an IPv4 address, such "
                                        "as 255.255.0.0");
        }
    }
    fl_test_free(&mask);
    return status;
}

/* The letters that "flags" can have behind it where no sign says otherwise: all of these
 * flags are set, whatever the others are. */
static bool take_letters(const fl_values_context *context, const fl_values *values,
                         fl_test *test)
{
    const fl_token *token = &context->tokens->now;
    size_t quote = token->kind == FL_TOKEN_QUOTED;
    if (values->notation != FL_NOTATION_FLAGS ||
        (!quote && token->kind != FL_TOKEN_WORD) ||
        !fl_notation_get_flags(token->data + quote, token->size - 2 * quote,
                               &test->mask))
        return false;
    test->kind = FL_TEST_MASK;
    return true;
}

/* The sets as they are read. */
static flowan_status take_values(fl_values_context *context, const fl_values *values,
                                 fl_test *test, bool *inverse)
{
    *inverse = context->tokens->now.kind == FL_TOKEN_NOT;
    flowan_status status = *inverse ? fl_tokens_next(context->tokens) : FLOWAN_OK;
    if (status < 0)
        return status;
    if (fl_tokens_at(context->tokens, "in")) {
        fl_token in = context->tokens->now;
        status = fl_tokens_next(context->tokens);
        if (status >= 0 && context->tokens->now.kind != FL_TOKEN_LIST && !*inverse &&
            values->notation == FL_NOTATION_DIRECTION)
            return fl_values_add(context, values, &in, test); /* "direction in" */
        return status < 0 ? status : take_list(context, values, test);
    }
    if (*inverse)
        return fl_tokens_expected(context->tokens, &context->tokens->now,
                                  "'in' behind 'not'");
    fl_token_kind sign;
    bool written;
    status = take_sign(context, &sign, &written);
    if (status < 0)
        return status;
    if (!written && take_letters(context, values, test))
        return fl_tokens_next(context->tokens);
    *inverse = sign == FL_TOKEN_UNEQUAL;
    fl_token value = context->tokens->now;
    if (sign != FL_TOKEN_EQUAL && sign != FL_TOKEN_UNEQUAL) {
        if (!fl_notation_has_order(values))
            return fl_tokens_expected(context->tokens, &value,
                                      "'=' or '!=' before a value that has no order");
        return fl_values_compare(context, values, sign, test);
    }
    status = fl_values_read(context, values, test);
    return status < 0 || values->notation != FL_NOTATION_ADDRESS
               ? status
               : take_mask(context, &value, test);
}

flowan_status fl_condition_take(fl_values_context *context, const fl_values *values,
                                fl_test *test, bool *inverse)
{
    flowan_status status = take_values(context, values, test, inverse);
    return status < 0 || fl_test_settle(test)
               ? status
               : fl_status_memory(context->tokens->error);
}

bool fl_condition_turn_round(const fl_values *values, fl_test *test)
{
    bool any = values->notation == FL_NOTATION_ANY;
    test->texts_outside = any || values->notation == FL_NOTATION_TEXT ||
                          values->notation == FL_NOTATION_NAMED;
    if (values->notation == FL_NOTATION_TEXT)
        return true;
    if (values->notation == FL_NOTATION_ADDRESS)
        return fl_addresses_invert(&test->addresses);
    return fl_numbers_invert(&test->numbers) &&
           (!any || fl_addresses_invert(&test->addresses));
}
