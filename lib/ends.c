#include "ends.h"

#include <stdlib.h>
#include <string.h>

enum {
    SAMPLE_ROWS = 256, /* of a class */
    TABLE_SLOTS_MAX = 1 << 16,
    HITS_MIN = 16,       /* to say that one thing hangs on another … */
    CONFLICTS_SHARE = 32 /* … with fewer exceptions than one in so many */
};

/* --- fields --- */

int fl_ends_of_field(int field)
{
    switch (field) {
    case FLOWAN_FIELD_SRC_ADDR:
    case FLOWAN_FIELD_SRC_PORT:
    case FLOWAN_FIELD_SRC_NET:
    case FLOWAN_FIELD_SRC_AS:
    case FLOWAN_FIELD_SRC_MAC:
    case FLOWAN_FIELD_SRC_VLAN:
    case FLOWAN_FIELD_IN_IF: return 0;
    case FLOWAN_FIELD_DST_ADDR:
    case FLOWAN_FIELD_DST_PORT:
    case FLOWAN_FIELD_DST_NET:
    case FLOWAN_FIELD_DST_AS:
    case FLOWAN_FIELD_DST_MAC:
    case FLOWAN_FIELD_DST_VLAN:
    case FLOWAN_FIELD_OUT_IF: return 1;
    case FLOWAN_FIELD_POST_NAT_SRC_IPV4_ADDRESS:
    case FLOWAN_FIELD_POST_NAT_SRC_IPV6_ADDRESS:
    case FLOWAN_FIELD_POST_NAPT_SRC_TRANSPORT_PORT: return 2;
    case FLOWAN_FIELD_POST_NAT_DST_IPV4_ADDRESS:
    case FLOWAN_FIELD_POST_NAT_DST_IPV6_ADDRESS:
    case FLOWAN_FIELD_POST_NAPT_DST_TRANSPORT_PORT: return 3;
    default: return -1;
    }
}

static int twin_of(int field)
{
    switch (field) {
    case FLOWAN_FIELD_DST_NET: return FLOWAN_FIELD_SRC_NET;
    case FLOWAN_FIELD_DST_AS: return FLOWAN_FIELD_SRC_AS;
    case FLOWAN_FIELD_DST_MAC: return FLOWAN_FIELD_SRC_MAC;
    case FLOWAN_FIELD_DST_VLAN: return FLOWAN_FIELD_SRC_VLAN;
    case FLOWAN_FIELD_OUT_IF: return FLOWAN_FIELD_IN_IF;
    default: return field;
    }
}

const fl_cell *fl_ends_other(const fl_slice *slice, const fl_cell *cell)
{
    static const int pairs[][2] = {
        {FLOWAN_FIELD_SRC_ADDR, FLOWAN_FIELD_DST_ADDR},
        {FLOWAN_FIELD_SRC_PORT, FLOWAN_FIELD_DST_PORT},
        {FLOWAN_FIELD_SRC_NET, FLOWAN_FIELD_DST_NET},
        {FLOWAN_FIELD_SRC_AS, FLOWAN_FIELD_DST_AS},
        {FLOWAN_FIELD_SRC_MAC, FLOWAN_FIELD_DST_MAC},
        {FLOWAN_FIELD_SRC_VLAN, FLOWAN_FIELD_DST_VLAN},
        {FLOWAN_FIELD_IN_IF, FLOWAN_FIELD_OUT_IF},
    };
    int other = -1;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        for (size_t k = 0; k < 2; k++)
            if (pairs[i][k] == cell->column->field)
                other = pairs[i][1 - k];
    for (size_t i = 0; other >= 0 && i < slice->cell_count; i++)
        if (slice->cells[i].column->field == other && slice->cells[i].form == cell->form)
            return &slice->cells[i];
    return cell;
}

