/* Asking blocks against reading them: of random segments, random filters and windows. What
 * fl_reader_ask, a scan and its sums give must be what flowan_matcher_apply and the clock
 * leave of blocks that were read whole: the same rows in their order, or for any order the
 * same set of them, with the same values; and what summaries say of a block must be true.
 *
 *   check-ask [-s SEED] [-r ROUNDS] [LOG…]      a round is a segment and its questions */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../unit/flows.h"
#include "compare.h"
#include "flowan/parser.h"
#include "flowan/scan.h"
#include "flowan/source.h"
#include "pick.h"
#include "questions.h"
#include "render.h"
#include "segment.h"
#include "sum.h"
#include "summary.h"

enum {
    DEPTH = 4,
    BLOCKS_MAX = 4,
    QUESTIONS = 24, /* of a segment */
    NAMES_MAX = 6,
    LOG_MAX = 8 << 20 /* bytes of a log */
};

static void fail(const char *what, const char *detail) __attribute__((noreturn));

static void fail(const char *what, const char *detail)
{
    fprintf(stderr, "check-ask: %s: %s\n", what, detail);
    exit(EXIT_FAILURE);
}

static void *need(void *memory)
{
    if (!memory)
        fail("memory", "short");
    return memory;
}

/* What was done, so that a run tells whether it saw anything. */
static struct {
    size_t segments, questions, blocks, rows, held, scans, sums;
    size_t by_summary, by_bounds, by_dictionary, inexact, summaries;
} seen;

/* --- what a row holds --- */

/* A number for each row, of its values in the named columns (NULL: of all there is to it),
 * so that rows can be compared wherever they stand. */
static uint64_t *mark_rows(const flowan_batch *batch, const char *const *names,
                           size_t count)
{
    size_t rows = flowan_batch_rows(batch);
    uint64_t *marks = need(fl_memory_zalloc(rows, sizeof *marks));
    flowan_column column;
    for (size_t i = 0; flowan_batch_column(batch, i, &column); i++) {
        bool wanted = !names;
        for (size_t k = 0; k < count; k++)
            wanted = wanted || strcmp(column.name, names[k]) == 0;
        if (!wanted)
            continue;
        uint64_t mark = fl_segment_checksum(column.name, column.name_size);
        mark += (uint64_t)column.type << 56;
        size_t width = fl_type_width(column.type);
        const char *cells = (const char *)column.u32;
        if (width == 8)
            cells = (const char *)column.u64;
        else if (width == 16)
            cells = (const char *)column.address;
        else if (width == 1)
            cells = column.text;
        for (size_t row = 0; row < rows; row++) {
            if (!(column.present[row / 64] >> (row % 64) & 1))
                continue;
            size_t at = column.offset ? column.offset[row] : row;
            size_t size = (column.offset ? column.offset[row + 1] - at : 1) * width;
            uint64_t value = fl_segment_checksum(size ? cells + at * width : "", size);
            marks[row] += (mark ^ value) * UINT64_C(0x9e3779b97f4a7c15);
        }
    }
    fl_buffer text = {0};
    for (size_t row = 0; !names && row < rows; row++) {
        fl_buffer_clear(&text);
        fl_render_row(&text, batch, row);
        marks[row] += fl_segment_checksum(text.data, text.size);
    }
    fl_buffer_free(&text);
    return marks;
}

typedef struct marks {
    uint64_t *list;
    size_t count;
    size_t room;
} marks;

static void add_marks(marks *m, const flowan_batch *batch, const flowan_selection *rows,
                      const char *const *names, size_t count)
{
    uint64_t *all = mark_rows(batch, names, count);
    size_t more = rows ? rows->count : flowan_batch_rows(batch);
    if (!fl_memory_grow((void **)&m->list, &m->room, m->count + more + 1,
                        sizeof *m->list))
        fail("memory", "short");
    for (size_t i = 0; i < more; i++)
        m->list[m->count++] = all[rows ? rows->rows[i] : i];
    fl_memory_free(all);
}

static int by_mark(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left;
    uint64_t b = *(const uint64_t *)right;
    return a < b ? -1 : a > b;
}

