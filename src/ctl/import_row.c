/* The row of an imported user, from what was read. */
#include "import.h"

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
    char hash[USER_HASH_MAX + 1];
    int r;

    if (!copy_hash(e, hash))
        snprintf(hash, sizeof(hash), m->x->args.sync ? "*" : "!");
    r = row_set_hash(&e->draft.row,
                     e->lock.len > 0 && hash[0] != '!' && !m->x->args.sync,
                     hash);
    explicit_bzero(hash, sizeof(hash));
    return r;
}

/* Commas at the end of passwd(5)'s comments separate empty fields. */
void import_take_comment(const struct imported *e,
                         char out[USER_COMMENT_MAX + 1])
{
    struct slice comment = e->comment;

    while (comment.len > 0 && comment.ptr[comment.len - 1] == ',')
        comment.len--;
    if (!user_comment_ok(comment) || !user_comment_ok(e->mail) ||
        snprintf(out, USER_COMMENT_MAX + 1,
                 comment.len > 0 && e->mail.len > 0 ? "%.*s <%.*s>"
                                                    : "%.*s%.*s",
                 (int)comment.len, comment.ptr, (int)e->mail.len,
                 e->mail.ptr) > USER_COMMENT_MAX)
        out[0] = '\0';
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

    import_take_comment(e, comment);
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
