/* flowan-dump: what its commands share. */
#ifndef DUMP_H
#define DUMP_H

#include "asking.h"
#include "cli.h"
#include "dump-ecs.h"
#include "dump-nat.h"

typedef struct dump_settings {
    const char *output; /* NULL: not said */
    char *fields_text;
    const char **fields;
    size_t field_count;
    cli_window window;
    bool inside;
    bool has_limit;
    uint64_t limit;
    bool count;
    bool schema;
    cli_key_map map;
    asking ask;
    dump_ecs ecs;
    dump_nat nat;
    const char *const *paths;
    size_t path_count;
} dump_settings;

/* A scan of the inputs under way. */
typedef struct dump_run {
    const dump_settings *set;
    flowan_scan *scan;
    cli_progress progress;
    int status;    /* to exit with */
    uint64_t left; /* records that may still be taken */
} dump_run;

/* Begins a scan, and shows progress from then on; CLI_DONE, or what to exit with, after a
 * message. */
int dump_begin(dump_run *run, const dump_settings *set, const char *const *columns,
               size_t count);

/* Calls `take` for each batch; tells of damage and goes on behind it. */
typedef flowan_status (*dump_take)(void *context, const flowan_batch *batch,
                                   const flowan_selection *selection,
                                   flowan_error *error);
void dump_each(dump_run *run, dump_take take, void *context);

/* Ends what dump_begin began. */
void dump_end(dump_run *run);

/* What there is to be done; what to exit with. */
int dump_records(dump_settings *set, flowan_format format);
int dump_count(const dump_settings *set, bool json);
int dump_schema(const dump_settings *set, bool json);
int dump_nat_answer(dump_settings *set);

/* The columns of the inputs. */
flowan_status dump_open_schema(flowan_schema **schema, const dump_settings *set,
                               size_t *damaged, flowan_error *error);

#endif
