/* Questions answered from the rules of doc/filter.md, without sets, bitmaps or normal
 * forms: each row by itself, through the public view of its batch. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "questions.h"

/* --- the world --- */

void question_open_world(world *w, const char *program)
{
    const char *directory = getenv("FLOWAN_TEST_DATA");
    char path[PATH_MAX];
    flowan_error error = {.message = "FLOWAN_TEST_DATA: not set"};
    *w = (world){0};
    if (directory) {
        snprintf(path, sizeof path, "%s/networks.txt", directory);
        if (flowan_networks_load(&w->networks, path, &error) == FLOWAN_OK) {
            snprintf(path, sizeof path, "%s/asn.mmdb", directory);
            if (flowan_asdb_open(&w->asdb, path, &error) == FLOWAN_OK)
                return;
        }
    }
    fprintf(stderr, "%s: %s\n", program, error.message);
    exit(EXIT_FAILURE);
}

void question_close_world(world *w)
{
    flowan_networks_free(w->networks);
    flowan_asdb_free(w->asdb);
}

__extension__ typedef unsigned __int128 u128;

/* --- the values of a row --- */

static void add_number(items *out, uint64_t number)
{
    if (out->count < QUESTION_ITEMS)
        out->item[out->count++] = (item){.type = NUMBER, .number = number};
}

static void add_address(items *out, const flowan_address *address)
{
    if (address && out->count < QUESTION_ITEMS)
        out->item[out->count++] = (item){.type = ADDRESS, .address = *address};
}

static void add_cell(items *out, const flowan_column *c, size_t row)
{
    switch (c->type) {
    case FLOWAN_TYPE_U32:
    case FLOWAN_TYPE_ENUM:
    case FLOWAN_TYPE_PREFIX: add_number(out, c->u32[row]); break;
    case FLOWAN_TYPE_U64:
    case FLOWAN_TYPE_TIME:
    case FLOWAN_TYPE_MAC:
    case FLOWAN_TYPE_BOOL: add_number(out, c->u64[row]); break;
    case FLOWAN_TYPE_ADDRESS: add_address(out, &c->address[row]); break;
    case FLOWAN_TYPE_TEXT:
    case FLOWAN_TYPE_JSON:
        if (out->count < QUESTION_ITEMS)
            out->item[out->count++] =
                (item){.type = TEXT,
                       .text = c->text + c->offset[row],
                       .size = c->offset[row + 1] - c->offset[row]};
        break;
    case FLOWAN_TYPE_LIST_U64:
        for (uint32_t i = c->offset[row]; i < c->offset[row + 1]; i++)
            add_number(out, c->u64[i]);
        break;
    case FLOWAN_TYPE_LIST_ADDRESS:
        for (uint32_t i = c->offset[row]; i < c->offset[row + 1]; i++)
            add_address(out, &c->address[i]);
        break;
    }
}

/* True when the row has a value, be it an empty list. */
static bool field_items(const world *w, const char *name, size_t row, items *out)
{
    bool there = false;
    flowan_column c;
    for (size_t i = 0; flowan_batch_column(w->batch, i, &c); i++)
        if (c.name_size == strlen(name) && memcmp(c.name, name, c.name_size) == 0 &&
            (c.present[row / 64] >> (row % 64) & 1)) {
            add_cell(out, &c, row);
            there = true;
        }
    return there;
}

static bool number_of(const world *w, const char *name, size_t row, uint64_t *out)
{
    items found = {0};
    field_items(w, name, row, &found);
    if (found.count != 1 || found.item[0].type != NUMBER)
        return false;
    *out = found.item[0].number;
    return true;
}

static bool address_of(const world *w, const char *name, size_t row,
                       flowan_address *out)
{
    items found = {0};
    field_items(w, name, row, &found);
    if (found.count != 1 || found.item[0].type != ADDRESS)
        return false;
    *out = found.item[0].address;
    return true;
}

static bool is_unset(const flowan_address *address)
{
    flowan_address zero = {{0}};
    flowan_address mapped = {{[10] = 0xff, [11] = 0xff}};
    return memcmp(address, &zero, 16) == 0 || memcmp(address, &mapped, 16) == 0;
}

static void rate_items(const world *w, kind of, size_t row, items *out)
{
    uint64_t start;
    uint64_t end;
    uint64_t bytes;
    uint64_t packets;
    bool timed = number_of(w, "time_flow_start_ns", row, &start) &&
                 number_of(w, "time_flow_end_ns", row, &end) && start <= end;
    bool has_bytes = number_of(w, "bytes", row, &bytes);
    bool has_packets = number_of(w, "packets", row, &packets);
    u128 rate = 0;
    if (of == OF_BPP) {
        if (!has_bytes || !has_packets)
            return;
        rate = packets ? bytes / packets : 0;
    } else {
        if (!timed || (of == OF_BPS && !has_bytes) || (of == OF_PPS && !has_packets))
            return;
        if (of == OF_DURATION)
            rate = end - start;
        else if (end != start)
            rate =
                (of == OF_BPS ? (u128)bytes * 8 : packets) * 1000000000 / (end - start);
    }
    add_number(out, rate > UINT64_MAX ? UINT64_MAX : (uint64_t)rate);
}

