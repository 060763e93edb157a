/* Layer 3: the condition behind what a test looks at:
 *
 *     condition = [ sign ] value | [ "not" ] "in" "[" value { [ "," ] value } "]" */
#ifndef FL_FILTER_CONDITION_H
#define FL_FILTER_CONDITION_H

#include "filter_values.h"

/* Takes a condition. The sets of *test, which is to be empty, are then settled; *inverse
 * says that the values meant are all others: fl_condition_turn_round. */
flowan_status fl_condition_take(fl_values_context *context, const fl_values *values,
                                fl_test *test, bool *inverse);

/* All values but those of the sets; false when memory is short. */
bool fl_condition_turn_round(const fl_values *values, fl_test *test);

#endif
