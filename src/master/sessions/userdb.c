/* The users file, checked before each login, in master. Master copies the text
 * and has reader parse it. Only the newest text is kept as a descriptor, for
 * auth. The rows of older editions stay as long as a verdict may name them.
 * A broken file never replaces a good one.
 *
 * A part of a valid file is often valid too, but gives a user other rights: the
 * second factor may be in the rest of the line. So a changed text counts only
 * if it seems to be whole: nobody has the file open for writing, its last line
 * is ended, it still has users, and it hasn't changed for some seconds. Only an
 * edit that sallyportctl or SITE PSWD reports needs no rest, since these give
 * the file its name once it is whole. */
#include "sessions.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"
#include "sallyport/settings/settings.h"
#include "sallyport/users/users_file.h"

void userdb_init(struct userdb *u, const struct master *m)
{
    *u = (struct userdb){
        .master = m, .path = m->settings.users, .fd = -1, .table = -1
    };
}

void userdb_release(struct userdb *u)
{
    for (size_t i = 0; i < u->count; i++)
        users_release(&u->kept[i].users);
    u->count = 0;
    fd_close(&u->fd);
    fd_close(&u->table);
}

void userdb_forget(struct userdb *u)
{
    for (size_t i = 0; i < u->count; i++)
        users_forget(&u->kept[i].users);
    u->count = 0;
    fd_close(&u->fd);
    fd_close(&u->table);
}

uint64_t userdb_newest(const struct userdb *u)
{
    return u->count > 0 ? u->kept[u->count - 1].number : 0;
}

size_t userdb_count(const struct userdb *u)
{
    return u->count > 0 ? u->kept[u->count - 1].users.count : 0;
}

const struct users *userdb_find(const struct userdb *u, uint64_t edition)
{
    for (size_t i = 0; i < u->count; i++)
        if (u->kept[i].number == edition)
            return &u->kept[i].users;
    return NULL;
}

static void userdb_drop_oldest(struct userdb *u)
{
    users_release(&u->kept[0].users);
    u->count--;
    memmove(&u->kept[0], &u->kept[1], u->count * sizeof(u->kept[0]));
}

