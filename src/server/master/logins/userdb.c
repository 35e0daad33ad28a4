/* The state of the users file, and the steps of a look at it
 * (docs/inside/generations.md, "The users file"). Master looks before each
 * login. A fork of master looks at the disks (sight.c), and reader parses a
 * changed text. If the kernel has the answer in memory, master itself sees,
 * without a fork, that nothing has changed. A broken file never replaces a good
 * one. Runs in master.
 *
 * A part of a valid file is often valid too, but gives a user other rights: the
 * second factor may be in the rest of the line. So a changed text counts only
 * if it seems to be whole: nobody has the file open for writing, its last line
 * is ended, it still has users, and it hasn't changed for some seconds.
 * sallyportctl and SITE PSWD rename a complete file into place and announce it,
 * so their edits count at once. */
#include "logins.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"
#include "sallyport/base/shared.h"
#include "sallyport/ipc/board.h"
#include "sallyport/users/places.h"
#include "sallyport/users/users_file.h"

static void reading_close(struct reading *g)
{
    fd_close(&g->report);
    fd_close(&g->text);
    fd_close(&g->answer);
}

void userdb_init(struct userdb *u, struct master *m)
{
    *u = (struct userdb){ .master = m,
                          .path = m->settings.users,
                          .fd = -1,
                          .table = -1,
                          .reading = {
                              .report = -1, .text = -1, .answer = -1 } };
}

void userdb_release(struct userdb *u)
{
    users_release(&u->users);
    fd_close(&u->fd);
    fd_close(&u->table);
    reading_close(&u->reading);
}

/* Doesn't free the rows: on most kernels the fork hasn't inherited them. */
void userdb_forget(struct master *m)
{
    m->users->users = (struct users){ 0 };
    userdb_release(m->users);
}

uint64_t userdb_edits(const struct userdb *u)
{
    const struct board *b = u->master->board;

    return b ? board_get(&b->edits) : 0;
}

void userdb_announce(struct userdb *u)
{
    __atomic_add_fetch(&u->master->board->edits, 1, __ATOMIC_SEQ_CST);
}

bool userdb_is_announced(const struct userdb *u)
{
    return userdb_edits(u) != u->edits;
}

bool userdb_is_stale(const struct userdb *u)
{
    return u->state == USERS_CHANGING;
}

/* Complains about ERROR and returns it. */
static int userdb_failed(const struct userdb *u, int error, struct complaint *c)
{
    complain(c, "the users file %s: %s", u->path, strerror(-error));
    return error;
}

uint64_t userdb_deadline(const struct userdb *u)
{
    const struct deadlines *d = &u->master->deadlines;
    struct stat s;

    if (u->reading.answer < 0)
        return d->reach + d->reader_mib * ((uint64_t)u->seen.st_size >> 24);
    if (fstat(u->reading.text, &s) < 0)
        s.st_size = 0;
    return d->reader + d->reader_mib * ((uint64_t)s.st_size >> 20);
}

static int userdb_parse(struct userdb *u, pid_t *reader, struct complaint *c)
{
    struct reading *g = &u->reading;
    int r = fd_is_sealed(g->text) ? 0 : fd_seal(g->text);

    if (r < 0)
        return userdb_failed(u, r, c);
    *reader = reader_start(u->master, "users", u->path, g->text, &g->answer);
    return *reader < 0 ? userdb_failed(u, (int)*reader, c) : USERDB_WAITS;
}

/* Call it when reader has ended with STATUS: takes the new users. */
static int userdb_take(struct userdb *u, int status, struct complaint *c)
{
    struct reading *g = &u->reading;
    struct users next;
    int r = reader_ended(status, g->answer, c);

    if (r == 0)
        r = users_take(&next, g->answer, c);
    if (r < 0)
        return r;
    if (next.count == 0 && u->users.count > 0 && !g->announced) {
        users_release(&next);
        return complain(c,
                        "%s: it has no users now; restore it, or, to remove "
                        "the last user, run: sallyportctl user del NAME",
                        u->path);
    }
    users_keep_from_forks(&next);
    users_release(&u->users);
    u->users = next;
    fd_close(&u->table);
    u->table = fd_take(&g->answer);
    fd_close(&u->fd);
    u->fd = fd_take(&g->text);
    u->edition++;
    return USERDB_NEW;
}