static void compare_marks(marks *want, marks *got, bool any_order, const char *what,
                          const char *filter)
{
    if (any_order && want->count)
        qsort(want->list, want->count, sizeof *want->list, by_mark);
    if (any_order && got->count)
        qsort(got->list, got->count, sizeof *got->list, by_mark);
    size_t same = 0;
    while (same < want->count && same < got->count &&
           want->list[same] == got->list[same])
        same++;
    if (same == want->count && same == got->count)
        return;
    fprintf(stderr, "check-ask: %s gives %zu rows of %zu, others from %zu on\n", what,
            got->count, want->count, same);
    fail("another answer", filter);
}

/* --- a segment --- */

typedef struct segment {
    char path[64];
    flowan_reader *reader;
    const fl_segment_block *blocks;
    size_t block_count;
    flowan_batch *whole[BLOCKS_MAX];
    uint64_t *times; /* that stand in it */
    size_t time_count;
} segment;

/* A few hundred times that some rows have. */
static void collect_times(segment *s, const flowan_batch *batch)
{
    enum { LOOKS = 300 };
    fl_clock clock;
    fl_clock_init(&clock, batch);
    s->times = need(fl_memory_alloc(2 * LOOKS, sizeof *s->times));
    for (size_t i = 0; i < LOOKS; i++) {
        fl_span span = fl_clock_span(&clock, question_random(flowan_batch_rows(batch)));
        s->times[s->time_count++] = span.start_ns;
        s->times[s->time_count++] = span.end_ns;
    }
}

static void write_segment(segment *s, const flowan_batch *batch)
{
    static const flowan_level levels[] = {FLOWAN_LEVEL_FAST, FLOWAN_LEVEL_DEFAULT,
                                          FLOWAN_LEVEL_SMALL};
    flowan_writer_options options = {.size = sizeof options, .level = PICK(levels)};
    flowan_error error;
    flowan_writer *writer;
    size_t rows = flowan_batch_rows(batch);
    size_t blocks = 1 + question_random(rows < BLOCKS_MAX ? 1 : BLOCKS_MAX);
    unlink(s->path);
    if (flowan_writer_open(&writer, s->path, &options, &error) < 0)
        fail("writer", error.message);
    for (size_t i = 0, first = 0; i < blocks; i++) {
        size_t left = rows - first;
        size_t count = i + 1 < blocks ? question_random(left + 1) : left;
        if (i + 1 < blocks && left > 2048 && question_random(2))
            count = 1024;
        if (count && flowan_writer_write(writer, batch, first, count, NULL, &error) < 0)
            fail("writer", error.message);
        first += count;
    }
    if (flowan_writer_finish(writer, NULL, 0, &error) < 0)
        fail("writer", error.message);
    flowan_writer_free(writer);
}

static void open_segment(segment *s, const flowan_batch *batch)
{
    flowan_error error;
    write_segment(s, batch);
    if (flowan_reader_open(&s->reader, s->path, &error) < 0)
        fail("reader", error.message);
    s->blocks = fl_reader_blocks(s->reader, &s->block_count);
    size_t first = 0;
    for (size_t i = 0; i < s->block_count; i++) {
        if (flowan_batch_new(&s->whole[i], NULL, &error) < 0 ||
            flowan_reader_read(s->reader, i, NULL, 0, s->whole[i], &error) < 0)
            fail("reader", error.message);
        compare_batches(batch, first, flowan_batch_rows(s->whole[i]), s->whole[i]);
        first += flowan_batch_rows(s->whole[i]);
        bool large = flowan_batch_rows(s->whole[i]) >= FL_SUMMARY_ROWS_MIN;
        if ((s->blocks[i].summary != NULL) != large)
            fail("summary", large ? "of a large block is missing" : "of a small block");
        seen.summaries += large;
    }
    collect_times(s, batch);
}

static void close_segment(segment *s)
{
    for (size_t i = 0; i < s->block_count; i++)
        flowan_batch_free(s->whole[i]);
    flowan_reader_free(s->reader);
    fl_memory_free(s->times);
    unlink(s->path);
}

/* --- a question --- */

typedef struct inquiry {
    fl_buffer text; /* of the filter */
    flowan_filter *filter;
    flowan_matcher *matcher; /* of whole blocks */
    flowan_matcher *again;   /* of answers */
    fl_question question;
    const char *names[NAMES_MAX]; /* that are asked for */
    size_t name_count;
    bool all; /* columns, and texts */
} inquiry;

