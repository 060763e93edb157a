#include "render.h"

#include <string.h>

#include "names.h"
#include "text.h"

void fl_render_u64(fl_buffer *out, uint64_t value)
{
    char *room = fl_buffer_reserve(out, FL_TEXT_U64_SIZE);
    if (room)
        out->size += fl_text_put_u64(room, value);
}

static void put_address(fl_buffer *out, const flowan_address *address, fl_kind kind)
{
    char *room = fl_buffer_reserve(out, FL_TEXT_ADDRESS_SIZE);
    if (!room)
        return;
    switch (kind) {
    case FL_KIND_IPV6: out->size += fl_text_put_ipv6(room, address); return;
    case FL_KIND_HEX4: out->size += fl_text_put_hex(room, address, 4); return;
    case FL_KIND_HEX16: out->size += fl_text_put_hex(room, address, 16); return;
    default: out->size += fl_text_put_address(room, address);
    }
}

void fl_render_cidr(fl_buffer *out, const flowan_address *own, uint64_t bits, bool ipv6)
{
    flowan_address masked = *own;
    fl_text_mask(&masked, (unsigned)bits + (ipv6 ? 0 : 96));
    put_address(out, &masked, ipv6 ? FL_KIND_IPV6 : FL_KIND_IPV4);
    fl_buffer_byte(out, '/');
    fl_render_u64(out, bits);
}

static void put_name(fl_buffer *out, const fl_value *value, uint64_t number)
{
    const char *name = value->kind == FL_KIND_NAME_OLD
                           ? fl_names_old((flowan_field)value->field, number)
                           : fl_names_of((flowan_field)value->field, number);
    /* A stored number without a name comes only from a segment made by other hands. */
    if (name)
        fl_buffer_text(out, name);
}

static void put_list(fl_buffer *out, const fl_value *value)
{
    fl_buffer_byte(out, '[');
    for (size_t i = 0; i < value->count; i++) {
        if (i)
            fl_buffer_byte(out, ',');
        if (value->kind == FL_KIND_LIST_INT) {
            fl_render_u64(out, ((const uint64_t *)value->items)[i]);
            continue;
        }
        fl_buffer_byte(out, '"');
        if (value->kind == FL_KIND_LIST_NAME)
            put_name(out, value, ((const uint64_t *)value->items)[i]);
        else
            put_address(out, (const flowan_address *)value->items + i, FL_KIND_IPV4);
        fl_buffer_byte(out, '"');
    }
    fl_buffer_byte(out, ']');
}

/* The last `count` of the 16 octets of each address. */
static void put_octets(fl_buffer *out, const flowan_address *items, size_t count,
                       size_t octets)
{
    fl_buffer_byte(out, '[');
    for (size_t i = 0; i < count; i++)
        for (size_t k = 16 - octets; k < 16; k++) {
            if (i || k > 16 - octets)
                fl_buffer_byte(out, ',');
            fl_render_u64(out, items[i].octet[k]);
        }
    fl_buffer_byte(out, ']');
}

/* What stands between the quotes of a kind that has them. */
static void put_quoted(fl_buffer *out, const fl_value *value, const flowan_address *own)
{
    char *room;
    switch (value->kind) {
    case FL_KIND_INVALID_PREFIX: fl_buffer_text(out, "invalid Prefix"); return;
    case FL_KIND_INT_STRING: fl_render_u64(out, value->number); return;
    case FL_KIND_RFC3339:
        room = fl_buffer_reserve(out, FL_TEXT_TIME_SIZE);
        if (room)
            out->size += fl_text_put_time(room, value->number);
        return;
    case FL_KIND_IPV4:
    case FL_KIND_IPV6:
    case FL_KIND_HEX4:
    case FL_KIND_HEX16: put_address(out, &value->address, value->kind); return;
    case FL_KIND_MAC:
        room = fl_buffer_reserve(out, FL_TEXT_MAC_SIZE);
        if (room)
            out->size += fl_text_put_mac(room, value->number);
        return;
    case FL_KIND_NAME:
    case FL_KIND_NAME_OLD: put_name(out, value, value->number); return;
    case FL_KIND_CIDR4:
    case FL_KIND_CIDR6:
        if (own)
            fl_render_cidr(out, own, value->number, value->kind == FL_KIND_CIDR6);
        return;
    case FL_KIND_STRING: fl_buffer_append(out, value->items, value->count); return;
    default: return; /* EMPTY; OPAQUE never gives its text back, which is its point */
    }
}

