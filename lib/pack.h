/* Layer 4: rows of a batch to the packed columns of a block. No file is touched here.
 *
 * What comes out depends on the rows and the level alone, not on what was packed before
 * or by which thread. */
#ifndef FL_PACK_H
#define FL_PACK_H

#include "clock.h"
#include "segment.h"

/* A block but for its place in a log, and the memory for it, which is used again. One
 * thread at a time; zero-initialised is empty. */
typedef struct fl_pack {
    flowan_status status; /* FLOWAN_OK, MEMORY, or LIMIT: no reader would take it */
    fl_segment_head head; /* names and texts borrowed from the batch and from here */
    fl_buffer stored;     /* the columns, as they stand behind the head */
    fl_buffer plain;      /* one column */
    fl_buffer spellings;
    fl_buffer shapes;
    size_t columns_room; /* of head.columns */
} fl_pack;

/* Packs rows [first, first + count) at the zstd level (0: 3). `clock` is the batch's, made
 * beforehand. The batch is only read: several threads may pack one with the same clock,
 * while none fills it or looks at its columns through flowan_batch_column, which may
 * complete them. What is packed holds until the batch changes. */
flowan_status fl_pack_rows(fl_pack *pack, const flowan_batch *batch,
                           const fl_clock *clock, size_t first, size_t count,
                           int zstd_level);

/* Bytes of memory held. */
size_t fl_pack_memory(const fl_pack *pack);
void fl_pack_free(fl_pack *pack);

#endif
