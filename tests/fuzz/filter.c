/* No text breaks the compiler of filters: one that is refused has a sentence and a byte
 * that is in the text, one that is taken answers for a batch of many rows as it does for
 * each of them by itself, and its opposite answers for the other rows. */
#include <stdlib.h>
#include <string.h>

#include "compare.h"
#include "flowan/filter.h"
#include "flowan/parser.h"
#include "samples.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TEXT_MAX = 65536, SINGLE_ROWS = 12 };

#define NOW_NS UINT64_C(1742058651000000000)

/* The records of all samples, made once. */
static const flowan_batch *sample_batch(void)
{
    static flowan_batch *batch;
    flowan_parser *parser;
    if (batch)
        return batch;
    if (flowan_batch_new(&batch, NULL, NULL) < 0 ||
        flowan_parser_new(&parser, NULL, NULL) < 0)
        abort();
    for (size_t i = 0; i < SAMPLES_COUNT; i++) {
        size_t size;
        size_t used;
        const char *text = samples_text(i, &size);
        if (flowan_parser_feed(parser, text, size, batch, &used, NULL) != FLOWAN_OK)
            abort();
    }
    flowan_parser_free(parser);
    return batch;
}

static const flowan_networks *sample_networks(void)
{
    static flowan_networks *networks;
    static const char file[] =
        "10.0.0.0/8 office\n100.64.0.0/10 customers\n203.0.113.0/24 nat role=public\n"
        "2001:db8::/32 lab\n";
    if (!networks &&
        flowan_networks_parse(&networks, file, sizeof file - 1, "file", NULL) < 0)
        abort();
    return networks;
}

static void check_refusal(flowan_status status, const flowan_error *error, size_t size)
{
    COMPARE_EXPECT(status == FLOWAN_ERROR_ARGUMENT || status == FLOWAN_ERROR_LIMIT,
                   "status", "%d", (int)status);
    COMPARE_EXPECT(error->status == status && error->offset <= size, "offset",
                   "%llu of %zu", (unsigned long long)error->offset, size);
    const char *end = memchr(error->message, '\0', sizeof error->message);
    COMPARE_EXPECT(end && strncmp(error->message, "filter: ", 8) == 0, "sentence", "%d",
                   end != NULL);
    for (const char *c = error->message; c < end; c++)
        COMPARE_EXPECT(*c >= 0x20 && *c < 0x7f, "sentence", "byte %d", *c);
}

static flowan_filter *compile(const char *text, size_t size)
{
    flowan_filter_options options = {sizeof options, sample_networks(), NOW_NS};
    flowan_filter *filter = NULL;
    flowan_error error = {0};
    flowan_status status = flowan_filter_compile(&filter, text, size, &options, &error);
    if (status == FLOWAN_OK)
        return filter;
    check_refusal(status, &error, size);
    return NULL;
}

/* The answer of a matcher, borrowed like it. */
static const flowan_selection *apply(flowan_matcher *matcher,
                                     const flowan_selection *among)
{
    const flowan_batch *batch = sample_batch();
    const flowan_selection *found = NULL;
    flowan_status status = flowan_matcher_apply(matcher, batch, among, &found, NULL);
    COMPARE_EXPECT(status == FLOWAN_OK, "apply", "%d", (int)status);
    for (size_t i = 0; i < found->count; i++)
        COMPARE_EXPECT(found->rows[i] < flowan_batch_rows(batch) &&
                           (i == 0 || found->rows[i - 1] < found->rows[i]),
                       "rows", "%u", found->rows[i]);
    return found;
}

static flowan_matcher *matcher_of(const flowan_filter *filter)
{
    flowan_matcher *matcher;
    if (flowan_matcher_new(&matcher, filter, NULL, NULL) < 0)
        abort();
    return matcher;
}

static void check_answers(const flowan_filter *filter, const flowan_filter *opposite)
{
    size_t rows = flowan_batch_rows(sample_batch());
    bool *held = calloc(rows, sizeof *held);
    flowan_matcher *matcher = matcher_of(filter);
    const flowan_selection *found = apply(matcher, NULL);
    size_t count = found->count;
    for (size_t i = 0; i < count; i++)
        held[found->rows[i]] = true;
    for (uint32_t row = 0; row < rows; row += (uint32_t)(rows / SINGLE_ROWS + 1)) {
        flowan_selection one = {&row, 1};
        COMPARE_EXPECT(apply(matcher, &one)->count == held[row], "row", "%u", row);
    }
    flowan_matcher_free(matcher);
    if (opposite) {
        matcher = matcher_of(opposite);
        found = apply(matcher, NULL);
        COMPARE_EXPECT(found->count == rows - count, "opposite", "%zu rows, not %zu",
                       found->count, rows - count);
        for (size_t i = 0; i < found->count; i++)
            COMPARE_EXPECT(!held[found->rows[i]], "opposite", "row %u", found->rows[i]);
        flowan_matcher_free(matcher);
    }
    free(held);
}

/* The filter of "not (text)", where the text does not close the parenthesis itself. */
static flowan_filter *opposite_of(const uint8_t *data, size_t size)
{
    static const char before[] = "not (";
    char *text = malloc(size + sizeof before + 1);
    memcpy(text, before, sizeof before - 1);
    if (size)
        memcpy(text + sizeof before - 1, data, size);
    /* behind a comment at its end */
    memcpy(text + sizeof before - 1 + size, "\n)", 2);
    flowan_filter *filter = compile(text, size + sizeof before + 1);
    free(text);
    return filter;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > TEXT_MAX)
        return 0;
    flowan_filter *filter = compile((const char *)data, size);
    if (!filter)
        return 0;
    size_t count;
    const char *const *columns = flowan_filter_columns(filter, &count);
    for (size_t i = 0; i < count; i++)
        COMPARE_EXPECT(columns[i] != NULL, "column", "%zu", i);
    /* none for a text without a test, or one nested as deep as can be */
    flowan_filter *opposite = opposite_of(data, size);
    check_answers(filter, opposite);
    flowan_filter_free(opposite);
    flowan_filter_free(filter);
    return 0;
}
