/* A segment into a descriptor or a function, and from one: the bytes are those of the
 * file that a path gives, and what cannot be taken back is not written on. */
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "segment-files.h"
#include "unit.h"

/* Writes three blocks and the footer, whatever the writer writes into; up to the first
 * failure. */
static flowan_status write_all(flowan_writer *writer, flowan_error *error)
{
    flowan_batch *batch = all_kinds_batch();
    flowan_status status = flowan_writer_write(writer, batch, 0, 4, &log_one, error);
    if (status == FLOWAN_OK)
        status = flowan_writer_write(writer, batch, 4, 0, &log_two, error);
    if (status == FLOWAN_OK)
        status = flowan_writer_write(writer, batch, 4, 5, NULL, error);
    if (status == FLOWAN_OK)
        status = flowan_writer_finish(writer, &log_one, 1, error);
    flowan_batch_free(batch);
    return status;
}

static fl_buffer bytes_of_path(void)
{
    flowan_writer *writer = new_writer();
    ck_assert_int_eq(write_all(writer, NULL), FLOWAN_OK);
    flowan_writer_free(writer);
    return read_file(path);
}

static flowan_writer *writer_into(int fd)
{
    flowan_writer *writer;
    flowan_error error;
    if (flowan_writer_open_fd(&writer, fd, "there", &writer_options, &error) !=
        FLOWAN_OK)
        ck_abort_msg("%s", error.message);
    return writer;
}

static void assert_refused(flowan_writer *writer)
{
    flowan_batch *batch = all_kinds_batch();
    flowan_error error;
    flowan_status status = flowan_writer_write(writer, batch, 0, 1, NULL, &error);
    ck_assert_int_eq(status, FLOWAN_ERROR_ARGUMENT);
    assert_sentence(&error, status);
    ck_assert_ptr_nonnull(strstr(error.message, "could not be taken back"));
    status = flowan_writer_finish(writer, NULL, 0, &error);
    ck_assert_int_eq(status, FLOWAN_ERROR_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(error.message, "could not be taken back"));
    flowan_batch_free(batch);
}

/* --- a function --- */

typedef struct taker {
    fl_buffer bytes;
    size_t calls;
    size_t fails_at; /* this call, and only this */
    size_t takes;    /* of the bytes of that call */
} taker;

static int take(void *context, const void *data, size_t size)
{
    taker *to = context;
    ck_assert_uint_gt(size, 0);
    bool fails = to->calls++ == to->fails_at;
    size = fails && to->takes < size ? to->takes : size;
    fl_buffer_append(&to->bytes, data, size);
    return fails ? ENOENT : 0;
}

START_TEST(a_function_gets_the_same_bytes)
{
    fl_buffer want = bytes_of_path();
    taker to = {.fails_at = SIZE_MAX};
    flowan_writer *writer;
    ck_assert_int_eq(
        flowan_writer_new(&writer, take, &to, "there", &writer_options, NULL),
        FLOWAN_OK);
    ck_assert_uint_eq(to.bytes.size, FL_SEGMENT_HEADER_SIZE);
    ck_assert_int_eq(write_all(writer, NULL), FLOWAN_OK);
    ck_assert_uint_eq(flowan_writer_stats(writer).rows, ALL_KINDS_ROWS);
    assert_bytes(&to.bytes, want.data, want.size);
    flowan_error error;
    ck_assert_int_eq(write_all(writer, &error), FLOWAN_ERROR_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(error.message, "finished"));
    flowan_writer_free(writer);
    flowan_status status = flowan_writer_new(&writer, NULL, &to, "there", NULL, &error);
    ck_assert_int_eq(status, FLOWAN_ERROR_ARGUMENT);
    assert_sentence(&error, status);
    ck_assert_ptr_null(writer);
    fl_buffer_free(&to.bytes);
    fl_buffer_free(&want);
}
END_TEST

static size_t fetches;
static size_t fetch_fails_at = SIZE_MAX;

static int fetch(void *context, void *data, size_t size, uint64_t offset)
{
    const fl_buffer *bytes = context;
    ck_assert_uint_le(offset, bytes->size);
    ck_assert_uint_le(size, bytes->size - offset);
    if (fetches++ == fetch_fails_at)
        return EIO;
    memcpy(data, bytes->data + offset, size);
    return 0;
}

