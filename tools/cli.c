#include "cli.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char *program = "flowan";
static const char *subcommand;
static volatile sig_atomic_t caught;
static int output_error; /* errno of the first failed write */

void cli_begin(const char *name, const char *command)
{
    program = name;
    subcommand = command;
    signal(SIGPIPE, SIG_IGN); /* a closed pipe is EPIPE, which ends us quietly */
}

static void message(const char *format, va_list args)
{
    fprintf(stderr, "%s: ", program);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
}

void cli_message(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    message(format, args);
    va_end(args);
}

int cli_usage(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    message(format, args);
    va_end(args);
    fprintf(stderr, "Try '%s%s%s --help'.\n", program, subcommand ? " " : "",
            subcommand ? subcommand : "");
    return CLI_USAGE;
}

int cli_bad_option(char *const *argv, int option)
{
    /* getopt_long leaves optopt 0 for an unknown long option; a short one may stand
     * inside a cluster, so that its letter says more than the word */
    const char *word = argv[optind - 1];
    if (option == ':')
        return cli_usage("option '%s' needs a value", word);
    if (optopt != 0 && strncmp(word, "--", 2) == 0)
        return cli_usage("option '%.*s' takes no value", (int)strcspn(word, "="), word);
    if (optopt != 0)
        return cli_usage("unknown option '-%c'", optopt);
    return cli_usage("unknown or ambiguous option '%s'", word);
}

int cli_help(const char *text)
{
    fputs(text, stdout);
    return cli_flush();
}

int cli_version(void)
{
    printf("%s %s\n", program, flowan_version());
    return cli_flush();
}

/* --- output --- */

int cli_write(void *context, const void *data, size_t size)
{
    (void)context;
    if (output_error == 0 && fwrite(data, 1, size, stdout) != size)
        output_error = errno ? errno : EIO;
    return output_error;
}

bool cli_output_failed(void)
{
    return output_error != 0;
}

int cli_flush(void)
{
    if (output_error == 0 && fflush(stdout) != 0)
        output_error = errno ? errno : EIO;
    if (output_error == 0 || output_error == EPIPE)
        return CLI_DONE;
    cli_message("cannot write standard output: %s", strerror(output_error));
    return CLI_FAILED;
}

void cli_json_string(FILE *out, const char *text)
{
    fputc('"', out);
    for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
        if (*c == '"' || *c == '\\')
            fprintf(out, "\\%c", *c);
        else if (*c < 0x20)
            fprintf(out, "\\u%04x", *c);
        else
            fputc(*c, out);
    }
    fputc('"', out);
}

/* --- signals --- */

static void on_signal(int number)
{
    caught = number;
}

void cli_catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

bool cli_stopped(void)
{
    return caught != 0;
}

int cli_exit_status(int status)
{
    return caught ? 128 + caught : status;
}

int cli_end(int status)
{
    int written = cli_flush();
    return cli_exit_status(written == CLI_DONE ? status : written);
}

/* --- progress --- */

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* The size of a plain regular file, else 0. */
static uint64_t plain_bytes(const char *path)
{
    static const char gzip[] = "\x1f\x8b";
    static const char zstd[] = "\x28\xb5\x2f\xfd";
    struct stat info;
    char magic[4] = {0};
    if (stat(path, &info) != 0 || !S_ISREG(info.st_mode))
        return 0;
    FILE *file = fopen(path, "rb");
    if (!file)
        return 0;
    size_t size = fread(magic, 1, sizeof magic, file);
    fclose(file);
    bool packed = (size >= 2 && memcmp(magic, gzip, 2) == 0) ||
                  (size >= 4 && memcmp(magic, zstd, 4) == 0);
    return packed ? 0 : (uint64_t)info.st_size;
}

uint64_t cli_total_bytes(const char *const *paths, size_t count)
{
    uint64_t total = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t bytes = plain_bytes(paths[i]);
        if (bytes == 0)
            return 0;
        total += bytes;
    }
    return total;
}

void cli_progress_begin(cli_progress *progress, uint64_t total_bytes)
{
    *progress = (cli_progress){.began = seconds(), .total_bytes = total_bytes};
    progress->drawn = progress->began;
}

void cli_progress_show(cli_progress *progress, uint64_t records, uint64_t bytes)
{
    double now = seconds();
    if (now - progress->drawn < 0.25 || !isatty(STDERR_FILENO))
        return;
    progress->drawn = now;
    progress->shown = true;
    double elapsed = now - progress->began;
    char size[32];
    fprintf(stderr, "\r\033[K%" PRIu64 " records, %s, %.1f MB/s", records,
            cli_size(bytes, size), (double)bytes / elapsed * 1e-6);
    if (progress->total_bytes > bytes && bytes > 0)
        fprintf(stderr, ", %.0f s left",
                elapsed * (double)(progress->total_bytes - bytes) / (double)bytes);
    fflush(stderr);
}

int cli_progress_scan(void *progress, const flowan_scan_counts *counts)
{
    cli_progress_show(progress, counts->rows, counts->log_bytes);
    return cli_stopped();
}

void cli_progress_end(cli_progress *progress)
{
    if (progress->shown)
        fputs("\r\033[K", stderr);
    progress->shown = false;
}

/* --- small things --- */

uint64_t cli_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

const char *cli_size(uint64_t bytes, char out[32])
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
    double value = (double)bytes;
    size_t unit = 0;
    while (value >= 999.95 && unit + 1 < sizeof units / sizeof *units) {
        value /= 1000;
        unit++;
    }
    snprintf(out, 32, unit ? "%.1f %s" : "%.0f %s", value, units[unit]);
    return out;
}

unsigned cli_columns(unsigned fallback)
{
    struct winsize size;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    return fallback;
}

