/* Threads at tasks: each is done once, the oldest first, and nothing is left behind by a
 * crew that goes. */
#include "crew.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#include "unit.h"

/* The system gives so many threads and no more. */
static size_t threads_left = SIZE_MAX;

int __real_pthread_create(pthread_t *out, const pthread_attr_t *attributes,
                          void *(*run)(void *), void *context);
int __wrap_pthread_create(pthread_t *out, const pthread_attr_t *attributes,
                          void *(*run)(void *), void *context);

int __wrap_pthread_create(pthread_t *out, const pthread_attr_t *attributes,
                          void *(*run)(void *), void *context)
{
    if (threads_left == 0)
        return EAGAIN;
    threads_left--;
    return __real_pthread_create(out, attributes, run, context);
}

static fl_crew *crew_of(size_t helpers)
{
    fl_crew *crew = fl_crew_new(helpers);
    ck_assert_ptr_nonnull(crew);
    ck_assert_uint_eq(fl_crew_helpers(crew), helpers);
    return crew;
}

static void count(void *context)
{
    (*(int *)context)++;
}

START_TEST(each_task_is_done_once)
{
    enum { COUNT = 2000 };
    static const size_t helpers[] = {0, 1, 2, 7};
    fl_crew *crew = crew_of(helpers[_i]);
    static fl_task tasks[COUNT];
    static int done[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        tasks[i] = (fl_task){.run = count, .context = &done[i]};
        fl_crew_submit(crew, &tasks[i]);
        /* now and then the owner waits for one, as often as not a new one */
        if (i % 7 == 0)
            fl_crew_wait(crew, &tasks[i / 2 + i % 2 * (i / 2)]);
    }
    for (size_t i = 0; i < COUNT; i++) {
        fl_crew_wait(crew, &tasks[i]);
        ck_assert(fl_crew_is_done(crew, &tasks[i]));
        ck_assert_int_eq(done[i], 1);
    }
    /* and again with the same memory */
    for (size_t i = 0; i < COUNT; i++)
        fl_crew_submit(crew, &tasks[i]);
    for (size_t i = COUNT; i-- > 0;)
        fl_crew_wait(crew, &tasks[i]);
    for (size_t i = 0; i < COUNT; i++)
        ck_assert_int_eq(done[i], 2);
    fl_crew_free(crew);
}
END_TEST

START_TEST(without_helpers_a_wait_does_the_work)
{
    fl_crew *crew = crew_of(0);
    int done[5] = {0};
    fl_task tasks[5];
    for (size_t i = 0; i < 5; i++) {
        tasks[i] = (fl_task){.run = count, .context = &done[i]};
        fl_crew_submit(crew, &tasks[i]);
    }
    ck_assert(!fl_crew_is_done(crew, &tasks[0]));
    fl_crew_wait(crew, &tasks[2]);
    for (size_t i = 0; i < 5; i++)
        ck_assert_int_eq(done[i], i <= 2);
    fl_crew_free(crew); /* what nobody began is dropped */
    ck_assert_int_eq(done[3] + done[4], 0);
}
END_TEST

/* Two that wait for each other end only when two threads have them. */
typedef struct pair {
    atomic_bool *mine;
    atomic_bool *other;
    pthread_t thread;
    bool blocks_signals;
} pair;

static void meet(void *context)
{
    pair *p = context;
    p->thread = pthread_self();
    sigset_t blocked;
    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    p->blocks_signals = sigismember(&blocked, SIGINT) && sigismember(&blocked, SIGTERM);
    atomic_store(p->mine, true);
    while (!atomic_load(p->other))
        usleep(100);
}

START_TEST(the_owner_works_while_it_waits)
{
    fl_crew *crew = crew_of(1);
    atomic_bool here = false, there = false;
    pair pairs[2] = {{&here, &there, 0, false}, {&there, &here, 0, false}};
    fl_task tasks[2];
    for (size_t i = 0; i < 2; i++) {
        tasks[i] = (fl_task){.run = meet, .context = &pairs[i]};
        fl_crew_submit(crew, &tasks[i]);
    }
    fl_crew_wait(crew, &tasks[0]);
    fl_crew_wait(crew, &tasks[1]);
    ck_assert(!pthread_equal(pairs[0].thread, pairs[1].thread));
    for (size_t i = 0; i < 2; i++) {
        bool owner = pthread_equal(pairs[i].thread, pthread_self());
        ck_assert(pairs[i].blocks_signals == !owner);
    }
    fl_crew_free(crew);
    sigset_t blocked;
    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    ck_assert(!sigismember(&blocked, SIGINT));
}
END_TEST

START_TEST(a_helper_needs_no_wait)
{
    fl_crew *crew = crew_of(2);
    int done = 0;
    fl_task task = {.run = count, .context = &done};
    fl_crew_submit(crew, &task);
    for (int i = 0; i < 10000 && !fl_crew_is_done(crew, &task); i++)
        usleep(1000);
    ck_assert(fl_crew_is_done(crew, &task));
    ck_assert_int_eq(done, 1);
    fl_crew_free(crew);
}
END_TEST

/* A crew that goes finishes what was begun. */
static void dawdle(void *context)
{
    pair *p = context;
    atomic_store(p->mine, true);
    usleep(20000);
    atomic_store(p->other, true);
}

START_TEST(a_crew_goes_at_any_time)
{
    fl_crew_free(NULL);
    for (size_t helpers = 0; helpers < 4; helpers++)
        fl_crew_free(crew_of(helpers));
    fl_crew *crew = crew_of(1);
    atomic_bool begun = false, ended = false;
    pair p = {&begun, &ended, 0, false};
    int done = 0;
    fl_task first = {.run = dawdle, .context = &p};
    fl_task second = {.run = count, .context = &done};
    fl_crew_submit(crew, &first);
    while (!atomic_load(&begun))
        usleep(100);
    fl_crew_submit(crew, &second);
    fl_crew_free(crew);
    ck_assert(ended);
    ck_assert_int_eq(done, 0);
}
END_TEST

START_TEST(fewer_threads_will_do)
{
    for (size_t given = 0; given < 4; given++) {
        threads_left = given;
        fl_crew *crew = fl_crew_new(4);
        threads_left = SIZE_MAX;
        ck_assert_ptr_nonnull(crew);
        ck_assert_uint_eq(fl_crew_helpers(crew), given);
        int done[9] = {0};
        fl_task tasks[9];
        for (size_t i = 0; i < 9; i++) {
            tasks[i] = (fl_task){.run = count, .context = &done[i]};
            fl_crew_submit(crew, &tasks[i]);
        }
        for (size_t i = 0; i < 9; i++) {
            fl_crew_wait(crew, &tasks[i]);
            ck_assert_int_eq(done[i], 1);
        }
        fl_crew_free(crew);
    }
    /* none is asked for where none is wanted */
    threads_left = 1;
    fl_crew_free(crew_of(0));
    ck_assert_uint_eq(threads_left, 1);
}
END_TEST

static Suite *suite_of(void)
{
    Suite *suite = suite_create("crew");
    TCase *tests = tcase_create("crew");
    tcase_add_loop_test(tests, each_task_is_done_once, 0, 4);
    tcase_add_test(tests, without_helpers_a_wait_does_the_work);
    tcase_add_test(tests, the_owner_works_while_it_waits);
    tcase_add_test(tests, a_helper_needs_no_wait);
    tcase_add_test(tests, a_crew_goes_at_any_time);
    tcase_add_test(tests, fewer_threads_will_do);
    tcase_set_timeout(tests, 60);
    suite_add_tcase(suite, tests);
    return suite;
}

FL_UNIT_MAIN(suite_of)
