/* The fork in which master runs, and the processes of its actors. These
 * processes only stay alive: the test sends their messages. */
#include "stage.h"

#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "helpers.h"
#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"
#include "sallyport/conf/conf.h"
#include "support/scratch.h"
#include "support/settings.h"

/* The hash of "pw"; master never looks at it. */
#define HASH                                                                   \
    "$6$rounds=1000$sallyporttests$mKPbYSSQMP"                                 \
    "MAmkTj7q4Mi6IOVgNuXmCrF6k61y4GH/"                                         \
    "qWa649mS0W4Bz4Mbbg3b0VV4Q5wfh0x6flbwrb2d1wJ."

#define TEST_SECONDS 120

struct stage stage;
struct player anna;
struct actor ours;
static int control_of_master = -1;
static struct master *the_master;

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
static int leaks(void)
{
    return __lsan_do_recoverable_leak_check();
}
#else
static int leaks(void)
{
    return 0;
}
#endif

static void close_and_stay(int number)
{
    (void)number;
    close_range(3, ~0U, 0);
}

static void end_well(int number)
{
    (void)number;
    _exit(0);
}

static void end_badly(int number)
{
    (void)number;
    _exit(EX_SOFTWARE);
}

static void end_short(int number)
{
    (void)number;
    _exit(EX_TEMPFAIL);
}

/* Stays alive until master closes its end of the channel. After SIGUSR1 it
 * closes its own end and stays alive; after SIGUSR2 it ends with status 0,
 * after SIGQUIT with EX_SOFTWARE, and after SIGALRM with EX_TEMPFAIL. */
static _Noreturn void live(int fd)
{
    struct pollfd one = { .fd = fd };

    while (poll(&one, 1, -1) < 1 || !(one.revents & POLLHUP))
        if (one.revents & POLLNVAL)
            pause();
    _exit(0);
}

static void be_an_actor(void)
{
    sigset_t none;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Runs the process of a session. It receives the status of wait(2) with which
 * it must end; if ROPE is closed, it ends with 0. */
static _Noreturn void be_a_session(int rope)
{
    int status = 0;

    if (recv(rope, &status, sizeof(status), 0) <= 0)
        _exit(0);
    if (WIFSIGNALED(status)) {
        signal(WTERMSIG(status), SIG_DFL);
        kill(getpid(), WTERMSIG(status));
    }
    _exit(WEXITSTATUS(status));
}

/* Runs a child of master that forks other children of master, as gate does. */
static _Noreturn void bear_sessions(int births)
{
    char byte;

    be_an_actor();
    fd_close_others(3, &births, 1);
    while (recv(births, &byte, 1, 0) == 1) {
        int rope[2], pid;

        if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, rope) < 0)
            _exit(1);
        pid = (int)syscall(SYS_clone, CLONE_PARENT | SIGCHLD, NULL, NULL, NULL,
                           NULL);
        if (pid == 0) {
            be_an_actor();
            fd_close_others(3, &rope[1], 1);
            be_a_session(rope[1]);
        }
        if (raw_send(births, &pid, sizeof(pid), rope, 1) < 0)
            _exit(1);
        close(rope[0]);
        close(rope[1]);
    }
    _exit(0);
}

static void tell(const struct stage_note *note, const int *fd, size_t n)
{
    if (raw_send(control_of_master, note, sizeof(*note), fd, n) < 0)
        _exit(1);
}

static void note_setup(struct stage_note *note, const struct setup *setup)
{
    for (size_t i = 0; i < SETUP_PLACES; i++)
        note->given[i] = setup->file[i].fd >= 0;
}

/* Lets master send the note, so that the notes come in the order of the
 * starts. */
static pid_t spawn(const struct master *m, const char *binary, int channel,
                   const struct setup *setup)
{
    const int fd[] = { channel, setup->file[SETUP_BEAT].fd };
    struct stage_note note = { .pid = fork() };

    (void)m;
    if (note.pid == 0) {
        be_an_actor();
        fd_close_others(3, &channel, 1);
        live(channel);
    }
    if (note.pid < 0)
        return -errno;
    snprintf(note.binary, sizeof(note.binary), "%s", binary);
    note_setup(&note, setup);
    tell(&note, fd, fd[1] < 0 ? 1 : 2);
    return note.pid;
}

