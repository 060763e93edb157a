/* Scenarios in which the n-th allocation fails, for every n, alone and together with
 * all that follow: each ends with FLOWAN_ERROR_MEMORY or as if nothing had failed, and
 * where a call may be repeated the end is the same as without a failure.
 *
 * The linker sends malloc, calloc and realloc of the library here (not those of shared
 * libraries). Only calls inside TRY are made to fail. */
#include <ftw.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "batch.h"
#include "flowan/aggregate.h"
#include "flowan/archive.h"
#include "flowan/asdb.h"
#include "flowan/care.h"
#include "flowan/encode.h"
#include "flowan/filter.h"
#include "flowan/gaps.h"
#include "flowan/losses.h"
#include "flowan/nat.h"
#include "flowan/networks.h"
#include "flowan/notation.h"
#include "flowan/parser.h"
#include "flowan/scan.h"
#include "flowan/segment.h"
#include "flowan/source.h"
#include "import.h"
#include "memory.h"
#include "pick.h"
#include "records.h"
#include "render.h"
#include "repack.h"
#include "summary.h"
#include "unit.h"

#define EXPECT(condition, ...)                                                         \
    do {                                                                               \
        if (!(condition))                                                              \
            ck_abort_msg(__VA_ARGS__);                                                 \
    } while (0)

/* --- the allocator --- */

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t width);
void *__real_realloc(void *memory, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t width);
void *__wrap_realloc(void *memory, size_t size);

/* Set while one thread runs; several may count. */
static struct {
    bool armed;
    bool for_ever;  /* all that follow fail too */
    size_t fail_at; /* the n-th, from 1; 0: none */
    atomic_size_t calls;
    atomic_bool failed;
} allocator;

static bool fails(void)
{
    if (!allocator.armed)
        return false;
    size_t call = atomic_fetch_add(&allocator.calls, 1) + 1;
    if (allocator.fail_at == 0 || call < allocator.fail_at ||
        (call > allocator.fail_at && !allocator.for_ever))
        return false;
    allocator.failed = true;
    return true;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t width)
{
    return fails() ? NULL : __real_calloc(count, width);
}

void *__wrap_realloc(void *memory, size_t size)
{
    return fails() ? NULL : __real_realloc(memory, size);
}

/* --- scenarios --- */

/* What a scenario is run with, and what came of it. */
typedef struct trial {
    bool patient;   /* a call that may be repeated is, after a failure */
    bool loose;     /* batches may end elsewhere: only what is in all of them counts */
    fl_buffer said; /* all that the handles gave */
    fl_buffer rejects; /* the same, where it is loose */
    flowan_status status;
    flowan_error error;
    char directory[64]; /* an empty one of its own */
} trial;

static void before(trial *t)
{
    t->error = (flowan_error){0};
    allocator.armed = true;
}

static flowan_status after(trial *t, flowan_status status)
{
    allocator.armed = false;
    t->status = status;
    EXPECT(status >= 0 || status == FLOWAN_ERROR_MEMORY, "status %d: %s", status,
           t->error.message);
    EXPECT(status >= 0 ||
               (allocator.failed && t->error.status == status && t->error.message[0]),
           "no memory, but nothing failed, or no sentence");
    return status;
}

#define TRY(call) (before(t), after(t, (call)))

/* A call that must not be repeated: its failure ends the scenario. */
#define ONCE(call)                                                                     \
    do {                                                                               \
        if (TRY(call) < 0)                                                             \
            goto out;                                                                  \
    } while (0)

/* A call that may be. */
#define STEP(call)                                                                     \
    do {                                                                               \
        if (TRY(call) < 0 && (!t->patient || TRY(call) < 0))                           \
            goto out;                                                                  \
    } while (0)

static void say_column(fl_buffer *said, const flowan_column *column)
{
    size_t rows = column->rows;
    fl_buffer_append(said, column->name, column->name_size);
    fl_buffer_format(said, " %s %d %zu:", flowan_type_name(column->type), column->field,
                     column->present_count);
    fl_buffer_append(said, column->present, (rows + 63) / 64 * 8);
    size_t count = rows;
    if (column->offset) {
        fl_buffer_append(said, column->offset, (rows + 1) * sizeof *column->offset);
        count = column->offset[rows];
    }
    const void *data = column->u32       ? (const void *)column->u32
                       : column->u64     ? (const void *)column->u64
                       : column->address ? (const void *)column->address
                                         : (const void *)column->text;
    fl_buffer_append(said, data, count * fl_type_width(column->type));
}

static void say_batch(fl_buffer *said, const flowan_batch *batch, bool texts)
{
    fl_buffer_format(said, "\n%zu rows\n", flowan_batch_rows(batch));
    for (size_t row = 0; texts && row < flowan_batch_rows(batch); row++) {
        fl_render_row(said, batch, row);
        fl_buffer_byte(said, '\n');
    }
    for (size_t i = 0; i < flowan_batch_columns(batch); i++) {
        flowan_column column;
        EXPECT(flowan_batch_column(batch, i, &column), "column %zu", i);
        say_column(said, &column);
    }
    flowan_reject reject;
    for (size_t i = 0; flowan_batch_reject(batch, i, &reject); i++) {
        fl_buffer_format(said,
                         "\n%s %d at %llu: ", flowan_reject_reason_text(reject.reason),
                         reject.continued, (unsigned long long)reject.offset);
        fl_buffer_append(said, reject.data, reject.size);
    }
}

/* Records and rejects each in their order, whichever batches they came in. */
static void say_taken(trial *t, const flowan_batch *batch)
{
    if (!t->loose) {
        say_batch(&t->said, batch, true);
        return;
    }
    for (size_t row = 0; row < flowan_batch_rows(batch); row++) {
        fl_buffer_format(&t->said,
                         "\n%llu: ", (unsigned long long)batch->offset_of_row[row]);
        fl_render_row(&t->said, batch, row);
    }
    flowan_reject reject;
    for (size_t i = 0; flowan_batch_reject(batch, i, &reject); i++) {
        fl_buffer_format(&t->rejects, "\n%d %d %llu: ", reject.reason, reject.continued,
                         (unsigned long long)reject.offset);
        fl_buffer_append(&t->rejects, reject.data, reject.size);
    }
}

