/* Layer 0: conversions eight bytes at a time, in portable C, for text whose end is told by
 * the first byte that does not belong to it.
 *
 * They accept exactly the canonical spelling that text.h's put functions write, and return
 * the bytes it took, 0 for anything else. All may read up to 8 bytes behind the longest
 * spelling, whatever the text says; the IPv4 one also reads the 4 bytes before it. */
#ifndef FL_SWAR_H
#define FL_SWAR_H

#include <string.h>

#include "bytes.h"
#include "text.h"

#define FL_SWAR_ALL(byte) (UINT64_C(0x0101010101010101) * (byte))

static inline uint64_t fl_swar_load(const char *text)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    uint64_t word;
    memcpy(&word, text, sizeof word);
    return word;
#else
    return fl_bytes_load((const unsigned char *)text, 8);
#endif
}

static inline uint32_t fl_swar_load4(const char *text)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    uint32_t word;
    memcpy(&word, text, sizeof word);
    return word;
#else
    return (uint32_t)fl_bytes_load((const unsigned char *)text, 4);
#endif
}

/* Index of the lowest byte whose top bit is set; `mask` is not 0. */
static inline unsigned fl_swar_first(uint64_t mask)
{
    return (unsigned)__builtin_ctzll(mask) / 8;
}

/* Top bits of the bytes that are `byte`. Right up to the first one, which is all that is
 * looked at: a borrow spoils only what stands behind it. So are the next two. */
static inline uint64_t fl_swar_equal(uint64_t word, unsigned char byte)
{
    uint64_t x = word ^ FL_SWAR_ALL(byte);
    return (x - FL_SWAR_ALL(1)) & ~x & FL_SWAR_ALL(0x80);
}

static inline uint64_t fl_swar_below(uint64_t word, unsigned char byte)
{
    return (word - FL_SWAR_ALL(byte)) & ~word & FL_SWAR_ALL(0x80);
}

/* Top bits of the bytes that are no digit; `values` are the bytes XOR '0'. */
static inline uint64_t fl_swar_no_digit(uint64_t values)
{
    return ((values + FL_SWAR_ALL(0x76)) | values) & FL_SWAR_ALL(0x80);
}

/* The value of 8 digits, the first in the lowest byte. */
static inline uint64_t fl_swar_sum(uint64_t values)
{
    values = (values * (1 + (10 << 8))) >> 8 & UINT64_C(0x00ff00ff00ff00ff);
    values = (values * (1 + (100 << 16))) >> 16 & UINT64_C(0x0000ffff0000ffff);
    return (values * (1 + (UINT64_C(10000) << 32))) >> 32;
}

/* The value of the 1 to 7 digits before the first stop: zeros move in before them. */
static inline uint64_t fl_swar_sum_to(uint64_t values, uint64_t stop)
{
    return fl_swar_sum(values << ((7 - (unsigned)__builtin_ctzll(stop)) & 63));
}

/* How many digits begin the text, and their value; 0 to 8. */
static inline unsigned fl_swar_digits(const char *text, uint64_t *out)
{
    uint64_t values = fl_swar_load(text) ^ FL_SWAR_ALL('0');
    uint64_t stop = fl_swar_no_digit(values);
    if (!stop) {
        *out = fl_swar_sum(values);
        return 8;
    }
    *out = fl_swar_sum_to(values, stop);
    return fl_swar_first(stop);
}

static const uint64_t fl_swar_ten_to[10] = {
    1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000};

/* A number that begins with 8 digits. */
static inline unsigned fl_swar_long_number(const char *text, uint64_t *out)
{
    uint64_t value = fl_swar_sum(fl_swar_load(text) ^ FL_SWAR_ALL('0'));
    uint64_t more;
    unsigned size = 8;
    unsigned count = fl_swar_digits(text + 8, &more);
    if (count > 0)
        value = value * fl_swar_ten_to[count] + more;
    size += count;
    if (count == 8) {
        count = fl_swar_digits(text + 16, &more);
        if (count > 4 || (count > 0 && (__builtin_mul_overflow(
                                            value, fl_swar_ten_to[count], &value) ||
                                        __builtin_add_overflow(value, more, &value))))
            return 0;
        size += count;
    }
    *out = value;
    return size;
}

/* Decimal without leading zeros, at most `max`. */
static inline unsigned fl_swar_number(const char *text, uint64_t max, uint64_t *out)
{
    uint64_t values = fl_swar_load(text) ^ FL_SWAR_ALL('0');
    uint64_t stop = fl_swar_no_digit(values);
    unsigned size = stop ? fl_swar_first(stop) : 8;
    if (size == 0 || ((values & 0xff) == 0 && size > 1))
        return 0;
    uint64_t value = 0;
    if (stop)
        value = fl_swar_sum_to(values, stop);
    else
        size = fl_swar_long_number(text, &value);
    if (value > max)
        return 0;
    *out = value;
    return size;
}

