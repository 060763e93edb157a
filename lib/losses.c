/* Sequence numbers of exporters, and what is missing in them.
 *
 * A stream is a run of numbers that are near each other. What is missing inside it follows
 * from how far it reaches and how much of it came, so that order does not matter. A number
 * far from all streams of its exporter begins a new one, and only in the end it is asked
 * whether that went on where another had stopped (what lies between was lost), began anew
 * (a restart), or ran beside it (another line card). */
#include "flowan/losses.h"

#include <string.h>

#include "clock.h"
#include "hash.h"
#include "memory.h"
#include "names.h"
#include "status.h"

enum {
    STREAMS_MAX = 16,
    NEAR_DATAGRAMS = 4096,
    NEAR_RECORDS = 131072,
    SEEN_BITS = 256,     /* datagrams behind the highest that are told apart */
    OVERLAP_ROWS = 1000, /* of a stream's end with the beginning of the next */
    EXPORTERS_DEFAULT = 10000
};

#define JUMP_MAX (UINT32_C(1) << 30) /* farther is no loss */
#define LATE_MAX_NS                                                                    \
    UINT64_C(10000000000) /* later than that, a lower number is a restart */

typedef enum type { SFLOW_5 = 1, NETFLOW_V5 = 2, NETFLOW_V9 = 3, IPFIX = 4 } type;

typedef struct stream {
    uint32_t first; /* number */
    uint32_t highest;
    uint64_t span;                 /* from first to highest, wraps included */
    uint64_t came;                 /* records or datagrams */
    uint64_t at_highest;           /* of them, with that number */
    uint64_t highest_ns;           /* when that came; 0: not known */
    uint64_t seen[SEEN_BITS / 64]; /* bit 0: the highest, n: the n-th before it */
    uint64_t first_row;            /* of the exporter */
    uint64_t last_row;
    bool follows; /* what it went on from is settled */
} stream;

typedef struct exporter {
    flowan_exporter told; /* but for what streams hold */
    stream streams[STREAMS_MAX];
    size_t count;
    size_t recent; /* that took the last number */
} exporter;

struct flowan_losses {
    size_t limit;
    fl_hash keys;
    exporter **exporters;
    size_t room;
    uint64_t left_out;
};

/* Without padding: its bytes are the key. */
typedef struct key {
    uint8_t address[16];
    uint32_t type;
    uint32_t domain;
    uint32_t has; /* bits: what of them there is */
} key;
enum { HAS_ADDRESS = 1, HAS_TYPE = 2, HAS_DOMAIN = 4 };

/* --- streams --- */

static bool counts_datagrams(uint32_t protocol)
{
    return protocol == SFLOW_5 || protocol == NETFLOW_V9;
}

static bool has_sequence(uint32_t protocol)
{
    return counts_datagrams(protocol) || protocol == NETFLOW_V5 || protocol == IPFIX;
}

static uint64_t missing_inside(const exporter *e, const stream *s)
{
    /* of the highest datagram nobody knows how many records it had */
    uint64_t sent = e->told.datagrams ? s->span + 1 : s->span;
    uint64_t came = e->told.datagrams ? s->came : s->came - s->at_highest;
    return sent > came ? sent - came : 0;
}

/* Numbers from behind the end of `s` to `first`, which the next stream begins with. */
static uint32_t jump(const exporter *e, const stream *s, uint32_t first)
{
    uint64_t last = e->told.datagrams ? 1 : s->at_highest;
    return first - s->highest - (uint32_t)last;
}

/* Which stream stopped where `next` goes on: one that was silent by then, with the smallest
 * jump. Its index, or the count where none can be believed: it is a restart, or another
 * sequence. *lost is what lies between. */
static size_t find_ended(const exporter *e, const bool *taken, size_t next,
                         uint64_t *lost)
{
    const stream *n = &e->streams[next];
    size_t found = e->count;
    uint32_t best = JUMP_MAX;
    *lost = 0;
    for (size_t i = 0; i < e->count; i++) {
        const stream *s = &e->streams[i];
        if (i == next || taken[i] || s->first_row >= n->first_row ||
            s->last_row > n->first_row + OVERLAP_ROWS)
            continue;
        uint32_t far = jump(e, s, n->first);
        if (far < best) {
            *lost = best = far;
            found = i;
        }
    }
    return found;
}

/* Pairs streams with those that went on from them, as far as is known now. What the jump
 * behind each one lost is in `lost`, and `after` says which came behind it. */
static void pair(const exporter *e, uint64_t lost[STREAMS_MAX],
                 size_t after[STREAMS_MAX])
{
    bool taken[STREAMS_MAX] = {false};
    for (size_t i = 0; i < e->count; i++) {
        lost[i] = 0;
        after[i] = e->count;
    }
    for (size_t i = 0; i < e->count; i++) { /* in order of their first rows */
        uint64_t between;
        size_t ended =
            e->streams[i].follows ? e->count : find_ended(e, taken, i, &between);
        if (ended == e->count)
            continue;
        taken[ended] = true;
        lost[ended] = between;
        after[ended] = i;
    }
}

