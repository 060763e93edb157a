/* Never lose, never double, whatever call of the system fails: each in turn, in each way,
 * in all that changes an archive. */
#include "scenarios.h"
#include "unit.h"

static const char *const fault_names[FAULTS] = {"none",  "once",       "on",  "dead",
                                                "short", "short once", "read"};

/* One run in which the n-th call fails; whether it did. */
static bool run_against(const scenario *s, disk_fault fault, size_t n, int number)
{
    flowan_error error = {0};
    running_is(s, "fault \"%s\" at call %zu", fault_names[fault], n);
    disk.written = 0;
    if (s->prepare)
        s->prepare();
    size_t before = disk.written;
    disk_records();
    disk_note(DISK_ACKNOWLEDGED, "")->acknowledged = before;
    disk_breaks(fault, n, number);
    flowan_status status = s->run(&error);
    bool failed = disk.failed;
    disk_mends();
    running_is(s, "fault \"%s\" at call %zu, %s", fault_names[fault], n,
               disk.failed_call);
    if (fault == FAULT_SHORT_ONCE)
        ck_assert_msg(status == FLOWAN_OK, "%s: call %zu: %s", s->name, n,
                      error.message);
    /* a failure may be made up for; it is never made up */
    ck_assert(failed || status == FLOWAN_OK);
    if (status != FLOWAN_OK)
        assert_sentence(&error, status);
    /* What was written and returned for can be read, also what is not on disk; but of that
     * nothing is known after a sync has failed. */
    size_t written = disk.written > before ? disk.written : before;
    if (failed && disk.failed_kind == DISK_SYNC)
        written = disk_acknowledged(disk.journal.op_count);
    assert_recovers(s, written);
    assert_completes(s);
    assert_completes(s);
    remove_tree(home);
    return failed;
}

START_TEST(each_call_fails)
{
    static const int numbers[] = {EIO, ENOSPC, EDQUOT};
    const scenario *s = &scenarios[_i];
    size_t runs = 0;
    for (disk_fault fault = FAULT_ONCE; fault < FAULTS; fault++) {
        size_t n = 0;
        /* short writes do not fail where the n-th call is another */
        disk_breaks(FAULT_NONE, 0, 0);
        bool failed = true;
        bool is_short = fault == FAULT_SHORT || fault == FAULT_SHORT_ONCE;
        size_t all = is_short ? runs : SIZE_MAX;
        for (; is_short ? n < all : failed; n++)
            failed = run_against(s, fault, n, numbers[n % 3]);
        ck_assert_uint_ge(n,
                          fault == FAULT_READ ? 1 : 20); /* new archives are not read */
        runs = n;
    }
    running_is_well(s);
}
END_TEST

static Suite *suite_of(void)
{
    Suite *suite = suite_create("faults");
    TCase *faults = tcase_create("faults");
    tcase_add_unchecked_fixture(faults, runs_begin, runs_end);
    tcase_add_checked_fixture(faults, scenario_begins, scenario_ends);
    tcase_add_loop_test(faults, each_call_fails, 0, SCENARIOS);
    tcase_set_timeout(faults, 120);
    suite_add_tcase(suite, faults);
    return suite;
}

FL_UNIT_MAIN(suite_of)
