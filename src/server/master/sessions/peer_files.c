/* The process files of a session: its input, its fork, its start and its end.
 * login.c has checked the user's row. Runs in master. */
#include "sessions.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "sallyport/base/complain.h"
#include "sallyport/base/fd.h"
#include "sallyport/domain/rights.h"
#include "sallyport/files/files.h"

#define HOME_MAX 4096

enum { TO_SESSION, TO_MASTER, TO_LOG, PAIRS };

struct files_pairs {
    int end[PAIRS][2]; /* end[i][0] is for session, master or log; end[i][1] is
                        * for files */
};

static void files_close_side(struct files_pairs *p, int side)
{
    for (int i = 0; i < PAIRS; i++)
        fd_close(&p->end[i][side]);
}

/* A copy of the data that the fork needs, since the fork inherits neither the
 * sessions' records nor the users' texts and rows. This struct of 130 KiB is
 * static, not on the stack, so a login touches only the pages that its user
 * needs. */
struct origin {
    struct files_start start;
    char homes[SETTINGS_PATH_MAX], shares[SETTINGS_PATH_MAX];
    char name[USER_NAME_MAX + 1];
    char home[HOME_MAX];
    struct files_mount mounts[USER_MOUNTS_MAX];
    char at[USER_MOUNTS_MAX][USER_HOME_MAX + 1];
    char path[USER_MOUNTS_MAX][USER_HOME_MAX + 1];
};

/* Returns a keyed hash of the directory's path. The hash is never 0. */
static uint64_t files_place(const struct files_process *f, const char *path)
{
    uint64_t place =
        siphash(f->session->master->sessions->hash_key, path, strlen(path));

    return place ? place : 1;
}

static bool files_place_is_late(const struct files_process *f, const char *path)
{
    return hanging_is_late(&f->session->master->sessions->hanging,
                           files_place(f, path));
}

static void files_fill_mounts(struct origin *o, const struct files_process *f,
                              const struct user *user)
{
    for (size_t i = 0; i < user->grants; i++) {
        const struct share *s = &user->share[user->grant[i].share];
        const unsigned mode = s->file_mode ? s->file_mode : SHARE_FILE_MODE;

        snprintf(o->at[i], sizeof(o->at[i]), "/%s", s->name);
        snprintf(o->path[i], sizeof(o->path[i]), "%s", s->path);
        o->mounts[i] =
            (struct files_mount){ .at = o->at[i],
                                  .path = o->path[i],
                                  .gid = s->gid,
                                  .late = files_place_is_late(f, s->path),
                                  .rights = user->grant[i].rights,
                                  .file_mode = mode,
                                  .dir_mode = mode_of_directory(mode) };
    }
    o->start.mount_count = user->grants;
}

static void files_fill_origin(struct origin *o, const struct files_process *f,
                              const struct user *user,
                              const struct files_pairs *p)
{
    const struct master *m = f->session->master;
    const struct settings *c = &m->settings;

    snprintf(o->homes, sizeof(o->homes), "%s", c->homes);
    snprintf(o->shares, sizeof(o->shares), "%s", c->shares);
    snprintf(o->name, sizeof(o->name), "%s", user->name);
    snprintf(o->home, sizeof(o->home), "%s", user->home);
    o->start = (struct files_start){
        .rules = { .since = m->since,
                   .fsync = c->fsync,
                   .resume = c->resume,
                   .max_file_size = f->session->limits.file_size,
                   .copy_max = c->copy_max,
                   .min_free = c->min_free,
                   .uploads = row_limit(&user->limits, ROW_UPLOADS, 0),
                   .upload_bytes =
                       row_limit(&user->limits, ROW_UPLOAD_BYTES, 0),
                   .on_conflict =
                       user_choice(user, CHOICE_CONFLICT, c->on_conflict),
                   .allow_weaker = c->allow_weaker,
                   .file_mode =
                       user->file_mode ? user->file_mode : c->file_mode,
                   .dir_mode = user->dir_mode ? user->dir_mode : c->dir_mode },
        .root = m->root,
        .uid_is_shared = !m->root,
        .homes = o->homes,
        .shares = o->shares,
        .session = p->end[TO_SESSION][1],
        .master = p->end[TO_MASTER][1],
        .log = p->end[TO_LOG][1],
        .serial = f->session->serial,
        .name = o->name,
        .home = o->home,
        .uid = user->uid,
        .gid = user->gid,
        .rights = user->rights,
        .mounts = o->mounts,
    };
    files_fill_mounts(o, f, user);
    files_name_key(m->secrets.names, o->name, o->start.name_key);
}

