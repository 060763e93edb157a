/* The reader of segments, on files of which every checksum holds and nothing else need be
 * true. An input is
 *
 *   a segment           as its first bytes say, of this version of the format, or
 *   two bytes n, e      then e changes of 4 bytes, then records: a segment is written, the
 *                       first block of n rows, and each change XORs a byte: where (3
 *                       bytes, modulo the segment's size), with what (1). So seeds stay
 *                       what they are when the format changes. With 128 added to e the
 *                       records are there over and over, until blocks have bounds and
 *                       summaries; with 64, blocks have an index of public addresses.
 *
 * The file is read with its checksums mended, the same without its end, and as it is. It
 * must not crash, or hold more memory than the heads of its blocks announce; a failure
 * has its sentence with file and offset; and what is said of a block by different calls
 * agrees: all columns, some columns, exact texts, verify, and rows that are asked for. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/allocations.h"
#include "ask.h"
#include "compare.h"
#include "flowan/encode.h"
#include "input.h"
#include "mend.h"
#include "status.h"

enum {
    CHANGE_SIZE = 4,
    AGAIN = 128, /* in e */
    INDEXED = 64,
    AGAIN_ROWS = FL_SUMMARY_ROWS_MIN + 100,
    AGAIN_MAX = 1 << 20, /* bytes of records */
    FILE_MAX = 1 << 18,
    /* what takes longer to read than it is worth: an input whose blocks hold more */
    ANNOUNCED_MAX = 16 << 20,
    TEXT_MAX = 16 << 20,
    /* arrays grow by doubling, and are there twice while they move */
    MEMORY_FACTOR = 8,
    MEMORY_CONSTANT = 16 << 20
};

