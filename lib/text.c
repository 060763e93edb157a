/* Layer 0: addresses, MACs, numbers, prefixes and times to and from text.
 *
 * Owns the conversions of single values. Knows nothing of JSON, of records or of which
 * field has which form, and never asks libc: its conversions obey a locale, want a NUL
 * and are several times slower. A get function leaves *out alone when it fails. */
#include "text.h"

#include <string.h>

#define NS_PER_SECOND UINT64_C(1000000000)
#define NS_PER_MS UINT64_C(1000000)
#define SECONDS_PER_DAY 86400
/* From 0000-03-01, the first day of the year as counted below, to 1970-01-01. */
#define DAYS_TO_1970 719468
/* From 1677-09-21, the day of the first instant that 64 bits of ns reach, to 1970. */
#define DAYS_BEFORE_1970 106752

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

/* A part of a text that is read from the left. */
typedef struct cursor {
    const char *at;
    const char *end;
} cursor;

static bool take_byte(cursor *c, char byte)
{
    if (c->at == c->end || *c->at != byte)
        return false;
    c->at++;
    return true;
}

/* Exactly `count` digits. */
static bool take_digits(cursor *c, unsigned count, unsigned *out)
{
    if ((size_t)(c->end - c->at) < count)
        return false;
    unsigned value = 0;
    for (unsigned i = 0; i < count; i++) {
        unsigned digit = digit_of(c->at[i]);
        if (digit > 9)
            return false;
        value = value * 10 + digit;
    }
    c->at += count;
    *out = value;
    return true;
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

/* --- times --- */

typedef struct moment {
    unsigned year, month, day;
    unsigned hour, minute, second;
    uint32_t ns;
    int32_t offset_seconds; /* east of UTC */
} moment;

static unsigned month_days(unsigned year, unsigned month)
{
    if (month == 2)
        return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28;
    return 30 + ((month ^ month >> 3) & 1);
}

/* Days from 1970-01-01. A year that begins in March has its leap day last, so the days
 * before a month do not depend on the year: month m, 3 to 14, begins at
 * (153 m - 457) / 5. */
static int32_t days_from_date(unsigned year, unsigned month, unsigned day)
{
    if (month < 3) {
        year--;
        month += 12;
    }
    unsigned days = 365 * year + year / 4 - year / 100 + year / 400 +
                    (153 * month - 457) / 5 + day - 1;
    return (int32_t)days - DAYS_TO_1970;
}

/* The inverse, for days of the years 0 to 9999: first the century (four make 146097
 * days), then the year in it (four make 1461), then the month (five make 153). */
static void date_from_days(int32_t days, unsigned *year, unsigned *month, unsigned *day)
{
    unsigned quarter = 4 * (unsigned)(days + DAYS_TO_1970) + 3;
    unsigned century = quarter / 146097;
    quarter = quarter % 146097 / 4 * 4 + 3;
    unsigned fifth = quarter % 1461 / 4 * 5 + 2;
    *year = 100 * century + quarter / 1461;
    *month = fifth / 153 + 3;
    *day = fifth % 153 / 5 + 1;
    if (*month > 12) {
        *month -= 12;
        ++*year;
    }
}

/* ".5", of at most nine digits, where there is a point at all. */
static bool take_fraction(cursor *c, uint32_t *ns)
{
    *ns = 0;
    if (!take_byte(c, '.'))
        return true;
    uint32_t unit = 100000000;
    unsigned digit;
    const char *start = c->at;
    while (unit && c->at < c->end && (digit = digit_of(*c->at)) <= 9) {
        *ns += digit * unit;
        unit /= 10;
        c->at++;
    }
    return c->at > start;
}

static bool take_zone(cursor *c, int32_t *offset_seconds)
{
    *offset_seconds = 0;
    if (take_byte(c, 'Z'))
        return true;
    bool west = take_byte(c, '-');
    unsigned hour;
    unsigned minute;
    if ((!west && !take_byte(c, '+')) || !take_digits(c, 2, &hour) ||
        !take_byte(c, ':') || !take_digits(c, 2, &minute) || hour > 23 || minute > 59)
        return false;
    int32_t seconds = (int32_t)(hour * 3600 + minute * 60);
    *offset_seconds = west ? -seconds : seconds;
    return true;
}

static bool take_date(cursor *c, moment *m)
{
    if (!take_digits(c, 4, &m->year) || !take_byte(c, '-') ||
        !take_digits(c, 2, &m->month) || !take_byte(c, '-') ||
        !take_digits(c, 2, &m->day))
        return false;
    return m->month >= 1 && m->month <= 12 && m->day >= 1 &&
           m->day <= month_days(m->year, m->month);
}

/* A leap second (":60") is refused: a count of seconds since 1970 has no place for
 * it. */
static bool take_clock(cursor *c, moment *m, bool relaxed)
{
    if (!take_digits(c, 2, &m->hour) || !take_byte(c, ':') ||
        !take_digits(c, 2, &m->minute) || m->hour > 23 || m->minute > 59)
        return false;
    if (!take_byte(c, ':'))
        return relaxed;
    return take_digits(c, 2, &m->second) && m->second <= 59 && take_fraction(c, &m->ns);
}

/* False where the count of ns does not fit 64 bits with a sign, by comparing with the
 * first and last instant that do. */
static bool moment_to_ns(const moment *m, uint64_t *out)
{
    if (m->year < 1677 || m->year > 2262)
        return false;
    int64_t seconds = days_from_date(m->year, m->month, m->day) * INT64_C(86400) +
                      m->hour * 3600 + m->minute * 60 + m->second - m->offset_seconds;
    const int64_t first = INT64_MIN / (int64_t)NS_PER_SECOND - 1;
    const int64_t last = INT64_MAX / (int64_t)NS_PER_SECOND;
    const uint32_t first_ns = 145224192;
    const uint32_t last_ns = 854775807;
    if (seconds < first || (seconds == first && m->ns < first_ns) || seconds > last ||
        (seconds == last && m->ns > last_ns))
        return false;
    *out = (uint64_t)seconds * NS_PER_SECOND + m->ns;
    return true;
}

/* RFC 3339, or with `relaxed` also what may be left out of it by hand. */
static bool get_moment(const char *text, size_t size, bool relaxed, uint64_t *out)
{
    if (size == 0)
        return false;
    cursor c = {text, text + size};
    moment m = {0};
    if (!take_date(&c, &m))
        return false;
    if (relaxed && c.at == c.end)
        return moment_to_ns(&m, out);
    if (!take_byte(&c, 'T') && !(relaxed && take_byte(&c, ' ')))
        return false;
    if (!take_clock(&c, &m, relaxed))
        return false;
    if (!(relaxed && c.at == c.end) &&
        (!take_zone(&c, &m.offset_seconds) || c.at != c.end))
        return false;
    return moment_to_ns(&m, out);
}

/* The ns of a unit of time, 0 when it is none. */
static uint64_t unit_ns(const char *unit, size_t size)
{
    if (size == 2 && unit[0] == 'm' && unit[1] == 's')
        return NS_PER_MS;
    if (size != 1)
        return 0;
    switch (*unit) {
    case 's': return NS_PER_SECOND;
    case 'm': return 60 * NS_PER_SECOND;
    case 'h': return 3600 * NS_PER_SECOND;
    case 'd': return SECONDS_PER_DAY * NS_PER_SECOND;
    case 'w': return 7 * SECONDS_PER_DAY * NS_PER_SECOND;
    }
    return 0;
}

/* A number and its unit; `bare_ns` is the unit of a number that has none, 0 to refuse
 * it. */
static bool get_span(const char *text, size_t size, uint64_t bare_ns, uint64_t *out)
{
    size_t digits = 0;
    while (digits < size && digit_of(text[digits]) <= 9)
        digits++;
    uint64_t unit = digits == size ? bare_ns : unit_ns(text + digits, size - digits);
    uint64_t count;
    if (!unit || !fl_text_get_u64(text, digits, (UINT64_C(1) << 63) / unit, &count))
        return false;
    *out = count * unit;
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

size_t fl_text_put_time(char *out, uint64_t ns)
{
    /* Counted from a midnight before the first instant there is, nothing is negative
     * and division needs no care. `lead_ns` is what lies between the two. */
    const uint64_t lead_ns =
        DAYS_BEFORE_1970 * (SECONDS_PER_DAY * NS_PER_SECOND) - (UINT64_C(1) << 63);
    uint64_t since = ns + (UINT64_C(1) << 63);
    uint64_t seconds = since / NS_PER_SECOND + lead_ns / NS_PER_SECOND;
    uint32_t fraction = (uint32_t)(since % NS_PER_SECOND + lead_ns % NS_PER_SECOND);
    if (fraction >= NS_PER_SECOND) {
        fraction -= (uint32_t)NS_PER_SECOND;
        seconds++;
    }
    unsigned second = (unsigned)(seconds % SECONDS_PER_DAY);
    unsigned year;
    unsigned month;
    unsigned day;
    int32_t days = (int32_t)(seconds / SECONDS_PER_DAY) - DAYS_BEFORE_1970;
    date_from_days(days, &year, &month, &day);

    char *at = put_pair(out, year / 100);
    at = put_pair(at, year % 100);
    *at++ = '-';
    at = put_pair(at, month);
    *at++ = '-';
    at = put_pair(at, day);
    *at++ = 'T';
    at = put_pair(at, second / 3600);
    *at++ = ':';
    at = put_pair(at, second / 60 % 60);
    *at++ = ':';
    at = put_pair(at, second % 60);
    if (fraction) {
        *at++ = '.';
        char *last = at + 8;
        for (char *digit = last; digit >= at; digit--) {
            *digit = (char)('0' + fraction % 10);
            fraction /= 10;
        }
        while (*last == '0')
            last--;
        at = last + 1;
    }
    *at++ = 'Z';
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

bool fl_text_get_time(const char *text, size_t size, uint64_t *out)
{
    return get_moment(text, size, false, out);
}

bool fl_text_get_user_time(const char *text, size_t size, uint64_t now_ns,
                           uint64_t *out)
{
    if (size == 3 && memcmp(text, "now", 3) == 0) {
        *out = now_ns;
        return true;
    }
    uint64_t value;
    if (size && *text == '-') {
        /* With the sign bit turned over, times order as they do on the calendar. */
        if (!get_span(text + 1, size - 1, 0, &value) ||
            value > (now_ns ^ UINT64_C(1) << 63))
            return false;
        *out = now_ns - value;
        return true;
    }
    if (fl_text_get_u64(text, size, INT64_MAX / NS_PER_SECOND, &value)) {
        *out = value * NS_PER_SECOND;
        return true;
    }
    return get_moment(text, size, true, out);
}

bool fl_text_get_duration(const char *text, size_t size, uint64_t *out)
{
    uint64_t value;
    if (!get_span(text, size, NS_PER_MS, &value) || value == 0)
        return false;
    *out = value;
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
