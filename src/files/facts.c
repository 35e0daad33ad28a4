/* FACTS in the process files: for SIZE, MDTM, MLST and RNFR, and for each line
 * of a listing. A link is followed inside the home only; one that leads
 * elsewhere is shown as what it is. */
#include "facts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sysexits.h>

#include "perm.h"
#include "request.h"
#include "resolve.h"
#include "sallyport/base/die.h"
#include "sallyport/base/fd.h"
#include "sallyport/users/rights.h"
#include "settle.h"

/* The kernel resolves from the home, since a link may lead up to it. */
static void follow(const struct files *f, const struct view *in,
                   const char *name, struct facts *facts)
{
    char path[FTP_PATH_MAX + 1 + NAME_MAX + 1];
    int len = in->path.len == 1 ? 0 : (int)in->path.len;
    struct stat st;

    facts->link = facts->dangling = true;
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

    if (fstatat(in->fd, name, &facts.st, AT_SYMLINK_NOFOLLOW) < 0)
        return -errno;
    if (S_ISLNK(facts.st.st_mode))
        follow(f, in, name, &facts);
    facts.perm = perm_of(f, &in->st, &facts.st, facts.link);
    *ret = facts;
    return 0;
}

static enum file_kind kind_of(const struct stat *st)
{
    return S_ISREG(st->st_mode)   ? KIND_FILE
           : S_ISDIR(st->st_mode) ? KIND_FOLDER
                                  : KIND_OTHER;
}

static int answer_facts(struct files *f, const struct packet *p,
                        const struct facts *facts)
{
    const struct stat *st = &facts->st;

    answer(f, p,
           &(struct packet){
               .message = MSG_FACTS_ARE,
               .value = { NUMBER(kind_of(st)), NUMBER(st->st_size),
                          NUMBER(st->st_mtime), NUMBER(facts->perm),
                          NUMBER(st->st_mode & 07777), NUMBER(st->st_dev),
                          NUMBER(st->st_ino) },
           });
    return 0;
}

static int home_facts(const struct files *f, struct facts *ret)
{
    if (fstat(f->root, &ret->st) < 0)
        return -errno;
    ret->perm = perm_of(f, NULL, &ret->st, false);
    return 0;
}

/* SIZE of a file that isn't there yet: what can be resumed of it. Remembered,
 * because an APPE that follows sends only the rest. */
static int partial_facts(struct files *f, const struct place *at,
                         const struct stat *folder, struct facts *ret)
{
    uint64_t length = partial_resumable(f, at->folder, at->name, &ret->st);

    if (length == 0) {
        told_set(&f->told, f->name_key, at->folder, at->name, 0, 0);
        return -ENOENT;
    }
    told_set(&f->told, f->name_key, at->folder, at->name, length,
             partial_state(f, &ret->st));
    ret->st.st_size = (off_t)length;
    ret->perm = perm_of(f, folder, &ret->st, false);
    return 0;
}

static int find_facts(struct files *f, const struct path *path,
                      bool partial_counts, struct facts *ret)
{
    PLACE_CLEANUP struct place at = PLACE_NONE;
    struct view in;
    struct slice name;

    int r = place_find(f, path, O_PATH, &at);
    if (r != 0)
        return r;
    if (at.name[0] == 0)
        return home_facts(f, ret);
    path_split(path_slice(path), &in.path, &name);
    in.fd = at.folder;
    if (fstat(in.fd, &in.st) < 0)
        return -errno;
    r = facts_read(f, &in, at.name, ret);
    if (!partial_counts)
        return r;
    if (r == -ENOENT && settle_partial(f, at.folder, at.name))
        r = facts_read(f, &in, at.name, ret);
    if (r == -ENOENT)
        return partial_facts(f, &at, &in.st, ret);
    /* SIZE answers otherwise now. */
    told_set(&f->told, f->name_key, at.folder, at.name, 0, 0);
    return r;
}

/* What they are for, which says the right that it takes. */
static const unsigned rights[] = {
    RIGHT_LIST,   /* MDTM, MLST */
    RIGHT_LIST,   /* SIZE */
    RIGHT_RENAME, /* RNFR */
};

int serve_facts(struct files *f, const struct packet *p)
{
    struct path path;
    struct facts facts = { 0 };

    request_path(p->value[0].text, &path);
    if (p->value[1].number >= sizeof(rights) / sizeof(rights[0]))
        die(EX_PROTOCOL, "session: an unknown flag");
    if ((rights[p->value[1].number] & ~f->rights) != 0)
        return OUTCOME_NO_RIGHT;
    int r = find_facts(f, &path, p->value[1].number == 1, &facts);
    return r != 0 ? r : answer_facts(f, p, &facts);
}
