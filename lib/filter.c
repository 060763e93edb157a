/* A finished filter: what must be read to run it, and its end. */
#include "filter.h"

#include <string.h>

enum { SOURCES_MAX = 4 };

void fl_test_free(fl_test *test)
{
    fl_memory_free((char *)test->name);
    fl_numbers_free(&test->numbers);
    fl_addresses_free(&test->addresses);
    fl_hash_free(&test->texts);
    *test = (fl_test){0};
}

bool fl_test_settle(fl_test *test)
{
    return fl_numbers_settle(&test->numbers) && fl_addresses_settle(&test->addresses);
}

bool fl_filter_need_networks(flowan_filter *filter)
{
    if (!filter->networks && flowan_networks_new(&filter->own_networks, NULL) < 0)
        return false;
    if (!filter->networks)
        filter->networks = filter->own_networks;
    return true;
}

/* --- columns --- */

/* The fields that what is derived is made of. */
typedef struct sources {
    size_t count;
    flowan_field field[SOURCES_MAX];
} sources;

#define SIDES                                                                          \
    {                                                                                  \
        4,                                                                             \
        {                                                                              \
            FLOWAN_FIELD_SRC_ADDR, FLOWAN_FIELD_DST_ADDR,                              \
                FLOWAN_FIELD_POST_NAT_DST_IPV4_ADDRESS,                                \
                FLOWAN_FIELD_POST_NAT_DST_IPV6_ADDRESS                                 \
        }                                                                              \
    }
#define TIMES FLOWAN_FIELD_TIME_FLOW_START_NS, FLOWAN_FIELD_TIME_FLOW_END_NS

static const sources sources_of[] = {
    [FL_SUBJECT_DURATION] = {2, {TIMES}},
    [FL_SUBJECT_BPS] = {3, {TIMES, FLOWAN_FIELD_BYTES}},
    [FL_SUBJECT_PPS] = {3, {TIMES, FLOWAN_FIELD_PACKETS}},
    [FL_SUBJECT_BPP] = {2, {FLOWAN_FIELD_BYTES, FLOWAN_FIELD_PACKETS}},
    [FL_SUBJECT_DIRECTION] = SIDES,
    [FL_SUBJECT_LOCAL_IP] = SIDES,
    [FL_SUBJECT_LOCAL_NET] = SIDES,
    [FL_SUBJECT_REMOTE_IP] = SIDES,
    [FL_SUBJECT_REMOTE_AS] = SIDES,
    [FL_SUBJECT_SRC_AS] = {2, {FLOWAN_FIELD_SRC_ADDR, FLOWAN_FIELD_SRC_AS}},
    [FL_SUBJECT_DST_AS] = {2, {FLOWAN_FIELD_DST_ADDR, FLOWAN_FIELD_DST_AS}}};

/* Adds a key once. `name` stays as long as the filter. */
static bool add_column(flowan_filter *filter, fl_hash *seen, size_t *room,
                       const char *name)
{
    bool added;
    if (fl_hash_put(seen, name, strlen(name), &added) < 0)
        return false;
    if (!added)
        return true;
    if (!fl_memory_grow((void **)&filter->columns, room, filter->column_count + 1,
                        sizeof *filter->columns))
        return false;
    filter->columns[filter->column_count++] = name;
    return true;
}

static bool add_field(flowan_filter *filter, fl_hash *seen, size_t *room,
                      flowan_field field)
{
    return add_column(filter, seen, room, flowan_field_info_of(field)->name);
}

bool fl_filter_find_columns(flowan_filter *filter)
{
    fl_hash seen = {0};
    size_t room = 1;
    bool done = true;
    filter->columns = fl_memory_alloc(room, sizeof *filter->columns);
    if (!filter->columns)
        return false;
    for (size_t i = 0; i < filter->test_count && done; i++) {
        const fl_test *test = &filter->tests[i];
        const sources *from = &sources_of[test->subject];
        if (test->subject == FL_SUBJECT_COLUMN)
            done = add_column(filter, &seen, &room, test->name);
        for (size_t k = 0; k < from->count && done; k++)
            done = add_field(filter, &seen, &room, from->field[k]);
        if (test->subject == FL_SUBJECT_REMOTE_AS && done)
            done = add_field(filter, &seen, &room, FLOWAN_FIELD_SRC_AS) &&
                   add_field(filter, &seen, &room, FLOWAN_FIELD_DST_AS);
    }
    fl_hash_free(&seen);
    return done;
}

/* --- public --- */

void flowan_filter_free(flowan_filter *filter)
{
    if (!filter)
        return;
    for (size_t i = 0; i < filter->test_count; i++)
        fl_test_free(&filter->tests[i]);
    fl_memory_free(filter->tests);
    fl_memory_free(filter->nodes);
    fl_memory_free((void *)filter->columns);
    flowan_networks_free(filter->own_networks);
    fl_memory_free(filter);
}

const char *const *flowan_filter_columns(const flowan_filter *filter, size_t *count)
{
    *count = filter->column_count;
    return filter->columns;
}
