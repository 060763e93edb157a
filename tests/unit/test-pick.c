/* Which rows of a block are picked, and how it was found out: by bounds where they settle
 * it, by dictionaries where these do, and else by the rows. */
#include "pick.h"

#include "asked.h"
#include "unit.h"

static flowan_batch *batch;
static flowan_batch *answered;
static fl_buffer file;
static flowan_reader *reader;
static fl_workspace space;

static void begin(void)
{
    batch = asked_batch();
    answered = empty_batch();
    file = asked_file(batch, ASKED_ROWS, FLOWAN_LEVEL_DEFAULT);
    reader = asked_open(&file);
    space = (fl_workspace){0};
}

static void end(void)
{
    fl_workspace_free(&space);
    flowan_reader_free(reader);
    fl_buffer_free(&file);
    flowan_batch_free(batch);
    flowan_batch_free(answered);
}

static fl_answer ask(const fl_question *question, const char *const *columns,
                     size_t count)
{
    fl_answer answer;
    flowan_error error;
    if (fl_reader_ask(reader, &space, 0, question, columns, count, answered, &answer,
                      &error) != FLOWAN_OK)
        ck_abort_msg("%s", error.message);
    return answer;
}

static const char *const bytes_only[] = {"bytes"};

START_TEST(nothing_asked_gives_all)
{
    const fl_question all = {0};
    fl_answer answer = ask(&all, NULL, 0);
    ck_assert_int_eq(answer.how, FL_PICKED_ALL);
    ck_assert(answer.exact);
    ck_assert_uint_eq(flowan_batch_rows(answered), ASKED_ROWS);
    fl_buffer want = {0};
    fl_buffer got = {0};
    put_texts(&want, batch);
    put_texts(&got, answered);
    assert_bytes(&got, want.data, want.size);
    fl_buffer_free(&want);
    fl_buffer_free(&got);
}
END_TEST

static const struct {
    const char *filter;
    size_t rows;
    fl_picked how;
    bool exact;
} cases[] = {
    {"any", ASKED_ROWS, FL_PICKED_BY_ROWS, true},
    {"not any", 0, FL_PICKED_BY_BOUNDS, true},
    {"in if 7", ASKED_ROWS, FL_PICKED_BY_ROWS, true},
    {"in if 8", 0, FL_PICKED_BY_BOUNDS, true},
    {"proto icmp", 0, FL_PICKED_BY_BOUNDS, true},
    {"proto udp", 683, FL_PICKED_BY_ROWS, true},
    {"proto udp and dst port 443", 0, FL_PICKED_BY_BOUNDS, true}, /* of each class */
    {"bytes > 5000", 0, FL_PICKED_BY_BOUNDS, true},
    {"bytes 100-163", 64, FL_PICKED_BY_ROWS, true},
    {"bytes 2147", 1, FL_PICKED_BY_ROWS, true},
    {"bytes in [100 2147]", 2, FL_PICKED_BY_ROWS, true},
    {"not bytes 2147", ASKED_ROWS - 1, FL_PICKED_BY_ROWS, true},
    {"bytes 100 or bytes 101 or bytes 102 and packets 3", 3, FL_PICKED_BY_ROWS, true},
    {"exporter 192.0.2.2", 512, FL_PICKED_BY_ROWS, true},
    {"exporter 192.0.2.9", 0, FL_PICKED_BY_BOUNDS, true},
    {"src ip 10.0.7.255", 1, FL_PICKED_BY_ROWS, true},
    {"src ip 10.0.4.0/24", 256, FL_PICKED_BY_ROWS, true},
    {"src ip 2001:db8::1", 0, FL_PICKED_BY_BOUNDS, true},
    {"field sequence_num 17", 8, FL_PICKED_BY_ROWS, true},
    {"field mine exists", ASKED_ROWS / 4, FL_PICKED_BY_ROWS, true},
    {"field mine < 16", 4, FL_PICKED_BY_ROWS, true},
    {"not field mine exists and bytes < 108", 6, FL_PICKED_BY_ROWS, true},
    {"flags S", 0, FL_PICKED_BY_BOUNDS, true},
    /* what only rows of the batch can tell */
    {"field note = n4", 103, FL_PICKED_BY_ROWS, false},
    {"field note = n4 and bytes < 200", 5, FL_PICKED_BY_ROWS, false},
    {"not field note = n4 and bytes < 200", 95, FL_PICKED_BY_ROWS, false},
    {"field as_path 7", ASKED_ROWS / 4, FL_PICKED_BY_ROWS, false},
    {"bps > 1k and bytes 500", 1, FL_PICKED_BY_ROWS, false},
    {"field note = n4 and in if 8", 0, FL_PICKED_BY_BOUNDS, true},
};
enum { CASES = sizeof cases / sizeof *cases };

