#include <stdio.h>

#include "filters.h"
#include "memory.h"
#include "records.h"
#include "unit.h"

/* The rows of the batch that a filter finds, as text: "0 2 5". */
static void rows_of(const flowan_filter *filter, const flowan_batch *batch,
                    const flowan_matcher_options *options, char out[256])
{
    flowan_matcher *matcher;
    const flowan_selection *found;
    size_t size = 0;
    ck_assert_int_eq(flowan_matcher_new(&matcher, filter, options, NULL), FLOWAN_OK);
    ck_assert_int_eq(flowan_matcher_apply(matcher, batch, NULL, &found, NULL),
                     FLOWAN_OK);
    out[0] = '\0';
    for (size_t i = 0; i < found->count; i++)
        size += (size_t)snprintf(out + size, 256 - size, "%s%u", i ? " " : "",
                                 found->rows[i]);
    flowan_matcher_free(matcher);
}

static void expect(const flowan_batch *batch, const char *text, const char *rows)
{
    char got[256];
    flowan_filter *filter = filter_of(text);
    rows_of(filter, batch, NULL, got);
    if (strcmp(got, rows) != 0)
        ck_abort_msg("%s: rows %s, not %s", text, got, rows);
    flowan_filter_free(filter);
}

static const char traffic[] =
    /* 0: a customer goes out */
    "{'type':'IPFIX','sampler_address':'192.0.2.1','time_flow_start_ns':1742058600000000000,"
    "'time_flow_end_ns':1742058602000000000,'bytes':4000,'packets':10,"
    "'src_addr':'10.1.2.3','src_net':'10.1.0.0/16','dst_addr':'198.51.100.7','etype':'IPv4',"
    "'proto':'TCP','src_port':40000,'dst_port':443,'in_if':3,'out_if':7,"
    "'tcp_flags':18,'src_as':0,'dst_as':64496,"
    "'post_nat_src_ipv4_address':'cb007101','post_napt_src_transport_port':5000}\n"
    /* 1: the answer, translated back */
    "{'type':'NETFLOW_V9','time_flow_start_ns':1742058600000000000,"
    "'time_flow_end_ns':1742058600000000000,'bytes':900,'packets':0,"
    "'src_addr':'198.51.100.7','dst_addr':'203.0.113.1','etype':'IPv4','proto':'TCP',"
    "'src_port':443,'dst_port':5000,'in_if':7,'out_if':3,'tcp_flags':2,"
    "'post_nat_dst_ipv4_address':'0a010203','post_nat_src_ipv4_address':'00000000'}\n"
    /* 2: IPv6, no EtherType, an error message */
    "{'src_addr':'2001:db8::1','dst_addr':'fd00::5','proto':'IPv6-ICMP','icmp_type':128,"
    "'icmp_code':0,'src_port':0,'dst_port':0,'bytes':64,'packets':1}\n"
    /* 3: a number of a protocol is lost; a key of one's own */
    "{'proto':'unknown','etype':'ARP','mine':7,'flag':true,'note':'a\\nb','in_if':9}\n"
    /* 4: both ends are ours; the key is a text */
    "{'src_addr':'10.1.2.3','dst_addr':'192.168.1.1','proto':'UDP','src_port':53,"
    "'dst_port':53,'mine':'7','flag':false,'mpls_label':[16,17],"
    "'src_mac':'2c:c8:1b:ac:cf:81','src_vlan':5,'time_flow_start_ns':5,"
    "'time_flow_end_ns':4,'icmp_type':0}\n";

