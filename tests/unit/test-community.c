/* Community IDs: the reference data of their specification, which the published
 * implementation in Python gives too, and what has none. And the SHA-1 beneath. */
#include "community.h"

#include <stdio.h>
#include <string.h>

#include "sha1.h"
#include "text.h"
#include "unit.h"

/* --- SHA-1 --- */

static const char *digest_of(const void *message, size_t size)
{
    static char text[2 * FL_SHA1_SIZE + 1];
    uint8_t digest[FL_SHA1_SIZE];
    /* in a block of just its size, so that a sanitizer sees a step beyond */
    char *copy = malloc(size ? size : 1);
    ck_assert_ptr_nonnull(copy);
    if (size)
        memcpy(copy, message, size);
    fl_sha1(copy, size, digest);
    free(copy);
    for (size_t i = 0; i < sizeof digest; i++)
        snprintf(text + 2 * i, 3, "%02x", digest[i]);
    return text;
}

/* The tests of RFC 3174, and messages that fill their last block, or nearly. */
START_TEST(sha1)
{
    static const char two[] =
        "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    static const struct {
        size_t size;
        const char *digest;
    } repeated[] = {
        {0, "da39a3ee5e6b4b0d3255bfef95601890afd80709"},
        {55, "c1c8bbdc22796e28c0e15163d20899b65621d65a"},
        {56, "c2db330f6083854c99d4b5bfb6e8f29f201be699"},
        {63, "03f09f5b158a7a8cdad920bddc29b81c18a551f5"},
        {64, "0098ba824b5c16427bd7a1122a5a442a25ec644d"},
        {119, "ee971065aaa017e0632a8ca6c77bb3bf8b1dfc56"},
        {120, "f34c1488385346a55709ba056ddd08280dd4c6d6"},
        {1000000, "34aa973cd4c4daa4f61eeb2bdbad27316534016f"},
    };
    ck_assert_str_eq(digest_of("abc", 3), "a9993e364706816aba3e25717850c26c9cd0d89d");
    ck_assert_str_eq(digest_of(two, sizeof two - 1),
                     "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
    char *letters = malloc(1000000);
    ck_assert_ptr_nonnull(letters);
    memset(letters, 'a', 1000000);
    for (size_t i = 0; i < sizeof repeated / sizeof *repeated; i++)
        ck_assert_str_eq(digest_of(letters, repeated[i].size), repeated[i].digest);
    for (size_t i = 0; i < 640; i++)
        letters[i] = (char)('0' + i % 8);
    ck_assert_str_eq(digest_of(letters, 640),
                     "dea356a2cddd90c7a7ecedc5ebb563934f460452");
    free(letters);
}
END_TEST

/* --- IDs --- */

static flowan_address address(const char *text)
{
    flowan_address out;
    ck_assert_msg(fl_text_get_address(text, strlen(text), &out), "%s", text);
    return out;
}

static const char *id_of(uint32_t proto, const char *src, const char *dst,
                         int64_t src_port, int64_t dst_port)
{
    static char id[FL_COMMUNITY_SIZE + 1];
    flowan_address from = address(src);
    flowan_address to = address(dst);
    fl_community flow = {.src = &from,
                         .dst = &to,
                         .proto = proto,
                         .has_ports = src_port >= 0,
                         .src_port = (uint32_t)src_port,
                         .dst_port = (uint32_t)dst_port};
    size_t size = fl_community_put(id, &flow);
    ck_assert(size == 0 || size == FL_COMMUNITY_SIZE);
    id[size] = 0;
    return id;
}

typedef struct vector {
    uint32_t proto;
    const char *src;
    const char *dst;
    int64_t src_port; /* -1: none */
    int64_t dst_port;
    const char *id;
} vector;

