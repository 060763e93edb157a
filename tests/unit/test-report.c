/* The reports as they are written: rows, sums that add up, bins and gaps, and text that no
 * record can break. */
#include "flowan/report.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "memory.h"
#include "records.h"
#include "unit.h"

static const char networks_text[] = "10.8.0.0/16 office\n"
                                    "2001:db8::/32 office\n"
                                    "10.9.0.0/16 branch\n";

#define T0 "1742058000" /* 2025-03-15T17:00:00Z */
#define SECOND UINT64_C(1000000000)
#define START (UINT64_C(1742058000) * SECOND)

static int take(void *context, const void *data, size_t size)
{
    fl_buffer_append(context, data, size);
    return 0;
}

/* The report on the records of `text`, as it is written; valid until the next call. */
static const char *written_as(flowan_report_format format,
                              const flowan_report_options *options,
                              const flowan_report_style *style, const char *text)
{
    static char out[65536];
    flowan_report_options own = *options;
    flowan_networks *networks = NULL;
    flowan_report *report = NULL;
    flowan_error error;
    ck_assert_int_eq(flowan_networks_parse(&networks, networks_text,
                                           sizeof networks_text - 1, "n", NULL),
                     FLOWAN_OK);
    own.size = sizeof own;
    own.networks = networks;
    ck_assert_msg(flowan_report_new(&report, &own, &error) == FLOWAN_OK, "%s",
                  error.message);
    flowan_batch *batch = records(text);
    ck_assert_int_eq(flowan_report_push(report, batch, NULL, NULL), FLOWAN_OK);
    flowan_batch_free(batch);
    fl_buffer written = {0};
    /* Twice, because writing must leave the report as it was. */
    for (int i = 0; i < 2; i++) {
        fl_buffer_clear(&written);
        ck_assert_int_eq(
            flowan_report_write(report, format, take, &written, style, NULL),
            FLOWAN_OK);
    }
    ck_assert_uint_lt(written.size, sizeof out);
    memcpy(out, written.data, written.size);
    out[written.size] = '\0';
    fl_buffer_free(&written);
    flowan_report_free(report);
    flowan_networks_free(networks);
    return out;
}

static const char *json_of(const flowan_report_options *options, const char *text)
{
    return written_as(FLOWAN_REPORT_JSON, options, NULL, text);
}

/* Single quotes stand for double ones in what is looked for. */
static void has(const char *written, const char *want)
{
    char text[4096];
    snprintf(text, sizeof text, "%s", want);
    for (char *c = text; *c; c++)
        if (*c == '\'')
            *c = '"';
    ck_assert_msg(strstr(written, text), "%s\nis not in\n%s", text, written);
}

static void refused(flowan_report_options options, const char *message)
{
    flowan_report *report = (flowan_report *)&options;
    flowan_error error;
    options.size = sizeof options;
    ck_assert_int_eq(flowan_report_new(&report, &options, &error),
                     FLOWAN_ERROR_ARGUMENT);
    ck_assert_ptr_null(report);
    ck_assert_msg(strstr(error.message, message), "%s", error.message);
}

START_TEST(bad_options)
{
    flowan_report *report;
    ck_assert_int_eq(flowan_report_new(&report, NULL, NULL), FLOWAN_ERROR_ARGUMENT);
    refused((flowan_report_options){0}, "a kind that does not exist");
    refused((flowan_report_options){.kind = 6}, "a kind that does not exist");
    refused((flowan_report_options){.kind = FLOWAN_REPORT_TOP}, "top: it needs keys");
    refused((flowan_report_options){.kind = FLOWAN_REPORT_TOP, .by = ""}, "needs keys");
    refused((flowan_report_options){.kind = FLOWAN_REPORT_NETWORKS, .by = "proto"},
            "networks: keys are asked for");
    refused((flowan_report_options){.kind = FLOWAN_REPORT_MATRIX, .by = "proto"},
            "not of 'proto'");
    refused((flowan_report_options){.kind = FLOWAN_REPORT_TOP, .by = "proto,bytes"},
            "two columns 'bytes'");
    refused((flowan_report_options){.kind = FLOWAN_REPORT_TOP, .by = "proto,proto"},
            "two columns 'proto'");
    refused((flowan_report_options){.kind = FLOWAN_REPORT_SERIES, .by = "time"},
            "two columns 'time'");
    refused((flowan_report_options){.kind = FLOWAN_REPORT_TOP, .by = "proto/8"},
            "column 6");
    refused(
        (flowan_report_options){.kind = FLOWAN_REPORT_ASNS, .order = FLOWAN_ORDER_KEY},
        "an order that is no measure");
    refused((flowan_report_options){.kind = FLOWAN_REPORT_ASNS,
                                    .has_start = true,
                                    .has_end = true,
                                    .start_ns = 5,
                                    .end_ns = 5},
            "ends before it begins");
    refused((flowan_report_options){.kind = FLOWAN_REPORT_SERIES,
                                    .has_end = true,
                                    .end_ns = UINT64_MAX},
            "beyond the year 2262");
}
END_TEST

