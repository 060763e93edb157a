/* Tests of what is not in a column but follows from several. It is calculated for the rows
 * that are asked for first; if others are needed later, once more for all that may be. */
#include <string.h>

#include "match.h"
#include "sum.h"
#include "value.h"

/* Whether all rows of `rows` are among `covered`. */
static bool covers(const flowan_matcher *m, const uint64_t *covered,
                   const uint64_t *rows)
{
    for (size_t i = 0; i < m->words; i++)
        if (rows[i] & ~covered[i])
            return false;
    return true;
}

static void copy_rows(const flowan_matcher *m, uint64_t *to, const uint64_t *from)
{
    memcpy(to, from, m->words * sizeof *to);
}

/* --- duration, and what is divided by it --- */

/* floor(value * factor / divisor), or the largest number where that is larger. */
static uint64_t scale(uint64_t value, uint64_t factor, uint64_t divisor)
{
    flowan_sum product = fl_sum_product(value, factor);
    if (product.high == 0)
        return product.low / divisor;
    if (product.high >= divisor)
        return UINT64_MAX;
    uint64_t rest = product.high;
    uint64_t quotient = 0;
    for (int bit = 63; bit >= 0; bit--) {
        uint64_t top = rest >> 63;
        rest = rest << 1 | (product.low >> bit & 1);
        if (top || rest >= divisor) {
            rest -= divisor;
            quotient |= (uint64_t)1 << bit;
        }
    }
    return quotient;
}

/* The columns that these values come from. */
typedef struct inputs {
    fl_enrich_column start;
    fl_enrich_column end;
    fl_enrich_column bytes;
    fl_enrich_column packets;
} inputs;

static bool get(const fl_enrich_column *column, size_t row, uint64_t *out)
{
    if (!column->there || !fl_match_has(column->view.present, row))
        return false;
    *out = column->view.u64[row];
    return true;
}

/* The value of a row; false where it has none. */
static bool derive(const inputs *in, fl_subject subject, size_t row, uint64_t *out)
{
    uint64_t start;
    uint64_t end;
    uint64_t counted = 0;
    if (subject == FL_SUBJECT_BPP) {
        uint64_t packets;
        if (!get(&in->bytes, row, &counted) || !get(&in->packets, row, &packets))
            return false;
        *out = packets ? counted / packets : 0;
        return true;
    }
    if (!get(&in->start, row, &start) || !get(&in->end, row, &end) || end < start)
        return false;
    if (subject == FL_SUBJECT_DURATION) {
        *out = end - start;
        return true;
    }
    bool bits = subject == FL_SUBJECT_BPS;
    if (!get(bits ? &in->bytes : &in->packets, row, &counted))
        return false;
    uint64_t factor = (bits ? 8 : 1) * FL_NS_PER_SECOND;
    *out = end > start ? scale(counted, factor, end - start) : 0;
    return true;
}

static bool cover_rate(flowan_matcher *m, fl_subject subject, fl_rate *rate,
                       const uint64_t *rows)
{
    if (rate->begun && covers(m, rate->covered, rows))
        return true;
    if (!fl_match_room(m, &rate->there) || !fl_match_room(m, &rate->covered))
        return false;
    if (!rate->values) {
        rate->values = fl_memory_alloc(m->room * 64, sizeof *rate->values);
        if (!rate->values)
            return false;
    }
    inputs in;
    fl_enrich_find(&in.start, m->batch, FLOWAN_FIELD_TIME_FLOW_START_NS);
    fl_enrich_find(&in.end, m->batch, FLOWAN_FIELD_TIME_FLOW_END_NS);
    fl_enrich_find(&in.bytes, m->batch, FLOWAN_FIELD_BYTES);
    fl_enrich_find(&in.packets, m->batch, FLOWAN_FIELD_PACKETS);
    copy_rows(m, rate->covered, rate->begun ? m->among : rows);
    memset(rate->there, 0, m->words * sizeof *rate->there);
    for (size_t row = fl_match_next(m, rate->covered, 0); row < m->rows;
         row = fl_match_next(m, rate->covered, row + 1))
        if (derive(&in, subject, row, &rate->values[row]))
            fl_match_put(rate->there, row);
    rate->begun = true;
    return true;
}

static bool match_rate(flowan_matcher *m, const fl_test *test, uint64_t *rows)
{
    fl_rate *rate = &m->rates[test->subject - FL_SUBJECT_DURATION];
    if (!cover_rate(m, test->subject, rate, rows))
        return false;
    fl_match_keep(m, rows, rate->there);
    for (size_t row = fl_match_next(m, rows, 0); row < m->rows;
         row = fl_match_next(m, rows, row + 1))
        if (!fl_numbers_has(&test->numbers, rate->values[row]))
            rows[row / 64] &= ~((uint64_t)1 << (row % 64));
    return true;
}

