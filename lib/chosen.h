/* Layer 4: which rows of a block are to be read: what lies between those who choose
 * (pick.c) and those who read (decode.c). */
#ifndef FL_CHOSEN_H
#define FL_CHOSEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Classes stand one behind the other: class c has entries first[c] to first[c + 1] of
 * `places` and `out`. */
typedef struct fl_chosen {
    size_t count;
    bool whole;             /* all rows are */
    const uint32_t *rows;   /* in the block, ascending; NULL: all, or in any order */
    const uint32_t *first;  /* class_count + 1 */
    const uint32_t *places; /* among the class's rows, ascending; NULL: all */
    const uint32_t *out;    /* which of the chosen rows each is; NULL: as they stand */
} fl_chosen;

#endif
