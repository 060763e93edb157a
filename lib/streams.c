#include "streams.h"

#include "bits.h"

/* To tell whether ranks may pay, so many numbers are looked at. */
enum { LOOK = 4096 };

int64_t fl_streams_find(fl_streams *streams, const fl_stream_name *name)
{
    bool added;
    int64_t at = fl_hash_put(&streams->names, name, sizeof *name, &added);
    if (at < 0 || at >= FL_STREAMS_MAX)
        return -1;
    if (!added)
        return at;
    if (!fl_memory_grow((void **)&streams->list, &streams->room, streams->count + 1,
                        sizeof *streams->list))
        return -1;
    streams->list[streams->count++] = (fl_stream){.key = -1};
    return at;
}

bool fl_stream_add(fl_stream *s, size_t class, const uint64_t *numbers,
                   const uint64_t *others, size_t count)
{
    if (!fl_memory_grow((void **)&s->numbers, &s->room, s->count + count,
                        sizeof *s->numbers) ||
        !fl_memory_grow((void **)&s->uses, &s->uses_room, s->use_count + 1,
                        sizeof *s->uses) ||
        (others && !fl_memory_grow((void **)&s->others, &s->others_room,
                                   s->other_count + count, sizeof *s->others)))
        return false;
    s->uses[s->use_count++] =
        (fl_stream_use){(uint32_t) class, (uint32_t)s->count, (uint32_t)count,
                        (uint32_t)s->other_count};
    memcpy(s->numbers + s->count, numbers, count * sizeof *numbers);
    s->count += count;
    if (others) {
        memcpy(s->others + s->other_count, others, count * sizeof *others);
        s->other_count += count;
    }
    return true;
}

/* --- what hangs on a key --- */

/* The key's ranks for the numbers of a stream; NULL when memory is short. */
static uint32_t *key_codes(const fl_stream *s, const fl_stream *key)
{
    uint32_t *codes = fl_memory_alloc(s->count, sizeof *codes);
    size_t at = 0;
    for (size_t i = 0; codes && i < s->use_count; i++) {
        const fl_stream_use *use = &s->uses[i];
        while (key->uses[at].class != use->class)
            at++;
        memcpy(codes + use->first, key->ranks.codes + key->uses[at].first,
               use->count * sizeof *codes);
    }
    return codes;
}

/* Whether every class that uses the stream uses the key too. */
static bool goes_with(const fl_stream *s, const fl_stream *key)
{
    size_t at = 0;
    for (size_t i = 0; i < s->use_count; i++) {
        while (at < key->use_count && key->uses[at].class < s->uses[i].class)
            at++;
        if (at == key->use_count || key->uses[at].class != s->uses[i].class)
            return false;
    }
    return true;
}

/* For each rank of the key: 0 where all its rows have the other cell's number, else one
 * more than the least number that they have. */
static bool find_bases(fl_stream *s, size_t ranks, const uint32_t *codes)
{
    uint8_t *differs = fl_memory_zalloc(ranks, 1);
    s->table = fl_memory_alloc(ranks, sizeof *s->table);
    if (!differs || !s->table) {
        fl_memory_free(differs);
        return false;
    }
    memset(s->table, 0xff, ranks * sizeof *s->table);
    for (size_t i = 0; i < s->count; i++) {
        uint64_t *least = &s->table[codes[i]];
        *least = s->numbers[i] < *least ? s->numbers[i] : *least;
        differs[codes[i]] |= s->numbers[i] != s->others[i];
    }
    for (size_t i = 0; i < ranks; i++)
        s->table[i] = differs[i] ? s->table[i] + 1 : 0;
    fl_memory_free(differs);
    return true;
}

/* The distances from the bases, where there is one. Returns how many. */
static size_t list_distances(const fl_stream *s, const uint32_t *codes, uint64_t *out)
{
    size_t count = 0;
    for (size_t i = 0; i < s->count; i++)
        if (s->table[codes[i]])
            out[count++] = s->numbers[i] - (s->table[codes[i]] - 1);
    return count;
}

/* --- choosing --- */

/* Whether numbers come again often enough for ranks to be tried. */
static bool may_rank(const fl_stream *s)
{
    fl_ranks look;
    if (s->addresses || s->is_key)
        return true;
    size_t count = s->count < LOOK ? s->count : LOOK;
    if (!fl_ranks_make(&look, s->numbers + (s->count - count) / 2, count)) {
        fl_ranks_free(&look);
        return false;
    }
    bool may = look.count <= count / 2;
    fl_ranks_free(&look);
    return may;
}

