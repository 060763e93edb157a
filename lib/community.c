/* What is hashed, in network byte order: the seed, the lower and the higher end's address,
 * the protocol, a zero, and the ports in the same order. ICMP has types for ports, as Zeek
 * first had it: a message that is answered has its own and the answer's, so that both are
 * one flow; any other has its type and code, and its own direction. */
#include "community.h"

#include <string.h>

#include "sha1.h"
#include "text.h"

enum {
    PROTO_ICMP = 1,
    PROTO_TCP = 6,
    PROTO_UDP = 17,
    PROTO_ICMP6 = 58,
    PROTO_SCTP = 132,
    HASHED_MAX = 2 + 16 + 16 + 2 + 4 /* of IPv6 */
};

/* Types of messages that answer each other. */
static const uint8_t icmp_pairs[][2] = {{8, 0}, {13, 14}, {15, 16}, {10, 9}, {17, 18}};
static const uint8_t icmp6_pairs[][2] = {{128, 129}, {130, 131}, {133, 134},
                                         {135, 136}, {139, 140}, {144, 145}};

/* The other type of the pair, or -1. */
static int other_type(const uint8_t pairs[][2], size_t count, uint32_t type)
{
    for (size_t i = 0; i < count; i++) {
        if (pairs[i][0] == type)
            return pairs[i][1];
        if (pairs[i][1] == type)
            return pairs[i][0];
    }
    return -1;
}

static int answer_to(uint32_t proto, uint32_t type)
{
    if (proto == PROTO_ICMP)
        return other_type(icmp_pairs, sizeof icmp_pairs / sizeof *icmp_pairs, type);
    return other_type(icmp6_pairs, sizeof icmp6_pairs / sizeof *icmp6_pairs, type);
}

static bool is_icmp(uint32_t proto)
{
    return proto == PROTO_ICMP || proto == PROTO_ICMP6;
}

static bool wants_ports(uint32_t proto)
{
    return proto == PROTO_TCP || proto == PROTO_UDP || proto == PROTO_SCTP ||
           is_icmp(proto);
}

static uint8_t *put_port(uint8_t *at, uint32_t port)
{
    *at++ = (uint8_t)(port >> 8);
    *at++ = (uint8_t)port;
    return at;
}

/* The last `octets`: those that IPv4 has, or all. */
static uint8_t *put_octets(uint8_t *at, const flowan_address *address, size_t octets)
{
    memcpy(at, address->octet + sizeof address->octet - octets, octets);
    return at + octets;
}

size_t fl_community_put(char out[FL_COMMUNITY_SIZE], const fl_community *flow)
{
    const flowan_address *first = flow->src;
    const flowan_address *second = flow->dst;
    uint32_t first_port = flow->src_port;
    uint32_t second_port = flow->dst_port;
    bool ports = wants_ports(flow->proto);
    uint32_t most = is_icmp(flow->proto) ? UINT8_MAX : UINT16_MAX;
    if (!first || !second || flow->proto > UINT8_MAX ||
        fl_text_is_ipv4(first) != fl_text_is_ipv4(second) ||
        (ports && (!flow->has_ports || first_port > most || second_port > most)))
        return 0;
    bool one_way = false;
    if (is_icmp(flow->proto)) {
        int answer = answer_to(flow->proto, first_port);
        one_way = answer < 0;
        second_port = one_way ? second_port : (uint32_t)answer;
    }
    int order = memcmp(first, second, sizeof *first);
    if (!one_way && (order > 0 || (order == 0 && first_port > second_port))) {
        first = flow->dst;
        second = flow->src;
        uint32_t port = first_port;
        first_port = second_port;
        second_port = port;
    }
    uint8_t hashed[HASHED_MAX] = {0, 0};
    size_t octets = fl_text_is_ipv4(first) ? 4 : 16;
    uint8_t *at = put_octets(hashed + 2, first, octets);
    at = put_octets(at, second, octets);
    *at++ = (uint8_t)flow->proto;
    *at++ = 0;
    if (ports)
        at = put_port(put_port(at, first_port), second_port);
    uint8_t digest[FL_SHA1_SIZE];
    fl_sha1(hashed, (size_t)(at - hashed), digest);
    memcpy(out, "1:", 2);
    return 2 + fl_text_put_base64(out + 2, digest, sizeof digest);
}
