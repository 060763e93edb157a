/* flowan-dump: records of archives, segments and logs, as text. */
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "dump-ecs.h"

static const char help[] =
    "Usage: flowan-dump [OPTION]... PATH...\n"
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
    "      --start T        only flows that overlap the time from T on\n"
    "      --end T          ... and before T (2025-03-15T17:10, now, -2h, or seconds)\n"
    "      --inside         only flows that lie wholly in it\n"
    "  -n, --limit N        at most N records\n"
    "      --count          print only records, packets, bytes and the time they span\n"
    "      --schema         print the columns: types, units, how many records have them\n"
    "      --map KEY=FIELD  in logs, KEY means FIELD of goflow2; repeatable\n"
    "\n"
    "With -o ecs:\n"
    "      --preserve-original  event.original: the record as it came in\n"
    "      --tag TAG            add to the tags; repeatable\n"
    "      --ignore-older AGE   leave out what began so long ago: 72h\n"
    "      --networks FILE      the local networks: PREFIX NAME [tag=value ...] a line\n"
    "                           default: private and carrier-grade NAT space\n"
    "      --asn-db FILE        a MaxMind DB of ASNs, for source.as and destination.as\n"
    "      --prefer-asdb        ask it before the ASNs of the record\n"
    "      --elastic-compat     sampled counts as Elastic's GoFlow2 integration has them\n"
    "\n"
    "      --help           this text\n"
    "      --version        the version\n"
    "\n"
    "Exit status: 0 done, 1 failed, 2 wrong usage, 3 done but some input was rejected.\n";

typedef struct settings {
    const char *output; /* NULL: not said */
    char *fields_text;
    const char **fields;
    size_t field_count;
    cli_window window;
    bool inside;
    bool has_limit;
    uint64_t limit;
    bool count;
    bool schema;
    cli_key_map map;
    dump_ecs ecs;
    const char *const *paths;
    size_t path_count;
} settings;

enum {
    OPTION_FIELDS = 256,
    OPTION_START,
    OPTION_END,
    OPTION_INSIDE,
    OPTION_COUNT,
    OPTION_SCHEMA,
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
    {"schema", no_argument, NULL, OPTION_SCHEMA},
    {"map", required_argument, NULL, OPTION_MAP},
    {"asn-db", required_argument, NULL, DUMP_ECS_ASN_DB},
    {"elastic-compat", no_argument, NULL, DUMP_ECS_COMPAT},
    {"ignore-older", required_argument, NULL, DUMP_ECS_IGNORE_OLDER},
    {"networks", required_argument, NULL, DUMP_ECS_NETWORKS},
    {"prefer-asdb", no_argument, NULL, DUMP_ECS_PREFER_ASDB},
    {"preserve-original", no_argument, NULL, DUMP_ECS_PRESERVE},
    {"tag", required_argument, NULL, DUMP_ECS_TAG},
    {"help", no_argument, NULL, OPTION_HELP},
    {"version", no_argument, NULL, OPTION_VERSION},
    {NULL, 0, NULL, 0},
};

/* --- the command line --- */

static bool split_fields(settings *set, const char *text)
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
static int read_options(settings *set, int argc, char **argv, bool *go_on)
{
    int option;
    opterr = 0;
    *go_on = false;
    while ((option = getopt_long(argc, argv, ":o:n:", options, NULL)) != -1) {
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
        case OPTION_MAP:
            if (!cli_take_map(&set->map, optarg))
                return CLI_USAGE;
            break;
        case OPTION_HELP: return cli_help(help);
        case OPTION_VERSION: return cli_version();
        default:
            if (option < DUMP_ECS)
                return cli_bad_option(argv, option);
            if (!dump_ecs_take(&set->ecs, option, optarg))
                return CLI_USAGE;
        }
    }
    set->paths = (const char *const *)argv + optind;
    set->path_count = (size_t)(argc - optind);
    if (set->path_count == 0)
        return cli_usage("name at least one PATH");
    if (!cli_check_window(&set->window))
        return CLI_USAGE;
    *go_on = true;
    return CLI_DONE;
}

static flowan_format format_of(const settings *set)
{
    static const char *const names[] = {"exact", "json", "csv", "table", "ecs"};
    if (!set->output)
        return isatty(STDOUT_FILENO) ? FLOWAN_FORMAT_TABLE : FLOWAN_FORMAT_JSON;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(set->output, names[i]) == 0)
            return (flowan_format)(i + 1);
    return 0;
}

