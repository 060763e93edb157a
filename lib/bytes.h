/* Layer 0: little-endian integers to and from stored bytes. Reading goes through a cursor
 * that checks every step, so that a hostile file ends in `failed` and not in memory that
 * is not ours. */
#ifndef FL_BYTES_H
#define FL_BYTES_H

#include <endian.h>
#include <string.h>

#include "memory.h"

static inline void fl_bytes_store(unsigned char *out, uint64_t value, size_t width)
{
    for (size_t i = 0; i < width; i++)
        out[i] = (unsigned char)(value >> (8 * i));
}

static inline uint64_t fl_bytes_load(const unsigned char *in, size_t width)
{
    uint64_t value = 0;
    for (size_t i = 0; i < width; i++)
        value |= (uint64_t)in[i] << (8 * i);
    return value;
}

/* The same for whole words, which compilers do not always make of a loop. */
static inline void fl_bytes_store_word(unsigned char *out, uint64_t value)
{
    value = htole64(value);
    memcpy(out, &value, sizeof value);
}

static inline uint64_t fl_bytes_load_word(const unsigned char *in)
{
    uint64_t value;
    memcpy(&value, in, sizeof value);
    return le64toh(value);
}

/* An address's half: first octet highest. */
static inline void fl_bytes_store_big(unsigned char *out, uint64_t value)
{
    value = htobe64(value);
    memcpy(out, &value, sizeof value);
}

static inline void fl_bytes_put(fl_buffer *out, uint64_t value, size_t width)
{
    unsigned char bytes[8];
    fl_bytes_store(bytes, value, width);
    fl_buffer_append(out, bytes, width);
}

/* Seven bits a byte, lowest first, the highest bit set in all but the last (LEB128). */
static inline void fl_bytes_put_varint(fl_buffer *out, uint64_t value)
{
    unsigned char bytes[10];
    size_t size = 0;
    while (value > 0x7f) {
        bytes[size++] = (unsigned char)(value | 0x80);
        value >>= 7;
    }
    bytes[size++] = (unsigned char)value;
    fl_buffer_append(out, bytes, size);
}

typedef struct fl_cursor {
    const unsigned char *at;
    size_t left;
    bool failed; /* more was asked for than there is; all later reads give 0 */
} fl_cursor;

/* The next `size` bytes, borrowed; NULL past the end. */
static inline const void *fl_cursor_take(fl_cursor *cursor, size_t size)
{
    if (cursor->failed || size > cursor->left) {
        cursor->failed = true;
        return NULL;
    }
    const void *taken = cursor->at;
    cursor->at += size;
    cursor->left -= size;
    return taken;
}

static inline uint64_t fl_cursor_get(fl_cursor *cursor, size_t width)
{
    const unsigned char *bytes = fl_cursor_take(cursor, width);
    return bytes ? fl_bytes_load(bytes, width) : 0;
}

/* Of at most ten bytes and 64 bits. */
static inline uint64_t fl_cursor_varint(fl_cursor *cursor)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint64_t byte = fl_cursor_get(cursor, 1);
        if (shift == 63 && byte > 1)
            break;
        value |= (byte & 0x7f) << shift;
        if (byte < 0x80)
            return value;
    }
    cursor->failed = true;
    return 0;
}

#endif
