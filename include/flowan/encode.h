/* Records as text: the exact JSON that came in, normalised JSON, CSV, a table, or documents
 * of the Elastic Common Schema. */
#ifndef FLOWAN_ENCODE_H
#define FLOWAN_ENCODE_H

#include "flowan/asdb.h"
#include "flowan/batch.h"
#include "flowan/networks.h"
#include "flowan/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* JSON leaves absent fields out, writes times as integers of ns, addresses as text, and the
 * name of a number that has one; bytes that are no UTF-8 become U+FFFD. */
typedef enum flowan_format {
    FLOWAN_FORMAT_EXACT = 1, /* the objects that came in, byte for byte, one a line */
    FLOWAN_FORMAT_JSON = 2,  /* normalised, one object a line */
    FLOWAN_FORMAT_CSV = 3,   /* RFC 4180, lines end with CR LF; lists as JSON */
    FLOWAN_FORMAT_TABLE = 4, /* for people: fitted to a width, large counts rounded */
    /* a document of the Elastic Common Schema 8.16 for each record, one a line
     * (doc/ecs.md); numbers of 2^63 and more, which no index takes, are left out */
    FLOWAN_FORMAT_ECS = 5
} flowan_format;

typedef struct flowan_encoder flowan_encoder;

typedef struct flowan_encoder_options {
    size_t size; /* sizeof(flowan_encoder_options) */
    flowan_format format;
    /* JSON keys, in the order wanted; copied. NULL: JSON all that a record has; TABLE a
     * layout of its own, of which it shows what fits; CSV needs them. EXACT and ECS take
     * none. */
    const char *const *fields;
    size_t field_count;
    uint32_t columns; /* width of the terminal, for TABLE; 0: 100 */
    flowan_write_function write;
    void *context;

    /* --- of ECS; other formats do not look at them --- */

    bool preserve_original; /* event.original: the record's text */
    /* network.packets is the sampling rate, a rate of 0 multiplies as it stands and so
     * on, as Elastic's GoFlow2 integration has it: doc/ecs.md */
    bool elastic_compat;
    bool prefer_asdb;        /* before the ASNs of the record */
    const char *const *tags; /* behind the usual ones; copied */
    size_t tag_count;
    const flowan_networks *networks; /* what network.direction is told by; NULL: private
                                        space. Borrowed, like asdb, until the encoder is
                                        freed. */
    flowan_asdb *asdb;      /* for source.as and destination.as; NULL: without these */
    uint64_t not_before_ns; /* documents of an earlier @timestamp are left out; 0: none */
} flowan_encoder_options;

/* One thread a handle. After a failure rows may be written in part, and whatever is
 * written then is of no use. */
FLOWAN_API flowan_status flowan_encoder_new(flowan_encoder **out,
                                            const flowan_encoder_options *options,
                                            flowan_error *error);
FLOWAN_API void flowan_encoder_free(flowan_encoder *encoder);

/* The JSON keys that the output needs, to be asked of a scan; NULL: all. Borrowed. */
FLOWAN_API const char *const *flowan_encoder_columns(const flowan_encoder *encoder,
                                                     size_t *count);

/* Writes the chosen rows (NULL: all) of the batch. The first batch with rows settles which
 * columns a TABLE has, and how wide. FLOWAN_ERROR_IO when the write function fails;
 * `error->offset` is then its errno value. */
FLOWAN_API flowan_status flowan_encoder_write(flowan_encoder *encoder,
                                              const flowan_batch *batch,
                                              const flowan_selection *selection,
                                              flowan_error *error);

/* Writes what tells of a piece of the input that is no record: with ECS a document with
 * error.message and event.original, whose @timestamp is when the last record written before
 * was received. Other formats have no place for it and write nothing. */
FLOWAN_API flowan_status flowan_encoder_reject(flowan_encoder *encoder,
                                               const flowan_reject *reject,
                                               flowan_error *error);

/* Writes what stands even without records: the header line of CSV and TABLE. */
FLOWAN_API flowan_status flowan_encoder_finish(flowan_encoder *encoder,
                                               flowan_error *error);

#ifdef __cplusplus
}
#endif

#endif
