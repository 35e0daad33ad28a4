/* Revocation lists of the CAs that issue clients' certificates. */
#ifndef SALLYPORT_SRC_TLS_CRL_H
#define SALLYPORT_SRC_TLS_CRL_H

#include <openssl/x509.h>

#include "context_inside.h"
#include "sallyport/tls/client.h"

/* Reads the lists of FROM's file into STORE, and notes when they expire.
 * Returns 0, or -EINVAL with the complaint. */
int crl_read(X509_STORE *store, STACK_OF(X509) * cas,
             const struct tls_clients *from, struct dated_file *dates,
             struct complaint *c);

#endif
