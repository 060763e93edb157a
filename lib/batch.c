/* The batch owns its columns, shapes and rejects. It knows how values are stored, not how
 * they are written (render) or read (record). */
#include "batch.h"

#include <string.h>

#include "status.h"

/* A pooled key beyond this many columns is not worth remembering for the next fill. */
enum { EXTRA_KEPT_MAX = 512, ROOM_MIN = 64, STAGGERED_MIN = 65536 };

bool fl_value_fits(flowan_type type, fl_kind kind)
{
    if (kind <= FL_KIND_NULL)
        return true;
    switch (kind) {
    case FL_KIND_INVALID_PREFIX:
    case FL_KIND_CIDR4:
    case FL_KIND_CIDR6: return type == FLOWAN_TYPE_PREFIX;
    case FL_KIND_INT:
    case FL_KIND_INT_STRING: return type < FLOWAN_TYPE_ADDRESS;
    case FL_KIND_BOOL: return type == FLOWAN_TYPE_BOOL;
    case FL_KIND_RFC3339: return type == FLOWAN_TYPE_TIME;
    case FL_KIND_IPV4:
    case FL_KIND_IPV6:
    case FL_KIND_HEX4:
    case FL_KIND_HEX16: return type == FLOWAN_TYPE_ADDRESS;
    case FL_KIND_MAC: return type == FLOWAN_TYPE_MAC;
    case FL_KIND_NAME:
    case FL_KIND_NAME_OLD: return type == FLOWAN_TYPE_ENUM;
    case FL_KIND_STRING: return type == FLOWAN_TYPE_TEXT;
    case FL_KIND_VERBATIM: return type == FLOWAN_TYPE_JSON;
    case FL_KIND_LIST_INT:
    case FL_KIND_LIST_NAME: return type == FLOWAN_TYPE_LIST_U64;
    case FL_KIND_LIST_ADDRESS:
    case FL_KIND_LIST_OCTETS4:
    case FL_KIND_LIST_OCTETS16: return type == FLOWAN_TYPE_LIST_ADDRESS;
    case FL_KIND_SECONDS:
    case FL_KIND_MILLISECONDS: return type == FLOWAN_TYPE_TIME;
    case FL_KIND_EMPTY_LIST:
    case FL_KIND_OCTETS4:
    case FL_KIND_OCTETS16: return type == FLOWAN_TYPE_ADDRESS;
    default: return false;
    }
}

/* --- columns --- */

/* Gives the memory of all rows back. */
static void column_release(fl_column *column)
{
    fl_memory_free(column->present);
    fl_memory_free(column->block);
    fl_memory_free(column->offset);
    fl_memory_free(column->items);
    column->present = NULL;
    column->cells = column->block = NULL;
    column->offset = NULL;
    column->items = NULL;
    column->room = column->present_count = column->filled = 0;
    column->dirty = column->tidied = 0;
    column->items_count = column->items_room = 0;
}

static void column_free(fl_column *column)
{
    if (!column)
        return;
    column_release(column);
    fl_memory_free(column->name);
    fl_memory_free(column);
}

static fl_column *column_new(const char *name, size_t size, int field, flowan_type type)
{
    fl_column *column = fl_memory_zalloc(1, sizeof *column);
    char *copy = fl_memory_alloc(size + 1, 1);
    if (!column || !copy) {
        fl_memory_free(column);
        fl_memory_free(copy);
        return NULL;
    }
    if (size)
        memcpy(copy, name, size);
    copy[size] = 0;
    column->name = copy;
    column->name_size = size;
    column->field = field;
    column->type = type;
    return column;
}

/* Forgets the rows of this fill. Its cells stay until somebody looks: in most columns the
 * next fill overwrites them all. */
static void column_clear(fl_column *column)
{
    if (column->present)
        memset(column->present, 0, column->room / 64 * sizeof *column->present);
    column->dirty = column->room;
    column->tidied = 0;
    column->present_count = 0;
    column->filled = 0;
    column->items_count = 0;
}

static bool resize_zeroed(void **array, size_t old, size_t count, size_t width)
{
    void *grown = fl_memory_resize(*array, count, width);
    if (!grown)
        return false;
    memset((char *)grown + old * width, 0, (count - old) * width);
    *array = grown;
    return true;
}

