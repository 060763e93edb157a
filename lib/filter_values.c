/* A value may be one, or a range of two with '-' between, or a prefix. All that is read
 * ends as ranges of numbers or addresses, or as a text, in the sets of a test. */
#include "filter_values.h"

#include <string.h>

#include "enrich.h"
#include "names.h"
#include "status.h"
#include "text.h"
#include "value.h"

#define MAPPED UINT64_C(0xffff00000000)
#define MAPPED_LAST (MAPPED | UINT32_MAX)

/* The text of a value, without its quotes. */
typedef struct literal {
    const char *text;
    size_t size;
    bool quoted;
} literal;

typedef bool (*number_reader)(const fl_values_context *context, const fl_values *values,
                              const char *text, size_t size, uint64_t *out);

void fl_values_free(fl_values_context *context)
{
    fl_hash_free(&context->names);
}

/* --- single numbers --- */

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'                     ? c - '0'
           : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10
                                                    : -1;
}

static bool get_hex(const char *text, size_t size, uint64_t *out)
{
    uint64_t value = 0;
    if (size == 0)
        return false;
    for (size_t i = 0; i < size; i++) {
        int digit = hex_digit(text[i]);
        if (digit < 0 || value >> 60)
            return false;
        value = value << 4 | (uint64_t)digit;
    }
    *out = value;
    return true;
}

/* 17, 17k, 0x11, up to `max`. */
static bool get_number(const char *text, size_t size, uint64_t max, uint64_t *out)
{
    static const char suffixes[] = "kmgt";
    uint64_t value;
    if (size > 2 && text[0] == '0' && (text[1] | 0x20) == 'x') {
        if (!get_hex(text + 2, size - 2, &value) || value > max)
            return false;
        *out = value;
        return true;
    }
    const char *suffix = size ? strchr(suffixes, text[size - 1] | 0x20) : NULL;
    if (!suffix || !*suffix)
        return fl_text_get_u64(text, size, max, out);
    uint64_t factor = 1;
    for (const char *s = suffixes; s <= suffix; s++)
        factor *= 1000;
    if (!fl_text_get_u64(text, size - 1, max / factor, &value))
        return false;
    *out = value * factor;
    return true;
}

static bool read_number(const fl_values_context *context, const fl_values *values,
                        const char *text, size_t size, uint64_t *out)
{
    (void)context;
    return get_number(text, size, values->max, out);
}

/* Names count in either case, and with them some that people say. */
static bool get_name(flowan_field field, const char *text, size_t size, uint64_t *out)
{
    static const struct {
        flowan_field field;
        uint8_t number;
        const char *name;
    } spoken[] = {{FLOWAN_FIELD_PROTO, 58, "icmp6"},
                  {FLOWAN_FIELD_PROTO, 58, "icmpv6"},
                  {FLOWAN_FIELD_PROTO, 89, "ospf"},
                  {FLOWAN_FIELD_FLOW_DIRECTION, 0, "ingress"},
                  {FLOWAN_FIELD_FLOW_DIRECTION, 1, "egress"},
                  {FLOWAN_FIELD_NAT_EVENT, 1, "add"},
                  {FLOWAN_FIELD_NAT_EVENT, 1, "create"},
                  {FLOWAN_FIELD_NAT_EVENT, 2, "delete"}};
    for (size_t i = 0; i < sizeof spoken / sizeof *spoken; i++)
        if (spoken[i].field == field && fl_tokens_same(text, size, spoken[i].name)) {
            *out = spoken[i].number;
            return true;
        }
    /* EtherTypes have large numbers, but few names */
    static const uint16_t etypes[] = {0x0800, 0x86dd, 0x0806};
    bool is_etype = field == FLOWAN_FIELD_ETYPE;
    unsigned count = is_etype ? sizeof etypes / sizeof *etypes : 256;
    for (unsigned i = 0; i < count; i++) {
        uint64_t number = is_etype ? etypes[i] : i;
        const char *name = fl_names_of(field, number);
        if (name && fl_tokens_same(text, size, name)) {
            *out = number;
            return true;
        }
    }
    return false;
}

static bool read_named(const fl_values_context *context, const fl_values *values,
                       const char *text, size_t size, uint64_t *out)
{
    (void)context;
    return get_number(text, size, values->max, out) ||
           get_name((flowan_field)values->field, text, size, out);
}

