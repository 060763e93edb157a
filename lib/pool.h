/* Layer 0: memory that is taken and given back over and over: block after block of a
 * segment wants arrays of the same sizes, and asking the system for each costs more than
 * filling it. One thread. */
#ifndef FL_POOL_H
#define FL_POOL_H

#include "memory.h"

enum { FL_POOL_SIZES = 128 };

/* Zeroed is empty. */
typedef struct fl_pool {
    struct fl_pool_piece *free[FL_POOL_SIZES]; /* by their sizes */
    struct fl_pool_chunk *chunks;
    bool sparse; /* for arrays that are hardly touched: not of large pages, which the system
                    fills with zeros */
} fl_pool;

/* As fl_memory_alloc; `pool` NULL: that. What comes back holds anything. */
void *fl_pool_take(fl_pool *pool, size_t count, size_t width);
void *fl_pool_take_zeroed(fl_pool *pool, size_t count, size_t width);
/* Of the same pool, or NULL: nothing. */
void fl_pool_give(fl_pool *pool, void *memory);
/* What is still taken must be given back before. */
void fl_pool_free(fl_pool *pool);

#endif
