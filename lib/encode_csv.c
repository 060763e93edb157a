/* CSV (RFC 4180): a header line, then the chosen fields of each record. */
#include "encode.h"
#include "quote.h"

static bool plan_row(flowan_encoder *encoder, const fl_shape_field *shape, size_t count)
{
    (void)shape;
    (void)count;
    for (size_t i = 0; i < encoder->field_count; i++) {
        if (i)
            fl_buffer_byte(&encoder->rows.text, ',');
        fl_column *column = fl_encode_rows_find(encoder, i);
        if (column && !fl_encode_rows_value(encoder, column))
            return false;
    }
    fl_buffer_text(&encoder->rows.text, "\r\n");
    return true;
}

static bool put_head(flowan_encoder *encoder, const flowan_batch *batch,
                     const flowan_selection *selection)
{
    (void)batch;
    (void)selection;
    for (size_t i = 0; i < encoder->field_count; i++) {
        if (i)
            fl_buffer_byte(&encoder->out, ',');
        fl_quote_csv(&encoder->out, encoder->fields[i].name,
                     encoder->fields[i].name_size);
    }
    fl_buffer_text(&encoder->out, "\r\n");
    return true;
}

const fl_encode_format fl_encode_csv = {.plan = plan_row,
                                        .quote = FL_ENCODE_QUOTE_CSV,
                                        .head = put_head,
                                        .row = fl_encode_rows_put};
