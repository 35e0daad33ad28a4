/* Locks, begins and ends partials, in the process files. A lock (flock) belongs
 * to the open file that this process keeps. The session gets another open file
 * of the same partial, so it can't release the lock. The process never follows
 * a link here, and never touches a file of another user. */
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sallyport/base/fd.h"
#include "sallyport/base/random.h"

/* The name of a partial is a keyed hash: without the key nobody can tell to
 * which file the partial belongs. */

_Static_assert(2 * sizeof(uint64_t) == SIPHASH_KEY, "two halves");

#define SUFFIX     ".part"
#define RANDOM     ".temp" /* of the same length */
#define PREFIX_LEN (sizeof(PATH_RESERVED) - 1)

void files_name_key(const uint8_t server[SIPHASH_KEY], const char *user,
                    uint8_t ret[SIPHASH_KEY])
{
    char purpose[sizeof("files 1 ") + USER_NAME_MAX];
    uint64_t half[2];

    for (int i = 0; i < 2; i++) {
        int len =
            snprintf(purpose, sizeof(purpose), "files %c %s", '1' + i, user);
        half[i] = siphash(server, purpose, (size_t)len);
    }
    memcpy(ret, half, sizeof(half));
}

static void partial_name_format(char out[PARTIAL_NAME_MAX], uint64_t a,
                                uint64_t b, const char *suffix)
{
    snprintf(out, PARTIAL_NAME_MAX, "%s%016llx%016llx%s", PATH_RESERVED,
             (unsigned long long)a, (unsigned long long)b, suffix);
}

/* Hashes user and name only, not the directory, so that a directory that is
 * renamed keeps its partials. Two hashes make 128 bits; their inputs differ in
 * the first byte. A name longer than NAME_MAX, which is possible on vfat, ntfs3
 * and cifs, never has a partial. */
void partial_name(const struct files *f, const char *name,
                  char out[PARTIAL_NAME_MAX])
{
    char text[1 + 255 + 1 + NAME_MAX + 1];
    uint64_t half[2];
    int len = snprintf(text + 1, sizeof(text) - 1, "%.255s%c%.*s", f->user, 0,
                       NAME_MAX, name);

    for (int i = 0; i < 2; i++) {
        text[0] = (char)i;
        half[i] = siphash(f->name_key, text, (size_t)len + 1);
    }
    partial_name_format(out, half[0], half[1], SUFFIX);
}

void partial_name_random(char out[PARTIAL_NAME_MAX])
{
    uint64_t half[2];

    random_bytes(half, sizeof(half));
    partial_name_format(out, half[0], half[1], RANDOM);
}

static bool partial_name_has_shape(const char *name, const char *suffix)
{
    static const char digits[] = "0123456789abcdef";

    return strncmp(name, PATH_RESERVED, PREFIX_LEN) == 0 &&
           strspn(name + PREFIX_LEN, digits) == PARTIAL_DIGITS &&
           strcmp(name + PREFIX_LEN + PARTIAL_DIGITS, suffix) == 0;
}

bool partial_is_name(const char *name)
{
    return partial_name_has_shape(name, SUFFIX) || partial_is_random(name);
}

bool partial_is_random(const char *name)
{
    return partial_name_has_shape(name, RANDOM);
}

#define LOCK_TRIES 16
/* Milliseconds to wait for SIZE, a search for idle partials, and others: they
 * share a lock for some microseconds to see whether a writer has it. */
#define PROBE_MS 250
#define FLAGS    (O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)
#define MODE     0600 /* until it is a file */

/* Is ST this user's file? The file may be a finished file with several names,
 * as after `cp -al` of the home. Only a mark shows that it is an unfinished
 * upload, so the server writes only to a file with a mark. */
bool partial_is_own(const struct files *f, const struct stat *st)
{
    return S_ISREG(st->st_mode) && st->st_uid == f->uid;
}

