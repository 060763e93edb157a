/* A table for people: one line a record, as wide as the terminal. Without chosen fields
 * it is laid out as tools for NetFlow have it, and what does not fit is shortened, then
 * left out, the least needed first. Chosen fields are all there, in any width. */
#include <string.h>

#include "encode_cell.h"
#include "screen.h"
#include "status.h"

enum {
    SAMPLE = 4096,   /* rows that widths are taken from */
    GAP = 2,         /* between columns */
    WIDTH_MAX = 64,  /* of a text */
    WIDTH_LEAST = 9, /* texts and IPv6 addresses are cut no shorter */
    PORT_WIDTH = 6   /* ":65535" */
};

typedef struct column {
    fl_encode_cell_source source;
    const char *heading;
    size_t width; /* of what is left of a port */
    size_t least; /* ... and of what cannot be cut */
    size_t port;  /* of the port, 0: there are none */
    bool right;
    bool shown;
} column;

typedef struct table {
    fl_encode_cell cell;
    size_t blanks; /* to be written before what comes next in the line */
    size_t count;
    column columns[];
} table;

/* --- the layout --- */

enum {
    START,
    END,
    RECEIVED,
    PROTO,
    SRC,
    SRC_PORT,
    DST,
    DST_PORT,
    PACKETS,
    BYTES,
    NAT_SRC,
    NAT_SRC_PORT,
    NAT_SRC_IPV6,
    NAT_DST,
    NAT_DST_PORT,
    NAT_DST_IPV6,
    FIELDS
};

static const char *const fields[FIELDS] = {
    [START] = "time_flow_start_ns",
    [END] = "time_flow_end_ns",
    [RECEIVED] = "time_received_ns",
    [PROTO] = "proto",
    [SRC] = "src_addr",
    [SRC_PORT] = "src_port",
    [DST] = "dst_addr",
    [DST_PORT] = "dst_port",
    [PACKETS] = "packets",
    [BYTES] = "bytes",
    [NAT_SRC] = "post_nat_src_ipv4_address",
    [NAT_SRC_PORT] = "post_napt_src_transport_port",
    [NAT_SRC_IPV6] = "post_nat_src_ipv6_address",
    [NAT_DST] = "post_nat_dst_ipv4_address",
    [NAT_DST_PORT] = "post_napt_dst_transport_port",
    [NAT_DST_IPV6] = "post_nat_dst_ipv6_address",
};

/* The columns, in their order. Those of `extra` are there where they say something. */
enum {
    TIME_COLUMN,
    DURATION_COLUMN,
    PROTO_COLUMN,
    SRC_COLUMN,
    DST_COLUMN,
    PACKETS_COLUMN,
    BYTES_COLUMN,
    NAT_SRC_COLUMN,
    NAT_DST_COLUMN,
    COLUMNS
};

enum { NONE = FL_ENCODE_NONE };
#define KIND(what) FL_ENCODE_CELL_##what

/* clang-format off */
static const struct {
    const char *heading;
    bool extra;
    fl_encode_cell_source source;
} layout[COLUMNS] = {
    [TIME_COLUMN]     = {"start (UTC)", false, {KIND(TIME), START, NONE, NONE, NONE}},
    [DURATION_COLUMN] = {"seconds", true, {KIND(DURATION), START, END, NONE, NONE}},
    [PROTO_COLUMN]    = {"proto", false, {KIND(TEXT), PROTO, NONE, NONE, NONE}},
    [SRC_COLUMN]      = {"source", false, {KIND(ENDPOINT), SRC, SRC_PORT, NONE, PROTO}},
    [DST_COLUMN]      = {"destination", false,
                         {KIND(ENDPOINT), DST, DST_PORT, NONE, PROTO}},
    [PACKETS_COLUMN]  = {"packets", false, {KIND(COUNT), PACKETS, NONE, NONE, NONE}},
    [BYTES_COLUMN]    = {"bytes", false, {KIND(COUNT), BYTES, NONE, NONE, NONE}},
    [NAT_SRC_COLUMN]  = {"NAT source", true,
                         {KIND(ENDPOINT), NAT_SRC, NAT_SRC_PORT, NAT_SRC_IPV6, PROTO}},
    [NAT_DST_COLUMN]  = {"NAT destination", true,
                         {KIND(ENDPOINT), NAT_DST, NAT_DST_PORT, NAT_DST_IPV6, PROTO}},
};
/* clang-format on */

