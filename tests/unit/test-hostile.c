/* Inputs made to exhaust: lines without end, nesting, ever new keys and shapes. By every
 * kernel they cost bounded memory and time in proportion to their size, and what they are
 * is said. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "allocations.h"
#include "batch.h"
#include "flowan/parser.h"
#include "memory.h"
#include "unit.h"

enum {
    MIB = 1 << 20,
    RECORD_LIMIT = MIB,
    BATCH_LIMIT = 16 * MIB,
#if defined(__SANITIZE_ADDRESS__)
    LINE_MIB = 64,
    SLOWER = 4, /* fewer records there */
#else
    LINE_MIB = 1024,
    SLOWER = 1,
#endif
    /* What a parser may hold for each byte of the largest record: its unfinished bytes,
     * the same in one piece, and room for whatever values such a text can have (4 bytes of
     * numbers and 4 of addresses), each grown by doubling and moved while it grows. */
    RECORD_FACTOR = 32,
    /* A batch ends behind the record that took it over its limit; a column that grows is
     * there twice. Shapes and rejects have limits of their own. */
    BATCH_HELD = BATCH_LIMIT + BATCH_LIMIT / 2 + FL_BATCH_SHAPES_SIZE + FL_REJECTS_SIZE,
    /* Tables of keys, stacks, what is known of shapes. */
    CONSTANT = 16 * MIB
};

/* --- a run --- */

typedef struct run {
    flowan_parser *parser;
    flowan_batch *batch;
    int64_t held; /* before */
    uint64_t rows;
    uint64_t raws;    /* rows whose text is kept */
    uint64_t rejects; /* without pieces that continue one */
    uint64_t reject_bytes;
    flowan_reject_reason reason; /* of the last */
} run;

static double cpu_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static run begin(flowan_kernel kernel)
{
    run r = {.held = allocations.held};
    allocations.peak = allocations.held;
    flowan_parser_options options = {
        .size = sizeof options, .record_limit = RECORD_LIMIT, .kernel = kernel};
    flowan_batch_options batch = {.size = sizeof batch, .memory_bytes = BATCH_LIMIT};
    ck_assert_int_eq(flowan_parser_new(&r.parser, &options, NULL), FLOWAN_OK);
    ck_assert_int_eq(flowan_batch_new(&r.batch, &batch, NULL), FLOWAN_OK);
    return r;
}

static void take_batch(run *r)
{
    flowan_reject reject;
    for (size_t i = 0; flowan_batch_reject(r->batch, i, &reject); i++) {
        r->rejects += !reject.continued;
        r->reject_bytes += reject.size;
        r->reason = reject.reason;
    }
    size_t rows = flowan_batch_rows(r->batch);
    size_t size;
    for (size_t row = 0; row < rows; row++)
        r->raws += fl_batch_raw(r->batch, row, &size) != NULL;
    r->rows += rows;
    flowan_batch_reset(r->batch);
}

static void feed(run *r, const void *data, size_t size)
{
    for (size_t at = 0; at < size;) {
        size_t used;
        flowan_status status = flowan_parser_feed(r->parser, (const char *)data + at,
                                                  size - at, r->batch, &used, NULL);
        if (status < 0)
            ck_abort_msg("status %d", status);
        at += used;
        if (status == FLOWAN_FULL)
            take_batch(r);
    }
}

static void feed_all(run *r, const fl_buffer *text)
{
    ck_assert(!text->failed);
    for (size_t at = 0; at < text->size; at += MIB)
        feed(r, text->data + at, text->size - at < MIB ? text->size - at : MIB);
}

/* Ends the run and gives back what it took at most. */
static int64_t end(run *r)
{
    ck_assert_int_eq(flowan_parser_finish(r->parser, r->batch, NULL), FLOWAN_OK);
    take_batch(r);
    int64_t peak = allocations.peak - r->held;
    flowan_parser_free(r->parser);
    flowan_batch_free(r->batch);
    return peak;
}

