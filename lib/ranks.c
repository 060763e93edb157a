#include "ranks.h"

#include "bits.h"

enum {
    SINGLE = 16, /* ranks below are buckets of their own */
    COUNTS_MAX = 65535
};

/* The rank behind the bucket that begins with `first`: a quarter of the next power of
 * two, as in tokens of lib/integers.c. */
static size_t bucket_end(size_t first)
{
    if (first < SINGLE)
        return first + 1;
    unsigned top = fl_bits_width(first) - 1;
    return first + ((size_t)1 << (top - 2));
}

/* --- counting --- */

typedef struct entry {
    uint64_t number;
    uint32_t count;
    uint32_t at; /* in order of appearance */
} entry;

/* Numbers the different values as they come; codes are these numbers for now. */
static bool count_values(const uint64_t *values, size_t count, uint32_t *codes,
                         entry **entries, size_t *entry_count)
{
    size_t size = 64;
    while (size < 2 * count)
        size *= 2;
    uint32_t *slots = fl_memory_zalloc(size, sizeof *slots);
    unsigned shift = 64 - (fl_bits_width(size) - 1);
    entry *list =
        fl_memory_alloc(count, sizeof *list); /* what is not used stays untouched */
    size_t listed = 0;
    for (size_t i = 0; slots && list && i < count; i++) {
        size_t at = (size_t)((values[i] * UINT64_C(0x9E3779B97F4A7C15)) >> shift);
        while (slots[at] && list[slots[at] - 1].number != values[i])
            at = (at + 1) & (size - 1);
        if (!slots[at]) {
            list[listed] = (entry){values[i], 0, (uint32_t)listed};
            slots[at] = (uint32_t)++listed;
        }
        codes[i] = slots[at] - 1;
        list[codes[i]].count++;
    }
    bool sound = slots && list;
    fl_memory_free(slots);
    *entries = list;
    *entry_count = listed;
    return sound;
}

/* --- sorting --- */

/* By number, ascending: eight bits a pass, passes in which all agree left out. */
static entry *sort_by_number(entry *entries, entry *other, size_t count)
{
    for (unsigned shift = 0; shift < 64; shift += 8) {
        size_t start[257] = {0};
        for (size_t i = 0; i < count; i++)
            start[(entries[i].number >> shift & 255) + 1]++;
        bool same = false;
        for (size_t i = 1; i <= 256 && !same; i++)
            same = start[i] == count;
        if (same)
            continue;
        for (size_t i = 0; i < 256; i++)
            start[i + 1] += start[i];
        for (size_t i = 0; i < count; i++)
            other[start[entries[i].number >> shift & 255]++] = entries[i];
        entry *done = other;
        other = entries;
        entries = done;
    }
    return entries;
}

/* By count, descending, else as they are. Counts of 65535 and more are alike. */
static bool sort_by_count(const entry *entries, entry *out, size_t count)
{
    uint32_t most = 0;
    for (size_t i = 0; i < count; i++)
        most = entries[i].count > most ? entries[i].count : most;
    most = most < COUNTS_MAX ? most : COUNTS_MAX;
    size_t *start = fl_memory_zalloc((size_t)most + 2, sizeof *start);
    if (!start)
        return false;
    for (size_t i = 0; i < count; i++) {
        uint32_t many = entries[i].count < most ? entries[i].count : most;
        start[most - many + 1]++;
    }
    for (size_t i = 0; i <= most; i++)
        start[i + 1] += start[i];
    for (size_t i = 0; i < count; i++) {
        uint32_t many = entries[i].count < most ? entries[i].count : most;
        out[start[most - many]++] = entries[i];
    }
    fl_memory_free(start);
    return true;
}

/* Entries by count to ranks: inside a bucket, numbers ascend. `rank` is per entry by
 * order of appearance. */
static void assign_ranks(fl_ranks *ranks, entry *by_count, entry *other, uint32_t *rank)
{
    for (size_t first = 0; first < ranks->count;) {
        size_t end = bucket_end(first);
        end = end < ranks->count ? end : ranks->count;
        entry *bucket = by_count + first;
        size_t size = end - first;
        if (size > 1)
            bucket = sort_by_number(bucket, other, size);
        for (size_t i = 0; i < size; i++) {
            ranks->numbers[first + i] = bucket[i].number;
            rank[bucket[i].at] = (uint32_t)(first + i);
        }
        first = end;
    }
}

