/* The grammar, against a table and against jansson: what it accepts, where it stops,
 * and that neither depends on where the text is cut. */
#include "json.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "unit.h"

#define EXPECT(condition, ...)                                                         \
    do {                                                                               \
        if (!(condition))                                                              \
            ck_abort_msg(__VA_ARGS__);                                                 \
    } while (0)

/* A text in a block of just its size, so that a sanitizer sees a step beyond. */
static char *exact(const char *text, size_t size)
{
    char *copy = malloc(size ? size : 1);
    EXPECT(copy, "no memory");
    memcpy(copy, text, size);
    return copy;
}

typedef struct verdict {
    fl_json_result result;
    size_t at;
    size_t token;
} verdict;

/* What a scan says of pieces [0, cut) and [cut, size). */
static verdict scan_cut(fl_json_scan *scan, const char *text, size_t size, size_t cut)
{
    char *first = exact(text, cut);
    char *second = exact(text + cut, size - cut);
    fl_json_scan_begin(scan);
    fl_json_result result = fl_json_scan_run(scan, first, cut);
    EXPECT(result != FL_JSON_MORE || scan->at == cut, "MORE, not all looked at");
    if (result == FL_JSON_MORE)
        result = fl_json_scan_run(scan, second, size - cut);
    free(first);
    free(second);
    return (verdict){result, scan->at, scan->token};
}

static verdict scan_bytes(fl_json_scan *scan, const char *text, size_t size)
{
    fl_json_scan_begin(scan);
    fl_json_result result = FL_JSON_MORE;
    for (size_t i = 0; i < size && result == FL_JSON_MORE; i++) {
        char byte = text[i];
        result = fl_json_scan_run(scan, &byte, 1);
    }
    return (verdict){result, scan->at, scan->token};
}

static void same(verdict a, verdict b, const char *how, size_t cut, const char *text)
{
    EXPECT(a.result == b.result && a.at == b.at && a.token == b.token,
           "%s %zu: %d %zu %zu, whole: %d %zu %zu: %s", how, cut, b.result, b.at,
           b.token, a.result, a.at, a.token, text);
}

/* The verdict, after proving that it does not depend on cuts. */
static verdict scan_of(const char *text, size_t size)
{
    fl_json_scan scan = {0};
    verdict whole = scan_cut(&scan, text, size, size);
    for (size_t cut = 0; cut < size; cut++)
        same(whole, scan_cut(&scan, text, size, cut), "cut at", cut, text);
    same(whole, scan_bytes(&scan, text, size), "bytes", 1, text);
    fl_json_scan_free(&scan);
    return whole;
}

/* --- the table --- */

static const char *const valid[] = {
    "{}",
    "{ }",
    "{\t\r }",
    "{\"a\":1}",
    "{\"\":\"\"}",
    "{\"a\":0}",
    "{\"a\":-0}",
    "{\"a\":-1}",
    "{\"a\":0.0}",
    "{\"a\":-0.10e-01}",
    "{\"a\":1e5,\"b\":1E+5,\"c\":0e0}",
    "{\"a\":10203040506070809000}",
    "{\"a\":true,\"b\":false,\"c\":null}",
    "{\"a\":[]}",
    "{\"a\":[ ]}",
    "{\"a\":[1]}",
    "{\"a\":[1,2 , 3]}",
    "{\"a\":[[],[[]],{}]}",
    "{\"a\":{}}",
    "{\"a\":{\"b\":{\"c\":[{}]}}}",
    "{ \"a\" : 1 , \"b\" : [ true ] }",
    "{\"a\":\"}\",\"b\":\"{\",\"c\":\"]\"}",
    "{\"a\\\"b\":\"c\\\\\"}",
    "{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\uabCD\\u00e9\"}",
    "{\"\\u0061\":1}",
    "{\"a\":\"\xc3\xa9\x7f\"}",
    "{\"a\":1,\"a\":2}",
};

