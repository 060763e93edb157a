/* What the fast path learns, and the slow parts of what it does: the kernels own the walk
 * over the bytes. */
#include "fastpath_trie.h"

#include <string.h>

#include "bytes.h"
#include "names.h"
#include "record.h"
#include "text.h"

/* Bounds for logs of ever new shapes. Beyond them a record takes the general way; when
 * that was refused often enough the traffic must have changed, and all is learnt anew. */
enum {
    NODES_MAX = 32768,
    SIBLINGS_MAX = 64,
    REFUSED_MAX = 4096,
    SLAB_NODES = 256,
    LINE = 64, /* a node's text must not straddle cache lines */
    NODE_STRIDE = (sizeof(fl_fast_node) + LINE - 1) / LINE * LINE,
};

fl_fastpath *fl_fastpath_new(bool portable, size_t record_limit)
{
    fl_fastpath *fast = fl_memory_zalloc(1, sizeof *fast);
    if (!fast)
        return NULL;
    fast->run = fl_fastpath_run_portable;
#ifdef __x86_64__
    if (!portable && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
        __builtin_cpu_supports("bmi2")) {
        fast->run = fl_fastpath_run_avx2;
        fl_fastpath_prepare_avx2(fast);
    }
#else
    (void)portable;
#endif
    fast->record_limit = record_limit;
    for (size_t i = 0; i < FL_FAST_NAMES; i++)
        fast->names[i].field = -1;
    return fast;
}

/* Keeps the slabs. */
static void forget(fl_fastpath *fast)
{
    while (fast->leaves) {
        fl_fast_leaf *next = fast->leaves->next;
        fl_memory_free(fast->leaves);
        fast->leaves = next;
    }
    fast->root.child = NULL;
    fast->ambiguous = false;
    fast->nodes_used = 0;
    fast->refused = 0;
}

void fl_fastpath_free(fl_fastpath *fast)
{
    if (!fast)
        return;
    forget(fast);
    for (size_t i = 0; i < fast->slab_count; i++)
        fl_memory_free(fast->slabs[i]);
    fl_memory_free(fast->slabs);
    fl_memory_free(fast);
}

void fl_fastpath_begin(fl_fastpath *fast, flowan_batch *batch)
{
    fast->batch = batch;
    fast->round++;
}

fl_fastpath_stop fl_fastpath_run(fl_fastpath *fast, const char *data, size_t size,
                                 uint64_t offset, size_t *used)
{
    return fast->run(fast, data, size, offset, used);
}

/* --- what the kernels leave to us --- */

bool fl_fastpath_bind(fl_fastpath *fast, fl_fast_leaf *leaf, fl_fastpath_stop *stop)
{
    flowan_batch *batch = fast->batch;
    flowan_status status = fl_batch_admit(batch, leaf->values, leaf->count,
                                          batch->scratch_columns, &leaf->shape);
    if (status != FLOWAN_OK) {
        *stop = status == FLOWAN_FULL ? FL_FASTPATH_FULL : FL_FASTPATH_MEMORY;
        return false;
    }
    /* Columns that grew have moved: what was bound before must be bound again. */
    if (batch->memory != fast->memory) {
        fast->memory = batch->memory;
        fast->round++;
    }
    for (size_t i = 0; i < leaf->count; i++)
        if (leaf->cell_of[i] != UINT32_MAX) {
            fl_fast_cell *cell = &leaf->cells[leaf->cell_of[i]];
            cell->column = batch->scratch_columns[i];
            cell->cells = cell->column->cells;
        }
    leaf->round = fast->round;
    return true;
}

bool fl_fastpath_find_name(fl_fastpath *fast, const fl_fast_node *node,
                           const char *text, size_t size, uint64_t *number)
{
    bool old = false;
    if (!fl_names_find((flowan_field)node->field, text, size, number, &old))
        return false;
    fl_fast_name name = {.size = (uint8_t)size,
                         .old = old,
                         .field = (int16_t)node->field,
                         .number = (uint32_t)*number};
    if (size <= sizeof name.first + sizeof name.rest) {
        unsigned char first[8] = {0};
        memcpy(first, text, size < 8 ? size : 8);
        name.first = fl_bytes_load(first, 8);
        if (size > 8)
            memcpy(name.rest, text + 8, size - 8);
        fast->names[fl_fast_name_slot(name.first, size)] = name;
    }
    return old == node->old;
}

bool fl_fastpath_is_name(const fl_fast_node *node, const char *text, size_t size)
{
    uint64_t number;
    return size == 0 || fl_text_get_u64(text, size, UINT32_MAX, &number) ||
           fl_names_find((flowan_field)node->field, text, size, &number, NULL);
}

