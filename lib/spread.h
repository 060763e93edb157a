/* Layer 3: a flow shared out over the time bins that it crosses, in whole numbers. Nothing
 * is allocated: a walk over the bins of one flow, whose shares come of three quotients,
 * for all bins but the first and the last have the same. */
#ifndef FL_SPREAD_H
#define FL_SPREAD_H

#include "clock.h"
#include "flowan/time.h"
#include "sum.h"

/* How one number is shared: what each bin has, and which have one more. */
typedef struct fl_shares {
    flowan_sum first;
    flowan_sum inner;
    flowan_sum last;
    uint64_t left;       /* so many bins have one more, … */
    uint64_t first_rank; /* … those that come before it in order of remainders */
    uint64_t inner_rank; /* of the first of them */
    uint64_t last_rank;
} fl_shares;

typedef struct fl_spread {
    uint64_t bin;   /* the number of the first bin */
    uint64_t count; /* of bins; 1: the flow goes to it whole */
    uint64_t next;  /* of these */
    fl_shares packets;
    fl_shares bytes;
    const flowan_measures *flow;
} fl_spread;

/* Begins a walk over the bins of a flow in `span`, which is known. Borrows `flow` until it
 * ends. `width_ns` is not 0. */
void fl_spread_begin(fl_spread *spread, flowan_scheme scheme, uint64_t width_ns,
                     const fl_span *span, const flowan_measures *flow);

/* What of the flow is in the next bin, whose number is *bin. False when there is none. */
bool fl_spread_next(fl_spread *spread, uint64_t *bin, flowan_measures *share);

#endif
