/* Tests of columns: whole arrays at once where many rows are asked for, single rows where
 * few are. */
#include <string.h>

#include "match.h"

/* --- single rows --- */

static bool number_holds(const fl_test *test, uint64_t number)
{
    if (test->kind == FL_TEST_MASK)
        return ((number & test->mask) == test->mask) != test->mask_outside;
    return fl_numbers_has(&test->numbers, number);
}

static bool address_holds(const fl_test *test, const flowan_address *address)
{
    return test->kind == FL_TEST_IN &&
           fl_addresses_has(&test->addresses, fl_wide_of(address));
}

static bool text_holds(const fl_test *test, const char *text, size_t size)
{
    return test->kind == FL_TEST_IN &&
           (fl_hash_find(&test->texts, text, size) >= 0) != test->texts_outside;
}

/* Of a row where the column is present. */
static bool value_holds(const fl_test *test, const flowan_column *column, size_t row)
{
    switch (column->type) {
    case FLOWAN_TYPE_U32:
    case FLOWAN_TYPE_ENUM:
    case FLOWAN_TYPE_PREFIX: return number_holds(test, column->u32[row]);
    case FLOWAN_TYPE_U64:
    case FLOWAN_TYPE_TIME:
    case FLOWAN_TYPE_MAC:
    case FLOWAN_TYPE_BOOL: return number_holds(test, column->u64[row]);
    case FLOWAN_TYPE_ADDRESS: return address_holds(test, &column->address[row]);
    case FLOWAN_TYPE_TEXT:
    case FLOWAN_TYPE_JSON:
        return text_holds(test, column->text + column->offset[row],
                          column->offset[row + 1] - column->offset[row]);
    case FLOWAN_TYPE_LIST_U64:
        for (uint32_t i = column->offset[row]; i < column->offset[row + 1]; i++)
            if (number_holds(test, column->u64[i]))
                return true;
        return false;
    case FLOWAN_TYPE_LIST_ADDRESS:
        for (uint32_t i = column->offset[row]; i < column->offset[row + 1]; i++)
            if (address_holds(test, &column->address[i]))
                return true;
        return false;
    }
    return false;
}

/* --- columns --- */

/* The mask of a whole column; false where its type or the test has no way to that. */
static bool match_whole(const flowan_matcher *m, const fl_test *test,
                        const flowan_column *column)
{
    if (test->kind != FL_TEST_IN)
        return false;
    switch (column->type) {
    case FLOWAN_TYPE_U32:
    case FLOWAN_TYPE_ENUM:
    case FLOWAN_TYPE_PREFIX:
        fl_numbers_match_u32(&test->numbers, column->u32, m->rows, m->mask);
        return true;
    case FLOWAN_TYPE_U64:
    case FLOWAN_TYPE_TIME:
    case FLOWAN_TYPE_MAC:
    case FLOWAN_TYPE_BOOL:
        fl_numbers_match(&test->numbers, column->u64, m->rows, m->mask);
        return true;
    case FLOWAN_TYPE_ADDRESS:
        fl_addresses_match(&test->addresses, column->address, m->rows, m->mask);
        return true;
    default: return false;
    }
}

static void find_in_column(const flowan_matcher *m, const fl_test *test,
                           const flowan_column *column, const uint64_t *rows, bool few)
{
    const uint64_t *present = column->present;
    if (test->kind == FL_TEST_EXISTS || (!few && match_whole(m, test, column))) {
        for (size_t i = 0; i < m->words; i++)
            m->found[i] |=
                present[i] & (test->kind == FL_TEST_EXISTS ? UINT64_MAX : m->mask[i]);
        return;
    }
    for (size_t row = fl_match_next(m, rows, 0); row < m->rows;
         row = fl_match_next(m, rows, row + 1))
        if (fl_match_has(present, row) && value_holds(test, column, row))
            fl_match_put(m->found, row);
}

void fl_match_columns(flowan_matcher *m, const fl_test *test, uint64_t *rows)
{
    int64_t name = fl_hash_find(&m->names, test->name, test->name_size);
    if (name < 0) {
        memset(rows, 0, m->words * sizeof *rows);
        return;
    }
    bool few = fl_match_few(m, rows);
    memset(m->found, 0, m->words * sizeof *m->found);
    for (uint32_t i = m->first[name]; i; i = m->next[i - 1])
        find_in_column(m, test, &m->views[i - 1], rows, few);
    fl_match_keep(m, rows, m->found);
}
