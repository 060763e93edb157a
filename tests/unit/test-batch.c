/* The batch: what its views promise of every type, in the first fill and after a reset,
 * and when it is full. */
#include "batch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flowan/parser.h"
#include "render.h"
#include "unit.h"

#define EXPECT(condition, ...)                                                         \
    do {                                                                               \
        if (!(condition))                                                              \
            ck_abort_msg(__VA_ARGS__);                                                 \
    } while (0)

static flowan_parser *parser;
static flowan_batch *batch;

static void setup(void)
{
    ck_assert_int_eq(flowan_parser_new(&parser, NULL, NULL), FLOWAN_OK);
    ck_assert_int_eq(flowan_batch_new(&batch, NULL, NULL), FLOWAN_OK);
}

static void teardown(void)
{
    flowan_parser_free(parser);
    flowan_batch_free(batch);
}

static void limit_batch(uint32_t capacity, uint64_t memory_bytes)
{
    flowan_batch_options options = {
        .size = sizeof options, .capacity = capacity, .memory_bytes = memory_bytes};
    flowan_batch_free(batch);
    ck_assert_int_eq(flowan_batch_new(&batch, &options, NULL), FLOWAN_OK);
}

/* How it ended, and what was not taken. */
static flowan_status feed(const char *text, size_t size, size_t *left)
{
    size_t used;
    flowan_status status = flowan_parser_feed(parser, text, size, batch, &used, NULL);
    *left = size - used;
    return status;
}

static void add(const char *text)
{
    size_t left;
    EXPECT(feed(text, strlen(text), &left) == FLOWAN_OK && left == 0, "%s", text);
}

static flowan_column column_at(size_t index)
{
    flowan_column column;
    EXPECT(flowan_batch_column(batch, index, &column), "no column %zu", index);
    EXPECT(column.rows == flowan_batch_rows(batch), "%s: rows", column.name);
    EXPECT(strlen(column.name) <= column.name_size && !column.name[column.name_size],
           "%s: name", column.name);
    return column;
}

static flowan_column column_of(const char *name, flowan_type type)
{
    for (size_t i = 0; i < flowan_batch_columns(batch); i++) {
        flowan_column column = column_at(i);
        if (strcmp(column.name, name) == 0 && column.type == type)
            return column;
    }
    ck_abort_msg("no column %s of type %s", name, flowan_type_name(type));
    return (flowan_column){0};
}

static bool present(const flowan_column *column, size_t row)
{
    return column->present[row / 64] >> (row % 64) & 1;
}

/* One text of a row, for all types; what is not present must read as nothing. */
static const char *cell(const flowan_column *column, size_t row)
{
    static char text[128];
    size_t size = 0;
    text[0] = 0;
    switch (column->type) {
    case FLOWAN_TYPE_U32:
    case FLOWAN_TYPE_ENUM:
    case FLOWAN_TYPE_PREFIX: snprintf(text, 128, "%u", column->u32[row]); break;
    case FLOWAN_TYPE_U64:
    case FLOWAN_TYPE_TIME:
    case FLOWAN_TYPE_MAC:
    case FLOWAN_TYPE_BOOL:
        snprintf(text, 128, "%llu", (unsigned long long)column->u64[row]);
        break;
    case FLOWAN_TYPE_ADDRESS:
        snprintf(text, 128, "%d", column->address[row].octet[15]);
        for (size_t i = 0; !present(column, row) && i < 16; i++)
            EXPECT(column->address[row].octet[i] == 0, "%s: not zero", column->name);
        break;
    case FLOWAN_TYPE_TEXT:
    case FLOWAN_TYPE_JSON:
        size = column->offset[row + 1] - column->offset[row];
        memcpy(text, column->text + column->offset[row], size);
        text[size] = 0;
        break;
    case FLOWAN_TYPE_LIST_U64:
    case FLOWAN_TYPE_LIST_ADDRESS:
        for (uint32_t i = column->offset[row]; i < column->offset[row + 1]; i++)
            size += (size_t)snprintf(text + size, 128 - size, "%s%d", size ? " " : "",
                                     column->type == FLOWAN_TYPE_LIST_U64
                                         ? (int)column->u64[i]
                                         : column->address[i].octet[15]);
    }
    return text;
}

/* Checks every row of a column: `want` has a text for each, NULL for not present. */
static void check_column(const flowan_column *column, const char *const *want)
{
    size_t count = 0;
    const char *nothing = column->offset ? "" : "0";
    for (size_t row = 0; row < column->rows; row++) {
        const char *text = want[row] ? want[row] : nothing;
        count += want[row] != NULL;
        EXPECT(present(column, row) == (want[row] != NULL), "%s, row %zu: present %d",
               column->name, row, present(column, row));
        EXPECT(strcmp(cell(column, row), text) == 0, "%s, row %zu: %s, not %s",
               column->name, row, cell(column, row), text);
    }
    EXPECT(column->present_count == count, "%s: %zu present", column->name,
           column->present_count);
    EXPECT(!column->offset || column->offset[0] == 0, "%s: first offset", column->name);
}

/* --- views --- */

