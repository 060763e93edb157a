/* The library's allocator calls, counted: the linker sends them here (wrapped_units in
 * meson.build). What shared libraries allocate for themselves is not seen. */
#ifndef FL_ALLOCATIONS_H
#define FL_ALLOCATIONS_H

#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t width);
void *__real_realloc(void *memory, size_t size);
void __real_free(void *memory);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t width);
void *__wrap_realloc(void *memory, size_t size);
void __wrap_free(void *memory);

static struct {
    size_t calls;
    size_t largest; /* asked for at once */
    int64_t held;   /* bytes */
    int64_t peak;
} allocations;

static void note_call(size_t size)
{
    allocations.calls++;
    if (size > allocations.largest)
        allocations.largest = size;
}

static void note_held(int64_t change)
{
    allocations.held += change;
    if (allocations.held > allocations.peak)
        allocations.peak = allocations.held;
}

void *__wrap_malloc(size_t size)
{
    note_call(size);
    void *memory = __real_malloc(size);
    note_held((int64_t)malloc_usable_size(memory));
    return memory;
}

void *__wrap_calloc(size_t count, size_t width)
{
    note_call(count * width);
    void *memory = __real_calloc(count, width);
    note_held((int64_t)malloc_usable_size(memory));
    return memory;
}

/* While it moves, both are held. */
void *__wrap_realloc(void *memory, size_t size)
{
    note_call(size);
    int64_t old = (int64_t)malloc_usable_size(memory);
    void *grown = __real_realloc(memory, size);
    if (grown) {
        note_held((int64_t)malloc_usable_size(grown));
        note_held(-old);
    }
    return grown;
}

void __wrap_free(void *memory)
{
    note_held(-(int64_t)malloc_usable_size(memory));
    __real_free(memory);
}

#endif