/* Opens the partial NAME with FLAGS, which decide whether it can be locked:
 * some network file systems lock a file only if it is open for reading, or only
 * if it is open for writing. If a mount permits no reading, opens the partial
 * for writing only, since the sandbox refuses to read even the user's own
 * files. Attributes, sync and lock work then, too. */
static int partial_open_in(const struct files *f, int directory,
                           const char *name, int flags)
{
    if (f->writes_only)
        flags = (flags & ~O_ACCMODE) | O_WRONLY;
    return resolve_in(directory, name, flags | FLAGS,
                      flags & O_CREAT ? MODE : 0);
}

int partial_open_unlocked(const struct files *f, int directory,
                          const char *name)
{
    char partial[PARTIAL_NAME_MAX];
    struct stat st;

    partial_name(f, name, partial);
    FD_CLEANUP int fd = partial_open_in(f, directory, partial, O_RDONLY);
    if (fd < 0) /* a link, and an earlier account's partial, count as none */
        return fd == -ELOOP || fd == -EACCES ? -ENOENT : fd;
    if (fstat(fd, &st) < 0)
        return -errno;
    return partial_is_own(f, &st) ? fd_take(&fd) : -ENOENT;
}

void partial_wanted(const struct files *f, int directory, const char *partial,
                    char out[NAME_MAX + 1])
{
    FD_CLEANUP int fd = partial_open_in(f, directory, partial, O_RDONLY);

    out[0] = '\0';
    if (fd >= 0)
        wanted_get(fd, out);
}

bool partial_is_promised(const struct files *f, int directory,
                         const char *partial)
{
    FD_CLEANUP int fd = partial_open_in(f, directory, partial, O_RDONLY);

    return fd < 0 ? fd != -ENOENT
                  : attributes_of(fd) & (ATTRIBUTE_REPORTED | ATTRIBUTE_OWNER);
}

bool partial_is_of_other(const struct files *f, int directory,
                         const char *partial)
{
    char wanted[NAME_MAX + 1], own[PARTIAL_NAME_MAX];

    if (partial_is_random(partial))
        return false;
    partial_wanted(f, directory, partial, wanted);
    partial_name(f, wanted, own);
    return wanted[0] && strcmp(partial, own) != 0;
}

int partial_resumable(const struct files *f, int directory, const char *name,
                      struct stat *st, uint64_t *identity, uint64_t *length)
{
    FD_CLEANUP int fd = partial_open_unlocked(f, directory, name);

    *identity = 0;
    *length = 0;
    if (fd < 0)
        return fd == -ENOENT ? 0 : fd;
    if (fstat(fd, st) < 0)
        return -errno;
    int r = identity_read(fd, st, identity);
    if (r == 0)
        *length = confirmed_length(f, directory, fd, st);
    return r;
}

bool partial_has_landed(const struct files *f, int directory, const char *name,
                        const struct stat *st)
{
    if (!partial_is_own(f, st) || st->st_nlink < 2)
        return false;
    FD_CLEANUP int fd = partial_open_in(f, directory, name, O_RDONLY);
    return fd >= 0 && !confirmed_is_marked(fd);
}

bool partial_is_useless(const struct files *f, int directory, const char *name,
                        const struct stat *st)
{
    FD_CLEANUP int fd = partial_open_in(f, directory, name, O_RDONLY);
    const unsigned has = fd < 0 ? UINT_MAX : attributes_of(fd);

    return partial_has_landed(f, directory, name, st) ||
           (has != UINT_MAX &&
            (has & (ATTRIBUTE_STALE | ATTRIBUTE_OWNER) ||
             !(has & (ATTRIBUTE_MARK | ATTRIBUTE_REPORTED))));
}

bool partial_is_there(int directory, const struct partial *p)
{
    return resolve_is_at(directory, p->name, &p->opened);
}

/* Takes a shared lock. If NFS refuses it (EBADF), since the file isn't open for
 * reading, takes an exclusive lock instead. */