/* A member for each type, and the text of its cell. */
static const struct {
    const char *key;
    flowan_type type;
    const char *member;
    const char *value;
    const char *other; /* a second one, to leave stale bytes behind */
} types[] = {
    {"in_if", FLOWAN_TYPE_U32, "\"in_if\":4294967295", "4294967295", "\"in_if\":7"},
    {"bytes", FLOWAN_TYPE_U64, "\"bytes\":18446744073709551615", "18446744073709551615",
     "\"bytes\":7"},
    {"time_received_ns", FLOWAN_TYPE_TIME,
     "\"time_received_ns\":\"1970-01-01T00:00:01Z\"", "1000000000",
     "\"time_received_ns\":7"},
    {"src_mac", FLOWAN_TYPE_MAC, "\"src_mac\":\"00:00:00:00:01:02\"", "258",
     "\"src_mac\":\"ff:ff:ff:ff:ff:ff\""},
    {"flag", FLOWAN_TYPE_BOOL, "\"flag\":true", "1", "\"flag\":true"},
    {"proto", FLOWAN_TYPE_ENUM, "\"proto\":\"TCP\"", "6", "\"proto\":\"UDP\""},
    {"src_net", FLOWAN_TYPE_PREFIX, "\"src_net\":24", "24", "\"src_net\":7"},
    {"dst_addr", FLOWAN_TYPE_ADDRESS, "\"dst_addr\":\"2001:db8::9\"", "9",
     "\"dst_addr\":\"192.0.2.255\""},
    {"icmp_name", FLOWAN_TYPE_TEXT, "\"icmp_name\":\"echo\"", "echo",
     "\"icmp_name\":\"stale\""},
    {"x", FLOWAN_TYPE_JSON, "\"x\":{\"a\":-1}", "{\"a\":-1}", "\"x\":[null]"},
    {"as_path", FLOWAN_TYPE_LIST_U64, "\"as_path\":[1,2,3]", "1 2 3",
     "\"as_path\":[7,7,7,7]"},
    {"mpls_ip", FLOWAN_TYPE_LIST_ADDRESS, "\"mpls_ip\":[\"::5\",\"192.0.2.6\"]", "5 6",
     "\"mpls_ip\":[\"ffff::7\"]"},
};

enum { TYPES = sizeof types / sizeof *types };

static void add_member(const char *member)
{
    char text[256];
    snprintf(text, sizeof text, "{%s}", member);
    add(text);
}

/* Rows with and without the value around the words of the bitmap and the first growth
 * of a column, then the same batch again with the rows the other way round. */
START_TEST(views)
{
    enum { ROWS = 200 };
    static const size_t with[] = {0, 1, 62, 63, 64, 65, 127, 128, 130, 199};
    for (size_t i = 0; i < TYPES; i++) {
        for (int round = 0; round < 3; round++) {
            const char *want[ROWS] = {0};
            for (size_t k = 0; k < sizeof with / sizeof *with; k++)
                want[round == 1 ? ROWS - 1 - with[k] : with[k]] = types[i].value;
            for (size_t row = 0; row < ROWS; row++)
                add_member(want[row] ? types[i].member : "\"other\":1");
            flowan_column column = column_of(types[i].key, types[i].type);
            check_column(&column, want);
            ck_assert_int_eq(column.field,
                             flowan_field_find(types[i].key, strlen(types[i].key)));
            flowan_batch_reset(batch);
            /* stale values in all the rows, for the next round */
            for (size_t row = 0; row < ROWS; row++)
                add_member(types[i].other);
            flowan_batch_reset(batch);
        }
    }
}
END_TEST

/* A column whose only value is far before the last row, or in it. */
START_TEST(late_and_early)
{
    for (size_t i = 0; i < TYPES; i++) {
        const char *want[1000] = {types[i].value};
        add_member(types[i].member);
        for (size_t row = 1; row < 1000; row++) {
            add("{}");
            if (row % 100 == 0) { /* a look in between changes nothing */
                flowan_column column = column_of(types[i].key, types[i].type);
                check_column(&column, want);
            }
        }
        flowan_column column = column_of(types[i].key, types[i].type);
        check_column(&column, want);
        flowan_batch_reset(batch);
        want[0] = NULL;
        want[999] = types[i].value;
        for (size_t row = 0; row < 999; row++)
            add("{}");
        add_member(types[i].member);
        column = column_of(types[i].key, types[i].type);
        check_column(&column, want);
        flowan_batch_reset(batch);
    }
}
END_TEST

/* A column that most records lack has room for all rows before anybody looks: a view
 * needs no memory, and what it takes is in the account of the batch. */
START_TEST(rare_columns_grow)
{
    add("{\"once\":1,\"list\":[1]}");
    size_t memory = batch->memory;
    for (size_t rows = 2; rows <= 300; rows++) {
        add("{}");
        for (size_t i = 0; i < flowan_batch_columns(batch); i++)
            EXPECT(batch->columns[i]->room >= rows, "column %zu, %zu rows", i, rows);
    }
    ck_assert_uint_ge(batch->memory - memory, (300 - 64) * (8 + 4));
    memory = batch->memory;
    column_at(0);
    column_at(1);
    ck_assert_uint_eq(batch->memory, memory);
}
END_TEST