/* Who is local, after the rules of doc/semantics.md. */
typedef struct sight {
    bool from;
    bool to;
    flowan_address src;
    flowan_address dst;
    flowan_address dst_local;
    bool has_src;
    bool has_dst;
    uint32_t src_network;
    uint32_t dst_network;
} sight;

static sight look(const world *w, size_t row)
{
    sight s = {0};
    flowan_network_match from = {0, false};
    flowan_network_match plain = {0, false};
    flowan_network_match behind = {0, false};
    flowan_address nat;
    s.has_src = address_of(w, "src_addr", row, &s.src);
    s.has_dst = address_of(w, "dst_addr", row, &s.dst);
    s.from = s.has_src && flowan_networks_find(w->networks, &s.src, &from);
    s.src_network = from.network;
    bool has_nat =
        address_of(w, "post_nat_dst_ipv4_address", row, &nat) && !is_unset(&nat);
    if (!has_nat)
        has_nat =
            address_of(w, "post_nat_dst_ipv6_address", row, &nat) && !is_unset(&nat);
    bool plain_local = s.has_dst && flowan_networks_find(w->networks, &s.dst, &plain);
    bool behind_local = has_nat && flowan_networks_find(w->networks, &nat, &behind);
    s.to = plain_local || behind_local;
    bool take_nat =
        behind_local && (!plain_local || !behind.is_public || plain.is_public);
    s.dst_local = take_nat ? nat : s.dst;
    s.dst_network = take_nat ? behind.network : plain.network;
    return s;
}

static uint64_t asn_of(const world *w, size_t row, bool source)
{
    uint64_t own = 0;
    flowan_address address;
    number_of(w, source ? "src_as" : "dst_as", row, &own);
    uint64_t found = 0;
    if (w->asdb && address_of(w, source ? "src_addr" : "dst_addr", row, &address))
        found = flowan_asdb_lookup(w->asdb, &address);
    return w->prefer_asdb ? (found ? found : own) : (own ? own : found);
}

static void side_items(const world *w, kind of, size_t row, items *out)
{
    sight s = look(w, row);
    if (of == OF_DIRECTION)
        add_number(out, (s.from ? 1U : 0U) + (s.to ? 2U : 0U));
    /* a network may be asked for by its name or by addresses */
    if (of == OF_LOCAL_NET && s.from)
        add_number(out, s.src_network);
    if (of == OF_LOCAL_NET && s.to)
        add_number(out, s.dst_network);
    if (of == OF_LOCAL_IP || of == OF_LOCAL_NET) {
        add_address(out, s.from ? &s.src : NULL);
        add_address(out, s.to ? &s.dst_local : NULL);
    }
    if (of == OF_REMOTE_IP) {
        add_address(out, s.from && s.has_dst ? &s.dst : NULL);
        add_address(out, s.to && s.has_src ? &s.src : NULL);
    }
    if (of == OF_REMOTE_AS && s.from)
        add_number(out, asn_of(w, row, false));
    if (of == OF_REMOTE_AS && s.to)
        add_number(out, asn_of(w, row, true));
}

void question_items(const world *w, const place *at, bool translated, size_t row,
                    items *out)
{
    out->count = 0;
    switch (at->kind) {
    case OF_FIELD:
        for (int i = 0; i < 2 && at->names[i]; i++)
            field_items(w, at->names[i], row, out);
        break;
    case OF_DURATION:
    case OF_BPS:
    case OF_PPS:
    case OF_BPP: rate_items(w, at->kind, row, out); break;
    case OF_SRC_AS: add_number(out, asn_of(w, row, true)); break;
    case OF_DST_AS: add_number(out, asn_of(w, row, false)); break;
    default: side_items(w, at->kind, row, out); break;
    }
    size_t kept = 0;
    for (size_t i = 0; i < out->count; i++)
        if (!translated || out->item[i].type != ADDRESS ||
            !is_unset(&out->item[i].address))
            out->item[kept++] = out->item[i];
    out->count = kept;
}

/* --- answers --- */

static bool number_fits(const question *q, uint64_t x)
{
    const operand *o = q->operand;
    bool in = false;
    for (size_t i = 0; i < q->operands; i++)
        in = in || (o[i].number && o[i].low <= x && x <= o[i].high);
    switch (q->sign) {
    case EQUAL:
    case IN: return in;
    case UNEQUAL:
    case NOT_IN: return !in;
    case LESS: return x < o[0].low;
    case MORE: return x > o[0].low;
    case NOT_MORE: return x <= o[0].low;
    case NOT_LESS: return x >= o[0].low;
    case ALL_OF: return (x & o[0].low) == o[0].low;
    case EXISTS: return true;
    }
    return false;
}

