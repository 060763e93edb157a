/* flowan-archive follow: the command around the follower: options, signals, metrics,
 * rotation, and going on after a failure. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "archive.h"
#include "intake.h"
#include "metrics.h"
#include "rotation.h"

static const char help[] =
    "Usage: flowan-archive follow -a DIR [OPTION]... GLOB...\n"
    "Take what goflow2 appends to the logs that match (quote the globs: they are looked at\n"
    "again and again) into the archive DIR, from the beginning of each log on. Logs may be\n"
    "renamed, truncated behind a copy, and compressed; each record is taken once, in order,\n"
    "also when this program is killed and started again.\n"
    "\n"
    "  -a, --archive DIR       the archive, which is made where it is missing\n"
    "      --rotate D          a segment's length of receive time, UTC (default 1h)\n"
    "      --latency D         a record can be read that long after it is in the log\n"
    "                          (default 1s)\n"
    "      --drain             take what is there, and end\n"
    "      --keep D            remove segments received longer ago, such as 90d\n"
    "      --keep-size SIZE    remove the oldest beyond SIZE of files, such as 500G\n"
    "      --metrics FILE      keep figures for Prometheus in FILE\n"
    "      --rotate-log WHEN   rename a log of that size (500M), or at such times (5m),\n"
    "                          to NAME_TIME.EXT, and tell goflow2:\n"
    "      --hup-pid PID       SIGHUP to this process\n"
    "      --hup-pidfile FILE  SIGHUP to the process in FILE\n"
    "      --hup-cmd CMD       or run CMD\n"
    "      --remove-done       remove renamed logs that are in the archive for good\n"
    "      --level LEVEL       fast, default or small\n"
    "      --rejects FILE      where to note what is no flow record (default: a file a\n"
    "                          log in DIR/rejects/), one JSON object a line\n"
    "      --index nat         index public addresses, for flowan-dump --nat over months\n"
    "      --map KEY=FIELD     KEY of the logs means FIELD of goflow2; repeatable\n"
    "      --strict            stop at the first reject\n"
    "      --exclude REGEX     pass over files of such names (POSIX ERE); repeatable\n"
    "      --ignore-older D    pass over files that were not modified for so long\n"
    "  -j, --jobs N            threads to work with (default 1)\n"
    "      --help              this text\n"
    "\n"
    "SIGINT and SIGTERM end it cleanly; at SIGHUP it looks for new logs at once.\n"
    "Exit status: 0 done, 1 failed, 2 wrong usage, 3 drained but some input was rejected.\n";

enum {
    OPTION_DRAIN = 256,
    OPTION_LATENCY,
    OPTION_METRICS,
    OPTION_ROTATE_LOG,
    OPTION_HUP_PID,
    OPTION_HUP_PIDFILE,
    OPTION_HUP_CMD,
    OPTION_REMOVE_DONE,
    OPTION_KEEP,
    OPTION_KEEP_SIZE,
    OPTION_HELP
};

#define SECOND UINT64_C(1000000000)
enum { STEP_MS = 250, METRICS_S = 10, RETRY_S = 5, EXPIRE_S = 600 };

typedef struct follow_job {
    intake intake;
    rotation rotation;
    flowan_follow_options options;
    const char *const *globs;
    size_t glob_count;
    const char *metrics_path;
    uint64_t metrics_ns; /* when they are due */
    flowan_expire_options expire;
    uint64_t expire_ns; /* likewise */
    flowan_archiver *archiver;
    flowan_follower *follower;
    /* of followers that failed */
    flowan_follow_counts before;
    uint64_t bytes_before;
    bool began;
} follow_job;

static volatile sig_atomic_t hung_up;

static void on_hup(int number)
{
    (void)number;
    hung_up = 1;
}

/* --- callbacks --- */

static flowan_status on_reject(void *context, const flowan_log_state *log,
                               const flowan_reject *reject, flowan_error *error)
{
    follow_job *job = context;
    return intake_reject(&job->intake, log, reject, error);
}

static void on_event(void *context, flowan_follow_event event, const char *message)
{
    (void)context;
    if (event != FLOWAN_FOLLOW_DONE) /* the rule, not an event */
        cli_message("%s", message);
}

static bool on_file(void *context, const char *path, uint64_t modified_ns)
{
    const follow_job *job = context;
    return intake_skips(&job->intake, path, modified_ns);
}

/* --- systemd --- */

/* Tells the service manager, where there is one, that we are at work (sd_notify(3)). */
static void notify(const char *text)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (!path || (path[0] != '/' && path[0] != '@') ||
        strlen(path) >= sizeof address.sun_path)
        return;
    strcpy(address.sun_path, path);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    if (path[0] == '@')
        address.sun_path[0] = 0;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    (void)sendto(fd, text, strlen(text), MSG_NOSIGNAL,
                 (const struct sockaddr *)&address, size);
    close(fd);
}

/* --- figures --- */

