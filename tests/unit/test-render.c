/* Rows as they came in: what a record gives alone it gives in a batch, among others of its
 * shape and of other shapes, and never beyond the room that was reserved. What no log can
 * hold but a segment made by other hands has its text, too. */
#include "render.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flowan/encode.h"
#include "flowan/parser.h"
#include "record.h"
#include "unit.h"

#define EXPECT(condition, ...)                                                         \
    do {                                                                               \
        if (!(condition))                                                              \
            ck_abort_msg(__VA_ARGS__);                                                 \
    } while (0)

static flowan_parser *parser;
static flowan_batch *batch;

static void setup(void)
{
    flowan_batch_options options = {.size = sizeof options, .capacity = 1 << 17};
    ck_assert_int_eq(flowan_parser_new(&parser, NULL, NULL), FLOWAN_OK);
    ck_assert_int_eq(flowan_batch_new(&batch, &options, NULL), FLOWAN_OK);
}

static void teardown(void)
{
    flowan_parser_free(parser);
    flowan_batch_free(batch);
}

static void add(const char *text)
{
    size_t used;
    size_t size = strlen(text);
    flowan_status status = flowan_parser_feed(parser, text, size, batch, &used, NULL);
    EXPECT(status == FLOWAN_OK && used == size && flowan_batch_rejects(batch) == 0,
           "%s", text);
}

/* --- what logs hold --- */

static const char *const records[] = {
    "{}",
    "{\"bytes\":0}",
    "{\"bytes\":18446744073709551615,\"packets\":\"18446744073709551615\"}",
    "{\"time_received_ns\":9223372036854775807}",
    "{\"time_received_ns\":9223372036854775808}",
    "{\"time_received_ns\":18446744073709551615}",
    "{\"time_received_ns\":\"1677-09-21T00:12:43.145224192Z\"}",
    "{\"time_received_ns\":\"2262-04-11T23:47:16.854775807Z\"}",
    "{\"time_received_ns\":\"1969-12-31T23:59:59.999999999Z\"}",
    "{\"time_received_ns\":\"1970-01-01T00:00:00Z\"}",
    "{\"time_received_ns\":\"2025-03-15T17:10:51.5Z\","
    "\"time_flow_start_ns\":\"2025-03-15T17:10:51.500000001Z\"}",
    "{\"TimeReceived\":1742000438,\"TimeFlowEndMs\":1742000438001}",
    "{\"src_addr\":\"255.255.255.255\",\"dst_addr\":\"0.0.0.0\"}",
    "{\"src_addr\":\"::ffff:192.0.2.1\",\"dst_addr\":\"::\"}",
    "{\"src_addr\":\"ffff:eeee:dddd:cccc:bbbb:aaaa:9999:8888\",\"dst_addr\":\"1::8\"}",
    "{\"src_addr\":\"c0000201\",\"dst_addr\":\"20010db8000000000000000000000001\"}",
    "{\"NextHop\":[],\"BgpNextHop\":[255,0,10,100]}",
    "{\"NextHop\":[0,1,10,100,200,255,32,1,13,184,0,0,0,0,0,1]}",
    "{\"MplsLabelIp\":[192,0,2,1]}",
    "{\"src_addr\":\"10.1.2.3\",\"src_net\":\"10.0.0.0/8\"}",
    "{\"dst_net\":\"2001:db8::/127\",\"dst_addr\":\"2001:db8::1\"}",
    "{\"src_addr\":\"10.1.2.3\",\"src_net\":\"10.1.2.3/32\",\"dst_addr\":\"::1\","
    "\"dst_net\":\"::/0\"}",
    "{\"src_net\":\"10.0.0.0/8\"}",
    "{\"src_addr\":\"\",\"src_net\":\"::/0\"}",
    "{\"src_net\":\"invalid Prefix\",\"dst_net\":24,\"src_addr\":null}",
    "{\"as_path\":[],\"mpls_label\":[18446744073709551615,0],\"layer_stack\":[]}",
    "{\"layer_stack\":[\"Ethernet\",\"IPv6HeaderFragment\",\"Custom\"]}",
    "{\"mpls_ip\":[\"192.0.2.1\",\"ffff:eeee:dddd:cccc:bbbb:aaaa:9999:8888\",\"::\"]}",
    "{\"proto\":\"any-host-internal-protocol\",\"etype\":\"IPv6\",\"type\":\"IPFIX\"}",
    "{\"proto\":\"ICMPv6\",\"etype\":2054}",
    "{\"src_mac\":\"00:00:00:00:00:00\",\"dst_mac\":\"ff:fe:0a:90:09:a0\"}",
    "{\"x\":true,\"y\":false,\"z\":null,\"w\":{\"a\":[1.5e3]}}",
    "{\"\":1,\"a key of exactly twenty-\":2,\"a key of exactly twenty-s\":3}",
    "{\"a key that is much longer than what is copied at a time, and more\":\"v\"}",
    "{\"t\":\"\",\"u\":\"caf\xc3\xa9 \xff\x7f\"}",
    "{\"SrcAddr\":\"10.0.0.9\",\"SrcNet\":8,\"sampler_address\":\"\"}",
    "{\"a\":1, \"b\":2}",
    "{\"a\":\"\\u0041\"}",
};
enum { RECORDS = sizeof records / sizeof *records };

