/* Layer 7: what the parts of an ECS document share: the handle, and the values of a row. */
#ifndef FL_ECS_ROW_H
#define FL_ECS_ROW_H

#include "ecs_rest.h"
#include "enrich.h"
#include "render.h"
#include "text.h"

typedef struct fl_ecs {
    bool preserve_original;
    bool elastic_compat;
    bool has_not_before;
    int64_t not_before_ns;
    flowan_asdb *asdb;
    fl_buffer tags; /* "tags":[…], */

    const flowan_batch *batch;
    fl_enrich enrich;
    fl_enrich_column columns[FLOWAN_FIELD_COUNT];
    fl_enrich_column texts[FLOWAN_FIELD_COUNT]; /* what stands for a number that has
                                                   names, and is none of them */
    fl_ecs_rest rest;
    fl_render render;
    fl_buffer original;
    fl_text_second second;
    uint64_t latest_ns; /* when the last record was received */
    bool has_latest;
} fl_ecs;

static inline bool fl_ecs_present(const fl_enrich_column *column, size_t row)
{
    return column->there && (column->view.present[row / 64] >> (row % 64) & 1);
}

/* The number that a row has in a field; false where it has none. */
static inline bool fl_ecs_get(const fl_ecs *ecs, flowan_field field, size_t row,
                              uint64_t *out)
{
    if (!fl_ecs_present(&ecs->columns[field], row))
        return false;
    const flowan_column *view = &ecs->columns[field].view;
    *out = view->u32 ? view->u32[row] : view->u64[row];
    return true;
}

/* The text that stands in a row for a number with a name; its size, 0 where there is
 * none. */
static inline size_t fl_ecs_text(const fl_ecs *ecs, flowan_field field, size_t row,
                                 const char **out)
{
    if (!fl_ecs_present(&ecs->texts[field], row))
        return 0;
    const flowan_column *view = &ecs->texts[field].view;
    *out = view->text + view->offset[row];
    return view->offset[row + 1] - view->offset[row];
}

static inline const flowan_address *fl_ecs_address(const fl_ecs *ecs,
                                                   flowan_field field, size_t row)
{
    return fl_enrich_address(&ecs->columns[field], row);
}

static inline bool fl_ecs_is_sflow(const fl_ecs *ecs, size_t row)
{
    enum { SFLOW_5 = 1 };
    uint64_t type;
    return fl_ecs_get(ecs, FLOWAN_FIELD_TYPE, row, &type) && type == SFLOW_5;
}

/* Appends the members of a document from its ends on, up to those of goflow2, which is
 * left open; a row of the batch, which is the i-th that was chosen. When memory is short,
 * `out` has failed. */
void fl_ecs_body(const fl_ecs *ecs, fl_buffer *out, size_t i, size_t row);

#endif
