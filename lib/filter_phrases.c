/* The table of phrases; grammar and meaning are the parser's. */
#include "filter_phrases.h"

#include <stdio.h>
#include <string.h>

/* clang-format off */
#define ENDS              FL_SIDES_ENDS
#define AT(id)            {FL_SUBJECT_COLUMN, {FLOWAN_FIELD_##id, -1}}
#define AT_EITHER(a, b)   {FL_SUBJECT_COLUMN, {FLOWAN_FIELD_##a, FLOWAN_FIELD_##b}}
#define DERIVED(id)       {FL_SUBJECT_##id, {-1, -1}}
#define NUMBER(max, what) {FL_NOTATION_NUMBER, -1, max, what}
#define NAMED(id, what)   {FL_NOTATION_NAMED, FLOWAN_FIELD_##id, UINT32_MAX, what}
#define PLAIN(notation)   {FL_NOTATION_##notation, -1, UINT32_MAX, NULL}

#define ONE(text, place, ...) {.words = text, .first = place, .values = __VA_ARGS__}
#define TWO(text, of, a, b, ...)                                                       \
    {.words = text, .sides = of, .two = true, .first = a, .second = b,                 \
     .values = __VA_ARGS__}
#define NAT_SRC AT_EITHER(POST_NAT_SRC_IPV4_ADDRESS, POST_NAT_SRC_IPV6_ADDRESS)
#define NAT_DST AT_EITHER(POST_NAT_DST_IPV4_ADDRESS, POST_NAT_DST_IPV6_ADDRESS)
#define NAT_ADDRESS(text)                                                              \
    {.words = text, .sides = ENDS, .two = true, .first = NAT_SRC, .second = NAT_DST,   \
     .values = PLAIN(ADDRESS), .translated = true}
#define NAT_PORT(text)                                                                 \
    TWO(text, ENDS, AT(POST_NAPT_SRC_TRANSPORT_PORT),                                  \
        AT(POST_NAPT_DST_TRANSPORT_PORT), NUMBER(UINT32_MAX, "a port number"))

