/* Layer 2: the walk over one record after another, as a template: each of the two
 * kernels defines what it does its own way, then includes this, and the readers with it.
 *
 *   COMMON(p, node)        bytes that p and the node's text have in common; enough to tell
 *                          whether they are node->reach
 *   STRING_STOP(p, end)    the first '"', '\' or control character from p on; NULL when
 *                          none stands before `end`, which is padded
 *   SAME(a, b, size)       whether they are equal; size is FL_FAST_TEXT at least
 *   IPV4(fast, text, out)  as fl_swar_ipv4
 *   IPV6(text, out)        as fl_swar_ipv6
 *   LONG_NUMBER(text, out) as fl_swar_long_number
 *
 * A walk never writes before it knows that the whole record fits: values gather in the
 * nodes on the way, and the leaf carries them to the columns. */

#include "fastpath_readers.h"

enum {
    AHEAD = 2048,     /* bytes; how far ahead the input is asked for */
    RETRY = 4096,     /* records until memos are tried again */
    SEARCH_MAX = 4096 /* nodes looked at for one record */
};

static inline void drop_memo(fl_fast_node *node, unsigned why)
{
    /* what no record has: else it would be a matter of chance, and of a branch that cannot
     * be foreseen, how far beyond the literal the texts are equal */
    if (node->literal_size < FL_FAST_TEXT)
        node->text[node->literal_size] = '\n';
    node->memo_size = (uint8_t)why;
    node->reach = node->literal_size;
}

/* A value that was not the node's kind may have spoilt what the memo stands for. */
static inline void spoil(fl_fast_node *node)
{
    if (node->memo_size <= FL_FAST_TEXT)
        drop_memo(node, FL_FAST_HOPEFUL);
}

/* To be called when the value of a node with a memo had to be converted. A memo pays while
 * its value changes less than once in eight records, since a missed guess costs more than
 * a conversion; a node without one gets another chance later, since traffic changes. */
static __attribute__((noinline)) void remember(const fl_fastpath *fast,
                                               fl_fast_node *node, const char *p,
                                               const char *end)
{
    enum { GAP_MIN = 8 * 8, GAP_MAX = 64 };
    uint32_t gap = fast->records - node->missed;
    node->missed = fast->records;
    if (node->memo_size == FL_FAST_HOPEFUL)
        node->gap = GAP_MIN + GAP_MIN / 4; /* some misses until it is given up */
    else
        node->gap += (gap < GAP_MAX ? gap : GAP_MAX) - node->gap / 8;
    size_t size = (size_t)(end - p) + 1;
    /* items of a list do not outlive their record, but none need not */
    bool keeps = node->type < FLOWAN_TYPE_LIST_U64 || node->count == 0;
    if (node->gap < GAP_MIN || size > FL_FAST_TEXT || !keeps) {
        drop_memo(node, FL_FAST_NO_MEMO);
        return;
    }
    memcpy(node->text, p, FL_FAST_TEXT);
    node->memo_size = node->reach = (uint8_t)size;
    if (node->type == FLOWAN_TYPE_TEXT)
        node->items = node->text + node->literal_size;
}

static __attribute__((noinline)) void sweep(const fl_fastpath *fast, fl_fast_leaf *leaf)
{
    for (size_t i = 0; i < leaf->end_runs; i++) {
        fl_fast_node *node = leaf->cells[i].node;
        if (node->memo_size == FL_FAST_NO_MEMO)
            node->memo_size = FL_FAST_HOPEFUL;
    }
    leaf->swept = fast->records;
}

/* A child that came twice running though it is not the first will be tried first. */
static void promote(const fl_fastpath *fast, fl_fast_node *before, fl_fast_node *node)
{
    if (before && fast->records - node->came <= 1) {
        before->next = node->next;
        node->next = node->parent->child;
        node->parent->child = node;
    }
    node->came = fast->records;
}

/* The end of the node's member at `p`, or NULL when it does not fit. */
static const char *fit(fl_fastpath *fast, fl_fast_node *node, const char *p)
{
    unsigned same = COMMON(p, node);
    if (same >= node->memo_size)
        return p + node->memo_size - 1;
    if (same < node->literal_size)
        return NULL;
    const char *end = readers[node->op](fast, node, p + node->literal_size);
    if (!end)
        spoil(node);
    else if (node->memo_size != FL_FAST_NO_MEMO)
        remember(fast, node, p, end);
    return end;
}

/* Another child of the same parent that fits at `p`, and fast->end behind it; NULL when
 * there is none. */
static __attribute__((noinline)) fl_fast_node *try_others(fl_fastpath *fast,
                                                          fl_fast_node *tried,
                                                          const char *p)
{
    if (COMMON(p, tried) >= tried->literal_size)
        spoil(tried);
    fl_fast_node *before = tried;
    for (fl_fast_node *node = tried->next; node; before = node, node = node->next) {
        const char *end = fit(fast, node, p);
        if (end) {
            promote(fast, before, node);
            fast->end = end;
            return node;
        }
    }
    return NULL;
}

/* As walk, but of several children that fit it takes the one behind which all fits.
 * `visits` bounds how long it looks. */
static fl_fast_node *search(fl_fastpath *fast, fl_fast_node *node, const char *p,
                            unsigned *visits)
{
    fl_fast_node *before = NULL;
    for (; node && *visits > 0; before = node, node = node->next) {
        --*visits;
        const char *end = fit(fast, node, p);
        fl_fast_node *last = node;
        if (end && node->child)
            last = search(fast, node->child, end, visits);
        else if (end)
            fast->end = end;
        if (end && last) {
            promote(fast, before, node);
            return last;
        }
    }
    return NULL;
}

