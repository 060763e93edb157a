/* Filters: an expression in a language that is familiar from nfdump (doc/filter.md), and
 * what it finds in batches.
 *
 *     proto tcp and dst port in [80 443] and src net 100.64.0.0/10 and not in if 3 */
#ifndef FLOWAN_FILTER_H
#define FLOWAN_FILTER_H

#include "flowan/asdb.h"
#include "flowan/batch.h"
#include "flowan/networks.h"
#include "flowan/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* An expression, compiled. It does not change once it is made: any number of threads may
 * share it. */
typedef struct flowan_filter flowan_filter;

typedef struct flowan_filter_options {
    size_t size; /* sizeof(flowan_filter_options) */
    /* What is local; NULL: the default private space. Borrowed while the filter lives. */
    const flowan_networks *networks;
    uint64_t now_ns; /* what "now" and "-2h" count from; 0: they are refused */
} flowan_filter_options;

/* Compiles `size` bytes of text, which are not kept; `text` may be NULL when `size` is 0,
 * and `options` at any time. A text without a test holds for every record. *out is the
 * caller's, and NULL after a failure:
 *
 * FLOWAN_ERROR_ARGUMENT for what is not in the language: error->offset is the byte of the
 * culprit (`size` at the end), and the sentence says where it stands and what was
 * expected there. FLOWAN_ERROR_LIMIT, with an offset too, for a text over 16 MiB, one that
 * is nested deeper than 64 levels, or one of more than 262,144 different tests. */
FLOWAN_API flowan_status flowan_filter_compile(flowan_filter **out, const char *text,
                                               size_t size,
                                               const flowan_filter_options *options,
                                               flowan_error *error);
/* NULL is fine. Its matchers go first. */
FLOWAN_API void flowan_filter_free(flowan_filter *filter);

/* The JSON keys of all columns that the filter looks at, NUL-terminated, each once: what a
 * scan must be asked for. Borrowed while the filter lives; never NULL. */
FLOWAN_API const char *const *flowan_filter_columns(const flowan_filter *filter,
                                                    size_t *count);

/* A filter at work. One thread a handle; many may share the filter. */
typedef struct flowan_matcher flowan_matcher;

typedef struct flowan_matcher_options {
    size_t size;       /* sizeof(flowan_matcher_options) */
    flowan_asdb *asdb; /* for ASNs; NULL: those of the records only. Borrowed; as it
                          serves one thread, so do the matchers that share it. */
    bool prefer_asdb;  /* the database before the records */
} flowan_matcher_options;

/* `filter` is borrowed while the matcher lives; `options` may be NULL. *out is the
 * caller's, and NULL after a failure. */
FLOWAN_API flowan_status flowan_matcher_new(flowan_matcher **out,
                                            const flowan_filter *filter,
                                            const flowan_matcher_options *options,
                                            flowan_error *error);
/* NULL is fine. */
FLOWAN_API void flowan_matcher_free(flowan_matcher *matcher);

/* The rows of `batch` for which the filter holds, of those of `among` (NULL: all), which
 * may be the answer of another matcher. *out ascends, and is borrowed until the next call
 * on this matcher. FLOWAN_ERROR_ARGUMENT for a selection beyond the batch. After a failure
 * the matcher is as good as before. */
FLOWAN_API flowan_status flowan_matcher_apply(flowan_matcher *matcher,
                                              const flowan_batch *batch,
                                              const flowan_selection *among,
                                              const flowan_selection **out,
                                              flowan_error *error);

#ifdef __cplusplus
}
#endif

#endif
