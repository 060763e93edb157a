#include "pack.h"

#include "bits.h"
#include "bounds.h"
#include "index.h"
#include "sources.h"
#include "summary.h"

/* Smaller parts share a section: a section costs twelve bytes. */
enum { SMALL_SIZE = 768, EXTRAS_MAX = 2 };

/* Tokens are texts without any repetition but by chance: more effort finds matches that
 * cost more than they save. */
enum { ZSTD_TOKENS = 1, ZSTD_FAST = 1, ZSTD_DEFAULT = 3, ZSTD_SMALL = 19 };

typedef struct packer {
    fl_pack *pack;
    fl_slice slice;
    fl_talks talks;
    fl_classes classes;
    fl_runs runs;
    fl_ends ends;
    fl_streams streams;
    fl_layout layout;
    fl_codec *bytes;       /* for texts and the directory */
    fl_integers integers;  /* for numbers */
    fl_integers directory; /* for those of the directory, which is packed as a whole */
    uint64_t *numbers;     /* one for each row */
} packer;

/* --- parts --- */

/* Ends a part that was put into pack->scratch; `own`: it has a section however small. */
static bool end_part_in(packer *p, bool own)
{
    fl_pack *pack = p->pack;
    fl_layout_part *part = &p->layout.parts[p->layout.part_count++];
    part->size = pack->scratch.size;
    part->own = own || part->size >= SMALL_SIZE;
    fl_buffer *to = part->own ? &pack->large : &pack->small;
    fl_buffer_append(to, pack->scratch.data, pack->scratch.size);
    bool sound = !pack->scratch.failed && !to->failed;
    fl_buffer_clear(&pack->scratch);
    return sound;
}

static bool end_part(packer *p)
{
    return end_part_in(p, false);
}

static bool end_extra(packer *p, fl_extra what)
{
    p->layout.extras[p->layout.extra_count++] = what;
    return end_part_in(p, what == FL_EXTRA_NAT);
}

static void put_numbers(packer *p, const uint64_t *numbers, size_t count)
{
    fl_integers_put(&p->integers, &p->pack->scratch, numbers, count, NULL, 0);
}

/* --- runs --- */

/* The numbers of a cell that each run has, as they are, as steps from the run before, from
 * the one before of the same exporter, or from where that one's records ended. */
static bool step_numbers(packer *p, const uint64_t *values, unsigned mode,
                         uint64_t *out)
{
    const fl_runs *runs = &p->runs;
    uint64_t *last = fl_memory_zalloc(runs->label_count, sizeof *last);
    uint64_t before = 0;
    for (size_t i = 0; last && i < runs->count; i++) {
        bool by_parent = mode >= FL_RUN_STEP_OF_PARENT;
        size_t parent = by_parent ? runs->parents[runs->labels[i]] : 0;
        if (by_parent)
            before = last[parent];
        out[i] = mode == FL_RUN_PLAIN ? values[i] : values[i] - before;
        before = values[i] + (mode == FL_RUN_COUNTED ? runs->lengths[i] : 0);
        last[parent] = before;
    }
    fl_memory_free(last);
    return last != NULL;
}

/* How a cell's numbers would be stored alone, and what that costs. */
typedef struct run_choice {
    unsigned scale;
    unsigned mode;
    uint64_t cost;
} run_choice;

/* The cheapest of the ways that need no other cell. The numbers are divided by the power of
 * their scale. */
static bool choose_mode(packer *p, uint64_t *values, run_choice *best)
{
    size_t count = p->runs.count;
    fl_ranks ranks;
    *best = (run_choice){fl_layout_scale(values, count), FL_RUN_PLAIN, UINT64_MAX};
    uint64_t power = fl_layout_power(best->scale);
    for (size_t i = 0; i < count; i++)
        values[i] /= power;
    for (unsigned mode = FL_RUN_PLAIN; mode < FL_RUN_RANKS; mode++) {
        if (!step_numbers(p, values, mode, p->numbers))
            return false;
        uint64_t cost = fl_integers_cost(p->numbers, count, p->integers.pack_only);
        if (cost < best->cost) {
            best->cost = cost;
            best->mode = mode;
        }
    }
    bool made = fl_ranks_make(&ranks, values, count);
    uint64_t ranked = made ? fl_ranks_cost(&ranks, count, p->integers.pack_only) : 0;
    if (made && ranked < best->cost) {
        best->cost = ranked;
        best->mode = FL_RUN_RANKS;
    }
    fl_ranks_free(&ranks);
    return made;
}