int partial_share_lock(int fd)
{
    int r = flock(fd, LOCK_SH | LOCK_NB);

    if (r < 0 && errno == EBADF)
        r = flock(fd, LOCK_EX | LOCK_NB);
    return r < 0 ? -errno : 0;
}

/* Takes the lock. If an upload has it, returns -EBUSY at once. Waits up to MS
 * for processes that only look at the partial, and hold the lock for a moment;
 * on NFS also for an upload, if FD can't share the lock. */
static int partial_lock(const struct files *f, int fd, uint64_t ms)
{
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        return 0;
    if (flock(fd, LOCK_SH | LOCK_NB) < 0 && errno != EBADF)
        return errno == EWOULDBLOCK ? -EBUSY : -errno;
    return files_lock(f, fd, LOCK_EX, ms);
}

/* Opens and locks the partial NAME, and reads its facts. If it was renamed or
 * deleted between open and lock, tries again. Returns a descriptor; -EBUSY: a
 * writer has the partial, or has already replaced the new one, or it belongs to
 * somebody else; -EOWNERDEAD: the disk gave a new partial another owner, and it
 * was removed; or another -errno. */
static int partial_open_locked(const struct files *f, int directory,
                               const char *name, int flags, uint64_t ms,
                               struct stat *ret)
{
    for (int tries = 0; tries < LOCK_TRIES; tries++) {
        FD_CLEANUP int fd = partial_open_in(f, directory, name, O_RDWR | flags);

        if (fd < 0)
            return fd == -ELOOP ? -EBUSY : fd;
        int r = partial_lock(f, fd, ms);
        if (r < 0)
            return r;
        const bool new = flags &O_EXCL;
        const bool own =
            (new ? (r = resolve_known(fd, ret)) : fstat(fd, ret)) == 0 &&
            partial_is_own(f, ret);
        if (own && resolve_is_at(directory, name, ret))
            return fd_take(&fd);
        if (own && new) /* another session took it for an idle one */
            return -EBUSY;
        if (new) {
            unlinkat(directory, name, 0);
            return r < 0 ? r : -EOWNERDEAD;
        }
    }
    return -EBUSY;
}

/* Does the same as partial_open_locked(). -EBUSY: also, a silent upload has the
 * partial. Asks before the lock, too, which its next byte would need. */
static int partial_open_idle(const struct files *f, int directory,
                             const char *name, uint64_t ms, struct stat *ret)
{
    if (fstatat(directory, name, ret, AT_SYMLINK_NOFOLLOW) == 0 &&
        partial_is_alive(directory, ret))
        return -EBUSY;
    FD_CLEANUP int fd = partial_open_locked(f, directory, name, 0, ms, ret);
    return fd >= 0 && partial_is_alive(directory, ret) ? -EBUSY : fd_take(&fd);
}

/* Deletes P, unless its lock is lost: then another server's session may have
 * P. */
static void partial_delete(int directory, struct partial *p)
{
    if (p->fd >= 0 && owner_is_ours(p) && partial_is_there(directory, p))
        unlinkat(directory, p->name, 0);
    fd_close(&p->fd);
}

int partial_lock_of(const struct files *f, int directory, const char *name)
{
    char own[PARTIAL_NAME_MAX];
    struct stat st;

    partial_name(f, name, own);
    return partial_open_locked(f, directory, own, 0, PROBE_MS, &st);
}

int partial_open(const struct files *f, int directory, const char *name,
                 const struct stat *seen, uint64_t identity, uint64_t first,
                 struct partial *ret)
{
    struct partial p = { .kind = PARTIAL_OWN, .locks_die = f->locks_die };
    uint64_t now;

