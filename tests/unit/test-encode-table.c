/* The table at several widths, by hand: what is shortened, what is left out, and that all
 * lines are as wide as their heads say; chosen fields; texts that would break a layout. */
#include <stdio.h>

#include "encoded.h"
#include "screen.h"
#include "unit.h"

static void expect(const char *fields, uint32_t columns, const char *records,
                   const char *want)
{
    encoded_expect(FLOWAN_FORMAT_TABLE, fields, columns, records, want);
}

/* --- the layout --- */

/* clang-format off */
static const char records[] =
    "{\"time_received_ns\":\"2025-03-15T17:10:53Z\","
    "\"time_flow_start_ns\":\"2025-03-15T17:10:51.5Z\","
    "\"time_flow_end_ns\":\"2025-03-15T17:10:53.937Z\",\"proto\":\"TCP\","
    "\"src_addr\":\"100.66.0.55\",\"src_port\":33571,\"dst_addr\":\"71.18.78.22\","
    "\"dst_port\":443,\"packets\":2,\"bytes\":414,"
    "\"post_nat_src_ipv4_address\":\"6799ec02\","
    "\"post_napt_src_transport_port\":33571,"
    "\"post_nat_dst_ipv4_address\":\"47124e16\","
    "\"post_napt_dst_transport_port\":443}\n"
    "{\"time_received_ns\":\"2025-03-15T17:10:53Z\","
    "\"time_flow_start_ns\":\"2025-03-15T17:10:51Z\","
    "\"time_flow_end_ns\":\"2025-03-15T17:10:50.999Z\",\"proto\":\"IPv6-ICMP\","
    "\"src_addr\":\"2001:db8:85a3:8d3:1319:8a2e:370:7348\",\"src_port\":0,"
    "\"dst_addr\":\"2001:db8::1\",\"dst_port\":0,\"packets\":1234567,"
    "\"bytes\":999999}\n"
    "{\"time_received_ns\":\"2025-03-15T17:10:53Z\","
    "\"time_flow_start_ns\":\"2025-03-15T17:10:51.0009Z\","
    "\"time_flow_end_ns\":\"2025-03-16T17:10:51.0009Z\",\"proto\":\"UDP\","
    "\"src_addr\":\"2001:db8:85a3:8d3:1319:8a2e:370:7348\",\"src_port\":53,"
    "\"dst_addr\":\"192.0.2.1\",\"dst_port\":0,\"packets\":1,"
    "\"bytes\":18446744073709551615}\n";

static const struct {
    uint32_t columns;
    const char *want;
} layouts[] = {
    {60,
     "UTC                  source:port   destination:port    bytes\n"
     "17:10:51        100.66.0.55:33571  71.18.78.22:443       414\n"
     "17:10:51  2001:db8…370:7348        2001:db8::1        999999\n"
     "17:10:51  [2001:db…70:7348]:53       192.0.2.1:0      18.4 E\n"
    },
    {80,
     "start (UTC)     proto                 source:port   destination:port    bytes\n"
     "03-15T17:10:51  TCP              100.66.0.55:33571  71.18.78.22:443       414\n"
     "03-15T17:10:51  IPv6-ICMP  2001:db8…370:7348        2001:db8::1        999999\n"
     "03-15T17:10:51  UDP        [2001:db…70:7348]:53       192.0.2.1:0      18.4 E\n"
    },
    {100,
     "start (UTC)              proto                     source:port   destination:port   packets   bytes\n"
     "2025-03-15T17:10:51.500  TCP                  100.66.0.55:33571  71.18.78.22:443          2     414\n"
     "2025-03-15T17:10:51.000  IPv6-ICMP  2001:db8:8…e:370:7348        2001:db8::1         1.23 M  999999\n"
     "2025-03-15T17:10:51.000  UDP        [2001:db8:…:370:7348]:53       192.0.2.1:0            1  18.4 E\n"
    },
    {200,
     "start (UTC)                seconds  proto                                      source:port   destination:port   packets   bytes     NAT source:port   NAT destination:port\n"
     "2025-03-15T17:10:51.500      2.437  TCP                                   100.66.0.55:33571  71.18.78.22:443          2     414  103.153.236.2:33571      71.18.78.22:443\n"
     "2025-03-15T17:10:51.000     -0.001  IPv6-ICMP    2001:db8:85a3:8d3:1319:8a2e:370:7348        2001:db8::1         1.23 M  999999              -                      -\n"
     "2025-03-15T17:10:51.000  86400.000  UDP        [2001:db8:85a3:8d3:1319:8a2e:370:7348]:53       192.0.2.1:0            1  18.4 E              -                      -\n"
    },
};
/* clang-format on */

