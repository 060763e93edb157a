/* doc/format.md holds: its examples are what the library writes and reads, and its tables
 * of numbers are the library's. */
#include "bits.h"
#include "bounds.h"
#include "layout.h"
#include "names.h"
#include "segment.h"
#include "segments.h"
#include "summary.h"
#include "tables.h"
#include "unit.h"

enum { NUMBERS_MAX = 64 };

static fl_buffer page;
static char directory[64];
static char path[128];
static fl_integers integers;

static void set_up(void)
{
    const char *data = getenv("FLOWAN_TEST_DATA");
    ck_assert_msg(data != NULL, "FLOWAN_TEST_DATA is not set");
    char name[1024];
    snprintf(name, sizeof name, "%s/../../doc/format.md", data);
    page = read_file(name);
    fl_buffer_byte(&page, 0);
    make_directory(directory);
    snprintf(path, sizeof path, "%s/a.seg", directory);
    /* what zstd makes of bytes is zstd's, and differs by version */
    integers.codec = fl_codec_new(0);
    ck_assert_ptr_nonnull(integers.codec);
}

static void tear_down(void)
{
    fl_buffer_free(&page);
    remove_tree(directory);
    fl_codec_free(integers.codec);
    fl_integers_free(&integers);
}

/* What stands in the fenced block with that info string. */
static fl_buffer fence(const char *info)
{
    char open[64];
    snprintf(open, sizeof open, "\n```%s\n", info);
    const char *at = strstr(page.data, open);
    ck_assert_msg(at != NULL, "no block '%s'", info);
    at += strlen(open);
    const char *end = strstr(at, "\n```\n");
    ck_assert_ptr_nonnull(end);
    fl_buffer block = {0};
    fl_buffer_append(&block, at, (size_t)(end + 1 - at));
    fl_buffer_byte(&block, 0);
    block.size--;
    return block;
}

static unsigned digit(char c)
{
    const char *digits = "0123456789abcdef";
    const char *at = strchr(digits, c);
    ck_assert_msg(c && at, "'%c' is no hex digit", c);
    return (unsigned)(at - digits);
}

static fl_buffer hex(const char *info)
{
    fl_buffer text = fence(info);
    fl_buffer bytes = {0};
    for (const char *at = text.data; *at;) {
        if (*at == '#' || *at == '=') {
            at += strcspn(at, "\n");
        } else if (*at == ' ' || *at == '\n') {
            at++;
        } else {
            fl_buffer_byte(&bytes, (char)(digit(at[0]) << 4 | digit(at[1])));
            at += 2;
        }
    }
    fl_buffer_free(&text);
    return bytes;
}

/* What stands behind the `=` of a block. */
static fl_buffer meaning(const char *info)
{
    fl_buffer text = fence(info);
    fl_buffer told = {0};
    ck_assert_msg(text.size > 2 && memcmp(text.data, "= ", 2) == 0, "no '=' in '%s'",
                  info);
    fl_buffer_append(&told, text.data + 2, strcspn(text.data + 2, "\n"));
    fl_buffer_byte(&told, 0);
    told.size--;
    fl_buffer_free(&text);
    return told;
}

/* Numbers, and where `|` cuts them into pieces that are like each other. */
typedef struct array {
    uint64_t numbers[NUMBERS_MAX];
    size_t count;
    uint32_t cuts[NUMBERS_MAX];
    size_t cut_count;
} array;

static array array_of(const char *info)
{
    array a = {.count = 0};
    fl_buffer text = meaning(info);
    for (const char *word = strtok(text.data, " "); word; word = strtok(NULL, " ")) {
        ck_assert_uint_lt(a.count, NUMBERS_MAX);
        if (*word == '|')
            a.cuts[a.cut_count++] = (uint32_t)a.count;
        else
            a.numbers[a.count++] = (uint64_t)strtoll(word, NULL, 10);
    }
    a.cuts[a.cut_count++] = (uint32_t)a.count;
    fl_buffer_free(&text);
    return a;
}

/* With room behind them, as those who read bits need. */
static fl_cursor cursor_of(fl_buffer *bytes)
{
    ck_assert_ptr_nonnull(fl_buffer_reserve(bytes, FL_BITS_PADDING));
    memset(bytes->data + bytes->size, 0, FL_BITS_PADDING);
    return (fl_cursor){(const unsigned char *)bytes->data, bytes->size, false};
}

