/* Whatever rows are packed come back: texts, values and shapes, at every level, whole or a
 * column at a time; and a block does not hang on who packed it, or what before. */
#include "pack.h"

#include "compare.h"
#include "flows.h"
#include "reader.h"
#include "samples.h"
#include "segment-files.h"
#include "unit.h"

/* --- a segment in memory --- */

static int append(void *context, const void *data, size_t size)
{
    fl_buffer_append(context, data, size);
    return 0;
}

static int read_at(void *context, void *data, size_t size, uint64_t offset)
{
    const fl_buffer *file = context;
    ck_assert(offset <= file->size && size <= file->size - offset);
    memcpy(data, file->data + offset, size);
    return 0;
}

static flowan_reader *written(fl_buffer *file, const flowan_batch *batch, size_t first,
                              size_t count, flowan_level level)
{
    flowan_writer_options options = {.size = sizeof options, .level = level};
    flowan_writer *writer;
    flowan_reader *reader;
    flowan_error error = {0};
    fl_buffer_clear(file);
    ck_assert_int_eq(flowan_writer_new(&writer, append, file, "it", &options, NULL),
                     FLOWAN_OK);
    write_block(writer, batch, first, count, NULL);
    finish(writer, NULL, 0);
    if (flowan_reader_new(&reader, read_at, file, file->size, "it", &error) != FLOWAN_OK)
        ck_abort_msg("%s", error.message);
    return reader;
}

/* --- what must hold of any rows --- */

static const fl_column *same_column(const flowan_batch *batch, const fl_column *like)
{
    for (size_t i = 0; i < batch->column_count; i++)
        if (batch->columns[i]->type == like->type &&
            batch->columns[i]->name_size == like->name_size &&
            memcmp(batch->columns[i]->name, like->name, like->name_size) == 0)
            return batch->columns[i];
    ck_abort_msg("%s is only there when chosen", like->name);
    return NULL;
}

static void assert_same_values(const fl_column *a, const fl_column *b, size_t rows)
{
    size_t width = fl_type_width(a->type);
    ck_assert_uint_eq(a->present_count, b->present_count);
    for (size_t row = 0; row < rows; row++)
        ck_assert(fl_column_present(a, row) == fl_column_present(b, row));
    if (!fl_type_is_run(a->type)) {
        ck_assert_msg(memcmp(a->cells, b->cells, rows * width) == 0, "%s", a->name);
        return;
    }
    ck_assert_mem_eq(a->offset, b->offset, (rows + 1) * sizeof *a->offset);
    if (a->offset[rows])
        ck_assert_mem_eq(a->items, b->items, a->offset[rows] * width);
}

/* The columns i of which i % step is `from`, alone, as they are among all. */
static void check_some(flowan_reader *reader, const flowan_batch *all, size_t from,
                       size_t step)
{
    const char **names = fl_memory_alloc(all->column_count, sizeof(const char *));
    flowan_batch *some = empty_batch();
    flowan_error error;
    size_t count = 0;
    for (size_t i = from; i < all->column_count; i += step)
        if (strlen(all->columns[i]->name) == all->columns[i]->name_size)
            names[count++] = all->columns[i]->name;
    if (flowan_reader_read(reader, 0, names, count, some, &error) != FLOWAN_OK)
        ck_abort_msg("%s", error.message);
    ck_assert_uint_eq(some->rows, all->rows);
    ck_assert_uint_ge(some->column_count, count ? 1 : 0);
    for (size_t i = 0; i < some->column_count; i++)
        assert_same_values(some->columns[i], same_column(all, some->columns[i]),
                           all->rows);
    flowan_batch_free(some);
    fl_memory_free((void *)names);
}

