/* Two batches, row by row and value by value, through the views that a user has and the
 * shapes and texts that an encoder uses. The first difference is printed to stderr and the
 * program aborts: for fuzzers, the oracle and unit tests alike. */
#ifndef FL_COMPARE_H
#define FL_COMPARE_H

#include "flowan/batch.h"

/* A batch and the views of its columns; to be zeroed but for `label`, which stands for it
 * in messages. */
typedef struct compare_view {
    const char *label;
    const flowan_batch *batch;
    flowan_column *columns;
    size_t count;
    size_t room;
} compare_view;

/* Looks at all that a batch says of itself: counts, presence, zeros where a value is
 * absent, shapes. `in_order`: columns stand in order of first appearance, and each is in
 * some record, as in a batch from the parser. The view is valid as long as the batch's. */
void compare_load(compare_view *v, const flowan_batch *batch, bool in_order);
void compare_unload(compare_view *v);

/* The same shape, values, and kept text. */
void compare_rows(const compare_view *a, size_t row_a, const compare_view *b,
                  size_t row_b);

/* The rows of `got` are rows [first, first + count) of `want`, their rendered texts too.
 * Columns may be in another order, and offsets in the source are not asked for. */
void compare_batches(const flowan_batch *want, size_t first, size_t count,
                     const flowan_batch *got);

/* --- failing --- */

void compare_fail(const char *label, const char *format, ...)
    __attribute__((format(printf, 2, 3), noreturn));
void compare_say(const char *what, const char *data, size_t size);
/* Returns `memory`, which must not be NULL. */
void *compare_need(void *memory);

#define COMPARE_EXPECT(condition, label, ...)                                          \
    do {                                                                               \
        if (!(condition))                                                              \
            compare_fail(label, __VA_ARGS__);                                          \
    } while (0)

#endif
