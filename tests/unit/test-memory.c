/* The allocator, the growing byte string, and the helpers that fill a flowan_error. */
#include "unit.h"

#include <errno.h>
#include <string.h>

#include "memory.h"
#include "status.h"

/* --- memory --- */

START_TEST(zero_sizes)
{
    void *memory = fl_memory_alloc(0, 8);
    ck_assert_ptr_nonnull(memory);
    fl_memory_free(memory);
    memory = fl_memory_zalloc(8, 0);
    ck_assert_ptr_nonnull(memory);
    memory = fl_memory_resize(memory, 0, 0);
    ck_assert_ptr_nonnull(memory);
    fl_memory_free(memory);
    fl_memory_free(NULL);
}
END_TEST

/* A product that wraps to a small number must not become a small block. */
START_TEST(products_that_overflow)
{
    ck_assert_ptr_null(fl_memory_alloc(SIZE_MAX / 2 + 1, 2));
    ck_assert_ptr_null(fl_memory_alloc(SIZE_MAX / 8 + 2, 8));
    ck_assert_ptr_null(fl_memory_zalloc(SIZE_MAX, SIZE_MAX));
    ck_assert_ptr_null(fl_memory_zalloc(2, SIZE_MAX / 2 + 1));
    char *memory = fl_memory_alloc(3, 1);
    ck_assert_ptr_nonnull(memory);
    memcpy(memory, "abc", 3);
    ck_assert_ptr_null(fl_memory_resize(memory, SIZE_MAX / 4 + 1, 4));
    ck_assert_mem_eq(memory, "abc", 3);
    fl_memory_free(memory);
}
END_TEST

START_TEST(zalloc_zeroes)
{
    uint64_t *memory = fl_memory_zalloc(1000, sizeof *memory);
    ck_assert_ptr_nonnull(memory);
    for (size_t i = 0; i < 1000; i++)
        ck_assert_uint_eq(memory[i], 0);
    fl_memory_free(memory);
}
END_TEST

START_TEST(resize_keeps)
{
    uint32_t *memory = fl_memory_resize(NULL, 2, sizeof *memory);
    ck_assert_ptr_nonnull(memory);
    memory[0] = 11;
    memory[1] = 22;
    memory = fl_memory_resize(memory, 100000, sizeof *memory);
    ck_assert_ptr_nonnull(memory);
    ck_assert_uint_eq(memory[0], 11);
    ck_assert_uint_eq(memory[1], 22);
    memory[99999] = 33;
    fl_memory_free(memory);
}
END_TEST

START_TEST(grow)
{
    uint16_t *array = NULL;
    size_t capacity = 0;
    ck_assert(fl_memory_grow((void **)&array, &capacity, 0, sizeof *array));
    ck_assert_ptr_null(array);
    size_t reallocations = 0;
    for (size_t i = 0; i < 10000; i++) {
        size_t before = capacity;
        ck_assert(fl_memory_grow((void **)&array, &capacity, i + 1, sizeof *array));
        ck_assert_uint_ge(capacity, i + 1);
        reallocations += capacity != before;
        array[i] = (uint16_t)i;
    }
    ck_assert_msg(reallocations <= 14, "it does not double");
    for (size_t i = 0; i < 10000; i++)
        ck_assert_uint_eq(array[i], i);
    fl_memory_free(array);
}
END_TEST

START_TEST(grow_beyond_memory)
{
    uint32_t *array = NULL;
    size_t capacity = 0;
    ck_assert(fl_memory_grow((void **)&array, &capacity, 5, sizeof *array));
    array[4] = 44;
    uint32_t *same = array;
    size_t room = capacity;
    ck_assert(!fl_memory_grow((void **)&array, &capacity, SIZE_MAX, sizeof *array));
    ck_assert(!fl_memory_grow((void **)&array, &capacity, SIZE_MAX / 4 + 1, 4));
    ck_assert_ptr_eq(array, same);
    ck_assert_uint_eq(capacity, room);
    ck_assert_uint_eq(array[4], 44);
    fl_memory_free(array);
}
END_TEST

/* --- buffer --- */

START_TEST(buffer_appends)
{
    fl_buffer buffer = {0};
    fl_buffer_append(&buffer, NULL, 0);
    fl_buffer_text(&buffer, "");
    ck_assert_uint_eq(buffer.size, 0);
    fl_buffer_text(&buffer, "one");
    fl_buffer_byte(&buffer, '\0');
    fl_buffer_append(&buffer, "two\n", 4);
    fl_buffer_format(&buffer, "%d-%s", 3, "three");
    ck_assert(!buffer.failed);
    ck_assert_uint_eq(buffer.size, 15);
    ck_assert_mem_eq(buffer.data, "one\0two\n3-three", 15);
    fl_buffer_clear(&buffer);
    ck_assert_uint_eq(buffer.size, 0);
    fl_buffer_text(&buffer, "again");
    ck_assert_mem_eq(buffer.data, "again", 5);
    fl_buffer_free(&buffer);
    ck_assert_ptr_null(buffer.data);
    ck_assert_uint_eq(buffer.capacity, 0);
    fl_buffer_free(&buffer);
}
END_TEST

