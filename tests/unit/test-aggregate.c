/* The aggregator: what `by` may say, how rows are keyed, counted and ordered, and that
 * rows + outside - counted_twice = total. */
#include "flowan/aggregate.h"

#include <stdio.h>

#include "key.h"
#include "records.h"
#include "sum.h"
#include "unit.h"

static const char networks_text[] = "10.8.0.0/16 office\n"
                                    "2001:db8::/32 office\n"
                                    "10.9.0.0/16 branch\n";

/* All rows by key: "KEY|KEY flows/packets/bytes;…", then the sums that have no row. */
static const char *counted(const flowan_aggregator_options *more, const char *by,
                           const char *text, const flowan_selection *selection)
{
    static char out[8192];
    flowan_networks *networks = NULL;
    ck_assert_int_eq(flowan_networks_parse(&networks, networks_text,
                                           sizeof networks_text - 1, "n", NULL),
                     FLOWAN_OK);
    flowan_aggregator_options options = {.size = sizeof options};
    if (more)
        options = *more;
    options.size = sizeof options;
    options.by = by;
    options.networks = networks;
    flowan_aggregator *aggregator = NULL;
    flowan_error error;
    ck_assert_msg(flowan_aggregator_new(&aggregator, &options, &error) == FLOWAN_OK,
                  "%s", error.message);
    flowan_batch *batch = records(text);
    ck_assert_int_eq(flowan_aggregator_push(aggregator, batch, selection, NULL),
                     FLOWAN_OK);
    flowan_batch_free(batch); /* nothing of it is needed any more */
    const uint32_t *rows;
    size_t count;
    ck_assert_int_eq(flowan_aggregator_order(aggregator, FLOWAN_ORDER_KEY, SIZE_MAX,
                                             &rows, &count, NULL),
                     FLOWAN_OK);
    ck_assert_uint_eq(count, flowan_aggregator_rows(aggregator));
    flowan_measures sum = {0};
    fl_buffer line = {0};
    for (size_t i = 0; i < count; i++) {
        flowan_key_part parts[FL_KEY_PARTS_MAX];
        flowan_measures measures;
        ck_assert(flowan_aggregator_row(aggregator, rows[i], parts, &measures));
        for (size_t k = 0; k < flowan_aggregator_keys(aggregator); k++) {
            fl_buffer_text(&line, k ? "|" : "");
            if (parts[k].type == FLOWAN_KEY_NULL)
                fl_buffer_text(&line, "null");
            fl_keys_put_text(&line, &parts[k]);
        }
        fl_buffer_format(&line, " %llu/%llu/%llu;", (unsigned long long)measures.flows,
                         (unsigned long long)measures.packets.low,
                         (unsigned long long)measures.bytes.low);
        fl_measures_add(&sum, &measures);
    }
    flowan_totals totals;
    flowan_aggregator_totals(aggregator, &totals);
    fl_buffer_format(&line, " outside %llu, twice %llu",
                     (unsigned long long)totals.outside.flows,
                     (unsigned long long)totals.counted_twice.flows);
    ck_assert_uint_eq(sum.flows + totals.outside.flows - totals.counted_twice.flows,
                      totals.total.flows);
    fl_sum_add(&sum.bytes, totals.outside.bytes);
    fl_sum_subtract(&sum.bytes, totals.counted_twice.bytes);
    ck_assert_int_eq(fl_sum_compare(sum.bytes, totals.total.bytes), 0);
    ck_assert_uint_lt(line.size, sizeof out);
    memcpy(out, line.data, line.size);
    out[line.size] = '\0';
    fl_buffer_free(&line);
    flowan_aggregator_free(aggregator);
    flowan_networks_free(networks);
    return out;
}

#define EXPECT(by, text, want) ck_assert_str_eq(counted(NULL, by, text, NULL), want)

static void refused(const char *by, const char *message, uint64_t offset)
{
    flowan_aggregator_options options = {.size = sizeof options, .by = by};
    flowan_aggregator *aggregator = (flowan_aggregator *)&options;
    flowan_error error;
    ck_assert_int_eq(flowan_aggregator_new(&aggregator, &options, &error),
                     FLOWAN_ERROR_ARGUMENT);
    ck_assert_ptr_null(aggregator);
    ck_assert_msg(strstr(error.message, message), "%s", error.message);
    ck_assert_uint_eq(error.offset, offset);
    ck_assert_int_eq(flowan_aggregator_new(&aggregator, &options, NULL),
                     FLOWAN_ERROR_ARGUMENT);
}

