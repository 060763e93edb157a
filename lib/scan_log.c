/* Logs: bytes of a source to batches. */
#include "scan.h"

static flowan_status open_log(flowan_scan *scan, flowan_error *error)
{
    flowan_parser_reset(scan->parser);
    scan->data_size = 0;
    scan->source_ended = false;
    flowan_status status =
        flowan_source_open(&scan->source, scan->inputs[scan->at].path, error);
    if (status != FLOWAN_OK)
        scan->source_ended = true;
    else
        scan->name = flowan_source_name(scan->source);
    return status;
}

flowan_status fl_scan_next_log(flowan_scan *scan, flowan_error *error)
{
    flowan_status status = scan->held_status;
    if (status != FLOWAN_OK) {
        scan->held_status = FLOWAN_OK;
        if (error)
            *error = scan->held;
        return status;
    }
    if (scan->source_ended)
        return FLOWAN_END;
    status = scan->source ? FLOWAN_OK : open_log(scan, error);
    if (status != FLOWAN_OK)
        return status;
    flowan_batch_reset(scan->batch);
    while (status == FLOWAN_OK) {
        if (scan->data_size == 0) {
            const void *data;
            status = flowan_source_read(scan->source, &data, &scan->data_size, error);
            scan->data = data;
            if (status != FLOWAN_OK)
                break;
            scan->counts.log_bytes += scan->data_size;
            if (scan->options.progress &&
                scan->options.progress(scan->options.context, &scan->counts) != 0)
                scan->stopped = true;
        }
        if (scan->stopped)
            status = FLOWAN_END;
        size_t used = 0;
        if (status == FLOWAN_OK)
            status = flowan_parser_feed(scan->parser, scan->data, scan->data_size,
                                        scan->batch, &used, error);
        scan->data += used;
        scan->data_size -= used;
    }
    if (status == FLOWAN_FULL)
        return FLOWAN_OK;
    scan->source_ended = true;
    if (status == FLOWAN_END)
        return scan->stopped ? FLOWAN_OK
                             : flowan_parser_finish(scan->parser, scan->batch, error);
    if (flowan_batch_rows(scan->batch) == 0 && flowan_batch_rejects(scan->batch) == 0)
        return status;
    scan->held_status = status;
    if (error)
        scan->held = *error;
    return FLOWAN_OK;
}
