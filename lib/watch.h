/* Layer 2: waiting until files in some directories may have changed. It tells that, not
 * what: the watcher looks for itself. Where the system cannot tell (a network file system,
 * no watches left) a wait just ends after its time, which is then a poll. */
#ifndef FL_WATCH_H
#define FL_WATCH_H

#include <stdbool.h>

typedef struct fl_watch fl_watch;

/* NULL when memory is short. */
fl_watch *fl_watch_new(void);
void fl_watch_free(fl_watch *watch);

/* Watches a directory; again and again is fine. What does not exist, or cannot be
 * watched, is passed over. */
void fl_watch_add(fl_watch *watch, const char *directory);

typedef enum fl_watch_news {
    FL_WATCH_NOTHING = 0,
    FL_WATCH_CONTENTS = 1, /* a file may have grown */
    FL_WATCH_NAMES = 2     /* one may have come, gone, or been renamed */
} fl_watch_news;

/* The news since the last call; waits for some for that long at most. A signal ends it. */
unsigned fl_watch_wait(fl_watch *watch, int timeout_ms);

#endif
