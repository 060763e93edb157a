/* Keys that mean a field under another name: those of goflow2 1.x, each of them, and the
 * rules of a map. */
#include "spelling.h"

#include <stdio.h>
#include <string.h>

#include "unit.h"

static const struct {
    const char *key;
    flowan_field field;
    fl_unit unit;
} keys_of_1x[] = {
    /* clang-format off */
    {"Type", FLOWAN_FIELD_TYPE, FL_UNIT_NS},
    {"TimeReceived", FLOWAN_FIELD_TIME_RECEIVED_NS, FL_UNIT_SECONDS},
    {"SequenceNum", FLOWAN_FIELD_SEQUENCE_NUM, FL_UNIT_NS},
    {"SamplingRate", FLOWAN_FIELD_SAMPLING_RATE, FL_UNIT_NS},
    {"FlowDirection", FLOWAN_FIELD_FLOW_DIRECTION, FL_UNIT_NS},
    {"SamplerAddress", FLOWAN_FIELD_SAMPLER_ADDRESS, FL_UNIT_NS},
    {"TimeFlowStart", FLOWAN_FIELD_TIME_FLOW_START_NS, FL_UNIT_SECONDS},
    {"TimeFlowEnd", FLOWAN_FIELD_TIME_FLOW_END_NS, FL_UNIT_SECONDS},
    {"TimeFlowStartMs", FLOWAN_FIELD_TIME_FLOW_START_NS, FL_UNIT_MS},
    {"TimeFlowEndMs", FLOWAN_FIELD_TIME_FLOW_END_NS, FL_UNIT_MS},
    {"Bytes", FLOWAN_FIELD_BYTES, FL_UNIT_NS},
    {"Packets", FLOWAN_FIELD_PACKETS, FL_UNIT_NS},
    {"SrcAddr", FLOWAN_FIELD_SRC_ADDR, FL_UNIT_NS},
    {"DstAddr", FLOWAN_FIELD_DST_ADDR, FL_UNIT_NS},
    {"Etype", FLOWAN_FIELD_ETYPE, FL_UNIT_NS},
    {"Proto", FLOWAN_FIELD_PROTO, FL_UNIT_NS},
    {"SrcPort", FLOWAN_FIELD_SRC_PORT, FL_UNIT_NS},
    {"DstPort", FLOWAN_FIELD_DST_PORT, FL_UNIT_NS},
    {"InIf", FLOWAN_FIELD_IN_IF, FL_UNIT_NS},
    {"OutIf", FLOWAN_FIELD_OUT_IF, FL_UNIT_NS},
    {"SrcMac", FLOWAN_FIELD_SRC_MAC, FL_UNIT_NS},
    {"DstMac", FLOWAN_FIELD_DST_MAC, FL_UNIT_NS},
    {"SrcVlan", FLOWAN_FIELD_SRC_VLAN, FL_UNIT_NS},
    {"DstVlan", FLOWAN_FIELD_DST_VLAN, FL_UNIT_NS},
    {"VlanId", FLOWAN_FIELD_VLAN_ID, FL_UNIT_NS},
    {"IngressVrfId", FLOWAN_FIELD_INGRESS_VRF_ID, FL_UNIT_NS},
    {"EgressVrfId", FLOWAN_FIELD_EGRESS_VRF_ID, FL_UNIT_NS},
    {"IpTos", FLOWAN_FIELD_IP_TOS, FL_UNIT_NS},
    {"ForwardingStatus", FLOWAN_FIELD_FORWARDING_STATUS, FL_UNIT_NS},
    {"IpTtl", FLOWAN_FIELD_IP_TTL, FL_UNIT_NS},
    {"TcpFlags", FLOWAN_FIELD_TCP_FLAGS, FL_UNIT_NS},
    {"IcmpType", FLOWAN_FIELD_ICMP_TYPE, FL_UNIT_NS},
    {"IcmpCode", FLOWAN_FIELD_ICMP_CODE, FL_UNIT_NS},
    {"Ipv6FlowLabel", FLOWAN_FIELD_IPV6_FLOW_LABEL, FL_UNIT_NS},
    {"FragmentId", FLOWAN_FIELD_FRAGMENT_ID, FL_UNIT_NS},
    {"FragmentOffset", FLOWAN_FIELD_FRAGMENT_OFFSET, FL_UNIT_NS},
    {"SrcAs", FLOWAN_FIELD_SRC_AS, FL_UNIT_NS},
    {"DstAs", FLOWAN_FIELD_DST_AS, FL_UNIT_NS},
    {"NextHop", FLOWAN_FIELD_NEXT_HOP, FL_UNIT_NS},
    {"NextHopAs", FLOWAN_FIELD_NEXT_HOP_AS, FL_UNIT_NS},
    {"SrcNet", FLOWAN_FIELD_SRC_NET, FL_UNIT_NS},
    {"DstNet", FLOWAN_FIELD_DST_NET, FL_UNIT_NS},
    {"BgpNextHop", FLOWAN_FIELD_BGP_NEXT_HOP, FL_UNIT_NS},
    {"BgpCommunities", FLOWAN_FIELD_BGP_COMMUNITIES, FL_UNIT_NS},
    {"AsPath", FLOWAN_FIELD_AS_PATH, FL_UNIT_NS},
    {"MplsLabelIp", FLOWAN_FIELD_MPLS_IP, FL_UNIT_NS},
    {"ObservationDomainId", FLOWAN_FIELD_OBSERVATION_DOMAIN_ID, FL_UNIT_NS},
    {"ObservationPointId", FLOWAN_FIELD_OBSERVATION_POINT_ID, FL_UNIT_NS},
    /* clang-format on */
};
enum { KEYS = sizeof keys_of_1x / sizeof *keys_of_1x };

