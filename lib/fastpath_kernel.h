/* Layer 2: the walk over one record after another, as a template: each of the two
 * kernels defines what it does its own way, then includes this.
 *
 *   COMMON(p, text)        bytes that p and text have in common, up to FL_FAST_TEXT
 *   STRING_STOP(p, end)    the first '"', '\' or control character from p on; NULL when
 *                          none stands before `end`, which is padded
 *   IPV4(text, out)        as fl_swar_ipv4
 *
 * A walk never writes before it knows that the whole record fits: values gather in the
 * nodes on the way, and the leaf carries them to the columns. */

#include "swar.h"

/* The bytes of a quoted name and its number; NULL when the name is not of that kind. Most
 * are short and were met before. */
static inline const char *read_name(fl_fastpath *fast, const fl_fast_node *node,
                                    const char *text, const char *end, uint64_t *number)
{
    const char *stop = STRING_STOP(text, end);
    if (!stop || *stop != '"') {
        fast->cut = !stop;
        return NULL;
    }
    size_t size = (size_t)(stop - text);
    uint64_t first = fl_swar_load(text);
    if (size < 8)
        first &= (UINT64_C(1) << 8 * size) - 1;
    const fl_fast_name *known = &fast->names[fl_fast_name_slot(first, size)];
    if (known->first == first && known->size == size && known->field == node->field &&
        known->old == node->old &&
        (size <= 8 || memcmp(known->rest, text + 8, size - 8) == 0)) {
        *number = known->number;
        return stop;
    }
    return fl_fastpath_find_name(fast, node, text, size, number) ? stop : NULL;
}

/* "2025-03-15T00:04:07.31662659": the second is mostly the one before. */
static inline const char *read_time(fl_fastpath *fast, const char *text,
                                    const char *end, uint64_t *ns)
{
    if (fl_swar_load(text) == fl_swar_load(fast->second) &&
        fl_swar_load(text + 8) == fl_swar_load(fast->second + 8) &&
        fl_swar_load(text + 11) == fl_swar_load(fast->second + 11)) {
        const char *at = text + 19;
        uint64_t fraction = 0;
        if (*at == '.') {
            unsigned count = fl_swar_digits(++at, &fraction);
            at += count;
            if (count == 8 && (unsigned char)(*at - '0') < 10) {
                fraction = fraction * 10 + (uint64_t)(*at++ - '0');
                count++;
            }
            if (count == 0 || at[-1] == '0')
                return NULL;
            fraction *= fl_swar_ten_to[9 - count];
        }
        if (at[0] != 'Z' || at[1] != '"')
            return NULL;
        *ns = fast->second_ns + fraction;
        return at + 1;
    }
    const char *stop = STRING_STOP(text, end);
    fast->cut = !stop;
    size_t size = stop ? fl_fastpath_time(fast, text, (size_t)(stop - text), ns) : 0;
    return size ? text + size : NULL;
}

/* The length of a prefix behind its address. */
static inline const char *read_length(const char *at, unsigned bits, fl_fast_node *node)
{
    if (*at != '/')
        return NULL;
    unsigned size = fl_swar_number(at + 1, bits, &node->number);
    return size ? at + 1 + size : NULL;
}

/* The items up to the ']'. */
static inline const char *read_numbers(fl_fastpath *fast, fl_fast_node *node,
                                       const char *at, const char *limit)
{
    uint64_t *items = fast->numbers + fast->numbers_used;
    size_t room = FL_FAST_NUMBERS - fast->numbers_used;
    size_t count = 0;
    while (*at != ']') {
        if (count > 0 && *at++ != ',')
            return NULL;
        fast->cut = at > limit;
        if (at > limit || count == room)
            return NULL;
        unsigned size = fl_swar_number(at, UINT64_MAX, &items[count]);
        if (size == 0)
            return NULL;
        at += size;
        count++;
    }
    node->items = items;
    node->count = count;
    fast->numbers_used += count;
    return at;
}

static inline const char *read_names(fl_fastpath *fast, fl_fast_node *node,
                                     const char *at, const char *limit)
{
    uint64_t *items = fast->numbers + fast->numbers_used;
    size_t room = FL_FAST_NUMBERS - fast->numbers_used;
    size_t count = 0;
    do {
        if (count > 0 && *at++ != ',')
            return NULL;
        fast->cut = at > limit;
        if (at > limit || count == room || *at != '"')
            return NULL;
        at = read_name(fast, node, at + 1, limit + FL_FASTPATH_PADDING, &items[count]);
        if (!at)
            return NULL;
        at++;
        count++;
    } while (*at != ']');
    node->items = items;
    node->count = count;
    fast->numbers_used += count;
    return at;
}

