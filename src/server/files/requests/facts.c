/* Looks up a name for a client, in the process files. SIZE, MDTM, MLST, RNFR
 * and each line of a listing get the facts of the name, RETR gets a handle of
 * the file, and CWD learns whether the user can enter the directory. A link to
 * a file in the home is shown as this file. Any other link is shown as a link:
 * otherwise a client that removes or copies a tree would follow a link out of
 * the tree, or in a circle. */
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "sallyport/base/fd.h"
#include "sallyport/domain/outcome.h"
#include "sallyport/domain/rights.h"

/* The perm fact (RFC 3659 7.5.5) is advice: it says what the user's rights
 * permit. The disk can still refuse it, by permission bits, an ACL or a
 * read-only mount. */
static bool perm_has(const struct mount *m, unsigned rights)
{
    return (m->rights & rights) == rights;
}

static unsigned perm_when(bool condition, unsigned perm)
{
    return condition ? perm : 0;
}

/* Leaves out PERM_LIST for a drop: the listing of a drop shows nothing, and a
 * client must not take the drop for an empty directory. */
static unsigned perm_directory(const struct mount *m)
{
    return PERM_ENTER | perm_when(perm_has(m, RIGHT_WRITE), PERM_CREATE) |
           perm_when(perm_has(m, RIGHT_LIST) && !m->drop, PERM_LIST) |
           perm_when(perm_has(m, RIGHT_DIRECTORY), PERM_MAKE) |
           perm_when(perm_has(m, RIGHT_DELETE), PERM_PURGE);
}

unsigned facts_perm(const struct files *f, const struct mount *m,
                    const struct stat *st, bool link)
{
    const enum conflict rule = f->rules.on_conflict;
    /* Would STOR to this file's name be accepted? */
    bool replace = rule != CONFLICT_REJECT && perm_has(m, RIGHT_WRITE) &&
                   (rule == CONFLICT_RENAME || perm_has(m, RIGHT_REPLACE));
    bool append = replace && rule != CONFLICT_RENAME && !m->inspect;
    bool rename = perm_has(m, RIGHT_RENAME) && !link &&
                  !(m->mine && S_ISDIR(st->st_mode));

    if (S_ISDIR(st->st_mode)) /* but RMD refuses a link to a directory */
        return perm_directory(m) | perm_when(rename, PERM_RENAME) |
               perm_when(perm_has(m, RIGHT_DIRECTORY) && !link, PERM_DELETE);
    if (S_ISREG(st->st_mode))
        return perm_when(append, PERM_APPEND) | perm_when(replace, PERM_WRITE) |
               perm_when(perm_has(m, RIGHT_READ), PERM_READ) |
               perm_when(rename, PERM_RENAME) |
               perm_when(perm_has(m, RIGHT_DELETE), PERM_DELETE);
    return perm_when(perm_has(m, RIGHT_DELETE) && link, PERM_DELETE);
}

/* Hides the size, the links and the time of a directory, since other users'
 * uploads change them. The time becomes the start of the server, which says
 * nothing about uploads, and is the same for everybody; not 1970, which clients
 * show as an error. */
static void facts_hide_changes(const struct files *f, struct stat *st)
{
    st->st_size = 0;
    st->st_nlink = 1;
    st->st_mtim = (struct timespec){ .tv_sec = f->rules.since };
}

int facts_of_mount(struct files *f, const struct mount *m, struct facts *ret)
{
    ret->st = (struct stat){ .st_mode = S_IFDIR | m->dir_mode,
                             .st_ino = (ino_t)(m - f->mount) };
    /* Doesn't call fstat(), which could hang. */
    int r = m->fd < 0 ? 0 : resolve_known(m->fd, &ret->st);
    if (r < 0)
        return r;
    ret->link = false;
    ret->perm = perm_directory(m);
    ret->owner = (struct slice){ "", 0 };
    if (m->fd < 0 || mount_hides_names(m))
        facts_hide_changes(f, &ret->st);
    return 0;
}

int facts_read(struct files *f, const struct view *in, const char *name,
               bool into, struct facts *ret)
{
    if (fstatat(in->fd, name, &ret->st, AT_SYMLINK_NOFOLLOW) < 0)
        return -errno;
    if (resolve_hides(f, in->mount, &ret->st))
        return -ENOENT;
    ret->link = S_ISLNK(ret->st.st_mode);
    if (ret->link) {
        /* Resolves the link from the home: a link can lead to a directory above
         * its own, but not above the home. */
        char path[FTP_PATH_MAX + 1 + NAME_MAX + 1];
        int len = in->path.len == 1 ? 0 : (int)in->path.len;
        struct stat st;

        snprintf(path, sizeof(path), "%.*s/%s", len, in->path.ptr, name);
        FD_CLEANUP int fd = resolve_open(f, slice_from(path), 0, O_PATH);
        if (fd >= 0 && fstat(fd, &st) == 0 && (into || !S_ISDIR(st.st_mode)))
            ret->st = st;
    }
    ret->perm = facts_perm(f, in->mount, &ret->st, ret->link);
    ret->owner = names_owner(f, in->mount, ret->st.st_uid);
    if (mount_hides_names(in->mount) && S_ISDIR(ret->st.st_mode))
        facts_hide_changes(f, &ret->st);
    return 0;
}

