/* ASN databases: the small one of the tests, and crafted ones that a writer would never
 * make. */
#include "flowan/asdb.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "memory.h"
#include "text.h"
#include "unit.h"

static flowan_address address_of(const char *text)
{
    flowan_address address;
    ck_assert_msg(fl_text_get_address(text, strlen(text), &address), "%s", text);
    return address;
}

static uint32_t lookup(flowan_asdb *asdb, const char *text)
{
    flowan_address address = address_of(text);
    return flowan_asdb_lookup(asdb, &address);
}

/* --- a writer of the format, which also writes what is wrong --- */

static void put_control(fl_buffer *to, unsigned type, size_t size)
{
    unsigned code = size < 29 ? (unsigned)size : size < 285 ? 29 : 30;
    fl_buffer_byte(to, (char)((type > 7 ? 0 : type << 5) | code));
    if (type > 7)
        fl_buffer_byte(to, (char)(type - 7));
    if (code == 30)
        fl_buffer_byte(to, (char)((size - 285) >> 8));
    if (code >= 29)
        fl_buffer_byte(to, (char)(code == 29 ? size - 29 : size - 285));
}

static void put_text(fl_buffer *to, const char *text)
{
    put_control(to, 2, strlen(text));
    fl_buffer_text(to, text);
}

/* Type 5 is 16, 6 is 32, 9 is 64 bits wide. */
static void put_number(fl_buffer *to, unsigned type, uint64_t number)
{
    size_t size = type == 5 ? 2 : type == 6 ? 4 : 8;
    put_control(to, type, size);
    for (size_t i = size; i-- > 0;)
        fl_buffer_byte(to, (char)(number >> (8 * i)));
}

static void put_pointer(fl_buffer *to, size_t at)
{
    fl_buffer_byte(to, '\x38');
    for (int shift = 24; shift >= 0; shift -= 8)
        fl_buffer_byte(to, (char)(at >> shift));
}

static void put_map(fl_buffer *to, size_t pairs)
{
    put_control(to, 7, pairs);
}

static void put_array(fl_buffer *to, size_t items)
{
    put_control(to, 11, items);
}

static size_t put_as(fl_buffer *to, uint32_t asn, const char *name)
{
    size_t at = to->size;
    put_map(to, name ? 2 : 1);
    put_text(to, "autonomous_system_number");
    put_number(to, 6, asn);
    if (name) {
        put_text(to, "autonomous_system_organization");
        put_text(to, name);
    }
    return at;
}

/* In a node: another node by its number, nothing, or the data at an offset. */
#define NOTHING(nodes) ((uint32_t)(nodes))
#define DATA(nodes, at) ((uint32_t)((nodes) + 16 + (at)))

struct node {
    uint32_t left, right;
};

static void put_metadata(fl_buffer *to, size_t node_count, unsigned ip_version)
{
    put_map(to, 9);
    put_text(to, "node_count"), put_number(to, 6, node_count);
    put_text(to, "record_size"), put_number(to, 5, 24);
    put_text(to, "ip_version"), put_number(to, 5, ip_version);
    put_text(to, "database_type"), put_text(to, "Crafted");
    put_text(to, "languages"), put_array(to, 1), put_text(to, "en");
    put_text(to, "binary_format_major_version"), put_number(to, 5, 2);
    put_text(to, "binary_format_minor_version"), put_number(to, 5, 0);
    put_text(to, "build_epoch"), put_number(to, 9, 1);
    put_text(to, "description"), put_map(to, 1), put_text(to, "en"), put_text(to, "x");
}

static fl_buffer file_of(const struct node *nodes, size_t count, const fl_buffer *data,
                         unsigned ip_version)
{
    fl_buffer file = {0};
    for (size_t i = 0; i < count; i++) {
        const uint32_t records[] = {nodes[i].left, nodes[i].right};
        for (int side = 0; side < 2; side++)
            for (int shift = 16; shift >= 0; shift -= 8)
                fl_buffer_byte(&file, (char)(records[side] >> shift));
    }
    for (int i = 0; i < 16; i++)
        fl_buffer_byte(&file, '\0');
    fl_buffer_append(&file, data->data, data->size);
    fl_buffer_text(&file, "\xab\xcd\xefMaxMind.com");
    put_metadata(&file, count, ip_version);
    ck_assert(!file.failed);
    return file;
}