#define ASSERT_BELOW(peak, bound)                                                      \
    ck_assert_msg((peak) <= (int64_t)(bound), "%lld bytes at most, %lld allowed",      \
                  (long long)(peak), (long long)(bound))

/* --- one line without end --- */

static const struct {
    const char *head;
    const char *unit;
    flowan_reject_reason reason;
} lines[] = {
    {"{\"a\":0", ",\"bytes\":1234567890", FLOWAN_REJECT_TOO_LONG},
    {"{\"a\":\"", "x", FLOWAN_REJECT_TOO_LONG},
    {"{\"bytes\":1,\"a\":\"", "\\\\", FLOWAN_REJECT_TOO_LONG},
    {"{\"bytes\":", "1", FLOWAN_REJECT_TOO_LONG},
    {"{\"a\":", "[", FLOWAN_REJECT_TOO_LONG},
    {"", "junk", FLOWAN_REJECT_JUNK},
};
enum { LINES = sizeof lines / sizeof *lines };

/* A record of that shape was learnt before, where shapes are. */
START_TEST(a_line_without_end)
{
    size_t line = (size_t)_i / (FLOWAN_KERNEL_NONE + 1);
    flowan_kernel kernel = (flowan_kernel)(_i % (FLOWAN_KERNEL_NONE + 1));
    static const char known[] = "{\"a\":0,\"bytes\":1}\n{\"a\":\"\",\"bytes\":1}\n"
                                "{\"bytes\":1,\"a\":\"\"}\n{\"bytes\":1}\n";
    /* an eighth of it where that shows as much */
    size_t mebibytes =
        line < 2 && kernel == FLOWAN_KERNEL_BEST ? LINE_MIB : LINE_MIB / 8;
    fl_buffer piece = {0};
    while (piece.size < MIB)
        fl_buffer_text(&piece, lines[line].unit);
    ck_assert(!piece.failed);
    run r = begin(kernel);
    for (int i = 0; i < 3; i++)
        feed(&r, known, sizeof known - 1);
    feed(&r, lines[line].head, strlen(lines[line].head));
    for (size_t i = 0; i < mebibytes; i++)
        feed(&r, piece.data, piece.size);
    feed(&r, "\n{\"bytes\":1}\n", 13);
    uint64_t size = strlen(lines[line].head) + mebibytes * (uint64_t)piece.size;
    int64_t peak = end(&r);
    ck_assert_uint_eq(r.rows, 13);
    ck_assert_uint_eq(r.rejects, 1);
    ck_assert_uint_eq(r.reject_bytes, size);
    ck_assert_int_eq(r.reason, lines[line].reason);
    /* no record of it is ever read: rejects, grown by doubling, and unfinished bytes */
    ASSERT_BELOW(peak, 2 * FL_REJECTS_SIZE + 4 * RECORD_LIMIT + CONSTANT);
    fl_buffer_free(&piece);
}
END_TEST

/* --- many records --- */

/* A text of about `n` units of whatever it is. */
typedef void make_text(fl_buffer *out, size_t n);

static void repeat(fl_buffer *out, const char *unit, size_t n)
{
    while (n-- > 0)
        fl_buffer_text(out, unit);
}

/* One record as deep as that, and then one more. */
static void make_nested(fl_buffer *out, size_t n)
{
    fl_buffer_text(out, "{\"a\":");
    repeat(out, "[", n / 2);
    repeat(out, "{\"b\":", n - n / 2);
    fl_buffer_text(out, "1");
    repeat(out, "}", n - n / 2);
    repeat(out, "]", n / 2);
    fl_buffer_text(out, "}\n{\"a\":1}\n");
}

/* Records of half a megabyte: a list of numbers, a text with escapes, a list of addresses,
 * nothing but members. */
