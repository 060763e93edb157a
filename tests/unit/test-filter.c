#include "filter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "enrich.h"
#include "filters.h"
#include "text.h"
#include "unit.h"

/* --- a filter as text --- */

static void put_wide(fl_buffer *out, fl_wide wide)
{
    flowan_address address;
    char text[FL_TEXT_ADDRESS_SIZE];
    for (int i = 0; i < 8; i++) {
        address.octet[i] = (uint8_t)(wide.high >> (56 - 8 * i));
        address.octet[8 + i] = (uint8_t)(wide.low >> (56 - 8 * i));
    }
    fl_buffer_append(out, text, fl_text_put_address(text, &address));
}

static void put_sets(fl_buffer *out, const fl_test *test)
{
    for (size_t i = 0; i < test->numbers.count; i++) {
        fl_range range = test->numbers.ranges[i];
        fl_buffer_format(out, " %llu", (unsigned long long)range.low);
        if (range.high == UINT64_MAX)
            fl_buffer_text(out, "-");
        else if (range.high != range.low)
            fl_buffer_format(out, "-%llu", (unsigned long long)range.high);
    }
    for (size_t i = 0; i < test->addresses.count; i++) {
        const fl_wide_range *range = &test->addresses.ranges[i];
        fl_buffer_byte(out, ' ');
        put_wide(out, range->low);
        if (memcmp(&range->low, &range->high, sizeof range->low) == 0)
            continue;
        fl_buffer_byte(out, '-');
        if ((range->high.high & range->high.low) != UINT64_MAX)
            put_wide(out, range->high);
    }
    for (size_t i = 0; i < test->texts.count; i++) {
        size_t size;
        const char *text = fl_hash_key(&test->texts, i, &size);
        fl_buffer_format(out, " '%.*s'", (int)size, text);
    }
    if (test->texts_outside)
        fl_buffer_text(out, test->texts.count ? " turned" : " *");
}

static void put_test(fl_buffer *out, const fl_test *test)
{
    static const char *const subjects[] = {[FL_SUBJECT_DURATION] = "duration",
                                           [FL_SUBJECT_BPS] = "bps",
                                           [FL_SUBJECT_PPS] = "pps",
                                           [FL_SUBJECT_BPP] = "bpp",
                                           [FL_SUBJECT_DIRECTION] = "direction",
                                           [FL_SUBJECT_LOCAL_IP] = "local ip",
                                           [FL_SUBJECT_LOCAL_NET] = "local net",
                                           [FL_SUBJECT_REMOTE_IP] = "remote ip",
                                           [FL_SUBJECT_REMOTE_AS] = "remote as",
                                           [FL_SUBJECT_SRC_AS] = "src as",
                                           [FL_SUBJECT_DST_AS] = "dst as"};
    fl_buffer_byte(out, '{');
    if (test->subject == FL_SUBJECT_COLUMN) {
        ck_assert_uint_eq(strlen(test->name), test->name_size);
        ck_assert_int_eq(test->field, flowan_field_find(test->name, test->name_size));
        fl_buffer_text(out, test->name);
    } else {
        fl_buffer_text(out, subjects[test->subject]);
    }
    if (test->kind == FL_TEST_EXISTS)
        fl_buffer_text(out, " exists");
    else if (test->kind == FL_TEST_MASK)
        fl_buffer_format(out, " all of %llx", (unsigned long long)test->mask);
    else
        put_sets(out, test);
    fl_buffer_byte(out, '}');
}

static void put_node(fl_buffer *out, const flowan_filter *filter, const fl_node *node,
                     unsigned depth)
{
    static const char *const kinds[] = {
        [FL_NODE_AND] = "and", [FL_NODE_OR] = "or", [FL_NODE_NOT] = "not"};
    ck_assert_uint_le(depth, FL_FILTER_DEPTH_MAX);
    if (node->kind == FL_NODE_ALL) {
        fl_buffer_text(out, "all");
        return;
    }
    if (node->kind == FL_NODE_TEST) {
        ck_assert_uint_lt(node->first, filter->test_count);
        put_test(out, &filter->tests[node->first]);
        return;
    }
    ck_assert_uint_le(node->first + (size_t)node->count, filter->node_count);
    fl_buffer_format(out, "%s(", kinds[node->kind]);
    for (uint32_t i = 0; i < node->count; i++) {
        if (i)
            fl_buffer_byte(out, ' ');
        put_node(out, filter, &filter->nodes[node->first + i], depth + 1);
    }
    fl_buffer_byte(out, ')');
}

/* To be freed. */
static char *shown(const flowan_filter *filter)
{
    fl_buffer out = {0};
    put_node(&out, filter, &filter->nodes[filter->root], 1);
    fl_buffer_byte(&out, '\0');
    ck_assert(!out.failed);
    return out.data;
}

/* --- what texts come to --- */

