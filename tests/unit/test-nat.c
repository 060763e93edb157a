/* The NAT lookup: each rule of doc/semantics.md by records made for it, and random records
 * against a search that knows no batch, filter or block. */
#include "flowan/nat.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "flowan/import.h"
#include "flowan/notation.h"
#include "memory.h"
#include "repack.h"
#include "segment.h"
#include "segments.h"
#include "unit.h"

#define SECOND UINT64_C(1000000000)
#define T0 UINT64_C(1742000000000000000) /* 2025-03-15T00:53:20Z */

static char directory[64];
static char path[128];

static void set_up(void)
{
    make_directory(directory);
    snprintf(path, sizeof path, "%s/log", directory);
}

static void tear_down(void)
{
    remove_tree(directory);
}

/* Records, a line each, with single quotes for double ones. */
static void write_log(const char *text)
{
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    for (; *text; text++)
        putc(*text == '\'' ? '"' : *text, file);
    ck_assert_int_eq(fclose(file), 0);
}

/* The log as an archive in the place of the log. */
static void archive_log(uint64_t rotate_ns, bool index)
{
    char archive[128];
    snprintf(archive, sizeof archive, "%s/archive", directory);
    flowan_archiver_options options = {
        .size = sizeof options, .rotate_ns = rotate_ns, .nat_index = index};
    flowan_archiver *archiver;
    ck_assert_int_eq(flowan_archiver_open(&archiver, archive, &options, NULL), 0);
    ck_assert_int_eq(flowan_import_log(archiver, path, NULL, NULL, NULL), 0);
    ck_assert_int_eq(flowan_archiver_finish(archiver, NULL), 0);
    flowan_archiver_free(archiver);
    snprintf(path, sizeof path, "%s", archive);
}

typedef struct question {
    const char *address;
    int port; /* -1: any */
    uint64_t from_ns;
    uint64_t to_ns; /* 0: from_ns alone */
    uint64_t skew_ns;
} question;

static flowan_nat *open_question(const question *q, const char *const *paths,
                                 size_t count)
{
    flowan_nat_options options = {.size = sizeof options,
                                  .has_port = q->port >= 0,
                                  .port = q->port >= 0 ? (uint32_t)q->port : 0,
                                  .has_from = true,
                                  .has_to = true,
                                  .from_ns = q->from_ns,
                                  .to_ns = q->to_ns ? q->to_ns : q->from_ns + 1,
                                  .skew_ns = q->skew_ns};
    flowan_nat *nat;
    flowan_error error;
    ck_assert_int_eq(flowan_address_parse(q->address, &options.address, NULL), 0);
    if (flowan_nat_open(&nat, paths, count, &options, &error) != FLOWAN_OK)
        ck_abort_msg("%s", error.message);
    return nat;
}

static void put_end(fl_buffer *out, bool has, const flowan_address *address,
                    bool has_port, uint32_t port)
{
    char text[FLOWAN_ADDRESS_TEXT_SIZE] = "?";
    if (has)
        flowan_address_format(address, text);
    fl_buffer_format(out, has_port ? "%s#%u" : "%s#?", text, port);
}

/* "LOCAL PUBLIC REMOTE[ unknown]; …", or the verdict. */
static fl_buffer answer_of(flowan_nat *nat)
{
    fl_buffer out = {0};
    flowan_nat_match m;
    flowan_error error;
    flowan_status status;
    ck_assert_int_eq(flowan_nat_answer(nat), FLOWAN_NAT_UNDECIDED);
    while ((status = flowan_nat_next(nat, &m, &error)) == FLOWAN_OK) {
        fl_buffer_text(&out, out.size ? "; " : "");
        put_end(&out, m.has_local_address, &m.local_address, m.has_local_port,
                m.local_port);
        fl_buffer_byte(&out, ' ');
        put_end(&out, true, &m.public_address, m.has_public_port, m.public_port);
        fl_buffer_byte(&out, ' ');
        put_end(&out, m.has_remote_address, &m.remote_address, m.has_remote_port,
                m.remote_port);
        fl_buffer_text(&out, m.port_unknown ? " unknown" : "");
        ck_assert_uint_gt(m.record_size, 2);
        ck_assert_int_eq(m.record[0], '{');
        ck_assert_int_eq(m.record[m.record_size - 1], '}');
        ck_assert_uint_lt(m.row, flowan_batch_rows(m.batch));
        ck_assert_ptr_nonnull(strstr(m.source, directory));
    }
    ck_assert_int_eq(status, FLOWAN_END);
    ck_assert_int_eq(flowan_nat_next(nat, &m, NULL), FLOWAN_END);
    static const char *const verdicts[] = {"undecided", "found", "nobody", "no data"};
    if (out.size == 0)
        fl_buffer_text(&out, verdicts[flowan_nat_answer(nat)]);
    else
        ck_assert_int_eq(flowan_nat_answer(nat), FLOWAN_NAT_FOUND);
    fl_buffer_byte(&out, 0);
    return out;
}

