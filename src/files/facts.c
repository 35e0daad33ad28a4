/* The facts of a name, in the process files: for SIZE, MDTM, MLST and RNFR, and
 * for each line of a listing. A link is followed inside the home only. A link
 * that leads elsewhere is shown as a link. */
#include "facts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sysexits.h>

#include "perm.h"
#include "request.h"
#include "resolve.h"
#include "sallyport/base/fd.h"
#include "sallyport/domain/rights.h"
#include "settle.h"

/* The kernel resolves from the home, since a link may lead up to it. */
static void facts_follow(const struct files *f, const struct view *in,
                         const char *name, struct facts *facts)
{
    char path[FTP_PATH_MAX + 1 + NAME_MAX + 1];
    int len = in->path.len == 1 ? 0 : (int)in->path.len;
    struct stat st;

    facts->dangling = true;
    snprintf(path, sizeof(path), "%.*s/%s", len, in->path.ptr, name);
    FD_CLEANUP int fd = resolve_open(f, path, O_PATH);
    if (fd < 0 || fstat(fd, &st) < 0)
        return;
    facts->st = st;
    facts->dangling = false;
}

int facts_read(const struct files *f, const struct view *in, const char *name,
               struct facts *ret)
{
    struct facts facts = { 0 };
    bool link;

    if (fstatat(in->fd, name, &facts.st, AT_SYMLINK_NOFOLLOW) < 0)
        return -errno;
    link = S_ISLNK(facts.st.st_mode);
    if (link)
        facts_follow(f, in, name, &facts);
    facts.perm = perm_of(f, &in->st, &facts.st, link);
    *ret = facts;
    return 0;
}

enum entry_kind facts_kind(const struct facts *facts)
{
    return facts->dangling               ? ENTRY_LINK
           : S_ISDIR(facts->st.st_mode)  ? ENTRY_DIRECTORY
           : S_ISREG(facts->st.st_mode)  ? ENTRY_FILE
           : S_ISFIFO(facts->st.st_mode) ? ENTRY_FIFO
                                         : ENTRY_OTHER;
}

static int facts_answer(struct files *f, uint32_t request,
                        const struct facts *facts)
{
    const struct stat *st = &facts->st;

    return ANSWER(f, facts_are, request, .kind = facts_kind(facts),
                  .size = (uint64_t)st->st_size, .mtime = st->st_mtime,
                  .perm = facts->perm, .mode = st->st_mode & 07777,
                  .device = st->st_dev, .inode = st->st_ino);
}

static int facts_of_home(const struct files *f, struct facts *ret)
{
    if (fstat(f->root, &ret->st) < 0)
        return -errno;
    ret->perm = perm_of(f, NULL, &ret->st, false);
    return 0;
}

/* SIZE of a file that isn't there yet: how much of its upload can be resumed.
 * It is remembered, because the client's APPE then sends only the rest. */
static int facts_of_partial(struct files *f, const struct place *at,
                            const struct stat *directory, struct facts *ret)
{
    uint64_t length = partial_report(f, at->directory, at->name, &ret->st);

    if (length == 0) {
        told_set(&f->told, f->name_key, at->directory, at->name, 0, 0);
        return -ENOENT;
    }
    told_set(&f->told, f->name_key, at->directory, at->name, length,
             partial_state(f, &ret->st));
    ret->st.st_size = (off_t)length;
    ret->perm = perm_of(f, directory, &ret->st, false);
    return 0;
}

static int facts_find(struct files *f, const struct path *path,
                      bool partial_counts, struct facts *ret)
{
    PLACE_CLEANUP struct place at = PLACE_NONE;
    struct view in;
    struct slice name;

    int r = resolve_place(f, path, O_PATH, &at);
    if (r != 0)
        return r;
    if (at.name[0] == 0)
        return facts_of_home(f, ret);
    path_split(path_slice(path), &in.path, &name);
    in.fd = at.directory;
    if (fstat(in.fd, &in.st) < 0)
        return -errno;
    r = facts_read(f, &in, at.name, ret);
    if (!partial_counts)
        return r;
    if (r == -ENOENT && settle_partial(f, at.directory, at.name))
        r = facts_read(f, &in, at.name, ret);
    if (r == -ENOENT)
        return facts_of_partial(f, &at, &in.st, ret);
    /* The earlier answer of SIZE no longer holds. */
    told_set(&f->told, f->name_key, at.directory, at.name, 0, 0);
    return r;
}

static const unsigned rights[FACTS_FOR_COUNT] = {
    [FACTS_FOR_ANY] = RIGHT_LIST,
    [FACTS_FOR_SIZE] = RIGHT_LIST,
    [FACTS_FOR_RENAME] = RIGHT_RENAME,
};

int facts_on_facts(void *owner, struct msg_facts *m)
{
    struct files *f = owner;
    struct path path;
    struct facts facts = { 0 };

    resolve_request(m->path, &path);
    if ((rights[m->purpose] & ~f->rights) != 0)
        return OUTCOME_NO_RIGHT;
    int r = facts_find(f, &path, m->purpose == FACTS_FOR_SIZE, &facts);
    if (r == 0 && m->directory && !S_ISDIR(facts.st.st_mode))
        r = -ENOTDIR;
    return r != 0 ? r : facts_answer(f, m->request, &facts);
}
