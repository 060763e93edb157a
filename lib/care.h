/* Layer 5: what merge, repair and expire share: their lock, what an interrupted one left,
 * and names that last. */
#ifndef FL_CARE_H
#define FL_CARE_H

#include "archive.h"

#define FL_CARE_DAMAGED "damaged"

typedef struct fl_care {
    int lock;
    flowan_archive *archive; /* as listed under the lock */
} fl_care;

/* Takes the lock ("is being DONE by process …"), lists, and removes what was left. Ended in
 * any case. */
flowan_status fl_care_begin(fl_care *care, const char *directory, const char *done,
                            flowan_error *error);
void fl_care_end(fl_care *care);

/* The name under which what is to be `path` is written; NUL behind. Removes what stands
 * there. */
flowan_status fl_care_temporary(fl_buffer *out, const char *path, flowan_error *error);

/* Gives what is written there its name, in place of what has it, for good. A temporary file
 * that does not get it is removed. */
flowan_status fl_care_publish(const char *temporary, const char *path,
                              flowan_error *error);

/* Gives a file a name in DIRECTORY/damaged/ too, which `out` then has, NUL behind: its own
 * or, where another has that, with a number. */
flowan_status fl_care_keep(fl_buffer *out, const char *directory, const char *path,
                           flowan_error *error);

/* Removes a file; one that is gone is no error. */
flowan_status fl_care_remove(const char *path, flowan_error *error);

/* Removes the directories that a segment's path leads through, of the day, the month and the
 * year, where they are empty. */
void fl_care_prune(const char *path);

/* What was done to names in the directory of this path lasts. */
flowan_status fl_care_sync(const char *path, flowan_error *error);

#endif
