/* flowan-dump: records of archives, segments and logs, as text. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dump.h"

static const char help[] =
    "Usage: flowan-dump [OPTION]... PATH...\n"
    "       flowan-dump --nat ADDR[:PORT] --at T [OPTION]... PATH...\n"
    "       flowan-dump --schema PATH...\n"
    "Print flow records. A PATH is an archive's directory, a segment, a log of goflow2\n"
    "(plain, gzip or zstd), or - for standard input.\n"
    "\n"
    "  -o, --output FORMAT  exact  the JSON objects as they came in\n"
    "                       json   normalised JSON, one object a line\n"
    "                       csv    RFC 4180\n"
    "                       ecs    documents of the Elastic Common Schema 8.16\n"
    "                       table  for people\n"
    "                       default: table on a terminal, json else\n"
    "      --fields A,B,... the fields to print, in this order\n"
    "  -f, --filter FILTER  only records that it holds for: 'proto tcp and dst port 443'\n"
    "      --start T        only flows that overlap the time from T on\n"
    "      --end T          ... and before T (2025-03-15T17:10, now, -2h, or seconds)\n"
    "      --inside         only flows that lie wholly in it\n"
    "  -n, --limit N        at most N records\n"
    "      --count          print only records, packets, bytes and the time they span\n"
    "      --schema         print the columns: types, units, how many records have them\n"
    "      --map KEY=FIELD  in logs, KEY means FIELD of goflow2; repeatable\n"
    "      --networks FILE  the local networks: PREFIX NAME [tag=value ...] a line\n"
    "                       default: private and carrier-grade NAT space\n"
    "      --asn-db FILE    a MaxMind DB of ASNs, for filters and documents\n"
    "      --prefer-asdb    ask it before the ASNs of the record\n"
    "  -j, --jobs N         N threads read blocks; the output is the same\n"
    "      --explain        tell on standard error what was read, and what passed over\n"
    "\n"
    "Who had a public address:\n"
    "      --nat ADDR[:PORT]  which hosts were behind it; [ADDR]:PORT where it is IPv6\n"
    "      --at T           at that time (or --start and --end: between them)\n"
    "      --skew D         give or take so much: 5s\n"
    "      --gap D          nothing received for so long is a gap in the data: 5m\n"
    "\n"
    "With -o ecs:\n"
    "      --preserve-original  event.original: the record as it came in\n"
    "      --tag TAG            add to the tags; repeatable\n"
    "      --ignore-older AGE   leave out what began so long ago: 72h\n"
    "      --elastic-compat     sampled counts as Elastic's GoFlow2 integration has them\n"
    "\n"
    "      --help           this text\n"
    "      --version        the version\n"
    "\n"
    "Exit status: 0 done, 1 failed, 2 wrong usage, 3 done but some input was rejected.\n";

enum {
    OPTION_FIELDS = 256,
    OPTION_START,
    OPTION_END,
    OPTION_INSIDE,
    OPTION_COUNT,
    OPTION_SCHEMA,
    OPTION_EXPLAIN,
    OPTION_NETWORKS,
    OPTION_ASN_DB,
    OPTION_PREFER_ASDB,
    OPTION_MAP,
    OPTION_HELP,
    OPTION_VERSION
};

static const struct option options[] = {
    {"output", required_argument, NULL, 'o'},
    {"fields", required_argument, NULL, OPTION_FIELDS},
    {"start", required_argument, NULL, OPTION_START},
    {"end", required_argument, NULL, OPTION_END},
    {"inside", no_argument, NULL, OPTION_INSIDE},
    {"limit", required_argument, NULL, 'n'},
    {"count", no_argument, NULL, OPTION_COUNT},
    {"filter", required_argument, NULL, 'f'},
    {"jobs", required_argument, NULL, 'j'},
    {"explain", no_argument, NULL, OPTION_EXPLAIN},
    {"networks", required_argument, NULL, OPTION_NETWORKS},
    {"asn-db", required_argument, NULL, OPTION_ASN_DB},
    {"prefer-asdb", no_argument, NULL, OPTION_PREFER_ASDB},
    {"schema", no_argument, NULL, OPTION_SCHEMA},
    {"map", required_argument, NULL, OPTION_MAP},
    {"nat", required_argument, NULL, DUMP_NAT_ADDRESS},
    {"at", required_argument, NULL, DUMP_NAT_AT},
    {"skew", required_argument, NULL, DUMP_NAT_SKEW},
    {"gap", required_argument, NULL, DUMP_NAT_GAP},
    {"elastic-compat", no_argument, NULL, DUMP_ECS_COMPAT},
    {"ignore-older", required_argument, NULL, DUMP_ECS_IGNORE_OLDER},
    {"preserve-original", no_argument, NULL, DUMP_ECS_PRESERVE},
    {"tag", required_argument, NULL, DUMP_ECS_TAG},
    {"help", no_argument, NULL, OPTION_HELP},
    {"version", no_argument, NULL, OPTION_VERSION},
    {NULL, 0, NULL, 0},
};

/* --- the command line --- */

