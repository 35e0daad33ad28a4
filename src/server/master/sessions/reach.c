/* Whether the users file and the directory of all homes can be reached. If a
 * volume is away, no login can succeed: then new clients get 421 with their
 * greeting, so that a proxy takes this machine out. A fork of master looks,
 * since the disk may hang. Runs in master. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sallyport/base/fd.h"
#include "sessions.h"

/* The status of the fork: 0, or an errno, with this bit for the homes. */
#define OF_HOMES 0x80
_Static_assert(EHOSTUNREACH < OF_HOMES && ESTALE < OF_HOMES, "in 7 bits");

/* A disk on the network may answer from its memory which files it has; open(2)
 * and statfs(2) ask it. Returns an errno. */
static int reach_open(const char *path, int flags)
{
    struct statfs disk;
    FD_CLEANUP int fd =
        open(path, flags | O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    return fd < 0 || fstatfs(fd, &disk) < 0 ? errno : 0;
}

/* Runs in the fork. */
static int reach_look(void *owner)
{
    const struct master *m = owner;
    int error = reach_open(m->settings.users, 0);

    if (files_is_away(error) || (error == ENOENT && !m->users->missing))
        return error;
    error = reach_open(m->settings.homes, O_DIRECTORY);
    return files_is_away(error) || error == ENOENT ? OF_HOMES | error : 0;
}

/* Homes that were never there are those of a new server, without users. */
static void reach_judge(struct master *m, int status, struct complaint *what)
{
    const struct settings *c = &m->settings;
    const int error = status & ~OF_HOMES;

    if (status == -ETIMEDOUT)
        complain(what,
                 "the users file %s or the homes in %s: no answer within %d s",
                 c->users, c->homes, (int)(m->deadlines.reach / 1000));
    else if (status == (OF_HOMES | ENOENT) && !m->reach->had_homes)
        return;
    else if (status > 0)
        complain(what, "%s %s: %s",
                 status & OF_HOMES ? "the homes in" : "the users file",
                 status & OF_HOMES ? c->homes : c->users, strerror(error));
    else
        m->reach->had_homes = true;
}

static void reach_on_looked(void *owner, int status)
{
    struct reach *k = owner;
    struct master *m = k->master;
    const bool was_away = k->what.text[0];

    if (m->state != MASTER_RUNNING)
        return;
    if (status >= 0)
        status = WIFEXITED(status) ? WEXITSTATUS(status) : -EIO;
    if (status >= 0 || status == -ETIMEDOUT) {
        k->what.text[0] = '\0';
        reach_judge(m, status, &k->what);
        if (k->what.text[0] && !was_away)
            master_report(m, EVENT_TROUBLE, PROCESS_MASTER,
                          "new clients get 421: %s", k->what.text);
        else if (!k->what.text[0] && was_away)
            master_report(m, EVENT_SERVICE, PROCESS_MASTER,
                          "the users file and the homes can be reached again");
        board_set(&m->row->away, reach_is_away(m));
    }
    loop_timer_set(&m->loop, &k->timer, m->deadlines.reach_pause);
}

/* If as many forks hang as may, only their end can show that the disk is
 * back. */
static void reach_on_timer(void *owner)
{
    struct reach *k = owner;
    struct master *m = k->master;
    pid_t pid = -1;

    if (m->state != MASTER_RUNNING)
        return;
    if (errands_hanging(m, k) < ERRANDS_FOR_REACH)
        pid = errand_fork(m, ERRAND_LOOKS, reach_look, m, NULL, 0);
    if (pid < 0 ||
        errand_watch(m, pid, m->deadlines.reach, reach_on_looked, k) < 0)
        loop_timer_set(&m->loop, &k->timer, m->deadlines.reach_pause);
}

void reach_start(struct master *m)
{
    m->reach->master = m;
    m->reach->timer =
        (struct loop_timer){ .on_timer = reach_on_timer, .owner = m->reach };
    loop_timer_set(&m->loop, &m->reach->timer, m->deadlines.reach_pause);
}

bool reach_is_away(const struct master *m)
{
    return m->reach->what.text[0] != '\0';
}