static void draw_window(fl_question *q, const segment *s)
{
    q->has_window = question_random(2);
    if (!q->has_window)
        return;
    uint64_t a = s->times[question_random(s->time_count)] + question_random(3) - 1;
    uint64_t b = s->times[question_random(s->time_count)] + question_random(3) - 1;
    q->from_ns = question_random(6) ? a : 0;
    q->to_ns = question_random(6) ? b : UINT64_MAX;
    if (q->from_ns > q->to_ns) {
        q->from_ns = b;
        q->to_ns = a;
    }
    q->inside = question_random(2);
}

static void draw_names(inquiry *in, const flowan_batch *batch)
{
    flowan_column column;
    size_t columns = 0;
    while (flowan_batch_column(batch, columns, &column))
        columns++;
    in->all = question_random(4) == 0;
    in->name_count = in->all ? 0 : question_random(NAMES_MAX);
    for (size_t i = 0; i < in->name_count; i++)
        in->names[i] =
            columns && question_random(12) &&
                    flowan_batch_column(batch, question_random(columns), &column)
                ? column.name
                : "nobody has this";
}

static void draw(inquiry *in, world *w, const segment *s)
{
    flowan_filter_options options = {sizeof options, w->networks, QUESTION_NOW_NS};
    flowan_error error;
    *in = (inquiry){0};
    w->prefer_asdb = question_random(2);
    flowan_matcher_options how = {sizeof how, w->asdb, w->prefer_asdb};
    question *q = question_draw(w, (int)question_random(DEPTH), &in->text);
    question_free(q);
    size_t size = in->text.size;
    fl_buffer_byte(&in->text, '\0');
    if (flowan_filter_compile(&in->filter, in->text.data, size, &options, &error) < 0 ||
        flowan_matcher_new(&in->matcher, in->filter, &how, &error) < 0 ||
        flowan_matcher_new(&in->again, in->filter, &how, &error) < 0)
        fail(in->text.data, error.message);
    draw_window(&in->question, s);
    in->question.filter = question_random(16) ? in->filter : NULL;
    in->question.any_order = question_random(3) == 0;
    draw_names(in, w->batch);
}

static void inquiry_free(inquiry *in)
{
    flowan_matcher_free(in->matcher);
    flowan_matcher_free(in->again);
    flowan_filter_free(in->filter);
    fl_buffer_free(&in->text);
}

static const char *const *names_of(const inquiry *in)
{
    return in->all ? NULL : in->names;
}

/* The rows of a whole block that pass, and how many the filter alone would leave. */
static flowan_selection fitting(inquiry *in, const flowan_batch *batch, uint32_t *rows,
                                size_t *by_filter)
{
    const flowan_selection *left = NULL;
    const fl_question *q = &in->question;
    flowan_error error;
    if (q->filter && flowan_matcher_apply(in->matcher, batch, NULL, &left, &error) < 0)
        fail(in->text.data, error.message);
    size_t count = left ? left->count : flowan_batch_rows(batch);
    flowan_selection out = {rows, 0};
    fl_clock clock;
    fl_clock_init(&clock, batch);
    *by_filter = count;
    for (size_t i = 0; i < count; i++) {
        uint32_t row = left ? left->rows[i] : (uint32_t)i;
        fl_span span = fl_clock_span(&clock, row);
        bool in_window =
            !q->has_window ||
            (span.known && fl_clock_overlaps(&span, q->from_ns, q->to_ns) &&
             (!q->inside || (span.start_ns >= q->from_ns && span.end_ns <= q->to_ns)));
        if (in_window)
            rows[out.count++] = row;
    }
    return out;
}

/* What a summary says of all rows of the block. */
static void check_summary(const inquiry *in, const fl_segment_block *block, size_t left,
                          size_t rows)
{
    if (!in->question.filter)
        return;
    fl_verdict verdict =
        fl_summary_judge(block->summary, block->summary_size, in->question.filter);
    if ((verdict == FL_NONE && left > 0) || (verdict == FL_ALL && left < rows))
        fail(verdict == FL_NONE ? "the summary denies rows"
                                : "the summary has all rows",
             in->text.data);
    seen.by_summary += verdict == FL_NONE;
}

