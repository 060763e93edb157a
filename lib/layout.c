#include "layout.h"

#include <stdlib.h>

#include "bits.h"

/* A column has a cell or an offset for each row, also where the row has no value. */
uint64_t fl_layout_decoded_size(const fl_layout *l)
{
    uint64_t size = l->texts ? (uint64_t)l->rows * 4 + l->text_bytes : 0;
    for (size_t i = 0; i < l->column_count; i++) {
        const fl_layout_column *column = &l->columns[i];
        uint64_t width = fl_type_width(column->type);
        size += fl_type_is_run(column->type)
                    ? (uint64_t)l->rows * 4 + column->items * width
                    : l->rows * width;
    }
    return size;
}

unsigned fl_layout_scale(const uint64_t *numbers, size_t count)
{
    for (unsigned scale = FL_LAYOUT_SCALE_MAX; count > 0 && scale > 0; scale -= 3) {
        uint64_t power = fl_layout_power(scale);
        size_t at = 0;
        while (at < count && numbers[at] % power == 0)
            at++;
        if (at == count)
            return scale;
    }
    return 0;
}

/* --- writing --- */

static void put_columns(const fl_layout *l, fl_buffer *out)
{
    fl_bytes_put_varint(out, l->column_count);
    for (size_t i = 0; i < l->column_count; i++) {
        const fl_layout_column *column = &l->columns[i];
        fl_bytes_put_varint(out, column->name_size);
        fl_buffer_append(out, column->name, column->name_size);
        fl_buffer_byte(out, (char)column->type);
        fl_bytes_put_varint(out, column->present);
        if (fl_type_is_run(column->type)) {
            fl_bytes_put_varint(out, column->items);
            fl_bytes_put_varint(out, column->in_order ? 0 : column->entries + 1);
        }
    }
}

static void put_shapes(const fl_layout *l, fl_buffer *out)
{
    fl_bytes_put_varint(out, l->spelling_count);
    fl_buffer_append(out, l->spellings, l->spellings_size);
    fl_bytes_put_varint(out, l->shape_count);
    fl_bytes_put_varint(out, l->shapes_size);
    fl_buffer_append(out, l->shapes, l->shapes_size);
    fl_bytes_put_varint(out, l->texts);
    fl_bytes_put_varint(out, l->text_bytes);
}

static void put_cells(fl_buffer *out, const uint16_t *cells, size_t count)
{
    fl_bytes_put_varint(out, count);
    for (size_t i = 0; i < count; i++)
        fl_bytes_put_varint(out, cells[i]);
}

static void put_runs(const fl_layout *l, fl_integers *integers, fl_buffer *out)
{
    fl_bytes_put_varint(out, l->run_count);
    fl_bytes_put_varint(out, l->label_count);
    for (size_t i = 0; i < l->label_count; i++)
        fl_bytes_put_varint(out, l->parents[i]);
    put_cells(out, l->per_run, l->per_run_count);
    put_cells(out, l->per_label, l->per_label_count);
    for (size_t i = 0; i < l->per_label_count; i++)
        fl_integers_put(integers, out, l->label_numbers + i * l->label_count,
                        l->label_count, NULL, 0);
}

static void put_sources(const fl_layout *l, fl_buffer *out)
{
    fl_bytes_put_varint(out, l->source_count);
    for (size_t i = 0; i < l->source_count; i++) {
        const fl_source *source = &l->sources[i];
        fl_buffer_byte(out, (char)source->op);
        fl_buffer_byte(out, (char)source->scale);
        fl_bytes_put_varint(out, source->cell);
        fl_bytes_put_varint(out, source->stream);
        fl_bytes_put_varint(out, source->second);
    }
}

static bool is_constant(const fl_layout *l, const fl_layout_entry *entry)
{
    return l->sources[entry->source].op == FL_SOURCE_CONSTANT;
}

