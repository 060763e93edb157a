/* The push parser: bytes of a goflow2 log, cut anywhere, to batches of flow records.
 *
 * Every JSON object is a record (RFC 8259, with strings as bytes). Objects may stand
 * several on a line, with blanks and blank lines between; a raw line feed inside an object
 * ends it. What is no object is handed over as rejects of the batch, with its offset;
 * behind a torn object the parser looks for the next one, so that a record glued to a torn
 * one is not lost. (Torn right behind a colon, the two read as one object inside another,
 * which the line feed then ends: one reject.) */
#ifndef FLOWAN_PARSER_H
#define FLOWAN_PARSER_H

#include <stdbool.h>

#include "flowan/batch.h"
#include "flowan/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct flowan_parser flowan_parser;

/* How records are read that look as goflow2 writes them. The result is the same. */
typedef enum flowan_kernel {
    FLOWAN_KERNEL_BEST = 0,     /* the fastest that this machine runs */
    FLOWAN_KERNEL_PORTABLE = 1, /* the one in portable C */
    FLOWAN_KERNEL_NONE = 2      /* none: every record goes the general way */
} flowan_kernel;

typedef struct flowan_parser_options {
    size_t size;           /* sizeof(flowan_parser_options) */
    uint32_t record_limit; /* bytes; a longer object is rejected. 0: 1 MiB; at most
                              64 MiB */
    flowan_kernel kernel;
    bool no_content_hash; /* saves time for those who never resume from a position */
    /* Keys of the logs that mean a field under another name; copied. At most 256, none
     * twice and none that is a field itself. Of two for one field the first comes before
     * the second, and both before the keys of goflow2 1.x (doc/semantics.md). */
    const flowan_key_map *map;
    size_t map_count;
} flowan_parser_options;

/* `options` may be NULL. */
FLOWAN_API flowan_status flowan_parser_new(flowan_parser **out,
                                           const flowan_parser_options *options,
                                           flowan_error *error);
FLOWAN_API void flowan_parser_free(flowan_parser *parser);

/* Parses the next `size` bytes into `batch`, behind what it already holds.
 * FLOWAN_OK: all bytes were taken (*used = size), an unfinished object at their end is
 * kept inside. FLOWAN_FULL: the batch is full; take it away, reset it, and call again with
 * the bytes from data + *used on. On failure (memory) go on likewise: what was taken is in
 * the batch, nothing is lost. `used` must not be NULL. */
FLOWAN_API flowan_status flowan_parser_feed(flowan_parser *parser, const void *data,
                                            size_t size, flowan_batch *batch,
                                            size_t *used, flowan_error *error);

/* The input has ended: an unfinished object becomes a reject. */
FLOWAN_API flowan_status flowan_parser_finish(flowan_parser *parser,
                                              flowan_batch *batch, flowan_error *error);

/* Makes ready for a new input at offset 0; what was unfinished is forgotten. */
FLOWAN_API void flowan_parser_reset(flowan_parser *parser);

/* A place in the input to resume from: everything before `offset` is in batches that were
 * handed over, and `content_hash` is the XXH3-64 of all bytes before it (0 where the
 * options forgo it). While a long reject is handed over in pieces, that is where it
 * began. */
typedef struct flowan_position {
    uint64_t offset;
    uint64_t content_hash;
} flowan_position;

FLOWAN_API flowan_position flowan_parser_position(const flowan_parser *parser);

/* Takes bytes at the beginning of an input as parsed before: they count in the position
 * and yield nothing. FLOWAN_ERROR_ARGUMENT once an unfinished object is held. */
FLOWAN_API flowan_status flowan_parser_skip(flowan_parser *parser, const void *data,
                                            size_t size, flowan_error *error);

#ifdef __cplusplus
}
#endif

#endif
