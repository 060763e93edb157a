/* Keys: `by` to specs, rows to key bytes, key bytes to typed parts. Which rows are
 * counted and what is summed is the aggregator's business. */
#include "key.h"

#include <string.h>

#include "names.h"
#include "render.h"
#include "status.h"
#include "text.h"
#include "value.h"

/* What a part's bytes begin with. */
typedef enum tag {
    TAG_NULL = 0,
    TAG_BOOL,    /* u8 */
    TAG_INTEGER, /* u64 */
    TAG_TIME,    /* u64: ns */
    TAG_HOUR,    /* u64: ns */
    TAG_DAY,     /* u64: ns */
    TAG_MAC,     /* u64 */
    TAG_NAMED,   /* u32: a number of the spec's field */
    TAG_NETWORK, /* u32 */
    TAG_WAY,     /* u8: direction */
    TAG_ADDRESS, /* 16 octets */
    TAG_PREFIX,  /* 16 octets, u8 */
    TAG_CIDR,    /* 16 octets, u8: as the text of a record has it */
    TAG_TEXT,    /* u32 size, bytes */
    TAG_JSON     /* u32 size, bytes */
} tag;

#define HOUR_NS UINT64_C(3600000000000)

/* --- the text of --by --- */

static const struct {
    const char *name;
    fl_key_source source;
    bool address;
} virtual_keys[] = {
    {"local_net", FL_KEY_LOCAL_NET, false}, {"local_ip", FL_KEY_LOCAL_IP, true},
    {"remote_ip", FL_KEY_REMOTE_IP, true},  {"remote_as", FL_KEY_REMOTE_AS, false},
    {"src_as", FL_KEY_SRC_AS, false},       {"dst_as", FL_KEY_DST_AS, false},
    {"direction", FL_KEY_DIRECTION, false}, {"service", FL_KEY_SERVICE, false},
    {"hour", FL_KEY_HOUR, false},           {"day", FL_KEY_DAY, false},
};

static char *copy_text(const char *text, size_t size)
{
    char *copy = fl_memory_alloc(size + 1, 1);
    if (copy) {
        memcpy(copy, text, size);
        copy[size] = '\0';
    }
    return copy;
}

static flowan_status bad_by(flowan_error *error, const char *by, const char *at,
                            const char *expected)
{
    size_t offset = (size_t)(at - by);
    return fl_status_fail(error, FLOWAN_ERROR_ARGUMENT, offset,
                          "keys '%s', column %zu: expected %s", by, offset + 1,
                          expected);
}

/* True when the name (NUL-terminated) is a key whose values are addresses. */
static bool name_source(fl_key_spec *spec)
{
    for (size_t i = 0; i < sizeof virtual_keys / sizeof *virtual_keys; i++)
        if (strcmp(spec->column_name, virtual_keys[i].name) == 0) {
            spec->source = virtual_keys[i].source;
            return virtual_keys[i].address;
        }
    const char *name = spec->column_name;
    spec->field = strcmp(name, "exporter") == 0 ? (int)FLOWAN_FIELD_SAMPLER_ADDRESS
                                                : flowan_field_find(name, strlen(name));
    return spec->field >= 0 &&
           flowan_field_info_of((flowan_field)spec->field)->type == FLOWAN_TYPE_ADDRESS;
}

static bool is_number(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (text[i] < '0' || text[i] > '9')
            return false;
    return size > 0;
}

static bool add_spec(fl_keys *keys, const char *name, size_t size, size_t bare)
{
    fl_key_spec *specs =
        fl_memory_resize(keys->specs, keys->count + 1, sizeof *keys->specs);
    if (!specs)
        return false;
    keys->specs = specs;
    fl_key_spec *spec = &specs[keys->count++];
    memset(spec, 0, sizeof *spec);
    spec->field = -1;
    spec->name = copy_text(name, size);
    spec->column_name = copy_text(name, bare);
    return spec->name && spec->column_name;
}

/* "24" or "24,64" behind the slash, up to `end`. */
static flowan_status get_bits(fl_key_spec *spec, const char *by, const char *at,
                              const char *end, flowan_error *error)
{
    const char *comma = memchr(at, ',', (size_t)(end - at));
    uint64_t four;
    uint64_t six;
    const char *first_end = comma ? comma : end;
    if (!fl_text_get_u64(at, (size_t)(first_end - at), comma ? 32 : 128, &four))
        return bad_by(error, by, at,
                      comma ? "a prefix length for IPv4, 0 to 32"
                            : "a prefix length, 0 to 128");
    six = four;
    if (comma && !fl_text_get_u64(comma + 1, (size_t)(end - comma - 1), 128, &six))
        return bad_by(error, by, comma + 1, "a prefix length for IPv6, 0 to 128");
    spec->masked = true;
    spec->bits4 = (uint8_t)(four < 32 ? four : 32);
    spec->bits6 = (uint8_t)six;
    return FLOWAN_OK;
}

