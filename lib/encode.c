/* Batches to text, row by row. A value's text is made in one place for all formats;
 * what differs is quoting and what stands around it. */
#include "flowan/encode.h"

#include <string.h>

#include "batch.h"
#include "names.h"
#include "quote.h"
#include "render.h"
#include "status.h"
#include "text.h"

enum { WRITE_SIZE = 1 << 18, TABLE_WIDTH = 100, TABLE_SAMPLE = 200, WIDTH_MAX = 64 };

/* A field of the output, and the batch's columns of that name: one a type. */
typedef struct field {
    char *name;
    fl_column **columns;
    size_t count;
    size_t room;
    size_t width; /* TABLE */
    bool right;
} field;

struct flowan_encoder {
    flowan_format format;
    bool chosen; /* fields were named */
    field *fields;
    const char **names; /* of the fields, and of what these need */
    size_t fields_made; /* a table may show fewer */
    size_t field_count;
    size_t name_count;
    uint32_t columns;
    flowan_write_function write;
    void *context;
    fl_buffer out;
    fl_buffer cell;
    fl_render render;
    bool begun; /* the header line is written */
};

/* --- one value --- */

typedef enum quoting { QUOTE_JSON, QUOTE_NONE } quoting;

static void put_quote(fl_buffer *out, quoting quote)
{
    if (quote == QUOTE_JSON)
        fl_buffer_byte(out, '"');
}

static void put_address(fl_buffer *out, const flowan_address *address, quoting quote)
{
    put_quote(out, quote);
    char *room = fl_buffer_reserve(out, FL_TEXT_ADDRESS_SIZE);
    if (room)
        out->size += fl_text_put_address(room, address);
    put_quote(out, quote);
}

static void put_number_or_name(fl_buffer *out, int field_id, uint64_t number,
                               quoting quote)
{
    const char *name =
        field_id >= 0 ? fl_names_of((flowan_field)field_id, number) : NULL;
    if (!name) {
        fl_render_u64(out, number);
        return;
    }
    put_quote(out, quote);
    fl_buffer_text(out, name);
    put_quote(out, quote);
}

/* "10.8.0.0/16" where the record has the address that it is the length of. */
static void put_prefix(fl_buffer *out, const flowan_batch *batch, const fl_value *value,
                       size_t row, quoting quote)
{
    fl_column *column = fl_batch_known(batch, fl_prefix_address(value->field));
    const flowan_address *own =
        column && row < column->room && fl_column_present(column, row)
            ? (const flowan_address *)column->cells + row
            : NULL;
    bool ipv6 = own && !fl_text_is_ipv4(own);
    if (!own || value->number > (ipv6 ? 128 : 32)) {
        fl_render_u64(out, value->number);
        return;
    }
    put_quote(out, quote);
    fl_render_cidr(out, own, value->number, ipv6);
    put_quote(out, quote);
}

static void put_list(fl_buffer *out, const fl_value *value)
{
    fl_buffer_byte(out, '[');
    for (size_t i = 0; i < value->count; i++) {
        if (i)
            fl_buffer_byte(out, ',');
        if (value->type == FLOWAN_TYPE_LIST_ADDRESS)
            put_address(out, (const flowan_address *)value->items + i, QUOTE_JSON);
        else
            put_number_or_name(out, value->field, ((const uint64_t *)value->items)[i],
                               QUOTE_JSON);
    }
    fl_buffer_byte(out, ']');
}

