/* A server that does one thing wrong, and a desk before it:
 * tests/system/peers/faulty_server.py. */
#ifndef TESTS_SYSTEM_FAULTY_H
#define TESTS_SYSTEM_FAULTY_H

#include <sys/types.h>

#include "desk.h"
#include "support/pki.h"

struct faulty {
    struct desk desk;
    struct pki *pki;
    pid_t pid;
};

/* CERTIFICATE: "good", "late" or "other". */
void faulty_begin(struct faulty *f, const char *fault, const char *certificate);
void faulty_end(struct faulty *f);
/* How many of the commands that the server got begin with WORD? */
size_t faulty_count(const char *word);

#endif
