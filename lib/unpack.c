#include "unpack.h"

#include <stdlib.h>

#include "bits.h"
#include "bounds.h"
#include "status.h"
#include "tables.h"

enum {
    CACHED_MAX = 8 << 20 /* numbers of streams that are kept for the next column */
};

/* --- sections and parts --- */

static flowan_status load(fl_unpack *u, size_t section, fl_buffer *out)
{
    const fl_segment_section *s = &u->head->sections[section];
    flowan_status status =
        fl_reader_load(u->reader, out, u->block + s->offset, s->size, u->error);
    if (status != FLOWAN_OK)
        return status;
    if (fl_segment_checksum(out->data, out->size) != s->checksum)
        return fl_reader_fail(u->reader, FLOWAN_ERROR_CHECKSUM, u->block + s->offset,
                              "section of a block", u->error);
    if (!fl_buffer_reserve(out, FL_BITS_PADDING))
        return fl_status_memory(u->error);
    memset(out->data + out->size, 0, FL_BITS_PADDING);
    u->bytes_read += s->size;
    return FLOWAN_OK;
}

/* Parts follow each other, in a section of their own each or together in the second. */
static flowan_status place_parts(fl_unpack *u)
{
    fl_layout *l = &u->layout;
    size_t section = FL_SECTION_PARTS;
    uint64_t small = 0;
    u->part_at = fl_pool_take(u->integers.pool, l->part_count, sizeof *u->part_at);
    if (!u->part_at)
        return fl_status_memory(u->error);
    bool sound = true;
    for (size_t i = 0; sound && i < l->part_count; i++) {
        if (!l->parts[i].own) {
            u->part_at[i] = small;
            small += l->parts[i].size;
            continue;
        }
        sound = section < u->head->section_count &&
                u->head->sections[section].size == l->parts[i].size;
        u->part_at[i] = section++;
    }
    if (sound && section == u->head->section_count &&
        small == u->head->sections[FL_SECTION_SMALL].size)
        return FLOWAN_OK;
    return fl_reader_fail(u->reader, FLOWAN_ERROR_FORMAT, u->block,
                          "sections of a block", u->error);
}

flowan_status fl_unpack_part(fl_unpack *u, size_t part, fl_cursor *out)
{
    const fl_layout_part *p = &u->layout.parts[part];
    flowan_status status = FLOWAN_OK;
    if (p->own) {
        status = load(u, (size_t)u->part_at[part], &u->part);
        *out = (fl_cursor){(const unsigned char *)u->part.data, u->part.size, false};
        return status;
    }
    if (!u->has_small)
        status = load(u, FL_SECTION_SMALL, &u->small);
    if (status == FLOWAN_OK)
        u->has_small = true;
    *out = (fl_cursor){(const unsigned char *)u->small.data + u->part_at[part],
                       (size_t)p->size, false};
    return status;
}

/* What could not be allocated while the part was read: for fl_unpack_damage. */
void *fl_unpack_need(fl_unpack *u, void *memory)
{
    if (!memory)
        u->integers.no_memory = true;
    return memory;
}

flowan_status fl_unpack_damage(const fl_unpack *u, size_t part, const char *what)
{
    if (u->integers.no_memory)
        return fl_status_memory(u->error);
    size_t section =
        u->layout.parts[part].own ? (size_t)u->part_at[part] : FL_SECTION_SMALL;
    return fl_reader_fail(u->reader, FLOWAN_ERROR_FORMAT,
                          u->block + u->head->sections[section].offset, what, u->error);
}

static flowan_status read_directory(fl_unpack *u)
{
    uint64_t at = u->block + u->head->sections[FL_SECTION_DIRECTORY].offset;
    uint32_t size = u->head->directory_size;
    flowan_status status = load(u, FL_SECTION_DIRECTORY, &u->part);
    if (status != FLOWAN_OK)
        return status;
    fl_cursor in = {(const unsigned char *)u->part.data, u->part.size, false};
    bool fits = size <= FL_LAYOUT_SIZE_MAX && fl_codec_fits(&in, size);
    if (fits && !fl_buffer_reserve(&u->directory, (size_t)size + FL_BITS_PADDING))
        return fl_status_memory(u->error);
    if (!fits || !fl_codec_get(u->integers.codec, &in, u->directory.data, size) ||
        in.left != 0)
        return fl_reader_fail(u->reader, FLOWAN_ERROR_FORMAT, at,
                              "directory of a block", u->error);
    memset(u->directory.data + size, 0, FL_BITS_PADDING);
    status = fl_layout_get(&u->layout, &u->integers, u->head->stats.rows,
                           u->directory.data, size);
    if (status == FLOWAN_ERROR_MEMORY)
        return fl_status_memory(u->error);
    if (status == FLOWAN_OK &&
        fl_layout_decoded_size(&u->layout) > FL_SEGMENT_DECODED_MAX)
        status = FLOWAN_ERROR_FORMAT;
    return status == FLOWAN_OK ? status
                               : fl_reader_fail(u->reader, status, at,
                                                "directory of a block", u->error);
}