/* --- reading --- */

typedef struct run {
    const settings *set;
    cli_progress progress;
    int status;
    uint64_t left; /* records that may still be printed */
} run;

static int on_progress(void *context, const flowan_scan_counts *counts)
{
    run *r = context;
    cli_progress_show(&r->progress, counts->rows, counts->log_bytes);
    return cli_stopped();
}

static int open_scan(run *r, const char *const *columns, size_t count,
                     flowan_scan **scan)
{
    flowan_scan_options scan_options = {.size = sizeof scan_options,
                                        .columns = columns,
                                        .column_count = count,
                                        .start_ns = r->set->window.start_ns,
                                        .end_ns = r->set->window.end_ns,
                                        .has_start = r->set->window.has_start,
                                        .has_end = r->set->window.has_end,
                                        .inside = r->set->inside,
                                        .progress = on_progress,
                                        .context = r,
                                        .map = r->set->map.entries,
                                        .map_count = r->set->map.count};
    flowan_error error;
    if (flowan_scan_open(scan, r->set->paths, r->set->path_count, &scan_options,
                         &error) == FLOWAN_OK)
        return CLI_DONE;
    cli_message("%s", error.message);
    return CLI_FAILED;
}

/* Cuts the selection down to what -n still allows. */
static void limit_rows(run *r, const flowan_batch *batch,
                       const flowan_selection **selection, flowan_selection *cut,
                       uint32_t **rows)
{
    size_t count = *selection ? (*selection)->count : flowan_batch_rows(batch);
    if (!r->set->has_limit)
        return;
    if (count <= r->left) {
        r->left -= count;
        return;
    }
    if (!*selection) {
        *rows = realloc(*rows, ((size_t)r->left + 1) * sizeof **rows);
        for (size_t i = 0; *rows && i < r->left; i++)
            (*rows)[i] = (uint32_t)i;
        *cut = (flowan_selection){*rows, *rows ? (size_t)r->left : 0};
    } else {
        *cut = (flowan_selection){(*selection)->rows, (size_t)r->left};
    }
    *selection = cut;
    r->left = 0;
}

/* Calls `take` for each batch; tells of damage and goes on behind it. */
static void each_batch(run *r, flowan_scan *scan,
                       flowan_status (*take)(void *context, const flowan_batch *batch,
                                             const flowan_selection *selection,
                                             flowan_error *error),
                       void *context)
{
    uint32_t *rows = NULL;
    bool go_on = true;
    while (go_on && !cli_stopped() && !(r->set->has_limit && r->left == 0)) {
        const flowan_batch *batch;
        const flowan_selection *selection;
        flowan_selection cut;
        flowan_error error;
        flowan_status status = flowan_scan_next(scan, &batch, &selection, &error);
        if (status == FLOWAN_END)
            break;
        if (status == FLOWAN_OK) {
            limit_rows(r, batch, &selection, &cut, &rows);
            status = take(context, batch, selection, &error);
            go_on = status == FLOWAN_OK;
        }
        if (status == FLOWAN_OK || cli_output_failed())
            continue;
        cli_progress_end(&r->progress);
        cli_message("%s", error.message);
        r->status = CLI_FAILED;
        go_on = go_on && status != FLOWAN_ERROR_MEMORY;
    }
    cli_progress_end(&r->progress);
    free(rows);
    if (!r->set->has_limit || r->set->limit > 0)
        r->status = cli_tell_scan(scan, r->status, r->set->paths, r->set->path_count);
}

/* --- records --- */

typedef struct records {
    flowan_encoder *encoder;
    bool all; /* of what is there, so also what is no record */
} records;

static flowan_status take_records(void *context, const flowan_batch *batch,
                                  const flowan_selection *selection,
                                  flowan_error *error)
{
    const records *to = context;
    flowan_reject reject;
    flowan_status status = flowan_encoder_write(to->encoder, batch, selection, error);
    for (size_t i = 0;
         to->all && status == FLOWAN_OK && flowan_batch_reject(batch, i, &reject); i++)
        status = flowan_encoder_reject(to->encoder, &reject, error);
    return status;
}

static flowan_status open_schema(flowan_schema **schema, const settings *set,
                                 size_t *damaged, flowan_error *error)
{
    flowan_schema_options schema_options = {.size = sizeof schema_options,
                                            .map = set->map.entries,
                                            .map_count = set->map.count};
    return flowan_schema_new(schema, set->paths, set->path_count, &schema_options,
                             damaged, error);
}

