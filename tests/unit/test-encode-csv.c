/* CSV: the header line, quoting by RFC 4180, lists, and fields that are not there. */
#include <stdio.h>

#include "encoded.h"
#include "unit.h"

static void expect(const char *fields, const char *records, const char *want)
{
    encoded_expect(FLOWAN_FORMAT_CSV, fields, 0, records, want);
}

START_TEST(header)
{
    expect("bytes", "", "bytes\r\n");
    expect("a \"b\"", "{\"a \\\"b\\\"\":1}", "\"a \"\"b\"\"\"\r\n1\r\n");
    expect("x,y,x", "{\"y\":2}", "x,y,x\r\n,2,\r\n");
}
END_TEST

START_TEST(values)
{
    expect("bytes,proto,src_addr,src_mac,time_received_ns,up",
           "{\"bytes\":1,\"proto\":\"TCP\",\"src_addr\":\"2001:db8::1\",\"src_mac\":"
           "\"2c:c8:1b:ac:cf:81\",\"time_received_ns\":\"2025-03-15T17:10:51Z\","
           "\"up\":true}{}{\"proto\":201}{\"proto\":\"unknown\",\"up\":\"\"}",
           "bytes,proto,src_addr,src_mac,time_received_ns,up\r\n"
           "1,TCP,2001:db8::1,2c:c8:1b:ac:cf:81,1742058651000000000,true\r\n"
           ",,,,,\r\n,201,,,,\r\n,unknown,,,,\r\n");
    expect("src_net,bytes", "{\"src_addr\":\"10.8.7.1\",\"src_net\":\"10.8.0.0/16\"}",
           "src_net,bytes\r\n10.8.0.0/16,\r\n");
}
END_TEST

/* Short texts and long ones. */
START_TEST(texts)
{
    static const char *const rows[][2] = {
        {"plain \xc3\xa9", "plain \xc3\xa9"},
        {"a,b", "\"a,b\""},
        {"a\\\"b", "\"a\"\"b\""},
        {"a\\nb", "\"a\nb\""},
        {"a\\rb", "\"a\rb\""},
        {"\xff", "\xff"}, /* as it is: CSV promises no UTF-8 */
        {"a\\tb'", "a\tb'"},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (int pad = 0; pad < 130; pad++) {
            char in[256];
            char want[256];
            bool quoted = rows[i][1][0] == '"';
            snprintf(in, sizeof in, "{\"t\":\"%0*d%s\",\"n\":5}", pad, 0, rows[i][0]);
            snprintf(want, sizeof want, "t,n\r\n%s%0*d%s,5\r\n", quoted ? "\"" : "",
                     pad, 0, rows[i][1] + quoted);
            expect("t,n", in, want);
        }
}
END_TEST

/* Lists and values of JSON are JSON, quoted for their commas and quotes. */
START_TEST(lists)
{
    expect("as_path",
           "{\"as_path\":[]}{\"as_path\":[5]}{\"as_path\":[5,6]}{\"as_path\":[5,6,7]}",
           "as_path\r\n[]\r\n[5]\r\n\"[5,6]\"\r\n\"[5,6,7]\"\r\n");
    expect("layer_stack",
           "{\"layer_stack\":[\"TCP\"]}{\"layer_stack\":[\"IPv4\",\"TCP\"]}",
           "layer_stack\r\n\"[\"\"TCP\"\"]\"\r\n\"[\"\"IPv4\"\",\"\"TCP\"\"]\"\r\n");
    expect("mpls_ip", "{\"mpls_ip\":[\"192.0.2.1\"]}{\"mpls_ip\":[]}",
           "mpls_ip\r\n\"[\"\"192.0.2.1\"\"]\"\r\n[]\r\n");
    expect("v",
           "{\"v\":{\"a\":\"b\"}}{\"v\":1.5}{\"v\":[1,2]}{\"v\":[\"\xff\"]}{\"v\":-1}",
           "v\r\n\"{\"\"a\"\":\"\"b\"\"}\"\r\n1.5\r\n\"[1,2]\"\r\n"
           "\"[\"\"\xef\xbf\xbd\"\"]\"\r\n-1\r\n");
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("encode-csv");
    TCase *c = tcase_create("all");
    tcase_add_test(c, header);
    tcase_add_test(c, values);
    tcase_add_test(c, texts);
    tcase_add_test(c, lists);
    suite_add_tcase(s, c);
    return s;
}

FL_UNIT_MAIN(suite)