static void make_large(fl_buffer *out, size_t n)
{
    enum { SIZE = 512 << 10 };
    static const char *const parts[][3] = {
        {"{\"as_path\":[1", ",1", "]}\n"},
        {"{\"note\":\"", "\\u0041", "\"}\n"},
        {"{\"mpls_ip\":[\"::\"", ",\"::\"", "]}\n"},
        {"{\"a\":1", ",\"\":0", "}\n"},
    };
    for (size_t i = 0; i < n; i++) {
        const char *const *part = parts[i % 4];
        fl_buffer_text(out, part[0]);
        repeat(out, part[1], SIZE / strlen(part[1]));
        fl_buffer_text(out, part[2]);
    }
}

/* A key of its own for each record. */
static void make_keys(fl_buffer *out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        fl_buffer_format(out, "{\"bytes\":%zu,\"key%zu\":%zu}\n", i, i, i);
}

/* A thousand keys a record, the same in all of them, and twice over the limit of keys
 * that a record's columns can have in every 16th. */
static void make_wide(fl_buffer *out, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        size_t keys = i % 16 == 15 ? 2 * FL_RECORD_FIELDS_MAX : 1000;
        for (size_t k = 0; k < keys; k++)
            fl_buffer_format(out, "%s\"k%zu\":%zu", k ? "," : "{", k, i);
        fl_buffer_text(out, "}\n");
    }
}

/* Of 16 fields each record has some: SHAPES ways, over and over, so that all of them are
 * met again, but far apart. */
static void make_shapes(fl_buffer *out, size_t n)
{
    enum { SHAPES = 10000, FIELDS = 16 };
    for (size_t i = 0; i < n; i++) {
        unsigned set = (unsigned)(i % SHAPES * 6 + 1);
        fl_buffer_text(out, "{\"bytes\":1");
        for (unsigned k = 0; k < FIELDS; k++)
            if (set >> k & 1)
                fl_buffer_format(out, ",\"field_%u\":%zu", k, i);
        fl_buffer_text(out, "}\n");
    }
}

/* Shapes that part only at their very end, in a row. */
static void make_twins(fl_buffer *out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        fl_buffer_format(out,
                         "{\"type\":\"IPFIX\",\"bytes\":%zu,\"src_addr\":\"192.0.2.%zu\""
                         ",\"src_port\":%zu,\"key_%zu\":\"%zu\"}\n",
                         i, i % 256, i % 65536, i % 4099, i);
}

/* Begins like a record and is none: torn in the middle, the next glued to it. */
static void make_torn(fl_buffer *out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        fl_buffer_format(out, "{\"type\":\"IPFIX\",\"bytes\":%zu,\"src_addr\":\"19%s",
                         i, i % 3 ? "" : "2.0.2.1\"}\n");
}

static const struct {
    const char *name;
    make_text *make;
    size_t n;
    uint64_t rows; /* of n */
    uint64_t rejects;
    uint64_t raws;
} inputs[] = {
    {"nesting", make_nested, 10000, 2, 0, 0},
    {"large records", make_large, 16, 16, 0, 8},
    {"keys", make_keys, 100000 / SLOWER, 100000 / SLOWER, 0, 0},
    {"wide records", make_wide, 640 / SLOWER, 640 / SLOWER, 0, 40 / SLOWER},
    {"shapes", make_shapes, 80000 / SLOWER, 80000 / SLOWER, 0, 0},
    {"twins", make_twins, 80000 / SLOWER, 80000 / SLOWER, 0, 0},
    {"torn records", make_torn, 60000, 20000, 40000, 0},
};
enum { INPUTS = sizeof inputs / sizeof *inputs };

/* The same text `times` over, in seconds. */
static double seconds(flowan_kernel kernel, const fl_buffer *text, size_t times)
{
    run r = begin(kernel);
    double begun = cpu_seconds();
    for (size_t i = 0; i < times; i++)
        feed_all(&r, text);
    double took = cpu_seconds() - begun;
    end(&r);
    return took;
}

