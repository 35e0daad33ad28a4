/* Work on a disk, with a deadline. A dead disk blocks its caller in the kernel,
 * where only SIGKILL ends the call, or nothing does; so a fork works. And what
 * is known of the directories of users and shares before the users file is
 * locked: under the lock no disk is asked. Where a disk doesn't answer, only
 * the names of the directories count. */
#include "ctl.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
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
    struct fail_page failed;
    max_align_t data[];
};

static int disk_do(void *shared)
{
    struct disk_copy *c = shared;
    int code;

    c->x->lock_fd = 0; /* closed, for what it forks */
    fail_to_parent(&c->failed);
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
    memcpy(c->data, data, size);
    code = disk_fork(disk_do, c, ms, x->lock_fd);
    memcpy(data, c->data, size);
    if (c->failed.code) {
        code = c->failed.code;
        c->complaint = c->failed.why;
    }
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
        uint32_t *place; /* a hash table: the number of one in ALL + 1 */
        size_t places;   /* a power of 2 */
        size_t next;     /* mostly they are asked for in the order of ALL */
        uint8_t key[SIPHASH_KEY];
        const char *homes; /* the setting */
        bool owners; /* of all; those of wanted ones are always asked for */
        char *text;
    } work;
};

/* The place of PATH in the hash table, or the free one. */
static uint32_t *known_place(const struct known_work *w, const char *path)
{
    size_t i = siphash(w->key, path, strlen(path)) & (w->places - 1);

    while (w->place[i] && strcmp(w->all[w->place[i] - 1].path, path) != 0)
        i = (i + 1) & (w->places - 1);
    return &w->place[i];
}

/* A directory in which some of the paths lie, with its links resolved. Most
 * homes lie in a few. */
#define PARENTS 16
struct known_parent {
    char path[PATH_MAX], real[PATH_MAX]; /* "/" is "" */
    bool entered;
};

static struct known_parent *parent_of(struct known_parent *all,
                                      const struct known_work *w,
                                      const char *path)
{
    const size_t len = (size_t)(strrchr(path, '/') - path);
    struct known_parent *p = &all[siphash(w->key, path, len) % PARENTS];

    if (p->entered && strncmp(p->path, path, len) == 0 && !p->path[len])
        return p;
    p->entered = true;
    memcpy(p->path, path, len);
    p->path[len] = '\0';
    place_resolve(p->path, p->real);
    return p;
}

/* The names of the links in the setting homes, with a NUL after each: so no
 * home there has to be asked whether it is one. */
#define LINKS_MAX 64
struct known_links {
    const char *homes;
    bool asked, listed;
    struct buf names;
};

/* A file system that doesn't say what its entries are can't be listed, nor can
 * a directory with many links. */
static void list_links(struct known_links *l)
{
    DIR *dir = opendir(l->homes[0] ? l->homes : "/");
    const struct dirent *entry;
    size_t n = 0;

    l->asked = true;
    l->listed = dir || errno == ENOENT;
    while (dir && l->listed && (entry = readdir(dir)))
        if (entry->d_type == DT_LNK)
            l->listed =
                ++n <= LINKS_MAX && buf_add(&l->names, entry->d_name,
                                            strlen(entry->d_name) + 1) == 0;
        else
            l->listed = entry->d_type != DT_UNKNOWN;
    if (dir)
        closedir(dir);
}

static bool is_no_link(struct known_links *l, const struct known_parent *p,
                       const char *name)
{
    size_t at = 0;

    if (strcmp(p->path, l->homes) != 0)
        return false;
    if (!l->asked)
        list_links(l);
    if (!l->listed)
        return false;
    while (at < l->names.len && strcmp(l->names.data + at, name) != 0)
        at += strlen(l->names.data + at) + 1;
    return at >= l->names.len;
}

/* As place_resolve(), for a PATH that lies in that directory and is no link. */
static void resolve_by_parent(const struct known_parent *p, const char *path,
                              char *real)
{
    const char *name = strrchr(path, '/');
    const size_t len = strlen(p->real);

    if (slice_copy(slice_from(name), real + len, PATH_MAX - len))
        place_resolve(path, real);
    else
        memcpy(real, p->real, len);
}

