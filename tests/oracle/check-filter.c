/* Filters against a second opinion: questions are drawn as trees, written down as text
 * for the library, and answered here row by row, from the rules of doc/filter.md, without
 * sets, bitmaps or normal forms. Over records drawn at random, and over logs.
 *
 *   check-filter [LOG...]      plain, gzip or zstd
 *
 * FLOWAN_TEST_DATA is the directory of networks.txt and asn.mmdb. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flowan/filter.h"
#include "flowan/notation.h"
#include "flowan/parser.h"
#include "flowan/source.h"
#include "memory.h"

#define NOW_NS UINT64_C(1742058651000000000)

enum { DEPTH = 4, CHILDREN = 4, OPERANDS = 5, ITEMS = 64, ROWS = 1500, BATCHES = 4 };

__extension__ typedef unsigned __int128 u128;

static void fail(const char *what, const char *detail)
{
    fprintf(stderr, "check-filter: %s: %s\n", what, detail);
    exit(EXIT_FAILURE);
}

/* --- draws --- */

static uint64_t state;

static uint64_t draw(uint64_t below)
{
    state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = state;
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (z ^ z >> 31) % below;
}

#define PICK(array) ((array)[draw(sizeof(array) / sizeof *(array))])

/* --- what can be asked --- */

typedef enum kind {
    OF_FIELD,
    OF_DURATION,
    OF_BPS,
    OF_PPS,
    OF_BPP,
    OF_DIRECTION,
    OF_LOCAL_IP,
    OF_LOCAL_NET,
    OF_REMOTE_IP,
    OF_REMOTE_AS,
    OF_SRC_AS,
    OF_DST_AS
} kind;

typedef enum notation {
    NUMBERS,
    NAMES,
    TIMES,
    SPANS,
    FLAGS,
    MACS,
    ADDRESSES,
    WAYS,
    NETS,
    TEXTS,
    ANYTHING
} notation;

typedef struct place {
    kind kind;
    const char *names[2];
} place;

typedef struct primitive {
    const char *words; /* NULL: "field" and the name */
    notation notation;
    place first;
    place second; /* where sides may be named */
    bool sided;
    bool translated;
    const uint8_t *protos; /* that are implied, up to a 0 */
    const char *sides[3];  /* for the first, for the second, for neither */
} primitive;

static const uint8_t tcp[] = {6, 0};
static const uint8_t icmp[] = {1, 58, 0};

#define F(name)                                                                        \
    {                                                                                  \
        OF_FIELD,                                                                      \
        {                                                                              \
            name, NULL                                                                 \
        }                                                                              \
    }
#define ENDS                                                                           \
    {                                                                                  \
        "src", "dst", ""                                                               \
    }
#define NAT(words)                                                                     \
    {                                                                                  \
        words, ADDRESSES,                                                              \
            {OF_FIELD, {"post_nat_src_ipv4_address", "post_nat_src_ipv6_address"}},    \
            {OF_FIELD, {"post_nat_dst_ipv4_address", "post_nat_dst_ipv6_address"}},    \
            true, true, NULL, ENDS                                                     \
    }
#define ONE(words, notation, ...)                                                      \
    {                                                                                  \
        words, notation, __VA_ARGS__, F(NULL), false, false, NULL,                     \
        {                                                                              \
            NULL, NULL, NULL                                                           \
        }                                                                              \
    }
#define TWO(words, notation, a, b)                                                     \
    {                                                                                  \
        words, notation, F(a), F(b), true, false, NULL, ENDS                           \
    }
#define DERIVED(kind)                                                                  \
    {                                                                                  \
        kind,                                                                          \
        {                                                                              \
            NULL, NULL                                                                 \
        }                                                                              \
    }

static const primitive primitives[] = {
    TWO("ip", ADDRESSES, "src_addr", "dst_addr"),
    TWO("host", ADDRESSES, "src_addr", "dst_addr"),
    TWO("net", ADDRESSES, "src_addr", "dst_addr"),
    TWO("port", NUMBERS, "src_port", "dst_port"),
    TWO("port", NUMBERS, "src_port", "dst_port"),
    TWO("vlan", NUMBERS, "src_vlan", "dst_vlan"),
    TWO("mac", MACS, "src_mac", "dst_mac"),
    TWO("mask", NUMBERS, "src_net", "dst_net"),
    NAT("xip"),
    NAT("nip"),
    NAT("nat ip"),
    NAT("nat net"),
    NAT("xnet"),
    TWO("xport", NUMBERS, "post_napt_src_transport_port",
        "post_napt_dst_transport_port"),
    TWO("nat port", NUMBERS, "post_napt_src_transport_port",
        "post_napt_dst_transport_port"),
    {"as", NUMBERS, DERIVED(OF_SRC_AS), DERIVED(OF_DST_AS), true, false, NULL, ENDS},
    {"if", NUMBERS, F("in_if"), F("out_if"), true, false, NULL, {"in", "out", ""}},
    {"vrf",
     NUMBERS,
     F("ingress_vrf_id"),
     F("egress_vrf_id"),
     true,
     false,
     NULL,
     {"ingress", "egress", ""}},
    ONE("proto", NAMES, F("proto")),
    ONE("proto", NAMES, F("proto")),
    ONE("type", NAMES, F("type")),
    ONE("bytes", NUMBERS, F("bytes")),
    ONE("packets", NUMBERS, F("packets")),
    ONE("tos", NUMBERS, F("ip_tos")),
    ONE("sampling", NUMBERS, F("sampling_rate")),
    ONE("exporter", ADDRESSES, F("sampler_address")),
    ONE("next ip", ADDRESSES, F("next_hop")),
    ONE("bgpnext ip", ADDRESSES, F("bgp_next_hop")),
    ONE("mpls label", NUMBERS, F("mpls_label")),
    {"flags", FLAGS, F("tcp_flags"), F(NULL), false, false, tcp, {NULL, NULL, NULL}},
    {"icmp-type",
     NUMBERS,
     F("icmp_type"),
     F(NULL),
     false,
     false,
     icmp,
     {NULL, NULL, NULL}},
    {"icmp-code",
     NUMBERS,
     F("icmp_code"),
     F(NULL),
     false,
     false,
     icmp,
     {NULL, NULL, NULL}},
    ONE("duration", SPANS, DERIVED(OF_DURATION)),
    ONE("bps", NUMBERS, DERIVED(OF_BPS)),
    ONE("pps", NUMBERS, DERIVED(OF_PPS)),
    ONE("bpp", NUMBERS, DERIVED(OF_BPP)),
    ONE("direction", WAYS, DERIVED(OF_DIRECTION)),
    ONE("direction", WAYS, DERIVED(OF_DIRECTION)),
    ONE("local ip", ADDRESSES, DERIVED(OF_LOCAL_IP)),
    ONE("local net", NETS, DERIVED(OF_LOCAL_NET)),
    ONE("remote ip", ADDRESSES, DERIVED(OF_REMOTE_IP)),
    ONE("remote net", ADDRESSES, DERIVED(OF_REMOTE_IP)),
    ONE("remote as", NUMBERS, DERIVED(OF_REMOTE_AS)),
    ONE(NULL, NUMBERS, F("bytes")),
    ONE(NULL, NAMES, F("proto")),
    ONE(NULL, NAMES, F("etype")),
    ONE(NULL, TIMES, F("time_flow_start_ns")),
    ONE(NULL, TIMES, F("time_received_ns")),
    ONE(NULL, MACS, F("src_mac")),
    ONE(NULL, ADDRESSES, F("dst_addr")),
    ONE(NULL, NUMBERS, F("src_net")),
    ONE(NULL, TEXTS, F("icmp_name")),
    ONE(NULL, NUMBERS, F("as_path")),
    ONE(NULL, NAMES, F("layer_stack")),
    ONE(NULL, ADDRESSES, F("mpls_ip")),
    ONE(NULL, ADDRESSES, F("post_nat_src_ipv4_address")),
    ONE(NULL, ANYTHING, F("mine")),
    ONE(NULL, ANYTHING, F("yours")),
    ONE(NULL, ANYTHING, F("odd key")),
    ONE(NULL, ANYTHING, F("nobody_has_this")),
};

