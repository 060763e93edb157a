/* A shape is made ready once a batch: what stands between the values becomes text, and each
 * value a piece that knows where its cells are. A row is then texts and values by turns,
 * written to room that was reserved for all of it. A record that is in no batch yet is
 * printed as a row of columns that have one cell. */
#include "render.h"

#include <string.h>

#include "names.h"
#include "record.h"

enum {
    TEXT_STEP =
        32, /* texts are copied so much at a time, so behind them is such room */
    OCTETS_SIZE = 16 * sizeof "255",
    PLANS_SIZE = 16 << 20 /* plans of so many bytes are forgotten before one more */
};

/* One value of a row. */
typedef struct fl_render_piece {
    uint32_t text_size; /* of what stands before it */
    uint8_t kind;
    bool narrow; /* cells are u32 */
    int16_t field;
    const void *cells;         /* of runs: their items */
    const uint32_t *offset;    /* of runs */
    const flowan_address *own; /* of a prefix; NULL: the record has none */
} piece;

typedef struct fl_render_plan {
    size_t text; /* in render->text: of all pieces, then what closes the record */
    size_t close_size;
    size_t first; /* of its pieces */
    size_t count;
    size_t room; /* for all but the items of runs */
    bool has_runs;
} plan;

/* --- kinds --- */

/* What a kind has around its value, and the most that the value takes: `size`, and `each`
 * for an item of a run. */
typedef struct form {
    const char *before;
    const char *behind;
    uint8_t size;
    uint8_t each;
} form;

static const form forms[FL_KIND_COUNT] = {
    /* its text is lost, which is its point */
    [FL_KIND_OPAQUE] = {"\"\"", "", 0, 0},
    [FL_KIND_EMPTY] = {"\"\"", "", 0, 0},
    [FL_KIND_NULL] = {"null", "", 0, 0},
    [FL_KIND_INVALID_PREFIX] = {"\"invalid Prefix\"", "", 0, 0},
    [FL_KIND_INT] = {"", "", FL_TEXT_U64_SIZE, 0},
    [FL_KIND_INT_STRING] = {"\"", "\"", FL_TEXT_U64_SIZE, 0},
    [FL_KIND_BOOL] = {"", "", 5, 0},
    [FL_KIND_RFC3339] = {"\"", "\"", FL_TEXT_TIME_SIZE, 0},
    [FL_KIND_IPV4] = {"\"", "\"", FL_TEXT_ADDRESS_SIZE, 0},
    [FL_KIND_IPV6] = {"\"", "\"", FL_TEXT_ADDRESS_SIZE, 0},
    [FL_KIND_HEX4] = {"\"", "\"", 8, 0},
    [FL_KIND_HEX16] = {"\"", "\"", 32, 0},
    [FL_KIND_MAC] = {"\"", "\"", FL_TEXT_MAC_SIZE, 0},
    [FL_KIND_NAME] = {"\"", "\"", FL_NAME_SIZE, 0},
    [FL_KIND_NAME_OLD] = {"\"", "\"", FL_NAME_SIZE, 0},
    [FL_KIND_CIDR4] = {"\"", "\"", FL_RENDER_CIDR_SIZE, 0},
    [FL_KIND_CIDR6] = {"\"", "\"", FL_RENDER_CIDR_SIZE, 0},
    [FL_KIND_STRING] = {"\"", "\"", 0, 1},
    [FL_KIND_VERBATIM] = {"", "", 0, 1},
    [FL_KIND_LIST_INT] = {"[", "]", 0, FL_TEXT_U64_SIZE + 1},
    [FL_KIND_LIST_NAME] = {"[", "]", 0, FL_NAME_SIZE + 3},
    [FL_KIND_LIST_ADDRESS] = {"[", "]", 0, FL_TEXT_ADDRESS_SIZE + 3},
    [FL_KIND_SECONDS] = {"", "", FL_TEXT_U64_SIZE, 0},
    [FL_KIND_MILLISECONDS] = {"", "", FL_TEXT_U64_SIZE, 0},
    [FL_KIND_EMPTY_LIST] = {"[]", "", 0, 0},
    [FL_KIND_OCTETS4] = {"[", "]", OCTETS_SIZE, 0},
    [FL_KIND_OCTETS16] = {"[", "]", OCTETS_SIZE, 0},
    [FL_KIND_LIST_OCTETS4] = {"[", "]", 0, OCTETS_SIZE},
    [FL_KIND_LIST_OCTETS16] = {"[", "]", 0, OCTETS_SIZE},
};

static bool is_cidr(fl_kind kind)
{
    return kind == FL_KIND_CIDR4 || kind == FL_KIND_CIDR6;
}

/* --- one value --- */

