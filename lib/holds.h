/* Layer 5: which segments an operator must keep, by what is in them. */
#ifndef FL_HOLDS_H
#define FL_HOLDS_H

#include "flowan/care.h"

/* Looks for a record of the segment that is held, reading no more than it takes. FLOWAN_OK:
 * *held is the line that holds it, borrowed from `holds`, or NULL. FLOWAN_END: `progress`
 * (may be NULL) ended it. `batch` is overwritten. */
flowan_status fl_holds_find(const flowan_holds *holds, flowan_reader *reader,
                            flowan_batch *batch, int (*progress)(void *context),
                            void *context, const char **held, flowan_error *error);

#endif