/* Into a buffer of just so much room, so that a sanitizer sees what is written beyond. */
static void check_room(const flowan_batch *of, size_t row, const char *want,
                       size_t capacity)
{
    fl_buffer out = {.data = malloc(capacity), .capacity = capacity};
    ck_assert_ptr_nonnull(out.data);
    fl_render_row(&out, of, row);
    EXPECT(!out.failed && out.size == strlen(want) &&
               memcmp(out.data, want, out.size) == 0,
           "%s: %.*s", want, (int)out.size, out.data);
    fl_buffer_free(&out);
}

START_TEST(within_its_room)
{
    for (size_t i = 0; i < RECORDS; i++) {
        size_t size = strlen(records[i]);
        flowan_batch_reset(batch);
        add(records[i]);
        for (size_t capacity = 1; capacity < 2 * size + 256; capacity++)
            check_room(batch, 0, records[i], capacity);
    }
}
END_TEST

/* The parser keeps the text of what is not given back, so that the rows cannot tell. */
START_TEST(alone_and_in_a_batch)
{
    fl_record record;
    ck_assert(fl_record_init(&record));
    for (size_t i = 0; i < RECORDS; i++) {
        size_t size = strlen(records[i]);
        size_t raw;
        flowan_batch_reset(batch);
        add(records[i]);
        ck_assert(fl_record_read(&record, records[i], size));
        for (size_t capacity = 1; capacity < 2 * size + 256; capacity++) {
            fl_buffer out = {.data = malloc(capacity), .capacity = capacity};
            fl_render_values(&out, record.values, record.count);
            bool same = out.size == size && memcmp(out.data, records[i], size) == 0;
            EXPECT(same == !fl_batch_raw(batch, 0, &raw), "%s: %.*s", records[i],
                   (int)out.size, out.data);
            fl_buffer_free(&out);
        }
    }
    fl_record_free(&record);
}
END_TEST

/* --- many --- */

static int take(void *context, const void *data, size_t size)
{
    fl_buffer_append(context, data, size);
    return 0;
}

static flowan_encoder *encoder_to(fl_buffer *out)
{
    flowan_encoder *encoder;
    flowan_encoder_options options = {.size = sizeof options,
                                      .format = FLOWAN_FORMAT_EXACT,
                                      .write = take,
                                      .context = out};
    ck_assert_int_eq(flowan_encoder_new(&encoder, &options, NULL), FLOWAN_OK);
    return encoder;
}

static void check_lines(const fl_buffer *got, const fl_buffer *want)
{
    ck_assert(!got->failed && !want->failed);
    ck_assert_uint_eq(got->size, want->size);
    ck_assert_int_eq(memcmp(got->data, want->data, want->size), 0);
}

/* Batches one after the other through one encoder: what was made ready for one shape is
 * not what another batch has under its number. */
