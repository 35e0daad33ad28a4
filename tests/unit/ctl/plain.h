/* Runs lines of cases without a shell, which would cost several processes. */
#ifndef TEST_CTL_PLAIN_H
#define TEST_CTL_PLAIN_H

#include "sallyport/base/buf.h"

/* Runs LINE, as a shell does, if it has only plain words, "|", ";", "> FILE",
 * $PWD, and programs that the table in plain.c has. Adds its output to OUT and
 * ERR. Returns false, and has done nothing, if LINE needs a shell. */
bool plain_run(const char *line, const char *input, struct buf *out,
               struct buf *err, int *status);

#endif