#define MUST(call)                                                                     \
    do {                                                                               \
        flowan_error must_error = {0};                                                 \
        flowan_status must_status = (call);                                            \
        COMPARE_EXPECT(must_status == FLOWAN_OK, #call, "%s", must_error.message);     \
    } while (0)

/* --- from records to a segment --- */

static int append(void *context, const void *data, size_t size)
{
    fl_buffer_append(context, data, size);
    return 0;
}

static void parse(const uint8_t *data, size_t size, flowan_batch *batch)
{
    flowan_parser *parser;
    size_t used;
    MUST(flowan_parser_new(&parser, NULL, &must_error));
    if (flowan_parser_feed(parser, data, size, batch, &used, NULL) == FLOWAN_OK)
        MUST(flowan_parser_finish(parser, batch, &must_error));
    flowan_parser_free(parser);
}

static void write_segment(fl_buffer *out, const flowan_batch *batch, size_t first,
                          bool indexed)
{
    const flowan_writer_options options = {.size = sizeof options,
                                           .nat_index = indexed};
    static const flowan_log_state log = {
        .path = "log", .head_size = 7, .position = {1234, 5678}};
    size_t rows = flowan_batch_rows(batch);
    flowan_writer *writer;
    MUST(flowan_writer_new(&writer, append, out, "out", &options, &must_error));
    if (first)
        MUST(flowan_writer_write(writer, batch, 0, first, &log, &must_error));
    if (rows > first)
        MUST(flowan_writer_write(writer, batch, first, rows - first, NULL, &must_error));
    MUST(flowan_writer_finish(writer, &log, 1, &must_error));
    flowan_writer_free(writer);
}

static void change(fl_buffer *file, const uint8_t *changes, size_t count)
{
    for (size_t i = 0; i < count; i++, changes += CHANGE_SIZE)
        file->data[fl_bytes_load(changes, 3) % file->size] ^= (char)changes[3];
}

/* The file that an input stands for; no bytes where it stands for none. */
static fl_buffer file_of(const uint8_t *data, size_t size)
{
    fl_buffer file = {0};
    if (size < 2 || size > FILE_MAX)
        return file;
    if (fl_segment_is(data, size)) {
        fl_buffer_append(&file, data, size);
        return file;
    }
    size_t change_count = data[1] % INDEXED;
    size_t changes = change_count * CHANGE_SIZE;
    if (changes + 2 > size || size > INPUT_MAX)
        return file;
    flowan_batch *batch;
    MUST(flowan_batch_new(&batch, NULL, &must_error));
    size_t again = 0;
    do {
        parse(data + 2 + changes, size - 2 - changes, batch);
        again += size;
    } while (data[1] & AGAIN && again < AGAIN_MAX && flowan_batch_rows(batch) > 0 &&
             flowan_batch_rows(batch) < AGAIN_ROWS);
    write_segment(&file, batch, data[0] % (flowan_batch_rows(batch) + 1),
                  data[1] & INDEXED);
    flowan_batch_free(batch);
    compare_need(file.data);
    change(&file, data + 2, change_count);
    return file;
}

/* --- reading --- */

typedef struct view {
    const uint8_t *data;
    size_t size;
} view;

static int read_at(void *context, void *data, size_t size, uint64_t offset)
{
    const view *v = context;
    COMPARE_EXPECT(offset <= v->size && size <= v->size - offset, "read",
                   "%zu bytes at %llu of %zu", size, (unsigned long long)offset,
                   v->size);
    memcpy(data, v->data + offset, size);
    return 0;
}

static void check_error(const char *what, flowan_status status,
                        const flowan_error *error)
{
    COMPARE_EXPECT(status == error->status && strlen(error->message) > 10, what,
                   "status %d has the message '%s'", status, error->message);
    COMPARE_EXPECT(strstr(error->message, "input") && error->offset != FL_NO_OFFSET,
                   what, "'%s' names no file or place", error->message);
}

/* 0 where the footer names a place at which no block is. */
static uint64_t announced(const view *v, const fl_segment_block *block)
{
    fl_segment_head head;
    if (block->offset > v->size ||
        !mend_get_head(v->data + block->offset, v->size - block->offset, &head))
        return 0;
    uint64_t bytes = head.directory_size;
    if (bytes <= ANNOUNCED_MAX && head.block_size <= v->size - block->offset)
        bytes = mend_announced(v->data + block->offset, &head);
    fl_segment_head_free(&head);
    return bytes;
}

/* As a reader of text would: it takes so much and no more. */
static int take_text(void *context, const void *data, size_t size)
{
    (void)data;
    *(size_t *)context += size;
    return *(size_t *)context > TEXT_MAX ? 28 : 0;
}

static void print_as(const flowan_batch *batch, flowan_format format,
                     const char *const *fields, size_t count)
{
    size_t taken = 0;
    flowan_encoder *encoder;
    flowan_encoder_options options = {.size = sizeof options,
                                      .format = format,
                                      .fields = fields,
                                      .field_count = count,
                                      .write = take_text,
                                      .context = &taken};
    MUST(flowan_encoder_new(&encoder, &options, &must_error));
    flowan_status status = flowan_encoder_write(encoder, batch, NULL, NULL);
    COMPARE_EXPECT(status == FLOWAN_OK || taken > TEXT_MAX, "print",
                   "format %d: status %d", format, status);
    flowan_encoder_free(encoder);
}

/* In all formats; as CSV, and as a table by choice, one field of each type and two that
 * hang together. */
static void print_all(const flowan_batch *batch)
{
    static const char *const fields[] = {
        "src_net", "src_addr",    "proto",   "bytes",     "time_received_ns",
        "src_mac", "layer_stack", "mpls_ip", "icmp_name", ""};
    enum { FIELDS = sizeof fields / sizeof *fields };
    print_as(batch, FLOWAN_FORMAT_EXACT, NULL, 0);
    print_as(batch, FLOWAN_FORMAT_JSON, NULL, 0);
    print_as(batch, FLOWAN_FORMAT_CSV, fields, FIELDS);
    print_as(batch, FLOWAN_FORMAT_TABLE, NULL, 0);
    print_as(batch, FLOWAN_FORMAT_TABLE, fields, FIELDS);
}

/* --- some of the columns --- */

typedef struct names {
    fl_buffer text; /* with their NULs */
    const char *list[64];
    size_t count;
} names;

/* Every second column. What holds a NUL is another name, or none. */
static flowan_status choose(names *n, flowan_reader *reader, size_t block,
                            flowan_error *error)
{
    size_t starts[64];
    flowan_column column;
    flowan_status status = FLOWAN_OK;
    for (size_t i = 0; n->count < 64; i += 2) {
        status = flowan_reader_column(reader, block, i, &column, error);
        if (status != FLOWAN_OK)
            break;
        starts[n->count++] = n->text.size;
        fl_buffer_append(&n->text, column.name, column.name_size);
        fl_buffer_byte(&n->text, 0);
    }
    for (size_t i = 0; i < n->count; i++)
        n->list[i] = n->text.data + starts[i];
    return status == FLOWAN_END ? FLOWAN_OK : status;
}

static bool find_same(const flowan_batch *batch, const flowan_column *like,
                      flowan_column *out)
{
    for (size_t i = 0; flowan_batch_column(batch, i, out); i++)
        if (out->type == like->type && out->name_size == like->name_size &&
            memcmp(out->name, like->name, like->name_size) == 0)
            return true;
    return false;
}

static void check_column(const flowan_column *a, const flowan_column *b)
{
    const size_t width = fl_type_width(a->type);
    const void *cells[2] = {a->u32, b->u32};
    if (width == 8)
        cells[0] = a->u64, cells[1] = b->u64;
    else if (width == 16)
        cells[0] = a->address, cells[1] = b->address;
    else if (width == 1)
        cells[0] = a->text, cells[1] = b->text;
    size_t items = a->offset ? a->offset[a->rows] : a->rows;
    bool same = a->rows == b->rows && a->present_count == b->present_count;
    for (size_t row = 0; same && row < a->rows; row++)
        same = (a->present[row / 64] >> row % 64 & 1) ==
               (b->present[row / 64] >> row % 64 & 1);
    if (same && a->offset)
        same = memcmp(a->offset, b->offset, (a->rows + 1) * sizeof *a->offset) == 0;
    if (same && items)
        same = memcmp(cells[0], cells[1], items * width) == 0;
    COMPARE_EXPECT(same, a->name, "is another among some columns than among all");
}

/* Both were read from one block. */
static void check_some(const flowan_batch *some, const flowan_batch *all)
{
    flowan_column a;
    flowan_column b;
    COMPARE_EXPECT(flowan_batch_rows(some) == flowan_batch_rows(all), "some columns",
                   "%zu rows", flowan_batch_rows(some));
    for (size_t i = 0; flowan_batch_column(some, i, &a); i++) {
        COMPARE_EXPECT(find_same(all, &a, &b), a.name, "only there when chosen");
        check_column(&a, &b);
    }
}

/* --- a file --- */

/* Whether all of the block can be read. */
static bool check_block(flowan_reader *reader, size_t block)
{
    flowan_batch *all;
    flowan_batch *some;
    flowan_error error = {0};
    names n = {0};
    MUST(flowan_batch_new(&all, NULL, &must_error));
    MUST(flowan_batch_new(&some, NULL, &must_error));
    flowan_status read = flowan_reader_read(reader, block, NULL, 0, all, &error);
    if (read == FLOWAN_OK) {
        compare_view seen = {.label = "all columns"};
        compare_load(&seen, all, false);
        compare_unload(&seen);
        print_all(all);
    } else {
        check_error("read", read, &error);
        COMPARE_EXPECT(flowan_batch_rows(all) == 0, "read", "failed, and left rows");
    }
    flowan_status status = choose(&n, reader, block, &error);
    if (status == FLOWAN_OK)
        status = flowan_reader_read(reader, block, n.list, n.count, some, &error);
    if (status != FLOWAN_OK)
        check_error("some columns", status, &error);
    COMPARE_EXPECT(status == FLOWAN_OK || read != FLOWAN_OK, "some columns",
                   "all can be read, and some not: %s", error.message);
    if (status == FLOWAN_OK && read == FLOWAN_OK)
        check_some(some, all);
    ask_block(reader, block, read == FLOWAN_OK ? all : NULL, check_error);
    ask_received(reader, block, read == FLOWAN_OK ? all : NULL, check_error);
    ask_index(reader, block);
    fl_buffer_free(&n.text);
    flowan_batch_free(all);
    flowan_batch_free(some);
    return read == FLOWAN_OK;
}

static void check_reader(flowan_reader *reader, const view *v)
{
    flowan_error error = {0};
    size_t count;
    size_t damaged;
    uint64_t bytes = 0;
    const fl_segment_block *blocks = fl_reader_blocks(reader, &count);
    for (size_t i = 0; i < count; i++)
        bytes += announced(v, &blocks[i]);
    if (bytes > ANNOUNCED_MAX)
        return;
    bool whole = true;
    for (size_t i = 0; i < count; i++) {
        ask_summary(&blocks[i]);
        whole &= check_block(reader, i);
    }
    flowan_status status = flowan_reader_verify(reader, &damaged, &error);
    if (status != FLOWAN_OK)
        check_error("verify", status, &error);
    COMPARE_EXPECT((status == FLOWAN_OK) == (damaged == 0), "verify",
                   "status %d, %zu damaged", status, damaged);
    COMPARE_EXPECT(whole || status != FLOWAN_OK, "verify",
                   "finds nothing where a block cannot be read");
    uint64_t bound = (v->size + bytes) * MEMORY_FACTOR + MEMORY_CONSTANT;
    COMPARE_EXPECT(allocations.peak <= (int64_t)bound, "memory",
                   "%lld bytes held, of %zu in the file and %llu announced",
                   (long long)allocations.peak, v->size, (unsigned long long)bytes);
}

static void check_file(const uint8_t *data, size_t size)
{
    /* of just that size, so that a sanitizer sees a step beyond */
    uint8_t *copy = compare_need(malloc(size ? size : 1));
    memcpy(copy, data, size);
    view v = {copy, size};
    flowan_reader *reader;
    flowan_error error = {0};
    allocations.held = allocations.peak = 0;
    flowan_status status =
        flowan_reader_new(&reader, read_at, &v, size, "input", &error);
    if (status == FLOWAN_OK)
        check_reader(reader, &v);
    else
        check_error("open", status, &error);
    flowan_reader_free(reader);
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fl_buffer file = file_of(data, size);
    if (file.size > 0) {
        uint8_t *bytes = (uint8_t *)file.data;
        check_file(bytes, file.size);
        mend_segment(bytes, file.size);
        check_file(bytes, file.size);
        if (file.size > FL_SEGMENT_TRAILER_SIZE)
            check_file(bytes, file.size - FL_SEGMENT_TRAILER_SIZE);
    }
    fl_buffer_free(&file);
    return 0;
}

/* --- changes that know the layout, for the fuzzer --- */

size_t __attribute__((weak)) LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);

