/* Layer 3: a filter as those see it who run it: a tree of tests, over the columns of a
 * batch (match.c) or over the stored numbers of a block. Nothing in it changes once it is
 * made, so any number of threads may run it. */
#ifndef FL_FILTER_H
#define FL_FILTER_H

#include "flowan/filter.h"
#include "hash.h"
#include "ranges.h"

enum { FL_FILTER_DEPTH_MAX = 64 }; /* of the tree */

/* What a test looks at. */
typedef enum fl_subject {
    FL_SUBJECT_COLUMN,    /* the columns of that name, of whatever types; a value counts
                             by its type */
    FL_SUBJECT_DURATION,  /* ns, by numbers; as the following ones */
    FL_SUBJECT_BPS,       /* bits a second */
    FL_SUBJECT_PPS,       /* packets a second */
    FL_SUBJECT_BPP,       /* bytes a packet */
    FL_SUBJECT_DIRECTION, /* fl_direction, by numbers; every record has one */
    FL_SUBJECT_LOCAL_IP,  /* by addresses; of an internal flow both are */
    FL_SUBJECT_LOCAL_NET, /* by numbers: networks of the table; likewise */
    FL_SUBJECT_REMOTE_IP, /* by addresses; likewise */
    FL_SUBJECT_REMOTE_AS, /* by numbers; likewise */
    FL_SUBJECT_SRC_AS, /* by numbers, after the ASN order; every record has one, which
                             is 0 where it is not known */
    FL_SUBJECT_DST_AS  /* likewise */
} fl_subject;

typedef enum fl_test_kind {
    FL_TEST_IN,     /* the value is in the set of its type */
    FL_TEST_MASK,   /* a number has all of these bits, or not all of them */
    FL_TEST_EXISTS, /* there is a value */
    FL_TEST_KINDS
} fl_test_kind;

/* A test of a list holds when it does for one of its items. What is derived is only ever
 * tested by IN. */
typedef struct fl_test {
    fl_subject subject;
    fl_test_kind kind;
    int field;        /* COLUMN: flowan_field, or -1 */
    const char *name; /* COLUMN: the JSON key; owned */
    size_t name_size;
    fl_numbers numbers; /* IN */
    fl_addresses addresses;
    fl_hash texts;      /* of TEXT and JSON columns: these … */
    bool texts_outside; /* … or all but these */
    uint64_t mask;      /* MASK */
    bool mask_outside;
} fl_test;

typedef enum fl_node_kind {
    FL_NODE_ALL,  /* holds always; NOT of it never */
    FL_NODE_TEST, /* tests[first] */
    FL_NODE_AND,  /* nodes[first … first + count), the cheapest first */
    FL_NODE_OR,
    FL_NODE_NOT /* nodes[first] */
} fl_node_kind;

typedef struct fl_node {
    fl_node_kind kind;
    uint32_t first;
    uint32_t count;
} fl_node;

struct flowan_filter {
    fl_node *nodes;
    size_t node_count;
    uint32_t root;
    fl_test *tests;
    size_t test_count;
    const char **columns; /* JSON keys that running it over batches needs */
    size_t column_count;
    /* Borrowed, or its own; never NULL where a test is about directions or local ends. */
    const flowan_networks *networks;
    flowan_networks *own_networks; /* the default private space */
};

/* Empties it. */
void fl_test_free(fl_test *test);
/* Settles its sets; false when memory is short. */
bool fl_test_settle(fl_test *test);

/* Makes the default private space its own networks where none were given. False when
 * memory is short, as the next. */
bool fl_filter_need_networks(flowan_filter *filter);
/* Fills in `columns`. */
bool fl_filter_find_columns(flowan_filter *filter);

#endif
