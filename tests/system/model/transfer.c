/* The results of a transfer: the files after it, and the bytes that it must
 * have moved. */
#include <fnmatch.h>

#include "model.h"
#include "support/fail.h"
#include "support/test.h"

void transfer_over(struct model *m)
{
    free(m->transfer.head);
    m->transfer = (struct transfer){ .flow = FLOW_NONE };
}

/* Reads the name of "150 FILE: /a/b.0123456789abcdef" (RFC 1123 4.1.2.9). */
void transfer_named(struct model *m, const char *reply)
{
    const char *path = strstr(reply, "FILE: ");

    if (strcmp(m->transfer.verb, "STOU") != 0)
        return;
    FAIL_IF(!path || path[6] != '/', "STOU without a name: %s", reply);
    snprintf(m->transfer.path, sizeof(m->transfer.path), "%s", path + 6);
    FAIL_IF(tree_find(&m->tree, path + 6), "STOU over a file: %s", reply);
}

/* Returns the bytes with which the transfer began, followed by those that came.
 * The caller frees them. */
static unsigned char *whole(const struct transfer *t,
                            const unsigned char *bytes, size_t len)
{
    unsigned char *all = malloc(t->first + len + 1);

    FAIL_IF(!all, "no memory");
    memcpy(all, t->head, t->first);
    if (len > 0)
        memcpy(all + t->first, bytes, len);
    return all;
}

static bool may_rename(struct model *m)
{
    return tree_parent(&m->tree, m->transfer.path)->mode & TREE_WRITE;
}

/* Does a cut after LEN bytes change nothing? If .waits, the server cuts the
 * partial only when the first byte comes, and until then the length that SIZE
 * has reported counts. The server never keeps a copy of the finished file. */
static bool changes_nothing(const struct transfer *t, size_t len)
{
    return t->flow != FLOW_UP || t->copies || (t->waits && len == 0);
}

/* Keeps a partial if it can be continued, if SIZE has reported it or its
 * predecessor, or if it can't be removed. */
void transfer_cut(struct model *m, const unsigned char *bytes, size_t len)
{
    struct transfer *t = &m->transfer;
    struct leftover *l = left_find(&m->tree, t->path);
    unsigned char *all;

    if (changes_nothing(t, len)) {
        transfer_over(m);
        return;
    }
    const size_t cut = t->first + len;
    if (left_tells(cut, t->first) > 0 || (l && l->reported) || !may_rename(m)) {
        all = whole(t, bytes, len);
        left_put(&m->tree, t->path, all, cut, t->first);
        free(all);
    } else if (l) {
        left_remove(&m->tree, l);
    }
    transfer_over(m);
}

void transfer_stored(struct model *m, const unsigned char *bytes, size_t len,
                     struct expected *e)
{
    struct transfer *t = &m->transfer;
    struct leftover *l = left_find(&m->tree, t->path);
    unsigned char *all;
    char in_all[40] = "";

    if ((t->least < t->first ? len : t->first + len) < t->least) {
        expect(e, 451);
        transfer_cut(m, bytes, len);
        return;
    }
    if (!may_rename(m)) { /* the right was lost since the transfer began: the
                             partial stays, and can be continued */
        expect(e, 550);
        m->transfer.waits = false;
        transfer_cut(m, bytes, len);
        return;
    }
    expect(e, 226);
    if (t->first > 0)
        snprintf(in_all, sizeof(in_all), " (%zu in all)", t->first + len);
    snprintf(e->says, sizeof(e->says), " %zu bytes%s stored as %s", len, in_all,
             t->path);
    all = whole(t, bytes, len);
    told_put(m, t->path, 0, 0, 0);
    if (l)
        left_remove(&m->tree, l);
    tree_put(&m->tree, t->path, all, t->first + len);
    free(all);
    transfer_over(m);
}

struct slice transfer_bytes(struct model *m)
{
    const struct transfer *t = &m->transfer;
    const struct node *n = tree_find(&m->tree, t->path);

