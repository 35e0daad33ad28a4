/* The certificates and keys as files: what is opened, and handed to gate and
 * keys. One set is in use; an older one is kept while a session lives that was
 * forked with it. */
#ifndef SALLYPORT_SRC_MASTER_CERTIFICATES_H
#define SALLYPORT_SRC_MASTER_CERTIFICATES_H

#include <stdbool.h>
#include <sys/queue.h>

#include "sallyport/base/complaint.h"
#include "sallyport/conf/settings.h"

struct child;
struct msg_pair_is;
struct master;

/* Sets at a time. A session can be old; so many reloads while it lives, and one
 * more is refused. */
#define CERTIFICATES_SETS 8

/* What a file was when it was opened: by it a change shows, also one of the
 * very file that is open still. All 0: no file. */
struct file_stamp {
    uint64_t device, inode, size;
    uint64_t modified, changed, opened; /* ns since 1970 */
};

struct pair_files {
    int certificate, key, staple; /* descriptors; no staple: -1 */
    struct file_stamp stamp[3];   /* theirs */
    char *certificate_name, *key_name, *staple_name; /* for complaints */
    uint64_t number;                /* of the key; never used again */
    uint64_t expires, staple_until; /* seconds since 1970, gate's word; 0 */
    bool in_use; /* gate has taken this certificate, which may expire then */
};

/* What clients' certificates are judged by; -1 and NULL where there is none. */
struct named_file {
    int fd;
    char *name; /* for complaints */
    struct file_stamp stamp;
    bool in_use; /* as above, and at the start: who comes without still can */
};

struct pair_set {
    struct pair_files pair[CERTIFICATES_MAX];
    size_t count;
    struct named_file client_ca, client_crl;
    uint64_t generation;
    size_t sessions; /* that were forked with it */
    bool dead;       /* keys is still to be told */
    LIST_ENTRY(pair_set) next;
};

struct certificates {
    LIST_HEAD(, pair_set) sets;
    struct pair_set *current;
    size_t count;
    uint64_t generation, number; /* the last ones that were given */
};

/* Opens all pairs of the settings; nobody else may be able to read a key. NULL
 * with the complaint. An OCSP response that can't be opened is an event, and a
 * mistake only for --check. */
struct pair_set *certificates_open(struct master *m, const struct settings *s,
                                   struct complaint *c);
/* SET, just opened, or the one in use if SET has the very same files: then SET
 * is gone. A file that is in use is marked so in SET. NULL with the complaint:
 * there are too many sets. */
struct pair_set *certificates_settle(struct certificates *all,
                                     struct pair_set *set, struct complaint *c);
/* The supervisor keeps the files of the current one for a recovery. */
void certificates_keep(struct master *m);
void certificates_release(struct certificates *all);

/* From now on it is in use; the one before goes as soon as it can. */
void certificates_use(struct master *m, struct pair_set *set);
/* Nobody needs it. */
void certificates_drop(struct master *m, struct pair_set *set);
/* A session was forked with the current one, and has ended. SET may be NULL. */
struct pair_set *certificates_enter(struct master *m);
void certificates_leave(struct master *m, struct pair_set *set);
/* Tells keys what is to go, as far as it takes it. Harmless at any time. */
void certificates_flush(struct master *m);

/* What gate gets of a set: chains, OCSP responses and what clients'
 * certificates are judged by, in so many parts. */
size_t certificates_parts(const struct pair_set *set);
/* One message, or none: 0 or what channel_send() says. */
int certificates_send_part(struct child *gate, const struct pair_set *set,
                           size_t part);
int certificates_send_key(struct child *keys, const struct pair_files *p);

/* Steps of a child's set-up: 0, -EAGAIN or -errno. */
int certificates_step(struct child *c); /* chains and the clients', to gate */
int certificates_step_keys(struct child *c);
/* To auth, that knows by them what was shown to a client: chains. */
int certificates_step_auth(struct child *c);
/* The same for each worker that hasn't heard of those in use. */
void certificates_tell_auth(struct child *auth);

/* Handler: what gate knows of a pair. */
int certificates_on_pair(void *owner, struct msg_pair_is *msg);

#endif
