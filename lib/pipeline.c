#include "pipeline.h"

#include "archiver.h"
#include "crew.h"
#include "status.h"

/* Filled batches wait while they hold so much for each thread: enough for one of 131072
 * records as goflow2 writes them. */
#define WAITING_BYTES ((size_t)64 << 20)
/* What holds more when it was written gives its memory back. */
#define BATCH_KEPT_BYTES ((size_t)64 << 20)
#define PACK_KEPT_BYTES ((size_t)8 << 20)

/* A batch: being filled, or put in and not yet written to its end. */
typedef struct slot {
    flowan_batch *batch; /* NULL: not yet made */
    fl_plan plan;
    size_t first;
    flowan_position position;
    uint64_t tag;
    size_t bytes; /* that it counts for while it waits */
    bool waits;
} slot;

/* A step of a batch's plan. */
typedef struct piece {
    fl_task task;
    fl_pack pack;
    const slot *slot;
    fl_plan_step step;
    flowan_level level;
    bool begins; /* its batch */
} piece;

struct fl_pipeline {
    flowan_archiver *archiver;
    fl_pipeline_owner owner;
    flowan_batch_options batch_options;
    fl_crew *crew;
    slot *slots; /* a ring, taken and written in turn */
    size_t slot_count;
    size_t filling;        /* the slot whose turn it is */
    flowan_batch *current; /* its batch, once it was asked for */
    piece *pieces;         /* a ring likewise */
    size_t piece_count;
    size_t oldest;
    size_t queued;
    fl_plan_state ahead; /* behind what is in; */
    bool has_ahead;      /* before the first batch: as the archiver says */
    size_t waiting_bytes;
    size_t waiting_max;
    size_t last_bytes; /* of the batch that was put in last */
    bool failed;
};

flowan_status fl_pipeline_new(fl_pipeline **out, flowan_archiver *archiver,
                              const fl_pipeline_owner *owner, uint32_t threads,
                              const flowan_batch_options *batch_options,
                              flowan_error *error)
{
    *out = NULL;
    fl_pipeline *pipeline = fl_memory_zalloc(1, sizeof *pipeline);
    if (!pipeline)
        return fl_status_memory(error);
    pipeline->archiver = archiver;
    pipeline->owner = *owner;
    if (batch_options)
        pipeline->batch_options = *batch_options;
    else
        pipeline->batch_options.size = sizeof pipeline->batch_options;
    pipeline->crew = fl_crew_new(threads - 1);
    if (!pipeline->crew)
        goto failed;
    size_t helpers = fl_crew_helpers(pipeline->crew);
    pipeline->waiting_max = WAITING_BYTES * (helpers + 1);
    /* Each thread packs one, and one is filled. A rotation cuts some in two. */
    pipeline->slot_count = helpers ? helpers + 2 : 1;
    pipeline->piece_count = helpers ? 2 * pipeline->slot_count : 1;
    pipeline->slots = fl_memory_zalloc(pipeline->slot_count, sizeof *pipeline->slots);
    pipeline->pieces =
        fl_memory_zalloc(pipeline->piece_count, sizeof *pipeline->pieces);
    if (!pipeline->slots || !pipeline->pieces)
        goto failed;
    *out = pipeline;
    return FLOWAN_OK;
failed:
    fl_pipeline_free(pipeline);
    return fl_status_memory(error);
}

void fl_pipeline_free(fl_pipeline *pipeline)
{
    if (!pipeline)
        return;
    fl_crew_free(pipeline->crew); /* from here on nobody packs */
    for (size_t i = 0; pipeline->pieces && i < pipeline->piece_count; i++)
        fl_pack_free(&pipeline->pieces[i].pack);
    for (size_t i = 0; pipeline->slots && i < pipeline->slot_count; i++)
        flowan_batch_free(pipeline->slots[i].batch);
    fl_memory_free(pipeline->pieces);
    fl_memory_free(pipeline->slots);
    fl_memory_free(pipeline);
}

/* --- writing --- */

static size_t bytes_of(const flowan_batch *batch)
{
    return batch->memory + batch->reject_text.capacity + batch->shapes.arena.capacity;
}

static void release(fl_pipeline *pipeline, slot *s)
{
    pipeline->waiting_bytes -= s->bytes;
    s->waits = false;
    flowan_batch_reset(s->batch);
    if (bytes_of(s->batch) > BATCH_KEPT_BYTES) {
        flowan_batch_free(s->batch);
        s->batch = NULL;
    }
}

static flowan_status write_piece(fl_pipeline *pipeline, piece *p, flowan_error *error)
{
    const slot *s = p->slot;
    flowan_status status = FLOWAN_OK;
    if (p->begins)
        status =
            pipeline->owner.begin(pipeline->owner.context, s->batch, s->tag, error);
    if (status != FLOWAN_OK)
        return status;
    if (p->step.first < p->step.end)
        fl_crew_wait(pipeline->crew, &p->task);
    return fl_archiver_take_step(pipeline->archiver, &p->step, s->batch, &p->pack,
                                 s->position, error);
}

