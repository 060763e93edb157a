/* A message as a whole, block by block; the last one or two hold its end, a one bit and
 * its length. Names and steps are those of RFC 3174, method 1. */
#include "sha1.h"

#include <string.h>

enum { BLOCK = 64, LENGTH_AT = BLOCK - 8 };

static uint32_t rotate(uint32_t word, unsigned bits)
{
    return word << bits | word >> (32 - bits);
}

static uint32_t load_word(const uint8_t *octet)
{
    return (uint32_t)octet[0] << 24 | (uint32_t)octet[1] << 16 |
           (uint32_t)octet[2] << 8 | octet[3];
}

static void store_word(uint8_t *out, uint32_t word)
{
    for (unsigned i = 0; i < 4; i++)
        out[i] = (uint8_t)(word >> (24 - 8 * i));
}

static uint32_t mix(unsigned step, uint32_t b, uint32_t c, uint32_t d)
{
    if (step < 20)
        return ((b & c) | (~b & d)) + 0x5a827999;
    if (step < 40)
        return (b ^ c ^ d) + 0x6ed9eba1;
    if (step < 60)
        return ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc;
    return (b ^ c ^ d) + 0xca62c1d6;
}

static void add_block(uint32_t h[5], const uint8_t *block)
{
    uint32_t w[80];
    for (unsigned t = 0; t < 16; t++)
        w[t] = load_word(block + (size_t)4 * t);
    for (unsigned t = 16; t < 80; t++)
        w[t] = rotate(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);
    uint32_t a = h[0];
    uint32_t b = h[1];
    uint32_t c = h[2];
    uint32_t d = h[3];
    uint32_t e = h[4];
    for (unsigned t = 0; t < 80; t++) {
        uint32_t next = rotate(a, 5) + mix(t, b, c, d) + e + w[t];
        e = d;
        d = c;
        c = rotate(b, 30);
        b = a;
        a = next;
    }
    h[0] += a;
    h[1] += b;
    h[2] += c;
    h[3] += d;
    h[4] += e;
}

void fl_sha1(const void *message, size_t size, uint8_t out[FL_SHA1_SIZE])
{
    uint32_t h[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
    const uint8_t *at = message;
    size_t left = size;
    for (; left >= BLOCK; left -= BLOCK, at += BLOCK)
        add_block(h, at);
    uint8_t end[2 * BLOCK] = {0};
    if (left)
        memcpy(end, at, left);
    end[left] = 0x80;
    size_t length_at = left < LENGTH_AT ? LENGTH_AT : BLOCK + LENGTH_AT;
    store_word(end + length_at, (uint32_t)((uint64_t)size >> 29));
    store_word(end + length_at + 4, (uint32_t)(size << 3));
    add_block(h, end);
    if (length_at > BLOCK)
        add_block(h, end + BLOCK);
    for (unsigned i = 0; i < 5; i++)
        store_word(out + (size_t)4 * i, h[i]);
}