static void put_value(fl_buffer *out, const fl_value *value, const flowan_address *own)
{
    switch (value->kind) {
    case FL_KIND_NULL: fl_buffer_text(out, "null"); return;
    case FL_KIND_INT: fl_render_u64(out, value->number); return;
    case FL_KIND_BOOL: fl_buffer_text(out, value->number ? "true" : "false"); return;
    case FL_KIND_VERBATIM: fl_buffer_append(out, value->items, value->count); return;
    case FL_KIND_LIST_INT:
    case FL_KIND_LIST_NAME:
    case FL_KIND_LIST_ADDRESS: put_list(out, value); return;
    case FL_KIND_SECONDS: fl_render_u64(out, value->number / FL_NS_PER_SECOND); return;
    case FL_KIND_MILLISECONDS: fl_render_u64(out, value->number / FL_NS_PER_MS); return;
    case FL_KIND_EMPTY_LIST: fl_buffer_text(out, "[]"); return;
    case FL_KIND_OCTETS4: put_octets(out, &value->address, 1, 4); return;
    case FL_KIND_OCTETS16: put_octets(out, &value->address, 1, 16); return;
    case FL_KIND_LIST_OCTETS4: put_octets(out, value->items, value->count, 4); return;
    case FL_KIND_LIST_OCTETS16: put_octets(out, value->items, value->count, 16); return;
    default:
        fl_buffer_byte(out, '"');
        put_quoted(out, value, own);
        fl_buffer_byte(out, '"');
    }
}

static void put_member(fl_buffer *out, size_t index, const fl_value *value,
                       const flowan_address *own)
{
    fl_buffer_append(out, index ? ",\"" : "{\"", 2);
    fl_buffer_append(out, value->key, value->key_size);
    fl_buffer_append(out, "\":", 2);
    put_value(out, value, own);
}

static bool is_cidr(fl_kind kind)
{
    return kind == FL_KIND_CIDR4 || kind == FL_KIND_CIDR6;
}

void fl_render_values(fl_buffer *out, const fl_value *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const flowan_address *own = NULL;
        if (is_cidr(values[i].kind))
            for (size_t k = 0; k < count; k++)
                if (values[k].field == fl_prefix_address(values[i].field))
                    own = &values[k].address;
        put_member(out, i, &values[i], own);
    }
    fl_buffer_text(out, count ? "}" : "{}");
}

void fl_render_row(fl_buffer *out, const flowan_batch *batch, size_t row)
{
    size_t size;
    const char *raw = fl_batch_raw(batch, row, &size);
    if (raw) {
        fl_buffer_append(out, raw, size);
        return;
    }
    size_t count;
    const fl_shape_field *shape =
        fl_batch_shape(batch, batch->shape_of_row[row], &count);
    for (size_t i = 0; i < count; i++) {
        fl_column *column = batch->columns[FL_SHAPE_COLUMN(shape[i])];
        fl_value value;
        fl_column_value(column, row, FL_SHAPE_KIND(shape[i]), &value);
        if (FL_SHAPE_SPELLING(shape[i]))
            value.key =
                fl_batch_spelling(batch, FL_SHAPE_SPELLING(shape[i]), &value.key_size);
        const flowan_address *own = NULL;
        fl_column *address =
            is_cidr(value.kind)
                ? fl_batch_known(batch, fl_prefix_address(column->field))
                : NULL;
        if (address && row < address->room)
            own = (const flowan_address *)address->cells + row;
        put_member(out, i, &value, own);
    }
    fl_buffer_text(out, count ? "}" : "{}");
}
