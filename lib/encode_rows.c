/* Rows of a batch as values between texts. What a value looks like hangs on its type, not
 * on how the record had it, and is settled here for all formats; what stands between
 * values, each format says once a shape. A row is then texts and values by turns, written
 * to room that was reserved for all of it but its long texts and lists. */
#include <string.h>

#include "encode.h"
#include "names.h"
#include "quote.h"
#include "render.h"
#include "swar.h"
#include "text.h"

enum {
    TEXT_STEP =
        32, /* texts are copied so much at a time, so behind them is such room */
    SHORT_TEXT = 64, /* a longer value is written with room of its own */
    NAME_SIZE = FL_NAME_SIZE + sizeof "\"\"\"\"",
    PLANS_SIZE = 16 << 20 /* plans of so many bytes are forgotten before one more */
};

/* A shape made ready. */
typedef struct fl_encode_ready {
    size_t text; /* in rows->text: of all pieces, then what closes the row */
    size_t close_size;
    size_t first; /* of its pieces */
    size_t count;
    size_t room; /* for all but long texts and lists */
} ready;

/* The most that a value takes, its quotes included; of runs, when they are short. */
static const uint8_t room_of_type[] = {
    [FLOWAN_TYPE_U32] = FL_TEXT_U64_SIZE,
    [FLOWAN_TYPE_U64] = FL_TEXT_U64_SIZE,
    [FLOWAN_TYPE_TIME] = FL_TEXT_U64_SIZE,
    [FLOWAN_TYPE_MAC] = FL_TEXT_MAC_SIZE,
    [FLOWAN_TYPE_BOOL] = sizeof "false",
    [FLOWAN_TYPE_ENUM] = NAME_SIZE,
    [FLOWAN_TYPE_PREFIX] = FL_RENDER_CIDR_SIZE + sizeof "\"\"",
    [FLOWAN_TYPE_ADDRESS] = FL_TEXT_ADDRESS_SIZE,
    [FLOWAN_TYPE_TEXT] = SHORT_TEXT + 10, /* quotes, and a word behind the end */
    [FLOWAN_TYPE_JSON] = SHORT_TEXT + 8,
    [FLOWAN_TYPE_LIST_U64] = sizeof "[]",
    [FLOWAN_TYPE_LIST_ADDRESS] = sizeof "[]",
};

/* Types whose text is a JSON string whatever the value: the quotes belong to the text
 * around it. */
static bool is_quoted(flowan_type type, fl_encode_quoting quote)
{
    return quote == FL_ENCODE_QUOTE_JSON &&
           (type == FLOWAN_TYPE_MAC || type == FLOWAN_TYPE_ADDRESS);
}

/* --- one value --- */

/* A name between quotes, or the number where it has none. */
static inline char *put_name(char *at, int field, uint64_t number, const char *quote,
                             size_t quote_size)
{
    size_t size = 0;
    const char *name =
        field >= 0 ? fl_names_text((flowan_field)field, number, &size) : NULL;
    if (!name)
        return at + fl_text_put_u64(at, number);
    memcpy(at, quote, quote_size);
    memcpy(at + quote_size, name, size);
    memcpy(at + quote_size + size, quote, quote_size);
    return at + 2 * quote_size + size;
}

/* "10.8.0.0/16" where the record has the address that it is the length of. */
static char *put_prefix(char *at, const fl_encode_piece *p, size_t row,
                        fl_encode_quoting quote)
{
    uint64_t bits = fl_encode_piece_number(p, row);
    bool ipv6 = p->own && !fl_text_is_ipv4(p->own + row);
    if (!p->own || bits > (ipv6 ? 128 : 32))
        return at + fl_text_put_u64(at, bits);
    if (quote == FL_ENCODE_QUOTE_JSON)
        *at++ = '"';
    at += fl_render_put_cidr(at, p->own + row, bits, ipv6);
    if (quote == FL_ENCODE_QUOTE_JSON)
        *at++ = '"';
    return at;
}

/* Whether a list has a quote or a comma, which CSV must quote. */
static bool has_marks(const fl_encode_piece *p, size_t first, size_t count)
{
    return count > 1 || p->type == FLOWAN_TYPE_LIST_ADDRESS ||
           (p->field >= 0 &&
            fl_names_of((flowan_field)p->field, ((const uint64_t *)p->cells)[first]));
}

