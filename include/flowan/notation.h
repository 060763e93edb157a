/* What people type and read: times, durations, addresses; and bytes that are no text. */
#ifndef FLOWAN_NOTATION_H
#define FLOWAN_NOTATION_H

#include "flowan/field.h"
#include "flowan/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A time to ns since 1970 UTC: ISO 8601 ("2025-03-15", "2025-03-15T17:10", with seconds, a
 * fraction, a zone; UTC where it names none), "now", "-2h" (before `now_ns`; also s, m, d,
 * w), or whole seconds since 1970. FLOWAN_ERROR_ARGUMENT with a sentence. */
FLOWAN_API flowan_status flowan_time_parse(const char *text, uint64_t now_ns,
                                           uint64_t *out_ns, flowan_error *error);

/* "300ms", "5s", "1m", "2h", "1d", "1w" to ns; a bare number is milliseconds. */
FLOWAN_API flowan_status flowan_duration_parse(const char *text, uint64_t *out_ns,
                                               flowan_error *error);

/* Dotted IPv4 or IPv6. */
FLOWAN_API flowan_status flowan_address_parse(const char *text, flowan_address *out,
                                              flowan_error *error);

enum { FLOWAN_TIME_TEXT_SIZE = 31, FLOWAN_ADDRESS_TEXT_SIZE = 46 };

/* RFC 3339 in UTC with as many digits of fraction as it needs, and a NUL. */
FLOWAN_API void flowan_time_format(uint64_t ns, char out[FLOWAN_TIME_TEXT_SIZE]);
FLOWAN_API void flowan_address_format(const flowan_address *address,
                                      char out[FLOWAN_ADDRESS_TEXT_SIZE]);

/* Base64 (RFC 4648), padded, and a NUL: `out` has room for FLOWAN_BASE64_TEXT_SIZE(size).
 * The bytes without the NUL. Pieces of 3 n bytes may be put one behind the other. */
#define FLOWAN_BASE64_TEXT_SIZE(size) (((size) + 2) / 3 * 4 + 1)
FLOWAN_API size_t flowan_base64_format(const void *data, size_t size, char *out);

#ifdef __cplusplus
}
#endif

#endif