/* out, in, internal between two networks, internal within one, transit */
static const char ways[] =
    "{'src_addr':'10.8.0.1','dst_addr':'8.8.8.8','bytes':1,'dst_as':15169}"
    "{'src_addr':'8.8.8.8','dst_addr':'10.8.0.1','bytes':10,'src_as':15169}"
    "{'src_addr':'9.9.9.9','dst_addr':'2001:db8::1','bytes':20,'src_as':7}"
    "{'src_addr':'10.8.0.1','dst_addr':'10.9.0.1','bytes':100,'src_as':1,'dst_as':2}"
    "{'src_addr':'10.8.0.1','dst_addr':'10.8.0.2','bytes':1000}"
    "{'src_addr':'8.8.8.8','dst_addr':'9.9.9.9','bytes':10000}";

START_TEST(networks)
{
    flowan_report_options options = {.kind = FLOWAN_REPORT_NETWORKS};
    const char *json = json_of(&options, ways);
    has(json, "{'report':'networks','from':null,'to':null,\n");
    has(json, "'asn_order':'record'");
    has(json, "'scheme':null,'counts':'scaled','dedup':null");
    has(json, "'rows':[\n{'local_net':'office','prefix':'10.8.0.0/16 2001:db8::/32',"
              "'in':{'flows':2,'packets':0,'bytes':30},"
              "'out':{'flows':1,'packets':0,'bytes':1},"
              "'internal':{'flows':2,'packets':0,'bytes':1100},'local_addresses':3,"
              "'top_remote_as':[{'remote_as':7,'organization':'','bytes':20},"
              "{'remote_as':15169,'organization':'','bytes':11}]},\n"
              "{'local_net':'branch','prefix':'10.9.0.0/16',"
              "'in':{'flows':0,'packets':0,'bytes':0},"
              "'out':{'flows':0,'packets':0,'bytes':0},"
              "'internal':{'flows':1,'packets':0,'bytes':100},'local_addresses':1,"
              "'top_remote_as':[]}\n],\n");
    has(json, "'other':{'flows':1,'packets':0,'bytes':10000,"
              "'in':{'flows':0,'packets':0,'bytes':0},"
              "'out':{'flows':0,'packets':0,'bytes':0},"
              "'internal':{'flows':0,'packets':0,'bytes':0},"
              "'transit':{'flows':1,'packets':0,'bytes':10000}},\n");
    has(json, "'total':{'flows':6,'packets':0,'bytes':11131,"
              "'in':{'flows':2,'packets':0,'bytes':30},"
              "'out':{'flows':1,'packets':0,'bytes':1},"
              "'internal':{'flows':2,'packets':0,'bytes':1100},"
              "'transit':{'flows':1,'packets':0,'bytes':10000}},\n");
    has(json,
        "'counted_twice':{'flows':1,'packets':0,'bytes':100},'clock_faults':6}\n");
    options.top = 1; /* the branch goes to the others */
    json = json_of(&options, ways);
    has(json, "'other':{'flows':2,'packets':0,'bytes':10100,");
    has(json, "'internal':{'flows':1,'packets':0,'bytes':100},'transit'");
    ck_assert_ptr_null(strstr(json, "branch"));
}
END_TEST

