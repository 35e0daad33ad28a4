/* The certificates and keys as files, in master: it opens them, checks their
 * owner and mode, and passes them to gate, keys and auth. Master never reads a
 * byte of them. */
#ifndef SALLYPORT_SRC_MASTER_CHILDREN_CERTIFICATES_H
#define SALLYPORT_SRC_MASTER_CHILDREN_CERTIFICATES_H

#include <stdbool.h>

#include "sallyport/settings/settings.h"

struct child;
struct msg_pair_is;
struct master;

struct named_file {
    int fd;              /* -1: there is none */
    const char *name;    /* from the settings, for complaints */
    bool in_use;         /* an older generation used it, so it may have expired
                            meanwhile */
    const char *missing; /* more words if it is missing, or NULL */
};

struct pair_files {
    struct named_file certificate, key, staple;
    uint64_t number; /* of the private key */
    uint64_t expires,
        staple_until; /* seconds since 1970, as gate reports them; 0: not yet */
};

struct certificates {
    struct pair_files pair[CERTIFICATES_MAX];
    size_t count;
    /* The files for the check of clients' certificates. in_use is also set at
     * the first start: clients without a certificate can still come in. */
    struct named_file client_ca, client_crl;
};

void certificates_init(struct certificates *set);
/* Opens all pairs of the settings; no other user may be able to read a key.
 * Returns 0, or -EINVAL with the complaint. An OCSP response that can't be
 * opened is an event, and a mistake only for --check. */
int certificates_open(struct master *m, struct complaint *c);
/* Asks the supervisor to keep the files for the next generation. */
void certificates_keep(struct master *m);
void certificates_release(struct certificates *set);

/* Steps of a child's set-up. See child_step. */
int certificates_step(
    struct child *gate); /* chains, and the files for clients' certificates */
int certificates_step_keys(struct child *keys);
/* Sends the chains: by them auth recognises the server in a client's proof. */
int certificates_step_auth(struct child *auth);

/* Handler: gate reports the dates of a pair. */
int certificates_on_pair_is(void *owner, struct msg_pair_is *msg);

#endif
