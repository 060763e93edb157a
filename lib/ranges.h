/* Layer 0: sets of numbers and of addresses as sorted ranges, and whole arrays looked up
 * in them. */
#ifndef FL_RANGES_H
#define FL_RANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flowan/field.h"

/* Numbers from `low` to `high`, both included. */
typedef struct fl_range {
    uint64_t low;
    uint64_t high;
} fl_range;

/* Ranges ascend, and neither overlap nor touch. Zeroed is the empty set. */
typedef struct fl_numbers {
    fl_range *ranges;
    size_t count;
    size_t room;
    uint64_t *bits; /* NULL where few; else bit n of the first 65,536 numbers */
} fl_numbers;

/* An address as two numbers, first octet highest. */
typedef struct fl_wide {
    uint64_t high;
    uint64_t low;
} fl_wide;

typedef struct fl_wide_range {
    fl_wide low;
    fl_wide high;
} fl_wide_range;

typedef struct fl_addresses {
    fl_wide_range *ranges;
    size_t count;
    size_t room;
} fl_addresses;

/* How a range of values lies to a set. */
typedef enum fl_verdict { FL_NONE = 0, FL_SOME = 1, FL_ALL = 2 } fl_verdict;

/* Adds in any order (nothing, where low is above high); false when memory is short.
 * Afterwards fl_numbers_settle, before anything else is asked. A set that a call has
 * failed on is good for fl_numbers_free only. */
bool fl_numbers_add(fl_numbers *set, uint64_t low, uint64_t high);
bool fl_numbers_settle(fl_numbers *set);
/* The numbers that are not in the set. */
bool fl_numbers_invert(fl_numbers *set);
bool fl_numbers_has(const fl_numbers *set, uint64_t number);
fl_verdict fl_numbers_judge(const fl_numbers *set, uint64_t low, uint64_t high);
void fl_numbers_free(fl_numbers *set);

/* Sets bit i of `mask` where values[i] is in the set and clears it where not; bits from
 * `count` on of the last word are cleared. */
void fl_numbers_match(const fl_numbers *set, const uint64_t *values, size_t count,
                      uint64_t *mask);
void fl_numbers_match_u32(const fl_numbers *set, const uint32_t *values, size_t count,
                          uint64_t *mask);

fl_wide fl_wide_of(const flowan_address *address);

/* As those of numbers. */
bool fl_addresses_add(fl_addresses *set, fl_wide low, fl_wide high);
bool fl_addresses_settle(fl_addresses *set);
bool fl_addresses_invert(fl_addresses *set);
bool fl_addresses_has(const fl_addresses *set, fl_wide address);
fl_verdict fl_addresses_judge(const fl_addresses *set, fl_wide low, fl_wide high);
void fl_addresses_free(fl_addresses *set);

void fl_addresses_match(const fl_addresses *set, const flowan_address *values,
                        size_t count, uint64_t *mask);
/* Those whose first half is `high`, by their second halves. */
void fl_addresses_match_low(const fl_addresses *set, uint64_t high, const uint64_t *low,
                            size_t count, uint64_t *mask);

#endif
