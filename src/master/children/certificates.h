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

struct pair_files {
    int certificate, key, staple; /* descriptors; no staple: -1 */
    char *certificate_name, *key_name, *staple_name; /* for complaints */
    uint64_t number;                                 /* of the key */
    uint64_t expires, staple_until; /* seconds since 1970, gate's word; 0 */
    bool in_use; /* the generation before had this certificate, which may
                  * have expired meanwhile */
};

/* What clients' certificates are judged by; -1 and NULL where there is none. */
struct named_file {
    int fd;
    char *name;  /* for complaints */
    bool in_use; /* as above, and at the first start: a client without a
                  * certificate can come in still */
};

struct certificates {
    struct pair_files pair[CERTIFICATES_MAX];
    size_t count;
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
