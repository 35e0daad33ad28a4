/* The users file, checked before each login, in master. Its disk may hang, so
 * master never waits for it: a fork looks at the file and copies the text, and
 * then reader parses that. If the kernel has the answer in memory, master
 * itself sees that nothing has changed. A broken file never replaces a good
 * one.
 *
 * A part of a valid file is often valid too, but gives a user other rights: the
 * second factor may be in the rest of the line. So a changed text counts only
 * if it seems to be whole: nobody has the file open for writing, its last line
 * is ended, it still has users, and it hasn't changed for some seconds. Only an
 * edit that sallyportctl or SITE PSWD reports needs no rest, since these give
 * the file its name once it is whole. */
#include "sessions/sessions.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"
#include "sallyport/base/shared.h"
#include "sallyport/settings/settings.h"
#include "sallyport/users/users_file.h"

#define PAUSE_LEAST_MS 1000
#define PAUSE_MOST_MS  60000

static void reading_blank(struct reading *g)
{
    *g = (struct reading){ .report = -1, .text = -1, .answer = -1 };
}

static void reading_close(struct reading *g)
{
    fd_close(&g->report);
    fd_close(&g->text);
    fd_close(&g->answer);
    reading_blank(g);
}

void userdb_init(struct userdb *u, struct master *m)
{
    *u = (struct userdb){
        .master = m, .path = m->settings.users, .fd = -1, .table = -1
    };
    reading_blank(&u->reading);
}

void userdb_release(struct userdb *u)
{
    users_release(&u->users);
    fd_close(&u->fd);
    fd_close(&u->table);
    reading_close(&u->reading);
}

