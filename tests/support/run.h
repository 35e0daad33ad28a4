/* Runs a program to its end, and keeps its output. */
#ifndef TESTS_SUPPORT_RUN_H
#define TESTS_SUPPORT_RUN_H

#include <stddef.h>

struct run_result {
    int status; /* exit status, or 128 + the signal that killed the program */
    char *text; /* standard output and error, NUL-terminated */
    size_t len;
};

/* Runs the program PATH. NULL ends its arguments. INPUT, its standard input,
 * may be NULL. Fails the test if the program doesn't end within four minutes,
 * which is far more than any program needs. */
void run(struct run_result *ret, const char *input, const char *path, ...)
    __attribute__((sentinel));
void run_arguments(struct run_result *ret, const char *input,
                   char *const arguments[]);
/* run_start() starts a program, and run_finish() waits for its end, so that
 * several programs can run at once. */
struct running {
    int pid, out;
    const char *path;
};
void run_start(struct running *ret, const char *input, char *const arguments[]);
void run_finish(struct running *r, struct run_result *ret);
void run_release(struct run_result *r);

#endif
