/* Documents of the Elastic Common Schema: what each field is made of, what is left out,
 * and that each is one line of JSON whatever the record. */
#include "ecs.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "flowan/encode.h"
#include "memory.h"
#include "records.h"
#include "unit.h"

static int take(void *context, const void *data, size_t size)
{
    fl_buffer_append(context, data, size);
    return 0;
}

static flowan_encoder *encoder_to(fl_buffer *out, const flowan_encoder_options *more)
{
    flowan_encoder *encoder;
    flowan_error error;
    flowan_encoder_options options = more ? *more : (flowan_encoder_options){0};
    options.size = sizeof options;
    options.format = FLOWAN_FORMAT_ECS;
    options.write = take;
    options.context = out;
    ck_assert_msg(flowan_encoder_new(&encoder, &options, &error) == FLOWAN_OK, "%s",
                  error.message);
    return encoder;
}

/* The documents of records, a line each; single quotes stand for double ones. */
static const char *lines(const flowan_encoder_options *options, const char *text)
{
    static fl_buffer out;
    fl_buffer_clear(&out);
    flowan_encoder *encoder = encoder_to(&out, options);
    flowan_batch *batch = records(text);
    ck_assert_int_eq(flowan_encoder_write(encoder, batch, NULL, NULL), FLOWAN_OK);
    ck_assert_int_eq(flowan_encoder_finish(encoder, NULL), FLOWAN_OK);
    flowan_batch_free(batch);
    flowan_encoder_free(encoder);
    fl_buffer_byte(&out, 0);
    ck_assert(!out.failed);
    return out.data;
}

/* Looks into the one document of a record: the JSON at a path of keys with dots between,
 * or "" where there is nothing. */
static const char *look(const char *document, const char *path)
{
    static char out[4096];
    json_error_t error;
    json_t *root = json_loads(document, JSON_REJECT_DUPLICATES, &error);
    ck_assert_msg(root, "%s: %s", error.text, document);
    json_t *at = root;
    char keys[256];
    snprintf(keys, sizeof keys, "%s", path);
    for (char *key = strtok(keys, "."); key && at; key = strtok(NULL, "."))
        at = json_object_get(at, key);
    size_t size = at ? json_dumpb(at, out, sizeof out - 1,
                                  JSON_COMPACT | JSON_ENCODE_ANY | JSON_SORT_KEYS)
                     : 0;
    ck_assert_uint_lt(size, sizeof out);
    out[size] = 0;
    json_decref(root);
    return out;
}

#define EXPECT(record, path, want)                                                     \
    ck_assert_str_eq(look(lines(NULL, record), path), want)
#define EXPECT_WITH(options, record, path, want)                                       \
    ck_assert_str_eq(look(lines(options, record), path), want)

static const flowan_encoder_options compat = {.elastic_compat = true};

/* --- whole documents --- */

START_TEST(sampled)
{
    static const char record[] =
        "{'type':'SFLOW_5','time_flow_start_ns':1722384059987654321,"
        "'sampler_address':'203.0.113.5','sequence_num':44,'in_if':5,'out_if':0,"
        "'src_addr':'198.51.100.7','dst_addr':'10.0.0.9','etype':'IPv4','proto':'TCP',"
        "'src_port':10876,'dst_port':443,'src_vlan':15,'dst_vlan':16,"
        "'sampling_rate':1000,'bytes':70}";
    ck_assert_str_eq(
        lines(NULL, record),
        "{\"@timestamp\":\"2024-07-31T00:00:59.987Z\",\"ecs\":{\"version\":\"8.16.0\"},"
        "\"event\":{\"kind\":\"event\",\"category\":[\"network\"],"
        "\"type\":[\"connection\"],\"dataset\":\"goflow2.sflow\","
        "\"timezone\":\"+00:00\",\"action\":\"SFLOW_5\"},"
        "\"source\":{\"ip\":\"198.51.100.7\",\"address\":[\"198.51.100.7\"],"
        "\"port\":10876},"
        "\"destination\":{\"ip\":\"10.0.0.9\",\"address\":[\"10.0.0.9\"],"
        "\"port\":443},"
        "\"network\":{\"type\":\"ipv4\",\"transport\":\"tcp\",\"iana_number\":\"6\","
        "\"community_id\":\"1:EYOBZCPFGU6EzIPnPaSAlJwUtKU=\",\"bytes\":70000,"
        "\"direction\":\"inbound\"},"
        "\"observer\":{\"ip\":[\"203.0.113.5\"],"
        "\"ingress\":{\"interface\":{\"id\":\"5\"},\"vlan\":{\"id\":\"15\"}},"
        "\"egress\":{\"interface\":{\"id\":\"0\"},\"vlan\":{\"id\":\"16\"}}},"
        "\"sflow\":{\"bytes\":70,\"sequence_num\":44,\"sample_rate\":1000},"
        "\"related\":{\"ip\":[\"198.51.100.7\",\"10.0.0.9\"]},"
        "\"tags\":[\"forwarded\",\"sflow\"]}\n");
    /* the integration's own test has no packets either */
    EXPECT_WITH(&compat, record, "network.packets", "1000");
}
END_TEST

