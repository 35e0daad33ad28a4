/* Rules of commands about files: size, facts, listings over the control
 * connection, free room. */
#include "rules.h"
#include "support/test.h"

static struct node *folder_at(struct model *m, const char *path)
{
    struct node *n = tree_find(&m->tree, path);

    return n && n->folder ? n : NULL;
}

static void say_size(struct expected *e, size_t size)
{
    expect(e, 213);
    snprintf(e->says, sizeof(e->says), "213 %zu", size);
}

/* SIZE reports where a partial can be continued, and the model remembers that
 * SIZE has reported it. If there is nothing to continue, the next upload is a
 * whole file. */
void rule_size(struct model *m, const struct call *c, struct expected *e)
{
    const struct node *n = tree_find(&m->tree, c->path);
    const struct node *folder = tree_parent(&m->tree, c->path);
    struct leftover *l = left_find(&m->tree, c->path);
    bool asks = l && !n && folder && folder->mode & TREE_ENTER;
    size_t tells = asks ? l->tells : 0;

    expect(e, 550);
    if (n && !n->folder)
        say_size(e, n->len);
    else if (tells > 0)
        say_size(e, tells);
    if (asks)
        l->reported = tells > 0;
    if (folder)
        told_put(m, c->path, tells, tells > 0 ? l->version : 0,
                 n && !n->folder ? n->version : 0);
}

void rule_mlst(struct model *m, const struct call *c, struct expected *e)
{
    expect(e, model_find(m, c->argument, c->path) ? 250 : 550);
    if (e->code[0] == 250)
        snprintf(e->says, sizeof(e->says), " %s\n", c->path);
}

void rule_stat(struct model *m, const struct call *c, struct expected *e)
{
    if (c->argument.len == 0)
        expect(e, 211);
    else
        expect(e, model_find(m, c->argument, c->path) || model_pattern(m, c)
                      ? 213
                      : 550);
}

void rule_avbl(struct model *m, const struct call *c, struct expected *e)
{
    expect(e, folder_at(m, c->path) ? 213 : 550);
}