static const struct {
    const char *filter;
    const char *rows;
} questions[] = {
    {"", "0 1 2 3 4"},
    {"any", "0 1 2 3 4"},
    {"not any", ""},
    {"# nothing\n", "0 1 2 3 4"},
    {"ipv4", "0 1 4"},
    {"inet6", "2"},
    {"proto tcp", "0 1"},
    {"proto 6", "0 1"},
    {"proto != tcp", "2 3 4"},
    {"not proto tcp", "2 3 4"},
    {"proto unknown", "3"},
    {"proto != unknown", "0 1 2 4"},
    {"proto icmp6 or proto udp", "2 4"},
    {"src ip 10.1.2.3", "0 4"},
    {"ip 198.51.100.7", "0 1"},
    {"src and dst port 53", "4"},
    {"port != 53", "0 1 2"},
    {"not port 53", "0 1 2 3"},
    {"port 443", "0 1"},
    {"dst port 440-450", "0"},
    {"port in [80, 443 5000-6000]", "0 1"},
    {"net 10.0.0.0/8", "0 4"},
    {"net 10.1.0.0 255.255.0.0", "0 4"},
    {"net 10/8", "0 4"},
    {"net ::/0", "2"},
    {"net 0.0.0.0/0", "0 1 4"},
    {"src mask 16", "0"},
    {"in if 3", "0"},
    {"if 3", "0 1"},
    {"not in if 3", "1 2 3 4"},
    {"in if in [3 9]", "0 3"},
    {"in if not in [3 9]", "1"},
    {"bytes > 1k", "0"},
    {"bytes < 1k and bytes ge 64", "1 2"},
    {"packets 0", "1"},
    {"duration 2s", "0"},
    {"duration < 2s", "1"},
    {"duration 2000", "0"},
    {"bps 16k", "0"},
    {"bps 0", "1"},
    {"pps 5", "0"},
    {"bpp 400", "0"},
    {"bpp 0", "1"},
    {"flags S", "0 1"},
    {"flags = S", "1"},
    {"flags SA", "0"},
    {"flags 18", "0"},
    {"not flags A", "1 2 3 4"},
    {"icmp-type 128", "2"},
    {"icmp-type 0", ""},
    {"icmp code 0", "2"},
    {"src xip 203.0.113.1", "0"},
    {"xip 10.1.2.3", "1"},
    {"nat net 203.0.113.0/24", "0"},
    {"xip 0.0.0.0", ""},
    {"xip != 1.1.1.1", "0 1"},
    {"src nip != 1.1.1.1", "0"},
    {"field post_nat_src_ipv4_address = 0.0.0.0", "1"},
    {"src nat port 5000", "0"},
    {"direction out", "0"},
    {"direction in", "1 2"},
    {"direction internal", "4"},
    {"direction external", "3"},
    {"direction != out", "1 2 3 4"},
    {"local ip 10.1.2.3", "0 1 4"},
    {"local net 10.0.0.0/8", "0 1 4"},
    {"local net \"10.0.0.0/8\"", "0 1 4"},
    {"local net in [192.168.0.0/16 \"fc00::/7\"]", "2 4"},
    {"local net not in [\"10.0.0.0/8\" fc00::/7]", "4"},
    {"remote ip 198.51.100.7", "0 1"},
    {"remote as 64496", "0"},
    {"remote as 0", "1 2 4"},
    {"dst as 64496", "0"},
    {"as != 0", "0"},
    {"src as 0", "0 1 2 3 4"},
    {"type ipfix", "0"},
    {"exporter 192.0.2.1", "0"},
    {"vlan 5", "4"},
    {"mac 2C:C8:1B:AC:CF:81", "4"},
    {"in src mac 2c:c8:1b:ac:cf:81", "4"},
    {"mpls label 17", "4"},
    {"field mine 7", "3 4"},
    {"field mine \"7\"", "4"},
    {"field mine > 6", "3"},
    {"field mine != 7", ""},
    {"field mine != \"7\"", "3"},
    {"field mine exists", "3 4"},
    {"field flag = true", "3"},
    {"field note \"a\\nb\"", "3"},
    {"field etype = arp", "3"},
    {"field time_flow_start_ns >= 2025-03-15T17:10", "0 1"},
    {"field time_flow_start_ns 5", ""},
    {"field nothing = 1", ""},
    {"not field nothing = 1", "0 1 2 3 4"},
    {"field nothing != 1", ""},
    {"(proto tcp or proto udp) and not (port 443 && dst port 5000)", "0 4"},
    {"! ! proto tcp", "0 1"},
};