static const struct {
    const char *text;
    const char *form;
} forms[] = {
    /* clang-format off */
    {"any",
     "all"},
    {"not any",
     "not(all)"},
    {"any and port 80",
     "or({src_port 80} {dst_port 80})"},
    {"port 80 and not any",
     "not(all)"},
    {"port 80 or any",
     "all"},
    {"port 80 or not any",
     "or({src_port 80} {dst_port 80})"},
    {"not not src port 80",
     "{src_port 80}"},
    {"not (any or src port 5)",
     "not(all)"},
    {"src port < 0",
     "not(all)"},
    {"src port < 0 or dst port 1",
     "{dst_port 1}"},
    {"ip 192.0.2.1",
     "or({src_addr 192.0.2.1} {dst_addr 192.0.2.1})"},
    {"src host 192.0.2.1",
     "{src_addr 192.0.2.1}"},
    {"dst net 192.0.2.77/24",
     "{dst_addr 192.0.2.0-192.0.2.255}"},
    {"net 192.0.2.0 255.255.255.0",
     "or({src_addr 192.0.2.0-192.0.2.255} {dst_addr 192.0.2.0-192.0.2.255})"},
    {"dst net 10.1/16",
     "{dst_addr 10.1.0.0-10.1.255.255}"},
    {"src ip 2001:db8::/32",
     "{src_addr 2001:db8::-2001:db8:ffff:ffff:ffff:ffff:ffff:ffff}"},
    {"src ip ::/0",
     "{src_addr ::-::fffe:ffff:ffff ::1:0:0:0-}"},
    {"src ip ::1-::2:0:0:0",
     "{src_addr ::1-::fffe:ffff:ffff ::1:0:0:0-::2:0:0:0}"},
    {"src ip ::/80",
     "{src_addr ::-::fffe:ffff:ffff}"},
    {"src ip ::fffe:0:0/95",
     "{src_addr ::fffe:0:0-::fffe:ffff:ffff}"},
    {"src ip ::ffff:10.0.0.0/104",
     "{src_addr 10.0.0.0-10.255.255.255}"},
    {"src ip ::ffff:0:0/96",
     "{src_addr 0.0.0.0-255.255.255.255}"},
    {"src ip != 192.0.2.1",
     "{src_addr ::-192.0.2.0 192.0.2.2-}"},
    {"src ip in [192.0.2.1 192.0.2.2,192.0.2.4-192.0.2.9 10.0.0.0/8 2001:db8::1]",
     "{src_addr 10.0.0.0-10.255.255.255 192.0.2.1-192.0.2.2 192.0.2.4-192.0.2.9 2001:db8::1}"},
    {"src ip not in [0.0.0.0/0]",
     "{src_addr ::-::fffe:ffff:ffff ::1:0:0:0-}"},
    {"port 80",
     "or({src_port 80} {dst_port 80})"},
    {"src port = 80",
     "{src_port 80}"},
    {"src port == 80",
     "{src_port 80}"},
    {"src port eq 80",
     "{src_port 80}"},
    {"dst port != 80",
     "{dst_port 0-79 81-}"},
    {"dst port ne 80",
     "{dst_port 0-79 81-}"},
    {"dst port < 1k",
     "{dst_port 0-999}"},
    {"dst port lt 1k",
     "{dst_port 0-999}"},
    {"dst port <= 1K",
     "{dst_port 0-1000}"},
    {"dst port le 0x10",
     "{dst_port 0-16}"},
    {"dst port > 4294967295",
     "{dst_port 4294967296-}"},
    {"dst port gt 1",
     "{dst_port 2-}"},
    {"dst port >= 1",
     "{dst_port 1-}"},
    {"dst port ge 1",
     "{dst_port 1-}"},
    {"dst port 1000-2000",
     "{dst_port 1000-2000}"},
    {"dst port in [1 2 3,5 0x7-9]",
     "{dst_port 1-3 5 7-9}"},
    {"dst port not in [1 3]",
     "{dst_port 0 2 4-}"},
    {"SRC AND DST PORT 53",
     "and({src_port 53} {dst_port 53})"},
    {"dst or src port 53",
     "or({src_port 53} {dst_port 53})"},
    {"src as 64496",
     "{src as 64496}"},
    {"as != 64496",
     "or({src as 0-64495 64497-} {dst as 0-64495 64497-})"},
    {"in if 3",
     "{in_if 3}"},
    {"out if in [3]",
     "{out_if 3}"},
    {"if 3",
     "or({in_if 3} {out_if 3})"},
    {"src vlan 5",
     "{src_vlan 5}"},
    {"src mac 2c:c8:1b:ac:cf:81",
     "{src_mac 49237969391489}"},
    {"in mac 2c:c8:1b:ac:cf:81",
     "or({src_mac 49237969391489} {dst_mac 49237969391489})"},
    {"out dst mac 2C:C8:1B:AC:CF:81",
     "{dst_mac 49237969391489}"},
    {"mask 24",
     "or({src_net 24} {dst_net 24})"},
    {"proto tcp",
     "{proto 6}"},
    {"proto IPv6-icmp",
     "{proto 58}"},
    {"proto icmp6",
     "{proto 58}"},
    {"proto ICMPv6",
     "{proto 58}"},
    {"proto \"isis over ipv4\"",
     "{proto 124}"},
    {"proto != tcp",
     "{proto 0-5 7- *}"},
    {"proto unknown",
     "{proto 'unknown'}"},
    {"proto != unknown",
     "{proto 0- 'unknown' turned}"},
    {"proto in [tcp 17 unassigned]",
     "{proto 6 17 'unassigned'}"},
    {"proto < 3",
     "{proto 0-2}"},
    {"bytes > 1M",
     "{bytes 1000001-}"},
    {"in bytes 2g",
     "{bytes 2000000000}"},
    {"packets <= 3t",
     "{packets 0-3000000000000}"},
    {"bps 10k",
     "{bps 10000}"},
    {"pps 5",
     "{pps 5}"},
    {"bpp > 1000",
     "{bpp 1001-}"},
    {"duration 5",
     "{duration 5000000}"},
    {"duration > 300ms",
     "{duration 300000001-}"},
    {"duration 1s-2m",
     "{duration 1000000000-120000000000}"},
    {"duration 0s",
     "{duration 0}"},
    {"flags S",
     "and({proto 6} {tcp_flags all of 2})"},
    {"flags sa",
     "and({proto 6} {tcp_flags all of 12})"},
    {"flags \"SA\"",
     "and({proto 6} {tcp_flags all of 12})"},
    {"flags X",
     "and({proto 6} {tcp_flags all of 3f})"},
    {"flags = SA",
     "and({proto 6} {tcp_flags 18})"},
    {"flags != S",
     "and({proto 6} {tcp_flags 0-1 3-})"},
    {"flags 18",
     "and({proto 6} {tcp_flags 18})"},
    {"flags > 3",
     "and({proto 6} {tcp_flags 4-})"},
    {"flags in [S SA 20]",
     "and({proto 6} {tcp_flags 2 18 20})"},
    {"flags UAPRSFEC",
     "and({proto 6} {tcp_flags all of ff})"},
    {"tos 8",
     "{ip_tos 8}"},
    {"src tos 8",
     "{ip_tos 8}"},
    {"icmp-type 8",
     "and({icmp_type 8} {proto 1 58})"},
    {"icmp type 8",
     "and({icmp_type 8} {proto 1 58})"},
    {"icmp-code > 3",
     "and({icmp_code 4-} {proto 1 58})"},
    {"icmp code 3",
     "and({icmp_code 3} {proto 1 58})"},
    {"xip 203.0.113.1",
     "or({post_nat_src_ipv4_address 203.0.113.1} {post_nat_src_ipv6_address 203.0.113.1} {post_nat_dst_ipv4_address 203.0.113.1} {post_nat_dst_ipv6_address 203.0.113.1})"},
    {"src nip 203.0.113.1",
     "or({post_nat_src_ipv4_address 203.0.113.1} {post_nat_src_ipv6_address 203.0.113.1})"},
    {"dst nat ip 203.0.113.1",
     "or({post_nat_dst_ipv4_address 203.0.113.1} {post_nat_dst_ipv6_address 203.0.113.1})"},
    {"dst nat host 203.0.113.1",
     "or({post_nat_dst_ipv4_address 203.0.113.1} {post_nat_dst_ipv6_address 203.0.113.1})"},
    {"src xnet 203.0.113.0/24",
     "or({post_nat_src_ipv4_address 203.0.113.0-203.0.113.255} {post_nat_src_ipv6_address 203.0.113.0-203.0.113.255})"},
    {"src nnet 203.0.113.0/24",
     "or({post_nat_src_ipv4_address 203.0.113.0-203.0.113.255} {post_nat_src_ipv6_address 203.0.113.0-203.0.113.255})"},
    {"src nat net 203.0.113.0/24",
     "or({post_nat_src_ipv4_address 203.0.113.0-203.0.113.255} {post_nat_src_ipv6_address 203.0.113.0-203.0.113.255})"},
    {"src xip != 203.0.113.1",
     "or({post_nat_src_ipv4_address ::1-::fffe:ffff:ffff 0.0.0.1-203.0.113.0 203.0.113.2-} {post_nat_src_ipv6_address ::1-::fffe:ffff:ffff 0.0.0.1-203.0.113.0 203.0.113.2-})"},
    {"src xip 0.0.0.0",
     "not(all)"},
    {"src xip 0.0.0.0/31",
     "or({post_nat_src_ipv4_address 0.0.0.1} {post_nat_src_ipv6_address 0.0.0.1})"},
    {"nat port 5",
     "or({post_napt_src_transport_port 5} {post_napt_dst_transport_port 5})"},
    {"src xport 5",
     "{post_napt_src_transport_port 5}"},
    {"dst nport != 5",
     "{post_napt_dst_transport_port 0-4 6-}"},
    {"nat event create",
     "{nat_event 1}"},
    {"nat event 4",
     "{nat_event 4}"},
    {"exporter 192.0.2.1",
     "{sampler_address 192.0.2.1}"},
    {"exporter ip 192.0.2.1",
     "{sampler_address 192.0.2.1}"},
    {"router ip 192.0.2.1",
     "{sampler_address 192.0.2.1}"},
    {"sampling > 1",
     "{sampling_rate 2-}"},
    {"type ipfix",
     "{type 4}"},
    {"type in [sflow_5 NETFLOW_V5]",
     "{type 1-2}"},
    {"next ip 192.0.2.1",
     "{next_hop 192.0.2.1}"},
    {"next as 5",
     "{next_hop_as 5}"},
    {"bgpnext ip 192.0.2.1",
     "{bgp_next_hop 192.0.2.1}"},
    {"bgp next ip 192.0.2.1",
     "{bgp_next_hop 192.0.2.1}"},
    {"mpls label 16",
     "{mpls_label 16}"},
    {"mpls any 16",
     "{mpls_label 16}"},
    {"vrf 5",
     "or({ingress_vrf_id 5} {egress_vrf_id 5})"},
    {"ingress vrf 5",
     "{ingress_vrf_id 5}"},
    {"egress vrf 5",
     "{egress_vrf_id 5}"},
    {"fwdstat 64",
     "{forwarding_status 64}"},
    {"flowdir egress",
     "{flow_direction 1}"},
    {"flowdir 0",
     "{flow_direction 0}"},
    {"ttl < 5",
     "{ip_ttl 0-4}"},
    {"flowlabel 7",
     "{ipv6_flow_label 7}"},
    {"observation domain id 3",
     "{observation_domain_id 3}"},
    {"observation point id 3",
     "{observation_point_id 3}"},
    {"direction out",
     "{direction 1}"},
    {"direction in",
     "{direction 2}"},
    {"direction = in",
     "{direction 2}"},
    {"direction in [in internal]",
     "{direction 2-3}"},
    {"direction != external",
     "{direction 1-}"},
    {"direction not in [out]",
     "{direction 0 2-}"},
    {"local ip 10.0.0.1",
     "{local ip 10.0.0.1}"},
    {"local host 10.0.0.1",
     "{local ip 10.0.0.1}"},
    {"local net 10.0.0.0/8",
     "{local ip 10.0.0.0-10.255.255.255}"},
    {"local net \"10.0.0.0/8\"",
     "{local net 0}"},
    {"local net != \"fc00::/7\"",
     "{local net 0-3 5-}"},
    {"local net in [\"10.0.0.0/8\" 192.168.0.0/16]",
     "or({local net 0} {local ip 192.168.0.0-192.168.255.255})"},
    {"local net not in [\"10.0.0.0/8\" 192.168.0.0/16]",
     "and({local net 1-} {local ip ::-192.167.255.255 192.169.0.0-})"},
    {"remote ip 192.0.2.1",
     "{remote ip 192.0.2.1}"},
    {"remote host 192.0.2.1",
     "{remote ip 192.0.2.1}"},
    {"remote net 192.0.2.0/24",
     "{remote ip 192.0.2.0-192.0.2.255}"},
    {"remote as in [64496 64500-64510]",
     "{remote as 64496 64500-64510}"},
    {"ipv4",
     "or({etype 2048} and(not({etype exists}) or({src_addr 0.0.0.0-255.255.255.255} {dst_addr 0.0.0.0-255.255.255.255})))"},
    {"inet6",
     "or({etype 34525} and(not({etype exists}) or({src_addr ::-::fffe:ffff:ffff ::1:0:0:0-} {dst_addr ::-::fffe:ffff:ffff ::1:0:0:0-})))"},
    {"field mine 7",
     "{mine 7 '7'}"},
    {"field mine = \"7\"",
     "{mine '7'}"},
    {"field mine != 7",
     "{mine 0-6 8- ::- '7' turned}"},
    {"field mine < 7",
     "{mine 0-6}"},
    {"field mine in [1-5 x, \"y z\" true]",
     "{mine 1-5 '1-5' 'x' 'y z' 'true'}"},
    {"field mine not in [1 x]",
     "{mine 0 2- ::- '1' 'x' turned}"},
    {"field mine 192.0.2.0/24",
     "{mine 192.0.2.0-192.0.2.255 '192.0.2.0/24'}"},
    {"field mine -5",
     "{mine '-5'}"},
    {"field mine 007",
     "{mine '007'}"},
    {"field mine exists",
     "{mine exists}"},
    {"field etype ipv6",
     "{etype 34525}"},
    {"field type != IPFIX",
     "{type 0-3 5- *}"},
    {"field src_net 24",
     "{src_net 24}"},
    {"field src_net != 24",
     "{src_net 0-23 25-}"},
    {"field time_received_ns > now",
     "{time_received_ns 1742058651000000001-}"},
    {"field time_received_ns >= -2h",
     "{time_received_ns 1742051451000000000-}"},
    {"field time_received_ns 1742058600",
     "{time_received_ns 1742058600000000000}"},
    {"field time_received_ns 1742058600000000001",
     "{time_received_ns 1742058600000000001}"},
    {"field time_flow_start_ns in [2025-03-15-2025-03-16 0]",
     "{time_flow_start_ns 0 1741996800000000000-1742083200000000000}"},
    {"field time_flow_start_ns < 2025-03-15T17:10:51+01:00",
     "{time_flow_start_ns 0-1742055050999999999}"},
    {"field time_flow_start_ns \"2025-03-15 17:10\"",
     "{time_flow_start_ns 1742058600000000000}"},
    {"field icmp_name Echo",
     "{icmp_name 'Echo'}"},
    {"field icmp_name not in [Echo \"x y\"]",
     "{icmp_name 'Echo' 'x y' turned}"},
    {"field layer_stack TCP",
     "{layer_stack 3}"},
    {"field as_path 64496",
     "{as_path 64496}"},
    {"field mpls_ip 192.0.2.1",
     "{mpls_ip 192.0.2.1}"},
    {"field src_mac 2c:c8:1b:ac:cf:81",
     "{src_mac 49237969391489}"},
    {"field bytes 18446744073709551615",
     "{bytes 18446744073709551615-}"},
    {"field src_port \"80\"",
     "{src_port 80}"},
    {"port 1 or port 2 or port 4",
     "or({src_port 1-2 4} {dst_port 1-2 4})"},
    {"ip 192.0.2.1 or src ip 192.0.2.2 or dst port 3 or (dst port 4 or src ip 192.0.2.3)",
     "or({dst_addr 192.0.2.1} {dst_port 3-4} {src_addr 192.0.2.1-192.0.2.3})"},
    {"port 1 and port 2",
     "and(or({src_port 1} {dst_port 1}) or({src_port 2} {dst_port 2}))"},
    {"(src port 1 and dst port 2) and in if 3",
     "and({src_port 1} {dst_port 2} {in_if 3})"},
    {"src port 1 or (dst port 2 and in if 3) or not src port 3",
     "or({src_port 1} not({src_port 3}) and({dst_port 2} {in_if 3}))"},
    {"src ip 192.0.2.1 and dst port 443",
     "and({src_addr 192.0.2.1} {dst_port 443})"},
    {"bps > 1 and local ip 10.0.0.1 and field mine x and src port 1",
     "and({src_port 1} {mine 'x'} {bps 2-} {local ip 10.0.0.1})"},
    {"proto tcp or proto udp or proto unknown",
     "{proto 6 17 'unknown'}"},
    {"proto != tcp or proto != udp",
     "{proto 0- *}"},
    {"field mine != 1 or field mine != 2",
     "or({mine 0 2- ::- '1' turned} {mine 0-1 3- ::- '2' turned})"},
    {"not (not src port 1 and not src port 2)",
     "not(and(not({src_port 1}) not({src_port 2})))"},
    {"src port 1 && ! dst port 2 || in if 3",
     "or({in_if 3} and({src_port 1} not({dst_port 2})))"},
    /* clang-format on */
};