/* --- the values of a row --- */

typedef struct item {
    enum { NUMBER, ADDRESS, TEXT } type;
    uint64_t number;
    flowan_address address;
    const char *text;
    size_t size;
} item;

typedef struct items {
    size_t count;
    item item[ITEMS];
} items;

typedef struct world {
    const flowan_batch *batch;
    const flowan_networks *networks;
    flowan_asdb *asdb;
    bool prefer_asdb;
} world;

static void add_number(items *out, uint64_t number)
{
    if (out->count < ITEMS)
        out->item[out->count++] = (item){.type = NUMBER, .number = number};
}

static void add_address(items *out, const flowan_address *address)
{
    if (address && out->count < ITEMS)
        out->item[out->count++] = (item){.type = ADDRESS, .address = *address};
}

static void add_cell(items *out, const flowan_column *c, size_t row)
{
    switch (c->type) {
    case FLOWAN_TYPE_U32:
    case FLOWAN_TYPE_ENUM:
    case FLOWAN_TYPE_PREFIX: add_number(out, c->u32[row]); break;
    case FLOWAN_TYPE_U64:
    case FLOWAN_TYPE_TIME:
    case FLOWAN_TYPE_MAC:
    case FLOWAN_TYPE_BOOL: add_number(out, c->u64[row]); break;
    case FLOWAN_TYPE_ADDRESS: add_address(out, &c->address[row]); break;
    case FLOWAN_TYPE_TEXT:
    case FLOWAN_TYPE_JSON:
        if (out->count < ITEMS)
            out->item[out->count++] =
                (item){.type = TEXT,
                       .text = c->text + c->offset[row],
                       .size = c->offset[row + 1] - c->offset[row]};
        break;
    case FLOWAN_TYPE_LIST_U64:
        for (uint32_t i = c->offset[row]; i < c->offset[row + 1]; i++)
            add_number(out, c->u64[i]);
        break;
    case FLOWAN_TYPE_LIST_ADDRESS:
        for (uint32_t i = c->offset[row]; i < c->offset[row + 1]; i++)
            add_address(out, &c->address[i]);
        break;
    }
}

/* True when the row has a value, be it an empty list. */
static bool field_items(const world *w, const char *name, size_t row, items *out)
{
    bool there = false;
    flowan_column c;
    for (size_t i = 0; flowan_batch_column(w->batch, i, &c); i++)
        if (c.name_size == strlen(name) && memcmp(c.name, name, c.name_size) == 0 &&
            (c.present[row / 64] >> (row % 64) & 1)) {
            add_cell(out, &c, row);
            there = true;
        }
    return there;
}

static bool number_of(const world *w, const char *name, size_t row, uint64_t *out)
{
    items found = {0};
    field_items(w, name, row, &found);
    if (found.count != 1 || found.item[0].type != NUMBER)
        return false;
    *out = found.item[0].number;
    return true;
}

static bool address_of(const world *w, const char *name, size_t row,
                       flowan_address *out)
{
    items found = {0};
    field_items(w, name, row, &found);
    if (found.count != 1 || found.item[0].type != ADDRESS)
        return false;
    *out = found.item[0].address;
    return true;
}

static bool is_unset(const flowan_address *address)
{
    flowan_address zero = {{0}};
    flowan_address mapped = {{[10] = 0xff, [11] = 0xff}};
    return memcmp(address, &zero, 16) == 0 || memcmp(address, &mapped, 16) == 0;
}

