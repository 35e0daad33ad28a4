/* Starts tests/system/peers/faulty_server.py, a server that does one thing
 * wrong, with a desk for its client. */
#ifndef TESTS_SYSTEM_FAULTY_H
#define TESTS_SYSTEM_FAULTY_H

#include <sys/types.h>

#include "desk.h"

struct faulty {
    struct desk desk;
    pid_t pid;
};

/* Before the tests: makes the certificates, and starts the program. */
void faulty_prepare(void);
/* Starts the server; CERTIFICATE is "good", "late" or "other". Beside the CA
 * are also user.pem and user.key, of a client. */
void faulty_begin(struct faulty *f, const char *fault, const char *certificate);
void faulty_end(struct faulty *f);
/* Starts tests/system/peers/proxy.py, and writes "SCHEME://" USER "HOST:PORT"
 * to URL. Returns the proxy's pid. */
pid_t faulty_proxy(const char *fault, const char *scheme, const char *user,
                   char url[64]);
void faulty_proxy_end(pid_t pid);
/* Counts the commands that the server has received and that begin with WORD. */
size_t faulty_count(const char *word);

#endif