static bool read_duration(const fl_values_context *context, const fl_values *values,
                          const char *text, size_t size, uint64_t *out)
{
    (void)context;
    (void)values;
    if (fl_text_get_duration(text, size, out))
        return true;
    /* which wants more than none; here that is a question too */
    if (size == 0 || text[0] != '0')
        return false;
    char one[4] = "1";
    if (size > 3)
        return false;
    memcpy(one + 1, text + 1, size - 1);
    if (!fl_text_get_duration(one, size, out))
        return false;
    *out = 0;
    return true;
}

/* As people write times; a whole number that is too large for seconds is ns, which is what
 * logs have. Times before 1970 are not asked for: as numbers they would be late ones. */
static bool read_time(const fl_values_context *context, const fl_values *values,
                      const char *text, size_t size, uint64_t *out)
{
    (void)values;
    bool relative = size && (*text == '-' || fl_tokens_same(text, size, "now"));
    uint64_t value;
    if (relative && context->now_ns == 0)
        return false;
    if (!fl_text_get_user_time(text, size, context->now_ns, &value) ||
        value > INT64_MAX)
        return fl_text_get_u64(text, size, UINT64_MAX, out);
    *out = value;
    return true;
}

bool fl_values_get_flags(const char *text, size_t size, uint64_t *out)
{
    static const char letters[] = "fsrpauec";
    uint64_t flags = 0;
    for (size_t i = 0; i < size; i++) {
        char c = (char)(text[i] | 0x20);
        const char *letter = c ? strchr(letters, c) : NULL;
        if (c == 'x')
            flags |= 63;
        else if (letter)
            flags |= UINT64_C(1) << (letter - letters);
        else
            return false;
    }
    *out = flags;
    return size > 0;
}

static bool read_flags(const fl_values_context *context, const fl_values *values,
                       const char *text, size_t size, uint64_t *out)
{
    (void)context;
    return fl_values_get_flags(text, size, out) ||
           get_number(text, size, values->max, out);
}

static bool read_mac(const fl_values_context *context, const fl_values *values,
                     const char *text, size_t size, uint64_t *out)
{
    (void)context;
    (void)values;
    return fl_text_get_mac(text, size, out);
}

static bool read_direction(const fl_values_context *context, const fl_values *values,
                           const char *text, size_t size, uint64_t *out)
{
    (void)context;
    (void)values;
    if (fl_tokens_same(text, size, "external")) {
        *out = FL_DIRECTION_TRANSIT;
        return true;
    }
    for (unsigned way = 0; way < FL_DIRECTION_COUNT; way++)
        if (fl_tokens_same(text, size, fl_enrich_direction_name(way))) {
            *out = way;
            return true;
        }
    return false;
}

static const struct {
    number_reader read;
    bool ranges;
    bool ordered; /* < and > mean something */
    const char *expected;
} notations[] = {
    [FL_NOTATION_NUMBER] = {read_number, true, true, NULL},
    [FL_NOTATION_NAMED] = {read_named, true, true, NULL},
    [FL_NOTATION_DURATION] = {read_duration, true, true,
                              "a duration such as 300ms, 5s or 2h"},
    [FL_NOTATION_TIME] = {read_time, true, true,
                          "a time from 1970 on such as 2025-03-15T17:10:51Z"},
    [FL_NOTATION_FLAGS] = {read_flags, false, true,
                           "letters of UAPRSFEC, X for the first six, or a number up "
                           "to 4294967295"},
    [FL_NOTATION_MAC] = {read_mac, false, false,
                         "a MAC address such as 2c:c8:1b:ac:cf:81"},
    [FL_NOTATION_ADDRESS] = {NULL, false, false, "an IPv4 or IPv6 address or prefix"},
    [FL_NOTATION_NETWORK] = {NULL, false, false,
                             "a prefix, or the name of a local network"},
    [FL_NOTATION_DIRECTION] = {read_direction, false, false,
                               "out, in, internal or transit"},
    [FL_NOTATION_TEXT] = {NULL, false, false, "a text"},
    [FL_NOTATION_ANY] = {NULL, true, true, "a value such as 7 or \"text\""},
};