static flowan_status write_oldest(fl_pipeline *pipeline, flowan_error *error)
{
    piece *p = &pipeline->pieces[pipeline->oldest];
    slot *s = &pipeline->slots[p->slot - pipeline->slots];
    flowan_status status = write_piece(pipeline, p, error);
    if (status != FLOWAN_OK) {
        pipeline->failed = true;
        return status;
    }
    if (fl_pack_memory(&p->pack) > PACK_KEPT_BYTES)
        fl_pack_free(&p->pack);
    pipeline->oldest = (pipeline->oldest + 1) % pipeline->piece_count;
    pipeline->queued--;
    size_t rows = flowan_batch_rows(s->batch);
    if (p->step.end == rows) {
        pipeline->owner.end(pipeline->owner.context, rows - s->first);
        release(pipeline, s);
    }
    return FLOWAN_OK;
}

flowan_status fl_pipeline_write_packed(fl_pipeline *pipeline, flowan_error *error)
{
    flowan_status status = FLOWAN_OK;
    while (status == FLOWAN_OK && pipeline->queued > 0) {
        const piece *p = &pipeline->pieces[pipeline->oldest];
        if (p->step.first < p->step.end && !fl_crew_is_done(pipeline->crew, &p->task))
            break;
        status = write_oldest(pipeline, error);
    }
    return status;
}

flowan_status fl_pipeline_write_all(fl_pipeline *pipeline, flowan_error *error)
{
    flowan_status status = FLOWAN_OK;
    while (status == FLOWAN_OK && pipeline->queued > 0)
        status = write_oldest(pipeline, error);
    return status;
}

bool fl_pipeline_is_busy(const fl_pipeline *pipeline)
{
    return pipeline->queued > 0;
}

bool fl_pipeline_has_failed(const fl_pipeline *pipeline)
{
    return pipeline->failed;
}

/* --- filling --- */

flowan_status fl_pipeline_batch(fl_pipeline *pipeline, flowan_batch **out,
                                flowan_error *error)
{
    slot *s = &pipeline->slots[pipeline->filling];
    flowan_status status = FLOWAN_OK;
    *out = pipeline->current;
    if (*out)
        return FLOWAN_OK;
    /* The next batch will be about as large as the last. */
    while (status == FLOWAN_OK && pipeline->queued > 0 &&
           (s->waits ||
            pipeline->waiting_bytes + pipeline->last_bytes > pipeline->waiting_max))
        status = write_oldest(pipeline, error);
    if (status == FLOWAN_OK && !s->batch)
        status = flowan_batch_new(&s->batch, &pipeline->batch_options, error);
    if (status == FLOWAN_OK)
        *out = pipeline->current = s->batch;
    return status;
}

static void pack(void *context)
{
    piece *p = context;
    fl_pack_rows(&p->pack, p->slot->batch, &p->slot->plan.clock, p->step.first,
                 p->step.end - p->step.first, p->level);
}

static void queue(fl_pipeline *pipeline, const slot *s, const fl_plan_step *step)
{
    size_t at = (pipeline->oldest + pipeline->queued) % pipeline->piece_count;
    piece *p = &pipeline->pieces[at];
    p->slot = s;
    p->step = *step;
    p->level = fl_archiver_level(pipeline->archiver);
    p->pack.index = fl_archiver_has_index(pipeline->archiver);
    p->begins = step->first == s->first;
    p->task = (fl_task){.run = pack, .context = p};
    pipeline->queued++;
    if (step->first < step->end)
        fl_crew_submit(pipeline->crew, &p->task);
}

flowan_status fl_pipeline_put(fl_pipeline *pipeline, size_t first,
                              flowan_position position, uint64_t tag,
                              flowan_error *error)
{
    slot *s = &pipeline->slots[pipeline->filling];
    s->first = first;
    s->position = position;
    s->tag = tag;
    s->bytes = pipeline->last_bytes = bytes_of(s->batch);
    s->waits = true;
    pipeline->waiting_bytes += s->bytes;
    pipeline->filling = (pipeline->filling + 1) % pipeline->slot_count;
    pipeline->current = NULL;
    if (!pipeline->has_ahead)
        pipeline->ahead = fl_archiver_state(pipeline->archiver);
    pipeline->has_ahead = true;
    fl_plan_rules rules = fl_archiver_rules(pipeline->archiver);
    fl_plan_step step;
    flowan_status status = FLOWAN_OK;
    fl_plan_begin(&s->plan, s->batch, first, &rules, &pipeline->ahead);
    while (status == FLOWAN_OK && fl_plan_next(&s->plan, &step)) {
        pipeline->ahead = step.after;
        if (pipeline->queued == pipeline->piece_count)
            status = write_oldest(pipeline, error);
        if (status == FLOWAN_OK)
            queue(pipeline, s, &step);
    }
    if (status == FLOWAN_OK && fl_crew_helpers(pipeline->crew) == 0)
        status = fl_pipeline_write_all(pipeline, error);
    return status;
}

void fl_pipeline_turn(fl_pipeline *pipeline)
{
    pipeline->has_ahead = false;
}
