/* Layer 4: how many rows each class has, and between which numbers those of its cells are:
 * what a reader can tell of a block by before it unpacks any row. Kept in a part of its own,
 * which readers may leave out (doc/format.md, "Bounds"). */
#ifndef FL_BOUNDS_H
#define FL_BOUNDS_H

#include "layout.h"

/* Whether cells of such columns have bounds of their own: times are in the statistics of a
 * block, addresses in the lists of their streams, and the number of a text says nothing. */
bool fl_bounds_of(flowan_type type);

/* The bounds of an entry that is no constant, as near as they are kept. */
void fl_bounds_set(fl_layout_entry *entry, uint64_t low, uint64_t high);

/* Appends the part; `first` as in fl_classes. */
void fl_bounds_put(const fl_layout *layout, const uint32_t *first,
                   fl_integers *integers, fl_buffer *out);

/* Fills the bounds of entries, and *class_rows, which is the caller's. False when the part
 * is not sound, or memory is short. */
bool fl_bounds_get(fl_layout *layout, fl_integers *integers, fl_cursor *in,
                   uint64_t **class_rows);

#endif
