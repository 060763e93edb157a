/* Streams, and the cells of classes that are drawn from them. */
#include <stdlib.h>
#include <string.h>

#include "status.h"
#include "tables.h"
#include "unpack.h"

enum {
    DEPTH_MAX = 4, /* bytes by packets, start by end by receipt: three */
    BUDGET_PER_CELL = 16
};

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

flowan_status fl_unpack_place_uses(fl_unpack *u)
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
        stream->count += fl_unpack_class_rows(u, use->class);
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
                 fl_unpack_get_below(u, in, s->numbers, s->count, s->listed);
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
               fl_unpack_class_rows(u, use->class) * sizeof *codes);
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

void fl_unpack_forget(fl_unpack *u, fl_unpack_stream *s)
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
        size_t count = fl_unpack_class_rows(u, use->class);
        for (size_t k = 1; k < count; k++)
            numbers[k] += numbers[k - 1];
    }
}

/* What reading each cell may take, and more: a stream that was forgotten between columns is
 * filled anew, and a few others with it. Without a bound a small file could have all
 * streams filled for every column. */
static uint64_t budget(const fl_unpack *u)
{
    return (uint64_t)u->layout.rows * (u->layout.cell_count + 1) * BUDGET_PER_CELL;
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
    u->spent += s->count;
    if (u->spent > budget(u))
        return fl_unpack_damage(u, FL_PART_STREAMS + number, "stream of a block");
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
        fl_unpack_forget(u, s);
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
    size_t count = fl_unpack_class_rows(u, class);
    uint64_t power = fl_layout_power(source->scale);
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

static flowan_status find_cell(fl_unpack *u, size_t cell, size_t class, uint64_t *out,
                               unsigned depth)
{
    const fl_layout *l = &u->layout;
    size_t count = fl_unpack_class_rows(u, class);
    if (fl_unpack_told(u, cell, u->rows + u->first[class], count, out))
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
        uint64_t power = fl_layout_power(source->scale);
        status = find_cell(u, source->cell, class, out, depth + 1);
        for (size_t i = 0; status == FLOWAN_OK && i < count; i++)
            out[i] /= power;
        return status;
    }
    case FL_SOURCE_STREAM: {
        uint64_t power = fl_layout_power(source->scale);
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
    return fl_unpack_class_rows(u, class) ? find_cell(u, cell, class, out, 0)
                                          : FLOWAN_OK;
}