static flowan_status open_bytes(flowan_asdb **out, const char *data, size_t size,
                                flowan_error *error)
{
    char path[] = "/tmp/flowan-asdb-XXXXXX";
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, data, size), (ssize_t)size);
    close(fd);
    flowan_status status = flowan_asdb_open(out, path, error);
    unlink(path);
    ck_assert((*out != NULL) == (status == FLOWAN_OK));
    return status;
}

static flowan_asdb *asdb_of(const struct node *nodes, size_t count,
                            const fl_buffer *data)
{
    fl_buffer file = file_of(nodes, count, data, 6);
    flowan_asdb *asdb;
    flowan_error error;
    flowan_status status = open_bytes(&asdb, file.data, file.size, &error);
    ck_assert_msg(status == FLOWAN_OK, "%s", error.message);
    fl_buffer_free(&file);
    return asdb;
}

static void refused(const char *data, size_t size, const char *message)
{
    flowan_asdb *asdb;
    flowan_error error;
    ck_assert_int_eq(open_bytes(&asdb, data, size, &error), FLOWAN_ERROR_FORMAT);
    ck_assert_msg(strstr(error.message, message), "%s", error.message);
}

/* --- tests --- */

static bool sample_path(char *path, size_t size)
{
    const char *folder = getenv("FLOWAN_TEST_DATA");
    snprintf(path, size, "%s/asn.mmdb", folder ? folder : "tests/data");
    return access(path, R_OK) == 0;
}

START_TEST(sample)
{
    char path[4096];
    if (!sample_path(path, sizeof path))
        return;
    flowan_asdb *asdb;
    ck_assert_int_eq(flowan_asdb_open(&asdb, path, NULL), FLOWAN_OK);
    for (int again = 0; again < 2; again++) {
        ck_assert_uint_eq(lookup(asdb, "8.8.8.8"), 15169);
        ck_assert_uint_eq(lookup(asdb, "::ffff:8.8.8.8"), 15169);
        ck_assert_uint_eq(lookup(asdb, "64:ff9b::8.8.8.8"), 15169);
        ck_assert_uint_eq(lookup(asdb, "64:ff9b:1::8.8.8.8"), 0);
        ck_assert_uint_eq(lookup(asdb, "1.1.1.1"), 13335);
        ck_assert_uint_eq(lookup(asdb, "10.0.0.1"), 0);
        ck_assert_uint_eq(lookup(asdb, "64:ff9b::10.0.0.1"), 0);
        ck_assert_uint_eq(lookup(asdb, "::"), 0);
    }
    ck_assert_str_eq(flowan_asdb_name(asdb, 15169), "Google");
    ck_assert_str_eq(flowan_asdb_name(asdb, 13335), "Cloudflare");
    ck_assert_str_eq(flowan_asdb_name(asdb, 0), "");
    ck_assert_str_eq(flowan_asdb_name(asdb, 64512), "");
    ck_assert_str_eq(flowan_asdb_name(asdb, UINT32_MAX), "");
    flowan_asdb_free(asdb);
    flowan_asdb_free(NULL);
}
END_TEST

START_TEST(sample_damaged)
{
    /* Whatever is changed, look-ups and names must come to an end within the file. */
    char path[4096];
    if (!sample_path(path, sizeof path))
        return;
    FILE *file = fopen(path, "rb");
    ck_assert_ptr_nonnull(file);
    static char bytes[1 << 17], damaged[1 << 17];
    size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    ck_assert(size > 0 && size < sizeof bytes);
    uint32_t state = 1;
    for (int round = 0; round < 3000; round++) {
        memcpy(damaged, bytes, size);
        size_t kept = size;
        for (int i = 0; i < 1 + round % 8; i++) {
            state = state * 1664525 + 1013904223;
            damaged[(state >> 8) % size] = (char)(state >> 3);
        }
        if (round % 16 == 0)
            kept = (state >> 4) % size;
        flowan_asdb *asdb;
        flowan_error error;
        flowan_status status = open_bytes(&asdb, damaged, kept, &error);
        if (status < 0) {
            ck_assert_int_eq(status, FLOWAN_ERROR_FORMAT);
            continue;
        }
        for (uint32_t i = 0; i < 256; i++) {
            flowan_address address = {{0}};
            memset(address.octet, 0xff, 12);
            memset(address.octet, 0, i % 2 ? 10 : 0);
            state = state * 1664525 + 1013904223;
            memcpy(address.octet + (i % 2 ? 12 : 0), &state, 4);
            flowan_asdb_name(asdb, flowan_asdb_lookup(asdb, &address));
        }
        flowan_asdb_free(asdb);
    }
}
END_TEST

