/* A user's process files, in master: may the row have one, the fork, its start
 * and its end. The row was named by auth; uid and home are judged here. */
#include "home.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "login.h"
#include "master.h"
#include "sallyport/base/fd.h"

#define HOME_MAX 4096

static bool has_dot_dot(const char *path)
{
    struct slice rest = slice_from(path), part;

    while (slice_cut(&rest, '/', &part))
        if (slice_equal(part, SLICE("..")))
            return true;
    return false;
}

static bool is_beneath(const char *path, const char *folder)
{
    size_t len = strlen(folder);

    while (len > 1 && folder[len - 1] == '/')
        len--;
    return strncmp(path, folder, len) == 0 && path[len] == '/' &&
           !has_dot_dot(path);
}

int home_permitted(const struct master *m, const struct user *user,
                   struct complaint *c)
{
    const struct settings *s = &m->settings;

    if (user->home[0] != '/' || strlen(user->home) >= HOME_MAX)
        return complain(c, "user %s: the home is not absolute, or too long",
                        user->name);
    if (!m->root && !is_beneath(user->home, s->homes))
        return complain(c, "user %s: without root, homes lie beneath %s",
                        user->name, s->homes);
    if (m->root && (user->uid < s->uid_first || user->uid > s->uid_last))
        return complain(c, "user %s: uid %lu is not in %llu-%llu", user->name,
                        (unsigned long)user->uid,
                        (unsigned long long)s->uid_first,
                        (unsigned long long)s->uid_last);
    if (m->root && user->gid == 0)
        return complain(c, "user %s: gid 0 is root's", user->name);
    return 0;
}

struct pairs {
    int session[2], master[2], log[2]; /* ours, theirs */
};

static void close_side(struct pairs *p, int side)
{
    fd_close(&p->session[side]);
    fd_close(&p->master[side]);
    fd_close(&p->log[side]);
}

static int open_pairs(struct pairs *p)
{
    int r;

    *p = (struct pairs){ { -1, -1 }, { -1, -1 }, { -1, -1 } };
    r = fd_pair(p->session);
    if (r == 0)
        r = fd_pair(p->master);
    if (r == 0)
        r = fd_pair(p->log);
    if (r < 0) {
        close_side(p, 0);
        close_side(p, 1);
    }
    return r;
}

/* What the fork needs, copied before it: there the session's record isn't in
 * memory, and the users' rows are wiped. */
struct origin {
    struct files_start start;
    char name[USER_NAME_MAX + 1];
    char home[HOME_MAX];
};

static void fill(struct origin *o, const struct session *s,
                 const struct user *user, const struct pairs *p)
{
    const struct master *m = s->master;
    const struct settings *c = &m->settings;

    snprintf(o->name, sizeof(o->name), "%s", user->name);
    snprintf(o->home, sizeof(o->home), "%s", user->home);
    o->start = (struct files_start){
        .rules = { .fsync = c->fsync,
                   .resume = c->resume,
                   .max_file_size = c->max_file_size,
                   .partial_days = c->partial_days,
                   .on_conflict = user->has_conflict
                                      ? user->on_conflict
                                      : (enum conflict)c->on_conflict,
                   .conflict_name = (enum conflict_name)c->conflict_name,
                   .allow_weaker = c->allow_weaker },
        .root = m->root,
        .homes = c->homes,
        .session = p->session[1],
        .master = p->master[1],
        .log = p->log[1],
        .serial = s->serial,
        .name = o->name,
        .home = o->home,
        .uid = user->uid,
        .gid = user->gid,
        .rights = user->rights,
    };
    memcpy(o->start.name_key, m->name_key, sizeof(o->start.name_key));
}

/* The fork has the rest of master's memory: the hashes of all users go before
 * anything else. */
static void become_files(struct master *m, const struct origin *o)
{
    sigset_t none;

    userdb_release(&m->users);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    m->hooks.files(&o->start);
    _exit(EX_SOFTWARE);
}