START_TEST(buffer_grows)
{
    fl_buffer buffer = {0};
    for (unsigned i = 0; i < 100000; i++)
        fl_buffer_byte(&buffer, (char)(i % 251));
    ck_assert(!buffer.failed);
    ck_assert_uint_eq(buffer.size, 100000);
    for (unsigned i = 0; i < 100000; i++)
        if (buffer.data[i] != (char)(i % 251))
            ck_abort_msg("byte %u", i);
    char *room = fl_buffer_reserve(&buffer, 5000);
    ck_assert_ptr_eq(room, buffer.data + 100000);
    memset(room, 'x', 5000);
    ck_assert_msg(buffer.size == 100000, "reserved is not yet used");
    fl_buffer_free(&buffer);
}
END_TEST

START_TEST(buffer_formats_long_text)
{
    fl_buffer buffer = {0};
    fl_buffer_format(&buffer, "%s", "");
    ck_assert_uint_eq(buffer.size, 0);
    ck_assert(!buffer.failed);
    fl_buffer_format(&buffer, "%20000d|", 7);
    ck_assert_uint_eq(buffer.size, 20001);
    ck_assert_mem_eq(buffer.data + 19999, "7|", 2);
    fl_buffer_format(&buffer, "%s", "end");
    ck_assert_uint_eq(buffer.size, 20004);
    ck_assert_mem_eq(buffer.data + 20000, "|end", 4);
    fl_buffer_free(&buffer);
}
END_TEST

START_TEST(buffer_failure_stays)
{
    fl_buffer buffer = {0};
    fl_buffer_text(&buffer, "kept");
    ck_assert_ptr_null(fl_buffer_reserve(&buffer, SIZE_MAX));
    ck_assert(buffer.failed);
    fl_buffer_text(&buffer, "lost");
    fl_buffer_byte(&buffer, 'x');
    fl_buffer_format(&buffer, "%d", 1);
    ck_assert_ptr_null(fl_buffer_reserve(&buffer, 1));
    ck_assert_uint_eq(buffer.size, 4);
    ck_assert_mem_eq(buffer.data, "kept", 4);
    fl_buffer_clear(&buffer);
    ck_assert(!buffer.failed);
    fl_buffer_text(&buffer, "new");
    ck_assert_uint_eq(buffer.size, 3);
    fl_buffer_free(&buffer);
    ck_assert(!buffer.failed);
}
END_TEST

/* --- status --- */

START_TEST(fail_fills_the_error)
{
    flowan_error error;
    memset(&error, 0x5a, sizeof error);
    ck_assert_int_eq(
        fl_status_fail(&error, FLOWAN_ERROR_FORMAT, 42, "%s:%d: no", "a", 7),
        FLOWAN_ERROR_FORMAT);
    ck_assert_int_eq(error.status, FLOWAN_ERROR_FORMAT);
    ck_assert_uint_eq(error.offset, 42);
    ck_assert_str_eq(error.message, "a:7: no");
    ck_assert_int_eq(fl_status_fail(NULL, FLOWAN_ERROR_LIMIT, 0, "%s", "nobody asks"),
                     FLOWAN_ERROR_LIMIT);
}
END_TEST

START_TEST(messages_are_one_clean_line)
{
    flowan_error error;
    fl_status_describe(&error, FLOWAN_ERROR_FORMAT, 0, "%s",
                       "a\nb\r\x1b[31m\tc\x7f\x01 \xc3\xa4~");
    ck_assert_str_eq(error.message, "a?b??[31m?c?? \xc3\xa4~");
}
END_TEST

START_TEST(long_messages_are_cut)
{
    char text[FLOWAN_ERROR_MESSAGE_SIZE + 1];
    memset(text, 'x', sizeof text);
    static const size_t sizes[] = {
        FLOWAN_ERROR_MESSAGE_SIZE - 1,
        FLOWAN_ERROR_MESSAGE_SIZE,
        FLOWAN_ERROR_MESSAGE_SIZE + 1,
    };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        flowan_error error;
        fl_status_describe(&error, FLOWAN_ERROR_FORMAT, 0, "%.*s", (int)sizes[i], text);
        ck_assert_uint_eq(strlen(error.message), FLOWAN_ERROR_MESSAGE_SIZE - 1);
    }
}
END_TEST

