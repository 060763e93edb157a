/* Conversions of single values. The vectors of the put functions were printed by Go's
 * netip and time packages; the readers of addresses are compared with inet_pton. */
#include "unit.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "flowan/notation.h"
#include "text.h"

#define SIGN (UINT64_C(1) << 63)
#define SECOND UINT64_C(1000000000)
#define HOUR (3600 * SECOND)
#define DAY (24 * HOUR)

/* ck_assert leaves a mark for every call, which is too slow for the long loops. */
#define EXPECT(condition, text)                                                        \
    do {                                                                               \
        if (!(condition))                                                              \
            ck_abort_msg("%s: %s", #condition, text);                                  \
    } while (0)

/* Texts are given to the library in a block of just their size, and what it writes goes
 * to a block of just the promised room, so that a sanitizer sees a step beyond. */
static char *exact(const char *text, size_t size)
{
    char *copy = malloc(size ? size : 1);
    EXPECT(copy, "no memory");
    memcpy(copy, text, size);
    return copy;
}

#define GETTER(name, type)                                                             \
    static bool name(const char *text, type *out)                                      \
    {                                                                                  \
        size_t size = strlen(text);                                                    \
        char *copy = exact(text, size);                                                \
        bool got = fl_text_##name(copy, size, out);                                    \
        free(copy);                                                                    \
        return got;                                                                    \
    }

GETTER(get_ipv4, flowan_address)
GETTER(get_ipv6, flowan_address)
GETTER(get_address, flowan_address)
GETTER(get_hex, flowan_address)
GETTER(get_mac, uint64_t)
GETTER(get_time, uint64_t)
GETTER(get_duration, uint64_t)

static bool get_u64(const char *text, uint64_t max, uint64_t *out)
{
    size_t size = strlen(text);
    char *copy = exact(text, size);
    bool got = fl_text_get_u64(copy, size, max, out);
    free(copy);
    return got;
}

static bool get_user_time(const char *text, uint64_t now, uint64_t *out)
{
    size_t size = strlen(text);
    char *copy = exact(text, size);
    bool got = fl_text_get_user_time(copy, size, now, out);
    free(copy);
    return got;
}

static bool get_prefix(const char *text, flowan_address *out, unsigned *bits)
{
    size_t size = strlen(text);
    char *copy = exact(text, size);
    bool got = fl_text_get_prefix(copy, size, out, bits);
    free(copy);
    return got;
}

#define PUTTER(name, type, room)                                                       \
    static const char *name(type value)                                                \
    {                                                                                  \
        static char text[(room) + 1];                                                  \
        char *out = malloc(room);                                                      \
        EXPECT(out, "no memory");                                                      \
        size_t size = fl_text_##name(out, value);                                      \
        EXPECT(size <= (room), "too long");                                            \
        memcpy(text, out, size);                                                       \
        text[size] = '\0';                                                             \
        free(out);                                                                     \
        return text;                                                                   \
    }

PUTTER(put_u64, uint64_t, FL_TEXT_U64_SIZE)
PUTTER(put_mac, uint64_t, FL_TEXT_MAC_SIZE)
PUTTER(put_time, uint64_t, FL_TEXT_TIME_SIZE)
PUTTER(put_ipv6, const flowan_address *, FL_TEXT_ADDRESS_SIZE)
PUTTER(put_address, const flowan_address *, FL_TEXT_ADDRESS_SIZE)

static flowan_address address_of(const char *hex)
{
    flowan_address address;
    memset(&address, 0xa5, sizeof address);
    ck_assert_msg(get_hex(hex, &address), "%s", hex);
    return address;
}

static uint64_t random_state;

/* xorshift64*: the same numbers on every machine. */
static uint64_t random_u64(void)
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return random_state * UINT64_C(2685821657736338717);
}

static unsigned random_below(unsigned bound)
{
    return (unsigned)(random_u64() >> 33) % bound;
}

static void seed(void)
{
    random_state = UINT64_C(0x9e3779b97f4a7c15);
}

/* --- numbers --- */

START_TEST(u64_put)
{
    ck_assert_str_eq(put_u64(0), "0");
    ck_assert_str_eq(put_u64(9), "9");
    ck_assert_str_eq(put_u64(10), "10");
    ck_assert_str_eq(put_u64(99), "99");
    ck_assert_str_eq(put_u64(100), "100");
    ck_assert_str_eq(put_u64(1000000), "1000000");
    ck_assert_str_eq(put_u64(INT64_MAX), "9223372036854775807");
    ck_assert_str_eq(put_u64(UINT64_MAX), "18446744073709551615");
}
END_TEST

START_TEST(u64_both_ways)
{
    seed();
    for (unsigned i = 0; i < 100000; i++) {
        uint64_t value = random_u64() >> random_below(64);
        char expected[32];
        snprintf(expected, sizeof expected, "%llu", (unsigned long long)value);
        EXPECT(strcmp(put_u64(value), expected) == 0, expected);
        uint64_t got;
        EXPECT(get_u64(expected, value, &got) && got == value, expected);
        EXPECT(value == 0 || !get_u64(expected, value - 1, &got), expected);
    }
}
END_TEST

/* Where a digit is added, and where zeros follow a digit inside. */
START_TEST(u64_at_powers_of_ten)
{
    uint64_t power = 1;
    for (unsigned digits = 1; digits <= 20; digits++) {
        for (uint64_t times = 1; times < 10 && power <= UINT64_MAX / times; times++)
            for (int near = -1; near <= 1; near++) {
                uint64_t value = power * times + (uint64_t)(int64_t)near;
                char expected[32];
                snprintf(expected, sizeof expected, "%llu", (unsigned long long)value);
                EXPECT(strcmp(put_u64(value), expected) == 0, expected);
            }
        power = power <= UINT64_MAX / 10 ? power * 10 : UINT64_MAX;
    }
}
END_TEST