START_TEST(text_comes_to_form)
{
    flowan_filter *filter = filter_of(forms[_i].text);
    char *form = shown(filter);
    if (strcmp(form, forms[_i].form) != 0)
        ck_abort_msg("%s: %s, not %s", forms[_i].text, form, forms[_i].form);
    fl_memory_free(form);
    flowan_filter_free(filter);
}
END_TEST

START_TEST(names_are_decoded)
{
    flowan_filter *filter =
        filter_of("field \"a \\n\\u00e9\\ud83d\\ude00\\\\\\/\" \"\\\"\\t\\u20AC\"");
    char *form = shown(filter);
    ck_assert_str_eq(form, "{a \n\xc3\xa9\xf0\x9f\x98\x80\\/ '\"\t\xe2\x82\xac'}");
    fl_memory_free(form);
    flowan_filter_free(filter);
}
END_TEST

/* --- what is no filter --- */

static const struct {
    const char *text;
    size_t offset;
    const char *sentence; /* behind "filter: " */
} mistakes[] = {
    /* clang-format off */
    {"and", 0,
     "column 1: expected a test such as 'dst port 443', found 'and'"},
    {"port", 4,
     "column 5: expected a port number from 0 to 4294967295, found the end"},
    {"port http", 5,
     "column 6: expected a port number from 0 to 4294967295, found 'http'"},
    {"dst port = 4294967296", 11,
     "column 12: expected a port number from 0 to 4294967295, found '4294967296'"},
    {"port 80 81", 8,
     "column 9: expected 'and', 'or' or the end, found '81'"},
    {"port 80 and", 11,
     "column 12: expected a test such as 'dst port 443', found the end"},
    {"(port 80", 8,
     "column 9: expected 'and', 'or' or ')', found the end"},
    {"port 80)", 7,
     "column 8: expected 'and', 'or' or the end, found ')'"},
    {"port in", 7,
     "column 8: expected '[' behind 'in', found the end"},
    {"port in [", 9,
     "column 10: expected a port number from 0 to 4294967295, found the end"},
    {"port in []", 9,
     "column 10: expected a port number from 0 to 4294967295, found ']'"},
    {"port in [80,]", 12,
     "column 13: expected a port number from 0 to 4294967295, found ']'"},
    {"port in [80 81", 14,
     "column 15: expected a value or ']', found the end"},
    {"port in 80", 8,
     "column 9: expected '[' behind 'in', found '80'"},
    {"port not 80", 9,
     "column 10: expected 'in' behind 'not', found '80'"},
    {"port 90-80", 5,
     "column 6: expected a range whose first value is not above its last, found '90-80'"},
    {"port > 80-90", 7,
     "column 8: expected a port number from 0 to 4294967295, found '80-90'"},
    {"port -5", 5,
     "column 6: expected a port number from 0 to 4294967295, found '-5'"},
    {"port 080", 5,
     "column 6: expected a port number from 0 to 4294967295, found '080'"},
    {"port 0x", 5,
     "column 6: expected a port number from 0 to 4294967295, found '0x'"},
    {"port 1.5k", 5,
     "column 6: expected a port number from 0 to 4294967295, found '1.5k'"},
    {"ip", 2,
     "column 3: expected an IPv4 or IPv6 address or prefix, found the end"},
    {"ip 1.2.3", 3,
     "column 4: expected an IPv4 or IPv6 address or prefix, found '1.2.3'"},
    {"ip 1.2.3.4/33", 3,
     "column 4: expected an IPv4 or IPv6 address or prefix, found '1.2.3.4/33'"},
    {"ip 10.0.0.0/8/9", 3,
     "column 4: expected an IPv4 or IPv6 address or prefix, found '10.0.0.0/8/9'"},
    {"ip 10.0.0.9-10.0.0.1", 3,
     "column 4: expected a range whose first address is not above its last, found '10.0.0.9-10.0.0.1'"},
    {"ip 10.0.0.9-::1", 3,
     "column 4: expected an IPv4 or IPv6 address or prefix, found '10.0.0.9-::1'"},
    {"ip > 10.0.0.1", 5,
     "column 6: expected '=' or '!=' before a value that has no order, found '10.0.0.1'"},
    {"net 10.0.0.0 255.0.255.0", 13,
     "column 14: expected an IPv4 netmask behind an IPv4 address, such as 255.255.0.0, found '255.0.255.0'"},
    {"net ::1 255.0.0.0", 8,
     "column 9: expected an IPv4 netmask behind an IPv4 address, such as 255.255.0.0, found '255.0.0.0'"},
    {"src", 3,
     "column 4: expected a test such as 'dst port 443', found the end"},
    {"src proto tcp", 4,
     "column 5: expected a field that 'src' can stand before, found 'proto'"},
    {"src src port 80", 4,
     "column 5: expected a field such as ip or port, found 'src'"},
    {"src and port 80", 8,
     "column 9: expected 'dst', found 'port'"},
    {"out bytes 5", 4,
     "column 5: expected a field that 'out' can stand before, found 'bytes'"},
    {"in out if 3", 3,
     "column 4: expected a field such as ip or port, found 'out'"},
    {"in vlan 3", 3,
     "column 4: expected a field that 'in' can stand before, found 'vlan'"},
    {"src in port 80", 7,
     "column 8: expected a field that 'in' can stand before, found 'port'"},
    {"proto foo", 6,
     "column 7: expected the name or the number of an IP protocol, found 'foo'"},
    {"type netflow", 5,
     "column 6: expected the name or the number of a flow type, found 'netflow'"},
    {"flags Q", 6,
     "column 7: expected letters of UAPRSFEC, X for the first six, or a number, found 'Q'"},
    {"direction up", 10,
     "column 11: expected out, in, internal or transit, found 'up'"},
    {"direction > in", 12,
     "column 13: expected '=' or '!=' before a value that has no order, found 'in'"},
    {"local", 5,
     "column 6: expected 'ip', 'host', 'net' behind 'local', found the end"},
    {"local net", 9,
     "column 10: expected a prefix, or the name of a local network, found the end"},
    {"local net office", 10,
     "column 11: expected a prefix, or the name of a local network (10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 100.64.0.0/10, fc00::/7), found 'office'"},
    {"local port 5", 6,
     "column 7: expected 'ip', 'host', 'net' behind 'local', found 'port'"},
    {"remote net office", 11,
     "column 12: expected an IPv4 or IPv6 address or prefix, found 'office'"},
    {"nat", 3,
     "column 4: expected 'ip', 'host', 'net', 'port', 'event' behind 'nat', found the end"},
    {"nat ip", 6,
     "column 7: expected an IPv4 or IPv6 address or prefix, found the end"},
    {"nat event foo", 10,
     "column 11: expected the name or the number of a NAT event, found 'foo'"},
    {"next", 4,
     "column 5: expected 'ip', 'as' behind 'next', found the end"},
    {"bgpnext 1.2.3.4", 8,
     "column 9: expected 'ip' behind 'bgpnext', found '1.2.3.4'"},
    {"mac 00:11", 4,
     "column 5: expected a MAC address such as 2c:c8:1b:ac:cf:81, found '00:11'"},
    {"mask 129", 5,
     "column 6: expected a prefix length from 0 to 128, found '129'"},
    {"duration 5x", 9,
     "column 10: expected a duration such as 300ms, 5s or 2h, found '5x'"},
    {"field", 5,
     "column 6: expected the name of a field, found the end"},
    {"field =", 6,
     "column 7: expected the name of a field, found '='"},
    {"field foo", 9,
     "column 10: expected a value such as 7 or \"text\", found the end"},
    {"field foo and port 80", 10,
     "column 11: expected a value such as 7 or \"text\", found 'and'"},
    {"field foo = and", 12,
     "column 13: expected a value such as 7 or \"text\", found 'and'"},
    {"field \"a\\u0000b\" = 1", 6,
     "column 7: expected a name without \\u0000, found '\"a\\u0000b\"'"},
    {"field \"a\\q\" = 1", 8,
     "column 9: expected an escape that JSON has behind the backslash"},
    {"field \"abc", 6,
     "column 7: expected a second '\"' behind this one, found the end"},
    {"field foo < bar", 12,
     "column 13: expected a number from 0 to 18446744073709551615, found 'bar'"},
    {"field foo < \"7\"", 12,
     "column 13: expected a number from 0 to 18446744073709551615, found '\"7\"'"},
    {"field etype = IPv9", 14,
     "column 15: expected the name or the number of etype, found 'IPv9'"},
    {"field src_net 10.0.0.0/8", 14,
     "column 15: expected a prefix length from 0 to 128, found '10.0.0.0/8'"},
    {"field as_path = x", 16,
     "column 17: expected a number from 0 to 18446744073709551615, found 'x'"},
    {"field time_received_ns > now", 25,
     "column 26: expected a time such as 2025-03-15T17:10:51Z (what now is, is not known), found 'now'"},
    {"field time_received_ns > -2h", 25,
     "column 26: expected a time such as 2025-03-15T17:10:51Z (what now is, is not known), found '-2h'"},
    {"field time_received_ns > 1960-01-01", 25,
     "column 26: expected a time such as 2025-03-15T17:10:51Z (what now is, is not known), found '1960-01-01'"},
    {"field time_flow_start_ns noon", 25,
     "column 26: expected a time such as 2025-03-15T17:10:51Z (what now is, is not known), found 'noon'"},
    {"port 80 & port 81", 8,
     "column 9: expected a word, a sign or \"quotes\", found '&'"},
    {"port 80 | port 81", 8,
     "column 9: expected a word, a sign or \"quotes\", found '|'"},
    {"port 80;", 7,
     "column 8: expected a word, a sign or \"quotes\", found ';'"},
    {"port =! 80", 6,
     "column 7: expected a port number from 0 to 4294967295, found '!'"},
    {"port => 80", 6,
     "column 7: expected a port number from 0 to 4294967295, found '>'"},
    {"tcp", 0,
     "column 1: expected a test such as 'dst port 443', found 'tcp'"},
    {"host www.example.org", 5,
     "column 6: expected an IPv4 or IPv6 address or prefix, found 'www.example.org'"},
    {"port 80\nand\n port http", 18,
     "line 3, column 7: expected a port number from 0 to 4294967295, found 'http'"},
    {"icmp", 4,
     "column 5: expected 'type', 'code' behind 'icmp', found the end"},
    {"icmp foo 3", 5,
     "column 6: expected 'type', 'code' behind 'icmp', found 'foo'"},
    {"observation domain 4", 19,
     "column 20: expected 'id' behind 'observation domain', found '4'"},
    {"mpls label1 5", 5,
     "column 6: expected 'label', 'any' behind 'mpls', found 'label1'"},
    {"geo CH", 0,
     "column 1: expected a test such as 'dst port 443', found 'geo'"},
    {"any any", 4,
     "column 5: expected 'and', 'or' or the end, found 'any'"},
    {"not", 3,
     "column 4: expected a test such as 'dst port 443', found the end"},
    {"((((", 4,
     "column 5: expected a test such as 'dst port 443', found the end"},
    /* clang-format on */
};

