/* Segments that are cut, damaged or forged: all of it is found out, what is whole can be
 * read, and nothing does harm. The linker sends the library's allocator calls through the
 * wrappers here, which tell how much a file made it ask for. */
#include <sys/mman.h>

#include "codec.h"
#include "segment-files.h"
#include "unit.h"

/* --- the wrapped allocator --- */

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);

static size_t asked_for_most;

static void note_size(size_t size)
{
    asked_for_most = size > asked_for_most ? size : asked_for_most;
}

void *__wrap_malloc(size_t size)
{
    note_size(size);
    return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    note_size(count * size);
    return __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    note_size(size);
    return __real_realloc(old, size);
}

/* --- what is cut --- */

enum { BLOCKS = 4 };

/* A segment of four blocks, some of them with parts that zstd packs. `ends` are the
 * places behind the header and each block. */
static fl_buffer sample_segment(bool finished, uint64_t ends[BLOCKS + 1],
                                fl_buffer texts[BLOCKS])
{
    fl_buffer lines = {0};
    fl_buffer_append(&lines, all_kinds, sizeof all_kinds - 1);
    for (unsigned i = 0; i < 40; i++)
        fl_buffer_format(&lines, "{\"bytes\":%u,\"note\":\"again and again\"%s\n", i,
                         i % 3 ? "}" : " }");
    flowan_batch *batch = batch_of(lines.data, lines.size);
    static const size_t first[BLOCKS + 1] = {0, 2, 5, 7, 47};
    flowan_writer *writer = new_writer();
    struct stat info;
    ends[0] = FL_SEGMENT_HEADER_SIZE;
    for (size_t i = 0; i < BLOCKS; i++) {
        write_block(writer, batch, first[i], first[i + 1] - first[i],
                    i % 2 ? &log_one : &log_two);
        ck_assert_int_eq(stat(path, &info), 0);
        ends[i + 1] = (uint64_t)info.st_size;
        for (size_t row = first[i]; row < first[i + 1]; row++) {
            fl_render_row(&texts[i], batch, row);
            fl_buffer_byte(&texts[i], '\n');
        }
    }
    if (finished)
        ck_assert_int_eq(flowan_writer_finish(writer, &log_one, 1, NULL), FLOWAN_OK);
    flowan_writer_free(writer);
    flowan_batch_free(batch);
    fl_buffer_free(&lines);
    return read_file(path);
}

