#include "integers.h"

#include "bits.h"

/* How a segment is written; bits of its first byte. */
enum { MODE_TOKENS = 1, MODE_ZIGZAG = 2, MODE_KNOWN = 3 };

/* What a segment of its own costs beside its numbers: its head, the frame's, and the
 * table of codes for the tokens that are in it. */
enum { PACK_HEAD_BITS = 8 * 8, TOKENS_HEAD_BITS = 8 * 20, TOKEN_CODE_BITS = 4 };

enum { TOKENS = FL_BITS_TOKENS };

/* --- costs --- */

typedef struct histogram {
    uint32_t count[TOKENS];
    uint64_t total;
    uint64_t min; /* of the numbers themselves, as signed */
    uint64_t max;
} histogram;

static uint64_t tokens_cost(const histogram *h)
{
    uint64_t cost = 0; /* in 1/256 */
    uint64_t bits = 0;
    uint64_t whole = h->total ? fl_bits_log2_256(h->total) : 0;
    for (unsigned i = 0; i < TOKENS; i++)
        if (h->count[i]) {
            uint64_t one = whole - fl_bits_log2_256(h->count[i]);
            cost += h->count[i] * one;
            bits += (uint64_t)h->count[i] * fl_bits_token_bits(i) + TOKEN_CODE_BITS;
        }
    return cost / 256 + bits + TOKENS_HEAD_BITS;
}

static uint64_t pack_cost(const histogram *h)
{
    return h->total * fl_bits_width(h->max - h->min) + PACK_HEAD_BITS;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t cost_of(const histogram *h, bool pack_only)
{
    return pack_only ? pack_cost(h) : least(pack_cost(h), tokens_cost(h));
}

/* Signed order in unsigned numbers. */
#define SIGNED(number) ((number) ^ (uint64_t)1 << 63)

static void find_range(const uint64_t *values, size_t count, uint64_t *min,
                       uint64_t *max)
{
    uint64_t low = UINT64_MAX;
    uint64_t high = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t value = SIGNED(values[i]);
        low = value < low ? value : low;
        high = value > high ? value : high;
    }
    *min = SIGNED(low);
    *max = SIGNED(high);
}

static inline uint64_t to_token_number(uint64_t value, uint64_t base, bool zigzag)
{
    return zigzag ? fl_bits_zigzag(value) : value - base;
}

static void count_tokens(histogram *h, const uint64_t *values, size_t count,
                         uint64_t base, bool zigzag)
{
    memset(h->count, 0, sizeof h->count);
    if (zigzag)
        for (size_t i = 0; i < count; i++)
            h->count[fl_bits_token(fl_bits_zigzag(values[i]))]++;
    else
        for (size_t i = 0; i < count; i++)
            h->count[fl_bits_token(values[i] - base)]++;
    h->total = count;
}

/* Whether numbers that are not all positive are better told by their distance from zero
 * than by that from the least of them: one far outlier below would make all of them
 * large. */
static bool prefers_zigzag(histogram *h, const uint64_t *values, size_t count,
                           uint64_t min)
{
    if ((int64_t)min >= 0)
        return false;
    count_tokens(h, values, count, min, false);
    uint64_t from_least = tokens_cost(h);
    count_tokens(h, values, count, 0, true);
    return tokens_cost(h) < from_least;
}

uint64_t fl_integers_cost(const uint64_t *values, size_t count, bool pack_only)
{
    histogram h;
    if (count == 0)
        return 0;
    find_range(values, count, &h.min, &h.max);
    bool zigzag = !pack_only && prefers_zigzag(&h, values, count, h.min);
    count_tokens(&h, values, count, h.min, zigzag);
    return cost_of(&h, pack_only);
}

/* --- writing --- */