    partial_name(f, name, p.name);
    p.fd = partial_open_locked(f, directory, p.name, 0, PROBE_MS, &p.opened);
    if (p.fd < 0)
        return p.fd == -ENOENT ? -EBUSY : p.fd;
    /* A SIZE of another session may have changed the ctime meanwhile. */
    const bool same = identity > IDENTITY_LOST
                          ? identity_read(p.fd, &p.opened, &now) == 0 &&
                                now == identity &&
                                resolve_is_same(&p.opened, seen)
                          : resolve_is_unchanged(&p.opened, seen);
    int r = same && confirmed_length(f, directory, p.fd, &p.opened) >= first
                ? owner_claim_rest(&p)
                : -EBUSY;
    if (r == 0)
        r = identity_take(p.fd, &p.opened);
    if (r == 0) {
        /* If the lower mark can't be written, as on a full btrfs, nothing has
         * changed; if its sync fails, no byte counts any more. */
        r = confirmed_lower(f, p.fd, first);
        if (r < 0 && !confirmed_is_above(p.fd, first))
            p.kind = PARTIAL_LOST;
    }
    /* A killed process may have left bytes above the mark. */
    if (r == 0 && (uint64_t)p.opened.st_size > first &&
        ftruncate(p.fd, (off_t)first) < 0)
        r = -errno;
    if (r == 0) {
        *ret = p;
        return 0;
    }
    if (p.kind == PARTIAL_LOST) {
        partial_delete(directory, &p);
        return r;
    }
    owner_release(&p);
    fd_close(&p.fd);
    return r;
}

/* Makes a file that is called p->name, and copies P to *ret. */
static int partial_create(const struct files *f, int directory,
                          struct partial *p, struct partial *ret)
{
    p->fd = partial_open_locked(f, directory, p->name, O_CREAT | O_EXCL,
                                PROBE_MS, &p->opened);
    if (p->fd < 0)
        return p->fd;
    *ret = *p;
    return 0;
}

int partial_new_random(const struct files *f, int directory,
                       struct partial *ret)
{
    struct partial p = PARTIAL_NONE;

    partial_name_random(p.name);
    return partial_create(f, directory, &p, ret);
}

static int partial_take_place(const struct files *f, int directory,
                              const char *own, int old, struct partial *p)
{
    struct stat st;
    int r = reported_hand_on(f, old, p->fd);

    if (r < 0)
        return r;
    /* A power cut can undo the rename: the old bytes must not count then. */
    r = confirmed_lower(f, old, 0);
    bool there = resolve_known(old, &st) == 0 &&
                 resolve_is_at(directory, own, &st) &&
                 partial_is_there(directory, p);
    if (r < 0 && there)
        unlinkat(directory, own, 0);
    if (r < 0 || !there)
        return r < 0 ? r : -EBUSY;
    if (renameat(directory, p->name, directory, own) < 0)
        return -errno;
    snprintf(p->name, sizeof(p->name), "%s", own);
    p->kind = PARTIAL_OWN;
    p->locks_die = f->locks_die;
    return 0;
}

/* Marks the own partial of NAME, which is in work, and removes these of its
 * attributes. Returns 0 or -EBUSY. */
static int partial_overtake(const struct files *f, int directory,
                            const char *name, unsigned removed)
{
    FD_CLEANUP int busy = partial_open_unlocked(f, directory, name);

    if (busy >= 0) {
        attribute_set(busy, ATTRIBUTE_STALE, "1");
        attributes_remove(busy, removed);
    }
    return busy >= 0 ? 0 : -EBUSY;
}

int partial_new(const struct files *f, int directory, const char *name,
                struct partial *ret)
{
    struct partial p = { .kind = PARTIAL_OWN, .locks_die = f->locks_die };
    struct stat st;