static flowan_follow_counts counts_of(const follow_job *job)
{
    flowan_follow_counts all = job->before;
    if (!job->follower)
        return all;
    flowan_follow_counts now = flowan_follower_count(job->follower);
    now.records += all.records;
    now.bytes += all.bytes;
    for (int i = 0; i < FLOWAN_REJECT_REASONS; i++)
        now.rejects[i] += all.rejects[i];
    if (now.last_received_ns == 0)
        now.last_received_ns = all.last_received_ns;
    if (now.last_written_ns == 0)
        now.last_written_ns = all.last_written_ns;
    return now;
}

static void write_metrics(follow_job *job, bool now)
{
    if (!job->metrics_path || !job->archiver || (!now && cli_now() < job->metrics_ns))
        return;
    job->metrics_ns = cli_now() + METRICS_S * SECOND;
    flowan_follow_counts counts = counts_of(job);
    flowan_archiver_counts archive = flowan_archiver_count(job->archiver);
    archive.bytes += job->bytes_before;
    (void)metrics_write(job->metrics_path, &counts, &archive);
}

/* --- what is old --- */

static void on_expire(void *context, const flowan_expire_event *event)
{
    (void)context;
    if (event->kind == FLOWAN_EXPIRE_FAILED)
        cli_message("%s: %s", event->path, event->message);
}

static int on_expire_progress(void *context)
{
    (void)context;
    return cli_stopped();
}

/* What fails is told, and tried again the next time. */
static void expire(follow_job *job)
{
    flowan_error error;
    uint64_t now = cli_now();
    if ((job->expire.keep_ns == 0 && job->expire.keep_bytes == 0) ||
        now < job->expire_ns)
        return;
    job->expire_ns = now + EXPIRE_S * SECOND;
    job->expire.now_ns = now;
    flowan_status status =
        flowan_archive_expire(job->intake.archive, &job->expire, NULL, &error);
    /* by hand, or by a timer: it is done then */
    if (status != FLOWAN_OK && status != FLOWAN_ERROR_LOCKED)
        cli_message("%s", error.message);
}

/* --- following --- */

static void close_all(follow_job *job)
{
    job->before = counts_of(job);
    if (job->archiver)
        job->bytes_before += flowan_archiver_count(job->archiver).bytes;
    flowan_follower_free(job->follower);
    flowan_archiver_free(job->archiver);
    job->follower = NULL;
    job->archiver = NULL;
}

static flowan_status open_all(follow_job *job, flowan_error *error)
{
    flowan_status status = flowan_archiver_open(&job->archiver, job->intake.archive,
                                                &job->intake.archiver_options, error);
    if (status == FLOWAN_OK)
        status = flowan_follower_new(&job->follower, job->archiver, job->globs,
                                     job->glob_count, &job->options, error);
    if (status == FLOWAN_OK && !job->began)
        notify("READY=1");
    if (status == FLOWAN_OK)
        job->began = true;
    return status;
}

/* Until it is told to end, or a drain has. */
static flowan_status follow(follow_job *job, flowan_error *error)
{
    flowan_status status = FLOWAN_OK;
    while (status >= FLOWAN_OK && !cli_stopped()) {
        status = flowan_follower_step(job->follower, STEP_MS, error);
        if (status < FLOWAN_OK)
            return status;
        rotation_run(&job->rotation, job->follower);
        expire(job);
        write_metrics(job, hung_up != 0);
        if (hung_up)
            flowan_follower_rescan(job->follower);
        hung_up = 0;
        if (status == FLOWAN_END && job->options.drain)
            break;
    }
    status = flowan_follower_flush(job->follower, error);
    if (status == FLOWAN_OK)
        status = flowan_archiver_finish(job->archiver, error);
    return status;
}

/* What went wrong may pass, as a full disk does; nothing is lost meanwhile. */
static bool may_retry(const follow_job *job, flowan_status status)
{
    return job->began && !job->options.drain && !cli_stopped() &&
           (status == FLOWAN_ERROR_IO || status == FLOWAN_ERROR_NOT_FOUND ||
            status == FLOWAN_ERROR_MEMORY);
}

static void pause_before_retry(void)
{
    struct timespec tenth = {.tv_nsec = 100000000};
    for (int i = 0; i < RETRY_S * 10 && !cli_stopped(); i++)
        nanosleep(&tenth, NULL);
}

static int run(follow_job *job)
{
    flowan_error error = {0};
    char said[sizeof error.message] = "";
    flowan_status status;
    for (;;) {
        status = open_all(job, &error);
        if (status == FLOWAN_OK)
            status = follow(job, &error);
        if (status < FLOWAN_OK && strcmp(said, error.message) != 0)
            cli_message("%s%s", error.message,
                        may_retry(job, status) ? ": tried again every 5 seconds" : "");
        memcpy(said, error.message, sizeof said);
        if (status == FLOWAN_OK || !may_retry(job, status))
            break;
        close_all(job);
        pause_before_retry();
    }
    write_metrics(job, true);
    notify("STOPPING=1");
    close_all(job);
    if (status < FLOWAN_OK)
        return CLI_FAILED;
    if (!job->options.drain)
        return CLI_DONE;
    int told = cli_tell_rejects(job->before.rejects, job->before.records, "the logs");
    if (told == CLI_REJECTS)
        intake_tell_rejects(&job->intake);
    return told;
}