static void assert_answer(const question *q, const char *want)
{
    const char *paths[] = {path};
    flowan_nat *nat = open_question(q, paths, 1);
    fl_buffer got = answer_of(nat);
    ck_assert_msg(strcmp(got.data, want) == 0, "%s#%d at T0+%lld s: '%s', wanted '%s'",
                  q->address, q->port, (long long)(q->from_ns - T0) / (long long)SECOND,
                  got.data, want);
    fl_buffer_free(&got);
    flowan_nat_free(nat);
}

/* --- sides --- */

/* A record received at T0 + 10 s of a flow from T0 to T0 + 5 s. */
#define RECORD(more)                                                                   \
    "{'time_received_ns':1742000010000000000,"                                         \
    "'time_flow_start_ns':1742000000000000000,"                                        \
    "'time_flow_end_ns':1742000005000000000" more "}\n"
#define OUTBOUND                                                                       \
    "'src_addr':'10.0.0.1','dst_addr':'198.51.100.1','src_port':1000,'dst_port':443"

static const struct {
    const char *what;
    const char *record;
    const char *address;
    int port;
    const char *answer;
} cases[] = {
    {"out",
     RECORD("," OUTBOUND ",'post_nat_src_ipv4_address':'cb007107',"
            "'post_napt_src_transport_port':2000"),
     "203.0.113.7", 2000, "10.0.0.1#1000 203.0.113.7#2000 198.51.100.1#443"},
    {"out, all ports",
     RECORD("," OUTBOUND ",'post_nat_src_ipv4_address':'cb007107',"
            "'post_napt_src_transport_port':2000"),
     "203.0.113.7", -1, "10.0.0.1#1000 203.0.113.7#2000 198.51.100.1#443"},
    {"another port",
     RECORD("," OUTBOUND ",'post_nat_src_ipv4_address':'cb007107',"
            "'post_napt_src_transport_port':2000"),
     "203.0.113.7", 1000, "nobody"},
    {"the local side is not public",
     RECORD("," OUTBOUND ",'post_nat_src_ipv4_address':'cb007107'"), "10.0.0.1", -1,
     "nobody"},
    {"the remote side is not translated",
     RECORD("," OUTBOUND ",'post_nat_src_ipv4_address':'cb007107',"
            "'post_nat_dst_ipv4_address':'c6336401'"),
     "198.51.100.1", -1, "nobody"},
    {"not translated",
     RECORD(",'src_addr':'203.0.113.7','post_nat_src_ipv4_address':'cb007107',"
            "'src_port':1,'post_napt_src_transport_port':2000"),
     "203.0.113.7", 2000, "nobody"},
    {"in",
     RECORD(",'src_addr':'198.51.100.1','src_port':443,'dst_addr':'203.0.113.7',"
            "'dst_port':2000,'post_nat_dst_ipv4_address':'0a000001',"
            "'post_napt_dst_transport_port':1000"),
     "203.0.113.7", 2000, "10.0.0.1#1000 203.0.113.7#2000 198.51.100.1#443"},
    {"in, of the translated port",
     RECORD(",'dst_addr':'203.0.113.7','dst_port':2000,"
            "'post_nat_dst_ipv4_address':'0a000001',"
            "'post_napt_dst_transport_port':1000"),
     "203.0.113.7", 1000, "nobody"},
    {"in, without ports of NAT",
     RECORD(",'dst_addr':'203.0.113.7','dst_port':2000,"
            "'post_nat_dst_ipv4_address':'0a000001'"),
     "203.0.113.7", 2000, "10.0.0.1#? 203.0.113.7#2000 ?#?"},
    {"in, without any port",
     RECORD(",'dst_addr':'203.0.113.7','post_nat_dst_ipv4_address':'0a000001'"),
     "203.0.113.7", 2000, "10.0.0.1#? 203.0.113.7#? ?#? unknown"},
    {"in, not translated", RECORD(",'dst_addr':'203.0.113.7','dst_port':2000"),
     "203.0.113.7", 2000, "nobody"},
    {"partial NAT", RECORD("," OUTBOUND ",'post_nat_src_ipv4_address':'cb007107'"),
     "203.0.113.7", 77, "10.0.0.1#1000 203.0.113.7#? 198.51.100.1#443 unknown"},
    {"partial NAT, no port asked for",
     RECORD("," OUTBOUND ",'post_nat_src_ipv4_address':'cb007107'"), "203.0.113.7", -1,
     "10.0.0.1#1000 203.0.113.7#? 198.51.100.1#443"},
    {"a port that is no number is none",
     RECORD("," OUTBOUND ",'post_nat_src_ipv4_address':'cb007107',"
            "'post_napt_src_transport_port':'x'"),
     "203.0.113.7", 77, "10.0.0.1#1000 203.0.113.7#? 198.51.100.1#443 unknown"},
    {"port 0 is a port",
     RECORD("," OUTBOUND ",'post_nat_src_ipv4_address':'cb007107',"
            "'post_napt_src_transport_port':0"),
     "203.0.113.7", 0, "10.0.0.1#1000 203.0.113.7#0 198.51.100.1#443"},
    {"port 0 is not any port",
     RECORD("," OUTBOUND ",'post_nat_src_ipv4_address':'cb007107',"
            "'post_napt_src_transport_port':0"),
     "203.0.113.7", 77, "nobody"},
    {"empty NAT is none", RECORD("," OUTBOUND ",'post_nat_src_ipv4_address':'00000000'"),
     "0.0.0.0", -1, "nobody"},
    {"empty NAT of a destination",
     RECORD(",'dst_addr':'203.0.113.7','dst_port':2000,"
            "'post_nat_dst_ipv4_address':'00000000',"
            "'post_nat_dst_ipv6_address':'2001:db8::1'"),
     "203.0.113.7", 2000, "2001:db8::1#? 203.0.113.7#2000 ?#?"},
    {"zeros of IPv6", RECORD("," OUTBOUND ",'post_nat_src_ipv6_address':'::'"),
     "::", -1, "nobody"},
    {"the IPv6 sister",
     RECORD(",'src_addr':'fd00::1','post_nat_src_ipv4_address':'00000000',"
            "'post_nat_src_ipv6_address':'2001:db8::7',"
            "'post_napt_src_transport_port':9"),
     "2001:db8::7", 9, "fd00::1#? 2001:db8::7#9 ?#?"},
    {"mapped IPv4 is IPv4",
     RECORD("," OUTBOUND ",'post_nat_src_ipv6_address':'::ffff:203.0.113.7',"
            "'post_napt_src_transport_port':2000"),
     "203.0.113.7", 2000, "10.0.0.1#1000 203.0.113.7#2000 198.51.100.1#443"},
    {"mapped IPv4 in the question",
     RECORD("," OUTBOUND ",'post_nat_src_ipv4_address':'cb007107'"),
     "::ffff:203.0.113.7", -1, "10.0.0.1#1000 203.0.113.7#? 198.51.100.1#443"},
    {"the same in both fields is one",
     RECORD("," OUTBOUND ",'post_nat_src_ipv4_address':'cb007107',"
            "'post_nat_src_ipv6_address':'::ffff:203.0.113.7'"),
     "203.0.113.7", -1, "10.0.0.1#1000 203.0.113.7#? 198.51.100.1#443"},
    {"NAT64",
     RECORD(",'src_addr':'2001:db8:1::5','src_port':5,'dst_addr':'64:ff9b::c633:6401',"
            "'dst_port':443,'post_nat_src_ipv4_address':'cb007107',"
            "'post_napt_src_transport_port':2000"),
     "203.0.113.7", 2000, "2001:db8:1::5#5 203.0.113.7#2000 64:ff9b::c633:6401#443"},
    {"an address of NAT64 is not the IPv4 in it",
     RECORD(",'dst_addr':'64:ff9b::cb00:7107','post_nat_dst_ipv4_address':'0a000001'"),
     "203.0.113.7", -1, "nobody"},
    {"hairpin: both sides",
     RECORD(",'src_addr':'10.0.0.1','src_port':1,'dst_addr':'203.0.113.7',"
            "'dst_port':2000,'post_nat_src_ipv4_address':'cb007107',"
            "'post_napt_src_transport_port':2000,"
            "'post_nat_dst_ipv4_address':'0a000002',"
            "'post_napt_dst_transport_port':80"),
     "203.0.113.7", 2000,
     "10.0.0.1#1 203.0.113.7#2000 203.0.113.7#2000; "
     "10.0.0.2#80 203.0.113.7#2000 10.0.0.1#1"},
    {"without a source", RECORD(",'post_nat_src_ipv4_address':'cb007107'"),
     "203.0.113.7", -1, "?#? 203.0.113.7#? ?#?"},
};

