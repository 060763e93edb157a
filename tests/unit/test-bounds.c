/* Bounds hold for the numbers that are really there, as near as they are kept; and what a
 * forged part says costs rows at the most. */
#include "bounds.h"

#include "../fuzz/mend.h"
#include "asked.h"
#include "flows.h"
#include "summary.h"
#include "unit.h"

/* A block as it is asked. */
typedef struct opened {
    fl_workspace space;
    fl_segment_head head;
    fl_unpack unpack;
    uint64_t block;
} opened;

static void open_block(opened *o, flowan_reader *reader, size_t index)
{
    flowan_error error;
    size_t count;
    *o = (opened){.block = fl_reader_blocks(reader, &count)[index].offset};
    ck_assert_int_eq(fl_reader_head(reader, &o->space.head, o->block, &o->head, &error),
                     FLOWAN_OK);
    ck_assert_int_eq(
        fl_unpack_open(&o->unpack, reader, &o->space, &o->head, o->block, NULL),
        FLOWAN_OK);
}

static void close_block(opened *o)
{
    fl_unpack_free(&o->unpack);
    fl_segment_head_free(&o->head);
    fl_workspace_free(&o->space);
}

/* --- bounds --- */

START_TEST(kept_as_near_as_tokens_are)
{
    static const uint64_t numbers[] = {0,          1,
                                       15,         16,
                                       17,         19,
                                       20,         100,
                                       1000,       65535,
                                       65536,      1U << 31,
                                       INT64_MAX,  UINT64_MAX - 1,
                                       UINT64_MAX, UINT64_MAX / 8 * 7};
    enum { NUMBERS = sizeof numbers / sizeof *numbers };
    for (size_t i = 0; i < NUMBERS; i++)
        for (size_t k = 0; k < NUMBERS; k++) {
            uint64_t low = numbers[i];
            uint64_t high = numbers[k];
            if (low > high)
                continue;
            fl_layout_entry entry = {0};
            fl_bounds_set(&entry, low, high);
            ck_assert_uint_eq(entry.low, fl_bits_token_base(fl_bits_token(low)));
            ck_assert_uint_le(entry.low, low);
            ck_assert_uint_le(entry.width, FL_LAYOUT_WIDTH_ANY);
            if (entry.width == FL_LAYOUT_WIDTH_ANY)
                continue;
            ck_assert_uint_ge(fl_bits_token_base(entry.width), high - entry.low);
            if (entry.width > 0)
                ck_assert_uint_lt(fl_bits_token_base(entry.width - 1U),
                                  high - entry.low);
        }
}
END_TEST

/* Gives how many entries have bounds. */
static size_t check_block(flowan_reader *reader)
{
    opened o;
    size_t checked = 0;
    open_block(&o, reader, 0);
    fl_unpack *u = &o.unpack;
    const fl_layout *l = &u->layout;
    uint64_t *numbers = fl_memory_alloc(l->rows, sizeof *numbers);
    ck_assert_int_eq(fl_unpack_bounds(u), FLOWAN_OK);
    ck_assert_ptr_nonnull(u->class_rows);
    ck_assert_int_eq(fl_unpack_rows(u), FLOWAN_OK);
    ck_assert_int_eq(fl_unpack_order(u), FLOWAN_OK);
    for (size_t i = 0; i < l->column_count; i++)
        for (size_t k = 0; k < l->columns[i].cells; k++)
            for (size_t c = 0; c < l->class_count; c++) {
                size_t cell = l->columns[i].first_cell + k;
                size_t rows = fl_unpack_class_rows(u, c);
                uint64_t low;
                uint64_t high;
                if (!fl_layout_bounds(l, cell, c, &low, &high))
                    continue;
                ck_assert_int_eq(fl_unpack_cell(u, cell, c, NULL, rows, numbers),
                                 FLOWAN_OK);
                for (size_t row = 0; row < rows; row++)
                    ck_assert_msg(numbers[row] >= low && numbers[row] <= high,
                                  "%.*s: %llu is not from %llu to %llu",
                                  (int)l->columns[i].name_size, l->columns[i].name,
                                  (unsigned long long)numbers[row],
                                  (unsigned long long)low, (unsigned long long)high);
                checked += high < UINT64_MAX && low < high;
            }
    fl_memory_free(numbers);
    close_block(&o);
    return checked;
}

