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

/* guesses.c counts recent failed logins by name and by address, and computes
 * how long the next login has to wait. Master sees no name: auth sends a keyed
 * hash of each name, also of a name that no user has. */
#define GUESS_SLOTS     65536 /* slots of each table */
#define GUESS_NAME_FREE 5     /* failures before there is a delay */
#define GUESS_NAME_MS   60000 /* ms until one failure is forgotten */
#define GUESS_FREE      20    /* the same for an address; network_levels has */
#define GUESS_MS        10000 /* the factors of wider networks */
#define GUESS_DEBT      30    /* failures that count beyond the free ones */
#define GUESS_KNOWN_MS  (7 * 24 * 3600 * UINT64_C(1000))

struct guess_known {
    uint64_t pair; /* hash of a name, of a prefix, or of name and prefix */
    uint64_t at;   /* clock_ms() of the last login; 0: the slot is empty */
};

/* The number of wrong passwords in the last hour, in steps of five minutes. */
#define GUESS_STEPS   12
#define GUESS_STEP_MS 300000

struct guess_hour {
    uint64_t step; /* number of the newest step: clock_ms() / GUESS_STEP_MS */
    uint32_t wrong[GUESS_STEPS];
};

/* The table of the addresses with the most wrong passwords. A hash of the
 * address chooses the GUESS_WAYS rows in which the address can be. A new
 * address replaces the address with the fewest wrong passwords in these rows.
 */
#define GUESS_SOURCES 16384
#define GUESS_WAYS    4

struct guess_source {
    struct address prefix; /* an IPv4 address, or a /64 of IPv6; family 0: the
                            * row is empty */
    struct guess_hour hour;
};

#define GUESS_WORST 5

struct guess_report {
    uint64_t wrong, addresses; /* wrong passwords of the last hour, and the
                                * addresses that have sent some */
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
    /* For each slot: clock_ms() at which all its failures are forgotten. */
    uint64_t names[GUESS_SLOTS], prefixes[NETWORK_SLOTS];
    struct guess_known known[GUESS_SLOTS]; /* users, and the prefixes from which
                                            * they have logged in lately */
    struct guess_known coded[GUESS_SLOTS]; /* users, and the prefixes from which
                                            * they have sent a one-time code
                                            * lately */
    struct guess_known logins[GUESS_SLOTS]; /* prefixes from which anybody has
                                             * logged in lately */
    /* Each user's last one-time code; `at` is the step of the code, not a
     * time. */
    struct guess_known steps[GUESS_SLOTS];
    struct guess_hour all;
    struct guess_source source[GUESS_SOURCES];
};

/* The name under which the supervisor keeps the memory. A build with another
 * layout changes the number, and begins with empty tables. */
#define GUESSES_NAME "guesses 4"

/* Maps the memory FD; new memory is empty. FD -1: private memory, for a test.
 * Returns 0 or -errno. The caller unmaps the memory by SHARED_UNMAP(). */
int guesses_map(int fd, struct guesses **ret);
/* Returns how many ms the attempt WHAT has to wait, 0 to MOST. If this user has
 * logged in from this prefix lately, only failures with this name from this
 * prefix count, so that others can't lock the user out. Here and below, NOW is
 * clock_ms(). */
uint64_t guesses_delay(struct guesses *g, const struct guess *what,
                       uint64_t most, uint64_t now);
void guesses_failed(struct guesses *g, const struct guess *what, uint64_t now);
void guesses_succeeded(struct guesses *g, const struct guess *what,
                       uint64_t now);
/* Call it if the password of the attempt WHAT is right, and the user has a
 * second factor. STEP is the time step of the one-time code; 0: the code is
 * missing or wrong. A code counts once. For MS ms after the code, the user
 * needs no further code from the same prefix. Returns NULL if the login can go
 * on; otherwise why not, for the log. */
const char *guesses_code(struct guesses *g, const struct guess *what,
                         uint64_t step, uint64_t ms, uint64_t now);
/* Returns how many wrong passwords from PEER in the last hour count for a ban.
 * Returns 0 if any user has logged in from there lately, since a ban would hit
 * that user. */
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
    pid_t pid;       /* the fork, which is an errand; 0: there is none */
    uint64_t serial; /* serial of the session that has asked */
    char user[USER_NAME_MAX + 1];
    uint64_t before, after; /* user_version() of the row before and after the
                             * change */
    uint64_t begun;         /* clock_ms() when master asked for the look that
                             * reads the new text */
    uint64_t ticket;        /* ticket of that look; 0: the text was read */
};

