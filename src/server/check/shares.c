/* Checks the shares' directories before a login needs them: owner, group and
 * mode, whether a member can enter, and whether systemd lets the server write.
 * Runs in check; changes nothing. */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "sallyport/base/complain.h"
#include "sallyport/base/fd.h"
#include "sallyport/sandbox/sandbox.h"

#define ENTER      (O_PATH | O_DIRECTORY | O_CLOEXEC)
#define SHARE_MODE 02770
#define NOBODY     65534

#define FAULT(l, share, ...)                                                   \
    look_mistake(l, "share", (share)->name, (share)->line, __VA_ARGS__)

static void share_missing(const struct look *l, const struct share *s)
{
    if (l->lost)
        return;
    if (l->check->root)
        FAULT(l, s,
              "the directory %s is missing; if its disk is mounted, run: "
              "install -d -m 2770 -o root -g %u %s",
              s->path, (unsigned)s->gid, s->path);
    else
        FAULT(l, s,
              "the directory %s is missing; if its disk is mounted, run: "
              "install -d -m 0700 %s",
              s->path, s->path);
}

/* Checks owner, group and mode. If root doesn't run the server, the server owns
 * all files, and the group doesn't matter. */
static void share_look_at(const struct look *l, const struct share *s, int fd)
{
    const uid_t owner = geteuid();
    struct stat st;

    if (fstat(fd, &st) < 0)
        FAULT(l, s, "the directory %s: %s", s->path, look_error(l, errno));
    else if (st.st_uid != owner)
        FAULT(l, s,
              "the directory %s belongs to uid %u, not to uid %u; run: "
              "chown %u %s",
              s->path, (unsigned)st.st_uid, (unsigned)owner, (unsigned)owner,
              s->path);
    else if (l->check->root && st.st_gid != s->gid)
        FAULT(l, s,
              "the directory %s has gid %u, not gid %u; run: chgrp -R "
              "%u %s && chmod 2770 %s",
              s->path, (unsigned)st.st_gid, (unsigned)s->gid, (unsigned)s->gid,
              s->path, s->path);
    else if (l->check->root && (st.st_mode & 07777) != SHARE_MODE)
        FAULT(l, s,
              "the directory %s has mode %04o, not 2770; run: chmod "
              "2770 %s",
              s->path, (unsigned)st.st_mode & 07777, s->path);
}

/* Enters the share's directory with the ids of a member, so that the kernel
 * decides as at a login. If the share has no member yet, only checks that
 * NOBODY can have the share's gid. */
static void share_enter(const struct look *l, const struct share *s,
                        const struct user *user)
{
    const uid_t uid = user ? user->uid : NOBODY;
    int r = sandbox_become(uid, user ? user->gid : NOBODY, &s->gid, 1);

    if (r < 0) {
        FAULT(l, s, "uid %u and gid %u can't be taken: %s", (unsigned)uid,
              (unsigned)s->gid, strerror(-r));
        return;
    }
    FD_CLEANUP int fd = user ? open(s->path, ENTER) : -1;
    if (user && fd < 0)
        FAULT(l, s,
              "user %s can't reach the directory %s: %s; check the modes of "
              "the directories above it",
              user->name, s->path, look_error(l, errno));
    if (sandbox_regain() < 0)
        die(EX_OSERR, "can't be root again: %s", strerror(errno));
}

static void share_look(const struct look *l, const struct share *s,
                       const struct user *member)
{
    struct complaint c = { "" };

    if (unit_forbids(&l->check->unit, "share", s->path, &c)) {
        FAULT(l, s, "%s", c.text);
        return;
    }
    FD_CLEANUP int fd = open(s->path, ENTER);
    if (fd < 0 && errno == ENOENT) {
        share_missing(l, s);
    } else if (fd < 0) {
        FAULT(l, s, "the directory %s: %s", s->path, look_error(l, errno));
    } else {
        share_look_at(l, s, fd);
        if (l->check->root)
            share_enter(l, s, member);
    }
}

void check_shares(const struct look *l)
{
    const struct users *u = &l->check->users;
    const struct user **member = calloc(u->shares + 1, sizeof(*member));

    if (!member)
        die(EX_OSERR, "no memory to look at the shares");
    /* Find the first member of each share who isn't locked. */
    for (size_t i = u->count; i-- > 0;)
        for (size_t n = 0; n < u->row[i].grants && !u->row[i].locked; n++)
            member[u->row[i].grant[n].share] = &u->row[i];
    for (size_t i = 0; i < u->shares; i++)
        share_look(l, &u->share[i], member[i]);
    free(member);
}
