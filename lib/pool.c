#include "pool.h"

#include <string.h>

#include "bits.h"

/* Sanitizers see each piece by itself. */
#ifndef __SANITIZE_ADDRESS__
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif
#endif

#ifdef __SANITIZE_ADDRESS__
enum { KEEPS = 0 };
#else
enum { KEEPS = 1 };
#endif

enum {
    SIZE_MIN = 6,   /* logarithms: of the least piece … */
    SIZE_KEPT = 24, /* … and the largest that is kept: 16 MiB */
    ALIGNMENT = 64
};

/* Before the caller's bytes. */
typedef struct fl_pool_piece {
    struct fl_pool_piece *next;
    unsigned size;
    char fill[ALIGNMENT - sizeof(void *) - sizeof(unsigned)];
} fl_pool_piece;

void *fl_pool_take(fl_pool *pool, size_t count, size_t width)
{
    if (!pool || !KEEPS)
        return fl_memory_alloc(count, width);
    if (width && count > (SIZE_MAX >> 2) / width)
        return NULL;
    size_t bytes = count * width;
    unsigned size = bytes > 1 ? fl_bits_width(bytes - 1) : 0;
    size = size < SIZE_MIN ? SIZE_MIN : size;
    if (size >= FL_POOL_SIZES)
        return NULL;
    fl_pool_piece *piece = pool->free[size];
    if (piece)
        pool->free[size] = piece->next;
    else
        piece = fl_memory_alloc(((size_t)1 << size) + sizeof *piece, 1);
    if (!piece)
        return NULL;
    piece->size = size;
    return piece + 1;
}

void *fl_pool_take_zeroed(fl_pool *pool, size_t count, size_t width)
{
    void *memory = fl_pool_take(pool, count, width);
    if (memory)
        memset(memory, 0, count * width);
    return memory;
}

void fl_pool_give(fl_pool *pool, void *memory)
{
    if (!memory)
        return;
    if (!pool || !KEEPS) {
        fl_memory_free(memory);
        return;
    }
    fl_pool_piece *piece = (fl_pool_piece *)memory - 1;
    if (piece->size > SIZE_KEPT) {
        fl_memory_free(piece);
        return;
    }
    piece->next = pool->free[piece->size];
    pool->free[piece->size] = piece;
}

void fl_pool_free(fl_pool *pool)
{
    for (size_t i = 0; i < FL_POOL_SIZES; i++)
        while (pool->free[i]) {
            fl_pool_piece *piece = pool->free[i];
            pool->free[i] = piece->next;
            fl_memory_free(piece);
        }
}
