/* The directory of a block: what is put is got, and what names what is not there is
 * refused. */
#include "layout.h"

#include <stdio.h>

#include "bits.h"
#include "unit.h"

static fl_integers integers;

static void set_up(void)
{
    integers = (fl_integers){.pack_only = true, .codec = fl_codec_new(0)};
    ck_assert_ptr_nonnull(integers.codec);
}

static void tear_down(void)
{
    fl_integers_free(&integers);
    fl_codec_free(integers.codec);
}

/* A block of three rows, in two shapes, two classes and two runs: an address, bytes that
 * are times packets, a receive time by run, an exporter by label, a text. */
typedef struct sample {
    fl_layout layout;
    fl_layout_column columns[6];
    unsigned char spellings[10];
    unsigned char shapes[64];
    uint16_t parents[2];
    uint64_t label_numbers[4];
    uint16_t class_shapes[2];
    uint8_t class_talks[2];
    fl_source sources[6];
    fl_layout_entry entries[9];
    size_t first_entry[10];
    fl_layout_stream streams[6];
    fl_layout_part parts[16];
} sample;

enum { RECEIVED, SAMPLER, SOURCE, BYTES, PACKETS, NOTE };

static void put_shape(sample *s, const uint16_t *fields, size_t count)
{
    unsigned char *at = s->shapes + s->layout.shapes_size;
    fl_bytes_store(at, count, 2);
    at += 2;
    for (size_t i = 0; i < count; i++, at += 5) {
        fl_bytes_store(at, fields[3 * i], 2);
        fl_bytes_store(at + 2, fields[3 * i + 1], 1);
        fl_bytes_store(at + 3, fields[3 * i + 2], 2);
    }
    s->layout.shapes_size += 2 + 5 * count;
    s->layout.shape_count++;
}

static fl_layout *make(sample *s)
{
    static const uint16_t one[] = {
        RECEIVED, FL_KIND_INT, 0, SAMPLER, FL_KIND_IPV4, 0, SOURCE, FL_KIND_IPV4,   0,
        BYTES,    FL_KIND_INT, 1, PACKETS, FL_KIND_INT,  0, NOTE,   FL_KIND_STRING, 0};
    static const uint16_t other[] = {
        RECEIVED, FL_KIND_INT, 0, SAMPLER, FL_KIND_IPV4, 0, BYTES, FL_KIND_NULL, 2};
    *s = (sample){
        .columns = {{"time_received_ns", 16, FLOWAN_TYPE_TIME, 3, 0, 0, 0, 0, 1},
                    {"sampler_address", 15, FLOWAN_TYPE_ADDRESS, 3, 0, 0, 0, 1, 2},
                    {"src_addr", 8, FLOWAN_TYPE_ADDRESS, 2, 0, 0, 0, 3, 2},
                    {"bytes", 5, FLOWAN_TYPE_U64, 2, 0, 0, 0, 5, 1},
                    {"packets", 7, FLOWAN_TYPE_U64, 2, 0, 0, 0, 6, 1},
                    {"note", 4, FLOWAN_TYPE_TEXT, 2, 9, false, 1, 7, 1}},
        .spellings = "\5\0Bytes\1\0b",
        .parents = {0, 1},
        .label_numbers = {0, 0, UINT64_MAX, 7},
        .class_shapes = {0, 1},
        .class_talks = {1, 0},
        .sources = {{FL_SOURCE_CONSTANT, 0, 0, 0, 0},
                    {FL_SOURCE_STREAM, 0, 0, 0, 0},
                    {FL_SOURCE_TIMES, 0, 6, 2, 4},
                    {FL_SOURCE_STREAM, 9, 0, 4, 0},
                    {FL_SOURCE_COPY, 0, 3, 0, 0}},
        /* cells 3 to 7 of the first class; the second has none of them */
        .entries = {{.source = 4},
                    {.source = 1},
                    {.source = 2},
                    {.source = 3},
                    {.low = UINT64_MAX}},
        .first_entry = {0, 0, 0, 0, 1, 2, 3, 4, 5},
        .streams = {{FL_STREAM_RANKS, 0},
                    {FL_STREAM_TALKS, 0},
                    {FL_STREAM_KEYED, 0},
                    {FL_STREAM_NUMBERS, 0},
                    {FL_STREAM_TALK_STEPS, 1},
                    {FL_STREAM_OFFSET, 1}},
    };
    s->layout = (fl_layout){.rows = 3,
                            .columns = s->columns,
                            .column_count = 6,
                            .cell_count = 8,
                            .spellings = s->spellings,
                            .spellings_size = 10,
                            .spelling_count = 2,
                            .shapes = s->shapes,
                            .texts = 1,
                            .text_bytes = 1000,
                            .run_count = 2,
                            .parents = s->parents,
                            .label_count = 2,
                            .per_run = {0},
                            .per_run_count = 1,
                            .per_label = {1, 2},
                            .per_label_count = 2,
                            .label_numbers = s->label_numbers,
                            .class_shapes = s->class_shapes,
                            .class_talks = s->class_talks,
                            .class_count = 2,
                            .sources = s->sources,
                            .source_count = 5,
                            .entries = s->entries,
                            .first_entry = s->first_entry,
                            .streams = s->streams,
                            .stream_count = 6,
                            .parts = s->parts,
                            .part_count = FL_PART_STREAMS + 6 + 1};
    put_shape(s, one, 6);
    put_shape(s, other, 3);
    for (size_t i = 0; i < s->layout.part_count; i++)
        s->parts[i] = (fl_layout_part){i * 1000, i % 2};
    return &s->layout;
}