/* With columns of the filter or without, in order or not. */
START_TEST(rows_and_how)
{
    const char *text = cases[_i].filter;
    flowan_filter *filter = filter_of(text);
    flowan_matcher *matcher;
    ck_assert_int_eq(flowan_matcher_new(&matcher, filter, NULL, NULL), FLOWAN_OK);
    const flowan_selection *want;
    ck_assert_int_eq(flowan_matcher_apply(matcher, batch, NULL, &want, NULL),
                     FLOWAN_OK);
    ck_assert_msg(want->count == cases[_i].rows, "%s: of the batch %zu", text,
                  want->count);
    uint64_t sum = 0;
    flowan_column column;
    ck_assert(flowan_batch_field(batch, FLOWAN_FIELD_BYTES, &column));
    for (size_t i = 0; i < want->count; i++)
        sum += column.u64[want->rows[i]];
    for (int i = 0; i < 4; i++) {
        fl_question question = {.filter = filter, .any_order = i & 1};
        fl_answer answer = ask(&question, i & 2 ? bytes_only : NULL, i & 2 ? 1 : 0);
        ck_assert_msg(answer.how == cases[_i].how, "%s: by %d", text, answer.how);
        ck_assert_msg(answer.exact == cases[_i].exact, "%s: exact %d", text,
                      answer.exact);
        const flowan_selection *left = NULL;
        if (!answer.exact)
            ck_assert_int_eq(flowan_matcher_apply(matcher, answered, NULL, &left, NULL),
                             FLOWAN_OK);
        size_t rows = left ? left->count : flowan_batch_rows(answered);
        ck_assert_msg(rows == cases[_i].rows, "%s: %zu rows", text, rows);
        if (rows == 0)
            continue;
        ck_assert(flowan_batch_field(answered, FLOWAN_FIELD_BYTES, &column));
        uint64_t got = 0;
        for (size_t k = 0; k < rows; k++) {
            size_t row = left ? left->rows[k] : k;
            size_t before = left && k ? left->rows[k - 1] : k - 1;
            ck_assert(question.any_order || k == 0 ||
                      column.u64[before] < column.u64[row]);
            got += column.u64[row];
        }
        ck_assert_uint_eq(got, sum);
    }
    flowan_matcher_free(matcher);
    flowan_filter_free(filter);
}
END_TEST

/* Ports that are far from each other: between them the list of values tells, not bounds. */
START_TEST(dictionaries_tell)
{
    fl_buffer text = {0};
    for (unsigned i = 0; i < 2000; i++)
        fl_buffer_format(&text, "{\"bytes\":%u,\"dst_port\":%u}\n", i,
                         i * i % 97 * 100);
    flowan_batch *ports = batch_of(text.data, text.size);
    fl_buffer stored = asked_file(ports, 2000, FLOWAN_LEVEL_SMALL);
    flowan_reader *of_ports = asked_open(&stored);
    static const struct {
        const char *filter;
        fl_picked how;
    } asked[] = {{"dst port 150", FL_PICKED_BY_DICTIONARY},
                 {"dst port 99", FL_PICKED_BY_DICTIONARY},
                 {"dst port in [150 250] and bytes > 100", FL_PICKED_BY_DICTIONARY},
                 {"dst port 60000", FL_PICKED_BY_BOUNDS},
                 {"dst port 100", FL_PICKED_BY_ROWS}};
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
        flowan_filter *filter = filter_of(asked[i].filter);
        fl_question question = {.filter = filter};
        fl_answer answer;
        ck_assert_int_eq(fl_reader_ask(of_ports, &space, 0, &question, NULL, 0,
                                       answered, &answer, NULL),
                         FLOWAN_OK);
        ck_assert_msg(answer.how == asked[i].how, "%s: by %d", asked[i].filter,
                      answer.how);
        ck_assert_int_eq(flowan_batch_rows(answered) > 0,
                         asked[i].how == FL_PICKED_BY_ROWS);
        flowan_filter_free(filter);
    }
    flowan_reader_free(of_ports);
    fl_buffer_free(&stored);
    flowan_batch_free(ports);
    fl_buffer_free(&text);
}
END_TEST

