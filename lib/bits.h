/* Layer 0: numbers of few bits, packed one behind the other from each byte's lowest bit on,
 * and signed numbers as unsigned ones. */
#ifndef FL_BITS_H
#define FL_BITS_H

#include <string.h>

#include "bytes.h"

/* Reading looks at whole words: so many bytes behind the last bit must be readable. */
enum { FL_BITS_PADDING = 16 };

static inline unsigned fl_bits_width(uint64_t value)
{
    return value ? 64 - (unsigned)__builtin_clzll(value) : 0;
}

/* log2 in 1/256, about; 0 for what is below 2. */
static inline uint64_t fl_bits_log2_256(uint64_t value)
{
    if (value < 2)
        return 0;
    unsigned top = fl_bits_width(value) - 1;
    uint64_t rest = (top >= 8 ? value >> (top - 8) : value << (8 - top)) & 255;
    return top * UINT64_C(256) + rest + (rest * (256 - rest) * 88 >> 16);
}

static inline uint64_t fl_bits_zigzag(uint64_t value)
{
    return value << 1 ^ (0 - (value >> 63));
}

static inline uint64_t fl_bits_unzigzag(uint64_t value)
{
    return value >> 1 ^ (0 - (value & 1));
}

/* Below 16 a number is its own token; above, a token is the highest bit's place and the
 * two bits below it: 16 + 60 * 4 make 256. */
enum { FL_BITS_TOKENS = 256 };

static inline unsigned fl_bits_token(uint64_t number)
{
    if (number < 16)
        return (unsigned)number;
    unsigned top = fl_bits_width(number) - 1;
    return 16 + (top - 4) * 4 + (unsigned)(number >> (top - 2) & 3);
}

/* Bits of a number that its token does not tell. */
static inline unsigned fl_bits_token_bits(unsigned token)
{
    return token < 16 ? 0 : token / 4 - 2;
}

/* The least number that has the token. */
static inline uint64_t fl_bits_token_base(unsigned token)
{
    return token < 16 ? token
                      : (uint64_t)(4 | (token & 3)) << fl_bits_token_bits(token);
}

static inline size_t fl_bits_bytes(uint64_t bits)
{
    return (size_t)(bits / 8 + (bits % 8 != 0));
}

/* Writes into memory that the caller has reserved, a word at a time: up to eight bytes
 * more than fl_bits_bytes of all. */
typedef struct fl_bits_writer {
    unsigned char *at;
    uint64_t word;
    unsigned fill; /* bits in it, below 64 */
} fl_bits_writer;

static inline void fl_bits_put(fl_bits_writer *w, uint64_t value, unsigned width)
{
    w->word |= value << w->fill;
    if (w->fill + width < 64) {
        w->fill += width;
        return;
    }
    fl_bytes_store_word(w->at, w->word);
    w->at += 8;
    w->word = w->fill ? value >> (64 - w->fill) : 0;
    w->fill = w->fill + width - 64;
}

static inline void fl_bits_flush(fl_bits_writer *w)
{
    fl_bytes_store_word(w->at, w->word);
    w->at += fl_bits_bytes(w->fill);
    w->word = w->fill = 0;
}

static inline uint64_t fl_bits_mask(unsigned width)
{
    return width < 64 ? ((uint64_t)1 << width) - 1 : UINT64_MAX;
}

/* The number of `width` bits from bit `at` on; of up to 57 bits. */
static inline uint64_t fl_bits_get_short(const unsigned char *from, uint64_t at,
                                         unsigned width)
{
    return fl_bytes_load_word(from + at / 8) >> (at % 8) & fl_bits_mask(width);
}

/* Likewise, of up to 64. */
static inline uint64_t fl_bits_get(const unsigned char *from, uint64_t at,
                                   unsigned width)
{
    unsigned skip = (unsigned)(at % 8);
    uint64_t low = fl_bytes_load_word(from + at / 8) >> skip;
    uint64_t high = skip ? (uint64_t)from[at / 8 + 8] << (64 - skip) : 0;
    return (low | high) & fl_bits_mask(width);
}

#endif