static void assert_numbers(const uint64_t *got, const array *want)
{
    for (size_t i = 0; i < want->count; i++)
        ck_assert_msg(got[i] == want->numbers[i], "number %zu is %llu", i,
                      (unsigned long long)got[i]);
}

/* --- primitives --- */

static const struct {
    const char *info;
    bool written; /* as it stands there, by any version of zstd */
} bytes_examples[] = {{"hex bytes", true}, {"hex bytes frame", false}};

START_TEST(bytes_are_as_told)
{
    fl_buffer bytes = hex(bytes_examples[_i].info);
    fl_buffer want = meaning(bytes_examples[_i].info);
    fl_cursor in = cursor_of(&bytes);
    char got[NUMBERS_MAX];
    ck_assert_uint_le(want.size, sizeof got);
    ck_assert(fl_codec_fits(&in, want.size));
    ck_assert(fl_codec_get(integers.codec, &in, got, want.size));
    ck_assert_uint_eq(in.left, 0);
    ck_assert_mem_eq(got, want.data, want.size);
    fl_buffer written = {0};
    fl_codec_put(integers.codec, &written, want.data, want.size);
    if (bytes_examples[_i].written)
        assert_bytes(&written, bytes.data, bytes.size);
    fl_buffer_free(&written);
    fl_buffer_free(&want);
    fl_buffer_free(&bytes);
}
END_TEST

static const char *const numbers_examples[] = {
    "hex numbers packed", "hex numbers tokens", "hex numbers segments",
    "hex numbers zigzag"};

START_TEST(numbers_are_as_told)
{
    fl_buffer bytes = hex(numbers_examples[_i]);
    array want = array_of(numbers_examples[_i]);
    fl_cursor in = cursor_of(&bytes);
    uint64_t got[NUMBERS_MAX];
    ck_assert(fl_integers_get(&integers, &in, got, want.count));
    ck_assert_uint_eq(in.left, 0);
    assert_numbers(got, &want);
    fl_buffer written = {0};
    fl_integers_put(&integers, &written, want.numbers, want.count, want.cuts,
                    want.cut_count);
    assert_bytes(&written, bytes.data, bytes.size);
    fl_buffer_free(&written);
    fl_buffer_free(&bytes);
}
END_TEST

START_TEST(ranks_are_as_told)
{
    fl_buffer bytes = hex("hex ranks");
    array want = array_of("hex ranks");
    fl_cursor in = cursor_of(&bytes);
    uint64_t got[NUMBERS_MAX];
    uint64_t *list;
    size_t listed;
    ck_assert(fl_ranks_get(&integers, &in, want.count, &list, &listed));
    ck_assert(fl_integers_get(&integers, &in, got, want.count));
    ck_assert_uint_eq(in.left, 0);
    for (size_t i = 0; i < want.count; i++) {
        ck_assert_uint_lt(got[i], listed);
        got[i] = list[got[i]];
    }
    assert_numbers(got, &want);
    fl_memory_free(list);
    fl_buffer written = {0};
    fl_ranks ranks;
    ck_assert(fl_ranks_make(&ranks, want.numbers, want.count));
    fl_ranks_put(&ranks, &integers, &written);
    for (size_t i = 0; i < want.count; i++)
        got[i] = ranks.codes[i];
    fl_integers_put(&integers, &written, got, want.count, NULL, 0);
    assert_bytes(&written, bytes.data, bytes.size);
    fl_ranks_free(&ranks);
    fl_buffer_free(&written);
    fl_buffer_free(&bytes);
}
END_TEST

static const char *const table_examples[] = {"hex table numbers", "hex table ranks",
                                             "hex table steps"};

START_TEST(tables_are_as_told)
{
    fl_buffer bytes = hex(table_examples[_i]);
    array want = array_of(table_examples[_i]);
    fl_cursor in = cursor_of(&bytes);
    uint64_t got[NUMBERS_MAX];
    ck_assert(fl_table_get(&integers, &in, got, want.count));
    ck_assert_uint_eq(in.left, 0);
    assert_numbers(got, &want);
    fl_buffer written = {0};
    fl_table_put(&integers, &written, want.numbers, want.count);
    assert_bytes(&written, bytes.data, bytes.size);
    fl_buffer_free(&written);
    fl_buffer_free(&bytes);
}
END_TEST

