/* flowan-report: what happened, from archives, segments and logs. */
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "asking.h"
#include "cli.h"

static const char help[] =
    "Usage: flowan-report COMMAND [OPTION]... PATH...\n"
    "Report on flow records. A PATH is an archive's directory, a segment, a log of goflow2\n"
    "(plain, gzip or zstd), or - for standard input.\n"
    "\n"
    "  networks  per local network: in, out, internal, addresses, top remote ASNs\n"
    "  asns      per remote ASN: in, out, addresses\n"
    "  matrix    local network by remote ASN by local address (--by: in any order)\n"
    "  top       by any keys: --by src_addr/24,dst_port\n"
    "  series    over time, in bins (--bin), a flow shared out over those that it is in\n"
    "\n"
    "      --by KEYS          fields by their JSON names, src_addr/24, dst_addr/24,64,\n"
    "                         local_net, local_ip, remote_ip, remote_as, src_as, dst_as,\n"
    "                         direction, exporter, service, hour, day\n"
    "      --networks FILE    the local networks: PREFIX NAME [tag=value ...] a line\n"
    "                         (default: RFC 1918, 100.64.0.0/10 and fc00::/7)\n"
    "      --asn-db FILE      a MaxMind DB of ASNs\n"
    "      --prefer-asdb      the database before the record's own src_as and dst_as\n"
    "  -f, --filter FILTER    only records that it holds for (flowan-dump --help)\n"
    "      --start T, --end T only flows that overlap this time\n"
    "      --order MEASURE    bytes (default), packets or flows\n"
    "      --top N            rows, 20 by default; 0 is all\n"
    "      --raw-counts       as exported, not multiplied by the sampling rate\n"
    "      --default-sampling [EXPORTER=]N\n"
    "                         for records that state no rate\n"
    "      --map KEY=FIELD    in logs, KEY means FIELD of goflow2; repeatable\n"
    "      --bin D            series: 1m by default\n"
    "      --scheme SCHEME    series: how a flow is shared out over bins: proportional\n"
    "                         (default), uniform, start, end or middle\n"
    "      --clock CLOCK      the times of a flow: start-end (default), received, start\n"
    "                         or end\n"
    "      --gap D            series: nothing received for that long is a gap (5m)\n"
    "  -j, --jobs N           N threads read blocks; the report is the same\n"
    "      --explain          tell on standard error what was read, and what passed over\n"
    "  -o, --output FORMAT    table (default), csv or json\n"
    "      --help             this text\n"
    "      --version          the version\n"
    "\n"
    "Exit status: 0 done, 1 failed, 2 wrong usage, 3 done but some input was rejected.\n";

enum {
    OPTION_BY = 256,
    OPTION_NETWORKS,
    OPTION_ASN_DB,
    OPTION_PREFER_ASDB,
    OPTION_START,
    OPTION_END,
    OPTION_ORDER,
    OPTION_TOP,
    OPTION_RAW_COUNTS,
    OPTION_DEFAULT_SAMPLING,
    OPTION_MAP,
    OPTION_BIN,
    OPTION_SCHEME,
    OPTION_CLOCK,
    OPTION_GAP,
    OPTION_EXPLAIN,
    OPTION_HELP,
    OPTION_VERSION
};

static const struct option options[] = {
    {"by", required_argument, NULL, OPTION_BY},
    {"networks", required_argument, NULL, OPTION_NETWORKS},
    {"asn-db", required_argument, NULL, OPTION_ASN_DB},
    {"prefer-asdb", no_argument, NULL, OPTION_PREFER_ASDB},
    {"start", required_argument, NULL, OPTION_START},
    {"end", required_argument, NULL, OPTION_END},
    {"order", required_argument, NULL, OPTION_ORDER},
    {"top", required_argument, NULL, OPTION_TOP},
    {"raw-counts", no_argument, NULL, OPTION_RAW_COUNTS},
    {"default-sampling", required_argument, NULL, OPTION_DEFAULT_SAMPLING},
    {"map", required_argument, NULL, OPTION_MAP},
    {"bin", required_argument, NULL, OPTION_BIN},
    {"scheme", required_argument, NULL, OPTION_SCHEME},
    {"clock", required_argument, NULL, OPTION_CLOCK},
    {"gap", required_argument, NULL, OPTION_GAP},
    {"filter", required_argument, NULL, 'f'},
    {"jobs", required_argument, NULL, 'j'},
    {"explain", no_argument, NULL, OPTION_EXPLAIN},
    {"output", required_argument, NULL, 'o'},
    {"help", no_argument, NULL, OPTION_HELP},
    {"version", no_argument, NULL, OPTION_VERSION},
    {NULL, 0, NULL, 0},
};

