/* Layer 0: SHA-1 (RFC 3174), for identifiers that are defined by it. Guards nothing. */
#ifndef FL_SHA1_H
#define FL_SHA1_H

#include <stddef.h>
#include <stdint.h>

enum { FL_SHA1_SIZE = 20 };

void fl_sha1(const void *message, size_t size, uint8_t out[FL_SHA1_SIZE]);

#endif
