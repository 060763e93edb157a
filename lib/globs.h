/* Layer 2: which files match some globs now, and what the file system says of them. */
#ifndef FL_GLOBS_H
#define FL_GLOBS_H

#include "flowan/status.h"
#include "memory.h"

/* A file's identity and state. */
typedef struct fl_file_id {
    uint64_t device;
    uint64_t inode;
    uint64_t size;
    uint64_t modified_ns; /* since 1970 UTC; 0 when before */
} fl_file_id;

/* False when `fd`, or `path`, is no regular file, or cannot be asked. */
bool fl_globs_fstat(int fd, fl_file_id *out);
bool fl_globs_stat(const char *path, fl_file_id *out);
bool fl_globs_same_file(const fl_file_id *a, const fl_file_id *b);

typedef struct fl_match {
    char *path; /* owned */
    fl_file_id id;
} fl_match;

/* Below 0: `a` is the older one. */
int fl_globs_compare_age(const fl_match *a, const fl_match *b);

typedef struct fl_matches {
    fl_match *entries;
    size_t count;
    size_t room;
} fl_matches;

/* The regular files that match any of the globs, each file once: the one modified longest
 * ago first, where that does not tell the longer name, then by name. A glob that names an existing file means
 * that file, whatever signs are in its name. False when memory is short. */
bool fl_globs_expand(const char *const *globs, size_t count, fl_matches *out);

/* The regular files in a directory; none where it cannot be read. */
bool fl_globs_directory(const char *directory, fl_matches *out);

/* Whether a path matches a glob. */
bool fl_globs_match(const char *const *globs, size_t count, const char *path);

void fl_matches_free(fl_matches *matches);

/* Everything before the last '/', which is cut off; "." where there is none. */
bool fl_globs_directory_of(fl_buffer *out, const char *path);

#endif
