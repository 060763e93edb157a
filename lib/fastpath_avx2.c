/* The kernel for x86-64 machines with AVX2: 32 bytes at a time where that pays, which is
 * in comparing literals and in finding the end of a string. */
#include "fastpath_trie.h"

#ifdef __x86_64__
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx2,bmi,bmi2"))),                 \
                             apply_to = function)
#else
#pragma GCC target("avx2,bmi,bmi2,tune=haswell")
#endif
#include <immintrin.h>

#include "swar.h"

static inline __m256i load(const char *at)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)at);
}

static inline unsigned common(const char *p, const fl_fast_node *node)
{
    unsigned differ =
        ~(unsigned)_mm256_movemask_epi8(_mm256_cmpeq_epi8(load(p), load(node->text)));
    if (differ)
        return (unsigned)__builtin_ctz(differ);
    if (node->reach <= 32)
        return 32;
    differ = ~(unsigned)_mm256_movemask_epi8(
        _mm256_cmpeq_epi8(load(p + 32), load(node->text + 32)));
    return differ ? 32 + (unsigned)__builtin_ctz(differ) : FL_FAST_TEXT;
}

/* The last 32 bytes may be looked at twice. */
static inline bool same(const char *a, const char *b, size_t size)
{
    __m256i differ = _mm256_xor_si256(load(a + size - 32), load(b + size - 32));
    for (size_t at = 0; at + 32 <= size; at += 32)
        differ = _mm256_or_si256(differ, _mm256_xor_si256(load(a + at), load(b + at)));
    return _mm256_testz_si256(differ, differ);
}

static inline const char *string_stop(const char *p, const char *end)
{
    __m256i control = _mm256_set1_epi8(0x1f);
    for (; p + 32 <= end; p += 32) {
        __m256i bytes = load(p);
        __m256i stop = _mm256_or_si256(
            _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8('"')),
            _mm256_or_si256(
                _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8('\\')),
                _mm256_cmpeq_epi8(_mm256_max_epu8(bytes, control), control)));
        unsigned mask = (unsigned)_mm256_movemask_epi8(stop);
        if (mask)
            return p + __builtin_ctz(mask);
    }
    return NULL;
}

/* Sixteen digits at once: start and end of a flow have nineteen. */
static inline unsigned long_number(const char *text, uint64_t *value)
{
    __m128i digits = _mm_sub_epi8(_mm_loadu_si128((const __m128i *)(const void *)text),
                                  _mm_set1_epi8('0'));
    __m128i is_digit = _mm_cmpeq_epi8(_mm_min_epu8(digits, _mm_set1_epi8(9)), digits);
    if (_mm_movemask_epi8(is_digit) != 0xffff)
        return fl_swar_long_number(text, value);
    __m128i pairs = _mm_maddubs_epi16(digits, _mm_set1_epi16(10 | 1 << 8));
    __m128i fours = _mm_madd_epi16(pairs, _mm_set1_epi32(100 | 1 << 16));
    fours = _mm_packus_epi32(fours, fours);
    __m128i eights = _mm_madd_epi16(fours, _mm_set1_epi32(10000 | 1 << 16));
    uint64_t both = (uint64_t)_mm_cvtsi128_si64(eights);
    uint64_t sum = (both & 0xffffffff) * 100000000 + (both >> 32);
    uint64_t more;
    unsigned count = fl_swar_digits(text + 16, &more);
    if (count > 4 ||
        (count > 0 && (__builtin_mul_overflow(sum, fl_swar_ten_to[count], &sum) ||
                       __builtin_add_overflow(sum, more, &sum))))
        return 0;
    *value = sum;
    return 16 + count;
}

/* The 81 ways in which the octets of an address can end fall into different slots. */
static inline uint32_t dotted_slot(uint32_t ends)
{
    return ends * UINT32_C(0xe07bdb9f) >> 24;
}

