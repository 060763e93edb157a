/* write-segment LEVEL LOG SEGMENT [ROWS]: makes a segment of a log, in blocks of ROWS
 * records (1 without it) at the level fast, default or small. One whose name ends in .open
 * gets an empty block and no footer, as if its writer had been interrupted. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flowan/flowan.h"

#define XXH3_OF_NOTHING UINT64_C(0x2d06800538d394c2)

static void stop(const char *what)
{
    fprintf(stderr, "write-segment: %s\n", what);
    exit(EXIT_FAILURE);
}

static flowan_level level_of(const char *name)
{
    return strcmp(name, "fast") == 0    ? FLOWAN_LEVEL_FAST
           : strcmp(name, "small") == 0 ? FLOWAN_LEVEL_SMALL
                                        : FLOWAN_LEVEL_DEFAULT;
}

static bool is_open(const char *name)
{
    size_t size = strlen(name);
    return size > 5 && strcmp(name + size - 5, ".open") == 0;
}

int main(int argc, char **argv)
{
    static char text[4 << 20];
    FILE *file = argc == 4 || argc == 5 ? fopen(argv[2], "rb") : NULL;
    if (!file)
        stop("usage: write-segment LEVEL LOG SEGMENT [ROWS]");
    size_t size = fread(text, 1, sizeof text, file);
    size_t step = argc == 5 ? (size_t)atoi(argv[4]) : 1;
    fclose(file);
    flowan_error error;
    flowan_batch *batch;
    flowan_parser *parser;
    flowan_writer *writer;
    size_t used;
    flowan_writer_options options = {
        .size = sizeof options, .serial = 1, .level = level_of(argv[1])};
    /* nothing is read for good before the end: so many records are in */
    flowan_log_state log = {.path = "flows.json",
                            .head_hash = XXH3_OF_NOTHING,
                            .position = {.content_hash = XXH3_OF_NOTHING}};
    if (flowan_batch_new(&batch, NULL, &error) != FLOWAN_OK ||
        flowan_parser_new(&parser, NULL, &error) != FLOWAN_OK ||
        flowan_parser_feed(parser, text, size, batch, &used, &error) != FLOWAN_OK ||
        flowan_writer_open(&writer, argv[3], &options, &error) != FLOWAN_OK)
        stop(error.message);
    size_t rows = flowan_batch_rows(batch);
    for (size_t row = 0; row < rows; row += step) {
        size_t count = step < rows - row ? step : rows - row;
        log.rows_after += (uint32_t)count;
        if (flowan_writer_write(writer, batch, row, count, &log, &error) != FLOWAN_OK)
            stop(error.message);
    }
    /* a log that went on without a record */
    flowan_status status = is_open(argv[3])
                               ? flowan_writer_write(writer, batch, 0, 0, &log, &error)
                               : flowan_writer_finish(writer, &log, 1, &error);
    if (status != FLOWAN_OK)
        stop(error.message);
    flowan_writer_free(writer);
    flowan_parser_free(parser);
    flowan_batch_free(batch);
    return EXIT_SUCCESS;
}