/* What a function took before it failed can be read, block by block. */
static size_t blocks_in(fl_buffer *bytes, flowan_status *verified)
{
    flowan_reader *reader;
    flowan_error error;
    flowan_status status =
        flowan_reader_new(&reader, fetch, bytes, bytes->size, "here", &error);
    if (status != FLOWAN_OK)
        ck_abort_msg("%s", error.message);
    size_t blocks = flowan_reader_info(reader).blocks;
    flowan_batch *batch = empty_batch();
    for (size_t i = 0; i < blocks; i++)
        read_block(reader, i, batch);
    *verified = flowan_reader_verify(reader, NULL, NULL);
    flowan_batch_free(batch);
    flowan_reader_free(reader);
    return blocks;
}

START_TEST(a_function_fails_at_each_call)
{
    fl_buffer want = bytes_of_path();
    bool failed = true;
    size_t most = 0;
    for (size_t n = 0; failed; n++)
        for (size_t part = 0; part < 3; part++) {
            taker to = {.fails_at = n, .takes = part < 2 ? part * 9 : SIZE_MAX};
            flowan_writer *writer;
            flowan_error error;
            flowan_status status =
                flowan_writer_new(&writer, take, &to, "there", &writer_options, &error);
            ck_assert((n == 0) == (status != FLOWAN_OK));
            if (status == FLOWAN_OK)
                status = write_all(writer, &error);
            else
                ck_assert_ptr_null(writer);
            failed = status != FLOWAN_OK;
            if (failed) {
                ck_assert_int_eq(status, FLOWAN_ERROR_IO);
                assert_sentence(&error, status);
                ck_assert_uint_eq(error.offset, ENOENT);
                ck_assert_ptr_nonnull(strstr(error.message, "there"));
            }
            if (failed && n > 0) {
                size_t calls = to.calls;
                assert_refused(writer);
                ck_assert_uint_eq(to.calls, calls);
                ck_assert_mem_eq(to.bytes.data, want.data, to.bytes.size);
                flowan_status verified;
                size_t blocks = blocks_in(&to.bytes, &verified);
                /* a failure that took all the same left a whole block at most */
                most = blocks > most ? blocks : most;
                ck_assert_uint_le(flowan_writer_stats(writer).rows,
                                  blocks ? ALL_KINDS_ROWS : 0);
            }
            flowan_writer_free(writer);
            fl_buffer_free(&to.bytes);
        }
    ck_assert_uint_eq(most, 3);
    fl_buffer_free(&want);
}
END_TEST

/* --- a descriptor --- */

static void copy_rest(int from, fl_buffer *to)
{
    char part[4096];
    ssize_t got;
    while ((got = read(from, part, sizeof part)) > 0)
        fl_buffer_append(to, part, (size_t)got);
}

/* A pipe and a socket, which do not block and are read only when the writer waits. */
START_TEST(a_pipe_gets_the_same_bytes)
{
    fl_buffer want = bytes_of_path();
    int ends[2];
    ck_assert_int_eq(_i ? socketpair(AF_UNIX, SOCK_STREAM, 0, ends) : pipe(ends), 0);
    ck_assert_int_eq(fcntl(ends[1], F_SETFL, O_WRONLY | O_NONBLOCK), 0);
    ck_assert_int_eq(fcntl(ends[1], F_SETPIPE_SZ, 4096) < 0 && !_i, 0);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        close(ends[0]);
        flowan_writer *writer = writer_into(ends[1]);
        for (int i = 0; i < 4; i++) /* more than a pipe holds */
            write_block(writer, all_kinds_batch(), 0, ALL_KINDS_ROWS, &log_two);
        bool ok = write_all(writer, NULL) == FLOWAN_OK;
        flowan_writer_free(writer);
        _exit(ok && fcntl(ends[1], F_GETFD) >= 0 ? 0 : 1); /* still open */
    }
    close(ends[1]);
    usleep(50000);
    fl_buffer got = {0};
    copy_rest(ends[0], &got);
    close(ends[0]);
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    flowan_status verified;
    ck_assert_uint_eq(blocks_in(&got, &verified), 7);
    ck_assert_int_eq(verified, FLOWAN_OK);
    ck_assert_mem_eq(got.data, want.data, FL_SEGMENT_HEADER_SIZE);
    fl_buffer_free(&got);
    fl_buffer_free(&want);
}
END_TEST

