/* flowan-dump --nat: who had a public address, by which records, and whether there are
 * records of the time at all. */
#include "dump-nat.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dump.h"

/* --- the question --- */

/* "ADDR", "ADDR:PORT" where ADDR is IPv4, "[ADDR]", "[ADDR]:PORT". */
static bool take_address(dump_nat *nat, const char *value)
{
    char address[FLOWAN_ADDRESS_TEXT_SIZE];
    const char *from = value;
    const char *end = value + strlen(value);
    const char *port = NULL;
    uint64_t number;
    if (value[0] == '[') {
        from++;
        end = strchr(value, ']');
        if (end && end[1])
            port = end + 1;
    } else if (strchr(value, ':') && strchr(value, ':') == strrchr(value, ':')) {
        end = port = strchr(value, ':');
    }
    bool sound = end && (size_t)(end - from) < sizeof address &&
                 (!port || (port[0] == ':' && port[1]));
    if (sound) {
        memcpy(address, from, (size_t)(end - from));
        address[end - from] = 0;
        sound = flowan_address_parse(address, &nat->address, NULL) == FLOWAN_OK;
    }
    if (!sound) {
        cli_usage("--nat wants ADDR, ADDR:PORT or [ADDR]:PORT, not '%s'", value);
        return false;
    }
    nat->has_address = true;
    nat->has_port = port != NULL;
    if (!port)
        return true;
    if (!cli_number("--nat: the port", port + 1, 65535, &number))
        return false;
    nat->port = (uint32_t)number;
    return true;
}

static bool take_at(dump_nat *nat, const char *value)
{
    flowan_error error;
    nat->has_at = true;
    if (flowan_time_parse(value, cli_now(), &nat->at_ns, &error) == FLOWAN_OK)
        return true;
    cli_usage("--at: %s", error.message);
    return false;
}

/* No skew is a duration here. */
static bool take_skew(dump_nat *nat, const char *value)
{
    nat->has_skew = true;
    nat->skew_ns = 0;
    return value[strspn(value, "0")] == 0 && value[0]
               ? true
               : strcmp(value, "0s") == 0 ||
                     cli_duration("--skew", value, &nat->skew_ns);
}

bool dump_nat_take(dump_nat *nat, int option, const char *value)
{
    static const char *const names[] = {"--nat", "--at", "--skew", "--gap"};
    if (!nat->given)
        nat->given = names[option - DUMP_NAT];
    switch (option) {
    case DUMP_NAT_ADDRESS: return take_address(nat, value);
    case DUMP_NAT_AT: return take_at(nat, value);
    case DUMP_NAT_SKEW: return take_skew(nat, value);
    default: return cli_duration("--gap", value, &nat->gap_ns);
    }
}

bool dump_nat_check(const dump_nat *nat, const cli_window *window)
{
    bool range = window->has_start || window->has_end;
    if (!nat->has_address)
        cli_usage("%s is for --nat ADDR[:PORT]", nat->given);
    else if (nat->has_at && range)
        cli_usage("--at is one time, --start and --end are two: not both");
    else if (!nat->has_at && !range)
        cli_usage("--nat asks about a time: --at T, or --start and --end");
    else
        return true;
    return false;
}

/* --- the answer, either way --- */

typedef struct answer {
    const dump_settings *set;
    flowan_nat *nat;
    cli_progress progress;
    uint64_t matches;
    bool json;
} answer;

static const char *verdict_text(flowan_nat_verdict verdict)
{
    switch (verdict) {
    case FLOWAN_NAT_FOUND: return "found";
    case FLOWAN_NAT_NO_DATA: return "no data";
    case FLOWAN_NAT_NOBODY:
    case FLOWAN_NAT_UNDECIDED: break;
    }
    return "nobody";
}

static uint64_t passed_over(const flowan_scan_counts *c)
{
    return c->blocks_skipped + c->blocks_not_matching + c->blocks_by_bounds +
           c->blocks_by_dictionary + c->blocks_by_index;
}

static uint64_t skew_of(const dump_nat *nat)
{
    return nat->has_skew ? nat->skew_ns : FLOWAN_NAT_SKEW_DEFAULT_NS;
}

