/* Master's records of sessions, from gate's report of a session to the end of
 * the session and of its process files; the sessions of older generations;
 * bans. */
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
#include "sessions/turns.h"

struct guess;
struct session_record;

/* The bans of this service. */

/* The name under which the supervisor keeps the table of bans. A build with
 * another layout of struct bans uses another number. Its table is then new, and
 * gets the bans of the file in `state`. */
#define BANS_NAME "bans 1"

struct banning {
    struct bans *table; /* shared by all masters of the service; gate reads it
                         */
    struct ban_index index;
    bool writes;      /* true while a fork writes the file in `state` */
    bool renames;     /* true if this fork only renames the unread file */
    uint64_t writing; /* table->changes when the last write began */
    int error;        /* errno of the last write, already logged; 0: none */
};

/* Maps the table in m->memory[MEMORY_BANS]; -1: in private memory, for a test.
 * A new table gets the bans of the file in `state`. Call it before master
 * enters its sandbox. Returns 0 or -errno. SHARED_UNMAP() unmaps the table. */
int banning_init(struct master *m);
/* Starts a fork that writes the file in `state`, if the table has changed since
 * the last write. */
void banning_save(struct master *m);
/* Call it when this generation runs: writes the file even if the table hasn't
 * changed, since an earlier generation can have written it into another
 * `state`. */
void banning_begin(struct master *m);
/* Adds BAN, and logs it if it is automatic. Kicks the sessions of its network
 * with the reason WHY: all sessions, or for an automatic ban only sessions
 * without a login; but no session of a network in no_ban. *ended gets the
 * number of kicked sessions. Returns 0; -ENOSPC: the table is full of the
 * administrator's bans. */
int banning_add(struct master *m, const struct ban *ban, enum ending why,
                size_t *ended);
/* Call it when a wrong password was counted: bans the client's address PEER if
 * N, the number of its wrong passwords, has reached ban_after. */
void banning_guessed(struct master *m, const struct address *peer, uint64_t n);
/* Call it when the process of S has ended; STATUS is from wait(2). Bans the
 * client's address if the process has crashed. */
void banning_ended(const struct session_record *s, int status);
/* Kicks S, which gate has just reported, if its client was banned after gate
 * let the client in. */
void banning_review(struct session_record *s);

/* Master's data about one process files, from its fork to its end. This struct
 * is a part of the session's record. The functions report to login.c. */
struct files_process {
    struct session_record *session;
    char user[USER_NAME_MAX + 1];
    char path[USER_HOME_MAX + 1];
    uid_t uid;
    pid_t pid; /* 0: no process */
    struct channel channel;
    struct loop_watch watch;
    struct service_channel *log;
    int end; /* the session's end of its channel to files; -1: there is none, or
              * the session has it */
    char opens[USER_HOME_MAX + 1]; /* path in its last message `files_opens`;
                                    * "": none came */
    bool away; /* it has failed, since its disk can't be reached */
    /* Hashes of device and inode of the home and the shares that it has opened
     * on local disks; 0: not that one. other: to which directory the path of
     * one of them leads now; 0: no path leads elsewhere. */
    uint64_t opened[1 + USER_MOUNTS_MAX];
    uint64_t other;
};

/* A process files that was killed, but hasn't ended, since it waits for a disk.
 */
struct hanging {
    pid_t pid;
    uint64_t user, place;
};

/* The mark of a directory on a disk that didn't answer in time. While `late` is
 * true, no process files opens the directory; forks of master try to open it.
 */
#define HANGING_MARKS ERRANDS_MARKS

struct hanging_mark {
    struct master *master;
    uint64_t place; /* hash of the path; 0: the mark was never used */
    bool late;
    uint64_t pause; /* ms before the next try; kept for the next time that the
                     * directory is late */
    struct loop_timer timer; /* until the next try */
    char path[2 * USER_HOME_MAX + 2];
};

struct hanging_table {
    struct hanging *all;
    size_t count, size;
    struct hanging_mark *mark;
};
/* A user with this many processes that hang can't log in. */
#define HANGING_PER_USER 16

/* Allocates the table for SIZE processes, and the marks. Returns 0; -1: memory
 * is short. */
int hanging_init(struct hanging_table *t, size_t size);
void hanging_release(struct hanging_table *t);
/* Takes over the process files PID from its session. USER is the number of the
 * user's account. PLACE is the hash of the directory that was late when the
 * process started; 0: none was. Returns false if the table is full; then the
 * process stays with its session. */