/* --- messages --- */

static flowan_status refuse(const fl_values_context *context, const fl_values *values,
                            const fl_token *token)
{
    const char *expected = notations[values->notation].expected;
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

/* --- ranges of numbers --- */

/* "LOW-HIGH", where both are values. Times have such a sign themselves, so each is tried.
 * */
static bool get_range(const fl_values_context *context, const fl_values *values,
                      number_reader read, const literal *value, uint64_t *low,
                      uint64_t *high)
{
    const char *end = value->text + value->size;
    if (value->size > 128)
        return false;
    for (const char *sign = value->text; sign < end; sign++)
        if (*sign == '-' &&
            read(context, values, value->text, (size_t)(sign - value->text), low) &&
            read(context, values, sign + 1, (size_t)(end - sign - 1), high))
            return true;
    return false;
}

static flowan_status add_numbers(fl_values_context *context, const fl_values *values,
                                 const literal *value, const fl_token *token,
                                 fl_test *test)
{
    number_reader read = notations[values->notation].read;
    uint64_t low;
    uint64_t high;
    if (read(context, values, value->text, value->size, &low))
        high = low;
    else if (!notations[values->notation].ranges ||
             !get_range(context, values, read, value, &low, &high))
        return refuse(context, values, token);
    if (low > high)
        return fl_tokens_expected(context->tokens, token,
                                  "a range whose first value is not above its last");
    return fl_numbers_add(&test->numbers, low, high)
               ? FLOWAN_OK
               : fl_status_memory(context->tokens->error);
}

/* --- addresses --- */

static const fl_wide ipv4_first = {0, MAPPED};
static const fl_wide ipv4_last = {0, MAPPED_LAST};

static bool is_ipv4(fl_wide address)
{
    return address.high == 0 && address.low >= MAPPED && address.low <= MAPPED_LAST;
}

bool fl_values_add_ipv4(fl_addresses *set)
{
    return fl_addresses_add(set, ipv4_first, ipv4_last);
}

bool fl_values_add_ipv6(fl_addresses *set)
{
    return fl_addresses_add(set, (fl_wide){0, 0}, (fl_wide){0, MAPPED - 1}) &&
           fl_addresses_add(set, (fl_wide){0, MAPPED_LAST + 1},
                            (fl_wide){UINT64_MAX, UINT64_MAX});
}

/* What lies between two addresses of a family. IPv4 lies within IPv6, but belongs to no
 * range of that. */
static bool add_between(fl_addresses *set, fl_wide low, fl_wide high)
{
    if (is_ipv4(low) || low.high > 0 || low.low > MAPPED_LAST ||
        (high.high == 0 && high.low < MAPPED))
        return fl_addresses_add(set, low, high);
    return fl_addresses_add(set, low, (fl_wide){0, MAPPED - 1}) &&
           fl_addresses_add(set, (fl_wide){0, MAPPED_LAST + 1}, high);
}

/* "10.8/16" as people shorten it. */
static bool get_short_prefix(const literal *value, flowan_address *address,
                             unsigned *bits)
{
    char full[32];
    const char *slash = memchr(value->text, '/', value->size);
    if (!slash || value->size > 16 || memchr(value->text, ':', value->size))
        return false;
    size_t size = (size_t)(slash - value->text);
    unsigned dots = 0;
    for (size_t i = 0; i < size; i++)
        dots += value->text[i] == '.';
    memcpy(full, value->text, size);
    for (; dots < 3; dots++, size += 2)
        memcpy(full + size, ".0", 2);
    size_t rest = (size_t)(value->text + value->size - slash);
    memcpy(full + size, slash, rest);
    return fl_text_get_prefix(full, size + rest, address, bits);
}

static bool get_addresses(const literal *value, fl_wide *low, fl_wide *high)
{
    flowan_address address;
    unsigned bits;
    if (fl_text_get_prefix(value->text, value->size, &address, &bits) ||
        get_short_prefix(value, &address, &bits)) {
        fl_text_mask(&address, bits);
        *low = *high = fl_wide_of(&address);
        if (bits < 64)
            high->high |= UINT64_MAX >> bits;
        if (bits < 128)
            high->low |= bits <= 64 ? UINT64_MAX : UINT64_MAX >> (bits - 64);
        return true;
    }
    const char *sign = memchr(value->text, '-', value->size);
    flowan_address last;
    if (!sign ||
        !fl_text_get_address(value->text, (size_t)(sign - value->text), &address) ||
        !fl_text_get_address(sign + 1, (size_t)(value->text + value->size - sign - 1),
                             &last))
        return false;
    *low = fl_wide_of(&address);
    *high = fl_wide_of(&last);
    return is_ipv4(*low) == is_ipv4(*high);
}

static flowan_status add_addresses(fl_values_context *context, const fl_values *values,
                                   const literal *value, const fl_token *token,
                                   fl_test *test)
{
    fl_wide low;
    fl_wide high;
    if (!get_addresses(value, &low, &high))
        return refuse(context, values, token);
    if (low.high > high.high || (low.high == high.high && low.low > high.low))
        return fl_tokens_expected(context->tokens, token,
                                  "a range whose first address is not above its last");
    return add_between(&test->addresses, low, high)
               ? FLOWAN_OK
               : fl_status_memory(context->tokens->error);
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
    if (!value->quoted && get_addresses(value, &low, &high))
        return add_between(&test->addresses, low, high)
                   ? FLOWAN_OK
                   : fl_status_memory(context->tokens->error);
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
    return fl_numbers_add(&test->numbers, (uint64_t)entry, (uint64_t)entry)
               ? FLOWAN_OK
               : fl_status_memory(context->tokens->error);
}

/* --- texts --- */

static flowan_status add_text(fl_values_context *context, const literal *value,
                              fl_test *test)
{
    return fl_hash_put(&test->texts, value->text, value->size, NULL) >= 0
               ? FLOWAN_OK
               : fl_status_memory(context->tokens->error);
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

/* Of a key that may hold anything: a text, and whatever else it can be. */
static flowan_status add_any(fl_values_context *context, const literal *value,
                             fl_test *test)
{
    static const fl_values number = {FL_NOTATION_NUMBER, -1, UINT64_MAX, NULL};
    uint64_t low = 0;
    uint64_t high = 0;
    fl_wide first;
    fl_wide last;
    bool done = true;
    if (!value->quoted) {
        bool truth = fl_tokens_same(value->text, value->size, "true");
        if (truth || fl_tokens_same(value->text, value->size, "false"))
            done = fl_numbers_add(&test->numbers, truth, truth);
        else if (get_number(value->text, value->size, UINT64_MAX, &low))
            done = fl_numbers_add(&test->numbers, low, low);
        else if (get_range(context, &number, read_number, value, &low, &high))
            done = fl_numbers_add(&test->numbers, low, high);
        else if (get_addresses(value, &first, &last))
            done = add_between(&test->addresses, first, last);
    }
    return done ? add_text(context, value, test)
                : fl_status_memory(context->tokens->error);
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
    static const fl_values any = {FL_NOTATION_NUMBER, -1, UINT64_MAX, "a number"};
    const fl_values *as = values->notation == FL_NOTATION_ANY ? &any : values;
    fl_token token = context->tokens->now;
    fl_buffer decoded = {0};
    literal value;
    uint64_t number = 0;
    flowan_status status = take_literal(context, as, &token, &decoded, &value);
    if (status >= 0 &&
        ((values->notation == FL_NOTATION_ANY && value.quoted) ||
         !notations[as->notation].read(context, as, value.text, value.size, &number)))
        status = refuse(context, as, &token);
    fl_buffer_free(&decoded);
    if (status < 0)
        return status;
    bool with = sign == FL_TOKEN_NOT_MORE || sign == FL_TOKEN_NOT_LESS;
    bool done = true;
    if (sign == FL_TOKEN_LESS || sign == FL_TOKEN_NOT_MORE) {
        if (with || number > 0)
            done = fl_numbers_add(&test->numbers, 0, number - !with);
    } else if (with || number < UINT64_MAX) {
        done = fl_numbers_add(&test->numbers, number + !with, UINT64_MAX);
    }
    return done ? fl_tokens_next(context->tokens)
                : fl_status_memory(context->tokens->error);
}

bool fl_values_ordered(const fl_values *values)
{
    return notations[values->notation].ordered;
}
