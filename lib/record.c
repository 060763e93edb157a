/* Field by field: the type that the table asks for decides how a value is read. What a
 * field cannot hold leaves it absent (OPAQUE: the record's text keeps it); a key that the
 * table does not know gets the type that its value has. Of several keys for one field one
 * counts, and the others are as if the table did not know them. */
#include "record.h"

#include <string.h>

#include "batch.h"
#include "names.h"
#include "text.h"

/* A longer key is no name of a column. */
enum { KEY_SIZE_MAX = 4096 };

_Static_assert(FLOWAN_FIELD_COUNT <= 64, "fl_record has a bit for each field");

bool fl_record_init(fl_record *record)
{
    *record = (fl_record){0};
    record->values = fl_memory_alloc(FL_RECORD_FIELDS_MAX, sizeof *record->values);
    record->aliases = fl_memory_alloc(FL_RECORD_FIELDS_MAX, sizeof *record->aliases);
    if (record->values && record->aliases)
        return true;
    fl_record_free(record);
    return false;
}

void fl_record_free(fl_record *record)
{
    fl_memory_free(record->values);
    fl_hash_free(&record->keys);
    fl_spellings_free(&record->spellings);
    fl_memory_free(record->aliases);
    fl_memory_free(record->text);
    fl_memory_free(record->numbers);
    fl_memory_free(record->addresses);
    *record = (fl_record){0};
}

/* --- values --- */

static bool is_string(fl_json_span span)
{
    return span.data[0] == '"';
}

static bool get_number(fl_json_span text, flowan_type type, uint64_t *out)
{
    return fl_text_get_u64(text.data, text.size, fl_record_number_max(type), out);
}

static fl_kind address_kind(fl_json_span text, flowan_address *out)
{
    if (fl_text_get_ipv4(text.data, text.size, out))
        return FL_KIND_IPV4;
    if (fl_text_get_ipv6(text.data, text.size, out))
        return FL_KIND_IPV6;
    if (fl_text_get_hex(text.data, text.size, out))
        return text.size == 8 ? FL_KIND_HEX4 : FL_KIND_HEX16;
    return FL_KIND_OPAQUE;
}

/* A text that is no number of the field's keeps its place as a text column. */
static fl_kind as_text(fl_value *value, fl_json_span text)
{
    value->type = FLOWAN_TYPE_TEXT;
    value->items = text.data;
    value->count = text.size;
    return FL_KIND_STRING;
}

static fl_kind enum_kind(fl_value *value, fl_json_span text)
{
    bool old = false;
    if (fl_names_find((flowan_field)value->field, text.data, text.size, &value->number,
                      &old))
        return old ? FL_KIND_NAME_OLD : FL_KIND_NAME;
    return as_text(value, text);
}

/* A prefix is a length only beside its address, which may stand behind it in the record:
 * fit_prefixes looks when all is read. Until then `address` holds what was written. */
static fl_kind prefix_kind(fl_value *value, fl_json_span text)
{
    if (text.size == 14 && memcmp(text.data, "invalid Prefix", 14) == 0)
        return FL_KIND_INVALID_PREFIX;
    unsigned bits;
    value->items = text.data;
    value->count = text.size;
    if (!memchr(text.data, '/', text.size) ||
        !fl_text_get_prefix(text.data, text.size, &value->address, &bits))
        return as_text(value, text);
    bool ipv6 = memchr(text.data, ':', text.size) != NULL;
    value->number = ipv6 ? bits : bits - 96;
    return ipv6 ? FL_KIND_CIDR6 : FL_KIND_CIDR4;
}

static fl_kind string_kind(fl_value *value, fl_json_span text)
{
    if (value->type == FLOWAN_TYPE_TEXT)
        return as_text(value, text);
    if (text.size == 0)
        return FL_KIND_EMPTY;
    switch (value->type) {
    case FLOWAN_TYPE_ADDRESS: return address_kind(text, &value->address);
    case FLOWAN_TYPE_MAC:
        if (fl_text_get_mac(text.data, text.size, &value->number))
            return FL_KIND_MAC;
        break;
    case FLOWAN_TYPE_TIME:
        if (fl_text_get_time(text.data, text.size, &value->number))
            return FL_KIND_RFC3339;
        break;
    case FLOWAN_TYPE_PREFIX: return prefix_kind(value, text);
    case FLOWAN_TYPE_ENUM:
    case FLOWAN_TYPE_U32:
    case FLOWAN_TYPE_U64: break;
    default: return FL_KIND_OPAQUE;
    }
    if (get_number(text, value->type, &value->number))
        return FL_KIND_INT_STRING;
    return value->type == FLOWAN_TYPE_ENUM ? enum_kind(value, text) : FL_KIND_OPAQUE;
}

