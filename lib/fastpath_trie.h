/* Layer 2: what the fast path knows: a trie of the members that records were seen to have.
 * fastpath_trie.c grows it, the kernels walk it. */
#ifndef FL_FASTPATH_TRIE_H
#define FL_FASTPATH_TRIE_H

#include "batch.h"
#include "fastpath.h"

enum {
    FL_FAST_TEXT = 64,       /* bytes compared at a node */
    FL_FAST_NO_MEMO = 255,   /* above any count of equal bytes */
    FL_FAST_HOPEFUL = 254,   /* likewise; the next value is remembered */
    FL_FAST_NUMBERS = 1024,  /* items of all lists of a record … */
    FL_FAST_ADDRESSES = 256, /* … and addresses; more is for the general way */
    FL_FAST_NAMES = 256,     /* a power of two */
    FL_FAST_SECONDS = 256,   /* likewise */
    FL_FAST_DOTTED = 256
};

/* How a value is read: a spelling (fl_kind) of a type. */
typedef enum fl_fast_op {
    FL_FAST_END, /* of the record: no value */
    FL_FAST_CONSTANT,
    FL_FAST_NUMBER,  /* that may have 7 digits at least */
    FL_FAST_BOUNDED, /* less */
    FL_FAST_SCALED,  /* seconds or milliseconds */
    FL_FAST_SCALED_NOT_0,
    FL_FAST_BOOL,
    FL_FAST_RFC3339,
    FL_FAST_IPV4,
    FL_FAST_IPV6,
    FL_FAST_HEX4,
    FL_FAST_HEX16,
    FL_FAST_OCTETS, /* an address as a list of 4 or 16 */
    FL_FAST_MAC,
    FL_FAST_NAME,
    FL_FAST_CIDR4,
    FL_FAST_CIDR6,
    FL_FAST_STRING,
    FL_FAST_NO_NAME, /* the text of an enum that has no number for it */
    FL_FAST_LIST_NUMBER,
    FL_FAST_LIST_NAME,
    FL_FAST_LIST_ADDRESS,
    FL_FAST_LIST_OCTETS, /* a list of one address, as its octets */
    FL_FAST_OPS
} fl_fast_op;

typedef struct fl_fast_leaf fl_fast_leaf;

/* One member: its literal, from the end of the value before it to the beginning of its
 * own, and how its value is read. The last value stays in the node. */
typedef struct fl_fast_node {
    char text[FL_FAST_TEXT]; /* the literal and what stood behind it last time */
    uint8_t literal_size;    /* bytes */
    uint8_t memo_size;       /* of literal, last value and the byte behind it: where all
                                are equal again so is the value */
    uint8_t op;              /* fl_fast_op */
    uint8_t reach;           /* the one of the two sizes that is of use */
    bool old;                /* NAME: the name of goflow2 2.0 and 2.1 */
    struct fl_fast_node *child; /* the members that were seen to follow, the likeliest
                                   first; NULL: the end of a record */
    uint64_t number;            /* the value; bits of a CIDR */
    flowan_address address;
    uint64_t max;      /* of numbers */
    const void *items; /* TEXT: bytes of the input; lists: of fl_fastpath */
    size_t count;
    /* seldom looked at */
    struct fl_fast_node *next; /* sibling */
    struct fl_fast_node *parent;
    fl_fast_leaf *leaf; /* END */
    uint32_t came;      /* record count when it was met as another than the first */
    uint32_t missed;    /* record count when the memo last was of no use */
    uint32_t gap;       /* records between misses of the memo, a running mean × 8 */
    int field;
    flowan_type type;
    fl_kind kind;
} fl_fast_node;

/* A value's way into its column. */
typedef struct fl_fast_cell {
    const void *value; /* in the node */
    void *cells;       /* the column's */
    fl_fast_node *node;
    fl_column *column;
    size_t width; /* of an item, bytes */
} fl_fast_cell;

/* A prefix and the address that it must be a prefix of. */
typedef struct fl_fast_prefix {
    const fl_fast_node *node;
    const fl_fast_node *own;
    bool same_family; /* by their ops; else it takes a look at the address */
} fl_fast_prefix;