START_TEST(widths)
{
    for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++)
        expect(NULL, layouts[i].columns, records, layouts[i].want);
    expect(NULL, 0, records, layouts[2].want); /* 100 */
}
END_TEST

/* Whatever the width, all lines fit it, the narrowest ones aside, and none ends in a
 * blank. */
START_TEST(lines)
{
    flowan_batch *batch = encoded_batch(records, strlen(records));
    for (uint32_t columns = 1; columns < 250; columns++) {
        char *got = encoded_text(FLOWAN_FORMAT_TABLE, NULL, columns, batch);
        size_t count = 0;
        for (const char *line = got; *line; count++) {
            const char *end = strchr(line, '\n');
            size_t width = fl_screen_width(line, (size_t)(end - line));
            ck_assert_msg(columns < 44 || width <= columns, "%u: %.*s", columns,
                          (int)(end - line), line);
            ck_assert_msg(end > line && end[-1] != ' ', "%u: ends in a blank", columns);
            line = end + 1;
        }
        ck_assert_uint_eq(count, 4);
        free(got);
    }
    flowan_batch_free(batch);
}
END_TEST

/* --- which columns --- */

START_TEST(columns)
{
    static const char *const rows[][2] = {
        /* no record at all, and one without anything */
        {"", "start (UTC)              proto  source  destination  packets  bytes\n"},
        {"{}", "start (UTC)              proto  source  destination  packets  bytes\n"
               "-                        -           -            -        -      -\n"},
        /* no time of the flow; no translation; no port */
        {"{\"time_received_ns\":\"2025-03-15T17:10:53Z\",\"src_addr\":\"10.0.0.1\","
         "\"post_nat_src_ipv4_address\":\"00000000\"}",
         "received (UTC)             source\n"
         "2025-03-15T17:10:53.000  10.0.0.1\n"},
        /* translation to IPv6 */
        {"{\"src_addr\":\"10.0.0.1\",\"post_nat_src_ipv4_address\":\"00000000\","
         "\"post_nat_src_ipv6_address\":\"2001:db8::7\","
         "\"post_napt_src_transport_port\":9}",
         "  source     NAT source:port\n"
         "10.0.0.1  [2001:db8::7]:9\n"},
        /* all zero, but there */
        {"{\"src_addr\":\"0.0.0.0\",\"dst_addr\":\"::\",\"bytes\":0}",
         " source  destination  bytes\n"
         "0.0.0.0           ::      0\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        expect(NULL, 100, rows[i][0], rows[i][1]);
}
END_TEST

/* A port 0 is one only of protocols that have ports. */
START_TEST(ports)
{
    static const struct {
        const char *proto;
        unsigned port;
        bool shown;
    } rows[] = {
        {"TCP", 0, true},     {"UDP", 0, true},        {"DCCP", 0, true},
        {"SCTP", 0, true},    {"UDPLite", 0, true},    {"ICMP", 0, false},
        {"GRE", 0, false},    {"GRE", 7, true},        {"unknown", 0, false},
        {"unknown", 9, true}, {"IPv6-ICMP", 0, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char in[128];
        char want[16];
        flowan_batch *batch;
        snprintf(in, sizeof in,
                 "{\"src_addr\":\"192.0.2.1\",\"src_port\":%u,\"proto\":\"%s\"}",
                 rows[i].port, rows[i].proto);
        snprintf(want, sizeof want, rows[i].shown ? "192.0.2.1:%u\n" : "192.0.2.1\n",
                 rows[i].port);
        batch = encoded_batch(in, strlen(in));
        char *got = encoded_text(FLOWAN_FORMAT_TABLE, NULL, 100, batch);
        const char *end = strstr(got, want);
        ck_assert_msg(end && end[strlen(want)] == 0, "%s: %s", in, got);
        free(got);
        flowan_batch_free(batch);
    }
}
END_TEST

/* --- chosen fields --- */

START_TEST(chosen)
{
    expect("bytes,time_flow_start_ns,src_addr,mine", 100,
           "{\"bytes\":1500,\"time_flow_start_ns\":1742058651000000000,\"mine\":12345}"
           "{\"src_addr\":\"2001:db8::1\",\"bytes\":15000000,\"mine\":7}",
           " bytes  start (UTC)              src_addr      mine\n"
           "  1500  2025-03-15T17:10:51.000  -            12345\n"
           "15.0 M  -                        2001:db8::1      7\n");
    /* of two types, so not all numbers; more than fits is all there */
    expect("mine,nonsuch,as_path", 1,
           "{\"mine\":1,\"as_path\":[1,2]}{\"mine\":\"text\"}",
           "mine  nonsuch  as_path\n"
           "1     -        [1,2]\n"
           "text  -        -\n");
}
END_TEST

/* Nothing that steers a terminal, and wide characters take two columns. */
START_TEST(texts)
{
    expect("t,bytes", 100,
           "{\"t\":\"\\u001b[31mred\\n\",\"bytes\":1}{\"t\":\"\xc2\x9b\",\"bytes\":2}"
           "{\"t\":\"\xff\",\"bytes\":3}{\"t\":\"日本\",\"bytes\":4}"
           "{\"t\":\"cafe\xcc\x81\",\"bytes\":5}{\"t\":\"\",\"bytes\":6}",
           "t          bytes\n"
           "?[31mred?      1\n"
           "?              2\n"
           "\xef\xbf\xbd              3\n"
           "日本           4\n"
           "cafe\xcc\x81           5\n"
           "-              6\n");
    expect("t,bytes", 20,
           "{\"t\":\"a text that is longer than its column\",\"bytes\":1}"
           "{\"t\":\"日本日本日本日本日本\",\"bytes\":2}",
           "t              bytes\n"
           "a text that …      1\n"
           "日本日本日本…      2\n");
    expect("\x1b[1m", 80, "{\"\\u001b[1m\":1}", "?[1m\n   1\n");
}
END_TEST

/* Numbers are exact as long as that takes no more room. */
START_TEST(counts)
{
    static const char *const rows[][2] = {
        {"0", "     0"},
        {"999999", "999999"},
        {"1000000", "1.00 M"},
        {"1005000", "1.01 M"},
        {"12345678", "12.3 M"},
        {"999500000", "1.00 G"},
        {"18446744073709551615", "18.4 E"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char in[96];
        char want[64];
        snprintf(in, sizeof in, "{\"bytes\":%s}{\"bytes\":100000}", rows[i][0]);
        snprintf(want, sizeof want, " bytes\n%s\n100000\n", rows[i][1]);
        expect("bytes", 80, in, want);
    }
}
END_TEST

/* The head is settled by the first batch; what comes later is fitted to it, but for
 * numbers and IPv4, which are never cut. */
START_TEST(later_batches)
{
    static const char *const pieces[] = {
        "{\"src_addr\":\"192.0.2.1\",\"dst_addr\":\"10.0.0.1\",\"bytes\":1}",
        "{\"src_addr\":\"2001:db8:1:2:3:4:5:6\",\"dst_addr\":\"192.168.100.100\","
        "\"bytes\":123456}{\"time_flow_start_ns\":1742058651000000000}"};
    fl_buffer out = {0};
    flowan_encoder *encoder = encoded_open(FLOWAN_FORMAT_TABLE, NULL, 80, &out);
    for (size_t i = 0; i < 2; i++) {
        flowan_batch *batch = encoded_batch(pieces[i], strlen(pieces[i]));
        ck_assert_int_eq(flowan_encoder_write(encoder, batch, NULL, NULL), FLOWAN_OK);
        flowan_batch_free(batch);
    }
    ck_assert_int_eq(flowan_encoder_finish(encoder, NULL), FLOWAN_OK);
    flowan_encoder_free(encoder);
    fl_buffer_byte(&out, 0);
    ck_assert_str_eq(out.data, "   source  destination  bytes\n"
                               "192.0.2.1     10.0.0.1      1\n"
                               "2001…:5:6  192.168.100.100  123456\n"
                               "        -            -      -\n");
    fl_buffer_free(&out);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("encode-table");
    TCase *c = tcase_create("all");
    tcase_add_test(c, widths);
    tcase_add_test(c, lines);
    tcase_add_test(c, columns);
    tcase_add_test(c, ports);
    tcase_add_test(c, chosen);
    tcase_add_test(c, texts);
    tcase_add_test(c, counts);
    tcase_add_test(c, later_batches);
    suite_add_tcase(s, c);
    return s;
}

FL_UNIT_MAIN(suite)
