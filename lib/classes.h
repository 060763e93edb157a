/* Layer 4: rows put together that are like each other. Rows of one class have one shape,
 * and as far as that pays the same protocol, service port, direction of a NAT and such.
 * What all rows of a class have in common is stored once; what differs is stored in
 * order of classes, like beside like. Which rows are in which class is only a matter of
 * size: any choice gives the records back. */
#ifndef FL_CLASSES_H
#define FL_CLASSES_H

#include "talks.h"

typedef struct fl_classes {
    uint16_t *of_row; /* per row of the slice */
    uint32_t *rows;   /* rows in order of classes, ascending in each */
    uint32_t *first;  /* count + 1: class c has rows[first[c] … first[c + 1]) */
    uint16_t *shapes; /* per class: its shape in the block */
    uint8_t *talks;   /* per class: fl_talk of all its rows, or NONE */
    size_t count;
} fl_classes;

enum { FL_CLASSES_MAX = 65535 };

/* False when memory is short; fl_classes_free in any case. */
bool fl_classes_make(fl_classes *classes, const fl_slice *slice, const fl_talks *talks);
void fl_classes_free(fl_classes *classes);

#endif
