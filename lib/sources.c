#include "sources.h"

#include "bounds.h"

#include "bits.h"
#include "traits.h"

/* So many numbers are looked at to choose between two ways to write them. */
enum { LOOK = 1024, PROBES = 8 };

/* A reader refuses a cell that is told over more than three others. Times are told over
 * each other only (a start by an end, an end by a receipt), an offset over a port that is
 * at most a copy: so heights are known before the cell itself is. */
enum { HEIGHT_MAX = 3, HEIGHT_TIME = 2, HEIGHT_OFFSET = 2 };

/* Services that are looked at, and rows that make one a group. */
enum { GROUPS_MAX = 64, GROUP_ROWS = 4096 };

/* What is known of an entry before its source is found. */
enum { ENTRY_NEW = 0, ENTRY_CONSTANT = 1, ENTRY_VARIES = 2 };

/* What streams are for. */
enum {
    STREAM_CELL = 1,
    STREAM_HALF,
    STREAM_BEFORE,
    STREAM_TIMES,
    STREAM_REST,
    STREAM_ADDRESS,
    STREAM_PORT,
    STREAM_HANGING,
    STREAM_TALK,
    STREAM_TALKS,
    STREAM_TALK_TIME
};

/* Slots of cells whose stream the class has taken from already. */
enum { SLOT_SECOND = 1, SLOT_ADDRESS = 99 };

typedef struct finder {
    fl_layout *layout;
    fl_streams *streams;
    const fl_slice *slice;
    const fl_classes *classes;
    const fl_runs *runs;
    const fl_ends *ends;
    const fl_talks *talks;
    int64_t talk_stream; /* of conversations, or -1 */
    uint32_t *renumbered; /* conversation → as it comes first among those in use, + 1 */
    uint32_t *last;       /* per conversation: a row of the class at hand, + 1 */
    uint8_t *groups;      /* per class; 0: of the rest */
    uint16_t *order;      /* of cells */
    uint8_t *told;        /* per cell: once a run or a label, not by class */
    size_t *next;         /* per cell: its next entry */
    fl_hash sources;
    size_t sources_room;
    /* the class at hand */
    size_t class;
    const uint32_t *rows;
    size_t count;
    uint64_t *numbers; /* of the cell at hand */
    uint64_t *other;
    uint64_t *more;
    fl_source *found;         /* per cell */
    uint8_t *heights;         /* per cell: others that it is told over, at the most */
    int64_t *address_streams; /* per slot and family: its stream in this class, or -1 */
} finder;

static bool has_cell(const finder *f, const fl_cell *cell)
{
    return fl_slice_has(f->slice, f->classes->shapes[f->class], cell->number);
}

static size_t number_of(const finder *f, const fl_cell *cell)
{
    return (size_t)(cell - f->slice->cells);
}

static void gather(const finder *f, const fl_cell *cell, uint64_t *out)
{
    fl_cell_gather(f->slice, cell, f->rows, f->count, out);
}

/* The cell of a field in this class; NULL when it has none. */
static const fl_cell *find_cell(const finder *f, int field)
{
    for (size_t i = 0; i < f->slice->cell_count; i++)
        if (f->slice->cells[i].column->field == field &&
            has_cell(f, &f->slice->cells[i]))
            return &f->slice->cells[i];
    return NULL;
}

/* --- sources --- */

/* Whether the cell has the other one's number in all rows. */
static bool is_copy(finder *f, const fl_cell *from)
{
    for (size_t i = 0; i < PROBES; i++) {
        size_t at = i * f->count / PROBES;
        uint64_t number;
        fl_cell_gather(f->slice, from, &f->rows[at], 1, &number);
        if (number != f->numbers[at])
            return false;
    }
    gather(f, from, f->other);
    return memcmp(f->numbers, f->other, f->count * sizeof *f->numbers) == 0;
}

static bool may_copy(const fl_cell *cell, const fl_cell *from)
{
    return cell->form == from->form && cell->form != FL_CELL_CODE &&
           cell->column->type == from->column->type;
}

