/* THE field table: every field of goflow2's pb/flow.proto (v2.2.6), the virtual field
 * icmp_name, and the NAT fields that operators map, with type, unit and IPFIX element.
 *
 * Names are goflow2's JSON keys. Elements are those of the IANA registry "IPFIX
 * Information Elements"; 0 where no element means the same. */
#ifndef FLOWAN_FIELD_H
#define FLOWAN_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flowan/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* An IPv6 address in network byte order; IPv4 a.b.c.d is held as ::ffff:a.b.c.d. So an
 * IPv4-mapped address equals its IPv4, as the counting rules want; which of the two
 * spellings a record used is part of its shape, not of its value. */
typedef struct flowan_address {
    uint8_t octet[16];
} flowan_address;

/* What a column holds. The first group has one fixed-width item a row. Values are never
 * reused: they are stored in segments. */
typedef enum flowan_type {
    FLOWAN_TYPE_U32 = 1,       /* uint32_t */
    FLOWAN_TYPE_U64 = 2,       /* uint64_t */
    FLOWAN_TYPE_TIME = 3,      /* uint64_t: ns since 1970-01-01 UTC, two's complement */
    FLOWAN_TYPE_MAC = 4,       /* uint64_t: 48 bits, first octet highest */
    FLOWAN_TYPE_BOOL = 5,      /* uint64_t: 0 or 1 */
    FLOWAN_TYPE_ENUM = 6,      /* uint32_t: a number with names (proto, etype, type) */
    FLOWAN_TYPE_PREFIX = 7,    /* uint32_t: prefix length of src_addr or dst_addr */
    FLOWAN_TYPE_ADDRESS = 8,   /* flowan_address */
    FLOWAN_TYPE_TEXT = 9,      /* bytes: usually UTF-8, not promised */
    FLOWAN_TYPE_JSON = 10,     /* bytes: a JSON value as it was written */
    FLOWAN_TYPE_LIST_U64 = 11, /* any number of uint64_t */
    FLOWAN_TYPE_LIST_ADDRESS = 12 /* any number of flowan_address */
} flowan_type;

