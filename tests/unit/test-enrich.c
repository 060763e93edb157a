/* Direction, local side, ASNs, scaling and times of single records. */
#include "enrich.h"

#include <stdio.h>
#include <stdlib.h>

#include "records.h"
#include "sum.h"
#include "text.h"
#include "unit.h"

static const char networks_text[] = "10.8.0.0/16 office\n"
                                    "10.9.0.0/16 branch\n"
                                    "2001:db8::/32 six\n"
                                    "203.0.113.0/24 pool role=public\n"
                                    "198.51.100.0/24 pool2 role=public\n";

typedef struct fixture {
    flowan_networks *networks;
    flowan_batch *batch;
    fl_enrich enrich;
} fixture;

static void open_with(fixture *f, const char *text, fl_enrich_rules rules)
{
    ck_assert_int_eq(flowan_networks_parse(&f->networks, networks_text,
                                           sizeof networks_text - 1, "n", NULL),
                     FLOWAN_OK);
    f->batch = records(text);
    rules.networks = f->networks;
    ck_assert_int_eq(fl_enrich_init(&f->enrich, &rules, NULL), FLOWAN_OK);
    ck_assert_int_eq(fl_enrich_begin(&f->enrich, f->batch, NULL, NULL), FLOWAN_OK);
}

static void close_all(fixture *f)
{
    fl_enrich_free(&f->enrich);
    flowan_batch_free(f->batch);
    flowan_networks_free(f->networks);
}

static const char *text_of(const flowan_address *address)
{
    static char text[FL_TEXT_ADDRESS_SIZE + 1];
    text[fl_text_put_address(text, address)] = '\0';
    return text;
}

/* What one record is: "out", or "in 10.8.0.1 office" with the destination's local side. */
static void expect(const char *record, const char *direction, const char *source_net,
                   const char *local, const char *net)
{
    fixture f;
    open_with(&f, record, (fl_enrich_rules){0});
    ck_assert(fl_enrich_sides(&f.enrich));
    ck_assert_str_eq(fl_enrich_direction_name(f.enrich.direction[0]), direction);
    const char *name = flowan_networks_name(f.networks, f.enrich.src_network[0]);
    ck_assert_str_eq(name ? name : "", source_net);
    name = flowan_networks_name(f.networks, f.enrich.dst_network[0]);
    ck_assert_str_eq(name ? name : "", net);
    if (*local)
        ck_assert_str_eq(text_of(&f.enrich.dst_local[0]), local);
    close_all(&f);
}

START_TEST(directions)
{
    expect("{}", "transit", "", "", "");
    expect("{'src_addr':'10.8.0.1'}", "out", "office", "", "");
    expect("{'src_addr':'10.8.0.1','dst_addr':'8.8.8.8'}", "out", "office", "", "");
    expect("{'src_addr':'8.8.8.8','dst_addr':'10.8.0.1'}", "in", "", "10.8.0.1",
           "office");
    expect("{'src_addr':'8.8.8.8','dst_addr':'9.9.9.9'}", "transit", "", "", "");
    expect("{'src_addr':'10.8.0.1','dst_addr':'10.9.0.1'}", "internal", "office",
           "10.9.0.1", "branch");
    expect("{'src_addr':'::ffff:10.8.0.1','dst_addr':'2001:db8::1'}", "internal",
           "office", "2001:db8::1", "six");
    expect("{'src_addr':'','dst_addr':''}", "transit", "", "", "");
}
END_TEST

START_TEST(translation)
{
    /* The translated destination is the local side. */
    expect("{'src_addr':'8.8.8.8','dst_addr':'9.9.9.9',"
           "'post_nat_dst_ipv4_address':'10.8.0.7'}",
           "in", "", "10.8.0.7", "office");
    /* A public local address gives way to it, in either field. */
    expect("{'src_addr':'8.8.8.8','dst_addr':'203.0.113.9',"
           "'post_nat_dst_ipv4_address':'10.8.0.7'}",
           "in", "", "10.8.0.7", "office");
    expect("{'src_addr':'8.8.8.8','dst_addr':'10.8.0.7',"
           "'post_nat_dst_ipv4_address':'203.0.113.9'}",
           "in", "", "10.8.0.7", "office");
    /* Where both are public, or neither is, the translation. */
    expect("{'src_addr':'8.8.8.8','dst_addr':'203.0.113.9',"
           "'post_nat_dst_ipv4_address':'198.51.100.1'}",
           "in", "", "198.51.100.1", "pool2");
    expect("{'src_addr':'8.8.8.8','dst_addr':'10.8.0.7',"
           "'post_nat_dst_ipv4_address':'10.9.0.7'}",
           "in", "", "10.9.0.7", "branch");
    /* Zeros, in every spelling, are no translation; the IPv6 sister is then looked at. */
    expect("{'src_addr':'8.8.8.8','dst_addr':'203.0.113.9',"
           "'post_nat_dst_ipv4_address':'00000000'}",
           "in", "", "203.0.113.9", "pool");
    expect("{'src_addr':'8.8.8.8','dst_addr':'203.0.113.9',"
           "'post_nat_dst_ipv4_address':'0.0.0.0','post_nat_dst_ipv6_address':'::'}",
           "in", "", "203.0.113.9", "pool");
    expect("{'src_addr':'8.8.8.8','dst_addr':'203.0.113.9',"
           "'post_nat_dst_ipv4_address':'','post_nat_dst_ipv6_address':'2001:db8::5'}",
           "in", "", "2001:db8::5", "six");
    expect("{'src_addr':'8.8.8.8','dst_addr':'203.0.113.9','post_nat_dst_ipv4_address':"
           "'10.8.0.7','post_nat_dst_ipv6_address':'2001:db8::5'}",
           "in", "", "10.8.0.7", "office");
    /* A translation that is not local changes nothing. */
    expect("{'src_addr':'10.8.0.1','dst_addr':'8.8.8.8',"
           "'post_nat_dst_ipv4_address':'8.8.4.4'}",
           "out", "office", "", "");
    expect("{'src_addr':'10.8.0.1','dst_addr':'203.0.113.9',"
           "'post_nat_dst_ipv4_address':'10.9.0.7'}",
           "internal", "office", "10.9.0.7", "branch");
}
END_TEST

