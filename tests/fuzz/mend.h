/* Makes the checksums of a changed segment hold, so that a reader gets to what they
 * protect. What the fuzz target knows of the layout is here, and most of it is what
 * lib/segment.h's functions know. What does not parse is left as it is. */
#ifndef FL_FUZZ_MEND_H
#define FL_FUZZ_MEND_H

#include "segment.h"

/* The checksum of `covered` bytes, behind them. */
static inline void mend_checksum(uint8_t *data, size_t covered)
{
    fl_bytes_store(data + covered, fl_segment_checksum(data, covered),
                   FL_SEGMENT_CHECKSUM_SIZE);
}

/* --- the parts of a block: what stands behind its head, each under a checksum --- */

static inline size_t mend_parts(const fl_segment_head *head)
{
    return head->column_count;
}

/* Its place counts from the block's first byte. */
static inline size_t mend_part(const fl_segment_head *head, size_t part, size_t *size)
{
    *size = (size_t)head->columns[part].stored_size;
    return (size_t)head->columns[part].offset;
}

/* The part is these bytes now. */
static inline void mend_set_part(fl_segment_head *head, size_t part,
                                 const uint8_t *data, size_t size)
{
    head->columns[part].stored_size = size;
    head->columns[part].checksum = fl_segment_checksum(data, size);
}

/* Bytes that a batch will hold, by what the head says. */
static inline uint64_t mend_announced(const fl_segment_head *head)
{
    uint64_t bytes = head->stats.rows * 32;
    for (size_t i = 0; i < head->column_count; i++)
        bytes += fl_segment_decoded_size(&head->columns[i], head->stats.rows) +
                 head->stats.rows / 8;
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
    for (size_t i = 0; i < mend_parts(&head); i++) {
        size_t size;
        size_t at = mend_part(&head, i, &size);
        mend_set_part(&head, i, block + at, size);
    }
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
