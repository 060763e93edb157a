/* Framing: what is a record and what is a reject, and that neither depends on where the
 * input is cut, nor on how much a batch takes. */
#include "flowan/parser.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "batch.h"
#include "memory.h"
#include "render.h"
#include "unit.h"

#define EXPECT(condition, ...)                                                         \
    do {                                                                               \
        if (!(condition))                                                              \
            ck_abort_msg(__VA_ARGS__);                                                 \
    } while (0)

/* --- a run: an input fed in some way, and all that came of it --- */

typedef struct item {
    char what; /* R record, J junk, S syntax, T torn, L too long */
    bool continued;
    uint64_t offset;
    size_t size;
} item;

typedef struct run {
    const char *label;
    const char *input;
    size_t size;
    flowan_parser *parser;
    flowan_batch *batch;
    size_t fed;    /* bytes of the input that the parser took */
    uint64_t next; /* behind the last item */
    item *items;
    size_t count;
    size_t room;
    uint64_t marks[64]; /* positions at the first FULLs */
    size_t fulls;
} run;

static bool blank_between(const char *text, uint64_t from, uint64_t to)
{
    for (uint64_t i = from; i < to; i++)
        if (!strchr(" \t\r\n", text[i]) || !text[i])
            return false;
    return true;
}

static flowan_batch *new_batch(uint32_t capacity)
{
    flowan_batch_options options = {.size = sizeof options, .capacity = capacity};
    flowan_batch *batch;
    EXPECT(flowan_batch_new(&batch, &options, NULL) == FLOWAN_OK, "no batch");
    return batch;
}

static flowan_parser *new_parser(uint32_t limit)
{
    flowan_parser_options options = {.size = sizeof options, .record_limit = limit};
    flowan_parser *parser;
    EXPECT(flowan_parser_new(&parser, &options, NULL) == FLOWAN_OK, "no parser");
    return parser;
}

static void take_item(run *r, item taken, const char *data)
{
    EXPECT(taken.offset >= r->next && taken.offset + taken.size <= r->size &&
               blank_between(r->input, r->next, taken.offset),
           "%s: %c at %llu, behind %llu", r->label, taken.what,
           (unsigned long long)taken.offset, (unsigned long long)r->next);
    EXPECT(taken.size > 0 && memcmp(data, r->input + taken.offset, taken.size) == 0,
           "%s: %c at %llu: other bytes", r->label, taken.what,
           (unsigned long long)taken.offset);
    EXPECT(!taken.continued || taken.offset == r->next, "%s: continues nothing",
           r->label);
    if (r->count == r->room) {
        r->room = r->room ? r->room * 2 : 64;
        r->items = realloc(r->items, r->room * sizeof *r->items);
    }
    r->items[r->count++] = taken;
    r->next = taken.offset + taken.size;
}

/* Takes the batch away, records and rejects in the order of their offsets. */
static void take_batch(run *r)
{
    size_t row = 0;
    size_t at = 0;
    fl_buffer text = {0};
    for (;;) {
        flowan_reject reject;
        bool has_reject = flowan_batch_reject(r->batch, at, &reject);
        bool has_row = row < flowan_batch_rows(r->batch);
        if (!has_reject && !has_row)
            break;
        if (has_row && (!has_reject || r->batch->offset_of_row[row] < reject.offset)) {
            fl_buffer_clear(&text);
            fl_render_row(&text, r->batch, row);
            item record = {'R', false, r->batch->offset_of_row[row], text.size};
            EXPECT(text.size == r->batch->size_of_row[row], "%s: size", r->label);
            take_item(r, record, text.data);
            row++;
        } else {
            item bad = {"?JSTL"[reject.reason], reject.continued, reject.offset,
                        reject.size};
            EXPECT(reject.size <= FL_REJECT_PIECE_SIZE, "%s: long piece", r->label);
            take_item(r, bad, reject.data);
            at++;
        }
    }
    fl_buffer_free(&text);
    flowan_batch_reset(r->batch);
}

static void check_position(const run *r)
{
    flowan_position position = flowan_parser_position(r->parser);
    EXPECT(position.offset <= r->fed && position.offset >= r->next &&
               blank_between(r->input, r->next, position.offset),
           "%s: position %llu", r->label, (unsigned long long)position.offset);
    EXPECT(position.content_hash == XXH3_64bits(r->input, position.offset),
           "%s: hash before %llu", r->label, (unsigned long long)position.offset);
}

static void feed_piece(run *r, size_t to)
{
    size_t size = to - r->fed;
    /* a block of just that size, so that a sanitizer sees a step beyond */
    char *piece = malloc(size ? size : 1);
    memcpy(piece, r->input + r->fed, size);
    size_t begin = r->fed;
    size_t at = 0;
    for (;;) {
        size_t used = 12345;
        flowan_error error;
        flowan_status status = flowan_parser_feed(r->parser, piece + at, size - at,
                                                  r->batch, &used, &error);
        EXPECT(used <= size - at, "%s: used %zu", r->label, used);
        at += used;
        r->fed = begin + at;
        if (status == FLOWAN_OK) {
            EXPECT(at == size, "%s: OK, %zu of %zu", r->label, at, size);
            break;
        }
        EXPECT(status == FLOWAN_FULL, "%s: status %d", r->label, status);
        EXPECT(flowan_batch_rows(r->batch) + flowan_batch_rejects(r->batch) > 0,
               "%s: an empty batch is full", r->label);
        take_batch(r);
        check_position(r);
        if (r->fulls < sizeof r->marks / sizeof *r->marks)
            r->marks[r->fulls] = flowan_parser_position(r->parser).offset;
        r->fulls++;
    }
    free(piece);
}

