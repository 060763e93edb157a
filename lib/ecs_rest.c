/* Every column that no field of the schema is made of, under its own key. What
 * Elasticsearch would refuse, and the whole document with it, is left out: numbers that a
 * `long` does not hold, keys that are no names of fields, JSON that it does not read. A
 * key has values of one JSON type in all documents, as far as that is ours to say: where
 * normalised JSON has a name or else a number, here is a text. */
#include "ecs_rest.h"

#include <jansson.h>
#include <string.h>

#include "names.h"
#include "quote.h"
#include "render.h"

/* --- which columns, under which keys --- */

/* Whether a field of the schema is made of the column, whatever its type, or ecs_body.c
 * puts here what of it has no place there. */
static bool is_taken(const fl_column *column)
{
    switch (flowan_field_find(column->name, column->name_size)) {
    case FLOWAN_FIELD_TYPE:
    case FLOWAN_FIELD_SEQUENCE_NUM:
    case FLOWAN_FIELD_SAMPLING_RATE:
    case FLOWAN_FIELD_SAMPLER_ADDRESS:
    case FLOWAN_FIELD_TIME_FLOW_START_NS:
    case FLOWAN_FIELD_TIME_FLOW_END_NS:
    case FLOWAN_FIELD_BYTES:
    case FLOWAN_FIELD_PACKETS:
    case FLOWAN_FIELD_SRC_ADDR:
    case FLOWAN_FIELD_DST_ADDR:
    case FLOWAN_FIELD_ETYPE:
    case FLOWAN_FIELD_PROTO:
    case FLOWAN_FIELD_SRC_PORT:
    case FLOWAN_FIELD_DST_PORT:
    case FLOWAN_FIELD_IN_IF:
    case FLOWAN_FIELD_OUT_IF:
    case FLOWAN_FIELD_SRC_MAC:
    case FLOWAN_FIELD_DST_MAC:
    case FLOWAN_FIELD_SRC_VLAN:
    case FLOWAN_FIELD_DST_VLAN:
    case FLOWAN_FIELD_POST_NAT_SRC_IPV4_ADDRESS:
    case FLOWAN_FIELD_POST_NAT_DST_IPV4_ADDRESS:
    case FLOWAN_FIELD_POST_NAT_SRC_IPV6_ADDRESS:
    case FLOWAN_FIELD_POST_NAT_DST_IPV6_ADDRESS:
    case FLOWAN_FIELD_POST_NAPT_SRC_TRANSPORT_PORT:
    case FLOWAN_FIELD_POST_NAPT_DST_TRANSPORT_PORT: return true;
    default: return false;
    }
}

/* A dot divides the names of objects, none of which may be empty or blank. */
static bool is_key(const char *key, size_t size)
{
    bool blank = true; /* since the last dot */
    for (size_t i = 0; i < size;) {
        unsigned char c = (unsigned char)key[i];
        size_t step = fl_quote_utf8(key + i, size - i);
        if (step == 0 || c < 0x20 || (c == '.' && blank))
            return false;
        blank = c == '.' || (blank && c == ' ');
        i += step;
    }
    return !blank;
}

bool fl_ecs_rest_begin(fl_ecs_rest *rest, const flowan_batch *batch)
{
    rest->batch = batch;
    fl_buffer_clear(&rest->keys);
    if (!fl_memory_grow((void **)&rest->key_of_column, &rest->columns_room,
                        batch->column_count, sizeof *rest->key_of_column))
        return false;
    for (size_t i = 0; i < batch->column_count; i++) {
        const fl_column *column = batch->columns[i];
        rest->key_of_column[i] = 0;
        if (is_taken(column) || !is_key(column->name, column->name_size))
            continue;
        if (rest->keys.size >= UINT32_MAX)
            return false;
        rest->key_of_column[i] = (uint32_t)rest->keys.size + 1;
        fl_quote_json(&rest->keys, column->name, column->name_size);
        fl_buffer_append(&rest->keys, ":", 2);
    }
    return !rest->keys.failed;
}

void fl_ecs_rest_free(fl_ecs_rest *rest)
{
    fl_memory_free(rest->key_of_column);
    fl_buffer_free(&rest->keys);
    fl_buffer_free(&rest->text);
    *rest = (fl_ecs_rest){0};
}

/* --- values --- */

static bool is_long(uint64_t number)
{
    return number <= INT64_MAX;
}

static bool are_long(const fl_value *value)
{
    const uint64_t *items = value->items;
    for (size_t i = 0; i < value->count; i++)
        if (!is_long(items[i]))
            return false;
    return true;
}

static void put_number(fl_buffer *out, uint64_t number, bool quoted)
{
    char *room = fl_buffer_reserve(out, FL_TEXT_U64_SIZE + 2);
    if (!room)
        return;
    char *at = room;
    if (quoted)
        *at++ = '"';
    at += fl_text_put_u64(at, number);
    if (quoted)
        *at++ = '"';
    out->size += (size_t)(at - room);
}

static void put_name(fl_buffer *out, int field, uint64_t number)
{
    const char *name = field >= 0 ? fl_names_of((flowan_field)field, number) : NULL;
    if (name)
        fl_quote_json(out, name, strlen(name));
    else
        put_number(out, number, true);
}

static void put_address(fl_buffer *out, const flowan_address *address)
{
    char text[FL_TEXT_ADDRESS_SIZE];
    fl_quote_json(out, text, fl_text_put_address(text, address));
}