static fl_buffer put(const fl_layout *l)
{
    fl_buffer bytes = {0};
    fl_layout_put(l, &integers, &bytes);
    ck_assert(!bytes.failed);
    return bytes;
}

/* The bytes read, from a block of their size and the padding. */
static flowan_status get(fl_layout *out, const fl_buffer *bytes, size_t size,
                         size_t rows, unsigned char **memory)
{
    *memory = fl_memory_zalloc(size + FL_BITS_PADDING, 1);
    if (size)
        memcpy(*memory, bytes->data, size);
    return fl_layout_get(out, &integers, rows, *memory, size);
}

static flowan_status reread_rows(const fl_layout *l, size_t rows)
{
    fl_buffer bytes = put(l);
    fl_layout out;
    unsigned char *memory;
    flowan_status status = get(&out, &bytes, bytes.size, rows, &memory);
    if (status == FLOWAN_OK)
        fl_layout_free(&out);
    ck_assert_ptr_null(out.columns);
    ck_assert(!integers.no_memory);
    fl_memory_free(memory);
    fl_buffer_free(&bytes);
    return status;
}

static flowan_status reread(const fl_layout *l)
{
    return reread_rows(l, l->rows);
}

START_TEST(all_comes_back)
{
    sample s;
    const fl_layout *l = make(&s);
    fl_buffer bytes = put(l);
    fl_layout out;
    unsigned char *memory;
    ck_assert_int_eq(get(&out, &bytes, bytes.size, 3, &memory), FLOWAN_OK);
    ck_assert_uint_eq(out.column_count, 6);
    ck_assert_uint_eq(out.cell_count, 8);
    for (size_t i = 0; i < 6; i++) {
        const fl_layout_column *a = &out.columns[i], *b = &s.columns[i];
        ck_assert_uint_eq(a->name_size, b->name_size);
        ck_assert_mem_eq(a->name, b->name, b->name_size);
        ck_assert_int_eq(a->type, b->type);
        ck_assert_uint_eq(a->present, b->present);
        ck_assert_uint_eq(a->items, b->items);
        ck_assert(a->in_order == b->in_order);
        ck_assert_uint_eq(a->entries, b->entries);
        ck_assert_uint_eq(a->first_cell, b->first_cell);
        ck_assert_uint_eq(a->cells, b->cells);
    }
    ck_assert_uint_eq(out.spelling_count, 2);
    ck_assert_mem_eq(out.spellings, s.spellings, 10);
    ck_assert_uint_eq(out.shape_count, 2);
    ck_assert_mem_eq(out.shapes, s.shapes, l->shapes_size);
    for (size_t i = 0; i < 6; i++) {
        ck_assert(fl_layout_has(&out, 0, i));
        ck_assert(fl_layout_has(&out, 1, i) == (i < 2)); /* null is no value */
    }
    ck_assert_uint_eq(out.texts, 1);
    ck_assert_uint_eq(out.text_bytes, 1000);
    ck_assert_uint_eq(out.run_count, 2);
    ck_assert_mem_eq(out.parents, s.parents, sizeof s.parents);
    ck_assert_uint_eq(out.per_run_count, 1);
    ck_assert_uint_eq(out.per_run[0], 0);
    ck_assert_uint_eq(out.per_label_count, 2);
    ck_assert_uint_eq(out.per_label[1], 2);
    ck_assert_mem_eq(out.label_numbers, s.label_numbers, sizeof s.label_numbers);
    ck_assert_mem_eq(out.class_shapes, s.class_shapes, sizeof s.class_shapes);
    ck_assert_mem_eq(out.class_talks, s.class_talks, sizeof s.class_talks);
    ck_assert_uint_eq(out.source_count, 5);
    ck_assert_mem_eq(out.sources, s.sources, 5 * sizeof *s.sources);
    ck_assert_mem_eq(out.first_entry, s.first_entry, 9 * sizeof *s.first_entry);
    for (size_t i = 0; i < 5; i++) {
        ck_assert_uint_eq(out.entries[i].class, s.entries[i].class);
        ck_assert_uint_eq(out.entries[i].source, s.entries[i].source);
        ck_assert_uint_eq(out.entries[i].low, s.entries[i].low);
    }
    for (size_t i = 0; i < 6; i++) {
        ck_assert_int_eq(out.streams[i].kind, s.streams[i].kind);
        ck_assert_uint_eq(out.streams[i].key, s.streams[i].key);
    }
    ck_assert_uint_eq(out.part_count, 10);
    for (size_t i = 0; i < 10; i++) {
        ck_assert_uint_eq(out.parts[i].size, s.parts[i].size);
        ck_assert(out.parts[i].own == s.parts[i].own);
    }
    /* 3 rows: 8 + 16 + 16 + 8 + 8, and two runs */
    ck_assert_uint_eq(fl_layout_decoded_size(&out), 3 * 56 + 3 * 4 + 9 + 3 * 4 + 1000);
    fl_layout_free(&out);
    fl_memory_free(memory);
    /* cut anywhere it is refused; a bit turned, it may be another, but harms nothing */
    for (size_t size = 0; size < bytes.size; size++) {
        ck_assert_int_eq(get(&out, &bytes, size, 3, &memory), FLOWAN_ERROR_FORMAT);
        fl_memory_free(memory);
    }
    for (size_t bit = 0; bit < bytes.size * 8; bit++) {
        bytes.data[bit / 8] = (char)(bytes.data[bit / 8] ^ 1 << bit % 8);
        if (get(&out, &bytes, bytes.size, 3, &memory) == FLOWAN_OK)
            fl_layout_free(&out);
        fl_memory_free(memory);
        bytes.data[bit / 8] = (char)(bytes.data[bit / 8] ^ 1 << bit % 8);
    }
    fl_buffer_byte(&bytes, 0); /* nothing stands behind it */
    ck_assert_int_eq(get(&out, &bytes, bytes.size, 3, &memory), FLOWAN_ERROR_FORMAT);
    fl_memory_free(memory);
    fl_buffer_free(&bytes);
}
END_TEST

