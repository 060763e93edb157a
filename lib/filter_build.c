/* Normal form: groups do not nest in groups of their kind, constants are folded, tests of
 * one subject under an OR are one test. What an absent field makes false cannot be turned
 * round, so a NOT stays where it is written (but for two of them). */
#include "filter_build.h"

#include <stdlib.h>
#include <string.h>

#include "status.h"

/* So many tests of an OR are looked through for one of the same subject: filters of
 * thousands of values have few subjects. */
enum { MERGE_LOOK = 16 };

/* --- tests --- */

/* Adds the sets of another test; to be settled. */
static bool unite(fl_test *to, const fl_test *more)
{
    bool done = true;
    for (size_t i = 0; i < more->numbers.count && done; i++)
        done = fl_numbers_add(&to->numbers, more->numbers.ranges[i].low,
                              more->numbers.ranges[i].high);
    for (size_t i = 0; i < more->addresses.count && done; i++)
        done = fl_addresses_add(&to->addresses, more->addresses.ranges[i].low,
                                more->addresses.ranges[i].high);
    for (size_t i = 0; i < more->texts.count && done; i++) {
        size_t size;
        const char *text = fl_hash_key(&more->texts, i, &size);
        done = fl_hash_put(&to->texts, text, size, NULL) >= 0;
    }
    return done;
}

bool fl_test_copy_sets(fl_test *to, const fl_test *from)
{
    *to = *from;
    to->name = NULL;
    to->numbers = (fl_numbers){0};
    to->addresses = (fl_addresses){0};
    to->texts = (fl_hash){0};
    if (unite(to, from) && fl_test_settle(to))
        return true;
    fl_test_free(to);
    return false;
}

/* Holds for no value there could be. */
static bool is_empty(const fl_test *test)
{
    return test->kind == FL_TEST_IN && test->numbers.count == 0 &&
           test->addresses.count == 0 && test->texts.count == 0 && !test->texts_outside;
}

/* Whether an OR of the two is one test. */
static bool can_unite(const fl_test *a, const fl_test *b)
{
    bool same = a->subject == b->subject && a->kind == FL_TEST_IN &&
                b->kind == FL_TEST_IN && a->name_size == b->name_size &&
                (a->name_size == 0 || memcmp(a->name, b->name, a->name_size) == 0);
    return same && ((!a->texts_outside && !b->texts_outside) ||
                    (a->texts.count == 0 && b->texts.count == 0));
}

/* --- branches --- */

fl_branch fl_build_constant(bool holds)
{
    return (fl_branch){.node = {.kind = FL_NODE_ALL}, .constant = true, .holds = holds};
}

flowan_status fl_build_test(fl_build *build, fl_test *test, fl_branch *out)
{
    if (is_empty(test)) {
        fl_test_free(test);
        *out = fl_build_constant(false);
        return FLOWAN_OK;
    }
    flowan_status status = FLOWAN_OK;
    if (build->test_count == FL_FILTER_TESTS_MAX)
        status = FLOWAN_ERROR_LIMIT;
    else if (!fl_memory_grow((void **)&build->tests, &build->tests_room,
                             build->test_count + 1, sizeof *build->tests))
        status = FLOWAN_ERROR_MEMORY;
    if (status < 0) {
        fl_test_free(test);
        return status;
    }
    *out =
        (fl_branch){.node = {FL_NODE_TEST, (uint32_t)build->test_count, 1}, .depth = 1};
    build->tests[build->test_count++] = *test;
    *test = (fl_test){0};
    return FLOWAN_OK;
}

static flowan_status put_node(fl_build *build, fl_node node)
{
    if (!fl_memory_grow((void **)&build->nodes, &build->nodes_room,
                        build->node_count + 1, sizeof *build->nodes))
        return FLOWAN_ERROR_MEMORY;
    build->nodes[build->node_count++] = node;
    return FLOWAN_OK;
}

flowan_status fl_build_not(fl_build *build, fl_branch branch, fl_branch *out)
{
    if (branch.constant) {
        *out = fl_build_constant(!branch.holds);
        return FLOWAN_OK;
    }
    if (branch.node.kind == FL_NODE_NOT) {
        *out = (fl_branch){.node = build->nodes[branch.node.first],
                           .depth = branch.depth - 1};
        return FLOWAN_OK;
    }
    if (branch.depth == FL_FILTER_DEPTH_MAX)
        return FLOWAN_ERROR_LIMIT;
    *out = (fl_branch){.node = {FL_NODE_NOT, (uint32_t)build->node_count, 1},
                       .depth = branch.depth + 1};
    return put_node(build, branch.node);
}