START_TEST(a_reader_that_left_is_told)
{
    signal(SIGPIPE, SIG_IGN);
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    flowan_writer *writer = writer_into(ends[1]);
    close(ends[0]);
    flowan_error error;
    flowan_status status = write_all(writer, &error);
    ck_assert_int_eq(status, FLOWAN_ERROR_IO);
    assert_sentence(&error, status);
    assert_refused(writer);
    flowan_writer_free(writer);
    flowan_writer *second;
    status = flowan_writer_open_fd(&second, ends[1], "there", NULL, &error);
    ck_assert_int_eq(status, FLOWAN_ERROR_IO);
    ck_assert_ptr_null(second);
    close(ends[1]);
    status = flowan_writer_open_fd(&second, ends[1], "there", NULL, &error);
    ck_assert_int_eq(status, FLOWAN_ERROR_IO); /* EBADF */
    assert_sentence(&error, status);
}
END_TEST

/* Behind what others wrote, opened to append or not. */
START_TEST(a_segment_begins_anywhere_in_a_file)
{
    fl_buffer want = bytes_of_path();
    write_file(path, "before", 6);
    int fd = open(path, O_RDWR | (_i ? O_APPEND : 0));
    if (!_i)
        lseek(fd, 0, SEEK_END);
    flowan_writer *writer = writer_into(fd);
    ck_assert_int_eq(write_all(writer, NULL), FLOWAN_OK);
    flowan_writer_free(writer);
    ck_assert_int_eq(write(fd, "behind", 6), 6);
    close(fd);
    fl_buffer got = read_file(path);
    fl_buffer all = {0};
    fl_buffer_text(&all, "before");
    fl_buffer_append(&all, want.data, want.size);
    fl_buffer_text(&all, "behind");
    assert_bytes(&got, all.data, all.size);
    fl_buffer_free(&all);
    fl_buffer_free(&got);
    fl_buffer_free(&want);
}
END_TEST

