/* Filters compiled and applied, for tests. */
#ifndef FL_FILTERS_H
#define FL_FILTERS_H

#include <check.h>
#include <string.h>

#include "flowan/filter.h"

/* 2025-03-15T17:10:51Z */
#define FILTER_NOW UINT64_C(1742058651000000000)

static inline flowan_filter *filter_of_size(const char *text, size_t size,
                                            const flowan_networks *networks)
{
    flowan_filter_options options = {sizeof options, networks, FILTER_NOW};
    flowan_filter *filter = NULL;
    flowan_error error = {0};
    flowan_status status = flowan_filter_compile(&filter, text, size, &options, &error);
    if (status != FLOWAN_OK)
        ck_abort_msg("%.200s: %s", text, error.message);
    ck_assert_ptr_nonnull(filter);
    return filter;
}

static inline flowan_filter *filter_of(const char *text)
{
    return filter_of_size(text, strlen(text), NULL);
}

#endif
