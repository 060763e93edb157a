/* Layer 3: bytes to stored bytes and back, through zstd where that makes them fewer. */
#ifndef FL_CODEC_H
#define FL_CODEC_H

#include "bytes.h"
#include "flowan/status.h"

/* Reusable compression contexts; one thread. */
typedef struct fl_codec fl_codec;

/* The effort of zstd; 0: none, bytes are kept as they are. */
fl_codec *fl_codec_new(int zstd_level);
void fl_codec_free(fl_codec *codec);

/* Appends the stored form: a varint that is the size of a zstd frame, and the frame; or 0
 * and the bytes as they are. A failure shows in out->failed. */
void fl_codec_put(fl_codec *codec, fl_buffer *out, const void *plain, size_t size);

/* Fills exactly `size` bytes at `plain`. False when they are not what is stored there. */
bool fl_codec_get(fl_codec *codec, fl_cursor *in, void *plain, size_t size);

/* Whether what is stored from here on can be so many bytes: asked before any memory is
 * taken on a file's word. */
bool fl_codec_fits(const fl_cursor *in, uint64_t size);

#endif
