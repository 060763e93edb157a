/* The table of local networks: which addresses are ours, under which name.
 *
 * The file has one network prefix a line:
 *
 *     # PREFIX        NAME       tags
 *     10.8.0.0/16     office     site=north
 *     2001:db8::/32   office
 *     203.0.113.0/24  nat-pool   role=public
 *     198.51.100.7
 *
 * Fields are separated by blanks or tabs. A field that begins with '#' starts a
 * comment. All prefixes of one NAME form one network; a prefix without a NAME is a
 * network of its own, named by its text ("198.51.100.7/32"). A field with '=' is a tag,
 * never a NAME; of the tags only role=public means something here, the others are the
 * operator's. CRLF line ends and a UTF-8 byte order mark are tolerated. Line and size
 * limits: 4096 bytes a line, 64 MiB, 1,000,000 prefixes (FLOWAN_ERROR_LIMIT). A file
 * without a prefix is a valid table in which nothing is local.
 *
 * The longest prefix wins. IPv4 and IPv6 are two tables: 0.0.0.0/0 is all of IPv4 and
 * nothing else, and an IPv6 prefix shorter than ::ffff:0:0/96 never matches IPv4. An
 * IPv4-mapped prefix (::ffff:10.8.0.0/112) is that IPv4 prefix.
 *
 * A table does not change once it is made: any number of threads may share it. */
#ifndef FLOWAN_NETWORKS_H
#define FLOWAN_NETWORKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flowan/field.h"
#include "flowan/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct flowan_networks flowan_networks;

typedef struct flowan_network_match {
    uint32_t network; /* index of the NAME, below flowan_networks_count */
    bool is_public;   /* the line of the prefix that matched has the tag role=public */
} flowan_network_match;

/* The default, without a file: 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 (RFC 1918),
 * 100.64.0.0/10 (RFC 6598) and fc00::/7 (RFC 4193), five networks in that order.
 *
 * All three constructors give *out to the caller, to be freed by flowan_networks_free,
 * and set it to NULL when they fail. */
FLOWAN_API flowan_status flowan_networks_new(flowan_networks **out,
                                             flowan_error *error);

/* Reads the file at `path` (not NULL), which may be a pipe. Messages name it as
 * `path`. */
FLOWAN_API flowan_status flowan_networks_load(flowan_networks **out, const char *path,
                                              flowan_error *error);

/* The same from `size` bytes of text, which are not kept; `text` may be NULL when
 * `size` is 0. `name` stands for the file in messages ("networks.txt:12: ...").
 *
 * FLOWAN_ERROR_FORMAT, with the byte offset of the culprit, for a bad prefix, host bits
 * that are set, a prefix that an earlier line has, a field behind the NAME that is no
 * tag, and for control bytes anywhere. */
FLOWAN_API flowan_status flowan_networks_parse(flowan_networks **out, const char *text,
                                               size_t size, const char *name,
                                               flowan_error *error);

/* NULL is fine. */
FLOWAN_API void flowan_networks_free(flowan_networks *networks);

/* True when a prefix holds `address`; *match (which may be NULL) then tells of the
 * longest one, and is left as it was otherwise. A few ns: made for every flow
 * record. */
FLOWAN_API bool flowan_networks_find(const flowan_networks *networks,
                                     const flowan_address *address,
                                     flowan_network_match *match);

/* How many networks, that is NAMEs, there are. */
FLOWAN_API size_t flowan_networks_count(const flowan_networks *networks);

/* Networks are numbered in the order in which their NAMEs first appear. Both texts are
 * borrowed while the table lives, and NULL when `network` is out of range. */
FLOWAN_API const char *flowan_networks_name(const flowan_networks *networks,
                                            uint32_t network);

/* "10.8.0.0/16 2001:db8::/32": in the order of the file, one blank between. */
FLOWAN_API const char *flowan_networks_prefixes(const flowan_networks *networks,
                                                uint32_t network);

#ifdef __cplusplus
}
#endif

#endif