START_TEST(bad_keys)
{
    refused(",", "column 1: expected the name of a key", 0);
    refused("proto,", "column 7: expected the name of a key", 6);
    refused("proto,,etype", "column 7: expected the name", 6);
    refused("proto/24", "column 6: expected no prefix length", 5);
    refused("my_key/24", "column 7: expected no prefix length", 6);
    refused("local_net/24", "no prefix length", 9);
    refused("mpls_ip/24", "no prefix length", 7);
    refused("src_addr/", "column 10: expected a prefix length, 0 to 128", 9);
    refused("src_addr/129", "column 10: expected a prefix length, 0 to 128", 9);
    refused("src_addr/x", "0 to 128", 9);
    refused("src_addr/024", "0 to 128", 9);
    refused("src_addr/33,64", "column 10: expected a prefix length for IPv4, 0 to 32",
            9);
    refused("src_addr/24,129", "column 13: expected a prefix length for IPv6", 12);
    refused("/24", "column 1: expected the name of a key", 0);
    char many[256] = "a";
    for (int i = 0; i < 64; i++)
        strcat(many, ",a");
    refused(many, "no more than 64 keys", 128);
    many[127] = '\0'; /* 64 of them */
    flowan_aggregator_options options = {.size = sizeof options, .by = many};
    flowan_aggregator *aggregator;
    ck_assert_int_eq(flowan_aggregator_new(&aggregator, &options, NULL), FLOWAN_OK);
    flowan_aggregator_free(aggregator);
}
END_TEST

START_TEST(unknown_options)
{
    struct {
        flowan_aggregator_options known;
        uint64_t newer;
    } options = {.known = {.size = sizeof options}};
    flowan_aggregator *aggregator;
    ck_assert_int_eq(flowan_aggregator_new(&aggregator, &options.known, NULL),
                     FLOWAN_OK);
    flowan_aggregator_free(aggregator);
    options.newer = 1;
    ck_assert_int_eq(flowan_aggregator_new(&aggregator, &options.known, NULL),
                     FLOWAN_ERROR_ARGUMENT);
    ck_assert_int_eq(flowan_aggregator_new(&aggregator, NULL, NULL), FLOWAN_OK);
    ck_assert_uint_eq(flowan_aggregator_keys(aggregator), 0);
    ck_assert_ptr_null(flowan_aggregator_key_name(aggregator, 0));
    ck_assert(!flowan_aggregator_row(aggregator, 0, NULL, NULL));
    flowan_aggregator_free(aggregator);
    flowan_aggregator_free(NULL);
}
END_TEST

START_TEST(plain_fields)
{
    EXPECT("", "", " outside 0, twice 0");
    EXPECT("", "{'bytes':1}{'bytes':2,'packets':1}", " 2/1/3; outside 0, twice 0");
    EXPECT("src_port", "{'src_port':9}{'src_port':10}{}{'src_port':9}",
           "null 1/0/0;9 2/0/0;10 1/0/0; outside 0, twice 0");
    EXPECT("proto",
           "{'proto':'UDP'}{'proto':'TCP'}{'proto':6}{'proto':250}{'proto':'zz'}",
           "250 1/0/0;TCP 2/0/0;UDP 1/0/0;zz 1/0/0; outside 0, twice 0");
    EXPECT("exporter", "{'sampler_address':'192.0.2.1'}{'sampler_address':'::'}",
           ":: 1/0/0;192.0.2.1 1/0/0; outside 0, twice 0");
    EXPECT("src_mac,dst_vlan", "{'src_mac':'2c:c8:1b:ac:cf:81','dst_vlan':3}",
           "2c:c8:1b:ac:cf:81|3 1/0/0; outside 0, twice 0");
    EXPECT("as_path", "{'as_path':[1,2]}{'as_path':[]}{}",
           "null 1/0/0;[1,2] 1/0/0;[] 1/0/0; outside 0, twice 0");
    EXPECT("mpls_ip", "{'mpls_ip':['192.0.2.1','::1']}",
           "[\"192.0.2.1\",\"::1\"] 1/0/0; outside 0, twice 0");
    EXPECT("time_flow_start_ns", "{'time_flow_start_ns':18446744073709551615}",
           "18446744073709551615 1/0/0; outside 0, twice 0");
    EXPECT("src_net,dst_net",
           "{'src_addr':'10.8.1.2','src_net':'10.8.0.0/16','dst_addr':'2001:db8::1',"
           "'dst_net':'2001:db8::/32'}{'src_net':'invalid Prefix'}",
           "null|null 1/0/0;10.8.0.0/16|2001:db8::/32 1/0/0; outside 0, twice 0");
}
END_TEST

