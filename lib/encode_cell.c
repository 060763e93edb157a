/* What people read of a value: short where they lose nothing by it, and cut where the
 * layout needs it. Whoever wants every digit asks for CSV or JSON. */
#include "encode_cell.h"

#include <string.h>

#include "screen.h"
#include "sum.h"
#include "text.h"

enum { SI_FROM = 1000000, MS_BELOW = 100000 };

static const fl_encode_piece none;

static const fl_encode_piece *piece_of(const fl_encode_piece *pieces, int field)
{
    return field == FL_ENCODE_NONE ? &none : &pieces[field];
}

static bool is_number(const fl_encode_piece *p)
{
    return p->type == FLOWAN_TYPE_U32 || p->type == FLOWAN_TYPE_U64;
}

static void put_u64(fl_buffer *out, uint64_t number)
{
    char *room = fl_buffer_reserve(out, FL_TEXT_U64_SIZE);
    if (room)
        out->size += fl_text_put_u64(room, number);
}

/* --- texts --- */

static void put_text(fl_encode_cell *cell, flowan_encoder *encoder,
                     const fl_encode_piece *p, size_t row, size_t width)
{
    fl_buffer *raw = &cell->raw;
    fl_buffer_clear(raw);
    fl_encode_rows_cell(encoder, raw, p, row);
    cell->text.failed |= raw->failed;
    if (raw->size)
        fl_screen_put(&cell->text, raw->data, raw->size);
    cell->width = fl_screen_width(cell->text.data, cell->text.size);
    if (cell->width > width) {
        cell->text.size = fl_screen_cut(cell->text.data, cell->text.size, width - 1);
        fl_buffer_text(&cell->text, FL_SCREEN_ELLIPSIS);
        cell->width = fl_screen_width(cell->text.data, cell->text.size);
    }
}

/* --- numbers and times --- */

static void put_count(fl_encode_cell *cell, uint64_t number)
{
    if (number < SI_FROM) {
        put_u64(&cell->text, number);
        return;
    }
    char *room = fl_buffer_reserve(&cell->text, FL_SUM_DECIMAL_SIZE);
    if (room)
        cell->text.size += fl_sum_put_si(room, (flowan_sum){.low = number});
}

static void put_time(fl_encode_cell *cell, uint64_t ns, size_t width)
{
    char text[FL_TEXT_TIME_SIZE];
    size_t size = fl_text_put_time(text, ns) - 1; /* without the Z */
    if (size == FL_ENCODE_TIME_SECOND)
        text[size++] = '.';
    while (size < FL_ENCODE_TIME_MS)
        text[size++] = '0';
    size_t first = 0;
    size_t end = FL_ENCODE_TIME_SECOND;
    if (width >= FL_ENCODE_TIME_MS)
        end = FL_ENCODE_TIME_MS;
    else if (width < FL_ENCODE_TIME_SECOND)
        first =
            FL_ENCODE_TIME_SECOND -
            (width >= FL_ENCODE_TIME_MONTH ? FL_ENCODE_TIME_MONTH : FL_ENCODE_TIME_DAY);
    fl_buffer_append(&cell->text, text + first, end - first);
}

/* "2.437"; a span of days, which is a broken clock more often than a flow, without ms. */
static void put_duration(fl_encode_cell *cell, uint64_t start, uint64_t end)
{
    /* two's complement: with the sign bit turned over, times order as on the calendar */
    bool back = (end ^ UINT64_C(1) << 63) < (start ^ UINT64_C(1) << 63);
    uint64_t span = back ? start - end : end - start;
    cell->zero = span == 0;
    char text[1 + FL_TEXT_U64_SIZE + 8];
    char *at = text;
    if (back)
        *at++ = '-';
    at += fl_text_put_u64(at, span / FL_NS_PER_SECOND);
    if (span / FL_NS_PER_SECOND < MS_BELOW) {
        char digits[8];
        fl_text_put_digits(digits, (uint32_t)(span % FL_NS_PER_SECOND / FL_NS_PER_MS));
        *at++ = '.';
        memcpy(at, digits + 5, 3);
        at += 3;
    }
    fl_buffer_append(&cell->text, text, (size_t)(at - text));
}

/* --- addresses --- */