static bool find_copy(finder *f, size_t rank, fl_source *out)
{
    const fl_cell *cell = &f->slice->cells[f->order[rank]];
    for (size_t i = 0; i < rank; i++) {
        const fl_cell *from = &f->slice->cells[f->order[i]];
        bool varies =
            f->told[f->order[i]] || f->found[f->order[i]].op != FL_SOURCE_CONSTANT;
        if (!may_copy(cell, from) || !has_cell(f, from) || !varies ||
            f->heights[f->order[i]] >= HEIGHT_MAX || !is_copy(f, from))
            continue;
        /* of what is a copy itself, the first */
        *out = !f->told[f->order[i]] && f->found[f->order[i]].op == FL_SOURCE_COPY
                   ? f->found[f->order[i]]
                   : (fl_source){.op = FL_SOURCE_COPY, .cell = f->order[i]};
        return true;
    }
    return false;
}

/* Streams of which nothing hangs on others are one for each group of classes. */
static fl_stream *stream_of(finder *f, const fl_stream_name *name, uint16_t *number)
{
    fl_stream_name own = *name;
    bool shared = own.key != 0 || own.what == STREAM_ADDRESS ||
                  own.what == STREAM_HALF || own.slot == SLOT_ADDRESS;
    own.group = shared ? 0 : f->groups[f->class];
    int64_t at = fl_streams_find(f->streams, &own);
    if (at < 0)
        return NULL;
    *number = (uint16_t)at;
    return &f->streams->list[at];
}

/* A class takes of a stream once. */
static bool is_taken(const finder *f, const fl_stream *stream)
{
    return stream->use_count > 0 &&
           stream->uses[stream->use_count - 1].class == f->class;
}

/* Of the first numbers, not all: the choice is for the class, and only about size. */
static bool is_cheaper(const finder *f, const uint64_t *a, const uint64_t *b)
{
    size_t count = f->count < LOOK ? f->count : LOOK;
    bool pack_only = f->streams->pack_only;
    return fl_integers_cost(a, count, pack_only) <
           fl_integers_cost(b, count, pack_only);
}

static bool in_talks(const finder *f)
{
    return f->talk_stream >= 0 && f->classes->talks[f->class] != FL_TALK_NONE;
}

/* Whether times are better told by those of their conversation's last row than as they are
 * in f->numbers; f->more has the times themselves. */
static bool steps_by_talk(finder *f)
{
    const uint32_t *of_row = f->talks->of_row;
    uint64_t before = 0;
    for (size_t i = 0; i < f->count; i++) {
        uint32_t *last = &f->last[of_row[f->rows[i]]];
        f->other[i] = f->more[i] - (*last ? f->more[*last - 1] : before);
        *last = (uint32_t)i + 1;
        before = f->more[i];
    }
    for (size_t i = 0; i < f->count; i++)
        f->last[of_row[f->rows[i]]] = 0;
    return is_cheaper(f, f->other, f->numbers);
}

/* A time: by how much it lies before another one, in the unit that its exporter counts in. */
static bool find_time(finder *f, const fl_cell *cell, fl_source *out)
{
    int field = cell->column->field;
    int from = field == FLOWAN_FIELD_TIME_FLOW_END_NS ? FLOWAN_FIELD_TIME_RECEIVED_NS
               : field == FLOWAN_FIELD_TIME_FLOW_START_NS
                   ? FLOWAN_FIELD_TIME_FLOW_END_NS
                   : -1;
    const fl_cell *later = from < 0 ? NULL : find_cell(f, from);
    if (!later && field == FLOWAN_FIELD_TIME_FLOW_START_NS)
        later = find_cell(f, FLOWAN_FIELD_TIME_RECEIVED_NS);
    out->op = FL_SOURCE_STREAM;
    out->scale = (uint8_t)fl_layout_scale(f->numbers, f->count);
    uint64_t power = fl_layout_power(out->scale);
    for (size_t i = 0; i < f->count; i++)
        f->more[i] = f->numbers[i] /= power;
    if (later) {
        gather(f, later, f->other);
        for (size_t i = 0; i < f->count; i++)
            f->other[i] = f->other[i] / power - f->numbers[i];
        if (is_cheaper(f, f->other, f->numbers)) {
            out->op = FL_SOURCE_BEFORE;
            out->cell = (uint16_t)number_of(f, later);
            memcpy(f->numbers, f->other, f->count * sizeof *f->numbers);
        }
    }
    bool steps = in_talks(f) && steps_by_talk(f);
    if (steps && out->op == FL_SOURCE_BEFORE) {
        /* what was put in its place is not needed */
        memcpy(f->numbers, f->more, f->count * sizeof *f->numbers);
        out->op = FL_SOURCE_STREAM;
        out->cell = 0;
    }
    fl_stream_name name = {out->op == FL_SOURCE_BEFORE ? STREAM_BEFORE : STREAM_CELL,
                           (uint32_t)number_of(f, cell), out->scale, 0, 0};
    if (steps)
        name = (fl_stream_name){STREAM_TALK_TIME, name.cell, name.slot,
                                (uint32_t)f->talk_stream + 1, 0};
    fl_stream *stream = stream_of(f, &name, &out->stream);
    if (!stream)
        return false;
    stream->times = true;
    stream->talk_steps = steps;
    stream->key = steps ? f->talk_stream : -1;
    return fl_stream_add(stream, f->class, f->numbers, NULL, f->count);
}

