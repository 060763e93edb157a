/* Layer 6: gaps, for those who will not look into every block. */
#ifndef FL_GAPS_H
#define FL_GAPS_H

#include "flowan/gaps.h"

/* As if records had been received all the time from first_ns to last_ns. False when memory
 * is short. */
bool fl_gaps_cover(flowan_gaps *gaps, uint64_t first_ns, uint64_t last_ns);

#endif
