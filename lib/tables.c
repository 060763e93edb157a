#include "tables.h"

#include "bits.h"

enum { TABLE_NUMBERS = 0, TABLE_RANKS = 1, TABLE_STEPS = 2 };

static uint64_t *list_steps(const uint64_t *table, size_t count)
{
    uint64_t *steps = fl_memory_alloc(count, sizeof *steps);
    for (size_t i = 0; steps && i < count; i++)
        steps[i] = i ? table[i] - table[i - 1] : table[i];
    return steps;
}

/* How the table is stored, and what that costs. Memory may be short: numbers always do. */
static unsigned choose(const uint64_t *table, size_t count, bool pack_only,
                       uint64_t *cost)
{
    unsigned best = TABLE_NUMBERS;
    fl_ranks ranks;
    uint64_t *steps = list_steps(table, count);
    *cost = fl_integers_cost(table, count, pack_only);
    if (steps) {
        uint64_t stepped = fl_integers_cost(steps, count, pack_only);
        if (stepped < *cost) {
            *cost = stepped;
            best = TABLE_STEPS;
        }
    }
    if (fl_ranks_make(&ranks, table, count)) {
        uint64_t ranked = fl_ranks_cost(&ranks, count, pack_only);
        if (ranked < *cost) {
            *cost = ranked;
            best = TABLE_RANKS;
        }
    }
    fl_ranks_free(&ranks);
    fl_memory_free(steps);
    return best;
}

uint64_t fl_table_cost(const uint64_t *table, size_t count, bool pack_only)
{
    uint64_t cost;
    choose(table, count, pack_only, &cost);
    return cost;
}

static bool put_ranks(fl_integers *integers, fl_buffer *out, const uint64_t *table,
                      size_t count)
{
    fl_ranks ranks;
    uint64_t *codes = fl_memory_alloc(count, sizeof *codes);
    bool made = fl_ranks_make(&ranks, table, count) && codes;
    if (made) {
        fl_ranks_put(&ranks, integers, out);
        for (size_t i = 0; i < count; i++)
            codes[i] = ranks.codes[i];
        fl_integers_put(integers, out, codes, count, NULL, 0);
    }
    fl_ranks_free(&ranks);
    fl_memory_free(codes);
    return made;
}

void fl_table_put(fl_integers *integers, fl_buffer *out, const uint64_t *table,
                  size_t count)
{
    uint64_t cost;
    unsigned how = choose(table, count, integers->pack_only, &cost);
    fl_buffer_byte(out, (char)how);
    if (how == TABLE_NUMBERS) {
        fl_integers_put(integers, out, table, count, NULL, 0);
    } else if (how == TABLE_RANKS) {
        if (!put_ranks(integers, out, table, count))
            out->failed = true;
    } else {
        uint64_t *steps = list_steps(table, count);
        if (steps)
            fl_integers_put(integers, out, steps, count, NULL, 0);
        else
            out->failed = true;
        fl_memory_free(steps);
    }
}

bool fl_table_get(fl_integers *integers, fl_cursor *in, uint64_t *table, size_t count)
{
    uint64_t *list = NULL;
    size_t listed = 0;
    unsigned how = (unsigned)fl_cursor_get(in, 1);
    if (in->failed || how > TABLE_STEPS)
        return false;
    bool sound =
        (how != TABLE_RANKS || fl_ranks_get(integers, in, count, &list, &listed)) &&
        fl_integers_get(integers, in, table, count);
    for (size_t i = 0; sound && how == TABLE_RANKS && i < count; i++) {
        sound = table[i] < listed;
        if (sound)
            table[i] = list[table[i]];
    }
    for (size_t i = 1; sound && how == TABLE_STEPS && i < count; i++)
        table[i] += table[i - 1];
    fl_pool_give(integers->pool, list);
    return sound;
}

/* --- what hangs --- */