bool cli_duration(const char *option, const char *text, uint64_t *out)
{
    flowan_error error;
    if (flowan_duration_parse(text, out, &error) == FLOWAN_OK)
        return true;
    cli_usage("%s: %s", option, error.message);
    return false;
}

int cli_place(const char *name, const char *const *names, int count)
{
    for (int i = 0; i < count; i++)
        if (strcmp(name, names[i]) == 0)
            return i;
    return -1;
}

bool cli_number(const char *option, const char *text, uint64_t max, uint64_t *out)
{
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end || errno || value > max) {
        cli_usage("%s wants a number from 0 to %" PRIu64 ", not '%s'", option, max,
                  text);
        return false;
    }
    *out = value;
    return true;
}

int cli_tell_rejects(const uint64_t rejects[FLOWAN_REJECT_REASONS], uint64_t records,
                     const char *what)
{
    uint64_t total = 0;
    char list[160] = "";
    size_t size = 0;
    for (int i = 1; i < FLOWAN_REJECT_REASONS; i++) {
        total += rejects[i];
        if (rejects[i] && size < sizeof list)
            size += (size_t)snprintf(
                list + size, sizeof list - size, "%s%" PRIu64 " %s", size ? ", " : "",
                rejects[i], flowan_reject_reason_text((flowan_reject_reason)i));
    }
    if (total == 0)
        return CLI_DONE;
    const char *plural = total == 1 ? "" : "s";
    if (records == 0)
        cli_message("%s: no flow record in it, %" PRIu64
                    " piece%s rejected (%s): is it a log of goflow2?",
                    what, total, plural, list);
    else
        cli_message("%s: %" PRIu64 " piece%s rejected (%s)", what, total, plural, list);
    return CLI_REJECTS;
}

int cli_tell_scan(const flowan_scan *scan, int status, const char *const *paths,
                  size_t path_count)
{
    flowan_scan_counts counts = flowan_scan_count(scan);
    const char *what = path_count == 1 ? paths[0] : "the inputs";
    int rejects = cli_tell_rejects(counts.rejects, counts.rows, what);
    if (status != CLI_DONE)
        return status;
    uint64_t passed = counts.blocks_skipped + counts.blocks_not_matching +
                      counts.blocks_by_bounds + counts.blocks_by_dictionary +
                      counts.blocks_by_index;
    if (rejects == CLI_DONE && counts.rows == 0 && passed == 0 && !cli_stopped())
        cli_message("%s: no flow records", what);
    return rejects;
}

bool cli_take_map(cli_key_map *map, char *text)
{
    /* their key may have any byte in it, a field's name no '=' */
    char *sign = strrchr(text, '=');
    if (!sign || sign == text || sign[1] == 0) {
        cli_usage("--map wants THEIR_KEY=FIELD, not '%s'", text);
        return false;
    }
    *sign = 0;
    int field = flowan_field_find(sign + 1, strlen(sign + 1));
    if (field < 0) {
        cli_usage("--map: unknown field '%s': FIELD is one that goflow2 has "
                  "(flowan-dump --schema lists them)",
                  sign + 1);
        return false;
    }
    if (flowan_field_find(text, strlen(text)) >= 0) {
        cli_usage("--map: '%s' is a field itself", text);
        return false;
    }
    for (size_t i = 0; i < map->count; i++)
        if (strcmp(map->entries[i].key, text) == 0) {
            cli_usage("--map: key '%s' is mapped twice", text);
            return false;
        }
    if (map->count == sizeof map->entries / sizeof *map->entries) {
        cli_usage("--map: more than %zu keys", map->count);
        return false;
    }
    map->entries[map->count++] = (flowan_key_map){text, (flowan_field)field};
    return true;
}

static bool is_known(const char *name)
{
    return flowan_field_find(name, strlen(name)) >= 0;
}

/* The first name that the schema does not have, or NULL. */
static const char *find_missing(const flowan_schema *schema, const char *const *names,
                                size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bool found = is_known(names[i]);
        flowan_schema_column column;
        for (size_t k = 0; !found && flowan_schema_get(schema, k, &column); k++)
            found = strcmp(column.name, names[i]) == 0;
        if (!found)
            return names[i];
    }
    return NULL;
}

bool cli_check_fields(const char *option, const char *const *names, size_t count,
                      const char *const *paths, size_t path_count,
                      const cli_key_map *map)
{
    size_t known = 0;
    while (known < count && is_known(names[known]))
        known++;
    if (known == count)
        return true;
    for (size_t i = 0; i < path_count; i++)
        if (strcmp(paths[i], "-") == 0)
            return true;
    flowan_schema_options options = {
        .size = sizeof options, .map = map->entries, .map_count = map->count};
    flowan_schema *schema;
    if (flowan_schema_new(&schema, paths, path_count, &options, NULL, NULL) != FLOWAN_OK)
        return true; /* the scan will say why */
    const char *missing = find_missing(schema, names, count);
    if (missing)
        cli_usage("%s: unknown field '%s': neither goflow2 nor these inputs have it "
                  "(flowan-dump --schema lists them)",
                  option, missing);
    flowan_schema_free(schema);
    return !missing;
}

bool cli_take_time(cli_window *window, bool start, const char *text)
{
    flowan_error error;
    if (flowan_time_parse(text, cli_now(), start ? &window->start_ns : &window->end_ns,
                          &error) != FLOWAN_OK) {
        cli_usage("--%s: %s", start ? "start" : "end", error.message);
        return false;
    }
    *(start ? &window->has_start : &window->has_end) = true;
    return true;
}

bool cli_check_window(const cli_window *window)
{
    if (!window->has_start || !window->has_end || window->start_ns < window->end_ns)
        return true;
    cli_usage("--end must be after --start");
    return false;
}
