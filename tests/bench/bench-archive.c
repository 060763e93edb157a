/* What an archive of a log takes, and how fast it is made and read, by one thread: medians
 * of several rounds, each of them an archive of its own on disk.
 *
 *   encode  the JSON log to finished segments, all of flowan_import_log
 *   decode  all columns of all blocks into a batch
 *   exact   the same, and each record's text as it came in, into memory
 *
 * Bytes count what `du --apparent-size` would: all of the segments, nothing beside. */
#include <errno.h>
#include <ftw.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "flowan/flowan.h"

enum { ROUNDS = 5, ROUNDS_MAX = 99, PATH_SIZE = 4096 };

typedef struct bench {
    const char *log;
    flowan_level level;
    char directory[PATH_SIZE]; /* holds a round's archive */
    flowan_batch *batch;
    uint64_t bytes;   /* of the segments */
    uint64_t records; /* in them */
    uint64_t text_bytes;
    uint64_t printed; /* bytes of exact text */
} bench;

/* Of a round: seconds. */
typedef struct times {
    double encode, decode, exact;
} times;

static void die(const char *what, const char *why)
{
    fprintf(stderr, "bench-archive: %s: %s\n", what, why);
    exit(1);
}

static void check(flowan_status status, const char *what, const flowan_error *error)
{
    if (status < 0)
        die(what, error->message);
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* --- the three ways --- */

static double encode(const bench *b)
{
    flowan_archiver *archiver;
    flowan_archiver_options options = {.size = sizeof options, .level = b->level};
    flowan_import_options import_options = {.size = sizeof import_options,
                                            .threads = 1};
    flowan_error error;
    double start = seconds();
    check(flowan_archiver_open(&archiver, b->directory, &options, &error), "archive",
          &error);
    check(flowan_import_log(archiver, b->log, &import_options, NULL, &error), "import",
          &error);
    check(flowan_archiver_finish(archiver, &error), "archive", &error);
    double time = seconds() - start;
    flowan_archiver_free(archiver);
    return time;
}

/* Every block of the archive, also to the encoder where there is one. */
static double read_all(bench *b, flowan_encoder *encoder)
{
    flowan_archive *archive;
    flowan_reader *reader;
    flowan_error error;
    b->bytes = b->records = b->text_bytes = 0;
    double start = seconds();
    check(flowan_archive_open(&archive, b->directory, &error), "archive", &error);
    for (size_t i = 0; i < flowan_archive_segments(archive); i++) {
        check(flowan_archive_reader(archive, i, &reader, &error), "segment", &error);
        flowan_segment_info info = flowan_reader_info(reader);
        for (size_t k = 0; k < info.blocks; k++) {
            check(flowan_reader_read(reader, k, NULL, 0, b->batch, &error), "block",
                  &error);
            if (encoder)
                check(flowan_encoder_write(encoder, b->batch, NULL, &error), "text",
                      &error);
        }
        b->bytes += info.file_bytes;
        b->records += info.stats.rows;
        b->text_bytes += info.stats.text_bytes;
        flowan_reader_free(reader);
    }
    double time = seconds() - start;
    flowan_archive_free(archive);
    return time;
}

/* The text is in the encoder's memory, and stays there. */
static int count_text(void *context, const void *data, size_t size)
{
    (void)data;
    ((bench *)context)->printed += size;
    return 0;
}

static double print_all(bench *b)
{
    flowan_encoder *encoder;
    flowan_encoder_options options = {.size = sizeof options,
                                      .format = FLOWAN_FORMAT_EXACT,
                                      .write = count_text,
                                      .context = b};
    flowan_error error;
    check(flowan_encoder_new(&encoder, &options, &error), "text", &error);
    b->printed = 0;
    double time = read_all(b, encoder);
    flowan_encoder_free(encoder);
    if (b->printed != b->text_bytes + b->records)
        die("text", "has not the bytes that came in");
    return time;
}

/* --- rounds --- */

static int remove_one(const char *path, const struct stat *info, int kind,
                      struct FTW *place)
{
    (void)info;
    (void)kind;
    (void)place;
    return remove(path);
}

static times one_round(bench *b)
{
    times t;
    const char *parent = getenv("TMPDIR");
    snprintf(b->directory, sizeof b->directory, "%s/bench-archive.XXXXXX",
             parent && *parent ? parent : "/tmp");
    if (!mkdtemp(b->directory))
        die(b->directory, strerror(errno));
    t.encode = encode(b);
    t.decode = read_all(b, NULL);
    t.exact = print_all(b);
    nftw(b->directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    return t;
}

static int by_size(const void *left, const void *right)
{
    double a = *(const double *)left;
    double b = *(const double *)right;
    return (a > b) - (a < b);
}

/* M records a second by the median of `count` times. */
static double rate(const bench *b, double *list, size_t count)
{
    qsort(list, count, sizeof *list, by_size);
    double median = (list[(count - 1) / 2] + list[count / 2]) / 2;
    return (double)b->records / median / 1e6;
}

/* --- the command line --- */

static size_t rounds_of(const char *text)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);
    if (*end || end == text || value == 0 || value > ROUNDS_MAX) {
        fprintf(stderr, "bench-archive: --rounds is 1 to %d, not %s\n", ROUNDS_MAX,
                text);
        exit(2);
    }
    return (size_t)value;
}

static flowan_level level_of(const char *text)
{
    static const struct {
        const char *name;
        flowan_level level;
    } levels[] = {{"fast", FLOWAN_LEVEL_FAST},
                  {"default", FLOWAN_LEVEL_DEFAULT},
                  {"small", FLOWAN_LEVEL_SMALL}};
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++)
        if (strcmp(levels[i].name, text) == 0)
            return levels[i].level;
    fprintf(stderr, "bench-archive: --level is fast, default or small, not %s\n", text);
    exit(2);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"level", required_argument, NULL, 'l'},
                                            {"rounds", required_argument, NULL, 'r'},
                                            {NULL, 0, NULL, 0}};
    bench b = {0};
    size_t rounds = ROUNDS;
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'l': b.level = level_of(optarg); break;
        case 'r': rounds = rounds_of(optarg); break;
        default: return 2;
        }
    }
    if (argc - optind != 1) {
        fprintf(stderr, "usage: bench-archive FILE [--level fast|default|small] "
                        "[--rounds N]\n");
        return 2;
    }
    b.log = argv[optind];
    flowan_error error;
    check(flowan_batch_new(&b.batch, NULL, &error), "starting", &error);
    double encode_times[ROUNDS_MAX];
    double decode_times[ROUNDS_MAX];
    double exact_times[ROUNDS_MAX];
    for (size_t i = 0; i < rounds; i++) {
        times t = one_round(&b);
        encode_times[i] = t.encode;
        decode_times[i] = t.decode;
        exact_times[i] = t.exact;
    }
    if (b.records == 0)
        die(b.log, "has no records");
    printf("archive: %.1f bytes/record, encode %.2f M records/s, decode %.2f M rows/s, "
           "exact %.2f M records/s\n",
           (double)b.bytes / (double)b.records, rate(&b, encode_times, rounds),
           rate(&b, decode_times, rounds), rate(&b, exact_times, rounds));
    flowan_batch_free(b.batch);
    return 0;
}
