/* The kernel in portable C: words of eight bytes. */
#include "fastpath_trie.h"
#include "swar.h"

static inline unsigned common(const char *p, const fl_fast_node *node)
{
#pragma GCC unroll 8
    for (unsigned i = 0; i < FL_FAST_TEXT; i += 8) {
        uint64_t differ = fl_swar_load(p + i) ^ fl_swar_load(node->text + i);
        if (differ)
            return i + fl_swar_first(differ);
        if (i + 8 >= node->reach)
            return i + 8;
    }
    return FL_FAST_TEXT;
}

static inline const char *string_stop(const char *p, const char *end)
{
    for (; p + 8 <= end; p += 8) {
        uint64_t word = fl_swar_load(p);
        uint64_t stop = fl_swar_equal(word, '"') | fl_swar_equal(word, '\\') |
                        fl_swar_below(word, 0x20);
        if (stop)
            return p + fl_swar_first(stop);
    }
    return NULL;
}

#define COMMON common
#define STRING_STOP string_stop
#define SAME(a, b, size) (memcmp(a, b, size) == 0)
#define IPV4(fast, text, out) ((void)(fast), fl_swar_ipv4(text, out))
#define IPV6 fl_swar_ipv6
#define LONG_NUMBER fl_swar_long_number
#include "fastpath_kernel.h"

fl_fastpath_stop fl_fastpath_run_portable(fl_fastpath *fast, const char *data,
                                          size_t size, uint64_t offset, size_t *used)
{
    return run(fast, data, size, offset, used);
}