/* A time of the record in another unit, under a key of the user's. */
static bool find_unit(finder *f, const fl_cell *cell, fl_source *out)
{
    if (cell->form != FL_CELL_U64 || cell->column->field >= 0)
        return false;
    for (size_t c = 0; c < f->slice->cell_count; c++) {
        const fl_cell *time = &f->slice->cells[c];
        if (time->column->type != FLOWAN_TYPE_TIME || !has_cell(f, time))
            continue;
        gather(f, time, f->other);
        for (unsigned scale = 3; scale <= FL_LAYOUT_SCALE_MAX; scale += 3) {
            uint64_t power = fl_layout_power(scale);
            size_t at = 0;
            while (at < f->count && f->numbers[at] == f->other[at] / power)
                at++;
            if (at < f->count)
                continue;
            *out = (fl_source){
                .op = FL_SOURCE_UNIT, .scale = (uint8_t)scale, .cell = (uint16_t)c};
            return true;
        }
    }
    return false;
}

/* Octets by packets: packets of a flow are often of one size. */
static bool find_bytes(finder *f, const fl_cell *cell, fl_source *out)
{
    const fl_cell *packets = find_cell(f, FLOWAN_FIELD_PACKETS);
    bool divides = packets != NULL;
    bool rest = false;
    if (packets)
        gather(f, packets, f->other);
    for (size_t i = 0; divides && i < f->count; i++) {
        divides = f->other[i] != 0;
        if (divides) {
            f->more[i] = f->numbers[i] % f->other[i];
            f->other[i] = f->numbers[i] / f->other[i];
            rest |= f->more[i] != 0;
        }
    }
    uint32_t number = (uint32_t)number_of(f, cell);
    size_t look = f->count < LOOK ? f->count : LOOK;
    uint64_t alone = fl_integers_cost(f->numbers, look, f->streams->pack_only);
    if (divides)
        divides =
            fl_integers_cost(f->other, look, f->streams->pack_only) +
                (rest ? fl_integers_cost(f->more, look, f->streams->pack_only) : 0) <
            alone;
    if (!divides) {
        fl_stream_name name = {.what = STREAM_CELL, .cell = number};
        out->op = FL_SOURCE_STREAM;
        fl_stream *stream = stream_of(f, &name, &out->stream);
        return stream && fl_stream_add(stream, f->class, f->numbers, NULL, f->count);
    }
    fl_stream_name name = {.what = STREAM_TIMES, .cell = number};
    out->op = FL_SOURCE_TIMES;
    out->cell = (uint16_t)number_of(f, packets);
    fl_stream *stream = stream_of(f, &name, &out->stream);
    if (!stream || !fl_stream_add(stream, f->class, f->other, NULL, f->count))
        return false;
    if (!rest)
        return true;
    name.what = STREAM_REST;
    uint16_t second = 0;
    stream = stream_of(f, &name, &second);
    out->second = (uint16_t)(second + 1);
    return stream && second < FL_STREAMS_MAX &&
           fl_stream_add(stream, f->class, f->more, NULL, f->count);
}

static int64_t *address_stream(finder *f, size_t family, size_t slot)
{
    return &f->address_streams[family * FL_ENDS + slot];
}

