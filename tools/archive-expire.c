/* flowan-archive expire: what is old, or too much, removed. */
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>

#include "archive.h"

static const char expire_help[] =
    "Usage: flowan-archive expire -a DIR [--keep D] [--keep-size SIZE] [--hold FILE]\n"
    "                             [--dry-run]\n"
    "Remove whole segments, those that were received longest ago first, but never one that\n"
    "is being written. How far logs were read stays known. A process may be writing to the\n"
    "archive.\n"
    "\n"
    "  -a, --archive DIR     the archive\n"
    "      --keep D          keep what was received in the last D, such as 90d\n"
    "      --keep-size SIZE  keep no more than SIZE of files, such as 500G (1024-based)\n"
    "      --hold FILE       keep segments with records that a line of FILE names: a time\n"
    "                        (START END), a prefix or address, or both\n"
    "      --dry-run         only say what would be removed\n"
    "      --help            this text\n"
    "\n"
    "Exit status: 0 done, 1 something that is due could not be removed, 2 wrong usage.\n";

typedef struct expire_job {
    const char *archive;
    const char *hold_path;
    flowan_expire_options options;
} expire_job;

static const char *plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}

static void on_event(void *context, const flowan_expire_event *event)
{
    const expire_job *job = context;
    char size[32];
    if (event->kind == FLOWAN_EXPIRE_FAILED) {
        cli_message("%s: %s", event->path, event->message);
        return;
    }
    if (event->kind == FLOWAN_EXPIRE_REMOVED)
        printf("%s ", job->options.dry_run ? "would remove" : "removed");
    else
        printf("kept ");
    printf("%s: %" PRIu64 " record%s, %s", event->path, event->stats.rows,
           plural(event->stats.rows), cli_size(event->bytes, size));
    archive_print_received(&event->stats);
    if (event->kind == FLOWAN_EXPIRE_HELD)
        printf("; held by %s", event->message);
    putchar('\n');
}

static int on_progress(void *context)
{
    (void)context;
    return cli_stopped();
}

static int expire(expire_job *job)
{
    flowan_holds *holds = NULL;
    flowan_expire_result result = {0};
    flowan_error error;
    char size[32];
    char left[32];
    flowan_status status =
        job->hold_path ? flowan_holds_load(&holds, job->hold_path, &error) : FLOWAN_OK;
    job->options.holds = holds;
    if (status == FLOWAN_OK)
        status = flowan_archive_expire(job->archive, &job->options, &result, &error);
    flowan_holds_free(holds);
    if (status != FLOWAN_OK) {
        cli_message("%s", error.message);
        return cli_end(CLI_FAILED);
    }
    printf("%s %" PRIu64 " segment%s, %" PRIu64 " record%s, %s; %s%s left\n",
           job->options.dry_run ? "would remove" : "removed", result.removed,
           plural(result.removed), result.rows, plural(result.rows),
           cli_size(result.bytes, size), cli_size(result.bytes_left, left),
           job->options.dry_run ? " would be" : "");
    return cli_end(result.failed || result.stopped ? CLI_FAILED : CLI_DONE);
}

int archive_expire_run(int argc, char **argv)
{
    enum { OPTION_KEEP = 256, OPTION_KEEP_SIZE, OPTION_HOLD, OPTION_DRY, OPTION_HELP };
    static const struct option known[] = {
        {"archive", required_argument, NULL, 'a'},
        {"keep", required_argument, NULL, OPTION_KEEP},
        {"keep-size", required_argument, NULL, OPTION_KEEP_SIZE},
        {"hold", required_argument, NULL, OPTION_HOLD},
        {"dry-run", no_argument, NULL, OPTION_DRY},
        {"help", no_argument, NULL, OPTION_HELP},
        {NULL, 0, NULL, 0},
    };
    expire_job job = {.options = {.size = sizeof job.options,
                                  .now_ns = cli_now(),
                                  .tell = on_event,
                                  .progress = on_progress}};
    int option;
    job.options.context = &job;
    while ((option = getopt_long(argc, argv, ":a:", known, NULL)) != -1) {
        switch (option) {
        case 'a': job.archive = optarg; break;
        case OPTION_KEEP:
            if (!cli_duration("--keep", optarg, &job.options.keep_ns))
                return CLI_USAGE;
            break;
        case OPTION_KEEP_SIZE:
            if (!archive_take_size("--keep-size", optarg, &job.options.keep_bytes))
                return CLI_USAGE;
            break;
        case OPTION_HOLD: job.hold_path = optarg; break;
        case OPTION_DRY: job.options.dry_run = true; break;
        case OPTION_HELP: return cli_help(expire_help);
        default: return cli_bad_option(argv, option);
        }
    }
    if (!job.archive)
        return cli_usage("-a DIR is missing: which archive?");
    if (optind < argc)
        return cli_usage("'%s' is one word too many", argv[optind]);
    if (!job.options.keep_ns && !job.options.keep_bytes)
        return cli_usage("--keep or --keep-size is missing: what may go?");
    cli_catch_signals();
    return expire(&job);
}