/* Large arrays all begin at the same place of a page, and a row's cells in many columns
 * would then compete for one set of the cache: each column's begin a line farther on. */
static size_t stagger(const fl_column *column, size_t size)
{
    return size < STAGGERED_MIN ? 0 : column->index % 64 * 64;
}

static bool grow_cells(fl_column *column, size_t room, size_t width)
{
    size_t skip = stagger(column, room * width);
    char *block = fl_memory_zalloc(room * width + skip, 1);
    if (!block)
        return false;
    if (column->room)
        memcpy(block + skip, column->cells, column->room * width);
    fl_memory_free(column->block);
    column->block = block;
    column->cells = block + skip;
    return true;
}

bool fl_column_reserve(flowan_batch *batch, fl_column *column, size_t rows)
{
    if (rows <= column->room)
        return true;
    size_t room = column->room ? column->room : ROOM_MIN;
    while (room < rows)
        room *= 2;
    if (!resize_zeroed((void **)&column->present, column->room / 64, room / 64,
                       sizeof *column->present))
        return false;
    size_t width = fl_type_width(column->type);
    if (fl_type_is_run(column->type)) {
        uint32_t *offset =
            fl_memory_resize(column->offset, room + 1, sizeof *column->offset);
        if (!offset)
            return false;
        column->offset = offset;
        width = sizeof *offset;
    } else if (!grow_cells(column, room, width)) {
        return false;
    }
    batch->memory += (room - column->room) * width + (room - column->room) / 8;
    column->room = room;
    return true;
}

bool fl_column_reserve_items(flowan_batch *batch, fl_column *column, size_t count)
{
    size_t needed = column->items_count + count;
    size_t before = column->items_room;
    if (needed > UINT32_MAX ||
        !fl_memory_grow(&column->items, &column->items_room, needed ? needed : 1,
                        fl_type_width(column->type)))
        return false;
    batch->memory += (column->items_room - before) * fl_type_width(column->type);
    return true;
}

/* Their offsets are written late. */
void fl_column_fill_offsets(fl_column *column, size_t rows)
{
    uint32_t end = (uint32_t)column->items_count;
    for (size_t i = column->filled; i <= rows; i++)
        column->offset[i] = end;
    column->filled = rows;
}

/* Zero cells where there is no value are a promise of the header. */
static void tidy(fl_column *column, size_t rows)
{
    size_t width = fl_type_width(column->type);
    size_t end = rows < column->dirty ? rows : column->dirty;
    for (size_t row = column->tidied; row < end; row++) {
        uint64_t present = column->present[row / 64];
        if (present == UINT64_MAX)
            row |= 63;
        else if (!(present >> (row % 64) & 1))
            memset((char *)column->cells + row * width, 0, width);
    }
    if (rows > column->tidied)
        column->tidied = rows;
}

static void mark_present(fl_column *column, size_t first, size_t end)
{
    column->present_count += end - first;
    while (first < end) {
        size_t stop = (first / 64 + 1) * 64;
        size_t count = (stop < end ? stop : end) - first;
        column->present[first / 64] |= UINT64_MAX >> (64 - count) << (first % 64);
        first += count;
    }
}

/* Memory was reserved: this cannot fail. */
void fl_column_set(fl_column *column, size_t row, const fl_value *value)
{
    switch (column->type) {
    case FLOWAN_TYPE_U32:
    case FLOWAN_TYPE_ENUM:
    case FLOWAN_TYPE_PREFIX:
        ((uint32_t *)column->cells)[row] = (uint32_t)value->number;
        break;
    case FLOWAN_TYPE_U64:
    case FLOWAN_TYPE_TIME:
    case FLOWAN_TYPE_MAC:
    case FLOWAN_TYPE_BOOL: ((uint64_t *)column->cells)[row] = value->number; break;
    case FLOWAN_TYPE_ADDRESS:
        ((flowan_address *)column->cells)[row] = value->address;
        break;
    default: {
        size_t width = fl_type_width(column->type);
        fl_column_fill_offsets(column, row);
        if (value->count)
            memcpy((char *)column->items + column->items_count * width, value->items,
                   value->count * width);
        column->items_count += value->count;
        column->offset[row + 1] = (uint32_t)column->items_count;
        column->filled = row + 1;
    }
    }
}

