#include "classes.h"

#include <stdlib.h>

#include "bits.h"

enum {
    SAMPLE_ROWS = 2048,
    SAMPLE_SLOTS = 8192,
    VALUES_MAX = 8, /* of a feature */
    SYMBOLS = VALUES_MAX + 2,
    MAP_WIDTH = SYMBOLS + 1, /* and a mark that the old number is taken */
    CLASSES_MOST = 1024,     /* of a block, beside those that shapes make */
    CLASS_BITS = 8 * 60,     /* that a class costs, about */
    COMMON_MAX = 16,         /* numbers of a cell that are told apart in what follows */
    MARKS = COMMON_MAX + 32,
    CLASS_ROWS_MIN = 32, /* smaller ones of a shape are put together */
    COPY_SHARE = 20,     /* in 1/1000 of the sample */
    FEATURES_MAX = 64
};

enum { SYMBOL_OTHER = 0, SYMBOL_COPY = 1, SYMBOL_VALUE = 2 };

/* What tells classes apart: the cell has the value of another, or one of a few. */
typedef struct feature {
    const fl_cell *cell;
    const fl_cell *copy; /* NULL: none */
    uint64_t unit;       /* what the copied number is divided by */
    uint64_t values[VALUES_MAX];
    size_t value_count;
} feature;

static int field_of(const fl_cell *cell)
{
    return cell->column->field;
}

/* --- the order in which cells are told --- */

