/* Rows put together: classes and runs part the rows, each of one shape or datagram, and
 * conversations are those of the same two ends. */
#include "classes.h"

#include "ends.h"
#include "flows.h"
#include "samples.h"
#include "segments.h"
#include "unit.h"

/* All that is found of some rows. */
typedef struct found {
    fl_slice slice;
    fl_talks talks;
    fl_classes classes;
    fl_runs runs;
    fl_ends ends;
} found;

static void find(found *f, const flowan_batch *batch, size_t first, size_t count)
{
    ck_assert(fl_slice_init(&f->slice, batch, first, count));
    ck_assert(fl_talks_find(&f->talks, &f->slice));
    ck_assert(fl_classes_make(&f->classes, &f->slice, &f->talks));
    ck_assert(fl_runs_make(&f->runs, &f->slice));
    ck_assert(fl_ends_find(&f->ends, &f->slice, &f->classes, &f->runs));
}

static void forget(found *f)
{
    fl_ends_free(&f->ends);
    fl_runs_free(&f->runs);
    fl_classes_free(&f->classes);
    fl_talks_free(&f->talks);
    fl_slice_free(&f->slice);
}

static uint64_t number_of(const fl_slice *s, const fl_cell *cell, size_t row)
{
    uint32_t at = (uint32_t)row;
    uint64_t number;
    fl_cell_gather(s, cell, &at, 1, &number);
    return number;
}

static bool has(const fl_slice *s, const fl_cell *cell, size_t row)
{
    return fl_slice_has(s, s->shapes[row], cell->number);
}

/* --- what must hold --- */

/* Shapes and columns of the slice are those of its rows, and no others. */
static void check_slice(const fl_slice *s)
{
    uint8_t *used = fl_memory_zalloc(s->shape_count, 1);
    size_t cells = 0;
    for (size_t row = 0; row < s->rows; row++) {
        ck_assert_uint_lt(s->shapes[row], s->shape_count);
        ck_assert_uint_eq(s->order[s->shapes[row]],
                          s->batch->shape_of_row[s->first + row]);
        used[s->shapes[row]] = 1;
    }
    for (size_t i = 0; i < s->shape_count; i++)
        ck_assert_uint_eq(used[i], 1);
    for (size_t i = 0; i < s->column_count; i++) {
        flowan_type type = s->columns[i]->type;
        for (size_t row = 0; row < s->rows; row++)
            ck_assert(fl_slice_has(s, s->shapes[row], i) ==
                      fl_column_present(s->columns[i], s->first + row));
        if (fl_type_is_run(type))
            cells += s->entries[i].codes != NULL;
        else
            cells += type == FLOWAN_TYPE_ADDRESS ? 2 : 1;
    }
    ck_assert_uint_eq(s->cell_count, cells);
    fl_memory_free(used);
}

/* Each row is in one class, in order there, with rows of its shape; none is empty. */
static void check_classes(const found *f)
{
    const fl_classes *c = &f->classes;
    size_t rows = f->slice.rows;
    uint8_t *seen = fl_memory_zalloc(rows, 1);
    ck_assert_uint_eq(c->first[0], 0);
    ck_assert_uint_eq(c->first[c->count], rows);
    ck_assert_uint_le(c->count, FL_CLASSES_MAX);
    for (size_t i = 0; i < c->count; i++) {
        ck_assert_uint_lt(c->first[i], c->first[i + 1]);
        bool talks = f->talks.talk_of_row != NULL;
        for (uint32_t k = c->first[i]; k < c->first[i + 1]; k++) {
            uint32_t row = c->rows[k];
            ck_assert_uint_lt(row, rows);
            ck_assert_uint_eq(seen[row]++, 0);
            ck_assert_uint_eq(c->of_row[row], i);
            ck_assert_uint_eq(f->slice.shapes[row], c->shapes[i]);
            ck_assert(k == c->first[i] || row > c->rows[k - 1]);
            talks = talks && f->talks.talk_of_row[row] == c->talks[i];
        }
        /* what a class says of conversations holds for all of its rows */
        ck_assert(talks || c->talks[i] == FL_TALK_NONE);
    }
    fl_memory_free(seen);
}

