/* Layer 0: text as a terminal shows it. */
#ifndef FL_SCREEN_H
#define FL_SCREEN_H

#include "memory.h"

#define FL_SCREEN_ELLIPSIS "\xe2\x80\xa6" /* U+2026, one column wide */

/* Appends text without what could steer a terminal: C0 and C1 controls become '?', and
 * bytes that are no UTF-8 U+FFFD. */
void fl_screen_put(fl_buffer *out, const char *text, size_t size);

/* The columns that UTF-8 takes: two for a wide character of East Asia or an emoji, none
 * for a mark that stands on the character before it. */
size_t fl_screen_width(const char *text, size_t size);

/* The bytes of the longest beginning that takes no more than `width` columns. */
size_t fl_screen_cut(const char *text, size_t size, size_t width);

#endif