bool question_is_ipv4(const flowan_address *a)
{
    static const uint8_t head[12] = {[10] = 0xff, [11] = 0xff};
    return memcmp(a, head, 12) == 0;
}

static bool address_fits(const question *q, const flowan_address *x)
{
    bool in = false;
    for (size_t i = 0; i < q->operands; i++) {
        const operand *o = &q->operand[i];
        in = in || (o->address && question_is_ipv4(x) == question_is_ipv4(&o->first) &&
                    memcmp(&o->first, x, 16) <= 0 && memcmp(x, &o->last, 16) <= 0);
    }
    return q->sign == EQUAL || q->sign == IN ? in : !in;
}

static bool text_fits(const question *q, const item *x)
{
    bool in = false;
    notation how = q->of->notation;
    for (size_t i = 0; i < q->operands; i++)
        in = in || (q->operand[i].has_text && strlen(q->operand[i].text) == x->size &&
                    memcmp(q->operand[i].text, x->text, x->size) == 0);
    if (q->sign == EQUAL || q->sign == IN)
        return in;
    return (q->sign == UNEQUAL || q->sign == NOT_IN) && !in &&
           (how == NAMES || how == TEXTS || how == ANYTHING);
}

static bool item_fits(const question *q, const item *x)
{
    switch (x->type) {
    case NUMBER: return number_fits(q, x->number);
    case ADDRESS:
        return (q->sign == EQUAL || q->sign == UNEQUAL || q->sign == IN ||
                q->sign == NOT_IN) &&
               address_fits(q, &x->address);
    case TEXT: return text_fits(q, x);
    }
    return false;
}

/* Of a local network that is not asked for by addresses, none are compared. */
static bool asks_for(const question *q, const item *x)
{
    if (q->of->notation != NETS)
        return true;
    for (size_t i = 0; i < q->operands; i++)
        if (x->type == NUMBER ? q->operand[i].number : q->operand[i].address)
            return true;
    return false;
}

static bool place_fits(const world *w, const question *q, const place *at, size_t row)
{
    items found;
    if (q->sign == EXISTS) {
        found.count = 0;
        return field_items(w, at->names[0], row, &found);
    }
    question_items(w, at, q->of->translated, row, &found);
    bool by_name = false;
    bool by_address = false;
    for (size_t i = 0; i < found.count; i++)
        if (asks_for(q, &found.item[i]) && item_fits(q, &found.item[i])) {
            by_name = by_name || found.item[i].type == NUMBER;
            by_address = by_address || found.item[i].type == ADDRESS;
            if (q->of->notation != NETS)
                return true;
        }
    /* in neither of two kinds of networks */
    if (q->sign == UNEQUAL || q->sign == NOT_IN) {
        item name = {.type = NUMBER};
        item address = {.type = ADDRESS};
        return found.count && (by_name || by_address) &&
               (by_name || !asks_for(q, &name)) &&
               (by_address || !asks_for(q, &address));
    }
    return by_name || by_address;
}

static bool family_fits(const world *w, bool ipv4, size_t row)
{
    items etype = {0};
    if (field_items(w, "etype", row, &etype))
        return etype.item[0].type == NUMBER &&
               etype.item[0].number == (ipv4 ? 0x0800 : 0x86dd);
    flowan_address address;
    return (address_of(w, "src_addr", row, &address) &&
            question_is_ipv4(&address) == ipv4) ||
           (address_of(w, "dst_addr", row, &address) &&
            question_is_ipv4(&address) == ipv4);
}

static bool test_fits(const world *w, const question *q, size_t row)
{
    bool implied = !q->of->protos;
    uint64_t proto;
    for (const uint8_t *p = q->of->protos; p && *p; p++)
        implied = implied || (number_of(w, "proto", row, &proto) && proto == *p);
    if (!implied)
        return false;
    bool first = q->side != 1 && place_fits(w, q, &q->of->first, row);
    bool second = q->of->sided && q->side != 0 && place_fits(w, q, &q->of->second, row);
    return q->side == 3 ? first && second : first || second;
}

bool question_fits(const world *w, const question *q, size_t row)
{
    switch (q->form) {
    case ANY: return true;
    case IPV4: return family_fits(w, true, row);
    case IPV6: return family_fits(w, false, row);
    case TEST: return test_fits(w, q, row);
    case NOT: return !question_fits(w, q->child[0], row);
    case AND:
        for (size_t i = 0; i < q->children; i++)
            if (!question_fits(w, q->child[i], row))
                return false;
        return true;
    case OR:
        for (size_t i = 0; i < q->children; i++)
            if (question_fits(w, q->child[i], row))
                return true;
        return false;
    }
    return false;
}
