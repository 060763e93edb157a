/* Records drawn at random: values that questions have something to say about, in all columns
 * that there are, and keys that hold now this, now that. */
#include "questions.h"

static void put_random_address(fl_buffer *out)
{
    static const char *const some[] = {
        "10.1.2.3",        "10.1.2.4",         "100.64.0.9",
        "198.51.100.7",    "203.0.113.1",      "0.0.0.0",
        "2001:db8::1",     "fd00::5",          "::",
        "192.168.1.1",     "1.1.1.1",          "8.8.8.8",
        "::ffff:10.1.2.3", "64:ff9b::101:101", ""};
    fl_buffer_format(out, "\"%s\"", PICK(some));
}

static void put_random_value(fl_buffer *out, const flowan_field_info *info)
{
    static const char *const protos[] = {"TCP",     "UDP", "ICMP",       "IPv6-ICMP",
                                         "unknown", "GRE", "unassigned", "nonsense"};
    static const char *const etypes[] = {"IPv4", "IPv6", "ARP", ""};
    static const char *const types[] = {"IPFIX", "SFLOW_5", "NETFLOW_V9"};
    static const char *const macs[] = {"2c:c8:1b:ac:cf:81", "00:00:00:00:00:00", ""};
    static const uint64_t numbers[] = {0,  1,  2,  3,   5,    16,   18,
                                       24, 53, 80, 443, 1000, 65535};
    static const uint64_t wide[] = {0, 1, 1000, 1500, 1000000, 5000000000, UINT64_MAX};
    static const uint64_t times[] = {0,
                                     5,
                                     1742058600000000000,
                                     1742058600000000001,
                                     1742058602500000000,
                                     1742058700000000000,
                                     UINT64_MAX};
    switch (info->type) {
    case FLOWAN_TYPE_U64:
        fl_buffer_format(out, "%llu", (unsigned long long)PICK(wide));
        break;
    case FLOWAN_TYPE_TIME:
        fl_buffer_format(out, "%llu", (unsigned long long)PICK(times));
        break;
    case FLOWAN_TYPE_MAC: fl_buffer_format(out, "\"%s\"", PICK(macs)); break;
    case FLOWAN_TYPE_ENUM:
        fl_buffer_format(out, "\"%s\"",
                         info->field == FLOWAN_FIELD_PROTO   ? PICK(protos)
                         : info->field == FLOWAN_FIELD_ETYPE ? PICK(etypes)
                                                             : PICK(types));
        break;
    case FLOWAN_TYPE_PREFIX:
        fl_buffer_text(out, question_random(3) ? "\"10.0.0.0/8\"" : "\"0.0.0.0/0\"");
        break;
    case FLOWAN_TYPE_ADDRESS: put_random_address(out); break;
    case FLOWAN_TYPE_TEXT:
        fl_buffer_text(out, question_random(2) ? "\"Echo\"" : "\"Unknown\"");
        break;
    case FLOWAN_TYPE_LIST_U64:
        fl_buffer_text(
            out, question_random(3) ? question_random(2) ? "[16,17,3]" : "[0]" : "[]");
        break;
    case FLOWAN_TYPE_LIST_ADDRESS:
        fl_buffer_text(out, question_random(2) ? "[\"10.1.2.3\",\"fd00::5\"]" : "[]");
        break;
    default: fl_buffer_format(out, "%llu", (unsigned long long)PICK(numbers)); break;
    }
}

void question_put_record(fl_buffer *out, unsigned keep)
{
    static const char *const keys[] = {"mine", "yours", "odd key"};
    static const char *const values[] = {
        "1",    "7",        "\"7\"",     "\"x\"",        "true",
        "null", "1.5",      "[1,7]",     "\"a b\"",      "false",
        "-3",   "\"true\"", "{\"a\":7}", "\"10.0.0.1\"", "\"\""};
    char separator = '{';
    for (int field = 0; field < FLOWAN_FIELD_COUNT; field++) {
        if (question_random(8) >= keep)
            continue;
        const flowan_field_info *info = flowan_field_info_of((flowan_field)field);
        fl_buffer_format(out, "%c\"%s\":", separator, info->name);
        put_random_value(out, info);
        separator = ',';
    }
    for (size_t i = 0; i < 3; i++)
        if (question_random(2)) {
            fl_buffer_format(out, "%c\"%s\":%s", separator, keys[i], PICK(values));
            separator = ',';
        }
    fl_buffer_text(out, separator == '{' ? "{}\n" : "}\n");
}