/* One bit for each of eight bytes from their top bits. */
static inline unsigned fl_swar_bits(uint64_t tops)
{
    return (unsigned)((tops >> 7) * UINT64_C(0x0102040810204080) >> 56);
}

static inline void fl_swar_store(void *out, uint64_t word)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    memcpy(out, &word, sizeof word);
#else
    fl_bytes_store(out, word, 8);
#endif
}

/* The first octet lowest. An address is written in two words and no smaller pieces: who
 * reads it soon as such finds it in the store buffer. */
static inline void fl_swar_put_ipv4(flowan_address *out, uint32_t octets)
{
    fl_swar_store(out->octet, 0);
    fl_swar_store(out->octet + 8, UINT64_C(0xffff0000) | (uint64_t)octets << 32);
}

/* Dotted IPv4 to its mapped form. Where its octets end is found for all four at once; what
 * each is worth does not wait for the one before it. */
static inline unsigned fl_swar_ipv4(const char *text, flowan_address *out)
{
    /* carries make a mask right only up to its first byte, so no carry may arise here */
    uint64_t low = fl_swar_load(text) ^ FL_SWAR_ALL('0');
    uint64_t high = fl_swar_load(text + 8) ^ FL_SWAR_ALL('0');
    uint64_t seven = FL_SWAR_ALL(0x7f);
    low = (((low & seven) + FL_SWAR_ALL(0x76)) | low) & FL_SWAR_ALL(0x80);
    high = (((high & seven) + FL_SWAR_ALL(0x76)) | high) & FL_SWAR_ALL(0x80);
    unsigned stops = fl_swar_bits(low) | fl_swar_bits(high) << 8;
    static const uint32_t keep[4] = {0, 0xff000000, 0xffff0000, 0xffffff00};
    static const uint32_t least[4] = {0, 0, 10, 100};
    unsigned start = 0;
    unsigned bad = 0;
    uint32_t packed = 0;
    for (unsigned i = 0; i < 4; i++) {
        unsigned end = (unsigned)__builtin_ctz(stops | 1U << 16);
        stops &= stops - 1;
        unsigned digits = end - start;
        bad |= digits - 1 > 2;
        digits &= 3;
        uint32_t word = (fl_swar_load4(text + end - 4) ^ 0x30303030) & keep[digits];
        uint32_t value =
            (word >> 8 & 0xff) * 100 + (word >> 16 & 0xff) * 10 + (word >> 24);
        bad |= (value > 255) | (value < least[digits]) | (i < 3 && text[end] != '.');
        packed |= (value & 0xff) << (8 * i);
        start = end + 1;
    }
    if (bad)
        return 0;
    fl_swar_put_ipv4(out, packed);
    return start - 1;
}

/* Eight lower-case hex digits to four octets, the first lowest; false for anything else.
 */
static inline bool fl_swar_hex8(const char *text, uint32_t *out)
{
    uint64_t word = fl_swar_load(text);
    uint64_t values = (word & FL_SWAR_ALL(0x0f)) + 9 * (word >> 6 & FL_SWAR_ALL(1));
    uint64_t letters = (values + FL_SWAR_ALL(6)) >> 4 & FL_SWAR_ALL(1);
    /* spelt again: only what it was made of gives the same */
    if (values + FL_SWAR_ALL('0') + letters * ('a' - '0' - 10) != word ||
        (values & FL_SWAR_ALL(0x10)) != 0)
        return false;
    values = (values << 4 | values >> 8) & UINT64_C(0x00ff00ff00ff00ff);
    values = (values | values >> 8) & UINT64_C(0x0000ffff0000ffff);
    *out = (uint32_t)(values | values >> 16);
    return true;
}

/* "2c:c8:1b:ac:cf:81", 17 bytes; false for anything else. */
static inline bool fl_swar_mac(const char *text, uint64_t *out)
{
    char digits[16] = "00000000";
    unsigned bad = 0;
    for (unsigned i = 0; i < 6; i++) {
        memcpy(digits + 4 + 2 * i, text + 3 * i, 2);
        bad |= i < 5 && text[3 * i + 2] != ':';
    }
    uint32_t high;
    uint32_t low;
    if (bad || !fl_swar_hex8(digits, &high) || !fl_swar_hex8(digits + 8, &low))
        return false;
    *out = (uint64_t)__builtin_bswap32(high) << 32 | __builtin_bswap32(low);
    return true;
}

/* Bits of the first 40 bytes that are `byte`. */
static inline uint64_t fl_swar_find40(const char *text, unsigned char byte)
{
    uint64_t found = 0;
    for (unsigned i = 0; i < 5; i++) {
        uint64_t x = fl_swar_load(text + 8 * i) ^ FL_SWAR_ALL(byte);
        /* no borrow from byte to byte, unlike fl_swar_equal: all bits count */
        x = ~(((x & FL_SWAR_ALL(0x7f)) + FL_SWAR_ALL(0x7f)) | x) & FL_SWAR_ALL(0x80);
        found |= (uint64_t)fl_swar_bits(x) << 8 * i;
    }
    return found;
}

