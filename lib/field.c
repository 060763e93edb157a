/* Layer 0: the field table as data, and the way from a JSON key to its row.
 *
 * Owns the constant rows that FLOWAN_FIELDS expands to. Converts no values. */
#include "flowan/field.h"

#include <string.h>

#define ROW(id, key, type, unit, element, what)                                        \
    {FLOWAN_FIELD_##id, key, FLOWAN_TYPE_##type, unit, element, what},
static const flowan_field_info rows[FLOWAN_FIELD_COUNT] = {FLOWAN_FIELDS(ROW)};
#undef ROW

#define SIZE(id, key, type, unit, element, what) sizeof(key) - 1,
static const uint8_t name_size[FLOWAN_FIELD_COUNT] = {FLOWAN_FIELDS(SIZE)};
#undef SIZE

enum { SLOTS = 256 };

/* A perfect hash: the length and three bytes tell every key of the table from every
 * other, the byte at 3/8 src from dst and that at 2/3 ipv4 from ipv6, addr from port.
 * The factors are the first for which no two keys share a slot. */
static unsigned slot_of(const unsigned char *name, size_t size)
{
    return (unsigned)(size + 3U * name[0] + 15U * name[size * 3 / 8] +
                      31U * name[size * 2 / 3]) %
           SLOTS;
}

/* The field in each slot, plus one. A key that is added to the table needs its line
 * here: slot_of tells the number, and when that slot is taken, other factors must be
 * searched (the unit test finds every key, or fails). */
#define AT(slot, id) [slot] = FLOWAN_FIELD_##id + 1,
static const uint8_t field_in[SLOTS] = {
    /* clang-format off */
    AT(6, SRC_VLAN)
    AT(7, TYPE)
    AT(9, LAYER_STACK)
    AT(12, FORWARDING_STATUS)
    AT(14, SRC_ADDR)
    AT(15, PROTO)
    AT(22, POST_NAPT_SRC_TRANSPORT_PORT)
    AT(24, MPLS_TTL)
    AT(25, FLOW_DIRECTION)
    AT(31, NAT_EVENT)
    AT(35, MPLS_IP)
    AT(37, BGP_NEXT_HOP)
    AT(38, LAYER_SIZE)
    AT(50, DST_MAC)
    AT(53, POST_NAPT_DST_TRANSPORT_PORT)
    AT(54, DST_PORT)
    AT(59, SAMPLING_RATE)
    AT(67, IP_TOS)
    AT(69, ICMP_CODE)
    AT(75, IPV6_ROUTING_HEADER_ADDRESSES)
    AT(81, DST_NET)
    AT(88, IPV6_FLOW_LABEL)
    AT(95, PACKETS)
    AT(96, SRC_MAC)
    AT(97, OBSERVATION_DOMAIN_ID)
    AT(99, SRC_PORT)
    AT(105, IN_IF)
    AT(109, BGP_COMMUNITIES)
    AT(111, SAMPLER_ADDRESS)
    AT(114, POST_NAT_SRC_IPV4_ADDRESS)
    AT(118, NEXT_HOP_AS)
    AT(122, AS_PATH)
    AT(123, ICMP_TYPE)
    AT(125, BYTES)
    AT(127, SRC_NET)
    AT(129, TIME_FLOW_START_NS)
    AT(134, FRAGMENT_OFFSET)
    AT(144, ETYPE)
    AT(145, POST_NAT_DST_IPV4_ADDRESS)
    AT(147, ICMP_NAME)
    AT(151, IPV6_ROUTING_HEADER_SEG_LEFT)
    AT(153, VLAN_ID)
    AT(158, OBSERVATION_POINT_ID)
    AT(161, TIME_RECEIVED_NS)
    AT(172, FRAGMENT_ID)
    AT(176, POST_NAT_SRC_IPV6_ADDRESS)
    AT(181, TCP_FLAGS)
    AT(182, NEXT_HOP)
    AT(189, DST_AS)
    AT(199, EGRESS_VRF_ID)
    AT(205, MPLS_LABEL)
    AT(207, POST_NAT_DST_IPV6_ADDRESS)
    AT(209, SEQUENCE_NUM)
    AT(212, INGRESS_VRF_ID)
    AT(214, OUT_IF)
    AT(217, DST_VLAN)
    AT(222, IP_TTL)
    AT(225, DST_ADDR)
    AT(235, SRC_AS)
    AT(251, TIME_FLOW_END_NS)
    AT(252, IP_FLAGS)
    /* clang-format on */
};
#undef AT

_Static_assert(FLOWAN_FIELD_COUNT == 61, "field_in must have a slot for every field");

const flowan_field_info *flowan_field_info_of(flowan_field field)
{
    return (unsigned)field < FLOWAN_FIELD_COUNT ? &rows[field] : NULL;
}

int flowan_field_find(const char *name, size_t size)
{
    if (size == 0)
        return -1;
    unsigned found = field_in[slot_of((const unsigned char *)name, size)];
    if (found == 0 || name_size[found - 1] != size ||
        memcmp(rows[found - 1].name, name, size) != 0)
        return -1;
    return (int)found - 1;
}

const char *flowan_type_name(flowan_type type)
{
    switch (type) {
    case FLOWAN_TYPE_U32: return "u32";
    case FLOWAN_TYPE_U64: return "u64";
    case FLOWAN_TYPE_TIME: return "time";
    case FLOWAN_TYPE_MAC: return "mac";
    case FLOWAN_TYPE_BOOL: return "bool";
    case FLOWAN_TYPE_ENUM: return "enum";
    case FLOWAN_TYPE_PREFIX: return "prefix";
    case FLOWAN_TYPE_ADDRESS: return "address";
    case FLOWAN_TYPE_TEXT: return "text";
    case FLOWAN_TYPE_JSON: return "json";
    case FLOWAN_TYPE_LIST_U64: return "list_u64";
    case FLOWAN_TYPE_LIST_ADDRESS: return "list_address";
    }
    return "unknown";
}
