/* flowan-dump --schema: which columns there are. */
#include <inttypes.h>
#include <stdio.h>

#include "dump.h"

flowan_status dump_open_schema(flowan_schema **schema, const dump_settings *set,
                               size_t *damaged, flowan_error *error)
{
    flowan_schema_options schema_options = {.size = sizeof schema_options,
                                            .map = set->map.entries,
                                            .map_count = set->map.count};
    return flowan_schema_new(schema, set->paths, set->path_count, &schema_options,
                             damaged, error);
}

static void print_schema(const flowan_schema *schema, bool json)
{
    flowan_schema_column column;
    uint64_t rows = flowan_schema_rows(schema);
    if (!json)
        printf("%-32s %-12s %-8s %12s %7s  %s\n", "column", "type", "unit", "records",
               "fill", "what it is");
    for (size_t i = 0; flowan_schema_get(schema, i, &column); i++) {
        const flowan_field_info *info =
            column.field >= 0 ? flowan_field_info_of((flowan_field)column.field) : NULL;
        const char *type = flowan_type_name(column.type);
        double fill = rows ? 100.0 * (double)column.present / (double)rows : 0;
        if (!json) {
            printf("%-32s %-12s %-8s %12" PRIu64 " %6.2f%%  %s\n", column.name, type,
                   info && info->unit[0] ? info->unit : "-", column.present, fill,
                   info ? info->description : "(a key of this log)");
            continue;
        }
        printf("{\"name\":");
        cli_json_string(stdout, column.name);
        printf(",\"type\":\"%s\",\"unit\":\"%s\",\"ipfix\":%" PRIu32
               ",\"present\":%" PRIu64 ",\"rows\":%" PRIu64 "}\n",
               type, info ? info->unit : "", info ? info->ipfix_element : 0,
               column.present, rows);
    }
}

int dump_schema(const dump_settings *set, bool json)
{
    flowan_schema *schema;
    flowan_error error;
    size_t damaged;
    if (dump_open_schema(&schema, set, &damaged, &error) != FLOWAN_OK) {
        cli_message("%s", error.message);
        return CLI_FAILED;
    }
    print_schema(schema, json);
    flowan_schema_free(schema);
    if (damaged == 0)
        return CLI_DONE;
    cli_message("%s", error.message);
    return CLI_FAILED;
}