static char *put_cidr(char *at, const flowan_address *own, uint64_t bits, bool ipv6)
{
    flowan_address masked = *own;
    fl_text_mask(&masked, (unsigned)bits + (ipv6 ? 0 : 96));
    at += ipv6 ? fl_text_put_ipv6(at, &masked) : fl_text_put_address(at, &masked);
    *at++ = '/';
    return at + fl_text_put_u64(at, bits);
}

/* A stored number without a name comes only from a segment made by other hands. */
static char *put_name(char *at, const piece *p, uint64_t number)
{
    size_t size;
    const char *name = p->kind == FL_KIND_NAME_OLD
                           ? fl_names_old((flowan_field)p->field, number)
                           : fl_names_text((flowan_field)p->field, number, &size);
    if (!name)
        return at;
    if (p->kind == FL_KIND_NAME_OLD)
        size = strlen(name);
    memcpy(at, name, size);
    return at + size;
}

/* The last `octets` of the 16 octets of each address. */
static char *put_octets(char *at, const flowan_address *items, size_t count,
                        size_t octets)
{
    for (size_t i = 0; i < count; i++)
        for (size_t k = 16 - octets; k < 16; k++) {
            if (i || k > 16 - octets)
                *at++ = ',';
            at += fl_text_put_u64(at, items[i].octet[k]);
        }
    return at;
}

static char *put_list(char *at, const piece *p, size_t first, size_t end)
{
    const uint64_t *numbers = p->cells;
    for (size_t i = first; i < end; i++) {
        if (i > first)
            *at++ = ',';
        if (p->kind == FL_KIND_LIST_INT) {
            at += fl_text_put_u64(at, numbers[i]);
            continue;
        }
        *at++ = '"';
        if (p->kind == FL_KIND_LIST_NAME)
            at = put_name(at, p, numbers[i]);
        else
            at += fl_text_put_address(at, (const flowan_address *)p->cells + i);
        *at++ = '"';
    }
    return at;
}

static char *put_run(char *at, const piece *p, size_t row)
{
    size_t first = p->offset[row];
    size_t end = p->offset[row + 1];
    size_t count = end - first;
    if (count == 0)
        return at;
    switch (p->kind) {
    case FL_KIND_LIST_OCTETS4:
    case FL_KIND_LIST_OCTETS16:
        return put_octets(at, (const flowan_address *)p->cells + first, count,
                          p->kind == FL_KIND_LIST_OCTETS4 ? 4 : 16);
    case FL_KIND_STRING:
    case FL_KIND_VERBATIM:
        memcpy(at, (const char *)p->cells + first, count);
        return at + count;
    default: return put_list(at, p, first, end);
    }
}

static inline uint64_t number_of(const piece *p, size_t row)
{
    return p->narrow ? ((const uint32_t *)p->cells)[row]
                     : ((const uint64_t *)p->cells)[row];
}

static inline const flowan_address *address_of(const piece *p, size_t row)
{
    return (const flowan_address *)p->cells + row;
}

/* What stands between before and behind, into room of the form's size. */
static inline char *put_value(char *at, const piece *p, size_t row,
                              fl_text_second *second)
{
    switch ((fl_kind)p->kind) {
    case FL_KIND_INT:
    case FL_KIND_INT_STRING: return at + fl_text_put_u64(at, number_of(p, row));
    case FL_KIND_SECONDS:
        return at + fl_text_put_u64(at, number_of(p, row) / FL_NS_PER_SECOND);
    case FL_KIND_MILLISECONDS:
        return at + fl_text_put_u64(at, number_of(p, row) / FL_NS_PER_MS);
    case FL_KIND_BOOL:
        memcpy(at, number_of(p, row) ? "true" : "false", 5);
        return at + (number_of(p, row) ? 4 : 5);
    case FL_KIND_RFC3339:
        return at + fl_text_put_next_time(at, number_of(p, row), second);
    case FL_KIND_IPV4: return at + fl_text_put_address(at, address_of(p, row));
    case FL_KIND_IPV6: return at + fl_text_put_ipv6(at, address_of(p, row));
    case FL_KIND_HEX4: return at + fl_text_put_hex(at, address_of(p, row), 4);
    case FL_KIND_HEX16: return at + fl_text_put_hex(at, address_of(p, row), 16);
    case FL_KIND_OCTETS4: return put_octets(at, address_of(p, row), 1, 4);
    case FL_KIND_OCTETS16: return put_octets(at, address_of(p, row), 1, 16);
    case FL_KIND_MAC: return at + fl_text_put_mac(at, number_of(p, row));
    case FL_KIND_NAME:
    case FL_KIND_NAME_OLD: return put_name(at, p, number_of(p, row));
    case FL_KIND_CIDR4:
    case FL_KIND_CIDR6:
        return p->own ? put_cidr(at, p->own + row, number_of(p, row),
                                 p->kind == FL_KIND_CIDR6)
                      : at;
    default: return put_run(at, p, row);
    }
}

