#include "watch.h"

#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "memory.h"

enum { READS_MAX = 64 };

struct fl_watch {
    int fd; /* -1: the system has none for us */
};

#define NAMES                                                                          \
    (IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF |            \
     IN_MOVE_SELF | IN_ATTRIB)

fl_watch *fl_watch_new(void)
{
    fl_watch *watch = fl_memory_zalloc(1, sizeof *watch);
    if (watch)
        watch->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    return watch;
}

void fl_watch_free(fl_watch *watch)
{
    if (!watch)
        return;
    if (watch->fd >= 0)
        close(watch->fd);
    fl_memory_free(watch);
}

void fl_watch_add(fl_watch *watch, const char *directory)
{
    if (watch->fd >= 0)
        (void)inotify_add_watch(watch->fd, directory, IN_MODIFY | NAMES | IN_ONLYDIR);
}

/* Events as the kernel lays them out, read without a cast of bytes to a struct. */
static unsigned read_news(const char *data, size_t size)
{
    unsigned news = FL_WATCH_NOTHING;
    struct inotify_event event;
    for (size_t at = 0; size - at >= sizeof event; at += sizeof event + event.len) {
        memcpy(&event, data + at, sizeof event);
        if (event.mask & IN_MODIFY)
            news |= FL_WATCH_CONTENTS;
        if (event.mask & (NAMES | IN_Q_OVERFLOW | IN_IGNORED))
            news |= FL_WATCH_NAMES;
        if (event.len > size - at - sizeof event)
            break;
    }
    return news;
}

unsigned fl_watch_wait(fl_watch *watch, int timeout_ms)
{
    struct pollfd wait = {.fd = watch->fd, .events = POLLIN};
    /* a negative descriptor is one that poll passes over: it then only waits */
    if (poll(&wait, 1, timeout_ms) <= 0)
        return FL_WATCH_NOTHING;
    unsigned news = FL_WATCH_NOTHING;
    char events[8192];
    /* who writes faster than we read must not hold us here */
    for (int i = 0; i < READS_MAX; i++) {
        ssize_t got = read(watch->fd, events, sizeof events);
        if (got <= 0)
            break;
        news |= read_news(events, (size_t)got);
    }
    return news;
}