/* Returns true if this process has the memory of the table of sessions. */
static bool has_sessions(void)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t at = (uintptr_t)the_master->sessions->all & ~(page - 1);
    unsigned char in_core;

    return mincore((void *)at, 1, &in_core) == 0 || errno != ENOMEM;
}

static bool has_keys(void)
{
    static const struct secrets none;

    return memcmp(&the_master->secrets, &none, sizeof(none)) != 0;
}

static void note_mounts(struct stage_note *note,
                        const struct files_start *start)
{
    size_t len = 0;
    char text[16];

    for (size_t i = 0; i < start->mount_count; i++) {
        const struct files_mount *m = &start->mounts[i];

        len += (size_t)snprintf(note->mounts + len, sizeof(note->mounts) - len,
                                "%s%s %s %u %s %o %o\n", m->late ? "late " : "",
                                m->at, m->path, (unsigned)m->gid,
                                rights_text(m->rights, text), m->file_mode,
                                m->dir_mode);
    }
    snprintf(note->mounts + len, sizeof(note->mounts) - len, "/ %o %o %s",
             start->rules.file_mode, start->rules.dir_mode, start->shares);
}

static void play_files(struct master *m, const struct files_start *start)
{
    const int fd[] = { start->master, start->session, start->log };
    const int keep[] = { fd[0], fd[1], fd[2], control_of_master };
    struct stage_note note = { .pid = getpid(),
                               .binary = "files",
                               .serial = start->serial,
                               .rights = start->rights,
                               .sees_users =
                                   the_master->users->users.row != NULL,
                               .sees_sessions = has_sessions(),
                               .sees_keys = has_keys() };

    (void)m;
    be_an_actor();
    memcpy(note.name_key, start->name_key, sizeof(note.name_key));
    snprintf(note.name, sizeof(note.name), "%s", start->name);
    snprintf(note.home, sizeof(note.home), "%s", start->home);
    note_mounts(&note, start);
    fd_close_others(3, keep, 4); /* before the test can stop this fork */
    tell(&note, fd, 3);
    fd_close_others(3, fd, 1);
    live(fd[0]);
}

static const char *path_in(const char *name)
{
    static char path[128];

    snprintf(path, sizeof(path), "%s/%s", stage.folder, name);
    return path;
}

void stage_users(const char *text)
{
    char path[128], made[128];
    FILE *f;

    snprintf(made, sizeof(made), "%s", path_in("users.new"));
    f = fopen(made, "w");
    cr_assert(f && fputs(text, f) >= 0 && fchmod(fileno(f), 0600) == 0);
    fclose(f);
    snprintf(path, sizeof(path), "%s", path_in("users"));
    cr_assert(rename(made, path) == 0);
}

static void make_users(void)
{
    char text[1024];

    snprintf(text, sizeof(text),
             "anna:" HASH ":70000:70000::%s/anna:: shares=contracts:read "
             "teams=legal dir_mode=0750\n"
             "bert:" HASH ":70001:70001::%s/bert:: shares=contracts:drop\n"
             "carl:!" HASH ":70002:70002::%s/carl::\n"
             "@share:contracts:80000:%s/contracts:\n"
             "@share:offers:80001:%s/offers:file_mode=0640\n"
             "@team:legal:shares=offers\n",
             stage.folder, stage.folder, stage.folder, stage.folder,
             stage.folder);
    stage_users(text);
}

static int board_fd = -1;

struct board *stage_board(void)
{
    struct board *b = NULL;

    board_fd = board_make();
    cr_assert_eq(SHARED_MAP(b, board_fd, PROT_READ | PROT_WRITE), 0);
    return b;
}

static void give_board(struct master *m)
{
    struct inherited *one = calloc(1, sizeof(*one));

    if (!one)
        _exit(6);
    *one = (struct inherited){ .name = BOARD_NAME, .fd = board_fd };
    m->succession.inherited = one;
    m->succession.count = 1;
}