/* Master's knowledge of the users file (docs/inside/generations.md has the
 * steps). */
enum users_state {
    USERS_NONE,     /* no text was read yet, or there is no file yet */
    USERS_KNOWN,    /* the file was read after it hadn't changed for a while */
    USERS_EARLY,    /* the file was read soon after a change, and will be read
                     * again */
    USERS_CHANGING, /* the file has changed, and wasn't read yet */
    USERS_FAILED,   /* the last look failed: the file's state is unknown */
};

/* Must the next look read a file in STATE, even if the file seems unchanged?
 * UNTIL is the clock_ms() at which the file will have been unchanged for long
 * enough. ANNOUNCED: an edit was announced. */
bool users_must_be_read(enum users_state state, uint64_t until, bool announced);

/* One look at the users file. First a fork of master looks. If the text has
 * changed, reader then parses it. */
struct reading {
    bool announced; /* there are announced edits that weren't read */
    uint64_t edits; /* how many edits were announced before the look */
    bool none;      /* there is no file yet; reader parses an empty text */
    bool read;      /* the fork has read the file */
    bool whole;     /* when the fork read the file, the file hadn't changed for
                     * a while, and no program had it open for writing */
    int homes;      /* errno of opening the directory of all homes */
    bool empty;     /* the directory of all homes is empty */
    /* Files in memory; -1: none. The fork writes REPORT and TEXT. ANSWER exists
     * only while reader runs. */
    int report, text, answer;
};

/* The file system and the mount of a directory. */
struct mounted {
    uint64_t device, mount;
};

/* The users file as master knows it. An edition is one content of the file.
 * Each master numbers its own editions. But the version of a row
 * (user_version()) is a hash of the row, so it is the same in all masters of
 * the service. */
struct userdb {
    struct master *master;
    const char *path;   /* from the settings */
    uint64_t edition;   /* the newest: 1, 2, …; 0: none was read yet */
    struct users users; /* the users of the edition */
    int fd;             /* the edition's text, a sealed memfd; -1: none */
    int table;          /* reader's sealed answer, for auth; -1: none */
    enum users_state state;
    /* clock_ms() of a time. In state EARLY or CHANGING: when the file will have
     * been unchanged for long enough. In FAILED: when the next look is due. */
    uint64_t until;
    struct stat seen;        /* the file at the last look */
    bool local, homes_local; /* the file, or the homes, are on no network disk,
                              * as far as master knows */
    struct mounted homes_at; /* where the homes were at the last look */
    bool had_homes;          /* an earlier look has found the directory of all
                              * homes */
    bool homes_away;         /* the last look at the directory of all homes
                              * couldn't open it; AWAY says why */
    bool without_homes;      /* the next look opens only the users file */
    bool may_be_missing;     /* at the first start the file can be missing; then
                              * there are no users */
    bool young;              /* the first look has found another text, too soon
                              * after a change to take it */
    uint64_t edits;          /* how many edits were announced before the last
                              * look that succeeded */
    struct complaint refused; /* why the file was refused; "": it was
                               * accepted */
    struct complaint away;    /* why nobody can log in; "": users can */
    struct reading reading;
    struct password_writer writer;
    uint64_t write_rests_until; /* clock_ms() before which master writes no new
                                 * hash */
    struct complaint unwritten; /* why the last new hash wasn't written; "": it
                                 * was */
};

/* Makes U empty: no text was read yet. */
void userdb_init(struct userdb *u, struct master *m);
void userdb_release(struct userdb *u);
/* Does the same in a fork, which keeps no hash. */
void userdb_forget(struct master *m);

/* Call it when sallyportctl or SITE PSWD has renamed a new users file into
 * place. The next look of each master of the service then reads the file, even
 * if the file changed just now. This is true for a master that starts
 * meanwhile, too. */
void userdb_announce(struct userdb *u);
bool userdb_is_announced(const struct userdb *u);
/* Counts the edits that were announced. */
uint64_t userdb_edits(const struct userdb *u);
/* Has the file changed without an announcement, so that it wasn't read yet? */
bool userdb_is_stale(const struct userdb *u);