static size_t check_level(const flowan_batch *batch, size_t first, size_t count,
                          flowan_level level, size_t alone)
{
    fl_buffer file = {0};
    flowan_batch *back = empty_batch();
    flowan_reader *reader = written(&file, batch, first, count, level);
    ck_assert_uint_eq(flowan_reader_info(reader).blocks, count ? 1 : 0);
    assert_sound(reader);
    if (count) {
        read_block(reader, 0, back);
        compare_batches(batch, first, count, back);
        /* columns alone, and halves of all */
        size_t step = back->column_count / alone + 1;
        for (size_t i = 0; i < back->column_count; i += step)
            check_some(reader, back, i, SIZE_MAX / 2);
        check_some(reader, back, 0, 2);
        check_some(reader, back, 1, 2);
    }
    flowan_reader_free(reader);
    flowan_batch_free(back);
    size_t size = file.size;
    fl_buffer_free(&file);
    return size;
}

static void check_rows(const flowan_batch *batch, size_t first, size_t count)
{
    static const flowan_level levels[] = {FLOWAN_LEVEL_FAST, FLOWAN_LEVEL_DEFAULT,
                                          FLOWAN_LEVEL_SMALL};
    for (size_t i = 0; i < 3; i++)
        check_level(batch, first, count, levels[i], 16);
}

static void check_text(const fl_buffer *text)
{
    ck_assert(!text->failed);
    flowan_batch *batch = batch_of(text->data, text->size);
    check_rows(batch, 0, batch->rows);
    flowan_batch_free(batch);
}

/* --- the tests --- */

#if defined(__SANITIZE_ADDRESS__)
enum { ROUNDS = 8 };
#else
enum { ROUNDS = 30 };
#endif

START_TEST(flows_come_back)
{
    random_state = 1000 + (uint64_t)_i;
    for (int i = 0; i < 4; i++) {
        fl_buffer text = {0};
        network n = any_network();
        put_flows(&text, &n, 1 + below(1U << (1 + below(12))));
        check_text(&text);
        fl_buffer_free(&text);
    }
}
END_TEST

/* Any keys with any values, in any order. */
START_TEST(anything_comes_back)
{
    static const char *const keys[] = {
        "bytes",   "packets",  "time_received_ns", "time_flow_start_ns",
        "src_as",  "in_if",    "time_flow_end_ns", "sequence_num",
        "user",    "number",   "as_path",          "src_addr",
        "proto",   "src_port", "sampler_address",  "next_hop",
        "src_mac", "src_net",  "mpls_ip",          "flag",
        "nested",  "Bytes",    "TimeFlowStart",    "dst_addr",
    };
    enum { KEYS = sizeof keys / sizeof *keys };
    random_state = 2000 + (uint64_t)_i;
    fl_buffer text = {0};
    size_t rows = 1 + below(1U << (1 + below(11)));
    uint64_t few = 1 + below(40); /* different numbers, mostly */
    uint64_t presence = 1 + below(8);
    for (size_t row = 0; row < rows; row++) {
        bool any = false;
        for (size_t k = 0; k < KEYS; k++) {
            if (below(8) >= presence)
                continue;
            uint64_t number = one_in(8) ? odd_number(64) : below(few);
            fl_buffer_format(&text, "%s\"%s\":", any ? "," : "{", keys[k]);
            any = true;
            switch (one_in(16) ? below(8) : k % 8) {
            case 0: fl_buffer_format(&text, "%llu", (unsigned long long)number); break;
            case 1: fl_buffer_format(&text, "%u", (unsigned)number % 65536); break;
            case 2:
                fl_buffer_format(
                    &text, "%llu",
                    (unsigned long long)(1742058651000000000 + below(few) * 1000));
                break;
            case 3:
                fl_buffer_format(&text, "\"192.0.2.%u\"", (unsigned)number % 256);
                break;
            case 4: fl_buffer_format(&text, "\"%x\"", (unsigned)number); break;
            case 5: fl_buffer_text(&text, one_in(2) ? "null" : "\"\""); break;
            case 6: fl_buffer_format(&text, "[%u,1]", (unsigned)number % 100); break;
            default:
                fl_buffer_format(&text, "\"2001:db8::%x\"", (unsigned)number % 65536);
            }
        }
        fl_buffer_text(&text, any ? "}\n" : "{}\n");
    }
    check_text(&text);
    fl_buffer_free(&text);
}
END_TEST