static inline const char *read_addresses(fl_fastpath *fast, fl_fast_node *node,
                                         const char *at, const char *limit)
{
    flowan_address *items = fast->addresses + fast->addresses_used;
    size_t room = FL_FAST_ADDRESSES - fast->addresses_used;
    size_t count = 0;
    while (*at != ']') {
        if (count > 0 && *at++ != ',')
            return NULL;
        fast->cut = at > limit;
        if (at > limit || count == room || *at++ != '"')
            return NULL;
        unsigned size = IPV4(at, &items[count]);
        if (size == 0)
            size = fl_swar_ipv6(at, &items[count]);
        if (size == 0 || at[size] != '"')
            return NULL;
        at += size + 1;
        count++;
    }
    node->items = items;
    node->count = count;
    fast->addresses_used += count;
    return at;
}

/* Reads the value at `at` into the node. Returns its end, or NULL when it is not spelled
 * as the node's values are. Reads less than the padding behind `limit`, or up to `end`. */
static inline const char *read_value(fl_fastpath *fast, fl_fast_node *node,
                                     const char *at, const char *limit)
{
    const char *end = limit + FL_FASTPATH_PADDING;
    unsigned size = 0;
    switch ((fl_fast_op)node->op) {
    case FL_FAST_END:
    case FL_FAST_CONSTANT: return at;
    case FL_FAST_NUMBER: size = fl_swar_number(at, node->max, &node->number); break;
    case FL_FAST_BOOL:
        node->number = *at == 't';
        size = memcmp(at, "true", 4) == 0 ? 4 : memcmp(at, "false", 5) == 0 ? 5 : 0;
        break;
    case FL_FAST_RFC3339: return read_time(fast, at, end, &node->number);
    case FL_FAST_IPV4: size = IPV4(at, &node->address); break;
    case FL_FAST_IPV6: size = fl_swar_ipv6(at, &node->address); break;
    case FL_FAST_HEX4: {
        static const unsigned char head[12] = {0, 0, 0, 0, 0,    0,
                                               0, 0, 0, 0, 0xff, 0xff};
        memcpy(node->address.octet, head, sizeof head);
        size = fl_swar_hex8(at, node->address.octet + 12) ? 8 : 0;
        break;
    }
    case FL_FAST_HEX16:
        size = 32;
        for (unsigned i = 0; i < 4; i++)
            if (!fl_swar_hex8(at + 8 * i, node->address.octet + 4 * i))
                size = 0;
        break;
    case FL_FAST_MAC: size = fl_swar_mac(at, &node->number) ? 17 : 0; break;
    case FL_FAST_NAME: return read_name(fast, node, at, end, &node->number);
    case FL_FAST_CIDR4:
        size = IPV4(at, &node->address);
        return size ? read_length(at + size, 32, node) : NULL;
    case FL_FAST_CIDR6:
        size = fl_swar_ipv6(at, &node->address);
        return size ? read_length(at + size, 128, node) : NULL;
    case FL_FAST_STRING:
    case FL_FAST_NO_NAME: {
        const char *stop = STRING_STOP(at, end);
        fast->cut = !stop;
        if (!stop || *stop != '"')
            return NULL;
        node->items = at;
        node->count = (size_t)(stop - at);
        if (node->op == FL_FAST_NO_NAME && fl_fastpath_is_name(node, at, node->count))
            return NULL;
        return stop;
    }
    case FL_FAST_LIST_NUMBER: return read_numbers(fast, node, at, limit);
    case FL_FAST_LIST_NAME: return read_names(fast, node, at, limit);
    case FL_FAST_LIST_ADDRESS: return read_addresses(fast, node, at, limit);
    }
    return size ? at + size : NULL;
}

/* The memo of a node pays while its value changes less than once in eight records (a
 * missed guess costs more than a conversion); a node without one tries again later, since
 * traffic changes. */
static inline void remember(fl_fastpath *fast, fl_fast_node *node, const char *p,
                            const char *end)
{
    enum { GAP_MIN = 8 * 8, GAP_MAX = 64, RETRY = 4096 };
    uint32_t gap = fast->records - node->missed;
    if (node->memo_size == FL_FAST_NO_MEMO) {
        if (gap < RETRY && node->gap < GAP_MIN)
            return;
        node->gap = GAP_MIN + GAP_MIN / 4;
    } else {
        node->gap += (gap < GAP_MAX ? gap : GAP_MAX) - node->gap / 8;
    }
    node->missed = fast->records;
    size_t size = (size_t)(end - p) + 1;
    /* items of a list do not outlive their record, but none need not */
    bool keeps = node->type < FLOWAN_TYPE_LIST_U64 || node->count == 0;
    if (node->gap < GAP_MIN || size > FL_FAST_TEXT || !keeps) {
        node->memo_size = FL_FAST_NO_MEMO;
        return;
    }
    memcpy(node->text, p, FL_FAST_TEXT);
    node->memo_size = (uint8_t)size;
}

/* Nearly all prefixes are 0.0.0.0/0 or ::/0: the exporter gave no mask. */
static inline bool fits(const fl_fast_prefix *prefix)
{
    const fl_fast_node *node = prefix->node;
    if (node->number == 0 && prefix->same_family) {
        uint64_t high;
        uint64_t low;
        memcpy(&high, node->address.octet, 8);
        memcpy(&low, node->address.octet + 8, 8);
        if (node->op == FL_FAST_CIDR6)
            return (high | low) == 0;
        return fl_swar_load4((const char *)node->address.octet + 12) == 0;
    }
    return fl_fastpath_fits(prefix);
}

