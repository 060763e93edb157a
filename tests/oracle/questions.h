/* Questions as trees: drawn and written down as filters (question-draw.c), and answered
 * row by row (question-answer.c); and records to ask about (question-records.c). */
#ifndef FL_QUESTIONS_H
#define FL_QUESTIONS_H

#include "flowan/filter.h"
#include "memory.h"

/* What "now" is in filters: 2025-03-15T17:10:51Z. */
#define QUESTION_NOW_NS UINT64_C(1742058651000000000)

enum { QUESTION_CHILDREN = 4, QUESTION_OPERANDS = 5, QUESTION_ITEMS = 64 };

typedef enum kind {
    OF_FIELD,
    OF_DURATION,
    OF_BPS,
    OF_PPS,
    OF_BPP,
    OF_DIRECTION,
    OF_LOCAL_IP,
    OF_LOCAL_NET,
    OF_REMOTE_IP,
    OF_REMOTE_AS,
    OF_SRC_AS,
    OF_DST_AS
} kind;

typedef enum notation {
    NUMBERS,
    NAMES,
    TIMES,
    SPANS,
    FLAGS,
    MACS,
    ADDRESSES,
    WAYS,
    NETS,
    TEXTS,
    ANYTHING
} notation;

typedef struct place {
    kind kind;
    const char *names[2];
} place;

typedef struct primitive {
    const char *words; /* NULL: "field" and the name */
    notation notation;
    place first;
    place second; /* where sides may be named */
    bool sided;
    bool translated;
    const uint8_t *protos; /* that are implied, up to a 0 */
    const char *sides[3];  /* for the first, for the second, for neither */
} primitive;

typedef struct item {
    enum { NUMBER, ADDRESS, TEXT } type;
    uint64_t number;
    flowan_address address;
    const char *text;
    size_t size;
} item;

typedef struct items {
    size_t count;
    item item[QUESTION_ITEMS];
} items;

typedef struct world {
    const flowan_batch *batch;
    flowan_networks *networks;
    flowan_asdb *asdb;
    bool prefer_asdb;
} world;

/* Loads networks.txt and asn.mmdb of the directory that FLOWAN_TEST_DATA names; ends the
 * program, after a line with its name, where that fails. */
void question_open_world(world *w, const char *program);
void question_close_world(world *w);

typedef enum sign {
    EQUAL,
    UNEQUAL,
    LESS,
    MORE,
    NOT_MORE,
    NOT_LESS,
    IN,
    NOT_IN,
    EXISTS,
    ALL_OF
} sign;

/* One value to compare with: what it is as a number, as an address, as a text. */
typedef struct operand {
    bool number;
    uint64_t low;
    uint64_t high;
    bool address;
    flowan_address first;
    flowan_address last;
    bool has_text;
    char text[64];
} operand;

typedef enum form { ANY, IPV4, IPV6, TEST, AND, OR, NOT } form;

typedef struct question {
    form form;
    struct question *child[QUESTION_CHILDREN];
    size_t children;
    const primitive *of;
    unsigned side; /* 0 first, 1 second, 2 either, 3 both */
    sign sign;
    operand operand[QUESTION_OPERANDS];
    size_t operands;
} question;

/* A number below that, the same ones in each run … */
uint64_t question_random(uint64_t below);
/* … that begins with the same seed, 1 if it is never told. */
void question_seed(uint64_t seed);
#define PICK(array) ((array)[question_random(sizeof(array) / sizeof *(array))])

/* A question about the records of a batch that has some, appended as text; to be freed. */
question *question_draw(const world *w, int depth, fl_buffer *out);
void question_free(question *q);

/* Appends a record of its own line: each field by a chance of `keep` in 8. */
void question_put_record(fl_buffer *out, unsigned keep);

bool question_is_ipv4(const flowan_address *address);
bool question_fits(const world *w, const question *q, size_t row);
/* All values that a row has in a place. */
void question_items(const world *w, const place *at, bool translated, size_t row,
                    items *out);

#endif