enum entry_kind facts_kind(const struct facts *facts)
{
    switch (facts->st.st_mode & S_IFMT) {
    case S_IFLNK:
        return ENTRY_LINK;
    case S_IFDIR:
        return ENTRY_DIRECTORY;
    case S_IFREG:
        return ENTRY_FILE;
    default:
        return S_ISFIFO(facts->st.st_mode) ? ENTRY_FIFO : ENTRY_OTHER;
    }
}

/* Finds the answer to SIZE of a missing file, or to SITE PARTIAL: how many
 * bytes of the file's partial can be resumed. If the file has appeared
 * meanwhile, its facts are the answer to SIZE. */
static int facts_of_partial(struct files *f, uint64_t key,
                            const struct place *at, const struct view *in,
                            enum facts_for purpose, struct facts *ret)
{
    bool waited;
    struct facts finished;
    uint64_t length =
        resume_size(f, key, at->directory, at->name, &ret->st, &waited);

    if ((waited || length == 0) && purpose == FACTS_FOR_SIZE &&
        !in->mount->drop &&
        facts_read(f, in, at->name, false, &finished) == 0) {
        resume_note_file(f, key, at->directory, &finished.st);
        *ret = finished;
        return 0;
    }
    if (length == 0 && purpose == FACTS_FOR_SIZE)
        resume_note_nothing(f, key, at->directory);
    if (length == 0)
        return -ENOENT;
    ret->st.st_size = (off_t)length;
    ret->perm = facts_perm(f, in->mount, &ret->st, false);
    return 0;
}

/* Finds the facts of what this session has stored by a name without a file that
 * the user sees. */
static int facts_of_own(struct files *f, const struct own *own,
                        const struct view *in, bool directory,
                        struct facts *ret)
{
    if (own->held)
        return OUTCOME_WAITS;
    if (in->mount->drop)
        return own_facts(f, own, ret);
    return own_is_at(in->fd, own)
               ? facts_read(f, in, own->stored, directory, ret)
               : -ENOENT;
}

static const unsigned facts_rights[FACTS_FOR_COUNT] = {
    [FACTS_FOR_ANY] = RIGHT_LIST,
    [FACTS_FOR_SIZE] = RIGHT_LIST,
    [FACTS_FOR_PARTIAL] = RIGHT_WRITE,
    [FACTS_FOR_RENAME] = RIGHT_RENAME,
};

/* May RNFR mean the file at AT with the facts RET? Renames no older file
 * instead of the client's upload. Returns 0, an outcome, or -errno. */
static int facts_for_rename(struct files *f, const struct path *path,
                            const struct place *at, const struct facts *ret)
{
    if (ret->link)
        return OUTCOME_NOT_REGULAR; /* change.c renames no link */
    if (own_is_elsewhere(f, path, at, &ret->st))
        return OUTCOME_ELSEWHERE;
    return S_ISREG(ret->st.st_mode) ? held_waits(f, at) : 0;
}

/* Finds the facts of PATH. In a drop the user can see only own partials, and
 * what this session has stored. */
static int facts_find(struct files *f, const struct path *path,
                      enum facts_for purpose, bool directory, struct facts *ret)
{
    PLACE_CLEANUP struct place at = PLACE_NONE;
    bool partial_counts =
        purpose == FACTS_FOR_SIZE || purpose == FACTS_FOR_PARTIAL;
    const uint64_t key = resume_key(f, path);
    const struct own *own = own_find(f, path);
    const struct sized *sized = resume_sized(f, key);
    struct view in;
    struct slice name;

    /* SITE PARTIAL doesn't answer about the finished file. */
    if (purpose == FACTS_FOR_SIZE || (partial_counts && sized && !sized->file))
        resume_drop_answer(f, key);
    int r = resolve_place(f, path, facts_rights[purpose], O_PATH, &at);
    if (r == 0 && purpose == FACTS_FOR_RENAME && path->len > 1)
        r = change_of_mount(f, path);
    if (r != 0)
        return r;
    if (at.name[0] == 0)
        return facts_of_mount(f, at.mount, ret);
    path_split(path_slice(path), &in.path, &name);
    in.mount = at.mount;
    in.fd = at.directory;
    if (in.mount->drop && own && !partial_counts)
        return facts_of_own(f, own, &in, directory, ret);
    r = in.mount->drop || purpose == FACTS_FOR_PARTIAL
            ? -ENOENT
            : facts_read(f, &in, at.name, directory, ret);
    if (r == 0 && purpose == FACTS_FOR_RENAME)
        return facts_for_rename(f, path, &at, ret);
    if (partial_counts && r == -ENOENT)
        r = facts_of_partial(f, key, &at, &in, purpose, ret);
    else if (partial_counts && r == 0)
        resume_note_file(f, key, at.directory, &ret->st);
    if (r == -ENOENT && own && !partial_counts)
        r = facts_of_own(f, own, &in, directory, ret);
    if (r == -ENOENT && !partial_counts) {
        const int waits = held_waits(f, &at);
        return waits != 0 ? waits : r;
    }
    return r;
}