static void expect_failure(const char *text, size_t size, flowan_status status,
                           size_t offset, const char *sentence)
{
    flowan_filter *filter = (flowan_filter *)&status;
    flowan_error error = {0};
    ck_assert_int_eq(flowan_filter_compile(&filter, text, size, NULL, &error), status);
    ck_assert_ptr_null(filter);
    ck_assert_int_eq(error.status, status);
    if (strncmp(error.message, "filter: ", 8) != 0 ||
        strcmp(error.message + 8, sentence) != 0)
        ck_abort_msg("%.80s: \"%s\", not \"%s\"", text, error.message, sentence);
    if (error.offset != offset)
        ck_abort_msg("%.80s: offset %llu, not %zu", text,
                     (unsigned long long)error.offset, offset);
    /* the detail is not asked for */
    ck_assert_int_eq(flowan_filter_compile(&filter, text, size, NULL, NULL), status);
}

START_TEST(mistake_is_told)
{
    expect_failure(mistakes[_i].text, strlen(mistakes[_i].text), FLOWAN_ERROR_ARGUMENT,
                   mistakes[_i].offset, mistakes[_i].sentence);
}
END_TEST

START_TEST(odd_bytes_are_told)
{
    expect_failure("port 80 \0", 9, FLOWAN_ERROR_ARGUMENT, 8,
                   "column 9: expected a word, a sign or \"quotes\", found '?'");
    expect_failure("\xc3\xa9", 2, FLOWAN_ERROR_ARGUMENT, 0,
                   "column 1: expected a word, a sign or \"quotes\", found '?'");
    expect_failure("field \"a\x01\" 1", 12, FLOWAN_ERROR_ARGUMENT, 8,
                   "column 9: expected no control byte between quotes (\\n and \\u000a "
                   "stand for a line feed)");
    expect_failure("field \"\\", 8, FLOWAN_ERROR_ARGUMENT, 7,
                   "column 8: expected an escape that JSON has behind the backslash");
    expect_failure("field \"\\ud800\" 1", 16, FLOWAN_ERROR_ARGUMENT, 7,
                   "column 8: expected an escape that JSON has behind the backslash");
    expect_failure("proto \"\xff\xfe\"", 10, FLOWAN_ERROR_ARGUMENT, 6,
                   "column 7: expected the name or the number of an IP protocol, found "
                   "'\"\?\?\"'");
    expect_failure("port 1234567890123456789012345678901234567890123", 48,
                   FLOWAN_ERROR_ARGUMENT, 5,
                   "column 6: expected a port number from 0 to 4294967295, found "
                   "'1234567890123456789012345678901234567890...'");
}
END_TEST