static void ask_one(struct known *one, const struct known_parent *parent,
                    struct known_links *links, char *real)
{
    struct stat st;
    bool there;

    if (!one->wanted &&
        is_no_link(links, parent, strrchr(one->path, '/') + 1)) {
        resolve_by_parent(parent, one->path, real);
        return;
    }
    there = lstat(one->path, &st) == 0;
    one->link = there && S_ISLNK(st.st_mode);
    if (one->link)
        place_resolve(one->path, real);
    else
        resolve_by_parent(parent, one->path, real);
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
    struct known_parent *parents = calloc(PARENTS, sizeof(*parents));
    struct known_links links = { .homes = w->homes, .asked = w->owners };

    if (!parents)
        return -ENOMEM;
    buf_init(&links.names, LINKS_MAX * (NAME_MAX + 1));
    for (; a->next < w->count; a->next++) {
        struct known *one = &w->all[a->next];
        char *real = w->text + a->used;

        real[0] = '\0';
        if (one->path[0]) /* not "/" */
            ask_one(one, parent_of(parents, w, one->path), &links, real);
        one->real = real;
        a->used += strlen(real) + 1;
    }
    buf_release(&links.names);
    free(parents);
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

static void add_path(struct known_work *w, const char *path, bool wanted)
{
    char tidy[PATH_MAX];
    uint32_t *place;

    if (place_tidy(slice_from(path), tidy, sizeof(tidy)))
        return;
    place = known_place(w, tidy);
    if (*place == 0) {
        w->all[w->count].path = strdup(tidy);
        if (!w->all[w->count].path)
            return;
        *place = (uint32_t)++w->count;
    }
    w->all[*place - 1].wanted |= wanted;
}

static void known_forget(struct context *x)
{
    x->places_of = NULL; /* they were resolved by what was known */
    if (!x->known)
        return;
    for (size_t i = 0; i < x->known->work.count; i++)
        free(x->known->work.all[i].path);
    free(x->known->work.place);
    munmap(x->known, x->known_size);
    x->known = NULL;
}

static bool known_make(struct context *x, size_t most)
{
    const size_t size =
        sizeof(struct known_answers) + most * (sizeof(struct known) + PATH_MAX);
    struct known_answers *a = disk_share(size);
    size_t places = 2;

    if (!a)
        return false;
    while (places < 2 * most)
        places *= 2;
    x->known = a;
    x->known_size = size;
    a->work = (struct known_work){
        .all = (struct known *)(a + 1),
        .place = calloc(places, sizeof(*a->work.place)),
        .places = places,
        .homes = x->settings.homes,
        .owners = x->args.home || x->args.local_group,
    };
    a->work.text = (char *)(a->work.all + most);
    random_bytes(a->work.key, sizeof(a->work.key));
    if (!a->work.place)
        known_forget(x);
    return x->known;
}

void known_fill(struct context *x, const struct users *u,
                const char *const *more, size_t n)
{
    paths_ask(x); /* it is another question that must not wait */
    known_forget(x);
    if (!known_make(x, u->count + u->shares + n))
        return;
    for (size_t i = 0; i < u->count; i++)
        add_path(&x->known->work, u->row[i].home, false);
    for (size_t i = 0; i < u->shares; i++)
        add_path(&x->known->work, u->share[i].path, false);
    for (size_t i = 0; i < n; i++)
        add_path(&x->known->work, more[i], true);
    ask_in_forks(x->known);
}

const struct known *known_of(const struct context *x, const char *path)
{
    char tidy[PATH_MAX];
    struct known_work *w;
    uint32_t number;

    if (!x->known || place_tidy(slice_from(path), tidy, sizeof(tidy)))
        return NULL;
    w = &x->known->work;
    if (w->next < w->count && strcmp(w->all[w->next].path, tidy) == 0)
        return &w->all[w->next++];
    number = *known_place(w, tidy);
    w->next = number;
    return number > 0 ? &w->all[number - 1] : NULL;
}

void known_resolve(const void *owner, const char *path, char out[PATH_MAX])
{
    const struct known *one = known_of(owner, path);

    if (one && one->real)
        memcpy(out, one->real, strlen(one->real) + 1);
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