#define KEY64 "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk"

static const char log_text[] =
    "{\"type\":\"IPFIX\",\"time_received_ns\":\"2025-03-15T01:00:01.5Z\","
    "\"time_flow_start_ns\":1742000390000000000,"
    "\"time_flow_end_ns\":1742000395000000000,"
    "\"bytes\":1500,\"packets\":3,\"src_addr\":\"10.8.0.7\","
    "\"src_net\":\"10.8.0.0/16\","
    "\"dst_addr\":\"2001:db8::9\",\"proto\":\"TCP\","
    "\"src_mac\":\"02:00:00:00:00:01\"}\n"
    "{\"as_path\":[1,2,3],\"mpls_ip\":[\"::1\",\"192.0.2.1\"],"
    "\"layer_stack\":[\"TCP\"]}"
    "{\"time_received_ns\":1742000402000000000,\"bytes\":18446744073709551616}\n\n"
    "{\"user\":\"a\\u0026b\",\"\\u006eote\":\"x\",\"flag\":true,"
    "\"deep\":{\"a\":[-1]}}\n"
    "junk {\"proto\":\"unknown\",\"user\":7,\"user\":8}\r\n"
    "{\"a\":\"torn{\"time_received_ns\":\"2025-03-15T01:00:03Z\",\"bytes\":2}\n"
    "{\"a\":,\"b\":{}}\n"
    "{\"" KEY64 KEY64 KEY64 KEY64 "k\":1}{\"" KEY64 KEY64 KEY64 KEY64 "k\":2}\n"
    "{ }{}{\"x\":[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]}\n"
    "{\"bytes\":77,\"dst_addr\":\"100.64.0.1\","
    "\"time_received_ns\":1742000404000000000}\n"
    "{\"SrcAddr\":\"100.64.0.1\",\"theirs\":7,\"Bytes\":1,\"TimeFlowStartMs\":0,"
    "\"TimeFlowStart\":1742000390,\"BgpNextHop\":[192,0,2,1],\"Proto\":\"new\"}\n"
    "{\"torn\":tr\n{\"tail\":[";

/* Feeds everything, taking the batch away whenever it is full. After a failure the next
 * piece is a single byte, since nothing says that the same bytes must come at once. */
static void feed_all(trial *t, flowan_parser *parser, flowan_batch *batch,
                     const char *text, size_t size, size_t step)
{
    size_t next = step;
    for (size_t at = 0; at < size;) {
        size_t piece = next < size - at ? next : size - at;
        /* a block of just that size, so that a sanitizer sees a step beyond */
        char *copy = malloc(piece);
        memcpy(copy, text + at, piece);
        size_t used = 0;
        TRY(flowan_parser_feed(parser, copy, piece, batch, &used, &t->error));
        free(copy);
        EXPECT(used <= piece && (t->status != FLOWAN_OK || used == piece), "used");
        at += used;
        next = step;
        if (t->status == FLOWAN_FULL) {
            say_taken(t, batch);
            TRY((flowan_batch_reset(batch), FLOWAN_OK));
        }
        if (t->status < 0 && !t->patient)
            return;
        if (t->status < 0)
            next = 1;
    }
}

static void parse(trial *t, const char *text, size_t size, size_t step,
                  const flowan_parser_options *parser_options,
                  const flowan_batch_options *batch_options, int rounds)
{
    flowan_parser *parser = NULL;
    flowan_batch *batch = NULL;
    STEP(flowan_parser_new(&parser, parser_options, &t->error));
    STEP(flowan_batch_new(&batch, batch_options, &t->error));
    for (int round = 0; round < rounds; round++) {
        feed_all(t, parser, batch, text, size, step);
        if (t->status < 0)
            goto out;
        STEP(flowan_parser_finish(parser, batch, &t->error));
        say_taken(t, batch);
        flowan_position position = flowan_parser_position(parser);
        fl_buffer_append(&t->said, &position, sizeof position);
        TRY((flowan_parser_reset(parser), flowan_batch_reset(batch), FLOWAN_OK));
    }
    fl_buffer_append(&t->said, t->rejects.data, t->rejects.size);
out:
    fl_buffer_free(&t->rejects);
    flowan_parser_free(parser);
    flowan_batch_free(batch);
}

static void parse_small(trial *t)
{
    flowan_batch_options options = {.size = sizeof options, .capacity = 5};
    parse(t, log_text, sizeof log_text - 1, 7, NULL, &options, 2);
}

static void parse_at_once(trial *t)
{
    static const flowan_key_map map[] = {{"theirs", FLOWAN_FIELD_IN_IF},
                                         {"user", FLOWAN_FIELD_OUT_IF}};
    flowan_parser_options options = {.size = sizeof options, .map = map, .map_count = 2};
    parse(t, log_text, sizeof log_text - 1, sizeof log_text, &options, NULL, 2);
}

/* Records over the limit, and a batch that gives its memory back at every reset; what a
 * failed append had reserved makes it full one record earlier. */
static void parse_limited(trial *t)
{
    t->loose = true;
    flowan_parser_options few = {.size = sizeof few, .record_limit = 200};
    flowan_batch_options little = {.size = sizeof little, .memory_bytes = 1};
    parse(t, log_text, sizeof log_text - 1, 100, &few, &little, 3);
}

/* Rejects of several pieces: torn and full of braces, junk, one that is too long. */
static void parse_long(trial *t)
{
    fl_buffer text = {0};
    static const char *const heads[] = {"{}{\"a\":\"", "{}x", "{}{,",
                                        "{\"bytes\":1}{\"b\":\""};
    static const size_t sizes[] = {150000, 140000, 70000, 300000};
    for (size_t i = 0; i < 4; i++) {
        fl_buffer_text(&text, heads[i]);
        for (size_t k = 0; k < sizes[i]; k++)
            fl_buffer_byte(&text, i % 3 ? 'x' : '{');
        fl_buffer_text(&text, "\n{}\n");
    }
    flowan_parser_options few = {.size = sizeof few, .record_limit = 200000};
    parse(t, text.data, text.size, 200001, &few, NULL, 1);
    fl_buffer_free(&text);
}