static fl_spellings none;

/* From a block of just its size, so that a sanitizer sees a step beyond. */
static bool find(const fl_spellings *spellings, const char *key, size_t size,
                 fl_spelling *out)
{
    char *copy = malloc(size ? size : 1);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, key, size);
    bool found = fl_spellings_find(spellings, copy, size, out);
    free(copy);
    return found;
}

START_TEST(goflow2_1x)
{
    for (size_t i = 0; i < KEYS; i++) {
        const char *key = keys_of_1x[i].key;
        fl_spelling got;
        ck_assert_msg(find(&none, key, strlen(key), &got), "%s", key);
        ck_assert_msg(got.field == keys_of_1x[i].field, "%s: field %d", key, got.field);
        ck_assert_msg(got.unit == keys_of_1x[i].unit, "%s: unit %d", key, got.unit);
        ck_assert_msg((flowan_field_info_of(got.field)->type == FLOWAN_TYPE_TIME) ==
                          (got.unit != FL_UNIT_NS),
                      "%s: a unit is for a time", key);
        ck_assert_int_lt(flowan_field_find(key, strlen(key)), 0);
    }
    fl_spelling ms, seconds;
    ck_assert(find(&none, "TimeFlowEndMs", 13, &ms));
    ck_assert(find(&none, "TimeFlowEnd", 11, &seconds));
    ck_assert_uint_lt(ms.rank, seconds.rank);
}
END_TEST

START_TEST(near_misses)
{
    static const char *const others[] = {
        "",
        "A",
        "Z",
        "srcAddr",
        "SRCADDR",
        "Srcaddr",
        "SrcAddr ",
        "src_addr",
        "bytes",
        "Byte",
        "Bytess",
        "HasMpls",
        "MplsCount",
        "Mpls_1Ttl",
        "IpFlags",
        "IcmpName",
        "BiFlowDirection",
        "CustomInteger_1",
        "TimeFlowStartNs",
        "TimeReceivedNs",
        "[ytes",
        "@ytes",
    };
    fl_spelling got;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        ck_assert_msg(!find(&none, others[i], strlen(others[i]), &got), "%s",
                      others[i]);
    /* cut short, and with one byte other */
    for (size_t i = 0; i < KEYS; i++) {
        char key[32];
        size_t size = strlen(keys_of_1x[i].key);
        strcpy(key, keys_of_1x[i].key);
        for (size_t at = 0; at < size; at++) {
            key[at]++;
            ck_assert_msg(!find(&none, key, size, &got), "%s", key);
            key[at]--;
        }
        key[size] = 0;
        ck_assert_msg(!find(&none, key, size + 1, &got), "%s and a NUL", key);
    }
}
END_TEST

