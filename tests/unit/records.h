/* Batches from JSON text, for tests of what stands above the parser. */
#ifndef FL_RECORDS_H
#define FL_RECORDS_H

#include <check.h>
#include <string.h>

#include "flowan/parser.h"

/* The records of `size` bytes of JSON, to be freed by flowan_batch_free. */
static inline flowan_batch *records_of(const char *json, size_t size)
{
    flowan_parser *parser = NULL;
    flowan_batch *batch = NULL;
    size_t used;
    ck_assert_int_eq(flowan_parser_new(&parser, NULL, NULL), FLOWAN_OK);
    ck_assert_int_eq(flowan_batch_new(&batch, NULL, NULL), FLOWAN_OK);
    ck_assert_int_eq(flowan_parser_feed(parser, json, size, batch, &used, NULL),
                     FLOWAN_OK);
    ck_assert_int_eq(flowan_parser_finish(parser, batch, NULL), FLOWAN_OK);
    ck_assert_uint_eq(flowan_batch_rejects(batch), 0);
    flowan_parser_free(parser);
    return batch;
}

/* Single quotes stand for double ones, which are a burden in C. */
static inline flowan_batch *records(const char *text)
{
    char json[16384];
    size_t size = strlen(text);
    ck_assert_uint_lt(size, sizeof json);
    for (size_t i = 0; i < size; i++)
        json[i] = text[i] == '\'' ? '"' : text[i];
    return records_of(json, size);
}

#endif