START_TEST(table_valid)
{
    for (size_t i = 0; i < sizeof valid / sizeof *valid; i++) {
        size_t size = strlen(valid[i]);
        verdict got = scan_of(valid[i], size);
        EXPECT(got.result == FL_JSON_DONE && got.at == size, "%s: %d at %zu", valid[i],
               got.result, got.at);
        json_error_t error;
        json_t *json = json_loadb(valid[i], size, JSON_DECODE_INT_AS_REAL, &error);
        EXPECT(json, "jansson: %s: %s", valid[i], error.text);
        json_decref(json);
        /* every proper beginning is unfinished, and torn by a line feed */
        char text[128];
        for (size_t k = 0; k < size; k++) {
            memcpy(text, valid[i], k);
            text[k] = '\n';
            got = scan_of(text, k);
            EXPECT(got.result == FL_JSON_MORE && got.at == k, "%.*s", (int)k, text);
            got = scan_of(text, k + 1);
            EXPECT(got.result == FL_JSON_TORN && got.at == k, "%.*s", (int)k, text);
        }
        /* what stands behind is not looked at */
        memcpy(text, valid[i], size);
        memcpy(text + size, "}\x01{\n", 4);
        got = scan_of(text, size + 4);
        EXPECT(got.result == FL_JSON_DONE && got.at == size, "%s and more", valid[i]);
    }
}
END_TEST

/* Where the offending byte is, and where the token that broke off began: 0 where none
 * began. */
static const struct {
    const char *text;
    size_t size;
    size_t at;
    size_t token;
} invalid[] = {
#define BAD(text, at, token)                                                           \
    {                                                                                  \
        text, sizeof text - 1, at, token                                               \
    }
    BAD("a", 0, 0),
    BAD("[", 0, 0),
    BAD(" {}", 0, 0),
    BAD("{{", 1, 0),
    BAD("{,", 1, 0),
    BAD("{:", 1, 0),
    BAD("{]", 1, 0),
    BAD("{1:2}", 1, 0),
    BAD("{a:1}", 1, 0),
    BAD("{'a':1}", 1, 0),
    BAD("{\0}", 1, 0),
    BAD("{\f}", 1, 0),
    BAD("{\xc2\xa0}", 1, 0),
    BAD("{\"a\"}", 4, 1),
    BAD("{\"a\",", 4, 1),
    BAD("{\"a\"1}", 4, 1),
    BAD("{\"a\"::1}", 5, 1),
    BAD("{\"a\":}", 5, 1),
    BAD("{\"a\":,", 5, 1),
    BAD("{\"a\":]", 5, 1),
    BAD("{\"a\":1,}", 7, 5),
    BAD("{\"a\":1,,", 7, 5),
    BAD("{\"a\":1]", 6, 5),
    BAD("{\"a\":1 2", 7, 5),
    BAD("{\"a\":1\"b\"", 6, 5),
    BAD("{\"a\":1:", 6, 5),
    BAD("{\"a\":1,2", 7, 5),
    BAD("{\"a\":[1,]", 8, 6),
    BAD("{\"a\":[,", 6, 1),
    BAD("{\"a\":[1}", 7, 6),
    BAD("{\"a\":[1:", 7, 6),
    BAD("{\"a\":{]", 6, 1),
    BAD("{\"a\":[]]", 7, 1),
    BAD("{\"a\":01", 6, 5),
    BAD("{\"a\":-01", 7, 5),
    BAD("{\"a\":00", 6, 5),
    BAD("{\"a\":-}", 6, 5),
    BAD("{\"a\":--", 6, 5),
    BAD("{\"a\":+1", 5, 1),
    BAD("{\"a\":.5", 5, 1),
    BAD("{\"a\":1.}", 7, 5),
    BAD("{\"a\":1..", 7, 5),
    BAD("{\"a\":1.e5", 7, 5),
    BAD("{\"a\":1.5.5", 8, 5),
    BAD("{\"a\":1e}", 7, 5),
    BAD("{\"a\":1e+}", 8, 5),
    BAD("{\"a\":1e+-", 8, 5),
    BAD("{\"a\":1e5e", 8, 5),
    BAD("{\"a\":1e5.", 8, 5),
    BAD("{\"a\":1x", 6, 5),
    BAD("{\"a\":0x1", 6, 5),
    BAD("{\"a\":1\0", 6, 5),
    BAD("{\"a\":NaN", 5, 1),
    BAD("{\"a\":Infinity", 5, 1),
    BAD("{\"a\":True", 5, 1),
    BAD("{\"a\":tru}", 8, 5),
    BAD("{\"a\":truE", 8, 5),
    BAD("{\"a\":truee", 9, 5),
    BAD("{\"a\":fals\"", 9, 5),
    BAD("{\"a\":nul ", 8, 5),
    BAD("{\"a\":null1", 9, 5),
    BAD("{\"a\":t rue", 6, 5),
    BAD("{\"a\":\"\x01", 6, 5),
    BAD("{\"a\":\"x\x1f", 7, 5),
    BAD("{\"a\":\"\t", 6, 5),
    BAD("{\"a\":\"\r", 6, 5),
    BAD("{\"a\":\"\0", 6, 5),
    BAD("{\"a\x01", 3, 1),
    BAD("{\"a\":\"\\x", 7, 5),
    BAD("{\"a\":\"\\ ", 7, 5),
    BAD("{\"a\":\"\\\0", 7, 5),
    BAD("{\"a\":\"\\U0041", 7, 5),
    BAD("{\"a\":\"\\u004g", 11, 5),
    BAD("{\"a\":\"\\u004\"", 11, 5),
    BAD("{\"a\":\"\\u+041", 8, 5),
    BAD("{\"a\":\"\\u004@", 11, 5),
    BAD("{\"a\":\"\\u004`", 11, 5),
    BAD("{\"a\":\"\\u004G", 11, 5),
    BAD("{\"\\q", 3, 1),
    BAD("{\"\\u00:", 6, 1),
    BAD("{\"a\":/*", 5, 1),
    BAD("{\"a\":\xff", 5, 1),
    /* a record glued behind a torn one begins at the token or behind it */
    BAD("{\"a\":\"x{\"b\":1}", 9, 5),
    BAD("{\"a\":1,\"x{\"b\":1}", 11, 7),
    BAD("{\"a\":1,{\"b\":1}", 7, 5),
    BAD("{\"a\":12{\"b\":1}", 7, 5),
    BAD("{\"a\":tr{\"b\":1}", 7, 5),
    BAD("{\"a\":[1,2{\"b\":1}", 9, 8),
};

