/* What is asked of records, and what it takes to answer: options that flowan-dump and
 * flowan-report have in common. */
#ifndef ASKING_H
#define ASKING_H

#include <flowan/flowan.h>

/* Zeroed asks for all, of one thread. */
typedef struct asking {
    const char *filter_text; /* NULL: none */
    const char *networks_path;
    const char *asdb_path;
    bool prefer_asdb;
    bool explain;
    uint32_t threads;
    double began;
    flowan_filter *filter;
    flowan_networks *networks;
    flowan_asdb *asdb;
} asking;

/* -j; false with a message. */
bool asking_take_threads(asking *ask, const char *text);

/* Opens what the options name, and begins to measure the time for --explain. What an exit
 * status is, with a message where it is not CLI_DONE. */
int asking_open(asking *ask);

/* CLI_USAGE, with a message, when the filter names a field that neither goflow2 nor any of
 * the inputs has. */
int asking_check_fields(const asking *ask, const char *const *paths, size_t count,
                        const flowan_key_map *map, size_t map_count);

/* Sets what of a scan's options comes from here. */
void asking_set(const asking *ask, flowan_scan_options *options);

/* For --explain, on standard error: what was read and what was not. */
void asking_tell(const asking *ask, const flowan_scan *scan);
void asking_tell_counts(const asking *ask, const flowan_scan_counts *counts);

void asking_close(asking *ask);

#endif