static void rate_items(const world *w, kind of, size_t row, items *out)
{
    uint64_t start;
    uint64_t end;
    uint64_t bytes;
    uint64_t packets;
    bool timed = number_of(w, "time_flow_start_ns", row, &start) &&
                 number_of(w, "time_flow_end_ns", row, &end) && start <= end;
    bool has_bytes = number_of(w, "bytes", row, &bytes);
    bool has_packets = number_of(w, "packets", row, &packets);
    u128 rate = 0;
    if (of == OF_BPP) {
        if (!has_bytes || !has_packets)
            return;
        rate = packets ? bytes / packets : 0;
    } else {
        if (!timed || (of == OF_BPS && !has_bytes) || (of == OF_PPS && !has_packets))
            return;
        if (of == OF_DURATION)
            rate = end - start;
        else if (end != start)
            rate =
                (of == OF_BPS ? (u128)bytes * 8 : packets) * 1000000000 / (end - start);
    }
    add_number(out, rate > UINT64_MAX ? UINT64_MAX : (uint64_t)rate);
}

/* Who is local, after the rules of doc/semantics.md. */
typedef struct sight {
    bool from;
    bool to;
    flowan_address src;
    flowan_address dst;
    flowan_address dst_local;
    bool has_src;
    bool has_dst;
    uint32_t src_network;
    uint32_t dst_network;
} sight;

static sight look(const world *w, size_t row)
{
    sight s = {0};
    flowan_network_match from = {0, false};
    flowan_network_match plain = {0, false};
    flowan_network_match behind = {0, false};
    flowan_address nat;
    s.has_src = address_of(w, "src_addr", row, &s.src);
    s.has_dst = address_of(w, "dst_addr", row, &s.dst);
    s.from = s.has_src && flowan_networks_find(w->networks, &s.src, &from);
    s.src_network = from.network;
    bool has_nat =
        address_of(w, "post_nat_dst_ipv4_address", row, &nat) && !is_unset(&nat);
    if (!has_nat)
        has_nat =
            address_of(w, "post_nat_dst_ipv6_address", row, &nat) && !is_unset(&nat);
    bool plain_local = s.has_dst && flowan_networks_find(w->networks, &s.dst, &plain);
    bool behind_local = has_nat && flowan_networks_find(w->networks, &nat, &behind);
    s.to = plain_local || behind_local;
    bool take_nat =
        behind_local && (!plain_local || !behind.is_public || plain.is_public);
    s.dst_local = take_nat ? nat : s.dst;
    s.dst_network = take_nat ? behind.network : plain.network;
    return s;
}

static uint64_t asn_of(const world *w, size_t row, bool source)
{
    uint64_t own = 0;
    flowan_address address;
    number_of(w, source ? "src_as" : "dst_as", row, &own);
    uint64_t found = 0;
    if (w->asdb && address_of(w, source ? "src_addr" : "dst_addr", row, &address))
        found = flowan_asdb_lookup(w->asdb, &address);
    return w->prefer_asdb ? (found ? found : own) : (own ? own : found);
}

static void side_items(const world *w, kind of, size_t row, items *out)
{
    sight s = look(w, row);
    if (of == OF_DIRECTION)
        add_number(out, (s.from ? 1U : 0U) + (s.to ? 2U : 0U));
    /* a network may be asked for by its name or by addresses */
    if (of == OF_LOCAL_NET && s.from)
        add_number(out, s.src_network);
    if (of == OF_LOCAL_NET && s.to)
        add_number(out, s.dst_network);
    if (of == OF_LOCAL_IP || of == OF_LOCAL_NET) {
        add_address(out, s.from ? &s.src : NULL);
        add_address(out, s.to ? &s.dst_local : NULL);
    }
    if (of == OF_REMOTE_IP) {
        add_address(out, s.from && s.has_dst ? &s.dst : NULL);
        add_address(out, s.to && s.has_src ? &s.src : NULL);
    }
    if (of == OF_REMOTE_AS && s.from)
        add_number(out, asn_of(w, row, false));
    if (of == OF_REMOTE_AS && s.to)
        add_number(out, asn_of(w, row, true));
}

static void place_items(const world *w, const place *at, bool translated, size_t row,
                        items *out)
{
    out->count = 0;
    switch (at->kind) {
    case OF_FIELD:
        for (int i = 0; i < 2 && at->names[i]; i++)
            field_items(w, at->names[i], row, out);
        break;
    case OF_DURATION:
    case OF_BPS:
    case OF_PPS:
    case OF_BPP: rate_items(w, at->kind, row, out); break;
    case OF_SRC_AS: add_number(out, asn_of(w, row, true)); break;
    case OF_DST_AS: add_number(out, asn_of(w, row, false)); break;
    default: side_items(w, at->kind, row, out); break;
    }
    size_t kept = 0;
    for (size_t i = 0; i < out->count; i++)
        if (!translated || out->item[i].type != ADDRESS ||
            !is_unset(&out->item[i].address))
            out->item[kept++] = out->item[i];
    out->count = kept;
}

/* --- questions --- */

typedef enum sign {
    EQUAL,
    UNEQUAL,
    LESS,
    MORE,
    NOT_MORE,
    NOT_LESS,
    IN,
    NOT_IN,
    EXISTS,
    ALL_OF
} sign;

/* One value to compare with: what it is as a number, as an address, as a text. */
typedef struct operand {
    bool number;
    uint64_t low;
    uint64_t high;
    bool address;
    flowan_address first;
    flowan_address last;
    bool has_text;
    char text[64];
} operand;

typedef enum form { ANY, IPV4, IPV6, TEST, AND, OR, NOT } form;

typedef struct question {
    form form;
    struct question *child[CHILDREN];
    size_t children;
    const primitive *of;
    unsigned side; /* 0 first, 1 second, 2 either, 3 both */
    sign sign;
    operand operand[OPERANDS];
    size_t operands;
} question;

static bool number_fits(const question *q, uint64_t x)
{
    const operand *o = q->operand;
    bool in = false;
    for (size_t i = 0; i < q->operands; i++)
        in = in || (o[i].number && o[i].low <= x && x <= o[i].high);
    switch (q->sign) {
    case EQUAL:
    case IN: return in;
    case UNEQUAL:
    case NOT_IN: return !in;
    case LESS: return x < o[0].low;
    case MORE: return x > o[0].low;
    case NOT_MORE: return x <= o[0].low;
    case NOT_LESS: return x >= o[0].low;
    case ALL_OF: return (x & o[0].low) == o[0].low;
    case EXISTS: return true;
    }
    return false;
}

