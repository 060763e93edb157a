/* Layer 0: text as JSON and CSV want it. */
#ifndef FL_QUOTE_H
#define FL_QUOTE_H

#include "memory.h"

/* The bytes of the UTF-8 character (RFC 3629) at `text`, 0 when they are none. */
size_t fl_quote_utf8(const char *text, size_t size);

/* Appends a JSON string with its quotes; bytes that are no UTF-8 become U+FFFD. */
void fl_quote_json(fl_buffer *out, const char *text, size_t size);

/* Appends bytes as they are, but for those that are no UTF-8. */
void fl_quote_valid(fl_buffer *out, const char *text, size_t size);

/* Appends a CSV field (RFC 4180), quoted where it must be. */
void fl_quote_csv(fl_buffer *out, const char *text, size_t size);

#endif
