#include "streams.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "batch.h"
#include "compare.h"
#include "memory.h"
#include "render.h"

/* Positions are held against a hash of all bytes before them up to here; it would be
 * quadratic else. */
enum { HASHED_MAX = 8192 };

struct stream {
    stream_options options;
    char label[64];
    flowan_parser *parser;
    flowan_batch *batch;
    compare_view seen;
    const char *data;
    size_t size;
    size_t fed;
    size_t cut;      /* next of the cuts */
    char *piece;     /* the feed that is not all taken */
    size_t piece_at; /* where it began, in the input */
    size_t piece_size;
    bool ended;
    size_t row;    /* next of the batch */
    size_t reject; /* likewise */
    uint64_t next; /* behind the last item */
    flowan_position before_end;
    flowan_position at_end;
    stream_tally tally;
    fl_buffer text;
};

const char *streams_kernel_name(flowan_kernel kernel)
{
    switch (kernel) {
    case FLOWAN_KERNEL_BEST: return "best";
    case FLOWAN_KERNEL_PORTABLE: return "portable";
    case FLOWAN_KERNEL_NONE: return "none";
    }
    return "?";
}

static flowan_batch *new_batch(const stream *s)
{
    flowan_batch_options options = {.size = sizeof options,
                                    .capacity = s->options.capacity,
                                    .memory_bytes = s->options.memory_bytes};
    flowan_batch *batch;
    COMPARE_EXPECT(flowan_batch_new(&batch, &options, NULL) == FLOWAN_OK, s->label,
                   "no batch");
    return batch;
}

stream *stream_new(const stream_options *options)
{
    stream *s = compare_need(calloc(1, sizeof *s));
    s->options = *options;
    flowan_parser_options parser = {.size = sizeof parser,
                                    .record_limit = options->record_limit,
                                    .kernel = options->kernel,
                                    .no_content_hash = options->no_content_hash};
    stream_cut(s, options->cuts, options->cut_count);
    COMPARE_EXPECT(flowan_parser_new(&s->parser, &parser, NULL) == FLOWAN_OK, s->label,
                   "no parser");
    return s;
}

void stream_free(stream *s)
{
    if (!s)
        return;
    flowan_parser_free(s->parser);
    flowan_batch_free(s->batch);
    compare_unload(&s->seen);
    free(s->piece);
    fl_buffer_free(&s->text);
    free(s);
}

void stream_cut(stream *s, const size_t *cuts, size_t count)
{
    s->options.cuts = cuts;
    s->options.cut_count = count;
    size_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += cuts[i];
    COMPARE_EXPECT(count == 0 || sum > 0, "compare", "cuts that make no way");
    snprintf(s->label, sizeof s->label, "kernel %s, %s%.0zu",
             streams_kernel_name(s->options.kernel), count ? "cut at " : "whole",
             count ? cuts[0] : 0);
}

void stream_warm(stream *s, const char *text, size_t size)
{
    flowan_batch *batch;
    COMPARE_EXPECT(flowan_batch_new(&batch, NULL, NULL) == FLOWAN_OK, s->label,
                   "no batch");
    for (int i = 0; i < 2; i++) {
        size_t used;
        flowan_status status =
            flowan_parser_feed(s->parser, text, size, batch, &used, NULL);
        COMPARE_EXPECT(status == FLOWAN_OK && used == size, s->label,
                       "cannot be warmed");
    }
    COMPARE_EXPECT(flowan_parser_finish(s->parser, batch, NULL) == FLOWAN_OK, s->label,
                   "cannot be warmed");
    COMPARE_EXPECT(flowan_batch_rejects(batch) == 0, s->label,
                   "rejects in what is to warm");
    flowan_batch_free(batch);
    flowan_parser_reset(s->parser);
}

static void begin(stream *s, const char *data, size_t size)
{
    s->data = data;
    s->size = size;
    s->fed = s->cut = s->piece_at = s->piece_size = 0;
    s->ended = false;
    s->next = 0;
    s->tally = (stream_tally){0};
    if (!s->batch)
        s->batch = new_batch(s);
    flowan_batch_reset(s->batch);
    s->row = s->reject = 0;
}

static bool exhausted(const stream *s)
{
    return s->row == flowan_batch_rows(s->batch) &&
           s->reject == flowan_batch_rejects(s->batch);
}

/* How much the next feed has. */
static size_t next_cut(stream *s)
{
    size_t left = s->size - s->fed;
    if (s->options.cut_count == 0)
        return left;
    size_t size = s->options.cuts[s->cut++ % s->options.cut_count];
    return size < left ? size : left;
}

