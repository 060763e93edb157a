/* A scan of the inputs, batch by batch. */
#include <stdlib.h>

#include "dump.h"

int dump_begin(dump_run *run, const dump_settings *set, const char *const *columns,
               size_t count)
{
    flowan_scan_options options = {.size = sizeof options,
                                   .columns = columns,
                                   .column_count = count,
                                   .start_ns = set->window.start_ns,
                                   .end_ns = set->window.end_ns,
                                   .has_start = set->window.has_start,
                                   .has_end = set->window.has_end,
                                   .inside = set->inside,
                                   .progress = cli_progress_scan,
                                   .context = &run->progress,
                                   .map = set->map.entries,
                                   .map_count = set->map.count};
    flowan_error error;
    asking_set(&set->ask, &options);
    *run = (dump_run){.set = set, .left = set->limit};
    cli_progress_begin(&run->progress, cli_total_bytes(set->paths, set->path_count));
    if (flowan_scan_open(&run->scan, set->paths, set->path_count, &options, &error) ==
        FLOWAN_OK)
        return CLI_DONE;
    cli_message("%s", error.message);
    return run->status = CLI_FAILED;
}

/* Cuts the selection down to what -n still allows. */
static void limit_rows(dump_run *r, const flowan_batch *batch,
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

void dump_each(dump_run *r, dump_take take, void *context)
{
    uint32_t *rows = NULL;
    bool go_on = true;
    while (go_on && !cli_stopped() && !(r->set->has_limit && r->left == 0)) {
        const flowan_batch *batch;
        const flowan_selection *selection;
        flowan_selection cut;
        flowan_error error;
        flowan_status status = flowan_scan_next(r->scan, &batch, &selection, &error);
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
    free(rows);
}

void dump_end(dump_run *run)
{
    const dump_settings *set = run->set;
    cli_progress_end(&run->progress);
    if (run->scan && (!set->has_limit || set->limit > 0))
        run->status =
            cli_tell_scan(run->scan, run->status, set->paths, set->path_count);
    if (run->scan)
        asking_tell(&set->ask, run->scan);
    flowan_scan_free(run->scan);
    run->scan = NULL;
}
