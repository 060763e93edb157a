#include "unpack.h"

#include <stdlib.h>

#include "bits.h"
#include "status.h"
#include "tables.h"

enum {
    DEPTH_MAX = 4,       /* bytes by packets, start by end by receipt: three */
    CACHED_MAX = 8 << 20 /* numbers of streams that are kept for the next column */
};

/* --- sections and parts --- */

static flowan_status load(fl_unpack *u, size_t section, fl_buffer *out)
{
    const fl_segment_section *s = &u->head->sections[section];
    flowan_status status =
        fl_reader_load(u->reader, out, u->block + s->offset, s->size, u->error);
    if (status != FLOWAN_OK)
        return status;
    if (fl_segment_checksum(out->data, out->size) != s->checksum)
        return fl_reader_fail(u->reader, FLOWAN_ERROR_CHECKSUM, u->block + s->offset,
                              "section of a block", u->error);
    if (!fl_buffer_reserve(out, FL_BITS_PADDING))
        return fl_status_memory(u->error);
    memset(out->data + out->size, 0, FL_BITS_PADDING);
    return FLOWAN_OK;
}

/* Parts follow each other, in a section of their own each or together in the second. */
static flowan_status place_parts(fl_unpack *u)
{
    fl_layout *l = &u->layout;
    size_t section = FL_SECTION_PARTS;
    uint64_t small = 0;
    u->part_at = fl_memory_alloc(l->part_count, sizeof *u->part_at);
    if (!u->part_at)
        return fl_status_memory(u->error);
    for (size_t i = 0; i < l->part_count; i++) {
        if (!l->parts[i].own) {
            u->part_at[i] = small;
            small += l->parts[i].size;
            continue;
        }
        if (section == u->head->section_count ||
            u->head->sections[section].size != l->parts[i].size)
            break;
        u->part_at[i] = section++;
    }
    if (section == u->head->section_count &&
        small == u->head->sections[FL_SECTION_SMALL].size)
        return FLOWAN_OK;
    return fl_reader_fail(u->reader, FLOWAN_ERROR_FORMAT, u->block,
                          "sections of a block", u->error);
}

flowan_status fl_unpack_part(fl_unpack *u, size_t part, fl_cursor *out)
{
    const fl_layout_part *p = &u->layout.parts[part];
    flowan_status status = FLOWAN_OK;
    if (p->own) {
        status = load(u, (size_t)u->part_at[part], &u->part);
        *out = (fl_cursor){(const unsigned char *)u->part.data, u->part.size, false};
        return status;
    }
    if (!u->has_small)
        status = load(u, FL_SECTION_SMALL, &u->small);
    if (status == FLOWAN_OK)
        u->has_small = true;
    *out = (fl_cursor){(const unsigned char *)u->small.data + u->part_at[part],
                       (size_t)p->size, false};
    return status;
}

/* What could not be allocated while the part was read: for fl_unpack_damage. */
static void *need(fl_unpack *u, void *memory)
{
    if (!memory)
        u->integers.no_memory = true;
    return memory;
}

flowan_status fl_unpack_damage(const fl_unpack *u, size_t part, const char *what)
{
    if (u->integers.no_memory)
        return fl_status_memory(u->error);
    size_t section =
        u->layout.parts[part].own ? (size_t)u->part_at[part] : FL_SECTION_SMALL;
    return fl_reader_fail(u->reader, FLOWAN_ERROR_FORMAT,
                          u->block + u->head->sections[section].offset, what, u->error);
}

static flowan_status read_directory(fl_unpack *u)
{
    uint64_t at = u->block + u->head->sections[FL_SECTION_DIRECTORY].offset;
    uint32_t size = u->head->directory_size;
    flowan_status status = load(u, FL_SECTION_DIRECTORY, &u->part);
    if (status != FLOWAN_OK)
        return status;
    fl_cursor in = {(const unsigned char *)u->part.data, u->part.size, false};
    bool fits = size <= FL_LAYOUT_SIZE_MAX && fl_codec_fits(&in, size);
    if (fits && !fl_buffer_reserve(&u->directory, (size_t)size + FL_BITS_PADDING))
        return fl_status_memory(u->error);
    if (!fits || !fl_codec_get(u->integers.codec, &in, u->directory.data, size) ||
        in.left != 0)
        return fl_reader_fail(u->reader, FLOWAN_ERROR_FORMAT, at,
                              "directory of a block", u->error);
    memset(u->directory.data + size, 0, FL_BITS_PADDING);
    status = fl_layout_get(&u->layout, &u->integers, u->head->stats.rows,
                           u->directory.data, size);
    if (status == FLOWAN_ERROR_MEMORY)
        return fl_status_memory(u->error);
    if (status == FLOWAN_OK &&
        fl_layout_decoded_size(&u->layout) > FL_SEGMENT_DECODED_MAX)
        status = FLOWAN_ERROR_FORMAT;
    return status == FLOWAN_OK ? status
                               : fl_reader_fail(u->reader, status, at,
                                                "directory of a block", u->error);
}

