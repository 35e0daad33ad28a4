/* Logins, in master: guesses, the users file, the auth workers, new passwords,
 * and the review of sessions when a row has changed. */
#ifndef SALLYPORT_SRC_MASTER_LOGINS_H
#define SALLYPORT_SRC_MASTER_LOGINS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "children/children.h"
#include "sallyport/base/address.h"
#include "sallyport/base/complain.h"
#include "sallyport/base/loop.h"
#include "sallyport/base/random.h"
#include "sallyport/ipc/channel.h"
#include "sallyport/settings/settings.h"
#include "sallyport/users/users.h"
#include "sessions/sessions.h"

/* Counts recent failed logins by name and by address, and computes how long the
 * next login has to wait. Master sees no name: auth sends a keyed hash of each
 * name, also of an unknown one. */
#define GUESS_SLOTS     65536 /* of each table */
#define GUESS_NAME_FREE 5     /* failures before there is a delay */
#define GUESS_NAME_MS   60000 /* ms until one failure is forgotten */
#define GUESS_DEBT      30    /* more failures beyond these don't count */
#define GUESS_KNOWN_MS  (7 * 24 * 3600 * UINT64_C(1000))

/* A length of prefixes for which failures count. Wider prefixes have higher
 * thresholds, since they may belong to many people. */
struct guess_level {
    uint8_t family;
    unsigned bits;
    uint64_t free; /* failures before there is a delay */
    uint64_t ms;   /* until one failure is forgotten */
    size_t slowed; /* how many logins may be delayed at a time */
};
/* Points *first to the levels of FAMILY, which follow each other. Returns their
 * number. */
size_t guesses_levels(uint8_t family, const struct guess_level **first);

struct guess_known {
    uint64_t pair; /* hash of name and prefix, or of a prefix alone */
    uint64_t at;   /* ms; 0: the slot is empty */
};

/* Counts wrong passwords in the last hour, in steps of five minutes. */
#define GUESS_STEPS   12
#define GUESS_STEP_MS 300000

struct guess_hour {
    uint64_t step; /* the newest step, in steps since the clock began */
    uint32_t wrong[GUESS_STEPS];
};

/* The addresses with the most wrong passwords. A hash chooses GUESS_WAYS rows
 * for an address; a new address replaces the address with the fewest wrong
 * passwords in these rows. */
#define GUESS_SOURCES 16384
#define GUESS_WAYS    4

struct guess_source {
    struct address prefix; /* IPv6: /64; family 0: none */
    struct guess_hour hour;
};

#define GUESS_WORST 5

struct guess_report {
    uint64_t wrong, addresses; /* in the last hour */
    struct guess_worst {
        struct address prefix;
        uint64_t wrong;
    } worst[GUESS_WORST];
    size_t count;
};

/* The memory that the masters of one service share. */
struct guesses {
    bool made; /* the key is set */
    uint8_t key[SIPHASH_KEY];
    /* The times at which the failures in each slot are forgotten. */
    uint64_t names[GUESS_SLOTS], prefixes[GUESS_SLOTS];
    struct guess_known
        known[GUESS_SLOTS]; /* users and where they have logged in lately */
    struct guess_known coded[GUESS_SLOTS]; /* the same for logins with a code */
    struct guess_known logins[GUESS_SLOTS]; /* where anybody has logged in */
    /* Each user's last code: `at` is its step, not a time. */
    struct guess_known steps[GUESS_SLOTS];
    struct guess_hour all;
    struct guess_source source[GUESS_SOURCES];
};

/* The name under which the supervisor keeps the memory. A build with another
 * layout changes the number, and begins with empty tables. */
#define GUESSES_NAME "guesses 4"

/* Maps the memory FD; new memory is empty. FD -1: private memory, for a test.
 * Returns 0 or -errno. The caller unmaps it by SHARED_UNMAP(). */
int guesses_map(int fd, struct guesses **ret);
/* Returns how many ms an attempt at NOW has to wait, 0 to MOST. If this user
 * has logged in from this prefix lately, only the failures of this name and
 * prefix together count, so that others can't lock the user out. Times are
 * clock_ms(). */
uint64_t guesses_delay(struct guesses *g, const struct guess *what,
                       uint64_t most, uint64_t now);
void guesses_failed(struct guesses *g, const struct guess *what, uint64_t now);
void guesses_succeeded(struct guesses *g, const struct guess *what,
                       uint64_t now);