static unsigned rank_of(const fl_cell *cell)
{
    switch (field_of(cell)) {
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

uint16_t *fl_classes_cell_order(const fl_slice *slice)
{
    uint16_t *order = fl_memory_alloc(slice->cell_count, sizeof *order);
    size_t count = 0;
    for (unsigned rank = 0; order && rank <= 3; rank++)
        for (size_t i = 0; i < slice->cell_count; i++)
            if (rank_of(&slice->cells[i]) == rank)
                order[count++] = (uint16_t)i;
    return order;
}

/* --- the sample --- */

typedef struct sample {
    uint32_t *rows;
    size_t count;
    uint16_t *classes;  /* per row of the sample, as far as features are taken */
    uint64_t *numbers;  /* [cell * count + row of the sample] */
    uint32_t *slots;    /* row of the sample + 1 */
    uint32_t *counts;   /* per slot */
    uint16_t *order;    /* of cells */
    uint8_t *marks;     /* [cell * count + row]: what kind of number it is, about */
    uint32_t *by_class; /* rows in order of classes */
    uint32_t *labels;   /* per row: its shape and exporter, which runs tell */
    uint64_t cost;      /* of all cells in the classes so far, in bits */
} sample;

static bool sample_init(sample *sm, const fl_slice *s)
{
    *sm = (sample){0};
    sm->count = s->rows < SAMPLE_ROWS ? s->rows : SAMPLE_ROWS;
    sm->rows = fl_memory_alloc(sm->count, sizeof *sm->rows);
    sm->classes = fl_memory_alloc(sm->count, sizeof *sm->classes);
    sm->numbers = fl_memory_zalloc(sm->count * s->cell_count, sizeof *sm->numbers);
    sm->slots = fl_memory_alloc(SAMPLE_SLOTS, sizeof *sm->slots);
    sm->counts = fl_memory_alloc(SAMPLE_SLOTS, sizeof *sm->counts);
    sm->order = fl_classes_cell_order(s);
    sm->marks = fl_memory_zalloc(sm->count * s->cell_count, 1);
    sm->by_class = fl_memory_alloc(sm->count, sizeof *sm->by_class);
    sm->labels = fl_memory_alloc(sm->count, sizeof *sm->labels);
    if (!sm->marks || !sm->by_class || !sm->labels || !sm->rows || !sm->classes ||
        !sm->numbers || !sm->slots || !sm->counts || !sm->order)
        return false;
    for (size_t i = 0; i < sm->count; i++) {
        sm->rows[i] = (uint32_t)(i * s->rows / sm->count);
        sm->classes[i] = s->shapes[sm->rows[i]];
    }
    for (size_t c = 0; c < s->cell_count; c++) {
        const fl_cell *cell = &s->cells[c];
        for (size_t i = 0; i < sm->count; i++)
            if (fl_slice_has(s, s->shapes[sm->rows[i]], cell->number))
                fl_cell_gather(s, cell, &sm->rows[i], 1,
                               &sm->numbers[c * sm->count + i]);
    }
    return true;
}

static void sample_free(sample *sm)
{
    fl_memory_free(sm->rows);
    fl_memory_free(sm->classes);
    fl_memory_free(sm->numbers);
    fl_memory_free(sm->slots);
    fl_memory_free(sm->counts);
    fl_memory_free(sm->order);
    fl_memory_free(sm->marks);
    fl_memory_free(sm->labels);
    fl_memory_free(sm->by_class);
}

static bool sample_has(const sample *sm, const fl_slice *s, const fl_cell *cell,
                       size_t row)
{
    return fl_slice_has(s, s->shapes[sm->rows[row]], cell->number);
}

static const uint64_t *numbers_of(const sample *sm, const fl_slice *s,
                                  const fl_cell *cell)
{
    return sm->numbers + (size_t)(cell - s->cells) * sm->count;
}

static size_t slot_of(uint64_t number)
{
    return (size_t)((number * UINT64_C(0x9E3779B97F4A7C15)) >> 32) % SAMPLE_SLOTS;
}

/* How many different numbers the sample has for a cell; slots and counts then tell how
 * often each of them comes. */
static size_t count_numbers(sample *sm, const fl_slice *s, const fl_cell *cell)
{
    const uint64_t *numbers = numbers_of(sm, s, cell);
    size_t different = 0;
    memset(sm->slots, 0, SAMPLE_SLOTS * sizeof *sm->slots);
    memset(sm->counts, 0, SAMPLE_SLOTS * sizeof *sm->counts);
    for (size_t i = 0; i < sm->count; i++) {
        if (!sample_has(sm, s, cell, i))
            continue;
        size_t at = slot_of(numbers[i]);
        while (sm->slots[at] && numbers[sm->slots[at] - 1] != numbers[i])
            at = (at + 1) % SAMPLE_SLOTS;
        if (!sm->slots[at]) {
            sm->slots[at] = (uint32_t)i + 1;
            different++;
        }
        sm->counts[at]++;
    }
    return different;
}

/* --- what classes cost --- */

/* A number by what it is: one of the cell's commonest, or so large. Few marks, so that
 * even a class of a few dozen rows of the sample says something about them. */
static void mark_numbers(sample *sm, const fl_slice *s, const fl_cell *cell)
{
    const uint64_t *numbers = numbers_of(sm, s, cell);
    uint8_t *marks = sm->marks + (size_t)(cell - s->cells) * sm->count;
    uint64_t common[COMMON_MAX];
    uint32_t counts[COMMON_MAX];
    size_t found = 0;
    for (size_t i = 0; i < SAMPLE_SLOTS; i++) {
        uint32_t count = sm->counts[i];
        if (count * 64 < sm->count ||
            (found == COMMON_MAX && counts[found - 1] >= count))
            continue;
        size_t at = found < COMMON_MAX ? found++ : found - 1;
        for (; at > 0 && counts[at - 1] < count; at--) {
            counts[at] = counts[at - 1];
            common[at] = common[at - 1];
        }
        counts[at] = count;
        common[at] = numbers[sm->slots[i] - 1];
    }
    for (size_t i = 0; i < sm->count; i++) {
        size_t mark = 0;
        while (mark < found && common[mark] != numbers[i])
            mark++;
        marks[i] =
            (uint8_t)(mark < found ? mark : COMMON_MAX + fl_bits_width(numbers[i]) / 2);
        marks[i] = marks[i] < MARKS ? marks[i] : MARKS - 1;
    }
}

/* log2 in 1/256, of 1 or more. */
static uint64_t log2_256(uint64_t value)
{
    unsigned top = fl_bits_width(value) - 1;
    uint64_t rest = (top >= 8 ? value >> (top - 8) : value << (8 - top)) & 255;
    return top * UINT64_C(256) + rest + (rest * (256 - rest) * 88 >> 16);
}

/* Bits that the marks of a cell take in rows [first, end) of by_class: their entropy, and
 * half a logarithm for each kind that there is, as for any model that must be told too. */
static uint64_t marks_cost(const sample *sm, size_t cell, size_t first, size_t end)
{
    const uint8_t *marks = sm->marks + cell * sm->count;
    uint32_t counts[MARKS] = {0};
    size_t rows = end - first;
    for (size_t i = first; i < end; i++)
        counts[marks[sm->by_class[i]]]++;
    uint64_t whole = log2_256(rows);
    uint64_t cost = 0;
    for (size_t i = 0; i < MARKS; i++)
        if (counts[i])
            cost += counts[i] * (whole - log2_256(counts[i])) + whole / 2;
    return counts[marks[sm->by_class[first]]] == rows ? 0 : cost / 256;
}

/* What runs tell is not told by class. */
static bool is_of_run(const fl_cell *cell)
{
    int field = field_of(cell);
    return field == FLOWAN_FIELD_TIME_RECEIVED_NS ||
           field == FLOWAN_FIELD_SEQUENCE_NUM || field == FLOWAN_FIELD_SAMPLER_ADDRESS;
}

/* Nor what a conversation tells: all but when its rows were, and how much. */
static bool is_of_talk(const fl_cell *cell)
{
    int field = field_of(cell);
    return cell->column->type != FLOWAN_TYPE_TIME && field != FLOWAN_FIELD_BYTES &&
           field != FLOWAN_FIELD_PACKETS && field != FLOWAN_FIELD_TCP_FLAGS;
}

static void label_rows(sample *sm, const fl_slice *s)
{
    for (size_t i = 0; i < sm->count; i++)
        sm->labels[i] = (uint32_t)s->shapes[sm->rows[i]] * 1024;
    for (size_t c = 0; c < s->cell_count; c++)
        if (field_of(&s->cells[c]) == FLOWAN_FIELD_SAMPLER_ADDRESS)
            for (size_t i = 0; i < sm->count; i++)
                sm->labels[i] = sm->labels[i] * MARKS + sm->marks[c * sm->count + i];
}

/* n log n of how often each key comes, added up, in bits. */
static uint64_t sum_of_logs(sample *sm, const uint64_t *keys)
{
    uint64_t sum = 0;
    memset(sm->slots, 0, SAMPLE_SLOTS * sizeof *sm->slots);
    memset(sm->counts, 0, SAMPLE_SLOTS * sizeof *sm->counts);
    for (size_t i = 0; i < sm->count; i++) {
        size_t at = slot_of(keys[i]);
        while (sm->slots[at] && keys[sm->slots[at] - 1] != keys[i])
            at = (at + 1) % SAMPLE_SLOTS;
        sm->slots[at] = (uint32_t)i + 1;
        sm->counts[at]++;
    }
    for (size_t i = 0; i < SAMPLE_SLOTS; i++)
        if (sm->counts[i])
            sum += sm->counts[i] * log2_256(sm->counts[i]) / 256;
    return sum;
}

/* Bits that it takes to tell the class of each row whose label is known. */
static uint64_t codes_cost(sample *sm, const uint16_t *classes, uint64_t *keys)
{
    for (size_t i = 0; i < sm->count; i++)
        keys[i] = sm->labels[i];
    uint64_t labels = sum_of_logs(sm, keys);
    for (size_t i = 0; i < sm->count; i++)
        keys[i] = (uint64_t)sm->labels[i] << 16 | classes[i];
    return labels - sum_of_logs(sm, keys);
}

/* Bits of all cells of the sample, and of the classes of its rows, when they are in these
 * classes. */
static bool classes_cost(sample *sm, const fl_slice *s, const fl_talks *talks,
                         const uint16_t *classes, size_t class_count, uint64_t *cost)
{
    uint32_t *first = fl_memory_zalloc(class_count + 1, sizeof *first);
    uint64_t *keys = fl_memory_alloc(sm->count, sizeof *keys);
    bool sound = first && keys;
    if (sound)
        *cost = codes_cost(sm, classes, keys);
    for (size_t i = 0; sound && i < sm->count; i++)
        first[classes[i] + 1]++;
    for (size_t c = 0; sound && c < class_count; c++)
        first[c + 1] += first[c];
    for (size_t i = 0; sound && i < sm->count; i++)
        sm->by_class[first[classes[i]]++] = (uint32_t)i;
    size_t start = 0;
    for (size_t c = 0; sound && c < class_count; start = first[c++]) {
        if (start == first[c])
            continue;
        uint32_t row = sm->rows[sm->by_class[start]];
        size_t shape = s->shapes[row];
        bool talk = talks->talk_of_row && talks->talk_of_row[row];
        for (size_t k = 0; k < s->cell_count; k++)
            if (!is_of_run(&s->cells[k]) && !(talk && is_of_talk(&s->cells[k])) &&
                fl_slice_has(s, shape, s->cells[k].number))
                *cost += marks_cost(sm, k, start, first[c]);
    }
    fl_memory_free(first);
    fl_memory_free(keys);
    return sound;
}

/* --- features --- */

/* The share of rows, in 1/1000, from which a value is worth classes of its own. What hangs
 * on an address (an interface, an AS) is stored with the address, not here, unless it is
 * nearly everywhere. */
static unsigned share_needed(const fl_cell *cell, uint64_t value)
{
    if (cell->form == FL_CELL_HIGH || cell->form == FL_CELL_LOW)
        return field_of(cell) == FLOWAN_FIELD_SAMPLER_ADDRESS ? 60 : 250;
    if (cell->column->type == FLOWAN_TYPE_TIME)
        return value == 0 ? 20 : 250;
    switch (field_of(cell)) {
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

static void find_values(sample *sm, const fl_slice *s, feature *f)
{
    const uint64_t *numbers = numbers_of(sm, s, f->cell);
    uint32_t counts[VALUES_MAX];
    for (size_t i = 0; i < SAMPLE_SLOTS; i++) {
        uint32_t count = sm->counts[i];
        uint64_t value = count ? numbers[sm->slots[i] - 1] : 0;
        if (count < 8 || count * 1000 < share_needed(f->cell, value) * sm->count)
            continue;
        size_t at = f->value_count;
        if (at == VALUES_MAX && counts[at - 1] >= count)
            continue;
        at = at < VALUES_MAX ? f->value_count++ : at - 1;
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
    bool address = cell->form == FL_CELL_HIGH || cell->form == FL_CELL_LOW;
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

static size_t count_same(const sample *sm, const fl_slice *s, const fl_cell *a,
                         const fl_cell *b, uint64_t unit)
{
    const uint64_t *left = numbers_of(sm, s, a);
    const uint64_t *right = numbers_of(sm, s, b);
    size_t same = 0;
    for (size_t i = 0; i < sm->count; i++)
        same += left[i] == right[i] / unit && sample_has(sm, s, a, i) &&
                sample_has(sm, s, b, i);
    return same;
}

/* The cell before this one, in order, whose number it has most often. */
static void find_copy(const sample *sm, const fl_slice *s, size_t rank, feature *f)
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
static unsigned priority_of(const feature *f)
{
    bool address = f->cell->form == FL_CELL_HIGH || f->cell->form == FL_CELL_LOW;
    if (address && f->copy)
        return 0;
    switch (field_of(f->cell)) {
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
    const feature *a = left;
    const feature *b = right;
    unsigned one = priority_of(a);
    unsigned other = priority_of(b);
    if (one != other)
        return one < other ? -1 : 1;
    return a->cell < b->cell ? -1 : a->cell > b->cell;
}

static size_t find_features(sample *sm, const fl_slice *s, feature out[FEATURES_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < s->cell_count && count < FEATURES_MAX; i++) {
        feature f = {.cell = &s->cells[sm->order[i]], .unit = 1};
        if (count_numbers(sm, s, f.cell) < 2)
            continue;
        mark_numbers(sm, s, f.cell);
        find_values(sm, s, &f);
        find_copy(sm, s, i, &f);
        if (f.value_count > 0 || f.copy)
            out[count++] = f;
    }
    qsort(out, count, sizeof *out, by_priority);
    return count;
}

static inline unsigned symbol_of(const feature *f, uint64_t number, uint64_t copied)
{
    if (f->copy && number == copied / f->unit)
        return SYMBOL_COPY;
    for (size_t i = 0; i < f->value_count; i++)
        if (number == f->values[i])
            return SYMBOL_VALUE + (unsigned)i;
    return SYMBOL_OTHER;
}

/* --- refining --- */

/* Classes as they come out of the features taken so far: a tree, of which only the leaves
 * are in use. */
typedef struct refiner {
    uint16_t *shapes; /* per class */
    size_t shapes_room;
    size_t count;
    uint32_t *map; /* [old class * MAP_WIDTH + symbol]: new one + 1, or 0 */
    size_t map_room;
} refiner;

static bool refiner_begin(refiner *r)
{
    if (!fl_memory_grow((void **)&r->map, &r->map_room, r->count * MAP_WIDTH,
                        sizeof *r->map))
        return false;
    memset(r->map, 0, r->count * MAP_WIDTH * sizeof *r->map);
    return true;
}

/* The class of rows that were in `old` and have this symbol: the first symbol that comes
 * keeps the old number. False when memory is short. */
static bool refine(refiner *r, uint16_t *class, unsigned symbol)
{
    uint32_t *slot = &r->map[*class * MAP_WIDTH + symbol];
    if (*slot == 0) {
        uint32_t *taken = &r->map[*class * MAP_WIDTH + SYMBOLS];
        if (*taken == 0 || r->count == FL_CLASSES_MAX) {
            *taken = 1;
            *slot = (uint32_t) * class + 1;
        } else {
            if (!fl_memory_grow((void **)&r->shapes, &r->shapes_room, r->count + 1,
                                sizeof *r->shapes))
                return false;
            r->shapes[r->count] = r->shapes[*class];
            *slot = (uint32_t)++r->count;
        }
    }
    *class = (uint16_t)(*slot - 1);
    return true;
}

static bool refiner_init(refiner *r, const fl_slice *s)
{
    *r = (refiner){0};
    if (!fl_memory_grow((void **)&r->shapes, &r->shapes_room,
                        s->shape_count ? s->shape_count : 1, sizeof *r->shapes))
        return false;
    for (size_t i = 0; i < s->shape_count; i++)
        r->shapes[i] = (uint16_t)i;
    r->count = s->shape_count;
    return true;
}

static void refiner_free(refiner *r)
{
    fl_memory_free(r->shapes);
    fl_memory_free(r->map);
}

/* Tries a feature on the sample: *taken when what it tells about other cells is more than
 * the classes cost that it makes. False when memory is short. */
static bool try_feature(refiner *r, sample *sm, const fl_slice *s,
                        const fl_talks *talks, const feature *f, size_t limit,
                        bool *taken)
{
    uint64_t cost = 0;
    uint16_t *refined = fl_memory_alloc(sm->count, sizeof *refined);
    size_t before = r->count;
    const uint64_t *numbers = numbers_of(sm, s, f->cell);
    const uint64_t *copied = f->copy ? numbers_of(sm, s, f->copy) : numbers;
    bool sound = refined && refiner_begin(r);
    for (size_t i = 0; sound && i < sm->count; i++) {
        refined[i] = sm->classes[i];
        bool copies = f->copy && sample_has(sm, s, f->copy, i);
        uint64_t other = copies ? copied[i] : ~numbers[i] * f->unit;
        if (sample_has(sm, s, f->cell, i))
            sound = refine(r, &refined[i], symbol_of(f, numbers[i], other));
    }
    *taken = false;
    if (sound && r->count > before && r->count <= limit) {
        sound = classes_cost(sm, s, talks, refined, r->count, &cost);
        uint64_t gain = cost < sm->cost ? (sm->cost - cost) * s->rows / sm->count : 0;
        *taken = sound && gain > (r->count - before) * CLASS_BITS;
    }
    if (*taken) {
        memcpy(sm->classes, refined, sm->count * sizeof *refined);
        sm->cost = cost;
    } else {
        r->count = before;
    }
    fl_memory_free(refined);
    return sound;
}

enum { CHUNK = 1024 };

/* Refines the classes of all rows by one feature. */
static bool apply_feature(refiner *r, const fl_slice *s, const feature *f,
                          uint16_t *classes)
{
    uint32_t rows[CHUNK];
    uint64_t numbers[CHUNK];
    uint64_t copied[CHUNK];
    bool everywhere = fl_slice_has_everywhere(s, f->cell->number) &&
                      (!f->copy || fl_slice_has_everywhere(s, f->copy->number));
    if (!refiner_begin(r))
        return false;
    for (size_t start = 0; start < s->rows; start += CHUNK) {
        size_t end = start + CHUNK < s->rows ? start + CHUNK : s->rows;
        size_t count = 0;
        bool copies = f->copy != NULL;
        if (everywhere) {
            count = end - start;
            fl_cell_gather_all(s, f->cell, start, count, numbers);
            if (copies)
                fl_cell_gather_all(s, f->copy, start, count, copied);
            for (size_t i = 0; i < count; i++) {
                uint64_t other = copies ? copied[i] : ~numbers[i] * f->unit;
                if (!refine(r, &classes[start + i], symbol_of(f, numbers[i], other)))
                    return false;
            }
            continue;
        }
        for (size_t row = start; row < end; row++)
            if (fl_slice_has(s, s->shapes[row], f->cell->number)) {
                rows[count++] = (uint32_t)row;
                copies = copies && fl_slice_has(s, s->shapes[row], f->copy->number);
            }
        fl_cell_gather(s, f->cell, rows, count, numbers);
        if (copies)
            fl_cell_gather(s, f->copy, rows, count, copied);
        for (size_t i = 0; i < count; i++) {
            uint64_t other = copies ? copied[i] : ~numbers[i] * f->unit;
            if (!refine(r, &classes[rows[i]], symbol_of(f, numbers[i], other)))
                return false;
        }
    }
    return true;
}

/* --- from class numbers to rows in order --- */

/* Small classes of one shape become one. */
static bool merge_small(fl_classes *classes, refiner *r, size_t rows, size_t shapes)
{
    uint32_t *size = fl_memory_zalloc(r->count, sizeof *size);
    uint32_t *to = fl_memory_alloc(r->count, sizeof *to);
    uint32_t *rest = fl_memory_alloc(shapes, sizeof *rest);
    if (size && to && rest) {
        for (size_t row = 0; row < rows; row++)
            size[classes->of_row[row]]++;
        for (size_t i = 0; i < shapes; i++)
            rest[i] = UINT32_MAX;
        for (size_t i = 0; i < r->count; i++) {
            bool small = size[i] < CLASS_ROWS_MIN;
            if (small && rest[r->shapes[i]] == UINT32_MAX)
                rest[r->shapes[i]] = (uint32_t)i;
            to[i] = small ? rest[r->shapes[i]] : (uint32_t)i;
        }
        for (size_t row = 0; row < rows; row++)
            classes->of_row[row] = (uint16_t)to[classes->of_row[row]];
    }
    bool done = size && to && rest;
    fl_memory_free(size);
    fl_memory_free(to);
    fl_memory_free(rest);
    return done;
}

/* A class and what its first row has for the features: classes that differ little stand
 * side by side. */
typedef struct leaf {
    uint32_t class;
    uint32_t size;
    uint16_t shape;
    uint8_t symbols[FEATURES_MAX];
} leaf;

static int by_symbols(const void *left, const void *right)
{
    const leaf *a = left;
    const leaf *b = right;
    if (a->shape != b->shape)
        return a->shape < b->shape ? -1 : 1;
    int order = memcmp(a->symbols, b->symbols, sizeof a->symbols);
    return order ? order : a->class < b->class ? -1 : 1;
}

static void describe_leaf(leaf *out, const fl_slice *s, const feature *features,
                          size_t count, size_t row)
{
    uint32_t at = (uint32_t)row;
    for (size_t i = 0; i < count; i++) {
        const feature *f = &features[i];
        uint64_t number;
        uint64_t copied;
        if (!fl_slice_has(s, s->shapes[row], f->cell->number))
            continue;
        fl_cell_gather(s, f->cell, &at, 1, &number);
        copied = ~number * f->unit;
        if (f->copy && fl_slice_has(s, s->shapes[row], f->copy->number))
            fl_cell_gather(s, f->copy, &at, 1, &copied);
        out->symbols[i] = (uint8_t)symbol_of(f, number, copied);
    }
}

/* Numbers the classes that have rows anew and lists their rows. */
static bool put_in_order(fl_classes *classes, const fl_slice *s,
                         const feature *features, size_t feature_count, size_t count)
{
    leaf *leaves = fl_memory_zalloc(count, sizeof *leaves);
    uint32_t *number = fl_memory_alloc(count, sizeof *number);
    if (!leaves || !number)
        goto out;
    for (size_t row = 0; row < s->rows; row++) {
        leaf *one = &leaves[classes->of_row[row]];
        if (one->size++ == 0) {
            one->class = classes->of_row[row];
            one->shape = s->shapes[row];
            describe_leaf(one, s, features, feature_count, row);
        }
    }
    for (size_t i = 0; i < count; i++)
        if (leaves[i].size)
            leaves[classes->count++] = leaves[i];
    qsort(leaves, classes->count, sizeof *leaves, by_symbols);
    classes->first = fl_memory_alloc(classes->count + 1, sizeof *classes->first);
    classes->shapes = fl_memory_alloc(classes->count, sizeof *classes->shapes);
    classes->rows = fl_memory_alloc(s->rows, sizeof *classes->rows);
    if (!classes->first || !classes->shapes || !classes->rows)
        goto out;
    uint32_t first = 0;
    for (size_t i = 0; i < classes->count; i++) {
        number[leaves[i].class] = (uint32_t)i;
        classes->first[i] = first;
        classes->shapes[i] = leaves[i].shape;
        first += leaves[i].size;
    }
    classes->first[classes->count] = first;
    for (size_t row = 0; row < s->rows; row++) {
        uint32_t class = number[classes->of_row[row]];
        classes->of_row[row] = (uint16_t) class;
        classes->rows[classes->first[class]++] = (uint32_t)row;
    }
    memmove(classes->first + 1, classes->first,
            classes->count * sizeof *classes->first);
    classes->first[0] = 0;
out:
    fl_memory_free(number);
    fl_memory_free(leaves);
    return classes->first && classes->shapes && classes->rows;
}

/* Rows of conversations first of all, by direction: what they have is told in other ways. */
static bool apply_talks(refiner *r, const fl_talks *talks, const uint32_t *rows,
                        size_t count, uint16_t *classes)
{
    if (!talks->talk_of_row)
        return true;
    if (!refiner_begin(r))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!refine(r, &classes[i], talks->talk_of_row[rows ? rows[i] : i]))
            return false;
    return true;
}

static bool mark_talks(fl_classes *classes, const fl_talks *talks)
{
    classes->talks = fl_memory_zalloc(classes->count, 1);
    if (!classes->talks)
        return false;
    for (size_t c = 0; talks->talk_of_row && c < classes->count; c++) {
        uint8_t talk = talks->talk_of_row[classes->rows[classes->first[c]]];
        for (uint32_t i = classes->first[c]; i < classes->first[c + 1]; i++)
            if (talks->talk_of_row[classes->rows[i]] != talk)
                talk = FL_TALK_NONE;
        classes->talks[c] = talk;
    }
    return true;
}

bool fl_classes_make(fl_classes *classes, const fl_slice *s, const fl_talks *talks)
{
    sample sm;
    refiner trial = {0};
    refiner whole = {0};
    feature features[FEATURES_MAX];
    size_t taken = 0;
    *classes = (fl_classes){0};
    classes->of_row = fl_memory_alloc(s->rows, sizeof *classes->of_row);
    bool sound = sample_init(&sm, s) && classes->of_row && refiner_init(&trial, s) &&
                 refiner_init(&whole, s);
    if (!sound)
        goto out;
    if (s->rows)
        memcpy(classes->of_row, s->shapes, s->rows * sizeof *s->shapes);
    sound = apply_talks(&trial, talks, sm.rows, sm.count, sm.classes) &&
            apply_talks(&whole, talks, NULL, s->rows, classes->of_row);
    size_t limit = trial.count + CLASSES_MOST;
    size_t count = find_features(&sm, s, features);
    label_rows(&sm, s);
    sound = sound && classes_cost(&sm, s, talks, sm.classes, trial.count, &sm.cost);
    for (size_t i = 0; sound && i < count; i++) {
        bool good;
        sound = try_feature(&trial, &sm, s, talks, &features[i], limit, &good);
        if (sound && good)
            features[taken++] = features[i];
    }
    for (size_t i = 0; sound && i < taken; i++)
        sound = apply_feature(&whole, s, &features[i], classes->of_row);
    sound = sound && merge_small(classes, &whole, s->rows, s->shape_count) &&
            put_in_order(classes, s, features, taken, whole.count) &&
            mark_talks(classes, talks);
out:
    refiner_free(&trial);
    refiner_free(&whole);
    sample_free(&sm);
    return sound;
}

void fl_classes_free(fl_classes *classes)
{
    fl_memory_free(classes->of_row);
    fl_memory_free(classes->rows);
    fl_memory_free(classes->first);
    fl_memory_free(classes->shapes);
    fl_memory_free(classes->talks);
}