START_TEST(exceptions_are_as_told)
{
    static const uint32_t ranks[] = {0, 0, 1, 1, 2, 0, 2};
    fl_buffer bytes = hex("hex exceptions");
    array want = array_of("hex exceptions");
    array table = array_of("hex table numbers");
    fl_cursor in = cursor_of(&bytes);
    uint64_t got[NUMBERS_MAX];
    ck_assert_uint_eq(want.count, sizeof ranks / sizeof *ranks);
    for (size_t i = 0; i < want.count; i++)
        got[i] = table.numbers[ranks[i]];
    ck_assert(fl_table_get_exceptions(&integers, &in, got, want.count));
    ck_assert_uint_eq(in.left, 0);
    assert_numbers(got, &want);
    fl_buffer written = {0};
    fl_table_put_exceptions(&integers, &written, table.numbers, want.numbers, ranks,
                            want.count);
    assert_bytes(&written, bytes.data, bytes.size);
    fl_buffer_free(&written);
    fl_buffer_free(&bytes);
}
END_TEST

/* --- the header, and a segment --- */

START_TEST(the_header_is_read)
{
    fl_buffer header = hex("hex header");
    fl_segment_header got;
    ck_assert_uint_eq(header.size, FL_SEGMENT_HEADER_SIZE);
    ck_assert_int_eq(fl_segment_get_header((unsigned char *)header.data, &got),
                     FLOWAN_OK);
    ck_assert_uint_eq(got.version, FL_SEGMENT_VERSION);
    ck_assert_uint_eq(got.serial, 1);
    ck_assert_uint_eq(got.interval_start_ns, UINT64_C(1741996800000000000));
    ck_assert_uint_eq(got.interval_ns, UINT64_C(86400000000000));
    ck_assert_uint_eq(got.last_serial, 0);
    fl_buffer_free(&header);
}
END_TEST

START_TEST(the_segment_is_read)
{
    fl_buffer segment = hex("hex segment");
    fl_buffer records = fence("json");
    write_file(path, segment.data, segment.size);
    flowan_reader *reader;
    flowan_error error;
    if (flowan_reader_open(&reader, path, &error) != FLOWAN_OK)
        ck_abort_msg("%s", error.message);
    ck_assert(flowan_reader_info(reader).finished);
    ck_assert_uint_eq(flowan_reader_info(reader).blocks, 1);
    ck_assert_int_eq(flowan_reader_verify(reader, NULL, NULL), FLOWAN_OK);
    flowan_batch *batch = empty_batch();
    ck_assert_int_eq(flowan_reader_read(reader, 0, NULL, 0, batch, NULL), FLOWAN_OK);
    fl_buffer texts = {0};
    put_texts(&texts, batch);
    assert_bytes(&texts, records.data, records.size);
    size_t size;
    for (size_t row = 0; row < flowan_batch_rows(batch); row++)
        ck_assert_int_eq(fl_batch_raw(batch, row, &size) != NULL, row == 3);
    fl_buffer_free(&texts);
    flowan_batch_free(batch);
    flowan_reader_free(reader);
    fl_buffer_free(&records);
    fl_buffer_free(&segment);
}
END_TEST

/* A segment of one block, taken apart. */
typedef struct pieces {
    const unsigned char *block;
    fl_segment_head head;
    fl_buffer directory; /* as it is stored when it is not packed */
    fl_buffer others;    /* all other sections */
} pieces;

static pieces pieces_of(const fl_buffer *segment)
{
    pieces p = {.block = (const unsigned char *)segment->data + FL_SEGMENT_HEADER_SIZE};
    uint32_t head_size;
    uint64_t block_size;
    ck_assert(fl_segment_peek_head(p.block, &head_size, &block_size));
    ck_assert_int_eq(fl_segment_get_head(p.block, head_size, &p.head), FLOWAN_OK);
    fl_segment_section *section = &p.head.sections[FL_SECTION_DIRECTORY];
    size_t size = p.head.directory_size;
    fl_cursor stored = {p.block + section->offset, section->size, false};
    fl_buffer_byte(&p.directory, 0);
    char *room = fl_buffer_reserve(&p.directory, size);
    ck_assert_ptr_nonnull(room);
    ck_assert(fl_codec_get(integers.codec, &stored, room, size));
    p.directory.size += size;
    size_t behind = (size_t)section->offset + section->size;
    fl_buffer_append(&p.others, p.block + behind, (size_t)block_size - behind);
    return p;
}

