/* Layer 2: the bytes of a log from a descriptor, decompressed. It knows nothing of
 * records, and does not follow a log that grows or is renamed.
 *
 * Plain input is handed out from the buffer that it was read into; compressed input
 * goes through a second one. A failure waits in the handle until the good bytes before
 * it were taken. */
#include "source.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "memory.h"
#include "status.h"

/* Both buffers together stay in the second-level cache of most CPUs, and a system call
 * for 256 KiB is already noise. Peeking must fit into either. */
#define BUFFER_SIZE ((size_t)256 << 10)

/* read() to odd page offsets (where malloc puts large blocks) copies at a fraction of
 * the speed on some CPUs. */
#define PAGE_SIZE_BYTES 4096

#define ZSTD_WINDOW_LOG_MAX 27

enum kind { KIND_UNKNOWN, KIND_PLAIN, KIND_GZIP, KIND_ZSTD };

struct pages {
    void *memory;
    unsigned char *data; /* page aligned, within `memory` */
};

struct flowan_source {
    char *name;
    int fd;
    bool owns_fd;
    bool was_read; /* peeking is over */
    enum kind kind;
    flowan_error failure; /* FLOWAN_OK while there is none */

    /* What was read and not yet taken: in[in_at .. in_size). */
    struct pages in;
    size_t in_at;
    size_t in_size;
    uint64_t in_offset; /* of in[0] in the input */
    bool in_ended;

    /* What is decompressed and not yet taken. */
    struct pages out;
    size_t out_size;
    bool out_ended;
    bool out_pending; /* the decoder stopped for want of room: it may hold more */

    bool in_frame;        /* inside a gzip member or zstd frame */
    uint64_t frame_start; /* of this or the last one */
    bool padding;         /* behind the last gzip member */
    z_stream gzip;
    bool gzip_made;
    ZSTD_DCtx *zstd;
    size_t zstd_hint;
};

static bool pages_make(struct pages *pages)
{
    pages->memory = fl_memory_alloc(BUFFER_SIZE + PAGE_SIZE_BYTES, 1);
    if (!pages->memory)
        return false;
    size_t over = (uintptr_t)pages->memory % PAGE_SIZE_BYTES;
    pages->data = (unsigned char *)pages->memory + (over ? PAGE_SIZE_BYTES - over : 0);
    return true;
}

static uint64_t offset_of(const flowan_source *source)
{
    return source->in_offset + source->in_at;
}

static void fail_stream(flowan_source *source, flowan_status status, uint64_t offset,
                        const char *what)
{
    fl_status_describe(&source->failure, status, offset,
                       "%s: %s, at compressed byte %llu", source->name, what,
                       (unsigned long long)offset);
}

/* --- input --- */

/* Reads more behind what is there, or notes the end of the input or a failure. */
static void fill(flowan_source *source)
{
    if (source->in_at == source->in_size) {
        source->in_offset += source->in_at;
        source->in_at = source->in_size = 0;
    }
    for (;;) {
        ssize_t got = read(source->fd, source->in.data + source->in_size,
                           BUFFER_SIZE - source->in_size);
        if (got >= 0) {
            source->in_size += (size_t)got;
            source->in_ended = got == 0;
            return;
        }
        if (errno == EAGAIN || errno == EWOULDBLOCK) {
            /* Somebody made the pipe non-blocking: we are not the only user of it. */
            struct pollfd wait = {.fd = source->fd, .events = POLLIN};
            poll(&wait, 1, -1);
        } else if (errno != EINTR) {
            fl_status_errno(&source->failure, errno, "read", source->name);
            return;
        }
    }
}

/* KIND_UNKNOWN while more bytes are needed to tell. */
static enum kind kind_of(const unsigned char *data, size_t size)
{
    static const unsigned char gzip[] = {0x1f, 0x8b};
    static const unsigned char zstd[] = {0x28, 0xb5, 0x2f, 0xfd};
    static const unsigned char skippable[] = {0x50, 0x2a, 0x4d, 0x18};
    if (size == 0)
        return KIND_UNKNOWN;
    size_t known = size < 4 ? size : 4;
    if (memcmp(data, gzip, known < 2 ? known : 2) == 0)
        return known < 2 ? KIND_UNKNOWN : KIND_GZIP;
    bool skips = (data[0] & 0xf0) == skippable[0] &&
                 memcmp(data + 1, skippable + 1, known - 1) == 0;
    if (skips || memcmp(data, zstd, known) == 0)
        return known < 4 ? KIND_UNKNOWN : KIND_ZSTD;
    return KIND_PLAIN;
}

