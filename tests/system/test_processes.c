/* Checks what README says about the processes, in /proc of a running server
 * with two logged-in users, before and after a reload. Also plays an attacker
 * who has taken over one process. transcripts/server/libraries.txt checks which
 * libraries the processes link. */
#ifdef __x86_64__
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#endif

#include "ctl.h"
#include "generation.h"
#include "support/processes.h"
#include "support/served.h"
#include "support/test.h"
#include "support/wait.h"

static const struct server_user users[] = { { .name = "anna" },
                                            { .name = "bert" } };

static const struct expected {
    const char *title;
    unsigned uid;  /* if root runs the server */
    bool confined; /* to a directory, if root runs the server */
    size_t count;  /* 0: one or more */
} expected[] = {
    { "sallyportd: supervisor", 0, false, 1 },
    { "sallyport: master", 0, false, 1 },
    { "sallyport: gate", SERVER_UID_GATE, true, 1 },
    { "sallyport: auth", SERVER_UID_AUTH, true, 0 },
    { "sallyport: keys", SERVER_UID_KEYS, true, 1 },
    { "sallyport: log", SERVER_UID_LOG, true, 1 },
    { "sallyport: session", SERVER_UID_GATE, true, 2 },
    { "sallyport: files", SERVER_UID_FIRST, true, 2 },
};
#define KINDS (sizeof(expected) / sizeof(*expected))

static const struct expected *kind_of(const struct process_row *row)
{
    for (size_t i = 0; i < KINDS; i++)
        if (strncmp(row->title, expected[i].title, strlen(expected[i].title)) ==
            0)
            return &expected[i];
    return NULL;
}

static void expect_status(const struct process_row *row, const char *name,
                          const char *wanted)
{
    char got[256];

    process_status(row->pid, name, got, sizeof(got));
    cr_expect_str_eq(got, wanted, "%s: %s is %s, not %s", row->title, name, got,
                     wanted);
}

/* Checks all four ids: real, effective, saved, of the file system. */
static void expect_ids(const struct process_row *row, const char *name,
                       unsigned id)
{
    char wanted[128];

    snprintf(wanted, sizeof(wanted), "%u\t%u\t%u\t%u", id, id, id, id);
    expect_status(row, name, wanted);
}

static unsigned uid_of(const struct process_row *row,
                       const struct expected *kind)
{
    if (geteuid() != 0)
        return geteuid();
    return kind->uid +
           (strstr(row->title, "files") && strstr(row->title, "bert") ? 1 : 0);
}

static void expect_rights(const struct process_row *row,
                          const struct expected *kind)
{
    static const char *const sets[] = { "CapInh", "CapPrm", "CapEff",
                                        "CapAmb" };
    bool supervisor = strstr(kind->title, "supervisor") != NULL;
    bool master = supervisor || strstr(kind->title, "master") != NULL;

    expect_ids(row, "Uid", uid_of(row, kind));
    expect_status(row, "NoNewPrivs", "1");
    if (!server_is_sanitized() && !supervisor)
        expect_status(row, "Seccomp", "2");
    for (size_t i = 0; i < 4 && (!master || geteuid() != 0); i++)
        expect_status(row, sets[i], "0000000000000000");
    if (geteuid() == 0 && !master) {
        expect_ids(row, "Gid", uid_of(row, kind));
        expect_status(row, "Groups", "");
    }
}

static void expect_root_folder(const struct server *server,
                               const struct process_row *row,
                               const struct expected *kind)
{
    char path[64], root[SERVER_PATH_MAX] = "", user[16] = "";
    const char *wanted = "/";
    ssize_t n;

    snprintf(path, sizeof(path), "/proc/%d/root", (int)row->pid);
    n = readlink(path, root, sizeof(root) - 1);
    cr_assert(n > 0, "%s: %s", row->title, path);
    root[n] = '\0';
    if (strstr(row->title, "files")) {
        snprintf(user, sizeof(user), "%s",
                 strstr(row->title, "bert") ? "bert" : "anna");
        wanted = server_home(server, user);
    } else if (kind->confined) {
        wanted = server_path(server, "empty.new (deleted)");
    }
    cr_expect_str_eq(root, wanted, "%s: its root is %s", row->title, root);
}