static bool is_mapped(const flowan_address *a)
{
    static const uint8_t head[12] = {[10] = 0xff, [11] = 0xff};
    return memcmp(a, head, 12) == 0;
}

static bool address_fits(const question *q, const flowan_address *x)
{
    bool in = false;
    for (size_t i = 0; i < q->operands; i++) {
        const operand *o = &q->operand[i];
        in = in || (o->address && is_mapped(x) == is_mapped(&o->first) &&
                    memcmp(&o->first, x, 16) <= 0 && memcmp(x, &o->last, 16) <= 0);
    }
    return q->sign == EQUAL || q->sign == IN ? in : !in;
}

static bool text_fits(const question *q, const item *x)
{
    bool in = false;
    notation how = q->of->notation;
    for (size_t i = 0; i < q->operands; i++)
        in = in || (q->operand[i].has_text && strlen(q->operand[i].text) == x->size &&
                    memcmp(q->operand[i].text, x->text, x->size) == 0);
    if (q->sign == EQUAL || q->sign == IN)
        return in;
    return (q->sign == UNEQUAL || q->sign == NOT_IN) && !in &&
           (how == NAMES || how == TEXTS || how == ANYTHING);
}

static bool item_fits(const question *q, const item *x)
{
    switch (x->type) {
    case NUMBER: return number_fits(q, x->number);
    case ADDRESS:
        return (q->sign == EQUAL || q->sign == UNEQUAL || q->sign == IN ||
                q->sign == NOT_IN) &&
               address_fits(q, &x->address);
    case TEXT: return text_fits(q, x);
    }
    return false;
}

/* Of a local network that is not asked for by addresses, none are compared. */
static bool asks_for(const question *q, const item *x)
{
    if (q->of->notation != NETS)
        return true;
    for (size_t i = 0; i < q->operands; i++)
        if (x->type == NUMBER ? q->operand[i].number : q->operand[i].address)
            return true;
    return false;
}

static bool place_fits(const world *w, const question *q, const place *at, size_t row)
{
    items found;
    if (q->sign == EXISTS) {
        found.count = 0;
        return field_items(w, at->names[0], row, &found);
    }
    place_items(w, at, q->of->translated, row, &found);
    bool by_name = false;
    bool by_address = false;
    for (size_t i = 0; i < found.count; i++)
        if (asks_for(q, &found.item[i]) && item_fits(q, &found.item[i])) {
            by_name = by_name || found.item[i].type == NUMBER;
            by_address = by_address || found.item[i].type == ADDRESS;
            if (q->of->notation != NETS)
                return true;
        }
    /* in neither of two kinds of networks */
    if (q->sign == UNEQUAL || q->sign == NOT_IN) {
        item name = {.type = NUMBER};
        item address = {.type = ADDRESS};
        return found.count && (by_name || by_address) &&
               (by_name || !asks_for(q, &name)) &&
               (by_address || !asks_for(q, &address));
    }
    return by_name || by_address;
}

static bool family_fits(const world *w, bool ipv4, size_t row)
{
    items etype = {0};
    if (field_items(w, "etype", row, &etype))
        return etype.item[0].type == NUMBER &&
               etype.item[0].number == (ipv4 ? 0x0800 : 0x86dd);
    flowan_address address;
    return (address_of(w, "src_addr", row, &address) && is_mapped(&address) == ipv4) ||
           (address_of(w, "dst_addr", row, &address) && is_mapped(&address) == ipv4);
}

static bool test_fits(const world *w, const question *q, size_t row)
{
    bool implied = !q->of->protos;
    uint64_t proto;
    for (const uint8_t *p = q->of->protos; p && *p; p++)
        implied = implied || (number_of(w, "proto", row, &proto) && proto == *p);
    if (!implied)
        return false;
    bool first = q->side != 1 && place_fits(w, q, &q->of->first, row);
    bool second = q->of->sided && q->side != 0 && place_fits(w, q, &q->of->second, row);
    return q->side == 3 ? first && second : first || second;
}

static bool fits(const world *w, const question *q, size_t row)
{
    switch (q->form) {
    case ANY: return true;
    case IPV4: return family_fits(w, true, row);
    case IPV6: return family_fits(w, false, row);
    case TEST: return test_fits(w, q, row);
    case NOT: return !fits(w, q->child[0], row);
    case AND:
        for (size_t i = 0; i < q->children; i++)
            if (!fits(w, q->child[i], row))
                return false;
        return true;
    case OR:
        for (size_t i = 0; i < q->children; i++)
            if (fits(w, q->child[i], row))
                return true;
        return false;
    }
    return false;
}

/* --- drawing questions, and writing them down --- */

static void put(fl_buffer *out, const char *text)
{
    /* keywords in either case, but not what is quoted or spelt by the records */
    fl_buffer_text(out, text);
}

static void put_word(fl_buffer *out, const char *word)
{
    bool upper = draw(6) == 0;
    for (; *word; word++)
        fl_buffer_byte(
            out, (char)(upper && *word >= 'a' && *word <= 'z' ? *word - 32 : *word));
    fl_buffer_text(out, draw(10) ? " " : " # a comment\n\t");
}

static void put_number(fl_buffer *out, uint64_t number)
{
    if (number && number % 1000 == 0 && draw(2))
        fl_buffer_format(out, "%lluk", (unsigned long long)number / 1000);
    else if (draw(8) == 0)
        fl_buffer_format(out, "0x%llX", (unsigned long long)number);
    else
        fl_buffer_format(out, "%llu", (unsigned long long)number);
}

static void put_address(fl_buffer *out, const flowan_address *address)
{
    char text[FLOWAN_ADDRESS_TEXT_SIZE];
    flowan_address_format(address, text);
    fl_buffer_text(out, text);
}

/* A value that some row has there, or nothing. */
static bool draw_item(const world *w, const question *q, item *out)
{
    items found;
    const place *at = q->of->sided && draw(2) ? &q->of->second : &q->of->first;
    for (int tries = 0; tries < 20; tries++) {
        place_items(w, at, false, draw(flowan_batch_rows(w->batch)), &found);
        if (found.count) {
            *out = found.item[draw(found.count)];
            return true;
        }
    }
    return false;
}

