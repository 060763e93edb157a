/* Layer 4: what a block has of each column, in a few ranges: enough to pass over a block, or
 * a whole segment, without a look at it. Summaries stand in the footer (doc/format.md,
 * "Summaries"); readers may leave them out. */
#ifndef FL_SUMMARY_H
#define FL_SUMMARY_H

#include "filter.h"
#include "layout.h"

/* What is known of blocks of fewer rows costs as much as reading them; of more
 * entries there are only where nearly every row has a class of its own. */
enum { FL_SUMMARY_ROWS_MIN = 256, FL_SUMMARY_ENTRIES_MAX = 1 << 18 };

/* Whether a block has bounds and a summary. */
static inline bool fl_summary_pays(const fl_layout *layout)
{
    return layout->rows >= FL_SUMMARY_ROWS_MIN &&
           layout->first_entry[layout->cell_count] <= FL_SUMMARY_ENTRIES_MAX;
}

/* Appends the summary of a block: made when it is packed or from its directory, it is the
 * same. False when memory is short. */
bool fl_summary_put(const fl_layout *layout, fl_buffer *out);

/* How the filter lies to the block's rows: FL_NONE that it holds for none, FL_ALL for all.
 * What is damaged, or not known, is FL_SOME. */
fl_verdict fl_summary_judge(const unsigned char *summary, size_t size,
                            const flowan_filter *filter);

#endif
