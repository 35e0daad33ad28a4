/* Clients' certificates: whose are good, and what one says of its owner. */
#ifndef SALLYPORT_TLS_CLIENT_H
#define SALLYPORT_TLS_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sallyport/base/buf.h"
#include "sallyport/base/complaint.h"
#include "sallyport/domain/client_certificates.h"

struct stream;
struct tls_context;

struct tls_clients {
    enum client_certificates mode;
    int ca_fd, crl_fd;          /* PEM; stay the caller's; crl_fd -1: no list */
    const char *ca, *crl;       /* their names, for complaints */
    bool ca_in_use, crl_in_use; /* already: may have expired since */
};

/* From now on control channels ask for a certificate, and take none that isn't
 * of one of these CAs, valid now, for a client, and not revoked. 0, or -EINVAL
 * with the complaint: unreadable, nothing in it, expired, a list that is of
 * none of the CAs. What expires later lets nobody in either, and nor does it
 * in a file that is in use already: that one isn't refused for it. */
int tls_context_clients(struct tls_context *t, const struct tls_clients *from,
                        struct complaint *c);

/* When a CA or a list in one of these files expires. */
struct tls_clients_date {
    const char *name; /* of the file; the context's */
    bool lists;       /* of revoked certificates; else of CAs */
    int number;       /* of the list or the CA in the file, from 1 */
    /* Seconds since 1970; when to speak of it: from 30 days before, of a list
     * from the last quarter of its life on if that is later. */
    int64_t expires, warn;
};
/* Of I, CAs first; false: there are no more. */
bool tls_context_clients_date(const struct tls_context *t, size_t i,
                              struct tls_clients_date *ret);
/* Behind a fork: what the client's signature will be for (sallyport/proof). */
void tls_context_serial(struct tls_context *t, uint64_t serial);

/* More than this of either isn't told: they go to auth in one message. */
#define CLIENT_CLAIMS_MAX 1024u
#define CLIENT_PROOF_MAX  9500u
/* Clients are told the names of the CAs, which so are a part of their proof; so
 * many bytes leave room for the rest of it: post-quantum shares of keys (2.5
 * KiB), two RSA chains. If there are more, clients are told none, and choose
 * without. */
#define CLIENT_NAMES_MAX 2048u

/* What the verified certificate of a control channel says, a line each:
 * "sha256:HEX", "subject:CN=…" (RFC 4514, a space as \20), "email:…", "dns:…",
 * "uri:…". Nothing without a certificate. 0 or -ENOMEM. */
int stream_claims(const struct stream *s, struct buf *into);
/* All messages of a TLS 1.3 handshake in which the client has shown one, and
 * proved it; else, or if they are too long, empty. Valid until the stream is
 * freed or the proof forgotten. */
struct slice stream_proof(const struct stream *s);
/* Why there is one or not, until it is forgotten. */
enum client_proof {
    CLIENT_PROOF_NONE, /* no certificate was shown */
    CLIENT_PROOF_KEPT,
    CLIENT_PROOF_OLD,  /* TLS 1.2, where there can't be one */
    CLIENT_PROOF_LONG, /* longer than CLIENT_PROOF_MAX */
    CLIENT_PROOF_COUNT
};
enum client_proof stream_proof_state(const struct stream *s);
void stream_forget_proof(struct stream *s);

/* Of a data channel, after its handshake: has its client shown, or does the TLS
 * session that it resumed hold, the certificate of the control channel? True
 * where that one had none. */
bool stream_same_client(const struct stream *s);

#endif