static void draw_address(operand *o, const item *seen, fl_buffer *out, bool in_list)
{
    flowan_address a = seen ? seen->address : (flowan_address){{0}};
    if (!seen)
        for (size_t i = 0; i < 16; i++)
            a.octet[i] =
                i < 10 && draw(2) ? (uint8_t)(i < 10 ? 0 : 0xff) : (uint8_t)draw(256);
    o->address = true;
    o->first = o->last = a;
    unsigned skip = is_mapped(&a) ? 96 : 0;
    switch (draw(in_list ? 4 : 3)) {
    case 0: break;
    case 1: { /* a prefix, with whatever bits behind it */
        unsigned bits = skip + (unsigned)draw(129 - skip);
        put_address(out, &a);
        fl_buffer_format(out, "/%u", bits - skip);
        for (unsigned i = bits; i < 128; i++) {
            o->first.octet[i / 8] &= (uint8_t) ~(0x80U >> i % 8);
            o->last.octet[i / 8] |= (uint8_t)(0x80U >> i % 8);
        }
        return;
    }
    case 3:
        o->last.octet[15] |= (uint8_t)draw(256);
        put_address(out, &o->first);
        put(out, "-");
        put_address(out, &o->last);
        return;
    default: break;
    }
    put_address(out, &a);
}

static const struct {
    const char *field;
    const char *name;
    uint64_t number;
} names[] = {{"proto", "tcp", 6},
             {"proto", "UDP", 17},
             {"proto", "Icmp", 1},
             {"proto", "icmp6", 58},
             {"proto", "\"IPv6-ICMP\"", 58},
             {"proto", "gre", 47},
             {"type", "ipfix", 4},
             {"type", "SFLOW_5", 1},
             {"type", "netflow_v9", 3},
             {"etype", "ipv4", 0x0800},
             {"etype", "IPv6", 0x86dd},
             {"etype", "arp", 0x0806},
             {"layer_stack", "tcp", 3},
             {"layer_stack", "Ethernet", 0}};

/* True when a name was written. */
static bool draw_name(const question *q, operand *o, fl_buffer *out)
{
    const char *field = q->of->first.names[0];
    if (strcmp(field, "proto") == 0 && draw(6) == 0) {
        static const char *const lost[] = {"unknown", "unassigned", "reserved"};
        o->has_text = true;
        strcpy(o->text, PICK(lost));
        put(out, o->text);
        return true;
    }
    for (int tries = 0; tries < 40; tries++) {
        size_t i = draw(sizeof names / sizeof *names);
        if (strcmp(names[i].field, field) != 0)
            continue;
        o->number = true;
        o->low = o->high = names[i].number;
        put(out, names[i].name);
        return true;
    }
    return false;
}

static void draw_number(const question *q, operand *o, const item *seen, fl_buffer *out,
                        uint64_t max)
{
    bool single = q->sign >= LESS && q->sign <= NOT_LESS;
    uint64_t x = seen ? seen->number : draw(4) ? draw(100) : draw(UINT64_MAX);
    x = x > max ? max : x;
    if (seen && draw(6) == 0 && x < max)
        x++;
    o->number = true;
    o->low = o->high = x;
    put_number(out, x);
    if (!single && draw(4) == 0) {
        o->high = x + (draw(2) ? draw(10) : (x < max ? draw(max - x) : 0));
        o->high = o->high < x || o->high > max ? max : o->high;
        put(out, "-");
        put_number(out, o->high);
    }
}

static void draw_span(operand *o, const item *seen, fl_buffer *out)
{
    uint64_t ms = seen ? seen->number / 1000000 : draw(100000);
    ms = ms > UINT32_MAX ? UINT32_MAX : ms;
    o->number = true;
    if (draw(2)) {
        fl_buffer_format(out, "%llu%s", (unsigned long long)ms, draw(2) ? "ms" : "");
        o->low = ms * 1000000;
    } else {
        fl_buffer_format(out, "%llus", (unsigned long long)ms / 1000);
        o->low = ms / 1000 * 1000000000;
    }
    o->high = o->low;
}

static void draw_time(operand *o, const item *seen, fl_buffer *out)
{
    uint64_t ns = seen && seen->number <= INT64_MAX ? seen->number : NOW_NS;
    if (ns < UINT64_C(10000000000))
        ns = 0;
    char text[FLOWAN_TIME_TEXT_SIZE];
    flowan_time_format(ns, text);
    o->number = true;
    o->low = ns;
    if (draw(8) == 0) {
        put(out, "-2h");
        o->low = NOW_NS - UINT64_C(7200000000000);
    } else if (draw(3)) {
        put(out, text);
    } else {
        fl_buffer_format(out, "%llu", (unsigned long long)ns);
    }
    o->high = o->low;
}

/* What a key that may hold anything is compared with. */
static void draw_anything(const question *q, operand *o, const item *seen,
                          fl_buffer *out)
{
    bool single = q->sign >= LESS && q->sign <= NOT_LESS;
    if (single || (seen && seen->type == NUMBER && draw(3)) || draw(4) == 0) {
        uint64_t x = seen && seen->type == NUMBER ? seen->number : draw(10);
        o->number = true;
        o->low = o->high = x;
        o->has_text = !single;
        snprintf(o->text, sizeof o->text, "%llu", (unsigned long long)x);
        if (!single && draw(4) == 0) {
            o->number = false;
            fl_buffer_format(out, "\"%s\"", o->text);
        } else {
            put(out, o->text);
        }
        return;
    }
    static const char *const words[] = {"x",        "true", "false", "a b", "1.5",
                                        "10.0.0.1", "-3",   "null",  ""};
    const char *word = PICK(words);
    o->has_text = true;
    strcpy(o->text, word);
    if (!*word || strchr(word, ' ') || draw(3) == 0) {
        fl_buffer_format(out, "\"%s\"", word);
        return;
    }
    put(out, word);
    if (strcmp(word, "true") == 0 || strcmp(word, "false") == 0) {
        o->number = true;
        o->low = o->high = *word == 't';
    }
}

