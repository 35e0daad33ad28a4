/* The command doctor tests a server from outside. It changes nothing on the
 * server. */
#ifndef CLIENT_DOCTOR_H
#define CLIENT_DOCTOR_H

#include "link/link.h"
#include "options/options.h"
#include "sallyport/base/random.h"
#include "show/show.h"

enum trial_result {
    FINDING_GOOD,
    FINDING_NOTE,    /* good to know */
    FINDING_WARNING, /* some clients will have trouble */
    FINDING_BAD,     /* insecure, or doesn't work */
    FINDING_COUNT,
};

#define DOCTOR_LINES 128
#define DOCTOR_LINE  128

struct doctor {
    const struct options *options;
    struct url url;
    struct secret password;
    bool unasked; /* the user is asked for the password before the login */
    struct proxy proxy;
    SSL_CTX *ctx;
    SSL_SESSION *session; /* the newest one from the server; owned */
    struct dial control;  /* logged in, after the check "login" */
    bool unreachable;     /* or turned away: no other check makes sense */
    bool handshake; /* the check of the certificate made one, without ALPN */
    bool logged_in;
    bool trusted;                  /* a CA or a pin confirms the server */
    char pin[CERTIFICATE_PIN_MAX]; /* of the certificate that was checked */
    char feature[DOCTOR_LINES][DOCTOR_LINE]; /* lines of FEAT */
    size_t features;
    size_t found[FINDING_COUNT];
};

struct doctor_check {
    const char *name;
    bool needs_login;
    void (*run)(struct doctor *d);
};
extern const struct doctor_check doctor_checks[];
extern const size_t doctor_check_count;

/* In doctor.c. */
void doctor_check_protection(struct doctor *d);
/* In tls.c. */
void doctor_check_versions(struct doctor *d);
void doctor_check_certificate(struct doctor *d);
void doctor_check_alpn(struct doctor *d);

/* Prints one finding of the check under way: a sentence, and what to do (or
 * NULL). */
void doctor_find(struct doctor *d, enum trial_result what, const char *advice,
                 const char *format, ...) __attribute__((format(printf, 4, 5)));

/* The result of a passive data connection. */
struct doctor_data {
    int reply;    /* the final reply, or the one that refused */
    bool resumed; /* the handshake resumed the session */
    bool whole;   /* it ended with close_notify */
    size_t bytes;
    char text[DIAL_LINE_MAX]; /* text of the reply */
};
/* Returns the command that lists a directory at this server. */
const char *doctor_list(const struct doctor *d);
/* Opens a data connection for a listing, with or without the newest TLS
 * session. Returns 0, or -1 with the reason: there was no data connection. */
int doctor_data(struct doctor *d, bool resume, struct doctor_data *ret,
                struct failure *why);
/* Logs in on a new control connection, if the server shows the certificate that
 * was checked. Returns 0 or -1. */
int doctor_login(struct doctor *d, struct dial *control, struct failure *why);
/* Returns the rest of the FEAT line that begins with WORD, or NULL: there is
 * none. */
const char *doctor_feature(const struct doctor *d, const char *word);

#endif
