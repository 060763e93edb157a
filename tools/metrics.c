#include "metrics.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

static void put_head(FILE *file, const char *name, const char *type, const char *help)
{
    fprintf(file, "# HELP flowan_archive_%s %s\n# TYPE flowan_archive_%s %s\n", name,
            help, name, type);
}

static void put(FILE *file, const char *name, const char *type, const char *help,
                uint64_t value)
{
    put_head(file, name, type, help);
    fprintf(file, "flowan_archive_%s %" PRIu64 "\n", name, value);
}

static void put_rejects(FILE *file, const uint64_t rejects[FLOWAN_REJECT_REASONS])
{
    put_head(file, "rejects_total", "counter",
             "Pieces of the logs that are no flow records.");
    for (int i = 1; i < FLOWAN_REJECT_REASONS; i++) {
        char label[32];
        snprintf(label, sizeof label, "%s",
                 flowan_reject_reason_text((flowan_reject_reason)i));
        for (char *c = label; *c; c++)
            if (*c == ' ')
                *c = '_';
        fprintf(file, "flowan_archive_rejects_total{reason=\"%s\"} %" PRIu64 "\n",
                label, rejects[i]);
    }
}

/* Seconds from a time in ns to now. */
static double age(uint64_t ns)
{
    uint64_t now = cli_now();
    return ns > 0 && ns < now ? (double)(now - ns) * 1e-9 : 0;
}

static void put_all(FILE *file, const flowan_follow_counts *follow,
                    const flowan_archiver_counts *archive)
{
    put(file, "records_total", "counter", "Flow records written to the archive.",
        follow->records);
    put_rejects(file, follow->rejects);
    put(file, "bytes_in_total", "counter", "Bytes of logs read, decompressed.",
        follow->bytes);
    put(file, "bytes_out_total", "counter", "Bytes written to the archive.",
        archive->bytes);
    put_head(file, "lag_seconds", "gauge",
             "Time since the last record that was written was received.");
    fprintf(file, "flowan_archive_lag_seconds %.3f\n", age(follow->last_received_ns));
    put(file, "lag_bytes", "gauge", "Bytes in the logs that are not yet written.",
        follow->lag_bytes);
    put(file, "logs", "gauge", "Logs that are open.", follow->logs);
    put(file, "segments", "gauge", "Segments in the archive.", archive->segments);
    put_head(file, "last_write_timestamp_seconds", "gauge",
             "When records were written last, in seconds since 1970.");
    fprintf(file, "flowan_archive_last_write_timestamp_seconds %.3f\n",
            (double)follow->last_written_ns * 1e-9);
    put_head(file, "build_info", "gauge", "The version that runs.");
    fprintf(file, "flowan_archive_build_info{version=\"%s\"} 1\n", flowan_version());
}

static bool fail(const char *path, int number)
{
    cli_message("cannot write %s: %s", path, strerror(number));
    return false;
}

bool metrics_write(const char *path, const flowan_follow_counts *follow,
                   const flowan_archiver_counts *archive)
{
    /* in the same directory, and of a name that the collector does not read */
    size_t size = strlen(path) + 32;
    char *name = malloc(size);
    if (!name)
        return fail(path, ENOMEM);
    snprintf(name, size, "%s.%ld.tmp", path, (long)getpid());
    FILE *file = fopen(name, "w");
    int number = file ? 0 : errno;
    if (file) {
        put_all(file, follow, archive);
        bool bad = ferror(file) != 0;
        number = fclose(file) != 0 || bad ? (errno ? errno : EIO) : 0;
        if (number == 0 && rename(name, path) != 0)
            number = errno;
        if (number != 0)
            unlink(name);
    }
    free(name);
    return number == 0 || fail(path, number);
}
