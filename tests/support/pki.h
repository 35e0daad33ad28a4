/* Makes a small CA for a test, which issues certificates of clients. Its
 * certificates and revocation lists are PEM files in one directory. If a call
 * fails, the test fails. */
#ifndef TESTS_SUPPORT_PKI_H
#define TESTS_SUPPORT_PKI_H

#include <stdbool.h>
#include <time.h>

struct pki;

enum pki_kind { PKI_EC, PKI_RSA, PKI_ED25519 };

struct pki_leaf {
    const char *name;    /* of the files NAME.pem and NAME.key */
    const char *subject; /* the certificate's CN; NULL: NAME */
    const char *names;   /* "email:a@example.org,DNS:a.example"; NULL: none */
    long from,
        to; /* seconds from now; both 0: one day before to one day after */
    enum pki_kind kind;
    long serial; /* 0: a random one */
    bool server; /* valid for servers only */
};

/* Makes a CA, and writes FOLDER/NAME.pem and FOLDER/NAME.key. NAME is also the
 * CN of the CA. */
struct pki *pki_new(const char *folder, const char *name);
/* Makes a CA in P's directory. P issues its certificate. */
struct pki *pki_below(struct pki *p, const char *name);
/* Opens a CA that exists. A test needs this if a hook has made the CA, since
 * hooks run in another process. */
struct pki *pki_open(const char *folder, const char *name);
void pki_free(struct pki *p);
/* pki_begin() makes a CA in a new directory, and writes the directory's path to
 * FOLDER. pki_end() frees the CA and removes its directory. */
struct pki *pki_begin(char folder[64], const char *name);
void pki_end(struct pki *p);
/* Issues a certificate of this CA. */
void pki_issue(struct pki *p, const struct pki_leaf *l);
/* Writes a revocation list with all leaves of these names (NULL ends them). The
 * list was issued a day ago, and is valid for SECONDS from now. */
void pki_list(struct pki *p, const char *file, long seconds, ...)
    __attribute__((sentinel));
struct pki_crl {
    const char *file;
    time_t now;    /* the time from which FROM and TO count; 0: the present */
    long from, to; /* last and next update: seconds from NOW */
    const char *gone;  /* the leaf that it revokes; NULL: none */
    const char *scope; /* "onlyuser:TRUE", as openssl(1) writes a scope; NULL:
                          all certificates */
    long number;       /* 0: none */
    bool delta;        /* a list of changes only */
};
void pki_list_as(struct pki *p, const struct pki_crl *l);
/* Returns the path of a file in the CA's directory, in one of four buffers that
 * take turns. */
const char *pki_path(const struct pki *p, const char *file);
/* Returns the SHA-256 fingerprint of FOLDER/NAME.pem in hexadecimal digits, in
 * one of the same four buffers. */
const char *pki_fingerprint(const struct pki *p, const char *name);

#endif
