/* Layer 0: times and durations to and from text, by the proleptic Gregorian calendar, in
 * UTC, without leap seconds, as Go's time package has them. */
#include "text.h"

#include <string.h>

#define NS_PER_SECOND UINT64_C(1000000000)
#define NS_PER_MS UINT64_C(1000000)
#define SECONDS_PER_DAY 86400
/* From 0000-03-01, the first day of the year as counted below, to 1970-01-01. */
#define DAYS_TO_1970 719468
/* From 1677-09-21, the day of the first instant that 64 bits of ns reach, to 1970. */
#define DAYS_BEFORE_1970 106752

enum { SECOND_SIZE = 19 };

static unsigned digit_of(char c)
{
    return (unsigned)(unsigned char)c - '0';
}

static char *put_pair(char *out, unsigned value)
{
    out[0] = (char)('0' + value / 10);
    out[1] = (char)('0' + value % 10);
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

/* "2025-03-15T17:10:51" */
static void put_second(char *out, uint64_t seconds)
{
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
    put_pair(at, second % 60);
}

/* ".5": without the zeros at its end; 10 bytes are written. */
static char *put_fraction(char *out, uint32_t fraction)
{
    out[0] = '.';
    out[1] = (char)('0' + fraction / 100000000);
    fl_text_put_digits(out + 2, fraction % 100000000);
    char *last = out + 9;
    while (*last == '0')
        last--;
    return last + 1;
}

size_t fl_text_put_time(char *out, uint64_t ns)
{
    fl_text_second none = {0};
    return fl_text_put_next_time(out, ns, &none);
}

size_t fl_text_put_next_time(char *out, uint64_t ns, fl_text_second *last)
{
    /* Counted from a midnight before the first instant there is, nothing is negative
     * and division needs no care. `lead_ns` is what lies between the two. */
    const uint64_t lead_ns =
        DAYS_BEFORE_1970 * (SECONDS_PER_DAY * NS_PER_SECOND) - (UINT64_C(1) << 63);
    uint64_t since = ns + (UINT64_C(1) << 63);
    uint64_t second = since / NS_PER_SECOND + lead_ns / NS_PER_SECOND;
    uint32_t fraction = (uint32_t)(since % NS_PER_SECOND + lead_ns % NS_PER_SECOND);
    if (fraction >= NS_PER_SECOND) {
        fraction -= (uint32_t)NS_PER_SECOND;
        second++;
    }
    if (last->second != second || !*last->text) {
        put_second(last->text, second);
        last->second = second;
    }
    memcpy(out, last->text, SECOND_SIZE);
    char *at = out + SECOND_SIZE;
    if (fraction)
        at = put_fraction(at, fraction);
    *at++ = 'Z';
    return (size_t)(at - out);
}

/* --- get --- */

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
