#include "spread.h"

/* --- one number --- */

static flowan_sum plus(flowan_sum sum, bool one)
{
    if (one)
        fl_sum_add(&sum, fl_sum_of(1));
    return sum;
}

/* Takes `part` off *left, `times` times: of a sum that has so much. */
static void take(flowan_sum *left, flowan_sum part, uint64_t times)
{
    flowan_sum low = fl_sum_product(part.low, times);
    low.high += part.high * times;
    fl_sum_subtract(left, low);
}

/* In parts of `first`, `inner` … and `last` of their sum `whole`, of `count` bins, two at
 * least. The remainders say who gets one more: the larger before the smaller, the earlier
 * before the later. */
static void share(fl_shares *s, flowan_sum number, uint64_t count, uint64_t first,
                  uint64_t inner, uint64_t last, uint64_t whole)
{
    uint64_t rest[3];
    s->first = fl_sum_scale(number, first, whole, &rest[0]);
    s->inner = fl_sum_scale(number, inner, whole, &rest[1]);
    s->last = fl_sum_scale(number, last, whole, &rest[2]);
    flowan_sum left = number;
    take(&left, s->first, 1);
    take(&left, s->inner, count - 2);
    take(&left, s->last, 1);
    s->left = left.low; /* fewer than there are bins */
    s->first_rank = (rest[1] > rest[0] ? count - 2 : 0) + (rest[2] > rest[0]);
    s->inner_rank = (uint64_t)(rest[0] >= rest[1]) + (rest[2] > rest[1]);
    s->last_rank =
        (uint64_t)(rest[0] >= rest[2]) + (rest[1] >= rest[2] ? count - 2 : 0);
}

static flowan_sum share_of(const fl_shares *s, uint64_t at, uint64_t count)
{
    if (at == 0)
        return plus(s->first, s->first_rank < s->left);
    if (at == count - 1)
        return plus(s->last, s->last_rank < s->left);
    return plus(s->inner, s->inner_rank + (at - 1) < s->left);
}

/* --- a flow --- */

void fl_spread_begin(fl_spread *spread, flowan_scheme scheme, uint64_t width_ns,
                     const fl_span *span, const flowan_measures *flow)
{
    uint64_t start = span->start_ns;
    uint64_t end = span->end_ns;
    uint64_t last = (end > start ? end - 1 : end) / width_ns;
    *spread = (fl_spread){.bin = start / width_ns, .count = 1, .flow = flow};
    switch (scheme) {
    case FLOWAN_SCHEME_START: return;
    case FLOWAN_SCHEME_END: spread->bin = last; return;
    case FLOWAN_SCHEME_MIDDLE:
        spread->bin = (start + (end - start) / 2) / width_ns;
        return;
    case FLOWAN_SCHEME_PROPORTIONAL:
    case FLOWAN_SCHEME_UNIFORM: break;
    }
    spread->count = last - spread->bin + 1;
    if (spread->count == 1)
        return;
    uint64_t parts[4] = {1, 1, 1, spread->count};
    if (scheme == FLOWAN_SCHEME_PROPORTIONAL) {
        parts[0] = width_ns - start % width_ns;
        parts[1] = spread->count > 2 ? width_ns : 0;
        parts[2] = end - last * width_ns;
        parts[3] = end - start;
    }
    share(&spread->packets, flow->packets, spread->count, parts[0], parts[1], parts[2],
          parts[3]);
    share(&spread->bytes, flow->bytes, spread->count, parts[0], parts[1], parts[2],
          parts[3]);
}

bool fl_spread_next(fl_spread *spread, uint64_t *bin, flowan_measures *out)
{
    if (spread->next == spread->count)
        return false;
    uint64_t at = spread->next++;
    *bin = spread->bin + at;
    if (spread->count == 1) {
        *out = *spread->flow;
        return true;
    }
    *out = (flowan_measures){at == 0 ? spread->flow->flows : 0,
                             share_of(&spread->packets, at, spread->count),
                             share_of(&spread->bytes, at, spread->count)};
    return true;
}
