/* Layer 7: the cells of a table for people. */
#ifndef FL_ENCODE_CELL_H
#define FL_ENCODE_CELL_H

#include "encode.h"

typedef enum fl_encode_cell_kind {
    FL_ENCODE_CELL_TEXT,   /* as in CSV, but printable; left; its end may be cut */
    FL_ENCODE_CELL_NUMBER, /* right */
    FL_ENCODE_CELL_COUNT, /* exact below a million, three digits from there on; right */
    FL_ENCODE_CELL_TIME,  /* UTC; left */
    FL_ENCODE_CELL_DURATION, /* seconds; right */
    FL_ENCODE_CELL_ADDRESS,  /* left; IPv6 may be cut in its middle */
    FL_ENCODE_CELL_ENDPOINT  /* the address right, and left behind it the port */
} fl_encode_cell_kind;

/* The forms of a time, by the columns that they take. */
enum {
    FL_ENCODE_TIME_MS = 23,     /* 2025-03-15T17:10:51.000 */
    FL_ENCODE_TIME_SECOND = 19, /* 2025-03-15T17:10:51 */
    FL_ENCODE_TIME_MONTH = 14,  /* 03-15T17:10:51 */
    FL_ENCODE_TIME_DAY = 8      /* 17:10:51 */
};

/* What a cell is made of: numbers of fields, or NONE. */
enum { FL_ENCODE_NONE = -1 };

typedef struct fl_encode_cell_source {
    fl_encode_cell_kind kind;
    int field;
    int second; /* DURATION: the end; ENDPOINT: the port */
    int ipv6;   /* ENDPOINT: the address where `field` has none */
    int proto;  /* ENDPOINT: whether a port 0 is one */
} fl_encode_cell_source;

/* A cell, in two parts between which an endpoint is aligned. */
typedef struct fl_encode_cell {
    fl_buffer text; /* failed when memory was short */
    size_t width;   /* its columns */
    char port[sizeof ":18446744073709551615"];
    size_t port_size;
    bool present; /* else the text is "-" */
    bool ipv6;    /* an address that may be cut */
    bool zero;    /* no duration, or the address 0.0.0.0 or :: */
    fl_buffer raw;
} fl_encode_cell;

/* Makes the cell of a row; the text takes at most `width` columns where its kind can be
 * cut, and a time has the form of that width. */
void fl_encode_cell_make(fl_encode_cell *cell, flowan_encoder *encoder,
                         const fl_encode_cell_source *source,
                         const fl_encode_piece *pieces, size_t row, size_t width);
void fl_encode_cell_free(fl_encode_cell *cell);

#endif