/* The specification's baseline/baseline_deflt.json; of ICMP the type, and the code. */
static const vector vectors[] = {
    {58, "fe80::200:86ff:fe05:80da", "fe80::260:97ff:fe07:69ea", 135, 0,
     "1:dGHyGvjMfljg6Bppwm3bg0LO8TY="},
    {58, "fe80::260:97ff:fe07:69ea", "fe80::200:86ff:fe05:80da", 136, 0,
     "1:dGHyGvjMfljg6Bppwm3bg0LO8TY="},
    {58, "fe80::260:97ff:fe07:69ea", "fe80::200:86ff:fe05:80da", 135, 0,
     "1:zavyT/cezQr1fmImYCwYnMXbgck="},
    {58, "fe80::200:86ff:fe05:80da", "fe80::260:97ff:fe07:69ea", 136, 0,
     "1:zavyT/cezQr1fmImYCwYnMXbgck="},
    {58, "3ffe:501:1800:2345::2", "3ffe:507:0:1:200:86ff:fe05:80da", 3, 0,
     "1:2ObVBgIn28oZvibYZhZMBgh7WdQ="},
    {58, "3ffe:501:410:0:2c0:dfff:fe47:33e", "3ffe:507:0:1:200:86ff:fe05:80da", 1, 4,
     "1:hLZd0XGWojozrvxqE0dWB1iM6R0="},
    {58, "3ffe:507:0:1:200:86ff:fe05:80da", "3ffe:501:0:1001::2", 128, 0,
     "1:+TW+HtLHvV1xnGhV1lv7XoJrqQg="},
    {58, "3ffe:501:0:1001::2", "3ffe:507:0:1:200:86ff:fe05:80da", 129, 0,
     "1:+TW+HtLHvV1xnGhV1lv7XoJrqQg="},
    {58, "fe80::200:86ff:fe05:80da", "ff02::2", 133, 0,
     "1:hO+sN4H+MG5MY/8hIrXPqc4ZQz0="},
    {58, "fe80::260:97ff:fe07:69ea", "ff02::1", 134, 0,
     "1:pkvHqCL88/tg1k4cPigmZXUtL00="},
    {1, "192.168.0.89", "192.168.0.1", 8, 0, "1:X0snYXpgwiv9TZtqg64sgzUn6Dk="},
    {1, "192.168.0.1", "192.168.0.89", 0, 0, "1:X0snYXpgwiv9TZtqg64sgzUn6Dk="},
    {1, "10.0.0.1", "10.0.0.2", 11, 0, "1:YHxtAirCG//0OzkcVAukqKQN9xM="},
    {6, "2001:470:e5bf:dead:4957:2174:e82c:4887", "2607:f8b0:400c:c03::1a", 63943, 25,
     "1:/qFaeAR+gFe1KYjMzVDsMv+wgU4="},
    {132, "192.168.170.8", "192.168.170.56", 7, 7, "1:MP2EtRCAUIZvTw6MxJHLV7N7JDs="},
    {6, "128.232.110.120", "66.35.250.204", 34855, 80, "1:LQU9qZlK+B5F3KDmev6m5PMibrg="},
    {17, "192.168.1.52", "8.8.8.8", 54585, 53, "1:d/FP5EW3wiY1vCndhwleRRKHowQ="},
    {46, "10.1.12.1", "10.1.12.2", -1, -1, "1:KHlLkgoJW7ifUTyTSgyVfkFHzKw="},
};

START_TEST(reference)
{
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        const vector *v = &vectors[i];
        ck_assert_str_eq(id_of(v->proto, v->src, v->dst, v->src_port, v->dst_port),
                         v->id);
        if (v->proto != 1 && v->proto != 58)
            ck_assert_str_eq(id_of(v->proto, v->dst, v->src, v->dst_port, v->src_port),
                             v->id);
    }
}
END_TEST

