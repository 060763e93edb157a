/* The grammar, by recursive descent:
 *
 *     filter    = [ either ]
 *     either    = both { or both }
 *     both      = unary { and unary }
 *     unary     = { not } ( "(" either ")" | test )
 *     test      = "any" | "ipv4" | "ipv6" | "field" NAME ( "exists" | condition )
 *               | { side } phrase condition
 *
 * What is looked at is said by a phrase of one word or more, with a side before it
 * ("src"): filter_phrases.c has them all. It may be several columns: then the test is an
 * OR of one for each. */
#include "filter_parse.h"

#include <string.h>

#include "filter_condition.h"
#include "filter_phrases.h"
#include "filter_prefix.h"
#include "status.h"

enum { NESTING_MAX = FL_FILTER_DEPTH_MAX };

typedef struct parser {
    fl_build *build;
    fl_tokens tokens;
    fl_values_context values;
    unsigned nesting;
} parser;

static flowan_status parse_either(parser *p, fl_branch *out);

static flowan_status next(parser *p)
{
    return fl_tokens_next(&p->tokens);
}

/* What came of putting nodes together, with its sentence. */
static flowan_status built(parser *p, flowan_status status)
{
    if (status == FLOWAN_ERROR_LIMIT)
        return fl_tokens_limit(&p->tokens, "nested deeper than 64 levels");
    return status == FLOWAN_ERROR_MEMORY ? fl_status_memory(p->tokens.error) : status;
}

/* --- single tests --- */

/* A test with the sets of `like`, of a column or of what is derived. */
static flowan_status put_test(parser *p, const fl_test *like, fl_subject subject,
                              int field, const char *name, size_t name_size,
                              fl_branch *out)
{
    fl_test test;
    if (!fl_test_copy_sets(&test, like))
        return fl_status_memory(p->tokens.error);
    test.subject = subject;
    test.field = field;
    if (subject == FL_SUBJECT_COLUMN) {
        char *copy = fl_memory_alloc(name_size + 1, 1);
        if (!copy) {
            fl_test_free(&test);
            return fl_status_memory(p->tokens.error);
        }
        memcpy(copy, name, name_size);
        copy[name_size] = '\0';
        test.name = copy;
        test.name_size = name_size;
    }
    flowan_status status = fl_build_test(p->build, &test, out);
    return status == FLOWAN_ERROR_LIMIT
               ? fl_tokens_limit(&p->tokens, "more than 262,144 different tests")
               : built(p, status);
}

static flowan_status put_field(parser *p, const fl_test *like, flowan_field field,
                               fl_branch *out)
{
    const char *name = flowan_field_info_of(field)->name;
    return put_test(p, like, FL_SUBJECT_COLUMN, (int)field, name, strlen(name), out);
}

/* One more child of a group that `status` has not failed in. */
static flowan_status add(parser *p, fl_group *group, flowan_status status,
                         fl_branch branch)
{
    return status < 0 ? status : built(p, fl_build_add(p->build, group, branch));
}

static flowan_status end(parser *p, fl_group *group, flowan_status status,
                         fl_branch *out)
{
    return status < 0 ? status : built(p, fl_build_end(p->build, group, out));
}

static flowan_status put_place(parser *p, const fl_test *like, const fl_place *at,
                               fl_branch *out)
{
    if (at->subject != FL_SUBJECT_COLUMN)
        return put_test(p, like, at->subject, -1, NULL, 0, out);
    fl_group group = fl_build_begin(p->build, FL_NODE_OR);
    flowan_status status = FLOWAN_OK;
    for (int i = 0; i < FL_PLACE_COLUMNS && at->field[i] >= 0 && status >= 0; i++) {
        fl_branch one = {0};
        status = put_field(p, like, (flowan_field)at->field[i], &one);
        status = add(p, &group, status, one);
    }
    return end(p, &group, status, out);
}

/* --- tests by phrases --- */

static flowan_status take_phrase(parser *p, const fl_phrase **out)
{
    fl_words words = {0};
    while (p->tokens.now.kind == FL_TOKEN_WORD &&
           fl_phrases_extend(&words, p->tokens.now.data, p->tokens.now.size)) {
        flowan_status status = next(p);
        if (status < 0)
            return status;
    }
    *out = fl_phrases_find(&words);
    if (*out)
        return FLOWAN_OK;
    if (words.size == 0)
        return fl_tokens_expected(&p->tokens, &p->tokens.now,
                                  "a test such as 'dst port 443'");
    char follows[160];
    fl_phrases_follow(&words, follows, sizeof follows);
    return fl_tokens_expected(&p->tokens, &p->tokens.now, "%s behind '%s'", follows,
                              words.text);
}

