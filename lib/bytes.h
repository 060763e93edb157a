/* Layer 0: little-endian integers to and from stored bytes. Reading goes through a cursor
 * that checks every step, so that a hostile file ends in `failed` and not in memory that
 * is not ours. */
#ifndef FL_BYTES_H
#define FL_BYTES_H

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

static inline void fl_bytes_put(fl_buffer *out, uint64_t value, size_t width)
{
    unsigned char bytes[8];
    fl_bytes_store(bytes, value, width);
    fl_buffer_append(out, bytes, width);
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

#endif
