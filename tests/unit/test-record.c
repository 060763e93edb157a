/* One object to typed values and back: which field a key is, what kind of spelling a
 * value has, and whether that gives the text back. The records are made after what
 * goflow2 really writes, oddity by oddity. */
#include "record.h"

#include <stdio.h>
#include <string.h>

#include "batch.h"
#include "render.h"
#include "text.h"
#include "unit.h"

#define EXPECT(condition, ...)                                                         \
    do {                                                                               \
        if (!(condition))                                                              \
            ck_abort_msg(__VA_ARGS__);                                                 \
    } while (0)

static fl_record record;
static bool seen[FL_KIND_COUNT];

static void setup(void)
{
    ck_assert(fl_record_init(&record));
    memset(seen, 0, sizeof seen);
}

static void teardown(void)
{
    fl_record_free(&record);
}

/* Reads an object from a block of just its size, which stays until the next read. */
static void read_sized(const char *text, size_t size)
{
    static char *copy;
    free(copy);
    copy = malloc(size);
    memcpy(copy, text, size);
    fl_json_scan scan = {0};
    fl_json_scan_begin(&scan);
    EXPECT(fl_json_scan_run(&scan, copy, size) == FL_JSON_DONE && scan.at == size,
           "no object: %s", text);
    fl_json_scan_free(&scan);
    EXPECT(fl_record_read(&record, copy, size), "%s: no memory", text);
    for (size_t i = 0; i < record.count; i++)
        seen[record.values[i].kind] = true;
}

static void read_text(const char *text)
{
    read_sized(text, strlen(text));
}

static bool renders(const char *text)
{
    fl_buffer out = {0};
    fl_render_values(&out, record.values, record.count);
    ck_assert(!out.failed);
    bool same = out.size == strlen(text) && memcmp(out.data, text, out.size) == 0;
    fl_buffer_free(&out);
    return same;
}

static const fl_value *value_of(const char *key)
{
    for (size_t i = 0; i < record.count; i++)
        if (record.values[i].key_size == strlen(key) &&
            memcmp(record.values[i].key, key, strlen(key)) == 0)
            return &record.values[i];
    ck_abort_msg("no key %s", key);
    return NULL;
}

/* The value as text: what a row says below. */
static void spell(fl_buffer *out, const fl_value *value)
{
    char text[64];
    if (!fl_kind_has_value(value->kind))
        return;
    switch (value->type) {
    case FLOWAN_TYPE_ADDRESS:
        fl_buffer_append(out, text, fl_text_put_ipv6(text, &value->address));
        break;
    case FLOWAN_TYPE_TEXT:
    case FLOWAN_TYPE_JSON: fl_buffer_append(out, value->items, value->count); break;
    case FLOWAN_TYPE_LIST_U64:
        for (size_t i = 0; i < value->count; i++)
            fl_buffer_format(out, "%s%llu", i ? " " : "",
                             (unsigned long long)((const uint64_t *)value->items)[i]);
        break;
    case FLOWAN_TYPE_LIST_ADDRESS:
        for (size_t i = 0; i < value->count; i++) {
            const flowan_address *items = value->items;
            if (i)
                fl_buffer_byte(out, ' ');
            fl_buffer_append(out, text, fl_text_put_ipv6(text, &items[i]));
        }
        break;
    default: fl_buffer_format(out, "%llu", (unsigned long long)value->number);
    }
}

static void check_value(const fl_value *value, flowan_type type, fl_kind kind,
                        const char *want, const char *text)
{
    fl_buffer got = {0};
    spell(&got, value);
    fl_buffer_byte(&got, 0);
    EXPECT(value->type == type, "%s: type %s", text, flowan_type_name(value->type));
    EXPECT(value->kind == kind, "%s: kind %d, not %d", text, value->kind, kind);
    EXPECT(strcmp(got.data, want) == 0, "%s: \"%s\", not \"%s\"", text, got.data, want);
    EXPECT(fl_value_fits(value->type, value->kind), "%s: does not fit", text);
    fl_buffer_free(&got);
}

/* --- one member a row --- */

typedef struct row {
    const char *member; /* of an object that has only this */
    flowan_type type;
    fl_kind kind;
    const char *value;
    bool same; /* renders the same */
} row;

#define U32 FLOWAN_TYPE_U32
#define U64 FLOWAN_TYPE_U64
#define TIME FLOWAN_TYPE_TIME
#define MAC FLOWAN_TYPE_MAC
#define BOOL FLOWAN_TYPE_BOOL
#define ENUM FLOWAN_TYPE_ENUM
#define PREFIX FLOWAN_TYPE_PREFIX
#define ADDRESS FLOWAN_TYPE_ADDRESS
#define TEXT FLOWAN_TYPE_TEXT
#define JSON FLOWAN_TYPE_JSON
#define LIST FLOWAN_TYPE_LIST_U64
#define ADDRESSES FLOWAN_TYPE_LIST_ADDRESS
#define KIND(name) FL_KIND_##name