static void draw_net(const world *w, operand *o, const item *seen, fl_buffer *out,
                     bool in_list)
{
    if (seen && seen->type == ADDRESS) {
        draw_address(o, seen, out, in_list);
        return;
    }
    uint64_t network = seen ? seen->number : draw(flowan_networks_count(w->networks));
    o->number = true;
    o->low = o->high = network;
    fl_buffer_format(out, "\"%s\"",
                     flowan_networks_name(w->networks, (uint32_t)network));
}

static uint64_t largest(const question *q)
{
    const char *name = q->of->first.names[0];
    const char *words = q->of->words;
    if (words && strcmp(words, "mask") == 0)
        return 128;
    if (!name)
        return q->of->first.kind >= OF_REMOTE_AS ? UINT32_MAX : UINT64_MAX;
    const flowan_field_info *info =
        flowan_field_info_of((flowan_field)flowan_field_find(name, strlen(name)));
    return info->type == FLOWAN_TYPE_PREFIX ? 128
           : info->type == FLOWAN_TYPE_U64 || info->type == FLOWAN_TYPE_LIST_U64
               ? UINT64_MAX
               : UINT32_MAX;
}

static void draw_operand(const world *w, question *q, fl_buffer *out, bool in_list)
{
    operand *o = &q->operand[q->operands++];
    item value;
    const item *seen = draw(8) && draw_item(w, q, &value) ? &value : NULL;
    notation how = q->of->notation;
    memset(o, 0, sizeof *o);
    if (how != ANYTHING && how != NETS && how != TEXTS && seen &&
        seen->type != (how == ADDRESSES ? ADDRESS : NUMBER))
        seen = NULL;
    static const char *const ways[] = {"transit", "out", "in", "internal"};
    switch (how) {
    case ADDRESSES: draw_address(o, seen, out, in_list); break;
    case NAMES:
        if (draw(3) && !(q->sign >= LESS && q->sign <= NOT_LESS) && draw_name(q, o, out))
            break;
        draw_number(q, o, seen, out, largest(q));
        break;
    case NUMBERS: draw_number(q, o, seen, out, largest(q)); break;
    case SPANS: draw_span(o, seen, out); break;
    case TIMES: draw_time(o, seen, out); break;
    case FLAGS:
        o->number = true;
        o->low = o->high = seen ? seen->number : draw(64);
        fl_buffer_format(out, "%llu", (unsigned long long)o->low);
        break;
    case MACS:
        o->number = true;
        o->low = o->high = seen ? seen->number : draw(UINT64_C(1) << 48);
        for (int i = 0; i < 6; i++)
            fl_buffer_format(out, "%s%02x", i ? ":" : "",
                             (unsigned)(o->low >> (40 - 8 * i)) & 255);
        break;
    case WAYS:
        o->number = true;
        o->low = o->high = draw(4);
        put(out, ways[o->low]);
        break;
    case NETS: draw_net(w, o, seen, out, in_list); break;
    case TEXTS:
        o->has_text = true;
        snprintf(o->text, sizeof o->text, "%.*s", seen ? (int)seen->size : 7,
                 seen ? seen->text : "Unknown");
        fl_buffer_format(out, "\"%s\"", o->text);
        break;
    case ANYTHING: draw_anything(q, o, seen, out); break;
    }
}

static sign draw_sign(const question *q)
{
    static const sign any[] = {EQUAL, EQUAL, UNEQUAL, IN, NOT_IN};
    static const sign ordered[] = {LESS, MORE, NOT_MORE, NOT_LESS};
    notation how = q->of->notation;
    bool by_name = !q->of->words;
    if (by_name && draw(5) == 0)
        return EXISTS;
    if (how == FLAGS && draw(2))
        return ALL_OF;
    if ((how == NUMBERS || how == SPANS || how == TIMES || how == ANYTHING) && draw(2))
        return PICK(ordered);
    return PICK(any);
}

static void put_flags(question *q, fl_buffer *out)
{
    static const char letters[] = "FSRPAUEC";
    uint64_t flags = 1 + draw(255);
    for (int i = 0; i < 8; i++)
        if (flags >> i & 1)
            fl_buffer_byte(out, letters[i]);
    q->operand[0] = (operand){.low = flags};
    q->operands = 1;
}

static void put_condition(const world *w, question *q, fl_buffer *out)
{
    static const char *const signs[][2] = {{"=", "eq"}, {"!=", "ne"}, {"<", "lt"},
                                           {">", "gt"}, {"<=", "le"}, {">=", "ge"}};
    if (q->sign == EXISTS) {
        put_word(out, "exists");
    } else if (q->sign == ALL_OF) {
        put_flags(q, out);
    } else if (q->sign == IN || q->sign == NOT_IN) {
        if (q->sign == NOT_IN)
            put_word(out, "not");
        put_word(out, "in");
        put(out, "[");
        for (uint64_t more = 1 + draw(OPERANDS); more > 0; more--) {
            draw_operand(w, q, out, true);
            put(out, more == 1 ? "" : draw(2) ? " " : ", ");
        }
        put(out, "]");
    } else {
        /* flags without a sign are letters, and "direction in" needs none */
        if (q->sign != EQUAL || q->of->notation == FLAGS || draw(2))
            put_word(out, signs[q->sign][draw(2)]);
        draw_operand(w, q, out, false);
    }
    put(out, " ");
}

static void put_test(const world *w, question *q, fl_buffer *out)
{
    q->of = &primitives[draw(sizeof primitives / sizeof *primitives)];
    q->sign = draw_sign(q);
    q->side = q->of->sided ? (unsigned)draw(4) : 0;
    if (q->side == 3 && strcmp(q->of->sides[0], "src") != 0)
        q->side = 2;
    if (!q->of->words) {
        put_word(out, "field");
        fl_buffer_format(out, "\"%s\" ", q->of->first.names[0]);
    } else {
        if (q->side == 3)
            put(out, draw(2) ? "src and dst " : "dst && src ");
        else if (q->of->sided && q->side < 2)
            put_word(out, q->of->sides[q->side]);
        put_word(out, q->of->words);
    }
    put_condition(w, q, out);
}