static voidpf gzip_alloc(voidpf context, uInt count, uInt width)
{
    (void)context;
    return fl_memory_alloc(count, width);
}

static void gzip_free(voidpf context, voidpf memory)
{
    (void)context;
    fl_memory_free(memory);
}

static bool make_decoder(flowan_source *source)
{
    if (source->kind == KIND_PLAIN)
        return true;
    if (!pages_make(&source->out))
        return false;
    if (source->kind == KIND_GZIP) {
        source->gzip.zalloc = gzip_alloc;
        source->gzip.zfree = gzip_free;
        /* 15: any window; + 16: gzip and nothing else. */
        source->gzip_made = inflateInit2(&source->gzip, 15 + 16) == Z_OK;
        return source->gzip_made;
    }
    source->zstd = ZSTD_createDCtx();
    return source->zstd && !ZSTD_isError(ZSTD_DCtx_setParameter(
                               source->zstd, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG_MAX));
}

static void detect(flowan_source *source)
{
    enum kind kind = KIND_UNKNOWN;
    while (kind == KIND_UNKNOWN && !source->in_ended && !source->failure.status) {
        fill(source);
        kind = kind_of(source->in.data, source->in_size);
    }
    source->kind = kind == KIND_UNKNOWN ? KIND_PLAIN : kind;
    if (!make_decoder(source))
        fl_status_memory(&source->failure);
}

/* --- gzip --- */

/* Between two members: what comes next, if anything. */
static void gzip_next_member(flowan_source *source)
{
    const unsigned char *in = source->in.data;
    if (source->in_at == source->in_size) {
        source->out_ended = true;
        return;
    }
    bool first = offset_of(source) == 0;
    if (!first && in[source->in_at] == 0)
        source->padding = true;
    while (source->padding && source->in_at < source->in_size && !in[source->in_at])
        source->in_at++;
    if (source->in_at == source->in_size)
        return;
    if (source->padding || in[source->in_at] != 0x1f) {
        fail_stream(source, FLOWAN_ERROR_FORMAT, offset_of(source),
                    "garbage behind a gzip member");
        return;
    }
    if (!first)
        inflateReset(&source->gzip);
    source->in_frame = true;
    source->frame_start = offset_of(source);
}

static void gzip_step(flowan_source *source)
{
    if (!source->in_frame) {
        gzip_next_member(source);
        return;
    }
    z_stream *gzip = &source->gzip;
    size_t in_before = source->in_at, out_before = source->out_size;
    gzip->next_in = source->in.data + source->in_at;
    gzip->avail_in = (uInt)(source->in_size - source->in_at);
    gzip->next_out = source->out.data + source->out_size;
    gzip->avail_out = (uInt)(BUFFER_SIZE - source->out_size);
    int result = inflate(gzip, Z_NO_FLUSH);
    source->in_at = source->in_size - gzip->avail_in;
    source->out_size = BUFFER_SIZE - gzip->avail_out;
    source->out_pending = result != Z_STREAM_END && gzip->avail_out == 0;
    bool stuck = source->in_at == in_before && source->out_size == out_before;
    if (result == Z_STREAM_END) {
        source->in_frame = false;
    } else if (result == Z_MEM_ERROR) {
        fl_status_memory(&source->failure);
    } else if (result != Z_OK && result != Z_BUF_ERROR) {
        fail_stream(source, FLOWAN_ERROR_FORMAT, offset_of(source),
                    gzip->msg ? gzip->msg : "damaged gzip stream");
    } else if (stuck && source->in_ended) {
        fail_stream(source, FLOWAN_ERROR_FORMAT, offset_of(source),
                    "the input ends inside a gzip member");
    }
}

/* --- zstd --- */

