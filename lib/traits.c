#include "traits.h"

#include <stdlib.h>

enum { COPY_SHARE = 20 /* in 1/1000 of the sample */ };

/* --- the order in which cells are told --- */

static unsigned rank_of(const fl_cell *cell)
{
    switch (fl_cell_field(cell)) {
    case FLOWAN_FIELD_TIME_RECEIVED_NS:
    case FLOWAN_FIELD_PACKETS: return 0;
    case FLOWAN_FIELD_TIME_FLOW_START_NS:
    case FLOWAN_FIELD_BYTES:
    case FLOWAN_FIELD_POST_NAT_SRC_IPV4_ADDRESS:
    case FLOWAN_FIELD_POST_NAT_SRC_IPV6_ADDRESS:
    case FLOWAN_FIELD_POST_NAPT_SRC_TRANSPORT_PORT: return 2;
    /* Behind post_nat_dst and its port: of a flow from inside they are the same, of one
     * from outside they are what those are told from. */
    case FLOWAN_FIELD_DST_ADDR:
    case FLOWAN_FIELD_DST_PORT: return 3;
    default: return 1;
    }
}

uint16_t *fl_traits_cell_order(const fl_slice *slice)
{
    uint16_t *order = fl_memory_alloc(slice->cell_count, sizeof *order);
    size_t count = 0;
    for (unsigned rank = 0; order && rank <= 3; rank++)
        for (size_t i = 0; i < slice->cell_count; i++)
            if (rank_of(&slice->cells[i]) == rank)
                order[count++] = (uint16_t)i;
    return order;
}

/* --- traits --- */

/* The share of rows, in 1/1000, from which a value is worth classes of its own. What hangs
 * on an address (an interface, an AS) is stored with the address, not here, unless it is
 * nearly everywhere. */
static unsigned share_needed(const fl_cell *cell, uint64_t value)
{
    if (fl_cell_is_address(cell))
        return fl_cell_field(cell) == FLOWAN_FIELD_SAMPLER_ADDRESS ? 60 : 250;
    if (cell->column->type == FLOWAN_TYPE_TIME)
        return value == 0 ? 20 : 250;
    switch (fl_cell_field(cell)) {
    case FLOWAN_FIELD_BYTES: return 250;
    case FLOWAN_FIELD_PACKETS: return 100;
    case FLOWAN_FIELD_SEQUENCE_NUM: return 900;
    case FLOWAN_FIELD_IN_IF:
    case FLOWAN_FIELD_OUT_IF:
    case FLOWAN_FIELD_SRC_MAC:
    case FLOWAN_FIELD_DST_MAC:
    case FLOWAN_FIELD_SRC_VLAN:
    case FLOWAN_FIELD_DST_VLAN:
    case FLOWAN_FIELD_VLAN_ID:
    case FLOWAN_FIELD_SRC_AS:
    case FLOWAN_FIELD_DST_AS:
    case FLOWAN_FIELD_NEXT_HOP_AS:
    case FLOWAN_FIELD_SRC_NET:
    case FLOWAN_FIELD_DST_NET: return 300;
    default: return 20;
    }
}

static void find_values(fl_sample *sm, const fl_slice *s, fl_trait *f)
{
    const uint64_t *numbers = fl_sample_numbers(sm, s, f->cell);
    uint32_t counts[FL_TRAIT_VALUES_MAX];
    for (size_t i = 0; i < sm->slot_count; i++) {
        uint32_t count = sm->counts[i];
        uint64_t value = count ? numbers[sm->slots[i] - 1] : 0;
        if (count < 8 || count * 1000 < share_needed(f->cell, value) * sm->count)
            continue;
        size_t at = f->value_count;
        if (at == FL_TRAIT_VALUES_MAX && counts[at - 1] >= count)
            continue;
        at = at < FL_TRAIT_VALUES_MAX ? f->value_count++ : at - 1;
        for (; at > 0 && counts[at - 1] < count; at--) {
            counts[at] = counts[at - 1];
            f->values[at] = f->values[at - 1];
        }
        counts[at] = count;
        f->values[at] = value;
    }
}

