/* What summaries say of a block: the same whoever makes them, true of its rows, and "maybe"
 * where they are damaged. */
#include "summary.h"

#include "../fuzz/mend.h"
#include "asked.h"
#include "flowan/scan.h"
#include "listing.h"
#include "unit.h"

static const struct {
    const char *filter;
    fl_verdict verdict;
} cases[] = {
    {"any", FL_ALL},
    {"not any", FL_NONE},
    /* one value for all rows */
    {"in if 7", FL_ALL},
    {"in if 8", FL_NONE},
    {"not in if 8", FL_ALL},
    {"in if < 9", FL_ALL},
    /* two */
    {"proto tcp", FL_SOME},
    {"proto in [tcp udp]", FL_ALL},
    {"proto icmp", FL_NONE},
    {"dst port 443", FL_SOME},
    {"dst port 100-200", FL_NONE}, /* between them */
    {"not dst port 80", FL_ALL},
    /* a range: 100 to 2147, kept as 96 to some more */
    {"bytes > 10000", FL_NONE},
    {"bytes < 96", FL_NONE},
    {"bytes >= 96", FL_ALL},
    {"bytes 500", FL_SOME},
    {"not bytes 500", FL_SOME},
    /* of labels */
    {"exporter 192.0.2.0/24", FL_ALL},
    {"exporter 192.0.2.3", FL_SOME},
    {"exporter 192.0.2.7", FL_NONE},
    /* an address's first half is known */
    {"src ip 10.0.0.0/8", FL_SOME},
    {"src ip 2001:db8::/32", FL_NONE},
    {"dst ip 10.0.0.1", FL_NONE}, /* nobody has the column */
    /* columns that not all rows have */
    {"field mine exists", FL_SOME},
    {"field mine < 3000", FL_SOME},
    {"field mine > 10000", FL_NONE},
    {"field nobody exists", FL_NONE},
    {"not field nobody exists", FL_ALL},
    {"field in_if exists", FL_ALL},
    {"field in_if = \"7\"", FL_ALL},
    /* what no range tells */
    {"field note = n1", FL_SOME},
    {"field note = nobody", FL_SOME},
    {"field as_path 7", FL_SOME},
    {"bps > 1", FL_SOME},
    {"direction in", FL_SOME},
    {"field sequence_num 5", FL_SOME}, /* of runs */
    {"field time_received_ns > 5", FL_SOME},
    /* together */
    {"in if 7 and proto in [tcp udp]", FL_ALL},
    {"in if 7 and proto tcp", FL_SOME},
    {"in if 8 and proto tcp", FL_NONE},
    {"in if 8 or proto tcp", FL_SOME},
    {"in if 7 or proto tcp", FL_ALL},
    {"in if 8 or proto icmp", FL_NONE},
    {"not (in if 8 or field note = n1 and proto icmp)", FL_ALL},
};
enum { CASES = sizeof cases / sizeof *cases };

static flowan_batch *batch;
static fl_buffer file;
static flowan_reader *reader;
static const fl_segment_block *block;
static flowan_filter *filters[CASES];

static void begin(void)
{
    size_t count;
    batch = asked_batch();
    file = asked_file(batch, ASKED_ROWS, FLOWAN_LEVEL_DEFAULT);
    reader = asked_open(&file);
    block = fl_reader_blocks(reader, &count);
    ck_assert_uint_eq(count, 1);
    for (size_t i = 0; i < CASES; i++)
        filters[i] = filter_of(cases[i].filter);
}

static void end(void)
{
    flowan_reader_free(reader);
    fl_buffer_free(&file);
    flowan_batch_free(batch);
    for (size_t i = 0; i < CASES; i++)
        flowan_filter_free(filters[i]);
}

START_TEST(verdicts)
{
    ck_assert_ptr_nonnull(block->summary);
    for (size_t i = 0; i < CASES; i++)
        ck_assert_msg(fl_summary_judge(block->summary, block->summary_size,
                                       filters[i]) == cases[i].verdict,
                      "%s: not %d", cases[i].filter, cases[i].verdict);
}
END_TEST

