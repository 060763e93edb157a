/* Layer 3: a filter while its tree is made, from the leaves up. */
#ifndef FL_FILTER_BUILD_H
#define FL_FILTER_BUILD_H

#include "filter.h"

enum { FL_FILTER_TESTS_MAX = 1 << 18 };

/* A tree that has no parent yet. Constants have no node: they fold until they are all
 * there is. */
typedef struct fl_branch {
    fl_node node;
    unsigned depth; /* levels of nodes */
    bool constant;
    bool holds; /* of a constant */
} fl_branch;

typedef struct fl_build {
    fl_node *nodes; /* a node's children stand before it */
    size_t node_count;
    size_t nodes_room;
    fl_test *tests;
    size_t test_count;
    size_t tests_room;
    fl_branch *waiting; /* children of groups that are not closed yet */
    size_t waiting_count;
    size_t waiting_room;
} fl_build;

/* Children of one parent to be, AND or OR. */
typedef struct fl_group {
    fl_node_kind kind;
    size_t first; /* in `waiting` */
    bool decided; /* a constant settled it: never for AND, always for OR */
} fl_group;

/* These fail by status: memory, or FLOWAN_ERROR_LIMIT, whose sentence the caller writes.
 * Branches given are taken. */

/* Takes *test, with its sets settled; whatever comes of it, it is empty then. A test that
 * can hold for nothing is a constant. */
flowan_status fl_build_test(fl_build *build, fl_test *test, fl_branch *out);
fl_branch fl_build_constant(bool holds);
flowan_status fl_build_not(fl_build *build, fl_branch branch, fl_branch *out);

fl_group fl_build_begin(const fl_build *build, fl_node_kind kind);
/* One more child; groups in it must be closed. A group of the same kind dissolves in it,
 * and under OR a test joins one of the same subject. */
flowan_status fl_build_add(fl_build *build, fl_group *group, fl_branch branch);
flowan_status fl_build_end(fl_build *build, const fl_group *group, fl_branch *out);

/* Moves the whole tree into the filter, children together and the cheapest first. */
flowan_status fl_build_finish(fl_build *build, fl_branch root, flowan_filter *filter);
void fl_build_free(fl_build *build);

/* A copy without name; false when memory is short, and nothing to free then. */
bool fl_test_copy_sets(fl_test *to, const fl_test *from);

#endif
