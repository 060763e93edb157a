/* Layer 4: the index of a block's public addresses: a filter over the addresses, and the
 * addresses with ports, that hosts behind translation had. It is the last section of a
 * block, so that a lookup reads no more than that and the head. */
#ifndef FL_INDEX_H
#define FL_INDEX_H

#include "flowan/field.h"
#include "reader.h"

/* Hashes of what a block is asked for: an address … */
uint64_t fl_index_address(const flowan_address *address);
/* … and an address with a port; NULL: one whose port is not known. */
uint64_t fl_index_pair(const flowan_address *address, const uint32_t *port);

/* Appends the filter of `count` rows from `first` on; nothing where none can be made. The
 * batch is only read: what fl_sides_init wants of it must be so. False when memory is
 * short. */
bool fl_index_put(const flowan_batch *batch, size_t first, size_t count,
                  fl_buffer *out);

/* Whether any of the hashes may be in a block that the footer says has an index; *may is
 * true where that cannot be told. Fails only when memory is short. */
flowan_status fl_index_ask(const flowan_reader *reader, fl_workspace *space,
                           size_t block, const uint64_t *hashes, size_t count,
                           bool *may, uint64_t *bytes_read);

#endif
