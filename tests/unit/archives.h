/* Fixtures for tests that write and read archives. The system under them refuses as
 * refusals.h says, or is the one of disk.h where that was included before. */
#ifndef FL_ARCHIVES_H
#define FL_ARCHIVES_H

#include <errno.h>
#include <xxhash.h>

#include "archive.h"
#include "clock.h"
#include "segment.h"
#include "segments.h"

#ifndef FL_DISK_H
#include "refusals.h"
#endif

/* --- fixtures --- */

#define DAY FL_CLOCK_DAY_NS
/* 2025-03-15T00:00:00Z */
#define MARCH_15 UINT64_C(1741996800000000000)
#define SECOND UINT64_C(1000000000)

static char top[64];   /* a directory of the test's own */
static char home[128]; /* the archive in it */

static inline void set_up(void)
{
    make_directory(top);
    snprintf(home, sizeof home, "%s/archive", top);
    system_begins(top);
}

static inline void tear_down(void)
{
    system_ends();
    remove_tree(top);
}

static inline flowan_archiver *open_archiver(const flowan_archiver_options *options)
{
    flowan_archiver *archiver;
    flowan_error error;
    if (flowan_archiver_open(&archiver, home, options, &error) != FLOWAN_OK)
        ck_abort_msg("%s", error.message);
    return archiver;
}

static inline flowan_archive *open_archive(void)
{
    flowan_archive *archive;
    flowan_error error;
    if (flowan_archive_open(&archive, home, &error) != FLOWAN_OK)
        ck_abort_msg("%s", error.message);
    return archive;
}

static inline flowan_reader *open_segment_at(const flowan_archive *archive,
                                             size_t index)
{
    flowan_reader *reader;
    flowan_error error;
    if (flowan_archive_reader(archive, index, &reader, &error) != FLOWAN_OK)
        ck_abort_msg("%s", error.message);
    return reader;
}

static inline void finish(flowan_archiver *archiver)
{
    flowan_error error;
    if (flowan_archiver_finish(archiver, &error) != FLOWAN_OK)
        ck_abort_msg("%s", error.message);
    flowan_archiver_free(archiver);
}

static inline flowan_log_state state_of(const char *name, const char *text, size_t size)
{
    uint32_t head = size < 64 ? (uint32_t)size : 64;
    return (flowan_log_state){.path = name,
                              .inode = 11,
                              .head_hash = XXH3_64bits(text, head),
                              .head_size = head,
                              .position = {0, XXH3_64bits("", 0)}};
}

/* A record with its receive time (0: none) and a number that tells it. */
static inline void put_record(fl_buffer *log, uint64_t received_ns, unsigned number)
{
    fl_buffer_text(log, "{");
    if (received_ns)
        fl_buffer_format(log, "\"time_received_ns\":%llu,",
                         (unsigned long long)received_ns);
    fl_buffer_format(log, "\"bytes\":%u}\n", number);
}

/* Reads a log into the archive as an importer does: from where the archive knows it, in
 * batches of a few rows. *acknowledged counts the records of the whole log that writes
 * returned for. */
static inline flowan_status import(flowan_archiver *archiver, const fl_buffer *log,
                                   uint32_t rows, size_t *acknowledged,
                                   flowan_error *error)
{
    flowan_log_state state = state_of("a.json", log->data, log->size);
    flowan_log_state known;
    if (flowan_archiver_find_log(archiver, log->data, log->size, 0, &known)) {
        ck_assert_uint_le(known.position.offset, log->size);
        ck_assert_uint_eq(known.position.content_hash,
                          XXH3_64bits(log->data, known.position.offset));
        state.position = known.position;
        state.rows_after = known.rows_after;
    }
    flowan_batch_options options = {.size = sizeof options, .capacity = rows};
    flowan_batch *batch;
    flowan_parser *parser;
    ck_assert_int_eq(flowan_batch_new(&batch, &options, NULL), FLOWAN_OK);
    ck_assert_int_eq(flowan_parser_new(&parser, NULL, NULL), FLOWAN_OK);
    ck_assert_int_eq(flowan_parser_skip(parser, log->data, state.position.offset, NULL),
                     FLOWAN_OK);
    size_t at = state.position.offset;
    size_t rows_known = state.rows_after;
    size_t before = 0;
    for (size_t i = 0; i < at; i++)
        before += log->data[i] == '\n';
    flowan_status status = flowan_archiver_begin_log(archiver, &state, MARCH_15, error);
    bool more = true;
    while (status == FLOWAN_OK && more) {
        size_t used;
        flowan_status fed = flowan_parser_feed(parser, log->data + at, log->size - at,
                                               batch, &used, NULL);
        ck_assert_int_ge(fed, FLOWAN_OK);
        at += used;
        more = fed == FLOWAN_FULL;
        size_t have = flowan_batch_rows(batch);
        size_t first = rows_known < have ? rows_known : have;
        status = flowan_archiver_write(archiver, batch, first,
                                       flowan_parser_position(parser), error);
        if (status == FLOWAN_OK) {
            rows_known -= first;
            before += have;
            if (acknowledged)
                *acknowledged = before;
            flowan_batch_reset(batch);
        }
    }
    flowan_parser_free(parser);
    flowan_batch_free(batch);
    return status;
}

