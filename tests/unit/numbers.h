/* What the tests of stored numbers share: both ways to store them, numbers without a rule,
 * and stored bytes as readers want them. */
#ifndef FL_TEST_NUMBERS_H
#define FL_TEST_NUMBERS_H

#include "bits.h"
#include "integers.h"
#include "unit.h"

static fl_integers both[2];

static inline void set_up(void)
{
    for (size_t i = 0; i < 2; i++) {
        both[i].codec = fl_codec_new(1);
        both[i].pack_only = i == 1;
        ck_assert_ptr_nonnull(both[i].codec);
    }
}

static inline void tear_down(void)
{
    for (size_t i = 0; i < 2; i++) {
        fl_integers_free(&both[i]);
        fl_codec_free(both[i].codec);
    }
}

static uint64_t random_state = 1;

static inline uint64_t random_number(void)
{
    random_state = random_state * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (random_state ^ random_state >> 32) * UINT64_C(0x9E3779B97F4A7C15);
}

/* With the padding that readers want. */
static inline fl_cursor cursor_of(fl_buffer *stored)
{
    ck_assert(!stored->failed);
    char *room = fl_buffer_reserve(stored, FL_BITS_PADDING);
    memset(room, 0, FL_BITS_PADDING);
    return (fl_cursor){(const unsigned char *)stored->data, stored->size, false};
}

#endif
