/* Layer 5: what an import needs of the archiver beyond its public face: to pack blocks
 * before their turn to be written. */
#ifndef FL_ARCHIVER_H
#define FL_ARCHIVER_H

#include "flowan/archive.h"
#include "pack.h"
#include "plan.h"

/* What a plan of the next rows of the log begins with, as of what is written. */
fl_plan_rules fl_archiver_rules(const flowan_archiver *archiver);
fl_plan_state fl_archiver_state(const flowan_archiver *archiver);
flowan_level fl_archiver_level(const flowan_archiver *archiver);
bool fl_archiver_has_index(const flowan_archiver *archiver);

/* Takes the next step of a plan of `batch`: `packed` has its rows (not looked at where
 * there are none), `position` is the parser's behind the batch. After a failure the plan
 * and all that follow from it are void. */
flowan_status fl_archiver_take_step(flowan_archiver *archiver, const fl_plan_step *step,
                                    const flowan_batch *batch, const fl_pack *packed,
                                    flowan_position position, flowan_error *error);

#endif