typedef struct place {
    uint8_t *block;
    size_t block_size;
} place;

/* One of the blocks, by chance. */
static bool pick_block(place *p, uint8_t *data, size_t size, unsigned seed)
{
    place found[16];
    size_t count = 0;
    size_t at = FL_SEGMENT_HEADER_SIZE;
    while (at < size && count < 16) {
        size_t block = mend_block(data + at, size - at);
        if (block == 0)
            break;
        found[count++] = (place){data + at, block};
        at += block;
    }
    if (count)
        *p = found[seed % count];
    return count > 0;
}

/* Appends the section with other bytes. */
static void change_section(fl_buffer *out, const uint8_t *data, size_t size,
                           fl_segment_head *head, size_t section)
{
    enum { MORE = 64 };
    uint8_t *room = compare_need((uint8_t *)fl_buffer_reserve(out, size + MORE));
    if (size)
        memcpy(room, data, size);
    size = LLVMFuzzerMutate(room, size, size + MORE);
    mend_set_section(head, section, room, size);
    out->size += size;
}

/* Appends the directory, which is packed, with another one inside. */
static void change_directory(fl_buffer *out, const uint8_t *block,
                             fl_segment_head *head)
{
    const fl_segment_section *s = &head->sections[FL_SECTION_DIRECTORY];
    fl_buffer plain = {0};
    fl_buffer changed = {0};
    fl_segment_head as_was = {.sections = head->sections};
    if (mend_get_directory(block, head, FILE_MAX, &plain)) {
        change_section(&changed, (uint8_t *)plain.data, plain.size, &as_was,
                       FL_SECTION_DIRECTORY);
        mend_put_directory(head, (uint8_t *)changed.data, changed.size, out);
    } else {
        change_section(out, block + s->offset, s->size, head, FL_SECTION_DIRECTORY);
    }
    fl_buffer_free(&plain);
    fl_buffer_free(&changed);
}