/* From the record's beginning. */
static __attribute__((noinline)) fl_fast_node *search_again(fl_fastpath *fast)
{
    unsigned visits = SEARCH_MAX;
    fast->head_size = 0; /* its nodes may get other values */
    fast->numbers_used = fast->addresses_used = 0;
    fast->cut = false;
    return search(fast, fast->root.child, fast->start, &visits);
}

/* Walks on while values repeat. Records of one datagram begin alike: what was walked over
 * is then compared in one piece. The node that follows, and *p before it. */
static __attribute__((noinline)) fl_fast_node *find_head(fl_fastpath *fast,
                                                         fl_fast_node *node,
                                                         const char **p)
{
    while (COMMON(*p, node) >= node->memo_size && node->child) {
        *p += node->memo_size - 1;
        node = node->child;
    }
    fast->head = fast->start;
    fast->head_size = (size_t)(*p - fast->start);
    fast->head_end = node->parent;
    if (fast->head_size < FL_FAST_TEXT)
        fast->head_size = 0;
    return node;
}

/* One record from `p` on, of which nothing is written yet: its last node, and fast->end
 * behind it. NULL when it fits no shape, or (fast->cut) perhaps goes on behind what may be
 * read. A function of its own, so that its few variables stay in registers. */
static __attribute__((noinline)) fl_fast_node *walk(fl_fastpath *fast, const char *p)
{
    fl_fast_node *node = fast->root.child;
    fast->start = p;
    fast->numbers_used = fast->addresses_used = 0;
    fast->cut = false;
    if (fast->head_size > 0 && SAME(p, fast->head, fast->head_size)) {
        p += fast->head_size;
        node = fast->head_end->child;
    } else {
        node = find_head(fast, node, &p);
    }
    do {
        unsigned same = COMMON(p, node);
        unsigned memo_size = node->memo_size;
        if (same >= memo_size) {
            p += memo_size - 1;
            continue;
        }
        const char *at = p + node->literal_size;
        const char *end = NULL;
        if (same >= node->literal_size)
            end = node->op == FL_FAST_NUMBER /* more than all others together */
                      ? read_number(fast, node, at)
                      : readers[node->op](fast, node, at);
        if (!end) {
            node = try_others(fast, node, p);
            if (!node)
                return fast->ambiguous ? search_again(fast) : NULL;
            p = fast->end;
            continue;
        }
        if (memo_size != FL_FAST_NO_MEMO)
            remember(fast, node, p, end);
        p = end;
    } while (node->child && (node = node->child));
    fast->end = p;
    return node;
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

/* What has a cell of a fixed width goes from the nodes to the columns. */
static inline void carry(const fl_fast_leaf *leaf, size_t row)
{
    const fl_fast_cell *cell = leaf->cells;
#pragma GCC unroll 4
    for (const fl_fast_cell *end = leaf->cells + leaf->end4; cell < end; cell++)
        ((uint32_t *)cell->cells)[row] = (uint32_t) * (const uint64_t *)cell->value;
#pragma GCC unroll 4
    for (const fl_fast_cell *end = leaf->cells + leaf->end8; cell < end; cell++)
        ((uint64_t *)cell->cells)[row] = *(const uint64_t *)cell->value;
#pragma GCC unroll 4
    for (const fl_fast_cell *end = leaf->cells + leaf->end16; cell < end; cell++) {
        uint64_t half[2]; /* as they were stored */
        memcpy(&half[0], cell->value, 8);
        memcpy(&half[1], (const char *)cell->value + 8, 8);
        memcpy((flowan_address *)cell->cells + row, half, sizeof half);
    }
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
        size_t width = leaf->cells[i].width;
        if (column->filled != row)
            fl_column_fill_offsets(column, row);
        else
            column->offset[row] = (uint32_t)column->items_count;
        char *to = (char *)column->items + column->items_count * width;
        /* most texts are short, and there is padding behind both */
        if (width == 1 && node->count <= 32 &&
            column->items_count + 32 <= column->items_room)
            memcpy(to, node->items, 32);
        else if (node->count)
            memcpy(to, node->items, node->count * width);
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
    const char *start = data;
    fl_fastpath_stop stop = FL_FASTPATH_STRANGE;
    size_t stop_row = 0; /* where the batch has no room, or perhaps no room */
    *used = 0;
    if (!fast->root.child || size < FL_FASTPATH_PADDING)
        return fast->root.child ? FL_FASTPATH_SHORT : FL_FASTPATH_STRANGE;
    fast->limit = data + size - FL_FASTPATH_PADDING;
    fast->head_size = 0;
    for (;;) {
        /* the hardware's prefetchers stop at the end of each page */
        for (unsigned i = 0; i < 11; i++)
            __builtin_prefetch((const void *)((uintptr_t)start + AHEAD + 64 * i));
        if (start > fast->limit) {
            stop = FL_FASTPATH_SHORT;
            goto out;
        }
        const fl_fast_node *node = walk(fast, start);
        if (!node) {
            if (fast->cut)
                stop = FL_FASTPATH_SHORT;
            goto out;
        }
        const char *p = fast->end;
        fl_fast_leaf *leaf = node->leaf;
        if (!leaf) /* memory was short when it was learnt */
            goto out;
        /* all that can be strange, then the batch: it must not have a column whose record
         * does not come */
        if ((size_t)(p - start) > fast->record_limit)
            goto out;
        for (size_t i = 0; i < leaf->prefix_count; i++)
            if (!fits(&leaf->prefixes[i]))
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
        if (!carry_runs(batch, leaf, row)) {
            stop = FL_FASTPATH_MEMORY;
            goto out;
        }
        carry(leaf, row);
        if (fast->records - leaf->swept >= RETRY)
            sweep(fast, leaf);
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
