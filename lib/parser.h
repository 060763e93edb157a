/* Layer 2: a parser turned from one input to another and back, for those who read several
 * that grow. */
#ifndef FL_PARSER_H
#define FL_PARSER_H

#include "flowan/parser.h"
#include "memory.h"

/* Where a parser stands in an input. Zero-initialised is empty: fl_parser_mark_init. */
typedef struct fl_parser_mark {
    uint64_t offset;   /* of the first unfinished byte */
    void *hash;        /* XXH3_state_t of all before it */
    fl_buffer pending; /* what is unfinished, from there on */
    uint8_t mode;
    uint8_t reason;
    bool continued;
    flowan_position reject_at;
    size_t looked;
} fl_parser_mark;

/* At the beginning of an input. False when memory is short. */
bool fl_parser_mark_init(fl_parser_mark *mark);
void fl_parser_mark_free(fl_parser_mark *mark);

/* Bytes of the input as parsed before; only while nothing is unfinished. */
void fl_parser_mark_skip(fl_parser_mark *mark, const void *data, size_t size);
/* XXH3-64 of all bytes before the offset. */
uint64_t fl_parser_mark_hash(const fl_parser_mark *mark);
/* The place to resume from, as flowan_parser_position tells it. */
flowan_position fl_parser_mark_position(const fl_parser_mark *mark);
/* *to, which was initialised, becomes as *from, where nothing is unfinished. */
void fl_parser_mark_copy(fl_parser_mark *to, const fl_parser_mark *from);

/* Saves where the parser, which hashes contents, stands, between two feeds; and has it
 * stand there again. False when memory is short, with the parser as it was. */
bool fl_parser_leave(const flowan_parser *parser, fl_parser_mark *mark);
bool fl_parser_return(flowan_parser *parser, const fl_parser_mark *mark);

#endif
