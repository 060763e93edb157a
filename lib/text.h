/* Layer 0: addresses, MACs, numbers, prefixes and times to and from text.
 *
 * Locale-free and exact: each `fl_text_put_x` writes the one canonical form that goflow2
 * (Go's netip and time packages) prints, and each `fl_text_get_x` reads exactly the whole
 * of `size` bytes or fails. Text need not be NUL-terminated, nothing allocates. */
#ifndef FL_TEXT_H
#define FL_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flowan/field.h"

enum {
    FL_TEXT_U64_SIZE = 20,
    FL_TEXT_ADDRESS_SIZE = 45, /* "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255" */
    FL_TEXT_MAC_SIZE = 17,
    FL_TEXT_TIME_SIZE = 30 /* "2026-11-21T20:20:43.496749677Z" */
};

#define FL_TEXT_BASE64_SIZE(size) (((size) + 2) / 3 * 4)

/* --- put: write to `out`, return the bytes that count. All the room, as above, may be
 * written to, and no NUL is. --- */

size_t fl_text_put_u64(char *out, uint64_t value);
/* Exactly 8 digits of a number below 10^8. */
void fl_text_put_digits(char out[8], uint32_t value);

/* ::ffff:a.b.c.d as dotted IPv4, all else as fl_text_put_ipv6. */
size_t fl_text_put_address(char *out, const flowan_address *address);
/* RFC 5952; an IPv4-mapped address as "::ffff:192.0.2.9", as Go prints it. */
size_t fl_text_put_ipv6(char *out, const flowan_address *address);
/* Lower-case hex of the last `octets` (4 or 16) octets. */
size_t fl_text_put_hex(char *out, const flowan_address *address, size_t octets);

/* "2c:c8:1b:ac:cf:81" */
size_t fl_text_put_mac(char *out, uint64_t mac);

/* Base64 (RFC 4648) with its padding; FL_TEXT_BASE64_SIZE says the room. */
size_t fl_text_put_base64(char *out, const void *data, size_t size);

/* Go's RFC3339Nano of a signed count of ns since 1970, UTC: trailing zeros of the
 * fraction are cut, and the point with them ("2025-03-15T17:10:51Z"). `ns` is two's
 * complement: years 1677 to 2262. */
size_t fl_text_put_time(char *out, uint64_t ns);

/* The same for one of many times: date and time of day of the one before are kept in
 * *last, zeroed at first, for those of the same second. */
typedef struct fl_text_second {
    uint64_t second; /* as put_next_time counts */
    char text[20];   /* NUL at its beginning: none yet */
} fl_text_second;
size_t fl_text_put_next_time(char *out, uint64_t ns, fl_text_second *last);

/* --- get: true when all `size` bytes are a value of that kind --- */

/* Decimal without sign or leading zeros ("0" is one), at most `max`. */
bool fl_text_get_u64(const char *text, size_t size, uint64_t max, uint64_t *out);

/* Dotted IPv4, without leading zeros, to its mapped form. */
bool fl_text_get_ipv4(const char *text, size_t size, flowan_address *out);
/* Any RFC 4291 text form of IPv6, embedded dotted IPv4 too; no zone. */
bool fl_text_get_ipv6(const char *text, size_t size, flowan_address *out);
/* Either of the two. */
bool fl_text_get_address(const char *text, size_t size, flowan_address *out);
/* 8 hex digits (either case) to the mapped form of that IPv4, or 32 to the address. */
bool fl_text_get_hex(const char *text, size_t size, flowan_address *out);

/* Six pairs of hex digits, ':' between them. */
bool fl_text_get_mac(const char *text, size_t size, uint64_t *out);

/* RFC 3339 with 'T' and 'Z' or a numeric offset, 0 to 9 digits of fraction, to ns two's
 * complement. Impossible dates and times before 1677 or after 2262 fail. */
bool fl_text_get_time(const char *text, size_t size, uint64_t *out);

/* What a person types: RFC 3339 as above but also without seconds, without a time, with
 * a blank for 'T', without a zone (UTC then); "now"; "-2h", "-90s", "-30m", "-7d", "-2w"
 * before `now_ns`; or whole seconds since 1970. */
bool fl_text_get_user_time(const char *text, size_t size, uint64_t now_ns,
                           uint64_t *out);

/* "90", "500ms", "90s", "5m", "1h", "1d", "2w" to ns; a bare number is milliseconds.
 * Zero fails, and so does what exceeds 2^63 ns. */
bool fl_text_get_duration(const char *text, size_t size, uint64_t *out);

/* "10.8.0.0/16", or an address without a length (32 or 128 bits then). `bits` counts in
 * the 128-bit form: 10.8.0.0/16 gives 112. Host bits are kept in *out. */
bool fl_text_get_prefix(const char *text, size_t size, flowan_address *out,
                        unsigned *bits);

/* --- addresses as numbers --- */

bool fl_text_is_ipv4(const flowan_address *address); /* mapped */
/* 0.0.0.0 or ::, which exporters send for none. */
bool fl_text_is_zero(const flowan_address *address);
/* Keeps the first `bits` (0 to 128) of the 128-bit form, zeroes the rest. */
void fl_text_mask(flowan_address *address, unsigned bits);

#endif
