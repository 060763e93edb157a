#include "flowan/notation.h"

#include <string.h>

#include "status.h"
#include "text.h"

flowan_status flowan_time_parse(const char *text, uint64_t now_ns, uint64_t *out_ns,
                                flowan_error *error)
{
    if (fl_text_get_user_time(text, strlen(text), now_ns, out_ns))
        return FLOWAN_OK;
    return fl_status_fail(
        error, FLOWAN_ERROR_ARGUMENT, FL_NO_OFFSET,
        "\"%.80s\" is no time: expected ISO 8601 such as "
        "2025-03-15T17:10:51Z, \"now\", \"-2h\", or seconds since 1970",
        text);
}

flowan_status flowan_duration_parse(const char *text, uint64_t *out_ns,
                                    flowan_error *error)
{
    if (fl_text_get_duration(text, strlen(text), out_ns))
        return FLOWAN_OK;
    return fl_status_fail(error, FLOWAN_ERROR_ARGUMENT, FL_NO_OFFSET,
                          "\"%.80s\" is no duration: expected a number above zero and "
                          "ms, s, m, h, d or w, such as 5m",
                          text);
}

flowan_status flowan_address_parse(const char *text, flowan_address *out,
                                   flowan_error *error)
{
    if (fl_text_get_address(text, strlen(text), out))
        return FLOWAN_OK;
    return fl_status_fail(error, FLOWAN_ERROR_ARGUMENT, FL_NO_OFFSET,
                          "\"%.80s\" is no IPv4 or IPv6 address", text);
}

void flowan_time_format(uint64_t ns, char out[FLOWAN_TIME_TEXT_SIZE])
{
    out[fl_text_put_time(out, ns)] = 0;
}

void flowan_address_format(const flowan_address *address,
                           char out[FLOWAN_ADDRESS_TEXT_SIZE])
{
    out[fl_text_put_address(out, address)] = 0;
}

size_t flowan_base64_format(const void *data, size_t size, char *out)
{
    size_t written = fl_text_put_base64(out, data, size);
    out[written] = 0;
    return written;
}
