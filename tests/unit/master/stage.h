/* Functions that run the real master in a fork, while the test plays all other
 * processes. Each process that master starts is an actor; the test has the
 * actor's end of the channel to master. */
#ifndef TESTS_UNIT_MASTER_STAGE_H
#define TESTS_UNIT_MASTER_STAGE_H

#include "master/start/start.h"
#include "sallyport/domain/choices.h"
#include "sallyport/domain/rights.h"
#include "sallyport/files/files.h"
#include "support/cast.h"
#include "support/test.h"

#define STAGE_WAIT_MS 20000
#define STAGE_USERS   3 /* anna, bert, and carl, who is locked */

/* The facts of an actor's start. Master sends them to the test; a process files
 * sends its own. */
struct stage_note {
    pid_t pid;
    char binary[16]; /* the name of the process, such as "gate" */
    char name[USER_NAME_MAX + 1];
    char home[256];
    uint64_t serial;
    unsigned rights;
    char mounts[512];   /* for each mount "AT PATH GID RIGHTS FILE_MODE
                           DIR_MODE\n", after "late " if its disk was late; then
                           "/ FILE_MODE DIR_MODE SHARES" for the home */
    bool sees_users;    /* the fork still had the users in memory */
    bool sees_sessions; /* the fork still had the table of sessions */
    bool sees_keys;     /* the fork still had master's keys */
    uint8_t name_key[SIPHASH_KEY]; /* the key of the user's names of partials */
    bool given[SETUP_PLACES];      /* the descriptors that its set-up has */
};

struct actor {
    struct stage_note note;
    struct channel channel; /* to master */
    int session, log;       /* files' ends of its channels to session and log */
    int beat;               /* the page in which gate or keys counts */
};

struct player { /* a session that the test plays */
    uint64_t serial;
    pid_t pid; /* a child of master, which ends when the rope is closed */
    int rope;
    struct channel channel;
    int log, keys;
    uint64_t version; /* the version of the user's row at the login */
};

struct stage {
    char folder[64];
    pid_t master;
    int control;
    struct actor gate, auth, keys, log;
    struct channel events; /* log's end, for master's own events */
    struct users users;    /* the users that auth has */
    uint8_t row_key[SIPHASH_KEY];
    int births; /* to the process that forks sessions */
};
extern struct stage stage;

/* The usual session of a test, and its process files. */
extern struct player anna;
extern struct actor ours;

/* Makes the board that master will use, and returns it. Call it before
 * stage_open() or stage_raise(). Master's generation has the number 0, and the
 * first row of the board. */
struct board *stage_board(void);
/* Starts master, and plays its children until each has sent READY. ADJUST can
 * change settings and deadlines; NULL: they stay as usual in tests. */
void stage_open(void (*adjust)(struct master *m));
/* For ADJUST: master waits for kicked sessions, and at a stop for all
 * processes, as long as the test runs. */
void stage_waits(struct master *m);
/* Starts master, but leaves the set-up of its children to the test. */
void stage_raise(void (*adjust)(struct master *m));
/* Sends SIGTERM to master, which must end with status 0 and without a leak. */
void stage_close(void);
/* Waits until a master that retires ends by itself. It must end with status
 * 0. */
void stage_ends(void);
/* Waits until master ends. It must end with STATUS, and not by a signal. */
void stage_ended(int status);
/* Checks that master serves: a new session logs in and leaves. */
void stage_serves(void);

/* Waits until master starts its next process, which must be BINARY. */
void actor_enter(struct actor *a, const char *binary);
/* Calls actor_enter() for log, keys and auth, which master starts first. */
void actors_enter(void);
/* Sends READY for all children. Master starts gate when keys is ready. */
void actors_ready(void);
/* Sends READY. Then auth receives the users, and log the channel for master's
 * events. */
void actor_ready(struct actor *a);
/* Closes the channel of the old actor, and plays the new one until it has sent
 * READY. */
