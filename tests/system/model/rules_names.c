/* Rules of names: the working directory; making, removing and renaming. */
#include "rules.h"
#include "support/test.h"

/* May a name in the directory of PATH be made, changed or removed? */
static bool may_change(struct model *m, const char *path)
{
    const unsigned bits = TREE_WRITE | TREE_ENTER;
    struct node *folder = tree_parent(&m->tree, path);

    return folder && (folder->mode & bits) == bits;
}

static bool is_root(const char *path)
{
    return path[1] == '\0';
}

/* Expects the path in quotes; a quote in it is doubled (RFC 959, appendix
 * II). */
static void say_quoted(struct expected *e, const char *path)
{
    char *out = e->says;

    *out++ = '"';
    for (; *path; path++) {
        if (*path == '"')
            *out++ = '"';
        *out++ = *path;
    }
    strcpy(out, "\" ");
}

void rule_pwd(struct model *m, const struct call *c, struct expected *e)
{
    (void)c;
    expect(e, 257);
    say_quoted(e, m->cwd);
}

static void enter(struct model *m, const char *path, struct expected *e)
{
    struct node *n = tree_find(&m->tree, path);

    if (!n || !n->folder || !(n->mode & TREE_ENTER)) {
        expect(e, 550);
        return;
    }
    expect(e, 250);
    snprintf(m->cwd, sizeof(m->cwd), "%s", path);
    snprintf(e->says, sizeof(e->says), "Now in %s", path);
}

void rule_cwd(struct model *m, const struct call *c, struct expected *e)
{
    enter(m, c->path, e);
}

void rule_cdup(struct model *m, const struct call *c, struct expected *e)
{
    char up[TREE_PATH_MAX + 1];

    (void)c;
    model_path(m->cwd, slice_from(".."), up);
    enter(m, up, e);
}

void rule_mkd(struct model *m, const struct call *c, struct expected *e)
{
    if (!is_root(c->path) && model_is_bad_name(c->path)) {
        expect(e, 553);
    } else if (tree_find(&m->tree, c->path) || !may_change(m, c->path)) {
        expect(e, 550);
    } else {
        expect(e, 257);
        say_quoted(e, c->path);
        tree_add_folder(&m->tree, c->path);
    }
}

/* RMD also removes the invisible partials in the directory. */
void rule_rmd(struct model *m, const struct call *c, struct expected *e)
{
    const unsigned all = TREE_READ | TREE_WRITE | TREE_ENTER;
    struct node *n = tree_find(&m->tree, c->path);
    bool left = false;

    for (size_t i = 0; i < m->tree.lefts; i++)
        left |= tree_beneath(m->tree.left[i].path, c->path);
    if (!n || !n->folder || is_root(c->path) || !may_change(m, c->path) ||
        tree_is_full(&m->tree, c->path) || (left && n->mode != all)) {
        expect(e, 550);
        return;
    }
    expect(e, 250);
    left_remove_beneath(&m->tree, c->path);
    tree_remove(&m->tree, n);
}

/* Removes the partial of a cut upload when the file of its name is removed,
 * replaced or renamed. */
static void forget_left(struct model *m, const char *path)
{
    struct leftover *l = left_find(&m->tree, path);

    told_put(m, path, 0, 0, 0);
    if (l && may_change(m, path))
        left_remove(&m->tree, l);
}

/* Removes the partial of that name, as DELE does if there is no such file.
 * Returns true if it has removed one. */
static bool delete_left(struct model *m, const char *path)
{
    struct leftover *l = left_find(&m->tree, path);
    struct node *folder = tree_parent(&m->tree, path);

    if (!folder || !(folder->mode & TREE_ENTER))
        return false;
    told_put(m, path, 0, 0, 0);
    if (!l || !may_change(m, path))
        return false;
    left_remove(&m->tree, l);
    return true;
}

void rule_dele(struct model *m, const struct call *c, struct expected *e)
{
    struct node *n = tree_find(&m->tree, c->path);
    bool gone = false;

    if (!n)
        gone = delete_left(m, c->path);
    if (n && !n->folder && may_change(m, c->path)) {
        tree_remove(&m->tree, n);
        forget_left(m, c->path);
        gone = true;
    }
    expect(e, gone ? 250 : 550);
}

void rule_rnfr(struct model *m, const struct call *c, struct expected *e)
{
    bool there = model_find(m, c->argument, c->path) != NULL;

    expect(e, there ? 350 : 550);
    snprintf(m->from, sizeof(m->from), "%s", there ? c->path : "");
}

/* May FROM move to TO? A directory that moves into another one must be
 * writable, since its link to its parent changes. */
static bool may_move(struct model *m, const char *from, const char *to)
{
    struct node *n = tree_find(&m->tree, from);

    return n && may_change(m, from) && may_change(m, to) &&
           (!n->folder || n->mode & TREE_WRITE ||
            tree_parent(&m->tree, from) == tree_parent(&m->tree, to));
}

static void rename_to(struct model *m, const char *from, const char *to,
                      struct expected *e)
{
    const struct node *n = tree_find(&m->tree, from);
    const struct node *there = tree_find(&m->tree, to);
    bool replaces = there && !there->folder && n && !n->folder;

    if (n && n->folder && !there && tree_beneath(to, from)) {
        expect_either(e, 550, 553); /* a directory into itself */
    } else if (n && n == there && !n->folder) {
        expect(e, 250); /* onto itself: nothing is written */
        forget_left(m, to);
    } else if ((there && !replaces) || !may_move(m, from, to)) {
        expect(e, 550);
    } else {
        expect(e, 250);
        tree_move(&m->tree, from, to);
        forget_left(m, from);
        forget_left(m, to);
    }
}

static bool is_file(struct model *m, const char *path)
{
    const struct node *n = tree_find(&m->tree, path);

    return n && !n->folder;
}

void rule_rnto(struct model *m, const struct call *c, struct expected *e)
{
    char from[TREE_PATH_MAX + 1];

    snprintf(from, sizeof(from), "%s", m->from);
    m->from[0] = '\0';
    if (from[0] == '\0')
        expect(e, 503);
    else if (is_file(m, from) && model_is_folders(c->argument))
        expect(e, 550);
    else if (is_root(from) || is_root(c->path))
        expect(e, 550);
    else if (model_is_bad_name(c->path))
        expect(e, 553);
    else
        rename_to(m, from, c->path, e);
}
