/* Layer 1: one member of a record on its way into or out of a batch, and the kinds of
 * spelling that a shape is made of. */
#ifndef FL_VALUE_H
#define FL_VALUE_H

#include "flowan/field.h"

#define FL_NS_PER_SECOND UINT64_C(1000000000)
#define FL_NS_PER_MS UINT64_C(1000000)

/* How a value was written. A kind together with the typed value gives the JSON text back;
 * the numbers are stored in segments and never reused. */
typedef enum fl_kind {
    FL_KIND_OPAQUE = 0,         /* no typed value: only the record's text has it */
    FL_KIND_EMPTY = 1,          /* "" for a field that is no text: absent */
    FL_KIND_NULL = 2,           /* null: absent */
    FL_KIND_INVALID_PREFIX = 3, /* "invalid Prefix": absent */
    FL_KIND_INT = 4,            /* 17 */
    FL_KIND_INT_STRING = 5,     /* "17" */
    FL_KIND_BOOL = 6,           /* true */
    FL_KIND_RFC3339 = 7,        /* "2025-03-15T17:10:51.5Z" */
    FL_KIND_IPV4 = 8,           /* "192.0.2.1" */
    FL_KIND_IPV6 = 9,           /* "2001:db8::1", "::ffff:192.0.2.1" */
    FL_KIND_HEX4 = 10,          /* "c0000201" */
    FL_KIND_HEX16 = 11,         /* 32 digits */
    FL_KIND_MAC = 12,           /* "2c:c8:1b:ac:cf:81" */
    FL_KIND_NAME = 13,          /* "TCP": the name that goflow2 2.2 gives the number */
    FL_KIND_NAME_OLD = 14,      /* "ICMPv6": the name that 2.0 and 2.1 give it */
    FL_KIND_CIDR4 = 15,         /* "10.8.0.0/16": of the record's own address */
    FL_KIND_CIDR6 = 16,         /* "2001:db8::/32" */
    FL_KIND_STRING = 17,        /* "text" without an escape */
    FL_KIND_VERBATIM = 18,      /* a JSON value as it stands */
    FL_KIND_LIST_INT = 19,      /* [1,2] */
    FL_KIND_LIST_NAME = 20,     /* ["IPv4","TCP"] */
    FL_KIND_LIST_ADDRESS = 21,  /* ["192.0.2.1"] */
    /* what goflow2 1.x writes */
    FL_KIND_SECONDS = 22,       /* 1742058651: a time in whole seconds */
    FL_KIND_MILLISECONDS = 23,  /* 1742058651500 */
    FL_KIND_EMPTY_LIST = 24,    /* []: an absent address */
    FL_KIND_OCTETS4 = 25,       /* [192,0,2,1] */
    FL_KIND_OCTETS16 = 26,      /* 16 of them */
    FL_KIND_LIST_OCTETS4 = 27,  /* a list of one address, as its octets */
    FL_KIND_LIST_OCTETS16 = 28, /* likewise */
    FL_KIND_COUNT = 29
} fl_kind;

typedef struct fl_value {
    const char *key; /* as decoded; borrowed like everything here */
    size_t key_size;
    bool spelt; /* the key is another than the field's own */
    bool lost; /* the key means a field that another has, for its value cannot be used */
    bool contested; /* ... and it has the field only while its value can be used */
    int field;      /* flowan_field, or -1 */
    flowan_type type;
    fl_kind kind;
    uint64_t number;        /* U32, U64, TIME, MAC, BOOL, ENUM, PREFIX */
    flowan_address address; /* ADDRESS */
    const void *items;      /* TEXT, JSON: bytes; lists: uint64_t or flowan_address */
    size_t count;           /* of them */
} fl_value;

static inline bool fl_kind_has_value(fl_kind kind)
{
    return kind >= FL_KIND_INT && kind != FL_KIND_EMPTY_LIST;
}

/* The bytes of one item of a type: a cell, or an item of a list or a text. */
static inline size_t fl_type_width(flowan_type type)
{
    switch (type) {
    case FLOWAN_TYPE_U32:
    case FLOWAN_TYPE_ENUM:
    case FLOWAN_TYPE_PREFIX: return sizeof(uint32_t);
    case FLOWAN_TYPE_U64:
    case FLOWAN_TYPE_TIME:
    case FLOWAN_TYPE_MAC:
    case FLOWAN_TYPE_BOOL:
    case FLOWAN_TYPE_LIST_U64: return sizeof(uint64_t);
    case FLOWAN_TYPE_ADDRESS:
    case FLOWAN_TYPE_LIST_ADDRESS: return sizeof(flowan_address);
    case FLOWAN_TYPE_TEXT:
    case FLOWAN_TYPE_JSON: return 1;
    }
    return 0;
}

/* True for types whose rows are runs of items behind an offset array. */
static inline bool fl_type_is_run(flowan_type type)
{
    return type >= FLOWAN_TYPE_TEXT;
}

/* The address that a prefix is the length of: src_addr for src_net; -1 for a field that is
 * no prefix. */
static inline int fl_prefix_address(int field)
{
    return field == FLOWAN_FIELD_SRC_NET   ? FLOWAN_FIELD_SRC_ADDR
           : field == FLOWAN_FIELD_DST_NET ? FLOWAN_FIELD_DST_ADDR
                                           : -1;
}

/* Whether a value of that kind may stand in a column of that type: what a segment says
 * must pass this before it is believed. */
bool fl_value_fits(flowan_type type, fl_kind kind);

#endif