/* As JSON, some items; in CSV with quotes doubled, and a pair of them around it. */
static void put_list(fl_buffer *out, const fl_encode_piece *p, size_t first,
                     size_t count, fl_encode_quoting quote)
{
    enum { ITEM_SIZE = FL_TEXT_ADDRESS_SIZE + sizeof "\"\"\"\"," }; /* the longest */
    bool wrapped = quote == FL_ENCODE_QUOTE_CSV && has_marks(p, first, count);
    size_t mark_size = wrapped ? 2 : 1;
    out->failed |= count > SIZE_MAX / ITEM_SIZE - 1;
    char *at = fl_buffer_reserve(out, (count + 1) * ITEM_SIZE);
    if (!at)
        return;
    if (wrapped)
        *at++ = '"';
    *at++ = '[';
    for (size_t i = first; i < first + count; i++) {
        if (i > first)
            *at++ = ',';
        if (p->type == FLOWAN_TYPE_LIST_U64) {
            at = put_name(at, p->field, ((const uint64_t *)p->cells)[i], "\"\"",
                          mark_size);
            continue;
        }
        memcpy(at, "\"\"", mark_size);
        at += mark_size;
        at += fl_text_put_address(at, (const flowan_address *)p->cells + i);
        memcpy(at, "\"\"", mark_size);
        at += mark_size;
    }
    *at++ = ']';
    if (wrapped)
        *at++ = '"';
    out->size = (size_t)(at - out->data);
}

/* Whether text can stand as it is. Behind its end is room for a word. */
static bool is_plain(char *text, size_t size, flowan_type type, fl_encode_quoting quote)
{
    bool json = quote == FL_ENCODE_QUOTE_JSON;
    bool any_byte = type == FLOWAN_TYPE_TEXT && !json;
    uint64_t bad = 0;
    memset(text + size, 'x', 8);
    for (size_t i = 0; i < size; i += 8) {
        uint64_t word = fl_swar_load(text + i);
        if (!any_byte)
            bad |= word & FL_SWAR_ALL(0x80);
        if (json && type == FLOWAN_TYPE_TEXT)
            bad |= fl_swar_below(word, 0x20) | fl_swar_equal(word, '"') |
                   fl_swar_equal(word, '\\');
        if (quote == FL_ENCODE_QUOTE_CSV)
            bad |= fl_swar_equal(word, '"') | fl_swar_equal(word, ',') |
                   fl_swar_equal(word, '\n') | fl_swar_equal(word, '\r');
    }
    return bad == 0;
}

/* A text that is not short and plain. */
static void put_long_text(fl_encode_rows *rows, fl_buffer *out, flowan_type type,
                          const char *text, size_t size)
{
    bool json = rows->quote == FL_ENCODE_QUOTE_JSON;
    bool csv = rows->quote == FL_ENCODE_QUOTE_CSV;
    if (type == FLOWAN_TYPE_TEXT && json) {
        fl_quote_json(out, text, size);
    } else if (type == FLOWAN_TYPE_TEXT && csv) {
        fl_quote_csv(out, text, size);
    } else if (type == FLOWAN_TYPE_TEXT) {
        fl_buffer_append(out, text, size);
    } else if (csv) {
        fl_buffer_clear(&rows->cell);
        fl_quote_valid(&rows->cell, text, size);
        out->failed |= rows->cell.failed;
        fl_quote_csv(out, rows->cell.data, rows->cell.size);
    } else {
        fl_quote_valid(out, text, size);
    }
}

/* Texts and lists. `room` is what the row may need from here on; NULL when there is no
 * memory for it. */
static char *put_run(fl_encode_rows *rows, fl_buffer *out, char *at,
                     const fl_encode_piece *p, size_t row, size_t room)
{
    size_t first = p->offset[row];
    size_t size = p->offset[row + 1] - first;
    flowan_type type = (flowan_type)p->type;
    bool text = type == FLOWAN_TYPE_TEXT || type == FLOWAN_TYPE_JSON;
    if (size == 0 && !text) {
        memcpy(at, "[]", 2);
        return at + 2;
    }
    const char *bytes = size && text ? (const char *)p->cells + first : "";
    if (text && size <= SHORT_TEXT) {
        bool quoted = type == FLOWAN_TYPE_TEXT && rows->quote == FL_ENCODE_QUOTE_JSON;
        *at = '"';
        memcpy(at + quoted, bytes, size);
        if (is_plain(at + quoted, size, type, rows->quote)) {
            at[quoted + size] = '"';
            return at + size + 2 * quoted;
        }
    }
    out->size = (size_t)(at - out->data);
    if (text)
        put_long_text(rows, out, type, bytes, size);
    else
        put_list(out, p, first, size, rows->quote);
    return fl_buffer_reserve(out, room);
}

/* Many an address is that of the row before: the exporter's, a router's, none. */
static inline char *put_address(char *at, fl_encode_piece *p, size_t row)
{
    const flowan_address *address = fl_encode_piece_address(p, row);
    if (p->last_size == 0 || memcmp(address, &p->last, sizeof *address) != 0) {
        p->last = *address;
        p->last_size = (uint8_t)fl_text_put_address(p->last_text, address);
    }
    memcpy(at, p->last_text, FL_TEXT_ADDRESS_SIZE);
    return at + p->last_size;
}