static void take_piece(stream *s)
{
    s->piece_at = s->fed;
    s->piece_size = next_cut(s);
    if (s->options.place || s->options.cut_count == 0)
        return;
    free(s->piece);
    s->piece = compare_need(malloc(s->piece_size ? s->piece_size : 1));
    memcpy(s->piece, s->data + s->piece_at, s->piece_size);
}

/* What is left of the feed. A place may be given again: only what is left must be there. */
static const void *rest_of_piece(stream *s)
{
    size_t at = s->fed - s->piece_at;
    if (s->options.place)
        return s->options.place(s->options.context, s->data + s->fed,
                                s->piece_size - at);
    return s->options.cut_count == 0 ? s->data + s->fed : s->piece + at;
}

static void check_position(const stream *s)
{
    flowan_position position = flowan_parser_position(s->parser);
    COMPARE_EXPECT(position.offset <= s->fed, s->label,
                   "position %llu, but %zu bytes fed",
                   (unsigned long long)position.offset, s->fed);
    if (position.offset > HASHED_MAX)
        return;
    uint64_t hash =
        s->options.no_content_hash ? 0 : XXH3_64bits(s->data, (size_t)position.offset);
    COMPARE_EXPECT(position.content_hash == hash, s->label,
                   "another hash at position %llu",
                   (unsigned long long)position.offset);
}

/* Feeds until the batch is full or the input has ended. */
static void feed(stream *s)
{
    while (s->fed < s->size || s->piece_at + s->piece_size > s->fed) {
        if (s->fed == s->piece_at + s->piece_size)
            take_piece(s);
        size_t left = s->piece_at + s->piece_size - s->fed;
        size_t used = SIZE_MAX;
        flowan_error error = {0};
        flowan_status status = flowan_parser_feed(s->parser, rest_of_piece(s), left,
                                                  s->batch, &used, &error);
        COMPARE_EXPECT(status >= 0, s->label, "%s", error.message);
        COMPARE_EXPECT(used <= left, s->label, "used %zu of %zu bytes", used, left);
        s->fed += used;
        check_position(s);
        if (status == FLOWAN_FULL) {
            COMPARE_EXPECT(!exhausted(s), s->label, "an empty batch is full");
            return;
        }
        COMPARE_EXPECT(status == FLOWAN_OK && used == left, s->label,
                       "status %d, used %zu of %zu bytes", status, used, left);
    }
    s->before_end = flowan_parser_position(s->parser);
    COMPARE_EXPECT(flowan_parser_finish(s->parser, s->batch, NULL) == FLOWAN_OK,
                   s->label, "cannot finish");
    check_position(s);
    s->at_end = flowan_parser_position(s->parser);
    s->ended = true;
}

/* The next batch that holds something, or the end. */
static void fill(stream *s)
{
    while (exhausted(s) && !s->ended) {
        if (s->options.fresh_batches) {
            flowan_batch_free(s->batch);
            s->batch = new_batch(s);
        } else {
            flowan_batch_reset(s->batch);
        }
        s->row = s->reject = 0;
        feed(s);
        size_t rows = flowan_batch_rows(s->batch);
        COMPARE_EXPECT(!s->options.capacity || rows <= s->options.capacity, s->label,
                       "%zu rows in a batch of %u", rows,
                       (unsigned)s->options.capacity);
        s->tally.rows += rows;
        s->tally.rejects += flowan_batch_rejects(s->batch);
        s->seen.label = s->label;
        compare_load(&s->seen, s->batch, true);
    }
}

/* Records and rejects in the order of their offsets: batches end elsewhere. */
static bool next_is_row(const stream *s)
{
    flowan_reject reject;
    if (!flowan_batch_reject(s->batch, s->reject, &reject))
        return true;
    return s->row < flowan_batch_rows(s->batch) &&
           s->batch->offset_of_row[s->row] < reject.offset;
}

/* What stands at `offset` of the input is these bytes, and only blanks before it. */
static void check_place(stream *s, uint64_t offset, const char *text, size_t size)
{
    COMPARE_EXPECT(offset >= s->next && size > 0 && size <= s->size &&
                       offset <= s->size - size &&
                       memcmp(text, s->data + offset, size) == 0,
                   s->label, "an item that is not in the input: %zu bytes at %llu",
                   size, (unsigned long long)offset);
    for (; s->next < offset; s->next++)
        COMPARE_EXPECT(memchr(" \t\r\n", s->data[s->next], 4), s->label,
                       "byte %llu is lost", (unsigned long long)s->next);
    s->next = offset + size;
}