/* --- runs and classes --- */

/* Numbers of a part, one a row at the most, checked to be below a limit. */
static bool get_below(fl_unpack *u, fl_cursor *in, uint64_t *out, size_t count,
                      uint64_t limit)
{
    if (!fl_integers_get(&u->integers, in, out, count))
        return false;
    for (size_t i = 0; i < count; i++)
        if (out[i] >= limit)
            return false;
    return true;
}

/* The ranks of the cell that others of the runs may hang on. */
typedef struct first_ranks {
    uint32_t *codes; /* per run; NULL: there is none */
    size_t listed;
} first_ranks;

static void add_steps(const fl_unpack *u, unsigned mode, uint64_t *values,
                      uint64_t *last)
{
    uint64_t before = 0;
    for (size_t i = 0; i < u->layout.run_count; i++) {
        size_t parent =
            mode >= FL_RUN_STEP_OF_PARENT ? u->layout.parents[u->labels[i]] : 0;
        before = mode >= FL_RUN_STEP_OF_PARENT ? last[parent] : before;
        values[i] += before;
        before = values[i] + (mode == FL_RUN_COUNTED ? u->lengths[i] : 0);
        last[parent] = before;
    }
}

static uint64_t power_of(unsigned scale)
{
    uint64_t power = 1;
    while (scale-- > 0)
        power *= 10;
    return power;
}

/* What hangs on the ranks of the first cell. */
static bool get_hanging(fl_unpack *u, fl_cursor *in, const first_ranks *first,
                        uint64_t *out)
{
    size_t count = u->layout.run_count;
    uint64_t *table =
        first->codes ? need(u, fl_memory_alloc(first->listed, sizeof *table)) : NULL;
    bool sound = table && fl_table_get(&u->integers, in, table, first->listed);
    for (size_t i = 0; sound && i < count; i++)
        out[i] = table[first->codes[i]];
    fl_memory_free(table);
    return sound && fl_table_get_exceptions(&u->integers, in, out, count);
}

/* The numbers of a cell, or where they are given by rank, the ranks in `first` too. */
static bool get_run_cell(fl_unpack *u, fl_cursor *in, first_ranks *first, uint64_t *out)
{
    const fl_layout *l = &u->layout;
    size_t count = l->run_count;
    unsigned mode = (unsigned)fl_cursor_get(in, 1);
    unsigned scale = (unsigned)fl_cursor_get(in, 1);
    uint64_t *list = NULL;
    bool sound = !in->failed && scale <= FL_LAYOUT_SCALE_MAX;
    if (sound && mode == FL_RUN_RANKS) {
        size_t listed;
        uint32_t *codes = need(u, fl_memory_alloc(count, sizeof *codes));
        sound = codes && fl_ranks_get(&u->integers, in, count, &list, &listed) &&
                get_below(u, in, out, count, listed);
        for (size_t i = 0; sound && i < count; i++) {
            codes[i] = (uint32_t)out[i];
            out[i] = list[out[i]];
        }
        if (sound && !first->codes) {
            *first = (first_ranks){codes, listed};
            codes = NULL;
        }
        fl_memory_free(codes);
    } else if (sound && mode == FL_RUN_HANGING) {
        sound = get_hanging(u, in, first, out);
    } else {
        uint64_t *last = need(u, fl_memory_zalloc(l->label_count, sizeof *last));
        sound = sound && last && mode < FL_RUN_RANKS &&
                (mode == FL_RUN_PLAIN || u->labels) &&
                fl_integers_get(&u->integers, in, out, count);
        if (sound && mode != FL_RUN_PLAIN)
            add_steps(u, mode, out, last);
        fl_memory_free(last);
    }
    fl_memory_free(list);
    uint64_t power = sound ? power_of(scale) : 1;
    for (size_t i = 0; sound && i < count; i++)
        out[i] *= power;
    return sound;
}

static bool get_labels(fl_unpack *u, fl_cursor *in, const first_ranks *first,
                       uint64_t *numbers)
{
    const fl_layout *l = &u->layout;
    unsigned mode = (unsigned)fl_cursor_get(in, 1);
    bool sound = mode == FL_RUN_HANGING
                     ? get_hanging(u, in, first, numbers)
                     : mode == FL_RUN_PLAIN &&
                           fl_integers_get(&u->integers, in, numbers, l->run_count);
    uint16_t *labels =
        sound ? need(u, fl_memory_alloc(l->run_count, sizeof *labels)) : NULL;
    for (size_t i = 0; labels && i < l->run_count; i++) {
        sound = sound && numbers[i] < l->label_count;
        labels[i] = (uint16_t)numbers[i];
    }
    u->labels = labels;
    return sound && labels;
}

