/* Segments: files of self-contained blocks of compressed columns (doc/format.md).
 *
 * A writer takes batches and appends a block for each, into a file, a descriptor or a
 * function of the caller's; a reader gives the blocks back as batches, whole or only
 * some columns. Every stored byte lies under an XXH3-64.
 *
 * Threads: a handle is used by one thread at a time; it may move from one to another
 * between calls. Handles share nothing, so any number of threads may have a reader each
 * of one file, also while another thread or process is writing it. A batch is only read
 * by a writer, and filled by a reader. Functions of the caller's are called in the
 * thread of the call that needs them, and must not use the handle that calls them. */
#ifndef FLOWAN_SEGMENT_H
#define FLOWAN_SEGMENT_H

#include "flowan/batch.h"
#include "flowan/parser.h"
#include "flowan/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How much work goes into making blocks small. All levels share one format, and a reader
 * does not ask. doc/format.md says what each costs. */
typedef enum flowan_level {
    FLOWAN_LEVEL_DEFAULT = 0,
    FLOWAN_LEVEL_FAST = 1, /* numbers are only packed to the bits that they need */
    FLOWAN_LEVEL_SMALL = 2
} flowan_level;

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
    flowan_level level;
    uint64_t last_serial; /* of the segments that this one stands for; 0: `serial` */
    /* Each block tells quickly whether it may have a public address (flowan/nat.h), for
     * a byte a record or so. */
    bool nat_index;
} flowan_writer_options;

/* Creates the file `path`, which must not exist (FLOWAN_ERROR_EXISTS), and writes the
 * header. `options` may be NULL. *out is the caller's, to be freed by
 * flowan_writer_free, and NULL after a failure, which leaves no file behind. The name
 * lasts once the caller has synced the directory. */
FLOWAN_API flowan_status flowan_writer_open(flowan_writer **out, const char *path,
                                            const flowan_writer_options *options,
                                            flowan_error *error);

/* The same into the descriptor `fd`, from where it stands; `name` (not NULL, copied)
 * stands for it in messages. It stays the caller's and open, must outlive the writer,
 * and must not be moved meanwhile. Pipes and sockets will do: nothing is read back or
 * rewritten, and where it does not block the call waits. The peer of a pipe gone,
 * SIGPIPE is the caller's to ignore. */
FLOWAN_API flowan_status flowan_writer_open_fd(flowan_writer **out, int fd,
                                               const char *name,
                                               const flowan_writer_options *options,
                                               flowan_error *error);

/* The same into a function, which is given the file's bytes in order, never none, and
 * takes all of them or fails. Its failure is FLOWAN_ERROR_IO with its errno value in
 * error->offset. The bytes are those that flowan_writer_open would write. */
FLOWAN_API flowan_status flowan_writer_new(flowan_writer **out,
                                           flowan_write_function write, void *context,
                                           const char *name,
                                           const flowan_writer_options *options,
                                           flowan_error *error);

/* Appends rows [first, first + count) of `batch` as one block, together with how far
 * `log` (may be NULL) was read; both are the caller's and not kept. The block is the
 * system's when the call returns, and on disk after flowan_writer_finish.
 *
 * After a failure nothing of the block is in. Of a file that ends where the writer
 * writes, what was written of it is cut off and the call may be repeated, as it may
 * after FLOWAN_ERROR_MEMORY and FLOWAN_ERROR_LIMIT (more than a reader would take for
 * one block: ask for fewer rows) in any case. Where a write failed and cannot be taken
 * back (a pipe, a function, a place inside a file, or the cut fails too) all that
 * follows is refused with FLOWAN_ERROR_ARGUMENT; what went out before is a readable
 * segment without a footer. */
FLOWAN_API flowan_status flowan_writer_write(flowan_writer *writer,
                                             const flowan_batch *batch, size_t first,
                                             size_t count, const flowan_log_state *log,
                                             flowan_error *error);

/* Of the blocks that are in. */
FLOWAN_API flowan_segment_stats flowan_writer_stats(const flowan_writer *writer);

/* Writes the footer with the states of `logs` (all that are known, so that no position
 * is lost when older segments expire; NULL where count is 0) and syncs the file where
 * it is one. A function's bytes are the caller's to sync. No block can follow. When it
 * cannot be written, that is as in flowan_writer_write: the footer is cut off again, or all
 * that follows is refused. When it cannot be synced, all that follows is refused, and of a
 * file that can be cut nothing stays that is not known to be on disk: it is to be written
 * again. */
FLOWAN_API flowan_status flowan_writer_finish(flowan_writer *writer,
                                              const flowan_log_state *logs,
                                              size_t count, flowan_error *error);

/* Without a finish before it the file stays as it is: readable up to its last block.
 * NULL is fine. */
FLOWAN_API void flowan_writer_free(flowan_writer *writer);

/* --- reader --- */

typedef struct flowan_reader flowan_reader;

/* Opens a segment, finished or still being written: without a footer the blocks are
 * found one by one, as of now; what is appended later this handle does not see. Damage
 * outside a block's own bytes is passed over where the blocks can be found in spite of
 * it; flowan_reader_verify reports it. *out is the caller's, to be freed by
 * flowan_reader_free, and NULL after a failure. After a failure of any other call the
 * reader is as before it. */
FLOWAN_API flowan_status flowan_reader_open(flowan_reader **out, const char *path,
                                            flowan_error *error);

/* Fills `data` with bytes [offset, offset + size) of a segment. Returns 0, or an errno
 * value when they cannot be had: the call that reads then fails with FLOWAN_ERROR_IO.
 */
typedef int (*flowan_read_function)(void *context, void *data, size_t size,
                                    uint64_t offset);

/* The same of `size` bytes that a function fetches, be they in memory, in an object
 * store or inside another file. It is not asked beyond them. `name` (not NULL, copied)
 * stands for them in messages; `context` must outlive the reader. */
FLOWAN_API flowan_status flowan_reader_new(flowan_reader **out,
                                           flowan_read_function read, void *context,
                                           uint64_t size, const char *name,
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
    uint64_t last_serial; /* of the segments that were merged into it; 0: none were */
} flowan_segment_info;

FLOWAN_API flowan_segment_info flowan_reader_info(const flowan_reader *reader);

/* Statistics of block `index`; false when there is none. */
FLOWAN_API bool flowan_reader_block(const flowan_reader *reader, size_t index,
                                    flowan_segment_stats *out);

/* How far log `index` was read; strings borrowed while the reader lives. A finished
 * segment knows all logs of its archive, one being written those of its own blocks. */
FLOWAN_API bool flowan_reader_log(const flowan_reader *reader, size_t index,
                                  flowan_log_state *out);

/* Replaces the rows of `batch` by those of block `index`. `columns` names what is
 * wanted (JSON keys), `count` of them; NULL: all, with the exact texts. Names that the
 * block does not have are no error. A batch of chosen columns holds no texts. A damaged
 * block fails with file and offset; other blocks stay readable. */
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