START_TEST(table_invalid)
{
    for (size_t i = 0; i < sizeof invalid / sizeof *invalid; i++) {
        verdict got = scan_of(invalid[i].text, invalid[i].size);
        EXPECT(got.result == FL_JSON_BAD && got.at == invalid[i].at &&
                   got.token == invalid[i].token,
               "%s: %d at %zu, token %zu", invalid[i].text, got.result, got.at,
               got.token);
    }
}
END_TEST

START_TEST(liberties)
{
    static const char *const texts[] = {
        "{\"a\":\"\xff\xfe\x80\"}",
        "{\"\xc3\":1}",
        "{\"a\":\"\\ud800\"}",
        "{\"a\":\"\\udc00\\ud800\"}",
        "{\"a\":\"\\u0000\"}",
        "{\"\\u0000\":1}",
        "{\"a\":1e400}",
        "{\"a\":-1e999999999999}",
        "{\"a\":99999999999999999999}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        verdict got = scan_of(texts[i], strlen(texts[i]));
        EXPECT(got.result == FL_JSON_DONE, "%s: %d", texts[i], got.result);
    }
}
END_TEST

/* Far deeper than jansson goes, with arrays and objects by turns, so that each bit of
 * the stack counts; and once more with one bracket of the wrong kind. */
START_TEST(depth)
{
    enum { DEPTH = 50000 };
    fl_buffer text = {0};
    fl_buffer_text(&text, "{\"a\":");
    for (int i = 0; i < DEPTH; i++)
        fl_buffer_text(&text, i % 3 ? "[" : "{\"\":");
    fl_buffer_byte(&text, '0');
    for (int i = DEPTH; i-- > 0;)
        fl_buffer_byte(&text, i % 3 ? ']' : '}');
    fl_buffer_byte(&text, '}');
    fl_json_scan scan = {0};
    for (int round = 0; round < 2; round++) {
        fl_json_scan_begin(&scan);
        ck_assert_int_eq(fl_json_scan_run(&scan, text.data, text.size), FL_JSON_DONE);
        ck_assert_uint_eq(scan.at, text.size);
        ck_assert_uint_eq(scan.depth, 0);
    }
    static const size_t behind[] = {1, 2, 3, 7, 8, 9, 63, 64, 65, 12345, DEPTH};
    for (size_t i = 0; i < sizeof behind / sizeof *behind; i++) {
        char *bracket = text.data + text.size - 1 - behind[i];
        char was = *bracket;
        *bracket = was == ']' ? '}' : ']';
        fl_json_scan_begin(&scan);
        ck_assert_int_eq(fl_json_scan_run(&scan, text.data, text.size), FL_JSON_BAD);
        ck_assert_uint_eq(scan.at, text.size - 1 - behind[i]);
        *bracket = was;
    }
    fl_json_scan_free(&scan);
    fl_buffer_free(&text);
}
END_TEST

