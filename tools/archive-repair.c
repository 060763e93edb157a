/* flowan-archive repair: what is damaged made anew. */
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>

#include "archive.h"

static const char repair_help[] =
    "Usage: flowan-archive repair -a DIR\n"
    "Read all of an archive. Of each damaged segment make a new one with all blocks that\n"
    "are sound, move the damaged one to DIR/damaged/, and say what was lost. A process may\n"
    "be writing to the archive.\n"
    "\n"
    "  -a, --archive DIR  the archive\n"
    "      --help         this text\n"
    "\n"
    "Exit status: 0 all is well now, 1 something could not be repaired, 2 wrong usage.\n";

static const char *plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}

static void print_lost(const flowan_repair_event *event)
{
    if (event->from == event->to)
        printf("%s: its end, from byte %" PRIu64 " on, is missing", event->path,
               event->from);
    else
        printf("%s: lost bytes %" PRIu64 " to %" PRIu64, event->path, event->from,
               event->to);
    if (event->rows_unknown)
        printf(", nobody knows how many records");
    else
        printf(", %" PRIu64 " record%s", event->lost.rows, plural(event->lost.rows));
    archive_print_received(&event->lost);
    putchar('\n');
}

static void print_mended(const flowan_repair_event *event)
{
    printf("%s: mended, ", event->path);
    if (event->lost.rows == 0)
        printf("no record %slost", event->rows_unknown ? "known to be " : "");
    else
        printf("%s%" PRIu64 " record%s lost", event->rows_unknown ? "at least " : "",
               event->lost.rows, plural(event->lost.rows));
    printf("; kept %" PRIu64 " block%s, %" PRIu64 " record%s; the damaged file is %s\n",
           event->blocks, plural(event->blocks), event->rows, plural(event->rows),
           event->aside);
}

static void on_event(void *context, const flowan_repair_event *event)
{
    (void)context;
    switch (event->kind) {
    case FLOWAN_REPAIR_LOST: print_lost(event); break;
    case FLOWAN_REPAIR_MENDED: print_mended(event); break;
    case FLOWAN_REPAIR_ASIDE:
        printf("%s: no segment, nothing could be kept; moved to %s\n", event->path,
               event->aside);
        break;
    case FLOWAN_REPAIR_FAILED: cli_message("%s", event->message); break;
    }
}

static int on_progress(void *context)
{
    (void)context;
    return cli_stopped();
}

static int repair(const char *archive)
{
    flowan_repair_options options = {
        .size = sizeof options, .tell = on_event, .progress = on_progress};
    flowan_repair_result result;
    flowan_error error;
    cli_catch_signals();
    if (flowan_archive_repair(archive, &options, &result, &error) != FLOWAN_OK) {
        cli_message("%s", error.message);
        return cli_end(CLI_FAILED);
    }
    if (result.stopped)
        return cli_end(CLI_FAILED);
    printf("%" PRIu64 " segment%s: ", result.segments, plural(result.segments));
    if (result.mended == 0 && result.aside == 0 && result.failed == 0)
        printf("every byte as written\n");
    else
        printf("%" PRIu64 " mended, %" PRIu64 " moved aside, %" PRIu64
               " not repaired; %s%" PRIu64 " record%s lost\n",
               result.mended, result.aside, result.failed,
               result.rows_unknown ? "at least " : "", result.rows_lost,
               plural(result.rows_lost));
    return cli_end(result.failed ? CLI_FAILED : CLI_DONE);
}

int archive_repair_run(int argc, char **argv)
{
    enum { OPTION_HELP = 256 };
    static const struct option known[] = {
        {"archive", required_argument, NULL, 'a'},
        {"help", no_argument, NULL, OPTION_HELP},
        {NULL, 0, NULL, 0},
    };
    const char *archive = NULL;
    int option;
    while ((option = getopt_long(argc, argv, ":a:", known, NULL)) != -1) {
        switch (option) {
        case 'a': archive = optarg; break;
        case OPTION_HELP: return cli_help(repair_help);
        default: return cli_bad_option(argv, option);
        }
    }
    if (!archive)
        return cli_usage("-a DIR is missing: which archive?");
    if (optind < argc)
        return cli_usage("'%s' is one word too many", argv[optind]);
    return repair(archive);
}