/* Many rows: columns that some records lack have to grow with the batch. */
static void parse_many(trial *t)
{
    fl_buffer text = {0};
    fl_buffer_text(&text, "{\"once\":1,\"rare\":\"x\",\"list\":[1]}");
    for (int i = 0; i < 140; i++)
        fl_buffer_format(&text, "{\"bytes\":%d,\"packets\": %d}\n", i, i);
    parse(t, text.data, text.size, 1000, NULL, NULL, 2);
    fl_buffer_free(&text);
}

/* A batch for the scenarios above the parser, made without failures. */
static flowan_batch *batch_of_times(int times)
{
    flowan_parser *parser = NULL;
    flowan_batch *batch = NULL;
    size_t used;
    EXPECT(flowan_parser_new(&parser, NULL, NULL) == FLOWAN_OK &&
               flowan_batch_new(&batch, NULL, NULL) == FLOWAN_OK,
           "no batch");
    for (int i = 0; i < times; i++)
        EXPECT(flowan_parser_feed(parser, log_text, sizeof log_text - 1, batch, &used,
                                  NULL) == FLOWAN_OK,
               "feed %d", i);
    flowan_parser_free(parser);
    return batch;
}

static flowan_batch *filled_batch(void)
{
    return batch_of_times(1);
}

static void say_stats(fl_buffer *said, const flowan_segment_stats *stats)
{
    fl_buffer_append(said, stats, sizeof *stats);
}

/* All blocks of a segment, whole and two of their columns. */
static void read_segment(trial *t, flowan_reader *reader)
{
    static const char *const columns[] = {"bytes", "user"};
    flowan_batch *batch = NULL;
    flowan_segment_info info = flowan_reader_info(reader);
    say_stats(&t->said, &info.stats);
    fl_buffer_format(&t->said, "%zu blocks, %zu logs\n", info.blocks, info.logs);
    STEP(flowan_batch_new(&batch, NULL, &t->error));
    for (size_t i = 0; i < info.blocks; i++) {
        STEP(flowan_reader_read(reader, i, NULL, 0, batch, &t->error));
        say_batch(&t->said, batch, true);
        STEP(flowan_reader_read(reader, i, columns, 2, batch, &t->error));
        say_batch(&t->said, batch, false);
    }
    STEP(flowan_reader_verify(reader, NULL, &t->error));
out:
    flowan_batch_free(batch);
}

static flowan_log_state log_state(void)
{
    return (flowan_log_state){.path = "some.json",
                              .head_hash = 7,
                              .head_size = 4,
                              .position = {sizeof log_text - 1, 99}};
}

static void segment(trial *t)
{
    char path[128];
    snprintf(path, sizeof path, "%s/x.seg", t->directory);
    flowan_batch *batch = filled_batch();
    size_t rows = flowan_batch_rows(batch);
    flowan_writer *writer = NULL;
    flowan_reader *reader = NULL;
    flowan_log_state log = log_state();
    flowan_writer_options options = {.size = sizeof options, .serial = 3};
    STEP(flowan_writer_open(&writer, path, &options, &t->error));
    STEP(flowan_writer_write(writer, batch, 0, rows, &log, &t->error));
    STEP(flowan_writer_write(writer, batch, 2, 3, NULL, &t->error));
    flowan_segment_stats stats = flowan_writer_stats(writer);
    say_stats(&t->said, &stats);
    /* read while it is still open */
    STEP(flowan_reader_open(&reader, path, &t->error));
    read_segment(t, reader);
    flowan_reader_free(reader);
    reader = NULL;
    if (t->status < 0)
        goto out;
    ONCE(flowan_writer_finish(writer, &log, 1, &t->error));
    STEP(flowan_reader_open(&reader, path, &t->error));
    read_segment(t, reader);
    if (t->status >= 0 && flowan_reader_log(reader, 0, &log))
        fl_buffer_text(&t->said, log.path);
out:
    flowan_writer_free(writer);
    flowan_reader_free(reader);
    flowan_batch_free(batch);
}

/* Three small blocks of different rows into one. */
static void repack(trial *t)
{
    char path[128], joined[128];
    snprintf(path, sizeof path, "%s/x.seg", t->directory);
    snprintf(joined, sizeof joined, "%s/y.seg", t->directory);
    flowan_batch *batch = filled_batch();
    flowan_writer *writer = NULL;
    flowan_reader *reader = NULL;
    fl_repack *repack = NULL;
    flowan_log_state log = log_state();
    EXPECT(flowan_writer_open(&writer, path, NULL, NULL) == FLOWAN_OK &&
               flowan_writer_write(writer, batch, 0, 3, &log, NULL) == FLOWAN_OK &&
               flowan_writer_write(writer, batch, 2, 3, &log, NULL) == FLOWAN_OK &&
               flowan_writer_write(writer, batch, 0, flowan_batch_rows(batch), &log,
                                   NULL) == FLOWAN_OK &&
               flowan_writer_finish(writer, NULL, 0, NULL) == FLOWAN_OK &&
               flowan_reader_open(&reader, path, NULL) == FLOWAN_OK,
           "no segment");
    flowan_writer_free(writer);
    writer = NULL;
    EXPECT(flowan_writer_open(&writer, joined, NULL, NULL) == FLOWAN_OK, "no writer");
    ONCE(fl_repack_new(&repack, writer, 0, 0, &t->error));
    for (size_t i = 0; i < 3; i++)
        ONCE(fl_repack_block(repack, reader, i, &t->error));
    ONCE(fl_repack_flush(repack, &t->error));
    flowan_segment_stats stats = flowan_writer_stats(writer);
    say_stats(&t->said, &stats);
    flowan_reader_free(reader);
    reader = NULL;
    STEP(flowan_reader_open(&reader, joined, &t->error));
    read_segment(t, reader);
out:
    fl_repack_free(repack);
    flowan_writer_free(writer);
    flowan_reader_free(reader);
    flowan_batch_free(batch);
}