static void put_classes(const fl_layout *l, fl_integers *integers, fl_buffer *out)
{
    fl_bytes_put_varint(out, l->class_count);
    for (size_t i = 0; i < l->class_count; i++)
        fl_bytes_put_varint(out, (uint64_t)l->class_shapes[i] << 1 | l->class_talks[i]);
    put_sources(l, out);
    size_t count = l->first_entry[l->cell_count];
    for (size_t i = 0; i < count; i++)
        fl_bytes_put_varint(out, l->entries[i].source);
    uint64_t *constants = fl_memory_alloc(l->class_count, sizeof *constants);
    if (!constants)
        out->failed = true;
    for (size_t c = 0; constants && c < l->cell_count; c++) {
        size_t constant = 0;
        for (size_t i = l->first_entry[c]; i < l->first_entry[c + 1]; i++)
            if (is_constant(l, &l->entries[i]))
                constants[constant++] = l->entries[i].low;
        fl_integers_put(integers, out, constants, constant, NULL, 0);
    }
    fl_memory_free(constants);
}

static void put_streams(const fl_layout *l, fl_buffer *out)
{
    fl_bytes_put_varint(out, l->stream_count);
    for (size_t i = 0; i < l->stream_count; i++) {
        fl_buffer_byte(out, (char)l->streams[i].kind);
        if (fl_layout_has_key(l->streams[i].kind))
            fl_bytes_put_varint(out, l->streams[i].key);
    }
    size_t first_extra = l->part_count - l->extra_count;
    for (size_t i = 0; i < l->part_count; i++) {
        if (i == first_extra)
            fl_bytes_put_varint(out, l->extra_count);
        if (i >= first_extra)
            fl_bytes_put_varint(out, l->extras[i - first_extra]);
        fl_bytes_put_varint(out, l->parts[i].size << 1 | l->parts[i].own);
    }
    if (l->extra_count == 0)
        fl_bytes_put_varint(out, 0);
}

void fl_layout_put(const fl_layout *l, fl_integers *integers, fl_buffer *out)
{
    put_columns(l, out);
    put_shapes(l, out);
    put_runs(l, integers, out);
    put_classes(l, integers, out);
    put_streams(l, out);
}

/* --- reading --- */

/* A count of things that take `least` bytes each of what is left. */
static size_t get_count(fl_cursor *in, size_t least, size_t limit)
{
    uint64_t count = fl_cursor_varint(in);
    if (count > limit || count > in->left / least) {
        in->failed = true;
        return 0;
    }
    return (size_t)count;
}

static uint64_t get_below(fl_cursor *in, uint64_t limit)
{
    uint64_t value = fl_cursor_varint(in);
    if (value >= limit)
        in->failed = true;
    return in->failed ? 0 : value;
}

static flowan_status get_columns(fl_layout *l, fl_cursor *in)
{
    l->column_count = get_count(in, 3, FL_BATCH_COLUMNS_MAX);
    l->columns = fl_memory_zalloc(l->column_count, sizeof *l->columns);
    if (!l->columns)
        return FLOWAN_ERROR_MEMORY;
    for (size_t i = 0; i < l->column_count; i++) {
        fl_layout_column *column = &l->columns[i];
        column->name_size = get_count(in, 1, UINT16_MAX);
        column->name = fl_cursor_take(in, column->name_size);
        column->type = (flowan_type)fl_cursor_get(in, 1);
        column->present = (uint32_t)get_below(in, l->rows + 1);
        column->first_cell = (uint32_t)l->cell_count;
        column->cells = column->type == FLOWAN_TYPE_ADDRESS ? 2 : 1;
        if (in->failed || fl_type_width(column->type) == 0)
            return FLOWAN_ERROR_FORMAT;
        if (fl_type_is_run(column->type)) {
            column->items = (uint32_t)get_below(in, UINT64_C(1) << 32);
            uint64_t entries = get_below(in, (uint64_t)column->present + 2);
            column->in_order = entries == 0;
            column->entries = entries ? (uint32_t)entries - 1 : column->present;
            column->cells = entries != 0;
        }
        l->cell_count += column->cells;
    }
    return in->failed ? FLOWAN_ERROR_FORMAT : FLOWAN_OK;
}

/* Keys that no log can have been read with are refused: of no bytes, or with a NUL. */
static bool get_spellings(fl_layout *l, fl_cursor *in)
{
    l->spelling_count = get_count(in, 3, FL_BATCH_SPELLINGS_MAX);
    l->spellings = in->at;
    for (size_t i = 0; i < l->spelling_count; i++) {
        size_t size = fl_cursor_get(in, 2);
        const char *key = fl_cursor_take(in, size);
        if (!key || size == 0 || memchr(key, 0, size))
            return false;
    }
    l->spellings_size = (size_t)(in->at - l->spellings);
    return !in->failed;
}