START_TEST(a_map)
{
    static const flowan_key_map map[] = {
        {"client", FLOWAN_FIELD_SRC_ADDR},
        {"SrcAddr", FLOWAN_FIELD_DST_ADDR}, /* not what 1.x means by it */
        {"Client", FLOWAN_FIELD_SRC_ADDR},
        {"when", FLOWAN_FIELD_TIME_RECEIVED_NS},
    };
    fl_spellings spellings = {0};
    fl_spelling got;
    ck_assert_int_eq(fl_spellings_init(&spellings, map, 4, NULL), FLOWAN_OK);
    for (unsigned i = 0; i < 4; i++) {
        ck_assert(find(&spellings, map[i].key, strlen(map[i].key), &got));
        ck_assert_int_eq(got.field, map[i].field);
        ck_assert_int_eq(got.unit, FL_UNIT_NS);
        ck_assert_uint_eq(got.rank, i);
    }
    ck_assert(!find(&spellings, "clients", 7, &got));
    ck_assert(!find(&spellings, "", 0, &got));
    ck_assert(find(&spellings, "DstAddr", 7, &got));
    ck_assert_int_eq(got.field, FLOWAN_FIELD_DST_ADDR);
    ck_assert_uint_gt(got.rank, 1);
    fl_spellings_free(&spellings);
    fl_spellings_free(&spellings);
    ck_assert_int_eq(fl_spellings_init(&spellings, NULL, 0, NULL), FLOWAN_OK);
    ck_assert(!find(&spellings, "client", 6, &got));
    fl_spellings_free(&spellings);
}
END_TEST

static void refused(const flowan_key_map *map, size_t count, const char *part)
{
    fl_spellings spellings = {0};
    flowan_error error = {0};
    ck_assert_int_eq(fl_spellings_init(&spellings, map, count, &error),
                     FLOWAN_ERROR_ARGUMENT);
    ck_assert_int_eq(error.status, FLOWAN_ERROR_ARGUMENT);
    ck_assert_msg(strstr(error.message, part) != NULL, "'%s' without '%s'",
                  error.message, part);
    fl_spellings_free(&spellings);
}

START_TEST(maps_that_are_refused)
{
    static const flowan_key_map itself[] = {{"bytes", FLOWAN_FIELD_PACKETS}};
    static const flowan_key_map twice[] = {{"a", FLOWAN_FIELD_BYTES},
                                           {"b", FLOWAN_FIELD_BYTES},
                                           {"a", FLOWAN_FIELD_PACKETS}};
    static const flowan_key_map nameless[] = {{"", FLOWAN_FIELD_BYTES}};
    static const flowan_key_map null[] = {{NULL, FLOWAN_FIELD_BYTES}};
    static const flowan_key_map fieldless[] = {{"a", FLOWAN_FIELD_COUNT}};
    refused(itself, 1, "'bytes' cannot be mapped: it is a field itself");
    refused(twice, 3, "'a' is mapped twice");
    refused(nameless, 1, "without a name");
    refused(null, 1, "without a name");
    refused(fieldless, 1, "'a' is mapped to no field");

    flowan_key_map many[FL_SPELLING_MAP_MAX + 1];
    char names[FL_SPELLING_MAP_MAX + 1][8];
    for (size_t i = 0; i <= FL_SPELLING_MAP_MAX; i++) {
        snprintf(names[i], sizeof names[i], "k%zu", i);
        many[i] = (flowan_key_map){names[i], FLOWAN_FIELD_IN_IF};
    }
    refused(many, FL_SPELLING_MAP_MAX + 1, "at most 256");
    fl_spellings spellings = {0};
    fl_spelling got;
    ck_assert_int_eq(fl_spellings_init(&spellings, many, FL_SPELLING_MAP_MAX, NULL),
                     FLOWAN_OK);
    ck_assert(find(&spellings, "k255", 4, &got));
    ck_assert_uint_eq(got.rank, 255);
    ck_assert(find(&spellings, "Bytes", 5, &got));
    ck_assert_uint_gt(got.rank, 255);
    fl_spellings_free(&spellings);

    char key[4098];
    memset(key, 'k', sizeof key);
    key[4097] = 0;
    const flowan_key_map lengthy = {key, FLOWAN_FIELD_BYTES};
    refused(&lengthy, 1, "too long");
    key[4096] = 0;
    ck_assert_int_eq(fl_spellings_init(&spellings, &lengthy, 1, NULL), FLOWAN_OK);
    fl_spellings_free(&spellings);
}
END_TEST

static Suite *suite_of(void)
{
    Suite *suite = suite_create("spelling");
    TCase *tests = tcase_create("spelling");
    tcase_add_test(tests, goflow2_1x);
    tcase_add_test(tests, near_misses);
    tcase_add_test(tests, a_map);
    tcase_add_test(tests, maps_that_are_refused);
    suite_add_tcase(suite, tests);
    return suite;
}

FL_UNIT_MAIN(suite_of)
