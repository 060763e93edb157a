/* A push-down automaton that stops at the first byte that cannot stand where it stands:
 * stopping early is what lets the parser find a good record that was glued behind a torn
 * one. It builds no tree; jansson decodes the strings that have escapes. */
#include "json.h"

#include <jansson.h>
#include <string.h>

enum state {
    OPEN,          /* the object's own brace */
    FIRST_KEY,     /* behind '{': a key or '}' */
    KEY,           /* behind ',' in an object */
    COLON,         /* behind a key */
    VALUE,         /* behind ':' or ',' in an array */
    FIRST_ELEMENT, /* behind '[': a value or ']' */
    AFTER,         /* behind a value: ',' or the end of its container */
    STRING,
    KEY_STRING,
    ESCAPE,
    KEY_ESCAPE,
    HEX,
    KEY_HEX,
    MINUS,
    ZERO,
    DIGITS,
    POINT,
    FRACTION,
    EXPONENT,
    EXPONENT_SIGN,
    EXPONENT_DIGITS,
    LITERAL /* LITERAL + i: inside true, false, null */
};

/* The literals in one string, each followed by a blank, so that a state is a place. */
static const char literals[] = "true false null ";
enum { TRUE_AT = 1, FALSE_AT = 6, NULL_AT = 12 };

void fl_json_scan_begin(fl_json_scan *scan)
{
    scan->state = OPEN;
    scan->at = 0;
    scan->token = 0;
    scan->depth = 0;
    fl_buffer_clear(&scan->stack);
}

void fl_json_scan_free(fl_json_scan *scan)
{
    fl_buffer_free(&scan->stack);
}

static bool push(fl_json_scan *scan, bool object)
{
    size_t byte = scan->depth / 8;
    unsigned bit = 1U << (scan->depth % 8);
    if (byte == scan->stack.size)
        fl_buffer_byte(&scan->stack, 0);
    if (scan->stack.failed)
        return false;
    unsigned char *word = (unsigned char *)scan->stack.data + byte;
    *word = (unsigned char)(object ? *word | bit : *word & ~bit);
    scan->depth++;
    return true;
}

static bool in_object(const fl_json_scan *scan)
{
    size_t top = scan->depth - 1;
    return (unsigned char)scan->stack.data[top / 8] >> (top % 8) & 1;
}

static bool is_digit(unsigned char c)
{
    return c >= '0' && c <= '9';
}

