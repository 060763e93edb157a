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
            question_put_record(&log, keep);
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
    world w;
    question_open_world(&w, "check-filter");
    ask_at_random(&w);
    for (int i = 1; i < argc; i++)
        ask_log(&w, argv[i], argc > 10 ? 5 : 60);
    printf("%zu questions, %zu of %zu rows held\n", asked, held, looked_at);
    question_close_world(&w);
    return EXIT_SUCCESS;
}