static void ask_block(inquiry *in, const segment *s, size_t block, fl_workspace *space,
                      flowan_batch *batch, marks *want)
{
    fl_answer answer;
    flowan_error error;
    const flowan_selection *left = NULL;
    if (fl_reader_ask(s->reader, space, block, &in->question, names_of(in),
                      in->name_count, batch, &answer, &error) < 0)
        fail(in->text.data, error.message);
    if (!answer.exact && in->question.filter &&
        flowan_matcher_apply(in->again, batch, NULL, &left, &error) < 0)
        fail(in->text.data, error.message);
    marks got = {0};
    add_marks(&got, batch, left, names_of(in), in->name_count);
    if (answer.how == FL_PICKED_BY_BOUNDS || answer.how == FL_PICKED_BY_DICTIONARY)
        if (flowan_batch_rows(batch) > 0)
            fail("rows of a block that was ruled out", in->text.data);
    compare_marks(want, &got, in->question.any_order, "a block", in->text.data);
    fl_memory_free(got.list);
    seen.blocks++;
    seen.by_bounds += answer.how == FL_PICKED_BY_BOUNDS;
    seen.by_dictionary += answer.how == FL_PICKED_BY_DICTIONARY;
    seen.inexact += !answer.exact;
}

/* --- scans --- */

static flowan_scan *open_scan(const inquiry *in, const world *w, const segment *s)
{
    const fl_question *q = &in->question;
    static const uint32_t threads[] = {0, 1, 2, 3};
    flowan_scan_options options = {.size = sizeof options,
                                   .columns = names_of(in),
                                   .column_count = in->name_count,
                                   .start_ns = q->from_ns,
                                   .end_ns = q->to_ns,
                                   .has_start = q->has_window,
                                   .has_end = q->has_window,
                                   .inside = q->inside,
                                   .filter = q->filter,
                                   .asdb = w->asdb,
                                   .prefer_asdb = w->prefer_asdb,
                                   .threads = PICK(threads),
                                   .any_order = q->any_order};
    const char *const paths[] = {s->path};
    flowan_scan *scan;
    flowan_error error;
    if (flowan_scan_open(&scan, paths, 1, &options, &error) < 0)
        fail("scan", error.message);
    return scan;
}

static void check_counts(const flowan_scan *scan, const segment *s, size_t selected,
                         const char *filter)
{
    flowan_scan_counts c = flowan_scan_count(scan);
    if (c.blocks_read + c.blocks_skipped + c.blocks_not_matching + c.blocks_by_bounds +
            c.blocks_by_dictionary !=
        s->block_count)
        fail("counts of blocks do not add up", filter);
    if (c.rows_selected != selected)
        fail("rows are counted wrong", filter);
}

static void check_scan(const inquiry *in, const world *w, const segment *s, marks *want)
{
    flowan_scan *scan = open_scan(in, w, s);
    const flowan_batch *batch;
    const flowan_selection *selection;
    flowan_status status;
    flowan_error error;
    marks got = {0};
    while ((status = flowan_scan_next(scan, &batch, &selection, &error)) == FLOWAN_OK)
        add_marks(&got, batch, selection, names_of(in), in->name_count);
    if (status != FLOWAN_END)
        fail("scan", error.message);
    check_counts(scan, s, want->count, in->text.data);
    compare_marks(want, &got, in->question.any_order, "a scan", in->text.data);
    fl_memory_free(got.list);
    flowan_scan_free(scan);
    seen.scans++;
}

static void add_sums(flowan_scan_sums *sums, const flowan_batch *batch,
                     const flowan_selection *rows)
{
    flowan_column bytes;
    flowan_column packets;
    bool has_bytes = flowan_batch_field(batch, FLOWAN_FIELD_BYTES, &bytes);
    bool has_packets = flowan_batch_field(batch, FLOWAN_FIELD_PACKETS, &packets);
    fl_clock clock;
    fl_clock_init(&clock, batch);
    for (size_t i = 0; i < rows->count; i++) {
        uint32_t row = rows->rows[i];
        fl_span span = fl_clock_span(&clock, row);
        sums->flows++;
        fl_sum_add(&sums->bytes, fl_sum_of(has_bytes ? bytes.u64[row] : 0));
        fl_sum_add(&sums->packets, fl_sum_of(has_packets ? packets.u64[row] : 0));
        if (!span.known)
            continue;
        if (!sums->has_span || span.start_ns < sums->first_ns)
            sums->first_ns = span.start_ns;
        if (!sums->has_span || span.end_ns > sums->last_ns)
            sums->last_ns = span.end_ns;
        sums->has_span = true;
    }
}

