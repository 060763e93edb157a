/* The ends of the flow, the network between, who observed it, what was exported, and all
 * that there is of its addresses; written into room that was reserved for the most that
 * it can be. */
#include <string.h>

#include "community.h"
#include "ecs_row.h"
#include "names.h"
#include "put.h"
#include "sum.h"

/* The most that a body takes, without texts of any length. */
enum { BODY_ROOM = 2048 };

/* One end of a flow. */
typedef struct flow_end {
    const char *name;
    flowan_field addr;
    flowan_field port;
    flowan_field mac;
    flowan_field nat_ipv4;
    flowan_field nat_ipv6;
    flowan_field nat_port;
} flow_end;

static const flow_end ends[2] = {
    {"source", FLOWAN_FIELD_SRC_ADDR, FLOWAN_FIELD_SRC_PORT, FLOWAN_FIELD_SRC_MAC,
     FLOWAN_FIELD_POST_NAT_SRC_IPV4_ADDRESS, FLOWAN_FIELD_POST_NAT_SRC_IPV6_ADDRESS,
     FLOWAN_FIELD_POST_NAPT_SRC_TRANSPORT_PORT},
    {"destination", FLOWAN_FIELD_DST_ADDR, FLOWAN_FIELD_DST_PORT, FLOWAN_FIELD_DST_MAC,
     FLOWAN_FIELD_POST_NAT_DST_IPV4_ADDRESS, FLOWAN_FIELD_POST_NAT_DST_IPV6_ADDRESS,
     FLOWAN_FIELD_POST_NAPT_DST_TRANSPORT_PORT},
};

/* An address in quotes, as it stands in several places. */
typedef struct shown_ip {
    const flowan_address *address; /* NULL: none */
    size_t size;
    char text[FL_TEXT_ADDRESS_SIZE + 2];
} shown_ip;

/* The addresses of a row, source first. */
typedef struct addresses {
    shown_ip ip[2];
    shown_ip nat[2];
} addresses;

/* An address behind translation; all zeros are none. */
static const flowan_address *get_nat(const fl_ecs *ecs, flowan_field field, size_t row)
{
    static const flowan_address ipv4_zero = {{[10] = 0xff, [11] = 0xff}};
    static const flowan_address ipv6_zero;
    const flowan_address *address = fl_ecs_address(ecs, field, row);
    if (!address || memcmp(address, &ipv4_zero, sizeof *address) == 0 ||
        memcmp(address, &ipv6_zero, sizeof *address) == 0)
        return NULL;
    return address;
}

static void set_ip(shown_ip *ip, const flowan_address *address)
{
    ip->address = address;
    ip->size = 0;
    if (!address)
        return;
    ip->text[0] = '"';
    ip->size = 1 + fl_text_put_address(ip->text + 1, address);
    ip->text[ip->size++] = '"';
}

static void find_addresses(addresses *all, const fl_ecs *ecs, size_t row)
{
    for (int i = 0; i < 2; i++) {
        const flowan_address *nat = get_nat(ecs, ends[i].nat_ipv4, row);
        set_ip(&all->ip[i], fl_ecs_address(ecs, ends[i].addr, row));
        set_ip(&all->nat[i], nat ? nat : get_nat(ecs, ends[i].nat_ipv6, row));
    }
}

/* value × rate, where it is one that a `long` holds. A rate of 0 is not known. */
static bool scale(uint64_t value, uint64_t rate, uint64_t *out)
{
    flowan_sum product = fl_sum_product(value, rate);
    *out = product.low;
    return product.high == 0 && product.low <= INT64_MAX;
}

static char *put_ip(char *at, const shown_ip *ip)
{
    at = fl_put(at, ip->text, ip->size);
    *at++ = ',';
    return at;
}

static char *put_mac(char *at, uint64_t mac)
{
    static const char digits[] = "0123456789ABCDEF";
    for (int shift = 40; shift >= 0; shift -= 8) {
        *at++ = digits[mac >> (shift + 4) & 15];
        *at++ = digits[mac >> shift & 15];
        *at++ = '-';
    }
    return at - 1;
}

static char *put_as(const fl_ecs *ecs, fl_buffer *out, char *at, uint32_t asn)
{
    if (asn == 0)
        return at;
    at = fl_put_number(FL_PUT(at, "\"as\":{\"number\":"), asn);
    const char *name = flowan_asdb_name(ecs->asdb, asn);
    if (*name) {
        at = fl_put_text(out, FL_PUT(at, "\"organization\":{\"name\":"), name,
                         strlen(name));
        at[-1] = '}';
        *at++ = ',';
    }
    at[-1] = '}';
    *at++ = ',';
    return at;
}