static inline char *put_value(fl_encode_rows *rows, fl_buffer *out, char *at,
                              fl_encode_piece *p, size_t row, size_t room)
{
    switch (p->type) {
    case FLOWAN_TYPE_U32:
        return at + fl_text_put_u64(at, ((const uint32_t *)p->cells)[row]);
    case FLOWAN_TYPE_U64:
    case FLOWAN_TYPE_TIME:
        return at + fl_text_put_u64(at, ((const uint64_t *)p->cells)[row]);
    case FLOWAN_TYPE_BOOL: {
        bool yes = ((const uint64_t *)p->cells)[row] != 0;
        memcpy(at, yes ? "true" : "false", 5);
        return at + (yes ? 4 : 5);
    }
    case FLOWAN_TYPE_MAC:
        return at + fl_text_put_mac(at, ((const uint64_t *)p->cells)[row]);
    case FLOWAN_TYPE_ENUM:
        return put_name(at, p->field, ((const uint32_t *)p->cells)[row], "\"",
                        rows->quote == FL_ENCODE_QUOTE_JSON ? 1 : 0);
    case FLOWAN_TYPE_PREFIX: return put_prefix(at, p, row, rows->quote);
    case FLOWAN_TYPE_ADDRESS: return put_address(at, p, row);
    case FLOWAN_TYPE_TEXT:
    case FLOWAN_TYPE_JSON:
    case FLOWAN_TYPE_LIST_U64:
    case FLOWAN_TYPE_LIST_ADDRESS: return put_run(rows, out, at, p, row, room);
    default: return at;
    }
}

/* --- shapes made ready --- */

static bool has_column(const fl_encode_rows *rows, const fl_column *column)
{
    return rows->plan_of_column[column->index] == rows->plans_ever;
}

fl_column *fl_encode_rows_find(const flowan_encoder *encoder, size_t field)
{
    const fl_encode_field *f = &encoder->fields[field];
    for (size_t i = 0; i < f->count; i++)
        if (has_column(&encoder->rows, f->columns[i]))
            return f->columns[i];
    return NULL;
}

/* Columns of runs are brought up to all rows: a row that has the column is among them, so
 * it has room. */
static void fill_piece(const fl_encode_rows *rows, fl_encode_piece *p,
                       fl_column *column)
{
    p->type = (uint8_t)column->type;
    p->field = (int16_t)column->field;
    p->cells = column->cells;
    if (fl_type_is_run(column->type)) {
        flowan_column view;
        fl_column_view(column, rows->batch->rows, &view);
        p->offset = view.offset;
        p->cells = column->items;
        return;
    }
    const fl_column *own =
        column->type == FLOWAN_TYPE_PREFIX
            ? fl_batch_known(rows->batch, fl_prefix_address(column->field))
            : NULL;
    if (own && has_column(rows, own))
        p->own = own->cells;
}

bool fl_encode_rows_value(flowan_encoder *encoder, fl_column *column)
{
    fl_encode_rows *rows = &encoder->rows;
    bool quoted = column && is_quoted(column->type, rows->quote);
    if (quoted)
        fl_buffer_byte(&rows->text, '"');
    if (rows->text.failed || rows->text.size - rows->open > UINT32_MAX ||
        !fl_memory_grow((void **)&rows->pieces, &rows->pieces_room,
                        rows->piece_count + 1, sizeof *rows->pieces))
        return false;
    fl_encode_piece *p = &rows->pieces[rows->piece_count++];
    *p = (fl_encode_piece){.text_size = (uint32_t)(rows->text.size - rows->open),
                           .field = -1};
    rows->open = rows->text.size;
    if (column)
        fill_piece(rows, p, column);
    if (quoted)
        fl_buffer_byte(&rows->text, '"');
    return true;
}

static void forget_plans(fl_encode_rows *rows)
{
    if (rows->plan_count)
        memset(rows->plan_of_shape, 0,
               rows->batch->shapes.count * sizeof *rows->plan_of_shape);
    rows->plan_count = rows->piece_count = 0;
    fl_buffer_clear(&rows->text);
}

