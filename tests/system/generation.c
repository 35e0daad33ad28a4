/* See generation.h. */
#include "generation.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "support/processes.h"
#include "support/run.h"
#include "support/wait.h"

#define MASTER "sallyport: master"
#define GATE   "sallyport: gate"
/* A process that was just started differs from one that has served for a
 * while. */
#define ROOM_KB 1024

static struct processes list;

static bool is_titled(const struct process_row *p, const char *title)
{
    return strncmp(p->title, title, strlen(title)) == 0;
}

/* Finds it in the present list of processes. */
static pid_t newest(pid_t supervisor)
{
    const struct process_row *best = NULL;

    for (size_t i = 0; i < list.count; i++) {
        const struct process_row *p = &list.row[i];

        if (p->parent == supervisor && is_titled(p, MASTER) &&
            (!best || p->start > best->start ||
             (p->start == best->start && p->pid > best->pid)))
            best = p;
    }
    return best ? best->pid : 0;
}

static pid_t child_of(pid_t master, const char *title)
{
    for (size_t i = 0; i < list.count; i++)
        if (list.row[i].parent == master && is_titled(&list.row[i], title))
            return list.row[i].pid;
    return 0;
}

pid_t generation_newest(const struct server *s)
{
    pid_t pid;

    processes_of(s->pid, &list);
    pid = newest(s->pid);
    cr_assert(pid > 0, "no master");
    return pid;
}

pid_t generation_child(const struct server *s, const char *title)
{
    pid_t pid = child_of(generation_newest(s), title);

    cr_assert(pid > 0, "no %s", title);
    return pid;
}

struct limit {
    const struct server *server;
    size_t count;
};

static bool are_few(void *argument)
{
    const struct limit *l = argument;

    processes_of(l->server->pid, &list);
    return processes_count(&list, MASTER) <= l->count;
}

void generation_wait_at_most(const struct server *s, size_t count)
{
    struct limit l = { s, count };

    cr_assert(wait_until(are_few, &l, WAIT_MS), "%zu generations, not %zu",
              processes_count(&list, MASTER), count);
}

struct succession {
    const struct server *server;
    pid_t before;
};

/* The older gate ends after its handover. */
static bool next_leads(void *argument)
{
    const struct succession *n = argument;
    pid_t pid;

    processes_of(n->server->pid, &list);
    pid = newest(n->server->pid);
    return pid != n->before && processes_count(&list, GATE) == 1 &&
           child_of(pid, GATE) > 0;
}

void generation_ask(const struct server *s, int status, const char *words)
{
    char config[SERVER_PATH_MAX];
    struct run_result r;

    snprintf(config, sizeof(config), "%s", server_path(s, "sallyport.conf"));
    run(&r, NULL, server_program("sallyportctl"), "--config", config, "reload",
        NULL);
    cr_assert_eq(r.status, status, "exit status %d: %s", r.status, r.text);
    cr_assert(strstr(r.text, words), "no \"%s\" in: %s", words, r.text);
    run_release(&r);
}

void generation_reload(const struct server *s, enum generation_asks how)
{
    struct succession n = { s, generation_newest(s) };

    if (how == GENERATION_CTL)
        generation_ask(s, 0, "");
    else
        cr_assert_eq(kill(s->pid, SIGHUP), 0);
    cr_assert(wait_until(next_leads, &n, WAIT_MS), "no next generation");
}

static size_t count_fds(pid_t pid)
{
    struct dirent *e;
    size_t n = 0;
    char path[64];
    DIR *d;

    snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
    d = opendir(path);
    while (d && (e = readdir(d)) != NULL)
        n += e->d_name[0] != '.';
    if (d)
        closedir(d);
    return n;
}

static void count(pid_t pid, struct census_row *ret)
{
    ret->fds = count_fds(pid);
    ret->kb = process_number(pid, "VmRSS");
}

static void take(const struct server *s, struct census *ret)
{
    ret->processes = list.count;
    count(s->pid, &ret->supervisor);
    count(newest(s->pid), &ret->master);
    count(child_of(newest(s->pid), GATE), &ret->gate);
}

/* Waits: a generation's last messages, or the end of a session, may still be
 * under way. */
struct quiet {
    const struct server *server;
    const struct census *before; /* NULL: any number will do */
    struct census now;
};

static bool is_as_before(const struct quiet *q)
{
    return q->before->processes == q->now.processes &&
           q->before->supervisor.fds == q->now.supervisor.fds &&
           q->before->master.fds == q->now.master.fds &&
           q->before->gate.fds == q->now.gate.fds;
}

/* A process that is being forked, or has just ended, has another title and
 * doesn't count. */
static size_t lasting(void)
{
    return 1 + processes_count(&list, MASTER) + processes_count(&list, GATE) +
           processes_count(&list, "sallyport: log") +
           processes_count(&list, "sallyport: keys") +
           processes_count(&list, "sallyport: auth");
}

static bool is_quiet(void *argument)
{
    struct quiet *q = argument;

    processes_of(q->server->pid, &list);
    if (processes_count(&list, MASTER) != 1 ||
        processes_count(&list, GATE) != 1 || lasting() != list.count)
        return false;
    take(q->server, &q->now);
    return !q->before || is_as_before(q);
}

void census_take(const struct server *s, struct census *ret)
{
    struct quiet q = { .server = s };

    cr_assert(wait_until(is_quiet, &q, WAIT_MS), "sessions don't end");
    *ret = q.now;
}

static void expect_row(const char *what, const struct census_row *before,
                       const struct census_row *now)
{
    cr_expect_eq(now->fds, before->fds, "%s: %zu descriptors, not %zu", what,
                 now->fds, before->fds);
    cr_expect(server_is_sanitized() || now->kb <= before->kb + ROOM_KB,
              "%s: %llu kB, not %llu", what, (unsigned long long)now->kb,
              (unsigned long long)before->kb);
}

void census_expect(const struct server *s, const struct census *before)
{
    struct quiet q = { .server = s, .before = before };

    wait_until(is_quiet, &q, WAIT_MS);
    cr_expect_eq(q.now.processes, before->processes, "%zu processes, not %zu",
                 q.now.processes, before->processes);
    expect_row("supervisor", &before->supervisor, &q.now.supervisor);
    expect_row("master", &before->master, &q.now.master);
    expect_row("gate", &before->gate, &q.now.gate);
}
