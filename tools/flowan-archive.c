/* flowan-archive: logs into an archive, and the archive looked after. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "archive.h"
#include "intake.h"

static const char help[] =
    "Usage: flowan-archive import -a DIR [OPTION]... PATH...\n"
    "       flowan-archive follow -a DIR [OPTION]... GLOB...\n"
    "       flowan-archive info -a DIR [--json] [--gap D] [--quick]\n"
    "       flowan-archive verify DIR|SEGMENT...\n"
    "       flowan-archive repair -a DIR\n"
    "       flowan-archive expire -a DIR [--keep D] [--keep-size SIZE] [--hold FILE]\n"
    "       flowan-archive merge -a DIR [--older-than D]\n"
    "Keep flow records of goflow2 in an archive, losslessly.\n"
    "\n"
    "  import   reads logs (plain, gzip or zstd; - is standard input) into DIR\n"
    "  follow   takes what is being written to logs, while they are rotated\n"
    "  info     says what is in DIR\n"
    "  verify   checks every stored byte\n"
    "  repair   keeps what is sound of damaged segments\n"
    "  expire   removes what is old, or too much\n"
    "  merge    makes daily segments of small ones\n"
    "\n"
    "'flowan-archive COMMAND --help' says more of each.\n"
    "      --help     this text\n"
    "      --version  the version\n";

static const char import_help[] =
    "Usage: flowan-archive import -a DIR [OPTION]... PATH...\n"
    "Read logs of goflow2 (plain, gzip or zstd, told by their contents; - is standard\n"
    "input) into the archive DIR, which is made where it is missing. A log that is in\n"
    "already is refused; one that has grown, or whose import was interrupted, is taken up\n"
    "where it stopped.\n"
    "\n"
    "  -a, --archive DIR    the archive\n"
    "      --rotate D       a segment's length of receive time, UTC (default 1d)\n"
    "      --level LEVEL    fast, default or small\n"
    "      --rejects FILE   where to note what is no flow record (default: a file a log\n"
    "                       in DIR/rejects/), one JSON object a line\n"
    "      --index nat      index public addresses, for flowan-dump --nat over months\n"
    "      --map KEY=FIELD  KEY of the logs means FIELD of goflow2; repeatable\n"
    "      --exclude REGEX  pass over files of such names (POSIX ERE); repeatable\n"
    "      --ignore-older D pass over files that were not modified for so long\n"
    "      --again          take a log though it is in already\n"
    "      --strict         stop at the first reject\n"
    "  -j, --jobs N         threads to work with (default: one for each CPU, 8 at most);\n"
    "                       the archive is the same for any number\n"
    "      --help           this text\n"
    "\n"
    "Exit status: 0 done, 1 failed, 2 wrong usage, 3 done but some input was rejected.\n";

static const char verify_help[] =
    "Usage: flowan-archive verify DIR|SEGMENT...\n"
    "Check every stored byte of archives and segments against its checksum, and that all\n"
    "of it can be decoded. Says what is damaged; exit status 1 then.\n"
    "\n"
    "      --help  this text\n";

enum { OPTION_AGAIN = 256, OPTION_HELP };

/* --- import --- */

typedef struct import_job {
    intake intake;
    bool again;
    bool refused; /* the archive takes nothing more */
    cli_progress progress;
    uint64_t records; /* of the logs before */
    uint64_t bytes;
} import_job;

static flowan_status on_reject(void *context, const flowan_log_state *log,
                               const flowan_reject *reject, flowan_error *error)
{
    import_job *job = context;
    return intake_reject(&job->intake, log, reject, error);
}

static int on_progress(void *context, const flowan_import_result *so_far)
{
    import_job *job = context;
    cli_progress_show(&job->progress, job->records + so_far->records,
                      job->bytes + so_far->bytes);
    return cli_stopped();
}

