/* A CA of clients in a new directory. */
#ifndef TESTS_UNIT_TLS_AUTHORITY_H
#define TESTS_UNIT_TLS_AUTHORITY_H

#include "fixture.h"
#include "support/pki.h"

#define DAY 86400L

extern char folder[64];
extern struct pki *pki;

/* Make and remove the CA, for a suite. Its certificate is in ca.pem. */
void authority_begin(void);
void authority_end(void);

/* Gives T the CAs of the file CA, and the lists of the file CRL (NULL: no
 * lists); FROM has the other options. The complaints call the files the-ca.pem
 * and the-crl.pem. Returns the result of tls_context_clients(). */
int use_files(struct tls_context *t, struct tls_clients from, const char *ca,
              const char *crl, struct complaint *c);

/* Writes the contents of FILES, "a.pem b.pem", to one file. */
void join_files(const char *into, const char *files);

#endif
