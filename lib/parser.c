/* Framing: finds objects and what is none in a stream cut anywhere. It owns the bytes of
 * the one thing that is unfinished at the end of a feed; the grammar is json's, the
 * fields are record's. Where an object begins the fast path is asked first. */
#include "parser.h"

#include <string.h>
#include <xxhash.h>

#include "batch.h"
#include "fastpath.h"
#include "json.h"
#include "record.h"
#include "render.h"
#include "status.h"

enum {
    RECORD_LIMIT = 1 << 20,
    RECORD_LIMIT_MAX = 64 << 20,
    TAIL_MAX = 65536 /* a longer object that straddles feeds goes the general way */
};

typedef enum mode {
    BETWEEN, /* nothing unfinished */
    OBJECT,  /* inside an object */
    SKIPPING /* inside a reject */
} mode;

struct flowan_parser {
    size_t record_limit;
    mode mode;
    fl_buffer pending;           /* unfinished bytes of earlier feeds, … */
    size_t pending_at;           /* … from here on: what is before was settled */
    fl_json_scan scan;           /* OBJECT */
    bool tried;                  /* OBJECT: by the fast path, with all of its line */
    flowan_reject_reason reason; /* SKIPPING */
    bool continued;              /* a piece of this reject was handed over */
    flowan_position reject_at;   /* where it began, then */
    size_t looked;               /* SKIPPING: bytes known to belong to it, which may
                                    be more than are here: those of a failed feed */
    uint64_t offset;             /* of the first unfinished byte */
    XXH3_state_t *hash;          /* of all bytes before it, or NULL */
    fl_fastpath *fast;           /* NULL: everything goes the general way */
    fl_buffer tail;              /* the end of a feed, padded for it */
    fl_record record;
    fl_buffer text;  /* an object that straddles feeds */
    fl_buffer spelt; /* what its values spell */
};

/* One feed. The unfinished text is what is held, followed by data[start…]. */
typedef struct feed {
    const char *data;
    size_t size;
    size_t start;
    size_t hashed; /* data[0…hashed) are in the hash */
    flowan_batch *batch;
} feed;

flowan_status flowan_parser_new(flowan_parser **out,
                                const flowan_parser_options *options,
                                flowan_error *error)
{
    *out = NULL;
    flowan_parser_options known = {0};
    bool fits = fl_status_options_fit(options, sizeof *options);
    if (options && fits)
        memcpy(&known, options,
               options->size < sizeof known ? options->size : sizeof known);
    if (!fits || known.record_limit > RECORD_LIMIT_MAX ||
        (unsigned)known.kernel > FLOWAN_KERNEL_NONE)
        return fl_status_fail(error, FLOWAN_ERROR_ARGUMENT, FL_NO_OFFSET,
                              "parser options: unknown members or kernel, or a record "
                              "limit over %d bytes",
                              RECORD_LIMIT_MAX);
    flowan_parser *parser = fl_memory_zalloc(1, sizeof *parser);
    if (!parser)
        return fl_status_memory(error);
    parser->record_limit = known.record_limit ? known.record_limit : RECORD_LIMIT;
    parser->hash = known.no_content_hash ? NULL : XXH3_createState();
    if (known.kernel != FLOWAN_KERNEL_NONE)
        parser->fast = fl_fastpath_new(known.kernel == FLOWAN_KERNEL_PORTABLE,
                                       parser->record_limit);
    if ((!known.no_content_hash && !parser->hash) ||
        (known.kernel != FLOWAN_KERNEL_NONE &&
         (!parser->fast ||
          !fl_buffer_reserve(&parser->tail, TAIL_MAX + FL_FASTPATH_PADDING))) ||
        !fl_record_init(&parser->record)) {
        flowan_parser_free(parser);
        return fl_status_memory(error);
    }
    flowan_status status =
        fl_spellings_init(&parser->record.spellings, known.map, known.map_count, error);
    if (status != FLOWAN_OK) {
        flowan_parser_free(parser);
        return status;
    }
    if (parser->hash)
        XXH3_64bits_reset(parser->hash);
    *out = parser;
    return FLOWAN_OK;
}

void flowan_parser_free(flowan_parser *parser)
{
    if (!parser)
        return;
    fl_buffer_free(&parser->pending);
    fl_json_scan_free(&parser->scan);
    XXH3_freeState(parser->hash);
    fl_fastpath_free(parser->fast);
    fl_buffer_free(&parser->tail);
    fl_record_free(&parser->record);
    fl_buffer_free(&parser->text);
    fl_buffer_free(&parser->spelt);
    fl_memory_free(parser);
}

