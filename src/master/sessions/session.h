/* The sessions as master sees them: a record each from gate's MSG_session to
 * the end of the session and of its process files. */
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
    SESSION_WAITING, /* LOGIN came; no auth worker is there */
    SESSION_VERIFY,  /* a worker is at it */
    SESSION_DELAYED, /* the answer waits for its time */
    SESSION_HELD,    /* the answer waits for others of its address */
    SESSION_OPENING, /* files was forked; READY is awaited */
    SESSION_USER,    /* logged in */
    SESSION_OLDER,   /* of an older generation, whose master has the rest */
    SESSION_KICKED,  /* was told to go */
    SESSION_ENDED    /* its channel is closed; files or gate still count */
};

/* What gate has still to be told; in a generation that drains, what the newest
 * master has. */
enum session_news {
    NEWS_LOGGED_IN = 1, /* or begun, or known: all that there is to say */
    NEWS_KILL = 2,
    NEWS_GONE = 4, /* s->status */
};

/* What the master of an older generation has still to be told. */
enum session_order {
    ORDER_PEER = 1,
    ORDER_KICK = 2, /* s->why */
    ORDER_KILL = 4,
};

/* What a worker said of a name and password. */
struct verdict {
    bool right;
    uint64_t generation; /* of the users file */
    size_t row;          /* in it, if right */
    struct guess guess;
    uint64_t delay; /* earned, in ms */
};

struct answer {
    struct verdict verdict;
    uint64_t asked; /* clock_ms() of LOGIN */
    bool slowed;    /* it has a delay, and counts for its address */
};

struct session {
    struct master *master;
    uint64_t serial;
    enum session_state state;
    struct address peer, local;
    time_t since, login; /* login 0: nobody has logged in */
    struct channel channel;
    struct loop_watch watch;
    struct loop_timer timer; /* of the state */
    struct service_channel *log, *keys;
    uint32_t request;     /* LOGIN's number */
    uint64_t tries;       /* wrong passwords so far */
    struct answer answer; /* to the login under way */
    unsigned news;        /* enum session_news */
    pid_t pid;            /* gate's word; 0: none, or reaped. See drain.c */
    int status;           /* of its end */

    struct older *older; /* whose it is; NULL: ours */
    unsigned orders;     /* enum session_order */
    enum ending why;
    uint64_t number; /* its user, as gate knows it */
    bool told;       /* ours: the newest master knows of it */

    unsigned rights;
    enum upload_eof upload_eof;
    enum data_binding binding;
    uint64_t version; /* user_version() of the row that let it in */
    struct home home; /* its end is session's of session–files */

    struct session *next; /* in its bucket, or in the free list */
};

/* What its login does with a session (login.c). */
struct session_calls {
    const struct handler *handlers; /* of its messages */
    size_t handler_count;
    void (*on_time)(struct session *s); /* its timer, up to OPENING */
    void (*on_home_ready)(struct session *s);
    void (*on_home_lost)(struct session *s);
    void (*on_left)(struct session *s); /* it was kicked, or has ended */
};

/* Who hears the news of the sessions: gate (gate.c); in a generation that
 * drains, the newest master (drain.c). */
struct session_audience {
    bool (*is_there)(struct master *m); /* else there is no news */
    void (*tell)(struct master *m);     /* as far as it can take it now */
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
    struct burst reports; /* of sessions that found no room */
};

/* Each record S of the table T, also those that are free. */
#define SESSIONS_EACH(t, s)                                                    \
    for (struct session *s = (t)->all; s < (t)->all + (t)->size; s++)

/* All memory is allocated here. 0 or -ENOMEM */
int sessions_init(struct session_table *t, size_t limit);
void sessions_release(struct session_table *t);
struct session *sessions_find(struct session_table *t, uint64_t serial);
struct session *sessions_by_files(struct session_table *t, pid_t pid);
/* By living processes files: one that hangs in a dead file system counts after
 * its session, or a user could take all records. Those of older generations
 * count, too. */
size_t sessions_of_user(const struct session_table *t, const char *name);
size_t sessions_logged_in(const struct session_table *t);
/* An empty record, living; NULL: there are max_sessions. */
struct session *sessions_take(struct session_table *t, uint64_t serial);
void sessions_give_back(struct session_table *t, struct session *s);

/* The far ends of a session's pairs. */
struct session_ends {
    int master, log, keys;
};
/* A record in state GREETED; the ends become its own. PROXIED: PEER is a proxy,
 * and until session_known() it can do nothing. NULL: there are max_sessions
 * already, and the descriptors stay the caller's. */
struct session *session_open(struct master *m, uint64_t serial,
                             const struct address *peer,
                             const struct address *local, bool proxied,
                             const struct session_ends *ends);
/* Its client has that address, and may enter. False: it is known already. */
bool session_known(struct session *s, const struct address *peer);
/* Closes what leads to the session, which makes it go. The record stays until
 * files is reaped and gate knows. */
void session_end(struct session *s);
/* Gate has reaped it: how, as wait(2) says it. */
void session_gone(struct session *s, int status);
/* Also has gate kill it. */
void session_kill(struct session *s);
/* MSG_kick, and the kill 2 s later. */
void session_kick(struct session *s, enum ending why);
/* Gate is no more: it need not be told anything. */
void session_forget_news(struct session *s);
void session_add_news(struct session *s, enum session_news news);
/* Tells the news, as far as whoever hears them can take it. */
void sessions_tell(struct master *m);
/* The sessions with news, one after the other, to TELL, until one fails: 0 or
 * that error. *TOLD: there was one before it. */
int sessions_each_news(struct session_table *t, int (*tell)(struct session *s),
                       bool *told);
/* It is being served, here or in an older generation. */
bool session_is_there(const struct session *s);
/* (Re)arms the timer of the state. */
void session_wait(struct session *s, uint64_t ms);
/* Frees the record if nothing holds it any more. */
void session_settle(struct session *s);

#endif
