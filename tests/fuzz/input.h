/* What the first bytes of a fuzzer's input say of how the rest is parsed. */
#ifndef FL_FUZZ_INPUT_H
#define FL_FUZZ_INPUT_H

#include "samples.h"
#include "streams.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Two bytes, then what is parsed:
 *
 *   byte 0   bits 0-1  batch capacity: 1, 3, 65536, 65536 and little memory
 *            bit  2    records of at most 300 bytes
 *            bit  3    full batches are freed, not reset
 *            bits 4-7  the set of samples that warms the parsers; others: none
 *   byte 1   bits 0-1  the input that often in a row, at least once
 *            bit  2    these in one stream, not a reset between them
 *            bit  3    no content hash */
enum { INPUT_FLAGS = 2, INPUT_MAX = 16384 };

typedef struct input {
    stream_options options;
    size_t samples; /* SAMPLES_COUNT or more: none */
    size_t times;
    bool joined;
    const uint8_t *data;
    size_t size;
} input;

/* False for what is too short or too long to be worth a run. */
static inline bool input_read(input *in, const uint8_t *data, size_t size)
{
    if (size < INPUT_FLAGS || size > INPUT_MAX)
        return false;
    static const uint32_t capacities[] = {1, 3, 65536, 65536};
    *in = (input){.options = {.capacity = capacities[data[0] & 3],
                              .memory_bytes = (data[0] & 3) == 3 ? 2000 : 0,
                              .record_limit = data[0] & 4 ? 300 : 0,
                              .fresh_batches = data[0] & 8,
                              .no_content_hash = data[1] & 8},
                  .samples = data[0] >> 4,
                  .times = (data[1] & 3) ? data[1] & 3 : 1,
                  .joined = data[1] & 4,
                  .data = data + INPUT_FLAGS,
                  .size = size - INPUT_FLAGS};
    return true;
}

static inline stream *input_stream(const input *in, flowan_kernel kernel)
{
    stream_options options = in->options;
    options.kernel = kernel;
    stream *s = stream_new(&options);
    /* larger records than the limit allows would be rejects */
    if (in->samples < SAMPLES_COUNT && options.record_limit == 0) {
        size_t size;
        const char *text = samples_text(in->samples, &size);
        stream_warm(s, text, size);
    }
    return s;
}

#endif