size_t fl_fastpath_time(fl_fastpath *fast, const char *text, size_t size, uint64_t *ns)
{
    char spelt[FL_TEXT_TIME_SIZE];
    if (!fl_text_get_time(text, size, ns) || fl_text_put_time(spelt, *ns) != size ||
        memcmp(spelt, text, size) != 0)
        return 0;
    /* A second whose end is beyond what 63 bits hold has times that are none. */
    uint64_t fraction = *ns % 1000000000;
    if (*ns - fraction <= INT64_MAX - UINT64_C(1000000000)) {
        fl_fast_second *second = &fast->seconds[fl_fast_second_slot(text)];
        second->ns = *ns - fraction;
        memcpy(second->text, text, 19);
    }
    return size;
}

bool fl_fastpath_fits(const fl_fast_prefix *prefix)
{
    return fl_record_prefix_fits(&prefix->own->address, &prefix->node->address,
                                 (unsigned)prefix->node->number, prefix->node->kind);
}

/* --- learning --- */

/* What stands around a value of a kind. */
typedef struct fence {
    const char *open;
    const char *close;
} fence;

static fence fence_of(fl_kind kind)
{
    switch (kind) {
    case FL_KIND_EMPTY: return (fence){"\"\"", ""};
    case FL_KIND_NULL: return (fence){"null", ""};
    case FL_KIND_INVALID_PREFIX: return (fence){"\"invalid Prefix\"", ""};
    case FL_KIND_EMPTY_LIST: return (fence){"[]", ""};
    case FL_KIND_INT:
    case FL_KIND_SECONDS:
    case FL_KIND_MILLISECONDS:
    case FL_KIND_BOOL: return (fence){"", ""};
    case FL_KIND_OCTETS4:
    case FL_KIND_OCTETS16:
    case FL_KIND_LIST_OCTETS4:
    case FL_KIND_LIST_OCTETS16:
    case FL_KIND_LIST_INT:
    case FL_KIND_LIST_NAME:
    case FL_KIND_LIST_ADDRESS: return (fence){"[", "]"};
    default: return (fence){"\"", "\""};
    }
}

/* A key that lost its field because its value is 0 would not with another. */
static uint64_t max_of(const fl_value *value)
{
    return value->lost ? 0 : fl_record_number_max(value->type);
}

/* The op that reads what the general way would give the same type and kind, and nothing
 * else; END when there is none. */
static fl_fast_op op_of(const fl_value *value)
{
    int field = value->field;
    flowan_type own =
        field >= 0 ? flowan_field_info_of((flowan_field)field)->type : value->type;
    switch (value->kind) {
    case FL_KIND_EMPTY:
    case FL_KIND_NULL:
    case FL_KIND_EMPTY_LIST:
    case FL_KIND_INVALID_PREFIX: return FL_FAST_CONSTANT;
    case FL_KIND_INT:
    case FL_KIND_INT_STRING:
        return max_of(value) < UINT32_MAX ? FL_FAST_BOUNDED : FL_FAST_NUMBER;
    case FL_KIND_SECONDS:
    case FL_KIND_MILLISECONDS:
        return value->contested ? FL_FAST_SCALED_NOT_0 : FL_FAST_SCALED;
    case FL_KIND_OCTETS4:
    case FL_KIND_OCTETS16: return FL_FAST_OCTETS;
    case FL_KIND_BOOL: return FL_FAST_BOOL;
    case FL_KIND_RFC3339: return FL_FAST_RFC3339;
    case FL_KIND_IPV4: return FL_FAST_IPV4;
    case FL_KIND_IPV6: return FL_FAST_IPV6;
    case FL_KIND_HEX4: return FL_FAST_HEX4;
    case FL_KIND_HEX16: return FL_FAST_HEX16;
    case FL_KIND_MAC: return FL_FAST_MAC;
    case FL_KIND_NAME:
    case FL_KIND_NAME_OLD: return FL_FAST_NAME;
    case FL_KIND_CIDR4: return FL_FAST_CIDR4;
    case FL_KIND_CIDR6: return FL_FAST_CIDR6;
    case FL_KIND_STRING:
        /* a text that stands for a prefix would have to be no prefix */
        return own == FLOWAN_TYPE_TEXT   ? FL_FAST_STRING
               : own == FLOWAN_TYPE_ENUM ? FL_FAST_NO_NAME
                                         : FL_FAST_END;
    case FL_KIND_LIST_INT: return FL_FAST_LIST_NUMBER;
    case FL_KIND_LIST_NAME: return FL_FAST_LIST_NAME;
    case FL_KIND_LIST_ADDRESS: return FL_FAST_LIST_ADDRESS;
    case FL_KIND_LIST_OCTETS4:
    case FL_KIND_LIST_OCTETS16: return FL_FAST_LIST_OCTETS;
    default: return FL_FAST_END;
    }
}

