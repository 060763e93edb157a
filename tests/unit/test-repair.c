/* Repairing: all sound blocks stay, what is lost is told, and the archive is sound again;
 * also when the repair is killed. */
#include "flowan/care.h"

#include "archives.h"
#include "bytes.h"
#include "killed.h"
#include "unit.h"

/* Three segments of a day, with three blocks of two records each. */
enum {
    SEGMENTS = 3,
    BLOCKS = 3,
    BLOCK_ROWS = 2,
    ROWS = SEGMENTS * BLOCKS * BLOCK_ROWS
};

static fl_buffer log_text;
static fl_buffer files[SEGMENTS];   /* as they were sound */
static uint64_t begins[BLOCKS + 1]; /* of the second's blocks and footer */

static void file_at(size_t index, char out[400])
{
    snprintf(out, 400, "%s/%s", home, name_at(index));
}

static void make(void)
{
    flowan_archiver *archiver = open_archiver(NULL);
    import_all(archiver, &log_text, BLOCK_ROWS);
    finish(archiver);
}

static void set_up_archive(void)
{
    set_up();
    for (size_t i = 0; i < ROWS; i++)
        put_record(&log_text, MARCH_15 + i * (DAY / BLOCKS / BLOCK_ROWS),
                   (unsigned)i + 1);
    make();
    flowan_archive *archive = open_archive();
    ck_assert_uint_eq(flowan_archive_segments(archive), SEGMENTS);
    for (size_t i = 0; i < SEGMENTS; i++)
        files[i] = read_file(flowan_archive_path(archive, i));
    flowan_reader *reader = open_segment_at(archive, 1);
    size_t count;
    const fl_segment_block *blocks = fl_reader_blocks(reader, &count);
    ck_assert_uint_eq(count, BLOCKS);
    for (size_t i = 0; i < BLOCKS; i++)
        begins[i] = blocks[i].offset;
    begins[BLOCKS] = blocks[BLOCKS - 1].offset + blocks[BLOCKS - 1].size;
    flowan_reader_free(reader);
    flowan_archive_free(archive);
}

static void tear_down_archive(void)
{
    for (size_t i = 0; i < SEGMENTS; i++)
        fl_buffer_free(&files[i]);
    fl_buffer_free(&log_text);
    tear_down();
}

/* What the events said. */
static struct {
    unsigned lost, mended, aside, failed;
    uint64_t from, to;   /* of the last loss */
    uint64_t rows, kept; /* lost, kept */
    bool unknown;
    flowan_segment_stats stats;
    char path[400], file[400], message[600];
} said;

static void on_event(void *context, const flowan_repair_event *event)
{
    ck_assert_ptr_null(context);
    snprintf(said.path, sizeof said.path, "%s", event->path);
    switch (event->kind) {
    case FLOWAN_REPAIR_LOST:
        said.lost++;
        said.from = event->from;
        said.to = event->to;
        said.stats = event->lost;
        break;
    case FLOWAN_REPAIR_MENDED:
        said.mended++;
        said.rows += event->lost.rows;
        said.kept = event->rows;
        said.unknown |= event->rows_unknown;
        snprintf(said.file, sizeof said.file, "%s", event->aside);
        break;
    case FLOWAN_REPAIR_ASIDE:
        said.aside++;
        snprintf(said.file, sizeof said.file, "%s", event->aside);
        break;
    case FLOWAN_REPAIR_FAILED:
        said.failed++;
        snprintf(said.message, sizeof said.message, "%s", event->message);
    }
}

static flowan_repair_result repair(void)
{
    flowan_repair_options options = {.size = sizeof options, .tell = on_event};
    flowan_repair_result result;
    flowan_error error;
    memset(&said, 0, sizeof said);
    if (flowan_archive_repair(home, &options, &result, &error) != FLOWAN_OK)
        ck_abort_msg("%s", error.message);
    ck_assert_uint_eq(result.mended, said.mended);
    ck_assert_uint_eq(result.aside, said.aside);
    ck_assert_uint_eq(result.failed, said.failed);
    ck_assert_uint_eq(result.rows_lost, said.rows);
    return result;
}

/* The archive holds the records of the blocks whose bits are set, and is sound. */
static void assert_kept(unsigned blocks)
{
    fl_buffer want = {0};
    size_t at = 0;
    for (unsigned row = 0; row < ROWS; row++) {
        size_t size = strcspn(log_text.data + at, "\n") + 1;
        if (blocks >> row / BLOCK_ROWS & 1)
            fl_buffer_append(&want, log_text.data + at, size);
        at += size;
    }
    assert_archived(&want);
    assert_all_finished();
    fl_buffer_free(&want);
}

