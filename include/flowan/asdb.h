/* The autonomous system of an address, and its organization, from an ASN database in
 * MaxMind DB format 2.0 (GeoLite2 ASN, DB-IP ASN Lite, ip-location-db and the like):
 * each data record is a map with autonomous_system_number, and mostly with
 * autonomous_system_organization.
 *
 * The database may be damaged or hostile: it costs wrong or missing answers at worst.
 * It is mapped into memory, so while a handle lives the file may be replaced (renamed
 * over) but must not be cut short in place.
 *
 * One thread per handle: look-ups fill a cache in it. A handle costs about 1.5 MiB, and
 * several MiB more from the first flowan_asdb_name on. */
#ifndef FLOWAN_ASDB_H
#define FLOWAN_ASDB_H

#include <stdint.h>

#include "flowan/field.h"
#include "flowan/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct flowan_asdb flowan_asdb;

/* Opens the database at `path` (not NULL), a regular file. *out is the caller's, to be
 * freed by flowan_asdb_free, and NULL after a failure: FLOWAN_ERROR_NOT_FOUND,
 * FLOWAN_ERROR_IO, or FLOWAN_ERROR_FORMAT for what is no MaxMind DB, is truncated, has
 * no data or, as its first data record shows, is a database of something else. */
FLOWAN_API flowan_status flowan_asdb_open(flowan_asdb **out, const char *path,
                                          flowan_error *error);

/* NULL is fine. */
FLOWAN_API void flowan_asdb_free(flowan_asdb *asdb);

/* The AS number of `address`, 0 when it is not known. An IPv4-mapped address is looked
 * up as its IPv4, and so is one of 64:ff9b::/96 (RFC 6052), by its last 32 bits. */
FLOWAN_API uint32_t flowan_asdb_lookup(flowan_asdb *asdb,
                                       const flowan_address *address);

/* The organization of an AS as the database spells it (usually UTF-8, not promised), ""
 * when it has none, for 0, and for a name over 4096 bytes. Borrowed while the handle
 * lives, never NULL. Where the database has several names for an AS, the one of its
 * lowest address counts, whatever was looked up before. The first call reads the whole
 * database, some 100 ms for all of the Internet; where that is cut short by damage or
 * for want of memory, names behind are "". */
FLOWAN_API const char *flowan_asdb_name(flowan_asdb *asdb, uint32_t asn);

#ifdef __cplusplus
}
#endif

#endif
