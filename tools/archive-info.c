/* flowan-archive info: what is in an archive. */
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "archive.h"

static const char info_help[] =
    "Usage: flowan-archive info -a DIR [--json] [--gap D] [--quick]\n"
    "Say what is in an archive: segments, records, bytes, compression, the time that the\n"
    "flows cover, gaps in which nothing was received, exporters and what was lost of\n"
    "theirs, and the logs that were read, with how far.\n"
    "\n"
    "  -a, --archive DIR  the archive\n"
    "      --json         as one JSON object\n"
    "      --gap D        nothing received for that long is a gap (default 5m)\n"
    "      --quick        no exporters, for which every block is read\n"
    "      --help         this text\n";

/* Of gaps and exporters in text. */
enum { SHOWN_MAX = 20 };

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

/* --- gaps and losses --- */

/* A block whose statistics do not say whether it has a gap inside. */
typedef struct wide_block {
    size_t segment;
    size_t block;
    flowan_segment_stats stats;
} wide_block;

typedef struct survey {
    const char *path;
    bool quick;
    flowan_archive *archive;
    summary sum;
    flowan_gaps *gaps;
    flowan_losses *losses;
    flowan_batch *batch;
    flowan_reader *newest; /* its footer knows all logs */
    wide_block *wide;
    size_t wide_count;
} survey;

static bool note_wide(survey *s, size_t segment, size_t block,
                      const flowan_segment_stats *stats)
{
    if ((s->wide_count & (s->wide_count - 1)) == 0) {
        size_t room = s->wide_count ? 2 * s->wide_count : 1;
        wide_block *wide = realloc(s->wide, room * sizeof *wide);
        if (!wide)
            return false;
        s->wide = wide;
    }
    s->wide[s->wide_count++] = (wide_block){segment, block, *stats};
    return true;
}

static flowan_status out_of_memory(flowan_error *error)
{
    *error = (flowan_error){.status = FLOWAN_ERROR_MEMORY, .message = "out of memory"};
    return error->status;
}

/* Takes a block by its statistics and, but for --quick, by its records. */
static flowan_status look_at_block(survey *s, flowan_reader *reader, size_t segment,
                                   size_t block, const flowan_segment_stats *stats,
                                   flowan_error *error)
{
    flowan_status status;
    bool wide = !flowan_gaps_add_stats(s->gaps, stats, &status);
    if (status != FLOWAN_OK)
        return out_of_memory(error);
    if (s->quick)
        return wide && !note_wide(s, segment, block, stats) ? out_of_memory(error)
                                                            : FLOWAN_OK;
    size_t count;
    const char *const *columns = flowan_losses_columns(&count);
    status = flowan_reader_read(reader, block, columns, count, s->batch, error);
    if (status == FLOWAN_OK)
        status = flowan_losses_add(s->losses, s->batch, error);
    if (status == FLOWAN_OK && wide)
        status = flowan_gaps_add(s->gaps, s->batch, error);
    return status;
}

/* Whether a segment is still being written, or was when its writer was killed. */
static bool is_open(const char *path)
{
    size_t size = strlen(path);
    return size > 5 && strcmp(path + size - 5, ".open") == 0;
}

static void note_damage(survey *s, bool *damaged, const char *message)
{
    if (!*damaged)
        s->sum.damaged++;
    *damaged = true;
    cli_message("%s", message);
}

/* FLOWAN_ERROR_MEMORY, or FLOWAN_OK: damage is told and passed over. */
static flowan_status look_at_segment(survey *s, flowan_reader *reader, size_t index)
{
    flowan_error error;
    flowan_segment_info info = flowan_reader_info(reader);
    flowan_segment_stats stats;
    const char *path = flowan_archive_path(s->archive, index);
    bool damaged = false;
    add_segment(&s->sum, &info);
    if (!info.finished && !is_open(path)) {
        snprintf(error.message, sizeof error.message,
                 "%.400s: the end of the segment is missing or damaged", path);
        note_damage(s, &damaged, error.message);
        s->sum.unfinished--;
    }
    for (size_t i = 0; flowan_reader_block(reader, i, &stats) && !cli_stopped(); i++) {
        flowan_status status = look_at_block(s, reader, index, i, &stats, &error);
        if (status == FLOWAN_ERROR_MEMORY)
            cli_message("%s", error.message);
        if (status == FLOWAN_ERROR_MEMORY)
            return status;
        if (status != FLOWAN_OK)
            note_damage(s, &damaged, error.message);
    }
    return FLOWAN_OK;
}