/* How a line is made to fit: a step at a time, until it does. */
static const struct {
    enum { CUT, DROP, TIME } what;
    unsigned value; /* the width to cut to, a column, the form of the time */
} steps[] = {
    {CUT, 28},
    {DROP, NAT_DST_COLUMN},
    {DROP, NAT_SRC_COLUMN},
    {CUT, 21},
    {DROP, DURATION_COLUMN},
    {TIME, FL_ENCODE_TIME_SECOND},
    {CUT, 17},
    {TIME, FL_ENCODE_TIME_MONTH},
    {DROP, PACKETS_COLUMN},
    {TIME, FL_ENCODE_TIME_DAY},
    {DROP, PROTO_COLUMN},
    {CUT, WIDTH_LEAST},
    {DROP, TIME_COLUMN},
};

/* Headings of chosen fields: short for the common ones, since lines are. */
static const char *heading_of(const char *name)
{
    static const char *const shorter[][2] = {
        {"time_flow_start_ns", "start (UTC)"},
        {"time_flow_end_ns", "end (UTC)"},
        {"time_received_ns", "received (UTC)"},
        {"post_nat_src_ipv4_address", "post_nat_src"},
        {"post_nat_dst_ipv4_address", "post_nat_dst"},
    };
    for (size_t i = 0; i < sizeof shorter / sizeof *shorter; i++)
        if (strcmp(name, shorter[i][0]) == 0)
            return shorter[i][1];
    return name;
}

static column chosen_column(const flowan_encoder *encoder, size_t index)
{
    const fl_encode_field *f = &encoder->fields[index];
    int id = flowan_field_find(f->name, f->name_size);
    flowan_type type =
        id < 0 ? FLOWAN_TYPE_TEXT : flowan_field_info_of((flowan_field)id)->type;
    fl_encode_cell_source source = {KIND(TEXT), (int)index, NONE, NONE, NONE};
    if (id == FLOWAN_FIELD_BYTES || id == FLOWAN_FIELD_PACKETS)
        source.kind = KIND(COUNT);
    else if (type == FLOWAN_TYPE_TIME)
        source.kind = KIND(TIME);
    else if (type == FLOWAN_TYPE_ADDRESS)
        source.kind = KIND(ADDRESS);
    else if (type == FLOWAN_TYPE_U32 || type == FLOWAN_TYPE_U64)
        source.kind = KIND(NUMBER);
    return (column){.source = source, .heading = heading_of(f->name)};
}

static flowan_status open_table(flowan_encoder *encoder,
                                const flowan_encoder_options *options,
                                flowan_error *error)
{
    (void)options;
    size_t count = encoder->chosen ? encoder->field_count : COLUMNS;
    table *t = fl_memory_zalloc(1, sizeof *t + count * sizeof *t->columns);
    encoder->state = t;
    if (!t)
        return fl_status_memory(error);
    t->count = count;
    for (size_t i = 0; i < count; i++)
        t->columns[i] = encoder->chosen ? chosen_column(encoder, i)
                                        : (column){.source = layout[i].source,
                                                   .heading = layout[i].heading};
    return FLOWAN_OK;
}

static void close_table(flowan_encoder *encoder)
{
    table *t = encoder->state;
    if (t)
        fl_encode_cell_free(&t->cell);
    fl_memory_free(t);
}

/* A piece for each field, in order. */
static bool plan_row(flowan_encoder *encoder, const fl_shape_field *shape, size_t count)
{
    (void)shape;
    (void)count;
    for (size_t i = 0; i < encoder->field_count; i++)
        if (!fl_encode_rows_value(encoder, fl_encode_rows_find(encoder, i)))
            return false;
    return true;
}

/* --- widths --- */

/* What the sampled rows say of a column. */
typedef struct finding {
    bool present;
    bool telling; /* an address other than 0.0.0.0, a duration */
} finding;