/* Four times the input takes at most eight times as long, where linear is four and
 * quadratic sixteen: the best of a few tries, since other programs run here too. */
static void check_time(size_t input, flowan_kernel kernel)
{
    enum { TRIES = 5 };
    fl_buffer quarter = {0}, whole = {0};
    inputs[input].make(&quarter, inputs[input].n / 4);
    inputs[input].make(&whole, inputs[input].n);
    /* short ones as often as it takes to be measured */
    size_t times = 1 + MIB / 2 / (quarter.size + 1);
    double ratio = 1e9;
    for (int i = 0; i < TRIES && ratio > 8; i++) {
        double one = seconds(kernel, &quarter, times);
        double four = seconds(kernel, &whole, times);
        if (four / one < ratio)
            ratio = four / one;
    }
    ck_assert_msg(ratio <= 8, "%s, kernel %d: 4 times the input, %.1f times the time",
                  inputs[input].name, kernel, ratio);
    fl_buffer_free(&quarter);
    fl_buffer_free(&whole);
}

static size_t largest_line(const fl_buffer *text)
{
    size_t largest = 0;
    const char *line = text->data;
    const char *text_end = text->data + text->size;
    while (line < text_end) {
        const char *feed = memchr(line, '\n', (size_t)(text_end - line));
        const char *next = feed ? feed + 1 : text_end;
        largest = (size_t)(next - line) > largest ? (size_t)(next - line) : largest;
        line = next;
    }
    return largest;
}

START_TEST(many_of_a_kind)
{
    size_t input = (size_t)_i / (FLOWAN_KERNEL_NONE + 1);
    flowan_kernel kernel = (flowan_kernel)(_i % (FLOWAN_KERNEL_NONE + 1));
    fl_buffer text = {0};
    inputs[input].make(&text, inputs[input].n);
    run r = begin(kernel);
    feed_all(&r, &text);
    int64_t peak = end(&r);
    ASSERT_BELOW(peak, BATCH_HELD + RECORD_FACTOR * largest_line(&text) + CONSTANT);
    ck_assert_uint_eq(r.rows, inputs[input].rows);
    ck_assert_uint_eq(r.rejects, inputs[input].rejects);
    ck_assert_uint_eq(r.raws, inputs[input].raws);
    fl_buffer_free(&text);
    check_time(input, kernel);
}
END_TEST

/* The second time costs no more memory than the first: nothing is kept for ever. */
START_TEST(over_and_over_holds_no_more)
{
    size_t input = (size_t)_i / (FLOWAN_KERNEL_NONE + 1);
    flowan_kernel kernel = (flowan_kernel)(_i % (FLOWAN_KERNEL_NONE + 1));
    fl_buffer text = {0};
    inputs[input].make(&text, inputs[input].n / 2);
    run r = begin(kernel);
    int64_t most = 0;
    for (int i = 0; i < 6; i++) {
        feed_all(&r, &text);
        take_batch(&r);
        flowan_parser_reset(r.parser);
        if (i == 2)
            most = allocations.peak - r.held;
    }
    int64_t peak = end(&r);
    ASSERT_BELOW(peak, most + MIB);
    fl_buffer_free(&text);
}
END_TEST

static Suite *suite_of(void)
{
    enum { KERNELS = FLOWAN_KERNEL_NONE + 1 };
    Suite *suite = suite_create("hostile");
    TCase *tests = tcase_create("hostile");
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, a_line_without_end, 0, LINES * KERNELS);
    tcase_add_loop_test(tests, many_of_a_kind, 0, INPUTS * KERNELS);
    tcase_add_loop_test(tests, over_and_over_holds_no_more, 0, INPUTS * KERNELS);
    suite_add_tcase(suite, tests);
    return suite;
}

FL_UNIT_MAIN(suite_of)
