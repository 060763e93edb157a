/* Layer 3: a filter at work on a batch, by sets of rows: a bit a row. What is called a set
 * of rows here has `words` words; each step keeps those rows of it for which something
 * holds. */
#ifndef FL_MATCH_H
#define FL_MATCH_H

#include "enrich.h"
#include "filter.h"
#include "mask.h"

enum {
    FL_MATCH_FEW =
        16, /* where less than one row in so many is left, each is looked at */
    FL_MATCH_RATES = 4
};

/* A value that is calculated from several columns, for each row. */
typedef struct fl_rate {
    uint64_t *values;
    uint64_t *there;   /* rows that have it */
    uint64_t *covered; /* rows that it was calculated for */
    bool begun;        /* for the batch in hand */
} fl_rate;

struct flowan_matcher {
    const flowan_filter *filter;

    const flowan_batch *batch;
    size_t rows;
    size_t words;
    size_t room; /* words in each set of rows that is not NULL */

    /* The columns of the batch by name; a name has one for each type. The last two hold
     * places in `views`, plus one; 0 is none. */
    fl_hash names;
    flowan_column *views;
    uint32_t *first; /* the first column of a name */
    uint32_t *next;  /* the next one of a column's name */
    size_t views_room;

    uint64_t *among; /* rows asked for */
    uint64_t *left;  /* rows for which the answer is yes, in the end */
    uint64_t *mask;  /* scratch of single tests */
    uint64_t *found;
    uint64_t *spare[2 * FL_FILTER_DEPTH_MAX]; /* two for each level of the tree */

    fl_rate rates[FL_MATCH_RATES]; /* from FL_SUBJECT_DURATION on */
    fl_enrich enrich;
    bool enrich_begun;       /* for the batch in hand */
    uint64_t *enriched;      /* then: rows that it covers */
    uint32_t *enriched_rows; /* the same as numbers, which it borrows */

    uint32_t *answer;
    flowan_selection selection;
};

static inline bool fl_match_has(const uint64_t *set, size_t row)
{
    return set[row / 64] >> (row % 64) & 1;
}

static inline void fl_match_put(uint64_t *set, size_t row)
{
    set[row / 64] |= (uint64_t)1 << (row % 64);
}

/* The first row of the set from `row` on, or `rows`. */
static inline size_t fl_match_next(const flowan_matcher *m, const uint64_t *set,
                                   size_t row)
{
    if (row >= m->rows)
        return m->rows;
    size_t word = row / 64;
    uint64_t bits = set[word] >> (row % 64) << (row % 64);
    while (!bits) {
        if (++word == m->words)
            return m->rows;
        bits = set[word];
    }
    return word * 64 + (size_t)__builtin_ctzll(bits);
}

static inline void fl_match_keep(const flowan_matcher *m, uint64_t *set,
                                 const uint64_t *of)
{
    for (size_t i = 0; i < m->words; i++)
        set[i] &= of[i];
}

static inline bool fl_match_few(const flowan_matcher *m, const uint64_t *set)
{
    return fl_mask_count(set, m->words) < m->rows / FL_MATCH_FEW;
}

/* A set of rows with room for those of the batch; false when memory is short. */
bool fl_match_room(const flowan_matcher *m, uint64_t **set);

/* Each keeps the rows for which the test holds. */
void fl_match_columns(flowan_matcher *m, const fl_test *test, uint64_t *rows);
/* False when memory is short. */
bool fl_match_derived(flowan_matcher *m, const fl_test *test, uint64_t *rows);

/* Turns what is derived to the batch in hand. */
void fl_match_derived_begin(flowan_matcher *m);
void fl_match_derived_free(flowan_matcher *m);

#endif