/* Of a log, of an archive, and of one with an index. */
START_TEST(sides)
{
    for (size_t i = 0; i < 2 * sizeof cases / sizeof *cases; i++) {
        const question q = {cases[i / 2].address, cases[i / 2].port, T0 + 10 * SECOND,
                            0, 5 * SECOND};
        question wide = q;
        wide.from_ns = T0 - 50 * SECOND;
        wide.to_ns = T0 + 50 * SECOND;
        tear_down();
        set_up();
        write_log(cases[i / 2].record);
        assert_answer(&q, cases[i / 2].answer);
        archive_log(0, i % 2 == 1);
        assert_answer(&q, cases[i / 2].answer);
        assert_answer(&wide, cases[i / 2].answer);
    }
}
END_TEST

/* --- times --- */

#define NAT ",'src_addr':'10.0.0.1','post_nat_src_ipv4_address':'cb007107'"
#define WHO "10.0.0.1#? 203.0.113.7#? ?#?"

static void check_time(int64_t offset_ns, uint64_t skew_ns, const char *want)
{
    const question q = {"203.0.113.7", -1, T0 + (uint64_t)offset_ns, 0, skew_ns};
    assert_answer(&q, want);
}

START_TEST(skew)
{
    /* received all the time around it, so that nothing is a gap */
    write_log("{'time_received_ns':1741999900000000000}\n" RECORD(
        NAT) "{'time_received_ns':1742000100000000000}\n");
    for (int archived = 0; archived < 2; archived++) {
        check_time(0, 0, WHO);
        check_time(-1, 0, "nobody");
        check_time(5 * (int64_t)SECOND, 0, WHO); /* the end is in */
        check_time(5 * (int64_t)SECOND + 1, 0, "nobody");
        check_time(-5 * (int64_t)SECOND, 5 * SECOND, WHO);
        check_time(-5 * (int64_t)SECOND - 1, 5 * SECOND, "nobody");
        check_time(10 * (int64_t)SECOND, 5 * SECOND, WHO);
        check_time(10 * (int64_t)SECOND + 1, 5 * SECOND, "nobody");
        check_time(-90 * (int64_t)SECOND, UINT64_MAX, WHO);
        question q = {"203.0.113.7", -1, T0 - 20 * SECOND, T0, 0};
        assert_answer(&q, "nobody");
        q.to_ns++;
        assert_answer(&q, WHO);
        q = (question){"203.0.113.7", -1, T0 + 5 * SECOND, T0 + 9 * SECOND, 0};
        assert_answer(&q, WHO);
        q.from_ns++;
        assert_answer(&q, "nobody");
        if (!archived)
            archive_log(0, false);
    }
}
END_TEST