/* Elements of a list of numbers, or of names where the field has names. */
static fl_kind numbers_kind(fl_record *record, fl_value *value, fl_json_span text)
{
    uint64_t *items = record->numbers + record->numbers_used;
    size_t count = 0;
    size_t names = 0;
    fl_json_cursor cursor = fl_json_open(text.data, text.size);
    fl_json_span element;
    while (fl_json_next_element(&cursor, &element)) {
        if (value->field >= 0 && is_string(element) &&
            fl_names_find((flowan_field)value->field, element.data + 1,
                          element.size - 2, &items[count], NULL))
            names++;
        else if (!fl_text_get_u64(element.data, element.size, UINT64_MAX, &items[count]))
            return FL_KIND_OPAQUE;
        count++;
    }
    if (names != 0 && names != count)
        return FL_KIND_OPAQUE;
    record->numbers_used += count;
    value->items = items;
    value->count = count;
    return names ? FL_KIND_LIST_NAME : FL_KIND_LIST_INT;
}

static fl_kind addresses_kind(fl_record *record, fl_value *value, fl_json_span text)
{
    flowan_address *items = record->addresses + record->addresses_used;
    size_t count = 0;
    fl_json_cursor cursor = fl_json_open(text.data, text.size);
    fl_json_span element;
    while (fl_json_next_element(&cursor, &element)) {
        if (!is_string(element) || element.size < 2 ||
            !fl_text_get_address(element.data + 1, element.size - 2, &items[count]))
            return FL_KIND_OPAQUE;
        count++;
    }
    record->addresses_used += count;
    value->items = items;
    value->count = count;
    return FL_KIND_LIST_ADDRESS;
}

/* A list of octets to `out`; how many there are, or 17 when it is none or longer. */
static size_t get_octets(fl_json_span text, unsigned char out[16])
{
    size_t count = 0;
    fl_json_cursor cursor = fl_json_open(text.data, text.size);
    fl_json_span element;
    while (fl_json_next_element(&cursor, &element)) {
        uint64_t octet;
        if (count == 16 || !fl_text_get_u64(element.data, element.size, 255, &octet))
            return 17;
        out[count++] = (unsigned char)octet;
    }
    return count;
}

/* An address as goflow2 1.x writes bytes: [192,0,2,1], or 16 octets, or []. */
static fl_kind octets_kind(fl_json_span text, flowan_address *out)
{
    flowan_address address;
    switch (get_octets(text, address.octet)) {
    case 0: return FL_KIND_EMPTY_LIST;
    case 4:
        *out = (flowan_address){{[10] = 0xff, [11] = 0xff}};
        memcpy(out->octet + 12, address.octet, 4);
        return FL_KIND_OCTETS4;
    case 16: *out = address; return FL_KIND_OCTETS16;
    default: return FL_KIND_OPAQUE;
    }
}

static fl_kind list_kind(fl_record *record, fl_value *value, fl_json_span text)
{
    flowan_address *room = record->addresses + record->addresses_used;
    fl_kind kind;
    switch (value->type) {
    case FLOWAN_TYPE_LIST_U64: return numbers_kind(record, value, text);
    case FLOWAN_TYPE_ADDRESS: return octets_kind(text, &value->address);
    case FLOWAN_TYPE_LIST_ADDRESS:
        kind = addresses_kind(record, value, text);
        if (kind != FL_KIND_OPAQUE)
            return kind;
        kind = octets_kind(text, room);
        if (kind == FL_KIND_OPAQUE)
            return kind;
        record->addresses_used++;
        value->items = room;
        value->count = 1;
        return kind == FL_KIND_OCTETS4 ? FL_KIND_LIST_OCTETS4 : FL_KIND_LIST_OCTETS16;
    default: return FL_KIND_OPAQUE;
    }
}

static fl_kind known_kind(fl_record *record, fl_value *value, fl_json_span text)
{
    if (is_string(text)) {
        /* OPAQUE is rendered as "", so "" itself must be something else */
        if (fl_type_is_run(value->type) && value->type != FLOWAN_TYPE_TEXT)
            return text.size == 2 ? FL_KIND_EMPTY : FL_KIND_OPAQUE;
        return string_kind(value,
                           fl_json_string(text, record->text, &record->text_used));
    }
    if (text.data[0] == 'n')
        return FL_KIND_NULL;
    if (text.data[0] == '[')
        return list_kind(record, value, text);
    if (value->type < FLOWAN_TYPE_ADDRESS &&
        get_number(text, value->type, &value->number))
        return FL_KIND_INT;
    return FL_KIND_OPAQUE;
}

