/* A user's process files, in master: the check of the row, the fork, the start
 * and the end. Auth has named the row; uid and home are checked here. */
#include "sessions.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "sallyport/base/complain.h"
#include "sallyport/base/fd.h"
#include "sallyport/domain/rights.h"
#include "sallyport/files/files.h"

#define HOME_MAX 4096

enum { TO_SESSION, TO_MASTER, TO_LOG, PAIRS };

struct pairs {
    int end[PAIRS][2]; /* [0] for the session, master, log; [1] for files */
};

static void home_close_side(struct pairs *p, int side)
{
    for (int i = 0; i < PAIRS; i++)
        fd_close(&p->end[i][side]);
}

static int home_open_pairs(struct pairs *p)
{
    int r = 0;

    memset(p, -1, sizeof(*p));
    for (int i = 0; i < PAIRS && r == 0; i++)
        r = fd_pair(p->end[i]);
    if (r < 0) {
        home_close_side(p, 0);
        home_close_side(p, 1);
    }
    return r;
}

/* The data that the fork needs, copied before it: the fork doesn't inherit the
 * sessions' records, nor the users' texts and rows. Of its 130 KiB a login
 * touches only what the user has, if it isn't on the stack. */
struct origin {
    struct files_start start;
    char name[USER_NAME_MAX + 1];
    char home[HOME_MAX];
    struct files_mount mounts[USER_MOUNTS_MAX];
    char at[USER_MOUNTS_MAX][USER_HOME_MAX + 1];
    char path[USER_MOUNTS_MAX][USER_HOME_MAX + 1];
};

/* Directories are known by a keyed hash: equal paths have equal ones. */
static uint64_t home_place(const struct home *h, const char *path,
                           const char *below)
{
    char text[2 * USER_HOME_MAX + 2];
    int len = snprintf(text, sizeof(text), "%s%s", path, below);
    uint64_t place =
        siphash(h->session->master->sessions->hash_key, text, (size_t)len);

    return place ? place : 1;
}

static bool home_place_is_late(const struct home *h, const char *path,
                               const char *below)
{
    return hanging_is_late(&h->session->master->sessions->hanging,
                           home_place(h, path, below));
}

static void home_add_share(struct origin *o, const struct home *h,
                           const struct share *s, unsigned rights)
{
    const size_t i = o->start.mount_count++;
    const unsigned mode = s->file_mode ? s->file_mode : SHARE_FILE_MODE;

    snprintf(o->at[i], sizeof(o->at[i]), "/%s", s->name);
    snprintf(o->path[i], sizeof(o->path[i]), "%s", s->path);
    o->mounts[i] =
        (struct files_mount){ .at = o->at[i],
                              .path = o->path[i],
                              .gid = s->gid,
                              .late = home_place_is_late(h, s->path, ""),
                              .rights = rights,
                              .file_mode = mode,
                              .dir_mode = mode_of_directory(mode) };
}

static void home_add_directory(struct origin *o, const struct home *h,
                               const struct directory_right *d)
{
    const size_t i = o->start.mount_count++;

    snprintf(o->at[i], sizeof(o->at[i]), "%s", d->path);
    o->mounts[i] =
        (struct files_mount){ .at = o->at[i],
                              .late = home_place_is_late(h, o->home, d->path),
                              .rights = d->rights,
                              .file_mode = o->start.rules.file_mode,
                              .dir_mode = o->start.rules.dir_mode };
}

static void home_fill_mounts(struct origin *o, const struct home *h,
                             const struct user *user)
{
    for (size_t i = 0; i < user->grants; i++)
        home_add_share(o, h, &user->share[user->grant[i].share],
                       user->grant[i].rights);
    for (size_t i = 0; i < user->directories; i++)
        home_add_directory(o, h, &user->directory[i]);
}

/* A key for this user alone: a subverted process learns neither the names of
 * other users' partials nor auth's key. */
static void home_fill_key(struct origin *o, const struct master *m)
{
    char purpose[sizeof("files 1 ") + USER_NAME_MAX];
    uint64_t half[2];

    _Static_assert(sizeof(half) == sizeof(o->start.name_key), "two halves");
    for (int i = 0; i < 2; i++) {
        snprintf(purpose, sizeof(purpose), "files %c %s", '1' + i, o->name);
        half[i] = master_half_key(m, purpose);
    }
    memcpy(o->start.name_key, half, sizeof(half));
}

