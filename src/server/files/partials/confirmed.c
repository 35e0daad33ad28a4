/* The mark of a partial, in the process files: an extended attribute with the
 * confirmed length, written after the sync of the bytes that it counts. The
 * length of the partial itself proves nothing: after a power cut, or an error
 * of the disk, a file system may keep the length and lose the bytes.
 *
 * A higher mark needs no sync of its own. If it is lost, less is resumed. A
 * lower mark is synced before the bytes above it change. The session has a
 * handle of the partial, but can't write the mark: its sandbox has no
 * fsetxattr. */
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "sallyport/base/random.h"

#define ATTRIBUTE  "user.sallyport.confirmed"
#define REPORTED   "user.sallyport.reported"
#define WANTED     "user.sallyport.name"
#define OVERTAKEN  "user.sallyport.overtaken"
#define DIRECTORY  "user.sallyport.directory"
#define MARK_BYTES 9

/* The first byte of the mark. Bytes written with `fsync = no` count only while
 * that setting holds. */
enum mark_kind { MARK_NONE, MARK_SYNCED, MARK_WRITTEN };

struct mark {
    enum mark_kind kind;
    uint64_t length;
};

uint64_t resume_length(uint64_t held)
{
    return held == 0 ? 0 : (held - 1) / RESUME_BLOCK * RESUME_BLOCK;
}

static struct mark confirmed_read(int fd)
{
    uint8_t bytes[MARK_BYTES];
    struct mark m = { MARK_NONE, 0 };

    if (fgetxattr(fd, ATTRIBUTE, bytes, sizeof(bytes)) != MARK_BYTES ||
        (bytes[0] != MARK_SYNCED && bytes[0] != MARK_WRITTEN))
        return m;
    m.kind = (enum mark_kind)bytes[0];
    for (int i = MARK_BYTES - 1; i > 0; i--)
        m.length = m.length << 8 | bytes[i];
    return m;
}

/* The record of SIZE. The mtime shows a writer that doesn't know the record,
 * such as a session of 1.0.0, or a process that was killed. */
struct record {
    uint64_t identity;
    int64_t seconds, nanoseconds;
};

static int record_read(int fd, struct record *ret)
{
    const ssize_t len = fgetxattr(fd, REPORTED, ret, sizeof(*ret));

    if (len == sizeof(*ret) && ret->identity > IDENTITY_LOST)
        return 0;
    *ret = (struct record){ 0 };
    if (len >= 0 || errno == ERANGE) /* as 1.0.0 wrote it */
        ret->identity = IDENTITY_LOST;
    return len >= 0 || errno == ERANGE || errno == ENODATA ||
                   errno == EOPNOTSUPP
               ? 0
               : -errno;
}

/* IDENTITY 0: a new one. */
static int record_write(int fd, const struct stat *st, uint64_t identity,
                        int flags)
{
    struct record r = { identity, st->st_mtim.tv_sec, st->st_mtim.tv_nsec };

    while (identity == 0 && r.identity <= IDENTITY_LOST)
        random_bytes(&r.identity, sizeof(r.identity));
    return fsetxattr(fd, REPORTED, &r, sizeof(r), flags) < 0 ? -errno : 0;
}

int identity_read(int fd, const struct stat *st, uint64_t *ret)
{
    struct record r;
    const int result = record_read(fd, &r);

    *ret = r.identity;
    if (r.identity > 0 && (r.seconds != st->st_mtim.tv_sec ||
                           r.nanoseconds != st->st_mtim.tv_nsec))
        *ret = IDENTITY_LOST;
    return result;
}

int identity_give(int fd, const struct stat *st, bool settled, uint64_t *ret,
                  bool *made)
{
    struct record r = { 0 };
    int result = identity_read(fd, st, ret);

    *made = result == 0 && (*ret == 0 || (settled && *ret == IDENTITY_LOST));
    if (*made)
        result = record_write(fd, st, 0, settled ? 0 : XATTR_CREATE);
    if (result == 0 || result == -EEXIST)
        result = record_read(fd, &r);
    *ret = r.identity;
    return result;
}

uint64_t identity_of_writer(int fd)
{
    struct record r;

    return record_read(fd, &r) == 0 ? r.identity : IDENTITY_LOST;
}

