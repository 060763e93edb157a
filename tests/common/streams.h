/* One input through several parsers, in lockstep: whatever the kernels, the cuts and the
 * batches, the same records and rejects must come out, value by value, and every record's
 * text must stand in the input where it says. The first difference is printed to stderr,
 * and the program aborts: for fuzzers, the oracle and unit tests alike.
 *
 * It knows no record of its own; what is right is that all agree with the first. */
#ifndef FL_STREAMS_H
#define FL_STREAMS_H

#include "flowan/batch.h"
#include "flowan/parser.h"

/* Gives the bytes of one feed a place; what it returns stays valid until the next call.
 * NULL in the options: a heap block of just that size, so that a sanitizer sees a step
 * beyond it. */
typedef const void *(*stream_place)(void *context, const void *data, size_t size);

typedef struct stream_options {
    flowan_kernel kernel;
    uint32_t record_limit;
    bool no_content_hash;
    uint32_t capacity;     /* of a batch */
    uint64_t memory_bytes; /* likewise */
    bool fresh_batches;    /* a full batch is freed and a new one made, not reset */
    const size_t *cuts;    /* sizes of the feeds, over and over; not all of them 0 */
    size_t cut_count;      /* 0: all in one feed, from where it stands */
    stream_place place;
    void *context;
} stream_options;

typedef struct stream stream;

/* Options are copied, `cuts` borrowed. */
stream *stream_new(const stream_options *options);
void stream_free(stream *s);

/* Other cuts from the next comparison on; the parser stays, and what it learnt. */
void stream_cut(stream *s, const size_t *cuts, size_t count);

/* Parses `text` twice into a batch that is then freed, so that its shapes are known. All
 * of it must be records. */
void stream_warm(stream *s, const char *text, size_t size);

typedef struct stream_tally {
    size_t rows;
    size_t rejects; /* pieces */
} stream_tally;

/* Feeds the same bytes to all `count` streams, compares all that comes out with what the
 * first gives, and resets the parsers. */
stream_tally streams_compare(stream *const *streams, size_t count, const void *data,
                             size_t size);

const char *streams_kernel_name(flowan_kernel kernel);

#endif