/* A cell by rank comes before the labels, which may hang on it; all others behind, as
 * they may step by exporter. */
static bool get_run_numbers(fl_unpack *u, fl_cursor *in, uint64_t *numbers)
{
    const fl_layout *l = &u->layout;
    first_ranks first = {0};
    bool sound = true;
    for (size_t i = 0; i < l->per_run_count; i++) {
        u->run_numbers[i] = need(u, fl_memory_alloc(l->run_count, sizeof(uint64_t)));
        sound = sound && u->run_numbers[i];
    }
    size_t next = 0;
    if (sound && l->per_run_count && in->left && in->at[0] == FL_RUN_RANKS)
        sound = get_run_cell(u, in, &first, u->run_numbers[next++]);
    else if (sound && l->per_run_count)
        fl_cursor_get(in, 1); /* 0: it comes behind the labels */
    sound = sound && get_labels(u, in, &first, numbers);
    for (; sound && next < l->per_run_count; next++)
        sound = get_run_cell(u, in, &first, u->run_numbers[next]);
    fl_memory_free(first.codes);
    return sound && in->left == 0;
}

static flowan_status unpack_runs(fl_unpack *u, uint64_t *numbers)
{
    const fl_layout *l = &u->layout;
    fl_cursor in;
    flowan_status status = fl_unpack_part(u, FL_PART_RUNS, &in);
    if (status != FLOWAN_OK)
        return status;
    u->lengths = fl_memory_alloc(l->run_count, sizeof *u->lengths);
    u->run_of_row = fl_memory_alloc(l->rows, sizeof *u->run_of_row);
    if (!u->lengths || !u->run_of_row)
        return fl_status_memory(u->error);
    size_t row = 0;
    bool sound = get_below(u, &in, numbers, l->run_count, (uint64_t)l->rows + 1);
    for (size_t i = 0; sound && i < l->run_count; i++) {
        u->lengths[i] = (uint32_t)numbers[i];
        sound = numbers[i] <= l->rows - row;
        for (size_t k = 0; sound && k < numbers[i]; k++)
            u->run_of_row[row++] = (uint32_t)i;
    }
    sound = sound && row == l->rows && get_run_numbers(u, &in, numbers);
    return sound ? FLOWAN_OK : fl_unpack_damage(u, FL_PART_RUNS, "runs of a block");
}

/* Where each label's rows begin, in order of labels. */
static void count_labels(const fl_unpack *u, size_t *next)
{
    const fl_layout *l = &u->layout;
    size_t first = 0;
    memset(next, 0, l->label_count * sizeof *next);
    for (size_t i = 0; i < l->run_count; i++)
        next[u->labels[i]] += u->lengths[i];
    for (size_t i = 0; i < l->label_count; i++) {
        size_t size = next[i];
        next[i] = first;
        first += size;
    }
}

/* Each label's list of classes: places[label] is where it begins in `list`. */
static bool get_lists(fl_unpack *u, fl_cursor *in, uint64_t *numbers, size_t *places,
                      uint16_t **list)
{
    const fl_layout *l = &u->layout;
    size_t total = 0;
    *list = NULL;
    if (!get_below(u, in, numbers, l->label_count, (uint64_t)l->class_count + 1))
        return false;
    for (size_t i = 0; i < l->label_count; i++) {
        places[i] = total;
        total += (size_t)numbers[i];
    }
    places[l->label_count] = total;
    if (total > l->rows) /* each is there for a row */
        return false;
    *list = need(u, fl_memory_alloc(total, sizeof **list));
    if (!*list || !get_below(u, in, numbers, total, l->class_count))
        return false;
    for (size_t i = 0; i < total; i++)
        (*list)[i] = (uint16_t)numbers[i];
    return true;
}

