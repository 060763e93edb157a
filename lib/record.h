/* Layer 2: the text of one JSON object to typed values: which field a key is, and what
 * kind of spelling its value has. Whether these give the text back is the parser's
 * question (render). */
#ifndef FL_RECORD_H
#define FL_RECORD_H

#include "hash.h"
#include "json.h"
#include "value.h"

typedef struct fl_record {
    fl_value *values; /* FL_RECORD_FIELDS_MAX */
    size_t count;
    fl_hash keys; /* of this record, for the doubles */
    char *text;   /* decoded strings */
    size_t text_used;
    uint64_t *numbers; /* items of lists */
    size_t numbers_used;
    flowan_address *addresses;
    size_t addresses_used;
    size_t text_room;
    size_t numbers_room;
    size_t addresses_room;
} fl_record;

bool fl_record_init(fl_record *record);
void fl_record_free(fl_record *record);

/* Reads an object whose grammar was checked. The values borrow from `text` and from the
 * record until the next read. False when memory is short. */
bool fl_record_read(fl_record *record, const char *text, size_t size);

/* The largest number that a value of that type can be. */
uint64_t fl_record_number_max(flowan_type type);

/* Whether a prefix that was written (`kind`: CIDR4 or CIDR6) says no more than its length
 * beside the record's own address. */
bool fl_record_prefix_fits(const flowan_address *own, const flowan_address *written,
                           uint64_t length, fl_kind kind);

#endif
