/* A change of a few rows is put into the table of the users. Here another
 * reader makes a table of the whole text, and nobody waits for it. It takes the
 * place of the one with changes. So a wrong row, by a fault of ours or of a
 * hostile file, doesn't stay once its line has gone, and the hash of a removed
 * user is dropped. Runs in master. */
#include "sessions/sessions.h"

#include "sallyport/base/fd.h"

pid_t recheck_start(struct userdb *u)
{
    struct recheck *k = &u->recheck;

    if (!k->due || k->answer >= 0)
        return 0;
    k->edition = u->edition;
    return reader_start(u->master, "users", u->path, u->fd, NULL, &k->answer);
}

int recheck_end(struct userdb *u, int status, struct complaint *c)
{
    FD_CLEANUP int answer = fd_take(&u->recheck.answer);
    struct users whole;
    bool same;
    int r;

    if (u->edition != u->recheck.edition)
        return USERDB_SAME; /* a newer table is due */
    u->recheck.due = false;
    r = reader_ended(status, answer, c);
    if (r == 0)
        r = users_take(&whole, answer, c);
    if (r < 0)
        return r;
    same = users_same(&u->users, &whole);
    u->edition += !same;
    userdb_replace(u, &whole, fd_take(&answer));
    return same ? USERDB_SAME : USERDB_NEW;
}
