/* Layer 4: what the archiver needs of the writer beyond its public face: blocks that were
 * packed elsewhere, or stored. */
#ifndef FL_WRITER_H
#define FL_WRITER_H

#include "pack.h"

/* Appends a block as flowan_writer_write does, with how far each of the logs was read that
 * its rows come from. Of a pack that failed: its failure. */
flowan_status fl_writer_append(flowan_writer *writer, const fl_pack *pack,
                               const flowan_log_state *logs, size_t log_count,
                               flowan_error *error);

/* Appends a block of another segment as it stands: `bytes` are those of `block`, whose
 * offset is not looked at. */
flowan_status fl_writer_copy(flowan_writer *writer, const fl_segment_block *block,
                             const fl_buffer *bytes, flowan_error *error);

/* Makes all blocks that are in last, unless they do. Returns 0 or an errno value: then what
 * did not last before is cut off, and all that follows is refused. */
int fl_writer_sync(flowan_writer *writer);

/* Blocks with rows, less than half of what a full one has. */
size_t fl_writer_small_blocks(const flowan_writer *writer);

/* Bytes in the file. */
uint64_t fl_writer_size(const flowan_writer *writer);

#endif
