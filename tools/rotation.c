#include "rotation.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"

#define SECOND UINT64_C(1000000000)

/* A log, as it was when it was first seen under this name. */
struct rotation_log {
    char *path;
    uint64_t inode;
    uint64_t first_size;
    uint64_t born_ns;
};

/* --- options --- */

/* "500M", 1024-based. */
static bool take_size(const char *text, uint64_t *out)
{
    static const char units[] = "KMGT";
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    const char *unit = *end ? strchr(units, *end) : NULL;
    unsigned shift = unit ? 10 * (unsigned)(unit - units + 1) : 0;
    if (text[0] < '0' || text[0] > '9' || errno || !unit || end[1] || value == 0 ||
        value > UINT64_MAX >> shift)
        return false;
    *out = (uint64_t)value << shift;
    return true;
}

int rotation_take(rotation *r, const char *text)
{
    flowan_error error;
    r->size = r->every_ns = 0;
    if (take_size(text, &r->size))
        return CLI_DONE;
    size_t digits = strspn(text, "0123456789");
    if (text[digits] == 0 ||
        flowan_duration_parse(text, &r->every_ns, &error) != FLOWAN_OK ||
        r->every_ns < SECOND)
        return cli_usage("--rotate-log wants a size such as 500M or a time of a second "
                         "or more such as 5m, not '%s'",
                         text);
    return CLI_DONE;
}

int rotation_check(const rotation *r)
{
    int ways = (r->pid > 0) + (r->pid_file != NULL) + (r->command != NULL);
    bool rotates = r->size > 0 || r->every_ns > 0;
    if (rotates && ways == 0)
        return cli_usage(
            "--rotate-log needs --hup-pid, --hup-pidfile or --hup-cmd: how "
            "is goflow2 told?");
    if (!rotates && ways > 0)
        return cli_usage("--hup-pid, --hup-pidfile and --hup-cmd go with --rotate-log");
    if (ways > 1)
        return cli_usage("name one of --hup-pid, --hup-pidfile and --hup-cmd");
    return CLI_DONE;
}

/* --- telling goflow2 --- */

/* 0 when the file holds no process. */
static long read_pid(const char *path)
{
    char text[32] = "";
    FILE *file = fopen(path, "r");
    if (!file)
        return 0;
    long pid = fgets(text, sizeof text, file) ? strtol(text, NULL, 10) : 0;
    fclose(file);
    return pid > 0 ? pid : 0;
}

/* NULL, or why it was not told. */
static const char *tell(const rotation *r)
{
    if (r->command) {
        int status = system(r->command);
        if (status == 0)
            return NULL;
        return status == -1 ? strerror(errno) : "the command of --hup-cmd failed";
    }
    long pid = r->pid_file ? read_pid(r->pid_file) : r->pid;
    if (pid == 0)
        return "the file of --hup-pidfile names no process";
    return kill((pid_t)pid, SIGHUP) == 0 ? NULL : strerror(errno);
}

/* --- renaming --- */

/* DIR/STEM_TIME.EXT, with -2, -3, ... behind the time where that is taken. */
static char *new_name(const char *path, unsigned number)
{
    char stamp[32];
    time_t now = time(NULL);
    struct tm utc;
    if (!gmtime_r(&now, &utc))
        return NULL;
    strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", &utc);
    const char *base = strrchr(path, '/');
    base = base ? base + 1 : path;
    const char *dot = strrchr(base, '.');
    size_t stem = dot && dot > base ? (size_t)(dot - path) : strlen(path);
    size_t size = strlen(path) + sizeof stamp + 16;
    char *name = malloc(size);
    if (!name)
        return NULL;
    char more[16] = "";
    if (number > 1)
        snprintf(more, sizeof more, "-%u", number);
    snprintf(name, size, "%.*s_%s%s%s", (int)stem, path, stamp, more, path + stem);
    return name;
}