static int import_log(import_job *job, flowan_archiver *archiver, const char *path,
                      uint64_t rejected[FLOWAN_REJECT_REASONS])
{
    struct stat info;
    bool told = strcmp(path, "-") != 0 && stat(path, &info) == 0;
    if (told && S_ISDIR(info.st_mode)) {
        cli_message("%s is a directory, not a log: name the logs in it", path);
        return CLI_FAILED;
    }
    if (told && intake_skips(&job->intake, path,
                             info.st_mtim.tv_sec > 0
                                 ? (uint64_t)info.st_mtim.tv_sec * UINT64_C(1000000000)
                                 : 0))
        return CLI_DONE;
    flowan_import_options options = {.size = sizeof options,
                                     .again = job->again,
                                     .context = job,
                                     .reject = on_reject,
                                     .progress = on_progress,
                                     .map = job->intake.map.entries,
                                     .map_count = job->intake.map.count,
                                     .threads = job->intake.jobs};
    flowan_import_result result;
    flowan_error error;
    flowan_status status = flowan_import_log(archiver, path, &options, &result, &error);
    job->records += result.records;
    job->bytes += result.bytes;
    cli_progress_end(&job->progress);
    uint64_t total = 0;
    for (int i = 0; i < FLOWAN_REJECT_REASONS; i++) {
        rejected[i] += result.rejects[i];
        total += result.rejects[i];
    }
    job->refused = result.refused;
    if (status != FLOWAN_OK) {
        cli_message("%s", error.message);
        return CLI_FAILED;
    }
    if (result.records + total == 0 && !result.stopped)
        cli_message("%s: no records%s", path,
                    result.bytes == 0 ? ": it is empty" : " in it");
    return CLI_DONE;
}

static int import_all(import_job *job, const char *const *paths, size_t count)
{
    uint64_t rejected[FLOWAN_REJECT_REASONS] = {0};
    flowan_archiver *archiver;
    flowan_error error;
    int status = CLI_DONE;
    if (flowan_archiver_open(&archiver, job->intake.archive,
                             &job->intake.archiver_options, &error) != FLOWAN_OK) {
        cli_message("%s", error.message);
        return CLI_FAILED;
    }
    uint64_t began = cli_now();
    cli_progress_begin(&job->progress, cli_total_bytes(paths, count));
    for (size_t i = 0; i < count && !cli_stopped() && !job->refused; i++)
        if (import_log(job, archiver, paths[i], rejected) != CLI_DONE)
            status = CLI_FAILED;
    if (flowan_archiver_finish(archiver, &error) != FLOWAN_OK) {
        if (!job->refused) /* else for the same reason, which was told */
            cli_message("%s", error.message);
        status = CLI_FAILED;
    }
    flowan_archiver_free(archiver);
    char size[32];
    double elapsed = (double)(cli_now() - began) * 1e-9;
    if (job->records > 0)
        cli_message("%" PRIu64 " record%s (%s) in %.1f s", job->records,
                    job->records == 1 ? "" : "s", cli_size(job->bytes, size), elapsed);
    int told =
        cli_tell_rejects(rejected, job->records, count == 1 ? paths[0] : "the logs");
    if (told == CLI_REJECTS)
        intake_tell_rejects(&job->intake);
    return status == CLI_DONE ? told : status;
}

static int run_import(int argc, char **argv)
{
    static const struct option options[] = {
        INTAKE_OPTIONS,
        {"again", no_argument, NULL, OPTION_AGAIN},
        {"help", no_argument, NULL, OPTION_HELP},
        {NULL, 0, NULL, 0},
    };
    import_job job = {
        .intake = {
            .archiver_options = {.size = sizeof(flowan_archiver_options), .pack = true},
            .jobs = intake_default_jobs()}};
    int option;
    while ((option = getopt_long(argc, argv, ":a:j:", options, NULL)) != -1) {
        int taken = intake_take(&job.intake, option, optarg);
        if (taken == CLI_USAGE)
            return taken;
        if (option == OPTION_AGAIN)
            job.again = true;
        else if (option == OPTION_HELP)
            return cli_help(import_help);
        else if (taken < 0)
            return cli_bad_option(argv, option);
    }
    if (job.intake.archive && optind == argc)
        return cli_usage("name at least one log");
    int status = intake_begin(&job.intake);
    if (status != CLI_DONE)
        return status;
    cli_catch_signals();
    status =
        import_all(&job, (const char *const *)argv + optind, (size_t)(argc - optind));
    intake_end(&job.intake);
    return cli_exit_status(status);
}