bool fl_ranks_make(fl_ranks *ranks, const uint64_t *values, size_t count)
{
    entry *entries = NULL;
    entry *other = NULL;
    entry *by_count = NULL;
    uint32_t *rank = NULL;
    bool sound = false;
    *ranks = (fl_ranks){0};
    ranks->codes = fl_memory_alloc(count, sizeof *ranks->codes);
    if (!ranks->codes ||
        !count_values(values, count, ranks->codes, &entries, &ranks->count))
        goto out;
    other = fl_memory_alloc(ranks->count, sizeof *other);
    by_count = fl_memory_alloc(ranks->count, sizeof *by_count);
    rank = fl_memory_alloc(ranks->count, sizeof *rank);
    ranks->numbers = fl_memory_alloc(ranks->count, sizeof *ranks->numbers);
    if (!other || !by_count || !rank || !ranks->numbers)
        goto out;
    /* Rare numbers are often as rare as each other: in order of number, neighbours then
     * share a bucket. */
    entry *sorted = sort_by_number(entries, other, ranks->count);
    if (!sort_by_count(sorted, by_count, ranks->count))
        goto out;
    assign_ranks(ranks, by_count, other, rank);
    for (size_t i = 0; i < count; i++)
        ranks->codes[i] = rank[ranks->codes[i]];
    sound = true;
out:
    fl_memory_free(entries);
    fl_memory_free(other);
    fl_memory_free(by_count);
    fl_memory_free(rank);
    return sound;
}

void fl_ranks_free(fl_ranks *ranks)
{
    fl_memory_free(ranks->numbers);
    fl_memory_free(ranks->codes);
    *ranks = (fl_ranks){0};
}

/* --- the list --- */

/* What begins each bucket, then the steps to the others. */
static bool split_list(const fl_ranks *ranks, uint64_t *firsts, size_t *first_count,
                       uint64_t *steps, uint32_t *cuts, size_t *cut_count)
{
    size_t step = 0;
    *first_count = *cut_count = 0;
    for (size_t first = 0; first < ranks->count; first = bucket_end(first)) {
        size_t end = bucket_end(first);
        end = end < ranks->count ? end : ranks->count;
        firsts[(*first_count)++] = ranks->numbers[first];
        for (size_t i = first + 1; i < end; i++)
            steps[step++] = ranks->numbers[i] - ranks->numbers[i - 1];
        if (step && (*cut_count == 0 || cuts[*cut_count - 1] != step))
            cuts[(*cut_count)++] = (uint32_t)step;
    }
    return step > 0;
}

enum { BUCKETS_MAX = SINGLE + 4 * 32 };

void fl_ranks_put(const fl_ranks *ranks, fl_integers *integers, fl_buffer *out)
{
    uint64_t firsts[BUCKETS_MAX];
    uint32_t cuts[BUCKETS_MAX];
    size_t first_count;
    size_t cut_count;
    uint64_t *steps = fl_memory_alloc(ranks->count, sizeof *steps);
    if (!steps) {
        out->failed = true;
        return;
    }
    fl_bytes_put_varint(out, ranks->count);
    bool more = split_list(ranks, firsts, &first_count, steps, cuts, &cut_count);
    fl_integers_put(integers, out, firsts, first_count, NULL, 0);
    if (more)
        fl_integers_put(integers, out, steps, ranks->count - first_count, cuts,
                        cut_count);
    fl_memory_free(steps);
}

uint64_t fl_ranks_cost(const fl_ranks *ranks, size_t count, bool pack_only)
{
    uint64_t cost = 0;
    uint64_t *numbers = fl_memory_alloc(count, sizeof *numbers);
    if (!numbers)
        return UINT64_MAX;
    for (size_t i = 0; i < count; i++)
        numbers[i] = ranks->codes[i];
    cost += fl_integers_cost(numbers, count, pack_only);
    uint64_t firsts[BUCKETS_MAX];
    uint32_t cuts[BUCKETS_MAX];
    size_t first_count;
    size_t cut_count;
    split_list(ranks, firsts, &first_count, numbers, cuts, &cut_count);
    cost += fl_integers_cost(firsts, first_count, pack_only) +
            fl_integers_cost(numbers, ranks->count - first_count, pack_only);
    fl_memory_free(numbers);
    return cost;
}

bool fl_ranks_get(fl_integers *integers, fl_cursor *in, size_t limit,
                  uint64_t **numbers, size_t *count)
{
    uint64_t firsts[BUCKETS_MAX];
    size_t first_count = 0;
    uint64_t many = fl_cursor_varint(in);
    *numbers = NULL;
    *count = 0;
    if (in->failed || many > limit || many > UINT32_MAX)
        return false;
    for (size_t first = 0; first < many; first = bucket_end(first))
        first_count++;
    uint64_t *list = fl_pool_take(integers->pool, (size_t)many, sizeof *list);
    uint64_t *steps =
        fl_pool_take(integers->pool, (size_t)many - first_count, sizeof *steps);
    if (!list || !steps)
        integers->no_memory = true;
    bool sound = list && steps && fl_integers_get(integers, in, firsts, first_count) &&
                 fl_integers_get(integers, in, steps, (size_t)many - first_count);
    size_t step = 0;
    size_t bucket = 0;
    for (size_t first = 0; sound && first < many; first = bucket_end(first)) {
        list[first] = firsts[bucket++];
        for (size_t i = first + 1; i < bucket_end(first) && i < many; i++)
            list[i] = list[i - 1] + steps[step++];
    }
    fl_pool_give(integers->pool, steps);
    if (!sound) {
        fl_pool_give(integers->pool, list);
        return false;
    }
    *numbers = list;
    *count = (size_t)many;
    return true;
}