/* clang-format off */
/*  X(ID, json key, type, unit, IPFIX element, what it is)                               */
#define FLOWAN_FIELDS(X)                                                               \
    X(TYPE, "type", ENUM, "", 0, "protocol that carried the record")                   \
    X(TIME_RECEIVED_NS, "time_received_ns", TIME, "ns", 0,                             \
      "when the collector had the datagram")                                           \
    X(SEQUENCE_NUM, "sequence_num", U32, "", 0, "sequence number of the datagram")     \
    X(SAMPLING_RATE, "sampling_rate", U64, "1:N", 305,                                 \
      "1 of N packets was seen; 0 unknown")                                            \
    X(SAMPLER_ADDRESS, "sampler_address", ADDRESS, "", 130, "exporter")                \
    X(TIME_FLOW_START_NS, "time_flow_start_ns", TIME, "ns", 156, "first packet")       \
    X(TIME_FLOW_END_NS, "time_flow_end_ns", TIME, "ns", 157, "last packet")            \
    X(BYTES, "bytes", U64, "B", 1, "octets, as exported")                              \
    X(PACKETS, "packets", U64, "packets", 2, "packets, as exported")                   \
    X(SRC_ADDR, "src_addr", ADDRESS, "", 8, "source (27 for IPv6)")                    \
    X(DST_ADDR, "dst_addr", ADDRESS, "", 12, "destination (28 for IPv6)")              \
    X(ETYPE, "etype", ENUM, "", 256, "EtherType")                                      \
    X(PROTO, "proto", ENUM, "", 4, "IP protocol")                                      \
    X(SRC_PORT, "src_port", U32, "", 7, "source port")                                 \
    X(DST_PORT, "dst_port", U32, "", 11, "destination port")                           \
    X(IN_IF, "in_if", U32, "", 10, "ifIndex of arrival")                               \
    X(OUT_IF, "out_if", U32, "", 14, "ifIndex of departure")                           \
    X(SRC_MAC, "src_mac", MAC, "", 56, "source MAC")                                   \
    X(DST_MAC, "dst_mac", MAC, "", 80, "destination MAC")                              \
    X(SRC_VLAN, "src_vlan", U32, "", 58, "VLAN of arrival")                            \
    X(DST_VLAN, "dst_vlan", U32, "", 59, "VLAN of departure")                          \
    X(VLAN_ID, "vlan_id", U32, "", 243, "802.1Q VLAN in the sampled packet")           \
    X(IP_TOS, "ip_tos", U32, "", 5, "IPv4 TOS or IPv6 traffic class")                  \
    X(FORWARDING_STATUS, "forwarding_status", U32, "", 89,                             \
      "RFC 7270 forwarding status")                                                    \
    X(IP_TTL, "ip_ttl", U32, "hops", 192, "TTL or hop limit")                          \
    X(IP_FLAGS, "ip_flags", U32, "", 197, "IPv4 fragment flags")                       \
    X(TCP_FLAGS, "tcp_flags", U32, "", 6, "all TCP flags seen")                        \
    X(ICMP_TYPE, "icmp_type", U32, "", 176, "ICMP type (178 for ICMPv6)")              \
    X(ICMP_CODE, "icmp_code", U32, "", 177, "ICMP code (179 for ICMPv6)")              \
    X(IPV6_FLOW_LABEL, "ipv6_flow_label", U32, "", 31, "IPv6 flow label")              \
    X(FRAGMENT_ID, "fragment_id", U32, "", 54, "fragment identification")              \
    X(FRAGMENT_OFFSET, "fragment_offset", U32, "8 B", 88, "fragment offset")           \
    X(SRC_AS, "src_as", U32, "", 16, "source ASN, from the exporter")                  \
    X(DST_AS, "dst_as", U32, "", 17, "destination ASN, from the exporter")             \
    X(NEXT_HOP, "next_hop", ADDRESS, "", 15, "next hop (62 for IPv6)")                 \
    X(NEXT_HOP_AS, "next_hop_as", U32, "", 128, "ASN of the next hop")                 \
    X(SRC_NET, "src_net", PREFIX, "bits", 9,                                           \
      "prefix length of src_addr (29 for IPv6)")                                       \
    X(DST_NET, "dst_net", PREFIX, "bits", 13,                                          \
      "prefix length of dst_addr (30 for IPv6)")                                       \
    X(BGP_NEXT_HOP, "bgp_next_hop", ADDRESS, "", 18, "BGP next hop (63 for IPv6)")     \
    X(BGP_COMMUNITIES, "bgp_communities", LIST_U64, "", 483, "BGP communities")        \
    X(AS_PATH, "as_path", LIST_U64, "", 0, "AS path")                                  \
    X(MPLS_TTL, "mpls_ttl", LIST_U64, "hops", 200, "TTL of each MPLS label")           \
    X(MPLS_LABEL, "mpls_label", LIST_U64, "", 70, "MPLS labels, top first")            \
    X(MPLS_IP, "mpls_ip", LIST_ADDRESS, "", 47, "addresses of the top label")          \
    X(OBSERVATION_DOMAIN_ID, "observation_domain_id", U32, "", 149,                    \
      "observation domain")                                                            \
    X(OBSERVATION_POINT_ID, "observation_point_id", U32, "", 138, "observation point") \
    X(LAYER_STACK, "layer_stack", LIST_U64, "", 0,                                     \
      "headers found in the sampled packet")                                           \
    X(LAYER_SIZE, "layer_size", LIST_U64, "B", 0, "sizes of these headers")            \
    X(IPV6_ROUTING_HEADER_ADDRESSES, "ipv6_routing_header_addresses", LIST_ADDRESS,    \
      "",                                                                              \
      0, "SRv6 segment list")                                                          \
    X(IPV6_ROUTING_HEADER_SEG_LEFT, "ipv6_routing_header_seg_left", U32, "", 0,        \
      "SRv6 segments left")                                                            \
    X(ICMP_NAME, "icmp_name", TEXT, "", 0, "name of the ICMP type, made by goflow2")   \
    X(POST_NAT_SRC_IPV4_ADDRESS, "post_nat_src_ipv4_address", ADDRESS, "", 225,        \
      "source after translation")                                                      \
    X(POST_NAT_DST_IPV4_ADDRESS, "post_nat_dst_ipv4_address", ADDRESS, "", 226,        \
      "destination after translation")                                                 \
    X(POST_NAPT_SRC_TRANSPORT_PORT, "post_napt_src_transport_port", U32, "", 227,      \
      "source port after translation")                                                 \
    X(POST_NAPT_DST_TRANSPORT_PORT, "post_napt_dst_transport_port", U32, "", 228,      \
      "destination port after translation")                                            \
    X(POST_NAT_SRC_IPV6_ADDRESS, "post_nat_src_ipv6_address", ADDRESS, "", 281,        \
      "source after translation, IPv6")                                                \
    X(POST_NAT_DST_IPV6_ADDRESS, "post_nat_dst_ipv6_address", ADDRESS, "", 282,        \
      "destination after translation, IPv6")                                           \
    X(NAT_EVENT, "nat_event", U32, "", 230, "RFC 8158 NAT event")                      \
    X(INGRESS_VRF_ID, "ingress_vrf_id", U32, "", 234, "VRF of arrival")                \
    X(EGRESS_VRF_ID, "egress_vrf_id", U32, "", 235, "VRF of departure")                \
    X(FLOW_DIRECTION, "flow_direction", U32, "", 61, "0 ingress, 1 egress")
/* clang-format on */

typedef enum flowan_field {
#define FLOWAN_FIELD_ENUM(id, key, type, unit, element, what) FLOWAN_FIELD_##id,
    FLOWAN_FIELDS(FLOWAN_FIELD_ENUM)
#undef FLOWAN_FIELD_ENUM
        FLOWAN_FIELD_COUNT
} flowan_field;

typedef struct flowan_field_info {
    flowan_field field;
    const char *name; /* JSON key */
    flowan_type type;
    const char *unit; /* "" where the value has none */
    uint32_t ipfix_element;
    const char *description;
} flowan_field_info;

/* A key that logs have in the place of a field's own. */
typedef struct flowan_key_map {
    const char *key; /* theirs, decoded, with a NUL at its end */
    flowan_field field;
} flowan_key_map;

/* The row of the table; NULL when `field` is out of range. Static. */
FLOWAN_API const flowan_field_info *flowan_field_info_of(flowan_field field);

/* The field with that JSON key (`size` bytes, no NUL needed), or -1. */
FLOWAN_API int flowan_field_find(const char *name, size_t size);

/* "u32", "time", … ; static, never NULL. */
FLOWAN_API const char *flowan_type_name(flowan_type type);

#ifdef __cplusplus
}
#endif

#endif