/* By the ranks of the first cell, where that is cheaper than `least`. */
static bool put_hanging(packer *p, const fl_ranks *first, const uint64_t *values,
                        uint64_t least, bool scaled, unsigned scale, bool *put)
{
    fl_buffer *out = &p->pack->scratch;
    size_t count = p->runs.count;
    *put = false;
    if (!first->codes)
        return true;
    uint64_t *table = fl_table_vote(values, first->codes, count, first->count);
    if (!table)
        return false;
    size_t exceptions = fl_table_exceptions(table, values, first->codes, count);
    uint64_t cost = fl_table_cost(table, first->count, p->integers.pack_only) +
                    fl_table_exceptions_cost(exceptions, count);
    if (cost < least) {
        fl_buffer_byte(out, FL_RUN_HANGING);
        if (scaled)
            fl_buffer_byte(out, (char)scale);
        fl_table_put(&p->integers, out, table, first->count);
        fl_table_put_exceptions(&p->integers, out, table, values, first->codes, count);
        *put = true;
    }
    fl_memory_free(table);
    return true;
}

static bool put_ranks(packer *p, const uint64_t *values, fl_ranks *ranks)
{
    if (!fl_ranks_make(ranks, values, p->runs.count))
        return false;
    fl_ranks_put(ranks, &p->integers, &p->pack->scratch);
    for (size_t i = 0; i < p->runs.count; i++)
        p->numbers[i] = ranks->codes[i];
    put_numbers(p, p->numbers, p->runs.count);
    return true;
}

static bool put_run_cell(packer *p, const uint64_t *values, const run_choice *choice,
                         const fl_ranks *first)
{
    fl_buffer *out = &p->pack->scratch;
    bool put;
    if (!put_hanging(p, first, values, choice->cost, true, choice->scale, &put))
        return false;
    if (put)
        return true;
    fl_buffer_byte(out, (char)choice->mode);
    fl_buffer_byte(out, (char)choice->scale);
    if (choice->mode == FL_RUN_RANKS) {
        fl_ranks ranks;
        put = put_ranks(p, values, &ranks);
        fl_ranks_free(&ranks);
        return put;
    }
    if (!step_numbers(p, values, choice->mode, p->numbers))
        return false;
    put_numbers(p, p->numbers, p->runs.count);
    return true;
}

/* The first cell, where it is given by rank. */
static bool put_first_cell(packer *p, const uint64_t *values, const run_choice *choice,
                           fl_ranks *first)
{
    fl_buffer *out = &p->pack->scratch;
    if (choice->mode != FL_RUN_RANKS) {
        fl_buffer_byte(out, 0);
        return true;
    }
    fl_buffer_byte(out, FL_RUN_RANKS);
    fl_buffer_byte(out, (char)choice->scale);
    return put_ranks(p, values, first);
}

static bool put_labels(packer *p, const fl_ranks *first)
{
    bool put;
    size_t count = p->runs.count;
    for (size_t i = 0; i < count; i++)
        p->numbers[i] = p->runs.labels[i];
    uint64_t plain = fl_integers_cost(p->numbers, count, p->integers.pack_only);
    if (!put_hanging(p, first, p->numbers, plain, false, 0, &put))
        return false;
    if (!put) {
        fl_buffer_byte(&p->pack->scratch, FL_RUN_PLAIN);
        put_numbers(p, p->numbers, count);
    }
    return true;
}