/* The numbers of each are as large as its column's can be. */
static const fl_phrase phrases[] = {
    TWO("ip", ENDS, AT(SRC_ADDR), AT(DST_ADDR), PLAIN(ADDRESS)),
    TWO("host", ENDS, AT(SRC_ADDR), AT(DST_ADDR), PLAIN(ADDRESS)),
    TWO("net", ENDS, AT(SRC_ADDR), AT(DST_ADDR), PLAIN(ADDRESS)),
    TWO("port", ENDS, AT(SRC_PORT), AT(DST_PORT), NUMBER(UINT32_MAX, "a port number")),
    ONE("proto", AT(PROTO), NAMED(PROTO, "an IP protocol")),
    TWO("as", ENDS, DERIVED(SRC_AS), DERIVED(DST_AS),
        NUMBER(UINT32_MAX, "an AS number")),
    TWO("if", FL_SIDE_IN | FL_SIDE_OUT, AT(IN_IF), AT(OUT_IF),
        NUMBER(UINT32_MAX, "the number of an interface")),
    {.words = "bytes", .idle = FL_SIDE_IN, .first = AT(BYTES),
     .values = NUMBER(UINT64_MAX, "a number of bytes")},
    {.words = "packets", .idle = FL_SIDE_IN, .first = AT(PACKETS),
     .values = NUMBER(UINT64_MAX, "a number of packets")},
    NAT_ADDRESS("nat ip"), NAT_ADDRESS("nat host"), NAT_ADDRESS("nat net"),
    NAT_ADDRESS("xip"), NAT_ADDRESS("nip"), NAT_ADDRESS("xnet"), NAT_ADDRESS("nnet"),
    NAT_PORT("nat port"), NAT_PORT("xport"), NAT_PORT("nport"),
    ONE("nat event", AT(NAT_EVENT), NAMED(NAT_EVENT, "a NAT event")),
    TWO("vlan", ENDS, AT(SRC_VLAN), AT(DST_VLAN), NUMBER(UINT32_MAX, "a VLAN number")),
    /* goflow2 writes the addresses of frames that come in and of those that go out into
     * the same two fields */
    {.words = "mac", .sides = ENDS, .idle = FL_SIDE_IN | FL_SIDE_OUT, .two = true,
     .first = AT(SRC_MAC), .second = AT(DST_MAC), .values = PLAIN(MAC)},
    TWO("mask", ENDS, AT(SRC_NET), AT(DST_NET), NUMBER(128, "a prefix length")),
    TWO("vrf", FL_SIDE_INGRESS | FL_SIDE_EGRESS, AT(INGRESS_VRF_ID), AT(EGRESS_VRF_ID),
        NUMBER(UINT32_MAX, "the number of a VRF")),
    {.words = "tos", .idle = FL_SIDE_SRC, .first = AT(IP_TOS),
     .values = NUMBER(UINT32_MAX, "a type of service")},
    {.words = "flags", .first = AT(TCP_FLAGS), .values = PLAIN(FLAGS),
     .implies = FL_IMPLIES_TCP},
    {.words = "icmp-type", .first = AT(ICMP_TYPE),
     .values = NUMBER(UINT32_MAX, "an ICMP type"), .implies = FL_IMPLIES_ICMP},
    {.words = "icmp type", .first = AT(ICMP_TYPE),
     .values = NUMBER(UINT32_MAX, "an ICMP type"), .implies = FL_IMPLIES_ICMP},
    {.words = "icmp-code", .first = AT(ICMP_CODE),
     .values = NUMBER(UINT32_MAX, "an ICMP code"), .implies = FL_IMPLIES_ICMP},
    {.words = "icmp code", .first = AT(ICMP_CODE),
     .values = NUMBER(UINT32_MAX, "an ICMP code"), .implies = FL_IMPLIES_ICMP},
    ONE("duration", DERIVED(DURATION), PLAIN(DURATION)),
    ONE("bps", DERIVED(BPS), NUMBER(UINT64_MAX, "a number of bits a second")),
    ONE("pps", DERIVED(PPS), NUMBER(UINT64_MAX, "a number of packets a second")),
    ONE("bpp", DERIVED(BPP), NUMBER(UINT64_MAX, "a number of bytes a packet")),
    ONE("direction", DERIVED(DIRECTION), PLAIN(DIRECTION)),
    ONE("local ip", DERIVED(LOCAL_IP), PLAIN(ADDRESS)),
    ONE("local host", DERIVED(LOCAL_IP), PLAIN(ADDRESS)),
    ONE("local net", DERIVED(LOCAL_NET), PLAIN(NETWORK)),
    ONE("remote ip", DERIVED(REMOTE_IP), PLAIN(ADDRESS)),
    ONE("remote host", DERIVED(REMOTE_IP), PLAIN(ADDRESS)),
    ONE("remote net", DERIVED(REMOTE_IP), PLAIN(ADDRESS)),
    ONE("remote as", DERIVED(REMOTE_AS), NUMBER(UINT32_MAX, "an AS number")),
    ONE("exporter", AT(SAMPLER_ADDRESS), PLAIN(ADDRESS)),
    ONE("exporter ip", AT(SAMPLER_ADDRESS), PLAIN(ADDRESS)),
    ONE("router ip", AT(SAMPLER_ADDRESS), PLAIN(ADDRESS)),
    ONE("sampling", AT(SAMPLING_RATE), NUMBER(UINT64_MAX, "a sampling rate")),
    ONE("type", AT(TYPE), NAMED(TYPE, "a flow type")),
    ONE("next ip", AT(NEXT_HOP), PLAIN(ADDRESS)),
    ONE("next as", AT(NEXT_HOP_AS), NUMBER(UINT32_MAX, "an AS number")),
    ONE("bgpnext ip", AT(BGP_NEXT_HOP), PLAIN(ADDRESS)),
    ONE("bgp next ip", AT(BGP_NEXT_HOP), PLAIN(ADDRESS)),
    ONE("mpls label", AT(MPLS_LABEL), NUMBER(UINT64_MAX, "an MPLS label")),
    ONE("mpls any", AT(MPLS_LABEL), NUMBER(UINT64_MAX, "an MPLS label")),
    ONE("fwdstat", AT(FORWARDING_STATUS), NUMBER(UINT32_MAX, "a forwarding status")),
    ONE("flowdir", AT(FLOW_DIRECTION), NAMED(FLOW_DIRECTION, "a flow direction")),
    ONE("ttl", AT(IP_TTL), NUMBER(UINT32_MAX, "a time to live")),
    ONE("flowlabel", AT(IPV6_FLOW_LABEL), NUMBER(UINT32_MAX, "a flow label")),
    ONE("observation domain id", AT(OBSERVATION_DOMAIN_ID),
        NUMBER(UINT32_MAX, "an observation domain")),
    ONE("observation point id", AT(OBSERVATION_POINT_ID),
        NUMBER(UINT32_MAX, "an observation point")),
};
/* clang-format on */

enum { COUNT = sizeof phrases / sizeof *phrases };

static bool begins_with(const char *phrase, const fl_words *words)
{
    return strncmp(phrase, words->text, words->size) == 0 &&
           (phrase[words->size] == '\0' || phrase[words->size] == ' ');
}

bool fl_phrases_extend(fl_words *words, const char *word, size_t size)
{
    fl_words longer = *words;
    if (size + 2 > sizeof longer.text - longer.size)
        return false;
    if (longer.size)
        longer.text[longer.size++] = ' ';
    for (size_t i = 0; i < size; i++) {
        char c = word[i];
        longer.text[longer.size++] = (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
    }
    longer.text[longer.size] = '\0';
    for (size_t i = 0; i < COUNT; i++)
        if (begins_with(phrases[i].words, &longer)) {
            *words = longer;
            return true;
        }
    return false;
}

const fl_phrase *fl_phrases_find(const fl_words *words)
{
    for (size_t i = 0; i < COUNT; i++)
        if (strcmp(phrases[i].words, words->text) == 0)
            return &phrases[i];
    return NULL;
}

void fl_phrases_follow(const fl_words *words, char *out, size_t room)
{
    size_t used = 0;
    *out = '\0';
    for (size_t i = 0; i < COUNT; i++) {
        if (!begins_with(phrases[i].words, words) || !phrases[i].words[words->size])
            continue;
        int more = snprintf(out + used, room - used, "%s'%s'", used ? ", " : "",
                            phrases[i].words + words->size + 1);
        used += (size_t)more < room - used ? (size_t)more : 0;
    }
}
