/* A failure: what went wrong, whether a retry can help, and what to do. Each
 * layer of the client fills in this record and passes it up. */
#ifndef CLIENT_FAIL_H
#define CLIENT_FAIL_H

#include <stdbool.h>

#define FAILURE_TEXT 1024

struct failure {
    int code;  /* of sysexits.h; 0: nothing failed */
    bool cut;  /* a retry may succeed: the connection was cut, or the server was
                  busy */
    int reply; /* the server's last reply, or 0 */
    char text[FAILURE_TEXT];
};

/* Fills WHY in, with a text that is safe for a terminal. Returns -1. */
int fail(struct failure *why, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Does the same for an errno: "NAME: No such file or directory"; NAME may be
 * "". */
int fail_errno(struct failure *why, int error, const char *name);

/* Fills WHY in from a CURLcode, the server's last reply (0: none) with its
 * text, and libcurl's own message. Returns -1. */
int fail_curl(struct failure *why, int curl, int reply, const char *text,
              const char *detail);

#endif