/* Each field of each shape must name a column that its kind fits, which no other field of
 * the shape does, and none or one of the spellings. `seen` has an entry a column. */
static bool shapes_are_sound(const fl_layout *l, uint32_t *seen)
{
    fl_cursor in = {l->shapes, l->shapes_size, false};
    for (size_t i = 0; i < l->shape_count; i++) {
        size_t fields = fl_cursor_get(&in, 2);
        if (fields > FL_RECORD_FIELDS_MAX)
            return false;
        for (size_t k = 0; k < fields; k++) {
            size_t column = fl_cursor_get(&in, 2);
            fl_kind kind = (fl_kind)fl_cursor_get(&in, 1);
            size_t spelling = fl_cursor_get(&in, 2);
            if (in.failed || column >= l->column_count ||
                spelling > l->spelling_count || seen[column] == i + 1 ||
                !fl_value_fits(l->columns[column].type, kind))
                return false;
            seen[column] = (uint32_t)i + 1;
        }
    }
    return !in.failed && in.left == 0;
}

static bool list_presence(fl_layout *l)
{
    l->has_width = l->column_count / 64 + 1;
    l->has = fl_memory_zalloc(l->shape_count, l->has_width * sizeof *l->has);
    if (!l->has)
        return false;
    fl_cursor in = {l->shapes, l->shapes_size, false};
    for (size_t i = 0; i < l->shape_count; i++) {
        size_t fields = fl_cursor_get(&in, 2);
        for (size_t k = 0; k < fields; k++) {
            size_t column = fl_cursor_get(&in, 2);
            fl_kind kind = (fl_kind)fl_cursor_get(&in, 1);
            fl_cursor_get(&in, 2);
            if (fl_kind_has_value(kind))
                l->has[i * l->has_width + column / 64] |= (uint64_t)1 << (column % 64);
        }
    }
    return true;
}

static flowan_status get_shapes(fl_layout *l, fl_cursor *in)
{
    if (!get_spellings(l, in))
        return FLOWAN_ERROR_FORMAT;
    l->shape_count = get_count(in, 2, FL_BATCH_SHAPES_MAX);
    l->shapes_size = get_count(in, 1, FL_LAYOUT_SIZE_MAX);
    l->shapes = fl_cursor_take(in, l->shapes_size);
    l->texts = (size_t)get_below(in, l->rows + 1);
    l->text_bytes = (size_t)get_below(in, UINT64_C(1) << 32);
    uint32_t *seen = fl_memory_zalloc(l->column_count, sizeof *seen);
    if (!seen)
        return FLOWAN_ERROR_MEMORY;
    bool sound = !in->failed && shapes_are_sound(l, seen) &&
                 (l->texts > 0 || l->text_bytes == 0);
    fl_memory_free(seen);
    if (!sound)
        return FLOWAN_ERROR_FORMAT;
    return list_presence(l) ? FLOWAN_OK : FLOWAN_ERROR_MEMORY;
}

static size_t get_cells(const fl_layout *l, fl_cursor *in, uint16_t *cells)
{
    size_t count = get_count(in, 1, FL_LAYOUT_PER_RUN_MAX);
    for (size_t i = 0; i < count; i++)
        cells[i] = (uint16_t)get_below(in, l->cell_count);
    return in->failed ? 0 : count;
}

static flowan_status get_runs(fl_layout *l, fl_integers *integers, fl_cursor *in)
{
    l->run_count = (size_t)get_below(in, l->rows + 1);
    l->label_count = get_count(in, 1, UINT16_MAX);
    l->parents = fl_memory_alloc(l->label_count, sizeof *l->parents);
    if (!l->parents)
        return FLOWAN_ERROR_MEMORY;
    for (size_t i = 0; i < l->label_count; i++)
        l->parents[i] = (uint16_t)get_below(in, l->label_count);
    l->per_run_count = get_cells(l, in, l->per_run);
    l->per_label_count = get_cells(l, in, l->per_label);
    l->label_numbers =
        fl_memory_alloc(l->label_count * FL_LAYOUT_PER_RUN_MAX, sizeof(uint64_t));
    if (!l->label_numbers)
        return FLOWAN_ERROR_MEMORY;
    for (size_t i = 0; i < l->per_label_count; i++)
        if (!fl_integers_get(integers, in, l->label_numbers + i * l->label_count,
                             l->label_count))
            return FLOWAN_ERROR_FORMAT;
    bool runs = (l->rows > 0) == (l->run_count > 0) &&
                (l->run_count > 0) == (l->label_count > 0);
    return in->failed || !runs ? FLOWAN_ERROR_FORMAT : FLOWAN_OK;
}

