/* See children.h. Runs in master. */
#include "children.h"

void children_add(struct master *m, const struct child_row *row)
{
    child_init(&m->children->child[m->children->count++], m, row);
}

void children_start(struct master *m, enum process p)
{
    CHILDREN_EACH(m, c)
        if (c->row->process == p)
            child_start(c);
}

struct child *children_find(const struct master *m, enum process p)
{
    CHILDREN_EACH(m, c)
        if (c->row->process == p)
            return c;
    return NULL;
}

struct child *children_ready(struct master *m, enum process p)
{
    CHILDREN_EACH(m, c)
        if (c->row->process == p && c->state == CHILD_READY)
            return c;
    return NULL;
}

struct child *children_gate(struct master *m)
{
    return children_ready(m, PROCESS_GATE);
}

struct child *children_by_pid(struct master *m, pid_t pid)
{
    CHILDREN_EACH(m, c)
        if (c->pid == pid)
            return c;
    return NULL;
}

bool children_are_up(struct master *m)
{
    CHILDREN_EACH(m, c)
        if (!child_is_up(c))
            return false;
    return true;
}