static bool put_runs(packer *p)
{
    const fl_runs *runs = &p->runs;
    fl_ranks first = {0};
    run_choice choices[FL_LAYOUT_PER_RUN_MAX] = {{0}};
    bool sound = true;
    for (size_t i = 0; i < runs->count; i++)
        p->numbers[i] = runs->lengths[i];
    put_numbers(p, p->numbers, runs->count);
    for (size_t i = 0; sound && i < runs->per_run_count; i++)
        sound = choose_mode(p, runs->numbers[i], &choices[i]);
    if (sound && runs->per_run_count)
        sound = put_first_cell(p, runs->numbers[0], &choices[0], &first);
    sound = sound && put_labels(p, &first);
    for (size_t i = first.codes ? 1 : 0; sound && i < runs->per_run_count; i++)
        sound = put_run_cell(p, runs->numbers[i], &choices[i], &first);
    fl_ranks_free(&first);
    return sound && end_part(p);
}

/* --- classes --- */

/* Of one label: its classes, the most frequent first. */
typedef struct label_classes {
    uint32_t *counts; /* per class */
    uint16_t *list;
    uint32_t *place; /* per class: in the list */
    size_t listed;
} label_classes;

static void sort_list(label_classes *lc)
{
    for (size_t i = 1; i < lc->listed; i++) {
        uint16_t class = lc->list[i];
        size_t at = i;
        for (; at > 0 && lc->counts[lc->list[at - 1]] < lc->counts[class]; at--)
            lc->list[at] = lc->list[at - 1];
        lc->list[at] = class;
    }
    for (size_t i = 0; i < lc->listed; i++)
        lc->place[lc->list[i]] = (uint32_t)i;
}

/* Rows in order of labels, and where each label's end. */
static void rows_by_label(const fl_runs *runs, size_t rows, uint32_t *order,
                          uint32_t *ends)
{
    memset(ends, 0, runs->label_count * sizeof *ends);
    for (size_t i = 0; i < runs->count; i++)
        ends[runs->labels[i]] += runs->lengths[i];
    uint32_t first = 0;
    for (size_t i = 0; i < runs->label_count; i++) {
        uint32_t size = ends[i];
        ends[i] = first;
        first += size;
    }
    for (size_t row = 0; row < rows; row++)
        order[ends[runs->labels[runs->of_row[row]]]++] = (uint32_t)row;
}

/* For each label the classes that it has, then for each row, label by label, which of
 * them it is. */
static bool put_classes(packer *p)
{
    const fl_runs *runs = &p->runs;
    size_t rows = p->slice.rows;
    label_classes lc = {0};
    uint32_t *order = fl_memory_alloc(rows, sizeof *order);
    uint32_t *ends = fl_memory_alloc(runs->label_count, sizeof *ends);
    uint64_t *sizes = fl_memory_alloc(runs->label_count, sizeof *sizes);
    uint64_t *lists = NULL;
    size_t lists_room = 0;
    size_t listed = 0;
    lc.counts = fl_memory_zalloc(p->classes.count, sizeof *lc.counts);
    lc.list = fl_memory_alloc(p->classes.count, sizeof *lc.list);
    lc.place = fl_memory_alloc(p->classes.count, sizeof *lc.place);
    bool sound = order && ends && sizes && lc.counts && lc.list && lc.place;
    if (sound)
        rows_by_label(runs, rows, order, ends);
    uint32_t first = 0;
    for (size_t label = 0; sound && label < runs->label_count; label++) {
        lc.listed = 0;
        for (uint32_t i = first; i < ends[label]; i++) {
            uint16_t class = p->classes.of_row[order[i]];
            if (lc.counts[class]++ == 0)
                lc.list[lc.listed++] = class;
        }
        sort_list(&lc);
        sizes[label] = lc.listed;
        sound = fl_memory_grow((void **)&lists, &lists_room, listed + lc.listed,
                               sizeof *lists);
        for (size_t i = 0; sound && i < lc.listed; i++) {
            lists[listed++] = lc.list[i];
            lc.counts[lc.list[i]] = 0;
        }
        for (uint32_t i = first; i < ends[label]; i++)
            p->numbers[i] = lc.place[p->classes.of_row[order[i]]];
        first = ends[label];
    }
    if (sound) {
        put_numbers(p, sizes, runs->label_count);
        put_numbers(p, lists, listed);
        fl_integers_put(&p->integers, &p->pack->scratch, p->numbers, rows, ends,
                        runs->label_count);
        sound = end_part(p);
    }
    fl_memory_free(lc.counts);
    fl_memory_free(lc.list);
    fl_memory_free(lc.place);
    fl_memory_free(order);
    fl_memory_free(ends);
    fl_memory_free(sizes);
    fl_memory_free(lists);
    return sound;
}