/* --- mutations, against jansson --- */

static const char *const seeds[] = {
    "{\"type\":\"IPFIX\",\"bytes\":1500,\"packets\":3,\"src_addr\":\"192.0.2.1\"}",
    "{\"a\":[1,2,3],\"b\":{\"c\":[true,false,null]},\"d\":\"e\"}",
    "{ \"a\" : -0.5e+10 ,\t\"b\" : [ ] , \"c\" : { } }",
    "{\"a\\\"b\\\\\":\"\\u00e9\\ud83d\\ude00\\n\\/\",\"x\":\"\"}",
    "{\"n\":[0,-0,0.0,-1,10,1e5,1E-5,12.25,9007199254740993]}",
    "{\"deep\":[[[[[[{\"a\":[[{}]]}]]]]]]}",
    "{\"k\":\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\",\"\xc3\xa9\":1}",
    "{\"t\":true,\"f\":false,\"n\":null,\"tt\":[true,true]}",
    "{\"as_path\":[64496,64500],\"layer_stack\":[\"Ethernet\",\"IPv4\"]}",
    "{}",
    "{\"\":{\"\":{\"\":\"\"}}}",
    "{\"a\":1}{\"b\":2}",
    "{\"a\":\"{\\\"b\\\":1}\",\"c\":\"}]\"}",
    "{\"a\":1,\"a\":2,\"a\":[{\"a\":3}]}",
    "{\"u\":\"\\u0000\\u001f\\uFFFF\\b\\f\\r\\t\"}",
    "{\"big\":18446744073709551615,\"more\":-9223372036854775808}",
};

/* What a mutation puts in: bytes that mean something here, and a few that do not. */
static const char alphabet[] =
    "{}[]\",:\\ \t\r0123456789-+.eEutrfalsn/b\x01\x1f\x7f\x80\xc3"
    "\xe2\xffxA\0";

static uint64_t random_next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state >> 11;
}

static size_t mutate(char *text, size_t size, size_t room, uint64_t *state)
{
    for (size_t n = 1 + random_next(state) % 3; n > 0; n--) {
        size_t at = random_next(state) % (size + 1);
        char byte = alphabet[random_next(state) % (sizeof alphabet - 1)];
        switch (random_next(state) % 5) {
        case 0: /* another byte */
            if (at < size)
                text[at] = byte;
            break;
        case 1: /* one more */
            if (size < room) {
                memmove(text + at + 1, text + at, size - at);
                text[at] = byte;
                size++;
            }
            break;
        case 2: { /* some less */
            size_t gone = random_next(state) % 4;
            gone = gone < size - at ? gone : size - at;
            memmove(text + at, text + at + gone, size - at - gone);
            size -= gone;
            break;
        }
        case 3: { /* a piece again, elsewhere */
            size_t from = random_next(state) % (size + 1);
            size_t count = random_next(state) % 12;
            count = count < size - from ? count : size - from;
            if (size + count > room)
                break;
            char piece[12];
            memcpy(piece, text + from, count);
            memmove(text + at + count, text + at, size - at);
            memcpy(text + at, piece, count);
            size += count;
            break;
        }
        default: /* torn */
            if (random_next(state) % 4 == 0)
                size = at;
        }
    }
    return size;
}

typedef enum judgement { REFUSED, ACCEPTED, UNFINISHED, NO_JUDGE } judgement;

/* What jansson says; *end is where an accepted value ended. Its verdict is taken from a
 * text that replaces what it does not see as we do: bytes of 0x80 and above, which are
 * UTF-8 or its error, by a letter that no token but a string has; and NUL, which its
 * lexer drops where it puts a byte back, by a control byte. */
