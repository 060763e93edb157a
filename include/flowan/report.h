/* Reports: batches in, a table out, as text for people, CSV (RFC 4180) or JSON.
 *
 * The JSON is one object, one row of the report a line:
 *
 *   {"report": NAME, "from": T, "to": T, "policy": {…}, "units": {…}, "rows": [ … ],
 *    "other": {…}, "total": {…}, "counted_twice": {…}, "clock_faults": N}
 *
 * Measures are `flows`, `packets` and `bytes`, plain integers of up to 39 digits. What
 * the numbers mean, and that rows + other - counted_twice = total: doc/semantics.md.
 *
 * One thread a handle. After a failed push only free it. */
#ifndef FLOWAN_REPORT_H
#define FLOWAN_REPORT_H

#include "flowan/aggregate.h"
#include "flowan/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct flowan_report flowan_report;

typedef enum flowan_report_kind {
    FLOWAN_REPORT_NETWORKS = 1, /* a row for each local network */
    FLOWAN_REPORT_ASNS = 2,     /* a row for each remote ASN of in and out flows */
    FLOWAN_REPORT_MATRIX =
        3,                   /* `by` any of local_net, remote_as, local_ip: all three */
    FLOWAN_REPORT_TOP = 4,   /* `by` any keys */
    FLOWAN_REPORT_SERIES = 5 /* a row for each time bin; with `by` for each key in it */
} flowan_report_kind;

typedef struct flowan_report_options {
    size_t size; /* sizeof(flowan_report_options) */
    flowan_report_kind kind;
    const char *by; /* as flowan_aggregator_options has it; MATRIX, TOP, SERIES only */
    uint32_t top; /* rows (SERIES with keys: keys); 0: 20. The rest goes to `other`. */
    bool top_all;
    bool raw_counts;
    bool prefer_asdb;
    bool has_start; /* the window that the caller selects rows by */
    bool has_end;
    flowan_order order; /* a measure; NETWORKS and ASNS: summed over the directions */
    uint64_t start_ns;
    uint64_t end_ns;
    uint64_t bin_ns; /* SERIES; 0: 1 min */
    uint64_t gap_ns; /* SERIES: nothing received for that long is a gap; 0: 5 min */
    const flowan_networks *networks; /* borrowed; NULL: the default private space */
    flowan_asdb *asdb;               /* borrowed, used by this thread; may be NULL */
    uint64_t default_sampling;       /* of records that state none; 0: 1 */
    const flowan_default_sampling *exporters; /* before default_sampling; copied */
    size_t exporter_count;
    flowan_clock clock;
    flowan_scheme scheme; /* SERIES */
} flowan_report_options;

/* FLOWAN_ERROR_ARGUMENT, with a sentence, for keys that do not parse or do not belong
 * to the kind, and for a window that ends before it begins. */
FLOWAN_API flowan_status flowan_report_new(flowan_report **out,
                                           const flowan_report_options *options,
                                           flowan_error *error);
FLOWAN_API void flowan_report_free(flowan_report *report);

/* The JSON keys of a record that the report looks at, *count of them, for a scan that is to
 * read no more than these. Borrowed while the report lives. */
FLOWAN_API const char *const *flowan_report_fields(const flowan_report *report,
                                                   size_t *count);

/* Counts the chosen rows (NULL: all). The batch is not kept. */
FLOWAN_API flowan_status flowan_report_push(flowan_report *report,
                                            const flowan_batch *batch,
                                            const flowan_selection *selection,
                                            flowan_error *error);

typedef enum flowan_report_format {
    FLOWAN_REPORT_TABLE = 1, /* UTF-8 for people, fitted to a width */
    FLOWAN_REPORT_CSV = 2,   /* a header line and the rows; lines end with CR LF */
    FLOWAN_REPORT_JSON = 3
} flowan_report_format;

typedef struct flowan_report_style {
    size_t size;      /* sizeof(flowan_report_style) */
    uint32_t columns; /* of the terminal; 0: 100 */
    bool colour;      /* ANSI sequences */
} flowan_report_style;

/* Writes what was counted so far; the report may go on afterwards. `style` (may be
 * NULL) is for tables. FLOWAN_ERROR_LIMIT for a series of more than 1,000,000 rows. */
FLOWAN_API flowan_status flowan_report_write(flowan_report *report,
                                             flowan_report_format format,
                                             flowan_write_function write, void *context,
                                             const flowan_report_style *style,
                                             flowan_error *error);

#ifdef __cplusplus
}
#endif

#endif
