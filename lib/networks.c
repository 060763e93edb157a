/* Layer 3: the table of local networks: reads its text, then answers longest-prefix
 * questions. It does not know what "local" means for a flow: that is enrich's.
 *
 * Nested prefixes are flattened once into disjoint ranges that cover the address space
 * from the first to the last prefix, each with the answer of the longest prefix there.
 * A look-up is then one binary search, narrowed by an index over the first 16 bits.
 * That is as fast as a trie of strides for the few hundred prefixes of an operator, and
 * does not fall off with a full routing table. IPv4 and IPv6 have a table each with the
 * same code: an IPv4 address is taken as the first 32 of 128 bits. */
#include "flowan/networks.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "memory.h"
#include "status.h"
#include "text.h"

#define LINE_LIMIT 4096
#define FILE_LIMIT ((size_t)64 << 20)
#define PREFIX_LIMIT 1000000

#define NOTHING UINT32_MAX
#define SLOTS 65536

/* An address as a number; IPv4 in the first 32 bits, zeros behind. */
struct key {
    uint64_t high;
    uint64_t low;
};

/* From `start` to the start of the next range. `value` is NOTHING, or twice the network
 * plus one where it is public. */
struct range {
    struct key start;
    uint32_t value;
};

/* index[s] is the range in which the first address of slot s lies; the first range
 * starts at zero. No range: no index either. */
struct table {
    struct range *ranges;
    size_t count;
    size_t capacity;
    uint32_t *index;
};

/* A line of the file. */
struct prefix {
    flowan_address address;
    unsigned bits; /* of the 128-bit form */
    bool is_public;
    uint32_t line;
    uint32_t network;
    size_t name;       /* where in `names` of the parse */
    const char *field; /* where in the text, for messages */
};

/* What lives only while a text is read. */
struct parse {
    const char *file;
    const char *text;
    flowan_error *error;
    uint32_t line;
    struct prefix *prefixes;
    size_t count;
    size_t capacity;
    fl_buffer names; /* NUL-terminated, one a prefix */
};

struct flowan_networks {
    struct table ipv4;
    struct table ipv6;
    size_t count;
    /* Per network, where in `texts` its name and its prefixes begin. */
    size_t *name_at;
    size_t *prefixes_at;
    fl_buffer texts;
};

/* --- keys --- */

/* Written out, for compilers make one load of it. */
static uint64_t load_be64(const uint8_t *o)
{
    return (uint64_t)o[0] << 56 | (uint64_t)o[1] << 48 | (uint64_t)o[2] << 40 |
           (uint64_t)o[3] << 32 | (uint64_t)o[4] << 24 | (uint64_t)o[5] << 16 |
           (uint64_t)o[6] << 8 | o[7];
}

/* True, and a key of the IPv4 table, for a mapped address; else one of the IPv6
 * table. */
static inline bool key_of(const flowan_address *address, struct key *key)
{
    uint64_t high = load_be64(address->octet);
    uint64_t low = load_be64(address->octet + 8);
    if (high == 0 && low >> 32 == 0xffff) {
        *key = (struct key){low << 32, 0};
        return true;
    }
    *key = (struct key){high, low};
    return false;
}

static inline bool key_less(struct key a, struct key b)
{
    return a.high < b.high || (a.high == b.high && a.low < b.low);
}

static bool key_equal(struct key a, struct key b)
{
    return a.high == b.high && a.low == b.low;
}

/* The last address of the prefix that begins at `start`. */
static struct key key_last(struct key start, unsigned bits)
{
    if (bits < 64) {
        start.high |= UINT64_MAX >> bits;
        start.low = UINT64_MAX;
    } else if (bits < 128) {
        start.low |= UINT64_MAX >> (bits - 64);
    }
    return start;
}

/* False behind the very last address. */
static bool key_next(struct key *key)
{
    key->low++;
    if (key->low == 0)
        key->high++;
    return key->low != 0 || key->high != 0;
}

