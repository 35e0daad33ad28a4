/* Runs sallyportctl, or "sallyportd --check", beside a server. */
#ifndef TESTS_SYSTEM_CTL_H
#define TESTS_SYSTEM_CTL_H

#include "support/run.h"
#include "support/server.h"

/* Splits TEXT at its blanks, and runs sallyportctl with these words. If
 * sallyportctl asks for a password, it gets SERVER_PASSWORD. Its exit status
 * must be STATUS, and SAID must be in its output. */
void ctl(const struct server *server, int status, const char *text,
         const char *said);
/* Starts sallyportctl; the caller calls run_finish(). */
void ctl_start(const struct server *server, const char *text,
               struct running *ret);
/* Runs "sallyportd --check" in the same way. */
void ctl_check(const struct server *server, int status, const char *said);
/* Makes scripts "sallyportctl" and "sallyportd" that use this server's
 * configuration, and puts their directory first into PATH. */
void ctl_on_path(const struct server *server);

#endif