static void put_value(fl_buffer *out, const flowan_batch *batch, const fl_value *value,
                      size_t row, quoting quote)
{
    char *room;
    switch (value->type) {
    case FLOWAN_TYPE_U32:
    case FLOWAN_TYPE_U64:
    case FLOWAN_TYPE_TIME: fl_render_u64(out, value->number); return;
    case FLOWAN_TYPE_BOOL:
        fl_buffer_text(out, value->number ? "true" : "false");
        return;
    case FLOWAN_TYPE_MAC:
        put_quote(out, quote);
        room = fl_buffer_reserve(out, FL_TEXT_MAC_SIZE);
        if (room)
            out->size += fl_text_put_mac(room, value->number);
        put_quote(out, quote);
        return;
    case FLOWAN_TYPE_ENUM:
        put_number_or_name(out, value->field, value->number, quote);
        return;
    case FLOWAN_TYPE_PREFIX: put_prefix(out, batch, value, row, quote); return;
    case FLOWAN_TYPE_ADDRESS: put_address(out, &value->address, quote); return;
    case FLOWAN_TYPE_TEXT:
        if (quote == QUOTE_JSON)
            fl_quote_json(out, value->items, value->count);
        else
            fl_buffer_append(out, value->items, value->count);
        return;
    case FLOWAN_TYPE_JSON: fl_quote_valid(out, value->items, value->count); return;
    case FLOWAN_TYPE_LIST_U64:
    case FLOWAN_TYPE_LIST_ADDRESS: put_list(out, value); return;
    }
}

/* --- chosen fields --- */

static bool find_columns(flowan_encoder *encoder, const flowan_batch *batch)
{
    for (size_t i = 0; i < encoder->field_count; i++) {
        field *f = &encoder->fields[i];
        size_t size = strlen(f->name);
        f->count = 0;
        for (size_t k = 0; k < batch->column_count; k++) {
            fl_column *column = batch->columns[k];
            if (column->name_size != size || memcmp(column->name, f->name, size) != 0)
                continue;
            if (!fl_memory_grow((void **)&f->columns, &f->room, f->count + 1,
                                sizeof(fl_column *)))
                return false;
            f->columns[f->count++] = column;
        }
    }
    return true;
}

/* The value of a field in a row; false where it is absent. */
static bool get_value(const field *f, size_t row, fl_value *value)
{
    for (size_t i = 0; i < f->count; i++) {
        fl_column *column = f->columns[i];
        if (row >= column->room || !fl_column_present(column, row))
            continue;
        /* any kind that has a value: the text is made from the type */
        fl_column_value(column, row, FL_KIND_INT, value);
        return true;
    }
    return false;
}

/* --- JSON --- */

static void put_member(fl_buffer *out, bool *first, const fl_value *value,
                       const flowan_batch *batch, size_t row)
{
    fl_buffer_byte(out, *first ? '{' : ',');
    *first = false;
    fl_quote_json(out, value->key, value->key_size);
    fl_buffer_byte(out, ':');
    put_value(out, batch, value, row, QUOTE_JSON);
}

static void put_json(flowan_encoder *encoder, const flowan_batch *batch, size_t row)
{
    fl_buffer *out = &encoder->out;
    bool first = true;
    fl_value value;
    if (encoder->chosen) {
        for (size_t i = 0; i < encoder->field_count; i++)
            if (get_value(&encoder->fields[i], row, &value))
                put_member(out, &first, &value, batch, row);
    } else {
        size_t count;
        const fl_shape_field *shape =
            fl_batch_shape(batch, batch->shape_of_row[row], &count);
        for (size_t i = 0; i < count; i++) {
            if (!fl_kind_has_value(FL_SHAPE_KIND(shape[i])))
                continue;
            fl_column_value(batch->columns[FL_SHAPE_COLUMN(shape[i])], row,
                            FL_SHAPE_KIND(shape[i]), &value);
            put_member(out, &first, &value, batch, row);
        }
    }
    fl_buffer_text(out, first ? "{}\n" : "}\n");
}

/* --- CSV --- */

static void put_csv_header(flowan_encoder *encoder)
{
    for (size_t i = 0; i < encoder->field_count; i++) {
        if (i)
            fl_buffer_byte(&encoder->out, ',');
        fl_quote_csv(&encoder->out, encoder->fields[i].name,
                     strlen(encoder->fields[i].name));
    }
    fl_buffer_text(&encoder->out, "\r\n");
}

