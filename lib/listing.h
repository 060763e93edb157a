/* Layer 4: what those who copy blocks want of their directories. */
#ifndef FL_LISTING_H
#define FL_LISTING_H

#include "segment.h"

/* Gives the reader's blocks the summaries that its footer has not, or that no footer has:
 * those that they were written with. Damaged blocks have none. Once a reader is enough. */
flowan_status fl_listing_summarize(flowan_reader *reader, flowan_error *error);

#endif