static const row known[] = {
    /* whole numbers, and the edges of 32 and 64 bits */
    {"\"bytes\":0", U64, KIND(INT), "0", true},
    {"\"bytes\":18446744073709551615", U64, KIND(INT), "18446744073709551615", true},
    {"\"bytes\":18446744073709551616", U64, KIND(OPAQUE), "", false},
    {"\"bytes\":99999999999999999999", U64, KIND(OPAQUE), "", false},
    {"\"bytes\":9007199254740993", U64, KIND(INT), "9007199254740993", true},
    {"\"bytes\":-1", U64, KIND(OPAQUE), "", false},
    {"\"bytes\":-0", U64, KIND(OPAQUE), "", false},
    {"\"bytes\":1.0", U64, KIND(OPAQUE), "", false},
    {"\"bytes\":1e3", U64, KIND(OPAQUE), "", false},
    {"\"bytes\":true", U64, KIND(OPAQUE), "", false},
    {"\"bytes\":[1]", U64, KIND(OPAQUE), "", false},
    {"\"bytes\":{}", U64, KIND(OPAQUE), "", false},
    {"\"bytes\":\"\"", U64, KIND(EMPTY), "", true},
    {"\"bytes\":null", U64, KIND(NULL), "", true},
    {"\"bytes\":\"1500\"", U64, KIND(INT_STRING), "1500", true},
    {"\"bytes\":\"01500\"", U64, KIND(OPAQUE), "", false},
    {"\"bytes\":\"+1\"", U64, KIND(OPAQUE), "", false},
    {"\"bytes\":\"many\"", U64, KIND(OPAQUE), "", false},
    {"\"in_if\":4294967295", U32, KIND(INT), "4294967295", true},
    {"\"in_if\":4294967296", U32, KIND(OPAQUE), "", false},
    {"\"in_if\":\"4294967295\"", U32, KIND(INT_STRING), "4294967295", true},
    {"\"in_if\":\"4294967296\"", U32, KIND(OPAQUE), "", false},
    {"\"out_if\":1073741823", U32, KIND(INT), "1073741823", true},
    {"\"dst_vlan\":4294967295", U32, KIND(INT), "4294967295", true},
    {"\"src_port\":70000", U32, KIND(INT), "70000", true},
    {"\"src_port\":\"\"", U32, KIND(EMPTY), "", true},
    /* times */
    {"\"time_received_ns\":0", TIME, KIND(INT), "0", true},
    {"\"time_received_ns\":1795291866015528569", TIME, KIND(INT), "1795291866015528569",
     true},
    {"\"time_flow_start_ns\":18446744073708551616", TIME, KIND(INT),
     "18446744073708551616", true},
    {"\"time_received_ns\":\"2025-03-15T17:10:51Z\"", TIME, KIND(RFC3339),
     "1742058651000000000", true},
    {"\"time_received_ns\":\"2025-03-15T17:10:51.5Z\"", TIME, KIND(RFC3339),
     "1742058651500000000", true},
    {"\"time_received_ns\":\"2025-03-15T17:10:51.118266Z\"", TIME, KIND(RFC3339),
     "1742058651118266000", true},
    {"\"time_received_ns\":\"2025-03-15T17:10:51.000000001Z\"", TIME, KIND(RFC3339),
     "1742058651000000001", true},
    {"\"time_received_ns\":\"2025-03-15T17:10:51.500Z\"", TIME, KIND(RFC3339),
     "1742058651500000000", false},
    {"\"time_received_ns\":\"2025-03-15T18:10:51+01:00\"", TIME, KIND(RFC3339),
     "1742058651000000000", false},
    {"\"time_flow_end_ns\":\"1677-09-21T00:12:43.145448384Z\"", TIME, KIND(RFC3339),
     "9223372036855000000", true},
    {"\"time_received_ns\":\"1742058651\"", TIME, KIND(INT_STRING), "1742058651", true},
    {"\"time_received_ns\":\"yesterday\"", TIME, KIND(OPAQUE), "", false},
    {"\"time_received_ns\":\"\"", TIME, KIND(EMPTY), "", true},
    /* addresses */
    {"\"src_addr\":\"192.0.2.1\"", ADDRESS, KIND(IPV4), "::ffff:192.0.2.1", true},
    {"\"src_addr\":\"0.0.0.0\"", ADDRESS, KIND(IPV4), "::ffff:0.0.0.0", true},
    {"\"src_addr\":\"\"", ADDRESS, KIND(EMPTY), "", true},
    {"\"src_addr\":\"2001:db8::1\"", ADDRESS, KIND(IPV6), "2001:db8::1", true},
    {"\"sampler_address\":\"::1\"", ADDRESS, KIND(IPV6), "::1", true},
    {"\"src_addr\":\"::ffff:10.0.0.9\"", ADDRESS, KIND(IPV6), "::ffff:10.0.0.9", true},
    {"\"src_addr\":\"::\"", ADDRESS, KIND(IPV6), "::", true},
    {"\"src_addr\":\"2001:DB8::1\"", ADDRESS, KIND(IPV6), "2001:db8::1", false},
    {"\"src_addr\":\"2001:db8:0:0::1\"", ADDRESS, KIND(IPV6), "2001:db8::1", false},
    {"\"src_addr\":\"::ffff:a00:9\"", ADDRESS, KIND(IPV6), "::ffff:10.0.0.9", false},
    {"\"src_addr\":\"192.0.2.300\"", ADDRESS, KIND(OPAQUE), "", false},
    {"\"src_addr\":\"192.0.2.01\"", ADDRESS, KIND(OPAQUE), "", false},
    {"\"src_addr\":\"192.0.2.1/32\"", ADDRESS, KIND(OPAQUE), "", false},
    {"\"src_addr\":7", ADDRESS, KIND(OPAQUE), "", false},
    {"\"src_addr\":null", ADDRESS, KIND(NULL), "", true},
    {"\"src_addr\":[192,0,2,1]", ADDRESS, KIND(OCTETS4), "::ffff:192.0.2.1", true},
    {"\"src_addr\":[192, 0,2,1]", ADDRESS, KIND(OCTETS4), "::ffff:192.0.2.1", false},
    {"\"src_addr\":[0,0,0,255]", ADDRESS, KIND(OCTETS4), "::ffff:0.0.0.255", true},
    {"\"src_addr\":[192,0,2,256]", ADDRESS, KIND(OPAQUE), "", false},
    {"\"src_addr\":[192,0,2,-1]", ADDRESS, KIND(OPAQUE), "", false},
    {"\"src_addr\":[192,0,2]", ADDRESS, KIND(OPAQUE), "", false},
    {"\"src_addr\":[192,0,2,1,5]", ADDRESS, KIND(OPAQUE), "", false},
    {"\"src_addr\":[192,0,2,\"1\"]", ADDRESS, KIND(OPAQUE), "", false},
    {"\"src_addr\":[\"192.0.2.1\"]", ADDRESS, KIND(OPAQUE), "", false},
    {"\"src_addr\":[]", ADDRESS, KIND(EMPTY_LIST), "", true},
    {"\"src_addr\":[ ]", ADDRESS, KIND(EMPTY_LIST), "", false},
    {"\"src_addr\":[32,1,13,184,0,0,0,0,0,0,0,0,0,0,0,9]", ADDRESS, KIND(OCTETS16),
     "2001:db8::9", true},
    {"\"src_addr\":[0,0,0,0,0,0,0,0,0,0,255,255,192,0,2,1]", ADDRESS, KIND(OCTETS16),
     "::ffff:192.0.2.1", true},
    {"\"src_addr\":[0,0,0,0,0,0,0,0,0,0,255,255,192,0,2]", ADDRESS, KIND(OPAQUE), "",
     false},
    {"\"src_addr\":[0,0,0,0,0,0,0,0,0,0,255,255,192,0,2,1,0]", ADDRESS, KIND(OPAQUE),
     "", false},
    {"\"post_nat_src_ipv4_address\":\"6799ef23\"", ADDRESS, KIND(HEX4),
     "::ffff:103.153.239.35", true},
    {"\"post_nat_src_ipv4_address\":\"00000000\"", ADDRESS, KIND(HEX4),
     "::ffff:0.0.0.0", true},
    {"\"post_nat_src_ipv4_address\":\"6799EF23\"", ADDRESS, KIND(HEX4),
     "::ffff:103.153.239.35", false},
    {"\"post_nat_src_ipv4_address\":\"103.153.239.35\"", ADDRESS, KIND(IPV4),
     "::ffff:103.153.239.35", true},
    {"\"post_nat_dst_ipv4_address\":\"00000000000000000000ffff01010101\"", ADDRESS,
     KIND(HEX16), "::ffff:1.1.1.1", true},
    {"\"post_nat_src_ipv6_address\":\"20010db8000000000000000000000001\"", ADDRESS,
     KIND(HEX16), "2001:db8::1", true},
    {"\"post_nat_dst_ipv4_address\":\"6799ef2\"", ADDRESS, KIND(OPAQUE), "", false},
    {"\"post_nat_dst_ipv4_address\":\"6799ef2g\"", ADDRESS, KIND(OPAQUE), "", false},
    {"\"post_napt_src_transport_port\":70000", U32, KIND(INT), "70000", true},
    {"\"post_napt_src_transport_port\":0", U32, KIND(INT), "0", true},
    /* MACs: 48 bits, never more */
    {"\"src_mac\":\"2c:c8:1b:ac:cf:81\"", MAC, KIND(MAC), "49237969391489", true},
    {"\"src_mac\":\"00:00:00:00:00:00\"", MAC, KIND(MAC), "0", true},
    {"\"src_mac\":\"ff:ff:ff:ff:ff:ff\"", MAC, KIND(MAC), "281474976710655", true},
    {"\"src_mac\":\"2C:C8:1B:AC:CF:81\"", MAC, KIND(MAC), "49237969391489", false},
    {"\"src_mac\":\"2c-c8-1b-ac-cf-81\"", MAC, KIND(OPAQUE), "", false},
    {"\"src_mac\":\"02:00:00:00:00\"", MAC, KIND(OPAQUE), "", false},
    {"\"src_mac\":\"\"", MAC, KIND(EMPTY), "", true},
    {"\"src_mac\":281474976710655", MAC, KIND(INT), "281474976710655", true},
    {"\"src_mac\":281474976710656", MAC, KIND(OPAQUE), "", false},
    {"\"src_mac\":\"281474976710656\"", MAC, KIND(OPAQUE), "", false},
    /* names */
    {"\"type\":\"IPFIX\"", ENUM, KIND(NAME), "4", true},
    {"\"type\":\"SFLOW_5\"", ENUM, KIND(NAME), "1", true},
    {"\"type\":\"NETFLOW_V5\"", ENUM, KIND(NAME), "2", true},
    {"\"type\":\"NETFLOW_V9\"", ENUM, KIND(NAME), "3", true},
    {"\"type\":\"FLOWUNKNOWN\"", ENUM, KIND(NAME), "0", true},
    {"\"type\":4", ENUM, KIND(INT), "4", true},
    {"\"type\":\"4\"", ENUM, KIND(INT_STRING), "4", true},
    {"\"type\":\"ipfix\"", TEXT, KIND(STRING), "ipfix", true},
    {"\"etype\":\"IPv4\"", ENUM, KIND(NAME), "2048", true},
    {"\"etype\":\"IPv6\"", ENUM, KIND(NAME), "34525", true},
    {"\"etype\":\"ARP\"", ENUM, KIND(NAME), "2054", true},
    {"\"etype\":\"\"", ENUM, KIND(EMPTY), "", true},
    {"\"etype\":2048", ENUM, KIND(INT), "2048", true},
    {"\"etype\":4294967296", ENUM, KIND(OPAQUE), "", false},
    {"\"proto\":\"HOPOPT\"", ENUM, KIND(NAME), "0", true},
    {"\"proto\":\"TCP\"", ENUM, KIND(NAME), "6", true},
    {"\"proto\":\"IPv6-ICMP\"", ENUM, KIND(NAME), "58", true},
    {"\"proto\":\"ICMPv6\"", ENUM, KIND(NAME_OLD), "58", true},
    {"\"proto\":\"any-host-internal-protocol\"", ENUM, KIND(NAME), "61", true},
    {"\"proto\":\"ISIS over IPv4\"", ENUM, KIND(NAME), "124", true},
    {"\"proto\":\"Mobility Header\"", ENUM, KIND(NAME), "135", true},
    {"\"proto\":\"unknown\"", TEXT, KIND(STRING), "unknown", true},
    {"\"proto\":\"unassigned\"", TEXT, KIND(STRING), "unassigned", true},
    {"\"proto\":\"experimental\"", TEXT, KIND(STRING), "experimental", true},
    {"\"proto\":\"reserved\"", TEXT, KIND(STRING), "reserved", true},
    {"\"proto\":\"\"", ENUM, KIND(EMPTY), "", true},
    {"\"proto\":6", ENUM, KIND(INT), "6", true},
    {"\"proto\":\"tcp\"", TEXT, KIND(STRING), "tcp", true},
    {"\"proto\":\"T\\u0043P\"", ENUM, KIND(NAME), "6", false},
    /* prefixes without an address of their own */
    {"\"src_net\":\"invalid Prefix\"", PREFIX, KIND(INVALID_PREFIX), "", true},
    {"\"src_net\":\"invalid prefix\"", TEXT, KIND(STRING), "invalid prefix", true},
    {"\"src_net\":\"0.0.0.0/0\"", TEXT, KIND(STRING), "0.0.0.0/0", true},
    {"\"src_net\":\"::/0\"", TEXT, KIND(STRING), "::/0", true},
    {"\"src_net\":\"\"", PREFIX, KIND(EMPTY), "", true},
    {"\"src_net\":24", PREFIX, KIND(INT), "24", true},
    {"\"src_net\":128", PREFIX, KIND(INT), "128", true},
    {"\"src_net\":129", PREFIX, KIND(OPAQUE), "", false},
    {"\"src_net\":null", PREFIX, KIND(NULL), "", true},
    /* texts */
    {"\"icmp_name\":\"unknown\"", TEXT, KIND(STRING), "unknown", true},
    {"\"icmp_name\":\"\"", TEXT, KIND(STRING), "", true},
    {"\"icmp_name\":null", TEXT, KIND(NULL), "", true},
    {"\"icmp_name\":5", TEXT, KIND(OPAQUE), "", false},
    {"\"icmp_name\":\"a\\nb\"", TEXT, KIND(STRING), "a\nb", false},
    /* lists */
    {"\"as_path\":[]", LIST, KIND(LIST_INT), "", true},
    {"\"as_path\":[123,456,789]", LIST, KIND(LIST_INT), "123 456 789", true},
    {"\"as_path\":[18446744073709551615]", LIST, KIND(LIST_INT), "18446744073709551615",
     true},
    {"\"as_path\":[18446744073709551616]", LIST, KIND(OPAQUE), "", false},
    {"\"as_path\":[1, 2]", LIST, KIND(LIST_INT), "1 2", false},
    {"\"as_path\":[ ]", LIST, KIND(LIST_INT), "", false},
    {"\"as_path\":[1,-2]", LIST, KIND(OPAQUE), "", false},
    {"\"as_path\":[1,[2]]", LIST, KIND(OPAQUE), "", false},
    {"\"as_path\":[1,\"2\"]", LIST, KIND(OPAQUE), "", false},
    {"\"as_path\":\"64496\"", LIST, KIND(OPAQUE), "", false},
    {"\"as_path\":\"\"", LIST, KIND(EMPTY), "", true},
    {"\"mpls_ip\":\"\"", ADDRESSES, KIND(EMPTY), "", true},
    {"\"as_path\":null", LIST, KIND(NULL), "", true},
    {"\"as_path\":1", LIST, KIND(OPAQUE), "", false},
    {"\"mpls_label\":[20005,524250,0]", LIST, KIND(LIST_INT), "20005 524250 0", true},
    {"\"layer_stack\":[\"Ethernet\",\"Dot1Q\",\"Dot1Q\",\"IPv4\",\"TCP\"]", LIST,
     KIND(LIST_NAME), "0 6 6 1 3", true},
    {"\"layer_stack\":[\"Custom\"]", LIST, KIND(LIST_NAME), "99", true},
    {"\"layer_stack\":[0,1]", LIST, KIND(LIST_INT), "0 1", true},
    {"\"layer_stack\":[\"Ethernet\",1]", LIST, KIND(OPAQUE), "", false},
    {"\"layer_stack\":[1,\"Ethernet\"]", LIST, KIND(OPAQUE), "", false},
    {"\"layer_stack\":[\"Carrier pigeon\"]", LIST, KIND(OPAQUE), "", false},
    {"\"layer_size\":[\"TCP\"]", LIST, KIND(OPAQUE), "", false},
    {"\"mpls_ip\":[]", ADDRESSES, KIND(LIST_ADDRESS), "", true},
    {"\"mpls_ip\":[\"0.0.0.0\",\"2001:db8::1\"]", ADDRESSES, KIND(LIST_ADDRESS),
     "::ffff:0.0.0.0 2001:db8::1", true},
    {"\"mpls_ip\":[\"::ffff:192.0.2.1\"]", ADDRESSES, KIND(LIST_ADDRESS),
     "::ffff:192.0.2.1", false},
    {"\"mpls_ip\":[\"\"]", ADDRESSES, KIND(OPAQUE), "", false},
    {"\"mpls_ip\":[7]", ADDRESSES, KIND(OPAQUE), "", false},
    {"\"mpls_ip\":[\"192.0.2.1\",{}]", ADDRESSES, KIND(OPAQUE), "", false},
    {"\"mpls_ip\":\"192.0.2.1\"", ADDRESSES, KIND(OPAQUE), "", false},
    {"\"mpls_ip\":[1234567890,1,2,3]", ADDRESSES, KIND(OPAQUE), "", false},
    {"\"mpls_ip\":[192,0,2,9]", ADDRESSES, KIND(LIST_OCTETS4), "::ffff:192.0.2.9", true},
    {"\"mpls_ip\":[192,0,2,9,8]", ADDRESSES, KIND(OPAQUE), "", false},
    {"\"mpls_ip\":[32,1,13,184,0,0,0,0,0,0,0,0,0,0,0,9]", ADDRESSES,
     KIND(LIST_OCTETS16), "2001:db8::9", true},
};