/* Writes the literal before value `index`, or behind the last one; 0 when it does not
 * fit. */
static size_t put_literal(char out[FL_FAST_TEXT], const fl_value *values, size_t count,
                          size_t index)
{
    const char *close = index > 0 ? fence_of(values[index - 1].kind).close : "";
    size_t size = strlen(close);
    memcpy(out, close, size);
    if (index == count) {
        out[size] = '}';
        return size + 1;
    }
    const fl_value *value = &values[index];
    const char *open = fence_of(value->kind).open;
    if (size + 4 + value->key_size + strlen(open) > FL_FAST_TEXT)
        return 0;
    out[size++] = index > 0 ? ',' : '{';
    out[size++] = '"';
    memcpy(out + size, value->key, value->key_size);
    size += value->key_size;
    out[size++] = '"';
    out[size++] = ':';
    memcpy(out + size, open, strlen(open));
    return size + strlen(open);
}

static fl_fast_node *new_node(fl_fastpath *fast)
{
    if (fast->nodes_used == NODES_MAX)
        return NULL;
    if (fast->nodes_used == fast->slab_count * SLAB_NODES) {
        if (!fl_memory_grow((void **)&fast->slabs, &fast->slabs_room,
                            fast->slab_count + 1, sizeof(void *)))
            return NULL;
        void *slab = fl_memory_alloc(SLAB_NODES * NODE_STRIDE + LINE, 1);
        if (!slab)
            return NULL;
        fast->slabs[fast->slab_count++] = slab;
    }
    uintptr_t at = (uintptr_t)fast->slabs[fast->nodes_used / SLAB_NODES];
    at = (at + LINE - 1) / LINE * LINE + fast->nodes_used % SLAB_NODES * NODE_STRIDE;
    fl_fast_node *node = (fl_fast_node *)at;
    fast->nodes_used++;
    memset(node, 0, sizeof *node);
    return node;
}

static bool is_number(const fl_fast_node *node)
{
    return node->op >= FL_FAST_NUMBER && node->op <= FL_FAST_SCALED_NOT_0;
}

/* The child of `parent` for one more member, new where there was none; NULL when there is
 * no room. */
static fl_fast_node *grow(fl_fastpath *fast, fl_fast_node *parent,
                          const fl_fast_node *like)
{
    size_t siblings = 0;
    bool ambiguous = false;
    for (fl_fast_node *node = parent->child; node; node = node->next) {
        if (node->literal_size == like->literal_size &&
            memcmp(node->text, like->text, like->literal_size) == 0)
            ambiguous |= is_number(node) && is_number(like);
        if (node->literal_size == like->literal_size && node->op == like->op &&
            node->field == like->field && node->type == like->type &&
            node->kind == like->kind && node->max == like->max &&
            memcmp(node->text, like->text, like->literal_size) == 0)
            return node;
        siblings++;
    }
    fl_fast_node *node = siblings < SIBLINGS_MAX ? new_node(fast) : NULL;
    if (!node)
        return NULL;
    fast->ambiguous |= ambiguous;
    *node = *like;
    node->parent = parent;
    node->next = parent->child;
    parent->child = node;
    return node;
}

static fl_fast_node describe(const fl_fastpath *fast, const fl_value *value)
{
    fl_fast_node like = {.memo_size = FL_FAST_HOPEFUL,
                         .op = (uint8_t)op_of(value),
                         .old = value->kind == FL_KIND_NAME_OLD,
                         .missed = fast->records,
                         .max = max_of(value),
                         .field = value->field,
                         .type = value->type,
                         .kind = value->kind};
    return like;
}

static bool is_cidr(const fl_value *value)
{
    return value->kind == FL_KIND_CIDR4 || value->kind == FL_KIND_CIDR6;
}

static bool can_learn(const fl_value *values, size_t count)
{
    size_t prefixes = 0;
    size_t keys = 0;
    for (size_t i = 0; i < count; i++)
        keys += values[i].key_size;
    /* 24: a literal without its key, "invalid Prefix" being the longest */
    if (keys + count * (24 + FL_FAST_TEXT) > FL_FAST_SPAN)
        return false;
    for (size_t i = 0; i < count; i++) {
        bool zero = values[i].kind == FL_KIND_INT && values[i].number == 0;
        if (op_of(&values[i]) == FL_FAST_END || (values[i].lost && !zero))
            return false;
        if (is_cidr(&values[i]) &&
            (++prefixes > 2 || !fl_record_own_address(values, count, values[i].field)))
            return false;
    }
    return count > 0;
}

