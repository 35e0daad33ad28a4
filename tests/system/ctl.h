/* Runs sallyportctl, or a --check, beside a server. */
#ifndef TESTS_SYSTEM_CTL_H
#define TESTS_SYSTEM_CTL_H

#include "support/run.h"
#include "support/server.h"

/* Runs sallyportctl with the words of TEXT, which blanks separate; a password
 * that it asks for is SERVER_PASSWORD. Its exit status must be STATUS, and SAID
 * must be in its output. */
void ctl(const struct server *server, int status, const char *text,
         const char *said);
/* Starts it; the caller calls run_finish(). */
void ctl_start(const struct server *server, const char *text,
               struct running *ret);
/* Runs "sallyportd --check" in the same way. */
void ctl_check(const struct server *server, int status, const char *said);
/* Makes a sallyportctl and a sallyportd for this server's configuration, and
 * puts them first into PATH: for scripts that run them. */
void ctl_on_path(const struct server *server);

#endif
