/* See children.h. Runs in master. */
#include "children.h"

void children_add(struct master *m, const struct child_row *row)
{
    child_init(&m->children->child[m->children->count++], m, row);
}

void children_start(struct master *m, enum process p)
{
    for (size_t i = 0; i < m->children->count; i++)
        if (m->children->child[i].row->process == p)
            child_start(&m->children->child[i]);
}

struct child *children_ready(struct master *m, enum process p)
{
    for (size_t i = 0; i < m->children->count; i++) {
        struct child *c = &m->children->child[i];

        if (c->row->process == p && c->state == CHILD_READY)
            return c;
    }
    return NULL;
}

struct child *children_gate(struct master *m)
{
    return children_ready(m, PROCESS_GATE);
}

struct child *children_by_pid(struct master *m, pid_t pid)
{
    for (size_t i = 0; i < m->children->count; i++)
        if (m->children->child[i].pid == pid)
            return &m->children->child[i];
    return NULL;
}

bool children_are_up(struct master *m)
{
    for (size_t i = 0; i < m->children->count; i++)
        if (!child_is_up(&m->children->child[i]))
            return false;
    return true;
}
