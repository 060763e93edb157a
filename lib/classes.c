#include "classes.h"

#include <stdlib.h>
#include <string.h>

#include "traits.h"

enum {
    MAP_WIDTH = FL_TRAIT_SYMBOLS + 1, /* and a mark that the old number is taken */
    CLASSES_MOST = 1024,              /* of a block, beside those that shapes make */
    CLASS_BITS = 8 * 60,              /* that a class costs, about */
    CLASS_ROWS_MIN = 32               /* smaller ones of a shape are put together */
};

/* --- refining --- */

/* Classes as they come out of the traits taken so far: a tree, of which only the leaves
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
        uint32_t *taken = &r->map[*class * MAP_WIDTH + FL_TRAIT_SYMBOLS];
        if (*taken == 0 || r->count == FL_CLASSES_MAX) {
            *taken = 1;
            *slot = *class + UINT32_C(1);
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

/* Tries a trait on the sample: *taken when what it tells about other cells is more than
 * the classes cost that it makes. False when memory is short. */
static bool try_trait(refiner *r, fl_sample *sm, const fl_slice *s,
                      const fl_talks *talks, const fl_trait *f, size_t limit,
                      bool *taken)
{
    uint64_t cost = 0;
    uint16_t *refined = fl_memory_alloc(sm->count, sizeof *refined);
    size_t before = r->count;
    const uint64_t *numbers = fl_sample_numbers(sm, s, f->cell);
    const uint64_t *copied = f->copy ? fl_sample_numbers(sm, s, f->copy) : numbers;
    bool sound = refined && refiner_begin(r);
    for (size_t i = 0; sound && i < sm->count; i++) {
        refined[i] = sm->classes[i];
        bool copies = f->copy && fl_sample_has(sm, s, f->copy, i);
        uint64_t other = copies ? copied[i] : ~numbers[i] * f->unit;
        if (fl_sample_has(sm, s, f->cell, i))
            sound = refine(r, &refined[i], fl_trait_symbol(f, numbers[i], other));
    }
    *taken = false;
    if (sound && r->count > before && r->count <= limit) {
        sound = fl_sample_cost(sm, s, talks, refined, r->count, &cost);
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

/* Refines the classes of all rows by one trait. */
static bool apply_trait(refiner *r, const fl_slice *s, const fl_trait *f,
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
                if (!refine(r, &classes[start + i],
                            fl_trait_symbol(f, numbers[i], other)))
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
            if (!refine(r, &classes[rows[i]], fl_trait_symbol(f, numbers[i], other)))
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

/* A class and what its first row has for the traits: classes that differ little stand
 * side by side. */
typedef struct leaf {
    uint32_t class;
    uint32_t size;
    uint16_t shape;
    uint8_t symbols[FL_TRAITS_MAX];
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

static void describe_leaf(leaf *out, const fl_slice *s, const fl_trait *traits,
                          size_t count, size_t row)
{
    uint32_t at = (uint32_t)row;
    for (size_t i = 0; i < count; i++) {
        const fl_trait *f = &traits[i];
        uint64_t number;
        uint64_t copied;
        if (!fl_slice_has(s, s->shapes[row], f->cell->number))
            continue;
        fl_cell_gather(s, f->cell, &at, 1, &number);
        copied = ~number * f->unit;
        if (f->copy && fl_slice_has(s, s->shapes[row], f->copy->number))
            fl_cell_gather(s, f->copy, &at, 1, &copied);
        out->symbols[i] = (uint8_t)fl_trait_symbol(f, number, copied);
    }
}

/* Numbers the classes that have rows anew and lists their rows. */
static bool put_in_order(fl_classes *classes, const fl_slice *s, const fl_trait *traits,
                         size_t trait_count, size_t count)
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
            describe_leaf(one, s, traits, trait_count, row);
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
    fl_sample sm;
    uint16_t *order = fl_traits_cell_order(s);
    refiner trial = {0};
    refiner whole = {0};
    fl_trait traits[FL_TRAITS_MAX];
    size_t taken = 0;
    *classes = (fl_classes){0};
    classes->of_row = fl_memory_alloc(s->rows, sizeof *classes->of_row);
    bool sound = fl_sample_init(&sm, s, order) && order && classes->of_row &&
                 refiner_init(&trial, s) && refiner_init(&whole, s);
    if (!sound)
        goto out;
    if (s->rows)
        memcpy(classes->of_row, s->shapes, s->rows * sizeof *s->shapes);
    sound = apply_talks(&trial, talks, sm.rows, sm.count, sm.classes) &&
            apply_talks(&whole, talks, NULL, s->rows, classes->of_row);
    size_t limit = trial.count + CLASSES_MOST;
    size_t count = fl_traits_find(&sm, s, traits);
    sound = sound && fl_sample_cost(&sm, s, talks, sm.classes, trial.count, &sm.cost);
    for (size_t i = 0; sound && i < count; i++) {
        bool good;
        sound = try_trait(&trial, &sm, s, talks, &traits[i], limit, &good);
        if (sound && good)
            traits[taken++] = traits[i];
    }
    for (size_t i = 0; sound && i < taken; i++)
        sound = apply_trait(&whole, s, &traits[i], classes->of_row);
    sound = sound && merge_small(classes, &whole, s->rows, s->shape_count) &&
            put_in_order(classes, s, traits, taken, whole.count) &&
            mark_talks(classes, talks);
out:
    refiner_free(&trial);
    refiner_free(&whole);
    fl_sample_free(&sm);
    fl_memory_free(order);
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