START_TEST(present_but_empty)
{
    add("{\"icmp_name\":\"\",\"as_path\":[],\"mpls_ip\":[]}{}{\"icmp_name\":null}");
    static const char *const want[] = {"", NULL, NULL};
    flowan_column column = column_of("icmp_name", FLOWAN_TYPE_TEXT);
    check_column(&column, want);
    ck_assert_ptr_nonnull(column.text);
    column = column_of("as_path", FLOWAN_TYPE_LIST_U64);
    check_column(&column, want);
    column = column_of("mpls_ip", FLOWAN_TYPE_LIST_ADDRESS);
    check_column(&column, want);
}
END_TEST

/* Kinds without a value leave the row absent, whatever was there before. */
START_TEST(absent)
{
    add("{\"bytes\":5}{\"bytes\":6}{\"bytes\":7}{\"bytes\":8}");
    flowan_batch_reset(batch);
    add("{\"bytes\":\"\"}{\"bytes\":null}{\"bytes\":-1}{\"bytes\":3}");
    static const char *const want[] = {NULL, NULL, NULL, "3"};
    flowan_column column;
    ck_assert(flowan_batch_field(batch, FLOWAN_FIELD_BYTES, &column));
    check_column(&column, want);
}
END_TEST

START_TEST(order)
{
    add("{\"zeta\":1,\"bytes\":2}{\"alpha\":\"x\",\"zeta\":3}{\"bytes\":\"\","
        "\"zeta\":-1,\"proto\":\"unknown\",\"packets\":null}{\"proto\":6}");
    static const struct {
        const char *name;
        flowan_type type;
        int field;
    } want[] = {
        {"zeta", FLOWAN_TYPE_U64, -1},
        {"bytes", FLOWAN_TYPE_U64, FLOWAN_FIELD_BYTES},
        {"alpha", FLOWAN_TYPE_TEXT, -1},
        {"zeta", FLOWAN_TYPE_JSON, -1},
        {"proto", FLOWAN_TYPE_TEXT, -1},
        {"packets", FLOWAN_TYPE_U64, FLOWAN_FIELD_PACKETS},
        {"proto", FLOWAN_TYPE_ENUM, FLOWAN_FIELD_PROTO},
    };
    ck_assert_uint_eq(flowan_batch_columns(batch), 7);
    for (size_t i = 0; i < 7; i++) {
        flowan_column column = column_at(i);
        ck_assert_str_eq(column.name, want[i].name);
        ck_assert_uint_eq(column.name_size, strlen(want[i].name));
        ck_assert_int_eq(column.type, want[i].type);
        ck_assert_int_eq(column.field, want[i].field);
    }
    flowan_column column;
    ck_assert(!flowan_batch_column(batch, 7, &column));
    ck_assert(!flowan_batch_column(batch, SIZE_MAX, &column));
    ck_assert(!flowan_batch_field(batch, FLOWAN_FIELD_SRC_ADDR, &column));
    ck_assert(!flowan_batch_field(batch, FLOWAN_FIELD_COUNT, &column));
    ck_assert(!flowan_batch_field(batch, (flowan_field)-1, &column));
    /* a new fill has an order of its own, and no column of the old one */
    flowan_batch_reset(batch);
    ck_assert_uint_eq(flowan_batch_columns(batch), 0);
    ck_assert_uint_eq(flowan_batch_rows(batch), 0);
    ck_assert(!flowan_batch_field(batch, FLOWAN_FIELD_BYTES, &column));
    add("{\"alpha\":\"y\",\"zeta\":4}");
    ck_assert_uint_eq(flowan_batch_columns(batch), 2);
    ck_assert_str_eq(column_at(0).name, "alpha");
    ck_assert_str_eq(column_at(1).name, "zeta");
}
END_TEST

START_TEST(odd_names)
{
    char key[600];
    memset(key, 'k', sizeof key);
    char text[1400];
    /* around the size at which a key no longer fits the stack */
    for (size_t size = 254; size <= 258; size++)
        for (int round = 0; round < 2; round++) {
            int length =
                snprintf(text, sizeof text, "{\"%.*s\":%d}", (int)size, key, round);
            size_t left;
            ck_assert_int_eq(feed(text, (size_t)length, &left), FLOWAN_OK);
        }
    ck_assert_uint_eq(flowan_batch_columns(batch), 5);
    for (size_t i = 0; i < 5; i++) {
        ck_assert_uint_eq(column_at(i).name_size, 254 + i);
        ck_assert_uint_eq(column_at(i).present_count, 2);
    }
    flowan_batch_reset(batch);
    add("{\"\":1,\"\\u0000\":2,\"a\\u0000b\":3,\"\xff\":4}");
    ck_assert_uint_eq(column_at(0).name_size, 0);
    ck_assert_uint_eq(column_at(1).name_size, 1);
    ck_assert_mem_eq(column_at(2).name, "a\0b", 4);
    ck_assert_str_eq(column_at(3).name, "\xff");
}
END_TEST

/* --- full --- */

