/* However records are read, the same comes out: the input through every kernel, several
 * times in a row, so that shapes learnt from it or from samples are met again. */
#include <stdlib.h>
#include <string.h>

#include "input.h"

enum { KERNELS = 3 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const flowan_kernel kernels[KERNELS] = {
        FLOWAN_KERNEL_NONE, FLOWAN_KERNEL_PORTABLE, FLOWAN_KERNEL_BEST};
    input in;
    if (!input_read(&in, data, size))
        return 0;
    size_t times = in.joined ? in.times : 1;
    size_t all_size = in.size * times;
    char *all = malloc(all_size ? all_size : 1);
    for (size_t i = 0; i < times && in.size; i++)
        memcpy(all + i * in.size, in.data, in.size);

    stream *streams[KERNELS];
    for (size_t i = 0; i < KERNELS; i++)
        streams[i] = input_stream(&in, kernels[i]);
    for (size_t i = 0; i < (in.joined ? 1 : in.times); i++)
        streams_compare(streams, KERNELS, all, all_size);
    for (size_t i = 0; i < KERNELS; i++)
        stream_free(streams[i]);
    free(all);
    return 0;
}
