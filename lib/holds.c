/* The file of holds, and records held against it. */
#include "holds.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "file.h"
#include "flowan/networks.h"
#include "memory.h"
#include "status.h"
#include "text.h"

enum { HOLDS_SIZE_MAX = 16 << 20, TIME_COLUMNS = 3 };

typedef struct hold {
    char *line; /* "FILE:3: 100.64.0.0/10" */
    bool has_time;
    uint64_t from_ns;
    uint64_t to_ns;
    flowan_networks *prefixes; /* NULL: all addresses */
} hold;

struct flowan_holds {
    hold *holds;
    size_t count;
    size_t room;
};

/* --- reading --- */

typedef struct line {
    const char *name;
    uint64_t number;
    uint64_t offset;
    const char *text;
    size_t size; /* without comment */
    unsigned times;
    uint64_t time_ns[2];
    fl_buffer prefixes;
    flowan_error *error;
} line;

static flowan_status fail(const line *l, const char *what, const char *word,
                          size_t size)
{
    return fl_status_fail(l->error, FLOWAN_ERROR_FORMAT,
                          l->offset + (uint64_t)(word - l->text), "%s:%llu: %s: '%.*s'",
                          l->name, (unsigned long long)l->number, what,
                          size < 100 ? (int)size : 100, word);
}

static flowan_status take_prefix(line *l, const flowan_address *address, unsigned bits)
{
    char text[FL_TEXT_ADDRESS_SIZE + 8];
    flowan_address masked = *address;
    fl_text_mask(&masked, bits);
    bool ipv4 = fl_text_is_ipv4(&masked) && bits >= 96;
    size_t size =
        ipv4 ? fl_text_put_address(text, &masked) : fl_text_put_ipv6(text, &masked);
    snprintf(text + size, 8, "/%u\n", ipv4 ? bits - 96 : bits);
    /* a table of networks takes each once */
    if (!l->prefixes.data ||
        !memmem(l->prefixes.data, l->prefixes.size, text, strlen(text)))
        fl_buffer_text(&l->prefixes, text);
    return l->prefixes.failed ? fl_status_memory(l->error) : FLOWAN_OK;
}