START_TEST(capacity)
{
    static const uint32_t capacities[] = {1, 2, 63, 64, 65, 1000, 1024, 1025};
    fl_buffer text = {0};
    for (int i = 0; i < 1026; i++)
        fl_buffer_text(&text, "{}");
    for (size_t i = 0; i < sizeof capacities / sizeof *capacities; i++) {
        limit_batch(capacities[i], 0);
        flowan_parser_reset(parser);
        size_t left;
        ck_assert_int_eq(feed(text.data, text.size, &left), FLOWAN_FULL);
        ck_assert_uint_eq(flowan_batch_rows(batch), capacities[i]);
        ck_assert_uint_eq(left, text.size - 2 * capacities[i]);
        /* still full, and nothing of it changes */
        ck_assert_int_eq(feed(text.data + text.size - left, left, &left), FLOWAN_FULL);
        ck_assert_uint_eq(flowan_batch_rows(batch), capacities[i]);
        ck_assert_uint_eq(left, text.size - 2 * capacities[i]);
        /* just enough is not full */
        flowan_batch_reset(batch);
        ck_assert_int_eq(feed(text.data, 2 * capacities[i], &left), FLOWAN_OK);
        ck_assert_uint_eq(flowan_batch_rows(batch), capacities[i]);
    }
    fl_buffer_free(&text);
}
END_TEST

START_TEST(full_leaves_it)
{
    limit_batch(1, 0);
    add("{\"a\":1}");
    size_t left;
    ck_assert_int_eq(feed("{\"b\":2,\"bytes\":\"\"}", 18, &left), FLOWAN_FULL);
    ck_assert_uint_eq(left, 18);
    ck_assert_uint_eq(flowan_batch_columns(batch), 1);
    flowan_column column;
    ck_assert(!flowan_batch_field(batch, FLOWAN_FIELD_BYTES, &column));
}
END_TEST

START_TEST(memory_bytes)
{
    fl_buffer text = {0};
    fl_buffer_text(&text, "{\"t\":\"");
    for (int i = 0; i < 10000; i++)
        fl_buffer_byte(&text, 'x');
    fl_buffer_text(&text, "\"}");
    limit_batch(0, 1 << 20);
    size_t left = 0;
    for (int round = 0; round < 5; round++) {
        flowan_status status = FLOWAN_OK;
        while (status == FLOWAN_OK)
            status = feed(text.data, text.size, &left);
        ck_assert_int_eq(status, FLOWAN_FULL);
        ck_assert_uint_gt(flowan_batch_rows(batch), 10);
        ck_assert_uint_lt(flowan_batch_rows(batch), 300);
        flowan_batch_reset(batch);
        /* the record that found it full is still held back by the caller */
        ck_assert_int_eq(feed(text.data + text.size - left, left, &left), FLOWAN_OK);
    }
    fl_buffer_free(&text);
    /* a single record always fits, also twice the limit; the next one does not */
    limit_batch(0, 1);
    add("{\"t\":\"something\"}");
    ck_assert_int_eq(feed("{\"t\":1}", 7, &left), FLOWAN_FULL);
    flowan_batch_reset(batch);
    ck_assert_int_eq(feed("{\"t\":1}", 7, &left), FLOWAN_OK);
    ck_assert_uint_eq(flowan_batch_rows(batch), 1);
}
END_TEST

/* Rows that a batch of 1 MiB takes of endless records that begin so and hold a text of that
 * size, with one of another kind every tenth time. */
static size_t rows_until_full(const char *head, size_t size, const char *tenth)
{
    fl_buffer text = {0};
    fl_buffer_text(&text, head);
    for (size_t i = 0; i < size; i++)
        fl_buffer_byte(&text, 'y');
    fl_buffer_text(&text, "\"}");
    flowan_status status = FLOWAN_OK;
    for (size_t i = 0, left; status == FLOWAN_OK; i++)
        status = i % 10 == 9 ? feed(tenth, strlen(tenth), &left)
                             : feed(text.data, text.size, &left);
    ck_assert_int_eq(status, FLOWAN_FULL);
    fl_buffer_free(&text);
    flowan_parser_reset(parser); /* the one that found it full */
    return flowan_batch_rows(batch);
}

/* Memory that a batch keeps does not make the next fill shorter. */
START_TEST(memory_kept)
{
    static const char *const heads[] = {
        "{\"bytes\":7,\"t\":\"", "{ \"bytes\":7,\"t\":\"",
        "{\"as_path\":[1,2,3],\"t\":\"",
        "{\"src_addr\":\"10.0.0.1\",\"dst_addr\":\"::1\",\"n\":null,\"t\":\""};
    static const char *const others[] = {
        "{\"bytes\":1}", "{\"as_path\":[1,2,3,4],\"packets\":3,\"etype\":\"IPv4\"}",
        "{\"b\":\"b\",\"c\":{},\"d\":true,\"e\":[1]}"};
    for (size_t i = 0; i < 12; i++)
        for (size_t size = 0; size < 5000; size = size * 7 + 20) {
            limit_batch(1 << 20, 1 << 20);
            size_t rows = rows_until_full(heads[i % 4], size, others[i % 3]);
            limit_batch(1 << 20, 1 << 20);
            /* as much as is kept, of columns with other names */
            for (int k = 0; k < 900; k++)
                add("{\"u\":\"0123456789012345678901234567890123456789012345678\","
                    "\"packets\":1,\"v\":7,\"w\":8,\"x\":9,\"proto\":\"TCP\"}");
            size_t kept = batch->memory;
            ck_assert_uint_gt(kept, 100000);
            flowan_batch_reset(batch);
            ck_assert_uint_eq(batch->memory, kept);
            ck_assert_uint_eq(rows_until_full(heads[i % 4], size, others[i % 3]), rows);
        }
}
END_TEST

