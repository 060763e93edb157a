/* Layer 3: the text of a filter as tokens, and the sentences that say what is wrong
 * where. */
#ifndef FL_FILTER_TOKENS_H
#define FL_FILTER_TOKENS_H

#include "flowan/status.h"
#include "memory.h"

typedef enum fl_token_kind {
    FL_TOKEN_END,
    FL_TOKEN_WORD,   /* a keyword, a number, an address … */
    FL_TOKEN_QUOTED, /* "…", its quotes included; its escapes are sound */
    FL_TOKEN_OPEN,   /* ( */
    FL_TOKEN_CLOSE,
    FL_TOKEN_LIST, /* [ */
    FL_TOKEN_LIST_END,
    FL_TOKEN_COMMA,
    FL_TOKEN_EQUAL,
    FL_TOKEN_UNEQUAL,
    FL_TOKEN_LESS,
    FL_TOKEN_MORE,
    FL_TOKEN_NOT_MORE, /* <= */
    FL_TOKEN_NOT_LESS, /* >= */
    FL_TOKEN_AND,      /* &&, and the word; as the next two */
    FL_TOKEN_OR,
    FL_TOKEN_NOT
} fl_token_kind;

typedef struct fl_token {
    fl_token_kind kind;
    const char *data; /* in the text */
    size_t size;
} fl_token;

/* A walk over the tokens: `now` is the one in hand, the only one that is looked at. */
typedef struct fl_tokens {
    const char *text;
    size_t size;
    fl_token now;
    flowan_error *error;
} fl_tokens;

/* Begins with the first token. */
flowan_status fl_tokens_open(fl_tokens *tokens, const char *text, size_t size,
                             flowan_error *error);
/* To the next token; the end stays. */
flowan_status fl_tokens_next(fl_tokens *tokens);

/* Whether the token in hand is that word, in either case. */
bool fl_tokens_at(const fl_tokens *tokens, const char *word);
/* Whether a text is that word, likewise. */
bool fl_tokens_same(const char *text, size_t size, const char *word);

/* The bytes that a quoted token stands for, appended. */
void fl_tokens_unquote(const fl_token *token, fl_buffer *out);

/* "filter: column 14: expected …, found 'http'" about a token of the text. */
flowan_status fl_tokens_expected(const fl_tokens *tokens, const fl_token *token,
                                 const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* FLOWAN_ERROR_LIMIT: "filter: column 14: …" at the token in hand. */
flowan_status fl_tokens_limit(const fl_tokens *tokens, const char *what);

#endif
