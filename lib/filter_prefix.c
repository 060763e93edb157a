/* IPv4 is held within IPv6, as ::ffff:0:0/96; here they are two families all the same. */
#include "filter_prefix.h"

#include <string.h>

#include "text.h"

enum { SHORT_SIZE = 16 }; /* the longest of "10.8.0/16" and the like is shorter */

#define MAPPED UINT64_C(0xffff00000000)
#define MAPPED_LAST (MAPPED | UINT32_MAX)

static bool is_ipv4(fl_wide address)
{
    return address.high == 0 && address.low >= MAPPED && address.low <= MAPPED_LAST;
}

/* "10.8/16" as people shorten it. */
static bool get_short(const char *text, size_t size, flowan_address *address,
                      unsigned *bits)
{
    char full[2 * SHORT_SIZE];
    const char *slash = memchr(text, '/', size);
    if (!slash || size > SHORT_SIZE || memchr(text, ':', size))
        return false;
    size_t used = (size_t)(slash - text);
    size_t rest = size - used;
    unsigned dots = 0;
    for (size_t i = 0; i < used; i++)
        dots += text[i] == '.';
    memcpy(full, text, used);
    for (; dots < 3; dots++, used += 2)
        memcpy(full + used, ".0", 2);
    memcpy(full + used, slash, rest);
    return fl_text_get_prefix(full, used + rest, address, bits);
}

bool fl_prefix_get(const char *text, size_t size, fl_wide *low, fl_wide *high)
{
    flowan_address address;
    flowan_address last;
    unsigned bits;
    if (fl_text_get_prefix(text, size, &address, &bits) ||
        get_short(text, size, &address, &bits)) {
        fl_text_mask(&address, bits);
        *low = *high = fl_wide_of(&address);
        if (bits < 64)
            high->high |= UINT64_MAX >> bits;
        if (bits < 128)
            high->low |= bits <= 64 ? UINT64_MAX : UINT64_MAX >> (bits - 64);
        return true;
    }
    const char *sign = size ? memchr(text, '-', size) : NULL;
    if (!sign || !fl_text_get_address(text, (size_t)(sign - text), &address) ||
        !fl_text_get_address(sign + 1, (size_t)(text + size - sign - 1), &last))
        return false;
    *low = fl_wide_of(&address);
    *high = fl_wide_of(&last);
    return is_ipv4(*low) == is_ipv4(*high);
}

bool fl_prefix_add(fl_addresses *set, fl_wide low, fl_wide high)
{
    bool around =
        low.high == 0 && low.low < MAPPED && (high.high > 0 || high.low >= MAPPED);
    if (!around)
        return fl_addresses_add(set, low, high);
    return fl_addresses_add(set, low, (fl_wide){0, MAPPED - 1}) &&
           fl_addresses_add(set, (fl_wide){0, MAPPED_LAST + 1}, high);
}

bool fl_prefix_add_family(fl_addresses *set, bool ipv4)
{
    if (ipv4)
        return fl_prefix_add(set, (fl_wide){0, MAPPED}, (fl_wide){0, MAPPED_LAST});
    return fl_prefix_add(set, (fl_wide){0, 0}, (fl_wide){UINT64_MAX, UINT64_MAX});
}