/* Ever new keys: the batch is full before it has more columns than it may. */
START_TEST(columns)
{
    char text[64];
    size_t left;
    size_t fulls = 0;
    for (int i = 0; i < 20000; i++) {
        int size = snprintf(text, sizeof text, "{\"key%d\":1,\"same\":\"%d\"}", i, i);
        flowan_status status = feed(text, (size_t)size, &left);
        if (status == FLOWAN_FULL) {
            fulls++;
            ck_assert_uint_eq(flowan_batch_columns(batch), FL_BATCH_COLUMNS_MAX);
            flowan_batch_reset(batch);
            status = feed(text + (size_t)size - left, left, &left);
        }
        EXPECT(status == FLOWAN_OK, "record %d: %d", i, status);
    }
    ck_assert_uint_eq(fulls, 20000 / (FL_BATCH_COLUMNS_MAX - 1));
}
END_TEST

/* At the limit a record without a new key still fits. */
START_TEST(columns_at_the_limit)
{
    char text[64];
    size_t left;
    for (int i = 0; i < FL_BATCH_COLUMNS_MAX; i++) {
        int size = snprintf(text, sizeof text, "{\"key%d\":1}", i);
        ck_assert_int_eq(feed(text, (size_t)size, &left), FLOWAN_OK);
    }
    ck_assert_int_eq(feed("{\"key7\":2,\"key4095\":3}", 22, &left), FLOWAN_OK);
    ck_assert_int_eq(feed("{\"key7\":2,\"more\":3}", 19, &left), FLOWAN_FULL);
    ck_assert_uint_eq(flowan_batch_rows(batch), FL_BATCH_COLUMNS_MAX + 1);
}
END_TEST

START_TEST(more_fields_than_a_record_has)
{
    fl_buffer text = {0};
    for (int i = 0; i < FL_RECORD_FIELDS_MAX + 10; i++)
        fl_buffer_format(&text, "%s\"k%d\":%d", i ? "," : "{", i, i);
    fl_buffer_byte(&text, '}');
    size_t left;
    for (int round = 0; round < 3; round++)
        ck_assert_int_eq(feed(text.data, text.size, &left), FLOWAN_OK);
    ck_assert_uint_eq(flowan_batch_columns(batch), FL_RECORD_FIELDS_MAX);
    fl_buffer out = {0};
    fl_render_row(&out, batch, 2);
    ck_assert_uint_eq(out.size, text.size);
    ck_assert_mem_eq(out.data, text.data, out.size);
    fl_buffer_free(&out);
    fl_buffer_free(&text);
}
END_TEST

/* --- shapes and texts --- */

START_TEST(shapes)
{
    add("{\"bytes\":1,\"a\":\"x\"}{\"bytes\":2,\"a\":\"y\"}{\"a\":\"x\",\"bytes\":1}"
        "{\"bytes\":\"1\",\"a\":\"x\"}{\"bytes\":null,\"a\":\"x\"}{}");
    ck_assert_uint_eq(batch->shapes.count, 5);
    ck_assert_uint_eq(batch->shape_of_row[0], batch->shape_of_row[1]);
    size_t count;
    const fl_shape_field *shape = fl_batch_shape(batch, batch->shape_of_row[2], &count);
    ck_assert_uint_eq(count, 2);
    ck_assert_uint_eq(FL_SHAPE_COLUMN(shape[0]), 1);
    ck_assert_int_eq(FL_SHAPE_KIND(shape[0]), FL_KIND_STRING);
    ck_assert_uint_eq(FL_SHAPE_COLUMN(shape[1]), 0);
    ck_assert_int_eq(FL_SHAPE_KIND(shape[1]), FL_KIND_INT);
    fl_batch_shape(batch, batch->shape_of_row[5], &count);
    ck_assert_uint_eq(count, 0);
    size_t size = 1;
    for (size_t row = 0; row < 6; row++)
        ck_assert_ptr_null(fl_batch_raw(batch, row, &size));
    ck_assert_uint_eq(size, 0);
}
END_TEST