START_TEST(nothing)
{
    ck_assert_str_eq(lines(NULL, "{}"),
                     "{\"ecs\":{\"version\":\"8.16.0\"},"
                     "\"event\":{\"kind\":\"event\",\"category\":[\"network\"],"
                     "\"type\":[\"connection\"],\"dataset\":\"goflow2.netflow\","
                     "\"timezone\":\"+00:00\"},\"network\":{\"direction\":\"external\"},"
                     "\"tags\":[\"forwarded\",\"sflow\"]}\n");
    EXPECT("{'note':1}", "goflow2", "{\"note\":1}");
}
END_TEST

/* What goflow2 or its mapping leave empty, and keys that are not there. */
START_TEST(empty_fields)
{
    static const char empty[] =
        "{'type':'SFLOW_5','src_addr':'','dst_addr':'192.0.2.2','etype':'',"
        "'proto':'TCP','src_port':60,'dst_port':443,'sampling_rate':111,'bytes':''}";
    EXPECT(empty, "source", "{\"port\":60}");
    EXPECT(empty, "destination.address", "[\"192.0.2.2\"]");
    EXPECT(empty, "related.ip", "[\"192.0.2.2\"]");
    EXPECT(empty, "network",
           "{\"direction\":\"external\",\"iana_number\":\"6\",\"transport\":\"tcp\"}");
    EXPECT(empty, "sflow", "{\"sample_rate\":111}");
    EXPECT(empty, "observer", "");
    EXPECT(empty, "goflow2", "");
    EXPECT_WITH(&compat, empty, "network.packets", "111");
    EXPECT_WITH(&compat, empty, "network.bytes", "");
    EXPECT("{'type':'IPFIX','bytes':5}", "network", "{\"direction\":\"external\"}");
    EXPECT("{'type':'IPFIX','bytes':5}", "netflow", "{\"bytes\":5}");
    EXPECT("{'type':''}", "event.action", "");
    EXPECT("{'sampler_address':''}", "observer", "");
    EXPECT("{'in_if':7}", "observer", "{\"ingress\":{\"interface\":{\"id\":\"7\"}}}");
    EXPECT("{'dst_vlan':8}", "observer", "{\"egress\":{\"vlan\":{\"id\":\"8\"}}}");
}
END_TEST

/* --- single fields --- */

