/* Layer 6: the keys that rows are grouped by: their text, their place in a batch, and
 * the bytes that stand for the key of one row in the key table.
 *
 * The bytes are those of the parts, one behind the other: a tag, then a value whose
 * size the tag or a length tells. They hold numbers for names, so they mean something
 * only beside the fl_keys that made them. */
#ifndef FL_KEY_H
#define FL_KEY_H

#include "enrich.h"
#include "flowan/key.h"
#include "memory.h"

enum { FL_KEY_COLUMNS_MAX = 12, FL_KEY_PARTS_MAX = 64, FL_KEY_SCRATCH_SIZE = 64 };

typedef enum fl_key_source {
    FL_KEY_COLUMN,
    FL_KEY_BIN,
    FL_KEY_LOCAL_NET,
    FL_KEY_LOCAL_IP,
    FL_KEY_REMOTE_IP,
    FL_KEY_REMOTE_AS,
    FL_KEY_SRC_AS,
    FL_KEY_DST_AS,
    FL_KEY_DIRECTION,
    FL_KEY_SERVICE,
    FL_KEY_HOUR,
    FL_KEY_DAY
} fl_key_source;

typedef struct fl_key_spec {
    fl_key_source source;
    char *name; /* as asked for */
    char *column_name;
    int field;
    bool masked;
    uint8_t bits4;
    uint8_t bits6;
    /* of the batch in hand */
    flowan_column columns[FL_KEY_COLUMNS_MAX];
    size_t column_count;
    fl_enrich_column own; /* PREFIX: the address that it is the length of */
    char scratch[FL_KEY_SCRATCH_SIZE];
} fl_key_spec;

typedef struct fl_keys {
    fl_key_spec *specs;
    size_t count;
    uint64_t bin_ns;
    bool has_local;  /* local_net or local_ip: internal flows count on both sides */
    bool has_remote; /* remote_ip or remote_as */
    bool has_source[FL_KEY_DAY + 1];
    fl_enrich_column src_port;
    fl_enrich_column dst_port;
} fl_keys;

/* Parses `by` (may be NULL); a bin_ns that is not 0 puts the time bin first. */
flowan_status fl_keys_init(fl_keys *keys, const char *by, uint64_t bin_ns,
                           flowan_error *error);
void fl_keys_free(fl_keys *keys);

/* Finds the columns in the batch of `enrich` and makes it derive what the keys need. */
bool fl_keys_begin(fl_keys *keys, fl_enrich *enrich);

/* Appends the key of chosen row `i`, whose local end is its source or its destination, in
 * the time bin of that number. False for a row without a time when there are bins. */
bool fl_keys_build(const fl_keys *keys, const fl_enrich *enrich, size_t i,
                   bool local_is_source, uint64_t bin, fl_buffer *out);

/* Takes the part `index` off the bytes at *at. Its text may lie in scratch of the spec,
 * until the same part is next taken. */
void fl_keys_take(fl_keys *keys, const fl_enrich *enrich, size_t index, const char **at,
                  flowan_key_part *out);
/* The index of the network in a part of local_net, which begins at `at`. */
uint32_t fl_keys_network(const char *at);
/* The direction in a part of direction. */
unsigned fl_keys_direction(const char *at);
bool fl_keys_is_null(const char *at);
/* The bytes of the part that begins at `at`. */
size_t fl_keys_part_size(const char *at);

/* Compares `count` parts from `first` on, at which both `a` and `b` begin, in the order
 * of flowan_key_part: below, at or above zero. */
int fl_keys_compare(fl_keys *keys, const fl_enrich *enrich, size_t first, size_t count,
                    const char *a, const char *b);

/* The text of a part, without quotes; nothing for NULL. */
void fl_keys_put_text(fl_buffer *out, const flowan_key_part *part);

#endif