static void limit_files(rlim_t size)
{
    struct rlimit limit;
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = size;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* A file that may not grow beyond each of its bytes: cut back to whole blocks, and once
 * it may, the same bytes as ever. */
START_TEST(a_file_is_cut_back)
{
    enum { BEFORE = 6 };
    fl_buffer want = bytes_of_path();
    flowan_batch *batch = all_kinds_batch();
    for (size_t room = 0; room < want.size; room += 7) {
        write_file(path, "before", BEFORE);
        int fd = open(path, O_RDWR | (_i ? O_APPEND : 0));
        if (!_i)
            lseek(fd, 0, SEEK_END);
        limit_files(BEFORE + room);
        flowan_writer *writer;
        flowan_error error;
        flowan_status status =
            flowan_writer_open_fd(&writer, fd, "there", &writer_options, &error);
        struct stat info;
        if (status != FLOWAN_OK) {
            ck_assert_uint_lt(room, FL_SEGMENT_HEADER_SIZE);
            assert_sentence(&error, status);
            ck_assert_int_eq(fstat(fd, &info), 0);
            ck_assert_int_eq(info.st_size, BEFORE);
            limit_files(RLIM_INFINITY);
            writer = writer_into(fd);
        } else {
            status = flowan_writer_write(writer, batch, 0, 4, &log_one, &error);
        }
        bool first = status == FLOWAN_OK;
        if (!first) {
            assert_sentence(&error, status);
            ck_assert_int_eq(fstat(fd, &info), 0);
            ck_assert_int_eq(info.st_size, BEFORE + FL_SEGMENT_HEADER_SIZE);
        }
        limit_files(RLIM_INFINITY);
        if (!first)
            write_block(writer, batch, 0, 4, &log_one);
        write_block(writer, batch, 4, 0, &log_two);
        write_block(writer, batch, 4, 5, NULL);
        finish(writer, &log_one, 1);
        close(fd);
        fl_buffer got = read_file(path);
        ck_assert_uint_eq(got.size, BEFORE + want.size);
        ck_assert_mem_eq(got.data + BEFORE, want.data, want.size);
        fl_buffer_free(&got);
    }
    flowan_batch_free(batch);
    fl_buffer_free(&want);
}
END_TEST

/* What stands behind is other people's: it is not cut off. */
START_TEST(the_middle_of_a_file_is_not_cut)
{
    char behind[300];
    memset(behind, 'x', sizeof behind);
    write_file(path, behind, sizeof behind);
    int fd = open(path, O_RDWR);
    flowan_writer *writer = writer_into(fd);
    flowan_batch *batch = all_kinds_batch();
    limit_files(200);
    flowan_error error;
    ck_assert_int_eq(flowan_writer_write(writer, batch, 0, 9, NULL, &error),
                     FLOWAN_ERROR_IO);
    limit_files(RLIM_INFINITY);
    assert_refused(writer);
    flowan_writer_free(writer);
    close(fd);
    fl_buffer got = read_file(path);
    ck_assert_uint_eq(got.size, sizeof behind);
    ck_assert_mem_eq(got.data + 200, behind + 200, 100);
    fl_buffer_free(&got);
    flowan_batch_free(batch);
}
END_TEST

/* --- a reader's function --- */

START_TEST(a_function_is_read_from)
{
    fl_buffer bytes = bytes_of_path();
    flowan_status verified;
    ck_assert_uint_eq(blocks_in(&bytes, &verified), 3);
    ck_assert_int_eq(verified, FLOWAN_OK);
    flowan_reader *reader;
    flowan_error error;
    for (size_t size = 0; size <= bytes.size; size += 11) {
        flowan_status status =
            flowan_reader_new(&reader, fetch, &bytes, size, "here", &error);
        ck_assert_int_eq(status, size < FL_SEGMENT_HEADER_SIZE ? FLOWAN_ERROR_FORMAT
                                                               : FLOWAN_OK);
        flowan_reader_free(reader);
    }
    flowan_status status = flowan_reader_new(&reader, NULL, NULL, 0, "here", &error);
    ck_assert_int_eq(status, FLOWAN_ERROR_ARGUMENT);
    assert_sentence(&error, status);
    fl_buffer_free(&bytes);
}
END_TEST

/* With and without a footer: a reader whose function failed is as before the call. */
START_TEST(a_readers_function_fails_at_each_call)
{
    fl_buffer bytes = bytes_of_path();
    if (_i)
        bytes.size--;
    flowan_batch *batch = empty_batch();
    bool failed = true;
    for (size_t n = 0; failed; n++) {
        fetches = 0;
        fetch_fails_at = n;
        flowan_reader *reader;
        flowan_error error;
        flowan_status status =
            flowan_reader_new(&reader, fetch, &bytes, bytes.size, "here", &error);
        failed = status != FLOWAN_OK;
        if (failed) {
            ck_assert_int_eq(status, FLOWAN_ERROR_IO);
            assert_sentence(&error, status);
            ck_assert_ptr_nonnull(strstr(error.message, "here"));
            ck_assert_ptr_null(reader);
            continue;
        }
        for (size_t i = 0; i < 3; i++)
            if (flowan_reader_read(reader, i, NULL, 0, batch, &error) != FLOWAN_OK) {
                failed = true;
                assert_sentence(&error, FLOWAN_ERROR_IO);
                ck_assert_uint_eq(flowan_batch_rows(batch), 0);
                read_block(reader, i, batch);
            }
        flowan_reader_free(reader);
    }
    flowan_batch_free(batch);
    fl_buffer_free(&bytes);
}
END_TEST

static Suite *suite_of(void)
{
    Suite *suite = suite_create("writer");
    TCase *into = tcase_create("into");
    tcase_set_timeout(into, 60);
    tcase_add_checked_fixture(into, set_up, tear_down);
    tcase_add_test(into, a_function_gets_the_same_bytes);
    tcase_add_test(into, a_function_fails_at_each_call);
    tcase_add_loop_test(into, a_pipe_gets_the_same_bytes, 0, 2);
    tcase_add_test(into, a_reader_that_left_is_told);
    tcase_add_loop_test(into, a_segment_begins_anywhere_in_a_file, 0, 2);
    tcase_add_loop_test(into, a_file_is_cut_back, 0, 2);
    tcase_add_test(into, the_middle_of_a_file_is_not_cut);
    suite_add_tcase(suite, into);
    TCase *from = tcase_create("from");
    tcase_set_timeout(from, 60);
    tcase_add_checked_fixture(from, set_up, tear_down);
    tcase_add_test(from, a_function_is_read_from);
    tcase_add_loop_test(from, a_readers_function_fails_at_each_call, 0, 2);
    suite_add_tcase(suite, from);
    return suite;
}

FL_UNIT_MAIN(suite_of)