START_TEST(times)
{
    static const char *const stamps[][2] = {
        {"{'time_flow_start_ns':0}", "\"1970-01-01T00:00:00.000Z\""},
        {"{'time_flow_start_ns':1999999}", "\"1970-01-01T00:00:00.001Z\""},
        /* before 1970, as two's complement has it, the earlier ms too */
        {"{'time_flow_start_ns':18446744073708551616}", "\"1969-12-31T23:59:59.999Z\""},
        {"{'time_flow_start_ns':18446744073709551615}", "\"1969-12-31T23:59:59.999Z\""},
        {"{'time_flow_start_ns':9223372036854775808}", "\"1677-09-21T00:12:43.145Z\""},
        {"{'time_flow_start_ns':9223372036854775807}", "\"2262-04-11T23:47:16.854Z\""},
        {"{'time_flow_start_ns':'2025-03-15T17:10:51Z'}",
         "\"2025-03-15T17:10:51.000Z\""},
        {"{'time_received_ns':1742058651999999999}", "\"2025-03-15T17:10:51.999Z\""},
        {"{'time_flow_end_ns':1742058651000000000}", "\"2025-03-15T17:10:51.000Z\""},
        {"{'time_received_ns':1,'time_flow_start_ns':1742058651000000000}",
         "\"2025-03-15T17:10:51.000Z\""},
        {"{'bytes':1}", ""},
    };
    for (size_t i = 0; i < sizeof stamps / sizeof *stamps; i++)
        EXPECT(stamps[i][0], "@timestamp", stamps[i][1]);
    static const char both[] = "{'time_flow_start_ns':1742058651500000000,"
                               "'time_flow_end_ns':1742058651500000001}";
    EXPECT(both, "event.start", "\"2025-03-15T17:10:51.500Z\"");
    EXPECT(both, "event.end", "\"2025-03-15T17:10:51.500Z\"");
    EXPECT(both, "event.duration", "1");
    EXPECT(both, "goflow2", "");
    EXPECT("{'time_flow_start_ns':5,'time_flow_end_ns':4}", "event.duration", "");
    EXPECT("{'time_flow_start_ns':18446744073709551615,'time_flow_end_ns':1}",
           "event.duration", "2");
    EXPECT("{'time_flow_start_ns':9223372036854775808,"
           "'time_flow_end_ns':9223372036854775807}",
           "event.duration", "");
    EXPECT("{'time_flow_end_ns':4}", "event.end", "");
    EXPECT("{'time_flow_end_ns':4}", "goflow2", "{\"time_flow_end_ns\":4}");
    EXPECT("{'time_flow_start_ns':4}", "event.start", "");
}
END_TEST

