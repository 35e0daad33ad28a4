/* The real master in a fork; the test plays all other processes. Each process
 * that master starts is an actor, and the test has its main channel. */
#ifndef TESTS_UNIT_MASTER_STAGE_H
#define TESTS_UNIT_MASTER_STAGE_H

#include "master/start/start.h"
#include "sallyport/domain/choices.h"
#include "sallyport/domain/rights.h"
#include "sallyport/files/files.h"
#include "support/messages.h"
#include "support/test.h"

#define STAGE_WAIT_MS 20000
#define STAGE_USERS   3 /* anna, bert, and carl, who is locked */

/* The facts of an actor's start, which its process sends to the test. */
struct stage_note {
    pid_t pid;
    char binary[16]; /* "files" for a fork of files */
    char name[USER_NAME_MAX + 1];
    char home[256];
    uint64_t serial;
    unsigned rights;
    char mounts[512];   /* "AT PATH GID RIGHTS MODE MODE\n" of each, and the
                           home's */
    bool sees_users;    /* the fork still had the users in memory */
    bool sees_sessions; /* it still had the table of sessions */
    bool sees_keys;     /* it still had master's keys */
    uint8_t name_key[SIPHASH_KEY]; /* its own */
    bool given[SETUP_PLACES];      /* the descriptors of its set-up */
};

struct actor {
    struct stage_note note;
    struct channel channel; /* to master */
    int session, log;       /* the other ends of files */
    int beat;               /* the page where gate or keys counts */
};

struct player { /* a session */
    uint64_t serial;
    pid_t pid; /* a child of master, which lives as long as the rope */
    int rope;
    struct channel channel;
    int log, keys;
    uint32_t request;
    uint64_t version; /* of the row that it has logged in with */
};

struct stage {
    char folder[64];
    pid_t master;
    int control;
    struct actor gate, auth, keys, log;
    struct channel events; /* master's own events, as log would get them */
    struct users users;    /* those that auth has */
    uint8_t row_key[SIPHASH_KEY];
    int births; /* to the process that bears sessions */
};
extern struct stage stage;

/* For a test's usual session, its process files, and the last message that the
 * test looks at. */
extern struct player anna;
extern struct actor ours;
extern struct message heard;

/* Before stage_open() or stage_raise(): the board that master will have. Its
 * generation has the number 0, and the first row. */
struct board *stage_board(void);
/* Starts master and plays its children up to READY of all. ADJUST may change
 * settings and deadlines; NULL: the usual ones of tests. */
void stage_open(void (*adjust)(struct master *m));
/* Only starts master: the test plays the set-up. */
void stage_raise(void (*adjust)(struct master *m));
/* Sends SIGTERM: master must end with status 0, and without a leak. */
void stage_close(void);
/* Master ends by itself: it retires, and nothing is left to do. */
void stage_ends(void);
/* Master must have ended by itself with STATUS. */
void stage_ended(int status);
/* Master still serves: a new session logs in and leaves. */
void stage_serves(void);

/* Receives the next process that master starts, which must be BINARY. */
void actor_enter(struct actor *a, const char *binary);
/* Receives log, keys and auth, which master starts first. */
void actors_enter(void);
/* All get ready; gate is started once keys is. */
void actors_ready(void);
/* Sends READY; auth gets its users then. */
void actor_ready(struct actor *a);
/* Plays the restart of an actor up to READY; closes the old one's end. */
void actor_again(struct actor *a);
/* Kills the process. */
void actor_die(struct actor *a);
/* Ends the process with status 0. */
void actor_finish(struct actor *a);
/* The process reports this, and ends with EX_SOFTWARE. */
void actor_is_of_another_build(struct actor *a);
/* The process closes its channel and stays alive. */
void actor_leave(struct actor *a);
/* Receives the next message, which must be M. */
void actor_hear(struct actor *a, enum message_kind m, struct message *p);
/* Sends raw bytes and descriptors, without any check. */
void channel_shout(struct channel *c, const void *bytes, size_t len,
                   const int *fd, size_t fds);
