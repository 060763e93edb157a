/* Streams, and the cells of classes that are drawn from them. */
#include <stdlib.h>
#include <string.h>

#include "status.h"
#include "tables.h"
#include "unpack.h"

enum {
    BUDGET_PER_CELL = 16,
    SPARSE_SHARE = 2048 /* fewer of an array's numbers touch few of its pages */
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

/* By class, then by stream, each with the order of the one before kept. */
static void sort_uses(const fl_unpack_use *in, fl_unpack_use *out, size_t count,
                      bool stream, uint32_t *next, size_t keys)
{
    memset(next, 0, (keys + 1) * sizeof *next);
    for (size_t i = 0; i < count; i++)
        next[(stream ? in[i].stream : in[i].class) + 1]++;
    for (size_t i = 0; i < keys; i++)
        next[i + 1] += next[i];
    for (size_t i = 0; i < count; i++)
        out[next[stream ? in[i].stream : in[i].class]++] = in[i];
}

flowan_status fl_unpack_place_uses(fl_unpack *u)
{
    const fl_layout *l = &u->layout;
    size_t keys = l->class_count > l->stream_count ? l->class_count : l->stream_count;
    u->use_count = list_uses(l, NULL);
    u->uses = fl_pool_take(u->integers.pool, u->use_count, sizeof *u->uses);
    u->streams =
        fl_pool_take_zeroed(u->integers.pool, l->stream_count, sizeof *u->streams);
    fl_unpack_use *listed =
        fl_pool_take(u->integers.pool, u->use_count, sizeof *listed);
    uint32_t *next = fl_pool_take(u->integers.pool, keys + 1, sizeof *next);
    if (!u->uses || !u->streams || !listed || !next) {
        fl_pool_give(u->integers.pool, listed);
        fl_pool_give(u->integers.pool, next);
        return fl_status_memory(u->error);
    }
    list_uses(l, u->uses);
    sort_uses(u->uses, listed, u->use_count, false, next, l->class_count);
    sort_uses(listed, u->uses, u->use_count, true, next, l->stream_count);
    fl_pool_give(u->integers.pool, listed);
    fl_pool_give(u->integers.pool, next);
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

static flowan_status find_cell(fl_unpack *u, size_t cell, size_t class,
                               const uint32_t *places, size_t count, uint64_t *out,
                               unsigned depth);
static flowan_status need_stream(fl_unpack *u, size_t number, bool whole,
                                 unsigned depth);

static bool is_wanted(const fl_unpack *u, size_t class)
{
    return !u->wanted || u->wanted->left[class] > 0;
}

/* Where only few rows of a use are wanted, where: *places, which the caller gives back;
 * NULL where all are to be read. */
static bool find_places(const fl_unpack *u, const fl_unpack_stream *s, size_t class,
                        uint32_t **places, size_t *count)
{
    size_t rows = fl_unpack_class_rows(u, class);
    *places = NULL;
    *count = rows;
    if (s->whole || !u->wanted || !fl_wanted_few(u->wanted, class, rows))
        return true;
    *places = fl_pool_take(u->integers.pool, u->wanted->left[class], sizeof **places);
    if (!*places)
        return false;
    *count = fl_wanted_places(u->wanted->masks[class], rows, *places);
    return true;
}

enum { GAP_MAX = 4 }; /* places that are rather read than passed over */

static void add_piece(fl_piece *pieces, size_t *count, size_t first, size_t end)
{
    if (*count && pieces[*count - 1].end + GAP_MAX >= first)
        pieces[*count - 1].end = end;
    else
        pieces[(*count)++] = (fl_piece){first, end};
}

/* Where the stream's numbers stand that are to be read. */
static flowan_status list_pieces(const fl_unpack *u, const fl_unpack_stream *s,
                                 bool steps, fl_piece **pieces, size_t *count)
{
    size_t most = s->use_count;
    for (size_t i = 0; i < s->use_count && u->wanted; i++) {
        size_t class = u->uses[s->first_use + i].class;
        if (fl_wanted_few(u->wanted, class, fl_unpack_class_rows(u, class)))
            most += u->wanted->left[class];
    }
    *count = 0;
    *pieces = fl_pool_take(u->integers.pool, most, sizeof **pieces);
    if (!*pieces)
        return fl_status_memory(u->error);
    for (size_t i = 0; i < s->use_count; i++) {
        const fl_unpack_use *use = &u->uses[s->first_use + i];
        size_t rows = fl_unpack_class_rows(u, use->class);
        uint32_t *places;
        size_t place_count;
        if ((!s->whole && !is_wanted(u, use->class)) || rows == 0)
            continue;
        if (!find_places(u, s, use->class, &places, &place_count))
            return fl_status_memory(u->error);
        if (!places || steps)
            add_piece(*pieces, count, use->first, use->first + rows);
        else
            for (size_t k = 0; k < place_count; k++)
                add_piece(*pieces, count, use->first + places[k],
                          use->first + places[k] + 1);
        fl_pool_give(u->integers.pool, places);
    }
    return FLOWAN_OK;
}

/* The list of a stream that is given by ranks, or the table of what hangs on those. */
static flowan_status need_list(fl_unpack *u, size_t number)
{
    fl_unpack_stream *s = &u->streams[number];
    const fl_layout_stream *info = &u->layout.streams[number];
    fl_cursor in;
    if (s->list)
        return FLOWAN_OK;
    flowan_status status = FLOWAN_OK;
    if (fl_layout_has_key(info->kind) &&
        u->layout.streams[info->key].kind == FL_STREAM_RANKS)
        status = need_list(u, info->key);
    if (status == FLOWAN_OK)
        status = fl_unpack_part(u, FL_PART_STREAMS + number, &in);
    if (status != FLOWAN_OK)
        return status;
    size_t size = in.left;
    bool sound;
    if (info->kind == FL_STREAM_RANKS) {
        sound = fl_ranks_get(&u->integers, &in, s->count, &s->list, &s->listed);
    } else {
        s->listed = u->streams[info->key].listed;
        s->list = fl_unpack_need(
            u, fl_pool_take(u->integers.pool, s->listed, sizeof *s->list));
        sound = s->list && fl_table_get(&u->integers, &in, s->list, s->listed);
    }
    s->list_bytes = size - in.left;
    if (sound)
        return FLOWAN_OK;
    fl_pool_give(u->integers.pool, s->list);
    s->list = NULL;
    return fl_unpack_damage(u, FL_PART_STREAMS + number, "stream of a block");
}

/* What stands behind the list. */
static flowan_status open_stream(fl_unpack *u, size_t number, fl_cursor *in)
{
    flowan_status status = fl_unpack_part(u, FL_PART_STREAMS + number, in);
    if (status == FLOWAN_OK)
        fl_cursor_take(in, u->streams[number].list_bytes);
    return status;
}

static bool all_below(const fl_unpack_stream *s, uint64_t limit, const fl_piece *pieces,
                      size_t count)
{
    uint64_t above = 0; /* its top bit, which vectors can keep: a maximum they cannot */
    for (size_t k = 0; k < count; k++)
        for (size_t i = pieces[k].first; i < pieces[k].end; i++)
            above |= s->numbers[i] | (limit - 1 - s->numbers[i]);
    return above >> 63 == 0;
}

/* Numbers, as they are or as ranks or steps. */
static flowan_status get_numbers(fl_unpack *u, size_t number)
{
    const fl_unpack_stream *s = &u->streams[number];
    bool ranks = u->layout.streams[number].kind == FL_STREAM_RANKS;
    bool steps = u->layout.streams[number].kind == FL_STREAM_STEPS;
    fl_piece *pieces;
    size_t count;
    fl_cursor in;
    flowan_status status = list_pieces(u, s, steps, &pieces, &count);
    if (status == FLOWAN_OK && ranks)
        status = need_list(u, number);
    if (status == FLOWAN_OK)
        status = open_stream(u, number, &in);
    if (status == FLOWAN_OK &&
        (!fl_integers_get_pieces(&u->integers, &in, s->numbers, s->count, pieces,
                                 count) ||
         in.left != 0 || (ranks && !all_below(s, s->listed, pieces, count))))
        status = fl_unpack_damage(u, FL_PART_STREAMS + number, "stream of a block");
    fl_pool_give(u->integers.pool, pieces);
    return status;
}

/* In order of rows: each number is told from that of the last row of its conversation, or
 * of the row before where that is its first. */
static flowan_status get_talk_steps(fl_unpack *u, size_t number, unsigned depth)
{
    const fl_layout *l = &u->layout;
    fl_unpack_stream *s = &u->streams[number];
    const fl_unpack_stream *key = &u->streams[l->streams[number].key];
    flowan_status status = need_stream(u, l->streams[number].key, true, depth);
    if (status != FLOWAN_OK)
        return status;
    const uint64_t **talks =
        fl_pool_take_zeroed(u->integers.pool, l->class_count, sizeof(uint64_t *));
    uint64_t **next =
        fl_pool_take_zeroed(u->integers.pool, l->class_count, sizeof(uint64_t *));
    uint64_t *steps = fl_pool_take(u->integers.pool, s->count, sizeof *steps);
    uint64_t *last = fl_pool_take(u->integers.pool, key->listed, sizeof *last);
    uint8_t *seen = fl_pool_take_zeroed(u->integers.pool, key->listed, 1);
    fl_cursor in = {0};
    if (!talks || !next || !steps || !last || !seen)
        status = fl_status_memory(u->error);
    else
        status = fl_unpack_part(u, FL_PART_STREAMS + number, &in);
    bool sound = status == FLOWAN_OK &&
                 fl_integers_get(&u->integers, &in, steps, s->count) && in.left == 0;
    for (size_t i = 0; sound && i < s->use_count; i++) {
        const fl_unpack_use *use = &u->uses[s->first_use + i];
        const fl_unpack_use *of_key = find_use(u, l->streams[number].key, use->class);
        sound = of_key != NULL;
        next[use->class] = s->numbers + use->first;
        talks[use->class] = sound ? key->numbers + of_key->first : NULL;
    }
    size_t place = 0;
    uint64_t before = 0;
    for (size_t row = 0; sound && row < l->rows; row++) {
        size_t class = u->class_of_row[row];
        if (!next[class])
            continue;
        uint64_t talk = *talks[class]++;
        before = steps[place++] + (seen[talk] ? last[talk] : before);
        *next[class]++ = last[talk] = before;
        seen[talk] = 1;
    }
    fl_pool_give(u->integers.pool, talks);
    fl_pool_give(u->integers.pool, next);
    fl_pool_give(u->integers.pool, steps);
    fl_pool_give(u->integers.pool, last);
    fl_pool_give(u->integers.pool, seen);
    if (status == FLOWAN_OK && !sound)
        status = fl_unpack_damage(u, FL_PART_STREAMS + number, "stream of a block");
    return status;
}

/* What the key's ranks are in a use's rows; NULL when the class does not draw from it. */
static const uint64_t *key_ranks(const fl_unpack *u, size_t number,
                                 const fl_unpack_use *use)
{
    size_t key = u->layout.streams[number].key;
    const fl_unpack_use *of_key = find_use(u, key, use->class);
    return of_key ? u->streams[key].numbers + of_key->first : NULL;
}

/* The rows of a use that are to be read. */
typedef struct some_rows {
    uint32_t *places; /* NULL: all */
    size_t count;     /* 0: none */
} some_rows;

static bool begin_rows(fl_unpack *u, const fl_unpack_stream *s,
                       const fl_unpack_use *use, some_rows *rows)
{
    *rows = (some_rows){NULL, 0};
    if ((!s->whole && !is_wanted(u, use->class)) ||
        find_places(u, s, use->class, &rows->places, &rows->count))
        return true;
    u->integers.no_memory = true;
    return false;
}

static void end_rows(fl_unpack *u, some_rows *rows)
{
    fl_pool_give(u->integers.pool, rows->places);
}

/* Which of a stream's distances are to be read. A row has one where its rank has a base in
 * the table. */
static bool list_distances(fl_unpack *u, size_t number, fl_piece *pieces,
                           size_t *piece_count, size_t *count)
{
    const fl_unpack_stream *s = &u->streams[number];
    for (size_t i = 0; i < s->use_count; i++) {
        const fl_unpack_use *use = &u->uses[s->first_use + i];
        const uint64_t *ranks = key_ranks(u, number, use);
        size_t all = fl_unpack_class_rows(u, use->class);
        size_t first = *count;
        some_rows rows;
        if (!ranks || !begin_rows(u, s, use, &rows))
            return false;
        size_t next = 0;
        for (size_t k = 0; rows.places && k < all; k++) {
            bool has = s->list[ranks[k]] != 0;
            bool wanted = next < rows.count && rows.places[next] == k;
            if (has && wanted)
                add_piece(pieces, piece_count, *count, *count + 1);
            next += wanted;
            *count += has;
        }
        for (size_t k = 0; !rows.places && k < all; k++)
            *count += s->list[ranks[k]] != 0;
        if (!rows.places && rows.count > 0 && *count > first)
            add_piece(pieces, piece_count, first, *count);
        end_rows(u, &rows);
    }
    return true;
}

/* Bases and what is added, for some rows of a use; where there is no base the number is
 * that of the source's other cell. `distance` is at the use's first. */
static flowan_status add_bases(fl_unpack *u, size_t number, const fl_unpack_use *use,
                               const some_rows *rows, const uint64_t **distance,
                               unsigned depth)
{
    const fl_layout *l = &u->layout;
    const fl_unpack_stream *s = &u->streams[number];
    const fl_source *source =
        &l->sources[fl_layout_entry_of(l, use->cell, use->class)->source];
    const uint64_t *ranks = key_ranks(u, number, use);
    size_t all = fl_unpack_class_rows(u, use->class);
    uint64_t *numbers = s->numbers + use->first;
    if (source->op != FL_SOURCE_STREAM)
        return fl_unpack_damage(u, FL_PART_STREAMS + number, "stream of a block");
    uint64_t *others = numbers;
    if (rows->places) {
        others = fl_pool_take(u->integers.pool, rows->count, sizeof *others);
        if (!others)
            return fl_status_memory(u->error);
    }
    flowan_status status = FLOWAN_OK;
    if (rows->count > 0)
        status = find_cell(u, source->cell, use->class, rows->places, rows->count,
                           others, depth + 1);
    size_t next = 0;
    for (size_t k = 0; status == FLOWAN_OK && k < all; k++) {
        uint64_t base = s->list[ranks[k]];
        bool wanted = rows->places ? next < rows->count && rows->places[next] == k
                                   : rows->count > 0;
        if (wanted && base)
            numbers[k] = base - 1 + **distance;
        else if (wanted)
            numbers[k] = others[rows->places ? next : k];
        next += wanted;
        *distance += base != 0;
    }
    if (rows->places)
        fl_pool_give(u->integers.pool, others);
    return status;
}

static flowan_status add_distances(fl_unpack *u, size_t number, unsigned depth)
{
    const fl_unpack_stream *s = &u->streams[number];
    fl_piece *pieces = fl_pool_take(s->pool, s->count + 1, sizeof *pieces);
    uint64_t *distances = fl_pool_take(s->pool, s->count + 1, sizeof *distances);
    size_t piece_count = 0;
    size_t count = 0;
    fl_cursor in;
    flowan_status status =
        pieces && distances ? open_stream(u, number, &in) : fl_status_memory(u->error);
    if (status == FLOWAN_OK &&
        (!list_distances(u, number, pieces, &piece_count, &count) ||
         !fl_integers_get_pieces(&u->integers, &in, distances, count, pieces,
                                 piece_count) ||
         in.left != 0))
        status = fl_unpack_damage(u, FL_PART_STREAMS + number, "stream of a block");
    const uint64_t *distance = distances;
    for (size_t i = 0; status == FLOWAN_OK && i < s->use_count; i++) {
        const fl_unpack_use *use = &u->uses[s->first_use + i];
        some_rows rows;
        if (!begin_rows(u, s, use, &rows))
            status = fl_status_memory(u->error);
        else
            status = add_bases(u, number, use, &rows, &distance, depth);
        end_rows(u, &rows);
    }
    fl_pool_give(s->pool, pieces);
    fl_pool_give(s->pool, distances);
    return status;
}

/* The numbers that the key's ranks have in the table. */
static bool hang(fl_unpack *u, size_t number)
{
    const fl_unpack_stream *s = &u->streams[number];
    for (size_t i = 0; i < s->use_count; i++) {
        const fl_unpack_use *use = &u->uses[s->first_use + i];
        const uint64_t *ranks = key_ranks(u, number, use);
        uint64_t *numbers = s->numbers + use->first;
        some_rows rows;
        if (!ranks || !begin_rows(u, s, use, &rows))
            return false;
        for (size_t k = 0; rows.places && k < rows.count; k++)
            numbers[rows.places[k]] = s->list[ranks[rows.places[k]]];
        for (size_t k = 0; !rows.places && k < rows.count; k++)
            numbers[k] = s->list[ranks[k]];
        end_rows(u, &rows);
    }
    return true;
}

static flowan_status get_keyed(fl_unpack *u, size_t number, unsigned depth)
{
    const fl_unpack_stream *s = &u->streams[number];
    const fl_layout_stream *info = &u->layout.streams[number];
    bool offset = info->kind == FL_STREAM_OFFSET;
    flowan_status status = need_stream(u, info->key, s->whole || offset, depth);
    if (status == FLOWAN_OK)
        status = need_list(u, number);
    if (status != FLOWAN_OK || offset)
        return status == FLOWAN_OK ? add_distances(u, number, depth) : status;
    fl_cursor in;
    status = open_stream(u, number, &in);
    if (status == FLOWAN_OK &&
        (!hang(u, number) ||
         !fl_table_get_exceptions(&u->integers, &in, s->numbers, s->count) ||
         in.left != 0))
        status = fl_unpack_damage(u, FL_PART_STREAMS + number, "stream of a block");
    return status;
}

/* --- what a stream can have --- */

flowan_status fl_unpack_values(fl_unpack *u, size_t number, fl_unpack_list *out)
{
    const fl_layout_stream *info = &u->layout.streams[number];
    const fl_unpack_stream *s = &u->streams[number];
    *out = (fl_unpack_list){0};
    bool keyed = info->kind == FL_STREAM_KEYED &&
                 u->layout.streams[info->key].kind == FL_STREAM_RANKS;
    if (!keyed && info->kind != FL_STREAM_RANKS)
        return FLOWAN_OK;
    flowan_status status = need_list(u, number);
    if (status != FLOWAN_OK)
        return status;
    out->values = s->list;
    out->count = s->listed;
    fl_cursor in;
    if (keyed)
        status = open_stream(u, number, &in);
    if (status == FLOWAN_OK && keyed &&
        !fl_table_get_others(&u->integers, &in, s->count, &out->others,
                             &out->other_count))
        status = fl_unpack_damage(u, FL_PART_STREAMS + number, "stream of a block");
    return status;
}

void fl_unpack_forget(fl_unpack *u, fl_unpack_stream *s)
{
    if (s->numbers)
        u->cached -= s->count;
    fl_pool_give(s->pool, s->numbers);
    fl_pool_give(u->integers.pool, s->list);
    s->numbers = s->list = NULL;
}

/* --- what is still needed --- */

static void mark_stream(const fl_unpack *u, size_t stream, uint8_t *needed)
{
    needed[stream] = 1;
    if (fl_layout_has_key(u->layout.streams[stream].kind))
        needed[u->layout.streams[stream].key] = 1;
}

static void mark_cell(const fl_unpack *u, size_t cell, size_t class, uint8_t *needed,
                      unsigned depth)
{
    const fl_layout_entry *entry = fl_layout_entry_of(&u->layout, cell, class);
    if (!entry || depth == FL_LAYOUT_DEPTH_MAX)
        return;
    const fl_source *source = &u->layout.sources[entry->source];
    if (draws(source))
        mark_stream(u, source->stream, needed);
    if (source->second)
        mark_stream(u, source->second - 1U, needed);
    if (source->op != FL_SOURCE_CONSTANT)
        mark_cell(u, source->cell, class, needed, depth + 1);
}

bool fl_unpack_keep(fl_unpack *u, const uint8_t *cells)
{
    const fl_layout *l = &u->layout;
    uint8_t *needed = fl_pool_take_zeroed(u->integers.pool, l->stream_count, 1);
    if (!needed)
        return false;
    for (size_t c = 0; c < l->cell_count; c++)
        for (size_t i = l->first_entry[c]; cells[c] && i < l->first_entry[c + 1]; i++)
            if (is_wanted(u, l->entries[i].class))
                mark_cell(u, c, l->entries[i].class, needed, 0);
    for (size_t i = 0; u->streams && i < l->stream_count; i++)
        if (!needed[i])
            fl_unpack_forget(u, &u->streams[i]);
    fl_pool_give(u->integers.pool, needed);
    return true;
}

/* Conversations, as they are numbered: rows in order say how far back the last one of
 * theirs is, and the next number is that of one that has none. */
static flowan_status get_talks(fl_unpack *u, size_t number, fl_cursor *in)
{
    const fl_layout *l = &u->layout;
    fl_unpack_stream *s = &u->streams[number];
    fl_pool *pool = u->integers.pool;
    uint32_t *next = fl_pool_take(pool, l->class_count, sizeof *next);
    uint64_t *talks = fl_pool_take(pool, s->count, sizeof *talks);
    if (!next || !talks) {
        fl_pool_give(pool, next);
        fl_pool_give(pool, talks);
        return fl_status_memory(u->error);
    }
    for (size_t i = 0; i < s->use_count; i++)
        next[u->uses[s->first_use + i].class] = u->uses[s->first_use + i].first;
    bool sound = fl_integers_get(&u->integers, in, talks, s->count) && in->left == 0;
    size_t listed = 0;
    for (size_t i = 0; sound && i < s->count; i++) {
        sound = talks[i] <= i;
        if (sound)
            talks[i] = talks[i] ? talks[i - talks[i]] : listed++;
    }
    size_t place = 0;
    for (size_t row = 0; sound && row < l->rows; row++)
        if (l->class_talks[u->class_of_row[row]])
            s->numbers[next[u->class_of_row[row]]++] = talks[place++];
    s->listed = listed;
    fl_pool_give(pool, next);
    fl_pool_give(pool, talks);
    return sound ? FLOWAN_OK
                 : fl_unpack_damage(u, FL_PART_STREAMS + number, "stream of a block");
}

static void add_up(const fl_unpack *u, fl_unpack_stream *s)
{
    for (size_t i = 0; i < s->use_count; i++) {
        const fl_unpack_use *use = &u->uses[s->first_use + i];
        uint64_t *numbers = s->numbers + use->first;
        size_t count = fl_unpack_class_rows(u, use->class);
        if (!s->whole && !is_wanted(u, use->class))
            continue;
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

static flowan_status fill_stream(fl_unpack *u, size_t number, unsigned depth)
{
    fl_stream_kind kind = u->layout.streams[number].kind;
    fl_cursor in;
    flowan_status status;
    if (kind == FL_STREAM_TALK_STEPS || kind == FL_STREAM_TALKS) {
        status = fl_unpack_row_classes(u);
        if (status == FLOWAN_OK && kind == FL_STREAM_TALK_STEPS)
            return get_talk_steps(u, number, depth);
        if (status != FLOWAN_OK)
            return status;
    }
    if (fl_layout_has_key(kind))
        return get_keyed(u, number, depth);
    if (kind == FL_STREAM_TALKS) {
        status = fl_unpack_part(u, FL_PART_STREAMS + number, &in);
        return status == FLOWAN_OK ? get_talks(u, number, &in) : status;
    }
    status = get_numbers(u, number);
    if (status == FLOWAN_OK && kind == FL_STREAM_STEPS)
        add_up(u, &u->streams[number]);
    return status;
}

/* How many of a stream's numbers are wanted. */
static size_t count_wanted(const fl_unpack *u, const fl_unpack_stream *s)
{
    size_t count = 0;
    for (size_t i = 0; i < s->use_count; i++) {
        size_t class = u->uses[s->first_use + i].class;
        size_t rows = fl_unpack_class_rows(u, class);
        if (!u->wanted)
            count += rows;
        else if (is_wanted(u, class))
            count +=
                fl_wanted_few(u->wanted, class, rows) ? u->wanted->left[class] : rows;
    }
    return count;
}

static flowan_status need_stream(fl_unpack *u, size_t number, bool whole,
                                 unsigned depth)
{
    fl_unpack_stream *s = &u->streams[number];
    if (s->busy) /* a hostile file tells it from itself */
        return fl_unpack_damage(u, FL_PART_STREAMS + number, "stream of a block");
    if (s->numbers && (s->whole || !whole))
        return FLOWAN_OK;
    if (s->numbers)
        fl_unpack_forget(u, s);
    u->spent += s->count;
    if (u->spent > budget(u))
        return fl_unpack_damage(u, FL_PART_STREAMS + number, "stream of a block");
    fl_stream_kind kind = u->layout.streams[number].kind;
    size_t wanted = count_wanted(u, s);
    /* ranks may be asked for once more, by what hangs on them */
    s->whole = whole || !u->wanted || kind == FL_STREAM_TALKS ||
               kind == FL_STREAM_TALK_STEPS ||
               (kind == FL_STREAM_RANKS && wanted >= s->count / 4);
    bool sparse =
        !s->whole && kind != FL_STREAM_STEPS && wanted < s->count / SPARSE_SHARE;
    s->pool = sparse ? &u->space->sparse : u->integers.pool;
    s->numbers = fl_pool_take(s->pool, s->count, sizeof *s->numbers);
    if (!s->numbers)
        return fl_status_memory(u->error);
    s->busy = true;
    u->cached += s->count;
    flowan_status status = fill_stream(u, number, depth);
    s->busy = false;
    if (status != FLOWAN_OK)
        fl_unpack_forget(u, s);
    return status;
}

/* --- cells --- */

/* A class's numbers of a stream; borrowed. */
typedef struct drawn {
    const uint64_t *numbers;
    const uint64_t *list; /* not NULL: what the numbers are ranks of */
} drawn;

static flowan_status draw(fl_unpack *u, size_t stream, size_t class, unsigned depth,
                          drawn *out)
{
    flowan_status status = need_stream(u, stream, false, depth);
    if (status != FLOWAN_OK)
        return status;
    const fl_unpack_stream *s = &u->streams[stream];
    out->numbers = s->numbers + find_use(u, stream, class)->first;
    out->list = u->layout.streams[stream].kind == FL_STREAM_RANKS ? s->list : NULL;
    return FLOWAN_OK;
}

#define AT(i) (places ? places[i] : (i))
#define DRAWN(d, i) ((d).list ? (d).list[(d).numbers[AT(i)]] : (d).numbers[AT(i)])

static flowan_status take_number(fl_unpack *u, const fl_source *source, size_t class,
                                 const uint32_t *places, size_t count, uint64_t *out,
                                 unsigned depth)
{
    drawn numbers = {0};
    flowan_status status = draw(u, source->stream, class, depth, &numbers);
    uint64_t power = fl_layout_power(source->scale);
    if (status != FLOWAN_OK)
        return status;
    for (size_t i = 0; i < count; i++)
        out[i] = DRAWN(numbers, i) * power;
    return FLOWAN_OK;
}

static flowan_status take_relation(fl_unpack *u, const fl_source *source, size_t class,
                                   const uint32_t *places, size_t count, uint64_t *out,
                                   unsigned depth)
{
    uint64_t power = fl_layout_power(source->scale);
    drawn numbers = {0};
    drawn rest = {0};
    flowan_status status =
        find_cell(u, source->cell, class, places, count, out, depth + 1);
    if (status == FLOWAN_OK)
        status = draw(u, source->stream, class, depth, &numbers);
    if (status == FLOWAN_OK && source->second) {
        status = draw(u, source->second - 1U, class, depth, &rest);
        if (status == FLOWAN_OK) /* the second may have had the first filled anew */
            status = draw(u, source->stream, class, depth, &numbers);
    }
    if (status != FLOWAN_OK)
        return status;
    if (source->op == FL_SOURCE_BEFORE) {
        if (power == 1000000) /* milliseconds, and no division by a variable */
            for (size_t i = 0; i < count; i++)
                out[i] = (out[i] / 1000000 - DRAWN(numbers, i)) * 1000000;
        else
            for (size_t i = 0; i < count; i++)
                out[i] = (out[i] / power - DRAWN(numbers, i)) * power;
    } else if (source->second) {
        for (size_t i = 0; i < count; i++)
            out[i] = out[i] * DRAWN(numbers, i) + DRAWN(rest, i);
    } else {
        for (size_t i = 0; i < count; i++)
            out[i] *= DRAWN(numbers, i);
    }
    return FLOWAN_OK;
}

static flowan_status find_cell(fl_unpack *u, size_t cell, size_t class,
                               const uint32_t *places, size_t count, uint64_t *out,
                               unsigned depth)
{
    const fl_layout *l = &u->layout;
    if (fl_layout_is_told(l, cell))
        return fl_unpack_told(u, cell, class, places, count, out);
    const fl_layout_entry *entry =
        depth < FL_LAYOUT_DEPTH_MAX ? fl_layout_entry_of(l, cell, class) : NULL;
    if (!entry) /* the class has no such cell, or it goes round */
        return fl_reader_fail(u->reader, FLOWAN_ERROR_FORMAT, u->block,
                              "sources of a block", u->error);
    const fl_source *source = &l->sources[entry->source];
    flowan_status status;
    switch ((fl_source_op)source->op) {
    case FL_SOURCE_CONSTANT:
        for (size_t i = 0; i < count; i++)
            out[i] = entry->low;
        return FLOWAN_OK;
    case FL_SOURCE_COPY:
        return find_cell(u, source->cell, class, places, count, out, depth + 1);
    case FL_SOURCE_UNIT: {
        uint64_t power = fl_layout_power(source->scale);
        status = find_cell(u, source->cell, class, places, count, out, depth + 1);
        for (size_t i = 0; status == FLOWAN_OK && i < count; i++)
            out[i] /= power;
        return status;
    }
    case FL_SOURCE_STREAM:
        return take_number(u, source, class, places, count, out, depth);
    default: return take_relation(u, source, class, places, count, out, depth);
    }
}

#undef DRAWN
#undef AT

flowan_status fl_unpack_cell(fl_unpack *u, size_t cell, size_t class,
                             const uint32_t *places, size_t count, uint64_t *out)
{
    return count ? find_cell(u, cell, class, places, count, out, 0) : FLOWAN_OK;
}