static void fail_zstd(flowan_source *source, size_t result)
{
    switch (ZSTD_getErrorCode(result)) {
    case ZSTD_error_memory_allocation: fl_status_memory(&source->failure); break;
    case ZSTD_error_frameParameter_windowTooLarge:
        fail_stream(source, FLOWAN_ERROR_LIMIT, source->frame_start,
                    "zstd frame with a window over 128 MiB");
        break;
    case ZSTD_error_prefix_unknown:
        fail_stream(source, FLOWAN_ERROR_FORMAT, source->frame_start,
                    "garbage behind a zstd frame");
        break;
    default:
        fail_stream(source, FLOWAN_ERROR_FORMAT, offset_of(source),
                    ZSTD_getErrorName(result));
        break;
    }
}

/* How much to feed at once. A call that fails keeps its output to itself, so no call
 * may see two blocks: all good ones before a bad one are to be handed out. The hint is
 * the rest of a block and the three bytes of the next one's header. */
static size_t zstd_portion(const flowan_source *source)
{
    if (source->out_pending)
        return 0;
    size_t portion = source->zstd_hint > 3 ? source->zstd_hint - 3 : 3;
    size_t there = source->in_size - source->in_at;
    return portion < there ? portion : there;
}

static void zstd_step(flowan_source *source)
{
    if (source->in_at == source->in_size && !source->out_pending) {
        if (source->in_frame)
            fail_stream(source, FLOWAN_ERROR_FORMAT, offset_of(source),
                        "the input ends inside a zstd frame");
        source->out_ended = !source->in_frame;
        return;
    }
    if (!source->in_frame)
        source->frame_start = offset_of(source);
    ZSTD_inBuffer in = {source->in.data + source->in_at, zstd_portion(source), 0};
    ZSTD_outBuffer out = {source->out.data, BUFFER_SIZE, source->out_size};
    size_t result = ZSTD_decompressStream(source->zstd, &out, &in);
    if (ZSTD_isError(result)) {
        fail_zstd(source, result);
        return;
    }
    source->in_at += in.pos;
    source->out_size = out.pos;
    source->in_frame = result != 0;
    source->out_pending = result != 0 && out.pos == out.size;
    source->zstd_hint = result;
}

/* --- output --- */

/* Works until `want` bytes can be taken, or the input has ended or failed. Of
 * compressed input, all that was read is used up while there is room, so that many
 * small members do not make many small runs. */
static void produce(flowan_source *source, size_t want)
{
    if (source->kind == KIND_UNKNOWN && !source->failure.status)
        detect(source);
    if (source->kind == KIND_PLAIN) {
        while (source->in_size - source->in_at < want && !source->in_ended &&
               !source->failure.status)
            fill(source);
        source->out_ended = source->in_ended;
        return;
    }
    while (!source->out_ended && !source->failure.status) {
        bool empty = source->in_at == source->in_size;
        if (source->out_size == BUFFER_SIZE || (source->out_size >= want && empty))
            return;
        if (empty && !source->out_pending && !source->in_ended)
            fill(source);
        else if (source->kind == KIND_GZIP)
            gzip_step(source);
        else
            zstd_step(source);
    }
}

static size_t ready(const flowan_source *source, const void **data)
{
    if (source->kind == KIND_PLAIN) {
        *data = source->in.data + source->in_at;
        return source->in_size - source->in_at;
    }
    *data = source->out.data;
    return source->out_size;
}

static flowan_status give_failure(const flowan_source *source, flowan_error *error)
{
    if (error)
        *error = source->failure;
    return source->failure.status;
}

/* --- public --- */

static flowan_status make(flowan_source **out, int fd, bool owns_fd, const char *name,
                          flowan_error *error)
{
    struct stat about;
    if (fstat(fd, &about) != 0)
        return fl_status_errno(error, errno, "read", name);
    if (S_ISDIR(about.st_mode))
        return fl_status_fail(error, FLOWAN_ERROR_IO, FL_NO_OFFSET,
                              "cannot read %s: it is a directory", name);
    flowan_source *source = fl_memory_zalloc(1, sizeof *source);
    if (!source)
        return fl_status_memory(error);
    size_t size = strlen(name) + 1;
    source->name = fl_memory_alloc(size, 1);
    if (!source->name || !pages_make(&source->in)) {
        flowan_source_free(source);
        return fl_status_memory(error);
    }
    memcpy(source->name, name, size);
    source->fd = fd;
    source->owns_fd = owns_fd;
    *out = source;
    return FLOWAN_OK;
}