static const struct {
    const char *word;
    unsigned side;
} sides[] = {{"src", FL_SIDE_SRC},         {"dst", FL_SIDE_DST},
             {"in", FL_SIDE_IN},           {"out", FL_SIDE_OUT},
             {"ingress", FL_SIDE_INGRESS}, {"egress", FL_SIDE_EGRESS}};

/* "dst" behind "src and", or the other way round. */
static flowan_status take_other_end(parser *p, unsigned *side)
{
    fl_token_kind kind = p->tokens.now.kind;
    if (kind != FL_TOKEN_AND && kind != FL_TOKEN_OR)
        return FLOWAN_OK;
    flowan_status status = next(p);
    if (status < 0)
        return status;
    const char *other = *side == FL_SIDE_SRC ? "dst" : "src";
    if (!fl_tokens_at(&p->tokens, other))
        return fl_tokens_expected(&p->tokens, &p->tokens.now, "'%s'", other);
    *side = kind == FL_TOKEN_AND ? FL_SIDE_BOTH : FL_SIDE_SRC | FL_SIDE_DST;
    return next(p);
}

/* All sides that stand here; `last` is the word of the last. */
static flowan_status take_sides(parser *p, unsigned *out, fl_token *last)
{
    *out = 0;
    for (size_t i = 0; i < sizeof sides / sizeof *sides;) {
        if (!fl_tokens_at(&p->tokens, sides[i].word)) {
            i++;
            continue;
        }
        unsigned side = sides[i].side;
        unsigned group =
            side & FL_SIDES_ENDS ? FL_SIDES_ENDS : ~(unsigned)FL_SIDES_ENDS;
        if (*out & group)
            return fl_tokens_expected(&p->tokens, &p->tokens.now,
                                      "a field such as ip or port");
        *last = p->tokens.now;
        flowan_status status = next(p);
        if (status >= 0 && group == FL_SIDES_ENDS)
            status = take_other_end(p, &side);
        if (status < 0)
            return status;
        *out |= side;
        i = 0;
    }
    return FLOWAN_OK;
}

/* The condition on each place that the sides choose: either of two, or both. */
static flowan_status put_places(parser *p, const fl_phrase *of, unsigned side,
                                const fl_test *test, fl_branch *out)
{
    unsigned chosen = side & ~of->idle;
    bool either = !(chosen & (FL_SIDES_FIRSTS | FL_SIDES_SECONDS));
    fl_group group =
        fl_build_begin(p->build, side & FL_SIDE_BOTH ? FL_NODE_AND : FL_NODE_OR);
    flowan_status status = FLOWAN_OK;
    fl_branch one = {0};
    if (!of->two || either || chosen & FL_SIDES_FIRSTS) {
        status = put_place(p, test, &of->first, &one);
        status = add(p, &group, status, one);
    }
    if (status >= 0 && of->two && (either || chosen & FL_SIDES_SECONDS)) {
        status = put_place(p, test, &of->second, &one);
        status = add(p, &group, status, one);
    }
    return end(p, &group, status, out);
}

/* AND the record is of one of these protocols. */
static flowan_status put_implied(parser *p, fl_implied implies, fl_branch *branch)
{
    static const uint8_t protos[][2] = {
        [FL_IMPLIES_TCP] = {6, 6}, [FL_IMPLIES_ICMP] = {1, 58}};
    if (implies == FL_IMPLIES_NOTHING)
        return FLOWAN_OK;
    fl_test test = {0};
    fl_branch proto = {0};
    fl_group group = fl_build_begin(p->build, FL_NODE_AND);
    flowan_status status = FLOWAN_OK;
    for (int i = 0; i < 2 && status >= 0; i++)
        if (!fl_numbers_add(&test.numbers, protos[implies][i], protos[implies][i]))
            status = fl_status_memory(p->tokens.error);
    if (status >= 0 && !fl_numbers_settle(&test.numbers))
        status = fl_status_memory(p->tokens.error);
    if (status >= 0)
        status = put_field(p, &test, FLOWAN_FIELD_PROTO, &proto);
    fl_test_free(&test);
    status = add(p, &group, status, proto);
    status = add(p, &group, status, *branch);
    return end(p, &group, status, branch);
}