static bool same_sum(flowan_sum a, flowan_sum b)
{
    return a.low == b.low && a.high == b.high;
}

static bool asks(const inquiry *in, const char *column)
{
    const char *const *names = names_of(in);
    for (size_t i = 0; names && i < in->name_count; i++)
        if (strcmp(names[i], column) == 0)
            return true;
    return !names;
}

static void check_sums(const inquiry *in, const world *w, const segment *s,
                       const flowan_scan_sums *all)
{
    flowan_scan_sums asked = *all; /* only columns that are asked for are summed up */
    const flowan_scan_sums *want = &asked;
    if (!asks(in, "bytes"))
        asked.bytes = (flowan_sum){0};
    if (!asks(in, "packets"))
        asked.packets = (flowan_sum){0};
    asked.has_span = all->has_span &&
                     (asks(in, "time_received_ns") || asks(in, "time_flow_start_ns") ||
                      asks(in, "time_flow_end_ns"));
    flowan_scan *scan = open_scan(in, w, s);
    flowan_scan_sums got = {0};
    flowan_error error;
    if (flowan_scan_sum(scan, &got, &error) != FLOWAN_END)
        fail("sums", error.message);
    if (got.flows != want->flows || !same_sum(got.bytes, want->bytes) ||
        !same_sum(got.packets, want->packets) || got.has_span != want->has_span)
        fail("other sums", in->text.data);
    if (want->has_span &&
        (got.first_ns != want->first_ns || got.last_ns != want->last_ns))
        fail("other first and last flows", in->text.data);
    check_counts(scan, s, (size_t)want->flows, in->text.data);
    flowan_scan_free(scan);
    seen.sums++;
}

/* --- a round --- */

static void ask(world *w, segment *s, flowan_batch *batch, fl_workspace *space)
{
    inquiry in;
    marks all = {0};
    flowan_scan_sums sums = {0};
    uint32_t *rows = need(fl_memory_alloc(flowan_batch_rows(w->batch), sizeof *rows));
    draw(&in, w, s);
    for (size_t i = 0; i < s->block_count; i++) {
        size_t by_filter;
        flowan_selection want = fitting(&in, s->whole[i], rows, &by_filter);
        marks block = {0};
        check_summary(&in, &s->blocks[i], by_filter, flowan_batch_rows(s->whole[i]));
        add_marks(&block, s->whole[i], &want, names_of(&in), in.name_count);
        add_marks(&all, s->whole[i], &want, names_of(&in), in.name_count);
        add_sums(&sums, s->whole[i], &want);
        ask_block(&in, s, i, space, batch, &block);
        fl_memory_free(block.list);
        seen.rows += flowan_batch_rows(s->whole[i]);
        seen.held += want.count;
    }
    if (question_random(2))
        check_scan(&in, w, s, &all);
    if (question_random(3) == 0)
        check_sums(&in, w, s, &sums);
    seen.questions++;
    fl_memory_free(all.list);
    fl_memory_free(rows);
    inquiry_free(&in);
}

static void do_round(world *w, const char *directory, const fl_buffer *log)
{
    flowan_batch_options options = {sizeof options, 1 << 20, 0};
    flowan_parser *parser;
    flowan_batch *whole;
    flowan_batch *batch;
    fl_workspace space = {0};
    size_t used;
    segment s = {0};
    if (flowan_parser_new(&parser, NULL, NULL) < 0 ||
        flowan_batch_new(&whole, &options, NULL) < 0 ||
        flowan_batch_new(&batch, NULL, NULL) < 0)
        fail("memory", "short");
    if (flowan_parser_feed(parser, log->size ? log->data : "", log->size, whole, &used,
                           NULL) < 0)
        fail("parser", "a log that it does not take");
    snprintf(s.path, sizeof s.path, "%s/a.seg", directory);
    w->batch = whole;
    if (flowan_batch_rows(whole) > 0) {
        open_segment(&s, whole);
        for (size_t i = 0; i < QUESTIONS; i++)
            ask(w, &s, batch, &space);
        close_segment(&s);
        seen.segments++;
    }
    fl_workspace_free(&space);
    flowan_parser_free(parser);
    flowan_batch_free(whole);
    flowan_batch_free(batch);
}