static question *draw_question(const world *w, int depth, fl_buffer *out)
{
    question *q = fl_memory_zalloc(1, sizeof *q);
    if (!q)
        fail("draw", "out of memory");
    static const form leaves[] = {TEST, TEST, TEST, TEST, TEST, TEST, TEST, TEST,
                                  TEST, TEST, TEST, TEST, IPV4, IPV6, ANY};
    static const form inner[] = {AND, OR, NOT, AND, OR};
    q->form = depth == 0 || draw(3) == 0 ? PICK(leaves) : PICK(inner);
    switch (q->form) {
    case ANY: put_word(out, "any"); return q;
    case IPV4: put_word(out, draw(2) ? "ipv4" : "inet"); return q;
    case IPV6: put_word(out, draw(2) ? "ipv6" : "inet6"); return q;
    case TEST: put_test(w, q, out); return q;
    case NOT:
        put_word(out, draw(2) ? "not" : "!");
        q->children = 1;
        break;
    case AND:
    case OR: q->children = 2 + draw(CHILDREN - 1); break;
    }
    for (size_t i = 0; i < q->children; i++) {
        if (i)
            put_word(out, q->form == AND ? (draw(2) ? "and" : "&&")
                                         : (draw(2) ? "or" : "||"));
        put(out, "(");
        q->child[i] = draw_question(w, depth - 1, out);
        put(out, ") ");
    }
    return q;
}

static void free_question(question *q)
{
    for (size_t i = 0; i < q->children; i++)
        free_question(q->child[i]);
    fl_memory_free(q);
}

/* --- both answers --- */

static size_t asked;
static size_t held;
static size_t looked_at;

static void compare(const world *w, const question *q, const fl_buffer *text,
                    flowan_matcher *matcher, const flowan_selection *among)
{
    const flowan_selection *got;
    flowan_error error;
    if (flowan_matcher_apply(matcher, w->batch, among, &got, &error) != FLOWAN_OK)
        fail(text->data, error.message);
    size_t at = 0;
    size_t count = among ? among->count : flowan_batch_rows(w->batch);
    for (size_t i = 0; i < count; i++) {
        size_t row = among ? among->rows[i] : i;
        bool want = fits(w, q, row);
        bool have = at < got->count && got->rows[at] == row;
        if (want != have) {
            fprintf(stderr, "row %zu: %s\n", row, have ? "found" : "not found");
            fail("another answer", text->data);
        }
        at += have;
        held += want;
        looked_at++;
    }
    if (at != got->count)
        fail("rows that were not asked for", text->data);
}

/* The rows of a draw: all, many, few or none. */
static void draw_among(flowan_selection *among, uint32_t *rows, size_t count)
{
    static const unsigned one_in[] = {2, 3, 40, 200, 100000};
    unsigned chance = PICK(one_in);
    *among = (flowan_selection){rows, 0};
    for (size_t row = 0; row < count; row++)
        if (draw(chance) == 0)
            rows[among->count++] = (uint32_t)row;
}

static void ask(world *w, size_t questions)
{
    uint32_t *rows = fl_memory_alloc(flowan_batch_rows(w->batch), sizeof *rows);
    flowan_filter_options options = {sizeof options, w->networks, NOW_NS};
    for (size_t i = 0; i < questions; i++, asked++) {
        fl_buffer text = {0};
        question *q = draw_question(w, (int)draw(DEPTH), &text);
        size_t size = text.size;
        fl_buffer_byte(&text, '\0');
        flowan_filter *filter;
        flowan_matcher *matcher;
        flowan_error error;
        if (flowan_filter_compile(&filter, text.data, size, &options, &error) < 0)
            fail(text.data, error.message);
        w->prefer_asdb = draw(2);
        flowan_matcher_options how = {sizeof how, w->asdb, w->prefer_asdb};
        if (flowan_matcher_new(&matcher, filter, &how, &error) < 0)
            fail(text.data, error.message);
        compare(w, q, &text, matcher, NULL);
        flowan_selection among;
        draw_among(&among, rows, flowan_batch_rows(w->batch));
        compare(w, q, &text, matcher, &among);
        flowan_matcher_free(matcher);
        flowan_filter_free(filter);
        free_question(q);
        fl_buffer_free(&text);
    }
    fl_memory_free(rows);
}

/* --- records drawn at random --- */

static void put_random_address(fl_buffer *out)
{
    static const char *const some[] = {
        "10.1.2.3",        "10.1.2.4",         "100.64.0.9",
        "198.51.100.7",    "203.0.113.1",      "0.0.0.0",
        "2001:db8::1",     "fd00::5",          "::",
        "192.168.1.1",     "1.1.1.1",          "8.8.8.8",
        "::ffff:10.1.2.3", "64:ff9b::101:101", ""};
    fl_buffer_format(out, "\"%s\"", PICK(some));
}