/* Keys of goflow2 1.x, of which times count in other units than the table's. */
static const row spelt[] = {
    {"\"Type\":\"IPFIX\"", ENUM, KIND(NAME), "4", true},
    {"\"Bytes\":1500", U64, KIND(INT), "1500", true},
    {"\"Proto\":6", ENUM, KIND(INT), "6", true},
    {"\"Proto\":\"unassigned\"", TEXT, KIND(STRING), "unassigned", true},
    {"\"SrcAddr\":\"2001:db8::1\"", ADDRESS, KIND(IPV6), "2001:db8::1", true},
    {"\"Src\\u0041ddr\":\"::1\"", ADDRESS, KIND(IPV6), "::1", false},
    {"\"SrcNet\":24", PREFIX, KIND(INT), "24", true},
    {"\"NextHop\":\"\"", ADDRESS, KIND(EMPTY), "", true},
    {"\"BgpNextHop\":[194,149,174,63]", ADDRESS, KIND(OCTETS4), "::ffff:194.149.174.63",
     true},
    {"\"BgpNextHop\":[]", ADDRESS, KIND(EMPTY_LIST), "", true},
    {"\"MplsLabelIp\":[]", ADDRESSES, KIND(LIST_ADDRESS), "", true},
    {"\"MplsLabelIp\":[192,0,2,9]", ADDRESSES, KIND(LIST_OCTETS4), "::ffff:192.0.2.9",
     true},
    {"\"TimeReceived\":1742000438", TIME, KIND(SECONDS), "1742000438000000000", true},
    {"\"TimeReceived\":0", TIME, KIND(SECONDS), "0", true},
    {"\"TimeReceived\":18446744073", TIME, KIND(SECONDS), "18446744073000000000", true},
    {"\"TimeReceived\":18446744074", TIME, KIND(OPAQUE), "", false},
    {"\"TimeReceived\":\"1742000438\"", TIME, KIND(OPAQUE), "", false},
    {"\"TimeReceived\":\"\"", TIME, KIND(EMPTY), "", true},
    {"\"TimeReceived\":null", TIME, KIND(NULL), "", true},
    {"\"TimeReceived\":1.5", TIME, KIND(OPAQUE), "", false},
    {"\"TimeReceived\":\"2025-03-15T17:10:51.5Z\"", TIME, KIND(RFC3339),
     "1742058651500000000", true},
    {"\"TimeFlowStartMs\":1742000390050", TIME, KIND(MILLISECONDS),
     "1742000390050000000", true},
    {"\"TimeFlowEndMs\":18446744073709", TIME, KIND(MILLISECONDS),
     "18446744073709000000", true},
    {"\"TimeFlowEndMs\":18446744073710", TIME, KIND(OPAQUE), "", false},
    {"\"TimeFlowStart\":1742000390", TIME, KIND(SECONDS), "1742000390000000000", true},
};

