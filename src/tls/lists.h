/* Revocation lists of clients' CAs. */
#ifndef SALLYPORT_SRC_TLS_LISTS_H
#define SALLYPORT_SRC_TLS_LISTS_H

#include <openssl/x509.h>

#include "context_inside.h"
#include "sallyport/tls/client.h"

/* Those of FROM's file into the store, and when they end: 0, or -EINVAL with
 * the complaint. */
int lists_read(X509_STORE *store, STACK_OF(X509) * cas,
               const struct tls_clients *from, struct dated_file *dates,
               struct complaint *c);

#endif