static bool measure_cell(flowan_encoder *encoder, size_t index, size_t row,
                         finding *found)
{
    table *t = encoder->state;
    column *c = &t->columns[index];
    const fl_encode_cell *cell = &t->cell;
    const fl_encode_piece *pieces = fl_encode_rows_pieces(encoder, row);
    if (!pieces)
        return false;
    bool text = c->source.kind == KIND(TEXT);
    fl_encode_cell_make(&t->cell, encoder, &c->source, pieces, row,
                        text ? WIDTH_MAX : SIZE_MAX);
    found->present |= cell->present;
    found->telling |= cell->present && !cell->zero;
    if (cell->width > c->width)
        c->width = cell->width;
    if (!text && !cell->ipv6 && cell->width > c->least)
        c->least = cell->width;
    if (cell->port_size)
        c->port = PORT_WIDTH;
    return !cell->text.failed;
}

/* A key that the field table does not know has numbers when it has nothing else. */
static void find_kind(const flowan_encoder *encoder, column *c)
{
    if (!encoder->chosen || c->source.kind != KIND(TEXT))
        return;
    const fl_encode_field *f = &encoder->fields[c->source.field];
    bool numbers = f->count > 0;
    for (size_t i = 0; i < f->count; i++)
        numbers = numbers && (f->columns[i]->type == FLOWAN_TYPE_U32 ||
                              f->columns[i]->type == FLOWAN_TYPE_U64);
    if (numbers)
        c->source.kind = KIND(NUMBER);
}

/* Of rows all over the first batch. */
static bool measure(flowan_encoder *encoder, size_t index, const flowan_batch *batch,
                    const flowan_selection *selection, finding *found)
{
    table *t = encoder->state;
    column *c = &t->columns[index];
    size_t rows = !batch ? 0 : selection ? selection->count : batch->rows;
    size_t step = rows / SAMPLE + 1;
    *found = (finding){0};
    find_kind(encoder, c);
    if (c->source.kind == KIND(TIME)) /* rows that are not sampled may have one */
        c->width = c->least = FL_ENCODE_TIME_MS;
    for (size_t i = 0; i < rows; i += step)
        if (!measure_cell(encoder, index, selection ? selection->rows[i] : i, found))
            return false;
    fl_encode_cell_kind kind = c->source.kind;
    c->right = kind == KIND(NUMBER) || kind == KIND(COUNT) || kind == KIND(DURATION) ||
               kind == KIND(ENDPOINT);
    return true;
}

static size_t heading_width(const column *c)
{
    return fl_screen_width(c->heading, strlen(c->heading));
}

/* What a heading needs; a port's part of it stands above the ports. */
static void widen(column *c)
{
    size_t width = heading_width(c) > 0 ? heading_width(c) : 1;
    c->width = width > c->width ? width : c->width;
    c->least = width > c->least ? width : c->least;
}

static size_t line_width(const table *t)
{
    size_t width = 0;
    for (size_t i = 0; i < t->count; i++)
        if (t->columns[i].shown)
            width += (width ? GAP : 0) + t->columns[i].width + t->columns[i].port;
    return width;
}

static void cut(table *t, size_t columns, size_t least)
{
    for (size_t width = line_width(t); width > columns; width--) {
        column *widest = NULL;
        for (size_t i = 0; i < t->count; i++) {
            column *c = &t->columns[i];
            if (c->shown && c->width > least && c->width > c->least &&
                (!widest || c->width > widest->width))
                widest = c;
        }
        if (!widest)
            return;
        widest->width--;
    }
}

static void set_time(column *c, unsigned width)
{
    if (width < heading_width(c))
        c->heading = "UTC";
    c->width = c->least = width;
}

static void fit(flowan_encoder *encoder)
{
    table *t = encoder->state;
    if (encoder->chosen) {
        cut(t, encoder->columns, WIDTH_LEAST);
        return;
    }
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        if (line_width(t) <= encoder->columns)
            return;
        switch (steps[i].what) {
        case CUT: cut(t, encoder->columns, steps[i].value); break;
        case DROP: t->columns[steps[i].value].shown = false; break;
        case TIME: set_time(&t->columns[TIME_COLUMN], steps[i].value); break;
        }
    }
}