/* Makes room for another: the one that was silent longest is settled. */
static void settle_one(exporter *e)
{
    uint64_t lost[STREAMS_MAX];
    size_t after[STREAMS_MAX];
    size_t oldest = 0;
    for (size_t i = 1; i < e->count; i++)
        if (e->streams[i].last_row < e->streams[oldest].last_row)
            oldest = i;
    pair(e, lost, after);
    e->told.lost += missing_inside(e, &e->streams[oldest]) + lost[oldest];
    if (after[oldest] < e->count)
        e->streams[after[oldest]].follows = true;
    memmove(&e->streams[oldest], &e->streams[oldest + 1],
            (e->count - oldest - 1) * sizeof *e->streams);
    e->count--;
}

static void begin_stream(exporter *e, uint32_t number, uint64_t time_ns)
{
    if (e->count == STREAMS_MAX)
        settle_one(e);
    e->recent = e->count++;
    e->streams[e->recent] = (stream){.first = number,
                                     .highest = number,
                                     .came = 1,
                                     .at_highest = 1,
                                     .highest_ns = time_ns,
                                     .seen = {1},
                                     .first_row = e->told.rows,
                                     .last_row = e->told.rows};
    e->told.counted++;
}

static void shift_seen(stream *s, uint32_t by)
{
    uint64_t seen[SEEN_BITS / 64] = {0};
    for (uint32_t i = by / 64; i < SEEN_BITS / 64; i++) {
        seen[i] = s->seen[i - by / 64] << by % 64;
        if (by % 64 && i > by / 64)
            seen[i] |= s->seen[i - by / 64 - 1] >> (64 - by % 64);
    }
    seen[0] |= 1;
    memcpy(s->seen, seen, sizeof seen);
}

/* Whether a datagram `back` before the highest came for the first time. */
static bool is_new(stream *s, uint32_t back)
{
    if (back >= SEEN_BITS)
        return true;
    uint64_t bit = UINT64_C(1) << back % 64;
    bool seen = s->seen[back / 64] & bit;
    s->seen[back / 64] |= bit;
    return !seen;
}

/* Takes a number that is near. */
static void take(exporter *e, stream *s, int32_t from_highest, uint64_t time_ns)
{
    bool counts = true;
    if (from_highest > 0) {
        s->span += (uint32_t)from_highest;
        s->highest += (uint32_t)from_highest;
        s->at_highest = 1;
        s->highest_ns = time_ns;
        shift_seen(s, (uint32_t)from_highest);
    } else {
        uint32_t back = 0 - (uint32_t)from_highest;
        s->at_highest += back == 0;
        if (back > s->span) {
            s->span = back;
            s->first = s->highest - back;
        }
        counts = !e->told.datagrams || is_new(s, back);
    }
    s->came += counts;
    e->told.counted += counts;
    s->last_row = e->told.rows;
}

static bool is_near(const exporter *e, const stream *s, int32_t from_highest,
                    uint64_t time_ns)
{
    int32_t near = e->told.datagrams ? NEAR_DATAGRAMS : NEAR_RECORDS;
    if (from_highest > near || from_highest < -near)
        return false;
    return from_highest >= 0 || !time_ns || !s->highest_ns ||
           time_ns <= s->highest_ns + LATE_MAX_NS;
}

static uint32_t distance(int32_t from_highest)
{
    return from_highest < 0 ? 0 - (uint32_t)from_highest : (uint32_t)from_highest;
}

static void add_number(exporter *e, uint32_t number, uint64_t time_ns)
{
    if (e->count > 0) { /* mostly it is the same as before, or the next */
        stream *s = &e->streams[e->recent];
        int32_t far = (int32_t)(number - s->highest);
        if (far >= 0 && far <= 64) {
            take(e, s, far, time_ns);
            return;
        }
    }
    size_t nearest = e->count;
    int32_t best = 0;
    for (size_t i = 0; i < e->count; i++) {
        int32_t far = (int32_t)(number - e->streams[i].highest);
        if (is_near(e, &e->streams[i], far, time_ns) &&
            (nearest == e->count || distance(far) < distance(best))) {
            nearest = i;
            best = far;
        }
    }
    if (nearest == e->count) {
        begin_stream(e, number, time_ns);
        return;
    }
    e->recent = nearest;
    take(e, &e->streams[nearest], best, time_ns);
}

/* --- exporters --- */

flowan_status flowan_losses_new(flowan_losses **out, size_t exporters,
                                flowan_error *error)
{
    *out = fl_memory_zalloc(1, sizeof **out);
    if (!*out)
        return fl_status_memory(error);
    (*out)->limit = exporters ? exporters : EXPORTERS_DEFAULT;
    return FLOWAN_OK;
}

