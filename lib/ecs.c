/* The handle, the head of a document (when, and what kind of event), its end, and what is
 * made of rejects. A document is written from top to bottom into room that was reserved for
 * the most that it can take. */
#include "ecs.h"

#include <string.h>

#include "ecs_row.h"
#include "names.h"
#include "put.h"
#include "quote.h"
#include "status.h"

/* The most that a head takes, or what stands around the bytes of a reject, without texts
 * of any length. */
enum { HEAD_ROOM = 1024 };

#define SCHEMA "\"ecs\":{\"version\":\"8.16.0\"},"
#define EVENT_KIND                                                                     \
    "\"kind\":\"event\",\"category\":[\"network\"],\"type\":[\"connection\"],"

/* --- the handle --- */

/* A tag that is there already is not put twice. */
static bool is_tagged(const fl_buffer *tags, const fl_buffer *tag)
{
    for (size_t i = sizeof "\"tags\":[" - 1; i + tag->size <= tags->size; i++)
        if (memcmp(tags->data + i, tag->data, tag->size) == 0 &&
            (tags->data[i - 1] == '[' || tags->data[i - 1] == ','))
            return true;
    return false;
}

static bool make_tags(fl_ecs *ecs, const fl_ecs_options *options)
{
    static const char *const usual[] = {"forwarded", "sflow"};
    fl_buffer *tags = &ecs->tags;
    fl_buffer tag = {0};
    fl_buffer_text(tags, "\"tags\":[");
    if (options->preserve_original)
        fl_buffer_text(tags, "\"preserve_original_event\",");
    for (size_t i = 0; i < 2 + options->tag_count; i++) {
        const char *text = i < 2 ? usual[i] : options->tags[i - 2];
        fl_buffer_clear(&tag);
        fl_quote_json(&tag, text, strlen(text));
        fl_buffer_byte(&tag, ',');
        if (tag.failed || tags->failed)
            break;
        if (!is_tagged(tags, &tag))
            fl_buffer_append(tags, tag.data, tag.size);
    }
    bool made = !tag.failed && !tags->failed;
    if (made)
        tags->data[tags->size - 1] = ']';
    fl_buffer_byte(tags, ',');
    fl_buffer_free(&tag);
    return made && !tags->failed;
}

flowan_status fl_ecs_new(fl_ecs **out, const fl_ecs_options *options,
                         flowan_error *error)
{
    *out = NULL;
    fl_ecs *ecs = fl_memory_zalloc(1, sizeof *ecs);
    if (!ecs)
        return fl_status_memory(error);
    ecs->preserve_original = options->preserve_original;
    ecs->elastic_compat = options->elastic_compat;
    ecs->has_not_before = options->not_before_ns != 0;
    ecs->not_before_ns = (int64_t)options->not_before_ns;
    ecs->asdb = options->asdb;
    fl_enrich_rules rules = {.networks = options->networks,
                             .asdb = options->asdb,
                             .prefer_asdb = options->prefer_asdb};
    flowan_status status = fl_enrich_init(&ecs->enrich, &rules, error);
    if (status == FLOWAN_OK && !make_tags(ecs, options))
        status = fl_status_memory(error);
    if (status != FLOWAN_OK) {
        fl_ecs_free(ecs);
        return status;
    }
    *out = ecs;
    return FLOWAN_OK;
}

void fl_ecs_free(fl_ecs *ecs)
{
    if (!ecs)
        return;
    fl_enrich_free(&ecs->enrich);
    fl_ecs_rest_free(&ecs->rest);
    fl_render_free(&ecs->render);
    fl_buffer_free(&ecs->tags);
    fl_buffer_free(&ecs->original);
    fl_memory_free(ecs);
}

flowan_status fl_ecs_begin(fl_ecs *ecs, const flowan_batch *batch,
                           const flowan_selection *selection, flowan_error *error)
{
    ecs->batch = batch;
    flowan_status status = fl_enrich_begin(&ecs->enrich, batch, selection, error);
    if (status != FLOWAN_OK)
        return status;
    if (!fl_enrich_sides(&ecs->enrich) ||
        (ecs->asdb && !fl_enrich_asns(&ecs->enrich)) ||
        !fl_ecs_rest_begin(&ecs->rest, batch) ||
        (ecs->preserve_original && !fl_render_begin(&ecs->render, batch)))
        return fl_status_memory(error);
    for (int field = 0; field < (int)FLOWAN_FIELD_COUNT; field++) {
        fl_enrich_find(&ecs->columns[field], batch, (flowan_field)field);
        ecs->texts[field].there = false;
    }
    for (size_t i = 0; i < batch->column_count; i++) {
        const fl_column *column = batch->columns[i];
        int field = flowan_field_find(column->name, column->name_size);
        if (field >= 0 && column->type == FLOWAN_TYPE_TEXT)
            ecs->texts[field].there =
                flowan_batch_column(batch, i, &ecs->texts[field].view);
    }
    return FLOWAN_OK;
}

/* When a document's event was, to stand as @timestamp. */
static bool get_timestamp(const fl_ecs *ecs, size_t row, uint64_t *out)
{
    return fl_ecs_get(ecs, FLOWAN_FIELD_TIME_FLOW_START_NS, row, out) ||
           fl_ecs_get(ecs, FLOWAN_FIELD_TIME_RECEIVED_NS, row, out) ||
           fl_ecs_get(ecs, FLOWAN_FIELD_TIME_FLOW_END_NS, row, out);
}

/* --- the head: when, and what kind of event --- */