/* Flows are [t - 2 s, t - 1 s), t growing by a ms every eight rows. */
START_TEST(windows_cut)
{
    const uint64_t t = UINT64_C(1742058651000000000) - UINT64_C(2000000000);
    const uint64_t ms = 1000000;
    const struct {
        uint64_t from, to;
        bool inside;
        size_t rows;
        fl_picked how;
    } windows[] = {
        {0, UINT64_MAX, false, ASKED_ROWS, FL_PICKED_ALL},
        {t, t + 1255 * ms + 1, false, ASKED_ROWS, FL_PICKED_ALL},
        {t, t + 1255 * ms + 1, true, ASKED_ROWS, FL_PICKED_ALL},
        {0, t + 1, false, 8, FL_PICKED_BY_ROWS},
        {0, t, false, 0, FL_PICKED_BY_ROWS},
        {t + 1255 * ms - 1, UINT64_MAX, false, 8, FL_PICKED_BY_ROWS},
        {t + 10 * ms, t + 1019 * ms, true, 80, FL_PICKED_BY_ROWS},
        {t + 10 * ms, t + 1019 * ms - 1, true, 72, FL_PICKED_BY_ROWS},
    };
    flowan_filter *filter = filter_of("bytes < 116");
    for (size_t i = 0; i < 2 * sizeof windows / sizeof *windows; i++) {
        fl_question question = {.has_window = true,
                                .from_ns = windows[i / 2].from,
                                .to_ns = windows[i / 2].to,
                                .inside = windows[i / 2].inside,
                                .any_order = i % 2};
        fl_answer answer = ask(&question, bytes_only, 1);
        ck_assert(answer.exact);
        ck_assert_msg(flowan_batch_rows(answered) == windows[i / 2].rows,
                      "window %zu: %zu rows", i / 2, flowan_batch_rows(answered));
        ck_assert_int_eq(answer.how, windows[i / 2].how);
        /* and of these only some */
        question.filter = filter;
        ask(&question, bytes_only, 1);
        ck_assert_uint_le(flowan_batch_rows(answered), 16);
    }
    flowan_filter_free(filter);
}
END_TEST

START_TEST(less_is_read_where_less_is_asked)
{
    const char *const filters[] = {"in if 8", "bytes 2147", "any"};
    uint64_t bytes[3];
    for (size_t i = 0; i < 3; i++) {
        flowan_filter *filter = filter_of(filters[i]);
        fl_question question = {.filter = filter};
        bytes[i] = ask(&question, NULL, 0).bytes_read;
        flowan_filter_free(filter);
    }
    ck_assert_uint_lt(bytes[0], bytes[2]);
    ck_assert_uint_le(bytes[1], bytes[2]);
    ck_assert_uint_lt(bytes[2], 4 * file.size);
}
END_TEST

START_TEST(no_such_block)
{
    const fl_question all = {0};
    fl_answer answer;
    flowan_error error;
    ck_assert_int_eq(
        fl_reader_ask(reader, &space, 1, &all, NULL, 0, answered, &answer, &error),
        FLOWAN_ERROR_ARGUMENT);
    assert_sentence(&error, FLOWAN_ERROR_ARGUMENT);
}
END_TEST

static Suite *suite_of(void)
{
    Suite *suite = suite_create("pick");
    TCase *tests = tcase_create("pick");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, nothing_asked_gives_all);
    tcase_add_loop_test(tests, rows_and_how, 0, CASES);
    tcase_add_test(tests, dictionaries_tell);
    tcase_add_test(tests, windows_cut);
    tcase_add_test(tests, less_is_read_where_less_is_asked);
    tcase_add_test(tests, no_such_block);
    suite_add_tcase(suite, tests);
    return suite;
}

FL_UNIT_MAIN(suite_of)