/* Calls FOUND with the target of each descriptor of a process. */
static void
each_descriptor(const struct server *server, const struct process_row *row,
                void (*found)(const struct server *, const struct process_row *,
                              int fd, const char *target))
{
    char path[64], target[SERVER_PATH_MAX];
    struct dirent *e;
    DIR *dir;

    snprintf(path, sizeof(path), "/proc/%d/fd", (int)row->pid);
    dir = opendir(path);
    cr_assert(dir, "%s", path);
    while ((e = readdir(dir)) != NULL) {
        ssize_t n =
            readlinkat(dirfd(dir), e->d_name, target, sizeof(target) - 1);

        if (n <= 0)
            continue;
        target[n] = '\0';
        found(server, row, atoi(e->d_name), target);
    }
    closedir(dir);
}

/* Only log, and master for its last lines, may hold the log file: all others
 * could forge lines in it. A build with sanitizers keeps standard error. */
static bool may_hold_log(const struct process_row *row, int fd)
{
    return strstr(row->title, "master") || strstr(row->title, ": log") ||
           (server_is_sanitized() && fd <= STDERR_FILENO);
}

/* Permits sockets, pipes and the like; with a name only /dev/null, a home, and
 * the log in some processes. */
static void expect_nameless(const struct server *server,
                            const struct process_row *row, int fd,
                            const char *target)
{
    bool log = strcmp(target, server_path(server, "log")) == 0;
    bool home = strstr(row->title, "files") &&
                strncmp(target, server_home(server, ""),
                        strlen(server_home(server, ""))) == 0;

    cr_expect(target[0] != '/' || strcmp(target, "/dev/null") == 0 ||
                  strncmp(target, "/memfd:", 7) == 0 || home ||
                  (log && may_hold_log(row, fd)),
              "%s holds %s as %d", row->title, target, fd);
    if (fd <= STDERR_FILENO && !may_hold_log(row, fd))
        cr_expect_str_eq(target, "/dev/null", "%s: %d is %s", row->title, fd,
                         target);
}

/* Does the table have a connection with this inode? The fourth column of a line
 * has the state (0A: a listener), the tenth the inode. */
static bool is_connection(const char *table, unsigned long inode)
{
    char line[512];
    bool found = false;
    FILE *f = fopen(table, "re");

    cr_assert(f, "%s", table);
    while (!found && fgets(line, sizeof(line), f)) {
        unsigned long this;
        unsigned state;

        found = sscanf(line, "%*d: %*s %*s %x %*s %*s %*s %*d %*d %lu", &state,
                       &this) == 2 &&
                state != 0x0a && this == inode;
    }
    fclose(f);
    return found;
}

static unsigned connections;

static void count_connection(const struct server *server,
                             const struct process_row *row, int fd,
                             const char *target)
{
    unsigned long inode;

    (void)server;
    (void)row;
    (void)fd;
    if (sscanf(target, "socket:[%lu]", &inode) == 1)
        connections += is_connection("/proc/net/tcp", inode) ||
                       is_connection("/proc/net/tcp6", inode);
}

/* A session holds its client's connection, and no other process holds one. */
static void expect_connections(const struct server *server,
                               const struct process_row *row)
{
    bool session = strstr(row->title, "sallyport: session") != NULL;

    connections = 0;
    each_descriptor(server, row, count_connection);
    cr_expect_eq(connections, session ? 1 : 0, "%s holds %u connections",
                 row->title, connections);
}

static void print(const struct process_row *row)
{
    char uid[256];

    process_status(row->pid, "Uid", uid, sizeof(uid));
    *strchrnul(uid, '\t') = '\0';
    printf("%7s %7d %7d  %s\n", uid, (int)row->parent, (int)row->pid,
           row->title);
}

struct target {
    pid_t root;
    const char *title;
    struct processes all;
};