/* The stream in this class of the addresses that those of a slot hang on, + 1; 0: none. */
static uint32_t key_of_slot(finder *f, size_t family, size_t slot)
{
    uint8_t key = f->ends->key_of[family][slot];
    if (key == FL_ENDS_NO_KEY)
        return 0;
    return (uint32_t)(*address_stream(f, family, key) + 1);
}

/* Streams are made before their key's are filled: all of a class's addresses get theirs
 * first. */
static bool name_address_streams(finder *f)
{
    const fl_end *ends = f->ends->of_class[f->class];
    for (size_t i = 0; i < FL_ENDS_FAMILIES * FL_ENDS; i++)
        f->address_streams[i] = -1;
    for (int hanging = 0; hanging < 2; hanging++)
        for (size_t e = 0; e < FL_ENDS; e++) {
            if (!ends[e].key || ends[e].copied)
                continue;
            uint8_t key = f->ends->key_of[ends[e].family][ends[e].slot];
            bool hangs = key != FL_ENDS_NO_KEY;
            if (hangs != (hanging == 1))
                continue;
            bool apart = f->ends->apart[ends[e].family][ends[e].slot];
            uint32_t parent = apart ? f->ends->parents[f->class] + 1U : 0;
            fl_stream_name name = {
                STREAM_ADDRESS, ends[e].family, ends[e].slot | parent << 8,
                hangs ? key_of_slot(f, ends[e].family, ends[e].slot) : 0, 0};
            uint16_t number;
            fl_stream *stream = stream_of(f, &name, &number);
            if (!stream)
                return false;
            stream->addresses = true;
            stream->key = (int64_t)name.key - 1;
            *address_stream(f, ends[e].family, ends[e].slot) = number;
        }
    return true;
}

static bool find_address(finder *f, const fl_cell *cell, const fl_end *end,
                         fl_source *out)
{
    int64_t number = end->key == cell ? *address_stream(f, end->family, end->slot) : -1;
    fl_stream *stream;
    out->op = FL_SOURCE_STREAM;
    if (number >= 0) {
        stream = &f->streams->list[number];
        out->stream = (uint16_t)number;
    } else { /* the half that does not tell, or a sample that was wrong */
        fl_stream_name name = {STREAM_HALF, (uint32_t)cell->form,
                               end->slot + 16U * end->family, 0, 0};
        stream = stream_of(f, &name, &out->stream);
    }
    if (!stream)
        return false;
    if (is_taken(f, stream)) {
        fl_stream_name name = {STREAM_CELL, (uint32_t)number_of(f, cell), SLOT_ADDRESS,
                               0, 0};
        stream = stream_of(f, &name, &out->stream);
        if (!stream)
            return false;
        stream->addresses = true;
    }
    return fl_stream_add(stream, f->class, f->numbers, NULL, f->count);
}

/* The cell of a port at the end of a slot, told before this one. */
static const fl_cell *port_of_slot(const finder *f, size_t slot, size_t rank)
{
    const fl_end *ends = f->ends->of_class[f->class];
    for (size_t i = 0; i < rank; i++) {
        const fl_cell *cell = &f->slice->cells[f->order[i]];
        int end = fl_ends_of_field(cell->column->field);
        if (fl_ends_is_port(cell->column->field) && has_cell(f, cell) &&
            ends[end].slot == slot && !ends[end].copied)
            return f->heights[f->order[i]] < HEIGHT_OFFSET ? cell : NULL;
    }
    return NULL;
}

/* A port goes with its end. Where the end's address hangs on another (a public one on a
 * customer's), the port may: NAT leaves ports as they are, or gives each customer a range. */
static bool find_port(finder *f, const fl_cell *cell, const fl_end *end, size_t rank,
                      fl_source *out)
{
    uint32_t key = key_of_slot(f, end->family, end->slot);
    const fl_cell *before =
        key ? port_of_slot(f, f->ends->key_of[end->family][end->slot], rank) : NULL;
    fl_stream_name name = {STREAM_PORT, end->family, end->slot, before ? key : 0, 0};
    fl_stream *stream = stream_of(f, &name, &out->stream);
    if (!stream)
        return false;
    out->op = FL_SOURCE_STREAM;
    if (is_taken(f, stream)) {
        before = NULL;
        name = (fl_stream_name){STREAM_CELL, (uint32_t)number_of(f, cell), 0, 0, 0};
        stream = stream_of(f, &name, &out->stream);
        if (!stream)
            return false;
    }
    if (before) {
        stream->key = (int64_t)key - 1;
        stream->offsets = true;
        out->cell = (uint16_t)number_of(f, before);
        gather(f, before, f->other);
    }
    return fl_stream_add(stream, f->class, f->numbers, before ? f->other : NULL,
                         f->count);
}

