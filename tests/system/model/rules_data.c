/* Rules of transfers: whether a transfer begins, and with which bytes. */
#include "rules.h"
#include "support/fail.h"
#include "support/test.h"

static void begin(struct model *m, const struct call *c, enum flow flow,
                  struct expected *e)
{
    struct transfer *t = &m->transfer;

    expect(e, 150);
    e->flow = t->flow = flow;
    t->verb = c->rule->verb;
    t->argument = c->argument;
    t->pattern = false;
    t->first = t->until = 0;
    snprintf(t->path, sizeof(t->path), "%s", c->path);
    m->port = false;
}

void rule_retr(struct model *m, const struct call *c, struct expected *e)
{
    const struct node *n = tree_find(&m->tree, c->path);
    size_t end;

    if (!m->port) {
        expect(e, 425);
    } else if (!n || n->folder) {
        expect(e, 550);
    } else if (m->until == 0 && m->rest > n->len) {
        expect(e, 554);
    } else {
        begin(m, c, FLOW_DOWN, e);
        end = m->until > 0 && m->until < n->len ? (size_t)m->until : n->len;
        m->transfer.first = m->rest < end ? (size_t)m->rest : end;
        m->transfer.until = end;
    }
    m->rest = m->until = 0;
}

/* MLSD is for directories; LIST and NLST take a file or a pattern, too. */
void rule_list(struct model *m, const struct call *c, struct expected *e)
{
    bool facts = strcmp(c->rule->verb, "MLSD") == 0;
    const struct node *n = facts ? tree_find(&m->tree, c->path)
                                 : model_find(m, c->argument, c->path);
    bool pattern = !facts && model_pattern(m, c);

    if (!m->port)
        expect(e, 425);
    else if (!n && facts && !tree_parent(&m->tree, c->path))
        expect_either(e, 550, 501); /* the path can be below a file */
    else if (!n && !pattern)
        expect(e, 550);
    else if (facts && !n->folder)
        expect(e, 501);
    else
        begin(m, c, FLOW_LIST, e);
    m->transfer.pattern = pattern;
}

/* Returns the code that refuses a file with this path before any byte is sent,
 * or 0. */
static short objection(struct model *m, const char *path)
{
    struct node *folder = tree_parent(&m->tree, path);
    const struct node *n = tree_find(&m->tree, path);

    if (path[1] == '\0')
        return 550;
    if (model_is_bad_name(path))
        return 553;
    return !folder || !(folder->mode & TREE_ENTER) || (n && n->folder) ? 550
                                                                       : 0;
}

static bool may_write(struct model *m, const char *path)
{
    return tree_parent(&m->tree, path)->mode & TREE_WRITE;
}

/* The beginning of an upload. HEAD has the bytes before the client's. */
struct beginning {
    short refused;
    bool goes_on; /* the upload continues the partial itself */
    bool copies;  /* the upload copies the finished file's beginning */
    struct slice head;
};

static struct slice head_of(const unsigned char *bytes, uint64_t len)
{
    return (struct slice){ (const char *)bytes, (size_t)len };
}

/* Takes OFFSET as a place in the partial that SIZE has reported. If there is no
 * such partial, OFFSET is a place in the file, or, if there is no file, in the
 * partial. */
static void decide_stor(const struct node *n, const struct leftover *l,
                        const struct told *t, uint64_t offset,
                        struct beginning *b)
{
    bool told = t && t->length > 0, of_file = t && t->file > 0;
    size_t most = told || !n ? (l ? l->tells : 0) : n->len;

    if (offset == 0)
        return;
    if ((told && !(l && l->version == t->version)) ||
        (of_file && !(n && n->version == t->file)) ||
        (!told && !of_file && l && l->reported))
        b->refused = 450;
    else if (offset > most)
        b->refused = 554;
    else
        b->head = head_of(told || !n ? l->bytes : n->bytes, offset);
    b->goes_on = told || !n;
    b->copies = !b->goes_on;
}

static void decide_appe(const struct node *n, const struct leftover *l,
                        const struct told *t, struct beginning *b)
{
    bool told = t && t->length > 0;

    if ((told && (n || !l || l->version != t->version)) ||
        (t && t->file > 0 && !(n && n->version == t->file)))
        b->refused = 450;
    else if (told)
        b->head = head_of(l->bytes, t->length);
    else if (n)
        b->head = head_of(n->bytes, n->len);
    else if (l && l->reported)
        b->refused = 450; /* APPE's bytes can be the last ones of a file */
    b->goes_on = told;
    b->copies = !told && n;
}

/* Drops the earlier partial when an upload begins again. If SIZE has reported
 * the partial, an empty one stays, since a client can still send the rest. */
static void drop_left(struct model *m, const char *path)
{
    struct leftover *l = left_find(&m->tree, path);

    if (l && l->reported)
        left_put(&m->tree, path, (const unsigned char *)"", 0, 0);
    else if (l)
        left_remove(&m->tree, l);
}

static void upload(struct model *m, const struct call *c, uint64_t offset,
                   bool append, struct expected *e)
{
    struct transfer *t = &m->transfer;
    struct beginning b = { objection(m, c->path), false, false, { "", 0 } };
    const struct node *n = tree_find(&m->tree, c->path);
    const struct leftover *l = left_find(&m->tree, c->path);

    if (b.refused == 0 && append)
        decide_appe(n, l, told_find(m, c->path), &b);
    else if (b.refused == 0)
        decide_stor(n, l, told_find(m, c->path), offset, &b);
    if (b.refused == 0 && !b.goes_on && !may_write(m, c->path))
        b.refused = 550;
    if (b.refused) {
        expect(e, b.refused);
        return;
    }
    begin(m, c, FLOW_UP, e);
    t->copies = b.copies;
    t->least = m->image ? m->announced : 0;
    t->waits = b.goes_on && b.head.len == l->tells;
    t->first = b.head.len;
    t->head = malloc(b.head.len + 1);
    FAIL_IF(!t->head, "no memory");
    memcpy(t->head, b.head.ptr, b.head.len);
    if (b.goes_on)
        return;
    if (b.copies)
        return;
    told_put(m, c->path, 0, 0, 0);
    drop_left(m, c->path);
}

static void store(struct model *m, const struct call *c, uint64_t offset,
                  bool append, struct expected *e)
{
    if (m->until > 0)
        expect(e, 504); /* RANG is for RETR and HASH */
    else if (!m->port)
        expect(e, 425);
    else
        upload(m, c, offset, append, e);
    m->rest = m->until = 0;
}

void rule_stor(struct model *m, const struct call *c, struct expected *e)
{
    store(m, c, m->rest, false, e);
}

void rule_appe(struct model *m, const struct call *c, struct expected *e)
{
    store(m, c, 0, true, e);
}

/* For STOU the server adds 17 bytes to the name, and of the path only the
 * directory counts. */
void rule_stou(struct model *m, const struct call *c, struct expected *e)
{
    struct call unique = *c;
    size_t len;

    if (c->argument.len == 0) {
        len = strlen(unique.path);
        if (len + sizeof("/stou") <= sizeof(unique.path))
            strcpy(unique.path + (len > 1 ? len : 0), "/stou");
    } else if (c->path[1] == '\0' || strlen(tree_name(c->path)) > 255 - 17 ||
               strlen(c->path) > TREE_PATH_MAX - 17) {
        expect(e, 553);
        return;
    } else {
        strcat(unique.path, ".new");
    }
    store(m, &unique, 0, false, e);
}