/* --- logs --- */

/* Networks one behind the other, so that blocks differ. */
static void draw_flows(fl_buffer *log)
{
    random_state = question_random(UINT64_MAX);
    for (size_t i = 1 + question_random(3); i > 0; i--) {
        network n = any_network();
        put_flows(log, &n, 1 + question_random(3000));
    }
}

/* Records of all fields. A key that stands twice in a record now and then, with values of
 * two types. */
static void draw_records(fl_buffer *log)
{
    static const uint32_t sizes[] = {1, 2, 63, 64, 65, 400, 1024, 1100, 2100};
    unsigned keep = 1 + (unsigned)question_random(8);
    bool doubled = question_random(3) == 0;
    for (uint32_t rows = PICK(sizes); rows > 0; rows--) {
        question_put_record(log, keep);
        if (doubled && question_random(50) == 0)
            fl_buffer_text(log,
                           "{\"mine\":7,\"bytes\":5,\"mine\":\"x\",\"bytes\":\"y\"}\n");
    }
}

static fl_buffer load(const char *path)
{
    fl_buffer log = {0};
    flowan_source *source;
    flowan_error error;
    flowan_status status = flowan_source_open(&source, path, &error);
    if (status < 0)
        fail(path, error.message);
    while (status == FLOWAN_OK && log.size < LOG_MAX) {
        const void *data;
        size_t size;
        status = flowan_source_read(source, &data, &size, &error);
        if (status == FLOWAN_OK)
            fl_buffer_append(&log, data, size);
    }
    flowan_source_free(source);
    return log;
}

/* Some thousands of lines of a log, from any of its lines on. */
static void draw_lines(fl_buffer *out, const fl_buffer *log)
{
    size_t first = log->size ? question_random(log->size) : 0;
    while (first > 0 && log->data[first - 1] != '\n')
        first--;
    size_t end = first;
    for (size_t lines = 1 + question_random(6000); lines > 0 && end < log->size;) {
        end++;
        lines -= log->data[end - 1] == '\n';
    }
    fl_buffer_append(out, log->data + first, end - first);
}

static void do_rounds(world *w, size_t rounds, char **logs, size_t log_count)
{
    char directory[] = "/tmp/flowan-ask.XXXXXX";
    fl_buffer *texts = need(fl_memory_zalloc(log_count, sizeof *texts));
    if (!mkdtemp(directory))
        fail(directory, strerror(errno));
    for (size_t i = 0; i < log_count; i++)
        texts[i] = load(logs[i]);
    for (size_t n = 0; n < rounds; n++) {
        fl_buffer log = {0};
        size_t which = question_random(log_count ? 4 : 3);
        if (which < 2)
            draw_flows(&log);
        else if (which == 2)
            draw_records(&log);
        else
            draw_lines(&log, &texts[question_random(log_count)]);
        if (log.failed)
            fail("memory", "short");
        do_round(w, directory, &log);
        fl_buffer_free(&log);
    }
    for (size_t i = 0; i < log_count; i++)
        fl_buffer_free(&texts[i]);
    fl_memory_free(texts);
    rmdir(directory);
}

int main(int argc, char **argv)
{
    size_t rounds = 100;
    world w;
    for (int option; (option = getopt(argc, argv, "s:r:")) != -1;) {
        if (option == 's')
            question_seed(strtoull(optarg, NULL, 10));
        else if (option == 'r')
            rounds = strtoul(optarg, NULL, 10);
        else
            return EXIT_FAILURE;
    }
    question_open_world(&w, "check-ask");
    do_rounds(&w, rounds, argv + optind, (size_t)(argc - optind));
    printf("%zu segments, %zu questions to %zu blocks, %zu of %zu rows held; "
           "%zu summaries, %zu blocks ruled out by one, %zu by bounds, %zu by "
           "dictionaries; %zu answers not exact; %zu scans, %zu sums\n",
           seen.segments, seen.questions, seen.blocks, seen.held, seen.rows,
           seen.summaries, seen.by_summary, seen.by_bounds, seen.by_dictionary,
           seen.inexact, seen.scans, seen.sums);
    question_close_world(&w);
    return EXIT_SUCCESS;
}
