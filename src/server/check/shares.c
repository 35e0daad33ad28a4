/* Checks the shares' directories before a login needs them: owner, group and
 * mode, whether a member can enter, whether systemd lets the server write, and
 * whether a share and a home overlap. Runs in check; changes nothing. */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sallyport/base/complain.h"
#include "sallyport/base/fd.h"
#include "sallyport/sandbox/sandbox.h"
#include "sallyport/users/places.h"

#define ENTER      (O_PATH | O_DIRECTORY | O_CLOEXEC)
#define SHARE_MODE 02770
#define NOBODY     65534

struct shares {
    const struct check *check;
    check_report *report;
    void *owner;
    size_t mistakes;
    const struct user **member; /* the first member of each share, or NULL */
};

static void share_mistake(struct shares *x, const struct share *s,
                          const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void share_mistake(struct shares *x, const struct share *s,
                          const char *format, ...)
{
    struct complaint c = { "" };
    char text[COMPLAINT_MAX];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    complain(&c, "%s:%zu: share %s: %s", x->check->settings.users, s->line,
             s->name, text);
    x->report(x->owner, c.text);
    x->mistakes++;
}

/* Checks owner and group. Without root the caller owns all files, and their
 * group doesn't matter. */
static void share_missing(struct shares *x, const struct share *s)
{
    if (x->check->root)
        share_mistake(x, s,
                      "the directory %s is missing; run: install -d -m 2770 "
                      "-o root -g %u %s",
                      s->path, (unsigned)s->gid, s->path);
    else
        share_mistake(x, s,
                      "the directory %s is missing; run: install -d -m 2770 %s",
                      s->path, s->path);
}

static void share_look_at(struct shares *x, const struct share *s, int fd)
{
    const uid_t owner = geteuid();
    struct stat st;

    if (fstat(fd, &st) < 0)
        share_mistake(x, s, "the directory %s: %s", s->path, strerror(errno));
    else if (st.st_uid != owner)
        share_mistake(x, s,
                      "the directory %s belongs to uid %u, not to uid %u; run: "
                      "chown %u %s",
                      s->path, (unsigned)st.st_uid, (unsigned)owner,
                      (unsigned)owner, s->path);
    else if (x->check->root && st.st_gid != s->gid)
        share_mistake(x, s,
                      "the directory %s has gid %u, not gid %u; run: chgrp -R "
                      "%u %s && chmod 2770 %s",
                      s->path, (unsigned)st.st_gid, (unsigned)s->gid,
                      (unsigned)s->gid, s->path, s->path);
    else if ((st.st_mode & 07777) != SHARE_MODE)
        share_mistake(x, s,
                      "the directory %s has mode %04o, not 2770; run: chmod "
                      "2770 %s",
                      s->path, (unsigned)st.st_mode & 07777, s->path);
}

static void share_reach(struct shares *x, const struct share *s,
                        const struct user *user)
{
    FD_CLEANUP int fd = open(s->path, ENTER);

    if (fd < 0)
        share_mistake(x, s,
                      "user %s can't reach the directory %s: %s; check the "
                      "modes of the directories above it",
                      user->name, s->path, strerror(errno));
}

/* Tries to enter with the ids of a member, as at a login. NOBODY stands for a
 * member of a share that has none yet. */
static void share_enter(struct shares *x, const struct share *s)
{
    const struct user *user = x->member[s - x->check->users.share];
    const uid_t uid = user ? user->uid : NOBODY;
    int r = x->check->root
                ? sandbox_become(uid, user ? user->gid : NOBODY, &s->gid, 1)
                : 0;

    if (r < 0) {
        share_mistake(x, s, "uid %u and gid %u can't be taken: %s",
                      (unsigned)uid, (unsigned)s->gid, strerror(-r));
        return;
    }
    if (x->check->root && user)
        share_reach(x, s, user);
    if (x->check->root && sandbox_regain() < 0)
        die(EXIT_FAILURE, "can't be root again: %s", strerror(errno));
}

static void share_look(struct shares *x, const struct share *s)
{
    struct complaint c = { "" };

    if (unit_forbids(&x->check->unit, "share", s->path, &c)) {
        share_mistake(x, s, "%s", c.text);
        return;
    }
    FD_CLEANUP int fd = open(s->path, ENTER);
    if (fd < 0 && errno == ENOENT) {
        share_missing(x, s);
    } else if (fd < 0) {
        share_mistake(x, s, "the directory %s: %s", s->path, strerror(errno));
    } else {
        share_look_at(x, s, fd);
        share_enter(x, s);
    }
}

static void shares_apart(struct shares *x)
{
    const struct users *u = &x->check->users;
    struct places places;

    if (!places_fill(&places, u, NULL, NULL))
        die(EXIT_FAILURE, "no memory to look at the shares");
    for (size_t i = 0; i < u->shares; i++) {
        const struct share *s = &u->share[i];
        const struct row_place *other = places_overlap(&places, s->path, s);

        if (other)
            share_mistake(x, s,
                          "the directory %s overlaps the %s %s, line %zu; move "
                          "one of them",
                          s->path, other->share ? "share" : "home of user",
                          other->name, other->line);
    }
    places_release(&places);
}

static void shares_find_members(struct shares *x)
{
    const struct users *u = &x->check->users;

    for (size_t i = 0; i < u->count; i++)
        for (size_t n = 0; n < u->row[i].grants && !u->row[i].locked; n++) {
            const struct user **member = &x->member[u->row[i].grant[n].share];

            *member = *member ? *member : &u->row[i];
        }
}

size_t check_shares(const struct check *k, check_report *report, void *owner)
{
    const struct users *u = &k->users;
    struct shares x = { .check = k, .report = report, .owner = owner };

    if (u->shares == 0)
        return 0;
    x.member = calloc(u->shares, sizeof(*x.member));
    if (!x.member)
        die(EXIT_FAILURE, "no memory to look at the shares");
    shares_find_members(&x);
    for (size_t i = 0; i < u->shares; i++)
        share_look(&x, &u->share[i]);
    shares_apart(&x);
    free(x.member);
    return x.mistakes;
}