/* --- groups --- */

fl_group fl_build_begin(const fl_build *build, fl_node_kind kind)
{
    return (fl_group){.kind = kind, .first = build->waiting_count};
}

/* Takes tests off the end that were merged into others. */
static void drop_tests(fl_build *build)
{
    while (build->test_count > 0) {
        const fl_test *last = &build->tests[build->test_count - 1];
        if (last->subject != FL_SUBJECT_COLUMN || last->name)
            break;
        build->test_count--;
    }
}

/* The test of a branch joins one of the group, if there is one of its subject among the
 * first. */
static flowan_status merge(fl_build *build, const fl_group *group, fl_branch branch,
                           bool *merged)
{
    fl_test *test = &build->tests[branch.node.first];
    size_t end = build->waiting_count;
    if (end - group->first > MERGE_LOOK)
        end = group->first + MERGE_LOOK;
    *merged = false;
    for (size_t i = group->first; i < end && !*merged; i++) {
        fl_node other = build->waiting[i].node;
        if (other.kind != FL_NODE_TEST || !can_unite(&build->tests[other.first], test))
            continue;
        fl_test *to = &build->tests[other.first];
        to->texts_outside = to->texts_outside || test->texts_outside;
        if (!unite(to, test))
            return FLOWAN_ERROR_MEMORY;
        fl_test_free(test);
        drop_tests(build);
        *merged = true;
    }
    return FLOWAN_OK;
}

static flowan_status add_one(fl_build *build, fl_group *group, fl_branch branch)
{
    bool merged = false;
    if (group->kind == FL_NODE_OR && branch.node.kind == FL_NODE_TEST) {
        flowan_status status = merge(build, group, branch, &merged);
        if (status < 0)
            return status;
    }
    if (merged)
        return FLOWAN_OK;
    if (!fl_memory_grow((void **)&build->waiting, &build->waiting_room,
                        build->waiting_count + 1, sizeof *build->waiting))
        return FLOWAN_ERROR_MEMORY;
    build->waiting[build->waiting_count++] = branch;
    return FLOWAN_OK;
}

flowan_status fl_build_add(fl_build *build, fl_group *group, fl_branch branch)
{
    if (branch.constant) {
        group->decided = group->decided || branch.holds == (group->kind == FL_NODE_OR);
        return FLOWAN_OK;
    }
    if (branch.node.kind != group->kind)
        return add_one(build, group, branch);
    size_t first = branch.node.first;
    flowan_status status = FLOWAN_OK;
    for (size_t i = 0; i < branch.node.count && status >= 0; i++)
        status = add_one(
            build, group,
            (fl_branch){.node = build->nodes[first + i], .depth = branch.depth - 1});
    if (first + branch.node.count == build->node_count)
        build->node_count = first;
    return status;
}

flowan_status fl_build_end(fl_build *build, const fl_group *group, fl_branch *out)
{
    size_t end = build->waiting_count;
    size_t count = end - group->first;
    build->waiting_count = group->first;
    if (group->decided || count == 0) {
        *out = fl_build_constant(group->decided == (group->kind == FL_NODE_OR));
        return FLOWAN_OK;
    }
    if (count == 1) {
        *out = build->waiting[group->first];
        return FLOWAN_OK;
    }
    fl_branch joined = {
        .node = {group->kind, (uint32_t)build->node_count, (uint32_t)count}};
    flowan_status status = FLOWAN_OK;
    for (size_t i = group->first; i < end && status >= 0; i++) {
        fl_branch child = build->waiting[i];
        if (child.depth >= joined.depth)
            joined.depth = child.depth + 1;
        status = put_node(build, child.node);
    }
    if (status >= 0 && joined.depth > FL_FILTER_DEPTH_MAX)
        status = FLOWAN_ERROR_LIMIT;
    *out = joined;
    return status;
}

/* --- the finished tree --- */

static bool is_one_address(const fl_test *test)
{
    const fl_wide_range *range = test->addresses.ranges;
    return test->kind == FL_TEST_IN && test->addresses.count == 1 &&
           range->low.high == range->high.high && range->low.low == range->high.low;
}

