/* flowan-archive info: what is in an archive. */
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "archive.h"

static const char info_help[] =
    "Usage: flowan-archive info -a DIR [--json]\n"
    "Say what is in an archive: segments, records, bytes, compression, the time that the\n"
    "flows cover, and the logs that were read, with how far.\n"
    "\n"
    "  -a, --archive DIR  the archive\n"
    "      --json         as one JSON object\n"
    "      --help         this text\n";

typedef struct summary {
    uint64_t segments;
    uint64_t unfinished;
    uint64_t damaged;
    uint64_t blocks;
    uint64_t file_bytes;
    flowan_segment_stats stats;
} summary;

static void add_times(uint64_t *min, uint64_t *max, uint64_t more_min,
                      uint64_t more_max)
{
    *min = more_min < *min ? more_min : *min;
    *max = more_max > *max ? more_max : *max;
}

static void add_segment(summary *sum, const flowan_segment_info *info)
{
    sum->segments++;
    sum->unfinished += !info->finished;
    sum->blocks += info->blocks;
    sum->file_bytes += info->file_bytes;
    sum->stats.rows += info->stats.rows;
    sum->stats.text_bytes += info->stats.text_bytes;
    add_times(&sum->stats.received_min_ns, &sum->stats.received_max_ns,
              info->stats.received_min_ns, info->stats.received_max_ns);
    add_times(&sum->stats.span_min_ns, &sum->stats.span_max_ns, info->stats.span_min_ns,
              info->stats.span_max_ns);
    sum->stats.rows_without_time += info->stats.rows_without_time;
}

static void put_time(uint64_t min, uint64_t max, uint64_t ns, const char *none,
                     const char *quote)
{
    char text[FLOWAN_TIME_TEXT_SIZE];
    flowan_time_format(ns, text);
    printf("%s%s%s", min > max ? "" : quote, min > max ? none : text,
           min > max ? "" : quote);
}

static void put_times(const char *name, uint64_t min, uint64_t max, bool json)
{
    printf(json ? ",\"%s_from\":" : "%-10s ", name);
    put_time(min, max, min, json ? "null" : "-", json ? "\"" : "");
    if (json)
        printf(",\"%s_to\":", name);
    else
        printf(" to ");
    put_time(min, max, max, json ? "null" : "-", json ? "\"" : "");
    if (!json)
        putchar('\n');
}

static double ratio(const summary *sum)
{
    return sum->file_bytes ? (double)sum->stats.text_bytes / (double)sum->file_bytes
                           : 0;
}

static double bytes_per_record(const summary *sum)
{
    return sum->stats.rows ? (double)sum->file_bytes / (double)sum->stats.rows : 0;
}

static void print_logs(const flowan_reader *newest, bool json)
{
    flowan_log_state log;
    if (json)
        printf(",\"logs\":[");
    for (size_t i = 0; newest && flowan_reader_log(newest, i, &log); i++) {
        if (!json) {
            printf("%-10s %s, read to byte %" PRIu64 "\n", i ? "" : "logs", log.path,
                   log.position.offset);
            continue;
        }
        printf("%s\n{\"path\":", i ? "," : "");
        cli_json_string(stdout, log.path);
        printf(",\"offset\":%" PRIu64 "}", log.position.offset);
    }
    if (json)
        printf("]}\n");
}

static void print_json(const char *path, const summary *sum)
{
    printf("{\"archive\":");
    cli_json_string(stdout, path);
    printf(",\"segments\":%" PRIu64 ",\"unfinished\":%" PRIu64 ",\"damaged\":%" PRIu64
           ",\"blocks\":%" PRIu64 ",\"records\":%" PRIu64 ",\"bytes\":%" PRIu64
           ",\"json_bytes\":%" PRIu64 ",\"ratio\":%.3f,\"bytes_per_record\":%.3f",
           sum->segments, sum->unfinished, sum->damaged, sum->blocks, sum->stats.rows,
           sum->file_bytes, sum->stats.text_bytes, ratio(sum), bytes_per_record(sum));
    put_times("received", sum->stats.received_min_ns, sum->stats.received_max_ns, true);
    put_times("flows", sum->stats.span_min_ns, sum->stats.span_max_ns, true);
}

