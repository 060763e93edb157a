/* Layer 3: addresses of a filter's text: single ones, prefixes, ranges. */
#ifndef FL_FILTER_PREFIX_H
#define FL_FILTER_PREFIX_H

#include "ranges.h"

/* The first and the last address of "192.0.2.1", "192.0.2.0/24" (whatever bits are set
 * behind), "10.8/16" or "192.0.2.1-192.0.2.9"; false for anything else. The two of a range
 * are of one family, in whatever order. */
bool fl_prefix_get(const char *text, size_t size, fl_wide *low, fl_wide *high);

/* Adds the addresses of that family from `low` to `high`: IPv4 lies within IPv6, but no
 * range of IPv6 has it. False when memory is short, as the next. */
bool fl_prefix_add(fl_addresses *set, fl_wide low, fl_wide high);
/* Adds the whole family. */
bool fl_prefix_add_family(fl_addresses *set, bool ipv4);

#endif