static bool is_blank(unsigned char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* The state behind the first byte of a value, or -1. */
static int begin_value(fl_json_scan *scan, unsigned char c)
{
    switch (c) {
    case '"': return STRING;
    case '{': return push(scan, true) ? FIRST_KEY : -2;
    case '[': return push(scan, false) ? FIRST_ELEMENT : -2;
    case '-': return MINUS;
    case '0': return ZERO;
    case 't': return LITERAL + TRUE_AT;
    case 'f': return LITERAL + FALSE_AT;
    case 'n': return LITERAL + NULL_AT;
    default: return c >= '1' && c <= '9' ? DIGITS : -1;
    }
}

/* The state behind a byte that follows a complete value, or -1. */
static int after_value(fl_json_scan *scan, unsigned char c)
{
    bool object = in_object(scan);
    if (is_blank(c))
        return AFTER;
    if (c == ',')
        return object ? KEY : VALUE;
    if (c != (object ? '}' : ']'))
        return -1;
    scan->depth--;
    return AFTER;
}

static int after_number(fl_json_scan *scan, int state, unsigned char c)
{
    if (is_digit(c) && state != ZERO)
        return state;
    if (c == '.' && (state == ZERO || state == DIGITS))
        return POINT;
    if ((c == 'e' || c == 'E') && state != EXPONENT_DIGITS)
        return EXPONENT;
    return after_value(scan, c);
}

static int in_string(int state, unsigned char c)
{
    if (c == '"')
        return state == STRING ? AFTER : COLON;
    if (c == '\\')
        return state == STRING ? ESCAPE : KEY_ESCAPE;
    return c < 0x20 ? -1 : state;
}

static int in_escape(fl_json_scan *scan, int state, unsigned char c)
{
    if (c == 'u') {
        scan->hex_left = 4;
        return state == ESCAPE ? HEX : KEY_HEX;
    }
    if (c == 0 || !strchr("\"\\/bfnrt", c))
        return -1;
    return state == ESCAPE ? STRING : KEY_STRING;
}

static int in_hex(fl_json_scan *scan, int state, unsigned char c)
{
    if (!is_digit(c) && !((c | 0x20) >= 'a' && (c | 0x20) <= 'f'))
        return -1;
    if (--scan->hex_left)
        return state;
    return state == HEX ? STRING : KEY_STRING;
}

/* The state behind byte `c` in `state`; -1 where it cannot stand, -2 without memory. */
static int step(fl_json_scan *scan, int state, unsigned char c)
{
    switch (state) {
    case OPEN: return c != '{' ? -1 : push(scan, true) ? FIRST_KEY : -2;
    case FIRST_KEY:
        if (c == '}')
            return after_value(scan, c);
        /* fall through */
    case KEY: return c == '"' ? KEY_STRING : is_blank(c) ? state : -1;
    case COLON: return c == ':' ? VALUE : is_blank(c) ? state : -1;
    case FIRST_ELEMENT:
        if (c == ']')
            return after_value(scan, c);
        /* fall through */
    case VALUE: return is_blank(c) ? state : begin_value(scan, c);
    case AFTER: return after_value(scan, c);
    case STRING:
    case KEY_STRING: return in_string(state, c);
    case ESCAPE:
    case KEY_ESCAPE: return in_escape(scan, state, c);
    case HEX:
    case KEY_HEX: return in_hex(scan, state, c);
    case MINUS: return c == '0' ? ZERO : is_digit(c) ? DIGITS : -1;
    case ZERO:
    case DIGITS:
    case FRACTION:
    case EXPONENT_DIGITS: return after_number(scan, state, c);
    case POINT: return is_digit(c) ? FRACTION : -1;
    case EXPONENT:
        if (c == '+' || c == '-')
            return EXPONENT_SIGN;
        /* fall through */
    case EXPONENT_SIGN: return is_digit(c) ? EXPONENT_DIGITS : -1;
    default:
        if (c != (unsigned char)literals[state - LITERAL])
            return -1;
        return literals[state - LITERAL + 1] == ' ' ? AFTER : state + 1;
    }
}

static bool begins_token(int before, int now)
{
    return (before == VALUE || before == FIRST_ELEMENT || before == FIRST_KEY ||
            before == KEY) &&
           now >= STRING;
}

fl_json_result fl_json_scan_run(fl_json_scan *scan, const char *data, size_t size)
{
    int state = scan->state;
    size_t i = 0;
    fl_json_result result = FL_JSON_MORE;
    while (i < size) {
        unsigned char c = (unsigned char)data[i];
        if (c == '\n') {
            result = FL_JSON_TORN;
            break;
        }
        int next = step(scan, state, c);
        if (next < 0) {
            result = next == -2 ? FL_JSON_MEMORY : FL_JSON_BAD;
            break;
        }
        if (begins_token(state, next))
            scan->token = scan->at + i;
        state = next;
        i++;
        if (state == AFTER && scan->depth == 0) {
            result = FL_JSON_DONE;
            break;
        }
        /* Most bytes stand inside strings. */
        if (state == STRING || state == KEY_STRING)
            while (i < size && data[i] != '"' && data[i] != '\\' &&
                   (unsigned char)data[i] >= 0x20)
                i++;
    }
    scan->state = (uint8_t)state;
    scan->at += i;
    return result;
}

/* --- members of a checked object --- */

static void skip_blanks(fl_json_cursor *cursor)
{
    while (cursor->at < cursor->end && (is_blank((unsigned char)*cursor->at) ||
                                        *cursor->at == ',' || *cursor->at == ':'))
        cursor->at++;
}

static const char *string_end(const char *at, const char *end)
{
    for (at++; at < end && *at != '"'; at++)
        if (*at == '\\')
            at++;
    return at < end ? at + 1 : end;
}

/* The end of the container that begins at `at`. */
static const char *container_end(const char *at, const char *end)
{
    size_t depth = 0;
    while (at < end) {
        if (*at == '"') {
            at = string_end(at, end);
            continue;
        }
        if (*at == '{' || *at == '[')
            depth++;
        else if (*at == '}' || *at == ']')
            depth--;
        at++;
        if (depth == 0)
            break;
    }
    return at;
}

/* The end of the value that begins at `at`. */
static const char *value_end(const char *at, const char *end)
{
    if (*at == '"')
        return string_end(at, end);
    if (*at == '{' || *at == '[')
        return container_end(at, end);
    while (at < end && *at != ',' && *at != '}' && *at != ']' &&
           !is_blank((unsigned char)*at))
        at++;
    return at;
}

fl_json_cursor fl_json_open(const char *text, size_t size)
{
    return (fl_json_cursor){text + 1, text + size};
}

bool fl_json_next_element(fl_json_cursor *cursor, fl_json_span *value)
{
    skip_blanks(cursor);
    if (cursor->at >= cursor->end || *cursor->at == '}' || *cursor->at == ']')
        return false;
    const char *start = cursor->at;
    cursor->at = value_end(start, cursor->end);
    *value = (fl_json_span){start, (size_t)(cursor->at - start)};
    return true;
}

bool fl_json_next_member(fl_json_cursor *cursor, fl_json_span *key, fl_json_span *value)
{
    return fl_json_next_element(cursor, key) && fl_json_next_element(cursor, value);
}

fl_json_span fl_json_string(fl_json_span string, char *scratch, size_t *used)
{
    fl_json_span inner = {string.data + 1, string.size - 2};
    if (inner.size == 0 || !memchr(inner.data, '\\', inner.size))
        return inner;
    json_t *decoded =
        json_loadb(string.data, string.size, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    if (!decoded)
        return inner;
    /* Decoding never lengthens: \uXXXX is 6 bytes for at most 3. */
    fl_json_span out = {scratch + *used, json_string_length(decoded)};
    if (out.size)
        memcpy(scratch + *used, json_string_value(decoded), out.size);
    *used += out.size;
    json_decref(decoded);
    return out;
}