/* Wipes O, since the next user's fork must not find this user's paths and key.
 */
static void files_wipe_origin(struct origin *o)
{
    const size_t used = o->start.mount_count;

    explicit_bzero(o->mounts, used * sizeof(o->mounts[0]));
    explicit_bzero(o->at, used * sizeof(o->at[0]));
    explicit_bzero(o->path, used * sizeof(o->path[0]));
    explicit_bzero(o->name, sizeof(o->name));
    explicit_bzero(o->home, sizeof(o->home));
    explicit_bzero(&o->start, sizeof(o->start));
}

/* Runs in the fork. Drops the users' texts, master's keys and master's last
 * messages, and becomes files. */
static void files_begin(struct master *m, const struct origin *o)
{
    sigset_t none;

    m->table_hooks->forget(m);
    explicit_bzero(&m->secrets, sizeof(m->secrets));
    channel_forget();
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    m->hooks.files(m, &o->start);
    _exit(EX_SOFTWARE);
}

static int files_on_opens(void *owner, struct msg_files_opens *msg)
{
    struct files_process *f = owner;

    return slice_copy(msg->at, f->opens, sizeof(f->opens));
}

static uint64_t files_directory(const struct files_process *f, uint64_t device,
                                uint64_t inode)
{
    const uint64_t both[] = { device, inode };
    uint64_t hash =
        siphash(f->session->master->sessions->hash_key, both, sizeof(both));

    return hash ? hash : 1;
}

static int files_on_opened(void *owner, struct msg_files_opened *msg)
{
    struct files_process *f = owner;

    if (msg->number > USER_MOUNTS_MAX)
        return channel_refuse(&f->channel, "a mount without a number");
    f->opened[msg->number] = files_directory(f, msg->device, msg->inode);
    return 0;
}

/* Returns the directory to which PATH leads; 0: that isn't known without its
 * disk. */
static uint64_t files_leads_to(const struct files_process *f, const char *path)
{
    FD_CLEANUP int fd = master_open_cached(path, O_DIRECTORY);
    struct statx s;

    if (fd < 0 ||
        statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_INO, &s) < 0)
        return 0;
    return files_directory(f, makedev(s.stx_dev_major, s.stx_dev_minor),
                           s.stx_ino);
}

/* Does a path of the user lead elsewhere than when the process opened it? Only
 * if the look before has seen the same: some disks give a directory a new
 * number at each look. */
static bool files_are_replaced(struct files_process *f, const struct user *user)
{
    const uint64_t before = f->other;

    f->other = 0;
    for (size_t i = 0; i <= user->grants && f->other == 0; i++) {
        const char *path =
            i == 0 ? user->home : user->share[user->grant[i - 1].share].path;
        const uint64_t now = f->opened[i] != 0 ? files_leads_to(f, path) : 0;

        f->other = now != f->opened[i] ? now : 0;
    }
    return f->other != 0 && f->other == before;
}

/* Each look is at one of PLACES_TURNS parts of the sessions. Two looks at each
 * session take less than 10 s. */
#define PLACES_MS    550
#define PLACES_TURNS 8

static void files_on_watch(void *owner)
{
    struct master *m = owner;

    m->places_turn = (m->places_turn + 1) % PLACES_TURNS;
    SESSIONS_EACH(m->sessions, s) {
        const bool now =
            (size_t)(s - m->sessions->all) % PLACES_TURNS == m->places_turn &&
            !s->older && session_is_served(s) && s->login > 0 &&
            s->files.pid > 0;
        const struct user *user = now ? master_user(m, s->files.user) : NULL;

        if (user && files_are_replaced(&s->files, user))
            session_kick(s, ENDING_MOVED);
    }
    loop_timer_set(&m->loop, &m->places, PLACES_MS);
}

void files_watch(struct master *m)
{
    m->places = (struct loop_timer){ .on_timer = files_on_watch, .owner = m };
    loop_timer_set(&m->loop, &m->places, PLACES_MS);
}

static int files_on_ready(void *owner, struct msg_ready *msg)
{
    struct files_process *f = owner;

    (void)msg;
    f->channel.phase = PHASE_RUN;
    f->session->master->table_hooks->home_ready(f->session);
    return 0;
}