static flowan_status unpack_classes(fl_unpack *u, uint64_t *numbers)
{
    const fl_layout *l = &u->layout;
    fl_cursor in;
    flowan_status status = fl_unpack_part(u, FL_PART_CLASSES, &in);
    if (status != FLOWAN_OK)
        return status;
    size_t *places = fl_memory_alloc(l->label_count + 1, sizeof *places);
    size_t *next = fl_memory_alloc(l->label_count, sizeof *next);
    uint16_t *list = NULL;
    u->class_of_row = fl_memory_alloc(l->rows, sizeof *u->class_of_row);
    u->first = fl_memory_zalloc(l->class_count + 1, sizeof *u->first);
    u->rows = fl_memory_alloc(l->rows, sizeof *u->rows);
    if (!places || !next || !u->class_of_row || !u->first || !u->rows) {
        status = fl_status_memory(u->error);
        goto out;
    }
    bool sound = get_lists(u, &in, numbers, places, &list) &&
                 fl_integers_get(&u->integers, &in, numbers, l->rows) && in.left == 0;
    if (sound)
        count_labels(u, next);
    for (size_t row = 0; sound && row < l->rows; row++) {
        size_t label = u->labels[u->run_of_row[row]];
        uint64_t code = numbers[next[label]++];
        sound = code < places[label + 1] - places[label];
        if (sound) {
            u->class_of_row[row] = list[places[label] + code];
            u->first[u->class_of_row[row] + 1]++;
        }
    }
    if (!sound) {
        status = fl_unpack_damage(u, FL_PART_CLASSES, "classes of a block");
        goto out;
    }
    for (size_t i = 0; i < l->class_count; i++)
        u->first[i + 1] += u->first[i];
    for (size_t row = 0; row < l->rows; row++)
        u->rows[u->first[u->class_of_row[row]]++] = (uint32_t)row;
    memmove(u->first + 1, u->first, l->class_count * sizeof *u->first);
    u->first[0] = 0;
out:
    fl_memory_free(places);
    fl_memory_free(next);
    fl_memory_free(list);
    return status;
}

static size_t class_rows(const fl_unpack *u, size_t class)
{
    return u->first[class + 1] - u->first[class];
}

/* --- which class takes what from which stream --- */

static int by_stream(const void *left, const void *right)
{
    const fl_unpack_use *a = left;
    const fl_unpack_use *b = right;
    if (a->stream != b->stream)
        return a->stream < b->stream ? -1 : 1;
    return a->class < b->class ? -1 : a->class > b->class;
}

static bool draws(const fl_source *source)
{
    return source->op == FL_SOURCE_STREAM || source->op == FL_SOURCE_BEFORE ||
           source->op == FL_SOURCE_TIMES;
}

/* Lists the uses; where `uses` is NULL they are only counted. */
static size_t list_uses(const fl_layout *l, fl_unpack_use *uses)
{
    size_t count = 0;
    for (size_t c = 0; c < l->cell_count; c++)
        for (size_t i = l->first_entry[c]; i < l->first_entry[c + 1]; i++) {
            const fl_source *source = &l->sources[l->entries[i].source];
            if (!draws(source))
                continue;
            if (uses)
                uses[count] = (fl_unpack_use){source->stream, l->entries[i].class,
                                              (uint32_t)c, 0};
            count++;
            if (!source->second)
                continue;
            if (uses)
                uses[count] = (fl_unpack_use){source->second - 1U, l->entries[i].class,
                                              (uint32_t)c, 0};
            count++;
        }
    for (size_t s = 0; s < l->stream_count; s++)
        for (size_t c = 0; l->streams[s].kind == FL_STREAM_TALKS && c < l->class_count;
             c++)
            if (l->class_talks[c]) {
                if (uses)
                    uses[count] = (fl_unpack_use){(uint32_t)s, (uint32_t)c, 0, 0};
                count++;
            }
    return count;
}

static flowan_status place_uses(fl_unpack *u)
{
    const fl_layout *l = &u->layout;
    u->use_count = list_uses(l, NULL);
    u->uses = fl_memory_alloc(u->use_count, sizeof *u->uses);
    u->streams = fl_memory_zalloc(l->stream_count, sizeof *u->streams);
    if (!u->uses || !u->streams)
        return fl_status_memory(u->error);
    list_uses(l, u->uses);
    if (u->use_count)
        qsort(u->uses, u->use_count, sizeof *u->uses, by_stream);
    for (size_t i = 0; i < u->use_count; i++) {
        fl_unpack_use *use = &u->uses[i];
        fl_unpack_stream *stream = &u->streams[use->stream];
        /* a class takes from a stream once */
        if (i > 0 && use[-1].stream == use->stream && use[-1].class == use->class)
            return fl_unpack_damage(u, FL_PART_STREAMS + use->stream,
                                    "stream of a block");
        if (stream->use_count++ == 0)
            stream->first_use = i;
        use->first = (uint32_t)stream->count;
        stream->count += class_rows(u, use->class);
    }
    return FLOWAN_OK;
}

/* NULL when the class takes nothing from it. */
static const fl_unpack_use *find_use(const fl_unpack *u, size_t stream, size_t class)
{
    const fl_unpack_use key = {(uint32_t)stream, (uint32_t) class, 0, 0};
    const fl_unpack_stream *s = &u->streams[stream];
    return s->use_count ? bsearch(&key, u->uses + s->first_use, s->use_count,
                                  sizeof key, by_stream)
                        : NULL;
}