/* Local networks are told by names or by prefixes: numbers of one subject, addresses of
 * another. Of a list that is turned round neither may hold. */
static flowan_status put_networks(parser *p, fl_test *test, bool inverse,
                                  fl_branch *out)
{
    fl_group group = fl_build_begin(p->build, inverse ? FL_NODE_AND : FL_NODE_OR);
    fl_test by_name = {.numbers = test->numbers};
    fl_test by_address = {.addresses = test->addresses};
    fl_branch one = {0};
    flowan_status status = FLOWAN_OK;
    test->numbers = (fl_numbers){0};
    test->addresses = (fl_addresses){0};
    bool named = by_name.numbers.count > 0;
    bool addressed = by_address.addresses.count > 0;
    if (inverse && !(fl_numbers_invert(&by_name.numbers) &&
                     fl_addresses_invert(&by_address.addresses)))
        status = fl_status_memory(p->tokens.error);
    if (status >= 0 && named) {
        status = put_test(p, &by_name, FL_SUBJECT_LOCAL_NET, -1, NULL, 0, &one);
        status = add(p, &group, status, one);
    }
    if (status >= 0 && addressed) {
        status = put_test(p, &by_address, FL_SUBJECT_LOCAL_IP, -1, NULL, 0, &one);
        status = add(p, &group, status, one);
    }
    fl_test_free(&by_name);
    fl_test_free(&by_address);
    return end(p, &group, status, out);
}

/* Takes the addresses of all zeros out of the set. */
static bool without_zeros(fl_addresses *set)
{
    static const fl_wide zeros[] = {{0, 0}, {0, UINT64_C(0xffff00000000)}};
    return fl_addresses_invert(set) && fl_addresses_add(set, zeros[0], zeros[0]) &&
           fl_addresses_add(set, zeros[1], zeros[1]) && fl_addresses_settle(set) &&
           fl_addresses_invert(set);
}

static flowan_status put_phrase(parser *p, const fl_phrase *of, unsigned side,
                                fl_test *test, bool inverse, fl_branch *out)
{
    if (of->values.notation == FL_NOTATION_NETWORK)
        return put_networks(p, test, inverse, out);
    if ((inverse && !fl_condition_turn_round(&of->values, test)) ||
        (of->translated && !without_zeros(&test->addresses)))
        return fl_status_memory(p->tokens.error);
    flowan_status status = put_places(p, of, side, test, out);
    return status < 0 ? status : put_implied(p, of->implies, out);
}

static flowan_status parse_phrase(parser *p, fl_branch *out)
{
    unsigned side;
    fl_token last = {0};
    const fl_phrase *of;
    flowan_status status = take_sides(p, &side, &last);
    if (status < 0)
        return status;
    fl_token start = p->tokens.now;
    status = take_phrase(p, &of);
    if (status < 0)
        return status;
    if (side & ~(of->sides | of->idle))
        return fl_tokens_expected(&p->tokens, &start,
                                  "a field that '%.*s' can stand before",
                                  (int)last.size, last.data);
    fl_test test = {0};
    bool inverse;
    status = fl_condition_take(&p->values, &of->values, &test, &inverse);
    if (status >= 0)
        status = put_phrase(p, of, side, &test, inverse, out);
    fl_test_free(&test);
    return status;
}

/* --- tests by the names of fields --- */