/* Begins a look. Returns the pid of the process for which the caller must wait.
 * If the kernel has in memory that the file is unchanged and, with HOMES, that
 * the directory of all homes is there, no process is needed. Then, and after an
 * error, the look is over, and the result is the same as that of
 * userdb_go_on(). */
pid_t userdb_begin(struct userdb *u, bool homes, struct complaint *c);
/* Returns how many ms the caller waits for the look's process at most. */
uint64_t userdb_deadline(const struct userdb *u);
/* Call it when a process of the look has ended. STATUS is its wait status, or
 * -errno; -ECANCELED: the look ends without a result. Returns USERDB_WAITS if
 * the look goes on, and the caller must now wait for the process *NEXT.
 * Otherwise the look is over. Returns USERDB_NEW: there is a new edition;
 * USERDB_SAME: there is none, or the file has the same mistake as before, which
 * master logs only once; -EINVAL: the file has a mistake, *c says which, and
 * the old edition stays; another -errno: the look failed, and u->away and *c
 * say why. */
enum { USERDB_SAME = 0, USERDB_NEW = 1, USERDB_WAITS = 2 };
int userdb_go_on(struct userdb *u, int status, pid_t *next,
                 struct complaint *c);
/* Must the next look wait, since the last one failed a short time ago? */
bool userdb_rests(const struct userdb *u);
/* Does a whole look, and waits until it is over. Call it only during a start.
 * Returns the result of userdb_go_on(). */
int userdb_look(struct userdb *u, struct complaint *c);

/* Takes the text in FD, which the previous generation has used. Returns 0; or
 * -errno, with the complaint. */
int userdb_restore(struct userdb *u, int fd, struct complaint *c);
/* Does the newest text end without a '\n'? */
bool userdb_is_unended(const struct userdb *u);

/* The result of a look's fork (sight.c), which passes it to master in a memfd.
 */
struct sight {
    int file;  /* errno of opening the users file; 0: it is open */
    int homes; /* errno of opening the directory of all homes; EINPROGRESS: the
                * fork hasn't opened it */
    bool local, homes_local, homes_empty;
    struct mounted homes_at;
    struct stat seen;
    enum users_state state; /* as in struct userdb, before the reading */
    uint64_t until;
    bool read, whole, young;
    int result;   /* result of the reading: 0; -EINVAL or another -errno, with
                   * WHY */
    bool changed; /* the file has another text, and didn't change during the
                   * reading */
    struct complaint why;
};
int sight_main(void *owner);
bool sight_is_same(const struct stat *a, const struct stat *b);
/* Sets *RET to the place of FD, from the kernel's memory. Returns false after
 * an error. */
bool sight_mounted(int fd, struct mounted *ret);
/* The time at which master answers a login. Earlier failures of the name and of
 * the address delay the answer, whether the password is right or wrong. Master
 * answers a wrong login at a multiple of login_delay, so that the time reveals
 * nothing about the work. */

/* Returns the ms from NOW to the answer to a wrong login. Between ASKED and the
 * answer lies a multiple of STEP: the first that is at least LEAST and ends
 * after NOW. */
uint64_t answer_wrong_in(uint64_t asked, uint64_t now, uint64_t least,
                         uint64_t step);
/* Sets v->delay, which earlier failures cause, and then counts V itself if it
 * is a failure. Call it even if the session has ended. */
void answer_count(struct master *m, struct verdict *v);

/* The steps of a login: the session's `login`, an auth worker and its verdict,
 * the process files, and `granted` or `denied`. */

/* The table of sessions calls these; tests call two of them. */
extern const struct table_hooks login_hooks;
void login_home_ready(struct session_record *s);
void login_home_lost(struct session_record *s);
void login_leave(struct session_record *s);

/* Call it when a look at the users file is over, or takes long. */
void login_looked(struct master *m);
/* Gives each free worker the login that has the next turn. Call it when a
 * worker has become free or ready, or has got the newest users. */
void login_serve(struct master *m);
/* Handles a worker's verdict, which answer_count() has counted. */
void login_on_verdict(struct session_record *s, const struct verdict *v);
void login_deny(struct session_record *s, enum denial why);
/* Call it with R, the result of SEND() of the answer. Gives S this state and
 * its channel this phase. If R is an error, ends S instead. */