static void end_run(run *r)
{
    EXPECT(flowan_parser_finish(r->parser, r->batch, NULL) == FLOWAN_OK, "%s: finish",
           r->label);
    take_batch(r);
    check_position(r);
    EXPECT(flowan_parser_position(r->parser).offset == r->size, "%s: the end",
           r->label);
    EXPECT(blank_between(r->input, r->next, r->size), "%s: lost %llu to the end",
           r->label, (unsigned long long)r->next);
}

/* Feeds in pieces of `step` bytes, the first of them `first` bytes long. */
static run run_cut(const char *label, const char *input, size_t size, uint32_t limit,
                   uint32_t capacity, size_t first, size_t step)
{
    run r = {.label = label,
             .input = input,
             .size = size,
             .parser = new_parser(limit),
             .batch = new_batch(capacity)};
    feed_piece(&r, first < size ? first : size);
    while (r.fed < size)
        feed_piece(&r, size - r.fed < step ? size : r.fed + step);
    end_run(&r);
    return r;
}

static void free_run(run *r)
{
    flowan_parser_free(r->parser);
    flowan_batch_free(r->batch);
    free(r->items);
    *r = (run){0};
}

static void same_items(const run *a, size_t skipped, const run *b, const char *how,
                       size_t n)
{
    EXPECT(a->count - skipped == b->count, "%s, %s %zu: %zu items, not %zu", a->label,
           how, n, b->count, a->count - skipped);
    for (size_t i = 0; i < b->count; i++) {
        item x = a->items[skipped + i];
        item y = b->items[i];
        EXPECT(x.what == y.what && x.continued == y.continued && x.offset == y.offset &&
                   x.size == y.size,
               "%s, %s %zu: item %zu: %c %llu+%zu, not %c %llu+%zu", a->label, how, n,
               i, y.what, (unsigned long long)y.offset, y.size, x.what,
               (unsigned long long)x.offset, x.size);
    }
}

/* A new parser that skips to where a batch was full finds what the old one found behind
 * it. `whole` is the run without FULLs, `r` the one with them. */
static void check_resumes(const run *whole, const run *r, uint32_t limit)
{
    for (size_t i = 0; i < r->fulls && i < sizeof r->marks / sizeof *r->marks; i++) {
        size_t mark = (size_t)r->marks[i];
        run rest = {.label = r->label,
                    .input = r->input,
                    .size = r->size,
                    .parser = new_parser(limit),
                    .batch = new_batch(0),
                    .fed = mark,
                    .next = mark};
        size_t half = mark / 2;
        EXPECT(flowan_parser_skip(rest.parser, r->input, half, NULL) == FLOWAN_OK &&
                   flowan_parser_skip(rest.parser, r->input + half, mark - half,
                                      NULL) == FLOWAN_OK,
               "%s: skip", r->label);
        feed_piece(&rest, r->size);
        end_run(&rest);
        size_t skipped = 0;
        while (skipped < whole->count && whole->items[skipped].offset < mark)
            skipped++;
        same_items(whole, skipped, &rest, "resumed at", mark);
        free_run(&rest);
    }
}

/* The same input in every way of cutting it. */
static void check_cuts(const run *whole, uint32_t limit)
{
    static const uint32_t capacities[] = {0, 1, 2};
    for (size_t c = 0; c < 3; c++) {
        for (size_t cut = 0; cut <= whole->size; cut++) {
            run r = run_cut(whole->label, whole->input, whole->size, limit,
                            capacities[c], cut, whole->size);
            same_items(whole, 0, &r, "cut at", cut);
            if (cut == whole->size)
                check_resumes(whole, &r, limit);
            free_run(&r);
        }
        for (size_t step = 1; step <= 3; step++) {
            run r = run_cut(whole->label, whole->input, whole->size, limit,
                            capacities[c], step, step);
            same_items(whole, 0, &r, "in steps of", step);
            free_run(&r);
        }
    }
}

/* --- the table --- */