    partial_name(f, name, p.name);
    int r = partial_create(f, directory, &p, ret);
    if (r == -EBUSY) /* another upload found it idle, and locked it */
        return partial_new_random(f, directory, ret);
    if (r != -EEXIST)
        return r;
    FD_CLEANUP int old = partial_open_idle(f, directory, p.name, PROBE_MS, &st);
    /* The old partial has gone since its upload ended (-ENOENT), an upload
     * still has its lock or is silent (-EBUSY), or it belongs to a removed
     * account that had this user's name (-EBUSY, -EACCES). */
    if (old == -EBUSY) /* the next SIZE would take it for the new one */
        partial_overtake(f, directory, name, 0);
    if (old == -EBUSY || old == -ENOENT || old == -EACCES)
        return partial_new_random(f, directory, ret);
    /* Replaces the old partial instead of emptying it: the session that wrote
     * it may still have a handle. */
    r = old < 0 ? old : partial_new_random(f, directory, ret);
    if (r < 0)
        return r;
    r = partial_take_place(f, directory, p.name, old, ret);
    if (r < 0)
        partial_delete(directory, ret);
    return r;
}

int partial_writer(const struct partial *p, int directory)
{
    struct stat st;
    FD_CLEANUP int fd = resolve_in(directory, p->name, O_WRONLY | FLAGS, 0);

    if (fd < 0)
        return fd;
    int r = resolve_known(fd, &st);
    if (r < 0)
        return r;
    return resolve_is_same(&st, &p->opened) ? fd_take(&fd) : -EBUSY;
}

/* After a failed sync the partial is lost: Linux reports a failed write once,
 * and then treats the pages as written. So nobody knows which bytes are on the
 * disk, and a later sync that succeeds proves nothing. */
int partial_confirm(struct files *f, struct partial *p)
{
    if (p->kind == PARTIAL_LOST)
        return -EIO;
    int r = p->kind == PARTIAL_OWN ? owner_check(f, p) : 0;
    /* On a disk that can lose locks, a partial gets a mark only if it has our
     * token. */
    if (r == 0 && p->kind == PARTIAL_OWN &&
        (!p->locks_die || p->claimed || p->no_tokens))
        r = confirmed_raise(f, p->fd);
    else if (r == 0 && f->rules.fsync && fdatasync(p->fd) < 0)
        r = -errno;
    if (r != 0)
        p->kind = PARTIAL_LOST;
    return r;
}

/* Ignores errors, since a file system without modes can refuse each change. */
static void partial_set_mode(struct partial *p, unsigned mode)
{
    if ((p->opened.st_mode & 07777) != mode && fchmod(p->fd, (mode_t)mode) == 0)
        p->opened.st_mode = S_IFREG | mode;
}

int partial_complete(const struct files *f, struct partial *p, unsigned mode)
{
    if (p->kind == PARTIAL_LOST)
        return -EIO;
    partial_set_mode(p, mode);
    if (!f->rules.fsync || fsync(p->fd) == 0)
        return 0;
    p->kind = PARTIAL_LOST;
    return -errno;
}

/* A lock of the partial itself would need it open, which the inspection
 * forbids. The lock ends with the upload, which closes its directory. */
static struct flock alive_lock(short type, const struct stat *st)
{
    return (struct flock){ .l_type = type,
                           .l_whence = SEEK_SET,
                           .l_start = (off_t)(st->st_ino & (INT64_MAX >> 1)),
                           .l_len = 1 };
}