/* What each number is more than the one before it in its class. */
static void list_steps(const fl_stream *s, uint64_t *out)
{
    for (size_t i = 0; i < s->use_count; i++) {
        const fl_stream_use *use = &s->uses[i];
        const uint64_t *numbers = s->numbers + use->first;
        for (size_t k = 0; k < use->count; k++)
            out[use->first + k] = k ? numbers[k] - numbers[k - 1] : numbers[k];
    }
}

static bool settle_steps(fl_stream *s, bool pack_only, uint64_t *cost)
{
    uint64_t *steps = fl_memory_alloc(s->count, sizeof *steps);
    if (!steps)
        return false;
    list_steps(s, steps);
    uint64_t stepped = fl_integers_cost(steps, s->count, pack_only);
    if (stepped < *cost) {
        *cost = stepped;
        s->info.kind = FL_STREAM_STEPS;
    }
    fl_memory_free(steps);
    return true;
}

/* A conversation's number is its rank. */
static bool number_talks(fl_stream *s)
{
    s->info.kind = FL_STREAM_TALKS;
    s->ranks.codes = fl_memory_alloc(s->count, sizeof *s->ranks.codes);
    for (size_t i = 0; s->ranks.codes && i < s->count; i++) {
        s->ranks.codes[i] = (uint32_t)s->numbers[i];
        if (s->numbers[i] >= s->ranks.count)
            s->ranks.count = (size_t)s->numbers[i] + 1;
    }
    return s->ranks.codes != NULL;
}

/* Numbers or ranks; a key always has ranks. Gives the cost. */
static bool settle_alone(fl_stream *s, bool pack_only, uint64_t *cost)
{
    *cost = 0;
    if (s->talks)
        return number_talks(s);
    *cost = fl_integers_cost(s->numbers, s->count, pack_only);
    s->info.kind = FL_STREAM_NUMBERS;
    if (s->times && !settle_steps(s, pack_only, cost))
        return false;
    if (!may_rank(s))
        return true;
    if (!fl_ranks_make(&s->ranks, s->numbers, s->count))
        return false;
    s->ranked = true;
    uint64_t ranked = fl_ranks_cost(&s->ranks, s->count, pack_only);
    if (s->is_key || ranked < *cost) {
        s->info.kind = FL_STREAM_RANKS;
        *cost = ranked;
    }
    return true;
}

/* The stream's numbers in order of rows, as steps from the last of the same conversation,
 * or of the row before where that is its first. False when memory is short. */
static bool list_talk_steps(const fl_streams *streams, const fl_stream *s,
                            const uint32_t *codes, size_t talks, uint64_t *out)
{
    uint32_t *place = fl_memory_zalloc(streams->rows, sizeof *place);
    uint64_t *last = fl_memory_alloc(talks, sizeof *last);
    uint8_t *seen = fl_memory_zalloc(talks, 1);
    bool sound = place && last && seen;
    for (size_t i = 0; sound && i < s->use_count; i++) {
        const fl_stream_use *use = &s->uses[i];
        const uint32_t *rows = streams->class_rows + streams->first_row[use->class];
        for (uint32_t k = 0; k < use->count; k++)
            place[rows[k]] = use->first + k + 1;
    }
    size_t next = 0;
    uint64_t before = 0;
    for (size_t row = 0; sound && row < streams->rows; row++) {
        if (!place[row])
            continue;
        uint64_t number = s->numbers[place[row] - 1];
        uint32_t talk = codes[place[row] - 1];
        out[next++] = number - (seen[talk] ? last[talk] : before);
        seen[talk] = 1;
        last[talk] = before = number;
    }
    fl_memory_free(place);
    fl_memory_free(last);
    fl_memory_free(seen);
    return sound;
}

/* Whether it is cheaper to store the stream by its key: then it is. */
static bool settle_keyed(const fl_streams *streams, fl_stream *s, uint64_t alone)
{
    const fl_stream *key = &streams->list[s->key];
    bool pack_only = streams->pack_only;
    uint32_t *codes = key_codes(s, key);
    uint64_t *distances = fl_memory_alloc(s->count, sizeof *distances);
    bool sound = codes && distances;
    if (sound && s->talk_steps) {
        sound = list_talk_steps(streams, s, codes, key->ranks.count, distances);
        if (sound && fl_integers_cost(distances, s->count, pack_only) < alone)
            s->info.kind = FL_STREAM_TALK_STEPS;
        goto out;
    }
    if (sound && s->offsets)
        sound = find_bases(s, key->ranks.count, codes);
    else if (sound)
        s->table = fl_table_vote(s->numbers, codes, s->count, key->ranks.count);
    sound = sound && s->table;
    if (sound) {
        uint64_t cost = fl_table_cost(s->table, key->ranks.count, pack_only);
        if (s->offsets) {
            size_t count = list_distances(s, codes, distances);
            cost += fl_integers_cost(distances, count, pack_only);
        } else {
            size_t exceptions =
                fl_table_exceptions(s->table, s->numbers, codes, s->count);
            cost += fl_table_exceptions_cost(exceptions, s->count);
        }
        if (cost < alone)
            s->info.kind = s->offsets ? FL_STREAM_OFFSET : FL_STREAM_KEYED;
    }
out:
    fl_memory_free(codes);
    fl_memory_free(distances);
    return sound;
}