static char *put_nat(const fl_ecs *ecs, const addresses *all, char *at, size_t row,
                     int side)
{
    char *start = at;
    uint64_t number;
    at = FL_PUT(at, "\"nat\":{");
    if (all->nat[side].address)
        at = put_ip(FL_PUT(at, "\"ip\":"), &all->nat[side]);
    if (fl_ecs_get(ecs, ends[side].nat_port, row, &number))
        at = fl_put_number(FL_PUT(at, "\"port\":"), number);
    return fl_put_close(start, at);
}

static char *put_end(const fl_ecs *ecs, const addresses *all, fl_buffer *out, char *at,
                     size_t row, int side, uint32_t asn)
{
    char *start = at;
    const shown_ip *ip = &all->ip[side];
    uint64_t number;
    at = fl_put_key(at, ends[side].name);
    *at++ = '{';
    if (ip->address) {
        at = put_ip(FL_PUT(at, "\"ip\":"), ip);
        at = put_ip(FL_PUT(at, "\"address\":["), ip);
        at[-1] = ']';
        *at++ = ',';
    }
    if (fl_ecs_get(ecs, ends[side].port, row, &number))
        at = fl_put_number(FL_PUT(at, "\"port\":"), number);
    if (fl_ecs_get(ecs, ends[side].mac, row, &number)) {
        at = put_mac(FL_PUT(at, "\"mac\":\""), number);
        at = FL_PUT(at, "\",");
    }
    at = put_nat(ecs, all, at, row, side);
    at = put_as(ecs, out, at, asn);
    return fl_put_close(start, at);
}

/* Type and code of an ICMP message. goflow2 writes zeros for what an exporter did not
 * send, and many send both in the destination port, as NetFlow has it. */
static bool get_icmp(const fl_ecs *ecs, size_t row, uint32_t *type, uint32_t *code)
{
    uint64_t number = 0;
    bool known = fl_ecs_get(ecs, FLOWAN_FIELD_ICMP_TYPE, row, &number);
    *type = (uint32_t)number;
    number = 0;
    known |= fl_ecs_get(ecs, FLOWAN_FIELD_ICMP_CODE, row, &number);
    *code = (uint32_t)number;
    if (*type || *code || !fl_ecs_get(ecs, FLOWAN_FIELD_DST_PORT, row, &number) ||
        number > UINT16_MAX)
        return known;
    *type = (uint32_t)number >> 8;
    *code = (uint32_t)number & 255;
    return true;
}

static char *put_community(const fl_ecs *ecs, const addresses *all, char *at,
                           size_t row, uint32_t proto)
{
    enum { ICMP = 1, ICMP6 = 58 };
    uint64_t src_port = 0;
    uint64_t dst_port = 0;
    fl_community flow = {
        .src = all->ip[0].address, .dst = all->ip[1].address, .proto = proto};
    if (proto == ICMP || proto == ICMP6) {
        flow.has_ports = get_icmp(ecs, row, &flow.src_port, &flow.dst_port);
    } else {
        flow.has_ports = fl_ecs_get(ecs, FLOWAN_FIELD_SRC_PORT, row, &src_port) &&
                         fl_ecs_get(ecs, FLOWAN_FIELD_DST_PORT, row, &dst_port);
        flow.src_port = (uint32_t)src_port;
        flow.dst_port = (uint32_t)dst_port;
    }
    char id[FL_COMMUNITY_SIZE];
    size_t size = fl_community_put(id, &flow);
    if (size == 0)
        return at;
    at = fl_put(FL_PUT(at, "\"community_id\":\""), id, size);
    return FL_PUT(at, "\",");
}

/* The name of a number, or the text that stands for it, in lower case. */
static char *put_lower_name(const fl_ecs *ecs, fl_buffer *out, char *at,
                            const char *key, flowan_field field, size_t row)
{
    const char *name = NULL;
    size_t size = fl_ecs_text(ecs, field, row, &name);
    uint64_t number;
    if (size == 0 && fl_ecs_get(ecs, field, row, &number))
        name = fl_names_text(field, number, &size);
    if (size == 0)
        return at;
    char *start = fl_put_key(at, key);
    at = fl_put_text(out, start, name, size);
    /* an escape has none but small letters */
    for (char *c = start; c < at; c++)
        *c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
    return at;
}

