/* A whole log into an archive: source, parser and archiver put together, and a log that
 * is already in recognised by its contents. */
#ifndef FLOWAN_IMPORT_H
#define FLOWAN_IMPORT_H

#include "flowan/archive.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct flowan_import_result {
    uint64_t records;
    uint64_t bytes;      /* of the (decompressed) log that were parsed */
    uint64_t resumed_at; /* its first that were not in before */
    uint64_t rejects[FLOWAN_REJECT_REASONS]; /* by reason; pieces not counted */
    bool stopped;                            /* the progress callback ended it */
    bool refused; /* it failed because the archive could not be written, or the reject
                     callback failed: the next log would fare no better, or come in before
                     the rest of this one */
} flowan_import_result;

typedef struct flowan_import_options {
    size_t size;           /* sizeof(flowan_import_options) */
    uint32_t record_limit; /* as the parser's */
    bool again;            /* take the log though it is in */
    void *context;         /* for the callbacks */
    /* Each reject, before the rows of its batch are written. A failure ends the import
     * with that status; the callback fills `error`. May be NULL. */
    flowan_status (*reject)(void *context, const flowan_log_state *log,
                            const flowan_reject *reject, flowan_error *error);
    /* After each run of bytes. Not zero: stop, with all that was parsed written. May be
     * NULL. */
    int (*progress)(void *context, const flowan_import_result *so_far);
    const flowan_key_map *map; /* as the parser's */
    size_t map_count;
    /* Threads at work, with the caller's; 0: 1; at most 256. Where the system gives fewer,
     * fewer. The archive is the same, byte for byte, and so are the calls of `reject`;
     * both callbacks come in the caller's thread. Several read ahead of what is written:
     * what waits holds up to about 64 MiB a thread, beside a batch that is being read. */
    uint32_t threads;
} flowan_import_options;

/* Imports `path` ("-": standard input). A log of which a part is in already, under
 * whatever name or compression, is taken up exactly behind that part;
 * FLOWAN_ERROR_EXISTS when nothing new is in it. An object that the end of the log tears
 * is a reject, and stays the place to resume from: the log may still grow. On failure all
 * that was parsed before is written. `result` may be NULL. */
FLOWAN_API flowan_status flowan_import_log(flowan_archiver *archiver, const char *path,
                                           const flowan_import_options *options,
                                           flowan_import_result *result,
                                           flowan_error *error);

#ifdef __cplusplus
}
#endif

#endif