START_TEST(memory_and_errno)
{
    flowan_error error;
    ck_assert_int_eq(fl_status_memory(&error), FLOWAN_ERROR_MEMORY);
    ck_assert_int_eq(error.status, FLOWAN_ERROR_MEMORY);
    ck_assert_uint_eq(error.offset, FL_NO_OFFSET);
    ck_assert_uint_gt(strlen(error.message), 0);
    ck_assert_int_eq(fl_status_memory(NULL), FLOWAN_ERROR_MEMORY);

    ck_assert_int_eq(fl_status_errno(&error, ENOENT, "open", "a/b"),
                     FLOWAN_ERROR_NOT_FOUND);
    ck_assert_int_eq(error.status, FLOWAN_ERROR_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(error.message, "open a/b: "));
    ck_assert_ptr_nonnull(strstr(error.message, "No such file"));
    ck_assert_int_eq(fl_status_errno(&error, EACCES, "open", "a\nb"), FLOWAN_ERROR_IO);
    ck_assert_ptr_nonnull(strstr(error.message, "a?b"));
    ck_assert_int_eq(fl_status_errno(&error, 123456, "read", "c"), FLOWAN_ERROR_IO);
    ck_assert_ptr_nonnull(strstr(error.message, "123456"));
    ck_assert_int_eq(fl_status_errno(NULL, EIO, "read", "c"), FLOWAN_ERROR_IO);
}
END_TEST

START_TEST(status_texts)
{
    for (int i = FLOWAN_ERROR_NOT_FOUND; i <= FLOWAN_END; i++) {
        ck_assert_str_ne(flowan_status_text((flowan_status)i), "unknown status");
        for (int j = FLOWAN_ERROR_NOT_FOUND; j < i; j++)
            ck_assert_str_ne(flowan_status_text((flowan_status)i),
                             flowan_status_text((flowan_status)j));
    }
    ck_assert_ptr_nonnull(flowan_status_text((flowan_status)3));
    ck_assert_ptr_nonnull(flowan_status_text((flowan_status)-1000));
    ck_assert_str_eq(flowan_version(), FLOWAN_VERSION);
}
END_TEST

typedef struct options {
    size_t size;
    uint64_t first;
    uint64_t second; /* of a later version */
} options;

START_TEST(options_fit)
{
    const size_t known = offsetof(options, second);
    ck_assert(fl_status_options_fit(NULL, known));
    options given = {known, 7, 8};
    ck_assert_msg(fl_status_options_fit(&given, known),
                  "what is behind is not looked at");
    given.size = sizeof given.size;
    ck_assert(fl_status_options_fit(&given, known));
    given.size = sizeof given;
    ck_assert_msg(!fl_status_options_fit(&given, known), "unknown and not zero");
    given.second = 0;
    ck_assert(fl_status_options_fit(&given, known));
    ((unsigned char *)&given)[sizeof given - 1] = 1;
    ck_assert(!fl_status_options_fit(&given, known));
    given.second = 0;
    given.size = 0;
    ck_assert(!fl_status_options_fit(&given, known));
    given.size = sizeof given.size - 1;
    ck_assert(!fl_status_options_fit(&given, known));
    given.size = SIZE_MAX;
    ck_assert_msg(!fl_status_options_fit(&given, known), "an absurd size is not read");
}
END_TEST

static Suite *suite_of(void)
{
    Suite *suite = suite_create("memory");
    TCase *memory = tcase_create("memory");
    tcase_add_test(memory, zero_sizes);
    tcase_add_test(memory, products_that_overflow);
    tcase_add_test(memory, zalloc_zeroes);
    tcase_add_test(memory, resize_keeps);
    tcase_add_test(memory, grow);
    tcase_add_test(memory, grow_beyond_memory);
    suite_add_tcase(suite, memory);
    TCase *buffer = tcase_create("buffer");
    tcase_add_test(buffer, buffer_appends);
    tcase_add_test(buffer, buffer_grows);
    tcase_add_test(buffer, buffer_formats_long_text);
    tcase_add_test(buffer, buffer_failure_stays);
    suite_add_tcase(suite, buffer);
    TCase *status = tcase_create("status");
    tcase_add_test(status, fail_fills_the_error);
    tcase_add_test(status, messages_are_one_clean_line);
    tcase_add_test(status, long_messages_are_cut);
    tcase_add_test(status, memory_and_errno);
    tcase_add_test(status, status_texts);
    tcase_add_test(status, options_fit);
    suite_add_tcase(suite, status);
    return suite;
}

FL_UNIT_MAIN(suite_of)