static inline void carry(const fl_fast_leaf *leaf, size_t row)
{
    const fl_fast_cell *cell = leaf->cells;
    size_t i = 0;
    for (; i < leaf->end4; i++)
        ((uint32_t *)cell[i].column->cells)[row] = (uint32_t)cell[i].node->number;
    for (; i < leaf->end8; i++)
        ((uint64_t *)cell[i].column->cells)[row] = cell[i].node->number;
    for (; i < leaf->end16; i++)
        ((flowan_address *)cell[i].column->cells)[row] = cell[i].node->address;
}

/* A run may need more memory, so all are looked at before any is written. */
static inline bool carry_runs(flowan_batch *batch, const fl_fast_leaf *leaf, size_t row)
{
    for (size_t i = leaf->end16; i < leaf->end_runs; i++) {
        fl_column *column = leaf->cells[i].column;
        size_t count = leaf->cells[i].node->count;
        if ((column->items_count + count > column->items_room || !column->items) &&
            !fl_column_reserve_items(batch, column, count))
            return false;
    }
    for (size_t i = leaf->end16; i < leaf->end_runs; i++) {
        fl_column *column = leaf->cells[i].column;
        const fl_fast_node *node = leaf->cells[i].node;
        size_t width = fl_type_width(column->type);
        if (column->filled != row)
            fl_column_fill_offsets(column, row);
        else
            column->offset[row] = (uint32_t)column->items_count;
        if (node->count)
            memcpy((char *)column->items + column->items_count * width, node->items,
                   node->count * width);
        column->items_count += node->count;
        column->offset[row + 1] = (uint32_t)column->items_count;
        column->filled = row + 1;
    }
    return true;
}

static inline fl_fastpath_stop run(fl_fastpath *fast, const char *data, size_t size,
                                   uint64_t offset, size_t *used)
{
    flowan_batch *batch = fast->batch;
    const char *limit = data + size - FL_FASTPATH_PADDING; /* a node may begin here */
    const char *start = data;
    fl_fastpath_stop stop = FL_FASTPATH_STRANGE;
    size_t stop_row = 0; /* where the batch has no room, or perhaps no room */
    *used = 0;
    if (!fast->root.child || size < FL_FASTPATH_PADDING)
        return fast->root.child ? FL_FASTPATH_SHORT : FL_FASTPATH_STRANGE;
    for (;;) {
        const char *p = start;
        fl_fast_node *parent = &fast->root;
        fl_fast_node *node = parent->child;
        fl_fast_node *before = NULL;
        fast->numbers_used = fast->addresses_used = 0;
        fast->cut = false;
        for (;;) {
            if (p > limit) {
                stop = FL_FASTPATH_SHORT;
                goto out;
            }
            unsigned same = COMMON(p, node->text);
            if (same >= node->memo_size) {
                node->items = p + node->literal_size;
                p += node->memo_size - 1;
            } else {
                const char *end = NULL;
                if (same >= node->literal_size) {
                    end = read_value(fast, node, p + node->literal_size, limit);
                    if (!end) /* the attempt may have spoilt the last value */
                        node->memo_size = FL_FAST_NO_MEMO;
                }
                if (!end) {
                    before = node;
                    node = node->next;
                    if (node)
                        continue;
                    if (fast->cut)
                        stop = FL_FASTPATH_SHORT;
                    goto out;
                }
                if (node->op > FL_FAST_CONSTANT)
                    remember(fast, node, p, end);
                p = end;
            }
            if (before) { /* first next time */
                before->next = node->next;
                node->next = parent->child;
                parent->child = node;
                before = NULL;
            }
            if (node->op == FL_FAST_END)
                break;
            parent = node;
            node = node->child;
            if (!node) /* learning it was given up half-way */
                goto out;
        }
        fl_fast_leaf *leaf = node->leaf;
        if (!leaf)
            goto out;
        size_t row = batch->rows;
        if (leaf->round != fast->round || row >= stop_row ||
            batch->memory > batch->memory_limit) {
            if (!fl_fastpath_bind(fast, leaf, &stop))
                goto out;
            stop_row = fl_batch_room(batch);
            if (stop_row > batch->capacity)
                stop_row = batch->capacity;
        }
        for (size_t i = 0; i < leaf->prefix_count; i++)
            if (!fits(&leaf->prefixes[i]))
                goto out;
        if ((size_t)(p - start) > fast->record_limit)
            goto out;
        if (!carry_runs(batch, leaf, row)) {
            stop = FL_FASTPATH_MEMORY;
            goto out;
        }
        carry(leaf, row);
        batch->shape_of_row[row] = leaf->shape;
        batch->offset_of_row[row] = offset + (uint64_t)(start - data);
        batch->size_of_row[row] = (uint32_t)(p - start);
        batch->rows = row + 1;
        fast->records++;
        start = p + (*p == '\n');
    }
out:
    *used = (size_t)(start - data);
    return stop;
}
