/* The certificates that master sends one by one. A TLS context is made of them.
 */
#ifndef GATE_CHAINS_H
#define GATE_CHAINS_H

#include "sallyport/base/complain.h"
#include "sallyport/ipc/channel.h"
#include "sallyport/tls/client.h"
#include "sallyport/tls/context.h"

struct chains {
    struct tls_pair all[CERTIFICATES_MAX]; /* names and descriptors are owned */
    size_t count;
    struct tls_clients clients; /* the same; names NULL where nothing came */
};

void chains_init(struct chains *p);

/* The messages of the set-up. A staple belongs to a certificate that came
 * before. */
int chains_on_certificate(void *owner, struct msg_certificate *m);
int chains_on_staple(void *owner, struct msg_staple *m);
int chains_on_client_ca(void *owner, struct msg_client_ca *m);
int chains_on_client_crl(void *owner, struct msg_client_crl *m);
/* Makes a context of all certificates, and releases P. The context asks clients
 * for certificates as p->clients.mode says. Returns NULL with the complaint. */
struct tls_context *chains_context(struct chains *p,
                                   const struct tls_policy *policy,
                                   const struct signer *signer,
                                   struct complaint *c);
void chains_release(struct chains *p);

#endif
