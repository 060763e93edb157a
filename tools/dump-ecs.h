/* The options of flowan-dump -o ecs: what documents have beside their records. */
#ifndef DUMP_ECS_H
#define DUMP_ECS_H

#include "asking.h"

/* What getopt_long gives for them: all from DUMP_ECS on. */
enum {
    DUMP_ECS = 512,
    DUMP_ECS_COMPAT = DUMP_ECS,
    DUMP_ECS_IGNORE_OLDER,
    DUMP_ECS_PRESERVE,
    DUMP_ECS_TAG
};

/* Zeroed is none of them. */
typedef struct dump_ecs {
    const char *given; /* the first of them that was named; NULL: none */
    uint64_t older_ns; /* 0: any age */
    bool elastic_compat;
    bool preserve_original;
    const char **tags;
    size_t tag_count;
} dump_ecs;

/* Takes one of the options; false with a message. `value` is kept. */
bool dump_ecs_take(dump_ecs *ecs, int option, const char *value);

/* Sets those of an encoder. What an exit status is, with a message where it is not
 * CLI_DONE. What both borrow must outlive the encoder. */
int dump_ecs_set(dump_ecs *ecs, const asking *ask, flowan_encoder_options *options);

void dump_ecs_free(dump_ecs *ecs);

#endif