/* Call it if the password in WHAT is right and its user has a second factor.
 * STEP belongs to the one-time code (0: none came). A code counts once; for MS
 * after it this user needs no further code from the same prefix. Returns NULL
 * if the login may go on; otherwise why not, for the log. */
const char *guesses_code(struct guesses *g, const struct guess *what,
                         uint64_t step, uint64_t ms, uint64_t now);
/* Returns how many wrong passwords of that address in the last hour count for a
 * ban. Returns 0 if somebody has logged in from there lately, since a ban would
 * hit that user. */
uint64_t guesses_for_ban(struct guesses *g, const struct address *peer,
                         uint64_t now);
/* Forgets which addresses of this network have sent wrong passwords. The total
 * of the last hour and the delays stay. */
void guesses_pardon(struct guesses *g, const struct address *network,
                    unsigned bits);
void guesses_report(const struct guesses *g, uint64_t now,
                    struct guess_report *ret);

/* The fork that writes a new password to the file. */
struct password_writer {
    pid_t pid;       /* 0: none; the fork is an errand */
    uint64_t serial; /* serial of the session that has asked */
    char user[USER_NAME_MAX + 1];
    uint64_t before, after; /* user_version() of the row */
    uint64_t begun;         /* clock_ms() at the beginning of the read of the
                             * new text */
    uint64_t ticket;        /* ticket of that read; 0: it was read */
};

/* Master's knowledge of the users file (docs/inside/generations.md has the
 * steps). */
enum users_state {
    USERS_NONE,     /* nothing was read yet, or there is no file yet */
    USERS_KNOWN,    /* the file was read, and hadn't changed for a while before
                     * */
    USERS_EARLY,    /* the file was read soon after a change, and will be read
                     * again */
    USERS_CHANGING, /* the file has changed, and wasn't read yet */
    USERS_FAILED,   /* the last look failed: the file's state is unknown */
};

/* Must the next look read a file in this state, even if it seems unchanged?
 * UNTIL is when the file will have been unchanged for long enough. */
bool users_must_be_read(enum users_state state, uint64_t until, bool announced);

/* One look: first a fork of master, then reader if the text has changed. */
struct reading {
    bool announced; /* there are announced edits that weren't read */
    uint64_t edits; /* announced edits before the look */
    bool none;      /* there is no file yet: reader parses an empty text */
    bool read;      /* the fork has read the file */
    bool whole;     /* when it was read, it hadn't changed for a while and
                     * nobody had it open for writing */
    int homes;      /* errno of the directory of all homes */
    /* Files in memory; -1: none. ANSWER is there while reader runs. */
    int report, text, answer;
};

/* The users file as master knows it. An edition is one content of the file, and
 * this master numbers the editions. The version of a row (user_version()) is a
 * hash of the row, which is the same in all masters of the service. */
struct userdb {
    struct master *master;
    const char *path;   /* from the settings */
    uint64_t edition;   /* 1, 2, …; 0: none was read yet */
    struct users users; /* of that edition */
    int fd;             /* its text, a sealed memfd; -1: none */
    int table;          /* for auth: the sealed file of reader; -1: none */
    enum users_state state;
    /* clock_ms(). EARLY, CHANGING: when the file will have been unchanged for
     * long enough. FAILED: when the next look is due. */
    uint64_t until;
    struct stat seen;        /* at the last look */
    bool local, homes_local; /* no network disk, as far as known */
    bool had_homes;          /* the directory of all homes was there */
    bool homes_away;         /* the directory of all homes was away at the last
                              * look; AWAY says why */
    bool may_be_missing;     /* at the first start the file may be missing; then
                              * there are no users */
    uint64_t edits;          /* announced edits before the last look that
                              * succeeded */
    struct complaint refused; /* why the file was refused; "": it was
                               * accepted */
    struct complaint away;    /* why nobody can log in; "": users can */
    struct reading reading;
    struct password_writer writer;
    uint64_t write_rests_until; /* until then master writes no new hash */
    struct complaint unwritten; /* why the last new hash wasn't written; "": it
                                 * was */
};

/* Sets U to nothing read yet. */
void userdb_init(struct userdb *u, struct master *m);
void userdb_release(struct userdb *u);

/* Call it when sallyportctl or SITE PSWD has renamed a file into place. The
 * next look of each master of the service, even of a master that starts
 * meanwhile, then reads the file, even if it changed just now. */
void userdb_announce(struct userdb *u);
bool userdb_is_announced(const struct userdb *u);
/* Counts the edits that were announced. */
uint64_t userdb_edits(const struct userdb *u);
/* Has the file changed without an announcement, so that it wasn't read yet? */
bool userdb_is_stale(const struct userdb *u);