static void home_fill_origin(struct origin *o, const struct home *h,
                             const struct user *user, const struct pairs *p)
{
    const struct master *m = h->session->master;
    const struct settings *c = &m->settings;

    snprintf(o->name, sizeof(o->name), "%s", user->name);
    snprintf(o->home, sizeof(o->home), "%s", user->home);
    o->start = (struct files_start){
        .rules = { .since = m->since,
                   .fsync = c->fsync,
                   .resume = c->resume,
                   .reread = c->sha256,
                   .max_file_size = h->session->limits.file_size,
                   .copy_max = c->copy_max,
                   .min_free = c->min_free,
                   .max_files = user->max_files,
                   .on_conflict =
                       user_choice(user, CHOICE_CONFLICT, c->on_conflict),
                   .conflict_name = (enum conflict_name)c->conflict_name,
                   .allow_weaker = c->allow_weaker,
                   .file_mode =
                       user->file_mode ? user->file_mode : c->file_mode,
                   .dir_mode = user->dir_mode ? user->dir_mode : c->dir_mode },
        .root = m->root,
        .homes = c->homes,
        .shares = c->shares,
        .session = p->end[TO_SESSION][1],
        .master = p->end[TO_MASTER][1],
        .log = p->end[TO_LOG][1],
        .serial = h->session->serial,
        .name = o->name,
        .home = o->home,
        .uid = user->uid,
        .gid = user->gid,
        .rights = user->rights,
        .mounts = o->mounts,
    };
    home_fill_mounts(o, h, user);
    home_fill_key(o, m);
}

/* The next user's fork must not find this user's paths and key. */
static void home_wipe_origin(struct origin *o)
{
    const size_t used = o->start.mount_count;

    explicit_bzero(o->mounts, used * sizeof(o->mounts[0]));
    explicit_bzero(o->at, used * sizeof(o->at[0]));
    explicit_bzero(o->path, used * sizeof(o->path[0]));
    explicit_bzero(o->name, sizeof(o->name));
    explicit_bzero(o->home, sizeof(o->home));
    explicit_bzero(&o->start, sizeof(o->start));
}

/* The fork has the rest of master's memory, without the texts of the users.
 * First it wipes master's keys. */
static void become_files(struct master *m, const struct origin *o)
{
    sigset_t none;

    userdb_forget(m->users);
    explicit_bzero(&m->secrets, sizeof(m->secrets));
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    m->hooks.files(&o->start);
    _exit(EX_SOFTWARE);
}

static int home_on_files_opens(void *owner, struct msg_files_opens *msg)
{
    struct home *h = owner;

    return slice_copy(msg->at, h->opens, sizeof(h->opens));
}

static int home_on_files_ready(void *owner, struct msg_files_ready *msg)
{
    struct home *h = owner;

    (void)msg;
    h->channel.phase = PHASE_RUN;
    login_home_ready(h->session);
    return 0;
}

void home_report(const struct home *h, enum event e, const char *what)
{
    master_report(h->session->master, e, PROCESS_FILES,
                  "user %s, serial %016" PRIx64 ", home %s: %s", h->user,
                  h->session->serial, h->path, what);
}

bool home_is_away(int error)
{
    return error == ENOTCONN || error == EIO || error == ESTALE ||
           error == ETIMEDOUT || error == EHOSTDOWN || error == EHOSTUNREACH;
}

static int home_on_files_failed(void *owner, struct msg_files_failed *msg)
{
    struct home *h = owner;
    char what[COMPLAINT_MAX];

    h->away = home_is_away(msg->error);
    if (msg->why.len > 0)
        snprintf(what, sizeof(what), "%.*s", (int)msg->why.len, msg->why.ptr);
    else if (msg->error == ENOENT)
        snprintf(what, sizeof(what), "it is missing");
    else if (msg->error == EACCES)
        snprintf(what, sizeof(what),
                 "uid %lu can't enter it; check its owner and mode, and those "
                 "of the directories above it; or systemd hides it "
                 "(ProtectHome=): restart the service after a drop-in",
                 (unsigned long)h->uid);
    else
        snprintf(what, sizeof(what), "can't be entered: %s",
                 strerror(msg->error));
    home_report(h, EVENT_CHILD, what);
    return -ECANCELED;
}

static const struct handler home_handlers[] = {
    ON(files_opens, home_on_files_opens),
    ON(files_ready, home_on_files_ready),
    ON(files_failed, home_on_files_failed),
};

static void home_lose(struct home *h)
{
    files_hang_up(h);
    login_home_lost(h->session);
}

static void home_on_message(void *owner, uint32_t events)
{
    struct home *h = owner;
    int r = DISPATCH(&h->channel, home_handlers, h);

    (void)events;
    if (r == -EPROTO) {
        home_report(h, EVENT_PEER, h->channel.wrong);
        files_kill(h);
    }
    if (r < 0)
        home_lose(h);
}

void home_blank(struct home *h, struct session *s)
{
    *h = (struct home){ .session = s, .channel.fd = -1, .end = -1 };
}

static int home_adopt(struct home *h, pid_t pid, struct pairs *p)
{
    const struct speaker who = { .process = PROCESS_FILES,
                                 .serial = h->session->serial,
                                 .peer = h->session->peer };

    h->pid = pid;
    h->end = p->end[TO_SESSION][0];
    service_end(h->session->master, &h->log);
    h->log =
        service_open(h->session->master, PROCESS_LOG, &who, p->end[TO_LOG][0]);
    service_named(h->log, h->user);
    channel_init(&h->channel, p->end[TO_MASTER][0], PROCESS_MASTER,
                 PROCESS_FILES, PHASE_START);
    return loop_add_reader(&h->session->master->loop, &h->watch,
                           p->end[TO_MASTER][0], home_on_message, h);
}