/* A time in a coarser unit. Digits in quotes would be ns to the kind that has them. */
static fl_kind scaled_kind(fl_record *record, fl_value *value, fl_unit unit,
                           fl_json_span text)
{
    uint64_t scale = unit == FL_UNIT_MS ? FL_NS_PER_MS : FL_NS_PER_SECOND;
    fl_kind kind = known_kind(record, value, text);
    if (kind == FL_KIND_INT_STRING ||
        (kind == FL_KIND_INT && value->number > UINT64_MAX / scale))
        return FL_KIND_OPAQUE;
    if (kind != FL_KIND_INT)
        return kind;
    value->number *= scale;
    return unit == FL_UNIT_MS ? FL_KIND_MILLISECONDS : FL_KIND_SECONDS;
}

static fl_kind unknown_kind(fl_record *record, fl_value *value, fl_json_span text)
{
    if (is_string(text))
        return as_text(value, fl_json_string(text, record->text, &record->text_used));
    if (text.data[0] == 't' || text.data[0] == 'f') {
        value->type = FLOWAN_TYPE_BOOL;
        value->number = text.data[0] == 't';
        return FL_KIND_BOOL;
    }
    value->type = FLOWAN_TYPE_U64;
    if (get_number(text, value->type, &value->number))
        return FL_KIND_INT;
    value->type = FLOWAN_TYPE_LIST_U64;
    if (text.data[0] == '[' && numbers_kind(record, value, text) == FL_KIND_LIST_INT)
        return FL_KIND_LIST_INT;
    value->type = FLOWAN_TYPE_JSON;
    value->items = text.data;
    value->count = text.size;
    return FL_KIND_VERBATIM;
}

/* --- keys that are spelt otherwise --- */

/* Puts an alias among those of its field, in order of rank. */
static void list_alias(fl_record *record, size_t at)
{
    fl_alias *alias = &record->aliases[at];
    int16_t *link = &record->first_alias[alias->spelling.field];
    while (*link >= 0 && record->aliases[*link].spelling.rank < alias->spelling.rank)
        link = &record->aliases[*link].next;
    alias->next = *link;
    *link = (int16_t)at;
}

/* Notes the member to be read when all keys are seen. */
static void note_alias(fl_record *record, size_t value, const fl_spelling *spelling,
                       fl_json_span text)
{
    for (size_t i = 0; record->values[value].spelt && i < record->alias_count; i++)
        if (record->aliases[i].value == value) { /* the same key once more */
            record->aliases[i].text = text;
            return;
        }
    if (record->alias_count == 0)
        memset(record->first_alias, 0xff, sizeof record->first_alias);
    record->values[value].spelt = true;
    record->aliases[record->alias_count] =
        (fl_alias){.spelling = *spelling, .value = (uint16_t)value, .text = text};
    list_alias(record, record->alias_count++);
}

static void read_unknown(fl_record *record, const fl_alias *alias)
{
    fl_value *value = &record->values[alias->value];
    *value = (fl_value){.key = value->key, .key_size = value->key_size, .field = -1};
    value->kind = unknown_kind(record, value, alias->text);
}

static void read_spelt(fl_record *record, const fl_alias *alias)
{
    fl_value *value = &record->values[alias->value];
    *value = (fl_value){.key = value->key,
                        .key_size = value->key_size,
                        .spelt = true,
                        .field = (int)alias->spelling.field,
                        .type = flowan_field_info_of(alias->spelling.field)->type};
    value->kind = alias->spelling.unit == FL_UNIT_NS
                      ? known_kind(record, value, alias->text)
                      : scaled_kind(record, value, alias->spelling.unit, alias->text);
}

/* goflow2 1.x writes 0 for a time that it does not have in that unit: of sFlow the
 * milliseconds. */
static bool is_usable(const fl_value *value, fl_unit unit)
{
    return fl_kind_has_value(value->kind) && (unit == FL_UNIT_NS || value->number != 0);
}

/* Of the keys of one field the first counts whose value can be used, else the last. Where
 * the field has its own key, none of them counts. */
static void settle_field(fl_record *record, flowan_field field)
{
    bool settled = record->own >> field & 1;
    for (int at = record->first_alias[field]; at >= 0; at = record->aliases[at].next) {
        const fl_alias *alias = &record->aliases[at];
        if (settled) {
            read_unknown(record, alias);
            continue;
        }
        size_t text_used = record->text_used;
        size_t numbers_used = record->numbers_used;
        size_t addresses_used = record->addresses_used;
        read_spelt(record, alias);
        settled = is_usable(&record->values[alias->value], alias->spelling.unit);
        record->values[alias->value].contested = alias->next >= 0;
        if (settled || alias->next < 0)
            continue;
        /* what is read twice must not take room twice */
        record->text_used = text_used;
        record->numbers_used = numbers_used;
        record->addresses_used = addresses_used;
        read_unknown(record, alias);
        record->values[alias->value].lost = true;
    }
}