static void pieces_free(pieces *p)
{
    fl_segment_head_free(&p->head);
    fl_buffer_free(&p->directory);
    fl_buffer_free(&p->others);
}

static void put_section(fl_segment_section *section, const char *data, size_t size)
{
    section->size = (uint32_t)size;
    section->checksum = fl_segment_checksum(data, size);
}

/* The header and the block, its directory not packed. */
static fl_buffer put_together(const fl_buffer *segment, pieces *p)
{
    fl_buffer out = {0};
    put_section(&p->head.sections[FL_SECTION_DIRECTORY], p->directory.data,
                p->directory.size);
    fl_buffer_append(&out, segment->data, FL_SEGMENT_HEADER_SIZE);
    fl_segment_put_head(&out, &p->head);
    fl_buffer_append(&out, p->directory.data, p->directory.size);
    fl_buffer_append(&out, p->others.data, p->others.size);
    return out;
}

static void put_footer(fl_buffer *out, const pieces *p)
{
    fl_segment_block entry = {.offset = FL_SEGMENT_HEADER_SIZE,
                              .size = out->size - FL_SEGMENT_HEADER_SIZE,
                              .stats = p->head.stats};
    fl_segment_put_footer(out, out->size, &entry, 1, p->head.logs, p->head.log_count,
                          NULL);
    ck_assert(!out->failed);
}

START_TEST(the_segment_is_written)
{
    fl_buffer segment = hex("hex segment");
    fl_buffer records = fence("json");
    flowan_batch *batch = batch_of(records.data, records.size);
    uint64_t hash = fl_segment_checksum(records.data, records.size);
    flowan_log_state log = {.path = "flows.json",
                            .device = 2049,
                            .inode = 131074,
                            .head_hash = hash,
                            .head_size = (uint32_t)records.size,
                            .position = {records.size, hash}};
    flowan_writer_options options = {.size = sizeof options,
                                     .serial = 1,
                                     .interval_start_ns = UINT64_C(1741996800000000000),
                                     .interval_ns = UINT64_C(86400000000000),
                                     .level = FLOWAN_LEVEL_FAST};
    flowan_writer *writer;
    ck_assert_int_eq(flowan_writer_open(&writer, path, &options, NULL), FLOWAN_OK);
    ck_assert_int_eq(flowan_writer_write(writer, batch, 0, 5, &log, NULL), FLOWAN_OK);
    ck_assert_int_eq(flowan_writer_finish(writer, &log, 1, NULL), FLOWAN_OK);
    flowan_writer_free(writer);
    fl_buffer written = read_file(path);
    /* as it is there, so that what zstd makes of a directory is not in it */
    pieces p = pieces_of(&written);
    fl_buffer plain = put_together(&written, &p);
    size_t end = FL_SEGMENT_HEADER_SIZE + (size_t)p.head.block_size;
    size_t footer = plain.size;
    put_footer(&plain, &p);
    assert_bytes(&plain, segment.data, segment.size);
    ck_assert_uint_eq(written.size - end, plain.size - footer);
    pieces_free(&p);
    fl_buffer_free(&plain);
    fl_buffer_free(&written);
    flowan_batch_free(batch);
    fl_buffer_free(&records);
    fl_buffer_free(&segment);
}
END_TEST