flowan_status fl_unpack_open(fl_unpack *u, flowan_reader *reader,
                             const fl_segment_head *head, uint64_t block,
                             flowan_error *error)
{
    *u = (fl_unpack){.reader = reader, .head = head, .block = block, .error = error};
    u->integers.codec = reader->codec;
    flowan_status status = read_directory(u);
    return status == FLOWAN_OK ? place_parts(u) : status;
}

flowan_status fl_unpack_rows(fl_unpack *u)
{
    size_t rows = u->layout.rows;
    size_t labels = u->layout.label_count;
    uint64_t *numbers = fl_memory_alloc(rows > labels ? rows : labels, sizeof *numbers);
    flowan_status status = numbers ? FLOWAN_OK : fl_status_memory(u->error);
    if (status == FLOWAN_OK && rows > 0)
        status = unpack_runs(u, numbers);
    if (status == FLOWAN_OK && rows > 0)
        status = unpack_classes(u, numbers);
    if (status == FLOWAN_OK && rows > 0)
        status = place_uses(u);
    fl_memory_free(numbers);
    return status;
}

/* --- streams --- */

static flowan_status find_cell(fl_unpack *u, size_t cell, size_t class, uint64_t *out,
                               unsigned depth);
static flowan_status need_stream(fl_unpack *u, size_t number, unsigned depth);

static flowan_status get_ranks(fl_unpack *u, size_t number, fl_cursor *in)
{
    fl_unpack_stream *s = &u->streams[number];
    uint64_t *list;
    s->codes = fl_memory_alloc(s->count, sizeof *s->codes);
    if (!s->codes)
        return fl_status_memory(u->error);
    bool sound = fl_ranks_get(&u->integers, in, s->count, &list, &s->listed) &&
                 get_below(u, in, s->numbers, s->count, s->listed);
    for (size_t i = 0; sound && i < s->count; i++) {
        s->codes[i] = (uint32_t)s->numbers[i];
        s->numbers[i] = list[s->codes[i]];
    }
    fl_memory_free(list);
    return sound ? FLOWAN_OK
                 : fl_unpack_damage(u, FL_PART_STREAMS + number, "stream of a block");
}

/* The key's ranks for each number of the stream. */
static bool list_key_codes(const fl_unpack *u, size_t number, uint32_t *codes)
{
    const fl_unpack_stream *s = &u->streams[number];
    size_t key = u->layout.streams[number].key;
    for (size_t i = 0; i < s->use_count; i++) {
        const fl_unpack_use *use = &u->uses[s->first_use + i];
        const fl_unpack_use *of_key = find_use(u, key, use->class);
        if (!of_key)
            return false;
        memcpy(codes + use->first, u->streams[key].codes + of_key->first,
               class_rows(u, use->class) * sizeof *codes);
    }
    return true;
}

static int by_class(const void *left, const void *right)
{
    const fl_layout_entry *a = left;
    const fl_layout_entry *b = right;
    return a->class < b->class ? -1 : a->class > b->class;
}

/* Where a class has a cell from; NULL when it has no such cell. */
static const fl_layout_entry *find_entry(const fl_layout *l, size_t cell, size_t class)
{
    const fl_layout_entry key = {.class = (uint16_t) class};
    size_t first = l->first_entry[cell];
    size_t count = l->first_entry[cell + 1] - first;
    return count ? bsearch(&key, l->entries + first, count, sizeof key, by_class)
                 : NULL;
}

/* What the numbers are when they are not distances: those of the source's other cell. */
static flowan_status get_others(fl_unpack *u, size_t number, uint64_t *out,
                                unsigned depth)
{
    const fl_layout *l = &u->layout;
    const fl_unpack_stream *s = &u->streams[number];
    flowan_status status = FLOWAN_OK;
    for (size_t i = 0; status == FLOWAN_OK && i < s->use_count; i++) {
        const fl_unpack_use *use = &u->uses[s->first_use + i];
        const fl_source *source =
            &l->sources[find_entry(l, use->cell, use->class)->source];
        status =
            source->op == FL_SOURCE_STREAM
                ? find_cell(u, source->cell, use->class, out + use->first, depth + 1)
                : fl_unpack_damage(u, FL_PART_STREAMS + number, "stream of a block");
    }
    return status;
}

/* In order of rows: each number is told from that of the last row of its conversation, or
 * of the row before where that is its first. */