START_TEST(unknown_fields)
{
    /* A key may change its type from record to record; null is as good as absent. */
    EXPECT("k", "{'k':1}{'k':'1'}{'k':true}{'k':-1}{'k':null}{}{'k':[1]}{'k':''}",
           "null 2/0/0;true 1/0/0;1 1/0/0; 1/0/0;1 1/0/0;-1 1/0/0;[1] 1/0/0;"
           " outside 0, twice 0");
    EXPECT("64,k", "{'64':1,'k':2}", "1|2 1/0/0; outside 0, twice 0");
    EXPECT("nowhere", "{'k':1}", "null 1/0/0; outside 0, twice 0");
    /* NULs, and parts that would run together without their lengths. */
    EXPECT("a,b", "{'a':'x','b':'yz'}{'a':'xy','b':'z'}",
           "x|yz 1/0/0;xy|z 1/0/0; outside 0, twice 0");
    EXPECT("a", "{'a':'x\\u0001'}{'a':'x'}{'a':'x\\u0001'}",
           "x 1/0/0;x\x01 2/0/0; outside 0, twice 0");
}
END_TEST

START_TEST(prefixes)
{
    static const char text[] = "{'src_addr':'10.8.1.7'}{'src_addr':'::ffff:10.8.1.9'}"
                               "{'src_addr':'2001:db8:1:2::3'}{}";
    EXPECT("src_addr", text,
           "null 1/0/0;10.8.1.7 1/0/0;10.8.1.9 1/0/0;2001:db8:1:2::3 1/0/0;"
           " outside 0, twice 0");
    EXPECT("src_addr/24", text,
           "null 1/0/0;10.8.1.0/24 2/0/0;2001:d00::/24 1/0/0; outside 0, twice 0");
    EXPECT("src_addr/24,64", text,
           "null 1/0/0;10.8.1.0/24 2/0/0;2001:db8:1:2::/64 1/0/0; outside 0, twice 0");
    EXPECT("src_addr/64", text,
           "null 1/0/0;10.8.1.7/32 1/0/0;10.8.1.9/32 1/0/0;2001:db8:1:2::/64 1/0/0;"
           " outside 0, twice 0");
    EXPECT("src_addr/0,0", text,
           "null 1/0/0;::/0 1/0/0;0.0.0.0/0 2/0/0; outside 0, twice 0");
    EXPECT("local_ip/16,src_addr/8", "{'src_addr':'10.8.1.7'}",
           "10.8.0.0/16|10.0.0.0/8 1/0/0; outside 0, twice 0");
}
END_TEST

/* out, in, internal between two networks, internal within one, transit */
static const char ways[] =
    "{'src_addr':'10.8.0.1','dst_addr':'8.8.8.8','bytes':1,'dst_as':15169}"
    "{'src_addr':'8.8.8.8','dst_addr':'10.8.0.1','bytes':10}"
    "{'src_addr':'10.8.0.1','dst_addr':'10.9.0.1','bytes':100,'src_as':1,'dst_as':2}"
    "{'src_addr':'10.8.0.1','dst_addr':'10.8.0.2','bytes':1000}"
    "{'src_addr':'8.8.8.8','dst_addr':'9.9.9.9','bytes':10000}";

START_TEST(sides)
{
    EXPECT("direction", ways,
           "in 1/0/10;internal 2/0/1100;out 1/0/1;transit 1/0/10000;"
           " outside 0, twice 0");
    EXPECT("local_net", ways, "branch 1/0/100;office 4/0/1111; outside 1, twice 1");
    EXPECT("local_ip", ways,
           "10.8.0.1 4/0/1111;10.8.0.2 1/0/1000;10.9.0.1 1/0/100; outside 1, twice 2");
    EXPECT("local_net,local_ip", ways,
           "branch|10.9.0.1 1/0/100;office|10.8.0.1 4/0/1111;office|10.8.0.2 1/0/1000;"
           " outside 1, twice 2");
    EXPECT("local_net,remote_ip", ways,
           "branch|10.8.0.1 1/0/100;office|8.8.8.8 2/0/11;office|10.8.0.1 1/0/1000;"
           "office|10.8.0.2 1/0/1000;office|10.9.0.1 1/0/100; outside 1, twice 2");
    EXPECT("local_net,remote_as", ways,
           "branch|1 1/0/100;office|0 2/0/1010;office|2 1/0/100;office|15169 1/0/1;"
           " outside 1, twice 1");
    EXPECT("remote_as", ways, "0 1/0/10;15169 1/0/1; outside 3, twice 0");
    EXPECT("remote_ip", ways, "8.8.8.8 2/0/11; outside 3, twice 0");
    EXPECT("remote_ip", "{'src_addr':'10.8.0.1'}", "null 1/0/0; outside 0, twice 0");
    EXPECT("src_as,dst_as", ways,
           "0|0 3/0/11010;0|15169 1/0/1;1|2 1/0/100; outside 0, twice 0");
    /* From an address to itself both sides are the same key. */
    EXPECT("local_ip,remote_ip", "{'src_addr':'10.8.0.1','dst_addr':'10.8.0.1'}",
           "10.8.0.1|10.8.0.1 1/0/0; outside 0, twice 0");
}
END_TEST