/* Reports the event E about the process. The text has the user, the serial, the
 * home, and WHAT. */
static void files_report(const struct files_process *f, enum event e,
                         const char *what)
{
    master_report(f->session->master, e, PROCESS_FILES,
                  "user %s, serial %016" PRIx64 ", home %s: %s", f->user,
                  f->session->serial, f->path, what);
}

static bool files_in_one_share(const struct user *a, const struct user *b)
{
    for (size_t i = 0; i < a->grants; i++)
        for (size_t k = 0; k < b->grants; k++)
            if (a->grant[i].share == b->grant[k].share)
                return true;
    return false;
}

static int files_on_owner_of(void *owner, struct msg_owner_of *msg)
{
    struct files_process *f = owner;
    const struct users *u = f->session->master->rows;
    const struct user *self = users_find(u, slice_from(f->user));
    const struct user *end = u->row + u->count, *row = u->row;

    while (row < end && row->uid != msg->uid)
        row++;
    bool known = self && row < end && files_in_one_share(self, row);
    return SEND(&f->channel, owner_is, msg->request, .uid = msg->uid,
                .name = known ? slice_from(row->name) : SLICE(""));
}

static int files_on_failed(void *owner, struct msg_failed *msg)
{
    struct files_process *f = owner;
    char what[COMPLAINT_MAX];

    f->away = fd_is_away(msg->error);
    if (msg->why.len > 0)
        snprintf(what, sizeof(what), "%.*s", (int)msg->why.len, msg->why.ptr);
    else if (msg->error == ENOENT)
        snprintf(what, sizeof(what), "it is missing");
    else if (msg->error == EACCES)
        snprintf(what, sizeof(what),
                 "uid %lu can't enter it; check its owner and mode, and those "
                 "of the directories above it; or systemd hides it "
                 "(ProtectHome=): restart the service after a drop-in",
                 (unsigned long)f->uid);
    else
        snprintf(what, sizeof(what), "can't be entered: %s",
                 strerror(msg->error));
    files_report(f, EVENT_CHILD, what);
    return -ECANCELED;
}

static const struct handler files_handlers[] = {
    ON(files_opens, files_on_opens), ON(files_opened, files_on_opened),
    ON(ready, files_on_ready),       ON(failed, files_on_failed),
    ON(owner_of, files_on_owner_of),
};

static void files_lose(struct files_process *f)
{
    files_hang_up(f);
    f->session->master->table_hooks->home_lost(f->session);
}

static void files_on_message(void *owner, uint32_t events)
{
    struct files_process *f = owner;
    int r = DISPATCH(&f->channel, files_handlers, f);

    (void)events;
    if (r == -EPROTO) {
        files_report(f, EVENT_PEER, f->channel.wrong);
        files_kill(f);
    }
    if (r < 0)
        files_lose(f);
}

void files_blank(struct files_process *f, struct session_record *s)
{
    *f = (struct files_process){ .session = s, .channel.fd = -1, .end = -1 };
}

static int files_adopt(struct files_process *f, pid_t pid,
                       struct files_pairs *p)
{
    const struct speaker who = { .process = PROCESS_FILES,
                                 .serial = f->session->serial,
                                 .peer = f->session->peer };

    f->pid = pid;
    f->end = p->end[TO_SESSION][0];
    service_end(f->session->master, &f->log);
    f->log =
        service_open(f->session->master, PROCESS_LOG, &who, p->end[TO_LOG][0]);
    service_named(f->log, f->user);
    channel_init(&f->channel, p->end[TO_MASTER][0], PROCESS_MASTER,
                 PROCESS_FILES, PHASE_START);
    return loop_add_reader(&f->session->master->loop, &f->watch,
                           p->end[TO_MASTER][0], files_on_message, f);
}

