/* After a change of a few rows reader makes the table of the users from the one
 * before. Here another reader makes it of the whole text, and nobody waits for
 * it. So a wrong row, by a fault of ours or of a hostile file, doesn't stay
 * once its line has gone. Runs in master. */
#include "sessions/sessions.h"

#include "sallyport/base/fd.h"
#include "sallyport/base/shared.h"

pid_t recheck_start(struct userdb *u)
{
    struct recheck *k = &u->recheck;

    if (!k->due || k->answer >= 0)
        return 0;
    k->edition = u->edition;
    return reader_start(u->master, "users", u->path, u->fd, NULL, &k->answer);
}

/* ANSWER is sealed. */
static bool has_same_bytes(int answer, int table)
{
    struct slice bytes;
    bool same;

    if (shared_map_whole(answer, &bytes) < 0)
        return false;
    same = bytes.ptr && userdb_file_has(table, bytes);
    shared_unmap_whole(bytes);
    return same;
}

int recheck_end(struct userdb *u, int status, struct complaint *c)
{
    FD_CLEANUP int answer = fd_take(&u->recheck.answer);
    struct users whole;
    int r;

    if (u->edition != u->recheck.edition)
        return USERDB_SAME; /* a newer table is due */
    u->recheck.due = false;
    r = reader_ended(status, answer, c);
    if (r < 0 || has_same_bytes(answer, u->table))
        return r;
    r = users_take(&whole, answer, c);
    if (r < 0)
        return r;
    userdb_replace(u, &whole, fd_take(&answer));
    return USERDB_NEW;
}