/* `want` lists the items, '~' before each: its letter, then its bytes. */
static const struct {
    const char *label;
    uint32_t limit;
    const char *input;
    size_t size;
    const char *want;
    size_t want_size;
} table[] = {
#define LIMITED(limit, label, input, want)                                             \
    {                                                                                  \
        label, limit, input, sizeof input - 1, want, sizeof want - 1                   \
    }
#define ROW(label, input, want) LIMITED(0, label, input, want)
    ROW("nothing", "", ""),
    ROW("a line feed", "\n", ""),
    ROW("blanks", " \t\r\n\n \n", ""),
    ROW("one object", "{\"a\":1}\n", "~R{\"a\":1}"),
    ROW("no line feed at the end", "{\"a\":1}", "~R{\"a\":1}"),
    ROW("empty objects", "{}{ }\n{}", "~R{}~R{ }~R{}"),
    ROW("several on a line", "{\"a\":1}{\"b\":2} {\"c\":3}\n{\"d\":4}\n",
        "~R{\"a\":1}~R{\"b\":2}~R{\"c\":3}~R{\"d\":4}"),
    ROW("two objects, then a blank line", "{\"a\":1}{\"b\":2}\n\n{\"c\":3}\n",
        "~R{\"a\":1}~R{\"b\":2}~R{\"c\":3}"),
    ROW("CR LF", "{\"a\":1}\r\n\r\n{\"b\":2}\r\n", "~R{\"a\":1}~R{\"b\":2}"),
    ROW("blanks around", "  {\"a\":1} \t\n\t{\"b\":2}\r", "~R{\"a\":1}~R{\"b\":2}"),
    ROW("blanks inside", "{ \"a\" : [ 1 , 2 ] }\n", "~R{ \"a\" : [ 1 , 2 ] }"),
    ROW("CR inside", "{\"a\":\r1}\n", "~R{\"a\":\r1}"),
    ROW("kept exactly", "{\"bytes\":1.0,\"a\":\"\\u0041\",\"a\":2}\n{\"bytes\":1}\n",
        "~R{\"bytes\":1.0,\"a\":\"\\u0041\",\"a\":2}~R{\"bytes\":1}"),
    ROW("braces in strings", "{\"a\":\"}{\",\"{\":\"\\\"}\"}{\"b\":{}}\n",
        "~R{\"a\":\"}{\",\"{\":\"\\\"}\"}~R{\"b\":{}}"),
    /* torn by a line feed, by the end */
    ROW("torn tail", "{\"a\":1}\n{\"b\":2", "~R{\"a\":1}~T{\"b\":2"),
    ROW("torn in its brace", "{", "~T{"),
    ROW("torn in a string", "{\"a\":\"xy", "~T{\"a\":\"xy"),
    ROW("torn in an escape", "{\"a\":\"\\u00", "~T{\"a\":\"\\u00"),
    ROW("torn tail, blanks", "{\"a\":1,  ", "~T{\"a\":1,  "),
    ROW("a line feed inside", "{\"a\":1,\n\"b\":2}\n{\"c\":3}\n",
        "~T{\"a\":1,~J\"b\":2}~R{\"c\":3}"),
    ROW("a line feed in a string", "{\"a\":\"x\ny\"}\n{\"c\":3}\n",
        "~T{\"a\":\"x~Jy\"}~R{\"c\":3}"),
    ROW("pretty printed", "{\n  \"a\": {\n    \"b\": 1\n  }\n}\n",
        "~T{~J\"a\": ~T{~J\"b\": 1~J}~J}"),
    ROW("torn before CR LF", "{\"a\":1\r\n{\"c\":3}\n", "~T{\"a\":1\r~R{\"c\":3}"),
    ROW("torn, with an inner object", "{\"a\":{\"b\":1},\n{\"c\":3}\n",
        "~T{\"a\":{\"b\":1},~R{\"c\":3}"),
    /* a record glued behind a torn one */
    ROW("glued in a string", "{\"a\":\"xy{\"b\":2}\n", "~S{\"a\":\"xy~R{\"b\":2}"),
    ROW("glued at a string's quote", "{\"a\":\"{\"b\":2}\n", "~S{\"a\":\"~R{\"b\":2}"),
    ROW("glued in a string that has a brace", "{\"a\":\"x{y{\"b\":2}\n",
        "~S{\"a\":\"x~S{y~R{\"b\":2}"),
    ROW("glued in an escape", "{\"a\":\"x\\{\"b\":2}\n", "~S{\"a\":\"x\\~R{\"b\":2}"),
    ROW("glued in a \\u", "{\"a\":\"x\\u00{\"b\":2}\n", "~S{\"a\":\"x\\u00~R{\"b\":2}"),
    ROW("glued in a key", "{\"a\":1,\"k{\"b\":2}\n", "~S{\"a\":1,\"k~R{\"b\":2}"),
    ROW("glued behind a key", "{\"a\"{\"b\":2}\n", "~S{\"a\"~R{\"b\":2}"),
    ROW("glued after a comma", "{\"a\":1,{\"b\":2}\n", "~S{\"a\":1,~R{\"b\":2}"),
    ROW("glued in a number", "{\"a\":12{\"b\":2}\n", "~S{\"a\":12~R{\"b\":2}"),
    ROW("glued behind a point", "{\"a\":1.{\"b\":2}\n", "~S{\"a\":1.~R{\"b\":2}"),
    ROW("glued in a literal", "{\"a\":tr{\"b\":2}\n", "~S{\"a\":tr~R{\"b\":2}"),
    ROW("glued behind a value", "{\"a\":\"x\"{\"b\":2}\n", "~S{\"a\":\"x\"~R{\"b\":2}"),
    ROW("glued behind a brace", "{{\"b\":2}\n", "~S{~R{\"b\":2}"),
    ROW("glued behind an inner object", "{\"a\":{\"x\":0}{\"b\":2}\n",
        "~S{\"a\":{\"x\":0}~R{\"b\":2}"),
    ROW("glued behind blanks", "{\"a\":1   {\"b\":2}\n", "~S{\"a\":1   ~R{\"b\":2}"),
    ROW("glued twice", "{\"a\":\"x{\"b\":1{\"c\":3}{\"d\":4}\n",
        "~S{\"a\":\"x~S{\"b\":1~R{\"c\":3}~R{\"d\":4}"),
    ROW("glued to the last", "{\"a\":\"x{\"b\":2}", "~S{\"a\":\"x~R{\"b\":2}"),
    ROW("torn twice, then the end", "{\"a\":\"x{\"b\":2", "~S{\"a\":\"x~T{\"b\":2"),
    /* broken grammar */
    ROW("a member without a value", "{\"a\":,\"b\":2}\n{\"c\":3}\n",
        "~S{\"a\":,\"b\":2}~R{\"c\":3}"),
    ROW("a comma too much", "{\"a\":1,}{\"c\":3}\n", "~S{\"a\":1,}~R{\"c\":3}"),
    ROW("a brace too much", "{\"a\":1}}\n{\"c\":3}\n", "~R{\"a\":1}~J}~R{\"c\":3}"),
    ROW("a tab in a string", "{\"a\":\"\t\"}\n{\"c\":3}\n",
        "~S{\"a\":\"\t\"}~R{\"c\":3}"),
    ROW("closed by the wrong bracket", "{\"a\":[1}\n{\"c\":3}\n",
        "~S{\"a\":[1}~R{\"c\":3}"),
    ROW("braces only", "{{{{", "~S{~S{~S{~T{"),
    ROW("broken, then an inner object", "{\"a\":{\"b\":1},}{\"c\":3}\n",
        "~S{\"a\":{\"b\":1},}~R{\"c\":3}"),
    /* junk */
    ROW("junk", "panic: out of range\n", "~Jpanic: out of range"),
    ROW("junk without a line feed", "junk", "~Jjunk"),
    ROW("one byte", "x", "~Jx"),
    ROW("junk, then a record on the line", "level=error {\"a\":1}\n",
        "~Jlevel=error ~R{\"a\":1}"),
    ROW("junk between records", "{\"a\":1}junk{\"b\":2}\n",
        "~R{\"a\":1}~Jjunk~R{\"b\":2}"),
    ROW("junk with blanks", "{\"a\":1} j k \n{\"b\":2}\n",
        "~R{\"a\":1}~Jj k ~R{\"b\":2}"),
    ROW("commas between", "{\"a\":1},\n{\"b\":2}\n", "~R{\"a\":1}~J,~R{\"b\":2}"),
    ROW("an array", "[]\n[ ] \n[1,2]\n", "~J[]~J[ ] ~J[1,2]"),
    ROW("an array of records", "[{\"a\":1},{\"b\":2}]\n",
        "~J[~R{\"a\":1}~J,~R{\"b\":2}~J]"),
    ROW("other JSON", "1\n\"a\"\nnull\n", "~J1~J\"a\"~Jnull"),
    ROW("junk with braces", "}}{{\n", "~J}}~S{~T{"),
    ROW("junk, CR LF", "junk\r\n{\"a\":1}\r\n", "~Jjunk\r~R{\"a\":1}"),
    ROW("a byte order mark", "\xef\xbb\xbf{\"a\":1}\n", "~J\xef\xbb\xbf~R{\"a\":1}"),
    ROW("NULs", "\0\0\0{\"a\":1}\0\n\0\n{\"b\":2}\n",
        "~J\0\0\0~R{\"a\":1}~J\0~J\0~R{\"b\":2}"),
    ROW("NULs in a record", "{\"a\":\0}\n{\"b\":\"\0\"}\n{\"c\":3}\n",
        "~S{\"a\":\0}~S{\"b\":\"\0\"}~R{\"c\":3}"),
    ROW("other blanks are none", "\f{\"a\":1}\v\n", "~J\f~R{\"a\":1}~J\v"),
    /* the limit */
    LIMITED(7, "just the limit", "{\"a\":1}\n{\"a\":12}\n{\"a\":1}\n",
            "~R{\"a\":1}~L{\"a\":12}~R{\"a\":1}"),
    LIMITED(7, "too long at the end", "{\"a\":12}", "~L{\"a\":12}"),
    LIMITED(7, "too long and torn", "{\"a\":\"xxxxxxxxxxx\n{\"a\":1}\n",
            "~L{\"a\":\"xxxxxxxxxxx~R{\"a\":1}"),
    LIMITED(7, "too long, with objects", "{\"a\":{\"b\":1}}{\"c\":3}\n{\"a\":1}\n",
            "~L{\"a\":{\"b\":1}}{\"c\":3}~R{\"a\":1}"),
    LIMITED(7, "torn just at the limit", "{\"a\":12\n{\"a\":1}\n",
            "~L{\"a\":12~R{\"a\":1}"),
    LIMITED(8, "torn below the limit", "{\"a\":12\n{\"a\":1}\n",
            "~T{\"a\":12~R{\"a\":1}"),
    LIMITED(1, "a limit of one", "{}\n{\"a\":1}\nx\n", "~L{}~L{\"a\":1}~Jx"),
    LIMITED(2, "a limit of two", "{}{}\n{ }\n", "~R{}~R{}~L{ }"),
};