static void adjust_for_tests(struct master *m)
{
    if (board_fd >= 0)
        give_board(m);
    m->auth_count = 1;
    m->deadlines.quiet = 0;
    m->deadlines.fresh = 10000;
    m->deadlines.hang = 600000; /* the actors don't count */
    m->deadlines.restart = 1;
    m->deadlines.kick = 300;
    m->deadlines.sync = 300;
    m->deadlines.leaving = 300;
    m->deadlines.stop = 1000; /* longer than a kick */
    m->deadlines.last = 1000;
    m->deadlines.unlogged = 10;
    m->deadlines.users = 60000;
    m->deadlines.pause = 0;
    m->settings.max_sessions = 8;
    m->settings.max_per_user =
        100; /* sessions that have just left still count */
    m->settings.login_delay = 1;
    m->settings.login_tries = 100;
    m->settings.guess_delay = 0;
    m->settings.ban_after = 0;
}

void stage_waits(struct master *m)
{
    m->deadlines.kick = m->deadlines.stop = 1000L * TEST_SECONDS;
}

static void open_listeners(struct master *m)
{
    struct complaint c = { "" };

    m->settings.listen_count = 1;
    if (address_parse_port(SLICE("127.0.0.1:0"),
                           &m->settings.listen[0].address) < 0)
        _exit(2);
    if (listeners_open(m->listeners, &m->settings, NULL, &c) < 0)
        _exit(3);
}

/* Dates the file an hour back, since master doesn't trust the times of files
 * that have just changed. */
static void make_file(const char *path)
{
    const struct timespec then = { .tv_sec = time(NULL) - 3600 };
    int fd = open(path, O_WRONLY | O_CREAT, 0600);

    if (fd < 0 || futimens(fd, (struct timespec[]){ then, then }) < 0)
        _exit(5);
    close(fd);
}

static void open_certificates(struct master *m)
{
    static const char *const names[] = { "certificate", "key" };
    char *const paths[] = { m->settings.certificate, m->settings.key };
    struct complaint c = { "" };

    for (int i = 0; i < 2; i++) {
        snprintf(paths[i], SETTINGS_PATH_MAX, "%s", path_in(names[i]));
        make_file(paths[i]);
    }
    if (certificates_open(m, &c) < 0)
        _exit(4);
}

static _Noreturn void run_master(int births, void (*adjust)(struct master *m))
{
    static struct master m;
    static struct master_parts parts;
    struct complaint c = { "" };
    int status;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (fork() == 0)
        bear_sessions(births);
    close(births);
    signal(SIGUSR1, close_and_stay); /* for the actors: forks of master */
    signal(SIGUSR2, end_well);
    signal(SIGQUIT, end_badly);
    signal(SIGALRM, end_short);
    the_master = &m;
    master_init(&m);
    conf_default(&m.settings);
    parts_attach(&m, &parts);
    adjust_for_tests(&m);
    m.hooks.spawn = spawn;
    m.hooks.files = play_files;
    snprintf(m.settings.users, sizeof(m.settings.users), "%s",
             path_in("users"));
    snprintf(m.settings.homes, sizeof(m.settings.homes), "%s", stage.folder);
    snprintf(m.settings.shares, sizeof(m.settings.shares), "%s", stage.folder);
    snprintf(m.settings.state, sizeof(m.settings.state), "%s", stage.folder);
    m.conf = settings_of("fsync = no\n");
    open_certificates(&m);
    m.empty = open("/dev/null", O_RDONLY);
    helpers_find(&m);
    if (adjust)
        adjust(&m);
    open_listeners(&m);
    if (prepare_memory(&m, &c) < 0)
        _exit(6);
    if (control_socket_open(&m.control->socket, path_in("control"), NULL, &c) <
        0)
        _exit(5);
    if (userdb_look(m.users, &c) < 0 || master_start(&m) < 0)
        _exit(4);
    status = master_run(&m);
    master_release(&m);
    if (leaks())
        status = 99;
    _exit(status);
}

void stage_raise(void (*adjust)(struct master *m))
{
    int ends[2], births[2];

    stage = (struct stage){ .events.fd = -1 };
    stage.gate.channel.fd = stage.auth.channel.fd = -1;
    stage.keys.channel.fd = stage.log.channel.fd = -1;
    stage.gate.beat = stage.keys.beat = -1;
    snprintf(stage.folder, sizeof(stage.folder), "/tmp/sallyport-stage-XXXXXX");
    cr_assert(mkdtemp(stage.folder));
    alarm(TEST_SECONDS); /* Criterion's own timeout leaks (BoxFort's timers) */
    make_users();
    cr_assert(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
    cr_assert(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, births) ==
              0);
    stage.master = fork();
    cr_assert(stage.master >= 0);
    if (stage.master == 0) {
        close(ends[0]);
        close(births[0]);
        control_of_master = ends[1];
        run_master(births[1], adjust);
    }
    close(ends[1]);
    close(births[1]);
    stage.control = ends[0];
    stage.births = births[0];
}