START_TEST(nothing_is_a_directory)
{
    size_t first_entry = 0;
    fl_layout_part parts[FL_PART_STREAMS] = {{0, false}};
    fl_layout l = {
        .first_entry = &first_entry, .parts = parts, .part_count = FL_PART_STREAMS};
    ck_assert_int_eq(reread(&l), FLOWAN_OK);
    ck_assert_int_eq(reread_rows(&l, 1), FLOWAN_ERROR_FORMAT); /* a row of no class */
}
END_TEST

/* Directories that must not be believed. */
START_TEST(it_is_not_believed)
{
    sample s;
    fl_layout *l = make(&s);
    ck_assert_int_eq(reread(l), FLOWAN_OK);
#define REFUSED(change)                                                                \
    do {                                                                               \
        l = make(&s);                                                                  \
        change;                                                                        \
        ck_assert_msg(reread(l) == FLOWAN_ERROR_FORMAT, "%s", #change);                \
    } while (0)
    /* columns */
    REFUSED(s.columns[BYTES].type = (flowan_type)0);
    REFUSED(s.columns[BYTES].type = (flowan_type)13);
    REFUSED(s.columns[BYTES].type = FLOWAN_TYPE_ADDRESS); /* one cell too few follows */
    REFUSED(s.columns[BYTES].present = 4);
    REFUSED(s.columns[NOTE].present = 4);
    REFUSED(s.columns[NOTE].entries = 3); /* more values than rows that have one */
    REFUSED(l->column_count = 0);
    REFUSED(l->column_count = 5);
    /* spellings */
    REFUSED(l->spelling_count = 3);
    REFUSED(l->spelling_count = 1);
    REFUSED(l->spelling_count = 0; l->spellings_size = 0);
    REFUSED(l->spelling_count = FL_BATCH_SPELLINGS_MAX + 1);
    REFUSED(l->spelling_count = UINT32_MAX);
    REFUSED(l->spellings_size = 9);
    REFUSED(s.spellings[0] = 0); /* of no bytes */
    REFUSED(s.spellings[4] = 0); /* a NUL */
    REFUSED(s.spellings[9] = 0);
    REFUSED(s.spellings[8] = 255); /* longer than all */
    /* shapes */
    REFUSED(l->shape_count = 1);
    REFUSED(l->shape_count = 3);
    REFUSED(l->shape_count = 0);
    REFUSED(l->shape_count = FL_BATCH_SHAPES_MAX + 1);
    REFUSED(l->shapes_size--);
    REFUSED(s.shapes[0] = 7);
    REFUSED(s.shapes[0] = 5);
    REFUSED(s.shapes[1] = 4);              /* 1030 fields */
    REFUSED(s.shapes[2] = 6);              /* no column */
    REFUSED(s.shapes[3] = 1);              /* no column */
    REFUSED(s.shapes[2] = SAMPLER);        /* of another type */
    REFUSED(s.shapes[7] = SOURCE);         /* twice in a shape */
    REFUSED(s.shapes[4] = FL_KIND_COUNT);  /* no kind */
    REFUSED(s.shapes[4] = FL_KIND_STRING); /* not of a time */
    REFUSED(s.shapes[5] = 3);              /* no spelling */
    REFUSED(s.shapes[6] = 1);              /* no spelling */
    /* texts */
    REFUSED(l->texts = 4);
    REFUSED(l->texts = 0); /* bytes of none */
    REFUSED(l->text_bytes = UINT64_C(1) << 32);
    /* runs */
    REFUSED(l->run_count = 0);
    REFUSED(l->run_count = 4);
    REFUSED(l->label_count = 0; l->per_label_count = 0);
    REFUSED(s.parents[1] = 2);
    REFUSED(s.parents[0] = UINT16_MAX);
    REFUSED(l->per_run[0] = 8);
    REFUSED(l->per_label[1] = 8);
    REFUSED(l->per_label[1] = UINT16_MAX);
    /* classes */
    REFUSED(l->class_count = 0; memset(s.first_entry, 0, sizeof s.first_entry));
    REFUSED(s.class_shapes[1] = 2);
    REFUSED(s.class_shapes[0] = 1); /* entries that it does not have */
    REFUSED(s.class_shapes[1] = 0); /* entries that are not there */
    /* sources */
    REFUSED(s.sources[1].op = FL_SOURCE_OPS);
    REFUSED(s.sources[1].scale = FL_LAYOUT_SCALE_MAX + 1);
    REFUSED(s.sources[2].cell = 8);
    REFUSED(s.sources[1].stream = 6);
    REFUSED(s.sources[1].stream = UINT16_MAX);
    REFUSED(s.sources[1].stream = 1); /* conversations are no numbers of a cell */
    REFUSED(s.sources[2].stream = 1);
    REFUSED(s.sources[2].second = 7);
    REFUSED(s.sources[1].second = 1); /* only what is multiplied is added to */
    REFUSED(s.sources[0].second = 1);
    REFUSED(s.entries[2].source = 5);
    REFUSED(s.first_entry[8] = 4);
    /* streams */
    REFUSED(s.streams[3].kind = FL_STREAM_KINDS);
    REFUSED(s.streams[2].key = 6);
    REFUSED(s.streams[2].key = 2); /* itself */
    REFUSED(s.streams[2].key = 3); /* of plain numbers */
    REFUSED(s.streams[2].key = 4);
    REFUSED(s.streams[5].key = 2);
    REFUSED(s.streams[4].key = 0); /* steps of what are no conversations */
    REFUSED(s.streams[3].kind = FL_STREAM_TALKS); /* the second of its kind */
    REFUSED(l->stream_count = 4;
            l->part_count -= 2); /* streams of sources are missing */
    /* parts */
    REFUSED(s.parts[2].size = UINT64_C(1) << 32);
    REFUSED(l->part_count--);
    REFUSED(l->part_count++);
#undef REFUSED
    l = make(&s);
    s.parts[2].size = UINT32_MAX;
    ck_assert_int_eq(reread(l), FLOWAN_OK);
    l = make(&s);
    ck_assert_int_eq(reread_rows(l, 1), FLOWAN_ERROR_FORMAT); /* runs of more rows */
    ck_assert_int_eq(reread_rows(l, 0), FLOWAN_ERROR_FORMAT);
}
END_TEST

/* What two streams of conversations are told apart by: the second source must draw from
 * numbers too. */
START_TEST(no_cell_has_conversations)
{
    sample s;
    fl_layout *l = make(&s);
    s.sources[2].second = 2;
    ck_assert_int_eq(reread(l), FLOWAN_ERROR_FORMAT);
}
END_TEST

/* Parts of later writers are left out, with what they take of the sections. */
START_TEST(unknown_parts_are_left_out)
{
    sample s;
    fl_buffer bytes = put(make(&s));
    fl_layout out;
    unsigned char *memory;
    ck_assert_int_eq(bytes.data[bytes.size - 1], 0);
    bytes.size--;
    static const size_t counts[] = {1, 3, FL_LAYOUT_EXTRAS_MAX,
                                    FL_LAYOUT_EXTRAS_MAX + 1};
    for (size_t i = 0; i < 4; i++) {
        fl_buffer more = {0};
        fl_buffer_append(&more, bytes.data, bytes.size);
        fl_bytes_put_varint(&more, counts[i]);
        for (size_t k = 0; k < counts[i]; k++) {
            fl_bytes_put_varint(&more, k % 2 ? 17 : UINT64_MAX);
            fl_bytes_put_varint(&more, 2 * (500 + k) + k % 2);
        }
        flowan_status status = get(&out, &more, more.size, 3, &memory);
        if (counts[i] > FL_LAYOUT_EXTRAS_MAX) {
            ck_assert_int_eq(status, FLOWAN_ERROR_FORMAT);
        } else {
            ck_assert_int_eq(status, FLOWAN_OK);
            ck_assert_uint_eq(out.part_count, 10 + counts[i]);
            for (size_t k = 0; k < counts[i]; k++) {
                ck_assert_uint_eq(out.parts[10 + k].size, 500 + k);
                ck_assert(out.parts[10 + k].own == k % 2);
            }
            fl_layout_free(&out);
        }
        fl_memory_free(memory);
        fl_buffer_free(&more);
    }
    fl_buffer_free(&bytes);
}
END_TEST

/* As many columns and classes as there can be, which have nothing in common: it costs
 * neither time nor memory. */
START_TEST(much_of_nothing)
{
    enum { COLUMNS = FL_BATCH_COLUMNS_MAX, CLASSES = 65000 };
    fl_layout_column *columns = fl_memory_zalloc(COLUMNS, sizeof *columns);
    uint16_t *class_shapes = fl_memory_zalloc(CLASSES, sizeof *class_shapes);
    uint8_t *class_talks = fl_memory_zalloc(CLASSES, 1);
    size_t *first_entry = fl_memory_zalloc(2 * COLUMNS + 1, sizeof *first_entry);
    char(*names)[8] = fl_memory_alloc(COLUMNS, sizeof *names);
    uint16_t parent = 0;
    fl_layout_part parts[FL_PART_STREAMS] = {{0, false}};
    for (size_t i = 0; i < COLUMNS; i++) {
        snprintf(names[i], sizeof *names, "k%zu", i);
        columns[i] = (fl_layout_column){.name = names[i],
                                        .name_size = strlen(names[i]),
                                        .type = FLOWAN_TYPE_ADDRESS};
    }
    fl_layout l = {.rows = FL_BATCH_ROWS_MAX,
                   .columns = columns,
                   .column_count = COLUMNS,
                   .cell_count = 2 * COLUMNS,
                   .shapes = (const unsigned char *)"\0\0",
                   .shapes_size = 2,
                   .shape_count = 1,
                   .run_count = 1,
                   .parents = &parent,
                   .label_count = 1,
                   .class_shapes = class_shapes,
                   .class_talks = class_talks,
                   .class_count = CLASSES,
                   .first_entry = first_entry,
                   .parts = parts,
                   .part_count = FL_PART_STREAMS};
    ck_assert_int_eq(reread(&l), FLOWAN_OK);
    /* but a block of it would not be read */
    ck_assert_uint_eq(fl_layout_decoded_size(&l),
                      (uint64_t)COLUMNS * 16 * FL_BATCH_ROWS_MAX);
    fl_memory_free(columns);
    fl_memory_free(class_shapes);
    fl_memory_free(class_talks);
    fl_memory_free(first_entry);
    fl_memory_free(names);
}
END_TEST

static Suite *layout_suite(void)
{
    Suite *suite = suite_create("layout");
    TCase *tests = tcase_create("layout");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, all_comes_back);
    tcase_add_test(tests, nothing_is_a_directory);
    tcase_add_test(tests, it_is_not_believed);
    tcase_add_test(tests, no_cell_has_conversations);
    tcase_add_test(tests, unknown_parts_are_left_out);
    tcase_add_test(tests, much_of_nothing);
    suite_add_tcase(suite, tests);
    return suite;
}

FL_UNIT_MAIN(layout_suite)
