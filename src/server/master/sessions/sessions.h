/* The sessions as master sees them, from gate's report to their end, with their
 * processes files; the sessions of other generations; bans. */
#ifndef SALLYPORT_SRC_MASTER_SESSIONS_H
#define SALLYPORT_SRC_MASTER_SESSIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "children/children.h"
#include "sallyport/base/address.h"
#include "sallyport/base/clock.h"
#include "sallyport/base/loop.h"
#include "sallyport/base/random.h"
#include "sallyport/domain/bans.h"
#include "sallyport/event/event.h"
#include "sallyport/ipc/channel.h"
#include "sallyport/settings/settings.h"
#include "sallyport/users/users.h"

struct guess;
struct session_record;

/* The bans of this service. */

/* The name under which the supervisor keeps the table: a build with another
 * layout of struct bans changes the number, and reads the file in `state`. */
#define BANS_NAME "bans 1"

struct banning {
    struct bans *table; /* all masters share it, and gate reads it */
    struct ban_index index;
    bool writes;      /* a fork writes the file */
    uint64_t writing; /* table->changes at the beginning of that write */
    int error;        /* errno of the last writer, which was logged */
};

/* Maps m->memory[MEMORY_BANS] (-1: memory of its own, for a test). A new table
 * gets the bans of the file in `state`. Call it before master's sandbox closes.
 * Returns 0 or -errno. SHARED_UNMAP() unmaps the table. */
int banning_init(struct master *m);
/* Begins to write the file if the table has changed since the last writing. */
void banning_save(struct master *m);
/* Adds a ban, logs it, and ends sessions of that network for WHY: all of
 * them, or for an automatic ban only sessions without a login. *ended is
 * their number. Returns 0, or -ENOSPC: the administrator has BANS_MAX bans
 * already. */
int banning_add(struct master *m, const struct ban *ban, enum ending why,
                size_t *ended);
/* Call it when a wrong password was counted at NOW: bans the address if that
 * was one too many. */
void banning_guessed(struct master *m, const struct guess *what, uint64_t now);
/* Call it when the process of S has ended: bans its client's address after a
 * crash. */
void banning_ended(const struct session_record *s, int status);
/* Ends S, which is new here, if its client was banned after gate let it in. */
void banning_review(struct session_record *s);

/* A user's process files, as master sees it: its fork, its start, its end. This
 * struct is in the record of the session. The functions report to login.c. */
struct files_process {
    struct session_record *session;
    char user[USER_NAME_MAX + 1];
    char path[USER_HOME_MAX + 1];
    uid_t uid;
    pid_t pid; /* 0: no process */
    struct channel channel;
    struct loop_watch watch;
    struct service_channel *log;
    int end; /* the session's end of the channel to files; -1 once the session
              * has it */
    char opens[USER_HOME_MAX + 1]; /* the last `files_opens`; "": none */
    bool away;                     /* its disk couldn't be reached */
};

/* A process files that was killed, and waits for a disk. */
struct hanging {
    pid_t pid;
    uint64_t user, place;
};

/* A directory on a disk that was late. Processes files don't open it until a
 * fork of master has opened it. */
#define HANGING_MARKS ERRANDS_MARKS

struct hanging_mark {
    struct master *master;
    uint64_t place; /* 0: never used */
    bool late;
    uint64_t pause; /* ms before the next try; kept for the next time that the
                     * directory is late */
    struct loop_timer timer; /* of the pause */
    char path[2 * USER_HOME_MAX + 2];
};

struct hanging_table {
    struct hanging *all;
    size_t count, size;
    struct hanging_mark *mark;
};
/* If so many processes of one user hang, the user can't log in. */
#define HANGING_PER_USER 16

/* Return 0, or -1: no memory. */
int hanging_init(struct hanging_table *t, size_t size);
void hanging_release(struct hanging_table *t);
/* Takes over the process files PID. USER is the number of its user's account.
 * PLACE is the directory that was late at its start, or 0. Returns false if the
 * table is full; the process then stays with its session. */
bool hanging_add(struct hanging_table *t, pid_t pid, uint64_t user,
                 uint64_t place);
/* Removes PID. Returns whether it was in the table. */
bool hanging_reaped(struct hanging_table *t, pid_t pid);
struct hanging *hanging_find(struct hanging_table *t, pid_t pid);
/* Call it when the directory PATH was late; PLACE is its hash. From now on a
 * fork tries to open it: after 1 s, and then after pauses that grow to 1
 * minute. Does nothing if all marks are in use. */