/* With --quick: the times of blocks that may hide a gap, now that the others are known. */
static flowan_status look_at_wide(survey *s)
{
    static const char *const times[] = {"time_received_ns", "time_flow_start_ns"};
    flowan_reader *reader = NULL;
    flowan_error error;
    flowan_status status = FLOWAN_OK;
    for (size_t i = 0; i < s->wide_count && !cli_stopped(); i++) {
        const wide_block *wide = &s->wide[i];
        if (flowan_gaps_add_stats(s->gaps, &wide->stats, NULL))
            continue;
        if (!reader || s->wide[i - 1].segment != wide->segment) {
            flowan_reader_free(reader);
            reader = NULL;
            status = flowan_archive_reader(s->archive, wide->segment, &reader, &error);
        }
        if (status == FLOWAN_ERROR_NOT_FOUND)
            break;
        if (status == FLOWAN_OK)
            status =
                flowan_reader_read(reader, wide->block, times, 2, s->batch, &error);
        if (status == FLOWAN_OK)
            status = flowan_gaps_add(s->gaps, s->batch, &error);
        if (status != FLOWAN_OK) {
            bool damaged = false;
            note_damage(s, &damaged, error.message);
            status = FLOWAN_OK;
        }
    }
    flowan_reader_free(reader);
    return status;
}

static void print_gap(const flowan_gap *gap, bool first, bool json)
{
    char from[FLOWAN_TIME_TEXT_SIZE];
    char to[FLOWAN_TIME_TEXT_SIZE];
    uint64_t ms = (gap->to_ns - gap->from_ns) / 1000000;
    flowan_time_format(gap->from_ns, from);
    flowan_time_format(gap->to_ns, to);
    if (json)
        printf("%s\n{\"from\":\"%s\",\"to\":\"%s\",\"seconds\":%" PRIu64 ".%03u}",
               first ? "" : ",", from, to, ms / 1000, (unsigned)(ms % 1000));
    else
        printf("%-10s %s to %s, %" PRIu64 ".%03u s\n", first ? "gaps" : "", from, to,
               ms / 1000, (unsigned)(ms % 1000));
}

/* Of many, text has the latest. */
static void print_gaps(flowan_gaps *gaps, bool json)
{
    flowan_gap gap;
    size_t count = 0;
    while (flowan_gaps_get(gaps, count, &gap))
        count++;
    size_t first = json || count <= SHOWN_MAX ? 0 : count - SHOWN_MAX;
    if (json)
        printf(",\"gaps\":[");
    else if (count == 0)
        printf("%-10s none\n", "gaps");
    for (size_t i = first; flowan_gaps_get(gaps, i, &gap); i++)
        print_gap(&gap, i == first, json);
    if (json)
        printf("]");
    else if (first > 0)
        printf("%-10s and %zu earlier ones: --json has all\n", "", first);
}

static int by_lost(const void *left, const void *right)
{
    const flowan_exporter *a = left;
    const flowan_exporter *b = right;
    if (a->lost != b->lost)
        return a->lost > b->lost ? -1 : 1;
    return a->rows > b->rows ? -1 : a->rows < b->rows;
}

static double lost_share(const flowan_exporter *exporter)
{
    double sent = (double)exporter->counted + (double)exporter->lost;
    return sent > 0 ? (double)exporter->lost / sent : 0;
}