START_TEST(times_need_a_now)
{
    expect_failure("field time_received_ns > -2h", 28, FLOWAN_ERROR_ARGUMENT, 25,
                   "column 26: expected a time such as 2025-03-15T17:10:51Z (what now "
                   "is, is not known), found '-2h'");
    flowan_filter_options options = {sizeof options, NULL, FILTER_NOW};
    flowan_filter *filter;
    flowan_error error;
    ck_assert_int_eq(flowan_filter_compile(&filter, "field time_received_ns > noon", 29,
                                           &options, &error),
                     FLOWAN_ERROR_ARGUMENT);
    ck_assert_str_eq(error.message,
                     "filter: column 26: expected a time from 1970 on such as "
                     "2025-03-15T17:10:51Z, found 'noon'");
}
END_TEST

/* --- networks --- */

START_TEST(networks_go_by_name)
{
    static const char file[] = "10.0.0.0/8 office\n2001:db8::/32 lab\n192.0.2.0/24\n"
                               "203.0.113.0/24 office\n10.1.0.0/16 a\n10.2.0.0/16 b\n"
                               "10.3.0.0/16 c\n";
    flowan_networks *networks;
    ck_assert_int_eq(
        flowan_networks_parse(&networks, file, sizeof file - 1, "file", NULL), 0);
    const char *text = "local net in [b lab] or local net = office";
    flowan_filter *filter = filter_of_size(text, strlen(text), networks);
    ck_assert_ptr_eq(filter->networks, networks);
    char *form = shown(filter);
    ck_assert_str_eq(form, "{local net 0-1 4}");
    fl_memory_free(form);
    flowan_filter_free(filter);

    flowan_filter_options options = {sizeof options, networks, 0};
    flowan_error error;
    ck_assert_int_eq(
        flowan_filter_compile(&filter, "local net Office", 16, &options, &error),
        FLOWAN_ERROR_ARGUMENT);
    ck_assert_str_eq(error.message,
                     "filter: column 11: expected a prefix, or the name of a local "
                     "network (office, lab, 192.0.2.0/24, a, b, ...), found 'Office'");
    flowan_networks_free(networks);

    ck_assert_int_eq(flowan_networks_parse(&networks, "", 0, "file", NULL), 0);
    options.networks = networks;
    ck_assert_int_eq(flowan_filter_compile(&filter, "local net x", 11, &options, &error),
                     FLOWAN_ERROR_ARGUMENT);
    ck_assert_str_eq(error.message,
                     "filter: column 11: expected a prefix, or the name of a local "
                     "network (there is none), found 'x'");
    flowan_networks_free(networks);
}
END_TEST

