/* The NAT lookup: who had a public address and port at a time? By the rules of
 * doc/semantics.md; doc/nat.md says what an answer proves.
 *
 *     flowan_nat_open, flowan_nat_next until FLOWAN_END, then flowan_nat_answer. */
#ifndef FLOWAN_NAT_H
#define FLOWAN_NAT_H

#include "flowan/gaps.h"
#include "flowan/scan.h"

#ifdef __cplusplus
extern "C" {
#endif

#define FLOWAN_NAT_SKEW_DEFAULT_NS UINT64_C(5000000000) /* five seconds */

/* A question at work. One thread a handle. */
typedef struct flowan_nat flowan_nat;

typedef struct flowan_nat_options {
    size_t size; /* sizeof(flowan_nat_options) */
    flowan_address address;
    uint32_t port;
    bool has_port; /* false: all of the address */
    /* Flows that were in [from, to), ns since 1970 UTC, once they are made longer by
     * `skew_ns` at both ends; each bound counts where its flag is set. A single time T is
     * [T, T + 1). */
    bool has_from;
    bool has_to;
    uint64_t from_ns;
    uint64_t to_ns;
    uint64_t skew_ns; /* 0: none; FLOWAN_NAT_SKEW_DEFAULT_NS is usual */
    uint64_t gap_ns;  /* as of flowan_gaps_new; 0: five minutes */
    uint32_t threads; /* this and what follows as of a scan */
    uint32_t record_limit;
    const flowan_key_map *map;
    size_t map_count;
    int (*progress)(void *context, const flowan_scan_counts *so_far);
    void *context;
} flowan_nat_options;

/* Paths as of flowan_scan_open; the strings must stay until the handle is freed. *out is
 * the caller's, and NULL after a failure: FLOWAN_ERROR_ARGUMENT for a window that ends
 * before it begins. */
FLOWAN_API flowan_status flowan_nat_open(flowan_nat **out, const char *const *paths,
                                         size_t count,
                                         const flowan_nat_options *options,
                                         flowan_error *error);
/* NULL is fine. */
FLOWAN_API void flowan_nat_free(flowan_nat *nat);

/* Who was behind the public address, by one record. What the record does not have has its
 * flag unset. */
typedef struct flowan_nat_match {
    flowan_address public_address;
    flowan_address local_address;
    flowan_address remote_address;
    flowan_address exporter;
    uint32_t public_port;
    uint32_t local_port;
    uint32_t remote_port;
    uint32_t proto;
    const char *proto_name; /* as goflow2 writes it; static; NULL: it has none */
    bool has_public_port;
    bool has_local_address;
    bool has_local_port;
    bool has_remote_address;
    bool has_remote_port;
    bool has_exporter;
    bool has_proto; /* false too where the record has lost the number */
    /* A port was asked for and the record does not tell which one was used: it may have
     * been this one. */
    bool port_unknown;
    bool outbound; /* the local side is the source; else it is the destination */
    bool has_span;
    uint64_t start_ns; /* of the flow, without skew; where its clock is broken … */
    uint64_t end_ns;   /* … both are the time of receipt */
    bool clock_fault;
    /* All below is borrowed until the next call. */
    const char *record; /* as it came in: JSON, without a line feed */
    size_t record_size;
    const flowan_batch *batch;
    uint32_t row;
    const char *source; /* the log or segment that it is in */
} flowan_nat_match;

/* The next match, in the order of the records; a record has one for each of its sides that
 * the question is about. FLOWAN_END: there are no more, and the answer is known. After
 * another failure (a damaged block, a truncated log) the next call goes on behind it. */
FLOWAN_API flowan_status flowan_nat_next(flowan_nat *nat, flowan_nat_match *out,
                                         flowan_error *error);

typedef enum flowan_nat_verdict {
    FLOWAN_NAT_UNDECIDED = 0, /* not all was looked at */
    FLOWAN_NAT_FOUND = 1,
    FLOWAN_NAT_NOBODY = 2, /* records were received at the time, and none matches */
    /* Nothing matches, and nothing was received in all of the time asked about; or a part
     * of the input could not be read, so that it cannot be told. */
    FLOWAN_NAT_NO_DATA = 3
} flowan_nat_verdict;

FLOWAN_API flowan_nat_verdict flowan_nat_answer(const flowan_nat *nat);

/* Where nothing was found: times that touch the question in which nothing was received, in
 * order. from_ns 0: from the beginning; to_ns UINT64_MAX: to the end. False behind the
 * last. */
FLOWAN_API bool flowan_nat_gap(const flowan_nat *nat, size_t index, flowan_gap *out);

/* What was read and what was passed over, so far. */
FLOWAN_API flowan_scan_counts flowan_nat_count(const flowan_nat *nat);

#ifdef __cplusplus
}
#endif

#endif
