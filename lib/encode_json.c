/* Normalised JSON: one object a line, of all that a record has or of chosen fields. */
#include "encode.h"
#include "quote.h"

static void put_member(fl_buffer *out, bool *first, const fl_value *value,
                       const flowan_batch *batch, size_t row)
{
    fl_buffer_byte(out, *first ? '{' : ',');
    *first = false;
    fl_quote_json(out, value->key, value->key_size);
    fl_buffer_byte(out, ':');
    fl_encode_value_put(out, batch, value, row, FL_ENCODE_JSON);
}

static void put_row(flowan_encoder *encoder, const flowan_batch *batch, size_t row)
{
    fl_buffer *out = &encoder->out;
    bool first = true;
    fl_value value;
    if (encoder->chosen) {
        for (size_t i = 0; i < encoder->field_count; i++)
            if (fl_encode_value_get(&encoder->fields[i], row, &value))
                put_member(out, &first, &value, batch, row);
    } else {
        size_t count;
        const fl_shape_field *shape =
            fl_batch_shape(batch, batch->shape_of_row[row], &count);
        for (size_t i = 0; i < count; i++) {
            if (!fl_kind_has_value(FL_SHAPE_KIND(shape[i])))
                continue;
            fl_column_value(batch->columns[FL_SHAPE_COLUMN(shape[i])], row,
                            FL_SHAPE_KIND(shape[i]), &value);
            put_member(out, &first, &value, batch, row);
        }
    }
    fl_buffer_text(out, first ? "{}\n" : "}\n");
}

const fl_encode_format fl_encode_json = {.row = put_row};