/* Rates that make the record's counts those of the traffic. */
static char *put_counts(const fl_ecs *ecs, char *at, size_t row)
{
    uint64_t rate;
    uint64_t value;
    uint64_t scaled;
    if (!fl_ecs_get(ecs, FLOWAN_FIELD_SAMPLING_RATE, row, &rate))
        return at;
    uint64_t factor = rate || ecs->elastic_compat ? rate : 1;
    if (fl_ecs_get(ecs, FLOWAN_FIELD_BYTES, row, &value) &&
        scale(value, factor, &scaled))
        at = fl_put_number(FL_PUT(at, "\"bytes\":"), scaled);
    if (ecs->elastic_compat)
        return rate <= INT64_MAX ? fl_put_number(FL_PUT(at, "\"packets\":"), rate) : at;
    if (fl_ecs_get(ecs, FLOWAN_FIELD_PACKETS, row, &value) &&
        scale(value, factor, &scaled))
        at = fl_put_number(FL_PUT(at, "\"packets\":"), scaled);
    return at;
}

static char *put_network(const fl_ecs *ecs, const addresses *all, fl_buffer *out,
                         char *at, size_t row, unsigned direction)
{
    static const char *const directions[FL_DIRECTION_COUNT] = {"external", "outbound",
                                                               "inbound", "internal"};
    uint64_t proto;
    at = FL_PUT(at, "\"network\":{");
    at = put_lower_name(ecs, out, at, "type", FLOWAN_FIELD_ETYPE, row);
    at = put_lower_name(ecs, out, at, "transport", FLOWAN_FIELD_PROTO, row);
    if (fl_ecs_get(ecs, FLOWAN_FIELD_PROTO, row, &proto)) {
        at = fl_put_quoted_number(FL_PUT(at, "\"iana_number\":"), proto);
        at = put_community(ecs, all, at, row, (uint32_t)proto);
    }
    at = put_counts(ecs, at, row);
    at = fl_put_key(at, "direction");
    *at++ = '"';
    at = fl_put(at, directions[direction], strlen(directions[direction]));
    return FL_PUT(at, "\"},");
}

static char *put_port(const fl_ecs *ecs, char *at, size_t row, const char *key,
                      flowan_field interface, flowan_field vlan)
{
    char *start = at;
    uint64_t number;
    at = fl_put_key(at, key);
    *at++ = '{';
    if (fl_ecs_get(ecs, interface, row, &number)) {
        at = fl_put_quoted_number(FL_PUT(at, "\"interface\":{\"id\":"), number);
        at[-1] = '}';
        *at++ = ',';
    }
    if (fl_ecs_get(ecs, vlan, row, &number)) {
        at = fl_put_quoted_number(FL_PUT(at, "\"vlan\":{\"id\":"), number);
        at[-1] = '}';
        *at++ = ',';
    }
    return fl_put_close(start, at);
}

static char *put_observer(const fl_ecs *ecs, char *at, size_t row)
{
    char *start = at;
    const flowan_address *exporter =
        fl_ecs_address(ecs, FLOWAN_FIELD_SAMPLER_ADDRESS, row);
    at = FL_PUT(at, "\"observer\":{");
    if (exporter) {
        at = FL_PUT(at, "\"ip\":[\"");
        at += fl_text_put_address(at, exporter);
        at = FL_PUT(at, "\"],");
    }
    at = put_port(ecs, at, row, "ingress", FLOWAN_FIELD_IN_IF, FLOWAN_FIELD_SRC_VLAN);
    at = put_port(ecs, at, row, "egress", FLOWAN_FIELD_OUT_IF, FLOWAN_FIELD_DST_VLAN);
    return fl_put_close(start, at);
}

/* What was exported, as it was. */
static char *put_exported(const fl_ecs *ecs, char *at, size_t row)
{
    char *start = at;
    uint64_t number;
    at = fl_ecs_is_sflow(ecs, row) ? FL_PUT(at, "\"sflow\":{")
                                   : FL_PUT(at, "\"netflow\":{");
    if (fl_ecs_get(ecs, FLOWAN_FIELD_BYTES, row, &number) && number <= INT64_MAX)
        at = fl_put_number(FL_PUT(at, "\"bytes\":"), number);
    if (fl_ecs_get(ecs, FLOWAN_FIELD_SEQUENCE_NUM, row, &number))
        at = fl_put_number(FL_PUT(at, "\"sequence_num\":"), number);
    if (fl_ecs_get(ecs, FLOWAN_FIELD_SAMPLING_RATE, row, &number) && number <= INT64_MAX)
        at = fl_put_number(FL_PUT(at, "\"sample_rate\":"), number);
    return fl_put_close(start, at);
}

static bool is_same(const shown_ip *one, const shown_ip *other)
{
    return one->address && one->size == other->size &&
           memcmp(one->text, other->text, one->size) == 0;
}