/* --- a record that is in no batch --- */

static void append_key(fl_buffer *out, bool first, const char *key, size_t size,
                       fl_kind kind)
{
    fl_buffer_append(out, first ? "{\"" : ",\"", 2);
    fl_buffer_append(out, key, size);
    fl_buffer_append(out, "\":", 2);
    fl_buffer_text(out, forms[kind].before);
}

static void append_value(fl_buffer *out, const fl_value *value,
                         const flowan_address *own, fl_text_second *second)
{
    /* a record's text is far shorter than 2^32 */
    uint32_t offset[2] = {0, (uint32_t)value->count};
    piece p = {.kind = (uint8_t)value->kind, .field = (int16_t)value->field, .own = own};
    const form *f = &forms[value->kind];
    if (f->each) {
        p.offset = offset;
        p.cells = value->items;
    } else {
        p.cells = value->type == FLOWAN_TYPE_ADDRESS ? (const void *)&value->address
                                                     : (const void *)&value->number;
    }
    char *room = fl_buffer_reserve(out, f->size + (size_t)f->each * value->count);
    if (room)
        out->size += (size_t)(put_value(room, &p, 0, second) - room);
}

void fl_render_values(fl_buffer *out, const fl_value *values, size_t count)
{
    fl_text_second second = {0};
    for (size_t i = 0; i < count; i++) {
        const fl_value *value = &values[i];
        append_key(out, i == 0, value->key, value->key_size, value->kind);
        if (fl_kind_has_value(value->kind)) {
            const fl_value *own =
                is_cidr(value->kind)
                    ? fl_record_own_address(values, count, value->field)
                    : NULL;
            append_value(out, value, own ? &own->address : NULL, &second);
        }
        fl_buffer_text(out, forms[value->kind].behind);
    }
    fl_buffer_text(out, count ? "}" : "{}");
}

/* --- shapes made ready --- */

static const flowan_address *own_addresses(const flowan_batch *batch,
                                           const fl_shape_field *shape, size_t count,
                                           int prefix)
{
    fl_column *address = fl_batch_known(batch, fl_prefix_address(prefix));
    for (size_t i = 0; address && i < count; i++)
        if (FL_SHAPE_COLUMN(shape[i]) == address->index &&
            fl_kind_has_value(FL_SHAPE_KIND(shape[i])))
            return address->cells;
    return NULL;
}

/* Columns of runs are brought up to all rows: a row that has the column is among them, so
 * it has room. */
static piece make_piece(const flowan_batch *batch, const fl_shape_field *shape,
                        size_t count, size_t at)
{
    fl_column *column = batch->columns[FL_SHAPE_COLUMN(shape[at])];
    fl_kind kind = FL_SHAPE_KIND(shape[at]);
    piece p = {.kind = (uint8_t)kind,
               .narrow = fl_type_width(column->type) == sizeof(uint32_t),
               .field = (int16_t)column->field};
    if (is_cidr(kind))
        p.own = own_addresses(batch, shape, count, column->field);
    if (!fl_type_is_run(column->type)) {
        p.cells = column->cells;
        return p;
    }
    flowan_column view;
    fl_column_view(column, batch->rows, &view);
    p.offset = view.offset;
    p.cells = column->items;
    return p;
}

/* `close` is where the text began that no value has taken yet. */
static bool append_field(fl_render *render, plan *made, const fl_shape_field *shape,
                         size_t count, size_t at, size_t *close)
{
    const flowan_batch *batch = render->batch;
    fl_buffer *text = &render->text;
    fl_kind kind = FL_SHAPE_KIND(shape[at]);
    const fl_column *column = batch->columns[FL_SHAPE_COLUMN(shape[at])];
    const char *key = column->name;
    size_t key_size = column->name_size;
    if (FL_SHAPE_SPELLING(shape[at]))
        key = fl_batch_spelling(batch, FL_SHAPE_SPELLING(shape[at]), &key_size);
    append_key(text, at == 0, key, key_size, kind);
    if (fl_kind_has_value(kind)) {
        piece p = make_piece(batch, shape, count, at);
        if (text->size - *close > UINT32_MAX)
            return false;
        p.text_size = (uint32_t)(text->size - *close);
        *close = text->size;
        render->pieces[made->first + made->count++] = p;
        made->room += forms[kind].size;
        made->has_runs |= forms[kind].each > 0;
    }
    fl_buffer_text(text, forms[kind].behind);
    return !text->failed;
}

