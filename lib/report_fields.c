/* Which fields of a record a report looks at: what a scan need not read is cheap. */
#include "report.h"
#include "value.h"

#include <string.h>

static void add(flowan_report *report, const char *name)
{
    for (size_t i = 0; i < report->field_count; i++)
        if (strcmp(report->fields[i], name) == 0)
            return;
    report->fields[report->field_count++] = name;
}

static void add_field(flowan_report *report, flowan_field field)
{
    add(report, flowan_field_info_of(field)->name);
}

static void add_all(flowan_report *report, const flowan_field *fields, size_t count)
{
    for (size_t i = 0; i < count; i++)
        add_field(report, fields[i]);
}

/* The text of a prefix needs the address that it is the length of. */
static void add_column(flowan_report *report, const fl_key_spec *spec)
{
    if (spec->field >= 0)
        add_field(report, (flowan_field)spec->field);
    else
        add(report, spec->column_name);
    int own = fl_prefix_address(spec->field);
    if (own >= 0)
        add_field(report, (flowan_field)own);
}

static void add_keys(flowan_report *report, const flowan_aggregator *aggregator)
{
    static const flowan_field sides[] = {
        FLOWAN_FIELD_SRC_ADDR,
        FLOWAN_FIELD_DST_ADDR,
        FLOWAN_FIELD_POST_NAT_SRC_IPV4_ADDRESS,
        FLOWAN_FIELD_POST_NAT_DST_IPV4_ADDRESS,
        FLOWAN_FIELD_POST_NAT_SRC_IPV6_ADDRESS,
        FLOWAN_FIELD_POST_NAT_DST_IPV6_ADDRESS,
        FLOWAN_FIELD_SRC_AS,
        FLOWAN_FIELD_DST_AS,
    };
    if (!aggregator)
        return;
    for (size_t i = 0; i < aggregator->keys.count; i++) {
        const fl_key_spec *spec = &aggregator->keys.specs[i];
        switch (spec->source) {
        case FL_KEY_COLUMN: add_column(report, spec); break;
        case FL_KEY_SERVICE:
            add_field(report, FLOWAN_FIELD_SRC_PORT);
            add_field(report, FLOWAN_FIELD_DST_PORT);
            break;
        case FL_KEY_BIN:
        case FL_KEY_HOUR:
        case FL_KEY_DAY: break;
        default: add_all(report, sides, sizeof sides / sizeof *sides);
        }
    }
}

void fl_report_find_fields(flowan_report *report)
{
    static const flowan_field always[] = {
        FLOWAN_FIELD_TIME_RECEIVED_NS, FLOWAN_FIELD_TIME_FLOW_START_NS,
        FLOWAN_FIELD_TIME_FLOW_END_NS, FLOWAN_FIELD_BYTES,
        FLOWAN_FIELD_PACKETS,          FLOWAN_FIELD_SAMPLING_RATE,
        FLOWAN_FIELD_SAMPLER_ADDRESS,
    };
    add_all(report, always, sizeof always / sizeof *always);
    add_keys(report, report->rows);
    add_keys(report, report->ways);
    add_keys(report, report->distinct);
    add_keys(report, report->peers);
}

const char *const *flowan_report_fields(const flowan_report *report, size_t *count)
{
    *count = report->field_count;
    return report->fields;
}
