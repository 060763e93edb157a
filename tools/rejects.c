#include "rejects.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"

struct rejects {
    const char *archive;
    const char *path; /* NULL: a file a log */
    FILE *file;
    char *name;        /* of the open file */
    uint64_t noted_to; /* rejects before this offset are in the file */
};

rejects *rejects_new(const char *archive, const char *path)
{
    rejects *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    r->archive = archive;
    r->path = path;
    return r;
}

static int close_file(rejects *r)
{
    int number = r->file && fclose(r->file) != 0 ? errno : 0;
    r->file = NULL;
    return number;
}

void rejects_free(rejects *r)
{
    if (!r)
        return;
    close_file(r);
    free(r->name);
    free(r);
}

static flowan_status fail(flowan_error *error, const char *name, int number)
{
    error->status = FLOWAN_ERROR_IO;
    error->offset = UINT64_MAX;
    snprintf(error->message, sizeof error->message, "cannot write %.400s: %s", name,
             strerror(number));
    return FLOWAN_ERROR_IO;
}

/* ARCHIVE/rejects/NAME.HEAD.jsonl: the head tells logs of one name apart. */
static char *name_for(const rejects *r, const flowan_log_state *log)
{
    if (r->path)
        return strdup(r->path);
    const char *base = strrchr(log->path, '/');
    base = base ? base + 1 : log->path;
    size_t size = strlen(r->archive) + strlen(base) + 64;
    char *name = malloc(size);
    if (!name)
        return NULL;
    snprintf(name, size, "%s/rejects", r->archive);
    mkdir(name, 0755);
    snprintf(name, size, "%s/rejects/%.180s.%016" PRIx64 ".jsonl", r->archive, base,
             log->head_hash);
    return name;
}

/* Reads how far an earlier run came, and cuts a line that it left torn. */
static void find_noted(rejects *r)
{
    static const char key[] = "{\"offset\":";
    char *line = NULL;
    size_t room = 0;
    ssize_t size;
    off_t whole = 0;
    r->noted_to = 0;
    rewind(r->file);
    while ((size = getline(&line, &room, r->file)) > 0 && line[size - 1] == '\n') {
        whole += size;
        if (strncmp(line, key, sizeof key - 1) == 0)
            r->noted_to = strtoull(line + sizeof key - 1, NULL, 10) + 1;
    }
    free(line);
    clearerr(r->file);
    if (fseeko(r->file, whole, SEEK_SET) != 0 || ftruncate(fileno(r->file), whole) != 0)
        r->noted_to = 0;
}

static flowan_status open_file(rejects *r, const flowan_log_state *log,
                               flowan_error *error)
{
    char *name = name_for(r, log);
    if (!name)
        return fail(error, "the rejects", ENOMEM);
    if (r->file && r->name && strcmp(r->name, name) == 0) {
        free(name);
        return FLOWAN_OK;
    }
    int number = close_file(r);
    free(r->name);
    r->name = name;
    if (number != 0)
        return fail(error, name, number);
    r->file = fopen(name, "a+b");
    if (!r->file)
        return fail(error, name, errno);
    if (!r->path)
        find_noted(r);
    return FLOWAN_OK;
}

static void put_base64(FILE *file, const char *data, size_t size)
{
    enum { PIECE = 3 * 256 };
    char text[FLOWAN_BASE64_TEXT_SIZE(PIECE)];
    for (size_t at = 0; at < size; at += PIECE) {
        flowan_base64_format(data + at, size - at < PIECE ? size - at : PIECE, text);
        fputs(text, file);
    }
}

flowan_status rejects_write(rejects *r, const flowan_log_state *log,
                            const flowan_reject *reject, flowan_error *error)
{
    flowan_status status = open_file(r, log, error);
    if (status != FLOWAN_OK || (!r->path && reject->offset < r->noted_to))
        return status;
    fprintf(r->file, "{\"offset\":%" PRIu64 ",\"source\":", reject->offset);
    cli_json_string(r->file, log->path);
    fprintf(r->file, ",\"reason\":\"%s\"%s,\"bytes\":\"",
            flowan_reject_reason_text(reject->reason),
            reject->continued ? ",\"continued\":true" : "");
    put_base64(r->file, reject->data, reject->size);
    fputs("\"}\n", r->file);
    /* on disk before the block that says that the log was read this far */
    return fflush(r->file) == 0 ? FLOWAN_OK : fail(error, r->name, errno);
}
