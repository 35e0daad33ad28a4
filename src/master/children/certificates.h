/* The certificates and keys as files, in master: what is opened, judged by its
 * owner and mode, and handed to gate, keys and auth. Master never reads a byte
 * of them. */
#ifndef SALLYPORT_SRC_MASTER_CHILDREN_CERTIFICATES_H
#define SALLYPORT_SRC_MASTER_CHILDREN_CERTIFICATES_H

#include <stdbool.h>

#include "sallyport/settings/settings.h"

struct child;
struct msg_pair_is;
struct master;

struct named_file {
    int fd;           /* -1: none */
    const char *name; /* of the settings; for complaints */
    bool in_use;      /* the generation before had it: it may have expired
                       * meanwhile */
};

struct pair_files {
    struct named_file certificate, key, staple;
    uint64_t number;                /* of the key */
    uint64_t expires, staple_until; /* seconds since 1970, gate's word; 0 */
};

struct certificates {
    struct pair_files pair[CERTIFICATES_MAX];
    size_t count;
    /* What clients' certificates are judged by. In use also at the first start:
     * a client without a certificate can come in still. */
    struct named_file client_ca, client_crl;
};

void certificates_init(struct certificates *set);
/* Opens all pairs of the settings; nobody else may be able to read a key. 0, or
 * -EINVAL with the complaint. An OCSP response that can't be opened is an
 * event, and a mistake only for --check. */
int certificates_open(struct master *m, struct complaint *c);
/* The supervisor keeps the files for the next generation. */
void certificates_keep(struct master *m);
void certificates_release(struct certificates *set);

/* Steps of a child's set-up: 0, -EAGAIN or -errno. */
int certificates_step(struct child *gate); /* chains, and the clients' files */
int certificates_step_keys(struct child *keys);
/* Auth knows by the chains what was shown to a client. */
int certificates_step_auth(struct child *auth);

/* Handler: what gate knows of a pair. */
int certificates_on_pair(void *owner, struct msg_pair_is *msg);

#endif