START_TEST(default_networks_are_made_when_needed)
{
    flowan_filter *filter = filter_of("port 80 and src as 3");
    ck_assert_ptr_null(filter->networks);
    flowan_filter_free(filter);
    filter = filter_of("port 80 and direction out");
    ck_assert_ptr_nonnull(filter->networks);
    ck_assert_ptr_eq(filter->networks, filter->own_networks);
    flowan_filter_free(filter);
}
END_TEST

/* --- columns --- */

static void expect_columns(const char *text, const char *expected)
{
    flowan_filter *filter = filter_of(text);
    size_t count;
    const char *const *columns = flowan_filter_columns(filter, &count);
    char got[512] = "";
    ck_assert_ptr_nonnull(columns);
    for (size_t i = 0; i < count; i++) {
        strcat(got, i ? " " : "");
        strcat(got, columns[i]);
    }
    ck_assert_str_eq(got, expected);
    flowan_filter_free(filter);
}

START_TEST(columns_are_those_needed)
{
    expect_columns("any", "");
    expect_columns("", "");
    expect_columns("port 80 and dst port 5", "dst_port src_port");
    expect_columns("field mine 3 and not field \"mine\" 4 or field other exists",
                   "other mine");
    expect_columns("duration > 5s", "time_flow_start_ns time_flow_end_ns");
    expect_columns("bps > 5 or pps > 5",
                   "time_flow_start_ns time_flow_end_ns bytes packets");
    expect_columns("bpp > 5", "bytes packets");
    expect_columns("src as 5", "src_addr src_as");
    expect_columns("dst as 5", "dst_addr dst_as");
    expect_columns("direction out or local ip 10.0.0.1 or remote ip 192.0.2.1",
                   "src_addr dst_addr post_nat_dst_ipv4_address "
                   "post_nat_dst_ipv6_address");
    expect_columns("remote as 5", "src_addr dst_addr post_nat_dst_ipv4_address "
                                  "post_nat_dst_ipv6_address src_as dst_as");
    expect_columns("flags S", "proto tcp_flags");
    expect_columns("ipv4", "etype src_addr dst_addr");
    /* what was folded away is not asked for */
    expect_columns("any or field mine 3", "");
}
END_TEST