START_TEST(values)
{
    /* A leaf for each of the first three bits, in address order: 0000::, 2000:: ... */
    fl_buffer data = {0};
    size_t at[8];
    put_text(&data, "shared name");
    at[0] = data.size; /* a name behind a pointer, unknown keys, nested values */
    put_map(&data, 4);
    put_text(&data, "tags");
    put_array(&data, 3);
    put_map(&data, 1), put_text(&data, "a"), put_array(&data, 0);
    put_number(&data, 9, 7);
    put_control(&data, 14, 1); /* true */
    put_text(&data, "autonomous_system_organization");
    put_pointer(&data, 0);
    put_text(&data, "autonomous_system_number");
    put_number(&data, 5, 65000);
    put_text(&data, "end");
    put_control(&data, 3, 8), fl_buffer_append(&data, "\0\0\0\0\0\0\0\0", 8);
    at[1] = data.size; /* 64 bits that fit */
    put_map(&data, 1), put_text(&data, "autonomous_system_number");
    put_number(&data, 9, UINT32_MAX);
    at[2] = data.size; /* and that do not */
    put_map(&data, 1), put_text(&data, "autonomous_system_number");
    put_number(&data, 9, (uint64_t)UINT32_MAX + 1);
    at[3] = data.size; /* a number as text */
    put_map(&data, 1), put_text(&data, "autonomous_system_number");
    put_text(&data, "65001");
    char name[4098];
    memset(name, 'n', sizeof name);
    name[4096] = '\0';
    at[4] = put_as(&data, 4, name);
    name[4096] = 'n', name[4097] = '\0';
    at[5] = put_as(&data, 5, name);
    at[6] = data.size; /* behind a pointer altogether */
    put_pointer(&data, at[4]);
    name[300] = '\0';
    at[7] = put_as(&data, 65000, name);
    const struct node nodes[] = {
        {1, 4},
        {2, 3},
        {DATA(7, at[0]), DATA(7, at[1])},
        {DATA(7, at[2]), DATA(7, at[3])},
        {5, 6},
        {DATA(7, at[4]), DATA(7, at[5])},
        {DATA(7, at[6]), DATA(7, at[7])},
    };
    flowan_asdb *asdb = asdb_of(nodes, 7, &data);
    /* IPv4 hangs in ::/96 here, as in every database. */
    ck_assert_uint_eq(lookup(asdb, "1.2.3.4"), 65000);
    ck_assert_uint_eq(lookup(asdb, "64:ff9b::1.2.3.4"), 65000);
    ck_assert_uint_eq(lookup(asdb, "::"), 65000);
    ck_assert_uint_eq(lookup(asdb, "2000::"), UINT32_MAX);
    ck_assert_uint_eq(lookup(asdb, "4000::"), 0);
    ck_assert_uint_eq(lookup(asdb, "6000::"), 0);
    ck_assert_uint_eq(lookup(asdb, "8000::"), 4);
    ck_assert_uint_eq(lookup(asdb, "a000::"), 5);
    ck_assert_uint_eq(lookup(asdb, "c000::"), 4);
    ck_assert_uint_eq(lookup(asdb, "e000::"), 65000);
    ck_assert_str_eq(flowan_asdb_name(asdb, 65000), "shared name");
    ck_assert_uint_eq(strlen(flowan_asdb_name(asdb, 4)), 4096);
    ck_assert_str_eq(flowan_asdb_name(asdb, 5), "");
    ck_assert_str_eq(flowan_asdb_name(asdb, UINT32_MAX), "");
    flowan_asdb_free(asdb);
    fl_buffer_free(&data);
}
END_TEST

START_TEST(first_name_wins)
{
    for (int swap = 0; swap < 2; swap++) {
        fl_buffer data = {0};
        size_t low = put_as(&data, 7, swap ? "two" : "one");
        size_t high = put_as(&data, 7, swap ? "one" : "two");
        const struct node nodes[] = {{DATA(1, low), DATA(1, high)}};
        flowan_asdb *asdb = asdb_of(nodes, 1, &data);
        ck_assert_uint_eq(lookup(asdb, "ffff::"), 7);
        ck_assert_str_eq(flowan_asdb_name(asdb, 7), swap ? "two" : "one");
        flowan_asdb_free(asdb);
        fl_buffer_free(&data);
    }
}
END_TEST

