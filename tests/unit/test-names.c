/* Numbers and their names, both ways, and the names of older goflow2. */
#include "unit.h"

#include <string.h>

#include "names.h"

static const flowan_field named[] = {
    FLOWAN_FIELD_TYPE,
    FLOWAN_FIELD_ETYPE,
    FLOWAN_FIELD_PROTO,
    FLOWAN_FIELD_LAYER_STACK,
};

/* In a block of just its size, so that a sanitizer sees a step beyond. */
static bool find(flowan_field field, const char *name, uint64_t *out, bool *old)
{
    size_t size = strlen(name);
    char *copy = malloc(size ? size : 1);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, name, size);
    bool found = fl_names_find(field, copy, size, out, old);
    free(copy);
    return found;
}

START_TEST(known_pairs)
{
    static const struct {
        flowan_field field;
        uint64_t value;
        const char *name;
    } pairs[] = {
        {FLOWAN_FIELD_TYPE, 0, "FLOWUNKNOWN"},
        {FLOWAN_FIELD_TYPE, 1, "SFLOW_5"},
        {FLOWAN_FIELD_TYPE, 2, "NETFLOW_V5"},
        {FLOWAN_FIELD_TYPE, 3, "NETFLOW_V9"},
        {FLOWAN_FIELD_TYPE, 4, "IPFIX"},
        {FLOWAN_FIELD_ETYPE, 0x0800, "IPv4"},
        {FLOWAN_FIELD_ETYPE, 0x0806, "ARP"},
        {FLOWAN_FIELD_ETYPE, 0x86dd, "IPv6"},
        {FLOWAN_FIELD_PROTO, 0, "HOPOPT"},
        {FLOWAN_FIELD_PROTO, 1, "ICMP"},
        {FLOWAN_FIELD_PROTO, 4, "IPv4"},
        {FLOWAN_FIELD_PROTO, 6, "TCP"},
        {FLOWAN_FIELD_PROTO, 17, "UDP"},
        {FLOWAN_FIELD_PROTO, 34, "3PC"},
        {FLOWAN_FIELD_PROTO, 39, "TP++"},
        {FLOWAN_FIELD_PROTO, 41, "IPv6"},
        {FLOWAN_FIELD_PROTO, 47, "GRE"},
        {FLOWAN_FIELD_PROTO, 50, "ESP"},
        {FLOWAN_FIELD_PROTO, 51, "AH"},
        {FLOWAN_FIELD_PROTO, 58, "IPv6-ICMP"},
        {FLOWAN_FIELD_PROTO, 88, "EIGRP"},
        {FLOWAN_FIELD_PROTO, 89, "OSPFIGP"},
        {FLOWAN_FIELD_PROTO, 93, "AX.25"},
        {FLOWAN_FIELD_PROTO, 99, "any-private-encryption-scheme"},
        {FLOWAN_FIELD_PROTO, 103, "PIM"},
        {FLOWAN_FIELD_PROTO, 107, "A/N"},
        {FLOWAN_FIELD_PROTO, 112, "VRRP"},
        {FLOWAN_FIELD_PROTO, 115, "L2TP"},
        {FLOWAN_FIELD_PROTO, 124, "ISIS over IPv4"},
        {FLOWAN_FIELD_PROTO, 132, "SCTP"},
        {FLOWAN_FIELD_PROTO, 135, "Mobility Header"},
        {FLOWAN_FIELD_PROTO, 143, "Ethernet"},
        {FLOWAN_FIELD_PROTO, 145, "NSH"},
        {FLOWAN_FIELD_LAYER_STACK, 0, "Ethernet"},
        {FLOWAN_FIELD_LAYER_STACK, 6, "Dot1Q"},
        {FLOWAN_FIELD_LAYER_STACK, 8, "ICMPv6"},
        {FLOWAN_FIELD_LAYER_STACK, 11, "IPv6HeaderFragment"},
        {FLOWAN_FIELD_LAYER_STACK, 13, "Teredo"},
        {FLOWAN_FIELD_LAYER_STACK, 99, "Custom"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        ck_assert_str_eq(fl_names_of(pairs[i].field, pairs[i].value), pairs[i].name);
        uint64_t value;
        bool old = true;
        ck_assert_msg(find(pairs[i].field, pairs[i].name, &value, &old), "%s",
                      pairs[i].name);
        ck_assert_uint_eq(value, pairs[i].value);
        ck_assert_msg(!old, "%s", pairs[i].name);
    }
}
END_TEST

/* Also the proof that the order which is searched is the order of the names. */
START_TEST(every_name_leads_back)
{
    static const unsigned expected[] = {5, 3, 146, 15};
    for (size_t i = 0; i < sizeof named / sizeof *named; i++) {
        unsigned count = 0;
        for (uint64_t value = 0; value <= 65536; value++) {
            const char *name = fl_names_of(named[i], value);
            if (!name)
                continue;
            uint64_t got;
            ck_assert_msg(find(named[i], name, &got, NULL), "%s", name);
            ck_assert_msg(got == value, "%s", name);
            count++;
        }
        ck_assert_uint_eq(count, expected[i]);
        ck_assert_ptr_null(fl_names_of(named[i], UINT64_MAX));
        ck_assert_ptr_null(fl_names_of(named[i], UINT64_C(1) << 32));
        ck_assert_ptr_null(fl_names_of(named[i], (UINT64_C(1) << 32) + 6));
    }
    ck_assert_ptr_null(fl_names_of(FLOWAN_FIELD_PROTO, 146));
    ck_assert_ptr_null(fl_names_of(FLOWAN_FIELD_PROTO, 255));
    ck_assert_ptr_null(fl_names_of(FLOWAN_FIELD_LAYER_STACK, 14));
    ck_assert_ptr_null(fl_names_of(FLOWAN_FIELD_TYPE, 5));
}
END_TEST

START_TEST(old_names)
{
    ck_assert_str_eq(fl_names_old(FLOWAN_FIELD_PROTO, 58), "ICMPv6");
    ck_assert_ptr_null(fl_names_old(FLOWAN_FIELD_PROTO, 6));
    ck_assert_ptr_null(fl_names_old(FLOWAN_FIELD_PROTO, 0));
    ck_assert_ptr_null(fl_names_old(FLOWAN_FIELD_PROTO, UINT64_MAX));
    ck_assert_ptr_null(fl_names_old(FLOWAN_FIELD_TYPE, 58));
    ck_assert_ptr_null(fl_names_old(FLOWAN_FIELD_LAYER_STACK, 58));
    uint64_t value = 0;
    bool old = false;
    ck_assert(find(FLOWAN_FIELD_PROTO, "ICMPv6", &value, &old));
    ck_assert_uint_eq(value, 58);
    ck_assert(old);
    ck_assert(find(FLOWAN_FIELD_PROTO, "ICMPv6", &value, NULL));
    /* In the layer stack the same word is the name of today. */
    ck_assert(find(FLOWAN_FIELD_LAYER_STACK, "ICMPv6", &value, &old));
    ck_assert_uint_eq(value, 8);
    ck_assert(!old);
}
END_TEST

START_TEST(not_names)
{
    static const char *const names[] = {
        "",
        "unknown",
        "unassigned",
        "experimental",
        "reserved",
        "tcp",
        "Tcp",
        "TCP ",
        " TCP",
        "TC",
        "TCPx",
        "UD",
        "icmpv6",
        "IPv5",
        "0",
        "6",
        "\xff",
        "Custom99",
        "IPFIX\n",
        "netflow",
        "any-private-encryption-schemes",
    };
    uint64_t value = 77;
    bool old = true;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        for (size_t j = 0; j < sizeof named / sizeof *named; j++)
            ck_assert_msg(!find(named[j], names[i], &value, &old), "%s", names[i]);
    ck_assert_msg(value == 77 && old, "a failure leaves the outs alone");
    ck_assert(!fl_names_find(FLOWAN_FIELD_PROTO, NULL, 0, &value, NULL));
    ck_assert(!fl_names_find(FLOWAN_FIELD_PROTO, "TCP\0", 4, &value, NULL));
    ck_assert(fl_names_find(FLOWAN_FIELD_PROTO, "TCPUDP", 3, &value, NULL));
    static char long_name[70000];
    memset(long_name, 'A', sizeof long_name);
    ck_assert(
        !fl_names_find(FLOWAN_FIELD_PROTO, long_name, sizeof long_name, &value, NULL));
    /* 256 and 3 are the same in eight bits. */
    memcpy(long_name, "TCP", 3);
    ck_assert(!fl_names_find(FLOWAN_FIELD_PROTO, long_name, 256 + 3, &value, NULL));
    memcpy(long_name, "ARP", 3);
    ck_assert(!fl_names_find(FLOWAN_FIELD_ETYPE, long_name, 256 + 3, &value, NULL));
}
END_TEST

START_TEST(fields_without_names)
{
    static const flowan_field fields[] = {
        FLOWAN_FIELD_BYTES,
        FLOWAN_FIELD_ICMP_NAME,
        FLOWAN_FIELD_COUNT,
        (flowan_field)-1,
    };
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        uint64_t value;
        ck_assert_ptr_null(fl_names_of(fields[i], 6));
        ck_assert_ptr_null(fl_names_old(fields[i], 58));
        ck_assert(!find(fields[i], "TCP", &value, NULL));
    }
}
END_TEST