/* --- texts and runs of items --- */

/* The items of some rows of a column, one run behind the other; how long each is comes
 * before. */
static bool put_items(packer *p, const fl_column *column, const uint32_t *rows,
                      size_t count)
{
    fl_buffer items = {0};
    size_t width = fl_type_width(column->type);
    for (size_t i = 0; i < count; i++) {
        size_t start = column->offset[rows[i]];
        size_t size = column->offset[rows[i] + 1] - start;
        p->numbers[i] = size;
        if (size)
            fl_buffer_append(&items, (const char *)column->items + start * width,
                             size * width);
    }
    put_numbers(p, p->numbers, count);
    if (column->type == FLOWAN_TYPE_LIST_U64)
        put_numbers(p, (const uint64_t *)(const void *)items.data, items.size / width);
    else
        fl_codec_put(p->bytes, &p->pack->scratch, items.data, items.size);
    bool sound = !items.failed;
    fl_buffer_free(&items);
    return sound && end_part(p);
}

/* The texts of rows that their shape does not give back, behind their distances. */
static bool put_texts(packer *p)
{
    const fl_column *raw = p->slice.batch->raw; /* NULL: memory was short at a reset */
    uint32_t *rows = fl_memory_alloc(p->slice.rows, sizeof *rows);
    size_t count = 0;
    size_t last = 0;
    if (!rows)
        return false;
    for (size_t i = 0; raw && i < p->slice.rows; i++) {
        size_t row = p->slice.first + i;
        if (row >= raw->room || !fl_column_present(raw, row))
            continue;
        p->numbers[count] = i - last;
        p->layout.text_bytes += raw->offset[row + 1] - raw->offset[row];
        rows[count++] = (uint32_t)row;
        last = i;
    }
    p->layout.texts = count;
    bool sound;
    if (count) {
        put_numbers(p, p->numbers, count);
        sound = put_items(p, raw, rows, count);
    } else {
        sound = end_part(p);
    }
    fl_memory_free(rows);
    return sound;
}

/* --- the directory --- */

static bool list_columns(packer *p)
{
    fl_layout *l = &p->layout;
    const fl_slice *s = &p->slice;
    uint32_t *rows_of_shape = fl_memory_zalloc(s->shape_count, sizeof *rows_of_shape);
    l->columns = fl_memory_zalloc(s->column_count, sizeof *l->columns);
    if (!rows_of_shape || !l->columns) {
        fl_memory_free(rows_of_shape);
        return false;
    }
    for (size_t row = 0; row < s->rows; row++)
        rows_of_shape[s->shapes[row]]++;
    l->column_count = s->column_count;
    uint32_t cell = 0;
    for (size_t i = 0; i < s->column_count; i++) {
        const fl_column *from = s->columns[i];
        fl_layout_column *column = &l->columns[i];
        column->name = from->name;
        column->name_size = from->name_size;
        column->type = from->type;
        column->first_cell = cell;
        column->cells = fl_type_is_run(from->type) ? s->entries[i].codes != NULL
                        : from->type == FLOWAN_TYPE_ADDRESS ? 2
                                                            : 1;
        cell += column->cells;
        for (size_t k = 0; k < s->shape_count; k++)
            column->present += fl_slice_has(s, k, i) ? rows_of_shape[k] : 0;
        if (!fl_type_is_run(from->type))
            continue;
        column->in_order = s->entries[i].codes == NULL;
        column->entries = (uint32_t)s->entries[i].count;
        for (size_t row = 0; row < s->rows; row++)
            if (fl_slice_has(s, s->shapes[row], i))
                column->items +=
                    from->offset[s->first + row + 1] - from->offset[s->first + row];
    }
    l->cell_count = s->cell_count;
    l->has = s->has;
    l->has_width = s->has_width;
    fl_memory_free(rows_of_shape);
    return true;
}