/* Which columns there are; what no sampled row has, and extras that say nothing, are
 * not. A log without flow times is shown by when it was received. */
static bool choose(flowan_encoder *encoder, const flowan_batch *batch,
                   const flowan_selection *selection)
{
    table *t = encoder->state;
    bool any = encoder->chosen;
    for (size_t i = 0; i < t->count; i++) {
        column *c = &t->columns[i];
        finding found;
        if (!measure(encoder, i, batch, selection, &found))
            return false;
        if (!encoder->chosen && i == TIME_COLUMN && !found.present) {
            column start = *c;
            c->source.field = RECEIVED;
            c->heading = "received (UTC)";
            if (!measure(encoder, i, batch, selection, &found))
                return false;
            if (!found.present)
                *c = start;
        }
        c->shown =
            encoder->chosen || (found.present && (found.telling || !layout[i].extra));
        any |= c->shown;
    }
    for (size_t i = 0; i < t->count; i++) {
        t->columns[i].shown |= !any && !layout[i].extra;
        widen(&t->columns[i]);
    }
    return true;
}

/* --- lines --- */

/* Blanks are written before a text, so that none end a line. */
static void put(flowan_encoder *encoder, const char *text, size_t size)
{
    table *t = encoder->state;
    if (size == 0)
        return;
    char *room = fl_buffer_reserve(&encoder->out, t->blanks + size);
    if (!room)
        return;
    memset(room, ' ', t->blanks);
    memcpy(room + t->blanks, text, size);
    encoder->out.size += t->blanks + size;
    t->blanks = 0;
}

static void put_column(flowan_encoder *encoder, const column *c, const char *text,
                       size_t size, size_t width, const char *port, size_t port_size)
{
    table *t = encoder->state;
    size_t blanks = width < c->width ? c->width - width : 0;
    t->blanks += c->right ? blanks : 0;
    put(encoder, text, size);
    t->blanks += c->right ? 0 : blanks;
    put(encoder, port, port_size);
    t->blanks += port_size < c->port ? c->port - port_size : 0;
    t->blanks += GAP;
}

static void end_line(flowan_encoder *encoder)
{
    table *t = encoder->state;
    t->blanks = 0;
    fl_buffer_byte(&encoder->out, '\n');
}

static bool put_head(flowan_encoder *encoder, const flowan_batch *batch,
                     const flowan_selection *selection)
{
    table *t = encoder->state;
    if (!choose(encoder, batch, selection))
        return false;
    fit(encoder);
    for (size_t i = 0; i < t->count; i++) {
        const column *c = &t->columns[i];
        if (!c->shown)
            continue;
        fl_buffer *text = &t->cell.text;
        fl_buffer_clear(text);
        fl_screen_put(text, c->heading, strlen(c->heading));
        if (text->failed)
            return false;
        put_column(encoder, c, text->data, text->size,
                   fl_screen_width(text->data, text->size), ":port",
                   c->port ? strlen(":port") : 0);
    }
    end_line(encoder);
    return true;
}

static void put_row(flowan_encoder *encoder, size_t row)
{
    table *t = encoder->state;
    fl_encode_cell *cell = &t->cell;
    const fl_encode_piece *pieces = fl_encode_rows_pieces(encoder, row);
    encoder->out.failed |= !pieces;
    for (size_t i = 0; pieces && i < t->count; i++) {
        const column *c = &t->columns[i];
        if (!c->shown)
            continue;
        fl_encode_cell_make(cell, encoder, &c->source, pieces, row, c->width);
        encoder->out.failed |= cell->text.failed;
        put_column(encoder, c, cell->text.data, cell->text.size, cell->width,
                   cell->port, cell->port_size);
    }
    end_line(encoder);
}

const fl_encode_format fl_encode_table = {
    .fields = fields,
    .field_count = FIELDS,
    .plan = plan_row,
    .quote = FL_ENCODE_QUOTE_NONE,
    .open = open_table,
    .close = close_table,
    .head = put_head,
    .row = put_row,
};
