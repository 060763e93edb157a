/* Normalised JSON: one object a line, of all that a record has or of chosen fields. */
#include "encode.h"
#include "quote.h"

/* `first` is whether the object has no member yet. */
static bool put_member(flowan_encoder *encoder, bool *first, fl_column *column)
{
    fl_buffer *text = &encoder->rows.text;
    fl_buffer_byte(text, *first ? '{' : ',');
    fl_quote_json(text, column->name, column->name_size);
    fl_buffer_byte(text, ':');
    *first = false;
    return fl_encode_rows_value(encoder, column);
}

static bool plan_row(flowan_encoder *encoder, const fl_shape_field *shape, size_t count)
{
    bool first = true;
    for (size_t i = 0; encoder->chosen && i < encoder->field_count; i++) {
        fl_column *column = fl_encode_rows_find(encoder, i);
        if (column && !put_member(encoder, &first, column))
            return false;
    }
    fl_column **columns = encoder->rows.batch->columns;
    for (size_t i = 0; !encoder->chosen && i < count; i++)
        if (fl_kind_has_value(FL_SHAPE_KIND(shape[i])) &&
            !put_member(encoder, &first, columns[FL_SHAPE_COLUMN(shape[i])]))
            return false;
    fl_buffer_text(&encoder->rows.text, first ? "{}\n" : "}\n");
    return true;
}

const fl_encode_format fl_encode_json = {
    .plan = plan_row, .quote = FL_ENCODE_QUOTE_JSON, .row = fl_encode_rows_put};