/* Begins a look. Returns the pid for which the caller must wait. If the kernel
 * knows that the file is unchanged and, with HOMES, that the directory of all
 * homes is there, needs no process and returns what userdb_go_on() returns; so
 * it does after an error. */
pid_t userdb_begin(struct userdb *u, bool homes, struct complaint *c);
/* Returns how many ms the look's process may take. */
uint64_t userdb_deadline(const struct userdb *u);
/* Call it when the look's process has ended. STATUS is its wait status, or
 * -errno; -ECANCELED: the look ends without a result. Returns USERDB_WAITS if
 * the caller must now wait for *NEXT. Otherwise the look is over: USERDB_NEW:
 * there is a new edition; USERDB_SAME: nothing new; -EINVAL: the file has a
 * mistake, *c says which, and the old edition stays; another -errno: the look
 * failed, and u->away and *c say why. If the mistake is the same as before,
 * returns USERDB_SAME, so that master logs it once. */
enum { USERDB_SAME = 0, USERDB_NEW = 1, USERDB_WAITS = 2 };
int userdb_go_on(struct userdb *u, int status, pid_t *next,
                 struct complaint *c);
/* Must the next look wait? After a failure there is none for a while, unless
 * somebody announces a change. */
bool userdb_rests(const struct userdb *u);
/* Does a whole look and waits for it, for a start. Returns what userdb_go_on()
 * returns. */
int userdb_look(struct userdb *u, struct complaint *c);

/* Takes the text that the generation before has used. Returns 0, or a negative
 * number with the complaint. */
int userdb_restore(struct userdb *u, int fd, struct complaint *c);
/* Used when master starts. Does the file have another text, which wasn't read
 * yet? */
bool userdb_changes(const struct userdb *u);
/* Does the newest text end without a '\n'? */
bool userdb_is_unended(const struct userdb *u);

/* sight.c: the result of the fork, passed to master in a memfd. */
struct sight {
    int file;  /* the errno of a file that can't be opened; 0: it is there */
    int homes; /* the errno of the homes; EINPROGRESS: not opened, or not yet */
    bool local, homes_local;
    struct stat seen;
    enum users_state state; /* as in struct userdb, before the reading */
    uint64_t until;
    bool read, whole;
    int result;   /* result of the reading; -EINVAL, or another -errno, with
                   * WHY */
    bool changed; /* the file has another text, and didn't change during the
                   * reading */
    struct complaint why;
};
int sight_main(void *owner);
bool sight_is_same(const struct stat *a, const struct stat *b);

/* Decides when a login is answered: after the delay due to earlier failures of
 * its name and address, whether right or wrong. A wrong login is answered at a
 * multiple of login_delay, so that the time reveals nothing about the work. */

/* Returns how many ms from NOW a wrong login is answered: at the first multiple
 * of STEP after ASKED that is later than NOW and not before LEAST, which also
 * counts from ASKED. */
uint64_t answer_wrong_in(uint64_t asked, uint64_t now, uint64_t least,
                         uint64_t step);
/* Computes the delay of a login for its verdict, and then counts the verdict.
 * Call it also if the session has gone. */
void answer_count(struct master *m, struct verdict *v);

/* A login: `login`, a worker, a verdict, files, `granted` or `denied`. */

/* Call it when the process files of S is ready: the session then gets its end
 * of the channel to files. */
void login_home_ready(struct session_record *s);
/* Call it when the process files of S has ended, or failed, and its channel is
 * closed. */
void login_home_lost(struct session_record *s);
/* Handler of a session's `login`. */
int login_on_login(void *owner, struct msg_login *msg);
/* Call it when the timer of S has run out during a login, or during SITE PSWD.
 */
void login_on_timer(struct session_record *s);

/* Tries the waiting logins again. Call it when a worker has become free or
 * ready, or a look at the users file is over. */
void login_retry(struct master *m);
/* Handles a worker's verdict, which answer_count() has counted. */
void login_on_verdict(struct session_record *s, const struct verdict *v);
void login_deny(struct session_record *s, enum denial why);
/* R is SEND()'s result for the answer. Gives S this state and phase, or ends S
 * if it doesn't read. */
void login_answered(struct session_record *s, int r, enum session_state state,
                    unsigned phase);

/* New hashes of passwords in the users file (password.c). SITE PSWD comes as a
 * `login` of a session that is logged in. */

