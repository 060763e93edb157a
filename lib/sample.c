#include "sample.h"

#include <string.h>

#include "bits.h"

enum {
    SAMPLE_ROWS = 2048,
    COMMON_MAX = 16, /* numbers of a cell that are told apart */
    MARKS = COMMON_MAX + 32
};

bool fl_sample_init(fl_sample *sm, const fl_slice *s, const uint16_t *order)
{
    *sm = (fl_sample){0};
    sm->count = s->rows < SAMPLE_ROWS ? s->rows : SAMPLE_ROWS;
    sm->rows = fl_memory_alloc(sm->count, sizeof *sm->rows);
    sm->classes = fl_memory_alloc(sm->count, sizeof *sm->classes);
    sm->numbers = fl_memory_zalloc(sm->count * s->cell_count, sizeof *sm->numbers);
    sm->slot_count = 64;
    while (sm->slot_count < 4 * sm->count)
        sm->slot_count *= 2;
    sm->slots = fl_memory_alloc(sm->slot_count, sizeof *sm->slots);
    sm->counts = fl_memory_alloc(sm->slot_count, sizeof *sm->counts);
    sm->order = order;
    sm->marks = fl_memory_zalloc(sm->count * s->cell_count, 1);
    sm->by_class = fl_memory_alloc(sm->count, sizeof *sm->by_class);
    sm->labels = fl_memory_alloc(sm->count, sizeof *sm->labels);
    if (!sm->marks || !sm->by_class || !sm->labels || !sm->rows || !sm->classes ||
        !sm->numbers || !sm->slots || !sm->counts)
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

void fl_sample_free(fl_sample *sm)
{
    fl_memory_free(sm->rows);
    fl_memory_free(sm->classes);
    fl_memory_free(sm->numbers);
    fl_memory_free(sm->slots);
    fl_memory_free(sm->counts);
    fl_memory_free(sm->marks);
    fl_memory_free(sm->labels);
    fl_memory_free(sm->by_class);
}

static size_t slot_of(const fl_sample *sm, uint64_t number)
{
    return (size_t)((number * UINT64_C(0x9E3779B97F4A7C15)) >> 32) &
           (sm->slot_count - 1);
}

static void clear_counts(fl_sample *sm)
{
    memset(sm->slots, 0, sm->slot_count * sizeof *sm->slots);
    memset(sm->counts, 0, sm->slot_count * sizeof *sm->counts);
}

/* Counts the key of a row. True when it is the first of its like. */
static bool count_key(fl_sample *sm, const uint64_t *keys, size_t row)
{
    size_t at = slot_of(sm, keys[row]);
    while (sm->slots[at] && keys[sm->slots[at] - 1] != keys[row])
        at = (at + 1) & (sm->slot_count - 1);
    bool first = sm->slots[at] == 0;
    if (first)
        sm->slots[at] = (uint32_t)row + 1;
    sm->counts[at]++;
    return first;
}

size_t fl_sample_count(fl_sample *sm, const fl_slice *s, const fl_cell *cell)
{
    const uint64_t *numbers = fl_sample_numbers(sm, s, cell);
    size_t different = 0;
    clear_counts(sm);
    for (size_t i = 0; i < sm->count; i++)
        if (fl_sample_has(sm, s, cell, i))
            different += count_key(sm, numbers, i);
    return different;
}

/* --- what classes cost --- */

/* A number by what it is: one of the cell's commonest, or so large. Few marks, so that
 * even a class of a few dozen rows of the sample says something about them. */
void fl_sample_mark(fl_sample *sm, const fl_slice *s, const fl_cell *cell)
{
    const uint64_t *numbers = fl_sample_numbers(sm, s, cell);
    uint8_t *marks = sm->marks + (size_t)(cell - s->cells) * sm->count;
    uint64_t common[COMMON_MAX];
    uint32_t counts[COMMON_MAX];
    size_t found = 0;
    for (size_t i = 0; i < sm->slot_count; i++) {
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

/* Bits that the marks of a cell take in rows [first, end) of by_class: their entropy, and
 * half a logarithm for each kind that there is, as for any model that must be told too. */
static uint64_t marks_cost(const fl_sample *sm, size_t cell, size_t first, size_t end)
{
    const uint8_t *marks = sm->marks + cell * sm->count;
    uint32_t counts[MARKS] = {0};
    size_t rows = end - first;
    for (size_t i = first; i < end; i++)
        counts[marks[sm->by_class[i]]]++;
    uint64_t whole = fl_bits_log2_256(rows);
    uint64_t cost = 0;
    for (size_t i = 0; i < MARKS; i++)
        if (counts[i])
            cost += counts[i] * (whole - fl_bits_log2_256(counts[i])) + whole / 2;
    return counts[marks[sm->by_class[first]]] == rows ? 0 : cost / 256;
}

/* What runs tell is not told by class. */
static bool is_of_run(const fl_cell *cell)
{
    int field = fl_cell_field(cell);
    return field == FLOWAN_FIELD_TIME_RECEIVED_NS ||
           field == FLOWAN_FIELD_SEQUENCE_NUM || field == FLOWAN_FIELD_SAMPLER_ADDRESS;
}

/* Nor what a conversation tells: all but when its rows were, and how much. */
static bool is_of_talk(const fl_cell *cell)
{
    int field = fl_cell_field(cell);
    return cell->column->type != FLOWAN_TYPE_TIME && field != FLOWAN_FIELD_BYTES &&
           field != FLOWAN_FIELD_PACKETS && field != FLOWAN_FIELD_TCP_FLAGS;
}

void fl_sample_label(fl_sample *sm, const fl_slice *s)
{
    for (size_t i = 0; i < sm->count; i++)
        sm->labels[i] = (uint32_t)s->shapes[sm->rows[i]] * 1024;
    for (size_t c = 0; c < s->cell_count; c++)
        if (fl_cell_field(&s->cells[c]) == FLOWAN_FIELD_SAMPLER_ADDRESS)
            for (size_t i = 0; i < sm->count; i++)
                sm->labels[i] = sm->labels[i] * MARKS + sm->marks[c * sm->count + i];
}

/* n log n of how often each key comes, added up, in bits. */
static uint64_t sum_of_logs(fl_sample *sm, const uint64_t *keys)
{
    uint64_t sum = 0;
    clear_counts(sm);
    for (size_t i = 0; i < sm->count; i++)
        count_key(sm, keys, i);
    for (size_t i = 0; i < sm->slot_count; i++)
        if (sm->counts[i])
            sum += sm->counts[i] * fl_bits_log2_256(sm->counts[i]) / 256;
    return sum;
}

/* Bits that it takes to tell the class of each row whose label is known. */
static uint64_t codes_cost(fl_sample *sm, const uint16_t *classes, uint64_t *keys)
{
    for (size_t i = 0; i < sm->count; i++)
        keys[i] = sm->labels[i];
    uint64_t labels = sum_of_logs(sm, keys);
    for (size_t i = 0; i < sm->count; i++)
        keys[i] = (uint64_t)sm->labels[i] << 16 | classes[i];
    return labels - sum_of_logs(sm, keys);
}

bool fl_sample_cost(fl_sample *sm, const fl_slice *s, const fl_talks *talks,
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
