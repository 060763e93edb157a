/* Layer 4: inside the reader: what finding blocks (reader.c) and decoding them (decode.c)
 * share. */
#ifndef FL_READER_H
#define FL_READER_H

#include "layout.h"
#include "pool.h"
#include "segment.h"

struct flowan_reader {
    flowan_read_function read; /* NULL: from fd */
    void *context;
    int fd;
    char *path; /* or what it is called */
    uint64_t file_size;
    fl_segment_header header;
    flowan_status header_status; /* damage here does not hide the blocks */
    bool finished;
    fl_segment_block *blocks;
    size_t block_count;
    size_t blocks_room;
    flowan_log_state *logs;
    size_t log_count;
    size_t logs_room;
    fl_buffer footer;     /* paths of logs borrow from it */
    fl_buffer walk_paths; /* or from here, as offsets until the walk ends */
    fl_codec *codec;
    fl_buffer head;
    fl_buffer stored;
    fl_pool pool;        /* of what unpacks blocks … */
    fl_buffer spares[4]; /* … which borrows these, one after another */
    uint64_t bytes_read;
    size_t listed; /* block whose directory is at hand, + 1; 0: none */
    void *listing; /* listing.c's */
    void (*forget_listing)(struct flowan_reader *reader);
};

/* Fills `error`: WHAT at byte OFFSET of the file. Returns `status`. */
flowan_status fl_reader_fail(const flowan_reader *reader, flowan_status status,
                             uint64_t offset, const char *what, flowan_error *error);

/* Replaces the buffer's bytes by those of the file. */
flowan_status fl_reader_load(flowan_reader *reader, fl_buffer *buffer, uint64_t offset,
                             uint64_t size, flowan_error *error);

/* Reads the head of the block at `offset` into reader->head, from which the decoded head
 * borrows. The caller frees it. */
flowan_status fl_reader_head(flowan_reader *reader, uint64_t offset,
                             fl_segment_head *head, flowan_error *error);

/* A stored key and type that the table has is that field; all else, -1, is an extra
 * column. */
int fl_reader_field(const fl_layout_column *column);

#endif
