/* What exporters sent and nobody received, by their sequence numbers.
 *
 * NetFlow v5 and IPFIX (RFC 7011, section 3.1) count records: a datagram's sequence_num is
 * that of its first record. NetFlow v9 (RFC 3954, section 5.1) and sFlow (version 5) count
 * datagrams. goflow2 gives all records of a datagram the same number.
 *
 * The figure is an estimate, and mostly too high: what an exporter counts, but the collector
 * makes no flow record of, looks lost (options records; sFlow datagrams of counters alone;
 * datagrams of templates alone), and so does what was received and is not here. It is too
 * low for what was lost around a restart. An exporter has up to 16 sequences at a time, such
 * as those of line cards, told apart by their numbers where the records do not name the
 * observation domain. Datagrams that overtake each other are counted once; 2^32 wraps; a
 * sequence that goes back far, back at all after ten seconds, or ahead by 2^30 and more has
 * begun anew: that is no loss. */
#ifndef FLOWAN_LOSSES_H
#define FLOWAN_LOSSES_H

#include <stdbool.h>

#include "flowan/batch.h"
#include "flowan/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One thread a handle. */
typedef struct flowan_losses flowan_losses;

/* Keeps at most `exporters` of them; 0: 10,000. */
FLOWAN_API flowan_status flowan_losses_new(flowan_losses **out, size_t exporters,
                                           flowan_error *error);
FLOWAN_API void flowan_losses_free(flowan_losses *losses);

/* The columns that are looked at, five names; static. */
FLOWAN_API const char *const *flowan_losses_columns(size_t *count);

/* Takes the records of a batch, in their order. */
FLOWAN_API flowan_status flowan_losses_add(flowan_losses *losses,
                                           const flowan_batch *batch,
                                           flowan_error *error);

/* An exporter: an address, a protocol and, where the records name it, a domain. What the
 * records do not have is NULL or false. */
typedef struct flowan_exporter {
    flowan_address address;
    bool has_address;
    const char *type; /* "IPFIX"; static */
    uint32_t domain;
    bool has_domain;
    uint64_t rows;    /* records, with and without a number */
    bool datagrams;   /* what the next two count; else records */
    uint64_t counted; /* that have a number; 0: nothing is known of losses */
    uint64_t lost;
} flowan_exporter;

/* In order of first appearance; false behind the last. */
FLOWAN_API bool flowan_losses_get(const flowan_losses *losses, size_t index,
                                  flowan_exporter *out);

/* Records of exporters beyond those that are kept. */
FLOWAN_API uint64_t flowan_losses_left_out(const flowan_losses *losses);

#ifdef __cplusplus
}
#endif

#endif