static void put_cell(flowan_encoder *encoder, size_t index, const flowan_batch *batch,
                     size_t row)
{
    fl_value value;
    fl_buffer_clear(&encoder->cell);
    if (get_value(&encoder->fields[index], row, &value))
        put_value(&encoder->cell, batch, &value, row, QUOTE_NONE);
}

static void put_csv(flowan_encoder *encoder, const flowan_batch *batch, size_t row)
{
    for (size_t i = 0; i < encoder->field_count; i++) {
        if (i)
            fl_buffer_byte(&encoder->out, ',');
        put_cell(encoder, i, batch, row);
        fl_quote_csv(&encoder->out, encoder->cell.data ? encoder->cell.data : "",
                     encoder->cell.size);
    }
    fl_buffer_text(&encoder->out, "\r\n");
}

/* --- table --- */

static const char *const table_fields[] = {
    "time_flow_start_ns",
    "proto",
    "src_addr",
    "src_port",
    "dst_addr",
    "dst_port",
    "packets",
    "bytes",
    "post_nat_src_ipv4_address",
    "post_nat_dst_ipv4_address",
};

static bool is_time(const field *f)
{
    int id = flowan_field_find(f->name, strlen(f->name));
    return id >= 0 && flowan_field_info_of((flowan_field)id)->type == FLOWAN_TYPE_TIME;
}

static bool is_numeric(const field *f)
{
    int id = flowan_field_find(f->name, strlen(f->name));
    if (id < 0)
        return false;
    flowan_type type = flowan_field_info_of((flowan_field)id)->type;
    return type == FLOWAN_TYPE_U32 || type == FLOWAN_TYPE_U64;
}

/* A cell for people: times as RFC 3339, "-" where there is nothing, no control bytes. */
static void put_table_cell(flowan_encoder *encoder, size_t index,
                           const flowan_batch *batch, size_t row)
{
    fl_value value;
    put_cell(encoder, index, batch, row);
    if (encoder->cell.size == 0) {
        fl_buffer_byte(&encoder->cell, '-');
    } else if (is_time(&encoder->fields[index]) &&
               get_value(&encoder->fields[index], row, &value) &&
               value.type == FLOWAN_TYPE_TIME) {
        fl_buffer_clear(&encoder->cell);
        char *room = fl_buffer_reserve(&encoder->cell, FL_TEXT_TIME_SIZE);
        if (room)
            encoder->cell.size += fl_text_put_time(room, value.number);
    }
    for (size_t i = 0; i < encoder->cell.size; i++)
        if ((unsigned char)encoder->cell.data[i] < 0x20 ||
            encoder->cell.data[i] == 0x7f)
            encoder->cell.data[i] = '?';
}

static size_t characters(const char *text, size_t size)
{
    size_t count = 0;
    for (size_t i = 0; i < size; i++)
        count += ((unsigned char)text[i] & 0xc0) != 0x80;
    return count;
}

static void put_padded(flowan_encoder *encoder, const field *f, const char *text,
                       size_t size, bool last)
{
    size_t width = characters(text, size);
    size_t pad = width < f->width ? f->width - width : 0;
    for (size_t i = 0; f->right && i < pad; i++)
        fl_buffer_byte(&encoder->out, ' ');
    fl_quote_valid(&encoder->out, text, size);
    for (size_t i = 0; !f->right && !last && i < pad; i++)
        fl_buffer_byte(&encoder->out, ' ');
    fl_buffer_text(&encoder->out, last ? "\n" : "  ");
}

/* Headings of the common fields: short, since lines are. */
static const char *heading(const field *f)
{
    static const char *const shorter[][2] = {
        {"time_flow_start_ns", "start (UTC)"},
        {"time_flow_end_ns", "end (UTC)"},
        {"time_received_ns", "received (UTC)"},
        {"post_nat_src_ipv4_address", "post_nat_src"},
        {"post_nat_dst_ipv4_address", "post_nat_dst"},
    };
    for (size_t i = 0; i < sizeof shorter / sizeof *shorter; i++)
        if (strcmp(f->name, shorter[i][0]) == 0)
            return shorter[i][1];
    return f->name;
}

