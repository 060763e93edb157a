/* Layer 0: a crew of threads that does tasks. It knows nothing of what they do.
 *
 * One thread, the owner, makes the crew and gives it tasks; its helpers begin them in
 * the order in which they were given. The owner does tasks itself while it waits, so a
 * crew without helpers is a way to do them one after the other. */
#ifndef FL_CREW_H
#define FL_CREW_H

#include <stdbool.h>
#include <stddef.h>

typedef struct fl_crew fl_crew;

/* The giver's memory, until the task is done or the crew is gone. */
typedef struct fl_task {
    void (*run)(void *context);
    void *context;
    struct fl_task *next; /* this and what follows: the crew's */
    bool done;
} fl_task;

/* Up to `helpers` threads: fewer, or none, where the system gives no more. They take no
 * signals. NULL when memory is short. */
fl_crew *fl_crew_new(size_t helpers);

/* Tasks that nobody began are dropped, the others finished. NULL is fine. */
void fl_crew_free(fl_crew *crew);

size_t fl_crew_helpers(const fl_crew *crew);

void fl_crew_submit(fl_crew *crew, fl_task *task);

/* Whether a submitted task is done; what it wrote can then be read. */
bool fl_crew_is_done(fl_crew *crew, const fl_task *task);

/* Returns when a submitted task is done. Until then the owner does tasks that nobody has
 * begun, the oldest first, and sleeps when there are none. */
void fl_crew_wait(fl_crew *crew, const fl_task *task);

#endif