int userdb_restore(struct userdb *u, int fd, struct complaint *c)
{
    pid_t reader;
    int r;

    u->reading.announced = true;
    u->reading.text = fd_sealed_copy("users", fd, USERS_FILE_MAX);
    if (u->reading.text < 0)
        return userdb_failed(u, u->reading.text, c);
    r = userdb_parse(u, &reader, c);
    if (r == USERDB_WAITS)
        r = userdb_take(u, exec_wait(reader, (int)userdb_deadline(u)), c);
    reading_close(&u->reading);
    if (r < 0)
        return r;
    u->state = USERS_CHANGING;
    return 0;
}

bool userdb_is_unended(const struct userdb *u)
{
    struct stat s;
    char last;

    return u->fd >= 0 && fstat(u->fd, &s) == 0 && s.st_size > 0 &&
           pread(u->fd, &last, 1, s.st_size - 1) == 1 && last != '\n';
}

/* Call it when the fork couldn't open the file. A missing file is no failure if
 * the server starts before its first user is made. */
static int userdb_not_opened(struct userdb *u, int error, pid_t *reader,
                             struct complaint *c)
{
    if (error == ENOENT && u->state == USERS_NONE && u->edition > 0)
        return USERDB_SAME;
    if (error == ENOENT && u->state == USERS_NONE && u->may_be_missing) {
        u->reading.none = true;
        return userdb_parse(u, reader, c);
    }
    complain(c, "the users file %s: %s%s", u->path, strerror(error),
             error == ENOENT ? "; there were users before: restore it, or "
                               "correct the setting"
                             : "");
    return error == EINVAL ? -EIO : -error; /* -EINVAL would mean a mistake in
                                             * the file */
}

/* Call it when the fork has ended: takes what it has seen on the disks. */
static int userdb_seen(struct userdb *u, int status, pid_t *reader,
                       struct complaint *c)
{
    struct reading *o = &u->reading;
    struct sight g;
    const bool told = pread(o->report, &g, sizeof(g), 0) == sizeof(g);

    if (status == -ETIMEDOUT && !told) {
        complain(c, "the users file %s: no answer within %d s", u->path,
                 (int)(userdb_deadline(u) / 1000));
        return status;
    }
    if (!told || (status != 0 && status != -ETIMEDOUT))
        return userdb_failed(u, status < 0 ? status : -EIO, c);
    if (status == -ETIMEDOUT && g.homes == EINPROGRESS)
        g.homes = ETIMEDOUT;
    u->local = g.local;
    u->homes_local = g.homes_local;
    u->homes_at = g.homes_at;
    o->homes = g.homes;
    o->empty = g.homes_empty;
    if (g.file != 0)
        return userdb_not_opened(u, g.file, reader, c);
    u->seen = g.seen;
    u->state = g.state;
    u->until = g.until;
    u->young = g.young || (u->young && !g.read);
    o->read = g.read;
    o->whole = g.whole;
    if (g.result < 0)
        *c = g.why;
    return g.result == 0 && g.changed ? userdb_parse(u, reader, c) : g.result;
}

/* Returns how many users who aren't locked have a home in `homes`; 0 if most
 * have theirs elsewhere: a few removed homes must not turn away the others. */
static size_t userdb_homes(const struct userdb *u)
{
    size_t all = 0, n = 0;

    for (size_t i = 0; i < u->users.count; i++) {
        const struct user *row = &u->users.row[i];

        all += !row->locked;
        n += !row->locked &&
             user_path_beneath(row->home, u->master->settings.homes);
    }
    return n * 2 < all ? 0 : n;
}

/* Sets u->away after the homes were opened with ERROR; 0: they are there, or
 * the directory is EMPTY. A directory of all homes that was never there is no
 * failure if no user has a home in it: then the server is new. */
static void userdb_judge_homes(struct userdb *u, int error, bool empty)
{
    const char *homes = u->master->settings.homes;
    const size_t lost = empty || error == ENOENT ? userdb_homes(u) : 0;

    if (error == EINPROGRESS) {
        /* The look hasn't opened `homes`: keep the old answer. */
        if (!u->homes_away)
            u->away.text[0] = '\0';
        return;
    }
    if (error == 0)
        u->had_homes = true;
    u->away.text[0] = '\0';
    if (lost > 0)
        complain(&u->away, "%zu of %zu homes in %s " PLACES_LOST, lost, lost,
                 homes);
    else if (fd_is_away(error) || (error == ENOENT && u->had_homes))
        complain(&u->away, "the homes in %s: %s", homes, strerror(error));
    u->homes_away = u->away.text[0] != '\0';
}

/* Ends a look with the result R: sets the state. Returns the result that
 * userdb_go_on() must return for R. */