/* Runs are of consecutive rows, and what they and their labels tell is so in each row. */
static void check_runs(const found *f)
{
    const fl_runs *r = &f->runs;
    const fl_slice *s = &f->slice;
    size_t row = 0;
    for (size_t i = 0; i < r->count; i++) {
        ck_assert_uint_gt(r->lengths[i], 0);
        ck_assert_uint_lt(r->labels[i], r->label_count);
        ck_assert_uint_lt(r->parents[r->labels[i]], r->label_count);
        for (size_t k = 0; k < r->lengths[i]; k++, row++) {
            ck_assert_uint_eq(r->of_row[row], i);
            for (size_t c = 0; c < r->per_run_count; c++)
                if (has(s, r->per_run[c], row))
                    ck_assert_uint_eq(r->numbers[c][i],
                                      number_of(s, r->per_run[c], row));
            for (size_t c = 0; c < r->per_label_count; c++)
                if (has(s, r->per_label[c], row))
                    ck_assert_uint_eq(
                        r->label_numbers[r->labels[i] * FL_RUNS_CELLS_MAX + c],
                        number_of(s, r->per_label[c], row));
        }
    }
    ck_assert_uint_eq(row, s->rows);
}

/* Slots are given once a class, but for copies; keys name cells that the class has. */
static void check_ends(const found *f)
{
    for (size_t i = 0; i < f->classes.count; i++) {
        const fl_end *ends = f->ends.of_class[i];
        unsigned taken = 0;
        for (size_t e = 0; e < FL_ENDS; e++) {
            ck_assert_uint_lt(ends[e].slot, FL_ENDS);
            ck_assert_uint_lt(ends[e].family, FL_ENDS_FAMILIES);
            if (ends[e].key)
                ck_assert(
                    fl_slice_has(&f->slice, f->classes.shapes[i], ends[e].key->number));
            if (ends[e].copied)
                continue;
            ck_assert_uint_eq(taken >> ends[e].slot & 1, 0);
            taken |= 1U << ends[e].slot;
        }
    }
    for (size_t family = 0; family < FL_ENDS_FAMILIES; family++)
        for (size_t slot = 0; slot < FL_ENDS; slot++) {
            /* no slot hangs on itself, over others either */
            size_t at = slot;
            for (size_t steps = 0; f->ends.key_of[family][at] != FL_ENDS_NO_KEY;
                 steps++) {
                at = f->ends.key_of[family][at];
                ck_assert_uint_lt(at, FL_ENDS);
                ck_assert_uint_lt(steps, FL_ENDS);
            }
        }
}

/* The cells of both ends of a row, to compare them as texts. */
static bool ends_of(const fl_slice *s, size_t row, char out[128], char turned[128])
{
    static const int fields[2][2] = {{FLOWAN_FIELD_SRC_ADDR, FLOWAN_FIELD_SRC_PORT},
                                     {FLOWAN_FIELD_DST_ADDR, FLOWAN_FIELD_DST_PORT}};
    char ends[2][60] = {"", ""};
    for (size_t e = 0; e < 2; e++) {
        uint64_t numbers[3] = {0};
        bool address = false;
        for (size_t i = 0; i < s->cell_count; i++) {
            const fl_cell *cell = &s->cells[i];
            if (!has(s, cell, row))
                continue;
            if (cell->column->field == fields[e][0]) {
                numbers[cell->form == FL_CELL_LOW] = number_of(s, cell, row);
                address = true;
            } else if (cell->column->field == fields[e][1]) {
                numbers[2] = number_of(s, cell, row);
            }
        }
        if (!address)
            return false;
        snprintf(ends[e], sizeof ends[e], "%llx.%llx.%llu",
                 (unsigned long long)numbers[0], (unsigned long long)numbers[1],
                 (unsigned long long)numbers[2]);
    }
    snprintf(out, 128, "%s-%s", ends[0], ends[1]);
    snprintf(turned, 128, "%s-%s", ends[1], ends[0]);
    return true;
}

/* Rows of one number have the same ends, turned where they are told to be; those of the
 * same ends have one number, and more than one row. */
