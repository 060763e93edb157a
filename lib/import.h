/* Layer 6: an import with batches of a size to be chosen, for tests. */
#ifndef FL_IMPORT_H
#define FL_IMPORT_H

#include "flowan/import.h"

/* As flowan_import_log; `batch_options` may be NULL. */
flowan_status fl_import_run(flowan_archiver *archiver, const char *path,
                            const flowan_import_options *options,
                            const flowan_batch_options *batch_options,
                            flowan_import_result *result, flowan_error *error);

#endif
