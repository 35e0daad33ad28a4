/* A CA of clients in a new directory. */
#ifndef TESTS_UNIT_TLS_AUTHORITY_H
#define TESTS_UNIT_TLS_AUTHORITY_H

#include "fixture.h"
#include "support/pki.h"

#define DAY 86400L

extern char folder[64];
extern struct pki *pki;

/* For a suite: the CA is in ca.pem. */
void authority_begin(void);
void authority_end(void);

/* Gives T the CAs and the lists (NULL: none) in these files; FROM has the rest.
 * The complaints call them the-ca.pem and the-crl.pem. Returns the result of
 * tls_context_clients(). */
int use_files(struct tls_context *t, struct tls_clients from, const char *ca,
              const char *crl, struct complaint *c);

/* Writes one file with the contents of FILES: "a.pem b.pem". */
void join_files(const char *into, const char *files);

#endif
