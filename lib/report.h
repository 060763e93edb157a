/* Layer 7: inside the reports: what is counted (report.c), the result that comes of it
 * (report_view.c), its rows (report_rows.c), and the three ways to write them
 * (report_text.c, report_table.c). */
#ifndef FL_REPORT_H
#define FL_REPORT_H

#include "aggregate.h"
#include "flowan/report.h"
#include "hash.h"
#include "memory.h"
#include "sum.h"

enum {
    FL_REPORT_COLUMNS_MAX = FL_KEY_PARTS_MAX + 24,
    FL_REPORT_FIELDS_MAX = FL_KEY_PARTS_MAX + 24,
    FL_REPORT_PEERS = 5, /* top_remote_as */
    FL_REPORT_ROWS_MAX = FL_AGGREGATE_BINS_MAX
};

/* Where a column shows, and how the table sets it. */
enum {
    FL_COLUMN_DATA = 1, /* JSON and CSV */
    FL_COLUMN_TABLE = 2,
    FL_COLUMN_LEFT = 4, /* names: left, and cut where the width asks for it */
    FL_COLUMN_SI = 8,
    FL_COLUMN_BAR = 16 /* drawn by the table; its cell is empty */
};

typedef struct fl_report_column {
    const char *group; /* JSON: the object around it; CSV: a prefix; or NULL */
    const char *name;
    const char *heading; /* of the table */
    unsigned flags;
} fl_report_column;

typedef enum fl_cell_kind {
    FL_CELL_NULL = 0,
    FL_CELL_NUMBER,
    FL_CELL_DECIMAL, /* number and millionths */
    FL_CELL_SHARE,   /* millionths */
    FL_CELL_BOOL,    /* number.low */
    FL_CELL_TEXT,
    FL_CELL_JSON,
    FL_CELL_AS, /* number.low; text: its organization */
    FL_CELL_PEERS
} fl_cell_kind;

typedef struct fl_report_peer {
    uint32_t as;
    flowan_measures measures;
} fl_report_peer;

typedef struct fl_cell {
    fl_cell_kind kind;
    uint32_t millionths;
    flowan_sum number;
    const char *text; /* borrowed, or in `scratch` */
    size_t text_size;
    const fl_report_peer *peers;
    size_t peer_count;
    char scratch[FL_KEY_SCRATCH_SIZE];
} fl_cell;

typedef struct fl_receipt {
    uint64_t first_ns;
    uint64_t last_ns;
} fl_receipt;

struct flowan_report {
    flowan_report_kind kind;
    flowan_order order;
    size_t limit;
    bool has_start;
    bool has_end;
    uint64_t start_ns;
    uint64_t end_ns;
    uint64_t bin_ns;
    flowan_scheme scheme;
    uint64_t gap_ns;
    fl_enrich enrich;
    flowan_aggregator *rows;     /* what the rows are made of */
    flowan_aggregator *ways;     /* NETWORKS, ASNS: the totals of each direction */
    flowan_aggregator *distinct; /* likewise: the row's key and an address */
    flowan_aggregator *peers;    /* NETWORKS: the row's key and remote_as */
    fl_report_column columns[FL_REPORT_COLUMNS_MAX];
    size_t column_count;
    const char *fields[FL_REPORT_FIELDS_MAX]; /* of a record, that the keys need */
    size_t field_count;
    /* SERIES: first and last receipt in every `granule` */
    uint64_t granule_ns;
    fl_hash granules;
    fl_receipt *receipts;
    size_t receipts_room;
    uint64_t last_received_ns; /* for records that have none of their own */
};

/* What rows share a key, when the aggregator's keys say more than that. */
typedef struct fl_group {
    flowan_measures all;
    flowan_measures way[FL_DIRECTION_COUNT];
    uint64_t distinct;
    fl_report_peer peer[FL_REPORT_PEERS];
    size_t peer_count;
    bool chosen;
} fl_group;

/* A time in which nothing was received: (after, before), or from the beginning. */
typedef struct fl_gap {
    uint64_t after_ns;
    uint64_t before_ns;
    bool from_the_beginning;
} fl_gap;

/* The result as it stands when a report is written. */
typedef struct fl_report_view {
    flowan_report *report;
    flowan_totals totals;
    flowan_measures way[FL_DIRECTION_COUNT]; /* of the total */
    flowan_measures other;
    flowan_measures other_way[FL_DIRECTION_COUNT];
    flowan_sum largest; /* bytes of a row */
    fl_hash keys;       /* of the groups */
    fl_group *groups;
    size_t groups_room;
    uint32_t *order; /* of the groups, or of the aggregator's rows */
    size_t count;
    /* SERIES */
    uint64_t first_bin; /* numbers of bins: [first, end) */
    uint64_t end_bin;
    uint32_t *group_of; /* per row of the aggregator */
    fl_gap *gaps;
    size_t gap_count;
    fl_cell *cells; /* of the row in hand: an entry a column */
} fl_report_view;

flowan_status fl_report_view_make(fl_report_view *view, flowan_report *report,
                                  flowan_error *error);
void fl_report_view_free(fl_report_view *view);

/* SERIES: the number of the time bin of a row of the aggregator. */
uint64_t fl_report_bin(const fl_report_view *view, size_t row);

/* Calls `each` for every row, in order, with the cells of all columns; a false answer
 * ends it. `bytes` is what the bar shows. */
typedef bool (*fl_report_row_function)(void *context, const fl_cell *cells,
                                       flowan_sum bytes);
bool fl_report_each_row(fl_report_view *view, fl_report_row_function each,
                        void *context);

/* The cells of the row "other", or of the total. */
typedef enum fl_report_sum { FL_REPORT_OTHER, FL_REPORT_TOTAL } fl_report_sum;
const fl_cell *fl_report_sum_cells(fl_report_view *view, fl_report_sum which);
const flowan_measures *fl_report_sum_measures(const fl_report_view *view,
                                              fl_report_sum which);

static inline bool fl_report_has_ways(const flowan_report *report)
{
    return report->ways != NULL;
}

/* Fills report->fields once the aggregators are there (report_fields.c). */
void fl_report_find_fields(flowan_report *report);

/* "networks" … "series"; static. */
const char *fl_report_kind_name(flowan_report_kind kind);
/* The organization of an ASN, "" without a database. */
const char *fl_report_organization(const flowan_report *report, uint32_t as);
/* The period: the window, or what the flows span. False when there is none. */
bool fl_report_from(const fl_report_view *view, uint64_t *ns);
bool fl_report_to(const fl_report_view *view, uint64_t *ns);

/* Where the bytes go. After a failure the rest is dropped, and `status` tells. */
typedef struct fl_report_out {
    fl_buffer buffer;
    flowan_write_function write;
    void *context;
    flowan_status status;
    flowan_error *error;
} fl_report_out;

/* Writes what is in the buffer when it is much, or when it is all (`end`). */
bool fl_report_flush(fl_report_out *out, bool end);

void fl_report_write_json(fl_report_view *view, fl_report_out *out);
void fl_report_write_csv(fl_report_view *view, fl_report_out *out);
void fl_report_write_table(fl_report_view *view, fl_report_out *out,
                           const flowan_report_style *style);

#endif
