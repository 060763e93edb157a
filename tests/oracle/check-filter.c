/* Filters against a second opinion (questions.h), over records drawn at random and over
 * logs.
 *
 *   check-filter [LOG...]      plain, gzip or zstd
 *
 * FLOWAN_TEST_DATA is the directory of networks.txt and asn.mmdb. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flowan/parser.h"
#include "flowan/source.h"
#include "questions.h"

enum { DEPTH = 4, ROWS = 1500, BATCHES = 4 };

static void fail(const char *what, const char *detail)
{
    fprintf(stderr, "check-filter: %s: %s\n", what, detail);
    exit(EXIT_FAILURE);
}

/* --- both answers --- */

static size_t asked;
static size_t held;
static size_t looked_at;

static void compare(const world *w, const question *q, const fl_buffer *text,
                    flowan_matcher *matcher, const flowan_selection *among)
{
    const flowan_selection *got;
    flowan_error error;
    if (flowan_matcher_apply(matcher, w->batch, among, &got, &error) != FLOWAN_OK)
        fail(text->data, error.message);
    size_t at = 0;
    size_t count = among ? among->count : flowan_batch_rows(w->batch);
    for (size_t i = 0; i < count; i++) {
        size_t row = among ? among->rows[i] : i;
        bool want = question_fits(w, q, row);
        bool have = at < got->count && got->rows[at] == row;
        if (want != have) {
            fprintf(stderr, "row %zu: %s\n", row, have ? "found" : "not found");
            fail("another answer", text->data);
        }
        at += have;
        held += want;
        looked_at++;
    }
    if (at != got->count)
        fail("rows that were not asked for", text->data);
}

/* The rows of a draw: all, many, few or none. */
static void draw_among(flowan_selection *among, uint32_t *rows, size_t count)
{
    static const unsigned one_in[] = {2, 3, 40, 200, 100000};
    unsigned chance = PICK(one_in);
    *among = (flowan_selection){rows, 0};
    for (size_t row = 0; row < count; row++)
        if (question_random(chance) == 0)
            rows[among->count++] = (uint32_t)row;
}

static void ask(world *w, size_t questions)
{
    uint32_t *rows = fl_memory_alloc(flowan_batch_rows(w->batch), sizeof *rows);
    flowan_filter_options options = {sizeof options, w->networks, QUESTION_NOW_NS};
    for (size_t i = 0; i < questions; i++, asked++) {
        fl_buffer text = {0};
        question *q = question_draw(w, (int)question_random(DEPTH), &text);
        size_t size = text.size;
        fl_buffer_byte(&text, '\0');
        flowan_filter *filter;
        flowan_matcher *matcher;
        flowan_error error;
        if (flowan_filter_compile(&filter, text.data, size, &options, &error) < 0)
            fail(text.data, error.message);
        w->prefer_asdb = question_random(2);
        flowan_matcher_options how = {sizeof how, w->asdb, w->prefer_asdb};
        if (flowan_matcher_new(&matcher, filter, &how, &error) < 0)
            fail(text.data, error.message);
        compare(w, q, &text, matcher, NULL);
        flowan_selection among;
        draw_among(&among, rows, flowan_batch_rows(w->batch));
        compare(w, q, &text, matcher, &among);
        flowan_matcher_free(matcher);
        flowan_filter_free(filter);
        question_free(q);
        fl_buffer_free(&text);
    }
    fl_memory_free(rows);
}

/* --- records drawn at random --- */

static void put_random_address(fl_buffer *out)
{
    static const char *const some[] = {
        "10.1.2.3",        "10.1.2.4",         "100.64.0.9",
        "198.51.100.7",    "203.0.113.1",      "0.0.0.0",
        "2001:db8::1",     "fd00::5",          "::",
        "192.168.1.1",     "1.1.1.1",          "8.8.8.8",
        "::ffff:10.1.2.3", "64:ff9b::101:101", ""};
    fl_buffer_format(out, "\"%s\"", PICK(some));
}

static void put_random_value(fl_buffer *out, const flowan_field_info *info)
{
    static const char *const protos[] = {"TCP",     "UDP", "ICMP",       "IPv6-ICMP",
                                         "unknown", "GRE", "unassigned", "nonsense"};
    static const char *const etypes[] = {"IPv4", "IPv6", "ARP", ""};
    static const char *const types[] = {"IPFIX", "SFLOW_5", "NETFLOW_V9"};
    static const char *const macs[] = {"2c:c8:1b:ac:cf:81", "00:00:00:00:00:00", ""};
    static const uint64_t numbers[] = {0,  1,  2,  3,   5,    16,   18,
                                       24, 53, 80, 443, 1000, 65535};
    static const uint64_t wide[] = {0, 1, 1000, 1500, 1000000, 5000000000, UINT64_MAX};
    static const uint64_t times[] = {0,
                                     5,
                                     1742058600000000000,
                                     1742058600000000001,
                                     1742058602500000000,
                                     1742058700000000000,
                                     UINT64_MAX};
    switch (info->type) {
    case FLOWAN_TYPE_U64:
        fl_buffer_format(out, "%llu", (unsigned long long)PICK(wide));
        break;
    case FLOWAN_TYPE_TIME:
        fl_buffer_format(out, "%llu", (unsigned long long)PICK(times));
        break;
    case FLOWAN_TYPE_MAC: fl_buffer_format(out, "\"%s\"", PICK(macs)); break;
    case FLOWAN_TYPE_ENUM:
        fl_buffer_format(out, "\"%s\"",
                         info->field == FLOWAN_FIELD_PROTO   ? PICK(protos)
                         : info->field == FLOWAN_FIELD_ETYPE ? PICK(etypes)
                                                             : PICK(types));
        break;
    case FLOWAN_TYPE_PREFIX:
        fl_buffer_text(out, question_random(3) ? "\"10.0.0.0/8\"" : "\"0.0.0.0/0\"");
        break;
    case FLOWAN_TYPE_ADDRESS: put_random_address(out); break;
    case FLOWAN_TYPE_TEXT:
        fl_buffer_text(out, question_random(2) ? "\"Echo\"" : "\"Unknown\"");
        break;
    case FLOWAN_TYPE_LIST_U64:
        fl_buffer_text(
            out, question_random(3) ? question_random(2) ? "[16,17,3]" : "[0]" : "[]");
        break;
    case FLOWAN_TYPE_LIST_ADDRESS:
        fl_buffer_text(out, question_random(2) ? "[\"10.1.2.3\",\"fd00::5\"]" : "[]");
        break;
    default: fl_buffer_format(out, "%llu", (unsigned long long)PICK(numbers)); break;
    }
}