static int userdb_end(struct userdb *u, int r, const struct complaint *why,
                      struct complaint *c)
{
    const struct reading g = u->reading; /* a copy, since reading_close()
                                          * changes the original */

    reading_close(&u->reading);
    if (r < 0 && r != -EINVAL) {
        u->state = USERS_FAILED;
        u->until = clock_ms() + u->master->deadlines.pause;
        u->away = *why;
        complain(c, "%s", why->text);
        return r;
    }
    userdb_judge_homes(u, g.homes, g.empty);
    u->edits = g.edits;
    if (g.none)
        u->state = USERS_NONE;
    else if (g.read)
        u->state = g.whole ? USERS_KNOWN : r < 0 ? USERS_CHANGING : USERS_EARLY;
    else
        return r; /* the file is unchanged, or is changing now */
    if (r >= 0) {
        u->refused.text[0] = '\0';
        return r;
    }
    if (strcmp(u->refused.text, why->text) == 0)
        return USERDB_SAME;
    u->refused = *why;
    complain(c, "%s", why->text);
    return r;
}

/* Returns true if the file is on a local disk and surely unchanged and, with
 * HOMES, the directory of all homes is there. Then a login needs no fork, which
 * takes 0.5 ms. To open the root of a volume asks no disk, so a volume that was
 * mounted after the last look needs a fork. */
static bool userdb_is_unchanged(const struct userdb *u, bool homes)
{
    FD_CLEANUP int fd = -1, home = -1;
    struct mounted at;
    struct statx s;

    if (!u->local || u->away.text[0] ||
        users_must_be_read(u->state, u->until, u->reading.announced))
        return false;
    if (homes && u->homes_local)
        home = master_open_cached(u->master->settings.homes, O_DIRECTORY);
    if (homes &&
        (home < 0 || !sight_mounted(home, &at) ||
         at.device != u->homes_at.device || at.mount != u->homes_at.mount))
        return false;
    fd = master_open_cached(u->path, 0);
    return fd >= 0 &&
           statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_BASIC_STATS,
                 &s) == 0 &&
           sight_is_same(
               &u->seen,
               &(struct stat){
                   .st_dev = makedev(s.stx_dev_major, s.stx_dev_minor),
                   .st_ino = s.stx_ino,
                   .st_size = (off_t)s.stx_size,
                   .st_mode = s.stx_mode,
                   .st_mtim = { s.stx_mtime.tv_sec, s.stx_mtime.tv_nsec },
                   .st_ctim = { s.stx_ctime.tv_sec, s.stx_ctime.tv_nsec },
               });
}

bool userdb_rests(const struct userdb *u)
{
    return u->state == USERS_FAILED && clock_ms() < u->until;
}

pid_t userdb_begin(struct userdb *u, bool homes, struct complaint *c)
{
    struct reading *g = &u->reading;
    struct complaint why = { "" };
    int keep[3], r;

    *g = (struct reading){ .announced = userdb_is_announced(u),
                           .edits = userdb_edits(u),
                           .report = -1,
                           .text = -1,
                           .answer = -1 };
    if (userdb_is_unchanged(u, homes)) {
        u->edits = g->edits;
        return USERDB_SAME;
    }
    g->report = memfd_create("sight", MFD_CLOEXEC);
    g->text = memfd_create("users", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    r = g->report < 0 || g->text < 0 ? -errno : 0;
    keep[0] = g->report;
    keep[1] = g->text;
    keep[2] = u->fd;
    if (r == 0)
        r = (int)errand_fork(u->master, ERRAND_LOOKS, sight_main, u, keep,
                             u->fd < 0 ? 2 : 3);
    if (r > 0)
        return r;
    userdb_failed(u, r, &why);
    return userdb_end(u, r, &why, c);
}

int userdb_go_on(struct userdb *u, int status, pid_t *next, struct complaint *c)
{
    struct complaint why = { "" };
    int r;

    if (status == -ECANCELED) {
        reading_close(&u->reading);
        return USERDB_SAME;
    }
    r = u->reading.answer >= 0 ? userdb_take(u, status, &why)
                               : userdb_seen(u, status, next, &why);

    return r == USERDB_WAITS ? r : userdb_end(u, r, &why, c);
}

int userdb_look(struct userdb *u, struct complaint *c)
{
    pid_t pid = userdb_begin(u, true, c);
    int r = (int)pid;

    if (pid <= 0)
        return r;
    do
        r = userdb_go_on(u, exec_wait(pid, (int)userdb_deadline(u)), &pid, c);
    while (r == USERDB_WAITS);
    return r;
}
