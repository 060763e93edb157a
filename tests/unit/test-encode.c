/* The handle: what it refuses, what it asks of a scan, selections, and what is left when
 * writing fails. */
#include <errno.h>

#include "encoded.h"
#include "flowan/status.h"
#include "unit.h"

static const flowan_format formats[] = {FLOWAN_FORMAT_EXACT, FLOWAN_FORMAT_JSON,
                                        FLOWAN_FORMAT_CSV, FLOWAN_FORMAT_TABLE};

START_TEST(refusals)
{
    static const char *const names[] = {"bytes"};
    flowan_encoder_options good = {
        .size = sizeof good, .format = FLOWAN_FORMAT_JSON, .write = encoded_append};
    flowan_encoder_options bad[7];
    for (size_t i = 0; i < 7; i++)
        bad[i] = good;
    bad[0].size = 0;
    bad[1].format = 0;
    bad[2].format = (flowan_format)-1;
    bad[3].format = (flowan_format)1000;
    bad[4].write = NULL;
    bad[5].format = FLOWAN_FORMAT_CSV; /* without fields */
    bad[6].format = FLOWAN_FORMAT_EXACT;
    bad[6].fields = names;
    bad[6].field_count = 1;
    flowan_encoder *encoder;
    flowan_error error;
    for (size_t i = 0; i < 7; i++) {
        encoder = (flowan_encoder *)&error;
        ck_assert_int_eq(flowan_encoder_new(&encoder, &bad[i], &error),
                         FLOWAN_ERROR_ARGUMENT);
        ck_assert_ptr_null(encoder);
        ck_assert_int_eq(error.status, FLOWAN_ERROR_ARGUMENT);
    }
    ck_assert_int_eq(flowan_encoder_new(&encoder, NULL, NULL), FLOWAN_ERROR_ARGUMENT);
    ck_assert_int_eq(flowan_encoder_new(&encoder, &good, NULL), FLOWAN_OK);
    flowan_encoder_free(encoder);
    flowan_encoder_free(NULL);
}
END_TEST

static void expect_columns(flowan_format format, const char *fields, const char *want)
{
    size_t count;
    fl_buffer out = {0};
    flowan_encoder *encoder = encoded_open(format, fields, 0, &out);
    const char *const *names = flowan_encoder_columns(encoder, &count);
    for (size_t i = 0; i < count; i++) {
        fl_buffer_text(&out, i ? "," : "");
        fl_buffer_text(&out, names[i]);
    }
    ck_assert_int_eq(names != NULL, want != NULL);
    fl_buffer_byte(&out, 0);
    ck_assert_str_eq(out.data, want ? want : "");
    flowan_encoder_free(encoder);
    fl_buffer_free(&out);
}

/* The text of a prefix needs its address. */
START_TEST(columns)
{
    expect_columns(FLOWAN_FORMAT_EXACT, NULL, NULL);
    expect_columns(FLOWAN_FORMAT_JSON, NULL, NULL);
    expect_columns(FLOWAN_FORMAT_JSON, "bytes,mine", "bytes,mine");
    expect_columns(FLOWAN_FORMAT_CSV, "dst_net,bytes,src_net",
                   "dst_net,bytes,src_net,src_addr,dst_addr");
    expect_columns(FLOWAN_FORMAT_TABLE, "src_net", "src_net,src_addr");
}
END_TEST

/* Rows of several batches, of any choice; the head stands once. */
START_TEST(selections)
{
    static const char first[] = "{\"a\":1}{\"a\":2,\"b\":0}{\"a\":3}";
    static const char second[] = "{\"b\":5,\"a\":4}{\"c\":1}";
    static const char *const want[] = {"{\"a\":1}\n{\"a\":3}\n{\"c\":1}\n",
                                       "{\"a\":1}\n{\"a\":3}\n{}\n",
                                       "a\r\n1\r\n3\r\n\r\n", "a\n1\n3\n-\n"};
    static const uint32_t rows[] = {0, 2};
    static const uint32_t last[] = {1};
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        fl_buffer out = {0};
        flowan_encoder *encoder = encoded_open(
            formats[i], formats[i] == FLOWAN_FORMAT_EXACT ? NULL : "a", 0, &out);
        flowan_batch *batch = encoded_batch(first, strlen(first));
        flowan_selection chosen = {rows, 2};
        flowan_selection nothing = {rows, 0};
        ck_assert_int_eq(flowan_encoder_write(encoder, batch, &nothing, NULL), 0);
        ck_assert_uint_eq(out.size, 0);
        ck_assert_int_eq(flowan_encoder_write(encoder, batch, &chosen, NULL), 0);
        flowan_batch_free(batch);
        batch = encoded_batch(second, strlen(second));
        chosen = (flowan_selection){last, 1};
        ck_assert_int_eq(flowan_encoder_write(encoder, batch, &chosen, NULL), 0);
        ck_assert_int_eq(flowan_encoder_finish(encoder, NULL), 0);
        flowan_batch_free(batch);
        flowan_encoder_free(encoder);
        fl_buffer_byte(&out, 0);
        ck_assert_str_eq(out.data, want[i]);
        fl_buffer_free(&out);
    }
}
END_TEST

/* --- a reader that goes away --- */

typedef struct narrow {
    size_t calls;
    size_t fail_at;
    int number;
} narrow;

static int write_narrow(void *context, const void *data, size_t size)
{
    narrow *n = context;
    (void)data;
    ck_assert_uint_gt(size, 0);
    return ++n->calls == n->fail_at ? n->number : 0;
}

START_TEST(closed)
{
    static const char *const fields[] = {"t"};
    fl_buffer in = {0};
    for (unsigned i = 0; i < 3000; i++)
        fl_buffer_format(&in, "{\"t\":\"%0500u\"}\n", i);
    flowan_batch *batch = encoded_batch(in.data, in.size);
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        /* a table cuts its texts, so that it is written at once */
        for (size_t at = 1; at <= (formats[i] == FLOWAN_FORMAT_TABLE ? 1 : 3); at++) {
            narrow to = {.fail_at = at, .number = at == 1 ? EPIPE : ENOENT};
            flowan_encoder_options options = {.size = sizeof options,
                                              .format = formats[i],
                                              .write = write_narrow,
                                              .context = &to};
            if (formats[i] != FLOWAN_FORMAT_EXACT) {
                options.fields = fields;
                options.field_count = 1;
            }
            flowan_encoder *encoder;
            flowan_error error;
            ck_assert_int_eq(flowan_encoder_new(&encoder, &options, NULL), FLOWAN_OK);
            flowan_status status = flowan_encoder_write(encoder, batch, NULL, &error);
            ck_assert_int_eq(status, FLOWAN_ERROR_IO);
            ck_assert_uint_eq(error.offset, (uint64_t)to.number);
            ck_assert_uint_eq(to.calls, at); /* no more is tried */
            flowan_encoder_free(encoder);
        }
    flowan_batch_free(batch);
    fl_buffer_free(&in);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("encode");
    TCase *c = tcase_create("all");
    tcase_add_test(c, refusals);
    tcase_add_test(c, columns);
    tcase_add_test(c, selections);
    tcase_add_test(c, closed);
    suite_add_tcase(s, c);
    return s;
}

FL_UNIT_MAIN(suite)