static void check_talks(const found *f)
{
    const fl_talks *t = &f->talks;
    const fl_slice *s = &f->slice;
    if (!t->talk_of_row)
        return;
    fl_hash names = {0};
    uint32_t *rows = fl_memory_zalloc(t->count, sizeof *rows);
    char(*first)[128] = fl_memory_zalloc(t->count, sizeof *first);
    for (size_t row = 0; row < s->rows; row++) {
        char ends[128], turned[128];
        bool both = ends_of(s, row, ends, turned);
        if (t->talk_of_row[row] == FL_TALK_NONE) {
            if (both) /* alone, and found no further time */
                ck_assert_int_lt(fl_hash_find(&names, ends, strlen(ends)), 0);
            continue;
        }
        uint32_t talk = t->of_row[row];
        ck_assert(both);
        ck_assert_uint_lt(talk, t->count);
        if (rows[talk]++ == 0) {
            ck_assert_int_lt(fl_hash_find(&names, ends, strlen(ends)), 0);
            memcpy(first[talk], ends, sizeof ends);
            ck_assert_int_ge(fl_hash_put(&names, ends, strlen(ends), NULL), 0);
            ck_assert_int_ge(fl_hash_put(&names, turned, strlen(turned), NULL), 0);
            ck_assert_int_eq(t->talk_of_row[row], FL_TALK_FORTH);
        }
        ck_assert_str_eq(first[talk],
                         t->talk_of_row[row] == FL_TALK_FORTH ? ends : turned);
    }
    for (size_t i = 0; i < t->count; i++)
        ck_assert_uint_ne(rows[i], 1);
    fl_hash_free(&names);
    fl_memory_free(rows);
    fl_memory_free(first);
}

static void check(const flowan_batch *batch, size_t first, size_t count)
{
    found f;
    find(&f, batch, first, count);
    check_slice(&f.slice);
    check_classes(&f);
    check_runs(&f);
    check_ends(&f);
    check_talks(&f);
    forget(&f);
}

/* --- the tests --- */

static flowan_batch *flows(const network *n, size_t rows)
{
    fl_buffer text = {0};
    put_flows(&text, n, rows);
    flowan_batch *batch = batch_of(text.data, text.size);
    fl_buffer_free(&text);
    return batch;
}

START_TEST(any_network_is_parted)
{
    random_state = 4000 + (uint64_t)_i;
    network n = any_network();
    flowan_batch *batch = flows(&n, 1 + below(6000));
    check(batch, 0, batch->rows);
    for (int i = 0; i < 5; i++) {
        size_t first = below(batch->rows);
        check(batch, first, below(batch->rows - first + 1));
    }
    flowan_batch_free(batch);
}
END_TEST

START_TEST(samples_are_parted)
{
    fl_buffer text = {0};
    for (int times = 0; times < 30; times++)
        for (size_t i = 0; i < SAMPLES_COUNT; i++) {
            size_t size;
            const char *sample = samples_text(i, &size);
            fl_buffer_append(&text, sample, size);
        }
    flowan_batch *batch = batch_of(text.data, text.size);
    check(batch, 0, batch->rows);
    check(batch, 0, 0);
    for (size_t row = 0; row < 60; row++)
        check(batch, row, 1);
    flowan_batch_free(batch);
    fl_buffer_free(&text);
}
END_TEST

/* --- what is found --- */

START_TEST(conversations_are_found)
{
    random_state = 1;
    network n = {.exporters = 1,
                 .customers = 500,
                 .datagram = 10,
                 .talks = true,
                 .clock_scale = 1000000};
    flowan_batch *batch = flows(&n, 4000);
    found f;
    find(&f, batch, 0, 4000);
    ck_assert_ptr_nonnull(f.talks.talk_of_row);
    size_t in_talks = 0, back = 0;
    for (size_t row = 0; row < 4000; row++) {
        in_talks += f.talks.talk_of_row[row] != FL_TALK_NONE;
        back += f.talks.talk_of_row[row] == FL_TALK_BACK;
    }
    ck_assert_uint_gt(in_talks, 2000);
    ck_assert_uint_gt(back, in_talks / 3);
    forget(&f);
    flowan_batch_free(batch);
    /* none where nobody answers */
    n.talks = false;
    n.customers = 1 << 20;
    batch = flows(&n, 4000);
    find(&f, batch, 0, 4000);
    ck_assert_ptr_null(f.talks.talk_of_row);
    forget(&f);
    flowan_batch_free(batch);
}
END_TEST

