/* Layer 5: what reading and writing an archive share: the names of its files. */
#ifndef FL_ARCHIVE_H
#define FL_ARCHIVE_H

#include "flowan/archive.h"
#include "memory.h"

#define FL_ARCHIVE_LOCK "flowan.lock"
#define FL_ARCHIVE_OPEN ".open"
/* Behind the name of what merge, repair or expire are writing; who begins one of them
 * removes what is left of such. Nothing else may have it. */
#define FL_ARCHIVE_CARE ".care"

enum { FL_ARCHIVE_SEGMENT_ROWS = 16000000 };

/* A directory without segments that a writer has made is an archive too. */
bool fl_archive_is_one(const char *directory);

/* DIR/YYYY/MM/DD and the file's name in it, the latter without ".open". */
void fl_archive_put_directory(fl_buffer *out, const char *directory, uint64_t start_ns);
void fl_archive_put_name(fl_buffer *out, uint64_t start_ns, uint64_t serial);
/* The name of one that was merged. */
void fl_archive_put_range(fl_buffer *out, uint64_t start_ns, uint64_t serial,
                          uint64_t last_serial);

/* Serial of segment `index`, its last one (of one that was merged; else the same), and
 * whether it has ".open". */
uint64_t fl_archive_serial(const flowan_archive *archive, size_t index);
uint64_t fl_archive_last_serial(const flowan_archive *archive, size_t index);
bool fl_archive_is_open(const flowan_archive *archive, size_t index);

/* Paths of files that others stand for, what a merge or a repair was made from and did not
 * come to remove: *by is the one that does. And of what either writes, or left unfinished:
 * *by is NULL. NULL behind the last. */
const char *fl_archive_hidden(const flowan_archive *archive, size_t index,
                              const char **by);

/* As flowan_archive_open, but an empty or missing directory is an empty list. */
flowan_status fl_archive_list(flowan_archive **out, const char *directory,
                              flowan_error *error);

#endif
