/* Layer 4: rows between the same two ends. Exporters tell both directions of a
 * conversation one behind the other, long flows again and again, and sampled packets of
 * one flow a record each. Where a good part of a block is like that, a row says how far
 * back the last one of its conversation stands, and addresses, ports and what hangs on
 * them are stored once a conversation. */
#ifndef FL_TALKS_H
#define FL_TALKS_H

#include "cells.h"

typedef enum fl_talk {
    FL_TALK_NONE = 0,  /* the only row between its ends */
    FL_TALK_FORTH = 1, /* in the direction of the conversation's first row */
    FL_TALK_BACK = 2
} fl_talk;

typedef struct fl_talks {
    uint8_t *talk_of_row; /* fl_talk; NULL: the block has too few conversations */
    uint32_t *of_row;     /* number of the conversation, where the row has one */
    size_t count;
} fl_talks;

/* False when memory is short; fl_talks_free in any case. */
bool fl_talks_find(fl_talks *talks, const fl_slice *slice);
void fl_talks_free(fl_talks *talks);

#endif