static judgement judge(const char *text, size_t size, bool letters, size_t *end)
{
    char copy[512];
    for (size_t i = 0; i < size; i++)
        copy[i] = (char)(text[i] == 0                  ? 1
                         : letters && (text[i] & 0x80) ? 'x'
                                                       : text[i]);
    json_error_t error;
    json_t *json = json_loadb(
        copy, size, JSON_ALLOW_NUL | JSON_DISABLE_EOF_CHECK | JSON_DECODE_INT_AS_REAL,
        &error);
    if (json) {
        *end = (size_t)error.position;
        json_decref(json);
        return ACCEPTED;
    }
    switch (json_error_code(&error)) {
    case json_error_invalid_utf8:
        return letters ? REFUSED : judge(text, size, true, end);
    case json_error_numeric_overflow:
    case json_error_null_byte_in_key:
    case json_error_stack_overflow: return NO_JUDGE;
    case json_error_premature_end_of_input: return UNFINISHED;
    default:
        /* a lone surrogate has no code of its own */
        return strstr(error.text, "invalid Unicode") ? NO_JUDGE : REFUSED;
    }
}

START_TEST(mutations)
{
    enum { ROUNDS = 60000 };
    uint64_t state = 20250315;
    size_t counts[4] = {0};
    fl_json_scan scan = {0};
    for (int i = 0; i < ROUNDS; i++) {
        char text[257];
        const char *seed = seeds[random_next(&state) % (sizeof seeds / sizeof *seeds)];
        size_t size = strlen(seed);
        memcpy(text, seed, size);
        size = mutate(text, size, sizeof text - 1, &state);
        text[size] = 0;
        if (size == 0 || text[0] != '{')
            continue; /* jansson also takes arrays, and blanks before */
        verdict got = scan_cut(&scan, text, size, size);
        size_t cut = random_next(&state) % size;
        same(got, scan_cut(&scan, text, size, cut), "cut at", cut, text);
        same(got, scan_bytes(&scan, text, size), "bytes", 1, text);
        size_t end = 0;
        judgement want = judge(text, size, false, &end);
        counts[want]++;
        if (want == NO_JUDGE)
            continue;
        EXPECT((want == ACCEPTED) == (got.result == FL_JSON_DONE), "%d, jansson %d: %s",
               got.result, want, text);
        EXPECT(want != ACCEPTED || got.at == end, "ends at %zu, jansson %zu: %s",
               got.at, end, text);
        /* the other way it does not hold: jansson reads a whole token before it asks
         * whether one may stand there */
        EXPECT(got.result != FL_JSON_BAD || got.at < size, "BAD, but at no byte: %s",
               text);
    }
    fl_json_scan_free(&scan);
    /* the fuzz is worth something only while all verdicts are common */
    ck_assert_uint_gt(counts[ACCEPTED], ROUNDS / 10);
    ck_assert_uint_gt(counts[REFUSED], ROUNDS / 10);
    ck_assert_uint_gt(counts[UNFINISHED], ROUNDS / 100);
    ck_assert_uint_lt(counts[NO_JUDGE], ROUNDS / 50);
}
END_TEST

/* --- members --- */

static void check_members(const char *text, const char *const *want)
{
    size_t size = strlen(text);
    char *copy = exact(text, size);
    fl_json_cursor cursor = fl_json_open(copy, size);
    fl_json_span key;
    fl_json_span value;
    for (; *want; want += 2) {
        EXPECT(fl_json_next_member(&cursor, &key, &value), "%s: no %s", text, want[0]);
        EXPECT(key.size == strlen(want[0]) && memcmp(key.data, want[0], key.size) == 0,
               "%s: key %.*s", text, (int)key.size, key.data);
        EXPECT(value.size == strlen(want[1]) &&
                   memcmp(value.data, want[1], value.size) == 0,
               "%s: value %.*s", text, (int)value.size, value.data);
    }
    EXPECT(!fl_json_next_member(&cursor, &key, &value), "%s: more", text);
    EXPECT(!fl_json_next_member(&cursor, &key, &value), "%s: more later", text);
    free(copy);
}