START_TEST(u64_halves)
{
    for (uint32_t half = 0; half < 10000; half++) {
        char expected[32];
        char got[8];
        snprintf(expected, sizeof expected, "%04u%04u", half, 9999 - half);
        fl_text_put_digits(got, half * 10000 + 9999 - half);
        EXPECT(memcmp(got, expected, 8) == 0, expected);
    }
}
END_TEST

START_TEST(u64_get_edges)
{
    uint64_t got;
    ck_assert(get_u64("0", 0, &got) && got == 0);
    ck_assert(get_u64("255", 255, &got) && got == 255);
    ck_assert(get_u64("18446744073709551615", UINT64_MAX, &got) && got == UINT64_MAX);
    ck_assert(get_u64("9999999999999999999", UINT64_MAX, &got));
    ck_assert(got == UINT64_C(9999999999999999999));
    static const char *const refused[] = {
        "",
        "00",
        "01",
        "-1",
        "+1",
        " 1",
        "1 ",
        "1.0",
        "1e3",
        "a",
        "0x1",
        "/",
        ":",
        "18446744073709551616",
        "18446744073709551620",
        "18446744073709551700",
        "18446744073709551a15",
        "1844674407370955161:",
        "20000000000000000000",
        "99999999999999999999",
        "100000000000000000000",
    };
    got = 77;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        ck_assert_msg(!get_u64(refused[i], UINT64_MAX, &got), "%s", refused[i]);
    ck_assert(!get_u64("256", 255, &got));
    ck_assert(!fl_text_get_u64("1\0", 2, 100, &got));
    ck_assert(!fl_text_get_u64("1\xb2", 2, 100, &got));
    ck_assert_msg(got == 77, "a failure leaves *out alone");
    ck_assert(fl_text_get_u64("12345", 3, 1000, &got) && got == 123);
}
END_TEST

/* --- addresses --- */