static void put_packed(fl_buffer *out, const uint64_t *values, size_t count,
                       uint64_t min, uint64_t max)
{
    unsigned width = fl_bits_width(max - min);
    fl_buffer_byte(out, 0);
    fl_bytes_put_varint(out, fl_bits_zigzag(min));
    fl_buffer_byte(out, (char)width);
    if (width == 0)
        return;
    size_t size = fl_bits_bytes((uint64_t)count * width);
    char *room = fl_buffer_reserve(out, size + 8);
    if (!room)
        return;
    fl_bits_writer writer = {(unsigned char *)room, 0, 0};
    for (size_t i = 0; i < count; i++)
        fl_bits_put(&writer, values[i] - min, width);
    fl_bits_flush(&writer);
    out->size += size;
}

static void put_tokens(fl_integers *integers, fl_buffer *out, const uint64_t *values,
                       size_t count, uint64_t base, bool zigzag)
{
    fl_buffer_clear(&integers->tokens);
    unsigned char *tokens =
        (unsigned char *)fl_buffer_reserve(&integers->tokens, count);
    if (!tokens) {
        out->failed = true;
        return;
    }
    uint64_t bits = 0;
    for (size_t i = 0; i < count; i++) {
        unsigned token = fl_bits_token(to_token_number(values[i], base, zigzag));
        tokens[i] = (unsigned char)token;
        bits += fl_bits_token_bits(token);
    }
    fl_buffer_byte(out, (char)(MODE_TOKENS | (zigzag ? MODE_ZIGZAG : 0)));
    if (!zigzag)
        fl_bytes_put_varint(out, fl_bits_zigzag(base));
    fl_codec_put(integers->codec, out, tokens, count);
    size_t size = fl_bits_bytes(bits);
    char *room = fl_buffer_reserve(out, size + 8);
    if (!room)
        return;
    fl_bits_writer writer = {(unsigned char *)room, 0, 0};
    for (size_t i = 0; i < count; i++) {
        unsigned width = fl_bits_token_bits(tokens[i]);
        uint64_t number = to_token_number(values[i], base, zigzag);
        fl_bits_put(&writer, number & fl_bits_mask(width), width);
    }
    fl_bits_flush(&writer);
    out->size += size;
}

/* A run of pieces that makes one segment. */
typedef struct segment {
    size_t first;
    size_t end;
    histogram h;
    uint64_t cost;
} segment;

static void put_segment(fl_integers *integers, fl_buffer *out, const uint64_t *values,
                        const segment *s, uint64_t base, bool zigzag)
{
    size_t count = s->end - s->first;
    fl_bytes_put_varint(out, count);
    if (integers->pack_only || pack_cost(&s->h) <= tokens_cost(&s->h))
        put_packed(out, values + s->first, count, s->h.min, s->h.max);
    else
        put_tokens(integers, out, values + s->first, count, base, zigzag);
}

static void join(segment *to, const segment *next, bool pack_only)
{
    for (unsigned i = 0; i < TOKENS; i++)
        to->h.count[i] += next->h.count[i];
    to->h.total += next->h.total;
    if (SIGNED(next->h.min) < SIGNED(to->h.min))
        to->h.min = next->h.min;
    if (SIGNED(next->h.max) > SIGNED(to->h.max))
        to->h.max = next->h.max;
    to->end = next->end;
    to->cost = cost_of(&to->h, pack_only);
}

void fl_integers_put(fl_integers *integers, fl_buffer *out, const uint64_t *values,
                     size_t count, const uint32_t *cuts, size_t cut_count)
{
    const uint32_t all = (uint32_t)count;
    if (count == 0)
        return;
    if (!cuts) {
        cuts = &all;
        cut_count = 1;
    }
    segment now = {0};
    uint64_t base;
    uint64_t max;
    find_range(values, count, &base, &max);
    bool zigzag = !integers->pack_only && prefers_zigzag(&now.h, values, count, base);
    for (size_t i = 0; i < cut_count; i++) {
        segment next = {.first = now.end, .end = cuts[i]};
        if (next.first == next.end)
            continue;
        const uint64_t *piece = values + next.first;
        size_t size = next.end - next.first;
        find_range(piece, size, &next.h.min, &next.h.max);
        count_tokens(&next.h, piece, size, base, zigzag);
        next.cost = cost_of(&next.h, integers->pack_only);
        if (now.first == now.end) {
            now = next;
            continue;
        }
        segment both = now;
        join(&both, &next, integers->pack_only);
        if (both.cost <= now.cost + next.cost) {
            now = both;
            continue;
        }
        put_segment(integers, out, values, &now, base, zigzag);
        now = next;
    }
    put_segment(integers, out, values, &now, base, zigzag);
}