/* A broken clock counts at receipt; sFlow's start and end are equal. */
START_TEST(instants)
{
    write_log("{'time_received_ns':1742000010000000000,"
              "'time_flow_start_ns':9000000000,'time_flow_end_ns':10000000000" NAT "}\n"
              "{'type':'SFLOW_5','time_received_ns':1742000060000000000,"
              "'time_flow_start_ns':1742000060000000000,"
              "'time_flow_end_ns':1742000060000000000" NAT "}\n");
    for (int archived = 0; archived < 2; archived++) {
        check_time(10 * (int64_t)SECOND, 0, WHO);
        check_time(11 * (int64_t)SECOND, 0, "nobody");
        check_time(11 * (int64_t)SECOND, SECOND, WHO);
        check_time(60 * (int64_t)SECOND, 0, WHO);
        check_time(60 * (int64_t)SECOND - 1, 0, "nobody");
        if (!archived)
            archive_log(0, false);
    }
    const char *paths[] = {path};
    const question q = {"203.0.113.7", -1, T0 + 10 * SECOND, 0, 0};
    flowan_nat *nat = open_question(&q, paths, 1);
    flowan_nat_match m;
    ck_assert_int_eq(flowan_nat_next(nat, &m, NULL), FLOWAN_OK);
    ck_assert(m.has_span && m.clock_fault && m.outbound && !m.has_proto);
    ck_assert_uint_eq(m.start_ns, T0 + 10 * SECOND);
    ck_assert_uint_eq(m.end_ns, m.start_ns);
    flowan_nat_free(nat);
}
END_TEST

/* --- no data --- */

static void assert_gaps(uint64_t at_s, const char *want_answer, const char *want)
{
    const char *paths[] = {path};
    const question q = {"203.0.113.7", -1, T0 + at_s * SECOND, 0, 0};
    flowan_nat *nat = open_question(&q, paths, 1);
    fl_buffer answer = answer_of(nat);
    fl_buffer got = {0};
    flowan_gap gap;
    ck_assert_str_eq(answer.data, want_answer);
    for (size_t i = 0; flowan_nat_gap(nat, i, &gap); i++) {
        fl_buffer_text(&got, i ? " " : "");
        if (gap.from_ns)
            fl_buffer_format(&got, "%llu",
                             (unsigned long long)((gap.from_ns - T0) / SECOND));
        fl_buffer_byte(&got, '-');
        if (gap.to_ns != UINT64_MAX)
            fl_buffer_format(&got, "%llu",
                             (unsigned long long)((gap.to_ns - T0) / SECOND));
    }
    fl_buffer_byte(&got, 0);
    ck_assert_msg(strcmp(got.data, want) == 0, "gaps at %llu: '%s', wanted '%s'",
                  (unsigned long long)at_s, got.data, want);
    fl_buffer_free(&got);
    fl_buffer_free(&answer);
    flowan_nat_free(nat);
}