/* A file in memory, so that thousands of variants cost no disk. */
static int memory_file(char name[64])
{
    int fd = memfd_create("flowan-test", MFD_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    snprintf(name, 64, "/proc/self/fd/%d", fd);
    return fd;
}

static void put_file(int fd, const void *data, size_t size)
{
    ck_assert_int_eq(ftruncate(fd, 0), 0);
    ck_assert_int_eq(pwrite(fd, data, size, 0), (ssize_t)size);
}

static void free_texts(fl_buffer texts[BLOCKS])
{
    for (size_t i = 0; i < BLOCKS; i++)
        fl_buffer_free(&texts[i]);
}

/* Cut at every byte: an error in words, or the blocks before the cut. */
START_TEST(a_cut_costs_the_last_block)
{
    bool finished = _i == 1;
    uint64_t ends[BLOCKS + 1];
    fl_buffer texts[BLOCKS] = {{0}};
    fl_buffer whole = sample_segment(finished, ends, texts);
    flowan_batch *batch = empty_batch();
    char name[64];
    int fd = memory_file(name);
    for (size_t size = 0; size <= whole.size; size++) {
        flowan_reader *reader;
        flowan_error error;
        put_file(fd, whole.data, size);
        flowan_status status = flowan_reader_open(&reader, name, &error);
        if (size < FL_SEGMENT_HEADER_SIZE) {
            ck_assert_int_eq(status, FLOWAN_ERROR_FORMAT);
            assert_sentence(&error, status);
            continue;
        }
        ck_assert_int_eq(status, FLOWAN_OK);
        size_t blocks = 0;
        while (blocks < BLOCKS && ends[blocks + 1] <= size)
            blocks++;
        flowan_segment_info info = flowan_reader_info(reader);
        ck_assert_uint_eq(info.blocks, blocks);
        ck_assert(info.finished == (finished && size == whole.size));
        for (size_t i = 0; i < blocks; i++) {
            fl_buffer got = {0};
            read_block(reader, i, batch);
            put_texts(&got, batch);
            assert_bytes(&got, texts[i].data, texts[i].size);
            fl_buffer_free(&got);
        }
        size_t damaged;
        status = flowan_reader_verify(reader, &damaged, &error);
        if (size == ends[blocks] || size == whole.size) {
            ck_assert_int_eq(status, FLOWAN_OK);
        } else {
            ck_assert_uint_eq(damaged, 1);
            assert_sentence(&error, status);
            ck_assert_uint_eq(error.offset, ends[blocks]);
        }
        flowan_reader_free(reader);
    }
    close(fd);
    flowan_batch_free(batch);
    free_texts(texts);
    fl_buffer_free(&whole);
}
END_TEST

/* --- what is damaged --- */

static int fetch(void *context, void *data, size_t size, uint64_t offset)
{
    const fl_buffer *bytes = context;
    memcpy(data, bytes->data + offset, size);
    return 0;
}

/* How many blocks can be read; each must be one of those that were written. */
static size_t count_right(flowan_reader *reader, const fl_buffer texts[BLOCKS],
                          flowan_batch *batch)
{
    size_t right = 0;
    size_t count = flowan_reader_info(reader).blocks;
    ck_assert_uint_le(count, BLOCKS);
    for (size_t i = 0; i < count; i++) {
        if (flowan_reader_read(reader, i, NULL, 0, batch, NULL) != FLOWAN_OK)
            continue;
        fl_buffer got = {0};
        put_texts(&got, batch);
        size_t same = 0;
        while (same < BLOCKS && (got.size != texts[same].size ||
                                 memcmp(got.data, texts[same].data, got.size) != 0))
            same++;
        ck_assert_uint_lt(same, BLOCKS);
        fl_buffer_free(&got);
        right++;
    }
    return right;
}

/* Every bit of a segment, finished or not, turned: verify tells, no block that reads is
 * wrong, and it costs the block that it hit and no other. */
START_TEST(a_turned_bit_is_found)
{
    uint64_t ends[BLOCKS + 1];
    fl_buffer texts[BLOCKS] = {{0}};
    fl_buffer whole = sample_segment(_i == 1, ends, texts);
    flowan_batch *batch = empty_batch();
    flowan_reader *reader;
    flowan_error error;
    for (size_t bit = 0; bit < whole.size * 8; bit++) {
        size_t at = bit / 8;
        whole.data[at] = (char)(whole.data[at] ^ 1 << bit % 8);
        flowan_status status =
            flowan_reader_new(&reader, fetch, &whole, whole.size, "here", &error);
        if (status != FLOWAN_OK) {
            /* it no longer says that it is one of ours */
            ck_assert_uint_lt(at, 8);
            assert_sentence(&error, status);
        } else {
            size_t damaged = 0;
            status = flowan_reader_verify(reader, &damaged, &error);
            ck_assert_msg(status < 0, "bit %zu of byte %zu", bit % 8, at);
            assert_sentence(&error, status);
            ck_assert_uint_eq(damaged, 1);
            if (bit % 8 == at % 8) /* one of each byte: it takes long */
                ck_assert_uint_eq(count_right(reader, texts, batch),
                                  at >= ends[0] && at < ends[BLOCKS] ? BLOCKS - 1
                                                                     : BLOCKS);
        }
        flowan_reader_free(reader);
        whole.data[at] = (char)(whole.data[at] ^ 1 << bit % 8);
    }
    flowan_batch_free(batch);
    free_texts(texts);
    fl_buffer_free(&whole);
}
END_TEST

/* Damage in an unfinished segment hides no block but the one it hit, and more than one
 * place is counted. */
START_TEST(a_walk_passes_damage)
{
    uint64_t ends[BLOCKS + 1];
    fl_buffer texts[BLOCKS] = {{0}};
    fl_buffer whole = sample_segment(false, ends, texts);
    flowan_batch *batch = empty_batch();
    for (size_t hit = 0; hit < BLOCKS; hit++)
        for (size_t in_data = 0; in_data < 2; in_data++) {
            size_t at = in_data ? ends[hit + 1] - 1 : ends[hit] + 30;
            whole.data[at] = (char)(whole.data[at] ^ 0x40);
            write_file(path, whole.data, whole.size);
            flowan_reader *reader = open_reader(path);
            size_t count = flowan_reader_info(reader).blocks;
            ck_assert_uint_eq(count, in_data ? BLOCKS : BLOCKS - 1);
            size_t right = 0;
            for (size_t i = 0; i < count; i++)
                right +=
                    flowan_reader_read(reader, i, NULL, 0, batch, NULL) == FLOWAN_OK;
            ck_assert_uint_eq(right, BLOCKS - 1);
            size_t damaged;
            flowan_error error;
            flowan_status status = flowan_reader_verify(reader, &damaged, &error);
            assert_sentence(&error, status);
            ck_assert_uint_eq(damaged, 1);
            ck_assert_uint_ge(error.offset, ends[hit]);
            ck_assert_uint_lt(error.offset, ends[hit + 1]);
            flowan_reader_free(reader);
            whole.data[at] = (char)(whole.data[at] ^ 0x40);
        }
    whole.data[ends[1] - 1] ^= 1;
    whole.data[ends[3] - 1] ^= 1;
    whole.data[20] ^= 1;
    write_file(path, whole.data, whole.size);
    flowan_reader *reader = open_reader(path);
    size_t damaged;
    ck_assert_int_lt(flowan_reader_verify(reader, &damaged, NULL), 0);
    ck_assert_uint_eq(damaged, 3);
    flowan_reader_free(reader);
    flowan_batch_free(batch);
    free_texts(texts);
    fl_buffer_free(&whole);
}
END_TEST

/* Bytes between the last block and the footer would be under no checksum. */
START_TEST(no_byte_is_outside_a_checksum)
{
    uint64_t ends[BLOCKS + 1];
    fl_buffer texts[BLOCKS] = {{0}};
    fl_buffer whole = sample_segment(true, ends, texts);
    fl_buffer forged = {0};
    fl_buffer_append(&forged, whole.data, ends[BLOCKS]);
    fl_buffer_text(&forged, "hidden");
    size_t footer = whole.size - ends[BLOCKS];
    fl_buffer_append(&forged, whole.data + ends[BLOCKS], footer);
    unsigned char *trailer =
        (unsigned char *)forged.data + forged.size - FL_SEGMENT_TRAILER_SIZE;
    fl_bytes_store(trailer, ends[BLOCKS] + 6, 8);
    fl_bytes_store(trailer + 24, fl_segment_checksum(trailer, 24), 8);
    write_file(path, forged.data, forged.size);
    flowan_reader *reader = open_reader(path);
    ck_assert_uint_eq(flowan_reader_info(reader).blocks, BLOCKS);
    flowan_error error;
    ck_assert_int_lt(flowan_reader_verify(reader, NULL, &error), 0);
    ck_assert_uint_eq(error.offset, ends[BLOCKS]);
    flowan_reader_free(reader);
    fl_buffer_free(&forged);
    fl_buffer_free(&whole);
    free_texts(texts);
}
END_TEST

/* --- what is forged --- */

static uint64_t random_state;

static uint32_t random_below(uint32_t limit)
{
    random_state = random_state * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (uint32_t)((random_state >> 32) * limit >> 32);
}

static void mutate(unsigned char *bytes, size_t size)
{
    static const uint64_t odd[] = {0,          1,          2,
                                   0x7f,       0x80,       0xff,
                                   0x100,      0x7fff,     0xffff,
                                   0x10000,    0x100000,   0x7fffffff,
                                   0x80000000, UINT32_MAX, UINT32_MAX + UINT64_C(1),
                                   INT64_MAX,  UINT64_MAX, UINT64_MAX - 7};
    static const size_t widths[] = {1, 2, 4, 8};
    size_t width = widths[random_below(4)];
    if (width > size)
        return;
    size_t at = random_below((uint32_t)(size - width + 1));
    uint64_t value = fl_bytes_load(bytes + at, width);
    switch (random_below(4)) {
    case 0: value = odd[random_below(sizeof odd / sizeof *odd)]; break;
    case 1: value ^= UINT64_C(1) << random_below((uint32_t)width * 8); break;
    case 2: value += random_below(2) ? 1 : UINT64_MAX; break;
    default: value = (uint64_t)random_below(UINT32_MAX) << random_below(33);
    }
    fl_bytes_store(bytes + at, value, width);
}

/* Where the checksums of a sound segment are, and what they cover. */
typedef struct cover {
    size_t from;
    size_t size;
    size_t checksum;
} cover;

/* Appends the block at `block`, its directory as it is when unpacked: so a change of one
 * of its bytes is one that a reader sees. */
static void put_plain_block(fl_buffer *out, const unsigned char *block)
{
    fl_codec *codec = fl_codec_new(0);
    fl_segment_head head;
    fl_buffer plain = {0}, sections = {0};
    ck_assert_int_eq(
        fl_segment_get_head(block, (size_t)fl_bytes_load(block + 8, 4), &head),
        FLOWAN_OK);
    fl_segment_section *first = &head.sections[FL_SECTION_DIRECTORY];
    fl_cursor in = {block + first->offset, first->size, false};
    uint64_t behind = first->offset + first->size;
    char *room = fl_buffer_reserve(&plain, head.directory_size);
    ck_assert(codec && room && fl_codec_get(codec, &in, room, head.directory_size));
    fl_codec_put(codec, &sections, room, head.directory_size);
    first->size = (uint32_t)sections.size;
    first->checksum = fl_segment_checksum(sections.data, sections.size);
    fl_buffer_append(&sections, block + behind, head.block_size - behind);
    fl_segment_put_head(out, &head);
    fl_buffer_append(out, sections.data, sections.size);
    fl_segment_head_free(&head);
    fl_buffer_free(&plain);
    fl_buffer_free(&sections);
    fl_codec_free(codec);
}

/* The same segment with directories that are not packed. */
static void unpack_directories(fl_buffer *file, uint64_t *ends, size_t count)
{
    fl_buffer plain = {0};
    fl_segment_block blocks[BLOCKS];
    fl_buffer_append(&plain, file->data, FL_SEGMENT_HEADER_SIZE);
    for (size_t i = 0; i < count; i++) {
        blocks[i] =
            (fl_segment_block){.offset = plain.size, .stats = fl_segment_stats_none()};
        put_plain_block(&plain, (const unsigned char *)file->data + ends[i]);
        ends[i] = blocks[i].offset;
        blocks[i].size = plain.size - ends[i];
    }
    ends[count] = plain.size;
    fl_segment_put_footer(&plain, plain.size, blocks, count, &log_one, 1, NULL);
    ck_assert(!plain.failed);
    fl_buffer_free(file);
    *file = plain;
}

/* In an order in which each can be set right: sections, then the heads that hold those. */
static size_t find_covers(const fl_buffer *file, const uint64_t *ends, size_t blocks,
                          cover *out, size_t room)
{
    size_t count = 0;
    const unsigned char *bytes = (const unsigned char *)file->data;
    for (size_t i = 0; i < blocks; i++) {
        size_t block = ends[i];
        size_t head_size = fl_bytes_load(bytes + block + 8, 4);
        size_t sections = fl_bytes_load(bytes + block + 80, 4);
        size_t entry = block + FL_SEGMENT_BLOCK_FIXED_SIZE;
        size_t data = block + head_size;
        for (size_t k = 0; k < sections; k++, entry += 12) {
            size_t size = fl_bytes_load(bytes + entry, 4);
            ck_assert_uint_lt(count, room);
            out[count++] = (cover){data, size, entry + 4};
            data += size;
        }
        ck_assert_uint_eq(data, ends[i + 1]);
        out[count++] = (cover){block, head_size - 8, block + head_size - 8};
    }
    size_t end = file->size;
    out[count++] = (cover){0, 56, 56};
    out[count++] = (cover){ends[blocks], end - 32 - 8 - ends[blocks], end - 32 - 8};
    out[count++] = (cover){end - 32, 24, end - 8};
    ck_assert_uint_le(count, room);
    return count;
}

static void set_checksums(unsigned char *bytes, const cover *covers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        fl_bytes_store(bytes + covers[i].checksum,
                       fl_segment_checksum(bytes + covers[i].from, covers[i].size), 8);
}

/* All that can be asked of a segment; how many blocks could be read. */
static size_t ask_all(const char *name, flowan_batch *batch)
{
    flowan_reader *reader;
    flowan_error error;
    flowan_status status = flowan_reader_open(&reader, name, &error);
    if (status != FLOWAN_OK) {
        assert_sentence(&error, status);
        return 0;
    }
    size_t readable = 0;
    static const char *const some[] = {"bytes", "src_net", "note", "layer_stack"};
    flowan_segment_info info = flowan_reader_info(reader);
    for (size_t i = 0; i < info.blocks; i++) {
        fl_buffer texts = {0};
        status = flowan_reader_read(reader, i, NULL, 0, batch, &error);
        if (status == FLOWAN_OK) {
            put_texts(&texts, batch);
            readable++;
        } else {
            assert_sentence(&error, status);
            ck_assert_uint_eq(flowan_batch_rows(batch), 0);
        }
        fl_buffer_clear(&texts);
        flowan_column column;
        if (flowan_reader_read(reader, i, some, 4, batch, NULL) == FLOWAN_OK) {
            put_texts(&texts, batch);
            for (size_t k = 0; flowan_batch_column(batch, k, &column); k++)
                ck_assert_uint_eq(column.rows, batch->rows);
        }
        for (size_t k = 0; k < 3; k++)
            flowan_reader_column(reader, i, k * 7, &column, NULL);
        fl_buffer_free(&texts);
    }
    flowan_log_state log;
    for (size_t i = 0; flowan_reader_log(reader, i, &log); i++)
        ck_assert_uint_lt(strlen(log.path), 1 << 20);
    flowan_reader_verify(reader, NULL, &error);
    flowan_reader_free(reader);
    return readable;
}

/* Random changes under checksums that hold, so that nothing but the reader's own care
 * stands between the bytes and the memory. */
START_TEST(forgeries_do_no_harm)
{
    enum { ROUNDS = 10000, COVERS = 256 };
    bool finished = _i != 1;
    uint64_t ends[BLOCKS + 1];
    fl_buffer texts[BLOCKS] = {{0}};
    fl_buffer whole = sample_segment(true, ends, texts);
    unpack_directories(&whole, ends, BLOCKS);
    cover covers[COVERS];
    size_t count = find_covers(&whole, ends, BLOCKS, covers, COVERS);
    flowan_batch *batch = empty_batch();
    unsigned char *bytes = fl_memory_alloc(whole.size, 1);
    char name[64];
    int fd = memory_file(name);
    /* the way to set checksums is right */
    memcpy(bytes, whole.data, whole.size);
    set_checksums(bytes, covers, count);
    ck_assert_mem_eq(bytes, whole.data, whole.size);

    random_state = 20250315 + (uint64_t)_i;
    asked_for_most = 0;
    size_t readable = 0, broken = 0;
    for (size_t round = 0; round < ROUNDS; round++) {
        memcpy(bytes, whole.data, whole.size);
        size_t changes = 1 + random_below(4);
        for (size_t i = 0; i < changes; i++) {
            /* heads and the footer are asked more often than their size would have it */
            const cover *target = &covers[random_below((uint32_t)count)];
            if (random_below(2))
                do
                    target = &covers[random_below((uint32_t)count)];
                while (target->size < FL_SEGMENT_BLOCK_FIXED_SIZE);
            mutate(bytes + target->from, target->size);
        }
        set_checksums(bytes, covers, count);
        put_file(fd, bytes, finished ? whole.size : ends[BLOCKS]);
        size_t blocks = ask_all(name, batch);
        readable += blocks;
        broken += blocks < BLOCKS;
    }
    /* the changes were neither harmless nor fatal throughout */
    ck_assert_uint_gt(readable, ROUNDS);
    ck_assert_uint_gt(broken, ROUNDS / 10);
    /* A frame can claim 32768 times its size: a few hundred bytes here. */
    ck_assert_uint_lt(asked_for_most, 64 << 20);
    close(fd);
    fl_memory_free(bytes);
    flowan_batch_free(batch);
    free_texts(texts);
    fl_buffer_free(&whole);
}
END_TEST

/* Noise behind a sound magic, and none of it sound. */
START_TEST(noise_is_refused)
{
    flowan_batch *batch = empty_batch();
    char name[64];
    int fd = memory_file(name);
    random_state = 1;
    for (size_t round = 0; round < 2000; round++) {
        unsigned char bytes[600];
        size_t size = random_below(sizeof bytes + 1);
        for (size_t i = 0; i < size; i++)
            bytes[i] = (unsigned char)random_below(256);
        fl_segment_header header = {0};
        if (size >= FL_SEGMENT_HEADER_SIZE && round % 2)
            fl_segment_put_header(bytes, &header);
        for (size_t at = 64; at + 8 < size; at += 50)
            memcpy(bytes + at, "FLBLOCK\n", 8);
        put_file(fd, bytes, size);
        ck_assert_uint_eq(ask_all(name, batch), 0);
    }
    close(fd);
    flowan_batch_free(batch);
}
END_TEST

/* Two columns of one name and type would be one in the batch. */
START_TEST(a_column_stands_once)
{
    static const char line[] = "{\"key_a\":1,\"key_b\":2}\n";
    flowan_batch *batch = batch_of(line, sizeof line - 1);
    flowan_writer *writer = new_writer();
    write_block(writer, batch, 0, 1, NULL);
    finish(writer, NULL, 0);
    fl_buffer bytes = read_file(path);
    uint64_t ends[2] = {FL_SEGMENT_HEADER_SIZE};
    unpack_directories(&bytes, ends, 1);
    char *name = memmem(bytes.data, bytes.size, "key_b", 5);
    ck_assert_ptr_nonnull(name);
    name[4] = 'a';
    cover covers[16];
    size_t count = find_covers(&bytes, ends, 1, covers, 16);
    set_checksums((unsigned char *)bytes.data, covers, count);
    write_file(path, bytes.data, bytes.size);
    flowan_reader *reader = open_reader(path);
    flowan_error error;
    flowan_status status = flowan_reader_read(reader, 0, NULL, 0, batch, &error);
    ck_assert_int_eq(status, FLOWAN_ERROR_FORMAT);
    assert_sentence(&error, status);
    flowan_reader_free(reader);
    fl_buffer_free(&bytes);
    flowan_batch_free(batch);
}
END_TEST

/* A footer whose counts are forged must leave nothing behind for the walk. */
START_TEST(a_forged_footer_is_passed_over)
{
    uint64_t ends[BLOCKS + 1];
    fl_buffer texts[BLOCKS] = {{0}};
    fl_buffer whole = sample_segment(true, ends, texts);
    unsigned char *footer = (unsigned char *)whole.data + ends[BLOCKS];
    size_t size = whole.size - ends[BLOCKS] - FL_SEGMENT_TRAILER_SIZE;
    for (size_t at = 8; at <= 12; at += 4) {
        uint64_t right = fl_bytes_load(footer + at, 4);
        fl_bytes_store(footer + at, UINT32_MAX, 4);
        fl_bytes_store(footer + size - 8, fl_segment_checksum(footer, size - 8), 8);
        write_file(path, whole.data, whole.size);
        flowan_reader *reader = open_reader(path);
        ck_assert_uint_eq(flowan_reader_info(reader).blocks, BLOCKS);
        ck_assert(!flowan_reader_info(reader).finished);
        ck_assert_int_lt(flowan_reader_verify(reader, NULL, NULL), 0);
        flowan_reader_free(reader);
        fl_bytes_store(footer + at, right, 4);
    }
    free_texts(texts);
    fl_buffer_free(&whole);
}
END_TEST

static Suite *suite_of(void)
{
    Suite *suite = suite_create("damage");
    TCase *damage = tcase_create("damage");
    tcase_add_checked_fixture(damage, set_up, tear_down);
    tcase_add_loop_test(damage, a_cut_costs_the_last_block, 0, 2);
    tcase_add_loop_test(damage, a_turned_bit_is_found, 0, 2);
    tcase_add_test(damage, a_walk_passes_damage);
    tcase_add_test(damage, no_byte_is_outside_a_checksum);
    tcase_add_loop_test(damage, forgeries_do_no_harm, 0, 3);
    tcase_add_test(damage, noise_is_refused);
    tcase_add_test(damage, a_column_stands_once);
    tcase_add_test(damage, a_forged_footer_is_passed_over);
    tcase_set_timeout(damage, 240);
    suite_add_tcase(suite, damage);
    return suite;
}

FL_UNIT_MAIN(suite_of)
