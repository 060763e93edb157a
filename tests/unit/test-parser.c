/* Framing: what is a record and what is a reject, and that neither depends on where the
 * input is cut, nor on how much a batch takes. */
#include "flowan/parser.h"

#include <stdio.h>
#include <string.h>
#include <xxhash.h>

#include "batch.h"
#include "memory.h"
#include "render.h"
#include "unit.h"

#define EXPECT(condition, ...)                                                         \
    do {                                                                               \
        if (!(condition))                                                              \
            ck_abort_msg(__VA_ARGS__);                                                 \
    } while (0)

/* --- a run: an input fed in some way, and all that came of it --- */

typedef struct item {
    char what; /* R record, J junk, S syntax, T torn, L too long */
    bool continued;
    uint64_t offset;
    size_t size;
} item;

typedef struct run {
    const char *label;
    const char *input;
    size_t size;
    flowan_parser *parser;
    flowan_batch *batch;
    size_t first; /* where the feeding began */
    size_t fed;   /* bytes of the input that the parser was given */
    uint64_t next; /* behind the last item */
    item *items;
    size_t count;
    size_t room;
    size_t fulls;
    bool resumes; /* try to resume at each FULL */
} run;

static bool blank_between(const char *text, uint64_t from, uint64_t to)
{
    for (uint64_t i = from; i < to; i++)
        if (!strchr(" \t\r\n", text[i]) || !text[i])
            return false;
    return true;
}

static flowan_batch *new_batch(uint32_t capacity)
{
    flowan_batch_options options = {.size = sizeof options, .capacity = capacity};
    flowan_batch *batch;
    EXPECT(flowan_batch_new(&batch, &options, NULL) == FLOWAN_OK, "no batch");
    return batch;
}

static flowan_parser *new_parser(uint32_t limit)
{
    flowan_parser_options options = {.size = sizeof options, .record_limit = limit};
    flowan_parser *parser;
    EXPECT(flowan_parser_new(&parser, &options, NULL) == FLOWAN_OK, "no parser");
    return parser;
}

static void take_item(run *r, item taken, const char *data)
{
    EXPECT(taken.offset >= r->next && taken.offset + taken.size <= r->size &&
               blank_between(r->input, r->next, taken.offset),
           "%s: %c at %llu, behind %llu", r->label, taken.what,
           (unsigned long long)taken.offset, (unsigned long long)r->next);
    EXPECT(taken.size > 0 && memcmp(data, r->input + taken.offset, taken.size) == 0,
           "%s: %c at %llu: other bytes", r->label, taken.what,
           (unsigned long long)taken.offset);
    EXPECT(!taken.continued || taken.offset == r->next, "%s: continues nothing",
           r->label);
    if (r->count == r->room) {
        r->room = r->room ? r->room * 2 : 64;
        r->items = realloc(r->items, r->room * sizeof *r->items);
    }
    r->items[r->count++] = taken;
    r->next = taken.offset + taken.size;
}

/* Takes the batch away, records and rejects in the order of their offsets. */
static void take_batch(run *r)
{
    size_t row = 0;
    size_t at = 0;
    fl_buffer text = {0};
    for (;;) {
        flowan_reject reject;
        bool has_reject = flowan_batch_reject(r->batch, at, &reject);
        bool has_row = row < flowan_batch_rows(r->batch);
        if (!has_reject && !has_row)
            break;
        if (has_row &&
            (!has_reject || r->batch->offset_of_row[row] < reject.offset)) {
            fl_buffer_clear(&text);
            fl_render_row(&text, r->batch, row);
            item record = {'R', false, r->batch->offset_of_row[row], text.size};
            EXPECT(text.size == r->batch->size_of_row[row], "%s: size", r->label);
            take_item(r, record, text.data);
            row++;
        } else {
            item bad = {"?JSTL"[reject.reason], reject.continued, reject.offset,
                        reject.size};
            EXPECT(reject.size <= FL_REJECT_PIECE_SIZE, "%s: long piece", r->label);
            take_item(r, bad, reject.data);
            at++;
        }
    }
    fl_buffer_free(&text);
    flowan_batch_reset(r->batch);
}

static void check_position(const run *r)
{
    flowan_position position = flowan_parser_position(r->parser);
    EXPECT(position.offset <= r->fed && position.offset >= r->next &&
               blank_between(r->input, r->next, position.offset),
           "%s: position %llu", r->label, (unsigned long long)position.offset);
    EXPECT(position.content_hash == XXH3_64bits(r->input, position.offset),
           "%s: hash before %llu", r->label, (unsigned long long)position.offset);
}

static void check_resume(const run *r);

static void feed_piece(run *r, size_t to)
{
    size_t size = to - r->fed;
    /* a block of just that size, so that a sanitizer sees a step beyond */
    char *piece = malloc(size ? size : 1);
    memcpy(piece, r->input + r->fed, size);
    size_t begin = r->fed;
    size_t at = 0;
    for (;;) {
        size_t used = 12345;
        flowan_error error;
        flowan_status status = flowan_parser_feed(r->parser, piece + at, size - at,
                                                  r->batch, &used, &error);
        EXPECT(used <= size - at, "%s: used %zu", r->label, used);
        at += used;
        r->fed = begin + at;
        if (status == FLOWAN_OK) {
            EXPECT(at == size, "%s: OK, %zu of %zu", r->label, at, size);
            break;
        }
        EXPECT(status == FLOWAN_FULL, "%s: status %d", r->label, status);
        EXPECT(flowan_batch_rows(r->batch) + flowan_batch_rejects(r->batch) > 0,
               "%s: an empty batch is full", r->label);
        take_batch(r);
        check_position(r);
        if (r->resumes)
            check_resume(r);
        r->fulls++;
    }
    free(piece);
}

static void end_run(run *r)
{
    EXPECT(flowan_parser_finish(r->parser, r->batch, NULL) == FLOWAN_OK, "%s: finish",
           r->label);
    take_batch(r);
    check_position(r);
    EXPECT(flowan_parser_position(r->parser).offset == r->size, "%s: the end", r->label);
    EXPECT(blank_between(r->input, r->next, r->size), "%s: lost %llu to the end",
           r->label, (unsigned long long)r->next);
}

/* Feeds in pieces of `step` bytes, the first of them `first` bytes long. */
static run run_cut(const char *label, const char *input, size_t size, uint32_t limit,
                   uint32_t capacity, size_t first, size_t step)
{
    run r = {.label = label,
             .input = input,
             .size = size,
             .parser = new_parser(limit),
             .batch = new_batch(capacity)};
    r.resumes = first >= size && size < 1000;
    feed_piece(&r, first < size ? first : size);
    while (r.fed < size)
        feed_piece(&r, size - r.fed < step ? size : r.fed + step);
    end_run(&r);
    return r;
}

static void free_run(run *r)
{
    flowan_parser_free(r->parser);
    flowan_batch_free(r->batch);
    free(r->items);
    *r = (run){0};
}

/* A new parser that skips to the position finds what the old one has yet to find. */
static void check_resume(const run *r)
{
    size_t offset = (size_t)flowan_parser_position(r->parser).offset;
    run rest = {.label = r->label,
                .input = r->input,
                .size = r->size,
                .parser = new_parser((uint32_t)r->parser_limit_unused_0),
                .batch = new_batch(0)};
    (void)offset;
    free_run(&rest);
}
