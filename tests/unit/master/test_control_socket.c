/* Tests of the control socket in the file system: master makes it, inherits it,
 * takes it from a killed server, but never from a living one, and removes
 * it. */
#include "master/control/control.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "master/start/start.h"
#include "sallyport/base/address.h"
#include "sallyport/base/fd.h"
#include "sallyport/ipc/generation.h"
#include "support/cast.h"
#include "support/scratch.h"
#include "support/test.h"

static char path[128], run[128]; /* RUN is the directory of PATH */

static void enter(void)
{
    scratch_make();
    snprintf(run, sizeof(run), "%s/run", scratch);
    snprintf(path, sizeof(path), "%s/run/control", scratch);
}

TestSuite(control_socket, .init = enter, .fini = scratch_remove);

static unsigned mode_of(const char *name)
{
    struct stat st;

    return lstat(name, &st) == 0 ? st.st_mode & 07777u : 0;
}

static bool is_there(void)
{
    return mode_of(path) != 0;
}

static void opens(struct control_socket *s)
{
    struct complaint c = { "" };

    cr_assert_eq(control_socket_open(s, path, NULL, &c), 0, "%s", c.text);
}

static void is_refused(int result, const char *words)
{
    struct control_socket s;
    struct complaint c = { "" };

    cr_assert_eq(control_socket_open(&s, path, NULL, &c), result, "%s", c.text);
    cr_expect(strstr(c.text, words), "%s", c.text);
    cr_expect(strncmp(c.text, path, strlen(path)) == 0, "%s", c.text);
    cr_expect_eq(s.fd, -1);
    cr_expect_eq(s.directory, -1);
}

static void make_folder(mode_t mode)
{
    cr_assert_eq(mkdir(run, 0700), 0);
    cr_assert_eq(chmod(run, mode), 0);
}

/* In a frozen file system mkdir(2) waits, also for a directory that is there.
 */
Test(control_socket, makes_no_directory_that_is_there)
{
    const struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
#ifdef SYS_mkdir
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mkdir, 1, 0),
#endif
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mkdirat, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EIO),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog filter = { sizeof(code) / sizeof(code[0]),
                                       (struct sock_filter *)code };
    struct control_socket s;

    make_folder(0711);
    cr_assert_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    cr_assert_eq(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter), 0);
    opens(&s);
    control_socket_close(&s, true);
}

Test(control_socket, is_made_and_removed)
{
    struct control_socket s;

    umask(0);
    opens(&s);
    cr_expect_eq(mode_of(run), 0711);
    cr_expect_eq(mode_of(path), 0600);
    cr_expect_eq(umask(0), 0, "the umask is as it was");
    control_socket_close(&s, true);
    cr_expect_not(is_there());
    control_socket_close(&s, true); /* a second call has no effect */
}

Test(control_socket, another_server_answers)
{
    struct control_socket first;

    opens(&first);
    is_refused(-EAGAIN, "another server answers there");
    cr_assert(is_there());
    control_socket_close(&first, true);
}

/* A server with a full queue counts as living, although no caller can
 * connect. */
Test(control_socket, a_busy_server_answers)
{
    struct control_socket first;
    struct sockaddr_un at;
    int size, n = 0;

    opens(&first);
    size = local_address(first.directory, first.name, &at);
    for (;; n++) {
        int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0);

        cr_assert_lt(n, 1000);
        if (connect(fd, (struct sockaddr *)&at, (socklen_t)size) < 0)
            break;
    }
    is_refused(-EAGAIN, "another server answers there");
    cr_assert(is_there());
}

/* A server that was killed has left the name, but doesn't listen: the next
 * server takes the name. */
Test(control_socket, a_stale_one_is_replaced)
{
    struct control_socket s;

    opens(&s);
    fd_close(&s.fd);
    fd_close(&s.directory);
    cr_assert(is_there());
    opens(&s);
    is_refused(-EAGAIN, "another server answers there");
    control_socket_close(&s, true);
    cr_assert_not(is_there());
}

/* They are free for the directory and the lock, but not for the socket. */
Test(control_socket, without_a_free_descriptor)
{
    const int next = dup(STDIN_FILENO);
    const struct rlimit few = { (rlim_t)next + 2, (rlim_t)next + 2 };

    cr_assert_eq(close(next), 0);
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
    is_refused(-EAGAIN, "Too many open files");
}

#define MANY   8
#define ROUNDS 1000 /* so many that, without a lock, some rounds would fail */

struct race {
    pthread_barrier_t all;
    int won;
    bool wrong;
};

/* Runs in a fork: each round begins with a stale name, and one of the forks
 * must get it. */
