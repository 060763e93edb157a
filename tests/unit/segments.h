/* What the tests of segments and archives share: JSON lines to batches and back, files to
 * bytes and back, directories that go away. */
#ifndef FL_SEGMENTS_H
#define FL_SEGMENTS_H

#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "batch.h"
#include "flowan/parser.h"
#include "flowan/segment.h"
#include "render.h"

/* Every line a record, none refused. */
static inline flowan_batch *batch_of(const char *text, size_t size)
{
    flowan_batch *batch;
    flowan_parser *parser;
    size_t used;
    flowan_batch_options options = {.size = sizeof options, .capacity = 1 << 20};
    ck_assert_int_eq(flowan_batch_new(&batch, &options, NULL), FLOWAN_OK);
    ck_assert_int_eq(flowan_parser_new(&parser, NULL, NULL), FLOWAN_OK);
    ck_assert_int_eq(flowan_parser_feed(parser, text, size, batch, &used, NULL),
                     FLOWAN_OK);
    ck_assert_int_eq(flowan_parser_finish(parser, batch, NULL), FLOWAN_OK);
    ck_assert_uint_eq(used, size);
    ck_assert_uint_eq(flowan_batch_rejects(batch), 0);
    flowan_parser_free(parser);
    return batch;
}

static inline flowan_batch *empty_batch(void)
{
    flowan_batch *batch;
    ck_assert_int_eq(flowan_batch_new(&batch, NULL, NULL), FLOWAN_OK);
    return batch;
}

/* Appends the exact texts of all rows, a line each. */
static inline void put_texts(fl_buffer *out, const flowan_batch *batch)
{
    for (size_t row = 0; row < flowan_batch_rows(batch); row++) {
        fl_render_row(out, batch, row);
        fl_buffer_byte(out, '\n');
    }
    ck_assert(!out->failed);
}

static inline void assert_bytes(const fl_buffer *got, const char *want, size_t size)
{
    size_t at = 0;
    while (at < size && at < got->size && got->data[at] == want[at])
        at++;
    if (got->size != size || at < size)
        ck_abort_msg("%zu bytes, %zu wanted, other from byte %zu on: \"%.60s\", "
                     "wanted \"%.60s\"",
                     got->size, size, at, got->size > at ? got->data + at : "",
                     size > at ? want + at : "");
}

/* A failure has its sentence. */
static inline void assert_sentence(const flowan_error *error, flowan_status status)
{
    ck_assert_int_eq(error->status, status);
    ck_assert_int_lt(status, 0);
    ck_assert_uint_gt(strlen(error->message), 10);
    ck_assert_ptr_null(strchr(error->message, '\n'));
}

static inline fl_buffer read_file(const char *path)
{
    fl_buffer bytes = {0};
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "cannot open %s", path);
    char *room;
    size_t got;
    while ((room = fl_buffer_reserve(&bytes, 65536)) &&
           (got = fread(room, 1, 65536, file)) > 0)
        bytes.size += got;
    ck_assert(!bytes.failed && !ferror(file));
    fclose(file);
    return bytes;
}

static inline void write_file(const char *path, const void *data, size_t size)
{
    FILE *file = fopen(path, "wb");
    ck_assert_msg(file != NULL, "cannot create %s", path);
    ck_assert_uint_eq(fwrite(data, 1, size, file), size);
    ck_assert_int_eq(fclose(file), 0);
}

/* Removes a file or a directory with all that is in it. */
static inline void remove_tree(const char *path)
{
    DIR *directory = opendir(path);
    struct dirent *item;
    while (directory && (item = readdir(directory))) {
        char below[512];
        if (strcmp(item->d_name, ".") == 0 || strcmp(item->d_name, "..") == 0)
            continue;
        snprintf(below, sizeof below, "%.200s/%.255s", path, item->d_name);
        remove_tree(below);
    }
    if (directory)
        closedir(directory);
    remove(path);
}

static const char *directories = "/tmp";

/* A new directory in `out` (64 bytes). */
static inline void make_directory(char *out)
{
    snprintf(out, 64, "%s/flowan-test.XXXXXX", directories);
    ck_assert_ptr_nonnull(mkdtemp(out));
}

#endif
