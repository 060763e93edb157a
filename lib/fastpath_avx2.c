/* The kernel for x86-64 machines with AVX2: 32 bytes at a time where that pays, which is
 * in comparing literals and in finding the end of a string. */
#include "fastpath_trie.h"

#ifdef __x86_64__
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx2,bmi,bmi2"))),                 \
                             apply_to = function)
#else
#pragma GCC target("avx2,bmi,bmi2")
#endif
#include <immintrin.h>

#include "swar.h"

static inline __m256i load(const char *at)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)at);
}

static inline unsigned common(const char *p, const char *text)
{
    unsigned differ =
        ~(unsigned)_mm256_movemask_epi8(_mm256_cmpeq_epi8(load(p), load(text)));
    if (differ)
        return (unsigned)__builtin_ctz(differ);
    differ = ~(unsigned)_mm256_movemask_epi8(
        _mm256_cmpeq_epi8(load(p + 32), load(text + 32)));
    return differ ? 32 + (unsigned)__builtin_ctz(differ) : FL_FAST_TEXT;
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

#define COMMON common
#define STRING_STOP string_stop
#define IPV4 fl_swar_ipv4
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