/* About what a test costs a row, in comparisons. */
static uint32_t test_cost(const fl_test *test)
{
    static const uint8_t derived[] = {
        [FL_SUBJECT_DURATION] = 8,    [FL_SUBJECT_BPS] = 24,
        [FL_SUBJECT_PPS] = 24,        [FL_SUBJECT_BPP] = 16,
        [FL_SUBJECT_DIRECTION] = 64,  [FL_SUBJECT_LOCAL_IP] = 70,
        [FL_SUBJECT_LOCAL_NET] = 66,  [FL_SUBJECT_REMOTE_IP] = 70,
        [FL_SUBJECT_REMOTE_AS] = 160, [FL_SUBJECT_SRC_AS] = 96,
        [FL_SUBJECT_DST_AS] = 96};
    if (test->subject != FL_SUBJECT_COLUMN)
        return derived[test->subject];
    if (test->kind == FL_TEST_EXISTS)
        return 1;
    const flowan_field_info *info = flowan_field_info_of((flowan_field)test->field);
    if (!info)
        return 20;
    switch (info->type) {
    case FLOWAN_TYPE_ADDRESS:
        if (is_one_address(test)) /* which few rows have: those behind it cost nothing */
            return 1;
        return test->addresses.count > 1 ? 24 : 6;
    case FLOWAN_TYPE_TEXT:
    case FLOWAN_TYPE_JSON:
    case FLOWAN_TYPE_LIST_U64:
    case FLOWAN_TYPE_LIST_ADDRESS: return 30;
    default: return test->numbers.count > 1 ? 4 : 2;
    }
}

/* Children stand before their parents, so one pass knows all. */
static void find_costs(const fl_build *build, uint32_t *costs)
{
    for (size_t i = 0; i < build->node_count; i++) {
        fl_node node = build->nodes[i];
        uint64_t cost = 1;
        if (node.kind == FL_NODE_TEST)
            cost = node.first < build->test_count ? test_cost(&build->tests[node.first])
                                                  : 1;
        else
            for (size_t child = node.first; child < node.first + (size_t)node.count;
                 child++)
                cost += costs[child];
        costs[i] = cost < UINT32_MAX ? (uint32_t)cost : UINT32_MAX;
    }
}

typedef struct ranked {
    fl_node node;
    uint32_t cost;
    uint32_t place;
} ranked;

static int cheaper(const void *a, const void *b)
{
    const ranked *x = a;
    const ranked *y = b;
    if (x->cost != y->cost)
        return x->cost < y->cost ? -1 : 1;
    return (x->place > y->place) - (x->place < y->place);
}

/* The nodes that the root reaches, level by level, into the filter. */
static bool move_nodes(fl_build *build, const uint32_t *costs, ranked *order,
                       flowan_filter *filter)
{
    size_t count = 1;
    for (size_t i = 0; i < count; i++) {
        fl_node *node = &filter->nodes[i];
        if (node->kind == FL_NODE_ALL)
            continue;
        if (node->kind == FL_NODE_TEST) {
            filter->tests[filter->test_count] = build->tests[node->first];
            build->tests[node->first] = (fl_test){0};
            node->first = (uint32_t)filter->test_count++;
            if (!fl_test_settle(&filter->tests[node->first]))
                return false;
            continue;
        }
        for (uint32_t child = 0; child < node->count; child++) {
            size_t from = node->first + child;
            order[child] = (ranked){build->nodes[from], costs[from], child};
        }
        qsort(order, node->count, sizeof *order, cheaper);
        node->first = (uint32_t)count;
        for (uint32_t child = 0; child < node->count; child++)
            filter->nodes[count++] = order[child].node;
    }
    filter->node_count = count;
    return true;
}

flowan_status fl_build_finish(fl_build *build, fl_branch root, flowan_filter *filter)
{
    fl_node top = root.node;
    if (root.constant && !root.holds) {
        top = (fl_node){FL_NODE_NOT, (uint32_t)build->node_count, 1};
        if (put_node(build, (fl_node){FL_NODE_ALL, 0, 0}) < 0)
            return FLOWAN_ERROR_MEMORY;
    }
    uint32_t *costs = fl_memory_alloc(build->node_count, sizeof *costs);
    ranked *order = fl_memory_alloc(build->node_count, sizeof *order);
    filter->nodes = fl_memory_alloc(build->node_count + 1, sizeof *filter->nodes);
    filter->tests = fl_memory_zalloc(build->test_count, sizeof *filter->tests);
    flowan_status status = FLOWAN_ERROR_MEMORY;
    if (costs && order && filter->nodes && filter->tests) {
        filter->nodes[0] = top;
        find_costs(build, costs);
        if (move_nodes(build, costs, order, filter))
            status = FLOWAN_OK;
    }
    fl_memory_free(costs);
    fl_memory_free(order);
    return status;
}

void fl_build_free(fl_build *build)
{
    for (size_t i = 0; i < build->test_count; i++)
        fl_test_free(&build->tests[i]);
    fl_memory_free(build->tests);
    fl_memory_free(build->nodes);
    fl_memory_free(build->waiting);
    *build = (fl_build){0};
}