/* One key from *at, which is moved behind it (to its comma, or the end). */
static flowan_status get_key(fl_keys *keys, const char *by, const char **at,
                             flowan_error *error)
{
    const char *start = *at;
    size_t size = strcspn(start, ",");
    const char *slash = memchr(start, '/', size);
    size_t bare = slash ? (size_t)(slash - start) : size;
    if (bare == 0)
        return bad_by(error, by, start, "the name of a key");
    if (keys->count == FL_KEY_PARTS_MAX)
        return bad_by(error, by, start, "no more than 64 keys");
    if (slash && start[size] == ',') {
        /* A number behind a length is the length for IPv6, not a key of that name. */
        size_t more = strcspn(start + size + 1, ",");
        if (is_number(start + size + 1, more))
            size += 1 + more;
    }
    if (!add_spec(keys, start, size, bare))
        return fl_status_memory(error);
    fl_key_spec *spec = &keys->specs[keys->count - 1];
    bool is_address = name_source(spec);
    keys->has_source[spec->source] = true;
    *at = start + size;
    if (!slash)
        return FLOWAN_OK;
    if (!is_address)
        return bad_by(error, by, slash,
                      "no prefix length here, since that key is no address");
    return get_bits(spec, by, slash + 1, start + size, error);
}

flowan_status fl_keys_init(fl_keys *keys, const char *by, uint64_t bin_ns,
                           flowan_error *error)
{
    *keys = (fl_keys){.bin_ns = bin_ns};
    if (bin_ns) {
        if (!add_spec(keys, "time", 4, 4))
            return fl_status_memory(error);
        keys->specs[0].source = FL_KEY_BIN;
        keys->has_source[FL_KEY_BIN] = true;
    }
    const char *at = by;
    while (by && *by) {
        flowan_status status = get_key(keys, by, &at, error);
        if (status < 0)
            return status;
        if (*at == '\0')
            break;
        at++;
    }
    keys->has_local =
        keys->has_source[FL_KEY_LOCAL_NET] || keys->has_source[FL_KEY_LOCAL_IP];
    keys->has_remote =
        keys->has_source[FL_KEY_REMOTE_IP] || keys->has_source[FL_KEY_REMOTE_AS];
    return FLOWAN_OK;
}

void fl_keys_free(fl_keys *keys)
{
    for (size_t i = 0; i < keys->count; i++) {
        fl_memory_free(keys->specs[i].name);
        fl_memory_free(keys->specs[i].column_name);
    }
    fl_memory_free(keys->specs);
    *keys = (fl_keys){0};
}

/* --- rows to bytes --- */

/* A key whose values differ in type has a column for each type. */
static void find_columns(fl_key_spec *spec, const flowan_batch *batch)
{
    const char *name = spec->field >= 0
                           ? flowan_field_info_of((flowan_field)spec->field)->name
                           : spec->column_name;
    size_t size = strlen(name);
    spec->column_count = 0;
    flowan_column column;
    for (size_t i = 0; flowan_batch_column(batch, i, &column); i++)
        if (column.name_size == size && memcmp(column.name, name, size) == 0 &&
            spec->column_count < FL_KEY_COLUMNS_MAX)
            spec->columns[spec->column_count++] = column;
    int own = fl_prefix_address(spec->field);
    if (own >= 0)
        fl_enrich_find(&spec->own, batch, (flowan_field)own);
}

bool fl_keys_begin(fl_keys *keys, fl_enrich *enrich)
{
    for (size_t i = 0; i < keys->count; i++)
        if (keys->specs[i].source == FL_KEY_COLUMN)
            find_columns(&keys->specs[i], enrich->batch);
    if (keys->has_source[FL_KEY_SERVICE]) {
        fl_enrich_find(&keys->src_port, enrich->batch, FLOWAN_FIELD_SRC_PORT);
        fl_enrich_find(&keys->dst_port, enrich->batch, FLOWAN_FIELD_DST_PORT);
    }
    const bool *has = keys->has_source;
    return (!(keys->has_local || keys->has_remote || has[FL_KEY_DIRECTION]) ||
            fl_enrich_sides(enrich)) &&
           (!has[FL_KEY_REMOTE_AS] || fl_enrich_remote_as(enrich)) &&
           (!(has[FL_KEY_SRC_AS] || has[FL_KEY_DST_AS]) || fl_enrich_asns(enrich)) &&
           (!(has[FL_KEY_BIN] || has[FL_KEY_HOUR] || has[FL_KEY_DAY]) ||
            fl_enrich_times(enrich));
}

