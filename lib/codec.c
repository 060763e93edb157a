#include "codec.h"

#include <string.h>
#include <zstd.h>

/* A block of zstd yields at most 128 KiB and takes at least four bytes. */
enum { ZSTD_RATIO_MAX = (128 << 10) / 4 };

struct fl_codec {
    ZSTD_CCtx *pack;
    ZSTD_DCtx *unpack;
};

fl_codec *fl_codec_new(void)
{
    fl_codec *codec = fl_memory_zalloc(1, sizeof *codec);
    if (!codec)
        return NULL;
    codec->pack = ZSTD_createCCtx();
    codec->unpack = ZSTD_createDCtx();
    if (codec->pack && codec->unpack)
        return codec;
    fl_codec_free(codec);
    return NULL;
}

void fl_codec_free(fl_codec *codec)
{
    if (!codec)
        return;
    ZSTD_freeCCtx(codec->pack);
    ZSTD_freeDCtx(codec->unpack);
    fl_memory_free(codec);
}

bool fl_codec_pack(fl_codec *codec, fl_buffer *out, const void *plain, size_t size,
                   int zstd_level, fl_codec_id *id)
{
    *id = FL_CODEC_PLAIN;
    size_t bound = ZSTD_compressBound(size);
    char *room = fl_buffer_reserve(out, bound > size ? bound : size);
    if (!room)
        return false;
    size_t packed =
        ZSTD_compressCCtx(codec->pack, room, bound, plain, size, zstd_level);
    if (!ZSTD_isError(packed) && packed < size) {
        *id = FL_CODEC_ZSTD;
        out->size += packed;
    } else {
        fl_buffer_append(out, plain, size);
    }
    return true;
}

bool fl_codec_fits(unsigned id, uint64_t stored_size, uint64_t plain_size)
{
    if (id == FL_CODEC_PLAIN)
        return stored_size == plain_size;
    return id == FL_CODEC_ZSTD && stored_size < plain_size &&
           plain_size / ZSTD_RATIO_MAX <= stored_size;
}

flowan_status fl_codec_unpack(fl_codec *codec, unsigned id, const void *stored,
                              size_t stored_size, void *plain, size_t plain_size)
{
    if (id == FL_CODEC_PLAIN) {
        if (stored_size != plain_size)
            return FLOWAN_ERROR_FORMAT;
        if (plain_size)
            memcpy(plain, stored, plain_size);
        return FLOWAN_OK;
    }
    if (id != FL_CODEC_ZSTD)
        return FLOWAN_ERROR_FORMAT;
    size_t got =
        ZSTD_decompressDCtx(codec->unpack, plain, plain_size, stored, stored_size);
    return !ZSTD_isError(got) && got == plain_size ? FLOWAN_OK : FLOWAN_ERROR_FORMAT;
}