bool hanging_add(struct hanging_table *t, pid_t pid, uint64_t user,
                 uint64_t place);
/* Call it when the child PID was reaped: removes it. Returns true if PID was in
 * the table. */
bool hanging_reaped(struct hanging_table *t, pid_t pid);
struct hanging *hanging_find(struct hanging_table *t, pid_t pid);
/* Call it when the directory PATH was late; PLACE is its hash. From now on
 * forks of master try to open the directory, after pauses that grow from 1 s to
 * 1 minute. Does nothing if all marks are in use. */
void hanging_mark(struct master *m, uint64_t place, const char *path);
/* Returns true if the mark of PLACE says that it is late or, if PLACE has no
 * mark, if a process in the table waits for PLACE. */
bool hanging_is_late(const struct hanging_table *t, uint64_t place);
size_t hanging_of_user(const struct hanging_table *t, uint64_t user);

/* Makes F, in the record of S, empty: no process, no descriptors. */
void files_blank(struct files_process *f, struct session_record *s);
/* Forks the process files for USER. Can call home_lost() before it
 * returns. Returns 0; -EBUSY: an earlier process files of this session hasn't
 * ended yet; or another -errno. */
int files_fork(struct files_process *f, const struct user *user);
/* Closes the channels to files, so that files ends. */
void files_hang_up(struct files_process *f);
/* Kills the process, unless master has reaped it. */
void files_kill(struct files_process *f);
/* Kills the process, and moves it to the table of hanging processes, so that
 * the session's record needn't wait for its end. PLACE: as for hanging_add().
 */
void files_abandon(struct files_process *f, uint64_t place);
/* Call it when the process wasn't ready in time: reports the directory that
 * doesn't answer, and calls files_abandon(). USER is the user's row, or NULL.
 * Returns true if the user can enter the home without that directory. */
bool files_were_late(struct files_process *f, const struct user *user);
/* Returns true, and reports why, if the home of USER is late itself, or if
 * HANGING_PER_USER processes of USER hang. */
bool files_home_is_late(struct files_process *f, const struct user *user);
/* Kicks each session after its home or share was replaced on the disk: nobody
 * else would see what it stores there. Looks again and again. */
void files_watch(struct master *m);
/* Call it when the process was reaped. */
void files_reaped(struct files_process *f, int status);

/* The sessions. A session has a record from gate's message `session` until the
 * session and its process files have ended. */
enum session_state {
    SESSION_FREE,
    SESSION_GREETED, /* no user is logged in */
    SESSION_WAITING, /* has sent `login`; waits for a look at the users file */
    SESSION_QUEUED,  /* has got a channel, and sends the password into it; no
                      * auth worker has taken the login yet */
    SESSION_VERIFY,  /* an auth worker verifies the password */
    SESSION_DELAYED, /* the answer is delayed */
    SESSION_WRITING, /* a fork writes the new password */
    SESSION_OPENING, /* files was forked, and hasn't sent `ready` yet */
    SESSION_USER,   /* logged in. During SITE PSWD the state is WAITING, QUEUED,
                     * VERIFY, DELAYED or WRITING, and s->login > 0 */
    SESSION_OLDER,  /* of an older generation; its own master has its real
                     * state */
    SESSION_KICKED, /* master has ordered it to end */
    SESSION_ENDED   /* its channel is closed, but master hasn't reaped both
                     * processes yet, or gate hasn't got the news yet */
};

/* News of a session that gate must get. */
enum session_news {
    NEWS_LOGIN = 1, /* the user has logged in */
    NEWS_THERE = 2, /* the session exists: it is of an older generation, or an
                     * earlier gate began it */
    NEWS_GONE = 4,  /* the session has ended */
};

/* Orders that the newest master writes into the roster of an older generation,
 * for that generation's master. */
enum session_order {
    ORDER_KICK = 1, /* with the reason s->why */
    ORDER_ASK = 4,  /* 2 was in use */
};
/* ORDER_KICK with this reason orders a session to end after its transfer,
 * without a deadline. ENDING_SHUTDOWN is free for this use: a master that stops
 * kicks only sessions of its own generation, for which it needs no order. */
#define WHY_FINISH ENDING_SHUTDOWN

/* One attempt to log in. */
struct guess {
    uint64_t name;   /* keyed hash of the name; 0: auth sent none */
    uint64_t factor; /* keyed hash of the secret of the user's second factor,
                      * for guesses_code() */
    struct address peer; /* the client */
    bool trusted; /* PEER is in no_ban: its failures don't count for prefixes */
};

