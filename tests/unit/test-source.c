/* Bytes in, bytes out: plain, gzip and zstd, whole, cut, damaged and one by one. */
#include "flowan/source.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "memory.h"
#include "unit.h"

/* Text that shrinks, but not to nothing. */
static fl_buffer text_of(size_t size)
{
    fl_buffer text = {0};
    uint32_t state = 12345;
    ck_assert_ptr_nonnull(fl_buffer_reserve(&text, size + 1));
    while (text.size < size) {
        state = state * 1664525 + 1013904223;
        fl_buffer_format(&text, "{\"bytes\":%u,\"proto\":\"TCP\"}\n", state >> 8);
    }
    text.size = size;
    ck_assert(!text.failed);
    return text;
}

static void add_gzip(fl_buffer *to, const char *data, size_t size)
{
    z_stream stream = {0};
    ck_assert_int_eq(
        deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    size_t bound = deflateBound(&stream, size);
    stream.next_in = (Bytef *)data;
    stream.avail_in = (uInt)size;
    stream.next_out = (Bytef *)fl_buffer_reserve(to, bound);
    stream.avail_out = (uInt)bound;
    ck_assert_int_eq(deflate(&stream, Z_FINISH), Z_STREAM_END);
    to->size += stream.total_out;
    deflateEnd(&stream);
}

/* With checksum; `blocks` above 1 cuts the frame into that many. */
static void add_zstd(fl_buffer *to, const char *data, size_t size, size_t blocks)
{
    ZSTD_CCtx *zstd = ZSTD_createCCtx();
    ZSTD_CCtx_setParameter(zstd, ZSTD_c_checksumFlag, 1);
    size_t bound = ZSTD_compressBound(size) + 64 * blocks;
    ZSTD_outBuffer out = {fl_buffer_reserve(to, bound), bound, 0};
    for (size_t i = 0; i < blocks; i++) {
        size_t from = size * i / blocks, end = size * (i + 1) / blocks;
        ZSTD_inBuffer in = {data + from, end - from, 0};
        ck_assert_uint_eq(
            ZSTD_compressStream2(zstd, &out, &in,
                                 i + 1 < blocks ? ZSTD_e_flush : ZSTD_e_end),
            0);
    }
    to->size += out.pos;
    ZSTD_freeCCtx(zstd);
}

static void add_bytes(fl_buffer *to, const char *data, size_t size)
{
    fl_buffer_append(to, data, size);
}

/* A temporary file with these bytes, without a name. */
static int file_of(const fl_buffer *bytes)
{
    char path[] = "/tmp/flowan-source-XXXXXX";
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    unlink(path);
    ck_assert_int_eq(write(fd, bytes->data, bytes->size), (ssize_t)bytes->size);
    ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
    return fd;
}

static flowan_source *source_of(int fd)
{
    flowan_source *source = NULL;
    ck_assert_int_eq(flowan_source_open_fd(&source, fd, "log", NULL), FLOWAN_OK);
    return source;
}

/* Reads to the end or to an error, twice; what was read goes to *all. */
static flowan_status read_all(flowan_source *source, fl_buffer *all,
                              flowan_error *error)
{
    const void *data;
    size_t size;
    flowan_status status;
    while ((status = flowan_source_read(source, &data, &size, error)) == FLOWAN_OK) {
        ck_assert_uint_ge(size, 1);
        ck_assert_uint_le(size, 1 << 20);
        fl_buffer_append(all, data, size);
    }
    ck_assert_ptr_null(data);
    ck_assert_uint_eq(size, 0);
    ck_assert_int_eq(flowan_source_read(source, &data, &size, NULL), status);
    return status;
}

static void same(const fl_buffer *got, const char *wanted, size_t size)
{
    ck_assert_uint_eq(got->size, size);
    ck_assert(size == 0 || memcmp(got->data, wanted, size) == 0);
}

/* `bytes` come to `status`, after exactly `wanted`. */
static void gives(const fl_buffer *bytes, flowan_status status, const char *wanted,
                  size_t size, const char *message, uint64_t offset)
{
    int fd = file_of(bytes);
    flowan_source *source = source_of(fd);
    fl_buffer all = {0};
    flowan_error error = {0};
    ck_assert_int_eq(read_all(source, &all, &error), status);
    same(&all, wanted, size);
    if (status < 0) {
        ck_assert_int_eq(error.status, status);
        ck_assert_msg(strstr(error.message, message), "%s", error.message);
        ck_assert_ptr_eq(strstr(error.message, "log: "), error.message);
        /* How far into a header the decoders go before they refuse it is theirs. */
        ck_assert_uint_ge(error.offset, offset);
        ck_assert_uint_le(error.offset, offset + 3);
    }
    fl_buffer_free(&all);
    flowan_source_free(source);
    close(fd);
}

START_TEST(byte_exact)
{
    static const size_t sizes[] = {
        0,      1,      2,      3,      4,      5,       100,           131072, 262143,
        262144, 262145, 524288, 786432, 786433, 1 << 20, (1 << 20) + 7, 5000000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        size_t size = sizes[i];
        fl_buffer text = text_of(size), packed = {0};
        gives(&text, FLOWAN_END, text.data, size, "", 0);
        add_gzip(&packed, text.data, size);
        gives(&packed, FLOWAN_END, text.data, size, "", 0);
        fl_buffer_clear(&packed);
        add_zstd(&packed, text.data, size, 1);
        gives(&packed, FLOWAN_END, text.data, size, "", 0);
        fl_buffer_clear(&packed);
        for (size_t part = 0; part < 7; part++) {
            size_t from = size * part / 7, end = size * (part + 1) / 7;
            add_gzip(&packed, text.data + from, end - from);
            add_gzip(&packed, "", 0);
        }
        gives(&packed, FLOWAN_END, text.data, size, "", 0);
        fl_buffer_clear(&packed);
        for (size_t part = 0; part < 7; part++) {
            size_t from = size * part / 7, end = size * (part + 1) / 7;
            add_zstd(&packed, text.data + from, end - from, part + 1);
            add_zstd(&packed, "", 0, 1);
        }
        gives(&packed, FLOWAN_END, text.data, size, "", 0);
        fl_buffer_free(&packed);
        fl_buffer_free(&text);
    }
}
END_TEST

START_TEST(zeros)
{
    /* Very small input, very large output: the decoder runs out of room. */
    fl_buffer text = {0}, packed = {0};
    memset(fl_buffer_reserve(&text, 3 << 20), 0, 3 << 20);
    text.size = 3 << 20;
    gives(&text, FLOWAN_END, text.data, text.size, "", 0);
    add_gzip(&packed, text.data, text.size);
    gives(&packed, FLOWAN_END, text.data, text.size, "", 0);
    fl_buffer_clear(&packed);
    add_zstd(&packed, text.data, text.size, 1);
    gives(&packed, FLOWAN_END, text.data, text.size, "", 0);
    fl_buffer_free(&packed);
    fl_buffer_free(&text);
}
END_TEST

START_TEST(skippable_frames)
{
    fl_buffer packed = {0};
    add_bytes(&packed, "\x50\x2a\x4d\x18\x03\0\0\0abc", 11);
    gives(&packed, FLOWAN_END, "", 0, "", 0);
    add_zstd(&packed, "one\n", 4, 1);
    add_bytes(&packed, "\x5f\x2a\x4d\x18\0\0\0\0", 8);
    add_zstd(&packed, "two\n", 4, 1);
    add_bytes(&packed, "\x57\x2a\x4d\x18\x01\0\0\0a", 9);
    gives(&packed, FLOWAN_END, "one\ntwo\n", 8, "", 0);
    packed.size--;
    gives(&packed, FLOWAN_ERROR_FORMAT, "one\ntwo\n", 8, "ends inside a zstd frame",
          packed.size);
    fl_buffer_clear(&packed);
    add_bytes(&packed,
              "\x50\x2a\x4d\x18\xff\xff\xff\xff"
              "abc",
              11);
    gives(&packed, FLOWAN_ERROR_FORMAT, "", 0, "ends inside a zstd frame", 11);
    fl_buffer_free(&packed);
}
END_TEST

START_TEST(short_plain)
{
    static const char *const texts[] = {"\x1f", "\x1f{",     "(",          "(\xb5/",
                                        "P*M",  "P*M\x19",   "\x60*M\x18", "{",
                                        "\n",   "(\xb5/\xfc"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        fl_buffer bytes = {0};
        fl_buffer_text(&bytes, texts[i]);
        gives(&bytes, FLOWAN_END, texts[i], bytes.size, "", 0);
        fl_buffer_free(&bytes);
    }
}
END_TEST

/* What comes out of a cut stream begins like the whole, and is never called
 * complete. */
static void cut_everywhere(const fl_buffer *packed, const fl_buffer *text, size_t first,
                           size_t whole_member)
{
    for (size_t cut = first; cut < packed->size; cut++) {
        if (cut == whole_member)
            continue;
        fl_buffer bytes = {packed->data, cut, cut, false};
        int fd = file_of(&bytes);
        flowan_source *source = source_of(fd);
        fl_buffer all = {0};
        flowan_error error;
        ck_assert_int_eq(read_all(source, &all, &error), FLOWAN_ERROR_FORMAT);
        ck_assert_uint_eq(error.offset, cut);
        ck_assert_msg(strstr(error.message, "the input ends inside a"), "%s",
                      error.message);
        ck_assert_uint_le(all.size, text->size);
        ck_assert(all.size == 0 || memcmp(all.data, text->data, all.size) == 0);
        if (cut > whole_member)
            ck_assert_uint_ge(all.size, text->size / 2);
        fl_buffer_free(&all);
        flowan_source_free(source);
        close(fd);
    }
}

START_TEST(truncated)
{
    fl_buffer text = text_of(2000), packed = {0};
    add_gzip(&packed, text.data, 1000);
    size_t whole = packed.size;
    add_gzip(&packed, text.data + 1000, 1000);
    cut_everywhere(&packed, &text, 2, whole);
    fl_buffer_clear(&packed);
    add_zstd(&packed, text.data, 1000, 3);
    whole = packed.size;
    add_zstd(&packed, text.data + 1000, 1000, 3);
    cut_everywhere(&packed, &text, 4, whole);
    fl_buffer_free(&packed);
    fl_buffer_free(&text);
}
END_TEST

START_TEST(garbage_behind)
{
    fl_buffer packed = {0};
    add_gzip(&packed, "text\n", 5);
    size_t size = packed.size;
    add_bytes(&packed, "{}", 2);
    gives(&packed, FLOWAN_ERROR_FORMAT, "text\n", 5, "garbage behind a gzip member",
          size);
    packed.size = size;
    add_bytes(&packed, "\x1f\x8c", 2);
    gives(&packed, FLOWAN_ERROR_FORMAT, "text\n", 5, "compressed byte", size + 2);
    packed.size = size;
    add_bytes(&packed, "\0\0\0", 3);
    gives(&packed, FLOWAN_END, "text\n", 5, "", 0);
    add_bytes(&packed, "\x1f\x8b", 2);
    gives(&packed, FLOWAN_ERROR_FORMAT, "text\n", 5, "garbage behind a gzip member",
          size + 3);
    packed.size = size;
    for (int i = 0; i < 600000; i++)
        fl_buffer_byte(&packed, '\0');
    gives(&packed, FLOWAN_END, "text\n", 5, "", 0);

    fl_buffer_clear(&packed);
    add_zstd(&packed, "text\n", 5, 1);
    size = packed.size;
    add_bytes(&packed, "{}{}{}{}", 8);
    gives(&packed, FLOWAN_ERROR_FORMAT, "text\n", 5, "garbage behind a zstd frame",
          size);
    fl_buffer_free(&packed);
}
END_TEST

START_TEST(good_before_damage)
{
    /* Three blocks of one zstd frame, small enough to be decoded at one go; behind the
     * header of six bytes, each has three that hold its type (in bits 1 and 2) and
     * size. */
    fl_buffer text = text_of(3000), packed = {0};
    add_zstd(&packed, text.data, 3000, 3);
    for (size_t block = 0, at = 6; block < 3; block++) {
        const unsigned char *header = (const unsigned char *)packed.data + at;
        char saved = packed.data[at];
        packed.data[at] = (char)(saved | 6); /* the reserved type */
        gives(&packed, FLOWAN_ERROR_FORMAT, text.data, block * 1000, "log: ", at);
        packed.data[at] = saved;
        at += 3 + ((header[0] | (size_t)header[1] << 8 | (size_t)header[2] << 16) >> 3);
    }
    /* A wrong checksum: all of the text, then the error. */
    packed.data[packed.size - 1] ^= 1;
    gives(&packed, FLOWAN_ERROR_FORMAT, text.data, 3000, "checksum", packed.size - 4);
    fl_buffer_clear(&packed);
    add_gzip(&packed, text.data, 3000);
    packed.data[packed.size - 5] ^= 1;
    gives(&packed, FLOWAN_ERROR_FORMAT, text.data, 3000, "incorrect data check",
          packed.size - 4);
    fl_buffer_free(&packed);
    fl_buffer_free(&text);
}
END_TEST

START_TEST(every_byte_damaged)
{
    fl_buffer text = text_of(300);
    for (int kind = 0; kind < 2; kind++) {
        fl_buffer packed = {0};
        if (kind == 0)
            add_gzip(&packed, text.data, text.size);
        else
            add_zstd(&packed, text.data, text.size, 3);
        for (size_t i = 0; i < packed.size; i++)
            for (int bit = 0; bit < 8; bit++) {
                packed.data[i] = (char)(packed.data[i] ^ 1 << bit);
                int fd = file_of(&packed);
                flowan_source *source = source_of(fd);
                fl_buffer all = {0};
                flowan_error error;
                flowan_status status = read_all(source, &all, &error);
                ck_assert(status == FLOWAN_END || status == FLOWAN_ERROR_FORMAT ||
                          status == FLOWAN_ERROR_LIMIT);
                fl_buffer_free(&all);
                flowan_source_free(source);
                close(fd);
                packed.data[i] = (char)(packed.data[i] ^ 1 << bit);
            }
        fl_buffer_free(&packed);
    }
    fl_buffer_free(&text);
}
END_TEST

START_TEST(window_limit)
{
    /* A frame without content size, of one empty raw block: 2^27, then 2^28. */
    fl_buffer packed = {0};
    add_bytes(&packed, "\x28\xb5\x2f\xfd\0\x88\x01\0\0", 9);
    gives(&packed, FLOWAN_END, "", 0, "", 0);
    packed.data[5] = '\x90';
    gives(&packed, FLOWAN_ERROR_LIMIT, "", 0, "window over 128 MiB", 0);
    fl_buffer_free(&packed);
}
END_TEST

/* A descriptor from which each read gets one byte: a socket of one-byte packets. */
static int drip(const fl_buffer *bytes, pid_t *child)
{
    int pair[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
    *child = fork();
    ck_assert_int_ge(*child, 0);
    if (*child == 0) {
        close(pair[0]);
        for (size_t i = 0; i < bytes->size; i++)
            if (write(pair[1], bytes->data + i, 1) != 1)
                _exit(1);
        _exit(0);
    }
    close(pair[1]);
    return pair[0];
}

START_TEST(byte_by_byte)
{
    fl_buffer text = text_of(3000);
    for (int kind = 0; kind < 6; kind++) {
        fl_buffer bytes = {0};
        if (kind / 2 == 0) {
            add_bytes(&bytes, text.data, text.size);
        } else if (kind / 2 == 1) {
            add_gzip(&bytes, text.data, 1000);
            add_gzip(&bytes, text.data + 1000, 2000);
            add_bytes(&bytes, "\0\0", 2);
        } else {
            add_zstd(&bytes, text.data, 1000, 3);
            add_bytes(&bytes, "\x50\x2a\x4d\x18\x03\0\0\0abc", 11);
            add_zstd(&bytes, text.data + 1000, 2000, 3);
        }
        pid_t child;
        int fd = drip(&bytes, &child);
        flowan_source *source = source_of(fd);
        fl_buffer all = {0};
        const void *data;
        size_t size;
        if (kind % 2 == 1) {
            ck_assert_int_eq(flowan_source_peek(source, 1500, &data, &size, NULL),
                             FLOWAN_OK);
            ck_assert_uint_eq(size, 1500);
            ck_assert_int_eq(memcmp(data, text.data, 1500), 0);
        }
        ck_assert_int_eq(read_all(source, &all, NULL), FLOWAN_END);
        same(&all, text.data, text.size);
        ck_assert(!flowan_source_stat(source, NULL, NULL, NULL, NULL));
        fl_buffer_free(&all);
        flowan_source_free(source);
        close(fd);
        int how;
        ck_assert_int_eq(waitpid(child, &how, 0), child);
        ck_assert_int_eq(how, 0);
        fl_buffer_free(&bytes);
    }
    fl_buffer_free(&text);
}
END_TEST

START_TEST(does_not_wait_for_more)
{
    /* The other end stays open: what was written must come out all the same. */
    for (int kind = 0; kind < 3; kind++) {
        int ends[2];
        ck_assert_int_eq(pipe(ends), 0);
        fl_buffer bytes = {0};
        if (kind == 0)
            add_bytes(&bytes, "x", 1);
        else if (kind == 1)
            add_gzip(&bytes, "x", 1);
        else
            add_zstd(&bytes, "x", 1, 1);
        ck_assert_int_eq(write(ends[1], bytes.data, bytes.size), (ssize_t)bytes.size);
        flowan_source *source = source_of(ends[0]);
        const void *data;
        size_t size;
        ck_assert_int_eq(flowan_source_read(source, &data, &size, NULL), FLOWAN_OK);
        ck_assert(size == 1 && *(const char *)data == 'x');
        flowan_source_free(source);
        close(ends[0]);
        close(ends[1]);
        fl_buffer_free(&bytes);
    }
}
END_TEST

START_TEST(non_blocking)
{
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
    pid_t child = fork();
    if (child == 0) {
        usleep(50000);
        _exit(write(ends[1], "late", 4) != 4);
    }
    close(ends[1]);
    flowan_source *source = source_of(ends[0]);
    fl_buffer all = {0};
    ck_assert_int_eq(read_all(source, &all, NULL), FLOWAN_END);
    same(&all, "late", 4);
    fl_buffer_free(&all);
    flowan_source_free(source);
    close(ends[0]);
    waitpid(child, NULL, 0);
}
END_TEST

START_TEST(peeking)
{
    fl_buffer text = text_of(200000);
    for (int kind = 0; kind < 3; kind++) {
        fl_buffer bytes = {0};
        if (kind == 0)
            add_bytes(&bytes, text.data, text.size);
        else if (kind == 1)
            add_gzip(&bytes, text.data, text.size);
        else
            add_zstd(&bytes, text.data, text.size, 1);
        int fd = file_of(&bytes);
        flowan_source *source = source_of(fd);
        static const size_t wants[] = {0, 1, 65536, 5};
        const void *data;
        size_t size;
        for (size_t i = 0; i < 4; i++) {
            ck_assert_int_eq(flowan_source_peek(source, wants[i], &data, &size, NULL),
                             FLOWAN_OK);
            ck_assert_uint_eq(size, wants[i]);
            ck_assert(size == 0 || memcmp(data, text.data, size) == 0);
        }
        ck_assert_int_eq(flowan_source_peek(source, 65537, &data, &size, NULL),
                         FLOWAN_ERROR_ARGUMENT);
        fl_buffer all = {0};
        ck_assert_int_eq(read_all(source, &all, NULL), FLOWAN_END);
        same(&all, text.data, text.size);
        flowan_error error;
        ck_assert_int_eq(flowan_source_peek(source, 1, &data, &size, &error),
                         FLOWAN_ERROR_ARGUMENT);
        ck_assert(strstr(error.message, "log: peek after the first read"));
        fl_buffer_free(&all);
        flowan_source_free(source);
        close(fd);
        fl_buffer_free(&bytes);
    }
    fl_buffer_free(&text);
}
END_TEST

START_TEST(peeking_at_little)
{
    fl_buffer bytes = {0};
    const void *data;
    size_t size;
    int fd = file_of(&bytes);
    flowan_source *source = source_of(fd);
    ck_assert_int_eq(flowan_source_peek(source, 100, &data, &size, NULL), FLOWAN_OK);
    ck_assert_uint_eq(size, 0);
    ck_assert_int_eq(flowan_source_read(source, &data, &size, NULL), FLOWAN_END);
    flowan_source_free(source);
    close(fd);

    /* Good bytes are shown; the error comes with the read behind them. */
    add_gzip(&bytes, "text\n", 5);
    add_bytes(&bytes, "garbage", 7);
    fd = file_of(&bytes);
    source = source_of(fd);
    ck_assert_int_eq(flowan_source_peek(source, 100, &data, &size, NULL), FLOWAN_OK);
    ck_assert_uint_eq(size, 5);
    ck_assert_int_eq(flowan_source_read(source, &data, &size, NULL), FLOWAN_OK);
    ck_assert_int_eq(memcmp(data, "text\n", 5), 0);
    ck_assert_int_eq(flowan_source_read(source, &data, &size, NULL),
                     FLOWAN_ERROR_FORMAT);
    flowan_source_free(source);
    close(fd);

    bytes.size = 2;
    fd = file_of(&bytes);
    source = source_of(fd);
    ck_assert_int_eq(flowan_source_peek(source, 100, &data, &size, NULL),
                     FLOWAN_ERROR_FORMAT);
    ck_assert_int_eq(flowan_source_read(source, &data, &size, NULL),
                     FLOWAN_ERROR_FORMAT);
    flowan_source_free(source);
    close(fd);
    fl_buffer_free(&bytes);
}
END_TEST

START_TEST(opening)
{
    flowan_source *source = NULL;
    flowan_error error;
    ck_assert_int_eq(flowan_source_open(&source, "/nowhere/log.json", &error),
                     FLOWAN_ERROR_NOT_FOUND);
    ck_assert_ptr_null(source);
    ck_assert(strstr(error.message, "/nowhere/log.json"));
    ck_assert_int_eq(flowan_source_open(&source, "/tmp", &error), FLOWAN_ERROR_IO);
    ck_assert_str_eq(error.message, "cannot read /tmp: it is a directory");
    ck_assert_int_eq(flowan_source_open_fd(&source, -1, "log", &error),
                     FLOWAN_ERROR_IO);
    ck_assert_ptr_null(source);

    char path[] = "/tmp/flowan-source-XXXXXX";
    int fd = mkstemp(path);
    ck_assert_int_eq(write(fd, "file", 4), 4);
    struct timespec times[2] = {{1700000000, 0}, {1700000001, 123456789}};
    ck_assert_int_eq(futimens(fd, times), 0);
    ck_assert_int_eq(flowan_source_open(&source, path, NULL), FLOWAN_OK);
    ck_assert_str_eq(flowan_source_name(source), path);
    struct stat about;
    fstat(fd, &about);
    uint64_t device, inode, modified_ns, size_bytes;
    ck_assert(flowan_source_stat(source, &device, &inode, &modified_ns, &size_bytes));
    ck_assert(device == about.st_dev && inode == about.st_ino && size_bytes == 4);
    ck_assert_uint_eq(modified_ns, 1700000001123456789u);
    ck_assert(flowan_source_stat(source, NULL, NULL, NULL, NULL));
    flowan_source_free(source);

    /* A descriptor that cannot be read, from where it stands. */
    int write_only = open(path, O_WRONLY);
    source = source_of(write_only);
    fl_buffer all = {0};
    ck_assert_int_eq(read_all(source, &all, &error), FLOWAN_ERROR_IO);
    ck_assert(strstr(error.message, "cannot read log: "));
    flowan_source_free(source);
    ck_assert_int_eq(close(write_only), 0);

    ck_assert_int_eq(lseek(fd, 2, SEEK_SET), 2);
    source = source_of(fd);
    ck_assert_int_eq(read_all(source, &all, NULL), FLOWAN_END);
    same(&all, "le", 2);
    flowan_source_free(source);
    fl_buffer_free(&all);
    ck_assert_int_eq(close(fd), 0);
    unlink(path);
    flowan_source_free(NULL);
}
END_TEST

START_TEST(standard_input)
{
    int ends[2], saved = dup(0);
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(write(ends[1], "piped", 5), 5);
    close(ends[1]);
    ck_assert_int_eq(dup2(ends[0], 0), 0);
    flowan_source *source = NULL;
    ck_assert_int_eq(flowan_source_open(&source, "-", NULL), FLOWAN_OK);
    ck_assert_str_eq(flowan_source_name(source), "standard input");
    fl_buffer all = {0};
    ck_assert_int_eq(read_all(source, &all, NULL), FLOWAN_END);
    same(&all, "piped", 5);
    fl_buffer_free(&all);
    flowan_source_free(source);
    ck_assert_int_ge(fcntl(0, F_GETFD), 0);
    close(ends[0]);
    if (saved >= 0) {
        dup2(saved, 0);
        close(saved);
    }
}
END_TEST

static Suite *suite_of(void)
{
    Suite *suite = suite_create("source");
    TCase *cases = tcase_create("source");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, byte_exact);
    tcase_add_test(cases, zeros);
    tcase_add_test(cases, skippable_frames);
    tcase_add_test(cases, short_plain);
    tcase_add_test(cases, truncated);
    tcase_add_test(cases, garbage_behind);
    tcase_add_test(cases, good_before_damage);
    tcase_add_test(cases, every_byte_damaged);
    tcase_add_test(cases, window_limit);
    tcase_add_test(cases, byte_by_byte);
    tcase_add_test(cases, does_not_wait_for_more);
    tcase_add_test(cases, non_blocking);
    tcase_add_test(cases, peeking);
    tcase_add_test(cases, peeking_at_little);
    tcase_add_test(cases, opening);
    tcase_add_test(cases, standard_input);
    suite_add_tcase(suite, cases);
    return suite;
}

FL_UNIT_MAIN(suite_of)