int identity_take(int fd, const struct stat *st)
{
    uint64_t identity;
    int r = identity_read(fd, st, &identity);

    return r == 0 && identity == IDENTITY_LOST
               ? record_write(fd, st, 0, XATTR_REPLACE)
               : r;
}

void identity_rest(int fd)
{
    struct record r;
    struct stat st;

    if (record_read(fd, &r) == 0 && r.identity > IDENTITY_LOST &&
        fstat(fd, &st) == 0)
        record_write(fd, &st, r.identity, XATTR_REPLACE);
}

static int confirmed_write(int fd, struct mark m)
{
    uint8_t bytes[MARK_BYTES] = { (uint8_t)m.kind };

    for (int i = 1; i < MARK_BYTES; i++)
        bytes[i] = (uint8_t)(m.length >> (8 * (i - 1)));
    return fsetxattr(fd, ATTRIBUTE, bytes, sizeof(bytes), 0) < 0 ? -errno : 0;
}

bool confirmed_is_marked(int fd)
{
    return confirmed_read(fd).kind != MARK_NONE;
}

/* If somebody has cut the file, the remaining bytes still count. */
static uint64_t confirmed_by_mark(const struct files *f, int fd,
                                  const struct stat *st)
{
    struct mark m = confirmed_read(fd);
    bool counts =
        m.kind == MARK_SYNCED || (m.kind == MARK_WRITTEN && !f->rules.fsync);

    if (!counts || !f->rules.resume || attribute_is_set(fd, ATTRIBUTE_STALE))
        return 0;
    return m.length <= (uint64_t)st->st_size
               ? m.length
               : resume_length((uint64_t)st->st_size);
}

/* The directory to which a partial is bound. A rename of the directory doesn't
 * change these numbers; a copy has others. Some kernels don't know the time of
 * birth. A snapshot of a subvolume counts as the original. */
struct bound {
    uint64_t inode, born;
};

static int bound_of(int directory, struct bound *ret)
{
    struct statx s;

    if (statx(directory, "", AT_EMPTY_PATH | AT_STATX_FORCE_SYNC,
              STATX_INO | STATX_BTIME, &s) < 0)
        return -errno;
    *ret = (struct bound){ .inode = s.stx_ino };
    if (s.stx_mask & STATX_BTIME)
        ret->born =
            (uint64_t)s.stx_btime.tv_sec * 1000000000 + s.stx_btime.tv_nsec;
    return 0;
}

bool confirmed_is_elsewhere(int fd, int directory)
{
    struct bound b, here;
    const ssize_t len = fgetxattr(fd, DIRECTORY, &b, sizeof(b));

    if (len != sizeof(b))
        return len >= 0 || (errno != ENODATA && errno != EOPNOTSUPP);
    return bound_of(directory, &here) < 0 || b.inode != here.inode ||
           (b.born != here.born && b.born > 0 && here.born > 0);
}

static int bound_set(int fd, int directory)
{
    struct bound b;
    int r;

    if (attribute_is_set(fd, ATTRIBUTE_DIRECTORY))
        return 0;
    r = bound_of(directory, &b);
    return r < 0 || fsetxattr(fd, DIRECTORY, &b, sizeof(b), 0) == 0 ? r
                                                                    : -errno;
}

uint64_t confirmed_length(const struct files *f, int directory, int fd,
                          const struct stat *st)
{
    uint64_t length = confirmed_by_mark(f, fd, st);

    return length > 0 && (attribute_is_set(fd, ATTRIBUTE_OWNER) ||
                          confirmed_is_elsewhere(fd, directory))
               ? 0
               : length;
}

int confirmed_raise(struct files *f, int fd)
{
    struct stat st;

    /* Reads the length first: bytes that come during the sync don't count. */
    if (fstat(fd, &st) < 0)
        return -errno;
    if (f->rules.fsync && fdatasync(fd) < 0)
        return -errno;
    struct mark m = { f->rules.fsync ? MARK_SYNCED : MARK_WRITTEN,
                      resume_length((uint64_t)st.st_size) };
    if (!f->rules.resume || m.length <= confirmed_by_mark(f, fd, &st))
        return 0;
    int r = bound_set(fd, f->upload.directory);
    if (r == 0)
        r = confirmed_write(fd, m);
    if (r == 0 || files_outcome(r) == OUTCOME_NO_SPACE || f->no_marks)
        return 0;
    /* Reports a file system without extended attributes to the log, once in a
     * session. */
    struct event_record e;

    f->no_marks = true;
    files_event_begin(f, &e, EVENT_TROUBLE,
                      "unfinished uploads can't be resumed: the file system "
                      "stores no extended attribute (" ATTRIBUTE ")");
    event_number(&e, FIELD_NUMBER, (uint64_t)-r);
    event_send(&f->log, &e);
    return 0;
}

