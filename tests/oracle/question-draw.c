/* Questions drawn at random, most of them about values that records have, and written down
 * in all the ways that the language allows. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flowan/notation.h"
#include "questions.h"

static uint64_t state = 1;

void question_seed(uint64_t seed)
{
    state = seed;
}

uint64_t question_random(uint64_t below)
{
    state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = state;
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (z ^ z >> 31) % below;
}

/* --- what can be asked --- */

/* clang-format off */
static const uint8_t tcp[] = {6, 0};
static const uint8_t icmp[] = {1, 58, 0};

#define F(name)       {OF_FIELD, {name, NULL}}
#define DERIVED(kind) {kind, {NULL, NULL}}
#define ENDS          {"src", "dst", ""}
#define NO_SIDES      {NULL, NULL, NULL}
#define NAT_SRC                                                                        \
    {OF_FIELD, {"post_nat_src_ipv4_address", "post_nat_src_ipv6_address"}}
#define NAT_DST                                                                        \
    {OF_FIELD, {"post_nat_dst_ipv4_address", "post_nat_dst_ipv6_address"}}
#define NAT(words)    {words, ADDRESSES, NAT_SRC, NAT_DST, true, true, NULL, ENDS}
#define ONE(words, notation, ...)                                                      \
    {words, notation, __VA_ARGS__, F(NULL), false, false, NULL, NO_SIDES}
#define OF_PROTOS(words, notation, name, protos)                                       \
    {words, notation, F(name), F(NULL), false, false, protos, NO_SIDES}
#define TWO(words, notation, a, b)                                                     \
    {words, notation, F(a), F(b), true, false, NULL, ENDS}
#define NAT_PORT(words)                                                                \
    TWO(words, NUMBERS, "post_napt_src_transport_port", "post_napt_dst_transport_port")

/* Those that stand twice are asked twice as often. */
static const primitive primitives[] = {
    TWO("ip", ADDRESSES, "src_addr", "dst_addr"),
    TWO("host", ADDRESSES, "src_addr", "dst_addr"),
    TWO("net", ADDRESSES, "src_addr", "dst_addr"),
    TWO("port", NUMBERS, "src_port", "dst_port"),
    TWO("port", NUMBERS, "src_port", "dst_port"),
    TWO("vlan", NUMBERS, "src_vlan", "dst_vlan"),
    TWO("mac", MACS, "src_mac", "dst_mac"),
    TWO("mask", NUMBERS, "src_net", "dst_net"),
    NAT("xip"), NAT("nip"), NAT("nat ip"), NAT("nat net"), NAT("xnet"),
    NAT_PORT("xport"), NAT_PORT("nat port"),
    {"as", NUMBERS, DERIVED(OF_SRC_AS), DERIVED(OF_DST_AS), true, false, NULL, ENDS},
    {"if", NUMBERS, F("in_if"), F("out_if"), true, false, NULL, {"in", "out", ""}},
    {"vrf", NUMBERS, F("ingress_vrf_id"), F("egress_vrf_id"), true, false, NULL,
     {"ingress", "egress", ""}},
    ONE("proto", NAMES, F("proto")), ONE("proto", NAMES, F("proto")),
    ONE("type", NAMES, F("type")),
    ONE("bytes", NUMBERS, F("bytes")), ONE("packets", NUMBERS, F("packets")),
    ONE("tos", NUMBERS, F("ip_tos")), ONE("sampling", NUMBERS, F("sampling_rate")),
    ONE("exporter", ADDRESSES, F("sampler_address")),
    ONE("next ip", ADDRESSES, F("next_hop")),
    ONE("bgpnext ip", ADDRESSES, F("bgp_next_hop")),
    ONE("mpls label", NUMBERS, F("mpls_label")),
    OF_PROTOS("flags", FLAGS, "tcp_flags", tcp),
    OF_PROTOS("icmp-type", NUMBERS, "icmp_type", icmp),
    OF_PROTOS("icmp-code", NUMBERS, "icmp_code", icmp),
    ONE("duration", SPANS, DERIVED(OF_DURATION)), ONE("bps", NUMBERS, DERIVED(OF_BPS)),
    ONE("pps", NUMBERS, DERIVED(OF_PPS)), ONE("bpp", NUMBERS, DERIVED(OF_BPP)),
    ONE("direction", WAYS, DERIVED(OF_DIRECTION)),
    ONE("direction", WAYS, DERIVED(OF_DIRECTION)),
    ONE("local ip", ADDRESSES, DERIVED(OF_LOCAL_IP)),
    ONE("local net", NETS, DERIVED(OF_LOCAL_NET)),
    ONE("remote ip", ADDRESSES, DERIVED(OF_REMOTE_IP)),
    ONE("remote net", ADDRESSES, DERIVED(OF_REMOTE_IP)),
    ONE("remote as", NUMBERS, DERIVED(OF_REMOTE_AS)),
    ONE(NULL, NUMBERS, F("bytes")), ONE(NULL, NAMES, F("proto")),
    ONE(NULL, NAMES, F("etype")), ONE(NULL, TIMES, F("time_flow_start_ns")),
    ONE(NULL, TIMES, F("time_received_ns")), ONE(NULL, MACS, F("src_mac")),
    ONE(NULL, ADDRESSES, F("dst_addr")), ONE(NULL, NUMBERS, F("src_net")),
    ONE(NULL, TEXTS, F("icmp_name")), ONE(NULL, NUMBERS, F("as_path")),
    ONE(NULL, NAMES, F("layer_stack")), ONE(NULL, ADDRESSES, F("mpls_ip")),
    ONE(NULL, ADDRESSES, F("post_nat_src_ipv4_address")),
    ONE(NULL, ANYTHING, F("mine")), ONE(NULL, ANYTHING, F("yours")),
    ONE(NULL, ANYTHING, F("odd key")), ONE(NULL, ANYTHING, F("nobody_has_this")),
};
/* clang-format on */