typedef struct settings {
    flowan_report_options report;
    flowan_report_format format;
    asking ask;
    cli_window window;
    cli_key_map map;
    flowan_default_sampling *exporters;
    const char *const *paths;
    size_t path_count;
    cli_progress progress;
} settings;

static bool take_sampling(settings *set, const char *text)
{
    const char *equals = strchr(text, '=');
    if (!equals)
        return cli_number("--default-sampling", text, UINT32_MAX,
                          &set->report.default_sampling);
    flowan_default_sampling one = {0};
    flowan_error error;
    char *address = strndup(text, (size_t)(equals - text));
    bool good =
        address && flowan_address_parse(address, &one.exporter, &error) == FLOWAN_OK;
    if (address && !good)
        cli_usage("--default-sampling: %s", error.message);
    free(address);
    if (!good || !cli_number("--default-sampling", equals + 1, UINT32_MAX, &one.rate))
        return false;
    size_t count = set->report.exporter_count;
    flowan_default_sampling *grown =
        realloc(set->exporters, (count + 1) * sizeof *grown);
    if (!grown)
        return false;
    grown[count] = one;
    set->exporters = grown;
    set->report.exporters = grown;
    set->report.exporter_count = count + 1;
    return true;
}

static bool take_option(settings *set, int option)
{
    static const char *const orders[] = {"bytes", "packets", "flows"};
    static const char *const formats[] = {"table", "csv", "json"};
    static const char *const schemes[] = {"proportional", "uniform", "start", "end",
                                          "middle"};
    static const char *const clocks[] = {"start-end", "received", "start", "end"};
    uint64_t number;
    int found;
    switch (option) {
    case OPTION_BY: set->report.by = optarg; return true;
    case OPTION_NETWORKS: set->ask.networks_path = optarg; return true;
    case OPTION_ASN_DB: set->ask.asdb_path = optarg; return true;
    case OPTION_PREFER_ASDB:
        return set->ask.prefer_asdb = set->report.prefer_asdb = true;
    case OPTION_EXPLAIN: return set->ask.explain = true;
    case 'f': set->ask.filter_text = optarg; return true;
    case 'j': return asking_take_threads(&set->ask, optarg);
    case OPTION_RAW_COUNTS: return set->report.raw_counts = true;
    case OPTION_START:
    case OPTION_END: return cli_take_time(&set->window, option == OPTION_START, optarg);
    case OPTION_BIN: return cli_duration("--bin", optarg, &set->report.bin_ns);
    case OPTION_GAP: return cli_duration("--gap", optarg, &set->report.gap_ns);
    case OPTION_DEFAULT_SAMPLING: return take_sampling(set, optarg);
    case OPTION_MAP: return cli_take_map(&set->map, optarg);
    case OPTION_TOP:
        if (!cli_number("--top", optarg, UINT32_MAX, &number))
            return false;
        set->report.top = (uint32_t)number;
        set->report.top_all = number == 0;
        return true;
    case OPTION_ORDER:
        found = cli_place(optarg, orders, 3);
        if (found < 0)
            cli_usage("--order: unknown measure '%s': bytes, packets or flows", optarg);
        set->report.order = (flowan_order)(found < 0 ? 0 : found);
        return found >= 0;
    case OPTION_SCHEME:
        found = cli_place(optarg, schemes, 5);
        if (found < 0)
            cli_usage(
                "--scheme: unknown scheme '%s': proportional, uniform, start, end or "
                "middle",
                optarg);
        set->report.scheme = (flowan_scheme)(found < 0 ? 0 : found);
        return found >= 0;
    case OPTION_CLOCK:
        found = cli_place(optarg, clocks, 4);
        if (found < 0)
            cli_usage("--clock: unknown clock '%s': start-end, received, start or end",
                      optarg);
        set->report.clock = (flowan_clock)(found < 0 ? 0 : found);
        return found >= 0;
    default:
        found = cli_place(optarg, formats, 3);
        if (found < 0)
            cli_usage("-o: unknown format '%s': table, csv or json", optarg);
        set->format = (flowan_report_format)(found + 1);
        return found >= 0;
    }
}

/* Feeds the report; damage is told, and what is sound behind it counts. *fed is false
 * when a path cannot be read at all: there is nothing to report on then. */