int files_fork(struct home *h, const struct user *user)
{
    /* Read before the fork, which doesn't have the records in memory. */
    struct master *m = h->session->master;
    static struct origin origin;
    struct pairs p;
    pid_t pid;
    int r;

    if (h->pid > 0) /* the process of an earlier try is still leaving */
        return -EBUSY;
    r = home_open_pairs(&p);
    if (r < 0)
        return r;
    snprintf(h->user, sizeof(h->user), "%s", user->name);
    snprintf(h->path, sizeof(h->path), "%s", user->home);
    h->opens[0] = '\0';
    h->away = false;
    h->uid = user->uid;
    home_fill_origin(&origin, h, user, &p);
    pid = fork();
    if (pid == 0)
        become_files(m, &origin);
    r = -errno;
    home_wipe_origin(&origin);
    home_close_side(&p, 1);
    if (pid < 0) {
        home_close_side(&p, 0);
        return r;
    }
    r = home_adopt(h, pid, &p);
    services_flush(m);
    if (r < 0) /* the new process finds its channel closed, and leaves */
        home_lose(h);
    return 0;
}

void home_session_died(struct home *h, int signal)
{
    if (h->channel.fd >= 0 && h->channel.phase == PHASE_RUN)
        SEND(&h->channel, session_died, 0, .signal = (uint64_t)signal);
}

void files_hang_up(struct home *h)
{
    loop_remove(&h->session->master->loop, &h->watch);
    channel_close(&h->channel);
    fd_close(&h->end);
    service_end(h->session->master, &h->log);
}

void files_kill(struct home *h)
{
    if (h->pid > 0)
        kill(h->pid, SIGKILL);
}

void home_abandon(struct home *h, uint64_t place)
{
    struct session *s = h->session;
    const uint64_t user =
        s->limits.accounts > 0 ? s->limits.account[0].number : 0;

    if (h->pid == 0)
        return;
    files_kill(h);
    files_hang_up(h);
    if (hanging_add(&s->master->sessions->hanging, h->pid, user, place))
        h->pid = 0;
}

/* Marks the directory that it opened last, as in home_fill_mounts(). *NAME:
 * what the log calls it. Returns its place, or 0 if it is none of the user's: a
 * subverted process may name any path, and a fork of master would open it as
 * root. */
static uint64_t home_mark_late(const struct home *h, const struct user *user,
                               struct complaint *name)
{
    const char *path = h->path, *below = NULL;
    char whole[2 * USER_HOME_MAX + 2];
    uint64_t place;

    if (strcmp(h->opens, "/") == 0) {
        below = "";
        complain(name, "it");
    }
    for (size_t i = 0; user && !below && i < user->grants; i++) {
        const struct share *s = &user->share[user->grant[i].share];

        if (strcmp(h->opens + 1, s->name) != 0)
            continue;
        path = s->path;
        below = "";
        complain(name, "share %s at %s", h->opens, s->path);
    }
    for (size_t i = 0; user && !below && i < user->directories; i++) {
        if (strcmp(h->opens, user->directory[i].path) != 0)
            continue;
        below = h->opens;
        complain(name, "directory %s in it", h->opens);
    }
    if (!below)
        return 0;
    snprintf(whole, sizeof(whole), "%s%s", path, below);
    place = home_place(h, path, below);
    hanging_mark(h->session->master, place, whole);
    return place;
}

bool home_late(struct home *h, const struct user *user)
{
    struct complaint name = { "" };
    char what[COMPLAINT_MAX + 64];
    uint64_t place = 0;

    if (h->opens[0])
        place = home_mark_late(h, user, &name);
    snprintf(what, sizeof(what), "was not ready in time%s%s%s",
             place ? ": " : "", name.text, place ? " doesn't answer" : "");
    home_report(h, EVENT_CHILD, what);
    home_abandon(h, place);
    return place && h->pid == 0 && strcmp(h->opens, "/") != 0;
}

bool home_is_late(struct home *h, const struct user *user)
{
    struct session *s = h->session;
    struct hanging_table *t = &s->master->sessions->hanging;
    bool late;

    snprintf(h->user, sizeof(h->user), "%s", user->name);
    snprintf(h->path, sizeof(h->path), "%s", user->home);
    late = home_place_is_late(h, h->path, "");
    if (late)
        home_report(h, EVENT_CHILD,
                    "its disk doesn't answer; it is tried "
                    "again within a minute");
    else if (hanging_of_user(t, s->limits.account[0].number) >=
             HANGING_PER_USER) {
        home_report(h, EVENT_CHILD,
                    "too many processes of this user wait for a disk that "
                    "doesn't answer");
        late = true;
    }
    return late;
}

void files_reaped(struct home *h, int status)
{
    h->pid = 0;
    if (WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL) {
        char what[64];

        snprintf(what, sizeof(what), "ended by signal %d", WTERMSIG(status));
        home_report(h, EVENT_CHILD, what);
    }
    if (h->channel.fd >= 0) /* its last messages may still wait there */
        home_on_message(h, 0);
    if (h->channel.fd >= 0)
        home_lose(h);
    session_mark(h->session);
}