/* A worker's verdict on a name and password. */
struct verdict {
    bool right;
    bool failed; /* auth has computed no hash, so the password is neither right
                  * nor wrong */
    char
        user[USER_NAME_MAX + 1]; /* the user's name, if the password is right */
    uint64_t version; /* user_version() of the newest row, if auth has this row;
                       * otherwise 0 */
    struct guess guess;
    uint64_t delay;               /* ms, due to earlier failures */
    enum password_fault fault;    /* fault of a new password */
    char hash[USER_HASH_MAX + 1]; /* of a new password; "": none */
};

struct answer {
    struct verdict verdict;
    uint64_t asked; /* clock_ms() when the session's `login` came */
    uint64_t at;    /* clock_ms() at which master answers a delayed login */
    bool busy;      /* the login would wait too long, so the answer is BUSY */
};

struct older;

/* The account of a user or of a team, which sessions share, and its limits,
 * from the row or the settings. A limit of 0 is no limit. */
struct account_limits {
    uint64_t number; /* a keyed hash of the name */
    uint64_t sessions;
};

/* The limits of one session, from the row of its user. */
struct session_limits {
    struct account_limits
        account[1 + USER_TEAMS_MAX]; /* first the user's, then the teams' */
    uint64_t accounts;               /* number of accounts */
    uint64_t file_size, up, down;
};

struct session_record {
    struct master *master;
    uint64_t serial;
    enum session_state state;
    struct address peer, local;
    struct address server; /* the address to which the client has connected */
    bool proxied;          /* the client has come by a proxy, and the session
                            * itself reads the client's address */
    time_t since, login;   /* login 0: not yet */
    uint64_t born;         /* clock_ms() when the session began */
    struct channel channel;
    struct loop_watch watch;
    struct loop_timer timer; /* belongs to the current state */
    struct service_channel *log, *keys;
    uint32_t request;     /* number of the session's request `login` */
    uint64_t tries;       /* wrong passwords; after the login, those sent with
                           * SITE PSWD */
    struct answer answer; /* the answer to the current login */
    uint64_t fresh;       /* ticket of access_ask() for this login */
    int auth;             /* auth's end of the channel for the password, until a
                           * worker takes the login; or -1 */
    struct loop_watch password; /* until the password lies in that channel */
    struct turn turn;           /* from then on */
    unsigned news;              /* bits of enum session_news */
    TAILQ_ENTRY(session_record) with_news;
    pid_t pid;          /* a child of master; 0: none, or reaped */
    bool counts;        /* gate knows the session, and counts it */
    int status;         /* from wait(2) */
    enum ending killed; /* why master has killed it; 0: master hasn't */
    /* session_abandon() has killed the session and its files. A generation that
     * retires doesn't wait for this session, since a disk can make it hang. */
    bool abandoned;

    struct older *older; /* the session's older generation; NULL: the session is
                          * of this generation */
    size_t row;      /* the session's row in the older generation's roster */
    bool unknown;    /* its client isn't known yet */
    enum ending why; /* reason of the last order to kick it */
    uint32_t
        asked; /* number of the `look_at` that waits for an answer; 0: none */
    bool asked_by_newest; /* the newest master has asked */
    bool finishes;        /* master has told it to end after its transfer */
    uint64_t ordered;     /* clock_ms() of its own master's order to end it */
    uint64_t answers;     /* number of its answers in the roster */

    unsigned rights, rights_everywhere; /* user_rights() */
    enum upload_eof upload_eof;
    enum data_binding binding;
    uint64_t version; /* user_version() of the row at the login */
    struct session_limits limits;
    bool must_change; /* at the login, the row had must_change= */
    struct files_process files;

    struct session_record *next; /* in its bucket, or in the free list */
    struct session_record *unswept;
    bool marked; /* the record is in the table's list `unswept` */
};

/* Functions that the sub-rooms below logins call of logins, which
 * fills them in. */
struct table_hooks {
    int (*login)(void *owner, struct msg_login *msg);
    void (*timer)(struct session_record *s);      /* of a login or SITE PSWD */
    void (*leave)(struct session_record *s);      /* waits for no worker now */
    void (*home_ready)(struct session_record *s); /* its process files is */
    void (*home_lost)(struct session_record *s);  /* it has ended or failed */
    void (*review)(struct session_record *s);     /* may it stay, by its row? */
    void (*forget)(struct master *m); /* the users' texts, in files' fork */
};