void hanging_mark(struct master *m, uint64_t place, const char *path);
/* Is PLACE marked as late or, if no mark was free, does a process hang in it?
 */
bool hanging_is_late(const struct hanging_table *t, uint64_t place);
size_t hanging_of_user(const struct hanging_table *t, uint64_t user);

/* Sets F, in the record of S, to no process and no descriptors. */
void files_blank(struct files_process *f, struct session_record *s);
/* Is ERROR an errno of a network disk, or of a disk that fails, which may pass
 * in a minute? */
bool files_is_away(int error);
/* Forks files for USER. Returns 0 or -errno; -EBUSY while an earlier process
 * hasn't left yet. It may call login_home_lost() before it returns. */
int files_fork(struct files_process *f, const struct user *user);
/* Closes the channel, so that files leaves. */
void files_hang_up(struct files_process *f);
/* Kills a process that hasn't left by itself. */
void files_kill(struct files_process *f);
/* Kills the process, and moves it to the table of hanging processes, so that
 * the session's record is free of it. PLACE as for hanging_add(). */
void files_abandon(struct files_process *f, uint64_t place);
/* Call it when the process wasn't ready in time: reports the directory that
 * doesn't answer, and abandons the process. USER is the user's row, or NULL.
 * Returns true if the user can enter the home without that directory. */
bool files_were_late(struct files_process *f, const struct user *user);
/* Is the home of USER late itself, or do too many of the user's processes hang?
 * Then reports it. */
bool files_home_is_late(struct files_process *f, const struct user *user);
/* Call it when the process was reaped. */
void files_reaped(struct files_process *f, int status);

/* The sessions: each has a record from gate's MSG_session
 * to the end of the session and of its process files. */
enum session_state {
    SESSION_FREE,
    SESSION_GREETED, /* nobody is logged in */
    SESSION_WAITING, /* `login` has come; no auth worker can take it yet */
    SESSION_VERIFY,  /* an auth worker verifies the password */
    SESSION_DELAYED, /* the answer is delayed */
    SESSION_WRITING, /* a fork writes the new password */
    SESSION_OPENING, /* files was forked; `ready` hasn't come yet */
    SESSION_USER,    /* logged in; while it changes the password (s->login > 0),
                      * it is WAITING, VERIFY or DELAYED again, or WRITING */
    SESSION_OLDER,   /* of an older generation, which has its real state */
    SESSION_KICKED,  /* has got MSG_kick */
    SESSION_ENDED /* its channel is closed, but a process isn't reaped, or gate
                   * hasn't got the news */
};

/* The news for gate. */
enum session_news {
    NEWS_LIMITS = 1, /* somebody has logged in, or the limits have changed */
    NEWS_THERE = 2,  /* the session is of an older generation, or of a gate that
                      * has ended */
    NEWS_GONE = 4,   /* the session has ended */
};

/* The orders for the master of an older generation, in its roster. */
enum session_order {
    ORDER_KICK = 1, /* for the reason s->why */
    ORDER_KILL = 2,
    ORDER_LOOK = 4,
};
/* With this reason ORDER_KICK means: end after the transfer, without a
 * deadline. A stop never gives this order, since it kicks only sessions of its
 * own generation. */
#define WHY_FINISH ENDING_SHUTDOWN

/* One attempt: the keyed hash of the name, and the client. */
struct guess {
    uint64_t name;   /* 0: auth sent none */
    uint64_t factor; /* guesses_code(): a keyed hash of the user's secret */
    struct address peer;
    bool trusted; /* failures of this address don't count */
};

/* A worker's verdict on a name and password. */
struct verdict {
    bool right;
    bool failed; /* no hash was computed: neither right nor wrong */
    char user[USER_NAME_MAX + 1]; /* if right */
    uint64_t version; /* user_version() of the newest row, if auth has this row;
                       * otherwise 0 */
    struct guess guess;
    uint64_t delay;               /* ms, due to earlier failures */
    enum password_fault fault;    /* about a new password */
    char hash[USER_HASH_MAX + 1]; /* of a new password; "": none */
};

struct answer {
    struct verdict verdict;
    uint64_t asked; /* clock_ms() at `login` */
    uint64_t at;    /* clock_ms() of the answer to a delayed login */
    bool slowed;    /* it counts as a delayed login of its address */
    bool busy;      /* too many are delayed already, so the answer is BUSY */
};

struct older;

/* An account that sessions share, with its limits from the row or the settings.
 * 0: no limit */
