/* Layer 3: what is derived from a record: direction, local side, ASNs, scaled measures
 * and start time, by the rules of doc/semantics.md. Computed a batch at a time into
 * arrays, each only when someone asks; every array has an entry for each *chosen* row.
 * */
#ifndef FL_ENRICH_H
#define FL_ENRICH_H

#include "clock.h"
#include "flowan/asdb.h"
#include "flowan/batch.h"
#include "flowan/networks.h"
#include "flowan/sum.h"

typedef enum fl_direction {
    FL_DIRECTION_TRANSIT = 0,
    FL_DIRECTION_OUT = 1,
    FL_DIRECTION_IN = 2,
    FL_DIRECTION_INTERNAL = 3,
    FL_DIRECTION_COUNT = 4
} fl_direction;

#define FL_ENRICH_NO_NETWORK UINT32_MAX
#define FL_ENRICH_NO_TIME UINT64_MAX

typedef struct fl_enrich_rules {
    const flowan_networks *networks; /* NULL: the default private space */
    flowan_asdb *asdb;               /* NULL: ASNs of the records only */
    bool prefer_asdb;
    bool raw_counts;
    flowan_clock clock;
    uint64_t default_rate;                /* where a record has none; 0: 1 */
    const flowan_default_sampling *rates; /* per exporter, before the default; copied */
    size_t rate_count;
} fl_enrich_rules;

/* A column, and whether the batch has it. */
typedef struct fl_enrich_column {
    flowan_column view;
    bool there;
} fl_enrich_column;

typedef struct fl_enrich {
    fl_enrich_rules rules;
    flowan_networks *own_networks;
    flowan_default_sampling *own_rates;

    const flowan_batch *batch;
    const uint32_t *rows; /* NULL: all */
    size_t count;
    unsigned done; /* bits of what is computed for this batch */
    fl_clock clock;
    fl_enrich_column src_addr;
    fl_enrich_column dst_addr;
    fl_enrich_column src_as;
    fl_enrich_column dst_as;

    size_t room; /* entries of each array that is not NULL */
    uint8_t *direction;
    uint32_t *src_network;     /* FL_ENRICH_NO_NETWORK: not local */
    uint32_t *dst_network;     /* of dst_local */
    flowan_address *dst_local; /* the local address of the destination's side */
    uint32_t *own_src_as;      /* after the ASN order; 0 unknown */
    uint32_t *own_dst_as;
    uint32_t *remote_as[2]; /* for the source's side, for the destination's */
    flowan_sum *packets;
    flowan_sum *bytes;
    uint64_t *start_ns; /* by the clock; FL_ENRICH_NO_TIME: no usable time */
    uint64_t *end_ns;
    uint64_t first_ns; /* of the usable spans: earliest start, latest end */
    uint64_t last_ns;
    bool has_span;
    uint64_t clock_faults;
} fl_enrich;

flowan_status fl_enrich_init(fl_enrich *enrich, const fl_enrich_rules *rules,
                             flowan_error *error);
void fl_enrich_free(fl_enrich *enrich);

/* Turns to other rows. FLOWAN_ERROR_ARGUMENT for a selection beyond the batch. */
flowan_status fl_enrich_begin(fl_enrich *enrich, const flowan_batch *batch,
                              const flowan_selection *selection, flowan_error *error);

static inline size_t fl_enrich_row(const fl_enrich *enrich, size_t i)
{
    return enrich->rows ? enrich->rows[i] : i;
}

/* Each fills its arrays for the chosen rows; false when memory is short. */
bool fl_enrich_sides(fl_enrich *enrich);     /* direction, networks, dst_local */
bool fl_enrich_asns(fl_enrich *enrich);      /* own_src_as, own_dst_as */
bool fl_enrich_remote_as(fl_enrich *enrich); /* remote_as; 0 where there is no side */
bool fl_enrich_measures(fl_enrich *enrich);  /* packets, bytes */
bool fl_enrich_times(fl_enrich *enrich);     /* start_ns … clock_faults */

/* An address of the record, or NULL when it has none. */
const flowan_address *fl_enrich_address(const fl_enrich_column *column, size_t row);

/* The column of a field, with `there`. */
void fl_enrich_find(fl_enrich_column *column, const flowan_batch *batch,
                    flowan_field field);

/* "out", "in", "internal", "transit"; static. */
const char *fl_enrich_direction_name(unsigned direction);

#endif
