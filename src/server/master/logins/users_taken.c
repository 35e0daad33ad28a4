/* The newest users in master: a table that reader has made, and the changes of
 * it. Both go to each auth, which has the same users then. */
#include "sessions/sessions.h"

#include <errno.h>

#include "sallyport/base/fd.h"

void userdb_close_table(struct userdb *u)
{
    fd_close(&u->table);
    while (u->changes > 0)
        fd_close(&u->change[--u->changes]);
}

void userdb_replace(struct userdb *u, struct users *next, int table)
{
    users_keep_from_forks(next);
    users_release(&u->users);
    u->users = *next;
    userdb_close_table(u);
    u->table = table;
    u->newest++;
}

int userdb_next(const struct userdb *u, uint64_t *has)
{
    const uint64_t of_table = u->newest - u->changes;

    if (*has == u->newest)
        return -1;
    if (*has < of_table) {
        *has = of_table;
        return u->table;
    }
    return u->change[(*has)++ - of_table];
}

static void userdb_taken(struct userdb *u)
{
    u->edition++;
    fd_close(&u->fd);
    u->fd = fd_take(&u->reading.text);
    u->recheck.due = u->reading.by_change;
}

int userdb_take_table(struct userdb *u, struct complaint *c)
{
    struct reading *g = &u->reading;
    struct users next;
    int r = users_take(&next, g->answer, c);

    if (r < 0)
        return r;
    if (next.count == 0 && u->users.count > 0 && !g->announced) {
        users_release(&next);
        return complain(c,
                        "%s: it has no users now; restore it, or remove the "
                        "last user by: sallyportctl user del",
                        u->path);
    }
    userdb_replace(u, &next, fd_take(&g->answer));
    userdb_taken(u);
    return USERDB_NEW;
}

int userdb_take_change(struct userdb *u, struct complaint *c)
{
    struct users_change change;
    int r = users_change_take(&change, &u->users, u->reading.answer, c);

    if (r == 0 && change.left == 0)
        r = -ESTALE;
    if (r < 0) {
        users_change_release(&change);
        return r;
    }
    users_change_put(&change, &u->users);
    u->change[u->changes++] = fd_take(&u->reading.answer);
    u->newest++;
    userdb_taken(u);
    return USERDB_NEW;
}
