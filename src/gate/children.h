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

/* A session with this serial (0: a new one), counted in the limits. NULL: no
 * place is free. */
struct child *children_add(struct gate *g, uint64_t serial,
                           const struct address *peer,
                           const struct address *local, bool proxied);
/* Its process is known from here on. */
void children_add_pid(struct child *c, pid_t pid);
/* Its place is free. */
void children_put_back(struct child *c);

struct child *children_find(struct gate *g, uint64_t serial);
/* Calls TELL for each session with an open channel. */
void children_each(struct gate *g, void (*tell)(struct child *c));

/* Of the prefix with the most sessions that wait for a login, ends the oldest
 * one. */
void children_make_room(struct gate *g);
/* To be called after SIGCHLD. */
void children_reap(struct gate *g);
/* Reports the ended sessions to master. 0, or -EAGAIN while master doesn't
 * read. */
int children_report(struct gate *g);

#endif
