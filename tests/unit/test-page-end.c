/* No kernel looks at a byte that it was not given: feeds that end where the memory ends,
 * or begin where it begins, at every length and alignment. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "samples.h"
#include "streams.h"
#include "unit.h"

enum { ALIGNMENTS = 64, PAGES = 4, KERNELS = 3 };

/* Pages between two that cannot be read. */
typedef struct island {
    char *begin;
    char *end;
    size_t align; /* feeds stand so far behind `begin` … */
    bool at_end;  /* … or end at `end` */
} island;

static island new_island(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *memory =
        mmap(NULL, (PAGES + 2) * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(memory, MAP_FAILED);
    ck_assert_int_eq(mprotect(memory + page, PAGES * page, PROT_READ | PROT_WRITE), 0);
    return (island){.begin = memory + page, .end = memory + (PAGES + 1) * page};
}

static void free_island(island *land)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    ck_assert_int_eq(munmap(land->begin - page, (PAGES + 2) * page), 0);
}

/* What stood there before must not help: a record that goes on behind the feed reads as
 * one that does not end. */
static const void *place(void *context, const void *data, size_t size)
{
    const island *land = context;
    char *at = land->at_end ? land->end - size : land->begin + land->align;
    ck_assert(at >= land->begin && at + size <= land->end);
    memset(land->begin, '7', (size_t)(land->end - land->begin));
    memcpy(at, data, size);
    return at;
}

/* The general way over plain memory first, then every kernel on the island; all of them
 * know the samples. */
static void open_streams(stream *streams[1 + KERNELS], island *land)
{
    static const flowan_kernel kernels[KERNELS] = {
        FLOWAN_KERNEL_NONE, FLOWAN_KERNEL_PORTABLE, FLOWAN_KERNEL_BEST};
    stream_options options = {.kernel = FLOWAN_KERNEL_NONE, .no_content_hash = true};
    streams[0] = stream_new(&options);
    options.place = place;
    options.context = land;
    for (size_t i = 0; i < KERNELS; i++) {
        options.kernel = kernels[i];
        streams[1 + i] = stream_new(&options);
    }
    for (size_t set = 0; set < SAMPLES_COUNT; set++) {
        size_t size;
        const char *text = samples_text(set, &size);
        for (size_t i = 0; i <= KERNELS; i++)
            stream_warm(streams[i], text, size);
    }
}

static void close_streams(stream *streams[1 + KERNELS])
{
    for (size_t i = 0; i <= KERNELS; i++)
        stream_free(streams[i]);
}

/* A record of the sample set, with the line feed behind it; false behind the last. */
static bool next_line(const char **text, size_t *left, size_t *size)
{
    const char *feed = memchr(*text, '\n', *left);
    *size = feed ? (size_t)(feed + 1 - *text) : 0;
    return feed != NULL;
}

static void check_ends(stream *streams[1 + KERNELS], const char *line, size_t size)
{
    for (size_t cut = 0; cut <= size; cut++) {
        /* torn there, and no more comes */
        for (size_t i = 1; i <= KERNELS; i++)
            stream_cut(streams[i], NULL, 0);
        streams_compare(streams, 1 + KERNELS, line, cut);
        /* and the rest in another feed, that ends there too */
        size_t cuts[] = {cut, size - cut};
        for (size_t i = 1; i <= KERNELS; i++)
            stream_cut(streams[i], cuts, 2);
        streams_compare(streams, 1 + KERNELS, line, size);
    }
}

START_TEST(feeds_end_with_the_memory)
{
    island land = new_island();
    land.at_end = true;
    stream *streams[1 + KERNELS];
    open_streams(streams, &land);
    size_t left, size;
    const char *text = samples_text((size_t)_i, &left);
    for (; next_line(&text, &left, &size); text += size, left -= size)
        check_ends(streams, text, size);
    close_streams(streams);
    free_island(&land);
}
END_TEST

/* From each alignment, also the one with nothing readable before it. */
START_TEST(feeds_begin_anywhere)
{
    island land = new_island();
    stream *streams[1 + KERNELS];
    open_streams(streams, &land);
    size_t size;
    const char *text = samples_text((size_t)_i, &size);
    static const size_t few[] = {100};
    for (size_t cut = 0; cut < 2; cut++) {
        for (size_t i = 1; i <= KERNELS; i++)
            stream_cut(streams[i], few, cut);
        for (land.align = 0; land.align < ALIGNMENTS; land.align++) {
            stream_tally tally = streams_compare(streams, 1 + KERNELS, text, size);
            ck_assert_uint_gt(tally.rows, 0);
            ck_assert_uint_eq(tally.rejects, 0);
        }
    }
    close_streams(streams);
    free_island(&land);
}
END_TEST

/* Several records in one feed, the last of which the memory's end cuts at every byte. */
START_TEST(the_last_of_many_is_cut)
{
    island land = new_island();
    land.at_end = true;
    stream *streams[1 + KERNELS];
    open_streams(streams, &land);
    size_t size;
    const char *text = samples_text((size_t)_i, &size);
    for (size_t cut = 1; cut <= size; cut++)
        streams_compare(streams, 1 + KERNELS, text, cut);
    close_streams(streams);
    free_island(&land);
}
END_TEST

static Suite *suite_of(void)
{
    Suite *suite = suite_create("page-end");
    TCase *tests = tcase_create("page-end");
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, feeds_end_with_the_memory, 0, SAMPLES_COUNT);
    tcase_add_loop_test(tests, feeds_begin_anywhere, 0, SAMPLES_COUNT);
    tcase_add_loop_test(tests, the_last_of_many_is_cut, 0, SAMPLES_COUNT);
    suite_add_tcase(suite, tests);
    return suite;
}

FL_UNIT_MAIN(suite_of)