/* Likewise where a record says nothing of when it was received. */
START_TEST(no_data)
{
    /* 100, 200; a gap; 1000; less than one; 1299; a gap; 2000: of a flow from 1500 on */
    fl_buffer log = {0};
    fl_buffer_text(&log, "{'time_received_ns':1742000100000000000}\n"
                         "{'time_received_ns':1742000200000000000}\n"
                         "{'time_received_ns':1742001000000000000}\n"
                         "{'time_received_ns':1742001299000000000}\n"
                         "{'time_received_ns':1742002000000000000,"
                         "'time_flow_start_ns':1742001500000000000,"
                         "'time_flow_end_ns':1742001600000000000" NAT "}\n");
    if (_i)
        fl_buffer_text(&log, "{'bytes':7}\n");
    fl_buffer_byte(&log, 0);
    write_log(log.data);
    fl_buffer_free(&log);
    for (int archived = 0; archived < 2; archived++) {
        assert_gaps(99, "no data", "-100");
        assert_gaps(100, "nobody", "");
        assert_gaps(150, "nobody", "");
        assert_gaps(200, "nobody", "");
        assert_gaps(201, "no data", "200-1000");
        assert_gaps(999, "no data", "200-1000");
        assert_gaps(1000, "nobody", "");
        assert_gaps(1298, "nobody", "");
        assert_gaps(1300, "no data", "1299-2000");
        assert_gaps(1550, WHO, ""); /* the search comes first */
        assert_gaps(2000, "nobody", "");
        assert_gaps(2001, "no data", "2000-");
        /* a range with a receipt in it is data */
        question q = {"203.0.113.7", -1, T0 + 150 * SECOND, T0 + 1100 * SECOND, 0};
        assert_answer(&q, "nobody");
        q.from_ns = T0 + 201 * SECOND;
        q.to_ns = T0 + 1000 * SECOND;
        assert_answer(&q, "no data");
        q.to_ns++;
        assert_answer(&q, "nobody");
        if (!archived)
            archive_log(1000 * SECOND, true);
    }
}
END_TEST

START_TEST(nothing_at_all)
{
    write_log("");
    const question q = {"203.0.113.7", -1, T0, 0, 0};
    assert_answer(&q, "no data");
}
END_TEST

static int stop(void *context, const flowan_scan_counts *so_far)
{
    (void)so_far;
    ++*(int *)context;
    return 1;
}

START_TEST(stopped_is_no_answer)
{
    int calls = 0;
    const char *paths[] = {path};
    flowan_nat_options options = {
        .size = sizeof options, .progress = stop, .context = &calls};
    flowan_nat *nat;
    flowan_nat_match m;
    write_log("{'bytes':1}\n");
    ck_assert_int_eq(flowan_nat_open(&nat, paths, 1, &options, NULL), FLOWAN_OK);
    ck_assert_int_eq(flowan_nat_next(nat, &m, NULL), FLOWAN_END);
    ck_assert_int_eq(flowan_nat_answer(nat), FLOWAN_NAT_UNDECIDED);
    ck_assert_int_gt(calls, 0);
    flowan_nat_free(nat);
}
END_TEST

START_TEST(mistakes)
{
    const char *paths[] = {path};
    flowan_nat *nat;
    flowan_error error;
    flowan_nat_options options = {.size = sizeof options,
                                  .has_from = true,
                                  .has_to = true,
                                  .from_ns = 7,
                                  .to_ns = 7};
    write_log("");
    ck_assert_int_eq(flowan_nat_open(&nat, paths, 1, &options, &error),
                     FLOWAN_ERROR_ARGUMENT);
    assert_sentence(&error, FLOWAN_ERROR_ARGUMENT);
    ck_assert_ptr_null(nat);
    ck_assert_int_eq(flowan_nat_open(&nat, paths, 1, NULL, &error),
                     FLOWAN_ERROR_ARGUMENT);
    options.to_ns = 8;
    paths[0] = "/nonexistent";
    ck_assert_int_eq(flowan_nat_open(&nat, paths, 1, &options, &error),
                     FLOWAN_ERROR_NOT_FOUND);
    assert_sentence(&error, FLOWAN_ERROR_NOT_FOUND);
    flowan_nat_free(NULL);
}
END_TEST

/* Where records may be lost, nobody is not known. */
START_TEST(damage_is_no_data)
{
    write_log("{'time_received_ns':1741999900000000000}\n" RECORD(
        NAT) "{'time_received_ns':1742000100000000000}\n");
    archive_log(0, false);
    flowan_archive *archive;
    ck_assert_int_eq(flowan_archive_open(&archive, path, NULL), FLOWAN_OK);
    FILE *file = fopen(flowan_archive_path(archive, 0), "r+");
    flowan_archive_free(archive);
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fseek(file, 250, SEEK_SET), 0);
    putc(0x55, file);
    ck_assert_int_eq(fclose(file), 0);
    const char *paths[] = {path};
    const question q = {"203.0.113.7", -1, T0, 0, 0};
    flowan_nat *nat = open_question(&q, paths, 1);
    flowan_nat_match m;
    flowan_error error;
    flowan_status status = flowan_nat_next(nat, &m, &error);
    assert_sentence(&error, status);
    while ((status = flowan_nat_next(nat, &m, &error)) != FLOWAN_END)
        ck_assert_int_lt(status, 0);
    ck_assert_int_eq(flowan_nat_answer(nat), FLOWAN_NAT_NO_DATA);
    flowan_nat_free(nat);
}
END_TEST