/* Anything else: by what it hangs on, or alone. */
static bool find_other(finder *f, const fl_cell *cell, fl_source *out)
{
    size_t per_cell = FL_ENDS_FAMILIES * FL_ENDS;
    const uint8_t *keys = f->ends->cell_keys + number_of(f, cell) * per_cell;
    fl_stream_name name = {STREAM_CELL, (uint32_t)number_of(f, cell), 0, 0, 0};
    for (size_t i = 0; fl_ends_may_hang(cell) && i < per_cell && !name.key; i++)
        if (keys[i] && f->address_streams[i] >= 0)
            name = (fl_stream_name){STREAM_HANGING,
                                    (uint32_t)fl_ends_family(f->slice, cell), 0,
                                    (uint32_t)(f->address_streams[i] + 1), 0};
    fl_stream *stream = stream_of(f, &name, &out->stream);
    out->op = FL_SOURCE_STREAM;
    if (stream && is_taken(f, stream)) {
        name = (fl_stream_name){STREAM_CELL, (uint32_t)number_of(f, cell), SLOT_SECOND,
                                0, 0};
        stream = stream_of(f, &name, &out->stream);
    }
    if (!stream)
        return false;
    stream->key = (int64_t)name.key - 1;
    stream->times = cell->form == FL_CELL_U64; /* a key of the user's may be one */
    return fl_stream_add(stream, f->class, f->numbers, NULL, f->count);
}

/* --- conversations --- */

/* Whether rows of one conversation mostly have one number. */
static bool goes_with_talk(finder *f)
{
    const uint32_t *of_row = f->talks->of_row;
    size_t again = 0;
    size_t same = 0;
    for (size_t i = 0; i < f->count; i++) {
        uint32_t *last = &f->last[of_row[f->rows[i]]];
        again += *last != 0;
        same += *last != 0 && f->numbers[*last - 1] == f->numbers[i];
        *last = (uint32_t)i + 1;
    }
    for (size_t i = 0; i < f->count; i++)
        f->last[of_row[f->rows[i]]] = 0;
    return same * 4 >= again * 3;
}

/* By its conversation: what the one end has in one direction, the other has in the other. */
static bool find_in_talk(finder *f, const fl_cell *cell, fl_source *out)
{
    bool back = f->classes->talks[f->class] == FL_TALK_BACK;
    const fl_cell *as = back ? fl_ends_other(f->slice, cell) : cell;
    fl_stream_name name = {STREAM_TALK, (uint32_t)number_of(f, as), 0,
                           (uint32_t)f->talk_stream + 1, 0};
    fl_stream *stream = stream_of(f, &name, &out->stream);
    out->op = FL_SOURCE_STREAM;
    if (!stream)
        return false;
    stream->key = f->talk_stream;
    stream->times = cell->column->type == FLOWAN_TYPE_TIME;
    return fl_stream_add(stream, f->class, f->numbers, NULL, f->count);
}

/* The class's conversations, as they are numbered among those in use. */
static bool add_talks(finder *f)
{
    if (!in_talks(f))
        return true;
    for (size_t i = 0; i < f->count; i++)
        f->numbers[i] = f->renumbered[f->talks->of_row[f->rows[i]]] - 1;
    return fl_stream_add(&f->streams->list[f->talk_stream], f->class, f->numbers, NULL,
                         f->count);
}

/* Numbers the conversations in the order in which rows in use have them, and notes for
 * each such row how many of them ago the last one was; 0: it is the first. */