/* --- the unfinished text --- */

static size_t held(const flowan_parser *parser)
{
    return parser->pending.size - parser->pending_at;
}

static size_t text_size(const flowan_parser *parser, const feed *f)
{
    return held(parser) + (f->size - f->start);
}

static unsigned char text_byte(const flowan_parser *parser, const feed *f, size_t at)
{
    return (unsigned char)(at < held(parser)
                               ? parser->pending.data[parser->pending_at + at]
                               : f->data[f->start + at - held(parser)]);
}

/* The first `size` bytes in one piece; NULL when memory is short. */
static const char *text_front(flowan_parser *parser, const feed *f, size_t size)
{
    size_t old = held(parser);
    if (old == 0)
        return f->data + f->start;
    const char *front = parser->pending.data + parser->pending_at;
    if (size <= old)
        return front;
    fl_buffer_clear(&parser->text);
    fl_buffer_append(&parser->text, front, old);
    fl_buffer_append(&parser->text, f->data + f->start, size - old);
    return parser->text.failed ? NULL : parser->text.data;
}

static void hash_update(flowan_parser *parser, const void *data, size_t size)
{
    if (parser->hash)
        XXH3_64bits_update(parser->hash, data, size);
}

static uint64_t hash_digest(const flowan_parser *parser)
{
    return parser->hash ? XXH3_64bits_digest(parser->hash) : 0;
}

/* The first `size` bytes are done with: in a batch, or between objects. */
static void settle(flowan_parser *parser, feed *f, size_t size)
{
    size_t old = size < held(parser) ? size : held(parser);
    if (old) {
        /* held bytes precede all of this feed's, none of which is hashed yet */
        hash_update(parser, parser->pending.data + parser->pending_at, old);
        parser->pending_at += old;
    }
    f->start += size - old;
    parser->offset += size;
}

/* Keeps the bytes of this feed that are not settled. */
static bool hold(flowan_parser *parser, const feed *f)
{
    fl_buffer *pending = &parser->pending;
    /* Moved down only when that costs less than what was settled: a megabyte may be
     * settled byte by byte. */
    if (parser->pending_at > 0 && parser->pending_at >= held(parser)) {
        memmove(pending->data, pending->data + parser->pending_at, held(parser));
        pending->size = held(parser);
        parser->pending_at = 0;
    }
    fl_buffer_append(pending, f->data + f->start, f->size - f->start);
    bool ok = !pending->failed;
    pending->failed = false;
    return ok;
}

/* Bytes of this feed are hashed in one go, when it ends. */
static void hash_settled(flowan_parser *parser, feed *f)
{
    if (f->start > f->hashed)
        hash_update(parser, f->data + f->hashed, f->start - f->hashed);
    f->hashed = f->start;
}

/* --- objects --- */

static flowan_status append_object(flowan_parser *parser, feed *f, size_t size)
{
    const char *text = text_front(parser, f, size);
    if (!text || !fl_record_read(&parser->record, text, size))
        return FLOWAN_ERROR_MEMORY;
    fl_record *record = &parser->record;
    fl_buffer *spelt = &parser->spelt;
    fl_buffer_clear(spelt);
    fl_render_values(spelt, record->values, record->count);
    bool same =
        !spelt->failed && spelt->size == size && memcmp(spelt->data, text, size) == 0;
    if (spelt->failed)
        return FLOWAN_ERROR_MEMORY;
    size_t shapes = f->batch->shapes.count;
    flowan_status status =
        fl_batch_append(f->batch, record->values, record->count, same ? NULL : text,
                        parser->offset, size, same ? 0 : size);
    /* A shape met for the second time will come again; most oddities come once. */
    if (status == FLOWAN_OK && same && parser->fast && f->batch->shapes.count == shapes)
        fl_fastpath_learn(parser->fast, record->values, record->count);
    return status;
}

/* --- the fast way --- */

/* What is held, then `size` bytes of the feed, copied to where enough may be read behind
 * them. Takes what it can of that. */