START_TEST(default_networks)
{
    flowan_batch *batch = records("{'src_addr':'192.168.1.1'}{'src_addr':'fd00::1'}"
                                  "{'src_addr':'172.32.0.1'}");
    fl_enrich enrich;
    fl_enrich_rules rules = {0};
    ck_assert_int_eq(fl_enrich_init(&enrich, &rules, NULL), FLOWAN_OK);
    ck_assert_int_eq(fl_enrich_begin(&enrich, batch, NULL, NULL), FLOWAN_OK);
    ck_assert(fl_enrich_sides(&enrich));
    ck_assert_uint_eq(enrich.direction[0], FL_DIRECTION_OUT);
    ck_assert_uint_eq(enrich.direction[1], FL_DIRECTION_OUT);
    ck_assert_uint_eq(enrich.direction[2], FL_DIRECTION_TRANSIT);
    fl_enrich_free(&enrich);
    flowan_batch_free(batch);
}
END_TEST

static const char as_records[] =
    "{'src_addr':'10.8.0.1','dst_addr':'8.8.8.8','src_as':64512,'dst_as':3}"
    "{'src_addr':'8.8.8.8','dst_addr':'10.8.0.1','src_as':0}"
    "{'src_addr':'10.8.0.1','dst_addr':'10.9.0.1','src_as':1,'dst_as':2}"
    "{'src_addr':'8.8.8.8','dst_addr':'9.9.9.9','src_as':5,'dst_as':6}"
    "{'src_addr':'10.8.0.1','dst_addr':'64:ff9b::808:808'}";

START_TEST(autonomous_systems)
{
    fixture f;
    open_with(&f, as_records, (fl_enrich_rules){0});
    ck_assert(fl_enrich_remote_as(&f.enrich) && fl_enrich_asns(&f.enrich));
    ck_assert_uint_eq(f.enrich.remote_as[0][0], 3);
    ck_assert_uint_eq(f.enrich.remote_as[1][0], 0);
    ck_assert_uint_eq(f.enrich.remote_as[1][1], 0);
    ck_assert_uint_eq(f.enrich.remote_as[0][2], 2); /* seen from the source's side */
    ck_assert_uint_eq(f.enrich.remote_as[1][2], 1);
    ck_assert_uint_eq(f.enrich.remote_as[0][3], 0);
    ck_assert_uint_eq(f.enrich.own_src_as[3], 5);
    ck_assert_uint_eq(f.enrich.own_dst_as[3], 6);
    close_all(&f);
}
END_TEST

START_TEST(database)
{
    char path[4096];
    const char *data = getenv("FLOWAN_TEST_DATA");
    flowan_asdb *asdb = NULL;
    snprintf(path, sizeof path, "%s/asn.mmdb", data ? data : "tests/data");
    ck_assert_int_eq(flowan_asdb_open(&asdb, path, NULL), FLOWAN_OK);
    for (int prefer = 0; prefer < 2; prefer++) {
        fixture f;
        open_with(&f, as_records,
                  (fl_enrich_rules){.asdb = asdb, .prefer_asdb = prefer != 0});
        ck_assert(fl_enrich_remote_as(&f.enrich));
        ck_assert_uint_eq(f.enrich.remote_as[0][0], prefer ? 15169 : 3);
        ck_assert_uint_eq(f.enrich.remote_as[1][1], 15169);
        /* What the database does not know, the record may. */
        ck_assert_uint_eq(f.enrich.remote_as[0][2], 2);
        ck_assert_uint_eq(f.enrich.remote_as[0][4], 15169);
        close_all(&f);
    }
    flowan_asdb_free(asdb);
}
END_TEST

