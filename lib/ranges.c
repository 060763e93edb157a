/* Sorted ranges: made in any order, settled once, then asked. Whole arrays are looked up
 * 64 values at a time, one word of the mask: a set of one range by a comparison without a
 * branch, which compilers make vectors of; ports and the like by a bitmap; all else by
 * binary search. */
#include "ranges.h"

#include <stdlib.h>
#include <string.h>

#include "mask.h"
#include "memory.h"
#include "swar.h"

enum {
    BITMAP_SIZE = 65536, /* numbers that a bitmap covers */
    BITMAP_RANGES = 4    /* so many ranges among them are worth one */
};

/* --- the sets --- */

static int by_low(const void *a, const void *b)
{
    const fl_range *x = a;
    const fl_range *y = b;
    return (x->low > y->low) - (x->low < y->low);
}

bool fl_numbers_add(fl_numbers *set, uint64_t low, uint64_t high)
{
    if (low > high)
        return true;
    if (!fl_memory_grow((void **)&set->ranges, &set->room, set->count + 1,
                        sizeof *set->ranges))
        return false;
    set->ranges[set->count++] = (fl_range){low, high};
    return true;
}

static void set_bits(uint64_t *bits, uint64_t low, uint64_t high)
{
    for (uint64_t word = low / 64; word <= high / 64; word++) {
        uint64_t from = word == low / 64 ? low % 64 : 0;
        uint64_t to = word == high / 64 ? high % 64 : 63;
        bits[word] |= UINT64_MAX >> (63 - to) & UINT64_MAX << from;
    }
}

/* The bitmap, where enough ranges begin in what it covers. */
static bool make_bits(fl_numbers *set)
{
    fl_memory_free(set->bits);
    set->bits = NULL;
    if (set->count < BITMAP_RANGES || set->ranges[BITMAP_RANGES - 1].low >= BITMAP_SIZE)
        return true;
    set->bits = fl_memory_zalloc(BITMAP_SIZE / 64, sizeof *set->bits);
    if (!set->bits)
        return false;
    for (size_t i = 0; i < set->count && set->ranges[i].low < BITMAP_SIZE; i++) {
        uint64_t high = set->ranges[i].high;
        set_bits(set->bits, set->ranges[i].low,
                 high < BITMAP_SIZE ? high : BITMAP_SIZE - 1);
    }
    return true;
}

bool fl_numbers_settle(fl_numbers *set)
{
    if (set->count > 1)
        qsort(set->ranges, set->count, sizeof *set->ranges, by_low);
    size_t kept = 0;
    for (size_t i = 0; i < set->count; i++) {
        fl_range range = set->ranges[i];
        fl_range *last = kept ? &set->ranges[kept - 1] : NULL;
        if (last && (last->high == UINT64_MAX || range.low <= last->high + 1)) {
            if (range.high > last->high)
                last->high = range.high;
        } else {
            set->ranges[kept++] = range;
        }
    }
    set->count = kept;
    return make_bits(set);
}

bool fl_numbers_invert(fl_numbers *set)
{
    fl_numbers outside = {0};
    uint64_t from = 0;
    bool whole = false; /* the last range ended with the last number */
    bool done = true;
    for (size_t i = 0; i < set->count && done; i++) {
        if (set->ranges[i].low > from)
            done = fl_numbers_add(&outside, from, set->ranges[i].low - 1);
        whole = set->ranges[i].high == UINT64_MAX;
        from = set->ranges[i].high + 1;
    }
    if (done && !whole)
        done = fl_numbers_add(&outside, from, UINT64_MAX);
    if (!done || !make_bits(&outside)) {
        fl_numbers_free(&outside);
        return false;
    }
    fl_numbers_free(set);
    *set = outside;
    return true;
}

