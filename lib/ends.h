/* Layer 4: which end of a flow is which. A record from inside has the customer as source,
 * one from outside as destination or behind the translated address; stored by field, each
 * address would stand in lists of several fields. So each class of rows has its ends
 * turned: ends whose addresses come from the same set of addresses share a slot, in
 * whatever fields they stand. Then, what hangs on an address (the interface that a customer
 * is at, its public address) is found by looking whether it ever differs.
 *
 * All of this is found by counting in samples, and only ever matters for size. */
#ifndef FL_ENDS_H
#define FL_ENDS_H

#include "classes.h"
#include "runs.h"

enum {
    FL_ENDS = 4,          /* source, destination, and both after translation */
    FL_ENDS_FAMILIES = 2, /* 0: addresses that the low half tells; 1: the high half */
    FL_ENDS_NO_KEY = 0xff,
    FL_ENDS_MIXED = 0xffff /* rows of several exporters */
};

/* A class's end. */
typedef struct fl_end {
    const fl_cell *key; /* the half of the address that tells; NULL: the class has no such
                           end, or only one address there */
    uint8_t family;
    uint8_t slot;
    bool copied; /* the end is as another one, and has that one's slot */
} fl_end;

typedef struct fl_ends {
    fl_end (*of_class)[FL_ENDS];
    uint16_t *parents; /* per class: the exporter of its rows, or MIXED */
    /* [family][slot]: exporters have addresses of their own there, as each has its own
     * customers. */
    bool apart[FL_ENDS_FAMILIES][FL_ENDS];
    /* [family][slot]: the slot on whose addresses this one's hang, or NO_KEY. */
    uint8_t key_of[FL_ENDS_FAMILIES][FL_ENDS];
    uint8_t *cell_keys; /* [cell * families * FL_ENDS + family * FL_ENDS + slot]: 1 when
                           the cell hangs on that slot's addresses */
} fl_ends;

/* False when memory is short; fl_ends_free in any case. */
bool fl_ends_find(fl_ends *ends, const fl_slice *slice, const fl_classes *classes,
                  const fl_runs *runs);
void fl_ends_free(fl_ends *ends);

/* The end that a field belongs to, or -1. */
int fl_ends_of_field(int field);

/* Cells of fields that mean the same at either end have one number: that of the source's. */
int fl_ends_family(const fl_slice *slice, const fl_cell *cell);

/* The cell that the same field of the other end has; the cell itself where there is none. */
const fl_cell *fl_ends_other(const fl_slice *slice, const fl_cell *cell);

/* The four fields that are ports of an end. */
bool fl_ends_is_port(int field);

/* Whether a cell may hang on an address at all: no time, count or port does. */
bool fl_ends_may_hang(const fl_cell *cell);

#endif
