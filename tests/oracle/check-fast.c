/* Logs through every kernel of the parser: what a fast one makes of them is what the
 * general way does, record by record and value by value, and each record's text is the
 * object of the log. A log is fed several times, so that every shape in it has been learnt,
 * and cut into pieces.
 *
 *   check-fast LOG...      plain, gzip or zstd */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "compare.h"
#include "flowan/source.h"
#include "memory.h"
#include "streams.h"

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

enum { KERNELS = 3, WHOLE_PASSES = SANITIZED ? 2 : 3 };

/* Feeds of `size` bytes, for logs of at most `log_max`. */
static const struct {
    size_t size;
    size_t log_max;
    bool sanitized; /* there too, where all is ten times slower */
} cuts[] = {
    {1 << 20, SIZE_MAX, false},
    {4097, SIZE_MAX, true},
    {61, 256 << 10, false},
};

static const char *log_name;

static void say_log(int signal_number)
{
    (void)signal_number;
    static const char in[] = "in ";
    if (write(STDERR_FILENO, in, sizeof in - 1) < 0 ||
        write(STDERR_FILENO, log_name, strlen(log_name)) < 0 ||
        write(STDERR_FILENO, "\n", 1) < 0)
        return;
}

static fl_buffer read_log(const char *path)
{
    fl_buffer bytes = {0};
    flowan_source *source;
    flowan_error error;
    flowan_status status = flowan_source_open(&source, path, &error);
    while (status == FLOWAN_OK) {
        const void *data;
        size_t size;
        status = flowan_source_read(source, &data, &size, &error);
        if (status == FLOWAN_OK)
            fl_buffer_append(&bytes, data, size);
    }
    COMPARE_EXPECT(status == FLOWAN_END, path, "%s", error.message);
    COMPARE_EXPECT(!bytes.failed, path, "no memory");
    flowan_source_free(source);
    return bytes;
}

/* By parsers of its own: what they learn is this log's. */
static stream_tally check_log(const char *path)
{
    static const flowan_kernel kernels[KERNELS] = {
        FLOWAN_KERNEL_NONE, FLOWAN_KERNEL_PORTABLE, FLOWAN_KERNEL_BEST};
    stream *streams[KERNELS];
    stream_tally tally = {0};
    fl_buffer log = read_log(path);
    for (size_t i = 0; i < KERNELS; i++)
        streams[i] = stream_new(&(stream_options){.kernel = kernels[i]});
    for (size_t i = 0; i < WHOLE_PASSES; i++)
        tally = streams_compare(streams, KERNELS, log.data, log.size);
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        if (log.size > cuts[i].log_max || (SANITIZED && !cuts[i].sanitized))
            continue;
        /* the first stays whole */
        for (size_t k = 1; k < KERNELS; k++)
            stream_cut(streams[k], &cuts[i].size, 1);
        streams_compare(streams, KERNELS, log.data, log.size);
    }
    for (size_t i = 0; i < KERNELS; i++)
        stream_free(streams[i]);
    fl_buffer_free(&log);
    return tally;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: check-fast LOG...\n");
        return 2;
    }
    stream_tally all = {0};
    signal(SIGABRT, say_log);
    for (int i = 1; i < argc; i++) {
        log_name = argv[i];
        stream_tally one = check_log(argv[i]);
        all.rows += one.rows;
        all.rejects += one.rejects;
    }
    printf("%d logs, %zu records, %zu rejects: the same by every kernel\n", argc - 1,
           all.rows, all.rejects);
    return EXIT_SUCCESS;
}