static void put(fl_buffer *out, tag what, const void *value, size_t size)
{
    char *room = fl_buffer_reserve(out, size + 1);
    if (!room)
        return;
    room[0] = (char)what;
    if (size)
        memcpy(room + 1, value, size);
    out->size += size + 1;
}

static void put_null(fl_buffer *out)
{
    put(out, TAG_NULL, NULL, 0);
}

static void put_u64(fl_buffer *out, tag what, uint64_t value)
{
    put(out, what, &value, sizeof value);
}

static void put_u32(fl_buffer *out, tag what, uint32_t value)
{
    put(out, what, &value, sizeof value);
}

static void put_bytes(fl_buffer *out, tag what, const char *text, size_t size)
{
    put_u32(out, what, (uint32_t)size);
    fl_buffer_append(out, text, size);
}

static void put_address(fl_buffer *out, const fl_key_spec *spec,
                        const flowan_address *address)
{
    if (!address) {
        put_null(out);
        return;
    }
    if (!spec->masked) {
        put(out, TAG_ADDRESS, address, sizeof *address);
        return;
    }
    struct {
        flowan_address address;
        uint8_t bits;
    } prefix = {*address, 0};
    bool ipv4 = fl_text_is_ipv4(address);
    prefix.bits = ipv4 ? spec->bits4 : spec->bits6;
    fl_text_mask(&prefix.address, ipv4 ? spec->bits4 + 96U : spec->bits6);
    put(out, TAG_PREFIX, &prefix, sizeof prefix);
}

static void put_network(fl_buffer *out, const flowan_address *address, unsigned bits)
{
    struct {
        flowan_address address;
        uint8_t bits;
    } prefix = {*address, (uint8_t)bits};
    put(out, TAG_CIDR, &prefix, sizeof prefix);
}

/* A prefix length beside its address is a network; without, or when it is too long for
 * that, a number. */
static void put_cidr(fl_buffer *out, const fl_key_spec *spec, size_t row, uint32_t bits)
{
    const flowan_address *own = fl_enrich_address(&spec->own, row);
    bool ipv4 = own && fl_text_is_ipv4(own);
    if (!own || bits > (ipv4 ? 32U : 128U)) {
        put_u64(out, TAG_INTEGER, bits);
        return;
    }
    flowan_address network = *own;
    fl_text_mask(&network, bits + (ipv4 ? 96U : 0U));
    put_network(out, &network, bits);
}

/* A network that a record names as a text, because it is not its own address masked. */
static bool put_text_network(fl_buffer *out, const flowan_column *column, size_t row)
{
    const char *text = column->text + column->offset[row];
    size_t size = column->offset[row + 1] - column->offset[row];
    flowan_address network;
    unsigned bits;
    if (!size || !memchr(text, '/', size) ||
        !fl_text_get_prefix(text, size, &network, &bits))
        return false;
    bool ipv4 = !memchr(text, ':', size);
    flowan_address masked = network;
    fl_text_mask(&masked, bits);
    if (ipv4 != fl_text_is_ipv4(&network) ||
        memcmp(&masked, &network, sizeof masked) != 0)
        return false;
    put_network(out, &network, ipv4 ? bits - 96 : bits);
    return true;
}

/* Lists become the JSON that they came from. */
static void put_list(fl_buffer *out, const flowan_column *column, size_t row)
{
    size_t at = out->size;
    put_u32(out, TAG_JSON, 0);
    fl_buffer_byte(out, '[');
    for (uint32_t k = column->offset[row]; k < column->offset[row + 1]; k++) {
        char text[FL_TEXT_ADDRESS_SIZE];
        bool addresses = column->type == FLOWAN_TYPE_LIST_ADDRESS;
        const char *name =
            addresses || column->field < 0
                ? NULL
                : fl_names_of((flowan_field)column->field, column->u64[k]);
        size_t size = addresses ? fl_text_put_address(text, &column->address[k])
                                : fl_text_put_u64(text, name ? 0 : column->u64[k]);
        if (k > column->offset[row])
            fl_buffer_byte(out, ',');
        if (addresses || name)
            fl_buffer_byte(out, '"');
        if (name)
            fl_buffer_text(out, name);
        else
            fl_buffer_append(out, text, size);
        if (addresses || name)
            fl_buffer_byte(out, '"');
    }
    fl_buffer_byte(out, ']');
    if (out->failed)
        return;
    uint32_t size = (uint32_t)(out->size - at - 5);
    memcpy(out->data + at + 1, &size, sizeof size);
}