START_TEST(derived)
{
    EXPECT("service",
           "{'src_port':443,'dst_port':80}{'src_port':50000,'dst_port':443}{}"
           "{'src_port':0,'dst_port':1024}{'src_port':1023,'dst_port':1024}",
           "null 2/0/0;80 1/0/0;443 1/0/0;1023 1/0/0; outside 0, twice 0");
    EXPECT("hour,day",
           "{'time_flow_start_ns':1742058000000000000}"
           "{'time_flow_start_ns':1742057999999999999}{}",
           "null|null 1/0/0;2025-03-15T16:00:00Z|2025-03-15 1/0/0;"
           "2025-03-15T17:00:00Z|2025-03-15 1/0/0; outside 0, twice 0");
}
END_TEST

START_TEST(bins)
{
    flowan_aggregator_options options = {.bin_ns = UINT64_C(60000000000)};
    static const char text[] =
        "{'time_flow_start_ns':1742058059999999999}"
        "{'time_flow_start_ns':1742058060000000000,'proto':'TCP'}"
        "{'bytes':5}";
    ck_assert_str_eq(counted(&options, NULL, text, NULL),
                     "2025-03-15T17:00:00Z 1/0/0;2025-03-15T17:01:00Z 1/0/0;"
                     " outside 1, twice 0");
    ck_assert_str_eq(counted(&options, "proto", text, NULL),
                     "2025-03-15T17:00:00Z|null 1/0/0;2025-03-15T17:01:00Z|TCP 1/0/0;"
                     " outside 1, twice 0");
    /* Internal, and without a time: outside, and once. */
    ck_assert_str_eq(counted(&options, "local_ip",
                             "{'src_addr':'10.8.0.1','dst_addr':'10.9.0.1'}", NULL),
                     " outside 1, twice 0");
}
END_TEST

START_TEST(scaling)
{
    flowan_aggregator_options options = {.default_sampling = 10};
    static const char text[] = "{'bytes':2,'packets':1,'sampling_rate':100}{'bytes':3}";
    ck_assert_str_eq(counted(&options, "", text, NULL),
                     " 2/100/230; outside 0, twice 0");
    options.raw_counts = true;
    ck_assert_str_eq(counted(&options, "", text, NULL), " 2/1/5; outside 0, twice 0");
    const flowan_default_sampling exporter = {{{[10] = 255, [11] = 255, 192, 0, 2, 1}},
                                              7};
    options = (flowan_aggregator_options){.exporters = &exporter, .exporter_count = 1};
    ck_assert_str_eq(
        counted(&options, "", "{'bytes':2,'sampler_address':'192.0.2.1'}", NULL),
        " 1/0/14; outside 0, twice 0");
}
END_TEST

START_TEST(saturation)
{
    /* 2^127 twice: the sum stays at its end instead of starting anew. */
    flowan_aggregator *aggregator = NULL;
    ck_assert_int_eq(flowan_aggregator_new(&aggregator, NULL, NULL), FLOWAN_OK);
    flowan_batch *batch = records("{'bytes':9223372036854775808,"
                                  "'sampling_rate':18446744073709551615}");
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(flowan_aggregator_push(aggregator, batch, NULL, NULL),
                         FLOWAN_OK);
    flowan_measures measures;
    ck_assert(flowan_aggregator_row(aggregator, 0, NULL, &measures));
    ck_assert_uint_eq(measures.flows, 3);
    ck_assert_uint_eq(measures.bytes.high, UINT64_MAX);
    ck_assert_uint_eq(measures.bytes.low, UINT64_MAX);
    flowan_batch_free(batch);
    flowan_aggregator_free(aggregator);
}
END_TEST

START_TEST(selections)
{
    uint32_t rows[] = {0, 2};
    flowan_selection selection = {rows, 2};
    ck_assert_str_eq(counted(NULL, "k",
                             "{'k':1,'bytes':1}{'k':2,'bytes':2}{'k':3,'bytes':3}",
                             &selection),
                     "1 1/0/1;3 1/0/3; outside 0, twice 0");
    selection.count = 0;
    ck_assert_str_eq(counted(NULL, "k", "{'k':1}", &selection), " outside 0, twice 0");
}
END_TEST