/* --- tables --- */

static uint32_t table_find(const struct table *table, struct key key)
{
    if (table->count == 0)
        return NOTHING;
    size_t slot = (size_t)(key.high >> 48);
    size_t first = table->index[slot];
    size_t last = table->index[slot + 1];
    while (first < last) {
        size_t middle = last - (last - first) / 2;
        if (key_less(key, table->ranges[middle].start))
            last = middle - 1;
        else
            first = middle;
    }
    return table->ranges[first].value;
}

/* From `start` on, `value`; a later call with the same start overrides. */
static bool table_append(struct table *table, struct key start, uint32_t value)
{
    if (table->count > 0 && key_equal(table->ranges[table->count - 1].start, start))
        table->count--;
    if (table->count > 0 && table->ranges[table->count - 1].value == value)
        return true;
    if (!fl_memory_grow((void **)&table->ranges, &table->capacity, table->count + 1,
                        sizeof *table->ranges))
        return false;
    table->ranges[table->count++] = (struct range){start, value};
    return true;
}

static bool table_index(struct table *table)
{
    if (table->count == 0)
        return true;
    table->index = fl_memory_alloc(SLOTS + 1, sizeof *table->index);
    if (!table->index)
        return false;
    uint32_t range = 0;
    for (uint64_t slot = 0; slot < SLOTS; slot++) {
        struct key start = {slot << 48, 0};
        while (range + 1 < table->count &&
               !key_less(start, table->ranges[range + 1].start))
            range++;
        table->index[slot] = range;
    }
    table->index[SLOTS] = (uint32_t)(table->count - 1);
    return true;
}

struct open_prefix {
    struct key last;
    uint32_t value;
};

/* Ends the prefixes on the stack that end before `limit` (NULL: all), innermost first;
 * behind each the one around it goes on. */
static bool close_prefixes(struct table *table, struct open_prefix *stack,
                           size_t *depth, const struct key *limit)
{
    while (*depth > 0 && (!limit || key_less(stack[*depth - 1].last, *limit))) {
        struct key behind = stack[--*depth].last;
        uint32_t value = *depth > 0 ? stack[*depth - 1].value : NOTHING;
        if (key_next(&behind) && !table_append(table, behind, value))
            return false;
    }
    return true;
}

/* `sorted`: by first address, the shorter prefix first. Two prefixes are either nested
 * or disjoint, so a stack as deep as an address is long suffices. */
static bool table_build(struct table *table, const struct prefix *const *sorted,
                        size_t count)
{
    struct open_prefix stack[129];
    size_t depth = 0;
    if (count > 0 && !table_append(table, (struct key){0, 0}, NOTHING))
        return false;
    for (size_t i = 0; i < count; i++) {
        struct key start;
        unsigned bits = sorted[i]->bits;
        if (key_of(&sorted[i]->address, &start))
            bits -= 96;
        if (!close_prefixes(table, stack, &depth, &start))
            return false;
        uint32_t value = sorted[i]->network * 2 + sorted[i]->is_public;
        stack[depth++] = (struct open_prefix){key_last(start, bits), value};
        if (!table_append(table, start, value))
            return false;
    }
    return close_prefixes(table, stack, &depth, NULL) && table_index(table);
}

/* --- text to prefixes --- */

/* One failure of the text: "FILE:LINE: ..." at a byte of it. */
#define fail_at(parse, status, at, format, ...)                                        \
    fl_status_fail((parse)->error, status, (uint64_t)((at) - (parse)->text),           \
                   "%s:%u: " format, (parse)->file, (unsigned)(parse)->line,           \
                   __VA_ARGS__)

/* Of a quoted field, no more than is good for a message. */
static int quoted(size_t size)
{
    return size > 80 ? 80 : (int)size;
}