START_TEST(answers)
{
    flowan_batch *batch = records(traffic);
    ck_assert_uint_eq(flowan_batch_rows(batch), 5);
    expect(batch, questions[_i].filter, questions[_i].rows);
    flowan_batch_free(batch);
}
END_TEST

/* Rates of 128 bits: at the largest number they stop. */
START_TEST(rates_are_exact)
{
    flowan_batch *batch = records(
        "{'bytes':2305843009,'time_flow_start_ns':1,'time_flow_end_ns':2,'packets':1}\n"
        "{'bytes':2305843010,'time_flow_start_ns':1,'time_flow_end_ns':2,'packets':9}\n"
        "{'bytes':18446744073709551615,'time_flow_start_ns':0,"
        "'time_flow_end_ns':18446744073709551615,'packets':18446744073709551615}\n"
        "{'bytes':18446744073709551615,'time_flow_start_ns':0,"
        "'time_flow_end_ns':8000000000,'packets':2}\n"
        "{'bytes':18446744073709551615,'time_flow_start_ns':0,"
        "'time_flow_end_ns':8000000001,'packets':2}\n"
        "{'bytes':18446744073709551615,'time_flow_start_ns':0,"
        "'time_flow_end_ns':12000000000000000001,'packets':3}\n");
    expect(batch, "bps 18446744072000000000", "0");
    expect(batch, "bps 18446744073709551615", "1 3");
    expect(batch, "bps 8000000000", "2");
    expect(batch, "pps 1000000000", "0 2");
    expect(batch, "bps 18446744071403708606", "4");
    expect(batch, "bps 12297829382", "5");
    expect(batch, "bps 12297829381-12297829383", "5");
    expect(batch, "bpp 1", "2");
    expect(batch, "bpp 9223372036854775807", "3 4");
    expect(batch, "duration > 9223372036854ms", "2 5");
    flowan_batch_free(batch);
}
END_TEST

/* One matcher for batches of all sizes, and for what is left of them. */
START_TEST(matcher_goes_on)
{
    flowan_filter *filter =
        filter_of("(field n > 10 and bps != 8k) or direction out or field m exists");
    flowan_matcher *matcher;
    ck_assert_int_eq(flowan_matcher_new(&matcher, filter, NULL, NULL), FLOWAN_OK);
    static const size_t sizes[] = {0, 1, 300, 64, 1000, 63, 65};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        fl_buffer text = {0};
        for (size_t i = 0; i < sizes[s]; i++)
            fl_buffer_format(&text,
                             "{\"n\":%zu,\"time_flow_start_ns\":0,\"bytes\":%zu,"
                             "\"time_flow_end_ns\":1000000000,\"src_addr\":\"%s\"}\n",
                             i, i % 7 ? 1000 : i, i % 50 ? "1.1.1.1" : "10.0.0.1");
        flowan_batch *batch = records_of(text.data ? text.data : "", text.size);
        uint32_t some[1000];
        flowan_selection among = {some, 0};
        for (size_t i = 0; i < sizes[s]; i += 1 + i % 5)
            some[among.count++] = (uint32_t)i;
        const flowan_selection *found;
        ck_assert_int_eq(flowan_matcher_apply(matcher, batch, &among, &found, NULL), 0);
        size_t at = 0;
        for (size_t i = 0; i < among.count; i++) {
            size_t row = some[i];
            bool holds = row % 50 == 0 || (row > 10 && row % 7 == 0 && row != 1000);
            bool got = at < found->count && found->rows[at] == row;
            ck_assert_msg(holds == got, "%zu rows: row %zu", sizes[s], row);
            at += got;
        }
        ck_assert_uint_eq(at, found->count);
        flowan_batch_free(batch);
        fl_buffer_free(&text);
    }
    flowan_matcher_free(matcher);
    flowan_filter_free(filter);
}
END_TEST