static const ready *make_plan(flowan_encoder *encoder, size_t id)
{
    fl_encode_rows *rows = &encoder->rows;
    size_t count;
    const fl_shape_field *shape = fl_batch_shape(rows->batch, id, &count);
    if (rows->text.size + rows->piece_count * sizeof *rows->pieces > PLANS_SIZE)
        forget_plans(rows);
    /* a piece at least, so that there is an array of them */
    if (!fl_memory_grow((void **)&rows->plans, &rows->plans_room, rows->plan_count + 1,
                        sizeof *rows->plans) ||
        !fl_memory_grow((void **)&rows->pieces, &rows->pieces_room,
                        rows->piece_count + 1, sizeof *rows->pieces))
        return NULL;
    rows->plans_ever++;
    for (size_t i = 0; i < count; i++)
        if (fl_kind_has_value(FL_SHAPE_KIND(shape[i])))
            rows->plan_of_column[FL_SHAPE_COLUMN(shape[i])] = rows->plans_ever;
    ready *made = &rows->plans[rows->plan_count];
    *made = (ready){.text = rows->text.size, .first = rows->piece_count};
    rows->open = rows->text.size;
    if (!encoder->format->plan(encoder, shape, count) ||
        !fl_buffer_reserve(&rows->text, TEXT_STEP))
        return NULL;
    made->close_size = rows->text.size - rows->open;
    made->count = rows->piece_count - made->first;
    made->room = rows->text.size - made->text + TEXT_STEP;
    for (size_t i = 0; i < made->count; i++)
        made->room += room_of_type[rows->pieces[made->first + i].type];
    rows->plan_of_shape[id] = (uint32_t)++rows->plan_count;
    return made;
}

static const ready *plan_of(flowan_encoder *encoder, size_t row)
{
    const fl_encode_rows *rows = &encoder->rows;
    size_t id = rows->batch->shape_of_row[row];
    uint32_t number = rows->plan_of_shape[id];
    return number ? &rows->plans[number - 1] : make_plan(encoder, id);
}

/* --- rows --- */

bool fl_encode_rows_begin(flowan_encoder *encoder, const flowan_batch *batch)
{
    fl_encode_rows *rows = &encoder->rows;
    size_t shapes = batch->shapes.count;
    size_t columns = batch->column_count;
    rows->quote = encoder->format->quote;
    rows->batch = batch;
    rows->plan_count = rows->plans_ever = 0;
    if (!fl_memory_grow((void **)&rows->plan_of_shape, &rows->shapes_room, shapes,
                        sizeof *rows->plan_of_shape) ||
        !fl_memory_grow((void **)&rows->plan_of_column, &rows->columns_room, columns,
                        sizeof *rows->plan_of_column))
        return false;
    if (shapes)
        memset(rows->plan_of_shape, 0, shapes * sizeof *rows->plan_of_shape);
    if (columns)
        memset(rows->plan_of_column, 0, columns * sizeof *rows->plan_of_column);
    forget_plans(rows);
    return true;
}

/* Most texts take one step, whose size the compiler knows. */
static inline char *put_text(char *at, const char *text, size_t size)
{
    memcpy(at, text, TEXT_STEP);
    if (size > TEXT_STEP)
        memcpy(at + TEXT_STEP, text + TEXT_STEP, size - TEXT_STEP);
    return at + size;
}

void fl_encode_rows_put(flowan_encoder *encoder, size_t row)
{
    fl_encode_rows *rows = &encoder->rows;
    fl_buffer *out = &encoder->out;
    const ready *of = plan_of(encoder, row);
    char *at = of ? fl_buffer_reserve(out, of->room) : NULL;
    if (!at) {
        out->failed = true;
        return;
    }
    fl_encode_piece *pieces = rows->pieces + of->first;
    const char *text = rows->text.data + of->text;
    for (size_t i = 0; i < of->count; i++) {
        at = put_text(at, text, pieces[i].text_size);
        text += pieces[i].text_size;
        at = put_value(rows, out, at, &pieces[i], row, of->room);
        if (!at)
            return;
    }
    at = put_text(at, text, of->close_size);
    out->size = (size_t)(at - out->data);
}

const fl_encode_piece *fl_encode_rows_pieces(flowan_encoder *encoder, size_t row)
{
    const ready *of = plan_of(encoder, row);
    return of ? encoder->rows.pieces + of->first : NULL;
}

void fl_encode_rows_cell(flowan_encoder *encoder, fl_buffer *out,
                         const fl_encode_piece *piece, size_t row)
{
    fl_encode_rows *rows = &encoder->rows;
    fl_encode_piece p = *piece;
    char *at = fl_buffer_reserve(out, room_of_type[p.type]);
    if (at)
        at = put_value(rows, out, at, &p, row, 0);
    if (at)
        out->size = (size_t)(at - out->data);
}

void fl_encode_rows_free(fl_encode_rows *rows)
{
    fl_memory_free(rows->plan_of_shape);
    fl_memory_free(rows->plan_of_column);
    fl_memory_free(rows->plans);
    fl_memory_free(rows->pieces);
    fl_buffer_free(&rows->text);
    fl_buffer_free(&rows->cell);
    *rows = (fl_encode_rows){0};
}