void actor_again(struct actor *a);
/* Kills the process. */
void actor_die(struct actor *a);
/* Ends the process with status 0. */
void actor_finish(struct actor *a);
/* Sends FAILED with the reason "another build", and ends the process with
 * EX_SOFTWARE. */
void actor_is_of_another_build(struct actor *a);
/* Does the same with the reason "no memory" and EX_TEMPFAIL. */
void actor_is_short(struct actor *a);
/* The process closes its channel and stays alive. */
void actor_leave(struct actor *a);
/* Begins a session with an address of its own. */
void player_enter(struct player *p, uint64_t serial);
void player_enter_from(struct player *p, uint64_t serial,
                       const struct address *peer);
/* Does the same as player_enter(), but gate names the process PID, and the
 * player has no process. Sessions can have the same process. */
void player_enter_as(struct player *p, uint64_t serial, pid_t pid);
void player_leave(struct player *p);
/* Ends the session's process with STATUS, as wait(2) gives it. The session's
 * channels stay open, since the test has them. */
void player_ends(struct player *p, int status);
/* Begins N sessions, from serial FIRST on, with one process, and ends this
 * process. Waits until master has ended the sessions. */
void players_end(uint64_t first, size_t n);
/* Forks the process of a session, and returns its pid. The process ends when
 * *ROPE is closed. */
pid_t stage_bear(int *rope);
/* Does the next three steps. */
void player_asks(struct player *p);
/* Sends LOGIN, which master can delay. */
void player_waits(struct player *p);
/* Receives LOGIN_CHANNEL, and sends a password into it. */
void player_sends(struct player *p);
/* Auth receives VERIFY. */
void player_is_asked_about(const struct player *p);
/* Auth receives the next message, which can be USERS: then it replaces the
 * users that auth has. */
enum message_kind auth_hears(void);
/* Returns the version of the row of USER that auth has; 0: there is no row. */
uint64_t auth_version(const char *user);
/* Sends auth's verdict: the password is USER's, by auth's row; NULL: the
 * password is wrong. */
void auth_says(uint64_t serial, const char *user);
/* Plays a whole login as anna. FILES becomes her process files. */
void player_logs_in(struct player *p, struct actor *files);
/* Plays the end of a login: FILES sends READY, and the player receives
 * GRANTED. */
void player_is_let_in(struct player *p, struct actor *files);
void player_is_denied(struct player *p, enum denial why);
/* Call stage_open(), and play session 1 until it has begun, has asked for a
 * login, or has logged in as anna. */
void stage_with(void (*adjust)(struct master *m), struct player *p);
void stage_asked(void (*adjust)(struct master *m), struct player *p);
void stage_logged_in(void (*adjust)(struct master *m), struct player *p,
                     struct actor *files);
/* Ends the session, and then the service. */
void stage_leave(struct player *p);

/* Define a test. StageTest runs OPENING before the test and CLOSING after it.
 * The others open the stage with ADJUST and close it. In GreetedTest, anna has
 * begun a session before the test; in AskedTest, she has asked for a login; in
 * UserTest, she has logged in, and `ours` plays her files. */
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

/* Waits until gate receives KIND about session SERIAL. Skips REAPED of other
 * sessions. */
void gate_hears(enum message_kind kind, uint64_t serial);

/* Plays the next gate after the end of the first one, until it has sent READY
 * and master serves a new session. */
void gate_again(void);

/* Reads master's events up to an event E with WORDS in its reason. Returns the
 * number in the field `number` of EVENT_TROUBLE, or in the field ms of another
 * event. */
uint64_t stage_reports(enum event e, const char *words);
/* Reads master's events up to a command of sallyportctl with VERB. The event
 * must have this process's uid, TO and NUMBER; 0: no number. */
void stage_reports_admin(const char *verb, const char *to, uint64_t number);
/* Replaces the users file by a new one, as sallyportctl does. */
void stage_users(const char *text);

#endif
