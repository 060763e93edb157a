/* Layer 0: arithmetic on 128-bit sums that saturate, and their quotients as decimals.
 * */
#ifndef FL_SUM_H
#define FL_SUM_H

#include <stdbool.h>

#include "flowan/sum.h"

enum { FL_SUM_DECIMAL_SIZE = FLOWAN_SUM_TEXT_SIZE + 7 };

static inline flowan_sum fl_sum_of(uint64_t value)
{
    return (flowan_sum){value, 0};
}

static inline void fl_sum_add(flowan_sum *sum, flowan_sum more)
{
    uint64_t low = sum->low + more.low;
    uint64_t carry = low < more.low;
    uint64_t high = sum->high + more.high;
    bool over = high < more.high;
    high += carry;
    over = over || (carry && high == 0);
    *sum = over ? (flowan_sum){UINT64_MAX, UINT64_MAX} : (flowan_sum){low, high};
}

/* `less` is at most *sum. */
static inline void fl_sum_subtract(flowan_sum *sum, flowan_sum less)
{
    uint64_t borrow = sum->low < less.low;
    sum->low -= less.low;
    sum->high -= less.high + borrow;
}

/* The whole product of two 64-bit numbers. */
static inline flowan_sum fl_sum_product(uint64_t a, uint64_t b)
{
    if ((a | b) <= UINT32_MAX || a <= 1 || b <= 1)
        return (flowan_sum){a * b, 0};
    uint64_t a0 = a & UINT32_MAX;
    uint64_t a1 = a >> 32;
    uint64_t b0 = b & UINT32_MAX;
    uint64_t b1 = b >> 32;
    uint64_t low = a0 * b0;
    uint64_t middle = a1 * b0 + (low >> 32);
    uint64_t cross = a0 * b1 + (middle & UINT32_MAX);
    return (flowan_sum){cross << 32 | (low & UINT32_MAX),
                        a1 * b1 + (middle >> 32) + (cross >> 32)};
}

/* Below, at or above zero as a is less than, equal to or more than b. */
static inline int fl_sum_compare(flowan_sum a, flowan_sum b)
{
    if (a.high != b.high)
        return a.high < b.high ? -1 : 1;
    return a.low < b.low ? -1 : a.low > b.low;
}

static inline bool fl_sum_is_zero(flowan_sum sum)
{
    return (sum.low | sum.high) == 0;
}

static inline void fl_measures_add(flowan_measures *to, const flowan_measures *more)
{
    to->flows += more->flows;
    fl_sum_add(&to->packets, more->packets);
    fl_sum_add(&to->bytes, more->bytes);
}

/* sum * multiplier / divisor, rounded down, which is at most the sum when the multiplier is
 * at most the divisor; the remainder in *rest. `divisor` is not 0. */
flowan_sum fl_sum_scale(flowan_sum sum, uint64_t multiplier, uint64_t divisor,
                        uint64_t *rest);

/* sum * multiplier / divisor, rounded half up to millionths: the whole part, and in
 * *millionths what is behind the point (below 1,000,000). `divisor` is not 0. */
flowan_sum fl_sum_rate(flowan_sum sum, uint64_t multiplier, uint64_t divisor,
                       uint32_t *millionths);

/* part / whole in millionths, rounded half up, at most 1,000,000; 0 when the whole is
 * 0. */
uint32_t fl_sum_share(flowan_sum part, flowan_sum whole);

/* A number with a fraction, trailing zeros (and the point with them) cut. Room:
 * FL_SUM_DECIMAL_SIZE. */
size_t fl_sum_put_decimal(char *out, flowan_sum whole, uint32_t millionths);

/* Three digits, the rest cut off, and an SI prefix for people: "999", "1.23 k". Room:
 * FL_SUM_DECIMAL_SIZE. */
size_t fl_sum_put_si(char *out, flowan_sum sum);

#endif