static const struct {
    const char *hex;
    const char *text;
} go_addresses[] = {
    {"00000000000000000000000000000000", "::"},
    {"00000000000000000000000000000001", "::1"},
    {"00010000000000000000000000000000", "1::"},
    {"00000001000000000000000000000000", "0:1::"},
    {"00000000000000000000000000010000", "::1:0"},
    {"00000000000000000000000001020304", "::102:304"},
    {"00000000000000000000ffffc0000209", "::ffff:192.0.2.9"},
    {"00000000000000000000ffff00000000", "::ffff:0.0.0.0"},
    {"00000000000000000000ffffffffffff", "::ffff:255.255.255.255"},
    {"00000000000000000000fffe01020304", "::fffe:102:304"},
    {"0000000000000000ffff000001020304", "::ffff:0:102:304"},
    {"00000000000000000001ffff01020304", "::1:ffff:102:304"},
    {"0064ff9b0000000000000000c0000221", "64:ff9b::c000:221"},
    {"20010db8000000010001000100010001", "2001:db8:0:1:1:1:1:1"},
    {"00000001000200030004000500060007", "0:1:2:3:4:5:6:7"},
    {"00010002000300040005000600070000", "1:2:3:4:5:6:7:0"},
    {"00000000000200030004000500060007", "::2:3:4:5:6:7"},
    {"00010002000300040005000600000000", "1:2:3:4:5:6::"},
    {"20010db8000000000001000000000001", "2001:db8::1:0:0:1"},
    {"20010000000000010000000000000001", "2001:0:0:1::1"},
    {"20010000000000000001000000000000", "2001::1:0:0:0"},
    {"ffff000000000000ffffffff00000000", "ffff::ffff:ffff:0:0"},
    {"0000000000e20000009833e600000000", "::e2:0:98:33e6:0:0"},
    {"fe80000000000000296a81317766b3dd", "fe80::296a:8131:7766:b3dd"},
    {"00010010010010000fff0f0fabcdef01", "1:10:100:1000:fff:f0f:abcd:ef01"},
    {"ffffffffffffffffffffffffffffffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
};

START_TEST(ipv6_as_go_prints_it)
{
    for (size_t i = 0; i < sizeof go_addresses / sizeof *go_addresses; i++) {
        flowan_address address = address_of(go_addresses[i].hex);
        ck_assert_str_eq(put_ipv6(&address), go_addresses[i].text);
        flowan_address got;
        ck_assert_msg(get_ipv6(go_addresses[i].text, &got), "%s", go_addresses[i].text);
        ck_assert_mem_eq(&got, &address, sizeof got);
        ck_assert(get_address(go_addresses[i].text, &got));
        ck_assert_mem_eq(&got, &address, sizeof got);
    }
}
END_TEST

START_TEST(address_folds_mapped)
{
    flowan_address address = address_of("c0000209");
    ck_assert_str_eq(put_address(&address), "192.0.2.9");
    ck_assert(fl_text_is_ipv4(&address));
    address = address_of("00000000000000000000ffffffffffff");
    ck_assert_str_eq(put_address(&address), "255.255.255.255");
    address = address_of("0a630910");
    ck_assert_str_eq(put_address(&address), "10.99.9.16");
    address = address_of("00000000000000000000000000000001");
    ck_assert_str_eq(put_address(&address), "::1");
    ck_assert(!fl_text_is_ipv4(&address));
    address = address_of("01000000000000000000ffff01020304");
    ck_assert(!fl_text_is_ipv4(&address));
}
END_TEST

START_TEST(every_octet)
{
    for (unsigned i = 0; i < 256; i++) {
        flowan_address address = address_of("00000000");
        address.octet[12] = address.octet[15] = (uint8_t)i;
        char expected[32];
        snprintf(expected, sizeof expected, "%u.0.0.%u", i, i);
        ck_assert_str_eq(put_address(&address), expected);
        flowan_address got;
        ck_assert(get_address(expected, &got));
        ck_assert_mem_eq(&got, &address, sizeof got);
    }
}
END_TEST

START_TEST(ipv4_refused)
{
    static const char *const refused[] = {
        "",
        ".",
        "1",
        "1.2.3",
        "1.2.3.",
        ".1.2.3",
        "1.2.3.4.",
        "1.2.3.4.5",
        "1..2.3",
        "256.1.1.1",
        "1.1.1.256",
        "1.2.3.1000",
        "01.2.3.4",
        "1.2.3.04",
        "00.0.0.0",
        "1.2.3.00",
        "1.2.3.4 ",
        " 1.2.3.4",
        "1.2.3.a",
        "1.2.3.-4",
        "1,2,3,4",
        "0x1.2.3.4",
        "1.2.3.4/8",
        "::1",
        "4294967296.1.1.1",
        "1.2.3.99999999999999999",
        "1.2.3.4:80",
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        flowan_address got;
        ck_assert_msg(!get_ipv4(refused[i], &got), "%s", refused[i]);
    }
    flowan_address got;
    ck_assert(!fl_text_get_ipv4("1.2.3.4\0", 8, &got));
    ck_assert(fl_text_get_ipv4("1.2.3.45", 7, &got) && got.octet[15] == 4);
}
END_TEST

START_TEST(ipv6_accepted)
{
    static const struct {
        const char *text;
        const char *hex;
    } accepted[] = {
        {"0:0:0:0:0:0:0:0", "00000000000000000000000000000000"},
        {"2001:DB8::aBcD", "20010db800000000000000000000abcd"},
        {"0001:0002:0003:0004:0005:0006:0007:0008", "00010002000300040005000600070008"},
        {"1:2:3:4:5:6:7::", "00010002000300040005000600070000"},
        {"::2:3:4:5:6:7:8", "00000002000300040005000600070008"},
        {"1::3:4:5:6:7:8", "00010000000300040005000600070008"},
        {"::1.2.3.4", "00000000000000000000000001020304"},
        {"::ffff:1.2.3.4", "00000000000000000000ffff01020304"},
        {"0:0:0:0:0:ffff:1.2.3.4", "00000000000000000000ffff01020304"},
        {"1:2:3:4:5:6:1.2.3.4", "00010002000300040005000601020304"},
        {"1:2:3:4:5::1.2.3.4", "00010002000300040005000001020304"},
        {"64:ff9b::192.0.2.33", "0064ff9b0000000000000000c0000221"},
        {"ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255",
         "ffffffffffffffffffffffffffffffff"},
    };
    for (size_t i = 0; i < sizeof accepted / sizeof *accepted; i++) {
        flowan_address got;
        ck_assert_msg(get_ipv6(accepted[i].text, &got), "%s", accepted[i].text);
        flowan_address expected = address_of(accepted[i].hex);
        ck_assert_mem_eq(&got, &expected, sizeof got);
    }
}
END_TEST

START_TEST(ipv6_refused)
{
    static const char *const refused[] = {
        "",
        ":",
        ":::",
        "::::",
        "1",
        "1:",
        ":1",
        "1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7:",
        ":1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7:8:",
        "1:2:3:4:5:6:7:8:9",
        "1:2:3:4:5:6:7:8::",
        "::1:2:3:4:5:6:7:8",
        "1:2:3:4::5:6:7:8",
        "1::2::3",
        "::1::",
        "1:::2",
        "12345::",
        "00001::",
        "::g",
        "::1%eth0",
        "::1%",
        "::1/64",
        "[::1]",
        "::1 ",
        " ::1",
        "1.2.3.4",
        "::1.2.3",
        "::1.2.3.256",
        "::01.2.3.4",
        "::1.2.3.4:5",
        "::1.2.3.4::",
        "1.2.3.4::",
        "1:2:3:4:5:6:7:1.2.3.4",
        "1:2:3:4:5:6::1.2.3.4",
        "1:2:3:1.2.3.4",
        "::a.2.3.4",
        "::-1",
        "invalid Prefix",
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        flowan_address got;
        ck_assert_msg(!get_ipv6(refused[i], &got), "%s", refused[i]);
        if (strcmp(refused[i], "1.2.3.4") != 0)
            ck_assert_msg(!get_address(refused[i], &got), "%s", refused[i]);
    }
    flowan_address got;
    ck_assert(!fl_text_get_ipv6("::1\0", 4, &got));
    ck_assert(!fl_text_get_ipv6("::\xff", 3, &got));
    ck_assert(!fl_text_get_address(NULL, 0, &got));
}
END_TEST

/* What inet_pton takes we take, with the same result, and the reverse. */
static bool agrees_with_libc(const char *text)
{
    flowan_address expected = {{0}};
    bool four = inet_pton(AF_INET, text, expected.octet + 12) == 1;
    if (four)
        expected.octet[10] = expected.octet[11] = 0xff;
    bool six = !four && inet_pton(AF_INET6, text, expected.octet) == 1;
    flowan_address got = {{0}};
    EXPECT(get_ipv4(text, &got) == four, text);
    EXPECT(get_ipv6(text, &got) == six, text);
    EXPECT(get_address(text, &got) == (four || six), text);
    EXPECT(!(four || six) || memcmp(&got, &expected, sizeof got) == 0, text);
    return four || six;
}

START_TEST(random_text_as_libc_reads_it)
{
    static const char alphabet[] = "0012345678fFaA::::....gx- ";
    unsigned accepted = 0;
    seed();
    for (unsigned i = 0; i < 300000; i++) {
        char text[48];
        size_t size = random_below(24);
        for (size_t j = 0; j < size; j++)
            text[j] = alphabet[random_below(sizeof alphabet - 1)];
        text[size] = '\0';
        accepted += agrees_with_libc(text);
    }
    ck_assert_uint_gt(accepted, 100);
}
END_TEST

/* Random tokens find the accepted texts that random characters hardly ever are. */
START_TEST(random_groups_as_libc_reads_them)
{
    static const char *const token[] = {
        "0",   "1", "ffff",    "00ab",        "12345",
        "::",  ":", "1.2.3.4", "255.0.0.255", "01.2.3.4",
        "256", ".", "10",      "2001:db8",    "0:0:0",
    };
    unsigned accepted = 0;
    seed();
    for (unsigned i = 0; i < 300000; i++) {
        char text[256] = "";
        unsigned count = 1 + random_below(10);
        unsigned joint = random_below(4);
        for (unsigned j = 0; j < count; j++) {
            const char *between = j == 0 || !joint ? "" : joint == 1 ? "." : ":";
            const char *next = token[random_below(joint ? 6 + random_below(10) : 15)];
            size_t size = strlen(text);
            snprintf(text + size, sizeof text - size, "%s%s", between, next);
        }
        accepted += agrees_with_libc(text);
    }
    ck_assert_uint_gt(accepted, 1000);
}
END_TEST

/* Canonical texts with one byte changed, added or taken away. */
START_TEST(mutated_text_as_libc_reads_it)
{
    static const char alphabet[] = "0123456789abcdefABCDEF:./%gG-+ \x7f\xff";
    unsigned accepted = 0;
    seed();
    for (unsigned i = 0; i < 200000; i++) {
        flowan_address address;
        uint64_t keep = random_u64();
        for (unsigned j = 0; j < 16; j++)
            address.octet[j] = keep >> (j / 2) & 1 ? (uint8_t)random_u64() : 0;
        if (i % 3 == 0)
            memcpy(address.octet, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12);
        char text[64];
        snprintf(text, sizeof text, "%s",
                 i % 2 ? put_address(&address) : put_ipv6(&address));
        EXPECT(agrees_with_libc(text), text);
        size_t size = strlen(text);
        size_t at = random_below((unsigned)size);
        char byte = alphabet[random_below(sizeof alphabet - 1)];
        switch (random_below(3)) {
        case 0: text[at] = byte; break;
        case 1: memmove(text + at, text + at + 1, size - at); break;
        default: memmove(text + at + 1, text + at, size - at + 1); text[at] = byte;
        }
        accepted += agrees_with_libc(text);
    }
    ck_assert_uint_gt(accepted, 10000);
}
END_TEST

START_TEST(ipv6_as_libc_prints_it)
{
    /* libc prints as Go does but for ::a.b.c.d, which stays dotted there: the first
     * octet is kept from zero. */
    seed();
    for (unsigned i = 0; i < 100000; i++) {
        flowan_address address;
        uint64_t keep = random_u64();
        for (unsigned j = 0; j < 16; j++)
            address.octet[j] = keep >> (j / 2) & 1 ? (uint8_t)random_u64() : 0;
        address.octet[0] |= (uint8_t)(1 + random_below(255));
        char expected[INET6_ADDRSTRLEN];
        inet_ntop(AF_INET6, address.octet, expected, sizeof expected);
        EXPECT(strcmp(put_ipv6(&address), expected) == 0, expected);
    }
}
END_TEST

START_TEST(hex_both_ways)
{
    flowan_address address = address_of("20010DB8000000000000abcdEF0123aF");
    char *out = malloc(32);
    ck_assert_ptr_nonnull(out);
    ck_assert_uint_eq(fl_text_put_hex(out, &address, 16), 32);
    ck_assert_mem_eq(out, "20010db8000000000000abcdef0123af", 32);
    free(out);
    address = address_of("C0000209");
    ck_assert_mem_eq(address.octet, "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\x02\x09", 16);
    out = malloc(8);
    ck_assert_ptr_nonnull(out);
    ck_assert_uint_eq(fl_text_put_hex(out, &address, 4), 8);
    ck_assert_mem_eq(out, "c0000209", 8);
    free(out);
    flowan_address got;
    static const char *const refused[] = {
        "",
        "c000020",
        "c00002099",
        "c000020g",
        "0xc00002",
        "-0000209",
        "c000 209",
        "20010db8000000000000abcdef0123a",
        "20010db8000000000000abcdef0123aff",
        "20010db8000000000000abcdef0123aG",
        "/0000000",
        ":0000000",
        "@0000000",
        "`0000000",
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        ck_assert_msg(!get_hex(refused[i], &got), "%s", refused[i]);
}
END_TEST

START_TEST(mac_both_ways)
{
    ck_assert_str_eq(put_mac(0), "00:00:00:00:00:00");
    ck_assert_str_eq(put_mac(UINT64_C(0x2cc81baccf81)), "2c:c8:1b:ac:cf:81");
    ck_assert_str_eq(put_mac(UINT64_C(0xffffffffffff)), "ff:ff:ff:ff:ff:ff");
    ck_assert_str_eq(put_mac(UINT64_C(0xabcd010203040506)), "01:02:03:04:05:06");
    uint64_t got;
    ck_assert(get_mac("2c:C8:1b:aC:cf:81", &got) && got == UINT64_C(0x2cc81baccf81));
    ck_assert(get_mac("ff:ff:ff:ff:ff:ff", &got) && got == UINT64_C(0xffffffffffff));
    static const char *const refused[] = {
        "",
        "2c:c8:1b:ac:cf:8",
        "2c:c8:1b:ac:cf:811",
        "2c-c8-1b-ac-cf-81",
        "2c:c8:1b:ac:cf-81",
        "2c:c8:1b:ac:cf:8g",
        "2:cc8:1b:ac:cf:81",
        "2cc81baccf81",
        "2cc8.1bac.cf81",
        ":2c:c8:1b:ac:cf:8",
        "2c:c8:1b:ac:cf: 1",
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        ck_assert_msg(!get_mac(refused[i], &got), "%s", refused[i]);
}
END_TEST

/* The vectors of RFC 4648, and bytes with all bits. */
START_TEST(base64)
{
    static const char *const vectors[][2] = {
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
        {"\xff\xfe\xfb", "//77"},
    };
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        size_t size = strlen(vectors[i][0]);
        char *copy = exact(vectors[i][0], size);
        char *out = malloc(FLOWAN_BASE64_TEXT_SIZE(size));
        EXPECT(out, "no memory");
        ck_assert_uint_eq(flowan_base64_format(copy, size, out),
                          FL_TEXT_BASE64_SIZE(size));
        ck_assert_str_eq(out, vectors[i][1]);
        free(out);
        free(copy);
    }
}
END_TEST

/* --- times --- */

static const struct {
    uint64_t ns;
    const char *text;
} go_times[] = {
    {0, "1970-01-01T00:00:00Z"},
    {1, "1970-01-01T00:00:00.000000001Z"},
    {UINT64_MAX, "1969-12-31T23:59:59.999999999Z"},
    {UINT64_MAX - 999999998, "1969-12-31T23:59:59.000000001Z"},
    {UINT64_MAX - 999999999, "1969-12-31T23:59:59Z"},
    {UINT64_MAX - 1000000000, "1969-12-31T23:59:58.999999999Z"},
    {UINT64_C(999999999), "1970-01-01T00:00:00.999999999Z"},
    {SIGN, "1677-09-21T00:12:43.145224192Z"},
    {SIGN - 1, "2262-04-11T23:47:16.854775807Z"},
    {UINT64_C(18446744073708551616), "1969-12-31T23:59:59.999Z"},
    {UINT64_C(11910026054174337472), "1762-11-10T12:59:40.464785856Z"},
    {UINT64_C(1742058651000000000), "2025-03-15T17:10:51Z"},
    {UINT64_C(1795292443496749677), "2026-11-21T20:20:43.496749677Z"},
    {UINT64_C(1405935368127000000), "2014-07-21T09:36:08.127Z"},
    {UINT64_C(951782399999999999), "2000-02-28T23:59:59.999999999Z"},
    {UINT64_C(951782400000000000), "2000-02-29T00:00:00Z"},
    {UINT64_C(951868800000000000), "2000-03-01T00:00:00Z"},
    {UINT64_C(1709164800000000000), "2024-02-29T00:00:00Z"},
    {UINT64_C(4107542399000000000), "2100-02-28T23:59:59Z"},
    {UINT64_C(4107542400000000000), "2100-03-01T00:00:00Z"},
    {UINT64_C(946684799000000000), "1999-12-31T23:59:59Z"},
    {UINT64_C(946684800000000000), "2000-01-01T00:00:00Z"},
    {(uint64_t)-2203891200 * SECOND, "1900-03-01T00:00:00Z"},
    {(uint64_t)-5359651200 * SECOND, "1800-02-28T00:00:00Z"},
    {(uint64_t)-5359564800 * SECOND, "1800-03-01T00:00:00Z"},
};

START_TEST(time_as_go_prints_it)
{
    for (size_t i = 0; i < sizeof go_times / sizeof *go_times; i++) {
        ck_assert_str_eq(put_time(go_times[i].ns), go_times[i].text);
        uint64_t got;
        ck_assert_msg(get_time(go_times[i].text, &got), "%s", go_times[i].text);
        ck_assert_uint_eq(got, go_times[i].ns);
    }
}
END_TEST

START_TEST(fractions_of_every_length)
{
    static const char digits[] = "123456789";
    uint64_t base = UINT64_C(1742058651000000000);
    for (unsigned length = 0; length <= 9; length++) {
        char text[FL_TEXT_TIME_SIZE + 1];
        snprintf(text, sizeof text, "2025-03-15T17:10:51%s%.*sZ", length ? "." : "",
                 (int)length, digits);
        uint64_t unit = 1;
        for (unsigned i = length; i < 9; i++)
            unit *= 10;
        uint64_t ns = base + UINT64_C(123456789) / unit * unit;
        ck_assert_str_eq(put_time(ns), text);
        uint64_t got;
        ck_assert(get_time(text, &got));
        ck_assert_uint_eq(got, ns);
        /* One digit alone at that place. */
        ck_assert(get_time(put_time(base + unit), &got));
        ck_assert_uint_eq(got, base + unit);
    }
    uint64_t got;
    ck_assert(get_time("2025-03-15T17:10:51.100000000Z", &got));
    ck_assert_str_eq(put_time(got), "2025-03-15T17:10:51.1Z");
    ck_assert(get_time("2025-03-15T17:10:51.0Z", &got) && got == base);
}
END_TEST

/* gmtime_r is the judge of every day that 64 bits of ns reach. */
START_TEST(every_day_as_libc_counts_it)
{
    for (int64_t day = -106751; day <= 106751; day++) {
        time_t seconds = (time_t)(day * 86400);
        struct tm tm;
        EXPECT(gmtime_r(&seconds, &tm), "gmtime_r");
        char expected[64];
        strftime(expected, sizeof expected, "%Y-%m-%dT%H:%M:%SZ", &tm);
        uint64_t ns = (uint64_t)seconds * SECOND;
        EXPECT(strcmp(put_time(ns), expected) == 0, expected);
        uint64_t got;
        EXPECT(get_time(expected, &got) && got == ns, expected);
    }
}
END_TEST

START_TEST(random_times_both_ways)
{
    seed();
    for (unsigned i = 0; i < 200000; i++) {
        uint64_t ns = random_u64();
        uint64_t got;
        EXPECT(get_time(put_time(ns), &got) && got == ns, put_time(ns));
    }
}
END_TEST

/* As if each were the first, in whatever order they come. */
START_TEST(times_one_by_one)
{
    static const uint64_t times[] = {
        0,   1,          999999999, SECOND,   SECOND,     SECOND + 1,
        0,   UINT64_MAX, SIGN,      SIGN - 1, SIGN + 1,   SIGN,
        DAY, DAY - 1,    HOUR,      DAY,      0 - SECOND, UINT64_MAX};
    fl_text_second last = {0};
    for (size_t i = 0; i < 2 * sizeof times / sizeof *times; i++) {
        uint64_t ns = times[i % (sizeof times / sizeof *times)];
        char *out = malloc(FL_TEXT_TIME_SIZE);
        size_t size = fl_text_put_next_time(out, ns, &last);
        const char *expected = put_time(ns);
        EXPECT(size == strlen(expected) && memcmp(out, expected, size) == 0, expected);
        free(out);
    }
}
END_TEST

START_TEST(offsets)
{
    uint64_t noon = UINT64_C(1742058651000000000);
    uint64_t got;
    ck_assert(get_time("2025-03-15T18:10:51+01:00", &got) && got == noon);
    ck_assert(get_time("2025-03-15T12:40:51-04:30", &got) && got == noon);
    ck_assert(get_time("2025-03-15T17:10:51-00:00", &got) && got == noon);
    ck_assert(get_time("2025-03-16T17:09:51+23:59", &got) && got == noon);
    ck_assert(get_time("2025-03-14T17:11:51-23:59", &got) && got == noon);
    ck_assert(get_time("2025-03-15T18:10:51.5+01:00", &got));
    ck_assert_uint_eq(got, noon + SECOND / 2);
    /* The offset counts before the limit is looked at. */
    ck_assert(get_time("2262-04-12T00:47:16.854775807+01:00", &got) && got == SIGN - 1);
    ck_assert(!get_time("2262-04-12T00:47:16.854775808+01:00", &got));
    ck_assert(get_time("1677-09-20T23:12:43.145224192-01:00", &got) && got == SIGN);
    ck_assert(!get_time("1677-09-20T23:12:43.145224191-01:00", &got));
    ck_assert(!get_time("2262-04-11T23:47:16-00:01", &got));
}
END_TEST

START_TEST(times_refused)
{
    static const char *const refused[] = {
        "",
        "now",
        "0",
        "1742058651",
        "2025",
        "2025-03-15",
        "2025-03-15T17:10Z",
        "2025-03-15T17:10:51",
        "2025-03-15 17:10:51Z",
        "2025-03-15t17:10:51Z",
        "2025-03-15T17:10:51z",
        "2025-03-15T17:10:51.Z",
        "2025-03-15T17:10:51,5Z",
        "2025-03-15T17:10:51.1234567890Z",
        "2025-03-15T17:10:51.12345678912345678901Z",
        "2025-03-15T17:10:51ZZ",
        "2025-03-15T17:10:51Z ",
        " 2025-03-15T17:10:51Z",
        "2025-03-15T17:10:60Z",
        "2025-03-15T17:60:00Z",
        "2025-03-15T24:00:00Z",
        "2025-00-15T17:10:51Z",
        "2025-13-15T17:10:51Z",
        "2025-03-00T17:10:51Z",
        "2025-03-32T17:10:51Z",
        "2025-04-31T17:10:51Z",
        "2025-02-29T17:10:51Z",
        "2024-02-30T17:10:51Z",
        "1900-02-29T00:00:00Z",
        "1800-02-29T00:00:00Z",
        "2200-02-29T00:00:00Z",
        "2100-02-29T00:00:00Z",
        "2025-06-31T00:00:00Z",
        "2025-09-31T00:00:00Z",
        "2025-11-31T00:00:00Z",
        "2025-3-15T17:10:51Z",
        "02025-03-15T17:10:51Z",
        "-025-03-15T17:10:51Z",
        "2025-03-15T17:10:51+24:00",
        "2025-03-15T17:10:51+01:60",
        "2025-03-15T17:10:51+0100",
        "2025-03-15T17:10:51+01",
        "2025-03-15T17:10:51+",
        "2025-03-15T17:10:51+01:00Z",
        "2025-03-15T17:10:51+-1:00",
        "2025/03/15T17:10:51Z",
        "2025-03-15T17.10.51Z",
        "2025-03-15T17:10:5xZ",
        "1677-09-21T00:12:43.145224191Z",
        "1677-09-21T00:12:42.999999999Z",
        "2262-04-11T23:47:16.854775808Z",
        "2262-04-11T23:47:17Z",
        "1676-12-31T23:59:59Z",
        "2263-01-01T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
    };
    uint64_t got = 77;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        ck_assert_msg(!get_time(refused[i], &got), "%s", refused[i]);
    ck_assert(!fl_text_get_time("2025-03-15T17:10:51Z\0", 21, &got));
    ck_assert_msg(got == 77, "a failure leaves *out alone");
    /* Every cut of a good text. */
    static const char whole[] = "2026-11-21T20:20:43.496749677Z";
    for (size_t size = 0; size < sizeof whole - 1; size++) {
        char *copy = exact(whole, size);
        ck_assert(!fl_text_get_time(copy, size, &got));
        free(copy);
    }
}
END_TEST

START_TEST(user_times)
{
    uint64_t now = UINT64_C(1742058651123456789);
    static const struct {
        const char *text;
        uint64_t ns;
    } accepted[] = {
        {"now", UINT64_C(1742058651123456789)},
        {"-2h", UINT64_C(1742058651123456789) - 2 * HOUR},
        {"-90s", UINT64_C(1742058651123456789) - 90 * SECOND},
        {"-30m", UINT64_C(1742058651123456789) - 30 * 60 * SECOND},
        {"-7d", UINT64_C(1742058651123456789) - 7 * DAY},
        {"-2w", UINT64_C(1742058651123456789) - 14 * DAY},
        {"-250ms", UINT64_C(1742058651123456789) - SECOND / 4},
        {"-0s", UINT64_C(1742058651123456789)},
        {"0", 0},
        {"1742058651", UINT64_C(1742058651) * SECOND},
        {"9223372036", UINT64_C(9223372036) * SECOND},
        {"2025-03-15", UINT64_C(1741996800) * SECOND},
        {"2025-03-15T17:10", UINT64_C(1742058600) * SECOND},
        {"2025-03-15 17:10", UINT64_C(1742058600) * SECOND},
        {"2025-03-15 17:10Z", UINT64_C(1742058600) * SECOND},
        {"2025-03-15 18:10+01:00", UINT64_C(1742058600) * SECOND},
        {"2025-03-15T17:10:51", UINT64_C(1742058651) * SECOND},
        {"2025-03-15 17:10:51.5", UINT64_C(1742058651) * SECOND + SECOND / 2},
        {"2025-03-15T17:10:51Z", UINT64_C(1742058651) * SECOND},
        {"2025-03-15T16:10:51-01:00", UINT64_C(1742058651) * SECOND},
    };
    uint64_t got;
    for (size_t i = 0; i < sizeof accepted / sizeof *accepted; i++) {
        ck_assert_msg(get_user_time(accepted[i].text, now, &got), "%s",
                      accepted[i].text);
        ck_assert_msg(got == accepted[i].ns, "%s", accepted[i].text);
    }
    static const char *const refused[] = {
        "",
        "-",
        "-2",
        "-h",
        "--2h",
        "-2y",
        "-2hh",
        "-2h30m",
        "- 2h",
        "-1.5h",
        "+2h",
        "2h",
        "Now",
        "now ",
        "now-2h",
        "1742058651.5",
        "9223372037",
        "18446744073709551615",
        "2025-03",
        "2025-03-15Z",
        "2025-03-15T",
        "2025-03-15 17",
        "2025-03-15T17Z",
        "2025-03-15T17:1",
        "2025-03-15T17:10:",
        "2025-03-15T17:10:51.",
        "2025-03-15T17:10 ",
        "2025-03-15  17:10",
        "2025-02-29",
        "2263-01-01",
        "1677-09-21",
        "-99999999999999999999d",
        "yesterday",
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        ck_assert_msg(!get_user_time(refused[i], now, &got), "%s", refused[i]);
}
END_TEST

START_TEST(user_times_before_the_first)
{
    uint64_t got;
    ck_assert(get_user_time("-1s", 0, &got) && got == (uint64_t)0 - SECOND);
    ck_assert(get_user_time("-1ms", SIGN + 1000000, &got) && got == SIGN);
    ck_assert(!get_user_time("-1ms", SIGN + 999999, &got));
    ck_assert(!get_user_time("-1ms", SIGN, &got));
    ck_assert(get_user_time("-0ms", SIGN, &got) && got == SIGN);
    ck_assert(get_user_time("-106751d", 0, &got) && got == (uint64_t)-106751 * DAY);
    ck_assert(!get_user_time("-106752d", 0, &got));
}
END_TEST

START_TEST(durations)
{
    static const struct {
        const char *text;
        uint64_t ns;
    } accepted[] = {
        {"90", 90 * SECOND / 1000},
        {"1", 1000000},
        {"500ms", SECOND / 2},
        {"90s", 90 * SECOND},
        {"5m", 300 * SECOND},
        {"1h", HOUR},
        {"1d", DAY},
        {"2w", 14 * DAY},
        {"9223372036s", 9223372036 * SECOND},
        {"9223372036854ms", 9223372036854 * UINT64_C(1000000)},
        {"9223372036854", 9223372036854 * UINT64_C(1000000)},
        {"106751d", 106751 * DAY},
        {"15250w", 15250 * 7 * DAY},
    };
    uint64_t got;
    for (size_t i = 0; i < sizeof accepted / sizeof *accepted; i++) {
        ck_assert_msg(get_duration(accepted[i].text, &got), "%s", accepted[i].text);
        ck_assert_msg(got == accepted[i].ns, "%s", accepted[i].text);
    }
    static const char *const refused[] = {
        "",
        "0",
        "0s",
        "0w",
        "-1s",
        "s",
        "ms",
        "1M",
        "1S",
        "1 s",
        "1s ",
        "1ns",
        "1us",
        "1min",
        "1.5h",
        "05s",
        "1h30m",
        "9223372037s",
        "9223372036855ms",
        "9223372036855",
        "106752d",
        "15251w",
        "18446744073709551615",
        "18446744073709551616w",
        "1\xc2\xb5s",
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        ck_assert_msg(!get_duration(refused[i], &got), "%s", refused[i]);
}
END_TEST

/* --- prefixes --- */

START_TEST(prefixes)
{
    static const struct {
        const char *text;
        const char *hex;
        unsigned bits;
    } accepted[] = {
        {"10.8.0.0/16", "0a080000", 112},
        {"10.8.3.4/16", "0a080304", 112},
        {"0.0.0.0/0", "00000000", 96},
        {"192.0.2.9/32", "c0000209", 128},
        {"192.0.2.9", "c0000209", 128},
        {"::/0", "00000000000000000000000000000000", 0},
        {"2001:db8::/32", "20010db8000000000000000000000000", 32},
        {"2001:db8::1", "20010db8000000000000000000000001", 128},
        {"2001:db8::1/128", "20010db8000000000000000000000001", 128},
        {"::ffff:10.0.0.0/104", "0a000000", 104},
    };
    for (size_t i = 0; i < sizeof accepted / sizeof *accepted; i++) {
        flowan_address got;
        unsigned bits;
        ck_assert_msg(get_prefix(accepted[i].text, &got, &bits), "%s",
                      accepted[i].text);
        flowan_address expected = address_of(accepted[i].hex);
        ck_assert_mem_eq(&got, &expected, sizeof got);
        ck_assert_uint_eq(bits, accepted[i].bits);
    }
    static const char *const refused[] = {
        "",
        "/",
        "/8",
        "10.0.0.0/",
        "10.0.0.0/33",
        "10.0.0.0/08",
        "10.0.0.0/-1",
        "10.0.0.0/8/8",
        "10.0.0.0/255.0.0.0",
        "10/8",
        "10.0.0/8",
        "::/129",
        "::/",
        "::1/1 ",
        " ::/0",
        "invalid Prefix",
        "::%eth0/64",
        "10.0.0.0 /8",
        "10.0.0.0/18446744073709551624",
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        flowan_address got;
        unsigned bits;
        ck_assert_msg(!get_prefix(refused[i], &got, &bits), "%s", refused[i]);
    }
}
END_TEST

START_TEST(mask_every_length)
{
    for (unsigned bits = 0; bits <= 129; bits++) {
        flowan_address address;
        memset(&address, 0xff, sizeof address);
        fl_text_mask(&address, bits);
        for (unsigned i = 0; i < 128; i++)
            EXPECT((address.octet[i / 8] >> (7 - i % 8) & 1) == (i < bits), "a bit");
    }
    flowan_address address = address_of("0a0903ff");
    fl_text_mask(&address, 96 + 13);
    ck_assert_str_eq(put_address(&address), "10.8.0.0");
}
END_TEST

static Suite *suite_of(void)
{
    Suite *suite = suite_create("text");
    TCase *numbers = tcase_create("numbers");
    tcase_add_test(numbers, u64_put);
    tcase_add_test(numbers, u64_both_ways);
    tcase_add_test(numbers, u64_at_powers_of_ten);
    tcase_add_test(numbers, u64_halves);
    tcase_add_test(numbers, u64_get_edges);
    suite_add_tcase(suite, numbers);
    TCase *addresses = tcase_create("addresses");
    tcase_set_timeout(addresses, 60);
    tcase_add_test(addresses, ipv6_as_go_prints_it);
    tcase_add_test(addresses, address_folds_mapped);
    tcase_add_test(addresses, every_octet);
    tcase_add_test(addresses, ipv4_refused);
    tcase_add_test(addresses, ipv6_accepted);
    tcase_add_test(addresses, ipv6_refused);
    tcase_add_test(addresses, random_text_as_libc_reads_it);
    tcase_add_test(addresses, random_groups_as_libc_reads_them);
    tcase_add_test(addresses, mutated_text_as_libc_reads_it);
    tcase_add_test(addresses, ipv6_as_libc_prints_it);
    tcase_add_test(addresses, hex_both_ways);
    tcase_add_test(addresses, mac_both_ways);
    tcase_add_test(addresses, base64);
    suite_add_tcase(suite, addresses);
    TCase *times = tcase_create("times");
    tcase_set_timeout(times, 60);
    tcase_add_test(times, time_as_go_prints_it);
    tcase_add_test(times, fractions_of_every_length);
    tcase_add_test(times, every_day_as_libc_counts_it);
    tcase_add_test(times, random_times_both_ways);
    tcase_add_test(times, times_one_by_one);
    tcase_add_test(times, offsets);
    tcase_add_test(times, times_refused);
    tcase_add_test(times, user_times);
    tcase_add_test(times, user_times_before_the_first);
    tcase_add_test(times, durations);
    suite_add_tcase(suite, times);
    TCase *prefix = tcase_create("prefixes");
    tcase_add_test(prefix, prefixes);
    tcase_add_test(prefix, mask_every_length);
    suite_add_tcase(suite, prefix);
    return suite;
}

FL_UNIT_MAIN(suite_of)