START_TEST(in_any_order)
{
    fl_buffer got = {0};
    fl_buffer want = {0};
    flowan_encoder *encoder = encoder_to(&got);
    for (size_t round = 0; round < 40; round++) {
        flowan_batch_reset(batch);
        for (size_t i = 0; i < 3 * RECORDS; i++) {
            const char *text = records[(i * 11 + round * 7) % RECORDS];
            add(text);
            fl_buffer_text(&want, text);
            fl_buffer_byte(&want, '\n');
        }
        ck_assert_int_eq(flowan_encoder_write(encoder, batch, NULL, NULL), FLOWAN_OK);
    }
    check_lines(&got, &want);
    flowan_encoder_free(encoder);
    fl_buffer_free(&got);
    fl_buffer_free(&want);
}
END_TEST

START_TEST(only_chosen_rows)
{
    fl_buffer got = {0};
    flowan_encoder *encoder = encoder_to(&got);
    static const uint32_t rows[] = {2, 0, 2};
    flowan_selection selection = {rows, 3};
    add("{\"bytes\":1}{\"packets\":2}{\"bytes\":3,\"src_addr\":\"::\"}");
    ck_assert_int_eq(flowan_encoder_write(encoder, batch, &selection, NULL), FLOWAN_OK);
    fl_buffer_byte(&got, 0);
    ck_assert_str_eq(got.data, "{\"bytes\":3,\"src_addr\":\"::\"}\n{\"bytes\":1}\n"
                               "{\"bytes\":3,\"src_addr\":\"::\"}\n");
    flowan_encoder_free(encoder);
    fl_buffer_free(&got);
}
END_TEST

/* More shapes than are kept ready at a time, twice: each of the bits of `i` says whether
 * a key is there. */
START_TEST(more_shapes_than_are_kept)
{
    enum { SHAPES = 16000, KEYS = 14 };
    fl_buffer got = {0};
    fl_buffer want = {0};
    flowan_encoder *encoder = encoder_to(&got);
    for (size_t i = 0; i < 2 * SHAPES; i++) {
        size_t start = want.size;
        fl_buffer_byte(&want, '{');
        for (unsigned k = 0; k < KEYS; k++)
            if (i % SHAPES >> k & 1)
                fl_buffer_format(&want,
                                 "%s\"a key that makes a shape larger, and of a length "
                                 "that adds up to very much text in all, by number %u, "
                                 "of which there are so many that not all of them "
                                 "are kept ready at a time\":%zu",
                                 want.size > start + 1 ? "," : "", k, i);
        fl_buffer_text(&want, "}\n");
        fl_buffer_byte(&want, 0);
        want.size--;
        add(want.data + start);
    }
    ck_assert_uint_gt(batch->shapes.count, SHAPES - 1);
    ck_assert_int_eq(flowan_encoder_write(encoder, batch, NULL, NULL), FLOWAN_OK);
    check_lines(&got, &want);
    flowan_encoder_free(encoder);
    fl_buffer_free(&got);
    fl_buffer_free(&want);
}
END_TEST

/* --- what no log can hold --- */

static void append(const fl_value *values, size_t count)
{
    flowan_batch_reset(batch);
    ck_assert_int_eq(fl_batch_append(batch, values, count, NULL, 0, 0, 0), FLOWAN_OK);
}

#define FIELD(name) FLOWAN_FIELD_##name
#define OF_IPV6                                                                        \
    {                                                                                  \
        {                                                                              \
            0x20, 0x01, 0x0d, 0xb8, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12              \
        }                                                                              \
    }
#define KEYED(text) .key = text, .key_size = sizeof text - 1

