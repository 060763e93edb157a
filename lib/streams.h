/* Layer 4: the numbers that classes of rows draw from, one stream behind the other. A
 * stream is filled class by class; then the cheapest way to store it is chosen by
 * counting, and it is stored. */
#ifndef FL_STREAMS_H
#define FL_STREAMS_H

#include "hash.h"
#include "layout.h"
#include "tables.h"

/* What a class took from a stream. */
typedef struct fl_stream_use {
    uint32_t class;
    uint32_t first; /* number of the stream */
    uint32_t count;
    uint32_t other; /* OFFSET: where in `others` the other cell's numbers begin */
} fl_stream_use;

typedef struct fl_stream {
    fl_layout_stream info;
    int64_t key;  /* the stream on whose numbers this one's may hang, or -1 */
    bool offsets; /* … by a distance from them, or as `others` */
    bool is_key;
    bool talks; /* numbers are conversations; `others` how far back each row's last is, in
                   order of rows */
    bool talk_steps; /* numbers may be told by those of their conversation before */
    bool times;      /* numbers may be told by steps */
    bool addresses;  /* numbers of which many come again and again */
    uint64_t *numbers;
    size_t count;
    size_t room;
    uint64_t *others;
    size_t other_count;
    size_t others_room;
    fl_stream_use *uses; /* in order of classes */
    size_t use_count;
    size_t uses_room;
    bool ranked;
    fl_ranks ranks;
    uint64_t *table; /* KEYED and OFFSET: per rank of the key */
} fl_stream;

typedef struct fl_streams {
    fl_stream *list;
    size_t count;
    size_t room;
    fl_hash names;
    bool pack_only;
    const uint32_t *class_rows; /* rows of the block in order of classes, borrowed … */
    const uint32_t *first_row;  /* … and where each class's begin */
    size_t rows;
} fl_streams;

enum { FL_STREAMS_MAX = 65535 };

/* What a stream is for: streams of one name are one. */
typedef struct fl_stream_name {
    uint32_t what;
    uint32_t cell;
    uint32_t slot;
    uint32_t key;   /* number of the stream it hangs on, + 1 */
    uint32_t group; /* of classes */
} fl_stream_name;

/* Number of the stream, which is made when new; -1 when memory is short or there are too
 * many. */
int64_t fl_streams_find(fl_streams *streams, const fl_stream_name *name);

/* Appends what a class takes. `others` may be NULL. Classes come in ascending order, each
 * once a stream. */
bool fl_stream_add(fl_stream *stream, size_t class, const uint64_t *numbers,
                   const uint64_t *others, size_t count);

/* Settles how each stream is stored. False when memory is short. */
bool fl_streams_settle(fl_streams *streams);

/* Appends the stored form of a stream. */
void fl_stream_put(const fl_streams *streams, size_t number, fl_integers *integers,
                   fl_buffer *out);

void fl_streams_free(fl_streams *streams);

#endif