/* Never onto a file that is there. */
static bool rename_log(const char *path)
{
    for (unsigned number = 1; number < 1000; number++) {
        char *name = new_name(path, number);
        if (!name)
            break;
        int status = renameat2(AT_FDCWD, path, AT_FDCWD, name, RENAME_NOREPLACE);
        if (status != 0 && (errno == EINVAL || errno == ENOSYS)) {
            /* a file system that cannot: the name is ours alone to give */
            errno = EEXIST;
            if (access(name, F_OK) != 0)
                status = rename(path, name);
        }
        int why = errno;
        free(name);
        if (status == 0)
            return true;
        if (why != EEXIST) {
            cli_message("cannot rename %s: %s", path, strerror(why));
            return false;
        }
    }
    cli_message("cannot rename %s: no name is free", path);
    return false;
}

/* --- what is due --- */

static uint64_t born(const struct stat *info, const char *path)
{
    struct statx more;
    if (statx(AT_FDCWD, path, 0, STATX_BTIME, &more) == 0 &&
        (more.stx_mask & STATX_BTIME) && more.stx_btime.tv_sec > 0)
        return (uint64_t)more.stx_btime.tv_sec * SECOND;
    (void)info;
    return cli_now();
}

static rotation_log *find(rotation *r, const char *path, const struct stat *info)
{
    rotation_log *log = NULL;
    for (size_t i = 0; i < r->count; i++)
        if (strcmp(r->logs[i].path, path) == 0)
            log = &r->logs[i];
    if (!log) {
        rotation_log *logs = realloc(r->logs, (r->count + 1) * sizeof *logs);
        char *copy = strdup(path);
        if (logs)
            r->logs = logs;
        if (!logs || !copy) {
            free(copy);
            return NULL;
        }
        log = &logs[r->count++];
        *log = (rotation_log){.path = copy};
    }
    if (log->inode != (uint64_t)info->st_ino) {
        log->inode = (uint64_t)info->st_ino;
        log->first_size = (uint64_t)info->st_size;
        log->born_ns = born(info, path);
    }
    return log;
}

static bool is_due(rotation *r, const char *path)
{
    struct stat info;
    if (stat(path, &info) != 0 || !S_ISREG(info.st_mode))
        return false;
    const rotation_log *log = find(r, path, &info);
    /* only what is being written to: others are rotated logs of earlier days */
    if (!log || (uint64_t)info.st_size <= log->first_size)
        return false;
    if (r->size > 0)
        return (uint64_t)info.st_size >= r->size;
    return cli_now() / r->every_ns > log->born_ns / r->every_ns;
}

/* A log that was renamed, by us or by another, and whose name is still free: goflow2 does
 * not know. */
static bool awaits(const flowan_follow_log *log)
{
    return !log->live && strcmp(log->path, log->name) != 0 &&
           access(log->name, F_OK) != 0 && errno == ENOENT;
}

void rotation_run(rotation *r, const flowan_follower *follower)
{
    flowan_follow_log log;
    bool to_tell = false;
    uint64_t now = cli_now();
    if ((r->size == 0 && r->every_ns == 0) || now < r->look_ns)
        return;
    r->look_ns = now + SECOND;
    for (size_t i = 0; flowan_follower_log(follower, i, &log); i++) {
        if (awaits(&log))
            to_tell = true;
        else if (log.live && is_due(r, log.path) && rename_log(log.path))
            to_tell = true;
    }
    const char *why = to_tell ? tell(r) : NULL;
    if (why && now - r->told_ns > 60 * SECOND) {
        cli_message("a log was renamed, and goflow2 cannot be told: %s; it goes on "
                    "writing to the renamed one, and is told again each second",
                    why);
        r->told_ns = now;
    }
}

void rotation_free(rotation *r)
{
    for (size_t i = 0; i < r->count; i++)
        free(r->logs[i].path);
    free(r->logs);
}