START_TEST(framing)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        run whole = run_cut(table[i].label, table[i].input, table[i].size,
                            table[i].limit, 0, table[i].size, 1);
        ck_assert_uint_eq(whole.fulls, 0);
        fl_buffer got = {0};
        for (size_t k = 0; k < whole.count; k++) {
            fl_buffer_byte(&got, '~');
            fl_buffer_byte(&got, whole.items[k].what);
            fl_buffer_append(&got, table[i].input + whole.items[k].offset,
                             whole.items[k].size);
        }
        EXPECT(got.size == table[i].want_size &&
                   (got.size == 0 || memcmp(got.data, table[i].want, got.size) == 0),
               "%s: %.*s", table[i].label, (int)got.size, got.data);
        fl_buffer_free(&got);
        check_cuts(&whole, table[i].limit);
        free_run(&whole);
    }
}
END_TEST

/* The whole table as one input, in pieces of many sizes. Each entry ends with a line
 * feed here, so it may read otherwise than alone: only the cuts are compared. */
START_TEST(framing_together)
{
    fl_buffer all = {0};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        fl_buffer_append(&all, table[i].input, table[i].size);
        fl_buffer_byte(&all, '\n');
    }
    run whole = run_cut("all", all.data, all.size, 0, 0, all.size, 1);
    ck_assert_uint_gt(whole.count, 100);
    for (size_t step = 1; step < 300; step++) {
        run r = run_cut("all", all.data, all.size, 0, (uint32_t)(step % 7), step, step);
        same_items(&whole, 0, &r, "in steps of", step);
        free_run(&r);
    }
    run ones = run_cut("all", all.data, all.size, 0, 1, all.size, 1);
    same_items(&whole, 0, &ones, "capacity", 1);
    ck_assert_uint_gt(ones.fulls, 50);
    check_resumes(&whole, &ones, 0);
    free_run(&ones);
    free_run(&whole);
    fl_buffer_free(&all);
}
END_TEST

