/* A small CA of clients for a test: what it issues lies as PEM files in one
 * directory. Whatever fails, fails the test. */
#ifndef TESTS_SUPPORT_PKI_H
#define TESTS_SUPPORT_PKI_H

#include <stdbool.h>
#include <time.h>

struct pki;

enum pki_kind { PKI_EC, PKI_RSA, PKI_ED25519 };

struct pki_leaf {
    const char *name;    /* of its files: NAME.pem, NAME.key */
    const char *subject; /* its CN; NULL: its name */
    const char *names;   /* "email:a@example.org,DNS:a.example"; NULL: none */
    long from, to;       /* seconds from now; both 0: a day each way */
    enum pki_kind kind;
    bool server; /* good for servers only */
};

/* Writes FOLDER/NAME.pem and NAME.key; the CA's own name is NAME too. */
struct pki *pki_new(const char *folder, const char *name);
/* A CA of the same directory that P has issued. */
struct pki *pki_below(struct pki *p, const char *name);
/* One that is there: a test is another process than the hooks. */
struct pki *pki_open(const char *folder, const char *name);
void pki_free(struct pki *p);
/* One in a directory of its own, whose path FOLDER gets; and the end of both.
 */
struct pki *pki_begin(char folder[64], const char *name);
void pki_end(struct pki *p);
/* Of this CA. */
void pki_issue(struct pki *p, const struct pki_leaf *l);
/* A list of all the leaves of these names (a NULL ends them), that was made a
 * day ago and is good for so many SECONDS from now. */
void pki_list(struct pki *p, const char *file, long seconds, ...)
    __attribute__((sentinel));
struct pki_crl {
    const char *file;
    time_t now;        /* 0: when it is made */
    long from, to;     /* seconds from now */
    const char *gone;  /* a leaf that it revokes; NULL: none */
    const char *scope; /* "onlyuser:TRUE", as openssl(1) has it; NULL: all */
    long number;       /* 0: none */
    bool delta;        /* of changes only */
};
void pki_list_as(struct pki *p, const struct pki_crl *l);
/* The path of a file of the directory, in a buffer of four that take turns. */
const char *pki_path(const struct pki *p, const char *file);
/* The SHA-256 of FOLDER/NAME.pem, in hexadecimal digits, in the same. */
const char *pki_fingerprint(const struct pki *p, const char *name);

#endif