static void put_run(fl_buffer *out, const flowan_column *column, size_t row)
{
    const char *text = column->text + column->offset[row];
    size_t size = column->offset[row + 1] - column->offset[row];
    /* A key that is null and a key that is not there are one group. */
    if (column->type == FLOWAN_TYPE_JSON && size == 4 && memcmp(text, "null", 4) == 0)
        put_null(out);
    else
        put_bytes(out, column->type == FLOWAN_TYPE_JSON ? TAG_JSON : TAG_TEXT, text,
                  size);
}

static void put_value(fl_buffer *out, const fl_key_spec *spec,
                      const flowan_column *column, size_t row)
{
    uint8_t truth;
    switch (column->type) {
    case FLOWAN_TYPE_U32: put_u64(out, TAG_INTEGER, column->u32[row]); return;
    case FLOWAN_TYPE_ENUM: put_u32(out, TAG_NAMED, column->u32[row]); return;
    case FLOWAN_TYPE_PREFIX: put_cidr(out, spec, row, column->u32[row]); return;
    case FLOWAN_TYPE_U64:
    case FLOWAN_TYPE_TIME: put_u64(out, TAG_INTEGER, column->u64[row]); return;
    case FLOWAN_TYPE_MAC: put_u64(out, TAG_MAC, column->u64[row]); return;
    case FLOWAN_TYPE_BOOL:
        truth = column->u64[row] != 0;
        put(out, TAG_BOOL, &truth, 1);
        return;
    case FLOWAN_TYPE_ADDRESS: put_address(out, spec, &column->address[row]); return;
    case FLOWAN_TYPE_TEXT:
        if (spec->field >= 0 &&
            flowan_field_info_of((flowan_field)spec->field)->type ==
                FLOWAN_TYPE_PREFIX &&
            put_text_network(out, column, row))
            return;
        put_run(out, column, row);
        return;
    case FLOWAN_TYPE_JSON: put_run(out, column, row); return;
    case FLOWAN_TYPE_LIST_U64:
    case FLOWAN_TYPE_LIST_ADDRESS: put_list(out, column, row); return;
    }
    put_null(out);
}

static void put_column(fl_buffer *out, const fl_key_spec *spec, size_t row)
{
    for (size_t i = 0; i < spec->column_count; i++) {
        const flowan_column *column = &spec->columns[i];
        if (column->present[row / 64] >> (row % 64) & 1) {
            put_value(out, spec, column, row);
            return;
        }
    }
    put_null(out);
}

static uint32_t low_port(const fl_enrich_column *column, size_t row)
{
    uint32_t port = column->there ? column->view.u32[row] : 0;
    return port < 1024 ? port : 0;
}

static void put_service(fl_buffer *out, const fl_keys *keys, size_t row)
{
    uint32_t src = low_port(&keys->src_port, row);
    uint32_t dst = low_port(&keys->dst_port, row);
    uint32_t port = src && (!dst || src < dst) ? src : dst;
    if (port)
        put_u64(out, TAG_INTEGER, port);
    else
        put_null(out);
}

static void put_time(fl_buffer *out, tag what, uint64_t ns, uint64_t width_ns)
{
    if (ns == FL_ENRICH_NO_TIME || width_ns == 0)
        put_null(out);
    else
        put_u64(out, what, ns / width_ns * width_ns);
}

/* The other end, seen from the local side; between two ends that are not local, none.
 * */
static const flowan_address *remote_end(const fl_enrich *enrich, size_t row,
                                        bool local_is_source)
{
    return fl_enrich_address(local_is_source ? &enrich->dst_addr : &enrich->src_addr,
                             row);
}

