/* Layer 2: how the fast path reads values, as a part of the kernels' template: what they
 * must have defined is told in fastpath_kernel.h. A reader accepts a text only if the
 * general way would give it the type and the kind that the node has. */

#include "swar.h"

/* Readers, one an op: the value at `at` goes into the node. They return its end, or NULL
 * when it is not spelled as the node's values are. A value of more than FL_FAST_TEXT bytes
 * must end where a record may still begin. */
typedef const char *reader(fl_fastpath *fast, fl_fast_node *node, const char *at);

static const char *read_nothing(fl_fastpath *fast, fl_fast_node *node, const char *at)
{
    (void)fast;
    (void)node;
    return at;
}

/* What ends a number differs from digits in bit 4 or 6: where the next literal begins is
 * known before the digits are looked at. */
static inline __attribute__((always_inline)) const char *read_number(fl_fastpath *fast,
                                                                     fl_fast_node *node,
                                                                     const char *at)
{
    (void)fast;
    uint64_t values = fl_swar_load(at) ^ FL_SWAR_ALL('0');
    uint64_t stop = values & FL_SWAR_ALL(0x50);
    if (!stop) {
        unsigned size = fl_swar_no_digit(values) ? 0 : LONG_NUMBER(at, &node->number);
        return size && (values & 0xff) != 0 && node->number <= node->max ? at + size
                                                                         : NULL;
    }
    unsigned size = fl_swar_first(stop);
    if (size == 0 || ((values & 0xff) == 0 && size > 1))
        return NULL;
    values <<= 64 - 8 * size;
    if (fl_swar_no_digit(values))
        return NULL;
    node->number = fl_swar_sum(values);
    return at + size;
}

static const char *read_any_number(fl_fastpath *fast, fl_fast_node *node,
                                   const char *at)
{
    return read_number(fast, node, at);
}

static const char *read_bounded(fl_fastpath *fast, fl_fast_node *node, const char *at)
{
    at = read_number(fast, node, at);
    return at && node->number <= node->max ? at : NULL;
}

/* A time in seconds or milliseconds. */
static const char *read_scaled(fl_fastpath *fast, fl_fast_node *node, const char *at)
{
    uint64_t scale = node->kind == FL_KIND_SECONDS ? FL_NS_PER_SECOND : FL_NS_PER_MS;
    at = read_number(fast, node, at);
    if (!at || node->number > UINT64_MAX / scale)
        return NULL;
    node->number *= scale;
    return at;
}

/* With 0 another key of the record would count. */
static const char *read_scaled_not_0(fl_fastpath *fast, fl_fast_node *node,
                                     const char *at)
{
    at = read_scaled(fast, node, at);
    return at && node->number != 0 ? at : NULL;
}

static const char *read_bool(fl_fastpath *fast, fl_fast_node *node, const char *at)
{
    (void)fast;
    node->number = *at == 't';
    return memcmp(at, "true", 4) == 0    ? at + 4
           : memcmp(at, "false", 5) == 0 ? at + 5
                                         : NULL;
}

/* "2025-03-15T00:04:07.31662659": the second was mostly met before. */
static const char *read_rfc3339(fl_fastpath *fast, fl_fast_node *node, const char *at)
{
    const fl_fast_second *second = &fast->seconds[fl_fast_second_slot(at)];
    if (fl_swar_load(at) != fl_swar_load(second->text) ||
        fl_swar_load(at + 8) != fl_swar_load(second->text + 8) ||
        fl_swar_load(at + 11) != fl_swar_load(second->text + 11)) {
        const char *stop = STRING_STOP(at, fast->limit + FL_FASTPATH_PADDING);
        fast->cut = !stop;
        size_t size = stop ? (size_t)(stop - at) : 0;
        return size && fl_fastpath_time(fast, at, size, &node->number) ? stop : NULL;
    }
    at += 19;
    uint64_t fraction = 0;
    if (*at == '.') {
        unsigned count = fl_swar_digits(++at, &fraction);
        at += count;
        if (count == 8 && (unsigned char)(*at - '0') < 10) {
            fraction = fraction * 10 + (uint64_t)(*at++ - '0');
            count++;
        }
        if (count == 0 || at[-1] == '0')
            return NULL;
        fraction *= fl_swar_ten_to[9 - count];
    }
    node->number = second->ns + fraction;
    return at[0] == 'Z' && at[1] == '"' ? at + 1 : NULL;
}

static const char *read_ipv4(fl_fastpath *fast, fl_fast_node *node, const char *at)
{
    unsigned size = IPV4(fast, at, &node->address);
    return size ? at + size : NULL;
}

