/* Normalised JSON: every type of value, by hand; what is absent, named twice or no text;
 * and that a row is the same alone, among others, and in any room. */
#include <stdio.h>

#include "encoded.h"
#include "unit.h"

static void expect(const char *fields, const char *records, const char *want)
{
    encoded_expect(FLOWAN_FORMAT_JSON, fields, 0, records, want);
}

START_TEST(types)
{
    static const char *const rows[][2] = {
        {"{}", "{}\n"},
        {"{\"bytes\":18446744073709551615,\"src_port\":0,\"packets\":\"7\"}",
         "{\"bytes\":18446744073709551615,\"src_port\":0,\"packets\":7}\n"},
        {"{\"time_received_ns\":\"2025-03-15T17:10:51.5Z\"}",
         "{\"time_received_ns\":1742058651500000000}\n"},
        {"{\"time_received_ns\":\"1969-12-31T23:59:59.999999999Z\"}",
         "{\"time_received_ns\":18446744073709551615}\n"},
        {"{\"TimeReceived\":1742058651,\"TimeFlowEndMs\":1742058651500}",
         "{\"time_received_ns\":1742058651000000000,"
         "\"time_flow_end_ns\":1742058651500000000}\n"},
        {"{\"src_mac\":\"2c:c8:1b:ac:cf:81\",\"proto\":6,\"etype\":\"IPv6\"}",
         "{\"src_mac\":\"2c:c8:1b:ac:cf:81\",\"proto\":\"TCP\",\"etype\":\"IPv6\"}\n"},
        {"{\"proto\":200,\"etype\":34525,\"type\":77}",
         "{\"proto\":200,\"etype\":\"IPv6\",\"type\":77}\n"},
        {"{\"proto\":\"ICMPv6\"}", "{\"proto\":\"IPv6-ICMP\"}\n"},
        {"{\"proto\":\"any-host-internal-protocol\"}",
         "{\"proto\":\"any-host-internal-protocol\"}\n"},
        {"{\"proto\":\"unassigned\"}", "{\"proto\":\"unassigned\"}\n"},
        {"{\"src_addr\":\"255.255.255.255\",\"dst_addr\":\"2001:DB8::1\"}",
         "{\"src_addr\":\"255.255.255.255\",\"dst_addr\":\"2001:db8::1\"}\n"},
        {"{\"src_addr\":\"::ffff:192.0.2.1\",\"dst_addr\":\"c0000201\"}",
         "{\"src_addr\":\"192.0.2.1\",\"dst_addr\":\"192.0.2.1\"}\n"},
        {"{\"src_addr\":\"ffff:eeee:dddd:cccc:bbbb:aaaa:9999:8888\"}",
         "{\"src_addr\":\"ffff:eeee:dddd:cccc:bbbb:aaaa:9999:8888\"}\n"},
        {"{\"NextHop\":[192,0,2,9],\"BgpNextHop\":[]}",
         "{\"next_hop\":\"192.0.2.9\"}\n"},
        {"{\"as_path\":[],\"mpls_label\":[18446744073709551615,0]}",
         "{\"as_path\":[],\"mpls_label\":[18446744073709551615,0]}\n"},
        {"{\"layer_stack\":[\"Ethernet\",\"IPv6HeaderFragment\"]}",
         "{\"layer_stack\":[\"Ethernet\",\"IPv6HeaderFragment\"]}\n"},
        {"{\"mpls_ip\":[\"192.0.2.1\",\"ffff:eeee:dddd:cccc:bbbb:aaaa:9999:8888\"]}",
         "{\"mpls_ip\":[\"192.0.2.1\",\"ffff:eeee:dddd:cccc:bbbb:aaaa:9999:8888\"]}\n"},
        {"{\"MplsLabelIp\":[192,0,2,1]}", "{\"mpls_ip\":[\"192.0.2.1\"]}\n"},
        {"{\"x\":true,\"y\":false,\"z\":null,\"w\":{\"a\": [1.5e3]},\"v\":-1}",
         "{\"x\":true,\"y\":false,\"z\":null,\"w\":{\"a\": [1.5e3]},\"v\":-1}\n"},
        {"{\"src_addr\":\"\",\"src_net\":\"invalid Prefix\",\"bytes\":\"\"}", "{}\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        expect(NULL, rows[i][0], rows[i][1]);
}
END_TEST

/* A prefix is text where the record has the address that it is of, else its length. */
START_TEST(prefixes)
{
    expect(NULL, "{\"src_addr\":\"10.8.7.1\",\"src_net\":\"10.8.0.0/16\"}",
           "{\"src_addr\":\"10.8.7.1\",\"src_net\":\"10.8.0.0/16\"}\n");
    expect(NULL, "{\"dst_net\":\"2001:db8::/127\",\"dst_addr\":\"2001:db8::1\"}",
           "{\"dst_net\":\"2001:db8::/127\",\"dst_addr\":\"2001:db8::1\"}\n");
    expect(NULL, "{\"src_net\":24}", "{\"src_net\":24}\n");
    expect(NULL, "{\"src_addr\":\"10.8.7.1\"}{\"src_net\":24}",
           "{\"src_addr\":\"10.8.7.1\"}\n{\"src_net\":24}\n");
    expect(NULL, "{\"dst_net\":24,\"src_addr\":\"10.8.7.1\"}",
           "{\"dst_net\":24,\"src_addr\":\"10.8.7.1\"}\n");
    expect(NULL, "{\"SrcAddr\":\"10.8.7.1\",\"SrcNet\":33}",
           "{\"src_addr\":\"10.8.7.1\",\"src_net\":33}\n");
    expect(NULL, "{\"SrcAddr\":\"10.8.7.1\",\"SrcNet\":20}",
           "{\"src_addr\":\"10.8.7.1\",\"src_net\":\"10.8.0.0/20\"}\n");
    expect("src_net", "{\"src_addr\":\"10.8.7.1\",\"src_net\":\"10.8.0.0/16\"}{}",
           "{\"src_net\":\"10.8.0.0/16\"}\n{}\n");
}
END_TEST

/* A short text is written another way than a long one; both have the same escapes. */
START_TEST(texts)
{
    expect(NULL, "{\"t\":\"\",\"u\":\"caf\xc3\xa9 \x7f\"}",
           "{\"t\":\"\",\"u\":\"caf\xc3\xa9 \x7f\"}\n");
    expect(NULL, "{\"t\":\"\\u0041\\/\\\"\\\\\\b\\f\\n\\r\\t\\u001f\"}",
           "{\"t\":\"A/\\\"\\\\\\b\\f\\n\\r\\t\\u001f\"}\n");
    expect(NULL, "{\"t\":\"\xff\xfe\x80\"}",
           "{\"t\":\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"}\n");
    expect(NULL, "{\"a\\\"b\\n\":1,\"\xff\":2,\"\":3}",
           "{\"a\\\"b\\n\":1,\"\xef\xbf\xbd\":2,\"\":3}\n");
    expect(NULL, "{\"n\\u0000n\":\"m\\u0000m\"}", "{\"n\\u0000n\":\"m\\u0000m\"}\n");
    static const char *const specials[][2] = {
        {"x", "x"},
        {" ", " "},
        {"\\\"", "\\\""},
        {"\\u0001", "\\u0001"},
        {"\\u001f", "\\u001f"},
        {"\xff", "\xef\xbf\xbd"},
        {"\xc3\xa9", "\xc3\xa9"},
    };
    for (int before = 1; before < 80; before++)
        for (int behind = 1; behind < 80; behind += before < 20 ? 1 : 9)
            for (size_t i = 0; i < sizeof specials / sizeof *specials; i++) {
                char in[256];
                char want[256];
                snprintf(in, sizeof in, "{\"t\":\"%0*d%s%0*d\"}", before, 0,
                         specials[i][0], behind, 0);
                snprintf(want, sizeof want, "{\"t\":\"%0*d%s%0*d\"}\n", before, 0,
                         specials[i][1], behind, 0);
                expect(NULL, in, want);
            }
}
END_TEST

/* Chosen fields come in the order of the choice; a name may have columns of several types,
 * and be asked for twice. */
START_TEST(chosen)
{
    static const char records[] =
        "{\"bytes\":1,\"proto\":\"TCP\",\"k\":1}{\"proto\":\"unknown\",\"k\":\"t\"}"
        "{\"k\":[1]}{\"k\":true,\"bytes\":2}{}{\"other\":1}";
    expect("proto,k,bytes", records,
           "{\"proto\":\"TCP\",\"k\":1,\"bytes\":1}\n"
           "{\"proto\":\"unknown\",\"k\":\"t\"}\n"
           "{\"k\":[1]}\n{\"k\":true,\"bytes\":2}\n{}\n{}\n");
    expect("bytes,bytes", records,
           "{\"bytes\":1,\"bytes\":1}\n{}\n{}\n{\"bytes\":2,\"bytes\":2}\n{}\n{}\n");
    expect("nonsuch", "{\"a\":1}", "{}\n");
    expect("a b,\xc3\xa9", "{\"\xc3\xa9\":1,\"a b\":2}",
           "{\"a b\":2,\"\xc3\xa9\":1}\n");
}
END_TEST

/* Addresses that are those of the row before, and not, in two shapes by turns. */
START_TEST(repeated_addresses)
{
    static const char *const addresses[] = {"192.0.2.1", "192.0.2.1",   "192.0.2.2",
                                            "::",        "2001:db8::1", "0.0.0.0"};
    fl_buffer text = {0};
    uint32_t state = 1;
    for (unsigned i = 0; i < 3000; i++) {
        fl_buffer_format(&text, "{\"n\":%u", i);
        for (unsigned k = 0; k < 3; k++) {
            static const char *const keys[] = {"src_addr", "dst_addr", "next_hop"};
            state = state * 1664525 + 1013904223;
            if (k != i / 3 % 5)
                fl_buffer_format(&text, ",\"%s\":\"%s\"", keys[k],
                                 addresses[(state >> 24) % 6]);
        }
        fl_buffer_text(&text, "}\n");
    }
    fl_buffer_byte(&text, 0);
    expect(NULL, text.data, text.data);
    fl_buffer_free(&text);
}
END_TEST

/* Runs that are longer than the room of a row, between others. */
START_TEST(long_rows)
{
    fl_buffer in = {0};
    fl_buffer want = {0};
    for (unsigned row = 0; row < 300; row++) {
        fl_buffer *both[] = {&in, &want};
        for (unsigned k = 0; k < 2; k++) {
            fl_buffer_format(both[k], "{\"bytes\":%u,\"as_path\":[", row);
            for (unsigned i = 0; i < row; i++)
                fl_buffer_format(both[k], i ? ",%u" : "%u", i * 1000003);
            fl_buffer_text(both[k], "],\"t\":\"");
            for (unsigned i = 0; i < 3 * row; i++)
                fl_buffer_byte(both[k], (char)('a' + i % 26));
            fl_buffer_text(both[k], "\",\"layer_stack\":[");
            for (unsigned i = 0; i < row; i++)
                fl_buffer_text(both[k], i ? ",\"TCP\"" : "\"TCP\"");
            fl_buffer_format(both[k], "],\"packets\":%u}\n", row);
        }
    }
    fl_buffer_byte(&in, 0);
    fl_buffer_byte(&want, 0);
    expect(NULL, in.data, want.data);
    fl_buffer_free(&in);
    fl_buffer_free(&want);
}
END_TEST

/* More shapes, of more text, than are kept ready at a time. */
START_TEST(many_shapes)
{
    enum { SHAPES = 8000, KEYS = 24 };
    fl_buffer in = {0};
    for (unsigned row = 0; row < SHAPES; row++) {
        for (unsigned i = 0; i < KEYS; i++)
            fl_buffer_format(&in, "%c\"%0120u\":%u", i ? ',' : '{',
                             row % 2 ? i : KEYS + (row + i) % 97, i);
        fl_buffer_format(&in, ",\"s%u\":0}\n", row % (row % 2 ? 200 : 3000));
    }
    flowan_batch *batch = encoded_batch(in.data, in.size);
    ck_assert_uint_eq(flowan_batch_rows(batch), SHAPES);
    char *got = encoded_text(FLOWAN_FORMAT_JSON, NULL, 0, batch);
    ck_assert_uint_eq(strlen(got), in.size);
    ck_assert_int_eq(memcmp(got, in.data, in.size), 0);
    flowan_batch_free(batch);
    fl_buffer_free(&in);
    free(got);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("encode-json");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 60);
    tcase_add_test(c, types);
    tcase_add_test(c, prefixes);
    tcase_add_test(c, texts);
    tcase_add_test(c, chosen);
    tcase_add_test(c, repeated_addresses);
    tcase_add_test(c, long_rows);
    tcase_add_test(c, many_shapes);
    suite_add_tcase(s, c);
    return s;
}

FL_UNIT_MAIN(suite)