START_TEST(peers)
{
    /* Seven ASNs; the two smallest go, and equal ones stand by number. */
    flowan_report_options options = {.kind = FLOWAN_REPORT_NETWORKS};
    const char *json =
        json_of(&options, "{'src_addr':'10.8.0.1','dst_as':1,'bytes':5}"
                          "{'src_addr':'10.8.0.1','dst_as':9,'bytes':7}"
                          "{'src_addr':'10.8.0.1','dst_as':4,'bytes':7}"
                          "{'src_addr':'10.8.0.1','dst_as':3,'bytes':7}"
                          "{'src_addr':'10.8.0.1','dst_as':8,'bytes':90}"
                          "{'src_addr':'10.8.0.1','dst_as':2,'bytes':6}"
                          "{'src_addr':'10.8.0.1','dst_as':5,'bytes':6}");
    has(json, "'top_remote_as':[{'remote_as':8,'organization':'','bytes':90},"
              "{'remote_as':3,'organization':'','bytes':7},"
              "{'remote_as':4,'organization':'','bytes':7},"
              "{'remote_as':9,'organization':'','bytes':7},"
              "{'remote_as':2,'organization':'','bytes':6}]");
}
END_TEST

START_TEST(asns)
{
    flowan_report_options options = {.kind = FLOWAN_REPORT_ASNS};
    const char *json = json_of(&options, ways);
    has(json, "'rows':[\n{'remote_as':7,'organization':'',"
              "'in':{'flows':1,'packets':0,'bytes':20},"
              "'out':{'flows':0,'packets':0,'bytes':0},'remote_addresses':1},\n"
              "{'remote_as':15169,'organization':'',"
              "'in':{'flows':1,'packets':0,'bytes':10},"
              "'out':{'flows':1,'packets':0,'bytes':1},'remote_addresses':1}\n]");
    has(json, "'other':{'flows':3,'packets':0,'bytes':11100,"
              "'in':{'flows':0,'packets':0,'bytes':0},"
              "'out':{'flows':0,'packets':0,'bytes':0},"
              "'internal':{'flows':2,'packets':0,'bytes':1100},"
              "'transit':{'flows':1,'packets':0,'bytes':10000}}");
    has(json, "'counted_twice':{'flows':0,'packets':0,'bytes':0}");
    /* A remote end that the record does not have is not an address. */
    has(json_of(&options, "{'src_addr':'10.8.0.1'}"), "'remote_addresses':0}");
    options.order = FLOWAN_ORDER_FLOWS;
    has(json_of(&options, ways), "'rows':[\n{'remote_as':15169,");
}
END_TEST

START_TEST(matrix_and_top)
{
    flowan_report_options options = {.kind = FLOWAN_REPORT_MATRIX};
    const char *json = json_of(&options, ways);
    has(json, "{'local_net':'office','remote_as':7,'local_ip':'2001:db8::1',"
              "'organization':'','flows':1,'packets':0,'bytes':20,'share':0.001797}");
    has(json, "'counted_twice':{'flows':2,'packets':0,'bytes':1100}");
    options = (flowan_report_options){
        .kind = FLOWAN_REPORT_TOP, .by = "dst_addr/24,64,proto,k", .top = 1};
    json =
        json_of(&options, "{'dst_addr':'192.0.2.9','bytes':3,'k':[1.50,{'a':'\\\"'}]}"
                          "{'bytes':1}");
    has(json,
        "'rows':[\n{'dst_addr/24,64':'192.0.2.0/24','proto':null,"
        "'k':[1.50,{'a':'\\\"'}],'flows':1,'packets':0,'bytes':3,'share':0.750000}\n]");
    has(json, "'other':{'flows':1,'packets':0,'bytes':1},\n'total':{'flows':2,");
    /* No bytes at all: no share, and nothing divided by zero. */
    has(json_of(&options, "{'k':1}"),
        "'k':1,'flows':1,'packets':0,'bytes':0,'share':0.0");
    has(json_of(&options, ""), "'rows':[],\n'other':{'flows':0,");
}
END_TEST

START_TEST(limits)
{
    flowan_report_options options = {.kind = FLOWAN_REPORT_TOP, .by = "src_port"};
    char text[2048] = "";
    for (int port = 1; port <= 30; port++)
        sprintf(text + strlen(text), "{'src_port':%d}", port);
    for (int all = 0; all < 2; all++) {
        options.top_all = all != 0;
        const char *json = json_of(&options, text);
        ck_assert(strstr(json, "\"src_port\":20,"));
        ck_assert_int_eq(strstr(json, "\"src_port\":21,") != NULL, all);
        has(json, all ? "'other':{'flows':0," : "'other':{'flows':10,");
    }
}
END_TEST