int fl_ends_family(const fl_slice *slice, const fl_cell *cell)
{
    int twin = twin_of(cell->column->field);
    if (twin >= 0 && twin != cell->column->field)
        for (size_t i = 0; i < slice->cell_count; i++)
            if (slice->cells[i].column->field == twin &&
                slice->cells[i].form == cell->form)
                return (int)i;
    return (int)(cell - slice->cells);
}

bool fl_ends_is_port(int field)
{
    return field == FLOWAN_FIELD_SRC_PORT || field == FLOWAN_FIELD_DST_PORT ||
           field == FLOWAN_FIELD_POST_NAPT_SRC_TRANSPORT_PORT ||
           field == FLOWAN_FIELD_POST_NAPT_DST_TRANSPORT_PORT;
}

static bool is_address_of_end(const fl_cell *cell)
{
    return fl_cell_is_address(cell) && fl_ends_of_field(cell->column->field) >= 0;
}

bool fl_ends_may_hang(const fl_cell *cell)
{
    int field = cell->column->field;
    return cell->column->type != FLOWAN_TYPE_TIME && field != FLOWAN_FIELD_BYTES &&
           field != FLOWAN_FIELD_PACKETS && !fl_ends_is_port(field) &&
           field != FLOWAN_FIELD_SEQUENCE_NUM && !is_address_of_end(cell);
}

/* --- tables --- */

/* Pairs of keys of 64 bits, and a number for each. Bounded: what does not fit is not
 * known. */
typedef struct table {
    uint64_t *keys; /* 0: free */
    uint64_t *numbers;
    size_t size; /* a power of two */
    size_t count;
} table;

static bool table_init(table *t, size_t rows)
{
    t->size = 256;
    while (t->size < 4 * rows && t->size < TABLE_SLOTS_MAX)
        t->size *= 2;
    t->keys = fl_memory_zalloc(t->size, sizeof *t->keys);
    t->numbers = fl_memory_alloc(t->size, sizeof *t->numbers);
    t->count = 0;
    return t->keys && t->numbers;
}

static void table_free(table *t)
{
    fl_memory_free(t->keys);
    fl_memory_free(t->numbers);
}

static uint64_t mix(uint64_t what, uint64_t value)
{
    uint64_t hash =
        (value ^ what * UINT64_C(0xD6E8FEB86659FD93)) * UINT64_C(0x9E3779B97F4A7C15);
    hash = (hash ^ hash >> 32) * UINT64_C(0xD6E8FEB86659FD93);
    return (hash ^ hash >> 29) | 1;
}

/* The number that was put for the key first; *known says whether there was one. */
static uint64_t table_put(table *t, uint64_t key, uint64_t number, bool *known)
{
    size_t at = (size_t)(key >> 40) & (t->size - 1);
    while (t->keys[at] && t->keys[at] != key)
        at = (at + 1) & (t->size - 1);
    *known = t->keys[at] == key;
    if (*known)
        return t->numbers[at];
    if (t->count < t->size / 4 * 3) {
        t->keys[at] = key;
        t->numbers[at] = number;
        t->count++;
    }
    return number;
}

static bool table_has(const table *t, uint64_t key)
{
    size_t at = (size_t)(key >> 40) & (t->size - 1);
    while (t->keys[at] && t->keys[at] != key)
        at = (at + 1) & (t->size - 1);
    return t->keys[at] == key;
}

/* --- one class --- */

typedef struct tally {
    uint32_t hits;
    uint32_t conflicts;
} tally;

typedef struct finder {
    const fl_slice *slice;
    const fl_classes *classes;
    const fl_runs *runs;
    fl_ends *ends;
    table addresses; /* family and slot, address: the exporter that had it first */
    table hanging;   /* what hangs on what, the address */
    tally parent_tally[FL_ENDS_FAMILIES][FL_ENDS]; /* conflicts: of other exporters */
    tally key_tally[FL_ENDS_FAMILIES][FL_ENDS][FL_ENDS];
    tally *cell_tally; /* as ends->cell_keys, by fl_ends_family of the cell */
    uint32_t rows[SAMPLE_ROWS];
    size_t count;
    size_t shape;
    uint16_t parent;
    uint64_t numbers[FL_ENDS][SAMPLE_ROWS];
} finder;