START_TEST(hold_for_what_is_there)
{
    size_t checked = 0;
    for (unsigned i = 0; i < 12; i++) {
        static const flowan_level levels[] = {FLOWAN_LEVEL_FAST, FLOWAN_LEVEL_DEFAULT,
                                              FLOWAN_LEVEL_SMALL};
        fl_buffer text = {0};
        random_state = 77 + i;
        network n = any_network();
        put_flows(&text, &n, 1024 + below(1000));
        flowan_batch *batch = batch_of(text.data, text.size);
        fl_buffer file = asked_file(batch, batch->rows, levels[i % 3]);
        flowan_reader *reader = asked_open(&file);
        checked += check_block(reader);
        flowan_reader_free(reader);
        fl_buffer_free(&file);
        flowan_batch_free(batch);
        fl_buffer_free(&text);
    }
    ck_assert_uint_gt(checked, 100);
}
END_TEST

START_TEST(only_large_blocks_have_them)
{
    static const struct {
        size_t rows;
        bool has;
    } cases[] = {{1, false},
                 {FL_SUMMARY_ROWS_MIN - 1, false},
                 {FL_SUMMARY_ROWS_MIN, true},
                 {ASKED_ROWS, true}};
    flowan_batch *batch = asked_batch();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fl_buffer file = asked_file(batch, cases[i].rows, FLOWAN_LEVEL_FAST);
        flowan_reader *reader = asked_open(&file);
        opened o;
        open_block(&o, reader, 0);
        ck_assert_int_eq(fl_layout_extra(&o.unpack.layout, FL_EXTRA_BOUNDS) != 0,
                         cases[i].has);
        ck_assert_int_eq(fl_unpack_bounds(&o.unpack), FLOWAN_OK);
        ck_assert_int_eq(o.unpack.class_rows != NULL, cases[i].has);
        close_block(&o);
        flowan_reader_free(reader);
        fl_buffer_free(&file);
    }
    flowan_batch_free(batch);
}
END_TEST

/* --- damage --- */

/* What is told of entries after a part of these bytes. */
static void get_damaged(fl_unpack *u, const unsigned char *bytes, size_t size)
{
    uint64_t *class_rows;
    unsigned char *copy = fl_memory_zalloc(size + FL_BITS_PADDING, 1);
    if (size)
        memcpy(copy, bytes, size);
    fl_cursor in = {copy, size, false};
    bool sound = fl_bounds_get(&u->layout, &u->integers, &in, &class_rows);
    uint64_t rows = 0;
    ck_assert_int_eq(sound, class_rows != NULL);
    for (size_t c = 0; sound && c < u->layout.class_count; c++)
        rows += class_rows[c];
    ck_assert_uint_eq(rows, sound ? u->layout.rows : 0);
    for (size_t i = 0; i < u->layout.first_entry[u->layout.cell_count]; i++) {
        const fl_layout_entry *entry = &u->layout.entries[i];
        unsigned op = u->layout.sources[entry->source].op;
        ck_assert_uint_le(entry->width, FL_LAYOUT_WIDTH_ANY);
        if (!sound && op != FL_SOURCE_CONSTANT)
            ck_assert(entry->low == 0 && entry->width == FL_LAYOUT_WIDTH_ANY);
    }
    uint64_t low;
    uint64_t high;
    for (size_t cell = 0; cell < u->layout.cell_count; cell++)
        for (size_t c = 0; c < u->layout.class_count; c++)
            if (fl_layout_bounds(&u->layout, cell, c, &low, &high))
                ck_assert_uint_le(low, high);
    fl_pool_give(u->integers.pool, class_rows);
    fl_memory_free(copy);
}

