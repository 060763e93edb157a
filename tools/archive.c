/* What several commands of flowan-archive share. */
#include "archive.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

flowan_status archive_open_segment(flowan_archive *archive, size_t *index,
                                   flowan_reader **reader, flowan_error *error)
{
    flowan_status status = flowan_archive_reader(archive, *index, reader, error);
    for (int i = 0; status == FLOWAN_ERROR_NOT_FOUND && i < 100; i++) {
        status = flowan_archive_refresh(archive, index, error);
        if (status == FLOWAN_OK && *index == flowan_archive_segments(archive))
            return FLOWAN_END;
        if (status == FLOWAN_OK)
            status = flowan_archive_reader(archive, *index, reader, error);
    }
    return status;
}

void archive_print_received(const flowan_segment_stats *stats)
{
    char from[FLOWAN_TIME_TEXT_SIZE];
    char to[FLOWAN_TIME_TEXT_SIZE];
    if (stats->received_min_ns > stats->received_max_ns)
        return;
    flowan_time_format(stats->received_min_ns, from);
    flowan_time_format(stats->received_max_ns, to);
    printf(", received %s to %s", from, to);
}

bool archive_take_size(const char *option, const char *text, uint64_t *out)
{
    static const char units[] = "KMGTP";
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    unsigned shift = 0;
    for (unsigned i = 0; units[i]; i++)
        if (*end == units[i] || *end == units[i] + 32)
            shift = 10 * (i + 1);
    end += shift > 0;
    if (text[0] < '0' || text[0] > '9' || *end || errno || value == 0 ||
        value > UINT64_MAX >> shift) {
        cli_usage("%s wants a size such as 500G, not '%s'", option, text);
        return false;
    }
    *out = (uint64_t)value << shift;
    return true;
}

bool archive_take_level(const char *name, flowan_level *level)
{
    static const char *const names[] = {"default", "fast", "small"};
    for (int i = 0; i < 3; i++)
        if (strcmp(name, names[i]) == 0) {
            *level = (flowan_level)i;
            return true;
        }
    cli_usage("--level: unknown level '%s': fast, default or small", name);
    return false;
}
