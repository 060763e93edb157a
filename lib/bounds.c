#include "bounds.h"

#include "bits.h"

bool fl_bounds_of(flowan_type type)
{
    return type != FLOWAN_TYPE_TIME && type != FLOWAN_TYPE_ADDRESS &&
           !fl_type_is_run(type);
}

/* The least token whose numbers are not below. */
static unsigned token_above(uint64_t number)
{
    unsigned token = fl_bits_token(number);
    return token + (fl_bits_token_base(token) < number);
}

void fl_bounds_set(fl_layout_entry *entry, uint64_t low, uint64_t high)
{
    entry->low = fl_bits_token_base(fl_bits_token(low));
    entry->width = (uint16_t)token_above(high - entry->low);
}

/* Bounds of a copy are those of the other cell. */
static bool varies(const fl_layout *l, const fl_layout_entry *entry)
{
    unsigned op = l->sources[entry->source].op;
    return op != FL_SOURCE_CONSTANT && op != FL_SOURCE_COPY;
}

/* The entries that have bounds, cell by cell; `cuts` is where each cell's end. */
static size_t list_entries(const fl_layout *l, uint32_t *list, uint32_t *cuts,
                           size_t *cut_count)
{
    size_t count = 0;
    *cut_count = 0;
    for (size_t i = 0; i < l->column_count; i++) {
        const fl_layout_column *column = &l->columns[i];
        for (size_t k = 0; fl_bounds_of(column->type) && k < column->cells; k++) {
            size_t cell = column->first_cell + k;
            size_t before = count;
            for (size_t e = l->first_entry[cell]; e < l->first_entry[cell + 1]; e++)
                if (varies(l, &l->entries[e]))
                    list[count++] = (uint32_t)e;
            if (count > before)
                cuts[(*cut_count)++] = (uint32_t)count;
        }
    }
    return count;
}

/* What both directions need. */
typedef struct bounds {
    uint32_t *list;
    uint32_t *cuts;
    size_t count;
    size_t cut_count;
    uint64_t *numbers; /* one an entry, or a class */
} bounds;

static bool begin(bounds *b, const fl_layout *l, fl_pool *pool)
{
    size_t entries = l->first_entry[l->cell_count];
    size_t most = entries > l->class_count ? entries : l->class_count;
    b->list = fl_pool_take(pool, entries, sizeof *b->list);
    b->cuts = fl_pool_take(pool, l->cell_count, sizeof *b->cuts);
    b->numbers = fl_pool_take(pool, most, sizeof *b->numbers);
    if (!b->list || !b->cuts || !b->numbers)
        return false;
    b->count = list_entries(l, b->list, b->cuts, &b->cut_count);
    return true;
}

static void end(bounds *b, fl_pool *pool)
{
    fl_pool_give(pool, b->list);
    fl_pool_give(pool, b->cuts);
    fl_pool_give(pool, b->numbers);
}

void fl_bounds_put(const fl_layout *l, const uint32_t *first, fl_integers *integers,
                   fl_buffer *out)
{
    bounds b = {0};
    if (!begin(&b, l, integers->pool)) {
        out->failed = true;
        end(&b, integers->pool);
        return;
    }
    for (size_t c = 0; c < l->class_count; c++)
        b.numbers[c] = first[c + 1] - first[c];
    fl_integers_put(integers, out, b.numbers, l->class_count, NULL, 0);
    for (size_t i = 0; i < b.count; i++)
        b.numbers[i] = fl_bits_token(l->entries[b.list[i]].low);
    fl_integers_put(integers, out, b.numbers, b.count, b.cuts, b.cut_count);
    for (size_t i = 0; i < b.count; i++)
        b.numbers[i] = l->entries[b.list[i]].width;
    fl_integers_put(integers, out, b.numbers, b.count, b.cuts, b.cut_count);
    end(&b, integers->pool);
}

bool fl_bounds_get(fl_layout *l, fl_integers *integers, fl_cursor *in,
                   uint64_t **class_rows)
{
    bounds b = {0};
    *class_rows = fl_pool_take(integers->pool, l->class_count, sizeof **class_rows);
    bool sound = begin(&b, l, integers->pool) && *class_rows;
    if (!sound)
        integers->no_memory = true;
    uint64_t total = 0;
    sound = sound && fl_integers_get(integers, in, *class_rows, l->class_count);
    for (size_t c = 0; sound && c < l->class_count; c++) {
        sound = (*class_rows)[c] <= l->rows - total;
        total += (*class_rows)[c];
    }
    sound =
        sound && total == l->rows && fl_integers_get(integers, in, b.numbers, b.count);
    for (size_t i = 0; sound && i < b.count; i++) {
        sound = b.numbers[i] < FL_BITS_TOKENS;
        if (sound)
            l->entries[b.list[i]].low = fl_bits_token_base((unsigned)b.numbers[i]);
    }
    sound = sound && fl_integers_get(integers, in, b.numbers, b.count) && in->left == 0;
    for (size_t i = 0; sound && i < b.count; i++) {
        sound = b.numbers[i] <= FL_LAYOUT_WIDTH_ANY;
        l->entries[b.list[i]].width = (uint16_t)b.numbers[i];
    }
    for (size_t i = 0; !sound && i < b.count; i++) {
        l->entries[b.list[i]].low = 0;
        l->entries[b.list[i]].width = FL_LAYOUT_WIDTH_ANY;
    }
    end(&b, integers->pool);
    if (!sound) {
        fl_pool_give(integers->pool, *class_rows);
        *class_rows = NULL;
    }
    return sound;
}