/* --- against a search of our own --- */

enum { RANDOM_ROWS = 3000, BLOCK_ROWS = 250, SEGMENTS = 3, QUESTIONS = 400 };

/* Addresses are one of a few; 0: the field is missing. */
typedef struct flow {
    unsigned src, dst, nat_src[2], nat_dst[2];
    int src_port, dst_port, napt_src, napt_dst; /* -1: missing */
    uint64_t received, start, end;
} flow;

static const char *const addresses[] = {
    NULL,       "0.0.0.0",     "::",          "10.0.0.1",
    "10.0.0.2", "203.0.113.7", "203.0.113.8", "2001:db8::1"};
enum { ADDRESSES = 8 };

static unsigned draw(uint64_t *state, unsigned below)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)((*state >> 33) % below);
}

/* Some are of few blocks only. */
static int draw_port(uint64_t *state, size_t row)
{
    return draw(state, 4) ? (int)draw(state, 4) - 1 : (int)(100 + row / BLOCK_ROWS);
}

static flow draw_flow(uint64_t *state, size_t row)
{
    flow f = {.src = draw(state, ADDRESSES), .dst = draw(state, ADDRESSES)};
    for (int i = 0; i < 2; i++) {
        f.nat_src[i] = draw(state, 2) ? draw(state, ADDRESSES) : 0;
        f.nat_dst[i] = draw(state, 2) ? draw(state, ADDRESSES) : 0;
    }
    f.src_port = draw_port(state, row);
    f.dst_port = draw_port(state, row);
    f.napt_src = draw_port(state, row);
    f.napt_dst = draw_port(state, row);
    f.received = T0 + row * SECOND;
    f.end = f.received - draw(state, 20) * SECOND;
    f.start = f.end - draw(state, 30) * SECOND;
    return f;
}

static void put_address(fl_buffer *out, const char *key, unsigned address)
{
    if (address)
        fl_buffer_format(out, ",\"%s\":\"%s\"", key, addresses[address]);
}

static void put_port(fl_buffer *out, const char *key, int port)
{
    if (port >= 0)
        fl_buffer_format(out, ",\"%s\":%d", key, port);
}

static void put_flow(fl_buffer *out, const flow *f)
{
    fl_buffer_format(out,
                     "{\"time_received_ns\":%llu,\"time_flow_start_ns\":%llu,"
                     "\"time_flow_end_ns\":%llu",
                     (unsigned long long)f->received, (unsigned long long)f->start,
                     (unsigned long long)f->end);
    put_address(out, "src_addr", f->src);
    put_address(out, "dst_addr", f->dst);
    put_port(out, "src_port", f->src_port);
    put_port(out, "dst_port", f->dst_port);
    put_address(out, "post_nat_src_ipv4_address", f->nat_src[0]);
    put_address(out, "post_nat_dst_ipv4_address", f->nat_dst[0]);
    put_port(out, "post_napt_src_transport_port", f->napt_src);
    put_port(out, "post_napt_dst_transport_port", f->napt_dst);
    put_address(out, "post_nat_src_ipv6_address", f->nat_src[1]);
    put_address(out, "post_nat_dst_ipv6_address", f->nat_dst[1]);
    fl_buffer_text(out, "}\n");
}

/* How many sides of the flow the question is about. */
static size_t count_sides(const flow *f, unsigned address, int port, uint64_t from,
                          uint64_t to, uint64_t skew_ns)
{
    size_t count = 0;
    bool in_time = f->start < to + skew_ns && f->end + skew_ns >= from;
    bool of_source = f->nat_src[0] == address || f->nat_src[1] == address;
    unsigned local = f->nat_dst[0] > 2 ? f->nat_dst[0] : f->nat_dst[1];
    if (!in_time)
        return 0;
    if (of_source && f->src != address && address > 2)
        count += port < 0 || f->napt_src < 0 || f->napt_src == port;
    if (f->dst == address && local > 2 && local != address)
        count += port < 0 || f->dst_port < 0 || f->dst_port == port;
    return count;
}

static void write_segments(const fl_buffer *text, bool index, char names[SEGMENTS][128])
{
    flowan_batch *batch = batch_of(text->data, text->size);
    size_t rows = RANDOM_ROWS / SEGMENTS;
    for (size_t s = 0; s < SEGMENTS; s++) {
        flowan_writer_options options = {
            .size = sizeof options, .serial = s + 1, .nat_index = index};
        flowan_writer *writer;
        snprintf(names[s], 128, "%s/%d-%zu.seg", directory, index, s);
        unlink(names[s]);
        ck_assert_int_eq(flowan_writer_open(&writer, names[s], &options, NULL), 0);
        for (size_t row = s * rows; row < (s + 1) * rows; row += BLOCK_ROWS)
            ck_assert_int_eq(
                flowan_writer_write(writer, batch, row, BLOCK_ROWS, NULL, NULL), 0);
        ck_assert_int_eq(flowan_writer_finish(writer, NULL, 0, NULL), 0);
        flowan_writer_free(writer);
    }
    flowan_batch_free(batch);
}