START_TEST(ipv4_only)
{
    fl_buffer data = {0};
    size_t at = put_as(&data, 7, "seven");
    const struct node nodes[] = {{DATA(1, at), NOTHING(1)}};
    fl_buffer file = file_of(nodes, 1, &data, 4);
    flowan_asdb *asdb;
    ck_assert_int_eq(open_bytes(&asdb, file.data, file.size, NULL), FLOWAN_OK);
    ck_assert_uint_eq(lookup(asdb, "1.2.3.4"), 7);
    ck_assert_uint_eq(lookup(asdb, "200.2.3.4"), 0);
    ck_assert_uint_eq(lookup(asdb, "2001:db8::"), 0);
    ck_assert_uint_eq(lookup(asdb, "64:ff9b::1.2.3.4"), 7);
    ck_assert_str_eq(flowan_asdb_name(asdb, 7), "seven");
    flowan_asdb_free(asdb);
    fl_buffer_free(&file);
    fl_buffer_free(&data);
}
END_TEST

START_TEST(trees_without_end)
{
    fl_buffer data = {0};
    size_t at = put_as(&data, 7, "seven");
    /* Each node its own child, and 2^128 ways through a chain. */
    const struct node cycle[] = {{1, 0}, {DATA(2, at), 0}};
    flowan_asdb *asdb = asdb_of(cycle, 2, &data);
    ck_assert_uint_eq(lookup(asdb, "::1"), 7);
    ck_assert_uint_eq(lookup(asdb, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), 0);
    ck_assert_str_eq(flowan_asdb_name(asdb, 7), "seven");
    flowan_asdb_free(asdb);
    struct node chain[200];
    for (uint32_t i = 0; i < 200; i++)
        chain[i] = (struct node){i + 1, i + 1};
    chain[127] = (struct node){DATA(200, at), DATA(200, at)};
    asdb = asdb_of(chain, 200, &data);
    ck_assert_uint_eq(lookup(asdb, "2001:db8::1"), 7);
    ck_assert_str_eq(flowan_asdb_name(asdb, 7), "seven");
    flowan_asdb_free(asdb);
    /* Deeper than an address is long: not there. */
    chain[127] = (struct node){128, 128};
    chain[128] = (struct node){DATA(200, at), DATA(200, at)};
    fl_buffer file = file_of(chain, 200, &data, 6);
    refused(file.data, file.size, "it has no data");
    fl_buffer_free(&file);
    fl_buffer_free(&data);
}
END_TEST

START_TEST(records_without_end)
{
    fl_buffer data = {0};
    size_t good = put_as(&data, 7, "seven");
    size_t pointers = data.size;
    put_pointer(&data, pointers);
    size_t fan_out = data.size; /* a map of millions of pairs that are not there */
    fl_buffer_append(&data, "\xff\xff\xff\xff", 4);
    size_t outside = data.size;
    put_pointer(&data, UINT32_MAX);
    size_t nested = data.size; /* what overflows the stack of a recursive reader */
    put_map(&data, 2), put_text(&data, "a");
    for (int i = 0; i < 4000000; i++)
        put_array(&data, 1);
    put_number(&data, 5, 1);
    put_text(&data, "autonomous_system_number"), put_number(&data, 5, 9);
    const struct node nodes[] = {
        {1, 2},
        {DATA(4, good), DATA(4, pointers)},
        {3, DATA(4, nested)},
        {DATA(4, fan_out), DATA(4, outside)},
    };
    flowan_asdb *asdb = asdb_of(nodes, 4, &data);
    ck_assert_uint_eq(lookup(asdb, "::1"), 7);
    ck_assert_uint_eq(lookup(asdb, "4000::"), 0);
    ck_assert_uint_eq(lookup(asdb, "8000::"), 0);
    ck_assert_uint_eq(lookup(asdb, "a000::"), 0);
    ck_assert_uint_eq(lookup(asdb, "c000::"), 0);
    ck_assert_str_eq(flowan_asdb_name(asdb, 7), "seven");
    ck_assert_str_eq(flowan_asdb_name(asdb, 9), "");
    flowan_asdb_free(asdb);
    fl_buffer_free(&data);
}
END_TEST

