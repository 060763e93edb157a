/* Layer 3: an array of numbers by how often each of them comes (doc/format.md, "Ranks").
 *
 * The commonest number has rank 0. From rank 16 on, ranks whose numbers cost the same to
 * write as tokens are one bucket, and inside a bucket numbers ascend: so a list of many
 * rare numbers costs little more than their distances. */
#ifndef FL_RANKS_H
#define FL_RANKS_H

#include "integers.h"

typedef struct fl_ranks {
    uint64_t *numbers; /* by rank */
    size_t count;
    uint32_t *codes; /* per number of the array: its rank */
} fl_ranks;

/* False when memory is short; fl_ranks_free in any case. At most 2^31 numbers. */
bool fl_ranks_make(fl_ranks *ranks, const uint64_t *values, size_t count);
void fl_ranks_free(fl_ranks *ranks);

/* About so many bits the list takes, and the array's ranks. */
uint64_t fl_ranks_cost(const fl_ranks *ranks, size_t count, bool pack_only);

/* The list alone: how many, and the numbers by rank. */
void fl_ranks_put(const fl_ranks *ranks, fl_integers *integers, fl_buffer *out);
/* At most `limit` numbers; the array is the caller's. False when what is stored there is
 * no such list, or memory is short. */
bool fl_ranks_get(fl_integers *integers, fl_cursor *in, size_t limit,
                  uint64_t **numbers, size_t *count);

#endif