/* The first range that ends at or behind the number; `count` when there is none. */
static size_t find_number(const fl_numbers *set, uint64_t number)
{
    size_t first = 0;
    size_t left = set->count;
    while (left > 0) {
        size_t half = left / 2;
        bool behind = set->ranges[first + half].high < number;
        first = behind ? first + half + 1 : first;
        left = behind ? left - half - 1 : half;
    }
    return first;
}

bool fl_numbers_has(const fl_numbers *set, uint64_t number)
{
    if (set->bits && number < BITMAP_SIZE)
        return set->bits[number / 64] >> (number % 64) & 1;
    size_t i = find_number(set, number);
    return i < set->count && set->ranges[i].low <= number;
}

fl_verdict fl_numbers_judge(const fl_numbers *set, uint64_t low, uint64_t high)
{
    size_t i = find_number(set, low);
    if (i == set->count || set->ranges[i].low > high)
        return FL_NONE;
    return set->ranges[i].low <= low && high <= set->ranges[i].high ? FL_ALL : FL_SOME;
}

void fl_numbers_free(fl_numbers *set)
{
    fl_memory_free(set->ranges);
    fl_memory_free(set->bits);
    *set = (fl_numbers){0};
}

/* --- whole arrays --- */

/* The word that 64 bytes of 0 or 1 are. */
static uint64_t pack(const unsigned char hits[64])
{
    uint64_t word = 0;
    for (unsigned i = 0; i < 8; i++)
        word |= (uint64_t)fl_swar_bits(fl_swar_load((const char *)hits + 8 * i) << 7)
                << 8 * i;
    return word;
}

/* Defines NAME over arrays of TYPE: each word's values become bytes by HIT (an expression
 * of `value`), in a loop of its own that can be made vectors of. */
#define MATCH(NAME, SET, TYPE, HIT)                                                    \
    static void NAME(SET, const TYPE *values, size_t count, uint64_t *mask)            \
    {                                                                                  \
        for (size_t at = 0; at < count; at += 64) {                                    \
            unsigned char hits[64];                                                    \
            size_t here = count - at < 64 ? count - at : 64;                           \
            if (here < 64)                                                             \
                memset(hits, 0, sizeof hits);                                          \
            for (size_t i = 0; i < here; i++) {                                        \
                TYPE value = values[at + i];                                           \
                hits[i] = (unsigned char)(HIT);                                        \
            }                                                                          \
            mask[at / 64] = pack(hits);                                                \
        }                                                                              \
    }

MATCH(match_range_u64, const fl_range range, uint64_t,
      value - range.low <= range.high - range.low)
MATCH(match_set_u64, const fl_numbers *set, uint64_t, fl_numbers_has(set, value))
MATCH(match_range_u32, const fl_range range, uint32_t,
      value - (uint32_t)range.low <= (uint32_t)(range.high - range.low))
MATCH(match_set_u32, const fl_numbers *set, uint32_t, fl_numbers_has(set, value))

/* The numbers up to `most` that are in none of the set's ranges, where that is one range:
 * the one number of `!=`, say. */
static bool find_gap(const fl_numbers *set, uint64_t most, fl_range *gap)
{
    if (set->count != 2 || set->ranges[0].low != 0 || set->ranges[1].high < most)
        return false;
    *gap = (fl_range){set->ranges[0].high + 1, set->ranges[1].low - 1};
    return true;
}

void fl_numbers_match(const fl_numbers *set, const uint64_t *values, size_t count,
                      uint64_t *mask)
{
    fl_range gap;
    if (set->count == 0) {
        fl_mask_fill(mask, count, false);
    } else if (set->count == 1) {
        match_range_u64(set->ranges[0], values, count, mask);
    } else if (find_gap(set, UINT64_MAX, &gap)) {
        match_range_u64(gap, values, count, mask);
        fl_mask_invert(mask, count);
    } else {
        match_set_u64(set, values, count, mask);
    }
}