/* --- limits --- */

/* `count` times `piece`, to be freed. */
static char *repeated(const char *piece, size_t count, const char *end)
{
    size_t size = strlen(piece);
    char *text = malloc(count * size + strlen(end) + 1);
    ck_assert_ptr_nonnull(text);
    for (size_t i = 0; i < count; i++)
        memcpy(text + i * size, piece, size);
    strcpy(text + count * size, end);
    return text;
}

/* "(((… port 1 …)))" in `depth` pairs. */
static char *nested(const char *open, size_t depth)
{
    char *left = repeated(open, depth, "src port 1");
    char *right = repeated(")", depth, "");
    char *text = malloc(strlen(left) + strlen(right) + 1);
    strcat(strcpy(text, left), right);
    free(left);
    free(right);
    return text;
}

START_TEST(nesting_has_an_end)
{
    char *text = nested("(", 64);
    flowan_filter *filter = filter_of(text);
    ck_assert_uint_eq(filter->node_count, 1);
    flowan_filter_free(filter);
    free(text);
    text = nested("(", 65);
    expect_failure(text, strlen(text), FLOWAN_ERROR_LIMIT, 64,
                   "column 65: nested deeper than 64 levels");
    free(text);
    /* signs that take back each other are no levels */
    text = repeated("not ", 100000, "src port 1");
    filter = filter_of(text);
    ck_assert_uint_eq(filter->node_count, 1);
    flowan_filter_free(filter);
    free(text);
    /* two levels of the tree for each pair: AND, NOT */
    text = nested("in if 1 and not (", 31);
    filter = filter_of(text);
    char *form = shown(filter);
    fl_memory_free(form);
    flowan_filter_free(filter);
    free(text);
    text = nested("in if 1 and not (", 40);
    flowan_error error;
    ck_assert_int_eq(flowan_filter_compile(&filter, text, strlen(text), NULL, &error),
                     FLOWAN_ERROR_LIMIT);
    ck_assert_ptr_nonnull(strstr(error.message, "nested deeper than 64 levels"));
    ck_assert_uint_le(error.offset, strlen(text));
    free(text);
}
END_TEST