static flowan_status get_sources(fl_layout *l, fl_cursor *in)
{
    l->source_count = get_count(in, 5, UINT16_MAX);
    l->sources = fl_memory_alloc(l->source_count, sizeof *l->sources);
    if (!l->sources)
        return FLOWAN_ERROR_MEMORY;
    for (size_t i = 0; i < l->source_count; i++) {
        fl_source *source = &l->sources[i];
        source->op = (uint8_t)fl_cursor_get(in, 1);
        source->scale = (uint8_t)fl_cursor_get(in, 1);
        source->cell = (uint16_t)get_below(in, l->cell_count);
        source->stream = (uint16_t)get_below(in, UINT16_MAX);
        source->second = (uint16_t)get_below(in, UINT16_MAX);
        if (source->op >= FL_SOURCE_OPS || source->scale > FL_LAYOUT_SCALE_MAX)
            in->failed = true;
    }
    return in->failed ? FLOWAN_ERROR_FORMAT : FLOWAN_OK;
}

bool fl_layout_is_told(const fl_layout *l, size_t cell)
{
    for (size_t i = 0; i < l->per_run_count; i++)
        if (l->per_run[i] == cell)
            return true;
    for (size_t i = 0; i < l->per_label_count; i++)
        if (l->per_label[i] == cell)
            return true;
    return false;
}

/* Lists the entries class by class, so that what shapes do not have costs no time, however
 * many columns and classes a hostile directory names. Where `entries` is NULL they are
 * counted, in next[cell + 1]. */
static void walk_entries(const fl_layout *l, size_t *next, fl_layout_entry *entries)
{
    for (size_t c = 0; c < l->class_count; c++) {
        const uint64_t *has = l->has + l->class_shapes[c] * l->has_width;
        for (size_t word = 0; word < l->has_width; word++)
            for (uint64_t bits = has[word]; bits; bits &= bits - 1) {
                size_t number = word * 64 + (size_t)__builtin_ctzll(bits);
                const fl_layout_column *column = &l->columns[number];
                for (size_t k = 0; k < column->cells; k++) {
                    size_t cell = column->first_cell + k;
                    if (fl_layout_is_told(l, cell))
                        continue;
                    if (entries)
                        entries[next[cell]++].class = (uint16_t)c;
                    else
                        next[cell + 1]++;
                }
            }
    }
}

/* The entries that there are, each of which takes a byte of `left`. */
static flowan_status list_entries(fl_layout *l, size_t left)
{
    size_t *next = fl_memory_alloc(l->cell_count + 1, sizeof *next);
    l->first_entry = fl_memory_zalloc(l->cell_count + 1, sizeof *l->first_entry);
    flowan_status status = FLOWAN_ERROR_MEMORY;
    if (!next || !l->first_entry)
        goto out;
    walk_entries(l, l->first_entry, NULL);
    for (size_t i = 0; i < l->cell_count; i++)
        l->first_entry[i + 1] += l->first_entry[i];
    status = FLOWAN_ERROR_FORMAT;
    if (l->first_entry[l->cell_count] > left)
        goto out;
    l->entries = fl_memory_zalloc(l->first_entry[l->cell_count], sizeof *l->entries);
    status = FLOWAN_ERROR_MEMORY;
    if (!l->entries)
        goto out;
    memcpy(next, l->first_entry, (l->cell_count + 1) * sizeof *next);
    walk_entries(l, next, l->entries);
    status = FLOWAN_OK;
out:
    fl_memory_free(next);
    return status;
}