START_TEST(members)
{
#define MEMBERS(text, ...) check_members(text, (const char *const[]){__VA_ARGS__, NULL})
    check_members("{}", (const char *const[]){NULL});
    check_members("{ \t\r}", (const char *const[]){NULL});
    MEMBERS("{\"a\":1}", "\"a\"", "1");
    MEMBERS("{\"\":\"\"}", "\"\"", "\"\"");
    MEMBERS("{ \"a\" : -1.5e3 , \"b\" :\ttrue\r}", "\"a\"", "-1.5e3", "\"b\"", "true");
    MEMBERS("{\"a\":null,\"b\":false}", "\"a\"", "null", "\"b\"", "false");
    MEMBERS("{\"a,b\":\"c:d\",\"}\":\"]\"}", "\"a,b\"", "\"c:d\"", "\"}\"", "\"]\"");
    MEMBERS("{\"a\\\"\":\"\\\\\",\"b\":\"\\\\\\\"\"}", "\"a\\\"\"", "\"\\\\\"", "\"b\"",
            "\"\\\\\\\"\"");
    MEMBERS("{\"a\":[1,[2],{\"b\":\"]}\"}],\"c\":{\"d\":{}}}", "\"a\"",
            "[1,[2],{\"b\":\"]}\"}]", "\"c\"", "{\"d\":{}}");
    MEMBERS("{\"a\":[ ],\"b\":{ } }", "\"a\"", "[ ]", "\"b\"", "{ }");
    MEMBERS("{\"a\":1,\"a\":2}", "\"a\"", "1", "\"a\"", "2");
}
END_TEST

START_TEST(elements)
{
    const char *text = "[ 1,\"a,]\" ,[2,3],{\"k\":4} , null]";
    static const char *const want[] = {"1", "\"a,]\"", "[2,3]", "{\"k\":4}", "null"};
    fl_json_cursor cursor = fl_json_open(text, strlen(text));
    fl_json_span element;
    for (size_t i = 0; i < 5; i++) {
        ck_assert(fl_json_next_element(&cursor, &element));
        ck_assert_uint_eq(element.size, strlen(want[i]));
        ck_assert_mem_eq(element.data, want[i], element.size);
    }
    ck_assert(!fl_json_next_element(&cursor, &element));
    cursor = fl_json_open("[]", 2);
    ck_assert(!fl_json_next_element(&cursor, &element));
    cursor = fl_json_open("[ ]", 3);
    ck_assert(!fl_json_next_element(&cursor, &element));
}
END_TEST

/* --- strings --- */

START_TEST(strings)
{
    static const struct {
        const char *text;
        const char *want;
        size_t want_size;
        bool borrowed; /* stays where it stands */
    } table[] = {
#define STRING(text, want, borrowed) {text, want, sizeof want - 1, borrowed}
        STRING("\"\"", "", true),
        STRING("\"abc\"", "abc", true),
        STRING("\"\xff\"", "\xff", true),
        STRING("\"\\n\"", "\n", false),
        STRING("\"a\\\"\\\\\\/\\b\\f\\r\\tz\"", "a\"\\/\b\f\r\tz", false),
        STRING("\"\\u0041\"", "A", false),
        STRING("\"\\u00e9\\u20AC\\ud83d\\ude00\"",
               "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", false),
        STRING("\"\\u0000\"", "\0", false),
        STRING("\"a\\u0000b\"", "a\0b", false),
        STRING("\"\\ud800\"", "\\ud800", true),
        STRING("\"x\\udc00y\"", "x\\udc00y", true),
        STRING("\"\\n\xff\"", "\\n\xff", true),
    };
    char *scratch = malloc(1024);
    size_t used = 0;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        size_t size = strlen(table[i].text);
        size_t before = used;
        fl_json_span got =
            fl_json_string((fl_json_span){table[i].text, size}, scratch, &used);
        EXPECT(got.size == table[i].want_size &&
                   memcmp(got.data, table[i].want, got.size) == 0,
               "%s: %.*s", table[i].text, (int)got.size, got.data);
        EXPECT(table[i].borrowed == (used == before), "%s: scratch", table[i].text);
        EXPECT(used - before <= size, "%s: room", table[i].text);
    }
    free(scratch);
}
END_TEST

static Suite *suite_of(void)
{
    Suite *suite = suite_create("json");
    TCase *tests = tcase_create("json");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, table_valid);
    tcase_add_test(tests, table_invalid);
    tcase_add_test(tests, liberties);
    tcase_add_test(tests, depth);
    tcase_add_test(tests, mutations);
    tcase_add_test(tests, members);
    tcase_add_test(tests, elements);
    tcase_add_test(tests, strings);
    suite_add_tcase(suite, tests);
    return suite;
}

FL_UNIT_MAIN(suite_of)
