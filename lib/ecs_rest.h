/* Layer 7: what of a record has no place in the Elastic Common Schema: the members of the
 * object goflow2 of its document. */
#ifndef FL_ECS_REST_H
#define FL_ECS_REST_H

#include "batch.h"

/* Zeroed is empty. */
typedef struct fl_ecs_rest {
    const flowan_batch *batch;
    uint32_t *key_of_column; /* where in `keys` its key begins, plus one; 0: not here */
    size_t columns_room;
    fl_buffer keys; /* "\"KEY\":", each with a NUL behind */
    fl_buffer text; /* of one value */
} fl_ecs_rest;

/* The rows that follow are of this batch. False when memory is short. */
bool fl_ecs_rest_begin(fl_ecs_rest *rest, const flowan_batch *batch);

/* Appends the members that a row has, each with a comma behind. When memory is short,
 * `out` has failed. */
void fl_ecs_rest_next(fl_ecs_rest *rest, fl_buffer *out, size_t row);

void fl_ecs_rest_free(fl_ecs_rest *rest);

#endif