static flowan_status get_talk_steps(fl_unpack *u, size_t number, unsigned depth)
{
    const fl_layout *l = &u->layout;
    fl_unpack_stream *s = &u->streams[number];
    size_t key = l->streams[number].key;
    flowan_status status = need_stream(u, key, depth);
    if (status != FLOWAN_OK)
        return status;
    size_t listed = u->streams[key].listed;
    uint32_t *codes = fl_memory_alloc(s->count, sizeof *codes);
    uint32_t *next = fl_memory_zalloc(l->class_count, sizeof *next);
    uint64_t *steps = fl_memory_alloc(s->count, sizeof *steps);
    uint64_t *last = fl_memory_alloc(listed, sizeof *last);
    uint8_t *seen = fl_memory_zalloc(listed, 1);
    fl_cursor in = {0};
    if (!codes || !next || !steps || !last || !seen)
        status = fl_status_memory(u->error);
    else
        status = fl_unpack_part(u, FL_PART_STREAMS + number, &in);
    bool sound = status == FLOWAN_OK &&
                 fl_integers_get(&u->integers, &in, steps, s->count) && in.left == 0 &&
                 list_key_codes(u, number, codes);
    for (size_t i = 0; sound && i < s->use_count; i++)
        next[u->uses[s->first_use + i].class] = u->uses[s->first_use + i].first + 1;
    size_t place = 0;
    uint64_t before = 0;
    for (size_t row = 0; sound && row < l->rows; row++) {
        uint32_t *at = &next[u->class_of_row[row]];
        if (*at == 0)
            continue;
        uint32_t talk = codes[*at - 1];
        before = steps[place++] + (seen[talk] ? last[talk] : before);
        s->numbers[(*at)++ - 1] = last[talk] = before;
        seen[talk] = 1;
    }
    fl_memory_free(codes);
    fl_memory_free(next);
    fl_memory_free(steps);
    fl_memory_free(last);
    fl_memory_free(seen);
    if (status == FLOWAN_OK && !sound)
        status = fl_unpack_damage(u, FL_PART_STREAMS + number, "stream of a block");
    return status;
}

static flowan_status get_keyed(fl_unpack *u, size_t number, unsigned depth)
{
    fl_unpack_stream *s = &u->streams[number];
    const fl_layout_stream *info = &u->layout.streams[number];
    flowan_status status = need_stream(u, info->key, depth);
    if (status != FLOWAN_OK)
        return status;
    size_t listed = u->streams[info->key].listed;
    uint64_t *table = fl_memory_alloc(listed, sizeof *table);
    uint32_t *codes = fl_memory_alloc(s->count, sizeof *codes);
    uint64_t *distances = NULL;
    fl_cursor in;
    bool sound = false;
    if (!table || !codes) {
        status = fl_status_memory(u->error);
        goto out;
    }
    if (info->kind == FL_STREAM_OFFSET)
        status = get_others(u, number, s->numbers, depth);
    if (status == FLOWAN_OK)
        status = fl_unpack_part(u, FL_PART_STREAMS + number, &in);
    if (status != FLOWAN_OK)
        goto out;
    if (!fl_table_get(&u->integers, &in, table, listed) ||
        !list_key_codes(u, number, codes))
        goto out;
    size_t count = 0;
    for (size_t i = 0; i < s->count; i++)
        if (info->kind == FL_STREAM_KEYED)
            s->numbers[i] = table[codes[i]];
        else
            count += table[codes[i]] != 0;
    distances = fl_memory_alloc(count, sizeof *distances);
    if (!distances) {
        status = fl_status_memory(u->error);
        goto out;
    }
    sound = info->kind == FL_STREAM_KEYED
                ? fl_table_get_exceptions(&u->integers, &in, s->numbers, s->count)
                : fl_integers_get(&u->integers, &in, distances, count);
    size_t next = 0;
    for (size_t i = 0; sound && info->kind == FL_STREAM_OFFSET && i < s->count; i++)
        if (table[codes[i]])
            s->numbers[i] = table[codes[i]] - 1 + distances[next++];
    sound = sound && in.left == 0;
out:
    fl_memory_free(table);
    fl_memory_free(codes);
    fl_memory_free(distances);
    if (status == FLOWAN_OK && !sound)
        status = fl_unpack_damage(u, FL_PART_STREAMS + number, "stream of a block");
    return status;
}

static void forget(fl_unpack *u, fl_unpack_stream *s)
{
    if (s->numbers)
        u->cached -= s->count;
    fl_memory_free(s->numbers);
    fl_memory_free(s->codes);
    s->numbers = NULL;
    s->codes = NULL;
}

/* Conversations, as they are numbered: rows in order say how far back the last one of
 * theirs is, and the next number is that of one that has none. */
