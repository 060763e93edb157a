#include "crew.h"

#include <pthread.h>
#include <signal.h>

#include "memory.h"

struct fl_crew {
    pthread_mutex_t lock; /* of all below but `threads` and `helpers` */
    pthread_cond_t work;  /* a task was given, or the crew stops */
    pthread_cond_t done;  /* a helper has done one */
    fl_task *first;       /* given, and not yet begun */
    fl_task *last;
    bool stops;
    pthread_t *threads;
    size_t helpers;
};

/* Begins the oldest task, with the lock held. */
static fl_task *take(fl_crew *crew)
{
    fl_task *task = crew->first;
    if (task)
        crew->first = task->next;
    return task;
}

static void *help(void *context)
{
    fl_crew *crew = context;
    pthread_mutex_lock(&crew->lock);
    while (!crew->stops) {
        fl_task *task = take(crew);
        if (!task) {
            pthread_cond_wait(&crew->work, &crew->lock);
            continue;
        }
        pthread_mutex_unlock(&crew->lock);
        task->run(task->context);
        pthread_mutex_lock(&crew->lock);
        task->done = true;
        pthread_cond_signal(&crew->done); /* only the owner waits for it */
    }
    pthread_mutex_unlock(&crew->lock);
    return NULL;
}

/* A helper begins with the mask of the thread that makes it: with all signals blocked,
 * they keep coming to the threads of the program that we are in. */
static void start(fl_crew *crew, size_t helpers)
{
    sigset_t all, before;
    sigfillset(&all);
    if (pthread_sigmask(SIG_SETMASK, &all, &before) != 0)
        return;
    while (crew->helpers < helpers &&
           pthread_create(&crew->threads[crew->helpers], NULL, help, crew) == 0)
        crew->helpers++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

fl_crew *fl_crew_new(size_t helpers)
{
    fl_crew *crew = fl_memory_zalloc(1, sizeof *crew);
    pthread_t *threads = fl_memory_alloc(helpers, sizeof *threads);
    if (!crew || !threads) {
        fl_memory_free(crew);
        fl_memory_free(threads);
        return NULL;
    }
    crew->threads = threads;
    pthread_mutex_init(&crew->lock, NULL);
    pthread_cond_init(&crew->work, NULL);
    pthread_cond_init(&crew->done, NULL);
    if (helpers > 0)
        start(crew, helpers);
    return crew;
}

void fl_crew_free(fl_crew *crew)
{
    if (!crew)
        return;
    pthread_mutex_lock(&crew->lock);
    crew->stops = true;
    pthread_cond_broadcast(&crew->work);
    pthread_mutex_unlock(&crew->lock);
    for (size_t i = 0; i < crew->helpers; i++)
        pthread_join(crew->threads[i], NULL);
    pthread_cond_destroy(&crew->done);
    pthread_cond_destroy(&crew->work);
    pthread_mutex_destroy(&crew->lock);
    fl_memory_free(crew->threads);
    fl_memory_free(crew);
}

size_t fl_crew_helpers(const fl_crew *crew)
{
    return crew->helpers;
}

void fl_crew_submit(fl_crew *crew, fl_task *task)
{
    task->next = NULL;
    task->done = false;
    pthread_mutex_lock(&crew->lock);
    if (crew->first)
        crew->last->next = task;
    else
        crew->first = task;
    crew->last = task;
    pthread_cond_signal(&crew->work);
    pthread_mutex_unlock(&crew->lock);
}

bool fl_crew_is_done(fl_crew *crew, const fl_task *task)
{
    pthread_mutex_lock(&crew->lock);
    bool done = task->done;
    pthread_mutex_unlock(&crew->lock);
    return done;
}

void fl_crew_wait(fl_crew *crew, const fl_task *task)
{
    pthread_mutex_lock(&crew->lock);
    while (!task->done) {
        fl_task *mine = take(crew);
        if (!mine) {
            pthread_cond_wait(&crew->done, &crew->lock);
            continue;
        }
        pthread_mutex_unlock(&crew->lock);
        mine->run(mine->context);
        pthread_mutex_lock(&crew->lock);
        mine->done = true;
    }
    pthread_mutex_unlock(&crew->lock);
}
