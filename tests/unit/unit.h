/* What every unit test file ends with: a main that runs its one suite. */
#ifndef FL_UNIT_H
#define FL_UNIT_H

#include <check.h>
#include <stdlib.h>

#define FL_UNIT_MAIN(suite_of)                                                         \
    int main(void)                                                                     \
    {                                                                                  \
        SRunner *runner = srunner_create(suite_of());                                  \
        srunner_run_all(runner, CK_ENV);                                               \
        int failed = srunner_ntests_failed(runner);                                    \
        srunner_free(runner);                                                          \
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;                                   \
    }

#endif