static bool begin_talks(finder *f)
{
    const fl_talks *talks = f->talks;
    f->talk_stream = -1;
    if (!talks->talk_of_row)
        return true;
    fl_stream_name name = {STREAM_TALKS, 0, 0, 0, 0};
    f->talk_stream = fl_streams_find(f->streams, &name);
    f->renumbered = fl_memory_zalloc(talks->count, sizeof *f->renumbered);
    f->last = fl_memory_zalloc(talks->count, sizeof *f->last);
    if (f->talk_stream < 0 || !f->renumbered || !f->last)
        return false;
    fl_stream *stream = &f->streams->list[f->talk_stream];
    stream->talks = true;
    uint32_t count = 0;
    uint32_t place = 0;
    for (size_t row = 0; row < f->slice->rows; row++) {
        if (f->classes->talks[f->classes->of_row[row]] == FL_TALK_NONE)
            continue;
        uint32_t talk = talks->of_row[row];
        if (!fl_memory_grow((void **)&stream->others, &stream->others_room, place + 1U,
                            sizeof *stream->others))
            return false;
        stream->others[place] = f->last[talk] ? place + 1 - f->last[talk] : 0;
        if (!f->last[talk])
            f->renumbered[talk] = ++count;
        f->last[talk] = ++place;
    }
    stream->other_count = place;
    memset(f->last, 0, talks->count * sizeof *f->last);
    return true;
}

static void find_bounds(const finder *f, flowan_type type, fl_layout_entry *entry)
{
    uint64_t low = UINT64_MAX;
    uint64_t high = 0;
    entry->low = 0;
    entry->width = FL_LAYOUT_WIDTH_ANY;
    if (!fl_bounds_of(type))
        return;
    for (size_t i = 0; i < f->count; i++) {
        low = f->numbers[i] < low ? f->numbers[i] : low;
        high = f->numbers[i] > high ? f->numbers[i] : high;
    }
    fl_bounds_set(entry, low, high);
}

static bool find_source(finder *f, size_t rank, fl_source *out)
{
    const fl_cell *cell = &f->slice->cells[f->order[rank]];
    int field = cell->column->field;
    int end = fl_ends_of_field(field);
    *out = (fl_source){.op = FL_SOURCE_CONSTANT};
    fl_layout_entry *entry = &f->layout->entries[f->next[f->order[rank]]];
    if (entry->source == ENTRY_CONSTANT)
        return true;
    gather(f, cell, f->numbers);
    find_bounds(f, cell->column->type, entry);
    if (find_copy(f, rank, out) || find_unit(f, cell, out))
        return true;
    if (in_talks(f) && goes_with_talk(f))
        return find_in_talk(f, cell, out);
    if (cell->column->type == FLOWAN_TYPE_TIME)
        return find_time(f, cell, out);
    if (field == FLOWAN_FIELD_BYTES)
        return find_bytes(f, cell, out);
    if (end >= 0 && fl_cell_is_address(cell))
        return find_address(f, cell, &f->ends->of_class[f->class][end], out);
    if (fl_ends_is_port(field))
        return find_port(f, cell, &f->ends->of_class[f->class][end], rank, out);
    return find_other(f, cell, out);
}

/* --- entries --- */

static uint8_t height_of(const finder *f, const fl_source *source)
{
    switch ((fl_source_op)source->op) {
    case FL_SOURCE_CONSTANT: return 0;
    case FL_SOURCE_STREAM:
        return f->streams->list[source->stream].offsets ? HEIGHT_OFFSET : 0;
    case FL_SOURCE_UNIT: return HEIGHT_TIME + 1; /* the time's turn may come later */
    default: return (uint8_t)(f->heights[source->cell] + 1);
    }
}

/* The number of a source, which is listed when new; -1 when memory is short. */
static int64_t list_source(finder *f, const fl_source *source)
{
    const unsigned char key[8] = {source->op,
                                  source->scale,
                                  (unsigned char)source->cell,
                                  (unsigned char)(source->cell >> 8),
                                  (unsigned char)source->stream,
                                  (unsigned char)(source->stream >> 8),
                                  (unsigned char)source->second,
                                  (unsigned char)(source->second >> 8)};
    bool added;
    int64_t at = fl_hash_put(&f->sources, key, sizeof key, &added);
    if (at < 0 || at >= UINT16_MAX || !added)
        return at < UINT16_MAX ? at : -1;
    fl_layout *l = f->layout;
    if (!fl_memory_grow((void **)&l->sources, &f->sources_room, l->source_count + 1,
                        sizeof *l->sources))
        return -1;
    l->sources[l->source_count++] = *source;
    return at;
}

