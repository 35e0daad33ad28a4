/* Certificates that master sends one by one, until a context is made
 * of them. */
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

/* A MSG_certificate: takes its descriptor. 0, or -EINVAL with the complaint. */
int chains_add(struct chains *p, struct msg_certificate *from,
               struct complaint *c);
/* A MSG_staple about one of them: the same. */
int chains_add_staple(struct chains *p, struct msg_staple *from,
                      struct complaint *c);
/* The CAs of clients' certificates, and their revocation lists: the same. */
int chains_add_ca(struct chains *p, struct msg_client_ca *from,
                  struct complaint *c);
int chains_add_crl(struct chains *p, struct msg_client_crl *from,
                   struct complaint *c);
/* All of them as a context that asks clients for certificates as
 * p->clients.mode says, or NULL with the complaint; releases them. */
struct tls_context *chains_context(struct chains *p,
                                   const struct tls_policy *policy,
                                   const struct signer *signer,
                                   struct complaint *c);
void chains_release(struct chains *p);

#endif
