/* A table for people: columns that fit the terminal. */
#include <string.h>

#include "encode.h"
#include "quote.h"
#include "text.h"

enum { SAMPLE = 200, WIDTH_MAX = 64 };

/* How a field is laid out. */
typedef struct column {
    size_t width;
    bool right;
} column;

typedef struct table {
    fl_buffer cell;
    size_t shown; /* of the fields, the first that fit */
    column column[];
} table;

static const char *const default_fields[] = {
    "time_flow_start_ns",
    "proto",
    "src_addr",
    "src_port",
    "dst_addr",
    "dst_port",
    "packets",
    "bytes",
    "post_nat_src_ipv4_address",
    "post_nat_dst_ipv4_address",
};

static bool is_time(const fl_encode_field *f)
{
    int id = flowan_field_find(f->name, f->name_size);
    return id >= 0 && flowan_field_info_of((flowan_field)id)->type == FLOWAN_TYPE_TIME;
}

static bool is_numeric(const fl_encode_field *f)
{
    int id = flowan_field_find(f->name, f->name_size);
    if (id < 0)
        return false;
    flowan_type type = flowan_field_info_of((flowan_field)id)->type;
    return type == FLOWAN_TYPE_U32 || type == FLOWAN_TYPE_U64;
}

/* A cell for people: times as RFC 3339, "-" where there is nothing, no control bytes. */
static void put_cell(flowan_encoder *encoder, size_t index, size_t row)
{
    fl_buffer *cell = &((table *)encoder->state)->cell;
    const fl_encode_piece *pieces = fl_encode_rows_pieces(encoder, row);
    fl_buffer_clear(cell);
    if (!pieces) {
        encoder->out.failed = true;
    } else if (pieces[index].type == FLOWAN_TYPE_TIME &&
               is_time(&encoder->fields[index])) {
        char *room = fl_buffer_reserve(cell, FL_TEXT_TIME_SIZE);
        if (room)
            cell->size +=
                fl_text_put_time(room, fl_encode_piece_number(&pieces[index], row));
    } else if (pieces[index].type) {
        fl_encode_rows_cell(encoder, cell, &pieces[index], row);
    }
    if (cell->size == 0)
        fl_buffer_byte(cell, '-');
    for (size_t i = 0; i < cell->size; i++)
        if ((unsigned char)cell->data[i] < 0x20 || cell->data[i] == 0x7f)
            cell->data[i] = '?';
    encoder->out.failed |= cell->failed;
}

static size_t characters(const char *text, size_t size)
{
    size_t count = 0;
    for (size_t i = 0; i < size; i++)
        count += ((unsigned char)text[i] & 0xc0) != 0x80;
    return count;
}

static void put_padded(flowan_encoder *encoder, const column *f, const char *text,
                       size_t size, bool last)
{
    size_t width = characters(text, size);
    size_t pad = width < f->width ? f->width - width : 0;
    for (size_t i = 0; f->right && i < pad; i++)
        fl_buffer_byte(&encoder->out, ' ');
    fl_quote_valid(&encoder->out, text, size);
    for (size_t i = 0; !f->right && !last && i < pad; i++)
        fl_buffer_byte(&encoder->out, ' ');
    fl_buffer_text(&encoder->out, last ? "\n" : "  ");
}

/* Headings of the common fields: short, since lines are. */
static const char *heading(const fl_encode_field *f)
{
    static const char *const shorter[][2] = {
        {"time_flow_start_ns", "start (UTC)"},
        {"time_flow_end_ns", "end (UTC)"},
        {"time_received_ns", "received (UTC)"},
        {"post_nat_src_ipv4_address", "post_nat_src"},
        {"post_nat_dst_ipv4_address", "post_nat_dst"},
    };
    for (size_t i = 0; i < sizeof shorter / sizeof *shorter; i++)
        if (strcmp(f->name, shorter[i][0]) == 0)
            return shorter[i][1];
    return f->name;
}

/* A piece for each field, in order. */
static bool plan_row(flowan_encoder *encoder, const fl_shape_field *shape, size_t count)
{
    (void)shape;
    (void)count;
    for (size_t i = 0; i < encoder->field_count; i++)
        if (!fl_encode_rows_value(encoder, fl_encode_rows_find(encoder, i)))
            return false;
    return true;
}

static bool open_table(flowan_encoder *encoder, const flowan_encoder_options *options)
{
    (void)options;
    encoder->state =
        fl_memory_zalloc(1, sizeof(table) + encoder->field_count * sizeof(column));
    return encoder->state;
}

static void close_table(flowan_encoder *encoder)
{
    if (encoder->state)
        fl_buffer_free(&((table *)encoder->state)->cell);
    fl_memory_free(encoder->state);
}

/* Widths from the first rows, then the header line; fields that do not fit the terminal
 * any more are left out where they were not asked for. */
static bool put_head(flowan_encoder *encoder, const flowan_batch *batch,
                     const flowan_selection *selection)
{
    if (!batch)
        return true;
    table *t = encoder->state;
    size_t rows = selection ? selection->count : batch->rows;
    size_t total = 0;
    size_t kept = encoder->field_count;
    for (size_t i = 0; i < encoder->field_count; i++) {
        const fl_encode_field *f = &encoder->fields[i];
        column *c = &t->column[i];
        c->right = is_numeric(f);
        c->width = strlen(heading(f));
        for (size_t k = 0; k < rows && k < SAMPLE; k++) {
            put_cell(encoder, i, selection ? selection->rows[k] : k);
            size_t width = characters(t->cell.data, t->cell.size);
            c->width = width > c->width ? width : c->width;
        }
        c->width = c->width > WIDTH_MAX ? WIDTH_MAX : c->width;
        total += c->width + (i ? 2 : 0);
        if (!encoder->chosen && total > encoder->columns && kept > i)
            kept = i ? i : 1;
    }
    t->shown = kept;
    for (size_t i = 0; i < kept; i++)
        put_padded(encoder, &t->column[i], heading(&encoder->fields[i]),
                   strlen(heading(&encoder->fields[i])), i + 1 == kept);
    return true;
}

static void put_row(flowan_encoder *encoder, size_t row)
{
    const table *t = encoder->state;
    for (size_t i = 0; i < t->shown; i++) {
        put_cell(encoder, i, row);
        put_padded(encoder, &t->column[i], t->cell.data, t->cell.size,
                   i + 1 == t->shown);
    }
}

const fl_encode_format fl_encode_table = {
    .fields = default_fields,
    .field_count = sizeof default_fields / sizeof *default_fields,
    .plan = plan_row,
    .quote = FL_ENCODE_QUOTE_NONE,
    .open = open_table,
    .close = close_table,
    .head = put_head,
    .row = put_row,
};
