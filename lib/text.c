/* Layer 0: addresses, MACs, numbers and prefixes to and from text; times: text_time.c.
 *
 * Owns the conversions of single values. Knows nothing of JSON, of records or of which
 * field has which form, and never asks libc: its conversions obey a locale, want a NUL
 * and are several times slower. A get function leaves *out alone when it fails. */
#include "text.h"

#include <string.h>

#include "bytes.h"

enum { MAPPED_BITS = 96, GROUPS = 8, NO_GAP = 17 };

/* What stands before the four octets of an IPv4-mapped address. */
static const uint8_t mapped_head[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

/* --- characters --- */

/* Octets spelt beforehand, in hex and in decimal with the point that follows: a load is
 * cheaper than divisions, and than branches that depend on the value. */
/* clang-format off */
#define TEN(X, a)                                                                      \
    X(a "0") X(a "1") X(a "2") X(a "3") X(a "4") X(a "5") X(a "6") X(a "7") X(a "8") X(a "9")
#define SIXTEEN(X, a) TEN(X, a) X(a "a") X(a "b") X(a "c") X(a "d") X(a "e") X(a "f")
#define PAIR(text) text
#define DOTTED(text) text ".",

static const char hex_pairs[] =
    SIXTEEN(PAIR, "0") SIXTEEN(PAIR, "1") SIXTEEN(PAIR, "2") SIXTEEN(PAIR, "3")
    SIXTEEN(PAIR, "4") SIXTEEN(PAIR, "5") SIXTEEN(PAIR, "6") SIXTEEN(PAIR, "7")
    SIXTEEN(PAIR, "8") SIXTEEN(PAIR, "9") SIXTEEN(PAIR, "a") SIXTEEN(PAIR, "b")
    SIXTEEN(PAIR, "c") SIXTEEN(PAIR, "d") SIXTEEN(PAIR, "e") SIXTEEN(PAIR, "f");

static const char dotted_octets[256][4] = {
    TEN(DOTTED, "") TEN(DOTTED, "1") TEN(DOTTED, "2") TEN(DOTTED, "3") TEN(DOTTED, "4")
    TEN(DOTTED, "5") TEN(DOTTED, "6") TEN(DOTTED, "7") TEN(DOTTED, "8") TEN(DOTTED, "9")
    TEN(DOTTED, "10") TEN(DOTTED, "11") TEN(DOTTED, "12") TEN(DOTTED, "13")
    TEN(DOTTED, "14") TEN(DOTTED, "15") TEN(DOTTED, "16") TEN(DOTTED, "17")
    TEN(DOTTED, "18") TEN(DOTTED, "19") TEN(DOTTED, "20") TEN(DOTTED, "21")
    TEN(DOTTED, "22") TEN(DOTTED, "23") TEN(DOTTED, "24") DOTTED("250") DOTTED("251")
    DOTTED("252") DOTTED("253") DOTTED("254") DOTTED("255")
};
/* clang-format on */

/* More than 9 when it is none. */
static unsigned digit_of(char c)
{
    return (unsigned)(unsigned char)c - '0';
}

/* More than 15 when it is none. */
static unsigned hex_digit_of(char c)
{
    unsigned digit = digit_of(c);
    if (digit <= 9)
        return digit;
    unsigned letter = ((unsigned)(unsigned char)c | 0x20) - 'a';
    return letter <= 5 ? letter + 10 : 16;
}

static char *put_hex_pair(char *out, unsigned octet)
{
    memcpy(out, hex_pairs + (size_t)2 * octet, 2);
    return out + 2;
}

/* --- numbers --- */

#define EIGHT(digit) (UINT64_C(0x0101010101010101) * (digit))

/* The values of the 8 digits of a number below 10^8, the first in the lowest byte: it is
 * halved into lanes of four digits, of two and of one, and a multiplication with a shift
 * divides all lanes at once. */
static uint64_t spell(uint32_t value)
{
    uint64_t rest = (uint64_t)(value % 10000) << 32 | value / 10000;
    uint64_t high = (rest * 10486) >> 20 & UINT64_C(0x0000007f0000007f);
    rest = high + ((rest - 100 * high) << 16);
    high = (rest * 103) >> 10 & UINT64_C(0x000f000f000f000f);
    return high + ((rest - 10 * high) << 8);
}

static void store(char *out, uint64_t digits)
{
    fl_bytes_store((unsigned char *)out, digits, 8);
}

/* 1 to 8 digits; 8 bytes are written. */
static size_t put_short(char *out, uint32_t value)
{
    uint64_t digits = spell(value);
    /* a zero that says nothing goes, but for the last digit */
    unsigned zeros = (unsigned)__builtin_ctzll(digits | UINT64_C(1) << 56) / 8;
    store(out, (digits | EIGHT('0')) >> (8 * zeros));
    return 8 - zeros;
}

/* --- addresses --- */

/* Writes 16 bytes. */
static char *put_dotted(char *out, const uint8_t *octet)
{
    for (unsigned i = 0; i < 4; i++) {
        memcpy(out, dotted_octets[octet[i]], 4);
        out += 2 + (octet[i] >= 10) + (octet[i] >= 100);
    }
    return out - 1;
}

/* Writes 4 bytes. */
static char *put_group(char *out, unsigned value)
{
    char digits[8] = {0};
    put_hex_pair(put_hex_pair(digits, value >> 8), value & 0xff);
    unsigned zeros = (value < 0x1000) + (value < 0x100) + (value < 0x10);
    memcpy(out, digits + zeros, 4);
    return out + 4 - zeros;
}

/* The run of zero groups that "::" stands for: the longest, of equal ones the first,
 * never a single group. Returns its length, 0 for none. */
static unsigned longest_zeros(const unsigned *group, unsigned *start)
{
    unsigned best = 1;
    unsigned run = 0;
    for (unsigned i = 0; i < GROUPS; i++) {
        run = group[i] ? 0 : run + 1;
        if (run > best) {
            best = run;
            *start = i + 1 - run;
        }
    }
    return best > 1 ? best : 0;
}

static void set_mapped(flowan_address *address, const uint8_t *octet)
{
    memcpy(address->octet, mapped_head, sizeof mapped_head);
    memcpy(address->octet + sizeof mapped_head, octet, 4);
}

/* A '0' ends its octet, so that a digit behind it is found where a '.' should be: that
 * refuses leading zeros, which some readers take for octal. */
static bool get_dotted(const char *text, size_t size, uint8_t *octet)
{
    size_t at = 0;
    for (unsigned i = 0; i < 4; i++) {
        if (i) {
            if (at == size || text[at] != '.')
                return false;
            at++;
        }
        unsigned value = at < size ? digit_of(text[at]) : 10;
        if (value > 9)
            return false;
        at++;
        unsigned digit;
        while (value && at < size && (digit = digit_of(text[at])) <= 9) {
            value = value * 10 + digit;
            if (value > 255)
                return false;
            at++;
        }
        octet[i] = (uint8_t)value;
    }
    return at == size;
}

/* Up to four hex digits; how many there were. */
static unsigned get_group(const char *text, size_t size, unsigned *out)
{
    unsigned value = 0;
    unsigned count = 0;
    unsigned digit;
    while (count < 4 && count < size && (digit = hex_digit_of(text[count])) < 16) {
        value = value << 4 | digit;
        count++;
    }
    *out = value;
    return count;
}

/* Moves what stood behind the "::" to the end. A "::" that would stand for no group at
 * all is refused. */
static bool spread(uint8_t *octet, size_t used, size_t gap)
{
    if (gap == NO_GAP)
        return used == 16;
    if (used == 16)
        return false;
    size_t tail = used - gap;
    memmove(octet + 16 - tail, octet + gap, tail);
    memset(octet + gap, 0, 16 - used);
    return true;
}

/* --- put --- */

size_t fl_text_put_u64(char *out, uint64_t value)
{
    const uint32_t eight = 100000000;
    if (value < eight)
        return put_short(out, (uint32_t)value);
    uint64_t high = value / eight;
    size_t size = 0;
    if (high < eight) {
        size = put_short(out, (uint32_t)high);
    } else {
        size = put_short(out, (uint32_t)(high / eight));
        fl_text_put_digits(out + size, (uint32_t)(high % eight));
        size += 8;
    }
    fl_text_put_digits(out + size, (uint32_t)(value % eight));
    return size + 8;
}

void fl_text_put_digits(char out[8], uint32_t value)
{
    store(out, spell(value) | EIGHT('0'));
}

size_t fl_text_put_address(char *out, const flowan_address *address)
{
    if (!fl_text_is_ipv4(address))
        return fl_text_put_ipv6(out, address);
    return (size_t)(put_dotted(out, address->octet + sizeof mapped_head) - out);
}

size_t fl_text_put_ipv6(char *out, const flowan_address *address)
{
    char *at = out;
    if (fl_text_is_ipv4(address)) {
        memcpy(at, "::ffff:", 7);
        return (size_t)(put_dotted(at + 7, address->octet + sizeof mapped_head) - out);
    }
    unsigned group[GROUPS];
    for (unsigned i = 0; i < GROUPS; i++)
        group[i] = (unsigned)address->octet[2 * i] << 8 | address->octet[2 * i + 1];
    unsigned start = GROUPS;
    unsigned zeros = longest_zeros(group, &start);
    for (unsigned i = 0; i < GROUPS; i++) {
        if (i == start) {
            *at++ = ':';
            *at++ = ':';
            i += zeros - 1;
            continue;
        }
        if (i && i != start + zeros)
            *at++ = ':';
        at = put_group(at, group[i]);
    }
    return (size_t)(at - out);
}

size_t fl_text_put_hex(char *out, const flowan_address *address, size_t octets)
{
    const uint8_t *octet = address->octet + sizeof address->octet - octets;
    for (size_t i = 0; i < octets; i++)
        put_hex_pair(out + 2 * i, octet[i]);
    return 2 * octets;
}

size_t fl_text_put_mac(char *out, uint64_t mac)
{
    for (unsigned i = 0; i < 6; i++) {
        if (i)
            out[3 * i - 1] = ':';
        put_hex_pair(out + 3 * i, (unsigned)(mac >> (40 - 8 * i)) & 0xff);
    }
    return FL_TEXT_MAC_SIZE;
}

size_t fl_text_put_base64(char *out, const void *data, size_t size)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const uint8_t *octet = data;
    char *at = out;
    for (size_t i = 0; i < size; i += 3) {
        uint32_t word = (uint32_t)octet[i] << 16;
        word |= i + 1 < size ? (uint32_t)octet[i + 1] << 8 : 0;
        word |= i + 2 < size ? octet[i + 2] : 0;
        *at++ = digits[word >> 18];
        *at++ = digits[word >> 12 & 63];
        *at++ = i + 1 < size ? digits[word >> 6 & 63] : '=';
        *at++ = i + 2 < size ? digits[word & 63] : '=';
    }
    return (size_t)(at - out);
}

