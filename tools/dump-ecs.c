#include "dump-ecs.h"

#include <stdlib.h>

#include "cli.h"

static bool add_tag(dump_ecs *ecs, const char *tag)
{
    if (!*tag) {
        cli_usage("--tag: a tag is empty");
        return false;
    }
    const char **tags = realloc(ecs->tags, (ecs->tag_count + 1) * sizeof *tags);
    if (!tags) {
        cli_message("out of memory");
        return false;
    }
    ecs->tags = tags;
    ecs->tags[ecs->tag_count++] = tag;
    return true;
}

bool dump_ecs_take(dump_ecs *ecs, int option, const char *value)
{
    static const char *const names[] = {"--elastic-compat", "--ignore-older",
                                        "--preserve-original", "--tag"};
    if (!ecs->given)
        ecs->given = names[option - DUMP_ECS];
    switch (option) {
    case DUMP_ECS_COMPAT: ecs->elastic_compat = true; break;
    case DUMP_ECS_IGNORE_OLDER:
        return cli_duration("--ignore-older", value, &ecs->older_ns);
    case DUMP_ECS_PRESERVE: ecs->preserve_original = true; break;
    case DUMP_ECS_TAG: return add_tag(ecs, value);
    }
    return true;
}

int dump_ecs_set(dump_ecs *ecs, const asking *ask, flowan_encoder_options *options)
{
    if (options->format != FLOWAN_FORMAT_ECS)
        return ecs->given ? cli_usage("%s is for documents (-o ecs)", ecs->given)
                          : CLI_DONE;
    uint64_t now = cli_now();
    options->asdb = ask->asdb;
    options->networks = ask->networks;
    options->prefer_asdb = ask->prefer_asdb;
    options->not_before_ns =
        ecs->older_ns && ecs->older_ns < now ? now - ecs->older_ns : 0;
    options->elastic_compat = ecs->elastic_compat;
    options->preserve_original = ecs->preserve_original;
    options->tags = ecs->tags;
    options->tag_count = ecs->tag_count;
    return CLI_DONE;
}

void dump_ecs_free(dump_ecs *ecs)
{
    free(ecs->tags);
    *ecs = (dump_ecs){0};
}
