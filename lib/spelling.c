/* Owns the keys of goflow2 1.x and the copy of the user's map. Reads no values, and does
 * not decide between two keys of one record (record). */
#include "spelling.h"

#include <string.h>

#include "status.h"

typedef struct spelling_row {
    const char *key;
    uint8_t size;
    uint8_t field;
    uint8_t unit;
} spelling_row;

#define ROW(key, field, unit)                                                          \
    {key, sizeof(key) - 1, FLOWAN_FIELD_##field, FL_UNIT_##unit},

/* In order of the length, then of the bytes: most comparisons are of two lengths. What
 * 1.x has beside these (HasMpls, MplsCount, Mpls_1Ttl …, BiFlowDirection, Custom…) is in
 * no field of ours. */
static const spelling_row rows[] = {
    /* clang-format off */
    ROW("InIf", IN_IF, NS)
    ROW("Type", TYPE, NS)
    ROW("Bytes", BYTES, NS)
    ROW("DstAs", DST_AS, NS)
    ROW("Etype", ETYPE, NS)
    ROW("IpTos", IP_TOS, NS)
    ROW("IpTtl", IP_TTL, NS)
    ROW("OutIf", OUT_IF, NS)
    ROW("Proto", PROTO, NS)
    ROW("SrcAs", SRC_AS, NS)
    ROW("AsPath", AS_PATH, NS)
    ROW("DstMac", DST_MAC, NS)
    ROW("DstNet", DST_NET, NS)
    ROW("SrcMac", SRC_MAC, NS)
    ROW("SrcNet", SRC_NET, NS)
    ROW("VlanId", VLAN_ID, NS)
    ROW("DstAddr", DST_ADDR, NS)
    ROW("DstPort", DST_PORT, NS)
    ROW("DstVlan", DST_VLAN, NS)
    ROW("NextHop", NEXT_HOP, NS)
    ROW("Packets", PACKETS, NS)
    ROW("SrcAddr", SRC_ADDR, NS)
    ROW("SrcPort", SRC_PORT, NS)
    ROW("SrcVlan", SRC_VLAN, NS)
    ROW("IcmpCode", ICMP_CODE, NS)
    ROW("IcmpType", ICMP_TYPE, NS)
    ROW("TcpFlags", TCP_FLAGS, NS)
    ROW("NextHopAs", NEXT_HOP_AS, NS)
    ROW("BgpNextHop", BGP_NEXT_HOP, NS)
    ROW("FragmentId", FRAGMENT_ID, NS)
    ROW("EgressVrfId", EGRESS_VRF_ID, NS)
    ROW("MplsLabelIp", MPLS_IP, NS)
    ROW("SequenceNum", SEQUENCE_NUM, NS)
    ROW("TimeFlowEnd", TIME_FLOW_END_NS, SECONDS)
    ROW("IngressVrfId", INGRESS_VRF_ID, NS)
    ROW("SamplingRate", SAMPLING_RATE, NS)
    ROW("TimeReceived", TIME_RECEIVED_NS, SECONDS)
    ROW("FlowDirection", FLOW_DIRECTION, NS)
    ROW("Ipv6FlowLabel", IPV6_FLOW_LABEL, NS)
    ROW("TimeFlowEndMs", TIME_FLOW_END_NS, MS)
    ROW("TimeFlowStart", TIME_FLOW_START_NS, SECONDS)
    ROW("BgpCommunities", BGP_COMMUNITIES, NS)
    ROW("FragmentOffset", FRAGMENT_OFFSET, NS)
    ROW("SamplerAddress", SAMPLER_ADDRESS, NS)
    ROW("TimeFlowStartMs", TIME_FLOW_START_NS, MS)
    ROW("ForwardingStatus", FORWARDING_STATUS, NS)
    ROW("ObservationPointId", OBSERVATION_POINT_ID, NS)
    ROW("ObservationDomainId", OBSERVATION_DOMAIN_ID, NS)
    /* clang-format on */
};

enum {
    ROWS = sizeof rows / sizeof *rows,
    KEY_SIZE_MAX = 4096 /* a longer key of a record is no name of a column */
};

/* What is wrong with an entry, as a format for its key; NULL: nothing. */
static const char *fault_of(const flowan_key_map *entry, size_t size)
{
    if (size == 0)
        return "a key without a name cannot be mapped%s";
    if (size > KEY_SIZE_MAX)
        return "key '%.100s...' cannot be mapped: it is too long";
    if (!flowan_field_info_of(entry->field))
        return "key '%.100s' is mapped to no field";
    if (flowan_field_find(entry->key, size) >= 0)
        return "key '%.100s' cannot be mapped: it is a field itself";
    return NULL;
}

flowan_status fl_spellings_init(fl_spellings *spellings, const flowan_key_map *map,
                                size_t count, flowan_error *error)
{
    if (count > FL_SPELLING_MAP_MAX)
        return fl_status_fail(error, FLOWAN_ERROR_ARGUMENT, FL_NO_OFFSET,
                              "a map of %zu keys: at most %d are taken", count,
                              FL_SPELLING_MAP_MAX);
    if (count == 0)
        return FLOWAN_OK;
    spellings->fields = fl_memory_alloc(count, sizeof *spellings->fields);
    if (!spellings->fields)
        return fl_status_memory(error);
    for (size_t i = 0; i < count; i++) {
        const char *key = map[i].key ? map[i].key : "";
        size_t size = strlen(key);
        const char *fault = fault_of(&map[i], size);
        if (fault)
            return fl_status_fail(error, FLOWAN_ERROR_ARGUMENT, FL_NO_OFFSET, fault,
                                  key);
        bool added;
        int64_t at = fl_hash_put(&spellings->keys, key, size, &added);
        if (at < 0)
            return fl_status_memory(error);
        if (!added)
            return fl_status_fail(error, FLOWAN_ERROR_ARGUMENT, FL_NO_OFFSET,
                                  "key '%.100s' is mapped twice", key);
        spellings->fields[at] = map[i].field;
    }
    return FLOWAN_OK;
}

void fl_spellings_free(fl_spellings *spellings)
{
    fl_hash_free(&spellings->keys);
    fl_memory_free(spellings->fields);
    *spellings = (fl_spellings){0};
}

static const spelling_row *find_row(const char *key, size_t size)
{
    size_t low = 0;
    size_t high = ROWS;
    while (low < high) {
        size_t middle = (low + high) / 2;
        const spelling_row *row = &rows[middle];
        int side = (size > row->size) - (size < row->size);
        if (side == 0)
            side = memcmp(key, row->key, size);
        if (side == 0)
            return row;
        if (side < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

bool fl_spellings_find(const fl_spellings *spellings, const char *key, size_t size,
                       fl_spelling *out)
{
    if (spellings->keys.count) {
        int64_t at = fl_hash_find(&spellings->keys, key, size);
        if (at >= 0) {
            *out = (fl_spelling){spellings->fields[at], FL_UNIT_NS, (unsigned)at};
            return true;
        }
    }
    /* all of 1.x begin with a capital, none of the keys that logs of today have */
    if (size == 0 || key[0] < 'A' || key[0] > 'Z')
        return false;
    const spelling_row *row = find_row(key, size);
    if (!row)
        return false;
    *out = (fl_spelling){(flowan_field)row->field, (fl_unit)row->unit,
                         FL_SPELLING_MAP_MAX + row->unit};
    return true;
}