bool fl_streams_settle(fl_streams *streams)
{
    for (size_t i = 0; i < streams->count; i++) {
        fl_stream *s = &streams->list[i];
        if (s->key >= 0 && s->count > 0 && goes_with(s, &streams->list[s->key]))
            streams->list[s->key].is_key = true;
        else
            s->key = -1;
    }
    /* keys hang on nothing, and are needed first */
    for (size_t i = 0; i < streams->count; i++) {
        fl_stream *s = &streams->list[i];
        uint64_t cost;
        if (s->is_key && (s->key = -1, !settle_alone(s, streams->pack_only, &cost)))
            return false;
    }
    for (size_t i = 0; i < streams->count; i++) {
        fl_stream *s = &streams->list[i];
        uint64_t cost;
        if (s->is_key)
            continue;
        if (!settle_alone(s, streams->pack_only, &cost) ||
            (s->key >= 0 && !settle_keyed(streams, s, cost)))
            return false;
        s->info.key = fl_layout_has_key(s->info.kind) ? (uint16_t)s->key : 0;
    }
    return true;
}

/* --- writing --- */

static void put_keyed(const fl_streams *streams, const fl_stream *s,
                      fl_integers *integers, fl_buffer *out)
{
    const fl_stream *key = &streams->list[s->info.key];
    uint32_t *codes = key_codes(s, key);
    uint64_t *distances = fl_memory_alloc(s->count, sizeof *distances);
    if (!codes || !distances) {
        out->failed = true;
    } else if (s->info.kind == FL_STREAM_TALK_STEPS) {
        if (!list_talk_steps(streams, s, codes, key->ranks.count, distances))
            out->failed = true;
        else
            fl_integers_put(integers, out, distances, s->count, NULL, 0);
    } else {
        fl_table_put(integers, out, s->table, key->ranks.count);
        if (s->offsets)
            fl_integers_put(integers, out, distances,
                            list_distances(s, codes, distances), NULL, 0);
        else
            fl_table_put_exceptions(integers, out, s->table, s->numbers, codes,
                                    s->count);
    }
    fl_memory_free(codes);
    fl_memory_free(distances);
}

void fl_stream_put(const fl_streams *streams, size_t number, fl_integers *integers,
                   fl_buffer *out)
{
    const fl_stream *s = &streams->list[number];
    if (s->count == 0) /* it was made ready, and no class needed it */
        return;
    if (fl_layout_has_key(s->info.kind)) {
        put_keyed(streams, s, integers, out);
        return;
    }
    if (s->info.kind == FL_STREAM_TALKS) {
        fl_integers_put(integers, out, s->others, s->other_count, NULL, 0);
        return;
    }
    uint32_t *cuts = fl_memory_alloc(s->use_count, sizeof *cuts);
    uint64_t *codes = s->info.kind == FL_STREAM_NUMBERS
                          ? s->numbers
                          : fl_memory_alloc(s->count, sizeof *codes);
    if (!cuts || !codes)
        out->failed = true;
    for (size_t i = 0; cuts && i < s->use_count; i++)
        cuts[i] = s->uses[i].first + s->uses[i].count;
    if (s->info.kind == FL_STREAM_RANKS && codes) {
        fl_ranks_put(&s->ranks, integers, out);
        for (size_t i = 0; i < s->count; i++)
            codes[i] = s->ranks.codes[i];
    }
    if (s->info.kind == FL_STREAM_STEPS && codes)
        list_steps(s, codes);
    if (!out->failed)
        fl_integers_put(integers, out, codes, s->count, cuts, s->use_count);
    if (s->info.kind != FL_STREAM_NUMBERS)
        fl_memory_free(codes);
    fl_memory_free(cuts);
}

void fl_streams_free(fl_streams *streams)
{
    for (size_t i = 0; i < streams->count; i++) {
        fl_stream *s = &streams->list[i];
        fl_memory_free(s->numbers);
        fl_memory_free(s->others);
        fl_memory_free(s->uses);
        fl_memory_free(s->table);
        fl_ranks_free(&s->ranks);
    }
    fl_memory_free(streams->list);
    fl_hash_free(&streams->names);
}