static flowan_status get_talks(fl_unpack *u, size_t number, fl_cursor *in)
{
    const fl_layout *l = &u->layout;
    fl_unpack_stream *s = &u->streams[number];
    uint32_t *next = fl_memory_alloc(l->class_count, sizeof *next);
    s->codes = fl_memory_alloc(s->count, sizeof *s->codes);
    if (!next || !s->codes) {
        fl_memory_free(next);
        return fl_status_memory(u->error);
    }
    for (size_t i = 0; i < s->use_count; i++)
        next[u->uses[s->first_use + i].class] = u->uses[s->first_use + i].first;
    bool sound = fl_integers_get(&u->integers, in, s->numbers, s->count);
    size_t listed = 0;
    for (size_t i = 0; sound && i < s->count; i++) {
        sound = s->numbers[i] <= i;
        if (sound)
            s->numbers[i] = s->numbers[i] ? s->numbers[i - s->numbers[i]] : listed++;
    }
    size_t place = 0;
    for (size_t row = 0; sound && row < l->rows; row++)
        if (l->class_talks[u->class_of_row[row]])
            s->codes[next[u->class_of_row[row]]++] = (uint32_t)s->numbers[place++];
    s->listed = listed;
    fl_memory_free(next);
    return sound ? FLOWAN_OK
                 : fl_unpack_damage(u, FL_PART_STREAMS + number, "stream of a block");
}

static void add_up(const fl_unpack *u, fl_unpack_stream *s)
{
    for (size_t i = 0; i < s->use_count; i++) {
        const fl_unpack_use *use = &u->uses[s->first_use + i];
        uint64_t *numbers = s->numbers + use->first;
        size_t count = class_rows(u, use->class);
        for (size_t k = 1; k < count; k++)
            numbers[k] += numbers[k - 1];
    }
}

static flowan_status need_stream(fl_unpack *u, size_t number, unsigned depth)
{
    fl_unpack_stream *s = &u->streams[number];
    fl_layout_stream info = u->layout.streams[number];
    fl_cursor in;
    if (s->busy) /* a hostile file tells it from itself */
        return fl_unpack_damage(u, FL_PART_STREAMS + number, "stream of a block");
    if (s->numbers)
        return FLOWAN_OK;
    s->numbers = fl_memory_alloc(s->count, sizeof *s->numbers);
    if (!s->numbers)
        return fl_status_memory(u->error);
    s->busy = true;
    u->cached += s->count;
    flowan_status status;
    if (info.kind == FL_STREAM_TALK_STEPS) {
        status = get_talk_steps(u, number, depth);
    } else if (fl_layout_has_key(info.kind)) {
        status = get_keyed(u, number, depth);
    } else {
        status = fl_unpack_part(u, FL_PART_STREAMS + number, &in);
        if (status == FLOWAN_OK && info.kind == FL_STREAM_RANKS)
            status = get_ranks(u, number, &in);
        else if (status == FLOWAN_OK && info.kind == FL_STREAM_TALKS)
            status = get_talks(u, number, &in);
        else if (status == FLOWAN_OK &&
                 !fl_integers_get(&u->integers, &in, s->numbers, s->count))
            in.failed = true;
        if (status == FLOWAN_OK && info.kind == FL_STREAM_STEPS)
            add_up(u, s);
        if (status == FLOWAN_OK && (in.failed || in.left != 0))
            status = fl_unpack_damage(u, FL_PART_STREAMS + number, "stream of a block");
    }
    s->busy = false;
    if (status != FLOWAN_OK)
        forget(u, s);
    return status;
}

/* --- cells --- */

/* The class's numbers of a stream; borrowed. */
static flowan_status take(fl_unpack *u, size_t stream, size_t class, unsigned depth,
                          const uint64_t **out)
{
    flowan_status status = need_stream(u, stream, depth);
    if (status != FLOWAN_OK)
        return status;
    const fl_unpack_use *use = find_use(u, stream, class);
    *out = u->streams[stream].numbers + use->first;
    return FLOWAN_OK;
}

static flowan_status take_relation(fl_unpack *u, const fl_source *source, size_t class,
                                   uint64_t *out, unsigned depth)
{
    size_t count = class_rows(u, class);
    uint64_t power = power_of(source->scale);
    const uint64_t *numbers;
    const uint64_t *rest = NULL;
    flowan_status status = find_cell(u, source->cell, class, out, depth + 1);
    if (status == FLOWAN_OK)
        status = take(u, source->stream, class, depth, &numbers);
    if (status == FLOWAN_OK && source->second)
        status = take(u, source->second - 1U, class, depth, &rest);
    if (status != FLOWAN_OK)
        return status;
    if (source->op == FL_SOURCE_BEFORE)
        for (size_t i = 0; i < count; i++)
            out[i] = (out[i] / power - numbers[i]) * power;
    else if (rest)
        for (size_t i = 0; i < count; i++)
            out[i] = out[i] * numbers[i] + rest[i];
    else
        for (size_t i = 0; i < count; i++)
            out[i] *= numbers[i];
    return FLOWAN_OK;
}