START_TEST(damaged_bytes)
{
    flowan_batch *batch = asked_batch();
    fl_buffer file = asked_file(batch, ASKED_ROWS, FLOWAN_LEVEL_DEFAULT);
    flowan_reader *reader = asked_open(&file);
    opened o;
    open_block(&o, reader, 0);
    fl_cursor in;
    fl_buffer part = {0};
    ck_assert_int_eq(fl_unpack_part(&o.unpack,
                                    fl_layout_extra(&o.unpack.layout, FL_EXTRA_BOUNDS),
                                    &in),
                     FLOWAN_OK);
    fl_buffer_append(&part, in.at, in.left);
    unsigned char *bytes = (unsigned char *)part.data;
    for (size_t size = 0; size <= part.size; size++)
        get_damaged(&o.unpack, bytes, size);
    for (size_t i = 0; i < part.size; i++)
        for (unsigned change = 1; change < 256; change += 3) {
            bytes[i] ^= (unsigned char)change;
            get_damaged(&o.unpack, bytes, part.size);
            bytes[i] ^= (unsigned char)change;
        }
    fl_buffer_free(&part);
    close_block(&o);
    flowan_reader_free(reader);
    fl_buffer_free(&file);
    flowan_batch_free(batch);
}
END_TEST

/* --- forged files --- */

static const char *const filters[] = {
    "proto tcp", "dst port 53",          "bytes > 1000 and proto udp",
    "mine 8",    "field note exists",    "not (src port < 2000 or packets 3)",
    "bps > 100", "exporter 192.0.2.0/30"};
enum { FILTERS = sizeof filters / sizeof *filters };

/* All that can be asked of a file that may hold anything. */
static void ask_all(fl_buffer *file)
{
    static const char *const columns[] = {"bytes", "dst_addr", "src_port", "note",
                                          "post_nat_src_ipv4_address"};
    flowan_reader *reader = asked_open(file);
    flowan_batch *batch = empty_batch();
    fl_workspace space = {0};
    for (size_t i = 0; i < 4 * FILTERS; i++) {
        flowan_filter *filter =
            filter_of(i % FILTERS == 3 ? "field mine 8" : filters[i % FILTERS]);
        fl_question question = {.filter = filter,
                                .any_order = i & 1,
                                .has_window = i & 2,
                                .from_ns = FILTER_NOW,
                                .to_ns = FILTER_NOW + 10000000};
        fl_answer answer;
        flowan_error error;
        bool all = i / FILTERS & 1;
        flowan_status status =
            fl_reader_ask(reader, &space, 0, &question, all ? NULL : columns,
                          all ? 0 : 5, batch, &answer, &error);
        if (status != FLOWAN_OK) {
            assert_sentence(&error, status);
            ck_assert_uint_eq(flowan_batch_rows(batch), 0);
        }
        flowan_filter_free(filter);
    }
    fl_workspace_free(&space);
    flowan_batch_free(batch);
    flowan_reader_free(reader);
}

/* The file with another part of bounds: for each class so many rows. */
static fl_buffer with_class_rows(const fl_buffer *file, opened *o, const uint64_t *rows)
{
    fl_unpack *u = &o->unpack;
    fl_layout *l = &u->layout;
    size_t part = fl_layout_extra(l, FL_EXTRA_BOUNDS);
    uint64_t *was = fl_memory_alloc(l->class_count, sizeof *was);
    fl_integers integers = {.pack_only = true};
    fl_cursor in;
    ck_assert(!l->parts[part].own);
    ck_assert_int_eq(fl_unpack_part(u, part, &in), FLOWAN_OK);
    size_t before = (size_t)(in.at - (const unsigned char *)u->small.data);
    ck_assert(fl_integers_get(&u->integers, &in, was, l->class_count));
    fl_buffer small = {0};
    fl_buffer_append(&small, u->small.data, before);
    fl_integers_put(&integers, &small, rows, l->class_count, NULL, 0);
    fl_buffer_append(&small, in.at, in.left);
    l->parts[part].size = small.size - before;
    fl_buffer packed = {0};
    fl_layout_put(l, &integers, &packed);
    fl_buffer sections = {0};
    mend_put_directory(&o->head, (uint8_t *)packed.data, packed.size, &sections);
    mend_set_section(&o->head, FL_SECTION_SMALL, (uint8_t *)small.data, small.size);
    fl_buffer_append(&sections, small.data, small.size);
    const fl_segment_section *first = &o->head.sections[FL_SECTION_PARTS];
    if (o->head.section_count > FL_SECTION_PARTS)
        fl_buffer_append(&sections, file->data + o->block + first->offset,
                         (size_t)(o->head.block_size - first->offset));
    fl_buffer out = {0};
    fl_buffer_append(&out, file->data, FL_SEGMENT_HEADER_SIZE);
    fl_segment_put_head(&out, &o->head);
    fl_buffer_append(&out, sections.data, sections.size);
    ck_assert(!out.failed);
    fl_buffer_free(&sections);
    fl_buffer_free(&packed);
    fl_buffer_free(&small);
    fl_memory_free(was);
    return out;
}