static flowan_status run_tail(flowan_parser *parser, feed *f, size_t size,
                              size_t *settled)
{
    fl_buffer *tail = &parser->tail; /* has room for all of it */
    fl_buffer_clear(tail);
    if (held(parser) > 0)
        fl_buffer_append(tail, parser->pending.data + parser->pending_at, held(parser));
    fl_buffer_append(tail, f->data + f->start, size);
    memset(tail->data + tail->size, 0, FL_FASTPATH_ZEROS);
    fl_fastpath_stop stop =
        fl_fastpath_run(parser->fast, tail->data, tail->size + FL_FASTPATH_PADDING,
                        parser->offset, settled);
    settle(parser, f, *settled);
    return stop == FL_FASTPATH_FULL     ? FLOWAN_FULL
           : stop == FL_FASTPATH_MEMORY ? FLOWAN_ERROR_MEMORY
                                        : FLOWAN_OK;
}

/* Where an object begins and nothing is held: takes objects as long as it can. The general
 * way goes on from there. */
static flowan_status run_fast(flowan_parser *parser, feed *f)
{
    size_t used = 0;
    size_t size = f->size - f->start;
    fl_fastpath_stop stop =
        fl_fastpath_run(parser->fast, f->data + f->start, size, parser->offset, &used);
    settle(parser, f, used);
    size -= used;
    if (stop == FL_FASTPATH_FULL)
        return FLOWAN_FULL;
    if (stop == FL_FASTPATH_MEMORY)
        return FLOWAN_ERROR_MEMORY;
    if (stop != FL_FASTPATH_SHORT || size == 0 || size > TAIL_MAX)
        return FLOWAN_OK;
    return run_tail(parser, f, size, &used);
}

/* Where an object is held and its line goes on: takes it, if it can, from its beginning,
 * whatever of it the general way has scanned. One try an object. */
static flowan_status run_held(flowan_parser *parser, feed *f)
{
    size_t room = held(parser) < TAIL_MAX ? TAIL_MAX - held(parser) : 0;
    const char *line = memchr(f->data, '\n', f->size < room ? f->size : room);
    size_t size = line ? (size_t)(line - f->data) + 1 : f->size;
    if (parser->tried || size > room || !memchr(f->data, '}', size))
        return FLOWAN_OK;
    parser->tried = true;
    size_t used = 0;
    flowan_status status = run_tail(parser, f, size, &used);
    if (used > 0)
        parser->mode = BETWEEN;
    return status;
}

static void begin_skipping(flowan_parser *parser, flowan_reject_reason reason,
                           size_t looked)
{
    parser->mode = SKIPPING;
    parser->reason = reason;
    parser->looked = looked;
    parser->continued = false;
}

/* Hands over one piece, so that a failure never leaves a part of it in the batch. */
static flowan_status reject(flowan_parser *parser, feed *f, size_t size)
{
    const char *text = text_front(parser, f, size);
    if (!text)
        return FLOWAN_ERROR_MEMORY;
    if (!parser->continued) {
        hash_settled(parser, f);
        parser->reject_at = (flowan_position){parser->offset, hash_digest(parser)};
    }
    flowan_status status = fl_batch_append_reject(
        f->batch, parser->reason, parser->continued, parser->offset, text, size);
    if (status != FLOWAN_OK)
        return status;
    settle(parser, f, size);
    parser->looked -= size;
    parser->continued = true;
    return FLOWAN_OK;
}

/* Continues an object; FLOWAN_END when its text needs more bytes. */
static flowan_status run_object(flowan_parser *parser, feed *f)
{
    fl_json_scan *scan = &parser->scan;
    fl_json_result result = FL_JSON_MORE;
    while (result == FL_JSON_MORE) {
        size_t room = parser->record_limit - scan->at;
        const char *from;
        size_t size;
        if (scan->at < held(parser)) {
            from = parser->pending.data + parser->pending_at + scan->at;
            size = held(parser) - scan->at;
        } else {
            size_t at = f->start + scan->at - held(parser);
            from = f->data + at;
            size = f->size - at;
        }
        if (size == 0)
            return FLOWAN_END;
        if (room == 0) {
            begin_skipping(parser, FLOWAN_REJECT_TOO_LONG, scan->at);
            return FLOWAN_OK;
        }
        result = fl_json_scan_run(scan, from, size < room ? size : room);
    }
    switch (result) {
    case FL_JSON_DONE: {
        flowan_status status = append_object(parser, f, scan->at);
        if (status == FLOWAN_OK) {
            settle(parser, f, scan->at);
            parser->mode = BETWEEN;
        } else {
            fl_json_scan_begin(scan);
        }
        return status;
    }
    case FL_JSON_TORN:
        begin_skipping(parser, FLOWAN_REJECT_TORN, scan->at);
        return FLOWAN_OK;
    case FL_JSON_BAD:
        /* A record glued behind a torn one begins in the token that broke off, or at
         * the byte that cannot stand there. */
        begin_skipping(parser, FLOWAN_REJECT_SYNTAX, scan->token > 0 ? scan->token : 1);
        return FLOWAN_OK;
    default: return FLOWAN_ERROR_MEMORY;
    }
}

