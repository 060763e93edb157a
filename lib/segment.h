/* Layer 4: the layout of a segment's bytes, as doc/format.md describes it: headers,
 * directories and footers to bytes and back. No file is touched here. */
#ifndef FL_SEGMENT_H
#define FL_SEGMENT_H

#include "batch.h"
#include "bytes.h"
#include "flowan/segment.h"

enum {
    FL_SEGMENT_VERSION = 1, /* frozen; 0 was a draft that nothing reads any more */
    FL_SEGMENT_HEADER_SIZE = 64,
    FL_SEGMENT_BLOCK_FIXED_SIZE = 96, /* the part of a block's head before its lists */
    FL_SEGMENT_TRAILER_SIZE = 32,
    FL_SEGMENT_CHECKSUM_SIZE = 8,
    FL_SEGMENT_HEAD_MAX = 64 << 20,
    FL_SEGMENT_FOOTER_MAX = 1 << 30,
    FL_SEGMENT_BLOCK_ROWS = 131072 /* that a full block has */
};
/* Decoded bytes of one block, all columns: what a hostile head can make us allocate. */
#define FL_SEGMENT_DECODED_MAX (UINT64_C(2) << 30)

typedef struct fl_segment_header {
    uint32_t version;
    uint64_t serial;
    uint64_t interval_start_ns;
    uint64_t interval_ns;
    uint64_t last_serial; /* of a merged one; 0: `serial` */
} fl_segment_header;

/* Stored bytes under one checksum: the directory (lib/layout.h), small parts that are kept
 * together, and larger parts, one a section. */
typedef struct fl_segment_section {
    uint64_t offset; /* from the block's first byte */
    uint32_t size;
    uint64_t checksum;
} fl_segment_section;

enum { FL_SECTION_DIRECTORY = 0, FL_SECTION_SMALL = 1, FL_SECTION_PARTS = 2 };

/* A block's head, decoded. Arrays are owned, paths borrowed from the bytes. */
typedef struct fl_segment_head {
    uint64_t block_size; /* head and sections */
    uint32_t head_size;  /* with its checksum */
    flowan_segment_stats stats;
    uint32_t directory_size; /* unpacked */
    fl_segment_section *sections;
    size_t section_count;
    flowan_log_state *logs; /* how far each was read of those that the rows come from */
    size_t log_count;
} fl_segment_head;

/* Whether two logs begin alike, as far as their states tell. */
static inline bool fl_segment_same_head(const flowan_log_state *a,
                                        const flowan_log_state *b)
{
    return a->head_size == b->head_size && a->head_hash == b->head_hash;
}

/* Whether two states are of one file that begins alike, whatever its name. */
static inline bool fl_segment_same_log(const flowan_log_state *a,
                                       const flowan_log_state *b)
{
    return fl_segment_same_head(a, b) && a->device == b->device && a->inode == b->inode;
}

/* An entry of the footer, and what a walk over the blocks yields. */
typedef struct fl_segment_block {
    uint64_t offset;
    uint64_t size;
    flowan_segment_stats stats;
    const unsigned char *summary; /* lib/summary.h; NULL: the footer has none, … */
    size_t summary_size;          /* … or there is no footer */
    bool indexed; /* its last section is an index (lib/index.h), as the footer says */
} fl_segment_block;

uint64_t fl_segment_checksum(const void *data, size_t size);

void fl_segment_put_header(unsigned char out[FL_SEGMENT_HEADER_SIZE],
                           const fl_segment_header *header);
/* FORMAT when it is no segment, VERSION when it is a newer one, CHECKSUM when damaged. */
flowan_status fl_segment_get_header(const unsigned char in[FL_SEGMENT_HEADER_SIZE],
                                    fl_segment_header *out);

/* Whether a file that begins with these bytes is a segment, be it damaged or newer. */
bool fl_segment_is(const void *data, size_t size);

/* Appends a head. Sections' offsets are not looked at: they follow each other. */
void fl_segment_put_head(fl_buffer *out, const fl_segment_head *head);

/* Sizes from the fixed part, before the rest was read: false when no block begins here. */
bool fl_segment_peek_head(const unsigned char in[FL_SEGMENT_BLOCK_FIXED_SIZE],
                          uint32_t *head_size, uint64_t *block_size);
flowan_status fl_segment_get_head(const unsigned char *in, size_t size,
                                  fl_segment_head *out);
void fl_segment_head_free(fl_segment_head *head);

/* Footer and trailer, as they stand at the end of the file from `offset` on. `summaries`
 * (NULL: none) are those of all blocks, each behind its size. */
void fl_segment_put_footer(fl_buffer *out, uint64_t offset,
                           const fl_segment_block *blocks, size_t block_count,
                           const flowan_log_state *logs, size_t log_count,
                           const fl_buffer *summaries);

/* The footer's place by the last bytes of a file of `file_size`; false when there is none. */
bool fl_segment_get_trailer(const unsigned char in[FL_SEGMENT_TRAILER_SIZE],
                            uint64_t file_size, uint64_t *offset, uint64_t *size);

/* Decodes a footer. The arrays belong to the caller; paths and summaries borrow from
 * `in`. */
flowan_status fl_segment_get_footer(const unsigned char *in, size_t size,
                                    fl_segment_block **blocks, size_t *block_count,
                                    flowan_log_state **logs, size_t *log_count);

/* --- what the archiver needs of writer and reader beyond their public face --- */

/* The blocks that a reader found, in order. */
const fl_segment_block *fl_reader_blocks(const flowan_reader *reader, size_t *count);

/* Opens an unfinished segment to write on behind its first `count` blocks, which end at
 * byte `end`; what stands behind is cut off. */
flowan_status fl_writer_resume(flowan_writer **out, const char *path,
                               const fl_segment_block *blocks, size_t count,
                               uint64_t end, flowan_error *error);

/* Statistics: an empty set, and the union of two. */
flowan_segment_stats fl_segment_stats_none(void);
void fl_segment_stats_add(flowan_segment_stats *to, const flowan_segment_stats *more);

#endif
