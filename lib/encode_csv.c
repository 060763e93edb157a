/* CSV (RFC 4180): a header line, then the chosen fields of each record. */
#include "encode.h"
#include "quote.h"

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

static void put_row(flowan_encoder *encoder, const flowan_batch *batch, size_t row)
{
    for (size_t i = 0; i < encoder->field_count; i++) {
        if (i)
            fl_buffer_byte(&encoder->out, ',');
        fl_encode_value_cell(encoder, i, batch, row);
        fl_quote_csv(&encoder->out, encoder->cell.data ? encoder->cell.data : "",
                     encoder->cell.size);
    }
    fl_buffer_text(&encoder->out, "\r\n");
}

const fl_encode_format fl_encode_csv = {.head = put_head, .row = put_row};