/* --- reading --- */

enum { WINDOW = 1024 };

/* A segment on its way into an array: its numbers stand from `first` to `end` there. */
typedef struct stored {
    uint64_t *values;       /* the array; or WINDOW of it, which go to … */
    uint16_t *narrow;       /* … this one, where it is not NULL */
    uint64_t any;           /* bits of what went there */
    const fl_piece *pieces; /* those that are not all done */
    size_t piece_count;
    size_t done; /* places that need no more looking at */
    size_t first;
    size_t end;
} stored;

/* Whether any piece is left. */
static bool has_piece(stored *s)
{
    while (s->piece_count > 0 && s->pieces->end <= s->done) {
        s->pieces++;
        s->piece_count--;
    }
    return s->piece_count > 0;
}

/* What of the segment is to be filled next: *out is where. False when it is done. */
static bool next_part(stored *s, size_t *first, size_t *end, uint64_t **out)
{
    if (!has_piece(s) || s->pieces->first >= s->end || s->done == s->end)
        return false;
    *first = s->pieces->first > s->done ? s->pieces->first : s->done;
    *end = s->pieces->end < s->end ? s->pieces->end : s->end;
    if (s->narrow && *end - *first > WINDOW)
        *end = *first + WINDOW;
    *out = s->narrow ? s->values : s->values + *first;
    s->done = *end;
    return true;
}

static void end_part(stored *s, size_t first, size_t end)
{
    for (size_t i = 0; s->narrow && i < end - first; i++) {
        s->any |= s->values[i];
        s->narrow[first + i] = (uint16_t)s->values[i];
    }
}

static void unpack_bits(const unsigned char *bits, uint64_t at, unsigned width,
                        uint64_t base, uint64_t *values, size_t count)
{
    if (width == 16 && at % 8 == 0) /* ports: a vector's work */
        for (size_t i = 0; i < count; i++)
            values[i] = base + fl_bytes_load(bits + at / 8 + 2 * i, 2);
    else if (width <= 57)
        for (size_t i = 0; i < count; i++, at += width)
            values[i] = base + fl_bits_get_short(bits, at, width);
    else
        for (size_t i = 0; i < count; i++, at += width)
            values[i] = base + fl_bits_get(bits, at, width);
}

static bool get_packed(fl_cursor *in, stored *s)
{
    uint64_t base = fl_bits_unzigzag(fl_cursor_varint(in));
    unsigned width = (unsigned)fl_cursor_get(in, 1);
    if (in->failed || width > 64)
        return false;
    const unsigned char *bits =
        fl_cursor_take(in, fl_bits_bytes((uint64_t)(s->end - s->first) * width));
    if (!bits)
        return false;
    size_t first;
    size_t end;
    uint64_t *values;
    while (next_part(s, &first, &end, &values)) {
        if (width == 0)
            for (size_t i = 0; i < end - first; i++)
                values[i] = base;
        else
            unpack_bits(bits, (uint64_t)(first - s->first) * width, width, base, values,
                        end - first);
        end_part(s, first, end);
    }
    return true;
}

/* Something of each token: of those that are numbers themselves, then of the others. */
#define OF_TOKENS_4(SELF, first)                                                       \
    SELF(first), SELF(first + 1), SELF(first + 2), SELF(first + 3)