void flowan_losses_free(flowan_losses *losses)
{
    if (!losses)
        return;
    for (size_t i = 0; i < losses->keys.count; i++)
        fl_memory_free(losses->exporters[i]);
    fl_memory_free(losses->exporters);
    fl_hash_free(&losses->keys);
    fl_memory_free(losses);
}

const char *const *flowan_losses_columns(size_t *count)
{
    static const char *const names[] = {"sampler_address", "type",
                                        "observation_domain_id", "sequence_num",
                                        "time_received_ns"};
    *count = sizeof names / sizeof *names;
    return names;
}

/* *out NULL: there are too many. */
static flowan_status find_exporter(flowan_losses *losses, const key *k, exporter **out)
{
    *out = NULL;
    int64_t at = fl_hash_find(&losses->keys, k, sizeof *k);
    if (at >= 0) {
        *out = losses->exporters[at];
        return FLOWAN_OK;
    }
    if (losses->keys.count >= losses->limit)
        return FLOWAN_OK;
    exporter *e = fl_memory_zalloc(1, sizeof *e);
    if (!e ||
        !fl_memory_grow((void **)&losses->exporters, &losses->room,
                        losses->keys.count + 1, sizeof *losses->exporters) ||
        (at = fl_hash_put(&losses->keys, k, sizeof *k, NULL)) < 0) {
        fl_memory_free(e);
        return FLOWAN_ERROR_MEMORY;
    }
    memcpy(e->told.address.octet, k->address, 16);
    e->told.has_address = k->has & HAS_ADDRESS;
    e->told.type = k->has & HAS_TYPE ? fl_names_of(FLOWAN_FIELD_TYPE, k->type) : NULL;
    e->told.domain = k->domain;
    e->told.has_domain = k->has & HAS_DOMAIN;
    e->told.datagrams = k->has & HAS_TYPE && counts_datagrams(k->type);
    losses->exporters[at] = *out = e;
    return FLOWAN_OK;
}

typedef struct columns {
    flowan_column address;
    flowan_column type;
    flowan_column domain;
    flowan_column number;
    fl_clock clock;
    bool has_address;
    bool has_type;
    bool has_domain;
    bool has_number;
} columns;

static bool present(bool has, const flowan_column *column, size_t row)
{
    return has && column->present[row / 64] >> (row % 64) & 1;
}

static key key_of(const columns *c, size_t row)
{
    key k = {.has = 0};
    if (present(c->has_address, &c->address, row)) {
        memcpy(k.address, c->address.address[row].octet, 16);
        k.has |= HAS_ADDRESS;
    }
    if (present(c->has_type, &c->type, row)) {
        k.type = c->type.u32[row];
        k.has |= HAS_TYPE;
    }
    if (present(c->has_domain, &c->domain, row)) {
        k.domain = c->domain.u32[row];
        k.has |= HAS_DOMAIN;
    }
    return k;
}

flowan_status flowan_losses_add(flowan_losses *losses, const flowan_batch *batch,
                                flowan_error *error)
{
    columns c;
    c.has_address = flowan_batch_field(batch, FLOWAN_FIELD_SAMPLER_ADDRESS, &c.address);
    c.has_type = flowan_batch_field(batch, FLOWAN_FIELD_TYPE, &c.type);
    c.has_domain =
        flowan_batch_field(batch, FLOWAN_FIELD_OBSERVATION_DOMAIN_ID, &c.domain);
    c.has_number = flowan_batch_field(batch, FLOWAN_FIELD_SEQUENCE_NUM, &c.number);
    fl_clock_init(&c.clock, batch);
    key last = {.has = 0};
    exporter *e = NULL;
    for (size_t row = 0; row < flowan_batch_rows(batch); row++) {
        key k = key_of(&c, row);
        if (row == 0 || memcmp(&k, &last, sizeof k) != 0) {
            if (find_exporter(losses, &k, &e) != FLOWAN_OK)
                return fl_status_memory(error);
            last = k;
        }
        if (!e) {
            losses->left_out++;
            continue;
        }
        e->told.rows++;
        if (k.has & HAS_TYPE && has_sequence(k.type) &&
            present(c.has_number, &c.number, row))
            add_number(e, c.number.u32[row], fl_clock_received(&c.clock, row));
    }
    return FLOWAN_OK;
}

bool flowan_losses_get(const flowan_losses *losses, size_t index, flowan_exporter *out)
{
    if (index >= losses->keys.count)
        return false;
    const exporter *e = losses->exporters[index];
    uint64_t lost[STREAMS_MAX];
    size_t after[STREAMS_MAX];
    *out = e->told;
    pair(e, lost, after);
    for (size_t i = 0; i < e->count; i++)
        out->lost += missing_inside(e, &e->streams[i]) + lost[i];
    return true;
}

uint64_t flowan_losses_left_out(const flowan_losses *losses)
{
    return losses->left_out;
}