void fl_column_view(fl_column *column, size_t rows, flowan_column *out)
{
    *out = (flowan_column){.name = column->name,
                           .name_size = column->name_size,
                           .field = column->field,
                           .type = column->type,
                           .rows = rows,
                           .present_count = column->present_count,
                           .present = column->present};
    if (column->cells)
        tidy(column, rows);
    switch (column->type) {
    case FLOWAN_TYPE_U32:
    case FLOWAN_TYPE_ENUM:
    case FLOWAN_TYPE_PREFIX: out->u32 = column->cells; return;
    case FLOWAN_TYPE_U64:
    case FLOWAN_TYPE_TIME:
    case FLOWAN_TYPE_MAC:
    case FLOWAN_TYPE_BOOL: out->u64 = column->cells; return;
    case FLOWAN_TYPE_ADDRESS: out->address = column->cells; return;
    case FLOWAN_TYPE_TEXT:
    case FLOWAN_TYPE_JSON: out->text = column->items ? column->items : ""; break;
    case FLOWAN_TYPE_LIST_U64: out->u64 = column->items; break;
    case FLOWAN_TYPE_LIST_ADDRESS: out->address = column->items; break;
    }
    if (column->filled <= rows)
        fl_column_fill_offsets(column, rows);
    out->offset = column->offset;
}

void fl_column_value(fl_column *column, size_t row, fl_kind kind, fl_value *out)
{
    *out = (fl_value){.key = column->name,
                      .key_size = column->name_size,
                      .field = column->field,
                      .type = column->type,
                      .kind = kind};
    if (!fl_kind_has_value(kind))
        return;
    flowan_column view;
    fl_column_view(column, row + 1, &view);
    if (view.offset) {
        size_t start = view.offset[row];
        out->count = view.offset[row + 1] - start;
        if (out->count)
            out->items = (char *)column->items + start * fl_type_width(column->type);
    } else if (view.u32) {
        out->number = view.u32[row];
    } else if (view.u64) {
        out->number = view.u64[row];
    } else {
        out->address = view.address[row];
    }
}

/* --- the batch --- */

flowan_status flowan_batch_new(flowan_batch **out, const flowan_batch_options *options,
                               flowan_error *error)
{
    *out = NULL;
    if (!fl_status_options_fit(options, sizeof *options) ||
        (options && options->capacity > FL_BATCH_ROWS_MAX))
        return fl_status_fail(error, FLOWAN_ERROR_ARGUMENT, FL_NO_OFFSET,
                              "batch options: unknown members, or a capacity over %d",
                              FL_BATCH_ROWS_MAX);
    flowan_batch *batch = fl_memory_zalloc(1, sizeof *batch);
    if (!batch)
        return fl_status_memory(error);
    batch->capacity = options && options->capacity ? options->capacity : 131072;
    batch->memory_limit = options && options->memory_bytes
                              ? (size_t)options->memory_bytes
                              : (size_t)256 << 20;
    batch->epoch = 1;
    batch->scratch = fl_memory_alloc(FL_RECORD_FIELDS_MAX, sizeof *batch->scratch);
    batch->scratch_columns =
        fl_memory_alloc(FL_RECORD_FIELDS_MAX, sizeof *batch->scratch_columns);
    batch->raw = column_new("", 0, -1, FLOWAN_TYPE_TEXT);
    if (!batch->scratch || !batch->scratch_columns || !batch->raw) {
        flowan_batch_free(batch);
        return fl_status_memory(error);
    }
    *out = batch;
    return FLOWAN_OK;
}

static void free_columns(flowan_batch *batch)
{
    for (size_t i = 0; i < FLOWAN_FIELD_COUNT; i++) {
        column_free(batch->known[i]);
        batch->known[i] = NULL;
    }
    for (size_t i = 0; i < batch->extra_keys.count; i++)
        column_free(batch->extra[i]);
    fl_hash_free(&batch->extra_keys);
    batch->memory = 0;
}

void flowan_batch_free(flowan_batch *batch)
{
    if (!batch)
        return;
    free_columns(batch);
    column_free(batch->raw);
    fl_memory_free(batch->columns);
    fl_memory_free(batch->extra);
    fl_hash_free(&batch->spellings);
    fl_hash_free(&batch->shapes);
    fl_memory_free(batch->shape_of_row);
    fl_memory_free(batch->offset_of_row);
    fl_memory_free(batch->size_of_row);
    fl_memory_free(batch->rejects);
    fl_buffer_free(&batch->reject_text);
    fl_memory_free(batch->scratch);
    fl_memory_free(batch->scratch_columns);
    fl_memory_free(batch);
}