START_TEST(made_by_other_hands)
{
    static const struct {
        fl_value values[2];
        size_t count;
        const char *want;
    } rows[] = {
        {{{KEYED("a"), .field = -1, .type = FLOWAN_TYPE_TEXT, .kind = FL_KIND_OPAQUE}},
         1,
         "{\"a\":\"\"}"},
        /* numbers without a name, and a name in a column that is no field */
        {{{KEYED("proto"), .field = FIELD(PROTO), .type = FLOWAN_TYPE_ENUM,
           .kind = FL_KIND_NAME, .number = UINT32_MAX}},
         1,
         "{\"proto\":\"\"}"},
        {{{KEYED("proto"), .field = FIELD(PROTO), .type = FLOWAN_TYPE_ENUM,
           .kind = FL_KIND_NAME_OLD, .number = 6}},
         1,
         "{\"proto\":\"\"}"},
        {{{KEYED("a"), .field = -1, .type = FLOWAN_TYPE_ENUM, .kind = FL_KIND_NAME}},
         1,
         "{\"a\":\"\"}"},
        /* prefixes: without their address, of an absent one, longer than there are bits,
         * and of the other family */
        {{{KEYED("src_net"), .field = FIELD(SRC_NET), .type = FLOWAN_TYPE_PREFIX,
           .kind = FL_KIND_CIDR4, .number = 8}},
         1,
         "{\"src_net\":\"\"}"},
        {{{KEYED("src_net"), .field = FIELD(SRC_NET), .type = FLOWAN_TYPE_PREFIX,
           .kind = FL_KIND_CIDR4, .number = 8},
          {KEYED("src_addr"), .field = FIELD(SRC_ADDR), .type = FLOWAN_TYPE_ADDRESS,
           .kind = FL_KIND_EMPTY}},
         2,
         "{\"src_net\":\"\",\"src_addr\":\"\"}"},
        {{{KEYED("src_addr"), .field = FIELD(SRC_ADDR), .type = FLOWAN_TYPE_ADDRESS,
           .kind = FL_KIND_IPV6, .address = OF_IPV6},
          {KEYED("src_net"), .field = FIELD(SRC_NET), .type = FLOWAN_TYPE_PREFIX,
           .kind = FL_KIND_CIDR6, .number = UINT32_MAX}},
         2,
         "{\"src_addr\":\"2001:db8:102:304:506:708:90a:b0c\","
         "\"src_net\":\"2001:db8:102:304:506:708:90a:b0c/4294967295\"}"},
        {{{KEYED("dst_addr"), .field = FIELD(DST_ADDR), .type = FLOWAN_TYPE_ADDRESS,
           .kind = FL_KIND_IPV4, .address = OF_IPV6},
          {KEYED("dst_net"), .field = FIELD(DST_NET), .type = FLOWAN_TYPE_PREFIX,
           .kind = FL_KIND_CIDR4, .number = 0}},
         2,
         "{\"dst_addr\":\"2001:db8:102:304:506:708:90a:b0c\","
         "\"dst_net\":\"2001:db8:102:304:506:708::/0\"}"},
        {{{KEYED("b"), .field = -1, .type = FLOWAN_TYPE_BOOL, .kind = FL_KIND_BOOL,
           .number = 17}},
         1,
         "{\"b\":true}"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        append(rows[i].values, rows[i].count);
        for (size_t capacity = 1; capacity < 300; capacity++)
            check_room(batch, 0, rows[i].want, capacity);
    }
}
END_TEST

/* A cell that an earlier record left is not what an absent address is. */
START_TEST(no_address_of_an_earlier_fill)
{
    add("{\"src_addr\":\"10.1.2.3\",\"src_net\":\"10.0.0.0/8\"}");
    static const fl_value values[] = {
        {KEYED("src_net"), .field = FIELD(SRC_NET), .type = FLOWAN_TYPE_PREFIX,
         .kind = FL_KIND_CIDR4, .number = 8},
        {KEYED("src_addr"), .field = FIELD(SRC_ADDR), .type = FLOWAN_TYPE_ADDRESS,
         .kind = FL_KIND_NULL}};
    append(values, 2);
    check_room(batch, 0, "{\"src_net\":\"\",\"src_addr\":null}", 1);
}
END_TEST

static Suite *render_suite(void)
{
    Suite *suite = suite_create("render");
    TCase *tcase = tcase_create("rows");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, within_its_room);
    tcase_add_test(tcase, alone_and_in_a_batch);
    tcase_add_test(tcase, in_any_order);
    tcase_add_test(tcase, only_chosen_rows);
    tcase_add_test(tcase, more_shapes_than_are_kept);
    tcase_add_test(tcase, made_by_other_hands);
    tcase_add_test(tcase, no_address_of_an_earlier_fill);
    suite_add_tcase(suite, tcase);
    return suite;
}

FL_UNIT_MAIN(render_suite)