static void put_mac(fl_buffer *out, uint64_t mac)
{
    char text[FL_TEXT_MAC_SIZE];
    fl_quote_json(out, text, fl_text_put_mac(text, mac));
}

/* "10.8.0.0/16", or "16" without the address that it is of. */
static void put_prefix(fl_buffer *out, const flowan_batch *batch, const fl_value *value,
                       size_t row)
{
    flowan_column own;
    if (!flowan_batch_field(batch, (flowan_field)fl_prefix_address(value->field),
                            &own) ||
        !(own.present[row / 64] >> (row % 64) & 1)) {
        put_number(out, value->number, true);
        return;
    }
    bool ipv6 = !fl_text_is_ipv4(&own.address[row]);
    if (value->number > (ipv6 ? 128 : 32)) {
        put_number(out, value->number, true);
        return;
    }
    fl_buffer_byte(out, '"');
    char *room = fl_buffer_reserve(out, FL_RENDER_CIDR_SIZE);
    if (room)
        out->size += fl_render_put_cidr(room, &own.address[row], value->number, ipv6);
    fl_buffer_byte(out, '"');
}

static void put_list(fl_buffer *out, const fl_value *value)
{
    bool named = value->field == FLOWAN_FIELD_LAYER_STACK;
    fl_buffer_byte(out, '[');
    for (size_t i = 0; i < value->count; i++) {
        if (i)
            fl_buffer_byte(out, ',');
        if (value->type == FLOWAN_TYPE_LIST_ADDRESS)
            put_address(out, (const flowan_address *)value->items + i);
        else if (named)
            put_name(out, value->field, ((const uint64_t *)value->items)[i]);
        else
            put_number(out, ((const uint64_t *)value->items)[i], false);
    }
    fl_buffer_byte(out, ']');
}

/* -17 or 1.5, of few digits: what needs no second look. */
static bool is_plain_number(const char *text, size_t size)
{
    enum { DIGITS_MAX = 15 };
    if (size > DIGITS_MAX)
        return false;
    for (size_t i = 0; i < size; i++)
        if ((text[i] < '0' || text[i] > '9') && text[i] != '.' && text[i] != '-')
            return false;
    return true;
}

/* JSON as it was written, if a reader takes it who has the usual limits, and every key
 * once. Null is what is not there. */
static bool put_json(fl_ecs_rest *rest, fl_buffer *out, const fl_value *value)
{
    fl_buffer *text = &rest->text;
    if (is_plain_number(value->items, value->count)) {
        fl_buffer_append(out, value->items, value->count);
        return true;
    }
    fl_buffer_clear(text);
    fl_quote_valid(text, value->items, value->count);
    if (text->failed) {
        out->failed = true;
        return false;
    }
    json_error_t error;
    json_t *read = json_loadb(text->data, text->size,
                              JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &error);
    out->failed |= !read && json_error_code(&error) == json_error_out_of_memory;
    bool good = read && !json_is_null(read);
    json_decref(read);
    if (good)
        fl_buffer_append(out, text->data, text->size);
    return good;
}

/* False where there is nothing to show. */
static bool put_value(fl_ecs_rest *rest, fl_buffer *out, const fl_value *value,
                      size_t row)
{
    switch (value->type) {
    case FLOWAN_TYPE_U32:
    case FLOWAN_TYPE_U64:
    case FLOWAN_TYPE_TIME:
        if (!is_long(value->number))
            return false;
        put_number(out, value->number, false);
        return true;
    case FLOWAN_TYPE_BOOL:
        fl_buffer_text(out, value->number ? "true" : "false");
        return true;
    case FLOWAN_TYPE_MAC: put_mac(out, value->number); return true;
    case FLOWAN_TYPE_ENUM: put_name(out, value->field, value->number); return true;
    case FLOWAN_TYPE_PREFIX: put_prefix(out, rest->batch, value, row); return true;
    case FLOWAN_TYPE_ADDRESS: put_address(out, &value->address); return true;
    case FLOWAN_TYPE_TEXT: fl_quote_json(out, value->items, value->count); return true;
    case FLOWAN_TYPE_JSON: return put_json(rest, out, value);
    case FLOWAN_TYPE_LIST_U64:
        if (!are_long(value))
            return false;
        put_list(out, value);
        return true;
    case FLOWAN_TYPE_LIST_ADDRESS: put_list(out, value); return true;
    }
    return false;
}

void fl_ecs_rest_next(fl_ecs_rest *rest, fl_buffer *out, size_t row)
{
    const flowan_batch *batch = rest->batch;
    size_t count;
    const fl_shape_field *shape =
        fl_batch_shape(batch, batch->shape_of_row[row], &count);
    for (size_t i = 0; i < count; i++) {
        fl_kind kind = FL_SHAPE_KIND(shape[i]);
        uint32_t key = rest->key_of_column[FL_SHAPE_COLUMN(shape[i])];
        if (key == 0 || !fl_kind_has_value(kind))
            continue;
        fl_value value;
        fl_column_value(batch->columns[FL_SHAPE_COLUMN(shape[i])], row, kind, &value);
        size_t before = out->size;
        fl_buffer_text(out, rest->keys.data + key - 1);
        if (put_value(rest, out, &value, row))
            fl_buffer_byte(out, ',');
        else
            out->size = before;
    }
}