/* `bracket`: a port follows, which an IPv6 address must be told from (RFC 5952). */
static void put_address(fl_encode_cell *cell, const flowan_address *address,
                        bool bracket, size_t width)
{
    char text[FL_TEXT_ADDRESS_SIZE];
    size_t size = fl_text_put_address(text, address);
    size_t marks = bracket ? 2 : 0;
    cell->zero = fl_text_is_zero(address);
    cell->ipv6 = !fl_text_is_ipv4(address);
    if (!cell->ipv6) {
        fl_buffer_append(&cell->text, text, size);
        cell->width = size;
        return;
    }
    if (bracket)
        fl_buffer_byte(&cell->text, '[');
    cell->width = size + marks;
    if (cell->width > width && width > marks) {
        size_t kept = width - marks - 1;
        fl_buffer_append(&cell->text, text, (kept + 1) / 2);
        fl_buffer_text(&cell->text, FL_SCREEN_ELLIPSIS);
        fl_buffer_append(&cell->text, text + size - kept / 2, kept / 2);
        cell->width = width;
    } else {
        fl_buffer_append(&cell->text, text, size);
    }
    if (bracket)
        fl_buffer_byte(&cell->text, ']');
}

/* TCP, UDP, DCCP, SCTP and UDPLite; others have a port only where it is not 0. */
static bool has_ports(const fl_encode_piece *proto, size_t row)
{
    if (proto->type != FLOWAN_TYPE_ENUM)
        return false;
    uint64_t number = fl_encode_piece_number(proto, row);
    return number == 6 || number == 17 || number == 33 || number == 132 ||
           number == 136;
}

static void put_endpoint(fl_encode_cell *cell, const fl_encode_cell_source *source,
                         const fl_encode_piece *pieces, size_t row, size_t width)
{
    const fl_encode_piece *p = piece_of(pieces, source->field);
    const fl_encode_piece *port = piece_of(pieces, source->second);
    const fl_encode_piece *ipv6 = piece_of(pieces, source->ipv6);
    if (ipv6->type == FLOWAN_TYPE_ADDRESS &&
        (p->type != FLOWAN_TYPE_ADDRESS ||
         fl_text_is_zero(fl_encode_piece_address(p, row))))
        p = ipv6;
    if (p->type != FLOWAN_TYPE_ADDRESS)
        return;
    uint64_t number = is_number(port) ? fl_encode_piece_number(port, row) : 0;
    if (number ||
        (is_number(port) && has_ports(piece_of(pieces, source->proto), row))) {
        cell->port[0] = ':';
        cell->port_size = 1 + fl_text_put_u64(cell->port + 1, number);
    }
    cell->present = true;
    put_address(cell, fl_encode_piece_address(p, row), cell->port_size > 0, width);
}

/* --- */

void fl_encode_cell_make(fl_encode_cell *cell, flowan_encoder *encoder,
                         const fl_encode_cell_source *source,
                         const fl_encode_piece *pieces, size_t row, size_t width)
{
    const fl_encode_piece *p = piece_of(pieces, source->field);
    const fl_encode_piece *end = piece_of(pieces, source->second);
    flowan_type type = (flowan_type)p->type;
    fl_buffer_clear(&cell->text);
    cell->width = SIZE_MAX;
    cell->port_size = 0;
    cell->ipv6 = cell->zero = false;
    cell->present = p->type != 0;
    if (source->kind == FL_ENCODE_CELL_ENDPOINT) {
        cell->present = false;
        put_endpoint(cell, source, pieces, row, width);
    } else if (source->kind == FL_ENCODE_CELL_DURATION) {
        cell->present = type == FLOWAN_TYPE_TIME && end->type == FLOWAN_TYPE_TIME;
        if (cell->present)
            put_duration(cell, fl_encode_piece_number(p, row),
                         fl_encode_piece_number(end, row));
    } else if (source->kind == FL_ENCODE_CELL_TIME && type == FLOWAN_TYPE_TIME) {
        put_time(cell, fl_encode_piece_number(p, row), width);
    } else if (source->kind == FL_ENCODE_CELL_COUNT && is_number(p)) {
        put_count(cell, fl_encode_piece_number(p, row));
    } else if (type == FLOWAN_TYPE_ADDRESS) {
        put_address(cell, fl_encode_piece_address(p, row), false, width);
    } else if (is_number(p)) {
        put_u64(&cell->text, fl_encode_piece_number(p, row));
    } else if (cell->present) {
        put_text(cell, encoder, p, row, width);
        cell->present = cell->text.size > 0;
    }
    if (!cell->present) {
        fl_buffer_byte(&cell->text, '-');
        cell->width = 1;
    }
    if (cell->width == SIZE_MAX) /* all of it is ASCII */
        cell->width = cell->text.size;
}

void fl_encode_cell_free(fl_encode_cell *cell)
{
    fl_buffer_free(&cell->text);
    fl_buffer_free(&cell->raw);
}
