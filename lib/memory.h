/* Layer 0: the only allocator calls of the library, so that a test can fail the n-th.
 *
 * Sizes are given as count and width so that no caller multiplies unchecked. Nothing here
 * keeps state. */
#ifndef FL_MEMORY_H
#define FL_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* NULL when count * width overflows or memory is short; a zero size gives a pointer that
 * may be freed. */
void *fl_memory_alloc(size_t count, size_t width);
void *fl_memory_zalloc(size_t count, size_t width);
/* Of so many bytes that the system had better give them in large pages, where it has such:
 * else each 4 KiB of them cost a fault when they are first written to. */
void *fl_memory_alloc_large(size_t bytes);
/* On failure the old memory stays as it was. */
void *fl_memory_resize(void *memory, size_t count, size_t width);
void fl_memory_free(void *memory);

/* Grows *array, whose room is *capacity elements of `width` bytes, to at least `needed`,
 * doubling. False on failure, with everything as it was. */
bool fl_memory_grow(void **array, size_t *capacity, size_t needed, size_t width);

/* A byte string that grows. Zero-initialised is empty. After a failed append `failed`
 * stays set and later appends do nothing, so a caller may check once at the end. */
typedef struct fl_buffer {
    char *data;
    size_t size;
    size_t capacity;
    bool failed;
} fl_buffer;

/* Room for `size` more bytes; a pointer to it, or NULL (and `failed`). */
char *fl_buffer_reserve(fl_buffer *buffer, size_t size);
void fl_buffer_append(fl_buffer *buffer, const void *data, size_t size);
void fl_buffer_text(fl_buffer *buffer, const char *text);
void fl_buffer_byte(fl_buffer *buffer, char byte);
void fl_buffer_format(fl_buffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void fl_buffer_clear(fl_buffer *buffer);
void fl_buffer_free(fl_buffer *buffer);

#endif
