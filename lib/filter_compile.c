/* A filter from its text. The language is the parser's business, its normal form the
 * builder's. */
#include <string.h>

#include "filter_parse.h"
#include "status.h"

enum { TEXT_MAX = 16 << 20 };

/* Whether a test is about local ends. */
static bool asks_for_networks(const flowan_filter *filter)
{
    for (size_t i = 0; i < filter->test_count; i++) {
        fl_subject subject = filter->tests[i].subject;
        if (subject >= FL_SUBJECT_DIRECTION && subject <= FL_SUBJECT_REMOTE_AS)
            return true;
    }
    return false;
}

static flowan_status compile(flowan_filter *filter, const char *text, size_t size,
                             uint64_t now_ns, flowan_error *error)
{
    fl_build build = {0};
    fl_branch root;
    flowan_status status =
        fl_filter_parse(&build, &root, text, size, filter, now_ns, error);
    if (status >= 0 &&
        (fl_build_finish(&build, root, filter) < 0 || !fl_filter_find_columns(filter) ||
         (asks_for_networks(filter) && !fl_filter_need_networks(filter))))
        status = fl_status_memory(error);
    fl_build_free(&build);
    return status;
}

flowan_status flowan_filter_compile(flowan_filter **out, const char *text, size_t size,
                                    const flowan_filter_options *options,
                                    flowan_error *error)
{
    *out = NULL;
    flowan_filter_options given = {0};
    if (!fl_status_options_fit(options, sizeof given))
        return fl_status_fail(error, FLOWAN_ERROR_ARGUMENT, FL_NO_OFFSET,
                              "filter: options of another size");
    if (options)
        memcpy(&given, options,
               options->size < sizeof given ? options->size : sizeof given);
    if (size > TEXT_MAX)
        return fl_status_fail(error, FLOWAN_ERROR_LIMIT, TEXT_MAX,
                              "filter: %zu bytes, which is more than 16 MiB", size);
    flowan_filter *filter = fl_memory_zalloc(1, sizeof *filter);
    if (!filter)
        return fl_status_memory(error);
    filter->networks = given.networks;
    flowan_status status = compile(filter, text, size, given.now_ns, error);
    if (status < 0)
        flowan_filter_free(filter);
    else
        *out = filter;
    return status;
}
