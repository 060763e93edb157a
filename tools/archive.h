/* The commands of flowan-archive that have a file of their own, and what they share. */
#ifndef ARCHIVE_H
#define ARCHIVE_H

#include "cli.h"

int archive_info_run(int argc, char **argv);
int archive_merge_run(int argc, char **argv);

/* Opens segment *index. One that was merged since the archive was listed is looked for
 * again, and *index is then what it was merged into, or the next where it expired;
 * FLOWAN_END when there is none. */
flowan_status archive_open_segment(flowan_archive *archive, size_t *index,
                                   flowan_reader **reader, flowan_error *error);

/* The compression that --level names; 0 when it is unknown. */
int archive_level(const char *name);

#endif
