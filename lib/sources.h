/* Layer 4: where each class of rows has each of its cells from. Every relation that is
 * written down here was looked at in every row of the class: samples and likelihoods only
 * say which ones to look for. */
#ifndef FL_SOURCES_H
#define FL_SOURCES_H

#include "classes.h"
#include "ends.h"
#include "layout.h"
#include "runs.h"
#include "streams.h"

/* Fills the layout's sources and entries, and the streams with numbers. False when memory
 * is short; what was made then stays the layout's. */
bool fl_sources_find(fl_layout *layout, fl_streams *streams, const fl_slice *slice,
                     const fl_classes *classes, const fl_runs *runs,
                     const fl_ends *ends, const fl_talks *talks);

#endif
