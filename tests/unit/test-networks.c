/* The table of local networks: its text, its messages, and its answers against a plain
 * search through all prefixes. */
#include "flowan/networks.h"

#include <stdio.h>
#include <string.h>
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

static flowan_networks *table_of(const char *text)
{
    flowan_networks *networks = NULL;
    flowan_error error;
    ck_assert_msg(flowan_networks_parse(&networks, text, strlen(text), "n.txt",
                                        &error) == FLOWAN_OK,
                  "%s", error.message);
    return networks;
}

/* The name of the network that `text` is in, "-" for none, "+NAME" for a public one. */
static const char *place(const flowan_networks *networks, const char *text)
{
    static char name[64];
    flowan_address address = address_of(text);
    flowan_network_match match;
    if (!flowan_networks_find(networks, &address, &match))
        return "-";
    snprintf(name, sizeof name, "%s%s", match.is_public ? "+" : "",
             flowan_networks_name(networks, match.network));
    return name;
}

static void refused(const char *text, size_t size, flowan_status status,
                    const char *message, uint64_t offset)
{
    flowan_networks *networks = (flowan_networks *)&status;
    flowan_error error;
    ck_assert_int_eq(flowan_networks_parse(&networks, text, size, "n.txt", &error),
                     status);
    ck_assert_ptr_null(networks);
    ck_assert_int_eq(error.status, status);
    ck_assert_msg(strstr(error.message, message), "%s", error.message);
    ck_assert_uint_eq(error.offset, offset);
    ck_assert_int_eq(flowan_networks_parse(&networks, text, size, "n.txt", NULL),
                     status);
}