int facts_on_facts(void *owner, struct msg_facts *m)
{
    struct files *f = owner;
    struct path path;
    struct facts facts = { .owner = { "", 0 } };

    resolve_request(m->path, &path);
    int r = facts_find(f, &path, m->purpose, m->directory, &facts);
    if (r == 0 && m->directory && !S_ISDIR(facts.st.st_mode))
        r = -ENOTDIR;
    if (r != 0)
        return r;
    const struct stat *st = &facts.st;

    return ANSWER(f, facts_are, m->request, .kind = facts_kind(&facts),
                  .size = (uint64_t)st->st_size, .mtime = st->st_mtime,
                  .perm = facts.perm, .mode = st->st_mode & 07777,
                  .device = st->st_dev, .inode = st->st_ino,
                  .owner = facts.owner);
}

/* Answers with the partial that SIZE has reported to this session, as long as
 * an upload can rely on the answer of SIZE. The partial contains only the
 * user's own bytes, so a user without the right to read gets it, too. Returns
 * 0; -ENOENT: SIZE has reported no partial; OUTCOME_SIZE_FIRST: the partial has
 * changed since; or another error. */
static int facts_read_partial(struct files *f, uint32_t request,
                              const struct path *path)
{
    PLACE_CLEANUP struct place at = PLACE_NONE;
    const struct sized *sized = resume_sized(f, resume_key(f, path));
    char partial[PARTIAL_NAME_MAX];
    uint64_t identity;
    struct stat st;
    int r = resolve_place(f, path, RIGHT_WRITE, O_PATH, &at);

    if (r != 0 || !sized || sized->file || sized->length == 0)
        return -ENOENT;
    /* Opens a handle without a lock for the session, which computes a
     * checksum. */
    partial_name(f, at.name, partial);
    FD_CLEANUP int fd =
        resolve_in(at.directory, partial,
                   O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0);
    if (fd < 0)
        return fd;
    if (fstat(fd, &st) < 0 || identity_read(fd, &st, &identity) < 0 ||
        !resume_holds(sized, at.directory, &st, identity,
                      confirmed_length(f, at.directory, fd, &st)))
        return OUTCOME_SIZE_FIRST;
    return ANSWER(f, file_readable, request, .size = sized->length, .file = fd);
}

/* Opens only a regular file, never a directory, a FIFO or a device. Only the
 * session keeps the handle. */
int facts_on_file_read(void *owner, struct msg_file_read *m)
{
    PLACE_CLEANUP struct place at = PLACE_NONE;
    struct files *f = owner;
    struct path path;
    struct stat st;

    resolve_request(m->path, &path);
    const uint64_t key = resume_key(f, &path);
    if (m->size)
        resume_drop_answer(f, key);
    int r = m->partial ? facts_read_partial(f, m->request, &path) : -ENOENT;
    if (r != -ENOENT)
        return r;
    r = resolve_look(f, &path, RIGHT_READ);
    /* O_NONBLOCK: otherwise opening a FIFO that has just replaced the file
     * would wait. */
    FD_CLEANUP int fd = r < 0 ? r
                              : resolve_open(f, path_slice(&path), RIGHT_READ,
                                             O_RDONLY | O_NONBLOCK | O_NOCTTY);
    if (fd == -ENOENT && m->size &&
        resolve_place(f, &path, RIGHT_READ, O_PATH, &at) == 0)
        resume_note_nothing(f, key, at.directory);
    if (fd < 0)
        return fd;
    if (fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode))
        return S_ISDIR(st.st_mode) ? OUTCOME_IS_DIRECTORY : OUTCOME_NOT_REGULAR;
    if (m->offset > (uint64_t)st.st_size)
        return OUTCOME_BAD_OFFSET;
    if (m->size && resolve_place(f, &path, RIGHT_READ, O_PATH, &at) == 0)
        resume_note_file(f, key, at.directory, &st);
    return ANSWER(f, file_readable, m->request, .size = (uint64_t)st.st_size,
                  .file = fd);
}

/* Opens a directory for CWD, which needs no right: a user who may write but not
 * list must be able to choose the directory. */
int facts_on_directory_enter(void *owner, struct msg_directory_enter *m)
{
    struct files *f = owner;
    struct path path;

    resolve_request(m->path, &path);
    FD_CLEANUP int fd =
        resolve_open(f, path_slice(&path), 0, O_PATH | O_DIRECTORY);
    if (fd < 0)
        return fd;
    /* The lookup of "." asks the kernel whether the user may search the
     * directory. */
    FD_CLEANUP int in = resolve_in(fd, ".", O_PATH | O_DIRECTORY, 0);
    return in < 0 ? in : ANSWER(f, done, m->request);
}
