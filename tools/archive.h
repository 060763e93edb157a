/* The commands of flowan-archive that have a file of their own, and what they share. */
#ifndef ARCHIVE_H
#define ARCHIVE_H

#include "cli.h"

int archive_follow_run(int argc, char **argv);
int archive_info_run(int argc, char **argv);
int archive_merge_run(int argc, char **argv);
int archive_repair_run(int argc, char **argv);
int archive_expire_run(int argc, char **argv);

/* Opens segment *index. One that was merged since the archive was listed is looked for
 * again, and *index is then what it was merged into, or the next where it expired;
 * FLOWAN_END when there is none. */
flowan_status archive_open_segment(flowan_archive *archive, size_t *index,
                                   flowan_reader **reader, flowan_error *error);

/* Prints ", received T to T", or nothing where no time is known. */
void archive_print_received(const flowan_segment_stats *stats);

/* "500G" to bytes: K, M, G, T and P are powers of 1024, as in du -h. False with a message. */
bool archive_take_size(const char *option, const char *text, uint64_t *out);

/* The compression that --level names. False, and a message, when it is unknown. */
bool archive_take_level(const char *name, flowan_level *level);

#endif