static bool look_at_class(finder *f)
{
    const fl_classes *classes = f->classes;
    f->rows = classes->rows + classes->first[f->class];
    f->count = classes->first[f->class + 1] - classes->first[f->class];
    if (!name_address_streams(f) || !add_talks(f))
        return false;
    for (size_t rank = 0; rank < f->slice->cell_count; rank++) {
        size_t number = f->order[rank];
        if (f->told[number] || !has_cell(f, &f->slice->cells[number]))
            continue;
        if (!find_source(f, rank, &f->found[number]))
            return false;
        f->heights[number] = height_of(f, &f->found[number]);
        int64_t source = list_source(f, &f->found[number]);
        if (source < 0)
            return false;
        f->layout->entries[f->next[number]++].source = (uint16_t)source;
    }
    return true;
}

enum { CHUNK = 1024 };

/* Looks in order of rows whether classes have one number for the cell: most have, and in
 * order of classes each row would be another line of memory. `entry_of` is per class. */
static void find_constants(finder *f, const fl_cell *cell, const uint32_t *entry_of)
{
    const fl_slice *s = f->slice;
    uint64_t numbers[CHUNK];
    bool everywhere = fl_slice_has_everywhere(s, cell->number);
    for (size_t start = 0; start < s->rows; start += CHUNK) {
        size_t count = s->rows - start < CHUNK ? s->rows - start : CHUNK;
        if (everywhere)
            fl_cell_gather_all(s, cell, start, count, numbers);
        for (size_t i = 0; i < count; i++) {
            size_t class = f->classes->of_row[start + i];
            uint32_t row = (uint32_t)(start + i);
            if (!everywhere) {
                if (!fl_slice_has(s, f->classes->shapes[class], cell->number))
                    continue;
                fl_cell_gather(s, cell, &row, 1, &numbers[i]);
            }
            fl_layout_entry *entry = &f->layout->entries[entry_of[class]];
            if (entry->source == ENTRY_NEW) {
                entry->source = ENTRY_CONSTANT;
                entry->low = numbers[i];
            } else if (entry->low != numbers[i]) {
                entry->source = ENTRY_VARIES;
            }
        }
    }
}

static bool begin_entries(finder *f)
{
    fl_layout *l = f->layout;
    uint32_t *entry_of = fl_memory_alloc(f->classes->count, sizeof *entry_of);
    for (size_t c = 0; entry_of && c < f->slice->cell_count; c++) {
        const fl_cell *cell = &f->slice->cells[c];
        size_t entry = l->first_entry[c];
        if (f->told[c])
            continue;
        for (size_t k = 0; k < f->classes->count; k++)
            if (fl_slice_has(f->slice, f->classes->shapes[k], cell->number)) {
                entry_of[k] = (uint32_t)entry;
                l->entries[entry++] =
                    (fl_layout_entry){.class = (uint16_t)k, .source = ENTRY_NEW};
            }
        find_constants(f, cell, entry_of);
    }
    fl_memory_free(entry_of);
    return entry_of != NULL;
}

/* The port that all rows of a class have at one of their ends, and which; 0: none. */
static uint64_t service_of(const finder *f, size_t class)
{
    static const int fields[] = {FLOWAN_FIELD_DST_PORT, FLOWAN_FIELD_SRC_PORT};
    for (size_t i = 0; i < 2; i++)
        for (size_t c = 0; c < f->slice->cell_count; c++) {
            if (f->slice->cells[c].column->field != fields[i])
                continue;
            const fl_layout_entry *entry = fl_layout_entry_of(f->layout, c, class);
            if (entry && entry->source == ENTRY_CONSTANT)
                return (i + 1) << 32 | entry->low;
        }
    return 0;
}

/* Who asks for one service should not have to read of the others: services with a good
 * part of the rows are groups of their own. */