START_TEST(samples_come_back)
{
    fl_buffer text = {0};
    for (int times = 0; times < 3; times++) {
        for (size_t i = 0; i < SAMPLES_COUNT; i++) {
            size_t size;
            const char *sample = samples_text(i, &size);
            for (int k = 0; k < 1 + 20 * times; k++)
                fl_buffer_append(&text, sample, size);
        }
        fl_buffer_append(&text, all_kinds, sizeof all_kinds - 1);
    }
    flowan_batch *batch = batch_of(text.data, text.size);
    check_rows(batch, 0, batch->rows);
    for (size_t first = 0; first < 40; first += 3)
        check_rows(batch, first, first * 7 % 50);
    flowan_batch_free(batch);
    fl_buffer_free(&text);
}
END_TEST

/* Times of the user's that repeat one another, where few rows have a receive time: told
 * over each other in a row. */
START_TEST(times_hang_on_times)
{
    fl_buffer text = {0};
    for (unsigned i = 0; i < 600; i++) {
        uint64_t end = UINT64_C(1742058651000000000) + i * UINT64_C(777000000);
        uint64_t start = end - i % 11 * UINT64_C(1000000);
        fl_buffer_text(&text, "{");
        if (i % 8 < (unsigned)_i)
            fl_buffer_format(&text, "\"time_received_ns\":%llu,",
                             (unsigned long long)(end + i % 3 * 1000000));
        fl_buffer_format(
            &text,
            "\"time_flow_start_ns\":%llu,\"time_flow_end_ns\":%llu,\"a\":%llu,\"b\":%llu,"
            "\"c\":%llu,\"d\":%llu,\"e\":%llu}\n",
            (unsigned long long)start, (unsigned long long)end, TIME_UNIT(start),
            TIME_UNIT(start), TIME_UNIT(end), TIME_UNIT(end), TIME_UNIT(end) / 1000);
    }
    check_text(&text);
    fl_buffer_free(&text);
}
END_TEST

/* One record; none that has a field; all of them kept as text; every row its own shape. */
START_TEST(the_least_comes_back)
{
    static const char *const texts[] = {"{}\n",
                                        "{}\n{}\n{}\n",
                                        "{\"a\":null}\n",
                                        "{\"\":\"\"}\n",
                                        "{ }\n",
                                        "{ }\n{ }\n{  }\n",
                                        "{\"bytes\":18446744073709551615}\n",
                                        "{\"as_path\":[]}\n{\"as_path\":[]}\n",
                                        "{\"user\":\"\"}\n{\"user\":\"\"}\n{}\n",
                                        "{\"src_addr\":\"::\"}\n{}\n"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        fl_buffer text = {0};
        fl_buffer_text(&text, texts[i]);
        check_text(&text);
        fl_buffer_free(&text);
    }
    fl_buffer kept = {0};
    for (unsigned i = 0; i < 2000; i++)
        fl_buffer_format(&kept, "{ \"bytes\" : %u, \"user\":\"\\u0041%u\" }\n", i,
                         i % 9);
    check_text(&kept);
    fl_buffer_free(&kept);
}
END_TEST

/* Numbers of a stream at the edges of 64 bits, each way that they can be packed. */
START_TEST(extremes_come_back)
{
    random_state = 77;
    fl_buffer text = {0};
    for (unsigned i = 0; i < 3000; i++) {
        fl_buffer_format(&text, "{\"n\":%llu,\"bytes\":%llu,\"packets\":%llu",
                         (unsigned long long)odd_number(64),
                         (unsigned long long)odd_number(64),
                         (unsigned long long)(i % 3 ? odd_number(64) : i % 2));
        fl_buffer_format(
            &text, ",\"time_flow_start_ns\":%llu,\"time_flow_end_ns\":%llu",
            (unsigned long long)odd_number(64), (unsigned long long)odd_number(64));
        fl_buffer_format(&text, ",\"time_received_ns\":%llu",
                         (unsigned long long)odd_number(64));
        fl_buffer_format(&text, ",\"list\":[%llu,%llu],\"src_as\":%u}\n",
                         (unsigned long long)odd_number(64),
                         (unsigned long long)odd_number(64), (unsigned)odd_number(32));
    }
    check_text(&text);
    fl_buffer_free(&text);
}
END_TEST

/* --- as much of something as there can be --- */

