/* What the process auth holds. */
#ifndef SALLYPORT_SRC_AUTH_AUTH_H
#define SALLYPORT_SRC_AUTH_AUTH_H

#include "sallyport/base/loop.h"
#include "sallyport/base/secret.h"
#include "sallyport/base/siphash.h"
#include "sallyport/domain/limits.h"
#include "sallyport/event/event.h"
#include "sallyport/ipc/channel.h"
#include "sallyport/process/frame.h"
#include "sallyport/proof/proof.h"
#include "sallyport/users/users.h"

#define PENDING_MS 10000 /* for the name and password to come */

struct auth;

/* A pair to a session from which name and password are expected. */
struct pending {
    struct auth *auth;
    struct channel channel;
    struct loop_watch watch;
    struct loop_timer timer;
    uint64_t serial;
    struct address peer; /* of the session, by master's word: for the log */
    bool used;
};

struct auth {
    struct frame frame; /* the first member */
    struct users users; /* the newest only: what was asked before counts too */
    uint64_t generation;
    uint8_t name_key[SIPHASH_KEY]; /* of the hashes of names */
    struct proof_servers servers;  /* the certificates that clients are shown */
    struct pending pending[VERIFICATIONS_MAX];
};

extern const struct frame_row auth_row;

/* Takes FD. 0, or -EINVAL with the complaint. */
int auth_take_users(struct auth *a, int fd, uint64_t generation,
                    struct complaint *c);

/* FD leads to session SERIAL of the client PEER. Ends the process if master
 * asks too much. */
void pending_open(struct auth *a, int fd, uint64_t serial,
                  const struct address *peer);
void pending_release(struct auth *a);

/* What somebody shows who wants to log in, by the word of his session; PROOF is
 * more than its word (sallyport/proof). */
struct attempt {
    struct slice name;
    const struct secret *password;
    struct slice claims, proof; /* of a client certificate, or empty */
    const uint8_t *name_key;    /* SIPHASH_KEY bytes */
    uint64_t serial;            /* by master's word */
    const struct proof_servers *servers;
};

/* Is that enough, and if not, why? The reason is for the log alone: neither
 * master nor the session gets it. */
enum judgement {
    JUDGED_RIGHT,
    JUDGED_UNKNOWN,
    JUDGED_LOCKED,
    JUDGED_PASSWORD,
    JUDGED_NO_CERTIFICATE, /* none was shown */
    JUDGED_CERTIFICATE,    /* another one was */
    JUDGED_NO_PROOF,       /* one was, with nothing that proves it */
    JUDGED_COUNT
};
/* *row is the user's, 0 unless JUDGED_RIGHT. The work is the same for a right
 * and a wrong password, a locked user, and nobody. */
enum judgement judge(const struct users *u, const struct attempt *a,
                     size_t *row);

/* The hash that an unknown NAME is verified against, or NULL: that of one of
 * the users, always the same one for a name while the user is there, and each
 * user's as often. So what the work tells of a name's kind of hash says
 * nothing. */
const char *judge_stand_in(const struct users *u,
                           const uint8_t name_key[SIPHASH_KEY],
                           struct slice name);

/* Lines of the log about the session of P. */
void tell_wrong(const struct pending *p, const char *wrong);
void tell_failed_login(const struct pending *p, const struct attempt *attempt,
                       enum judgement why);

#endif