static void take_sample(finder *f, size_t class)
{
    uint32_t first = f->classes->first[class];
    size_t rows = f->classes->first[class + 1] - first;
    f->count = rows < SAMPLE_ROWS ? rows : SAMPLE_ROWS;
    f->shape = f->classes->shapes[class];
    for (size_t i = 0; i < f->count; i++) {
        f->rows[i] = f->classes->rows[first + i * rows / f->count];
        uint16_t parent =
            f->runs->parents[f->runs->labels[f->runs->of_row[f->rows[i]]]];
        f->parent = i == 0 || parent == f->parent ? parent : FL_ENDS_MIXED;
    }
    f->ends->parents[class] = f->parent;
}

static bool varies(const uint64_t *numbers, size_t count)
{
    for (size_t i = 1; i < count; i++)
        if (numbers[i] != numbers[0])
            return true;
    return false;
}

/* The half of an end's address that tells it from others of the class. */
static void look_at_end(finder *f, fl_end *end, size_t number, const fl_cell *high)
{
    const fl_cell *low = high + 1;
    uint64_t *numbers = f->numbers[number];
    fl_cell_gather(f->slice, high, f->rows, f->count, numbers);
    if (varies(numbers, f->count)) {
        end->key = high;
        end->family = 1;
        return;
    }
    fl_cell_gather(f->slice, low, f->rows, f->count, numbers);
    end->family = 0;
    if (varies(numbers, f->count))
        end->key = low;
}

/* An end that is as one before it, in the order of cells: the destination comes last. */
static void look_for_copies(finder *f, fl_end ends[FL_ENDS])
{
    static const uint8_t order[FL_ENDS] = {0, 3, 2, 1};
    for (size_t i = 1; i < FL_ENDS; i++)
        for (size_t k = 0; k < i && !ends[order[i]].copied; k++) {
            const fl_end *from = &ends[order[k]];
            fl_end *end = &ends[order[i]];
            end->copied = end->key && from->key && !from->copied &&
                          end->family == from->family &&
                          memcmp(f->numbers[order[i]], f->numbers[order[k]],
                                 f->count * sizeof f->numbers[0][0]) == 0;
            if (end->copied)
                end->slot = order[k]; /* of the end, until slots are settled */
        }
}

static uint64_t slot_name(uint8_t family, size_t slot)
{
    return 1 + (uint64_t)family * FL_ENDS + slot;
}

static size_t count_known(const finder *f, const fl_end *end, size_t number,
                          size_t slot)
{
    size_t known = 0;
    uint64_t name = slot_name(end->family, slot);
    for (size_t i = 0; i < f->count; i++)
        known += table_has(&f->addresses, mix(name, f->numbers[number][i]));
    return known;
}

/* Ends to slots: the pair with the most addresses in common first; ends of which nothing
 * is known take what is left, in order. */
static void settle_slots(const finder *f, fl_end ends[FL_ENDS])
{
    size_t known[FL_ENDS][FL_ENDS] = {{0}};
    bool settled[FL_ENDS] = {false};
    bool taken[FL_ENDS] = {false};
    for (size_t e = 0; e < FL_ENDS; e++) {
        settled[e] = ends[e].copied;
        for (size_t s = 0; ends[e].key && !settled[e] && s < FL_ENDS; s++)
            known[e][s] = count_known(f, &ends[e], e, s);
    }
    for (;;) {
        size_t best = f->count / 16;
        size_t end = FL_ENDS;
        size_t slot = 0;
        for (size_t e = 0; e < FL_ENDS; e++)
            for (size_t s = 0; s < FL_ENDS; s++)
                if (!settled[e] && !taken[s] && known[e][s] > best) {
                    best = known[e][s];
                    end = e;
                    slot = s;
                }
        if (end == FL_ENDS)
            break;
        ends[end].slot = (uint8_t)slot;
        settled[end] = taken[slot] = true;
    }
    for (size_t round = 0; round < 2; round++) /* ends that vary choose first */
        for (size_t e = 0; e < FL_ENDS; e++) {
            size_t slot = 0;
            if (settled[e] || (round == 0 && !ends[e].key))
                continue;
            while (slot < FL_ENDS - 1 && taken[slot])
                slot++;
            ends[e].slot = (uint8_t)slot;
            settled[e] = taken[slot] = true;
        }
    for (size_t e = 0; e < FL_ENDS; e++)
        if (ends[e].copied)
            ends[e].slot = ends[ends[e].slot].slot;
}

