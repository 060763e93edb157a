/* flowan-dump --count: what the records come to. */
#include <inttypes.h>

#include "dump.h"

static void print_count(const flowan_scan_sums *sums, bool json)
{
    char packets[FLOWAN_SUM_TEXT_SIZE + 1];
    char bytes[FLOWAN_SUM_TEXT_SIZE + 1];
    char first[FLOWAN_TIME_TEXT_SIZE + 2] = "null";
    char last[FLOWAN_TIME_TEXT_SIZE + 2] = "null";
    packets[flowan_sum_text(sums->packets, packets)] = 0;
    bytes[flowan_sum_text(sums->bytes, bytes)] = 0;
    if (sums->has_span) {
        char text[FLOWAN_TIME_TEXT_SIZE];
        flowan_time_format(sums->first_ns, text);
        snprintf(first, sizeof first, json ? "\"%s\"" : "%s", text);
        flowan_time_format(sums->last_ns, text);
        snprintf(last, sizeof last, json ? "\"%s\"" : "%s", text);
    }
    printf(json ? "{\"flows\":%" PRIu64 ",\"packets\":%s,\"bytes\":%s,\"first\":%s,"
                  "\"last\":%s}\n"
                : "flows    %" PRIu64 "\npackets  %s\nbytes    %s\nfirst    %s\n"
                  "last     %s\n",
           sums->flows, packets, bytes, json || sums->has_span ? first : "-",
           json || sums->has_span ? last : "-");
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
    static const char *const columns[] = {"bytes", "packets", "time_received_ns",
                                          "time_flow_start_ns", "time_flow_end_ns"};
    dump_run run;
    flowan_scan_sums sums = {0};
    if (dump_begin(&run, set, columns, sizeof columns / sizeof *columns) == CLI_DONE) {
        if (set->has_limit)
            run.status = count_limited(&run, &sums);
        else
            count_all(&run, &sums);
        print_count(&sums, json);
    }
    dump_end(&run);
    return run.status;
}