/* The 1 to 4 hex digits before `end`; false when they are none, are upper case, or begin
 * with a 0 that says nothing. */
static inline bool fl_swar_group(const char *end, unsigned digits, uint32_t *out)
{
    static const uint32_t keep[5] = {0, 0xff000000, 0xffff0000, 0xffffff00, 0xffffffff};
    static const uint32_t least[5] = {0, 0, 0x10, 0x100, 0x1000};
    if (digits > 4)
        return false;
    uint32_t word = fl_swar_load4(end - 4);
    uint32_t values =
        ((word & 0x0f0f0f0f) + 9 * (word >> 6 & 0x01010101)) & keep[digits];
    uint32_t letters = (values + 0x06060606) >> 4 & 0x01010101;
    uint32_t spelt = values + 0x30303030 + letters * ('a' - '0' - 10);
    uint32_t value = __builtin_bswap32(values);
    value = (value | value >> 4) & 0x00ff00ff;
    value = (value | value >> 8) & 0xffff;
    *out = value;
    return (((spelt ^ word) & keep[digits]) | (values & 0x10101010)) == 0 &&
           value >= least[digits];
}

/* Groups as a number of 128 bits, and which of them are zero. */
typedef struct fl_swar_groups {
    uint64_t high;
    uint64_t low;
    unsigned zeros; /* the last one's bit lowest */
    unsigned count;
} fl_swar_groups;

static inline void fl_swar_shift(fl_swar_groups *groups, unsigned bits)
{
    if (bits >= 64) {
        groups->high = bits < 128 ? groups->low << (bits - 64) : 0;
        groups->low = 0;
    } else if (bits > 0) {
        groups->high = groups->high << bits | groups->low >> (64 - bits);
        groups->low <<= bits;
    }
}

/* Canonical IPv6 (RFC 5952) without an embedded dotted IPv4, of `size` bytes; `colons`
 * are the bits of its colons. */
static inline bool fl_swar_get_ipv6(const char *text, unsigned size, uint64_t colons,
                                    flowan_address *out)
{
    fl_swar_groups front = {0, 0, 0, 0};
    fl_swar_groups groups = {0, 0, 0, 0};
    bool gap = false;
    unsigned start = 0;
    if (size > 39 || size < 2)
        return false;
    uint64_t ends = (colons & ((UINT64_C(1) << size) - 1)) | UINT64_C(1) << size;
    if ((colons & 3) == 3) {
        gap = true;
        start = 2;
        ends &= ends - 1;
        ends &= ends - 1;
    }
    while (ends) {
        unsigned end = (unsigned)__builtin_ctzll(ends);
        ends &= ends - 1;
        if (end == start) {
            if (ends == 0 && gap && groups.count == 0)
                break; /* "::" ends it */
            if (gap || ends == 0 || start == 0)
                return false;
            gap = true;
            front = groups;
            groups = (fl_swar_groups){0, 0, 0, 0};
        } else {
            uint32_t value;
            if (!fl_swar_group(text + end, end - start, &value))
                return false;
            groups.high = groups.high << 16 | groups.low >> 48;
            groups.low = groups.low << 16 | value;
            groups.zeros = groups.zeros << 1 | (value == 0);
            groups.count++;
        }
        start = end + 1;
    }
    unsigned count = front.count + groups.count;
    if (gap ? count > 6 : count != 8)
        return false;
    fl_swar_shift(&front, 16 * (8 - front.count));
    uint64_t high = front.high | groups.high;
    uint64_t low = front.low | groups.low;
    if (high == 0 && low >> 32 == 0xffff)
        return false; /* spelt with dots */
    fl_swar_store(out->octet, __builtin_bswap64(high));
    fl_swar_store(out->octet + 8, __builtin_bswap64(low));
    /* "::" stands for the longest run of zeros, the first of equal ones, two at least */
    unsigned runs =
        (groups.zeros & groups.zeros >> 1) | (front.zeros & front.zeros >> 1);
    bool beside = (front.zeros & 1) != 0 ||
                  (groups.count > 0 && groups.zeros >> (groups.count - 1) != 0);
    if (runs == 0)
        return !gap || !beside;
    char spelt[FL_TEXT_ADDRESS_SIZE];
    return fl_text_put_ipv6(spelt, out) == size && memcmp(spelt, text, size) == 0;
}

static inline unsigned fl_swar_ipv6(const char *text, flowan_address *out)
{
    uint64_t ends = fl_swar_find40(text, '"') | fl_swar_find40(text, '/');
    unsigned size = ends ? (unsigned)__builtin_ctzll(ends) : 40;
    return fl_swar_get_ipv6(text, size, fl_swar_find40(text, ':'), out) ? size : 0;
}

#endif