static bool make_groups(finder *f)
{
    uint64_t services[GROUPS_MAX] = {0};
    uint64_t rows[GROUPS_MAX] = {0};
    size_t count = 0;
    uint64_t *service = fl_memory_alloc(f->classes->count, sizeof *service);
    f->groups = fl_memory_zalloc(f->classes->count, 1);
    if (!service || !f->groups) {
        fl_memory_free(service);
        return false;
    }
    for (size_t c = 0; c < f->classes->count; c++) {
        service[c] = service_of(f, c);
        size_t at = 0;
        while (at < count && services[at] != service[c])
            at++;
        if (at == count && count < GROUPS_MAX)
            services[count++] = service[c];
        if (at < GROUPS_MAX)
            rows[at] += f->classes->first[c + 1] - f->classes->first[c];
    }
    for (size_t c = 0; c < f->classes->count; c++)
        for (size_t i = 0; service[c] && i < count; i++)
            if (services[i] == service[c] && rows[i] >= GROUP_ROWS)
                f->groups[c] = (uint8_t)(i + 1);
    fl_memory_free(service);
    return true;
}

static bool make_entries(finder *f)
{
    fl_layout *l = f->layout;
    const fl_slice *s = f->slice;
    size_t count = 0;
    for (size_t c = 0; c < s->cell_count; c++) {
        l->first_entry[c] = f->next[c] = count;
        for (size_t k = 0; !f->told[c] && k < f->classes->count; k++)
            count += fl_slice_has(s, f->classes->shapes[k], s->cells[c].number);
    }
    l->first_entry[s->cell_count] = count;
    l->entries = fl_memory_alloc(count, sizeof *l->entries);
    return l->entries && begin_entries(f);
}

static void mark_told(finder *f)
{
    for (size_t i = 0; i < f->runs->per_run_count; i++)
        f->told[number_of(f, f->runs->per_run[i])] = 1;
    for (size_t i = 0; i < f->runs->per_label_count; i++)
        f->told[number_of(f, f->runs->per_label[i])] = 1;
}

bool fl_sources_find(fl_layout *layout, fl_streams *streams, const fl_slice *slice,
                     const fl_classes *classes, const fl_runs *runs,
                     const fl_ends *ends, const fl_talks *talks)
{
    finder f = {.layout = layout,
                .talks = talks,
                .streams = streams,
                .slice = slice,
                .classes = classes,
                .runs = runs,
                .ends = ends};
    size_t most = 0;
    for (size_t i = 0; i < classes->count; i++)
        if (classes->first[i + 1] - classes->first[i] > most)
            most = classes->first[i + 1] - classes->first[i];
    streams->class_rows = classes->rows;
    streams->first_row = classes->first;
    streams->rows = slice->rows;
    f.order = fl_traits_cell_order(slice);
    f.told = fl_memory_zalloc(slice->cell_count, 1);
    f.next = fl_memory_alloc(slice->cell_count, sizeof *f.next);
    f.found = fl_memory_zalloc(slice->cell_count, sizeof *f.found);
    f.heights = fl_memory_zalloc(slice->cell_count, 1);
    f.numbers = fl_memory_alloc(most, sizeof *f.numbers);
    f.other = fl_memory_alloc(most, sizeof *f.other);
    f.more = fl_memory_alloc(most, sizeof *f.more);
    f.address_streams =
        fl_memory_alloc(FL_ENDS_FAMILIES * FL_ENDS, sizeof *f.address_streams);
    layout->first_entry =
        fl_memory_alloc(slice->cell_count + 1, sizeof *layout->first_entry);
    bool sound = f.order && f.told && f.next && f.found && f.heights && f.numbers &&
                 f.other && f.more && f.address_streams && layout->first_entry;
    if (sound) {
        mark_told(&f);
        sound = make_entries(&f) && make_groups(&f) && begin_talks(&f);
    }
    for (; sound && f.class < classes->count; f.class ++)
        sound = look_at_class(&f);
    fl_hash_free(&f.sources);
    fl_memory_free(f.renumbered);
    fl_memory_free(f.last);
    fl_memory_free(f.order);
    fl_memory_free(f.groups);
    fl_memory_free(f.told);
    fl_memory_free(f.next);
    fl_memory_free(f.found);
    fl_memory_free(f.heights);
    fl_memory_free(f.numbers);
    fl_memory_free(f.other);
    fl_memory_free(f.more);
    fl_memory_free(f.address_streams);
    return sound;
}