static void print_exporter_json(const flowan_exporter *exporter, bool first)
{
    char address[FLOWAN_ADDRESS_TEXT_SIZE];
    printf("%s\n{\"address\":", first ? "" : ",");
    if (exporter->has_address) {
        flowan_address_format(&exporter->address, address);
        printf("\"%s\"", address);
    } else {
        printf("null");
    }
    printf(",\"type\":%s%s%s", exporter->type ? "\"" : "",
           exporter->type ? exporter->type : "null", exporter->type ? "\"" : "");
    if (exporter->has_domain)
        printf(",\"observation_domain_id\":%" PRIu32, exporter->domain);
    printf(",\"records\":%" PRIu64 ",\"unit\":\"%s\"", exporter->rows,
           exporter->datagrams ? "datagrams" : "records");
    if (exporter->counted)
        printf(",\"counted\":%" PRIu64 ",\"lost\":%" PRIu64 ",\"lost_share\":%.6f}",
               exporter->counted, exporter->lost, lost_share(exporter));
    else
        printf(",\"counted\":0,\"lost\":null,\"lost_share\":null}");
}

static void print_exporter_text(const flowan_exporter *exporter)
{
    char address[FLOWAN_ADDRESS_TEXT_SIZE] = "-";
    char domain[16] = "";
    if (exporter->has_address)
        flowan_address_format(&exporter->address, address);
    if (exporter->has_domain)
        snprintf(domain, sizeof domain, "%" PRIu32, exporter->domain);
    printf("%-10s %-39s %-10s %-10s %12" PRIu64, "", address,
           exporter->type ? exporter->type : "-", domain, exporter->rows);
    if (exporter->counted)
        printf(" %10" PRIu64 " %-9s %7.3f %%\n", exporter->lost,
               exporter->datagrams ? "datagrams" : "records",
               100 * lost_share(exporter));
    else
        printf(" %10s %-9s %9s\n", "-", "", "-");
}

/* Of many, text has those that lost the most. */
static bool print_exporters(const flowan_losses *losses, bool json)
{
    flowan_exporter exporter;
    size_t count = 0;
    while (flowan_losses_get(losses, count, &exporter))
        count++;
    flowan_exporter *all = malloc((count + 1) * sizeof *all);
    if (!all)
        return false;
    for (size_t i = 0; i < count; i++)
        flowan_losses_get(losses, i, &all[i]);
    qsort(all, count, sizeof *all, by_lost);
    if (json)
        printf(",\"exporters\":[");
    else if (count > 0)
        printf("%-10s %-39s %-10s %-10s %12s %20s %9s\n", "exporters", "address",
               "type", "domain", "records", "lost, at most about", "share");
    for (size_t i = 0; i < count && (json || i < SHOWN_MAX); i++)
        if (json)
            print_exporter_json(&all[i], i == 0);
        else
            print_exporter_text(&all[i]);
    free(all);
    if (json)
        printf("],\"exporters_left_out\":%" PRIu64, flowan_losses_left_out(losses));
    else if (count > SHOWN_MAX)
        printf("%-10s and %zu more: --json has all\n", "", count - SHOWN_MAX);
    if (!json && flowan_losses_left_out(losses))
        printf("%-10s and others with %" PRIu64 " records, too many to count\n", "",
               flowan_losses_left_out(losses));
    return true;
}

/* --- all of it --- */

static void survey_end(survey *s)
{
    flowan_archive_free(s->archive);
    flowan_gaps_free(s->gaps);
    flowan_losses_free(s->losses);
    flowan_batch_free(s->batch);
    flowan_reader_free(s->newest);
    free(s->wide);
}

