/* The tree of a filter over a batch. Each node keeps, of the rows that it is asked for,
 * those for which it holds; so an AND asks its next child only for what is left, and an
 * OR for what no child has had yet. */
#include "match.h"

#include <string.h>

#include "status.h"

bool fl_match_room(const flowan_matcher *m, uint64_t **set)
{
    if (!*set)
        *set = fl_memory_alloc(m->room, sizeof **set);
    return *set != NULL;
}

/* --- the tree --- */

static void take_away(const flowan_matcher *m, uint64_t *set, const uint64_t *less)
{
    for (size_t i = 0; i < m->words; i++)
        set[i] &= ~less[i];
}

static bool keep(flowan_matcher *m, const fl_node *node, unsigned depth,
                 uint64_t *rows);

static bool keep_test(flowan_matcher *m, const fl_test *test, uint64_t *rows)
{
    if (test->subject != FL_SUBJECT_COLUMN)
        return fl_match_derived(m, test, rows);
    fl_match_columns(m, test, rows);
    return true;
}

static bool keep_all(flowan_matcher *m, const fl_node *node, unsigned depth,
                     uint64_t *rows)
{
    for (uint32_t i = 0; i < node->count && !fl_mask_is_empty(rows, m->words); i++)
        if (!keep(m, &m->filter->nodes[node->first + i], depth + 1, rows))
            return false;
    return true;
}

static bool keep_any(flowan_matcher *m, const fl_node *node, unsigned depth,
                     uint64_t *rows)
{
    uint64_t **left = &m->spare[2 * depth];
    uint64_t **held = &m->spare[2 * depth + 1];
    size_t size = m->words * sizeof *rows;
    if (!fl_match_room(m, left) || !fl_match_room(m, held))
        return false;
    memcpy(*left, rows, size);
    for (uint32_t i = 0; i < node->count && !fl_mask_is_empty(*left, m->words); i++) {
        memcpy(*held, *left, size);
        if (!keep(m, &m->filter->nodes[node->first + i], depth + 1, *held))
            return false;
        take_away(m, *left, *held);
    }
    take_away(m, rows, *left);
    return true;
}

static bool keep_none(flowan_matcher *m, const fl_node *node, unsigned depth,
                      uint64_t *rows)
{
    uint64_t **held = &m->spare[2 * depth];
    if (!fl_match_room(m, held))
        return false;
    memcpy(*held, rows, m->words * sizeof *rows);
    if (!keep(m, &m->filter->nodes[node->first], depth + 1, *held))
        return false;
    take_away(m, rows, *held);
    return true;
}

/* False when memory is short. */
static bool keep(flowan_matcher *m, const fl_node *node, unsigned depth, uint64_t *rows)
{
    switch (node->kind) {
    case FL_NODE_ALL: return true;
    case FL_NODE_TEST: return keep_test(m, &m->filter->tests[node->first], rows);
    case FL_NODE_AND: return keep_all(m, node, depth, rows);
    case FL_NODE_OR: return keep_any(m, node, depth, rows);
    case FL_NODE_NOT: return keep_none(m, node, depth, rows);
    }
    return true;
}

/* --- a batch --- */

static void free_sets(flowan_matcher *m)
{
    fl_match_derived_free(m);
    uint64_t **sets[] = {&m->among, &m->left, &m->mask, &m->found};
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        fl_memory_free(*sets[i]);
        *sets[i] = NULL;
    }
    for (size_t i = 0; i < sizeof m->spare / sizeof *m->spare; i++) {
        fl_memory_free(m->spare[i]);
        m->spare[i] = NULL;
    }
    fl_memory_free(m->answer);
    m->answer = NULL;
    m->room = 0;
}

/* Room for the rows of the batch, in whatever there is one entry a row of. */
static bool make_room(flowan_matcher *m)
{
    if (m->words > m->room || m->room == 0) {
        free_sets(m);
        m->room = m->words ? m->words : 1;
    }
    if (!m->answer)
        m->answer = fl_memory_alloc(m->room * 64, sizeof *m->answer);
    return m->answer && fl_match_room(m, &m->among) && fl_match_room(m, &m->left) &&
           fl_match_room(m, &m->mask) && fl_match_room(m, &m->found);
}