static size_t count_matches(const question *q, char names[SEGMENTS][128],
                            flowan_scan_counts *counts)
{
    const char *paths[SEGMENTS];
    size_t count = 0;
    flowan_nat_match m;
    flowan_status status;
    for (size_t s = 0; s < SEGMENTS; s++)
        paths[s] = names[s];
    flowan_nat *nat = open_question(q, paths, SEGMENTS);
    while ((status = flowan_nat_next(nat, &m, NULL)) == FLOWAN_OK)
        count++;
    ck_assert_int_eq(status, FLOWAN_END);
    ck_assert_int_eq(flowan_nat_answer(nat),
                     count ? FLOWAN_NAT_FOUND : FLOWAN_NAT_NOBODY);
    *counts = flowan_nat_count(nat);
    flowan_nat_free(nat);
    return count;
}

START_TEST(random_records)
{
    static flow flows[RANDOM_ROWS];
    uint64_t state = 1;
    fl_buffer text = {0};
    char names[SEGMENTS][128];
    size_t found = 0;
    uint64_t by_index = 0;
    for (size_t i = 0; i < RANDOM_ROWS; i++) {
        flows[i] = draw_flow(&state, i);
        put_flow(&text, &flows[i]);
    }
    write_segments(&text, _i == 1, names);
    for (size_t i = 0; i < QUESTIONS; i++) {
        unsigned address = 1 + draw(&state, ADDRESSES - 1);
        uint64_t at = T0 + draw(&state, RANDOM_ROWS) * SECOND;
        int port = draw_port(&state, draw(&state, RANDOM_ROWS));
        const question q = {addresses[address], port, at,
                            draw(&state, 3) ? 0 : at + draw(&state, 500) * SECOND + 1,
                            draw(&state, 3) * 5 * SECOND};
        size_t want = 0;
        for (size_t k = 0; k < RANDOM_ROWS; k++)
            want += count_sides(&flows[k], address, q.port, q.from_ns,
                                q.to_ns ? q.to_ns : q.from_ns + 1, q.skew_ns);
        flowan_scan_counts counts;
        size_t got = count_matches(&q, names, &counts);
        ck_assert_msg(got == want, "question %zu, %s#%d: %zu, wanted %zu", i, q.address,
                      q.port, got, want);
        ck_assert_uint_gt(counts.blocks_skipped, 0);
        found += got > 0;
        by_index += counts.blocks_by_index;
    }
    ck_assert_int_eq(by_index > 0, _i == 1);
    ck_assert_uint_gt(found, QUESTIONS / 4);
    ck_assert_uint_lt(found, QUESTIONS);
    fl_buffer_free(&text);
}
END_TEST

/* --- the index --- */

enum { PORTS_FROM = 5000 };

/* Each block has a port of its own. */
static void write_ports(char names[SEGMENTS][128], bool index)
{
    fl_buffer text = {0};
    for (size_t i = 0; i < RANDOM_ROWS; i++)
        fl_buffer_format(&text,
                         "{\"time_received_ns\":%llu,\"src_addr\":\"10.0.0.1\","
                         "\"post_nat_src_ipv4_address\":\"cb007107\","
                         "\"post_napt_src_transport_port\":%zu}\n",
                         (unsigned long long)T0, PORTS_FROM + i / BLOCK_ROWS);
    write_segments(&text, index, names);
    fl_buffer_free(&text);
}

static const question of_one_block = {"203.0.113.7", PORTS_FROM + 5, T0, 0, 0};

static void assert_spared(char names[SEGMENTS][128], uint64_t read_most)
{
    flowan_scan_counts counts;
    ck_assert_uint_eq(count_matches(&of_one_block, names, &counts), BLOCK_ROWS);
    ck_assert_uint_ge(counts.blocks_read, 1);
    ck_assert_uint_le(counts.blocks_read + counts.blocks_by_bounds +
                          counts.blocks_by_dictionary,
                      read_most);
    ck_assert_uint_eq(counts.blocks_by_index + counts.blocks_read +
                          counts.blocks_by_bounds + counts.blocks_by_dictionary,
                      RANDOM_ROWS / BLOCK_ROWS);
}

START_TEST(an_index_spares_blocks)
{
    char names[SEGMENTS][128];
    question nobody = of_one_block;
    flowan_scan_counts counts;
    write_ports(names, true);
    assert_spared(names, 2);
    nobody.address = "203.0.113.9";
    nobody.port = -1;
    ck_assert_uint_eq(count_matches(&nobody, names, &counts), 0);
    ck_assert_uint_ge(counts.blocks_by_index, RANDOM_ROWS / BLOCK_ROWS - 1);
    write_ports(names, false);
    ck_assert_uint_eq(count_matches(&of_one_block, names, &counts), BLOCK_ROWS);
    ck_assert_uint_eq(counts.blocks_by_index, 0);
}
END_TEST