/* --- as JSON --- */

static void put_time(const char *key, bool has, uint64_t ns)
{
    char text[FLOWAN_TIME_TEXT_SIZE];
    flowan_time_format(ns, text);
    printf(has ? ",\"%s\":\"%s\"" : ",\"%s\":null", key, text);
}

static void put_address(const char *key, bool has, const flowan_address *address)
{
    char text[FLOWAN_ADDRESS_TEXT_SIZE];
    flowan_address_format(address, text);
    printf(has ? "\"%s\":\"%s\"" : "\"%s\":null", key, text);
}

static void put_number(const char *key, bool has, uint32_t number)
{
    printf(has ? ",\"%s\":%" PRIu32 : ",\"%s\":null", key, number);
}

static void begin_json(const answer *a, const char *text)
{
    const dump_nat *nat = &a->set->nat;
    const cli_window *window = &a->set->window;
    printf("{\"question\":{");
    put_address("address", true, &nat->address);
    put_number("port", nat->has_port, nat->port);
    if (nat->has_at) {
        put_time("at", true, nat->at_ns);
    } else {
        put_time("start", window->has_start, window->start_ns);
        put_time("end", window->has_end, window->end_ns);
    }
    printf(",\"skew_ns\":%" PRIu64 "},\"answer\":\"%s\",\"matches\":[", skew_of(nat),
           text);
}

static void put_match_json(const flowan_nat_match *m)
{
    printf("{");
    put_address("local_address", m->has_local_address, &m->local_address);
    put_number("local_port", m->has_local_port, m->local_port);
    printf(",");
    put_address("public_address", true, &m->public_address);
    put_number("public_port", m->has_public_port, m->public_port);
    printf(",\"port_unknown\":%s,", m->port_unknown ? "true" : "false");
    put_address("remote_address", m->has_remote_address, &m->remote_address);
    put_number("remote_port", m->has_remote_port, m->remote_port);
    if (m->proto_name)
        printf(",\"proto\":\"%s\"", m->proto_name);
    else
        put_number("proto", m->has_proto, m->proto);
    put_time("start", m->has_span, m->start_ns);
    put_time("end", m->has_span, m->end_ns);
    printf(",");
    put_address("exporter", m->has_exporter, &m->exporter);
    printf(",\"record\":");
    cli_write(NULL, m->record, m->record_size);
    printf("}");
}

static void end_json(const answer *a)
{
    flowan_scan_counts c = flowan_nat_count(a->nat);
    flowan_gap gap;
    printf("],\"segments_read\":%" PRIu64 ",\"blocks_read\":%" PRIu64
           ",\"blocks_skipped\":%" PRIu64 ",\"gaps\":[",
           c.segments_read, c.blocks_read, passed_over(&c));
    for (size_t i = 0; flowan_nat_gap(a->nat, i, &gap); i++) {
        char from[FLOWAN_TIME_TEXT_SIZE];
        char to[FLOWAN_TIME_TEXT_SIZE];
        flowan_time_format(gap.from_ns, from);
        flowan_time_format(gap.to_ns, to);
        printf(gap.from_ns ? "%s{\"from\":\"%s\"" : "%s{\"from\":null", i ? "," : "",
               from);
        printf(gap.to_ns != UINT64_MAX ? ",\"to\":\"%s\"}" : ",\"to\":null}", to);
    }
    printf("]}\n");
}

/* --- for people --- */

static const char *end_text(char out[64], bool has, const flowan_address *address,
                            bool has_port, uint32_t port)
{
    char text[FLOWAN_ADDRESS_TEXT_SIZE];
    flowan_address_format(address, text);
    if (!has)
        snprintf(out, 64, "?");
    else if (!has_port)
        snprintf(out, 64, "%s", text);
    else
        snprintf(out, 64, strchr(text, ':') ? "[%s]:%" PRIu32 : "%s:%" PRIu32, text,
                 port);
    return out;
}

