/* flowan-dump: records as text. */
#include <stdlib.h>
#include <string.h>

#include "dump.h"

typedef struct records {
    flowan_encoder *encoder;
    bool all; /* of what is there, so also what is no record */
} records;

static flowan_status take_records(void *context, const flowan_batch *batch,
                                  const flowan_selection *selection,
                                  flowan_error *error)
{
    const records *to = context;
    flowan_reject reject;
    flowan_status status = flowan_encoder_write(to->encoder, batch, selection, error);
    for (size_t i = 0;
         to->all && status == FLOWAN_OK && flowan_batch_reject(batch, i, &reject); i++)
        status = flowan_encoder_reject(to->encoder, &reject, error);
    return status;
}

/* CSV needs its columns before its first line: all that are there. */
static int find_fields(dump_settings *set)
{
    flowan_schema *schema;
    flowan_error error;
    for (size_t i = 0; i < set->path_count; i++)
        if (strcmp(set->paths[i], "-") == 0)
            return cli_usage("csv of standard input needs --fields");
    if (dump_open_schema(&schema, set, NULL, &error) != FLOWAN_OK) {
        cli_message("%s", error.message);
        return CLI_FAILED;
    }
    flowan_schema_column column;
    size_t count = 0;
    size_t size = 1;
    while (flowan_schema_get(schema, count++, &column))
        size += column.name_size + 1;
    set->fields = calloc(count, sizeof *set->fields);
    set->fields_text = calloc(size, 1);
    char *at = set->fields_text;
    for (size_t i = 0; set->fields && at && flowan_schema_get(schema, i, &column);
         i++) {
        bool known = false; /* another type of a name that is there */
        for (size_t k = 0; k < set->field_count; k++)
            known = known || strcmp(set->fields[k], column.name) == 0;
        if (known || column.present == 0)
            continue;
        set->fields[set->field_count++] = strcpy(at, column.name);
        at += column.name_size + 1;
    }
    flowan_schema_free(schema);
    if (set->fields && at)
        return CLI_DONE;
    cli_message("out of memory");
    return CLI_FAILED;
}

int dump_records(dump_settings *set, flowan_format format)
{
    int status;
    if (set->fields && !cli_check_fields("--fields", set->fields, set->field_count,
                                         set->paths, set->path_count, &set->map))
        return CLI_USAGE;
    if (format == FLOWAN_FORMAT_CSV && !set->fields) {
        status = find_fields(set);
        if (status != CLI_DONE)
            return status;
    }
    flowan_encoder_options options = {.size = sizeof options,
                                      .format = format,
                                      .fields = set->fields,
                                      .field_count = set->field_count,
                                      .columns = cli_columns(100),
                                      .write = cli_write};
    status = dump_ecs_set(&set->ecs, &set->ask, &options);
    if (status != CLI_DONE)
        return status;
    flowan_encoder *encoder;
    flowan_error error;
    if (flowan_encoder_new(&encoder, &options, &error) != FLOWAN_OK)
        return cli_usage("%s", error.message);
    records to = {encoder, !set->has_limit && !set->window.has_start &&
                               !set->window.has_end && !set->ask.filter};
    dump_run run;
    size_t count;
    const char *const *columns = flowan_encoder_columns(encoder, &count);
    if (dump_begin(&run, set, columns, count) == CLI_DONE) {
        dump_each(&run, take_records, &to);
        if (!cli_output_failed() &&
            flowan_encoder_finish(encoder, &error) != FLOWAN_OK &&
            !cli_output_failed()) {
            cli_message("%s", error.message);
            run.status = CLI_FAILED;
        }
    }
    dump_end(&run);
    flowan_encoder_free(encoder);
    return run.status;
}
