/* Layer 5: a lock file with the pid of the process that holds it. The kernel lets go of it
 * when that process ends, however it ends. */
#ifndef FL_LOCK_H
#define FL_LOCK_H

#include "flowan/status.h"

/* Takes DIRECTORY/NAME, which is made; *fd is to be closed in any case. FLOWAN_ERROR_LOCKED
 * when another process has it: "archive DIRECTORY is being DONE by process PID". */
flowan_status fl_lock_take(int *fd, const char *directory, const char *name,
                           const char *done, flowan_error *error);

#endif