/* What is damaged says nothing, and is told by who verifies. */
START_TEST(a_damaged_index_costs_a_read)
{
    char names[SEGMENTS][128];
    write_ports(names, true);
    for (size_t s = 0; s < SEGMENTS; s++) {
        flowan_reader *reader;
        size_t count;
        size_t damaged = 0;
        ck_assert_int_eq(flowan_reader_open(&reader, names[s], NULL), FLOWAN_OK);
        const fl_segment_block *blocks = fl_reader_blocks(reader, &count);
        FILE *file = fopen(names[s], "r+");
        ck_assert_ptr_nonnull(file);
        for (size_t i = 0; i < count; i++) {
            ck_assert(blocks[i].indexed);
            ck_assert_int_eq(
                fseek(file, (long)(blocks[i].offset + blocks[i].size) - 1, SEEK_SET),
                0);
            int last = getc(file);
            ck_assert_int_eq(fseek(file, -1, SEEK_CUR), 0);
            putc(last ^ 1, file);
        }
        ck_assert_int_eq(fclose(file), 0);
        ck_assert_int_eq(flowan_reader_verify(reader, &damaged, NULL),
                         FLOWAN_ERROR_CHECKSUM);
        ck_assert_uint_eq(damaged, count);
        flowan_reader_free(reader);
    }
    flowan_scan_counts counts;
    ck_assert_uint_eq(count_matches(&of_one_block, names, &counts), BLOCK_ROWS);
    ck_assert_uint_eq(counts.blocks_by_index, 0);
}
END_TEST

/* Blocks that are copied keep theirs, what is joined gets one; also where the footer is
 * lost. `block_rows` is what full blocks have. */
static void check_repack(size_t block_rows, bool cut)
{
    char names[SEGMENTS][128];
    write_ports(names, true);
    for (size_t s = 0; s < SEGMENTS; s++) {
        char to[512];
        flowan_reader *reader;
        flowan_writer *writer;
        fl_repack *repack;
        fl_buffer bytes = read_file(names[s]);
        if (cut)
            ck_assert_int_eq(truncate(names[s], (off_t)bytes.size - 8), 0);
        fl_buffer_free(&bytes);
        snprintf(to, sizeof to, "%s.to", names[s]);
        ck_assert_int_eq(flowan_reader_open(&reader, names[s], NULL), FLOWAN_OK);
        ck_assert_int_eq(flowan_writer_open(&writer, to, NULL, NULL), FLOWAN_OK);
        ck_assert_int_eq(fl_repack_new(&repack, writer, 0, block_rows, NULL),
                         FLOWAN_OK);
        for (size_t i = 0; i < flowan_reader_info(reader).blocks; i++)
            ck_assert_int_eq(fl_repack_block(repack, reader, i, NULL), FLOWAN_OK);
        ck_assert_int_eq(fl_repack_flush(repack, NULL), FLOWAN_OK);
        ck_assert_int_eq(flowan_writer_finish(writer, NULL, 0, NULL), FLOWAN_OK);
        fl_repack_free(repack);
        flowan_writer_free(writer);
        flowan_reader_free(reader);
        ck_assert_int_eq(rename(to, names[s]), 0);
    }
    flowan_scan_counts counts;
    ck_assert_uint_eq(count_matches(&of_one_block, names, &counts), BLOCK_ROWS);
    ck_assert_uint_eq(counts.blocks_by_index + counts.blocks_read,
                      block_rows > BLOCK_ROWS ? SEGMENTS : RANDOM_ROWS / BLOCK_ROWS);
    ck_assert_uint_ge(counts.blocks_by_index, 1);
}

START_TEST(repacking_keeps_the_index)
{
    check_repack(_i % 2 ? RANDOM_ROWS : BLOCK_ROWS, _i / 2 == 1);
}
END_TEST

static Suite *suite_of(void)
{
    Suite *s = suite_create("nat");
    TCase *t = tcase_create("nat");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, sides);
    tcase_add_test(t, skew);
    tcase_add_test(t, instants);
    tcase_add_loop_test(t, no_data, 0, 2);
    tcase_add_test(t, nothing_at_all);
    tcase_add_test(t, stopped_is_no_answer);
    tcase_add_test(t, mistakes);
    tcase_add_test(t, damage_is_no_data);
    tcase_add_loop_test(t, random_records, 0, 2);
    tcase_add_test(t, an_index_spares_blocks);
    tcase_add_test(t, a_damaged_index_costs_a_read);
    tcase_add_loop_test(t, repacking_keeps_the_index, 0, 4);
    suite_add_tcase(s, t);
    return s;
}

FL_UNIT_MAIN(suite_of)
