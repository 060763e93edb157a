/* Layer 0: addresses, MACs, numbers and prefixes to and from text; times: text_time.c.
 *
 * Owns the conversions of single values. Knows nothing of JSON, of records or of which
 * field has which form, and never asks libc: its conversions obey a locale, want a NUL
 * and are several times slower. A get function leaves *out alone when it fails. */
#include "text.h"

#include <string.h>

enum { MAPPED_BITS = 96, GROUPS = 8, NO_GAP = 17 };

/* What stands before the four octets of an IPv4-mapped address. */
static const uint8_t mapped_head[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

/* --- characters --- */

static const char hex_digits[] = "0123456789abcdef";

/* Two digits at a time halves the divisions, which are what printing a number costs. */
static const char digit_pairs[] = "00010203040506070809"
                                  "10111213141516171819"
                                  "20212223242526272829"
                                  "30313233343536373839"
                                  "40414243444546474849"
                                  "50515253545556575859"
                                  "60616263646566676869"
                                  "70717273747576777879"
                                  "80818283848586878889"
                                  "90919293949596979899";

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

static char *put_pair(char *out, unsigned value)
{
    memcpy(out, digit_pairs + (size_t)2 * value, 2);
    return out + 2;
}

/* --- addresses --- */

static char *put_octet(char *out, unsigned value)
{
    if (value >= 100) {
        *out++ = (char)('0' + value / 100);
        return put_pair(out, value % 100);
    }
    if (value >= 10)
        return put_pair(out, value);
    *out++ = (char)('0' + value);
    return out;
}

static char *put_dotted(char *out, const uint8_t *octet)
{
    for (unsigned i = 0; i < 4; i++) {
        if (i)
            *out++ = '.';
        out = put_octet(out, octet[i]);
    }
    return out;
}

static char *put_group(char *out, unsigned value)
{
    if (value >= 0x1000)
        *out++ = hex_digits[value >> 12];
    if (value >= 0x100)
        *out++ = hex_digits[value >> 8 & 15];
    if (value >= 0x10)
        *out++ = hex_digits[value >> 4 & 15];
    *out++ = hex_digits[value & 15];
    return out;
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
    char text[FL_TEXT_U64_SIZE];
    char *at = text + sizeof text;
    while (value >= 100) {
        at -= 2;
        put_pair(at, (unsigned)(value % 100));
        value /= 100;
    }
    if (value >= 10) {
        at -= 2;
        put_pair(at, (unsigned)value);
    } else {
        *--at = (char)('0' + value);
    }
    size_t size = (size_t)(text + sizeof text - at);
    memcpy(out, at, size);
    return size;
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
    for (size_t i = 0; i < octets; i++) {
        out[2 * i] = hex_digits[octet[i] >> 4];
        out[2 * i + 1] = hex_digits[octet[i] & 15];
    }
    return 2 * octets;
}

size_t fl_text_put_mac(char *out, uint64_t mac)
{
    for (unsigned i = 0; i < 6; i++) {
        unsigned octet = (unsigned)(mac >> (40 - 8 * i)) & 0xff;
        if (i)
            out[3 * i - 1] = ':';
        out[3 * i] = hex_digits[octet >> 4];
        out[3 * i + 1] = hex_digits[octet & 15];
    }
    return FL_TEXT_MAC_SIZE;
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

void fl_text_mask(flowan_address *address, unsigned bits)
{
    for (unsigned i = 0; i < sizeof address->octet; i++) {
        if (bits >= 8) {
            bits -= 8;
            continue;
        }
        address->octet[i] = (uint8_t)(address->octet[i] & 0xff00U >> bits);
        bits = 0;
    }
}