/* The number that a spelling of the batch has in the block, where it is listed when it
 * comes first. */
static uint16_t number_spelling(packer *p, uint16_t *number, size_t spelling,
                                fl_buffer *out)
{
    if (spelling && number[spelling] == 0) {
        size_t size;
        const char *key = fl_batch_spelling(p->slice.batch, spelling, &size);
        fl_bytes_put(out, size, 2);
        fl_buffer_append(out, key, size);
        number[spelling] = (uint16_t)++p->layout.spelling_count;
    }
    return number[spelling];
}

static bool list_shapes(packer *p, fl_buffer *spellings, fl_buffer *shapes)
{
    const fl_slice *s = &p->slice;
    uint16_t *number = fl_memory_zalloc(s->batch->spellings.count + 1, sizeof *number);
    if (!number)
        return false;
    for (size_t i = 0; i < s->shape_count; i++) {
        size_t fields;
        const fl_shape_field *shape = fl_batch_shape(s->batch, s->order[i], &fields);
        fl_bytes_put(shapes, fields, 2);
        for (size_t k = 0; k < fields; k++) {
            size_t spelling = FL_SHAPE_SPELLING(shape[k]);
            fl_bytes_put(shapes, s->column_of[FL_SHAPE_COLUMN(shape[k])], 2);
            fl_bytes_put(shapes, FL_SHAPE_KIND(shape[k]), 1);
            fl_bytes_put(shapes, number_spelling(p, number, spelling, spellings), 2);
        }
    }
    fl_memory_free(number);
    fl_layout *l = &p->layout;
    l->spellings = (const unsigned char *)spellings->data;
    l->spellings_size = spellings->size;
    l->shapes = (const unsigned char *)shapes->data;
    l->shapes_size = shapes->size;
    l->shape_count = s->shape_count;
    return !spellings->failed && !shapes->failed;
}

static bool list_runs(packer *p)
{
    fl_layout *l = &p->layout;
    const fl_runs *runs = &p->runs;
    l->run_count = runs->count;
    l->label_count = runs->label_count;
    l->parents = runs->parents;
    l->per_run_count = runs->per_run_count;
    l->per_label_count = runs->per_label_count;
    l->label_numbers = fl_memory_alloc(runs->label_count * FL_LAYOUT_PER_RUN_MAX,
                                       sizeof *l->label_numbers);
    if (!l->label_numbers)
        return false;
    for (size_t i = 0; i < runs->per_run_count; i++)
        l->per_run[i] = (uint16_t)(runs->per_run[i] - p->slice.cells);
    for (size_t i = 0; i < runs->per_label_count; i++) {
        l->per_label[i] = (uint16_t)(runs->per_label[i] - p->slice.cells);
        for (size_t k = 0; k < runs->label_count; k++)
            l->label_numbers[i * runs->label_count + k] =
                runs->label_numbers[k * FL_RUNS_CELLS_MAX + i];
    }
    return true;
}

static bool list_streams(packer *p)
{
    fl_layout *l = &p->layout;
    size_t run_columns = 0;
    for (size_t i = 0; i < p->slice.column_count; i++)
        run_columns += fl_type_is_run(p->slice.columns[i]->type);
    l->stream_count = p->streams.count;
    l->streams = fl_memory_alloc(l->stream_count, sizeof *l->streams);
    l->parts = fl_memory_alloc(
        FL_PART_STREAMS + l->stream_count + run_columns + EXTRAS_MAX, sizeof *l->parts);
    l->extras = fl_memory_alloc(EXTRAS_MAX, sizeof *l->extras);
    if (!l->streams || !l->parts || !l->extras)
        return false;
    for (size_t i = 0; i < l->stream_count; i++)
        l->streams[i] = p->streams.list[i].info;
    l->class_shapes = p->classes.shapes;
    l->class_count = p->classes.count;
    l->class_talks = fl_memory_alloc(l->class_count, 1);
    if (!l->class_talks)
        return false;
    for (size_t i = 0; i < l->class_count; i++)
        l->class_talks[i] = p->classes.talks[i] != FL_TALK_NONE;
    l->rows = p->slice.rows;
    return true;
}

