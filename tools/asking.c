#include "asking.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "cli.h"

enum { THREADS_MAX = 256 };

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

bool asking_take_threads(asking *ask, const char *text)
{
    uint64_t threads;
    if (!cli_number("-j", text, THREADS_MAX, &threads))
        return false;
    ask->threads = (uint32_t)threads;
    return true;
}

int asking_open(asking *ask)
{
    flowan_error error;
    flowan_filter_options options = {.size = sizeof options, .now_ns = cli_now()};
    ask->began = seconds();
    if ((ask->networks_path && flowan_networks_load(&ask->networks, ask->networks_path,
                                                    &error) != FLOWAN_OK) ||
        (ask->asdb_path &&
         flowan_asdb_open(&ask->asdb, ask->asdb_path, &error) != FLOWAN_OK)) {
        cli_message("%s", error.message);
        return CLI_FAILED;
    }
    options.networks = ask->networks;
    if (!ask->filter_text)
        return CLI_DONE;
    flowan_status status = flowan_filter_compile(
        &ask->filter, ask->filter_text, strlen(ask->filter_text), &options, &error);
    if (status == FLOWAN_OK)
        return CLI_DONE;
    if (status == FLOWAN_ERROR_ARGUMENT)
        return cli_usage("%s", error.message);
    cli_message("%s", error.message);
    return CLI_FAILED;
}

int asking_check_fields(const asking *ask, const char *const *paths, size_t count,
                        const flowan_key_map *map, size_t map_count)
{
    size_t named;
    cli_key_map own = {.count = map_count};
    if (!ask->filter)
        return CLI_DONE;
    for (size_t i = 0; i < map_count; i++)
        own.entries[i] = map[i];
    const char *const *names = flowan_filter_columns(ask->filter, &named);
    return cli_check_fields("-f", names, named, paths, count, &own) ? CLI_DONE
                                                                    : CLI_USAGE;
}

void asking_set(const asking *ask, flowan_scan_options *options)
{
    options->filter = ask->filter;
    options->asdb = ask->asdb;
    options->prefer_asdb = ask->prefer_asdb;
    options->threads = ask->threads;
}

void asking_tell(const asking *ask, const flowan_scan *scan)
{
    flowan_scan_counts counts = flowan_scan_count(scan);
    asking_tell_counts(ask, &counts);
}

void asking_tell_counts(const asking *ask, const flowan_scan_counts *c)
{
    char read[32];
    if (!ask->explain)
        return;
    fprintf(stderr,
            "segments  %" PRIu64 " read, %" PRIu64
            " passed over by their times, %" PRIu64 " by their footers\n",
            c->segments_read, c->segments_skipped, c->segments_not_matching);
    fprintf(stderr,
            "blocks    %" PRIu64 " read, %" PRIu64
            " passed over by their times, %" PRIu64 " by footers, %" PRIu64
            " by bounds of classes, %" PRIu64 " by lists of values, %" PRIu64
            " by an index\n",
            c->blocks_read, c->blocks_skipped, c->blocks_not_matching,
            c->blocks_by_bounds, c->blocks_by_dictionary, c->blocks_by_index);
    fprintf(stderr,
            "records   %" PRIu64 " of those that were not passed over, %" PRIu64
            " found\n",
            c->rows, c->rows_selected);
    fprintf(stderr, "read      %s of blocks", cli_size(c->bytes_read, read));
    if (c->log_bytes > 0)
        fprintf(stderr, ", %s of logs", cli_size(c->log_bytes, read));
    fprintf(stderr, "\ntime      %.1f ms\n", (seconds() - ask->began) * 1e3);
}

void asking_close(asking *ask)
{
    flowan_filter_free(ask->filter);
    flowan_networks_free(ask->networks);
    flowan_asdb_free(ask->asdb);
    *ask = (asking){0};
}
