/* Layer 1: Community ID version 1, seed 0: the name of a flow that Zeek, Suricata and
 * others give it too, the same for both directions
 * (https://github.com/corelight/community-id-spec). */
#ifndef FL_COMMUNITY_H
#define FL_COMMUNITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flowan/field.h"

enum { FL_COMMUNITY_SIZE = 30 }; /* "1:" and 20 octets in Base64 */

typedef struct fl_community {
    const flowan_address *src; /* NULL: not known; one that is mapped is IPv4 */
    const flowan_address *dst;
    uint32_t proto;
    bool has_ports;
    uint32_t src_port; /* of ICMP: the type */
    uint32_t dst_port; /* of ICMP: the code */
} fl_community;

/* Writes the ID to `out`, without a NUL; the bytes that it has, or 0 where the flow has
 * none: an address is missing, or they are of two families, the protocol is above 255, or
 * it is one with ports (TCP, UDP, SCTP, ICMP, ICMPv6) and they are missing, or larger than
 * they can be. */
size_t fl_community_put(char out[FL_COMMUNITY_SIZE], const fl_community *flow);

#endif