/* --- options --- */

static int take_latency(follow_job *job, const char *text)
{
    uint64_t ns;
    if (!cli_duration("--latency", text, &ns))
        return CLI_USAGE;
    if (ns < SECOND / 100 || ns > 3600 * SECOND)
        return cli_usage("--latency wants a time from 10ms to 1h, not '%s'", text);
    job->options.latency_ms = (uint32_t)(ns / 1000000);
    return CLI_DONE;
}

static int take_keep(follow_job *job, const char *text)
{
    return cli_duration("--keep", text, &job->expire.keep_ns) ? CLI_DONE : CLI_USAGE;
}

static int take_pid(follow_job *job, const char *text)
{
    char *end;
    errno = 0;
    job->rotation.pid = strtol(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end || errno || job->rotation.pid < 1)
        return cli_usage("--hup-pid wants the number of a process, not '%s'", text);
    return CLI_DONE;
}

/* CLI_DONE, or what to exit with; -1: help was asked for. */
static int take_options(follow_job *job, int argc, char **argv)
{
    static const struct option options[] = {
        INTAKE_OPTIONS,
        {"drain", no_argument, NULL, OPTION_DRAIN},
        {"latency", required_argument, NULL, OPTION_LATENCY},
        {"metrics", required_argument, NULL, OPTION_METRICS},
        {"rotate-log", required_argument, NULL, OPTION_ROTATE_LOG},
        {"hup-pid", required_argument, NULL, OPTION_HUP_PID},
        {"hup-pidfile", required_argument, NULL, OPTION_HUP_PIDFILE},
        {"hup-cmd", required_argument, NULL, OPTION_HUP_CMD},
        {"remove-done", no_argument, NULL, OPTION_REMOVE_DONE},
        {"keep", required_argument, NULL, OPTION_KEEP},
        {"keep-size", required_argument, NULL, OPTION_KEEP_SIZE},
        {"help", no_argument, NULL, OPTION_HELP},
        {NULL, 0, NULL, 0},
    };
    int option;
    int status = CLI_DONE;
    while (status == CLI_DONE &&
           (option = getopt_long(argc, argv, ":a:j:", options, NULL)) != -1) {
        status = intake_take(&job->intake, option, optarg);
        if (status >= 0)
            continue;
        status = CLI_DONE;
        switch (option) {
        case OPTION_DRAIN: job->options.drain = true; break;
        case OPTION_LATENCY: status = take_latency(job, optarg); break;
        case OPTION_METRICS: job->metrics_path = optarg; break;
        case OPTION_ROTATE_LOG: status = rotation_take(&job->rotation, optarg); break;
        case OPTION_HUP_PID: status = take_pid(job, optarg); break;
        case OPTION_HUP_PIDFILE: job->rotation.pid_file = optarg; break;
        case OPTION_HUP_CMD: job->rotation.command = optarg; break;
        case OPTION_REMOVE_DONE: job->options.remove_done = true; break;
        case OPTION_KEEP: status = take_keep(job, optarg); break;
        case OPTION_KEEP_SIZE:
            if (!archive_take_size("--keep-size", optarg, &job->expire.keep_bytes))
                status = CLI_USAGE;
            break;
        case OPTION_HELP: return -1;
        default: status = cli_bad_option(argv, option); break;
        }
    }
    if (status == CLI_DONE)
        status = rotation_check(&job->rotation);
    if (status == CLI_DONE && job->intake.archive && optind == argc)
        return cli_usage("name at least one log, or a glob of logs");
    return status;
}

int archive_follow_run(int argc, char **argv)
{
    follow_job job = {
        .intake = {.archiver_options = {.size = sizeof(flowan_archiver_options),
                                        .rotate_ns = 3600 * SECOND,
                                        .pack = true},
                   .jobs = 1},
        .options = {.size = sizeof job.options,
                    .context = &job,
                    .reject = on_reject,
                    .event = on_event,
                    .skip = on_file}};
    job.expire = (flowan_expire_options){
        .size = sizeof job.expire, .tell = on_expire, .progress = on_expire_progress};
    int status = take_options(&job, argc, argv);
    if (status < 0)
        return cli_help(help);
    if (status == CLI_DONE)
        status = intake_begin(&job.intake);
    if (status != CLI_DONE)
        return status;
    job.options.map = job.intake.map.entries;
    job.options.map_count = job.intake.map.count;
    job.options.threads = job.intake.jobs;
    job.globs = (const char *const *)argv + optind;
    job.glob_count = (size_t)(argc - optind);
    struct sigaction action = {.sa_handler = on_hup};
    sigaction(SIGHUP, &action, NULL);
    cli_catch_signals();
    status = run(&job);
    intake_end(&job.intake);
    rotation_free(&job.rotation);
    return status;
}