static void begin_text(const answer *a, flowan_nat_verdict verdict)
{
    const dump_nat *nat = &a->set->nat;
    const cli_window *window = &a->set->window;
    char end[64];
    char from[FLOWAN_TIME_TEXT_SIZE] = "the beginning";
    char to[FLOWAN_TIME_TEXT_SIZE] = "the end";
    printf("%s ", end_text(end, true, &nat->address, nat->has_port, nat->port));
    if (nat->has_at) {
        flowan_time_format(nat->at_ns, from);
        printf("at %s", from);
    } else {
        if (window->has_start)
            flowan_time_format(window->start_ns, from);
        if (window->has_end)
            flowan_time_format(window->end_ns, to);
        printf("from %s to %s", from, to);
    }
    printf(", give or take %.3g s: %s\n", (double)skew_of(nat) / 1e9,
           verdict_text(verdict));
}

/* A terminal is not to be steered by what somebody sent. */
static void put_record(const flowan_nat_match *m)
{
    printf("    record    ");
    for (size_t i = 0; i < m->record_size; i++) {
        unsigned char byte = (unsigned char)m->record[i];
        putchar(byte < 0x20 || byte > 0x7e ? '?' : byte);
    }
    printf("\n");
}

static void put_match_text(const flowan_nat_match *m)
{
    char end[64];
    char text[FLOWAN_TIME_TEXT_SIZE];
    printf("\n%s\n", end_text(end, m->has_local_address, &m->local_address,
                              m->has_local_port, m->local_port));
    printf("    public    %s%s\n",
           end_text(end, true, &m->public_address, m->has_public_port, m->public_port),
           m->port_unknown ? ", port not known: it may have been another" : "");
    printf("    %s %s",
           m->outbound ? "to       " : "from     ", /* the direction of the packets */
           end_text(end, m->has_remote_address, &m->remote_address, m->has_remote_port,
                    m->remote_port));
    if (m->proto_name)
        printf(", %s", m->proto_name);
    else if (m->has_proto)
        printf(", protocol %" PRIu32, m->proto);
    printf("\n");
    if (m->has_span) {
        flowan_time_format(m->start_ns, text);
        printf("    when      %s", text);
        flowan_time_format(m->end_ns, text);
        if (m->start_ns != m->end_ns)
            printf(" to %s", text);
        printf("%s\n", m->clock_fault
                           ? ", when received: the exporter's times are broken"
                           : "");
    }
    printf("    exporter  %s\n",
           end_text(end, m->has_exporter, &m->exporter, false, 0));
    put_record(m);
}

static void put_gaps(const flowan_nat *nat)
{
    flowan_gap gap;
    for (size_t i = 0; flowan_nat_gap(nat, i, &gap); i++) {
        char from[FLOWAN_TIME_TEXT_SIZE];
        char to[FLOWAN_TIME_TEXT_SIZE];
        flowan_time_format(gap.from_ns, from);
        flowan_time_format(gap.to_ns, to);
        if (gap.from_ns == 0 && gap.to_ns == UINT64_MAX)
            printf("Nothing was received at all.\n");
        else if (gap.from_ns == 0)
            printf("Nothing was received before %s.\n", to);
        else if (gap.to_ns == UINT64_MAX)
            printf("Nothing was received after %s.\n", from);
        else
            printf("Nothing was received from %s to %s.\n", from, to);
    }
}

static void end_text_answer(const answer *a, bool damaged)
{
    flowan_scan_counts c = flowan_nat_count(a->nat);
    flowan_nat_verdict verdict = flowan_nat_answer(a->nat);
    if (verdict == FLOWAN_NAT_NOBODY)
        printf("No record matches.\n");
    else if (verdict == FLOWAN_NAT_NO_DATA && damaged)
        printf("No record matches, and not all of them could be read.\n");
    put_gaps(a->nat);
    printf("%sBlocks: %" PRIu64 " read, %" PRIu64
           " passed over; segments read: %" PRIu64 ".\n",
           a->matches ? "\n" : "", c.blocks_read, passed_over(&c), c.segments_read);
}

/* --- the lookup --- */

static void begin_answer(answer *a, flowan_nat_verdict verdict)
{
    cli_progress_end(&a->progress);
    if (a->json)
        begin_json(a, verdict_text(verdict));
    else
        begin_text(a, verdict);
}