/* Each address once; Elastic's pipeline has both ends even where they are the same. */
static char *put_related(const addresses *all, char *at, bool as_elastic)
{
    const shown_ip *ips[4] = {&all->ip[0], &all->ip[1], &all->nat[0], &all->nat[1]};
    char *start = at;
    at = FL_PUT(at, "\"related\":{\"ip\":[");
    char *first = at;
    for (int i = 0; i < 4; i++) {
        bool known = !ips[i]->address;
        for (int k = 0; k < i; k++)
            known = known || (is_same(ips[i], ips[k]) && (i > 1 || !as_elastic));
        if (!known)
            at = put_ip(at, ips[i]);
    }
    if (at == first)
        return start;
    at[-1] = ']';
    return FL_PUT(at, "},");
}

/* What of the columns that the schema has a place for does not fit there. */
static char *put_leftovers(const fl_ecs *ecs, const addresses *all, char *at,
                           size_t row)
{
    uint64_t number;
    uint64_t other;
    if (fl_ecs_get(ecs, FLOWAN_FIELD_PACKETS, row, &number) && number <= INT64_MAX &&
        (ecs->elastic_compat ||
         !fl_ecs_get(ecs, FLOWAN_FIELD_SAMPLING_RATE, row, &other) ||
         !scale(number, other ? other : 1, &other)))
        at = fl_put_number(FL_PUT(at, "\"packets\":"), number);
    if (fl_ecs_get(ecs, FLOWAN_FIELD_TIME_FLOW_END_NS, row, &number) &&
        number <= INT64_MAX &&
        !fl_ecs_get(ecs, FLOWAN_FIELD_TIME_FLOW_START_NS, row, &other))
        at = fl_put_number(FL_PUT(at, "\"time_flow_end_ns\":"), number);
    if (fl_ecs_get(ecs, FLOWAN_FIELD_TYPE, row, &number) &&
        !fl_names_of(FLOWAN_FIELD_TYPE, number))
        at = fl_put_quoted_number(FL_PUT(at, "\"type\":"), number);
    if (fl_ecs_get(ecs, FLOWAN_FIELD_ETYPE, row, &number) &&
        !fl_names_of(FLOWAN_FIELD_ETYPE, number))
        at = fl_put_quoted_number(FL_PUT(at, "\"etype\":"), number);
    for (int i = 0; i < 2; i++) {
        const flowan_address *nat = get_nat(ecs, ends[i].nat_ipv6, row);
        if (!nat || nat == all->nat[i].address)
            continue;
        at = fl_put_key(at, flowan_field_info_of(ends[i].nat_ipv6)->name);
        *at++ = '"';
        at += fl_text_put_address(at, nat);
        at = FL_PUT(at, "\",");
    }
    return at;
}

/* Room for the body's texts of any length. */
static size_t texts_room(const fl_ecs *ecs, size_t row, const uint32_t asns[2])
{
    const char *text;
    size_t room = ecs->tags.size;
    room += FL_PUT_TEXT_SIZE(fl_ecs_text(ecs, FLOWAN_FIELD_ETYPE, row, &text));
    room += FL_PUT_TEXT_SIZE(fl_ecs_text(ecs, FLOWAN_FIELD_PROTO, row, &text));
    for (int i = 0; i < 2; i++)
        if (asns[i])
            room += FL_PUT_TEXT_SIZE(strlen(flowan_asdb_name(ecs->asdb, asns[i])));
    return room;
}

void fl_ecs_body(const fl_ecs *ecs, fl_buffer *out, size_t i, size_t row)
{
    const fl_enrich *enrich = &ecs->enrich;
    uint32_t asns[2] = {ecs->asdb ? enrich->own_src_as[i] : 0,
                        ecs->asdb ? enrich->own_dst_as[i] : 0};
    char *at = fl_buffer_reserve(out, BODY_ROOM + texts_room(ecs, row, asns));
    if (!at)
        return;
    addresses all;
    find_addresses(&all, ecs, row);
    for (int side = 0; side < 2; side++)
        at = put_end(ecs, &all, out, at, row, side, asns[side]);
    at = put_network(ecs, &all, out, at, row, enrich->direction[i]);
    at = put_observer(ecs, at, row);
    at = put_exported(ecs, at, row);
    at = put_related(&all, at, ecs->elastic_compat);
    at = fl_put(at, ecs->tags.data, ecs->tags.size);
    at = FL_PUT(at, "\"goflow2\":{");
    at = put_leftovers(ecs, &all, at, row);
    out->size = (size_t)(at - out->data);
}
