#include "intake.h"

#include <inttypes.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "archive.h"

/* More take memory, and reading is one thread's: they would mostly wait for it. */
enum { JOBS_DEFAULT_MAX = 8, JOBS_MAX = 256 };

uint32_t intake_default_jobs(void)
{
    cpu_set_t set;
    int count = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    return count < 1                  ? 1
           : count > JOBS_DEFAULT_MAX ? JOBS_DEFAULT_MAX
                                      : (uint32_t)count;
}

static int take_jobs(intake *in, const char *text)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end || value < 1 || value > JOBS_MAX)
        return cli_usage("--jobs wants a number from 1 to %d, not '%s'", JOBS_MAX,
                         text);
    in->jobs = (uint32_t)value;
    return CLI_DONE;
}

static int take_rotate(intake *in, const char *text)
{
    if (!cli_duration("--rotate", text, &in->archiver_options.rotate_ns))
        return CLI_USAGE;
    if (in->archiver_options.rotate_ns < UINT64_C(1000000000))
        return cli_usage("--rotate: a segment spans a second or more");
    return CLI_DONE;
}

static int take_exclude(intake *in, const char *text)
{
    if (in->exclude_count == INTAKE_EXCLUDES_MAX)
        return cli_usage("--exclude: more than %d expressions", INTAKE_EXCLUDES_MAX);
    regex_t *expression = &in->excludes[in->exclude_count];
    int number = regcomp(expression, text, REG_EXTENDED | REG_NOSUB);
    if (number != 0) {
        char why[128];
        regerror(number, expression, why, sizeof why);
        return cli_usage("--exclude: '%s' is no regular expression: %s", text, why);
    }
    in->exclude_count++;
    return CLI_DONE;
}

static int take_ignore_older(intake *in, const char *text)
{
    return cli_duration("--ignore-older", text, &in->ignore_older_ns) ? CLI_DONE
                                                                      : CLI_USAGE;
}

int intake_take(intake *in, int option, char *value)
{
    switch (option) {
    case 'a': in->archive = value; return CLI_DONE;
    case 'j': return take_jobs(in, value);
    case INTAKE_ROTATE: return take_rotate(in, value);
    case INTAKE_LEVEL:
        return archive_take_level(value, &in->archiver_options.level) ? CLI_DONE
                                                                      : CLI_USAGE;
    case INTAKE_REJECTS: in->rejects_path = value; return CLI_DONE;
    case INTAKE_MAP: return cli_take_map(&in->map, value) ? CLI_DONE : CLI_USAGE;
    case INTAKE_INDEX:
        if (strcmp(value, "nat") != 0)
            return cli_usage("--index: there is one, 'nat', and no '%s'", value);
        in->archiver_options.nat_index = true;
        return CLI_DONE;
    case INTAKE_STRICT: in->strict = true; return CLI_DONE;
    case INTAKE_EXCLUDE: return take_exclude(in, value);
    case INTAKE_IGNORE_OLDER: return take_ignore_older(in, value);
    default: return -1;
    }
}

int intake_begin(intake *in)
{
    if (!in->archive)
        return cli_usage("-a DIR is missing: which archive?");
    in->rejects = rejects_new(in->archive, in->rejects_path);
    if (in->rejects)
        return CLI_DONE;
    cli_message("out of memory");
    return CLI_FAILED;
}

void intake_end(intake *in)
{
    rejects_free(in->rejects);
    for (size_t i = 0; i < in->exclude_count; i++)
        regfree(&in->excludes[i]);
}

bool intake_skips(const intake *in, const char *path, uint64_t modified_ns)
{
    const char *name = strrchr(path, '/');
    name = name ? name + 1 : path;
    for (size_t i = 0; i < in->exclude_count; i++)
        if (regexec(&in->excludes[i], name, 0, NULL, 0) == 0)
            return true;
    uint64_t now = cli_now();
    return in->ignore_older_ns > 0 && modified_ns < now &&
           now - modified_ns > in->ignore_older_ns;
}

flowan_status intake_reject(intake *in, const flowan_log_state *log,
                            const flowan_reject *reject, flowan_error *error)
{
    flowan_status status = rejects_write(in->rejects, log, reject, error);
    if (status != FLOWAN_OK || !in->strict)
        return status;
    snprintf(error->message, sizeof error->message,
             "%.300s: byte %" PRIu64 " is rejected (%s), and --strict was given",
             log->path, reject->offset, flowan_reject_reason_text(reject->reason));
    return FLOWAN_ERROR_FORMAT;
}

void intake_tell_rejects(const intake *in)
{
    if (in->rejects_path)
        cli_message("what was rejected is noted in %s", in->rejects_path);
    else
        cli_message("what was rejected is noted in %s/rejects", in->archive);
}