static void put_match(answer *a, const flowan_nat_match *match)
{
    if (a->matches == 0)
        begin_answer(a, FLOWAN_NAT_FOUND);
    else if (a->json)
        printf(",");
    a->matches++;
    if (a->json)
        put_match_json(match);
    else
        put_match_text(match);
}

/* CLI_DONE, or CLI_FAILED after messages. */
static int put_matches(answer *a)
{
    const dump_settings *set = a->set;
    flowan_nat_match match;
    flowan_error error;
    int status = CLI_DONE;
    while (!cli_output_failed() && !(set->has_limit && a->matches >= set->limit)) {
        flowan_status next = flowan_nat_next(a->nat, &match, &error);
        if (next == FLOWAN_END)
            break;
        if (next == FLOWAN_OK) {
            put_match(a, &match);
            continue;
        }
        cli_progress_end(&a->progress);
        cli_message("%s", error.message);
        status = CLI_FAILED;
        if (next == FLOWAN_ERROR_MEMORY)
            break;
    }
    return status;
}

static int answer_question(answer *a)
{
    const dump_settings *set = a->set;
    const char *what = set->path_count == 1 ? set->paths[0] : "the inputs";
    int status = put_matches(a);
    cli_progress_end(&a->progress);
    flowan_nat_verdict verdict = flowan_nat_answer(a->nat);
    /* what was not looked through to its end, and had nothing so far, is no answer */
    if (a->matches == 0 && verdict == FLOWAN_NAT_UNDECIDED)
        return status;
    if (a->matches == 0)
        begin_answer(a, verdict);
    if (a->json)
        end_json(a);
    else
        end_text_answer(a, status != CLI_DONE);
    flowan_scan_counts counts = flowan_nat_count(a->nat);
    int rejects = cli_tell_rejects(counts.rejects, counts.rows, what);
    asking_tell_counts(&set->ask, &counts);
    return status == CLI_DONE ? rejects : status;
}

/* What of the other options makes no sense here: CLI_DONE, or CLI_USAGE with a message. */
static int check_others(const dump_settings *set, bool *json)
{
    const char *other = set->fields                         ? "--fields"
                        : set->inside                       ? "--inside"
                        : set->count                        ? "--count"
                        : set->schema                       ? "--schema"
                        : set->ask.filter_text              ? "-f"
                        : set->ecs.given                    ? set->ecs.given
                        : set->has_limit && set->limit == 0 ? "-n 0"
                                                            : NULL;
    if (other)
        return cli_usage("%s does not go with --nat", other);
    *json = set->output ? strcmp(set->output, "json") == 0 : !isatty(STDOUT_FILENO);
    if (set->output && !*json && strcmp(set->output, "table") != 0)
        return cli_usage("--nat answers with -o json or -o table, not '%s'",
                         set->output);
    return CLI_DONE;
}

int dump_nat_answer(dump_settings *set)
{
    answer a = {.set = set};
    int status = check_others(set, &a.json);
    if (status == CLI_DONE)
        status = asking_open(&set->ask);
    if (status != CLI_DONE)
        return status;
    const dump_nat *nat = &set->nat;
    const cli_window *window = &set->window;
    const flowan_nat_options options = {
        .size = sizeof options,
        .address = nat->address,
        .port = nat->port,
        .has_port = nat->has_port,
        .has_from = nat->has_at || window->has_start,
        .has_to = nat->has_at || window->has_end,
        .from_ns = nat->has_at ? nat->at_ns : window->start_ns,
        .to_ns = nat->has_at ? nat->at_ns + 1 : window->end_ns,
        .skew_ns = skew_of(nat),
        .gap_ns = nat->gap_ns,
        .threads = set->ask.threads,
        .map = set->map.entries,
        .map_count = set->map.count,
        .progress = cli_progress_scan,
        .context = &a.progress,
    };
    flowan_error error;
    cli_progress_begin(&a.progress, cli_total_bytes(set->paths, set->path_count));
    if (flowan_nat_open(&a.nat, set->paths, set->path_count, &options, &error) ==
        FLOWAN_OK) {
        status = answer_question(&a);
    } else {
        cli_message("%s", error.message);
        status = CLI_FAILED;
    }
    flowan_nat_free(a.nat);
    return status;
}