/* Only at one level: the numbers are the same, and there are many. */
static void check_large(const fl_buffer *text, size_t shapes, size_t columns)
{
    flowan_batch *batch = batch_of(text->data, text->size);
    ck_assert_uint_ge(batch->shapes.count, shapes);
    ck_assert_uint_ge(batch->column_count, columns);
    check_level(batch, 0, batch->rows, FLOWAN_LEVEL_DEFAULT, 1);
    flowan_batch_free(batch);
}

/* A field of `bits` of which each is a key: as many shapes as numbers. */
static void put_shape(fl_buffer *out, unsigned number, unsigned bits, unsigned value)
{
    fl_buffer_format(out, "{\"n\":%u", value);
    for (unsigned bit = 0; bit < bits; bit++)
        if (number >> bit & 1)
            fl_buffer_format(out, ",\"k%u\":%u", bit, value % 7);
    fl_buffer_text(out, "}\n");
}

START_TEST(most_shapes)
{
    fl_buffer text = {0};
    for (unsigned i = 0; i < FL_BATCH_SHAPES_MAX; i++)
        put_shape(&text, i, 16, i);
    check_large(&text, FL_BATCH_SHAPES_MAX, 17);
    fl_buffer_free(&text);
}
END_TEST

START_TEST(many_shapes_again_and_again)
{
    fl_buffer text = {0};
    for (unsigned i = 0; i < 60000; i++)
        put_shape(&text, i * 7919U % 20000, 15, i);
    check_large(&text, 20000, 16);
    fl_buffer_free(&text);
}
END_TEST

/* As many columns as a batch can have, of one kind or all. */
START_TEST(most_columns)
{
    static const char *const values[] = {"%u", "\"%u\"", "[%u,1]", "{\"a\":%u}", "%u"};
    fl_buffer text = {0};
    for (unsigned row = 0; row < 160; row++) {
        unsigned from = row % 4 * 1024;
        for (unsigned i = 0; i < 1024; i++) {
            fl_buffer_format(&text, "%s\"k%u\":", i ? "," : "{", from + i);
            fl_buffer_format(&text, values[_i == 5 ? i % 4 : (unsigned)_i], row * i);
        }
        fl_buffer_text(&text, "}\n");
    }
    check_large(&text, 4, FL_BATCH_COLUMNS_MAX);
    fl_buffer_free(&text);
}
END_TEST

START_TEST(many_exporters)
{
    fl_buffer text = {0};
    network n = {.exporters = 300,
                 .customers = 3000,
                 .datagram = 20,
                 .nat = true,
                 .keeps_ports = true,
                 .clock_scale = 1000000};
    random_state = 5;
    put_flows(&text, &n, 30000);
    check_large(&text, 1, 15);
    fl_buffer_free(&text);
}
END_TEST

/* Each exporter with a shape and addresses of its own, and much that hangs on these: a
 * stream for each pair, were there no end to streams. */
START_TEST(many_streams)
{
    enum { EXPORTERS = 3000, ROWS = 96000, HANGING = 20, DATAGRAM = 16 };
    fl_buffer text = {0};
    random_state = 6;
    for (unsigned row = 0; row < ROWS; row++) {
        unsigned exporter = row / DATAGRAM % EXPORTERS;
        unsigned customer = exporter * 16 + (unsigned)below(8);
        fl_buffer_format(
            &text,
            "{\"time_received_ns\":%llu,\"sampler_address\":\"10.1.%u.%u\","
            "\"src_addr\":\"10.%u.%u.%u\",\"dst_addr\":\"11.%u.%u.%u\"",
            (unsigned long long)(1742058651000000000 + row / DATAGRAM), exporter / 256,
            exporter % 256, customer >> 16, customer >> 8 & 255, customer & 255,
            customer >> 16, customer >> 8 & 255, customer * 5 & 255);
        for (unsigned bit = 0; bit < 12; bit++)
            if (exporter >> bit & 1)
                fl_buffer_format(&text, ",\"k%u\":1", bit);
        for (unsigned i = 0; i < HANGING; i++)
            fl_buffer_format(&text, ",\"h%u\":%u", i, customer * (i + 3) % 1009);
        fl_buffer_text(&text, "}\n");
    }
    check_large(&text, EXPORTERS, HANGING);
    fl_buffer_free(&text);
}
END_TEST