static flowan_status get_entries(fl_layout *l, fl_integers *integers, fl_cursor *in)
{
    uint64_t *constants = fl_memory_alloc(l->class_count, sizeof *constants);
    flowan_status status = constants ? list_entries(l, in->left) : FLOWAN_ERROR_MEMORY;
    if (status != FLOWAN_OK)
        goto out;
    status = FLOWAN_ERROR_FORMAT;
    size_t count = l->first_entry[l->cell_count];
    for (size_t i = 0; i < count; i++)
        l->entries[i].source = (uint16_t)get_below(in, l->source_count);
    for (size_t c = 0; !in->failed && c < l->cell_count; c++) {
        size_t constant = 0;
        for (size_t i = l->first_entry[c]; i < l->first_entry[c + 1]; i++)
            constant += is_constant(l, &l->entries[i]);
        if (!fl_integers_get(integers, in, constants, constant))
            goto out;
        constant = 0;
        for (size_t i = l->first_entry[c]; i < l->first_entry[c + 1]; i++)
            if (is_constant(l, &l->entries[i]))
                l->entries[i].low = constants[constant++];
            else
                l->entries[i].width = FL_LAYOUT_WIDTH_ANY;
    }
    status = in->failed ? FLOWAN_ERROR_FORMAT : FLOWAN_OK;
out:
    fl_memory_free(constants);
    return status;
}

static flowan_status get_classes(fl_layout *l, fl_integers *integers, fl_cursor *in)
{
    l->class_count = get_count(in, 1, UINT16_MAX);
    l->class_shapes = fl_memory_alloc(l->class_count, sizeof *l->class_shapes);
    l->class_talks = fl_memory_alloc(l->class_count, 1);
    if (!l->class_shapes || !l->class_talks)
        return FLOWAN_ERROR_MEMORY;
    for (size_t i = 0; i < l->class_count; i++) {
        uint64_t class = get_below(in, (uint64_t)l->shape_count * 2);
        l->class_shapes[i] = (uint16_t)(class >> 1);
        l->class_talks[i] = class & 1;
    }
    if (in->failed || (l->class_count > 0) != (l->rows > 0))
        return FLOWAN_ERROR_FORMAT;
    flowan_status status = get_sources(l, in);
    return status == FLOWAN_OK ? get_entries(l, integers, in) : status;
}

static size_t count_run_columns(const fl_layout *l)
{
    size_t count = 0;
    for (size_t i = 0; i < l->column_count; i++)
        count += fl_type_is_run(l->columns[i].type);
    return count;
}

static fl_layout_part get_part(fl_cursor *in)
{
    uint64_t part = get_below(in, UINT64_C(1) << 33);
    return (fl_layout_part){part >> 1, part & 1};
}

/* By cells: conversations are there for the rows of their classes only. */
static bool is_drawn(const fl_layout *l, size_t stream)
{
    return stream < l->stream_count && l->streams[stream].kind != FL_STREAM_TALKS;
}

static flowan_status get_streams(fl_layout *l, fl_cursor *in)
{
    l->stream_count = get_count(in, 1, UINT16_MAX);
    l->part_count = FL_PART_STREAMS + l->stream_count + count_run_columns(l);
    l->streams = fl_memory_zalloc(l->stream_count, sizeof *l->streams);
    l->parts = fl_memory_alloc(l->part_count + FL_LAYOUT_EXTRAS_MAX, sizeof *l->parts);
    l->extras = fl_memory_alloc(FL_LAYOUT_EXTRAS_MAX, sizeof *l->extras);
    if (!l->streams || !l->parts || !l->extras)
        return FLOWAN_ERROR_MEMORY;
    for (size_t i = 0; i < l->stream_count; i++) {
        fl_layout_stream *stream = &l->streams[i];
        stream->kind = (fl_stream_kind)get_below(in, FL_STREAM_KINDS);
        if (fl_layout_has_key(stream->kind))
            stream->key = (uint16_t)get_below(in, l->stream_count);
    }
    size_t talks = 0;
    for (size_t i = 0; i < l->stream_count; i++) {
        talks += l->streams[i].kind == FL_STREAM_TALKS;
        if (!fl_layout_has_key(l->streams[i].kind))
            continue;
        fl_stream_kind key = l->streams[l->streams[i].key].kind;
        if (key != FL_STREAM_TALKS &&
            (key != FL_STREAM_RANKS || l->streams[i].kind == FL_STREAM_TALK_STEPS))
            in->failed = true;
    }
    if (talks > 1)
        in->failed = true;
    for (size_t i = 0; i < l->part_count; i++)
        l->parts[i] = get_part(in);
    l->extra_count = get_count(in, 2, FL_LAYOUT_EXTRAS_MAX);
    for (size_t i = 0; i < l->extra_count; i++) {
        l->extras[i] = fl_cursor_varint(in);
        l->parts[l->part_count++] = get_part(in);
    }
    for (size_t i = 0; i < l->source_count; i++) {
        const fl_source *source = &l->sources[i];
        bool times = source->op == FL_SOURCE_TIMES;
        bool draws =
            source->op == FL_SOURCE_STREAM || source->op == FL_SOURCE_BEFORE || times;
        if ((draws && !is_drawn(l, source->stream)) ||
            (source->second && !(times && is_drawn(l, source->second - 1U))))
            in->failed = true;
    }
    return in->failed ? FLOWAN_ERROR_FORMAT : FLOWAN_OK;
}