void fl_numbers_match_u32(const fl_numbers *set, const uint32_t *values, size_t count,
                          uint64_t *mask)
{
    fl_range gap;
    if (set->count == 0 || set->ranges[0].low > UINT32_MAX) {
        fl_mask_fill(mask, count, false);
    } else if (set->count == 1 || set->ranges[1].low > UINT32_MAX) {
        fl_range range = set->ranges[0];
        if (range.high > UINT32_MAX)
            range.high = UINT32_MAX;
        match_range_u32(range, values, count, mask);
    } else if (find_gap(set, UINT32_MAX, &gap)) {
        match_range_u32(gap, values, count, mask);
        fl_mask_invert(mask, count);
    } else {
        match_set_u32(set, values, count, mask);
    }
}

/* --- addresses --- */

static bool wide_less(fl_wide a, fl_wide b)
{
    return a.high < b.high || (a.high == b.high && a.low < b.low);
}

static bool wide_is_last(fl_wide a)
{
    return (a.high & a.low) == UINT64_MAX;
}

static fl_wide wide_next(fl_wide a)
{
    a.low++;
    a.high += a.low == 0;
    return a;
}

static fl_wide wide_before(fl_wide a)
{
    a.high -= a.low == 0;
    a.low--;
    return a;
}

/* Of eight octets, the first highest. */
static uint64_t load_half(const uint8_t *octet)
{
    return (uint64_t)octet[0] << 56 | (uint64_t)octet[1] << 48 |
           (uint64_t)octet[2] << 40 | (uint64_t)octet[3] << 32 |
           (uint64_t)octet[4] << 24 | (uint64_t)octet[5] << 16 |
           (uint64_t)octet[6] << 8 | octet[7];
}

fl_wide fl_wide_of(const flowan_address *address)
{
    return (fl_wide){load_half(address->octet), load_half(address->octet + 8)};
}

static int by_wide_low(const void *a, const void *b)
{
    const fl_wide_range *x = a;
    const fl_wide_range *y = b;
    return wide_less(y->low, x->low) - wide_less(x->low, y->low);
}

bool fl_addresses_add(fl_addresses *set, fl_wide low, fl_wide high)
{
    if (wide_less(high, low))
        return true;
    if (!fl_memory_grow((void **)&set->ranges, &set->room, set->count + 1,
                        sizeof *set->ranges))
        return false;
    set->ranges[set->count++] = (fl_wide_range){low, high};
    return true;
}

bool fl_addresses_settle(fl_addresses *set)
{
    if (set->count > 1)
        qsort(set->ranges, set->count, sizeof *set->ranges, by_wide_low);
    size_t kept = 0;
    for (size_t i = 0; i < set->count; i++) {
        fl_wide_range range = set->ranges[i];
        fl_wide_range *last = kept ? &set->ranges[kept - 1] : NULL;
        if (last && (wide_is_last(last->high) ||
                     !wide_less(wide_next(last->high), range.low))) {
            if (wide_less(last->high, range.high))
                last->high = range.high;
        } else {
            set->ranges[kept++] = range;
        }
    }
    set->count = kept;
    return true;
}

bool fl_addresses_invert(fl_addresses *set)
{
    fl_addresses outside = {0};
    fl_wide from = {0, 0};
    bool whole = false;
    bool done = true;
    for (size_t i = 0; i < set->count && done; i++) {
        if (wide_less(from, set->ranges[i].low))
            done = fl_addresses_add(&outside, from, wide_before(set->ranges[i].low));
        whole = wide_is_last(set->ranges[i].high);
        from = wide_next(set->ranges[i].high);
    }
    if (done && !whole)
        done = fl_addresses_add(&outside, from, (fl_wide){UINT64_MAX, UINT64_MAX});
    if (!done) {
        fl_addresses_free(&outside);
        return false;
    }
    fl_addresses_free(set);
    *set = outside;
    return true;
}

/* Of ranges[first … last), the first that ends at or behind the address; `last` when
 * there is none. */