/* Bounds and summaries: examples of what the block of the segment would have. */
START_TEST(what_is_known_of_the_block_is_as_told)
{
    fl_buffer segment = hex("hex segment");
    fl_buffer bytes = hex("hex bounds");
    array want = array_of("hex bounds");
    pieces p = pieces_of(&segment);
    fl_layout layout;
    ck_assert_ptr_nonnull(fl_buffer_reserve(&p.directory, FL_BITS_PADDING));
    ck_assert_int_eq(fl_layout_get(&layout, &integers, p.head.stats.rows,
                                   p.directory.data + 1, /* behind its 0 */
                                   p.head.directory_size),
                     FLOWAN_OK);
    uint64_t *class_rows;
    fl_cursor in = cursor_of(&bytes);
    ck_assert(fl_bounds_get(&layout, &integers, &in, &class_rows));
    uint64_t told[NUMBERS_MAX];
    uint32_t first[NUMBERS_MAX] = {0};
    size_t count = 0;
    for (; count < layout.class_count; count++) {
        told[count] = class_rows[count];
        first[count + 1] = first[count] + (uint32_t)class_rows[count];
    }
    for (size_t i = 0; i < layout.first_entry[layout.cell_count]; i++) {
        const fl_layout_entry *entry = &layout.entries[i];
        if (entry->width == FL_LAYOUT_WIDTH_ANY ||
            layout.sources[entry->source].op == FL_SOURCE_CONSTANT)
            continue;
        told[count++] = entry->low;
        told[count++] = entry->low + fl_bits_token_base(entry->width);
    }
    ck_assert_uint_eq(count, want.count);
    assert_numbers(told, &want);
    fl_buffer written = {0};
    fl_bounds_put(&layout, first, &integers, &written);
    assert_bytes(&written, bytes.data, bytes.size);
    /* and the summary, as an item of a footer */
    fl_buffer item = hex("hex summaries");
    fl_buffer summary = {0};
    fl_buffer footer = {0};
    fl_buffer_clear(&written);
    ck_assert(fl_summary_put(&layout, &summary));
    fl_bytes_put_varint(&written, summary.size);
    fl_buffer_append(&written, summary.data, summary.size);
    fl_segment_put_footer(&footer, 64, NULL, 0, NULL, 0, &written);
    ck_assert_uint_ge(footer.size, 24 + item.size);
    fl_buffer behind = {.data = footer.data + 24, .size = item.size};
    assert_bytes(&behind, item.data, item.size);
    fl_buffer_free(&footer);
    fl_buffer_free(&summary);
    fl_buffer_free(&item);
    fl_buffer_free(&written);
    fl_buffer_free(&bytes);
    fl_memory_free(class_rows);
    fl_layout_free(&layout);
    pieces_free(&p);
    fl_buffer_free(&segment);
}
END_TEST

static void seal(fl_buffer *bytes, size_t from, size_t end)
{
    fl_bytes_store((unsigned char *)bytes->data + end,
                   fl_segment_checksum(bytes->data + from, end - from), 8);
}

/* What later writers may add, and reserved bytes. */
START_TEST(what_version_1_does_not_know_is_left_out)
{
    fl_buffer segment = hex("hex segment");
    fl_buffer records = fence("json");
    pieces p = pieces_of(&segment);
    /* a part of 5 bytes, behind all others of section 1 */
    p.directory.size--;
    fl_buffer_append(&p.directory, "\1\7\12", 3);
    p.head.directory_size += 2;
    fl_buffer_append(&p.others, "12345", 5);
    put_section(&p.head.sections[FL_SECTION_SMALL], p.others.data, p.others.size);
    fl_buffer made = put_together(&segment, &p);
    memset(made.data + 48, 0xff, 8);
    seal(&made, 0, 56);
    char *block = made.data + FL_SEGMENT_HEADER_SIZE;
    memset(block + 12, 0xff, 4);
    memset(block + 92, 0xff, 4);
    seal(&made, FL_SEGMENT_HEADER_SIZE,
         FL_SEGMENT_HEADER_SIZE + p.head.head_size - FL_SEGMENT_CHECKSUM_SIZE);
    size_t footer = made.size;
    put_footer(&made, &p);
    /* five bytes behind the log states, where the checksum was */
    size_t end = made.size - FL_SEGMENT_TRAILER_SIZE;
    fl_buffer_append(&made, "67890", 5);
    fl_bytes_store((unsigned char *)made.data + footer + 16, 5, 4);
    memset(made.data + footer + 20, 0xff, 4);
    memmove(made.data + end + 5, made.data + end, FL_SEGMENT_TRAILER_SIZE);
    memset(made.data + end - FL_SEGMENT_CHECKSUM_SIZE, 0xaa, 5);
    seal(&made, footer, end + 5 - FL_SEGMENT_CHECKSUM_SIZE);
    fl_bytes_store((unsigned char *)made.data + end + 5 + 8, end + 5 - footer, 8);
    seal(&made, end + 5, made.size - FL_SEGMENT_CHECKSUM_SIZE);

    write_file(path, made.data, made.size);
    flowan_reader *reader;
    flowan_error error;
    ck_assert_int_eq(flowan_reader_open(&reader, path, NULL), FLOWAN_OK);
    ck_assert(flowan_reader_info(reader).finished);
    ck_assert_uint_eq(flowan_reader_info(reader).logs, 1);
    if (flowan_reader_verify(reader, NULL, &error) != FLOWAN_OK)
        ck_abort_msg("%s", error.message);
    flowan_batch *batch = empty_batch();
    ck_assert_int_eq(flowan_reader_read(reader, 0, NULL, 0, batch, NULL), FLOWAN_OK);
    fl_buffer texts = {0};
    put_texts(&texts, batch);
    assert_bytes(&texts, records.data, records.size);
    fl_buffer_free(&texts);
    flowan_batch_free(batch);
    flowan_reader_free(reader);
    pieces_free(&p);
    fl_buffer_free(&made);
    fl_buffer_free(&records);
    fl_buffer_free(&segment);
}
END_TEST