uint64_t *fl_table_vote(const uint64_t *numbers, const uint32_t *codes, size_t count,
                        size_t ranks)
{
    uint32_t *votes = fl_memory_zalloc(ranks, sizeof *votes);
    uint64_t *table = fl_memory_zalloc(ranks, sizeof *table);
    if (!votes || !table) {
        fl_memory_free(votes);
        fl_memory_free(table);
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        uint32_t code = codes[i];
        if (votes[code] == 0) {
            table[code] = numbers[i];
            votes[code] = 1;
        } else if (table[code] == numbers[i]) {
            votes[code]++;
        } else {
            votes[code]--;
        }
    }
    /* Ranks without a place are as the one before. */
    memset(votes, 0, ranks * sizeof *votes);
    for (size_t i = 0; i < count; i++)
        votes[codes[i]] = 1;
    for (size_t i = 1; i < ranks; i++)
        if (!votes[i])
            table[i] = table[i - 1];
    fl_memory_free(votes);
    return table;
}

size_t fl_table_exceptions(const uint64_t *table, const uint64_t *numbers,
                           const uint32_t *codes, size_t count)
{
    size_t exceptions = 0;
    for (size_t i = 0; i < count; i++)
        exceptions += table[codes[i]] != numbers[i];
    return exceptions;
}

uint64_t fl_table_exceptions_cost(size_t exceptions, size_t count)
{
    return exceptions * (fl_bits_width(count) + 32);
}

void fl_table_put_exceptions(fl_integers *integers, fl_buffer *out,
                             const uint64_t *table, const uint64_t *numbers,
                             const uint32_t *codes, size_t count)
{
    size_t exceptions = fl_table_exceptions(table, numbers, codes, count);
    uint64_t *places = fl_memory_alloc(exceptions, sizeof *places);
    uint64_t *others = fl_memory_alloc(exceptions, sizeof *others);
    size_t next = 0;
    size_t last = 0;
    fl_bytes_put_varint(out, exceptions);
    for (size_t i = 0; places && others && i < count; i++)
        if (table[codes[i]] != numbers[i]) {
            places[next] = i - last;
            others[next++] = numbers[i];
            last = i;
        }
    if (places && others) {
        fl_integers_put(integers, out, places, exceptions, NULL, 0);
        fl_integers_put(integers, out, others, exceptions, NULL, 0);
    } else {
        out->failed = true;
    }
    fl_memory_free(places);
    fl_memory_free(others);
}

/* Where exceptions are, as distances, and what is there. */
static bool get_exceptions(fl_integers *integers, fl_cursor *in, size_t limit,
                           uint64_t **places, uint64_t **others, size_t *count)
{
    uint64_t many = fl_cursor_varint(in);
    *places = *others = NULL;
    if (in->failed || many > limit)
        return false;
    *count = (size_t)many;
    *places = fl_pool_take(integers->pool, *count, sizeof **places);
    *others = fl_pool_take(integers->pool, *count, sizeof **others);
    if (!*places || !*others)
        integers->no_memory = true;
    return *places && *others && fl_integers_get(integers, in, *places, *count) &&
           fl_integers_get(integers, in, *others, *count);
}

bool fl_table_get_exceptions(fl_integers *integers, fl_cursor *in, uint64_t *numbers,
                             size_t count)
{
    uint64_t *places;
    uint64_t *others;
    size_t exceptions;
    bool sound = get_exceptions(integers, in, count, &places, &others, &exceptions);
    uint64_t at = 0;
    for (size_t i = 0; sound && i < exceptions; i++) {
        sound = places[i] < count - at;
        at += places[i];
        if (sound)
            numbers[at] = others[i];
    }
    fl_pool_give(integers->pool, places);
    fl_pool_give(integers->pool, others);
    return sound;
}

bool fl_table_get_others(fl_integers *integers, fl_cursor *in, size_t limit,
                         uint64_t **numbers, size_t *count)
{
    uint64_t *places;
    bool sound = get_exceptions(integers, in, limit, &places, numbers, count);
    fl_pool_give(integers->pool, places);
    if (!sound) {
        fl_pool_give(integers->pool, *numbers);
        *numbers = NULL;
        *count = 0;
    }
    return sound;
}
