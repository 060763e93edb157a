/* The power fails, at any point of all that changes an archive, and of what the writes and
 * names that no sync had ordered, some are on disk and some are not. Afterwards the archive
 * opens, has all that was promised, and comes to the same end.
 *
 *     FLOWAN_TEST_SEED=1234 test-powercut      runs one state of each scenario and tells its journal
 */
#include "scenarios.h"
#include "unit.h"

enum { STATES = 240, CUTS = 8 /* of one run */ };

static uint64_t seed_of(size_t n)
{
    return UINT64_C(20250315) * 1000000 + n;
}

/* The archive of a state lies where the state was made. */
static void move_home(const char *directory)
{
    snprintf(home, sizeof home, "%s/archive", directory);
    snprintf(disk.root, sizeof disk.root, "%s", directory);
}

/* Cuts the power at some point of the journal, and goes on from what that left; at times
 * the power fails again while it does. */
static void cut_and_go_on(const scenario *s, uint64_t seed, int depth)
{
    disk_random random = {seed};
    char directory[64];
    make_directory(directory);
    size_t at = disk_below_limit(&random, (uint32_t)disk.journal.op_count + 1);
    if (disk_below_limit(&random, 4) == 0)
        at = disk.journal.op_count; /* much is done, and promised, there */
    if (getenv("FLOWAN_TEST_SEED"))
        disk_tell(at);
    disk_cut(at, seed, directory);
    size_t acknowledged = disk_acknowledged(at);
    disk_journal kept = disk_put_by();
    move_home(directory);
    if (depth > 0 && disk_below_limit(&random, 4) == 0) {
        disk_records();
        disk.written = acknowledged;
        disk_acknowledge();
        assert_recovers(s, acknowledged);
        assert_completes(s);
        cut_and_go_on(s, seed + 1, depth - 1);
    } else {
        assert_recovers(s, acknowledged);
        assert_completes(s);
    }
    remove_tree(directory);
    disk_take_back(&kept);
}

static uint32_t calls_of_run; /* that nothing disturbs */

/* Most runs come to their end at once; before some a call failed, or the process was
 * killed. */
static void run_recorded(const scenario *s, disk_random *random)
{
    static const disk_fault faults[] = {FAULT_DEAD, FAULT_DEAD, FAULT_ONCE, FAULT_ON};
    flowan_error error;
    disk.written = 0;
    if (s->prepare)
        s->prepare();
    disk_records();
    disk_acknowledge();
    for (size_t i = random ? disk_below_limit(random, 3) : 0; i > 0; i--) {
        disk_breaks(faults[disk_below_limit(random, 4)],
                    disk_below_limit(random, calls_of_run), EIO);
        s->run(&error);
        disk_mends();
        /* of what did not get to the disk nothing is known now */
        disk.written = disk_acknowledged(disk.journal.op_count);
    }
    disk_breaks(FAULT_NONE, 0, 0);
    if (s->run(&error) != FLOWAN_OK)
        ck_abort_msg("%s", error.message);
}

START_TEST(a_power_cut)
{
    const scenario *s = &scenarios[_i];
    char own[64];
    snprintf(own, sizeof own, "%s", top);
    const char *only = getenv("FLOWAN_TEST_SEED");
    size_t first = only ? strtoul(only, NULL, 10) : 0;
    size_t end = only ? first + 1 : STATES;
    run_recorded(s, NULL);
    calls_of_run = (uint32_t)disk.calls;
    for (size_t n = first; n < end; n++) {
        running_is(s, "FLOWAN_TEST_SEED=%zu", n);
        if (n == first || n % CUTS == 0) {
            disk_random random = {~seed_of(n / CUTS)};
            move_home(own);
            remove_tree(home);
            run_recorded(s, &random);
        }
        cut_and_go_on(s, seed_of(n), 2);
    }
    running_is_well(s);
}
END_TEST

static Suite *suite_of(void)
{
    Suite *suite = suite_create("powercut");
    TCase *cuts = tcase_create("cuts");
    tcase_add_unchecked_fixture(cuts, runs_begin, runs_end);
    tcase_add_checked_fixture(cuts, scenario_begins, scenario_ends);
    tcase_add_loop_test(cuts, a_power_cut, 0, SCENARIOS);
    tcase_set_timeout(cuts, 120);
    suite_add_tcase(suite, cuts);
    return suite;
}

FL_UNIT_MAIN(suite_of)