int files_fork(struct files_process *f, const struct user *user)
{
    /* Read M before the fork, which doesn't inherit the session's record. */
    struct master *m = f->session->master;
    static struct origin origin;
    struct files_pairs p;
    pid_t pid;
    int r = 0;

    if (f->pid > 0) /* the process of an earlier try hasn't ended yet */
        return -EBUSY;
    memset(&p, -1, sizeof(p));
    for (int i = 0; i < PAIRS && r == 0; i++)
        r = fd_pair(p.end[i]);
    if (r < 0) {
        files_close_side(&p, 0);
        files_close_side(&p, 1);
        return r;
    }
    snprintf(f->user, sizeof(f->user), "%s", user->name);
    snprintf(f->path, sizeof(f->path), "%s", user->home);
    f->opens[0] = '\0';
    memset(f->opened, 0, sizeof(f->opened));
    f->other = 0;
    f->away = false;
    f->uid = user->uid;
    files_fill_origin(&origin, f, user, &p);
    pid = _Fork(); /* as in gate: _Fork() changes three pages less */
    if (pid == 0)
        files_begin(m, &origin);
    r = -errno;
    files_wipe_origin(&origin);
    files_close_side(&p, 1);
    if (pid < 0) {
        files_close_side(&p, 0);
        return r;
    }
    r = files_adopt(f, pid, &p);
    services_flush(m);
    if (r < 0) /* the new process finds its channel closed, and ends */
        files_lose(f);
    return 0;
}

void files_hang_up(struct files_process *f)
{
    loop_remove(&f->session->master->loop, &f->watch);
    channel_close(&f->channel);
    fd_close(&f->end);
    service_end(f->session->master, &f->log);
}

void files_kill(struct files_process *f)
{
    if (f->pid > 0)
        kill(f->pid, SIGKILL);
}

void files_abandon(struct files_process *f, uint64_t place)
{
    struct session_record *s = f->session;
    const uint64_t user =
        s->limits.accounts > 0 ? s->limits.account[0].number : 0;

    if (f->pid == 0)
        return;
    files_kill(f);
    files_hang_up(f);
    if (hanging_add(&s->master->sessions->hanging, f->pid, user, place))
        f->pid = 0;
}

/* Marks as late the directory that the process has tried to open last. Its path
 * is the same as in files_fill_mounts(); *NAME gets its name for the log.
 * Returns its place; 0: the directory isn't the user's, and gets no mark. A
 * process that an attacker controls can name any path, and a fork of master
 * would open that path as root. */
static uint64_t files_mark_late(const struct files_process *f,
                                const struct user *user, struct complaint *name)
{
    const char *path = NULL;
    uint64_t place;

    if (strcmp(f->opens, "/") == 0) {
        path = f->path;
        complain(name, "it");
    }
    for (size_t i = 0; user && !path && i < user->grants; i++) {
        const struct share *s = &user->share[user->grant[i].share];

        if (strcmp(f->opens + 1, s->name) != 0)
            continue;
        path = s->path;
        complain(name, "share %s at %s", f->opens, s->path);
    }
    if (!path)
        return 0;
    place = files_place(f, path);
    hanging_mark(f->session->master, place, path);
    return place;
}

bool files_were_late(struct files_process *f, const struct user *user)
{
    struct complaint name = { "" };
    char what[COMPLAINT_MAX + 64];
    uint64_t place = 0;

    if (f->opens[0])
        place = files_mark_late(f, user, &name);
    snprintf(what, sizeof(what), "was not ready in time%s%s%s",
             place ? ": " : "", name.text, place ? " doesn't answer" : "");
    files_report(f, EVENT_CHILD, what);
    files_abandon(f, place);
    return place && f->pid == 0 && strcmp(f->opens, "/") != 0;
}

bool files_home_is_late(struct files_process *f, const struct user *user)
{
    struct session_record *s = f->session;
    struct hanging_table *t = &s->master->sessions->hanging;
    bool late;

    snprintf(f->user, sizeof(f->user), "%s", user->name);
    snprintf(f->path, sizeof(f->path), "%s", user->home);
    late = files_place_is_late(f, f->path);
    if (late)
        files_report(f, EVENT_CHILD,
                     "its disk doesn't answer; it is tried "
                     "again within a minute");
    else if (hanging_of_user(t, s->limits.account[0].number) >=
             HANGING_PER_USER) {
        files_report(f, EVENT_CHILD,
                     "too many processes of this user wait for a disk that "
                     "doesn't answer");
        late = true;
    }
    return late;
}

void files_reaped(struct files_process *f, int status)
{
    f->pid = 0;
    if (WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL) {
        char what[64];

        snprintf(what, sizeof(what), "ended by signal %d", WTERMSIG(status));
        files_report(f, EVENT_CHILD, what);
    }
    if (f->channel.fd >= 0) /* its last messages may still wait there */
        files_on_message(f, 0);
    if (f->channel.fd >= 0)
        files_lose(f);
    session_mark(f->session);
}