/* A message and its answer are one flow; what has no answer goes one way. */
START_TEST(icmp)
{
    static const struct {
        uint32_t proto;
        int64_t asks;
        int64_t answers;
    } pairs[] = {{1, 8, 0},      {1, 13, 14},    {1, 15, 16},    {1, 10, 9},
                 {1, 17, 18},    {58, 128, 129}, {58, 130, 131}, {58, 133, 134},
                 {58, 135, 136}, {58, 139, 140}, {58, 144, 145}};
    const char *ends[2][2] = {{"192.0.2.1", "198.51.100.1"},
                              {"2001:db8::1", "2001:db8::2"}};
    char asked[FL_COMMUNITY_SIZE + 1];
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        const char **e = ends[pairs[i].proto == 58];
        strcpy(asked, id_of(pairs[i].proto, e[0], e[1], pairs[i].asks, 0));
        ck_assert_str_eq(asked, id_of(pairs[i].proto, e[1], e[0], pairs[i].answers, 0));
        /* the code has no say */
        ck_assert_str_eq(asked, id_of(pairs[i].proto, e[0], e[1], pairs[i].asks, 9));
        ck_assert_str_ne(asked, id_of(pairs[i].proto, e[1], e[0], pairs[i].asks, 0));
    }
    strcpy(asked, id_of(1, "192.0.2.1", "198.51.100.1", 3, 1));
    ck_assert_str_ne(asked, id_of(1, "192.0.2.1", "198.51.100.1", 3, 3));
    ck_assert_str_eq(id_of(1, "198.51.100.1", "192.0.2.1", 3, 1),
                     "1:FYcGLQoe1FFIdDE1b63AA/5n7ak=");
}
END_TEST

START_TEST(ports)
{
    char id[FL_COMMUNITY_SIZE + 1];
    /* one address: the ports decide */
    strcpy(id, id_of(6, "192.0.2.1", "192.0.2.1", 80, 40000));
    ck_assert_str_eq(id, id_of(6, "192.0.2.1", "192.0.2.1", 40000, 80));
    ck_assert_str_ne(id, id_of(17, "192.0.2.1", "192.0.2.1", 80, 40000));
    /* only where the protocol has them */
    strcpy(id, id_of(50, "192.0.2.1", "192.0.2.2", -1, -1));
    ck_assert_str_eq(id, id_of(50, "192.0.2.1", "192.0.2.2", 70000, 1));
    /* a mapped address is the IPv4 address that it holds */
    strcpy(id, id_of(17, "192.0.2.1", "192.0.2.2", 1, 2));
    ck_assert_str_eq(id, id_of(17, "::ffff:192.0.2.1", "::ffff:192.0.2.2", 1, 2));
    ck_assert_str_ne(id_of(255, "192.0.2.1", "192.0.2.2", 1, 2), "");
    ck_assert_str_ne(id_of(6, "192.0.2.1", "192.0.2.2", 65535, 65535), "");
}
END_TEST

START_TEST(none)
{
    static const uint32_t with_ports[] = {1, 6, 17, 58, 132};
    char id[FL_COMMUNITY_SIZE];
    flowan_address some = address("192.0.2.1");
    for (size_t i = 0; i < sizeof with_ports / sizeof *with_ports; i++) {
        uint32_t proto = with_ports[i];
        ck_assert_str_eq(id_of(proto, "192.0.2.1", "192.0.2.2", -1, -1), "");
        ck_assert_str_eq(id_of(proto, "192.0.2.1", "192.0.2.2", 65536, 1), "");
        ck_assert_str_eq(id_of(proto, "192.0.2.1", "192.0.2.2", 1, 65536), "");
    }
    ck_assert_str_eq(id_of(1, "192.0.2.1", "192.0.2.2", 256, 0), "");
    ck_assert_str_eq(id_of(58, "::1", "::2", 3, 256), "");
    ck_assert_str_eq(id_of(6, "192.0.2.1", "2001:db8::1", 1, 2), "");
    ck_assert_str_eq(id_of(256, "192.0.2.1", "192.0.2.2", 1, 2), "");
    ck_assert_uint_eq(fl_community_put(id, &(fl_community){.src = &some, .proto = 50}),
                      0);
    ck_assert_uint_eq(fl_community_put(id, &(fl_community){.dst = &some, .proto = 50}),
                      0);
}
END_TEST

static Suite *suite_of(void)
{
    Suite *suite = suite_create("community");
    TCase *tests = tcase_create("community");
    tcase_add_test(tests, sha1);
    tcase_add_test(tests, reference);
    tcase_add_test(tests, icmp);
    tcase_add_test(tests, ports);
    tcase_add_test(tests, none);
    suite_add_tcase(suite, tests);
    return suite;
}

FL_UNIT_MAIN(suite_of)
