/* Layer 2: the text of one JSON object to typed values: which field a key is, and what
 * kind of spelling its value has. Whether these give the text back is the parser's
 * question (render). */
#ifndef FL_RECORD_H
#define FL_RECORD_H

#include "hash.h"
#include "json.h"
#include "spelling.h"
#include "value.h"

/* A member whose key means a field under another name, until all of the record is seen
 * and it is known which key of the field counts. */
typedef struct fl_alias {
    fl_spelling spelling;
    uint16_t value; /* index */
    int16_t next;   /* alias of the same field with a higher rank, or -1 */
    fl_json_span text;
} fl_alias;

typedef struct fl_record {
    fl_value *values; /* FL_RECORD_FIELDS_MAX */
    size_t count;
    fl_hash keys; /* of this record, for the doubles */
    fl_spellings spellings;
    fl_alias *aliases; /* FL_RECORD_FIELDS_MAX */
    size_t alias_count;
    int16_t first_alias[FLOWAN_FIELD_COUNT]; /* of a field, or -1; if there are any */
    uint64_t own;                            /* fields that have their own key: bits */
    char *text;                              /* decoded strings */
    size_t text_used;
    uint64_t *numbers; /* items of lists */
    size_t numbers_used;
    flowan_address *addresses;
    size_t addresses_used;
    size_t text_room;
    size_t numbers_room;
    size_t addresses_room;
} fl_record;

/* Keys that mean a field besides those that the library knows are in record->spellings,
 * which the caller fills. */
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

/* The value that holds the address of a prefix's field; NULL when the record has none. */
const fl_value *fl_record_own_address(const fl_value *values, size_t count, int prefix);

#endif
