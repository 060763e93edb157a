/* Losses by sequence numbers: what is missing is counted, what only looks so is not. */
#include "flowan/losses.h"

#include <stdio.h>
#include <stdlib.h>

#include "memory.h"
#include "records.h"
#include "unit.h"

static flowan_losses *losses;
static fl_buffer text;
static uint64_t now_ns;

static void set_up(void)
{
    ck_assert_int_eq(flowan_losses_new(&losses, 0, NULL), FLOWAN_OK);
    text = (fl_buffer){0};
    now_ns = UINT64_C(1742000000000000000);
}

static void tear_down(void)
{
    flowan_losses_free(losses);
    fl_buffer_free(&text);
}

/* A datagram of so many records; 0: it was lost. */
static void put(const char *type, uint32_t number, unsigned records, const char *more)
{
    now_ns += 1000000;
    for (unsigned i = 0; i < records; i++)
        fl_buffer_format(
            &text,
            "{\"type\":\"%s\",\"time_received_ns\":%llu,\"sequence_num\":%u,"
            "\"sampler_address\":\"192.0.2.1\"%s}\n",
            type, (unsigned long long)now_ns, number, more);
}

static void add(void)
{
    flowan_batch *batch = records_of(text.data, text.size);
    ck_assert_int_eq(flowan_losses_add(losses, batch, NULL), FLOWAN_OK);
    flowan_batch_free(batch);
    fl_buffer_clear(&text);
}

static flowan_exporter get(size_t index)
{
    flowan_exporter exporter;
    ck_assert(flowan_losses_get(losses, index, &exporter));
    return exporter;
}

static void assert_lost(uint64_t counted, uint64_t lost)
{
    add();
    flowan_exporter exporter = get(0);
    ck_assert_uint_eq(exporter.counted, counted);
    ck_assert_uint_eq(exporter.lost, lost);
    ck_assert(!flowan_losses_get(losses, 1, &exporter));
}

static const char *const types[] = {"IPFIX", "NETFLOW_V5", "NETFLOW_V9", "SFLOW_5"};

/* `count` datagrams of 1 to 7 records from a number on, but for those that `lost` has; the
 * number behind them. Adds what came and what did not, in the type's unit. */
static uint32_t run(int type, uint32_t number, unsigned count,
                    bool (*lost)(unsigned datagram), uint64_t *came, uint64_t *missing)
{
    for (unsigned i = 0; i < count; i++) {
        unsigned records = 1 + i * 5 % 7;
        unsigned units = type < 2 ? records : 1;
        bool is_lost = lost && lost(i);
        put(types[type], number, is_lost ? 0 : records, "");
        *(is_lost ? missing : came) += units;
        number += units;
    }
    return number;
}

static bool every_tenth(unsigned i)
{
    return i % 10 == 3;
}

static bool a_burst(unsigned i)
{
    return i >= 50 && i < 95;
}

START_TEST(what_is_missing_is_counted)
{
    uint64_t came = 0, missing = 0;
    uint32_t next = run(_i, 1000, 200, NULL, &came, &missing);
    assert_lost(came, 0);
    next = run(_i, next, 200, every_tenth, &came, &missing);
    assert_lost(came, missing);
    next = run(_i, next, 200, a_burst, &came, &missing);
    assert_lost(came, missing);
    ck_assert_uint_gt(missing, 60);
    flowan_exporter exporter = get(0);
    ck_assert_str_eq(exporter.type, types[_i]);
    ck_assert_uint_eq(exporter.datagrams, _i >= 2);
    ck_assert(exporter.has_address && !exporter.has_domain);
    ck_assert_uint_eq(exporter.address.octet[15], 1);
    ck_assert_uint_ge(exporter.rows, exporter.counted);
}
END_TEST

START_TEST(numbers_wrap)
{
    uint64_t came = 0, missing = 0;
    run(_i, UINT32_MAX - 150, 300, every_tenth, &came, &missing);
    assert_lost(came, missing);
}
END_TEST

/* Datagrams that overtake each other, and records of two that are mixed: as in order. */
START_TEST(order_does_not_matter)
{
    uint64_t came = 0, missing = 0;
    run(_i, 77, 400, every_tenth, &came, &missing);
    enum { LINES = 2000 };
    char *lines[LINES];
    size_t count = 0;
    fl_buffer_byte(&text, 0);
    for (char *line = strtok(text.data, "\n"); line; line = strtok(NULL, "\n"))
        lines[count++] = line;
    ck_assert_uint_lt(count, LINES);
    unsigned random = 5;
    /* first and last stay: what is before and behind all is not known */
    for (size_t i = 20; i + 60 < count; i++) {
        random = random * 1103515245 + 12345;
        size_t other = i + (random >> 16) % 40;
        char *line = lines[i];
        lines[i] = lines[other];
        lines[other] = line;
    }
    fl_buffer mixed = {0};
    for (size_t i = 0; i < count; i++)
        fl_buffer_format(&mixed, "%s\n", lines[i]);
    fl_buffer_free(&text);
    text = mixed;
    assert_lost(came, missing);
}
END_TEST