/* --- the sample of oddities --- */

static char *load(const char *name, size_t *size)
{
    const char *directory = getenv("FLOWAN_TEST_DATA");
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", directory ? directory : "tests/data", name);
    FILE *file = fopen(path, "rb");
    EXPECT(file, "cannot open %s", path);
    fseek(file, 0, SEEK_END);
    *size = (size_t)ftell(file);
    rewind(file);
    char *data = malloc(*size);
    EXPECT(fread(data, 1, *size, file) == *size, "cannot read %s", path);
    fclose(file);
    return data;
}

START_TEST(odd)
{
    size_t size;
    char *data = load("odd.json", &size);
    run whole = run_cut("odd.json", data, size, 0, 0, size, 1);
    size_t counts[128] = {0};
    for (size_t i = 0; i < whole.count; i++)
        counts[(size_t)whole.items[i].what]++;
    ck_assert_uint_eq(counts['R'], 52);
    ck_assert_uint_eq(counts['J'], 3);
    ck_assert_uint_eq(counts['S'], 3);
    ck_assert_uint_eq(counts['T'], 2);
    ck_assert_uint_eq(counts['L'], 0);
    static const size_t steps[] = {1, 2, 3, 7, 64, 100, 511, 1000, 4096};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        run r =
            run_cut("odd.json", data, size, 0, (uint32_t)(i % 3), steps[i], steps[i]);
        same_items(&whole, 0, &r, "in steps of", steps[i]);
        free_run(&r);
    }
    run ones = run_cut("odd.json", data, size, 0, 1, size, 1);
    same_items(&whole, 0, &ones, "capacity", 1);
    ck_assert_uint_eq(ones.fulls, 51);
    check_resumes(&whole, &ones, 0);
    free_run(&ones);
    free_run(&whole);
    free(data);
}
END_TEST

/* --- large inputs --- */

/* A long reject comes in pieces, which are cut at the same bytes however it is fed. */
static void check_pieces(const char *label, char what, const char *head, char fill,
                         size_t size, uint32_t limit)
{
    size_t head_size = strlen(head);
    char *input = malloc(size + 9);
    memcpy(input, head, head_size);
    memset(input + head_size, fill, size - head_size);
    memcpy(input + size, "\n{\"a\":1}\n", 9);
    static const size_t steps[] = {SIZE_MAX, 1000, 4096, 65535, 65536, 65537, 70001};
    run whole = {0};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        size_t step = steps[i] < size + 9 ? steps[i] : size + 9;
        run r = run_cut(label, input, size + 9, limit, 0, step, step);
        size_t pieces = (size + FL_REJECT_PIECE_SIZE - 1) / FL_REJECT_PIECE_SIZE;
        EXPECT(r.count == pieces + 1, "%s, %zu bytes: %zu items", label, size, r.count);
        for (size_t k = 0; k < pieces; k++) {
            EXPECT(r.items[k].what == what && r.items[k].continued == (k > 0),
                   "%s: piece %zu", label, k);
            EXPECT(r.items[k].offset == k * FL_REJECT_PIECE_SIZE, "%s: piece %zu",
                   label, k);
        }
        EXPECT(r.items[pieces].what == 'R', "%s: the record behind", label);
        if (i == 0) {
            whole = r;
            continue;
        }
        same_items(&whole, 0, &r, "in steps of", step);
        free_run(&r);
    }
    free_run(&whole);
    free(input);
}

START_TEST(pieces)
{
    static const size_t sizes[] = {65535, 65536, 65537, 131071, 131072, 131073, 300000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        check_pieces("junk", 'J', "x", 'x', sizes[i], 0);
        check_pieces("NULs", 'J', "x", 0, sizes[i], 0);
        check_pieces("torn", 'T', "{\"a\":\"", 'x', sizes[i], 0);
        check_pieces("torn, full of braces", 'T', "{\"a\":\"", '{', sizes[i], 0);
        check_pieces("too long", 'L', "{\"a\":\"", 'x', sizes[i], 1000);
        check_pieces("too long, full of braces", 'L', "{\"a\":\"", '{', sizes[i], 1000);
        check_pieces("too long by itself", 'L', "{\"a\":\"", 'x', sizes[i], 65530);
        check_pieces("syntax", 'S', "{,", 'x', sizes[i], 0);
    }
}
END_TEST

/* As above, at the end of the input. */
START_TEST(pieces_at_the_end)
{
    enum { SIZE = 3 * FL_REJECT_PIECE_SIZE + 5 };
    char *input = malloc(SIZE);
    static const char *const heads[] = {"x", "{\"a\":\"", "{,"};
    for (size_t i = 0; i < 3; i++) {
        memset(input, 'x', SIZE);
        memcpy(input, heads[i], strlen(heads[i]));
        static const size_t steps[] = {SIZE, 999, 65536};
        for (size_t k = 0; k < 3; k++) {
            run r = run_cut("tail", input, SIZE, 0, 0, steps[k], steps[k]);
            ck_assert_uint_eq(r.count, 4);
            for (size_t n = 0; n < 4; n++) {
                ck_assert_int_eq(r.items[n].what, "JTS"[i]);
                ck_assert_int_eq(r.items[n].continued, n > 0);
                ck_assert_uint_eq(r.items[n].size, n < 3 ? FL_REJECT_PIECE_SIZE : 5);
            }
            free_run(&r);
        }
    }
    free(input);
}
END_TEST