void flowan_batch_reset(flowan_batch *batch)
{
    for (size_t i = 0; i < batch->column_count; i++)
        column_clear(batch->columns[i]);
    column_clear(batch->raw);
    batch->column_count = 0;
    batch->rows = batch->settled = 0;
    batch->epoch++;
    fl_hash_clear(&batch->spellings);
    fl_hash_clear(&batch->shapes);
    batch->reject_count = 0;
    fl_buffer_clear(&batch->reject_text);
    /* An input of ever new keys, or one huge record, must not hold memory for ever. */
    if (batch->extra_keys.count > EXTRA_KEPT_MAX ||
        batch->memory > batch->memory_limit / 2) {
        free_columns(batch);
        column_release(batch->raw);
    }
}

size_t flowan_batch_rows(const flowan_batch *batch)
{
    return batch->rows;
}

/* A value of a field is in a column of the field's name, however its key is spelt. */
static const char *column_name(const fl_value *value, size_t *size)
{
    if (!value->spelt) {
        *size = value->key_size;
        return value->key;
    }
    const char *name = flowan_field_info_of((flowan_field)value->field)->name;
    *size = strlen(name);
    return name;
}

/* The column, whether in use or pooled; *out NULL when it was never made. False when
 * memory is short. */
static bool find_column(const flowan_batch *batch, const fl_value *value,
                        fl_column **out)
{
    *out = NULL;
    if (value->field >= 0 &&
        flowan_field_info_of((flowan_field)value->field)->type == value->type) {
        *out = batch->known[value->field];
        return true;
    }
    size_t size;
    const char *name = column_name(value, &size);
    char small[256];
    char *key = size < sizeof small ? small : fl_memory_alloc(size + 1, 1);
    if (!key)
        return false;
    key[0] = (char)value->type;
    if (size)
        memcpy(key + 1, name, size);
    int64_t at = fl_hash_find(&batch->extra_keys, key, size + 1);
    if (key != small)
        fl_memory_free(key);
    if (at >= 0)
        *out = batch->extra[at];
    return true;
}

static fl_column *make_column(flowan_batch *batch, const fl_value *value)
{
    fl_column *column = NULL;
    if (value->field >= 0) {
        const flowan_field_info *info =
            flowan_field_info_of((flowan_field)value->field);
        if (info->type == value->type) {
            column =
                column_new(info->name, strlen(info->name), value->field, info->type);
            batch->known[value->field] = column;
            return column;
        }
    }
    size_t size;
    const char *name = column_name(value, &size);
    fl_buffer key = {0};
    fl_buffer_byte(&key, (char)value->type);
    fl_buffer_append(&key, name, size);
    /* A text in the place of a number ("proto":"unassigned") is no longer that field. */
    column = column_new(name, size, -1, value->type);
    if (key.failed || !column ||
        !fl_memory_grow((void **)&batch->extra, &batch->extra_room,
                        batch->extra_keys.count + 1, sizeof *batch->extra))
        goto failed;
    int64_t at = fl_hash_put(&batch->extra_keys, key.data, key.size, NULL);
    if (at < 0)
        goto failed;
    fl_buffer_free(&key);
    batch->extra[at] = column;
    batch->memory += sizeof *column + size;
    return column;
failed:
    fl_buffer_free(&key);
    column_free(column);
    return NULL;
}

static bool in_use(const flowan_batch *batch, const fl_column *column)
{
    return column && column->epoch == batch->epoch;
}

static fl_column *use_column(flowan_batch *batch, const fl_value *value)
{
    fl_column *column;
    if (!find_column(batch, value, &column))
        return NULL;
    if (in_use(batch, column))
        return column;
    if (!fl_memory_grow((void **)&batch->columns, &batch->columns_room,
                        batch->column_count + 1, sizeof(fl_column *)))
        return NULL;
    if (!column)
        column = make_column(batch, value);
    if (!column)
        return NULL;
    column->epoch = batch->epoch;
    column->index = (uint32_t)batch->column_count;
    batch->columns[batch->column_count++] = column;
    return column;
}