static bool split_fields(dump_settings *set, const char *text)
{
    free(set->fields_text);
    free(set->fields);
    set->field_count = 0;
    set->fields_text = strdup(text);
    set->fields = calloc(strlen(text) + 1, sizeof *set->fields);
    if (!set->fields_text || !set->fields)
        return false;
    for (char *at = set->fields_text; at;) {
        char *end = strchr(at, ',');
        if (end)
            *end++ = 0;
        if (!*at) {
            cli_usage("--fields: a name is empty in '%s'", text);
            return false;
        }
        set->fields[set->field_count++] = at;
        at = end;
    }
    return true;
}

/* CLI_DONE and *go_on, or what to exit with. */
static int read_options(dump_settings *set, int argc, char **argv, bool *go_on)
{
    int option;
    opterr = 0;
    *go_on = false;
    while ((option = getopt_long(argc, argv, ":o:n:f:j:", options, NULL)) != -1) {
        switch (option) {
        case 'o': set->output = optarg; break;
        case 'n':
            if (!cli_number("-n", optarg, UINT64_MAX, &set->limit))
                return CLI_USAGE;
            set->has_limit = true;
            break;
        case OPTION_FIELDS:
            if (!split_fields(set, optarg))
                return CLI_USAGE;
            break;
        case OPTION_START:
        case OPTION_END:
            if (!cli_take_time(&set->window, option == OPTION_START, optarg))
                return CLI_USAGE;
            break;
        case OPTION_INSIDE: set->inside = true; break;
        case OPTION_COUNT: set->count = true; break;
        case OPTION_SCHEMA: set->schema = true; break;
        case 'f': set->ask.filter_text = optarg; break;
        case 'j':
            if (!asking_take_threads(&set->ask, optarg))
                return CLI_USAGE;
            break;
        case OPTION_EXPLAIN: set->ask.explain = true; break;
        case OPTION_NETWORKS: set->ask.networks_path = optarg; break;
        case OPTION_ASN_DB: set->ask.asdb_path = optarg; break;
        case OPTION_PREFER_ASDB: set->ask.prefer_asdb = true; break;
        case OPTION_MAP:
            if (!cli_take_map(&set->map, optarg))
                return CLI_USAGE;
            break;
        case OPTION_HELP: return cli_help(help);
        case OPTION_VERSION: return cli_version();
        default:
            if (option < DUMP_ECS)
                return cli_bad_option(argv, option);
            if (option < DUMP_NAT ? !dump_ecs_take(&set->ecs, option, optarg)
                                  : !dump_nat_take(&set->nat, option, optarg))
                return CLI_USAGE;
        }
    }
    set->paths = (const char *const *)argv + optind;
    set->path_count = (size_t)(argc - optind);
    if (set->path_count == 0)
        return cli_usage("name at least one PATH");
    if (!cli_check_window(&set->window) ||
        (set->nat.given && !dump_nat_check(&set->nat, &set->window)))
        return CLI_USAGE;
    *go_on = true;
    return CLI_DONE;
}

static flowan_format format_of(const dump_settings *set)
{
    static const char *const names[] = {"exact", "json", "csv", "table", "ecs"};
    if (!set->output)
        return isatty(STDOUT_FILENO) ? FLOWAN_FORMAT_TABLE : FLOWAN_FORMAT_JSON;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(set->output, names[i]) == 0)
            return (flowan_format)(i + 1);
    return 0;
}

static int run_dump(dump_settings *set)
{
    if (set->nat.given)
        return dump_nat_answer(set);
    flowan_format format = format_of(set);
    if (format == 0)
        return cli_usage("-o: unknown format '%s': exact, json, csv, ecs or table",
                         set->output);
    bool json = set->output && strcmp(set->output, "json") == 0;
    if (set->ecs.given && (set->schema || set->count))
        return cli_usage("%s is for documents, and --%s prints none", set->ecs.given,
                         set->schema ? "schema" : "count");
    if (set->schema)
        return dump_schema(set, json);
    int status = asking_open(&set->ask);
    if (status == CLI_DONE)
        status = asking_check_fields(&set->ask, set->paths, set->path_count,
                                     set->map.entries, set->map.count);
    if (status != CLI_DONE)
        return status;
    return set->count ? dump_count(set, json) : dump_records(set, format);
}

int main(int argc, char **argv)
{
    dump_settings set = {0};
    bool go_on;
    cli_begin("flowan-dump", NULL);
    int status = read_options(&set, argc, argv, &go_on);
    if (go_on) {
        cli_catch_signals();
        status = cli_end(run_dump(&set));
    }
    free(set.fields_text);
    free(set.fields);
    dump_ecs_free(&set.ecs);
    asking_close(&set.ask);
    return status;
}