START_TEST(selection_is_honoured)
{
    flowan_batch *batch = records(traffic);
    flowan_filter *filter = filter_of("not proto udp");
    flowan_matcher *matcher;
    const flowan_selection *found;
    flowan_error error;
    ck_assert_int_eq(flowan_matcher_new(&matcher, filter, NULL, NULL), FLOWAN_OK);
    static const uint32_t rows[] = {1, 3, 4, 5};
    flowan_selection among = {rows, 3};
    ck_assert_int_eq(flowan_matcher_apply(matcher, batch, &among, &found, NULL), 0);
    ck_assert_uint_eq(found->count, 2);
    ck_assert_uint_eq(found->rows[0], 1);
    ck_assert_uint_eq(found->rows[1], 3);
    among.count = 0;
    ck_assert_int_eq(flowan_matcher_apply(matcher, batch, &among, &found, NULL), 0);
    ck_assert_uint_eq(found->count, 0);
    among.count = 4;
    ck_assert_int_eq(flowan_matcher_apply(matcher, batch, &among, &found, &error),
                     FLOWAN_ERROR_ARGUMENT);
    ck_assert_ptr_null(found);
    ck_assert_str_eq(error.message,
                     "the selection has a row beyond the batch of 5 rows");
    /* and no harm is done */
    ck_assert_int_eq(flowan_matcher_apply(matcher, batch, NULL, &found, NULL), 0);
    ck_assert_uint_eq(found->count, 4);
    flowan_matcher_free(matcher);
    flowan_matcher_free(NULL);
    flowan_filter_free(filter);
    flowan_batch_free(batch);
}
END_TEST

/* 8.8.8.8 is of another AS in the database than the record says. */
START_TEST(asns_go_by_their_order)
{
    static const struct {
        bool with;
        bool prefer;
        const char *text;
        const char *rows;
    } asked[] = {
        {false, false, "dst as 64496", "0"}, {false, false, "dst as 0", "1"},
        {true, false, "dst as 64496", "0"},  {true, false, "dst as 0", ""},
        {true, true, "dst as 64496", ""},    {true, true, "dst as 0", ""},
        {true, true, "remote as 0", ""},     {false, true, "remote as 0", "1"}};
    char path[4096];
    const char *directory = getenv("FLOWAN_TEST_DATA");
    snprintf(path, sizeof path, "%s/asn.mmdb", directory ? directory : "tests/data");
    flowan_asdb *asdb;
    ck_assert_int_eq(flowan_asdb_open(&asdb, path, NULL), FLOWAN_OK);
    flowan_batch *batch =
        records("{'src_addr':'10.0.0.1','dst_addr':'8.8.8.8','dst_as':64496}\n"
                "{'src_addr':'10.0.0.1','dst_addr':'8.8.8.8','dst_as':0}\n");
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
        flowan_filter *filter = filter_of(asked[i].text);
        flowan_matcher_options options = {sizeof options, asked[i].with ? asdb : NULL,
                                          asked[i].prefer};
        char got[256];
        rows_of(filter, batch, &options, got);
        ck_assert_msg(strcmp(got, asked[i].rows) == 0, "%zu: %s: %s", i, asked[i].text,
                      got);
        flowan_filter_free(filter);
    }
    flowan_batch_free(batch);
    flowan_asdb_free(asdb);
}
END_TEST

START_TEST(options_of_the_future_are_refused)
{
    struct {
        flowan_matcher_options known;
        uint64_t more;
    } options = {{sizeof options, NULL, false}, 1};
    flowan_filter *filter = filter_of("any");
    flowan_matcher *matcher;
    ck_assert_int_eq(flowan_matcher_new(&matcher, filter, &options.known, NULL),
                     FLOWAN_ERROR_ARGUMENT);
    ck_assert_ptr_null(matcher);
    flowan_filter_free(filter);
}
END_TEST

static Suite *suite_of(void)
{
    Suite *suite = suite_create("match");
    TCase *tests = tcase_create("match");
    tcase_add_loop_test(tests, answers, 0, sizeof questions / sizeof *questions);
    tcase_add_test(tests, rates_are_exact);
    tcase_add_test(tests, matcher_goes_on);
    tcase_add_test(tests, selection_is_honoured);
    tcase_add_test(tests, asns_go_by_their_order);
    tcase_add_test(tests, options_of_the_future_are_refused);
    suite_add_tcase(suite, tests);
    return suite;
}

FL_UNIT_MAIN(suite_of)