static void archive(trial *t)
{
    flowan_batch *batch = filled_batch();
    flowan_archiver *archiver = NULL;
    flowan_archive *listed = NULL;
    flowan_reader *reader = NULL;
    flowan_log_state log = log_state();
    flowan_position begin = {0, 0};
    flowan_position end = log.position;
    log.position = begin;
    flowan_archiver_options options = {.size = sizeof options, .segment_rows = 8};
    ONCE(flowan_archiver_open(&archiver, t->directory, &options, &t->error));
    ONCE(flowan_archiver_begin_log(archiver, &log, 1742000400000000000, &t->error));
    ONCE(flowan_archiver_write(archiver, batch, 0, end, &t->error));
    ONCE(flowan_archiver_finish(archiver, &t->error));
    flowan_archiver_free(archiver);
    archiver = NULL;
    /* again, onto what is there */
    ONCE(flowan_archiver_open(&archiver, t->directory, &options, &t->error));
    ONCE(flowan_archiver_begin_log(archiver, &log, 1742000400000000000, &t->error));
    ONCE(flowan_archiver_write(archiver, batch, 5, end, &t->error));
    ONCE(flowan_archiver_finish(archiver, &t->error));
    STEP(flowan_archive_open(&listed, t->directory, &t->error));
    for (size_t i = 0; i < flowan_archive_segments(listed); i++) {
        STEP(flowan_archive_reader(listed, i, &reader, &t->error));
        read_segment(t, reader);
        flowan_reader_free(reader);
        reader = NULL;
        if (t->status < 0)
            goto out;
    }
out:
    flowan_reader_free(reader);
    flowan_archive_free(listed);
    flowan_archiver_free(archiver);
    flowan_batch_free(batch);
}

/* The exact texts of what is in an archive, whatever failed when it was written. */
static void say_archived(fl_buffer *said, const char *directory)
{
    flowan_archive *listed;
    flowan_batch *batch;
    EXPECT(flowan_archive_open(&listed, directory, NULL) == FLOWAN_OK &&
               flowan_batch_new(&batch, NULL, NULL) == FLOWAN_OK,
           "no archive");
    for (size_t i = 0; i < flowan_archive_segments(listed); i++) {
        flowan_reader *reader;
        EXPECT(flowan_archive_reader(listed, i, &reader, NULL) == FLOWAN_OK, "segment");
        for (size_t k = 0; k < flowan_reader_info(reader).blocks; k++) {
            EXPECT(flowan_reader_read(reader, k, NULL, 0, batch, NULL) == FLOWAN_OK,
                   "block");
            for (size_t row = 0; row < flowan_batch_rows(batch); row++) {
                fl_render_row(said, batch, row);
                fl_buffer_byte(said, '\n');
            }
        }
        flowan_reader_free(reader);
    }
    flowan_batch_free(batch);
    flowan_archive_free(listed);
}

/* Which thread meets the failure is left to chance; what is in is the log's beginning. */
static void import_by(trial *t, uint32_t threads)
{
    char home[96], log[96];
    snprintf(home, sizeof home, "%s/archive", t->directory);
    snprintf(log, sizeof log, "%s/log", t->directory);
    FILE *file = fopen(log, "w");
    EXPECT(file, "no log");
    for (int i = 0; i < 3; i++)
        fprintf(file, "{\"n\":%d}\n%.*s\n", i, (int)sizeof log_text - 1, log_text);
    EXPECT(fclose(file) == 0, "no log");
    flowan_archiver *archiver = NULL;
    flowan_archiver_options options = {.size = sizeof options, .segment_rows = 11};
    flowan_import_options how = {.size = sizeof how, .threads = threads};
    flowan_batch_options few = {.size = sizeof few, .capacity = 4};
    ONCE(flowan_archiver_open(&archiver, home, &options, &t->error));
    ONCE(fl_import_run(archiver, log, &how, &few, NULL, &t->error));
    ONCE(flowan_archiver_finish(archiver, &t->error));
out:
    if (archiver)
        say_archived(&t->said, home);
    flowan_archiver_free(archiver);
}

/* Two segments of a day, made without failures. */
static void make_two(trial *t)
{
    flowan_batch *batch = filled_batch();
    flowan_archiver *archiver = NULL;
    flowan_log_state log = log_state();
    flowan_archiver_options options = {.size = sizeof options, .segment_rows = 8};
    EXPECT(flowan_archiver_open(&archiver, t->directory, &options, NULL) == FLOWAN_OK &&
               flowan_archiver_begin_log(archiver, &log, 1742000400000000000, NULL) ==
                   FLOWAN_OK &&
               flowan_archiver_write(archiver, batch, 0, log.position, NULL) ==
                   FLOWAN_OK &&
               flowan_archiver_finish(archiver, NULL) == FLOWAN_OK,
           "no archive");
    flowan_archiver_free(archiver);
    flowan_batch_free(batch);
}

/* How many rows the archive has, seen without failures. */
static uint64_t count_rows(const trial *t)
{
    flowan_archive *listed;
    uint64_t rows = 0;
    EXPECT(flowan_archive_open(&listed, t->directory, NULL) == FLOWAN_OK, "no archive");
    for (size_t i = 0; i < flowan_archive_segments(listed); i++) {
        flowan_reader *reader;
        EXPECT(flowan_archive_reader(listed, i, &reader, NULL) == FLOWAN_OK,
               "no segment");
        rows += flowan_reader_info(reader).stats.rows;
        flowan_reader_free(reader);
    }
    flowan_archive_free(listed);
    return rows;
}

static void merge(trial *t)
{
    flowan_merge_options options = {.size = sizeof options, .now_ns = UINT64_MAX};
    flowan_merge_result result;
    make_two(t);
    uint64_t rows = count_rows(t);
    flowan_status status =
        TRY(flowan_archive_merge(t->directory, &options, &result, &t->error));
    EXPECT(count_rows(t) == rows, "a merge has other rows");
    if (status < 0)
        return;
    fl_buffer_format(&t->said, "%llu segments into %llu",
                     (unsigned long long)result.merged,
                     (unsigned long long)result.made);
}