START_TEST(icmp_types)
{
    static const struct {
        uint64_t proto;
        uint64_t type;
        const char *name;
    } pairs[] = {
        {1, 0, "EchoReply"},
        {1, 3, "DestinationUnreachable"},
        {1, 8, "Echo"},
        {1, 9, "RouterAdvertisement"},
        {1, 10, "RouterSolicitation"},
        {1, 11, "TimeExceeded"},
        {58, 1, "DestinationUnreachable"},
        {58, 2, "PacketTooBig"},
        {58, 3, "TimeExceeded"},
        {58, 128, "EchoRequest"},
        {58, 129, "EchoReply"},
        {58, 133, "RouterSolicitation"},
        {58, 134, "RouterAdvertisement"},
    };
    enum { PAIRS = sizeof pairs / sizeof *pairs };
    size_t named_types = 0;
    uint64_t type;
    for (size_t i = 0; i < PAIRS; i++) {
        const char *name = fl_names_icmp(pairs[i].proto, pairs[i].type);
        ck_assert_msg(name && strcmp(name, pairs[i].name) == 0, "%s", pairs[i].name);
        ck_assert(fl_names_find_icmp(pairs[i].proto, name, strlen(name), &type));
        ck_assert_uint_eq(type, pairs[i].type);
        ck_assert(!fl_names_find_icmp(pairs[i].proto, name, strlen(name) - 1, &type));
        ck_assert(!fl_names_find_icmp(6, name, strlen(name), &type));
    }
    for (unsigned proto = 0; proto < 260; proto++)
        for (unsigned number = 0; number < 260; number++)
            named_types += fl_names_icmp(proto, number) != NULL;
    ck_assert_uint_eq(named_types, PAIRS);
    ck_assert_ptr_null(fl_names_icmp(1, UINT64_C(1) << 32));
    ck_assert_ptr_null(fl_names_icmp((UINT64_C(1) << 32) + 1, 8));
    /* what goflow2 writes where it has no name, and a name of the other protocol */
    ck_assert(!fl_names_find_icmp(1, "", 0, &type));
    ck_assert(!fl_names_find_icmp(1, "unknown", 7, &type));
    ck_assert(!fl_names_find_icmp(1, "EchoRequest", 11, &type));
    ck_assert(!fl_names_find_icmp(58, "Echo", 4, &type));
}
END_TEST

static Suite *suite_of(void)
{
    Suite *suite = suite_create("names");
    TCase *names = tcase_create("names");
    tcase_add_test(names, known_pairs);
    tcase_add_test(names, every_name_leads_back);
    tcase_add_test(names, old_names);
    tcase_add_test(names, not_names);
    tcase_add_test(names, fields_without_names);
    tcase_add_test(names, icmp_types);
    suite_add_tcase(suite, names);
    return suite;
}

FL_UNIT_MAIN(suite_of)
