/* The row of an imported user, from what was read. */
#include "import.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

/* Writes the hash if the users file may have it, and else nothing. */
static bool copy_hash(const struct imported *e, char out[USER_HASH_MAX + 1])
{
    if (slice_copy(e->hash, out, USER_HASH_MAX + 1) == 0 && user_hash_ok(out) &&
        strchr(out, '$'))
        return true;
    out[0] = '\0';
    return false;
}

bool import_hash_usable(const struct imported *e)
{
    char hash[USER_HASH_MAX + 1];
    bool usable = copy_hash(e, hash);

    explicit_bzero(hash, sizeof(hash));
    return usable;
}

/* The hash column: the hash, or "!". Of a row that follows its source a "!" is
 * the administrator's, so without a hash it is "*". */
static int set_row_hash(const struct import *m, struct imported *e)
{
    char text[USER_HASH_MAX + 2] = "!", *hash = text + 1;
    bool locks = e->lock.len > 0 && !m->x->args.sync;
    int r;

    if (!copy_hash(e, hash))
        snprintf(hash, 2, m->x->args.sync ? "*" : "!");
    locks = locks && hash[0] != '!';
    r = row_set_column(&e->draft.row, ROW_HASH, locks ? text : hash);
    explicit_bzero(text, sizeof(text));
    return r;
}

/* Commas at the end of passwd(5)'s comments separate empty fields. */
int import_take_comment(const struct imported *e,
                        char out[USER_COMMENT_MAX + 1])
{
    struct slice comment = e->comment;
    struct buf text;
    int r;

    while (comment.len > 0 && comment.ptr[comment.len - 1] == ',')
        comment.len--;
    buf_init(&text, USER_COMMENT_MAX + 1);
    out[0] = '\0';
    r = buf_add_slice(&text, comment);
    if (r == 0 && e->mail.len > 0)
        r = buf_add_format(&text, comment.len > 0 ? " <%.*s>" : "%.*s",
                           (int)e->mail.len, e->mail.ptr);
    if (r == 0 && user_comment_ok(buf_slice(&text)))
        slice_copy(buf_slice(&text), out, USER_COMMENT_MAX + 1);
    buf_release(&text);
    return r == -ENOMEM ? r : 0;
}

static int set_row_home(struct import *m, struct imported *e)
{
    const char *prefix = m->x->args.prefix;
    char home[USER_HOME_MAX + 1];

    if (m->format->own && !prefix &&
        slice_copy(e->home, home, sizeof(home)) == 0)
        return given_home(m->x, &e->draft.row, home);
    return draft_home_in(m->x, &e->draft,
                         prefix ? prefix : m->x->settings.homes);
}

int import_row(struct import *m, struct imported *e)
{
    char name[USER_NAME_MAX + 1], comment[USER_COMMENT_MAX + 1];
    struct row *row = &e->draft.row;
    int r = slice_copy(e->name, name, sizeof(name));

    if (r == 0)
        r = import_take_comment(e, comment);
    if (r == 0)
        r = row_set_column(row, ROW_NAME, name);
    if (r == 0)
        r = set_row_hash(m, e);
    if (r == 0)
        r = row_set_column(row, ROW_COMMENT, comment);
    if (r == 0)
        r = sync_mark(m, e);
    return r ? row_exit(r, &m->x->complaint) : set_row_home(m, e);
}
