/* Clients that make transfers of every kind until they are stopped. Each has a
 * user of its own, knows what each of its files must hold, and compares the
 * disk after each reply: a confirmed file is there and whole, and an upload
 * that wasn't confirmed has changed nothing. */
#ifndef TESTS_SYSTEM_SOAK_H
#define TESTS_SYSTEM_SOAK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "support/server.h"

#define SOAK_CLIENTS 5
#define SOAK_NAMES   5
#define SOAK_MAX     (1u << 20) /* bytes in a file */

/* The users of the server: one per client. */
extern const struct server_user soak_users[SOAK_CLIENTS];

struct soak_file {
    bool exists;
    size_t len;
    unsigned char bytes[SOAK_MAX];
};

/* The effect of a command that is under way. If the server is killed meanwhile,
 * all of it has happened, or nothing. */
enum soak_change { SOAK_NOTHING, SOAK_REPLACED, SOAK_REMOVED, SOAK_RENAMED };

enum soak_step {
    SOAK_STORE,  /* STOR */
    SOAK_APPEND, /* APPE onto a finished file */
    SOAK_RESUME, /* STOR that is cut, SIZE, then APPE or REST and STOR */
    SOAK_FETCH,  /* RETR, or REST and RETR */
    SOAK_LIST,   /* MLSD */
    SOAK_REMOVE, /* DELE */
    SOAK_RENAME, /* RNFR and RNTO */
    SOAK_RESET,  /* STOR that a reset cuts, and the session's end */
    SOAK_LEAVE,  /* STOR that ends with close_notify before all announced bytes
                    are sent, and the session's end without QUIT */
    SOAK_STEPS
};

struct soak_client {
    struct soak_file file[SOAK_NAMES];
    struct soak_file next; /* the new content of a file */
    enum soak_change change;
    unsigned at, to; /* the files that are being changed */
    uint64_t random;
    uint64_t transfers[SOAK_STEPS]; /* finished as intended */
    uint64_t sessions, cut;         /* cut: by a disturbance */
    uint64_t stored;                /* uploads that had their 226 */
    volatile bool rests;
};

/* The test and its clients share this memory. */
struct soak_score {
    volatile bool stop, pause;
    volatile unsigned disturbed; /* odd: a process has been killed, and the
                                    service isn't back yet */
    volatile unsigned port;      /* the server's port; it may start again */
    volatile pid_t server;
    struct soak_client client[SOAK_CLIENTS];
};

struct soak {
    const struct server *server;
    struct soak_score *score;
    unsigned char *noise; /* 2 * SOAK_MAX bytes */
    pid_t pid[SOAK_CLIENTS];
};

void soak_start(struct soak *s, const struct server *server, uint64_t seed);
/* Fails the test if a client has ended. */
void soak_check(const struct soak *s);
uint64_t soak_transfers(const struct soak *s);
uint64_t soak_stored(const struct soak *s);
/* soak_pause() waits until no client has a session; soak_resume() lets the
 * clients go on. */
void soak_pause(struct soak *s);
void soak_resume(struct soak *s);
/* Call soak_disturb() before a process is killed, and soak_calm() after the
 * service is back. Between the two calls a session may be cut; at other times a
 * cut is a failure. */
void soak_disturb(struct soak *s);
void soak_calm(struct soak *s);
/* Lets each client finish its session, and prints the numbers of all
 * clients. */
void soak_stop(struct soak *s);

#endif
