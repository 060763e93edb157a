/* What a segment gives back is what was written: exact texts, shapes and values. The first
 * byte says how many rows are in its first block. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "compare.h"
#include "flowan/segment.h"
#include "input.h"

static char path[64];

static void remove_file(void)
{
    unlink(path);
}

/* In memory where that goes: a segment is synced when it is finished. */
static void set_path(void)
{
    if (path[0])
        return;
    snprintf(path, sizeof path, "%s/flowan-fuzz-%ld.seg",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp", (long)getpid());
    atexit(remove_file);
}

#define MUST(call)                                                                     \
    do {                                                                               \
        flowan_error error = {0};                                                      \
        flowan_status must_status = (call);                                            \
        COMPARE_EXPECT(must_status == FLOWAN_OK, #call, "%s", error.message);          \
    } while (0)

/* In two blocks, the first of `first` rows. */
static void write_segment(const flowan_batch *batch, size_t first)
{
    size_t rows = flowan_batch_rows(batch);
    flowan_writer *writer;
    set_path();
    unlink(path);
    MUST(flowan_writer_open(&writer, path, NULL, &error));
    if (first)
        MUST(flowan_writer_write(writer, batch, 0, first, NULL, &error));
    MUST(flowan_writer_write(writer, batch, first, rows - first, NULL, &error));
    MUST(flowan_writer_finish(writer, NULL, 0, &error));
    flowan_writer_free(writer);
}

static void read_segment(const flowan_batch *batch, size_t first)
{
    size_t rows = flowan_batch_rows(batch);
    flowan_reader *reader;
    flowan_batch *got;
    MUST(flowan_batch_new(&got, NULL, &error));
    MUST(flowan_reader_open(&reader, path, &error));
    MUST(flowan_reader_verify(reader, NULL, &error));
    flowan_segment_info info = flowan_reader_info(reader);
    COMPARE_EXPECT(info.stats.rows == rows, "segment", "%llu rows, not %zu",
                   (unsigned long long)info.stats.rows, rows);
    size_t block = 0;
    if (first) {
        MUST(flowan_reader_read(reader, block++, NULL, 0, got, &error));
        compare_batches(batch, 0, first, got);
    }
    MUST(flowan_reader_read(reader, block++, NULL, 0, got, &error));
    compare_batches(batch, first, rows - first, got);
    COMPARE_EXPECT(info.blocks == block, "segment", "%zu blocks", info.blocks);
    flowan_reader_free(reader);
    flowan_batch_free(got);
}

/* Twice, so that shapes are known when they come again. What a batch does not take is not
 * of interest here. */
static void parse(const uint8_t *data, size_t size, flowan_batch *batch)
{
    flowan_parser *parser;
    MUST(flowan_parser_new(&parser, NULL, &error));
    for (int i = 0; i < 2; i++) {
        size_t used;
        if (flowan_parser_feed(parser, data, size, batch, &used, NULL) != FLOWAN_OK)
            break;
        MUST(flowan_parser_finish(parser, batch, &error));
        flowan_parser_reset(parser);
    }
    flowan_parser_free(parser);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > INPUT_MAX)
        return 0;
    flowan_batch *batch;
    MUST(flowan_batch_new(&batch, NULL, &error));
    parse(data + 1, size - 1, batch);
    size_t rows = flowan_batch_rows(batch);
    if (rows > 0) {
        write_segment(batch, data[0] % rows);
        read_segment(batch, data[0] % rows);
    }
    flowan_batch_free(batch);
    return 0;
}
