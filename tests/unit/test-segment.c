/* Segments: what goes in comes out; what is cut or damaged is found out, and what is forged
 * does no harm. The linker sends the library's allocator calls through the wrappers here,
 * which tell how much a file made it ask for. */
#include <sys/mman.h>

#include "bytes.h"
#include "codec.h"
#include "segment.h"
#include "segments.h"
#include "unit.h"

/* --- the wrapped allocator --- */

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);

static size_t asked_for_most;

static void note_size(size_t size)
{
    asked_for_most = size > asked_for_most ? size : asked_for_most;
}

void *__wrap_malloc(size_t size)
{
    note_size(size);
    return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    note_size(count * size);
    return __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    note_size(size);
    return __real_realloc(old, size);
}

/* --- fixtures --- */

static char directory[64];
static char path[128];

static void set_up(void)
{
    make_directory(directory);
    snprintf(path, sizeof path, "%s/a.seg", directory);
}

static void tear_down(void)
{
    remove_tree(directory);
}

static const flowan_writer_options writer_options = {
    .size = sizeof writer_options,
    .serial = 7,
    .interval_start_ns = UINT64_C(1742000000000000000),
    .interval_ns = UINT64_C(86400000000000)};

static flowan_writer *new_writer(void)
{
    flowan_writer *writer;
    flowan_error error;
    unlink(path);
    if (flowan_writer_open(&writer, path, &writer_options, &error) != FLOWAN_OK)
        ck_abort_msg("%s", error.message);
    return writer;
}

static void write_block(flowan_writer *writer, const flowan_batch *batch, size_t first,
                        size_t count, const flowan_log_state *log)
{
    flowan_error error;
    if (flowan_writer_write(writer, batch, first, count, log, &error) != FLOWAN_OK)
        ck_abort_msg("%s", error.message);
}

static void finish(flowan_writer *writer, const flowan_log_state *logs, size_t count)
{
    flowan_error error;
    if (flowan_writer_finish(writer, logs, count, &error) != FLOWAN_OK)
        ck_abort_msg("%s", error.message);
    flowan_writer_free(writer);
}

static flowan_reader *open_reader(const char *name)
{
    flowan_reader *reader;
    flowan_error error;
    if (flowan_reader_open(&reader, name, &error) != FLOWAN_OK)
        ck_abort_msg("%s", error.message);
    return reader;
}

static void read_block(flowan_reader *reader, size_t index, flowan_batch *batch)
{
    flowan_error error;
    if (flowan_reader_read(reader, index, NULL, 0, batch, &error) != FLOWAN_OK)
        ck_abort_msg("block %zu: %s", index, error.message);
}

static void assert_sound(flowan_reader *reader)
{
    flowan_error error;
    size_t damaged = 99;
    if (flowan_reader_verify(reader, &damaged, &error) != FLOWAN_OK)
        ck_abort_msg("%s", error.message);
    ck_assert_uint_eq(damaged, 0);
}

static void assert_sentence(const flowan_error *error, flowan_status status)
{
    ck_assert_int_eq(error->status, status);
    ck_assert_int_lt(status, 0);
    ck_assert_uint_gt(strlen(error->message), 10);
    ck_assert_ptr_null(strchr(error->message, '\n'));
}

/* Each kind of spelling, each type of column; the lines differ in shape. */
static const char all_kinds[] =
    "{\"type\":\"IPFIX\",\"time_received_ns\":1742058651500000000,\"sequence_num\":5,"
    "\"sampling_rate\":100,\"sampler_address\":\"192.0.2.1\","
    "\"time_flow_start_ns\":1742058600000000000,\"time_flow_end_ns\":1742058650000000000,"
    "\"bytes\":18446744073709551615,\"packets\":9223372036854775808,"
    "\"src_addr\":\"10.8.1.2\",\"src_net\":\"10.8.0.0/16\",\"dst_addr\":\"2001:db8::1\","
    "\"dst_net\":\"2001:db8::/32\",\"etype\":\"IPv4\",\"proto\":\"TCP\","
    "\"src_mac\":\"2c:c8:1b:ac:cf:81\",\"dst_mac\":\"ff:ff:ff:ff:ff:ff\","
    "\"layer_stack\":[\"Ethernet\",\"IPv4\",\"TCP\"],\"layer_size\":[14,20,20],"
    "\"mpls_ip\":[\"192.0.2.9\",\"2001:db8::9\"],\"as_path\":[],"
    "\"post_nat_src_ipv4_address\":\"c0000201\",\"icmp_name\":\"unknown\"}\n"
    "{\"type\":\"SFLOW_5\",\"time_received_ns\":\"2025-03-15T17:10:51.5Z\","
    "\"bytes\":\"17\",\"packets\":null,\"src_addr\":\"\",\"src_net\":\"invalid Prefix\","
    "\"dst_addr\":\"::ffff:192.0.2.1\",\"proto\":\"ICMPv6\",\"etype\":2048,"
    "\"post_nat_src_ipv6_address\":\"20010db8000000000000000000000001\","
    "\"new_flag\":true,\"other_flag\":false,\"new_number\":4294967296,"
    "\"new_text\":\"text\",\"new_list\":[1,2,18446744073709551615],"
    "\"new_json\":{\"a\":[1.5,-2,null]},\"new_null\":null,\"\":\"a key of no bytes\"}\n"
    "{\"bytes\":-1,\"packets\":3}\n"
    "{ \"bytes\" : 40, \"note\":\"caf\\u00e9\" }\n"
    "{\"proto\":\"unassigned\",\"src_net\":\"10.9.9.9/8\",\"bytes\":1,\"bytes\":2}\n"
    "{}\n"
    "{\"time_received_ns\":1742058652000000000,\"note\":\"\"}\n";

enum { ALL_KINDS_ROWS = 7 };

static flowan_batch *all_kinds_batch(void)
{
    flowan_batch *batch = batch_of(all_kinds, sizeof all_kinds - 1);
    ck_assert_uint_eq(flowan_batch_rows(batch), ALL_KINDS_ROWS);
    return batch;
}

/* Line `n` of a text, with its line feed. */
static const char *line_at(const char *text, size_t n, size_t *size)
{
    while (n-- > 0)
        text = strchr(text, '\n') + 1;
    *size = (size_t)(strchr(text, '\n') + 1 - text);
    return text;
}

static const flowan_log_state log_one = {.path = "/var/log/goflow2.json",
                                         .device = 2049,
                                         .inode = UINT64_MAX,
                                         .head_hash = 0x0123456789abcdef,
                                         .head_size = 4096,
                                         .position = {UINT64_MAX - 1, UINT64_MAX},
                                         .rows_after = UINT32_MAX};
static const flowan_log_state log_two = {.path = "", .inode = 3};

static void assert_log(const flowan_log_state *got, const flowan_log_state *want)
{
    ck_assert_str_eq(got->path, want->path);
    ck_assert_uint_eq(got->device, want->device);
    ck_assert_uint_eq(got->inode, want->inode);
    ck_assert_uint_eq(got->head_hash, want->head_hash);
    ck_assert_uint_eq(got->head_size, want->head_size);
    ck_assert_uint_eq(got->position.offset, want->position.offset);
    ck_assert_uint_eq(got->position.content_hash, want->position.content_hash);
    ck_assert_uint_eq(got->rows_after, want->rows_after);
}

/* --- the layout, without a file --- */