fl_column *fl_batch_use_column(flowan_batch *batch, const char *key, size_t size,
                               int field, flowan_type type)
{
    fl_value value = {.key = key, .key_size = size, .field = field, .type = type};
    return use_column(batch, &value);
}

bool fl_batch_find_column(const flowan_batch *batch, const fl_column *like,
                          fl_column **out)
{
    fl_value value = {.key = like->name,
                      .key_size = like->name_size,
                      .field = like->field,
                      .type = like->type};
    if (!find_column(batch, &value, out))
        return false;
    if (!in_use(batch, *out))
        *out = NULL;
    return true;
}

bool fl_batch_reserve_rows(flowan_batch *batch, size_t rows)
{
    if (rows <= batch->rows_room)
        return true;
    size_t room = batch->rows_room ? batch->rows_room : 1024;
    while (room < rows)
        room *= 2;
    uint16_t *shapes = fl_memory_resize(batch->shape_of_row, room, sizeof *shapes);
    if (!shapes)
        return false;
    batch->shape_of_row = shapes;
    uint64_t *offsets = fl_memory_resize(batch->offset_of_row, room, sizeof *offsets);
    if (!offsets)
        return false;
    batch->offset_of_row = offsets;
    uint32_t *sizes = fl_memory_resize(batch->size_of_row, room, sizeof *sizes);
    if (!sizes)
        return false;
    batch->size_of_row = sizes;
    batch->rows_room = room;
    return true;
}

int fl_batch_intern_spelling(flowan_batch *batch, const char *key, size_t size)
{
    int64_t at = batch->spellings.count < FL_BATCH_SPELLINGS_MAX
                     ? fl_hash_put(&batch->spellings, key, size, NULL)
                     : fl_hash_find(&batch->spellings, key, size);
    return at < 0 ? -1 : (int)at + 1;
}

int fl_batch_intern_shape(flowan_batch *batch, const fl_shape_field *fields,
                          size_t count)
{
    int64_t id = fl_hash_put(&batch->shapes, fields, count * sizeof *fields, NULL);
    return id < 0 ? -1 : (int)id;
}

static bool has_spellings(const flowan_batch *batch, const fl_value *values,
                          size_t count)
{
    size_t known = batch->spellings.count;
    if (known + FL_RECORD_FIELDS_MAX <= FL_BATCH_SPELLINGS_MAX)
        return true;
    size_t fresh = 0;
    for (size_t i = 0; i < count; i++)
        fresh += values[i].spelt &&
                 fl_hash_find(&batch->spellings, values[i].key, values[i].key_size) < 0;
    return known + fresh <= FL_BATCH_SPELLINGS_MAX;
}

static size_t items_memory(const fl_column *column)
{
    size_t room = column->items_count ? 8 : 0; /* as fl_memory_grow does */
    while (room < column->items_count)
        room *= 2;
    return room * fl_type_width(column->type);
}

/* What a new batch would hold for these rows. What an earlier fill left is not for this one
 * to pay: a log is cut into the same batches whichever batch takes which part of it. */
static size_t own_memory(const flowan_batch *batch)
{
    size_t memory = items_memory(batch->raw);
    size_t room = ROOM_MIN;
    while (room < batch->rows)
        room *= 2;
    for (size_t i = 0; i < batch->column_count; i++) {
        const fl_column *column = batch->columns[i];
        bool runs = fl_type_is_run(column->type);
        size_t width = runs ? sizeof *column->offset : fl_type_width(column->type);
        memory += room * width + room / 8 + (runs ? items_memory(column) : 0);
        if (column->field < 0)
            memory += sizeof *column + column->name_size;
    }
    return memory;
}

/* Whether the record fits without breaking a bound. A batch without rows takes any. */
static bool has_room(const flowan_batch *batch, const fl_value *values, size_t count)
{
    if (batch->rows == 0)
        return true;
    if (batch->rows >= batch->capacity || batch->shapes.count >= FL_BATCH_SHAPES_MAX ||
        (batch->memory > batch->memory_limit && /* what is held is never less */
         own_memory(batch) > batch->memory_limit) ||
        batch->shapes.arena.size >= FL_BATCH_SHAPES_SIZE ||
        !has_spellings(batch, values, count))
        return false;
    if (batch->column_count + FL_RECORD_FIELDS_MAX <= FL_BATCH_COLUMNS_MAX)
        return true;
    size_t fresh = 0;
    for (size_t i = 0; i < count; i++) {
        fl_column *column;
        if (!find_column(batch, &values[i], &column) || !in_use(batch, column))
            fresh++;
    }
    return batch->column_count + fresh <= FL_BATCH_COLUMNS_MAX;
}

