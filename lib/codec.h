/* Layer 3: a column's plain bytes to stored bytes and back. */
#ifndef FL_CODEC_H
#define FL_CODEC_H

#include "flowan/status.h"
#include "memory.h"

/* Stored in segments: never reused. */
typedef enum fl_codec_id {
    FL_CODEC_PLAIN = 0,
    FL_CODEC_ZSTD = 1 /* one zstd frame */
} fl_codec_id;

/* Reusable compression contexts; one thread. */
typedef struct fl_codec fl_codec;

fl_codec *fl_codec_new(void);
void fl_codec_free(fl_codec *codec);

/* Appends the stored form to `out` by whichever codec is smaller; *id tells which.
 * False when memory is short. */
bool fl_codec_pack(fl_codec *codec, fl_buffer *out, const void *plain, size_t size,
                   int zstd_level, fl_codec_id *id);

/* Whether so many stored bytes can be so many plain ones: asked before any memory is taken
 * on a file's word. */
bool fl_codec_fits(unsigned id, uint64_t stored_size, uint64_t plain_size);

/* Fills exactly `plain_size` bytes at `plain`. */
flowan_status fl_codec_unpack(fl_codec *codec, unsigned id, const void *stored,
                              size_t stored_size, void *plain, size_t plain_size);

#endif