struct account_limits {
    uint64_t number; /* a keyed hash of the name */
    uint64_t sessions, transfers, up, down;
};

/* All zero if there is no user. */
struct session_limits {
    struct account_limits
        account[1 + USER_TEAMS_MAX]; /* the user's, the teams' */
    uint64_t accounts;
    uint64_t file_size;
};

struct session_record {
    struct master *master;
    uint64_t serial;
    enum session_state state;
    struct address peer, local;
    struct address server; /* where the client has connected to */
    bool proxied;        /* the session itself has read the client's address */
    time_t since, login; /* login 0: not yet */
    uint64_t born;       /* clock_ms() */
    struct channel channel;
    struct loop_watch watch;
    struct loop_timer timer; /* belongs to the current state */
    struct service_channel *log, *keys;
    uint32_t request;     /* number of `login` */
    uint64_t tries;       /* wrong passwords; after the login, of SITE PSWD */
    struct answer answer; /* the answer to the current login */
    uint64_t fresh;       /* ticket of access_ask() for this login */
    unsigned news;        /* enum session_news */
    TAILQ_ENTRY(session_record) with_news;
    pid_t pid;          /* a child of master; 0: none, or reaped */
    bool counts;        /* gate knows it */
    int status;         /* from wait(2) */
    enum ending killed; /* why master has killed it; 0: it hasn't */
    /* The session and its files were killed after its end. Nothing waits for
     * them: they may hang on a disk. */
    bool abandoned;

    struct older *older; /* the older generation; NULL: this one */
    size_t row;          /* in its roster */
    bool unknown;        /* its client isn't known yet */
    enum ending why;     /* reason of the last order to kick it */
    uint32_t look;       /* the `look_at` without an answer; 0: none */
    bool look_by_newest; /* the newest master asked for it */
    bool finishes;       /* it was told to end after its transfer */
    uint64_t answers; /* counts answers in the roster, for the newest master */

    unsigned rights, rights_everywhere; /* user_rights() */
    enum upload_eof upload_eof;
    enum data_binding binding;
    uint64_t version; /* user_version() of the row at the login */
    struct session_limits limits;
    bool must_change; /* the user must change the password since the login */
    struct files_process
        files; /* files.end is the session's end of their channel */

    struct session_record *next; /* in its bucket, or in the free list */
    struct session_record *unswept;
    bool marked; /* it is in the list `unswept` */
};

TAILQ_HEAD(session_list, session_record);

#define STRANGERS 64
struct session_table {
    struct session_record *all;
    size_t size;    /* records */
    size_t touched; /* records that were ever in use: the first of `all` */
    size_t limit;   /* max_sessions, for sessions that begin here */
    size_t living;  /* not FREE, not ENDED */
    size_t used;    /* not FREE */
    struct session_record **bucket;
    size_t buckets; /* a power of two */
    uint8_t hash_key[SIPHASH_KEY];
    struct session_record *free;
    struct session_list with_news;
    /* Processes that were reaped and belonged to nothing, at pid % STRANGERS:
     * gate may announce one as a session later. */
    pid_t stranger[STRANGERS];
    int stranger_status[STRANGERS];
    struct session_record *unswept; /* records that may be free at the end of
                                     * the turn */
    struct hanging_table hanging;
    uint64_t reports; /* debt_take(): bounds the log lines about a full table */
};

/* For each record S of the table T that was ever in use, also for free ones. */
#define SESSIONS_EACH(t, s)                                                    \
    for (struct session_record *s = (t)->all; s < (t)->all + (t)->touched; s++)

/* Allocates all memory of the table, for PLACES sessions that live. Returns 0
 * or -ENOMEM. */
int sessions_init(struct session_table *t, size_t limit, size_t places);
/* Returns how many records a table for PLACES sessions has. */
size_t sessions_records(size_t places);
void sessions_release(struct session_table *t);
struct session_record *sessions_find(struct session_table *t, uint64_t serial);
/* Call it when the child PID was reaped, whatever it was. Returns true if it
 * was a session, or the files of one. */
bool sessions_reaped(struct session_table *t, pid_t pid, int status);
/* Counts the sessions in the account NUMBER, also sessions of older
 * generations, without S. A session counts until its process files has ended,
 * or hangs. If S is of an older generation, a kicked session doesn't count. */