/* A prefix in its canonical text: "10.8.0.0/16". */
static void put_prefix(fl_buffer *buffer, const flowan_address *address, unsigned bits)
{
    char text[FL_TEXT_ADDRESS_SIZE];
    size_t size = fl_text_put_address(text, address);
    if (bits >= 96 && fl_text_is_ipv4(address))
        bits -= 96;
    fl_buffer_append(buffer, text, size);
    fl_buffer_format(buffer, "/%u", bits);
}

static flowan_status fail_host_bits(struct parse *parse, const char *field, size_t size,
                                    const flowan_address *address, unsigned bits)
{
    flowan_address masked = *address;
    fl_text_mask(&masked, bits);
    fl_buffer wanted = {0};
    put_prefix(&wanted, &masked, bits);
    fl_buffer_byte(&wanted, '\0');
    flowan_status status =
        wanted.failed
            ? fl_status_memory(parse->error)
            : fail_at(
                  parse, FLOWAN_ERROR_FORMAT, field,
                  "\"%.*s\" has bits set behind its prefix length: the network is %s",
                  quoted(size), field, wanted.data);
    fl_buffer_free(&wanted);
    return status;
}

static flowan_status read_prefix(struct parse *parse, const char *field, size_t size,
                                 struct prefix *prefix)
{
    if (!fl_text_get_prefix(field, size, &prefix->address, &prefix->bits))
        return fail_at(parse, FLOWAN_ERROR_FORMAT, field,
                       "\"%.*s\" is no IPv4 or IPv6 prefix such as 10.8.0.0/16",
                       quoted(size), field);
    flowan_address masked = prefix->address;
    fl_text_mask(&masked, prefix->bits);
    if (memcmp(&masked, &prefix->address, sizeof masked) != 0)
        return fail_host_bits(parse, field, size, &prefix->address, prefix->bits);
    return FLOWAN_OK;
}