static const row unknown[] = {
    {"\"csum\":1152", U64, KIND(INT), "1152", true},
    {"\"x\":18446744073709551615", U64, KIND(INT), "18446744073709551615", true},
    {"\"x\":18446744073709551616", JSON, KIND(VERBATIM), "18446744073709551616", true},
    {"\"x\":-42", JSON, KIND(VERBATIM), "-42", true},
    {"\"x\":-0", JSON, KIND(VERBATIM), "-0", true},
    {"\"x\":0.25", JSON, KIND(VERBATIM), "0.25", true},
    {"\"x\":1e400", JSON, KIND(VERBATIM), "1e400", true},
    {"\"x\":null", JSON, KIND(VERBATIM), "null", true},
    {"\"HasMpls\":false", BOOL, KIND(BOOL), "0", true},
    {"\"x\":true", BOOL, KIND(BOOL), "1", true},
    {"\"x\":\"\"", TEXT, KIND(STRING), "", true},
    {"\"user_name\":\"north\"", TEXT, KIND(STRING), "north", true},
    {"\"user_name\":\"192.0.2.1\"", TEXT, KIND(STRING), "192.0.2.1", true},
    {"\"user_name\":\"17\"", TEXT, KIND(STRING), "17", true},
    {"\"user_name\":\"a\\u0026b\\u003cc\"", TEXT, KIND(STRING), "a&b<c", false},
    {"\"user_name\":\"CORP\\bob\"", TEXT, KIND(STRING), "CORP\bob", false},
    {"\"user_name\":\"\xff\xfe\x80\"", TEXT, KIND(STRING), "\xff\xfe\x80", true},
    {"\"user_name\":\"x\\ud800y\"", TEXT, KIND(STRING), "x\\ud800y", true},
    {"\"user_name\":\"x\\\\ud800y\"", TEXT, KIND(STRING), "x\\ud800y", false},
    {"\"x\":[]", LIST, KIND(LIST_INT), "", true},
    {"\"CustomBytes_1\":[194,149,174,63]", LIST, KIND(LIST_INT), "194 149 174 63", true},
    {"\"x\":[1,\"a\",null,[]]", JSON, KIND(VERBATIM), "[1,\"a\",null,[]]", true},
    {"\"x\":[1.5]", JSON, KIND(VERBATIM), "[1.5]", true},
    {"\"x\":[\"TCP\"]", JSON, KIND(VERBATIM), "[\"TCP\"]", true},
    {"\"x\":[ 1 , [ ] ]", JSON, KIND(VERBATIM), "[ 1 , [ ] ]", true},
    {"\"x\":{\"name\":\"p1\",\"ports\":[1,{\"deep\":[]}]}", JSON, KIND(VERBATIM),
     "{\"name\":\"p1\",\"ports\":[1,{\"deep\":[]}]}", true},
    {"\"\":0", U64, KIND(INT), "0", true},
    {"\"TYPE\":\"IPFIX\"", TEXT, KIND(STRING), "IPFIX", true},
    {"\"proto_\":6", U64, KIND(INT), "6", true},
    {"\"type \":\"IPFIX\"", TEXT, KIND(STRING), "IPFIX", true},
};

/* Whose a key is: of the table, an alias, nobody's. */
typedef enum owner { OWN, ALIAS, NOBODY } owner;