flowan_status flowan_source_open(flowan_source **out, const char *path,
                                 flowan_error *error)
{
    *out = NULL;
    if (strcmp(path, "-") == 0)
        return make(out, STDIN_FILENO, false, "standard input", error);
    int fd;
    do
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    while (fd < 0 && errno == EINTR);
    if (fd < 0)
        return fl_status_errno(error, errno, "open", path);
    flowan_status status = make(out, fd, true, path, error);
    if (status < 0)
        close(fd);
    return status;
}

flowan_status flowan_source_open_fd(flowan_source **out, int fd, const char *name,
                                    flowan_error *error)
{
    *out = NULL;
    return make(out, fd, false, name, error);
}

flowan_status flowan_source_read(flowan_source *source, const void **data, size_t *size,
                                 flowan_error *error)
{
    source->was_read = true;
    produce(source, 1);
    *size = ready(source, data);
    if (*size > 0) {
        if (source->kind == KIND_PLAIN)
            source->in_at = source->in_size;
        else
            source->out_size = 0;
        return FLOWAN_OK;
    }
    *data = NULL;
    if (source->failure.status < 0)
        return give_failure(source, error);
    return FLOWAN_END;
}

flowan_status flowan_source_peek(flowan_source *source, size_t want, const void **data,
                                 size_t *size, flowan_error *error)
{
    *data = NULL;
    *size = 0;
    if (source->was_read || want > FLOWAN_SOURCE_PEEK_MAX)
        return fl_status_fail(error, FLOWAN_ERROR_ARGUMENT, FL_NO_OFFSET,
                              source->was_read ? "%s: peek after the first read"
                                               : "%s: peek over 65536 bytes",
                              source->name);
    if (want == 0)
        return FLOWAN_OK;
    produce(source, want);
    size_t there = ready(source, data);
    if (there == 0 && source->failure.status < 0) {
        *data = NULL;
        return give_failure(source, error);
    }
    *size = there < want ? there : want;
    return FLOWAN_OK;
}

bool fl_source_wait(const flowan_source *source, int timeout_ms)
{
    const void *data;
    if (source->failure.status < 0 || source->in_ended || source->out_pending ||
        source->in_at < source->in_size || ready(source, &data) > 0)
        return true;
    struct pollfd input = {.fd = source->fd, .events = POLLIN};
    return poll(&input, 1, timeout_ms) > 0;
}

bool fl_source_is_packed(const flowan_source *source)
{
    return source->kind == KIND_GZIP || source->kind == KIND_ZSTD;
}

const char *flowan_source_name(const flowan_source *source)
{
    return source->name;
}

bool flowan_source_stat(const flowan_source *source, uint64_t *device, uint64_t *inode,
                        uint64_t *modified_ns, uint64_t *size_bytes)
{
    struct stat about;
    if (fstat(source->fd, &about) != 0 || !S_ISREG(about.st_mode))
        return false;
    uint64_t seconds = about.st_mtim.tv_sec > 0 ? (uint64_t)about.st_mtim.tv_sec : 0;
    uint64_t fraction = about.st_mtim.tv_sec >= 0 ? (uint64_t)about.st_mtim.tv_nsec : 0;
    if (device)
        *device = (uint64_t)about.st_dev;
    if (inode)
        *inode = (uint64_t)about.st_ino;
    if (modified_ns)
        *modified_ns = seconds > UINT64_MAX / 1000000000 - 1
                           ? UINT64_MAX
                           : seconds * 1000000000 + fraction;
    if (size_bytes)
        *size_bytes = (uint64_t)about.st_size;
    return true;
}

void flowan_source_free(flowan_source *source)
{
    if (!source)
        return;
    if (source->gzip_made)
        inflateEnd(&source->gzip);
    ZSTD_freeDCtx(source->zstd);
    if (source->owns_fd)
        close(source->fd);
    fl_memory_free(source->in.memory);
    fl_memory_free(source->out.memory);
    fl_memory_free(source->name);
    fl_memory_free(source);
}
