/* Documents of ECS as a format of the encoder; what is in them is ecs.c's. */
#include "ecs.h"
#include "encode.h"
#include "status.h"

typedef struct state {
    fl_ecs *ecs;
    size_t next; /* of the chosen rows */
} state;

static flowan_status open_ecs(flowan_encoder *encoder,
                              const flowan_encoder_options *options,
                              flowan_error *error)
{
    const fl_ecs_options ecs = {.preserve_original = options->preserve_original,
                                .elastic_compat = options->elastic_compat,
                                .prefer_asdb = options->prefer_asdb,
                                .tags = options->tags,
                                .tag_count = options->tag_count,
                                .networks = options->networks,
                                .asdb = options->asdb,
                                .not_before_ns = options->not_before_ns};
    state *s = fl_memory_zalloc(1, sizeof *s);
    encoder->state = s;
    return s ? fl_ecs_new(&s->ecs, &ecs, error) : fl_status_memory(error);
}

static void close_ecs(flowan_encoder *encoder)
{
    state *s = encoder->state;
    if (s)
        fl_ecs_free(s->ecs);
    fl_memory_free(s);
}

static flowan_status begin_ecs(flowan_encoder *encoder, const flowan_batch *batch,
                               const flowan_selection *selection, flowan_error *error)
{
    state *s = encoder->state;
    s->next = 0;
    return fl_ecs_begin(s->ecs, batch, selection, error);
}

static void put_ecs(flowan_encoder *encoder, size_t row)
{
    state *s = encoder->state;
    (void)row; /* the documents know the selection */
    fl_ecs_next(s->ecs, &encoder->out, s->next++);
}

static void put_reject(flowan_encoder *encoder, const flowan_reject *reject)
{
    const state *s = encoder->state;
    fl_ecs_reject(s->ecs, &encoder->out, reject);
}

const fl_encode_format fl_encode_ecs = {.open = open_ecs,
                                        .close = close_ecs,
                                        .begin = begin_ecs,
                                        .row = put_ecs,
                                        .reject = put_reject};