static void remember(finder *f, const fl_end *end, size_t number)
{
    uint64_t name = slot_name(end->family, end->slot);
    tally *t = &f->parent_tally[end->family][end->slot];
    for (size_t i = 0; i < f->count; i++) {
        bool known;
        uint64_t parent = table_put(&f->addresses, mix(name, f->numbers[number][i]),
                                    f->parent, &known);
        t->hits += known && parent == f->parent;
        t->conflicts += known && parent != f->parent;
    }
}

static void count_hanging(finder *f, tally *t, uint64_t name, const uint64_t *keys,
                          const uint64_t *numbers)
{
    for (size_t i = 0; i < f->count; i++) {
        bool known;
        uint64_t before =
            table_put(&f->hanging, mix(name, keys[i]), numbers[i], &known);
        t->hits += known && before == numbers[i];
        t->conflicts += known && before != numbers[i];
    }
}

static size_t tally_index(int family, const fl_end *on)
{
    return ((size_t)family * FL_ENDS_FAMILIES + on->family) * FL_ENDS + on->slot;
}

static void look_what_hangs(finder *f, fl_end ends[FL_ENDS], size_t class)
{
    uint64_t numbers[SAMPLE_ROWS];
    for (size_t on = 0; on < FL_ENDS; on++) {
        if (!ends[on].key || ends[on].copied)
            continue;
        uint64_t key_name =
            (slot_name(ends[on].family, ends[on].slot) << 16 | f->parent) * 1000003;
        for (size_t e = 0; e < FL_ENDS; e++)
            if (e != on && ends[e].key && !ends[e].copied &&
                ends[e].family == ends[on].family)
                count_hanging(
                    f, &f->key_tally[ends[e].family][ends[e].slot][ends[on].slot],
                    key_name + 1 + ends[e].slot, f->numbers[on], f->numbers[e]);
    }
    for (size_t c = 0; c < f->slice->cell_count; c++) {
        const fl_cell *cell = &f->slice->cells[c];
        if (!fl_ends_may_hang(cell) ||
            !fl_slice_has(f->slice, f->classes->shapes[class], cell->number))
            continue;
        fl_cell_gather(f->slice, cell, f->rows, f->count, numbers);
        if (!varies(numbers, f->count))
            continue;
        int family = fl_ends_family(f->slice, cell);
        for (size_t on = 0; on < FL_ENDS; on++) {
            if (!ends[on].key || ends[on].copied)
                continue;
            uint64_t name =
                (slot_name(ends[on].family, ends[on].slot) << 16 | f->parent) * 1000003;
            count_hanging(f, &f->cell_tally[tally_index(family, &ends[on])],
                          name + 16 + (uint64_t)family, f->numbers[on], numbers);
        }
    }
}

static void look_at_class(finder *f, size_t class)
{
    fl_end *ends = f->ends->of_class[class];
    take_sample(f, class);
    for (size_t c = 0; c + 1 < f->slice->cell_count; c++) {
        const fl_cell *cell = &f->slice->cells[c];
        int end = fl_ends_of_field(cell->column->field);
        if (cell->form == FL_CELL_HIGH && end >= 0 && !ends[end].key &&
            fl_slice_has(f->slice, f->shape, cell->number))
            look_at_end(f, &ends[end], (size_t)end, cell);
    }
    look_for_copies(f, ends);
    settle_slots(f, ends);
    for (size_t e = 0; e < FL_ENDS; e++)
        if (ends[e].key && !ends[e].copied)
            remember(f, &ends[e], e);
    look_what_hangs(f, ends, class);
}