/* Widths from the first rows, then the header line; fields that do not fit the terminal
 * any more are left out where they were not asked for. */
static void begin_table(flowan_encoder *encoder, const flowan_batch *batch,
                        const flowan_selection *selection)
{
    size_t rows = selection ? selection->count : batch->rows;
    size_t total = 0;
    size_t kept = encoder->field_count;
    for (size_t i = 0; i < encoder->field_count; i++) {
        field *f = &encoder->fields[i];
        f->right = is_numeric(f);
        f->width = strlen(heading(f));
        for (size_t k = 0; k < rows && k < TABLE_SAMPLE; k++) {
            put_table_cell(encoder, i, batch, selection ? selection->rows[k] : k);
            size_t width = characters(encoder->cell.data, encoder->cell.size);
            f->width = width > f->width ? width : f->width;
        }
        f->width = f->width > WIDTH_MAX ? WIDTH_MAX : f->width;
        total += f->width + (i ? 2 : 0);
        if (!encoder->chosen && total > encoder->columns && kept > i)
            kept = i ? i : 1;
    }
    encoder->field_count = kept;
    for (size_t i = 0; i < kept; i++)
        put_padded(encoder, &encoder->fields[i], heading(&encoder->fields[i]),
                   strlen(heading(&encoder->fields[i])), i + 1 == kept);
}

static void put_table(flowan_encoder *encoder, const flowan_batch *batch, size_t row)
{
    for (size_t i = 0; i < encoder->field_count; i++) {
        put_table_cell(encoder, i, batch, row);
        put_padded(encoder, &encoder->fields[i], encoder->cell.data, encoder->cell.size,
                   i + 1 == encoder->field_count);
    }
}

/* --- the handle --- */

static bool copy_fields(flowan_encoder *encoder, const char *const *names, size_t count)
{
    encoder->fields = fl_memory_zalloc(count, sizeof *encoder->fields);
    /* the text of a prefix needs its address */
    encoder->names = fl_memory_alloc(count + 2, sizeof *encoder->names);
    if (!encoder->fields || !encoder->names)
        return false;
    bool src_net = false;
    bool dst_net = false;
    for (size_t i = 0; i < count; i++) {
        char *name = fl_memory_alloc(strlen(names[i]) + 1, 1);
        if (!name)
            return false;
        memcpy(name, names[i], strlen(names[i]) + 1);
        encoder->fields[encoder->field_count++].name = name;
        encoder->fields_made = encoder->field_count;
        encoder->names[encoder->name_count++] = name;
        src_net |= strcmp(name, "src_net") == 0;
        dst_net |= strcmp(name, "dst_net") == 0;
    }
    if (src_net)
        encoder->names[encoder->name_count++] = "src_addr";
    if (dst_net)
        encoder->names[encoder->name_count++] = "dst_addr";
    return true;
}

flowan_status flowan_encoder_new(flowan_encoder **out,
                                 const flowan_encoder_options *options,
                                 flowan_error *error)
{
    *out = NULL;
    if (!options || !fl_status_options_fit(options, sizeof *options) ||
        !options->write || options->format < FLOWAN_FORMAT_EXACT ||
        options->format > FLOWAN_FORMAT_TABLE)
        return fl_status_fail(
            error, FLOWAN_ERROR_ARGUMENT, FL_NO_OFFSET,
            "encoder options: no format or nowhere to write, or unknown "
            "members");
    if (options->fields && options->format == FLOWAN_FORMAT_EXACT)
        return fl_status_fail(
            error, FLOWAN_ERROR_ARGUMENT, FL_NO_OFFSET,
            "exact output gives whole records: no fields can be chosen");
    if (!options->fields && options->format == FLOWAN_FORMAT_CSV)
        return fl_status_fail(error, FLOWAN_ERROR_ARGUMENT, FL_NO_OFFSET,
                              "CSV needs its fields named");
    flowan_encoder *encoder = fl_memory_zalloc(1, sizeof *encoder);
    if (!encoder)
        return fl_status_memory(error);
    encoder->format = options->format;
    encoder->chosen = options->fields != NULL;
    encoder->columns = options->columns ? options->columns : TABLE_WIDTH;
    encoder->write = options->write;
    encoder->context = options->context;
    const char *const *names = options->fields;
    size_t count = options->field_count;
    if (!names && options->format == FLOWAN_FORMAT_TABLE) {
        names = table_fields;
        count = sizeof table_fields / sizeof *table_fields;
    }
    if (names && !copy_fields(encoder, names, count)) {
        flowan_encoder_free(encoder);
        return fl_status_memory(error);
    }
    *out = encoder;
    return FLOWAN_OK;
}