void fl_fastpath_prepare_avx2(fl_fastpath *fast)
{
    for (unsigned pattern = 0; pattern < 81; pattern++) {
        fl_fast_dotted dotted = {.ends = 0};
        memset(dotted.shuffle, 0x80, sizeof dotted.shuffle);
        unsigned at = 0;
        for (unsigned i = 0, rest = pattern; i < 4; i++, rest /= 3) {
            unsigned digits = rest % 3 + 1;
            for (unsigned k = 0; k < digits; k++)
                dotted.shuffle[4 * i + 3 - digits + k] = (uint8_t)(at + k);
            dotted.least[i] = (uint8_t)(digits == 3 ? 100 : digits == 2 ? 10 : 0);
            at += digits;
            dotted.ends = (uint16_t)(dotted.ends | 1U << at);
            at++;
        }
        fast->dotted[dotted_slot(dotted.ends)] = dotted;
    }
}

/* Where the octets end tells how their digits are to be spread; one multiplication then
 * makes all four of them. */
static inline unsigned ipv4(const fl_fastpath *fast, const char *text,
                            flowan_address *out)
{
    __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)text);
    __m128i digits = _mm_sub_epi8(bytes, _mm_set1_epi8('0'));
    __m128i is_digit = _mm_cmpeq_epi8(_mm_min_epu8(digits, _mm_set1_epi8(9)), digits);
    uint32_t stops = ~(uint32_t)_mm_movemask_epi8(is_digit);
    uint32_t dots =
        (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('.')));
    uint32_t three = _blsr_u32(_blsr_u32(_blsr_u32(stops))); /* all but the first 3 */
    uint32_t ends = stops ^ _blsr_u32(three);
    const fl_fast_dotted *dotted = &fast->dotted[dotted_slot(ends)];
    if (dotted->ends != ends || (ends & ~three & ~dots) != 0)
        return 0;
    digits = _mm_shuffle_epi8(
        digits, _mm_loadu_si128((const __m128i *)(const void *)dotted->shuffle));
    __m128i octets = _mm_madd_epi16(
        _mm_maddubs_epi16(digits, _mm_set1_epi32(100 | 10 << 8 | 1 << 16)),
        _mm_set1_epi16(1));
    uint32_t least_bytes;
    memcpy(&least_bytes, dotted->least, sizeof least_bytes);
    __m128i least = _mm_cvtepu8_epi32(_mm_cvtsi32_si128((int)least_bytes));
    __m128i bad = _mm_or_si128(_mm_cmpgt_epi32(octets, _mm_set1_epi32(255)),
                               _mm_cmpgt_epi32(least, octets));
    if (!_mm_testz_si128(bad, bad))
        return 0;
    __m128i mapped =
        _mm_shuffle_epi8(octets, _mm_set_epi8(12, 8, 4, 0, -1, -1, -1, -1, -1, -1, -1,
                                              -1, -1, -1, -1, -1));
    mapped = _mm_or_si128(mapped, _mm_set_epi32(0, (int)0xffff0000, 0, 0));
    _mm_storeu_si128((__m128i *)(void *)out->octet, mapped);
    return 31 - (unsigned)__builtin_clz(ends);
}

static inline uint64_t find40(__m256i low, __m128i high, char byte)
{
    return (uint32_t)_mm256_movemask_epi8(
               _mm256_cmpeq_epi8(low, _mm256_set1_epi8(byte))) |
           (uint64_t)(uint32_t)_mm_movemask_epi8(
               _mm_cmpeq_epi8(high, _mm_set1_epi8(byte)))
               << 32;
}

static inline unsigned ipv6(const char *text, flowan_address *out)
{
    __m256i low = load(text);
    __m128i high = _mm_loadl_epi64((const __m128i *)(const void *)(text + 32));
    uint64_t ends = find40(low, high, '"') | find40(low, high, '/');
    unsigned size = ends ? (unsigned)__builtin_ctzll(ends) : 40;
    return fl_swar_get_ipv6(text, size, find40(low, high, ':'), out) ? size : 0;
}

#define COMMON common
#define STRING_STOP string_stop
#define SAME same
#define IPV4 ipv4
#define IPV6 ipv6
#define LONG_NUMBER long_number
#include "fastpath_kernel.h"

fl_fastpath_stop fl_fastpath_run_avx2(fl_fastpath *fast, const char *data, size_t size,
                                      uint64_t offset, size_t *used)
{
    return run(fast, data, size, offset, used);
}

#ifdef __clang__
#pragma clang attribute pop
#endif
#endif
