/* The options of flowan-dump -o ecs: what documents have beside their records. */
#ifndef DUMP_ECS_H
#define DUMP_ECS_H

#include <flowan/flowan.h>

/* What getopt_long gives for them: all from DUMP_ECS on. */
enum {
    DUMP_ECS = 512,
    DUMP_ECS_ASN_DB = DUMP_ECS,
    DUMP_ECS_COMPAT,
    DUMP_ECS_IGNORE_OLDER,
    DUMP_ECS_NETWORKS,
    DUMP_ECS_PREFER_ASDB,
    DUMP_ECS_PRESERVE,
    DUMP_ECS_TAG
};

/* Zeroed is none of them. */
typedef struct dump_ecs {
    const char *given; /* the first of them that was named; NULL: none */
    const char *asdb_path;
    const char *networks_path;
    uint64_t older_ns; /* 0: any age */
    bool elastic_compat;
    bool prefer_asdb;
    bool preserve_original;
    const char **tags;
    size_t tag_count;
    flowan_asdb *asdb;
    flowan_networks *networks;
} dump_ecs;

/* Takes one of the options; false with a message. `value` is kept. */
bool dump_ecs_take(dump_ecs *ecs, int option, const char *value);

/* Opens what the options name, and sets those of an encoder. What an exit status is, with
 * a message where it is not CLI_DONE. */
int dump_ecs_open(dump_ecs *ecs, flowan_encoder_options *options);

/* When the encoder is freed. */
void dump_ecs_close(dump_ecs *ecs);

#endif