static size_t find_address(const fl_addresses *set, size_t first, size_t last,
                           fl_wide address)
{
    size_t left = last - first;
    while (left > 0) {
        size_t half = left / 2;
        bool behind = wide_less(set->ranges[first + half].high, address);
        first = behind ? first + half + 1 : first;
        left = behind ? left - half - 1 : half;
    }
    return first;
}

bool fl_addresses_has(const fl_addresses *set, fl_wide address)
{
    size_t i = find_address(set, 0, set->count, address);
    return i < set->count && !wide_less(address, set->ranges[i].low);
}

fl_verdict fl_addresses_judge(const fl_addresses *set, fl_wide low, fl_wide high)
{
    size_t i = find_address(set, 0, set->count, low);
    if (i == set->count || wide_less(high, set->ranges[i].low))
        return FL_NONE;
    const fl_wide_range *range = &set->ranges[i];
    return !wide_less(low, range->low) && !wide_less(range->high, high) ? FL_ALL
                                                                        : FL_SOME;
}

void fl_addresses_free(fl_addresses *set)
{
    fl_memory_free(set->ranges);
    *set = (fl_addresses){0};
}

/* Without a branch: between two numbers of 128 bits. */
static bool within(const fl_wide_range *range, const flowan_address *address)
{
    uint64_t high = load_half(address->octet);
    uint64_t low = load_half(address->octet + 8);
    bool above = (high > range->low.high) |
                 ((high == range->low.high) & (low >= range->low.low));
    bool below = (high < range->high.high) |
                 ((high == range->high.high) & (low <= range->high.low));
    return above & below;
}

/* Ranges within one first half, as those of IPv4 are. */
static bool within_half(const fl_wide_range *range, const flowan_address *address)
{
    uint64_t low = load_half(address->octet + 8);
    return (load_half(address->octet) == range->low.high) &
           (low - range->low.low <= range->high.low - range->low.low);
}

MATCH(match_half, const fl_wide_range *range, flowan_address,
      within_half(range, &value))
MATCH(match_wide, const fl_wide_range *range, flowan_address, within(range, &value))
MATCH(match_addresses, const fl_addresses *set, flowan_address,
      fl_addresses_has(set, fl_wide_of(&value)))

void fl_addresses_match(const fl_addresses *set, const flowan_address *values,
                        size_t count, uint64_t *mask)
{
    const fl_wide_range *first = set->ranges;
    if (set->count == 0)
        fl_mask_fill(mask, count, false);
    else if (set->count == 1 && first->low.high == first->high.high)
        match_half(first, values, count, mask);
    else if (set->count == 1)
        match_wide(first, values, count, mask);
    else
        match_addresses(set, values, count, mask);
}

/* The ranges that hold addresses of one first half, and which that is. */
typedef struct part {
    const fl_addresses *set;
    size_t first;
    size_t last;
    uint64_t high;
} part;

static bool part_has(const part *of, uint64_t low)
{
    fl_wide address = {of->high, low};
    size_t i = find_address(of->set, of->first, of->last, address);
    return i < of->last && !wide_less(address, of->set->ranges[i].low);
}

MATCH(match_part, const part *of, uint64_t, part_has(of, value))

void fl_addresses_match_low(const fl_addresses *set, uint64_t high, const uint64_t *low,
                            size_t count, uint64_t *mask)
{
    size_t first = find_address(set, 0, set->count, (fl_wide){high, 0});
    size_t last = find_address(set, first, set->count, (fl_wide){high, UINT64_MAX});
    if (last < set->count && set->ranges[last].low.high <= high)
        last++;
    if (last == first) {
        fl_mask_fill(mask, count, false);
    } else if (last - first == 1) {
        const fl_wide_range *range = &set->ranges[first];
        match_range_u64(
            (fl_range){range->low.high < high ? 0 : range->low.low,
                       range->high.high > high ? UINT64_MAX : range->high.low},
            low, count, mask);
    } else {
        part of = {set, first, last, high};
        match_part(&of, low, count, mask);
    }
}
