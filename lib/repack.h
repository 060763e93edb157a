/* Layer 5: small blocks of segments into full ones of another. Which segments, and what
 * becomes of their files, is the caller's. */
#ifndef FL_REPACK_H
#define FL_REPACK_H

#include "flowan/segment.h"

typedef struct fl_repack fl_repack;

/* Appends to `writer`, which must outlive it. `level` as in the writer's options.
 * `block_rows` is what a full block has; 0: FL_SEGMENT_BLOCK_ROWS. One thread. */
flowan_status fl_repack_new(fl_repack **out, flowan_writer *writer, flowan_level level,
                            size_t block_rows, flowan_error *error);

/* Takes block `index` of a segment behind all that it was given before; the reader is
 * not needed afterwards. Blocks that are half full are copied byte for byte, once their
 * checksums hold; smaller ones are joined, whole ones only. Of joined blocks the
 * statistics are taken together, and each log is where the last of them says. What it holds back is lost if a call fails: the writer's file is void
 * then. */
flowan_status fl_repack_block(fl_repack *repack, flowan_reader *reader, size_t index,
                              flowan_error *error);

/* Writes what is held back to be joined. */
flowan_status fl_repack_flush(fl_repack *repack, flowan_error *error);

void fl_repack_free(fl_repack *repack);

#endif