/* A segment that cannot be mended for want of memory is told, and stays as it was. */
static void repair(trial *t)
{
    flowan_archive *listed;
    flowan_repair_result result;
    make_two(t);
    uint64_t rows = count_rows(t);
    EXPECT(flowan_archive_open(&listed, t->directory, NULL) == FLOWAN_OK, "no archive");
    FILE *file = fopen(flowan_archive_path(listed, 0), "r+b");
    EXPECT(file && fseek(file, 300, SEEK_SET) == 0 && fputc('!', file) == '!' &&
               fclose(file) == 0,
           "no damage");
    flowan_archive_free(listed);
    flowan_status status =
        TRY(flowan_archive_repair(t->directory, NULL, &result, &t->error));
    EXPECT(status < 0 || result.failed == 0 || allocator.failed, "failed, but why?");
    EXPECT(flowan_archive_repair(t->directory, NULL, &result, NULL) == FLOWAN_OK &&
               result.failed == 0 && count_rows(t) < rows,
           "not repaired");
    if (status >= 0)
        fl_buffer_format(&t->said, "%llu rows", (unsigned long long)count_rows(t));
}

static void expire(trial *t)
{
    flowan_expire_options options = {
        .size = sizeof options, .now_ns = UINT64_MAX, .keep_ns = 1};
    flowan_expire_result result;
    flowan_holds *holds = NULL;
    static const char text[] = "192.0.2.1 2001:db8::/32\n2025-03-15 2025-03-16\n";
    make_two(t);
    STEP(flowan_holds_parse(&holds, text, sizeof text - 1, "holds", &t->error));
    options.holds = holds;
    ONCE(flowan_archive_expire(t->directory, &options, &result, &t->error));
    fl_buffer_format(&t->said, "expired");
    options.holds = NULL;
    EXPECT(flowan_archive_expire(t->directory, &options, &result, NULL) == FLOWAN_OK &&
               result.failed == 0 && count_rows(t) == 0,
           "not expired");
out:
    flowan_holds_free(holds);
}

static void missing(trial *t)
{
    flowan_batch *batch = filled_batch();
    flowan_gaps *gaps = NULL;
    flowan_losses *losses = NULL;
    flowan_gap gap;
    flowan_exporter exporter;
    STEP(flowan_gaps_new(&gaps, 1, &t->error));
    STEP(flowan_losses_new(&losses, 0, &t->error));
    ONCE(flowan_gaps_add(gaps, batch, &t->error));
    ONCE(flowan_losses_add(losses, batch, &t->error));
    for (size_t i = 0; flowan_gaps_get(gaps, i, &gap); i++)
        fl_buffer_format(&t->said, "%llu ", (unsigned long long)gap.from_ns);
    for (size_t i = 0; flowan_losses_get(losses, i, &exporter); i++)
        fl_buffer_format(&t->said, "%llu ", (unsigned long long)exporter.rows);
out:
    flowan_gaps_free(gaps);
    flowan_losses_free(losses);
    flowan_batch_free(batch);
}

/* A segment with an index, who is in it, and who is not. */
static void nat(trial *t)
{
    static const char text[] =
        "{\"time_received_ns\":1742000000000000000,\"src_addr\":\"10.0.0.1\","
        "\"post_nat_src_ipv4_address\":\"cb007107\","
        "\"post_napt_src_transport_port\":7}\n"
        "{\"time_received_ns\":1742009000000000000}\n";
    char path[160];
    const char *paths[] = {path};
    const flowan_writer_options to = {.size = sizeof to, .nat_index = true};
    flowan_nat_options options = {.size = sizeof options,
                                  .has_port = true,
                                  .port = 7,
                                  .has_from = true,
                                  .has_to = true};
    flowan_batch *batch = records_of(text, sizeof text - 1);
    flowan_writer *writer = NULL;
    flowan_nat *handle = NULL;
    flowan_nat_match match;
    flowan_gap gap;
    snprintf(path, sizeof path, "%s/nat.seg", t->directory);
    EXPECT(flowan_address_parse("203.0.113.7", &options.address, NULL) == FLOWAN_OK,
           "no address");
    ONCE(flowan_writer_open(&writer, path, &to, &t->error));
    STEP(flowan_writer_write(writer, batch, 0, 2, NULL, &t->error));
    STEP(flowan_writer_finish(writer, NULL, 0, &t->error));
    for (uint64_t i = 0; i < 2; i++) {
        options.from_ns = UINT64_C(1742000000000000000) + i * 1000000000000;
        options.to_ns = options.from_ns + 1;
        ONCE(flowan_nat_open(&handle, paths, 1, &options, &t->error));
        flowan_status status;
        while ((status = TRY(flowan_nat_next(handle, &match, &t->error))) == FLOWAN_OK)
            fl_buffer_append(&t->said, match.record, match.record_size);
        if (status < 0)
            goto out;
        fl_buffer_format(&t->said, "%d", (int)flowan_nat_answer(handle));
        if (flowan_nat_gap(handle, 0, &gap))
            fl_buffer_format(&t->said, "%llu", (unsigned long long)gap.from_ns);
        flowan_nat_free(handle);
        handle = NULL;
    }
out:
    flowan_nat_free(handle);
    flowan_writer_free(writer);
    flowan_batch_free(batch);
}

static void import_alone(trial *t)
{
    import_by(t, 1);
}

static void import_by_three(trial *t)
{
    import_by(t, 3);
}

static void networks(trial *t)
{
    static const char text[] =
        "# ours\n10.8.0.0/16 office site=north\n2001:db8::/32 "
        "office\n203.0.113.0/24 pool role=public\n198.51.100.7\n";
    flowan_networks *table = NULL;
    STEP(flowan_networks_parse(&table, text, sizeof text - 1, "n.txt", &t->error));
    for (uint32_t i = 0; i < flowan_networks_count(table); i++)
        fl_buffer_format(&t->said, "%s: %s\n", flowan_networks_name(table, i),
                         flowan_networks_prefixes(table, i));
    flowan_networks_free(table);
    table = NULL;
    STEP(flowan_networks_new(&table, &t->error));
    fl_buffer_text(&t->said, flowan_networks_prefixes(table, 0));
out:
    flowan_networks_free(table);
}