/* --- verify --- */

typedef struct verified {
    uint64_t segments;
    uint64_t blocks;
    uint64_t bytes;
    uint64_t damaged;
    bool failed; /* something could not be checked at all */
} verified;

static void verify_reader(verified *all, flowan_reader *reader)
{
    flowan_error error;
    size_t damaged;
    flowan_segment_info info = flowan_reader_info(reader);
    all->segments++;
    all->blocks += info.blocks;
    all->bytes += info.file_bytes;
    if (flowan_reader_verify(reader, &damaged, &error) == FLOWAN_OK)
        return;
    cli_message("%s", error.message);
    if (damaged > 1)
        cli_message("... and %zu more places in that segment", damaged - 1);
    all->damaged++;
}

static void verify_segment(verified *all, const char *path)
{
    flowan_reader *reader;
    flowan_error error;
    if (flowan_reader_open(&reader, path, &error) != FLOWAN_OK) {
        cli_message("%s", error.message);
        all->failed = true;
        return;
    }
    verify_reader(all, reader);
    flowan_reader_free(reader);
}

static void verify_archive(verified *all, const char *path)
{
    flowan_archive *archive;
    flowan_error error;
    if (flowan_archive_open(&archive, path, &error) != FLOWAN_OK) {
        cli_message("%s", error.message);
        all->failed = true;
        return;
    }
    for (size_t i = 0; i < flowan_archive_segments(archive) && !cli_stopped(); i++) {
        flowan_reader *reader;
        flowan_status status = archive_open_segment(archive, &i, &reader, &error);
        if (status == FLOWAN_END)
            break;
        if (status != FLOWAN_OK) {
            cli_message("%s", error.message);
            all->segments++;
            all->damaged++;
            continue;
        }
        verify_reader(all, reader);
        flowan_reader_free(reader);
    }
    flowan_archive_free(archive);
}

static int run_verify(int argc, char **argv)
{
    static const struct option options[] = {
        {"help", no_argument, NULL, OPTION_HELP},
        {NULL, 0, NULL, 0},
    };
    int option;
    while ((option = getopt_long(argc, argv, ":", options, NULL)) != -1) {
        if (option == OPTION_HELP)
            return cli_help(verify_help);
        return cli_bad_option(argv, option);
    }
    if (optind == argc)
        return cli_usage("name at least one archive or segment");
    verified all = {0};
    cli_catch_signals();
    for (int i = optind; i < argc && !cli_stopped(); i++) {
        struct stat info;
        if (stat(argv[i], &info) == 0 && S_ISDIR(info.st_mode))
            verify_archive(&all, argv[i]);
        else
            verify_segment(&all, argv[i]);
    }
    char size[32];
    if (all.damaged == 0 && !all.failed && !cli_stopped())
        printf("%" PRIu64 " segment%s, %" PRIu64
               " block%s, %s: every byte as written\n",
               all.segments, all.segments == 1 ? "" : "s", all.blocks,
               all.blocks == 1 ? "" : "s", cli_size(all.bytes, size));
    else if (all.damaged)
        cli_message("%" PRIu64 " of %" PRIu64 " segments %s damaged", all.damaged,
                    all.segments, all.damaged == 1 ? "is" : "are");
    return cli_end(all.damaged || all.failed ? CLI_FAILED : CLI_DONE);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(int argc, char **argv);
    } commands[] = {
        {"import", run_import},         {"follow", archive_follow_run},
        {"info", archive_info_run},     {"verify", run_verify},
        {"repair", archive_repair_run}, {"expire", archive_expire_run},
        {"merge", archive_merge_run},
    };
    cli_begin("flowan-archive", NULL);
    opterr = 0;
    if (argc < 2)
        return cli_usage("name a command: --help lists them");
    if (strcmp(argv[1], "--help") == 0)
        return cli_help(help);
    if (strcmp(argv[1], "--version") == 0)
        return cli_version();
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(argv[1], commands[i].name) == 0) {
            cli_begin("flowan-archive", argv[1]);
            return commands[i].run(argc - 1, argv + 1);
        }
    return cli_usage("unknown command '%s': --help lists them", argv[1]);
}