/* Has S sent this password for SITE PSWD? Otherwise it is for a login. */
bool password_is_changed(const struct session_record *s);

/* May the user of S change the password? Returns PASSWORD_OK or why not. */
enum password_fault password_objection(const struct session_record *s);
/* Answers SITE PSWD of S. */
void password_answer(struct session_record *s, enum password_fault fault);
/* Call it when auth has found that the old password of S is right. USER is the
 * current row. Begins to write the new hash, or answers why not. */
void password_change(struct session_record *s, const struct user *user);
/* Call it when the writer has ended with the wait STATUS: ends the user's other
 * sessions, and answers. OWNER: struct master. */
void password_on_written(void *owner, int status);
/* Call it when a look at the users file is over: it may have read the new
 * password. */
void password_read(struct master *m);
/* Call it when the writer of S is late: answers that the result isn't known. */
void password_late(struct session_record *s);
/* Is VERSION, of the row of S, due to the session's own SITE PSWD? Then the
 * session stays. */
bool password_gives(const struct session_record *s, uint64_t version);

/* The auth workers: which one gets a login, and with which users file. */

/* Sets *ret to the worker with the fewest verifications under way, for the
 * login of S. Returns 0; -ENOENT: no worker is ready; -EAGAIN: this address has
 * its share of verifications; -EBUSY: no worker can take it now. */
int worker_choose(struct session_record *s, struct child **ret);
/* Passes FD, one end of a pair, to that worker. Returns 0, or -EBUSY if the
 * worker doesn't read. FD stays the caller's. */
int worker_ask(struct child *c, struct session_record *s, int fd);
/* Call it when S no longer waits for a verdict. */
void worker_forget(struct master *m, const struct session_record *s);
/* Sends MSG_users with the newest table to each worker that has an older one,
 * or none. */
void worker_update_all(struct master *m);
/* Returns C's verification for that session, or NULL. */
struct verification *worker_find(struct child *c, uint64_t serial);

/* Handler of `verdict`; owner: struct child. */
int verdict_on_verdict(void *owner, struct msg_verdict *msg);
/* The row of auth calls these (run.c). */
void verdict_go_on(struct child *c);
void verdict_on_gone(struct child *c);

/* Checks sessions against their users' rows when the users file changes. */
struct access {
    struct loop_timer timer;
    /* Tickets: of the newest look, and of the newest look that is over. */
    uint64_t asked, over;
    bool again; /* another look must follow this one */
    bool late;  /* this look takes long */
    struct loop_timer fresh;
    bool was_away;       /* the log says that new clients get 421 */
    size_t ended;        /* sessions ended by the edition that the last look
                          * found */
    uint64_t reviewed;   /* the edition that all sessions were compared with */
    int64_t reviewed_at; /* when they were compared: seconds since 1970 */
    bool hours;          /* any user or team of that edition has hours= */
    int64_t next_expiry; /* the next expiry of a user in that edition */
};

/* From now on the users file and the homes are checked every few seconds. */
void access_start(struct master *m);
/* Begins a look at the users file, or another one after the current look.
 * Returns the ticket of a look that begins now or later. */
uint64_t access_ask(struct master *m);
/* Is the look with that ticket over? */
bool access_is_over(const struct master *m, uint64_t ticket);
/* Compares one session, which was just reported, with the newest rows, and ends
 * it if the file no longer permits it. */
void access_review_one(struct session_record *s);
/* Returns the newest row of that user, or NULL. */
const struct user *access_row(const struct master *m, const char *name);
/* Does ROW, which may be NULL, let its user in now? */
bool access_admits(const struct session_record *s, const struct user *row);
/* Returns the newest row of that user, or NULL if there is none, or it
 * is locked, expired, has another version, or doesn't admit the session. */
const struct user *access_current(const struct session_record *s,
                                  const char *name, uint64_t version);
/* Sets s->limits from ROW. Returns true if gate must know that they have
 * changed. */
bool access_take_limits(struct session_record *s, const struct user *row);
/* Has A, an account of S, reached its limit by sessions other than S? */
bool access_is_full(const struct session_record *s,
                    const struct account_limits *a);
/* Returns the first account of S that other sessions have filled; or NULL. */
const struct account_limits *access_full(const struct session_record *s);
/* Must any user show a certificate although the server asks for none? Then
 * writes the hint to INTO. Locked users don't count. */
bool access_hint(const struct settings *s, const struct users *u,
                 struct complaint *into);

#endif