START_TEST(long_texts_are_refused)
{
    size_t size = (16 << 20) + 1;
    char *text = malloc(size);
    memset(text, ' ', size);
    flowan_filter *filter = filter_of_size(text, size - 1, NULL);
    flowan_filter_free(filter);
    expect_failure(text, size, FLOWAN_ERROR_LIMIT, size - 1,
                   "16777217 bytes, which is more than 16 MiB");
    free(text);
}
END_TEST

START_TEST(many_tests_are_refused)
{
    char *text = repeated("src port 1 and vlan 2 or ", 87382, "any");
    flowan_filter *filter;
    flowan_error error;
    ck_assert_int_eq(flowan_filter_compile(&filter, text, strlen(text), NULL, &error),
                     FLOWAN_ERROR_LIMIT);
    ck_assert_ptr_nonnull(strstr(error.message, "more than 262,144 different tests"));
    ck_assert_uint_lt(error.offset, strlen(text));
    text[25 * 87000] = '#';
    memset(text + 25 * 87000 - 3, ' ', 3);
    filter = filter_of(text);
    ck_assert_uint_eq(filter->test_count, 3 * 87000);
    flowan_filter_free(filter);
    free(text);
}
END_TEST

/* Long ORs and long lists come to a test a side. */
START_TEST(many_values_are_one_test)
{
    enum { COUNT = 100000 };
    fl_buffer list = {0};
    fl_buffer chain = {0};
    fl_buffer_text(&list, "ip in [");
    for (unsigned i = 0; i < COUNT; i++) {
        unsigned address = i * 2654435761U;
        char text[32];
        snprintf(text, sizeof text, "%u.%u.%u.%u", address >> 24, address >> 16 & 255,
                 address >> 8 & 255, address & 255);
        fl_buffer_format(&list, "%s%s", text, i % 3 ? " " : ", ");
        fl_buffer_format(&chain, "%sip %s", i ? " or " : "", text);
    }
    fl_buffer_text(&list, "192.0.2.1]");
    fl_buffer_text(&chain, " or ip 192.0.2.1");
    flowan_filter *a = filter_of_size(list.data, list.size, NULL);
    flowan_filter *b = filter_of_size(chain.data, chain.size, NULL);
    ck_assert_uint_eq(a->test_count, 2);
    ck_assert_uint_eq(b->test_count, 2);
    ck_assert_uint_gt(a->tests[0].addresses.count, COUNT * 9 / 10);
    ck_assert_uint_eq(a->tests[0].addresses.count, b->tests[0].addresses.count);
    ck_assert_mem_eq(a->tests[0].addresses.ranges, b->tests[0].addresses.ranges,
                     a->tests[0].addresses.count * sizeof(fl_wide_range));
    flowan_filter_free(a);
    flowan_filter_free(b);
    fl_buffer_free(&list);
    fl_buffer_free(&chain);
}
END_TEST

START_TEST(options_of_the_future_are_refused)
{
    struct {
        flowan_filter_options known;
        uint64_t more;
    } options = {{sizeof options, NULL, 0}, 0};
    flowan_filter *filter;
    ck_assert_int_eq(flowan_filter_compile(&filter, NULL, 0, &options.known, NULL), 0);
    flowan_filter_free(filter);
    options.more = 1;
    ck_assert_int_eq(flowan_filter_compile(&filter, NULL, 0, &options.known, NULL),
                     FLOWAN_ERROR_ARGUMENT);
    ck_assert_ptr_null(filter);
    /* of an older library: what it does not know is as if it were 0 */
    options.known = (flowan_filter_options){sizeof(size_t), NULL, FILTER_NOW};
    ck_assert_int_eq(flowan_filter_compile(&filter, "field time_received_ns < now", 28,
                                           &options.known, NULL),
                     FLOWAN_ERROR_ARGUMENT);
    flowan_filter_free(NULL);
}
END_TEST

static Suite *suite_of(void)
{
    Suite *suite = suite_create("filter");
    TCase *tests = tcase_create("filter");
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, text_comes_to_form, 0, sizeof forms / sizeof *forms);
    tcase_add_test(tests, names_are_decoded);
    tcase_add_loop_test(tests, mistake_is_told, 0, sizeof mistakes / sizeof *mistakes);
    tcase_add_test(tests, odd_bytes_are_told);
    tcase_add_test(tests, times_need_a_now);
    tcase_add_test(tests, networks_go_by_name);
    tcase_add_test(tests, default_networks_are_made_when_needed);
    tcase_add_test(tests, columns_are_those_needed);
    tcase_add_test(tests, nesting_has_an_end);
    tcase_add_test(tests, long_texts_are_refused);
    tcase_add_test(tests, many_tests_are_refused);
    tcase_add_test(tests, many_values_are_one_test);
    tcase_add_test(tests, options_of_the_future_are_refused);
    suite_add_tcase(suite, tests);
    return suite;
}

FL_UNIT_MAIN(suite_of)
