/* Runs a client that is struck at one system call: by a signal, an error of the
 * disk, or the end of its patience. */
#ifndef TESTS_SYSTEM_STRIKE_H
#define TESTS_SYSTEM_STRIKE_H

#include "support/run.h"

enum strike_kind {
    STRIKE_INTERRUPT, /* Ctrl-C */
    STRIKE_TERMINATE,
    STRIKE_KILL,
    STRIKE_READ, /* read() of the file fails with EIO */
    STRIKE_TIME, /* each timeout expires at once */
    STRIKES
};
extern const char *const strike_names[STRIKES];

/* Makes the file STRIKE_SHARED; preload/client.c reads its numbers. */
#define STRIKE_SHARED "strike.shared"
volatile int *strike_shared(void);
/* Runs the program in ARGUMENTS with the library PRELOAD. Counts its system
 * calls after it has opened FILE, and strikes before call number AT (from 1; 0:
 * never). Returns their number. */
long strike_run(enum strike_kind kind, long at, const char *file,
                const char *preload, char *const arguments[],
                struct run_result *ret);

#endif
