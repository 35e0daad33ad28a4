/* The command doctor tests a server from outside, and changes nothing on it. */
#ifndef CLIENT_DOCTOR_H
#define CLIENT_DOCTOR_H

#include "link/link.h"
#include "options/options.h"
#include "show/show.h"

enum trial_result {
    FINDING_GOOD,
    FINDING_NOTE,    /* good to know */
    FINDING_WARNING, /* some clients will have trouble */
    FINDING_BAD,     /* insecure, or doesn't work */
    FINDING_COUNT,
};

struct doctor {
    const struct options *options;
    struct site site; /* the site, which trusts the certificate that was
                       * checked */
    struct link link; /* logged in, after the check "login" */
    bool unasked;     /* the user must be asked for the password before the
                       * login */
    bool unreachable; /* unreachable, or refused: no other check makes sense */
    bool logged_in;
    bool trusted;        /* a CA or a pin confirms the server */
    bool transfers;      /* a data connection has worked */
    char features[8192]; /* the reply to FEAT */
    size_t found[FINDING_COUNT];
};

struct doctor_check {
    const char *name;
    bool needs_login;
    void (*run)(struct doctor *d);
};
extern const struct doctor_check doctor_checks[];
extern const size_t doctor_check_count;

/* Prints one finding of the check under way: a sentence, and what to do (or
 * NULL). */
void doctor_find(struct doctor *d, enum trial_result what, const char *advice,
                 const char *format, ...) __attribute__((format(printf, 4, 5)));

#endif