START_TEST(verdicts_are_true)
{
    for (size_t i = 0; i < CASES; i++) {
        flowan_matcher *matcher;
        const flowan_selection *rows;
        ck_assert_int_eq(flowan_matcher_new(&matcher, filters[i], NULL, NULL),
                         FLOWAN_OK);
        ck_assert_int_eq(flowan_matcher_apply(matcher, batch, NULL, &rows, NULL),
                         FLOWAN_OK);
        if (cases[i].verdict != FL_SOME)
            ck_assert_msg(rows->count == (cases[i].verdict ? ASKED_ROWS : 0),
                          "%s: %zu rows", cases[i].filter, rows->count);
        flowan_matcher_free(matcher);
    }
}
END_TEST

START_TEST(nothing_says_maybe)
{
    for (size_t i = 2; i < CASES; i++)
        ck_assert_int_eq(fl_summary_judge(NULL, 0, filters[i]), FL_SOME);
}
END_TEST

/* Where there is no footer, they are made from directories: the same. */
START_TEST(made_again_the_same)
{
    static const size_t rows[] = {ASKED_ROWS, 1024, 1500};
    for (size_t i = 0; i < 3; i++) {
        fl_buffer whole = asked_file(batch, rows[i], FLOWAN_LEVEL_FAST);
        fl_buffer cut = {0};
        fl_buffer_append(&cut, whole.data, whole.size - FL_SEGMENT_TRAILER_SIZE);
        flowan_reader *of_whole = asked_open(&whole);
        flowan_reader *of_cut = asked_open(&cut);
        size_t count;
        size_t cut_count;
        const fl_segment_block *a = fl_reader_blocks(of_whole, &count);
        const fl_segment_block *b = fl_reader_blocks(of_cut, &cut_count);
        ck_assert_uint_eq(count, cut_count);
        for (size_t k = 0; k < count; k++)
            ck_assert_ptr_null(b[k].summary);
        for (int again = 0; again < 2;
             again++) /* the second time nothing is left to do */
            ck_assert_int_eq(fl_listing_summarize(of_cut, NULL), FLOWAN_OK);
        for (size_t k = 0; k < count; k++) {
            ck_assert_int_eq(a[k].summary != NULL,
                             a[k].stats.rows >= FL_SUMMARY_ROWS_MIN);
            ck_assert_uint_eq(a[k].summary_size, b[k].summary_size);
            if (a[k].summary)
                ck_assert_mem_eq(a[k].summary, b[k].summary, a[k].summary_size);
        }
        flowan_reader_free(of_whole);
        flowan_reader_free(of_cut);
        fl_buffer_free(&cut);
        fl_buffer_free(&whole);
    }
}
END_TEST

/* Values at the ends of what a type has, and gaps that are joined. */
START_TEST(ends_and_gaps)
{
    static const struct {
        const char *filter;
        fl_verdict verdict;
    } asked[] = {{"bytes 18446744073709551615", FL_SOME},
                 {"bytes 0", FL_SOME},
                 {"bytes >= 0", FL_ALL},
                 {"dst ip ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", FL_SOME},
                 {"dst ip ::", FL_SOME},
                 {"dst ip ::/0", FL_ALL},
                 {"dst ip 7000::/16", FL_NONE},
                 {"exporter 10.0.0.7", FL_SOME},
                 {"exporter 10.0.0.101", FL_NONE},
                 {"exporter 10.0.210.0/24", FL_SOME},
                 {"exporter 10.0.150.0/24", FL_NONE}};
    fl_buffer text = {0};
    for (unsigned i = 0; i < 2000; i++)
        fl_buffer_format(
            &text,
            "{\"type\":\"IPFIX\",\"time_received_ns\":17420586510000000%02u,"
            "\"sequence_num\":%u,\"sampler_address\":\"10.0.%u.%u\","
            "\"bytes\":%s,\"dst_addr\":\"%s\"}\n",
            i / 170, i, i / 170 < 9 ? 0 : 200 + i / 170, i / 170,
            i % 2 ? "0" : "18446744073709551615",
            i % 2 ? "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" : "::");
    flowan_batch *odd = batch_of(text.data, text.size);
    fl_buffer stored = asked_file(odd, 2000, FLOWAN_LEVEL_SMALL);
    flowan_reader *of_odd = asked_open(&stored);
    size_t count;
    const fl_segment_block *only = fl_reader_blocks(of_odd, &count);
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
        flowan_filter *filter = filter_of(asked[i].filter);
        fl_verdict verdict =
            fl_summary_judge(only->summary, only->summary_size, filter);
        flowan_matcher *matcher;
        const flowan_selection *rows;
        ck_assert_int_eq(flowan_matcher_new(&matcher, filter, NULL, NULL), FLOWAN_OK);
        ck_assert_int_eq(flowan_matcher_apply(matcher, odd, NULL, &rows, NULL),
                         FLOWAN_OK);
        ck_assert_msg(verdict == asked[i].verdict, "%s: %d", asked[i].filter, verdict);
        ck_assert_msg(verdict == FL_SOME || rows->count == (verdict ? 2000 : 0),
                      "%s: %zu rows", asked[i].filter, rows->count);
        flowan_matcher_free(matcher);
        flowan_filter_free(filter);
    }
    flowan_reader_free(of_odd);
    fl_buffer_free(&stored);
    flowan_batch_free(odd);
    fl_buffer_free(&text);
}
END_TEST