/* A key that is not the field's own: the column is the field's, the key is in the shape. */
START_TEST(spellings)
{
    add("{\"SrcAddr\":\"::1\",\"Bytes\":1}{\"bytes\":2,\"src_addr\":\"::2\"}"
        "{\"SrcAddr\":\"::3\",\"Bytes\":null}{\"Proto\":\"reserved\"}"
        "{\"proto\":\"reserved\",\"Proto\":6}");
    ck_assert_uint_eq(flowan_batch_columns(batch), 4);
    flowan_column column;
    ck_assert(flowan_batch_field(batch, FLOWAN_FIELD_SRC_ADDR, &column));
    ck_assert_str_eq(column.name, "src_addr");
    ck_assert_uint_eq(column.present_count, 3);
    ck_assert(flowan_batch_field(batch, FLOWAN_FIELD_BYTES, &column));
    ck_assert_uint_eq(column.present[0], 3);
    ck_assert_uint_eq(column.u64[1], 2);
    /* a text in the place of a number is one column, whatever its key */
    column = column_of("proto", FLOWAN_TYPE_TEXT);
    ck_assert_uint_eq(column.present[0], 0x18);
    ck_assert_int_eq(column.field, -1);
    column = column_of("Proto", FLOWAN_TYPE_U64);
    ck_assert_uint_eq(column.present[0], 0x10);
    size_t count, size;
    const fl_shape_field *shape = fl_batch_shape(batch, batch->shape_of_row[2], &count);
    ck_assert_uint_eq(count, 2);
    ck_assert_uint_eq(FL_SHAPE_SPELLING(shape[0]), 1);
    ck_assert_uint_eq(FL_SHAPE_COLUMN(shape[1]), 1);
    ck_assert_int_eq(FL_SHAPE_KIND(shape[1]), FL_KIND_NULL);
    ck_assert_mem_eq(fl_batch_spelling(batch, FL_SHAPE_SPELLING(shape[1]), &size),
                     "Bytes", 5);
    ck_assert_uint_eq(size, 5);
    fl_batch_shape(batch, batch->shape_of_row[1], &count);
    ck_assert_uint_ne(batch->shape_of_row[0], batch->shape_of_row[1]);
    for (size_t row = 0; row < 5; row++)
        ck_assert_ptr_null(fl_batch_raw(batch, row, &size));
    ck_assert_uint_eq(batch->spellings.count, 3);
    flowan_batch_reset(batch);
    ck_assert_uint_eq(batch->spellings.count, 0);
}
END_TEST

/* As many as a shape can number, beside the last column and the last kind. */
START_TEST(spellings_at_the_limit)
{
    char keys[FL_BATCH_SPELLINGS_MAX + 1][8];
    fl_value values[2] = {{.spelt = true,
                           .field = FLOWAN_FIELD_BYTES,
                           .type = FLOWAN_TYPE_U64,
                           .kind = FL_KIND_INT}};
    for (size_t i = 0; i <= FL_BATCH_SPELLINGS_MAX; i++) {
        snprintf(keys[i], sizeof keys[i], "k%zu", i);
        values[0].key = keys[i];
        values[0].key_size = strlen(keys[i]);
        ck_assert_int_eq(fl_batch_append(batch, values, 1, NULL, i, 10, 0),
                         i < FL_BATCH_SPELLINGS_MAX ? FLOWAN_OK : FLOWAN_FULL);
    }
    ck_assert_uint_eq(flowan_batch_rows(batch), FL_BATCH_SPELLINGS_MAX);
    ck_assert_uint_eq(flowan_batch_columns(batch), 1);
    fl_buffer out = {0};
    fl_render_row(&out, batch, FL_BATCH_SPELLINGS_MAX - 1);
    ck_assert_uint_eq(out.size, 11);
    ck_assert_mem_eq(out.data, "{\"k4094\":0}", 11);
    fl_buffer_free(&out);
    /* known ones and none still fit */
    values[0].key = keys[7];
    values[0].key_size = 2;
    values[1] = (fl_value){.key = "packets",
                           .key_size = 7,
                           .field = FLOWAN_FIELD_PACKETS,
                           .type = FLOWAN_TYPE_U64,
                           .kind = FL_KIND_INT};
    ck_assert_int_eq(fl_batch_append(batch, values, 2, NULL, 0, 10, 0), FLOWAN_OK);
    ck_assert_int_eq(fl_batch_intern_spelling(batch, "more", 4), -1);
    ck_assert_int_eq(fl_batch_intern_spelling(batch, "k4094", 5),
                     FL_BATCH_SPELLINGS_MAX);
    fl_shape_field last =
        FL_SHAPE_FIELD(FL_BATCH_COLUMNS_MAX - 1, 255, FL_BATCH_SPELLINGS_MAX);
    ck_assert_uint_eq(FL_SHAPE_COLUMN(last), FL_BATCH_COLUMNS_MAX - 1);
    ck_assert_uint_eq(FL_SHAPE_KIND(last), 255);
    ck_assert_uint_eq(FL_SHAPE_SPELLING(last), FL_BATCH_SPELLINGS_MAX);
    flowan_batch_reset(batch);
    ck_assert_int_eq(fl_batch_intern_spelling(batch, "more", 4), 1);
}
END_TEST

/* The text is kept just where the values do not give it back, and every row comes back
 * exactly, the second fill too. */