static void assert_log_known(void)
{
    flowan_archiver *archiver = open_archiver(NULL);
    flowan_log_state state;
    ck_assert(
        flowan_archiver_find_log(archiver, log_text.data, log_text.size, 0, &state));
    ck_assert_uint_eq(state.position.offset, log_text.size);
    flowan_archiver_free(archiver);
}

static void put_back(size_t index, const char *path)
{
    write_file(path, files[index].data, files[index].size);
}

static const unsigned all_blocks = (1U << SEGMENTS * BLOCKS) - 1;

/* --- what is kept --- */

START_TEST(a_sound_archive_stays_as_it_is)
{
    flowan_repair_result result = repair();
    ck_assert_uint_eq(result.segments, SEGMENTS);
    ck_assert_uint_eq(said.lost + said.mended + said.aside + said.failed, 0);
    assert_kept(all_blocks);
    char damaged[200];
    snprintf(damaged, sizeof damaged, "%s/damaged", home);
    ck_assert_int_ne(access(damaged, F_OK), 0);
}
END_TEST

/* Each byte of the middle segment in turn. A block's costs that block and no other; header,
 * footer and trailer cost nothing. */
START_TEST(each_byte_damaged)
{
    char path[400];
    file_at(1, path);
    char damaged[200];
    snprintf(damaged, sizeof damaged, "%s/damaged", home);
    for (size_t at = 0; at < files[1].size;
         at += at < 70 || at > begins[BLOCKS] ? 1 : 5) {
        fl_buffer bytes = {0};
        fl_buffer_append(&bytes, files[1].data, files[1].size);
        bytes.data[at] ^= 0x10;
        write_file(path, bytes.data, bytes.size);
        flowan_repair_result result = repair();
        unsigned block = 0;
        while (block < BLOCKS && at >= begins[block + 1])
            block++;
        bool hit = at >= begins[0] && block < BLOCKS;
        ck_assert_uint_eq(result.mended, 1);
        ck_assert_uint_eq(said.lost, hit);
        ck_assert_uint_eq(said.rows, hit ? BLOCK_ROWS : 0);
        ck_assert_msg(!said.unknown && !result.rows_unknown, "byte %zu", at);
        ck_assert_uint_eq(said.kept, (BLOCKS - hit) * BLOCK_ROWS);
        ck_assert_str_eq(said.path, path);
        if (hit) {
            ck_assert_uint_eq(said.from, begins[block]);
            ck_assert_uint_eq(said.to, begins[block + 1]);
            uint64_t apart = DAY / BLOCKS / BLOCK_ROWS;
            ck_assert_uint_eq(said.stats.received_min_ns,
                              MARCH_15 + (BLOCKS + block) * BLOCK_ROWS * apart);
        }
        assert_kept(hit ? all_blocks & ~(1U << (BLOCKS + block)) : all_blocks);
        /* what it was is still there */
        fl_buffer kept = read_file(said.file);
        assert_bytes(&kept, bytes.data, bytes.size);
        fl_buffer_free(&kept);
        /* where it was sound, the new one is what it was */
        if (!hit) {
            fl_buffer now = read_file(path);
            assert_bytes(&now, files[1].data, files[1].size);
            fl_buffer_free(&now);
        }
        if (at % 7 == 0)
            assert_log_known();
        ck_assert_uint_eq(repair().mended, 0);
        fl_buffer_free(&bytes);
        remove_tree(damaged);
    }
}
END_TEST

/* Cut at each byte: what is whole before it stays. */
START_TEST(each_length)
{
    char path[400];
    char damaged[200];
    file_at(1, path);
    snprintf(damaged, sizeof damaged, "%s/damaged", home);
    for (size_t size = 0; size < files[1].size; size += size < 70 ? 1 : 3) {
        write_file(path, files[1].data, size);
        unsigned kept = all_blocks;
        for (unsigned block = 0; block < BLOCKS; block++)
            if (size < begins[block + 1])
                kept &= ~(1U << (BLOCKS + block));
        flowan_repair_result result = repair();
        if (size < FL_SEGMENT_HEADER_SIZE) {
            ck_assert_uint_eq(result.aside, 1);
            ck_assert_uint_eq(segments(), SEGMENTS - 1);
        } else {
            ck_assert_uint_eq(result.mended, 1);
            ck_assert_uint_eq(segments(), SEGMENTS);
        }
        bool footer = size >= begins[BLOCKS] + 8; /* its magic is there */
        ck_assert_msg(result.rows_unknown == !footer, "%zu bytes", size);
        ck_assert_uint_eq(said.lost, size >= FL_SEGMENT_HEADER_SIZE && !footer);
        if (said.lost)
            ck_assert_uint_eq(said.to, size);
        assert_kept(kept);
        if (size % 5 == 0)
            assert_log_known();
        remove_tree(damaged);
        put_back(1, path);
    }
}
END_TEST