/* A cell that runs or labels tell, in the rows of a class. */
static bool find_told(const fl_unpack *u, size_t cell, size_t class, uint64_t *out)
{
    const fl_layout *l = &u->layout;
    const uint32_t *rows = u->rows + u->first[class];
    size_t count = class_rows(u, class);
    for (size_t k = 0; k < l->per_run_count; k++)
        if (l->per_run[k] == cell) {
            for (size_t i = 0; i < count; i++)
                out[i] = u->run_numbers[k][u->run_of_row[rows[i]]];
            return true;
        }
    for (size_t k = 0; k < l->per_label_count; k++)
        if (l->per_label[k] == cell) {
            const uint64_t *numbers = l->label_numbers + k * l->label_count;
            for (size_t i = 0; i < count; i++)
                out[i] = numbers[u->labels[u->run_of_row[rows[i]]]];
            return true;
        }
    return false;
}

static flowan_status find_cell(fl_unpack *u, size_t cell, size_t class, uint64_t *out,
                               unsigned depth)
{
    const fl_layout *l = &u->layout;
    size_t count = class_rows(u, class);
    if (find_told(u, cell, class, out))
        return FLOWAN_OK;
    const fl_layout_entry *entry =
        depth < DEPTH_MAX ? find_entry(l, cell, class) : NULL;
    if (!entry) /* the class has no such cell, or it goes round */
        return fl_reader_fail(u->reader, FLOWAN_ERROR_FORMAT, u->block,
                              "sources of a block", u->error);
    const fl_source *source = &l->sources[entry->source];
    const uint64_t *numbers;
    flowan_status status;
    switch ((fl_source_op)source->op) {
    case FL_SOURCE_CONSTANT:
        for (size_t i = 0; i < count; i++)
            out[i] = entry->constant;
        return FLOWAN_OK;
    case FL_SOURCE_COPY: return find_cell(u, source->cell, class, out, depth + 1);
    case FL_SOURCE_UNIT: {
        uint64_t power = power_of(source->scale);
        status = find_cell(u, source->cell, class, out, depth + 1);
        for (size_t i = 0; status == FLOWAN_OK && i < count; i++)
            out[i] /= power;
        return status;
    }
    case FL_SOURCE_STREAM: {
        uint64_t power = power_of(source->scale);
        status = take(u, source->stream, class, depth, &numbers);
        for (size_t i = 0; status == FLOWAN_OK && i < count; i++)
            out[i] = numbers[i] * power;
        return status;
    }
    default: return take_relation(u, source, class, out, depth);
    }
}

flowan_status fl_unpack_cell(fl_unpack *u, size_t cell, size_t class, uint64_t *out)
{
    return class_rows(u, class) ? find_cell(u, cell, class, out, 0) : FLOWAN_OK;
}

bool fl_unpack_told(const fl_unpack *u, size_t cell, uint64_t *out)
{
    const fl_layout *l = &u->layout;
    for (size_t k = 0; k < l->per_run_count; k++)
        if (l->per_run[k] == cell) {
            for (size_t i = 0; i < l->rows; i++)
                out[i] = u->run_numbers[k][u->run_of_row[i]];
            return true;
        }
    for (size_t k = 0; k < l->per_label_count; k++)
        if (l->per_label[k] == cell) {
            const uint64_t *numbers = l->label_numbers + k * l->label_count;
            for (size_t i = 0; i < l->rows; i++)
                out[i] = numbers[u->labels[u->run_of_row[i]]];
            return true;
        }
    return false;
}

void fl_unpack_trim(fl_unpack *u)
{
    if (u->cached <= CACHED_MAX)
        return;
    for (size_t i = 0; i < u->layout.stream_count; i++)
        forget(u, &u->streams[i]);
}

void fl_unpack_free(fl_unpack *u)
{
    for (size_t i = 0; u->streams && i < u->layout.stream_count; i++)
        forget(u, &u->streams[i]);
    fl_memory_free(u->streams);
    fl_memory_free(u->uses);
    fl_memory_free(u->part_at);
    fl_memory_free(u->class_of_row);
    fl_memory_free(u->rows);
    fl_memory_free(u->first);
    fl_memory_free(u->run_of_row);
    fl_memory_free(u->labels);
    fl_memory_free(u->lengths);
    for (size_t i = 0; i < FL_LAYOUT_PER_RUN_MAX; i++)
        fl_memory_free(u->run_numbers[i]);
    fl_layout_free(&u->layout);
    fl_integers_free(&u->integers);
    fl_buffer_free(&u->directory);
    fl_buffer_free(&u->small);
    fl_buffer_free(&u->part);
}
