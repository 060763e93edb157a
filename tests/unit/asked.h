/* Segments in memory, and blocks of them that are asked: what the tests of bounds,
 * summaries and picked rows share. */
#ifndef FL_ASKED_H
#define FL_ASKED_H

#include "filters.h"
#include "pick.h"
#include "segment-files.h"

static inline int asked_append(void *context, const void *data, size_t size)
{
    fl_buffer_append(context, data, size);
    return 0;
}

static inline int asked_read(void *context, void *data, size_t size, uint64_t offset)
{
    const fl_buffer *file = context;
    ck_assert(offset <= file->size && size <= file->size - offset);
    memcpy(data, file->data + offset, size);
    return 0;
}

/* A segment of all rows in blocks of `rows`. */
static inline fl_buffer asked_file(const flowan_batch *batch, size_t rows,
                                   flowan_level level)
{
    fl_buffer file = {0};
    flowan_writer_options options = {.size = sizeof options, .level = level};
    flowan_writer *writer;
    ck_assert_int_eq(
        flowan_writer_new(&writer, asked_append, &file, "it", &options, NULL),
        FLOWAN_OK);
    for (size_t first = 0; first < batch->rows; first += rows)
        write_block(writer, batch, first,
                    batch->rows - first < rows ? batch->rows - first : rows, NULL);
    finish(writer, NULL, 0);
    ck_assert(!file.failed);
    return file;
}

static inline flowan_reader *asked_open(fl_buffer *file)
{
    flowan_reader *reader;
    flowan_error error = {0};
    if (flowan_reader_new(&reader, asked_read, file, file->size, "it", &error) !=
        FLOWAN_OK)
        ck_abort_msg("%s", error.message);
    return reader;
}

enum { ASKED_ROWS = 2048 };

/* Rows that filters can tell apart, by columns of all sorts: some that all rows have alike,
 * or that count, that each run has, that only some have, and that no range tells. */
static inline flowan_batch *asked_batch(void)
{
    fl_buffer text = {0};
    for (unsigned i = 0; i < ASKED_ROWS; i++) {
        unsigned long long t = 1742058651000 + i / 8;
        fl_buffer_format(&text,
                         "{\"type\":\"IPFIX\",\"time_received_ns\":%llu000000,"
                         "\"sequence_num\":%u,\"sampler_address\":\"192.0.2.%u\","
                         "\"time_flow_start_ns\":%llu000000,"
                         "\"time_flow_end_ns\":%llu000000,",
                         t, i / 8, 1 + i / 512, t - 2000, t - 1000);
        fl_buffer_format(&text,
                         "\"bytes\":%u,\"packets\":%u,\"src_addr\":\"10.0.%u.%u\","
                         "\"in_if\":7,\"dst_port\":%u,\"proto\":\"%s\"",
                         100 + i, 1 + i % 5, i / 256, i % 256, i % 3 ? 443 : 53,
                         i % 3 ? "TCP" : "UDP");
        if (i % 4 == 0)
            fl_buffer_format(&text, ",\"mine\":%u,\"note\":\"n%u\",\"as_path\":[%u,7]",
                             i, i % 10, i);
        fl_buffer_text(&text, "}\n");
    }
    ck_assert(!text.failed);
    flowan_batch *batch = batch_of(text.data, text.size);
    fl_buffer_free(&text);
    return batch;
}

#endif