/* --- who packs it --- */

static void assert_same_block(const fl_pack *a, const fl_pack *b)
{
    ck_assert_int_eq(a->status, FLOWAN_OK);
    ck_assert_int_eq(b->status, FLOWAN_OK);
    ck_assert_uint_eq(a->stored.size, b->stored.size);
    ck_assert_mem_eq(a->stored.data, b->stored.data, a->stored.size);
    ck_assert_uint_eq(a->head.section_count, b->head.section_count);
    ck_assert_uint_eq(a->head.directory_size, b->head.directory_size);
    ck_assert_mem_eq(&a->head.stats, &b->head.stats, sizeof a->head.stats);
    for (size_t i = 0; i < a->head.section_count; i++)
        ck_assert_uint_eq(a->head.sections[i].checksum, b->head.sections[i].checksum);
}

START_TEST(a_block_hangs_on_its_rows_alone)
{
    fl_buffer text = {0};
    random_state = 99;
    network n = {.exporters = 3,
                 .customers = 200,
                 .datagram = 9,
                 .nat = true,
                 .talks = true,
                 .raw = 1,
                 .clock_scale = 1000};
    put_flows(&text, &n, 3000);
    flowan_batch *batch = batch_of(text.data, text.size);
    /* the same rows, in a batch that knows of others, and at another place */
    fl_buffer longer = {0};
    fl_buffer_append(&longer, all_kinds, sizeof all_kinds - 1);
    fl_buffer_append(&longer, text.data, text.size);
    flowan_batch *other = batch_of(longer.data, longer.size);
    fl_clock clock, other_clock;
    fl_clock_init(&clock, batch);
    fl_clock_init(&other_clock, other);
    fl_pack fresh = {0}, used = {0};
    for (int level = 0; level <= 2; level++) {
        ck_assert_int_eq(
            fl_pack_rows(&fresh, batch, &clock, 0, 3000, (flowan_level)level),
            FLOWAN_OK);
        ck_assert_int_eq(
            fl_pack_rows(&used, batch, &clock, 100, 800, FLOWAN_LEVEL_DEFAULT),
            FLOWAN_OK);
        ck_assert_int_eq(
            fl_pack_rows(&used, batch, &clock, 0, 3000, (flowan_level)level),
            FLOWAN_OK);
        assert_same_block(&fresh, &used);
        ck_assert_int_eq(fl_pack_rows(&used, other, &other_clock, ALL_KINDS_ROWS, 3000,
                                      (flowan_level)level),
                         FLOWAN_OK);
        assert_same_block(&fresh, &used);
        fl_pack_free(&fresh);
    }
    fl_pack_free(&used);
    flowan_batch_free(batch);
    flowan_batch_free(other);
    fl_buffer_free(&text);
    fl_buffer_free(&longer);
}
END_TEST

static Suite *pack_suite(void)
{
    Suite *suite = suite_create("pack");
    TCase *trips = tcase_create("round trips");
    tcase_set_timeout(trips, 120);
    tcase_add_loop_test(trips, flows_come_back, 0, ROUNDS);
    tcase_add_loop_test(trips, anything_comes_back, 0, ROUNDS);
    tcase_add_test(trips, samples_come_back);
    tcase_add_loop_test(trips, times_hang_on_times, 0, 9);
    tcase_add_test(trips, the_least_comes_back);
    tcase_add_test(trips, extremes_come_back);
    tcase_add_test(trips, a_block_hangs_on_its_rows_alone);
    suite_add_tcase(suite, trips);
    TCase *most = tcase_create("most");
    tcase_set_timeout(most, 240);
    tcase_add_test(most, most_shapes);
    tcase_add_test(most, many_shapes_again_and_again);
    tcase_add_loop_test(most, most_columns, 0, 6);
    tcase_add_test(most, many_exporters);
    tcase_add_test(most, many_streams);
    suite_add_tcase(suite, most);
    return suite;
}

FL_UNIT_MAIN(pack_suite)
