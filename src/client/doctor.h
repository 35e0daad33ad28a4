/* sallyport doctor: tests a server from outside. It changes nothing on the
 * server. */
#ifndef CLIENT_DOCTOR_H
#define CLIENT_DOCTOR_H

#include "certificate.h"
#include "dial.h"
#include "options.h"
#include "sallyport/base/secret.h"

enum finding {
    FINDING_GOOD,
    FINDING_NOTE,    /* worth knowing */
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
    SSL_CTX *ctx;
    SSL_SESSION *session; /* the newest that the server gave; owned */
    struct dial control;  /* logged in, after the check "login" */
    bool logged_in;
    bool trusted;                  /* a CA or a pin vouches for the server */
    char pin[CERTIFICATE_PIN_MAX]; /* of the certificate that was judged */
    char feature[DOCTOR_LINES][DOCTOR_LINE]; /* of FEAT */
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

/* That of doctor_data.c. */
void doctor_check_protection(struct doctor *d);
/* Those of doctor_tls.c. */
void doctor_check_versions(struct doctor *d);
void doctor_check_certificate(struct doctor *d);
void doctor_check_alpn(struct doctor *d);
/* And of doctor_parallel.c. */
void doctor_check_parallel(struct doctor *d);

/* Prints one finding: of the check that runs, in a sentence, with what to do
 * (or NULL). */
void doctor_find(struct doctor *d, enum finding what, const char *advice,
                 const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Opens a passive data connection for COMMAND (which must send something), with
 * or without the newest TLS session. */
struct doctor_data {
    int reply;    /* the final one, or the one that refused */
    bool resumed; /* the handshake resumed the session */
    bool whole;   /* it ended with close_notify */
    bool tls;     /* the handshake succeeded */
    size_t bytes;
    char text[DIAL_LINE_MAX]; /* of the reply */
};
/* 0 or -1: no data connection could be made, with the reason. */
int doctor_data(struct doctor *d, const char *command, bool resume,
                struct doctor_data *ret, struct failure *why);
/* Logs in on a control connection of its own, if the server shows the
 * certificate that was judged: 0 or -1. */
int doctor_login(struct doctor *d, struct dial *control, struct failure *why);
/* Has FEAT a line that begins with WORD? The rest of that line, or NULL. */
const char *doctor_feature(const struct doctor *d, const char *word);

#endif