/* A mebibyte of '{': a reject each, and the batch is full of them again and again. */
START_TEST(braces)
{
    enum { SIZE = 1 << 20 };
    char *input = malloc(SIZE);
    memset(input, '{', SIZE);
    static const size_t steps[] = {SIZE, 1, 65536};
    for (size_t i = 0; i < 3; i++) {
        run r = run_cut("braces", input, SIZE, 0, 0, steps[i], steps[i]);
        ck_assert_uint_eq(r.count, SIZE);
        ck_assert_int_eq(r.items[0].what, 'S');
        ck_assert_int_eq(r.items[SIZE - 1].what, 'T');
        ck_assert_uint_ge(r.fulls, SIZE / (FL_REJECTS_SIZE / 64) - 1);
        free_run(&r);
    }
    free(input);
}
END_TEST

/* A long string of braces, held over two feeds, that then breaks: each brace begins an
 * object anew. Squares of a megabyte would run into the time limit of the test. */
START_TEST(braces_held)
{
    enum { SIZE = 1000000 };
    char *input = malloc(SIZE);
    memset(input, '{', SIZE);
    memcpy(input, "{\"a\":\"", 6);
    input[SIZE - 1] = 1;
    static const size_t steps[] = {SIZE - 1, 1, 4096};
    for (size_t i = 0; i < 3; i++) {
        run r = run_cut("held", input, SIZE, 0, 0, steps[i], steps[i]);
        ck_assert_uint_eq(r.count, SIZE - 6);
        free_run(&r);
    }
    free(input);
}
END_TEST

START_TEST(deep)
{
    enum { DEPTH = 200000 };
    fl_buffer input = {0};
    fl_buffer_text(&input, "{\"a\":");
    for (int i = 0; i < DEPTH; i++)
        fl_buffer_byte(&input, '[');
    for (int i = 0; i < DEPTH; i++)
        fl_buffer_byte(&input, ']');
    fl_buffer_text(&input, "}{\"b\":1}");
    static const size_t steps[] = {SIZE_MAX, 1, 1000};
    for (size_t i = 0; i < 3; i++) {
        size_t step = steps[i] < input.size ? steps[i] : input.size;
        run r = run_cut("deep", input.data, input.size, 0, 0, step, step);
        ck_assert_uint_eq(r.count, 2);
        ck_assert_int_eq(r.items[0].what, 'R');
        ck_assert_uint_eq(r.items[0].size, 2 * DEPTH + 6);
        free_run(&r);
    }
    fl_buffer_free(&input);
}
END_TEST

/* Records around the default limit, and at the highest one. */
START_TEST(limits)
{
    for (size_t size = (1 << 20) - 1; size <= (1 << 20) + 1; size++) {
        char *input = malloc(size);
        memset(input, 'x', size);
        memcpy(input, "{\"a\":\"", 6);
        memcpy(input + size - 2, "\"}", 2);
        run r = run_cut("limit", input, size, 0, 0, 12345, 54321);
        ck_assert_int_eq(r.items[0].what, size <= 1 << 20 ? 'R' : 'L');
        free_run(&r);
        r = run_cut("limit", input, size, 64 << 20, 0, size, size);
        ck_assert_int_eq(r.items[0].what, 'R');
        free_run(&r);
        free(input);
    }
}
END_TEST

/* --- the handle --- */

START_TEST(options)
{
    flowan_parser *parser = (flowan_parser *)1;
    flowan_error error;
    struct {
        flowan_parser_options options;
        uint64_t more;
    } future = {{.size = sizeof future}, 0};
    ck_assert_int_eq(flowan_parser_new(&parser, &future.options, &error), FLOWAN_OK);
    flowan_parser_free(parser);
    future.more = 1;
    ck_assert_int_eq(flowan_parser_new(&parser, &future.options, &error),
                     FLOWAN_ERROR_ARGUMENT);
    ck_assert_ptr_null(parser);
    ck_assert_int_eq(error.status, FLOWAN_ERROR_ARGUMENT);
    flowan_parser_options small = {.size = 4};
    ck_assert_int_eq(flowan_parser_new(&parser, &small, NULL), FLOWAN_ERROR_ARGUMENT);
    flowan_parser_options most = {.size = sizeof most, .record_limit = 64 << 20};
    ck_assert_int_eq(flowan_parser_new(&parser, &most, NULL), FLOWAN_OK);
    flowan_parser_free(parser);
    /* the map is copied */
    char key[] = "client";
    flowan_key_map map = {key, FLOWAN_FIELD_SRC_ADDR};
    most.map = &map;
    most.map_count = 1;
    ck_assert_int_eq(flowan_parser_new(&parser, &most, NULL), FLOWAN_OK);
    key[0] = 'C';
    map.field = FLOWAN_FIELD_DST_ADDR;
    flowan_batch *batch = new_batch(0);
    size_t used;
    ck_assert_int_eq(
        flowan_parser_feed(parser, "{\"client\":\"::1\"}", 16, batch, &used, NULL),
        FLOWAN_OK);
    flowan_column column;
    ck_assert(flowan_batch_field(batch, FLOWAN_FIELD_SRC_ADDR, &column));
    flowan_batch_free(batch);
    flowan_parser_free(parser);
    map = (flowan_key_map){"bytes", FLOWAN_FIELD_PACKETS};
    ck_assert_int_eq(flowan_parser_new(&parser, &most, &error), FLOWAN_ERROR_ARGUMENT);
    ck_assert_ptr_null(parser);
    ck_assert_ptr_nonnull(strstr(error.message, "'bytes'"));
    most.map_count = 0;
    most.record_limit++;
    ck_assert_int_eq(flowan_parser_new(&parser, &most, &error), FLOWAN_ERROR_ARGUMENT);
    ck_assert_ptr_null(parser);
    flowan_parser_free(NULL);
}
END_TEST