static void check_rows(const row *rows, size_t count, owner whose)
{
    for (size_t i = 0; i < count; i++) {
        char text[256];
        snprintf(text, sizeof text, "{%s}", rows[i].member);
        read_text(text);
        EXPECT(record.count == 1, "%s: %zu values", text, record.count);
        const fl_value *value = record.values;
        size_t key_size =
            (size_t)(strchr(rows[i].member + 1, '"') - rows[i].member) - 1;
        EXPECT(strchr(rows[i].member, '\\') ||
                   (value->key_size == key_size &&
                    memcmp(value->key, rows[i].member + 1, key_size) == 0),
               "%s: key", text);
        EXPECT(value->spelt == (whose == ALIAS), "%s: spelt", text);
        EXPECT((value->field == flowan_field_find(value->key, value->key_size)) ==
                       (whose != ALIAS) &&
                   (value->field >= 0) == (whose != NOBODY),
               "%s: field %d", text, value->field);
        check_value(value, rows[i].type, rows[i].kind, rows[i].value, text);
        EXPECT(renders(text) == rows[i].same, "%s: same %d", text, !rows[i].same);
    }
}

START_TEST(table)
{
    check_rows(known, sizeof known / sizeof *known, OWN);
    check_rows(spelt, sizeof spelt / sizeof *spelt, ALIAS);
    check_rows(unknown, sizeof unknown / sizeof *unknown, NOBODY);
    /* the two kinds that need the record's address have a table of their own */
    for (int kind = 0; kind < FL_KIND_COUNT; kind++)
        EXPECT(seen[kind] || kind == FL_KIND_CIDR4 || kind == FL_KIND_CIDR6,
               "kind %d is in no row", kind);
}
END_TEST

/* --- prefixes beside their addresses --- */

static const struct {
    const char *src_addr;
    const char *src_net;
    fl_kind kind;
    uint64_t bits;
} prefixes[] = {
    {"\"10.8.7.1\"", "10.8.0.0/16", FL_KIND_CIDR4, 16},
    {"\"10.8.7.1\"", "10.8.7.1/32", FL_KIND_CIDR4, 32},
    {"\"10.8.7.1\"", "0.0.0.0/0", FL_KIND_CIDR4, 0},
    {"\"10.8.7.1\"", "10.8.0.1/16", FL_KIND_STRING, 0}, /* host bits */
    {"\"10.8.7.1\"", "10.9.0.0/16", FL_KIND_STRING, 0}, /* of another */
    {"\"10.8.7.1\"", "10.8.7.1", FL_KIND_STRING, 0},
    {"\"10.8.7.1\"", "10.8.7.1/33", FL_KIND_STRING, 0},
    {"\"10.8.7.1\"", "/16", FL_KIND_STRING, 0},
    {"\"10.8.7.1\"", "10.8.0.0/", FL_KIND_STRING, 0},
    {"\"10.8.7.1\"", "::/0", FL_KIND_STRING, 0},
    {"\"10.8.7.1\"", "invalid Prefix", FL_KIND_INVALID_PREFIX, 0},
    {"\"0a080701\"", "10.8.0.0/16", FL_KIND_CIDR4, 16},
    /* an IPv4-mapped address counts as IPv4, a length beside it as well */
    {"\"::ffff:10.8.7.1\"", "::/0", FL_KIND_STRING, 0},
    {"\"::ffff:10.8.7.1\"", "10.8.0.0/16", FL_KIND_CIDR4, 16},
    {"\"::ffff:10.8.7.1\"", "::ffff:10.8.0.0/112", FL_KIND_STRING, 0},
    {"\"2001:db8::12\"", "2001:db8::12/128", FL_KIND_CIDR6, 128},
    {"\"2001:db8::12\"", "2001:db8::/32", FL_KIND_CIDR6, 32},
    {"\"2001:db8::12\"", "::/0", FL_KIND_CIDR6, 0},
    {"\"2001:db8::12\"", "0.0.0.0/0", FL_KIND_STRING, 0},
    {"\"\"", "0.0.0.0/0", FL_KIND_STRING, 0},
    {"null", "::/0", FL_KIND_STRING, 0},
    {"\"no address\"", "::/0", FL_KIND_STRING, 0},
};

static void check_prefix(size_t i, const char *form)
{
    char text[256];
    bool first = form[2] == 's' && strncmp(form, "{\"src_net", 9) == 0;
    if (first)
        snprintf(text, sizeof text, form, prefixes[i].src_net, prefixes[i].src_addr);
    else
        snprintf(text, sizeof text, form, prefixes[i].src_addr, prefixes[i].src_net);
    read_text(text);
    const fl_value *value = value_of(strstr(form, "dst_net") ? "dst_net" : "src_net");
    EXPECT(value->kind == prefixes[i].kind, "%s: kind %d", text, value->kind);
    if (value->kind == FL_KIND_STRING) {
        check_value(value, TEXT, FL_KIND_STRING, prefixes[i].src_net, text);
    } else {
        EXPECT(value->type == PREFIX, "%s: type", text);
        EXPECT(value->number == prefixes[i].bits, "%s: %llu bits", text,
               (unsigned long long)value->number);
    }
    EXPECT(renders(text) == (strstr(text, "no address") == NULL), "%s: renders", text);
}

START_TEST(prefixes_beside_addresses)
{
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
        check_prefix(i, "{\"src_addr\":%s,\"src_net\":\"%s\"}");
        check_prefix(i, "{\"dst_addr\":%s,\"dst_net\":\"%s\"}");
        /* the address may stand behind, and that of the other side does not count */
        check_prefix(i,
                     "{\"src_net\":\"%s\",\"dst_addr\":\"192.0.2.7\",\"src_addr\":%s}");
    }
    /* spelt otherwise than it would be written */
    read_text("{\"src_addr\":\"2001:db8::1\",\"src_net\":\"2001:DB8::/32\"}");
    ck_assert_int_eq(value_of("src_net")->kind, FL_KIND_CIDR6);
    ck_assert(!renders("{\"src_addr\":\"2001:db8::1\",\"src_net\":\"2001:DB8::/32\"}"));
    read_text("{\"src_addr\":\"10.0.0.1\",\"src_net\":\"10.0.0.0/08\"}");
    ck_assert(!renders("{\"src_addr\":\"10.0.0.1\",\"src_net\":\"10.0.0.0/8\"}") ||
              value_of("src_net")->kind != FL_KIND_STRING);
}
END_TEST

/* --- whole records --- */

START_TEST(keys)
{
    read_text("{}");
    ck_assert_uint_eq(record.count, 0);
    ck_assert(renders("{}"));
    read_text("{ }");
    ck_assert_uint_eq(record.count, 0);
    ck_assert(!renders("{ }"));
    /* escapes in a key, and the same key with and without */
    read_text("{\"\\u006eote\":\"a\"}");
    check_value(value_of("note"), TEXT, FL_KIND_STRING, "a", "note");
    ck_assert(!renders("{\"\\u006eote\":\"a\"}"));
    read_text("{\"byte\\u0073\":7}");
    ck_assert_int_eq(value_of("bytes")->field, FLOWAN_FIELD_BYTES);
    read_text("{\"\\u0000\":1,\"\":2,\"a\\u0000b\":3}");
    ck_assert_uint_eq(record.count, 3);
    ck_assert_uint_eq(record.values[0].key_size, 1);
    ck_assert_uint_eq(record.values[2].key_size, 3);
}
END_TEST

