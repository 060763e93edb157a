/* How fast a log becomes batches: best of five passes over a file in memory, into one
 * batch that is reused, every field converted. The file is fed whole, or in pieces of
 * --chunk bytes as a collector would; with --read too, each piece is read(2) from the file
 * before it is fed. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "flowan/flowan.h"

enum {
    PASSES = 5,
    PAGE = 4096,
    ROWS = 4096 /* of a batch: its columns stay in the second cache */
};

typedef struct bench {
    char *data;
    size_t size;
    size_t chunk; /* bytes a feed; 0: all at once */
    bool reads;
    char *buffer; /* page-aligned, of a chunk's size */
    int fd;
    flowan_parser *parser;
    flowan_batch *batch;
    uint64_t records;
    uint64_t rejects;
} bench;

static void die(const char *what, const char *why)
{
    fprintf(stderr, "bench-parse: %s: %s\n", what, why);
    exit(1);
}

static void take(bench *b)
{
    b->records += flowan_batch_rows(b->batch);
    b->rejects += flowan_batch_rejects(b->batch);
    flowan_batch_reset(b->batch);
}

static void feed(bench *b, const char *data, size_t size)
{
    while (size > 0) {
        size_t used;
        flowan_error error;
        flowan_status status =
            flowan_parser_feed(b->parser, data, size, b->batch, &used, &error);
        if (status < 0)
            die("parsing", error.message);
        data += used;
        size -= used;
        if (status == FLOWAN_FULL)
            take(b);
    }
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static double pass(bench *b)
{
    b->records = b->rejects = 0;
    double start = seconds();
    flowan_parser_reset(b->parser);
    size_t step = b->chunk ? b->chunk : b->size;
    for (size_t at = 0; !b->reads && at < b->size; at += step)
        feed(b, b->data + at, step < b->size - at ? step : b->size - at);
    if (b->reads)
        lseek(b->fd, 0, SEEK_SET);
    for (ssize_t got; b->reads && (got = read(b->fd, b->buffer, b->chunk)) != 0;) {
        if (got < 0)
            die("reading", strerror(errno));
        feed(b, b->buffer, (size_t)got);
    }
    flowan_error error;
    if (flowan_parser_finish(b->parser, b->batch, &error) != FLOWAN_OK)
        die("parsing", error.message);
    take(b);
    return seconds() - start;
}

static size_t number(const char *text)
{
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno || *end || end == text || value == 0 || value > (1U << 30)) {
        fprintf(stderr, "bench-parse: %s is no size from 1 to 2^30\n", text);
        exit(2);
    }
    return (size_t)value;
}

static char *pages(size_t size)
{
    char *memory = aligned_alloc(PAGE, (size / PAGE + 1) * PAGE);
    if (!memory)
        die("starting", "no memory");
    return memory;
}

/* The log, decompressed where it is compressed. Not mapped: page faults are not what is
 * measured. */
static void load(bench *b, const char *path)
{
    flowan_source *source;
    flowan_error error;
    flowan_status status = flowan_source_open(&source, path, &error);
    const void *run;
    size_t size;
    size_t room = 0;
    while (status == FLOWAN_OK &&
           (status = flowan_source_read(source, &run, &size, &error)) == FLOWAN_OK) {
        if (!b->data || b->size + size > room) {
            room = 2 * (b->size + size);
            char *grown = pages(room);
            if (b->data)
                memcpy(grown, b->data, b->size);
            free(b->data);
            b->data = grown;
        }
        memcpy(b->data + b->size, run, size);
        b->size += size;
    }
    if (status < 0)
        die(path, error.message);
    flowan_source_free(source);
}

static void open_file(bench *b, const char *path)
{
    struct stat info;
    b->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (b->fd < 0 || fstat(b->fd, &info) != 0)
        die(path, strerror(errno));
    if ((size_t)info.st_size != b->size)
        die(path, "is compressed, which --read does not know");
    b->buffer = pages(b->chunk);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"portable", no_argument, NULL, 'p'},    {"general", no_argument, NULL, 'g'},
        {"chunk", required_argument, NULL, 'c'}, {"read", no_argument, NULL, 'd'},
        {"rows", required_argument, NULL, 'r'},  {NULL, 0, NULL, 0}};
    bench b = {.fd = -1};
    flowan_parser_options parser_options = {.size = sizeof parser_options,
                                            .no_content_hash = true};
    flowan_batch_options batch_options = {.size = sizeof batch_options,
                                          .capacity = ROWS};
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'p': parser_options.kernel = FLOWAN_KERNEL_PORTABLE; break;
        case 'g': parser_options.kernel = FLOWAN_KERNEL_NONE; break;
        case 'c': b.chunk = number(optarg); break;
        case 'd': b.reads = true; break;
        case 'r': batch_options.capacity = (uint32_t)number(optarg); break;
        default: return 2;
        }
    }
    if (argc - optind != 1 || (b.reads && b.chunk == 0)) {
        fprintf(stderr,
                "usage: bench-parse FILE [--portable|--general] [--chunk BYTES] "
                "[--rows N]\n");
        return 2;
    }
    load(&b, argv[optind]);
    if (b.reads)
        open_file(&b, argv[optind]);
    flowan_error error;
    if (flowan_parser_new(&b.parser, &parser_options, &error) != FLOWAN_OK ||
        flowan_batch_new(&b.batch, &batch_options, &error) != FLOWAN_OK)
        die("starting", error.message);
    double best = 0;
    for (int i = 0; i < PASSES; i++) {
        double time = pass(&b);
        if (i == 0 || time < best)
            best = time;
    }
    printf("parse: %llu records, %.3f s, %.2f GB/s, %.2f M records/s\n",
           (unsigned long long)b.records, best, (double)b.size / best / 1e9,
           (double)b.records / best / 1e6);
    if (b.rejects)
        printf("rejects: %llu\n", (unsigned long long)b.rejects);
    flowan_batch_free(b.batch);
    flowan_parser_free(b.parser);
    if (b.fd >= 0)
        close(b.fd);
    free(b.buffer);
    free(b.data);
    return 0;
}