/* CSV needs its columns before its first line: all that are there. */
static int find_fields(settings *set)
{
    flowan_schema *schema;
    flowan_error error;
    for (size_t i = 0; i < set->path_count; i++)
        if (strcmp(set->paths[i], "-") == 0)
            return cli_usage("csv of standard input needs --fields");
    if (open_schema(&schema, set, NULL, &error) != FLOWAN_OK) {
        cli_message("%s", error.message);
        return CLI_FAILED;
    }
    flowan_schema_column column;
    size_t count = 0;
    size_t size = 1;
    while (flowan_schema_get(schema, count++, &column))
        size += column.name_size + 1;
    set->fields = calloc(count, sizeof *set->fields);
    set->fields_text = calloc(size, 1);
    char *at = set->fields_text;
    for (size_t i = 0; set->fields && at && flowan_schema_get(schema, i, &column);
         i++) {
        bool known = false; /* another type of a name that is there */
        for (size_t k = 0; k < set->field_count; k++)
            known = known || strcmp(set->fields[k], column.name) == 0;
        if (known || column.present == 0)
            continue;
        set->fields[set->field_count++] = strcpy(at, column.name);
        at += column.name_size + 1;
    }
    flowan_schema_free(schema);
    if (set->fields && at)
        return CLI_DONE;
    cli_message("out of memory");
    return CLI_FAILED;
}

static int dump(settings *set, flowan_format format)
{
    int status;
    if (set->fields && !cli_check_fields("--fields", set->fields, set->field_count,
                                         set->paths, set->path_count, &set->map))
        return CLI_USAGE;
    if (format == FLOWAN_FORMAT_CSV && !set->fields) {
        status = find_fields(set);
        if (status != CLI_DONE)
            return status;
    }
    flowan_encoder_options encoder_options = {.size = sizeof encoder_options,
                                              .format = format,
                                              .fields = set->fields,
                                              .field_count = set->field_count,
                                              .columns = cli_columns(100),
                                              .write = cli_write};
    status = dump_ecs_open(&set->ecs, &encoder_options);
    if (status != CLI_DONE)
        return status;
    flowan_encoder *encoder;
    flowan_error error;
    if (flowan_encoder_new(&encoder, &encoder_options, &error) != FLOWAN_OK)
        return cli_usage("%s", error.message);
    records to = {encoder,
                  !set->has_limit && !set->window.has_start && !set->window.has_end};
    run r = {.set = set, .left = set->limit};
    cli_progress_begin(&r.progress, cli_total_bytes(set->paths, set->path_count));
    size_t count;
    const char *const *columns = flowan_encoder_columns(encoder, &count);
    flowan_scan *scan = NULL;
    r.status = open_scan(&r, columns, count, &scan);
    if (r.status == CLI_DONE) {
        each_batch(&r, scan, take_records, &to);
        if (!cli_output_failed() &&
            flowan_encoder_finish(encoder, &error) != FLOWAN_OK &&
            !cli_output_failed()) {
            cli_message("%s", error.message);
            r.status = CLI_FAILED;
        }
    }
    flowan_scan_free(scan);
    flowan_encoder_free(encoder);
    return r.status;
}

/* --- --count --- */

static flowan_status take_count(void *context, const flowan_batch *batch,
                                const flowan_selection *selection, flowan_error *error)
{
    return flowan_aggregator_push(context, batch, selection, error);
}

static void print_count(const flowan_totals *totals, bool json)
{
    char packets[FLOWAN_SUM_TEXT_SIZE + 1];
    char bytes[FLOWAN_SUM_TEXT_SIZE + 1];
    char first[FLOWAN_TIME_TEXT_SIZE + 2] = "null";
    char last[FLOWAN_TIME_TEXT_SIZE + 2] = "null";
    packets[flowan_sum_text(totals->total.packets, packets)] = 0;
    bytes[flowan_sum_text(totals->total.bytes, bytes)] = 0;
    if (totals->has_span) {
        char text[FLOWAN_TIME_TEXT_SIZE];
        flowan_time_format(totals->first_ns, text);
        snprintf(first, sizeof first, json ? "\"%s\"" : "%s", text);
        flowan_time_format(totals->last_ns, text);
        snprintf(last, sizeof last, json ? "\"%s\"" : "%s", text);
    }
    printf(json ? "{\"flows\":%" PRIu64 ",\"packets\":%s,\"bytes\":%s,\"first\":%s,"
                  "\"last\":%s}\n"
                : "flows    %" PRIu64 "\npackets  %s\nbytes    %s\nfirst    %s\n"
                  "last     %s\n",
           totals->total.flows, packets, bytes, json || totals->has_span ? first : "-",
           json || totals->has_span ? last : "-");
}