static char *put_span(fl_ecs *ecs, char *at, size_t row)
{
    uint64_t start;
    uint64_t end;
    if (!fl_ecs_get(ecs, FLOWAN_FIELD_TIME_FLOW_START_NS, row, &start) ||
        !fl_ecs_get(ecs, FLOWAN_FIELD_TIME_FLOW_END_NS, row, &end))
        return at;
    at = fl_put_date(FL_PUT(at, "\"start\":"), start, &ecs->second);
    at = fl_put_date(FL_PUT(at, "\"end\":"), end, &ecs->second);
    /* both count from 1970 with a sign */
    if ((int64_t)end >= (int64_t)start && end - start <= INT64_MAX)
        at = fl_put_number(FL_PUT(at, "\"duration\":"), end - start);
    return at;
}

static char *put_action(const fl_ecs *ecs, fl_buffer *out, char *at, size_t row)
{
    const char *name = NULL;
    size_t size = fl_ecs_text(ecs, FLOWAN_FIELD_TYPE, row, &name);
    uint64_t type;
    if (size == 0 && fl_ecs_get(ecs, FLOWAN_FIELD_TYPE, row, &type))
        name = fl_names_text(FLOWAN_FIELD_TYPE, type, &size);
    return size ? fl_put_text(out, FL_PUT(at, "\"action\":"), name, size) : at;
}

static void put_original(fl_ecs *ecs, fl_buffer *out, size_t row)
{
    fl_buffer_clear(&ecs->original);
    fl_render_next(&ecs->render, &ecs->original, row);
    out->failed |= ecs->original.failed;
    fl_buffer_text(out, "\"original\":");
    if (!out->failed)
        fl_quote_json(out, ecs->original.data, ecs->original.size);
    fl_buffer_byte(out, ',');
}

static void put_head(fl_ecs *ecs, fl_buffer *out, size_t row)
{
    const char *text;
    char *at = fl_buffer_reserve(
        out,
        HEAD_ROOM + FL_PUT_TEXT_SIZE(fl_ecs_text(ecs, FLOWAN_FIELD_TYPE, row, &text)));
    if (!at)
        return;
    uint64_t ns;
    *at++ = '{';
    if (get_timestamp(ecs, row, &ns))
        at = fl_put_date(FL_PUT(at, "\"@timestamp\":"), ns, &ecs->second);
    at = FL_PUT(at, SCHEMA "\"event\":{" EVENT_KIND);
    at = fl_ecs_is_sflow(ecs, row) ? FL_PUT(at, "\"dataset\":\"goflow2.sflow\",")
                                   : FL_PUT(at, "\"dataset\":\"goflow2.netflow\",");
    at = FL_PUT(at, "\"timezone\":\"+00:00\",");
    at = put_action(ecs, out, at, row);
    at = put_span(ecs, at, row);
    out->size = (size_t)(at - out->data);
    if (ecs->preserve_original)
        put_original(ecs, out, row);
    if (!out->failed)
        out->data[out->size - 1] = '}';
    fl_buffer_byte(out, ',');
}

/* --- documents --- */

/* Behind the last member, or none, of goflow2. */
static void close_rest(fl_buffer *out)
{
    fl_buffer_text(out, "}\n");
    if (out->failed)
        return;
    char *end = out->data + out->size - 2;
    static const char empty[] = "\"goflow2\":{";
    bool none = end[-1] == '{';
    end -= none ? sizeof empty - 1 : 0;
    end[-1] = '}'; /* of goflow2, or of the document */
    end = none ? end : FL_PUT(end, "}");
    *end++ = '\n';
    out->size = (size_t)(end - out->data);
}

/* When a record was received, or else began, if that can be. */
static void note_time(fl_ecs *ecs, size_t row)
{
    uint64_t received = fl_clock_received(&ecs->enrich.clock, row);
    fl_span span = {.start_ns = received, .known = received != 0};
    if (!received)
        span = fl_clock_span(&ecs->enrich.clock, row);
    ecs->has_latest |= span.known;
    ecs->latest_ns = span.known ? span.start_ns : ecs->latest_ns;
}

void fl_ecs_next(fl_ecs *ecs, fl_buffer *out, size_t i)
{
    size_t row = fl_enrich_row(&ecs->enrich, i);
    uint64_t timestamp;
    note_time(ecs, row);
    if (ecs->has_not_before && get_timestamp(ecs, row, &timestamp) &&
        (int64_t)timestamp < ecs->not_before_ns)
        return;
    put_head(ecs, out, row);
    fl_ecs_body(ecs, out, i, row);
    fl_ecs_rest_next(&ecs->rest, out, row);
    close_rest(out);
}

void fl_ecs_reject(fl_ecs *ecs, fl_buffer *out, const flowan_reject *reject)
{
    char *at = fl_buffer_reserve(out, HEAD_ROOM);
    if (!at)
        return;
    *at++ = '{';
    if (ecs->has_latest)
        at = fl_put_date(FL_PUT(at, "\"@timestamp\":"), ecs->latest_ns, &ecs->second);
    at = FL_PUT(at, SCHEMA "\"error\":{\"message\":\"byte ");
    at += fl_text_put_u64(at, reject->offset);
    const char *reason = flowan_reject_reason_text(reject->reason);
    at = fl_put(FL_PUT(at, ": no flow record ("), reason, strlen(reason));
    at = reject->continued ? FL_PUT(at, ", continued)\"},") : FL_PUT(at, ")\"},");
    at = ecs->elastic_compat ? FL_PUT(at, "\"event\":{" EVENT_KIND)
                             : FL_PUT(at, "\"event\":{\"kind\":\"pipeline_error\",");
    at = FL_PUT(at, "\"original\":");
    out->size = (size_t)(at - out->data);
    fl_quote_json(out, reject->data, reject->size);
    fl_buffer_text(out, "},");
    fl_buffer_append(out, ecs->tags.data, ecs->tags.size);
    if (!out->failed)
        out->data[out->size - 1] = '}';
    fl_buffer_byte(out, '\n');
}
