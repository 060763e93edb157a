/* What the three tools share: messages, signals, progress, options that several have. */
#ifndef CLI_H
#define CLI_H

#include <flowan/flowan.h>
#include <stdbool.h>
#include <stdio.h>

/* Exit statuses: a contract (the man pages list them). */
enum { CLI_DONE = 0, CLI_FAILED = 1, CLI_USAGE = 2, CLI_REJECTS = 3 };

/* argv[0]'s last part and, for one with subcommands, the subcommand: what messages begin
 * with. */
void cli_begin(const char *program, const char *subcommand);

/* One line on standard error: "PROGRAM: message". */
void cli_message(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The message, where help is, and CLI_USAGE. */
int cli_usage(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* After getopt_long returned '?' or ':' with opterr 0: tells what was wrong. */
int cli_bad_option(char *const *argv, int option);

/* Prints `text` and the version line for --help and --version; returns CLI_DONE. */
int cli_help(const char *text);
int cli_version(void);

/* Writes to standard output. A failure is remembered: stop then, without a message, and
 * let cli_flush tell. */
int cli_write(void *context, const void *data, size_t size);
bool cli_output_failed(void);
/* CLI_DONE, or CLI_FAILED with a message when the output could not be written. A closed
 * pipe is no failure: what reads has seen enough. */
int cli_flush(void);
/* What to exit with: a failed output counts more than `status`, a signal more still. */
int cli_end(int status);

/* From here on SIGINT and SIGTERM set a flag; a second one kills. */
void cli_catch_signals(void);
bool cli_stopped(void);
/* 128 + signal, as shells have it, when one came; else `status`. */
int cli_exit_status(int status);

/* Progress on standard error while it is a terminal: what was read, how fast, and where
 * `total_bytes` is known how long it will take. Draws at most four times a second. */
typedef struct cli_progress {
    double began;
    double drawn;
    uint64_t total_bytes;
    bool shown;
} cli_progress;

/* The bytes that reading these paths will show, or 0 where that cannot be told: for what
 * is compressed, an archive, or a pipe. */
uint64_t cli_total_bytes(const char *const *paths, size_t count);
void cli_progress_begin(cli_progress *progress, uint64_t total_bytes);
void cli_progress_show(cli_progress *progress, uint64_t records, uint64_t bytes);
/* For scans and lookups: `progress` is a cli_progress. Not 0 when a signal came. */
int cli_progress_scan(void *progress, const flowan_scan_counts *counts);
/* Clears the line. */
void cli_progress_end(cli_progress *progress);

/* The clock, ns since 1970. */
uint64_t cli_now(void);

/* "25.6 MB"; `out` of 32 bytes. */
const char *cli_size(uint64_t bytes, char out[32]);

/* The width of the terminal on standard output, or `fallback`. */
unsigned cli_columns(unsigned fallback);

/* A text as a JSON string on `out`. */
void cli_json_string(FILE *out, const char *text);

/* Numbers: false with a message when `text` is none, or above `max`. */
bool cli_number(const char *option, const char *text, uint64_t max, uint64_t *out);

/* Durations, in ns: likewise. */
bool cli_duration(const char *option, const char *text, uint64_t *out);

/* The place of `name` among `count` names, or -1. */
int cli_place(const char *name, const char *const *names, int count);

/* Tells of the rejects of a scan, and of an input that holds no record; the exit status
 * that follows from them. */
int cli_tell_rejects(const uint64_t rejects[FLOWAN_REJECT_REASONS], uint64_t records,
                     const char *what);

/* The same for a scan that ended with `status`, of paths that the messages name; also
 * says when it read all and found no record. The status that follows. */
int cli_tell_scan(const flowan_scan *scan, int status, const char *const *paths,
                  size_t path_count);

/* --map, which all tools take that read logs. */
typedef struct cli_key_map {
    flowan_key_map entries[256]; /* as many as the library takes */
    size_t count;
} cli_key_map;

/* Takes a value THEIR_KEY=FIELD, of which it keeps the first part and cuts the second
 * off; false with a message. */
bool cli_take_map(cli_key_map *map, char *text);

/* False, with a message, when a field is named that neither goflow2 nor any of the inputs
 * has: a slip of the pen. Standard input cannot be looked at beforehand: all is well
 * then. */
bool cli_check_fields(const char *option, const char *const *names, size_t count,
                      const char *const *paths, size_t path_count,
                      const cli_key_map *map);

/* --start and --end, which several tools take. */
typedef struct cli_window {
    bool has_start;
    bool has_end;
    uint64_t start_ns;
    uint64_t end_ns;
} cli_window;

/* Takes the value of --start or --end; false with a message. */
bool cli_take_time(cli_window *window, bool start, const char *text);
bool cli_check_window(const cli_window *window);

#endif