/* How the values of a field are written: -1 is a key that the table does not know. */
static fl_values values_of(int field)
{
    const flowan_field_info *info =
        field < 0 ? NULL : flowan_field_info_of((flowan_field)field);
    fl_values values = {FL_NOTATION_ANY, field, UINT64_MAX, "a number"};
    if (!info)
        return values;
    switch (info->type) {
    case FLOWAN_TYPE_U32:
        values.max = UINT32_MAX;
        values.notation = FL_NOTATION_NUMBER;
        break;
    case FLOWAN_TYPE_U64:
    case FLOWAN_TYPE_BOOL: values.notation = FL_NOTATION_NUMBER; break;
    case FLOWAN_TYPE_LIST_U64:
        values.notation = FL_NOTATION_NUMBER;
        if (field != FLOWAN_FIELD_LAYER_STACK)
            break;
        values.what = "a header";
        values.notation = FL_NOTATION_NAMED;
        break;
    case FLOWAN_TYPE_ENUM:
        values.max = UINT32_MAX;
        values.what = info->name;
        values.notation = FL_NOTATION_NAMED;
        break;
    case FLOWAN_TYPE_PREFIX:
        values.max = 128;
        values.what = "a prefix length";
        values.notation = FL_NOTATION_NUMBER;
        break;
    case FLOWAN_TYPE_TIME: values.notation = FL_NOTATION_TIME; break;
    case FLOWAN_TYPE_MAC: values.notation = FL_NOTATION_MAC; break;
    case FLOWAN_TYPE_ADDRESS:
    case FLOWAN_TYPE_LIST_ADDRESS: values.notation = FL_NOTATION_ADDRESS; break;
    case FLOWAN_TYPE_TEXT: values.notation = FL_NOTATION_TEXT; break;
    case FLOWAN_TYPE_JSON: break;
    }
    return values;
}

static flowan_status take_name(parser *p, fl_buffer *name)
{
    fl_token token = p->tokens.now;
    if (token.kind == FL_TOKEN_QUOTED)
        fl_tokens_unquote(&token, name);
    else if (token.kind == FL_TOKEN_WORD)
        fl_buffer_append(name, token.data, token.size);
    else
        return fl_tokens_expected(&p->tokens, &token, "the name of a field");
    if (name->failed)
        return fl_status_memory(p->tokens.error);
    if (name->size && memchr(name->data, '\0', name->size))
        return fl_tokens_expected(&p->tokens, &token, "a name without \\u0000");
    return next(p);
}

static flowan_status parse_named(parser *p, const char *name, size_t size,
                                 fl_branch *out)
{
    int field = flowan_field_find(name, size);
    fl_values values = values_of(field);
    fl_test test = {0};
    bool inverse = false;
    flowan_status status;
    if (fl_tokens_at(&p->tokens, "exists")) {
        test.kind = FL_TEST_EXISTS;
        status = next(p);
    } else {
        status = fl_condition_take(&p->values, &values, &test, &inverse);
        if (status >= 0 && inverse && !fl_condition_turn_round(&values, &test))
            status = fl_status_memory(p->tokens.error);
    }
    if (status >= 0)
        status = put_test(p, &test, FL_SUBJECT_COLUMN, field, name, size, out);
    fl_test_free(&test);
    return status;
}

static flowan_status parse_field(parser *p, fl_branch *out)
{
    fl_buffer name = {0};
    flowan_status status = next(p);
    if (status >= 0)
        status = take_name(p, &name);
    if (status >= 0)
        status = parse_named(p, name.size ? name.data : "", name.size, out);
    fl_buffer_free(&name);
    return status;
}

/* --- families --- */

/* Of a record without an EtherType, either of its addresses tells. */
static flowan_status put_by_addresses(parser *p, const fl_test *family, fl_branch *out)
{
    static const fl_test exists = {.kind = FL_TEST_EXISTS};
    fl_branch one = {0};
    fl_group both = fl_build_begin(p->build, FL_NODE_AND);
    flowan_status status = put_field(p, &exists, FLOWAN_FIELD_ETYPE, &one);
    if (status >= 0)
        status = built(p, fl_build_not(p->build, one, &one));
    status = add(p, &both, status, one);
    if (status < 0)
        return status;
    fl_group either = fl_build_begin(p->build, FL_NODE_OR);
    status = put_field(p, family, FLOWAN_FIELD_SRC_ADDR, &one);
    status = add(p, &either, status, one);
    if (status >= 0)
        status = put_field(p, family, FLOWAN_FIELD_DST_ADDR, &one);
    status = add(p, &either, status, one);
    status = end(p, &either, status, &one);
    status = add(p, &both, status, one);
    return end(p, &both, status, out);
}