/* --- asking it --- */

static int by_class(const void *left, const void *right)
{
    const fl_layout_entry *a = left;
    const fl_layout_entry *b = right;
    return a->class < b->class ? -1 : a->class > b->class;
}

const fl_layout_entry *fl_layout_entry_of(const fl_layout *l, size_t cell, size_t class)
{
    const fl_layout_entry key = {.class = (uint16_t) class};
    size_t first = l->first_entry[cell];
    size_t count = l->first_entry[cell + 1] - first;
    return count ? bsearch(&key, l->entries + first, count, sizeof key, by_class)
                 : NULL;
}

/* Copies of copies end where they are told. */
static const fl_layout_entry *origin(const fl_layout *l, size_t *cell, size_t class)
{
    const fl_layout_entry *entry = NULL;
    for (unsigned i = 0; i < FL_LAYOUT_DEPTH_MAX; i++) {
        entry = fl_layout_entry_of(l, *cell, class);
        if (!entry || l->sources[entry->source].op != FL_SOURCE_COPY)
            break;
        *cell = l->sources[entry->source].cell;
    }
    return entry;
}

const fl_source *fl_layout_source(const fl_layout *l, size_t cell, size_t class)
{
    const fl_layout_entry *entry = origin(l, &cell, class);
    return entry ? &l->sources[entry->source] : NULL;
}

bool fl_layout_bounds(const fl_layout *l, size_t cell, size_t class, uint64_t *low,
                      uint64_t *high)
{
    const fl_layout_entry *entry = origin(l, &cell, class);
    if (!entry)
        return false;
    uint64_t width = entry->width < FL_LAYOUT_WIDTH_ANY
                         ? fl_bits_token_base(entry->width)
                         : UINT64_MAX;
    *low = entry->low;
    *high = width < UINT64_MAX - entry->low ? entry->low + width : UINT64_MAX;
    return true;
}

size_t fl_layout_extra(const fl_layout *l, fl_extra what)
{
    for (size_t i = 0; i < l->extra_count; i++)
        if (l->extras[i] == (uint64_t)what)
            return l->part_count - l->extra_count + i;
    return 0;
}

flowan_status fl_layout_get(fl_layout *l, fl_integers *integers, size_t rows,
                            const void *data, size_t size)
{
    fl_cursor in = {data, size, false};
    *l = (fl_layout){.rows = rows};
    flowan_status status = get_columns(l, &in);
    if (status == FLOWAN_OK)
        status = get_shapes(l, &in);
    if (status == FLOWAN_OK)
        status = get_runs(l, integers, &in);
    if (status == FLOWAN_OK)
        status = get_classes(l, integers, &in);
    if (status == FLOWAN_OK)
        status = get_streams(l, &in);
    if (status == FLOWAN_OK && in.left != 0)
        status = FLOWAN_ERROR_FORMAT;
    if (status == FLOWAN_ERROR_FORMAT && integers->no_memory)
        status = FLOWAN_ERROR_MEMORY;
    if (status != FLOWAN_OK)
        fl_layout_free(l);
    return status;
}

void fl_layout_free(fl_layout *l)
{
    fl_memory_free(l->columns);
    fl_memory_free(l->has);
    fl_memory_free(l->parents);
    fl_memory_free(l->label_numbers);
    fl_memory_free(l->class_shapes);
    fl_memory_free(l->class_talks);
    fl_memory_free(l->sources);
    fl_memory_free(l->entries);
    fl_memory_free(l->first_entry);
    fl_memory_free(l->streams);
    fl_memory_free(l->parts);
    fl_memory_free(l->extras);
    *l = (fl_layout){0};
}
