/* flowan-archive merge: small segments into daily ones. */
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>

#include "archive.h"

static const char merge_help[] =
    "Usage: flowan-archive merge -a DIR [--older-than D] [--level LEVEL]\n"
    "Make one segment of those of a day (UTC), in their order, and full blocks of small\n"
    "ones. Whoever reads the archive meanwhile sees each record once; so does everybody\n"
    "after a crash. A process may be writing to the archive.\n"
    "\n"
    "  -a, --archive DIR    the archive\n"
    "      --older-than D   only days that ended so long ago (default 1d)\n"
    "      --level LEVEL    fast, default or small: compression of blocks that are joined\n"
    "      --help           this text\n"
    "\n"
    "Exit status: 0 done, 1 failed or met damage (see repair), 2 wrong usage.\n";

static const char *plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}

static void on_merged(void *context, const flowan_merged *merged)
{
    char before[32];
    char after[32];
    (void)context;
    printf("%s: %" PRIu64 " segments, %" PRIu64 " record%s, %" PRIu64
           " block%s of %" PRIu64 ", %s of %s\n",
           merged->path, merged->segments, merged->rows, plural(merged->rows),
           merged->blocks, plural(merged->blocks), merged->blocks_before,
           cli_size(merged->bytes, after), cli_size(merged->bytes_before, before));
}

static int on_progress(void *context)
{
    (void)context;
    return cli_stopped();
}

static int merge(const char *archive, const flowan_merge_options *options)
{
    flowan_merge_result result;
    flowan_error error;
    cli_catch_signals();
    flowan_status status = flowan_archive_merge(archive, options, &result, &error);
    if (result.made > 0)
        printf("%" PRIu64 " segments became %" PRIu64 "\n", result.merged, result.made);
    else if (status == FLOWAN_OK && !result.stopped)
        printf("nothing to merge\n");
    if (status != FLOWAN_OK)
        cli_message("%s", error.message);
    if (result.damaged > 0)
        cli_message("%s: %" PRIu64 " damaged segment%s left as %s: see flowan-archive "
                    "repair",
                    archive, result.damaged, result.damaged == 1 ? " was" : "s were",
                    result.damaged == 1 ? "it was" : "they were");
    return cli_end(status != FLOWAN_OK || result.damaged ? CLI_FAILED : CLI_DONE);
}

int archive_merge_run(int argc, char **argv)
{
    enum { OPTION_OLDER = 256, OPTION_LEVEL, OPTION_HELP };
    static const struct option known[] = {
        {"archive", required_argument, NULL, 'a'},
        {"older-than", required_argument, NULL, OPTION_OLDER},
        {"level", required_argument, NULL, OPTION_LEVEL},
        {"help", no_argument, NULL, OPTION_HELP},
        {NULL, 0, NULL, 0},
    };
    const char *archive = NULL;
    flowan_merge_options options = {.size = sizeof options,
                                    .now_ns = cli_now(),
                                    .older_than_ns = UINT64_C(86400000000000),
                                    .merged = on_merged,
                                    .progress = on_progress};
    int option;
    while ((option = getopt_long(argc, argv, ":a:", known, NULL)) != -1) {
        switch (option) {
        case 'a': archive = optarg; break;
        case OPTION_OLDER:
            if (!cli_duration("--older-than", optarg, &options.older_than_ns))
                return CLI_USAGE;
            break;
        case OPTION_LEVEL:
            if (!archive_take_level(optarg, &options.level))
                return CLI_USAGE;
            break;
        case OPTION_HELP: return cli_help(merge_help);
        default: return cli_bad_option(argv, option);
        }
    }
    if (!archive)
        return cli_usage("-a DIR is missing: which archive?");
    if (optind < argc)
        return cli_usage("'%s' is one word too many", argv[optind]);
    return merge(archive, &options);
}