static void print_text(const char *path, const summary *sum)
{
    char size[32];
    char json[32];
    printf("%-10s %s\n", "archive", path);
    printf("%-10s %" PRIu64 " (%" PRIu64 " block%s", "segments", sum->segments,
           sum->blocks, sum->blocks == 1 ? "" : "s");
    if (sum->unfinished)
        printf(", %" PRIu64 " unfinished", sum->unfinished);
    if (sum->damaged)
        printf(", %" PRIu64 " damaged", sum->damaged);
    printf(")\n%-10s %" PRIu64 "\n", "records", sum->stats.rows);
    printf("%-10s %s of %s of JSON: %.1f : 1, %.1f bytes a record\n", "size",
           cli_size(sum->file_bytes, size), cli_size(sum->stats.text_bytes, json),
           ratio(sum), bytes_per_record(sum));
    put_times("flows", sum->stats.span_min_ns, sum->stats.span_max_ns, false);
    put_times("received", sum->stats.received_min_ns, sum->stats.received_max_ns,
              false);
}

/* Whether a segment is still being written, or was when its writer was killed. */
static bool is_open(const char *path)
{
    size_t size = strlen(path);
    return size > 5 && strcmp(path + size - 5, ".open") == 0;
}

static int show_info(const char *path, bool json)
{
    flowan_archive *archive;
    flowan_error error;
    if (flowan_archive_open(&archive, path, &error) != FLOWAN_OK) {
        cli_message("%s", error.message);
        return CLI_FAILED;
    }
    summary sum = {.stats = {.received_min_ns = UINT64_MAX, .span_min_ns = UINT64_MAX}};
    flowan_reader *newest = NULL; /* its footer knows all logs */
    for (size_t i = 0; i < flowan_archive_segments(archive); i++) {
        flowan_reader *reader;
        flowan_status status = archive_open_segment(archive, &i, &reader, &error);
        if (status == FLOWAN_END)
            break;
        if (status != FLOWAN_OK) {
            cli_message("%s", error.message);
            sum.damaged++;
            continue;
        }
        flowan_segment_info info = flowan_reader_info(reader);
        add_segment(&sum, &info);
        if (!info.finished && !is_open(flowan_archive_path(archive, i))) {
            cli_message("%s: the end of the segment is missing or damaged",
                        flowan_archive_path(archive, i));
            sum.unfinished--;
            sum.damaged++;
        }
        if (newest && !info.finished) {
            flowan_reader_free(reader);
        } else {
            flowan_reader_free(newest);
            newest = reader;
        }
    }
    if (json)
        print_json(path, &sum);
    else
        print_text(path, &sum);
    print_logs(newest, json);
    flowan_reader_free(newest);
    flowan_archive_free(archive);
    return sum.damaged ? CLI_FAILED : CLI_DONE;
}

int archive_info_run(int argc, char **argv)
{
    enum { OPTION_JSON = 256, OPTION_HELP };
    static const struct option options[] = {
        {"archive", required_argument, NULL, 'a'},
        {"json", no_argument, NULL, OPTION_JSON},
        {"help", no_argument, NULL, OPTION_HELP},
        {NULL, 0, NULL, 0},
    };
    const char *archive = NULL;
    bool json = false;
    int option;
    while ((option = getopt_long(argc, argv, ":a:", options, NULL)) != -1) {
        switch (option) {
        case 'a': archive = optarg; break;
        case OPTION_JSON: json = true; break;
        case OPTION_HELP: return cli_help(info_help);
        default: return cli_bad_option(argv, option);
        }
    }
    if (!archive)
        return cli_usage("-a DIR is missing: which archive?");
    if (optind < argc)
        return cli_usage("'%s' is one word too many", argv[optind]);
    return cli_end(show_info(archive, json));
}