static flowan_status parse_family(parser *p, bool ipv4, fl_branch *out)
{
    fl_test etype = {0};
    fl_test family = {0};
    uint64_t number = ipv4 ? 0x0800 : 0x86dd;
    fl_branch one = {0};
    flowan_status status = next(p);
    if (status >= 0 &&
        (!fl_numbers_add(&etype.numbers, number, number) || !fl_test_settle(&etype) ||
         !fl_prefix_add_family(&family.addresses, ipv4) || !fl_test_settle(&family)))
        status = fl_status_memory(p->tokens.error);
    fl_group group = fl_build_begin(p->build, FL_NODE_OR);
    if (status >= 0)
        status = put_field(p, &etype, FLOWAN_FIELD_ETYPE, &one);
    status = add(p, &group, status, one);
    if (status >= 0)
        status = put_by_addresses(p, &family, &one);
    status = add(p, &group, status, one);
    fl_test_free(&etype);
    fl_test_free(&family);
    return end(p, &group, status, out);
}

/* --- what tests are put together by --- */

static flowan_status parse_test(parser *p, fl_branch *out)
{
    if (fl_tokens_at(&p->tokens, "any")) {
        *out = fl_build_constant(true);
        return next(p);
    }
    if (fl_tokens_at(&p->tokens, "ipv4") || fl_tokens_at(&p->tokens, "inet"))
        return parse_family(p, true, out);
    if (fl_tokens_at(&p->tokens, "ipv6") || fl_tokens_at(&p->tokens, "inet6"))
        return parse_family(p, false, out);
    if (fl_tokens_at(&p->tokens, "field"))
        return parse_field(p, out);
    return parse_phrase(p, out);
}

static flowan_status parse_parentheses(parser *p, fl_branch *out)
{
    if (p->nesting == NESTING_MAX)
        return built(p, FLOWAN_ERROR_LIMIT);
    flowan_status status = next(p);
    p->nesting++;
    if (status >= 0)
        status = parse_either(p, out);
    p->nesting--;
    if (status < 0)
        return status;
    if (p->tokens.now.kind != FL_TOKEN_CLOSE)
        return fl_tokens_expected(&p->tokens, &p->tokens.now, "'and', 'or' or ')'");
    return next(p);
}

static flowan_status parse_unary(parser *p, fl_branch *out)
{
    bool inverse = false;
    flowan_status status = FLOWAN_OK;
    while (status >= 0 && p->tokens.now.kind == FL_TOKEN_NOT) {
        inverse = !inverse;
        status = next(p);
    }
    if (status >= 0)
        status = p->tokens.now.kind == FL_TOKEN_OPEN ? parse_parentheses(p, out)
                                                     : parse_test(p, out);
    if (status >= 0 && inverse)
        status = built(p, fl_build_not(p->build, *out, out));
    return status;
}

/* Operands of AND, or of OR, which are ANDs. */
static flowan_status parse_group(parser *p, fl_node_kind kind, fl_branch *out)
{
    fl_token_kind between = kind == FL_NODE_AND ? FL_TOKEN_AND : FL_TOKEN_OR;
    fl_group group = fl_build_begin(p->build, kind);
    flowan_status status = FLOWAN_OK;
    bool more = true;
    while (status >= 0 && more) {
        fl_branch one = {0};
        status = kind == FL_NODE_AND ? parse_unary(p, &one)
                                     : parse_group(p, FL_NODE_AND, &one);
        status = add(p, &group, status, one);
        more = status >= 0 && p->tokens.now.kind == between;
        if (more)
            status = next(p);
    }
    return end(p, &group, status, out);
}

static flowan_status parse_either(parser *p, fl_branch *out)
{
    return parse_group(p, FL_NODE_OR, out);
}

flowan_status fl_filter_parse(fl_build *build, fl_branch *root, const char *text,
                              size_t size, flowan_filter *filter, uint64_t now_ns,
                              flowan_error *error)
{
    parser p = {.build = build, .values = {.now_ns = now_ns, .filter = filter}};
    p.values.tokens = &p.tokens;
    flowan_status status = fl_tokens_open(&p.tokens, text, size, error);
    if (status >= 0 && p.tokens.now.kind == FL_TOKEN_END)
        *root = fl_build_constant(true);
    else if (status >= 0)
        status = parse_either(&p, root);
    if (status >= 0 && p.tokens.now.kind != FL_TOKEN_END)
        status = fl_tokens_expected(&p.tokens, &p.tokens.now, "'and', 'or' or the end");
    fl_values_free(&p.values);
    return status;
}