static inline void import_all(flowan_archiver *archiver, const fl_buffer *log,
                              uint32_t rows)
{
    flowan_error error;
    if (import(archiver, log, rows, NULL, &error) != FLOWAN_OK)
        ck_abort_msg("%s", error.message);
}

/* The texts of all records of the archive, in order. */
static inline fl_buffer archived(void)
{
    fl_buffer texts = {0};
    flowan_archive *archive = open_archive();
    flowan_batch *batch = empty_batch();
    for (size_t i = 0; i < flowan_archive_segments(archive); i++) {
        flowan_reader *reader = open_segment_at(archive, i);
        size_t blocks = flowan_reader_info(reader).blocks;
        for (size_t k = 0; k < blocks; k++) {
            flowan_error error;
            if (flowan_reader_read(reader, k, NULL, 0, batch, &error) != FLOWAN_OK)
                ck_abort_msg("%s", error.message);
            put_texts(&texts, batch);
        }
        flowan_reader_free(reader);
    }
    flowan_batch_free(batch);
    flowan_archive_free(archive);
    return texts;
}

static inline void assert_archived(const fl_buffer *log)
{
    fl_buffer texts = archived();
    assert_bytes(&texts, log->data, log->size);
    fl_buffer_free(&texts);
}

/* Path of segment `index` behind the archive's directory; "" when there is none. */
static inline const char *name_at(size_t index)
{
    static char name[256];
    flowan_archive *archive = open_archive();
    const char *found = flowan_archive_path(archive, index);
    snprintf(name, sizeof name, "%s", found ? found + strlen(home) + 1 : "");
    flowan_archive_free(archive);
    return name;
}

static inline uint64_t rows_at(size_t index)
{
    flowan_archive *archive = open_archive();
    flowan_reader *reader = open_segment_at(archive, index);
    uint64_t rows = flowan_reader_info(reader).stats.rows;
    flowan_reader_free(reader);
    flowan_archive_free(archive);
    return rows;
}

static inline size_t segments(void)
{
    flowan_archive *archive = open_archive();
    size_t count = flowan_archive_segments(archive);
    flowan_archive_free(archive);
    return count;
}

/* How many whole records the archive holds, which must be the first ones of the log. */
static inline size_t prefix_archived(const fl_buffer *log)
{
    fl_buffer texts = archived();
    ck_assert_uint_le(texts.size, log->size);
    ck_assert(texts.size == 0 || memcmp(texts.data, log->data, texts.size) == 0);
    ck_assert(texts.size == 0 || texts.data[texts.size - 1] == '\n');
    size_t count = 0;
    for (size_t i = 0; i < texts.size; i++)
        count += texts.data[i] == '\n';
    fl_buffer_free(&texts);
    return count;
}

static inline void assert_all_finished(void)
{
    flowan_archive *archive = open_archive();
    for (size_t i = 0; i < flowan_archive_segments(archive); i++) {
        flowan_reader *reader = open_segment_at(archive, i);
        flowan_error error;
        ck_assert(flowan_reader_info(reader).finished);
        ck_assert(!fl_archive_is_open(archive, i));
        if (flowan_reader_verify(reader, NULL, &error) != FLOWAN_OK)
            ck_abort_msg("%s", error.message);
        flowan_reader_free(reader);
    }
    flowan_archive_free(archive);
}

#endif