static void settle_aliases(fl_record *record)
{
    for (size_t i = 0; i < record->alias_count; i++) {
        flowan_field field = record->aliases[i].spelling.field;
        settle_field(record, field);
        record->first_alias[field] = -1;
    }
}

/* --- the record --- */

/* A prefix whose address is not the record's own, or that has host bits, says more than
 * a length: it stays a text. */
static void fit_prefixes(fl_record *record)
{
    for (size_t i = 0; i < record->count; i++) {
        fl_value *value = &record->values[i];
        if (value->kind != FL_KIND_CIDR4 && value->kind != FL_KIND_CIDR6)
            continue;
        const fl_value *own =
            fl_record_own_address(record->values, record->count, value->field);
        if (own && fl_record_prefix_fits(&own->address, &value->address, value->number,
                                         value->kind))
            continue;
        fl_json_span text = {value->items, value->count};
        value->kind = as_text(value, text);
    }
}

/* Room for whatever an object of `size` bytes can hold, so that nothing moves while
 * values point at it. */
static bool reserve(fl_record *record, size_t size)
{
    return fl_memory_grow((void **)&record->text, &record->text_room, size, 1) &&
           fl_memory_grow((void **)&record->numbers, &record->numbers_room,
                          size / 2 + 1, sizeof *record->numbers) &&
           fl_memory_grow((void **)&record->addresses, &record->addresses_room,
                          size / 4 + 1, sizeof *record->addresses);
}

bool fl_record_read(fl_record *record, const char *text, size_t size)
{
    if (!reserve(record, size))
        return false;
    record->count = 0;
    record->alias_count = 0;
    record->own = 0;
    record->text_used = record->numbers_used = record->addresses_used = 0;
    fl_hash_clear(&record->keys);
    fl_json_cursor cursor = fl_json_open(text, size);
    fl_json_span key;
    fl_json_span span;
    while (fl_json_next_member(&cursor, &key, &span)) {
        key = fl_json_string(key, record->text, &record->text_used);
        if (key.size > KEY_SIZE_MAX)
            continue; /* the record's text keeps it */
        int64_t at = record->keys.count < FL_RECORD_FIELDS_MAX
                         ? fl_hash_put(&record->keys, key.data, key.size, NULL)
                         : fl_hash_find(&record->keys, key.data, key.size);
        if (at < 0 && record->keys.count < FL_RECORD_FIELDS_MAX)
            return false;
        if (at < 0)
            continue;
        /* The last of several equal keys counts, in the place of the first. */
        fl_value *value = &record->values[at];
        if ((size_t)at == record->count) {
            record->count++;
            value->spelt = false;
        }
        *value = (fl_value){.key = key.data,
                            .key_size = key.size,
                            .spelt = value->spelt,
                            .field = flowan_field_find(key.data, key.size)};
        fl_spelling spelling;
        if (value->field >= 0) {
            record->own |= (uint64_t)1 << value->field;
            value->type = flowan_field_info_of((flowan_field)value->field)->type;
            value->kind = known_kind(record, value, span);
        } else if (fl_spellings_find(&record->spellings, key.data, key.size,
                                     &spelling)) {
            note_alias(record, (size_t)at, &spelling, span);
        } else {
            value->kind = unknown_kind(record, value, span);
        }
    }
    settle_aliases(record);
    fit_prefixes(record);
    return true;
}

uint64_t fl_record_number_max(flowan_type type)
{
    switch (type) {
    case FLOWAN_TYPE_U32:
    case FLOWAN_TYPE_ENUM: return UINT32_MAX;
    case FLOWAN_TYPE_PREFIX: return 128;
    case FLOWAN_TYPE_MAC: return (UINT64_C(1) << 48) - 1;
    default: return UINT64_MAX;
    }
}

bool fl_record_prefix_fits(const flowan_address *own, const flowan_address *written,
                           uint64_t length, fl_kind kind)
{
    flowan_address masked = *own;
    fl_text_mask(&masked, (unsigned)length + (kind == FL_KIND_CIDR4 ? 96 : 0));
    /* an IPv6 prefix of an address that counts as IPv4 says more, too */
    return memcmp(&masked, written, sizeof masked) == 0 &&
           fl_text_is_ipv4(own) == (kind == FL_KIND_CIDR4);
}

const fl_value *fl_record_own_address(const fl_value *values, size_t count, int prefix)
{
    int field = fl_prefix_address(prefix);
    for (size_t i = 0; i < count; i++)
        if (values[i].field == field)
            return values[i].type == FLOWAN_TYPE_ADDRESS &&
                           fl_kind_has_value(values[i].kind)
                       ? &values[i]
                       : NULL;
    return NULL;
}