static void put_record(fl_buffer *out, unsigned keep)
{
    static const char *const keys[] = {"mine", "yours", "odd key"};
    static const char *const values[] = {
        "1",    "7",        "\"7\"",     "\"x\"",        "true",
        "null", "1.5",      "[1,7]",     "\"a b\"",      "false",
        "-3",   "\"true\"", "{\"a\":7}", "\"10.0.0.1\"", "\"\""};
    char separator = '{';
    for (int field = 0; field < FLOWAN_FIELD_COUNT; field++) {
        if (question_random(8) >= keep)
            continue;
        const flowan_field_info *info = flowan_field_info_of((flowan_field)field);
        fl_buffer_format(out, "%c\"%s\":", separator, info->name);
        put_random_value(out, info);
        separator = ',';
    }
    for (size_t i = 0; i < 3; i++)
        if (question_random(2)) {
            fl_buffer_format(out, "%c\"%s\":%s", separator, keys[i], PICK(values));
            separator = ',';
        }
    fl_buffer_text(out, separator == '{' ? "{}\n" : "}\n");
}

/* --- batches --- */

/* Of some bytes of a log: a number of batches, each of which is asked about. */
static void ask_about(world *w, const char *data, size_t size, uint32_t capacity,
                      size_t batches, size_t questions)
{
    flowan_batch_options options = {sizeof options, capacity, 0};
    flowan_parser *parser = NULL;
    flowan_batch *batch = NULL;
    if (flowan_parser_new(&parser, NULL, NULL) < 0 ||
        flowan_batch_new(&batch, &options, NULL) < 0)
        fail("batch", "out of memory");
    w->batch = batch;
    flowan_status status = FLOWAN_FULL;
    for (; batches > 0 && status == FLOWAN_FULL; batches--) {
        size_t used;
        status = flowan_parser_feed(parser, data, size, batch, &used, NULL);
        if (status < 0)
            fail("parser", flowan_status_text(status));
        data += used;
        size -= used;
        if (flowan_batch_rows(batch))
            ask(w, questions);
        flowan_batch_reset(batch);
    }
    flowan_parser_free(parser);
    flowan_batch_free(batch);
}

static void ask_at_random(world *w)
{
    static const uint32_t sizes[] = {1, 2, 63, 64, 65, 130, 400};
    for (size_t n = 0; n < 120; n++) {
        uint32_t rows = PICK(sizes);
        fl_buffer log = {0};
        unsigned keep = 1 + (unsigned)question_random(8);
        for (uint32_t i = 0; i < rows; i++)
            put_record(&log, keep);
        ask_about(w, log.data, log.size, rows + 1, 1, 40);
        fl_buffer_free(&log);
    }
}

/* The first batches of a log. */
static void ask_log(world *w, const char *path, size_t questions)
{
    fl_buffer log = {0};
    flowan_source *source;
    flowan_error error;
    flowan_status status = flowan_source_open(&source, path, &error);
    if (status < 0)
        fail(path, error.message);
    while (status == FLOWAN_OK && log.size < ((size_t)1 << 24)) {
        const void *data;
        size_t size;
        status = flowan_source_read(source, &data, &size, &error);
        if (status == FLOWAN_OK)
            fl_buffer_append(&log, data, size);
    }
    flowan_source_free(source);
    ask_about(w, log.size ? log.data : "", log.size, ROWS, BATCHES, questions);
    fl_buffer_free(&log);
}

int main(int argc, char **argv)
{
    const char *directory = getenv("FLOWAN_TEST_DATA");
    char path[4096];
    world w = {0};
    flowan_networks *networks;
    flowan_error error;
    if (!directory)
        fail("FLOWAN_TEST_DATA", "not set");
    snprintf(path, sizeof path, "%s/networks.txt", directory);
    if (flowan_networks_load(&networks, path, &error) < 0)
        fail(path, error.message);
    snprintf(path, sizeof path, "%s/asn.mmdb", directory);
    if (flowan_asdb_open(&w.asdb, path, &error) < 0)
        fail(path, error.message);
    w.networks = networks;
    ask_at_random(&w);
    for (int i = 1; i < argc; i++)
        ask_log(&w, argv[i], argc > 10 ? 5 : 60);
    printf("%zu questions, %zu of %zu rows held\n", asked, held, looked_at);
    flowan_networks_free(networks);
    flowan_asdb_free(w.asdb);
    return EXIT_SUCCESS;
}