/* Cells of a group of one width, appended. */
static size_t put_cells(fl_fast_leaf *leaf, fl_fast_node *const *path, size_t at,
                        size_t width)
{
    for (size_t i = 0; i < leaf->count; i++) {
        const fl_value *value = &leaf->values[i];
        size_t own = fl_type_is_run(value->type) ? 0 : fl_type_width(value->type);
        if (!fl_kind_has_value(value->kind) || own != width)
            continue;
        leaf->cell_of[i] = (uint32_t)at;
        const void *cell = width == sizeof(flowan_address)
                               ? (const void *)&path[i]->address
                               : (const void *)&path[i]->number;
        leaf->cells[at++] = (fl_fast_cell){
            .value = cell, .node = path[i], .width = fl_type_width(value->type)};
    }
    return at;
}

static void put_prefixes(fl_fast_leaf *leaf, fl_fast_node *const *path)
{
    for (size_t i = 0; i < leaf->count; i++) {
        if (!is_cidr(&leaf->values[i]))
            continue;
        const fl_value *address =
            fl_record_own_address(leaf->values, leaf->count, leaf->values[i].field);
        size_t own = (size_t)(address - leaf->values);
        fl_kind kind = address->kind;
        bool ipv4 = leaf->values[i].kind == FL_KIND_CIDR4;
        leaf->prefixes[leaf->prefix_count++] =
            (fl_fast_prefix){path[i], path[own],
                             kind == (ipv4 ? FL_KIND_IPV4 : FL_KIND_IPV6) ||
                                 (ipv4 && kind == FL_KIND_HEX4)};
    }
}

/* In one piece of memory, the keys with it. */
static fl_fast_leaf *new_leaf(const fl_value *values, size_t count,
                              fl_fast_node *const *path)
{
    size_t keys = 0;
    for (size_t i = 0; i < count; i++)
        keys += values[i].key_size;
    fl_fast_leaf *leaf = fl_memory_zalloc(
        1, sizeof *leaf +
               count * (sizeof(fl_value) + sizeof(fl_fast_cell) + sizeof(uint32_t)) +
               keys);
    if (!leaf)
        return NULL;
    leaf->values = (fl_value *)(void *)(leaf + 1);
    leaf->cells = (fl_fast_cell *)(void *)(leaf->values + count);
    leaf->cell_of = (uint32_t *)(void *)(leaf->cells + count);
    char *key = (char *)(leaf->cell_of + count);
    leaf->count = count;
    for (size_t i = 0; i < count; i++) {
        leaf->values[i] = (fl_value){.key = key,
                                     .key_size = values[i].key_size,
                                     .spelt = values[i].spelt,
                                     .field = values[i].field,
                                     .type = values[i].type,
                                     .kind = values[i].kind};
        memcpy(key, values[i].key, values[i].key_size);
        key += values[i].key_size;
        leaf->cell_of[i] = UINT32_MAX;
    }
    leaf->end4 = put_cells(leaf, path, 0, 4);
    leaf->end8 = put_cells(leaf, path, leaf->end4, 8);
    leaf->end16 = put_cells(leaf, path, leaf->end8, 16);
    leaf->end_runs = put_cells(leaf, path, leaf->end16, 0);
    put_prefixes(leaf, path);
    return leaf;
}

void fl_fastpath_learn(fl_fastpath *fast, const fl_value *values, size_t count)
{
    if (!can_learn(values, count))
        return;
    if (fast->refused > REFUSED_MAX)
        forget(fast);
    fl_fast_node *path[FL_RECORD_FIELDS_MAX] = {NULL};
    fl_fast_node *node = &fast->root;
    for (size_t i = 0; i <= count; i++) {
        fl_fast_node like = {.memo_size = FL_FAST_NO_MEMO, .op = FL_FAST_END};
        if (i < count)
            like = describe(fast, &values[i]);
        size_t size = put_literal(like.text, values, count, i);
        like.literal_size = like.reach = (uint8_t)size;
        node = size ? grow(fast, node, &like) : NULL;
        if (!node) {
            fast->refused++;
            return;
        }
        if (i < count)
            path[i] = node;
    }
    if (node->leaf)
        return;
    node->leaf = new_leaf(values, count, path);
    if (node->leaf) {
        node->leaf->next = fast->leaves;
        fast->leaves = node->leaf;
    }
}
