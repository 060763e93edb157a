/* Quotients of 128-bit sums in decimal, without floating point, so that every machine
 * prints the same digits. */
#include "sum.h"

#include <string.h>

#include "text.h"

enum { FRACTION = 1000000, FRACTION_DIGITS = 6 };

/* Divides by a small number in place, returns the remainder. */
static uint32_t divide_small(flowan_sum *sum, uint32_t by)
{
    uint64_t word[4] = {sum->high >> 32, sum->high & UINT32_MAX, sum->low >> 32,
                        sum->low & UINT32_MAX};
    uint64_t rest = 0;
    for (int i = 0; i < 4; i++) {
        uint64_t value = rest << 32 | word[i];
        word[i] = value / by;
        rest = value % by;
    }
    *sum = (flowan_sum){word[2] << 32 | word[3], word[0] << 32 | word[1]};
    return (uint32_t)rest;
}

size_t flowan_sum_text(flowan_sum sum, char *out)
{
    char digits[FLOWAN_SUM_TEXT_SIZE];
    size_t count = 0;
    while (sum.high) {
        uint32_t nine = divide_small(&sum, 1000000000);
        for (int i = 0; i < 9; i++, nine /= 10)
            digits[count++] = (char)('0' + nine % 10);
    }
    size_t size = fl_text_put_u64(out, sum.low);
    while (count)
        out[size++] = digits[--count];
    return size;
}

/* --- quotients --- */

/* sum * multiplier, three words, lowest first. */
static void multiply(uint64_t out[3], flowan_sum sum, uint64_t multiplier)
{
    flowan_sum low = fl_sum_product(sum.low, multiplier);
    flowan_sum high = fl_sum_product(sum.high, multiplier);
    out[0] = low.low;
    out[1] = low.high + high.low;
    out[2] = high.high + (out[1] < high.low);
}

/* The quotient, saturating; the remainder in *rest. Bit by bit: only what does not fit
 * 64 bits comes here. */
static flowan_sum divide_wide(const uint64_t words[3], uint64_t divisor, uint64_t *rest)
{
    uint64_t quotient[3] = {0};
    uint64_t have = 0;
    for (int bit = 191; bit >= 0; bit--) {
        bool carry = have >> 63;
        have = have << 1 | (words[bit / 64] >> (bit % 64) & 1);
        if (carry || have >= divisor) {
            have -= divisor;
            quotient[bit / 64] |= UINT64_C(1) << (bit % 64);
        }
    }
    *rest = quotient[2] ? 0 : have;
    return quotient[2] ? (flowan_sum){UINT64_MAX, UINT64_MAX}
                       : (flowan_sum){quotient[0], quotient[1]};
}

/* rest / divisor in millionths, rounded half up: 0 to FRACTION. */
static uint32_t divide_rest(flowan_sum rest, flowan_sum divisor)
{
    uint32_t fraction = 0;
    for (int i = 0; i < FRACTION_DIGITS; i++) {
        flowan_sum once = rest;
        for (int k = 0; k < 9; k++)
            fl_sum_add(&rest, once);
        fraction *= 10;
        while (fl_sum_compare(rest, divisor) >= 0) {
            fl_sum_subtract(&rest, divisor);
            fraction++;
        }
    }
    fl_sum_add(&rest, rest);
    return fraction + (fl_sum_compare(rest, divisor) >= 0);
}

flowan_sum fl_sum_scale(flowan_sum sum, uint64_t multiplier, uint64_t divisor,
                        uint64_t *rest)
{
    uint64_t words[3];
    multiply(words, sum, multiplier);
    if (words[1] || words[2])
        return divide_wide(words, divisor, rest);
    *rest = words[0] % divisor;
    return fl_sum_of(words[0] / divisor);
}

flowan_sum fl_sum_rate(flowan_sum sum, uint64_t multiplier, uint64_t divisor,
                       uint32_t *millionths)
{
    uint64_t rest;
    flowan_sum whole = fl_sum_scale(sum, multiplier, divisor, &rest);
    *millionths = rest ? divide_rest(fl_sum_of(rest), fl_sum_of(divisor)) : 0;
    if (*millionths == FRACTION) {
        fl_sum_add(&whole, fl_sum_of(1));
        *millionths = 0;
    }
    return whole;
}

uint32_t fl_sum_share(flowan_sum part, flowan_sum whole)
{
    if (fl_sum_is_zero(whole))
        return 0;
    if (fl_sum_compare(part, whole) >= 0)
        return FRACTION;
    /* Room for the factor of ten; what is shifted out is below 10^-35 of the whole. */
    while (whole.high >> 60) {
        part = (flowan_sum){part.low >> 4 | part.high << 60, part.high >> 4};
        whole = (flowan_sum){whole.low >> 4 | whole.high << 60, whole.high >> 4};
    }
    return divide_rest(part, whole);
}

size_t fl_sum_put_decimal(char *out, flowan_sum whole, uint32_t millionths)
{
    size_t size = flowan_sum_text(whole, out);
    if (millionths == 0)
        return size;
    out[size] = '.';
    for (int i = FRACTION_DIGITS; i > 0; i--, millionths /= 10)
        out[size + (size_t)i] = (char)('0' + millionths % 10);
    size += 1 + FRACTION_DIGITS;
    while (out[size - 1] == '0')
        size--;
    return size;
}

size_t fl_sum_put_si(char *out, flowan_sum sum)
{
    static const char prefixes[] = "\0kMGTPEZYRQ";
    char digits[FLOWAN_SUM_TEXT_SIZE];
    size_t count = flowan_sum_text(sum, digits);
    size_t power = (count - 1) / 3;
    if (power == 0) {
        memcpy(out, digits, count);
        return count;
    }
    size_t size = 0;
    if (power >= sizeof prefixes - 2) { /* from 10^30 on: nothing that was measured */
        memcpy(out, digits, count);
        return count;
    }
    size_t whole = count - 3 * power; /* digits before the point */
    unsigned first = (unsigned)(digits[0] - '0') * 100 +
                     (unsigned)(digits[1] - '0') * 10 + (unsigned)(digits[2] - '0') +
                     (digits[3] >= '5');
    if (first == 1000) { /* 999.6 k is 1.00 M */
        first = 100;
        power += whole == 3;
        whole = whole % 3 + 1;
    }
    const char rounded[3] = {(char)('0' + first / 100), (char)('0' + first / 10 % 10),
                             (char)('0' + first % 10)};
    for (size_t i = 0; i < sizeof rounded; i++) {
        if (i == whole)
            out[size++] = '.';
        out[size++] = rounded[i];
    }
    out[size++] = ' ';
    out[size++] = prefixes[power];
    return size;
}