#define OF_BITS(OTHER, b) OTHER(b, 4), OTHER(b, 5), OTHER(b, 6), OTHER(b, 7)
#define OF_BITS_10(OTHER, b)                                                           \
    OF_BITS(OTHER, b), OF_BITS(OTHER, b + 1), OF_BITS(OTHER, b + 2),                   \
        OF_BITS(OTHER, b + 3), OF_BITS(OTHER, b + 4), OF_BITS(OTHER, b + 5),           \
        OF_BITS(OTHER, b + 6), OF_BITS(OTHER, b + 7), OF_BITS(OTHER, b + 8),           \
        OF_BITS(OTHER, b + 9)
#define OF_TOKENS(SELF, OTHER)                                                         \
    OF_TOKENS_4(SELF, 0), OF_TOKENS_4(SELF, 4), OF_TOKENS_4(SELF, 8),                  \
        OF_TOKENS_4(SELF, 12), OF_BITS_10(OTHER, 2), OF_BITS_10(OTHER, 12),            \
        OF_BITS_10(OTHER, 22), OF_BITS_10(OTHER, 32), OF_BITS_10(OTHER, 42),           \
        OF_BITS_10(OTHER, 52)
#define ITSELF(number) (number)
#define NOTHING(number) 0
#define BASE(bits, top) (UINT64_C(top) << (bits))
#define MASK(bits, top) ((UINT64_C(1) << (bits)) - 1)
#define BITS(bits, top) (bits)

/* The number without its other bits, a mask of as many bits, and how many these are. */
static const uint64_t token_base[TOKENS] = {OF_TOKENS(ITSELF, BASE)};
static const uint64_t token_mask[TOKENS] = {OF_TOKENS(NOTHING, MASK)};
static const uint8_t token_bits[TOKENS] = {OF_TOKENS(NOTHING, BITS)};

/* The other bits of all these tokens together. */
static uint64_t sum_bits(const unsigned char *tokens, size_t count)
{
    uint64_t total = 0;
    size_t i = 0;
    for (; i + 1024 <= count; i += 1024) { /* 61 bits each: the sum fits 16 bits */
        uint16_t part = 0;
        for (size_t k = 0; k < 1024; k++) { /* fl_bits_token_bits, in a byte's width */
            unsigned char quarter = tokens[i + k] >> 2;
            unsigned char bits = quarter > 3 ? (unsigned char)(quarter - 2) : 0;
            part = (uint16_t)(part + bits);
        }
        total += part;
    }
    for (; i < count; i++)
        total += fl_bits_token_bits(tokens[i]);
    return total;
}

static unsigned most_bits(const unsigned char *tokens, size_t count)
{
    unsigned char most = 0;
    for (size_t i = 0; i < count; i++)
        most = tokens[i] > most ? tokens[i] : most;
    return fl_bits_token_bits(most);
}

/* `group` numbers at a time from one word: together they have at most 57 bits. */
static inline uint64_t unpack_groups(const unsigned char *tokens,
                                     const unsigned char *bits, uint64_t at,
                                     uint64_t *values, size_t count, size_t group)
{
    size_t i = 0;
    for (; i + group <= count; i += group) {
        uint64_t word = fl_bytes_load_word(bits + at / 8) >> (at % 8);
        for (size_t k = 0; k < group; k++) {
            unsigned token = tokens[i + k];
            values[i + k] = token_base[token] | (word & token_mask[token]);
            word >>= token_bits[token];
            at += token_bits[token];
        }
    }
    for (; i < count; i++) {
        unsigned token = tokens[i];
        values[i] = token_base[token] |
                    (fl_bytes_load_word(bits + at / 8) >> (at % 8) & token_mask[token]);
        at += token_bits[token];
    }
    return at;
}