/* The block anew, with other bytes in one of its sections: half of the time in its
 * directory. */
static void change_part(fl_buffer *out, const uint8_t *block, fl_segment_head *head,
                        unsigned seed)
{
    size_t count = head->section_count;
    size_t chosen = seed % 2 ? FL_SECTION_DIRECTORY : seed / 2 % count;
    fl_buffer sections = {0};
    for (size_t i = 0; i < count; i++) {
        const uint8_t *data = block + head->sections[i].offset;
        size_t size = head->sections[i].size;
        if (i == chosen && i == FL_SECTION_DIRECTORY)
            change_directory(&sections, block, head);
        else if (i == chosen)
            change_section(&sections, data, size, head, i);
        else
            fl_buffer_append(&sections, data, size);
    }
    fl_segment_put_head(out, head);
    fl_buffer_append(out, sections.data, sections.size);
    fl_buffer_free(&sections);
}

/* The summaries that stand in the footer at the end of a file, for so many blocks; some
 * bytes of them others where `forge` says so. */
static void take_summaries(fl_buffer *out, const uint8_t *data, size_t size,
                           size_t count, bool forge)
{
    fl_segment_block *blocks = NULL;
    flowan_log_state *logs = NULL;
    size_t block_count = 0;
    size_t log_count;
    uint64_t at;
    uint64_t footer_size;
    if (size > FL_SEGMENT_TRAILER_SIZE &&
        fl_segment_get_trailer(data + size - FL_SEGMENT_TRAILER_SIZE, size, &at,
                               &footer_size))
        fl_segment_get_footer(data + at, (size_t)footer_size, &blocks, &block_count,
                              &logs, &log_count);
    for (size_t i = 0; i < count; i++) {
        size_t own = i < block_count ? blocks[i].summary_size : 0;
        fl_bytes_put_varint(out, own);
        fl_buffer_append(out, own ? blocks[i].summary : data, own);
    }
    if (forge && out->size) {
        compare_need(fl_buffer_reserve(out, 64));
        out->size = LLVMFuzzerMutate((uint8_t *)out->data, out->size, out->size + 64);
    }
    fl_memory_free(blocks);
    fl_memory_free(logs);
}