START_TEST(a_restart_is_no_loss)
{
    uint64_t came = 0, missing = 0;
    run(_i, 3000000000u, 100, NULL, &came, &missing);
    run(_i, 0, 100, every_tenth, &came, &missing); /* far back */
    assert_lost(came, missing);
    now_ns += 60 * UINT64_C(1000000000); /* a little back, but a minute later */
    run(_i, 0, 100, every_tenth, &came, &missing);
    assert_lost(came, missing);
    /* ahead, by more than anybody loses */
    run(_i, 2000000000u, 100, every_tenth, &came, &missing);
    assert_lost(came, missing);
}
END_TEST

/* The collector was away for a while. */
START_TEST(an_outage_is_a_loss)
{
    uint64_t came = 0, missing = 0;
    uint32_t next = run(_i, 5, 100, NULL, &came, &missing);
    now_ns += 3600 * UINT64_C(1000000000);
    run(_i, next + 20000000, 100, NULL, &came, &missing);
    assert_lost(came, 20000000);
}
END_TEST

/* Line cards count for themselves, also where their records do not name them. */
START_TEST(sequences_beside_each_other)
{
    for (unsigned i = 0; i < 300; i++)
        for (uint32_t card = 0; card < 12; card++)
            if (i != 100 || card != 5)
                put(types[_i], card * 300000007u + i * (_i < 2 ? 2 : 1), 2, "");
    assert_lost((300 * 12 - 1) * (_i < 2 ? 2 : 1), _i < 2 ? 2 : 1);
    /* those that are named are exporters of their own */
    for (unsigned i = 0; i < 10; i++) {
        put(types[_i], 100 + i, 1, ",\"observation_domain_id\":1");
        put(types[_i], 200 + i * 2, 1, ",\"observation_domain_id\":2");
    }
    add();
    ck_assert_uint_eq(get(1).domain, 1);
    ck_assert(get(1).has_domain);
    ck_assert_uint_eq(get(1).lost, 0);
    ck_assert_uint_eq(get(2).domain, 2);
    ck_assert_uint_eq(get(2).lost, 9);
}
END_TEST

/* However often it begins anew, memory and figures stay bounded. */
START_TEST(many_restarts)
{
    unsigned random = 1;
    for (unsigned i = 0; i < 3000; i++) {
        random = random * 1103515245 + 12345;
        put(types[_i], random, 1, "");
    }
    add();
    ck_assert_uint_eq(get(0).counted, 3000);
}
END_TEST

/* One that never counts loses nothing. */
START_TEST(a_number_that_stays)
{
    for (unsigned i = 0; i < 50; i++)
        put(types[_i], 7, 3, "");
    assert_lost(_i < 2 ? 150 : 1, 0);
}
END_TEST

START_TEST(without_numbers)
{
    fl_buffer_text(&text, "{\"type\":\"IPFIX\",\"sampler_address\":\"192.0.2.1\"}\n"
                          "{\"sequence_num\":5}\n{\"sequence_num\":9}\n"
                          "{\"type\":\"FLOWUNKNOWN\",\"sequence_num\":5}\n{}\n");
    add();
    ck_assert_uint_eq(get(0).rows, 1);
    ck_assert_uint_eq(get(0).counted, 0);
    ck_assert_uint_eq(get(1).rows, 3);
    ck_assert_ptr_null(get(1).type);
    ck_assert(!get(1).has_address);
    ck_assert_uint_eq(get(1).counted, 0);
    ck_assert_uint_eq(get(2).rows, 1);
    ck_assert_uint_eq(get(2).lost, 0);
    flowan_exporter exporter;
    ck_assert(!flowan_losses_get(losses, 3, &exporter));
    ck_assert_uint_eq(flowan_losses_left_out(losses), 0);
}
END_TEST

START_TEST(no_more_exporters_than_the_limit)
{
    flowan_losses_free(losses);
    ck_assert_int_eq(flowan_losses_new(&losses, 3, NULL), FLOWAN_OK);
    for (unsigned round = 0; round < 2; round++)
        for (unsigned i = 0; i < 5; i++)
            fl_buffer_format(&text, "{\"sampler_address\":\"192.0.2.%u\"}\n", i);
    add();
    ck_assert_uint_eq(get(2).rows, 2);
    flowan_exporter exporter;
    ck_assert(!flowan_losses_get(losses, 3, &exporter));
    ck_assert_uint_eq(flowan_losses_left_out(losses), 4);
    size_t count;
    ck_assert_str_eq(flowan_losses_columns(&count)[0], "sampler_address");
    ck_assert_uint_eq(count, 5);
}
END_TEST

static Suite *losses_suite(void)
{
    Suite *suite = suite_create("losses");
    TCase *tests = tcase_create("losses");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, what_is_missing_is_counted, 0, 4);
    tcase_add_loop_test(tests, numbers_wrap, 0, 4);
    tcase_add_loop_test(tests, order_does_not_matter, 0, 4);
    tcase_add_loop_test(tests, a_restart_is_no_loss, 0, 4);
    tcase_add_loop_test(tests, an_outage_is_a_loss, 0, 4);
    tcase_add_loop_test(tests, sequences_beside_each_other, 0, 4);
    tcase_add_loop_test(tests, many_restarts, 0, 4);
    tcase_add_loop_test(tests, a_number_that_stays, 0, 4);
    tcase_add_test(tests, without_numbers);
    tcase_add_test(tests, no_more_exporters_than_the_limit);
    suite_add_tcase(suite, tests);
    return suite;
}

FL_UNIT_MAIN(losses_suite)