void userdb_forget(struct userdb *u)
{
    u->users = (struct users){ 0 };
    fd_close(&u->fd);
    fd_close(&u->table);
    reading_close(&u->reading);
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

/* Has the sealed file FD these BYTES? -1: there is none. */
static bool userdb_file_has(int fd, struct slice bytes)
{
    struct slice its;
    bool same;

    if (shared_map_whole(fd, &its) < 0)
        return false;
    same = slice_equal(its, bytes);
    shared_unmap_whole(its);
    return same;
}

/* Complains about ERROR and returns it. */
static int userdb_failed(const struct userdb *u, int error, struct complaint *c)
{
    complain(c, "%s: %s", u->path, strerror(-error));
    return error;
}

uint64_t userdb_deadline(const struct userdb *u)
{
    const struct deadlines *d = &u->master->deadlines;
    struct stat s = u->seen;

    if (u->reading.answer >= 0 && fstat(u->reading.text, &s) < 0)
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

/* Reader has ended with STATUS. */
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
                        "%s: it has no users now; restore it, or remove the "
                        "last user by: sallyportctl user del",
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

/* What the fork has found. Master gets it in memory. */
struct sight {
    int result;  /* 0; -EINVAL, or another -errno, with the complaint */
    int missing; /* the errno of stat(2) or open(2); 0: it is there */
    bool changed, quiet, written;
    bool local; /* that file isn't on a network disk */
    struct stat seen;
    uint64_t seen_at;
    struct complaint why;
};

/* The functions up to userdb_fork() run in the fork. */

/* Compares the TEXT, a copy of what FD is open on, with the newest edition. */
static int sight_compare(const struct userdb *u, int fd, struct slice text,
                         struct sight *g)
{
    struct stat s;
    int r = 0;

    if (userdb_file_has(u->fd, text))
        return 0;
    if (u->edition > 0)
        r = userdb_objection(u, text, g->written, &g->why);
    g->changed = r == 0 && fstat(fd, &s) == 0 && userdb_is_as_seen(u, &s);
    return r;
}

/* Master's filter permits no fd_copy(). In pieces: a buffer for the whole would
 * cost more time than the copy. What is over USERS_FILE_MAX is refused later,
 * so it needn't be complete. */
static int sight_copy(int from, int to)
{
    char piece[65536];
    off_t at = 0;
    ssize_t n = 1;
    int r = 0;

    while (r == 0 && n > 0 && at <= USERS_FILE_MAX) {
        do
            n = pread(from, piece, sizeof(piece), at);
        while (n < 0 && errno == EINTR);
        r = n < 0 ? -errno : fd_write_all(to, piece, (size_t)n);
        at += n;
    }
    explicit_bzero(piece, sizeof(piece));
    return r;
}

/* Copies the file that FD is open on, even if the path names another one now.
 * Returns 0 also if it has changed meanwhile. */
static int sight_read_open(const struct userdb *u, int fd, struct sight *g)
{
    struct slice text = { NULL, 0 };
    int r = settings_private_file(fd, u->path, &g->why);

    if (r < 0)
        return r;
    r = sight_copy(fd, u->reading.text);
    g->written = users_file_is_written(fd);
    if (r == 0)
        r = fd_seal(u->reading.text);
    if (r == 0)
        r = shared_map_whole(u->reading.text, &text);
    if (r < 0)
        return userdb_failed(u, r, &g->why);
    r = text.len > USERS_FILE_MAX
            ? complain(&g->why, "%s: %s", u->path, strerror(EFBIG))
            : sight_compare(u, fd, text, g);
    shared_unmap_whole(text);
    return r;
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

/* Must the file be read, if it is still as it was at the last look? */
static bool userdb_is_unread(const struct userdb *u)
{
    return !u->settled && (u->reading.announced || u->edition == 0 ||
                           u->missing || userdb_is_quiet(u));
}

/* Must the file, which has these properties now, be read? */
static bool userdb_is_due(struct userdb *u, const struct stat *s)
{
    if (!userdb_is_as_seen(u, s)) {
        u->seen = *s;
        u->seen_at = clock_ms();
        u->settled = false;
    }
    return userdb_is_unread(u);
}

/* An overlay may lie above a network's disk. */
static bool disk_is_local(int fd)
{
    struct statfs disk;

    return !fd_on_network_disk(fd) && fstatfs(fd, &disk) == 0 &&
           disk.f_type != OVERLAYFS_SUPER_MAGIC;
}

/* Returns false if there is nothing to do, or the file changes just now. */
static bool sight_look(struct userdb *u, struct sight *g)
{
    FD_CLEANUP int fd = -1;
    struct stat s;

    if (stat(u->path, &s) < 0) {
        g->missing = errno;
        return true;
    }
    if (!userdb_is_due(u, &s))
        return false;
    /* Non-blocking: a FIFO in its place must not block it. */
    fd = open(u->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    g->quiet = userdb_is_quiet(u); /* reading may need seconds */
    if (fd < 0 || fstat(fd, &s) < 0) {
        g->missing = errno;
        return true;
    }
    if (!userdb_is_as_seen(u, &s))
        return false;
    g->local = disk_is_local(fd);
    g->result = sight_read_open(u, fd, g);
    return true;
}

/* The exit status of the fork. */
enum { SIGHT_NOTHING, SIGHT_THERE, SIGHT_LOST };

static int sight_main(void *owner)
{
    struct userdb *u = owner;
    struct sight g = { 0 };
    const bool found = sight_look(u, &g);

    g.seen = u->seen;
    g.seen_at = u->seen_at;
    if (pwrite(u->reading.report, &g, sizeof(g), 0) != sizeof(g))
        return SIGHT_LOST;
    return found ? SIGHT_THERE : SIGHT_NOTHING;
}

/* Does this error mean that the file stays unusable? Other errors come from a
 * lack of resources. */
static bool is_lasting(int error)
{
    return error == ENOENT || error == ENOTDIR || error == EACCES ||
           error == EPERM || error == ELOOP || error == ENXIO;
}

/* A file that was there and has vanished must not lock out everybody. */
static int userdb_not_opened(struct userdb *u, int error, pid_t *reader,
                             struct complaint *c)
{
    u->settled = false;
    if (error == ENOENT && u->missing)
        return 0;
    if (error == ENOENT && u->may_be_missing && u->edition == 0) {
        u->reading.announced = true;
        u->reading.none = true;
        return userdb_parse(u, reader, c);
    }
    complain(c, "%s: %s%s", u->path, strerror(error),
             error == ENOENT ? "; there were users before: restore it, or "
                               "correct the setting"
                             : "");
    return is_lasting(error) ? -EINVAL : -error;
}

bool userdb_changes(const struct userdb *u)
{
    FD_CLEANUP int fd = -1;
    struct buf text;
    bool other;

    if (u->settled || u->missing)
        return false;
    fd = open(u->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    buf_init(&text, USERS_FILE_MAX);
    other = fd >= 0 && fd_read_file(fd, &text) == 0 &&
            !userdb_file_has(u->fd, buf_slice(&text));
    buf_release(&text);
    return other;
}

/* The fork has looked at the file. */
static int userdb_seen(struct userdb *u, int status, pid_t *reader,
                       struct complaint *c)
{
    struct reading *o = &u->reading;
    struct sight g;

    if (status == -ETIMEDOUT)
        complain(c, "%s: its disk doesn't answer", u->path);
    if (status < 0)
        return status == -ETIMEDOUT ? status : userdb_failed(u, status, c);
    if (!WIFEXITED(status) || WEXITSTATUS(status) == SIGHT_LOST ||
        pread(o->report, &g, sizeof(g), 0) != sizeof(g))
        return userdb_failed(u, -EIO, c);
    if (g.missing != 0)
        return userdb_not_opened(u, g.missing, reader, c);
    if (!userdb_is_as_seen(u, &g.seen)) {
        u->local &= g.seen.st_dev == u->seen.st_dev;
        u->seen = g.seen;
        u->seen_at = g.seen_at;
        u->settled = false;
    }
    o->nothing = WEXITSTATUS(status) == SIGHT_NOTHING;
    if (o->nothing)
        return 0;
    o->read = true;
    o->settles = g.quiet && !g.written;
    u->local = g.local;
    if (g.result < 0)
        *c = g.why;
    return g.result == 0 && g.changed ? userdb_parse(u, reader, c) : g.result;
}

/* No new try at once: nobody keeps the machine busy with a disk that hangs, or
 * a reader that fails. After a process that was late the pauses grow. */
static void userdb_rest(struct userdb *u, int error, const struct reading *g)
{
    const uint64_t now = clock_ms();

    u->settled = false;
    if (error != -ETIMEDOUT) {
        if (g->answer >= 0)
            u->rests_until = 2 * now - g->begun;
        return;
    }
    u->pause = u->pause == 0                  ? PAUSE_LEAST_MS
               : u->pause < PAUSE_MOST_MS / 2 ? 2 * u->pause
                                              : PAUSE_MOST_MS;
    u->rests_until = now + u->pause;
}

/* The file counts as settled if it was quiet, and then was read, or refused for
 * its contents. If reading failed, the next check reads it again. */
static int userdb_end(struct userdb *u, int r, const struct complaint *now,
                      struct complaint *c)
{
    const struct reading g = u->reading; /* its descriptors are closed */

    reading_close(&u->reading);
    if (r < 0 && r != -EINVAL) {
        userdb_rest(u, r, &g);
    } else {
        u->pause = 0;
        if (g.read)
            u->settled = g.settles;
        if (g.read || g.none)
            u->missing = g.none && r == USERDB_NEW;
    }
    if (r == USERDB_SAME && g.nothing)
        return r;
    if (r >= 0) {
        u->reported.text[0] = '\0';
        return r;
    }
    if (strcmp(u->reported.text, now->text) == 0)
        return r == -EINVAL ? 0 : r;
    u->reported = *now;
    complain(c, "%s", now->text);
    return r;
}

/* Is the file, on a local disk, surely the one that was read last, or one that
 * has changed too lately to be read? It asks only what the kernel has in
 * memory, so it never waits, wherever the path leads today: RESOLVE_CACHED and
 * AT_STATX_DONT_SYNC. It spares a login the fork: 0.5 ms. */
static bool userdb_is_unchanged(const struct userdb *u)
{
    const struct open_how how = { .flags = O_PATH | O_CLOEXEC,
                                  .resolve = RESOLVE_CACHED };
    FD_CLEANUP int fd = -1;
    struct statx s;

    if (!u->local || userdb_is_unread(u))
        return false;
    fd = (int)syscall(SYS_openat2, AT_FDCWD, u->path, &how, sizeof(how));
    if (fd < 0 || statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC,
                        STATX_BASIC_STATS, &s) < 0)
        return false;
    return userdb_is_as_seen(
        u, &(struct stat){
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
    return clock_ms() < u->rests_until;
}

pid_t userdb_begin(struct userdb *u, bool announced, struct complaint *c)
{
    struct reading *g = &u->reading;
    struct complaint now = { "" };
    int keep[3], r;

    *g = (struct reading){ .announced = announced,
                           .begun = clock_ms(),
                           .report = -1,
                           .text = -1,
                           .answer = -1 };
    if (userdb_is_unchanged(u))
        return USERDB_SAME;
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
    userdb_failed(u, r, &now);
    return userdb_end(u, r, &now, c);
}

int userdb_go_on(struct userdb *u, int status, pid_t *next, struct complaint *c)
{
    struct complaint now = { "" };
    int r = u->reading.answer >= 0 ? userdb_take(u, status, &now)
                                   : userdb_seen(u, status, next, &now);

    return r == USERDB_WAITS ? r : userdb_end(u, r, &now, c);
}

int userdb_look(struct userdb *u, bool announced, struct complaint *c)
{
    pid_t pid;
    int r;

    if (userdb_rests(u))
        return -ETIMEDOUT;
    pid = userdb_begin(u, announced, c);
    if (pid <= 0)
        return (int)pid;
    do
        r = userdb_go_on(u, exec_wait(pid, (int)userdb_deadline(u)), &pid, c);
    while (r == USERDB_WAITS);
    return r;
}
