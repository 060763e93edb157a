/* Records of the forms that goflow2 writes, by version and mapping, and some that it does
 * not: what parsers are warmed with, and what tests cut and change. All of them are
 * records, none is refused. */
#ifndef FL_SAMPLES_H
#define FL_SAMPLES_H

#include <stddef.h>

enum { SAMPLES_COUNT = 9 };

/* JSON lines of set `index`, static. */
const char *samples_text(size_t index, size_t *size);

#endif
