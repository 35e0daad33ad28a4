/* The sessions as master sees them: each has a record from gate's MSG_session
 * to the end of the session and of its process files. */
#ifndef SALLYPORT_SRC_MASTER_SESSIONS_SESSION_H
#define SALLYPORT_SRC_MASTER_SESSIONS_SESSION_H

#include <sys/types.h>
#include <time.h>

#include "guesses.h"
#include "home.h"
#include "sallyport/base/burst.h"

struct master;
struct older;
struct service_channel;

enum session_state {
    SESSION_FREE,
    SESSION_GREETED, /* nobody is logged in */
    SESSION_WAITING, /* LOGIN has come; no auth worker can take it yet */
    SESSION_VERIFY,  /* an auth worker verifies the password */
    SESSION_DELAYED, /* the answer is delayed */
    SESSION_HELD, /* the answer waits for delayed logins of the same address */
    SESSION_OPENING, /* files was forked; its READY hasn't come yet */
    SESSION_USER,    /* logged in */
    SESSION_OLDER,   /* of an older generation, whose master has the rest */
    SESSION_KICKED,  /* has got MSG_kick */
    SESSION_ENDED /* its channel is closed; files or gate's report is missing */
};

/* The news for gate or, in a generation that drains, for the newest master. */
enum session_news {
    NEWS_LOGGED_IN = 1, /* also: it has begun, or its address is known; the
                           message has all facts */
    NEWS_KILL = 2,
    NEWS_GONE = 4, /* it has ended with s->status */
};

/* The orders for the master of an older generation. */
enum session_order {
    ORDER_PEER = 1,
    ORDER_KICK = 2, /* for the reason s->why */
    ORDER_KILL = 4,
};

/* A worker's verdict on a name and password. */
struct verdict {
    bool right;
    uint64_t generation; /* of the users file */
    size_t row;          /* of the users file, if right */
    struct guess guess;
    uint64_t delay; /* ms, due to earlier failures */
};

struct answer {
    struct verdict verdict;
    uint64_t asked; /* clock_ms() at LOGIN */
    bool slowed;    /* it is delayed, and counts for its address */
};

struct session {
    struct master *master;
    uint64_t serial;
    enum session_state state;
    struct address peer, local;
    time_t since, login; /* login 0: not yet */
    struct channel channel;
    struct loop_watch watch;
    struct loop_timer timer; /* for the present state */
    struct service_channel *log, *keys;
    uint32_t request;     /* number of LOGIN */
    uint64_t tries;       /* wrong passwords so far */
    struct answer answer; /* to the present login */
    unsigned news;        /* enum session_news */
    pid_t pid;  /* reported by gate; 0: none, or reaped. See drain.c */
    int status; /* from wait(2) */

    struct older *older; /* the older generation; NULL: this one */
    unsigned orders;     /* enum session_order */
    enum ending why;
    uint64_t number; /* gate's number of its user */
    bool told;       /* our own session: the newest master knows it */

    unsigned rights;
    enum upload_eof upload_eof;
    enum data_binding binding;
    uint64_t version; /* user_version() of the row at the login */
    struct home home; /* h->end is the session's end of session–files */

    struct session *next; /* in its bucket, or in the free list */
    struct session *unswept;
    bool settles; /* it is in the list of those to sweep */
};

/* How the login (login.c) takes part in a session's life. */
struct session_calls {
    const struct handler *handlers; /* of the session's messages */
    size_t handler_count;
    void (*on_time)(struct session *s); /* the timer ran out, in states before
                                           OPENING is over */
    const struct home_calls *home; /* of the session's files; owner: session */
    void (*on_left)(
        struct session *s); /* the session was kicked, or has ended */
};

/* The receiver of the sessions' news: gate (gate.c) or, in a generation that
 * drains, the newest master (drain.c). */
struct session_audience {
    bool (*is_there)(struct master *m); /* false: the news is dropped */
    void (*tell)(struct master *m);     /* sends as much as it takes now */
    void (*kill)(struct session *s);    /* ends its process */
};

struct session_table {
    const struct session_calls *calls;
    const struct session_audience *audience;
    struct session *all;
    size_t size;   /* records */
    size_t limit;  /* max_sessions */
    size_t living; /* not FREE, not ENDED */
    size_t used;   /* not FREE */
    struct session **bucket;
    size_t buckets; /* a power of two */
    uint8_t hash_key[SIPHASH_KEY];
    struct session *free;
    size_t with_news;
    struct session *unswept; /* may be free at the end of the turn */
    struct burst reports;    /* of sessions that found no room */
};

/* For each record S of the table T, also for free ones. */
#define SESSIONS_EACH(t, s)                                                    \
    for (struct session *s = (t)->all; s < (t)->all + (t)->size; s++)

/* Allocates all memory of the table. Returns 0 or -ENOMEM. */
int sessions_init(struct session_table *t, size_t limit);
void sessions_release(struct session_table *t);
struct session *sessions_find(struct session_table *t, uint64_t serial);
struct session *sessions_by_files(struct session_table *t, pid_t pid);
/* Counts the living processes files of a user, also in older generations. A
 * process that hangs in a dead file system counts after its session's end;
 * otherwise a user could take all records. */
size_t sessions_of_user(const struct session_table *t, const char *name);
size_t sessions_logged_in(const struct session_table *t);
/* Returns an empty record, which counts as living, or NULL: there are
 * max_sessions. */
struct session *sessions_take(struct session_table *t, uint64_t serial);
void sessions_give_back(struct session_table *t, struct session *s);

/* The other ends of a session's pairs. */
struct session_ends {
    int master, log, keys;
};
/* Opens a record in state GREETED, which takes the ends. PROXIED: PEER is a
 * proxy, and the session can do nothing until session_known(). If it can't be
 * watched, it has ended already. Returns NULL if there are max_sessions; then
 * the descriptors stay the caller's. */
struct session *session_open(struct master *m, uint64_t serial,
                             const struct address *peer,
                             const struct address *local, bool proxied,
                             const struct session_ends *ends);
/* The client's address is PEER, and it may enter. Returns false if the address
 * was known already. */
bool session_known(struct session *s, const struct address *peer);
/* Closes the channels to the session, so that it leaves. The record stays until
 * the end of the turn, files is reaped and gate has the news. */
void session_end(struct session *s);
/* Gate has reaped the session; STATUS is from wait(2). */
void session_gone(struct session *s, int status);
/* Ends the session and has its process killed. */
void session_kill(struct session *s);
/* Sends MSG_kick; the kill follows after the deadline `kick`. */
void session_kick(struct session *s, enum ending why);
/* Gate has gone: drops the news. */
void session_forget_news(struct session *s);
void session_add_news(struct session *s, enum session_news news);
/* Sends the news, as far as the audience takes it. */
void sessions_tell(struct master *m);
/* Calls TELL for each session with news until a call fails. Returns 0 or that
 * error. *TOLD: at least one call succeeded. */
int sessions_each_news(struct session_table *t, int (*tell)(struct session *s),
                       bool *told);
/* Is it being served, here or in an older generation? */
bool session_is_there(const struct session *s);
/* Sets the timer for the present state. */
void session_wait(struct session *s, uint64_t ms);
/* The record may have no more use: marks it for sessions_sweep(). */
void session_settle(struct session *s);
/* Frees the records that nothing holds any more. Only for the end of a turn of
 * the loop: no callback may find that its session's record has another owner.
 */
void sessions_sweep(struct master *m);

#endif
