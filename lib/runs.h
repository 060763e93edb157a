/* Layer 4: rows of one datagram. A collector stamps all records of a datagram with one
 * receive time, sequence number and exporter, and writes them one behind the other: these
 * cells are stored once a run of rows. What a run came from (the exporter, and the shape
 * where all its rows have the same) is its label: which classes its rows are of hangs on
 * that. */
#ifndef FL_RUNS_H
#define FL_RUNS_H

#include "cells.h"

enum { FL_RUNS_CELLS_MAX = 2 };

typedef struct fl_runs {
    uint32_t *lengths;
    size_t count;
    uint32_t *of_row; /* per row of the slice */
    uint16_t *labels; /* per run */
    size_t label_count;
    uint16_t *parents;       /* per label: its exporter, from 0 on */
    uint64_t *label_numbers; /* [label * FL_RUNS_CELLS_MAX + cell of per_label] */
    const fl_cell *per_run[FL_RUNS_CELLS_MAX]; /* cells that each run has once */
    size_t per_run_count;
    const fl_cell *per_label[FL_RUNS_CELLS_MAX]; /* cells that each label has once */
    size_t per_label_count;
    uint64_t *numbers[2 * FL_RUNS_CELLS_MAX]; /* of per_run: per run */
} fl_runs;

/* False when memory is short; fl_runs_free in any case. */
bool fl_runs_make(fl_runs *runs, const fl_slice *slice);
void fl_runs_free(fl_runs *runs);

#endif
