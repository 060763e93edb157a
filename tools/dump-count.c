/* flowan-dump --count: what the records come to. */
#include <inttypes.h>
#include <string.h>

#include "dump.h"

/* What there is to count; the order of names is that of the output. */
typedef enum number { FLOWS, PACKETS, BYTES, FIRST, LAST, NUMBERS } number;

static const char *const names[NUMBERS] = {"flows", "packets", "bytes", "first",
                                           "last"};

/* The numbers asked for, in order. CLI_DONE, or what to exit with. */
static int choose_numbers(const dump_settings *set, number *numbers, size_t *count)
{
    *count = set->field_count ? set->field_count : NUMBERS;
    if (*count > NUMBERS)
        return cli_usage("--fields: there are only flows, packets, bytes, first and "
                         "last to count");
    for (size_t i = 0; i < *count; i++) {
        int at = set->field_count ? cli_place(set->fields[i], names, NUMBERS) : (int)i;
        if (at < 0)
            return cli_usage("--fields: --count has flows, packets, bytes, first and "
                             "last, not '%s'",
                             set->fields[i]);
        numbers[i] = (number)at;
    }
    return CLI_DONE;
}

/* The columns that they take; room for those of all. */
static size_t list_columns(const number *numbers, size_t count, const char **columns)
{
    bool asked[NUMBERS] = {false};
    size_t listed = 0;
    for (size_t i = 0; i < count; i++)
        asked[numbers[i]] = true;
    if (asked[PACKETS])
        columns[listed++] = "packets";
    if (asked[BYTES])
        columns[listed++] = "bytes";
    if (asked[FIRST] || asked[LAST]) {
        columns[listed++] = "time_received_ns";
        columns[listed++] = "time_flow_start_ns";
        columns[listed++] = "time_flow_end_ns";
    }
    return listed;
}

/* How the number reads. */
static void write_number(const flowan_scan_sums *sums, number which, char *text)
{
    switch (which) {
    case PACKETS: text[flowan_sum_text(sums->packets, text)] = 0; break;
    case BYTES: text[flowan_sum_text(sums->bytes, text)] = 0; break;
    case FIRST: flowan_time_format(sums->first_ns, text); break;
    case LAST: flowan_time_format(sums->last_ns, text); break;
    default: sprintf(text, "%" PRIu64, sums->flows);
    }
}

static void print_count(const flowan_scan_sums *sums, const number *numbers,
                        size_t count, bool json)
{
    char text[FLOWAN_SUM_TEXT_SIZE + 1]; /* no time is longer */
    for (size_t i = 0; i < count; i++) {
        bool is_time = numbers[i] == FIRST || numbers[i] == LAST;
        bool has = !is_time || sums->has_span;
        const char *quote = json && is_time && has ? "\"" : "";
        if (has)
            write_number(sums, numbers[i], text);
        else
            strcpy(text, json ? "null" : "-");
        if (json)
            printf("%c\"%s\":%s%s%s", i ? ',' : '{', names[numbers[i]], quote, text,
                   quote);
        else
            printf("%-7s  %s\n", names[numbers[i]], text);
    }
    if (json)
        printf("}\n");
}

/* Of no more than -n allows, batch by batch. */
static flowan_status take_limited(void *context, const flowan_batch *batch,
                                  const flowan_selection *selection,
                                  flowan_error *error)
{
    return flowan_aggregator_push(context, batch, selection, error);
}

static int count_limited(dump_run *run, flowan_scan_sums *sums)
{
    flowan_aggregator_options options = {.size = sizeof options, .raw_counts = true};
    flowan_aggregator *aggregator;
    flowan_error error;
    if (flowan_aggregator_new(&aggregator, &options, &error) != FLOWAN_OK) {
        cli_message("%s", error.message);
        return CLI_FAILED;
    }
    flowan_totals totals;
    dump_each(run, take_limited, aggregator);
    flowan_aggregator_totals(aggregator, &totals);
    *sums =
        (flowan_scan_sums){totals.total.flows, totals.total.packets, totals.total.bytes,
                           totals.has_span,    totals.first_ns,      totals.last_ns};
    flowan_aggregator_free(aggregator);
    return run->status;
}

static void count_all(dump_run *run, flowan_scan_sums *sums)
{
    flowan_status status;
    flowan_error error;
    while ((status = flowan_scan_sum(run->scan, sums, &error)) != FLOWAN_END) {
        cli_progress_end(&run->progress);
        cli_message("%s", error.message);
        run->status = CLI_FAILED;
        if (status == FLOWAN_ERROR_MEMORY)
            return;
    }
}

int dump_count(const dump_settings *set, bool json)
{
    const char *columns[NUMBERS + 1];
    number numbers[NUMBERS];
    size_t count;
    dump_run run;
    flowan_scan_sums sums = {0};
    int status = choose_numbers(set, numbers, &count);
    if (status != CLI_DONE)
        return status;
    if (dump_begin(&run, set, columns, list_columns(numbers, count, columns)) ==
        CLI_DONE) {
        if (set->has_limit)
            run.status = count_limited(&run, &sums);
        else
            count_all(&run, &sums);
        print_count(&sums, numbers, count, json);
    }
    dump_end(&run);
    return run.status;
}
