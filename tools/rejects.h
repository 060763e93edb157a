/* Where an import notes what is no flow record: one JSON object a line, with the log, the
 * place in it, the reason, and the bytes in base64. */
#ifndef REJECTS_H
#define REJECTS_H

#include <flowan/flowan.h>

typedef struct rejects rejects;

/* `path` NULL: a file for each log in ARCHIVE/rejects/; a reject that is noted there
 * already, because an interrupted import is taken up, is not noted again. NULL when
 * memory is short. Files are made when the first reject comes. */
rejects *rejects_new(const char *archive, const char *path);
void rejects_free(rejects *rejects);

flowan_status rejects_write(rejects *rejects, const flowan_log_state *log,
                            const flowan_reject *reject, flowan_error *error);

#endif