START_TEST(order)
{
    flowan_aggregator_options options = {.size = sizeof options, .by = "dst_port"};
    flowan_aggregator *aggregator = NULL;
    ck_assert_int_eq(flowan_aggregator_new(&aggregator, &options, NULL), FLOWAN_OK);
    const uint32_t *rows;
    size_t count;
    ck_assert_int_eq(
        flowan_aggregator_order(aggregator, FLOWAN_ORDER_BYTES, 5, &rows, &count, NULL),
        FLOWAN_OK);
    ck_assert_uint_eq(count, 0);
    char text[128];
    /* Ports 99 … 0 with as many bytes as the port's tens, so that each ten ties. */
    for (int port = 99; port >= 0; port--) {
        snprintf(text, sizeof text, "{'dst_port':%d,'bytes':%d,'packets':%d}", port,
                 port / 10, 100 - port);
        flowan_batch *batch = records(text);
        ck_assert_int_eq(flowan_aggregator_push(aggregator, batch, NULL, NULL),
                         FLOWAN_OK);
        flowan_batch_free(batch);
    }
    static const size_t limits[] = {0, 1, 15, 99, 100, 101, SIZE_MAX};
    for (size_t k = 0; k < sizeof limits / sizeof *limits; k++) {
        ck_assert_int_eq(flowan_aggregator_order(aggregator, FLOWAN_ORDER_BYTES,
                                                 limits[k], &rows, &count, NULL),
                         FLOWAN_OK);
        ck_assert_uint_eq(count, limits[k] < 100 ? limits[k] : 100);
        for (size_t i = 0; i < count; i++) {
            flowan_key_part part;
            ck_assert(flowan_aggregator_row(aggregator, rows[i], &part, NULL));
            ck_assert_uint_eq(part.integer, (9 - i / 10) * 10 + i % 10);
        }
    }
    ck_assert_int_eq(flowan_aggregator_order(aggregator, FLOWAN_ORDER_PACKETS, 1, &rows,
                                             &count, NULL),
                     FLOWAN_OK);
    flowan_key_part part;
    ck_assert(flowan_aggregator_row(aggregator, rows[0], &part, NULL));
    ck_assert_uint_eq(part.integer, 0);
    flowan_aggregator_free(aggregator);
}
END_TEST

START_TEST(sums_of_all)
{
    flowan_aggregator *aggregator = NULL;
    ck_assert_int_eq(flowan_aggregator_new(&aggregator, NULL, NULL), FLOWAN_OK);
    flowan_totals totals;
    flowan_aggregator_totals(aggregator, &totals);
    ck_assert(!totals.has_span);
    flowan_batch *batch =
        records("{'time_flow_start_ns':1742058000000000000,"
                "'time_flow_end_ns':1742058060000000000}{'time_flow_start_ns':5}");
    ck_assert_int_eq(flowan_aggregator_push(aggregator, batch, NULL, NULL), FLOWAN_OK);
    ck_assert_int_eq(flowan_aggregator_push(aggregator, batch, NULL, NULL), FLOWAN_OK);
    flowan_aggregator_totals(aggregator, &totals);
    ck_assert(totals.has_span);
    ck_assert_uint_eq(totals.first_ns, UINT64_C(1742058000000000000));
    ck_assert_uint_eq(totals.last_ns, UINT64_C(1742058060000000000));
    ck_assert_uint_eq(totals.clock_faults, 2);
    ck_assert_uint_eq(totals.total.flows, 4);
    flowan_batch_free(batch);
    flowan_aggregator_free(aggregator);
}
END_TEST

static Suite *suite_of(void)
{
    Suite *suite = suite_create("aggregate");
    TCase *cases = tcase_create("all");
    tcase_add_test(cases, bad_keys);
    tcase_add_test(cases, unknown_options);
    tcase_add_test(cases, plain_fields);
    tcase_add_test(cases, unknown_fields);
    tcase_add_test(cases, prefixes);
    tcase_add_test(cases, sides);
    tcase_add_test(cases, derived);
    tcase_add_test(cases, bins);
    tcase_add_test(cases, scaling);
    tcase_add_test(cases, saturation);
    tcase_add_test(cases, selections);
    tcase_add_test(cases, order);
    tcase_add_test(cases, sums_of_all);
    suite_add_tcase(suite, cases);
    return suite;
}

FL_UNIT_MAIN(suite_of)
