/* Rotating the logs that goflow2 writes: each is renamed, and goflow2 told to begin a new
 * one under the old name. */
#ifndef ROTATION_H
#define ROTATION_H

#include <flowan/flowan.h>
#include <stdbool.h>

typedef struct rotation_log rotation_log;

typedef struct rotation {
    uint64_t size;     /* rotate a log of that many bytes; 0: not by size */
    uint64_t every_ns; /* and at multiples of this, UTC; 0: not by time */
    /* How goflow2 is told: one of these. */
    long pid;
    const char *pid_file;
    const char *command;
    rotation_log *logs; /* that were seen */
    size_t count;
    uint64_t look_ns; /* not before that time again */
    uint64_t told_ns; /* when a failure to tell was last reported */
} rotation;

/* Takes the value of --rotate-log: CLI_DONE, or CLI_USAGE with a message. */
int rotation_take(rotation *r, const char *text);
/* Checks that all of it was given, or nothing. */
int rotation_check(const rotation *r);

/* Rotates what is due. What fails is told, and tried again. */
void rotation_run(rotation *r, const flowan_follower *follower);
void rotation_free(rotation *r);

#endif
