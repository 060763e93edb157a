/* The parts of a key that an aggregator groups by, as typed values. */
#ifndef FLOWAN_KEY_H
#define FLOWAN_KEY_H

#include <stddef.h>
#include <stdint.h>

#include "flowan/field.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum flowan_key_type {
    FLOWAN_KEY_NULL = 0, /* the record has no such field */
    FLOWAN_KEY_BOOL = 1,
    FLOWAN_KEY_INTEGER = 2,
    FLOWAN_KEY_TIME = 3, /* `integer`: ns since 1970, the beginning of a time bin */
    FLOWAN_KEY_TEXT = 4, /* any bytes: usually UTF-8, not promised */
    FLOWAN_KEY_ADDRESS = 5,
    FLOWAN_KEY_PREFIX = 6, /* `address`, masked, and its length */
    FLOWAN_KEY_JSON = 7    /* a JSON value as text: a list, a float, an object */
} flowan_key_type;

/* One part of a key. Parts are ordered by type, then by value: numbers by value, texts
 * by bytes, addresses by their 16 octets, then by length. */
typedef struct flowan_key_part {
    flowan_key_type type;
    uint32_t prefix_bits; /* PREFIX: 0 to 32 for IPv4, 0 to 128 for IPv6 */
    uint64_t integer;     /* BOOL, INTEGER, TIME */
    flowan_address address;
    const char *text; /* TEXT, JSON: borrowed until the next call on the handle */
    size_t text_size;
} flowan_key_part;

#ifdef __cplusplus
}
#endif

#endif
