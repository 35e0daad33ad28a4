/* A look at the disks, which finds out if the users file and the directory of
 * all homes can be reached, and if the file has changed. A disk can hang, so a
 * fork of master looks. The fork copies a changed file into memory, for
 * reader. */
#include "logins.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"
#include "sallyport/base/shared.h"
#include "sallyport/settings/settings.h"
#include "sallyport/users/users_file.h"

static bool same_time(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

bool sight_is_same(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
           a->st_size == b->st_size && a->st_mode == b->st_mode &&
           same_time(&a->st_mtim, &b->st_mtim) &&
           same_time(&a->st_ctim, &b->st_ctim);
}

bool sight_mounted(int fd, struct mounted *ret)
{
    struct statx s;

    if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_MNT_ID, &s) < 0)
        return false;
    *ret = (struct mounted){ makedev(s.stx_dev_major, s.stx_dev_minor),
                             s.stx_mnt_id };
    return true;
}

/* Opens PATH, since the disk itself must answer open(2) and statfs(2): for a
 * network disk, the kernel can answer stat(2) from memory. An overlay doesn't
 * count as local, since it may lie above a network disk. O_NONBLOCK keeps a
 * FIFO in place of the file from blocking. */
static int sight_open(const char *path, int flags, int *error, bool *local)
{
    struct statfs disk;
    int fd = open(path, flags | O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    *error = fd < 0 || fstatfs(fd, &disk) < 0 ? errno : 0;
    *local = *error == 0 && !fd_on_network_disk(fd) &&
             disk.f_type != OVERLAYFS_SUPER_MAGIC;
    return fd;
}

/* Returns the clock_ms() at which the file will have been unchanged for QUIET
 * ms. On a local disk the last change was at the file's ctime, which no program
 * can set. On a network disk, whose clock may differ, the time counts from
 * now. */
static uint64_t sight_quiet_at(uint64_t quiet, const struct stat *s, bool local)
{
    struct timespec now;
    int64_t age;

    clock_gettime(CLOCK_REALTIME, &now);
    age = (now.tv_sec - s->st_ctim.tv_sec) * INT64_C(1000) +
          (now.tv_nsec - s->st_ctim.tv_nsec) / 1000000;
    if (!local || age < 0)
        age = 0;
    return clock_ms() + ((uint64_t)age < quiet ? quiet - (uint64_t)age : 0);
}

bool users_must_be_read(enum users_state state, uint64_t until, bool announced)
{
    switch (state) {
    case USERS_KNOWN:
        return false;
    case USERS_EARLY:
    case USERS_CHANGING:
        return announced || clock_ms() >= until;
    default:
        return true;
    }
}

/* Refuses a text that may be incomplete. WRITTEN: a program has the file open
 * for writing. Returns 0; or -EINVAL, with the complaint. */
static int sight_objection(const struct userdb *u, struct slice text,
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

/* Compares TEXT, a copy of the file FD, with the newest edition. */
static int sight_compare(const struct userdb *u, int fd, struct slice text,
                         bool written, struct sight *g)
{
    struct slice before;
    struct stat s;
    bool same = false;
    int r = 0;

    if (shared_map_whole(u->fd, &before) == 0) {
        same = slice_equal(before, text);
        shared_unmap(before.ptr, before.len);
    }
    if (same)
        return 0;
    /* After a reload, the first look may come too soon after a change: then
     * don't take the text yet. */
    if (!users_must_be_read(g->state, g->until, u->reading.announced)) {
        g->read = false;
        g->young = true;
        return 0;
    }
    if (u->edition > 0)
        r = sight_objection(u, text, written, &g->why);
    g->changed = r == 0 && fstat(fd, &s) == 0 && sight_is_same(&g->seen, &s);
    return r;
}

/* Copies by pread(2), since master's filter permits no sendfile(2). Stops soon
 * after USERS_FILE_MAX bytes, since the caller refuses a longer file. */
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

/* Copies the file FD into memory, even if the path names another file now, and
 * compares it with the newest edition. Returns 0 also if the file has changed
 * meanwhile. */
static int sight_read(const struct userdb *u, int fd, struct sight *g)
{
    struct slice text = { NULL, 0 };
    bool written;
    int r = settings_check_file(fd, u->path, SETTINGS_PRIVATE, &g->why);

    if (r < 0)
        return r;
    r = sight_copy(fd, u->reading.text);
    written = users_file_is_written(fd);
    g->whole = g->whole && !written;
    if (r == 0)
        r = fd_seal(u->reading.text);
    if (r == 0)
        r = shared_map_whole(u->reading.text, &text);
    if (r < 0) {
        complain(&g->why, "%s: %s", u->path, strerror(-r));
        return r;
    }
    r = text.len > USERS_FILE_MAX
            ? complain(&g->why, "%s: %s", u->path, strerror(EFBIG))
            : sight_compare(u, fd, text, written, g);
    shared_unmap(text.ptr, text.len);
    return r;
}

/* Begins names that are no home's, such as the lock of
 * sallyport-retention.service. They can lie below an unmounted disk. */
#define RESERVED ".sallyport-"

/* Is the directory FD empty, but for reserved names? If its number of links
 * shows a directory in it, a network disk needs no listing. autofs(5) lists no
 * home until somebody opens it. */
static bool sight_is_empty(int fd)
{
    const struct dirent *entry;
    struct statfs disk;
    struct stat s;
    size_t n = 0;
    DIR *directory;

    if (fstat(fd, &s) < 0 || s.st_nlink > 2 || fstatfs(fd, &disk) < 0 ||
        disk.f_type == AUTOFS_SUPER_MAGIC)
        return false;
    directory = fdopendir(openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory)
        return false;
    errno = 0;
    while ((entry = readdir(directory)) && n == 0)
        n += strcmp(entry->d_name, ".") != 0 &&
             strcmp(entry->d_name, "..") != 0 &&
             strncmp(entry->d_name, RESERVED, strlen(RESERVED)) != 0;
    closedir(directory);
    return n == 0 && errno == 0;
}

static bool sight_tell(const struct userdb *u, const struct sight *g)
{
    return pwrite(u->reading.report, g, sizeof(*g), 0) == sizeof(*g);
}

/* Reports the users file before it opens the homes, whose disk may hang. */
int sight_main(void *owner)
{
    const struct userdb *u = owner;
    const struct settings *s = &u->master->settings;
    struct sight g = { .homes = EINPROGRESS,
                       .homes_local = u->homes_local,
                       .homes_at = u->homes_at,
                       .state = u->state,
                       .until = u->until };
    FD_CLEANUP int file = sight_open(u->path, 0, &g.file, &g.local);
    FD_CLEANUP int homes = -1;

    if (g.file == 0 && fstat(file, &g.seen) < 0)
        g.file = errno;
    if (g.file == 0 && !sight_is_same(&g.seen, &u->seen)) {
        if (g.state != USERS_NONE)
            g.state = USERS_CHANGING;
        g.until = sight_quiet_at(u->master->deadlines.quiet, &g.seen, g.local);
    }
    /* Take the file's age before the reading, which can take seconds. */
    g.whole = clock_ms() >= g.until;
    /* Also read the file if a new generation has only the text of the previous
     * generation, and hasn't seen the file yet. */
    g.read = g.file == 0 &&
             ((u->edition > 0 && u->seen.st_mode == 0) ||
              users_must_be_read(g.state, g.until, u->reading.announced));
    if (g.read)
        g.result = sight_read(u, file, &g);
    if (!sight_tell(u, &g))
        return EX_OSERR;
    if (u->reading.announced || u->without_homes)
        return 0; /* an announced edit, such as a user's lock, must not wait for
                   * the homes' disk */
    homes = sight_open(s->homes, O_DIRECTORY, &g.homes, &g.homes_local);
    g.homes_empty = g.homes == 0 && sight_is_empty(homes);
    /* An empty directory is judged by the users, who can change. */
    g.homes_local =
        g.homes_local && !g.homes_empty && sight_mounted(homes, &g.homes_at);
    return sight_tell(u, &g) ? 0 : EX_OSERR;
}
