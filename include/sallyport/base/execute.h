/* Runs other programs without a shell. */
#ifndef SALLYPORT_BASE_EXECUTE_H
#define SALLYPORT_BASE_EXECUTE_H

#include <stdbool.h>
#include <stddef.h>

#define EXECUTE_OUTPUT_MAX (256 * 1024) /* bytes; enough for most programs */

/* Runs the program ARGV[0], an absolute path, for at most MS. OUT, SIZE bytes
 * with the NUL, gets the text of the program's standard output and, if ERRORS,
 * of its standard error. Returns the exit status; EX_UNAVAILABLE: the program
 * can't be executed; -EFBIG: it wrote too much, and OUT has the beginning; -1:
 * it couldn't be started, ran too long, or died of a signal. The program's
 * input is empty. It inherits no other descriptor, and dies with this process.
 */
int execute_program(const char *const argv[], int ms, bool errors, char *out,
                    size_t size);

#endif