static const char *read_ipv6(fl_fastpath *fast, fl_fast_node *node, const char *at)
{
    (void)fast;
    unsigned size = IPV6(at, &node->address);
    return size ? at + size : NULL;
}

static const char *read_hex4(fl_fastpath *fast, fl_fast_node *node, const char *at)
{
    (void)fast;
    uint32_t octets;
    if (!fl_swar_hex8(at, &octets))
        return NULL;
    fl_swar_put_ipv4(&node->address, octets);
    return at + 8;
}

static const char *read_hex16(fl_fastpath *fast, fl_fast_node *node, const char *at)
{
    (void)fast;
    uint32_t octets[4];
    for (unsigned i = 0; i < 4; i++, at += 8)
        if (!fl_swar_hex8(at, &octets[i]))
            return NULL;
    fl_swar_store(node->address.octet, octets[0] | (uint64_t)octets[1] << 32);
    fl_swar_store(node->address.octet + 8, octets[2] | (uint64_t)octets[3] << 32);
    return at;
}

static inline const char *read_octets_of(fl_fast_node *node, const char *at,
                                         unsigned count)
{
    unsigned char *octets = node->address.octet + 16 - count;
    node->address = (flowan_address){{[10] = 0xff, [11] = 0xff}};
    for (unsigned i = 0; i < count; i++) {
        uint64_t octet;
        unsigned size = i > 0 && *at++ != ',' ? 0 : fl_swar_number(at, 255, &octet);
        if (size == 0)
            return NULL;
        octets[i] = (unsigned char)octet;
        at += size;
    }
    return at;
}

static const char *read_octets(fl_fastpath *fast, fl_fast_node *node, const char *at)
{
    (void)fast;
    return read_octets_of(node, at, node->kind == FL_KIND_OCTETS4 ? 4 : 16);
}

static const char *read_list_octets(fl_fastpath *fast, fl_fast_node *node,
                                    const char *at)
{
    (void)fast;
    node->items = &node->address;
    node->count = 1;
    return read_octets_of(node, at, node->kind == FL_KIND_LIST_OCTETS4 ? 4 : 16);
}

static const char *read_mac(fl_fastpath *fast, fl_fast_node *node, const char *at)
{
    (void)fast;
    return fl_swar_mac(at, &node->number) ? at + 17 : NULL;
}

/* The end of a quoted name and its number; NULL when the name is not of that kind. Most
 * are short and were met before. */
static inline const char *read_name_to(fl_fastpath *fast, const fl_fast_node *node,
                                       const char *text, uint64_t *number)
{
    uint64_t first = fl_swar_load(text);
    uint64_t quote = fl_swar_equal(first, '"');
    size_t size;
    if (quote) {
        size = fl_swar_first(quote);
        first &= (UINT64_C(1) << 8 * size) - 1;
    } else {
        const char *stop = STRING_STOP(text, fast->limit + FL_FASTPATH_PADDING);
        if (!stop) {
            fast->cut = true;
            return NULL;
        }
        size = (size_t)(stop - text); /* 8 at least, or it is no name */
    }
    const fl_fast_name *known = &fast->names[fl_fast_name_slot(first, size)];
    if (known->first == first && known->size == size && known->field == node->field &&
        known->old == node->old &&
        (size <= 8 || memcmp(known->rest, text + 8, size - 8) == 0)) {
        *number = known->number;
        return text + size;
    }
    return fl_fastpath_find_name(fast, node, text, size, number) ? text + size : NULL;
}

static const char *read_name(fl_fastpath *fast, fl_fast_node *node, const char *at)
{
    return read_name_to(fast, node, at, &node->number);
}

/* The length of a prefix behind its address. */
static inline const char *read_length(const char *at, unsigned bits, fl_fast_node *node)
{
    if (*at != '/')
        return NULL;
    unsigned size = fl_swar_number(at + 1, bits, &node->number);
    return size ? at + 1 + size : NULL;
}

static const char *read_cidr4(fl_fastpath *fast, fl_fast_node *node, const char *at)
{
    at = read_ipv4(fast, node, at);
    return at ? read_length(at, 32, node) : NULL;
}

static const char *read_cidr6(fl_fastpath *fast, fl_fast_node *node, const char *at)
{
    at = read_ipv6(fast, node, at);
    return at ? read_length(at, 128, node) : NULL;
}