bool fl_keys_build(const fl_keys *keys, const fl_enrich *enrich, size_t i,
                   bool local_is_source, uint64_t bin, fl_buffer *out)
{
    size_t row = fl_enrich_row(enrich, i);
    if (keys->bin_ns && enrich->start_ns[i] == FL_ENRICH_NO_TIME)
        return false;
    for (size_t p = 0; p < keys->count; p++) {
        const fl_key_spec *spec = &keys->specs[p];
        switch (spec->source) {
        case FL_KEY_COLUMN: put_column(out, spec, row); break;
        case FL_KEY_BIN: put_u64(out, TAG_TIME, bin * keys->bin_ns); break;
        case FL_KEY_LOCAL_NET:
            put_u32(out, TAG_NETWORK,
                    local_is_source ? enrich->src_network[i] : enrich->dst_network[i]);
            break;
        case FL_KEY_LOCAL_IP:
            put_address(out, spec,
                        local_is_source ? fl_enrich_address(&enrich->src_addr, row)
                                        : &enrich->dst_local[i]);
            break;
        case FL_KEY_REMOTE_IP:
            put_address(out, spec, remote_end(enrich, row, local_is_source));
            break;
        case FL_KEY_REMOTE_AS:
            put_u64(out, TAG_INTEGER, enrich->remote_as[!local_is_source][i]);
            break;
        case FL_KEY_SRC_AS: put_u64(out, TAG_INTEGER, enrich->own_src_as[i]); break;
        case FL_KEY_DST_AS: put_u64(out, TAG_INTEGER, enrich->own_dst_as[i]); break;
        case FL_KEY_DIRECTION: put(out, TAG_WAY, &enrich->direction[i], 1); break;
        case FL_KEY_SERVICE: put_service(out, keys, row); break;
        case FL_KEY_HOUR: put_time(out, TAG_HOUR, enrich->start_ns[i], HOUR_NS); break;
        case FL_KEY_DAY:
            put_time(out, TAG_DAY, enrich->start_ns[i], FL_CLOCK_DAY_NS);
            break;
        }
    }
    return true;
}

/* --- bytes to parts --- */