/* --- all classes --- */

static bool hangs(const tally *t)
{
    return t->hits >= HITS_MIN && t->conflicts * CONFLICTS_SHARE < t->hits;
}

static void settle_keys(finder *f)
{
    fl_ends *ends = f->ends;
    for (size_t family = 0; family < FL_ENDS_FAMILIES; family++)
        for (size_t slot = 0; slot < FL_ENDS; slot++) {
            const tally *parents = &f->parent_tally[family][slot];
            ends->key_of[family][slot] = FL_ENDS_NO_KEY;
            ends->apart[family][slot] = parents->conflicts * 4 < parents->hits * 3;
            for (size_t on = 0; on < FL_ENDS; on++)
                /* what others hang on hangs on nothing itself */
                if (hangs(&f->key_tally[family][slot][on]) &&
                    (on > slot || ends->key_of[family][on] == FL_ENDS_NO_KEY) &&
                    !(on > slot && hangs(&f->key_tally[family][on][slot])))
                    ends->key_of[family][slot] = (uint8_t)on;
        }
    size_t per_cell = FL_ENDS_FAMILIES * FL_ENDS;
    for (size_t c = 0; c < f->slice->cell_count; c++) {
        size_t family = (size_t)fl_ends_family(f->slice, &f->slice->cells[c]);
        for (size_t i = 0; i < per_cell; i++)
            ends->cell_keys[c * per_cell + i] =
                hangs(&f->cell_tally[family * per_cell + i]);
    }
}

typedef struct by_size {
    uint32_t class;
    uint32_t rows;
} by_size;

static int larger_first(const void *left, const void *right)
{
    const by_size *a = left;
    const by_size *b = right;
    if (a->rows != b->rows)
        return a->rows > b->rows ? -1 : 1;
    return a->class < b->class ? -1 : 1;
}

bool fl_ends_find(fl_ends *ends, const fl_slice *slice, const fl_classes *classes,
                  const fl_runs *runs)
{
    size_t per_cell = FL_ENDS_FAMILIES * FL_ENDS;
    finder *f = fl_memory_zalloc(1, sizeof *f);
    by_size *order = fl_memory_alloc(classes->count, sizeof *order);
    bool sound = false;
    *ends = (fl_ends){0};
    ends->of_class = fl_memory_zalloc(classes->count, sizeof *ends->of_class);
    ends->cell_keys = fl_memory_zalloc(slice->cell_count, per_cell);
    ends->parents = fl_memory_alloc(classes->count, sizeof *ends->parents);
    if (!f || !order || !ends->parents || !ends->of_class || !ends->cell_keys)
        goto out;
    f->slice = slice;
    f->classes = classes;
    f->runs = runs;
    f->ends = ends;
    f->cell_tally =
        fl_memory_zalloc(slice->cell_count, per_cell * sizeof *f->cell_tally);
    if (!f->cell_tally || !table_init(&f->addresses, slice->rows) ||
        !table_init(&f->hanging, slice->rows))
        goto out;
    for (size_t i = 0; i < classes->count; i++)
        order[i] = (by_size){(uint32_t)i, classes->first[i + 1] - classes->first[i]};
    qsort(order, classes->count, sizeof *order, larger_first);
    for (size_t i = 0; i < classes->count; i++)
        look_at_class(f, order[i].class);
    settle_keys(f);
    sound = true;
out:
    if (f) {
        table_free(&f->addresses);
        table_free(&f->hanging);
        fl_memory_free(f->cell_tally);
    }
    fl_memory_free(f);
    fl_memory_free(order);
    return sound;
}

void fl_ends_free(fl_ends *ends)
{
    fl_memory_free(ends->of_class);
    fl_memory_free(ends->parents);
    fl_memory_free(ends->cell_keys);
}
