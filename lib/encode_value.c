/* One value as text, for the formats that are not exact: the text comes from the type, not
 * from how the record had it. What differs between them is quoting. */
#include <string.h>

#include "encode.h"
#include "names.h"
#include "quote.h"
#include "render.h"
#include "text.h"

static void put_quote(fl_buffer *out, fl_encode_quoting quote)
{
    if (quote == FL_ENCODE_JSON)
        fl_buffer_byte(out, '"');
}

static void put_address(fl_buffer *out, const flowan_address *address,
                        fl_encode_quoting quote)
{
    put_quote(out, quote);
    char *room = fl_buffer_reserve(out, FL_TEXT_ADDRESS_SIZE);
    if (room)
        out->size += fl_text_put_address(room, address);
    put_quote(out, quote);
}

static void put_number_or_name(fl_buffer *out, int field_id, uint64_t number,
                               fl_encode_quoting quote)
{
    const char *name =
        field_id >= 0 ? fl_names_of((flowan_field)field_id, number) : NULL;
    if (!name) {
        fl_render_u64(out, number);
        return;
    }
    put_quote(out, quote);
    fl_buffer_text(out, name);
    put_quote(out, quote);
}

/* "10.8.0.0/16" where the record has the address that it is the length of. */
static void put_prefix(fl_buffer *out, const flowan_batch *batch, const fl_value *value,
                       size_t row, fl_encode_quoting quote)
{
    fl_column *column = fl_batch_known(batch, fl_prefix_address(value->field));
    const flowan_address *own =
        column && row < column->room && fl_column_present(column, row)
            ? (const flowan_address *)column->cells + row
            : NULL;
    bool ipv6 = own && !fl_text_is_ipv4(own);
    if (!own || value->number > (ipv6 ? 128 : 32)) {
        fl_render_u64(out, value->number);
        return;
    }
    put_quote(out, quote);
    fl_render_cidr(out, own, value->number, ipv6);
    put_quote(out, quote);
}

static void put_list(fl_buffer *out, const fl_value *value)
{
    fl_buffer_byte(out, '[');
    for (size_t i = 0; i < value->count; i++) {
        if (i)
            fl_buffer_byte(out, ',');
        if (value->type == FLOWAN_TYPE_LIST_ADDRESS)
            put_address(out, (const flowan_address *)value->items + i, FL_ENCODE_JSON);
        else
            put_number_or_name(out, value->field, ((const uint64_t *)value->items)[i],
                               FL_ENCODE_JSON);
    }
    fl_buffer_byte(out, ']');
}

bool fl_encode_value_get(const fl_encode_field *f, size_t row, fl_value *value)
{
    for (size_t i = 0; i < f->count; i++) {
        fl_column *column = f->columns[i];
        if (row >= column->room || !fl_column_present(column, row))
            continue;
        /* any kind that has a value: the text is made from the type */
        fl_column_value(column, row, FL_KIND_INT, value);
        return true;
    }
    return false;
}

void fl_encode_value_put(fl_buffer *out, const flowan_batch *batch,
                         const fl_value *value, size_t row, fl_encode_quoting quote)
{
    char *room;
    switch (value->type) {
    case FLOWAN_TYPE_U32:
    case FLOWAN_TYPE_U64:
    case FLOWAN_TYPE_TIME: fl_render_u64(out, value->number); return;
    case FLOWAN_TYPE_BOOL:
        fl_buffer_text(out, value->number ? "true" : "false");
        return;
    case FLOWAN_TYPE_MAC:
        put_quote(out, quote);
        room = fl_buffer_reserve(out, FL_TEXT_MAC_SIZE);
        if (room)
            out->size += fl_text_put_mac(room, value->number);
        put_quote(out, quote);
        return;
    case FLOWAN_TYPE_ENUM:
        put_number_or_name(out, value->field, value->number, quote);
        return;
    case FLOWAN_TYPE_PREFIX: put_prefix(out, batch, value, row, quote); return;
    case FLOWAN_TYPE_ADDRESS: put_address(out, &value->address, quote); return;
    case FLOWAN_TYPE_TEXT:
        if (quote == FL_ENCODE_JSON)
            fl_quote_json(out, value->items, value->count);
        else
            fl_buffer_append(out, value->items, value->count);
        return;
    case FLOWAN_TYPE_JSON: fl_quote_valid(out, value->items, value->count); return;
    case FLOWAN_TYPE_LIST_U64:
    case FLOWAN_TYPE_LIST_ADDRESS: put_list(out, value); return;
    }
}

void fl_encode_value_cell(flowan_encoder *encoder, size_t field,
                          const flowan_batch *batch, size_t row)
{
    fl_value value;
    fl_buffer_clear(&encoder->cell);
    if (fl_encode_value_get(&encoder->fields[field], row, &value))
        fl_encode_value_put(&encoder->cell, batch, &value, row, FL_ENCODE_PLAIN);
}