    return (struct slice){ (const char *)n->bytes + t->first,
                           t->until - t->first };
}

static void skip(struct slice *s, bool blanks)
{
    while (s->len > 0 && (*s->ptr == ' ') == blanks)
        *s = (struct slice){ s->ptr + 1, s->len - 1 };
}

/* Finds the name in a line of a listing. Before the name LIST has eight columns
 * and a blank, and MLSD has the facts and a blank. */
static struct slice name_of(const struct transfer *t, struct slice line)
{
    int columns = strcmp(t->verb, "LIST") == 0 ? 8 : 1;

    if (strcmp(t->verb, "NLST") == 0)
        return line;
    for (int i = 0; i < columns; i++) {
        if (i > 0)
            skip(&line, true);
        skip(&line, false);
    }
    FAIL_IF(line.len == 0, "a %s line without a name", t->verb);
    return (struct slice){ line.ptr + 1, line.len - 1 };
}

/* Returns NLST's argument or, if it is a pattern, the directory before the
 * pattern. */
static struct slice in_front(const struct transfer *t)
{
    struct slice front = t->argument;

    while (t->pattern && front.len > 0 && front.ptr[front.len - 1] != '/')
        front.len--;
    return front;
}

/* Is NAME the node N? NLST writes its argument before each name, so that RETR
 * accepts the result. */
static bool is_named(const struct transfer *t, const struct node *listed,
                     const struct node *n, struct slice name)
{
    struct slice front = in_front(t);

    if (strcmp(t->verb, "NLST") != 0 || front.len == 0)
        return slice_equal(name, slice_from(tree_name(n->path)));
    if (!listed->folder)
        return slice_equal(name, front);
    if (!slice_starts(name, front))
        return false;
    name = (struct slice){ name.ptr + front.len, name.len - front.len };
    if (front.ptr[front.len - 1] != '/') {
        if (!slice_starts(name, slice_from("/")))
            return false;
        name = (struct slice){ name.ptr + 1, name.len - 1 };
    }
    return slice_equal(name, slice_from(tree_name(n->path)));
}

/* Matches as fnmatch(3) does, but on bytes. */
static bool is_matched(const struct transfer *t, const struct node *n)
{
    return !t->pattern || fnmatch(tree_name(t->path), tree_name(n->path),
                                  FNM_PERIOD | FNM_NOESCAPE) == 0;
}

static bool is_listed(struct model *m, const struct node *listed,
                      const struct node *n)
{
    bool only_names = strcmp(m->transfer.verb, "NLST") == 0;

    if (!listed->folder || n == &m->tree.node[0])
        return n == listed && n != &m->tree.node[0];
    return tree_beneath(n->path, listed->path) &&
           strlen(n->path) == strlen(listed->path) + (listed->path[1] != 0) +
                                  strlen(tree_name(n->path)) &&
           n != listed && (only_names || listed->mode & TREE_ENTER) &&
           is_matched(&m->transfer, n);
}

/* Checks that each line is the line of an entry, and that there are as many
 * lines as entries. */
bool transfer_lists(struct model *m, struct slice listing)
{
    const struct transfer *t = &m->transfer;
    const struct node *listed = t->pattern ? tree_parent(&m->tree, t->path)
                                           : tree_find(&m->tree, t->path);
    size_t lines = 0, entries = 0;
    struct slice line;

    for (size_t i = 0; i < m->tree.nodes; i++)
        entries += is_listed(m, listed, &m->tree.node[i]);
    while (slice_cut(&listing, '\n', &line) && listing.ptr) {
        bool found = false;

        if (line.len == 0 || line.ptr[line.len - 1] != '\r')
            return false;
        line.len--;
        for (size_t i = 0; i < m->tree.nodes && !found; i++)
            found = is_listed(m, listed, &m->tree.node[i]) &&
                    is_named(&m->transfer, listed, &m->tree.node[i],
                             name_of(&m->transfer, line));
        if (!found)
            return false;
        lines++;
    }
    return line.len == 0 && lines == entries;
}