bool partial_is_alive(int directory, const struct stat *st)
{
    struct flock lock = alive_lock(F_WRLCK, st);

    return fcntl(directory, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

int partial_rest(struct files *f, struct partial *p)
{
    if (p->kind != PARTIAL_OWN || p->rests)
        return 0;
    int r = partial_confirm(f, p);
    if (r != 0 || !confirmed_is_above(p->fd, 0))
        return r;
    struct flock lock = alive_lock(F_RDLCK, &p->opened);
    if (fcntl(f->upload.directory, F_OFD_SETLK, &lock) < 0)
        return 0; /* it keeps its own lock */
    identity_rest(p->fd);
    owner_release(p);
    if (fstat(p->fd, &p->rested) < 0)
        return -errno;
    p->rests = true;
    fd_close(&p->fd); /* the inspection permits no second writer */
    return 0;
}

int partial_go_on(const struct files *f, int directory, struct partial *p)
{
    struct stat st;

    if (!p->rests)
        return p->fd < 0 ? (int)OUTCOME_PARTIAL_TAKEN : 0;
    p->rests = false;
    p->fd = partial_open_locked(f, directory, p->name, 0, PROBE_MS, &st);
    if (p->fd >= 0 && resolve_is_same(&st, &p->rested) &&
        owner_check(f, p) == 0 && fstat(p->fd, &st) == 0) {
        st.st_ctim = p->rested.st_ctim; /* a SIZE has changed it */
        if (resolve_is_unchanged(&st, &p->rested))
            return 0;
    }
    if (p->fd >= 0)
        owner_release(p);
    p->kind = PARTIAL_LOST;
    fd_close(&p->fd);
    return OUTCOME_PARTIAL_TAKEN;
}

/* Empties a partial that must not be resumed, but has the record of SIZE: the
 * rest that belongs to it must not become a file. */
static bool partial_empty(const struct files *f, const struct partial *p)
{
    if (p->named || !f->rules.resume ||
        !attribute_is_set(p->fd, ATTRIBUTE_REPORTED) || !owner_is_ours(p) ||
        confirmed_lower(f, p->fd, 0) < 0 || ftruncate(p->fd, 0) < 0)
        return false;
    attributes_remove(p->fd, ATTRIBUTE_STALE);
    return true;
}

/* Keeps a partial that is too short to be resumed only if it has the record of
 * SIZE. Doesn't cut a file that may be visible: it keeps the bytes above its
 * mark until it is resumed. */
void partial_end(struct files *f, int directory, struct partial *p)
{
    const bool there = partial_is_there(directory, p);

    if (there)
        partial_set_mode(p, MODE); /* it was about to become a file */
    bool kept = there && p->kind == PARTIAL_OWN && f->rules.resume &&
                !attribute_is_set(p->fd, ATTRIBUTE_STALE) &&
                partial_confirm(f, p) == 0;
    if (kept &&
        !(p->named ? confirmed_is_marked(p->fd) : confirmed_cut(f, p->fd) > 0))
        kept = attribute_is_set(p->fd, ATTRIBUTE_REPORTED);
    if (!kept && !(there && partial_empty(f, p))) {
        partial_delete(directory, p);
        return;
    }
    identity_rest(p->fd);
    owner_release(p); /* it has no writer now, so it can be resumed */
    fd_close(&p->fd);
}

int partial_remove(const struct files *f, int directory, const char *name,
                   time_t before, uint64_t ms)
{
    struct stat st;
    FD_CLEANUP int fd = partial_open_idle(f, directory, name, ms, &st);

    if (fd < 0)
        return fd;
    if (before != 0 && st.st_ctime > before)
        return -EBUSY;
    return unlinkat(directory, name, 0) < 0 ? -errno : 0;
}

/* Ignores a partial that can't be opened: it belongs to an earlier account with
 * this user's name. */
int partial_delete_of(const struct files *f, int directory, const char *name)
{
    char own[PARTIAL_NAME_MAX];

    partial_name(f, name, own);
    int r = partial_remove(f, directory, own, 0, PROBE_MS);
    return r == -EACCES ? -ENOENT : r;
}

int partial_forget(const struct files *f, int directory, const char *name)
{
    int r = partial_delete_of(f, directory, name);

    return r == -EBUSY
               ? partial_overtake(f, directory, name, ATTRIBUTE_REPORTED)
               : r;
}

bool partial_name_in_use(const struct files *f, int directory, const char *name)
{
    FD_CLEANUP int fd = partial_open_in(f, directory, name, O_RDWR);
    struct stat st;

    if (fd < 0)
        return fd != -ENOENT && fd != -EACCES;
    if (fstat(fd, &st) < 0 || !partial_is_own(f, &st))
        return true;
    return partial_share_lock(fd) == -EWOULDBLOCK;
}
