/* Words are what stands between blanks and signs: whether one is a keyword, a number or
 * the name of a field is for the grammar to say, as the same letters may be each of them.
 * */
#include "filter_tokens.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "status.h"

enum { FOUND_SIZE = 40, SENTENCE_SIZE = 320 };

/* --- sentences --- */

/* Where a byte stands, as people count. */
static void put_place(const fl_tokens *tokens, size_t offset, char out[64])
{
    size_t line = 1;
    size_t start = 0;
    for (const char *at = tokens->text;
         offset && (at = memchr(at, '\n', offset - (size_t)(at - tokens->text)));
         at++) {
        line++;
        start = (size_t)(at - tokens->text) + 1;
    }
    if (tokens->size && memchr(tokens->text, '\n', tokens->size))
        snprintf(out, 64, "line %zu, column %zu", line, offset - start + 1);
    else
        snprintf(out, 64, "column %zu", offset - start + 1);
}

static size_t offset_of(const fl_tokens *tokens, const fl_token *token)
{
    return tokens->size ? (size_t)(token->data - tokens->text) : 0;
}

static flowan_status fail_at(const fl_tokens *tokens, flowan_status status,
                             size_t offset, const char *what)
{
    char place[64];
    put_place(tokens, offset, place);
    return fl_status_fail(tokens->error, status, offset, "filter: %s: %s", place, what);
}

flowan_status fl_tokens_limit(const fl_tokens *tokens, const char *what)
{
    return fail_at(tokens, FLOWAN_ERROR_LIMIT, offset_of(tokens, &tokens->now), what);
}

/* What was found, for a message: not too much, and nothing that would disturb it. */
static void put_found(const fl_token *token, char out[FOUND_SIZE + 8])
{
    if (token->kind == FL_TOKEN_END) {
        memcpy(out, "the end", sizeof "the end");
        return;
    }
    size_t size = token->size < FOUND_SIZE ? token->size : FOUND_SIZE;
    *out++ = '\'';
    for (size_t i = 0; i < size; i++)
        *out++ = (char)(token->data[i] >= 0x20 && token->data[i] < 0x7f ? token->data[i]
                                                                        : '?');
    if (size < token->size) {
        memcpy(out, "...", 3);
        out += 3;
    }
    *out++ = '\'';
    *out = '\0';
}

flowan_status fl_tokens_expected(const fl_tokens *tokens, const fl_token *token,
                                 const char *format, ...)
{
    char expected[SENTENCE_SIZE];
    va_list args;
    va_start(args, format);
    vsnprintf(expected, sizeof expected, format, args);
    va_end(args);
    char found[FOUND_SIZE + 8];
    put_found(token, found);
    char place[64];
    put_place(tokens, offset_of(tokens, token), place);
    return fl_status_fail(tokens->error, FLOWAN_ERROR_ARGUMENT,
                          offset_of(tokens, token), "filter: %s: expected %s, found %s",
                          place, expected, found);
}

/* --- words --- */

static bool is_word(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c && memchr("_-.:/+", c, 6));
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

bool fl_tokens_same(const char *text, size_t size, const char *word)
{
    for (size_t i = 0; i < size; i++)
        if (lower(text[i]) != lower(word[i]))
            return false; /* also where the word ends */
    return word[size] == '\0';
}

bool fl_tokens_at(const fl_tokens *tokens, const char *word)
{
    return tokens->now.kind == FL_TOKEN_WORD &&
           fl_tokens_same(tokens->now.data, tokens->now.size, word);
}

/* --- quoted text: JSON's strings --- */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Four hex digits, or -1. */
static int32_t get_unit(const char *at, const char *end)
{
    int32_t unit = 0;
    if (end - at < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(at[i]);
        if (digit < 0)
            return -1;
        unit = unit << 4 | digit;
    }
    return unit;
}

static void put_utf8(fl_buffer *out, uint32_t c)
{
    if (c < 0x80) {
        fl_buffer_byte(out, (char)c);
    } else if (c < 0x800) {
        fl_buffer_byte(out, (char)(0xc0 | c >> 6));
        fl_buffer_byte(out, (char)(0x80 | (c & 0x3f)));
    } else {
        if (c < 0x10000) {
            fl_buffer_byte(out, (char)(0xe0 | c >> 12));
        } else {
            fl_buffer_byte(out, (char)(0xf0 | c >> 18));
            fl_buffer_byte(out, (char)(0x80 | (c >> 12 & 0x3f)));
        }
        fl_buffer_byte(out, (char)(0x80 | (c >> 6 & 0x3f)));
        fl_buffer_byte(out, (char)(0x80 | (c & 0x3f)));
    }
}

/* One escape behind its backslash, to `out` (NULL: only looked at); the bytes that it
 * takes, 0 for none that JSON has. */
