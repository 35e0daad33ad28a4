/* A small CA of clients for a test; its certificates and lists are PEM files in
 * one directory. Any failure fails the test. */
#ifndef TESTS_SUPPORT_PKI_H
#define TESTS_SUPPORT_PKI_H

#include <stdbool.h>
#include <time.h>

struct pki;

enum pki_kind { PKI_EC, PKI_RSA, PKI_ED25519 };

struct pki_leaf {
    const char *name;    /* of the files NAME.pem and NAME.key */
    const char *subject; /* its CN; NULL: its name */
    const char *names;   /* "email:a@example.org,DNS:a.example"; NULL: none */
    long from,
        to; /* seconds from now; both 0: one day before to one day after */
    enum pki_kind kind;
    long serial; /* 0: a random one */
    bool server; /* only valid for servers */
};

/* Makes a CA and writes FOLDER/NAME.pem and NAME.key; NAME is also its own
 * name. */
struct pki *pki_new(const char *folder, const char *name);
/* Makes a CA in the same directory, issued by P. */
struct pki *pki_below(struct pki *p, const char *name);
/* Opens an existing CA: a test runs in another process than the hooks. */
struct pki *pki_open(const char *folder, const char *name);
void pki_free(struct pki *p);
/* Makes a CA in a new directory, and writes its path to FOLDER; the second
 * function removes both. */
struct pki *pki_begin(char folder[64], const char *name);
void pki_end(struct pki *p);
/* Issues a certificate of this CA. */
void pki_issue(struct pki *p, const struct pki_leaf *l);
/* Writes a revocation list with all leaves of these names (NULL ends them). It
 * was issued a day ago and is valid for SECONDS from now. */
void pki_list(struct pki *p, const char *file, long seconds, ...)
    __attribute__((sentinel));
struct pki_crl {
    const char *file;
    time_t now;       /* the time of the list; 0: now */
    long from, to;    /* seconds from now */
    const char *gone; /* a leaf on the list; NULL: none */
    const char
        *scope;  /* "onlyuser:TRUE", in the form of openssl(1); NULL: all */
    long number; /* 0: none */
    bool delta;  /* a list of changes only */
};
void pki_list_as(struct pki *p, const struct pki_crl *l);
/* Returns the path of a file in the directory. Four buffers take turns. */
const char *pki_path(const struct pki *p, const char *file);
/* Returns the SHA-256 of FOLDER/NAME.pem in hexadecimal digits, in the same
 * buffers. */
const char *pki_fingerprint(const struct pki *p, const char *name);

#endif