START_TEST(scaling)
{
    static const char text[] =
        "{'bytes':18446744073709551615,'packets':3,'sampling_rate':4294967296}"
        "{'bytes':10,'sampling_rate':0,'sampler_address':'192.0.2.1'}"
        "{'packets':10,'sampler_address':'192.0.2.2'}"
        "{'bytes':7,'packets':2}";
    flowan_default_sampling rate = {{{0}}, 50};
    ck_assert(fl_text_get_address("192.0.2.1", 9, &rate.exporter));
    fixture f;
    open_with(&f, text,
              (fl_enrich_rules){.default_rate = 3, .rates = &rate, .rate_count = 1});
    ck_assert(fl_enrich_measures(&f.enrich));
    ck_assert_uint_eq(f.enrich.bytes[0].high, UINT32_MAX);
    ck_assert_uint_eq(f.enrich.bytes[0].low, UINT64_MAX << 32);
    ck_assert_uint_eq(f.enrich.packets[0].low, UINT64_C(3) << 32);
    ck_assert_uint_eq(f.enrich.bytes[1].low, 500);
    ck_assert_uint_eq(f.enrich.packets[1].low, 0);
    ck_assert_uint_eq(f.enrich.packets[2].low, 30);
    ck_assert_uint_eq(f.enrich.bytes[3].low, 21);
    close_all(&f);
    open_with(&f, text, (fl_enrich_rules){.raw_counts = true, .default_rate = 3});
    ck_assert(fl_enrich_measures(&f.enrich));
    ck_assert_uint_eq(f.enrich.bytes[0].low, UINT64_MAX);
    ck_assert_uint_eq(f.enrich.bytes[0].high, 0);
    ck_assert_uint_eq(f.enrich.bytes[1].low, 10);
    close_all(&f);
    /* Unknown is 1, never 0. */
    open_with(&f, text, (fl_enrich_rules){0});
    ck_assert(fl_enrich_measures(&f.enrich));
    ck_assert_uint_eq(f.enrich.bytes[1].low, 10);
    close_all(&f);
}
END_TEST

START_TEST(times)
{
    fixture f;
    open_with(&f,
              "{'time_flow_start_ns':1742058000000000000,"
              "'time_flow_end_ns':1742058060000000000}"
              "{'time_flow_start_ns':0,'time_received_ns':1742058100000000000}"
              "{'bytes':1}",
              (fl_enrich_rules){0});
    ck_assert(fl_enrich_times(&f.enrich));
    ck_assert_uint_eq(f.enrich.start_ns[0], UINT64_C(1742058000000000000));
    ck_assert_uint_eq(f.enrich.start_ns[1], UINT64_C(1742058100000000000));
    ck_assert_uint_eq(f.enrich.start_ns[2], FL_ENRICH_NO_TIME);
    ck_assert(f.enrich.has_span);
    ck_assert_uint_eq(f.enrich.first_ns, UINT64_C(1742058000000000000));
    ck_assert_uint_eq(f.enrich.last_ns, UINT64_C(1742058100000000000));
    ck_assert_uint_eq(f.enrich.clock_faults, 2);
    close_all(&f);
}
END_TEST

/* Arrays are indexed by choice, not by row, and grow from one batch to the next. */
START_TEST(selections)
{
    fixture f;
    open_with(&f, "{'bytes':1}{'bytes':2}{'bytes':3}", (fl_enrich_rules){0});
    uint32_t rows[] = {0, 2};
    flowan_selection selection = {rows, 2};
    ck_assert_int_eq(fl_enrich_begin(&f.enrich, f.batch, &selection, NULL), FLOWAN_OK);
    ck_assert(fl_enrich_measures(&f.enrich));
    ck_assert_uint_eq(f.enrich.bytes[1].low, 3);
    ck_assert_int_eq(fl_enrich_begin(&f.enrich, f.batch, NULL, NULL), FLOWAN_OK);
    ck_assert(fl_enrich_measures(&f.enrich));
    ck_assert_uint_eq(f.enrich.bytes[1].low, 2);
    selection.count = 0;
    ck_assert_int_eq(fl_enrich_begin(&f.enrich, f.batch, &selection, NULL), FLOWAN_OK);
    ck_assert_uint_eq(f.enrich.count, 0);
    rows[1] = 3;
    selection.count = 2;
    flowan_error error;
    ck_assert_int_eq(fl_enrich_begin(&f.enrich, f.batch, &selection, &error),
                     FLOWAN_ERROR_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(error.message, "beyond the batch of 3 rows"));
    close_all(&f);
}
END_TEST

static Suite *suite_of(void)
{
    Suite *suite = suite_create("enrich");
    TCase *cases = tcase_create("all");
    tcase_add_test(cases, directions);
    tcase_add_test(cases, translation);
    tcase_add_test(cases, default_networks);
    tcase_add_test(cases, autonomous_systems);
    tcase_add_test(cases, database);
    tcase_add_test(cases, scaling);
    tcase_add_test(cases, times);
    tcase_add_test(cases, selections);
    suite_add_tcase(suite, cases);
    return suite;
}

FL_UNIT_MAIN(suite_of)