static void forget_plans(fl_render *render)
{
    if (render->plan_count)
        memset(render->plan_of_shape, 0,
               render->batch->shapes.count * sizeof *render->plan_of_shape);
    render->plan_count = render->piece_count = 0;
    fl_buffer_clear(&render->text);
}

static const plan *make_plan(fl_render *render, size_t id)
{
    fl_buffer *text = &render->text;
    size_t count;
    const fl_shape_field *shape = fl_batch_shape(render->batch, id, &count);
    if (text->size + render->piece_count * sizeof(piece) > PLANS_SIZE)
        forget_plans(render);
    if (!fl_memory_grow((void **)&render->plans, &render->plans_room,
                        render->plan_count + 1, sizeof(plan)) ||
        !fl_memory_grow((void **)&render->pieces, &render->pieces_room,
                        render->piece_count + count + 1, sizeof(piece)))
        return NULL; /* with one piece at least, so that none has a beginning, too */
    plan *made = &render->plans[render->plan_count];
    *made = (plan){.text = text->size, .first = render->piece_count};
    size_t close = text->size;
    for (size_t i = 0; i < count; i++)
        if (!append_field(render, made, shape, count, i, &close))
            return NULL;
    fl_buffer_text(text, count ? "}" : "{}");
    if (!fl_buffer_reserve(text, TEXT_STEP))
        return NULL;
    made->close_size = text->size - close;
    made->room += text->size - made->text + TEXT_STEP;
    render->piece_count += made->count;
    render->plan_of_shape[id] = (uint32_t)++render->plan_count;
    return made;
}

static const plan *plan_of(fl_render *render, size_t id)
{
    uint32_t number = render->plan_of_shape[id];
    return number ? &render->plans[number - 1] : make_plan(render, id);
}

/* --- rows --- */

/* Room for a row; NULL (and `failed`) when memory is short. */
static char *reserve_row(fl_buffer *out, const plan *of, const piece *pieces,
                         size_t row)
{
    uint64_t room = of->room;
    for (size_t i = 0; of->has_runs && i < of->count; i++)
        if (pieces[i].offset)
            room += (uint64_t)forms[pieces[i].kind].each *
                    (pieces[i].offset[row + 1] - pieces[i].offset[row]);
    out->failed |= room > SIZE_MAX;
    return fl_buffer_reserve(out, (size_t)room);
}

/* Most texts take one step, whose size the compiler knows. */
static inline char *put_text(char *at, const char *text, size_t size)
{
    memcpy(at, text, TEXT_STEP);
    if (size > TEXT_STEP)
        memcpy(at + TEXT_STEP, text + TEXT_STEP, size - TEXT_STEP);
    return at + size;
}

bool fl_render_begin(fl_render *render, const flowan_batch *batch)
{
    size_t shapes = batch->shapes.count;
    render->batch = batch;
    render->plan_count = 0;
    if (!fl_memory_grow((void **)&render->plan_of_shape, &render->shapes_room, shapes,
                        sizeof *render->plan_of_shape))
        return false;
    if (shapes)
        memset(render->plan_of_shape, 0, shapes * sizeof *render->plan_of_shape);
    forget_plans(render);
    return true;
}

void fl_render_next(fl_render *render, fl_buffer *out, size_t row)
{
    size_t size;
    const char *raw = fl_batch_raw(render->batch, row, &size);
    if (raw) {
        fl_buffer_append(out, raw, size);
        return;
    }
    const plan *of = plan_of(render, render->batch->shape_of_row[row]);
    if (!of) {
        out->failed = true;
        return;
    }
    const piece *pieces = render->pieces + of->first;
    char *at = reserve_row(out, of, pieces, row);
    if (!at)
        return;
    const char *text = render->text.data + of->text;
    for (size_t i = 0; i < of->count; i++) {
        at = put_text(at, text, pieces[i].text_size);
        text += pieces[i].text_size;
        at = put_value(at, &pieces[i], row, &render->second);
    }
    at = put_text(at, text, of->close_size);
    out->size = (size_t)(at - out->data);
}

void fl_render_free(fl_render *render)
{
    fl_memory_free(render->plan_of_shape);
    fl_memory_free(render->plans);
    fl_memory_free(render->pieces);
    fl_buffer_free(&render->text);
    *render = (fl_render){0};
}

void fl_render_row(fl_buffer *out, const flowan_batch *batch, size_t row)
{
    fl_render render = {0};
    if (fl_render_begin(&render, batch))
        fl_render_next(&render, out, row);
    else
        out->failed = true;
    fl_render_free(&render);
}

/* --- for other texts --- */

size_t fl_render_put_cidr(char *out, const flowan_address *own, uint64_t bits,
                          bool ipv6)
{
    return (size_t)(put_cidr(out, own, bits, ipv6) - out);
}