static const char *data_path(char *path, size_t room, const char *name)
{
    const char *directory = getenv("FLOWAN_TEST_DATA");
    snprintf(path, room, "%s/%s", directory ? directory : "tests/data", name);
    return path;
}

static void asdb(trial *t)
{
    char path[4096];
    flowan_asdb *base = NULL;
    STEP(flowan_asdb_open(&base, data_path(path, sizeof path, "asn.mmdb"), &t->error));
    flowan_address address = {{[10] = 0xff, [11] = 0xff, [12] = 8, 8, 8, 8}};
    fl_buffer_format(&t->said, "%u", flowan_asdb_lookup(base, &address));
out:
    flowan_asdb_free(base);
}

static void source_of(trial *t, const char *name)
{
    char path[4096];
    flowan_source *source = NULL;
    const void *data;
    size_t size;
    uint64_t total = 0;
    ONCE(flowan_source_open(&source, data_path(path, sizeof path, name), &t->error));
    ONCE(flowan_source_peek(source, 4096, &data, &size, &t->error));
    fl_buffer_append(&t->said, data, size);
    while (total < 3000000) {
        ONCE(flowan_source_read(source, &data, &size, &t->error));
        if (t->status == FLOWAN_END)
            break;
        total += size;
    }
    fl_buffer_format(&t->said, "%llu", (unsigned long long)total);
out:
    flowan_source_free(source);
}

static void source_plain(trial *t)
{
    source_of(t, "odd.json");
}

static void source_zstd(trial *t)
{
    source_of(t, "sample.json.zst");
}

static void aggregate(trial *t)
{
    flowan_batch *batch = filled_batch();
    flowan_aggregator *aggregator = NULL;
    flowan_aggregator_options options = {.size = sizeof options,
                                         .by = "src_addr/24,proto,user,as_path",
                                         .bin_ns = 1000000000};
    STEP(flowan_aggregator_new(&aggregator, &options, &t->error));
    ONCE(flowan_aggregator_push(aggregator, batch, NULL, &t->error));
    const uint32_t *rows;
    size_t count;
    STEP(flowan_aggregator_order(aggregator, FLOWAN_ORDER_KEY, SIZE_MAX, &rows, &count,
                                 &t->error));
    fl_buffer_append(&t->said, rows, count * sizeof *rows);
    flowan_totals totals;
    flowan_aggregator_totals(aggregator, &totals);
    fl_buffer_format(&t->said, "%llu flows outside, %llu faults, %llu",
                     (unsigned long long)totals.outside.flows,
                     (unsigned long long)totals.clock_faults,
                     (unsigned long long)totals.last_ns);
out:
    flowan_aggregator_free(aggregator);
    flowan_batch_free(batch);
}

/* --- records as text --- */

typedef struct page {
    char text[65536];
    size_t size;
} page;

static int write_page(void *context, const void *data, size_t size)
{
    page *to = context;
    EXPECT(size <= sizeof to->text - to->size, "more text than there is room for");
    memcpy(to->text + to->size, data, size);
    to->size += size;
    return 0;
}

/* Twice the same batch, the second time with a choice of rows. A write that failed may
 * have written some of them, so it is not repeated. */
static void encode(trial *t, flowan_format format, bool chosen)
{
    static const char *const names[] = {"dst_net", "user",    "src_net", "proto",
                                        "flag",    "as_path", "deep",    "mpls_ip"};
    static const uint32_t rows[] = {1, 2, 4};
    flowan_batch *batch = filled_batch();
    flowan_selection selection = {rows, 3};
    page to = {.size = 0};
    flowan_encoder *encoder = NULL;
    flowan_encoder_options options = {.size = sizeof options,
                                      .format = format,
                                      .fields = chosen ? names : NULL,
                                      .field_count = chosen ? 8 : 0,
                                      .write = write_page,
                                      .context = &to};
    STEP(flowan_encoder_new(&encoder, &options, &t->error));
    ONCE(flowan_encoder_write(encoder, batch, NULL, &t->error));
    ONCE(flowan_encoder_write(encoder, batch, &selection, &t->error));
    ONCE(flowan_encoder_finish(encoder, &t->error));
out:
    fl_buffer_append(&t->said, to.text, to.size);
    flowan_encoder_free(encoder);
    flowan_batch_free(batch);
}

static void encode_exact(trial *t)
{
    encode(t, FLOWAN_FORMAT_EXACT, false);
}

static void encode_json(trial *t)
{
    encode(t, FLOWAN_FORMAT_JSON, false);
}

static void encode_json_fields(trial *t)
{
    encode(t, FLOWAN_FORMAT_JSON, true);
}

static void encode_csv(trial *t)
{
    encode(t, FLOWAN_FORMAT_CSV, true);
}

static void encode_table(trial *t)
{
    encode(t, FLOWAN_FORMAT_TABLE, false);
}

static void encode_table_fields(trial *t)
{
    encode(t, FLOWAN_FORMAT_TABLE, true);
}

/* What the encoder writes is kept without its allocations counting. */
static int say_written(void *context, const void *data, size_t size)
{
    bool armed = allocator.armed;
    allocator.armed = false;
    fl_buffer_append(context, data, size);
    allocator.armed = armed;
    return 0;
}

