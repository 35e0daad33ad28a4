/* Runs other programs without a shell. */
#ifndef SALLYPORT_BASE_EXECUTE_H
#define SALLYPORT_BASE_EXECUTE_H

#include <stdbool.h>
#include <stddef.h>

#define EXECUTE_OUTPUT_MAX (256 * 1024) /* bytes; enough for most programs */

/* Runs the program ARGV[0], an absolute path, for at most MS. Its standard
 * output and, with ERRORS, its standard error become a text in OUT, of SIZE
 * bytes. Returns the exit status; EX_UNAVAILABLE: it can't be executed; -1: it
 * ran too long or wrote too much, and OUT has the beginning. The program's
 * input is empty. It gets no other descriptor, and dies with this process. */
int execute_program(const char *const argv[], int ms, bool errors, char *out,
                    size_t size);

#endif
