/* Wherever an input is cut, the same comes out as uncut: by every kernel. Behind the flags
 * stands a count, then that many sizes of feeds (0: an empty one), used over and over. */
#include "input.h"

enum { STREAMS = 4, CUTS_MAX = 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const flowan_kernel kernels[STREAMS] = {
        FLOWAN_KERNEL_NONE, FLOWAN_KERNEL_NONE, FLOWAN_KERNEL_PORTABLE,
        FLOWAN_KERNEL_BEST};
    input in;
    if (!input_read(&in, data, size) || in.size == 0)
        return 0;
    size_t cuts[CUTS_MAX];
    size_t count = 1 + in.data[0] % CUTS_MAX;
    if (in.size < 1 + count)
        return 0;
    size_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += cuts[i] = in.data[1 + i];
    if (sum == 0)
        cuts[0] = 1;
    const uint8_t *text = in.data + 1 + count;
    size_t text_size = in.size - 1 - count;

    stream *streams[STREAMS];
    for (size_t i = 0; i < STREAMS; i++) {
        streams[i] = input_stream(&in, kernels[i]);
        if (i)
            stream_cut(streams[i], cuts, count);
    }
    for (size_t i = 0; i < in.times; i++)
        streams_compare(streams, STREAMS, text, text_size);
    for (size_t i = 0; i < STREAMS; i++)
        stream_free(streams[i]);
    return 0;
}