/* Gives the bit behind the last. No number has more than `most` bits. */
static uint64_t unpack_tokens(const unsigned char *tokens, const unsigned char *bits,
                              uint64_t at, uint64_t *values, size_t count,
                              unsigned most)
{
    if (most <= 7)
        return unpack_groups(tokens, bits, at, values, count, 8);
    if (most <= 14)
        return unpack_groups(tokens, bits, at, values, count, 4);
    if (most <= 28)
        return unpack_groups(tokens, bits, at, values, count, 2);
    if (most <= 57)
        return unpack_groups(tokens, bits, at, values, count, 1);
    for (size_t i = 0; i < count; i++) {
        unsigned token = tokens[i];
        values[i] = token_base[token] | fl_bits_get(bits, at, token_bits[token]);
        at += token_bits[token];
    }
    return at;
}

static bool get_tokens(fl_integers *integers, fl_cursor *in, stored *s, bool zigzag)
{
    size_t count = s->end - s->first;
    uint64_t base = zigzag ? 0 : fl_bits_unzigzag(fl_cursor_varint(in));
    fl_buffer_clear(&integers->tokens);
    if (!fl_codec_fits(in, count))
        return false;
    unsigned char *tokens =
        (unsigned char *)fl_buffer_reserve(&integers->tokens, count);
    if (!tokens)
        integers->no_memory = true;
    if (!tokens || !fl_codec_get(integers->codec, in, tokens, count))
        return false;
    uint64_t total = sum_bits(tokens, count);
    const unsigned char *bits = fl_cursor_take(in, fl_bits_bytes(total));
    if (!bits)
        return false;
    size_t first;
    size_t end;
    uint64_t *values;
    size_t passed = s->first; /* of which `at` bits are */
    uint64_t at = 0;
    unsigned most = total ? most_bits(tokens, count) : 0;
    while (next_part(s, &first, &end, &values)) {
        const unsigned char *piece = tokens + (first - s->first);
        if (total > 0) {
            at += sum_bits(tokens + (passed - s->first), first - passed);
            at = unpack_tokens(piece, bits, at, values, end - first, most);
        } else { /* all below 16 */
            for (size_t i = 0; i < end - first; i++)
                values[i] = piece[i];
        }
        passed = end;
        if (zigzag)
            for (size_t i = 0; i < end - first; i++)
                values[i] = fl_bits_unzigzag(values[i]);
        else if (base)
            for (size_t i = 0; i < end - first; i++)
                values[i] += base;
        end_part(s, first, end);
    }
    return true;
}

static bool get_array(fl_integers *integers, fl_cursor *in, stored *s, size_t count)
{
    while (s->end < count) {
        s->done = s->end;
        if (!has_piece(s)) {
            fl_cursor_take(in, in->left);
            break;
        }
        uint64_t part = fl_cursor_varint(in);
        unsigned mode = (unsigned)fl_cursor_get(in, 1);
        if (in->failed || part == 0 || part > count - s->end || mode > MODE_KNOWN ||
            mode == MODE_ZIGZAG)
            return false;
        s->first = s->end;
        s->end += (size_t)part;
        bool sound = mode & MODE_TOKENS
                         ? get_tokens(integers, in, s, mode & MODE_ZIGZAG)
                         : get_packed(in, s);
        if (!sound)
            return false;
    }
    return true;
}

bool fl_integers_get_pieces(fl_integers *integers, fl_cursor *in, uint64_t *values,
                            size_t count, const fl_piece *pieces, size_t piece_count)
{
    stored s = {.values = values, .pieces = pieces, .piece_count = piece_count};
    return get_array(integers, in, &s, count);
}

bool fl_integers_get_narrow(fl_integers *integers, fl_cursor *in, uint16_t *values,
                            size_t count)
{
    uint64_t window[WINDOW];
    const fl_piece all = {0, count};
    stored s = {.values = window, .narrow = values, .pieces = &all, .piece_count = 1};
    return get_array(integers, in, &s, count) && s.any <= UINT16_MAX;
}

bool fl_integers_get(fl_integers *integers, fl_cursor *in, uint64_t *values,
                     size_t count)
{
    const fl_piece all = {0, count};
    return fl_integers_get_pieces(integers, in, values, count, &all, 1);
}

void fl_integers_free(fl_integers *integers)
{
    fl_buffer_free(&integers->tokens);
}