/* --- damage --- */

/* Cut anywhere, what is left says what all of it did, or maybe. */
START_TEST(cut_anywhere)
{
    for (size_t size = 0; size < block->summary_size; size++) {
        unsigned char *copy = fl_memory_alloc(size, 1);
        if (size)
            memcpy(copy, block->summary, size);
        for (size_t i = 0; i < CASES; i++) {
            fl_verdict verdict = fl_summary_judge(copy, size, filters[i]);
            ck_assert(verdict == FL_SOME || verdict == cases[i].verdict);
        }
        fl_memory_free(copy);
    }
}
END_TEST

START_TEST(any_byte_changed)
{
    unsigned char *copy = fl_memory_alloc(block->summary_size, 1);
    memcpy(copy, block->summary, block->summary_size);
    for (size_t i = 0; i < block->summary_size; i++)
        for (unsigned change = 1; change < 256; change += 11) {
            copy[i] ^= (unsigned char)change;
            for (size_t k = 0; k < CASES; k++)
                ck_assert_int_le(
                    fl_summary_judge(copy, block->summary_size, filters[k]), FL_ALL);
            copy[i] ^= (unsigned char)change;
        }
    fl_memory_free(copy);
}
END_TEST

/* --- forged footers --- */

/* A file with that behind the log states. */
static fl_buffer with_extra(const char *extra, size_t size)
{
    fl_buffer out = {0};
    size_t footer = (size_t)(block->offset + block->size);
    fl_buffer_append(&out, file.data, footer);
    fl_buffer own = {0};
    fl_segment_put_footer(&own, footer, block, 1, NULL, 0, NULL);
    size_t fixed = own.size - FL_SEGMENT_TRAILER_SIZE - FL_SEGMENT_CHECKSUM_SIZE;
    fl_bytes_store((unsigned char *)own.data + 16, size, 4);
    fl_buffer_append(&out, own.data, fixed);
    fl_buffer_append(&out, extra, size);
    fl_bytes_put(&out, 0, 8);
    size_t footer_size = out.size - footer;
    size_t trailer = out.size;
    fl_bytes_put(&out, footer, 8);
    fl_bytes_put(&out, footer_size, 8);
    fl_buffer_append(&out, own.data + own.size - 16, 8);
    fl_bytes_put(&out, 0, 8);
    ck_assert(!out.failed && !own.failed);
    mend_checksum((uint8_t *)out.data + footer, footer_size - FL_SEGMENT_CHECKSUM_SIZE);
    mend_checksum((uint8_t *)out.data + trailer,
                  FL_SEGMENT_TRAILER_SIZE - FL_SEGMENT_CHECKSUM_SIZE);
    fl_buffer_free(&own);
    return out;
}

static void put_item(fl_buffer *out, uint64_t what, const void *data, size_t size)
{
    fl_bytes_put_varint(out, what);
    fl_bytes_put_varint(out, size);
    fl_buffer_append(out, data, size);
}

static void put_sized(fl_buffer *out, const void *data, size_t size)
{
    fl_bytes_put_varint(out, size);
    fl_buffer_append(out, data, size);
}

/* What is not known is left out, and summaries that are not one a block are none; none of
 * it hides a block. */