void stage_ended(int status)
{
    struct pollfd one = { .fd = stage.control };
    int how;

    /* Master's end of the control socket closes when master and its actors have
     * ended. */
    cr_assert(poll(&one, 1, STAGE_WAIT_MS) == 1, "master goes on");
    cr_assert(waitpid(stage.master, &how, 0) == stage.master);
    cr_assert(WIFEXITED(how), "master ended by signal %d", WTERMSIG(how));
    cr_assert_eq(WEXITSTATUS(how), status, "master ended with %d",
                 WEXITSTATUS(how));
    close(stage.control);
    scratch_remove_tree(stage.folder);
}

static void close_all(void)
{
    channel_close(&stage.gate.channel);
    channel_close(&stage.auth.channel);
    channel_close(&stage.keys.channel);
    channel_close(&stage.log.channel);
    channel_close(&stage.events);
    users_release(&stage.users);
    fd_close(&stage.gate.beat);
    fd_close(&stage.keys.beat);
    fd_close(&stage.births);
}

void stage_close(void)
{
    close_all();
    kill(stage.master, SIGTERM);
    stage_ended(0);
}

void stage_ends(void)
{
    close_all();
    stage_ended(0);
}

pid_t stage_bear(int *rope)
{
    int fd[RAW_FDS], pid;
    size_t n;

    cr_assert_eq(send(stage.births, "", 1, 0), 1);
    cr_assert_eq(raw_receive(stage.births, &pid, sizeof(pid), fd, &n),
                 sizeof(pid));
    cr_assert_eq(n, 1);
    *rope = fd[0];
    return pid;
}

static enum process process_of(const char *binary)
{
    for (unsigned p = 0; p < PROCESS_COUNT; p++)
        if (strcmp(process_name(p), binary) == 0)
            return p;
    cr_assert(false, "%s", binary);
    return PROCESS_COUNT;
}

void actor_enter(struct actor *a, const char *binary)
{
    struct pollfd one = { .fd = stage.control, .events = POLLIN };
    int fd[RAW_FDS];
    size_t n;

    cr_assert(poll(&one, 1, STAGE_WAIT_MS) == 1, "no %s is started", binary);
    cr_assert_eq(raw_receive(stage.control, &a->note, sizeof(a->note), fd, &n),
                 (ssize_t)sizeof(a->note));
    cr_assert_gt(n, 0);
    cr_assert_str_eq(a->note.binary, binary);
    channel_init(&a->channel, fd[0], process_of(binary), PROCESS_MASTER,
                 PHASE_START);
    if (n == 2) {
        fd_close(&a->beat);
        a->beat = fd[1];
    }
    if (n == 3) {
        a->session = fd[1];
        a->log = fd[2];
    }
}

/* Master can have seen the closed channel already, and ended the process. */
static void end_by(struct actor *a, int signal)
{
    channel_close(&a->channel);
    cr_assert(kill(a->note.pid, signal) == 0 || errno == ESRCH);
}

void actor_die(struct actor *a)
{
    end_by(a, SIGKILL);
}

void actor_finish(struct actor *a)
{
    end_by(a, SIGUSR2);
}

static void fails(struct actor *a, struct slice why, int signal)
{
    /* Stop the process: it could end before SIGNAL, since master closes the
     * channel. */
    cr_assert(kill(a->note.pid, SIGSTOP) == 0);
    SAY(&a->channel, failed, .why = why);
    channel_close(&a->channel);
    cr_assert(kill(a->note.pid, signal) == 0);
    cr_assert(kill(a->note.pid, SIGCONT) == 0);
}

void actor_is_of_another_build(struct actor *a)
{
    fails(a, SLICE("another build"), SIGQUIT);
}

void actor_is_short(struct actor *a)
{
    fails(a, SLICE("no memory"), SIGALRM);
}

void actor_leave(struct actor *a)
{
    channel_close(&a->channel);
    cr_assert(kill(a->note.pid, SIGUSR1) == 0);
}