START_TEST(hostile_text)
{
    flowan_report_options options = {.kind = FLOWAN_REPORT_TOP, .by = "k"};
    static const char text[] = "{'k':'a\\u001b[31m\\\"\\\\,\\r\\n'}";
    has(json_of(&options, text), "{'k':'a\\u001b[31m\\'\\\\,\\r\\n','flows':1");
    has(json_of(&options, "{'k':'\xff\xc3\xa9\xed\xa0\x80'}"),
        "{'k':'\xef\xbf\xbd\xc3\xa9\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd'");
    has(written_as(FLOWAN_REPORT_CSV, &options, NULL, text),
        "k,flows,packets,bytes,share\r\n'a\x1b[31m''\\,\r\n',1,0,0,0.000000\r\n");
    const char *table = written_as(FLOWAN_REPORT_TABLE, &options, NULL, text);
    ck_assert_ptr_null(strchr(table, '\x1b'));
    ck_assert_ptr_null(strchr(table, '\r'));
    has(table, "\na?[31m'\\,??");
    /* The C1 controls of UTF-8, too. */
    table = written_as(FLOWAN_REPORT_TABLE, &options, NULL, "{'k':'\xc2\x9b\xc2\xa0'}");
    has(table, "\n?\xc2\xa0");
}
END_TEST

/* The bytes of 2^64-1 times 2^32 need all of the digits. */
START_TEST(large_numbers)
{
    flowan_report_options options = {.kind = FLOWAN_REPORT_TOP, .by = "k"};
    const char *json = json_of(&options, "{'bytes':18446744073709551615,"
                                         "'sampling_rate':4294967296}");
    has(json, "'bytes':79228162514264337589248983040,'share':1.000000}");
    options.raw_counts = true;
    json = json_of(&options, "{'bytes':5,'sampling_rate':10}");
    has(json, "'counts':'raw'");
    has(json, "'bytes':5,");
}
END_TEST

static const char minutes[] =
    "{'time_flow_start_ns':" T0 "000000000,'time_flow_end_ns':" T0 "500000000,"
    "'time_received_ns':1742058001000000000,'bytes':15,'packets':1,'proto':'TCP'}"
    "{'time_flow_start_ns':1742058659999999999,"
    "'time_received_ns':1742058660000000000,'bytes':30,'packets':2,'proto':'UDP'}"
    "{'bytes':7}";

START_TEST(series)
{
    flowan_report_options options = {.kind = FLOWAN_REPORT_SERIES};
    const char *json = json_of(&options, minutes);
    has(json, "'from':'2025-03-15T17:00:00Z','to':'2025-03-15T17:10:59.999999999Z'");
    has(json, "'clock':'start-end','scheme':'proportional'");
    has(json,
        "'rows':[\n{'time':'2025-03-15T17:00:00Z','flows':1,'packets':1,'bytes':15,"
        "'bits_per_second':2,'packets_per_second':0.016667,'gap':false},\n"
        "{'time':'2025-03-15T17:01:00Z','flows':0,'packets':0,'bytes':0,"
        "'bits_per_second':0,'packets_per_second':0,'gap':true},\n");
    has(json, "{'time':'2025-03-15T17:09:00Z','flows':0,'packets':0,'bytes':0,"
              "'bits_per_second':0,'packets_per_second':0,'gap':true},\n"
              "{'time':'2025-03-15T17:10:00Z','flows':1,'packets':2,'bytes':30,"
              "'bits_per_second':4,'packets_per_second':0.033333,'gap':false}\n],\n");
    /* What has no time is in the totals only. */
    has(json, "'other':{'flows':1,'packets':0,'bytes':7}");
    has(json, "'clock_faults':1}");
    options.bin_ns = 3600 * SECOND;
    has(json_of(&options, minutes),
        "'bits_per_second':0.1,'packets_per_second':0.000833,");
}
END_TEST