/* Which of two keys has the field may hang on a value: no kernel may take that for a part
 * of the shape. */
START_TEST(keys_by_value)
{
    static const flowan_key_map map[] = {{"client", FLOWAN_FIELD_SRC_ADDR},
                                         {"octets", FLOWAN_FIELD_BYTES}};
    static const char *const texts[] = {
        "{\"client\":\"\",\"SrcAddr\":\"192.0.2.1\",\"octets\":5}\n",
        "{\"client\":\"192.0.2.2\",\"SrcAddr\":\"192.0.2.1\",\"octets\":6}\n",
        "{\"client\":\"some\",\"SrcAddr\":\"192.0.2.1\",\"octets\":7}\n",
        "{\"client\":\"192.0.2.2\",\"SrcAddr\":\"\",\"octets\":8}\n",
        "{\"TimeFlowStart\":1742000390,\"TimeFlowStartMs\":0,\"Bytes\":1}\n",
        "{\"TimeFlowStart\":1742000390,\"TimeFlowStartMs\":1742000390050,\"Bytes\":1}\n",
        "{\"bytes\":1,\"Bytes\":2,\"SrcAddr\":\"::1\",\"octets\":7}\n",
        "{\"bytes\":\"\",\"Bytes\":2,\"SrcAddr\":\"\",\"octets\":\"x\"}\n",
    };
    enum { TEXTS = sizeof texts / sizeof *texts, ROUNDS = 40 };
    fl_buffer log = {0};
    fl_buffer first = {0};
    unsigned next = 1;
    for (size_t i = 0; i < (size_t)TEXTS * ROUNDS; i++) {
        next = next * 1103515245U + 12345U;
        /* runs of each, then any order */
        fl_buffer_text(&log, texts[i < TEXTS * 6 ? i / 6 : next >> 16 & 7]);
    }
    for (flowan_kernel kernel = FLOWAN_KERNEL_BEST; kernel <= FLOWAN_KERNEL_NONE;
         kernel++) {
        flowan_parser_options choice = {
            .size = sizeof choice, .kernel = kernel, .map = map, .map_count = 2};
        flowan_parser *parser;
        flowan_batch *batch = new_batch(0);
        fl_buffer said = {0};
        size_t used;
        ck_assert_int_eq(flowan_parser_new(&parser, &choice, NULL), FLOWAN_OK);
        ck_assert_int_eq(
            flowan_parser_feed(parser, log.data, log.size, batch, &used, NULL),
            FLOWAN_OK);
        for (size_t row = 0; row < flowan_batch_rows(batch); row++) {
            fl_render_row(&said, batch, row);
            fl_buffer_byte(&said, '\n');
        }
        ck_assert_uint_eq(said.size, log.size);
        ck_assert_mem_eq(said.data, log.data, log.size);
        fl_buffer_clear(&said);
        for (size_t row = 0; row < flowan_batch_rows(batch); row++) {
            size_t count;
            const fl_shape_field *shape =
                fl_batch_shape(batch, batch->shape_of_row[row], &count);
            for (size_t i = 0; i < count; i++) {
                fl_value value;
                fl_column_value(batch->columns[FL_SHAPE_COLUMN(shape[i])], row,
                                FL_SHAPE_KIND(shape[i]), &value);
                fl_buffer_format(&said, "%d %d %.*s %llu;", value.field, value.type,
                                 (int)value.key_size, value.key,
                                 (unsigned long long)value.number);
            }
        }
        if (kernel == FLOWAN_KERNEL_BEST) {
            first = said;
        } else {
            ck_assert_uint_eq(said.size, first.size);
            ck_assert_mem_eq(said.data, first.data, first.size);
            fl_buffer_free(&said);
        }
        flowan_parser_free(parser);
        flowan_batch_free(batch);
    }
    fl_buffer_free(&first);
    fl_buffer_free(&log);
}
END_TEST

