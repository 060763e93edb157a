#include "codec.h"

#include <string.h>
#include <zstd.h>

/* A block of zstd yields at most 128 KiB and takes at least four bytes. */
enum { ZSTD_RATIO_MAX = (128 << 10) / 4 };

struct fl_codec {
    int level;
    ZSTD_CCtx *pack; /* made when first used */
    ZSTD_DCtx *unpack;
};

fl_codec *fl_codec_new(int zstd_level)
{
    fl_codec *codec = fl_memory_zalloc(1, sizeof *codec);
    if (codec)
        codec->level = zstd_level;
    return codec;
}

void fl_codec_free(fl_codec *codec)
{
    if (!codec)
        return;
    ZSTD_freeCCtx(codec->pack);
    ZSTD_freeDCtx(codec->unpack);
    fl_memory_free(codec);
}

/* The frame, behind room for the varint of its size. 0: it is no shorter. */
static size_t compress(fl_codec *codec, fl_buffer *out, const void *plain, size_t size)
{
    if (codec->level == 0 || size == 0)
        return 0;
    if (!codec->pack)
        codec->pack = ZSTD_createCCtx();
    size_t bound = ZSTD_compressBound(size);
    char *room = fl_buffer_reserve(out, bound + 10);
    if (!codec->pack || !room) {
        out->failed = true;
        return 0;
    }
    size_t packed =
        ZSTD_compressCCtx(codec->pack, room + 10, bound, plain, size, codec->level);
    return !ZSTD_isError(packed) && packed < size ? packed : 0;
}

void fl_codec_put(fl_codec *codec, fl_buffer *out, const void *plain, size_t size)
{
    size_t packed = compress(codec, out, plain, size);
    size_t before = out->size;
    fl_bytes_put_varint(out, packed);
    if (packed == 0) {
        fl_buffer_append(out, plain, size);
        return;
    }
    if (out->failed)
        return;
    memmove(out->data + out->size, out->data + before + 10, packed);
    out->size += packed;
}

bool fl_codec_fits(const fl_cursor *in, uint64_t size)
{
    fl_cursor look = *in;
    uint64_t packed = fl_cursor_varint(&look);
    if (look.failed || packed > look.left)
        return false;
    return packed ? packed < size && size / ZSTD_RATIO_MAX <= packed
                  : size <= look.left;
}

bool fl_codec_get(fl_codec *codec, fl_cursor *in, void *plain, size_t size)
{
    uint64_t packed = fl_cursor_varint(in);
    const void *stored =
        packed <= SIZE_MAX ? fl_cursor_take(in, packed ? (size_t)packed : size) : NULL;
    if (!stored)
        return false;
    if (packed == 0) {
        if (size)
            memcpy(plain, stored, size);
        return true;
    }
    if (!codec->unpack)
        codec->unpack = ZSTD_createDCtx();
    if (!codec->unpack)
        return false;
    size_t got =
        ZSTD_decompressDCtx(codec->unpack, plain, size, stored, (size_t)packed);
    return !ZSTD_isError(got) && got == size;
}
