/* The columnar batch: what moves between parser, writer, reader, aggregator and encoder.
 *
 * A batch holds up to `capacity` flow records as columns: one array per field that any of
 * its records has, plus a column for every key that the field table does not know. A key
 * whose values differ in type has one column for each type, with the same name. Rows are
 * in order of arrival.
 *
 * Beside the columns a batch knows each record's shape (its ordered keys and how each
 * value was written) and, where that does not suffice, its text: so the exact JSON comes
 * back (flowan_encoder).
 *
 * One thread a handle; views stay valid until the batch is next given to a call that
 * fills, resets or frees it. */
#ifndef FLOWAN_BATCH_H
#define FLOWAN_BATCH_H

#include "flowan/field.h"
#include "flowan/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct flowan_batch flowan_batch;

typedef struct flowan_batch_options {
    size_t size;           /* sizeof(flowan_batch_options) */
    uint32_t capacity;     /* rows; 0: 65536. At most 1,048,576. */
    uint64_t memory_bytes; /* a batch that has grown past this is full, whatever its rows;
                              0: 256 MiB. A single record always fits. */
} flowan_batch_options;

/* `options` may be NULL. */
FLOWAN_API flowan_status flowan_batch_new(flowan_batch **out,
                                          const flowan_batch_options *options,
                                          flowan_error *error);
FLOWAN_API void flowan_batch_free(flowan_batch *batch);

/* Forgets all rows and rejects and keeps the memory for the next fill. */
FLOWAN_API void flowan_batch_reset(flowan_batch *batch);

FLOWAN_API size_t flowan_batch_rows(const flowan_batch *batch);

/* A column, borrowed. `present` is a bitmap, row r being bit r % 64 of word r / 64. Items
 * of rows that are not present read as 0 (or as an empty text or list). */
typedef struct flowan_column {
    const char *name; /* JSON key, NUL-terminated; it may hold NULs of its own */
    size_t name_size;
    int field; /* flowan_field, or -1 for a key that the table does not know */
    flowan_type type;
    size_t rows;
    size_t present_count;
    const uint64_t *present;
    const uint32_t *u32; /* U32, ENUM, PREFIX: one a row */
    const uint64_t *u64; /* U64, TIME, MAC, BOOL: one a row; LIST_U64: items */
    const flowan_address *address; /* ADDRESS: one a row; LIST_ADDRESS: items */
    /* TEXT, JSON: row r is text[offset[r] … offset[r + 1]); lists: items likewise.
     * rows + 1 entries. */
    const uint32_t *offset;
    const char *text;
} flowan_column;

FLOWAN_API size_t flowan_batch_columns(const flowan_batch *batch);

/* Column `index` below flowan_batch_columns, in order of first appearance. False when
 * there is none of that index. */
FLOWAN_API bool flowan_batch_column(const flowan_batch *batch, size_t index,
                                    flowan_column *out);

/* The column of a field of the table; false when no record of the batch has it. */
FLOWAN_API bool flowan_batch_field(const flowan_batch *batch, flowan_field field,
                                   flowan_column *out);

/* What the parser could not make a record of: junk between objects, a torn object, an
 * object over the size limit. Long ones come in pieces of at most 64 KiB: all but the
 * first are `continued`. */
typedef enum flowan_reject_reason {
    FLOWAN_REJECT_JUNK = 1,     /* bytes that begin no object */
    FLOWAN_REJECT_SYNTAX = 2,   /* begins an object, then breaks JSON's grammar */
    FLOWAN_REJECT_TORN = 3,     /* ended by a line feed or the end of input */
    FLOWAN_REJECT_TOO_LONG = 4, /* larger than the parser's limit */
    FLOWAN_REJECT_REASONS = 5   /* one above the last; grows */
} flowan_reject_reason;

typedef struct flowan_reject {
    flowan_reject_reason reason;
    bool continued;
    uint64_t offset;  /* of the first byte, in the (decompressed) source */
    const char *data; /* borrowed like a column */
    size_t size;
} flowan_reject;

FLOWAN_API size_t flowan_batch_rejects(const flowan_batch *batch);
FLOWAN_API bool flowan_batch_reject(const flowan_batch *batch, size_t index,
                                    flowan_reject *out);
/* "junk", "syntax", "torn", "too long"; static. */
FLOWAN_API const char *flowan_reject_reason_text(flowan_reject_reason reason);

/* A choice of rows of a batch, ascending. A NULL selection means all rows. */
typedef struct flowan_selection {
    const uint32_t *rows;
    size_t count;
} flowan_selection;

#ifdef __cplusplus
}
#endif

#endif
