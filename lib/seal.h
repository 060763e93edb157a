/* Layer 5: what becomes of a segment that was finished under the name it was written under:
 * it gets its final name, or one is made of it whose blocks are full. That takes a while,
 * so another thread does it. */
#ifndef FL_SEAL_H
#define FL_SEAL_H

#include "flowan/segment.h"

/* What is made of NAME.seg.open is NAME.seg.packing until it is whole. */
#define FL_SEAL_PACKING ".packing"

/* Gives a finished segment, whose path ends with ".open", its final name, for good. It may
 * have the name, *renamed, and not yet be sure to keep it. */
flowan_status fl_seal_publish(const char *open_path, bool *renamed,
                              flowan_error *error);

/* Removes what an interrupted packing of this segment left. */
flowan_status fl_seal_clean(const char *open_path, flowan_error *error);

typedef struct fl_sealer fl_sealer;

/* NULL when memory is short. */
fl_sealer *fl_sealer_new(flowan_level level);

/* Waits for what was begun. NULL is fine. */
void fl_sealer_free(fl_sealer *sealer);

/* Makes a segment with its final name of a finished one, with its small blocks joined, and
 * removes that. Until then, and where it cannot be done, the old one stays: it is given the
 * name, or recovery does so. Returns before, but waits for the one begun before. */
flowan_status fl_sealer_begin(fl_sealer *sealer, const char *open_path,
                              flowan_error *error);

/* Waits for what was begun, and tells how it went. */
flowan_status fl_sealer_wait(fl_sealer *sealer, flowan_error *error);

#endif