static void documents(trial *t)
{
    char path[4096];
    static const char *const tags[] = {"edge", "sflow"};
    flowan_batch *batch = filled_batch();
    flowan_encoder *encoder = NULL;
    flowan_reject reject = {FLOWAN_REJECT_TORN, false, 7, "{\"bytes\":", 9};
    flowan_encoder_options options = {.size = sizeof options,
                                      .format = FLOWAN_FORMAT_ECS,
                                      .write = say_written,
                                      .context = &t->said,
                                      .preserve_original = true,
                                      .tags = tags,
                                      .tag_count = 2};
    EXPECT(flowan_asdb_open(&options.asdb, data_path(path, sizeof path, "asn.mmdb"),
                            NULL) == FLOWAN_OK,
           "no database");
    flowan_asdb_name(options.asdb, 15169); /* later, want of memory costs names */
    STEP(flowan_encoder_new(&encoder, &options, &t->error));
    ONCE(flowan_encoder_write(encoder, batch, NULL, &t->error));
    ONCE(flowan_encoder_reject(encoder, &reject, &t->error));
    ONCE(flowan_encoder_finish(encoder, &t->error));
out:
    flowan_encoder_free(encoder);
    flowan_asdb_free(options.asdb);
    flowan_batch_free(batch);
}

/* Everything that allocates: lists with and without a bitmap, texts, names of networks,
 * groups, and all that is derived. */
static const char filter_text[] =
    "src port in [1 2 3 5 7 9 11 13 80 443] or ip in [10.0.0.0/8 192.0.2.1] or "
    "field user in [a b \"a&b\"] or field \"n\\u006fte\" != x or "
    "local net in [\"10.0.0.0/8\" 192.168.0.0/16] or not (proto != tcp and bps > 8k and "
    "duration 5s and bpp < 600 and pps < 9) or xip != 192.0.2.1 or flags S or ipv6 or "
    "(direction in [out transit] and not remote as 7 and src as 0 and remote ip != ::1) "
    "or (port 1 or port 2 or (port 3 and not port not in [5 6]))";

static void say_rows(fl_buffer *said, const flowan_selection *rows)
{
    fl_buffer_format(said, "\n%zu:", rows->count);
    for (size_t i = 0; i < rows->count; i++)
        fl_buffer_format(said, " %u", rows->rows[i]);
}

static void filter(trial *t)
{
    /* small and large, so that everything grows */
    flowan_batch *batches[] = {filled_batch(), batch_of_times(20)};
    flowan_filter *made = NULL;
    flowan_matcher *matcher = NULL;
    const flowan_selection *rows;
    static const uint32_t some[] = {0, 1, 5};
    const flowan_selection among = {some, 3};
    STEP(flowan_filter_compile(&made, filter_text, sizeof filter_text - 1, NULL,
                               &t->error));
    STEP(flowan_matcher_new(&matcher, made, NULL, &t->error));
    for (int i = 0; i < 2; i++) {
        STEP(flowan_matcher_apply(matcher, batches[i], &among, &rows, &t->error));
        say_rows(&t->said, rows);
        STEP(flowan_matcher_apply(matcher, batches[i], NULL, &rows, &t->error));
        say_rows(&t->said, rows);
    }
out:
    flowan_matcher_free(matcher);
    flowan_filter_free(made);
    flowan_batch_free(batches[0]);
    flowan_batch_free(batches[1]);
}

static int keep(void *context, const void *data, size_t size)
{
    fl_buffer_append(context, data, size);
    return 0;
}

/* A segment of a block that has bounds and a summary, and of a small one: made once. */
static void write_large(const char *path)
{
    static fl_buffer made;
    if (made.size == 0) {
        flowan_batch *batch = batch_of_times(100);
        size_t rows = flowan_batch_rows(batch);
        flowan_writer *writer;
        EXPECT(rows > FL_SUMMARY_ROWS_MIN, "%zu rows are too few", rows);
        EXPECT(flowan_writer_new(&writer, keep, &made, "it", NULL, NULL) == FLOWAN_OK &&
                   flowan_writer_write(writer, batch, 0, rows, NULL, NULL) ==
                       FLOWAN_OK &&
                   flowan_writer_write(writer, batch, 0, 40, NULL, NULL) == FLOWAN_OK &&
                   flowan_writer_finish(writer, NULL, 0, NULL) == FLOWAN_OK,
               "no segment");
        flowan_writer_free(writer);
        flowan_batch_free(batch);
    }
    FILE *file = fopen(path, "wb");
    EXPECT(file && fwrite(made.data, 1, made.size, file) == made.size &&
               fclose(file) == 0,
           "no file");
}

/* Tests of columns by number, address, list and text, and of what is derived. */
static const char asked_text[] =
    "(src port in [1 2 3 5 443] or ip in [10.0.0.0/8 192.0.2.1] or bytes > 100) and "
    "not (field user in [a b] or field note = x) and (bps > 1 or proto in [tcp udp])";

static void ask(trial *t)
{
    static const char *const columns[] = {"bytes", "user", "src_addr"};
    char path[128];
    snprintf(path, sizeof path, "%s/x.seg", t->directory);
    write_large(path);
    flowan_filter *made = NULL;
    flowan_reader *reader = NULL;
    flowan_batch *batch = NULL;
    fl_workspace space = {0};
    fl_answer answer;
    STEP(flowan_filter_compile(&made, asked_text, sizeof asked_text - 1, NULL,
                               &t->error));
    STEP(flowan_reader_open(&reader, path, &t->error));
    STEP(flowan_batch_new(&batch, NULL, &t->error));
    for (size_t i = 0; i < 4; i++) {
        fl_question question = {.filter = i & 1 ? made : NULL,
                                .has_window = i & 2,
                                .from_ns = UINT64_C(1742000391000000000),
                                .to_ns = UINT64_MAX,
                                .any_order = i == 3};
        for (size_t block = 0; block < 2; block++) {
            STEP(fl_reader_ask(reader, &space, block, &question, i & 2 ? columns : NULL,
                               3, batch, &answer, &t->error));
            say_batch(&t->said, batch, false);
        }
    }
out:
    fl_workspace_free(&space);
    flowan_batch_free(batch);
    flowan_reader_free(reader);
    flowan_filter_free(made);
}