static uint32_t get_u32(const char *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

size_t fl_keys_part_size(const char *at)
{
    switch ((tag)*at) {
    case TAG_NULL: return 1;
    case TAG_BOOL:
    case TAG_WAY: return 2;
    case TAG_NAMED:
    case TAG_NETWORK: return 5;
    case TAG_ADDRESS: return 17;
    case TAG_PREFIX:
    case TAG_CIDR: return 18;
    case TAG_TEXT:
    case TAG_JSON: return 5 + (size_t)get_u32(at + 1);
    default: return 9;
    }
}

uint32_t fl_keys_network(const char *at)
{
    return get_u32(at + 1);
}

unsigned fl_keys_direction(const char *at)
{
    return (uint8_t)at[1] % FL_DIRECTION_COUNT;
}

bool fl_keys_is_null(const char *at)
{
    return (tag)*at == TAG_NULL;
}

static void set_text(flowan_key_part *out, const char *text)
{
    out->type = FLOWAN_KEY_TEXT;
    out->text = text;
    out->text_size = strlen(text);
}

static size_t put_cidr_text(char *out, const flowan_address *address, uint64_t bits)
{
    size_t size = fl_text_put_address(out, address);
    out[size++] = '/';
    return size + fl_text_put_u64(out + size, bits);
}

/* What needs room of its own to become a text. */
static void set_scratch(flowan_key_part *out, tag what, const char *value,
                        char *scratch)
{
    uint64_t number = 0;
    out->type = FLOWAN_KEY_TEXT;
    out->text = scratch;
    memcpy(&number, value, sizeof number);
    if (what == TAG_MAC) {
        out->text_size = fl_text_put_mac(scratch, number);
        return;
    }
    out->text_size = fl_text_put_time(scratch, number);
    if (what == TAG_DAY)
        out->text_size = sizeof "2025-03-15" - 1;
}

void fl_keys_take(fl_keys *keys, const fl_enrich *enrich, size_t index, const char **at,
                  flowan_key_part *out)
{
    fl_key_spec *spec = &keys->specs[index];
    const char *value = *at + 1;
    tag what = (tag) * *at;
    const char *name;
    *at += fl_keys_part_size(*at);
    *out = (flowan_key_part){.type = FLOWAN_KEY_NULL};
    switch (what) {
    case TAG_NULL: return;
    case TAG_BOOL:
        out->type = FLOWAN_KEY_BOOL;
        out->integer = value[0] != 0;
        return;
    case TAG_INTEGER:
    case TAG_TIME:
        out->type = what == TAG_TIME ? FLOWAN_KEY_TIME : FLOWAN_KEY_INTEGER;
        memcpy(&out->integer, value, sizeof out->integer);
        return;
    case TAG_HOUR:
    case TAG_DAY:
    case TAG_MAC: set_scratch(out, what, value, spec->scratch); return;
    case TAG_CIDR:
        out->type = FLOWAN_KEY_PREFIX;
        memcpy(&out->address, value, sizeof out->address);
        out->prefix_bits = (uint8_t)value[16];
        return;
    case TAG_NAMED:
        name = fl_names_of((flowan_field)spec->field, get_u32(value));
        if (name) {
            set_text(out, name);
        } else {
            out->type = FLOWAN_KEY_INTEGER;
            out->integer = get_u32(value);
        }
        return;
    case TAG_NETWORK:
        name = flowan_networks_name(enrich->rules.networks, get_u32(value));
        set_text(out, name ? name : "");
        return;
    case TAG_WAY: set_text(out, fl_enrich_direction_name((uint8_t)value[0])); return;
    case TAG_ADDRESS:
    case TAG_PREFIX:
        out->type = what == TAG_PREFIX ? FLOWAN_KEY_PREFIX : FLOWAN_KEY_ADDRESS;
        memcpy(&out->address, value, sizeof out->address);
        out->prefix_bits = what == TAG_PREFIX ? (uint8_t)value[16] : 0;
        return;
    case TAG_TEXT:
    case TAG_JSON:
        out->type = what == TAG_TEXT ? FLOWAN_KEY_TEXT : FLOWAN_KEY_JSON;
        out->text = value + 4;
        out->text_size = get_u32(value);
        return;
    }
}

static int compare_texts(const flowan_key_part *a, const flowan_key_part *b)
{
    size_t size = a->text_size < b->text_size ? a->text_size : b->text_size;
    int order = size ? memcmp(a->text, b->text, size) : 0;
    if (order)
        return order;
    return a->text_size < b->text_size ? -1 : a->text_size > b->text_size;
}

static int compare_parts(const flowan_key_part *a, const flowan_key_part *b)
{
    if (a->type != b->type)
        return a->type < b->type ? -1 : 1;
    int order;
    switch (a->type) {
    case FLOWAN_KEY_NULL: return 0;
    case FLOWAN_KEY_BOOL:
    case FLOWAN_KEY_INTEGER:
    case FLOWAN_KEY_TIME: return a->integer < b->integer ? -1 : a->integer > b->integer;
    case FLOWAN_KEY_TEXT:
    case FLOWAN_KEY_JSON: return compare_texts(a, b);
    case FLOWAN_KEY_ADDRESS:
    case FLOWAN_KEY_PREFIX:
        order = memcmp(a->address.octet, b->address.octet, sizeof a->address.octet);
        if (order)
            return order;
        return a->prefix_bits < b->prefix_bits ? -1 : a->prefix_bits > b->prefix_bits;
    }
    return 0;
}

int fl_keys_compare(fl_keys *keys, const fl_enrich *enrich, size_t first, size_t count,
                    const char *a, const char *b)
{
    for (size_t i = first; i < first + count; i++) {
        flowan_key_part left;
        flowan_key_part right;
        char scratch[FL_KEY_SCRATCH_SIZE];
        fl_keys_take(keys, enrich, i, &a, &left);
        if (left.text == keys->specs[i].scratch) {
            memcpy(scratch, left.text, left.text_size);
            left.text = scratch;
        }
        fl_keys_take(keys, enrich, i, &b, &right);
        int order = compare_parts(&left, &right);
        if (order)
            return order;
    }
    return 0;
}

void fl_keys_put_text(fl_buffer *out, const flowan_key_part *part)
{
    char text[FL_KEY_SCRATCH_SIZE];
    switch (part->type) {
    case FLOWAN_KEY_NULL: return;
    case FLOWAN_KEY_BOOL: fl_buffer_text(out, part->integer ? "true" : "false"); return;
    case FLOWAN_KEY_INTEGER:
        fl_buffer_append(out, text, fl_text_put_u64(text, part->integer));
        return;
    case FLOWAN_KEY_TIME:
        fl_buffer_append(out, text, fl_text_put_time(text, part->integer));
        return;
    case FLOWAN_KEY_TEXT:
    case FLOWAN_KEY_JSON: fl_buffer_append(out, part->text, part->text_size); return;
    case FLOWAN_KEY_ADDRESS:
        fl_buffer_append(out, text, fl_text_put_address(text, &part->address));
        return;
    case FLOWAN_KEY_PREFIX:
        fl_buffer_append(out, text,
                         put_cidr_text(text, &part->address, part->prefix_bits));
        return;
    }
}
