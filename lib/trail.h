/* Layer 6: one log that is followed: its file, what tells its contents from others, and how
 * far it was read. It knows nothing of other logs, and parses nothing. */
#ifndef FL_TRAIL_H
#define FL_TRAIL_H

#include "flowan/archive.h"
#include "globs.h"
#include "parser.h"
#include "source.h"

enum {
    FL_TRAIL_HEAD_SIZE = 4096, /* a dozen records or so */
    FL_TRAIL_TAIL_SIZE = 64,
    FL_TRAIL_RUN_SIZE = 256 << 10 /* bytes handed out at once, at most, if plain */
};

typedef enum fl_trail_phase {
    FL_TRAIL_SEEN,  /* not yet looked into */
    FL_TRAIL_OPEN,  /* being read; perhaps at its end, and it may grow */
    FL_TRAIL_ASIDE, /* has nothing for us, unless it changes */
    FL_TRAIL_LOST,  /* the file is no more what it was: the rest must be elsewhere */
    FL_TRAIL_DONE   /* read to its end; will not grow */
} fl_trail_phase;

typedef struct fl_trail {
    fl_trail_phase phase;
    char *path; /* where it was seen last */
    char *live; /* the name that it is written under, before it is renamed */
    int fd;     /* -1: closed */
    fl_file_id id;
    bool packed;
    flowan_source *source; /* of a packed one, while it is read */

    flowan_log_state log; /* as the archive knows it; its path is owned */
    bool settled;         /* its head */
    size_t rows_known;    /* rows behind its position that are in already */
    fl_parser_mark mark;  /* while the parser is elsewhere */
    uint64_t read_to;     /* bytes handed out */
    char head[FL_TRAIL_HEAD_SIZE];
    uint32_t head_size;
    char tail[FL_TRAIL_TAIL_SIZE]; /* the last bytes handed out */
    uint32_t tail_size;

    bool unfinished;     /* something at its end is incomplete */
    bool told;           /* that it cannot be read */
    uint32_t noted_size; /* SEEN: bytes of the head, and their hash, when it was ... */
    uint64_t noted_hash; /* ... found to be new */
    bool partial;        /* SEEN: compressed, and the end was not there */
    bool doubtful;       /* ASIDE: to be looked into again when it has settled */
    uint64_t lost_since_ms; /* LOST */
    uint64_t grew_at_ms;    /* when something of it was read last */
} fl_trail;

/* NULL when memory is short. */
fl_trail *fl_trail_new(const char *path, const char *live, const fl_file_id *id);
void fl_trail_free(fl_trail *trail);
bool fl_trail_set_path(fl_trail *trail, const char *path);
bool fl_trail_set_live(fl_trail *trail, const char *path);

/* Opens the file, if it is not. FLOWAN_ERROR_NOT_FOUND when it is gone, or another has its
 * name. */
flowan_status fl_trail_open(fl_trail *trail, flowan_error *error);
void fl_trail_close(fl_trail *trail);

/* Whether the open file begins as compressed ones do: the trail is packed then. */
bool fl_trail_is_packed(fl_trail *trail);

typedef enum fl_trail_kind {
    FL_TRAIL_EMPTY,     /* too short to tell */
    FL_TRAIL_NEW,       /* no log of which anything is in */
    FL_TRAIL_KNOWN,     /* goes on behind what is in, or ends there */
    FL_TRAIL_SHORTER,   /* begins as one of which more is in */
    FL_TRAIL_UNREADABLE /* is no log; damaged; or compressed, and not all is there yet */
} fl_trail_kind;

/* Which log this is: one that the archive knows, or `only` where that is not NULL. NEW and
 * KNOWN leave the trail ready to be read from where it must be; *known (may be NULL) is
 * what was known. UNREADABLE says why in *error; else a failure is one of memory. */
flowan_status fl_trail_identify(fl_trail *trail, const flowan_archiver *archiver,
                                const flowan_log_state *only, fl_trail_kind *kind,
                                flowan_log_state *known, flowan_error *error);

/* How many bytes there are, decompressed; false when there is no sound end. */
bool fl_trail_length(const fl_trail *trail, uint64_t *length);

typedef enum fl_trail_look {
    FL_TRAIL_LOOK_RUN,     /* here are bytes */
    FL_TRAIL_LOOK_END,     /* none now */
    FL_TRAIL_LOOK_CHANGED, /* the file is not what it was: truncated, written anew */
    FL_TRAIL_LOOK_BROKEN /* as *error says: packed bytes are damaged, or an I/O error */
} fl_trail_look;

/* The next bytes, borrowed: of a plain file they are in `buffer`, which has room for
 * FL_TRAIL_TAIL_SIZE + FL_TRAIL_RUN_SIZE. */
fl_trail_look fl_trail_read(fl_trail *trail, char *buffer, const char **data,
                            size_t *size, flowan_error *error);

/* Whether the file is what it was, as far as can be told without reading all of it. */
bool fl_trail_is_intact(fl_trail *trail);

/* Settles what the archive knows the log by, once something was read. */
void fl_trail_settle(fl_trail *trail);

/* Forgets what was read: the file is another log from now on. False when memory is short.
 */
bool fl_trail_restart(fl_trail *trail);

/* The name that the open file has now, which is the trail's path from then on; false when
 * it has none that we can tell. */
bool fl_trail_find_path(fl_trail *trail);

#endif