/* After a failure a scan goes on behind what failed, to its end. */
static void scan_by(trial *t, uint32_t threads)
{
    char path[128];
    snprintf(path, sizeof path, "%s/x.seg", t->directory);
    write_large(path);
    const char *const paths[] = {path};
    flowan_filter *made = NULL;
    flowan_scan *scan = NULL;
    flowan_scan_sums sums = {0};
    flowan_status failed = FLOWAN_OK;
    const flowan_batch *batch;
    const flowan_selection *rows;
    EXPECT(flowan_filter_compile(&made, asked_text, sizeof asked_text - 1, NULL,
                                 NULL) == FLOWAN_OK,
           "no filter");
    flowan_scan_options options = {
        .size = sizeof options, .filter = made, .threads = threads};
    ONCE(flowan_scan_open(&scan, paths, 1, &options, &t->error));
    while (TRY(flowan_scan_next(scan, &batch, &rows, &t->error)) != FLOWAN_END) {
        if (t->status < 0) {
            failed = t->status;
            if (!t->patient)
                goto out;
        } else if (failed == FLOWAN_OK) {
            fl_buffer_format(&t->said, "%zu rows", rows ? rows->count : 0);
            say_batch(&t->said, batch, false);
        }
    }
    if (failed != FLOWAN_OK)
        goto out;
    flowan_scan_free(scan);
    scan = NULL;
    ONCE(flowan_scan_open(&scan, paths, 1, &options, &t->error));
    while (TRY(flowan_scan_sum(scan, &sums, &t->error)) != FLOWAN_END) {
        failed = t->status;
        if (!t->patient)
            goto out;
    }
    if (failed == FLOWAN_OK)
        fl_buffer_append(&t->said, &sums, sizeof sums);
out:
    t->status = failed == FLOWAN_OK ? t->status : failed;
    flowan_scan_free(scan);
    flowan_filter_free(made);
}

static void scan_alone(trial *t)
{
    scan_by(t, 1);
}

static void scan_by_three(trial *t)
{
    scan_by(t, 3);
}

/* --- the runs --- */

typedef struct scenario {
    const char *name;
    void (*play)(trial *t);
    bool strict; /* every call may be repeated: after one failure all goes well */
} scenario;

static const scenario scenarios[] = {
    {"parse, small pieces", parse_small, true},
    {"parse, all at once", parse_at_once, true},
    {"parse, limits", parse_limited, true},
    {"parse, long rejects", parse_long, true},
    {"parse, many rows", parse_many, true},
    {"segment", segment, false},
    {"repack", repack, false},
    {"archive", archive, false},
    {"merge", merge, false},
    {"repair", repair, false},
    {"expire", expire, false},
    {"gaps and losses", missing, false},
    {"NAT lookup", nat, false},
    {"import", import_alone, false},
    {"import by three", import_by_three, false},
    {"networks", networks, true},
    {"asdb", asdb, true},
    {"source, plain", source_plain, false},
    {"source, zstd", source_zstd, false},
    {"aggregate", aggregate, false},
    {"documents", documents, false},
    {"encode, exact", encode_exact, false},
    {"encode, json", encode_json, false},
    {"encode, json, fields", encode_json_fields, false},
    {"encode, csv", encode_csv, false},
    {"encode, table", encode_table, false},
    {"encode, table, fields", encode_table_fields, false},
    {"filter", filter, true},
    {"ask", ask, true},
    {"scan", scan_alone, false},
    {"scan by three", scan_by_three, false},
};

static int remove_entry(const char *path, const struct stat *info, int kind,
                        struct FTW *place)
{
    (void)info;
    (void)kind;
    (void)place;
    return remove(path);
}

static trial play(const scenario *s, size_t fail_at, bool for_ever, bool patient)
{
    trial t = {.patient = patient};
    /* in memory where that goes: thousands of segments are synced here */
    snprintf(t.directory, sizeof t.directory, "%s/flowan-alloc-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    EXPECT(mkdtemp(t.directory), "no directory");
    allocator.fail_at = fail_at;
    allocator.for_ever = for_ever;
    allocator.calls = 0;
    allocator.failed = false;
    s->play(&t);
    EXPECT(!t.said.failed, "said");
    nftw(t.directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    return t;
}

static void check_all(const scenario *s, bool for_ever, bool patient)
{
    trial want = play(s, 0, false, patient);
    EXPECT(want.status >= 0 && want.said.size > 0, "%s: %s", s->name,
           want.error.message);
    size_t allocations = allocator.calls;
    EXPECT(allocations > 0, "%s: allocates nothing", s->name);
    for (size_t n = 1;; n++) {
        EXPECT(n < 100000, "%s: no end", s->name);
        trial got = play(s, n, for_ever, patient);
        bool failed = allocator.failed;
        EXPECT(got.status >= 0 || !patient || !s->strict, "%s, %zu: %s", s->name, n,
               got.error.message);
        /* what was said before a failure, and all that was said without one */
        EXPECT(got.status < 0 ? got.said.size <= want.said.size
                              : got.said.size == want.said.size,
               "%s, %zu: %zu bytes said, not %zu", s->name, n, got.said.size,
               want.said.size);
        EXPECT(got.said.size == 0 ||
                   memcmp(got.said.data, want.said.data, got.said.size) == 0,
               "%s, %zu: said something else", s->name, n);
        fl_buffer_free(&got.said);
        if (!failed)
            break;
    }
    fl_buffer_free(&want.said);
}

START_TEST(one)
{
    check_all(&scenarios[_i], false, true);
}
END_TEST

START_TEST(one_and_stop)
{
    check_all(&scenarios[_i], false, false);
}
END_TEST

START_TEST(all_that_follow)
{
    check_all(&scenarios[_i], true, false);
}
END_TEST

static Suite *suite_of(void)
{
    enum { COUNT = sizeof scenarios / sizeof *scenarios };
    Suite *suite = suite_create("alloc");
    TCase *tests = tcase_create("alloc");
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, one, 0, COUNT);
    tcase_add_loop_test(tests, one_and_stop, 0, COUNT);
    tcase_add_loop_test(tests, all_that_follow, 0, COUNT);
    suite_add_tcase(suite, tests);
    return suite;
}

FL_UNIT_MAIN(suite_of)
