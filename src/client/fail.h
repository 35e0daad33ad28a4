/* What went wrong, whether trying again can help, and what to do: one record
 * that every layer of the client fills in and passes up. */
#ifndef CLIENT_FAIL_H
#define CLIENT_FAIL_H

#include <stdbool.h>

#define FAILURE_TEXT 1024

struct failure {
    int code;  /* of sysexits.h; 0: nothing failed */
    bool cut;  /* a retry may succeed: the connection was cut, the server was
                  busy */
    int reply; /* the server's last reply, or 0 */
    char text[FAILURE_TEXT];
};

/* Fills it in, safe for a terminal; returns -1. */
int fail(struct failure *why, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same for an errno: "NAME: No such file or directory"; NAME may be "". */
int fail_errno(struct failure *why, int error, const char *name);

/* From a CURLcode, the server's last reply (0: none) with its text, and what
 * libcurl says besides. Returns -1. */
int fail_curl(struct failure *why, int curl, int reply, const char *text,
              const char *detail);

#endif