/* Continues a reject up to the line's end or the next '{', by one piece. Pieces are cut
 * at multiples of their size, wherever the feeds are cut. */
static flowan_status run_skipping(flowan_parser *parser, feed *f)
{
    size_t size = text_size(parser, f);
    size_t at = parser->looked;
    bool ended = false;
    while (at < size && !ended) {
        unsigned char c = text_byte(parser, f, at);
        /* inside a too long object a brace means nothing */
        if (c == '\n' || (c == '{' && parser->reason != FLOWAN_REJECT_TOO_LONG))
            ended = true;
        else
            at++;
    }
    parser->looked = at;
    size_t piece = at < FL_REJECT_PIECE_SIZE ? at : FL_REJECT_PIECE_SIZE;
    if (piece > size || (!ended && piece < FL_REJECT_PIECE_SIZE))
        return FLOWAN_END;
    flowan_status status = reject(parser, f, piece);
    if (status == FLOWAN_OK && ended && parser->looked == 0)
        parser->mode = BETWEEN;
    return status;
}

/* Passes blanks, then finds out what begins; FLOWAN_END when nothing does. */
static flowan_status run_between(flowan_parser *parser, feed *f)
{
    size_t size = text_size(parser, f);
    size_t at = 0;
    unsigned char c = 0;
    while (at < size) {
        c = text_byte(parser, f, at);
        if (c != ' ' && c != '\t' && c != '\r' && c != '\n')
            break;
        at++;
    }
    settle(parser, f, at);
    if (at == size)
        return FLOWAN_END;
    if (c != '{') {
        begin_skipping(parser, FLOWAN_REJECT_JUNK, 1);
        return FLOWAN_OK;
    }
    if (parser->fast && held(parser) == 0) {
        uint64_t offset = parser->offset;
        flowan_status status = run_fast(parser, f);
        if (status != FLOWAN_OK || parser->offset != offset)
            return status;
    }
    parser->mode = OBJECT;
    parser->tried = false;
    fl_json_scan_begin(&parser->scan);
    return FLOWAN_OK;
}

static flowan_status run(flowan_parser *parser, feed *f)
{
    switch (parser->mode) {
    case BETWEEN: return run_between(parser, f);
    case OBJECT: return run_object(parser, f);
    default: return run_skipping(parser, f);
    }
}

flowan_status flowan_parser_feed(flowan_parser *parser, const void *data, size_t size,
                                 flowan_batch *batch, size_t *used, flowan_error *error)
{
    feed f = {.data = data, .size = size, .batch = batch};
    *used = 0;
    if (size == 0)
        return FLOWAN_OK;
    flowan_status status = FLOWAN_OK;
    if (parser->fast) {
        fl_fastpath_begin(parser->fast, batch);
        if (parser->mode == OBJECT)
            status = run_held(parser, &f);
    }
    while (status == FLOWAN_OK)
        status = fl_batch_rejects_full(batch) ? FLOWAN_FULL : run(parser, &f);
    fl_batch_settle(batch);
    hash_settled(parser, &f);
    if (status == FLOWAN_ERROR_MEMORY && parser->mode == OBJECT)
        fl_json_scan_begin(&parser->scan); /* the caller comes back with these bytes */
    if (status == FLOWAN_END) {
        if (hold(parser, &f)) {
            f.start = size;
            status = FLOWAN_OK;
        } else {
            fl_json_scan_begin(&parser->scan);
            status = FLOWAN_ERROR_MEMORY;
        }
    }
    *used = f.start;
    return status == FLOWAN_ERROR_MEMORY ? fl_status_memory(error) : status;
}

