/* Batches to text: the handle, which looks up the columns of chosen fields, asks its
 * format for rows and writes them out. The exact text of records is render's. */
#include "encode.h"

#include <string.h>

#include "render.h"
#include "status.h"

enum { WRITE_SIZE = 1 << 18, COLUMNS = 100 };

/* --- exact --- */

static bool open_exact(flowan_encoder *encoder, const flowan_encoder_options *options)
{
    (void)options;
    encoder->state = fl_memory_zalloc(1, sizeof(fl_render));
    return encoder->state;
}

static void close_exact(flowan_encoder *encoder)
{
    if (encoder->state)
        fl_render_free(encoder->state);
    fl_memory_free(encoder->state);
}

static bool begin_exact(flowan_encoder *encoder, const flowan_batch *batch)
{
    return fl_render_begin(encoder->state, batch);
}

static void put_exact(flowan_encoder *encoder, size_t row)
{
    fl_render_next(encoder->state, &encoder->out, row);
    fl_buffer_byte(&encoder->out, '\n');
}

static const fl_encode_format exact = {
    .open = open_exact, .close = close_exact, .begin = begin_exact, .row = put_exact};

/* --- the handle --- */

static const fl_encode_format *const formats[] = {
    [FLOWAN_FORMAT_EXACT] = &exact,
    [FLOWAN_FORMAT_JSON] = &fl_encode_json,
    [FLOWAN_FORMAT_CSV] = &fl_encode_csv,
    [FLOWAN_FORMAT_TABLE] = &fl_encode_table,
};

static bool find_columns(flowan_encoder *encoder, const flowan_batch *batch)
{
    for (size_t i = 0; i < encoder->field_count; i++) {
        fl_encode_field *f = &encoder->fields[i];
        f->count = 0;
        for (size_t k = 0; k < batch->column_count; k++) {
            fl_column *column = batch->columns[k];
            if (column->name_size != f->name_size ||
                memcmp(column->name, f->name, f->name_size) != 0)
                continue;
            if (!fl_memory_grow((void **)&f->columns, &f->room, f->count + 1,
                                sizeof(fl_column *)))
                return false;
            f->columns[f->count++] = column;
        }
    }
    return true;
}

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
        size_t size = strlen(names[i]);
        char *name = fl_memory_alloc(size + 1, 1);
        if (!name)
            return false;
        memcpy(name, names[i], size + 1);
        encoder->fields[encoder->field_count++] =
            (fl_encode_field){.name = name, .name_size = size};
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

/* NULL for a number that is no format. */
static const fl_encode_format *format_of(flowan_format format)
{
    return (size_t)format < sizeof formats / sizeof *formats ? formats[format] : NULL;
}

flowan_status flowan_encoder_new(flowan_encoder **out,
                                 const flowan_encoder_options *options,
                                 flowan_error *error)
{
    *out = NULL;
    if (!options || !fl_status_options_fit(options, sizeof *options) ||
        !options->write || !format_of(options->format))
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
    encoder->format = format_of(options->format);
    encoder->chosen = options->fields != NULL;
    encoder->columns = options->columns ? options->columns : COLUMNS;
    encoder->write = options->write;
    encoder->context = options->context;
    const char *const *names = options->fields;
    size_t count = options->field_count;
    if (!names) {
        names = encoder->format->fields;
        count = encoder->format->field_count;
    }
    if ((names && !copy_fields(encoder, names, count)) ||
        (encoder->format->open && !encoder->format->open(encoder, options))) {
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
    if (encoder->format->close)
        encoder->format->close(encoder);
    for (size_t i = 0; i < encoder->field_count; i++) {
        fl_memory_free(encoder->fields[i].name);
        fl_memory_free(encoder->fields[i].columns);
    }
    fl_memory_free(encoder->fields);
    fl_memory_free(encoder->names);
    fl_buffer_free(&encoder->out);
    fl_encode_rows_free(&encoder->rows);
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

/* What stands before the first row, once. */
static bool put_head(flowan_encoder *encoder, const flowan_batch *batch,
                     const flowan_selection *selection)
{
    if (encoder->begun)
        return true;
    encoder->begun = true;
    return !encoder->format->head || encoder->format->head(encoder, batch, selection);
}

flowan_status flowan_encoder_write(flowan_encoder *encoder, const flowan_batch *batch,
                                   const flowan_selection *selection,
                                   flowan_error *error)
{
    size_t rows = selection ? selection->count : batch->rows;
    if (rows == 0)
        return FLOWAN_OK;
    if (!find_columns(encoder, batch) ||
        (encoder->format->plan && !fl_encode_rows_begin(encoder, batch)) ||
        (encoder->format->begin && !encoder->format->begin(encoder, batch)) ||
        !put_head(encoder, batch, selection))
        return fl_status_memory(error);
    for (size_t i = 0; i < rows; i++) {
        encoder->format->row(encoder, selection ? selection->rows[i] : i);
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
    if (!put_head(encoder, NULL, NULL))
        return fl_status_memory(error);
    return flush(encoder, error);
}