/* --- tables --- */

/* The table of names has all of the library's and no other. */
START_TEST(the_names_are_ours)
{
    fl_buffer ours = {0};
    static const struct {
        const char *table;
        flowan_field field;
        const char *(*name)(flowan_field field, uint64_t value);
    } tables[] = {{"type", FLOWAN_FIELD_TYPE, fl_names_of},
                  {"etype", FLOWAN_FIELD_ETYPE, fl_names_of},
                  {"layer_stack", FLOWAN_FIELD_LAYER_STACK, fl_names_of},
                  {"proto", FLOWAN_FIELD_PROTO, fl_names_of},
                  {"proto-old", FLOWAN_FIELD_PROTO, fl_names_old}};
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        for (unsigned value = 0; value <= UINT16_MAX; value++) {
            const char *name = tables[i].name(tables[i].field, value);
            if (name)
                fl_buffer_format(&ours, "%s %u %s\n", tables[i].table, value, name);
        }
    for (int field = 0; field < (int)FLOWAN_FIELD_COUNT; field++)
        if (fl_names_of((flowan_field)field, 1))
            ck_assert(field == FLOWAN_FIELD_TYPE || field == FLOWAN_FIELD_PROTO ||
                      field == FLOWAN_FIELD_LAYER_STACK);
    fl_buffer names = fence("names");
    assert_bytes(&names, ours.data, ours.size);
    fl_buffer_free(&names);
    fl_buffer_free(&ours);
}
END_TEST

/* "| u32 | 1 | number | 4 | | 1 |" */
START_TEST(the_types_are_ours)
{
    for (int type = FLOWAN_TYPE_U32; type <= FLOWAN_TYPE_LIST_ADDRESS; type++) {
        char row[64];
        snprintf(row, sizeof row, "\n| %s | %d | ", flowan_type_name((flowan_type)type),
                 type);
        const char *at = strstr(page.data, row);
        ck_assert_msg(at != NULL, "no row '%s'", row + 1);
        snprintf(row, sizeof row, " | %zu | %s%s |\n", fl_type_width((flowan_type)type),
                 fl_type_is_run((flowan_type)type) ? "yes | 1 or 0" : "| ",
                 fl_type_is_run((flowan_type)type) ? ""
                 : type == FLOWAN_TYPE_ADDRESS     ? "2"
                                                   : "1");
        const char *end = strstr(at, row);
        ck_assert_msg(end && end < strchr(at + 1, '\n'), "no '%s' in it", row);
    }
}
END_TEST

/* "| int | 4 | 1 to 7 | … | yes |": of which types a kind is, and whether it has a value. */
START_TEST(the_kinds_are_ours)
{
    const char *at = strstr(page.data, "\n| opaque | 0 |");
    ck_assert_ptr_nonnull(at);
    for (unsigned kind = 0; kind < FL_KIND_COUNT; kind++) {
        char types[32];
        unsigned number;
        at++;
        ck_assert_int_eq(
            sscanf(at, "| %*[a-z0-9-] | %u | %31[a-z0-9_ -] |", &number, types), 2);
        ck_assert_uint_eq(number, kind);
        types[strcspn(types, " ")] = 0;
        for (int type = FLOWAN_TYPE_U32; type <= FLOWAN_TYPE_LIST_ADDRESS; type++) {
            bool told = strcmp(types, "any") == 0 ||
                        (strcmp(types, "1") == 0 && type <= 7) ||
                        strcmp(types, flowan_type_name((flowan_type)type)) == 0;
            ck_assert_msg(told == fl_value_fits((flowan_type)type, (fl_kind)kind),
                          "kind %u, type %d", kind, type);
        }
        const char *end = strchr(at, '\n');
        ck_assert_str_eq(fl_kind_has_value((fl_kind)kind) ? "yes" : "no",
                         strncmp(end - 6, " yes |", 6) == 0 ? "yes" : "no");
        at = end;
    }
    ck_assert(at[1] != '|');
}
END_TEST

