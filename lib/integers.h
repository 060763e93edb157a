/* Layer 3: an array of numbers to stored bytes and back (doc/format.md, "Numbers").
 *
 * The array is cut into segments of numbers that are like each other; each is packed to a
 * fixed width, or as tokens: the magnitude of a number as a byte, which zstd takes, and its
 * other bits. Which of the two is settled by counting, not by trying. */
#ifndef FL_INTEGERS_H
#define FL_INTEGERS_H

#include "codec.h"
#include "pool.h"

/* Memory that is used again; zero-initialised is empty. */
typedef struct fl_integers {
    fl_codec *codec; /* the caller's */
    bool pack_only;  /* no tokens: for speed */
    fl_pool *pool;   /* of what is read; NULL: none */
    bool no_memory;  /* set when something could not be read for want of it: that is no
                        damage */
    fl_buffer tokens;
} fl_integers;

void fl_integers_free(fl_integers *integers);

/* Appends `count` numbers. `cuts` (NULL: none) are the ends of pieces that are like
 * each other, ascending, the last of them `count`: segments end only there. */
void fl_integers_put(fl_integers *integers, fl_buffer *out, const uint64_t *values,
                     size_t count, const uint32_t *cuts, size_t cut_count);

/* About so many bits would `put` take for the numbers as one piece. */
uint64_t fl_integers_cost(const uint64_t *values, size_t count, bool pack_only);

/* Fills `count` numbers. False when they are not what is stored there, or memory is short. FL_BITS_PADDING
 * bytes must be readable behind the cursor's end. */
bool fl_integers_get(fl_integers *integers, fl_cursor *in, uint64_t *values,
                     size_t count);

/* Likewise, of numbers that fit 16 bits: false when one does not. */
bool fl_integers_get_narrow(fl_integers *integers, fl_cursor *in, uint16_t *values,
                            size_t count);

/* Places of an array, from `first` to before `end`. */
typedef struct fl_piece {
    size_t first;
    size_t end;
} fl_piece;

/* As fl_integers_get, but fills only pieces of the array, which ascend and do not overlap; other
 * places stay as they are. The cursor is left at its end, and what stands there behind the
 * last piece is not looked at. */
bool fl_integers_get_pieces(fl_integers *integers, fl_cursor *in, uint64_t *values,
                            size_t count, const fl_piece *pieces, size_t piece_count);

#endif