static bool put_bounds(packer *p)
{
    if (!fl_summary_pays(&p->layout))
        return true;
    if (!fl_summary_put(&p->layout, &p->pack->summary))
        return false;
    fl_bounds_put(&p->layout, p->classes.first, &p->integers, &p->pack->scratch);
    return end_extra(p, FL_EXTRA_BOUNDS);
}

/* The last of all: a lookup finds it by its section. */
static bool put_index(packer *p)
{
    if (!p->pack->index)
        return true;
    if (!fl_index_put(p->slice.batch, p->slice.first, p->slice.rows, &p->pack->scratch))
        return false;
    p->pack->indexed = p->pack->scratch.size > 0;
    return !p->pack->indexed || end_extra(p, FL_EXTRA_NAT);
}

static bool put_parts(packer *p)
{
    if (!put_runs(p) || !put_classes(p) || !put_texts(p))
        return false;
    for (size_t i = 0; i < p->streams.count; i++) {
        fl_stream_put(&p->streams, i, &p->integers, &p->pack->scratch);
        if (!end_part(p))
            return false;
    }
    for (size_t i = 0; i < p->slice.column_count; i++) {
        const fl_entries *entries = &p->slice.entries[i];
        if (fl_type_is_run(p->slice.columns[i]->type) &&
            !put_items(p, p->slice.columns[i], entries->rows, entries->count))
            return false;
    }
    return put_bounds(p) && put_index(p);
}

/* --- sections --- */

static bool add_section(fl_pack *pack, const void *data, size_t size)
{
    fl_segment_head *head = &pack->head;
    if (!fl_memory_grow((void **)&head->sections, &pack->sections_room,
                        head->section_count + 1, sizeof *head->sections))
        return false;
    head->sections[head->section_count++] = (fl_segment_section){
        .size = (uint32_t)size, .checksum = fl_segment_checksum(data, size)};
    return true;
}

/* Puts the directory, the small parts and the large ones behind each other. */
static bool put_sections(packer *p)
{
    fl_pack *pack = p->pack;
    fl_buffer *directory = &pack->scratch;
    fl_layout_put(&p->layout, &p->directory, directory);
    if (directory->failed || directory->size > FL_LAYOUT_SIZE_MAX)
        return false;
    pack->head.directory_size = (uint32_t)directory->size;
    fl_codec_put(p->bytes, &pack->stored, directory->data, directory->size);
    if (pack->stored.failed || !add_section(pack, pack->stored.data, pack->stored.size))
        return false;
    fl_buffer_append(&pack->stored, pack->small.data, pack->small.size);
    if (!add_section(pack, pack->small.data, pack->small.size))
        return false;
    size_t at = 0;
    for (size_t i = 0; i < p->layout.part_count; i++) {
        const fl_layout_part *part = &p->layout.parts[i];
        if (!part->own)
            continue;
        if (!add_section(pack, pack->large.data + at, (size_t)part->size))
            return false;
        at += (size_t)part->size;
    }
    fl_buffer_append(&pack->stored, pack->large.data, pack->large.size);
    return !pack->stored.failed;
}

static flowan_segment_stats slice_stats(const fl_slice *s, const fl_clock *clock)
{
    flowan_segment_stats stats = fl_segment_stats_none();
    for (size_t row = s->first; row < s->first + s->rows; row++) {
        flowan_segment_stats one = fl_segment_stats_none();
        one.rows = 1;
        one.text_bytes = s->batch->size_of_row[row];
        uint64_t received = fl_clock_received(clock, row);
        if (received)
            one.received_min_ns = one.received_max_ns = received;
        fl_span span = fl_clock_span(clock, row);
        if (span.known) {
            one.span_min_ns = span.start_ns;
            one.span_max_ns = span.end_ns;
        }
        one.rows_without_time = !span.known;
        fl_segment_stats_add(&stats, &one);
    }
    return stats;
}