/* --- direction, ends, autonomous systems --- */

static bool cover_enriched(flowan_matcher *m, const uint64_t *rows)
{
    if (m->enrich_begun && covers(m, m->enriched, rows))
        return true;
    if (!fl_match_room(m, &m->enriched))
        return false;
    if (!m->enriched_rows) {
        m->enriched_rows = fl_memory_alloc(m->room * 64, sizeof *m->enriched_rows);
        if (!m->enriched_rows)
            return false;
    }
    copy_rows(m, m->enriched, m->enrich_begun ? m->among : rows);
    size_t count = 0;
    for (size_t row = fl_match_next(m, m->enriched, 0); row < m->rows;
         row = fl_match_next(m, m->enriched, row + 1))
        m->enriched_rows[count++] = (uint32_t)row;
    flowan_selection chosen = {m->enriched_rows, count};
    m->enrich_begun = fl_enrich_begin(&m->enrich, m->batch, &chosen, NULL) >= 0;
    return m->enrich_begun;
}

static bool prepare(flowan_matcher *m, fl_subject subject)
{
    switch (subject) {
    case FL_SUBJECT_SRC_AS:
    case FL_SUBJECT_DST_AS: return fl_enrich_asns(&m->enrich);
    case FL_SUBJECT_REMOTE_AS: return fl_enrich_remote_as(&m->enrich);
    default: return fl_enrich_sides(&m->enrich);
    }
}

static bool has_address(const fl_test *test, const flowan_address *address)
{
    return address && fl_addresses_has(&test->addresses, fl_wide_of(address));
}

/* The test of chosen row `i`, seen from one local end. */
static bool end_holds(const fl_enrich *enrich, const fl_test *test, size_t i,
                      bool source)
{
    size_t row = fl_enrich_row(enrich, i);
    switch (test->subject) {
    case FL_SUBJECT_LOCAL_IP:
        return has_address(test, source ? fl_enrich_address(&enrich->src_addr, row)
                                        : &enrich->dst_local[i]);
    case FL_SUBJECT_LOCAL_NET:
        return fl_numbers_has(&test->numbers,
                              source ? enrich->src_network[i] : enrich->dst_network[i]);
    case FL_SUBJECT_REMOTE_IP:
        return has_address(
            test,
            fl_enrich_address(source ? &enrich->dst_addr : &enrich->src_addr, row));
    default: return fl_numbers_has(&test->numbers, enrich->remote_as[!source][i]);
    }
}

static bool enriched_holds(const fl_enrich *enrich, const fl_test *test, size_t i)
{
    switch (test->subject) {
    case FL_SUBJECT_DIRECTION:
        return fl_numbers_has(&test->numbers, enrich->direction[i]);
    case FL_SUBJECT_SRC_AS:
        return fl_numbers_has(&test->numbers, enrich->own_src_as[i]);
    case FL_SUBJECT_DST_AS:
        return fl_numbers_has(&test->numbers, enrich->own_dst_as[i]);
    default:
        return ((enrich->direction[i] & FL_DIRECTION_OUT) &&
                end_holds(enrich, test, i, true)) ||
               ((enrich->direction[i] & FL_DIRECTION_IN) &&
                end_holds(enrich, test, i, false));
    }
}

static bool match_enriched(flowan_matcher *m, const fl_test *test, uint64_t *rows)
{
    if (!cover_enriched(m, rows) || !prepare(m, test->subject))
        return false;
    for (size_t i = 0; i < m->enrich.count; i++) {
        size_t row = fl_enrich_row(&m->enrich, i);
        if (fl_match_has(rows, row) && !enriched_holds(&m->enrich, test, i))
            rows[row / 64] &= ~((uint64_t)1 << (row % 64));
    }
    return true;
}

/* --- both --- */

bool fl_match_derived(flowan_matcher *m, const fl_test *test, uint64_t *rows)
{
    return test->subject <= FL_SUBJECT_BPP ? match_rate(m, test, rows)
                                           : match_enriched(m, test, rows);
}

void fl_match_derived_begin(flowan_matcher *m)
{
    m->enrich_begun = false;
    for (size_t i = 0; i < FL_MATCH_RATES; i++)
        m->rates[i].begun = false;
}

void fl_match_derived_free(flowan_matcher *m)
{
    for (size_t i = 0; i < FL_MATCH_RATES; i++) {
        fl_memory_free(m->rates[i].values);
        fl_memory_free(m->rates[i].there);
        fl_memory_free(m->rates[i].covered);
        m->rates[i] = (fl_rate){0};
    }
    fl_memory_free(m->enriched);
    fl_memory_free(m->enriched_rows);
    m->enriched = NULL;
    m->enriched_rows = NULL;
}
