/* Remembers the uploads that this session has stored in drops, and with `mine`,
 * where they get another name, too, in the process files. In a drop only their
 * sender may rename them and set their time, and only in the same session; a
 * drop shows what was known when they were stored, so it says nothing about
 * what others do with the files. Elsewhere it remembers the uploads that got
 * another name, so that RNFR takes no other file for one. */
#include "files.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static struct own *own_with_key(struct files *f, const struct mount *m,
                                uint64_t key)
{
    for (struct own *o = f->own; o < f->own + OWN_MAX; o++)
        if (o->mount == m && o->key == key)
            return o;
    return NULL;
}

struct own *own_find(struct files *f, const struct path *path)
{
    const struct mount *m = mount_of(f, path_slice(path));
    struct slice directory, name;
    struct own *stored = NULL;

    path_split(path_slice(path), &directory, &name);
    if (!m->drop)
        return m->mine ? own_with_key(f, m, resume_key(f, path)) : NULL;
    if (!mount_is_at(m, directory))
        return NULL;
    for (struct own *o = f->own; o < f->own + OWN_MAX; o++) {
        if (o->mount == m && slice_equal(slice_from(o->name), name))
            return o;
        if (o->mount == m && slice_equal(slice_from(o->stored), name))
            stored = o;
    }
    return stored;
}

void own_name(struct files *f, struct own *one, const char *name,
              const char *stored)
{
    for (struct own *o = f->own; o < f->own + OWN_MAX; o++)
        if (o != one && o->mount == one->mount && strcmp(o->name, name) == 0 &&
            (one->mount->drop || o->key == one->key))
            o->mount = NULL;
    snprintf(one->name, sizeof(one->name), "%s", name);
    snprintf(one->stored, sizeof(one->stored), "%s", stored);
}

static uint64_t own_born(int fd, const char *name, int flags)
{
    struct statx s;

    return statx(fd, name, flags | AT_STATX_DONT_SYNC, STATX_BTIME, &s) == 0 &&
                   s.stx_mask & STATX_BTIME
               ? (uint64_t)s.stx_btime.tv_sec * 1000000000 + s.stx_btime.tv_nsec
               : 0;
}

/* Compares the time of birth, too: ext4 gives a removed file's inode to the
 * next file. */
bool own_is_at(int directory, const struct own *one)
{
    const uint64_t born = own_born(directory, one->stored, AT_SYMLINK_NOFOLLOW);

    return resolve_is_at(directory, one->stored, &one->st) &&
           (born == one->born || born == 0 || one->born == 0);
}

bool own_is_elsewhere(struct files *f, const struct path *path,
                      const struct place *at, const struct stat *st)
{
    const struct own *o = own_with_key(f, at->mount, resume_key(f, path));

    return o && !o->held && S_ISREG(st->st_mode) &&
           !resolve_is_same(st, &o->st) && own_is_at(at->directory, o);
}

void own_forget(struct files *f, const struct mount *m, uint64_t key)
{
    struct own *o = mount_hides_names(m) ? NULL : own_with_key(f, m, key);

    if (o)
        o->mount = NULL;
}

void own_store(struct files *f, const char *name)
{
    const struct upload *u = &f->upload;
    const bool hides = mount_hides_names(u->mount);
    struct own *o;
    struct stat st;

    own_forget(f, u->mount, u->answer); /* only the last upload counts */
    if (!hides && (u->held[0] || strcmp(name, u->name) == 0))
        return;
    if (fstat(u->partial.fd, &st) < 0)
        return;
    o = &f->own[f->next_own % OWN_MAX];
    f->next_own++;
    *o = (struct own){ .key = u->answer,
                       .mount = u->mount,
                       .held = u->held[0],
                       .st = st,
                       .born = own_born(u->partial.fd, "", AT_EMPTY_PATH) };
    own_name(f, o, name, u->name);
}

/* Hides the inode's number, which can tell how many files others have made. */
int own_facts(const struct files *f, const struct own *one, struct facts *ret)
{
    *ret = (struct facts){ .st = one->st, .perm = PERM_RENAME };
    ret->st.st_dev = 0;
    ret->st.st_ino = FILES_MOUNTS_MAX + 1 + (ino_t)(one - f->own);
    ret->owner = SLICE("");
    return 0;
}