static bool begin(packer *p, fl_pack *pack, flowan_level level, size_t rows)
{
    bool fast = level == FLOWAN_LEVEL_FAST;
    bool small = level == FLOWAN_LEVEL_SMALL;
    *p = (packer){.pack = pack};
    p->bytes = fl_codec_new(fast ? ZSTD_FAST : small ? ZSTD_SMALL : ZSTD_DEFAULT);
    p->integers.codec = fl_codec_new(small ? ZSTD_SMALL : ZSTD_TOKENS);
    p->integers.pack_only = p->streams.pack_only = fast;
    p->directory.pack_only = true;
    p->numbers = fl_memory_alloc(rows, sizeof *p->numbers);
    pack->head.section_count = 0;
    pack->indexed = false;
    fl_buffer_clear(&pack->stored);
    fl_buffer_clear(&pack->small);
    fl_buffer_clear(&pack->large);
    fl_buffer_clear(&pack->scratch);
    fl_buffer_clear(&pack->summary);
    return p->bytes && p->integers.codec && p->numbers;
}

static void end(packer *p)
{
    /* what the layout has from others is theirs */
    p->layout.has = NULL;
    p->layout.parents = NULL;
    p->layout.class_shapes = NULL;
    fl_layout_free(&p->layout);
    fl_streams_free(&p->streams);
    fl_ends_free(&p->ends);
    fl_runs_free(&p->runs);
    fl_classes_free(&p->classes);
    fl_talks_free(&p->talks);
    fl_slice_free(&p->slice);
    fl_integers_free(&p->integers);
    fl_codec_free(p->integers.codec);
    fl_codec_free(p->bytes);
    fl_memory_free(p->numbers);
}

flowan_status fl_pack_rows(fl_pack *pack, const flowan_batch *batch,
                           const fl_clock *clock, size_t first, size_t count,
                           flowan_level level)
{
    packer p;
    fl_buffer spellings = {0};
    fl_buffer shapes = {0};
    pack->status = FLOWAN_ERROR_MEMORY;
    if (!begin(&p, pack, level, count) ||
        !fl_slice_init(&p.slice, batch, first, count) ||
        !fl_talks_find(&p.talks, &p.slice) ||
        !fl_classes_make(&p.classes, &p.slice, &p.talks) ||
        !fl_runs_make(&p.runs, &p.slice) ||
        !fl_ends_find(&p.ends, &p.slice, &p.classes, &p.runs) || !list_columns(&p) ||
        !fl_sources_find(&p.layout, &p.streams, &p.slice, &p.classes, &p.runs, &p.ends,
                         &p.talks) ||
        !fl_streams_settle(&p.streams) || !list_runs(&p) || !list_streams(&p) ||
        !list_shapes(&p, &spellings, &shapes) || !put_parts(&p))
        goto out;
    /* a reader refuses a block that decodes to more */
    if (fl_layout_decoded_size(&p.layout) > FL_SEGMENT_DECODED_MAX)
        pack->status = FLOWAN_ERROR_LIMIT;
    else if (put_sections(&p))
        pack->status = FLOWAN_OK;
    pack->head.stats = slice_stats(&p.slice, clock);
out:
    end(&p);
    fl_buffer_free(&spellings);
    fl_buffer_free(&shapes);
    return pack->status;
}

size_t fl_pack_memory(const fl_pack *pack)
{
    return pack->stored.capacity + pack->small.capacity + pack->large.capacity +
           pack->scratch.capacity + pack->summary.capacity +
           pack->sections_room * sizeof *pack->head.sections;
}

void fl_pack_free(fl_pack *pack)
{
    fl_memory_free(pack->head.sections);
    fl_buffer_free(&pack->stored);
    fl_buffer_free(&pack->small);
    fl_buffer_free(&pack->large);
    fl_buffer_free(&pack->scratch);
    fl_buffer_free(&pack->summary);
    *pack = (fl_pack){0};
}