/* --- get --- */

bool fl_text_get_u64(const char *text, size_t size, uint64_t max, uint64_t *out)
{
    if (size == 0 || size > FL_TEXT_U64_SIZE || (*text == '0' && size > 1))
        return false;
    /* Nineteen digits cannot overflow: only the twentieth is looked at twice. */
    size_t plain = size < FL_TEXT_U64_SIZE ? size : FL_TEXT_U64_SIZE - 1;
    uint64_t value = 0;
    for (size_t i = 0; i < plain; i++) {
        unsigned digit = digit_of(text[i]);
        if (digit > 9)
            return false;
        value = value * 10 + digit;
    }
    if (plain < size) {
        unsigned digit = digit_of(text[plain]);
        if (digit > 9 || value > (UINT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    if (value > max)
        return false;
    *out = value;
    return true;
}

bool fl_text_get_ipv4(const char *text, size_t size, flowan_address *out)
{
    uint8_t octet[4];
    if (!get_dotted(text, size, octet))
        return false;
    set_mapped(out, octet);
    return true;
}

bool fl_text_get_ipv6(const char *text, size_t size, flowan_address *out)
{
    uint8_t octet[16];
    size_t used = 0;
    size_t gap = NO_GAP;
    size_t at = 0;
    if (size >= 2 && text[0] == ':' && text[1] == ':') {
        gap = 0;
        at = 2;
    }
    while (at < size) {
        unsigned value;
        unsigned digits = get_group(text + at, size - at, &value);
        if (digits == 0 || used == 16)
            return false;
        size_t next = at + digits;
        if (next < size && text[next] == '.') {
            if (used > 12 || !get_dotted(text + at, size - at, octet + used))
                return false;
            used += 4;
            break;
        }
        octet[used++] = (uint8_t)(value >> 8);
        octet[used++] = (uint8_t)value;
        if (next == size)
            break;
        /* A ':' alone needs a group behind it; a second one makes the gap. */
        if (text[next] != ':' || next + 1 == size)
            return false;
        at = next + 1;
        if (text[at] == ':') {
            if (gap != NO_GAP)
                return false;
            gap = used;
            at++;
        }
    }
    if (!spread(octet, used, gap))
        return false;
    memcpy(out->octet, octet, sizeof octet);
    return true;
}

bool fl_text_get_address(const char *text, size_t size, flowan_address *out)
{
    /* The first octet or group tells which of the two it can be. */
    for (size_t i = 0; i < size && i < 5; i++) {
        if (text[i] == '.')
            return fl_text_get_ipv4(text, size, out);
        if (text[i] == ':')
            return fl_text_get_ipv6(text, size, out);
    }
    return false;
}

bool fl_text_get_hex(const char *text, size_t size, flowan_address *out)
{
    if (size != 8 && size != 32)
        return false;
    uint8_t octet[16];
    for (size_t i = 0; i < size / 2; i++) {
        unsigned high = hex_digit_of(text[2 * i]);
        unsigned low = hex_digit_of(text[2 * i + 1]);
        if (high > 15 || low > 15)
            return false;
        octet[i] = (uint8_t)(high << 4 | low);
    }
    if (size == 8)
        set_mapped(out, octet);
    else
        memcpy(out->octet, octet, sizeof octet);
    return true;
}

bool fl_text_get_mac(const char *text, size_t size, uint64_t *out)
{
    if (size != FL_TEXT_MAC_SIZE)
        return false;
    uint64_t mac = 0;
    for (unsigned i = 0; i < 6; i++) {
        unsigned high = hex_digit_of(text[3 * i]);
        unsigned low = hex_digit_of(text[3 * i + 1]);
        if (high > 15 || low > 15 || (i < 5 && text[3 * i + 2] != ':'))
            return false;
        mac = mac << 8 | high << 4 | low;
    }
    *out = mac;
    return true;
}

bool fl_text_get_prefix(const char *text, size_t size, flowan_address *out,
                        unsigned *bits)
{
    if (size == 0)
        return false;
    const char *slash = memchr(text, '/', size);
    size_t address_size = slash ? (size_t)(slash - text) : size;
    /* The spelling decides what a length counts, so ::ffff:10.0.0.0/104 is 10/8. */
    bool dotted = !memchr(text, ':', address_size);
    uint64_t length = dotted ? 32 : 128;
    flowan_address address;
    if (!fl_text_get_address(text, address_size, &address))
        return false;
    if (slash && !fl_text_get_u64(slash + 1, size - address_size - 1, length, &length))
        return false;
    *out = address;
    *bits = (unsigned)length + (dotted ? MAPPED_BITS : 0);
    return true;
}

/* --- addresses as numbers --- */

bool fl_text_is_ipv4(const flowan_address *address)
{
    return memcmp(address->octet, mapped_head, sizeof mapped_head) == 0;
}

bool fl_text_is_zero(const flowan_address *address)
{
    static const uint8_t zeros[16];
    size_t skip = fl_text_is_ipv4(address) ? 12 : 0;
    return memcmp(address->octet + skip, zeros, 16 - skip) == 0;
}

void fl_text_mask(flowan_address *address, unsigned bits)
{
    static const uint8_t keep[32] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    if (bits >= 128)
        return;
    unsigned whole = bits / 8;
    uint8_t edge = (uint8_t)(address->octet[whole] & 0xff00U >> bits % 8);
    for (unsigned i = 0; i < 16; i++)
        address->octet[i] &= keep[16 - whole + i];
    address->octet[whole] = edge;
}