/* Streams have room by these sizes: a class that says that it has fewer rows than it has,
 * and another one more, must not let anything be written behind. */
START_TEST(classes_of_other_sizes)
{
    fl_buffer text = {0};
    random_state = 5;
    network n = {.exporters = 3,
                 .customers = 200,
                 .datagram = 20,
                 .nat = true,
                 .talks = true,
                 .clock_scale = 1000000};
    put_flows(&text, &n, 3000);
    flowan_batch *batch = batch_of(text.data, text.size);
    fl_buffer file = asked_file(batch, batch->rows, FLOWAN_LEVEL_SMALL);
    flowan_reader *reader = asked_open(&file);
    opened o;
    open_block(&o, reader, 0);
    size_t classes = o.unpack.layout.class_count;
    ck_assert_uint_ge(classes, 2);
    ck_assert_int_eq(fl_unpack_bounds(&o.unpack), FLOWAN_OK);
    bool talks = false;
    for (size_t i = 0; i < classes; i++)
        talks = talks || o.unpack.layout.class_talks[i];
    ck_assert_msg(talks, "no conversations: choose other flows");
    uint64_t *sizes = fl_memory_alloc(classes, sizeof *sizes);
    memcpy(sizes, o.unpack.class_rows, classes * sizeof *sizes);
    close_block(&o);
    for (size_t i = 0; i < classes; i++)
        for (size_t k = 0; k < classes && k < 4; k++) {
            uint64_t moved = i == k ? 0 : sizes[i] < 100 ? sizes[i] : 100;
            open_block(&o, reader, 0);
            sizes[i] -= moved;
            sizes[k] += moved;
            fl_buffer forged = with_class_rows(&file, &o, sizes);
            sizes[i] += moved;
            sizes[k] -= moved;
            ask_all(&forged);
            fl_buffer_free(&forged);
            close_block(&o);
        }
    fl_memory_free(sizes);
    flowan_reader_free(reader);
    fl_buffer_free(&file);
    flowan_batch_free(batch);
    fl_buffer_free(&text);
}
END_TEST

START_TEST(forged_bytes)
{
    flowan_batch *batch = asked_batch();
    fl_buffer file = asked_file(batch, ASKED_ROWS, FLOWAN_LEVEL_DEFAULT);
    flowan_reader *reader = asked_open(&file);
    opened o;
    open_block(&o, reader, 0);
    size_t part = fl_layout_extra(&o.unpack.layout, FL_EXTRA_BOUNDS);
    ck_assert(!o.unpack.layout.parts[part].own);
    size_t first = (size_t)(o.block + o.head.sections[FL_SECTION_SMALL].offset +
                            o.unpack.part_at[part]);
    size_t size = (size_t)o.unpack.layout.parts[part].size;
    static const char changes[] = {1, 4, 16, '\x80', '\xff'};
    close_block(&o);
    flowan_reader_free(reader);
    for (size_t i = first; i < first + size; i++) {
        char was = file.data[i];
        file.data[i] ^= changes[i % sizeof changes];
        mend_segment((uint8_t *)file.data, file.size);
        ask_all(&file);
        file.data[i] = was;
    }
    fl_buffer_free(&file);
    flowan_batch_free(batch);
}
END_TEST

static Suite *suite_of(void)
{
    Suite *suite = suite_create("bounds");
    TCase *tests = tcase_create("bounds");
    tcase_set_timeout(tests, 100);
    tcase_add_test(tests, kept_as_near_as_tokens_are);
    tcase_add_test(tests, hold_for_what_is_there);
    tcase_add_test(tests, only_large_blocks_have_them);
    tcase_add_test(tests, damaged_bytes);
    tcase_add_test(tests, classes_of_other_sizes);
    tcase_add_test(tests, forged_bytes);
    suite_add_tcase(suite, tests);
    return suite;
}

FL_UNIT_MAIN(suite_of)