size_t sessions_of_account(const struct session_record *s, uint64_t number);
/* Is S in that account? */
bool session_is_in(const struct session_record *s, uint64_t number);
size_t sessions_logged_in(const struct session_table *t);
/* Returns an empty record, which counts as living, or NULL if none is free. */
struct session_record *sessions_take(struct session_table *t, uint64_t serial);
void sessions_give_back(struct session_table *t, struct session_record *s);

/* A session's process, and the other ends of its pairs. */
struct session_ends {
    int master, log, keys;
    pid_t pid;
};
/* Opens a record in state GREETED, which takes the ends. PROXIED: PEER is a
 * proxy, and the session can do nothing until session_set_client(). If the loop
 * can't watch the session, it has ended on return. Returns NULL if there are
 * max_sessions; then the descriptors stay the caller's. */
struct session_record *session_open(struct master *m, uint64_t serial,
                                    const struct address *peer,
                                    const struct address *local, bool proxied,
                                    const struct session_ends *ends);
/* Admits the session of a client at PEER, which has connected to SERVER.
 * Returns false if the address was known already. */
bool session_set_client(struct session_record *s, const struct address *peer,
                        const struct address *server);
/* Closes the channels to the session, so that it leaves. The record stays until
 * the end of the turn, session and files are reaped, and gate has the news. */
void session_end(struct session_record *s);
/* Call it when master has reaped the session; STATUS is from wait(2). */
void session_gone(struct session_record *s, int status);
/* Kills the session's process, which then logs nothing itself; WHY is for
 * master's line in the log. */
void session_kill_process(struct session_record *s, enum ending why);
/* Kills the session's process, and ends the session. If S is of an older
 * generation, orders its master to do so. */
void session_kill(struct session_record *s);
/* Call it when the session has ended for master: kills its remaining processes,
 * and waits for them no more. */
void session_abandon(struct session_record *s);
/* Sends MSG_kick; the kill follows after the deadline `kick`. */
void session_kick(struct session_record *s, enum ending why);
/* Ends the session after the transfer under way, without a deadline. */
void session_finish(struct session_record *s);
/* Is the session being served, here or in an older generation? */
bool session_is_served(const struct session_record *s);
/* Sets the timer for the current state. */
void session_set_timer(struct session_record *s, uint64_t ms);
/* The record may be unused now: marks it for sessions_sweep(). */
void session_mark(struct session_record *s);
/* Frees the unused records. Call it only at the end of a turn of the loop: no
 * callback may find that its session's record has another owner. */
void sessions_sweep(struct master *m);

/* Asks S for its work, unless it was asked already. Returns true if an answer
 * can come. */
bool look_begin(struct session_record *s);
/* Passes the answer of S on. */
void look_answered(struct session_record *s, struct msg_doing *msg);
/* Handler of `doing` from a session of this generation. */
int look_on_doing(void *owner, struct msg_doing *msg);

/* drain.c: "sallyportctl drain" */

/* DRAIN_ON: the drain begins in MS: then each client is refused, and each
 * session ends after its transfer. Until then only the health checks of proxies
 * get 421. DRAIN_OFF: the service takes sessions again. */
void drain_set(struct master *m, enum drain_order order, uint64_t ms);
bool drain_is_on(const struct master *m);
/* Returns clock_ms() of the drain's beginning, which may be in the future; 0:
 * no drain is ordered. */
uint64_t drain_begins(const struct master *m);
/* Obeys the last order. Call it before `up`, and when an older generation has
 * taken another order. MASTER: a struct master. Its timer calls it, too. */
void drain_follow(void *master);

/* The messages between master and gate about sessions. */

/* Adds news for gate. If no gate is ready, adds none: the next gate gets
 * everything when it is ready (gate_on_ready()), and a record that waited for
 * that gate would hold up a stop. */
void session_add_news(struct session_record *s, enum session_news news);
/* Drops the news of S: it was sent, or nobody needs it. */
void session_forget_news(struct session_record *s);
/* Sends the news as long as gate takes it, and then `open` if this generation
 * leads. */
void sessions_send_news(struct master *m);
/* For the row of gate (run.c): a new gate gets all sessions. */
void gate_on_ready(struct child *c);
/* For the same row: no gate counts the sessions now. */
void gate_on_reaped(struct child *c, int status);

/* Handlers of gate's messages; owner: struct child. */
int gate_on_session(void *owner, struct msg_session *msg);
int gate_on_session_peer(void *owner, struct msg_session_peer *msg);
int gate_on_kill(void *owner, struct msg_kill *msg);