START_TEST(exact)
{
    static const struct {
        const char *text;
        bool raw;
    } rows[] = {
        {"{}", false},
        {"{ }", true},
        {"{\"bytes\":1,\"packets\":2}", false},
        {"{\"bytes\":1, \"packets\":2}", true},
        {"{\"bytes\":1.0}", true},
        {"{\"bytes\":\"\"}", false},
        {"{\"a\":1,\"a\":1}", true},
        {"{\"a\":\"\\u0041\"}", true},
        {"{\"src_addr\":\"10.0.0.9\",\"src_net\":\"10.0.0.0/8\"}", false},
        {"{\"src_net\":\"::/0\",\"src_addr\":\"::1\"}", false},
        {"{\"src_net\":\"10.0.0.0/8\"}", false},
        {"{\"src_addr\":\"\",\"src_net\":\"::/0\"}", false},
        {"{\"as_path\":[1,2],\"mpls_ip\":[\"::\"],\"layer_stack\":[\"TCP\"]}", false},
        {"{\"as_path\":[1, 2]}", true},
        {"{\"time_received_ns\":\"2025-03-15T17:10:51.5Z\"}", false},
        {"{\"time_received_ns\":\"2025-03-15T17:10:51.50Z\"}", true},
        {"{\"x\":-1,\"y\":null,\"z\":{\"a\":[ ]},\"w\":true}", false},
        {"{\"as_path\":\"\"}", false},
        {"{\"as_path\":\"x\"}", true},
        {"{\"SrcAddr\":\"10.0.0.9\",\"SrcNet\":8,\"BgpNextHop\":[192,0,2,1]}", false},
        {"{\"TimeReceived\":1742000438,\"TimeFlowEndMs\":0,\"NextHop\":[]}", false},
        {"{\"TimeReceived\":18446744074}", true},
        {"{\"MplsLabelIp\":[192,0,2,1],\"bytes\":1,\"Bytes\":2}", false},
    };
    enum { ROWS = sizeof rows / sizeof *rows };
    fl_buffer out = {0};
    for (size_t round = 0; round < 3; round++) {
        for (size_t i = 0; i < 5 * ROWS; i++)
            add(rows[i * 7 % ROWS].text);
        for (size_t i = 0; i < 5 * ROWS; i++) {
            const char *want = rows[i * 7 % ROWS].text;
            fl_buffer_clear(&out);
            fl_render_row(&out, batch, i);
            EXPECT(out.size == strlen(want) && memcmp(out.data, want, out.size) == 0,
                   "%s: %.*s", want, (int)out.size, out.data);
            size_t size;
            EXPECT(!fl_batch_raw(batch, i, &size) == !rows[i * 7 % ROWS].raw, "%s: raw",
                   want);
            EXPECT(batch->size_of_row[i] == strlen(want), "%s: size", want);
        }
        flowan_batch_reset(batch);
    }
    fl_buffer_free(&out);
}
END_TEST

/* --- rejects --- */

START_TEST(rejects)
{
    flowan_reject reject;
    ck_assert_uint_eq(flowan_batch_rejects(batch), 0);
    ck_assert(!flowan_batch_reject(batch, 0, &reject));
    char *data = malloc(FL_REJECT_PIECE_SIZE + 1);
    memset(data, 'x', FL_REJECT_PIECE_SIZE + 1);
    ck_assert_int_eq(
        fl_batch_append_reject(batch, FLOWAN_REJECT_TORN, false, 7, data, 0),
        FLOWAN_OK);
    ck_assert_uint_eq(flowan_batch_rejects(batch), 0);
    ck_assert_int_eq(fl_batch_append_reject(batch, FLOWAN_REJECT_TORN, false, 7, data,
                                            FL_REJECT_PIECE_SIZE + 1),
                     FLOWAN_OK);
    ck_assert_uint_eq(flowan_batch_rejects(batch), 2);
    ck_assert(flowan_batch_reject(batch, 0, &reject));
    ck_assert(!reject.continued);
    ck_assert_uint_eq(reject.offset, 7);
    ck_assert_uint_eq(reject.size, FL_REJECT_PIECE_SIZE);
    ck_assert(flowan_batch_reject(batch, 1, &reject));
    ck_assert(reject.continued);
    ck_assert_int_eq(reject.reason, FLOWAN_REJECT_TORN);
    ck_assert_uint_eq(reject.offset, 7 + FL_REJECT_PIECE_SIZE);
    ck_assert_uint_eq(reject.size, 1);
    ck_assert(!flowan_batch_reject(batch, 2, &reject));
    flowan_batch_reset(batch);
    ck_assert_uint_eq(flowan_batch_rejects(batch), 0);
    ck_assert(!flowan_batch_reject(batch, 0, &reject));
    /* full by bytes, and by count */
    while (!fl_batch_rejects_full(batch))
        ck_assert_int_eq(fl_batch_append_reject(batch, FLOWAN_REJECT_JUNK, false, 0,
                                                data, FL_REJECT_PIECE_SIZE),
                         FLOWAN_OK);
    ck_assert_uint_eq(flowan_batch_rejects(batch),
                      FL_REJECTS_SIZE / FL_REJECT_PIECE_SIZE);
    size_t left;
    ck_assert_int_eq(feed("{}", 2, &left), FLOWAN_FULL);
    ck_assert_uint_eq(left, 2);
    flowan_batch_reset(batch);
    ck_assert(!fl_batch_rejects_full(batch));
    ck_assert_int_eq(feed("{}", 2, &left), FLOWAN_OK);
    free(data);
}
END_TEST

