/* Layer 2: the public sides of a record: what the Internet saw of a host behind address
 * translation, by the rules of doc/semantics.md ("NAT lookup"), in one place for the lookup
 * and for the index of blocks. */
#ifndef FL_SIDES_H
#define FL_SIDES_H

#include "batch.h"

/* A source may be translated into an address of either family, a destination from one. */
enum { FL_SIDES_MAX = 3 };

/* A public address and port, and who stood behind them. Pointers go into the batch; NULL
 * is what the record does not have. */
typedef struct fl_side {
    const flowan_address *public_address; /* never NULL */
    const uint32_t *public_port;
    const flowan_address *local_address;
    const uint32_t *local_port;
    const flowan_address *remote_address;
    const uint32_t *remote_port;
    bool is_source; /* else it is the destination that is translated */
} fl_side;

/* The columns of one batch that tell of sides; NULL where it has no such column. */
typedef struct fl_sides {
    const fl_column *src_addr;
    const fl_column *src_port;
    const fl_column *dst_addr;
    const fl_column *dst_port;
    const fl_column *nat_src[2]; /* IPv4, IPv6 */
    const fl_column *nat_dst[2];
    const fl_column *napt_src;
    const fl_column *napt_dst;
} fl_sides;

/* The batch must know which rows have what, as it does once any of its columns was looked
 * at: then nothing in it is changed here, and several threads may look. */
void fl_sides_init(fl_sides *sides, const flowan_batch *batch);

/* The sides of a row; returns how many. */
size_t fl_sides_of(const fl_sides *sides, size_t row, fl_side out[FL_SIDES_MAX]);

#endif