static bool are_all_known(void *target)
{
    struct target *t = target;

    processes_of(t->root, &t->all);
    t->title = NULL;
    for (size_t i = 0; i < t->all.count; i++)
        if (!kind_of(&t->all.row[i]))
            t->title = t->all.row[i].title;
    return !t->title;
}

/* Waits until processes that end soon, such as "sallyport: check", have gone.
 * Skips auth of the earlier generation, which can end meanwhile. */
static void expect_processes(const struct server *server)
{
    static struct target t;
    const struct processes *p = &t.all;

    t.root = server->pid;
    cr_assert(wait_until(are_all_known, &t, WAIT_MS), "an unknown process: %s",
              t.title);
    cr_assert(processes_count(p, "sallyport: auth") >= 1);
    for (size_t i = 0; i < p->count; i++) {
        const struct expected *kind = kind_of(&p->row[i]);

        print(&p->row[i]);
        if (!process_lives(&p->row[i]))
            continue;
        expect_rights(&p->row[i], kind);
        if (geteuid() == 0)
            expect_root_folder(server, &p->row[i], kind);
        if (geteuid() != 0) /* only root may look into the descriptors */
            continue;
        expect_connections(server, &p->row[i]);
        if (kind->uid != 0)
            each_descriptor(server, &p->row[i], expect_nameless);
    }
}

/* Both generations have the sessions of two users. */
ServerTest(processes, two_users, 240, PLAN(.users = users, .user_count = 2))
{
    static struct processes p;
    struct session s[4];

    for (unsigned i = 0; i < 4; i++) {
        if (i == 2)
            ctl(server, 0, "reload", "");
        session_enter(&s[i], server, users[i % 2].name);
        if (i % 2 == 0)
            continue;
        for (size_t n = 0; n < KINDS && i == 1; n++)
            if (expected[n].count)
                processes_wait(server->pid, expected[n].title,
                               expected[n].count, &p);
        expect_processes(server);
    }
    for (int i = 0; i < 4; i++)
        session_close(&s[i]);
}

#ifdef __x86_64__
static bool target_is_there(void *target)
{
    struct target *t = target;

    processes_of(t->root, &t->all);
    return processes_find(&t->all, t->title) != NULL;
}

/* Does the stopped process wait in its loop, behind its sandbox? It can have
 * just begun, or be at work. */
static bool is_waiting(pid_t pid, const char *title)
{
    struct user_regs_struct at;

    return ptrace(PTRACE_GETREGS, pid, NULL, &at) == 0 &&
           at.orig_rax == (unsigned long long)(strstr(title, "files")
                                                   ? SYS_poll
                                                   : SYS_epoll_wait);
}

/* Stops the first process with the title while it waits. If it belongs to an
 * earlier session and ends meanwhile, stops another one. Waits for the process:
 * clients can log in while log or keys is replaced. */
static pid_t stop(const struct server *server, const char *title)
{
    static struct target t;

    t.root = server->pid;
    t.title = title;
    for (;;) {
        const struct process_row *row;
        int status;

        cr_assert(wait_until(target_is_there, &t, WAIT_MS), "no %s", title);
        row = processes_find(&t.all, title);
        if (ptrace(PTRACE_SEIZE, row->pid, NULL, NULL) == 0) {
            cr_assert_eq(ptrace(PTRACE_INTERRUPT, row->pid, NULL, NULL), 0);
            cr_assert_eq(waitpid(row->pid, &status, 0), row->pid);
            if (WIFSTOPPED(status) && is_waiting(row->pid, title))
                return row->pid;
            ptrace(PTRACE_DETACH, row->pid, NULL, NULL);
            poll(NULL, 0, 2);
        } else {
            cr_assert_not(process_lives(row), "%s can't be traced", title);
        }
    }
}

/* Makes a system call in a stopped process, which waits in another one. Returns
 * false if a signal ends the process there; otherwise kills it. */