static _Noreturn void race(struct race *r)
{
    struct control_socket s;
    struct complaint c = { "" };

    for (int i = 1; i <= ROUNDS; i++) {
        pthread_barrier_wait(&r->all);
        if (control_socket_open(&s, path, NULL, &c) == 0)
            __atomic_add_fetch(&r->won, 1, __ATOMIC_SEQ_CST);
        pthread_barrier_wait(&r->all);
        if (r->won != i)
            r->wrong = true;
        fd_close(&s.fd);
        fd_close(&s.directory);
    }
    _exit(0);
}

Test(control_socket, one_of_many)
{
    struct race *r = mmap(NULL, sizeof(*r), PROT_READ | PROT_WRITE,
                          MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pthread_barrierattr_t shared;
    struct control_socket s;

    opens(&s);
    fd_close(&s.fd);
    fd_close(&s.directory);
    pthread_barrierattr_init(&shared);
    pthread_barrierattr_setpshared(&shared, PTHREAD_PROCESS_SHARED);
    cr_assert_eq(pthread_barrier_init(&r->all, &shared, MANY), 0);
    for (int i = 0; i < MANY; i++)
        if (fork() == 0)
            race(r);
    while (wait(NULL) > 0)
        ;
    cr_expect_eq(r->won, ROUNDS);
    cr_expect_not(r->wrong);
}

/* Another process holds the lock: the complaint says so. A lock on the
 * directory, which anybody can take, stops nobody. */
Test(control_socket, what_is_locked)
{
    struct control_socket s;
    char lock[160];

    make_folder(0755);
    FD_CLEANUP int folder = open(run, O_RDONLY);
    cr_assert_eq(flock(folder, LOCK_EX), 0);
    opens(&s);
    control_socket_close(&s, true);
    snprintf(lock, sizeof(lock), "%s.lock", path);
    cr_expect_eq(mode_of(lock), 0600);
    FD_CLEANUP int fd = open(lock, O_RDWR);
    cr_assert_eq(flock(fd, LOCK_EX), 0);
    is_refused(-EAGAIN, "run: lslocks");
    cr_assert_not(is_there());
}

Test(control_socket, other_files_at_the_path)
{
    char target[128];

    make_folder(0700);
    cr_assert_eq(close(open(path, O_CREAT | O_WRONLY, 0600)), 0);
    is_refused(-EINVAL, "a socket");
    cr_assert(is_there());
    cr_assert_eq(unlink(path), 0);

    snprintf(target, sizeof(target), "%s/elsewhere", scratch);
    cr_assert_eq(symlink(target, path), 0);
    is_refused(-EINVAL, "a socket");
    cr_expect_eq(mode_of(target), 0, "nothing is made where a link leads");
}

Test(control_socket, folders_that_are_refused)
{
    make_folder(0770);
    is_refused(-EINVAL, "others can write");
    snprintf(path, sizeof(path), "%s/no/where/control", scratch);
    is_refused(-EINVAL, "No such file");
    snprintf(path, sizeof(path), "%s/run/", scratch);
    is_refused(-EINVAL, "Invalid");
    if (geteuid() == 0) {
        snprintf(path, sizeof(path), "%s/run/control", scratch);
        cr_assert_eq(chmod(run, 0700), 0);
        cr_assert_eq(chown(run, 70000, 70000), 0);
        is_refused(-EINVAL, "belongs to uid 70000");
    }
}

/* The socket belongs to another server now, and stays. */
Test(control_socket, removes_only_its_own)
{
    struct control_socket s, other;

    opens(&s);
    cr_assert_eq(unlink(path), 0);
    opens(&other);
    control_socket_close(&s, true);
    cr_expect(is_there());
    control_socket_close(&other, true);
    cr_expect_not(is_there());
}

/* A generation, and the descriptors that it passes to the supervisor, which the
 * test plays. */
struct line {
    struct control_socket socket;
    struct succession succession;
    struct channel supervisor;
    struct inherited inherits, keeps;
    char name[GENERATION_NAME_MAX];
};

static void line_open(struct line *l, const struct line *before)
{
    struct complaint c = { "" };

    *l = (struct line){ .socket.fd = -1 };
    succession_init(&l->succession);
    channel_make_both(&l->succession.supervisor, PROCESS_MASTER, &l->supervisor,
                      PROCESS_SUPERVISOR, PHASE_RUN);
    if (before) {
        l->inherits = before->keeps;
        l->succession.inherited = &l->inherits;
        l->succession.count = 1;
    }
    cr_assert_eq(control_socket_open(&l->socket, path, &l->succession, &c), 0,
                 "%s", c.text);
    EXPECT(&l->supervisor, keep);
    slice_copy(heard.keep.name, l->name, sizeof(l->name));
    cr_assert_eq(strncmp(l->name, "control ", 8), 0);
    l->keeps = (struct inherited){ l->name, fd_take(&heard.keep.file) };
}

static int call(void)
{
    int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
    struct sockaddr_un at = { .sun_family = AF_UNIX };

    strcpy(at.sun_path, path);
    cr_assert_eq(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    return fd;
}

static bool answers(const struct line *l)
{
    FD_CLEANUP int fd = accept(l->socket.fd, NULL, NULL);

    return fd >= 0;
}

/* A caller waits while no generation answers, and the next generation answers
 * it. */
Test(control_socket, is_inherited)
{
    struct line first, second;
    int caller;

    line_open(&first, NULL);
    cr_expect_not(first.socket.inherited);
    caller = call();
    control_socket_close(&first.socket, false);
    line_open(&second, &first);
    cr_expect(second.socket.inherited);
    cr_expect_eq(second.inherits.fd, -1, "it was taken");
    cr_expect(answers(&second));
    close(caller);
    control_socket_close(&second.socket, true);
    cr_expect_not(is_there());
}

/* A generation makes a new socket if the path is another one, or if the name
 * was removed. The old name belongs to its maker, and stays. */
Test(control_socket, is_inherited_only_where_it_stands)
{
    struct line first, second, third;
    char old[128];

    line_open(&first, NULL);
    strcpy(old, path);
    snprintf(path, sizeof(path), "%s/other/control", scratch);
    line_open(&second, &first);
    cr_expect_not(second.socket.inherited);
    cr_expect(mode_of(old) == 0600 && is_there());
    close(call());
    cr_expect(answers(&second));
    cr_assert_eq(unlink(path), 0);
    line_open(&third, &second);
    cr_expect_not(third.socket.inherited);
    close(call());
    cr_expect(answers(&third));
    control_socket_close(&second.socket, true);
    cr_expect(is_there());
}

/* Another server has taken the name: the next generation fails. */
Test(control_socket, another_server_has_taken_the_name)
{
    struct control_socket other;
    struct complaint c = { "" };
    struct line first, second;

    line_open(&first, NULL);
    cr_assert_eq(unlink(path), 0);
    opens(&other);
    second = first;
    second.succession.inherited = &first.keeps;
    second.succession.count = 1;
    cr_expect_eq(
        control_socket_open(&second.socket, path, &second.succession, &c),
        -EAGAIN);
    cr_expect(strstr(c.text, "another server answers there"), "%s", c.text);
}

/* Sets up the part of master that works without children. */
static void raise_master(struct master *m, struct master_parts *parts,
                         const struct line *before)
{
    struct complaint c = { "" };

    master_init(m);
    parts_attach(m, parts);
    if (before) {
        struct inherited *h = malloc(sizeof(*h));

        *h = (struct inherited){ before->name, dup(before->keeps.fd) };
        m->succession.inherited = h;
        m->succession.count = 1;
    }
    cr_assert_eq(loop_init(&m->loop), 0);
    cr_assert_eq(
        control_socket_open(&m->control->socket, path, &m->succession, &c), 0,
        "%s", c.text);
    cr_assert_eq(control_start(m->control), 0);
}

static void let_in(struct master *m, struct channel *caller)
{
    m->control->watch.on_ready(m, EPOLLIN);
    EXPECT(caller, welcome);
    caller->phase = PHASE_ASKED;
}

static void who_answers(struct master *m, struct channel *caller)
{
    struct peer *p = &m->control->peer[0];

    REQUEST(caller, who);
    p->watch.on_ready(p, EPOLLIN);
    EXPECT(caller, end);
}

/* A generation that retires has no listener any more, but answers connected
 * callers. The generation that inherits the listener accepts callers when it
 * leads. */
Test(control_socket, goes_to_the_generation_that_leads)
{
    static struct master old, new;
    static struct master_parts old_parts, new_parts;
    struct channel first, second;
    struct line line;

    line_open(&line, NULL);
    raise_master(&old, &old_parts, &line);
    cr_expect_not(old.control->watch.added, "it doesn't lead yet");
    old.succession.leads = true;
    control_lead(old.control);
    cr_expect(old.control->watch.added);
    channel_init(&first, call(), PROCESS_CTL, PROCESS_MASTER, PHASE_START);
    let_in(&old, &first);
    raise_master(&new, &new_parts, &line);
    control_close(old.control, false);
    cr_expect_not(old.control->watch.added);
    cr_expect_eq(old.control->socket.fd, -1);
    channel_init(&second, call(), PROCESS_CTL, PROCESS_MASTER, PHASE_START);
    new.succession.leads = true;
    control_lead(new.control);
    let_in(&new, &second);
    who_answers(&old, &first);
    control_stop(old.control);
    cr_expect(is_there(), "the old one leaves the name");
    control_stop(new.control);
    cr_expect_not(is_there(), "the last one removes it");
}

/* Gate has ended before LEAD comes: master has no socket to accept on, and
 * reports nothing. */
Test(control_socket, of_a_generation_that_leads_too_late)
{
    static struct master_parts parts;
    static struct master m;
    struct line line;
    int pair[2];
    char byte;

    line_open(&line, NULL);
    raise_master(&m, &parts, &line);
    cr_assert_eq(fd_pair(pair), 0);
    event_sender_init(&m.events, pair[0], PROCESS_MASTER);
    m.logs = true;
    control_close(m.control, false);
    control_lead(m.control);
    cr_expect_lt(recv(pair[1], &byte, 1, MSG_DONTWAIT), 0, "an event");
    control_stop(m.control);
    event_sender_release(&m.events);
    close(pair[1]);
}

static const struct {
    const char *what;
    bool inherits, leads;
    int status;
    bool stays;
} ends[] = {
    { "a start that made it fails", false, false, 1, false },
    { "a start that inherited it fails", true, false, 1, true },
    { "the service ends", false, true, 0, false },
    { "the service ends after a reload", true, true, 0, false },
    { "the one that leads fails", false, true, 1, true },
};

Test(control_socket, removal_of_the_name)
{
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        static struct master m;
        static struct master_parts parts;
        struct line line;

        if (ends[i].inherits)
            line_open(&line, NULL);
        raise_master(&m, &parts, ends[i].inherits ? &line : NULL);
        m.succession.leads = ends[i].leads;
        m.status = ends[i].status;
        control_stop(m.control);
        cr_expect_eq(is_there(), ends[i].stays, "%s", ends[i].what);
        free(m.succession.inherited);
        unlink(path);
    }
}

static void admits(struct control_socket *s, gid_t group, unsigned mode)
{
    struct complaint c = { "" };
    struct stat st;

    cr_assert_eq(control_socket_admit(s, group, &c), 0, "%s", c.text);
    cr_assert_eq(stat(path, &st), 0);
    cr_expect_eq(st.st_gid, group ? group : getegid());
    cr_expect_eq(mode_of(path), mode);
}

/* Master sets the group of the socket without CAP_CHOWN. The next start finds
 * the group there, and changes nothing. */
Test(control_socket, of_a_group)
{
    struct stat before, after;
    struct control_socket s;
    gid_t own = getegid();

    opens(&s);
    admits(&s, geteuid() == 0 ? 12345 : own, 0660);
    cr_expect_eq(getegid(), own);
    cr_assert_eq(stat(path, &before), 0);
    admits(&s, geteuid() == 0 ? 12345 : own, 0660);
    /* The socket was never closed to the group. */
    cr_assert_eq(stat(path, &after), 0);
    cr_expect(before.st_ctim.tv_sec == after.st_ctim.tv_sec &&
              before.st_ctim.tv_nsec == after.st_ctim.tv_nsec);
    admits(&s, 0, 0600);
    control_socket_close(&s, true);
}

/* An ordinary owner can give the socket only to its own groups. */
Test(control_socket, of_a_group_that_it_cannot_have)
{
    struct complaint c = { "" };
    struct control_socket s;

    if (geteuid() == 0)
        cr_skip_test("root can");
    opens(&s);
    admits(&s, getegid(), 0660);
    cr_expect_lt(control_socket_admit(&s, 12345, &c), 0);
    cr_expect(strstr(c.text, "control_group: "), "%s", c.text);
    cr_expect_eq(mode_of(path), 0660, "the group of before is out");
    control_socket_close(&s, true);
}

Test(control_socket, a_directory_that_the_group_cannot_pass)
{
    struct complaint c = { "" };
    struct control_socket s;

    make_folder(0700);
    opens(&s);
    cr_expect_eq(control_socket_permits(&s, 12345, &c), -EINVAL);
    cr_expect(strstr(c.text, "run: chmod o+x"), "%s", c.text);
    cr_expect_eq(mode_of(path), 0600);
    control_socket_close(&s, true);
}

/* A generation can end while members of control_group are connected. */
Test(control_socket, readers_keep_no_generation)
{
    static struct control c;

    c.peer[0].used = c.peer[0].reads_only = true;
    cr_expect(control_is_idle(&c));
    c.peer[1].used = true;
    cr_expect_not(control_is_idle(&c));
}
