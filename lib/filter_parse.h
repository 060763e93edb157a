/* Layer 3: the grammar of filters. */
#ifndef FL_FILTER_PARSE_H
#define FL_FILTER_PARSE_H

#include "filter_build.h"

/* Parses all of the text into a tree of `build`. Of `filter` only the networks are asked
 * for. */
flowan_status fl_filter_parse(fl_build *build, fl_branch *root, const char *text,
                              size_t size, flowan_filter *filter, uint64_t now_ns,
                              flowan_error *error);

#endif