START_TEST(reasons)
{
    ck_assert_str_eq(flowan_reject_reason_text(FLOWAN_REJECT_JUNK), "junk");
    ck_assert_str_eq(flowan_reject_reason_text(FLOWAN_REJECT_SYNTAX), "syntax");
    ck_assert_str_eq(flowan_reject_reason_text(FLOWAN_REJECT_TORN), "torn");
    ck_assert_str_eq(flowan_reject_reason_text(FLOWAN_REJECT_TOO_LONG), "too long");
    ck_assert_ptr_nonnull(flowan_reject_reason_text((flowan_reject_reason)0));
    ck_assert_ptr_nonnull(flowan_reject_reason_text(FLOWAN_REJECT_REASONS));
}
END_TEST

/* --- the handle --- */

START_TEST(options)
{
    flowan_batch *made = (flowan_batch *)1;
    flowan_error error;
    struct {
        flowan_batch_options options;
        unsigned char more[16];
    } future = {{.size = sizeof future}, {0}};
    ck_assert_int_eq(flowan_batch_new(&made, &future.options, &error), FLOWAN_OK);
    flowan_batch_free(made);
    future.more[15] = 1;
    made = (flowan_batch *)1;
    ck_assert_int_eq(flowan_batch_new(&made, &future.options, &error),
                     FLOWAN_ERROR_ARGUMENT);
    ck_assert_ptr_null(made);
    ck_assert_int_eq(error.status, FLOWAN_ERROR_ARGUMENT);
    /* a byte beyond the size that the caller claims is not looked at */
    future.options.size = sizeof future - 1;
    ck_assert_int_eq(flowan_batch_new(&made, &future.options, &error), FLOWAN_OK);
    flowan_batch_free(made);
    flowan_batch_options small = {.size = 7};
    ck_assert_int_eq(flowan_batch_new(&made, &small, NULL), FLOWAN_ERROR_ARGUMENT);
    flowan_batch_options rows = {.size = sizeof rows, .capacity = FL_BATCH_ROWS_MAX};
    ck_assert_int_eq(flowan_batch_new(&made, &rows, NULL), FLOWAN_OK);
    flowan_batch_free(made);
    rows.capacity++;
    ck_assert_int_eq(flowan_batch_new(&made, &rows, &error), FLOWAN_ERROR_ARGUMENT);
    ck_assert_ptr_null(made);
    flowan_batch_free(NULL);
}
END_TEST

START_TEST(empty)
{
    flowan_column column;
    ck_assert_uint_eq(flowan_batch_rows(batch), 0);
    ck_assert_uint_eq(flowan_batch_columns(batch), 0);
    ck_assert(!flowan_batch_column(batch, 0, &column));
    ck_assert(!flowan_batch_field(batch, FLOWAN_FIELD_BYTES, &column));
    flowan_batch_reset(batch);
    flowan_batch_reset(batch);
    add("{}");
    ck_assert_uint_eq(flowan_batch_rows(batch), 1);
    ck_assert_uint_eq(flowan_batch_columns(batch), 0);
    /* columns put into use before there is a row, as a reader does */
    flowan_batch_reset(batch);
    for (size_t i = 0; i < TYPES; i++)
        ck_assert_ptr_nonnull(fl_batch_use_column(
            batch, types[i].key, strlen(types[i].key),
            flowan_field_find(types[i].key, strlen(types[i].key)), types[i].type));
    for (size_t i = 0; i < TYPES; i++) {
        column = column_at(i);
        check_column(&column, NULL);
    }
}
END_TEST

static Suite *suite_of(void)
{
    Suite *suite = suite_create("batch");
    TCase *tests = tcase_create("batch");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 30);
    tcase_add_test(tests, views);
    tcase_add_test(tests, late_and_early);
    tcase_add_test(tests, rare_columns_grow);
    tcase_add_test(tests, present_but_empty);
    tcase_add_test(tests, absent);
    tcase_add_test(tests, order);
    tcase_add_test(tests, odd_names);
    tcase_add_test(tests, capacity);
    tcase_add_test(tests, full_leaves_it);
    tcase_add_test(tests, memory_bytes);
    tcase_add_test(tests, memory_kept);
    tcase_add_test(tests, columns);
    tcase_add_test(tests, columns_at_the_limit);
    tcase_add_test(tests, more_fields_than_a_record_has);
    tcase_add_test(tests, shapes);
    tcase_add_test(tests, spellings);
    tcase_add_test(tests, spellings_at_the_limit);
    tcase_add_test(tests, exact);
    tcase_add_test(tests, rejects);
    tcase_add_test(tests, reasons);
    tcase_add_test(tests, options);
    tcase_add_test(tests, empty);
    suite_add_tcase(suite, tests);
    return suite;
}

FL_UNIT_MAIN(suite_of)