static size_t get_escape(const char *at, const char *end, fl_buffer *out)
{
    static const char names[] = "\"\\/bfnrt";
    static const char values[] = "\"\\/\b\f\n\r\t";
    if (at == end)
        return 0;
    const char *name = *at ? strchr(names, *at) : NULL;
    if (name) {
        if (out)
            fl_buffer_byte(out, values[name - names]);
        return 1;
    }
    int32_t unit = *at == 'u' ? get_unit(at + 1, end) : -1;
    if (unit < 0 || (unit >= 0xdc00 && unit < 0xe000))
        return 0;
    size_t size = 5;
    uint32_t c = (uint32_t)unit;
    if (unit >= 0xd800 && unit < 0xdc00) {
        int32_t second =
            end - at > 7 && at[5] == '\\' && at[6] == 'u' ? get_unit(at + 7, end) : -1;
        if (second < 0xdc00 || second >= 0xe000)
            return 0;
        c = 0x10000 + ((c & 0x3ff) << 10 | ((uint32_t)second & 0x3ff));
        size = 11;
    }
    if (out)
        put_utf8(out, c);
    return size;
}

void fl_tokens_unquote(const fl_token *token, fl_buffer *out)
{
    const char *end = token->data + token->size - 1;
    for (const char *at = token->data + 1; at < end;) {
        if (*at == '\\') {
            at += 1 + get_escape(at + 1, end, out);
        } else {
            fl_buffer_byte(out, *at);
            at++;
        }
    }
}

static flowan_status next_quoted(fl_tokens *tokens, const char *at, const char *end)
{
    const char *start = at++;
    while (at < end && *at != '"') {
        if ((unsigned char)*at < 0x20)
            return fail_at(tokens, FLOWAN_ERROR_ARGUMENT, (size_t)(at - tokens->text),
                           "expected no control byte between quotes (\\n and \\u000a "
                           "stand for a line feed)");
        size_t size = 1;
        if (*at == '\\') {
            size = get_escape(at + 1, end, NULL) + 1;
            if (size == 1)
                return fail_at(tokens, FLOWAN_ERROR_ARGUMENT,
                               (size_t)(at - tokens->text),
                               "expected an escape that JSON has behind the backslash");
        }
        at += size;
    }
    if (at == end)
        return fail_at(tokens, FLOWAN_ERROR_ARGUMENT, (size_t)(start - tokens->text),
                       "expected a second '\"' behind this one, found the end");
    tokens->now = (fl_token){FL_TOKEN_QUOTED, start, (size_t)(at + 1 - start)};
    return FLOWAN_OK;
}

/* --- tokens --- */

/* What a sign is, and how long; END for what is none. */
static fl_token_kind sign_of(const char *at, const char *end, size_t *size)
{
    char next = end - at > 1 ? at[1] : '\0';
    *size = 1;
    switch (*at) {
    case '(': return FL_TOKEN_OPEN;
    case ')': return FL_TOKEN_CLOSE;
    case '[': return FL_TOKEN_LIST;
    case ']': return FL_TOKEN_LIST_END;
    case ',': return FL_TOKEN_COMMA;
    case '=': *size += next == '='; return FL_TOKEN_EQUAL;
    case '!':
        *size += next == '=';
        return next == '=' ? FL_TOKEN_UNEQUAL : FL_TOKEN_NOT;
    case '<':
        *size += next == '=';
        return next == '=' ? FL_TOKEN_NOT_MORE : FL_TOKEN_LESS;
    case '>':
        *size += next == '=';
        return next == '=' ? FL_TOKEN_NOT_LESS : FL_TOKEN_MORE;
    case '&': *size = 2; return next == '&' ? FL_TOKEN_AND : FL_TOKEN_END;
    case '|': *size = 2; return next == '|' ? FL_TOKEN_OR : FL_TOKEN_END;
    default: return FL_TOKEN_END;
    }
}

static const char *skip_blanks(const char *at, const char *end)
{
    while (at < end) {
        if (*at == '#') {
            const char *feed = memchr(at, '\n', (size_t)(end - at));
            at = feed ? feed : end;
        } else if (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r') {
            at++;
        } else {
            break;
        }
    }
    return at;
}

/* Words that are signs too. */
static fl_token_kind word_kind(const char *word, size_t size)
{
    if (fl_tokens_same(word, size, "and"))
        return FL_TOKEN_AND;
    if (fl_tokens_same(word, size, "or"))
        return FL_TOKEN_OR;
    return fl_tokens_same(word, size, "not") ? FL_TOKEN_NOT : FL_TOKEN_WORD;
}

flowan_status fl_tokens_next(fl_tokens *tokens)
{
    const char *end = tokens->text + tokens->size;
    const char *at = skip_blanks(tokens->now.data + tokens->now.size, end);
    if (at == end) {
        tokens->now = (fl_token){FL_TOKEN_END, end, 0};
        return FLOWAN_OK;
    }
    if (*at == '"')
        return next_quoted(tokens, at, end);
    size_t size = 0;
    while (at + size < end && is_word(at[size]))
        size++;
    fl_token_kind kind = size ? word_kind(at, size) : sign_of(at, end, &size);
    if (kind == FL_TOKEN_END) {
        fl_token found = {FL_TOKEN_WORD, at, 1};
        return fl_tokens_expected(tokens, &found, "a word, a sign or \"quotes\"");
    }
    tokens->now = (fl_token){kind, at, size};
    return FLOWAN_OK;
}

flowan_status fl_tokens_open(fl_tokens *tokens, const char *text, size_t size,
                             flowan_error *error)
{
    if (size == 0)
        text = "";
    *tokens = (fl_tokens){
        .text = text, .size = size, .now = {FL_TOKEN_END, text, 0}, .error = error};
    return fl_tokens_next(tokens);
}
