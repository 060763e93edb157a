/* plain-segment LOG SEGMENT: writes each record of a log as a block of its own, small and
 * hardly packed, so that check-format.py can read it without zstd. */
#include <stdio.h>
#include <stdlib.h>

#include "flowan/flowan.h"

static void stop(const char *what)
{
    fprintf(stderr, "plain-segment: %s\n", what);
    exit(EXIT_FAILURE);
}

int main(int argc, char **argv)
{
    static char text[1 << 20];
    FILE *log = argc == 3 ? fopen(argv[1], "rb") : NULL;
    if (!log)
        stop("usage: plain-segment LOG SEGMENT");
    size_t size = fread(text, 1, sizeof text, log);
    fclose(log);
    flowan_error error;
    flowan_batch *batch;
    flowan_parser *parser;
    flowan_writer *writer;
    size_t used;
    /* zstd's fastest level, at which it finds nothing in so few bytes */
    flowan_writer_options options = {.size = sizeof options, .zstd_level = -131072};
    if (flowan_batch_new(&batch, NULL, &error) != FLOWAN_OK ||
        flowan_parser_new(&parser, NULL, &error) != FLOWAN_OK ||
        flowan_parser_feed(parser, text, size, batch, &used, &error) != FLOWAN_OK ||
        flowan_writer_open(&writer, argv[2], &options, &error) != FLOWAN_OK)
        stop(error.message);
    for (size_t row = 0; row < flowan_batch_rows(batch); row++)
        if (flowan_writer_write(writer, batch, row, 1, NULL, &error) != FLOWAN_OK)
            stop(error.message);
    if (flowan_writer_finish(writer, NULL, 0, &error) != FLOWAN_OK)
        stop(error.message);
    flowan_writer_free(writer);
    flowan_parser_free(parser);
    flowan_batch_free(batch);
    return EXIT_SUCCESS;
}