bool confirmed_is_above(int fd, uint64_t length)
{
    return confirmed_read(fd).length > length;
}

/* Uses fsync, since fdatasync may leave an attribute out. */
int confirmed_lower(const struct files *f, int fd, uint64_t length)
{
    struct mark m = confirmed_read(fd);
    struct stat st = { 0 };

    if (m.length <= length)
        return 0;
    m.length = length;
    /* From the first write to the last one no answer counts: a SIZE without the
     * lock can read in between, and this process can be killed. If the last one
     * fails, the next SIZE makes an identity. */
    int r = record_write(fd, &st, IDENTITY_LOST, XATTR_REPLACE);
    const bool reported = r == 0;
    if (reported || r == -ENODATA || r == -EOPNOTSUPP)
        r = confirmed_write(fd, m);
    if (r == 0 && f->rules.fsync && fsync(fd) < 0)
        r = -errno;
    if (r == 0 && reported)
        record_write(fd, &st, 0, XATTR_REPLACE);
    return r;
}

/* If the cut fails, the upload that continues the partial cuts it. */
uint64_t confirmed_cut(const struct files *f, int fd)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return 0;
    uint64_t length = confirmed_by_mark(f, fd, &st);
    if (length < (uint64_t)st.st_size)
        (void)!ftruncate(fd, (off_t)length);
    return length;
}

/* Names of the attributes, in the order of enum attribute. */
static const char *const attributes[] = {
    ATTRIBUTE, REPORTED, WANTED, OVERTAKEN, OWNER_ATTRIBUTE, DIRECTORY
};
#define ATTRIBUTES (sizeof(attributes) / sizeof(attributes[0]))

/* Lists the attributes, so that only existing ones are removed: a network disk
 * takes long for each removal, even of a missing attribute. */
unsigned attributes_of(int fd)
{
    char list[1024];
    ssize_t len = flistxattr(fd, list, sizeof(list));
    unsigned found = 0;

    if (len < 0)
        return UINT_MAX;
    for (const char *at = list; at < list + len; at += strlen(at) + 1)
        for (unsigned i = 0; i < ATTRIBUTES; i++)
            if (strcmp(at, attributes[i]) == 0)
                found |= 1u << i;
    return found;
}

bool attribute_is_set(int fd, enum attribute a)
{
    return fgetxattr(fd, attributes[__builtin_ctz(a)], NULL, 0) >= 0;
}

void attribute_set(int fd, enum attribute a, const char *text)
{
    (void)!fsetxattr(fd, attributes[__builtin_ctz(a)], text, strlen(text), 0);
}

void attributes_remove(int fd, unsigned which)
{
    for (unsigned i = 0; i < ATTRIBUTES; i++)
        if (which & 1u << i)
            fremovexattr(fd, attributes[i]);
}

int reported_hand_on(const struct files *f, int old, int new)
{
    struct stat st;
    int r;

    if (!attribute_is_set(old, ATTRIBUTE_REPORTED))
        return 0;
    r = confirmed_write(new, (struct mark){ MARK_SYNCED, 0 });
    if (r == 0)
        r = fstat(new, &st) < 0 ? -errno
                                : record_write(new, &st, 0, XATTR_CREATE);
    return r == 0 && f->rules.fsync && fsync(new) < 0 ? -errno : r;
}

/* Checks the name, since the owner of the home can write anything into the
 * attribute. */
void wanted_get(int fd, char out[NAME_MAX + 1])
{
    ssize_t len = fgetxattr(fd, WANTED, out, NAME_MAX);

    out[len < 0 ? 0 : len] = '\0';
    if (len < 0 || !path_name_ok((struct slice){ out, (size_t)len }))
        out[0] = '\0';
}
