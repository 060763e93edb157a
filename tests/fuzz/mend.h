/* Makes the checksums of a changed segment hold, so that a reader gets to what they
 * protect. What the fuzz target knows of the layout is here, and most of it is what
 * lib/segment.h's functions know. What does not parse is left as it is. */
#ifndef FL_FUZZ_MEND_H
#define FL_FUZZ_MEND_H

#include "bits.h"
#include "layout.h"
#include "segment.h"

/* The checksum of `covered` bytes, behind them. */
static inline void mend_checksum(uint8_t *data, size_t covered)
{
    fl_bytes_store(data + covered, fl_segment_checksum(data, covered),
                   FL_SEGMENT_CHECKSUM_SIZE);
}

/* --- the sections of a block: what stands behind its head, each under a checksum --- */

/* The section is these bytes now. */
static inline void mend_set_section(fl_segment_head *head, size_t section,
                                    const uint8_t *data, size_t size)
{
    head->sections[section].size = (uint32_t)size;
    head->sections[section].checksum = fl_segment_checksum(data, size);
}

/* The directory, unpacked into `out` with the padding that its readers want. False where
 * section 0 is none, or one of more than `limit` bytes. */
static inline bool mend_get_directory(const uint8_t *block, const fl_segment_head *head,
                                      size_t limit, fl_buffer *out)
{
    const fl_segment_section *s = &head->sections[FL_SECTION_DIRECTORY];
    fl_cursor in = {block + s->offset, s->size, false};
    size_t size = head->directory_size;
    fl_codec *codec = fl_codec_new(0);
    bool sound = codec && size <= limit && fl_codec_fits(&in, size) &&
                 fl_buffer_reserve(out, size + FL_BITS_PADDING) &&
                 fl_codec_get(codec, &in, out->data, size);
    fl_codec_free(codec);
    if (!sound)
        return false;
    memset(out->data + size, 0, FL_BITS_PADDING);
    out->size = size;
    return true;
}

/* Appends it as section 0, and says so in the head. */
static inline void mend_put_directory(fl_segment_head *head, const uint8_t *data,
                                      size_t size, fl_buffer *out)
{
    size_t before = out->size;
    fl_codec *codec = fl_codec_new(0);
    head->directory_size = (uint32_t)size;
    if (codec)
        fl_codec_put(codec, out, data, size);
    else
        out->failed = true;
    fl_codec_free(codec);
    mend_set_section(head, FL_SECTION_DIRECTORY, (uint8_t *)out->data + before,
                     out->size - before);
}

/* Bytes that reading the block may take, by what its head and directory say: the columns
 * of the batch, what it takes to get there, and both lists of places by row. */
static inline uint64_t mend_announced(const uint8_t *block, const fl_segment_head *head)
{
    enum { BYTES_PER_ROW = 64, BYTES_PER_ITEM = 48 };
    fl_buffer directory = {0};
    fl_integers integers = {0};
    fl_layout layout;
    uint64_t bytes = head->stats.rows * BYTES_PER_ROW + head->directory_size;
    if (mend_get_directory(block, head, FL_LAYOUT_SIZE_MAX, &directory) &&
        (integers.codec = fl_codec_new(0)) &&
        fl_layout_get(&layout, &integers, head->stats.rows, directory.data,
                      directory.size) == FLOWAN_OK) {
        bytes += fl_layout_decoded_size(&layout) +
                 layout.column_count * (head->stats.rows / 8) +
                 (layout.class_count + layout.label_count + layout.stream_count +
                  layout.source_count + layout.part_count + layout.column_count +
                  layout.shape_count * layout.has_width +
                  layout.first_entry[layout.cell_count]) *
                     BYTES_PER_ITEM;
        fl_layout_free(&layout);
    }
    fl_integers_free(&integers);
    fl_codec_free(integers.codec);
    fl_buffer_free(&directory);
    return bytes;
}

/* --- a file --- */

/* Decodes the head of the block at `block`. False when there is none, or not all of it. */
static inline bool mend_get_head(const uint8_t *block, size_t left,
                                 fl_segment_head *head)
{
    uint32_t head_size;
    uint64_t block_size;
    return left >= FL_SEGMENT_BLOCK_FIXED_SIZE &&
           fl_segment_peek_head(block, &head_size, &block_size) && head_size <= left &&
           fl_segment_get_head(block, head_size, head) == FLOWAN_OK;
}

/* The bytes of the block at `block`, of which `left` are there; 0 when none begins. */
static inline size_t mend_block(uint8_t *block, size_t left)
{
    uint32_t head_size;
    uint64_t block_size;
    if (left < FL_SEGMENT_BLOCK_FIXED_SIZE ||
        !fl_segment_peek_head(block, &head_size, &block_size) || block_size > left)
        return 0;
    mend_checksum(block, head_size - FL_SEGMENT_CHECKSUM_SIZE);
    fl_segment_head head;
    if (!mend_get_head(block, left, &head))
        return (size_t)block_size;
    for (size_t i = 0; i < head.section_count; i++)
        mend_set_section(&head, i, block + head.sections[i].offset,
                         head.sections[i].size);
    fl_buffer again = {0};
    fl_segment_put_head(&again, &head);
    if (!again.failed && again.size == head_size)
        memcpy(block, again.data, head_size);
    fl_buffer_free(&again);
    fl_segment_head_free(&head);
    return (size_t)block_size;
}

/* The footer at the end of the file, if there is one. */
static inline void mend_footer(uint8_t *data, size_t size)
{
    uint64_t at;
    uint64_t footer_size;
    if (size < FL_SEGMENT_HEADER_SIZE + FL_SEGMENT_TRAILER_SIZE)
        return;
    uint8_t *trailer = data + size - FL_SEGMENT_TRAILER_SIZE;
    mend_checksum(trailer, FL_SEGMENT_TRAILER_SIZE - FL_SEGMENT_CHECKSUM_SIZE);
    if (fl_segment_get_trailer(trailer, size, &at, &footer_size) &&
        footer_size >= FL_SEGMENT_CHECKSUM_SIZE)
        mend_checksum(data + at, (size_t)footer_size - FL_SEGMENT_CHECKSUM_SIZE);
}

static inline void mend_segment(uint8_t *data, size_t size)
{
    if (size < FL_SEGMENT_HEADER_SIZE)
        return;
    mend_checksum(data, FL_SEGMENT_HEADER_SIZE - FL_SEGMENT_CHECKSUM_SIZE);
    size_t at = FL_SEGMENT_HEADER_SIZE;
    size_t block;
    while ((block = mend_block(data + at, size - at)) > 0)
        at += block;
    mend_footer(data, size);
}

#endif