/* The last value of several equal keys counts, in the place of the first. */
START_TEST(doubles)
{
    const char *text = "{\"bytes\":100,\"user_name\":\"x\",\"bytes\":999,\"y\":\"\"}";
    read_text(text);
    ck_assert_uint_eq(record.count, 3);
    ck_assert_str_eq("bytes", flowan_field_info_of(record.values[0].field)->name);
    check_value(&record.values[0], U64, FL_KIND_INT, "999", text);
    ck_assert(!renders(text));
    read_text("{\"bytes\":1,\"bytes\":null}");
    ck_assert_uint_eq(record.count, 1);
    ck_assert_int_eq(record.values[0].kind, FL_KIND_NULL);
    read_text("{\"a\":1,\"\\u0061\":\"b\"}");
    ck_assert_uint_eq(record.count, 1);
    check_value(&record.values[0], TEXT, FL_KIND_STRING, "b", "a twice");
    /* the same twice is still not what one would write */
    ck_assert(!renders("{\"a\":1,\"\\u0061\":\"b\"}"));
    read_text("{\"a\":1,\"a\":1}");
    ck_assert(!renders("{\"a\":1,\"a\":1}"));
    /* a prefix belongs to the address that counts */
    text =
        "{\"src_addr\":\"10.0.0.1\",\"src_net\":\"10.0.0.0/8\",\"src_addr\":\"::1\"}";
    read_text(text);
    check_value(value_of("src_net"), TEXT, FL_KIND_STRING, "10.0.0.0/8", text);
}
END_TEST

START_TEST(blanks)
{
    const char *text = "{ \"type\" : \"IPFIX\" ,\t\"bytes\" : 1500 , \"as_path\" : "
                       "[ 64496 , 64500 ] , \"x\" : { \"a\" : 1 } }";
    read_text(text);
    ck_assert_uint_eq(record.count, 4);
    check_value(value_of("type"), ENUM, FL_KIND_NAME, "4", text);
    check_value(value_of("bytes"), U64, FL_KIND_INT, "1500", text);
    check_value(value_of("as_path"), LIST, FL_KIND_LIST_INT, "64496 64500", text);
    check_value(value_of("x"), JSON, FL_KIND_VERBATIM, "{ \"a\" : 1 }", text);
    ck_assert(!renders(text));
}
END_TEST

START_TEST(many_fields)
{
    for (size_t fields = FL_RECORD_FIELDS_MAX - 1; fields <= FL_RECORD_FIELDS_MAX + 2;
         fields++) {
        fl_buffer text = {0};
        for (size_t i = 0; i < fields; i++)
            fl_buffer_format(&text, "%s\"k%zu\":%zu", i ? "," : "{", i, i);
        /* known keys come back to their places although no further one is taken */
        fl_buffer_text(&text, ",\"k0\":77,\"last\":1}");
        read_sized(text.data, text.size);
        size_t want =
            fields + 1 < FL_RECORD_FIELDS_MAX ? fields + 1 : FL_RECORD_FIELDS_MAX;
        ck_assert_uint_eq(record.count, want);
        ck_assert_uint_eq(record.values[0].number, 77);
        ck_assert_uint_eq(record.values[fields - 3].number, fields - 3);
        fl_buffer_free(&text);
    }
}
END_TEST

START_TEST(long_keys)
{
    for (size_t size = 4095; size <= 4097; size++) {
        fl_buffer text = {0};
        fl_buffer_text(&text, "{\"a\":1,\"");
        for (size_t i = 0; i < size; i++)
            fl_buffer_byte(&text, 'k');
        fl_buffer_text(&text, "\":2,\"b\":3}");
        read_sized(text.data, text.size);
        fl_buffer_byte(&text, 0);
        ck_assert_uint_eq(record.count, size <= 4096 ? 3 : 2);
        ck_assert_uint_eq(value_of("b")->number, 3);
        ck_assert_int_eq(renders(text.data), size <= 4096);
        fl_buffer_free(&text);
    }
}
END_TEST

/* Long lists and texts beside each other: nothing may move while values point at it. */
START_TEST(large)
{
    fl_buffer text = {0};
    fl_buffer_text(&text, "{\"as_path\":[0");
    for (int i = 1; i < 20000; i++)
        fl_buffer_format(&text, ",%d", i % 10);
    fl_buffer_text(&text, "],\"mpls_ip\":[\"::\"");
    for (int i = 1; i < 20000; i++)
        fl_buffer_text(&text, ",\"::\"");
    fl_buffer_text(&text, "],\"t\":\"");
    for (int i = 0; i < 20000; i++)
        fl_buffer_byte(&text, 'x');
    fl_buffer_text(&text, "\",\"bgp_communities\":[7]}");
    for (int round = 0; round < 2; round++) {
        read_sized(text.data, text.size);
        ck_assert_uint_eq(record.count, 4);
        ck_assert_uint_eq(record.values[0].count, 20000);
        ck_assert_uint_eq(record.values[1].count, 20000);
        ck_assert_uint_eq(record.values[2].count, 20000);
        ck_assert_uint_eq(((const uint64_t *)record.values[0].items)[19999], 9);
        ck_assert_uint_eq(((const uint64_t *)record.values[3].items)[0], 7);
        fl_buffer_byte(&text, 0);
        ck_assert(renders(text.data));
        text.size--;
        read_text("{\"a\":1}");
    }
    fl_buffer_free(&text);
}
END_TEST

/* --- several keys for one field --- */

static const flowan_key_map client_map[] = {
    {"client", FLOWAN_FIELD_SRC_ADDR},    {"client2", FLOWAN_FIELD_SRC_ADDR},
    {"client_net", FLOWAN_FIELD_SRC_NET}, {"Bytes", FLOWAN_FIELD_PACKETS},
    {"what", FLOWAN_FIELD_PROTO},         {"hops", FLOWAN_FIELD_AS_PATH},
    {"path", FLOWAN_FIELD_AS_PATH},
};

static void use_map(void)
{
    ck_assert_int_eq(fl_spellings_init(&record.spellings, client_map,
                                       sizeof client_map / sizeof *client_map, NULL),
                     FLOWAN_OK);
}

/* Which key the field has, and that all others are columns of their own. */
static void check_winner(const char *text, flowan_field field, const char *key)
{
    read_text(text);
    const fl_value *winner = NULL;
    for (size_t i = 0; i < record.count; i++)
        if (record.values[i].field == (int)field) {
            EXPECT(!winner, "%s: two have the field", text);
            winner = &record.values[i];
        }
    EXPECT(winner, "%s: none has the field", text);
    EXPECT(winner->key_size == strlen(key) &&
               memcmp(winner->key, key, winner->key_size) == 0,
           "%s: %.*s has the field", text, (int)winner->key_size, winner->key);
    for (size_t i = 0; i < record.count; i++)
        EXPECT(record.values[i].spelt ==
                   (flowan_field_find(record.values[i].key, record.values[i].key_size) <
                        0 &&
                    record.values[i].field >= 0),
               "%s: spelt", text);
}