START_TEST(defaults)
{
    flowan_networks *networks = NULL;
    ck_assert_int_eq(flowan_networks_new(&networks, NULL), FLOWAN_OK);
    ck_assert_uint_eq(flowan_networks_count(networks), 5);
    ck_assert_str_eq(flowan_networks_name(networks, 0), "10.0.0.0/8");
    ck_assert_str_eq(flowan_networks_prefixes(networks, 4), "fc00::/7");
    ck_assert_ptr_null(flowan_networks_name(networks, 5));
    ck_assert_ptr_null(flowan_networks_prefixes(networks, UINT32_MAX));
    static const char *const places[][2] = {
        {"9.255.255.255", "-"},
        {"10.0.0.0", "10.0.0.0/8"},
        {"10.255.255.255", "10.0.0.0/8"},
        {"11.0.0.0", "-"},
        {"100.63.255.255", "-"},
        {"100.64.0.0", "100.64.0.0/10"},
        {"100.127.255.255", "100.64.0.0/10"},
        {"100.128.0.0", "-"},
        {"172.15.255.255", "-"},
        {"172.16.0.0", "172.16.0.0/12"},
        {"172.31.255.255", "172.16.0.0/12"},
        {"172.32.0.0", "-"},
        {"192.167.255.255", "-"},
        {"192.168.255.255", "192.168.0.0/16"},
        {"192.169.0.0", "-"},
        {"::ffff:10.1.2.3", "10.0.0.0/8"},
        {"::", "-"},
        {"::a00:1", "-"},
        {"fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "-"},
        {"fc00::", "fc00::/7"},
        {"fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fc00::/7"},
        {"fe00::", "-"},
        {"0.0.0.0", "-"},
        {"255.255.255.255", "-"},
    };
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        ck_assert_str_eq(place(networks, places[i][0]), places[i][1]);
    flowan_networks_free(networks);
    flowan_networks_free(NULL);
}
END_TEST

START_TEST(names_and_tags)
{
    flowan_networks *networks =
        table_of("\xef\xbb\xbf# our networks\r\n"
                 "\r\n"
                 "  \t \n"
                 "10.8.0.0/16 office site=north # the old house\r\n"
                 "\t203.0.113.0/24\tpool\tsite= role=public\n"
                 "2001:DB8:0::/32 office role=publicity\n"
                 "198.51.100.7\n"
                 "192.0.2.0/24 role=public\n"
                 "10.8.3.0/24 office role=public\n"
                 "198.51.100.8 #office\n"
                 "198.51.100.9 off#ice\n"
                 "2001:db8:1::1 b\xc3\xbcro");
    static const char *const wanted[][2] = {
        {"office", "10.8.0.0/16 2001:db8::/32 10.8.3.0/24"},
        {"pool", "203.0.113.0/24"},
        {"198.51.100.7/32", "198.51.100.7/32"},
        {"192.0.2.0/24", "192.0.2.0/24"},
        {"198.51.100.8/32", "198.51.100.8/32"},
        {"off#ice", "198.51.100.9/32"},
        {"b\xc3\xbcro", "2001:db8:1::1/128"},
    };
    ck_assert_uint_eq(flowan_networks_count(networks), 7);
    for (uint32_t i = 0; i < 7; i++) {
        ck_assert_str_eq(flowan_networks_name(networks, i), wanted[i][0]);
        ck_assert_str_eq(flowan_networks_prefixes(networks, i), wanted[i][1]);
    }
    ck_assert_str_eq(place(networks, "10.8.2.255"), "office");
    ck_assert_str_eq(place(networks, "10.8.3.0"), "+office");
    ck_assert_str_eq(place(networks, "10.8.4.0"), "office");
    ck_assert_str_eq(place(networks, "203.0.113.9"), "+pool");
    ck_assert_str_eq(place(networks, "192.0.2.1"), "+192.0.2.0/24");
    ck_assert_str_eq(place(networks, "2001:db8:1::1"), "b\xc3\xbcro");
    ck_assert_str_eq(place(networks, "2001:db8:1::2"), "office");
    ck_assert_str_eq(place(networks, "198.51.100.10"), "-");
    flowan_address address = address_of("10.8.0.1");
    ck_assert(flowan_networks_find(networks, &address, NULL));
    flowan_network_match match = {77, true};
    address = address_of("8.8.8.8");
    ck_assert(!flowan_networks_find(networks, &address, &match));
    ck_assert(match.network == 77 && match.is_public);
    flowan_networks_free(networks);
}
END_TEST

START_TEST(whole_spaces)
{
    flowan_networks *networks = table_of("::/0 six\n");
    ck_assert_str_eq(place(networks, "::"), "six");
    ck_assert_str_eq(place(networks, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), "six");
    ck_assert_str_eq(place(networks, "::fffe:ffff:ffff"), "six");
    ck_assert_str_eq(place(networks, "10.0.0.1"), "-");
    flowan_networks_free(networks);

    networks = table_of("0.0.0.0/0 four\n255.255.255.255 last\n0.0.0.0 first\n");
    ck_assert_str_eq(place(networks, "0.0.0.0"), "first");
    ck_assert_str_eq(place(networks, "0.0.0.1"), "four");
    ck_assert_str_eq(place(networks, "255.255.255.254"), "four");
    ck_assert_str_eq(place(networks, "255.255.255.255"), "last");
    ck_assert_str_eq(place(networks, "::1:0:0:0"), "-");
    ck_assert_str_eq(place(networks, "::"), "-");
    flowan_networks_free(networks);

    networks = table_of("::ffff:0:0/96\n::ffff:10.8.0.0/112 eight\n"
                        "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff end\n:: begin\n");
    ck_assert_str_eq(place(networks, "1.2.3.4"), "0.0.0.0/0");
    ck_assert_str_eq(place(networks, "10.8.255.1"), "eight");
    ck_assert_str_eq(flowan_networks_prefixes(networks, 1), "10.8.0.0/16");
    ck_assert_str_eq(place(networks, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), "end");
    ck_assert_str_eq(place(networks, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe"), "-");
    ck_assert_str_eq(place(networks, "::"), "begin");
    ck_assert_str_eq(place(networks, "::1"), "-");
    flowan_networks_free(networks);
}
END_TEST

START_TEST(empty)
{
    static const char *const texts[] = {"", "\n", "# nothing", "\xef\xbb\xbf",
                                        "\r\n\r"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        flowan_networks *networks = table_of(texts[i]);
        ck_assert_uint_eq(flowan_networks_count(networks), 0);
        ck_assert_ptr_null(flowan_networks_name(networks, 0));
        ck_assert_str_eq(place(networks, "10.0.0.1"), "-");
        ck_assert_str_eq(place(networks, "::1"), "-");
        flowan_networks_free(networks);
    }
    flowan_networks *networks = NULL;
    ck_assert_int_eq(flowan_networks_parse(&networks, NULL, 0, "n", NULL), FLOWAN_OK);
    flowan_networks_free(networks);
}
END_TEST

START_TEST(bad_lines)
{
    static const struct {
        const char *text, *message;
        uint64_t offset;
    } cases[] = {
        {"10.0.0.0/8\n\n 10.8.1.0/16 a", "n.txt:3: \"10.8.1.0/16\"", 13},
        {"10.8.1.0/16", "the network is 10.8.0.0/16", 0},
        {"2001:db8::1/32", "the network is 2001:db8::/32", 0},
        {"0.0.0.1/0", "the network is 0.0.0.0/0", 0},
        {"::ffff:0:0/95", "the network is ::fffe:0:0/95", 0},
        {"10.0.0.0/33", "n.txt:1: \"10.0.0.0/33\" is no", 0},
        {"10.0.0.0/", "is no IPv4", 0},
        {"10.0.0.0/-1", "is no IPv4", 0},
        {"10.0.0/8", "is no IPv4", 0},
        {"2001:db8::/129", "is no IPv4", 0},
        {"office 10.0.0.0/8", "n.txt:1: \"office\" is no", 0},
        {"10.0.0.0/8#office", "is no IPv4", 0},
        {"\xef\xbb\xbfoffice", "n.txt:1: \"office\" is no", 3},
        {"10.0.0.0/8 a b", "n.txt:1: \"b\" is no tag=value", 13},
        {"10.0.0.0/8 a role=public b", "\"b\" is no tag=value", 25},
        {"10.0.0.0/8 a =b", "\"=b\" is no tag=value", 13},
        {"10.0.0.0/8 =b", "\"=b\" is no tag=value", 11},
        {"10.0.0.0/8 a\n10.0.0.0/8 b", "n.txt:2: 10.0.0.0/8 is on line 1 already", 13},
        {"::/32\n1.0.0.0/8\n1.0.0.0/8\n::/32", "n.txt:3: 1.0.0.0/8", 16},
        {"1.0.0.0/8\n2.0.0.0/8\n2.0.0.0/8\n1.0.0.0/8", "n.txt:3: 2.0.0.0/8", 20},
        {"::ffff:10.8.0.0/112\n10.8.0.0/16", "n.txt:2: 10.8.0.0/16 is on line 1", 20},
        {"10.0.0.1\n10.0.0.1/32", "n.txt:2: 10.0.0.1/32", 9},
        {"10.0.0.0/8 a\rb", "n.txt:1: control byte 0x0d", 12},
        {"10.0.0.0/8 a # \x1b[2J", "control byte 0x1b", 15},
        {"10.0.0.0/8 \x7f", "control byte 0x7f", 11},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        refused(cases[i].text, strlen(cases[i].text), FLOWAN_ERROR_FORMAT,
                cases[i].message, cases[i].offset);
    refused("10.0.0.0/8\0a", 12, FLOWAN_ERROR_FORMAT, "control byte 0x00", 10);
}
END_TEST

START_TEST(limits)
{
    fl_buffer text = {0};
    fl_buffer_text(&text, "10.0.0.0/8 ");
    while (text.size < 4096)
        fl_buffer_byte(&text, 'a');
    fl_buffer_text(&text, "\r\n");
    flowan_networks *networks = NULL;
    ck_assert_int_eq(flowan_networks_parse(&networks, text.data, text.size, "n", NULL),
                     FLOWAN_OK);
    ck_assert_uint_eq(strlen(flowan_networks_name(networks, 0)), 4096 - 11);
    flowan_networks_free(networks);
    text.size = 4096;
    fl_buffer_byte(&text, 'a');
    refused(text.data, text.size, FLOWAN_ERROR_LIMIT, "n.txt:1: line over 4096", 0);

    fl_buffer_clear(&text);
    for (unsigned i = 0; i < 1000000; i++)
        fl_buffer_format(&text, "10.%u.%u.%u n%u\n", i >> 16, i >> 8 & 255, i & 255,
                         i / 10);
    ck_assert_int_eq(flowan_networks_parse(&networks, text.data, text.size, "n", NULL),
                     FLOWAN_OK);
    ck_assert_uint_eq(flowan_networks_count(networks), 100000);
    ck_assert_str_eq(place(networks, "10.15.66.63"), "n99999");
    ck_assert_str_eq(place(networks, "10.15.66.64"), "-");
    ck_assert_str_eq(place(networks, "10.0.0.0"), "n0");
    flowan_networks_free(networks);
    uint64_t end = text.size;
    fl_buffer_text(&text, "11.0.0.0");
    refused(text.data, text.size, FLOWAN_ERROR_LIMIT, "more than 1000000 prefixes",
            end);

    fl_buffer_clear(&text);
    while (text.size < (size_t)64 << 20)
        fl_buffer_text(&text, "#234567\n");
    ck_assert_int_eq(flowan_networks_parse(&networks, text.data, text.size, "n", NULL),
                     FLOWAN_OK);
    flowan_networks_free(networks);
    fl_buffer_byte(&text, '\n');
    refused(text.data, text.size, FLOWAN_ERROR_LIMIT, "n.txt is larger than 64 MiB",
            UINT64_MAX);
    fl_buffer_free(&text);
}
END_TEST

START_TEST(files)
{
    flowan_networks *networks;
    flowan_error error;
    ck_assert_int_eq(flowan_networks_load(&networks, "/nowhere/n.txt", &error),
                     FLOWAN_ERROR_NOT_FOUND);
    ck_assert_ptr_null(networks);
    ck_assert(strstr(error.message, "/nowhere/n.txt"));
    ck_assert_int_eq(flowan_networks_load(&networks, "/", &error), FLOWAN_ERROR_IO);

    char path[] = "/tmp/flowan-networks-XXXXXX";
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    static const char text[] = "10.8.0.0/16 office\n10.8.0.0/99\n";
    ck_assert_int_eq(write(fd, text, sizeof text - 1), sizeof text - 1);
    ck_assert_int_eq(flowan_networks_load(&networks, path, &error),
                     FLOWAN_ERROR_FORMAT);
    ck_assert(strncmp(error.message, path, strlen(path)) == 0);
    ck_assert(strstr(error.message, ":2: "));
    ck_assert_int_eq(ftruncate(fd, 19), 0);
    ck_assert_int_eq(flowan_networks_load(&networks, path, &error), FLOWAN_OK);
    ck_assert_str_eq(place(networks, "10.8.0.1"), "office");
    flowan_networks_free(networks);
    ck_assert_int_eq(ftruncate(fd, ((off_t)64 << 20) + 1), 0);
    ck_assert_int_eq(flowan_networks_load(&networks, path, &error), FLOWAN_ERROR_LIMIT);
    close(fd);
    unlink(path);
}
END_TEST

/* --- against a plain search --- */

static uint64_t random_state;

static uint32_t random_below(uint32_t bound)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((random_state >> 33) % bound);
}

/* Few distinct octets, so that prefixes nest and neighbours meet. */
static flowan_address random_address(bool ipv4)
{
    static const uint8_t octets[] = {0, 0, 1, 127, 128, 254, 255, 255};
    flowan_address address = {{0}};
    if (ipv4)
        address.octet[10] = address.octet[11] = 0xff;
    for (int i = ipv4 ? 12 : 0; i < 16; i++)
        address.octet[i] = octets[random_below(sizeof octets)];
    return address;
}

struct plain {
    flowan_address address;
    unsigned bits;
    uint32_t network;
    bool is_public;
    bool ipv4;
};

static bool plain_holds(const struct plain *prefix, const flowan_address *address)
{
    flowan_address masked = *address;
    fl_text_mask(&masked, prefix->bits);
    return fl_text_is_ipv4(address) == prefix->ipv4 &&
           memcmp(&masked, &prefix->address, sizeof masked) == 0;
}

static void compare(const flowan_networks *networks, const struct plain *prefixes,
                    size_t count, const flowan_address *address)
{
    const struct plain *longest = NULL;
    for (size_t i = 0; i < count; i++)
        if (plain_holds(&prefixes[i], address) &&
            (!longest || prefixes[i].bits > longest->bits))
            longest = &prefixes[i];
    flowan_network_match match;
    bool found = flowan_networks_find(networks, address, &match);
    char text[FL_TEXT_ADDRESS_SIZE + 1];
    text[fl_text_put_address(text, address)] = '\0';
    ck_assert_msg(found == (longest != NULL), "%s", text);
    if (found) {
        char name[16];
        snprintf(name, sizeof name, "n%u", longest->network);
        ck_assert_str_eq(flowan_networks_name(networks, match.network), name);
        ck_assert_msg(match.is_public == longest->is_public, "%s", text);
    }
}

static size_t random_table(struct plain *prefixes, size_t room, fl_buffer *text)
{
    size_t count = 0;
    for (size_t i = 0; i < room; i++) {
        struct plain p = {.network = random_below(20),
                          .is_public = random_below(4) == 0,
                          .ipv4 = random_below(2) == 0};
        p.address = random_address(p.ipv4);
        p.bits = p.ipv4 ? 96 + random_below(33) : random_below(129);
        fl_text_mask(&p.address, p.bits);
        if (fl_text_is_ipv4(&p.address) != p.ipv4)
            continue;
        bool again = false;
        for (size_t j = 0; j < count; j++)
            again = again || (prefixes[j].bits == p.bits &&
                              memcmp(&prefixes[j].address, &p.address, 16) == 0);
        if (again)
            continue;
        prefixes[count++] = p;
        char address[FL_TEXT_ADDRESS_SIZE + 1];
        address[fl_text_put_address(address, &p.address)] = '\0';
        fl_buffer_format(text, "%s/%u n%u%s\n", address, p.ipv4 ? p.bits - 96 : p.bits,
                         p.network, p.is_public ? " role=public" : "");
    }
    return count;
}

/* The addresses just before, at the start, at the end of and behind a prefix. */
static void compare_edges(const flowan_networks *networks, const struct plain *prefixes,
                          size_t count, const struct plain *prefix)
{
    flowan_address first = prefix->address, last = prefix->address;
    for (unsigned bit = prefix->bits; bit < 128; bit++)
        last.octet[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
    compare(networks, prefixes, count, &first);
    compare(networks, prefixes, count, &last);
    for (int i = 15; i >= 0 && first.octet[i]-- == 0; i--)
        ;
    for (int i = 15; i >= 0 && ++last.octet[i] == 0; i--)
        ;
    compare(networks, prefixes, count, &first);
    compare(networks, prefixes, count, &last);
}

START_TEST(brute_force)
{
    random_state = 20250315;
    enum { ROOM = 300 };
    struct plain *prefixes = fl_memory_alloc(ROOM, sizeof *prefixes);
    for (int round = 0; round < 40; round++) {
        fl_buffer text = {0};
        size_t count = random_table(prefixes, 1 + random_below(ROOM), &text);
        flowan_networks *networks = NULL;
        flowan_error error;
        flowan_status status =
            flowan_networks_parse(&networks, text.data, text.size, "n", &error);
        ck_assert_msg(status == FLOWAN_OK, "%s", error.message);
        for (size_t i = 0; i < count; i++)
            compare_edges(networks, prefixes, count, &prefixes[i]);
        for (int i = 0; i < 2000; i++) {
            flowan_address address = random_address(random_below(2) == 0);
            compare(networks, prefixes, count, &address);
        }
        flowan_networks_free(networks);
        fl_buffer_free(&text);
    }
    fl_memory_free(prefixes);
}
END_TEST

static Suite *suite_of(void)
{
    Suite *suite = suite_create("networks");
    TCase *cases = tcase_create("networks");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, defaults);
    tcase_add_test(cases, names_and_tags);
    tcase_add_test(cases, whole_spaces);
    tcase_add_test(cases, empty);
    tcase_add_test(cases, bad_lines);
    tcase_add_test(cases, limits);
    tcase_add_test(cases, files);
    tcase_add_test(cases, brute_force);
    suite_add_tcase(suite, cases);
    return suite;
}

FL_UNIT_MAIN(suite_of)
