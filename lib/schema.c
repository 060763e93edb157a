/* Which columns a set of inputs has: the union over their blocks and records. */
#include <stdlib.h>
#include <string.h>

#include "flowan/archive.h"
#include "flowan/scan.h"
#include "hash.h"
#include "status.h"

/* How often an archive may change while it is looked through. */
enum { LISTINGS_MAX = 100 };

struct flowan_schema {
    flowan_schema_options options;
    fl_hash keys; /* type byte + name → index */
    flowan_schema_column *columns;
    size_t columns_room;
    flowan_schema_column *sorted; /* with names that stay */
    uint64_t rows;
};

static bool add(flowan_schema *schema, const flowan_column *column)
{
    fl_buffer key = {0};
    fl_buffer_byte(&key, (char)column->type);
    fl_buffer_append(&key, column->name, column->name_size);
    bool added = false;
    int64_t at = key.failed ? FL_HASH_NONE
                            : fl_hash_put(&schema->keys, key.data, key.size, &added);
    fl_buffer_free(&key);
    if (at < 0 || !fl_memory_grow((void **)&schema->columns, &schema->columns_room,
                                  (size_t)at + 1, sizeof *schema->columns))
        return false;
    if (added)
        schema->columns[at] = (flowan_schema_column){.name_size = column->name_size,
                                                     .field = column->field,
                                                     .type = column->type};
    schema->columns[at].present += column->present_count;
    return true;
}

static flowan_status add_block(flowan_schema *schema, flowan_reader *reader,
                               size_t block, flowan_error *error)
{
    flowan_column column;
    flowan_status status = FLOWAN_OK;
    for (size_t i = 0;; i++) {
        status = flowan_reader_column(reader, block, i, &column, error);
        if (status != FLOWAN_OK)
            break;
        if (!add(schema, &column))
            return fl_status_memory(error);
    }
    return status == FLOWAN_END ? FLOWAN_OK : status;
}

/* Notes a failure that leaves the rest worth reading; memory is not one. */
static bool is_damage(flowan_status status, size_t *damaged)
{
    if (status == FLOWAN_ERROR_MEMORY)
        return false;
    (*damaged)++;
    return true;
}

static flowan_status add_segment(flowan_schema *schema, flowan_reader *reader,
                                 size_t *damaged, flowan_error *error)
{
    flowan_segment_stats stats;
    for (size_t block = 0; flowan_reader_block(reader, block, &stats); block++) {
        flowan_error detail;
        flowan_status status = add_block(schema, reader, block, &detail);
        schema->rows += stats.rows;
        if (status == FLOWAN_OK)
            continue;
        if (error && *damaged == 0)
            *error = detail;
        if (!is_damage(status, damaged))
            return status;
    }
    return FLOWAN_OK;
}

/* FLOWAN_ERROR_NOT_FOUND: a segment was merged or has expired since the listing. */
static flowan_status add_listed(flowan_schema *schema, const flowan_archive *archive,
                                size_t *damaged, flowan_error *error)
{
    flowan_status status = FLOWAN_OK;
    for (size_t i = 0; status == FLOWAN_OK && i < flowan_archive_segments(archive);
         i++) {
        flowan_reader *reader;
        flowan_error detail;
        status = flowan_archive_reader(archive, i, &reader, &detail);
        if (status == FLOWAN_OK) {
            status = add_segment(schema, reader, damaged, error);
            flowan_reader_free(reader);
            continue;
        }
        if (error && *damaged == 0)
            *error = detail;
        if (status != FLOWAN_ERROR_NOT_FOUND && is_damage(status, damaged))
            status = FLOWAN_OK;
    }
    return status;
}

/* What was counted before the archive; what of it was counted is taken back. */
typedef struct counted {
    uint64_t rows;
    uint64_t *present; /* of the columns that there were */
    size_t columns;
    size_t damaged;
} counted;

static bool remember(counted *before, const flowan_schema *schema, size_t damaged)
{
    *before = (counted){
        .rows = schema->rows, .columns = schema->keys.count, .damaged = damaged};
    before->present = fl_memory_alloc(before->columns, sizeof *before->present);
    for (size_t i = 0; before->present && i < before->columns; i++)
        before->present[i] = schema->columns[i].present;
    return before->present != NULL;
}

static void take_back(flowan_schema *schema, const counted *before, size_t *damaged)
{
    schema->rows = before->rows;
    *damaged = before->damaged;
    for (size_t i = 0; i < schema->keys.count; i++)
        schema->columns[i].present = i < before->columns ? before->present[i] : 0;
}

static flowan_status add_archive(flowan_schema *schema, const char *path,
                                 size_t *damaged, flowan_error *error)
{
    counted before;
    if (!remember(&before, schema, *damaged))
        return fl_status_memory(error);
    flowan_status status = FLOWAN_ERROR_NOT_FOUND;
    for (int i = 0; status == FLOWAN_ERROR_NOT_FOUND && i < LISTINGS_MAX; i++) {
        flowan_archive *archive;
        take_back(schema, &before, damaged);
        status = flowan_archive_open(&archive, path, error);
        if (status != FLOWAN_OK)
            break;
        status = add_listed(schema, archive, damaged, error);
        flowan_archive_free(archive);
    }
    fl_memory_free(before.present);
    return status;
}