START_TEST(positions)
{
    static const char input[] = " {\"a\":1}\n\n {\"b\":2} x";
    flowan_parser *parser = new_parser(0);
    flowan_batch *batch = new_batch(0);
    flowan_position position = flowan_parser_position(parser);
    ck_assert_uint_eq(position.offset, 0);
    ck_assert_uint_eq(position.content_hash, XXH3_64bits("", 0));
    size_t used;
    /* byte by byte: blanks settle at once, an object when it is complete */
    static const size_t settled[] = {0,  1,  1,  1,  1,  1,  1,  1,  8,  9, 10,
                                     11, 11, 11, 11, 11, 11, 11, 18, 19, 19};
    for (size_t i = 0; i < sizeof input - 1; i++) {
        ck_assert_int_eq(flowan_parser_feed(parser, input + i, 1, batch, &used, NULL),
                         FLOWAN_OK);
        position = flowan_parser_position(parser);
        ck_assert_uint_eq(position.offset, settled[i + 1]);
        ck_assert_uint_eq(position.content_hash, XXH3_64bits(input, position.offset));
    }
    /* nothing comes of nothing */
    used = 7;
    ck_assert_int_eq(flowan_parser_feed(parser, NULL, 0, batch, &used, NULL),
                     FLOWAN_OK);
    ck_assert_uint_eq(used, 0);
    ck_assert_int_eq(flowan_parser_finish(parser, batch, NULL), FLOWAN_OK);
    ck_assert_uint_eq(flowan_parser_position(parser).offset, sizeof input - 1);
    ck_assert_uint_eq(flowan_batch_rows(batch), 2);
    ck_assert_uint_eq(flowan_batch_rejects(batch), 1);
    ck_assert_int_eq(flowan_parser_finish(parser, batch, NULL), FLOWAN_OK);
    ck_assert_uint_eq(flowan_batch_rejects(batch), 1);
    flowan_parser_free(parser);
    flowan_batch_free(batch);
}
END_TEST

START_TEST(skipping)
{
    flowan_parser *parser = new_parser(0);
    flowan_batch *batch = new_batch(0);
    flowan_error error;
    size_t used;
    ck_assert_int_eq(flowan_parser_skip(parser, NULL, 0, &error), FLOWAN_OK);
    ck_assert_int_eq(flowan_parser_skip(parser, "{\"a\":", 5, &error), FLOWAN_OK);
    ck_assert_int_eq(flowan_parser_skip(parser, "1}", 2, &error), FLOWAN_OK);
    ck_assert_uint_eq(flowan_parser_position(parser).offset, 7);
    ck_assert_uint_eq(flowan_parser_position(parser).content_hash,
                      XXH3_64bits("{\"a\":1}", 7));
    ck_assert_int_eq(flowan_parser_feed(parser, "{}{\"b", 5, batch, &used, &error),
                     FLOWAN_OK);
    ck_assert_uint_eq(flowan_batch_rows(batch), 1);
    ck_assert_uint_eq(batch->offset_of_row[0], 7);
    ck_assert_int_eq(flowan_parser_skip(parser, "x", 1, &error), FLOWAN_ERROR_ARGUMENT);
    ck_assert_uint_eq(error.offset, 9);
    ck_assert_uint_eq(flowan_parser_position(parser).offset, 9);
    flowan_parser_reset(parser);
    /* also inside a reject */
    ck_assert_int_eq(flowan_parser_feed(parser, "junk", 4, batch, &used, &error),
                     FLOWAN_OK);
    ck_assert_int_eq(flowan_parser_skip(parser, "x", 1, NULL), FLOWAN_ERROR_ARGUMENT);
    flowan_parser_free(parser);
    flowan_batch_free(batch);
}
END_TEST

/* What was unfinished is forgotten, be it an object, junk or a continued reject. */
START_TEST(resets)
{
    flowan_parser *parser = new_parser(0);
    flowan_batch *batch = new_batch(0);
    char *junk = malloc(100000);
    memset(junk, 'x', 100000);
    static const char *const unfinished[] = {"{\"a\":[1", "junk", "{\"a\":\"x{",
                                             "{,,,"};
    size_t used;
    for (size_t i = 0; i < 5; i++) {
        ck_assert_int_eq(flowan_parser_feed(parser, i < 4 ? unfinished[i] : junk,
                                            i < 4 ? strlen(unfinished[i]) : 100000,
                                            batch, &used, NULL),
                         FLOWAN_OK);
        flowan_parser_reset(parser);
        flowan_batch_reset(batch);
        ck_assert_uint_eq(flowan_parser_position(parser).offset, 0);
        ck_assert_uint_eq(flowan_parser_position(parser).content_hash,
                          XXH3_64bits("", 0));
        ck_assert_int_eq(flowan_parser_feed(parser, "{}x\n", 4, batch, &used, NULL),
                         FLOWAN_OK);
        ck_assert_int_eq(flowan_parser_finish(parser, batch, NULL), FLOWAN_OK);
        ck_assert_uint_eq(flowan_batch_rows(batch), 1);
        ck_assert_uint_eq(batch->offset_of_row[0], 0);
        ck_assert_uint_eq(flowan_batch_rejects(batch), 1);
        flowan_reject reject;
        ck_assert(flowan_batch_reject(batch, 0, &reject));
        ck_assert(!reject.continued);
        ck_assert_uint_eq(reject.offset, 2);
        flowan_batch_reset(batch);
        flowan_parser_reset(parser);
    }
    free(junk);
    flowan_parser_free(parser);
    flowan_batch_free(batch);
}
END_TEST

static Suite *suite_of(void)
{
    Suite *suite = suite_create("parser");
    TCase *tests = tcase_create("parser");
    tcase_set_timeout(tests, 30);
    tcase_add_test(tests, framing);
    tcase_add_test(tests, framing_together);
    tcase_add_test(tests, odd);
    tcase_add_test(tests, pieces);
    tcase_add_test(tests, pieces_at_the_end);
    tcase_add_test(tests, braces);
    tcase_add_test(tests, braces_held);
    tcase_add_test(tests, deep);
    tcase_add_test(tests, limits);
    tcase_add_test(tests, options);
    tcase_add_test(tests, keys_by_value);
    tcase_add_test(tests, positions);
    tcase_add_test(tests, skipping);
    tcase_add_test(tests, resets);
    suite_add_tcase(suite, tests);
    return suite;
}

FL_UNIT_MAIN(suite_of)
