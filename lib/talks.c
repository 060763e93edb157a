#include "talks.h"

#include <string.h>

/* Looked at before the whole block is; and the share of rows, in percent, that must stand
 * in conversations of more than one row. */
enum { LOOK_ROWS = 8192, SHARE = 25 };

typedef struct ends {
    const fl_cell *cells[6]; /* high, low and port of the source, then the destination;
                                ports may be NULL */
} ends;

static bool find_ends(const fl_slice *s, ends *e)
{
    memset(e, 0, sizeof *e);
    for (size_t i = 0; i < s->cell_count; i++) {
        const fl_cell *cell = &s->cells[i];
        switch (cell->column->field) {
        case FLOWAN_FIELD_SRC_ADDR: e->cells[cell->form - FL_CELL_HIGH] = cell; break;
        case FLOWAN_FIELD_SRC_PORT: e->cells[2] = cell; break;
        case FLOWAN_FIELD_DST_ADDR:
            e->cells[3 + cell->form - FL_CELL_HIGH] = cell;
            break;
        case FLOWAN_FIELD_DST_PORT: e->cells[5] = cell; break;
        default: break;
        }
    }
    return e->cells[0] && e->cells[3];
}

/* Both ends of a row, the lesser one first; *swapped when that is the destination. */
static bool key_of_row(const fl_slice *s, const ends *e, size_t row, uint64_t key[6],
                       bool *swapped)
{
    uint32_t at = (uint32_t)row;
    uint64_t numbers[6] = {0};
    for (size_t i = 0; i < 6; i++) {
        const fl_cell *cell = e->cells[i];
        if (cell && fl_slice_has(s, s->shapes[row], cell->number))
            fl_cell_gather(s, cell, &at, 1, &numbers[i]);
        else if (i % 3 != 2)
            return false;
    }
    *swapped = memcmp(numbers, numbers + 3, 3 * sizeof *numbers) > 0;
    memcpy(key, numbers + (*swapped ? 3 : 0), 3 * sizeof *key);
    memcpy(key + 3, numbers + (*swapped ? 0 : 3), 3 * sizeof *key);
    return true;
}

/* A table of keys, by the row that had each first. */
typedef struct table {
    uint32_t *slots; /* conversation + 1 */
    size_t size;
    uint64_t (*keys)[6];
    uint32_t *rows; /* how many it has */
    uint8_t *swapped;
    size_t count;
} table;

static bool table_init(table *t, size_t rows)
{
    *t = (table){.size = 64};
    while (t->size < 2 * rows)
        t->size *= 2;
    t->slots = fl_memory_zalloc(t->size, sizeof *t->slots);
    t->keys = fl_memory_alloc(rows, sizeof *t->keys);
    t->rows = fl_memory_alloc(rows, sizeof *t->rows);
    t->swapped = fl_memory_alloc(rows, 1);
    return t->slots && t->keys && t->rows && t->swapped;
}

static void table_free(table *t)
{
    fl_memory_free(t->slots);
    fl_memory_free(t->keys);
    fl_memory_free(t->rows);
    fl_memory_free(t->swapped);
}

static uint32_t table_put(table *t, const uint64_t key[6], bool swapped)
{
    uint64_t hash = 0;
    for (size_t i = 0; i < 6; i++)
        hash = (hash ^ key[i]) * UINT64_C(0x9E3779B97F4A7C15), hash ^= hash >> 29;
    size_t at = (size_t)hash & (t->size - 1);
    while (t->slots[at] && memcmp(t->keys[t->slots[at] - 1], key, sizeof *t->keys) != 0)
        at = (at + 1) & (t->size - 1);
    if (!t->slots[at]) {
        memcpy(t->keys[t->count], key, sizeof *t->keys);
        t->rows[t->count] = 0;
        t->swapped[t->count] = swapped;
        t->slots[at] = (uint32_t)++t->count;
    }
    t->rows[t->slots[at] - 1]++;
    return t->slots[at] - 1;
}

/* Whether so many of the rows stand in conversations of several that it pays. */
static bool pays(const table *t, size_t rows)
{
    size_t alone = 0;
    for (size_t i = 0; i < t->count; i++)
        alone += t->rows[i] == 1;
    return rows - alone >= rows * SHARE / 100 && rows > alone;
}

static bool look(const fl_slice *s, const ends *e, bool *worth)
{
    table t;
    size_t rows = s->rows < LOOK_ROWS ? s->rows : LOOK_ROWS;
    size_t first = (s->rows - rows) / 2;
    bool sound = table_init(&t, rows);
    size_t known = 0;
    for (size_t row = first; sound && row < first + rows; row++) {
        uint64_t key[6];
        bool swapped;
        if (key_of_row(s, e, row, key, &swapped)) {
            table_put(&t, key, swapped);
            known++;
        }
    }
    *worth = sound && known * 2 >= rows && pays(&t, known);
    table_free(&t);
    return sound;
}

bool fl_talks_find(fl_talks *talks, const fl_slice *s)
{
    ends e;
    bool worth;
    table t = {0};
    *talks = (fl_talks){0};
    if (s->rows < 2 || !find_ends(s, &e))
        return true;
    if (!look(s, &e, &worth))
        return false;
    if (!worth)
        return true;
    talks->talk_of_row = fl_memory_zalloc(s->rows, 1);
    talks->of_row = fl_memory_alloc(s->rows, sizeof *talks->of_row);
    bool sound = talks->talk_of_row && talks->of_row && table_init(&t, s->rows);
    for (size_t row = 0; sound && row < s->rows; row++) {
        uint64_t key[6];
        bool swapped;
        if (!key_of_row(s, &e, row, key, &swapped))
            continue;
        uint32_t talk = table_put(&t, key, swapped);
        talks->of_row[row] = talk;
        talks->talk_of_row[row] =
            swapped == t.swapped[talk] ? FL_TALK_FORTH : FL_TALK_BACK;
    }
    for (size_t row = 0; sound && row < s->rows; row++)
        if (talks->talk_of_row[row] && t.rows[talks->of_row[row]] == 1)
            talks->talk_of_row[row] = FL_TALK_NONE;
    talks->count = t.count;
    table_free(&t);
    return sound;
}

void fl_talks_free(fl_talks *talks)
{
    fl_memory_free(talks->talk_of_row);
    fl_memory_free(talks->of_row);
}
