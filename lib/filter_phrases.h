/* Layer 3: the phrases of the filter language, each of which says what a test looks at:
 * "port", "nat ip", "observation domain id". */
#ifndef FL_FILTER_PHRASES_H
#define FL_FILTER_PHRASES_H

#include "filter.h"
#include "filter_notation.h"

enum { FL_PHRASE_SIZE = 32, FL_PLACE_COLUMNS = 2 };

/* What stands before a phrase. */
enum {
    FL_SIDE_SRC = 1,
    FL_SIDE_DST = 2,
    FL_SIDE_BOTH = 4, /* "src and dst": on both sides, not on either */
    FL_SIDE_IN = 8,
    FL_SIDE_OUT = 16,
    FL_SIDE_INGRESS = 32,
    FL_SIDE_EGRESS = 64,
    FL_SIDES_ENDS = FL_SIDE_SRC | FL_SIDE_DST | FL_SIDE_BOTH,
    FL_SIDES_FIRSTS = FL_SIDE_SRC | FL_SIDE_IN | FL_SIDE_INGRESS,
    FL_SIDES_SECONDS = FL_SIDE_DST | FL_SIDE_OUT | FL_SIDE_EGRESS
};

/* What a phrase asks for beside its condition. */
typedef enum fl_implied {
    FL_IMPLIES_NOTHING,
    FL_IMPLIES_TCP,
    FL_IMPLIES_ICMP
} fl_implied;

/* Where values are. Two columns are the two families of translated addresses. */
typedef struct fl_place {
    fl_subject subject;
    int field[FL_PLACE_COLUMNS]; /* COLUMN; -1: no more */
} fl_place;

typedef struct fl_phrase {
    const char *words;
    unsigned sides; /* that may stand before it and choose a place … */
    unsigned idle;  /* … or may, and say nothing */
    bool two;       /* there is a second place */
    fl_place first; /* of the source, or of what comes in */
    fl_place second;
    fl_values values;
    bool translated; /* an address of all zeros is none */
    fl_implied implies;
} fl_phrase;

/* Words are taken one by one, as long as some phrase begins with all of them. */
typedef struct fl_words {
    char text[FL_PHRASE_SIZE]; /* lower case, a blank between */
    size_t size;
} fl_words;

/* Takes one more word; false, and nothing taken, where no phrase goes on like that. */
bool fl_phrases_extend(fl_words *words, const char *word, size_t size);
/* The phrase of just these words, or NULL. */
const fl_phrase *fl_phrases_find(const fl_words *words);
/* "'ip', 'net'": what could follow, for a message. */
void fl_phrases_follow(const fl_words *words, char *out, size_t room);

#endif
