/* Layer 3: what hangs on a rank (doc/format.md, "Tables"): for each number of a list one
 * number that goes with it, and the places where it is another. */
#ifndef FL_TABLES_H
#define FL_TABLES_H

#include "ranks.h"

/* A table: one number a rank, stored as numbers, as ranks, or as steps from the one
 * before, whichever takes least. */
void fl_table_put(fl_integers *integers, fl_buffer *out, const uint64_t *table,
                  size_t count);
bool fl_table_get(fl_integers *integers, fl_cursor *in, uint64_t *table, size_t count);
uint64_t fl_table_cost(const uint64_t *table, size_t count, bool pack_only);

/* For each of `ranks` ranks the number that most of its places have, as far as one vote a
 * place tells (Boyer and Moore's). NULL when memory is short; the caller's. */
uint64_t *fl_table_vote(const uint64_t *numbers, const uint32_t *codes, size_t count,
                        size_t ranks);

/* The places where the table does not have the number. */
size_t fl_table_exceptions(const uint64_t *table, const uint64_t *numbers,
                           const uint32_t *codes, size_t count);
uint64_t fl_table_exceptions_cost(size_t exceptions, size_t count);
void fl_table_put_exceptions(fl_integers *integers, fl_buffer *out,
                             const uint64_t *table, const uint64_t *numbers,
                             const uint32_t *codes, size_t count);
/* Replaces what is there in so many numbers. */
bool fl_table_get_exceptions(fl_integers *integers, fl_cursor *in, uint64_t *numbers,
                             size_t count);

/* Reads exceptions of an array of at most `limit` numbers: only what is there, not where.
 * *numbers is the caller's. */
bool fl_table_get_others(fl_integers *integers, fl_cursor *in, size_t limit,
                         uint64_t **numbers, size_t *count);

#endif