static flowan_status take_among(flowan_matcher *m, const flowan_selection *among,
                                flowan_error *error)
{
    fl_mask_fill(m->among, m->rows, !among);
    for (size_t i = 0; among && i < among->count; i++) {
        if (among->rows[i] >= m->rows)
            return fl_status_fail(error, FLOWAN_ERROR_ARGUMENT, FL_NO_OFFSET,
                                  "the selection has a row beyond the batch of %zu "
                                  "rows",
                                  m->rows);
        fl_match_put(m->among, among->rows[i]);
    }
    return FLOWAN_OK;
}

static bool find_columns(flowan_matcher *m)
{
    size_t count = m->filter->test_count ? flowan_batch_columns(m->batch) : 0;
    fl_hash_clear(&m->names);
    if (count > m->views_room) {
        fl_memory_free(m->views);
        fl_memory_free(m->first);
        fl_memory_free(m->next);
        m->views = fl_memory_alloc(count, sizeof *m->views);
        m->first = fl_memory_alloc(count, sizeof *m->first);
        m->next = fl_memory_alloc(count, sizeof *m->next);
        m->views_room = m->views && m->first && m->next ? count : 0;
        if (!m->views_room)
            return false;
    }
    for (size_t i = 0; i < count; i++) {
        flowan_column *view = &m->views[i];
        bool added;
        flowan_batch_column(m->batch, i, view);
        int64_t name = fl_hash_put(&m->names, view->name, view->name_size, &added);
        if (name < 0)
            return false;
        m->next[i] = added ? 0 : m->first[name];
        m->first[name] = (uint32_t)i + 1;
    }
    return true;
}

static void answer(flowan_matcher *m)
{
    uint32_t *out = m->answer;
    for (size_t word = 0; word < m->words; word++) {
        uint64_t bits = m->left[word];
        uint32_t row = (uint32_t)word * 64;
        if (bits == UINT64_MAX)
            for (uint32_t i = 0; i < 64; i++)
                *out++ = row + i;
        else
            for (; bits; bits &= bits - 1)
                *out++ = row + (uint32_t)__builtin_ctzll(bits);
    }
    m->selection = (flowan_selection){m->answer, (size_t)(out - m->answer)};
}

flowan_status flowan_matcher_new(flowan_matcher **out, const flowan_filter *filter,
                                 const flowan_matcher_options *options,
                                 flowan_error *error)
{
    *out = NULL;
    flowan_matcher_options given = {0};
    if (!fl_status_options_fit(options, sizeof given))
        return fl_status_fail(error, FLOWAN_ERROR_ARGUMENT, FL_NO_OFFSET,
                              "matcher: options of another size");
    if (options)
        memcpy(&given, options,
               options->size < sizeof given ? options->size : sizeof given);
    flowan_matcher *m = fl_memory_zalloc(1, sizeof *m);
    if (!m)
        return fl_status_memory(error);
    m->filter = filter;
    bool enriches = false;
    for (size_t i = 0; i < filter->test_count; i++)
        enriches = enriches || filter->tests[i].subject >= FL_SUBJECT_DIRECTION;
    flowan_status status = FLOWAN_OK;
    if (enriches)
        status = fl_enrich_init(&m->enrich,
                                &(fl_enrich_rules){.networks = filter->networks,
                                                   .asdb = given.asdb,
                                                   .prefer_asdb = given.prefer_asdb},
                                error);
    if (status < 0)
        flowan_matcher_free(m);
    else
        *out = m;
    return status;
}

void flowan_matcher_free(flowan_matcher *m)
{
    if (!m)
        return;
    free_sets(m);
    fl_enrich_free(&m->enrich);
    fl_hash_free(&m->names);
    fl_memory_free(m->views);
    fl_memory_free(m->first);
    fl_memory_free(m->next);
    fl_memory_free(m);
}

flowan_status flowan_matcher_apply(flowan_matcher *m, const flowan_batch *batch,
                                   const flowan_selection *among,
                                   const flowan_selection **out, flowan_error *error)
{
    *out = NULL;
    m->batch = batch;
    m->rows = flowan_batch_rows(batch);
    m->words = (m->rows + 63) / 64;
    if (!make_room(m))
        return fl_status_memory(error);
    flowan_status status = take_among(m, among, error);
    if (status < 0)
        return status;
    fl_match_derived_begin(m);
    memcpy(m->left, m->among, m->words * sizeof *m->left);
    if (!find_columns(m) || !keep(m, &m->filter->nodes[m->filter->root], 0, m->left))
        return fl_status_memory(error);
    answer(m);
    *out = &m->selection;
    return FLOWAN_OK;
}
