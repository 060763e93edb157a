/* Every document of the Elastic Common Schema is one line, which jansson reads and in which
 * no key stands twice, whatever was parsed and whatever was no record. The first byte says
 * which options there are:
 *
 *   bit  0    the record's text
 *   bit  1    as Elastic's integration has it
 *   bit  2    some of the rows
 *   bit  3    a tag
 *   bits 4-7  what is too old */
#include <jansson.h>
#include <string.h>

#include "compare.h"
#include "flowan/encode.h"
#include "input.h"
#include "memory.h"

static int take(void *context, const void *data, size_t size)
{
    fl_buffer_append(context, data, size);
    return 0;
}

static flowan_encoder *encoder_of(uint8_t flags, fl_buffer *out)
{
    static const char *const tags[] = {"a\"b\xff\n"};
    flowan_encoder *encoder;
    flowan_encoder_options options = {.size = sizeof options,
                                      .format = FLOWAN_FORMAT_ECS,
                                      .write = take,
                                      .context = out,
                                      .preserve_original = flags & 1,
                                      .elastic_compat = flags & 2,
                                      .tags = tags,
                                      .tag_count = flags >> 3 & 1,
                                      .not_before_ns = (uint64_t)(flags >> 4) << 58};
    COMPARE_EXPECT(flowan_encoder_new(&encoder, &options, NULL) == FLOWAN_OK, "encoder",
                   "%u", flags);
    return encoder;
}

/* The lines, of which there are `most` at the most. */
static void check(const fl_buffer *out, size_t most)
{
    size_t count = 0;
    for (size_t at = 0; at < out->size; count++) {
        const char *line = out->data + at;
        const char *end = memchr(line, '\n', out->size - at);
        COMPARE_EXPECT(end, "documents", "no line feed behind %.*s",
                       (int)(out->size - at), line);
        size_t size = (size_t)(end - line);
        json_error_t error;
        json_t *read =
            json_loadb(line, size, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
        COMPARE_EXPECT(json_is_object(read), "documents", "%s: %.*s", error.text,
                       (int)size, line);
        json_decref(read);
        at += size + 1;
    }
    COMPARE_EXPECT(count <= most, "documents", "%zu, not %zu", count, most);
}

static void write_all(const flowan_batch *batch, uint8_t flags)
{
    static const uint32_t every_other[] = {0, 2, 4, 6, 8, 10, 12, 14};
    fl_buffer out = {0};
    flowan_encoder *encoder = encoder_of(flags, &out);
    size_t rows = flowan_batch_rows(batch);
    flowan_selection some = {every_other, (rows + 1) / 2 < 8 ? (rows + 1) / 2 : 8};
    flowan_reject reject;
    size_t rejects = 0;
    COMPARE_EXPECT(flowan_encoder_write(encoder, batch, flags & 4 ? &some : NULL,
                                        NULL) == FLOWAN_OK,
                   "documents", "%zu rows", rows);
    while (flowan_batch_reject(batch, rejects, &reject)) {
        COMPARE_EXPECT(flowan_encoder_reject(encoder, &reject, NULL) == FLOWAN_OK,
                       "reject", "%zu", rejects);
        rejects++;
    }
    flowan_encoder_free(encoder);
    check(&out, rejects + (flags & 4 ? some.count : rows));
    fl_buffer_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > INPUT_MAX)
        return 0;
    flowan_parser *parser;
    flowan_batch *batch;
    size_t used;
    COMPARE_EXPECT(flowan_batch_new(&batch, NULL, NULL) == FLOWAN_OK &&
                       flowan_parser_new(&parser, NULL, NULL) == FLOWAN_OK,
                   "memory", "%zu", size);
    if (flowan_parser_feed(parser, data + 1, size - 1, batch, &used, NULL) ==
            FLOWAN_OK &&
        flowan_parser_finish(parser, batch, NULL) == FLOWAN_OK)
        write_all(batch, data[0]);
    flowan_parser_free(parser);
    flowan_batch_free(batch);
    return 0;
}
