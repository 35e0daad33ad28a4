/* The sessions that gate serves. */
#ifndef GATE_CHILDREN_H
#define GATE_CHILDREN_H

#include "child.h"

LIST_HEAD(child_list, child);
STAILQ_HEAD(child_queue, child);
TAILQ_HEAD(child_line, child);

struct children {
    struct child *slot;
    size_t size, buckets;
    struct child_list *serial, *pid;
    struct child_queue unused, ended;
    struct child_line waiting; /* to log in, the oldest first */
};

int children_init(struct gate *g); /* 0 or -ENOMEM */
void children_release(struct gate *g);

/* Adds a session with this serial (0: a new serial), and counts it in the
 * limits. Returns NULL if no place is free. */
struct child *children_add(struct gate *g, uint64_t serial,
                           const struct address *peer,
                           const struct address *local, bool proxied);
/* Notes the process of the session. */
void children_add_pid(struct child *c, pid_t pid);
/* Frees the session's place. */
void children_put_back(struct child *c);

struct child *children_find(struct gate *g, uint64_t serial);
/* Calls TELL for each session with an open channel. */
void children_each(struct gate *g, void (*tell)(struct child *c));

/* Ends the oldest session of the address that has the most sessions without a
 * login. */
void children_make_room(struct gate *g);
/* To be called after SIGCHLD. */
void children_reap(struct gate *g);
/* Reports the ended sessions to master, except adopted ones, whose own master
 * has done that, and frees their places. No callback of a session may call it.
 * 0, or -EAGAIN while master doesn't read. */
int children_report(struct gate *g);

#endif
