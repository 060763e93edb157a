/* Layer 6: the follower's parts among themselves: follow.c keeps time, follow_files.c the
 * list of logs, follow_begin.c tells which log a file is, follow_lost.c finds what is no
 * more where it was, follow_take.c parses and writes. */
#ifndef FL_FOLLOW_H
#define FL_FOLLOW_H

#include "flowan/follow.h"
#include "pipeline.h"
#include "trail.h"
#include "watch.h"

struct flowan_follower {
    flowan_archiver *archiver;
    flowan_follow_options options;
    char **globs;
    size_t glob_count;
    fl_trail **trails; /* in the order in which they are to be read */
    size_t count;
    size_t room;
    fl_watch *watch;
    uint64_t next_scan_ms;
    bool awaits;  /* an older log must come first that cannot yet be read */
    bool stirred; /* something changed that another round should see to */

    /* taking */
    flowan_parser *parser;
    fl_pipeline *pipeline;
    char *buffer;
    fl_trail *current;       /* whose bytes the parser has, or NULL */
    bool turned;             /* it was another's in this step */
    bool begun;              /* as far as the archiver is concerned */
    uint64_t batch_since_ms; /* 0: nothing is waiting in the batch */
    bool unsynced;
    uint64_t synced_ms;
    flowan_follow_counts counts;

    /* names under which it was looked for what an earlier run left */
    char **checked;
    size_t checked_count;
    size_t checked_room;
};

/* Of a clock that only runs forward; never 0. */
uint64_t fl_follow_now_ms(void);
/* Since 1970 UTC. */
uint64_t fl_follow_wall_ns(void);
void fl_follow_tell(const flowan_follower *follower, flowan_follow_event event,
                    const char *format, ...) __attribute__((format(printf, 3, 4)));

/* --- follow_take.c --- */

typedef enum fl_follow_taken {
    FL_FOLLOW_NOTHING = 0,
    FL_FOLLOW_SOME = 1,    /* and then the end */
    FL_FOLLOW_MORE = 2,    /* and there is more */
    FL_FOLLOW_CHANGED = 3, /* the file is another log now */
    FL_FOLLOW_BROKEN = 4   /* it cannot be read: told */
} fl_follow_taken;

/* Reads what is there, up to some megabytes. */
flowan_status fl_follow_take(flowan_follower *follower, fl_trail *trail,
                             fl_follow_taken *taken, flowan_error *error);

/* Writes what is parsed; fl_follow_sync has it last. */
flowan_status fl_follow_flush(flowan_follower *follower, flowan_error *error);
flowan_status fl_follow_sync(flowan_follower *follower, flowan_error *error);

/* The parser is to forget the trail, whose mark then says where it stood. */
flowan_status fl_follow_leave(flowan_follower *follower, flowan_error *error);

/* Nothing more will come: what is incomplete is a reject, all is written, and the file
 * closed. */
flowan_status fl_follow_end(flowan_follower *follower, fl_trail *trail,
                            flowan_error *error);

fl_pipeline_owner fl_follow_owner(flowan_follower *follower);

/* --- follow_files.c --- */

/* Logs that are kept open. */
enum { FL_FOLLOW_OPEN_MAX = 64 };
/* A compressed file that was not written to for so long will not be completed. */
#define FL_FOLLOW_SETTLED_NS UINT64_C(10000000000)

/* Puts a trail, which it then owns, at a place in the list. False when memory is short. */
bool fl_follow_insert(flowan_follower *follower, size_t at, fl_trail *trail);
void fl_follow_drop(flowan_follower *follower, size_t at);
void fl_follow_set_phase(flowan_follower *follower, fl_trail *trail,
                         fl_trail_phase phase);
/* Closes it as it is now: only a change brings it back. */
void fl_follow_put_aside(flowan_follower *follower, fl_trail *trail);

/* The trail of a file, or NULL; the place of a trail, or the count. */
fl_trail *fl_follow_find_file(const flowan_follower *follower, const fl_file_id *id);
size_t fl_follow_index_of(const flowan_follower *follower, const fl_trail *trail);

/* For how long the file was not written to; what it has now, as far as that is known. */
uint64_t fl_follow_age_ns(const fl_trail *trail);
uint64_t fl_follow_size_of(const fl_trail *trail);
bool fl_follow_has_changed(const fl_file_id *was, const fl_file_id *is);

/* Looks which files match, and what became of those that did. */
flowan_status fl_follow_scan(flowan_follower *follower, flowan_error *error);

/* Whether another file has taken its place, and has something in it. */
bool fl_follow_is_over(const flowan_follower *follower, size_t index);

/* Removes the file of a trail that was ended, if it may. */
void fl_follow_remove_done(const flowan_follower *follower, fl_trail *trail);

/* --- follow_begin.c --- */

/* Looks into trail `index`, which is SEEN. It may not be its turn yet, and another may be
 * put before it. */
flowan_status fl_follow_begin(flowan_follower *follower, size_t index,
                              flowan_error *error);

/* --- follow_lost.c --- */

/* Whether a trail is at what the archive knows: by its file, or as far as the contents that
 * were read. */
bool fl_follow_is_at(const fl_trail *trail, const flowan_log_state *known);

/* The state of the log that was begun last under a name; false when there is none. */
bool fl_follow_last_of(const flowan_follower *follower, const char *live,
                       flowan_log_state *last);

/* It need not be looked for what an earlier run left under this name. */
bool fl_follow_set_checked(flowan_follower *follower, const char *live);

/* The log that an earlier run read last under that name comes at `index`, if no trail has
 * it: it may not be at its end. Once a name. */
flowan_status fl_follow_look_back(flowan_follower *follower, size_t index,
                                  const char *live, bool *found, flowan_error *error);
/* The same for names that are no wildcards and that no file has. */
flowan_status fl_follow_look_for_absent(flowan_follower *follower, flowan_error *error);

/* The LOST trail that looks for this log, or the count; and a trail in its place. */
size_t fl_follow_find_lost(const flowan_follower *follower,
                           const flowan_log_state *known);
bool fl_follow_replace_lost(flowan_follower *follower, size_t lost, fl_trail *trail);

/* Trail `index` is another log now: puts what it was before it, as LOST. */
flowan_status fl_follow_lose(flowan_follower *follower, size_t index,
                             flowan_error *error);

/* Looks for the file that LOST trail `index` is in now. */
flowan_status fl_follow_hunt(flowan_follower *follower, size_t index,
                             flowan_error *error);

#endif