flowan_status fl_unpack_open(fl_unpack *u, const flowan_reader *reader,
                             fl_workspace *space, const fl_segment_head *head,
                             uint64_t block, flowan_error *error)
{
    *u = (fl_unpack){
        .reader = reader, .space = space, .head = head, .block = block, .error = error};
    if (!space->codec)
        space->codec = fl_codec_new(0);
    u->integers.codec = space->codec;
    u->integers.pool = &space->pool;
    space->sparse.sparse = true;
    fl_buffer *const own[] = {&u->directory, &u->small, &u->part, &u->integers.tokens};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        *own[i] = space->spares[i];
        space->spares[i] = (fl_buffer){0};
        fl_buffer_clear(own[i]);
    }
    flowan_status status =
        space->codec ? read_directory(u) : fl_status_memory(u->error);
    return status == FLOWAN_OK ? place_parts(u) : status;
}

flowan_status fl_unpack_bounds(fl_unpack *u)
{
    size_t part = fl_layout_extra(&u->layout, FL_EXTRA_BOUNDS);
    fl_cursor in;
    if (part == 0 || u->layout.rows == 0)
        return FLOWAN_OK;
    flowan_status status = fl_unpack_part(u, part, &in);
    if (status == FLOWAN_OK &&
        !fl_bounds_get(&u->layout, &u->integers, &in, &u->class_rows))
        status = fl_unpack_damage(u, part, "bounds of a block");
    return status;
}

flowan_status fl_unpack_rows(fl_unpack *u)
{
    if (u->layout.rows == 0)
        return FLOWAN_OK;
    flowan_status status = fl_unpack_sizes(u);
    return status == FLOWAN_OK ? fl_unpack_place_uses(u) : status;
}

/* --- cells that runs and labels tell --- */

void fl_unpack_want(fl_unpack *u, const fl_wanted *wanted)
{
    u->wanted = wanted;
}

flowan_status fl_unpack_told(fl_unpack *u, size_t cell, size_t class,
                             const uint32_t *places, size_t count, uint64_t *out)
{
    const fl_layout *l = &u->layout;
    flowan_status status = fl_unpack_order_of(u, class);
    if (status != FLOWAN_OK)
        return status;
    const uint32_t *runs = u->runs + u->first[class];
    for (size_t k = 0; k < l->per_run_count; k++)
        if (l->per_run[k] == cell)
            for (size_t i = 0; i < count; i++)
                out[i] = u->run_numbers[k][runs[places ? places[i] : i]];
    for (size_t k = 0; k < l->per_label_count; k++)
        if (l->per_label[k] == cell) {
            const uint64_t *numbers = l->label_numbers + k * l->label_count;
            for (size_t i = 0; i < count; i++)
                out[i] = numbers[u->labels[runs[places ? places[i] : i]]];
        }
    return FLOWAN_OK;
}

void fl_unpack_trim(fl_unpack *u)
{
    if (u->cached <= CACHED_MAX)
        return;
    for (size_t i = 0; i < u->layout.stream_count; i++)
        fl_unpack_forget(u, &u->streams[i]);
}

void fl_unpack_free(fl_unpack *u)
{
    for (size_t i = 0; u->streams && i < u->layout.stream_count; i++)
        fl_unpack_forget(u, &u->streams[i]);
    fl_pool_give(u->integers.pool, u->streams);
    fl_pool_give(u->integers.pool, u->uses);
    fl_pool_give(u->integers.pool, u->class_rows);
    fl_pool_give(u->integers.pool, u->part_at);
    fl_pool_give(u->integers.pool, u->label_lists);
    fl_pool_give(u->integers.pool, u->listed);
    fl_pool_give(u->integers.pool, u->classes);
    fl_pool_give(u->integers.pool, u->first);
    fl_pool_give(u->integers.pool, u->class_of_row);
    fl_pool_give(u->integers.pool, u->rows);
    fl_pool_give(u->integers.pool, u->runs);
    fl_pool_give(u->integers.pool, u->labels);
    fl_pool_give(u->integers.pool, u->lengths);
    for (size_t i = 0; i < FL_LAYOUT_PER_RUN_MAX; i++)
        fl_pool_give(u->integers.pool, u->run_numbers[i]);
    fl_layout_free(&u->layout);
    if (!u->reader) /* it was never opened */
        return;
    fl_buffer *const own[] = {&u->directory, &u->small, &u->part, &u->integers.tokens};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        fl_buffer_free(&u->space->spares[i]);
        u->space->spares[i] = *own[i];
        *own[i] = (fl_buffer){0};
    }
}
