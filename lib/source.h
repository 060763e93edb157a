/* Layer 2: what an import needs of the source beyond its public face. */
#ifndef FL_SOURCE_H
#define FL_SOURCE_H

#include "flowan/source.h"

/* Whether the next read has something to begin with, or an end or a failure to tell; when
 * it has not, waits for it that long at most. */
bool fl_source_wait(const flowan_source *source, int timeout_ms);

/* Whether the input is compressed; known once a byte was peeked or read. */
bool fl_source_is_packed(const flowan_source *source);

#endif
