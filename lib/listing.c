/* What columns a block has, and what of each: its directory, kept at hand from one call to
 * the next. */
#include "listing.h"

#include "reader.h"
#include "status.h"
#include "summary.h"
#include "unpack.h"

typedef struct listing {
    fl_unpack unpack;
    fl_buffer name; /* of the column that was asked for last, with a NUL behind */
} listing;

static void forget(flowan_reader *reader)
{
    listing *l = reader->listing;
    fl_unpack_free(&l->unpack);
    fl_buffer_free(&l->name);
    fl_memory_free(l);
    reader->listing = NULL;
    reader->listed = 0;
}

/* Keeps the directory of a block at hand. */
static flowan_status list_block(flowan_reader *reader, size_t index,
                                flowan_error *error)
{
    fl_segment_head head = {0};
    if (reader->listing)
        forget(reader);
    listing *l = fl_memory_zalloc(1, sizeof *l);
    if (!l)
        return fl_status_memory(error);
    reader->listing = l;
    reader->forget_listing = forget;
    uint64_t block = reader->blocks[index].offset;
    flowan_status status =
        fl_reader_head(reader, &reader->space.head, block, &head, error);
    if (status == FLOWAN_OK)
        status =
            fl_unpack_open(&l->unpack, reader, &reader->space, &head, block, error);
    fl_segment_head_free(&head);
    l->unpack.head = NULL; /* only the directory is looked at */
    if (status == FLOWAN_OK)
        reader->listed = index + 1;
    return status;
}

/* The directory is at hand, or comes there. */
static flowan_status need_block(flowan_reader *reader, size_t index,
                                flowan_error *error)
{
    return reader->listed == index + 1 ? FLOWAN_OK : list_block(reader, index, error);
}

flowan_status flowan_reader_column(flowan_reader *reader, size_t index, size_t column,
                                   flowan_column *out, flowan_error *error)
{
    if (index >= reader->block_count)
        return fl_status_fail(error, FLOWAN_ERROR_ARGUMENT, FL_NO_OFFSET,
                              "%s: has no block %zu", reader->path, index);
    flowan_status status = need_block(reader, index, error);
    if (status != FLOWAN_OK)
        return status;
    listing *l = reader->listing;
    const fl_layout *layout = &l->unpack.layout;
    if (column >= layout->column_count)
        return FLOWAN_END;
    const fl_layout_column *entry = &layout->columns[column];
    fl_buffer_clear(&l->name);
    fl_buffer_append(&l->name, entry->name, entry->name_size);
    fl_buffer_byte(&l->name, 0);
    if (l->name.failed)
        return fl_status_memory(error);
    *out = (flowan_column){.name = l->name.data,
                           .name_size = entry->name_size,
                           .field = fl_reader_field(entry),
                           .type = entry->type,
                           .rows = layout->rows,
                           .present_count = entry->present};
    return FLOWAN_OK;
}

/* Whether the last section is an index: it is the last part, and of a section that is not
 * shared. */
static bool has_index(const fl_layout *layout, const fl_segment_head *head)
{
    size_t part = fl_layout_extra(layout, FL_EXTRA_NAT);
    return part > 0 && part + 1 == layout->part_count && layout->parts[part].own &&
           layout->parts[part].size == head->sections[head->section_count - 1].size;
}

/* Appends the summary of a block, and tells whether it has an index; nothing where it is
 * damaged. */
static flowan_status summarize(flowan_reader *reader, size_t index, fl_buffer *out)
{
    fl_segment_head head = {0};
    fl_unpack unpack = {0};
    size_t before = out->size;
    uint64_t block = reader->blocks[index].offset;
    flowan_status status =
        fl_reader_head(reader, &reader->space.head, block, &head, NULL);
    if (status == FLOWAN_OK)
        status = fl_unpack_open(&unpack, reader, &reader->space, &head, block, NULL);
    if (status == FLOWAN_OK)
        reader->blocks[index].indexed = has_index(&unpack.layout, &head);
    bool pays = status == FLOWAN_OK && fl_summary_pays(&unpack.layout);
    if (pays)
        status = fl_unpack_bounds(&unpack);
    if (pays && status == FLOWAN_OK && !fl_summary_put(&unpack.layout, out))
        status = FLOWAN_ERROR_MEMORY;
    fl_unpack_free(&unpack);
    fl_segment_head_free(&head);
    if (status != FLOWAN_OK)
        out->size = before;
    return status == FLOWAN_ERROR_MEMORY ? status : FLOWAN_OK;
}

flowan_status fl_listing_summarize(flowan_reader *reader, flowan_error *error)
{
    fl_buffer *all = &reader->summaries;
    flowan_status status = FLOWAN_OK;
    if (reader->is_summarized)
        return FLOWAN_OK;
    fl_buffer_free(all); /* of a call that failed: no block has any of it */
    size_t *ends = fl_memory_alloc(reader->block_count, sizeof *ends);
    if (!ends)
        return fl_status_memory(error);
    for (size_t i = 0; status == FLOWAN_OK && i < reader->block_count; i++) {
        const fl_segment_block *block = &reader->blocks[i];
        if (!block->summary &&
            (!reader->finished || block->stats.rows >= FL_SUMMARY_ROWS_MIN))
            status = summarize(reader, i, all);
        ends[i] = all->size;
    }
    size_t first = 0;
    for (size_t i = 0; status == FLOWAN_OK && i < reader->block_count; i++) {
        if (ends[i] > first) {
            reader->blocks[i].summary = (const unsigned char *)all->data + first;
            reader->blocks[i].summary_size = ends[i] - first;
        }
        first = ends[i];
    }
    reader->is_summarized = status == FLOWAN_OK;
    fl_memory_free(ends);
    return status == FLOWAN_OK ? status : fl_status_memory(error);
}