flowan_status flowan_parser_finish(flowan_parser *parser, flowan_batch *batch,
                                   flowan_error *error)
{
    feed f = {.batch = batch};
    if (parser->mode == OBJECT)
        begin_skipping(parser, FLOWAN_REJECT_TORN, held(parser));
    while (parser->mode == SKIPPING && held(parser) > 0) {
        parser->looked = held(parser);
        size_t piece =
            held(parser) < FL_REJECT_PIECE_SIZE ? held(parser) : FL_REJECT_PIECE_SIZE;
        if (reject(parser, &f, piece) != FLOWAN_OK)
            return fl_status_memory(error);
    }
    parser->mode = BETWEEN;
    return FLOWAN_OK;
}

void flowan_parser_reset(flowan_parser *parser)
{
    parser->mode = BETWEEN;
    fl_buffer_clear(&parser->pending);
    parser->pending_at = 0;
    parser->offset = 0;
    if (parser->hash)
        XXH3_64bits_reset(parser->hash);
}

flowan_position flowan_parser_position(const flowan_parser *parser)
{
    /* Inside a long reject there is no place to resume from: what follows would be read
     * as if something began there. */
    if (parser->mode == SKIPPING && parser->continued)
        return parser->reject_at;
    return (flowan_position){parser->offset, hash_digest(parser)};
}

flowan_status flowan_parser_skip(flowan_parser *parser, const void *data, size_t size,
                                 flowan_error *error)
{
    if (parser->mode != BETWEEN)
        return fl_status_fail(error, FLOWAN_ERROR_ARGUMENT, parser->offset,
                              "cannot skip inside an unfinished object");
    hash_update(parser, data, size);
    parser->offset += size;
    return FLOWAN_OK;
}

/* --- turning to another input --- */

bool fl_parser_mark_init(fl_parser_mark *mark)
{
    XXH3_state_t *hash = XXH3_createState();
    *mark = (fl_parser_mark){.hash = hash, .mode = BETWEEN};
    if (hash)
        XXH3_64bits_reset(hash);
    return hash != NULL;
}

void fl_parser_mark_free(fl_parser_mark *mark)
{
    XXH3_freeState(mark->hash);
    fl_buffer_free(&mark->pending);
    *mark = (fl_parser_mark){0};
}

void fl_parser_mark_skip(fl_parser_mark *mark, const void *data, size_t size)
{
    XXH3_64bits_update(mark->hash, data, size);
    mark->offset += size;
}

uint64_t fl_parser_mark_hash(const fl_parser_mark *mark)
{
    return XXH3_64bits_digest(mark->hash);
}

flowan_position fl_parser_mark_position(const fl_parser_mark *mark)
{
    if (mark->mode == SKIPPING && mark->continued)
        return mark->reject_at;
    return (flowan_position){mark->offset, fl_parser_mark_hash(mark)};
}

void fl_parser_mark_copy(fl_parser_mark *to, const fl_parser_mark *from)
{
    XXH3_copyState(to->hash, from->hash);
    fl_buffer_clear(&to->pending);
    to->mode = BETWEEN;
    to->offset = from->offset;
}

bool fl_parser_leave(const flowan_parser *parser, fl_parser_mark *mark)
{
    fl_buffer_clear(&mark->pending);
    if (held(parser) > 0)
        fl_buffer_append(&mark->pending, parser->pending.data + parser->pending_at,
                         held(parser));
    bool ok = !mark->pending.failed;
    mark->pending.failed = false;
    if (!ok)
        return false;
    XXH3_copyState(mark->hash, parser->hash);
    mark->offset = parser->offset;
    mark->mode = (uint8_t)parser->mode;
    mark->reason = (uint8_t)parser->reason;
    mark->continued = parser->continued;
    mark->reject_at = parser->reject_at;
    mark->looked = parser->looked;
    return true;
}

bool fl_parser_return(flowan_parser *parser, const fl_parser_mark *mark)
{
    fl_buffer_clear(&parser->pending);
    parser->pending_at = 0;
    fl_buffer_append(&parser->pending, mark->pending.data, mark->pending.size);
    bool ok = !parser->pending.failed;
    parser->pending.failed = false;
    if (!ok)
        return false;
    XXH3_copyState(parser->hash, mark->hash);
    parser->offset = mark->offset;
    parser->mode = (mode)mark->mode;
    parser->reason = (flowan_reject_reason)mark->reason;
    parser->continued = mark->continued;
    parser->reject_at = mark->reject_at;
    parser->looked = mark->looked;
    parser->tried = false;
    fl_json_scan_begin(&parser->scan); /* what is held is scanned again */
    return true;
}
