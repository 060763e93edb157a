/* Each notation that ends as a number has a reader; a range is two values with '-' between
 * them. */
#include "filter_notation.h"

#include <string.h>

#include "enrich.h"
#include "filter_tokens.h"
#include "names.h"
#include "text.h"

/* The longest text that is tried as a range, at each '-' of it. */
enum { RANGE_SIZE = 128 };

typedef bool (*number_reader)(const fl_values *values, uint64_t now_ns,
                              const char *text, size_t size, uint64_t *out);

/* --- single numbers --- */

static unsigned hex_digit(char c)
{
    char letter = (char)(c | 0x20);
    return c >= '0' && c <= '9'             ? (unsigned)(c - '0')
           : letter >= 'a' && letter <= 'f' ? (unsigned)(letter - 'a' + 10)
                                            : 16;
}

static bool get_hex(const char *text, size_t size, uint64_t *out)
{
    uint64_t value = 0;
    if (size == 0)
        return false;
    for (size_t i = 0; i < size; i++) {
        unsigned digit = hex_digit(text[i]);
        if (digit > 15 || value >> 60)
            return false;
        value = value << 4 | digit;
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

static bool read_number(const fl_values *values, uint64_t now_ns, const char *text,
                        size_t size, uint64_t *out)
{
    (void)now_ns;
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

static bool read_named(const fl_values *values, uint64_t now_ns, const char *text,
                       size_t size, uint64_t *out)
{
    (void)now_ns;
    return get_number(text, size, values->max, out) ||
           get_name((flowan_field)values->field, text, size, out);
}

static bool read_duration(const fl_values *values, uint64_t now_ns, const char *text,
                          size_t size, uint64_t *out)
{
    (void)now_ns;
    (void)values;
    if (fl_text_get_duration(text, size, out))
        return true;
    /* which wants more than none; here that is a question too */
    char more[4] = "1";
    if (size == 0 || size >= sizeof more || text[0] != '0')
        return false;
    memcpy(more + 1, text + 1, size - 1);
    if (!fl_text_get_duration(more, size, out))
        return false;
    *out = 0;
    return true;
}

/* As people write times; a whole number that is too large for seconds is ns, which is what
 * logs have. Times before 1970 are not asked for: as numbers they would be late ones. */
static bool read_time(const fl_values *values, uint64_t now_ns, const char *text,
                      size_t size, uint64_t *out)
{
    (void)values;
    bool relative = size && (*text == '-' || fl_tokens_same(text, size, "now"));
    uint64_t value;
    if (relative && now_ns == 0)
        return false;
    if (!fl_text_get_user_time(text, size, now_ns, &value) || value > INT64_MAX)
        return fl_text_get_u64(text, size, UINT64_MAX, out);
    *out = value;
    return true;
}

bool fl_notation_get_flags(const char *text, size_t size, uint64_t *out)
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

static bool read_flags(const fl_values *values, uint64_t now_ns, const char *text,
                       size_t size, uint64_t *out)
{
    (void)now_ns;
    return fl_notation_get_flags(text, size, out) ||
           get_number(text, size, values->max, out);
}

static bool read_mac(const fl_values *values, uint64_t now_ns, const char *text,
                     size_t size, uint64_t *out)
{
    (void)now_ns;
    (void)values;
    return fl_text_get_mac(text, size, out);
}

static bool read_direction(const fl_values *values, uint64_t now_ns, const char *text,
                           size_t size, uint64_t *out)
{
    (void)now_ns;
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

static const number_reader readers[FL_NOTATION_COUNT] = {
    [FL_NOTATION_NUMBER] = read_number,       [FL_NOTATION_NAMED] = read_named,
    [FL_NOTATION_DURATION] = read_duration,   [FL_NOTATION_TIME] = read_time,
    [FL_NOTATION_FLAGS] = read_flags,         [FL_NOTATION_MAC] = read_mac,
    [FL_NOTATION_DIRECTION] = read_direction,
};

/* --- what is asked for --- */

bool fl_notation_get(const fl_values *values, uint64_t now_ns, const char *text,
                     size_t size, uint64_t *out)
{
    number_reader read = readers[values->notation];
    return read && read(values, now_ns, text, size, out);
}

bool fl_notation_get_range(const fl_values *values, uint64_t now_ns, const char *text,
                           size_t size, uint64_t *low, uint64_t *high)
{
    if (fl_notation_get(values, now_ns, text, size, low)) {
        *high = *low;
        return true;
    }
    if (!fl_notation_has_order(values) || values->notation == FL_NOTATION_FLAGS ||
        size > RANGE_SIZE)
        return false;
    const char *end = text + size;
    for (const char *sign = text; sign < end; sign++)
        if (*sign == '-' &&
            fl_notation_get(values, now_ns, text, (size_t)(sign - text), low) &&
            fl_notation_get(values, now_ns, sign + 1, (size_t)(end - sign - 1), high))
            return true;
    return false;
}

bool fl_notation_has_order(const fl_values *values)
{
    switch (values->notation) {
    case FL_NOTATION_MAC:
    case FL_NOTATION_ADDRESS:
    case FL_NOTATION_NETWORK:
    case FL_NOTATION_DIRECTION:
    case FL_NOTATION_TEXT: return false;
    default: return true;
    }
}