/* --- drawing questions, and writing them down --- */

/* Keywords in either case, but not what is quoted or spelt by the records. */
static void put_word(fl_buffer *out, const char *word)
{
    bool upper = question_random(6) == 0;
    for (; *word; word++)
        fl_buffer_byte(
            out, (char)(upper && *word >= 'a' && *word <= 'z' ? *word - 32 : *word));
    fl_buffer_text(out, question_random(10) ? " " : " # a comment\n\t");
}

static void put_number(fl_buffer *out, uint64_t number)
{
    if (number && number % 1000 == 0 && question_random(2))
        fl_buffer_format(out, "%lluk", (unsigned long long)number / 1000);
    else if (question_random(8) == 0)
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
    const place *at =
        q->of->sided && question_random(2) ? &q->of->second : &q->of->first;
    for (int tries = 0; tries < 20; tries++) {
        question_items(w, at, false, question_random(flowan_batch_rows(w->batch)),
                       &found);
        if (found.count) {
            *out = found.item[question_random(found.count)];
            return true;
        }
    }
    return false;
}

/* One that a row has, a prefix or a range about it, or one that hardly any has. */
static void draw_address(operand *o, const item *seen, fl_buffer *out, bool in_list)
{
    flowan_address a = seen ? seen->address : (flowan_address){{0}};
    for (size_t i = 0; i < 16 && !seen; i++)
        a.octet[i] = (uint8_t)(i < 10 && question_random(2) ? 0 : question_random(256));
    o->address = true;
    o->first = o->last = a;
    unsigned skip = question_is_ipv4(&a) ? 96 : 0;
    switch (question_random(in_list ? 4 : 3)) {
    case 0: break;
    case 1: { /* with whatever bits behind the prefix */
        unsigned bits = skip + (unsigned)question_random(129 - skip);
        put_address(out, &a);
        fl_buffer_format(out, "/%u", bits - skip);
        for (unsigned i = bits; i < 128; i++) {
            o->first.octet[i / 8] &= (uint8_t) ~(0x80U >> i % 8);
            o->last.octet[i / 8] |= (uint8_t)(0x80U >> i % 8);
        }
        return;
    }
    case 3:
        o->last.octet[15] |= (uint8_t)question_random(256);
        put_address(out, &o->first);
        fl_buffer_text(out, "-");
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
    if (strcmp(field, "proto") == 0 && question_random(6) == 0) {
        static const char *const lost[] = {"unknown", "unassigned", "reserved"};
        o->has_text = true;
        strcpy(o->text, PICK(lost));
        fl_buffer_text(out, o->text);
        return true;
    }
    for (int tries = 0; tries < 40; tries++) {
        size_t i = question_random(sizeof names / sizeof *names);
        if (strcmp(names[i].field, field) != 0)
            continue;
        o->number = true;
        o->low = o->high = names[i].number;
        fl_buffer_text(out, names[i].name);
        return true;
    }
    return false;
}

static void draw_number(const question *q, operand *o, const item *seen, fl_buffer *out,
                        uint64_t max)
{
    bool single = q->sign >= LESS && q->sign <= NOT_LESS;
    uint64_t x = seen                 ? seen->number
                 : question_random(4) ? question_random(100)
                                      : question_random(UINT64_MAX);
    x = x > max ? max : x;
    if (seen && question_random(6) == 0 && x < max)
        x++;
    o->number = true;
    o->low = o->high = x;
    put_number(out, x);
    if (!single && question_random(4) == 0) {
        o->high = x + (question_random(2) ? question_random(10)
                                          : (x < max ? question_random(max - x) : 0));
        o->high = o->high < x || o->high > max ? max : o->high;
        fl_buffer_text(out, "-");
        put_number(out, o->high);
    }
}

static void draw_span(operand *o, const item *seen, fl_buffer *out)
{
    uint64_t ms = seen ? seen->number / 1000000 : question_random(100000);
    ms = ms > UINT32_MAX ? UINT32_MAX : ms;
    o->number = true;
    if (question_random(2)) {
        fl_buffer_format(out, "%llu%s", (unsigned long long)ms,
                         question_random(2) ? "ms" : "");
        o->low = ms * 1000000;
    } else {
        fl_buffer_format(out, "%llus", (unsigned long long)ms / 1000);
        o->low = ms / 1000 * 1000000000;
    }
    o->high = o->low;
}

static void draw_time(operand *o, const item *seen, fl_buffer *out)
{
    uint64_t ns = seen && seen->number <= INT64_MAX ? seen->number : QUESTION_NOW_NS;
    if (ns < UINT64_C(10000000000))
        ns = 0;
    char text[FLOWAN_TIME_TEXT_SIZE];
    flowan_time_format(ns, text);
    o->number = true;
    o->low = ns;
    if (question_random(8) == 0) {
        fl_buffer_text(out, "-2h");
        o->low = QUESTION_NOW_NS - UINT64_C(7200000000000);
    } else if (question_random(3)) {
        fl_buffer_text(out, text);
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
    if (single || (seen && seen->type == NUMBER && question_random(3)) ||
        question_random(4) == 0) {
        uint64_t x = seen && seen->type == NUMBER ? seen->number : question_random(10);
        o->number = true;
        o->low = o->high = x;
        o->has_text = !single;
        snprintf(o->text, sizeof o->text, "%llu", (unsigned long long)x);
        if (!single && question_random(4) == 0) {
            o->number = false;
            fl_buffer_format(out, "\"%s\"", o->text);
        } else {
            fl_buffer_text(out, o->text);
        }
        return;
    }
    static const char *const words[] = {"x",        "true", "false", "a b", "1.5",
                                        "10.0.0.1", "-3",   "null",  ""};
    const char *word = PICK(words);
    o->has_text = true;
    strcpy(o->text, word);
    if (!*word || strchr(word, ' ') || question_random(3) == 0) {
        fl_buffer_format(out, "\"%s\"", word);
        return;
    }
    fl_buffer_text(out, word);
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
    uint64_t network =
        seen ? seen->number : question_random(flowan_networks_count(w->networks));
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
    const item *seen = question_random(8) && draw_item(w, q, &value) ? &value : NULL;
    notation how = q->of->notation;
    memset(o, 0, sizeof *o);
    if (how != ANYTHING && how != NETS && how != TEXTS && seen &&
        seen->type != (how == ADDRESSES ? ADDRESS : NUMBER))
        seen = NULL;
    static const char *const ways[] = {"transit", "out", "in", "internal"};
    switch (how) {
    case ADDRESSES: draw_address(o, seen, out, in_list); break;
    case NAMES:
        if (question_random(3) && !(q->sign >= LESS && q->sign <= NOT_LESS) &&
            draw_name(q, o, out))
            break;
        draw_number(q, o, seen, out, largest(q));
        break;
    case NUMBERS: draw_number(q, o, seen, out, largest(q)); break;
    case SPANS: draw_span(o, seen, out); break;
    case TIMES: draw_time(o, seen, out); break;
    case FLAGS:
        o->number = true;
        o->low = o->high = seen ? seen->number : question_random(64);
        fl_buffer_format(out, "%llu", (unsigned long long)o->low);
        break;
    case MACS:
        o->number = true;
        o->low = o->high = seen ? seen->number : question_random(UINT64_C(1) << 48);
        for (int i = 0; i < 6; i++)
            fl_buffer_format(out, "%s%02x", i ? ":" : "",
                             (unsigned)(o->low >> (40 - 8 * i)) & 255);
        break;
    case WAYS:
        o->number = true;
        o->low = o->high = question_random(4);
        fl_buffer_text(out, ways[o->low]);
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
    if (by_name && question_random(5) == 0)
        return EXISTS;
    if (how == FLAGS && question_random(2))
        return ALL_OF;
    if ((how == NUMBERS || how == SPANS || how == TIMES || how == ANYTHING) &&
        question_random(2))
        return PICK(ordered);
    return PICK(any);
}

static void put_flags(question *q, fl_buffer *out)
{
    static const char letters[] = "FSRPAUEC";
    uint64_t flags = 1 + question_random(255);
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
        fl_buffer_text(out, "[");
        for (uint64_t more = 1 + question_random(QUESTION_OPERANDS); more > 0; more--) {
            draw_operand(w, q, out, true);
            fl_buffer_text(out, more == 1 ? "" : question_random(2) ? " " : ", ");
        }
        fl_buffer_text(out, "]");
    } else {
        /* flags without a sign are letters, and "direction in" needs none */
        if (q->sign != EQUAL || q->of->notation == FLAGS || question_random(2))
            put_word(out, signs[q->sign][question_random(2)]);
        draw_operand(w, q, out, false);
    }
    fl_buffer_text(out, " ");
}

static void put_test(const world *w, question *q, fl_buffer *out)
{
    q->of = &primitives[question_random(sizeof primitives / sizeof *primitives)];
    q->sign = draw_sign(q);
    q->side = q->of->sided ? (unsigned)question_random(4) : 0;
    if (q->side == 3 && strcmp(q->of->sides[0], "src") != 0)
        q->side = 2;
    if (!q->of->words) {
        put_word(out, "field");
        fl_buffer_format(out, "\"%s\" ", q->of->first.names[0]);
    } else {
        if (q->side == 3)
            fl_buffer_text(out, question_random(2) ? "src and dst " : "dst && src ");
        else if (q->of->sided && q->side < 2)
            put_word(out, q->of->sides[q->side]);
        put_word(out, q->of->words);
    }
    put_condition(w, q, out);
}

question *question_draw(const world *w, int depth, fl_buffer *out)
{
    question *q = fl_memory_zalloc(1, sizeof *q);
    if (!q)
        abort();
    static const form leaves[] = {TEST, TEST, TEST, TEST, TEST, TEST, TEST, TEST,
                                  TEST, TEST, TEST, TEST, IPV4, IPV6, ANY};
    static const form inner[] = {AND, OR, NOT, AND, OR};
    q->form = depth == 0 || question_random(3) == 0 ? PICK(leaves) : PICK(inner);
    switch (q->form) {
    case ANY: put_word(out, "any"); return q;
    case IPV4: put_word(out, question_random(2) ? "ipv4" : "inet"); return q;
    case IPV6: put_word(out, question_random(2) ? "ipv6" : "inet6"); return q;
    case TEST: put_test(w, q, out); return q;
    case NOT:
        put_word(out, question_random(2) ? "not" : "!");
        q->children = 1;
        break;
    case AND:
    case OR: q->children = 2 + question_random(QUESTION_CHILDREN - 1); break;
    }
    for (size_t i = 0; i < q->children; i++) {
        if (i)
            put_word(out, q->form == AND ? (question_random(2) ? "and" : "&&")
                                         : (question_random(2) ? "or" : "||"));
        fl_buffer_text(out, "(");
        q->child[i] = question_draw(w, depth - 1, out);
        fl_buffer_text(out, ") ");
    }
    return q;
}

void question_free(question *q)
{
    for (size_t i = 0; i < q->children; i++)
        question_free(q->child[i]);
    fl_memory_free(q);
}