START_TEST(one_key_counts)
{
    static const struct {
        const char *text;
        flowan_field field;
        const char *key;
    } rows[] = {
        {"{\"client\":\"::1\"}", FLOWAN_FIELD_SRC_ADDR, "client"},
        {"{\"client\":\"::1\",\"src_addr\":\"::2\"}", FLOWAN_FIELD_SRC_ADDR, "src_addr"},
        {"{\"src_addr\":\"\",\"client\":\"::1\"}", FLOWAN_FIELD_SRC_ADDR, "src_addr"},
        {"{\"src_addr\":null,\"SrcAddr\":\"::1\"}", FLOWAN_FIELD_SRC_ADDR, "src_addr"},
        {"{\"SrcAddr\":\"::3\",\"client\":\"::1\"}", FLOWAN_FIELD_SRC_ADDR, "client"},
        {"{\"client2\":\"::3\",\"client\":\"::1\"}", FLOWAN_FIELD_SRC_ADDR, "client"},
        {"{\"client2\":\"::3\",\"client\":\"\",\"SrcAddr\":\"::1\"}",
         FLOWAN_FIELD_SRC_ADDR, "client2"},
        {"{\"client\":\"\",\"client2\":null,\"SrcAddr\":\"\"}", FLOWAN_FIELD_SRC_ADDR,
         "SrcAddr"},
        {"{\"Bytes\":1,\"Packets\":2}", FLOWAN_FIELD_PACKETS, "Bytes"},
        {"{\"Packets\":2,\"bytes\":7,\"packets\":1,\"Bytes\":3}", FLOWAN_FIELD_PACKETS,
         "packets"},
        {"{\"what\":\"unassigned\",\"Proto\":6}", FLOWAN_FIELD_PROTO, "what"},
        {"{\"TimeFlowStart\":1742000390,\"TimeFlowStartMs\":1742000390050}",
         FLOWAN_FIELD_TIME_FLOW_START_NS, "TimeFlowStartMs"},
        {"{\"TimeFlowStartMs\":1742000390050,\"TimeFlowStart\":0}",
         FLOWAN_FIELD_TIME_FLOW_START_NS, "TimeFlowStartMs"},
        {"{\"TimeFlowStart\":1742000390,\"TimeFlowStartMs\":0}",
         FLOWAN_FIELD_TIME_FLOW_START_NS, "TimeFlowStart"},
        {"{\"TimeFlowStart\":4290672841,\"TimeFlowStartMs\":18446744069415096320}",
         FLOWAN_FIELD_TIME_FLOW_START_NS, "TimeFlowStart"},
        {"{\"TimeFlowEnd\":1,\"TimeFlowEndMs\":\"\"}", FLOWAN_FIELD_TIME_FLOW_END_NS,
         "TimeFlowEnd"},
        {"{\"TimeFlowEnd\":0,\"TimeFlowEndMs\":0}", FLOWAN_FIELD_TIME_FLOW_END_NS,
         "TimeFlowEnd"},
        {"{\"TimeFlowEnd\":1,\"time_flow_end_ns\":0,\"TimeFlowEndMs\":5}",
         FLOWAN_FIELD_TIME_FLOW_END_NS, "time_flow_end_ns"},
        /* lists: what is read twice must find room */
        {"{\"hops\":[1,2,3,4,5,\"x\"],\"path\":[6,5,4,3,2,1],\"AsPath\":[1,2,3,4]}",
         FLOWAN_FIELD_AS_PATH, "path"},
    };
    use_map();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        check_winner(rows[i].text, rows[i].field, rows[i].key);
        EXPECT(renders(rows[i].text), "%s does not come back", rows[i].text);
    }
    /* those that do not count have the type that their value has */
    read_text("{\"Proto\":6,\"proto\":\"TCP\",\"SrcAddr\":[1,2,3,4],\"client\":\"::\"}");
    check_value(value_of("Proto"), U64, FL_KIND_INT, "6", "Proto");
    check_value(value_of("SrcAddr"), LIST, FL_KIND_LIST_INT, "1 2 3 4", "SrcAddr");
    check_value(value_of("client"), ADDRESS, FL_KIND_IPV6, "::", "client");
}
END_TEST

/* Escapes are decoded into a room as large as the record, also when a value is read as the
 * field's and then as nobody's. */
START_TEST(what_is_read_twice)
{
    fl_buffer text = {0};
    use_map();
    fl_buffer_text(&text, "{\"client\":\"");
    for (int i = 0; i < 500; i++)
        fl_buffer_text(&text, "\\n");
    fl_buffer_text(&text, "\",\"client2\":\"");
    for (int i = 0; i < 500; i++)
        fl_buffer_text(&text, "\\t");
    fl_buffer_text(&text, "\",\"SrcAddr\":\"\\u003a:1\"}");
    fl_buffer_byte(&text, 0);
    text.size--;
    read_sized(text.data, text.size);
    check_value(value_of("SrcAddr"), ADDRESS, FL_KIND_IPV6, "::1", "SrcAddr");
    ck_assert_uint_eq(value_of("client")->count, 500);
    ck_assert_uint_eq(((const char *)value_of("client")->items)[499], '\n');
    ck_assert_uint_eq(((const char *)value_of("client2")->items)[0], '\t');
    ck_assert_uint_le(record.text_used, text.size);
    fl_buffer_free(&text);
}
END_TEST

/* The last of equal keys counts, whichever they mean. */
START_TEST(spelt_doubles)
{
    read_text("{\"SrcAddr\":\"::1\",\"a\":1,\"SrcAddr\":\"::2\"}");
    ck_assert_uint_eq(record.count, 2);
    check_value(&record.values[0], ADDRESS, FL_KIND_IPV6, "::2", "SrcAddr twice");
    ck_assert(record.values[0].spelt);
    read_text("{\"Bytes\":1,\"bytes\":2,\"Bytes\":3,\"bytes\":4}");
    ck_assert_uint_eq(record.count, 2);
    check_value(value_of("bytes"), U64, FL_KIND_INT, "4", "bytes");
    ck_assert_int_eq(value_of("bytes")->field, FLOWAN_FIELD_BYTES);
    check_value(value_of("Bytes"), U64, FL_KIND_INT, "3", "Bytes");
    ck_assert_int_eq(value_of("Bytes")->field, -1);
    /* no trace of it in the next record */
    read_text("{\"Bytes\":1,\"a\":2}");
    ck_assert_int_eq(value_of("Bytes")->field, FLOWAN_FIELD_BYTES);
    ck_assert_int_eq(value_of("a")->field, -1);
}
END_TEST

/* A prefix's address is the one that counts, whatever its key. */
START_TEST(spelt_prefixes)
{
    static const char *const texts[] = {
        "{\"client\":\"10.8.7.1\",\"client_net\":\"10.8.0.0/16\"}",
        "{\"src_net\":\"10.8.0.0/16\",\"SrcAddr\":\"10.8.7.1\"}",
        "{\"SrcAddr\":\"::1\",\"client_net\":\"10.8.0.0/16\",\"client\":\"10.8.7.1\"}",
    };
    use_map();
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        read_text(texts[i]);
        const fl_value *net =
            value_of(strstr(texts[i], "src_net") ? "src_net" : "client_net");
        EXPECT(net->kind == FL_KIND_CIDR4 && net->number == 16, "%s", texts[i]);
        EXPECT(renders(texts[i]), "%s", texts[i]);
    }
}
END_TEST

