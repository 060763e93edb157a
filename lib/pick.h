/* Layer 4: which rows of a stored block a question asks for, found out with as few of its
 * columns as it takes: classes of rows by their constants and bounds, then by the
 * dictionaries of streams, and only then row by row. */
#ifndef FL_PICK_H
#define FL_PICK_H

#include "chosen.h"
#include "clock.h"
#include "filter.h"
#include "unpack.h"

/* Zeroed asks for all rows. */
typedef struct fl_question {
    const flowan_filter *filter; /* NULL: none */
    bool has_window;             /* only spans that overlap [from_ns, to_ns) … */
    uint64_t from_ns;
    uint64_t to_ns;
    bool inside;    /* … or lie in it */
    bool any_order; /* rows may come class by class, which is faster */
} fl_question;

/* Whether a record of that span is in the window. */
bool fl_question_holds(const fl_question *question, const fl_span *span);

/* How the choice was made. */
typedef enum fl_picked {
    FL_PICKED_ALL,           /* nothing was asked that could leave rows out */
    FL_PICKED_BY_BOUNDS,     /* no row: what the block has of each column settled it */
    FL_PICKED_BY_DICTIONARY, /* no row: the lists of values did */
    FL_PICKED_BY_INDEX,      /* no row: the index of public addresses did */
    FL_PICKED_BY_ROWS        /* rows were looked at; maybe none is left */
} fl_picked;

typedef struct fl_pick {
    fl_unpack *unpack;
    const fl_question *question;
    fl_chosen chosen;
    fl_picked how;
    bool exact; /* else some of the chosen rows may not pass the filter: it has to be
                   asked again, over the batch */
    /* the rest is pick.c's */
    fl_wanted wanted;
    uint32_t *columns; /* [test * column limit …]: see find_columns */
    uint32_t *first_column;
    uint64_t *label_low; /* [cell of per_label * class_count + class] */
    uint64_t *label_high;
    uint64_t *numbers; /* of the largest class: twice */
    uint64_t *others;
    struct fl_pick_known *known;
    size_t known_count;
    size_t known_room;
    bool by_dictionary;
    uint8_t *verdicts; /* [test * class_count + class]: the last, + 1 where it is one for
                          good; NULL: they would be too many */
    uint32_t *rows;
    uint32_t *first;
    uint32_t *places;
    uint32_t *out;
} fl_pick;

typedef struct fl_answer {
    fl_picked how;
    bool exact; /* as in fl_pick; else the columns of the filter are there too */
    uint64_t bytes_read;
} fl_answer;

/* flowan_reader_read, but only for rows that the question asks for, and no more than
 * those become rows of the batch, in order. */
flowan_status fl_reader_ask(const flowan_reader *reader, fl_workspace *space,
                            size_t block, const fl_question *question,
                            const char *const *columns, size_t count,
                            flowan_batch *batch, fl_answer *answer,
                            flowan_error *error);

/* Answers the question for the block, whose directory was read. fl_pick_free in any case;
 * what was chosen is borrowed from `pick` and `unpack`. */
flowan_status fl_pick_rows(fl_pick *pick, fl_unpack *unpack,
                           const fl_question *question);
void fl_pick_free(fl_pick *pick);

#endif
