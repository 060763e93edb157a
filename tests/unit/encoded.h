/* What an encoder writes of records given as text. */
#ifndef FL_ENCODED_H
#define FL_ENCODED_H

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "flowan/encode.h"
#include "flowan/parser.h"
#include "memory.h"

/* The records of a text; the caller frees the batch. */
static inline flowan_batch *encoded_batch(const char *text, size_t size)
{
    flowan_parser *parser;
    flowan_batch *batch;
    size_t used;
    ck_assert_int_eq(flowan_parser_new(&parser, NULL, NULL), FLOWAN_OK);
    ck_assert_int_eq(flowan_batch_new(&batch, NULL, NULL), FLOWAN_OK);
    ck_assert_int_eq(flowan_parser_feed(parser, text, size, batch, &used, NULL),
                     FLOWAN_OK);
    ck_assert_uint_eq(used, size);
    ck_assert_uint_eq(flowan_batch_rejects(batch), 0);
    flowan_parser_free(parser);
    return batch;
}

static inline int encoded_append(void *context, const void *data, size_t size)
{
    fl_buffer_append(context, data, size);
    return 0;
}

/* An encoder that appends to `out`. `fields`: names with commas between; NULL: none. */
static inline flowan_encoder *encoded_open(flowan_format format, const char *fields,
                                           uint32_t columns, fl_buffer *out)
{
    const char *names[64];
    size_t count = 0;
    char *copy = fields ? strdup(fields) : NULL;
    for (char *at = copy; at; count++) {
        names[count] = at;
        at = strchr(at, ',');
        if (at)
            *at++ = 0;
    }
    flowan_encoder_options options = {.size = sizeof options,
                                      .format = format,
                                      .fields = fields ? names : NULL,
                                      .field_count = count,
                                      .columns = columns,
                                      .write = encoded_append,
                                      .context = out};
    flowan_encoder *encoder;
    ck_assert_int_eq(flowan_encoder_new(&encoder, &options, NULL), FLOWAN_OK);
    free(copy);
    return encoder;
}

/* All of it, NUL-terminated, to be freed. */
static inline char *encoded_text(flowan_format format, const char *fields,
                                 uint32_t columns, const flowan_batch *batch)
{
    fl_buffer out = {0};
    flowan_encoder *encoder = encoded_open(format, fields, columns, &out);
    ck_assert_int_eq(flowan_encoder_write(encoder, batch, NULL, NULL), FLOWAN_OK);
    ck_assert_int_eq(flowan_encoder_finish(encoder, NULL), FLOWAN_OK);
    flowan_encoder_free(encoder);
    fl_buffer_byte(&out, 0);
    ck_assert(!out.failed);
    return out.data;
}

/* The records give this text. */
static inline void encoded_expect(flowan_format format, const char *fields,
                                  uint32_t columns, const char *records,
                                  const char *want)
{
    flowan_batch *batch = encoded_batch(records, strlen(records));
    char *got = encoded_text(format, fields, columns, batch);
    ck_assert_msg(strcmp(got, want) == 0,
                  "%.500s\n--- gives\n%.1000s--- expected\n%.1000s", records, got,
                  want);
    free(got);
    flowan_batch_free(batch);
}

#endif
