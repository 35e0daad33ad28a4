/* Clients' certificates: which ones the server accepts, and what a certificate
 * says about its owner. */
#ifndef SALLYPORT_TLS_CLIENT_H
#define SALLYPORT_TLS_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sallyport/base/buf.h"
#include "sallyport/base/complain.h"
#include "sallyport/domain/client_certificates.h"

struct stream;
struct tls_context;

struct tls_clients {
    enum client_certificates mode;
    int ca_fd, crl_fd;    /* PEM; the caller closes them; crl_fd -1: none */
    const char *ca, *crl; /* file names, for complaints */
    /* The file is in use already; it may have expired since. */
    bool ca_in_use, crl_in_use;
};

/* From now on control channels ask for a certificate. They accept only one that
 * these CAs issued for a client, that is valid now, and that isn't revoked.
 * Returns 0, or -EINVAL with the complaint: a file is unreadable, empty or
 * expired, or none of the CAs signed a list. A file that is in use already
 * isn't refused because it has expired; but an expired CA or list lets nobody
 * in. */
int tls_context_clients(struct tls_context *t, const struct tls_clients *from,
                        struct complaint *c);

/* When a CA certificate or a revocation list expires. */
struct tls_clients_date {
    const char *name; /* the file; the text is the context's */
    bool lists;       /* a revocation list; else a CA certificate */
    int number;       /* the position in the file, from 1 */
    /* Seconds since 1970. A warning is due from WARN on, 30 days before the
     * end; for a list not before the last quarter of its life. */
    int64_t expires, warn;
};
/* Writes date number I, counted from 0, CAs first. Returns false if there are
 * no more. */
bool tls_context_clients_date(const struct tls_context *t, size_t i,
                              struct tls_clients_date *ret);
/* Call it after the fork: SERIAL is the session's number, which the client's
 * signature will contain (sallyport/proof). */
void tls_context_serial(struct tls_context *t, uint64_t serial);

/* Limits in bytes: session sends claims and proof to auth in one message. */
#define CLIENT_CLAIMS_MAX 1024u
#define CLIENT_PROOF_MAX  9500u
/* A request for a certificate lists the CAs' names, and so they are a part of
 * the client's proof. This limit in bytes leaves room for the rest of the
 * proof: post-quantum key shares (2.5 KiB) and two RSA chains. If the names are
 * longer, the request lists none, and the client chooses without them. */
#define CLIENT_NAMES_MAX 2048u

/* Appends the claims of a control channel's verified certificate, one in a
 * line: "sha256:HEX", "subject:CN=…" (RFC 4514, with a space as \20),
 * "email:…", "dns:…", "uri:…". Appends nothing if the client has shown no
 * certificate. Returns 0 or -ENOMEM. */
int stream_claims(const struct stream *s, struct buf *into);
/* Returns all messages of the handshake, if it was TLS 1.3 and the client has
 * shown a certificate and proved that it has the key. Otherwise, or if the
 * messages are longer than CLIENT_PROOF_MAX, returns an empty slice. The bytes
 * are the stream's, valid until stream_forget_proof() or stream_free(). */
struct slice stream_proof(const struct stream *s);
/* Frees the proof, after the login. */
void stream_forget_proof(struct stream *s);

/* For a data channel after its handshake: does it belong to the owner of the
 * control channel's certificate? Returns true if the client has shown the same
 * certificate, or if the TLS session that it resumed holds it. Also returns
 * true if the control channel had no certificate. */
bool stream_same_client(const struct stream *s);

#endif