/* A footer for the blocks that are there now, with the logs and the summaries of the file
 * before. */
static void put_footer(fl_buffer *out, const uint8_t *file, size_t file_size,
                       bool forge)
{
    fl_buffer summaries = {0};
    static const flowan_log_state log = {.path = "log"};
    fl_segment_block blocks[64];
    size_t count = 0;
    size_t at = FL_SEGMENT_HEADER_SIZE;
    while (count < 64 && at < out->size) {
        uint8_t *block = (uint8_t *)out->data + at;
        size_t size = mend_block(block, out->size - at);
        fl_segment_head head;
        if (size == 0 || !mend_get_head(block, size, &head))
            break;
        blocks[count++] =
            (fl_segment_block){.offset = at, .size = size, .stats = head.stats};
        fl_segment_head_free(&head);
        at += size;
    }
    out->size = at;
    take_summaries(&summaries, file, file_size, count, forge);
    fl_segment_put_footer(out, at, blocks, count, &log, 1, &summaries);
    fl_buffer_free(&summaries);
}

static size_t change_segment(uint8_t *data, size_t size, size_t max, unsigned seed)
{
    place p;
    fl_segment_head head;
    uint32_t head_size;
    uint64_t block_size;
    if (!pick_block(&p, data, size, seed / 16) ||
        !fl_segment_peek_head(p.block, &head_size, &block_size))
        return LLVMFuzzerMutate(data, size, max);
    if (seed % 4 == 1) {
        LLVMFuzzerMutate(p.block, head_size, head_size);
        return size;
    }
    if (!mend_get_head(p.block, p.block_size, &head))
        return LLVMFuzzerMutate(data, size, max);
    fl_buffer out = {0};
    size_t before = (size_t)(p.block - data);
    fl_buffer_append(&out, data, before);
    bool forge = seed % 4 == 2 && seed / 4 % 4 == 0;
    if (forge)
        fl_buffer_append(&out, p.block, p.block_size);
    else
        change_part(&out, p.block, &head, seed / 256);
    fl_segment_head_free(&head);
    fl_buffer_append(&out, p.block + p.block_size, size - before - p.block_size);
    put_footer(&out, data, size, forge);
    size_t made = out.size < max ? out.size : max;
    memcpy(data, out.data, made);
    fl_buffer_free(&out);
    return made;
}

/* An input of records is changed as such, or becomes the segment that it stands for. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
    if (seed % 4 == 0)
        return LLVMFuzzerMutate(data, size, max);
    if (fl_segment_is(data, size))
        return change_segment(data, size, max, seed);
    fl_buffer file = file_of(data, size);
    size_t made = file.size;
    if (made > 0 && made <= max)
        memcpy(data, file.data, made);
    else
        made = LLVMFuzzerMutate(data, size, max);
    fl_buffer_free(&file);
    return made;
}