/* Full records after goflow2's own, one a configuration; all come back exactly. */
START_TEST(whole)
{
    static const char *const texts[] = {
        /* the stock mapping: receipt as text, prefixes behind their addresses */
        "{\"type\":\"IPFIX\",\"time_received_ns\":\"2025-03-15T01:00:01.118266Z\","
        "\"sequence_num\":20,\"sampling_rate\":0,\"sampler_address\":\"192.0.2.1\","
        "\"time_flow_start_ns\":1742000390000000000,"
        "\"time_flow_end_ns\":1742000395000000000,\"bytes\":44,\"packets\":1,"
        "\"src_addr\":\"100.64.0.7\",\"src_net\":\"0.0.0.0/0\","
        "\"dst_addr\":\"198.51.100.9\",\"dst_net\":\"198.51.100.0/24\","
        "\"etype\":\"IPv4\","
        "\"proto\":\"UDP\",\"src_port\":63347,\"dst_port\":8612,\"in_if\":0,"
        "\"out_if\":0,"
        "\"src_mac\":\"00:00:00:00:00:00\",\"dst_mac\":\"02:00:00:00:00:ab\","
        "\"icmp_name\":\"unknown\",\"post_nat_src_ipv4_address\":\"6799ec07\","
        "\"post_nat_dst_ipv4_address\":\"00000000\","
        "\"post_napt_src_transport_port\":50001,\"post_napt_dst_transport_port\":0}",
        /* no addresses at all */
        "{\"type\":\"NETFLOW_V9\",\"bytes\":3320,\"src_addr\":\"\","
        "\"src_net\":\"invalid Prefix\",\"dst_addr\":\"\","
        "\"dst_net\":\"invalid Prefix\","
        "\"etype\":\"\",\"proto\":\"HOPOPT\"}",
        /* the default configuration: lists, prefixes far behind */
        "{\"type\":\"SFLOW_5\",\"time_received_ns\":1742000414000000001,"
        "\"src_addr\":\"2001:db8::12\",\"dst_addr\":\"::ffff:192.0.2.9\","
        "\"etype\":\"IPv6\",\"proto\":\"IPv6-ICMP\",\"dst_vlan\":4294967295,"
        "\"next_hop\":\"\",\"src_net\":\"2001:db8::12/128\",\"dst_net\":\"::/0\","
        "\"bgp_next_hop\":\"::ffff:203.0.113.24\",\"bgp_communities\":[],"
        "\"as_path\":[64496,64500,64500],\"mpls_ttl\":[],\"mpls_label\":[20005,0],"
        "\"mpls_ip\":[\"0.0.0.0\"],\"layer_stack\":[\"Ethernet\",\"IPv6\",\"ICMPv6\"],"
        "\"layer_size\":[14,40,8],\"ipv6_routing_header_addresses\":[],"
        "\"ipv6_routing_header_seg_left\":0}",
        /* goflow2 v1 */
        "{\"Type\":\"NETFLOW_V9\",\"TimeReceived\":1742000438,"
        "\"TimeFlowStart\":4290672841,\"SrcAddr\":\"192.0.2.33\","
        "\"Etype\":2048,\"BgpNextHop\":[192,0,2,254],\"AsPath\":[],\"HasMpls\":false,"
        "\"TimeFlowStartMs\":18446744069415096320}",
        /* goflow2 v2.1 */
        "{\"proto\":\"ICMPv6\",\"time_flow_start_ns\":11910026054174337472}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        read_text(texts[i]);
        EXPECT(renders(texts[i]), "%s", texts[i]);
    }
    EXPECT(seen[FL_KIND_CIDR4] && seen[FL_KIND_CIDR6], "prefixes");
}
END_TEST

START_TEST(cidr)
{
    flowan_address own;
    ck_assert(fl_text_get_address("10.8.7.255", 10, &own));
    static const struct {
        uint64_t bits;
        bool ipv6;
        const char *want;
    } rows[] = {
        {0, false, "0.0.0.0/0"},
        {31, false, "10.8.7.254/31"},
        {32, false, "10.8.7.255/32"},
        {0, true, "::/0"},
        {104, true, "::ffff:10.0.0.0/104"},
        {128, true, "::ffff:10.8.7.255/128"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char out[FL_RENDER_CIDR_SIZE + 1];
        out[fl_render_put_cidr(out, &own, rows[i].bits, rows[i].ipv6)] = 0;
        ck_assert_str_eq(out, rows[i].want);
    }
}
END_TEST

/* What a segment may say: each kind in the columns that it can stand in, no other. */
START_TEST(fits)
{
    static const char *const types[FL_KIND_COUNT] = {
        [FL_KIND_INVALID_PREFIX] = "\7",
        [FL_KIND_INT] = "\1\2\3\4\5\6\7",
        [FL_KIND_INT_STRING] = "\1\2\3\4\5\6\7",
        [FL_KIND_BOOL] = "\5",
        [FL_KIND_RFC3339] = "\3",
        [FL_KIND_IPV4] = "\10",
        [FL_KIND_IPV6] = "\10",
        [FL_KIND_HEX4] = "\10",
        [FL_KIND_HEX16] = "\10",
        [FL_KIND_MAC] = "\4",
        [FL_KIND_NAME] = "\6",
        [FL_KIND_NAME_OLD] = "\6",
        [FL_KIND_CIDR4] = "\7",
        [FL_KIND_CIDR6] = "\7",
        [FL_KIND_STRING] = "\11",
        [FL_KIND_VERBATIM] = "\12",
        [FL_KIND_LIST_INT] = "\13",
        [FL_KIND_LIST_NAME] = "\13",
        [FL_KIND_LIST_ADDRESS] = "\14",
        [FL_KIND_SECONDS] = "\3",
        [FL_KIND_MILLISECONDS] = "\3",
        [FL_KIND_EMPTY_LIST] = "\10",
        [FL_KIND_OCTETS4] = "\10",
        [FL_KIND_OCTETS16] = "\10",
        [FL_KIND_LIST_OCTETS4] = "\14",
        [FL_KIND_LIST_OCTETS16] = "\14",
    };
    for (int kind = 0; kind < FL_KIND_COUNT; kind++)
        for (int type = FLOWAN_TYPE_U32; type <= FLOWAN_TYPE_LIST_ADDRESS; type++) {
            bool want = !types[kind] || strchr(types[kind], type);
            EXPECT(fl_value_fits((flowan_type)type, (fl_kind)kind) == want,
                   "kind %d in type %d", kind, type);
        }
    ck_assert(!fl_value_fits(FLOWAN_TYPE_U32, (fl_kind)FL_KIND_COUNT));
    ck_assert(!fl_value_fits(FLOWAN_TYPE_TEXT, (fl_kind)255));
}
END_TEST

static Suite *suite_of(void)
{
    Suite *suite = suite_create("record");
    TCase *tests = tcase_create("record");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 30);
    tcase_add_test(tests, table);
    tcase_add_test(tests, prefixes_beside_addresses);
    tcase_add_test(tests, keys);
    tcase_add_test(tests, doubles);
    tcase_add_test(tests, blanks);
    tcase_add_test(tests, one_key_counts);
    tcase_add_test(tests, what_is_read_twice);
    tcase_add_test(tests, spelt_doubles);
    tcase_add_test(tests, spelt_prefixes);
    tcase_add_test(tests, many_fields);
    tcase_add_test(tests, long_keys);
    tcase_add_test(tests, large);
    tcase_add_test(tests, whole);
    tcase_add_test(tests, cidr);
    tcase_add_test(tests, fits);
    suite_add_tcase(suite, tests);
    return suite;
}

FL_UNIT_MAIN(suite_of)
