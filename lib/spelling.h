/* Layer 1: keys of a record that mean a field of the table under another name: those of
 * goflow2 1.x (the JSON names of its message, as of 1.3.3), and those that the user maps.
 */
#ifndef FL_SPELLING_H
#define FL_SPELLING_H

#include "flowan/field.h"
#include "flowan/status.h"
#include "hash.h"

/* What a number counts that stands for a time. */
typedef enum fl_unit { FL_UNIT_NS, FL_UNIT_MS, FL_UNIT_SECONDS } fl_unit;

typedef struct fl_spelling {
    flowan_field field;
    fl_unit unit;
    unsigned rank; /* of two keys for one field the lower one is asked first */
} fl_spelling;

enum { FL_SPELLING_MAP_MAX = 256 };

/* The user's keys. All zero is none. */
typedef struct fl_spellings {
    fl_hash keys;
    flowan_field *fields; /* by entry */
} fl_spellings;

/* Copies the map into `spellings`, which is all zero. FLOWAN_ERROR_ARGUMENT for a map
 * that says two things, or nothing. */
flowan_status fl_spellings_init(fl_spellings *spellings, const flowan_key_map *map,
                                size_t count, flowan_error *error);
void fl_spellings_free(fl_spellings *spellings);

/* The field of a key that is not its own, by the map or else by the keys of 1.x. */
bool fl_spellings_find(const fl_spellings *spellings, const char *key, size_t size,
                       fl_spelling *out);

#endif
