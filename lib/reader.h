/* Layer 4: inside the reader: what finding blocks (reader.c) and decoding them (decode.c)
 * share. */
#ifndef FL_READER_H
#define FL_READER_H

#include "layout.h"
#include "pool.h"
#include "segment.h"

/* What it takes to unpack blocks, kept from one to the next. A reader does not change while
 * its blocks are read, so several threads may read them, each with a workspace. Zeroed is
 * empty. */
typedef struct fl_workspace {
    fl_codec *codec; /* made when first used */
    fl_pool pool;
    fl_pool sparse;
    fl_buffer head;
    fl_buffer stored;
    fl_buffer spares[4]; /* borrowed by whoever unpacks a block */
} fl_workspace;

void fl_workspace_free(fl_workspace *space);

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
    fl_buffer summaries;  /* that were made anew … */
    bool is_summarized;   /* … for all blocks that had none */
    fl_workspace space;   /* of calls that are given no other */
    size_t listed;        /* block whose directory is at hand, + 1; 0: none */
    void *listing;        /* listing.c's */
    void (*forget_listing)(struct flowan_reader *reader);
};

/* Fills `error`: WHAT at byte OFFSET of the file. Returns `status`. */
flowan_status fl_reader_fail(const flowan_reader *reader, flowan_status status,
                             uint64_t offset, const char *what, flowan_error *error);

/* Replaces the buffer's bytes by those of the file. */
flowan_status fl_reader_load(const flowan_reader *reader, fl_buffer *buffer,
                             uint64_t offset, uint64_t size, flowan_error *error);

/* Reads the head of the block at `offset` into `bytes`, from which the decoded head
 * borrows. The caller frees it. */
flowan_status fl_reader_head(const flowan_reader *reader, fl_buffer *bytes,
                             uint64_t offset, fl_segment_head *head,
                             flowan_error *error);

/* A stored key and type that the table has is that field; all else, -1, is an extra
 * column. */
int fl_reader_field(const fl_layout_column *column);

/* When the block's records were received: each time at least once, 0 where one has none.
 * *times is the caller's; NULL where that takes a look at the records, because the block
 * does not tell it by runs of them. */
flowan_status fl_reader_received(const flowan_reader *reader, fl_workspace *space,
                                 size_t block, uint64_t **times, size_t *count,
                                 flowan_error *error);

#endif