void login_answered(struct session_record *s, int r, enum session_state state,
                    unsigned phase);

/* New hashes of passwords in the users file (password.c). For SITE PSWD, a
 * session that is logged in sends `login` again. */

/* Is the current `login` of S for SITE PSWD? */
bool password_is_changed(const struct session_record *s);

/* Returns PASSWORD_OK if the user of S can change the password; otherwise why
 * not. */
enum password_fault password_objection(const struct session_record *s);
/* Answers SITE PSWD of S. */
void password_answer(struct session_record *s, enum password_fault fault);
/* Call it when auth has found that the old password of S is right. USER is the
 * current row. Begins to write the new hash, or answers why not. */
void password_change(struct session_record *s, const struct user *user);
/* Call it when the writer has ended with the wait status STATUS: asks for a
 * look at the new text, which ends the user's other sessions, and answers SITE
 * PSWD. OWNER: the struct master. */
void password_on_written(void *owner, int status);
/* Call it when a look at the users file is over: it may have read the new
 * password. */
void password_read(struct master *m);
/* Call it when the writer of S is late: kills it, and answers that the result
 * isn't known. */
void password_late(struct session_record *s);
/* Does the row of S have this VERSION because of SITE PSWD in S itself? Then S
 * stays. */
bool password_gives(const struct session_record *s, uint64_t version);

/* The auth workers (peer_auth.c): the question to a worker, and the users
 * that each worker gets. */

/* Can C take a login: is it ready, free, and has the newest users? */
bool worker_is_free(const struct child *c);
/* Asks worker C to verify the login of S, and passes s->auth to C. Returns 0;
 * or -errno: C can't be asked now, and s->auth stays. */
int worker_ask(struct child *c, struct session_record *s);
/* Sends MSG_users with the newest table to each worker that has an older one,
 * or none. */
void worker_update_all(struct master *m);

/* Handler of `verdict`; owner: struct child. */
int verdict_on_verdict(void *owner, struct msg_verdict *msg);
/* The row of auth in master.c calls these two. */
void verdict_go_on(struct child *c);
void verdict_on_gone(struct child *c);

/* The state of the review (access.c), which compares sessions with their users'
 * rows. */
struct access {
    struct loop_timer timer;
    /* The ticket of the newest look, and the ticket of the newest look that is
     * over. */
    uint64_t asked, over;
    bool again;         /* another look must follow this one */
    uint64_t before_us; /* edits that earlier generations may have answered */
    bool late;          /* this look takes long, so logins don't wait for it */
    struct loop_timer fresh; /* until `late` is set */
    size_t ended;            /* sessions that the review after the last look has
                              * ended */
    uint64_t reviewed;   /* the edition with which all sessions were compared
                          */
    int64_t reviewed_at; /* time of this comparison, in seconds since 1970 */
    bool hours;          /* any user or team of that edition has hours= */
    int64_t next_expiry; /* the next expiry of a user in that edition */
};

/* Begins to check the users file and the homes every few seconds. */
void access_start(struct master *m);
/* Begins a look at the users file. If a look is under way, another one follows
 * it. Returns the ticket of the look that begins now or later. */
uint64_t access_ask(struct master *m);
/* Is the look with this TICKET over? */
bool access_is_over(const struct master *m, uint64_t ticket);
/* Compares the session S, which was just reported, with its user's newest row.
 * Ends S if the users file no longer permits it. */
void access_review_one(struct session_record *s);
/* Does ROW let its user in now, from the client's address of S? ROW can be
 * NULL. */
bool access_admits(const struct session_record *s, const struct user *row);
/* Has an edit outdated the rows? A generation that retires reads no newer ones.
 */
bool access_is_outdated(const struct master *m);
/* Returns the newest row of the user NAME; NULL: there is none, it is locked or
 * expired, its version isn't VERSION, it doesn't admit S, or it is outdated. */
const struct user *access_current(const struct session_record *s,
                                  const char *name, uint64_t version);
/* Returns true, and writes a hint to INTO, if any user must show a certificate
 * although the server asks for none. Locked users don't count. */
bool access_hint(const struct settings *s, const struct users *u,
                 struct complaint *into);

#endif