/* Columns that a record does not have grow with the batch all the same: what a view would
 * need later counts in its memory now, and a view cannot fail. Rooms are powers of two. */
bool fl_batch_grow(flowan_batch *batch)
{
    if (!fl_batch_reserve_rows(batch, batch->rows + 1))
        return false;
    size_t rows = batch->rows;
    if (rows < ROOM_MIN || (rows & (rows - 1)) != 0)
        return true;
    for (size_t i = 0; i < batch->column_count; i++)
        if (!fl_column_reserve(batch, batch->columns[i], rows + 1))
            return false;
    return true;
}

size_t fl_batch_room(const flowan_batch *batch)
{
    size_t room = ROOM_MIN;
    while (room <= batch->rows)
        room *= 2;
    return room < batch->rows_room ? room : batch->rows_room;
}

flowan_status fl_batch_admit(flowan_batch *batch, const fl_value *values, size_t count,
                             fl_column **columns, uint16_t *shape)
{
    if (!has_room(batch, values, count))
        return FLOWAN_FULL;
    if (!fl_batch_grow(batch))
        return FLOWAN_ERROR_MEMORY;
    for (size_t i = 0; i < count; i++) {
        columns[i] = use_column(batch, &values[i]);
        if (!columns[i] || !fl_column_reserve(batch, columns[i], batch->rows + 1))
            return FLOWAN_ERROR_MEMORY;
        int spelling = values[i].spelt ? fl_batch_intern_spelling(batch, values[i].key,
                                                                  values[i].key_size)
                                       : 0;
        if (spelling < 0)
            return FLOWAN_ERROR_MEMORY;
        batch->scratch[i] = FL_SHAPE_FIELD(columns[i]->index, values[i].kind, spelling);
    }
    int id = fl_batch_intern_shape(batch, batch->scratch, count);
    *shape = (uint16_t)id;
    return id < 0 ? FLOWAN_ERROR_MEMORY : FLOWAN_OK;
}

void fl_batch_settle(flowan_batch *batch)
{
    size_t row = batch->settled;
    while (row < batch->rows) {
        size_t end = row + 1;
        while (end < batch->rows && batch->shape_of_row[end] == batch->shape_of_row[row])
            end++;
        size_t count;
        const fl_shape_field *shape =
            fl_batch_shape(batch, batch->shape_of_row[row], &count);
        for (size_t i = 0; i < count; i++)
            if (fl_kind_has_value(FL_SHAPE_KIND(shape[i])))
                mark_present(batch->columns[FL_SHAPE_COLUMN(shape[i])], row, end);
        row = end;
    }
    batch->settled = batch->rows;
}

flowan_status fl_batch_append(flowan_batch *batch, const fl_value *values, size_t count,
                              const char *raw, uint64_t source_offset, size_t text_size,
                              size_t raw_size)
{
    size_t row = batch->rows;
    uint16_t shape;
    /* First all that can fail, then the writing: a failure leaves no half record. */
    flowan_status status =
        fl_batch_admit(batch, values, count, batch->scratch_columns, &shape);
    if (status != FLOWAN_OK)
        return status;
    if (raw && (!fl_column_reserve(batch, batch->raw, row + 1) ||
                !fl_column_reserve_items(batch, batch->raw, raw_size)))
        return FLOWAN_ERROR_MEMORY;
    for (size_t i = 0; i < count; i++)
        if (fl_type_is_run(values[i].type) &&
            !fl_column_reserve_items(batch, batch->scratch_columns[i], values[i].count))
            return FLOWAN_ERROR_MEMORY;
    for (size_t i = 0; i < count; i++)
        if (fl_kind_has_value(values[i].kind))
            fl_column_set(batch->scratch_columns[i], row, &values[i]);
    if (raw) {
        fl_value text = {.type = FLOWAN_TYPE_TEXT, .items = raw, .count = raw_size};
        fl_column_set(batch->raw, row, &text);
        mark_present(batch->raw, row, row + 1);
    }
    batch->shape_of_row[row] = shape;
    batch->offset_of_row[row] = source_offset;
    batch->size_of_row[row] = (uint32_t)text_size;
    batch->rows = row + 1;
    fl_batch_settle(batch);
    return FLOWAN_OK;
}