/* "| keyed | 2 | …": what the directory's numbers stand for. */
START_TEST(the_numbers_are_ours)
{
    static const struct {
        const char *name;
        int number;
    } rows[] = {{"constant", FL_SOURCE_CONSTANT},    {"copy", FL_SOURCE_COPY},
                {"stream", FL_SOURCE_STREAM},        {"before", FL_SOURCE_BEFORE},
                {"times", FL_SOURCE_TIMES},          {"unit", FL_SOURCE_UNIT},
                {"numbers", FL_STREAM_NUMBERS},      {"ranks", FL_STREAM_RANKS},
                {"keyed", FL_STREAM_KEYED},          {"offset", FL_STREAM_OFFSET},
                {"steps", FL_STREAM_STEPS},          {"talks", FL_STREAM_TALKS},
                {"talk steps", FL_STREAM_TALK_STEPS}};
    ck_assert_int_eq(sizeof rows / sizeof *rows,
                     (int)FL_SOURCE_OPS + (int)FL_STREAM_KINDS);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char row[64];
        snprintf(row, sizeof row, "\n| %s | %d | ", rows[i].name, rows[i].number);
        ck_assert_msg(strstr(page.data, row) != NULL, "no row '%s'", row + 1);
    }
}
END_TEST

/* "| rows of a block | 1,048,576 |" */
START_TEST(the_limits_are_ours)
{
    static const struct {
        const char *what;
        unsigned most;
    } limits[] = {{"rows of a block", FL_BATCH_ROWS_MAX},
                  {"columns of a block", FL_BATCH_COLUMNS_MAX},
                  {"shapes of a block", FL_BATCH_SHAPES_MAX},
                  {"spellings of a block", FL_BATCH_SPELLINGS_MAX},
                  {"fields of a shape", FL_RECORD_FIELDS_MAX},
                  {"parts that it does not know", FL_LAYOUT_EXTRAS_MAX}};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        char row[64];
        unsigned thousands = limits[i].most / 1000;
        int size = snprintf(row, sizeof row, "\n| %s | ", limits[i].what);
        size += thousands >= 1000 ? snprintf(row + size, 16, "%u,%03u",
                                             thousands / 1000, thousands % 1000)
                                  : snprintf(row + size, 16, "%u", thousands);
        snprintf(row + size, 16, ",%03u |\n", limits[i].most % 1000);
        ck_assert_msg(strstr(page.data, row) != NULL, "no row '%s'", row + 1);
    }
}
END_TEST

static Suite *suite_of(void)
{
    Suite *suite = suite_create("format");
    TCase *page_case = tcase_create("doc/format.md");
    tcase_add_checked_fixture(page_case, set_up, tear_down);
    tcase_add_loop_test(page_case, bytes_are_as_told, 0, 2);
    tcase_add_loop_test(page_case, numbers_are_as_told, 0, 4);
    tcase_add_test(page_case, ranks_are_as_told);
    tcase_add_loop_test(page_case, tables_are_as_told, 0, 3);
    tcase_add_test(page_case, exceptions_are_as_told);
    tcase_add_test(page_case, the_header_is_read);
    tcase_add_test(page_case, the_segment_is_read);
    tcase_add_test(page_case, the_segment_is_written);
    tcase_add_test(page_case, what_is_known_of_the_block_is_as_told);
    tcase_add_test(page_case, what_version_1_does_not_know_is_left_out);
    tcase_add_test(page_case, the_names_are_ours);
    tcase_add_test(page_case, the_types_are_ours);
    tcase_add_test(page_case, the_kinds_are_ours);
    tcase_add_test(page_case, the_numbers_are_ours);
    tcase_add_test(page_case, the_limits_are_ours);
    suite_add_tcase(suite, page_case);
    return suite;
}

FL_UNIT_MAIN(suite_of)