/* The newest segment's footer is where all logs are known. Without it they are learnt from
 * the one before. */
START_TEST(logs_of_a_lost_footer)
{
    char path[400];
    file_at(2, path);
    fl_buffer other = {0};
    put_record(&other, MARCH_15 + 3 * DAY, 99);
    flowan_log_state state = state_of("b.json", other.data, other.size);
    state.inode = 12;
    flowan_archiver *archiver = open_archiver(NULL);
    ck_assert_int_eq(flowan_archiver_begin_log(archiver, &state, MARCH_15, NULL),
                     FLOWAN_OK);
    flowan_batch *batch = batch_of(other.data, other.size);
    flowan_position end = {other.size, XXH3_64bits(other.data, other.size)};
    ck_assert_int_eq(flowan_archiver_write(archiver, batch, 0, end, NULL), FLOWAN_OK);
    finish(archiver);
    flowan_batch_free(batch);
    ck_assert_uint_eq(segments(), SEGMENTS + 1);
    file_at(3, path);
    fl_buffer bytes = read_file(path);
    bytes.data[bytes.size - 40] ^= 1;
    write_file(path, bytes.data, bytes.size);
    ck_assert_uint_eq(repair().mended, 1);
    ck_assert_uint_eq(said.lost, 0);
    assert_log_known();
    archiver = open_archiver(NULL);
    ck_assert(flowan_archiver_find_log(archiver, other.data, other.size, 0, &state));
    ck_assert_uint_eq(state.position.offset, other.size);
    flowan_archiver_free(archiver);
    fl_buffer_free(&bytes);
    fl_buffer_free(&other);
}
END_TEST

/* --- what is no segment, what cannot be mended --- */

START_TEST(other_files_are_moved_aside)
{
    char path[400];
    static const char text[] =
        "not a segment, but longer than the header of one would be, "
        "which has 64 bytes\n";
    file_at(1, path);
    for (int round = 0; round < 3; round++) {
        char want[500];
        snprintf(want, sizeof want, "%s/damaged%s", home, strrchr(path, '/'));
        if (round)
            snprintf(want + strlen(want), 10, ".%d", round);
        write_file(path, text, sizeof text - (size_t)round);
        ck_assert_uint_eq(repair().aside, 1);
        ck_assert_str_eq(said.file, want);
        fl_buffer kept = read_file(want);
        assert_bytes(&kept, text, sizeof text - (size_t)round);
        fl_buffer_free(&kept);
    }
    assert_kept(all_blocks & ~(7U << BLOCKS));
}
END_TEST

START_TEST(a_newer_version_is_left)
{
    char path[400];
    file_at(1, path);
    fl_buffer bytes = {0};
    fl_buffer_append(&bytes, files[1].data, files[1].size);
    bytes.data[8] = 99;
    fl_bytes_store((unsigned char *)bytes.data + 56,
                   fl_segment_checksum(bytes.data, 56), 8);
    write_file(path, bytes.data, bytes.size);
    flowan_repair_result result = repair();
    ck_assert_uint_eq(result.failed, 1);
    ck_assert_ptr_nonnull(strstr(said.message, "format 99"));
    fl_buffer now = read_file(path);
    assert_bytes(&now, bytes.data, bytes.size);
    fl_buffer_free(&now);
    fl_buffer_free(&bytes);
}
END_TEST

START_TEST(what_the_system_refuses)
{
    static const call calls[] = {CALL_WRITE, CALL_FSYNC, CALL_RENAME, CALL_MKDIR};
    char path[400];
    file_at(1, path);
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        files[1].data[begins[1] + 100] ^= 1;
        put_back(1, path);
        failing = calls[i];
        calls_left = calls[i] == CALL_WRITE ? 1 : 0; /* the lock's may pass */
        failing_on = true;
        failed_once = false;
        flowan_repair_result result = repair();
        failing = CALL_NONE;
        ck_assert_uint_eq(result.failed, 1);
        ck_assert_uint_gt(strlen(said.message), 10);
        fl_buffer now = read_file(path);
        if (calls[i] != CALL_FSYNC) /* of the directory, perhaps */
            assert_bytes(&now, files[1].data, files[1].size);
        fl_buffer_free(&now);
        repair();
        assert_kept(all_blocks & ~(1U << (BLOCKS + 1)));
        files[1].data[begins[1] + 100] ^= 1;
    }
}
END_TEST

/* --- segments that are open --- */

