/* Segments: files of self-contained blocks of compressed columns (doc/format.md).
 *
 * A writer takes batches and appends a block for each; a reader gives the blocks back as
 * batches, whole or only some columns. Every stored byte lies under an XXH3-64. */
#ifndef FLOWAN_SEGMENT_H
#define FLOWAN_SEGMENT_H

#include "flowan/batch.h"
#include "flowan/parser.h"
#include "flowan/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How far a log was read, and which log that is. `head_hash` is the XXH3-64 of the first
 * `head_size` (decompressed) bytes: it finds the log again under another name. */
typedef struct flowan_log_state {
    const char *path; /* as it was named; NUL-terminated. NULL: no log is known */
    uint64_t device;
    uint64_t inode;
    uint64_t head_hash;
    uint32_t head_size;
    flowan_position position;
    uint32_t rows_after; /* records behind position.offset that were taken too */
} flowan_log_state;

/* Statistics of a block or a segment. Times are ns since 1970 UTC; a pair of min > max
 * means that no record has one. A span is when a flow was (doc/semantics.md): its start
 * to its end, or the receive time where the exporter's clock is not believed. */
typedef struct flowan_segment_stats {
    uint64_t rows;
    uint64_t text_bytes; /* of the JSON objects, without what stood between them */
    uint64_t received_min_ns;
    uint64_t received_max_ns;
    uint64_t span_min_ns;
    uint64_t span_max_ns;
    uint64_t rows_without_time; /* have no span: a time window leaves them out */
} flowan_segment_stats;

/* --- writer --- */

typedef struct flowan_writer flowan_writer;

typedef struct flowan_writer_options {
    size_t size; /* sizeof(flowan_writer_options) */
    uint64_t serial;
    uint64_t interval_start_ns;
    uint64_t interval_ns;
    int zstd_level; /* 0: 3 */
} flowan_writer_options;

/* Creates `path`, which must not exist, and writes the header. One thread a handle. */
FLOWAN_API flowan_status flowan_writer_open(flowan_writer **out, const char *path,
                                            const flowan_writer_options *options,
                                            flowan_error *error);

/* Appends rows [first, first + count) of `batch` as one block, together with how far
 * `log` (may be NULL) was read. After a failure the file is cut back to its last whole
 * block and the call may be repeated; if even that fails the writer refuses further
 * blocks. FLOWAN_ERROR_LIMIT: more than a reader would take for one block, ask for fewer
 * rows. */
FLOWAN_API flowan_status flowan_writer_write(flowan_writer *writer,
                                             const flowan_batch *batch, size_t first,
                                             size_t count, const flowan_log_state *log,
                                             flowan_error *error);

FLOWAN_API flowan_segment_stats flowan_writer_stats(const flowan_writer *writer);

/* Writes the footer with the states of `logs` (all that are known, so that no position is
 * lost when older segments expire) and syncs the file. No block can follow. */
FLOWAN_API flowan_status flowan_writer_finish(flowan_writer *writer,
                                              const flowan_log_state *logs,
                                              size_t count, flowan_error *error);

/* Without a finish before it the file stays as it is: readable up to its last block. */
FLOWAN_API void flowan_writer_free(flowan_writer *writer);

/* --- reader --- */

typedef struct flowan_reader flowan_reader;

/* Opens a segment, finished or still being written: without a footer the blocks are found
 * one by one. Damage outside a block's own bytes is passed over where the blocks can be
 * found in spite of it; flowan_reader_verify reports it. One thread a handle. */
FLOWAN_API flowan_status flowan_reader_open(flowan_reader **out, const char *path,
                                            flowan_error *error);
FLOWAN_API void flowan_reader_free(flowan_reader *reader);

typedef struct flowan_segment_info {
    uint32_t format_version;
    uint64_t serial;
    uint64_t interval_start_ns;
    uint64_t interval_ns;
    uint64_t file_bytes;
    bool finished; /* has its footer */
    size_t blocks;
    size_t logs;
    flowan_segment_stats stats; /* of all blocks */
} flowan_segment_info;

FLOWAN_API flowan_segment_info flowan_reader_info(const flowan_reader *reader);

/* Statistics of block `index`; false when there is none. */
FLOWAN_API bool flowan_reader_block(const flowan_reader *reader, size_t index,
                                    flowan_segment_stats *out);

/* How far log `index` was read; strings borrowed while the reader lives. A finished
 * segment knows all logs of its archive, one being written those of its own blocks. */
FLOWAN_API bool flowan_reader_log(const flowan_reader *reader, size_t index,
                                  flowan_log_state *out);

/* Replaces the rows of `batch` by those of block `index`. `columns` names what is wanted
 * (JSON keys), `count` of them; NULL: all, with the exact texts. Names that the block does
 * not have are no error. A batch of chosen columns holds no texts. A damaged block fails
 * with file and offset; other blocks stay readable. */
FLOWAN_API flowan_status flowan_reader_read(flowan_reader *reader, size_t index,
                                            const char *const *columns, size_t count,
                                            flowan_batch *batch, flowan_error *error);

/* Column `column` of block `index` as its directory tells: name, field, type, rows and
 * present_count; no data. Borrowed until the next call. FLOWAN_END behind the last. */
FLOWAN_API flowan_status flowan_reader_column(flowan_reader *reader, size_t index,
                                              size_t column, flowan_column *out,
                                              flowan_error *error);

/* Checks every stored byte. FLOWAN_OK when all is well; else the first damage, with its
 * offset. *damaged (may be NULL) counts the places. */
FLOWAN_API flowan_status flowan_reader_verify(flowan_reader *reader, size_t *damaged,
                                              flowan_error *error);

#ifdef __cplusplus
}
#endif

#endif