flowan_status fl_batch_append_reject(flowan_batch *batch, flowan_reject_reason reason,
                                     bool continued, uint64_t offset, const char *data,
                                     size_t size)
{
    while (size > 0) {
        size_t piece = size < FL_REJECT_PIECE_SIZE ? size : FL_REJECT_PIECE_SIZE;
        if (!fl_memory_grow((void **)&batch->rejects, &batch->rejects_room,
                            batch->reject_count + 1, sizeof *batch->rejects))
            return FLOWAN_ERROR_MEMORY;
        size_t start = batch->reject_text.size;
        fl_buffer_append(&batch->reject_text, data, piece);
        if (batch->reject_text.failed) {
            batch->reject_text.failed = false;
            return FLOWAN_ERROR_MEMORY;
        }
        batch->rejects[batch->reject_count++] =
            (fl_reject){reason, continued, offset, start, piece};
        continued = true;
        offset += piece;
        data += piece;
        size -= piece;
    }
    return FLOWAN_OK;
}

bool fl_batch_rejects_full(const flowan_batch *batch)
{
    return batch->reject_text.size >= FL_REJECTS_SIZE ||
           batch->reject_count >= FL_REJECTS_SIZE / 64;
}

/* --- views --- */

size_t flowan_batch_columns(const flowan_batch *batch)
{
    return batch->column_count;
}

bool flowan_batch_column(const flowan_batch *batch, size_t index, flowan_column *out)
{
    if (index >= batch->column_count)
        return false;
    fl_column *column = batch->columns[index];
    /* Room is there, but for a column that was put into use in a batch without rows. */
    if (!fl_column_reserve((flowan_batch *)batch, column, batch->rows ? batch->rows : 1))
        return false;
    fl_column_view(column, batch->rows, out);
    return true;
}

bool flowan_batch_field(const flowan_batch *batch, flowan_field field,
                        flowan_column *out)
{
    fl_column *column = fl_batch_known(batch, (int)field);
    return column && flowan_batch_column(batch, column->index, out);
}

fl_column *fl_batch_known(const flowan_batch *batch, int field)
{
    if (field < 0 || field >= (int)FLOWAN_FIELD_COUNT)
        return NULL;
    fl_column *column = batch->known[field];
    return in_use(batch, column) ? column : NULL;
}

const fl_shape_field *fl_batch_shape(const flowan_batch *batch, size_t shape,
                                     size_t *count)
{
    size_t size;
    const char *bytes = fl_hash_key(&batch->shapes, shape, &size);
    *count = size / sizeof(fl_shape_field);
    return (const fl_shape_field *)(const void *)bytes;
}

const char *fl_batch_spelling(const flowan_batch *batch, size_t spelling, size_t *size)
{
    return fl_hash_key(&batch->spellings, spelling - 1, size);
}

const char *fl_batch_raw(const flowan_batch *batch, size_t row, size_t *size)
{
    fl_column *raw = batch->raw;
    *size = 0;
    if (!raw || row >= raw->room || !fl_column_present(raw, row))
        return NULL;
    *size = raw->offset[row + 1] - raw->offset[row];
    return (const char *)raw->items + raw->offset[row];
}

size_t flowan_batch_rejects(const flowan_batch *batch)
{
    return batch->reject_count;
}

bool flowan_batch_reject(const flowan_batch *batch, size_t index, flowan_reject *out)
{
    if (index >= batch->reject_count)
        return false;
    const fl_reject *reject = &batch->rejects[index];
    *out = (flowan_reject){reject->reason, reject->continued, reject->offset,
                           batch->reject_text.data + reject->start, reject->size};
    return true;
}

const char *flowan_reject_reason_text(flowan_reject_reason reason)
{
    switch (reason) {
    case FLOWAN_REJECT_JUNK: return "junk";
    case FLOWAN_REJECT_SYNTAX: return "syntax";
    case FLOWAN_REJECT_TORN: return "torn";
    case FLOWAN_REJECT_TOO_LONG: return "too long";
    case FLOWAN_REJECT_REASONS: break;
    }
    return "unknown";
}