/* Damage in the middle of one that was left open. */
static void leave_open(size_t index, char path[400], char open[410])
{
    file_at(index, path);
    snprintf(open, 410, "%s.open", path);
    unlink(path);
    /* without its footer */
    files[index].data[begins[1] + 100] ^= 1;
    write_file(open, files[index].data, begins[BLOCKS]);
}

START_TEST(one_left_open_is_finished)
{
    char path[400], open[410];
    leave_open(1, path, open);
    flowan_archiver_free(open_archiver(NULL)); /* recovery leaves it */
    ck_assert_int_eq(access(open, F_OK), 0);
    flowan_repair_result result = repair();
    ck_assert_uint_eq(result.mended, 1);
    ck_assert_uint_eq(said.lost, 1);
    ck_assert_uint_eq(said.from, begins[1]);
    ck_assert_uint_eq(said.to, begins[2]);
    ck_assert_str_eq(said.path, open);
    ck_assert_int_ne(access(open, F_OK), 0);
    ck_assert_int_eq(access(path, F_OK), 0);
    assert_kept(all_blocks & ~(1U << (BLOCKS + 1)));
    assert_log_known();
}
END_TEST

/* Beside a writer too, but not the one that it may be writing. */
START_TEST(what_a_writer_has_open_is_left)
{
    char path[400], open[410];
    fl_buffer more = {0};
    leave_open(1, path, open);
    flowan_archiver *archiver = open_archiver(NULL);
    put_record(&more, MARCH_15 + 9 * DAY, 1);
    import_all(archiver, &more, 10);
    ck_assert_uint_eq(segments(), SEGMENTS + 1);
    flowan_repair_result result = repair();
    ck_assert_uint_eq(result.segments, SEGMENTS);
    ck_assert_uint_eq(result.mended, 1);
    ck_assert_int_eq(access(path, F_OK), 0);
    finish(archiver);
    assert_all_finished();
    /* and where it is the last it may be in work */
    archiver = open_archiver(NULL);
    char last[400];
    file_at(SEGMENTS, last);
    snprintf(open, sizeof open, "%s.open", last);
    ck_assert_int_eq(__real_rename(last, open), 0);
    fl_buffer bytes = read_file(open);
    bytes.data[100] ^= 1;
    write_file(open, bytes.data, bytes.size);
    ck_assert_uint_eq(repair().mended, 0);
    flowan_archiver_free(archiver);
    fl_buffer_free(&bytes);
    fl_buffer_free(&more);
}
END_TEST

/* --- killed --- */

static bool repair_well(void)
{
    flowan_repair_result result;
    return flowan_archive_repair(home, NULL, &result, NULL) == FLOWAN_OK &&
           result.failed == 0;
}

START_TEST(killed_at_every_step)
{
    char path[400], open[410], damaged[200], third[400];
    snprintf(damaged, sizeof damaged, "%s/damaged", home);
    file_at(2, third);
    leave_open(1, path, open);
    unsigned at = 1;
    for (bool alive = false; !alive; at++) {
        if (at > 1) {
            remove_tree(damaged);
            unlink(path);
            write_file(open, files[1].data, begins[BLOCKS]);
        }
        files[2].data[3] ^= 1; /* its magic: it is copied to be read */
        put_back(2, third);
        files[2].data[3] ^= 1;
        alive = outlives(repair_well, at);
        repair();
        assert_kept(all_blocks & ~(1U << (BLOCKS + 1)));
        flowan_archive *archive = open_archive();
        const char *by;
        ck_assert_ptr_null(fl_archive_hidden(archive, 0, &by));
        flowan_archive_free(archive);
        /* each is aside once */
        char command[300];
        snprintf(command, sizeof command, "test $(ls %s | wc -l) -eq 2", damaged);
        ck_assert_int_eq(system(command), 0);
        assert_log_known();
    }
    ck_assert_uint_gt(at, 20);
}
END_TEST

static Suite *repair_suite(void)
{
    Suite *suite = suite_create("repair");
    TCase *tests = tcase_create("repair");
    tcase_set_timeout(tests, 100);
    tcase_add_checked_fixture(tests, set_up_archive, tear_down_archive);
    tcase_add_test(tests, a_sound_archive_stays_as_it_is);
    tcase_add_test(tests, each_byte_damaged);
    tcase_add_test(tests, each_length);
    tcase_add_test(tests, logs_of_a_lost_footer);
    tcase_add_test(tests, other_files_are_moved_aside);
    tcase_add_test(tests, a_newer_version_is_left);
    tcase_add_test(tests, what_the_system_refuses);
    tcase_add_test(tests, one_left_open_is_finished);
    tcase_add_test(tests, what_a_writer_has_open_is_left);
    tcase_add_test(tests, killed_at_every_step);
    suite_add_tcase(suite, tests);
    return suite;
}

FL_UNIT_MAIN(repair_suite)
