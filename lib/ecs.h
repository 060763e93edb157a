/* Layer 7: records as documents of the Elastic Common Schema 8.16, one a line. doc/ecs.md
 * says what each field is made of. */
#ifndef FL_ECS_H
#define FL_ECS_H

#include "flowan/asdb.h"
#include "flowan/batch.h"
#include "flowan/networks.h"
#include "memory.h"

typedef struct fl_ecs fl_ecs;

/* As in flowan_encoder_options. */
typedef struct fl_ecs_options {
    bool preserve_original;
    bool elastic_compat;
    bool prefer_asdb;
    const char *const *tags;
    size_t tag_count;
    const flowan_networks *networks;
    flowan_asdb *asdb;
    uint64_t not_before_ns;
} fl_ecs_options;

flowan_status fl_ecs_new(fl_ecs **out, const fl_ecs_options *options,
                         flowan_error *error);
void fl_ecs_free(fl_ecs *ecs);

/* The rows that follow are of this batch and selection, which must stay meanwhile. */
flowan_status fl_ecs_begin(fl_ecs *ecs, const flowan_batch *batch,
                           const flowan_selection *selection, flowan_error *error);

/* Appends the document of the i-th chosen row, unless it is too old. When memory is short,
 * `out` has failed. */
void fl_ecs_next(fl_ecs *ecs, fl_buffer *out, size_t i);

/* Appends the document that tells of a reject. */
void fl_ecs_reject(fl_ecs *ecs, fl_buffer *out, const flowan_reject *reject);

#endif