TAILQ_HEAD(session_list, session_record);

#define STRANGERS 64
struct session_table {
    struct session_record *all;
    size_t size;    /* records */
    size_t touched; /* records that were ever in use: all[0 … touched - 1] */
    size_t limit;   /* max_sessions, for sessions of this generation */
    size_t living;  /* records that are neither FREE nor ENDED */
    size_t used;    /* records that aren't FREE */
    struct session_record **bucket;
    size_t buckets; /* a power of two */
    uint8_t hash_key[SIPHASH_KEY];
    struct session_record *free;
    struct session_list with_news;
    struct turns turns; /* of the passwords that have come */
    uint64_t *delayed;  /* for network_count(), in us: delayed answers */
    /* Reaped processes that no part of master knew, with their statuses; the
     * index is pid % STRANGERS. Gate can announce such a process as a session
     * later. */
    pid_t stranger[STRANGERS];
    int stranger_status[STRANGERS];
    struct session_record *unswept; /* records that sessions_sweep() must check
                                     */
    struct hanging_table hanging;
    uint64_t reports; /* for debt_take(): limits log lines about a full table */
};

/* Goes through each record S of the table T that was ever in use, also if S is
 * free now. */
#define SESSIONS_EACH(t, s)                                                    \
    for (struct session_record *s = (t)->all; s < (t)->all + (t)->touched; s++)

/* Allocates all memory of the table, for PLACES living sessions. LIMIT is
 * max_sessions. Returns 0 or -ENOMEM. */
int sessions_init(struct session_table *t, size_t limit, size_t places);
/* Returns how many records a table for PLACES living sessions has. */
size_t sessions_records(size_t places);
void sessions_release(struct session_table *t);
struct session_record *sessions_find(struct session_table *t, uint64_t serial);
/* Call it when any child PID was reaped. Returns true if PID was a session, or
 * the process files of a session. */
bool sessions_reaped(struct session_table *t, pid_t pid, int status);
/* Counts the sessions other than S in the account NUMBER, also sessions of
 * older generations. A session counts until its process files has ended, or is
 * in the table of hanging processes. If S is of an older generation, kicked
 * sessions don't count. */
size_t sessions_of_account(const struct session_record *s, uint64_t number);
/* Is S in the account NUMBER? */
bool session_is_in(const struct session_record *s, uint64_t number);
/* accounts.c: the accounts of a session, and the limits of their rows. */

/* Sets s->limits from ROW. */
void account_take_limits(struct session_record *s, const struct user *row);
/* Have the sessions other than S reached the limit of A, an account of S? */
bool account_is_full(const struct session_record *s,
                     const struct account_limits *a);
/* Returns the first account of S that other sessions have filled; or NULL. */
const struct account_limits *account_full(const struct session_record *s);

size_t sessions_logged_in(const struct session_table *t);
/* Returns an empty record for SERIAL, which counts as living; NULL: no record
 * is free. */
struct session_record *sessions_take(struct session_table *t, uint64_t serial);
void sessions_give_back(struct session_table *t, struct session_record *s);

/* The pid of a session, and the ends of its channels that belong to master, log
 * and keys. */
struct session_ends {
    int master, log, keys;
    pid_t pid;
};
/* Opens a record in the state GREETED, which takes the descriptors in ENDS.
 * PROXIED: PEER is a proxy, and the session can do nothing before
 * session_set_client(). If the loop can't watch the session's channel, the
 * session has ended when this function returns. Returns NULL if max_sessions
 * live, or if no record is free; then the caller still owns the descriptors. */
struct session_record *session_open(struct master *m, uint64_t serial,
                                    const struct address *peer,
                                    const struct address *local, bool proxied,
                                    const struct session_ends *ends);
/* Admits S, the session of a client at PEER, which has connected to SERVER.
 * Returns false if the client was known already. */
bool session_set_client(struct session_record *s, const struct address *peer,
                        const struct address *server);
/* Closes the channels to the session, so that the session ends. The record
 * stays at least until the end of the loop's turn, and until master has reaped
 * the session and its files, and gate has got the news. */
void session_end(struct session_record *s);
/* Call it when master has reaped the session; STATUS is from wait(2). */
void session_gone(struct session_record *s, int status);
/* Kills the session's process. Since this process can't log its end any more,
 * master logs it, with the reason WHY. */
