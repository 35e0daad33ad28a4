/* Work on a disk, with a deadline. A dead disk blocks its caller in the kernel,
 * where only SIGKILL ends the call, or nothing does; so a fork works. And what
 * is known of the directories of users and shares before the users file is
 * locked: under the lock no disk is asked. Where a disk doesn't answer, only
 * the names of the directories count. */
#include "ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "sallyport/base/fd.h"

/* Another command waits 10 s for the lock. */
int disk_ms = 3000, disk_locked_ms = 7000;

void *disk_share(size_t size)
{
    void *shared = mmap(NULL, size, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    return shared == MAP_FAILED ? NULL : shared;
}

/* The end of the pipe closes with the fork, whether it answers or dies. */
static int disk_wait(pid_t pid, int from, int ms)
{
    struct pollfd wait = { .fd = from, .events = POLLIN };
    int code = -EIO, n;

    do
        n = poll(&wait, 1, ms);
    while (n < 0 && errno == EINTR);
    if (n == 0)
        code = -ETIMEDOUT;
    else if (read(from, &code, sizeof(code)) != sizeof(code))
        code = -EIO;
    kill(pid, SIGKILL);
    /* One that hangs is left to init. */
    waitpid(pid, NULL, code == -ETIMEDOUT ? WNOHANG : 0);
    return code;
}

/* A fork that hangs must not keep the lock, also if its parent is killed. */
static int disk_fork(int (*work)(void *shared), void *shared, int ms,
                     int lock_fd)
{
    int ends[2], code;
    pid_t pid;

    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    pid = fork();
    if (pid == 0) {
        if (lock_fd > 0)
            close(lock_fd);
        code = work(shared);
        _exit(write(ends[1], &code, sizeof(code)) != sizeof(code));
    }
    code = pid < 0 ? -errno : 0;
    fd_close(&ends[1]);
    if (pid > 0)
        code = disk_wait(pid, ends[0], ms);
    fd_close(&ends[0]);
    return code;
}

int disk_run(int (*work)(void *shared), void *shared, int ms)
{
    return disk_fork(work, shared, ms, 0);
}

/* In shared memory. */
struct disk_copy {
    struct context *x;
    disk_work *work;
    struct complaint complaint;
    max_align_t data[];
};

static int disk_do(void *shared)
{
    struct disk_copy *c = shared;
    int code;

    c->x->lock_fd = 0; /* closed, for what it forks */
    code = c->work(c->x, c->data);
    c->complaint = c->x->complaint;
    return code;
}

int disk_run_copy(struct context *x, disk_work *work, void *data, size_t size,
                  int ms)
{
    struct disk_copy *c = disk_share(sizeof(*c) + size);
    int code;

    if (!c)
        return -ENOMEM;
    c->x = x;
    c->work = work;
    if (size > 0)
        memcpy(c->data, data, size);
    code = disk_fork(disk_do, c, ms, x->lock_fd);
    if (size > 0)
        memcpy(data, c->data, size);
    if (!x->complaint.text[0])
        x->complaint = c->complaint;
    munmap(c, sizeof(*c) + size);
    return code;
}

int disk_run_locked(struct context *x, disk_work *work, void *data, size_t size,
                    const char *path)
{
    int code = disk_run_copy(x, work, data, size, disk_locked_ms);

    if (code == -ETIMEDOUT)
        return ctl_fail(x, EX_TEMPFAIL, "%s: the disk doesn't answer", path);
    return code < 0 ? ctl_fail(x, EX_OSERR, "%s: %s", path, strerror(-code))
                    : code;
}

struct disk_question {
    const char *path;
    struct statvfs room;
};

static int disk_ask(void *shared)
{
    struct disk_question *q = shared;

    return statvfs(q->path, &q->room) < 0 ? -errno : 0;
}

int disk_room(const char *path, struct statvfs *ret)
{
    struct disk_question *q = disk_share(sizeof(*q));
    int r;

    *ret = (struct statvfs){ 0 };
    if (!q)
        return -errno;
    q->path = path;
    r = disk_run(disk_ask, q, disk_ms);
    *ret = q->room;
    munmap(q, sizeof(*q));
    return r;
}

/* What is known. */

#define HANGS_MAX 3

/* In shared memory. The resolved paths follow it, one after another. */
struct known_answers {
    size_t next; /* the first directory that wasn't asked yet */
    size_t used; /* bytes of text */
    struct known_work {
        struct known *all;
        size_t count;
        char *text;
    } work;
};

static int compare_known(const void *a, const void *b)
{
    return strcmp(((const struct known *)a)->path,
                  ((const struct known *)b)->path);
}

/* The directory whose links were resolved last. Most homes lie in one. */
struct known_parent {
    char path[PATH_MAX], real[PATH_MAX]; /* "/" is "" */
};

/* As place_resolve(), for a PATH that is no link itself. */
static void resolve_by_parent(struct known_parent *p, const char *path,
                              char *real)
{
    const char *name = strrchr(path, '/');
    const size_t len = (size_t)(name - path);

    if (strncmp(p->path, path, len) != 0 || p->path[len]) {
        memcpy(p->path, path, len);
        p->path[len] = '\0';
        place_resolve(p->path, p->real);
    }
    if (snprintf(real, PATH_MAX, "%s%s", p->real, name) >= PATH_MAX)
        place_resolve(path, real);
}

static void ask_one(struct known *one, struct known_parent *parent, char *real)
{
    struct stat st;
    const bool there = lstat(one->path, &st) == 0;

    one->link = there && S_ISLNK(st.st_mode);
    if (one->link || !one->path[0])
        place_resolve(one->path, real);
    else
        resolve_by_parent(parent, one->path, real);
    one->real = real;
    if (!there || (one->link && stat(one->path, &st)))
        return;
    one->directory = S_ISDIR(st.st_mode);
    one->uid = st.st_uid;
    one->gid = st.st_gid;
    one->mode = st.st_mode & 07777;
    if (one->wanted && one->directory && !one->link)
        one->empty = home_is_empty(AT_FDCWD, one->path);
}

static int ask_all(void *shared)
{
    struct known_answers *a = shared;
    const struct known_work *w = &a->work;
    struct known_parent parent = { .path = "" };

    for (; a->next < w->count; a->next++) {
        char *real = w->text + a->used;

        ask_one(&w->all[a->next], &parent, real);
        a->used += strlen(real) + 1;
    }
    return 0;
}

/* A fork that has answered something continues; one that hangs at a directory
 * leaves it out. After some of these all others are left out, too. */
static void ask_in_forks(struct known_answers *a)
{
    unsigned hangs = 0;

    while (a->next < a->work.count && hangs < HANGS_MAX) {
        const size_t before = a->next;

        if (disk_run(ask_all, a, disk_ms) == 0 || a->next > before)
            continue;
        stderr_print("%s doesn't answer; of directories there only the names "
                     "are compared",
                     a->work.all[a->next].path);
        a->work.all[a->next++].real = NULL;
        hangs++;
    }
}

static size_t add_path(struct known *all, size_t n, const char *path)
{
    char tidy[PATH_MAX];

    if (place_tidy(slice_from(path), tidy, sizeof(tidy)) == 0)
        all[n].path = strdup(tidy);
    return n + (all[n].path != NULL);
}

static void known_forget(struct context *x)
{
    x->places_of = NULL; /* they were resolved by what was known */
    if (!x->known)
        return;
    for (size_t i = 0; i < x->known->work.count; i++)
        free(x->known->work.all[i].path);
    munmap(x->known, x->known_size);
    x->known = NULL;
}

static size_t known_size(size_t n)
{
    return sizeof(struct known_answers) + n * (sizeof(struct known) + PATH_MAX);
}

void known_fill(struct context *x, const struct users *u,
                const char *const *more, size_t n)
{
    const size_t most = u->count + u->shares + n;
    struct known_answers *a = disk_share(known_size(most));
    struct known *all = a ? (struct known *)(a + 1) : NULL;
    size_t count = 0, kept = 0;

    paths_ask(x); /* it is another question that must not wait */
    known_forget(x);
    if (!a)
        return;
    x->known = a;
    x->known_size = known_size(most);
    for (size_t i = 0; i < u->count; i++)
        count = add_path(all, count, u->row[i].home);
    for (size_t i = 0; i < u->shares; i++)
        count = add_path(all, count, u->share[i].path);
    for (size_t i = 0; i < n; i++) {
        all[count].wanted = true;
        count = add_path(all, count, more[i]);
    }
    qsort(all, count, sizeof(*all), compare_known);
    for (size_t i = 0; i < count; i++)
        if (kept > 0 && strcmp(all[i].path, all[kept - 1].path) == 0) {
            all[kept - 1].wanted |= all[i].wanted;
            free(all[i].path);
        } else
            all[kept++] = all[i];
    a->work = (struct known_work){ all, kept, (char *)(all + most) };
    ask_in_forks(a);
}

const struct known *known_of(const struct context *x, const char *path)
{
    char tidy[PATH_MAX];
    const struct known key = { .path = tidy };

    if (!x->known || place_tidy(slice_from(path), tidy, sizeof(tidy)))
        return NULL;
    return bsearch(&key, x->known->work.all, x->known->work.count, sizeof(key),
                   compare_known);
}

void known_resolve(const void *owner, const char *path, char out[PATH_MAX])
{
    const struct known *one = known_of(owner, path);

    if (one && one->real)
        snprintf(out, PATH_MAX, "%s", one->real);
    else if (place_tidy(slice_from(path), out, PATH_MAX))
        out[0] = '\0'; /* longer than any path of a row */
}

/* In shared memory: a bit for each uid from uid_first on. */
struct known_owners {
    const struct settings *settings;
    const char *path;
    uint8_t bits[];
};

static int add_owner(void *owner, int homes, const char *name)
{
    struct known_owners *o = owner;
    const struct settings *s = o->settings;
    char path[PATH_MAX];
    struct stat st;
    uint64_t bit;

    if (fstatat(homes, name, &st, AT_SYMLINK_NOFOLLOW) ||
        !S_ISDIR(st.st_mode) || st.st_uid < s->uid_first ||
        st.st_uid > s->uid_last)
        return 0;
    snprintf(path, sizeof(path), "%s/%s", s->homes, name);
    bit = st.st_uid - s->uid_first;
    if (!o->path || strcmp(path, o->path) != 0)
        o->bits[bit / 8] |= (uint8_t)(1 << bit % 8);
    return 0;
}

static int ask_owners(void *shared)
{
    struct known_owners *o = shared;
    FD_CLEANUP int homes =
        open(o->settings->homes, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (homes >= 0)
        home_each_entry(homes, add_owner, o);
    return 0;
}

static size_t owners_size(const struct context *x)
{
    const struct settings *s = &x->settings;

    return sizeof(struct known_owners) + (s->uid_last - s->uid_first) / 8 + 1;
}

void known_ask_owners(struct context *x, const char *path)
{
    struct known_owners *o = disk_share(owners_size(x));

    if (!o)
        return;
    o->settings = &x->settings;
    o->path = path;
    if (disk_run(ask_owners, o, disk_ms))
        stderr_print("%s doesn't answer; so it isn't known whose directories "
                     "are there",
                     x->settings.homes);
    x->owners = o;
}

bool known_owner(const struct context *x, uint64_t uid)
{
    const uint64_t bit = uid - x->settings.uid_first;

    return x->owners && x->owners->bits[bit / 8] >> bit % 8 & 1;
}

void known_release(struct context *x)
{
    known_forget(x);
    if (x->owners)
        munmap(x->owners, owners_size(x));
    x->owners = NULL;
}