START_TEST(runs_are_datagrams)
{
    fl_buffer text = {0};
    /* datagrams of 1, 2, 3 … records, of three exporters by turns, each of one shape */
    unsigned rows = 0;
    for (unsigned i = 0; i < 90; i++)
        for (unsigned k = 0; k <= i % 10; k++, rows++)
            fl_buffer_format(&text,
                             "{\"time_received_ns\":%u,\"sequence_num\":%u,"
                             "\"sampler_address\":\"192.0.2.%u\",\"bytes\":%u%s}\n",
                             1000 + i, i * 7, i % 3, rows,
                             i % 3 == 1 ? ",\"packets\":1" : "");
    flowan_batch *batch = batch_of(text.data, text.size);
    found f;
    find(&f, batch, 0, rows);
    ck_assert_uint_eq(f.runs.count, 90);
    for (size_t i = 0; i < 90; i++)
        ck_assert_uint_eq(f.runs.lengths[i], i % 10 + 1);
    ck_assert_uint_eq(f.runs.per_run_count, 2);
    ck_assert_uint_eq(f.runs.per_label_count, 2); /* both halves of an address */
    ck_assert_uint_eq(f.runs.label_count, 3);
    check_runs(&f);
    forget(&f);
    flowan_batch_free(batch);
    fl_buffer_free(&text);
    /* exporters that come and go have no labels */
    for (unsigned i = 0; i < 2000; i++)
        fl_buffer_format(&text, "{\"sampler_address\":\"10.0.%u.%u\",\"bytes\":1}\n",
                         i / 256, i % 256);
    batch = batch_of(text.data, text.size);
    find(&f, batch, 0, 2000);
    ck_assert_uint_eq(f.runs.label_count, 1);
    ck_assert_uint_eq(f.runs.per_label_count, 0);
    check_runs(&f);
    forget(&f);
    flowan_batch_free(batch);
    fl_buffer_free(&text);
}
END_TEST

/* A customer is the same one as source and behind a translated address. */
START_TEST(ends_are_turned)
{
    random_state = 3;
    network n = {.exporters = 1,
                 .customers = 200,
                 .datagram = 10,
                 .nat = true,
                 .talks = true,
                 .clock_scale = 1000000};
    fl_buffer text = {0};
    uint64_t now = UINT64_C(1742058651000000000);
    for (unsigned i = 0; i < 4000; i++) {
        flow f = any_flow(&n, now + i);
        f.back = below(2);
        put_record(&text, &n, &f, now + i, i);
    }
    flowan_batch *batch = batch_of(text.data, text.size);
    found f;
    find(&f, batch, 0, 4000);
    bool forth = false, turned = false;
    uint8_t slots[2] = {0};
    for (size_t i = 0; i < f.classes.count; i++) {
        const fl_end *ends = f.ends.of_class[i];
        const fl_slice *s = &f.slice;
        uint32_t row = f.classes.rows[f.classes.first[i]];
        if (f.classes.first[i + 1] - f.classes.first[i] < 200)
            continue;
        /* inside addresses begin with 10.8 */
        for (size_t c = 0; c < s->cell_count; c++) {
            const fl_cell *cell = &s->cells[c];
            if (cell->form != FL_CELL_LOW || !has(s, cell, row) ||
                (number_of(s, cell, row) >> 16 & 0xffff) != 0x0a08)
                continue;
            bool source = cell->column->field == FLOWAN_FIELD_SRC_ADDR;
            slots[source] = ends[source ? 0 : 1].slot;
            forth |= source;
            turned |= !source;
        }
    }
    ck_assert(forth && turned);
    ck_assert_uint_eq(slots[0], slots[1]);
    forget(&f);
    flowan_batch_free(batch);
    fl_buffer_free(&text);
}
END_TEST

static Suite *classes_suite(void)
{
    Suite *suite = suite_create("classes");
    TCase *parts = tcase_create("properties");
    tcase_set_timeout(parts, 60);
    tcase_add_loop_test(parts, any_network_is_parted, 0, 24);
    tcase_add_test(parts, samples_are_parted);
    suite_add_tcase(suite, parts);
    TCase *finds = tcase_create("findings");
    tcase_set_timeout(finds, 60);
    tcase_add_test(finds, conversations_are_found);
    tcase_add_test(finds, runs_are_datagrams);
    tcase_add_test(finds, ends_are_turned);
    suite_add_tcase(suite, finds);
    return suite;
}

FL_UNIT_MAIN(classes_suite)