/* Copies that are told here: of addresses and times. A port that NAT left as it was goes
 * with the local address, and is stored with that. */
static bool may_copy(const fl_cell *cell, const fl_cell *from)
{
    bool address = fl_cell_is_address(cell);
    return cell->form == from->form &&
           (address || (cell->column->type == FLOWAN_TYPE_TIME &&
                        from->column->type == FLOWAN_TYPE_TIME));
}

/* A key of the user's may have a time of the record in another unit. */
static bool may_be_time(const fl_cell *cell, const fl_cell *from)
{
    return cell->form == FL_CELL_U64 && cell->column->field < 0 &&
           cell->column->type != FLOWAN_TYPE_TIME &&
           from->column->type == FLOWAN_TYPE_TIME;
}

static size_t count_same(const fl_sample *sm, const fl_slice *s, const fl_cell *a,
                         const fl_cell *b, uint64_t unit)
{
    const uint64_t *left = fl_sample_numbers(sm, s, a);
    const uint64_t *right = fl_sample_numbers(sm, s, b);
    size_t same = 0;
    for (size_t i = 0; i < sm->count; i++)
        same += left[i] == right[i] / unit && fl_sample_has(sm, s, a, i) &&
                fl_sample_has(sm, s, b, i);
    return same;
}

/* The cell before this one, in order, whose number it has most often. */
static void find_copy(const fl_sample *sm, const fl_slice *s, size_t rank, fl_trait *f)
{
    size_t best = COPY_SHARE * sm->count / 1000;
    for (size_t i = 0; i < rank; i++) {
        const fl_cell *from = &s->cells[sm->order[i]];
        uint64_t unit = may_copy(f->cell, from) ? 1 : 1000;
        uint64_t last = unit == 1 ? 1 : may_be_time(f->cell, from) ? 1000000000 : 0;
        for (; unit <= last; unit *= 1000) {
            size_t same = count_same(sm, s, f->cell, from, unit);
            if (same > best) {
                best = same;
                f->copy = from;
                f->unit = unit;
            }
        }
    }
}

/* What is likely to settle most else comes first. */
static unsigned priority_of(const fl_trait *f)
{
    bool address = fl_cell_is_address(f->cell);
    if (address && f->copy)
        return 0;
    switch (fl_cell_field(f->cell)) {
    case FLOWAN_FIELD_SAMPLER_ADDRESS:
    case FLOWAN_FIELD_TYPE: return 1;
    case FLOWAN_FIELD_PROTO: return 2;
    case FLOWAN_FIELD_SRC_PORT:
    case FLOWAN_FIELD_DST_PORT: return 3;
    case FLOWAN_FIELD_IN_IF:
    case FLOWAN_FIELD_OUT_IF: return 4;
    case FLOWAN_FIELD_PACKETS: return 5;
    case FLOWAN_FIELD_TIME_FLOW_START_NS:
    case FLOWAN_FIELD_TIME_FLOW_END_NS: return 6;
    default: return 7;
    }
}

static int by_priority(const void *left, const void *right)
{
    const fl_trait *a = left;
    const fl_trait *b = right;
    unsigned one = priority_of(a);
    unsigned other = priority_of(b);
    if (one != other)
        return one < other ? -1 : 1;
    return a->cell < b->cell ? -1 : a->cell > b->cell;
}

size_t fl_traits_find(fl_sample *sm, const fl_slice *s, fl_trait out[FL_TRAITS_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < s->cell_count && count < FL_TRAITS_MAX; i++) {
        fl_trait f = {.cell = &s->cells[sm->order[i]], .unit = 1};
        if (fl_sample_count(sm, s, f.cell) < 2)
            continue;
        fl_sample_mark(sm, s, f.cell);
        find_values(sm, s, &f);
        find_copy(sm, s, i, &f);
        if (f.value_count > 0 || f.copy)
            out[count++] = f;
    }
    fl_sample_label(sm, s);
    qsort(out, count, sizeof *out, by_priority);
    return count;
}