void session_kill_process(struct session_record *s, enum ending why);
/* Kills the process of a session of this generation, and ends the session. */
void session_kill(struct session_record *s);
/* Call it when S is in the state ENDED: kills its remaining processes. From
 * then on a generation that retires doesn't wait for S. */
void session_abandon(struct session_record *s);
/* Orders the session to end, for the reason WHY. If the session hasn't ended by
 * the deadline `kick`, master kills it. */
void session_kick(struct session_record *s, enum ending why);
/* Kicks S by an order of the administrator. Kills S if it has closed its
 * channel: it can't be told. Returns true if S was there. */
bool session_expel(struct session_record *s, enum ending why);
/* Returns true until S has ended or, if an older generation's master must end
 * it, until that has happened. */
bool session_is_shown(const struct session_record *s);
/* Orders the session to end after the transfer under way, without a deadline.
 */
void session_finish(struct session_record *s);
/* Returns true until S is kicked or has ended. S can be a session of an older
 * generation. */
bool session_is_served(const struct session_record *s);
/* Sets the timer for the current state. */
void session_set_timer(struct session_record *s, uint64_t ms);
/* Marks the record for sessions_sweep(), since it can be unused now. */
void session_mark(struct session_record *s);
/* Frees the marked records that are unused. Call it only at the end of a turn
 * of the loop: otherwise a callback could find another session in its record.
 */
void sessions_sweep(struct master *m);

/* Asks S what it does, unless an earlier question waits for its answer. Returns
 * true if the caller can expect an answer. A session of an older generation is
 * asked again, since its master can lose the answer; but the second caller
 * can't expect one. */
bool ask_begin(struct session_record *s);
/* Passes MSG, the answer of S, to the hook `doing` and, if the newest master
 * has asked, also to the newest master. */
void ask_answered(struct session_record *s, struct msg_doing *msg);
/* Handler of `doing` from a session of this generation. */
int ask_on_doing(void *owner, struct msg_doing *msg);

/* drain.c: "sallyportctl drain" */

/* DRAIN_ON: the drain begins after MS ms. From then on gate refuses each
 * client, and each session ends after its transfer. Before the drain begins,
 * only the health checks of proxies get 421. DRAIN_OFF: the service takes
 * sessions again. */
void drain_set(struct master *m, enum drain_order order, uint64_t ms);
bool drain_is_on(const struct master *m);
/* Returns the clock_ms() at which the drain has begun or will begin; 0: no
 * drain was ordered. */
uint64_t drain_begins(const struct master *m);
/* Obeys the last order about a drain. Call it before master sends `up`, and
 * when the master of an older generation has got another order. MASTER: a
 * struct master. A timer calls the function, too. */
void drain_follow(void *master);

/* The messages between master and gate about sessions. */

/* Adds news of S for gate. Does nothing if no gate is ready: gate_on_ready()
 * tells the next gate everything, and a record that waited for that gate would
 * delay a stop. */
void session_add_news(struct session_record *s, enum session_news news);
/* Drops the news of S: master has sent the news, or gate doesn't need it. */
void session_forget_news(struct session_record *s);
/* Sends the news of all sessions until gate takes no more. When gate has all
 * news and this generation leads, also sends `open`, once. */
void sessions_send_news(struct master *m);
/* Tells a new gate of all sessions. The row of gate in master.c calls it. */
void gate_on_ready(struct child *c);
/* Notes that no gate counts the sessions now. The row of gate calls it. */
void gate_on_reaped(struct child *c, int status);

/* Handlers of gate's messages; owner: struct child. */
int gate_on_session(void *owner, struct msg_session *msg);
int gate_on_session_peer(void *owner, struct msg_session_peer *msg);
int gate_on_kill(void *owner, struct msg_kill *msg);

/* The roster (roster.c): the table of one generation's sessions. The supervisor
 * keeps its memory under the name "sessions N", for generation N. Each record
 * of the session table has the row with the same index. The generation's own
 * master writes the facts, and the newest master writes the orders. When the
 * generation has ended, the supervisor marks the table. GENERATION_VERSION is
 * the version of these structs. */

/* Milliseconds after which a master looks again at a roster for news of another
 * master. */
#define ROSTER_LOOK_MS 50

/* A session's answer about what it does: the fields of the message `doing`. */
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
    bool gone;        /* the session has ended */
    int status;       /* if GONE: from wait(2) */
    uint64_t answers; /* counts the answers to ORDER_ASK */
};