static int feed(settings *set, flowan_report *report, bool *fed)
{
    flowan_scan_options scan_options = {.size = sizeof scan_options,
                                        .start_ns = set->window.start_ns,
                                        .end_ns = set->window.end_ns,
                                        .has_start = set->window.has_start,
                                        .has_end = set->window.has_end,
                                        .progress = cli_progress_scan,
                                        .context = &set->progress,
                                        .map = set->map.entries,
                                        .map_count = set->map.count};
    flowan_scan *scan;
    flowan_error error;
    asking_set(&set->ask, &scan_options);
    scan_options.columns = flowan_report_fields(report, &scan_options.column_count);
    *fed = cli_check_fields("--by", scan_options.columns, scan_options.column_count,
                            set->paths, set->path_count, &set->map);
    *fed = *fed && asking_check_fields(&set->ask, set->paths, set->path_count,
                                       set->map.entries, set->map.count) == CLI_DONE;
    if (!*fed)
        return CLI_USAGE;
    *fed = flowan_scan_open(&scan, set->paths, set->path_count, &scan_options,
                            &error) == FLOWAN_OK;
    if (!*fed) {
        cli_message("%s", error.message);
        return CLI_FAILED;
    }
    int status = CLI_DONE;
    cli_progress_begin(&set->progress, cli_total_bytes(set->paths, set->path_count));
    for (;;) {
        const flowan_batch *batch;
        const flowan_selection *selection;
        flowan_status got = flowan_scan_next(scan, &batch, &selection, &error);
        if (got == FLOWAN_END)
            break;
        bool damaged = got != FLOWAN_OK && got != FLOWAN_ERROR_MEMORY;
        if (got == FLOWAN_OK)
            got = flowan_report_push(report, batch, selection, &error);
        if (got == FLOWAN_OK)
            continue;
        cli_progress_end(&set->progress);
        cli_message("%s", error.message);
        status = CLI_FAILED;
        if (!damaged)
            break;
    }
    cli_progress_end(&set->progress);
    status = cli_tell_scan(scan, status, set->paths, set->path_count);
    asking_tell(&set->ask, scan);
    flowan_scan_free(scan);
    return status;
}

static int run_report(settings *set)
{
    flowan_report *report = NULL;
    flowan_error error;
    int status = asking_open(&set->ask);
    if (status != CLI_DONE)
        goto out;
    set->report.networks = set->ask.networks;
    set->report.asdb = set->ask.asdb;
    if (flowan_report_new(&report, &set->report, &error) != FLOWAN_OK) {
        status = cli_usage("%s", error.message);
        goto out;
    }
    bool fed;
    status = feed(set, report, &fed);
    flowan_report_style style = {.size = sizeof style,
                                 .columns = cli_columns(100),
                                 .colour =
                                     isatty(STDOUT_FILENO) && !getenv("NO_COLOR")};
    if (fed && !cli_stopped() &&
        flowan_report_write(report, set->format, cli_write, NULL, &style, &error) !=
            FLOWAN_OK &&
        !cli_output_failed())
        goto failed;
    goto out;
failed:
    cli_message("%s", error.message);
    status = CLI_FAILED;
out:
    flowan_report_free(report);
    asking_close(&set->ask);
    return status;
}

int main(int argc, char **argv)
{
    static const char *const commands[] = {"networks", "asns", "matrix", "top",
                                           "series"};
    settings set = {.report = {.size = sizeof set.report},
                    .format = FLOWAN_REPORT_TABLE};
    cli_begin("flowan-report", NULL);
    if (argc < 2)
        return cli_usage("name a report: networks, asns, matrix, top or series");
    if (strcmp(argv[1], "--help") == 0)
        return cli_help(help);
    if (strcmp(argv[1], "--version") == 0)
        return cli_version();
    int kind = cli_place(argv[1], commands, 5);
    if (kind < 0)
        return cli_usage("unknown report '%s': networks, asns, matrix, top or series",
                         argv[1]);
    set.report.kind = (flowan_report_kind)(kind + 1);
    cli_begin("flowan-report", argv[1]);
    int option;
    opterr = 0;
    while ((option = getopt_long(argc - 1, argv + 1, ":o:f:j:", options, NULL)) != -1) {
        if (option == OPTION_HELP)
            return cli_help(help);
        if (option == OPTION_VERSION)
            return cli_version();
        if (option == '?' || option == ':')
            return cli_bad_option(argv + 1, option);
        if (!take_option(&set, option))
            return CLI_USAGE;
    }
    set.paths = (const char *const *)argv + 1 + optind;
    set.path_count = (size_t)(argc - 1 - optind);
    if (set.path_count == 0)
        return cli_usage("name at least one PATH");
    if (!cli_check_window(&set.window))
        return CLI_USAGE;
    if (set.report.kind == FLOWAN_REPORT_TOP && !set.report.by)
        return cli_usage("top needs --by KEYS, such as --by src_addr,dst_port");
    set.report.has_start = set.window.has_start;
    set.report.has_end = set.window.has_end;
    set.report.start_ns = set.window.start_ns;
    set.report.end_ns = set.window.end_ns;
    cli_catch_signals();
    int status = run_report(&set);
    free(set.exporters);
    return cli_end(status);
}