static void check_item(stream *s)
{
    if (next_is_row(s)) {
        fl_buffer_clear(&s->text);
        fl_render_row(&s->text, s->batch, s->row);
        uint64_t offset = s->batch->offset_of_row[s->row];
        if (s->text.size != s->batch->size_of_row[s->row] ||
            offset > s->size - s->text.size ||
            memcmp(s->text.data, s->data + offset, s->text.size) != 0)
            compare_say("record", s->text.data, s->text.size);
        COMPARE_EXPECT(s->text.size == s->batch->size_of_row[s->row], s->label,
                       "a record at %llu of %zu bytes, it says %u",
                       (unsigned long long)offset, s->text.size,
                       (unsigned)s->batch->size_of_row[s->row]);
        check_place(s, offset, s->text.data, s->text.size);
    } else {
        flowan_reject reject;
        COMPARE_EXPECT(flowan_batch_reject(s->batch, s->reject, &reject), s->label,
                       "no reject");
        COMPARE_EXPECT(!reject.continued || reject.offset == s->next, s->label,
                       "a reject at %llu continues none",
                       (unsigned long long)reject.offset);
        check_place(s, reject.offset, reject.data, reject.size);
    }
}

static void compare_rejects(const stream *a, const stream *b)
{
    flowan_reject x, y;
    flowan_batch_reject(a->batch, a->reject, &x);
    flowan_batch_reject(b->batch, b->reject, &y);
    if (x.reason != y.reason || x.continued != y.continued || x.size != y.size)
        compare_fail(b->label,
                     "a reject at %llu: %s%s, %zu bytes; by %s: %s%s, %zu bytes",
                     (unsigned long long)y.offset, flowan_reject_reason_text(y.reason),
                     y.continued ? ", continued" : "", y.size, a->label,
                     flowan_reject_reason_text(x.reason),
                     x.continued ? ", continued" : "", x.size);
}

static void compare_items(const stream *a, const stream *b)
{
    COMPARE_EXPECT(next_is_row(a) == next_is_row(b), b->label,
                   "a %s before %llu, by %s a %s", next_is_row(b) ? "record" : "reject",
                   (unsigned long long)b->next, a->label,
                   next_is_row(a) ? "record" : "reject");
    COMPARE_EXPECT(a->next == b->next, b->label, "an item ends at %llu, by %s at %llu",
                   (unsigned long long)b->next, a->label, (unsigned long long)a->next);
    if (next_is_row(a)) {
        /* both texts were held against the input: it is the same one */
        compare_rows(&a->seen, a->row, &b->seen, b->row);
    } else {
        compare_rejects(a, b);
    }
}

static void advance(stream *s)
{
    if (next_is_row(s))
        s->row++;
    else
        s->reject++;
}

static bool same_position(const stream *s, flowan_position a, flowan_position b)
{
    return a.offset == b.offset &&
           (s->options.no_content_hash || a.content_hash == b.content_hash);
}

static void compare_ends(const stream *a, const stream *b)
{
    COMPARE_EXPECT(
        a->tally.rows == b->tally.rows && a->tally.rejects == b->tally.rejects,
        b->label, "%zu rows and %zu rejects, by %s %zu and %zu", b->tally.rows,
        b->tally.rejects, a->label, a->tally.rows, a->tally.rejects);
    COMPARE_EXPECT(same_position(b, a->before_end, b->before_end), b->label,
                   "position %llu before the end, by %s %llu",
                   (unsigned long long)b->before_end.offset, a->label,
                   (unsigned long long)a->before_end.offset);
    COMPARE_EXPECT(
        same_position(b, a->at_end, b->at_end) && b->at_end.offset == b->size, b->label,
        "position %llu at the end", (unsigned long long)b->at_end.offset);
}

stream_tally streams_compare(stream *const *streams, size_t count, const void *data,
                             size_t size)
{
    for (size_t i = 0; i < count; i++)
        begin(streams[i], data, size);
    for (;;) {
        for (size_t i = 0; i < count; i++)
            fill(streams[i]);
        stream *first = streams[0];
        for (size_t i = 1; i < count; i++)
            COMPARE_EXPECT(exhausted(first) == exhausted(streams[i]), streams[i]->label,
                           "%s items behind %llu than %s",
                           exhausted(streams[i]) ? "fewer" : "more",
                           (unsigned long long)streams[i]->next, first->label);
        if (exhausted(first))
            break;
        for (size_t i = 0; i < count; i++) {
            check_item(streams[i]);
            if (i)
                compare_items(first, streams[i]);
        }
        for (size_t i = 0; i < count; i++)
            advance(streams[i]);
    }
    for (size_t i = 0; i < count; i++) {
        compare_ends(streams[0], streams[i]);
        flowan_parser_reset(streams[i]->parser);
    }
    return streams[0]->tally;
}