static bool make_call(pid_t pid, long number, long first)
{
    struct user_regs_struct at;
    int status;

    cr_assert_eq(ptrace(PTRACE_GETREGS, pid, NULL, &at), 0);
    at.rip -= 2; /* the instruction in which it waits */
    cr_assert_eq(ptrace(PTRACE_PEEKTEXT, pid, (void *)at.rip, NULL) & 0xffff,
                 0x050f);
    at.orig_rax = (unsigned long long)-1; /* restart no call */
    at.rax = (unsigned long long)number;
    at.rdi = (unsigned long long)first;
    at.rsi = at.rdx = at.r10 = at.r8 = at.r9 = 0;
    cr_assert_eq(ptrace(PTRACE_SETREGS, pid, NULL, &at), 0);
    cr_assert_eq(ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL), 0);
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    if (WIFSIGNALED(status))
        return false;
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    return true;
}

/* The processes of the next generation, and their forks, can't make the calls
 * that unit_sandbox denies them. */
ServerTest(processes, attacked_after_a_reload, 120,
           PLAN(.users = users, .user_count = 2))
{
    static const char *const titles[] = { "session", "files", "auth",
                                          "keys",    "log",   "gate" };
    static const struct {
        long number, first;
    } calls[] = { { SYS_execve, 0 },        { SYS_setresuid, 0 },
                  { SYS_connect, -1 },      { SYS_ptrace, 0 },
                  { SYS_openat, AT_FDCWD }, { SYS_listen, -1 } };
    struct session s;
    char title[32];

    /* Only root may trace the processes, and with sanitizers they have no
     * seccomp. */
    if (geteuid() != 0 || server_is_sanitized())
        return;
    server->troubles = true;
    ctl(server, 0, "reload", "");
    generation_wait_at_most(server, 1);
    /* The last call of the last process is left out, since gate may listen. */
    for (size_t i = 0; i < 35; i++) {
        const long number = calls[i % 6].number;

        snprintf(title, sizeof(title), "sallyport: %s", titles[i / 6]);
        cr_assert(wait_until(session_can_enter, server, WAIT_MS), "%s", title);
        session_enter(&s, server, "anna");
        cr_expect_not(
            make_call(stop(server, title), number, calls[i % 6].first),
            "%s may make call %ld", title, number);
        session_drop(&s);
    }
}

/* With the default settings, and with all that make the server weaker or give a
 * process more to do, except "allow_weaker = seccomp": connect() kills each
 * process that a client can reach. */
ServerTest(processes, none_connects, 240,
           PLAN(.listen = "127.0.0.1:0", .users = users, .user_count = 2))
{
    static const char *const titles[] = { "session", "files", "auth",  "keys",
                                          "log",     "gate",  "master" };
    static const char *const weaker[][2] = {
        { "listen", "127.0.0.1:0, 127.0.0.1:0 proxy" },
        { "proxies", "127.0.0.5" },
        { "client_certificates", "request" },
        { "ports", "auto" },
        { "address", "192.0.2.7" },
        { "data_binding", "address" },
        { "upload_eof", "lenient" },
        { "fsync", "no" },
        { "mode_z", "yes" },
        { "sha256", "yes" },
        { "password_change", "yes" },
        { "allow_weaker", "ids chroot landlock" },
    };
    struct session s;
    char title[32];

    if (geteuid() != 0 || server_is_sanitized())
        return;
    server->troubles = true;
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < sizeof(weaker) / sizeof(weaker[0]) && round; i++)
            server_set(server, weaker[i][0], weaker[i][1]);
        server_set(server, "client_ca", server_path(server, "certificate.pem"));
        ctl(server, 0, "reload", "");
        generation_wait_at_most(server, 1);
        for (size_t i = 0; i < sizeof(titles) / sizeof(titles[0]); i++) {
            snprintf(title, sizeof(title), "sallyport: %s", titles[i]);
            cr_assert(wait_until(session_can_enter, server, WAIT_MS), "%s",
                      title);
            session_enter(&s, server, "anna");
            cr_expect_not(make_call(stop(server, title), SYS_connect, -1),
                          "%s may connect, settings %d", title, round);
            session_drop(&s);
        }
    }
}
#endif