START_TEST(clocks_and_schemes)
{
    static const char flow[] = "{'time_flow_start_ns':1742058000000000000,"
                               "'time_flow_end_ns':1742058120000000000,"
                               "'time_received_ns':1742058240000000000,'bytes':11}";
    static const struct {
        flowan_clock clock;
        flowan_scheme scheme;
        const char *policy, *rows;
    } cases[] = {
        {FLOWAN_CLOCK_START_END, FLOWAN_SCHEME_UNIFORM,
         "'clock':'start-end','scheme':'uniform'",
         "17:00:00Z','flows':1,'packets':0,'bytes':6,"},
        {FLOWAN_CLOCK_START_END, FLOWAN_SCHEME_UNIFORM,
         "'clock':'start-end','scheme':'uniform'",
         "17:01:00Z','flows':0,'packets':0,'bytes':5,"},
        {FLOWAN_CLOCK_START_END, FLOWAN_SCHEME_END, "'clock':'start-end','scheme':'end'",
         "17:01:00Z','flows':1,'packets':0,'bytes':11,"},
        {FLOWAN_CLOCK_RECEIVED, FLOWAN_SCHEME_PROPORTIONAL,
         "'clock':'received','scheme':'proportional'",
         "'rows':[\n{'time':'2025-03-15T17:04:00Z','flows':1,'packets':0,'bytes':11,"},
        {FLOWAN_CLOCK_START, FLOWAN_SCHEME_PROPORTIONAL,
         "'clock':'start','scheme':'proportional'",
         "'rows':[\n{'time':'2025-03-15T17:00:00Z','flows':1,'packets':0,'bytes':11,"},
        {FLOWAN_CLOCK_END, FLOWAN_SCHEME_MIDDLE, "'clock':'end','scheme':'middle'",
         "'rows':[\n{'time':'2025-03-15T17:02:00Z','flows':1,'packets':0,'bytes':11,"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        flowan_report_options options = {.kind = FLOWAN_REPORT_SERIES,
                                         .clock = cases[i].clock,
                                         .scheme = cases[i].scheme};
        const char *json = json_of(&options, flow);
        has(json, cases[i].policy);
        has(json, cases[i].rows);
    }
    /* no such clock, no such scheme */
    flowan_report *report;
    flowan_report_options options = {
        .size = sizeof options, .kind = FLOWAN_REPORT_SERIES, .clock = (flowan_clock)4};
    ck_assert_int_eq(flowan_report_new(&report, &options, NULL), FLOWAN_ERROR_ARGUMENT);
    options.clock = FLOWAN_CLOCK_START_END;
    options.scheme = (flowan_scheme)5;
    ck_assert_int_eq(flowan_report_new(&report, &options, NULL), FLOWAN_ERROR_ARGUMENT);
}
END_TEST

/* Not shared out over more bins than rows can be. */
START_TEST(too_many_bins)
{
    flowan_batch *batch;
    flowan_report *report;
    flowan_error error;
    flowan_report_options options = {
        .size = sizeof options, .kind = FLOWAN_REPORT_SERIES, .bin_ns = 100000};
    batch = records("{'time_flow_start_ns':1742058000000000000,"
                    "'time_flow_end_ns':1742058100000000000}");
    for (uint64_t width = 100000; width > 99998; width--) {
        options.bin_ns = width;
        ck_assert_int_eq(flowan_report_new(&report, &options, NULL), FLOWAN_OK);
        ck_assert_int_eq(flowan_report_push(report, batch, NULL, &error),
                         width == 100000 ? FLOWAN_OK : FLOWAN_ERROR_LIMIT);
        if (width < 100000)
            ck_assert_ptr_nonnull(strstr(error.message, "100000000000 ns is in 10000"));
        flowan_report_free(report);
    }
    flowan_batch_free(batch);
}
END_TEST

START_TEST(windows)
{
    /* Rows from --start to --end, rounded outwards; what began before is `other`. */
    flowan_report_options options = {.kind = FLOWAN_REPORT_SERIES,
                                     .has_start = true,
                                     .has_end = true,
                                     .start_ns = START + 8 * 60 * SECOND + 1,
                                     .end_ns = START + 12 * 60 * SECOND + 1};
    const char *json = json_of(&options, minutes);
    has(json, "'from':'2025-03-15T17:08:00.000000001Z'");
    has(json, "'rows':[\n{'time':'2025-03-15T17:08:00Z',");
    has(json, "{'time':'2025-03-15T17:12:00Z','flows':0,'packets':0,'bytes':0,"
              "'bits_per_second':0,'packets_per_second':0,'gap':true}\n]");
    has(json, "'other':{'flows':2,'packets':1,'bytes':22}");
    /* The record of 17:10:59.9 was received at 17:11:00: that bin is no gap. */
    has(json, "{'time':'2025-03-15T17:11:00Z','flows':0,'packets':0,'bytes':0,"
              "'bits_per_second':0,'packets_per_second':0,'gap':false}");
    has(json_of(&options, ""), "'rows':[\n{'time':'2025-03-15T17:08:00Z',");
    options.has_end = false;
    has(json_of(&options, ""), "'rows':[]");
}
END_TEST

START_TEST(gaps)
{
    flowan_report_options options = {.kind = FLOWAN_REPORT_SERIES,
                                     .gap_ns = 659 * SECOND};
    /* 17:00:01 to 17:11:00 is 659 s: a gap, and a nanosecond more is none. */
    has(json_of(&options, minutes), "'gap':true");
    options.gap_ns++;
    ck_assert_ptr_null(strstr(json_of(&options, minutes), "\"gap\":true"));
    /* A gap shorter than a minute, within one. */
    options.gap_ns = 2 * SECOND;
    options.bin_ns = SECOND;
    const char *json = json_of(&options, "{'time_flow_start_ns':1742058000000000000,"
                                         "'time_received_ns':1742058000500000000}"
                                         "{'time_flow_start_ns':1742058003000000000,"
                                         "'time_received_ns':1742058003500000000}");
    has(json, "{'time':'2025-03-15T17:00:01Z','flows':0,'packets':0,'bytes':0,"
              "'bits_per_second':0,'packets_per_second':0,'gap':true}");
}
END_TEST

START_TEST(keyed_series)
{
    flowan_report_options options = {
        .kind = FLOWAN_REPORT_SERIES, .by = "proto", .top = 1};
    const char *json = json_of(&options, minutes);
    has(json, "'rows':[\n{'time':'2025-03-15T17:10:00Z','proto':'UDP','flows':1,"
              "'packets':2,'bytes':30,'bits_per_second':4,"
              "'packets_per_second':0.033333,'gap':false}\n]");
    has(json, "'other':{'flows':2,'packets':1,'bytes':22}");
    has(json, "'total':{'flows':3,'packets':3,'bytes':52}");
}
END_TEST

START_TEST(too_many_rows)
{
    flowan_report_options options = {.size = sizeof options,
                                     .kind = FLOWAN_REPORT_SERIES,
                                     .bin_ns = SECOND,
                                     .has_start = true,
                                     .has_end = true,
                                     .start_ns = START,
                                     .end_ns = START + 1000000 * SECOND};
    for (int over = 0; over < 2; over++) {
        flowan_report *report;
        flowan_error error;
        fl_buffer written = {0};
        options.end_ns += (uint64_t)over;
        ck_assert_int_eq(flowan_report_new(&report, &options, NULL), FLOWAN_OK);
        ck_assert_int_eq(flowan_report_write(report, FLOWAN_REPORT_CSV, take, &written,
                                             NULL, &error),
                         over ? FLOWAN_ERROR_LIMIT : FLOWAN_OK);
        if (over)
            ck_assert_ptr_nonnull(strstr(error.message, "1000001 rows"));
        fl_buffer_free(&written);
        flowan_report_free(report);
    }
}
END_TEST

START_TEST(csv)
{
    flowan_report_options options = {.kind = FLOWAN_REPORT_NETWORKS, .top = 1};
    ck_assert_str_eq(
        written_as(FLOWAN_REPORT_CSV, &options, NULL, ways),
        "local_net,prefix,in_flows,in_packets,in_bytes,out_flows,out_packets,"
        "out_bytes,internal_flows,internal_packets,internal_bytes,"
        "local_addresses,top_remote_as\r\n"
        "office,10.8.0.0/16 2001:db8::/32,2,0,30,1,0,1,2,0,1100,3,"
        "AS7;AS15169\r\n");
    options =
        (flowan_report_options){.kind = FLOWAN_REPORT_TOP, .by = "dst_addr/24,64"};
    ck_assert_str_eq(
        written_as(FLOWAN_REPORT_CSV, &options, NULL, "{}"),
        "\"dst_addr/24,64\",flows,packets,bytes,share\r\n,1,0,0,0.000000\r\n");
}
END_TEST

/* No line is wider than the terminal, where names can be cut to that. */
START_TEST(tables)
{
    flowan_report_options options = {.kind = FLOWAN_REPORT_TOP, .by = "k"};
    flowan_report_style style = {.size = sizeof style};
    const char *text =
        "{'k':'a name that is much longer than what a line can hold, and "
        "then some more of it, \xc3\xa9\xc3\xa9\xc3\xa9','bytes':3000}"
        "{'bytes':1000}";
    static const uint32_t widths[] = {0, 60, 80, 200};
    for (size_t i = 0; i < sizeof widths / sizeof *widths; i++) {
        style.columns = widths[i];
        size_t line = 0;
        const char *table = written_as(FLOWAN_REPORT_TABLE, &options, &style, text);
        for (const char *c = strstr(table, "\n\n"); *c; c++) {
            line = *c == '\n' ? 0 : line + (((unsigned char)*c & 0xc0) != 0x80);
            ck_assert_uint_le(line, widths[i] ? widths[i] : 100);
        }
        has(table, "75.0 %  \xe2\x96\x88");
        has(table, "\ntotal");
        has(table, "\nclock faults: 2 flows");
        ck_assert_ptr_null(strchr(table, '\x1b'));
        ck_assert_ptr_null(strstr(table, " \n"));
    }
    style.colour = true;
    ck_assert_ptr_nonnull(
        strchr(written_as(FLOWAN_REPORT_TABLE, &options, &style, text), '\x1b'));
    has(written_as(FLOWAN_REPORT_TABLE, &options, NULL, ""), "no flows\n");
}
END_TEST

static int no_room(void *context, const void *data, size_t size)
{
    (void)data;
    (void)size;
    ++*(int *)context;
    return ENOSPC;
}

START_TEST(write_failure)
{
    flowan_report_options options = {.size = sizeof options,
                                     .kind = FLOWAN_REPORT_SERIES,
                                     .has_start = true,
                                     .has_end = true,
                                     .start_ns = START,
                                     .end_ns = START + 100000 * 60 * SECOND};
    flowan_report *report;
    ck_assert_int_eq(flowan_report_new(&report, &options, NULL), FLOWAN_OK);
    for (int format = FLOWAN_REPORT_TABLE; format <= FLOWAN_REPORT_JSON; format++) {
        flowan_error error;
        int calls = 0;
        ck_assert_int_eq(flowan_report_write(report, (flowan_report_format)format,
                                             no_room, &calls, NULL, &error),
                         FLOWAN_ERROR_IO);
        ck_assert_int_eq(calls, 1);
        ck_assert_ptr_nonnull(strstr(error.message, "No space left"));
    }
    ck_assert_int_eq(
        flowan_report_write(report, (flowan_report_format)4, take, NULL, NULL, NULL),
        FLOWAN_ERROR_ARGUMENT);
    flowan_report_free(report);
    flowan_report_free(NULL);
}
END_TEST

static Suite *suite_of(void)
{
    Suite *suite = suite_create("report");
    TCase *cases = tcase_create("all");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, bad_options);
    tcase_add_test(cases, networks);
    tcase_add_test(cases, peers);
    tcase_add_test(cases, asns);
    tcase_add_test(cases, matrix_and_top);
    tcase_add_test(cases, limits);
    tcase_add_test(cases, hostile_text);
    tcase_add_test(cases, large_numbers);
    tcase_add_test(cases, series);
    tcase_add_test(cases, clocks_and_schemes);
    tcase_add_test(cases, too_many_bins);
    tcase_add_test(cases, windows);
    tcase_add_test(cases, gaps);
    tcase_add_test(cases, keyed_series);
    tcase_add_test(cases, too_many_rows);
    tcase_add_test(cases, csv);
    tcase_add_test(cases, tables);
    tcase_add_test(cases, write_failure);
    suite_add_tcase(suite, cases);
    return suite;
}

FL_UNIT_MAIN(suite_of)
