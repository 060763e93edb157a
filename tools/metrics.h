/* The figures of a follower as Prometheus text, for node_exporter's textfile collector. */
#ifndef METRICS_H
#define METRICS_H

#include <flowan/flowan.h>
#include <stdbool.h>

/* Replaces the file at once, so that nobody reads half of it; false with a message. */
bool metrics_write(const char *path, const flowan_follow_counts *follow,
                   const flowan_archiver_counts *archive);

#endif
