/* The sessions as master sees them: a record each from gate's MSG_session to
 * the end of the session and of its process files. */
#ifndef SALLYPORT_SRC_MASTER_SESSION_H
#define SALLYPORT_SRC_MASTER_SESSION_H

#include <sys/types.h>
#include <time.h>

#include "answer.h"
#include "home.h"
#include "sallyport/base/loop.h"
#include "sallyport/base/siphash.h"
#include "sallyport/domain/outcome.h"
#include "sallyport/ipc/channel.h"
#include "service.h"

struct master;
struct older;

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

struct session_table {
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
    uint64_t told; /* when it was last said that a session found no room */
};

/* Zeroed pages that no fork has: a user's process files need not know who else
 * is there. NULL: there are none. For munmap(2). */
void *master_memory(size_t bytes);
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
/* As log hears of it: with its user, once the password was right. */
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
