/* Layer 6: when anything was received around a time, of the archives and segments of a
 * scan: by what footers say of blocks, and by the records of those few of which that does
 * not suffice. */
#ifndef FL_RECEIPTS_H
#define FL_RECEIPTS_H

#include "flowan/gaps.h"
#include "scan.h"

/* Adds what tells whether anything was received in [from_ns, to_ns), the first and the last
 * receipt of all, and the gaps that touch the time: all of them where it lies between two
 * receipts, else those that statistics show. Logs are not looked at. What cannot be read is
 * passed over, and *incomplete set. The scan must be at its end, or not begun. */
flowan_status fl_receipts_add(flowan_scan *scan, uint64_t from_ns, uint64_t to_ns,
                              flowan_gaps *gaps, bool *incomplete, flowan_error *error);

#endif