static flowan_status add_log(flowan_schema *schema, const char *path, size_t *damaged,
                             flowan_error *error)
{
    flowan_scan *scan;
    flowan_scan_options options = {.size = sizeof options,
                                   .map = schema->options.map,
                                   .map_count = schema->options.map_count};
    flowan_status status = flowan_scan_open(&scan, &path, 1, &options, error);
    while (status == FLOWAN_OK) {
        const flowan_batch *batch;
        const flowan_selection *selection;
        flowan_error detail;
        status = flowan_scan_next(scan, &batch, &selection, &detail);
        flowan_column column;
        for (size_t i = 0;
             status == FLOWAN_OK && flowan_batch_column(batch, i, &column); i++)
            if (!add(schema, &column))
                status = fl_status_memory(error);
        if (status == FLOWAN_OK)
            schema->rows += flowan_batch_rows(batch);
        if (status < 0) {
            if (error && *damaged == 0)
                *error = detail;
            if (is_damage(status, damaged))
                status = FLOWAN_OK;
        }
    }
    flowan_scan_free(scan);
    return status == FLOWAN_END ? FLOWAN_OK : status;
}

static flowan_status add_path(flowan_schema *schema, const char *path, size_t *damaged,
                              flowan_error *error)
{
    flowan_reader *reader;
    flowan_archive *archive;
    if (strcmp(path, "-") != 0) {
        if (flowan_archive_open(&archive, path, NULL) == FLOWAN_OK) {
            flowan_archive_free(archive);
            return add_archive(schema, path, damaged, error);
        }
        if (flowan_reader_open(&reader, path, NULL) == FLOWAN_OK) {
            flowan_status status = add_segment(schema, reader, damaged, error);
            flowan_reader_free(reader);
            return status;
        }
    }
    return add_log(schema, path, damaged, error);
}

static int by_field_then_name(const void *left, const void *right)
{
    const flowan_schema_column *a = left;
    const flowan_schema_column *b = right;
    if (a->field != b->field && (a->field >= 0) != (b->field >= 0))
        return a->field >= 0 ? -1 : 1;
    if (a->field != b->field)
        return a->field - b->field;
    size_t size = a->name_size < b->name_size ? a->name_size : b->name_size;
    int order = memcmp(a->name, b->name, size);
    if (order == 0 && a->name_size != b->name_size)
        order = a->name_size < b->name_size ? -1 : 1;
    return order ? order : (int)a->type - (int)b->type;
}

/* The table's arena holds the names but no NULs: names that can be lent are copied. */
static bool sort(flowan_schema *schema)
{
    schema->sorted = fl_memory_zalloc(schema->keys.count, sizeof *schema->sorted);
    if (!schema->sorted)
        return false;
    for (size_t i = 0; i < schema->keys.count; i++) {
        size_t size;
        const char *key = fl_hash_key(&schema->keys, i, &size);
        char *name = fl_memory_alloc(size, 1);
        if (!name)
            return false;
        memcpy(name, key + 1, size - 1);
        name[size - 1] = 0;
        schema->sorted[i] = schema->columns[i];
        schema->sorted[i].name = name;
    }
    if (schema->keys.count)
        qsort(schema->sorted, schema->keys.count, sizeof *schema->sorted,
              by_field_then_name);
    return true;
}

flowan_status flowan_schema_new(flowan_schema **out, const char *const *paths,
                                size_t count, const flowan_schema_options *options,
                                size_t *damaged, flowan_error *error)
{
    *out = NULL;
    if (!fl_status_options_fit(options, sizeof *options))
        return fl_status_fail(error, FLOWAN_ERROR_ARGUMENT, FL_NO_OFFSET,
                              "schema options: unknown members");
    size_t unwanted = 0;
    damaged = damaged ? damaged : &unwanted;
    *damaged = 0;
    flowan_schema *schema = fl_memory_zalloc(1, sizeof *schema);
    flowan_status status = schema ? FLOWAN_OK : fl_status_memory(error);
    if (schema && options)
        memcpy(&schema->options, options,
               options->size < sizeof *options ? options->size : sizeof *options);
    for (size_t i = 0; status == FLOWAN_OK && i < count; i++)
        status = add_path(schema, paths[i], damaged, error);
    if (status == FLOWAN_OK && !sort(schema))
        status = fl_status_memory(error);
    if (status == FLOWAN_OK)
        *out = schema;
    else
        flowan_schema_free(schema);
    return status;
}

void flowan_schema_free(flowan_schema *schema)
{
    if (!schema)
        return;
    for (size_t i = 0; schema->sorted && i < schema->keys.count; i++)
        fl_memory_free((char *)schema->sorted[i].name);
    fl_memory_free(schema->sorted);
    fl_memory_free(schema->columns);
    fl_hash_free(&schema->keys);
    fl_memory_free(schema);
}

uint64_t flowan_schema_rows(const flowan_schema *schema)
{
    return schema->rows;
}

bool flowan_schema_get(const flowan_schema *schema, size_t index,
                       flowan_schema_column *out)
{
    if (index >= schema->keys.count)
        return false;
    *out = schema->sorted[index];
    return true;
}
