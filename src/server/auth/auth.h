/* The state of the process auth. */
#ifndef SALLYPORT_SRC_AUTH_AUTH_H
#define SALLYPORT_SRC_AUTH_AUTH_H

#include "sallyport/base/random.h"
#include "sallyport/domain/limits.h"
#include "sallyport/event/event.h"
#include "sallyport/hash/hash.h"
#include "sallyport/ipc/channel.h"
#include "sallyport/process/frame.h"
#include "sallyport/proof/proof.h"
#include "sallyport/users/users.h"

struct auth;

/* A login that auth verifies. The session has sent the name and the password
 * into the channel. */
struct pending {
    struct auth *auth;
    struct channel channel;
    struct address peer;          /* the client's address, for the log; master
                                   * sends it */
    char user[USER_NAME_MAX + 1]; /* the user who changes the password; "": a
                                   * login */
    uint64_t cost;                /* cost of the new hash */
    char hash[HASH_MAX];          /* the new hash; "": none */
    struct msg_verdict verdict;   /* at first no */
};

/* The users who have a hash, as points on a circle, sorted by the keyed hash of
 * the name. */
struct circle {
    struct point {
        uint64_t at;
        const char *hash; /* the hash of the password; it lies in the text of
                           * the users' table */
    } *point;
    size_t count;
};

struct auth {
    struct frame frame;            /* the first member */
    struct users users;            /* only the newest table */
    struct circle circle;          /* the circle of `users` */
    uint8_t name_key[SIPHASH_KEY]; /* key of the hashes of names and rows */
    struct proof_servers servers;  /* gate's certificates */
};

extern const struct frame_row auth_row;

/* Takes FD, the table of users, and closes it. Returns 0 or -errno with the
 * complaint. */
int auth_take_users(struct auth *a, int fd, struct complaint *c);

/* Handles master's question: takes the channel of a session, and answers with a
 * verdict. OWNER: the struct auth. */
int auth_on_verify(void *owner, struct msg_verify *m);

/* The facts of a login, as a session reports them. An attacker who controls the
 * session can send anything; auth verifies only PROOF (sallyport/proof). */
struct attempt {
    struct slice name;
    struct secret *password;    /* judge() cuts a one-time code off it */
    struct slice claims, proof; /* from the client's certificate; or empty */
    bool claims_cut;            /* CLAIMS aren't all */
    const uint8_t *name_key;    /* SIPHASH_KEY bytes */
    const struct circle *circle;
    uint64_t serial; /* from master, like PEER */
    const struct address *peer;
    int64_t now; /* seconds since 1970 */
    const struct proof_servers *servers;
    uint64_t step; /* judge() sets it: the step of the one-time code; 0: none */
    /* judge() sets it: the password without the code is the user's. */
    bool password_right;
    const struct user *user; /* judge() sets it: the row of the name, or NULL */
};

/* The result of a check. The reason of a failure goes to the log only: neither
 * master nor the session gets it. */
enum judgement {
    JUDGED_NO_OBJECTION, /* no check so far has an objection; as judge()'s
                          * result: the user may log in */
    JUDGED_UNKNOWN,
    JUDGED_LOCKED,
    JUDGED_EXPIRED,
    JUDGED_PASSWORD,
    JUDGED_NO_CERTIFICATE, /* the client has shown no certificate */
    JUDGED_CERTIFICATE,    /* the client's certificate isn't the user's, or the
                            * proof is wrong */
    JUDGED_CLAIMS_CUT,     /* none of the claims that fitted is the user's */
    JUDGED_NO_PROOF,  /* the client has shown a certificate, but the session has
                       * sent no proof */
    JUDGED_ELSEWHERE, /* networks= doesn't have the client's address */
    JUDGED_OUT_OF_HOURS,
    JUDGED_NO_HASH, /* no hash was computed, so the result isn't known */
    JUDGED_COUNT
};
/* Checks an attempt. A right and a wrong password, a locked, an expired and an
 * unknown user all cost the same work, and JUDGED_NO_HASH reveals nothing about
 * the name. A password longer than HASH_PASSWORD_MAX costs no work, whatever
 * the name. */
enum judgement judge(const struct users *u, struct attempt *a);

/* Makes the circle of the users of U who have a hash. Returns 0 or -ENOMEM. */
int circle_make(struct circle *c, const struct users *u,
                const uint8_t name_key[SIPHASH_KEY]);
void circle_release(struct circle *c);
/* Returns the hash that judge() verifies for an unknown NAME: a user's hash, or
 * NULL if no user has a hash. A name keeps its hash until the users or their
 * hashes change, and each user's hash stands for a random part of all names. So
 * the time of a login doesn't reveal whether the name exists. */
const char *judge_stand_in(const struct circle *c,
                           const uint8_t name_key[SIPHASH_KEY],
                           struct slice name);

/* Report events about P's session to log. report_no_verdict(): the session has
 * sent no valid password message; KIND is EVENT_PEER after a wrong message,
 * otherwise EVENT_LOGIN_FAILED. */
void report_no_verdict(const struct pending *p, enum event kind,
                       const char *why);
void report_failed_login(const struct pending *p, const struct attempt *attempt,
                         enum judgement why);

#endif
