/* Layer 4: rows of a batch to the stored sections of a block. No file is touched here.
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
    fl_segment_head head; /* without logs */
    fl_buffer stored;     /* the sections, as they stand behind the head */
    fl_buffer small;      /* parts that share a section */
    fl_buffer large;      /* parts that have their own */
    fl_buffer scratch;
    fl_buffer summary; /* for the footer; empty: none */
    bool index;        /* set before: the block shall have an index (lib/index.h) … */
    bool indexed;      /* … and has one */
    size_t sections_room; /* of head.sections */
} fl_pack;

/* Packs rows [first, first + count). `clock` is the batch's, made beforehand. The batch
 * is only read: several threads may pack one with the same clock, while none fills it or
 * looks at its columns through flowan_batch_column, which may complete them. */
flowan_status fl_pack_rows(fl_pack *pack, const flowan_batch *batch,
                           const fl_clock *clock, size_t first, size_t count,
                           flowan_level level);

/* Bytes of memory held. */
size_t fl_pack_memory(const fl_pack *pack);
void fl_pack_free(fl_pack *pack);

#endif