/* roster.c: the table of a generation's sessions, in memory that the supervisor
 * keeps, as "sessions N". Row N is for record N of the session table. That
 * generation's master writes the facts, and the newest master writes the
 * orders. The supervisor marks the table when the generation has ended.
 * GENERATION_VERSION is the version of these structs. */

/* ms between two looks of a master at what another master has written into a
 * roster. */
#define ROSTER_LOOK_MS 50

/* The session's report about its work: the fields of `doing`. */
struct roster_doing {
    char client[128], tls[128], verb[32], path[MESSAGE_TEXT_MAX + 1];
    uint64_t bytes, of, ms;
};

struct roster_facts {
    uint64_t serial;
    struct address peer, local;
    bool unknown;         /* PEER is a proxy; the client isn't known yet */
    int64_t since, login; /* login 0: nobody has logged in */
    uint64_t version;     /* user_version() of the row */
    char user[USER_NAME_MAX + 1];
    bool gone; /* it has ended, with this status of wait(2) */
    int status;
    uint64_t answers; /* counts answers to `doing` for the newest master */
};

struct roster_row {
    uint64_t turn; /* odd while its master writes the facts */
    struct roster_facts facts;
    /* The last answer to ORDER_LOOK; written before `answers` counts it. */
    struct roster_doing doing;
    /* Written by the newest master. The row may have another session by the
     * time the order is read. */
    uint64_t ordered; /* the serial of the session that the orders are for */
    unsigned orders;  /* enum session_order, until its master takes them */
    unsigned why;     /* of ORDER_KICK: enum ending, or WHY_FINISH */
};

struct roster {
    uint64_t ended; /* the supervisor's mark; it must be the first member */
    uint64_t row_size, rows;
    uint64_t used;    /* rows that were ever written: the first of `row` */
    uint64_t changes; /* counts the changes of facts */
    uint64_t orders;  /* counts the orders given */
    struct roster_row row[];
};

size_t roster_size(size_t rows);
/* roster_map() maps a roster of ROWS rows; FD -1: private memory, for a test.
 * roster_map_all() maps all rows that FD has. No fork of master inherits the
 * memory. Return 0 or -errno. */
int roster_map(int fd, size_t rows, struct roster **ret);
int roster_map_all(int fd, struct roster **ret);
void roster_unmap(struct roster **r);
bool roster_has_ended(const struct roster *r);
/* The session's own master calls this. */
void roster_write(struct roster *r, size_t row, const struct roster_facts *f);
/* The newest master calls this. Returns false while the facts change, or if
 * they haven't changed since the read that has set *TURN (0: there was none).
 */
bool roster_read(const struct roster *r, size_t row, uint64_t *turn,
                 struct roster_facts *ret);
size_t roster_used(const struct roster *r);
uint64_t roster_changes(const struct roster *r);
/* Gives the order WHAT for the session SERIAL. WHY is for ORDER_KICK. */
void roster_order(struct roster *r, size_t row, uint64_t serial, unsigned what,
                  enum ending why);

/* A master's own roster. */

/* Write the facts of S, or its end, into this generation's roster. */
void session_publish(struct session_record *s);
void session_unpublish(struct session_record *s);
/* Writes the answer to the newest master's question, and the facts of S. */
void session_publish_doing(struct session_record *s,
                           const struct msg_doing *msg);
/* Call it when this generation retires: from now on it obeys the orders in its
 * roster. */
void orders_follow(struct master *m);

/* older.c: the older generations, as the newest master knows them: a roster of
 * each, and a record for each of their sessions. Only the session's own master
 * can end its process. */
#define OLDER_MAX 8 /* older generations beside this one */

/* The result of the last look at a row. */
struct older_row {
    uint64_t turn;
    struct session_record *session; /* NULL: it has ended, or there was none */
};

struct older {
    struct master *master;
    uint64_t generation;
    struct roster *roster; /* NULL: there is none */
    struct older_row *row; /* of the roster */
    uint64_t seen;         /* roster_changes() of the last look */
};

/* Maps the roster FD. Returns whether that was possible. */
bool older_open(struct older *o, int fd);
/* Opens the rosters that this master has inherited, and keeps them. */
void older_inherit(struct master *m);
/* Counts the older generations that live. */
size_t older_count(const struct master *m);
/* Call it when this master leads: looks at the rosters now, and from now on
 * every ROSTER_LOOK_MS. */
void older_lead(struct master *m);
/* Looks at all rosters at once. */
void older_look_all(struct master *m);
/* Unmaps all rosters, and frees their records. */
void older_release(struct master *m);
void older_order(struct session_record *s, enum session_order order);

#endif