static int on_files_ready(void *owner, struct packet *p)
{
    struct session *s = owner;

    (void)p;
    s->files.phase = PHASE_RUN;
    if (s->state == SESSION_OPENING)
        login_grant(s);
    return 0;
}

static int on_files_failed(void *owner, struct packet *p)
{
    struct session *s = owner;

    master_report(s->master, EVENT_CHILD, PROCESS_FILES,
                  "of %s can't enter its home: %s", s->user,
                  strerror((int)(p->value[0].number & 0xffff)));
    return -ECANCELED;
}

static const struct handler handlers[] = {
    { MSG_FILES_READY, on_files_ready },
    { MSG_FILES_FAILED, on_files_failed },
};

/* Without its files a session is worth nothing. */
void home_lost(struct session *s)
{
    home_close(s);
    if (s->state == SESSION_OPENING) {
        home_kill(s);
        login_deny(s, DENIAL_HOME);
    } else {
        session_kick(s, ENDING_PEER);
    }
}

static void on_ready(void *owner, uint32_t events)
{
    struct session *s = owner;
    int r = channel_dispatch(&s->files, handlers,
                             sizeof(handlers) / sizeof(handlers[0]), s);

    (void)events;
    if (r == -EPROTO) {
        master_report(s->master, EVENT_PEER, PROCESS_FILES, "of %s: %s",
                      s->user, s->files.wrong);
        home_kill(s);
    }
    if (r < 0)
        home_lost(s);
}

static int adopt(struct session *s, pid_t pid, struct pairs *p)
{
    s->files_pid = pid;
    s->files_end = p->session[0];
    wire_close(&s->files_log);
    s->files_log.end = p->log[0];
    channel_init(&s->files, p->master[0], PROCESS_MASTER, PROCESS_FILES,
                 PHASE_START);
    s->files_watch = (struct loop_watch){
        .fd = p->master[0], .events = EPOLLIN, .on_ready = on_ready, .owner = s
    };
    return loop_add(&s->master->loop, &s->files_watch);
}

int home_open(struct session *s, const struct user *user)
{
    struct master *m = s->master; /* s isn't there in the fork */
    struct origin origin;
    struct pairs p;
    pid_t pid;
    int r;

    if (s->files_pid > 0) /* that of an earlier try is still leaving */
        return -EBUSY;
    r = open_pairs(&p);
    if (r < 0)
        return r;
    fill(&origin, s, user, &p);
    pid = fork();
    if (pid == 0)
        become_files(m, &origin);
    r = -errno;
    close_side(&p, 1);
    if (pid < 0) {
        close_side(&p, 0);
        return r;
    }
    snprintf(s->user, sizeof(s->user), "%s", user->name);
    s->rights = user->rights;
    s->state = SESSION_OPENING;
    session_wait(s, m->deadlines.files);
    if (adopt(s, pid, &p) < 0) /* it has nobody to talk to, and leaves */
        home_lost(s);
    wires_flush(m);
    return 0;
}

/* Its timer is the session's: one that has ended waits for nothing else. */
void home_close(struct session *s)
{
    loop_remove(&s->master->loop, &s->files_watch);
    channel_close(&s->files);
    fd_close(&s->files_end);
    wire_close(&s->files_log);
    if (s->state == SESSION_ENDED && s->files_pid > 0)
        session_wait(s, s->master->deadlines.kick);
}

void home_kill(struct session *s)
{
    if (s->files_pid > 0)
        kill(s->files_pid, SIGKILL);
}

void home_reaped(struct session *s, int status)
{
    s->files_pid = 0;
    if (WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL)
        master_report(s->master, EVENT_CHILD, PROCESS_FILES,
                      "of %s ended by signal %d", s->user, WTERMSIG(status));
    if (s->files.fd >= 0) /* its last words may still lie there */
        on_ready(s, 0);
    if (s->files.fd >= 0)
        home_lost(s);
    session_settle(s);
}