static int count_records(const settings *set, bool json)
{
    static const char *const columns[] = {"bytes", "packets", "time_received_ns",
                                          "time_flow_start_ns", "time_flow_end_ns"};
    flowan_aggregator_options aggregator_options = {.size = sizeof aggregator_options,
                                                    .raw_counts = true};
    flowan_aggregator *aggregator;
    flowan_error error;
    if (flowan_aggregator_new(&aggregator, &aggregator_options, &error) != FLOWAN_OK) {
        cli_message("%s", error.message);
        return CLI_FAILED;
    }
    run r = {.set = set, .left = set->limit};
    cli_progress_begin(&r.progress, cli_total_bytes(set->paths, set->path_count));
    flowan_scan *scan = NULL;
    r.status = open_scan(&r, columns, sizeof columns / sizeof *columns, &scan);
    if (r.status == CLI_DONE) {
        each_batch(&r, scan, take_count, aggregator);
        flowan_totals totals;
        flowan_aggregator_totals(aggregator, &totals);
        print_count(&totals, json);
    }
    flowan_scan_free(scan);
    flowan_aggregator_free(aggregator);
    return r.status;
}

/* --- --schema --- */

static void print_schema(const flowan_schema *schema, bool json)
{
    flowan_schema_column column;
    uint64_t rows = flowan_schema_rows(schema);
    if (!json)
        printf("%-32s %-12s %-8s %12s %7s  %s\n", "column", "type", "unit", "records",
               "fill", "what it is");
    for (size_t i = 0; flowan_schema_get(schema, i, &column); i++) {
        const flowan_field_info *info =
            column.field >= 0 ? flowan_field_info_of((flowan_field)column.field) : NULL;
        const char *type = flowan_type_name(column.type);
        double fill = rows ? 100.0 * (double)column.present / (double)rows : 0;
        if (!json) {
            printf("%-32s %-12s %-8s %12" PRIu64 " %6.2f%%  %s\n", column.name, type,
                   info && info->unit[0] ? info->unit : "-", column.present, fill,
                   info ? info->description : "(a key of this log)");
            continue;
        }
        printf("{\"name\":");
        cli_json_string(stdout, column.name);
        printf(",\"type\":\"%s\",\"unit\":\"%s\",\"ipfix\":%" PRIu32
               ",\"present\":%" PRIu64 ",\"rows\":%" PRIu64 "}\n",
               type, info ? info->unit : "", info ? info->ipfix_element : 0,
               column.present, rows);
    }
}

static int show_schema(const settings *set, bool json)
{
    flowan_schema *schema;
    flowan_error error;
    size_t damaged;
    if (open_schema(&schema, set, &damaged, &error) != FLOWAN_OK) {
        cli_message("%s", error.message);
        return CLI_FAILED;
    }
    print_schema(schema, json);
    flowan_schema_free(schema);
    if (damaged == 0)
        return CLI_DONE;
    cli_message("%s", error.message);
    return CLI_FAILED;
}

static int run_dump(settings *set)
{
    flowan_format format = format_of(set);
    if (format == 0)
        return cli_usage("-o: unknown format '%s': exact, json, csv, ecs or table",
                         set->output);
    bool json = set->output && strcmp(set->output, "json") == 0;
    if (set->ecs.given && (set->schema || set->count))
        return cli_usage("%s is for documents, and --%s prints none", set->ecs.given,
                         set->schema ? "schema" : "count");
    if (set->schema)
        return show_schema(set, json);
    if (set->count)
        return count_records(set, json);
    return dump(set, format);
}

int main(int argc, char **argv)
{
    settings set = {0};
    bool go_on;
    cli_begin("flowan-dump", NULL);
    int status = read_options(&set, argc, argv, &go_on);
    if (go_on) {
        cli_catch_signals();
        status = cli_end(run_dump(&set));
    }
    free(set.fields_text);
    free(set.fields);
    dump_ecs_close(&set.ecs);
    return status;
}
