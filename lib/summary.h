/* Layer 4: what a block has of each column, in a few ranges: enough to pass over a block, or
 * a whole segment, without a look at it. Summaries stand in the footer (doc/format.md,
 * "Summaries"); readers may leave them out. */
#ifndef FL_SUMMARY_H
#define FL_SUMMARY_H

#include "filter.h"
#include "layout.h"

/* Appends the summary of a block whose layout has bounds: `first` as in fl_classes. False
 * when memory is short. */
bool fl_summary_put(const fl_layout *layout, const uint32_t *first, fl_buffer *out);

/* How the filter lies to the block's rows: FL_NONE that it holds for none, FL_ALL for all.
 * What is damaged, or not known, is FL_SOME. */
fl_verdict fl_summary_judge(const unsigned char *summary, size_t size,
                            const flowan_filter *filter);

#endif
