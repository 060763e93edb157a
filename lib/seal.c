#include "seal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "archive.h"
#include "crew.h"
#include "file.h"
#include "reader.h"
#include "repack.h"
#include "status.h"

struct fl_sealer {
    fl_crew *crew;
    fl_task task;
    bool begun;
    flowan_level level;
    fl_buffer path; /* of the one that is being packed, with ".open", NUL behind */
    flowan_status status;
    flowan_error error;
};

/* --- names --- */

static flowan_status put_path(fl_buffer *out, const char *open_path, const char *suffix,
                              flowan_error *error)
{
    fl_buffer_clear(out);
    fl_buffer_append(out, open_path, strlen(open_path) - strlen(FL_ARCHIVE_OPEN));
    fl_buffer_text(out, suffix);
    fl_buffer_byte(out, 0);
    return out->failed ? fl_status_memory(error) : FLOWAN_OK;
}

/* A name lasts only once its directory is on disk. */
static int sync_directory_of(char *path)
{
    char *slash = strrchr(path, '/');
    if (!slash)
        return fl_file_sync_directory(".");
    *slash = 0;
    int number = fl_file_sync_directory(path);
    *slash = '/';
    return number;
}

static flowan_status give_name(const char *from, const char *open_path, bool *renamed,
                               flowan_error *error)
{
    fl_buffer final = {0};
    *renamed = false;
    flowan_status status = put_path(&final, open_path, "", error);
    if (status == FLOWAN_OK) {
        int number = rename(from, final.data) == 0 ? 0 : errno;
        *renamed = number == 0;
        if (number == 0)
            number = sync_directory_of(final.data);
        if (number != 0)
            status = fl_status_errno(error, number, "rename", from);
    }
    fl_buffer_free(&final);
    return status;
}

flowan_status fl_seal_publish(const char *open_path, bool *renamed, flowan_error *error)
{
    return give_name(open_path, open_path, renamed, error);
}

flowan_status fl_seal_clean(const char *open_path, flowan_error *error)
{
    fl_buffer path = {0};
    flowan_status status = put_path(&path, open_path, FL_SEAL_PACKING, error);
    if (status == FLOWAN_OK && unlink(path.data) != 0 && errno != ENOENT)
        status = fl_status_errno(error, errno, "remove", path.data);
    fl_buffer_free(&path);
    return status;
}

/* --- packing --- */

static flowan_status copy_blocks(flowan_reader *reader, flowan_writer *writer,
                                 flowan_level level, flowan_error *error)
{
    fl_repack *repack;
    flowan_status status = fl_repack_new(&repack, writer, level, 0, error);
    if (status != FLOWAN_OK)
        return status;
    size_t count = flowan_reader_info(reader).blocks;
    for (size_t i = 0; status == FLOWAN_OK && i < count; i++)
        status = fl_repack_block(repack, reader, i, error);
    if (status == FLOWAN_OK)
        status = fl_repack_flush(repack, error);
    fl_repack_free(repack);
    return status;
}

static flowan_status finish(flowan_reader *reader, flowan_writer *writer,
                            flowan_error *error)
{
    size_t count = flowan_reader_info(reader).logs;
    flowan_log_state *logs = fl_memory_alloc(count + 1, sizeof *logs);
    if (!logs)
        return fl_status_memory(error);
    for (size_t i = 0; i < count; i++)
        flowan_reader_log(reader, i, &logs[i]);
    flowan_status status = flowan_writer_finish(writer, logs, count, error);
    fl_memory_free(logs);
    return status;
}

/* Writes and syncs the packed segment, beside. */
static flowan_status write_packed(const char *open_path, const char *packing,
                                  flowan_level level, flowan_error *error)
{
    flowan_reader *reader;
    flowan_writer *writer = NULL;
    flowan_status status = flowan_reader_open(&reader, open_path, error);
    if (status != FLOWAN_OK)
        return status;
    flowan_segment_info info = flowan_reader_info(reader);
    flowan_writer_options options = {.size = sizeof options,
                                     .serial = info.serial,
                                     .interval_start_ns = info.interval_start_ns,
                                     .interval_ns = info.interval_ns,
                                     .level = level};
    status = flowan_writer_open(&writer, packing, &options, error);
    if (status == FLOWAN_OK)
        status = copy_blocks(reader, writer, level, error);
    if (status == FLOWAN_OK && flowan_writer_stats(writer).rows != info.stats.rows)
        status = fl_status_fail(error, FLOWAN_ERROR_FORMAT, FL_NO_OFFSET,
                                "%s could not be packed: rows are missing", open_path);
    if (status == FLOWAN_OK)
        status = finish(reader, writer, error);
    flowan_writer_free(writer);
    flowan_reader_free(reader);
    return status;
}

static void pack(void *context)
{
    fl_sealer *sealer = context;
    const char *open_path = sealer->path.data;
    fl_buffer packing = {0};
    bool renamed = false;
    flowan_status status = fl_seal_clean(open_path, NULL);
    if (status == FLOWAN_OK)
        status = put_path(&packing, open_path, FL_SEAL_PACKING, NULL);
    if (status == FLOWAN_OK)
        status = write_packed(open_path, packing.data, sealer->level, NULL);
    if (status == FLOWAN_OK)
        status = give_name(packing.data, open_path, &renamed, &sealer->error);
    if (renamed) {
        /* the final one stands for both already */
        sealer->status = status;
        if (status == FLOWAN_OK)
            unlink(open_path);
    } else {
        /* as it is, it has all that the packed one would have */
        fl_seal_clean(open_path, NULL);
        sealer->status = fl_seal_publish(open_path, &renamed, &sealer->error);
    }
    fl_buffer_free(&packing);
}

/* --- the other thread --- */

fl_sealer *fl_sealer_new(flowan_level level)
{
    fl_sealer *sealer = fl_memory_zalloc(1, sizeof *sealer);
    if (!sealer)
        return NULL;
    sealer->level = level;
    sealer->crew = fl_crew_new(1);
    if (sealer->crew)
        return sealer;
    fl_memory_free(sealer);
    return NULL;
}

flowan_status fl_sealer_wait(fl_sealer *sealer, flowan_error *error)
{
    if (!sealer->begun)
        return FLOWAN_OK;
    fl_crew_wait(sealer->crew, &sealer->task);
    sealer->begun = false;
    if (sealer->status != FLOWAN_OK && error)
        *error = sealer->error;
    return sealer->status;
}

void fl_sealer_free(fl_sealer *sealer)
{
    if (!sealer)
        return;
    (void)fl_sealer_wait(sealer, NULL);
    fl_crew_free(sealer->crew);
    fl_buffer_free(&sealer->path);
    fl_memory_free(sealer);
}

flowan_status fl_sealer_begin(fl_sealer *sealer, const char *open_path,
                              flowan_error *error)
{
    flowan_status status = fl_sealer_wait(sealer, error);
    if (status != FLOWAN_OK)
        return status;
    fl_buffer_clear(&sealer->path);
    fl_buffer_append(&sealer->path, open_path, strlen(open_path) + 1);
    if (sealer->path.failed)
        return fl_status_memory(error);
    sealer->task = (fl_task){.run = pack, .context = sealer};
    sealer->begun = true;
    fl_crew_submit(sealer->crew, &sealer->task);
    return FLOWAN_OK;
}