START_TEST(counts)
{
    static const struct {
        const char *record;
        const char *bytes;
        const char *packets;
        const char *compat_bytes;
        const char *compat_packets;
        const char *rest;
    } cases[] = {
        {"{'bytes':70,'packets':2,'sampling_rate':10}", "700", "20", "700", "10", ""},
        {"{'bytes':70,'packets':2,'sampling_rate':0}", "70", "2", "0", "0", ""},
        {"{'bytes':70,'packets':2}", "", "", "", "", "{\"packets\":2}"},
        {"{'packets':2,'sampling_rate':10}", "", "20", "", "10", ""},
        {"{'bytes':'70','sampling_rate':'3'}", "210", "", "210", "3", ""},
        /* what a `long` holds, and one more */
        {"{'bytes':4611686018427387903,'sampling_rate':2}", "9223372036854775806", "",
         "9223372036854775806", "2", ""},
        {"{'bytes':4611686018427387904,'packets':4611686018427387904,"
         "'sampling_rate':2}",
         "", "", "", "2", "{\"packets\":4611686018427387904}"},
        {"{'bytes':4294967296,'sampling_rate':4294967297}", "", "", "", "4294967297",
         ""},
        {"{'bytes':18446744073709551615,'packets':9223372036854775808,"
         "'sampling_rate':1}",
         "", "", "", "1", ""},
        {"{'bytes':0,'sampling_rate':9223372036854775808}", "0", "", "0", "", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        EXPECT(cases[i].record, "network.bytes", cases[i].bytes);
        EXPECT(cases[i].record, "network.packets", cases[i].packets);
        EXPECT_WITH(&compat, cases[i].record, "network.bytes", cases[i].compat_bytes);
        EXPECT_WITH(&compat, cases[i].record, "network.packets",
                    cases[i].compat_packets);
        EXPECT(cases[i].record, "goflow2", cases[i].rest);
    }
    EXPECT_WITH(&compat, cases[0].record, "goflow2", "{\"packets\":2}");
    EXPECT("{'bytes':18446744073709551615,'sampling_rate':18446744073709551615}",
           "netflow", "");
    EXPECT("{'type':'SFLOW_5','bytes':9223372036854775807}", "sflow",
           "{\"bytes\":9223372036854775807}");
}
END_TEST

START_TEST(names)
{
    EXPECT("{'type':'NETFLOW_V9'}", "event.action", "\"NETFLOW_V9\"");
    EXPECT("{'type':'NETFLOW_V9'}", "event.dataset", "\"goflow2.netflow\"");
    EXPECT("{'type':'Other \\\"A'}", "event.action", "\"Other \\\"A\"");
    EXPECT("{'type':77}", "event.action", "");
    EXPECT("{'type':77}", "goflow2", "{\"type\":\"77\"}");
    EXPECT("{'etype':'ARP'}", "network.type", "\"arp\"");
    EXPECT("{'etype':34887}", "network.type", "");
    EXPECT("{'etype':34887}", "goflow2", "{\"etype\":\"34887\"}");
    EXPECT("{'proto':'ISIS over IPv4'}", "network.transport", "\"isis over ipv4\"");
    EXPECT("{'proto':'ISIS over IPv4'}", "network.iana_number", "\"124\"");
    EXPECT("{'proto':'ICMPv6'}", "network.transport", "\"ipv6-icmp\"");
    EXPECT("{'proto':'unassigned'}", "network.transport", "\"unassigned\"");
    EXPECT("{'proto':'unassigned'}", "network.iana_number", "");
    EXPECT("{'proto':'\\u00c9\\u0001AZ'}", "network.transport", "\"\u00c9\\u0001az\"");
    EXPECT("{'Proto':200}", "network.iana_number", "\"200\"");
    EXPECT("{'Proto':200}", "network.transport", "");
}
END_TEST

START_TEST(ends)
{
    EXPECT("{'src_mac':'2c:c8:1b:ac:cf:0f'}", "source.mac", "\"2C-C8-1B-AC-CF-0F\"");
    EXPECT("{'dst_port':70000}", "destination.port", "70000");
    EXPECT("{'src_addr':'::ffff:192.0.2.1'}", "source.ip", "\"192.0.2.1\"");
    EXPECT("{'src_addr':'2001:DB8::1'}", "source.address", "[\"2001:db8::1\"]");
    static const char nat[] =
        "{'src_addr':'10.0.0.1','dst_addr':'192.0.2.2',"
        "'post_nat_src_ipv4_address':'cb007107','post_napt_src_transport_port':0,"
        "'post_nat_dst_ipv4_address':'192.0.2.2'}";
    EXPECT(nat, "source.nat", "{\"ip\":\"203.0.113.7\",\"port\":0}");
    EXPECT(nat, "destination.nat", "{\"ip\":\"192.0.2.2\"}");
    EXPECT(nat, "related.ip", "[\"10.0.0.1\",\"192.0.2.2\",\"203.0.113.7\"]");
    EXPECT(nat, "goflow2", "");
    static const char zero[] =
        "{'post_nat_src_ipv4_address':'00000000','post_nat_dst_ipv4_address':'',"
        "'post_nat_src_ipv6_address':'::','post_napt_dst_transport_port':9}";
    EXPECT(zero, "source", "");
    EXPECT(zero, "destination", "{\"nat\":{\"port\":9}}");
    EXPECT(zero, "related", "");
    static const char two[] = "{'post_nat_dst_ipv4_address':'0.0.0.0',"
                              "'post_nat_dst_ipv6_address':'2001:db8::7',"
                              "'post_nat_src_ipv4_address':'192.0.2.7',"
                              "'post_nat_src_ipv6_address':'2001:db8::8'}";
    EXPECT(two, "destination.nat.ip", "\"2001:db8::7\"");
    EXPECT(two, "source.nat.ip", "\"192.0.2.7\"");
    EXPECT(two, "goflow2", "{\"post_nat_src_ipv6_address\":\"2001:db8::8\"}");
    EXPECT(two, "related.ip", "[\"192.0.2.7\",\"2001:db8::7\"]");
    static const char same[] = "{'src_addr':'192.0.2.2','dst_addr':'192.0.2.2',"
                               "'post_nat_src_ipv4_address':'192.0.2.2'}";
    EXPECT(same, "related.ip", "[\"192.0.2.2\"]");
    EXPECT_WITH(&compat, same, "related.ip", "[\"192.0.2.2\",\"192.0.2.2\"]");
}
END_TEST

#define ICMP "'src_addr':'192.0.2.1','dst_addr':'192.0.2.2'"
#define ECHO "\"1:IOfYZQoUwQ3ZLk3+qU6KcSd9W5k=\"" /* of both directions */
#define UNREACHABLE "\"1:e2rzpasNE3KiFDVpajbbtUAlU0c=\""

START_TEST(community)
{
    static const char *const cases[][2] = {
        {"{'proto':1," ICMP ",'icmp_type':8,'icmp_code':0}", ECHO},
        {"{'proto':1," ICMP ",'icmp_type':8}", ECHO},
        {"{'proto':1," ICMP ",'dst_port':2048}", ECHO},
        /* zeros for what the exporter does not send, or has in the port */
        {"{'proto':1," ICMP ",'icmp_type':0,'icmp_code':0,'dst_port':2048}", ECHO},
        {"{'proto':1," ICMP ",'icmp_type':8,'icmp_code':0,'dst_port':771}", ECHO},
        {"{'proto':1,'src_addr':'192.0.2.2','dst_addr':'192.0.2.1',"
         "'icmp_type':0,'icmp_code':0,'src_port':0,'dst_port':0}",
         ECHO},
        {"{'proto':1,'src_addr':'192.0.2.2','dst_addr':'192.0.2.1','dst_port':0}", ECHO},
        {"{'proto':1,'src_addr':'192.0.2.2','dst_addr':'192.0.2.1','icmp_code':0}",
         ECHO},
        {"{'proto':1,'src_addr':'192.0.2.2','dst_addr':'192.0.2.1','icmp_type':0,"
         "'icmp_code':0,'dst_port':65536}",
         ECHO},
        {"{'proto':1," ICMP ",'dst_port':771}", UNREACHABLE},
        {"{'proto':1," ICMP ",'icmp_type':3,'icmp_code':3}", UNREACHABLE},
        {"{'proto':1," ICMP "}", ""},
        {"{'proto':1," ICMP ",'dst_port':65536}", ""},
        {"{'proto':1," ICMP ",'icmp_type':300}", ""},
        {"{'proto':6," ICMP ",'src_port':1}", ""},
        {"{'proto':6," ICMP ",'src_port':1,'dst_port':65536}", ""},
        {"{'proto':6,'src_addr':'192.0.2.1','src_port':1,'dst_port':2}", ""},
        {"{" ICMP ",'src_port':1,'dst_port':2}", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        EXPECT(cases[i][0], "network.community_id", cases[i][1]);
    EXPECT("{'proto':46,'src_addr':'10.1.12.1','dst_addr':'10.1.12.2'}",
           "network.community_id", "\"1:KHlLkgoJW7ifUTyTSgyVfkFHzKw=\"");
}
END_TEST

/* --- what has no place in the schema --- */

START_TEST(rest)
{
    static const char *const cases[][2] = {
        {"{'time_received_ns':'2025-03-15T17:10:51.5Z'}",
         "{\"time_received_ns\":1742058651500000000}"},
        {"{'tcp_flags':18,'ip_tos':0}", "{\"ip_tos\":0,\"tcp_flags\":18}"},
        {"{'src_as':64496,'dst_as':0}", "{\"dst_as\":0,\"src_as\":64496}"},
        {"{'next_hop':'192.0.2.254','bgp_next_hop':''}",
         "{\"next_hop\":\"192.0.2.254\"}"},
        {"{'src_addr':'10.8.1.1','src_net':'10.8.0.0/16'}",
         "{\"src_net\":\"10.8.0.0/16\"}"},
        {"{'src_net':24}", "{\"src_net\":\"24\"}"},
        {"{'dst_net':'10.8.0.0/16'}", "{\"dst_net\":\"10.8.0.0/16\"}"},
        {"{'src_addr':'10.8.1.1','src_net':'invalid Prefix'}", ""},
        {"{'as_path':[64496,1],'mpls_ttl':[]}",
         "{\"as_path\":[64496,1],\"mpls_ttl\":[]}"},
        {"{'mpls_ip':['192.0.2.9','::1']}", "{\"mpls_ip\":[\"192.0.2.9\",\"::1\"]}"},
        {"{'layer_stack':['IPv4','TCP']}", "{\"layer_stack\":[\"IPv4\",\"TCP\"]}"},
        {"{'layer_stack':[1,77]}", "{\"layer_stack\":[\"IPv4\",\"77\"]}"},
        {"{'user':'A \\'B\\\\'}", "{\"user\":\"A \\\"B\\\\\"}"},
        {"{'up':true,'load':-1.5,'many':[1,2]}",
         "{\"load\":-1.5,\"many\":[1,2],\"up\":true}"},
        {"{'deep':{'a':[null,{'b':1e3}]}}", "{\"deep\":{\"a\":[null,{\"b\":1000.0}]}}"},
        {"{'SrcAddr':'10.0.0.1','TcpFlags':2}", "{\"tcp_flags\":2}"},
        /* what an index refuses, or is not there */
        {"{'gone':null}", ""},
        {"{'large':9223372036854775808,'least':-1}", "{\"least\":-1}"},
        {"{'large':[1,9223372036854775808]}", ""},
        {"{'time_received_ns':18446744073709551615}", ""},
        {"{'huge':1e400}", ""},
        {"{'twice':{'a':1,'a':2}}", ""},
        {"{'nul':{'a':'\\u0000'}}", ""},
        {"{'':1,' ':2,'.a':3,'a.':4,'a..b':5,'a. .b':6,'\\u0000':7,'a.b':8}",
         "{\"a.b\":8}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        EXPECT(cases[i][0], "goflow2", cases[i][1]);
}
END_TEST

/* --- options --- */

START_TEST(original)
{
    flowan_encoder_options options = {.preserve_original = true};
    static const char record[] = "{ 'user' : 'a\\\\b' }";
    EXPECT_WITH(&options, record, "event.original",
                "\"{ \\\"user\\\" : \\\"a\\\\\\\\b\\\" }\"");
    EXPECT_WITH(&options, record, "tags",
                "[\"preserve_original_event\",\"forwarded\",\"sflow\"]");
    EXPECT(record, "event.original", "");
}
END_TEST

START_TEST(tags)
{
    const char *const more[] = {"edge", "sflow", "a\",\"b", "edge", "", "b"};
    flowan_encoder_options options = {.tags = more, .tag_count = 6};
    EXPECT_WITH(&options, "{}", "tags",
                "[\"forwarded\",\"sflow\",\"edge\",\"a\\\",\\\"b\",\"\",\"b\"]");
}
END_TEST

START_TEST(age)
{
    flowan_encoder_options options = {.not_before_ns = 1742058651000000000};
    ck_assert_str_eq(lines(&options, "{'time_flow_start_ns':1742058650999999999}"
                                     "{'time_flow_start_ns':18446744073709551615}"),
                     "");
    EXPECT_WITH(&options,
                "{'time_flow_start_ns':0}{'time_flow_start_ns':1742058651000000000}",
                "@timestamp", "\"2025-03-15T17:10:51.000Z\"");
    EXPECT_WITH(&options, "{}", "@timestamp", "");
}
END_TEST

#define ROW(src, dst) "{'src_addr':'" src "','dst_addr':'" dst "'}"

START_TEST(sight)
{
    flowan_encoder_options options = {0};
    flowan_networks *networks = NULL;
    ck_assert_int_eq(flowan_networks_parse(&networks, "192.0.2.0/24\n", 13, "n", NULL),
                     FLOWAN_OK);
    EXPECT(ROW("10.0.0.1", "192.0.2.1"), "network.direction", "\"outbound\"");
    EXPECT(ROW("10.0.0.1", "100.64.0.1"), "network.direction", "\"internal\"");
    options.networks = networks;
    EXPECT_WITH(&options, ROW("10.0.0.1", "192.0.2.1"), "network.direction",
                "\"inbound\"");
    EXPECT_WITH(&options, ROW("10.0.0.1", "10.0.0.2"), "network.direction",
                "\"external\"");
    flowan_networks_free(networks);
    options.networks = NULL;

    char path[4096];
    const char *data = getenv("FLOWAN_TEST_DATA");
    snprintf(path, sizeof path, "%s/asn.mmdb", data ? data : "tests/data");
    ck_assert_int_eq(flowan_asdb_open(&options.asdb, path, NULL), FLOWAN_OK);
    static const char known[] =
        "{'src_addr':'8.8.8.8','dst_addr':'192.0.2.1','src_as':64496,'dst_as':0}";
    EXPECT_WITH(&options, known, "source.as", "{\"number\":64496}");
    EXPECT_WITH(&options, known, "destination.as", "");
    EXPECT_WITH(&options, known, "goflow2", "{\"dst_as\":0,\"src_as\":64496}");
    options.prefer_asdb = true;
    EXPECT_WITH(&options, known, "source.as.number", "15169");
    ck_assert_uint_gt(
        strlen(look(lines(&options, known), "source.as.organization.name")), 4);
    EXPECT(known, "source.as", "");
    flowan_asdb_free(options.asdb);
}
END_TEST

START_TEST(refused)
{
    static const char *const fields[] = {"bytes"};
    flowan_encoder *encoder;
    flowan_error error;
    flowan_encoder_options options = {.size = sizeof options,
                                      .format = FLOWAN_FORMAT_ECS,
                                      .fields = fields,
                                      .field_count = 1,
                                      .write = take};
    ck_assert_int_eq(flowan_encoder_new(&encoder, &options, &error),
                     FLOWAN_ERROR_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(error.message, "none can be chosen"));
    options = (flowan_encoder_options){
        .size = sizeof options, .format = (flowan_format)6, .write = take};
    ck_assert_int_eq(flowan_encoder_new(&encoder, &options, &error),
                     FLOWAN_ERROR_ARGUMENT);
}
END_TEST

/* --- many, and others --- */

START_TEST(chosen_rows)
{
    fl_buffer out = {0};
    flowan_encoder *encoder = encoder_to(&out, NULL);
    static const uint32_t rows[] = {0, 2};
    flowan_selection selection = {rows, 2};
    flowan_batch *batch = records("{'src_addr':'10.0.0.1'}{'src_addr':'192.0.2.1'}"
                                  "{'dst_addr':'10.0.0.1','note':'x'}");
    flowan_batch *other = records("{'remark':'y','dst_addr':'10.0.0.1'}{'remark':1}");
    size_t count;
    ck_assert_ptr_null(flowan_encoder_columns(encoder, &count));
    ck_assert_int_eq(flowan_encoder_write(encoder, batch, &selection, NULL), FLOWAN_OK);
    ck_assert_int_eq(flowan_encoder_write(encoder, other, NULL, NULL), FLOWAN_OK);
    fl_buffer_byte(&out, 0);
    static const char *const want[][2] = {{"\"outbound\"", ""},
                                          {"\"inbound\"", "{\"note\":\"x\"}"},
                                          {"\"inbound\"", "{\"remark\":\"y\"}"},
                                          {"\"external\"", "{\"remark\":1}"}};
    char *line = out.data;
    for (size_t i = 0; i < 4; i++) {
        char *end = strchr(line, '\n');
        ck_assert_ptr_nonnull(end);
        *end = 0;
        ck_assert_str_eq(look(line, "network.direction"), want[i][0]);
        ck_assert_str_eq(look(line, "goflow2"), want[i][1]);
        line = end + 1;
    }
    ck_assert_int_eq(*line, 0);
    flowan_batch_free(batch);
    flowan_batch_free(other);
    flowan_encoder_free(encoder);
    fl_buffer_free(&out);
}
END_TEST

/* The longest that a document can be without texts of any length: what is reserved for it
 * (ecs.c, ecs_body.c) must be more. */
START_TEST(longest)
{
    static const char record[] =
        "{'type':'FLOWUNKNOWN','time_flow_start_ns':1742058651123456789,"
        "'time_flow_end_ns':1742058651123456789,'sampling_rate':1,"
        "'sequence_num':4294967295,'bytes':9223372036854775807,"
        "'packets':9223372036854775807,"
        "'sampler_address':'1111:2222:3333:4444:5555:6666:7777:8889',"
        "'src_addr':'1111:2222:3333:4444:5555:6666:7777:8881',"
        "'dst_addr':'1111:2222:3333:4444:5555:6666:7777:8882',"
        "'post_nat_src_ipv4_address':'1111:2222:3333:4444:5555:6666:7777:8883',"
        "'post_nat_dst_ipv4_address':'1111:2222:3333:4444:5555:6666:7777:8884',"
        "'post_nat_src_ipv6_address':'1111:2222:3333:4444:5555:6666:7777:8885',"
        "'post_nat_dst_ipv6_address':'1111:2222:3333:4444:5555:6666:7777:8886',"
        "'src_port':4294967295,'dst_port':4294967295,"
        "'src_mac':'ff:ff:ff:ff:ff:ff','dst_mac':'ff:ff:ff:ff:ff:ff',"
        "'post_napt_src_transport_port':4294967295,"
        "'post_napt_dst_transport_port':4294967295,'etype':4294967295,"
        "'proto':'any private encryption scheme','in_if':4294967295,"
        "'out_if':4294967295,'src_vlan':4294967295,'dst_vlan':4294967295}";
    const char *document = lines(NULL, record);
    const char *body = strstr(document, "\"source\":");
    ck_assert_ptr_nonnull(body);
    ck_assert_uint_lt((size_t)(body - document), 512);
    ck_assert_uint_lt(strlen(body), 2048);
    EXPECT(record, "goflow2.etype", "\"4294967295\"");
    EXPECT(record, "network.transport", "\"any private encryption scheme\"");
}
END_TEST

START_TEST(rejects)
{
    static const char bytes[] = "ab\"\n\x00\xff";
    fl_buffer out = {0};
    flowan_encoder *encoder = encoder_to(&out, NULL);
    flowan_reject reject = {FLOWAN_REJECT_TORN, false, 17, bytes, sizeof bytes - 1};
    ck_assert_int_eq(flowan_encoder_reject(encoder, &reject, NULL), FLOWAN_OK);
    fl_buffer_byte(&out, 0);
    ck_assert_str_eq(out.data,
                     "{\"ecs\":{\"version\":\"8.16.0\"},"
                     "\"error\":{\"message\":\"byte 17: no flow record (torn)\"},"
                     "\"event\":{\"kind\":\"pipeline_error\","
                     "\"original\":\"ab\\\"\\n\\u0000\xef\xbf\xbd\"},"
                     "\"tags\":[\"forwarded\",\"sflow\"]}\n");
    flowan_encoder_free(encoder);
    encoder = encoder_to(&out, &compat);
    fl_buffer_clear(&out);
    reject.size = 2; /* jansson would refuse the NUL */
    ck_assert_int_eq(flowan_encoder_reject(encoder, &reject, NULL), FLOWAN_OK);
    fl_buffer_byte(&out, 0);
    ck_assert_str_eq(look(out.data, "event.kind"), "\"event\"");
    ck_assert_str_eq(look(out.data, "event.type"), "[\"connection\"]");
    flowan_batch *batch = records("{'time_received_ns':1742058651000000000}"
                                  "{'time_flow_start_ns':5}");
    ck_assert_int_eq(flowan_encoder_write(encoder, batch, NULL, NULL), FLOWAN_OK);
    fl_buffer_clear(&out);
    reject = (flowan_reject){FLOWAN_REJECT_TOO_LONG, true, UINT64_MAX, NULL, 0};
    ck_assert_int_eq(flowan_encoder_reject(encoder, &reject, NULL), FLOWAN_OK);
    fl_buffer_byte(&out, 0);
    ck_assert_str_eq(look(out.data, "@timestamp"), "\"2025-03-15T17:10:51.000Z\"");
    ck_assert_str_eq(look(out.data, "error.message"),
                     "\"byte 18446744073709551615: no flow record (too long, "
                     "continued)\"");
    ck_assert_str_eq(look(out.data, "event.original"), "\"\"");
    flowan_batch_free(batch);
    batch = records("{'time_flow_start_ns':1742058652000000000}");
    ck_assert_int_eq(flowan_encoder_write(encoder, batch, NULL, NULL), FLOWAN_OK);
    fl_buffer_clear(&out);
    ck_assert_int_eq(flowan_encoder_reject(encoder, &reject, NULL), FLOWAN_OK);
    fl_buffer_byte(&out, 0);
    ck_assert_str_eq(look(out.data, "@timestamp"), "\"2025-03-15T17:10:52.000Z\"");
    flowan_batch_free(batch);
    flowan_encoder_free(encoder);
    fl_buffer_free(&out);
}
END_TEST

static Suite *suite_of(void)
{
    Suite *suite = suite_create("ecs");
    TCase *tests = tcase_create("ecs");
    tcase_add_test(tests, sampled);
    tcase_add_test(tests, nothing);
    tcase_add_test(tests, empty_fields);
    tcase_add_test(tests, times);
    tcase_add_test(tests, counts);
    tcase_add_test(tests, names);
    tcase_add_test(tests, ends);
    tcase_add_test(tests, community);
    tcase_add_test(tests, rest);
    tcase_add_test(tests, original);
    tcase_add_test(tests, tags);
    tcase_add_test(tests, age);
    tcase_add_test(tests, sight);
    tcase_add_test(tests, refused);
    tcase_add_test(tests, chosen_rows);
    tcase_add_test(tests, longest);
    tcase_add_test(tests, rejects);
    suite_add_tcase(suite, tests);
    return suite;
}

FL_UNIT_MAIN(suite_of)