void flowan_encoder_free(flowan_encoder *encoder)
{
    if (!encoder)
        return;
    for (size_t i = 0; i < encoder->fields_made; i++) {
        fl_memory_free(encoder->fields[i].name);
        fl_memory_free(encoder->fields[i].columns);
    }
    fl_memory_free(encoder->fields);
    fl_memory_free(encoder->names);
    fl_buffer_free(&encoder->out);
    fl_buffer_free(&encoder->cell);
    fl_render_free(&encoder->render);
    fl_memory_free(encoder);
}

const char *const *flowan_encoder_columns(const flowan_encoder *encoder, size_t *count)
{
    *count = encoder->name_count;
    return encoder->names;
}

static flowan_status flush(flowan_encoder *encoder, flowan_error *error)
{
    if (encoder->out.failed)
        return fl_status_memory(error);
    if (encoder->out.size == 0)
        return FLOWAN_OK;
    int number = encoder->write(encoder->context, encoder->out.data, encoder->out.size);
    fl_buffer_clear(&encoder->out);
    if (number == 0)
        return FLOWAN_OK;
    flowan_status status = fl_status_errno(error, number, "write", "the output");
    if (error)
        error->offset = (uint64_t)number;
    return status == FLOWAN_ERROR_NOT_FOUND ? FLOWAN_ERROR_IO : status;
}

flowan_status flowan_encoder_write(flowan_encoder *encoder, const flowan_batch *batch,
                                   const flowan_selection *selection,
                                   flowan_error *error)
{
    size_t rows = selection ? selection->count : batch->rows;
    if (rows == 0)
        return FLOWAN_OK;
    if (!find_columns(encoder, batch) || (encoder->format == FLOWAN_FORMAT_EXACT &&
                                          !fl_render_begin(&encoder->render, batch)))
        return fl_status_memory(error);
    if (!encoder->begun && encoder->format == FLOWAN_FORMAT_CSV)
        put_csv_header(encoder);
    if (!encoder->begun && encoder->format == FLOWAN_FORMAT_TABLE)
        begin_table(encoder, batch, selection);
    encoder->begun = true;
    for (size_t i = 0; i < rows; i++) {
        size_t row = selection ? selection->rows[i] : i;
        switch (encoder->format) {
        case FLOWAN_FORMAT_EXACT:
            fl_render_next(&encoder->render, &encoder->out, row);
            fl_buffer_byte(&encoder->out, '\n');
            break;
        case FLOWAN_FORMAT_JSON: put_json(encoder, batch, row); break;
        case FLOWAN_FORMAT_CSV: put_csv(encoder, batch, row); break;
        case FLOWAN_FORMAT_TABLE: put_table(encoder, batch, row); break;
        }
        if (encoder->out.size >= WRITE_SIZE) {
            flowan_status status = flush(encoder, error);
            if (status != FLOWAN_OK)
                return status;
        }
    }
    return flush(encoder, error);
}

flowan_status flowan_encoder_finish(flowan_encoder *encoder, flowan_error *error)
{
    if (!encoder->begun && encoder->format == FLOWAN_FORMAT_CSV)
        put_csv_header(encoder);
    encoder->begun = true;
    return flush(encoder, error);
}
