/* What import and follow share: the options about the archive and about which logs are
 * taken how, and what is done with rejects. */
#ifndef INTAKE_H
#define INTAKE_H

#include <getopt.h>
#include <regex.h>

#include "cli.h"
#include "rejects.h"

enum { INTAKE_EXCLUDES_MAX = 64 };

typedef struct intake {
    const char *archive;
    flowan_archiver_options archiver_options;
    const char *rejects_path; /* NULL: in the archive */
    bool strict;
    cli_key_map map;
    uint32_t jobs;
    uint64_t ignore_older_ns; /* 0: none is too old */
    regex_t excludes[INTAKE_EXCLUDES_MAX];
    size_t exclude_count;
    rejects *rejects;
} intake;

enum {
    INTAKE_ROTATE = 400,
    INTAKE_LEVEL,
    INTAKE_REJECTS,
    INTAKE_MAP,
    INTAKE_STRICT,
    INTAKE_EXCLUDE,
    INTAKE_IGNORE_OLDER,
    INTAKE_INDEX
};

/* For the long options; the short ones are "a:j:". */
#define INTAKE_OPTIONS                                                                 \
    {"archive", required_argument, NULL, 'a'},                                         \
        {"rotate", required_argument, NULL, INTAKE_ROTATE},                            \
        {"level", required_argument, NULL, INTAKE_LEVEL},                              \
        {"rejects", required_argument, NULL, INTAKE_REJECTS},                          \
        {"map", required_argument, NULL, INTAKE_MAP},                                  \
        {"index", required_argument, NULL, INTAKE_INDEX},                              \
        {"strict", no_argument, NULL, INTAKE_STRICT},                                  \
        {"exclude", required_argument, NULL, INTAKE_EXCLUDE},                          \
        {"ignore-older", required_argument, NULL, INTAKE_IGNORE_OLDER},                \
    {                                                                                  \
        "jobs", required_argument, NULL, 'j'                                           \
    }

/* The CPUs that this process may use, 8 at most. */
uint32_t intake_default_jobs(void);

/* Takes an option of the above: CLI_DONE, or CLI_USAGE with a message; -1: it is another.
 */
int intake_take(intake *in, int option, char *value);

/* Checks what was taken, and makes ready: CLI_DONE, or what to exit with. */
int intake_begin(intake *in);
void intake_end(intake *in);

/* Whether a file is not to be read. */
bool intake_skips(const intake *in, const char *path, uint64_t modified_ns);

/* Notes a reject; with --strict it is a failure. */
flowan_status intake_reject(intake *in, const flowan_log_state *log,
                            const flowan_reject *reject, flowan_error *error);
/* Says where they are. */
void intake_tell_rejects(const intake *in);

#endif
