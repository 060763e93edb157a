#include "sides.h"

#include <string.h>

#include "text.h"

void fl_sides_init(fl_sides *s, const flowan_batch *batch)
{
    s->src_addr = fl_batch_known(batch, FLOWAN_FIELD_SRC_ADDR);
    s->src_port = fl_batch_known(batch, FLOWAN_FIELD_SRC_PORT);
    s->dst_addr = fl_batch_known(batch, FLOWAN_FIELD_DST_ADDR);
    s->dst_port = fl_batch_known(batch, FLOWAN_FIELD_DST_PORT);
    s->nat_src[0] = fl_batch_known(batch, FLOWAN_FIELD_POST_NAT_SRC_IPV4_ADDRESS);
    s->nat_src[1] = fl_batch_known(batch, FLOWAN_FIELD_POST_NAT_SRC_IPV6_ADDRESS);
    s->nat_dst[0] = fl_batch_known(batch, FLOWAN_FIELD_POST_NAT_DST_IPV4_ADDRESS);
    s->nat_dst[1] = fl_batch_known(batch, FLOWAN_FIELD_POST_NAT_DST_IPV6_ADDRESS);
    s->napt_src = fl_batch_known(batch, FLOWAN_FIELD_POST_NAPT_SRC_TRANSPORT_PORT);
    s->napt_dst = fl_batch_known(batch, FLOWAN_FIELD_POST_NAPT_DST_TRANSPORT_PORT);
}

/* A column may have room for fewer rows than the batch has: the rest lacks it. */
static bool has(const fl_column *column, size_t row)
{
    return column && row < column->room && fl_column_present(column, row);
}

static const flowan_address *address_of(const fl_column *column, size_t row)
{
    return has(column, row) ? (const flowan_address *)column->cells + row : NULL;
}

static const uint32_t *port_of(const fl_column *column, size_t row)
{
    return has(column, row) ? (const uint32_t *)column->cells + row : NULL;
}

/* Exporters without a translation of that family or side send zeros. */
static const flowan_address *translated(const fl_column *column, size_t row)
{
    const flowan_address *address = address_of(column, row);
    return address && !fl_text_is_zero(address) ? address : NULL;
}

static bool differ(const flowan_address *a, const flowan_address *b)
{
    return !a || !b || memcmp(a, b, sizeof *a) != 0;
}

size_t fl_sides_of(const fl_sides *s, size_t row, fl_side out[FL_SIDES_MAX])
{
    const flowan_address *src = address_of(s->src_addr, row);
    const flowan_address *dst = address_of(s->dst_addr, row);
    const flowan_address *before = NULL;
    size_t count = 0;
    for (size_t i = 0; i < 2; i++) {
        const flowan_address *public = translated(s->nat_src[i], row);
        if (!public || !differ(public, src) || (before && !differ(public, before)))
            continue;
        out[count++] = (fl_side){.public_address = public,
                                 .public_port = port_of(s->napt_src, row),
                                 .local_address = src,
                                 .local_port = port_of(s->src_port, row),
                                 .remote_address = dst,
                                 .remote_port = port_of(s->dst_port, row),
                                 .is_source = true};
        before = public;
    }
    const flowan_address *local = translated(s->nat_dst[0], row);
    if (!local)
        local = translated(s->nat_dst[1], row);
    if (local && dst && differ(local, dst))
        out[count++] = (fl_side){.public_address = dst,
                                 .public_port = port_of(s->dst_port, row),
                                 .local_address = local,
                                 .local_port = port_of(s->napt_dst, row),
                                 .remote_address = src,
                                 .remote_port = port_of(s->src_port, row)};
    return count;
}