static void put_random_value(fl_buffer *out, const flowan_field_info *info)
{
    static const char *const protos[] = {"TCP",     "UDP", "ICMP",       "IPv6-ICMP",
                                         "unknown", "GRE", "unassigned", "nonsense"};
    static const char *const etypes[] = {"IPv4", "IPv6", "ARP", ""};
    static const char *const types[] = {"IPFIX", "SFLOW_5", "NETFLOW_V9"};
    static const char *const macs[] = {"2c:c8:1b:ac:cf:81", "00:00:00:00:00:00", ""};
    static const uint64_t numbers[] = {0,  1,  2,  3,   5,    16,   18,
                                       24, 53, 80, 443, 1000, 65535};
    static const uint64_t wide[] = {0, 1, 1000, 1500, 1000000, 5000000000, UINT64_MAX};
    static const uint64_t times[] = {0,
                                     5,
                                     1742058600000000000,
                                     1742058600000000001,
                                     1742058602500000000,
                                     1742058700000000000,
                                     UINT64_MAX};
    switch (info->type) {
    case FLOWAN_TYPE_U64:
        fl_buffer_format(out, "%llu", (unsigned long long)PICK(wide));
        break;
    case FLOWAN_TYPE_TIME:
        fl_buffer_format(out, "%llu", (unsigned long long)PICK(times));
        break;
    case FLOWAN_TYPE_MAC: fl_buffer_format(out, "\"%s\"", PICK(macs)); break;
    case FLOWAN_TYPE_ENUM:
        fl_buffer_format(out, "\"%s\"",
                         info->field == FLOWAN_FIELD_PROTO   ? PICK(protos)
                         : info->field == FLOWAN_FIELD_ETYPE ? PICK(etypes)
                                                             : PICK(types));
        break;
    case FLOWAN_TYPE_PREFIX:
        fl_buffer_text(out, draw(3) ? "\"10.0.0.0/8\"" : "\"0.0.0.0/0\"");
        break;
    case FLOWAN_TYPE_ADDRESS: put_random_address(out); break;
    case FLOWAN_TYPE_TEXT:
        fl_buffer_text(out, draw(2) ? "\"Echo\"" : "\"Unknown\"");
        break;
    case FLOWAN_TYPE_LIST_U64:
        fl_buffer_text(out, draw(3) ? draw(2) ? "[16,17,3]" : "[0]" : "[]");
        break;
    case FLOWAN_TYPE_LIST_ADDRESS:
        fl_buffer_text(out, draw(2) ? "[\"10.1.2.3\",\"fd00::5\"]" : "[]");
        break;
    default: fl_buffer_format(out, "%llu", (unsigned long long)PICK(numbers)); break;
    }
}

static void put_record(fl_buffer *out, unsigned keep)
{
    static const char *const keys[] = {"mine", "yours", "odd key"};
    static const char *const values[] = {
        "1",    "7",        "\"7\"",     "\"x\"",        "true",
        "null", "1.5",      "[1,7]",     "\"a b\"",      "false",
        "-3",   "\"true\"", "{\"a\":7}", "\"10.0.0.1\"", "\"\""};
    char separator = '{';
    for (int field = 0; field < FLOWAN_FIELD_COUNT; field++) {
        if (draw(8) >= keep)
            continue;
        const flowan_field_info *info = flowan_field_info_of((flowan_field)field);
        fl_buffer_format(out, "%c\"%s\":", separator, info->name);
        put_random_value(out, info);
        separator = ',';
    }
    for (size_t i = 0; i < 3; i++)
        if (draw(2)) {
            fl_buffer_format(out, "%c\"%s\":%s", separator, keys[i], PICK(values));
            separator = ',';
        }
    fl_buffer_text(out, separator == '{' ? "{}\n" : "}\n");
}

/* --- batches --- */

/* Of some bytes of a log: a number of batches, each of which is asked about. */
static void ask_about(world *w, const char *data, size_t size, uint32_t capacity,
                      size_t batches, size_t questions)
{
    flowan_batch_options options = {sizeof options, capacity, 0};
    flowan_parser *parser;
    flowan_batch *batch;
    if (flowan_parser_new(&parser, NULL, NULL) < 0 ||
        flowan_batch_new(&batch, &options, NULL) < 0)
        fail("batch", "out of memory");
    w->batch = batch;
    flowan_status status = FLOWAN_FULL;
    for (; batches > 0 && status == FLOWAN_FULL; batches--) {
        size_t used;
        status = flowan_parser_feed(parser, data, size, batch, &used, NULL);
        if (status < 0)
            fail("parser", flowan_status_text(status));
        data += used;
        size -= used;
        if (flowan_batch_rows(batch))
            ask(w, questions);
        flowan_batch_reset(batch);
    }
    flowan_parser_free(parser);
    flowan_batch_free(batch);
}

static void ask_at_random(world *w)
{
    static const uint32_t sizes[] = {1, 2, 63, 64, 65, 130, 400};
    for (size_t n = 0; n < 120; n++) {
        uint32_t rows = PICK(sizes);
        fl_buffer log = {0};
        unsigned keep = 1 + (unsigned)draw(8);
        for (uint32_t i = 0; i < rows; i++)
            put_record(&log, keep);
        ask_about(w, log.data, log.size, rows + 1, 1, 40);
        fl_buffer_free(&log);
    }
}

/* The first batches of a log. */
static void ask_log(world *w, const char *path, size_t questions)
{
    fl_buffer log = {0};
    flowan_source *source;
    flowan_error error;
    flowan_status status = flowan_source_open(&source, path, &error);
    if (status < 0)
        fail(path, error.message);
    while (status == FLOWAN_OK && log.size < ((size_t)1 << 24)) {
        const void *data;
        size_t size;
        status = flowan_source_read(source, &data, &size, &error);
        if (status == FLOWAN_OK)
            fl_buffer_append(&log, data, size);
    }
    flowan_source_free(source);
    ask_about(w, log.size ? log.data : "", log.size, ROWS, BATCHES, questions);
    fl_buffer_free(&log);
}

int main(int argc, char **argv)
{
    const char *directory = getenv("FLOWAN_TEST_DATA");
    char path[4096];
    world w = {0};
    flowan_networks *networks;
    flowan_error error;
    if (!directory)
        fail("FLOWAN_TEST_DATA", "not set");
    snprintf(path, sizeof path, "%s/networks.txt", directory);
    if (flowan_networks_load(&networks, path, &error) < 0)
        fail(path, error.message);
    snprintf(path, sizeof path, "%s/asn.mmdb", directory);
    if (flowan_asdb_open(&w.asdb, path, &error) < 0)
        fail(path, error.message);
    w.networks = networks;
    state = 1;
    ask_at_random(&w);
    for (int i = 1; i < argc; i++)
        ask_log(&w, argv[i], argc > 10 ? 5 : 60);
    printf("%zu questions, %zu of %zu rows held\n", asked, held, looked_at);
    flowan_networks_free(networks);
    flowan_asdb_free(w.asdb);
    return EXIT_SUCCESS;
}