static flowan_status read_tag(struct parse *parse, const char *field, size_t size,
                              struct prefix *prefix)
{
    const char *equals = memchr(field, '=', size);
    if (!equals || equals == field)
        return fail_at(
            parse, FLOWAN_ERROR_FORMAT, field,
            "\"%.*s\" is no tag=value (a line is PREFIX NAME [tag=value ...])",
            quoted(size), field);
    static const char public[] = "role=public";
    if (size == sizeof public - 1 && memcmp(field, public, size) == 0)
        prefix->is_public = true;
    return FLOWAN_OK;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* The next field of [*at, end) that is not in a comment; NULL when there is none. */
static const char *next_field(const char **at, const char *end, size_t *size)
{
    while (*at < end && is_blank(**at))
        ++*at;
    const char *field = *at;
    if (field == end || *field == '#')
        return NULL;
    while (*at < end && !is_blank(**at))
        ++*at;
    *size = (size_t)(*at - field);
    return field;
}

static flowan_status check_line(struct parse *parse, const char *line, const char *end)
{
    if (end - line > LINE_LIMIT)
        return fail_at(parse, FLOWAN_ERROR_LIMIT, line, "line over %d bytes",
                       LINE_LIMIT);
    for (const char *at = line; at < end; at++) {
        unsigned char c = (unsigned char)*at;
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return fail_at(parse, FLOWAN_ERROR_FORMAT, at, "control byte 0x%02x", c);
    }
    return FLOWAN_OK;
}

static flowan_status read_line(struct parse *parse, const char *line, const char *end)
{
    flowan_status status = check_line(parse, line, end);
    if (status < 0)
        return status;
    size_t size;
    const char *at = line;
    const char *field = next_field(&at, end, &size);
    if (!field)
        return FLOWAN_OK;
    if (parse->count == PREFIX_LIMIT)
        return fail_at(parse, FLOWAN_ERROR_LIMIT, field, "more than %d prefixes",
                       PREFIX_LIMIT);
    struct prefix prefix = {
        .line = parse->line, .name = parse->names.size, .field = field};
    status = read_prefix(parse, field, size, &prefix);
    if (status < 0)
        return status;
    field = next_field(&at, end, &size);
    if (field && !memchr(field, '=', size)) {
        fl_buffer_append(&parse->names, field, size);
        field = next_field(&at, end, &size);
    } else {
        put_prefix(&parse->names, &prefix.address, prefix.bits);
    }
    fl_buffer_byte(&parse->names, '\0');
    for (; field; field = next_field(&at, end, &size)) {
        status = read_tag(parse, field, size, &prefix);
        if (status < 0)
            return status;
    }
    if (parse->names.failed ||
        !fl_memory_grow((void **)&parse->prefixes, &parse->capacity, parse->count + 1,
                        sizeof *parse->prefixes))
        return fl_status_memory(parse->error);
    parse->prefixes[parse->count++] = prefix;
    return FLOWAN_OK;
}

static flowan_status read_text(struct parse *parse, size_t size)
{
    const char *at = parse->text;
    const char *end = at + size;
    if (size >= 3 && memcmp(at, "\xef\xbb\xbf", 3) == 0)
        at += 3;
    while (at < end) {
        const char *feed = memchr(at, '\n', (size_t)(end - at));
        const char *stop = feed ? feed : end;
        const char *next = feed ? feed + 1 : end;
        if (stop > at && stop[-1] == '\r')
            stop--;
        parse->line++;
        flowan_status status = read_line(parse, at, stop);
        if (status < 0)
            return status;
        at = next;
    }
    return FLOWAN_OK;
}

/* --- prefixes to networks --- */

/* By NAME, then in the order of the file. */
struct named {
    const char *name;
    size_t order;
};

static int by_name(const void *a, const void *b)
{
    const struct named *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    return order ? order : (x->order > y->order) - (x->order < y->order);
}

/* Gives each prefix its network: the number of its NAME in order of first
 * appearance. */
static flowan_status number_networks(struct parse *parse, size_t *count)
{
    struct named *sorted = fl_memory_alloc(parse->count, sizeof *sorted);
    if (!sorted)
        return fl_status_memory(parse->error);
    for (size_t i = 0; i < parse->count; i++)
        sorted[i] = (struct named){parse->names.data + parse->prefixes[i].name, i};
    if (parse->count > 0)
        qsort(sorted, parse->count, sizeof *sorted, by_name);
    /* First each prefix learns which prefix had its NAME first (maybe itself) ... */
    size_t leader = 0;
    for (size_t i = 0; i < parse->count; i++) {
        if (i == 0 || strcmp(sorted[i].name, sorted[i - 1].name) != 0)
            leader = sorted[i].order;
        parse->prefixes[sorted[i].order].network = (uint32_t)leader;
    }
    fl_memory_free(sorted);
    /* ... which comes earlier in the file, so that it has its number already. */
    *count = 0;
    for (size_t i = 0; i < parse->count; i++) {
        struct prefix *prefix = &parse->prefixes[i];
        prefix->network = prefix->network == i
                              ? (uint32_t)(*count)++
                              : parse->prefixes[prefix->network].network;
    }
    return FLOWAN_OK;
}

static int by_network(const void *a, const void *b)
{
    const struct prefix *x = *(const struct prefix *const *)a;
    const struct prefix *y = *(const struct prefix *const *)b;
    if (x->network != y->network)
        return x->network < y->network ? -1 : 1;
    return (x->line > y->line) - (x->line < y->line);
}

/* All IPv4 before all IPv6; then by address, shorter first. */
static int by_address(const void *a, const void *b)
{
    const struct prefix *x = *(const struct prefix *const *)a;
    const struct prefix *y = *(const struct prefix *const *)b;
    bool x_ipv6 = !fl_text_is_ipv4(&x->address), y_ipv6 = !fl_text_is_ipv4(&y->address);
    if (x_ipv6 != y_ipv6)
        return x_ipv6 ? 1 : -1;
    int order = memcmp(&x->address, &y->address, sizeof x->address);
    if (order)
        return order;
    if (x->bits != y->bits)
        return x->bits < y->bits ? -1 : 1;
    return (x->line > y->line) - (x->line < y->line);
}

static void sort_prefixes(const struct prefix **sorted, size_t count,
                          int (*order)(const void *, const void *))
{
    if (count > 0)
        qsort(sorted, count, sizeof *sorted, order);
}

/* The first line, in the order of the file, whose prefix an earlier line has. */
static flowan_status check_doubles(struct parse *parse, const struct prefix **sorted)
{
    const struct prefix *again = NULL, *before = NULL;
    for (size_t i = 1; i < parse->count; i++) {
        const struct prefix *a = sorted[i - 1], *b = sorted[i];
        if (a->bits != b->bits ||
            memcmp(&a->address, &b->address, sizeof a->address) != 0)
            continue;
        if (!again || b->line < again->line) {
            again = b;
            before = a;
        }
    }
    if (!again)
        return FLOWAN_OK;
    fl_buffer text = {0};
    put_prefix(&text, &again->address, again->bits);
    fl_buffer_byte(&text, '\0');
    parse->line = again->line;
    flowan_status status =
        text.failed
            ? fl_status_memory(parse->error)
            : fail_at(parse, FLOWAN_ERROR_FORMAT, again->field,
                      "%s is on line %u already", text.data, (unsigned)before->line);
    fl_buffer_free(&text);
    return status;
}

static bool build_texts(flowan_networks *networks, const struct parse *parse,
                        const struct prefix *const *sorted)
{
    networks->name_at = fl_memory_zalloc(networks->count, sizeof *networks->name_at);
    networks->prefixes_at =
        fl_memory_zalloc(networks->count, sizeof *networks->prefixes_at);
    if (!networks->name_at || !networks->prefixes_at)
        return false;
    fl_buffer *texts = &networks->texts;
    for (size_t i = 0; i < parse->count; i++) {
        uint32_t network = sorted[i]->network;
        bool first = i == 0 || sorted[i - 1]->network != network;
        if (first) {
            networks->name_at[network] = texts->size;
            fl_buffer_text(texts, parse->names.data + sorted[i]->name);
            fl_buffer_byte(texts, '\0');
            networks->prefixes_at[network] = texts->size;
        } else {
            fl_buffer_byte(texts, ' ');
        }
        put_prefix(texts, &sorted[i]->address, sorted[i]->bits);
        if (i + 1 == parse->count || sorted[i + 1]->network != network)
            fl_buffer_byte(texts, '\0');
    }
    return !texts->failed;
}

static flowan_status build(flowan_networks *networks, struct parse *parse)
{
    flowan_status status = number_networks(parse, &networks->count);
    if (status < 0)
        return status;
    const struct prefix **sorted = fl_memory_alloc(parse->count, sizeof *sorted);
    if (!sorted)
        return fl_status_memory(parse->error);
    for (size_t i = 0; i < parse->count; i++)
        sorted[i] = &parse->prefixes[i];
    sort_prefixes(sorted, parse->count, by_address);
    status = check_doubles(parse, sorted);
    if (status < 0)
        goto out;
    size_t ipv4 = 0;
    while (ipv4 < parse->count && fl_text_is_ipv4(&sorted[ipv4]->address))
        ipv4++;
    bool done = table_build(&networks->ipv4, sorted, ipv4) &&
                table_build(&networks->ipv6, sorted + ipv4, parse->count - ipv4);
    if (done) {
        sort_prefixes(sorted, parse->count, by_network);
        done = build_texts(networks, parse, sorted);
    }
    if (!done)
        status = fl_status_memory(parse->error);
out:
    fl_memory_free(sorted);
    return status;
}

/* --- files --- */

static flowan_status fail_size(const char *name, flowan_error *error)
{
    return fl_status_fail(error, FLOWAN_ERROR_LIMIT, FL_NO_OFFSET,
                          "%s is larger than %zu MiB: no table of networks", name,
                          FILE_LIMIT >> 20);
}

/* All of a file, without trust in the size that the system tells: it may be a pipe. */
static flowan_status read_file(fl_buffer *buffer, int fd, const char *path,
                               flowan_error *error)
{
    for (;;) {
        char *room = fl_buffer_reserve(buffer, 65536);
        if (!room)
            return fl_status_memory(error);
        ssize_t got = read(fd, room, 65536);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return fl_status_errno(error, errno, "read", path);
        if (got == 0)
            return FLOWAN_OK;
        buffer->size += (size_t)got;
        if (buffer->size > FILE_LIMIT)
            return fail_size(path, error);
    }
}

/* --- public --- */

flowan_status flowan_networks_new(flowan_networks **out, flowan_error *error)
{
    static const char text[] =
        "10.0.0.0/8\n172.16.0.0/12\n192.168.0.0/16\n" /* RFC 1918 */
        "100.64.0.0/10\n"                             /* RFC 6598 */
        "fc00::/7\n";                                 /* RFC 4193 */
    return flowan_networks_parse(out, text, sizeof text - 1, "default networks", error);
}

flowan_status flowan_networks_load(flowan_networks **out, const char *path,
                                   flowan_error *error)
{
    *out = NULL;
    int fd;
    do
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    while (fd < 0 && errno == EINTR);
    if (fd < 0)
        return fl_status_errno(error, errno, "open", path);
    fl_buffer buffer = {0};
    flowan_status status = read_file(&buffer, fd, path, error);
    close(fd);
    if (status >= 0)
        status = flowan_networks_parse(out, buffer.data, buffer.size, path, error);
    fl_buffer_free(&buffer);
    return status;
}

flowan_status flowan_networks_parse(flowan_networks **out, const char *text,
                                    size_t size, const char *name, flowan_error *error)
{
    *out = NULL;
    if (size > FILE_LIMIT)
        return fail_size(name, error);
    struct parse parse = {.file = name, .text = size ? text : "", .error = error};
    flowan_status status;
    flowan_networks *networks = fl_memory_zalloc(1, sizeof *networks);
    if (!networks)
        return fl_status_memory(error);
    status = read_text(&parse, size);
    if (status >= 0)
        status = build(networks, &parse);
    fl_memory_free(parse.prefixes);
    fl_buffer_free(&parse.names);
    if (status < 0)
        flowan_networks_free(networks);
    else
        *out = networks;
    return status;
}

void flowan_networks_free(flowan_networks *networks)
{
    if (!networks)
        return;
    struct table *tables[] = {&networks->ipv4, &networks->ipv6};
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        fl_memory_free(tables[i]->ranges);
        fl_memory_free(tables[i]->index);
    }
    fl_memory_free(networks->name_at);
    fl_memory_free(networks->prefixes_at);
    fl_buffer_free(&networks->texts);
    fl_memory_free(networks);
}

bool flowan_networks_find(const flowan_networks *networks,
                          const flowan_address *address, flowan_network_match *match)
{
    struct key key;
    bool is_ipv4 = key_of(address, &key);
    uint32_t value = table_find(is_ipv4 ? &networks->ipv4 : &networks->ipv6, key);
    if (value == NOTHING)
        return false;
    if (match)
        *match = (flowan_network_match){value / 2, (value & 1) != 0};
    return true;
}

size_t flowan_networks_count(const flowan_networks *networks)
{
    return networks->count;
}

const char *flowan_networks_name(const flowan_networks *networks, uint32_t network)
{
    if (network >= networks->count)
        return NULL;
    return networks->texts.data + networks->name_at[network];
}

const char *flowan_networks_prefixes(const flowan_networks *networks, uint32_t network)
{
    if (network >= networks->count)
        return NULL;
    return networks->texts.data + networks->prefixes_at[network];
}