START_TEST(what_stands_in_footers)
{
    fl_buffer right = {0};
    fl_buffer twice = {0};
    put_sized(&right, block->summary, block->summary_size);
    put_sized(&twice, block->summary, block->summary_size);
    put_sized(&twice, block->summary, block->summary_size);
    for (int i = 0; i < 9; i++) {
        fl_buffer extra = {0};
        bool has = false;
        switch (i) {
        case 0: put_item(&extra, 1, right.data, right.size), has = true; break;
        case 1:
            put_item(&extra, 77, "what?", 5);
            put_item(&extra, 1, right.data, right.size);
            put_item(&extra, UINT64_MAX, NULL, 0);
            has = true;
            break;
        case 2: put_item(&extra, 1, twice.data, twice.size); break;
        case 3: put_item(&extra, 1, right.data, right.size - 1); break;
        case 4: put_item(&extra, 1, NULL, 0); break;
        case 5: put_item(&extra, 1, "\0", 1); break;
        case 6: fl_buffer_append(&extra, "\1\177", 2); break; /* more than there is */
        case 7:
            fl_buffer_append(&extra, "\1\377\377\377\377\377\377\377\377\377\1", 11);
            break;
        case 8: break;
        }
        fl_buffer forged = with_extra(extra.data, extra.size);
        flowan_reader *of_forged = asked_open(&forged);
        size_t count;
        const fl_segment_block *blocks = fl_reader_blocks(of_forged, &count);
        ck_assert(flowan_reader_info(of_forged).finished);
        ck_assert_uint_eq(count, 1);
        ck_assert_msg((blocks->summary != NULL) == has, "case %d", i);
        ck_assert_uint_eq(blocks->summary_size, has ? block->summary_size : 0);
        assert_sound(of_forged);
        /* who copies blocks makes those that are missing */
        ck_assert_int_eq(fl_listing_summarize(of_forged, NULL), FLOWAN_OK);
        ck_assert_uint_eq(blocks->summary_size, block->summary_size);
        flowan_reader_free(of_forged);
        fl_buffer_free(&forged);
        fl_buffer_free(&extra);
    }
    fl_buffer_free(&right);
    fl_buffer_free(&twice);
}
END_TEST

/* A summary that lies costs the rows that it denies; all others are there. */
START_TEST(a_lie_costs_rows)
{
    fl_buffer bytes = {0};
    fl_buffer item = {0};
    put_sized(&bytes, "\0", 1); /* no columns */
    put_item(&item, 1, bytes.data, bytes.size);
    fl_buffer forged = with_extra(item.data, item.size);
    char directory_of[64];
    char name[128];
    make_directory(directory_of);
    snprintf(name, sizeof name, "%s/a.seg", directory_of);
    write_file(name, forged.data, forged.size);
    for (int i = 0; i < 2; i++) {
        flowan_filter *filter = filter_of(i ? "in if 7" : "not in if 8");
        flowan_scan_options options = {.size = sizeof options, .filter = filter};
        const char *paths[] = {name};
        flowan_scan *scan;
        flowan_scan_sums sums = {0};
        ck_assert_int_eq(flowan_scan_open(&scan, paths, 1, &options, NULL), FLOWAN_OK);
        ck_assert_int_eq(flowan_scan_sum(scan, &sums, NULL), FLOWAN_END);
        ck_assert_uint_eq(sums.flows, i ? 0 : ASKED_ROWS);
        ck_assert_uint_eq(flowan_scan_count(scan).segments_not_matching, i);
        flowan_scan_free(scan);
        flowan_filter_free(filter);
    }
    remove_tree(directory_of);
    fl_buffer_free(&forged);
    fl_buffer_free(&item);
    fl_buffer_free(&bytes);
}
END_TEST

static Suite *suite_of(void)
{
    Suite *suite = suite_create("summary");
    TCase *tests = tcase_create("summary");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, verdicts);
    tcase_add_test(tests, verdicts_are_true);
    tcase_add_test(tests, nothing_says_maybe);
    tcase_add_test(tests, made_again_the_same);
    tcase_add_test(tests, ends_and_gaps);
    tcase_add_test(tests, cut_anywhere);
    tcase_add_test(tests, any_byte_changed);
    tcase_add_test(tests, what_stands_in_footers);
    tcase_add_test(tests, a_lie_costs_rows);
    suite_add_tcase(suite, tests);
    return suite;
}

FL_UNIT_MAIN(suite_of)