START_TEST(metadata_without_end)
{
    fl_buffer data = {0};
    size_t at = put_as(&data, 7, "seven");
    const struct node nodes[] = {{DATA(1, at), DATA(1, at)}};
    fl_buffer file = file_of(nodes, 1, &data, 6);
    fl_buffer bad = {0};
    /* Nested deeper than any stack; and each map twice the next one. */
    fl_buffer_text(&bad, "\xab\xcd\xefMaxMind.com");
    for (int i = 0; i < 60000; i++)
        put_array(&bad, 1);
    put_number(&bad, 5, 1);
    fl_buffer_append(&file, bad.data, bad.size);
    refused(file.data, file.size, "its metadata are damaged");
    file.size -= bad.size;
    fl_buffer_clear(&bad);
    fl_buffer_text(&bad, "\xab\xcd\xefMaxMind.com");
    for (size_t i = 0; i < 40; i++) {
        put_map(&bad, 2);
        put_text(&bad, "a"), put_pointer(&bad, 15 * (i + 1));
        put_text(&bad, "b"), put_pointer(&bad, 15 * (i + 1));
    }
    put_map(&bad, 0);
    fl_buffer_append(&file, bad.data, bad.size);
    refused(file.data, file.size, "its metadata are damaged");
    fl_buffer_free(&bad);
    fl_buffer_free(&file);
    fl_buffer_free(&data);
}
END_TEST

START_TEST(no_database)
{
    refused("", 0, "no MaxMind DB metadata");
    refused("garbage", 7, "no MaxMind DB metadata");
    refused("\xab\xcd\xefMaxMind.com", 14, "its metadata are damaged");
    refused("\xab\xcd\xefMaxMind.com\xe0", 15, "not a usable ASN database");

    fl_buffer data = {0};
    put_map(&data, 1), put_text(&data, "country"), put_text(&data, "DE");
    const struct node country[] = {{DATA(1, 0), DATA(1, 0)}};
    fl_buffer file = file_of(country, 1, &data, 6);
    refused(file.data, file.size,
            "its type is \"Crafted\", and its first record has no "
            "autonomous_system_number");
    for (size_t size = 0; size < file.size; size++) {
        flowan_asdb *asdb;
        ck_assert_int_eq(open_bytes(&asdb, file.data, size, NULL), FLOWAN_ERROR_FORMAT);
    }
    fl_buffer_free(&file);
    const struct node nothing[] = {{NOTHING(1), NOTHING(1)}};
    file = file_of(nothing, 1, &data, 6);
    refused(file.data, file.size, "it has no data");
    fl_buffer_free(&file);
    fl_buffer_free(&data);

    flowan_asdb *asdb = (flowan_asdb *)&data;
    flowan_error error;
    ck_assert_int_eq(flowan_asdb_open(&asdb, "/nowhere/asn.mmdb", &error),
                     FLOWAN_ERROR_NOT_FOUND);
    ck_assert_ptr_null(asdb);
    ck_assert(strstr(error.message, "/nowhere/asn.mmdb"));
    ck_assert_int_eq(flowan_asdb_open(&asdb, "/tmp", &error), FLOWAN_ERROR_IO);
    ck_assert_str_eq(error.message, "cannot read /tmp: it is not a regular file");
    char path[] = "/tmp/flowan-asdb-XXXXXX";
    ck_assert_ptr_nonnull(mkdtemp(path));
    char fifo[64];
    snprintf(fifo, sizeof fifo, "%s/fifo", path);
    ck_assert_int_eq(mkfifo(fifo, 0600), 0);
    ck_assert_int_eq(flowan_asdb_open(&asdb, fifo, &error), FLOWAN_ERROR_IO);
    unlink(fifo);
    rmdir(path);
}
END_TEST

static Suite *suite_of(void)
{
    Suite *suite = suite_create("asdb");
    TCase *cases = tcase_create("asdb");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, sample);
    tcase_add_test(cases, sample_damaged);
    tcase_add_test(cases, values);
    tcase_add_test(cases, first_name_wins);
    tcase_add_test(cases, ipv4_only);
    tcase_add_test(cases, trees_without_end);
    tcase_add_test(cases, records_without_end);
    tcase_add_test(cases, metadata_without_end);
    tcase_add_test(cases, no_database);
    suite_add_tcase(suite, cases);
    return suite;
}

FL_UNIT_MAIN(suite_of)