/* FLOWAN_ERROR_NOT_FOUND: a segment went while we looked. */
static flowan_status survey_archive(survey *s, uint64_t gap_ns, flowan_error *error)
{
    s->sum =
        (summary){.stats = {.received_min_ns = UINT64_MAX, .span_min_ns = UINT64_MAX}};
    flowan_status status = flowan_gaps_new(&s->gaps, gap_ns, error);
    if (status == FLOWAN_OK)
        status = flowan_losses_new(&s->losses, 0, error);
    if (status == FLOWAN_OK)
        status = flowan_batch_new(&s->batch, NULL, error);
    size_t count = flowan_archive_segments(s->archive);
    for (size_t i = 0; status == FLOWAN_OK && i < count && !cli_stopped(); i++) {
        flowan_reader *reader;
        status = flowan_archive_reader(s->archive, i, &reader, error);
        if (status == FLOWAN_ERROR_NOT_FOUND || status == FLOWAN_ERROR_MEMORY)
            return status;
        if (status != FLOWAN_OK) {
            bool damaged = false;
            note_damage(s, &damaged, error->message);
            status = FLOWAN_OK;
            continue;
        }
        status = look_at_segment(s, reader, i);
        bool keep = !s->newest || flowan_reader_info(reader).finished;
        flowan_reader_free(keep ? s->newest : reader);
        if (keep)
            s->newest = reader;
    }
    return status == FLOWAN_OK ? look_at_wide(s) : status;
}

static int show_info(const char *path, uint64_t gap_ns, bool json, bool quick)
{
    flowan_error error;
    flowan_status status = FLOWAN_ERROR_NOT_FOUND;
    survey s = {0};
    /* Segments that are merged or expire meanwhile: from the beginning, so that none is
     * counted twice. */
    for (int i = 0; status == FLOWAN_ERROR_NOT_FOUND && i < 100; i++) {
        survey_end(&s);
        s = (survey){.path = path, .quick = quick};
        if (flowan_archive_open(&s.archive, path, &error) != FLOWAN_OK) {
            cli_message("%s", error.message);
            return CLI_FAILED;
        }
        status = survey_archive(&s, gap_ns, &error);
    }
    if (status != FLOWAN_OK && status != FLOWAN_ERROR_MEMORY)
        cli_message("%s", error.message);
    if (status == FLOWAN_OK && !cli_stopped()) {
        if (json)
            print_json(path, &s.sum);
        else
            print_text(path, &s.sum);
        print_gaps(s.gaps, json);
        if (!quick && !print_exporters(s.losses, json))
            status = FLOWAN_ERROR_MEMORY;
        print_logs(s.newest, json);
    }
    bool failed = status != FLOWAN_OK || s.sum.damaged > 0;
    survey_end(&s);
    return failed ? CLI_FAILED : CLI_DONE;
}

int archive_info_run(int argc, char **argv)
{
    enum { OPTION_JSON = 256, OPTION_GAP, OPTION_QUICK, OPTION_HELP };
    static const struct option options[] = {
        {"archive", required_argument, NULL, 'a'},
        {"json", no_argument, NULL, OPTION_JSON},
        {"gap", required_argument, NULL, OPTION_GAP},
        {"quick", no_argument, NULL, OPTION_QUICK},
        {"help", no_argument, NULL, OPTION_HELP},
        {NULL, 0, NULL, 0},
    };
    const char *archive = NULL;
    bool json = false;
    bool quick = false;
    uint64_t gap_ns = FLOWAN_GAP_DEFAULT_NS;
    int option;
    while ((option = getopt_long(argc, argv, ":a:", options, NULL)) != -1) {
        switch (option) {
        case 'a': archive = optarg; break;
        case OPTION_JSON: json = true; break;
        case OPTION_GAP:
            if (!cli_duration("--gap", optarg, &gap_ns))
                return CLI_USAGE;
            break;
        case OPTION_QUICK: quick = true; break;
        case OPTION_HELP: return cli_help(info_help);
        default: return cli_bad_option(argv, option);
        }
    }
    if (!archive)
        return cli_usage("-a DIR is missing: which archive?");
    if (optind < argc)
        return cli_usage("'%s' is one word too many", argv[optind]);
    cli_catch_signals();
    return cli_end(show_info(archive, gap_ns, json, quick));
}