/* The other end of C must close. */
void channel_hear_end(struct channel *c);

/* Begins a session with an address of its own. */
void player_enter(struct player *p, uint64_t serial);
void player_enter_from(struct player *p, uint64_t serial,
                       const struct address *peer);
/* The same; gate names the process PID, and the player has none. */
void player_enter_as(struct player *p, uint64_t serial, pid_t pid);
void player_leave(struct player *p);
/* The session's process ends with this status of wait(2); its channels are the
 * test's, and stay. */
void player_ends(struct player *p, int status);
/* The sessions 1 to N begin, break a rule, and are killed; if there is no room
 * for one, it just ends. */
void players_are_killed(uint64_t n);
/* Bears the process of a session. Returns its pid; it lives as long as *ROPE.
 */
pid_t stage_bear(int *rope);
void player_hear(struct player *p, enum message_kind m, struct message *got);
/* Sends LOGIN; auth gets VERIFY, the player LOGIN_CHANNEL. */
void player_asks(struct player *p);
/* The first half of it: the player sends LOGIN, which may have to wait. */
void player_waits(struct player *p);
/* The second half. */
void player_is_asked_about(struct player *p);
/* Auth takes the users, if M has them. */
void auth_takes(const struct message *m);
/* The version of a row that auth has. */
uint64_t auth_version(const char *user);
/* Auth accepts USER, with the row that it has; NULL: it accepts nobody. */
void auth_says(uint64_t serial, const char *user);
/* Plays a whole login as anna (row 0); FILES becomes her process. */
void player_logs_in(struct player *p, struct actor *files);
/* The end of it: FILES is ready, and the player hears that it may begin. */
void player_is_let_in(struct player *p, struct actor *files);
void player_is_denied(struct player *p, enum denial why);
/* Calls stage_open(), and plays session 1: it has begun, has asked for a login,
 * or has logged in as anna. */
void stage_with(void (*adjust)(struct master *m), struct player *p);
void stage_asked(void (*adjust)(struct master *m), struct player *p);
void stage_logged_in(void (*adjust)(struct master *m), struct player *p,
                     struct actor *files);
/* The session leaves, and then the service stops. */
void stage_leave(struct player *p);

/* A test of a stage that is opened before, with ADJUST, and closed at its end.
 * In the others, anna has begun a session, has asked for a login, or has logged
 * in with the process `ours`. */
#define StageTest(suite, name, opening, closing)                               \
    static void suite##_##name(void);                                          \
    Test(suite, name, .timeout = 120)                                          \
    {                                                                          \
        opening;                                                               \
        suite##_##name();                                                      \
        closing;                                                               \
    }                                                                          \
    static void suite##_##name(void)
#define OpenTest(suite, name, adjust)                                          \
    StageTest(suite, name, stage_open(adjust), stage_close())
#define GreetedTest(suite, name, adjust)                                       \
    StageTest(suite, name, stage_with(adjust, &anna), stage_leave(&anna))
#define AskedTest(suite, name, adjust)                                         \
    StageTest(suite, name, stage_asked(adjust, &anna), stage_leave(&anna))
#define UserTest(suite, name, adjust)                                          \
    StageTest(suite, name, stage_logged_in(adjust, &anna, &ours),              \
              stage_leave(&anna))

/* Gate gets message M about that session. It ignores the ends of others. */
void gate_hears(enum message_kind m, uint64_t serial);

/* Another gate gets ready after the end of the first, and serves a new
 * session. */
void gate_again(void);

/* Master must report an event of that kind with these words in its reason.
 * Returns the time that it has, in ms. */
uint64_t stage_reports(enum event e, const char *words);
/* Reads up to the event of a sallyportctl of this process's uid. NUMBER 0: it
 * has none. */
void stage_reports_admin(const char *verb, const char *to, uint64_t number);
/* Writes the users file again, as sallyportctl does. */
void stage_users(const char *text);

#endif
