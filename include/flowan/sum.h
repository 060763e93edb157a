/* Sums that do not wrap: 64-bit counters times a sampling rate, added up in 128 bits.
 * */
#ifndef FLOWAN_SUM_H
#define FLOWAN_SUM_H

#include <stddef.h>
#include <stdint.h>

#include "flowan/field.h"
#include "flowan/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* high * 2^64 + low. A sum that would exceed 2^128 - 1 stays there. */
typedef struct flowan_sum {
    uint64_t low;
    uint64_t high;
} flowan_sum;

/* What is counted of a set of flow records. */
typedef struct flowan_measures {
    uint64_t flows;     /* records */
    flowan_sum packets; /* scaled by the sampling rate, or as exported */
    flowan_sum bytes;   /* likewise */
} flowan_measures;

/* A sampling rate for records of one exporter that state none. */
typedef struct flowan_default_sampling {
    flowan_address exporter;
    uint64_t rate; /* 0: 1 */
} flowan_default_sampling;

enum { FLOWAN_SUM_TEXT_SIZE = 39 };

/* Writes the sum in decimal to `out`, which has room for FLOWAN_SUM_TEXT_SIZE bytes; no
 * NUL behind it. Returns the bytes written. */
FLOWAN_API size_t flowan_sum_text(flowan_sum sum, char *out);

#ifdef __cplusplus
}
#endif

#endif
