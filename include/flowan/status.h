/* Status codes and the error detail that every fallible call can fill. */
#ifndef FLOWAN_STATUS_H
#define FLOWAN_STATUS_H

#include <stddef.h>
#include <stdint.h>

#if defined(SWIG)
#define FLOWAN_API
#elif defined(__GNUC__)
#define FLOWAN_API __attribute__((visibility("default")))
#else
#define FLOWAN_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* What a call came to. Zero and above is success, below zero is failure. A value once
 * released keeps its number and its meaning for ever. */
typedef enum flowan_status {
    FLOWAN_OK = 0,   /* done */
    FLOWAN_FULL = 1, /* done in part: empty the batch, then call again with the rest */
    FLOWAN_END = 2,  /* an iterator has nothing more */

    FLOWAN_ERROR_MEMORY = -1,    /* an allocation failed */
    FLOWAN_ERROR_ARGUMENT = -2,  /* something that the contract excludes */
    FLOWAN_ERROR_IO = -3,        /* the system refused: the message has its words */
    FLOWAN_ERROR_FORMAT = -4,    /* the bytes are not what they should be */
    FLOWAN_ERROR_CHECKSUM = -5,  /* stored bytes differ from those that were written */
    FLOWAN_ERROR_VERSION = -6,   /* written by a newer libflowan */
    FLOWAN_ERROR_LIMIT = -7,     /* larger than a limit that guards memory */
    FLOWAN_ERROR_EXISTS = -8,    /* already there */
    FLOWAN_ERROR_LOCKED = -9,    /* another process holds it */
    FLOWAN_ERROR_NOT_FOUND = -10 /* no such file, field or column */
} flowan_status;

enum { FLOWAN_ERROR_MESSAGE_SIZE = 512 };

/* The detail of a failure, owned by the caller, who may pass NULL wherever one is asked
 * for. It is written only when a call fails. `message` is one sentence without a line
 * feed: what, where, why. `offset` is the byte position that the message is about, or
 * UINT64_MAX where there is none. */
typedef struct flowan_error {
    flowan_status status;
    uint64_t offset;
    char message[FLOWAN_ERROR_MESSAGE_SIZE];
} flowan_error;

/* A few constant words for a status ("checksum mismatch"); never NULL, static. */
FLOWAN_API const char *flowan_status_text(flowan_status status);

/* The version of the library that runs, "0.1.0"; static. */
FLOWAN_API const char *flowan_version(void);

/* Receives output. Returns 0, or an errno value when the bytes could not be taken:
 * the call that writes then fails with FLOWAN_ERROR_IO. */
typedef int (*flowan_write_function)(void *context, const void *data, size_t size);

#ifdef __cplusplus
}
#endif

#endif
