/* The processes that master executes, as one table. */
#ifndef SALLYPORT_SRC_MASTER_CHILDREN_CHILDREN_H
#define SALLYPORT_SRC_MASTER_CHILDREN_CHILDREN_H

#include "child.h"
#include "core/master.h"

struct children {
    struct child child[MASTER_CHILDREN];
    size_t count;
};

#define CHILDREN_EACH(m, c)                                                    \
    for (struct child *c = (m)->children->child;                               \
         c < (m)->children->child + (m)->children->count; c++)

/* Adds a child, which isn't started yet. */
void children_add(struct master *m, const struct child_row *row);
/* Starts all children of kind P. */
void children_start(struct master *m, enum process p);
/* Returns the first child of kind P, or NULL. */
struct child *children_find(const struct master *m, enum process p);
/* Returns the first child of kind P that is ready, or NULL. */
struct child *children_ready(struct master *m, enum process p);
struct child *children_gate(struct master *m);
/* Returns the child with that pid, or NULL. */
struct child *children_by_pid(struct master *m, pid_t pid);
/* Is each child ready, or done with its work? */
bool children_are_up(struct master *m);

#endif
