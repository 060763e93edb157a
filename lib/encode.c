/* Batches to text: the handle, which looks up the columns of chosen fields, asks its
 * format for rows and writes them out. The exact text of records is render's. */
#include "encode.h"

#include <string.h>

#include "render.h"
#include "status.h"

enum { WRITE_SIZE = 1 << 18, COLUMNS = 100 };

/* --- exact --- */

static flowan_status open_exact(flowan_encoder *encoder,
                                const flowan_encoder_options *options,
                                flowan_error *error)
{
    (void)options;
    encoder->state = fl_memory_zalloc(1, sizeof(fl_render));
    return encoder->state ? FLOWAN_OK : fl_status_memory(error);
}

static void close_exact(flowan_encoder *encoder)
{
    if (encoder->state)
        fl_render_free(encoder->state);
    fl_memory_free(encoder->state);
}

static flowan_status begin_exact(flowan_encoder *encoder, const flowan_batch *batch,
                                 const flowan_selection *selection, flowan_error *error)
{
    (void)selection;
    return fl_render_begin(encoder->state, batch) ? FLOWAN_OK : fl_status_memory(error);
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
    [FLOWAN_FORMAT_EXACT] = &exact,       [FLOWAN_FORMAT_JSON] = &fl_encode_json,
    [FLOWAN_FORMAT_CSV] = &fl_encode_csv, [FLOWAN_FORMAT_TABLE] = &fl_encode_table,
    [FLOWAN_FORMAT_ECS] = &fl_encode_ecs,
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

/* What the options exclude; FLOWAN_OK when they can be done. */
static flowan_status check_options(const flowan_encoder_options *options,
                                   flowan_error *error)
{
    if (!options->write || !format_of(options->format))
        return fl_status_fail(error, FLOWAN_ERROR_ARGUMENT, FL_NO_OFFSET,
                              "encoder options: no format or nowhere to write");
    if (options->fields && options->format == FLOWAN_FORMAT_EXACT)
        return fl_status_fail(
            error, FLOWAN_ERROR_ARGUMENT, FL_NO_OFFSET,
            "exact output gives whole records: no fields can be chosen");
    if (options->fields && options->format == FLOWAN_FORMAT_ECS)
        return fl_status_fail(
            error, FLOWAN_ERROR_ARGUMENT, FL_NO_OFFSET,
            "a document of ECS has its own fields: none can be chosen");
    if (!options->fields && options->format == FLOWAN_FORMAT_CSV)
        return fl_status_fail(error, FLOWAN_ERROR_ARGUMENT, FL_NO_OFFSET,
                              "CSV needs its fields named");
    return FLOWAN_OK;
}

flowan_status flowan_encoder_new(flowan_encoder **out,
                                 const flowan_encoder_options *given,
                                 flowan_error *error)
{
    *out = NULL;
    flowan_encoder_options options = {0};
    if (!given || !fl_status_options_fit(given, sizeof *given))
        return fl_status_fail(error, FLOWAN_ERROR_ARGUMENT, FL_NO_OFFSET,
                              "encoder options: there are none, or unknown members");
    memcpy(&options, given,
           given->size < sizeof options ? given->size : sizeof options);
    flowan_status status = check_options(&options, error);
    if (status != FLOWAN_OK)
        return status;
    flowan_encoder *encoder = fl_memory_zalloc(1, sizeof *encoder);
    if (!encoder)
        return fl_status_memory(error);
    encoder->format = format_of(options.format);
    encoder->chosen = options.fields != NULL;
    encoder->columns = options.columns ? options.columns : COLUMNS;
    encoder->write = options.write;
    encoder->context = options.context;
    const char *const *names = options.fields;
    size_t count = options.field_count;
    if (!names) {
        names = encoder->format->fields;
        count = encoder->format->field_count;
    }
    if (names && !copy_fields(encoder, names, count))
        status = fl_status_memory(error);
    if (status == FLOWAN_OK && encoder->format->open)
        status = encoder->format->open(encoder, &options, error);
    if (status != FLOWAN_OK) {
        flowan_encoder_free(encoder);
        return status;
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
    flowan_status status = FLOWAN_OK;
    if (!find_columns(encoder, batch) ||
        (encoder->format->plan && !fl_encode_rows_begin(encoder, batch)))
        return fl_status_memory(error);
    if (encoder->format->begin)
        status = encoder->format->begin(encoder, batch, selection, error);
    if (status != FLOWAN_OK)
        return status;
    if (!put_head(encoder, batch, selection))
        return fl_status_memory(error);
    for (size_t i = 0; i < rows; i++) {
        encoder->format->row(encoder, selection ? selection->rows[i] : i);
        if (encoder->out.size >= WRITE_SIZE) {
            status = flush(encoder, error);
            if (status != FLOWAN_OK)
                return status;
        }
    }
    return flush(encoder, error);
}

flowan_status flowan_encoder_reject(flowan_encoder *encoder,
                                    const flowan_reject *reject, flowan_error *error)
{
    if (!encoder->format->reject)
        return FLOWAN_OK;
    encoder->format->reject(encoder, reject);
    return flush(encoder, error);
}

flowan_status flowan_encoder_finish(flowan_encoder *encoder, flowan_error *error)
{
    if (!put_head(encoder, NULL, NULL))
        return fl_status_memory(error);
    return flush(encoder, error);
}