void userdb_drop(struct userdb *u, uint64_t needed)
{
    while (u->count > 1 && u->kept[0].number < needed)
        userdb_drop_oldest(u);
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool userdb_is_as_seen(const struct userdb *u, const struct stat *s)
{
    const struct stat *old = &u->seen;

    return s->st_dev == old->st_dev && s->st_ino == old->st_ino &&
           s->st_size == old->st_size && s->st_mode == old->st_mode &&
           same_time(&s->st_mtim, &old->st_mtim) &&
           same_time(&s->st_ctim, &old->st_ctim);
}

static bool file_has_bytes(int fd, struct slice bytes)
{
    struct buf now;
    bool same;

    buf_init(&now, USERS_FILE_MAX);
    same = fd >= 0 && fd_read_file(fd, &now) == 0 &&
           slice_equal(buf_slice(&now), bytes);
    buf_release(&now);
    return same;
}

/* Complains about ERROR and returns it. */
static int userdb_failed(const struct userdb *u, int error, struct complaint *c)
{
    complain(c, "%s: %s", u->path, strerror(-error));
    return error;
}

/* Master does nothing else meanwhile. So after a reader that has failed it does
 * its other work for as long, before it asks again: many logins in a row must
 * not keep it from its heartbeat. */
static int userdb_parse(struct userdb *u, int text, struct users *users,
                        struct complaint *c)
{
    const int wait_ms = (int)u->master->deadlines.reader;
    const uint64_t begin = clock_ms();
    FD_CLEANUP int table =
        reader_ask(u->master, "users", u->path, text, wait_ms, c);
    int r;

    r = table < 0 ? table : users_take(users, table, c);
    if (r < 0 && r != -EINVAL)
        u->rests_until = 2 * clock_ms() - begin;
    if (r == 0) {
        users_keep_from_forks(users);
        fd_close(&u->table);
        u->table = fd_take(&table);
    }
    return r;
}

/* ANNOUNCED: by sallyportctl, which may have removed the last user. */
static int userdb_add(struct userdb *u, struct slice text, bool announced,
                      struct complaint *c)
{
    FD_CLEANUP int fd = fd_sealed("users", text);
    struct edition g = { .number = userdb_newest(u) + 1 };
    int r;

    if (fd < 0)
        return userdb_failed(u, fd, c);
    r = userdb_parse(u, fd, &g.users, c);
    if (r < 0)
        return r;
    if (g.users.count == 0 && userdb_count(u) > 0 && !announced) {
        users_release(&g.users);
        return complain(c,
                        "%s: it has no users now; restore it, or remove the "
                        "last user by: sallyportctl user del",
                        u->path);
    }
    if (u->count == USERDB_KEPT)
        userdb_drop_oldest(u);
    u->kept[u->count++] = g;
    fd_close(&u->fd);
    u->fd = fd_take(&fd);
    return 1;
}

int userdb_restore(struct userdb *u, int fd, struct complaint *c)
{
    struct buf text;
    int r;

    buf_init(&text, USERS_FILE_MAX);
    r = fd_read_file(fd, &text);
    r = r < 0 ? userdb_failed(u, r, c)
              : userdb_add(u, buf_slice(&text), true, c);
    buf_release(&text);
    return r < 0 ? r : 0;
}

bool userdb_is_unended(const struct userdb *u)
{
    struct stat s;
    char last;

    return u->fd >= 0 && fstat(u->fd, &s) == 0 && s.st_size > 0 &&
           pread(u->fd, &last, 1, s.st_size - 1) == 1 && last != '\n';
}

/* Refuses a text that may be a part of another one. */
static int userdb_objection(const struct userdb *u, struct slice text,
                            bool written, struct complaint *c)
{
    if (text.len > 0 && text.ptr[text.len - 1] != '\n')
        return complain(c,
                        "%s: its last line isn't ended, so it may be cut off; "
                        "complete it, and end it with a line end",
                        u->path);
    if (written)
        return complain(c,
                        "%s: another program has it open for writing, so it "
                        "may be incomplete",
                        u->path);
    return 0;
}

/* Reads the file that FD is open on, even if the path names another one now.
 * Returns 0 also if it has changed meanwhile. *written: somebody has it open
 * for writing. */
static int userdb_read_open(struct userdb *u, int fd, bool announced,
                            bool *written, struct complaint *c)
{
    struct buf text;
    struct stat s;
    int r = settings_private_file(fd, u->path, c);

    if (r < 0)
        return r;
    buf_init(&text, USERS_FILE_MAX);
    r = fd_read_file(fd, &text);
    *written = users_file_is_written(fd);
    if (r == -EFBIG)
        r = complain(c, "%s: %s", u->path, strerror(-r));
    else if (r < 0)
        userdb_failed(u, r, c);
    else if (!file_has_bytes(u->fd, buf_slice(&text))) {
        if (u->count > 0)
            r = userdb_objection(u, buf_slice(&text), *written, c);
        if (r == 0 && fstat(fd, &s) == 0 && userdb_is_as_seen(u, &s))
            r = userdb_add(u, buf_slice(&text), announced, c);
    }
    buf_release(&text);
    return r;
}

/* Does this error mean that the file stays unusable? Other errors come from a
 * lack of resources. */
static bool is_lasting(int error)
{
    return error == ENOENT || error == ENOTDIR || error == EACCES ||
           error == EPERM || error == ELOOP || error == ENXIO;
}

/* A file that was there and has vanished must not lock out everybody. */
static int userdb_not_opened(struct userdb *u, int error, struct complaint *c)
{
    u->settled = false;
    if (error == ENOENT && u->missing)
        return 0;
    if (error == ENOENT && u->may_be_missing && u->count == 0) {
        int r = userdb_add(u, SLICE(""), true, c);

        u->missing = r == 1;
        return r;
    }
    complain(c, "%s: %s%s", u->path, strerror(error),
             error == ENOENT ? "; there were users before: restore it, or "
                               "correct the setting"
                             : "");
    return is_lasting(error) ? -EINVAL : -error;
}

/* Hasn't the file changed for some seconds? The time of its last change, which
 * no program can set, tells it for a file that changed long before the first
 * look. After that a change can't leave the same time. */
static bool userdb_is_quiet(const struct userdb *u)
{
    const uint64_t wait = u->master->deadlines.quiet;
    struct timespec now;
    int64_t age_ms;

    if (clock_ms() - u->seen_at >= wait)
        return true;
    clock_gettime(CLOCK_REALTIME, &now);
    age_ms = (now.tv_sec - u->seen.st_ctim.tv_sec) * INT64_C(1000) +
             (now.tv_nsec - u->seen.st_ctim.tv_nsec) / 1000000;
    return age_ms >= 0 && (uint64_t)age_ms >= wait;
}

bool userdb_changes(const struct userdb *u)
{
    FD_CLEANUP int fd = -1;
    struct buf text;
    bool other;

    if (u->settled || u->missing || userdb_is_quiet(u))
        return false;
    fd = open(u->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    buf_init(&text, USERS_FILE_MAX);
    other = fd >= 0 && fd_read_file(fd, &text) == 0 &&
            !file_has_bytes(u->fd, buf_slice(&text));
    buf_release(&text);
    return other;
}

/* The file counts as settled if it was quiet, and then was read, or refused for
 * its contents. If reading failed, the next check reads it again. */
static int userdb_read_path(struct userdb *u, bool announced,
                            struct complaint *c)
{
    /* Non-blocking: a FIFO in its place must not block master. */
    FD_CLEANUP int fd =
        open(u->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    const bool quiet = userdb_is_quiet(u); /* reader may need seconds */
    bool written = false;
    struct stat s;
    int r;

    if (fd < 0 || fstat(fd, &s) < 0)
        return userdb_not_opened(u, errno, c);
    if (!userdb_is_as_seen(u, &s))
        return 0; /* it changes just now */
    r = userdb_read_open(u, fd, announced, &written, c);
    if (r < 0 && r != -EINVAL)
        return r;
    u->missing = false;
    u->settled = quiet && !written;
    return r;
}

/* Must the file, which has these properties now, be read? */
static bool userdb_is_due(struct userdb *u, const struct stat *s,
                          bool announced)
{
    if (!userdb_is_as_seen(u, s)) {
        u->seen = *s;
        u->seen_at = clock_ms();
        u->settled = false;
    }
    return !u->settled &&
           (announced || u->count == 0 || u->missing || userdb_is_quiet(u));
}

int userdb_look(struct userdb *u, bool announced, struct complaint *c)
{
    struct complaint now = { "" };
    struct stat s;
    int r;

    if (clock_ms() < u->rests_until)
        return -ETIMEDOUT;
    if (stat(u->path, &s) < 0)
        r = userdb_not_opened(u, errno, &now);
    else if (userdb_is_due(u, &s, announced))
        r = userdb_read_path(u, announced, &now);
    else
        return 0;
    if (r >= 0) {
        u->reported.text[0] = '\0';
        return r;
    }
    if (strcmp(u->reported.text, now.text) == 0)
        return r == -EINVAL ? 0 : r;
    u->reported = now;
    complain(c, "%s", now.text);
    return r;
}