struct roster_row {
    uint64_t turn; /* odd while the roster's master writes the facts */
    struct roster_facts facts;
    /* The last answer to ORDER_ASK. The roster's master writes it before it
     * counts it in facts.answers. */
    struct roster_doing doing;
    /* The newest master writes the next three fields. When the roster's master
     * reads them, the row can belong to another session already. */
    uint64_t ordered; /* serial of the session for which the orders are */
    unsigned orders;  /* bits of enum session_order; 0: none, or taken */
    unsigned why;     /* reason of ORDER_KICK: an enum ending, or WHY_FINISH */
};

struct roster {
    uint64_t ended; /* the supervisor's mark; must be the first member */
    uint64_t row_size, rows;
    uint64_t used;    /* rows that were ever in use: row[0 … used - 1] */
    uint64_t changes; /* counts the changes of facts */
    uint64_t orders;  /* counts the orders given */
    struct roster_row row[];
};

size_t roster_size(size_t rows);
/* roster_map() maps a roster of ROWS rows; FD -1: private memory, for a test.
 * roster_map_all() maps all rows that FD has. No fork of master inherits the
 * memory. Both return 0 or -errno. */
int roster_map(int fd, size_t rows, struct roster **ret);
int roster_map_all(int fd, struct roster **ret);
void roster_unmap(struct roster **r);
bool roster_has_ended(const struct roster *r);
/* Writes the facts of a row. Only the roster's own master calls it. */
void roster_write(struct roster *r, size_t row, const struct roster_facts *f);
/* Reads the facts of a row. Only the newest master calls it. Returns false
 * while the roster's master writes the row, or if the row hasn't changed since
 * the read that has set *TURN (0: there was no read). */
bool roster_read(const struct roster *r, size_t row, uint64_t *turn,
                 struct roster_facts *ret);
size_t roster_used(const struct roster *r);
uint64_t roster_changes(const struct roster *r);
/* Writes the order WHAT for the session SERIAL. WHY is the reason of
 * ORDER_KICK. */
void roster_order(struct roster *r, size_t row, uint64_t serial, unsigned what,
                  enum ending why);
/* Writes ORDER for S, a session of an older generation, with s->why. */
void older_order(struct session_record *s, enum session_order order);

/* A master's own roster. */

/* session_publish() writes the facts of S into this generation's roster.
 * session_unpublish() writes that S has ended. */
void session_publish(struct session_record *s);
void session_unpublish(struct session_record *s);
/* Writes MSG, the answer to the newest master's question, into this
 * generation's roster, and the facts of S. */
void session_publish_doing(struct session_record *s,
                           const struct msg_doing *msg);
/* Call it when this generation retires: from now on master obeys the orders in
 * its own roster. */
void orders_follow(struct master *m);

/* The newest master's data about the older generations (older.c): the roster of
 * each generation, and a record for each session in it. Only a session's own
 * master can end the session's process. */
#define OLDER_MAX 8 /* older generations beside this one */

/* The result of the last look at a row. */
struct older_row {
    uint64_t turn;
    struct session_record
        *session; /* NULL: the row has none, or it has ended */
};

struct older {
    struct master *master;
    uint64_t generation;
    struct roster *roster; /* NULL: no generation has this place */
    struct older_row *row; /* one for each row of the roster */
    uint64_t seen;         /* roster_changes() of the last look */
};

/* Maps the roster in FD. Returns false if this isn't possible. */
bool older_open(struct older *o, int fd);
/* Opens the inherited rosters of living generations, and asks the supervisor to
 * keep them. */
void older_inherit(struct master *m);
/* Counts the older generations that live. */
size_t older_count(const struct master *m);
/* Counts what is left of this generation and the older ones. SESSIONS: until
 * their processes have ended. An abandoned session doesn't count: SIGKILL
 * doesn't end a process that waits for a dead disk. UNREAD: ended processes
 * with events that log hasn't read, and older generations, which wait for their
 * own log. */
struct left {
    size_t sessions, unread;
} generation_left(const struct master *m);
/* Call it when this master leads: looks at the rosters now, and from now on
 * every ROSTER_LOOK_MS. */
void older_lead(struct master *m);
/* Looks at all rosters now. */
void older_look_all(struct master *m);
/* Unmaps all rosters, and ends the records of their sessions. */
void older_release(struct master *m);

#endif