START_TEST(header_holds)
{
    fl_segment_header in = {
        .serial = UINT64_MAX, .interval_start_ns = UINT64_MAX - 1, .interval_ns = 1};
    unsigned char bytes[FL_SEGMENT_HEADER_SIZE];
    fl_segment_put_header(bytes, &in);
    fl_segment_header out;
    ck_assert_int_eq(fl_segment_get_header(bytes, &out), FLOWAN_OK);
    ck_assert_uint_eq(out.version, FL_SEGMENT_VERSION);
    ck_assert_uint_eq(out.serial, in.serial);
    ck_assert_uint_eq(out.interval_start_ns, in.interval_start_ns);
    ck_assert_uint_eq(out.interval_ns, in.interval_ns);
    for (size_t bit = 0; bit < sizeof bytes * 8; bit++) {
        bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
        ck_assert_int_eq(fl_segment_get_header(bytes, &out),
                         bit < 64 ? FLOWAN_ERROR_FORMAT : FLOWAN_ERROR_CHECKSUM);
        bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
    fl_bytes_store(bytes + 8, FL_SEGMENT_VERSION + 1, 4);
    fl_bytes_store(bytes + 56, fl_segment_checksum(bytes, 56), 8);
    ck_assert_int_eq(fl_segment_get_header(bytes, &out), FLOWAN_ERROR_VERSION);
}
END_TEST

START_TEST(stats_add_up)
{
    flowan_segment_stats sum = fl_segment_stats_none();
    ck_assert_uint_gt(sum.received_min_ns, sum.received_max_ns);
    ck_assert_uint_gt(sum.span_min_ns, sum.span_max_ns);
    flowan_segment_stats a = {1, 10, 5, 6, 3, 9, 0};
    flowan_segment_stats b = {2, 20, 4, 5, 4, 8, 1};
    fl_segment_stats_add(&sum, &a);
    fl_segment_stats_add(&sum, &b);
    ck_assert_uint_eq(sum.rows, 3);
    ck_assert_uint_eq(sum.text_bytes, 30);
    ck_assert_uint_eq(sum.received_min_ns, 4);
    ck_assert_uint_eq(sum.received_max_ns, 6);
    ck_assert_uint_eq(sum.span_min_ns, 3);
    ck_assert_uint_eq(sum.span_max_ns, 9);
    ck_assert_uint_eq(sum.rows_without_time, 1);
}
END_TEST

/* A head of a block of two rows with a column of every role, in `columns`. */
static fl_segment_head small_head(fl_segment_column columns[3])
{
    static const unsigned char shapes[] = {1, 0, 2, 0, FL_KIND_INT};
    columns[0] =
        (fl_segment_column){.role = FL_ROLE_SHAPES, .plain_size = 4, .stored_size = 4};
    columns[1] = (fl_segment_column){.role = FL_ROLE_TEXTS, .type = FLOWAN_TYPE_TEXT};
    columns[2] = (fl_segment_column){.role = FL_ROLE_VALUES,
                                     .name = "bytes",
                                     .name_size = 5,
                                     .type = FLOWAN_TYPE_U64,
                                     .present = 2,
                                     .plain_size = 16,
                                     .stored_size = 16,
                                     .checksum = 99};
    fl_segment_head head = {.stats = fl_segment_stats_none(),
                            .columns = columns,
                            .column_count = 3,
                            .shapes = shapes,
                            .shapes_size = sizeof shapes,
                            .shape_count = 1};
    head.stats.rows = 2;
    return head;
}

/* What the encoded head is when read. */
static flowan_status reread(const fl_segment_head *head)
{
    fl_buffer bytes = {0};
    fl_segment_head out;
    fl_segment_put_head(&bytes, head);
    ck_assert(!bytes.failed);
    flowan_status status =
        fl_segment_get_head((const unsigned char *)bytes.data, bytes.size, &out);
    if (status == FLOWAN_OK)
        fl_segment_head_free(&out);
    ck_assert_ptr_null(out.columns);
    fl_buffer_free(&bytes);
    return status;
}

START_TEST(head_holds)
{
    fl_segment_column columns[3];
    fl_segment_head head = small_head(columns);
    head.log = log_one;
    fl_buffer bytes = {0};
    fl_segment_put_head(&bytes, &head);
    const unsigned char *at = (const unsigned char *)bytes.data;
    uint32_t head_size;
    uint64_t block_size;
    ck_assert(fl_segment_peek_head(at, &head_size, &block_size));
    ck_assert_uint_eq(head_size, bytes.size);
    ck_assert_uint_eq(block_size, bytes.size + 20);
    fl_segment_head out;
    ck_assert_int_eq(fl_segment_get_head(at, bytes.size, &out), FLOWAN_OK);
    ck_assert_uint_eq(out.column_count, 3);
    ck_assert_uint_eq(out.columns[2].offset, bytes.size + 4);
    ck_assert_uint_eq(out.columns[2].checksum, 99);
    ck_assert_mem_eq(out.columns[2].name, "bytes", 5);
    ck_assert_uint_eq(out.shape_count, 1);
    assert_log(&out.log, &log_one);
    fl_segment_head_free(&out);
    for (size_t size = 0; size < bytes.size; size++)
        ck_assert_int_lt(fl_segment_get_head(at, size, &out), 0);
    for (size_t bit = 0; bit < bytes.size * 8; bit++) {
        bytes.data[bit / 8] = (char)(bytes.data[bit / 8] ^ 1 << bit % 8);
        ck_assert_int_lt(fl_segment_get_head(at, bytes.size, &out), 0);
        bytes.data[bit / 8] = (char)(bytes.data[bit / 8] ^ 1 << bit % 8);
    }
    fl_buffer_free(&bytes);
}
END_TEST

/* Heads with sound checksums that must not be believed. */
START_TEST(head_is_not_believed)
{
    fl_segment_column columns[3];
    fl_segment_head head = small_head(columns);
    ck_assert_int_eq(reread(&head), FLOWAN_OK);
#define REFUSED(change)                                                                \
    do {                                                                               \
        head = small_head(columns);                                                    \
        change;                                                                        \
        ck_assert_msg(reread(&head) == FLOWAN_ERROR_FORMAT, "%s", #change);            \
    } while (0)
    REFUSED(head.column_count = 0);
    REFUSED(head.column_count = 1);
    REFUSED(head.stats.rows = FL_BATCH_ROWS_MAX + 1);
    REFUSED(head.stats.rows = UINT64_MAX);
    REFUSED(head.stats.rows = 1);
    REFUSED(head.shape_count = 2);
    REFUSED(head.shape_count = 0);
    REFUSED(head.shapes_size = 4);
    REFUSED(head.shapes = (const unsigned char *)"\1\0\1\0\4");  /* names the texts */
    REFUSED(head.shapes = (const unsigned char *)"\1\0\3\0\4");  /* names no column */
    REFUSED(head.shapes = (const unsigned char *)"\1\0\2\0\10"); /* an address in it */
    REFUSED(head.shapes = (const unsigned char *)"\1\0\2\0\26"); /* no kind */
    REFUSED(head.shapes = (const unsigned char *)"\1\4\2\0\4");  /* 1025 fields */
    REFUSED(columns[0].role = FL_ROLE_VALUES);
    REFUSED(columns[1].role = FL_ROLE_SHAPES);
    REFUSED(columns[2].role = FL_ROLE_TEXTS);
    REFUSED(columns[2].role = (fl_role)3);
    REFUSED(columns[0].items = 1);
    REFUSED(columns[0].present = 1);
    REFUSED(columns[1].type = FLOWAN_TYPE_JSON);
    REFUSED(columns[1].items = 1);
    REFUSED(columns[1].present = 3;
            columns[1].plain_size = columns[1].stored_size = 24);
    REFUSED(columns[2].type = (flowan_type)0);
    REFUSED(columns[2].type = (flowan_type)13);
    REFUSED(columns[2].type = FLOWAN_TYPE_U32);
    REFUSED(columns[2].present = 1);
    REFUSED(columns[2].present = 3;
            columns[2].plain_size = columns[2].stored_size = 24);
    REFUSED(columns[2].items = 1);
    REFUSED(columns[2].codec = 2);
    REFUSED(columns[2].codec = 255);
    REFUSED(columns[2].codec = FL_CODEC_ZSTD); /* not smaller than plain */
    REFUSED(columns[2].plain_size = 17);
    REFUSED(columns[2].stored_size = 15);
    REFUSED(columns[2].stored_size = UINT64_MAX);
    /* more bytes than so small a frame can hold */
    REFUSED(columns[2].type = FLOWAN_TYPE_TEXT; columns[2].codec = FL_CODEC_ZSTD;
            columns[2].items = 1 << 30; columns[2].plain_size = (1 << 30) + 8;
            columns[2].stored_size = 1 << 14);
#undef REFUSED
}
END_TEST

/* The limit counts what columns take in memory, where absent rows have cells too. */
START_TEST(head_is_kept_small)
{
    enum { COLUMNS = 200, ROWS = FL_BATCH_ROWS_MAX };
    fl_segment_column columns[COLUMNS + 2];
    fl_segment_head head = small_head(columns);
    char names[COLUMNS][4];
    for (size_t i = 0; i < COLUMNS; i++) {
        snprintf(names[i], sizeof names[i], "%zu", i);
        columns[i + 2] = (fl_segment_column){.role = FL_ROLE_VALUES,
                                             .name = names[i],
                                             .name_size = strlen(names[i]),
                                             .type = FLOWAN_TYPE_ADDRESS};
    }
    head.shapes = (const unsigned char *)"\0\0";
    head.shapes_size = 2;
    head.stats.rows = ROWS;
    columns[0].plain_size = ROWS * 2;
    columns[0].codec = FL_CODEC_ZSTD;
    columns[0].stored_size = 100;
    head.column_count = 100 + 2;
    ck_assert_int_eq(reread(&head), FLOWAN_OK);
    head.column_count = COLUMNS + 2;
    ck_assert_int_eq(reread(&head), FLOWAN_ERROR_FORMAT);
}
END_TEST

START_TEST(footer_holds)
{
    fl_segment_block blocks[2] = {{64, 100, {1, 2, 3, 4, 5, 6, 7}},
                                  {164, 1000, fl_segment_stats_none()}};
    flowan_log_state logs[2] = {log_one, log_two};
    fl_buffer bytes = {0};
    fl_segment_put_footer(&bytes, 1164, blocks, 2, logs, 2);
    const unsigned char *at = (const unsigned char *)bytes.data;
    uint64_t file_size = 1164 + bytes.size;
    uint64_t offset, size;
    const unsigned char *trailer = at + bytes.size - FL_SEGMENT_TRAILER_SIZE;
    ck_assert(fl_segment_get_trailer(trailer, file_size, &offset, &size));
    ck_assert_uint_eq(offset, 1164);
    ck_assert_uint_eq(size, bytes.size - FL_SEGMENT_TRAILER_SIZE);
    ck_assert(!fl_segment_get_trailer(trailer, file_size + 1, &offset, &size));
    ck_assert(!fl_segment_get_trailer(trailer, file_size - 1, &offset, &size));
    ck_assert(!fl_segment_get_trailer(trailer, FL_SEGMENT_TRAILER_SIZE, &offset, &size));
    fl_segment_block *got;
    flowan_log_state *got_logs;
    size_t count, log_count;
    size = bytes.size - FL_SEGMENT_TRAILER_SIZE;
    ck_assert_int_eq(
        fl_segment_get_footer(at, size, &got, &count, &got_logs, &log_count),
        FLOWAN_OK);
    ck_assert_uint_eq(count, 2);
    ck_assert_uint_eq(log_count, 2);
    ck_assert_mem_eq(got, blocks, sizeof blocks);
    assert_log(&got_logs[0], &log_one);
    assert_log(&got_logs[1], &log_two);
    fl_memory_free(got);
    fl_memory_free(got_logs);
    for (size_t cut = 0; cut < size; cut++) {
        ck_assert_int_lt(
            fl_segment_get_footer(at, cut, &got, &count, &got_logs, &log_count), 0);
        ck_assert_uint_eq(count + log_count, 0);
    }
    for (size_t bit = 0; bit < bytes.size * 8; bit++) {
        bytes.data[bit / 8] = (char)(bytes.data[bit / 8] ^ 1 << bit % 8);
        if (bit / 8 < size)
            ck_assert_int_lt(
                fl_segment_get_footer(at, size, &got, &count, &got_logs, &log_count),
                0);
        else
            ck_assert(!fl_segment_get_trailer(trailer, file_size, &offset, &size));
        bytes.data[bit / 8] = (char)(bytes.data[bit / 8] ^ 1 << bit % 8);
        size = bytes.size - FL_SEGMENT_TRAILER_SIZE;
    }
    /* counts that the bytes cannot hold, blocks with a hole or in a wrong place */
    struct {
        size_t at;
        uint64_t value;
        size_t width;
    } forged[] = {{8, UINT32_MAX, 4}, {12, UINT32_MAX, 4}, {8, 3, 4},
                  {12, 1, 4},         {12, 3, 4},          {16, 65, 8},
                  {16, 0, 8},         {24, 101, 8},        {24, UINT64_MAX, 8},
                  {88, 163, 8},       {32, UINT64_MAX, 8}};
    for (size_t i = 0; i < sizeof forged / sizeof *forged; i++) {
        unsigned char *copy = fl_memory_alloc(size, 1);
        memcpy(copy, at, size);
        fl_bytes_store(copy + forged[i].at, forged[i].value, forged[i].width);
        fl_bytes_store(copy + size - 8, fl_segment_checksum(copy, size - 8), 8);
        ck_assert_int_eq(
            fl_segment_get_footer(copy, size, &got, &count, &got_logs, &log_count),
            FLOWAN_ERROR_FORMAT);
        ck_assert_uint_eq(count + log_count, 0);
        fl_memory_free(copy);
    }
    fl_buffer_free(&bytes);
}
END_TEST

START_TEST(codec_holds)
{
    fl_codec *codec = fl_codec_new();
    char plain[1000];
    char back[1001];
    for (size_t size = 0; size <= sizeof plain; size += size < 40 ? 1 : 120) {
        fl_buffer stored = {0};
        fl_codec_id id;
        memset(plain, 'x', size);
        ck_assert(fl_codec_pack(codec, &stored, plain, size, 3, &id));
        ck_assert_int_eq(id, stored.size < size ? FL_CODEC_ZSTD : FL_CODEC_PLAIN);
        ck_assert(fl_codec_fits(id, stored.size, size));
        ck_assert_int_eq(
            fl_codec_unpack(codec, id, stored.data, stored.size, back, size),
            FLOWAN_OK);
        ck_assert(size == 0 || memcmp(back, plain, size) == 0);
        ck_assert_int_lt(
            fl_codec_unpack(codec, id, stored.data, stored.size, back, size + 1), 0);
        if (size > 0)
            ck_assert_int_lt(
                fl_codec_unpack(codec, id, stored.data, stored.size, back, size - 1),
                0);
        ck_assert_int_lt(
            fl_codec_unpack(codec, 2, stored.data, stored.size, back, size), 0);
        fl_buffer_free(&stored);
    }
    fl_codec_free(codec);
    ck_assert(!fl_codec_fits(FL_CODEC_PLAIN, 4, 5));
    ck_assert(!fl_codec_fits(FL_CODEC_ZSTD, 5, 5));
    ck_assert(!fl_codec_fits(FL_CODEC_ZSTD, 0, 1 << 20));
    ck_assert(!fl_codec_fits(7, 4, 4));
}
END_TEST

/* The bound is on zstd's side too: as dense as its frames get, they pass. */
START_TEST(codec_takes_the_densest)
{
    fl_codec *codec = fl_codec_new();
    size_t size = 64 << 20;
    char *plain = fl_memory_zalloc(size, 1);
    fl_buffer stored = {0};
    fl_codec_id id;
    ck_assert(fl_codec_pack(codec, &stored, plain, size, 19, &id));
    ck_assert_int_eq(id, FL_CODEC_ZSTD);
    ck_assert(fl_codec_fits(id, stored.size, size));
    fl_buffer_free(&stored);
    fl_memory_free(plain);
    fl_codec_free(codec);
}
END_TEST

/* --- round trips --- */

START_TEST(every_kind_and_type_comes_back)
{
    flowan_batch *batch = all_kinds_batch();
    unsigned kinds = 0, types = 0;
    for (size_t row = 0; row < batch->rows; row++) {
        size_t count;
        const fl_shape_field *shape =
            fl_batch_shape(batch, batch->shape_of_row[row], &count);
        for (size_t i = 0; i < count; i++) {
            kinds |= 1U << FL_SHAPE_KIND(shape[i]);
            types |= 1U << batch->columns[FL_SHAPE_COLUMN(shape[i])]->type;
        }
    }
    /* a kind or type that is new must be added to the records above */
    ck_assert_uint_eq(kinds, (1U << FL_KIND_COUNT) - 1);
    ck_assert_uint_eq(types, (1U << 13) - 2);

    flowan_writer *writer = new_writer();
    write_block(writer, batch, 0, ALL_KINDS_ROWS, NULL);
    finish(writer, NULL, 0);
    flowan_reader *reader = open_reader(path);
    assert_sound(reader);
    flowan_batch *back = empty_batch();
    /* twice: a batch that held something is filled anew */
    for (int i = 0; i < 2; i++) {
        read_block(reader, 0, back);
        fl_buffer texts = {0};
        put_texts(&texts, back);
        assert_bytes(&texts, all_kinds, sizeof all_kinds - 1);
        fl_buffer_free(&texts);
    }
    /* the columns are the same, in values and presence */
    ck_assert_uint_eq(flowan_batch_columns(back), flowan_batch_columns(batch));
    for (size_t i = 0; i < flowan_batch_columns(batch); i++) {
        flowan_column a, b;
        ck_assert(flowan_batch_column(batch, i, &a) && flowan_batch_column(back, i, &b));
        ck_assert_str_eq(a.name, b.name);
        ck_assert_int_eq(a.type, b.type);
        ck_assert_int_eq(a.field, b.field);
        ck_assert_uint_eq(a.present_count, b.present_count);
        ck_assert_uint_eq(a.present[0], b.present[0]);
        if (a.offset)
            ck_assert_mem_eq(a.offset, b.offset, (ALL_KINDS_ROWS + 1) * 4);
        else if (a.u32)
            ck_assert_mem_eq(a.u32, b.u32, ALL_KINDS_ROWS * 4);
        else if (a.u64)
            ck_assert_mem_eq(a.u64, b.u64, ALL_KINDS_ROWS * 8);
        else
            ck_assert_mem_eq(a.address, b.address, ALL_KINDS_ROWS * 16);
    }
    flowan_reader_free(reader);
    flowan_batch_free(back);
    flowan_batch_free(batch);
}
END_TEST

START_TEST(slices_are_blocks)
{
    flowan_batch *batch = all_kinds_batch();
    flowan_batch *back = empty_batch();
    for (size_t first = 0; first <= ALL_KINDS_ROWS; first++)
        for (size_t count = 0; first + count <= ALL_KINDS_ROWS; count++) {
            flowan_writer *writer = new_writer();
            write_block(writer, batch, first, count, &log_one);
            finish(writer, NULL, 0);
            flowan_reader *reader = open_reader(path);
            ck_assert_uint_eq(flowan_reader_info(reader).blocks, 1);
            assert_sound(reader);
            read_block(reader, 0, back);
            fl_buffer texts = {0};
            put_texts(&texts, back);
            size_t size;
            const char *from = line_at(all_kinds, first, &size);
            size = 0;
            for (size_t i = 0; i < count; i++)
                size += strcspn(from + size, "\n") + 1;
            assert_bytes(&texts, from, size);
            fl_buffer_free(&texts);
            flowan_reader_free(reader);
        }
    flowan_batch_free(back);
    flowan_batch_free(batch);
}
END_TEST

START_TEST(what_was_read_can_be_written)
{
    flowan_batch *batch = all_kinds_batch();
    flowan_writer *writer = new_writer();
    write_block(writer, batch, 0, ALL_KINDS_ROWS, NULL);
    finish(writer, NULL, 0);
    flowan_reader *reader = open_reader(path);
    flowan_batch *back = empty_batch();
    read_block(reader, 0, back);
    flowan_reader_free(reader);
    writer = new_writer();
    write_block(writer, back, 2, ALL_KINDS_ROWS - 2, NULL);
    write_block(writer, back, 0, 2, NULL);
    finish(writer, NULL, 0);
    reader = open_reader(path);
    fl_buffer texts = {0};
    read_block(reader, 1, batch);
    put_texts(&texts, batch);
    read_block(reader, 0, batch);
    put_texts(&texts, batch);
    assert_bytes(&texts, all_kinds, sizeof all_kinds - 1);
    fl_buffer_free(&texts);
    flowan_reader_free(reader);
    flowan_batch_free(back);
    flowan_batch_free(batch);
}
END_TEST

START_TEST(projections_hold_what_is_asked)
{
    flowan_batch *batch = all_kinds_batch();
    flowan_writer *writer = new_writer();
    write_block(writer, batch, 0, ALL_KINDS_ROWS, NULL);
    finish(writer, NULL, 0);
    flowan_reader *reader = open_reader(path);
    const char *names[] = {"bytes", "no such key", "note", "proto"};
    ck_assert_int_eq(flowan_reader_read(reader, 0, names, 4, batch, NULL), FLOWAN_OK);
    ck_assert_uint_eq(flowan_batch_rows(batch), ALL_KINDS_ROWS);
    /* bytes, note and proto; proto once more as the text that it was */
    ck_assert_uint_eq(flowan_batch_columns(batch), 4);
    flowan_column column;
    ck_assert(flowan_batch_field(batch, FLOWAN_FIELD_BYTES, &column));
    ck_assert_uint_eq(column.present[0], 0x1b);
    ck_assert_uint_eq(column.u64[0], UINT64_MAX);
    ck_assert_uint_eq(column.u64[1], 17);
    ck_assert_uint_eq(column.u64[2], 0);
    ck_assert_uint_eq(column.u64[3], 40);
    ck_assert_uint_eq(column.u64[4], 2); /* the last of two counts */
    ck_assert(!flowan_batch_field(batch, FLOWAN_FIELD_PACKETS, &column));
    for (size_t row = 0; row < ALL_KINDS_ROWS; row++) {
        size_t size;
        ck_assert_ptr_null(fl_batch_raw(batch, row, &size));
    }
    ck_assert_int_eq(flowan_reader_read(reader, 0, names, 0, batch, NULL), FLOWAN_OK);
    ck_assert_uint_eq(flowan_batch_rows(batch), ALL_KINDS_ROWS);
    ck_assert_uint_eq(flowan_batch_columns(batch), 0);

    flowan_error error;
    flowan_status status = flowan_reader_read(reader, 1, NULL, 0, batch, &error);
    ck_assert_int_eq(status, FLOWAN_ERROR_ARGUMENT);
    assert_sentence(&error, status);
    ck_assert_uint_eq(flowan_batch_rows(batch), 0);

    /* the directory */
    size_t count = 0;
    while (flowan_reader_column(reader, 0, count, &column, NULL) == FLOWAN_OK) {
        ck_assert_uint_eq(column.rows, ALL_KINDS_ROWS);
        count++;
    }
    flowan_batch *all = all_kinds_batch();
    ck_assert_uint_eq(count, flowan_batch_columns(all));
    ck_assert_int_eq(flowan_reader_column(reader, 0, count, &column, NULL), FLOWAN_END);
    ck_assert_int_eq(flowan_reader_column(reader, 0, SIZE_MAX, &column, NULL),
                     FLOWAN_END);
    ck_assert_int_eq(flowan_reader_column(reader, 1, 0, &column, NULL),
                     FLOWAN_ERROR_ARGUMENT);
    flowan_batch_free(all);
    flowan_reader_free(reader);
    flowan_batch_free(batch);
}
END_TEST

/* As many shapes as a batch can have, nearly. */
START_TEST(many_shapes)
{
    fl_buffer text = {0};
    for (unsigned i = 0; i < 20000; i++) {
        fl_buffer_text(&text, "{\"n\":1");
        for (unsigned bit = 0; bit < 15; bit++)
            if (i >> bit & 1)
                fl_buffer_format(&text, ",\"k%u\":%u", bit, i);
        fl_buffer_text(&text, "}\n");
    }
    flowan_batch *batch = batch_of(text.data, text.size);
    ck_assert_uint_eq(batch->shapes.count, 20000);
    flowan_writer *writer = new_writer();
    write_block(writer, batch, 0, 20000, NULL);
    write_block(writer, batch, 19999, 1, NULL);
    finish(writer, NULL, 0);
    flowan_reader *reader = open_reader(path);
    assert_sound(reader);
    fl_buffer texts = {0};
    read_block(reader, 0, batch);
    put_texts(&texts, batch);
    assert_bytes(&texts, text.data, text.size);
    read_block(reader, 1, batch);
    ck_assert_uint_eq(batch->rows, 1);
    /* the slice's own shape and columns, no others */
    ck_assert_uint_eq(batch->shapes.count, 1);
    ck_assert_uint_lt(batch->column_count, 15);
    fl_buffer_free(&texts);
    fl_buffer_free(&text);
    flowan_reader_free(reader);
    flowan_batch_free(batch);
}
END_TEST

/* A record of the most fields that have columns, and one of more. */
START_TEST(many_columns)
{
    fl_buffer text = {0};
    for (unsigned line = 0; line < 5; line++) {
        unsigned fields = line == 4 ? 1100 : 1024;
        for (unsigned i = 0; i < fields; i++)
            fl_buffer_format(&text, "%c\"%s%u_%u\":%u", i ? ',' : '{', i ? "key" : "",
                             line % 4, i, i);
        fl_buffer_text(&text, "}\n");
    }
    flowan_batch *batch = batch_of(text.data, text.size);
    ck_assert_uint_eq(batch->rows, 5);
    ck_assert_uint_eq(batch->column_count, FL_BATCH_COLUMNS_MAX);
    flowan_writer *writer = new_writer();
    write_block(writer, batch, 0, 5, NULL);
    finish(writer, NULL, 0);
    flowan_reader *reader = open_reader(path);
    assert_sound(reader);
    fl_buffer texts = {0};
    read_block(reader, 0, batch);
    put_texts(&texts, batch);
    assert_bytes(&texts, text.data, text.size);
    fl_buffer_free(&texts);
    fl_buffer_free(&text);
    flowan_reader_free(reader);
    flowan_batch_free(batch);
}
END_TEST

/* Strings are bytes: each but the control characters, the quote and the backslash. */
START_TEST(every_byte_comes_back)
{
    fl_buffer text = {0};
    fl_buffer_text(&text, "{\"text\":\"");
    for (int c = 0x20; c < 0x100; c++)
        if (c != '"' && c != '\\')
            fl_buffer_byte(&text, (char)c);
    fl_buffer_text(&text, "\"}\n{\"text\":\"");
    for (int c = 0; c < 0x100; c++)
        fl_buffer_format(&text, "\\u%04x", c);
    fl_buffer_text(&text, "\",\"k\\u0000ey\":\"nul in the key\"}\n");
    flowan_batch *batch = batch_of(text.data, text.size);
    ck_assert_uint_eq(batch->rows, 2);
    flowan_writer *writer = new_writer();
    write_block(writer, batch, 0, 2, NULL);
    finish(writer, NULL, 0);
    flowan_reader *reader = open_reader(path);
    assert_sound(reader);
    fl_buffer texts = {0};
    read_block(reader, 0, batch);
    put_texts(&texts, batch);
    assert_bytes(&texts, text.data, text.size);
    flowan_column column;
    ck_assert(flowan_batch_column(batch, 1, &column));
    ck_assert_uint_eq(column.name_size, 4);
    ck_assert_mem_eq(column.name, "k\0ey", 5);
    fl_buffer_free(&texts);
    fl_buffer_free(&text);
    flowan_reader_free(reader);
    flowan_batch_free(batch);
}
END_TEST

START_TEST(stats_tell_rows_texts_and_times)
{
    static const char lines[] =
        /* a span */
        "{\"time_received_ns\":1742058651000000000,"
        "\"time_flow_start_ns\":1742058600000000000,"
        "\"time_flow_end_ns\":1742058650000000000}\n"
        /* an exporter's clock that is not believed */
        "{\"time_received_ns\":1742058652000000000,\"time_flow_start_ns\":1}\n"
        /* no time at all */
        "{\"bytes\":1}\n"
        "{\"time_flow_start_ns\":1742058500000000000}\n";
    flowan_batch *batch = batch_of(lines, sizeof lines - 1);
    flowan_writer *writer = new_writer();
    write_block(writer, batch, 0, 2, NULL);
    write_block(writer, batch, 2, 1, NULL);
    write_block(writer, batch, 3, 1, NULL);
    flowan_segment_stats all = flowan_writer_stats(writer);
    finish(writer, NULL, 0);
    flowan_reader *reader = open_reader(path);
    flowan_segment_info info = flowan_reader_info(reader);
    ck_assert_mem_eq(&info.stats, &all, sizeof all);
    ck_assert_uint_eq(info.blocks, 3);
    ck_assert_uint_eq(info.serial, 7);
    ck_assert_uint_eq(info.interval_start_ns, writer_options.interval_start_ns);
    ck_assert_uint_eq(info.interval_ns, writer_options.interval_ns);
    ck_assert_uint_eq(info.format_version, FL_SEGMENT_VERSION);
    ck_assert(info.finished);
    ck_assert_uint_eq(all.rows, 4);
    ck_assert_uint_eq(all.text_bytes, sizeof lines - 1 - 4);
    ck_assert_uint_eq(all.received_min_ns, UINT64_C(1742058651000000000));
    ck_assert_uint_eq(all.received_max_ns, UINT64_C(1742058652000000000));
    ck_assert_uint_eq(all.span_min_ns, UINT64_C(1742058500000000000));
    ck_assert_uint_eq(all.span_max_ns, UINT64_C(1742058652000000000));
    ck_assert_uint_eq(all.rows_without_time, 1);
    flowan_segment_stats one;
    ck_assert(flowan_reader_block(reader, 0, &one));
    ck_assert_uint_eq(one.span_min_ns, UINT64_C(1742058600000000000));
    ck_assert_uint_eq(one.span_max_ns, UINT64_C(1742058652000000000));
    ck_assert(flowan_reader_block(reader, 1, &one));
    ck_assert_uint_eq(one.rows_without_time, 1);
    ck_assert_uint_gt(one.span_min_ns, one.span_max_ns);
    ck_assert_uint_gt(one.received_min_ns, one.received_max_ns);
    ck_assert(!flowan_reader_block(reader, 3, &one));
    flowan_reader_free(reader);
    flowan_batch_free(batch);
}
END_TEST

START_TEST(nothing_is_a_segment)
{
    flowan_writer *writer = new_writer();
    flowan_batch *batch = empty_batch();
    write_block(writer, batch, 0, 0, NULL); /* nothing to say: no block */
    flowan_segment_stats none = flowan_writer_stats(writer);
    ck_assert_uint_eq(none.rows, 0);
    finish(writer, NULL, 0);
    flowan_reader *reader = open_reader(path);
    assert_sound(reader);
    flowan_segment_info info = flowan_reader_info(reader);
    ck_assert(info.finished);
    ck_assert_uint_eq(info.blocks, 0);
    ck_assert_uint_eq(info.logs, 0);
    ck_assert_uint_eq(info.stats.rows, 0);
    flowan_reader_free(reader);
    /* a block without rows tells of a log */
    writer = new_writer();
    write_block(writer, batch, 0, 0, &log_one);
    flowan_writer_free(writer);
    reader = open_reader(path);
    assert_sound(reader);
    ck_assert_uint_eq(flowan_reader_info(reader).blocks, 1);
    flowan_log_state log;
    ck_assert(flowan_reader_log(reader, 0, &log));
    assert_log(&log, &log_one);
    read_block(reader, 0, batch);
    ck_assert_uint_eq(flowan_batch_rows(batch), 0);
    flowan_reader_free(reader);
    flowan_batch_free(batch);
}
END_TEST

START_TEST(logs_are_told)
{
    flowan_batch *batch = all_kinds_batch();
    flowan_writer *writer = new_writer();
    char *long_path = fl_memory_alloc(70001, 1);
    memset(long_path, 'p', 70000);
    long_path[70000] = 0;
    flowan_log_state other = {.path = long_path, .inode = 4, .head_size = 1};
    flowan_log_state early = log_one;
    early.position = (flowan_position){100, 1};
    early.rows_after = 2;
    early.path = "/var/log/before.json";
    write_block(writer, batch, 0, 1, &early);
    write_block(writer, batch, 1, 1, &other);
    write_block(writer, batch, 2, 1, &log_two);
    write_block(writer, batch, 3, 1, NULL);
    write_block(writer, batch, 4, 1, &log_one);
    /* a walk knows the last of each log, under the first name */
    flowan_reader *reader = open_reader(path);
    ck_assert(!flowan_reader_info(reader).finished);
    ck_assert_uint_eq(flowan_reader_info(reader).logs, 3);
    flowan_log_state got;
    flowan_log_state last = log_one;
    last.path = early.path;
    ck_assert(flowan_reader_log(reader, 0, &got));
    assert_log(&got, &last);
    ck_assert(flowan_reader_log(reader, 1, &got));
    long_path[65535] = 0; /* longer ones are cut */
    assert_log(&got, &other);
    ck_assert(flowan_reader_log(reader, 2, &got));
    assert_log(&got, &log_two);
    ck_assert(!flowan_reader_log(reader, 3, &got));
    flowan_reader_free(reader);
    /* a footer, what it was given */
    flowan_log_state logs[2] = {log_two, log_one};
    finish(writer, logs, 2);
    reader = open_reader(path);
    ck_assert_uint_eq(flowan_reader_info(reader).logs, 2);
    ck_assert(flowan_reader_log(reader, 0, &got));
    assert_log(&got, &log_two);
    ck_assert(flowan_reader_log(reader, 1, &got));
    assert_log(&got, &log_one);
    ck_assert(!flowan_reader_log(reader, 2, &got));
    assert_sound(reader);
    flowan_reader_free(reader);
    fl_memory_free(long_path);
    flowan_batch_free(batch);
}
END_TEST

START_TEST(contracts_are_held)
{
    flowan_error error;
    flowan_writer *writer = new_writer();
    flowan_writer *second;
    flowan_status status = flowan_writer_open(&second, path, NULL, &error);
    ck_assert_int_eq(status, FLOWAN_ERROR_EXISTS);
    assert_sentence(&error, status);
    ck_assert_ptr_null(second);
    status = flowan_writer_open(&second, "/no/such/directory/a.seg", NULL, &error);
    assert_sentence(&error, status);
    struct {
        flowan_writer_options known;
        char more;
    } newer = {{.size = sizeof newer}, 1};
    status = flowan_writer_open(&second, "x", &newer.known, &error);
    ck_assert_int_eq(status, FLOWAN_ERROR_ARGUMENT);
    flowan_batch *batch = all_kinds_batch();
    ck_assert_int_eq(
        flowan_writer_write(writer, batch, ALL_KINDS_ROWS + 1, 0, NULL, NULL),
        FLOWAN_ERROR_ARGUMENT);
    ck_assert_int_eq(flowan_writer_write(writer, batch, 1, ALL_KINDS_ROWS, NULL, &error),
                     FLOWAN_ERROR_ARGUMENT);
    assert_sentence(&error, FLOWAN_ERROR_ARGUMENT);
    ck_assert_int_eq(flowan_writer_write(writer, batch, 1, SIZE_MAX, NULL, NULL),
                     FLOWAN_ERROR_ARGUMENT);
    write_block(writer, batch, 0, 1, NULL);
    ck_assert_int_eq(flowan_writer_finish(writer, NULL, 0, NULL), FLOWAN_OK);
    ck_assert_int_eq(flowan_writer_finish(writer, NULL, 0, &error),
                     FLOWAN_ERROR_ARGUMENT);
    ck_assert_int_eq(flowan_writer_write(writer, batch, 0, 1, NULL, &error),
                     FLOWAN_ERROR_ARGUMENT);
    flowan_writer_free(writer);
    flowan_writer_free(NULL);
    flowan_reader_free(NULL);
    flowan_reader *reader;
    status = flowan_reader_open(&reader, "/no/such/file", &error);
    ck_assert_int_eq(status, FLOWAN_ERROR_NOT_FOUND);
    assert_sentence(&error, status);
    status = flowan_reader_open(&reader, directory, &error);
    assert_sentence(&error, status);
    ck_assert_ptr_null(reader);
    flowan_batch_free(batch);
}
END_TEST

START_TEST(a_newer_version_is_told)
{
    flowan_writer *writer = new_writer();
    finish(writer, NULL, 0);
    fl_buffer bytes = read_file(path);
    unsigned char *at = (unsigned char *)bytes.data;
    fl_bytes_store(at + 8, 77, 4);
    fl_bytes_store(at + 56, fl_segment_checksum(at, 56), 8);
    write_file(path, bytes.data, bytes.size);
    flowan_reader *reader;
    flowan_error error;
    flowan_status status = flowan_reader_open(&reader, path, &error);
    ck_assert_int_eq(status, FLOWAN_ERROR_VERSION);
    ck_assert_ptr_nonnull(strstr(error.message, "77"));
    fl_buffer_free(&bytes);
}
END_TEST

/* --- what is cut --- */

enum { BLOCKS = 4 };

/* A segment of four blocks, some of them with columns that zstd packs. `ends` are the
 * places behind the header and each block. */
static fl_buffer sample_segment(bool finished, uint64_t ends[BLOCKS + 1],
                                fl_buffer texts[BLOCKS])
{
    fl_buffer lines = {0};
    fl_buffer_append(&lines, all_kinds, sizeof all_kinds - 1);
    for (unsigned i = 0; i < 40; i++)
        fl_buffer_format(&lines, "{\"bytes\":%u,\"note\":\"again and again\"%s\n", i,
                         i % 3 ? "}" : " }");
    flowan_batch *batch = batch_of(lines.data, lines.size);
    static const size_t first[BLOCKS + 1] = {0, 2, 5, 7, 47};
    flowan_writer *writer = new_writer();
    struct stat info;
    ends[0] = FL_SEGMENT_HEADER_SIZE;
    for (size_t i = 0; i < BLOCKS; i++) {
        write_block(writer, batch, first[i], first[i + 1] - first[i],
                    i % 2 ? &log_one : &log_two);
        ck_assert_int_eq(stat(path, &info), 0);
        ends[i + 1] = (uint64_t)info.st_size;
        for (size_t row = first[i]; row < first[i + 1]; row++) {
            fl_render_row(&texts[i], batch, row);
            fl_buffer_byte(&texts[i], '\n');
        }
    }
    if (finished)
        ck_assert_int_eq(flowan_writer_finish(writer, &log_one, 1, NULL), FLOWAN_OK);
    flowan_writer_free(writer);
    flowan_batch_free(batch);
    fl_buffer_free(&lines);
    return read_file(path);
}

/* A file in memory, so that thousands of variants cost no disk. */
static int memory_file(char name[64])
{
    int fd = memfd_create("flowan-test", MFD_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    snprintf(name, 64, "/proc/self/fd/%d", fd);
    return fd;
}

static void put_file(int fd, const void *data, size_t size)
{
    ck_assert_int_eq(ftruncate(fd, 0), 0);
    ck_assert_int_eq(pwrite(fd, data, size, 0), (ssize_t)size);
}

static void free_texts(fl_buffer texts[BLOCKS])
{
    for (size_t i = 0; i < BLOCKS; i++)
        fl_buffer_free(&texts[i]);
}

/* Cut at every byte: an error in words, or the blocks before the cut. */
START_TEST(a_cut_costs_the_last_block)
{
    bool finished = _i == 1;
    uint64_t ends[BLOCKS + 1];
    fl_buffer texts[BLOCKS] = {{0}};
    fl_buffer whole = sample_segment(finished, ends, texts);
    flowan_batch *batch = empty_batch();
    char name[64];
    int fd = memory_file(name);
    for (size_t size = 0; size <= whole.size; size++) {
        flowan_reader *reader;
        flowan_error error;
        put_file(fd, whole.data, size);
        flowan_status status = flowan_reader_open(&reader, name, &error);
        if (size < FL_SEGMENT_HEADER_SIZE) {
            ck_assert_int_eq(status, FLOWAN_ERROR_FORMAT);
            assert_sentence(&error, status);
            continue;
        }
        ck_assert_int_eq(status, FLOWAN_OK);
        size_t blocks = 0;
        while (blocks < BLOCKS && ends[blocks + 1] <= size)
            blocks++;
        flowan_segment_info info = flowan_reader_info(reader);
        ck_assert_uint_eq(info.blocks, blocks);
        ck_assert(info.finished == (finished && size == whole.size));
        for (size_t i = 0; i < blocks; i++) {
            fl_buffer got = {0};
            read_block(reader, i, batch);
            put_texts(&got, batch);
            assert_bytes(&got, texts[i].data, texts[i].size);
            fl_buffer_free(&got);
        }
        size_t damaged;
        status = flowan_reader_verify(reader, &damaged, &error);
        if (size == ends[blocks] || size == whole.size) {
            ck_assert_int_eq(status, FLOWAN_OK);
        } else {
            ck_assert_uint_eq(damaged, 1);
            assert_sentence(&error, status);
            ck_assert_uint_eq(error.offset, ends[blocks]);
        }
        flowan_reader_free(reader);
    }
    close(fd);
    flowan_batch_free(batch);
    free_texts(texts);
    fl_buffer_free(&whole);
}
END_TEST

/* --- what is damaged --- */

/* Every bit of a finished segment, turned: verify tells, no block that reads is wrong. */
START_TEST(a_turned_bit_is_found)
{
    uint64_t ends[BLOCKS + 1];
    fl_buffer texts[BLOCKS] = {{0}};
    fl_buffer whole = sample_segment(true, ends, texts);
    flowan_batch *batch = empty_batch();
    char name[64];
    int fd = memory_file(name);
    put_file(fd, whole.data, whole.size);
    size_t packed = 0;
    for (size_t bit = 0; bit < whole.size * 8; bit++) {
        size_t at = bit / 8;
        char turned = (char)(whole.data[at] ^ 1 << bit % 8);
        ck_assert_int_eq(pwrite(fd, &turned, 1, (off_t)at), 1);
        flowan_reader *reader;
        flowan_error error;
        flowan_status status = flowan_reader_open(&reader, name, &error);
        if (status != FLOWAN_OK) {
            /* it no longer says that it is one of ours */
            ck_assert_uint_lt(at, 8);
            assert_sentence(&error, status);
        } else {
            status = flowan_reader_verify(reader, NULL, &error);
            ck_assert_msg(status < 0, "bit %zu of byte %zu", bit % 8, at);
            assert_sentence(&error, status);
            size_t right = 0;
            size_t count = flowan_reader_info(reader).blocks;
            ck_assert_uint_le(count, BLOCKS);
            for (size_t i = 0; i < count; i++) {
                if (flowan_reader_read(reader, i, NULL, 0, batch, NULL) != FLOWAN_OK)
                    continue;
                fl_buffer got = {0};
                put_texts(&got, batch);
                size_t same = 0;
                while (same < BLOCKS &&
                       (got.size != texts[same].size ||
                        memcmp(got.data, texts[same].data, got.size) != 0))
                    same++;
                ck_assert_msg(same < BLOCKS, "bit %zu of byte %zu", bit % 8, at);
                right++;
                fl_buffer_free(&got);
            }
            /* it costs the block that it hit and no other */
            ck_assert_uint_ge(right,
                              at >= ends[0] && at < ends[BLOCKS] ? BLOCKS - 1 : BLOCKS);
            packed += right;
            flowan_reader_free(reader);
        }
        ck_assert_int_eq(pwrite(fd, &whole.data[at], 1, (off_t)at), 1);
    }
    ck_assert_uint_gt(packed, 0);
    close(fd);
    flowan_batch_free(batch);
    free_texts(texts);
    fl_buffer_free(&whole);
}
END_TEST

/* Damage in an unfinished segment hides no block but the one it hit, and more than one
 * place is counted. */
START_TEST(a_walk_passes_damage)
{
    uint64_t ends[BLOCKS + 1];
    fl_buffer texts[BLOCKS] = {{0}};
    fl_buffer whole = sample_segment(false, ends, texts);
    flowan_batch *batch = empty_batch();
    for (size_t hit = 0; hit < BLOCKS; hit++)
        for (size_t in_data = 0; in_data < 2; in_data++) {
            size_t at = in_data ? ends[hit + 1] - 1 : ends[hit] + 30;
            whole.data[at] = (char)(whole.data[at] ^ 0x40);
            write_file(path, whole.data, whole.size);
            flowan_reader *reader = open_reader(path);
            size_t count = flowan_reader_info(reader).blocks;
            ck_assert_uint_eq(count, in_data ? BLOCKS : BLOCKS - 1);
            size_t right = 0;
            for (size_t i = 0; i < count; i++)
                right +=
                    flowan_reader_read(reader, i, NULL, 0, batch, NULL) == FLOWAN_OK;
            ck_assert_uint_eq(right, BLOCKS - 1);
            size_t damaged;
            flowan_error error;
            flowan_status status = flowan_reader_verify(reader, &damaged, &error);
            assert_sentence(&error, status);
            ck_assert_uint_eq(damaged, 1);
            ck_assert_uint_ge(error.offset, ends[hit]);
            ck_assert_uint_lt(error.offset, ends[hit + 1]);
            flowan_reader_free(reader);
            whole.data[at] = (char)(whole.data[at] ^ 0x40);
        }
    whole.data[ends[1] - 1] ^= 1;
    whole.data[ends[3] - 1] ^= 1;
    whole.data[20] ^= 1;
    write_file(path, whole.data, whole.size);
    flowan_reader *reader = open_reader(path);
    size_t damaged;
    ck_assert_int_lt(flowan_reader_verify(reader, &damaged, NULL), 0);
    ck_assert_uint_eq(damaged, 3);
    flowan_reader_free(reader);
    flowan_batch_free(batch);
    free_texts(texts);
    fl_buffer_free(&whole);
}
END_TEST

/* Bytes between the last block and the footer would be under no checksum. */
START_TEST(no_byte_is_outside_a_checksum)
{
    uint64_t ends[BLOCKS + 1];
    fl_buffer texts[BLOCKS] = {{0}};
    fl_buffer whole = sample_segment(true, ends, texts);
    fl_buffer forged = {0};
    fl_buffer_append(&forged, whole.data, ends[BLOCKS]);
    fl_buffer_text(&forged, "hidden");
    size_t footer = whole.size - ends[BLOCKS];
    fl_buffer_append(&forged, whole.data + ends[BLOCKS], footer);
    unsigned char *trailer =
        (unsigned char *)forged.data + forged.size - FL_SEGMENT_TRAILER_SIZE;
    fl_bytes_store(trailer, ends[BLOCKS] + 6, 8);
    fl_bytes_store(trailer + 24, fl_segment_checksum(trailer, 24), 8);
    write_file(path, forged.data, forged.size);
    flowan_reader *reader = open_reader(path);
    ck_assert_uint_eq(flowan_reader_info(reader).blocks, BLOCKS);
    flowan_error error;
    ck_assert_int_lt(flowan_reader_verify(reader, NULL, &error), 0);
    ck_assert_uint_eq(error.offset, ends[BLOCKS]);
    flowan_reader_free(reader);
    fl_buffer_free(&forged);
    fl_buffer_free(&whole);
    free_texts(texts);
}
END_TEST

/* --- what is forged --- */

static uint64_t random_state;

static uint32_t random_below(uint32_t limit)
{
    random_state = random_state * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (uint32_t)((random_state >> 32) * limit >> 32);
}

static void mutate(unsigned char *bytes, size_t size)
{
    static const uint64_t odd[] = {0,          1,          2,
                                   0x7f,       0x80,       0xff,
                                   0x100,      0x7fff,     0xffff,
                                   0x10000,    0x100000,   0x7fffffff,
                                   0x80000000, UINT32_MAX, UINT32_MAX + UINT64_C(1),
                                   INT64_MAX,  UINT64_MAX, UINT64_MAX - 7};
    static const size_t widths[] = {1, 2, 4, 8};
    size_t width = widths[random_below(4)];
    if (width > size)
        return;
    size_t at = random_below((uint32_t)(size - width + 1));
    uint64_t value = fl_bytes_load(bytes + at, width);
    switch (random_below(4)) {
    case 0: value = odd[random_below(sizeof odd / sizeof *odd)]; break;
    case 1: value ^= UINT64_C(1) << random_below((uint32_t)width * 8); break;
    case 2: value += random_below(2) ? 1 : UINT64_MAX; break;
    default: value = (uint64_t)random_below(UINT32_MAX) << random_below(33);
    }
    fl_bytes_store(bytes + at, value, width);
}

/* Where the checksums of a sound segment are, and what they cover. */
typedef struct cover {
    size_t from;
    size_t size;
    size_t checksum;
} cover;

/* In an order in which each can be set right: columns, then the heads that hold those. */
static size_t find_covers(const fl_buffer *file, const uint64_t ends[BLOCKS + 1],
                          cover *out, size_t room)
{
    size_t count = 0;
    const unsigned char *bytes = (const unsigned char *)file->data;
    for (size_t i = 0; i < BLOCKS; i++) {
        size_t block = ends[i];
        size_t head_size = fl_bytes_load(bytes + block + 8, 4);
        size_t columns = fl_bytes_load(bytes + block + 80, 4);
        size_t entry = block + FL_SEGMENT_BLOCK_FIXED_SIZE;
        size_t data = block + head_size;
        for (size_t k = 0; k < columns; k++) {
            size_t name = fl_bytes_load(bytes + entry + 3, 2);
            size_t stored = fl_bytes_load(bytes + entry + 5 + name + 16, 8);
            ck_assert_uint_lt(count, room);
            out[count++] = (cover){data, stored, entry + 5 + name + 24};
            data += stored;
            entry += 5 + name + 32;
        }
        ck_assert_uint_eq(data, ends[i + 1]);
        out[count++] = (cover){block, head_size - 8, block + head_size - 8};
    }
    size_t end = file->size;
    out[count++] = (cover){0, 56, 56};
    out[count++] = (cover){ends[BLOCKS], end - 32 - 8 - ends[BLOCKS], end - 32 - 8};
    out[count++] = (cover){end - 32, 24, end - 8};
    ck_assert_uint_le(count, room);
    return count;
}

static void set_checksums(unsigned char *bytes, const cover *covers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        fl_bytes_store(bytes + covers[i].checksum,
                       fl_segment_checksum(bytes + covers[i].from, covers[i].size), 8);
}

/* All that can be asked of a segment; how many blocks could be read. */
static size_t ask_all(const char *name, flowan_batch *batch)
{
    flowan_reader *reader;
    flowan_error error;
    flowan_status status = flowan_reader_open(&reader, name, &error);
    if (status != FLOWAN_OK) {
        assert_sentence(&error, status);
        return 0;
    }
    size_t readable = 0;
    static const char *const some[] = {"bytes", "src_net", "note", "layer_stack"};
    flowan_segment_info info = flowan_reader_info(reader);
    for (size_t i = 0; i < info.blocks; i++) {
        fl_buffer texts = {0};
        status = flowan_reader_read(reader, i, NULL, 0, batch, &error);
        if (status == FLOWAN_OK) {
            put_texts(&texts, batch);
            readable++;
        } else {
            assert_sentence(&error, status);
            ck_assert_uint_eq(flowan_batch_rows(batch), 0);
        }
        fl_buffer_clear(&texts);
        flowan_column column;
        if (flowan_reader_read(reader, i, some, 4, batch, NULL) == FLOWAN_OK) {
            put_texts(&texts, batch);
            for (size_t k = 0; flowan_batch_column(batch, k, &column); k++)
                ck_assert_uint_eq(column.rows, batch->rows);
        }
        for (size_t k = 0; k < 3; k++)
            flowan_reader_column(reader, i, k * 7, &column, NULL);
        fl_buffer_free(&texts);
    }
    flowan_log_state log;
    for (size_t i = 0; flowan_reader_log(reader, i, &log); i++)
        ck_assert_uint_lt(strlen(log.path), 1 << 20);
    flowan_reader_verify(reader, NULL, &error);
    flowan_reader_free(reader);
    return readable;
}

/* Random changes under checksums that hold, so that nothing but the reader's own care
 * stands between the bytes and the memory. */
START_TEST(forgeries_do_no_harm)
{
    enum { ROUNDS = 10000, COVERS = 256 };
    bool finished = _i != 1;
    uint64_t ends[BLOCKS + 1];
    fl_buffer texts[BLOCKS] = {{0}};
    fl_buffer whole = sample_segment(true, ends, texts);
    cover covers[COVERS];
    size_t count = find_covers(&whole, ends, covers, COVERS);
    flowan_batch *batch = empty_batch();
    unsigned char *bytes = fl_memory_alloc(whole.size, 1);
    char name[64];
    int fd = memory_file(name);
    /* the way to set checksums is right */
    memcpy(bytes, whole.data, whole.size);
    set_checksums(bytes, covers, count);
    ck_assert_mem_eq(bytes, whole.data, whole.size);

    random_state = 20250315 + (uint64_t)_i;
    asked_for_most = 0;
    size_t readable = 0, broken = 0;
    for (size_t round = 0; round < ROUNDS; round++) {
        memcpy(bytes, whole.data, whole.size);
        size_t changes = 1 + random_below(4);
        for (size_t i = 0; i < changes; i++) {
            /* heads and the footer are asked more often than their size would have it */
            const cover *target = &covers[random_below((uint32_t)count)];
            if (random_below(2))
                do
                    target = &covers[random_below((uint32_t)count)];
                while (target->size < FL_SEGMENT_BLOCK_FIXED_SIZE);
            mutate(bytes + target->from, target->size);
        }
        set_checksums(bytes, covers, count);
        put_file(fd, bytes, finished ? whole.size : ends[BLOCKS]);
        size_t blocks = ask_all(name, batch);
        readable += blocks;
        broken += blocks < BLOCKS;
    }
    /* the changes were neither harmless nor fatal throughout */
    ck_assert_uint_gt(readable, ROUNDS);
    ck_assert_uint_gt(broken, ROUNDS / 10);
    /* A frame can claim 32768 times its size: a few hundred bytes here. */
    ck_assert_uint_lt(asked_for_most, 64 << 20);
    close(fd);
    fl_memory_free(bytes);
    flowan_batch_free(batch);
    free_texts(texts);
    fl_buffer_free(&whole);
}
END_TEST

/* Noise behind a sound magic, and none of it sound. */
START_TEST(noise_is_refused)
{
    flowan_batch *batch = empty_batch();
    char name[64];
    int fd = memory_file(name);
    random_state = 1;
    for (size_t round = 0; round < 2000; round++) {
        unsigned char bytes[600];
        size_t size = random_below(sizeof bytes + 1);
        for (size_t i = 0; i < size; i++)
            bytes[i] = (unsigned char)random_below(256);
        fl_segment_header header = {0};
        if (size >= FL_SEGMENT_HEADER_SIZE && round % 2)
            fl_segment_put_header(bytes, &header);
        for (size_t at = 64; at + 8 < size; at += 50)
            memcpy(bytes + at, "FLBLOCK\n", 8);
        put_file(fd, bytes, size);
        ck_assert_uint_eq(ask_all(name, batch), 0);
    }
    close(fd);
    flowan_batch_free(batch);
}
END_TEST

/* A footer whose counts are forged must leave nothing behind for the walk. */
START_TEST(a_forged_footer_is_passed_over)
{
    uint64_t ends[BLOCKS + 1];
    fl_buffer texts[BLOCKS] = {{0}};
    fl_buffer whole = sample_segment(true, ends, texts);
    unsigned char *footer = (unsigned char *)whole.data + ends[BLOCKS];
    size_t size = whole.size - ends[BLOCKS] - FL_SEGMENT_TRAILER_SIZE;
    for (size_t at = 8; at <= 12; at += 4) {
        uint64_t right = fl_bytes_load(footer + at, 4);
        fl_bytes_store(footer + at, UINT32_MAX, 4);
        fl_bytes_store(footer + size - 8, fl_segment_checksum(footer, size - 8), 8);
        write_file(path, whole.data, whole.size);
        flowan_reader *reader = open_reader(path);
        ck_assert_uint_eq(flowan_reader_info(reader).blocks, BLOCKS);
        ck_assert(!flowan_reader_info(reader).finished);
        ck_assert_int_lt(flowan_reader_verify(reader, NULL, NULL), 0);
        flowan_reader_free(reader);
        fl_bytes_store(footer + at, right, 4);
    }
    free_texts(texts);
    fl_buffer_free(&whole);
}
END_TEST

static Suite *suite_of(void)
{
    Suite *suite = suite_create("segment");
    TCase *layout = tcase_create("layout");
    tcase_add_test(layout, header_holds);
    tcase_add_test(layout, stats_add_up);
    tcase_add_test(layout, head_holds);
    tcase_add_test(layout, head_is_not_believed);
    tcase_add_test(layout, head_is_kept_small);
    tcase_add_test(layout, footer_holds);
    tcase_add_test(layout, codec_holds);
    tcase_add_test(layout, codec_takes_the_densest);
    tcase_set_timeout(layout, 60);
    suite_add_tcase(suite, layout);

    TCase *trips = tcase_create("round trips");
    tcase_add_checked_fixture(trips, set_up, tear_down);
    tcase_add_test(trips, every_kind_and_type_comes_back);
    tcase_add_test(trips, slices_are_blocks);
    tcase_add_test(trips, what_was_read_can_be_written);
    tcase_add_test(trips, projections_hold_what_is_asked);
    tcase_add_test(trips, many_shapes);
    tcase_add_test(trips, many_columns);
    tcase_add_test(trips, every_byte_comes_back);
    tcase_add_test(trips, stats_tell_rows_texts_and_times);
    tcase_add_test(trips, nothing_is_a_segment);
    tcase_add_test(trips, logs_are_told);
    tcase_add_test(trips, contracts_are_held);
    tcase_add_test(trips, a_newer_version_is_told);
    tcase_set_timeout(trips, 60);
    suite_add_tcase(suite, trips);

    TCase *damage = tcase_create("damage");
    tcase_add_checked_fixture(damage, set_up, tear_down);
    tcase_add_loop_test(damage, a_cut_costs_the_last_block, 0, 2);
    tcase_add_test(damage, a_turned_bit_is_found);
    tcase_add_test(damage, a_walk_passes_damage);
    tcase_add_test(damage, no_byte_is_outside_a_checksum);
    tcase_add_loop_test(damage, forgeries_do_no_harm, 0, 3);
    tcase_add_test(damage, noise_is_refused);
    tcase_add_test(damage, a_forged_footer_is_passed_over);
    tcase_set_timeout(damage, 240);
    suite_add_tcase(suite, damage);
    return suite;
}

FL_UNIT_MAIN(suite_of)
