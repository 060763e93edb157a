/* Layer 0: numbers with names: flow types, EtherTypes, IP protocols, layer stack, ICMP
 * types.
 *
 * The names are those that goflow2 prints (producer/proto/render.go of v2.2.6); 2.0 and 2.1
 * print "ICMPv6" for 58. Names that stand for several numbers ("unassigned", "unknown",
 * "experimental", "reserved") are not in these tables: the number is lost. */
#ifndef FL_NAMES_H
#define FL_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flowan/field.h"

enum { FL_NAME_SIZE = 32 };

/* The name of `value` in the field (TYPE, ETYPE, PROTO or LAYER_STACK) as goflow2 2.2
 * writes it, or NULL where it has none. Static. */
const char *fl_names_of(flowan_field field, uint64_t value);
/* The same with its bytes: 0 where there is none, FL_NAME_SIZE at most. */
const char *fl_names_text(flowan_field field, uint64_t value, size_t *size);

/* The number behind a name, exact spelling. `old` (may be NULL) tells whether the name
 * is one that only goflow2 before 2.2 writes. */
bool fl_names_find(flowan_field field, const char *name, size_t size, uint64_t *out,
                   bool *old);

/* The name of an ICMP type, which is one of protocol 1 or 58, as goflow2 writes it as
 * icmp_name; NULL where it has none (it writes "" then, and "unknown" for all other
 * protocols). Static. */
const char *fl_names_icmp(uint64_t proto, uint64_t type);

/* The ICMP type behind a name, exact spelling. */
bool fl_names_find_icmp(uint64_t proto, const char *name, size_t size, uint64_t *out);

/* The name that goflow2 before 2.2 writes where it differs from fl_names_of, else
 * NULL. */
const char *fl_names_old(flowan_field field, uint64_t value);

#endif
