#include "pool.h"

#include <stdint.h>
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
    ALIGNMENT = 64,
    LEAST = 64,          /* bytes of the smallest piece, … */
    CUT_MAX = 2 << 20,   /* … the largest that is cut from a chunk … */
    KEPT_MAX = 16 << 20, /* … and the largest that is kept */
    CHUNK_SIZE = 8 << 20,
    LARGER_MAX = 4 /* steps of size */
};

/* Before the caller's bytes. */
typedef struct fl_pool_piece {
    struct fl_pool_piece *next;
    unsigned size;
    bool cut; /* from a chunk */
    char fill[ALIGNMENT - sizeof(void *) - sizeof(unsigned) - sizeof(bool)];
} fl_pool_piece;

/* Memory that pieces are cut from, and that goes all at once. */
typedef struct fl_pool_chunk {
    struct fl_pool_chunk *next;
    size_t used;
} fl_pool_chunk;

static fl_pool_piece *cut(fl_pool *pool, size_t bytes)
{
    fl_pool_chunk *chunk = pool->chunks;
    if (!chunk || CHUNK_SIZE - chunk->used < bytes) {
        chunk = pool->sparse ? fl_memory_alloc(CHUNK_SIZE, 1)
                             : fl_memory_alloc_large(CHUNK_SIZE);
        if (!chunk)
            return NULL;
        *chunk = (fl_pool_chunk){pool->chunks, ALIGNMENT};
        pool->chunks = chunk;
    }
    fl_pool_piece *piece = (void *)((char *)chunk + chunk->used);
    chunk->used += bytes;
    piece->cut = true;
    return piece;
}

/* Pieces come in the sizes that tokens stand for (lib/bits.h), four to each power of two. */
static size_t size_of(unsigned size)
{
    return (size_t)fl_bits_token_base(size);
}

static fl_pool_piece *make_piece(fl_pool *pool, unsigned size)
{
    size_t bytes = size_of(size) + sizeof(fl_pool_piece);
    if (size_of(size) <= CUT_MAX)
        return cut(pool, (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);
    fl_pool_piece *piece = fl_memory_alloc(bytes, 1);
    if (piece)
        piece->cut = false;
    return piece;
}

/* One that is free, up to twice as large. */
static fl_pool_piece *find_piece(fl_pool *pool, unsigned size)
{
    for (unsigned i = size; i <= size + LARGER_MAX && i < FL_POOL_SIZES; i++)
        if (pool->free[i]) {
            fl_pool_piece *piece = pool->free[i];
            pool->free[i] = piece->next;
            return piece;
        }
    return NULL;
}

void *fl_pool_take(fl_pool *pool, size_t count, size_t width)
{
    if (!pool || !KEEPS)
        return fl_memory_alloc(count, width);
    if (width && count > (SIZE_MAX >> 4) / width)
        return NULL;
    size_t bytes = count * width < LEAST ? LEAST : count * width;
    unsigned size = fl_bits_token(bytes);
    size += fl_bits_token_base(size) < bytes;
    if (size >= FL_POOL_SIZES)
        return NULL;
    fl_pool_piece *piece = find_piece(pool, size);
    if (piece)
        return piece + 1;
    piece = make_piece(pool, size);
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
    if (size_of(piece->size) > KEPT_MAX) {
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
            if (!piece->cut)
                fl_memory_free(piece);
        }
    while (pool->chunks) {
        fl_pool_chunk *chunk = pool->chunks;
        pool->chunks = chunk->next;
        fl_memory_free(chunk);
    }
}