static const char *read_string(fl_fastpath *fast, fl_fast_node *node, const char *at)
{
    const char *stop = STRING_STOP(at, fast->limit + FL_FASTPATH_PADDING);
    fast->cut = !stop || (stop - at > FL_FAST_TEXT && stop > fast->limit);
    if (fast->cut || *stop != '"')
        return NULL;
    node->items = at;
    node->count = (size_t)(stop - at);
    return stop;
}

static const char *read_no_name(fl_fastpath *fast, fl_fast_node *node, const char *at)
{
    at = read_string(fast, node, at);
    return at && !fl_fastpath_is_name(node, node->items, node->count) ? at : NULL;
}

/* Whether a list goes on farther than it may. */
static inline bool is_cut(const fl_fastpath *fast, const char *begin, const char *at)
{
    return at - begin > FL_FAST_TEXT && at > fast->limit;
}

/* The items up to the ']'. */
static const char *read_numbers(fl_fastpath *fast, fl_fast_node *node, const char *at)
{
    uint64_t *items = fast->numbers + fast->numbers_used;
    size_t room = FL_FAST_NUMBERS - fast->numbers_used;
    size_t count = 0;
    const char *begin = at;
    while (*at != ']') {
        if (count > 0 && *at++ != ',')
            return NULL;
        fast->cut = is_cut(fast, begin, at);
        if (fast->cut || count == room)
            return NULL;
        unsigned size = fl_swar_number(at, UINT64_MAX, &items[count]);
        if (size == 0)
            return NULL;
        at += size;
        count++;
    }
    node->items = items;
    node->count = count;
    fast->numbers_used += count;
    return at;
}

static const char *read_names(fl_fastpath *fast, fl_fast_node *node, const char *at)
{
    uint64_t *items = fast->numbers + fast->numbers_used;
    size_t room = FL_FAST_NUMBERS - fast->numbers_used;
    size_t count = 0;
    const char *begin = at;
    do {
        if (count > 0 && *at++ != ',')
            return NULL;
        fast->cut = is_cut(fast, begin, at);
        if (fast->cut || count == room || *at != '"')
            return NULL;
        at = read_name_to(fast, node, at + 1, &items[count]);
        if (!at)
            return NULL;
        at++;
        count++;
    } while (*at != ']');
    node->items = items;
    node->count = count;
    fast->numbers_used += count;
    return at;
}

static const char *read_addresses(fl_fastpath *fast, fl_fast_node *node, const char *at)
{
    flowan_address *items = fast->addresses + fast->addresses_used;
    size_t room = FL_FAST_ADDRESSES - fast->addresses_used;
    size_t count = 0;
    const char *begin = at;
    while (*at != ']') {
        if (count > 0 && *at++ != ',')
            return NULL;
        fast->cut = is_cut(fast, begin, at);
        if (fast->cut || count == room || *at++ != '"')
            return NULL;
        unsigned size = IPV4(fast, at, &items[count]);
        if (size == 0)
            size = IPV6(at, &items[count]);
        if (size == 0 || at[size] != '"')
            return NULL;
        at += size + 1;
        count++;
    }
    node->items = items;
    node->count = count;
    fast->addresses_used += count;
    return at;
}

static reader *const readers[FL_FAST_OPS] = {
    [FL_FAST_END] = read_nothing,
    [FL_FAST_CONSTANT] = read_nothing,
    [FL_FAST_NUMBER] = read_any_number,
    [FL_FAST_BOUNDED] = read_bounded,
    [FL_FAST_SCALED] = read_scaled,
    [FL_FAST_SCALED_NOT_0] = read_scaled_not_0,
    [FL_FAST_BOOL] = read_bool,
    [FL_FAST_RFC3339] = read_rfc3339,
    [FL_FAST_IPV4] = read_ipv4,
    [FL_FAST_IPV6] = read_ipv6,
    [FL_FAST_HEX4] = read_hex4,
    [FL_FAST_HEX16] = read_hex16,
    [FL_FAST_OCTETS] = read_octets,
    [FL_FAST_MAC] = read_mac,
    [FL_FAST_NAME] = read_name,
    [FL_FAST_CIDR4] = read_cidr4,
    [FL_FAST_CIDR6] = read_cidr6,
    [FL_FAST_STRING] = read_string,
    [FL_FAST_NO_NAME] = read_no_name,
    [FL_FAST_LIST_NUMBER] = read_numbers,
    [FL_FAST_LIST_NAME] = read_names,
    [FL_FAST_LIST_ADDRESS] = read_addresses,
    [FL_FAST_LIST_OCTETS] = read_list_octets,
};