/* The end of a shape. */
struct fl_fast_leaf {
    fl_fast_leaf *next;
    uint64_t round;   /* fl_fastpath.round when it was bound to the batch */
    uint32_t swept;   /* record count when memos were last given a new chance */
    uint16_t shape;   /* in the batch, then */
    fl_value *values; /* keys and kinds, without values */
    size_t count;
    fl_fast_cell *cells; /* by width: 4 bytes, 8, 16, runs */
    size_t end4;
    size_t end8;
    size_t end16;
    size_t end_runs;
    uint32_t *cell_of; /* value → cell, or UINT32_MAX */
    fl_fast_prefix prefixes[2];
    size_t prefix_count;
};

/* A name met before, with its number: finding it again needs no search. */
typedef struct fl_fast_name {
    uint64_t first; /* eight bytes, zero behind a shorter name */
    char rest[24];
    uint8_t size;
    bool old;
    int16_t field; /* -1: empty */
    uint32_t number;
} fl_fast_name;

/* A second that times were read in: its text, without a fraction, and its ns. */
typedef struct fl_fast_second {
    char text[24];
    uint64_t ns;
} fl_fast_second;

/* How the digits of a dotted IPv4 are spread, by where its octets end. */
typedef struct fl_fast_dotted {
    uint8_t shuffle[16]; /* digit → octet i's hundreds, tens and ones at 4 * i */
    uint8_t least[4];    /* what an octet of that many digits is at least */
    uint16_t ends;       /* bits of the bytes behind the octets; 0: no such pattern */
    uint8_t pad[10];
} fl_fast_dotted;

struct fl_fastpath {
    fl_fastpath_stop (*run)(fl_fastpath *fast, const char *data, size_t size,
                            uint64_t offset, size_t *used);
    flowan_batch *batch;
    uint64_t round; /* counts feeds, and all that moves columns */
    size_t memory;  /* of the batch, when its columns last moved */
    size_t record_limit;
    uint32_t records; /* counts on and on, wraps */
    bool cut;         /* the value at hand goes on behind what may be read */
    bool ambiguous; /* of two children with the same literal both may fit, and only what
                       follows tells which is meant */
    const char *start;      /* of the record at hand */
    const char *head;       /* a record that began with values seen before, … */
    size_t head_size;       /* … in its first bytes, 0: no such record */
    fl_fast_node *head_end; /* the last node of these */
    const char *end;        /* of what was walked over */
    const char *limit;      /* the last place where a record may begin */
    fl_fast_node root;
    fl_fast_second seconds[FL_FAST_SECONDS];
    fl_fast_name names[FL_FAST_NAMES];
    fl_fast_dotted dotted[FL_FAST_DOTTED];
    uint64_t numbers[FL_FAST_NUMBERS];
    size_t numbers_used;
    flowan_address addresses[FL_FAST_ADDRESSES];
    size_t addresses_used;
    /* memory of the trie */
    void **slabs;
    size_t slab_count;
    size_t slabs_room;
    size_t nodes_used;
    fl_fast_leaf *leaves;
    size_t refused;
};

static inline size_t fl_fast_name_slot(uint64_t first, size_t size)
{
    return ((size_t)(first * UINT64_C(0x9e3779b97f4a7c15) >> 32) ^ size) %
           FL_FAST_NAMES;
}

/* By the digits of minute and second. */
static inline size_t fl_fast_second_slot(const char *text)
{
    return ((size_t)(text[14] & 7) * 600 + (size_t)(text[15] & 15) * 60 +
            (size_t)(text[17] & 7) * 10 + (size_t)(text[18] & 15)) %
           FL_FAST_SECONDS;
}

/* Slow parts that the kernels share. */
bool fl_fastpath_bind(fl_fastpath *fast, fl_fast_leaf *leaf, fl_fastpath_stop *stop);
bool fl_fastpath_find_name(fl_fastpath *fast, const fl_fast_node *node,
                           const char *text, size_t size, uint64_t *number);
bool fl_fastpath_is_name(const fl_fast_node *node, const char *text, size_t size);
size_t fl_fastpath_time(fl_fastpath *fast, const char *text, size_t size, uint64_t *ns);
bool fl_fastpath_fits(const fl_fast_prefix *prefix);

fl_fastpath_stop fl_fastpath_run_portable(fl_fastpath *fast, const char *data,
                                          size_t size, uint64_t offset, size_t *used);
void fl_fastpath_prepare_avx2(fl_fastpath *fast);
fl_fastpath_stop fl_fastpath_run_avx2(fl_fastpath *fast, const char *data, size_t size,
                                      uint64_t offset, size_t *used);

#endif
