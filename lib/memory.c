#include "memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static bool product(size_t count, size_t width, size_t *out)
{
    if (width != 0 && count > SIZE_MAX / width)
        return false;
    *out = count * width;
    return true;
}

void *fl_memory_alloc(size_t count, size_t width)
{
    size_t size;
    if (!product(count, width, &size))
        return NULL;
    return malloc(size ? size : 1);
}

void *fl_memory_zalloc(size_t count, size_t width)
{
    size_t size;
    if (!product(count, width, &size))
        return NULL;
    return calloc(1, size ? size : 1);
}

enum { LARGE_PAGE = 2 << 20 };

void *fl_memory_alloc_large(size_t bytes)
{
    void *memory = aligned_alloc(LARGE_PAGE, bytes);
#ifdef MADV_HUGEPAGE
    if (memory)
        madvise(memory, bytes, MADV_HUGEPAGE); /* where it fails, pages are small */
#endif
    return memory;
}

void *fl_memory_resize(void *memory, size_t count, size_t width)
{
    size_t size;
    if (!product(count, width, &size))
        return NULL;
    return realloc(memory, size ? size : 1);
}

void fl_memory_free(void *memory)
{
    free(memory);
}

bool fl_memory_grow(void **array, size_t *capacity, size_t needed, size_t width)
{
    if (needed <= *capacity)
        return true;
    size_t room = *capacity ? *capacity : 8;
    while (room < needed)
        room = room > SIZE_MAX / 2 ? needed : room * 2;
    void *grown = fl_memory_resize(*array, room, width);
    if (!grown)
        return false;
    *array = grown;
    *capacity = room;
    return true;
}

char *fl_buffer_reserve(fl_buffer *buffer, size_t size)
{
    if (buffer->failed)
        return NULL;
    size_t needed = size ? size : 1; /* so that even no bytes get a pointer */
    if (needed > SIZE_MAX - buffer->size ||
        !fl_memory_grow((void **)&buffer->data, &buffer->capacity,
                        buffer->size + needed, 1)) {
        buffer->failed = true;
        return NULL;
    }
    return buffer->data + buffer->size;
}

void fl_buffer_append(fl_buffer *buffer, const void *data, size_t size)
{
    if (size == 0)
        return;
    char *room = fl_buffer_reserve(buffer, size);
    if (!room)
        return;
    memcpy(room, data, size);
    buffer->size += size;
}

void fl_buffer_text(fl_buffer *buffer, const char *text)
{
    fl_buffer_append(buffer, text, strlen(text));
}

void fl_buffer_byte(fl_buffer *buffer, char byte)
{
    fl_buffer_append(buffer, &byte, 1);
}

void fl_buffer_format(fl_buffer *buffer, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    int size = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *room = size < 0 ? NULL : fl_buffer_reserve(buffer, (size_t)size + 1);
    if (room) {
        vsnprintf(room, (size_t)size + 1, format, again);
        buffer->size += (size_t)size;
    } else {
        buffer->failed = true;
    }
    va_end(again);
}

void fl_buffer_clear(fl_buffer *buffer)
{
    buffer->size = 0;
    buffer->failed = false;
}

void fl_buffer_free(fl_buffer *buffer)
{
    fl_memory_free(buffer->data);
    *buffer = (fl_buffer){0};
}