static flowan_status take_word(line *l, const char *word, size_t size)
{
    flowan_address address;
    unsigned bits;
    uint64_t time_ns;
    if (fl_text_get_prefix(word, size, &address, &bits))
        return take_prefix(l, &address, bits);
    if (word[0] < '0' || word[0] > '9' ||
        !fl_text_get_user_time(word, size, 0, &time_ns) || time_ns > INT64_MAX)
        return fail(l, "neither a time nor a prefix", word, size);
    if (l->times == 2)
        return fail(l, "a third time", word, size);
    l->time_ns[l->times++] = time_ns;
    return FLOWAN_OK;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static flowan_status take_words(line *l)
{
    flowan_status status = FLOWAN_OK;
    size_t at = 0;
    while (status == FLOWAN_OK && at < l->size) {
        size_t end = at;
        while (end < l->size && !is_blank(l->text[end]))
            end++;
        if (end > at)
            status = take_word(l, l->text + at, end - at);
        at = end + 1;
    }
    if (status == FLOWAN_OK && l->times == 1)
        return fail(l, "a time without an end", l->text, l->size);
    if (status == FLOWAN_OK && l->times == 2 && l->time_ns[0] >= l->time_ns[1])
        return fail(l, "ends before it begins", l->text, l->size);
    return status;
}

static flowan_status add(flowan_holds *holds, line *l)
{
    if (!fl_memory_grow((void **)&holds->holds, &holds->room, holds->count + 1,
                        sizeof *holds->holds))
        return fl_status_memory(l->error);
    hold *h = &holds->holds[holds->count];
    *h = (hold){
        .has_time = l->times == 2, .from_ns = l->time_ns[0], .to_ns = l->time_ns[1]};
    fl_buffer text = {0};
    fl_buffer_format(&text, "%s:%llu: %.*s", l->name, (unsigned long long)l->number,
                     (int)l->size, l->text);
    fl_buffer_byte(&text, 0);
    if (text.failed) {
        fl_buffer_free(&text);
        return fl_status_memory(l->error);
    }
    h->line = text.data;
    holds->count++;
    return l->prefixes.size > 0
               ? flowan_networks_parse(&h->prefixes, l->prefixes.data, l->prefixes.size,
                                       l->name, l->error)
               : FLOWAN_OK;
}

static void cut_comment(line *l)
{
    const char *comment = l->size ? memchr(l->text, '#', l->size) : NULL;
    if (comment)
        l->size = (size_t)(comment - l->text);
    while (l->size > 0 && is_blank(l->text[l->size - 1]))
        l->size--;
    while (l->size > 0 && is_blank(*l->text)) {
        l->text++;
        l->offset++;
        l->size--;
    }
}

flowan_status flowan_holds_parse(flowan_holds **out, const char *text, size_t size,
                                 const char *name, flowan_error *error)
{
    *out = NULL;
    if (size > HOLDS_SIZE_MAX)
        return fl_status_fail(error, FLOWAN_ERROR_LIMIT, FL_NO_OFFSET,
                              "%s: holds of more than %d bytes", name, HOLDS_SIZE_MAX);
    flowan_holds *holds = fl_memory_zalloc(1, sizeof *holds);
    if (!holds)
        return fl_status_memory(error);
    flowan_status status = FLOWAN_OK;
    uint64_t number = 0;
    for (size_t at = 0; status == FLOWAN_OK && at < size;) {
        const char *end = memchr(text + at, '\n', size - at);
        size_t length = end ? (size_t)(end - text) - at : size - at;
        line l = {.name = name,
                  .number = ++number,
                  .offset = at,
                  .text = text + at,
                  .size = length,
                  .error = error};
        cut_comment(&l);
        status = take_words(&l);
        if (status == FLOWAN_OK && l.size > 0)
            status = add(holds, &l);
        fl_buffer_free(&l.prefixes);
        at += length + 1;
    }
    if (status == FLOWAN_OK)
        *out = holds;
    else
        flowan_holds_free(holds);
    return status;
}

static flowan_status read_all(fl_buffer *out, int fd, const char *path,
                              flowan_error *error)
{
    ssize_t got = 1;
    while (got > 0 && out->size <= HOLDS_SIZE_MAX) {
        if (!fl_buffer_reserve(out, 65536))
            return fl_status_memory(error);
        got = read(fd, out->data + out->size, 65536);
        if (got < 0 && errno == EINTR)
            got = 1;
        else if (got < 0)
            return fl_status_errno(error, errno, "read", path);
        else
            out->size += (size_t)got;
    }
    return FLOWAN_OK;
}

flowan_status flowan_holds_load(flowan_holds **out, const char *path,
                                flowan_error *error)
{
    *out = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fl_status_errno(error, errno, "open", path);
    fl_buffer text = {0};
    flowan_status status = read_all(&text, fd, path, error);
    close(fd);
    if (status == FLOWAN_OK)
        status = flowan_holds_parse(out, text.data, text.size, path, error);
    fl_buffer_free(&text);
    return status;
}

void flowan_holds_free(flowan_holds *holds)
{
    if (!holds)
        return;
    for (size_t i = 0; i < holds->count; i++) {
        flowan_networks_free(holds->holds[i].prefixes);
        fl_memory_free(holds->holds[i].line);
    }
    fl_memory_free(holds->holds);
    fl_memory_free(holds);
}

/* --- looking --- */

/* Times are [from, to) in a hold, [min, max] in statistics; min > max is none. */
static bool may_meet(const hold *h, uint64_t min_ns, uint64_t max_ns)
{
    return min_ns <= max_ns && min_ns < h->to_ns && max_ns >= h->from_ns;
}

/* Whether rows of these statistics can be held. */
static bool may_hold(const hold *h, const flowan_segment_stats *stats)
{
    return stats->rows > 0 &&
           (!h->has_time || stats->rows_without_time > 0 ||
            may_meet(h, stats->received_min_ns, stats->received_max_ns) ||
            may_meet(h, stats->span_min_ns, stats->span_max_ns));
}

static bool in_time(const hold *h, const fl_clock *clock, size_t row,
                    const flowan_segment_info *info)
{
    if (!h->has_time)
        return true;
    uint64_t received = fl_clock_received(clock, row);
    fl_span span = fl_clock_span(clock, row);
    if (received && received >= h->from_ns && received < h->to_ns)
        return true;
    if (span.known)
        return fl_clock_overlaps(&span, h->from_ns, h->to_ns);
    /* without any time of its own it may be of any in the segment's interval */
    return !received && may_meet(h, info->interval_start_ns,
                                 info->interval_start_ns + (info->interval_ns - 1));
}

static bool any_in(const flowan_networks *prefixes, const flowan_address *address,
                   size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (flowan_networks_find(prefixes, &address[i], NULL))
            return true;
    return false;
}

static bool has_address(const hold *h, const flowan_column *columns, size_t count,
                        size_t row)
{
    if (!h->prefixes)
        return true;
    for (size_t i = 0; i < count; i++) {
        const flowan_column *column = &columns[i];
        if (!(column->present[row / 64] >> (row % 64) & 1))
            continue;
        size_t first = column->offset ? column->offset[row] : row;
        size_t end = column->offset ? column->offset[row + 1] : row + 1;
        if (any_in(h->prefixes, column->address + first, end - first))
            return true;
    }
    return false;
}

static bool row_is_held(const hold *h, const flowan_batch *batch,
                        const flowan_column *columns, size_t count,
                        const flowan_segment_info *info)
{
    fl_clock clock;
    fl_clock_init(&clock, batch);
    for (size_t row = 0; row < flowan_batch_rows(batch); row++)
        if (in_time(h, &clock, row, info) && has_address(h, columns, count, row))
            return true;
    return false;
}

static size_t address_columns(const flowan_batch *batch, flowan_column *out)
{
    size_t count = 0;
    for (size_t i = 0; i < flowan_batch_columns(batch); i++)
        if (flowan_batch_column(batch, i, &out[count]) &&
            (out[count].type == FLOWAN_TYPE_ADDRESS ||
             out[count].type == FLOWAN_TYPE_LIST_ADDRESS))
            count++;
    return count;
}

/* The names of the columns that holds are about: the times and all addresses. */
static size_t wanted_columns(const char **names, bool addresses)
{
    size_t count = 0;
    for (int i = 0; i < (int)FLOWAN_FIELD_COUNT; i++) {
        const flowan_field_info *info = flowan_field_info_of((flowan_field)i);
        bool time = i == FLOWAN_FIELD_TIME_RECEIVED_NS ||
                    i == FLOWAN_FIELD_TIME_FLOW_START_NS ||
                    i == FLOWAN_FIELD_TIME_FLOW_END_NS;
        if (time || (addresses && (info->type == FLOWAN_TYPE_ADDRESS ||
                                   info->type == FLOWAN_TYPE_LIST_ADDRESS)))
            names[count++] = info->name;
    }
    return count;
}

static flowan_status look_into(const flowan_holds *holds, flowan_reader *reader,
                               size_t block, const flowan_segment_stats *stats,
                               flowan_batch *batch, const char **held,
                               flowan_error *error)
{
    const char *names[FLOWAN_FIELD_COUNT];
    bool any = false;
    bool addresses = false;
    for (size_t i = 0; i < holds->count; i++)
        if (may_hold(&holds->holds[i], stats)) {
            any = true;
            addresses |= holds->holds[i].prefixes != NULL;
        }
    if (!any)
        return FLOWAN_OK;
    flowan_status status = flowan_reader_read(
        reader, block, names, wanted_columns(names, addresses), batch, error);
    if (status != FLOWAN_OK)
        return status;
    flowan_column *columns =
        fl_memory_alloc(flowan_batch_columns(batch) + 1, sizeof *columns);
    if (!columns)
        return fl_status_memory(error);
    size_t count = address_columns(batch, columns);
    flowan_segment_info info = flowan_reader_info(reader);
    for (size_t i = 0; i < holds->count && !*held; i++)
        if (may_hold(&holds->holds[i], stats) &&
            row_is_held(&holds->holds[i], batch, columns, count, &info))
            *held = holds->holds[i].line;
    fl_memory_free(columns);
    return FLOWAN_OK;
}

flowan_status fl_holds_find(const flowan_holds *holds, flowan_reader *reader,
                            flowan_batch *batch, int (*progress)(void *context),
                            void *context, const char **held, flowan_error *error)
{
    flowan_status status = FLOWAN_OK;
    flowan_segment_stats stats;
    *held = NULL;
    for (size_t i = 0;
         status == FLOWAN_OK && !*held && flowan_reader_block(reader, i, &stats); i++) {
        status = look_into(holds, reader, i, &stats, batch, held, error);
        if (status == FLOWAN_OK && progress && progress(context) != 0)
            status = FLOWAN_END;
    }
    return status;
}
